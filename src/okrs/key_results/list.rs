//! Lists of key results, of one objective and of the whole workspace.
//!
//! Words that depend on the clock or on check-ins (pace, confidence, overdue) are filtered in
//! memory, before paging.

use std::collections::HashMap;

use diesel::dsl::not;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::row::{KeyResultRow, of_objectives};
use super::show::{KeyResultPage, show};
use crate::access::hidden::Hidden;
use crate::access::{Resource, Scoped};
use crate::http::page::{Paged, Total};
use crate::http::{Code, Page, Paging, Problem, Result};
use crate::maths::Pace;
use crate::okrs::objectives::{ObjectiveRow, SharedObjective};
use crate::okrs::progress::Surroundings;
use crate::okrs::wire::{ArchivedOkrs, ConfidenceFilter, anywhere};
use crate::people::members;
use crate::store::connection::MultiBackend;
use crate::store::schema::{key_results, objectives};
use crate::store::{KeyResultId, Moment, ObjectiveId};

/// Which key results of an objective to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct OwnKeyResultFilter {
    /// Whether archived ones are listed.
    #[serde(default = "ArchivedOkrs::no")]
    #[param(inline, default = "no")]
    archived: ArchivedOkrs,
}

/// Which key results to list.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct KeyResultFilter {
    /// Only those of which people said this last; several mean "or".
    #[serde(default)]
    #[param(inline)]
    confidence: Vec<ConfidenceFilter>,
    /// Only those of which the numbers say this; several mean "or".
    #[serde(default)]
    #[param(inline)]
    pace: Vec<Pace>,
    /// Only those on which a check-in is overdue, or only the others.
    overdue: Option<bool>,
    /// Only those in whose way something stands, as check-ins say, or only the others.
    blocked: Option<bool>,
    /// Only those of these owners: ids, or `me`; several mean "or".
    #[serde(default)]
    owner: Vec<String>,
    /// Only those of these objectives, by id; several mean "or".
    #[serde(default)]
    objective: Vec<String>,
    /// Only those whose title holds this text, in any case of letters.
    #[param(max_length = 200)]
    q: Option<String>,
}

#[derive(Serialize, Deserialize, PartialEq, PartialOrd)]
struct ByMaking {
    made_at: Moment,
    id: KeyResultId,
}

#[derive(Serialize, Deserialize, PartialEq, PartialOrd)]
struct ByTitle {
    title: String,
    id: KeyResultId,
}

/// The key results of one objective, in the order of their making.
pub fn of_objective(
    tx: &mut Scoped,
    objective: &ObjectiveRow,
    filter: &OwnKeyResultFilter,
    paging: &Paging,
) -> Result<Page<KeyResultPage>> {
    // An objective holds a hundred at the most, so they are loaded at once.
    let mut rows = of_objectives(tx, &[objective.id])?.remove(&objective.id).unwrap_or_default();
    rows.retain(|row| match filter.archived {
        ArchivedOkrs::No => row.archived_at.is_none(),
        ArchivedOkrs::All => true,
        ArchivedOkrs::Yes => row.archived_at.is_some(),
    });
    let paged = paging.page_of_all(rows, |row| ByMaking { made_at: row.created_at, id: row.id })?;
    let own = HashMap::from([(objective.id, paged.rows.clone())]);
    let around = Surroundings::of_key_results(tx, &[objective], own)?;
    Ok(Page::show(paging, paged, |row| show(tx, &around, &row, objective)))
}

/// The key results of the workspace, by title.
pub fn of_workspace(
    tx: &mut Scoped,
    filter: &KeyResultFilter,
    paging: &Paging,
) -> Result<Page<KeyResultPage>> {
    let needs_memory = !filter.confidence.is_empty()
        || !filter.pace.is_empty()
        || filter.overdue.is_some()
        || filter.blocked.is_some();
    let paged = if needs_memory { in_memory(tx, filter, paging)? } else { in_sql(tx, filter, paging)? };
    let (around, objectives) = load(tx, &paged.rows)?;
    let mut shown = Vec::new();
    for row in &paged.rows {
        if let Some(objective) = objectives.get(&row.objective_id) {
            shown.push(show(tx, &around, row, objective));
        }
    }
    let Paged { rows: _, next_cursor, total } = paged;
    Ok(Page::show(paging, Paged { rows: shown, next_cursor, total }, |key_result| key_result))
}

fn in_sql(tx: &mut Scoped, filter: &KeyResultFilter, paging: &Paging) -> Result<Paged<KeyResultRow>> {
    let total = match paging.total {
        Total::Wanted => Some(matching(tx, filter)?.count().get_result(tx.db())?),
        Total::NotWanted => None,
    };
    let mut query = matching(tx, filter)?;
    if let Some(after) = paging.after::<ByTitle>()? {
        query = query.filter(
            key_results::title_folded
                .gt(after.title.clone())
                .or(key_results::title_folded.eq(after.title).and(key_results::id.gt(after.id))),
        );
    }
    let rows: Vec<KeyResultRow> = query
        .order((key_results::title_folded, key_results::id))
        .limit(paging.rows())
        .select(key_results::all_columns)
        .load(tx.db())?;
    Ok(paging.page(rows, total, by_title))
}

fn in_memory(tx: &mut Scoped, filter: &KeyResultFilter, paging: &Paging) -> Result<Paged<KeyResultRow>> {
    let mut rows: Vec<KeyResultRow> = matching(tx, filter)?
        .order((key_results::title_folded, key_results::id))
        .select(key_results::all_columns)
        .load(tx.db())?;
    let (around, objectives) = load(tx, &rows)?;
    rows.retain(|row| {
        let Some(objective) = objectives.get(&row.objective_id) else { return false };
        let measured = around.measure(row, objective);
        (filter.confidence.is_empty()
            || filter.confidence.contains(&ConfidenceFilter::of(measured.confidence)))
            && (filter.pace.is_empty() || filter.pace.contains(&measured.pace))
            && filter.overdue.is_none_or(|overdue| overdue == measured.overdue)
            && filter.blocked.is_none_or(|blocked| blocked == around.is_blocked(row.id))
    });
    paging.page_of_all(rows, by_title)
}

fn by_title(row: &KeyResultRow) -> ByTitle {
    ByTitle { title: row.title_folded.clone(), id: row.id }
}

type Joined = diesel::dsl::InnerJoinOn<
    key_results::table,
    objectives::table,
    diesel::dsl::Eq<key_results::objective_id, objectives::id>,
>;

/// All that is not archived, of objectives that are not, by what SQL can tell.
fn matching(
    tx: &mut Scoped,
    filter: &KeyResultFilter,
) -> Result<diesel::helper_types::IntoBoxed<'static, Joined, MultiBackend>> {
    let workspace = tx.here()?;
    let mut query = key_results::table
        .inner_join(objectives::table.on(key_results::objective_id.eq(objectives::id)))
        .into_boxed::<MultiBackend>()
        .filter(key_results::workspace_id.eq(workspace))
        .filter(key_results::archived_at.is_null())
        .filter(objectives::archived_at.is_null())
        .filter(not(Hidden::from(tx)?.objective()));
    if !filter.owner.is_empty() {
        query = query.filter(key_results::owner_id.eq_any(members::filtered(tx, "owner", &filter.owner)?));
    }
    if !filter.objective.is_empty() {
        let ids: Vec<ObjectiveId> = filter
            .objective
            .iter()
            .map(|text| {
                text.parse().map_err(|error| Problem::new(Code::InvalidQuery, format!("objective: {error}")))
            })
            .collect::<Result<_>>()?;
        let found = SharedObjective::by_ids(tx, &ids)?;
        if ids.iter().any(|id| !found.get(id).is_some_and(|found| tx.sees(&found.facts()))) {
            return Err(Problem::not_found_at("objective"));
        }
        query = query.filter(key_results::objective_id.eq_any(ids));
    }
    if let Some(text) = &filter.q {
        query = query.filter(key_results::title_folded.like(anywhere(text)).escape('\\'));
    }
    Ok(query)
}

fn load(
    tx: &mut Scoped,
    rows: &[KeyResultRow],
) -> Result<(Surroundings, HashMap<ObjectiveId, ObjectiveRow>)> {
    let mut by_objective: HashMap<ObjectiveId, Vec<KeyResultRow>> = HashMap::new();
    for row in rows {
        by_objective.entry(row.objective_id).or_default().push(row.clone());
    }
    let ids: Vec<ObjectiveId> = by_objective.keys().copied().collect();
    let objectives = ObjectiveRow::by_ids(tx, &ids)?;
    let listed: Vec<&ObjectiveRow> = objectives.values().collect();
    let around = Surroundings::of_key_results(tx, &listed, by_objective)?;
    Ok((around, objectives))
}
