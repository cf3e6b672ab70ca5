//! What the progress of an objective is made of: its key results, its children, or both.
//!
//! Every part says what it adds or why it adds nothing, so that a person can redo the sum by hand.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{Measured, Summary};
use crate::http::Name;
use crate::maths::word::words;
use crate::maths::{Contribution, Item, LeftOut, ObjectiveOutcome, ProgressSource, RollUp, Standing};
use crate::okrs::key_results::KeyResultRow;
use crate::okrs::objectives::{ObjectiveRow, ObjectiveState};
use crate::okrs::wire::Weight;
use crate::store::{KeyResultId, ObjectiveId};

words! {
    /// What can add to the progress of an objective.
    pub enum BreakdownKind {
        /// One of its key results.
        KeyResult = "key_result",
        /// An objective that hangs right under it.
        Objective = "objective",
    }
}
crate::http::words::impl_wire_words!(BreakdownKind);

/// What one item adds to the progress of its objective.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct BreakdownItem {
    /// What it is.
    pub kind: BreakdownKind,
    /// The key result; null where it is an objective.
    pub key_result_id: Option<KeyResultId>,
    /// The objective; null where it is a key result.
    pub objective_id: Option<ObjectiveId>,
    /// Its title.
    pub title: Name,
    /// Its weight; only ratios matter.
    pub weight: Weight,
    /// Its progress within 0 and 1; null without a value.
    #[schema(minimum = 0, maximum = 1)]
    pub value: Option<f64>,
    /// What is expected of it by today, 0 to 1; null without dates.
    #[schema(minimum = 0, maximum = 1)]
    pub expected: Option<f64>,
    /// What it adds: weight times value over the sum of the counted weights. These add up to
    /// `computed`. Null where it does not count.
    #[schema(minimum = 0, maximum = 1)]
    pub contribution: Option<f64>,
    /// Why it does not count; null where it does.
    pub left_out: Option<LeftOut>,
}

/// Something that may count in the progress of an objective.
#[derive(Clone, Debug)]
pub(super) struct Part {
    kind: BreakdownKind,
    key_result_id: Option<KeyResultId>,
    objective_id: Option<ObjectiveId>,
    title: Name,
    item: Item,
    /// Its progress by the goals that it had when it became active.
    original: Option<f64>,
}

impl Part {
    /// A key result of the objective.
    pub(super) fn key_result(row: &KeyResultRow, measured: &Measured, standing: Standing) -> Self {
        Self {
            kind: BreakdownKind::KeyResult,
            key_result_id: Some(row.id),
            objective_id: None,
            title: row.title.as_str().into(),
            item: Item {
                weight: row.weight,
                value: measured.progress.value,
                expected: measured.progress.expected,
                standing,
            },
            original: measured.original,
        }
    }

    /// An objective that hangs right under it. A closed one counts with its frozen progress, never
    /// with its score.
    pub(super) fn child(row: &ObjectiveRow, summary: &Summary) -> Self {
        let progress = &summary.progress;
        Self {
            kind: BreakdownKind::Objective,
            key_result_id: None,
            objective_id: Some(row.id),
            title: row.title.as_str().into(),
            item: Item {
                weight: row.weight,
                value: progress.value,
                expected: progress.expected,
                standing: standing(row),
            },
            original: match progress.source {
                ProgressSource::Manual => progress.value,
                ProgressSource::KeyResults | ProgressSource::Children | ProgressSource::Both => {
                    progress.original
                }
            },
        }
    }
}

/// Whether a child may count in its parent.
fn standing(row: &ObjectiveRow) -> Standing {
    if row.archived_at.is_some() {
        return Standing::LeftOut(LeftOut::Archived);
    }
    match (row.state, row.outcome) {
        (ObjectiveState::Draft, _) => Standing::LeftOut(LeftOut::Draft),
        (ObjectiveState::Closed, Some(ObjectiveOutcome::Dropped)) => Standing::LeftOut(LeftOut::Dropped),
        (ObjectiveState::Active | ObjectiveState::Closed, _) => Standing::Counts,
    }
}

/// All that may count in the progress of an objective.
#[derive(Clone, Debug, Default)]
pub(super) struct Parts {
    /// What everybody sees who sees the objective, in the order of its making.
    pub(super) parts: Vec<Part>,
    /// How many more there are that fewer people may see.
    pub(super) private: u32,
}

impl Parts {
    /// For the mean of what they have reached.
    pub(super) fn items(&self) -> Vec<Item> {
        self.parts.iter().map(|part| part.item).collect()
    }

    /// The same by the goals that they had at first.
    pub(super) fn original_items(&self) -> Vec<Item> {
        self.parts.iter().map(|part| Item { value: part.original, ..part.item }).collect()
    }

    /// What each adds to the whole.
    pub(super) fn breakdown(&self, whole: &RollUp) -> Vec<BreakdownItem> {
        let item = |(part, contribution): (&Part, &Contribution)| BreakdownItem {
            kind: part.kind,
            key_result_id: part.key_result_id,
            objective_id: part.objective_id,
            title: part.title.clone(),
            weight: part.item.weight.into(),
            value: part.item.value,
            expected: part.item.expected,
            contribution: contribution.value(),
            left_out: match contribution {
                Contribution::Counted(_) => None,
                Contribution::LeftOut(reason) => Some(*reason),
            },
        };
        self.parts.iter().zip(&whole.contributions).map(item).collect()
    }
}
