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

-- What a check-in says stands in the way stays open until a later one clears it, or names another.
ALTER TABLE check_ins ADD COLUMN clears_blocker boolean NOT NULL DEFAULT false;

-- What people say about things. Exactly one of the four ids names the thing; SQL does not say so, because
-- SQLite cannot widen a check once another kind of thing is talked about.
CREATE TABLE comments (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    objective_id uuid,
    key_result_id uuid,
    initiative_id uuid,
    kpi_id uuid,
    author_id uuid,
    text text COLLATE "C",
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    edited_at timestamptz,
    deleted_at timestamptz,
    deleted_by uuid,
    CONSTRAINT comments_pk PRIMARY KEY (id),
    CONSTRAINT comments_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT comments_objective FOREIGN KEY (workspace_id, objective_id) REFERENCES objectives (workspace_id, id),
    CONSTRAINT comments_key_result FOREIGN KEY (workspace_id, key_result_id) REFERENCES key_results (workspace_id, id),
    CONSTRAINT comments_initiative FOREIGN KEY (workspace_id, initiative_id) REFERENCES initiatives (workspace_id, id),
    CONSTRAINT comments_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT comments_author FOREIGN KEY (workspace_id, author_id) REFERENCES members (workspace_id, id),
    CONSTRAINT comments_leave_a_mark CHECK ((text IS NULL) = (deleted_at IS NOT NULL))
);
CREATE INDEX comments_by_instant ON comments (workspace_id, created_at, id);
CREATE INDEX comments_by_objective ON comments (objective_id);
CREATE INDEX comments_by_key_result ON comments (key_result_id);
CREATE INDEX comments_by_initiative ON comments (initiative_id);
CREATE INDEX comments_by_kpi ON comments (kpi_id);

CREATE TABLE comment_mentions (
    workspace_id uuid NOT NULL,
    comment_id uuid NOT NULL,
    member_id uuid NOT NULL,
    CONSTRAINT comment_mentions_pk PRIMARY KEY (comment_id, member_id),
    CONSTRAINT comment_mentions_comment FOREIGN KEY (workspace_id, comment_id) REFERENCES comments (workspace_id, id),
    CONSTRAINT comment_mentions_member FOREIGN KEY (workspace_id, member_id) REFERENCES members (workspace_id, id)
);
CREATE INDEX comment_mentions_by_member ON comment_mentions (workspace_id, member_id);
