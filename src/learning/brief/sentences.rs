//! The sentences of the brief, made of the numbers.

use crate::care::acceptance::Accepted;
use crate::care::triage::{TriageGroup, TriageRemedy};
use crate::kpis::annotations::Annotation;
use crate::kpis::contribution::KpiContribution;
use crate::kpis::display::{Style, cut};
use crate::kpis::drivers::Driver;
use crate::kpis::kpis::Kpi;
use crate::kpis::row::KpiRow;
use crate::maths::drift::DriftVerdict;
use crate::maths::{Band, HealthReason, RemedyOutcome};

/// How wide a number may be.
const NUMBER: usize = 48;
/// How much of what people wrote a sentence takes.
const QUOTE: usize = 120;

/// Why it changed, as far as somebody knows.
pub fn why(
    row: &KpiRow,
    contribution: &KpiContribution,
    drivers: &[Driver],
    annotations: &[Annotation],
) -> String {
    let known: Vec<String> =
        [inputs(row, contribution), happened(annotations), moved_by(drivers)].into_iter().flatten().collect();
    match known.is_empty() {
        false => known.join(" "),
        true => "Nobody has said why: it has no inputs and no drivers, and nothing is noted on its timeline."
            .into(),
    }
}

/// The input that moved a computed KPI most.
fn inputs(row: &KpiRow, contribution: &KpiContribution) -> Option<String> {
    let style = Style::of(row);
    let change = contribution.change?;
    let told = contribution.inputs.iter().filter_map(|input| Some((input, input.contribution?)));
    let (most, part) = told.max_by(|(_, left), (_, right)| left.abs().total_cmp(&right.abs()))?;
    let of_whole = style.within(change, NUMBER);
    Some(match part == 0.0 {
        true => format!("None of its inputs moved it; it changed by {of_whole}."),
        false => {
            let part = style.within(part, NUMBER);
            format!("It changed by {of_whole}, and {} moved it most: by {part}.", most.kpi.name)
        }
    })
}

/// The newest thing that happened.
fn happened(annotations: &[Annotation]) -> Option<String> {
    let newest = annotations.last()?;
    let text = newest.text.as_str().lines().next().unwrap_or_default().trim_end_matches('.');
    let more = match annotations.len() {
        1 => String::new(),
        count => format!(" That is the newest of {count} notes."),
    };
    Some(format!("Noted on {}: {}.{more}", newest.on, cut(text, QUOTE)))
}

/// Whether what is believed to move it still does.
fn moved_by(drivers: &[Driver]) -> Option<String> {
    let verdict = |driver: &&Driver| driver.drift.map(|drift| drift.verdict);
    let names = |wanted: DriftVerdict| {
        let names: Vec<&str> = drivers
            .iter()
            .filter(|driver| verdict(driver) == Some(wanted))
            .map(|driver| driver.driver.name.as_str())
            .collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    let told = [
        names(DriftVerdict::Aligned).map(|names| format!("It goes with {names}.")),
        names(DriftVerdict::Diverging)
            .map(|names| format!("It goes against what is believed to move it: {names}.")),
    ];
    let told: Vec<String> = told.into_iter().flatten().collect();
    match (drivers.len(), told.is_empty()) {
        (0, _) => None,
        (_, false) => Some(told.join(" ")),
        (1, true) => Some("Whether its driver moves it is not proven.".into()),
        (count, true) => Some(format!("Whether its {count} drivers move it is not proven.")),
    }
}

/// What should follow.
pub fn next(kpi: &Kpi, group: TriageGroup, remedies: &[TriageRemedy], accepted: Option<&Accepted>) -> String {
    let style = Style::shown(&kpi.display);
    let since = kpi.since.map(|since| format!(" since {since}")).unwrap_or_default();
    let gap = kpi.gap.filter(|gap| *gap != 0.0).map(|gap| {
        let side = if gap > 0.0 { "below" } else { "above" };
        format!(", {} {side} its target", style.within(gap.abs(), NUMBER))
    });
    let gap = gap.unwrap_or_default();
    let playbook = |text: &Option<String>| match text.as_deref().and_then(|text| text.lines().next()) {
        Some(line) => format!(" The playbook says: {}.", cut(line, QUOTE).trim_end_matches('.')),
        None => String::new(),
    };
    let treatment = treatment(remedies);
    let told = match group {
        TriageGroup::Untreated => format!(
            "It has been unhealthy{since}{gap}, and nothing treats it: prescribe a remedy, or accept it for a while.{}",
            playbook(&kpi.playbook.unhealthy)
        ),
        TriageGroup::Failed => format!(
            "It has been unhealthy{since}{gap}, and a remedy failed: find another one.{}",
            playbook(&kpi.playbook.unhealthy)
        ),
        TriageGroup::InTreatment => {
            format!("It has been unhealthy{since}{gap}, and is in treatment.{treatment}")
        }
        TriageGroup::AtRisk => {
            format!("It has been at risk{since}{gap}.{}{treatment}", playbook(&kpi.playbook.at_risk))
        }
        TriageGroup::Slipping => match kpi.leaves_on {
            Some(day) => format!(
                "It is healthy, but would leave its target in the period of {day}: a remedy now prevents that.{treatment}"
            ),
            None => format!("It is healthy, but gets worse: a remedy now may keep it so.{treatment}"),
        },
        TriageGroup::Unknown => unknown(kpi),
        TriageGroup::Recovered => {
            format!("It has recovered and been healthy{since}: see whether it stays so.{treatment}")
        }
        TriageGroup::Healthy => {
            let band = kpi.target.map(|target| style.band(Band { min: target.min, max: target.max }));
            let target = band.map(|band| format!(" (target {band})")).unwrap_or_default();
            format!("It has been healthy{since}{target}: nothing has to follow.{treatment}")
        }
    };
    match accepted {
        Some(accepted) => format!("{told} It is accepted as it is until {}.", accepted.until),
        None => told,
    }
}

/// What its newest remedy that works has done so far.
fn treatment(remedies: &[TriageRemedy]) -> String {
    let working = remedies
        .iter()
        .find(|remedy| matches!(remedy.outcome, RemedyOutcome::InProgress | RemedyOutcome::AwaitingEffect));
    let Some(remedy) = working else { return String::new() };
    let share = remedy
        .share_of_gap_closed
        .map(|share| format!(" and has closed {:.0} % of the gap", (share * 100.0).clamp(-999.0, 100.0)));
    let title = cut(remedy.objective.title.as_str(), QUOTE);
    format!(" “{title}” is at work{}.", share.unwrap_or_default())
}

fn unknown(kpi: &Kpi) -> String {
    match kpi.health_reason {
        Some(HealthReason::NoTarget) => "Nobody can tell how it is doing: it has no target. Set one.".into(),
        Some(HealthReason::NoData) => "Nobody can tell how it is doing: it has no value. Post one.".into(),
        Some(HealthReason::Stale) => {
            let since = kpi.freshness.stale_on.map(|day| format!(" since {day}")).unwrap_or_default();
            format!("Nobody can tell how it is doing: its last value is stale{since}. Post a new one.")
        }
        Some(HealthReason::Overflow) => {
            "Nobody can tell how it is doing: its value is too large to be added up. Correct its points."
                .into()
        }
        None => "Nobody can tell how it is doing.".into(),
    }
}
