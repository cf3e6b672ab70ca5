//! What if a target had held all along: how past periods would have been judged by it.

use serde::Serialize;
use utoipa::ToSchema;

use crate::http::Result;
use crate::http::text::PeriodName;
use crate::kpis::derive::{View, history};
use crate::kpis::periods::period_name;
use crate::kpis::row::KpiRow;
use crate::maths::{Health, Target as Judging, judge};
use crate::store::{Day, Tx};

/// How many periods are judged once more.
const PERIODS: usize = 36;

/// How past periods would have been judged, had a target held all along.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WhatIf {
    /// How many of the periods are judged how by the targets that were in force.
    before: HealthCounts,
    /// How many of them would be judged how by this target.
    after: HealthCounts,
    /// How many of them would be judged otherwise.
    #[schema(minimum = 0, maximum = 36)]
    changed: usize,
    /// The newest 36 periods that have a value and count, in order of time; a running sum does not.
    #[schema(max_items = 36)]
    periods: Vec<WhatIfPeriod>,
}

/// How many periods have each health.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct HealthCounts {
    /// Healthy ones.
    #[schema(minimum = 0)]
    healthy: usize,
    /// Those at risk.
    #[schema(minimum = 0)]
    at_risk: usize,
    /// Unhealthy ones.
    #[schema(minimum = 0)]
    unhealthy: usize,
    /// Those without a target to judge them by.
    #[schema(minimum = 0)]
    unknown: usize,
}

/// A period and how it would have been judged.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WhatIfPeriod {
    /// What people call it.
    #[schema(value_type = PeriodName)]
    period: String,
    /// Its first day.
    starts_on: Day,
    /// Its value, in the unit of the KPI.
    value: f64,
    /// The value under the target that was in force on its last day.
    before: Health,
    /// The value under the target in question.
    after: Health,
}

impl WhatIf {
    /// Judges the newest periods of a KPI by a target, or by none; asked before that is set.
    pub(super) fn of(tx: &mut Tx, kpi: &KpiRow, target: Option<Judging>) -> Result<Self> {
        let counting = history(tx, kpi, &View::default())?.counting();
        let mut periods: Vec<WhatIfPeriod> = counting
            .iter()
            .filter_map(|judged| {
                let value = judged.value?;
                Some(WhatIfPeriod {
                    period: period_name(kpi.cadence, judged.period.starts_on),
                    starts_on: judged.period.starts_on.into(),
                    value,
                    before: judged.health,
                    after: target.map_or(Health::Unknown, |target| judge(value, &target)),
                })
            })
            .collect();
        periods.drain(..periods.len().saturating_sub(PERIODS));
        Ok(Self {
            before: HealthCounts::of(periods.iter().map(|period| period.before)),
            after: HealthCounts::of(periods.iter().map(|period| period.after)),
            changed: periods.iter().filter(|period| period.before != period.after).count(),
            periods,
        })
    }
}

impl HealthCounts {
    fn of(healths: impl Iterator<Item = Health>) -> Self {
        let mut counts = Self::default();
        for health in healths {
            let count = match health {
                Health::Healthy => &mut counts.healthy,
                Health::AtRisk => &mut counts.at_risk,
                Health::Unhealthy => &mut counts.unhealthy,
                Health::Unknown => &mut counts.unknown,
            };
            *count += 1;
        }
        counts
    }
}
