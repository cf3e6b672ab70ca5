//! A cycle as it is stored, and how paths and bodies name one.

use std::cmp::Reverse;
use std::collections::HashMap;

use diesel::prelude::*;
use jiff::civil::Date;

use super::{CURRENT, CycleRef, CycleState, NewCycle};
use crate::access::target::invalid_id;
use crate::access::{Facts, Resource, Scoped};
use crate::http::{Code, Problem, Result};
use crate::maths::days_between;
use crate::store::connection::MultiBackend;
use crate::store::id::looks_like_id;
use crate::store::journal::Subject;
use crate::store::schema::cycles;
use crate::store::{CycleId, Day, Moment, Tx, WorkspaceId};

/// A cycle as it is stored.
#[derive(Clone, Debug, PartialEq, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = cycles, treat_none_as_null = true)]
pub struct CycleRow {
    pub id: CycleId,
    pub workspace_id: WorkspaceId,
    pub slug: String,
    pub name: String,
    pub name_folded: String,
    pub starts_on: Day,
    pub ends_on: Day,
    pub state: CycleState,
    pub parent_id: Option<CycleId>,
    pub version: i32,
    pub created_at: Moment,
    pub updated_at: Moment,
}

impl CycleRow {
    /// The cycle that a path or a body names: by id, by slug, or `current`; 404 where there is none.
    pub fn named(tx: &mut Tx, name: &str) -> Result<Self> {
        let workspace = tx.workspace_id()?;
        if name == CURRENT {
            return current_candidates(tx, today(tx)?)?.into_iter().next().ok_or_else(Problem::not_found);
        }
        let query = cycles::table.filter(cycles::workspace_id.eq(workspace)).into_boxed::<MultiBackend>();
        let query = if looks_like_id(name) {
            query.filter(cycles::id.eq(name.parse::<CycleId>().map_err(invalid_id)?))
        } else {
            query.filter(cycles::slug.eq(name.to_owned()))
        };
        query.first(tx.db()).optional()?.ok_or_else(Problem::not_found)
    }

    /// The cycles with these ids.
    pub fn by_ids(tx: &mut Tx, ids: &[CycleId]) -> Result<HashMap<CycleId, Self>> {
        let workspace = tx.workspace_id()?;
        let rows: Vec<Self> = cycles::table
            .filter(cycles::workspace_id.eq(workspace))
            .filter(cycles::id.eq_any(ids.to_vec()))
            .load(tx.db())?;
        Ok(rows.into_iter().map(|row| (row.id, row)).collect())
    }

    /// Refuses where the cycle is closed.
    pub fn must_be_open(&self) -> Result<()> {
        match self.state {
            CycleState::Planning | CycleState::Active => Ok(()),
            CycleState::Closed => Err(Problem::new(
                Code::CycleClosed,
                format!("the cycle {} is closed: its OKRs take no more changes", self.name),
            )),
        }
    }

    /// The cycle where something belongs to it.
    pub fn shown_as_reference(&self) -> CycleRef {
        CycleRef {
            id: self.id,
            slug: self.slug.as_str().into(),
            name: self.name.as_str().into(),
            starts_on: self.starts_on,
            ends_on: self.ends_on,
            state: self.state,
        }
    }

    /// What people said of it.
    pub fn fields(&self) -> NewCycle {
        NewCycle {
            name: self.name.as_str().into(),
            slug: Some(self.slug.as_str().into()),
            starts_on: self.starts_on,
            ends_on: self.ends_on,
            state: self.state,
            parent: self.parent_id.map(|id| id.to_string()),
        }
    }

    /// What events call it.
    pub fn subject(&self) -> Subject {
        Subject::new("cycle", self.id, &self.name)
    }

    fn length_in_days(&self) -> i64 {
        days_between(self.starts_on.date(), self.ends_on.date())
    }
}

impl Resource for CycleRow {
    const PARAMETER: &'static str = "cycle";

    fn load(tx: &mut Scoped, reference: &str) -> Result<Self> {
        tx.here()?;
        Self::named(tx, reference)
    }

    fn facts(&self) -> Facts {
        Facts::default()
    }

    fn version(&self) -> Option<i32> {
        Some(self.version)
    }
}

/// Today, in the workspace's time zone.
pub fn today(tx: &Tx) -> Result<Date> {
    Ok(tx.today()?.date())
}

/// The active cycles that hold a day, the shortest first; of equally long ones the later.
pub fn current_candidates(tx: &mut Tx, today: Date) -> Result<Vec<CycleRow>> {
    let workspace = tx.workspace_id()?;
    let today = Day::from(today);
    let mut rows: Vec<CycleRow> = cycles::table
        .filter(cycles::workspace_id.eq(workspace))
        .filter(cycles::state.eq(CycleState::Active))
        .filter(cycles::starts_on.le(today))
        .filter(cycles::ends_on.ge(today))
        .load(tx.db())?;
    rows.sort_by_key(|row| (row.length_in_days(), Reverse((row.starts_on, row.id))));
    Ok(rows)
}
