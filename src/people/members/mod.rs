//! Members: the people of a workspace, and what each of them may do there.
//!
//! Everybody may change their own name and leave. Admins change roles, suspend and remove people,
//! never beyond their own role; the last owner stays. Whoever is suspended has no access from the next
//! request on: their personal tokens and links rest, and work again when they are back. Whoever is
//! removed has none either, and their personal tokens are revoked; what they made stays, under their
//! name, and can be handed over. Whoever is invited is a member already, who may own things and has no
//! access before they come.

mod row;

use std::collections::HashMap;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::{IntoParams, ToSchema};

use crate::access::caller::{MemberState, scope_allows};
use crate::access::target::Wanted;
use crate::access::{Action, At, Db, Facts, Reads, Resource, Role, Scope, Scoped, Target, Themselves};
use crate::http::answer::Answer;
use crate::http::body::Rules;
use crate::http::page::{Paged, Paging, Position, Total, page_type};
use crate::http::text::{Email, contains, folded};
use crate::http::{
    Code, FieldErrors, Json, Listing, Name, NoContent, Nothing, Page, PatchBody, Problem, Result, Routes,
    routes,
};
use crate::maths::word::words;
use crate::people::{invitations, teams, tokens};
use crate::store::connection::MultiBackend;
use crate::store::journal::{EventType, Subject};
use crate::store::schema::{accounts, invitations as invitations_table, members, team_members};
use crate::store::{AccountId, MemberId, Moment, StoreError, TeamId, Tx};
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
            /// Change a member's name, title or role, or suspend them.
            /// Everybody may change their own name and title. Admins change names, titles and roles, up to their
            /// own role, and suspend and reactivate others; the last owner stays one. Whoever is suspended has no
            /// access, and neither have their personal tokens and links; all of it is back when they are.
            PATCH update_member,
            /// Remove a member, or leave.
            /// Access ends at once, and personal tokens are revoked; what the member made stays, and the event
            /// tells how much they still answer for. The last owner stays. Of somebody who is invited the
            /// invitation is taken back.
            DELETE remove_member
        }
    }
}

words! {
    /// Whether a member is let in.
    pub enum MemberPresence {
        /// They are.
        Active = "active",
        /// They are kept out for a while.
        Suspended = "suspended",
    }
}
crate::http::words::impl_wire_words!(MemberPresence);

crate::http::text::texts! {
    /// What somebody is in the organisation: up to 100 code points.
    #[schema(min_length = 1, max_length = 100, pattern = r"^[^\x00-\x1f\x7f]*[^\s\x00-\x1f\x7f][^\x00-\x1f\x7f]*$", example = "Head of retention")]
    JobTitle;
}

/// What can be changed of a member.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMember {
    /// The name in this workspace.
    name: Name,
    /// What the member is in the organisation.
    #[serde(default)]
    title: Option<JobTitle>,
    /// What the member may do.
    role: Role,
    /// Whether the member is let in.
    state: MemberPresence,
}

impl Rules for NewMember {
    fn judge(&self, _: &mut FieldErrors) {}
}

/// A member of a workspace.
#[derive(Debug, Serialize, ToSchema)]
pub struct Member {
    /// The member's id.
    pub id: MemberId,
    /// Counts the changes of name, title, role and state.
    #[schema(minimum = 1)]
    pub version: i32,
    /// The name in this workspace.
    #[schema(value_type = Name)]
    pub name: String,
    /// What the member is in the organisation.
    #[schema(value_type = Option<JobTitle>)]
    pub title: Option<String>,
    /// The e-mail address; for admins, owners and the member, null for others.
    #[schema(value_type = Option<Email>)]
    pub email: Option<String>,
    /// What the member may do.
    pub role: Role,
    /// Whether the member takes part.
    pub state: MemberState,
    /// When the member joined, the last time where they did more than once; of those who did not yet, when they were
    /// invited.
    pub joined_at: Moment,
    /// When name, title, role or state changed last.
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
    /// Suspend the member, or let them in again.
    pub suspend: bool,
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
    #[param(inline)]
    role: Vec<Role>,
    /// In one of these states; without it all but those who were removed.
    #[serde(default)]
    #[param(inline)]
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
        must_answer_for(tx, &located)?;
        Ok(located)
    }

    fn version(found: &MemberRow) -> Option<i32> {
        Resource::version(found)
    }
}

/// Refuses whoever is neither the member nor an admin who reaches up to their role.
fn must_answer_for(tx: &Scoped, row: &MemberRow) -> Result<()> {
    if is_caller(tx, row.id) {
        return Ok(());
    }
    tx.require(Action::Manage, &Facts::default())?;
    tx.require_rank(row.role)
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
        let current = NewMember {
            name: row.name.as_str().into(),
            title: row.title.as_deref().map(Into::into),
            role: row.role,
            state: match row.state {
                MemberState::Suspended => MemberPresence::Suspended,
                MemberState::Active | MemberState::Invited | MemberState::Removed => MemberPresence::Active,
            },
        };
        let merged = patch.merged(&current, row.version)?;
        let asks_for_more = |field: &str| patch.sent().contains_key(field);
        if row.state == MemberState::Invited && (asks_for_more("state") || asks_for_more("role")) {
            let detail = "they take part when they accept: invite them again for another role";
            return Err(Problem::new(Code::Conflict, detail));
        }
        let Some(new) = merged else {
            return show(tx, row.clone());
        };
        if row.state == MemberState::Removed {
            return Err(Problem::new(Code::Conflict, "the member was removed; invite them again"));
        }
        let mut changed = row.clone();
        let mut change = Map::new();
        let mut kind = EventType::MemberUpdated;
        if new.state != current.state {
            tx.require(Action::Manage, &Facts::default())?;
            if is_caller(tx, row.id) {
                let detail = "nobody suspends themselves: leave, or ask another admin";
                return Err(Problem::new(Code::Conflict, detail));
            }
            (changed.state, kind) = match new.state {
                MemberPresence::Active => (MemberState::Active, EventType::MemberReactivated),
                MemberPresence::Suspended => (MemberState::Suspended, EventType::MemberSuspended),
            };
            if row.role == Role::Owner && changed.state == MemberState::Suspended {
                refuse_last_owner(tx, row)?;
            }
            change.insert("state".into(), json!(changed.state));
        }
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
        if new.title != current.title {
            changed.title = new.title.map(Into::into);
            change.insert("title".into(), json!(changed.title));
        }
        save(tx, &mut changed, kind, change)?;
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
    let held = crate::HELD(tx, row.id)?;
    let gone = row.clone().gone(tx.now);
    invitations::revoke_of(tx, row)?;
    tokens::revoke_personal(tx, row.workspace_id, row.id)?;
    let memberships = team_members::table
        .filter(team_members::workspace_id.eq(row.workspace_id))
        .filter(team_members::member_id.eq(row.id));
    diesel::delete(memberships).execute(tx.db())?;
    let mut change = Map::new();
    change.insert("state".into(), json!(gone.state));
    change.insert("held".into(), held);
    gone.store(tx)?;
    tx.tell(EventType::MemberRemoved, subject(&gone), change.into());
    Ok(())
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
    let there = row.state != MemberState::Removed;
    let takes_part = matches!(row.state, MemberState::Active | MemberState::Suspended);
    let comes_in = tx.inside().is_ok_and(|inside| scope_allows(&inside.standing, Scope::Admin));
    let answers = there && comes_in && must_answer_for(tx, &row).is_ok();
    let manages = answers && takes_part && tx.may(Action::Manage, &Facts::default());
    Member {
        id: row.id,
        version: row.version,
        name: row.name,
        email: email.filter(|_| own || tx.may(Action::Manage, &Facts::default())),
        title: row.title,
        role: row.role,
        state: row.state,
        joined_at: row.joined_at,
        updated_at: row.updated_at,
        removed_at: row.removed_at,
        can: MemberCan { rename: answers, change_role: manages, suspend: manages && !own, remove: answers },
    }
}

/// The members with the addresses of their accounts, or those under which they were invited last.
fn with_emails(tx: &mut Scoped, rows: Vec<MemberRow>) -> Result<Vec<(MemberRow, Option<String>)>> {
    let emails = emails_of(tx, &rows)?;
    Ok(rows
        .into_iter()
        .map(|row| {
            let email = emails.get(&row.id).cloned();
            (row, email)
        })
        .collect())
}

/// The addresses of members: those of their accounts, or those under which they were invited last.
pub fn emails_of(tx: &mut Tx, rows: &[MemberRow]) -> Result<HashMap<MemberId, String>> {
    let Some(workspace) = rows.first().map(|row| row.workspace_id) else { return Ok(HashMap::new()) };
    let ids: Vec<AccountId> = rows.iter().filter_map(|row| row.account_id).collect();
    let of_accounts: HashMap<AccountId, String> = accounts::table
        .filter(accounts::id.eq_any(ids))
        .filter(accounts::deleted_at.is_null())
        .select((accounts::id, accounts::email))
        .load::<(AccountId, String)>(tx.db())?
        .into_iter()
        .collect();
    let waiting: Vec<Option<MemberId>> =
        rows.iter().filter(|row| row.account_id.is_none()).map(|row| Some(row.id)).collect();
    let mut found: HashMap<MemberId, String> = HashMap::new();
    if !waiting.is_empty() {
        let invited: Vec<(Option<MemberId>, String)> = invitations_table::table
            .filter(invitations_table::workspace_id.eq(workspace))
            .filter(invitations_table::member_id.eq_any(waiting))
            .order(invitations_table::id)
            .select((invitations_table::member_id, invitations_table::email))
            .load(tx.db())?;
        found.extend(invited.into_iter().filter_map(|(member, email)| Some((member?, email))));
    }
    let accounts = rows.iter().filter_map(|row| Some((row.id, of_accounts.get(&row.account_id?)?.clone())));
    found.extend(accounts);
    Ok(found)
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
    page_by_name(tx, paging, query)
}

type Rows = members::BoxedQuery<'static, MultiBackend>;

/// A page of the members of a query, by name.
pub fn page_by_name(tx: &mut Scoped, paging: &Paging, query: impl Fn() -> Rows) -> Result<Paged<MemberRow>> {
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
    row.store(tx)?;
    tx.tell(kind, subject(row), change.into());
    Ok(())
}

/// Who tells how much a member still answers for, by kind, as the event of their leaving says it.
pub type Held = fn(&mut Tx, MemberId) -> Result<Value, StoreError>;
