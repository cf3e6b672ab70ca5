-- KPIs that objectives must not harm. A link that was ended stays known.
CREATE TABLE guardrails (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    objective_id uuid NOT NULL,
    kpi_id uuid NOT NULL,
    note text COLLATE "C",
    baseline_value double precision,
    baseline_health text COLLATE "C" NOT NULL,
    baseline_starts_at timestamptz,
    baseline_min double precision,
    baseline_max double precision,
    baseline_tolerance_min double precision,
    baseline_tolerance_max double precision,
    shown_breached boolean NOT NULL,
    version integer NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by uuid NOT NULL,
    updated_at timestamptz NOT NULL,
    ended_at timestamptz,
    ended_by uuid,
    CONSTRAINT guardrails_pk PRIMARY KEY (id),
    CONSTRAINT guardrails_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT guardrails_objective FOREIGN KEY (workspace_id, objective_id) REFERENCES objectives (workspace_id, id),
    CONSTRAINT guardrails_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT guardrails_health_known CHECK (baseline_health IN ('healthy', 'at_risk', 'unhealthy', 'unknown'))
);
CREATE UNIQUE INDEX guardrails_link_once ON guardrails (objective_id, kpi_id) WHERE ended_at IS NULL;
CREATE INDEX guardrails_by_kpi ON guardrails (workspace_id, kpi_id);

-- Up to when a workspace was told what the clock alone has changed.
CREATE TABLE announcements (
    workspace_id uuid NOT NULL,
    told_until timestamptz NOT NULL,
    CONSTRAINT announcements_pk PRIMARY KEY (workspace_id),
    CONSTRAINT announcements_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id)
);
