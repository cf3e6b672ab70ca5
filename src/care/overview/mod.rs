//! The overview: a home page in one call.
//!
//! KPIs by health and by their group in triage, active objectives by pace and confidence, and what people say of
//! their key results: for the whole, and for each team, owner, category or cycle. Each thing counts in one group.

mod count;

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::{Db, Reads, Scoped, Visibility};
use crate::care::compared;
use crate::care::remedies::Standpoint;
use crate::care::triage::{Scope, kpis_in, links_by, placed};
use crate::http::{Answer, Json, Query, Result, Routes, routes};
use crate::kpis::derive::{AsOf, View};
use crate::kpis::row::{Category, KpiRow};
use crate::maths::word::words;
use crate::okrs::cycles::{CycleRef, CycleRow};
use crate::okrs::objectives::{ObjectiveRow, ObjectiveState};
use crate::okrs::progress::{Past, Surroundings};
use crate::people::members::{self, MemberRef};
use crate::people::teams::{self, TeamRef};
use crate::store::schema::objectives;
use crate::store::{CycleId, Day, MemberId, Moment, TeamId};
use count::{Item, KeyResultFacts, OverviewNumbers, count};

/// The path of the overview.
pub fn routes() -> Routes {
    routes! { "overview",
        "/v1/workspaces/{workspace}/overview" {
            /// Show how things stand, as a whole and by group.
            /// KPIs in use and active objectives, each in one group; the numbers of the groups add up to the total. With
            /// `as_of` or `known_at` it is shown as it stood then; owners, teams, categories and cycles are as they
            /// are now. `compare_to` puts the numbers of an earlier day beside them.
            GET show_overview,
        }
    }
}

words! {
    /// By what the overview is divided.
    pub enum OverviewGrouping {
        /// By team.
        Team = "team",
        /// By owner.
        Owner = "owner",
        /// By category of KPIs; objectives have none.
        Category = "category",
        /// By cycle of objectives; KPIs have none.
        Cycle = "cycle",
    }
}
crate::http::words::impl_wire_words!(OverviewGrouping);

/// What the overview looks at.
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct OverviewFilter {
    /// By what it is divided.
    #[serde(default = "by_team")]
    #[param(inline, default = "team")]
    group_by: OverviewGrouping,
    /// Only KPIs and objectives of these teams and of those under them: an id or a slug; several mean "or".
    #[serde(default)]
    team: Vec<String>,
    /// As it stood when this day ended in the workspace's time zone; today means now.
    #[param(inline)]
    #[serde(default)]
    as_of: Option<Day>,
    /// Counting only what had been recorded by this moment.
    #[param(inline)]
    #[serde(default)]
    known_at: Option<Moment>,
    /// Beside all numbers, those of the end of this day; not after the day that is shown.
    #[param(inline)]
    #[serde(default)]
    compare_to: Option<Day>,
}

fn by_team() -> OverviewGrouping {
    OverviewGrouping::Team
}

/// How things stand.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Overview {
    /// The day that it shows; today is shown as it is now.
    pub as_of: Day,
    /// The day with which it is compared; null where none was asked for.
    pub compared_to: Option<Day>,
    /// By what it is divided.
    pub group_by: OverviewGrouping,
    /// All of it.
    pub total: OverviewNumbers,
    /// With `compare_to`: all of it then; else null.
    pub total_before: Option<OverviewNumbers>,
    /// The groups that hold something, or held something then, by name. The last one holds what belongs to none, and is always there.
    pub groups: Vec<OverviewGroup>,
}

/// A group: what one team, owner, category or cycle has; without any of them what belongs to none.
#[derive(Clone, Debug, Default, Serialize, ToSchema)]
pub struct OverviewGroup {
    /// The team; null where it is divided otherwise.
    pub team: Option<TeamRef>,
    /// The owner; null where it is divided otherwise.
    pub owner: Option<MemberRef>,
    /// The category; null where it is divided otherwise.
    pub category: Option<Category>,
    /// The cycle; null where it is divided otherwise.
    pub cycle: Option<CycleRef>,
    /// Its numbers.
    pub numbers: OverviewNumbers,
    /// With `compare_to`: its numbers then; else null.
    pub before: Option<OverviewNumbers>,
}

/// What a thing belongs to, by the grouping.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
enum Key {
    Team(TeamId),
    Owner(MemberId),
    /// By its place among the words.
    Category(usize),
    Cycle(CycleId),
}

/// What a thing may belong to.
struct Places {
    team: Option<TeamId>,
    owner: Option<MemberId>,
    category: Option<Category>,
    cycle: Option<CycleId>,
}

impl Places {
    fn of_kpi(row: &KpiRow) -> Self {
        Self { team: row.team_id, owner: row.owner_id, category: Some(row.category), cycle: None }
    }

    fn of_objective(row: &ObjectiveRow) -> Self {
        Self { team: row.team_id, owner: row.owner_id, category: None, cycle: row.cycle_id }
    }

    fn key(&self, grouping: OverviewGrouping) -> Option<Key> {
        match grouping {
            OverviewGrouping::Team => self.team.map(Key::Team),
            OverviewGrouping::Owner => self.owner.map(Key::Owner),
            OverviewGrouping::Category => {
                Category::ALL.iter().position(|category| Some(*category) == self.category).map(Key::Category)
            }
            OverviewGrouping::Cycle => self.cycle.map(Key::Cycle),
        }
    }
}

async fn show_overview(db: Db<Reads>, filter: Query<OverviewFilter>) -> Answer<Json<Overview>> {
    db.read((), filter, |tx, (), filter| {
        let view = AsOf { as_of: filter.as_of, known_at: filter.known_at }.view(tx)?;
        let scope = Scope::named(tx, &filter.team, &[])?;
        let before = compared::before(tx, filter.compare_to, view.as_ref())?;
        Ok(Json::new(overview(tx, &scope, filter.group_by, view, before)?))
    })
    .await
}

fn overview(
    tx: &mut Scoped,
    scope: &Scope,
    group_by: OverviewGrouping,
    view: Option<View>,
    before: Option<View>,
) -> Result<Overview> {
    let standpoint = Standpoint::of(tx, view.as_ref())?;
    let (total, counted, mut cycles) = counted(tx, scope, group_by, view)?;
    let mut groups: BTreeMap<Option<Key>, (OverviewNumbers, Option<OverviewNumbers>)> =
        counted.into_iter().map(|(key, numbers)| (key, (numbers, None))).collect();
    let total_before = match before {
        None => None,
        Some(before) => {
            let (total, counted, cycles_then) = self::counted(tx, scope, group_by, Some(before))?;
            cycles.extend(cycles_then);
            for group in groups.values_mut() {
                group.1 = Some(OverviewNumbers::default());
            }
            for (key, numbers) in counted {
                groups.entry(key).or_default().1 = Some(numbers);
            }
            Some(total)
        }
    };
    Ok(Overview {
        as_of: standpoint.today.into(),
        compared_to: before.and_then(|before| before.as_of),
        group_by,
        total,
        total_before,
        groups: named(tx, groups, &cycles)?,
    })
}

type Counted = (OverviewNumbers, Vec<(Option<Key>, OverviewNumbers)>, HashMap<CycleId, CycleRow>);

/// The numbers of the whole and of each group, as they are now or were then, and the cycles that were met.
fn counted(
    tx: &mut Scoped,
    scope: &Scope,
    group_by: OverviewGrouping,
    view: Option<View>,
) -> Result<Counted> {
    let mut items = kpis(tx, scope, group_by, view.as_ref())?;
    let (goals, cycles) = goals(tx, scope, group_by, view)?;
    items.extend(goals);
    let (total, groups) = count(&items);
    Ok((total, groups, cycles))
}

type Items = Vec<(Option<Key>, Item)>;

fn kpis(tx: &mut Scoped, scope: &Scope, group_by: OverviewGrouping, view: Option<&View>) -> Result<Items> {
    let standpoint = Standpoint::of(tx, view)?;
    let rows = kpis_in(tx, scope, view, &standpoint)?;
    let keys: HashMap<_, _> = rows.iter().map(|row| (row.id, Places::of_kpi(row).key(group_by))).collect();
    let (shown, private): (Vec<KpiRow>, Vec<KpiRow>) =
        rows.into_iter().partition(|row| row.visibility == Visibility::Workspace);
    let mut items: Items =
        private.iter().map(|row| (Places::of_kpi(row).key(group_by), Item::Private)).collect();
    let links = links_by(tx, &standpoint)?;
    items.extend(placed(tx, shown, links, view)?.into_iter().map(|placed| {
        let key = keys.get(&placed.kpi.id).copied().flatten();
        (key, Item::Kpi { health: placed.kpi.health, group: placed.group })
    }));
    Ok(items)
}

/// Active objectives with their key results, and the cycles that they belong to.
fn goals(
    tx: &mut Scoped,
    scope: &Scope,
    group_by: OverviewGrouping,
    view: Option<View>,
) -> Result<(Items, HashMap<CycleId, CycleRow>)> {
    let query = objectives::table.filter(objectives::workspace_id.eq(tx.here()?)).into_boxed();
    let past = view.map(|view| Past::of(tx, view)).transpose()?;
    let mut rows: Vec<ObjectiveRow> = match &past {
        None => query.filter(objectives::state.eq(ObjectiveState::Active)).load(tx.db())?,
        Some(past) => {
            let rows = query.filter(objectives::created_at.le(past.recorded_by)).load(tx.db())?;
            past.objectives(tx, rows)?
        }
    };
    rows.retain(|row| row.is_worked_on() && scope.holds(None, row.team_id));
    let around = Surroundings::as_seen(tx, &rows.iter().collect::<Vec<_>>(), past)?;
    let items = rows.iter().map(|row| {
        let item = match row.visibility {
            Visibility::Private => Item::Private,
            Visibility::Workspace => objective(&around, row),
        };
        (Places::of_objective(row).key(group_by), item)
    });
    Ok((items.collect(), around.cycles.clone()))
}

fn objective(around: &Surroundings, row: &ObjectiveRow) -> Item {
    let summary = around.summarise(row);
    let in_use = around.key_results_of(row.id).iter().filter(|key_result| key_result.archived_at.is_none());
    Item::Objective {
        pace: summary.pace,
        worst: summary.confidence.worst,
        key_results: in_use
            .map(|key_result| around.measure(key_result, row))
            .map(|seen| KeyResultFacts { confidence: seen.confidence, is_overdue: seen.overdue })
            .collect(),
    }
}

/// The groups with what they are called, by name; that of none comes last.
fn named(
    tx: &mut Scoped,
    counted: BTreeMap<Option<Key>, (OverviewNumbers, Option<OverviewNumbers>)>,
    cycles: &HashMap<CycleId, CycleRow>,
) -> Result<Vec<OverviewGroup>> {
    let workspace = tx.here()?;
    let keys = || counted.keys().filter_map(|key| *key);
    let team = |key| if let Key::Team(id) = key { Some(id) } else { None };
    let owner = |key| if let Key::Owner(id) = key { Some(id) } else { None };
    let teams = teams::names(tx, workspace, keys().filter_map(team))?;
    let owners = members::names(tx, workspace, keys().filter_map(owner))?;
    let mut groups: Vec<(Option<String>, OverviewGroup)> = Vec::new();
    for (key, (numbers, before)) in counted {
        let blank = OverviewGroup { numbers, before, ..OverviewGroup::default() };
        groups.push(match key {
            None => (None, blank),
            Some(Key::Team(id)) => {
                let team = teams.get(&id).cloned();
                (
                    Some(team.as_ref().map_or_else(String::new, |team| team.name.to_lowercase())),
                    OverviewGroup { team, ..blank },
                )
            }
            Some(Key::Owner(id)) => {
                let owner = owners.get(&id).cloned();
                let name = owner.as_ref().map_or_else(String::new, |owner| owner.name.to_lowercase());
                (Some(name), OverviewGroup { owner, ..blank })
            }
            Some(Key::Category(place)) => {
                let category = Category::ALL.get(place).copied();
                let name = category.map_or_else(String::new, |category| category.as_str().to_owned());
                (Some(name), OverviewGroup { category, ..blank })
            }
            Some(Key::Cycle(id)) => {
                let cycle = cycles.get(&id);
                let name = cycle.map_or_else(String::new, |cycle| cycle.name_folded.clone());
                (Some(name), OverviewGroup { cycle: cycle.map(CycleRow::shown_as_reference), ..blank })
            }
        });
    }
    // Neighbours of one name keep the order of their keys.
    groups.sort_by(|(left, _), (right, _)| (left.is_none(), left).cmp(&(right.is_none(), right)));
    Ok(groups.into_iter().map(|(_, group)| group).collect())
}
