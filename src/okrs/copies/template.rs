//! Copying as a template: the copies are drafts that begin anew.

use jiff::Span;

use super::make::{Company, Original, Planned, judged, make, named, show, told_at};
use super::{CopiedDueDays, CopiedGoals, NewObjectiveCopies, ObjectiveCopies};
use crate::access::Scoped;
use crate::http::{FieldErrors, Result};
use crate::maths::days_between;
use crate::okrs::cycles::CycleRow;
use crate::okrs::initiatives::{InitiativeRow, InitiativeStatus, NewObjectiveInitiative};
use crate::okrs::key_results::{KeyResultRow, NewKeyResult};
use crate::okrs::objectives::{ObjectiveRow, judge_dates};
use crate::okrs::progress::{Dates, Surroundings};
use crate::okrs::wire::refused_at;
use crate::people::members::{self, MemberInput};
use crate::people::teams::{self, TeamInput};
use crate::store::{Day, MemberId};

/// What copies have in common, with all that the body names found.
struct Frame<'a> {
    new: &'a NewObjectiveCopies,
    cycle: Option<CycleRow>,
    dates: Dates,
    owner: Option<MemberInput>,
    team: Option<TeamInput>,
}

/// Copies objectives as drafts.
pub fn copy(tx: &mut Scoped, new: &NewObjectiveCopies) -> Result<ObjectiveCopies> {
    let frame = Frame::of(tx, new)?;
    let originals = named(tx, &new.objective_ids)?;
    let mut errors = FieldErrors::new();
    judge_dates(&frame.dates, &mut errors);
    errors.settle()?;
    if let Some(cycle) = &frame.cycle {
        cycle.must_be_open().map_err(|problem| told_at(problem, "/cycle_id"))?;
    }
    judged(&originals, |original| original.must_be_out_of_archive())?;
    let rows: Vec<&ObjectiveRow> = originals.iter().map(|original| &original.objective.row).collect();
    let around = Surroundings::of_objectives(tx, &rows)?;
    let company = Company::of(tx, &originals, &around)?;
    let planned: Vec<Planned> =
        originals.iter().map(|original| frame.plan(original, &around, &company)).collect();
    let made = make(tx, &planned)?;
    show(tx, &planned, &made)
}

impl<'a> Frame<'a> {
    fn of(tx: &mut Scoped, new: &'a NewObjectiveCopies) -> Result<Self> {
        let named = |name: &String| CycleRow::named(tx, name);
        let cycle = new.cycle.as_ref().map(named).transpose();
        let cycle = cycle.map_err(|problem| refused_at(problem, "/cycle_id"))?;
        let owner = members::resolve_optional(tx, "/owner_id", new.owner_id.as_ref())?;
        let team = teams::resolve_optional(tx, "/team_id", new.team_id.as_ref())?;
        let dates = Dates {
            starts_on: new.starts_on.or(cycle.as_ref().map(|cycle| cycle.starts_on)),
            ends_on: new.ends_on.or(cycle.as_ref().map(|cycle| cycle.ends_on)),
        };
        let (owner, team) = (owner.map(|owner| owner.id.into()), team.map(|team| team.id.into()));
        Ok(Self { new, cycle, dates, owner, team })
    }

    fn plan<'o>(&self, original: &'o Original, around: &'o Surroundings, company: &Company) -> Planned<'o> {
        let objective = &original.objective;
        let began_on = Dates::of(objective, around.cycle(objective)).starts_on;
        let key_results = around.key_results_of(objective.id).iter().filter(|row| row.archived_at.is_none());
        let key_results = key_results.map(|row| (row.id, self.key_result(row, began_on, company))).collect();
        let mut copy = company.like(objective);
        copy.cycle = self.cycle.as_ref().map(|cycle| cycle.id.to_string());
        copy.starts_on = self.new.starts_on;
        copy.ends_on = self.new.ends_on;
        copy.manual_progress = None;
        copy.owner_id = self.owner.clone().or(copy.owner_id);
        copy.team_id = self.team.clone().or(copy.team_id);
        company.fill(&mut copy, objective.id, key_results, |row| self.work(row, began_on, company));
        Planned { original, new: copy, left_out: Vec::new() }
    }

    fn key_result(&self, row: &KeyResultRow, began_on: Option<Day>, company: &Company) -> NewKeyResult {
        let fields = company.key_result(row);
        let (start, target, range) = match self.new.goals {
            CopiedGoals::Keep => (fields.start, fields.target, fields.range),
            CopiedGoals::Clear => (None, None, None),
        };
        NewKeyResult {
            start,
            target,
            range,
            owner_id: self.owner.clone().or(fields.owner_id),
            due_on: self.due_day(row.due_on, began_on),
            ..fields
        }
    }

    /// Work that was given up is no part of a template.
    fn work(
        &self,
        row: &InitiativeRow,
        began_on: Option<Day>,
        company: &Company,
    ) -> Option<NewObjectiveInitiative> {
        match row.status {
            InitiativeStatus::Dropped => return None,
            InitiativeStatus::Planned | InitiativeStatus::InProgress | InitiativeStatus::Done => {}
        }
        let fields = row.fields();
        Some(NewObjectiveInitiative {
            key_result: None,
            title: fields.title,
            status: InitiativeStatus::Planned,
            owner_id: self.owner(row.owner_id, company),
            due_on: self.due_day(row.due_on, began_on),
            url: fields.url,
        })
    }

    fn owner(&self, id: Option<MemberId>, company: &Company) -> Option<MemberInput> {
        self.owner.clone().or_else(|| company.owner(id))
    }

    /// A due day, as far from the first day of the copy as it was from that of the template.
    fn due_day(&self, due_on: Option<Day>, began_on: Option<Day>) -> Option<Day> {
        match self.new.due_days {
            CopiedDueDays::LeaveOut => None,
            CopiedDueDays::Shift => {
                let days = days_between(began_on?.date(), self.dates.starts_on?.date());
                Some(due_on?.date().saturating_add(Span::new().try_days(days).ok()?).into())
            }
        }
    }
}
