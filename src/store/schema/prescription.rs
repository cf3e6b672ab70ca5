//! What is meant to change: cycles, objectives, key results, check-ins, initiatives.

tables! {
    cycles (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        slug -> Text,
        name -> Text,
        name_folded -> Text,
        starts_on -> SqlDay,
        ends_on -> SqlDay,
        state -> Text,
        parent_id -> Nullable<SqlId>,
        version -> Integer,
        created_at -> SqlMoment,
        updated_at -> SqlMoment,
    }

    objectives (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        cycle_id -> Nullable<SqlId>,
        parent_id -> Nullable<SqlId>,
        title -> Text,
        title_folded -> Text,
        why -> Nullable<Text>,
        owner_id -> Nullable<SqlId>,
        team_id -> Nullable<SqlId>,
        weight -> Double,
        starts_on -> Nullable<SqlDay>,
        ends_on -> Nullable<SqlDay>,
        state -> Text,
        progress_source -> Text,
        manual_progress -> Nullable<Double>,
        manual_note -> Nullable<Text>,
        visibility -> Text,
        tags -> SqlJson,
        outcome -> Nullable<Text>,
        score -> Nullable<Double>,
        reflection -> Nullable<Text>,
        frozen -> Nullable<SqlJson>,
        activated_at -> Nullable<SqlMoment>,
        closed_at -> Nullable<SqlMoment>,
        version -> Integer,
        created_at -> SqlMoment,
        updated_at -> SqlMoment,
        archived_at -> Nullable<SqlMoment>,
    }

    objective_states (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        objective_id -> SqlId,
        state -> Text,
        at -> SqlMoment,
        recorded_by -> SqlId,
    }

    objective_closings (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        objective_id -> SqlId,
        outcome -> Text,
        score -> Nullable<Double>,
        reflection -> Nullable<Text>,
        frozen -> SqlJson,
        closed_at -> SqlMoment,
        closed_by -> SqlId,
        reopened_at -> Nullable<SqlMoment>,
        reopened_by -> Nullable<SqlId>,
    }

    key_result_closings (closing_id, key_result_id) {
        workspace_id -> SqlId,
        closing_id -> SqlId,
        key_result_id -> SqlId,
        frozen -> SqlJson,
    }

    objective_carry_overs (objective_id) {
        workspace_id -> SqlId,
        objective_id -> SqlId,
        carried_from_id -> SqlId,
        recorded_at -> SqlMoment,
        recorded_by -> SqlId,
    }

    objective_contributors (objective_id, member_id) {
        workspace_id -> SqlId,
        objective_id -> SqlId,
        member_id -> SqlId,
    }

    objective_teams (objective_id, team_id) {
        workspace_id -> SqlId,
        objective_id -> SqlId,
        team_id -> SqlId,
    }

    objective_moves (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        objective_id -> SqlId,
        parent_id -> Nullable<SqlId>,
        recorded_at -> SqlMoment,
        recorded_by -> SqlId,
        replaced_at -> Nullable<SqlMoment>,
    }

    objective_supports (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        objective_id -> SqlId,
        supported_id -> SqlId,
        recorded_at -> SqlMoment,
        recorded_by -> SqlId,
        ended_at -> Nullable<SqlMoment>,
    }

    key_results (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        objective_id -> SqlId,
        title -> Text,
        title_folded -> Text,
        kind -> Text,
        start -> Nullable<Double>,
        target -> Nullable<Double>,
        range_min -> Nullable<Double>,
        range_max -> Nullable<Double>,
        unit -> Nullable<Text>,
        weight -> Double,
        owner_id -> Nullable<SqlId>,
        due_on -> Nullable<SqlDay>,
        source -> Text,
        kpi_id -> Nullable<SqlId>,
        original_start -> Nullable<Double>,
        original_target -> Nullable<Double>,
        original_range_min -> Nullable<Double>,
        original_range_max -> Nullable<Double>,
        original_due_on -> Nullable<SqlDay>,
        activated_at -> Nullable<SqlMoment>,
        frozen -> Nullable<SqlJson>,
        version -> Integer,
        created_at -> SqlMoment,
        updated_at -> SqlMoment,
        archived_at -> Nullable<SqlMoment>,
    }

    check_ins (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        key_result_id -> SqlId,
        value -> Nullable<Double>,
        confidence -> Text,
        note -> Nullable<Text>,
        blocker -> Nullable<Text>,
        author_id -> Nullable<SqlId>,
        at -> SqlMoment,
        recorded_at -> SqlMoment,
        clears_blocker -> Bool,
    }

    initiatives (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        key_result_id -> Nullable<SqlId>,
        objective_id -> Nullable<SqlId>,
        kpi_id -> Nullable<SqlId>,
        title -> Text,
        title_folded -> Text,
        status -> Text,
        owner_id -> Nullable<SqlId>,
        due_on -> Nullable<SqlDay>,
        url -> Nullable<Text>,
        version -> Integer,
        created_at -> SqlMoment,
        updated_at -> SqlMoment,
        archived_at -> Nullable<SqlMoment>,
    }
}
