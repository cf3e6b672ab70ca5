//! The brief: all that a person needs to know of one KPI before deciding, in one call.
//!
//! Is it changing, why, what should follow, and does it help anyone decide: each with a sentence in plain English
//! made of the numbers, as JSON for programs and as text for terminals and chat.

mod sentences;
mod text;

use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::{Action, At, Db, Reads, Scoped};
use crate::care::acceptance::Accepted;
use crate::care::remedies::Standpoint;
use crate::care::text::Form;
use crate::care::triage::{TriageGroup, TriageRemedy, links_by, placed};
use crate::http::text::Sentence;
use crate::http::{Answer, PlainText, Problem, Query, Result, Routes, routes};
use crate::kpis::annotations::{Annotation, noted_since};
use crate::kpis::contribution::{KpiContribution, explained};
use crate::kpis::derive::{AsOf, History, View, history};
use crate::kpis::drivers::{Driver, drivers_of};
use crate::kpis::forecast::forecast;
use crate::kpis::kpis::{Kpi, Sparkline, show};
use crate::kpis::row::KpiRow;
use crate::kpis::signals;
use crate::learning::usefulness::{KpiUsefulness, shown, usefulness_of};
use crate::store::Day;

/// The path of the brief.
pub fn routes() -> Routes {
    routes! { "kpis",
        "/v1/workspaces/{workspace}/kpis/{kpi}/brief" {
            /// Show whether a KPI changes, why, what should follow, and whether it helps anyone decide.
            /// Each with a sentence made of the numbers. `Accept: text/plain` answers the sentences alone, at most 80
            /// columns wide. With `as_of` or `known_at` it is told as it stood then.
            GET show_brief
        }
    }
}

/// All that a person needs to know of a KPI before deciding.
#[derive(Debug, Serialize, ToSchema)]
pub struct Brief {
    /// The day that it shows; today is shown as it is now.
    pub as_of: Day,
    /// The KPI, with what would make it more useful.
    pub kpi: Kpi,
    /// Is it getting better or worse?
    pub changing: BriefChange,
    /// Why?
    pub why: BriefReasons,
    /// What should follow?
    pub next: BriefNext,
    /// Does it help anyone decide?
    pub helps: KpiUsefulness,
}

/// Whether a KPI is getting better or worse.
#[derive(Debug, Serialize, ToSchema)]
pub struct BriefChange {
    /// What the signals say: a change, or noise.
    #[schema(value_type = Sentence)]
    pub sentence: String,
    /// Where it is heading.
    #[schema(value_type = Sentence)]
    pub forecast: String,
}

/// What is known of why a KPI changed.
#[derive(Debug, Serialize, ToSchema)]
pub struct BriefReasons {
    /// The inputs that moved it most, what happened, and what its drivers say.
    #[schema(value_type = Sentence)]
    pub sentence: String,
    /// Which inputs moved it since the period before; without inputs where it has points of its own.
    pub contribution: KpiContribution,
    /// What is believed to move it, in the order of their linking.
    #[schema(max_items = 50)]
    pub drivers: Vec<Driver>,
    /// What happened since the period before the one from which on it shows its present health, the newest last; ten at
    /// the most.
    #[schema(max_items = 10)]
    pub annotations: Vec<Annotation>,
}

/// What should follow.
#[derive(Debug, Serialize, ToSchema)]
pub struct BriefNext {
    /// What is to be done, or that nothing is.
    #[schema(value_type = Sentence)]
    pub sentence: String,
    /// Where triage puts it.
    pub group: TriageGroup,
    /// Its remedies that were not withdrawn, the newest first.
    pub remedies: Vec<TriageRemedy>,
    /// That it is accepted as it is for a while; null where it is not.
    pub accepted: Option<Accepted>,
}

async fn show_brief(db: Db<Reads>, kpi: At<KpiRow>, as_of: Query<AsOf>) -> Answer<PlainText<Brief>> {
    let form = Form::preferred(&db.accepted());
    db.read(kpi.to(Action::View), as_of, move |tx, kpi, as_of| {
        let view = as_of.view(tx)?;
        let brief = brief(tx, &kpi, view.as_ref())?;
        form.answer(tx, brief, text::page)
    })
    .await
}

fn brief(tx: &mut Scoped, row: &KpiRow, view: Option<&View>) -> Result<Brief> {
    let standpoint = Standpoint::of(tx, view)?;
    let seen = view.copied().unwrap_or_default();
    let history = history(tx, row, &seen)?;
    let rows = || vec![row.clone()];
    let kpi = show(tx, rows(), view, Sparkline::LeftOut)?.pop().ok_or_else(Problem::not_found)?;
    let changing =
        BriefChange { sentence: signals::reason(&history, row), forecast: forecast(&history, row).reason };

    let contribution = explained(tx, row, &seen, None)?;
    let drivers = drivers_of(tx, &[row.id], view)?;
    let since = told_from(&history, row);
    let annotations = match since {
        Some(since) => noted_since(tx, row, since.into(), standpoint.today.into())?,
        None => Vec::new(),
    };
    let why = BriefReasons {
        sentence: sentences::why(row, &contribution, &drivers, &annotations),
        contribution,
        drivers,
        annotations,
    };

    let links = links_by(tx, &standpoint)?;
    let place = placed(tx, rows(), links, view)?.pop().ok_or_else(Problem::not_found)?;
    let (group, remedies, accepted) = place.treatment();
    let next = BriefNext {
        sentence: sentences::next(&kpi, group, &remedies, accepted.as_ref()),
        group,
        remedies,
        accepted,
    };

    let figures = usefulness_of(tx, std::slice::from_ref(row), view)?;
    let figures = figures.get(&row.id).ok_or_else(Problem::not_found)?;
    let helps = shown(figures, row.cadence);
    Ok(Brief { as_of: standpoint.today.into(), kpi, changing, why, next, helps })
}

/// The first day of the period before the one from which on a KPI shows its present health: causes come first.
fn told_from(history: &History, row: &KpiRow) -> Option<Date> {
    let turned = history.calendar.period_of_day(row.cadence, history.state.since?);
    history.calendar.previous(row.cadence, &turned).map(|before| before.starts_on)
}
