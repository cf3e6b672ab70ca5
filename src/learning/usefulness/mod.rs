//! Usefulness: whether a KPI helps anyone decide, or is only reported.
//!
//! A verdict with the figures behind it and a sentence made of them: for one KPI, and for all of them as an audit, so
//! that a team can drop those that help nobody. Everything follows from reviews, decisions, periods and episodes.

mod load;

use std::collections::HashMap;

pub use load::{Figures, usefulness_of};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::{Action, At, Db, Reads, Resource, Scoped};
use crate::care::remedies::Standpoint;
use crate::care::triage::{Scope, kpis_in};
use crate::http::advice::Advice;
use crate::http::page::{Paged, page_type};
use crate::http::text::{Name, Sentence};
use crate::http::{Answer, Json, Listing, Note, Page, Problem, Query, Result, Routes, routes};
use crate::kpis::derive::{AsOf, View};
use crate::kpis::drivers::{Driver, ProxyDrift, drivers_of};
use crate::kpis::kpis::{KpiFreshness, KpiKey, KpiRef, Sparkline, show as show_kpis};
use crate::kpis::row::{Indicator, KpiRow};
use crate::learning::decisions::DecisionRow;
use crate::maths::{Cadence, Choice, Health, UsefulnessVerdict};
use crate::people::members::MemberRef;
use crate::people::teams::TeamRef;
use crate::store::{Day, DecisionId, KpiId, MemberId, Moment, TeamId};

/// The paths of usefulness.
pub fn routes() -> Routes {
    routes! { "decisions",
        "/v1/workspaces/{workspace}/kpis/{kpi}/usefulness" {
            /// Show whether a KPI helps anyone decide.
            /// A verdict, the figures behind it, and a sentence. With `as_of` or `known_at` it is told as it stood then.
            GET show_usefulness,
        }
        "/v1/workspaces/{workspace}/audit/kpis" {
            /// List the KPIs with whether they help anyone decide, by key.
            /// For dropping those that do not. Archived ones are left out. With `as_of` or `known_at` it is told as it
            /// stood then; names, owners and teams are as they are now.
            GET audit_kpis,
        }
    }
}

/// Whether a KPI helps anyone decide, and the figures behind it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct KpiUsefulness {
    /// Whether it helps anyone decide; the first that applies.
    pub verdict: UsefulnessVerdict,
    /// The same as a sentence made of the numbers.
    #[schema(value_type = Sentence)]
    pub reason: String,
    /// How many reviews looked at it.
    #[schema(minimum = 0)]
    pub reviews: usize,
    /// How many of the latest reviews brought no decision but to continue: those held after the last other one.
    #[schema(minimum = 0)]
    pub reviews_without_change: usize,
    /// The day of the first review that looked at it.
    pub first_review_on: Option<Day>,
    /// The day of the last review that looked at it.
    pub last_review_on: Option<Day>,
    /// How many decisions were made because of it, those recorded with what people did too.
    #[schema(minimum = 0)]
    pub decisions: usize,
    /// How many of them were others than to continue.
    #[schema(minimum = 0)]
    pub changes: usize,
    /// The mean certainty of the decisions that tell it, 1 to 5.
    #[schema(minimum = 1, maximum = 5, example = 3.5)]
    pub mean_certainty: Option<f64>,
    /// The share of decisions that a later one took back, 0 to 1; null without decisions.
    #[schema(minimum = 0, maximum = 1, example = 0.25)]
    pub reversed_share: Option<f64>,
    /// How many expectations came true, did not, and cannot be judged yet.
    pub expectations: ExpectationCounts,
    /// The share of the judged expectations that came true, 0 to 1; null while none is judged.
    #[schema(minimum = 0, maximum = 1, example = 0.5)]
    pub met_share: Option<f64>,
    /// The median of the days from an episode's opening to its first decision; null where none was made in one.
    #[schema(minimum = 0, example = 9.5)]
    pub days_to_decision: Option<f64>,
    /// The share of its periods since the first review in which it was healthy, 0 to 1; those of which nobody can tell
    /// do not count.
    #[schema(minimum = 0, maximum = 1, example = 0.8)]
    pub healthy_share: Option<f64>,
    /// The last decision that changed something.
    pub last_change: Option<LastDecision>,
}

/// How many expectations came true.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct ExpectationCounts {
    /// Came true.
    #[schema(minimum = 0)]
    pub met: usize,
    /// Did not.
    #[schema(minimum = 0)]
    pub not_met: usize,
    /// Cannot be judged yet.
    #[schema(minimum = 0)]
    pub too_early: usize,
}

/// A decision, where its KPI is shown.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct LastDecision {
    /// The decision's id.
    pub id: DecisionId,
    /// The day on which it was made.
    pub decided_on: Day,
    /// What was chosen.
    pub choice: Choice,
    /// What was decided and why, in Markdown.
    pub summary: Option<Note>,
}

/// A KPI, and whether it helps anyone decide.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AuditedKpi {
    /// The KPI's id.
    id: KpiId,
    /// Its key.
    #[schema(value_type = KpiKey)]
    key: String,
    /// What people call it.
    #[schema(value_type = Name)]
    name: String,
    /// How often it is measured.
    cadence: Cadence,
    /// Whether it moves before what it stands for, or after.
    indicator: Option<Indicator>,
    /// Who answers for it.
    owner_id: Option<MemberId>,
    /// Who answers for it, by name.
    owner: Option<MemberRef>,
    /// The team that it belongs to; null where it is the whole organisation's.
    team_id: Option<TeamId>,
    /// The team that it belongs to, by name.
    team: Option<TeamRef>,
    /// How it is doing.
    health: Health,
    /// Whether its value is recent enough.
    freshness: KpiFreshness,
    /// Whether it helps anyone decide.
    usefulness: KpiUsefulness,
    /// The last decision because of it, whatever it was.
    last_decision: Option<LastDecision>,
    /// What is believed to move it, and whether the numbers still say so.
    #[schema(max_items = 50)]
    drivers: Vec<AuditedDriver>,
    /// What would make it more useful; refuses nothing.
    #[schema(max_items = 50)]
    advice: Vec<Advice>,
}

/// A KPI that is believed to move another.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct AuditedDriver {
    /// The KPI that is believed to move it.
    driver: KpiRef,
    /// Whether the numbers still say so; null where the two have no periods in common.
    drift: Option<ProxyDrift>,
}

page_type!(AuditPage, AuditedKpi);

/// Which KPIs are audited. A key that stands several times means "or".
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AuditFilter {
    /// Only those of these teams and of those under them: an id or a slug.
    #[serde(default)]
    team: Vec<String>,
    /// Only those of which this is said.
    #[param(inline)]
    #[serde(default)]
    verdict: Vec<UsefulnessVerdict>,
    /// As it stood when this day ended in the workspace's time zone; today means now.
    #[param(inline)]
    as_of: Option<Day>,
    /// Counting only what had been recorded by this moment.
    #[param(inline)]
    known_at: Option<Moment>,
}

async fn show_usefulness(db: Db<Reads>, kpi: At<KpiRow>, view: Query<AsOf>) -> Answer<Json<KpiUsefulness>> {
    db.read(kpi.to(Action::View), view, |tx, kpi, as_of| {
        let view = as_of.view(tx)?;
        let mut found = usefulness_of(tx, std::slice::from_ref(&*kpi), view.as_ref())?;
        let figures = found.remove(&kpi.id).ok_or_else(Problem::not_found)?;
        Ok(Json::new(shown(&figures, kpi.cadence)))
    })
    .await
}

async fn audit_kpis(db: Db<Reads>, list: Listing<AuditFilter>) -> Answer<Page<AuditPage>> {
    db.read((), list, |tx, (), (filter, paging)| {
        let view = AsOf { as_of: filter.as_of, known_at: filter.known_at }.view(tx)?;
        let scope = Scope::named(tx, &filter.team, &[])?;
        let standpoint = Standpoint::of(tx, view.as_ref())?;
        let mut kpis = kpis_in(tx, &scope, view.as_ref(), &standpoint)?;
        kpis.retain(|kpi| tx.sees(&kpi.facts()));
        // Without a verdict to look for, only the KPIs of the page are judged.
        let mut found = HashMap::new();
        if !filter.verdict.is_empty() {
            found = usefulness_of(tx, &kpis, view.as_ref())?;
            kpis.retain(|kpi| {
                found.get(&kpi.id).is_some_and(|one| filter.verdict.contains(&one.usefulness.verdict))
            });
        }
        let Paged { rows, next_cursor, total } = paging.page_of_all(kpis, |kpi| kpi.key.clone())?;
        if filter.verdict.is_empty() {
            found = usefulness_of(tx, &rows, view.as_ref())?;
        }
        let rows = audited(tx, rows, &found, view.as_ref())?;
        Ok(Page::show(&paging, Paged { rows, next_cursor, total }, |kpi| kpi))
    })
    .await
}

fn audited(
    tx: &mut Scoped,
    rows: Vec<KpiRow>,
    found: &HashMap<KpiId, Figures>,
    view: Option<&View>,
) -> Result<Vec<AuditedKpi>> {
    let ids: Vec<KpiId> = rows.iter().map(|row| row.id).collect();
    let kpis = show_kpis(tx, rows, view, Sparkline::LeftOut)?;
    let mut drivers: HashMap<KpiId, Vec<AuditedDriver>> = HashMap::new();
    for Driver { outcome_id, driver, drift, .. } in drivers_of(tx, &ids, view)? {
        drivers.entry(outcome_id).or_default().push(AuditedDriver { driver, drift });
    }
    let shown = kpis.into_iter().filter_map(|kpi| {
        let figures = found.get(&kpi.id)?;
        Some(AuditedKpi {
            usefulness: shown(figures, kpi.cadence),
            last_decision: figures.last_decision.as_ref().map(LastDecision::from),
            drivers: drivers.remove(&kpi.id).unwrap_or_default(),
            advice: kpi.advice,
            id: kpi.id,
            key: kpi.key,
            name: kpi.name,
            cadence: kpi.cadence,
            indicator: kpi.indicator,
            owner_id: kpi.owner_id,
            owner: kpi.owner,
            team_id: kpi.team_id,
            team: kpi.team,
            health: kpi.health,
            freshness: kpi.freshness,
        })
    });
    Ok(shown.collect())
}

impl From<&DecisionRow> for LastDecision {
    fn from(row: &DecisionRow) -> Self {
        Self {
            id: row.id,
            decided_on: row.decided_on,
            choice: row.choice,
            summary: row.summary.as_deref().map(Note::from),
        }
    }
}

/// Figures as the API shows them.
pub fn shown(figures: &Figures, cadence: Cadence) -> KpiUsefulness {
    let usefulness = &figures.usefulness;
    KpiUsefulness {
        verdict: usefulness.verdict,
        reason: reason(figures, cadence),
        reviews: usefulness.reviews,
        reviews_without_change: usefulness.reviews_without_change,
        first_review_on: figures.first_review_on.map(Day::from),
        last_review_on: figures.last_review_on.map(Day::from),
        decisions: usefulness.decisions,
        changes: usefulness.changes,
        mean_certainty: usefulness.mean_certainty,
        reversed_share: usefulness.reversed_share(),
        expectations: ExpectationCounts {
            met: usefulness.met,
            not_met: usefulness.not_met,
            too_early: usefulness.open,
        },
        met_share: usefulness.met_share(),
        days_to_decision: usefulness.days_to_decision,
        healthy_share: usefulness.healthy_share,
        last_change: figures.last_change.as_ref().map(LastDecision::from),
    }
}

/// Why the verdict is what it is, in a sentence made of the numbers.
fn reason(figures: &Figures, cadence: Cadence) -> String {
    let usefulness = &figures.usefulness;
    match usefulness.verdict {
        UsefulnessVerdict::TooEarly => {
            format!("A verdict needs 3 reviews that look at it; so far {} did.", usefulness.reviews)
        }
        UsefulnessVerdict::ReportingArtifact => format!(
            "The latest {} reviews looked at it and decided nothing but to continue.",
            usefulness.reviews_without_change
        ),
        UsefulnessVerdict::Misaligned => {
            let share = usefulness.healthy_share.unwrap_or_default() * 100.0;
            let mut why = Vec::new();
            if usefulness.is_unsure() {
                let mean = usefulness.mean_certainty.unwrap_or_default();
                why.push(format!("the mean certainty of its decisions is {mean:.1} of 5"));
            }
            if usefulness.is_reversed() {
                why.push(format!(
                    "{} of {} decisions were reversed",
                    usefulness.reversed, usefulness.decisions
                ));
            }
            if usefulness.is_slow(cadence) {
                let days = usefulness.days_to_decision.unwrap_or_default();
                why.push(format!("a decision takes {days} days"));
            }
            let why = why.join(" and ");
            format!("It was healthy in {share:.0} % of its periods since the first review, and yet {why}.")
        }
        UsefulnessVerdict::DecisionSignal => {
            let last = usefulness.last_change_on.map(|on| format!(", the last on {on}")).unwrap_or_default();
            format!(
                "{} reviews looked at it, and {} of {} decisions changed something{last}.",
                usefulness.reviews, usefulness.changes, usefulness.decisions
            )
        }
    }
}
