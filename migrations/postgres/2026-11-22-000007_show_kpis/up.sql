-- Ordered choices of KPIs, each for one audience. A deleted one is kept for what names it.
CREATE TABLE boards (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    name_folded text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    cadence text COLLATE "C",
    owner_id uuid,
    team_id uuid,
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    CONSTRAINT boards_pk PRIMARY KEY (id),
    CONSTRAINT boards_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT boards_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT boards_owner FOREIGN KEY (workspace_id, owner_id) REFERENCES members (workspace_id, id),
    CONSTRAINT boards_team FOREIGN KEY (workspace_id, team_id) REFERENCES teams (workspace_id, id),
    CONSTRAINT boards_cadence_known CHECK (cadence IN ('daily', 'weekly', 'monthly', 'quarterly', 'yearly'))
);
CREATE INDEX boards_by_name ON boards (workspace_id, name_folded, id);

-- Which KPIs stand on a board, and where.
CREATE TABLE board_kpis (
    workspace_id uuid NOT NULL,
    board_id uuid NOT NULL,
    kpi_id uuid NOT NULL,
    place integer NOT NULL,
    CONSTRAINT board_kpis_pk PRIMARY KEY (board_id, kpi_id),
    CONSTRAINT board_kpis_board FOREIGN KEY (workspace_id, board_id) REFERENCES boards (workspace_id, id),
    CONSTRAINT board_kpis_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id)
);
CREATE INDEX board_kpis_by_kpi ON board_kpis (workspace_id, kpi_id);

-- Links that show one picture or scorecard to whoever has them. The secret is kept as its hash.
CREATE TABLE links (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    hash bytea NOT NULL,
    hint text COLLATE "C" NOT NULL,
    member_id uuid NOT NULL,
    kpi_id uuid,
    board_id uuid,
    team_id uuid,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    CONSTRAINT links_pk PRIMARY KEY (id),
    CONSTRAINT links_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT links_hash_once UNIQUE (hash),
    CONSTRAINT links_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT links_maker FOREIGN KEY (workspace_id, member_id) REFERENCES members (workspace_id, id),
    CONSTRAINT links_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT links_board FOREIGN KEY (workspace_id, board_id) REFERENCES boards (workspace_id, id),
    CONSTRAINT links_team FOREIGN KEY (workspace_id, team_id) REFERENCES teams (workspace_id, id),
    CONSTRAINT links_kind_known CHECK (kind IN ('chart', 'badge', 'sparkline', 'scorecard')),
    CONSTRAINT links_show_one_thing CHECK ((kind = 'scorecard') = (kpi_id IS NULL))
);
CREATE INDEX links_by_workspace ON links (workspace_id, id);
