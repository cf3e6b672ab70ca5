-- PostgreSQL: text sorts by code point everywhere, as SQLite sorts it.
-- Every tenant table carries workspace_id, and every link inside a workspace is a composite
-- foreign key, so that SQL itself refuses a link across workspaces.

-- People -----------------------------------------------------------------------------------

CREATE TABLE accounts (
    id uuid NOT NULL,
    email text COLLATE "C" NOT NULL,
    email_folded text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    password_hash text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    password_changed_at timestamptz NOT NULL,
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT accounts_pk PRIMARY KEY (id),
    CONSTRAINT accounts_email_once UNIQUE (email_folded),
    CONSTRAINT accounts_state_known CHECK (state IN ('active', 'suspended'))
);

CREATE TABLE sessions (
    id uuid NOT NULL,
    account_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    last_used_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    revoked_at timestamptz,
    CONSTRAINT sessions_pk PRIMARY KEY (id),
    CONSTRAINT sessions_account FOREIGN KEY (account_id) REFERENCES accounts (id)
);
CREATE INDEX sessions_by_account ON sessions (account_id);

-- One row per refresh token of a session; only the newest is unused.
CREATE TABLE refresh_tokens (
    hash bytea NOT NULL,
    session_id uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    CONSTRAINT refresh_tokens_pk PRIMARY KEY (hash),
    CONSTRAINT refresh_tokens_session FOREIGN KEY (session_id) REFERENCES sessions (id)
);
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);

-- Sign-ins that were begun and did not succeed yet, by a keyed digest of what was tried. Addresses
-- without an account are counted like those with one, so that nobody can tell them apart.
CREATE TABLE sign_in_attempts (
    subject bytea NOT NULL,
    failures integer NOT NULL,
    locked_until timestamptz,
    last_at timestamptz NOT NULL,
    CONSTRAINT sign_in_attempts_pk PRIMARY KEY (subject)
);
CREATE INDEX sign_in_attempts_by_age ON sign_in_attempts (last_at);

CREATE TABLE workspaces (
    id uuid NOT NULL,
    slug text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    name_folded text COLLATE "C" NOT NULL,
    time_zone text COLLATE "C" NOT NULL,
    week_starts_on text COLLATE "C" NOT NULL,
    check_in_rhythm_days integer NOT NULL,
    event_sequence bigint NOT NULL,
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    deleted_at timestamptz,
    CONSTRAINT workspaces_pk PRIMARY KEY (id),
    CONSTRAINT workspaces_slug_once UNIQUE (slug),
    CONSTRAINT workspaces_week_known CHECK (week_starts_on IN ('monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday')),
    CONSTRAINT workspaces_rhythm_bounded CHECK (check_in_rhythm_days BETWEEN 1 AND 366)
);

CREATE TABLE members (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    account_id uuid NOT NULL,
    name text COLLATE "C" NOT NULL,
    name_folded text COLLATE "C" NOT NULL,
    role text COLLATE "C" NOT NULL,
    state text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    joined_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    removed_at timestamptz,
    CONSTRAINT members_pk PRIMARY KEY (id),
    CONSTRAINT members_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT members_account_once UNIQUE (workspace_id, account_id),
    CONSTRAINT members_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT members_account FOREIGN KEY (account_id) REFERENCES accounts (id),
    CONSTRAINT members_role_known CHECK (role IN ('viewer', 'member', 'admin', 'owner')),
    CONSTRAINT members_state_known CHECK (state IN ('invited', 'active', 'suspended', 'removed'))
);
CREATE INDEX members_by_account ON members (account_id);

CREATE TABLE teams (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    slug text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    name_folded text COLLATE "C" NOT NULL,
    description text COLLATE "C",
    parent_id uuid,
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    archived_at timestamptz,
    CONSTRAINT teams_pk PRIMARY KEY (id),
    CONSTRAINT teams_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT teams_slug_once UNIQUE (workspace_id, slug),
    CONSTRAINT teams_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT teams_parent FOREIGN KEY (workspace_id, parent_id) REFERENCES teams (workspace_id, id)
);

CREATE TABLE team_members (
    workspace_id uuid NOT NULL,
    team_id uuid NOT NULL,
    member_id uuid NOT NULL,
    duty text COLLATE "C" NOT NULL,
    added_at timestamptz NOT NULL,
    CONSTRAINT team_members_pk PRIMARY KEY (team_id, member_id),
    CONSTRAINT team_members_team FOREIGN KEY (workspace_id, team_id) REFERENCES teams (workspace_id, id),
    CONSTRAINT team_members_member FOREIGN KEY (workspace_id, member_id) REFERENCES members (workspace_id, id),
    CONSTRAINT team_members_duty_known CHECK (duty IN ('member', 'lead'))
);
CREATE INDEX team_members_by_member ON team_members (workspace_id, member_id);

CREATE TABLE invitations (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    email text COLLATE "C" NOT NULL,
    email_folded text COLLATE "C" NOT NULL,
    role text COLLATE "C" NOT NULL,
    token_hash bytea NOT NULL,
    invited_by uuid NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz NOT NULL,
    used_at timestamptz,
    revoked_at timestamptz,
    CONSTRAINT invitations_pk PRIMARY KEY (id),
    CONSTRAINT invitations_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT invitations_hash_once UNIQUE (token_hash),
    CONSTRAINT invitations_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT invitations_inviter FOREIGN KEY (workspace_id, invited_by) REFERENCES members (workspace_id, id),
    CONSTRAINT invitations_role_known CHECK (role IN ('viewer', 'member', 'admin', 'owner'))
);
CREATE INDEX invitations_by_email ON invitations (workspace_id, email_folded);

-- A personal token acts for its member; a service token has a role of its own.
CREATE TABLE tokens (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    hash bytea NOT NULL,
    hint text COLLATE "C" NOT NULL,
    member_id uuid NOT NULL,
    role text COLLATE "C",
    scopes jsonb NOT NULL,
    team_ids jsonb NOT NULL,
    key_patterns jsonb NOT NULL,
    created_at timestamptz NOT NULL,
    expires_at timestamptz,
    last_used_at timestamptz,
    revoked_at timestamptz,
    CONSTRAINT tokens_pk PRIMARY KEY (id),
    CONSTRAINT tokens_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT tokens_hash_once UNIQUE (hash),
    CONSTRAINT tokens_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT tokens_maker FOREIGN KEY (workspace_id, member_id) REFERENCES members (workspace_id, id),
    CONSTRAINT tokens_kind_known CHECK (kind IN ('personal', 'service')),
    CONSTRAINT tokens_role_known CHECK (role IN ('viewer', 'member'))
);

-- KPIs: diagnose ----------------------------------------------------------------------------

CREATE TABLE kpis (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    key text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    name_folded text COLLATE "C" NOT NULL,
    definition text COLLATE "C",
    category text COLLATE "C" NOT NULL,
    cadence text COLLATE "C" NOT NULL,
    aggregation text COLLATE "C" NOT NULL,
    indicator text COLLATE "C",
    display_style text COLLATE "C" NOT NULL,
    currency text COLLATE "C",
    display_precision integer,
    unit text COLLATE "C",
    owner_id uuid,
    team_id uuid,
    decision text COLLATE "C",
    playbook_at_risk text COLLATE "C",
    playbook_unhealthy text COLLATE "C",
    visibility text COLLATE "C" NOT NULL,
    tags jsonb NOT NULL,
    confirm_periods integer,
    recover_periods integer NOT NULL,
    grace_days integer,
    expect_every text COLLATE "C",
    replaced_by uuid,
    active_remedies integer NOT NULL,
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    archived_at timestamptz,
    CONSTRAINT kpis_pk PRIMARY KEY (id),
    CONSTRAINT kpis_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT kpis_key_once UNIQUE (workspace_id, key),
    CONSTRAINT kpis_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT kpis_owner FOREIGN KEY (workspace_id, owner_id) REFERENCES members (workspace_id, id),
    CONSTRAINT kpis_team FOREIGN KEY (workspace_id, team_id) REFERENCES teams (workspace_id, id),
    CONSTRAINT kpis_replacement FOREIGN KEY (workspace_id, replaced_by) REFERENCES kpis (workspace_id, id),
    CONSTRAINT kpis_category_known CHECK (category IN ('acquisition', 'engagement', 'conversion', 'retention', 'revenue', 'cost', 'quality', 'delivery', 'people', 'other')),
    CONSTRAINT kpis_cadence_known CHECK (cadence IN ('daily', 'weekly', 'monthly', 'quarterly', 'yearly', 'irregular')),
    CONSTRAINT kpis_aggregation_known CHECK (aggregation IN ('last', 'sum', 'mean', 'min', 'max')),
    CONSTRAINT kpis_indicator_known CHECK (indicator IN ('leading', 'lagging')),
    CONSTRAINT kpis_style_known CHECK (display_style IN ('number', 'percent', 'currency', 'duration')),
    CONSTRAINT kpis_visibility_known CHECK (visibility IN ('workspace', 'private'))
);
CREATE INDEX kpis_by_name ON kpis (workspace_id, name_folded, id);

-- Names of other systems, and keys that the KPI had before.
CREATE TABLE kpi_aliases (
    workspace_id uuid NOT NULL,
    alias text COLLATE "C" NOT NULL,
    kpi_id uuid NOT NULL,
    kind text COLLATE "C" NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT kpi_aliases_pk PRIMARY KEY (workspace_id, alias),
    CONSTRAINT kpi_aliases_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT kpi_aliases_kind_known CHECK (kind IN ('former_key', 'alias'))
);
CREATE INDEX kpi_aliases_by_kpi ON kpi_aliases (kpi_id);

-- A band from a date on. What is replaced stays, with its replaced_at.
-- The first target holds from the beginning of time: effective_from is then 0001-01-01.
-- A row without bounds says that from its date on there is no target.
CREATE TABLE targets (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    kpi_id uuid NOT NULL,
    effective_from date NOT NULL,
    target_min double precision,
    target_max double precision,
    tolerance_min double precision,
    tolerance_max double precision,
    note text COLLATE "C",
    backdated boolean NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by uuid NOT NULL,
    replaced_at timestamptz,
    CONSTRAINT targets_pk PRIMARY KEY (id),
    CONSTRAINT targets_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT targets_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT targets_ordered CHECK (target_min IS NULL OR target_max IS NULL OR target_min <= target_max),
    CONSTRAINT targets_tolerance_below CHECK (tolerance_min IS NULL OR tolerance_min <= target_min),
    CONSTRAINT targets_tolerance_above CHECK (tolerance_max IS NULL OR tolerance_max >= target_max)
);
CREATE UNIQUE INDEX targets_date_once ON targets (kpi_id, effective_from) WHERE replaced_at IS NULL;

-- One measurement: the hot table.
CREATE TABLE points (
    workspace_id uuid NOT NULL,
    kpi_id uuid NOT NULL,
    at timestamptz NOT NULL,
    feed text COLLATE "C" NOT NULL,
    value double precision NOT NULL,
    note text COLLATE "C",
    quality text COLLATE "C" NOT NULL,
    origin text COLLATE "C" NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by uuid NOT NULL,
    CONSTRAINT points_pk PRIMARY KEY (kpi_id, at, feed),
    CONSTRAINT points_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT points_quality_known CHECK (quality IN ('measured', 'estimated')),
    CONSTRAINT points_origin_known CHECK (origin IN ('person', 'token', 'import', 'formula'))
);

-- What points said before they were replaced or deleted, so that nothing dated is lost.
CREATE TABLE point_revisions (
    workspace_id uuid NOT NULL,
    kpi_id uuid NOT NULL,
    at timestamptz NOT NULL,
    feed text COLLATE "C" NOT NULL,
    replaced_at timestamptz NOT NULL,
    value double precision NOT NULL,
    note text COLLATE "C",
    quality text COLLATE "C" NOT NULL,
    origin text COLLATE "C" NOT NULL,
    recorded_at timestamptz NOT NULL,
    recorded_by uuid NOT NULL,
    CONSTRAINT point_revisions_pk PRIMARY KEY (kpi_id, at, feed, replaced_at, recorded_at),
    CONSTRAINT point_revisions_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT point_revisions_quality_known CHECK (quality IN ('measured', 'estimated')),
    CONSTRAINT point_revisions_origin_known CHECK (origin IN ('person', 'token', 'import', 'formula'))
);

-- Derived: a row per period that holds a point. No value: it was not finite.
CREATE TABLE kpi_periods (
    workspace_id uuid NOT NULL,
    kpi_id uuid NOT NULL,
    starts_at timestamptz NOT NULL,
    value double precision,
    points integer NOT NULL,
    newest_at timestamptz NOT NULL,
    health text COLLATE "C" NOT NULL,
    CONSTRAINT kpi_periods_pk PRIMARY KEY (kpi_id, starts_at),
    CONSTRAINT kpi_periods_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT kpi_periods_health_known CHECK (health IN ('healthy', 'at_risk', 'unhealthy', 'unknown'))
);

-- Derived: what a KPI shows from an instant on. The first row holds now; later ones wait for
-- the clock (a running sum that completes), so that nothing shown waits for a write.
CREATE TABLE kpi_states (
    workspace_id uuid NOT NULL,
    kpi_id uuid NOT NULL,
    from_at timestamptz NOT NULL,
    period_starts_at timestamptz,
    value double precision,
    previous_value double precision,
    health text COLLATE "C" NOT NULL,
    reason text COLLATE "C",
    since date,
    gap double precision,
    severity double precision,
    due_at timestamptz,
    stale_at timestamptz,
    episode_opened_on date,
    episode_opening_value double precision,
    episode_worst_value double precision,
    episode_worst_on date,
    closed_opened_on date,
    closed_on date,
    closed_by text COLLATE "C",
    CONSTRAINT kpi_states_pk PRIMARY KEY (kpi_id, from_at),
    CONSTRAINT kpi_states_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT kpi_states_health_known CHECK (health IN ('healthy', 'at_risk', 'unhealthy', 'unknown')),
    CONSTRAINT kpi_states_reason_known CHECK (reason IN ('no_target', 'no_data', 'stale', 'overflow')),
    CONSTRAINT kpi_states_closed_by_known CHECK (closed_by IN ('value', 'target'))
);
CREATE INDEX kpi_states_by_workspace ON kpi_states (workspace_id, kpi_id, from_at);

-- OKRs: prescribe ---------------------------------------------------------------------------

CREATE TABLE cycles (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    slug text COLLATE "C" NOT NULL,
    name text COLLATE "C" NOT NULL,
    name_folded text COLLATE "C" NOT NULL,
    starts_on date NOT NULL,
    ends_on date NOT NULL,
    state text COLLATE "C" NOT NULL,
    parent_id uuid,
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    CONSTRAINT cycles_pk PRIMARY KEY (id),
    CONSTRAINT cycles_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT cycles_slug_once UNIQUE (workspace_id, slug),
    CONSTRAINT cycles_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT cycles_parent FOREIGN KEY (workspace_id, parent_id) REFERENCES cycles (workspace_id, id),
    CONSTRAINT cycles_state_known CHECK (state IN ('planning', 'active', 'closed')),
    CONSTRAINT cycles_ordered CHECK (starts_on <= ends_on)
);

CREATE TABLE objectives (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    cycle_id uuid,
    parent_id uuid,
    title text COLLATE "C" NOT NULL,
    title_folded text COLLATE "C" NOT NULL,
    why text COLLATE "C",
    owner_id uuid,
    team_id uuid,
    weight double precision NOT NULL,
    starts_on date,
    ends_on date,
    state text COLLATE "C" NOT NULL,
    progress_source text COLLATE "C" NOT NULL,
    manual_progress double precision,
    manual_note text COLLATE "C",
    visibility text COLLATE "C" NOT NULL,
    tags jsonb NOT NULL,
    outcome text COLLATE "C",
    score double precision,
    reflection text COLLATE "C",
    frozen jsonb,
    activated_at timestamptz,
    closed_at timestamptz,
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    archived_at timestamptz,
    CONSTRAINT objectives_pk PRIMARY KEY (id),
    CONSTRAINT objectives_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT objectives_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT objectives_cycle FOREIGN KEY (workspace_id, cycle_id) REFERENCES cycles (workspace_id, id),
    CONSTRAINT objectives_parent FOREIGN KEY (workspace_id, parent_id) REFERENCES objectives (workspace_id, id),
    CONSTRAINT objectives_owner FOREIGN KEY (workspace_id, owner_id) REFERENCES members (workspace_id, id),
    CONSTRAINT objectives_team FOREIGN KEY (workspace_id, team_id) REFERENCES teams (workspace_id, id),
    CONSTRAINT objectives_state_known CHECK (state IN ('draft', 'active', 'closed')),
    CONSTRAINT objectives_source_known CHECK (progress_source IN ('key_results', 'children', 'both', 'manual')),
    CONSTRAINT objectives_visibility_known CHECK (visibility IN ('workspace', 'private')),
    CONSTRAINT objectives_outcome_known CHECK (outcome IN ('achieved', 'partial', 'missed', 'dropped')),
    CONSTRAINT objectives_weight_bounded CHECK (weight >= 0),
    CONSTRAINT objectives_score_bounded CHECK (score BETWEEN 0 AND 1),
    CONSTRAINT objectives_manual_bounded CHECK (manual_progress BETWEEN 0 AND 1),
    CONSTRAINT objectives_ordered CHECK (starts_on <= ends_on)
);
CREATE INDEX objectives_by_title ON objectives (workspace_id, title_folded, id);
CREATE INDEX objectives_by_cycle ON objectives (workspace_id, cycle_id);

-- Each change of state, so that any day can be answered as it stood then.
CREATE TABLE objective_states (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    objective_id uuid NOT NULL,
    state text COLLATE "C" NOT NULL,
    at timestamptz NOT NULL,
    recorded_by uuid NOT NULL,
    CONSTRAINT objective_states_pk PRIMARY KEY (id),
    CONSTRAINT objective_states_objective FOREIGN KEY (workspace_id, objective_id) REFERENCES objectives (workspace_id, id),
    CONSTRAINT objective_states_state_known CHECK (state IN ('draft', 'active', 'closed', 'archived'))
);
CREATE INDEX objective_states_by_objective ON objective_states (objective_id, at);

CREATE TABLE key_results (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    objective_id uuid NOT NULL,
    title text COLLATE "C" NOT NULL,
    title_folded text COLLATE "C" NOT NULL,
    kind text COLLATE "C" NOT NULL,
    start double precision,
    target double precision,
    range_min double precision,
    range_max double precision,
    unit text COLLATE "C",
    weight double precision NOT NULL,
    owner_id uuid,
    due_on date,
    source text COLLATE "C" NOT NULL,
    kpi_id uuid,
    original_start double precision,
    original_target double precision,
    original_range_min double precision,
    original_range_max double precision,
    original_due_on date,
    activated_at timestamptz,
    frozen jsonb,
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    updated_at timestamptz NOT NULL,
    archived_at timestamptz,
    CONSTRAINT key_results_pk PRIMARY KEY (id),
    CONSTRAINT key_results_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT key_results_objective FOREIGN KEY (workspace_id, objective_id) REFERENCES objectives (workspace_id, id),
    CONSTRAINT key_results_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT key_results_owner FOREIGN KEY (workspace_id, owner_id) REFERENCES members (workspace_id, id),
    CONSTRAINT key_results_kind_known CHECK (kind IN ('increase', 'decrease', 'at_least', 'at_most', 'between', 'milestone')),
    CONSTRAINT key_results_source_known CHECK (source IN ('manual', 'kpi')),
    CONSTRAINT key_results_source_named CHECK ((source = 'kpi') = (kpi_id IS NOT NULL)),
    CONSTRAINT key_results_weight_bounded CHECK (weight >= 0)
);
CREATE INDEX key_results_by_objective ON key_results (objective_id, created_at, id);
CREATE INDEX key_results_by_kpi ON key_results (kpi_id);
CREATE INDEX key_results_by_title ON key_results (workspace_id, title_folded, id);

CREATE TABLE check_ins (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    key_result_id uuid NOT NULL,
    value double precision,
    confidence text COLLATE "C" NOT NULL,
    note text COLLATE "C",
    blocker text COLLATE "C",
    author_id uuid,
    at timestamptz NOT NULL,
    recorded_at timestamptz NOT NULL,
    CONSTRAINT check_ins_pk PRIMARY KEY (id),
    CONSTRAINT check_ins_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT check_ins_key_result FOREIGN KEY (workspace_id, key_result_id) REFERENCES key_results (workspace_id, id),
    CONSTRAINT check_ins_author FOREIGN KEY (workspace_id, author_id) REFERENCES members (workspace_id, id),
    CONSTRAINT check_ins_confidence_known CHECK (confidence IN ('on_track', 'at_risk', 'off_track'))
);
CREATE INDEX check_ins_by_key_result ON check_ins (key_result_id, at, id);

-- Care: the loop ----------------------------------------------------------------------------

CREATE TABLE remedies (
    id uuid NOT NULL,
    workspace_id uuid NOT NULL,
    kpi_id uuid NOT NULL,
    objective_id uuid NOT NULL,
    note text COLLATE "C",
    baseline_value double precision,
    baseline_health text COLLATE "C" NOT NULL,
    baseline_starts_at timestamptz,
    baseline_min double precision,
    baseline_max double precision,
    baseline_tolerance_min double precision,
    baseline_tolerance_max double precision,
    unhealthy_since date,
    shown_outcome text COLLATE "C" NOT NULL,
    version integer NOT NULL,
    created_at timestamptz NOT NULL,
    created_by uuid NOT NULL,
    updated_at timestamptz NOT NULL,
    withdrawn_at timestamptz,
    withdrawn_by uuid,
    CONSTRAINT remedies_pk PRIMARY KEY (id),
    CONSTRAINT remedies_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT remedies_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT remedies_objective FOREIGN KEY (workspace_id, objective_id) REFERENCES objectives (workspace_id, id),
    CONSTRAINT remedies_health_known CHECK (baseline_health IN ('healthy', 'at_risk', 'unhealthy', 'unknown')),
    CONSTRAINT remedies_outcome_known CHECK (shown_outcome IN ('withdrawn', 'recovered', 'relapsed', 'target_moved', 'planned', 'in_progress', 'awaiting_effect', 'failed'))
);
CREATE UNIQUE INDEX remedies_link_once ON remedies (kpi_id, objective_id) WHERE withdrawn_at IS NULL;
CREATE INDEX remedies_by_workspace ON remedies (workspace_id, kpi_id);
CREATE INDEX remedies_by_objective ON remedies (objective_id);

-- Feeds and the floor -------------------------------------------------------------------------

CREATE TABLE events (
    workspace_id uuid NOT NULL,
    sequence bigint NOT NULL,
    at timestamptz NOT NULL,
    actor_kind text COLLATE "C" NOT NULL,
    actor_id uuid,
    actor_name text COLLATE "C" NOT NULL,
    type text COLLATE "C" NOT NULL,
    audience text COLLATE "C" NOT NULL,
    subject_type text COLLATE "C" NOT NULL,
    subject_id uuid NOT NULL,
    subject_name text COLLATE "C" NOT NULL,
    change jsonb NOT NULL,
    request_id text COLLATE "C" NOT NULL,
    CONSTRAINT events_pk PRIMARY KEY (workspace_id, sequence),
    CONSTRAINT events_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT events_actor_known CHECK (actor_kind IN ('person', 'token', 'system')),
    CONSTRAINT events_audience_known CHECK (audience IN ('everyone', 'admins'))
);
CREATE INDEX events_by_subject ON events (workspace_id, subject_id, sequence);

-- Answers of POSTs that bore an Idempotency-Key, written with their effect. The caller is a
-- member, a token or an account; the body is gone with the row after 24 hours.
CREATE TABLE idempotent_replies (
    caller_id uuid NOT NULL,
    operation text COLLATE "C" NOT NULL,
    idempotency_key text COLLATE "C" NOT NULL,
    fingerprint bytea NOT NULL,
    status integer NOT NULL,
    headers jsonb NOT NULL,
    body bytea NOT NULL,
    created_at timestamptz NOT NULL,
    CONSTRAINT idempotent_replies_pk PRIMARY KEY (caller_id, operation, idempotency_key)
);
CREATE INDEX idempotent_replies_by_age ON idempotent_replies (created_at);
