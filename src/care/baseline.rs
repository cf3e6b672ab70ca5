//! A KPI as it was when it was linked to an objective: what remedies and guardrails are measured by.

use serde::Serialize;
use utoipa::ToSchema;

use crate::http::text::PeriodName;
use crate::kpis::periods::period_name;
use crate::kpis::row::KpiRow;
use crate::kpis::targets::Bounds;
use crate::maths::{Calendar, Health, Target};
use crate::store::{Day, Moment};

/// A KPI as it was when it was linked to an objective.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct KpiBaseline {
    /// The current value of then, in the KPI's unit; null where it had none.
    #[schema(example = 6.1)]
    pub value: Option<f64>,
    /// The health of then.
    pub health: Health,
    /// The healthy band in force then, in the KPI's unit; null where there was none.
    pub target: Option<Bounds>,
    /// The wider band of then beyond which it was serious, in the KPI's unit; null where there was none.
    pub tolerance: Option<Bounds>,
    /// The name of the period whose value was current; null without a value.
    #[schema(value_type = Option<PeriodName>)]
    pub period: Option<String>,
    /// The first day of that period.
    pub starts_on: Option<Day>,
}

impl KpiBaseline {
    /// From what was stored of it.
    pub fn of(
        kpi: &KpiRow,
        (value, health): (Option<f64>, Health),
        target: Option<Target>,
        starts_at: Option<Moment>,
        calendar: &Calendar,
    ) -> Self {
        let starts_on = starts_at.map(|at| calendar.day_of(at.timestamp()));
        Self {
            value,
            health,
            target: target.and_then(|target| Bounds::unless_open(target.band)),
            tolerance: target.and_then(|target| Bounds::unless_open(target.tolerance)),
            period: starts_on.map(|day| period_name(kpi.cadence, day)),
            starts_on: starts_on.map(Day::from),
        }
    }
}
