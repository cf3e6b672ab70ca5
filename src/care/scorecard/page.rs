//! A scorecard as a page for people: without scripts, and without anything from another place.
//!
//! It is a table for eyes and for screen readers, a card per KPI on a phone, and sheets of A4 on paper. Colours follow
//! the reader's system; words and shapes say what they say.

use std::fmt::Write;
use std::sync::LazyLock;

use super::{Scorecard, ScorecardChange, ScorecardRow};
use crate::http::Html;
use crate::kpis::display::Style;
use crate::kpis::row::DisplayStyle;
use crate::maths::{Band, Health, HealthReason, Trend};
use crate::svg::{self, Theme, escaped};

/// The style of the page: colours as pictures have them, on paper always the light ones.
static STYLE: LazyLock<String> = LazyLock::new(|| {
    format!(
        "{}@media print{{{}}}{}\n{}",
        svg::palette(Theme::Auto),
        svg::palette(Theme::Light),
        svg::sparkline_rules(),
        include_str!("page.css")
    )
});

/// The size of a small line, in pixels.
const SPARKLINE: (f64, f64) = (120.0, 30.0);

/// The page.
pub fn page(scorecard: &Scorecard) -> Html {
    let title = escaped(&scorecard.title);
    let mut page = String::new();
    let _ = write!(
        page,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"robots\" content=\"noindex\">\n\
         <title>{title} - scorecard of {day}</title>\n<link rel=\"icon\" href=\"{icon}\">\n<style>{style}</style>\n\
         </head>\n<body>\n<main>\n<header>\n<h1>{title}</h1>\n<p class=\"day\">Scorecard of {day}</p>\n{counts}\
         </header>\n{table}{rest}</main>\n</body>\n</html>\n",
        day = scorecard.as_of,
        icon = Html::ICON,
        style = *STYLE,
        counts = counts(scorecard),
        table = table(scorecard),
        rest = rest(scorecard),
    );
    Html::styled(page, &STYLE)
}

/// How many have each health, the worst first.
fn counts(scorecard: &Scorecard) -> String {
    let counts = scorecard.counts;
    let mut list = String::from("<ul class=\"counts\">\n");
    for (health, count) in [
        (Health::Unhealthy, counts.unhealthy),
        (Health::AtRisk, counts.at_risk),
        (Health::Unknown, counts.unknown),
        (Health::Healthy, counts.healthy),
    ] {
        let _ = writeln!(
            list,
            "<li>{} <strong>{count}</strong> {}</li>",
            svg::glyph(health),
            svg::spoken(health)
        );
    }
    list.push_str("</ul>\n");
    list
}

/// The columns, as their cells are called on a phone too.
const COLUMNS: [&str; 8] =
    ["KPI", "Now", "Target", "Period before", "Year before", "Trend", "Last periods", "Remedies"];

fn table(scorecard: &Scorecard) -> String {
    if scorecard.rows.is_empty() {
        return "<p>There is no KPI here.</p>\n".into();
    }
    let mut table = String::from("<table role=\"table\">\n<thead role=\"rowgroup\">\n<tr role=\"row\">");
    for column in COLUMNS {
        let _ = write!(table, "<th role=\"columnheader\" scope=\"col\">{column}</th>");
    }
    table.push_str("</tr>\n</thead>\n<tbody role=\"rowgroup\">\n");
    for row in &scorecard.rows {
        table.push_str(&line(row));
    }
    table.push_str("</tbody>\n</table>\n");
    table
}

fn line(row: &ScorecardRow) -> String {
    let [_, now, target, before, year, trend, last, remedies] = COLUMNS;
    let mut line = format!("<tr role=\"row\">\n<th role=\"rowheader\" scope=\"row\">{}</th>\n", who(row));
    for (column, content) in [
        (now, current(row)),
        (target, band(row)),
        (before, change(row, row.before.as_ref())),
        (year, change(row, row.year_before.as_ref())),
        (trend, going(row.trend).to_owned()),
        (last, recent(row)),
        (remedies, treated(row)),
    ] {
        // A phone leaves out what is not there.
        let class = if content == NOTHING { " class=\"absent\"" } else { "" };
        let _ = writeln!(line, "<td role=\"cell\"{class} data-label=\"{column}\"><div>{content}</div></td>");
    }
    line.push_str("</tr>\n");
    line
}

/// What is not there.
const NOTHING: &str = "<span class=\"soft\">none</span>";

fn who(row: &ScorecardRow) -> String {
    let owner = row.owner.as_ref().map(|owner| owner.name.as_str());
    let team = row.team.as_ref().map(|team| team.name.as_str());
    let people: Vec<&str> = owner.into_iter().chain(team).collect();
    let people = if people.is_empty() { "nobody answers for it".to_owned() } else { people.join(", ") };
    format!("{}<small>{}</small>", escaped(&row.name), escaped(&people))
}

fn current(row: &ScorecardRow) -> String {
    let style = Style::shown(&row.display);
    let value = row.current.as_ref().and_then(|current| current.value);
    let value = value.map_or("no value".to_owned(), |value| escaped(&style.within(value, 24)));
    let word = svg::spoken(row.health);
    let why = match (row.health, row.health_reason) {
        (_, None) => String::new(),
        (Health::Unknown, Some(reason)) => format!(": {}", why(reason)),
        (_, Some(reason)) => format!(", {}", why(reason)),
    };
    let period = row.current.as_ref().map(|current| {
        let so_far = if current.complete { "" } else { ", so far" };
        format!("{}{so_far}", escaped(&current.period))
    });
    let small = period.map(|period| format!("<small>{period}</small>")).unwrap_or_default();
    format!(
        "<strong class=\"value\">{value}</strong><span class=\"health\">{} {word}{why}</span>{small}",
        svg::glyph(row.health)
    )
}

fn why(reason: HealthReason) -> &'static str {
    match reason {
        HealthReason::NoTarget => "no target",
        HealthReason::NoData => "no data",
        HealthReason::Stale => "stale",
        HealthReason::Overflow => "too large",
    }
}

fn band(row: &ScorecardRow) -> String {
    let style = Style::shown(&row.display);
    row.target
        .map_or(NOTHING.to_owned(), |target| escaped(&style.band(Band { min: target.min, max: target.max })))
}

fn change(row: &ScorecardRow, change: Option<&ScorecardChange>) -> String {
    let Some(earlier) = change else { return NOTHING.to_owned() };
    let plain = Style::new(DisplayStyle::Number, None, None, row.display.precision);
    let signed = |value: f64, text: String| {
        if value > 0.0 { format!("+{text}") } else { text.replace('-', "\u{2212}") }
    };
    let by = earlier.change.map(|change| signed(change, plain.within(change, 16)));
    let ratio = earlier.change_ratio.map(|ratio| {
        let percent = Style::new(DisplayStyle::Percent, None, None, Some(1)).within(100.0 * ratio, 12);
        format!(" ({})", signed(ratio, percent))
    });
    let judged = match earlier.change_is_good {
        Some(true) => ", better",
        Some(false) => ", worse",
        None => "",
    };
    let before = Style::shown(&row.display).within(earlier.value, 24);
    format!(
        "{}{}{judged}<small>{} in {}</small>",
        escaped(&by.unwrap_or_else(|| "no change can be told".into())),
        escaped(&ratio.unwrap_or_default()),
        escaped(&before),
        escaped(&earlier.period),
    )
}

fn going(trend: Option<Trend>) -> &'static str {
    match trend {
        Some(Trend::Improving) => "<strong>improving</strong>",
        Some(Trend::Deteriorating) => "<strong>deteriorating</strong>",
        Some(Trend::Steady) => "steady",
        None => "<span class=\"soft\">not known</span>",
    }
}

fn recent(row: &ScorecardRow) -> String {
    let values: Vec<Option<f64>> = row.recent.iter().map(|period| period.value).collect();
    let description = described(row);
    let line = svg::Sparkline {
        title: &row.name,
        description: &description,
        values: &values,
        band: row.target.map(|target| Band { min: target.min, max: target.max }),
        // A stale value is no green one.
        health: match row.health {
            Health::Unknown => Health::Unknown,
            Health::Healthy | Health::AtRisk | Health::Unhealthy => {
                row.recent.last().map_or(Health::Unknown, |period| period.health)
            }
        },
    };
    if values.iter().all(Option::is_none) { NOTHING.to_owned() } else { line.inline(SPARKLINE) }
}

/// What a small line shows, for who does not see it.
fn described(row: &ScorecardRow) -> String {
    let style = Style::shown(&row.display);
    let values: Vec<f64> = row.recent.iter().filter_map(|period| period.value).collect();
    let days = row.recent.first().zip(row.recent.last());
    let Some(((first, last), newest)) = days.zip(values.last()) else { return "No values".into() };
    let lowest = values.iter().copied().fold(f64::INFINITY, f64::min);
    let highest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let [lowest, highest, newest] = [lowest, highest, *newest].map(|value| style.within(value, 24));
    format!(
        "{} values from {} to {}: lowest {lowest}, highest {highest}, newest {newest}",
        values.len(),
        first.starts_on,
        last.starts_on
    )
}

fn treated(row: &ScorecardRow) -> String {
    if row.remedies.is_empty() {
        return NOTHING.to_owned();
    }
    let mut list = String::from("<ul class=\"remedies\">");
    for remedy in &row.remedies {
        let _ = write!(list, "<li>{}</li>", escaped(remedy.objective.title.as_str()));
    }
    list.push_str("</ul>");
    list
}

/// What the table does not show.
fn rest(scorecard: &Scorecard) -> String {
    let mut rest = String::new();
    let mut say = |count: usize, one: &str, many: &str| {
        if count > 0 {
            let _ = writeln!(rest, "<p class=\"rest\">{count} {}</p>", if count == 1 { one } else { many });
        }
    };
    say(
        scorecard.private,
        "more KPI stands on this board and is private to others.",
        "more KPIs stand on this board and are private to others.",
    );
    say(scorecard.left_out, "more KPI has no room here.", "more KPIs have no room here.");
    rest
}
