//! What people say of a key result when they make or change it, and the rules that hold for it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::row::{KeyResultRow, KeyResultSource};
use crate::access::Scoped;
use crate::http::body::Rules;
use crate::http::text::folded;
use crate::http::{Code, FieldErrors, Measure, Name, Problem, Result, Unit};
use crate::kpis::kpis::KpiInput;
use crate::kpis::row::KpiRow;
use crate::maths::{Band, KeyResultFault, KeyResultGoal, KeyResultKind};
use crate::okrs::progress::source_kpis;
use crate::okrs::wire::{Weight, refused_at};
use crate::people::members::{self, MemberInput};
use crate::store::Day;

/// A key result to make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewKeyResult {
    /// What arriving looks like.
    #[schema(example = "Visitor-to-lead conversion from 2 % to 4 %")]
    pub title: Name,
    /// How it is measured.
    pub kind: KeyResultKind,
    /// Where it begins, in its unit; for `increase` and `decrease`. With a KPI as source it is that
    /// KPI's current value where nothing is said. A draft may do without.
    #[serde(default)]
    #[schema(example = 2.0)]
    pub start: Option<Measure>,
    /// Where it should arrive, in its unit; for all kinds but `between` and `milestone`. A draft may
    /// do without.
    #[serde(default)]
    #[schema(example = 4.0)]
    pub target: Option<Measure>,
    /// The range to arrive in, for `between` only. A draft may do without.
    #[serde(default)]
    pub range: Option<KeyResultRange>,
    /// The unit of its values.
    #[serde(default)]
    pub unit: Option<Unit>,
    /// How much it counts in its objective: at least 0; with 0 it is shown and does not count.
    #[serde(default = "Weight::one")]
    #[schema(default = 1)]
    pub weight: Weight,
    /// Who answers for it; on creation the objective's owner where nothing is said.
    #[serde(default)]
    pub owner_id: Option<MemberInput>,
    /// The day on which it is due; else the objective's, else the cycle's.
    #[serde(default)]
    #[schema(example = "2026-03-31")]
    pub due_on: Option<Day>,
    /// The KPI whose current value it takes: its id or key. Null: values come from check-ins.
    #[serde(default)]
    #[schema(value_type = Option<KpiInput>, example = "visitor-to-lead")]
    #[serde(rename = "kpi_id")]
    pub kpi: Option<String>,
}

/// The range that a key result should arrive in, ends included, in its unit.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct KeyResultRange {
    /// The lower end.
    #[serde(default)]
    #[schema(example = 10.0)]
    pub min: Option<Measure>,
    /// The upper end; not below the lower one.
    #[serde(default)]
    #[schema(example = 20.0)]
    pub max: Option<Measure>,
}

/// Whether what is missing is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completeness {
    /// It is: the objective is active, or is to become so.
    Needed,
    /// It is not: the objective is a draft.
    NotYet,
}

impl NewKeyResult {
    fn goal(&self) -> KeyResultGoal {
        let range = self.range.map_or_else(Band::default, |range| Band {
            min: range.min.map(Measure::value),
            max: range.max.map(Measure::value),
        });
        KeyResultGoal {
            kind: self.kind,
            start: self.start.map(Measure::value),
            target: self.target.map(Measure::value),
            range,
        }
    }

    /// Adds what is wrong with it where it stands in a body.
    pub fn judge_at(&self, pointer: &str, errors: &mut FieldErrors) {
        judge_goal(&self.goal(), Completeness::NotYet, pointer, errors);
    }
}

impl Rules for NewKeyResult {
    fn judge(&self, errors: &mut FieldErrors) {
        self.judge_at("", errors);
    }
}

/// Adds what is wrong with a goal, or missing.
pub fn judge_goal(goal: &KeyResultGoal, needed: Completeness, pointer: &str, errors: &mut FieldErrors) {
    for fault in goal.faults() {
        let (field, code, detail) = explain(fault, goal);
        match (code, needed) {
            ("required", Completeness::NotYet) => {}
            (_, Completeness::NotYet | Completeness::Needed) => {
                errors.add(format!("{pointer}{field}"), code, detail);
            }
        }
    }
}

fn explain(fault: KeyResultFault, goal: &KeyResultGoal) -> (&'static str, &'static str, String) {
    let kind = goal.kind;
    match fault {
        KeyResultFault::StartMissing => ("/start", "required", format!("{kind} needs a start")),
        KeyResultFault::TargetMissing => ("/target", "required", format!("{kind} needs a target")),
        KeyResultFault::TargetUnexpected => ("/target", "unexpected", format!("{kind} takes no target")),
        KeyResultFault::StartEqualsTarget => {
            ("/target", "start_equals_target", "the target is where it starts: there is nothing to do".into())
        }
        KeyResultFault::SignAgainstKind => (
            "/target",
            "wrong_direction",
            match kind {
                KeyResultKind::Decrease => "a decrease needs a target below its start".into(),
                _ => format!("{kind} needs a target above its start"),
            },
        ),
        KeyResultFault::RangeIncomplete => {
            let field = match (goal.range.min, goal.range.max) {
                (Some(_), None) => "/range/max",
                (None, Some(_)) => "/range/min",
                (None, None) | (Some(_), Some(_)) => "/range",
            };
            (field, "required", format!("{kind} needs both ends of its range"))
        }
        KeyResultFault::RangeMinAboveMax => {
            ("/range/min", "min_above_max", "range.min must not be above range.max".into())
        }
        KeyResultFault::RangeUnexpected => ("/range", "unexpected", format!("{kind} takes no range")),
        KeyResultFault::StartOutOfRange => ("/start", "out_of_bounds", "it must lie within ±1e15".into()),
        KeyResultFault::TargetOutOfRange => ("/target", "out_of_bounds", "it must lie within ±1e15".into()),
        KeyResultFault::RangeOutOfRange => ("/range", "out_of_bounds", "it must lie within ±1e15".into()),
    }
}

impl KeyResultRow {
    /// What people said of it.
    pub fn fields(&self) -> NewKeyResult {
        let range = (self.range_min.is_some() || self.range_max.is_some()).then(|| KeyResultRange {
            min: self.range_min.map(Measure::from),
            max: self.range_max.map(Measure::from),
        });
        NewKeyResult {
            title: self.title.as_str().into(),
            kind: self.kind,
            start: self.start.map(Measure::from),
            target: self.target.map(Measure::from),
            range,
            unit: self.unit.as_deref().map(Unit::from),
            weight: self.weight.into(),
            owner_id: self.owner_id.map(MemberInput::from),
            due_on: self.due_on,
            kpi: self.kpi_id.map(|id| id.to_string()),
        }
    }

    /// The row with other fields. What is named anew has to exist; what is named already may have
    /// left or been archived since.
    pub fn with(self, tx: &mut Scoped, fields: &NewKeyResult, pointer: &str) -> Result<Self> {
        let before = self.fields();
        let goal = fields.goal();
        let mut row = Self {
            title: fields.title.as_str().to_owned(),
            title_folded: folded(fields.title.as_str()),
            kind: fields.kind,
            start: goal.start,
            target: goal.target,
            range_min: goal.range.min,
            range_max: goal.range.max,
            unit: fields.unit.as_ref().map(|unit| unit.as_str().to_owned()),
            weight: fields.weight.value(),
            due_on: fields.due_on,
            ..self
        };
        if fields.owner_id != before.owner_id {
            let owner =
                members::resolve_optional(tx, &format!("{pointer}/owner_id"), fields.owner_id.as_ref())?;
            row.owner_id = owner.map(|owner| owner.id);
        }
        if fields.kpi != before.kpi {
            row.link(tx, fields.kpi.as_deref(), pointer)?;
        }
        Ok(row)
    }

    /// Reads a KPI from now on, or none. A start that nobody gave is the KPI's value of this moment.
    fn link(&mut self, tx: &mut Scoped, kpi: Option<&str>, pointer: &str) -> Result<()> {
        let Some(name) = kpi else {
            (self.source, self.kpi_id) = (KeyResultSource::Manual, None);
            return Ok(());
        };
        let at = format!("{pointer}/kpi_id");
        let kpi = KpiRow::seen(tx, name)
            .map_err(|problem| refused_at(problem, &at))?
            .ok_or_else(|| Problem::not_found_at(&at))?;
        if self.kpi_id == Some(kpi.id) {
            return Ok(());
        }
        if kpi.archived_at.is_some() {
            let problem = Problem::new(Code::KpiArchived, format!("the KPI {} is archived", kpi.key));
            return Err(problem.with(at, "kpi_archived", "an archived KPI takes no more values"));
        }
        (self.source, self.kpi_id) = (KeyResultSource::Kpi, Some(kpi.id));
        if self.start.is_none() {
            self.start = match self.kind {
                KeyResultKind::Increase | KeyResultKind::Decrease => source_kpis(tx, [kpi.id])?
                    .get(&kpi.id)
                    .and_then(|kpi| kpi.current)
                    .map(|current| current.value.value()),
                KeyResultKind::AtLeast
                | KeyResultKind::AtMost
                | KeyResultKind::Between
                | KeyResultKind::Milestone => None,
            };
        }
        Ok(())
    }
}
