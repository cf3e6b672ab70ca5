//! What is measured: KPIs, targets, points, periods, what KPIs show, and the boards that they stand on.

tables! {
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
        planned_remedies -> Integer,
        failed_remedies -> Integer,
        version -> Integer,
        created_at -> SqlMoment,
        updated_at -> SqlMoment,
        archived_at -> Nullable<SqlMoment>,
        formula -> Nullable<Text>,
    }

    kpi_inputs (kpi_id, input_id) {
        workspace_id -> SqlId,
        kpi_id -> SqlId,
        input_id -> SqlId,
    }

    kpi_segments (kpi_id) {
        workspace_id -> SqlId,
        kpi_id -> SqlId,
        whole_id -> SqlId,
        dimension -> Text,
    }

    drivers (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        driver_id -> SqlId,
        outcome_id -> SqlId,
        lag_periods -> Integer,
        effect -> Text,
        note -> Nullable<Text>,
        version -> Integer,
        recorded_at -> SqlMoment,
        recorded_by -> SqlId,
        updated_at -> SqlMoment,
        ended_at -> Nullable<SqlMoment>,
        ended_by -> Nullable<SqlId>,
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
        leaves_on -> Nullable<SqlDay>,
        reach_min -> Nullable<Double>,
        reach_max -> Nullable<Double>,
        rules -> Integer,
    }

    kpi_checkpoints (kpi_id) {
        workspace_id -> SqlId,
        kpi_id -> SqlId,
        covers_until -> SqlMoment,
        reads_from -> SqlMoment,
        centre -> Double,
        lower -> Double,
        upper -> Double,
        upper_range -> Double,
        segment_from -> Nullable<SqlMoment>,
        read_first -> Nullable<Double>,
        read_last -> Nullable<Double>,
        read_count -> Nullable<Integer>,
        read_distances -> Nullable<Double>,
        read_ranges -> Nullable<Double>,
        lowest -> Double,
        highest -> Double,
        health -> Text,
        since -> SqlDay,
        open_opened_on -> Nullable<SqlDay>,
        open_opening_value -> Nullable<Double>,
        open_worst_value -> Nullable<Double>,
        open_worst_on -> Nullable<SqlDay>,
        open_worst_gap -> Nullable<Double>,
        closed_opened_on -> Nullable<SqlDay>,
        closed_opening_value -> Nullable<Double>,
        closed_worst_value -> Nullable<Double>,
        closed_worst_on -> Nullable<SqlDay>,
        closed_worst_gap -> Nullable<Double>,
        closed_on -> Nullable<SqlDay>,
        closed_by -> Nullable<Text>,
        rules -> Integer,
    }

    boards (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        name -> Text,
        name_folded -> Text,
        description -> Nullable<Text>,
        cadence -> Nullable<Text>,
        owner_id -> Nullable<SqlId>,
        team_id -> Nullable<SqlId>,
        version -> Integer,
        created_at -> SqlMoment,
        updated_at -> SqlMoment,
        deleted_at -> Nullable<SqlMoment>,
    }

    board_kpis (board_id, kpi_id) {
        workspace_id -> SqlId,
        board_id -> SqlId,
        kpi_id -> SqlId,
        place -> Integer,
    }
}
