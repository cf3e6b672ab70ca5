//! What the usefulness of KPIs follows from, loaded in a number of statements that does not grow with their number.

use std::collections::HashMap;

use diesel::prelude::*;
use jiff::civil::Date;

use crate::care::remedies::Standpoint;
use crate::http::Result;
use crate::kpis::derive::{self, View};
use crate::kpis::row::KpiRow;
use crate::learning::decisions::{Afterwards, DecisionRow, judged, of_kpis};
use crate::maths::{Decided, Stretch, Usefulness, UsefulnessInput, usefulness};
use crate::store::schema::{review_kpis, reviews};
use crate::store::{Day, DecisionId, IDS_PER_STATEMENT, KpiId, ReviewId, StoreError, Tx};

/// How useful a KPI is, with the decisions and reviews that people ask for first.
#[derive(Clone, Debug)]
pub struct Figures {
    /// Verdict and figures.
    pub usefulness: Usefulness,
    /// The last decision, whatever it was.
    pub last_decision: Option<DecisionRow>,
    /// The last decision that changed something.
    pub last_change: Option<DecisionRow>,
    /// The day of the first review that looked at it.
    pub first_review_on: Option<Date>,
    /// The day of the last one.
    pub last_review_on: Option<Date>,
}

/// How useful KPIs are, now or as it stood.
pub fn usefulness_of(tx: &mut Tx, kpis: &[KpiRow], view: Option<&View>) -> Result<HashMap<KpiId, Figures>> {
    let standpoint = Standpoint::of(tx, view)?;
    let ids: Vec<KpiId> = kpis.iter().map(|kpi| kpi.id).collect();
    let histories = derive::histories(tx, kpis, &view.copied().unwrap_or_default())?;
    let rows = of_kpis(tx, &ids, &standpoint)?;
    let all: Vec<DecisionId> = rows.iter().map(|row| row.id).collect();
    let after = Afterwards::of(tx, &all, standpoint.recorded_by)?;
    let mut decisions: HashMap<KpiId, Vec<DecisionRow>> = HashMap::new();
    for row in rows {
        decisions.entry(row.kpi_id).or_default().push(row);
    }
    let mut reviews = reviews_of(tx, &ids, &standpoint)?;
    let figures = kpis.iter().filter_map(|kpi| {
        let history = histories.get(&kpi.id)?;
        let decisions = decisions.remove(&kpi.id).unwrap_or_default();
        let held = reviews.remove(&kpi.id).unwrap_or_default();
        let on = |row: &DecisionRow| {
            let review = row.review_id.and_then(|id| held.iter().find(|(review, _)| *review == id));
            review.map_or(row.decided_on, |(_, held_on)| row.decided_on.max(*held_on)).date()
        };
        let decided: Vec<Decided> = decisions
            .iter()
            .map(|row| Decided {
                on: on(row),
                choice: row.choice,
                certainty: row.certainty.and_then(|certainty| u8::try_from(certainty).ok()),
                is_reversed: after.reversed.contains_key(&row.id),
                expectation: judged(row, history, standpoint.today.into()).map(|judged| judged.state),
            })
            .collect();
        let episodes: Vec<Stretch> = history
            .episodes
            .iter()
            .map(|episode| Stretch { opened_on: episode.opened_on, closed_on: episode.closed_on })
            .collect();
        let mut days: Vec<Date> = held.iter().map(|(_, held_on)| held_on.date()).collect();
        days.sort();
        let counting = history.counting();
        let usefulness = usefulness(&UsefulnessInput {
            cadence: kpi.cadence,
            reviews: &days,
            decisions: &decided,
            episodes: &episodes,
            judged: &counting,
        });
        let last_change = decisions.iter().rfind(|row| row.choice.changes_something()).cloned();
        Some((
            kpi.id,
            Figures {
                usefulness,
                last_change,
                last_decision: decisions.last().cloned(),
                first_review_on: days.first().copied(),
                last_review_on: days.last().copied(),
            },
        ))
    });
    Ok(figures.collect())
}

type Held = HashMap<KpiId, Vec<(ReviewId, Day)>>;

/// The reviews that looked at KPIs.
fn reviews_of(tx: &mut Tx, ids: &[KpiId], standpoint: &Standpoint) -> Result<Held, StoreError> {
    let (workspace, instant) = (tx.workspace_id()?, standpoint.recorded_by);
    let mut found: Held = HashMap::new();
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let rows: Vec<(KpiId, ReviewId, Day)> = review_kpis::table
            .inner_join(reviews::table.on(reviews::id.eq(review_kpis::review_id)))
            .filter(review_kpis::workspace_id.eq(workspace))
            .filter(review_kpis::kpi_id.eq_any(ids))
            .filter(review_kpis::recorded_at.le(instant))
            .filter(review_kpis::ended_at.is_null().or(review_kpis::ended_at.assume_not_null().gt(instant)))
            .filter(reviews::held_on.le(Day::from(standpoint.today)))
            .select((review_kpis::kpi_id, reviews::id, reviews::held_on))
            .load(tx.db())?;
        for (kpi, review, held_on) in rows {
            found.entry(kpi).or_default().push((review, held_on));
        }
    }
    Ok(found)
}
