//! Teams: people who share KPIs and objectives.
//!
//! Members may change what belongs to a team of theirs. Admins make teams and say who leads them;
//! whoever leads a team says who is in it and what it is for. Teams stand under teams, and whoever
//! leads one leads those under it, too. An archived team keeps what belongs to it and takes nothing
//! more.

mod nesting;
mod people;
mod row;

use std::collections::HashMap;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::{Map, json};
use utoipa::{IntoParams, ToSchema};

pub use crate::access::caller::Duty;
use crate::access::{Action, Admins, At, Db, Facts, Leads, Reads, Resource, Scoped, Visibility};
use crate::http::advice::Advice;
use crate::http::answer::Answer;
use crate::http::body::Rules;
use crate::http::page::{Position, page_type};
use crate::http::query::Rehearsable;
use crate::http::text::{Description, Slug, folded};
use crate::http::{
    Body, Code, Created, FieldErrors, Json, Listing, Name, NoContent, Nothing, Page, PatchBody, Problem,
    Result, Routes, routes,
};
use crate::maths::MOST_KPIS_OF_TEAM;
use crate::maths::word::words;
use crate::people::members::{self, MemberRef};
use crate::people::slug;
use crate::store::journal::{EventType, Subject};
use crate::store::schema::{kpi_segments, kpis, teams};
use crate::store::{MemberId, Moment, TeamId, Tx};
use nesting::{must_be_a_leaf, must_fit, parent_of};
pub use people::{TeamMember, hand_over, joins};
use people::{list_team_members, people_of, put_team_member, remove_team_member};
pub use row::{
    TeamInput, TeamRef, TeamRow, filtered, names, resolve, resolve_optional, still_here, with_sub_teams,
};

words! {
    /// Whether a team is at work.
    pub enum TeamState {
        /// It is.
        Active = "active",
        /// It keeps what belongs to it, and takes nothing more.
        Archived = "archived",
    }
}
crate::http::words::impl_wire_words!(TeamState);

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
            /// Whoever leads it changes its description; the rest is for admins and owners. Teams nest without
            /// loops, up to nine levels.
            PATCH update_team,
            /// Archive a team.
            /// It keeps what belongs to it, takes nothing more, and its slug is not free again. Teams under it
            /// that are at work stand in the way: archive or move them first.
            DELETE archive_team
        }
        "/v1/workspaces/{workspace}/teams/{team}/members" {
            /// List the members of a team, by name.
            GET list_team_members
        }
        "/v1/workspaces/{workspace}/teams/{team}/members/{member}" {
            /// Put a member into a team, or change what they are in it.
            /// It counts as a change of the team. For whoever leads the team, or one above it; who leads is said by
            /// admins and owners.
            PUT put_team_member,
            /// Take a member out of a team.
            /// For whoever leads the team, or one above it. Those who lead are taken out by admins and owners, or
            /// by themselves.
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
    /// The team under which it stands, by id or slug.
    #[serde(default)]
    #[schema(example = json!(null))]
    parent_id: Option<TeamInput>,
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
    #[schema(value_type = Slug)]
    slug: String,
    /// Counts the changes of the team and of who is in it.
    #[schema(minimum = 1)]
    version: i32,
    /// The team's name.
    #[schema(value_type = Name)]
    name: String,
    /// What the team is for.
    #[schema(value_type = Option<Description>)]
    description: Option<String>,
    /// The team under which it stands.
    parent_id: Option<TeamId>,
    /// The team under which it stands.
    parent: Option<TeamRef>,
    /// Whether the team is at work.
    state: TeamState,
    /// How many members it has.
    #[schema(minimum = 0)]
    member_count: usize,
    /// Those who lead it, by name.
    leads: Vec<MemberRef>,
    /// What would make its KPIs more useful; refuses nothing.
    #[schema(max_items = 5)]
    advice: Vec<Advice>,
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
    /// Change all of it, archive it, and say who leads it.
    edit: bool,
    /// Change its description, and say who is in it.
    lead: bool,
}

page_type!(TeamPage, Team);

/// Which teams.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct TeamFilter {
    /// In one of these states; without it those at work.
    #[serde(default)]
    #[param(inline)]
    state: Vec<TeamState>,
    /// With one of these members: ids, or `me`.
    #[serde(default)]
    member: Vec<String>,
    /// Right under this team, by id or slug; `none` for those that stand under no other.
    #[param(
        min_length = 1,
        max_length = 64,
        pattern = "^(team_[0-7][0-9a-hjkmnp-tv-z]{25}|[a-z0-9]+(-[a-z0-9]+)*)$",
        example = "none"
    )]
    parent: Option<String>,
    /// With this text in the name, upper and lower case being the same.
    #[param(max_length = 200)]
    q: Option<String>,
}

async fn list_teams(db: Db<Reads>, listing: Listing<TeamFilter>) -> Answer<Page<TeamPage>> {
    db.read((), listing, |tx, (), (filter, paging)| {
        let workspace = tx.here()?;
        let of: Vec<MemberId> = members::filtered(tx, "member", &filter.member)?;
        let under = filter.parent.as_deref().map(|parent| parent_of(tx, parent)).transpose()?;
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
                && under.is_none_or(|parent| row.parent_id == parent)
                && (of.is_empty()
                    || people
                        .get(&row.id)
                        .is_some_and(|all| all.iter().any(|one| of.contains(&one.member_id))))
        });
        let position = |row: &TeamRow| Position { key: row.name_folded.clone(), id: row.id.to_string() };
        let paged = paging.page_of_all(rows, position)?;
        let vital = vital_kpis(tx)?;
        let parents = names(tx, workspace, paged.rows.iter().filter_map(|row| row.parent_id))?;
        Ok(Page::show(&paging, paged, |row| {
            let people = people.get(&row.id).map(Vec::as_slice).unwrap_or_default();
            let vital = vital.get(&row.id).copied().unwrap_or_default();
            let parent = row.parent_id.and_then(|id| parents.get(&id).cloned());
            Team::seen_by(tx, row, parent, people, vital)
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
        let change = json!({
            "name": row.name, "slug": row.slug, "description": row.description, "parent_id": row.parent_id,
        });
        tx.tell(EventType::TeamCreated, subject(&row), change);
        let location = format!("/v1/workspaces/{}/teams/{}", workspace.id, row.id);
        let parent = parent_named(tx, &row)?;
        Ok(Created::at(location, Team::seen_by(tx, row, parent, &[], 0), 1))
    })
    .await
}

async fn show_team(db: Db<Reads>, id: At<TeamRow>) -> Answer<Json<Team>> {
    db.read(id.to(Action::View), Nothing, |tx, row, ()| show(tx, row.into_inner())).await
}

async fn update_team(db: Db<Leads>, id: At<TeamRow>, patch: PatchBody<NewTeam>) -> Answer<Json<Team>> {
    db.write(id.to(Action::Lead), patch, |tx, row, patch| {
        let current = NewTeam {
            name: row.name.as_str().into(),
            slug: Some(row.slug.as_str().into()),
            description: row.description.as_deref().map(Into::into),
            parent_id: row.parent_id.map(Into::into),
        };
        let merged = patch.merged(&current, row.version)?;
        let mut changed = (**row).clone();
        if let Some(new) = merged {
            // Whoever leads the team changes its description alone.
            if new != (NewTeam { description: new.description.clone(), ..current }) {
                tx.require(Action::Manage, &Facts::default())?;
            }
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
        if changed.parent_id != row.parent_id {
            change.insert("parent_id".into(), json!(changed.parent_id));
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
            must_be_a_leaf(tx, row)?;
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

impl TeamRow {
    fn state(&self) -> TeamState {
        if self.archived_at.is_none() { TeamState::Active } else { TeamState::Archived }
    }
}

impl Team {
    /// With its people, and so many KPIs that are no segments of others.
    fn seen_by(
        tx: &Scoped,
        row: TeamRow,
        parent: Option<TeamRef>,
        people: &[TeamMember],
        vital_kpis: usize,
    ) -> Self {
        let is_at_work = at_work(&row).is_ok();
        let leads = people.iter().filter(|one| one.duty == Duty::Lead).map(|one| one.member.clone());
        Self {
            id: row.id,
            version: row.version,
            parent_id: row.parent_id,
            parent,
            state: row.state(),
            member_count: people.len(),
            leads: leads.collect(),
            advice: (vital_kpis > MOST_KPIS_OF_TEAM)
                .then(|| Advice::too_many_kpis(vital_kpis, MOST_KPIS_OF_TEAM))
                .into_iter()
                .collect(),
            created_at: row.created_at,
            updated_at: row.updated_at,
            archived_at: row.archived_at,
            can: TeamCan {
                edit: is_at_work && tx.may(Action::Manage, &Facts::default()),
                lead: is_at_work && tx.may(Action::Lead, &row.facts()),
            },
            slug: row.slug,
            name: row.name,
            description: row.description,
        }
    }
}

fn show(tx: &mut Scoped, row: TeamRow) -> Result<Json<Team>> {
    let people = people_of(tx, row.workspace_id, Some(row.id))?.remove(&row.id).unwrap_or_default();
    let version = row.version;
    let vital = vital_kpis(tx)?.remove(&row.id).unwrap_or_default();
    let parent = parent_named(tx, &row)?;
    Ok(Json::versioned(Team::seen_by(tx, row, parent, &people, vital), version))
}

fn parent_named(tx: &mut Scoped, row: &TeamRow) -> Result<Option<TeamRef>> {
    let Some(parent) = row.parent_id else { return Ok(None) };
    Ok(names(tx, row.workspace_id, [parent])?.remove(&parent))
}

/// How many KPIs in use each team has that everybody may see and that are no segments of others.
fn vital_kpis(tx: &mut Scoped) -> Result<HashMap<TeamId, usize>> {
    let workspace = tx.here()?;
    let segments =
        kpi_segments::table.filter(kpi_segments::workspace_id.eq(workspace)).select(kpi_segments::kpi_id);
    let counts: Vec<(Option<TeamId>, i64)> = kpis::table
        .group_by(kpis::team_id)
        .select((kpis::team_id, diesel::dsl::count_star()))
        .filter(kpis::workspace_id.eq(workspace))
        .filter(kpis::archived_at.is_null())
        .filter(kpis::visibility.eq(Visibility::Workspace))
        .filter(kpis::id.ne_all(segments))
        .load(tx.db())?;
    let of_teams = counts.into_iter().filter_map(|(team, count)| Some((team?, usize::try_from(count).ok()?)));
    Ok(of_teams.collect())
}

fn at_work(row: &TeamRow) -> Result<()> {
    match row.state() {
        TeamState::Active => Ok(()),
        TeamState::Archived => Err(Problem::new(Code::Conflict, "the team is archived")),
    }
}

/// Brings the row to what the fields say; 409 where another team has the slug, or where it would not
/// fit under its parent.
fn apply(tx: &mut Scoped, row: &mut TeamRow, new: &NewTeam) -> Result<()> {
    row.slug = new.slug().unwrap_or_default(); // judged with the body
    row.name = new.name.as_str().to_owned();
    row.name_folded = folded(new.name.as_str());
    row.description = new.description.as_ref().map(|text| text.as_str().to_owned());
    let former = row.parent_id;
    row.parent_id = match &new.parent_id {
        None => None,
        // What stands there already is not looked up again.
        Some(input) if former.map(TeamInput::from).as_ref() == Some(input) => former,
        Some(input) => Some(resolve(tx, "/parent_id", input)?.id),
    };
    if let Some(other) = TeamRow::by_slug(tx, row.workspace_id, &row.slug)?
        && other.id != row.id
    {
        let detail = format!("the slug {} is taken: say another one", row.slug);
        return Err(Problem::new(Code::AlreadyExists, &detail).with("/slug", "already_exists", detail));
    }
    if row.parent_id == former { Ok(()) } else { must_fit(tx, row) }
}

fn save(tx: &mut Tx, row: &mut TeamRow) -> Result<()> {
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
