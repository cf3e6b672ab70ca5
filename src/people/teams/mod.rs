//! Teams: people who share KPIs and objectives.
//!
//! Members may change what belongs to a team of theirs. Admins make teams and say who is in them.
//! An archived team keeps what belongs to it and takes nothing more.

mod row;

use std::collections::HashMap;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use utoipa::{IntoParams, ToSchema};

use crate::access::caller::MemberState;
use crate::access::{Action, Admins, At, Db, Reads, Resource, Scoped};
use crate::http::answer::Answer;
use crate::http::body::Rules;
use crate::http::page::{Position, page_type};
use crate::http::query::Rehearsable;
use crate::http::text::{Description, Slug, folded};
use crate::http::{
    Body, Code, Created, FieldErrors, Json, Listing, Name, NoContent, Nothing, Page, PatchBody, Problem, Put,
    Result, Routes, routes,
};
use crate::maths::word::words;
use crate::people::members::{self, MemberRef, MemberRow};
use crate::people::slug;
use crate::store::journal::{EventType, Subject};
use crate::store::schema::{team_members, teams};
use crate::store::{MemberId, Moment, TeamId, WorkspaceId};
pub use row::{TeamInput, TeamRef, TeamRow, filtered, names, resolve, resolve_optional};

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
    /// Whether a team is at work.
    pub enum TeamState {
        /// It is.
        Active = "active",
        /// It keeps what belongs to it, and takes nothing more.
        Archived = "archived",
    }
}
crate::http::words::impl_wire_words!(Duty, TeamState);
crate::store::types::impl_sql_words!(Duty);

/// The paths of teams.
pub fn routes() -> Routes {
    routes! { "teams",
        "/v1/workspaces/{workspace}/teams" {
            /// List the teams of a workspace, by name.
            /// Archived ones are shown only where `state` asks for them.
            GET list_teams,
            /// Make a team.
            POST create_team
        }
        "/v1/workspaces/{workspace}/teams/{team}" {
            /// Show a team.
            GET show_team,
            /// Change a team.
            PATCH update_team,
            /// Archive a team.
            /// It keeps what belongs to it, takes nothing more, and its slug is not free again.
            DELETE archive_team
        }
        "/v1/workspaces/{workspace}/teams/{team}/members" {
            /// List the members of a team, by name.
            GET list_team_members
        }
        "/v1/workspaces/{workspace}/teams/{team}/members/{member}" {
            /// Put a member into a team, or change what they are in it.
            /// It counts as a change of the team.
            PUT put_team_member,
            /// Take a member out of a team.
            DELETE remove_team_member
        }
    }
}

/// What a team is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTeam {
    /// The team's name.
    #[schema(example = "Growth")]
    name: Name,
    /// The short name in addresses, unique in the workspace; made from the name where it is not given.
    #[serde(default)]
    slug: Option<Slug>,
    /// What the team is for.
    #[serde(default)]
    description: Option<Description>,
}

impl NewTeam {
    fn slug(&self) -> Option<String> {
        match &self.slug {
            Some(slug) => Some(slug.as_str().to_owned()),
            None => slug::of_name(self.name.as_str()),
        }
    }
}

impl Rules for NewTeam {
    fn judge(&self, errors: &mut FieldErrors) {
        if self.slug().is_none() {
            errors.add("/slug", "required", "no slug can be made from this name, so say one");
        }
    }
}

/// A team.
#[derive(Debug, Serialize, ToSchema)]
pub struct Team {
    /// The team's id.
    id: TeamId,
    /// Its short name in addresses.
    #[schema(example = "growth")]
    slug: String,
    /// Counts the changes of the team and of who is in it.
    #[schema(minimum = 1)]
    version: i32,
    /// The team's name.
    #[schema(example = "Growth")]
    name: String,
    /// What the team is for.
    description: Option<String>,
    /// Whether the team is at work.
    state: TeamState,
    /// How many members it has.
    #[schema(minimum = 0)]
    member_count: usize,
    /// Those who lead it, by name.
    leads: Vec<MemberRef>,
    /// When it was made.
    created_at: Moment,
    /// When it, or who is in it, changed last.
    updated_at: Moment,
    /// When it was archived.
    archived_at: Option<Moment>,
    /// What the caller may do.
    can: TeamCan,
}

/// What the caller may do with a team.
#[derive(Debug, Serialize, ToSchema)]
pub struct TeamCan {
    /// Change it, archive it, and say who is in it.
    edit: bool,
}

page_type!(TeamPage, Team);

/// A member of a team.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TeamMember {
    /// The member.
    member_id: MemberId,
    /// The member.
    member: MemberRef,
    /// What the member is in the team.
    duty: Duty,
    /// Since when.
    added_at: Moment,
}

page_type!(TeamMemberPage, TeamMember);

/// What a member is to be in a team.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewTeamMember {
    /// What the member is to be.
    #[serde(default = "member")]
    #[schema(default = "member")]
    duty: Duty,
}

fn member() -> Duty {
    Duty::Member
}

impl Rules for NewTeamMember {
    fn judge(&self, _: &mut FieldErrors) {}
}

/// Which teams.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct TeamFilter {
    /// In one of these states; without it those at work.
    #[serde(default)]
    state: Vec<TeamState>,
    /// With one of these members: ids, or `me`.
    #[serde(default)]
    member: Vec<String>,
    /// With this text in the name, upper and lower case being the same.
    #[param(max_length = 200)]
    q: Option<String>,
}

/// The list has no filters.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct NoFilter {}

#[derive(Clone, Debug, Queryable, Insertable)]
#[diesel(table_name = team_members)]
struct TeamMemberRow {
    workspace_id: WorkspaceId,
    team_id: TeamId,
    member_id: MemberId,
    duty: Duty,
    added_at: Moment,
}

async fn list_teams(db: Db<Reads>, listing: Listing<TeamFilter>) -> Answer<Page<TeamPage>> {
    db.read((), listing, |tx, (), (filter, paging)| {
        let workspace = tx.here()?;
        let of: Vec<MemberId> = members::filtered(tx, "member", &filter.member)?;
        let states = if filter.state.is_empty() { vec![TeamState::Active] } else { filter.state };
        let text = filter.q.as_deref().map(folded).unwrap_or_default();
        let mut rows: Vec<TeamRow> = teams::table
            .filter(teams::workspace_id.eq(workspace))
            .order((teams::name_folded, teams::id))
            .load(tx.db())?;
        let people = people_of(tx, workspace, None)?;
        rows.retain(|row| {
            states.contains(&row.state())
                && row.name_folded.contains(&text)
                && (of.is_empty()
                    || people
                        .get(&row.id)
                        .is_some_and(|all| all.iter().any(|one| of.contains(&one.member_id))))
        });
        let position = |row: &TeamRow| Position { key: row.name_folded.clone(), id: row.id.to_string() };
        let paged = paging.page_of_all(rows, position)?;
        Ok(Page::show(&paging, paged, |row| {
            let people = people.get(&row.id).map(Vec::as_slice).unwrap_or_default();
            Team::seen_by(tx, row, people)
        }))
    })
    .await
}

async fn create_team(db: Db<Admins>, rehearsable: Rehearsable, body: Body<NewTeam>) -> Answer<Created<Team>> {
    db.write((), (rehearsable, body), |tx, (), (_, new)| {
        let workspace = tx.workspace()?.clone();
        let mut row = TeamRow {
            id: TeamId::generate(tx.now.timestamp()),
            workspace_id: workspace.id,
            slug: String::new(),
            name: String::new(),
            name_folded: String::new(),
            description: None,
            parent_id: None,
            version: 1,
            created_at: tx.now,
            updated_at: tx.now,
            archived_at: None,
        };
        apply(tx, &mut row, new)?;
        diesel::insert_into(teams::table).values(&row).execute(tx.db())?;
        let change = json!({ "name": row.name, "slug": row.slug, "description": row.description });
        tx.tell(EventType::TeamCreated, subject(&row), change);
        let location = format!("/v1/workspaces/{}/teams/{}", workspace.id, row.id);
        Ok(Created::at(location, Team::seen_by(tx, row, &[]), 1))
    })
    .await
}

async fn show_team(db: Db<Reads>, id: At<TeamRow>) -> Answer<Json<Team>> {
    db.read(id.to(Action::View), Nothing, |tx, row, ()| show(tx, row.into_inner())).await
}

async fn update_team(db: Db<Admins>, id: At<TeamRow>, patch: PatchBody<NewTeam>) -> Answer<Json<Team>> {
    db.write(id.to(Action::Manage), patch, |tx, row, patch| {
        let current = NewTeam {
            name: row.name.as_str().into(),
            slug: Some(row.slug.as_str().into()),
            description: row.description.as_deref().map(Into::into),
        };
        let merged = patch.merged(&current, row.version, tx.state())?;
        let mut changed = (**row).clone();
        if let Some(new) = merged {
            at_work(row)?;
            apply(tx, &mut changed, &new)?;
        }
        let mut change = Map::new();
        if changed.name != row.name {
            change.insert("name".into(), json!(changed.name));
        }
        if changed.slug != row.slug {
            change.insert("slug".into(), json!(changed.slug));
        }
        if changed.description != row.description {
            change.insert("description".into(), json!(changed.description));
        }
        if !change.is_empty() {
            save(tx, &mut changed)?;
            tx.tell(EventType::TeamUpdated, subject(&changed), change.into());
        }
        show(tx, changed)
    })
    .await
}

async fn archive_team(db: Db<Admins>, id: At<TeamRow>) -> Answer<NoContent> {
    db.write(id.to(Action::Manage), Nothing, |tx, row, ()| {
        if row.archived_at.is_none() {
            let mut archived = (**row).clone();
            archived.archived_at = Some(tx.now);
            save(tx, &mut archived)?;
            tx.tell(
                EventType::TeamArchived,
                subject(&archived),
                json!({ "archived_at": archived.archived_at }),
            );
        }
        Ok(NoContent)
    })
    .await
}

async fn list_team_members(
    db: Db<Reads>,
    id: At<TeamRow>,
    listing: Listing<NoFilter>,
) -> Answer<Page<TeamMemberPage>> {
    db.read(id.to(Action::View), listing, |tx, team, (_, paging)| {
        let people = people_of(tx, team.workspace_id, Some(team.id))?.remove(&team.id).unwrap_or_default();
        let position =
            |one: &TeamMember| Position { key: folded(&one.member.name), id: one.member_id.to_string() };
        let paged = paging.page_of_all(people, position)?;
        Ok(Page::show(&paging, paged, |one| one))
    })
    .await
}

async fn put_team_member(
    db: Db<Admins>,
    team: At<TeamRow>,
    member: At<MemberRow>,
    rehearsable: Rehearsable,
    body: Body<NewTeamMember>,
) -> Answer<Put<TeamMember>> {
    let target = (team.to(Action::Manage), member.to(Action::Manage));
    db.write(target, (rehearsable, body), |tx, (team, member), (_, new)| {
        at_work(team)?;
        if member.state != MemberState::Active {
            return Err(Problem::new(Code::Conflict, format!("the member is {}, not active", member.state)));
        }
        let known: Option<TeamMemberRow> = team_members::table
            .filter(team_members::team_id.eq(team.id))
            .filter(team_members::member_id.eq(member.id))
            .first(tx.db())
            .optional()?;
        let row = TeamMemberRow {
            workspace_id: team.workspace_id,
            team_id: team.id,
            member_id: member.id,
            duty: new.duty,
            added_at: known.as_ref().map_or(tx.now, |known| known.added_at),
        };
        let shown = TeamMember {
            member_id: member.id,
            member: member.reference(),
            duty: row.duty,
            added_at: row.added_at,
        };
        let mut changed = (**team).clone();
        let change = json!({ "member_id": member.id, "duty": row.duty });
        match known {
            Some(known) if known.duty == row.duty => {
                return Ok(Put::There(Json::versioned(shown, team.version)));
            }
            Some(_) => {
                let own = team_members::table
                    .filter(team_members::team_id.eq(team.id))
                    .filter(team_members::member_id.eq(member.id));
                diesel::update(own).set(team_members::duty.eq(row.duty)).execute(tx.db())?;
                save(tx, &mut changed)?;
                tx.tell(EventType::TeamUpdated, subject(&changed), change);
                Ok(Put::There(Json::versioned(shown, changed.version)))
            }
            None => {
                diesel::insert_into(team_members::table).values(&row).execute(tx.db())?;
                save(tx, &mut changed)?;
                tx.tell(EventType::TeamUpdated, subject(&changed), change);
                let location = format!("/v1/workspaces/{}/teams/{}/members", team.workspace_id, team.id);
                Ok(Put::New(Created::at(location, shown, changed.version)))
            }
        }
    })
    .await
}

async fn remove_team_member(db: Db<Admins>, team: At<TeamRow>, member: At<MemberRow>) -> Answer<NoContent> {
    let target = (team.to(Action::Manage), member.to(Action::Manage));
    db.write(target, Nothing, |tx, (team, member), ()| {
        let own = team_members::table
            .filter(team_members::team_id.eq(team.id))
            .filter(team_members::member_id.eq(member.id));
        if diesel::delete(own).execute(tx.db())? == 0 {
            return Err(Problem::not_found());
        }
        let mut changed = (**team).clone();
        save(tx, &mut changed)?;
        let change = json!({ "member_id": member.id, "duty": null });
        tx.tell(EventType::TeamUpdated, subject(&changed), change);
        Ok(NoContent)
    })
    .await
}

impl TeamRow {
    fn state(&self) -> TeamState {
        if self.archived_at.is_none() { TeamState::Active } else { TeamState::Archived }
    }
}

impl Team {
    fn seen_by(tx: &Scoped, row: TeamRow, people: &[TeamMember]) -> Self {
        let leads = people.iter().filter(|one| one.duty == Duty::Lead).map(|one| one.member.clone());
        Self {
            id: row.id,
            version: row.version,
            state: row.state(),
            member_count: people.len(),
            leads: leads.collect(),
            created_at: row.created_at,
            updated_at: row.updated_at,
            archived_at: row.archived_at,
            can: TeamCan { edit: tx.may(Action::Manage, &row.facts()) },
            slug: row.slug,
            name: row.name,
            description: row.description,
        }
    }
}

fn show(tx: &mut Scoped, row: TeamRow) -> Result<Json<Team>> {
    let people = people_of(tx, row.workspace_id, Some(row.id))?.remove(&row.id).unwrap_or_default();
    let version = row.version;
    Ok(Json::versioned(Team::seen_by(tx, row, &people), version))
}

/// Who is in each team of a workspace, or in one, by name.
fn people_of(
    tx: &mut Scoped,
    workspace: WorkspaceId,
    team: Option<TeamId>,
) -> Result<HashMap<TeamId, Vec<TeamMember>>> {
    let mut query = team_members::table.filter(team_members::workspace_id.eq(workspace)).into_boxed();
    if let Some(team) = team {
        query = query.filter(team_members::team_id.eq(team));
    }
    let rows: Vec<TeamMemberRow> = query.load(tx.db())?;
    let names = members::names(tx, workspace, rows.iter().map(|row| row.member_id))?;
    let mut people: HashMap<TeamId, Vec<TeamMember>> = HashMap::new();
    for row in rows {
        if let Some(member) = names.get(&row.member_id) {
            people.entry(row.team_id).or_default().push(TeamMember {
                member_id: row.member_id,
                member: member.clone(),
                duty: row.duty,
                added_at: row.added_at,
            });
        }
    }
    for all in people.values_mut() {
        all.sort_by_cached_key(|one| (folded(&one.member.name), one.member_id.to_string()));
    }
    Ok(people)
}

fn at_work(row: &TeamRow) -> Result<()> {
    match row.state() {
        TeamState::Active => Ok(()),
        TeamState::Archived => Err(Problem::new(Code::Conflict, "the team is archived")),
    }
}

/// Brings the row to what the fields say; 409 where another team has the slug.
fn apply(tx: &mut Scoped, row: &mut TeamRow, new: &NewTeam) -> Result<()> {
    row.slug = new.slug().unwrap_or_default(); // judged with the body
    row.name = new.name.as_str().to_owned();
    row.name_folded = folded(new.name.as_str());
    row.description = new.description.as_ref().map(|text| text.as_str().to_owned());
    match TeamRow::by_slug(tx, row.workspace_id, &row.slug)? {
        Some(other) if other.id != row.id => {
            let detail = format!("the slug {} is taken: say another one", row.slug);
            Err(Problem::new(Code::AlreadyExists, &detail).with("/slug", "already_exists", detail))
        }
        _ => Ok(()),
    }
}

fn save(tx: &mut Scoped, row: &mut TeamRow) -> Result<()> {
    row.version += 1;
    row.updated_at = tx.now;
    let own = teams::table.filter(teams::workspace_id.eq(row.workspace_id)).filter(teams::id.eq(row.id));
    diesel::update(own).set(&*row).execute(tx.db())?;
    Ok(())
}

/// What events name.
fn subject(row: &TeamRow) -> Subject {
    Subject::new("team", row.id, row.name.clone())
}
