//! An API token as it is stored: by its hash, never as itself.

use diesel::dsl::auto_type;
use diesel::prelude::*;
use jiff::SignedDuration;
use serde::de::DeserializeOwned;
use serde_json::json;

use crate::access::api_token::ApiToken;
use crate::access::caller::TokenKind;
use crate::access::target::invalid_id;
use crate::access::{Action, Facts, Resource, Role, Scope, Scoped};
use crate::http::{Problem, Result};
use crate::maths::word::words;
use crate::store::journal::{EventType, Subject};
use crate::store::schema::tokens;
use crate::store::{Json, MemberId, Moment, TeamId, TokenId, Tx, WorkspaceId};

words! {
    /// Whether a token can be used.
    pub enum TokenState {
        /// It can.
        Active = "active",
        /// Its time is over.
        Expired = "expired",
        /// It was revoked.
        Revoked = "revoked",
    }
}
crate::http::words::impl_wire_words!(TokenState);

/// A token as it is stored.
#[derive(Clone, Debug, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = tokens, treat_none_as_null = true)]
pub struct TokenRow {
    pub id: TokenId,
    pub workspace_id: WorkspaceId,
    pub kind: TokenKind,
    pub name: String,
    pub hash: Vec<u8>,
    pub hint: String,
    pub member_id: MemberId,
    pub role: Option<Role>,
    pub scopes: Json,
    pub team_ids: Json,
    pub key_patterns: Json,
    pub created_at: Moment,
    pub expires_at: Option<Moment>,
    pub last_used_at: Option<Moment>,
    pub revoked_at: Option<Moment>,
    /// When its coming end is told next.
    pub warn_at: Option<Moment>,
    pub version: i32,
}

/// What a token is made of.
#[derive(Clone, Debug)]
pub struct TokenPlan<'a> {
    /// What people call it.
    pub name: &'a str,
    /// For whom it acts.
    pub kind: TokenKind,
    /// A service token's own role.
    pub role: Option<Role>,
    /// What it may be used for.
    pub scopes: &'a [Scope],
    /// The teams that it is narrowed to; empty is all.
    pub teams: &'a [TeamId],
    /// The key patterns that it is narrowed to; empty is all.
    pub key_patterns: &'a [String],
    /// How long it can be used; without end where there is none.
    pub lifetime: Option<SignedDuration>,
}

impl TokenRow {
    /// Makes a token for a member; its secret is in the answer and nowhere else.
    pub fn create(
        tx: &mut Tx,
        workspace: WorkspaceId,
        member: MemberId,
        plan: &TokenPlan,
    ) -> Result<(Self, ApiToken)> {
        let token = ApiToken::generate();
        let expires_at = plan.lifetime.map(|lifetime| tx.now.plus(lifetime));
        let row = Self {
            id: TokenId::generate(tx.now.timestamp()),
            workspace_id: workspace,
            kind: plan.kind,
            name: plan.name.to_owned(),
            hash: token.hash().to_vec(),
            hint: token.hint(),
            member_id: member,
            role: plan.role,
            scopes: Json(json!(plan.scopes)),
            team_ids: Json(json!(plan.teams)),
            key_patterns: Json(json!(plan.key_patterns)),
            created_at: tx.now,
            expires_at,
            last_used_at: None,
            revoked_at: None,
            warn_at: expires_at.and_then(|end| next_warning(end, tx.now)),
            version: 1,
        };
        diesel::insert_into(tokens::table).values(&row).execute(tx.db())?;
        let change = json!({
            "name": row.name, "kind": row.kind, "role": row.role, "scopes": row.scopes.0,
            "team_ids": row.team_ids.0, "key_patterns": row.key_patterns.0, "expires_at": row.expires_at,
        });
        tx.tell(EventType::TokenCreated, row.subject(), change);
        Ok((row, token))
    }

    /// Ends it, at once.
    pub fn revoke(&self, tx: &mut Tx) -> Result<()> {
        let living = tokens::table.filter(tokens::id.eq(self.id)).filter(tokens::revoked_at.is_null());
        if diesel::update(living).set(tokens::revoked_at.eq(Some(tx.now))).execute(tx.db())? > 0 {
            tx.tell(EventType::TokenRevoked, self.subject(), json!({ "name": self.name }));
        }
        Ok(())
    }

    /// Whether it can be used at a moment.
    pub fn state(&self, now: Moment) -> TokenState {
        match (self.revoked_at, self.expires_at) {
            (Some(_), _) => TokenState::Revoked,
            (None, Some(end)) if end <= now => TokenState::Expired,
            (None, _) => TokenState::Active,
        }
    }

    /// What it may be used for.
    pub fn scopes(&self) -> Vec<Scope> {
        listed(&self.scopes)
    }

    /// The teams that it is narrowed to.
    pub fn teams(&self) -> Vec<TeamId> {
        listed(&self.team_ids)
    }

    /// The key patterns that it is narrowed to.
    pub fn key_patterns(&self) -> Vec<String> {
        listed(&self.key_patterns)
    }

    /// What events name.
    pub(super) fn subject(&self) -> Subject {
        Subject::new("token", self.id, self.name.clone())
    }
}

fn listed<T: DeserializeOwned>(json: &Json) -> Vec<T> {
    serde_json::from_value(json.0.clone()).unwrap_or_default()
}

/// Whether the caller knows of a token: their own, and admins of all.
pub(super) fn is_known(tx: &Scoped, row: &TokenRow) -> bool {
    tx.member() == Some(row.member_id) || tx.may(Action::Manage, &Facts::default())
}

impl Resource for TokenRow {
    const PARAMETER: &'static str = "token";

    fn load(tx: &mut Scoped, reference: &str) -> Result<Self> {
        let id: TokenId = reference.parse().map_err(invalid_id)?;
        let workspace = tx.here()?;
        let row: Option<Self> = tokens::table
            .filter(tokens::workspace_id.eq(workspace))
            .filter(tokens::id.eq(id))
            .first(tx.db())
            .optional()?;
        row.filter(|row| is_known(tx, row)).ok_or_else(Problem::not_found)
    }

    fn facts(&self) -> Facts {
        Facts::of(Some(self.member_id), None)
    }

    fn version(&self) -> Option<i32> {
        Some(self.version)
    }
}

/// How long before its end a token is told of, the longest first.
const WARNINGS: [SignedDuration; 2] =
    [SignedDuration::from_hours(14 * 24), SignedDuration::from_hours(3 * 24)];

/// When an end is told of next, after a moment.
fn next_warning(end: Moment, after: Moment) -> Option<Moment> {
    WARNINGS.into_iter().map(|before| end.plus(-before)).find(|at| *at > after)
}

/// The workspaces with tokens whose end is to be told of by now; asked across all of them.
pub fn with_warnings(tx: &mut Tx) -> Result<Vec<WorkspaceId>> {
    Ok(tokens::table
        .filter(tokens::warn_at.assume_not_null().le(tx.now))
        .filter(tokens::revoked_at.is_null())
        .select(tokens::workspace_id)
        .distinct()
        .load(tx.db())?)
}

/// Tells of the tokens of the workspace that end soon, each time once.
pub fn warn(tx: &mut Tx) -> Result<()> {
    let (workspace, now) = (tx.workspace_id()?, tx.now);
    let rows: Vec<TokenRow> = tokens::table
        .filter(tokens::workspace_id.eq(workspace))
        .filter(tokens::warn_at.assume_not_null().le(now))
        .filter(tokens::revoked_at.is_null())
        .order(tokens::id)
        .load(tx.db())?;
    for row in rows {
        let next = row.expires_at.and_then(|end| next_warning(end, now));
        diesel::update(
            tokens::table.filter(tokens::workspace_id.eq(workspace)).filter(tokens::id.eq(row.id)),
        )
        .set(tokens::warn_at.eq(next))
        .execute(tx.db())?;
        // One that ended while nobody looked is not about to end any more.
        if let Some(end) = row.expires_at.filter(|end| *end > now) {
            let days = if next.is_some() { 14 } else { 3 };
            let change = json!({
                "name": row.name, "kind": row.kind, "member_id": row.member_id, "expires_at": end, "within_days": days,
            });
            tx.tell(EventType::TokenExpiring, row.subject(), change);
        }
    }
    Ok(())
}

/// Stores what people changed.
pub(super) fn save(tx: &mut Tx, row: &mut TokenRow) -> Result<()> {
    row.version += 1;
    diesel::update(
        tokens::table.filter(tokens::workspace_id.eq(row.workspace_id)).filter(tokens::id.eq(row.id)),
    )
    .set(&*row)
    .execute(tx.db())?;
    Ok(())
}

/// The tokens of a workspace, newest first.
pub(super) fn all(tx: &mut Tx, workspace: WorkspaceId) -> Result<Vec<TokenRow>> {
    Ok(tokens::table.filter(tokens::workspace_id.eq(workspace)).order(tokens::id.desc()).load(tx.db())?)
}

/// Whether a token can be used at a moment, as a condition of a query: [`TokenRow::state`] says the same of a row.
#[auto_type]
pub fn is_usable(now: Moment) -> _ {
    let now: Option<Moment> = Some(now);
    tokens::revoked_at.is_null().and(tokens::expires_at.is_null().or(tokens::expires_at.gt(now)))
}

/// How many tokens of a workspace can be used.
pub(super) fn count(tx: &mut Tx, workspace: WorkspaceId) -> Result<i64> {
    Ok(tokens::table
        .filter(tokens::workspace_id.eq(workspace))
        .filter(is_usable(tx.now))
        .count()
        .get_result(tx.db())?)
}

/// Revokes the personal tokens of a member who leaves; coming back does not revive them. The event
/// of the leaving tells of it.
pub fn revoke_personal(tx: &mut Tx, workspace: WorkspaceId, member: MemberId) -> Result<()> {
    let personal = tokens::table
        .filter(tokens::workspace_id.eq(workspace))
        .filter(tokens::member_id.eq(member))
        .filter(tokens::kind.eq(TokenKind::Personal))
        .filter(tokens::revoked_at.is_null());
    diesel::update(personal).set(tokens::revoked_at.eq(Some(tx.now))).execute(tx.db())?;
    Ok(())
}

/// Revokes the tokens of a workspace that have a name; answers how many.
pub fn revoke_named(tx: &mut Tx, workspace: WorkspaceId, name: &str) -> Result<usize> {
    let rows: Vec<TokenRow> = tokens::table
        .filter(tokens::workspace_id.eq(workspace))
        .filter(tokens::name.eq(name))
        .filter(tokens::revoked_at.is_null())
        .load(tx.db())?;
    for row in &rows {
        row.revoke(tx)?;
    }
    Ok(rows.len())
}
