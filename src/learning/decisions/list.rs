//! Lists of decisions: by KPI, review, choice, team and the day on which they are to be looked at again.

use diesel::dsl::{auto_type, not};
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::row::{DecisionOrigin, DecisionRow};
use super::show::{DecisionPage, show};
use crate::access::Scoped;
use crate::access::hidden::Hidden;
use crate::care::remedies::Standpoint;
use crate::http::page::{Paged, Total};
use crate::http::{Page, Paging, Problem, Result};
use crate::kpis::derive::AsOf;
use crate::kpis::row::KpiRow;
use crate::learning::reviews::ReviewRow;
use crate::maths::Choice;
use crate::okrs::wire::refused_in_query;
use crate::people::teams;
use crate::store::connection::MultiBackend;
use crate::store::schema::{decisions, kpis};
use crate::store::{
    Day, DecisionId, IDS_PER_STATEMENT, KpiId, Moment, ReviewId, StoreError, TeamId, Tx, WorkspaceId,
};

/// Which decisions to list. A key that stands several times means "or".
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct DecisionFilter {
    /// Only those because of these KPIs, by id or key.
    #[serde(default)]
    kpi: Vec<String>,
    /// Only those of these reviews, by id.
    #[serde(default)]
    review: Vec<String>,
    /// Only those in which this was chosen.
    #[serde(default)]
    #[param(inline)]
    choice: Vec<Choice>,
    /// Only those that people wrote down, or that were recorded with what they did.
    #[serde(default)]
    #[param(inline)]
    origin: Vec<DecisionOrigin>,
    /// Only those because of KPIs of these teams and of those under them: an id or a slug.
    #[serde(default)]
    team: Vec<String>,
    /// Only those made on this day or later.
    #[param(inline)]
    from: Option<Day>,
    /// Only those made on this day or before.
    #[param(inline)]
    to: Option<Day>,
    /// Only those that are to be looked at again on this day or before, and that no later decision has taken up.
    #[param(inline)]
    revisit_by: Option<Day>,
    /// As they stood when this day ended in the workspace's time zone; today means now.
    #[param(inline)]
    as_of: Option<Day>,
    /// Counting only what had been recorded by this moment.
    #[param(inline)]
    known_at: Option<Moment>,
}

/// Where a page ended.
#[derive(Serialize, Deserialize)]
struct Place {
    on: Day,
    id: DecisionId,
}

type Rows = decisions::BoxedQuery<'static, MultiBackend>;

/// The page of decisions that is asked for, the newest first.
pub fn page(tx: &mut Scoped, filter: &DecisionFilter, paging: &Paging) -> Result<Page<DecisionPage>> {
    let view = AsOf { as_of: filter.as_of, known_at: filter.known_at }.view(tx)?;
    let standpoint = Standpoint::of(tx, view.as_ref())?;
    let wanted = Wanted::of(tx, filter, standpoint)?;
    let total = match paging.total {
        Total::Wanted => Some(wanted.query().count().get_result(tx.db())?),
        Total::NotWanted => None,
    };
    let mut query = wanted.query();
    if let Some(Place { on, id }) = paging.after()? {
        query = query
            .filter(decisions::decided_on.lt(on).or(decisions::decided_on.eq(on).and(decisions::id.lt(id))));
    }
    let rows: Vec<DecisionRow> = query
        .order((decisions::decided_on.desc(), decisions::id.desc()))
        .limit(paging.rows())
        .load(tx.db())?;
    let Paged { rows, next_cursor, total } =
        paging.page(rows, total, |row| Place { on: row.decided_on, id: row.id });
    let rows = show(tx, rows, view.as_ref())?;
    Ok(Page::show(paging, Paged { rows, next_cursor, total }, |decision| decision))
}

/// A filter whose names have been found.
struct Wanted<'a> {
    workspace: WorkspaceId,
    hidden: Hidden,
    kpis: Vec<KpiId>,
    reviews: Vec<ReviewId>,
    teams: Vec<TeamId>,
    standpoint: Standpoint,
    filter: &'a DecisionFilter,
}

impl<'a> Wanted<'a> {
    fn of(tx: &mut Scoped, filter: &'a DecisionFilter, standpoint: Standpoint) -> Result<Self> {
        let mut kpis = Vec::new();
        for text in &filter.kpi {
            let found = KpiRow::seen(tx, text).map_err(|problem| refused_in_query(problem, "kpi"))?;
            kpis.push(found.ok_or_else(|| Problem::not_found_at("kpi"))?.id);
        }
        let mut reviews = Vec::new();
        for text in &filter.review {
            let found = tx.find::<ReviewRow>(text);
            reviews.push(found.map_err(|problem| refused_in_query(problem, "review"))?.id);
        }
        let teams = teams::filtered(tx, "team", &filter.team)?;
        Ok(Self {
            workspace: tx.here()?,
            hidden: Hidden::from(tx)?,
            kpis,
            reviews,
            teams: teams::with_sub_teams(tx, teams)?,
            standpoint,
            filter,
        })
    }

    fn query(&self) -> Rows {
        let filter = self.filter;
        let mut query = decisions::table
            .filter(decisions::workspace_id.eq(self.workspace))
            .filter(not(self.hidden.decision()))
            .filter(decisions::recorded_at.le(self.standpoint.recorded_by))
            .filter(decisions::decided_on.le(Day::from(self.standpoint.today)))
            .into_boxed::<MultiBackend>();
        if !self.kpis.is_empty() {
            query = query.filter(decisions::kpi_id.eq_any(self.kpis.clone()));
        }
        if !self.reviews.is_empty() {
            query = query.filter(decisions::review_id.eq_any(self.reviews.clone()));
        }
        if !filter.choice.is_empty() {
            query = query.filter(decisions::choice.eq_any(filter.choice.clone()));
        }
        if !filter.origin.is_empty() {
            query = query.filter(decisions::origin.eq_any(filter.origin.clone()));
        }
        if !self.teams.is_empty() {
            query = query.filter(decisions::kpi_id.eq_any(kpis_of_teams(self.workspace, self.teams.clone())));
        }
        if let Some(day) = filter.from {
            query = query.filter(decisions::decided_on.ge(day));
        }
        if let Some(day) = filter.to {
            query = query.filter(decisions::decided_on.le(day));
        }
        match filter.revisit_by {
            Some(day) => to_revisit(query, self.workspace, day, self.standpoint.recorded_by),
            None => query,
        }
    }
}

diesel::alias!(decisions as later: Later);

/// Those that are to be looked at again by a day, and that no decision recorded by an instant has taken up.
fn to_revisit(query: Rows, workspace: WorkspaceId, day: Day, recorded_by: Moment) -> Rows {
    let later_ones = || {
        later
            .filter(later.field(decisions::workspace_id).eq(workspace))
            .filter(later.field(decisions::recorded_at).le(recorded_by))
    };
    let reversed = later_ones()
        .filter(later.field(decisions::reverses_id).is_not_null())
        .select(later.field(decisions::reverses_id).assume_not_null());
    let followed = later_ones()
        .filter(later.field(decisions::follows_id).is_not_null())
        .select(later.field(decisions::follows_id).assume_not_null());
    query
        .filter(decisions::revisit_on.le(day))
        .filter(decisions::id.ne_all(reversed))
        .filter(decisions::id.ne_all(followed))
}

#[auto_type]
fn kpis_of_teams(workspace: WorkspaceId, teams: Vec<TeamId>) -> _ {
    kpis::table.filter(kpis::workspace_id.eq(workspace)).filter(kpis::team_id.eq_any(teams)).select(kpis::id)
}

/// The decisions that are to be looked at again by a day, because of KPIs that the caller sees; the longest due first.
pub fn due(tx: &mut Scoped, day: Day, teams: &[TeamId]) -> Result<Vec<DecisionRow>> {
    let (workspace, now) = (tx.here()?, tx.now);
    let hidden = Hidden::from(tx)?;
    let mut query = decisions::table
        .filter(decisions::workspace_id.eq(workspace))
        .filter(not(hidden.decision()))
        .filter(decisions::kpi_id.eq_any(in_use(workspace)))
        .into_boxed::<MultiBackend>();
    if !teams.is_empty() {
        query = query.filter(decisions::kpi_id.eq_any(kpis_of_teams(workspace, teams.to_vec())));
    }
    let query = to_revisit(query, workspace, day, now);
    Ok(query.order((decisions::revisit_on.asc(), decisions::id.asc())).load(tx.db())?)
}

#[auto_type]
fn in_use(workspace: WorkspaceId) -> _ {
    kpis::table.filter(kpis::workspace_id.eq(workspace)).filter(kpis::archived_at.is_null()).select(kpis::id)
}

/// The decisions because of some KPIs that count at a standpoint, in order of time.
pub fn of_kpis(tx: &mut Tx, ids: &[KpiId], standpoint: &Standpoint) -> Result<Vec<DecisionRow>, StoreError> {
    let workspace = tx.workspace_id()?;
    let mut found: Vec<DecisionRow> = Vec::new();
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let rows: Vec<DecisionRow> = decisions::table
            .filter(decisions::workspace_id.eq(workspace))
            .filter(decisions::kpi_id.eq_any(ids))
            .filter(decisions::recorded_at.le(standpoint.recorded_by))
            .filter(decisions::decided_on.le(Day::from(standpoint.today)))
            .load(tx.db())?;
        found.extend(rows);
    }
    found.sort_by_key(DecisionRow::place);
    Ok(found)
}
