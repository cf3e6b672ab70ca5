//! Objectives as they stood at the end of a day, or as far as was known at an instant.
//!
//! Dated are the making of objectives and key results, states, moves, links and check-ins, and the
//! points of KPIs. Titles, owners, weights, goals and cycles are as they are now.

use std::collections::{HashMap, HashSet};

use jiff::civil::Date;

use crate::http::Result;
use crate::kpis::derive::View;
use crate::okrs::key_results::KeyResultRow;
use crate::okrs::objectives::alignment::{parents_at, seen_with_parents};
use crate::okrs::objectives::{
    Circle, ObjectiveRow, ObjectiveState, RecordedState, UndoneClosings, states_at,
};
use crate::store::{Moment, ObjectiveId, Tx};

/// From where in the past one looks.
#[derive(Clone, Debug)]
pub struct Past {
    /// What was asked for.
    pub view: View,
    /// The day that counts as today.
    pub today: Date,
    /// What is dated later had not happened yet; `None` where today counts as today.
    pub until: Option<Moment>,
    /// What was recorded later had not happened yet, or was not known.
    pub recorded_by: Moment,
    parents: HashMap<ObjectiveId, ObjectiveId>,
    /// Closings that held then and do not any more.
    undone: UndoneClosings,
}

impl Past {
    /// The end of a day, or now with what was known at an instant.
    pub fn of(tx: &mut Tx, view: View) -> Result<Self> {
        let calendar = tx.workspace()?.calendar();
        let present = calendar.day_of(tx.now.timestamp());
        let (today, until) = match view.as_of.map(|day| day.date()).filter(|day| *day < present) {
            Some(day) => {
                let end = Moment::from(calendar.end_of_day(day));
                // What happened when the next day began had not happened yet.
                (day, Some(Moment::from_microseconds(end.microseconds() - 1)))
            }
            None => (present, None),
        };
        let by_then = until.unwrap_or(tx.now);
        let recorded_by = view.known_at.map_or(by_then, |known_at| by_then.min(known_at));
        let parents = parents_at(tx, recorded_by)?;
        let undone = UndoneClosings::at(tx, recorded_by)?;
        Ok(Self { view, today, until, recorded_by, parents, undone })
    }

    /// Objectives as they stood; those that had not been made are left out.
    pub fn objectives(&self, tx: &mut Tx, rows: Vec<ObjectiveRow>) -> Result<Vec<ObjectiveRow>> {
        let ids: Vec<ObjectiveId> = rows.iter().map(|row| row.id).collect();
        let states = states_at(tx, &ids, self.recorded_by)?;
        let then = |row: ObjectiveRow| Some(self.objective(*states.get(&row.id)?, row));
        Ok(rows.into_iter().filter_map(then).collect())
    }

    fn objective(&self, state: RecordedState, row: ObjectiveRow) -> ObjectiveRow {
        let row = ObjectiveRow { parent_id: self.parents.get(&row.id).copied(), ..row };
        let open = |state: ObjectiveState, row: ObjectiveRow| ObjectiveRow {
            state,
            outcome: None,
            score: None,
            reflection: None,
            frozen: None,
            closed_at: None,
            archived_at: None,
            ..row
        };
        match state {
            RecordedState::Draft => ObjectiveRow { activated_at: None, ..open(ObjectiveState::Draft, row) },
            RecordedState::Active => open(ObjectiveState::Active, row),
            RecordedState::Closed => self.undone.as_closed(row),
            RecordedState::Archived => {
                ObjectiveRow { archived_at: row.archived_at.or(Some(self.recorded_by)), ..row }
            }
        }
    }

    /// What hung right under objectives then.
    pub fn children_of(&self, tx: &mut Tx, parents: &[ObjectiveId]) -> Result<Vec<ObjectiveRow>> {
        let wanted: HashSet<ObjectiveId> = parents.iter().copied().collect();
        let hung = self.parents.iter().filter(|(_, parent)| wanted.contains(parent));
        let ids: Vec<ObjectiveId> = hung.map(|(child, _)| *child).collect();
        let mut rows: Vec<ObjectiveRow> = ObjectiveRow::by_ids(tx, &ids)?.into_values().collect();
        rows.sort_by_key(|row| (row.created_at, row.id));
        self.objectives(tx, rows)
    }

    /// How many objectives that were not archived hung right under each of some then, as far as all
    /// who see the one above see them, too.
    pub fn child_counts(
        &self,
        tx: &mut Tx,
        parents: &[&ObjectiveRow],
        circles: &HashMap<ObjectiveId, Circle>,
    ) -> Result<HashMap<ObjectiveId, i64>> {
        let ids: Vec<ObjectiveId> = parents.iter().map(|parent| parent.id).collect();
        let mut children = self.children_of(tx, &ids)?;
        children.retain(|child| child.archived_at.is_none());
        seen_with_parents(tx, parents, circles, &children)
    }

    /// Key results as they stood; those that had not been made are left out.
    pub fn key_results(&self, rows: Vec<KeyResultRow>) -> Vec<KeyResultRow> {
        let by_then = |at: Option<Moment>| at.filter(|at| *at <= self.recorded_by);
        rows.into_iter()
            .filter(|row| row.created_at <= self.recorded_by)
            .map(|row| KeyResultRow {
                archived_at: by_then(row.archived_at),
                activated_at: by_then(row.activated_at),
                frozen: self.undone.frozen(row.id).cloned().or(row.frozen),
                ..row
            })
            .collect()
    }
}
