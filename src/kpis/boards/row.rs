//! A board as it is stored, the KPIs on it, and how both are shown.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::{Board, BoardRights};
use crate::access::target::invalid_id;
use crate::access::{Action, Facts, Resource, Scoped, Visibility};
use crate::http::advice::Advice;
use crate::http::{Code, Problem, Result};
use crate::kpis::kpis::{KpiInput, KpiRef};
use crate::kpis::row::KpiRow;
use crate::maths::{Cadence, MOST_KPIS_ON_BOARD};
use crate::people::{members, teams};
use crate::store::journal::Subject;
use crate::store::schema::{board_kpis, boards, kpi_segments, kpis};
use crate::store::{BoardId, KpiId, MemberId, Moment, TeamId, Tx, WorkspaceId};

/// A board as it is stored.
#[derive(Clone, Debug, PartialEq, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = boards, treat_none_as_null = true)]
pub struct BoardRow {
    pub id: BoardId,
    pub workspace_id: WorkspaceId,
    pub name: String,
    pub name_folded: String,
    pub description: Option<String>,
    pub cadence: Option<Cadence>,
    pub owner_id: Option<MemberId>,
    pub team_id: Option<TeamId>,
    pub version: i32,
    pub created_at: Moment,
    pub updated_at: Moment,
    pub deleted_at: Option<Moment>,
}

impl BoardRow {
    /// All that were not deleted, by name.
    pub fn all(tx: &mut Tx) -> Result<Vec<Self>> {
        let workspace = tx.workspace_id()?;
        Ok(boards::table
            .filter(boards::workspace_id.eq(workspace))
            .filter(boards::deleted_at.is_null())
            .order((boards::name_folded, boards::id))
            .load(tx.db())?)
    }

    /// The board with this id, unless it was deleted.
    pub fn by_id(tx: &mut Tx, id: BoardId) -> Result<Option<Self>> {
        let workspace = tx.workspace_id()?;
        Ok(boards::table
            .filter(boards::workspace_id.eq(workspace))
            .filter(boards::id.eq(id))
            .filter(boards::deleted_at.is_null())
            .first(tx.db())
            .optional()?)
    }

    /// What events call it.
    pub fn subject(&self) -> Subject {
        Subject::new("board", self.id, &self.name)
    }

    /// Stores a new one.
    pub fn insert(&self, tx: &mut Tx) -> Result<()> {
        diesel::insert_into(boards::table).values(self).execute(tx.db())?;
        Ok(())
    }

    /// Stores what changed of it.
    pub fn save(&self, tx: &mut Tx) -> Result<()> {
        let own =
            boards::table.filter(boards::workspace_id.eq(self.workspace_id)).filter(boards::id.eq(self.id));
        diesel::update(own).set(self).execute(tx.db())?;
        Ok(())
    }
}

impl Resource for BoardRow {
    const PARAMETER: &'static str = "board";

    fn load(tx: &mut Scoped, reference: &str) -> Result<Self> {
        tx.here()?;
        let id: BoardId = reference.parse().map_err(invalid_id)?;
        Self::by_id(tx, id)?.ok_or_else(Problem::not_found)
    }

    fn facts(&self) -> Facts {
        self.said_facts()
    }

    fn version(&self) -> Option<i32> {
        Some(self.version)
    }
}

/// The KPIs on a board in order, as the caller sees them.
#[derive(Clone, Debug, Default)]
pub struct Standing {
    /// Those that the caller sees.
    pub seen: Vec<KpiId>,
    /// Those that are private to others.
    pub hidden: Vec<KpiId>,
}

impl Standing {
    /// Those of one board.
    pub fn of(tx: &mut Scoped, board: BoardId) -> Result<Self> {
        let mut standing = Self::default();
        for kpi in kpis_on(tx, &[board])?.remove(&board).unwrap_or_default() {
            match tx.sees(&kpi.facts()) {
                true => standing.seen.push(kpi.id),
                false => standing.hidden.push(kpi.id),
            }
        }
        Ok(standing)
    }

    /// All of them: the hidden ones behind the others once somebody has put them in order.
    pub fn all(&self) -> Vec<KpiId> {
        self.seen.iter().chain(&self.hidden).copied().collect()
    }
}

/// The KPIs on boards in their order, private and archived ones too, in one statement.
pub fn kpis_on(tx: &mut Tx, ids: &[BoardId]) -> Result<HashMap<BoardId, Vec<KpiRow>>> {
    let workspace = tx.workspace_id()?;
    let rows: Vec<(BoardId, KpiRow)> = board_kpis::table
        .inner_join(kpis::table.on(kpis::id.eq(board_kpis::kpi_id)))
        .filter(board_kpis::workspace_id.eq(workspace))
        .filter(board_kpis::board_id.eq_any(ids))
        .order((board_kpis::board_id, board_kpis::place))
        .select((board_kpis::board_id, kpis::all_columns))
        .load(tx.db())?;
    let mut found: HashMap<BoardId, Vec<KpiRow>> = HashMap::new();
    for (board, kpi) in rows {
        found.entry(board).or_default().push(kpi);
    }
    Ok(found)
}

/// The boards on which one of some KPIs stands.
pub fn holding(tx: &mut Tx, ids: &[KpiId]) -> Result<HashSet<BoardId>> {
    let workspace = tx.workspace_id()?;
    let found: Vec<BoardId> = board_kpis::table
        .filter(board_kpis::workspace_id.eq(workspace))
        .filter(board_kpis::kpi_id.eq_any(ids))
        .select(board_kpis::board_id)
        .load(tx.db())?;
    Ok(found.into_iter().collect())
}

/// The KPIs that a query names by id or key; 404 for what the caller does not see.
pub fn kpis_in_query(tx: &mut Scoped, names: &[String]) -> Result<Vec<KpiId>> {
    let mut found = Vec::new();
    for name in names {
        match KpiRow::seen(tx, name) {
            Ok(Some(kpi)) => found.push(kpi.id),
            Ok(None) => return Err(Problem::not_found_at("kpi")),
            Err(problem) if problem.code == Code::InvalidId => {
                return Err(Problem::new(Code::InvalidQuery, format!("kpi: {}", problem.detail)));
            }
            Err(problem) => return Err(problem),
        }
    }
    Ok(found)
}

/// The boards that a query names by id: 400 for another kind of id, 404 for what is not here.
pub fn filtered(tx: &mut Scoped, parameter: &str, texts: &[String]) -> Result<Vec<BoardRow>> {
    let mut found = Vec::new();
    for text in texts {
        match tx.find::<BoardRow>(text) {
            Ok(row) => found.push(row),
            Err(problem) if problem.code == Code::InvalidId => {
                return Err(Problem::new(Code::InvalidQuery, format!("{parameter}: {}", problem.detail)));
            }
            Err(problem) if problem.code == Code::NotFound => return Err(Problem::not_found_at(parameter)),
            Err(problem) => return Err(problem),
        }
    }
    Ok(found)
}

/// The KPIs that a body names in its order. Those that stood there before may have been archived since.
pub fn named(tx: &mut Scoped, names: &[KpiInput], before: &[KpiId]) -> Result<Vec<KpiId>> {
    let mut found: Vec<KpiId> = Vec::new();
    for (index, name) in names.iter().enumerate() {
        let pointer = format!("/kpi_ids/{index}");
        let kpi = match KpiRow::seen(tx, name.as_str()) {
            Ok(kpi) => kpi.ok_or_else(|| Problem::not_found_at(pointer.as_str()))?,
            Err(problem) if problem.code == Code::InvalidId => {
                return Err(Problem::field(pointer, "invalid_id", problem.detail));
            }
            Err(problem) => return Err(problem),
        };
        if found.contains(&kpi.id) {
            return Err(Problem::field(pointer, "duplicate", "this KPI stands there already"));
        }
        if kpi.archived_at.is_some() && !before.contains(&kpi.id) {
            let detail = "an archived KPI is put on no board: restore it first";
            return Err(Problem::new(Code::KpiArchived, detail).with(
                pointer,
                "kpi_archived",
                "it is archived",
            ));
        }
        found.push(kpi.id);
    }
    Ok(found)
}

/// Puts KPIs on a board in this order, in place of those that stood there.
pub fn place(tx: &mut Tx, board: &BoardRow, kpis: &[KpiId]) -> Result<()> {
    let own = board_kpis::table
        .filter(board_kpis::workspace_id.eq(board.workspace_id))
        .filter(board_kpis::board_id.eq(board.id));
    diesel::delete(own).execute(tx.db())?;
    for (place, kpi) in (0_i32..).zip(kpis) {
        diesel::insert_into(board_kpis::table)
            .values((
                board_kpis::workspace_id.eq(board.workspace_id),
                board_kpis::board_id.eq(board.id),
                board_kpis::kpi_id.eq(*kpi),
                board_kpis::place.eq(place),
            ))
            .execute(tx.db())?;
    }
    Ok(())
}

/// Boards as the API shows them, in the order of the rows, in few statements.
pub fn show(tx: &mut Scoped, rows: Vec<BoardRow>) -> Result<Vec<Board>> {
    let workspace = tx.here()?;
    let ids: Vec<BoardId> = rows.iter().map(|row| row.id).collect();
    let owners = members::names(tx, workspace, rows.iter().filter_map(|row| row.owner_id))?;
    let names = teams::names(tx, workspace, rows.iter().filter_map(|row| row.team_id))?;
    let mut standing = kpis_on(tx, &ids)?;
    let segments = segments_among(tx, standing.values().flatten().map(|kpi| kpi.id).collect())?;
    let shown = rows.into_iter().map(|row| {
        let may_edit = tx.may(Action::Edit, &row.facts());
        let all = standing.remove(&row.id).unwrap_or_default();
        let kpis: Vec<KpiRef> = all.iter().filter(|kpi| tx.sees(&kpi.facts())).map(KpiRef::from).collect();
        Board {
            id: row.id,
            version: row.version,
            name: row.name,
            description: row.description,
            owner_id: row.owner_id,
            owner: row.owner_id.and_then(|id| owners.get(&id).cloned()),
            team_id: row.team_id,
            team: row.team_id.and_then(|id| names.get(&id).cloned()),
            cadence: row.cadence,
            kpi_ids: kpis.iter().map(|kpi| kpi.id).collect(),
            private: all.len() - kpis.len(),
            advice: advice(row.team_id, &all, &segments),
            kpis,
            created_at: row.created_at,
            updated_at: row.updated_at,
            can: BoardRights { edit: may_edit, delete: may_edit },
        }
    });
    Ok(shown.collect())
}

/// A board that is for everybody shows the vital few. Segments are parts of what stands there, and what is private
/// is not everybody's.
fn advice(team: Option<TeamId>, kpis: &[KpiRow], segments: &HashSet<KpiId>) -> Vec<Advice> {
    let everybodys = |kpi: &&KpiRow| kpi.visibility == Visibility::Workspace && !segments.contains(&kpi.id);
    let vital = kpis.iter().filter(everybodys).count();
    let is_too_much = team.is_none() && vital > MOST_KPIS_ON_BOARD;
    is_too_much.then(|| Advice::too_many_kpis(vital, MOST_KPIS_ON_BOARD)).into_iter().collect()
}

/// Those of some KPIs that are segments of others.
fn segments_among(tx: &mut Tx, kpis: Vec<KpiId>) -> Result<HashSet<KpiId>> {
    let found: Vec<KpiId> = kpi_segments::table
        .filter(kpi_segments::workspace_id.eq(tx.workspace_id()?))
        .filter(kpi_segments::kpi_id.eq_any(kpis))
        .select(kpi_segments::kpi_id)
        .load(tx.db())?;
    Ok(found.into_iter().collect())
}

/// One board as the API shows it.
pub fn show_one(tx: &mut Scoped, row: BoardRow) -> Result<Board> {
    show(tx, vec![row])?.into_iter().next().ok_or_else(Problem::not_found)
}
