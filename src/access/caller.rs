//! Who is calling: the credential's form and signature first, and then, inside the transaction,
//! whether session, token, account and membership still hold.

use actix_web::http::header::AUTHORIZATION;
use actix_web::http::header::HeaderMap;
use diesel::prelude::*;
use jiff::SignedDuration;

use super::api_token::ApiToken;
use super::jwt::Claims;
use super::policy::{Led, Role, Scope, Standing, TokenBounds};
use crate::http::{Code, Problem, Result};
use crate::maths::word::words;
use crate::state::State;
use crate::store::schema::{accounts, members, sessions, team_members, teams, tokens, workspaces};
use crate::store::{
    AccountId, AuthorKind, Json, MemberId, Moment, Opening, Proof, RawId, SessionId, TeamId, TokenId, Tx,
    WorkspaceId, WorkspaceRow, id,
};

words! {
    /// Whether an account may sign in.
    pub enum AccountState {
        /// It may.
        Active = "active",
        /// It may not.
        Suspended = "suspended",
    }
}

words! {
    /// Whether a member takes part.
    pub enum MemberState {
        /// Invited, and not there yet.
        Invited = "invited",
        /// Takes part.
        Active = "active",
        /// Kept out for a while.
        Suspended = "suspended",
        /// Gone; what they made stays.
        Removed = "removed",
    }
}

words! {
    /// What a member is in a team.
    pub enum Duty {
        /// One of its members.
        Member = "member",
        /// One who leads it.
        Lead = "lead",
    }
}

words! {
    /// For whom a token acts.
    pub enum TokenKind {
        /// For the person who made it.
        Personal = "personal",
        /// For the workspace; it outlives its maker's leaving.
        Service = "service",
    }
}
crate::http::words::impl_wire_words!(AccountState, MemberState, Duty, TokenKind);
crate::store::types::impl_sql_words!(AccountState, MemberState, Duty, TokenKind);

/// A credential whose form and signature are right; nothing more is known yet.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A signed access token.
    Access(Claims),
    /// An API token's hash.
    Token([u8; 32]),
}

/// Reads the `Authorization` header: its form, and the signature.
pub fn read_credential(headers: &HeaderMap, state: &State) -> Result<Credential> {
    let mut sent = headers.get_all(AUTHORIZATION);
    let Some(header) = sent.next() else {
        return Err(Problem::new(
            Code::CredentialRequired,
            "send `Authorization: Bearer` with an access token or an API token",
        ));
    };
    let refused =
        || Problem::new(Code::InvalidCredential, "the credential is malformed, forged, expired or revoked");
    let text = header.to_str().map_err(|_| refused())?;
    if sent.next().is_some() || text.len() > 4096 + 16 {
        return Err(refused());
    }
    let token = match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => token,
        _ => return Err(refused()),
    };
    if token.starts_with(super::api_token::PREFIX) {
        return ApiToken::parse(token).map(|token| Credential::Token(token.hash())).ok_or_else(refused);
    }
    let now = state.store.clock().now().timestamp();
    state.access_tokens.verify(&state.keys, token, now).map(Credential::Access).map_err(|fault| {
        tracing::debug!(%fault, "an access token was refused");
        refused()
    })
}

/// Who calls, as the database has it now.
#[derive(Clone, Debug)]
pub enum Actor {
    /// Nobody in particular: a public operation.
    Stranger,
    /// A signed-in person, outside any workspace.
    Account(Signed),
    /// An API token, outside any workspace: it may ask about itself.
    Token(TokenFacts),
    /// Somebody inside a workspace.
    Inside(Box<Inside>),
}

/// A signed-in person.
#[derive(Clone, Debug)]
pub struct Signed {
    /// The account.
    pub account: AccountId,
    /// The session behind the access token.
    pub session: SessionId,
    /// The account's name.
    pub name: String,
}

/// A token that holds.
#[derive(Clone, Debug)]
pub struct TokenFacts {
    /// Its id.
    pub id: TokenId,
    /// Its workspace.
    pub workspace: WorkspaceId,
    /// Its name.
    pub name: String,
    /// For whom it acts.
    pub kind: TokenKind,
    /// Who made it and answers for it.
    pub member: MemberId,
    /// A service token's own role.
    pub role: Option<Role>,
    /// What it may be used for.
    pub bounds: TokenBounds,
    /// When it ends.
    pub expires_at: Option<Moment>,
    /// When it was used last, to the minute.
    pub last_used_at: Option<Moment>,
}

/// Somebody inside a workspace.
#[derive(Clone, Debug)]
pub struct Inside {
    /// What the policy looks at.
    pub standing: Standing,
    /// The name that the activity feed shows.
    pub name: String,
    /// The session, for people.
    pub signed: Option<Signed>,
    /// The token, for tokens.
    pub token: Option<TokenFacts>,
}

impl Actor {
    /// Who limits and idempotency count for; strangers have none.
    pub fn key(&self) -> Option<RawId> {
        match self {
            Self::Stranger => None,
            Self::Account(signed) => Some(signed.account.raw()),
            Self::Token(token) => Some(token.id.raw()),
            Self::Inside(inside) => inside
                .token
                .as_ref()
                .map(|token| token.id.raw())
                .or(inside.signed.as_ref().map(|signed| signed.account.raw())),
        }
    }

    /// The signed-in person.
    pub fn signed(&self) -> Option<&Signed> {
        match self {
            Self::Account(signed) => Some(signed),
            Self::Inside(inside) => inside.signed.as_ref(),
            Self::Stranger | Self::Token(_) => None,
        }
    }

    /// The token.
    pub fn token(&self) -> Option<&TokenFacts> {
        match self {
            Self::Token(token) => Some(token),
            Self::Inside(inside) => inside.token.as_ref(),
            Self::Stranger | Self::Account(_) => None,
        }
    }
}

fn refused() -> Problem {
    Problem::new(Code::InvalidCredential, "the credential is malformed, forged, expired or revoked")
}

/// Whether the credential still holds: session or token, and the account behind it.
pub fn recognise(tx: &mut Tx, credential: &Credential) -> Result<Actor> {
    match credential {
        Credential::Access(claims) => recognise_session(tx, claims),
        Credential::Token(hash) => recognise_token(tx, hash),
    }
}

type SessionColumns = (Option<Moment>, Moment, AccountState, String, Option<String>);

fn recognise_session(tx: &mut Tx, claims: &Claims) -> Result<Actor> {
    let session: SessionId = claims.sid.parse().map_err(|_| refused())?;
    let account: AccountId = claims.sub.parse().map_err(|_| refused())?;
    let (now, opens) = (tx.now, tx.opens(Proof::Account));
    let found: Option<SessionColumns> = sessions::table
        .inner_join(accounts::table.on(accounts::id.eq(sessions::account_id)))
        .filter(sessions::id.eq(session))
        .filter(accounts::id.eq(account))
        .select((sessions::revoked_at, sessions::expires_at, accounts::state, accounts::name, opens))
        .first(tx.db())
        .optional()?;
    match found {
        Some((None, expires_at, AccountState::Active, name, _)) if expires_at > now => {
            tx.opened(Opening::Account(account));
            Ok(Actor::Account(Signed { account, session, name }))
        }
        _ => Err(refused()),
    }
}

type TokenColumns = (
    TokenId,
    WorkspaceId,
    String,
    TokenKind,
    MemberId,
    Option<Role>,
    (Json, Json, Json),
    Option<Moment>,
    Option<Moment>,
    Option<Moment>,
    Option<String>,
);

fn recognise_token(tx: &mut Tx, hash: &[u8; 32]) -> Result<Actor> {
    let now = tx.now;
    // A write has opened the token's workspace already.
    if tx.opening().is_none() {
        tx.open(Opening::Credential(*hash))?;
    }
    let opens = tx.opens(Proof::Token);
    let found: Option<TokenColumns> = tokens::table
        .filter(tokens::hash.eq(hash.as_slice()))
        .select((
            tokens::id,
            tokens::workspace_id,
            tokens::name,
            tokens::kind,
            tokens::member_id,
            tokens::role,
            (tokens::scopes, tokens::team_ids, tokens::key_patterns),
            tokens::expires_at,
            tokens::last_used_at,
            tokens::revoked_at,
            opens,
        ))
        .first(tx.db())
        .optional()?;
    let Some((id, workspace, name, kind, member, role, bounds, expires_at, last_used_at, None, _)) = found
    else {
        return Err(refused());
    };
    if expires_at.is_some_and(|end| end <= now) {
        return Err(refused());
    }
    tx.opened(Opening::Workspace(workspace));
    let bounds =
        TokenBounds { scopes: listed(bounds.0), teams: listed(bounds.1), key_patterns: listed(bounds.2) };
    Ok(Actor::Token(TokenFacts { id, workspace, name, kind, member, role, bounds, expires_at, last_used_at }))
}

fn listed<T: serde::de::DeserializeOwned>(json: Json) -> Vec<T> {
    serde_json::from_value(json.0).unwrap_or_default()
}

/// Finds the workspace of the path and the caller's place in it; a foreign one does not exist.
pub fn enter(tx: &mut Tx, actor: Actor, reference: &str) -> Result<Actor> {
    let workspace = find_workspace(tx, reference)?;
    let inside = match actor {
        Actor::Account(signed) => enter_as_person(tx, signed, &workspace)?,
        Actor::Token(token) if token.workspace == workspace.id => enter_as_token(tx, token)?,
        Actor::Stranger | Actor::Token(_) | Actor::Inside(_) => return Err(Problem::not_found()),
    };
    match (&inside.token, inside.standing.member) {
        (Some(token), _) => tx.act_as(AuthorKind::Token, token.id.raw(), inside.name.clone()),
        (None, Some(member)) => tx.act_as(AuthorKind::Person, member.raw(), inside.name.clone()),
        (None, None) => {}
    }
    tx.serve(workspace)?;
    Ok(Actor::Inside(Box::new(inside)))
}

fn find_workspace(tx: &mut Tx, reference: &str) -> Result<WorkspaceRow> {
    let query = workspaces::table.filter(workspaces::deleted_at.is_null());
    let found = if id::looks_like_id(reference) {
        let id: WorkspaceId = reference.parse().map_err(super::target::invalid_id)?;
        query.filter(workspaces::id.eq(id)).first(tx.db()).optional()?
    } else {
        query.filter(workspaces::slug.eq(reference)).first(tx.db()).optional()?
    };
    found.ok_or_else(Problem::not_found)
}

fn enter_as_person(tx: &mut Tx, signed: Signed, workspace: &WorkspaceRow) -> Result<Inside> {
    let opens = tx.opens(Proof::Member);
    let found: Option<(MemberId, Role, String, Option<String>)> = members::table
        .filter(members::workspace_id.eq(workspace.id))
        .filter(members::account_id.eq(signed.account))
        .filter(members::state.eq(MemberState::Active))
        .select((members::id, members::role, members::name, opens))
        .first(tx.db())
        .optional()?;
    let Some((member, role, name, _)) = found else { return Err(Problem::not_found()) };
    tx.opened(Opening::Workspace(workspace.id));
    let standing = standing_of(tx, workspace.id, member, role)?;
    Ok(Inside { standing, name, signed: Some(signed), token: None })
}

fn enter_as_token(tx: &mut Tx, token: TokenFacts) -> Result<Inside> {
    let bounds = Some(token.bounds.clone());
    let standing = match token.kind {
        TokenKind::Service => Standing {
            role: token.role.unwrap_or(Role::Viewer),
            member: None,
            teams: Vec::new(),
            led: Led::default(),
            token: bounds,
        },
        TokenKind::Personal => {
            // The person's present role counts, and whether account and membership still hold.
            let found: Option<Role> = members::table
                .inner_join(accounts::table.on(members::account_id.eq(accounts::id.nullable())))
                .filter(members::workspace_id.eq(token.workspace))
                .filter(members::id.eq(token.member))
                .filter(members::state.eq(MemberState::Active))
                .filter(accounts::state.eq(AccountState::Active))
                .select(members::role)
                .first(tx.db())
                .optional()?;
            let role = found.ok_or_else(refused)?;
            Standing { token: bounds, ..standing_of(tx, token.workspace, token.member, role)? }
        }
    };
    Ok(Inside { standing, name: token.name.clone(), signed: None, token: Some(token) })
}

/// Whoever made something that others look at, and when they did.
#[derive(Clone, Copy, Debug)]
pub struct Maker {
    /// Where.
    pub workspace: WorkspaceId,
    /// Who.
    pub member: MemberId,
    /// When. Somebody who left and came back is not taken for who they were.
    pub at: Moment,
}

/// Enters a workspace with the eyes of whoever made something there, and with no right but to look; 404 where they are
/// gone, or make nothing any more.
pub(super) fn enter_for(tx: &mut Tx, maker: &Maker) -> Result<Actor> {
    tx.open(Opening::Workspace(maker.workspace))?;
    let found: Option<(Role, String, Moment)> = members::table
        .inner_join(accounts::table.on(members::account_id.eq(accounts::id.nullable())))
        .filter(members::workspace_id.eq(maker.workspace))
        .filter(members::id.eq(maker.member))
        .filter(members::state.eq(MemberState::Active))
        .filter(accounts::state.eq(AccountState::Active))
        .select((members::role, members::name, members::joined_at))
        .first(tx.db())
        .optional()?;
    let Some((role, name, joined_at)) = found else { return Err(Problem::not_found()) };
    if role < Role::Member || joined_at > maker.at {
        return Err(Problem::not_found());
    }
    let workspace = workspaces::table
        .filter(workspaces::id.eq(maker.workspace))
        .filter(workspaces::deleted_at.is_null())
        .first(tx.db())
        .optional()?;
    let workspace: WorkspaceRow = workspace.ok_or_else(Problem::not_found)?;
    let standing = standing_of(tx, workspace.id, maker.member, role)?;
    tx.serve(workspace)?;
    let looking = TokenBounds { scopes: vec![Scope::Read], ..TokenBounds::default() };
    let standing = Standing { token: Some(looking), ..standing };
    Ok(Actor::Inside(Box::new(Inside { standing, name, signed: None, token: None })))
}

/// Where a member stands: their teams, and whom they lead. Those who lead nobody cost no statement more.
fn standing_of(tx: &mut Tx, workspace: WorkspaceId, member: MemberId, role: Role) -> Result<Standing> {
    let duties: Vec<(TeamId, Duty)> = team_members::table
        .filter(team_members::workspace_id.eq(workspace))
        .filter(team_members::member_id.eq(member))
        .select((team_members::team_id, team_members::duty))
        .load(tx.db())?;
    let leads: Vec<TeamId> =
        duties.iter().filter(|(_, duty)| *duty == Duty::Lead).map(|(team, _)| *team).collect();
    let led = if leads.is_empty() { Led::default() } else { led_by(tx, workspace, &leads, role)? };
    let teams = duties.into_iter().map(|(team, _)| team).collect();
    Ok(Standing { role, member: Some(member), teams, led, token: None })
}

/// Whom somebody leads who leads these teams: the teams under them too, and their members up to the
/// leader's own role. An archived team is led by nobody.
fn led_by(tx: &mut Tx, workspace: WorkspaceId, leads: &[TeamId], role: Role) -> Result<Led> {
    let at_work: Vec<(TeamId, Option<TeamId>)> = teams::table
        .filter(teams::workspace_id.eq(workspace))
        .filter(teams::archived_at.is_null())
        .select((teams::id, teams::parent_id))
        .load(tx.db())?;
    let mut found: Vec<TeamId> = Vec::new();
    let mut level: Vec<TeamId> = at_work.iter().map(|(id, _)| *id).filter(|id| leads.contains(id)).collect();
    while !level.is_empty() {
        found.append(&mut level);
        let is_under = |(id, parent): &&(TeamId, Option<TeamId>)| {
            parent.is_some_and(|parent| found.contains(&parent)) && !found.contains(id)
        };
        level = at_work.iter().filter(is_under).map(|(id, _)| *id).collect();
    }
    let up_to: Vec<Role> = Role::ALL.iter().copied().filter(|other| *other <= role).collect();
    let inside = team_members::table
        .filter(team_members::workspace_id.eq(workspace))
        .filter(team_members::team_id.eq_any(found.clone()))
        .select(team_members::member_id);
    let members = members::table
        .filter(members::workspace_id.eq(workspace))
        .filter(members::role.eq_any(up_to))
        .filter(members::id.eq_any(inside))
        .select(members::id)
        .load(tx.db())?;
    Ok(Led { teams: found, members })
}

/// How long a token's last use may lag behind.
const USE_IS_NOTED_EVERY: SignedDuration = SignedDuration::from_secs(60);

/// Notes a token's last use, at most once a minute and only if nothing is in the way.
pub fn note_use_of(scoped: &super::Scoped) {
    let Some(token) = scoped.token() else { return };
    let (now, id, workspace) = (scoped.now, token.id, token.workspace);
    if token.last_used_at.is_some_and(|last| last.plus(USE_IS_NOTED_EVERY) > now) {
        return;
    }
    let store = scoped.state().store.clone();
    let note = async move {
        let noted = store
            .write(crate::store::Lane::Open, crate::store::Author::system(""), move |tx| -> Result<()> {
                tx.open(Opening::Workspace(workspace))?;
                let own = tokens::table.filter(tokens::workspace_id.eq(workspace)).filter(tokens::id.eq(id));
                diesel::update(own).set(tokens::last_used_at.eq(Some(now))).execute(tx.db())?;
                Ok(())
            })
            .await;
        if let Err(problem) = noted {
            tracing::debug!(%problem, "a token's last use was not noted");
        }
    };
    if let Ok(runtime) = tokio::runtime::Handle::try_current() {
        runtime.spawn(note);
    }
}

/// Whether a token has a scope; people are not bound by scopes.
pub fn scope_allows(standing: &Standing, scope: Scope) -> bool {
    standing.token.as_ref().is_none_or(|token| token.scopes.contains(&scope))
}
