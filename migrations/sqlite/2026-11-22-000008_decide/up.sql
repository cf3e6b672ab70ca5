-- Something that happened, on a KPI's timeline; what was deleted stays known.
CREATE TABLE annotations (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    kpi_id BLOB NOT NULL,
    happened_on INTEGER NOT NULL,
    text TEXT NOT NULL,
    url TEXT,
    author_id BLOB,
    version INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    recorded_by BLOB NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    deleted_by BLOB,
    CONSTRAINT annotations_pk PRIMARY KEY (id),
    CONSTRAINT annotations_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT annotations_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT annotations_author FOREIGN KEY (workspace_id, author_id) REFERENCES members (workspace_id, id)
) STRICT;
CREATE INDEX annotations_by_kpi ON annotations (kpi_id, happened_on, id);

-- Meetings that looked at KPIs and objectives.
CREATE TABLE reviews (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    held_on INTEGER NOT NULL,
    team_id BLOB,
    notes TEXT,
    author_id BLOB,
    version INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    recorded_by BLOB NOT NULL,
    updated_at INTEGER NOT NULL,
    CONSTRAINT reviews_pk PRIMARY KEY (id),
    CONSTRAINT reviews_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT reviews_team FOREIGN KEY (workspace_id, team_id) REFERENCES teams (workspace_id, id),
    CONSTRAINT reviews_author FOREIGN KEY (workspace_id, author_id) REFERENCES members (workspace_id, id)
) STRICT;
CREATE INDEX reviews_by_day ON reviews (workspace_id, held_on, id);

-- What a review looked at; a link that was taken away says when.
CREATE TABLE review_kpis (
    workspace_id BLOB NOT NULL,
    review_id BLOB NOT NULL,
    kpi_id BLOB NOT NULL,
    recorded_at INTEGER NOT NULL,
    ended_at INTEGER,
    CONSTRAINT review_kpis_pk PRIMARY KEY (review_id, kpi_id, recorded_at),
    CONSTRAINT review_kpis_review FOREIGN KEY (workspace_id, review_id) REFERENCES reviews (workspace_id, id),
    CONSTRAINT review_kpis_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX review_kpis_by_kpi ON review_kpis (kpi_id);

CREATE TABLE review_objectives (
    workspace_id BLOB NOT NULL,
    review_id BLOB NOT NULL,
    objective_id BLOB NOT NULL,
    recorded_at INTEGER NOT NULL,
    ended_at INTEGER,
    CONSTRAINT review_objectives_pk PRIMARY KEY (review_id, objective_id, recorded_at),
    CONSTRAINT review_objectives_review FOREIGN KEY (workspace_id, review_id) REFERENCES reviews (workspace_id, id),
    CONSTRAINT review_objectives_objective FOREIGN KEY (workspace_id, objective_id) REFERENCES objectives (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX review_objectives_by_objective ON review_objectives (objective_id);

CREATE TABLE review_attendees (
    workspace_id BLOB NOT NULL,
    review_id BLOB NOT NULL,
    member_id BLOB NOT NULL,
    CONSTRAINT review_attendees_pk PRIMARY KEY (review_id, member_id),
    CONSTRAINT review_attendees_review FOREIGN KEY (workspace_id, review_id) REFERENCES reviews (workspace_id, id),
    CONSTRAINT review_attendees_member FOREIGN KEY (workspace_id, member_id) REFERENCES members (workspace_id, id)
) STRICT, WITHOUT ROWID;
CREATE INDEX review_attendees_by_member ON review_attendees (workspace_id, member_id);

-- What was decided because of a KPI, with the KPI as it was at that moment.
CREATE TABLE decisions (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    kpi_id BLOB NOT NULL,
    review_id BLOB,
    origin TEXT NOT NULL,
    choice TEXT NOT NULL,
    summary TEXT,
    certainty INTEGER,
    expects TEXT,
    expects_by INTEGER,
    revisit_on INTEGER,
    reverses_id BLOB,
    follows_id BLOB,
    decided_on INTEGER NOT NULL,
    frozen_value REAL,
    frozen_health TEXT NOT NULL,
    frozen_freshness TEXT NOT NULL,
    frozen_trend TEXT,
    frozen_starts_at INTEGER,
    frozen_min REAL,
    frozen_max REAL,
    frozen_tolerance_min REAL,
    frozen_tolerance_max REAL,
    version INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    recorded_by BLOB NOT NULL,
    updated_at INTEGER NOT NULL,
    CONSTRAINT decisions_pk PRIMARY KEY (id),
    CONSTRAINT decisions_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT decisions_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT decisions_review FOREIGN KEY (workspace_id, review_id) REFERENCES reviews (workspace_id, id),
    CONSTRAINT decisions_reversed FOREIGN KEY (workspace_id, reverses_id) REFERENCES decisions (workspace_id, id),
    CONSTRAINT decisions_followed FOREIGN KEY (workspace_id, follows_id) REFERENCES decisions (workspace_id, id),
    CONSTRAINT decisions_origin_known CHECK (origin IN ('person', 'recorded')),
    CONSTRAINT decisions_choice_known CHECK (choice IN ('continue', 'adjust', 'start', 'stop', 'investigate')),
    CONSTRAINT decisions_certainty_bounded CHECK (certainty BETWEEN 1 AND 5),
    CONSTRAINT decisions_expects_known CHECK (expects IN ('better', 'same')),
    CONSTRAINT decisions_expect_by_a_day CHECK ((expects IS NULL) = (expects_by IS NULL)),
    CONSTRAINT decisions_reverse_another CHECK (reverses_id <> id),
    CONSTRAINT decisions_follow_another CHECK (follows_id <> id),
    CONSTRAINT decisions_health_known CHECK (frozen_health IN ('healthy', 'at_risk', 'unhealthy', 'unknown')),
    CONSTRAINT decisions_freshness_known CHECK (frozen_freshness IN ('fresh', 'due', 'stale', 'never')),
    CONSTRAINT decisions_trend_known CHECK (frozen_trend IN ('improving', 'steady', 'deteriorating'))
) STRICT;
CREATE UNIQUE INDEX decisions_reversed_once ON decisions (reverses_id) WHERE reverses_id IS NOT NULL;
CREATE INDEX decisions_by_kpi ON decisions (kpi_id, decided_on);
CREATE INDEX decisions_by_day ON decisions (workspace_id, decided_on, id);
CREATE INDEX decisions_by_revisit ON decisions (workspace_id, revisit_on);
CREATE INDEX decisions_by_review ON decisions (review_id);
CREATE INDEX decisions_by_follower ON decisions (follows_id);

-- What a decision led to; a link that was taken away says when.
CREATE TABLE decision_links (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    decision_id BLOB NOT NULL,
    objective_id BLOB,
    initiative_id BLOB,
    target_id BLOB,
    recorded_at INTEGER NOT NULL,
    ended_at INTEGER,
    CONSTRAINT decision_links_pk PRIMARY KEY (id),
    CONSTRAINT decision_links_decision FOREIGN KEY (workspace_id, decision_id) REFERENCES decisions (workspace_id, id),
    CONSTRAINT decision_links_objective FOREIGN KEY (workspace_id, objective_id) REFERENCES objectives (workspace_id, id),
    CONSTRAINT decision_links_initiative FOREIGN KEY (workspace_id, initiative_id) REFERENCES initiatives (workspace_id, id),
    CONSTRAINT decision_links_target FOREIGN KEY (workspace_id, target_id) REFERENCES targets (workspace_id, id)
) STRICT;
CREATE INDEX decision_links_by_decision ON decision_links (decision_id);
CREATE INDEX decision_links_by_objective ON decision_links (objective_id);
CREATE INDEX decision_links_by_initiative ON decision_links (initiative_id);
CREATE INDEX decision_links_by_target ON decision_links (target_id);

-- People talk about these, too. SQLite adds no composite key to a table, so both are made anew.
CREATE TABLE kept_comments AS SELECT * FROM comments;
CREATE TABLE kept_mentions AS SELECT * FROM comment_mentions;
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
    annotation_id BLOB,
    decision_id BLOB,
    review_id BLOB,
    CONSTRAINT comments_pk PRIMARY KEY (id),
    CONSTRAINT comments_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT comments_objective FOREIGN KEY (workspace_id, objective_id) REFERENCES objectives (workspace_id, id),
    CONSTRAINT comments_key_result FOREIGN KEY (workspace_id, key_result_id) REFERENCES key_results (workspace_id, id),
    CONSTRAINT comments_initiative FOREIGN KEY (workspace_id, initiative_id) REFERENCES initiatives (workspace_id, id),
    CONSTRAINT comments_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT comments_annotation FOREIGN KEY (workspace_id, annotation_id) REFERENCES annotations (workspace_id, id),
    CONSTRAINT comments_decision FOREIGN KEY (workspace_id, decision_id) REFERENCES decisions (workspace_id, id),
    CONSTRAINT comments_review FOREIGN KEY (workspace_id, review_id) REFERENCES reviews (workspace_id, id),
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
CREATE INDEX comments_by_annotation ON comments (annotation_id);
CREATE INDEX comments_by_decision ON comments (decision_id);
CREATE INDEX comments_by_review ON comments (review_id);
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
