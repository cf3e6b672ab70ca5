//! Who is in a team.
//!
//! It counts as a change of the team: its version, its event.

use std::collections::HashMap;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use super::{TeamRow, at_work, save, subject};
use crate::access::caller::{Duty, MemberState};
use crate::access::{Action, At, Db, Facts, Leads, Reads, Scoped};
use crate::http::answer::Answer;
use crate::http::body::Rules;
use crate::http::page::{Position, page_type};
use crate::http::query::Rehearsable;
use crate::http::text::folded;
use crate::http::{
    Body, Code, Created, FieldErrors, Json, Listing, NoContent, Nothing, Page, Problem, Put, Result,
};
use crate::people::members::{self, MemberRef, MemberRow};
use crate::store::journal::EventType;
use crate::store::schema::team_members;
use crate::store::{MemberId, Moment, TeamId, Tx, WorkspaceId};

/// A member of a team.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TeamMember {
    /// The member.
    pub member_id: MemberId,
    /// The member.
    pub member: MemberRef,
    /// What the member is in the team.
    pub duty: Duty,
    /// Since when.
    added_at: Moment,
}

page_type!(TeamMemberPage, TeamMember);

/// What a member is to be in a team.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewTeamMember {
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

/// The list has no filters.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct NoFilter {}

#[derive(Clone, Debug, Queryable, Insertable)]
#[diesel(table_name = team_members)]
struct TeamMemberRow {
    workspace_id: WorkspaceId,
    team_id: TeamId,
    member_id: MemberId,
    duty: Duty,
    added_at: Moment,
}

pub async fn list_team_members(
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

pub async fn put_team_member(
    db: Db<Leads>,
    team: At<TeamRow>,
    member: At<MemberRow>,
    rehearsable: Rehearsable,
    body: Body<NewTeamMember>,
) -> Answer<Put<TeamMember>> {
    let target = (team.to(Action::Lead), member.whoever_finds_it());
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
            Some(known) if known.duty == row.duty => Ok(Put::There(Json::versioned(shown, team.version))),
            Some(known) => {
                may_turn(tx, member.id, known.duty, Some(row.duty))?;
                let own = team_members::table
                    .filter(team_members::team_id.eq(team.id))
                    .filter(team_members::member_id.eq(member.id));
                diesel::update(own).set(team_members::duty.eq(row.duty)).execute(tx.db())?;
                save(tx, &mut changed)?;
                tx.tell(EventType::TeamUpdated, subject(&changed), change);
                Ok(Put::There(Json::versioned(shown, changed.version)))
            }
            None => {
                may_turn(tx, member.id, Duty::Member, Some(row.duty))?;
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

pub async fn remove_team_member(
    db: Db<Leads>,
    team: At<TeamRow>,
    member: At<MemberRow>,
) -> Answer<NoContent> {
    let target = (team.to(Action::Lead), member.whoever_finds_it());
    db.write(target, Nothing, |tx, (team, member), ()| {
        let own = || {
            team_members::table
                .filter(team_members::team_id.eq(team.id))
                .filter(team_members::member_id.eq(member.id))
        };
        let known: Option<Duty> = own().select(team_members::duty).first(tx.db()).optional()?;
        may_turn(tx, member.id, known.ok_or_else(Problem::not_found)?, None)?;
        diesel::delete(own()).execute(tx.db())?;
        let mut changed = (**team).clone();
        save(tx, &mut changed)?;
        let change = json!({ "member_id": member.id, "duty": null });
        tx.tell(EventType::TeamUpdated, subject(&changed), change);
        Ok(NoContent)
    })
    .await
}

/// Who leads a team is said by admins and owners; whoever leads it may step down.
fn may_turn(tx: &Scoped, member: MemberId, from: Duty, to: Option<Duty>) -> Result<()> {
    let steps_down = tx.member() == Some(member) && to != Some(Duty::Lead);
    if steps_down || (from == Duty::Member && to != Some(Duty::Lead)) {
        return Ok(());
    }
    tx.require(Action::Manage, &Facts::default())
        .map_err(|_| Problem::forbidden("who leads a team is said by admins and owners"))
}

/// Makes another member lead a team in the place of one who does; who led it goes on as one of its
/// members, if they are in it still.
pub fn hand_over(tx: &mut Scoped, team: TeamId, from: MemberId, to: MemberId) -> Result<()> {
    let workspace_id = tx.here()?;
    let Some(mut team) = TeamRow::by_id(tx, workspace_id, team)? else { return Ok(()) };
    let place = |member: MemberId| {
        team_members::table
            .filter(team_members::workspace_id.eq(workspace_id))
            .filter(team_members::team_id.eq(team.id))
            .filter(team_members::member_id.eq(member))
    };
    diesel::update(place(from)).set(team_members::duty.eq(Duty::Member)).execute(tx.db())?;
    if diesel::update(place(to)).set(team_members::duty.eq(Duty::Lead)).execute(tx.db())? == 0 {
        let row = TeamMemberRow {
            workspace_id,
            team_id: team.id,
            member_id: to,
            duty: Duty::Lead,
            added_at: tx.now,
        };
        diesel::insert_into(team_members::table).values(&row).execute(tx.db())?;
    }
    save(tx, &mut team)?;
    let change = json!({ "member_id": to, "duty": Duty::Lead, "former_lead_id": from });
    tx.tell(EventType::TeamUpdated, subject(&team), change);
    Ok(())
}

/// Puts a member who has just joined into teams; those that are archived by now take nobody.
pub fn joins(
    tx: &mut Tx,
    workspace_id: WorkspaceId,
    member_id: MemberId,
    teams: &[TeamId],
    duty: Duty,
) -> Result<()> {
    for team_id in teams {
        let Some(mut team) = TeamRow::by_id(tx, workspace_id, *team_id)? else { continue };
        let known: Option<Duty> = team_members::table
            .filter(team_members::team_id.eq(team.id))
            .filter(team_members::member_id.eq(member_id))
            .select(team_members::duty)
            .first(tx.db())
            .optional()?;
        if known.is_some() || at_work(&team).is_err() {
            continue;
        }
        let row = TeamMemberRow { workspace_id, team_id: team.id, member_id, duty, added_at: tx.now };
        diesel::insert_into(team_members::table).values(&row).execute(tx.db())?;
        save(tx, &mut team)?;
        tx.tell(EventType::TeamUpdated, subject(&team), json!({ "member_id": member_id, "duty": duty }));
    }
    Ok(())
}

/// Who is in each team of a workspace, or in one, by name.
pub fn people_of(
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
