//! Reading points back: those of a KPI as a list, those of many KPIs in the forms in which they are posted.

use diesel::dsl::not;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::formats::{self, Written};
use super::names::resolve;
use super::show::{Point, Shown};
use super::when::{When, WhenText};
use crate::access::hidden::Hidden;
use crate::access::{Action, At, Db, Reads, Scoped};
use crate::http::accept::preferred;
use crate::http::answer::{Answer, Answers, Reply};
use crate::http::page::{Paged, Total, page_type};
use crate::http::{Draft, Listing, Page, Paging, Problem, Result};
use crate::kpis::derive::{PointRow, Quality};
use crate::kpis::row::KpiRow;
use crate::store::connection::MultiBackend;
use crate::store::schema::{kpis, points};
use crate::store::{KpiId, Moment, WorkspaceId};

page_type!(PointPage, Point);

/// Which points of a KPI.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct KpiPointsFilter {
    /// From this date or instant on.
    #[param(inline, value_type = Option<WhenText>)]
    from: Option<When>,
    /// Up to this date or instant, which is included.
    #[param(inline, value_type = Option<WhenText>)]
    to: Option<When>,
    /// Of these feeds; the default one is empty.
    #[serde(default)]
    feed: Vec<String>,
    /// Of these qualities.
    #[serde(default)]
    #[param(inline)]
    quality: Vec<Quality>,
}

/// Which points.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct PointsFilter {
    /// Of these KPIs, by id, key, former key or alias; of all by default.
    #[serde(default)]
    kpi: Vec<String>,
    /// From this date or instant on.
    #[param(inline, value_type = Option<WhenText>)]
    from: Option<When>,
    /// Up to this date or instant, which is included.
    #[param(inline, value_type = Option<WhenText>)]
    to: Option<When>,
}

/// The most that a page of many KPIs' points holds.
const MOST_EXPORTED: usize = formats::MOST_POINTS;

/// Where a page ended.
#[derive(Serialize, Deserialize)]
struct Place {
    kpi: KpiId,
    at: Moment,
    feed: String,
}

impl Place {
    fn of(row: &PointRow) -> Self {
        Self { kpi: row.kpi_id, at: row.at, feed: row.feed.clone() }
    }
}

/// Points of some KPIs, in some time.
struct Wanted {
    workspace: WorkspaceId,
    kpis: Vec<KpiId>,
    from: Option<Moment>,
    until: Option<Moment>,
    feeds: Vec<String>,
    qualities: Vec<Quality>,
}

pub(super) async fn list_kpi_points(
    db: Db<Reads>,
    kpi: At<KpiRow>,
    listing: Listing<KpiPointsFilter>,
) -> Answer<Page<PointPage>> {
    db.read(kpi.to(Action::View), listing, |tx, kpi, (filter, paging)| {
        let calendar = tx.workspace()?.calendar();
        let wanted = Wanted {
            workspace: tx.here()?,
            kpis: vec![kpi.id],
            from: filter.from.map(|from| from.start(&calendar)),
            until: filter.to.map(|to| to.end(&calendar)),
            feeds: filter.feed,
            qualities: filter.quality,
        };
        let paged = wanted.page(tx, &paging)?;
        let shown = Shown::prepare(tx, &[kpi.into_inner()], &paged.rows)?;
        Ok(Page::show(&paging, paged, |row| shown.point(row)))
    })
    .await
}

pub(super) async fn export_points(
    db: Db<Reads>,
    listing: Listing<PointsFilter, MOST_EXPORTED>,
) -> Answer<Export> {
    let form = Form::of(&db.accepted());
    db.read((), listing, move |tx, (), (filter, paging)| {
        let calendar = tx.workspace()?.calendar();
        let rows = kpis_named(tx, &filter.kpi)?;
        let wanted = Wanted {
            workspace: tx.here()?,
            kpis: rows.iter().map(|kpi| kpi.id).collect(),
            from: filter.from.map(|from| from.start(&calendar)),
            until: filter.to.map(|to| to.end(&calendar)),
            feeds: Vec::new(),
            qualities: Vec::new(),
        };
        let paged = wanted.page(tx, &paging)?;
        let shown = Shown::prepare(tx, &rows, &paged.rows)?;
        let next = paging.next_link(&paged);
        Ok(match form {
            Form::Json => Export::Json(Page::show(&paging, paged, |row| shown.point(row))),
            Form::Ndjson => Export::Text {
                media: formats::NDJSON,
                body: formats::write_lines(paged.rows.iter().map(|row| written(&shown, row))),
                next,
            },
            Form::Csv => Export::Text {
                media: "text/csv; charset=utf-8",
                body: formats::write_csv(paged.rows.iter().map(|row| written(&shown, row))),
                next,
            },
        })
    })
    .await
}

fn written<'a>(shown: &'a Shown, row: &'a PointRow) -> Written<'a> {
    Written {
        kpi: shown.key(row.kpi_id),
        at: row.at,
        value: row.value,
        feed: &row.feed,
        note: row.note.as_deref(),
        quality: row.quality,
    }
}

/// The KPIs that are named, or all of them.
fn kpis_named(tx: &mut Scoped, names: &[String]) -> Result<Vec<KpiRow>> {
    if names.is_empty() {
        let seen = kpis::table
            .filter(kpis::workspace_id.eq(tx.here()?))
            .filter(not(Hidden::from(tx)?.kpi()))
            .into_boxed::<MultiBackend>();
        return Ok(seen.load(tx.db())?);
    }
    let found = resolve(tx, names.iter().map(String::as_str))?;
    let mut rows: Vec<KpiRow> = names
        .iter()
        .map(|name| {
            found.kpi(name).map(|kpi| kpi.as_ref().clone()).ok_or_else(|| Problem::not_found_at("kpi"))
        })
        .collect::<Result<_>>()?;
    rows.sort_by_key(|row| row.id);
    rows.dedup_by_key(|row| row.id);
    Ok(rows)
}

impl Wanted {
    fn page(&self, tx: &mut Scoped, paging: &Paging) -> Result<Paged<PointRow>> {
        let total = match paging.total {
            Total::NotWanted => None,
            Total::Wanted => Some(self.query(None).count().get_result(tx.db())?),
        };
        let after: Option<Place> = paging.after()?;
        let rows: Vec<PointRow> = self
            .query(after.as_ref())
            .order((points::kpi_id, points::at, points::feed))
            .limit(paging.rows())
            .load(tx.db())?;
        Ok(paging.page(rows, total, Place::of))
    }

    fn query(&self, after: Option<&Place>) -> points::BoxedQuery<'_, crate::store::connection::MultiBackend> {
        // Ids sort alike here and there, so that KPIs which the pages before have shown are left out.
        let kpis: Vec<KpiId> =
            self.kpis.iter().copied().filter(|id| after.is_none_or(|after| *id >= after.kpi)).collect();
        let mut query = points::table
            .filter(points::workspace_id.eq(self.workspace))
            .filter(points::kpi_id.eq_any(kpis))
            .into_boxed();
        if let Some(from) = self.from {
            query = query.filter(points::at.ge(from));
        }
        if let Some(until) = self.until {
            query = query.filter(points::at.lt(until));
        }
        if !self.feeds.is_empty() {
            query = query.filter(points::feed.eq_any(&self.feeds));
        }
        if !self.qualities.is_empty() {
            query = query.filter(points::quality.eq_any(&self.qualities));
        }
        if let Some(Place { kpi, at, feed }) = after {
            query = query.filter(
                points::kpi_id
                    .ne(*kpi)
                    .or(points::at.gt(*at))
                    .or(points::at.eq(*at).and(points::feed.gt(feed.clone()))),
            );
        }
        query
    }
}

/// The forms in which points are read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Ndjson,
    Csv,
}

impl Form {
    /// What the caller wants most; the first of equals.
    fn of(accepted: &[&str]) -> Self {
        match preferred(accepted, formats::MEDIA) {
            formats::NDJSON => Self::Ndjson,
            formats::CSV => Self::Csv,
            _ => Self::Json,
        }
    }
}

/// Points as JSON, or in a form in which they can be posted again.
pub enum Export {
    /// A page of them.
    Json(Page<PointPage>),
    /// NDJSON or CSV.
    Text {
        /// The media type.
        media: &'static str,
        /// The text.
        body: Vec<u8>,
        /// The path of the next page.
        next: Option<String>,
    },
}

impl Answers for Export {
    const MEDIA: &'static [&'static str] = formats::MEDIA;

    fn into_reply(self) -> Reply {
        match self {
            Self::Json(page) => page.into_reply(),
            Self::Text { media, body, next } => Reply::bytes(media, body, next),
        }
    }

    fn describe(draft: &mut Draft) {
        Page::<PointPage>::describe(draft);
        draft.also_as(200, formats::NDJSON);
        draft.also_as(200, formats::CSV);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_form_is_what_the_caller_wants_most() {
        let form = |accepted: &str| Form::of(&[accepted]);
        assert_eq!(Form::of(&[]), Form::Json);
        assert_eq!(form("*/*"), Form::Json);
        assert_eq!(form("text/csv"), Form::Csv);
        assert_eq!(form("application/x-ndjson, application/json;q=0.5"), Form::Ndjson);
        assert_eq!(form("text/*;q=0.9, application/json;q=0.8"), Form::Csv);
    }
}
