//! What joins both, what people say of it, and what was told: remedies, guardrails, links, comments, events.

tables! {
    comments (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        objective_id -> Nullable<SqlId>,
        key_result_id -> Nullable<SqlId>,
        initiative_id -> Nullable<SqlId>,
        kpi_id -> Nullable<SqlId>,
        author_id -> Nullable<SqlId>,
        text -> Nullable<Text>,
        version -> Integer,
        created_at -> SqlMoment,
        edited_at -> Nullable<SqlMoment>,
        deleted_at -> Nullable<SqlMoment>,
        deleted_by -> Nullable<SqlId>,
        annotation_id -> Nullable<SqlId>,
        decision_id -> Nullable<SqlId>,
        review_id -> Nullable<SqlId>,
    }

    comment_mentions (comment_id, member_id) {
        workspace_id -> SqlId,
        comment_id -> SqlId,
        member_id -> SqlId,
    }

    remedies (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        kpi_id -> SqlId,
        objective_id -> SqlId,
        note -> Nullable<Text>,
        baseline_value -> Nullable<Double>,
        baseline_health -> Text,
        baseline_starts_at -> Nullable<SqlMoment>,
        baseline_min -> Nullable<Double>,
        baseline_max -> Nullable<Double>,
        baseline_tolerance_min -> Nullable<Double>,
        baseline_tolerance_max -> Nullable<Double>,
        unhealthy_since -> Nullable<SqlDay>,
        shown_outcome -> Text,
        version -> Integer,
        created_at -> SqlMoment,
        created_by -> SqlId,
        updated_at -> SqlMoment,
        withdrawn_at -> Nullable<SqlMoment>,
        withdrawn_by -> Nullable<SqlId>,
    }

    guardrails (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        objective_id -> SqlId,
        kpi_id -> SqlId,
        note -> Nullable<Text>,
        baseline_value -> Nullable<Double>,
        baseline_health -> Text,
        baseline_starts_at -> Nullable<SqlMoment>,
        baseline_min -> Nullable<Double>,
        baseline_max -> Nullable<Double>,
        baseline_tolerance_min -> Nullable<Double>,
        baseline_tolerance_max -> Nullable<Double>,
        shown_breached -> Bool,
        version -> Integer,
        recorded_at -> SqlMoment,
        recorded_by -> SqlId,
        updated_at -> SqlMoment,
        ended_at -> Nullable<SqlMoment>,
        ended_by -> Nullable<SqlId>,
    }

    links (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        kind -> Text,
        name -> Text,
        hash -> Binary,
        hint -> Text,
        member_id -> SqlId,
        kpi_id -> Nullable<SqlId>,
        board_id -> Nullable<SqlId>,
        team_id -> Nullable<SqlId>,
        created_at -> SqlMoment,
        expires_at -> SqlMoment,
        revoked_at -> Nullable<SqlMoment>,
    }

    announcements (workspace_id) {
        workspace_id -> SqlId,
        told_until -> SqlMoment,
    }

    events (workspace_id, sequence) {
        workspace_id -> SqlId,
        sequence -> BigInt,
        at -> SqlMoment,
        actor_kind -> Text,
        actor_id -> Nullable<SqlId>,
        actor_name -> Text,
        #[sql_name = "type"]
        kind -> Text,
        audience -> Text,
        subject_type -> Text,
        subject_id -> SqlId,
        subject_name -> Text,
        change -> SqlJson,
        request_id -> Text,
    }

    idempotent_replies (caller_id, operation, idempotency_key) {
        caller_id -> SqlId,
        operation -> Text,
        idempotency_key -> Text,
        fingerprint -> Binary,
        status -> Integer,
        headers -> SqlJson,
        body -> Binary,
        created_at -> SqlMoment,
    }
}
