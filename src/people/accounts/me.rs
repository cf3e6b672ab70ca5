//! Who is calling.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::row::AccountRow;
use crate::access::caller::{Actor, MemberState, TokenFacts, TokenKind};
use crate::access::recognise;
use crate::access::{AnyCaller, Db, People, Role, Scope, Scoped, Target};
use crate::http::answer::Answer;
use crate::http::body::Rules;
use crate::http::text::{Email, Name};
use crate::http::{Code, FieldErrors, Json, Nothing, PatchBody, Problem, Result};
use crate::maths::word::words;
use crate::people::tokens::KeyPattern;
use crate::people::workspaces::WorkspaceRef;
use crate::store::schema::{members, workspaces};
use crate::store::{AccountId, MemberId, Moment, TeamId, TokenId, Tx, WorkspaceId};

words! {
    /// What kind of caller it is.
    pub enum CallerKind {
        /// A signed-in person.
        Person = "person",
        /// A personal API token: it acts for the person who made it.
        Personal = "personal",
        /// A service token: it acts for its workspace.
        Service = "service",
    }
}
crate::http::words::impl_wire_words!(CallerKind);

/// Who is calling. For a person the fields of the account hold, for an API token those of the token.
#[derive(Serialize, ToSchema)]
pub struct Caller {
    /// What kind of caller it is.
    kind: CallerKind,
    /// The person's name, or the token's.
    #[schema(value_type = Name)]
    name: String,
    /// The account; null for tokens.
    account_id: Option<AccountId>,
    /// Counts the changes of the account's name and address; null for tokens.
    #[schema(minimum = 1)]
    version: Option<i32>,
    /// The account's e-mail address; null for tokens.
    #[schema(value_type = Option<Email>)]
    email: Option<String>,
    /// Where the person takes part, by name; empty for tokens.
    #[schema(max_items = 10000)]
    memberships: Vec<Membership>,
    /// The token; null for people.
    token_id: Option<TokenId>,
    /// The token's workspace; null for people.
    workspace_id: Option<WorkspaceId>,
    /// The token's workspace; null for people.
    workspace: Option<WorkspaceRef>,
    /// The role that the token has now; null for people, who have one in each workspace.
    role: Option<Role>,
    /// The member for whom a personal token acts; else null.
    member_id: Option<MemberId>,
    /// What the token may be used for; empty for people, who are not bound by scopes.
    #[schema(max_items = 4)]
    scopes: Vec<Scope>,
    /// The teams that the token is narrowed to; none is all.
    #[schema(max_items = 50)]
    team_ids: Vec<TeamId>,
    /// The keys of KPIs that the token is narrowed to; none is all.
    #[schema(value_type = Vec<KeyPattern>, max_items = 50)]
    key_patterns: Vec<String>,
    /// When the token ends; null for people, and where it never does.
    expires_at: Option<Moment>,
}

/// A workspace in which a person takes part.
#[derive(Serialize, ToSchema)]
pub struct Membership {
    /// The workspace.
    pub workspace_id: WorkspaceId,
    /// The workspace.
    pub workspace: WorkspaceRef,
    /// The person, as a member of it.
    pub member_id: MemberId,
    /// The person's role there.
    pub role: Role,
}

/// What people can change of themselves here. In each workspace they have a name of their own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCaller {
    /// The person's name, with which they join workspaces from now on.
    #[schema(example = "Ann Smith")]
    name: Name,
}

impl Rules for NewCaller {
    fn judge(&self, _: &mut FieldErrors) {}
}

/// The account of whoever is signed in.
#[derive(Clone, Copy, Debug)]
struct Myself;

impl Target for Myself {
    type Located = AccountRow;
    type Found = AccountRow;

    fn locate(&self, tx: &mut Scoped) -> Result<AccountRow> {
        let id = tx.signed()?.account;
        AccountRow::by_id(tx, id)?.ok_or_else(Problem::not_found)
    }

    fn grant(&self, _: &mut Scoped, located: AccountRow) -> Result<AccountRow> {
        Ok(located)
    }

    fn version(found: &AccountRow) -> Option<i32> {
        Some(found.version)
    }
}

pub async fn update_me(db: Db<People>, patch: PatchBody<NewCaller>) -> Answer<Json<Caller>> {
    db.write(Myself, patch, |tx, row, patch| {
        let current = NewCaller { name: row.name.as_str().into() };
        if let Some(new) = patch.merged(&current, row.version)? {
            row.rename(tx, new.name.as_str())?;
            tracing::info!(request_id = tx.author().request_id, account = %row.id, "somebody changed their name");
        }
        caller_of(tx).map(shown)
    })
    .await
}

pub async fn show_me(db: Db<AnyCaller>) -> Answer<Json<Caller>> {
    db.read((), Nothing, |tx, (), ()| caller_of(tx).map(shown)).await
}

/// A person has a version to change; a token has none.
fn shown(caller: Caller) -> Json<Caller> {
    match caller.version {
        Some(version) => Json::versioned(caller, version),
        None => Json::new(caller),
    }
}

fn caller_of(tx: &mut Scoped) -> Result<Caller> {
    match tx.actor().clone() {
        Actor::Account(signed) => {
            let account = AccountRow::by_id(tx, signed.account)?.ok_or_else(Problem::not_found)?;
            Ok(Caller {
                kind: CallerKind::Person,
                name: account.name,
                account_id: Some(account.id),
                version: Some(account.version),
                email: Some(account.email),
                memberships: memberships(tx, account.id)?,
                token_id: None,
                workspace_id: None,
                workspace: None,
                role: None,
                member_id: None,
                scopes: Vec::new(),
                team_ids: Vec::new(),
                key_patterns: Vec::new(),
                expires_at: None,
            })
        }
        Actor::Token(token) => caller_of_token(tx, token),
        Actor::Stranger | Actor::Inside(_) => Err(Problem::not_found()),
    }
}

fn caller_of_token(tx: &mut Scoped, token: TokenFacts) -> Result<Caller> {
    // It must hold here as it must hold inside its workspace: its person may have left.
    let inside = match recognise::in_own_workspace(tx, token) {
        Ok(Actor::Inside(inside)) => inside,
        Ok(Actor::Stranger | Actor::Account(_) | Actor::Token(_)) => return Err(Problem::not_found()),
        Err(problem) if problem.code == Code::NotFound => {
            return Err(Problem::new(Code::InvalidCredential, "the token's workspace was deleted"));
        }
        Err(problem) => return Err(problem),
    };
    let token = inside.token.ok_or_else(Problem::not_found)?;
    let workspace = WorkspaceRef::of(tx.workspace()?);
    Ok(Caller {
        kind: match token.kind {
            TokenKind::Personal => CallerKind::Personal,
            TokenKind::Service => CallerKind::Service,
        },
        name: token.name,
        account_id: None,
        version: None,
        email: None,
        memberships: Vec::new(),
        token_id: Some(token.id),
        workspace_id: Some(workspace.id),
        workspace: Some(workspace),
        role: Some(inside.standing.role),
        member_id: inside.standing.member,
        scopes: token.bounds.scopes,
        team_ids: token.bounds.teams,
        key_patterns: token.bounds.key_patterns,
        expires_at: token.expires_at,
    })
}

/// Where an account takes part, by name.
fn memberships(tx: &mut Tx, account: AccountId) -> Result<Vec<Membership>> {
    let rows: Vec<(WorkspaceId, String, String, MemberId, Role)> = members::table
        .inner_join(workspaces::table.on(workspaces::id.eq(members::workspace_id)))
        .filter(members::account_id.eq(account))
        .filter(members::state.eq(MemberState::Active))
        .filter(workspaces::deleted_at.is_null())
        .order((workspaces::name_folded, workspaces::id))
        .select((workspaces::id, workspaces::slug, workspaces::name, members::id, members::role))
        .load(tx.db())?;
    Ok(rows
        .into_iter()
        .map(|(id, slug, name, member_id, role)| Membership {
            workspace_id: id,
            workspace: WorkspaceRef { id, slug, name },
            member_id,
            role,
        })
        .collect())
}
