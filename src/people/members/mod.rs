//! Members: the people of a workspace, and what each of them may do there.
//!
//! Everybody may change their own name and leave. Admins change roles and remove people, never
//! beyond their own role; the last owner stays. Whoever is removed has no access from the next
//! request on, and their personal tokens are revoked; what they made stays, under their name.

mod row;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::access::caller::MemberState;
use crate::access::target::Wanted;
use crate::access::{Action, At, Db, Facts, Reads, Resource, Role, Scoped, Target, Themselves};
use crate::http::answer::Answer;
use crate::http::body::Rules;
use crate::http::page::{Paged, Paging, Position, Total, page_type};
use crate::http::text::{Email, contains, folded};
use crate::http::{
    Code, FieldErrors, Json, Listing, Name, NoContent, Nothing, Page, PatchBody, Problem, Result, Routes,
    routes,
};
use crate::people::{teams, tokens};
use crate::store::journal::{EventType, Subject};
use crate::store::schema::{accounts, members, team_members};
use crate::store::{AccountId, MemberId, Moment, TeamId, Tx};
pub use row::{
    MemberInput, MemberRef, MemberRow, admit, filtered, names, refuse_last_owner, resolve, resolve_optional,
    still_here,
};

/// The paths of members.
pub fn routes() -> Routes {
    routes! { "members",
        "/v1/workspaces/{workspace}/members" {
            /// List the members of a workspace, by name.
            /// Those who were removed are shown only where `state` asks for them.
            GET list_members
        }
        "/v1/workspaces/{workspace}/members/{member}" {
            /// Show a member.
            GET show_member,
            /// Change a member's name or role.
            /// Everybody may change their own name. Admins change names and roles, up to their own role;
            /// the last owner stays one.
            PATCH update_member,
            /// Remove a member, or leave.
            /// Access ends at once, and personal tokens are revoked; what the member made stays. The last
            /// owner stays.
            DELETE remove_member
        }
    }
}

/// What can be changed of a member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMember {
    /// The name in this workspace.
    name: Name,
    /// What the member may do.
    role: Role,
}

impl Rules for NewMember {
    fn judge(&self, _: &mut FieldErrors) {}
}

/// A member of a workspace.
#[derive(Debug, Serialize, ToSchema)]
pub struct Member {
    /// The member's id.
    pub id: MemberId,
    /// Counts the changes of name, role and state.
    #[schema(minimum = 1)]
    pub version: i32,
    /// The name in this workspace.
    #[schema(value_type = Name)]
    pub name: String,
    /// The e-mail address; for admins, owners and the member, null for others.
    #[schema(value_type = Option<Email>)]
    pub email: Option<String>,
    /// What the member may do.
    pub role: Role,
    /// Whether the member takes part.
    pub state: MemberState,
    /// When the member joined, the last time where they did more than once.
    pub joined_at: Moment,
    /// When name, role or state changed last.
    pub updated_at: Moment,
    /// When the member was removed.
    pub removed_at: Option<Moment>,
    /// What the caller may do.
    pub can: MemberCan,
}

/// What the caller may do with a member.
#[derive(Debug, Serialize, ToSchema)]
pub struct MemberCan {
    /// Change the name.
    pub rename: bool,
    /// Change the role, up to the caller's own.
    pub change_role: bool,
    /// Remove the member, or leave.
    pub remove: bool,
}

page_type!(MemberPage, Member);

/// Which members.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct MemberFilter {
    /// With one of these roles.
    #[serde(default)]
    role: Vec<Role>,
    /// In one of these states; without it all but those who were removed.
    #[serde(default)]
    state: Vec<MemberState>,
    /// In one of these teams: ids or slugs.
    #[serde(default)]
    team: Vec<String>,
    /// With this text in the name, upper and lower case being the same.
    #[param(max_length = 200)]
    q: Option<String>,
}

/// A member for whom something is to be done: by themselves, or by an admin.
#[derive(Clone, Debug)]
struct Themself(Wanted<MemberRow>);

impl Target for Themself {
    type Located = MemberRow;
    type Found = MemberRow;

    fn locate(&self, tx: &mut Scoped) -> Result<MemberRow> {
        self.0.locate(tx)
    }

    fn grant(&self, tx: &mut Scoped, located: MemberRow) -> Result<MemberRow> {
        if !is_caller(tx, located.id) {
            tx.require(Action::Manage, &Facts::default())?;
            tx.require_rank(located.role)?;
        }
        Ok(located)
    }

    fn version(found: &MemberRow) -> Option<i32> {
        Resource::version(found)
    }
}

async fn list_members(db: Db<Reads>, listing: Listing<MemberFilter>) -> Answer<Page<MemberPage>> {
    db.read((), listing, |tx, (), (filter, paging)| {
        let paged = page_of_members(tx, &filter, &paging)?;
        let shown: Vec<(MemberRow, Option<String>)> = with_emails(tx, paged.rows)?;
        let paged = Paged { rows: shown, next_cursor: paged.next_cursor, total: paged.total };
        Ok(Page::show(&paging, paged, |(row, email)| seen_by(tx, row, email)))
    })
    .await
}

async fn show_member(db: Db<Reads>, id: At<MemberRow>) -> Answer<Json<Member>> {
    db.read(id.to(Action::View), Nothing, |tx, row, ()| show(tx, row.into_inner())).await
}

async fn update_member(
    db: Db<Themselves>,
    id: At<MemberRow>,
    patch: PatchBody<NewMember>,
) -> Answer<Json<Member>> {
    db.write(Themself(id.to(Action::View)), patch, |tx, row, patch| {
        let current = NewMember { name: row.name.as_str().into(), role: row.role };
        let Some(new) = patch.merged(&current, row.version, tx.state())? else {
            return show(tx, row.clone());
        };
        if row.state == MemberState::Removed {
            return Err(Problem::new(Code::Conflict, "the member was removed; invite them again"));
        }
        let mut changed = row.clone();
        let mut change = Map::new();
        if new.role != row.role {
            tx.require(Action::Manage, &Facts::default())?;
            tx.require_rank(new.role)?;
            if row.role == Role::Owner {
                refuse_last_owner(tx, row)?;
            }
            changed.role = new.role;
            change.insert("role".into(), json!(new.role));
        }
        if new.name != current.name {
            changed.name_folded = folded(new.name.as_str());
            changed.name = new.name.into();
            change.insert("name".into(), json!(changed.name));
        }
        save(tx, &mut changed, EventType::MemberUpdated, change)?;
        show(tx, changed)
    })
    .await
}

async fn remove_member(db: Db<Themselves>, id: At<MemberRow>) -> Answer<NoContent> {
    db.write(Themself(id.to(Action::View)), Nothing, |tx, row, ()| {
        if row.state == MemberState::Removed {
            return Ok(NoContent);
        }
        if row.role == Role::Owner {
            refuse_last_owner(tx, row)?;
        }
        remove(tx, row)?;
        Ok(NoContent)
    })
    .await
}

/// Ends a membership with all that hangs on it; what the member made stays.
pub fn remove(tx: &mut Tx, row: &MemberRow) -> Result<()> {
    let mut gone = row.clone();
    gone.state = MemberState::Removed;
    gone.removed_at = Some(tx.now);
    tokens::revoke_personal(tx, row.workspace_id, row.id)?;
    let memberships = team_members::table
        .filter(team_members::workspace_id.eq(row.workspace_id))
        .filter(team_members::member_id.eq(row.id));
    diesel::delete(memberships).execute(tx.db())?;
    let mut change = Map::new();
    change.insert("state".into(), json!(gone.state));
    save(tx, &mut gone, EventType::MemberRemoved, change)
}

fn is_caller(tx: &Scoped, member: MemberId) -> bool {
    tx.member() == Some(member)
}

fn show(tx: &mut Scoped, row: MemberRow) -> Result<Json<Member>> {
    let version = row.version;
    let shown = with_emails(tx, vec![row])?.pop().map(|(row, email)| seen_by(tx, row, email));
    shown.map(|member| Json::versioned(member, version)).ok_or_else(Problem::not_found)
}

fn seen_by(tx: &Scoped, row: MemberRow, email: Option<String>) -> Member {
    let own = is_caller(tx, row.id);
    let manages = tx.may(Action::Manage, &Facts::default()) && tx.require_rank(row.role).is_ok();
    let there = row.state != MemberState::Removed;
    let acts = own && tx.token().is_none();
    Member {
        id: row.id,
        version: row.version,
        name: row.name,
        email: email.filter(|_| own || tx.may(Action::Manage, &Facts::default())),
        role: row.role,
        state: row.state,
        joined_at: row.joined_at,
        updated_at: row.updated_at,
        removed_at: row.removed_at,
        can: MemberCan { rename: acts || manages, change_role: manages, remove: there && (acts || manages) },
    }
}

/// The members with the addresses of their accounts.
fn with_emails(tx: &mut Scoped, rows: Vec<MemberRow>) -> Result<Vec<(MemberRow, Option<String>)>> {
    let ids: Vec<AccountId> = rows.iter().map(|row| row.account_id).collect();
    let emails: std::collections::HashMap<AccountId, String> = accounts::table
        .filter(accounts::id.eq_any(ids))
        .filter(accounts::deleted_at.is_null())
        .select((accounts::id, accounts::email))
        .load::<(AccountId, String)>(tx.db())?
        .into_iter()
        .collect();
    Ok(rows
        .into_iter()
        .map(|row| {
            let email = emails.get(&row.account_id).cloned();
            (row, email)
        })
        .collect())
}

fn page_of_members(tx: &mut Scoped, filter: &MemberFilter, paging: &Paging) -> Result<Paged<MemberRow>> {
    let workspace = tx.here()?;
    let in_teams: Vec<TeamId> = teams::filtered(tx, "team", &filter.team)?;
    let states = if filter.state.is_empty() {
        vec![MemberState::Invited, MemberState::Active, MemberState::Suspended]
    } else {
        filter.state.clone()
    };
    let query = || {
        let mut query = members::table
            .filter(members::workspace_id.eq(workspace))
            .filter(members::state.eq_any(states.clone()))
            .into_boxed();
        if !filter.role.is_empty() {
            query = query.filter(members::role.eq_any(filter.role.clone()));
        }
        if !in_teams.is_empty() {
            let inside = team_members::table
                .filter(team_members::workspace_id.eq(workspace))
                .filter(team_members::team_id.eq_any(in_teams.clone()))
                .select(team_members::member_id);
            query = query.filter(members::id.eq_any(inside));
        }
        if let Some(text) = &filter.q {
            query = query.filter(members::name_folded.like(contains(text)).escape('\\'));
        }
        query
    };
    let total = match paging.total {
        Total::Wanted => Some(query().count().get_result(tx.db())?),
        Total::NotWanted => None,
    };
    let mut page = query();
    if let Some(after) = paging.after::<Position>()? {
        let id: MemberId = after.id.parse().map_err(crate::access::target::invalid_id)?;
        page = page.filter(
            members::name_folded
                .gt(after.key.clone())
                .or(members::name_folded.eq(after.key).and(members::id.gt(id))),
        );
    }
    let rows: Vec<MemberRow> =
        page.order((members::name_folded, members::id)).limit(paging.rows()).load(tx.db())?;
    Ok(paging.page(rows, total, |row| Position { key: row.name_folded.clone(), id: row.id.to_string() }))
}

/// What events name.
pub fn subject(row: &MemberRow) -> Subject {
    Subject::new("member", row.id, row.name.clone())
}

fn save(tx: &mut Tx, row: &mut MemberRow, kind: EventType, change: Map<String, Value>) -> Result<()> {
    row.version += 1;
    row.updated_at = tx.now;
    diesel::update(
        members::table.filter(members::workspace_id.eq(row.workspace_id)).filter(members::id.eq(row.id)),
    )
    .set(&*row)
    .execute(tx.db())?;
    tx.tell(kind, subject(row), change.into());
    Ok(())
}
