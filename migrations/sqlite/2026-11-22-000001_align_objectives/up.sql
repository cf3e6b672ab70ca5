-- Alignment: who takes part in an objective, where it hangs, and what it supports.

-- Who works on an objective beside its owner.
CREATE TABLE objective_contributors (
    workspace_id BLOB NOT NULL,
    objective_id BLOB NOT NULL,
    member_id BLOB NOT NULL,
    CONSTRAINT objective_contributors_pk PRIMARY KEY (objective_id, member_id),
    CONSTRAINT objective_contributors_objective FOREIGN KEY (workspace_id, objective_id) REFERENCES objectives (workspace_id, id),
    CONSTRAINT objective_contributors_member FOREIGN KEY (workspace_id, member_id) REFERENCES members (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX objective_contributors_by_member ON objective_contributors (member_id);

-- Teams that work on an objective beside the one that it belongs to.
CREATE TABLE objective_teams (
    workspace_id BLOB NOT NULL,
    objective_id BLOB NOT NULL,
    team_id BLOB NOT NULL,
    CONSTRAINT objective_teams_pk PRIMARY KEY (objective_id, team_id),
    CONSTRAINT objective_teams_objective FOREIGN KEY (workspace_id, objective_id) REFERENCES objectives (workspace_id, id),
    CONSTRAINT objective_teams_team FOREIGN KEY (workspace_id, team_id) REFERENCES teams (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX objective_teams_by_team ON objective_teams (team_id);

-- Under which parent an objective hung, and until when. No parent: it stood for itself.
-- Before its first row an objective had no parent.
CREATE TABLE objective_moves (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    objective_id BLOB NOT NULL,
    parent_id BLOB,
    recorded_at INTEGER NOT NULL,
    recorded_by BLOB NOT NULL,
    replaced_at INTEGER,
    CONSTRAINT objective_moves_pk PRIMARY KEY (id),
    CONSTRAINT objective_moves_objective FOREIGN KEY (workspace_id, objective_id) REFERENCES objectives (workspace_id, id),
    CONSTRAINT objective_moves_parent FOREIGN KEY (workspace_id, parent_id) REFERENCES objectives (workspace_id, id)
) STRICT;
CREATE UNIQUE INDEX objective_moves_present_once ON objective_moves (objective_id) WHERE replaced_at IS NULL;
CREATE INDEX objective_moves_by_workspace ON objective_moves (workspace_id, recorded_at);

-- Links that do not count: one objective helps another, beside the tree.
CREATE TABLE objective_supports (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    objective_id BLOB NOT NULL,
    supported_id BLOB NOT NULL,
    recorded_at INTEGER NOT NULL,
    recorded_by BLOB NOT NULL,
    ended_at INTEGER,
    CONSTRAINT objective_supports_pk PRIMARY KEY (id),
    CONSTRAINT objective_supports_objective FOREIGN KEY (workspace_id, objective_id) REFERENCES objectives (workspace_id, id),
    CONSTRAINT objective_supports_supported FOREIGN KEY (workspace_id, supported_id) REFERENCES objectives (workspace_id, id),
    CONSTRAINT objective_supports_another CHECK (objective_id <> supported_id)
) STRICT;
CREATE UNIQUE INDEX objective_supports_link_once ON objective_supports (objective_id, supported_id) WHERE ended_at IS NULL;
CREATE INDEX objective_supports_by_supported ON objective_supports (supported_id);
CREATE INDEX objective_supports_by_workspace ON objective_supports (workspace_id, recorded_at);

CREATE INDEX objectives_by_parent ON objectives (parent_id);
