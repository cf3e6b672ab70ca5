//! The forecast of a KPI: where a robust line through its newest complete periods leads.
//!
//! It says on which period the healthy band would be reached or left if things went on like this, with the
//! targets that are set for those periods, or that on this trend it would not be.

use jiff::Timestamp;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::{Action, At, Db, Reads};
use crate::http::answer::{Answer, Json};
use crate::http::text::{PeriodName, Sentence};
use crate::http::{Query, Routes, routes};
use crate::kpis::derive::{AsOf, History, history};
use crate::kpis::display::Style;
use crate::kpis::periods::period_name;
use crate::kpis::row::KpiRow;
use crate::kpis::targets::Bounds;
use crate::maths::word::words;
use crate::maths::{
    Band, Cadence, Calendar, Crossing, Expected, FEWEST_SAMPLES, Heading, Line, MOST_SAMPLES, Period,
    STEPS_AHEAD, Step, crossing, target_in_force,
};
use crate::store::Day;

/// The paths of forecasts.
pub fn routes() -> Routes {
    routes! { "kpis",
        "/v1/workspaces/{workspace}/kpis/{kpi}/forecast" {
            /// Show where a KPI is heading.
            /// A Theil–Sen line through the newest 12 complete periods that have a value, at least four, and the next
            /// 24 periods on it, the running one first, each with the target that is set for it. For an irregular KPI
            /// x counts days, and a step ahead is the mean distance between its points. It says what the trend
            /// implies, not what will happen.
            GET show_forecast
        }
    }
}

words! {
    /// What the line does about the healthy band within 24 periods.
    pub enum Outlook {
        /// The newest value lies outside the band, and the line gets inside.
        Reached = "reached",
        /// The newest value lies inside the band, and the line gets outside.
        Left = "left",
        /// On this trend the band is neither reached nor left.
        NotOnThisTrend = "not_on_this_trend",
        /// There is no target to reach or leave, now or in those periods.
        NoTarget = "no_target",
        /// Fewer than four complete periods have a value, or they give no line.
        InsufficientData = "insufficient_data",
    }
}
crate::http::words::impl_wire_words!(Outlook);

/// Where a KPI is heading.
#[derive(Debug, Serialize, ToSchema)]
pub struct KpiForecast {
    /// What the line does about the healthy band.
    pub outlook: Outlook,
    /// The same as a sentence made of the numbers.
    #[schema(value_type = Sentence)]
    pub reason: String,
    /// How many complete periods the line is drawn through.
    #[schema(minimum = 0, maximum = 12)]
    pub based_on: usize,
    /// The median of the slopes of all pairs, in the KPI's unit per period, for an irregular KPI per day; null without a line.
    pub slope: Option<f64>,
    /// The first period on which the band is reached or left; null where it is neither.
    pub first: Option<ForecastPeriod>,
    /// The next 24 periods, the running one first; none without a line.
    #[schema(max_items = 24)]
    pub ahead: Vec<ForecastPeriod>,
}

/// A period ahead and what the line says of it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ForecastPeriod {
    /// What people call it.
    #[schema(value_type = PeriodName)]
    pub period: String,
    /// Its first day.
    pub starts_on: Day,
    /// Its last day.
    pub ends_on: Day,
    /// The line, in the unit of the values.
    pub value: f64,
    /// The line plus the 10th percentile of the residuals, in the unit of the values.
    pub low: f64,
    /// The line plus the 90th percentile of the residuals, in the unit of the values.
    pub high: f64,
    /// The healthy band that is set for its last day, or what the key result wants; null without one.
    pub target: Option<Bounds>,
}

impl ForecastPeriod {
    /// What a line says of a period, and the band that is set for it.
    pub fn of(heading: &Heading, cadence: Cadence, period: &Period, band: Option<Band>) -> Self {
        let Expected { value, low, high } = heading.at(period);
        Self {
            period: period_name(cadence, period.starts_on),
            starts_on: period.starts_on.into(),
            ends_on: period.ends_on.into(),
            value,
            low,
            high,
            target: band.and_then(Bounds::unless_open),
        }
    }
}

async fn show_forecast(db: Db<Reads>, kpi: At<KpiRow>, query: Query<AsOf>) -> Answer<Json<KpiForecast>> {
    db.read(kpi.to(Action::View), query, |tx, kpi, as_of| {
        let view = as_of.view(tx)?.unwrap_or_default();
        let history = history(tx, &kpi, &view)?;
        Ok(Json::new(forecast(&history, &kpi)))
    })
    .await
}

/// Where a KPI is heading, as its history tells.
pub fn forecast(history: &History, kpi: &KpiRow) -> KpiForecast {
    let complete = history.complete();
    let based_on = complete.len().min(MOST_SAMPLES);
    let Some(heading) = Heading::of(&history.calendar, history.settings.cadence, &complete) else {
        return KpiForecast {
            outlook: Outlook::InsufficientData,
            reason: without_line(based_on),
            based_on,
            slope: None,
            first: None,
            ahead: Vec::new(),
        };
    };
    let periods = periods_ahead(&heading, &history.calendar, history.settings.cadence, history.now);
    let steps: Vec<Step> = periods
        .iter()
        .map(|period| {
            let target = target_in_force(&history.targets, period.ends_on);
            heading.step(period, target.map(|target| target.band))
        })
        .collect();
    let ahead: Vec<ForecastPeriod> = periods
        .iter()
        .zip(&steps)
        .map(|(period, step)| ForecastPeriod::of(&heading, kpi.cadence, period, step.band))
        .collect();
    let is_set = steps.iter().any(|step| step.band.is_some());
    let band = history.state.target.map(|target| target.band).filter(|_| is_set);
    let crossing = band.map(|band| (band, crossing(&heading.line, heading.value, &band, &steps)));
    let (outlook, first) = match crossing.map(|(_, crossing)| crossing) {
        None => (Outlook::NoTarget, None),
        Some(Crossing::Reached(step)) => (Outlook::Reached, ahead.get(step)),
        Some(Crossing::Left(step)) => (Outlook::Left, ahead.get(step)),
        Some(Crossing::NeverReached | Crossing::NeverLeft) => (Outlook::NotOnThisTrend, None),
    };
    KpiForecast {
        outlook,
        reason: Telling { kpi, line: &heading.line, based_on, first }.sentence(crossing),
        based_on,
        slope: Some(heading.line.slope),
        first: first.cloned(),
        ahead,
    }
}

/// The next 24 periods, the running one first; for an irregular KPI days as far apart as its points are.
pub fn periods_ahead(
    heading: &Heading,
    calendar: &Calendar,
    cadence: Cadence,
    now: Timestamp,
) -> Vec<Period> {
    let running = calendar.period_of(cadence, now);
    let first = (cadence != Cadence::Irregular).then_some(running);
    first.into_iter().chain(heading.periods_after(running)).take(STEPS_AHEAD).collect()
}

/// Why there is no line through so many values.
fn without_line(count: usize) -> String {
    match count {
        ..FEWEST_SAMPLES => {
            format!("A line needs {FEWEST_SAMPLES} complete periods with a value; there are {count}.")
        }
        _ => format!("The newest {count} values give no line: they stand on one day, or are too large."),
    }
}

/// What the sentence is made of.
struct Telling<'a> {
    kpi: &'a KpiRow,
    line: &'a Line,
    based_on: usize,
    first: Option<&'a ForecastPeriod>,
}

impl Telling<'_> {
    fn sentence(&self, crossing: Option<(Band, Crossing)>) -> String {
        let style = Style::of(self.kpi);
        let per = match self.kpi.cadence {
            Cadence::Irregular => "day",
            _ => "period",
        };
        let moved = style.within(self.line.slope, 48);
        let going = format!("Over the last {} it changed by {moved} a {per}", self.based_on);
        let met = self.first.map(|first| {
            let (low, high) = (style.within(first.low, 48), style.within(first.high, 48));
            format!("in {}, with {} ({low} to {high})", first.period, style.within(first.value, 48))
        });
        let when = met.unwrap_or_default();
        match crossing {
            None => format!("{going}; there is no target to reach or leave."),
            Some((_, Crossing::Reached(_))) => {
                format!("{going}; on this trend it reaches its target {when}.")
            }
            Some((_, Crossing::Left(_))) => format!("{going}; on this trend it leaves its target {when}."),
            Some((band, Crossing::NeverReached)) => {
                let band = style.band(band);
                format!("{going}; on this trend {band} is not reached within {STEPS_AHEAD} periods.")
            }
            Some((band, Crossing::NeverLeft)) => {
                let band = style.band(band);
                format!("{going}; on this trend {band} is not left within {STEPS_AHEAD} periods.")
            }
        }
    }
}
