//! API tokens: what scripts and integrations call with.
//!
//! A personal token does what its scopes and its person's present role both allow. A service token
//! belongs to the workspace and outlives its maker's leaving; it has a role of its own. The secret is
//! shown once and stored as a hash; nobody makes a token that may do more than they may themselves.

mod change;
mod row;

use std::collections::HashMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::caller::TokenKind;
use crate::access::{Action, At, Db, Facts, MakesSecrets, Reads, Role, Scope, Scoped};
use crate::http::answer::Answer;
use crate::http::body::Rules;
use crate::http::page::{Position, page_type};
use crate::http::{
    Body, Code, Created, FieldErrors, Json, Listing, Name, Nothing, Page, Problem, Result, Revealed, Routes,
    routes,
};
use crate::people::members::{self, MemberRef};
use crate::people::teams::{self, TeamInput, TeamRef};
use crate::store::{MemberId, Moment, TeamId, TokenId};
use change::{revoke_token, revoke_tokens, update_token};
pub use row::{
    TokenPlan, TokenRow, TokenState, is_usable, revoke_named, revoke_personal, warn, with_warnings,
};

/// How many usable tokens a workspace has at the most.
const MOST_TOKENS: i64 = 100;

/// The paths of tokens.
pub fn routes() -> Routes {
    routes! { "tokens",
        "/v1/workspaces/{workspace}/tokens" {
            /// List API tokens, newest first.
            /// Everybody sees their own; admins see all. Revoked ones are shown only where `state` asks
            /// for them.
            GET list_tokens,
            /// Make an API token.
            /// The answer bears the token, which is shown once. Scopes reach no further than the caller's
            /// role; one that never ends is made by an owner. A workspace has up to 100 usable tokens.
            POST create_token
        }
        "/v1/workspaces/{workspace}/token-revocations" {
            /// Revoke API tokens at once: all, those of a kind, or those of a member.
            /// They are refused from the next request on; if the caller is one of them, it is revoked too.
            POST revoke_tokens
        }
        "/v1/workspaces/{workspace}/tokens/{token}" {
            /// Show an API token; not the secret itself.
            GET show_token,
            /// Change the name of an API token, or who answers for a service token.
            /// What a token may be used for never changes: make another one.
            PATCH update_token,
            /// Revoke an API token, at once.
            DELETE revoke_token
        }
    }
}

/// A pattern of KPI keys: a key, or the beginning of one and `*`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(min_length = 1, max_length = 64, pattern = r"^[a-z0-9._-]*(\*|[a-z0-9._-])$", example = "sales-*")]
pub struct KeyPattern(String);

/// A new API token.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewToken {
    /// What people call it.
    #[schema(example = "Nightly export")]
    name: Name,
    /// For whom it acts; service tokens are made by admins.
    #[serde(default = "personal")]
    #[schema(default = "personal")]
    kind: TokenKind,
    /// What it may be used for.
    #[schema(min_items = 1, max_items = 4, example = json!(["points:write"]))]
    scopes: Vec<Scope>,
    /// A service token's own role, `viewer` or `member`; none for a personal one, which has its person's.
    #[serde(default)]
    #[schema(example = json!(null))]
    role: Option<Role>,
    /// Teams whose things it may change, by id or slug; with none, and no key patterns, all that its role allows.
    #[serde(default)]
    #[schema(max_items = 50, example = json!([]))]
    team_ids: Vec<TeamInput>,
    /// Keys of the KPIs that it may change.
    #[serde(default)]
    #[schema(max_items = 50, example = json!(["sales-*"]))]
    key_patterns: Vec<KeyPattern>,
    /// How long it can be used, in days; null for a token that never ends, which only an owner makes.
    #[serde(default = "ninety")]
    #[schema(minimum = 1, maximum = 366, default = 90, example = 90)]
    expires_in_days: Option<i64>,
}

fn personal() -> TokenKind {
    TokenKind::Personal
}

#[allow(clippy::unnecessary_wraps, reason = "null means a token that never ends")]
fn ninety() -> Option<i64> {
    Some(90)
}

impl Rules for NewToken {
    fn judge(&self, errors: &mut FieldErrors) {
        for (index, scope) in self.scopes.iter().enumerate() {
            if self.scopes[..index].contains(scope) {
                errors.add(format!("/scopes/{index}"), "repeated", "this scope stands there already");
            }
        }
        match (self.kind, self.role) {
            (TokenKind::Personal, None) => {}
            (TokenKind::Personal, Some(_)) => {
                errors.add("/role", "not_applicable", "a personal token has its person's role");
            }
            (TokenKind::Service, None) => {
                errors.add("/role", "required", "a service token has a role of its own: viewer or member");
            }
            (TokenKind::Service, Some(Role::Admin | Role::Owner)) => {
                errors.add("/role", "out_of_bounds", "a service token's role is at most member");
            }
            (TokenKind::Service, Some(role @ (Role::Viewer | Role::Member))) => {
                for (index, scope) in self.scopes.iter().enumerate() {
                    if role_for(*scope) > role {
                        let detail = format!("this scope is of no use with the role {role}");
                        errors.add(format!("/scopes/{index}"), "beyond_role", detail);
                    }
                }
            }
        }
    }
}

/// The least role with which a scope is of any use.
fn role_for(scope: Scope) -> Role {
    match scope {
        Scope::Read => Role::Viewer,
        Scope::PointsWrite | Scope::Write => Role::Member,
        Scope::Admin => Role::Admin,
    }
}

/// An API token.
#[derive(Debug, Serialize, ToSchema)]
pub struct Token {
    /// The token's id.
    id: TokenId,
    /// Counts the changes of its name and of who answers for it.
    #[schema(minimum = 1)]
    version: i32,
    /// What people call it.
    #[schema(value_type = Name)]
    name: String,
    /// For whom it acts.
    kind: TokenKind,
    /// Whether it can be used.
    state: TokenState,
    /// The token's beginning and end, to know it by.
    #[schema(max_length = 16, pattern = "^rgm_…[0-9A-Za-z]+$", example = "rgm_…x7Qa")]
    hint: String,
    /// Whose it is, or who answers for a service token.
    member_id: MemberId,
    /// Whose it is, or who answers for a service token.
    member: Option<MemberRef>,
    /// A service token's own role; null for personal ones.
    role: Option<Role>,
    /// What it may be used for.
    #[schema(max_items = 4)]
    scopes: Vec<Scope>,
    /// The teams that it is narrowed to; none is all.
    #[schema(max_items = 50)]
    team_ids: Vec<TeamId>,
    /// The teams that it is narrowed to.
    #[schema(max_items = 50)]
    teams: Vec<TeamRef>,
    /// The keys that it is narrowed to; none is all.
    #[schema(value_type = Vec<KeyPattern>, max_items = 50)]
    key_patterns: Vec<String>,
    /// When it was made.
    created_at: Moment,
    /// When it ends; null where it never does.
    expires_at: Option<Moment>,
    /// When it was used last, to the minute.
    last_used_at: Option<Moment>,
    /// When it was revoked.
    revoked_at: Option<Moment>,
    /// The token itself; only in the answer that made it, else null.
    #[schema(
        max_length = 40,
        pattern = "^rgm_[0-9A-Za-z]{36}$",
        example = "rgm_0000000000000000000000000000000o67Ht"
    )]
    token: Option<String>,
}

page_type!(TokenPage, Token);

/// Which tokens.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct TokenFilter {
    /// Of one of these kinds.
    #[serde(default)]
    #[param(inline)]
    kind: Vec<TokenKind>,
    /// In one of these states; without it all but the revoked ones.
    #[serde(default)]
    #[param(inline)]
    state: Vec<TokenState>,
    /// Of one of these members: ids, or `me`.
    #[serde(default)]
    member: Vec<String>,
}

async fn list_tokens(db: Db<Reads>, listing: Listing<TokenFilter>) -> Answer<Page<TokenPage>> {
    db.read((), listing, |tx, (), (filter, paging)| {
        let (workspace, now) = (tx.here()?, tx.now);
        let states = match filter.state.is_empty() {
            true => vec![TokenState::Active, TokenState::Expired],
            false => filter.state,
        };
        let of = members::filtered(tx, "member", &filter.member)?;
        let mut rows = row::all(tx, workspace)?;
        rows.retain(|row| {
            row::is_known(tx, row)
                && (filter.kind.is_empty() || filter.kind.contains(&row.kind))
                && (of.is_empty() || of.contains(&row.member_id))
                && states.contains(&row.state(now))
        });
        let paged = paging.page_of_all(rows, |row| {
            std::cmp::Reverse(Position { key: String::new(), id: row.id.to_string() })
        })?;
        let names = Names::of(tx, &paged.rows)?;
        Ok(Page::show(&paging, paged, |row| Token::of(row, now, &names)))
    })
    .await
}

async fn create_token(db: Db<MakesSecrets>, body: Body<NewToken>) -> Answer<Revealed<Token>> {
    db.write((), body, |tx, (), new| {
        let (workspace, me) = (tx.here()?, tx.member().ok_or_else(Problem::not_found)?);
        if new.kind == TokenKind::Service {
            tx.require(Action::Manage, &Facts::default())?;
        }
        for scope in &new.scopes {
            tx.require_rank(role_for(*scope))?;
        }
        if new.expires_in_days.is_none() {
            tx.require(Action::Own, &Facts::default())?;
        }
        let mut narrowed = Vec::new();
        for (index, team) in new.team_ids.iter().enumerate() {
            let team = teams::resolve(tx, &format!("/team_ids/{index}"), team)?.id;
            if !narrowed.contains(&team) {
                narrowed.push(team);
            }
        }
        if row::count(tx, workspace)? >= MOST_TOKENS {
            let detail = format!("a workspace has up to {MOST_TOKENS} usable tokens: revoke some");
            return Err(Problem::new(Code::LimitReached, detail));
        }
        let patterns: Vec<String> = new.key_patterns.iter().map(|pattern| pattern.0.clone()).collect();
        let plan = TokenPlan {
            name: new.name.as_str(),
            kind: new.kind,
            role: new.role,
            scopes: &new.scopes,
            teams: &narrowed,
            key_patterns: &patterns,
            lifetime: new.expires_in_days.map(|days| SignedDuration::from_hours(24 * days)),
        };
        let (row, token) = TokenRow::create(tx, workspace, me, &plan)?;
        let names = Names::of(tx, std::slice::from_ref(&row))?;
        let location = format!("/v1/workspaces/{workspace}/tokens/{}", row.id);
        let mut shown = Token::of(row, tx.now, &names);
        shown.token = Some(token.reveal().to_owned());
        Ok(Revealed(Created::at(location, shown, 1)))
    })
    .await
}

async fn show_token(db: Db<Reads>, id: At<TokenRow>) -> Answer<Json<Token>> {
    db.read(id.to(Action::View), Nothing, |tx, row, ()| change::shown(tx, row.into_inner())).await
}

/// What the rows refer to.
struct Names {
    members: HashMap<MemberId, MemberRef>,
    teams: HashMap<TeamId, TeamRef>,
}

impl Names {
    fn of(tx: &mut Scoped, rows: &[TokenRow]) -> Result<Self> {
        let workspace = tx.here()?;
        Ok(Self {
            members: members::names(tx, workspace, rows.iter().map(|row| row.member_id))?,
            teams: teams::names(tx, workspace, rows.iter().flat_map(TokenRow::teams))?,
        })
    }
}

impl Token {
    fn of(row: TokenRow, now: Moment, names: &Names) -> Self {
        let team_ids = row.teams();
        Self {
            id: row.id,
            version: row.version,
            kind: row.kind,
            state: row.state(now),
            member_id: row.member_id,
            member: names.members.get(&row.member_id).cloned(),
            role: row.role,
            scopes: row.scopes(),
            teams: team_ids.iter().filter_map(|id| names.teams.get(id).cloned()).collect(),
            team_ids,
            key_patterns: row.key_patterns(),
            created_at: row.created_at,
            expires_at: row.expires_at,
            last_used_at: row.last_used_at,
            revoked_at: row.revoked_at,
            name: row.name,
            hint: row.hint,
            token: None,
        }
    }
}
