-- Work that is meant to move a key result, an objective or a KPI: exactly one of them.
CREATE TABLE initiatives (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    key_result_id uuid,
    objective_id uuid,
    kpi_id uuid,
    title text COLLATE "C" NOT NULL,
    title_folded text COLLATE "C" NOT NULL,
    status text COLLATE "C" NOT NULL,
    owner_id uuid,
    due_on date,
    url text COLLATE "C",
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    archived_at timestamptz,
    CONSTRAINT initiatives_pk PRIMARY KEY (id),
    CONSTRAINT initiatives_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT initiatives_key_result FOREIGN KEY (workspace_id, key_result_id) REFERENCES key_results (workspace_id, id),
    CONSTRAINT initiatives_objective FOREIGN KEY (workspace_id, objective_id) REFERENCES objectives (workspace_id, id),
    CONSTRAINT initiatives_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT initiatives_owner FOREIGN KEY (workspace_id, owner_id) REFERENCES members (workspace_id, id),
    CONSTRAINT initiatives_one_parent CHECK ((key_result_id IS NOT NULL AND objective_id IS NULL AND kpi_id IS NULL) OR (key_result_id IS NULL AND objective_id IS NOT NULL AND kpi_id IS NULL) OR (key_result_id IS NULL AND objective_id IS NULL AND kpi_id IS NOT NULL)),
    CONSTRAINT initiatives_status_known CHECK (status IN ('planned', 'in_progress', 'done', 'dropped'))
);
CREATE INDEX initiatives_by_due_day ON initiatives (workspace_id, due_on, id);
CREATE INDEX initiatives_by_title ON initiatives (workspace_id, title_folded, id);
CREATE INDEX initiatives_by_key_result ON initiatives (key_result_id);
CREATE INDEX initiatives_by_objective ON initiatives (objective_id);
CREATE INDEX initiatives_by_kpi ON initiatives (kpi_id);
