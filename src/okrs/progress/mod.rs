//! Progress as it is shown: the maths applied to rows.
//!
//! What is said of a key result and of an objective follows from their rows, their cycle, the
//! latest check-ins and the values of KPIs; `Surroundings` loads these once for a whole page.

mod parts;
mod past;
mod said;
mod sources;
mod surroundings;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::check_ins::CheckInRow;
use super::cycles::CycleRow;
use super::key_results::KeyResultRow;
use super::objectives::ObjectiveRow;
use crate::http::Measure;
use crate::maths::{
    Calendar, Confidence, ConfidenceCounts, Pace, Progress, ProgressSource, check_in_overdue,
    confidence_counts, expected, objective_pace, pace, roll_up,
};
use crate::store::{Day, Moment};
use parts::Parts;
pub use parts::{BreakdownItem, BreakdownKind};
pub use past::Past;
pub use sources::{SourceKpi, source_kpis};
pub use surroundings::{Surroundings, cycles_of};

/// The current value of a key result.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct KeyResultValue {
    /// The value, in the key result's unit.
    pub value: Measure,
    /// The instant that it stands for: of the check-in, or the start of the KPI's period.
    pub at: Moment,
}

/// How far a key result has come.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct KeyResultProgress {
    /// The share of the way as the numbers give it; it may be below 0 or above 1. Null without a value.
    #[schema(example = 0.4)]
    pub raw: Option<f64>,
    /// The same within 0 and 1, as averages use it. Null without a value.
    #[schema(minimum = 0, maximum = 1, example = 0.4)]
    pub value: Option<f64>,
    /// The share of the time from its start to its due day that has passed. Null without a due day.
    #[schema(minimum = 0, maximum = 1, example = 0.5)]
    pub expected: Option<f64>,
}

/// How far an objective has come, and how that was computed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ObjectiveProgress {
    /// Where it comes from.
    pub source: ProgressSource,
    /// The progress, 0 to 1: the manual one where the source is manual, else the computed one.
    /// Null where there is nothing to count.
    #[schema(minimum = 0, maximum = 1, example = 0.55)]
    pub value: Option<f64>,
    /// The weighted mean of what counts: sum of weight times value over sum of weights.
    #[schema(minimum = 0, maximum = 1, example = 0.55)]
    pub computed: Option<f64>,
    /// The counted weight over the weight of all that should count, 0 to 1; below 1 the objective
    /// is never on track.
    #[schema(minimum = 0, maximum = 1, example = 1.0)]
    pub coverage: Option<f64>,
    /// The weighted mean of what is expected of the counted items by today, 0 to 1. Where the source
    /// is manual: the share of the objective's own time that has passed.
    #[schema(minimum = 0, maximum = 1, example = 0.5)]
    pub expected: Option<f64>,
    /// What `computed` would be by the goals that key results had when they became active. Null
    /// before that.
    #[schema(minimum = 0, maximum = 1, example = 0.55)]
    pub original: Option<f64>,
    /// What each item of its source adds, or why it adds nothing: its key results, its children, or
    /// both.
    pub breakdown: Vec<BreakdownItem>,
    /// How many items more were left out because fewer people may see them than the objective.
    pub private_items: u32,
}

/// What people said last of the key results.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfidenceSummary {
    /// The worst of them, because an average hides a red one; null where nobody has checked in.
    pub worst: Option<Confidence>,
    /// How many of each.
    pub counts: ConfidenceTally,
}

/// How many key results are of each confidence.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ConfidenceTally {
    /// Key results that are on track.
    pub on_track: u32,
    /// Key results at risk.
    pub at_risk: u32,
    /// Key results that are off track.
    pub off_track: u32,
    /// Key results that nobody has checked in on.
    pub never: u32,
}

/// How many things are of each pace.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct PaceTally {
    /// On track.
    #[schema(minimum = 0)]
    pub on_track: u32,
    /// At risk.
    #[schema(minimum = 0)]
    pub at_risk: u32,
    /// Off track.
    #[schema(minimum = 0)]
    pub off_track: u32,
    /// Too early to tell.
    #[schema(minimum = 0)]
    pub too_early: u32,
    /// Without a pace.
    #[schema(minimum = 0)]
    pub none: u32,
}

impl PaceTally {
    /// Counts one more.
    pub fn add(&mut self, pace: Pace) {
        let count = match pace {
            Pace::OnTrack => &mut self.on_track,
            Pace::AtRisk => &mut self.at_risk,
            Pace::OffTrack => &mut self.off_track,
            Pace::TooEarly => &mut self.too_early,
            Pace::None => &mut self.none,
        };
        *count += 1;
    }
}

impl From<ConfidenceCounts> for ConfidenceSummary {
    fn from(counts: ConfidenceCounts) -> Self {
        Self {
            worst: counts.worst,
            counts: ConfidenceTally {
                on_track: counts.on_track,
                at_risk: counts.at_risk,
                off_track: counts.off_track,
                never: counts.never,
            },
        }
    }
}

/// What the numbers and the people say of one key result. It is also what closing freezes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Its current value.
    pub current: Option<KeyResultValue>,
    /// Its progress.
    pub progress: KeyResultProgress,
    /// Its progress by the goal that it had when it became active, 0..1.
    pub original: Option<f64>,
    /// What the numbers say.
    pub pace: Pace,
    /// What people said last.
    pub confidence: Option<Confidence>,
    /// Whether a check-in is overdue.
    pub overdue: bool,
}

impl Measured {
    /// The same where its value is not for all who see it.
    fn without_value(self) -> Self {
        let progress = KeyResultProgress { raw: None, value: None, ..self.progress };
        Self { progress, original: None, pace: Pace::None, ..self }
    }
}

/// What the numbers and the people say of one objective. It is also what closing freezes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Summary {
    /// Its progress.
    pub progress: ObjectiveProgress,
    /// What the numbers say.
    pub pace: Pace,
    /// What people said last.
    pub confidence: ConfidenceSummary,
}

/// The day on which things are looked at, as the workspace counts days.
#[derive(Clone, Debug)]
pub struct Today {
    /// The day.
    pub day: Date,
    /// How the workspace divides time.
    pub calendar: Calendar,
    /// How many days lie between check-ins.
    pub rhythm_days: u32,
}

/// When an objective begins and is due: by its own dates, else by its cycle's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Dates {
    /// The first day.
    pub starts_on: Option<Day>,
    /// The last day.
    pub ends_on: Option<Day>,
}

impl Dates {
    /// Of an objective and its cycle.
    pub fn of(objective: &ObjectiveRow, cycle: Option<&CycleRow>) -> Self {
        Self {
            starts_on: objective.starts_on.or(cycle.map(|cycle| cycle.starts_on)),
            ends_on: objective.ends_on.or(cycle.map(|cycle| cycle.ends_on)),
        }
    }

    /// The day from which progress is expected of something made at an instant: the later of both.
    pub fn begin_for(&self, made_at: Moment, calendar: &Calendar) -> Date {
        let made_on = calendar.day_of(made_at.timestamp());
        self.starts_on.map_or(made_on, |starts_on| starts_on.date().max(made_on))
    }
}

/// The day on which a key result is due: its own, else the objective's, else the cycle's.
pub fn due_on(row: &KeyResultRow, dates: &Dates) -> Option<Day> {
    row.due_on.or(dates.ends_on)
}

fn measure(
    row: &KeyResultRow,
    objective: &ObjectiveRow,
    cycle: Option<&CycleRow>,
    current: Option<KeyResultValue>,
    last: Option<&CheckInRow>,
    today: &Today,
) -> Measured {
    let dates = Dates::of(objective, cycle);
    let starts_on = dates.begin_for(row.created_at, &today.calendar);
    let expected = expected(today.day, Some(starts_on), due_on(row, &dates).map(Day::date));
    let value = current.map(|current| current.value.value());
    let Progress { raw, value: progress } = row.goal().progress(value);
    let is_worked_on = objective.is_worked_on() && row.archived_at.is_none();
    let said_on = last_said_on(last, starts_on, today);
    Measured {
        current,
        progress: KeyResultProgress { raw, value: progress, expected },
        original: row.original_goal().and_then(|goal| goal.progress(value).value),
        // Nobody has begun on a draft, so nothing can be said of how fast it goes.
        pace: if is_worked_on { pace(row.kind, progress, expected) } else { Pace::None },
        confidence: last.map(|last| last.confidence),
        overdue: is_worked_on && check_in_overdue(today.day, said_on, today.rhythm_days),
    }
}

/// The day of the last check-in; before the first, the day on which work began.
fn last_said_on(last: Option<&CheckInRow>, starts_on: Date, today: &Today) -> Date {
    last.map_or(starts_on, |last| today.calendar.day_of(last.at.timestamp()))
}

/// What is said of an objective, from what its progress is made of and what people said of its key
/// results.
fn summarise(
    objective: &ObjectiveRow,
    cycle: Option<&CycleRow>,
    parts: &Parts,
    said: &[Option<Confidence>],
    today: &Today,
) -> Summary {
    let whole = roll_up(&parts.items());
    let dates = Dates::of(objective, cycle);
    let (value, expected, coverage) = match objective.progress_source {
        ProgressSource::Manual => {
            let starts_on = dates.begin_for(objective.created_at, &today.calendar);
            let expected = expected(today.day, Some(starts_on), dates.ends_on.map(Day::date));
            (objective.manual_progress, expected, None)
        }
        ProgressSource::KeyResults | ProgressSource::Children | ProgressSource::Both => {
            (whole.computed, whole.expected, whole.coverage)
        }
    };
    // A direction has no end, and nobody is late on the way there.
    let has_pace = objective.is_worked_on() && dates.ends_on.is_some();
    Summary {
        pace: if has_pace { objective_pace(value, expected, coverage) } else { Pace::None },
        confidence: confidence_counts(said).into(),
        progress: ObjectiveProgress {
            source: objective.progress_source,
            value,
            computed: whole.computed,
            coverage: whole.coverage,
            expected,
            original: objective.activated_at.and_then(|_| roll_up(&parts.original_items()).computed),
            breakdown: parts.breakdown(&whole),
            private_items: parts.private,
        },
    }
}

#[cfg(test)]
mod tests;
