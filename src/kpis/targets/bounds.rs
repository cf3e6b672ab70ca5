//! The healthy band and the tolerance as people say them, and what can be wrong with them.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::http::{FieldErrors, Measure};
use crate::maths::{Band, Target as Judging, TargetFault, TargetField};

/// A range with its ends included, in the KPI's unit; a missing end is open.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct Bounds {
    /// The lower end, in the KPI's unit.
    #[schema(example = 80.0)]
    pub min: Option<f64>,
    /// The upper end, in the KPI's unit.
    pub max: Option<f64>,
}

impl Bounds {
    /// A band as it is shown; `None` where both of its ends are open.
    pub fn unless_open(band: Band) -> Option<Self> {
        (band.min.is_some() || band.max.is_some()).then_some(Self { min: band.min, max: band.max })
    }
}

/// A range with its ends included, in the KPI's unit; a missing end is open.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"min": 80.0}))]
pub struct NewBounds {
    /// The lower end, in the KPI's unit.
    #[serde(default)]
    pub min: Option<Measure>,
    /// The upper end, in the KPI's unit.
    #[serde(default)]
    pub max: Option<Measure>,
}

impl NewBounds {
    /// A band as people would say it; `None` where both of its ends are open.
    pub fn unless_open(band: Band) -> Option<Self> {
        let measure = |end: Option<f64>| end.map(Measure::from);
        (band.min.is_some() || band.max.is_some())
            .then_some(Self { min: measure(band.min), max: measure(band.max) })
    }

    fn band(self) -> Band {
        Band { min: self.min.map(Measure::value), max: self.max.map(Measure::value) }
    }
}

/// Adds what is wrong with a target and its tolerance.
pub fn judge_target(target: Option<NewBounds>, tolerance: Option<NewBounds>, errors: &mut FieldErrors) {
    let judging =
        Judging { band: target.unwrap_or_default().band(), tolerance: tolerance.unwrap_or_default().band() };
    for fault in judging.faults() {
        let pointer = match fault.field() {
            TargetField::TargetMin => "/target/min",
            TargetField::TargetMax => "/target/max",
            TargetField::ToleranceMin => "/tolerance/min",
            TargetField::ToleranceMax => "/tolerance/max",
        };
        match fault {
            // Nothing said is no target, which is fine.
            TargetFault::NoBound if target.is_none() => {}
            TargetFault::NoBound => errors.add(pointer, "empty_band", "a target has a min, a max, or both"),
            TargetFault::MinAboveMax => {
                errors.add(pointer, "min_above_max", "target.min must not be above target.max");
            }
            TargetFault::ToleranceInsideTarget(_) => errors.add(
                pointer,
                "tolerance_inside_target",
                "the tolerance is the wider band: it must not end inside the target",
            ),
            TargetFault::ToleranceWithoutTarget(_) => {
                errors.add(pointer, "tolerance_without_target", "a side without a target takes no tolerance")
            }
            TargetFault::OutOfRange(_) => {
                errors.add(pointer, "out_of_bounds", "it must be finite and within ±1e15");
            }
        }
    }
}

/// What a body says of target and tolerance, for the maths; judged already.
pub fn said(target: Option<NewBounds>, tolerance: Option<NewBounds>) -> Option<Judging> {
    target.map(|target| Judging { band: target.band(), tolerance: tolerance.unwrap_or_default().band() })
}
