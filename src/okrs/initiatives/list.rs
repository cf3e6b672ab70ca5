//! Lists of initiatives: by parent, status, owner and due day.

use diesel::dsl::not;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::row::{InitiativeRow, InitiativeStatus};
use super::show::{InitiativePage, show};
use crate::access::Scoped;
use crate::access::hidden::Hidden;
use crate::http::page::{Paged, Total};
use crate::http::{Page, Paging, Problem, Result};
use crate::kpis::row::KpiRow;
use crate::maths::word::words;
use crate::okrs::cycles::today;
use crate::okrs::key_results::OwnedKeyResult;
use crate::okrs::objectives::SharedObjective;
use crate::okrs::wire::{ArchivedOkrs, anywhere, refused_in_query};
use crate::people::members;
use crate::store::connection::MultiBackend;
use crate::store::schema::{initiatives, key_results, kpis, objectives};
use crate::store::{Day, InitiativeId, KeyResultId, KpiId, MemberId, Moment, ObjectiveId, WorkspaceId};

words! {
    /// In which order initiatives are listed.
    pub enum InitiativeSort {
        /// What is due first comes first, what has no due day last.
        Due = "due",
        /// By title.
        Title = "title",
        /// The one changed last first.
        Updated = "updated",
    }
}
crate::http::words::impl_wire_words!(InitiativeSort);

/// Which initiatives to list, and in which order.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct InitiativeFilter {
    /// Only those that stand so; several mean "or".
    #[serde(default)]
    #[param(inline)]
    status: Vec<InitiativeStatus>,
    /// Only those of these owners: ids, or `me`; several mean "or".
    #[serde(default)]
    owner: Vec<String>,
    /// Only those under these key results, by id; several mean "or", also with `objective` and `kpi`.
    #[serde(default)]
    key_result: Vec<String>,
    /// Only those under these objectives and their key results, by id.
    #[serde(default)]
    objective: Vec<String>,
    /// Only those under these KPIs, by id or key.
    #[serde(default)]
    kpi: Vec<String>,
    /// Only those that are due on this day or later.
    #[param(inline)]
    due_from: Option<Day>,
    /// Only those that are due on this day or before.
    #[param(inline)]
    due_to: Option<Day>,
    /// Only those that are past their due day and neither done nor dropped, or only the others.
    overdue: Option<bool>,
    /// Only those whose title holds this text, in any case of letters.
    #[param(max_length = 200)]
    q: Option<String>,
    /// Whether archived ones are listed; `no` leaves out those of archived parents, too.
    #[serde(default = "ArchivedOkrs::no")]
    #[param(inline, default = "no")]
    archived: ArchivedOkrs,
    /// The order.
    #[serde(default = "by_due_day")]
    #[param(inline, default = "due")]
    sort: InitiativeSort,
}

fn by_due_day() -> InitiativeSort {
    InitiativeSort::Due
}

/// Where a page ended, by each of the orders.
#[derive(Serialize, Deserialize)]
struct Place {
    due_on: Option<Day>,
    title: String,
    updated_at: Moment,
    id: InitiativeId,
}

type Rows = initiatives::BoxedQuery<'static, MultiBackend>;

/// The page of initiatives that is asked for.
pub fn page(tx: &mut Scoped, filter: &InitiativeFilter, paging: &Paging) -> Result<Page<InitiativePage>> {
    let wanted = Wanted::of(tx, filter)?;
    let total = match paging.total {
        Total::Wanted => Some(wanted.query().count().get_result(tx.db())?),
        Total::NotWanted => None,
    };
    let query = match paging.after::<Place>()? {
        Some(place) => after(wanted.query(), filter.sort, place),
        None => wanted.query(),
    };
    let query = match filter.sort {
        InitiativeSort::Due => {
            query.order((initiatives::due_on.is_null(), initiatives::due_on.asc(), initiatives::id.asc()))
        }
        InitiativeSort::Title => query.order((initiatives::title_folded.asc(), initiatives::id.asc())),
        InitiativeSort::Updated => query.order((initiatives::updated_at.desc(), initiatives::id.asc())),
    };
    let rows: Vec<InitiativeRow> = query.limit(paging.rows()).load(tx.db())?;
    let Paged { rows, next_cursor, total } = paging.page(rows, total, |row| Place {
        due_on: row.due_on,
        title: row.title_folded.clone(),
        updated_at: row.updated_at,
        id: row.id,
    });
    let rows = show(tx, rows)?;
    Ok(Page::show(paging, Paged { rows, next_cursor, total }, |initiative| initiative))
}

/// The rows that come after a place.
fn after(query: Rows, sort: InitiativeSort, place: Place) -> Rows {
    let Place { due_on, title, updated_at, id } = place;
    let later = initiatives::id.gt(id);
    match (sort, due_on) {
        (InitiativeSort::Due, Some(day)) => query.filter(
            initiatives::due_on
                .assume_not_null()
                .gt(day)
                .or(initiatives::due_on.assume_not_null().eq(day).and(later))
                .or(initiatives::due_on.is_null()),
        ),
        (InitiativeSort::Due, None) => query.filter(initiatives::due_on.is_null()).filter(later),
        (InitiativeSort::Title, _) => query.filter(
            initiatives::title_folded.gt(title.clone()).or(initiatives::title_folded.eq(title).and(later)),
        ),
        (InitiativeSort::Updated, _) => query.filter(
            initiatives::updated_at.lt(updated_at).or(initiatives::updated_at.eq(updated_at).and(later)),
        ),
    }
}

/// A filter whose names have been found.
struct Wanted<'a> {
    workspace: WorkspaceId,
    hidden: Hidden,
    today: Day,
    owners: Vec<MemberId>,
    key_results: Vec<KeyResultId>,
    objectives: Vec<ObjectiveId>,
    kpis: Vec<KpiId>,
    filter: &'a InitiativeFilter,
}

impl<'a> Wanted<'a> {
    fn of(tx: &mut Scoped, filter: &'a InitiativeFilter) -> Result<Self> {
        let workspace = tx.here()?;
        let mut key_results = Vec::new();
        for text in &filter.key_result {
            let found = tx.find::<OwnedKeyResult>(text);
            key_results.push(found.map_err(|problem| refused_in_query(problem, "key_result"))?.row.id);
        }
        let mut objectives = Vec::new();
        for text in &filter.objective {
            let found = tx.find::<SharedObjective>(text);
            objectives.push(found.map_err(|problem| refused_in_query(problem, "objective"))?.id);
        }
        let mut kpis = Vec::new();
        for text in &filter.kpi {
            let found = KpiRow::seen(tx, text);
            let found = found.map_err(|problem| refused_in_query(problem, "kpi"))?;
            kpis.push(found.ok_or_else(|| Problem::not_found_at("kpi"))?.id);
        }
        Ok(Self {
            workspace,
            hidden: Hidden::from(tx)?,
            today: Day::from(today(tx)?),
            owners: members::filtered(tx, "owner", &filter.owner)?,
            key_results,
            objectives,
            kpis,
            filter,
        })
    }

    fn query(&self) -> Rows {
        let filter = self.filter;
        let mut query = initiatives::table
            .filter(initiatives::workspace_id.eq(self.workspace))
            .filter(not(self.hidden.initiative()))
            .into_boxed::<MultiBackend>();
        query = match filter.archived {
            ArchivedOkrs::No => self.in_use(query.filter(initiatives::archived_at.is_null())),
            ArchivedOkrs::All => query,
            ArchivedOkrs::Yes => query.filter(initiatives::archived_at.is_not_null()),
        };
        if !filter.status.is_empty() {
            query = query.filter(initiatives::status.eq_any(filter.status.clone()));
        }
        if !self.owners.is_empty() {
            query = query.filter(initiatives::owner_id.eq_any(self.owners.clone()));
        }
        if !(self.key_results.is_empty() && self.objectives.is_empty() && self.kpis.is_empty()) {
            let of_objectives = key_results::table
                .filter(key_results::workspace_id.eq(self.workspace))
                .filter(key_results::objective_id.eq_any(self.objectives.clone()))
                .select(key_results::id.nullable());
            query = query.filter(
                initiatives::key_result_id
                    .eq_any(self.key_results.clone())
                    .or(initiatives::key_result_id.eq_any(of_objectives))
                    .or(initiatives::objective_id.eq_any(self.objectives.clone()))
                    .or(initiatives::kpi_id.eq_any(self.kpis.clone())),
            );
        }
        if let Some(day) = filter.due_from {
            query = query.filter(initiatives::due_on.ge(day));
        }
        if let Some(day) = filter.due_to {
            query = query.filter(initiatives::due_on.le(day));
        }
        let is_open = initiatives::status.eq_any(InitiativeStatus::OPEN);
        let is_settled = initiatives::status.ne_all(InitiativeStatus::OPEN);
        query = match filter.overdue {
            None => query,
            Some(true) => query.filter(initiatives::due_on.lt(self.today)).filter(is_open),
            Some(false) => query.filter(
                initiatives::due_on
                    .is_null()
                    .or(initiatives::due_on.assume_not_null().ge(self.today))
                    .or(is_settled),
            ),
        };
        match &filter.q {
            Some(text) => query.filter(initiatives::title_folded.like(anywhere(text)).escape('\\')),
            None => query,
        }
    }

    /// Those whose parent is not in the archive either.
    fn in_use(&self, query: Rows) -> Rows {
        let key_results = key_results::table
            .inner_join(objectives::table.on(key_results::objective_id.eq(objectives::id)))
            .filter(key_results::workspace_id.eq(self.workspace))
            .filter(key_results::archived_at.is_not_null().or(objectives::archived_at.is_not_null()))
            .select(key_results::id.nullable());
        let objectives = objectives::table
            .filter(objectives::workspace_id.eq(self.workspace))
            .filter(objectives::archived_at.is_not_null())
            .select(objectives::id.nullable());
        let kpis = kpis::table
            .filter(kpis::workspace_id.eq(self.workspace))
            .filter(kpis::archived_at.is_not_null())
            .select(kpis::id.nullable());
        query
            .filter(initiatives::key_result_id.is_null().or(initiatives::key_result_id.ne_all(key_results)))
            .filter(initiatives::objective_id.is_null().or(initiatives::objective_id.ne_all(objectives)))
            .filter(initiatives::kpi_id.is_null().or(initiatives::kpi_id.ne_all(kpis)))
    }
}
