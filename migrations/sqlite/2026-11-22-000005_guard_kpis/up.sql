-- KPIs that objectives must not harm. A link that was ended stays known.
CREATE TABLE guardrails (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    objective_id BLOB NOT NULL,
    kpi_id BLOB NOT NULL,
    note TEXT,
    baseline_value REAL,
    baseline_health TEXT NOT NULL,
    baseline_starts_at INTEGER,
    baseline_min REAL,
    baseline_max REAL,
    baseline_tolerance_min REAL,
    baseline_tolerance_max REAL,
    shown_breached INTEGER NOT NULL,
    version INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    recorded_by BLOB NOT NULL,
    updated_at INTEGER NOT NULL,
    ended_at INTEGER,
    ended_by BLOB,
    CONSTRAINT guardrails_pk PRIMARY KEY (id),
    CONSTRAINT guardrails_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT guardrails_objective FOREIGN KEY (workspace_id, objective_id) REFERENCES objectives (workspace_id, id),
    CONSTRAINT guardrails_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT guardrails_health_known CHECK (baseline_health IN ('healthy', 'at_risk', 'unhealthy', 'unknown'))
) STRICT;
CREATE UNIQUE INDEX guardrails_link_once ON guardrails (objective_id, kpi_id) WHERE ended_at IS NULL;
CREATE INDEX guardrails_by_kpi ON guardrails (workspace_id, kpi_id);

-- Up to when a workspace was told what the clock alone has changed.
CREATE TABLE announcements (
    workspace_id BLOB NOT NULL,
    told_until INTEGER NOT NULL,
    CONSTRAINT announcements_pk PRIMARY KEY (workspace_id),
    CONSTRAINT announcements_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id)
) STRICT, WITHOUT ROWID;
