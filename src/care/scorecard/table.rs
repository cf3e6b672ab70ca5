//! A scorecard as a table for spreadsheets: one line per KPI, numbers as numbers.

use super::{Scorecard, ScorecardChange, ScorecardRow};
use crate::kpis::display::Style;
use crate::kpis::points::{exact, neutralised};

/// The columns.
const COLUMNS: [&str; 26] = [
    "key",
    "name",
    "health",
    "health_reason",
    "period",
    "value",
    "unit",
    "target_min",
    "target_max",
    "before_period",
    "before_value",
    "before_change",
    "before_change_ratio",
    "year_before_period",
    "year_before_value",
    "year_before_change",
    "year_before_change_ratio",
    "trend",
    "recent",
    "owner",
    "team",
    "remedies",
    "as_of",
    "compared_to",
    "health_then",
    "value_then",
];

/// The table (RFC 4180). What has no value is empty; no cell is taken for a formula.
pub fn csv(scorecard: &Scorecard) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // Writing to memory does not fail.
    let _ = writer.write_record(COLUMNS);
    for row in &scorecard.rows {
        let _ = writer.write_record(cells(scorecard, row));
    }
    writer.into_inner().unwrap_or_default()
}

fn cells(scorecard: &Scorecard, row: &ScorecardRow) -> [String; 26] {
    let number = |value: Option<f64>| value.map(exact).unwrap_or_default();
    let text = |text: &str| neutralised(text).into_owned();
    let earlier = |change: Option<&ScorecardChange>| match change {
        Some(earlier) => [
            earlier.period.clone(),
            number(Some(earlier.value)),
            number(earlier.change),
            number(earlier.change_ratio),
        ],
        None => Default::default(),
    };
    let [before, before_value, before_change, before_ratio] = earlier(row.before.as_ref());
    let [year, year_value, year_change, year_ratio] = earlier(row.year_before.as_ref());
    let current = row.current.as_ref();
    let recent: Vec<String> = row.recent.iter().map(|period| number(period.value)).collect();
    let remedies: Vec<&str> = row.remedies.iter().map(|remedy| remedy.objective.title.as_str()).collect();
    [
        text(&row.key),
        text(&row.name),
        row.health.as_str().into(),
        row.health_reason.map_or("", |reason| reason.as_str()).into(),
        current.map(|current| current.period.clone()).unwrap_or_default(),
        number(current.and_then(|current| current.value)),
        text(Style::shown(&row.display).unit().unwrap_or_default()),
        number(row.target.and_then(|target| target.min)),
        number(row.target.and_then(|target| target.max)),
        before,
        before_value,
        before_change,
        before_ratio,
        year,
        year_value,
        year_change,
        year_ratio,
        row.trend.map_or("", |trend| trend.as_str()).into(),
        // A list of several numbers is a text.
        text(&recent.join(" ")),
        text(row.owner.as_ref().map_or("", |owner| &owner.name)),
        text(row.team.as_ref().map_or("", |team| &team.name)),
        text(&remedies.join("; ")),
        scorecard.as_of.to_string(),
        scorecard.compared_to.map(|day| day.to_string()).unwrap_or_default(),
        row.then.map_or("", |then| then.health.as_str()).into(),
        number(row.then.and_then(|then| then.value)),
    ]
}
