//! A check-in as it is stored.

use diesel::dsl::not;
use diesel::prelude::*;

use crate::access::hidden::Hidden;
use crate::access::target::invalid_id;
use crate::access::{Facts, Resource, Scoped};
use crate::http::{Problem, Result};
use crate::maths::Confidence;
use crate::okrs::progress::KeyResultValue;
use crate::store::schema::check_ins;
use crate::store::{CheckInId, KeyResultId, MemberId, Moment, WorkspaceId};

/// A check-in as it is stored.
#[derive(Clone, Debug, PartialEq, Queryable, Insertable)]
#[diesel(table_name = check_ins, treat_none_as_default_value = false)]
pub struct CheckInRow {
    pub id: CheckInId,
    pub workspace_id: WorkspaceId,
    pub key_result_id: KeyResultId,
    pub value: Option<f64>,
    pub confidence: Confidence,
    pub note: Option<String>,
    pub blocker: Option<String>,
    pub author_id: Option<MemberId>,
    pub at: Moment,
    pub recorded_at: Moment,
    pub clears_blocker: bool,
}

impl CheckInRow {
    /// The value that was told, and the instant that it stands for.
    pub fn current(&self) -> Option<KeyResultValue> {
        Some(KeyResultValue { value: self.value?.into(), at: self.at })
    }

    /// Whether it says anything of what stands in the way: that something does, or that it does no more.
    pub fn is_about_blockers(&self) -> bool {
        self.blocker.is_some() || self.clears_blocker
    }
}

impl Resource for CheckInRow {
    const PARAMETER: &'static str = "check_in";

    fn load(tx: &mut Scoped, reference: &str) -> Result<Self> {
        let workspace = tx.here()?;
        let id: CheckInId = reference.parse().map_err(invalid_id)?;
        check_ins::table
            .filter(check_ins::workspace_id.eq(workspace))
            .filter(check_ins::id.eq(id))
            .filter(not(Hidden::from(tx)?.check_in()))
            .first(tx.db())
            .optional()?
            .ok_or_else(Problem::not_found)
    }

    fn facts(&self) -> Facts {
        Facts::default()
    }

    fn version(&self) -> Option<i32> {
        None
    }
}
