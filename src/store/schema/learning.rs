//! What is learned: what happened to KPIs, who looked at them, and what was decided because of them.

tables! {
    annotations (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        kpi_id -> SqlId,
        happened_on -> SqlDay,
        text -> Text,
        url -> Nullable<Text>,
        author_id -> Nullable<SqlId>,
        version -> Integer,
        recorded_at -> SqlMoment,
        recorded_by -> SqlId,
        updated_at -> SqlMoment,
        deleted_at -> Nullable<SqlMoment>,
        deleted_by -> Nullable<SqlId>,
    }

    reviews (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        held_on -> SqlDay,
        team_id -> Nullable<SqlId>,
        notes -> Nullable<Text>,
        author_id -> Nullable<SqlId>,
        version -> Integer,
        recorded_at -> SqlMoment,
        recorded_by -> SqlId,
        updated_at -> SqlMoment,
    }

    review_kpis (review_id, kpi_id, recorded_at) {
        workspace_id -> SqlId,
        review_id -> SqlId,
        kpi_id -> SqlId,
        recorded_at -> SqlMoment,
        ended_at -> Nullable<SqlMoment>,
    }

    review_objectives (review_id, objective_id, recorded_at) {
        workspace_id -> SqlId,
        review_id -> SqlId,
        objective_id -> SqlId,
        recorded_at -> SqlMoment,
        ended_at -> Nullable<SqlMoment>,
    }

    review_attendees (review_id, member_id) {
        workspace_id -> SqlId,
        review_id -> SqlId,
        member_id -> SqlId,
    }

    decisions (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        kpi_id -> SqlId,
        review_id -> Nullable<SqlId>,
        origin -> Text,
        choice -> Text,
        summary -> Nullable<Text>,
        certainty -> Nullable<Integer>,
        expects -> Nullable<Text>,
        expects_by -> Nullable<SqlDay>,
        revisit_on -> Nullable<SqlDay>,
        reverses_id -> Nullable<SqlId>,
        follows_id -> Nullable<SqlId>,
        decided_on -> SqlDay,
        frozen_value -> Nullable<Double>,
        frozen_health -> Text,
        frozen_freshness -> Text,
        frozen_trend -> Nullable<Text>,
        frozen_starts_at -> Nullable<SqlMoment>,
        frozen_min -> Nullable<Double>,
        frozen_max -> Nullable<Double>,
        frozen_tolerance_min -> Nullable<Double>,
        frozen_tolerance_max -> Nullable<Double>,
        version -> Integer,
        recorded_at -> SqlMoment,
        recorded_by -> SqlId,
        updated_at -> SqlMoment,
    }

    decision_links (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        decision_id -> SqlId,
        objective_id -> Nullable<SqlId>,
        initiative_id -> Nullable<SqlId>,
        target_id -> Nullable<SqlId>,
        recorded_at -> SqlMoment,
        ended_at -> Nullable<SqlMoment>,
    }
}
