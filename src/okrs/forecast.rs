//! The forecast of a key result: whether a robust line through its newest values arrives in time.
//!
//! A key result that reads a KPI goes by the KPI's complete periods, any other by the values of its check-ins. It
//! says what the trend implies, not what will happen.

use diesel::prelude::*;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

use super::check_ins::CheckInRow;
use super::key_results::row::KeyResultSource;
use super::key_results::{KeyResultRow, OwnedKeyResult};
use super::progress::{Dates, Past, due_on};
use crate::access::{Action, At, Db, Reads, Resource, Scoped};
use crate::http::text::Sentence;
use crate::http::{Answer, Json, Query, Result, Routes, routes};
use crate::kpis::derive::{AsOf, View, history};
use crate::kpis::display::Style;
use crate::kpis::forecast::{ForecastPeriod, periods_ahead};
use crate::kpis::row::{DisplayStyle, KpiRow};
use crate::maths::word::words;
use crate::maths::{
    Band, Cadence, Calendar, Crossing, FEWEST_SAMPLES, Heading, MOST_SAMPLES, Period, STEPS_AHEAD, Step,
    crossing, gap,
};
use crate::store::schema::check_ins;
use crate::store::{Day, Moment};

/// The path of the forecast.
pub fn routes() -> Routes {
    routes! { "objectives",
        "/v1/workspaces/{workspace}/key-results/{key_result}/forecast" {
            /// Show whether a key result arrives in time, if things go on like this.
            /// A Theil–Sen line through the newest 12 values, at least four: complete periods of the KPI that it reads,
            /// else its check-ins, the last one of each day; x counts periods, for check-ins days. Ahead are 24 periods,
            /// for check-ins as many days apart as the check-ins are.
            GET show_key_result_forecast,
        }
    }
}

words! {
    /// What the line does about the target of a key result within 24 periods.
    pub enum KeyResultOutlook {
        /// It is met, and the line keeps it so until it is due.
        Met = "met",
        /// It is met, and the line loses it before it is due.
        Lost = "lost",
        /// The line meets it before it is due, or whenever, where it has no due day.
        InTime = "in_time",
        /// The line meets it, but later than it is due.
        TooLate = "too_late",
        /// On this trend it is not met.
        NotOnThisTrend = "not_on_this_trend",
        /// There is nothing to meet: a draft has no target yet.
        NoTarget = "no_target",
        /// Fewer than four values, or they give no line.
        InsufficientData = "insufficient_data",
    }
}
crate::http::words::impl_wire_words!(KeyResultOutlook);

/// Whether a key result arrives in time.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyResultForecast {
    /// What the line does about the target.
    outlook: KeyResultOutlook,
    /// The same as a sentence made of the numbers.
    #[schema(value_type = Sentence)]
    reason: String,
    /// How many values the line is drawn through.
    #[schema(minimum = 0, maximum = 12)]
    based_on: usize,
    /// The median of the slopes of all pairs, in its unit per period of the KPI, for check-ins per day; null without a
    /// line.
    slope: Option<f64>,
    /// The day by which it is due; null without one.
    due_on: Option<Day>,
    /// The last day of the first period in which the target is met or lost; null where it is neither.
    turns_on: Option<Day>,
    /// What lies ahead; none without a line.
    #[schema(max_items = 24)]
    ahead: Vec<ForecastPeriod>,
}

async fn show_key_result_forecast(
    db: Db<Reads>,
    id: At<OwnedKeyResult>,
    query: Query<AsOf>,
) -> Answer<Json<KeyResultForecast>> {
    db.read(id.to(Action::View), query, |tx, found, as_of| {
        let view = as_of.view(tx)?.unwrap_or_default();
        let cycle = found.objective.cycle(tx)?;
        let due = due_on(&found.row, &Dates::of(&found.objective, cycle.as_ref()));
        let series = Series::of(tx, &found, &view)?;
        Ok(Json::new(series.forecast(&found.row, due)))
    })
    .await
}

/// The values of a key result, and how they follow each other.
struct Series {
    calendar: Calendar,
    cadence: Cadence,
    values: Vec<(Period, f64)>,
    now: Moment,
}

impl Series {
    fn of(tx: &mut Scoped, found: &OwnedKeyResult, view: &View) -> Result<Self> {
        let calendar = tx.workspace()?.calendar();
        let kpi = match (found.row.source, found.row.kpi_id) {
            (KeyResultSource::Kpi, Some(id)) => KpiRow::by_id(tx, found.row.workspace_id, id)?,
            (KeyResultSource::Kpi | KeyResultSource::Manual, _) => None,
        };
        // What fewer people may see than the objective does not count in it.
        let kpi = kpi.filter(|kpi| found.objective.facts().viewers.all_see(&kpi.facts().viewers));
        match (found.row.source, kpi) {
            (KeyResultSource::Kpi, Some(kpi)) => {
                let history = history(tx, &kpi, view)?;
                let values = history.complete();
                Ok(Self { calendar, cadence: kpi.cadence, values, now: history.now.into() })
            }
            (KeyResultSource::Kpi, None) => {
                Ok(Self { calendar, cadence: Cadence::Irregular, values: Vec::new(), now: tx.now })
            }
            (KeyResultSource::Manual, _) => {
                let past = Past::of(tx, *view)?;
                let values = said(tx, &found.row, &past, &calendar)?;
                let now = past.until.unwrap_or(tx.now);
                Ok(Self { calendar, cadence: Cadence::Irregular, values, now })
            }
        }
    }

    fn forecast(&self, row: &KeyResultRow, due_on: Option<Day>) -> KeyResultForecast {
        let based_on = self.values.len().min(MOST_SAMPLES);
        let without_line = |outlook, reason| KeyResultForecast {
            outlook,
            reason,
            based_on,
            slope: None,
            due_on,
            turns_on: None,
            ahead: Vec::new(),
        };
        let Some(heading) = Heading::of(&self.calendar, self.cadence, &self.values) else {
            return without_line(
                KeyResultOutlook::InsufficientData,
                format!("A line needs {FEWEST_SAMPLES} values on different days; there are {based_on}."),
            );
        };
        let band = row.goal().wanted();
        let periods = periods_ahead(&heading, &self.calendar, self.cadence, self.now.timestamp());
        let ahead =
            periods.iter().map(|period| ForecastPeriod::of(&heading, self.cadence, period, band)).collect();
        let Some(band) = band else {
            let reason = "There is no target to meet yet.".into();
            return KeyResultForecast {
                slope: Some(heading.line.slope),
                ahead,
                ..without_line(KeyResultOutlook::NoTarget, reason)
            };
        };
        let steps: Vec<Step> = periods.iter().map(|period| heading.step(period, Some(band))).collect();
        let crossing = crossing(&heading.line, heading.value, &band, &steps);
        let turns_on = match crossing {
            Crossing::Reached(step) | Crossing::Left(step) => periods.get(step).map(|period| period.ends_on),
            Crossing::NeverReached | Crossing::NeverLeft => None,
        };
        let outlook = outlook(gap(heading.value, &band) == 0.0, turns_on, due_on.map(Day::date));
        let telling = Telling { row, heading: &heading, cadence: self.cadence, based_on };
        KeyResultForecast {
            outlook,
            reason: telling.sentence(outlook, &band, turns_on, due_on),
            based_on,
            slope: Some(heading.line.slope),
            due_on,
            turns_on: turns_on.map(Day::from),
            ahead,
        }
    }
}

/// What the day on which the line turns means to a key result that is met or not, and due on a day or never.
fn outlook(is_met: bool, turns_on: Option<Date>, due_on: Option<Date>) -> KeyResultOutlook {
    let in_time = |day: Date| due_on.is_none_or(|due_on| day <= due_on);
    match (is_met, turns_on) {
        (true, Some(day)) if in_time(day) => KeyResultOutlook::Lost,
        (true, Some(_) | None) => KeyResultOutlook::Met,
        (false, Some(day)) if in_time(day) => KeyResultOutlook::InTime,
        (false, Some(_)) => KeyResultOutlook::TooLate,
        (false, None) => KeyResultOutlook::NotOnThisTrend,
    }
}

/// The values that people told, the last one of each day, the newest 12 days in order of time.
fn said(tx: &mut Scoped, row: &KeyResultRow, past: &Past, calendar: &Calendar) -> Result<Vec<(Period, f64)>> {
    let mut query = check_ins::table
        .filter(check_ins::workspace_id.eq(row.workspace_id))
        .filter(check_ins::key_result_id.eq(row.id))
        .filter(check_ins::value.is_not_null())
        .filter(check_ins::recorded_at.le(past.view.known_at.unwrap_or(tx.now)))
        .order((check_ins::at.desc(), check_ins::recorded_at.desc(), check_ins::id.desc()))
        .into_boxed();
    if let Some(until) = past.until {
        query = query.filter(check_ins::at.le(until));
    }
    let rows: Vec<CheckInRow> = query.limit(MOST_LOADED).load(tx.db())?;
    let mut values: Vec<(Period, f64)> = Vec::new();
    for (row, value) in rows.iter().filter_map(|row| Some((row, row.value?))) {
        let day = calendar.day_of(row.at.timestamp());
        // The newest of a day comes first.
        if values.last().is_none_or(|(period, _)| period.starts_on != day) {
            values.push((calendar.period_of_day(Cadence::Irregular, day), value));
        }
    }
    values.truncate(MOST_SAMPLES);
    values.reverse();
    Ok(values)
}

/// How many check-ins are looked at for the newest 12 days.
const MOST_LOADED: i64 = 200;

/// What the sentence is made of.
struct Telling<'a> {
    row: &'a KeyResultRow,
    heading: &'a Heading<'a>,
    cadence: Cadence,
    based_on: usize,
}

impl Telling<'_> {
    fn sentence(
        &self,
        outlook: KeyResultOutlook,
        band: &Band,
        turns_on: Option<Date>,
        due_on: Option<Day>,
    ) -> String {
        let style = Style::new(DisplayStyle::Number, None, self.row.unit.as_deref(), None);
        let (values, per) = match self.cadence {
            Cadence::Irregular => ("values", "day"),
            Cadence::Daily | Cadence::Weekly | Cadence::Monthly | Cadence::Quarterly | Cadence::Yearly => {
                ("periods", "period")
            }
        };
        let moved = style.within(self.heading.line.slope, 48);
        let going = format!("Over the last {} {values} it changed by {moved} a {per}", self.based_on);
        let wanted = style.band(*band);
        let on = turns_on.map_or_else(String::new, |day| format!(" on {day}"));
        let due = due_on.map_or_else(String::new, |day| format!("; it is due on {day}"));
        match outlook {
            KeyResultOutlook::Met => format!("{going}; {wanted} is met and on this trend stays so{due}."),
            KeyResultOutlook::Lost => format!("{going}; {wanted} is met, but on this trend lost{on}{due}."),
            KeyResultOutlook::InTime | KeyResultOutlook::TooLate => {
                format!("{going}; on this trend {wanted} is met{on}{due}.")
            }
            KeyResultOutlook::NotOnThisTrend => {
                format!("{going}; on this trend {wanted} is not met within {STEPS_AHEAD} periods{due}.")
            }
            KeyResultOutlook::NoTarget | KeyResultOutlook::InsufficientData => format!("{going}."),
        }
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn the_due_day_tells_in_time_from_too_late() {
        let (june, july) = (Some(date(2026, 6, 30)), Some(date(2026, 7, 1)));
        let table = [
            (false, june, june, KeyResultOutlook::InTime),
            (false, july, june, KeyResultOutlook::TooLate),
            (false, july, None, KeyResultOutlook::InTime),
            (false, None, june, KeyResultOutlook::NotOnThisTrend),
            (true, None, june, KeyResultOutlook::Met),
            (true, june, june, KeyResultOutlook::Lost),
            (true, july, june, KeyResultOutlook::Met),
            (true, july, None, KeyResultOutlook::Lost),
        ];
        for (is_met, turns_on, due_on, wanted) in table {
            assert_eq!(outlook(is_met, turns_on, due_on), wanted, "{is_met} {turns_on:?} {due_on:?}");
        }
    }
}
