//! Where the objectives of the tree stood on an earlier day, and which of them have left it since.

use std::collections::{HashMap, HashSet};

use serde::Serialize;
use utoipa::ToSchema;

use super::{Place, Tree};
use crate::access::Scoped;
use crate::http::{Name, Result};
use crate::kpis::derive::View;
use crate::maths::{Confidence, Pace};
use crate::okrs::objectives::{ObjectiveRow, ObjectiveState};
use crate::okrs::progress::{Past, Surroundings};
use crate::store::{KeyResultId, ObjectiveId};

/// Where an objective stood on an earlier day.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct TreeBefore {
    /// Its state.
    state: ObjectiveState,
    /// How far it was, 0 to 1; null where nothing counted.
    #[schema(minimum = 0, maximum = 1, example = 0.4)]
    progress: Option<f64>,
    /// What the numbers said.
    pace: Pace,
    /// The worst that people had said last of its key results; null where nobody had.
    confidence: Option<Confidence>,
    /// Its key results of then, in their order.
    #[schema(max_items = 50)]
    key_results: Vec<KeyResultBefore>,
}

/// Where a key result stood on an earlier day.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, ToSchema)]
pub struct KeyResultBefore {
    /// The key result's id.
    id: KeyResultId,
    /// The value that was current, in its unit; null without one.
    #[schema(example = 4.6)]
    value: Option<f64>,
    /// How far it was, 0 to 1; null without a value.
    #[schema(minimum = 0, maximum = 1, example = 0.4)]
    progress: Option<f64>,
    /// What the numbers said.
    pace: Pace,
    /// What people had said last; null where nobody had.
    confidence: Option<Confidence>,
}

/// An objective that stood in the tree on an earlier day and does not now.
#[derive(Clone, Debug, PartialEq, Serialize, ToSchema)]
pub struct TreeLeft {
    /// The objective's id.
    id: ObjectiveId,
    /// Where to go.
    title: Name,
    /// Where it stood.
    before: TreeBefore,
}

/// The tree of an earlier day, by title.
pub struct Stood(Vec<(ObjectiveRow, TreeBefore)>);

/// How the objectives of a place stood then.
pub fn stood(tx: &mut Scoped, place: &Place, view: View) -> Result<Stood> {
    let past = Past::of(tx, view)?;
    let rows = place.objectives(tx, Some(&past))?;
    let around = Surroundings::as_seen(tx, &rows.iter().collect::<Vec<_>>(), Some(past))?;
    let remembered = rows.iter().map(|row| remember(&around, row)).collect::<Vec<_>>();
    Ok(Stood(rows.into_iter().zip(remembered).collect()))
}

fn remember(around: &Surroundings, row: &ObjectiveRow) -> TreeBefore {
    let summary = around.summarise(row);
    let in_use = around.key_results_of(row.id).iter().filter(|key_result| key_result.archived_at.is_none());
    let key_results = in_use.map(|key_result| {
        let seen = around.measure(key_result, row);
        KeyResultBefore {
            id: key_result.id,
            value: seen.current.map(|current| current.value.value()),
            progress: seen.progress.value,
            pace: seen.pace,
            confidence: seen.confidence,
        }
    });
    TreeBefore {
        state: row.state,
        progress: summary.progress.value,
        pace: summary.pace,
        confidence: summary.confidence.worst,
        key_results: key_results.collect(),
    }
}

impl Stood {
    /// Puts beside each objective of a tree where it stood, and lists those that have left.
    pub fn stand_beside(self, tree: &mut Tree) {
        let here: HashSet<ObjectiveId> = tree.objectives.iter().map(|item| item.objective.id).collect();
        let (stayed, left): (Vec<_>, Vec<_>) =
            self.0.into_iter().partition(|(row, _)| here.contains(&row.id));
        let mut stayed: HashMap<ObjectiveId, TreeBefore> =
            stayed.into_iter().map(|(row, before)| (row.id, before)).collect();
        for item in &mut tree.objectives {
            item.before = stayed.remove(&item.objective.id);
        }
        let left = left.into_iter().map(|(row, before)| TreeLeft {
            id: row.id,
            title: row.title.as_str().into(),
            before,
        });
        tree.left = left.collect();
    }
}
