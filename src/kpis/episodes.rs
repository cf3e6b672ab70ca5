//! The episodes of a KPI: the stretches in which it was unhealthy.
//!
//! They are derived from its periods, so a correction that removes the unhealthy period removes the
//! episode with it. The newest come first.

use serde::Serialize;
use utoipa::ToSchema;

use crate::access::{Action, At, Db, Reads};
use crate::http::answer::Answer;
use crate::http::page::page_type;
use crate::http::{Listing, Page, Routes, routes};
use crate::kpis::derive::{AsOf, history};
use crate::kpis::row::KpiRow;
use crate::maths::{ClosedBy, Episode, days_between};
use crate::store::Day;

/// The paths of episodes.
pub fn routes() -> Routes {
    routes! { "kpis",
        "/v1/workspaces/{workspace}/kpis/{kpi}/episodes" {
            /// List the episodes of a KPI.
            /// The newest first; only that may be open.
            GET list_episodes
        }
    }
}

/// A stretch in which a KPI was unhealthy.
#[derive(Debug, Serialize, ToSchema)]
pub struct KpiEpisode {
    /// The first day of the period that opened it.
    opened_on: Day,
    /// The value of that period, in the unit of the KPI.
    opening_value: f64,
    /// The value farthest from its period's target, in the unit of the KPI.
    worst_value: f64,
    /// The first day of the period with the worst value.
    worst_on: Day,
    /// The gap of the worst value: positive must rise, negative must fall.
    worst_gap: f64,
    /// The last day of the period that closed it, or the date of its newest point while that runs; null while it is open.
    closed_on: Option<Day>,
    /// What closed it; null while it is open.
    closed_by: Option<ClosedBy>,
    /// Days from its first to its last day, or to today while it is open.
    #[schema(minimum = 0)]
    days: i64,
}

impl KpiEpisode {
    /// An episode, seen on some day.
    pub fn shown(episode: &Episode, today: Day) -> Self {
        let last = episode.closed_on.unwrap_or(today.date());
        Self {
            opened_on: episode.opened_on.into(),
            opening_value: episode.opening_value,
            worst_value: episode.worst_value,
            worst_on: episode.worst_on.into(),
            worst_gap: episode.worst_gap,
            closed_on: episode.closed_on.map(Day::from),
            closed_by: episode.closed_by,
            days: days_between(episode.opened_on, last).max(0),
        }
    }
}

page_type!(KpiEpisodePage, KpiEpisode);

async fn list_episodes(
    db: Db<Reads>,
    kpi: At<KpiRow>,
    listing: Listing<AsOf>,
) -> Answer<Page<KpiEpisodePage>> {
    db.read(kpi.to(Action::View), listing, |tx, kpi, (as_of, paging)| {
        let view = as_of.view(tx)?.unwrap_or_default();
        let history = history(tx, &kpi, &view)?;
        let today = as_of.as_of.unwrap_or(history.calendar.day_of(history.now).into());
        // Counted from the oldest, so that a new one moves no page.
        let mut numbered: Vec<(i64, Episode)> = (0..).zip(history.episodes).collect();
        numbered.reverse();
        let paged = paging.page_of_all(numbered, |(number, _)| -number)?;
        Ok(Page::show(&paging, paged, |(_, episode)| KpiEpisode::shown(&episode, today)))
    })
    .await
}
