//! The chart of a KPI: its history, what is done about it and where it leads, as the drawing takes them.

use std::collections::HashMap;

use jiff::civil::Date;

use super::Drawing;
use super::small::{range, standing};
use crate::care::remedies::{Counting, Of, Standpoint, made_by, objectives_then};
use crate::http::Result;
use crate::kpis::annotations::{self, AnnotationRow};
use crate::kpis::derive::{self, History, View};
use crate::kpis::display::Style;
use crate::kpis::forecast::forecast;
use crate::kpis::periods::period_name;
use crate::kpis::row::{DisplayStyle, KpiRow};
use crate::kpis::signals;
use crate::maths::{Cadence, Health, Judged, NaturalLimits, Period, Target, segments, target_in_force};
use crate::okrs::objectives::RecordedState;
use crate::store::{ObjectiveId, Tx};
use crate::svg::chart::day;
use crate::svg::{Ahead, Chart, Picture, Point, Says, Stretch};

/// How many periods ahead are drawn: what lies beyond is a guess.
const AHEAD: usize = 6;

/// The chart of a KPI, now or as it stood.
pub fn chart(tx: &mut Tx, kpi: &KpiRow, view: Option<&View>, drawing: Drawing) -> Result<Picture> {
    let history = derive::history(tx, kpi, &view.copied().unwrap_or_default())?;
    let remedies = remedies(tx, kpi, view)?;
    let annotations = self::annotations(tx, kpi, view)?;
    let leads = forecast(&history, kpi);
    let shown = shown(&history, drawing.periods);
    let judged: Vec<Judged> = shown.iter().filter_map(|(_, judged)| *judged).collect();

    let mut facts = standing(kpi, &history);
    let mut sentences = vec![format!("{}.", facts.join(", ")), range(kpi, &judged)];
    sentences.extend([signals::reason(&history, kpi), leads.reason.clone()]);
    if !remedies.is_empty() {
        let titles: Vec<&str> = remedies.iter().map(|remedy| remedy.what.as_str()).collect();
        sentences.push(format!("Remedies: {}.", titles.join("; ")));
    }
    sentences.extend(annotations.iter().map(|(on, text)| format!("On {on}: {text}.")));
    facts.retain(|fact| !fact.is_empty());

    let ahead: Vec<Ahead> = match near(&shown, leads.ahead.first().map(|step| step.starts_on.date())) {
        false => Vec::new(),
        true => leads
            .ahead
            .iter()
            .take(AHEAD)
            .map(|step| Ahead {
                x: (day(step.starts_on.date()) + day(step.ends_on.date()) + 1.0) / 2.0,
                value: step.value,
                low: step.low,
                high: step.high,
            })
            .collect(),
    };
    let until = leads.ahead.get(..ahead.len()).and_then(|ahead| ahead.last()).map(|step| step.ends_on.date());
    let style = Style::new(DisplayStyle::Number, None, None, kpi.display_precision);
    let first = shown.first().map_or(f64::NEG_INFINITY, |(period, _)| day(period.starts_on));
    let chart = Chart {
        title: &kpi.name,
        description: &sentences.join(" "),
        facts: &facts,
        health: history.state.health,
        points: &points(&history, &shown),
        targets: &targets(&history, &shown, until),
        segments: &limits(&history, &shown),
        ahead: &ahead,
        remedies: &remedies.into_iter().filter(|remedy| remedy.until >= first).collect::<Vec<_>>(),
        annotations: &annotations.into_iter().filter(|(on, _)| day(*on) >= first).collect::<Vec<_>>(),
        number: &|value| style.within(value, 9),
    };
    Ok(chart.picture(drawing.width, drawing.theme))
}

/// The newest periods up to the current one, those too that hold no point; of an irregular KPI its newest points.
fn shown(history: &History, most: usize) -> Vec<(Period, Option<Judged>)> {
    let counting = history.counting();
    let Some((first, last)) = counting.first().zip(counting.last()) else { return Vec::new() };
    let (first, last) = (first.period, last.period);
    let newest = counting.get(counting.len().saturating_sub(most)..).unwrap_or_default();
    let cadence = history.settings.cadence;
    if cadence == Cadence::Irregular {
        return newest.iter().map(|judged| (judged.period, Some(*judged))).collect();
    }
    let held: HashMap<Period, Judged> = newest.iter().map(|judged| (judged.period, *judged)).collect();
    let mut shown: Vec<(Period, Option<Judged>)> =
        std::iter::successors(Some(last), |period| history.calendar.previous(cadence, period))
            .take_while(|period| *period >= first)
            .take(most)
            .map(|period| (period, held.get(&period).copied()))
            .collect();
    shown.reverse();
    shown
}

/// Whether what lies ahead begins where the values end, or soon after: a line across years without values tells nothing,
/// and would leave them no room.
fn near(shown: &[(Period, Option<Judged>)], ahead: Option<Date>) -> bool {
    let Some(((first, last), ahead)) = shown.first().zip(shown.last()).zip(ahead) else { return false };
    let (span, pause) = (day(last.0.ends_on) - day(first.0.starts_on), day(ahead) - day(last.0.ends_on));
    pause <= span / 4.0
}

/// The middle of a period, in days.
fn middle(period: &Period) -> f64 {
    (day(period.starts_on) + day(period.ends_on) + 1.0) / 2.0
}

fn points(history: &History, shown: &[(Period, Option<Judged>)]) -> Vec<Point> {
    let (periods, values): (Vec<Period>, Vec<f64>) = history.complete().into_iter().unzip();
    let signals: Vec<Period> = segments(&values)
        .iter()
        .flat_map(|segment| segment.signals(&values).into_iter().zip(segment.range.clone()))
        .filter(|(rules, _)| !rules.is_empty())
        .filter_map(|(_, index)| periods.get(index).copied())
        .collect();
    shown
        .iter()
        .map(|(period, judged)| Point {
            x: middle(period),
            name: period_name(history.settings.cadence, period.starts_on),
            value: judged.and_then(|judged| judged.value),
            health: judged.map_or(Health::Unknown, |judged| judged.health),
            says: if signals.contains(period) { Says::Signal } else { Says::Noise },
        })
        .collect()
}

/// The targets in force on the last days of the periods, up to a day ahead; those that are the same follow as one.
fn targets(
    history: &History,
    shown: &[(Period, Option<Judged>)],
    until: Option<Date>,
) -> Vec<Stretch<Target>> {
    let (calendar, cadence) = (&history.calendar, history.settings.cadence);
    let mut periods: Vec<Period> = shown.iter().map(|(period, _)| *period).collect();
    while let Some(next) = periods.last().and_then(|last| calendar.next(cadence, last))
        && until.is_some_and(|until| next.starts_on <= until)
    {
        periods.push(next);
    }
    let mut found: Vec<Stretch<Target>> = Vec::new();
    for period in periods {
        let Some(target) = target_in_force(&history.targets, period.ends_on).copied() else { continue };
        let (from, until) = (day(period.starts_on), day(period.ends_on) + 1.0);
        match found.last_mut() {
            Some(last) if last.what == target && (last.until >= from || cadence == Cadence::Irregular) => {
                last.until = until;
            }
            Some(_) | None => found.push(Stretch { from, until, what: target }),
        }
    }
    found
}

/// The natural limits of the segments, as far as they are shown.
fn limits(history: &History, shown: &[(Period, Option<Judged>)]) -> Vec<Stretch<NaturalLimits>> {
    let (periods, values): (Vec<Period>, Vec<f64>) = history.complete().into_iter().unzip();
    let Some((first, _)) = shown.first() else { return Vec::new() };
    let stretches = segments(&values).into_iter().filter_map(|segment| {
        let own = periods.get(segment.range.clone())?;
        let (begin, end) = own.iter().find(|period| *period >= first).zip(own.last())?;
        let (from, until) = (day(begin.starts_on), day(end.ends_on) + 1.0);
        (end >= first).then_some(Stretch { from, until, what: segment.limits })
    });
    stretches.collect()
}

/// What was done about the KPI and is seen by all who see it, the newest first: from the link to the end of its
/// objective, or to the day that is looked back from.
fn remedies(tx: &mut Tx, kpi: &KpiRow, view: Option<&View>) -> Result<Vec<Stretch<String>>> {
    let Standpoint { today, recorded_by } = Standpoint::of(tx, view)?;
    let calendar = tx.workspace()?.calendar();
    let mut links = made_by(tx, Of::Kpis(&[kpi.id]), recorded_by)?;
    links.retain(|link| !link.is_withdrawn_by(recorded_by));
    let counting = Counting::of(tx, &links)?;
    links.retain(|link| counting.treats(link));
    let ids: Vec<ObjectiveId> = links.iter().map(|link| link.objective_id).collect();
    let objectives = objectives_then(tx, &ids, view)?;
    let spans = links.iter().filter_map(|link| {
        let objective = objectives.get(&link.objective_id)?;
        let ended = match objective.state {
            RecordedState::Draft | RecordedState::Active => None,
            RecordedState::Closed => objective.row.closed_at,
            // The archive withdraws.
            RecordedState::Archived => return None,
        };
        let until = ended.map_or(today, |at| calendar.day_of(at.timestamp()));
        let from = day(calendar.day_of(link.created_at.timestamp()));
        Some(Stretch { from, until: day(until) + 1.0, what: objective.row.title.clone() })
    });
    Ok(spans.collect())
}

/// What happened on the KPI's timeline, by its day, in order of time.
fn annotations(tx: &mut Tx, kpi: &KpiRow, view: Option<&View>) -> Result<Vec<(Date, String)>> {
    let today = Standpoint::of(tx, view)?.today;
    let known_at = view.and_then(|view| view.known_at);
    let rows = annotations::of_kpis(tx, &[kpi.id])?;
    let counts = |row: &AnnotationRow| {
        row.happened_on.date() <= today && known_at.is_none_or(|known_at| row.recorded_at <= known_at)
    };
    let told = rows.into_iter().filter(counts).map(|row| (row.happened_on.date(), row.text));
    Ok(told.collect())
}
