-- SQLite: ids are 16-byte blobs, moments microseconds since 1970 UTC, days days since 1970.
-- Every tenant table carries workspace_id, and every link inside a workspace is a composite
-- foreign key, so that SQL itself refuses a link across workspaces.

-- People -----------------------------------------------------------------------------------

CREATE TABLE accounts (
    id BLOB NOT NULL,
    email TEXT NOT NULL,
    email_folded TEXT NOT NULL,
    name TEXT NOT NULL,
    password_hash TEXT NOT NULL,
    state TEXT NOT NULL,
    password_changed_at INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CONSTRAINT accounts_pk PRIMARY KEY (id),
    CONSTRAINT accounts_email_once UNIQUE (email_folded),
    CONSTRAINT accounts_state_known CHECK (state IN ('active', 'suspended'))
) STRICT;

CREATE TABLE sessions (
    id BLOB NOT NULL,
    account_id BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    revoked_at INTEGER,
    CONSTRAINT sessions_pk PRIMARY KEY (id),
    CONSTRAINT sessions_account FOREIGN KEY (account_id) REFERENCES accounts (id)
) STRICT;
CREATE INDEX sessions_by_account ON sessions (account_id);

-- One row per refresh token of a session; only the newest is unused.
CREATE TABLE refresh_tokens (
    hash BLOB NOT NULL,
    session_id BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    CONSTRAINT refresh_tokens_pk PRIMARY KEY (hash),
    CONSTRAINT refresh_tokens_session FOREIGN KEY (session_id) REFERENCES sessions (id)
) STRICT;
CREATE INDEX refresh_tokens_by_session ON refresh_tokens (session_id);

-- Sign-ins that were begun and did not succeed yet, by a keyed digest of what was tried. Addresses
-- without an account are counted like those with one, so that nobody can tell them apart.
CREATE TABLE sign_in_attempts (
    subject BLOB NOT NULL,
    failures INTEGER NOT NULL,
    locked_until INTEGER,
    last_at INTEGER NOT NULL,
    CONSTRAINT sign_in_attempts_pk PRIMARY KEY (subject)
) STRICT;
CREATE INDEX sign_in_attempts_by_age ON sign_in_attempts (last_at);

CREATE TABLE workspaces (
    id BLOB NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    time_zone TEXT NOT NULL,
    week_starts_on TEXT NOT NULL,
    check_in_rhythm_days INTEGER NOT NULL,
    event_sequence INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    deleted_at INTEGER,
    CONSTRAINT workspaces_pk PRIMARY KEY (id),
    CONSTRAINT workspaces_slug_once UNIQUE (slug),
    CONSTRAINT workspaces_week_known CHECK (week_starts_on IN ('monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday')),
    CONSTRAINT workspaces_rhythm_bounded CHECK (check_in_rhythm_days BETWEEN 1 AND 366)
) STRICT;

CREATE TABLE members (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    account_id BLOB NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    role TEXT NOT NULL,
    state TEXT NOT NULL,
    version INTEGER NOT NULL,
    joined_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    removed_at INTEGER,
    CONSTRAINT members_pk PRIMARY KEY (id),
    CONSTRAINT members_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT members_account_once UNIQUE (workspace_id, account_id),
    CONSTRAINT members_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT members_account FOREIGN KEY (account_id) REFERENCES accounts (id),
    CONSTRAINT members_role_known CHECK (role IN ('viewer', 'member', 'admin', 'owner')),
    CONSTRAINT members_state_known CHECK (state IN ('invited', 'active', 'suspended', 'removed'))
) STRICT;
CREATE INDEX members_by_account ON members (account_id);

CREATE TABLE teams (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    description TEXT,
    parent_id BLOB,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    archived_at INTEGER,
    CONSTRAINT teams_pk PRIMARY KEY (id),
    CONSTRAINT teams_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT teams_slug_once UNIQUE (workspace_id, slug),
    CONSTRAINT teams_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT teams_parent FOREIGN KEY (workspace_id, parent_id) REFERENCES teams (workspace_id, id)
) STRICT;

CREATE TABLE team_members (
    workspace_id BLOB NOT NULL,
    team_id BLOB NOT NULL,
    member_id BLOB NOT NULL,
    duty TEXT NOT NULL,
    added_at INTEGER NOT NULL,
    CONSTRAINT team_members_pk PRIMARY KEY (team_id, member_id),
    CONSTRAINT team_members_team FOREIGN KEY (workspace_id, team_id) REFERENCES teams (workspace_id, id),
    CONSTRAINT team_members_member FOREIGN KEY (workspace_id, member_id) REFERENCES members (workspace_id, id),
    CONSTRAINT team_members_duty_known CHECK (duty IN ('member', 'lead'))
) STRICT;
CREATE INDEX team_members_by_member ON team_members (workspace_id, member_id);

CREATE TABLE invitations (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    email TEXT NOT NULL,
    email_folded TEXT NOT NULL,
    role TEXT NOT NULL,
    token_hash BLOB NOT NULL,
    invited_by BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    used_at INTEGER,
    revoked_at INTEGER,
    CONSTRAINT invitations_pk PRIMARY KEY (id),
    CONSTRAINT invitations_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT invitations_hash_once UNIQUE (token_hash),
    CONSTRAINT invitations_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT invitations_inviter FOREIGN KEY (workspace_id, invited_by) REFERENCES members (workspace_id, id),
    CONSTRAINT invitations_role_known CHECK (role IN ('viewer', 'member', 'admin', 'owner'))
) STRICT;
CREATE INDEX invitations_by_email ON invitations (workspace_id, email_folded);

-- A personal token acts for its member; a service token has a role of its own.
CREATE TABLE tokens (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    name TEXT NOT NULL,
    hash BLOB NOT NULL,
    hint TEXT NOT NULL,
    member_id BLOB NOT NULL,
    role TEXT,
    scopes TEXT NOT NULL,
    team_ids TEXT NOT NULL,
    key_patterns TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    expires_at INTEGER,
    last_used_at INTEGER,
    revoked_at INTEGER,
    CONSTRAINT tokens_pk PRIMARY KEY (id),
    CONSTRAINT tokens_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT tokens_hash_once UNIQUE (hash),
    CONSTRAINT tokens_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT tokens_maker FOREIGN KEY (workspace_id, member_id) REFERENCES members (workspace_id, id),
    CONSTRAINT tokens_kind_known CHECK (kind IN ('personal', 'service')),
    CONSTRAINT tokens_role_known CHECK (role IN ('viewer', 'member'))
) STRICT;

-- KPIs: diagnose ----------------------------------------------------------------------------

CREATE TABLE kpis (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    key TEXT NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    definition TEXT,
    category TEXT NOT NULL,
    cadence TEXT NOT NULL,
    aggregation TEXT NOT NULL,
    indicator TEXT,
    display_style TEXT NOT NULL,
    currency TEXT,
    display_precision INTEGER,
    unit TEXT,
    owner_id BLOB,
    team_id BLOB,
    decision TEXT,
    playbook_at_risk TEXT,
    playbook_unhealthy TEXT,
    visibility TEXT NOT NULL,
    tags TEXT NOT NULL,
    confirm_periods INTEGER,
    recover_periods INTEGER NOT NULL,
    grace_days INTEGER,
    expect_every TEXT,
    replaced_by BLOB,
    active_remedies INTEGER NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    archived_at INTEGER,
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
) STRICT;
CREATE INDEX kpis_by_name ON kpis (workspace_id, name_folded, id);

-- Names of other systems, and keys that the KPI had before.
CREATE TABLE kpi_aliases (
    workspace_id BLOB NOT NULL,
    alias TEXT NOT NULL,
    kpi_id BLOB NOT NULL,
    kind TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT kpi_aliases_pk PRIMARY KEY (workspace_id, alias),
    CONSTRAINT kpi_aliases_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT kpi_aliases_kind_known CHECK (kind IN ('former_key', 'alias'))
) STRICT;
CREATE INDEX kpi_aliases_by_kpi ON kpi_aliases (kpi_id);

-- A band from a date on. What is replaced stays, with its replaced_at.
-- The first target holds from the beginning of time: effective_from is then 0001-01-01.
-- A row without bounds says that from its date on there is no target.
CREATE TABLE targets (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    kpi_id BLOB NOT NULL,
    effective_from INTEGER NOT NULL,
    target_min REAL,
    target_max REAL,
    tolerance_min REAL,
    tolerance_max REAL,
    note TEXT,
    backdated INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    recorded_by BLOB NOT NULL,
    replaced_at INTEGER,
    CONSTRAINT targets_pk PRIMARY KEY (id),
    CONSTRAINT targets_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT targets_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT targets_ordered CHECK (target_min IS NULL OR target_max IS NULL OR target_min <= target_max),
    CONSTRAINT targets_tolerance_below CHECK (tolerance_min IS NULL OR tolerance_min <= target_min),
    CONSTRAINT targets_tolerance_above CHECK (tolerance_max IS NULL OR tolerance_max >= target_max)
) STRICT;
CREATE UNIQUE INDEX targets_date_once ON targets (kpi_id, effective_from) WHERE replaced_at IS NULL;

-- One measurement: the hot table.
CREATE TABLE points (
    workspace_id BLOB NOT NULL,
    kpi_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    feed TEXT NOT NULL,
    value REAL NOT NULL,
    note TEXT,
    quality TEXT NOT NULL,
    origin TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    recorded_by BLOB NOT NULL,
    CONSTRAINT points_pk PRIMARY KEY (kpi_id, at, feed),
    CONSTRAINT points_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT points_quality_known CHECK (quality IN ('measured', 'estimated')),
    CONSTRAINT points_origin_known CHECK (origin IN ('person', 'token', 'import', 'formula'))
) STRICT, WITHOUT ROWID;

-- What points said before they were replaced or deleted, so that nothing dated is lost.
CREATE TABLE point_revisions (
    workspace_id BLOB NOT NULL,
    kpi_id BLOB NOT NULL,
    at INTEGER NOT NULL,
    feed TEXT NOT NULL,
    replaced_at INTEGER NOT NULL,
    value REAL NOT NULL,
    note TEXT,
    quality TEXT NOT NULL,
    origin TEXT NOT NULL,
    recorded_at INTEGER NOT NULL,
    recorded_by BLOB NOT NULL,
    CONSTRAINT point_revisions_pk PRIMARY KEY (kpi_id, at, feed, replaced_at, recorded_at),
    CONSTRAINT point_revisions_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT point_revisions_quality_known CHECK (quality IN ('measured', 'estimated')),
    CONSTRAINT point_revisions_origin_known CHECK (origin IN ('person', 'token', 'import', 'formula'))
) STRICT, WITHOUT ROWID;

-- Derived: a row per period that holds a point. No value: it was not finite.
CREATE TABLE kpi_periods (
    workspace_id BLOB NOT NULL,
    kpi_id BLOB NOT NULL,
    starts_at INTEGER NOT NULL,
    value REAL,
    points INTEGER NOT NULL,
    newest_at INTEGER NOT NULL,
    health TEXT NOT NULL,
    CONSTRAINT kpi_periods_pk PRIMARY KEY (kpi_id, starts_at),
    CONSTRAINT kpi_periods_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT kpi_periods_health_known CHECK (health IN ('healthy', 'at_risk', 'unhealthy', 'unknown'))
) STRICT, WITHOUT ROWID;

-- Derived: what a KPI shows from an instant on. The first row holds now; later ones wait for
-- the clock (a running sum that completes), so that nothing shown waits for a write.
CREATE TABLE kpi_states (
    workspace_id BLOB NOT NULL,
    kpi_id BLOB NOT NULL,
    from_at INTEGER NOT NULL,
    period_starts_at INTEGER,
    value REAL,
    previous_value REAL,
    health TEXT NOT NULL,
    reason TEXT,
    since INTEGER,
    gap REAL,
    severity REAL,
    due_at INTEGER,
    stale_at INTEGER,
    episode_opened_on INTEGER,
    episode_opening_value REAL,
    episode_worst_value REAL,
    episode_worst_on INTEGER,
    closed_opened_on INTEGER,
    closed_on INTEGER,
    closed_by TEXT,
    CONSTRAINT kpi_states_pk PRIMARY KEY (kpi_id, from_at),
    CONSTRAINT kpi_states_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT kpi_states_health_known CHECK (health IN ('healthy', 'at_risk', 'unhealthy', 'unknown')),
    CONSTRAINT kpi_states_reason_known CHECK (reason IN ('no_target', 'no_data', 'stale', 'overflow')),
    CONSTRAINT kpi_states_closed_by_known CHECK (closed_by IN ('value', 'target'))
) STRICT, WITHOUT ROWID;
CREATE INDEX kpi_states_by_workspace ON kpi_states (workspace_id, kpi_id, from_at);

-- OKRs: prescribe ---------------------------------------------------------------------------

CREATE TABLE cycles (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    slug TEXT NOT NULL,
    name TEXT NOT NULL,
    name_folded TEXT NOT NULL,
    starts_on INTEGER NOT NULL,
    ends_on INTEGER NOT NULL,
    state TEXT NOT NULL,
    parent_id BLOB,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    CONSTRAINT cycles_pk PRIMARY KEY (id),
    CONSTRAINT cycles_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT cycles_slug_once UNIQUE (workspace_id, slug),
    CONSTRAINT cycles_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT cycles_parent FOREIGN KEY (workspace_id, parent_id) REFERENCES cycles (workspace_id, id),
    CONSTRAINT cycles_state_known CHECK (state IN ('planning', 'active', 'closed')),
    CONSTRAINT cycles_ordered CHECK (starts_on <= ends_on)
) STRICT;

CREATE TABLE objectives (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    cycle_id BLOB,
    parent_id BLOB,
    title TEXT NOT NULL,
    title_folded TEXT NOT NULL,
    why TEXT,
    owner_id BLOB,
    team_id BLOB,
    weight REAL NOT NULL,
    starts_on INTEGER,
    ends_on INTEGER,
    state TEXT NOT NULL,
    progress_source TEXT NOT NULL,
    manual_progress REAL,
    manual_note TEXT,
    visibility TEXT NOT NULL,
    tags TEXT NOT NULL,
    outcome TEXT,
    score REAL,
    reflection TEXT,
    frozen TEXT,
    activated_at INTEGER,
    closed_at INTEGER,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    archived_at INTEGER,
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
) STRICT;
CREATE INDEX objectives_by_title ON objectives (workspace_id, title_folded, id);
CREATE INDEX objectives_by_cycle ON objectives (workspace_id, cycle_id);

-- Each change of state, so that any day can be answered as it stood then.
CREATE TABLE objective_states (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    objective_id BLOB NOT NULL,
    state TEXT NOT NULL,
    at INTEGER NOT NULL,
    recorded_by BLOB NOT NULL,
    CONSTRAINT objective_states_pk PRIMARY KEY (id),
    CONSTRAINT objective_states_objective FOREIGN KEY (workspace_id, objective_id) REFERENCES objectives (workspace_id, id),
    CONSTRAINT objective_states_state_known CHECK (state IN ('draft', 'active', 'closed', 'archived'))
) STRICT;
CREATE INDEX objective_states_by_objective ON objective_states (objective_id, at);

CREATE TABLE key_results (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    objective_id BLOB NOT NULL,
    title TEXT NOT NULL,
    title_folded TEXT NOT NULL,
    kind TEXT NOT NULL,
    start REAL,
    target REAL,
    range_min REAL,
    range_max REAL,
    unit TEXT,
    weight REAL NOT NULL,
    owner_id BLOB,
    due_on INTEGER,
    source TEXT NOT NULL,
    kpi_id BLOB,
    original_start REAL,
    original_target REAL,
    original_range_min REAL,
    original_range_max REAL,
    original_due_on INTEGER,
    activated_at INTEGER,
    frozen TEXT,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    archived_at INTEGER,
    CONSTRAINT key_results_pk PRIMARY KEY (id),
    CONSTRAINT key_results_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT key_results_objective FOREIGN KEY (workspace_id, objective_id) REFERENCES objectives (workspace_id, id),
    CONSTRAINT key_results_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT key_results_owner FOREIGN KEY (workspace_id, owner_id) REFERENCES members (workspace_id, id),
    CONSTRAINT key_results_kind_known CHECK (kind IN ('increase', 'decrease', 'at_least', 'at_most', 'between', 'milestone')),
    CONSTRAINT key_results_source_known CHECK (source IN ('manual', 'kpi')),
    CONSTRAINT key_results_source_named CHECK ((source = 'kpi') = (kpi_id IS NOT NULL)),
    CONSTRAINT key_results_weight_bounded CHECK (weight >= 0)
) STRICT;
CREATE INDEX key_results_by_objective ON key_results (objective_id, created_at, id);
CREATE INDEX key_results_by_kpi ON key_results (kpi_id);
CREATE INDEX key_results_by_title ON key_results (workspace_id, title_folded, id);

CREATE TABLE check_ins (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    key_result_id BLOB NOT NULL,
    value REAL,
    confidence TEXT NOT NULL,
    note TEXT,
    blocker TEXT,
    author_id BLOB,
    at INTEGER NOT NULL,
    recorded_at INTEGER NOT NULL,
    CONSTRAINT check_ins_pk PRIMARY KEY (id),
    CONSTRAINT check_ins_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT check_ins_key_result FOREIGN KEY (workspace_id, key_result_id) REFERENCES key_results (workspace_id, id),
    CONSTRAINT check_ins_author FOREIGN KEY (workspace_id, author_id) REFERENCES members (workspace_id, id),
    CONSTRAINT check_ins_confidence_known CHECK (confidence IN ('on_track', 'at_risk', 'off_track'))
) STRICT;
CREATE INDEX check_ins_by_key_result ON check_ins (key_result_id, at, id);

-- Care: the loop ----------------------------------------------------------------------------

CREATE TABLE remedies (
    id BLOB NOT NULL,
    workspace_id BLOB NOT NULL,
    kpi_id BLOB NOT NULL,
    objective_id BLOB NOT NULL,
    note TEXT,
    baseline_value REAL,
    baseline_health TEXT NOT NULL,
    baseline_starts_at INTEGER,
    baseline_min REAL,
    baseline_max REAL,
    baseline_tolerance_min REAL,
    baseline_tolerance_max REAL,
    unhealthy_since INTEGER,
    shown_outcome TEXT NOT NULL,
    version INTEGER NOT NULL,
    created_at INTEGER NOT NULL,
    created_by BLOB NOT NULL,
    updated_at INTEGER NOT NULL,
    withdrawn_at INTEGER,
    withdrawn_by BLOB,
    CONSTRAINT remedies_pk PRIMARY KEY (id),
    CONSTRAINT remedies_in_workspace UNIQUE (workspace_id, id),
    CONSTRAINT remedies_kpi FOREIGN KEY (workspace_id, kpi_id) REFERENCES kpis (workspace_id, id),
    CONSTRAINT remedies_objective FOREIGN KEY (workspace_id, objective_id) REFERENCES objectives (workspace_id, id),
    CONSTRAINT remedies_health_known CHECK (baseline_health IN ('healthy', 'at_risk', 'unhealthy', 'unknown')),
    CONSTRAINT remedies_outcome_known CHECK (shown_outcome IN ('withdrawn', 'recovered', 'relapsed', 'target_moved', 'planned', 'in_progress', 'awaiting_effect', 'failed'))
) STRICT;
CREATE UNIQUE INDEX remedies_link_once ON remedies (kpi_id, objective_id) WHERE withdrawn_at IS NULL;
CREATE INDEX remedies_by_workspace ON remedies (workspace_id, kpi_id);
CREATE INDEX remedies_by_objective ON remedies (objective_id);

-- Feeds and the floor -------------------------------------------------------------------------

CREATE TABLE events (
    workspace_id BLOB NOT NULL,
    sequence INTEGER NOT NULL,
    at INTEGER NOT NULL,
    actor_kind TEXT NOT NULL,
    actor_id BLOB,
    actor_name TEXT NOT NULL,
    type TEXT NOT NULL,
    audience TEXT NOT NULL,
    subject_type TEXT NOT NULL,
    subject_id BLOB NOT NULL,
    subject_name TEXT NOT NULL,
    change TEXT NOT NULL,
    request_id TEXT NOT NULL,
    CONSTRAINT events_pk PRIMARY KEY (workspace_id, sequence),
    CONSTRAINT events_workspace FOREIGN KEY (workspace_id) REFERENCES workspaces (id),
    CONSTRAINT events_actor_known CHECK (actor_kind IN ('person', 'token', 'system')),
    CONSTRAINT events_audience_known CHECK (audience IN ('everyone', 'admins'))
) STRICT, WITHOUT ROWID;
CREATE INDEX events_by_subject ON events (workspace_id, subject_id, sequence);

-- Answers of POSTs that bore an Idempotency-Key, written with their effect. The caller is a
-- member, a token or an account; the body is gone with the row after 24 hours.
CREATE TABLE idempotent_replies (
    caller_id BLOB NOT NULL,
    operation TEXT NOT NULL,
    idempotency_key TEXT NOT NULL,
    fingerprint BLOB NOT NULL,
    status INTEGER NOT NULL,
    headers TEXT NOT NULL,
    body BLOB NOT NULL,
    created_at INTEGER NOT NULL,
    CONSTRAINT idempotent_replies_pk PRIMARY KEY (caller_id, operation, idempotency_key)
) STRICT;
CREATE INDEX idempotent_replies_by_age ON idempotent_replies (created_at);
