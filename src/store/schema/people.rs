//! Who takes part: accounts, workspaces, members, teams, tokens.

tables! {
    accounts (id) {
        id -> SqlId,
        email -> Text,
        email_folded -> Text,
        name -> Text,
        password_hash -> Text,
        state -> Text,
        password_changed_at -> SqlMoment,
        version -> Integer,
        created_at -> SqlMoment,
        updated_at -> SqlMoment,
        deleted_at -> Nullable<SqlMoment>,
    }

    sessions (id) {
        id -> SqlId,
        account_id -> SqlId,
        created_at -> SqlMoment,
        last_used_at -> SqlMoment,
        expires_at -> SqlMoment,
        revoked_at -> Nullable<SqlMoment>,
        user_agent -> Nullable<Text>,
    }

    refresh_tokens (hash) {
        hash -> Binary,
        session_id -> SqlId,
        created_at -> SqlMoment,
        expires_at -> SqlMoment,
        used_at -> Nullable<SqlMoment>,
    }

    sign_in_attempts (subject) {
        subject -> Binary,
        failures -> Integer,
        locked_until -> Nullable<SqlMoment>,
        last_at -> SqlMoment,
    }

    mails (id) {
        id -> SqlId,
        kind -> Text,
        recipient -> Text,
        account_id -> Nullable<SqlId>,
        created_at -> SqlMoment,
        expires_at -> SqlMoment,
        due_at -> SqlMoment,
        attempts -> Integer,
    }

    mailed_tokens (hash) {
        hash -> Binary,
        purpose -> Text,
        account_id -> SqlId,
        email -> Text,
        created_at -> SqlMoment,
        expires_at -> SqlMoment,
        used_at -> Nullable<SqlMoment>,
    }

    identities (id) {
        id -> SqlId,
        account_id -> SqlId,
        provider -> Text,
        issuer -> Text,
        subject -> Text,
        email -> Nullable<Text>,
        created_at -> SqlMoment,
        last_used_at -> SqlMoment,
    }

    authorizations (state_hash) {
        state_hash -> Binary,
        secret_hash -> Binary,
        provider -> Text,
        issuer -> Text,
        redirect_uri -> Text,
        session_id -> Nullable<SqlId>,
        created_at -> SqlMoment,
        expires_at -> SqlMoment,
    }

    workspaces (id) {
        id -> SqlId,
        slug -> Text,
        name -> Text,
        name_folded -> Text,
        time_zone -> Text,
        week_starts_on -> Text,
        check_in_rhythm_days -> Integer,
        event_sequence -> BigInt,
        version -> Integer,
        created_at -> SqlMoment,
        updated_at -> SqlMoment,
        deleted_at -> Nullable<SqlMoment>,
        revision -> BigInt,
    }

    members (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        account_id -> Nullable<SqlId>,
        name -> Text,
        name_folded -> Text,
        role -> Text,
        state -> Text,
        version -> Integer,
        joined_at -> SqlMoment,
        updated_at -> SqlMoment,
        removed_at -> Nullable<SqlMoment>,
        title -> Nullable<Text>,
    }

    teams (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        slug -> Text,
        name -> Text,
        name_folded -> Text,
        description -> Nullable<Text>,
        parent_id -> Nullable<SqlId>,
        version -> Integer,
        created_at -> SqlMoment,
        updated_at -> SqlMoment,
        archived_at -> Nullable<SqlMoment>,
    }

    team_members (team_id, member_id) {
        workspace_id -> SqlId,
        team_id -> SqlId,
        member_id -> SqlId,
        duty -> Text,
        added_at -> SqlMoment,
    }

    invitations (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        email -> Text,
        email_folded -> Text,
        role -> Text,
        token_hash -> Binary,
        invited_by -> SqlId,
        created_at -> SqlMoment,
        expires_at -> SqlMoment,
        used_at -> Nullable<SqlMoment>,
        revoked_at -> Nullable<SqlMoment>,
        member_id -> Nullable<SqlId>,
        team_ids -> SqlJson,
        duty -> Text,
    }

    tokens (id) {
        id -> SqlId,
        workspace_id -> SqlId,
        kind -> Text,
        name -> Text,
        hash -> Binary,
        hint -> Text,
        member_id -> SqlId,
        role -> Nullable<Text>,
        scopes -> SqlJson,
        team_ids -> SqlJson,
        key_patterns -> SqlJson,
        created_at -> SqlMoment,
        expires_at -> Nullable<SqlMoment>,
        last_used_at -> Nullable<SqlMoment>,
        revoked_at -> Nullable<SqlMoment>,
        warn_at -> Nullable<SqlMoment>,
        version -> Integer,
    }
}
