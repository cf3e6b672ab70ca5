//! What moved a computed KPI: the part of each input in the change since the period before.
//!
//! The parts are Shapley's (see [`crate::maths::shapley()`]): the mean gain over all orders in which the inputs could
//! have moved from their values of the period before to the present ones. Together with what floats leave over they
//! are the change, to the bit.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::{Action, At, Db, Reads, Resource, Scoped};
use crate::http::answer::{Answer, Json};
use crate::http::text::PeriodName;
use crate::http::{Query, Result, Routes, routes};
use crate::kpis::derive::{AsOf, Formula, History, Unvalued, View, histories, inputs_count};
use crate::kpis::kpis::KpiRef;
use crate::kpis::kpis::formula::{FormulaNoValue, explain};
use crate::kpis::periods::period_name;
use crate::kpis::row::KpiRow;
use crate::maths::formula::{NoValue, Read, Reading, evaluate};
use crate::maths::number::finite;
use crate::maths::{Calendar, Folded, Period, shapley};
use crate::store::{Day, KpiId, Moment};

/// The path of contributions.
pub fn routes() -> Routes {
    routes! { "kpis",
        "/v1/workspaces/{workspace}/kpis/{kpi}/contribution" {
            /// Show which inputs moved a computed KPI since the period before.
            /// The parts of the inputs are Shapley's: the mean gain over all orders in which they could have moved. With
            /// `rest`, what floats leave over, they come to the change. A KPI with points of its own has no inputs, and
            /// its whole change is rest.
            GET show_contribution
        }
    }
}

/// Which period is explained, and from where it is seen.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ContributionFilter {
    /// The period that holds this day; by default that of the current value.
    on: Option<Day>,
    /// As it stood when this day ended in the workspace's time zone; today means now.
    as_of: Option<Day>,
    /// Counting only what had been recorded by this moment.
    known_at: Option<Moment>,
}

/// What moved a KPI from one period to the next; all values but those of inputs are in the KPI's unit.
#[derive(Debug, Serialize, ToSchema)]
pub struct KpiContribution {
    /// The name of the period; null for a KPI that has no value yet.
    #[schema(value_type = Option<PeriodName>)]
    period: Option<String>,
    /// The first day of the period.
    starts_on: Option<Day>,
    /// The value in the period.
    value: Option<f64>,
    /// The value in the period right before it.
    previous: Option<f64>,
    /// The value minus the previous one; null where either is missing.
    pub change: Option<f64>,
    /// The inputs that the caller may see, in the order of the formula.
    #[schema(max_items = 8)]
    pub inputs: Vec<InputContribution>,
    /// How many inputs are private to others.
    #[schema(minimum = 0, maximum = 8)]
    private_inputs: usize,
    /// The change minus all contributions: what rounding leaves over. Null where there are no contributions.
    rest: Option<f64>,
    /// Why the period, or the one before, has no value; null where both have.
    no_value: Option<FormulaNoValue>,
}

/// An input and its part in the change.
#[derive(Debug, Serialize, ToSchema)]
pub struct InputContribution {
    /// The input.
    pub kpi: KpiRef,
    /// Its value in the period, in its own unit.
    value: Option<f64>,
    /// Its value in the period right before it, in its own unit.
    previous: Option<f64>,
    /// Its part in the change, in the unit of the computed KPI. Null where there is no change to explain, and where
    /// some mixture of values from both periods would come to no number.
    pub contribution: Option<f64>,
    /// Its part over the change: 1 is all of it, below 0 it worked against it. Null where the change is 0.
    share: Option<f64>,
}

async fn show_contribution(
    db: Db<Reads>,
    kpi: At<KpiRow>,
    query: Query<ContributionFilter>,
) -> Answer<Json<KpiContribution>> {
    db.read(kpi.to(Action::View), query, |tx, kpi, ContributionFilter { on, as_of, known_at }| {
        let view = AsOf { as_of, known_at }.view(tx)?.unwrap_or_default();
        Ok(Json::new(explained(tx, &kpi, &view, on)?))
    })
    .await
}

/// What moved a KPI in the period that holds a day, by default in that of its current value.
pub fn explained(tx: &mut Scoped, kpi: &KpiRow, view: &View, on: Option<Day>) -> Result<KpiContribution> {
    let calendar = tx.workspace()?.calendar();
    let formula = kpi.computed_from();
    let inputs = formula.as_ref().map(Formula::inputs).unwrap_or_default();
    let rows = KpiRow::by_ids(tx, &inputs)?;
    let mut wanted: Vec<KpiRow> = rows.values().cloned().collect();
    wanted.push(kpi.clone());
    let past = Past { calendar, kpi, histories: histories(tx, &wanted, view)? };
    let current = past.histories.get(&kpi.id).and_then(|history| history.state.current);
    let period = match on {
        Some(day) => Some(past.calendar.period_of_day(kpi.cadence, day.date())),
        None => current.map(|current| current.period),
    };
    let before = period.and_then(|period| past.calendar.previous(kpi.cadence, &period));
    let of = |id: KpiId, period: Option<Period>| past.value(id, period?);
    let (value, previous) = (of(kpi.id, period), of(kpi.id, before));
    let change = value.zip(previous).and_then(|(value, previous)| finite(value - previous));
    let parts = match (&formula, change, period) {
        (None, Some(_), _) => Some(Vec::new()),
        (Some(formula), Some(_), Some(period)) => past.parts(formula, &period),
        (_, _, _) => None,
    };
    let together: Option<f64> = parts.as_ref().map(|parts| parts.iter().sum());
    let mut visible = rows.clone();
    visible.retain(|_, row| tx.sees(&row.facts()));
    let shown = inputs.iter().enumerate().filter_map(|(index, input)| {
        let contribution = parts.as_ref().and_then(|parts| parts.get(index)).copied();
        Some(InputContribution {
            kpi: visible.get(input)?.into(),
            value: of(*input, period),
            previous: of(*input, before),
            contribution,
            share: contribution.zip(change).and_then(|(part, change)| finite(part / change)),
        })
    });
    let why = |period: Option<Period>| {
        let (formula, period) = (formula.as_ref()?, period?);
        let why = match inputs_count(kpi, formula, &rows) {
            false => Unvalued::Private,
            true => Unvalued::Uncomputed(past.result(formula, &period, None).err()?),
        };
        Some(explain(&past.calendar, kpi.cadence, &period, why, &visible))
    };
    Ok(KpiContribution {
        period: period.map(|period| period_name(kpi.cadence, period.starts_on)),
        starts_on: period.map(|period| period.starts_on.into()),
        value,
        previous,
        change,
        private_inputs: inputs.len() - visible.len(),
        inputs: shown.collect(),
        rest: change.zip(together).and_then(|(change, together)| finite(change - together)),
        no_value: why(period).or_else(|| why(before)),
    })
}

/// What a computed KPI and its inputs were.
struct Past<'a> {
    calendar: Calendar,
    kpi: &'a KpiRow,
    histories: HashMap<KpiId, History>,
}

impl Past<'_> {
    fn folded(&self, id: KpiId, number: i64) -> Option<Folded> {
        let series = &self.histories.get(&id)?.series;
        let number_of = |period: &Period| self.calendar.ordinal(self.kpi.cadence, period.starts_on);
        let index = series.binary_search_by_key(&number, |value| number_of(&value.period)).ok()?;
        series.get(index).map(|value| value.folded)
    }

    fn value(&self, id: KpiId, period: Period) -> Option<f64> {
        self.folded(id, self.calendar.ordinal(self.kpi.cadence, period.starts_on))?.value()
    }

    /// What the formula comes to in a period, with some inputs still where they were the period before: those whose
    /// bit is not set. `None` stands for all having moved.
    fn result(
        &self,
        formula: &Formula,
        period: &Period,
        moved: Option<(&[KpiId], u32)>,
    ) -> std::result::Result<f64, NoValue<KpiId>> {
        let number = self.calendar.ordinal(self.kpi.cadence, period.starts_on);
        let has_moved = |input: KpiId| match moved {
            None => true,
            Some((inputs, set)) => {
                inputs.iter().position(|one| *one == input).is_none_or(|index| set & (1 << index) != 0)
            }
        };
        evaluate(formula, &|read: Read<KpiId>| {
            let base = if has_moved(read.input) { number } else { number - 1 };
            match self.folded(read.input, base - i64::from(read.periods_before)) {
                None | Some(Folded::Empty) => Reading::Missing,
                Some(Folded::Overflow) => Reading::Undefined,
                Some(Folded::Value(value)) => Reading::Value(value),
            }
        })
    }

    /// The part of each input in the change since the period before, in the order of the inputs.
    fn parts(&self, formula: &Formula, period: &Period) -> Option<Vec<f64>> {
        let inputs = formula.inputs();
        shapley(inputs.len(), |set| self.result(formula, period, Some((&inputs, set))).ok())
    }
}
