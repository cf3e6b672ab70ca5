//! Badges and sparklines, and how a KPI stands in a few words.

use super::Drawing;
use crate::http::Result;
use crate::kpis::derive::{self, History, View};
use crate::kpis::display::Style;
use crate::kpis::kpis::RECENT;
use crate::kpis::periods::period_name;
use crate::kpis::row::KpiRow;
use crate::maths::{Health, HealthReason, Judged, Trend};
use crate::store::Tx;
use crate::svg::{self, Badge, Picture, Sparkline, Theme};

/// The longest form of a number.
const WIDTH: usize = 24;

/// The badge of a KPI.
pub fn badge(tx: &mut Tx, kpi: &KpiRow, view: Option<&View>) -> Result<Picture> {
    let history = derive::history(tx, kpi, &view.copied().unwrap_or_default())?;
    let style = Style::of(kpi);
    let value = history.state.current.and_then(|current| current.value);
    let value = value.map(|value| style.within(value, WIDTH));
    let badge = Badge {
        name: &kpi.name,
        value: value.as_deref(),
        health: history.state.health,
        description: &format!("{}.", standing(kpi, &history).join(", ")),
    };
    // Both halves have grounds of their own, so that it looks the same on any page.
    Ok(badge.picture(Theme::Light))
}

/// The sparkline of a KPI.
pub fn sparkline(tx: &mut Tx, kpi: &KpiRow, view: Option<&View>, drawing: Drawing) -> Result<Picture> {
    let history = derive::history(tx, kpi, &view.copied().unwrap_or_default())?;
    let counting = history.counting();
    let newest = counting.get(counting.len().saturating_sub(RECENT)..).unwrap_or_default();
    let values: Vec<Option<f64>> = newest.iter().map(|period| period.value).collect();
    let line = Sparkline {
        title: &kpi.name,
        description: &format!("{}. {}", standing(kpi, &history).join(", "), range(kpi, newest)),
        values: &values,
        band: history.state.target.map(|target| target.band),
        // A stale value is no green one.
        health: match history.state.health {
            Health::Unknown => Health::Unknown,
            Health::Healthy | Health::AtRisk | Health::Unhealthy => {
                newest.last().map_or(Health::Unknown, |period| period.health)
            }
        },
    };
    let width = f64::from(drawing.width);
    Ok(line.picture((width, (width / 4.0).max(24.0)), drawing.theme))
}

/// How a KPI stands, in a few words each.
pub fn standing(kpi: &KpiRow, history: &History) -> Vec<String> {
    let (style, state) = (Style::of(kpi), &history.state);
    let value = state.current.map(|current| {
        let value = current.value.map_or("no finite value".into(), |value| style.within(value, WIDTH));
        let so_far = if current.complete { "" } else { " so far" };
        format!("{value} in {}{so_far}", period_name(kpi.cadence, current.period.starts_on))
    });
    let word = svg::spoken(state.health);
    let health = match state.health_reason {
        None => word.to_owned(),
        Some(HealthReason::Stale) => format!("{word}: the value is stale"),
        Some(HealthReason::NoTarget) => "no target to judge by".into(),
        Some(HealthReason::NoData | HealthReason::Overflow) => word.to_owned(),
    };
    let target = state.target.map(|target| format!("target {}", style.band(target.band)));
    let trend = state.trend.map(|trend| match trend {
        Trend::Improving => "improving",
        Trend::Deteriorating => "deteriorating",
        Trend::Steady => "steady",
    });
    let mut facts = vec![value.unwrap_or_else(|| "no value yet".into()), health];
    facts.extend(target);
    facts.extend(trend.map(str::to_owned));
    facts
}

/// How many values there are, since when, and between which numbers they lie.
pub fn range(kpi: &KpiRow, periods: &[Judged]) -> String {
    let style = Style::of(kpi);
    let values: Vec<f64> = periods.iter().filter_map(|period| period.value).collect();
    let Some((first, last)) = periods.first().zip(periods.last()) else { return "There is no value.".into() };
    let lowest = values.iter().copied().reduce(f64::min);
    let highest = values.iter().copied().reduce(f64::max);
    let Some((lowest, highest)) = lowest.zip(highest) else { return "There is no value.".into() };
    let [first, last] = [first, last].map(|period| period_name(kpi.cadence, period.period.starts_on));
    let count = match values.len() {
        1 => "One value".to_owned(),
        count => format!("{count} values"),
    };
    format!(
        "{count} from {first} to {last}: lowest {}, highest {}.",
        style.within(lowest, WIDTH),
        style.within(highest, WIDTH)
    )
}
