//! KPIs: measures with a healthy band, and what they show now.
//!
//! Only a name is needed to make one. PUT by key lets KPIs live in a repository; archiving keeps the history.
//! What they show comes from their stored state and the clock, or is computed afresh as of a day in the past.

mod advice;
mod change;
mod fields;
pub mod formula;
mod keys;
mod list;
mod picture;
pub mod segment;
mod show;
mod wire;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

pub use crate::http::text::KpiKey;
pub use fields::{KpiAlias, KpiInput, NewKpi};
pub use picture::{Picture, RECENT, pictures};
pub use show::{Sparkline, references, show, show_one, show_pictures};
pub use wire::{
    CurrentValue, Display, Kpi, KpiFreshness, KpiPage, KpiRef, KpiRights, KpiTarget, OpenEpisode,
    RecentPeriod,
};

use super::deeds::{Behind, OfAnotherKpi};
use super::derive::AsOf;
use super::row::KpiRow;
use crate::access::{Action, At, Db, FromSegment, Granted, Reads, Resource, Scoped, Segment, Target, Writes};
use crate::http::answer::Answer;
use crate::http::query::Rehearsable;
use crate::http::{
    Body, Code, Created, Describe, Draft, Json, Listing, NoContent, Nothing, Page, PatchBody, Problem, Put,
    Query, Refusals, Refuses, Result, Routes, routes,
};
use change::{Archived, Present, create, set_archived, update};
use list::KpiFilter;

/// The paths of KPIs.
pub fn routes() -> Routes {
    routes! { "kpis",
        "/v1/workspaces/{workspace}/kpis" {
            /// List KPIs with what they show now.
            /// Filters run before paging; a key that stands several times means "or". With `as_of` or `known_at` all
            /// that derives from points is computed as it stood then; names, owners and cadence are as they are now.
            GET list_kpis,
            /// Make a KPI.
            /// Only the name is needed: the key comes from it, the caller answers for it, it is monthly and takes the
            /// last value of a period. A target holds from the beginning.
            POST create_kpi,
        }
        "/v1/workspaces/{workspace}/kpis/{kpi}" {
            /// Show a KPI.
            /// With `as_of` or `known_at` all that derives from points is computed as it stood then.
            GET show_kpi,
            /// Make the KPI with this key, or bring it to what the body says.
            /// Fields that are absent take their defaults, except the owner, who stays. So KPIs can live in a
            /// repository: a repeated call changes nothing.
            PUT put_kpi,
            /// Change a KPI.
            /// A changed key stays as another name. A changed target holds from the start of the present period.
            PATCH update_kpi,
            /// Archive a KPI.
            /// It keeps its history, takes no points, and leaves lists and triage until it is restored.
            DELETE archive_kpi,
        }
        "/v1/workspaces/{workspace}/kpis/{kpi}/restore" {
            /// Take a KPI back from the archive.
            POST restore_kpi,
        }
    }
}

async fn list_kpis(db: Db<Reads>, list: Listing<KpiFilter>) -> Answer<Page<KpiPage>> {
    db.read((), list, |tx, (), (filter, paging)| {
        let paged = list::page(tx, &filter, &paging)?;
        Ok(Page::show(&paging, paged, |kpi| kpi))
    })
    .await
}

enum Unfit {}
impl Refusals for Unfit {
    const CODES: &'static [Code] = &[
        Code::AlreadyExists,
        Code::LimitReached,
        Code::KpiHasPoints,
        Code::KpiIsAnInput,
        Code::FormulaLoop,
        Code::SegmentLoop,
        Code::Conflict,
    ];
}

async fn create_kpi(
    db: Db<Writes>,
    rehearsal: Rehearsable,
    body: Body<NewKpi>,
    _: Refuses<Unfit>,
) -> Answer<Created<Kpi>> {
    db.write((), (rehearsal, body), |tx, (), (_, body)| {
        let row = create(tx, body, None)?;
        created(tx, row)
    })
    .await
}

async fn show_kpi(db: Db<Reads>, kpi: At<KpiRow>, view: Query<AsOf>) -> Answer<Json<Kpi>> {
    db.read(kpi.to(Action::View), view, |tx, kpi, as_of| {
        let view = as_of.view(tx)?;
        if view.is_none() {
            tx.shows_what_turns();
        }
        let version = kpi.version;
        let shown = show(tx, vec![kpi.into_inner()], view.as_ref(), Sparkline::LeftOut)?;
        let shown = shown.into_iter().next().ok_or_else(Problem::not_found)?;
        Ok(Json::versioned(shown, version))
    })
    .await
}

async fn put_kpi(
    db: Db<Writes>,
    place: Place,
    rehearsal: Rehearsable,
    body: Body<NewKpi>,
    _: Refuses<Unfit>,
) -> Answer<Put<Kpi>> {
    db.write(place, (rehearsal, body), |tx, spot, (_, body)| match spot {
        Spot::Free(key) => {
            tx.expect_version(None)?;
            require_key(body, &[key])?;
            let row = create(tx, body, Some(key))?;
            created(tx, row).map(Put::New)
        }
        Spot::Taken(kpi, path) => {
            // An id says nothing of the key, so the body may.
            if *path != kpi.id.to_string() {
                require_key(body, &[path, &kpi.key])?;
            }
            let present = Present::of(tx, kpi)?;
            let mut fields = body.clone();
            if fields.key.as_ref().is_some_and(|key| key.as_str() == path && *path != kpi.key) {
                // The path named it by a key that it had before, and so does the body.
                fields.key = None;
            }
            let row = update(tx, kpi, &present, &fields)?;
            shown(tx, row).map(Put::There)
        }
    })
    .await
}

async fn update_kpi(
    db: Db<Writes>,
    kpi: At<KpiRow>,
    patch: PatchBody<NewKpi>,
    _: Refuses<Unfit>,
) -> Answer<Json<Kpi>> {
    db.write(kpi.to(Action::Edit), patch, |tx, kpi, patch| {
        let present = Present::of(tx, kpi)?;
        let mut current =
            NewKpi::of(kpi, &present.aliases, present.segment.as_ref(), present.target.as_ref());
        let sent = patch.sent();
        if sent.get("segment_of_id").is_some_and(serde_json::Value::is_null)
            && !sent.contains_key("segment_dimension")
        {
            // Whoever takes a KPI out of its whole takes its dimension away.
            current.segment_dimension = None;
        }
        if sent.get("target").is_some_and(serde_json::Value::is_null) && !sent.contains_key("tolerance") {
            // Whoever ends a target ends its tolerance.
            current.tolerance = None;
        }
        let row = match patch.merged(&current, kpi.version)? {
            Some(fields) => update(tx, kpi, &present, &fields)?,
            None => KpiRow::clone(kpi),
        };
        shown(tx, row)
    })
    .await
}

async fn archive_kpi(
    db: Db<Writes>,
    kpi: At<KpiRow>,
    behind: Query<Behind>,
    _: Refuses<OfAnotherKpi>,
) -> Answer<NoContent> {
    db.write(kpi.to(Action::Archive), behind, |tx, kpi, behind| {
        let decision = behind.found(tx, kpi)?;
        set_archived(tx, kpi, Archived::Yes { decision })?;
        Ok(NoContent)
    })
    .await
}

async fn restore_kpi(db: Db<Writes>, kpi: At<KpiRow>) -> Answer<Json<Kpi>> {
    db.write(kpi.to(Action::Archive), Nothing, |tx, kpi, ()| {
        let row = set_archived(tx, kpi, Archived::No)?;
        shown(tx, row)
    })
    .await
}

fn shown(tx: &mut Scoped, row: KpiRow) -> Result<Json<Kpi>> {
    let version = row.version;
    Ok(Json::versioned(show_one(tx, row)?, version))
}

fn created(tx: &mut Scoped, row: KpiRow) -> Result<Created<Kpi>> {
    let path = format!("/v1/workspaces/{}/kpis/{}", row.workspace_id, row.id);
    Ok(Created::at(path, show_one(tx, row)?, 1))
}

/// Refuses a body whose key is another than the path's.
fn require_key(body: &NewKpi, taken: &[&String]) -> Result<()> {
    match &body.key {
        Some(key) if !taken.iter().any(|taken| *taken == key.as_str()) => Err(Problem::field(
            "/key",
            "differs_from_path",
            "PUT makes the KPI with the key of the path; to rename one, PATCH it, or PUT it by its id",
        )),
        Some(_) | None => Ok(()),
    }
}

/// Where a KPI is put: on one that is there, or on a key that is free.
#[derive(Debug)]
enum Spot<K> {
    /// A KPI, and how the path names it.
    Taken(K, String),
    /// A key that no KPI goes by.
    Free(String),
}

impl FromSegment for Spot<KpiRow> {
    const PARAMETER: &'static str = KpiRow::PARAMETER;

    fn read(tx: &mut Scoped, text: &str) -> Result<Self> {
        let workspace = tx.here()?;
        match KpiRow::named(tx, workspace, text)? {
            Some(row) => Ok(Self::Taken(row, text.to_owned())),
            None if crate::store::id::looks_like_id(text) => Err(Problem::not_found()),
            None if keys::is_key(text) => Ok(Self::Free(text.to_owned())),
            None => Err(Problem::new(
                Code::InvalidId,
                "not a key: [a-z0-9] with single `-`, `_` or `.` between, up to 64",
            )),
        }
    }
}

/// The path of a PUT.
#[derive(Clone, Debug)]
struct Place(Segment<Spot<KpiRow>>);

impl Target for Place {
    type Located = Spot<KpiRow>;
    type Found = Spot<Granted<KpiRow>>;

    fn locate(&self, tx: &mut Scoped) -> Result<Self::Located> {
        self.0.locate(tx)
    }

    fn grant(&self, tx: &mut Scoped, located: Self::Located) -> Result<Self::Found> {
        match located {
            Spot::Taken(row, path) => Ok(Spot::Taken(tx.grant_on(Action::Edit, row)?, path)),
            Spot::Free(key) => Ok(Spot::Free(key)),
        }
    }

    fn version(found: &Self::Found) -> Option<i32> {
        match found {
            Spot::Taken(kpi, _) => Some(kpi.version),
            Spot::Free(_) => None,
        }
    }
}

impl FromRequest for Place {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        std::future::ready(Segment::from_request(request, payload).into_inner().map(Self))
    }
}

impl Describe for Place {
    fn describe(draft: &mut Draft) {
        draft.refuses(&[Code::InvalidId, Code::NotFound]);
    }
}
