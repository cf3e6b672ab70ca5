//! The tables, as diesel sees them on both engines.
//!
//! Column types are the store's own: one Rust type per idea, whatever the engine keeps.
//! A test compares the two migration trees with each other and with this file.

/// Declares tables with the column types of the store at hand.
macro_rules! tables {
    ($($name:ident ($($key:ident),+) { $($columns:tt)* })+) => { $(
        diesel::table! {
            use diesel::sql_types::*;
            use crate::store::types::{SqlDay, SqlId, SqlJson, SqlMoment};

            $name ($($key),+) { $($columns)* }
        }
    )+ };
}

tables! {
    accounts (id) {
        id -> SqlId,
        email -> Text,
        email_folded -> Text,
        name -> Text,
        password_hash -> Text,
        state -> Text,
        password_changed_at -> SqlMoment,
        version -> Integer,
        created_at -> SqlMoment,
        updated_at -> SqlMoment,
    }

    sessions (id) {
        id -> SqlId,
        account_id -> SqlId,
        created_at -> SqlMoment,
        last_used_at -> SqlMoment,
        expires_at -> SqlMoment,
        revoked_at -> Nullable<SqlMoment>,
    }

    refresh_tokens (hash) {
        hash -> Binary,
        session_id -> SqlId,
        created_at -> SqlMoment,
        expires_at -> SqlMoment,
        used_at -> Nullable<SqlMoment>,
    }

    sign_in_attempts (subject) {
        subject -> Binary,
        failures -> Integer,
        locked_until -> Nullable<SqlMoment>,
        last_at -> SqlMoment,
    }

    workspaces (id) {
        id -> SqlId,
        slug -> Text,
        name -> Text,
        name_folded -> Text,
        time_zone -> Text,
        week_starts_on -> Text,
        check_in_rhythm_days -> Integer,
        event_sequence -> BigInt,
        version -> Integer,
        created_at -> SqlMoment,
        updated_at -> SqlMoment,
        deleted_at -> Nullable<SqlMoment>,
    }

    members (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        account_id -> SqlId,
        name -> Text,
        name_folded -> Text,
        role -> Text,
        state -> Text,
        version -> Integer,
        joined_at -> SqlMoment,
        updated_at -> SqlMoment,
        removed_at -> Nullable<SqlMoment>,
    }

    teams (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        slug -> Text,
        name -> Text,
        name_folded -> Text,
        description -> Nullable<Text>,
        parent_id -> Nullable<SqlId>,
        version -> Integer,
        created_at -> SqlMoment,
        updated_at -> SqlMoment,
        archived_at -> Nullable<SqlMoment>,
    }

    team_members (team_id, member_id) {
        workspace_id -> SqlId,
        team_id -> SqlId,
        member_id -> SqlId,
        duty -> Text,
        added_at -> SqlMoment,
    }

    invitations (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        email -> Text,
        email_folded -> Text,
        role -> Text,
        token_hash -> Binary,
        invited_by -> SqlId,
        created_at -> SqlMoment,
        expires_at -> SqlMoment,
        used_at -> Nullable<SqlMoment>,
        revoked_at -> Nullable<SqlMoment>,
    }

    tokens (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        kind -> Text,
        name -> Text,
        hash -> Binary,
        hint -> Text,
        member_id -> SqlId,
        role -> Nullable<Text>,
        scopes -> SqlJson,
        team_ids -> SqlJson,
        key_patterns -> SqlJson,
        created_at -> SqlMoment,
        expires_at -> Nullable<SqlMoment>,
        last_used_at -> Nullable<SqlMoment>,
        revoked_at -> Nullable<SqlMoment>,
    }

    kpis (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        key -> Text,
        name -> Text,
        name_folded -> Text,
        definition -> Nullable<Text>,
        category -> Text,
        cadence -> Text,
        aggregation -> Text,
        indicator -> Nullable<Text>,
        display_style -> Text,
        currency -> Nullable<Text>,
        display_precision -> Nullable<Integer>,
        unit -> Nullable<Text>,
        owner_id -> Nullable<SqlId>,
        team_id -> Nullable<SqlId>,
        decision -> Nullable<Text>,
        playbook_at_risk -> Nullable<Text>,
        playbook_unhealthy -> Nullable<Text>,
        visibility -> Text,
        tags -> SqlJson,
        confirm_periods -> Nullable<Integer>,
        recover_periods -> Integer,
        grace_days -> Nullable<Integer>,
        expect_every -> Nullable<Text>,
        replaced_by -> Nullable<SqlId>,
        active_remedies -> Integer,
        version -> Integer,
        created_at -> SqlMoment,
        updated_at -> SqlMoment,
        archived_at -> Nullable<SqlMoment>,
    }

    kpi_aliases (workspace_id, alias) {
        workspace_id -> SqlId,
        alias -> Text,
        kpi_id -> SqlId,
        kind -> Text,
        created_at -> SqlMoment,
    }

    targets (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        kpi_id -> SqlId,
        effective_from -> SqlDay,
        target_min -> Nullable<Double>,
        target_max -> Nullable<Double>,
        tolerance_min -> Nullable<Double>,
        tolerance_max -> Nullable<Double>,
        note -> Nullable<Text>,
        backdated -> Bool,
        recorded_at -> SqlMoment,
        recorded_by -> SqlId,
        replaced_at -> Nullable<SqlMoment>,
    }

    points (kpi_id, at, feed) {
        workspace_id -> SqlId,
        kpi_id -> SqlId,
        at -> SqlMoment,
        feed -> Text,
        value -> Double,
        note -> Nullable<Text>,
        quality -> Text,
        origin -> Text,
        recorded_at -> SqlMoment,
        recorded_by -> SqlId,
    }

    point_revisions (kpi_id, at, feed, replaced_at, recorded_at) {
        workspace_id -> SqlId,
        kpi_id -> SqlId,
        at -> SqlMoment,
        feed -> Text,
        replaced_at -> SqlMoment,
        value -> Double,
        note -> Nullable<Text>,
        quality -> Text,
        origin -> Text,
        recorded_at -> SqlMoment,
        recorded_by -> SqlId,
    }

    kpi_periods (kpi_id, starts_at) {
        workspace_id -> SqlId,
        kpi_id -> SqlId,
        starts_at -> SqlMoment,
        value -> Nullable<Double>,
        points -> Integer,
        newest_at -> SqlMoment,
        health -> Text,
    }

    kpi_states (kpi_id, from_at) {
        workspace_id -> SqlId,
        kpi_id -> SqlId,
        from_at -> SqlMoment,
        period_starts_at -> Nullable<SqlMoment>,
        value -> Nullable<Double>,
        previous_value -> Nullable<Double>,
        health -> Text,
        reason -> Nullable<Text>,
        since -> Nullable<SqlDay>,
        gap -> Nullable<Double>,
        severity -> Nullable<Double>,
        due_at -> Nullable<SqlMoment>,
        stale_at -> Nullable<SqlMoment>,
        episode_opened_on -> Nullable<SqlDay>,
        episode_opening_value -> Nullable<Double>,
        episode_worst_value -> Nullable<Double>,
        episode_worst_on -> Nullable<SqlDay>,
        closed_opened_on -> Nullable<SqlDay>,
        closed_on -> Nullable<SqlDay>,
        closed_by -> Nullable<Text>,
        trend -> Nullable<Text>,
        rules -> Integer,
    }

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

diesel::allow_tables_to_appear_in_same_query!(
    accounts,
    sessions,
    refresh_tokens,
    sign_in_attempts,
    workspaces,
    members,
    teams,
    team_members,
    invitations,
    tokens,
    kpis,
    kpi_aliases,
    targets,
    points,
    point_revisions,
    kpi_periods,
    kpi_states,
    cycles,
    objectives,
    objective_states,
    objective_closings,
    key_result_closings,
    objective_carry_overs,
    objective_contributors,
    objective_teams,
    objective_moves,
    objective_supports,
    key_results,
    check_ins,
    initiatives,
    comments,
    comment_mentions,
    remedies,
    guardrails,
    announcements,
    events,
    idempotent_replies,
);
