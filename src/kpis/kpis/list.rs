//! Lists of KPIs: what they are filtered and sorted by, and which page of them is shown.

use diesel::dsl::count_star;
use diesel::dsl::not;
use diesel::prelude::*;
use serde::Deserialize;
use utoipa::IntoParams;

use super::picture::{Picture, pictures};
use super::show::{Sparkline, show_with_advice};
use super::wire::Kpi;
use crate::access::Scoped;
use crate::access::hidden::Hidden;
use crate::http::page::{Paged, Paging, Position, Total};
use crate::http::text::folded;
use crate::http::{Code, Problem, Result};
use crate::kpis::boards;
use crate::kpis::derive::{AsOf, View};
use crate::kpis::row::{Category, Indicator, KpiRow};
use crate::maths::word::words;
use crate::maths::{Freshness, Health, Trend};
use crate::people::{members, teams};
use crate::store::connection::MultiBackend;
use crate::store::schema::kpis;
use crate::store::{BoardId, Day, KpiId, MemberId, Moment, TeamId, WorkspaceId};

words! {
    /// Whether something treats a KPI.
    pub enum Treated {
        /// An active remedy does.
        Yes = "yes",
        /// Nothing does.
        No = "no",
    }

    /// Whether archived KPIs are listed.
    pub enum ArchivedKpis {
        /// Only those in use.
        No = "no",
        /// Only archived ones.
        Yes = "yes",
        /// Both.
        All = "all",
    }

    /// In which order KPIs are listed.
    pub enum KpiSort {
        /// By name.
        Name = "name",
        /// By key.
        Key = "key",
        /// The newest first.
        Created = "created",
        /// The last changed first.
        Updated = "updated",
    }

    /// What is shown with each KPI besides.
    pub enum KpiInclude {
        /// Its newest 12 periods that hold a point, for a sparkline.
        Recent = "recent",
    }
}
crate::http::words::impl_wire_words!(Treated, ArchivedKpis, KpiSort, KpiInclude);

/// Which KPIs are listed, and how. A key that stands several times means "or".
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct KpiFilter {
    /// Their health.
    #[param(inline)]
    #[serde(default)]
    health: Vec<Health>,
    /// Whether their current value is recent enough.
    #[param(inline)]
    #[serde(default)]
    freshness: Vec<Freshness>,
    /// Where their complete periods are going.
    #[param(inline)]
    #[serde(default)]
    trend: Vec<Trend>,
    /// Their team: its id or its slug.
    #[serde(default)]
    team: Vec<String>,
    /// Who answers for them: a member's id, or `me`.
    #[serde(default)]
    owner: Vec<String>,
    /// The board that they stand on, by its id.
    #[serde(default)]
    board: Vec<String>,
    /// Their category.
    #[param(inline)]
    #[serde(default)]
    category: Vec<Category>,
    /// A tag that they have.
    #[serde(default)]
    tag: Vec<String>,
    /// Whether they move before what they stand for, or after.
    #[param(inline)]
    #[serde(default)]
    indicator: Vec<Indicator>,
    /// Whether something treats them.
    #[param(inline)]
    #[serde(default)]
    treated: Option<Treated>,
    /// Whether archived ones are listed; `no` by default.
    #[param(inline)]
    #[serde(default)]
    archived: Option<ArchivedKpis>,
    /// Text in their name, key or definition, whatever its case.
    #[param(max_length = 200)]
    #[serde(default)]
    q: Option<String>,
    /// The order; `name` by default.
    #[param(inline)]
    #[serde(default)]
    sort: Option<KpiSort>,
    /// `recent` adds the newest 12 periods that hold a point, for sparklines.
    #[param(inline)]
    #[serde(default)]
    include: Vec<KpiInclude>,
    /// As they stood when this day ended in the workspace's time zone; today means now.
    #[param(inline)]
    #[serde(default)]
    as_of: Option<Day>,
    /// Counting only what had been recorded by this moment.
    #[param(inline)]
    #[serde(default)]
    known_at: Option<Moment>,
}

/// The page that was asked for.
pub fn page(tx: &mut Scoped, filter: &KpiFilter, paging: &Paging) -> Result<Paged<Kpi>> {
    if filter.q.as_ref().is_some_and(|text| text.chars().count() > 200 || text.contains('\0')) {
        return Err(Problem::new(Code::InvalidQuery, "q takes at most 200 characters, and no NUL"));
    }
    let view = AsOf { as_of: filter.as_of, known_at: filter.known_at }.view(tx)?;
    let wanted = Wanted {
        hidden: Hidden::from(tx)?,
        workspace: tx.here()?,
        owners: members::filtered(tx, "owner", &filter.owner)?,
        teams: teams::filtered(tx, "team", &filter.team)?,
        on_boards: on_boards(tx, &filter.board)?,
        filter,
    };
    let paged = match filter.needs() {
        Filtering::InSql => wanted.page_in_sql(tx, paging, view.as_ref())?,
        Filtering::InMemory => wanted.page_in_memory(tx, paging, view.as_ref())?,
    };
    let sparkline = match filter.include.contains(&KpiInclude::Recent) {
        true => Sparkline::Shown,
        false => Sparkline::LeftOut,
    };
    let rows = show_with_advice(tx, paged.rows, view.as_ref(), sparkline)?;
    Ok(Paged { rows, next_cursor: paged.next_cursor, total: paged.total })
}

/// The KPIs on the boards that a query names, by their ids; `None` where it names none.
fn on_boards(tx: &mut Scoped, named: &[String]) -> Result<Option<Vec<KpiId>>> {
    if named.is_empty() {
        return Ok(None);
    }
    let boards: Vec<BoardId> = boards::filtered(tx, "board", named)?.iter().map(|board| board.id).collect();
    let kpis = boards::kpis_on(tx, &boards)?;
    Ok(Some(kpis.values().flatten().map(|kpi| kpi.id).collect()))
}

/// Where a list can be filtered.
enum Filtering {
    /// By columns.
    InSql,
    /// By what the clock turns, or by what columns do not hold: the workspace's rows are loaded first.
    InMemory,
}

impl KpiFilter {
    fn needs(&self) -> Filtering {
        let is_timeless = self.health.is_empty() && self.freshness.is_empty() && self.trend.is_empty();
        if is_timeless && self.tag.is_empty() && self.q.is_none() {
            Filtering::InSql
        } else {
            Filtering::InMemory
        }
    }

    fn sort(&self) -> KpiSort {
        self.sort.unwrap_or(KpiSort::Name)
    }

    /// What the row alone decides.
    fn takes_row(&self, row: &KpiRow) -> bool {
        let texts = || [Some(&row.name), Some(&row.key), row.definition.as_ref()].into_iter().flatten();
        let holds = |wanted: &String| texts().any(|text| folded(text).contains(&folded(wanted)));
        let tags = row.tags();
        (self.tag.is_empty() || self.tag.iter().any(|tag| tags.contains(tag)))
            && self.q.as_ref().is_none_or(holds)
    }

    /// What only the picture decides.
    fn takes(&self, picture: &Picture) -> bool {
        let state = &picture.state;
        (self.health.is_empty() || self.health.contains(&state.health))
            && (self.freshness.is_empty() || self.freshness.contains(&state.freshness))
            && (self.trend.is_empty() || state.trend.is_some_and(|trend| self.trend.contains(&trend)))
    }
}

/// A filter whose names have been found.
struct Wanted<'a> {
    workspace: WorkspaceId,
    hidden: Hidden,
    owners: Vec<MemberId>,
    teams: Vec<TeamId>,
    /// The KPIs on the boards that are asked for; `None` where none is.
    on_boards: Option<Vec<KpiId>>,
    filter: &'a KpiFilter,
}

type Rows<'a> = kpis::BoxedQuery<'a, MultiBackend>;

impl Wanted<'_> {
    fn query<'q>(&self) -> Rows<'q> {
        let mut query = kpis::table
            .filter(kpis::workspace_id.eq(self.workspace))
            .filter(not(self.hidden.kpi()))
            .into_boxed::<MultiBackend>();
        query = match self.filter.archived.unwrap_or(ArchivedKpis::No) {
            ArchivedKpis::No => query.filter(kpis::archived_at.is_null()),
            ArchivedKpis::Yes => query.filter(kpis::archived_at.is_not_null()),
            ArchivedKpis::All => query,
        };
        query = match self.filter.treated {
            Some(Treated::Yes) => query.filter(kpis::active_remedies.gt(0)),
            Some(Treated::No) => query.filter(kpis::active_remedies.eq(0)),
            None => query,
        };
        if !self.owners.is_empty() {
            query = query.filter(kpis::owner_id.eq_any(self.owners.clone()));
        }
        if !self.teams.is_empty() {
            query = query.filter(kpis::team_id.eq_any(self.teams.clone()));
        }
        if let Some(kpis) = &self.on_boards {
            query = query.filter(kpis::id.eq_any(kpis.clone()));
        }
        if !self.filter.category.is_empty() {
            query = query.filter(kpis::category.eq_any(self.filter.category.clone()));
        }
        if !self.filter.indicator.is_empty() {
            query = query.filter(kpis::indicator.eq_any(self.filter.indicator.clone()));
        }
        query
    }

    fn page_in_sql(&self, tx: &mut Scoped, paging: &Paging, view: Option<&View>) -> Result<Paged<Picture>> {
        let sort = self.filter.sort();
        let total = match paging.total {
            Total::Wanted => Some(self.query().select(count_star()).first(tx.db())?),
            Total::NotWanted => None,
        };
        let query = after(self.query(), sort, paging.after()?)?;
        let query = match sort {
            KpiSort::Name => query.order((kpis::name_folded.asc(), kpis::id.asc())),
            KpiSort::Key => query.order((kpis::key.asc(), kpis::id.asc())),
            KpiSort::Created => query.order((kpis::created_at.desc(), kpis::id.asc())),
            KpiSort::Updated => query.order((kpis::updated_at.desc(), kpis::id.asc())),
        };
        let rows: Vec<KpiRow> = query.limit(paging.rows()).load(tx.db())?;
        let paged = paging.page(rows, total, |row| position(sort, row));
        Ok(Paged {
            rows: pictures(tx, paged.rows, view)?,
            next_cursor: paged.next_cursor,
            total: paged.total,
        })
    }

    fn page_in_memory(
        &self,
        tx: &mut Scoped,
        paging: &Paging,
        view: Option<&View>,
    ) -> Result<Paged<Picture>> {
        let sort = self.filter.sort();
        let mut rows: Vec<KpiRow> = self.query().load(tx.db())?;
        rows.retain(|row| self.filter.takes_row(row));
        rows.sort_by_cached_key(|row| position(sort, row));
        let mut pictures = pictures(tx, rows, view)?;
        pictures.retain(|picture| self.filter.takes(picture));
        paging.page_of_all(pictures, |picture| position(sort, &picture.row))
    }
}

/// Where a row stands in a list. Keys ascend: of what is newest first, the time that is left is the key.
fn position(sort: KpiSort, row: &KpiRow) -> Position {
    let left = |moment: Moment| format!("{:019}", i64::MAX - moment.microseconds());
    let key = match sort {
        KpiSort::Name => row.name_folded.clone(),
        KpiSort::Key => row.key.clone(),
        KpiSort::Created => left(row.created_at),
        KpiSort::Updated => left(row.updated_at),
    };
    Position { key, id: row.id.to_string() }
}

/// The rows that come after a position.
fn after<'q>(query: Rows<'q>, sort: KpiSort, position: Option<Position>) -> Result<Rows<'q>> {
    let Some(Position { key, id }) = position else { return Ok(query) };
    let lost = || Problem::new(Code::CursorNotFound, "the cursor holds no position of this list");
    let id: KpiId = id.parse().map_err(|_| lost())?;
    let moment = |key: &str| -> Result<Moment> {
        let left: i64 = key.parse().map_err(|_| lost())?;
        Ok(Moment::from_microseconds(i64::MAX - left))
    };
    Ok(match sort {
        KpiSort::Name => {
            query.filter(kpis::name_folded.gt(key.clone()).or(kpis::name_folded.eq(key).and(kpis::id.gt(id))))
        }
        KpiSort::Key => query.filter(kpis::key.gt(key)),
        KpiSort::Created => {
            let at = moment(&key)?;
            query.filter(kpis::created_at.lt(at).or(kpis::created_at.eq(at).and(kpis::id.gt(id))))
        }
        KpiSort::Updated => {
            let at = moment(&key)?;
            query.filter(kpis::updated_at.lt(at).or(kpis::updated_at.eq(at).and(kpis::id.gt(id))))
        }
    })
}
