-- Ordered choices of KPIs, each for one audience. A deleted one is kept for what names it.
CREATE TABLE boards (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    description TEXT,
    cadence TEXT,
    owner_id BLOB,
    team_id BLOB,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    CONSTRAINT boards_pk PRIMARY KEY (id),
    CONSTRAINT boards_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT boards_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT boards_owner FOREIGN KEY (workspace_id, owner_id) REFERENCES members (workspace_id, id),
    CONSTRAINT boards_team FOREIGN KEY (workspace_id, team_id) REFERENCES teams (workspace_id, id),
    CONSTRAINT boards_cadence_known CHECK (cadence IN ('daily', 'weekly', 'monthly', 'quarterly', 'yearly'))
) STRICT;
CREATE INDEX boards_by_name ON boards (workspace_id, name_folded, id);

-- Which KPIs stand on a board, and where.
CREATE TABLE board_kpis (
    workspace_id BLOB NOT NULL,
    board_id BLOB NOT NULL,
    kpi_id BLOB NOT NULL,
    place INTEGER NOT NULL,
    CONSTRAINT board_kpis_pk PRIMARY KEY (board_id, kpi_id),
    CONSTRAINT board_kpis_board FOREIGN KEY (workspace_id, board_id) REFERENCES boards (workspace_id, id),
    CONSTRAINT board_kpis_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX board_kpis_by_kpi ON board_kpis (workspace_id, kpi_id);

-- Links that show one picture or scorecard to whoever has them. The secret is kept as its hash.
CREATE TABLE links (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    hash BLOB NOT NULL,
    hint TEXT NOT NULL,
    member_id BLOB NOT NULL,
    kpi_id BLOB,
    board_id BLOB,
    team_id BLOB,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
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
) STRICT;
CREATE INDEX links_by_workspace ON links (workspace_id, id);
