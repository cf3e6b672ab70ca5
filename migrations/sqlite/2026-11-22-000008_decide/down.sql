CREATE TABLE kept_comments AS SELECT * FROM comments
WHERE annotation_id IS NULL AND decision_id IS NULL AND review_id IS NULL;
CREATE TABLE kept_mentions AS SELECT * FROM comment_mentions
WHERE comment_id IN (SELECT id FROM kept_comments);
DROP TABLE comment_mentions;
DROP TABLE comments;
CREATE TABLE comments (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    objective_id BLOB,
    key_result_id BLOB,
    initiative_id BLOB,
    kpi_id BLOB,
    author_id BLOB,
    text TEXT,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    edited_at INTEGER,
    deleted_at INTEGER,
    deleted_by BLOB,
    CONSTRAINT comments_pk PRIMARY KEY (id),
    CONSTRAINT comments_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT comments_objective FOREIGN KEY (workspace_id, objective_id) REFERENCES objectives (workspace_id, id),
    CONSTRAINT comments_key_result FOREIGN KEY (workspace_id, key_result_id) REFERENCES key_results (workspace_id, id),
    CONSTRAINT comments_initiative FOREIGN KEY (workspace_id, initiative_id) REFERENCES initiatives (workspace_id, id),
    CONSTRAINT comments_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT comments_author FOREIGN KEY (workspace_id, author_id) REFERENCES members (workspace_id, id),
    CONSTRAINT comments_leave_a_mark CHECK ((text IS NULL) = (deleted_at IS NOT NULL))
) STRICT;
INSERT INTO comments (id, workspace_id, objective_id, key_result_id, initiative_id, kpi_id, author_id, text, version, created_at, edited_at, deleted_at, deleted_by)
SELECT id, workspace_id, objective_id, key_result_id, initiative_id, kpi_id, author_id, text, version, created_at, edited_at, deleted_at, deleted_by FROM kept_comments;
CREATE INDEX comments_by_instant ON comments (workspace_id, created_at, id);
CREATE INDEX comments_by_objective ON comments (objective_id);
CREATE INDEX comments_by_key_result ON comments (key_result_id);
CREATE INDEX comments_by_initiative ON comments (initiative_id);
CREATE INDEX comments_by_kpi ON comments (kpi_id);
CREATE TABLE comment_mentions (
    workspace_id BLOB NOT NULL,
    comment_id BLOB NOT NULL,
    member_id BLOB NOT NULL,
    CONSTRAINT comment_mentions_pk PRIMARY KEY (comment_id, member_id),
    CONSTRAINT comment_mentions_comment FOREIGN KEY (workspace_id, comment_id) REFERENCES comments (workspace_id, id),
    CONSTRAINT comment_mentions_member FOREIGN KEY (workspace_id, member_id) REFERENCES members (workspace_id, id)
) STRICT, WITHOUT ROWID;
INSERT INTO comment_mentions SELECT * FROM kept_mentions;
CREATE INDEX comment_mentions_by_member ON comment_mentions (workspace_id, member_id);
DROP TABLE kept_mentions;
DROP TABLE kept_comments;
DROP TABLE decision_links;
DROP TABLE decisions;
DROP TABLE review_attendees;
DROP TABLE review_objectives;
DROP TABLE review_kpis;
DROP TABLE reviews;
DROP TABLE annotations;
