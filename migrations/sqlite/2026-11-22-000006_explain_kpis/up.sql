-- What a KPI is computed from: its formula, with ids in the place of keys.
ALTER TABLE kpis ADD COLUMN formula TEXT;

-- Which KPIs a formula reads, each once.
CREATE TABLE kpi_inputs (
    workspace_id BLOB NOT NULL,
    kpi_id BLOB NOT NULL,
    input_id BLOB NOT NULL,
    CONSTRAINT kpi_inputs_pk PRIMARY KEY (kpi_id, input_id),
    CONSTRAINT kpi_inputs_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT kpi_inputs_input FOREIGN KEY (workspace_id, input_id) REFERENCES kpis (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX kpi_inputs_by_input ON kpi_inputs (workspace_id, input_id);

-- KPIs that are believed to move another. A link that was ended stays known.
CREATE TABLE drivers (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    driver_id BLOB NOT NULL,
    outcome_id BLOB NOT NULL,
    lag_periods INTEGER NOT NULL,
    effect TEXT NOT NULL,
    note TEXT,
    version INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    recorded_by BLOB NOT NULL,
    updated_at INTEGER NOT NULL,
    ended_at INTEGER,
    ended_by BLOB,
    CONSTRAINT drivers_pk PRIMARY KEY (id),
    CONSTRAINT drivers_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT drivers_driver FOREIGN KEY (workspace_id, driver_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT drivers_outcome FOREIGN KEY (workspace_id, outcome_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT drivers_effect_known CHECK (effect IN ('same', 'opposite'))
) STRICT;
CREATE UNIQUE INDEX drivers_link_once ON drivers (driver_id, outcome_id) WHERE ended_at IS NULL;
CREATE INDEX drivers_by_driver ON drivers (workspace_id, driver_id);
CREATE INDEX drivers_by_outcome ON drivers (workspace_id, outcome_id);

-- Which KPI is a part of another, and by what it is divided.
CREATE TABLE kpi_segments (
    workspace_id BLOB NOT NULL,
    kpi_id BLOB NOT NULL,
    whole_id BLOB NOT NULL,
    dimension TEXT NOT NULL,
    CONSTRAINT kpi_segments_pk PRIMARY KEY (kpi_id),
    CONSTRAINT kpi_segments_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT kpi_segments_whole FOREIGN KEY (workspace_id, whole_id) REFERENCES kpis (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX kpi_segments_by_whole ON kpi_segments (workspace_id, whole_id);
