//! Lists of objectives.
//!
//! Words that depend on the clock or on key results (pace, confidence), and tags, are filtered in
//! memory, before paging.

use diesel::dsl::not;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::circle::SharedObjective;
use super::row::{ObjectiveRow, ObjectiveState};
use super::show::{ObjectivePage, show};
use crate::access::Scoped;
use crate::access::hidden::Hidden;
use crate::http::page::{Paged, Total};
use crate::http::{Page, Paging, Result};
use crate::maths::Pace;
use crate::maths::word::words;
use crate::okrs::cycles::CycleRow;
use crate::okrs::progress::Surroundings;
use crate::okrs::wire::{ArchivedOkrs, ConfidenceFilter, anywhere, refused_in_query, shown_tags};
use crate::people::{members, teams};
use crate::store::connection::MultiBackend;
use crate::store::schema::{objective_teams, objectives};
use crate::store::{CycleId, Moment, ObjectiveId};

words! {
    /// In which order objectives are listed.
    pub enum ObjectiveSort {
        /// By title.
        Title = "title",
        /// The newest first.
        Created = "created",
        /// The one changed last first.
        Updated = "updated",
    }
}
crate::http::words::impl_wire_words!(ObjectiveSort);

/// Which objectives to list, and in which order.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ObjectiveFilter {
    /// Only those that stand so; several mean "or".
    #[serde(default)]
    #[param(inline)]
    state: Vec<ObjectiveState>,
    /// Only those of these cycles: id, slug or `current`; several mean "or".
    #[serde(default)]
    cycle: Vec<String>,
    /// Only those that belong to these teams, or to which they contribute: id or slug; several mean "or".
    #[serde(default)]
    team: Vec<String>,
    /// Only those of these owners: ids, or `me`; several mean "or".
    #[serde(default)]
    owner: Vec<String>,
    /// Only those right under these objectives, by id, or under none: `none`; several mean "or".
    #[serde(default)]
    parent: Vec<String>,
    /// Only those of which the numbers say this; several mean "or".
    #[serde(default)]
    #[param(inline)]
    pace: Vec<Pace>,
    /// Only those of whose key results this is the worst that people said last; several mean "or".
    #[serde(default)]
    #[param(inline)]
    confidence: Vec<ConfidenceFilter>,
    /// Only those with one of these tags.
    #[serde(default)]
    tag: Vec<String>,
    /// Only those whose title holds this text, in any case of letters.
    #[param(max_length = 200)]
    q: Option<String>,
    /// Whether archived ones are listed.
    #[serde(default = "ArchivedOkrs::no")]
    #[param(inline, default = "no")]
    archived: ArchivedOkrs,
    /// The order.
    #[serde(default = "by_title")]
    #[param(inline, default = "title")]
    sort: ObjectiveSort,
}

/// Stands for no parent in the filter.
const NO_PARENT: &str = "none";

fn by_title() -> ObjectiveSort {
    ObjectiveSort::Title
}

/// Where a page ended: by title, or by an instant, of which the latest comes first.
#[derive(Serialize, Deserialize, PartialEq, PartialOrd)]
struct Place {
    title: String,
    before: i64,
    id: ObjectiveId,
}

impl ObjectiveSort {
    fn place(self, row: &ObjectiveRow) -> Place {
        let by_instant = |at: Moment| Place { title: String::new(), before: -at.microseconds(), id: row.id };
        match self {
            Self::Title => Place { title: row.title_folded.clone(), before: 0, id: row.id },
            Self::Created => by_instant(row.created_at),
            Self::Updated => by_instant(row.updated_at),
        }
    }
}

/// The page of objectives that is asked for.
pub fn page(tx: &mut Scoped, filter: &ObjectiveFilter, paging: &Paging) -> Result<Page<ObjectivePage>> {
    let needs_memory = !filter.pace.is_empty() || !filter.confidence.is_empty() || !filter.tag.is_empty();
    let paged = if needs_memory { in_memory(tx, filter, paging)? } else { in_sql(tx, filter, paging)? };
    let rows: Vec<&ObjectiveRow> = paged.rows.iter().collect();
    let around = Surroundings::of_objectives(tx, &rows)?;
    Ok(Page::show(paging, paged, |row| show(tx, &around, &row)))
}

fn in_sql(tx: &mut Scoped, filter: &ObjectiveFilter, paging: &Paging) -> Result<Paged<ObjectiveRow>> {
    let total = match paging.total {
        Total::Wanted => Some(matching(tx, filter)?.count().get_result(tx.db())?),
        Total::NotWanted => None,
    };
    let mut query = matching(tx, filter)?;
    if let Some(Place { title, before, id }) = paging.after()? {
        let at = Moment::from_microseconds(before.saturating_neg());
        let same_and_later = objectives::id.gt(id);
        query = match filter.sort {
            ObjectiveSort::Title => query.filter(
                objectives::title_folded
                    .gt(title.clone())
                    .or(objectives::title_folded.eq(title).and(same_and_later)),
            ),
            ObjectiveSort::Created => query
                .filter(objectives::created_at.lt(at).or(objectives::created_at.eq(at).and(same_and_later))),
            ObjectiveSort::Updated => query
                .filter(objectives::updated_at.lt(at).or(objectives::updated_at.eq(at).and(same_and_later))),
        };
    }
    let query = match filter.sort {
        ObjectiveSort::Title => query.order((objectives::title_folded.asc(), objectives::id.asc())),
        ObjectiveSort::Created => query.order((objectives::created_at.desc(), objectives::id.asc())),
        ObjectiveSort::Updated => query.order((objectives::updated_at.desc(), objectives::id.asc())),
    };
    let rows: Vec<ObjectiveRow> = query.limit(paging.rows()).load(tx.db())?;
    Ok(paging.page(rows, total, |row| filter.sort.place(row)))
}

fn in_memory(tx: &mut Scoped, filter: &ObjectiveFilter, paging: &Paging) -> Result<Paged<ObjectiveRow>> {
    let mut rows: Vec<ObjectiveRow> = matching(tx, filter)?.load(tx.db())?;
    rows.retain(|row| {
        let tags = shown_tags(&row.tags);
        filter.tag.is_empty() || tags.iter().any(|tag| filter.tag.iter().any(|wanted| wanted == tag.as_str()))
    });
    if !filter.pace.is_empty() || !filter.confidence.is_empty() {
        let all: Vec<&ObjectiveRow> = rows.iter().collect();
        let around = Surroundings::of_objectives(tx, &all)?;
        rows.retain(|row| {
            let summary = around.summarise(row);
            let worst = ConfidenceFilter::of(summary.confidence.worst);
            (filter.pace.is_empty() || filter.pace.contains(&summary.pace))
                && (filter.confidence.is_empty() || filter.confidence.contains(&worst))
        });
    }
    rows.sort_by(|left, right| {
        let (left, right) = (filter.sort.place(left), filter.sort.place(right));
        (left.title, left.before, left.id).cmp(&(right.title, right.before, right.id))
    });
    paging.page_of_all(rows, |row| filter.sort.place(row))
}

/// What SQL can tell.
fn matching(
    tx: &mut Scoped,
    filter: &ObjectiveFilter,
) -> Result<objectives::BoxedQuery<'static, MultiBackend>> {
    let workspace = tx.here()?;
    let mut query = objectives::table
        .filter(objectives::workspace_id.eq(workspace))
        .filter(not(Hidden::from(tx)?.objective()))
        .into_boxed::<MultiBackend>();
    query = match filter.archived {
        ArchivedOkrs::No => query.filter(objectives::archived_at.is_null()),
        ArchivedOkrs::All => query,
        ArchivedOkrs::Yes => query.filter(objectives::archived_at.is_not_null()),
    };
    if !filter.state.is_empty() {
        query = query.filter(objectives::state.eq_any(filter.state.clone()));
    }
    if !filter.cycle.is_empty() {
        let named = |name: &String| CycleRow::named(tx, name).map(|cycle| cycle.id);
        let cycles: Result<Vec<CycleId>> = filter.cycle.iter().map(named).collect();
        let cycles = cycles.map_err(|problem| refused_in_query(problem, "cycle"))?;
        query = query.filter(objectives::cycle_id.eq_any(cycles));
    }
    if !filter.team.is_empty() {
        let teams = teams::filtered(tx, "team", &filter.team)?;
        let contributed = objective_teams::table
            .filter(objective_teams::workspace_id.eq(workspace))
            .filter(objective_teams::team_id.eq_any(teams.clone()))
            .select(objective_teams::objective_id);
        query = query.filter(objectives::team_id.eq_any(teams).or(objectives::id.eq_any(contributed)));
    }
    if !filter.owner.is_empty() {
        query = query.filter(objectives::owner_id.eq_any(members::filtered(tx, "owner", &filter.owner)?));
    }
    if !filter.parent.is_empty() {
        let parents = named_parents(tx, &filter.parent)?;
        query = if filter.parent.iter().any(|name| name == NO_PARENT) {
            query.filter(objectives::parent_id.eq_any(parents).or(objectives::parent_id.is_null()))
        } else {
            query.filter(objectives::parent_id.eq_any(parents))
        };
    }
    if let Some(text) = &filter.q {
        query = query.filter(objectives::title_folded.like(anywhere(text)).escape('\\'));
    }
    Ok(query)
}

fn named_parents(tx: &mut Scoped, names: &[String]) -> Result<Vec<ObjectiveId>> {
    let names = names.iter().filter(|name| *name != NO_PARENT);
    let find = |name: &String| tx.find::<SharedObjective>(name).map(|found| found.id);
    names.map(find).collect::<Result<_>>().map_err(|problem| refused_in_query(problem, "parent"))
}
