//! The scorecard: what a board's KPIs show, one line each, in one call.
//!
//! As JSON for programs, as CSV for spreadsheets, and as a page that stands for itself: it can be printed, read on a
//! phone and sent by mail. A KPI that is measured more often than the board shows is folded by its own aggregation; its
//! health stays the one by its own cadence, so that it is the same everywhere.

mod before;
mod page;
mod row;
mod table;

use std::collections::HashSet;

use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::{Db, Reads, Resource, Scoped, Viewers};
use crate::care::compared;
use crate::care::remedies::Standpoint;
use crate::care::triage::{Scope, TriageRemedy, kpis_in};
use crate::http::accept::preferred;
use crate::http::text::PeriodName;
use crate::http::{Answer, Answers, Draft, Html, Json, Name, Problem, Query, Reply, Result, Routes, routes};
use crate::kpis::boards::{self, BoardRow};
use crate::kpis::derive::{AsOf, View};
use crate::kpis::kpis::{Display, KpiKey, OpenEpisode, RecentPeriod};
use crate::kpis::row::{Category, KpiRow};
use crate::kpis::targets::Bounds;
use crate::maths::{Cadence, Health, HealthReason, Trend};
use crate::people::members::MemberRef;
use crate::people::teams::{self, TeamRef};
use crate::store::{BoardId, Day, KpiId, MemberId, Moment, TeamId};
pub use before::{ScorecardLeft, ScorecardThen};
pub use page::page;
pub use row::rows;

/// How many KPIs a scorecard shows at the most.
const MOST_ROWS: usize = 200;

/// The paths of the scorecard.
pub fn routes() -> Routes {
    routes! { "scorecard",
        "/v1/workspaces/{workspace}/scorecard" {
            /// Show what a choice of KPIs shows, one line each.
            /// Those of a board in its order, or those of a team and of the teams under it, or all, by name; at most 200. Those in
            /// the archive are left out. `Accept: text/csv` answers a table for spreadsheets, in which a cell that
            /// would be taken for a formula begins with `'`; `Accept: text/html` a page that loads nothing. With
            /// `as_of` or `known_at` it is shown as it stood then; names, owners and boards are as they are now. `compare_to`
            /// puts an earlier day beside it, and lists what has left.
            GET show_scorecard,
        }
    }
}

/// Which KPIs a scorecard shows.
#[derive(Clone, Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ScorecardFilter {
    /// Only the KPIs on this board, in its order and in its periods: its id.
    #[serde(default)]
    board: Option<String>,
    /// Only the KPIs of this team and of those under it: its id or slug.
    #[serde(default)]
    team: Option<String>,
    /// As it stood when this day ended in the workspace's time zone; today means now.
    #[param(inline)]
    #[serde(default)]
    as_of: Option<Day>,
    /// Counting only what had been recorded by this moment.
    #[param(inline)]
    #[serde(default)]
    known_at: Option<Moment>,
    /// Beside each row, how it was when this day ended; not after the day that is shown.
    #[param(inline)]
    #[serde(default)]
    compare_to: Option<Day>,
}

/// What a choice of KPIs shows.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Scorecard {
    /// The day that it shows; today is shown as it is now.
    pub as_of: Day,
    /// The day with which it is compared; null where none was asked for.
    pub compared_to: Option<Day>,
    /// What people call the choice: the board, the team, or the workspace.
    #[schema(value_type = Name)]
    pub title: String,
    /// The board whose KPIs it shows.
    pub board_id: Option<BoardId>,
    /// The team whose KPIs it shows.
    pub team_id: Option<TeamId>,
    /// The team whose KPIs it shows, by name.
    pub team: Option<TeamRef>,
    /// The periods that the board asks for; null where each KPI is shown by its own cadence.
    pub cadence: Option<Cadence>,
    /// How many rows have each health.
    pub counts: ScorecardCounts,
    /// A line per KPI: in the order of the board, else by name.
    #[schema(max_items = 200)]
    pub rows: Vec<ScorecardRow>,
    /// With `compare_to`: the KPIs that stood on it then and do not now, in the order of then; else none.
    #[schema(max_items = 200)]
    pub left: Vec<ScorecardLeft>,
    /// How many KPIs on the board are private to others.
    #[schema(minimum = 0)]
    pub private: usize,
    /// How many KPIs more there are than a scorecard shows.
    #[schema(minimum = 0)]
    pub left_out: usize,
}

/// How many rows of a scorecard have each health.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, ToSchema)]
pub struct ScorecardCounts {
    /// Within their target.
    #[schema(minimum = 0)]
    pub healthy: usize,
    /// Outside their target, within the tolerance.
    #[schema(minimum = 0)]
    pub at_risk: usize,
    /// Beyond.
    #[schema(minimum = 0)]
    pub unhealthy: usize,
    /// Nobody can tell.
    #[schema(minimum = 0)]
    pub unknown: usize,
}

/// What a KPI shows, on one line.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct ScorecardRow {
    /// The KPI's id.
    pub id: KpiId,
    /// Its key.
    #[schema(value_type = KpiKey)]
    pub key: String,
    /// What people call it.
    #[schema(value_type = Name)]
    pub name: String,
    /// What part of the organisation it watches.
    pub category: Category,
    /// How often it is measured.
    pub measured: Cadence,
    /// The periods in which it is shown: its own, or longer ones where the board asks for them.
    pub cadence: Cadence,
    /// How its values are shown to people.
    pub display: Display,
    /// Who answers for it.
    pub owner_id: Option<MemberId>,
    /// Who answers for it, by name.
    pub owner: Option<MemberRef>,
    /// The team that it belongs to; null where it is the whole organisation's.
    pub team_id: Option<TeamId>,
    /// The team that it belongs to, by name.
    pub team: Option<TeamRef>,
    /// How it is doing, by its own cadence.
    pub health: Health,
    /// Why the health is unknown, or that an unhealthy value is stale.
    pub health_reason: Option<HealthReason>,
    /// The health last seen, where the present one is unknown.
    pub last_known: Option<Health>,
    /// The current value, in the periods in which it is shown; null without one.
    pub current: Option<ScorecardValue>,
    /// The healthy band of that period, in the KPI's unit. Of a sum in longer periods what its own periods add up to,
    /// null where they do not fill them.
    pub target: Option<Bounds>,
    /// Against the nearest earlier period that has a value; null without one.
    pub before: Option<ScorecardChange>,
    /// Against the same period a year before, for weeks 52 weeks before; null without a value there.
    pub year_before: Option<ScorecardChange>,
    /// Where its complete periods are going, by its own cadence; null without a target, and with fewer than six of
    /// them.
    pub trend: Option<Trend>,
    /// The periods up to the current one that hold a point, oldest first, twelve at the most.
    #[schema(max_items = 12)]
    pub recent: Vec<RecentPeriod>,
    /// The open episode; null where none is open.
    pub episode: Option<OpenEpisode>,
    /// Its remedies whose objective is active, the newest first.
    pub remedies: Vec<TriageRemedy>,
    /// With `compare_to`: how it was then; null without it, and where it did not stand here.
    pub then: Option<ScorecardThen>,
}

/// The value of a period.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ScorecardValue {
    /// What people call the period.
    #[schema(value_type = PeriodName)]
    pub period: String,
    /// Its first day.
    pub starts_on: Day,
    /// The value, in the KPI's unit; null where it is not finite.
    #[schema(example = 4.2)]
    pub value: Option<f64>,
    /// Whether the period has ended.
    pub complete: bool,
}

/// The current value against an earlier one.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct ScorecardChange {
    /// What people call the earlier period.
    #[schema(value_type = PeriodName)]
    pub period: String,
    /// Its first day.
    pub starts_on: Day,
    /// Its value, in the KPI's unit.
    #[schema(example = 4.0)]
    pub value: f64,
    /// The current value minus this one, in the KPI's unit; null where that is not finite.
    #[schema(example = 0.2)]
    pub change: Option<f64>,
    /// The change over the magnitude of the earlier value; null where that is 0.
    #[schema(example = 0.05)]
    pub change_ratio: Option<f64>,
    /// Whether the change is for the better; null without a target, and where it is neither.
    pub change_is_good: Option<bool>,
}

/// Who reads a scorecard.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Readers {
    /// The caller, with all that they see.
    Caller,
    /// Whoever has a link: what is private to anybody is not for them.
    Everybody,
}

/// What a scorecard shows.
#[derive(Clone, Debug)]
pub enum Choice {
    /// The KPIs on a board.
    Board(BoardRow),
    /// Those of a team and of the teams under it.
    Team(TeamRef),
    /// All.
    Workspace,
}

impl Choice {
    /// As a query names it: a board or a team, not both.
    fn named(tx: &mut Scoped, filter: &ScorecardFilter) -> Result<Self> {
        if filter.board.is_some() && filter.team.is_some() {
            return Err(Problem::field("team", "not_applicable", "a board has its own choice of KPIs"));
        }
        if let Some(board) = &filter.board {
            let found = boards::filtered(tx, "board", std::slice::from_ref(board))?;
            return found.into_iter().next().map(Self::Board).ok_or_else(|| Problem::not_found_at("board"));
        }
        let Some(team) = &filter.team else { return Ok(Self::Workspace) };
        let ids = teams::filtered(tx, "team", std::slice::from_ref(team))?;
        let workspace = tx.here()?;
        let found = teams::names(tx, workspace, ids)?.into_values().next();
        found.map(Self::Team).ok_or_else(|| Problem::not_found_at("team"))
    }
}

async fn show_scorecard(db: Db<Reads>, filter: Query<ScorecardFilter>) -> Answer<Report> {
    let form = preferred(&db.accepted(), Report::MEDIA);
    db.read((), filter, move |tx, (), filter| {
        let view = AsOf { as_of: filter.as_of, known_at: filter.known_at }.view(tx)?;
        let choice = Choice::named(tx, &filter)?;
        let compared = compared::before(tx, filter.compare_to, view.as_ref())?;
        let mut scorecard = scorecard(tx, &choice, Readers::Caller, view.as_ref())?;
        if let Some(compared) = compared {
            let before = self::scorecard(tx, &choice, Readers::Caller, Some(&compared))?;
            scorecard.compare(before);
        }
        Ok(match form {
            CSV => Report::Csv(table::csv(&scorecard)),
            HTML => Report::Html(page::page(&scorecard)),
            _ => Report::Json(Json::new(scorecard)),
        })
    })
    .await
}

/// A scorecard, now or as it stood.
pub fn scorecard(
    tx: &mut Scoped,
    choice: &Choice,
    readers: Readers,
    view: Option<&View>,
) -> Result<Scorecard> {
    let standpoint = Standpoint::of(tx, view)?;
    let (mut kpis, title, cadence) = chosen(tx, choice, view, &standpoint)?;
    let all = kpis.len();
    kpis.retain(|kpi| match readers {
        Readers::Caller => tx.sees(&kpi.facts()),
        Readers::Everybody => kpi.facts().viewers == Viewers::Everybody,
    });
    let private = match choice {
        Choice::Board(_) => all - kpis.len(),
        Choice::Team(_) | Choice::Workspace => 0,
    };
    let left_out = kpis.len().saturating_sub(MOST_ROWS);
    kpis.truncate(MOST_ROWS);
    let rows = rows(tx, kpis, cadence, view)?;
    let count = |health: Health| rows.iter().filter(|row| row.health == health).count();
    let (board_id, team) = match choice {
        Choice::Board(board) => (Some(board.id), None),
        Choice::Team(team) => (None, Some(team.clone())),
        Choice::Workspace => (None, None),
    };
    Ok(Scorecard {
        as_of: standpoint.today.into(),
        compared_to: None,
        title,
        board_id,
        team_id: team.as_ref().map(|team| team.id),
        team,
        cadence,
        counts: ScorecardCounts {
            healthy: count(Health::Healthy),
            at_risk: count(Health::AtRisk),
            unhealthy: count(Health::Unhealthy),
            unknown: count(Health::Unknown),
        },
        rows,
        left: Vec::new(),
        private,
        left_out,
    })
}

/// The KPIs of a choice in its order, private ones too, what it is called, and the periods that it asks for.
fn chosen(
    tx: &mut Scoped,
    choice: &Choice,
    view: Option<&View>,
    standpoint: &Standpoint,
) -> Result<(Vec<KpiRow>, String, Option<Cadence>)> {
    let scope = match choice {
        Choice::Board(board) => {
            let on_board = boards::kpis_on(tx, &[board.id])?.remove(&board.id).unwrap_or_default();
            let there = kpis_in(tx, &Scope::default(), view, standpoint)?;
            let there: HashSet<KpiId> = there.iter().map(|kpi| kpi.id).collect();
            let kpis = on_board.into_iter().filter(|kpi| there.contains(&kpi.id)).collect();
            return Ok((kpis, board.name.clone(), board.cadence));
        }
        Choice::Team(team) => Scope { teams: teams::with_sub_teams(tx, vec![team.id])?, owners: Vec::new() },
        Choice::Workspace => Scope::default(),
    };
    let mut kpis = kpis_in(tx, &scope, view, standpoint)?;
    kpis.sort_by(|left, right| (&left.name_folded, left.id).cmp(&(&right.name_folded, right.id)));
    let title = match choice {
        Choice::Team(team) => team.name.clone(),
        Choice::Board(_) | Choice::Workspace => tx.workspace()?.name.clone(),
    };
    Ok((kpis, title, None))
}

const CSV: &str = "text/csv";
const HTML: &str = "text/html";

/// A scorecard for programs, for spreadsheets or for people.
pub enum Report {
    /// As JSON.
    Json(Json<Scorecard>),
    /// As a table.
    Csv(Vec<u8>),
    /// As a page.
    Html(Html),
}

impl Answers for Report {
    const MEDIA: &'static [&'static str] = &["application/json", CSV, HTML];

    fn into_reply(self) -> Reply {
        match self {
            Self::Json(json) => json.into_reply(),
            Self::Csv(table) => Reply::bytes("text/csv; charset=utf-8", table, None),
            Self::Html(page) => page.into_reply(),
        }
    }

    fn describe(draft: &mut Draft) {
        Json::<Scorecard>::describe(draft);
        draft.also_as(200, CSV);
        draft.also_as(200, HTML);
    }
}
