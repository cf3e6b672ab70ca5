//! What a member answers for, in a number of statements that does not grow with it.

use std::collections::HashSet;

use diesel::dsl::not;
use diesel::prelude::*;

use super::HoldingType;
use crate::access::Scoped;
use crate::access::caller::{Duty, TokenKind};
use crate::access::hidden::Hidden;
use crate::http::Result;
use crate::kpis::row::KpiRow;
use crate::maths::Choice;
use crate::okrs::cycles::CycleState;
use crate::okrs::initiatives::InitiativeStatus;
use crate::okrs::objectives::ObjectiveState;
use crate::people::tokens::is_usable;
use crate::store::schema::{
    boards, cycles, decisions, initiatives, key_results, kpis, links, objectives, team_members, teams, tokens,
};
use crate::store::{
    DecisionId, IDS_PER_STATEMENT, KpiId, MemberId, Moment, RawId, StoreError, TeamId, Tx, WorkspaceId,
};

/// Things of one type that a member answers for.
pub struct Held {
    /// The type.
    pub kind: HoldingType,
    /// Those that are seen, in the order of their making.
    pub things: Vec<Thing>,
    /// How many more there are that are private to others.
    pub hidden: usize,
}

/// A thing that a member answers for.
pub struct Thing {
    /// Its id.
    pub id: RawId,
    /// What people call it.
    pub name: String,
}

/// Who looks.
pub enum Sight {
    /// The caller, from whom some things are hidden.
    Caller(Box<Hidden>),
    /// Regimen itself, to count.
    All,
}

impl Sight {
    /// The caller's.
    pub fn of(tx: &Scoped) -> Result<Self> {
        Ok(Self::Caller(Box::new(Hidden::from(tx)?)))
    }
}

/// Loads the ids and names of a query, and counts what is hidden of it.
macro_rules! held {
    ($tx:expr, $sight:expr, $kind:ident, $query:expr, $hidden:ident, ($id:expr, $name:expr)) => {{
        let query = || $query;
        let (rows, hidden): (Vec<(RawId, String)>, i64) = match $sight {
            Sight::All => (query().order($id).select(($id, $name)).load($tx.db())?, 0),
            Sight::Caller(hidden) => (
                query().filter(not(hidden.$hidden())).order($id).select(($id, $name)).load($tx.db())?,
                query().filter(hidden.$hidden()).count().get_result($tx.db())?,
            ),
        };
        let things = rows.into_iter().map(|(id, name)| Thing { id, name }).collect();
        Held { kind: HoldingType::$kind, things, hidden: usize::try_from(hidden).unwrap_or_default() }
    }};
    ($tx:expr, $kind:ident, $query:expr, ($id:expr, $name:expr)) => {{
        let rows: Vec<(RawId, String)> = $query.order($id).select(($id, $name)).load($tx.db())?;
        let things = rows.into_iter().map(|(id, name)| Thing { id, name }).collect();
        Held { kind: HoldingType::$kind, things, hidden: 0 }
    }};
}

/// What a member answers for, of some types.
pub fn held(
    tx: &mut Tx,
    member: MemberId,
    types: &[HoldingType],
    sight: &Sight,
) -> Result<Vec<Held>, StoreError> {
    let (workspace, now) = (tx.workspace_id()?, tx.now);
    types.iter().map(|kind| of_type(tx, workspace, now, member, *kind, sight)).collect()
}

fn of_type(
    tx: &mut Tx,
    workspace: WorkspaceId,
    now: Moment,
    member: MemberId,
    kind: HoldingType,
    sight: &Sight,
) -> Result<Held, StoreError> {
    Ok(match kind {
        HoldingType::Kpi => held!(
            tx,
            sight,
            Kpi,
            kpis::table
                .filter(kpis::workspace_id.eq(workspace))
                .filter(kpis::archived_at.is_null())
                .filter(kpis::owner_id.eq(member)),
            kpi,
            (kpis::id, kpis::name)
        ),
        HoldingType::Objective => held!(
            tx,
            sight,
            Objective,
            open_objectives(workspace).filter(objectives::owner_id.eq(member)),
            objective,
            (objectives::id, objectives::title)
        ),
        HoldingType::KeyResult => held!(
            tx,
            sight,
            KeyResult,
            key_results::table
                .filter(key_results::workspace_id.eq(workspace))
                .filter(key_results::archived_at.is_null())
                .filter(key_results::owner_id.eq(member))
                .filter(key_results::objective_id.eq_any(open_objectives(workspace).select(objectives::id))),
            key_result,
            (key_results::id, key_results::title)
        ),
        HoldingType::Initiative => held!(
            tx,
            sight,
            Initiative,
            initiatives::table
                .filter(initiatives::workspace_id.eq(workspace))
                .filter(initiatives::archived_at.is_null())
                .filter(initiatives::status.eq_any(InitiativeStatus::OPEN))
                .filter(initiatives::owner_id.eq(member)),
            initiative,
            (initiatives::id, initiatives::title)
        ),
        HoldingType::Board => held!(
            tx,
            Board,
            boards::table
                .filter(boards::workspace_id.eq(workspace))
                .filter(boards::owner_id.eq(member))
                .filter(boards::deleted_at.is_null()),
            (boards::id, boards::name)
        ),
        HoldingType::Team => {
            let led: Vec<TeamId> = team_members::table
                .filter(team_members::workspace_id.eq(workspace))
                .filter(team_members::member_id.eq(member))
                .filter(team_members::duty.eq(Duty::Lead))
                .select(team_members::team_id)
                .load(tx.db())?;
            held!(
                tx,
                Team,
                teams::table
                    .filter(teams::workspace_id.eq(workspace))
                    .filter(teams::archived_at.is_null())
                    .filter(teams::id.eq_any(led)),
                (teams::id, teams::name)
            )
        }
        HoldingType::Token => held!(
            tx,
            Token,
            tokens::table
                .filter(tokens::workspace_id.eq(workspace))
                .filter(tokens::member_id.eq(member))
                .filter(tokens::kind.eq(TokenKind::Service))
                .filter(is_usable(now)),
            (tokens::id, tokens::name)
        ),
        HoldingType::Link => held!(
            tx,
            sight,
            Link,
            links::table
                .filter(links::workspace_id.eq(workspace))
                .filter(links::member_id.eq(member))
                .filter(links::revoked_at.is_null())
                .filter(links::expires_at.gt(now)),
            link,
            (links::id, links::name)
        ),
        HoldingType::Decision => to_revisit(tx, workspace, member, sight)?,
    })
}

/// Objectives that take changes: in use, not closed, and in no closed cycle.
#[diesel::dsl::auto_type]
fn open_objectives(workspace: WorkspaceId) -> _ {
    let closed: ObjectiveState = ObjectiveState::Closed;
    let ended: CycleState = CycleState::Closed;
    let ended_cycles = cycles::table
        .filter(cycles::workspace_id.eq(workspace))
        .filter(cycles::state.eq(ended))
        .select(cycles::id.nullable());
    objectives::table
        .filter(objectives::workspace_id.eq(workspace))
        .filter(objectives::archived_at.is_null())
        .filter(objectives::state.ne(closed))
        .filter(objectives::cycle_id.is_null().or(objectives::cycle_id.ne_all(ended_cycles)))
}

/// Decisions with a day on which they are looked at again, which no later one has taken up.
fn to_revisit(
    tx: &mut Tx,
    workspace: WorkspaceId,
    member: MemberId,
    sight: &Sight,
) -> Result<Held, StoreError> {
    let own = || {
        decisions::table
            .filter(decisions::workspace_id.eq(workspace))
            .filter(decisions::recorded_by.eq(member.raw()))
            .filter(decisions::revisit_on.is_not_null())
    };
    let rows: Vec<(DecisionId, Choice, KpiId)> = own()
        .order(decisions::id)
        .select((decisions::id, decisions::choice, decisions::kpi_id))
        .load(tx.db())?;
    let unseen: Vec<DecisionId> = match sight {
        Sight::All => Vec::new(),
        Sight::Caller(hidden) => own().filter(hidden.decision()).select(decisions::id).load(tx.db())?,
    };
    let ids: Vec<Option<DecisionId>> = rows.iter().map(|(id, _, _)| Some(*id)).collect();
    let mut taken_up: HashSet<DecisionId> = HashSet::new();
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let later: Vec<(Option<DecisionId>, Option<DecisionId>)> = decisions::table
            .filter(decisions::workspace_id.eq(workspace))
            .filter(
                decisions::reverses_id.eq_any(ids.to_vec()).or(decisions::follows_id.eq_any(ids.to_vec())),
            )
            .select((decisions::reverses_id, decisions::follows_id))
            .load(tx.db())?;
        taken_up.extend(later.into_iter().flat_map(|(reversed, followed)| [reversed, followed]).flatten());
    }
    let kpis = KpiRow::by_ids(tx, &rows.iter().map(|(_, _, kpi)| *kpi).collect::<Vec<_>>())?;
    let waiting: Vec<(DecisionId, Choice, KpiId)> =
        rows.into_iter().filter(|(id, _, _)| !taken_up.contains(id)).collect();
    let hidden = waiting.iter().filter(|(id, _, _)| unseen.contains(id)).count();
    let seen = waiting.into_iter().filter(|(id, _, _)| !unseen.contains(id));
    let things = seen.map(|(id, choice, kpi)| {
        let kpi = kpis.get(&kpi).map(|kpi| kpi.name.as_str()).unwrap_or_default();
        Thing { id: id.raw(), name: format!("{}: {kpi}", choice.as_str()) }
    });
    Ok(Held { kind: HoldingType::Decision, things: things.collect(), hidden })
}
