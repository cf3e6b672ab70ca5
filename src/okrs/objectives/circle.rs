//! Who takes part in an objective beside its owner and its team: they may change it as these may.

use std::collections::HashMap;
use std::ops::Deref;

use diesel::prelude::*;

use super::fields::ObjectiveFields;
use super::row::ObjectiveRow;
use super::supports;
use crate::access::target::invalid_id;
use crate::access::{Facts, Resource, Scoped, Viewers, Visibility};
use crate::http::{FieldErrors, Problem, Result};
use crate::people::members::{self, MemberInput};
use crate::people::teams::{self, TeamInput};
use crate::store::schema::{objective_contributors, objective_teams};
use crate::store::{IDS_PER_STATEMENT, MemberId, ObjectiveId, StoreError, TeamId, Tx, WorkspaceId};

/// Who takes part in an objective beside its owner and its team, in the order of their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Circle {
    /// Members who contribute.
    pub contributors: Vec<MemberId>,
    /// Teams that contribute.
    pub teams: Vec<TeamId>,
}

#[derive(Insertable)]
#[diesel(table_name = objective_contributors)]
struct ContributorRow {
    workspace_id: WorkspaceId,
    objective_id: ObjectiveId,
    member_id: MemberId,
}

#[derive(Insertable)]
#[diesel(table_name = objective_teams)]
struct ContributingTeamRow {
    workspace_id: WorkspaceId,
    objective_id: ObjectiveId,
    team_id: TeamId,
}

impl Circle {
    /// Those of objectives; where nobody takes part there is none.
    pub fn of_all(tx: &mut Tx, objectives: &[ObjectiveId]) -> Result<HashMap<ObjectiveId, Self>, StoreError> {
        let workspace = tx.workspace_id()?;
        let mut found: HashMap<ObjectiveId, Self> = HashMap::new();
        for ids in objectives.chunks(IDS_PER_STATEMENT) {
            let contributors: Vec<(ObjectiveId, MemberId)> = objective_contributors::table
                .filter(objective_contributors::workspace_id.eq(workspace))
                .filter(objective_contributors::objective_id.eq_any(ids.to_vec()))
                .order(objective_contributors::member_id)
                .select((objective_contributors::objective_id, objective_contributors::member_id))
                .load(tx.db())?;
            for (objective, member) in contributors {
                found.entry(objective).or_default().contributors.push(member);
            }
            let teams: Vec<(ObjectiveId, TeamId)> = objective_teams::table
                .filter(objective_teams::workspace_id.eq(workspace))
                .filter(objective_teams::objective_id.eq_any(ids.to_vec()))
                .order(objective_teams::team_id)
                .select((objective_teams::objective_id, objective_teams::team_id))
                .load(tx.db())?;
            for (objective, team) in teams {
                found.entry(objective).or_default().teams.push(team);
            }
        }
        Ok(found)
    }

    /// Who may see each of some objectives. Who takes part decides that only of private ones.
    pub fn viewers_of(
        tx: &mut Tx,
        objectives: &[&ObjectiveRow],
    ) -> Result<HashMap<ObjectiveId, Viewers>, StoreError> {
        let private = objectives.iter().filter(|row| row.visibility == Visibility::Private);
        let ids: Vec<ObjectiveId> = private.map(|row| row.id).collect();
        let circles = Self::of_all(tx, &ids)?;
        let nobody = Self::default();
        let viewers =
            |row: &&ObjectiveRow| (row.id, circles.get(&row.id).unwrap_or(&nobody).facts(row).viewers);
        Ok(objectives.iter().map(viewers).collect())
    }

    /// What the policy looks at in an objective with this circle.
    pub fn facts(&self, objective: &ObjectiveRow) -> Facts {
        let mut facts = Facts::of(objective.owner_id, objective.team_id).led_through(objective.owner_id);
        facts.owners.extend(&self.contributors);
        facts.teams.extend(&self.teams);
        facts.seen_by(objective.visibility)
    }

    /// The circle that a body names. Who is named anew has to be here; who is named already may
    /// have left or been archived since.
    pub fn named(&self, tx: &mut Scoped, fields: &ObjectiveFields) -> Result<Self> {
        let mut errors = FieldErrors::new();
        let contributors = resolved(
            ("/contributor_ids", &fields.contributor_ids, &self.contributors),
            &mut errors,
            |pointer, input: &MemberInput| members::resolve(tx, pointer, input).map(|member| member.id),
        )?;
        let teams = resolved(
            ("/contributing_team_ids", &fields.contributing_team_ids, &self.teams),
            &mut errors,
            |pointer, input: &TeamInput| teams::resolve(tx, pointer, input).map(|team| team.id),
        )?;
        errors.settle()?;
        Ok(Self { contributors, teams })
    }

    /// Stores it in the place of the one before.
    pub fn replace(&self, tx: &mut Tx, objective: &ObjectiveRow, before: &Self) -> Result<()> {
        let (workspace_id, objective_id) = (objective.workspace_id, objective.id);
        if self.contributors != before.contributors {
            diesel::delete(
                objective_contributors::table
                    .filter(objective_contributors::workspace_id.eq(workspace_id))
                    .filter(objective_contributors::objective_id.eq(objective_id)),
            )
            .execute(tx.db())?;
            for member_id in self.contributors.iter().copied() {
                let row = ContributorRow { workspace_id, objective_id, member_id };
                diesel::insert_into(objective_contributors::table).values(&row).execute(tx.db())?;
            }
        }
        if self.teams != before.teams {
            diesel::delete(
                objective_teams::table
                    .filter(objective_teams::workspace_id.eq(workspace_id))
                    .filter(objective_teams::objective_id.eq(objective_id)),
            )
            .execute(tx.db())?;
            for team_id in self.teams.iter().copied() {
                let row = ContributingTeamRow { workspace_id, objective_id, team_id };
                diesel::insert_into(objective_teams::table).values(&row).execute(tx.db())?;
            }
        }
        Ok(())
    }
}

/// The ids of those whom a field of a body names, each once, in their order. Those that stand there
/// `before` are not looked up again.
fn resolved<Input, Id>(
    (field, inputs, before): (&str, &[Input], &[Id]),
    errors: &mut FieldErrors,
    mut find: impl FnMut(&str, &Input) -> Result<Id>,
) -> Result<Vec<Id>>
where
    Input: PartialEq + From<Id>,
    Id: Copy + Ord,
{
    let mut ids = Vec::new();
    for (index, input) in inputs.iter().enumerate() {
        let pointer = format!("{field}/{index}");
        let known = before.iter().copied().find(|id| Input::from(*id) == *input);
        let id = known.map_or_else(|| find(&pointer, input), Ok)?;
        if ids.contains(&id) {
            errors.add(pointer, "duplicate", "it stands there already");
        }
        ids.push(id);
    }
    ids.sort_unstable();
    Ok(ids)
}

/// An objective together with its circle, which decide who may change it, and what it supports.
#[derive(Clone, Debug, PartialEq)]
pub struct SharedObjective {
    /// The objective.
    pub row: ObjectiveRow,
    /// Who takes part in it.
    pub circle: Circle,
    /// The objectives that it supports, in the order of their ids.
    pub supported: Vec<ObjectiveId>,
}

impl Deref for SharedObjective {
    type Target = ObjectiveRow;

    fn deref(&self) -> &ObjectiveRow {
        &self.row
    }
}

impl SharedObjective {
    /// The objective with this id in the caller's workspace, with its circle; none that is private to others.
    pub fn by_id(tx: &mut Scoped, id: ObjectiveId) -> Result<Option<Self>> {
        let found = Self::by_ids(tx, &[id])?.remove(&id);
        Ok(found.filter(|found| tx.sees(&found.facts())))
    }

    /// The objectives with these ids, with their circles.
    pub fn by_ids(tx: &mut Tx, ids: &[ObjectiveId]) -> Result<HashMap<ObjectiveId, Self>> {
        let mut circles = Circle::of_all(tx, ids)?;
        let mut supported: HashMap<ObjectiveId, Vec<ObjectiveId>> = HashMap::new();
        for (from, to) in supports::of_objectives(tx, ids)? {
            supported.entry(from).or_default().push(to);
        }
        let shared = |(id, row)| {
            let circle = circles.remove(&id).unwrap_or_default();
            (id, Self { row, circle, supported: supported.remove(&id).unwrap_or_default() })
        };
        Ok(ObjectiveRow::by_ids(tx, ids)?.into_iter().map(shared).collect())
    }
}

impl Resource for SharedObjective {
    const PARAMETER: &'static str = "objective";

    fn load(tx: &mut Scoped, reference: &str) -> Result<Self> {
        let id = reference.parse().map_err(invalid_id)?;
        Self::by_id(tx, id)?.ok_or_else(Problem::not_found)
    }

    fn facts(&self) -> Facts {
        self.circle.facts(&self.row)
    }

    fn version(&self) -> Option<i32> {
        Some(self.row.version)
    }
}
