-- The first day of the period on which the forecast leaves the healthy band, where that is one of the next two.
ALTER TABLE kpi_states ADD COLUMN leaves_on INTEGER;

-- How far the KPI has been, or may be without any change of its process: what a target is held against.
ALTER TABLE kpi_states ADD COLUMN reach_min REAL;
ALTER TABLE kpi_states ADD COLUMN reach_max REAL;

-- What is planned about a KPI, and what failed; the next change of any of it counts anew.
ALTER TABLE kpis ADD COLUMN planned_remedies INTEGER NOT NULL DEFAULT 0;
ALTER TABLE kpis ADD COLUMN failed_remedies INTEGER NOT NULL DEFAULT 0;
UPDATE kpis SET
    planned_remedies = (
        SELECT count(*) FROM remedies
        WHERE remedies.kpi_id = kpis.id AND withdrawn_at IS NULL AND shown_outcome = 'planned'
    ),
    failed_remedies = (
        SELECT count(*) FROM remedies
        WHERE remedies.kpi_id = kpis.id AND withdrawn_at IS NULL AND shown_outcome = 'failed'
    );

-- A remedy may prevent. SQLite changes no check, so the table is made anew; nothing refers to it.
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
    CONSTRAINT remedies_outcome_known CHECK (shown_outcome IN ('withdrawn', 'recovered', 'relapsed', 'target_moved', 'planned', 'in_progress', 'awaiting_effect', 'failed', 'held'))
) STRICT;
INSERT INTO new_remedies (id, workspace_id, kpi_id, objective_id, note, baseline_value, baseline_health, baseline_starts_at, baseline_min, baseline_max, baseline_tolerance_min, baseline_tolerance_max, unhealthy_since, shown_outcome, version, created_at, created_by, updated_at, withdrawn_at, withdrawn_by)
SELECT id, workspace_id, kpi_id, objective_id, note, baseline_value, baseline_health, baseline_starts_at, baseline_min, baseline_max, baseline_tolerance_min, baseline_tolerance_max, unhealthy_since, shown_outcome, version, created_at, created_by, updated_at, withdrawn_at, withdrawn_by FROM remedies;
DROP TABLE remedies;
ALTER TABLE new_remedies RENAME TO remedies;
CREATE UNIQUE INDEX remedies_link_once ON remedies (kpi_id, objective_id) WHERE withdrawn_at IS NULL;
CREATE INDEX remedies_by_workspace ON remedies (workspace_id, kpi_id);
CREATE INDEX remedies_by_objective ON remedies (objective_id);
