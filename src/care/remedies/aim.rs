//! What the objective of a remedy is made to reach: its key result and its title.
//!
//! An ill KPI is to come back to its nearest healthy bound; one that is slipping is to stay in its band.

use crate::care::display::{Style, cut};
use crate::http::{Code, Problem, Result};
use crate::kpis::row::KpiRow;
use crate::maths::{Band, KeyResultKind, KpiState};
use crate::okrs::key_results::{KeyResultRange, NewKeyResult};
use crate::okrs::wire::Weight;

/// How long a title may be.
const LONGEST_TITLE: usize = 200;

/// What is to become of a KPI.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Aim {
    /// It comes back from its value to its nearest healthy bound.
    Heal { value: f64, bound: f64 },
    /// It stays within its band.
    Hold { band: Band },
}

impl Aim {
    /// What follows from what a KPI shows.
    pub fn of(state: &KpiState) -> Result<Self> {
        let Some(value) = state.current.and_then(|current| current.value) else {
            return Err(Problem::new(
                Code::KpiHasNoValue,
                "without a value a key result has no start: link an existing objective by `objective_id`",
            ));
        };
        let Some(target) = state.target else {
            return Err(Problem::new(
                Code::KpiHasNoTarget,
                "without a target a key result has no end: link an existing objective by `objective_id`",
            ));
        };
        if state.is_slipping() {
            return Ok(Self::Hold { band: target.band });
        }
        let bound = match state.gap {
            Some(gap) if gap > 0.0 => target.band.min,
            Some(gap) if gap < 0.0 => target.band.max,
            Some(_) | None => None,
        };
        bound.map(|bound| Self::Heal { value, bound }).ok_or_else(|| {
            Problem::new(
                Code::KpiIsHealthy,
                "its last value lies within the target, so there is no way to go: link an existing objective by \
                 `objective_id`, or post a new value",
            )
        })
    }

    /// The key result that reads the KPI.
    pub fn key_result(self, kpi: &KpiRow) -> NewKeyResult {
        let style = Style::of(kpi);
        let (kind, start, target, range, tail) = match self {
            Self::Heal { value, bound } => {
                let kind = if bound > value { KeyResultKind::Increase } else { KeyResultKind::Decrease };
                let tail = format!(" from {} to {}", style.exactly(value), style.exactly(bound));
                (kind, Some(value), Some(bound), None, tail)
            }
            Self::Hold { band } => {
                let tail = format!(" {}", style.band(band));
                match (band.min, band.max) {
                    (Some(min), Some(max)) => {
                        let range = KeyResultRange { min: Some(min.into()), max: Some(max.into()) };
                        (KeyResultKind::Between, None, None, Some(range), tail)
                    }
                    (Some(min), None) => (KeyResultKind::AtLeast, None, Some(min), None, tail),
                    (None, max) => (KeyResultKind::AtMost, None, max, None, tail),
                }
            }
        };
        let name = cut(&kpi.name, LONGEST_TITLE.saturating_sub(tail.chars().count()));
        NewKeyResult {
            title: format!("{name}{tail}").into(),
            kind,
            start: start.map(Into::into),
            target: target.map(Into::into),
            range,
            unit: style.unit().map(Into::into),
            weight: Weight::ONE,
            owner_id: None,
            due_on: None,
            kpi: Some(kpi.id.to_string()),
        }
    }

    /// "Bring Churn rate back to 4 %", "Keep Churn rate ≤ 4 %".
    pub fn title(self, kpi: &KpiRow) -> String {
        let style = Style::of(kpi);
        let (head, tail) = match self {
            Self::Heal { bound, .. } => ("Bring", format!(" back to {}", style.exactly(bound))),
            Self::Hold { band } => ("Keep", format!(" {}", style.band(band))),
        };
        let room = LONGEST_TITLE.saturating_sub(head.len() + 1 + tail.chars().count());
        format!("{head} {}{tail}", cut(&kpi.name, room))
    }
}
