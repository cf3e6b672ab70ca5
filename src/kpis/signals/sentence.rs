//! Where a KPI is going, in a sentence made of the numbers.

use super::Chart;
use crate::kpis::display::Style;
use crate::kpis::row::KpiRow;
use crate::maths::{Because, Cadence, FEWEST_VALUES, Judgement, Rule, Segment, Trend};

/// The longest form of a number.
const WIDTH: usize = 48;

/// Why the KPI goes where it goes.
pub(super) fn reason(chart: &Chart, kpi: &KpiRow) -> String {
    let style = Style::of(kpi);
    let Judgement { trend, because } = chart.judgement;
    let verdict = match trend {
        Some(Trend::Improving) => ": that is for the better",
        Some(Trend::Deteriorating) => ": that is for the worse",
        Some(Trend::Steady) | None => "",
    };
    match because {
        Because::InsufficientData => {
            let what = match chart.cadence {
                Cadence::Irregular => "points",
                _ => "complete periods with a value",
            };
            format!("Natural limits need {FEWEST_VALUES} {what}; there are {}.", chart.values.len())
        }
        Because::NoTarget => {
            format!("{}; without a target that is neither better nor worse.", newest(chart, style))
        }
        Because::NewestValue => format!("{}{verdict}.", newest(chart, style)),
        Because::RecentShift => format!("{}{verdict}.", shifted(chart, style)),
        Because::Noise if newest_rules(chart).is_empty() => {
            format!("{}: what varies there is noise.", newest(chart, style))
        }
        Because::Noise => format!("{}, but no farther from the target.", newest(chart, style)),
    }
}

fn newest_rules(chart: &Chart) -> Vec<Rule> {
    chart.segments.last().and_then(|segment| segment.signals(&chart.values).pop()).unwrap_or_default()
}

/// The newest value and how it lies.
fn newest(chart: &Chart, style: Style) -> String {
    let number = |value: f64| style.within(value, WIDTH);
    let newest = chart.periods.last().zip(chart.values.last()).zip(chart.segments.last());
    let Some(((period, value), Segment { limits, .. })) = newest else { return "There is no value".into() };
    let name = chart.name(period);
    let is_above = *value > limits.centre;
    let (side, limit) = if is_above { ("above", limits.upper) } else { ("below", limits.lower) };
    let how = match newest_rules(chart).first() {
        Some(Rule::OutsideLimits) => format!("{side} the natural limit of {}", number(limit)),
        Some(Rule::LongRun) => {
            format!("one of eight or more in a row {side} the centre of {}", number(limits.centre))
        }
        Some(Rule::NearLimit) => {
            format!("one of three out of four in a row near the natural limit of {}", number(limit))
        }
        None => {
            format!("within the natural limits of {} to {}", number(limits.lower), number(limits.upper))
        }
    };
    format!("{name} was {}, {how}", number(*value))
}

/// The newest shift.
fn shifted(chart: &Chart, style: Style) -> String {
    let number = |value: f64| style.within(value, WIDTH);
    let [.., before, after] = chart.segments.as_slice() else { return newest(chart, style) };
    let since = chart.periods.get(after.range.start).map(|period| chart.name(period)).unwrap_or_default();
    let (from, to) = (number(before.limits.centre), number(after.limits.centre));
    format!("From {since} on the values lie around {to} instead of {from}")
}
