-- Something that happened, on a KPI's timeline; what was deleted stays known.
CREATE TABLE annotations (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    kpi_id uuid NOT NULL,
    happened_on date NOT NULL,
    text text COLLATE "C" NOT NULL,
    url text COLLATE "C",
    author_id uuid,
    version integer NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by uuid NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    deleted_by uuid,
    CONSTRAINT annotations_pk PRIMARY KEY (id),
    CONSTRAINT annotations_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT annotations_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT annotations_author FOREIGN KEY (workspace_id, author_id) REFERENCES members (workspace_id, id)
);
CREATE INDEX annotations_by_kpi ON annotations (kpi_id, happened_on, id);

-- Meetings that looked at KPIs and objectives.
CREATE TABLE reviews (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    held_on date NOT NULL,
    team_id uuid,
    notes text COLLATE "C",
    author_id uuid,
    version integer NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by uuid NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT reviews_pk PRIMARY KEY (id),
    CONSTRAINT reviews_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT reviews_team FOREIGN KEY (workspace_id, team_id) REFERENCES teams (workspace_id, id),
    CONSTRAINT reviews_author FOREIGN KEY (workspace_id, author_id) REFERENCES members (workspace_id, id)
);
CREATE INDEX reviews_by_day ON reviews (workspace_id, held_on, id);

-- What a review looked at; a link that was taken away says when.
CREATE TABLE review_kpis (
    workspace_id uuid NOT NULL,
    review_id uuid NOT NULL,
    kpi_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT review_kpis_pk PRIMARY KEY (review_id, kpi_id, recorded_at),
    CONSTRAINT review_kpis_review FOREIGN KEY (workspace_id, review_id) REFERENCES reviews (workspace_id, id),
    CONSTRAINT review_kpis_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id)
);
CREATE INDEX review_kpis_by_kpi ON review_kpis (kpi_id);

CREATE TABLE review_objectives (
    workspace_id uuid NOT NULL,
    review_id uuid NOT NULL,
    objective_id uuid NOT NULL,
    recorded_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT review_objectives_pk PRIMARY KEY (review_id, objective_id, recorded_at),
    CONSTRAINT review_objectives_review FOREIGN KEY (workspace_id, review_id) REFERENCES reviews (workspace_id, id),
    CONSTRAINT review_objectives_objective FOREIGN KEY (workspace_id, objective_id) REFERENCES objectives (workspace_id, id)
);
CREATE INDEX review_objectives_by_objective ON review_objectives (objective_id);

CREATE TABLE review_attendees (
    workspace_id uuid NOT NULL,
    review_id uuid NOT NULL,
    member_id uuid NOT NULL,
    CONSTRAINT review_attendees_pk PRIMARY KEY (review_id, member_id),
    CONSTRAINT review_attendees_review FOREIGN KEY (workspace_id, review_id) REFERENCES reviews (workspace_id, id),
    CONSTRAINT review_attendees_member FOREIGN KEY (workspace_id, member_id) REFERENCES members (workspace_id, id)
);
CREATE INDEX review_attendees_by_member ON review_attendees (workspace_id, member_id);

-- What was decided because of a KPI, with the KPI as it was at that moment.
CREATE TABLE decisions (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    kpi_id uuid NOT NULL,
    review_id uuid,
    origin text COLLATE "C" NOT NULL,
    choice text COLLATE "C" NOT NULL,
    summary text COLLATE "C",
    certainty integer,
    expects text COLLATE "C",
    expects_by date,
    revisit_on date,
    reverses_id uuid,
    follows_id uuid,
    decided_on date NOT NULL,
    frozen_value double precision,
    frozen_health text COLLATE "C" NOT NULL,
    frozen_freshness text COLLATE "C" NOT NULL,
    frozen_trend text COLLATE "C",
    frozen_starts_at timestamptz,
    frozen_min double precision,
    frozen_max double precision,
    frozen_tolerance_min double precision,
    frozen_tolerance_max double precision,
    version integer NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by uuid NOT NULL,
    updated_at timestamptz NOT NULL,
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
);
CREATE UNIQUE INDEX decisions_reversed_once ON decisions (reverses_id) WHERE reverses_id IS NOT NULL;
CREATE INDEX decisions_by_kpi ON decisions (kpi_id, decided_on);
CREATE INDEX decisions_by_day ON decisions (workspace_id, decided_on, id);
CREATE INDEX decisions_by_revisit ON decisions (workspace_id, revisit_on);
CREATE INDEX decisions_by_review ON decisions (review_id);
CREATE INDEX decisions_by_follower ON decisions (follows_id);

-- What a decision led to; a link that was taken away says when.
CREATE TABLE decision_links (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    decision_id uuid NOT NULL,
    objective_id uuid,
    initiative_id uuid,
    target_id uuid,
    recorded_at timestamptz NOT NULL,
    ended_at timestamptz,
    CONSTRAINT decision_links_pk PRIMARY KEY (id),
    CONSTRAINT decision_links_decision FOREIGN KEY (workspace_id, decision_id) REFERENCES decisions (workspace_id, id),
    CONSTRAINT decision_links_objective FOREIGN KEY (workspace_id, objective_id) REFERENCES objectives (workspace_id, id),
    CONSTRAINT decision_links_initiative FOREIGN KEY (workspace_id, initiative_id) REFERENCES initiatives (workspace_id, id),
    CONSTRAINT decision_links_target FOREIGN KEY (workspace_id, target_id) REFERENCES targets (workspace_id, id)
);
CREATE INDEX decision_links_by_decision ON decision_links (decision_id);
CREATE INDEX decision_links_by_objective ON decision_links (objective_id);
CREATE INDEX decision_links_by_initiative ON decision_links (initiative_id);
CREATE INDEX decision_links_by_target ON decision_links (target_id);

-- People talk about these, too.
ALTER TABLE comments
    ADD COLUMN annotation_id uuid,
    ADD COLUMN decision_id uuid,
    ADD COLUMN review_id uuid,
    ADD CONSTRAINT comments_annotation FOREIGN KEY (workspace_id, annotation_id) REFERENCES annotations (workspace_id, id),
    ADD CONSTRAINT comments_decision FOREIGN KEY (workspace_id, decision_id) REFERENCES decisions (workspace_id, id),
    ADD CONSTRAINT comments_review FOREIGN KEY (workspace_id, review_id) REFERENCES reviews (workspace_id, id);
CREATE INDEX comments_by_annotation ON comments (annotation_id);
CREATE INDEX comments_by_decision ON comments (decision_id);
CREATE INDEX comments_by_review ON comments (review_id);
