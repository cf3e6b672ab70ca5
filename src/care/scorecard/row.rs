//! What KPIs show on one line each, in a number of statements that does not grow with their number.

use std::collections::HashMap;

use super::{ScorecardChange, ScorecardRow, ScorecardValue};
use crate::access::Scoped;
use crate::care::remedies::{Counting, Ground, Of, Seen, Standpoint, made_by};
use crate::care::triage::{TriageRemedy, treatments};
use crate::http::Result;
use crate::kpis::derive::{self, History, View};
use crate::kpis::kpis::{Picture, RECENT, RecentPeriod, Sparkline, show_pictures};
use crate::kpis::periods::period_name;
use crate::kpis::row::KpiRow;
use crate::kpis::targets::Bounds;
use crate::maths::number::finite;
use crate::maths::{
    Cadence, Health, Judged, RemedyObjective, change_is_good, judge, shown_cadence, target_of_longer,
    year_before,
};
use crate::store::KpiId;

/// The rows of some KPIs in their order, now or as it stood, in the periods that are asked for.
pub fn rows(
    tx: &mut Scoped,
    kpis: Vec<KpiRow>,
    cadence: Option<Cadence>,
    view: Option<&View>,
) -> Result<Vec<ScorecardRow>> {
    let mut histories = derive::histories(tx, &kpis, &view.copied().unwrap_or_default())?;
    let mut treated = remedies(tx, &kpis, &histories, view)?;
    let folded = folded(tx, &kpis, cadence, view)?;
    let mut figures: HashMap<KpiId, Figures> = HashMap::new();
    for kpi in &kpis {
        let shown = match (folded.get(&kpi.id), histories.get(&kpi.id)) {
            (Some(longer), _) => Figures::of(kpi, longer),
            (None, Some(history)) => Figures::of(kpi, history),
            (None, None) => continue,
        };
        figures.insert(kpi.id, shown);
    }
    let pictures = kpis.into_iter().filter_map(|kpi| {
        let history = histories.remove(&kpi.id)?;
        Some(Picture::of_history(kpi, history))
    });
    let shown =
        show_pictures(tx, pictures.collect(), view, Sparkline::LeftOut)?.into_iter().filter_map(|kpi| {
            let Figures { cadence, current, target, before, year_before, recent } =
                figures.remove(&kpi.id)?;
            Some(ScorecardRow {
                remedies: treated.remove(&kpi.id).unwrap_or_default(),
                id: kpi.id,
                key: kpi.key,
                name: kpi.name,
                category: kpi.category,
                measured: kpi.cadence,
                cadence,
                display: kpi.display,
                owner_id: kpi.owner_id,
                owner: kpi.owner,
                team_id: kpi.team_id,
                team: kpi.team,
                health: kpi.health,
                health_reason: kpi.health_reason,
                last_known: kpi.last_known,
                current,
                target,
                before,
                year_before,
                trend: kpi.trend,
                recent,
                episode: kpi.episode,
                then: None,
            })
        });
    Ok(shown.collect())
}

/// The histories of those KPIs that are shown in longer periods than their own, folded from their points.
fn folded(
    tx: &mut Scoped,
    kpis: &[KpiRow],
    cadence: Option<Cadence>,
    view: Option<&View>,
) -> Result<HashMap<KpiId, History>> {
    let longer: Vec<KpiRow> = kpis
        .iter()
        .filter_map(|kpi| {
            let shown = shown_cadence(kpi.cadence, cadence);
            (shown != kpi.cadence).then(|| KpiRow { cadence: shown, ..kpi.clone() })
        })
        .collect();
    if longer.is_empty() {
        return Ok(HashMap::new());
    }
    // What is stored is folded by the own cadence: a view of today loads the points themselves.
    let today = tx.today()?;
    let View { as_of, known_at } = view.copied().unwrap_or_default();
    Ok(derive::histories(tx, &longer, &View { as_of: as_of.or(Some(today)), known_at })?)
}

/// The remedies of each KPI whose objective is active, the newest first.
fn remedies(
    tx: &mut Scoped,
    kpis: &[KpiRow],
    histories: &HashMap<KpiId, History>,
    view: Option<&View>,
) -> Result<HashMap<KpiId, Vec<TriageRemedy>>> {
    let recorded_by = Standpoint::of(tx, view)?.recorded_by;
    let ids: Vec<KpiId> = kpis.iter().map(|kpi| kpi.id).collect();
    let mut links = made_by(tx, Of::Kpis(&ids), recorded_by)?;
    links.retain(|link| !link.is_withdrawn_by(recorded_by));
    let counting = Counting::of(tx, &links)?;
    links.retain(|link| counting.treats(link));
    let seen = histories.iter().map(|(id, history)| (*id, Seen::from(history))).collect();
    let ground = Ground::with(tx, &links, seen, view)?;
    let treated = treatments(&links, &ground).into_iter().map(|(kpi, (shown, facts))| {
        let active = shown
            .into_iter()
            .zip(facts)
            .filter(|(_, facts)| facts.objective == RemedyObjective::Active)
            .map(|(remedy, _)| remedy);
        (kpi, active.collect())
    });
    Ok(treated.collect())
}

/// The numbers of a row.
struct Figures {
    cadence: Cadence,
    current: Option<ScorecardValue>,
    target: Option<Bounds>,
    before: Option<ScorecardChange>,
    year_before: Option<ScorecardChange>,
    recent: Vec<RecentPeriod>,
}

impl Figures {
    /// Of a KPI and its history in the periods in which it is shown.
    fn of(kpi: &KpiRow, history: &History) -> Self {
        let cadence = history.settings.cadence;
        let judged = judged(kpi, history);
        let current = history.state.current;
        let place = current.and_then(|current| judged.iter().position(|one| one.period == current.period));
        let upto = place.map_or(0, |place| place + 1);
        let held = judged.get(..upto).unwrap_or_default();
        let earlier = held.split_last().map_or([].as_slice(), |(_, earlier)| earlier);
        let now = held.last();
        let against = |other: &Judged| {
            let (now, before) = (now?, other.value?);
            let change = now.value.and_then(|value| finite(value - before));
            Some(ScorecardChange {
                period: period_name(cadence, other.period.starts_on),
                starts_on: other.period.starts_on.into(),
                value: before,
                change,
                change_ratio: change.and_then(|change| finite(change / before.abs())),
                change_is_good: now
                    .value
                    .zip(now.target)
                    .and_then(|(value, target)| change_is_good(before, value, &target.band)),
            })
        };
        let year = now.and_then(|now| year_before(&history.calendar, cadence, &now.period));
        Self {
            cadence,
            current: now.zip(current).map(|(now, current)| ScorecardValue {
                period: period_name(cadence, now.period.starts_on),
                starts_on: now.period.starts_on.into(),
                value: now.value,
                complete: current.complete,
            }),
            target: match now {
                Some(now) => now.target,
                // Without a value the one in force today is what there is to reach.
                None if cadence == kpi.cadence => history.state.target,
                None => None,
            }
            .and_then(|target| Bounds::unless_open(target.band)),
            before: earlier.iter().rev().find(|one| one.value.is_some()).and_then(against),
            year_before: year
                .and_then(|year| earlier.iter().find(|one| one.period == year))
                .and_then(against),
            recent: held
                .iter()
                .skip(held.len().saturating_sub(RECENT))
                .map(|one| RecentPeriod {
                    starts_on: one.period.starts_on.into(),
                    value: one.value,
                    health: one.health,
                })
                .collect(),
        }
    }
}

/// The periods that are shown, each held against the target that holds for it.
fn judged(kpi: &KpiRow, history: &History) -> Vec<Judged> {
    if history.settings.cadence == kpi.cadence {
        return history.judged.clone();
    }
    let judged = history.judged.iter().map(|one| {
        let own = (kpi.cadence, kpi.aggregation);
        let target = target_of_longer(&history.calendar, own, &one.period, &history.targets);
        let both = one.value.zip(target);
        Judged {
            target,
            health: both.map_or(Health::Unknown, |(value, target)| judge(value, &target)),
            ..*one
        }
    });
    judged.collect()
}
