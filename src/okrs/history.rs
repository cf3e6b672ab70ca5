//! Histories: how far a key result or an objective had come at the end of each day or week, as it was
//! known then: the line of a burn-up chart in one call.
//!
//! Each step is told by the very rules that tell the present, so that its numbers are those that
//! people saw. What was said or corrected later does not change it.

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::key_results::OwnedKeyResult;
use super::objectives::{ObjectiveRow, SharedObjective};
use super::progress::{ConfidenceSummary, Dates, Past, Surroundings};
use crate::access::{Action, At, Db, Reads, Scoped};
use crate::http::{
    Answer, Code, FieldErrors, Json, Measure, Problem, Query, Refusals, Refuses, Result, Routes, routes,
};
use crate::kpis::derive::View;
use crate::maths::word::words;
use crate::maths::{Cadence, Calendar, Confidence, Pace};
use crate::store::{Day, KeyResultId, Moment, ObjectiveId};

/// The paths of histories.
pub fn routes() -> Routes {
    routes! { "objectives",
        "/v1/workspaces/{workspace}/key-results/{key_result}/history" {
            /// Show how far a key result had come.
            /// Value, progress, what was expected and what people said at the end of each step, as known then.
            GET show_key_result_history,
        }
        "/v1/workspaces/{workspace}/objectives/{objective}/history" {
            /// Show how far an objective had come.
            /// Progress, what was expected and what people said at the end of each step, as known then.
            GET show_objective_history,
        }
    }
}

words! {
    /// How far apart the steps of a history are.
    pub enum HistoryStep {
        /// Each day.
        Day = "day",
        /// Each week of the workspace.
        Week = "week",
    }
}
crate::http::words::impl_wire_words!(HistoryStep);

/// How many steps one call answers at the most: each is computed by itself.
const MOST_STEPS: usize = 120;

/// Which steps.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct HistoryFilter {
    /// How far apart the steps are.
    #[serde(default = "week")]
    #[param(inline, default = "week")]
    step: HistoryStep,
    /// The first day; by default the one on which it was begun or made, whichever is later.
    #[param(inline)]
    from: Option<Day>,
    /// The last day; by default the one on which it ended, or today.
    #[param(inline)]
    to: Option<Day>,
}

fn week() -> HistoryStep {
    HistoryStep::Week
}

/// How far a key result had come, step by step.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyResultHistory {
    /// The key result.
    key_result_id: KeyResultId,
    /// How far apart the steps are.
    step: HistoryStep,
    /// The steps in order of time; the last one ends the history, even within a week.
    #[schema(max_items = 120)]
    items: Vec<KeyResultThen>,
}

/// How far a key result had come at the end of a day, as known then.
#[derive(Debug, Serialize, ToSchema)]
pub struct KeyResultThen {
    /// The day; today is as it is now.
    on: Day,
    /// Its value, in its unit.
    value: Option<Measure>,
    /// Its progress as averages use it, 0 to 1; null without a value.
    #[schema(minimum = 0, maximum = 1)]
    progress: Option<f64>,
    /// The share of its time that had passed, 0 to 1; null without a due day.
    #[schema(minimum = 0, maximum = 1)]
    expected: Option<f64>,
    /// What the numbers said.
    pace: Pace,
    /// What people had said last.
    confidence: Option<Confidence>,
}

/// How far an objective had come, step by step.
#[derive(Debug, Serialize, ToSchema)]
pub struct ObjectiveHistory {
    /// The objective.
    objective_id: ObjectiveId,
    /// How far apart the steps are.
    step: HistoryStep,
    /// The steps in order of time; the last one ends the history, even within a week.
    #[schema(max_items = 120)]
    items: Vec<ObjectiveThen>,
}

/// How far an objective had come at the end of a day, as known then.
#[derive(Debug, Serialize, ToSchema)]
pub struct ObjectiveThen {
    /// The day; today is as it is now.
    on: Day,
    /// Its progress, 0 to 1; null where there was nothing to count.
    #[schema(minimum = 0, maximum = 1)]
    progress: Option<f64>,
    /// What was expected by then, 0 to 1; null without dates.
    #[schema(minimum = 0, maximum = 1)]
    expected: Option<f64>,
    /// The counted weight over the weight of all that should have counted, 0 to 1.
    #[schema(minimum = 0, maximum = 1)]
    coverage: Option<f64>,
    /// What the numbers said.
    pace: Pace,
    /// What people had said last of its key results.
    confidence: ConfidenceSummary,
}

async fn show_key_result_history(
    db: Db<Reads>,
    id: At<OwnedKeyResult>,
    filter: Query<HistoryFilter>,
    _: Refuses<NotTheseSteps>,
) -> Answer<Json<KeyResultHistory>> {
    db.read(id.to(Action::View), filter, |tx, found, filter| {
        let mut items = Vec::new();
        for day in steps(tx, &found.objective, found.row.created_at, &filter)? {
            let Some((around, objective)) = then(tx, &found.objective, day)? else { continue };
            let rows = around.key_results_of(objective.id);
            let Some(row) = rows.iter().find(|row| row.id == found.row.id) else { continue };
            let measured = around.measure(row, &objective);
            items.push(KeyResultThen {
                on: day.into(),
                value: measured.current.map(|current| current.value),
                progress: measured.progress.value,
                expected: measured.progress.expected,
                pace: measured.pace,
                confidence: measured.confidence,
            });
        }
        Ok(Json::new(KeyResultHistory { key_result_id: found.row.id, step: filter.step, items }))
    })
    .await
}

async fn show_objective_history(
    db: Db<Reads>,
    id: At<SharedObjective>,
    filter: Query<HistoryFilter>,
    _: Refuses<NotTheseSteps>,
) -> Answer<Json<ObjectiveHistory>> {
    db.read(id.to(Action::View), filter, |tx, found, filter| {
        let mut items = Vec::new();
        for day in steps(tx, &found, found.created_at, &filter)? {
            let Some((around, objective)) = then(tx, &found, day)? else { continue };
            let summary = around.summarise(&objective);
            items.push(ObjectiveThen {
                on: day.into(),
                progress: summary.progress.value,
                expected: summary.progress.expected,
                coverage: summary.progress.coverage,
                pace: summary.pace,
                confidence: summary.confidence,
            });
        }
        Ok(Json::new(ObjectiveHistory { objective_id: found.id, step: filter.step, items }))
    })
    .await
}

enum NotTheseSteps {}
impl Refusals for NotTheseSteps {
    const CODES: &'static [Code] = &[Code::ValidationFailed];
}

/// An objective with what it hung together with at the end of a day, as known then; nothing where it
/// had not been made.
fn then(
    tx: &mut Scoped,
    objective: &ObjectiveRow,
    day: Date,
) -> Result<Option<(Surroundings, ObjectiveRow)>> {
    let calendar = tx.workspace()?.calendar();
    let ended = Moment::from(calendar.end_of_day(day));
    // What was recorded as the next day began was not known yet. Of today all is known.
    let known_at = (ended <= tx.now).then(|| Moment::from_microseconds(ended.microseconds() - 1));
    let past = Past::of(tx, View { as_of: Some(day.into()), known_at })?;
    let Some(row) = past.objectives(tx, vec![objective.clone()])?.pop() else { return Ok(None) };
    Ok(Some((Surroundings::as_seen(tx, &[&row], Some(past))?, row)))
}

/// The days at whose ends something is told.
fn steps(
    tx: &mut Scoped,
    objective: &ObjectiveRow,
    made_at: Moment,
    filter: &HistoryFilter,
) -> Result<Vec<Date>> {
    let calendar = tx.workspace()?.calendar();
    let today = calendar.day_of(tx.now.timestamp());
    let cycle = objective.cycle(tx)?;
    let begun = Dates::of(objective, cycle.as_ref()).begin_for(made_at, &calendar);
    let ended = objective.closed_at.map_or(today, |at| calendar.day_of(at.timestamp()));
    let from = filter.from.map_or(begun, Day::date);
    let to = filter.to.map_or(ended, Day::date);
    let mut errors = FieldErrors::new();
    if to > today {
        errors.add("to", "in_the_future", format!("today is {today} in this workspace"));
    }
    if filter.from.is_some() && from > to {
        errors.add("from", "after_end", format!("it must not lie after {to}"));
    }
    errors.settle()?;
    let days = ends_of_steps(&calendar, filter.step, from, to, MOST_STEPS + 1);
    if days.len() > MOST_STEPS {
        let detail = format!("{MOST_STEPS} steps are the most: ask for `step=week`, or from a later day");
        return Err(Problem::new(Code::ValidationFailed, detail.clone()).with(
            "from",
            "too_many_steps",
            detail,
        ));
    }
    Ok(days)
}

/// The last day of each step within a stretch of days, at most so many of them.
fn ends_of_steps(calendar: &Calendar, step: HistoryStep, from: Date, to: Date, most: usize) -> Vec<Date> {
    let mut ends = Vec::new();
    let mut day = from;
    while day <= to && ends.len() < most {
        let end = match step {
            HistoryStep::Day => day,
            HistoryStep::Week => calendar.period_of_day(Cadence::Weekly, day).ends_on,
        };
        let end = end.min(to);
        ends.push(end);
        let Ok(next) = end.tomorrow() else { break };
        day = next;
    }
    ends
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Weekday, date};
    use jiff::tz::TimeZone;

    use super::*;

    fn ends(step: HistoryStep, from: Date, to: Date) -> Vec<String> {
        let calendar = Calendar { zone: TimeZone::UTC, week_starts_on: Weekday::Monday };
        ends_of_steps(&calendar, step, from, to, 10).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn a_step_ends_with_its_week_and_the_last_one_with_the_history() {
        // 1 April 2026 is a Wednesday.
        let (from, to) = (date(2026, 4, 1), date(2026, 4, 15));
        assert_eq!(ends(HistoryStep::Week, from, to), ["2026-04-05", "2026-04-12", "2026-04-15"]);
        assert_eq!(ends(HistoryStep::Week, from, date(2026, 4, 5)), ["2026-04-05"]);
        assert_eq!(
            ends(HistoryStep::Day, from, date(2026, 4, 3)),
            ["2026-04-01", "2026-04-02", "2026-04-03"]
        );
        assert_eq!(ends(HistoryStep::Day, from, from), ["2026-04-01"]);
        assert!(ends(HistoryStep::Week, to, from).is_empty());
        assert_eq!(ends(HistoryStep::Day, from, date(2027, 4, 1)).len(), 10);
    }
}
