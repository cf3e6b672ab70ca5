//! Whether a credential still holds, and whose place in the workspace it is: asked in every transaction, in few
//! statements.

use diesel::prelude::*;
use jiff::SignedDuration;

use super::caller::{
    AccountState, Actor, Credential, Duty, Inside, Maker, MemberState, Signed, TokenFacts, TokenKind,
};
use super::jwt::Claims;
use super::policy::{Led, Role, Scope, Standing, TokenBounds};
use crate::http::{Code, Problem, Result};
use crate::store::schema::{accounts, members, sessions, team_members, teams, tokens, workspaces};
use crate::store::{
    AccountId, Author, ByMember, BySession, ByToken, Json, Lane, MemberId, Moment, Opening, Opens, RawId,
    SessionId, Store, TeamId, TokenId, Tx, WorkspaceId, WorkspaceRow, each_engine, id,
};

pub(super) fn refused() -> Problem {
    Problem::new(Code::InvalidCredential, "the credential is malformed, forged, expired or revoked")
}

/// Somebody whose credential holds, as far as one look tells: not yet what they may do.
pub struct Present {
    signed: Option<Signed>,
    token: Option<TokenFacts>,
    here: Option<Here>,
}

/// Their place in the workspace that the path names.
struct Here {
    workspace: WorkspaceRow,
    member: Option<MemberId>,
    role: Role,
    name: String,
}

/// What a transaction should open before it asks about a credential.
pub fn opening_for(credential: &Credential) -> Option<Opening> {
    match credential {
        Credential::Access(claims) => claims.sub.parse().ok().map(Opening::Account),
        Credential::Token(hash) => Some(Opening::Credential(*hash)),
    }
}

/// The session behind a credential.
pub fn session_of(credential: &Credential) -> Option<SessionId> {
    match credential {
        Credential::Access(claims) => claims.sid.parse().ok(),
        Credential::Token(_) => None,
    }
}

/// Whether the credential still holds (session or token, and the account behind it), and the caller's place in a
/// workspace: 401 first, and then 404, because a foreign workspace does not exist.
pub fn present(tx: &mut Tx, credential: &Credential, workspace: Option<&str>) -> Result<Present> {
    // A write has opened its workspace already.
    if tx.opening().is_none()
        && let Some(opening) = opening_for(credential)
    {
        tx.open(opening)?;
    }
    match (credential, workspace) {
        (Credential::Access(claims), None) => {
            let signed = recognise_session(tx, claims)?;
            Ok(Present { signed: Some(signed), token: None, here: None })
        }
        (Credential::Access(claims), Some(reference)) => {
            let named = Named::read(reference);
            let (signed, here) = match &named {
                Ok(named) => recognise_member(tx, claims, named)?,
                Err(_) => (recognise_session(tx, claims)?, None),
            };
            let here = named.and_then(|_| here.ok_or_else(Problem::not_found))?;
            Ok(Present { signed: Some(signed), token: None, here: Some(here) })
        }
        (Credential::Token(hash), workspace) => {
            let token = recognise_token(tx, hash)?;
            let here = workspace.map(|reference| place_of(tx, &token, reference)).transpose()?;
            Ok(Present { signed: None, token: Some(token), here })
        }
    }
}

impl Present {
    /// Who limits count for.
    pub fn key(&self) -> Option<RawId> {
        let token = self.token.as_ref().map(|token| token.id.raw());
        token.or(self.signed.as_ref().map(|signed| signed.account.raw()))
    }

    /// The workspace in which they are.
    pub fn workspace(&self) -> Option<&WorkspaceRow> {
        self.here.as_ref().map(|here| &here.workspace)
    }

    /// The token that calls.
    pub fn token(&self) -> Option<&TokenFacts> {
        self.token.as_ref()
    }

    /// Where they stand: their teams, and whom they lead. The transaction serves their workspace from here on.
    pub fn stand(self, tx: &mut Tx) -> Result<Actor> {
        let Self { signed, token, here } = self;
        let Some(Here { workspace, member, role, name }) = here else {
            return Ok(match (signed, token) {
                (Some(signed), _) => Actor::Account(signed),
                (None, Some(token)) => Actor::Token(token),
                (None, None) => Actor::Stranger,
            });
        };
        let standing = match member {
            Some(member) => standing_of(tx, workspace.id, member, role)?,
            None => Standing { role, member: None, teams: Vec::new(), led: Led::default(), token: None },
        };
        let standing = Standing { token: token.as_ref().map(|token| token.bounds.clone()), ..standing };
        let actor = Actor::Inside(Box::new(Inside { standing, name, signed, token }));
        actor.speak(tx);
        tx.serve(workspace)?;
        Ok(actor)
    }
}

/// How a path names a workspace.
enum Named<'r> {
    Id(WorkspaceId),
    Slug(&'r str),
}

impl<'r> Named<'r> {
    fn read(reference: &'r str) -> Result<Self> {
        match id::looks_like_id(reference) {
            true => reference.parse().map(Self::Id).map_err(super::target::invalid_id),
            false => Ok(Self::Slug(reference)),
        }
    }
}

type SessionColumns = (Option<Moment>, Moment, AccountState, String);

/// A token in the workspace that it is of, where the path names none.
pub fn in_own_workspace(tx: &mut Tx, token: TokenFacts) -> Result<Actor> {
    let here = place_of(tx, &token, &token.workspace.to_string())?;
    Present { signed: None, token: Some(token), here: Some(here) }.stand(tx)
}

/// Whose session it is, if it holds.
fn held(
    found: Option<SessionColumns>,
    now: Moment,
    account: AccountId,
    session: SessionId,
) -> Result<Signed> {
    match found {
        Some((None, expires_at, AccountState::Active, name)) if expires_at > now => {
            Ok(Signed { account, session, name })
        }
        _ => Err(refused()),
    }
}

fn ids_of(claims: &Claims) -> Result<(SessionId, AccountId)> {
    let session = claims.sid.parse().map_err(|_| refused())?;
    Ok((session, claims.sub.parse().map_err(|_| refused())?))
}

fn recognise_session(tx: &mut Tx, claims: &Claims) -> Result<Signed> {
    let (session, account) = ids_of(claims)?;
    let found: Option<SessionColumns> = sessions::table
        .inner_join(accounts::table.on(accounts::id.eq(sessions::account_id)))
        .filter(sessions::id.eq(session))
        .filter(accounts::id.eq(account))
        .select((sessions::revoked_at, sessions::expires_at, accounts::state, accounts::name))
        .first(tx.db())
        .optional()?;
    let signed = held(found, tx.now, account, session)?;
    tx.opened(Opening::Account(account));
    Ok(signed)
}

type MemberColumns = (MemberId, Role, String);

/// Session, account, workspace and membership in one look.
fn recognise_member(tx: &mut Tx, claims: &Claims, workspace: &Named) -> Result<(Signed, Option<Here>)> {
    let (session, account) = ids_of(claims)?;
    let now = tx.now;
    macro_rules! look {
        ($is_named:expr) => {{
            type Row = (SessionColumns, Option<WorkspaceRow>, Option<MemberColumns>, Option<String>);
            let found: Option<Row> = each_engine!(tx, connection => sessions::table
                .inner_join(accounts::table.on(accounts::id.eq(sessions::account_id)))
                .left_join(workspaces::table.on($is_named.and(workspaces::deleted_at.is_null())))
                .left_join(
                    members::table.on(members::workspace_id
                        .eq(workspaces::id)
                        .and(members::account_id.eq(account))
                        .and(members::state.eq(MemberState::Active))),
                )
                .filter(sessions::id.eq(session))
                .filter(accounts::id.eq(account))
                .filter(Opens(BySession).is_not_null())
                .select((
                    (sessions::revoked_at, sessions::expires_at, accounts::state, accounts::name),
                    workspaces::all_columns.nullable(),
                    (members::id, members::role, members::name).nullable(),
                    Opens(ByMember),
                ))
                .first(connection)
                .optional())?;
            found
        }};
    }
    let found = match workspace {
        Named::Id(id) => look!(workspaces::id.eq(*id)),
        Named::Slug(slug) => look!(workspaces::slug.eq((*slug).to_owned())),
    };
    let (session_columns, workspace, member) = match found {
        Some((session, workspace, member, _)) => (Some(session), workspace, member),
        None => (None, None, None),
    };
    let signed = held(session_columns, now, account, session)?;
    tx.opened(Opening::Account(account));
    let here = workspace.zip(member).map(|(workspace, (member, role, name))| {
        tx.opened(Opening::Workspace(workspace.id));
        Here { workspace, member: Some(member), role, name }
    });
    Ok((signed, here))
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

fn recognise_token(tx: &mut Tx, hash: &[u8; 32]) -> Result<TokenFacts> {
    let now = tx.now;
    let found: Option<TokenColumns> = each_engine!(tx, connection => tokens::table
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
            Opens(ByToken),
        ))
        .first(connection)
        .optional())?;
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
    Ok(TokenFacts { id, workspace, name, kind, member, role, bounds, expires_at, last_used_at })
}

fn listed<T: serde::de::DeserializeOwned>(json: Json) -> Vec<T> {
    serde_json::from_value(json.0).unwrap_or_default()
}

/// The place of a token in its workspace; any other does not exist.
fn place_of(tx: &mut Tx, token: &TokenFacts, reference: &str) -> Result<Here> {
    let query =
        workspaces::table.filter(workspaces::id.eq(token.workspace)).filter(workspaces::deleted_at.is_null());
    let found: Option<WorkspaceRow> = match Named::read(reference)? {
        Named::Id(id) => query.filter(workspaces::id.eq(id)).first(tx.db()).optional()?,
        Named::Slug(slug) => query.filter(workspaces::slug.eq(slug)).first(tx.db()).optional()?,
    };
    let workspace = found.ok_or_else(Problem::not_found)?;
    let name = token.name.clone();
    let (member, role) = match token.kind {
        TokenKind::Service => (None, token.role.unwrap_or(Role::Viewer)),
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
            (Some(token.member), found.ok_or_else(refused)?)
        }
    };
    Ok(Here { workspace, member, role, name })
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
    let duties: Vec<(TeamId, Duty)> = each_engine!(tx, connection => team_members::table
        .filter(team_members::workspace_id.eq(workspace))
        .filter(team_members::member_id.eq(member))
        .select((team_members::team_id, team_members::duty))
        .load(connection))?;
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

/// Notes a token's last use, at most once a minute, beside the request.
pub fn note_use_of(store: &Store, token: Option<&TokenFacts>, now: Moment) {
    let Some(token) = token else { return };
    let (id, workspace) = (token.id, token.workspace);
    if token.last_used_at.is_some_and(|last| last.plus(USE_IS_NOTED_EVERY) > now) {
        return;
    }
    let store = store.clone();
    let note = async move {
        let noted = store
            .write(Lane::Open, Author::system(""), move |tx| -> Result<()> {
                tx.enter(Lane::Workspace(workspace))?;
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
