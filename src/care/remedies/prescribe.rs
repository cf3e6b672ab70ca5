//! Making a remedy: an objective is linked or made, and the KPI's state of the moment is its baseline.

use diesel::prelude::*;
use jiff::Span;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use super::aim::Aim;
use super::outcome::Ground;
use super::row::{self, Of, RemedyRow};
use crate::access::Scoped;
use crate::access::caller::MemberState;
use crate::http::body::Rules;
use crate::http::{Code, Description, FieldErrors, Name, Note, Problem, Result};
use crate::kpis::deeds;
use crate::kpis::derive::{self, View};
use crate::kpis::row::KpiRow;
use crate::maths::{Health, KpiState, RemedyOutcome, Target};
use crate::okrs::cycles::{self, CycleInput, CycleRow};
use crate::okrs::objectives::{
    self, NewObjective, NewObjectiveState, ObjectiveRow, ObjectiveState, SharedObjective,
};
use crate::okrs::wire::refused_at;
use crate::people::members::{self, MemberInput, MemberRow};
use crate::people::teams::{TeamInput, TeamRow};
use crate::store::journal::EventType;
use crate::store::schema::remedies;
use crate::store::{Act, Day, DecisionId, ObjectiveId, RemedyId};

/// How long an objective has where no cycle holds today.
const DAYS_WITHOUT_CYCLE: i64 = 90;

/// A remedy to make: an existing objective is linked, or one is made. `{}` makes one out of the KPI itself.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"title": "Win back lapsed customers", "note": "Churn rose after the new price list."}))]
pub struct NewRemedy {
    /// The objective to link. Without it one is made, with a key result that reads the KPI.
    #[serde(default)]
    pub objective_id: Option<ObjectiveId>,
    /// The title of the objective to make; by default that the KPI is to come back to its healthy bound, or, where it is
    /// slipping, that it is to stay within its band.
    #[serde(default)]
    #[schema(example = "Win back lapsed customers")]
    pub title: Option<Name>,
    /// Why it is made.
    #[serde(default)]
    pub why: Option<Description>,
    /// Who answers for the objective to make; by default the owner of the KPI.
    #[serde(default)]
    pub owner_id: Option<MemberInput>,
    /// The cycle of the objective to make: its id, its slug, or `current`. By default the one active cycle that
    /// holds today; with none it is due in 90 days, with several one has to be named.
    #[serde(default)]
    #[schema(value_type = Option<CycleInput>, example = "current")]
    #[serde(rename = "cycle_id")]
    pub cycle: Option<String>,
    /// Where the objective to make stands; by default it is active.
    #[serde(default)]
    pub state: Option<NewObjectiveState>,
    /// What this is meant to do for the KPI.
    #[serde(default)]
    pub note: Option<Note>,
    /// The decision that this comes from, one of this KPI. Without one a decision is recorded with it.
    #[serde(default)]
    pub decision_id: Option<DecisionId>,
}

impl Rules for NewRemedy {
    fn judge(&self, errors: &mut FieldErrors) {
        if self.objective_id.is_none() {
            return;
        }
        let sent = [
            ("/title", self.title.is_some()),
            ("/why", self.why.is_some()),
            ("/owner_id", self.owner_id.is_some()),
            ("/cycle_id", self.cycle.is_some()),
            ("/state", self.state.is_some()),
        ];
        for (pointer, _) in sent.into_iter().filter(|(_, is_sent)| *is_sent) {
            errors.add(pointer, "unexpected", "with `objective_id` an existing objective is linked as it is");
        }
    }
}

/// What the body asks for, with all that it names found.
enum Wanted {
    Linked(Box<SharedObjective>),
    Made(Box<NewObjective>),
}

/// Makes a remedy of a KPI.
pub fn prescribe(tx: &mut Scoped, kpi: &KpiRow, new: &NewRemedy) -> Result<RemedyRow> {
    deeds::must_be_of(tx, kpi, new.decision_id, "/decision_id")?;
    let wanted = match new.objective_id {
        Some(id) => {
            let found = SharedObjective::by_id(tx, id)?;
            Wanted::Linked(Box::new(found.ok_or_else(|| Problem::not_found_at("/objective_id"))?))
        }
        None => Wanted::Made(Box::new(frame(tx, kpi, new)?)),
    };
    if kpi.archived_at.is_some() {
        return Err(Problem::new(Code::KpiArchived, "an archived KPI takes no remedies: restore it first"));
    }
    let state = derive::history(tx, kpi, &View::default())?.state;
    if state.health == Health::Healthy && !state.is_slipping() {
        return Err(Problem::new(
            Code::KpiIsHealthy,
            "the KPI is healthy and not slipping: there is nothing to heal; a guardrail would keep it so",
        ));
    }
    let objective = match wanted {
        Wanted::Linked(objective) => {
            must_take_kpi(tx, kpi, &objective)?;
            *objective
        }
        Wanted::Made(mut objective) => {
            let aim = Aim::of(&state)?;
            objective.key_results.push(aim.key_result(kpi));
            if new.title.is_none() {
                objective.title = aim.title(kpi).into();
            }
            objectives::create(tx, &objective)?
        }
    };
    let row = store(tx, kpi, &objective, &state, new.note.as_ref())?;
    deeds::did(tx, kpi.id, Act::Prescribed(objective.id), state, new.decision_id);
    Ok(row)
}

/// The objective to make, without what follows from the KPI's value.
fn frame(tx: &mut Scoped, kpi: &KpiRow, new: &NewRemedy) -> Result<NewObjective> {
    let title = new.title.clone().unwrap_or_else(|| kpi.name.as_str().into());
    let cycle = match &new.cycle {
        Some(name) => Some(named_cycle(tx, name)?),
        None => only_cycle(tx)?,
    };
    let ends_on = match cycle {
        Some(_) => None,
        None => {
            let span = Span::new().days(DAYS_WITHOUT_CYCLE);
            Some(Day::from(cycles::today(tx)?.saturating_add(span)))
        }
    };
    Ok(NewObjective {
        why: new.why.clone(),
        owner_id: owner(tx, kpi, new.owner_id.as_ref())?,
        team_id: team(tx, kpi)?,
        cycle: cycle.map(|cycle| cycle.id.to_string()),
        ends_on,
        state: new.state.unwrap_or(NewObjectiveState::Active),
        ..NewObjective::titled(title)
    })
}

fn named_cycle(tx: &mut Scoped, name: &str) -> Result<CycleRow> {
    CycleRow::named(tx, name).map_err(|problem| refused_at(problem, "/cycle_id"))
}

/// The one active cycle that holds today, if there is one.
fn only_cycle(tx: &mut Scoped) -> Result<Option<CycleRow>> {
    let today = cycles::today(tx)?;
    let mut candidates = cycles::current_candidates(tx, today)?;
    if candidates.len() < 2 {
        return Ok(candidates.pop());
    }
    let slugs: Vec<&str> = candidates.iter().map(|cycle| cycle.slug.as_str()).collect();
    let detail = format!("several active cycles hold today, name one of them: {}", slugs.join(", "));
    Err(Problem::field("/cycle_id", "ambiguous", detail))
}

/// Who answers for it: whoever was named, else the KPI's owner while that is a member still.
fn owner(tx: &mut Scoped, kpi: &KpiRow, named: Option<&MemberInput>) -> Result<Option<MemberInput>> {
    if let Some(named) = named {
        return members::resolve(tx, "/owner_id", named).map(|owner| Some(owner.id.into()));
    }
    let owner = match kpi.owner_id {
        Some(id) => MemberRow::by_id(tx, kpi.workspace_id, id)?,
        None => None,
    };
    Ok(owner.filter(|owner| owner.state == MemberState::Active).map(|owner| owner.id.into()))
}

/// The KPI's team, while it works still.
fn team(tx: &mut Scoped, kpi: &KpiRow) -> Result<Option<TeamInput>> {
    let team = match kpi.team_id {
        Some(id) => TeamRow::by_id(tx, kpi.workspace_id, id)?,
        None => None,
    };
    Ok(team.filter(|team| team.archived_at.is_none()).map(|team| team.id.into()))
}

/// Refuses to link an objective that is over or whose cycle is, or one that heals this KPI already.
fn must_take_kpi(tx: &mut Scoped, kpi: &KpiRow, objective: &ObjectiveRow) -> Result<()> {
    if objective.archived_at.is_some() || objective.state == ObjectiveState::Closed {
        return Err(Problem::new(
            Code::ObjectiveClosed,
            "an objective that is closed or archived heals nothing any more",
        )
        .with("/objective_id", "objective_closed", "it is closed or archived"));
    }
    objective
        .must_have_open_cycle(tx)
        .map_err(|problem| problem.with("/objective_id", "cycle_closed", "its cycle is closed"))?;
    let now = tx.now;
    let links = row::made_by(tx, Of::Objective(objective.id), now)?;
    if links.iter().any(|link| link.kpi_id == kpi.id && link.withdrawn_at.is_none()) {
        return Err(Problem::new(Code::AlreadyExists, "this objective is a remedy of this KPI already")
            .with("/objective_id", "already_exists", "it is linked already"));
    }
    Ok(())
}

fn store(
    tx: &mut Scoped,
    kpi: &KpiRow,
    objective: &ObjectiveRow,
    state: &KpiState,
    note: Option<&Note>,
) -> Result<RemedyRow> {
    let now = tx.now;
    let Target { band, tolerance } = state.target.unwrap_or_default();
    let unhealthy_since = match (state.episode, state.health) {
        (Some(episode), _) => Some(episode.opened_on),
        (None, Health::Unhealthy) => state.since,
        (None, Health::Healthy | Health::AtRisk | Health::Unknown) => None,
    };
    let mut row = RemedyRow {
        id: RemedyId::generate(now.timestamp()),
        workspace_id: kpi.workspace_id,
        kpi_id: kpi.id,
        objective_id: objective.id,
        note: note.cloned().map(String::from),
        baseline_value: state.current.and_then(|current| current.value),
        baseline_health: state.health,
        baseline_starts_at: state.current.map(|current| current.period.starts_at.into()),
        baseline_min: band.min,
        baseline_max: band.max,
        baseline_tolerance_min: tolerance.min,
        baseline_tolerance_max: tolerance.max,
        unhealthy_since: unhealthy_since.map(Day::from),
        shown_outcome: RemedyOutcome::InProgress,
        version: 1,
        created_at: now,
        created_by: tx.author().recorded_by(),
        updated_at: now,
        withdrawn_at: None,
        withdrawn_by: None,
    };
    let ground = Ground::load(tx, std::slice::from_ref(&row), std::slice::from_ref(kpi), None)?;
    row.shown_outcome = ground.told(&row).map_or(row.shown_outcome, |told| told.outcome);
    diesel::insert_into(remedies::table).values(&row).execute(tx.db())?;
    row::keep_counts(tx, std::slice::from_ref(kpi))?;
    let change = json!({
        "kpi_id": row.kpi_id, "objective_id": row.objective_id, "note": row.note,
        "baseline": { "value": row.baseline_value, "health": row.baseline_health },
        "outcome": row.shown_outcome,
    });
    tx.tell(EventType::RemedyCreated, row.subject(&kpi.name, &objective.title), change);
    Ok(row)
}
