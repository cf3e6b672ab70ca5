ALTER TABLE kpi_states DROP COLUMN leaves_on;
ALTER TABLE kpi_states DROP COLUMN reach_min;
ALTER TABLE kpi_states DROP COLUMN reach_max;
ALTER TABLE kpis DROP COLUMN planned_remedies;
ALTER TABLE kpis DROP COLUMN failed_remedies;

-- What held is in progress again for an older program, which derives it anew.
CREATE TABLE new_remedies (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    kpi_id BLOB NOT NULL,
    objective_id BLOB NOT NULL,
    note TEXT,
    baseline_value REAL,
    baseline_health TEXT NOT NULL,
    baseline_starts_at INTEGER,
    baseline_min REAL,
    baseline_max REAL,
    baseline_tolerance_min REAL,
    baseline_tolerance_max REAL,
    unhealthy_since INTEGER,
    shown_outcome TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB NOT NULL,
    updated_at INTEGER NOT NULL,
    withdrawn_at INTEGER,
    withdrawn_by BLOB,
    CONSTRAINT remedies_pk PRIMARY KEY (id),
    CONSTRAINT remedies_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT remedies_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT remedies_objective FOREIGN KEY (workspace_id, objective_id) REFERENCES objectives (workspace_id, id),
    CONSTRAINT remedies_health_known CHECK (baseline_health IN ('healthy', 'at_risk', 'unhealthy', 'unknown')),
    CONSTRAINT remedies_outcome_known CHECK (shown_outcome IN ('withdrawn', 'recovered', 'relapsed', 'target_moved', 'planned', 'in_progress', 'awaiting_effect', 'failed'))
) STRICT;
INSERT INTO new_remedies (id, workspace_id, kpi_id, objective_id, note, baseline_value, baseline_health, baseline_starts_at, baseline_min, baseline_max, baseline_tolerance_min, baseline_tolerance_max, unhealthy_since, shown_outcome, version, created_at, created_by, updated_at, withdrawn_at, withdrawn_by)
SELECT id, workspace_id, kpi_id, objective_id, note, baseline_value, baseline_health, baseline_starts_at, baseline_min, baseline_max, baseline_tolerance_min, baseline_tolerance_max, unhealthy_since, CASE shown_outcome WHEN 'held' THEN 'in_progress' ELSE shown_outcome END, version, created_at, created_by, updated_at, withdrawn_at, withdrawn_by FROM remedies;
DROP TABLE remedies;
ALTER TABLE new_remedies RENAME TO remedies;
CREATE UNIQUE INDEX remedies_link_once ON remedies (kpi_id, objective_id) WHERE withdrawn_at IS NULL;
CREATE INDEX remedies_by_workspace ON remedies (workspace_id, kpi_id);
CREATE INDEX remedies_by_objective ON remedies (objective_id);
