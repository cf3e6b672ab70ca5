//! The tree: a whole cycle, or all that hangs under an objective, in one call.
//!
//! It carries all that a page of it shows: objectives with key results, progress and latest check-ins, and the
//! initiatives, guardrails and remedies that hang on them. The number of statements does not grow with its size.

mod before;

use std::collections::{HashMap, HashSet};

use before::{TreeBefore, TreeLeft};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::hidden::Hidden;
use crate::access::{Db, Reads, Scoped};
use crate::care::compared;
use crate::care::remedies::{Ground, Of, made_by};
use crate::http::text::Url;
use crate::http::{Answer, Json, Name, Query, Result, Routes, routes};
use crate::kpis::derive::AsOf;
use crate::kpis::kpis::KpiRef;
use crate::kpis::row::KpiRow;
use crate::maths::RemedyOutcome;
use crate::okrs::cycles::{CycleRef, CycleRow};
use crate::okrs::initiatives::{self, InitiativeRow, InitiativeStatus};
use crate::okrs::objectives::alignment::children_of;
use crate::okrs::objectives::{Objective, ObjectiveRow, SharedObjective, show};
use crate::okrs::progress::{Past, Surroundings};
use crate::okrs::wire::refused_in_query;
use crate::people::members::{self, MemberRef};
use crate::store::schema::objectives;
use crate::store::{Day, InitiativeId, KeyResultId, KpiId, MemberId, Moment, ObjectiveId, RemedyId};

/// The path of the tree.
pub fn routes() -> Routes {
    routes! { "objectives",
        "/v1/workspaces/{workspace}/tree" {
            /// Show a whole cycle, or all that hangs under an objective.
            /// Objectives that are not archived, never paged: with key results, latest check-ins, progress and
            /// breakdown, initiatives, guardrails and remedies, each right before those under it. With `as_of` or
            /// `known_at` it is shown as it stood then: states, parents, links, check-ins and the values of KPIs;
            /// titles, owners, weights, goals and cycles are as they are now. `compare_to` puts beside each objective
            /// where it stood on an earlier day, and lists what has left.
            GET show_tree,
        }
    }
}

/// Which cycle or objective, and from when it is seen.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct TreeFilter {
    /// The cycle: its id, its slug, or `current`; the current one where neither it nor `objective` is said.
    #[param(max_length = 64)]
    cycle: Option<String>,
    /// Only this objective, by its id, and what hangs under it: whatever its cycle, unless `cycle` says one.
    #[param(max_length = 64)]
    objective: Option<String>,
    /// As it stood when this day ended in the workspace's time zone; today means now.
    #[param(inline)]
    #[serde(default)]
    as_of: Option<Day>,
    /// Counting only what had been recorded by this moment.
    #[param(inline)]
    #[serde(default)]
    known_at: Option<Moment>,
    /// Beside each objective, where it stood when this day ended; not after the day that is shown.
    #[param(inline)]
    #[serde(default)]
    compare_to: Option<Day>,
}

/// A whole cycle, or all that hangs under an objective.
#[derive(Debug, Serialize, ToSchema)]
pub struct Tree {
    /// The day that it shows; today is shown as it is now.
    as_of: Day,
    /// The day with which it is compared; null where none was asked for.
    compared_to: Option<Day>,
    /// The cycle; null where it is of an objective whatever the cycle.
    cycle: Option<CycleRef>,
    /// Its objectives, each right before those under it; neighbours by title.
    objectives: Vec<TreeObjective>,
    /// With `compare_to`: the objectives that stood in it then and do not now, by title; else none.
    left: Vec<TreeLeft>,
}

/// An objective in its place.
#[derive(Debug, Serialize, ToSchema)]
pub struct TreeObjective {
    /// How deep it hangs in this tree: 1 at the top, or where its parent is not in it.
    #[schema(minimum = 1, maximum = 9)]
    level: usize,
    /// The objective.
    objective: Objective,
    /// The work that is meant to move it or its key results, in the order of its making.
    initiatives: Vec<TreeInitiative>,
    /// The KPIs that it is meant to heal, the newest link first; withdrawn links are left out.
    remedies: Vec<TreeRemedy>,
    /// With `compare_to`: where it stood then; null without it, and where it did not stand in this tree.
    before: Option<TreeBefore>,
}

/// An initiative where its objective is shown.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TreeInitiative {
    /// Its id.
    id: InitiativeId,
    /// The key result that it is meant to move; null where it is the objective itself.
    key_result_id: Option<KeyResultId>,
    /// What is to be done.
    title: Name,
    /// Where it stands.
    status: InitiativeStatus,
    /// Who answers for it.
    owner_id: Option<MemberId>,
    /// The owner, as a page shows it.
    owner: Option<MemberRef>,
    /// The day by which it is to be done.
    due_on: Option<Day>,
    /// Whether that day has passed, and it is neither done nor dropped.
    overdue: bool,
    /// Where the work itself is kept.
    url: Option<Url>,
}

/// A remedy where its objective is shown.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct TreeRemedy {
    /// The remedy's id.
    id: RemedyId,
    /// The KPI that is to heal.
    kpi: KpiRef,
    /// What became of it.
    outcome: RemedyOutcome,
    /// 1 - |gap now| / |gap at the baseline|; null without a gap at the baseline.
    #[schema(example = 0.6)]
    share_of_gap_closed: Option<f64>,
}

async fn show_tree(db: Db<Reads>, filter: Query<TreeFilter>) -> Answer<Json<Tree>> {
    db.read((), filter, |tx, (), filter| {
        let root = filter.objective.as_deref().map(|id| tx.find::<SharedObjective>(id)).transpose();
        let root = root.map_err(|problem| refused_in_query(problem, "objective"))?;
        let cycle = match (&filter.cycle, &root) {
            (None, Some(_)) => None,
            (name, _) => Some(CycleRow::named(tx, name.as_deref().unwrap_or("current"))),
        };
        let cycle = cycle.transpose().map_err(|problem| refused_in_query(problem, "cycle"))?;
        let view = AsOf { as_of: filter.as_of, known_at: filter.known_at }.view(tx)?;
        let before = compared::before(tx, filter.compare_to, view.as_ref())?;
        let place = Place { root: root.map(|root| root.row), cycle };
        let before = before.map(|view| before::stood(tx, &place, view)).transpose()?;
        let past = view.map(|view| Past::of(tx, view)).transpose()?;
        let mut tree = tree(tx, &place, past)?;
        if let Some(before) = before {
            tree.compared_to = filter.compare_to;
            before.stand_beside(&mut tree);
        }
        Ok(Json::new(tree))
    })
    .await
}

/// What the tree is of.
struct Place {
    root: Option<ObjectiveRow>,
    cycle: Option<CycleRow>,
}

impl Place {
    /// The objectives that the caller may see there and that are not archived, by title; seen from the past, as they
    /// stood then.
    fn objectives(&self, tx: &mut Scoped, past: Option<&Past>) -> Result<Vec<ObjectiveRow>> {
        let cycle = self.cycle.as_ref();
        let mut rows = match &self.root {
            Some(root) => under(tx, root.clone(), past)?,
            None => seen_of_cycle(tx, cycle, past)?,
        };
        rows.retain(|row| row.archived_at.is_none());
        rows.retain(|row| cycle.is_none_or(|cycle| row.cycle_id == Some(cycle.id)));
        rows.sort_by(|left, right| (&left.title_folded, left.id).cmp(&(&right.title_folded, right.id)));
        Ok(rows)
    }
}

/// The objectives of a cycle, whoever may see them; seen from the past, as they stood then.
pub fn of_cycle(tx: &mut Scoped, cycle: &CycleRow, past: Option<&Past>) -> Result<Vec<ObjectiveRow>> {
    let rows = objectives::table
        .filter(objectives::workspace_id.eq(tx.here()?))
        .filter(objectives::cycle_id.eq(cycle.id))
        .load(tx.db())?;
    match past {
        None => Ok(rows),
        Some(past) => past.objectives(tx, rows),
    }
}

/// Those of them that the caller may see.
fn seen_of_cycle(
    tx: &mut Scoped,
    cycle: Option<&CycleRow>,
    past: Option<&Past>,
) -> Result<Vec<ObjectiveRow>> {
    let Some(cycle) = cycle else { return Ok(Vec::new()) };
    let hidden: HashSet<ObjectiveId> = Hidden::from(tx)?.objectives().load(tx.db())?.into_iter().collect();
    let mut rows = of_cycle(tx, cycle, past)?;
    rows.retain(|row| !hidden.contains(&row.id));
    Ok(rows)
}

/// An objective and all that hangs under it: one statement for each level. What hangs under one that is private to
/// others hangs nowhere, as far as the caller can tell.
fn under(tx: &mut Scoped, root: ObjectiveRow, past: Option<&Past>) -> Result<Vec<ObjectiveRow>> {
    let mut level = match past {
        None => vec![root],
        Some(past) => past.objectives(tx, vec![root])?,
    };
    let hidden: HashSet<ObjectiveId> = Hidden::from(tx)?.objectives().load(tx.db())?.into_iter().collect();
    let mut found: Vec<ObjectiveRow> = Vec::new();
    while !level.is_empty() {
        let ids: Vec<ObjectiveId> = level.iter().map(|row| row.id).collect();
        found.append(&mut level);
        level = match past {
            None => children_of(tx, &ids)?,
            Some(past) => past.children_of(tx, &ids)?,
        };
        level.retain(|row| !hidden.contains(&row.id));
    }
    Ok(found)
}

fn tree(tx: &mut Scoped, place: &Place, past: Option<Past>) -> Result<Tree> {
    let rows = place.objectives(tx, past.as_ref())?;
    let all: Vec<&ObjectiveRow> = rows.iter().collect();
    let around = Surroundings::as_seen(tx, &all, past)?;
    let mut initiatives = initiatives_of(tx, &rows, &around)?;
    let mut remedies = remedies_of(tx, &rows, &around)?;
    let objectives = in_order(&rows)
        .into_iter()
        .map(|(level, row)| TreeObjective {
            level,
            objective: show(tx, &around, row),
            initiatives: initiatives.remove(&row.id).unwrap_or_default(),
            remedies: remedies.remove(&row.id).unwrap_or_default(),
            before: None,
        })
        .collect();
    Ok(Tree {
        as_of: around.today.day.into(),
        compared_to: None,
        cycle: place.cycle.as_ref().map(CycleRow::shown_as_reference),
        objectives,
        left: Vec::new(),
    })
}

/// Objectives with their levels, each right before those under it; neighbours keep their order.
fn in_order(rows: &[ObjectiveRow]) -> Vec<(usize, &ObjectiveRow)> {
    let here: HashSet<ObjectiveId> = rows.iter().map(|row| row.id).collect();
    let mut below: HashMap<Option<ObjectiveId>, Vec<&ObjectiveRow>> = HashMap::new();
    for row in rows {
        below.entry(row.parent_id.filter(|parent| here.contains(parent))).or_default().push(row);
    }
    // The next one stands at the end.
    let mut waiting: Vec<(usize, &ObjectiveRow)> =
        below.remove(&None).into_iter().flatten().rev().map(|row| (1, row)).collect();
    let mut ordered = Vec::with_capacity(rows.len());
    while let Some((level, row)) = waiting.pop() {
        ordered.push((level, row));
        let children = below.remove(&Some(row.id)).into_iter().flatten();
        waiting.extend(children.rev().map(|child| (level + 1, child)));
    }
    ordered
}

/// The initiatives under objectives and under key results of them that are in use.
fn initiatives_of(
    tx: &mut Scoped,
    rows: &[ObjectiveRow],
    around: &Surroundings,
) -> Result<HashMap<ObjectiveId, Vec<TreeInitiative>>> {
    let workspace = tx.here()?;
    let ids: Vec<ObjectiveId> = rows.iter().map(|row| row.id).collect();
    let key_results = ids.iter().flat_map(|id| around.key_results_of(*id));
    let owners: HashMap<KeyResultId, ObjectiveId> =
        key_results.filter(|row| row.archived_at.is_none()).map(|row| (row.id, row.objective_id)).collect();
    let by_then = around.past.as_ref().map_or(tx.now, |past| past.recorded_by);
    let found = initiatives::under(tx, &owners.keys().copied().collect::<Vec<_>>(), &ids, by_then)?;
    let people = members::names(tx, workspace, found.iter().filter_map(|row| row.owner_id))?;
    let today = Day::from(around.today.day);
    let mut shown: HashMap<ObjectiveId, Vec<TreeInitiative>> = HashMap::new();
    for row in found {
        let under = row.key_result_id.and_then(|id| owners.get(&id).copied()).or(row.objective_id);
        let Some(objective) = under else { continue };
        shown.entry(objective).or_default().push(initiative(row, &people, today));
    }
    Ok(shown)
}

fn initiative(row: InitiativeRow, people: &HashMap<MemberId, MemberRef>, today: Day) -> TreeInitiative {
    TreeInitiative {
        id: row.id,
        key_result_id: row.key_result_id,
        title: row.title.as_str().into(),
        status: row.status,
        owner_id: row.owner_id,
        owner: row.owner_id.and_then(|id| people.get(&id).cloned()),
        due_on: row.due_on,
        overdue: initiatives::is_overdue(row.status, row.due_on, today),
        url: row.url.as_deref().map(Url::from),
    }
}

/// What objectives are meant to heal, as far as the caller may see it, and what became of it.
fn remedies_of(
    tx: &mut Scoped,
    rows: &[ObjectiveRow],
    around: &Surroundings,
) -> Result<HashMap<ObjectiveId, Vec<TreeRemedy>>> {
    let here: HashSet<ObjectiveId> = rows.iter().map(|row| row.id).collect();
    let by_then = around.past.as_ref().map_or(tx.now, |past| past.recorded_by);
    let mut links = made_by(tx, Of::Workspace, by_then)?;
    links.retain(|link| here.contains(&link.objective_id) && !link.is_withdrawn_by(by_then));
    let mut shown: HashMap<ObjectiveId, Vec<TreeRemedy>> = HashMap::new();
    let hidden: Vec<RemedyId> = Hidden::from(tx)?.remedies().load(tx.db())?;
    links.retain(|link| !hidden.contains(&link.id));
    if links.is_empty() {
        return Ok(shown);
    }
    let ids: HashSet<KpiId> = links.iter().map(|link| link.kpi_id).collect();
    let kpis = KpiRow::by_ids(tx, &ids.into_iter().collect::<Vec<_>>())?;
    let kpis: Vec<KpiRow> = kpis.into_values().collect();
    let ground = Ground::load(tx, &links, &kpis, around.past.as_ref().map(|past| &past.view))?;
    let kpis: HashMap<KpiId, KpiRef> = kpis.iter().map(|kpi| (kpi.id, kpi.into())).collect();
    for link in links {
        let Some((told, kpi)) = ground.told(&link).zip(kpis.get(&link.kpi_id)) else { continue };
        shown.entry(link.objective_id).or_default().push(TreeRemedy {
            id: link.id,
            kpi: kpi.clone(),
            outcome: told.outcome,
            share_of_gap_closed: told.share_of_gap_closed,
        });
    }
    Ok(shown)
}
