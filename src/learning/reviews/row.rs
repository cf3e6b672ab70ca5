//! Reviews as they are stored, with what they looked at and who was there.

use std::collections::HashMap;

use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::target::invalid_id;
use crate::access::{Facts, Resource, Scoped};
use crate::http::{Code, Problem, Result};
use crate::store::journal::Subject;
use crate::store::schema::{decisions, review_attendees, review_kpis, review_objectives, reviews};
use crate::store::{
    Day, KpiId, MemberId, Moment, ObjectiveId, RawId, ReviewId, StoreError, TeamId, Tx, WorkspaceId,
};

/// How many KPIs and objectives one review looks at, at the most; and how many decisions it makes.
pub const MOST: usize = 200;

/// A review as it is stored.
#[derive(Clone, Debug, PartialEq, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = reviews, treat_none_as_null = true)]
pub struct ReviewRow {
    pub id: ReviewId,
    pub workspace_id: WorkspaceId,
    pub held_on: Day,
    pub team_id: Option<TeamId>,
    pub notes: Option<String>,
    pub author_id: Option<MemberId>,
    pub version: i32,
    pub recorded_at: Moment,
    pub recorded_by: RawId,
    pub updated_at: Moment,
}

impl ReviewRow {
    /// What events call it.
    pub fn subject(&self) -> Subject {
        Subject::new("review", self.id, name(self.held_on))
    }

    /// Stores what changed of it.
    pub fn save(&self, tx: &mut Tx) -> Result<(), StoreError> {
        diesel::update(
            reviews::table
                .filter(reviews::workspace_id.eq(self.workspace_id))
                .filter(reviews::id.eq(self.id)),
        )
        .set(self)
        .execute(tx.db())?;
        Ok(())
    }
}

/// What people call a review: it has no name of its own.
pub fn name(held_on: Day) -> String {
    format!("Review of {held_on}")
}

impl Resource for ReviewRow {
    const PARAMETER: &'static str = "review";

    fn load(tx: &mut Scoped, reference: &str) -> Result<Self> {
        let workspace = tx.here()?;
        let id: ReviewId = reference.parse().map_err(invalid_id)?;
        reviews::table
            .filter(reviews::workspace_id.eq(workspace))
            .filter(reviews::id.eq(id))
            .first(tx.db())
            .optional()?
            .ok_or_else(Problem::not_found)
    }

    /// It is its author's and its team's.
    fn facts(&self) -> Facts {
        Facts::of(self.author_id, self.team_id)
    }

    fn version(&self) -> Option<i32> {
        Some(self.version)
    }
}

/// A review, where other things show it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct ReviewRef {
    /// The review's id.
    pub id: ReviewId,
    /// The day on which it was held.
    pub held_on: Day,
}

/// The short forms of some reviews, for things that refer to them.
pub fn references(tx: &mut Tx, ids: Vec<ReviewId>) -> Result<HashMap<ReviewId, ReviewRef>, StoreError> {
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let rows: Vec<(ReviewId, Day)> = reviews::table
        .filter(reviews::workspace_id.eq(tx.workspace_id()?))
        .filter(reviews::id.eq_any(ids))
        .select((reviews::id, reviews::held_on))
        .load(tx.db())?;
    Ok(rows.into_iter().map(|(id, held_on)| (id, ReviewRef { id, held_on })).collect())
}

/// What a review looked at.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LookedAt {
    /// KPIs.
    pub kpis: Vec<KpiId>,
    /// Objectives.
    pub objectives: Vec<ObjectiveId>,
}

/// What reviews looked at, by what had been recorded by an instant; in the order of their ids.
pub fn looked_at_by(
    tx: &mut Tx,
    ids: &[ReviewId],
    instant: Moment,
) -> Result<HashMap<ReviewId, LookedAt>, StoreError> {
    let workspace = tx.workspace_id()?;
    let kpis: Vec<(ReviewId, KpiId)> = review_kpis::table
        .filter(review_kpis::workspace_id.eq(workspace))
        .filter(review_kpis::review_id.eq_any(ids))
        .filter(review_kpis::recorded_at.le(instant))
        .filter(review_kpis::ended_at.is_null().or(review_kpis::ended_at.assume_not_null().gt(instant)))
        .order((review_kpis::review_id, review_kpis::kpi_id))
        .select((review_kpis::review_id, review_kpis::kpi_id))
        .load(tx.db())?;
    let objectives: Vec<(ReviewId, ObjectiveId)> = review_objectives::table
        .filter(review_objectives::workspace_id.eq(workspace))
        .filter(review_objectives::review_id.eq_any(ids))
        .filter(review_objectives::recorded_at.le(instant))
        .filter(
            review_objectives::ended_at
                .is_null()
                .or(review_objectives::ended_at.assume_not_null().gt(instant)),
        )
        .order((review_objectives::review_id, review_objectives::objective_id))
        .select((review_objectives::review_id, review_objectives::objective_id))
        .load(tx.db())?;
    let mut found: HashMap<ReviewId, LookedAt> = HashMap::new();
    for (review, kpi) in kpis {
        found.entry(review).or_default().kpis.push(kpi);
    }
    for (review, objective) in objectives {
        found.entry(review).or_default().objectives.push(objective);
    }
    Ok(found)
}

/// Brings what a review looked at to what is wanted; what is taken away stays known.
pub fn set_looked_at(tx: &mut Tx, review: ReviewId, wanted: &LookedAt) -> Result<()> {
    if wanted.kpis.len() + wanted.objectives.len() > MOST {
        let detail = format!("a review looks at no more than {MOST} KPIs and objectives");
        return Err(Problem::new(Code::LimitReached, detail));
    }
    let (workspace, now) = (tx.workspace_id()?, tx.now);
    let before = looked_at_by(tx, &[review], now)?.remove(&review).unwrap_or_default();
    let gone: Vec<KpiId> = before.kpis.iter().filter(|id| !wanted.kpis.contains(id)).copied().collect();
    diesel::update(review_kpis::table)
        .filter(review_kpis::workspace_id.eq(workspace))
        .filter(review_kpis::review_id.eq(review))
        .filter(review_kpis::kpi_id.eq_any(gone))
        .filter(review_kpis::ended_at.is_null())
        .set(review_kpis::ended_at.eq(Some(now)))
        .execute(tx.db())?;
    let gone: Vec<ObjectiveId> =
        before.objectives.iter().filter(|id| !wanted.objectives.contains(id)).copied().collect();
    diesel::update(review_objectives::table)
        .filter(review_objectives::workspace_id.eq(workspace))
        .filter(review_objectives::review_id.eq(review))
        .filter(review_objectives::objective_id.eq_any(gone))
        .filter(review_objectives::ended_at.is_null())
        .set(review_objectives::ended_at.eq(Some(now)))
        .execute(tx.db())?;
    for kpi in wanted.kpis.iter().filter(|id| !before.kpis.contains(id)) {
        let row = (
            review_kpis::workspace_id.eq(workspace),
            review_kpis::review_id.eq(review),
            review_kpis::kpi_id.eq(kpi),
            review_kpis::recorded_at.eq(now),
        );
        // One that was taken away in this very instant is there again.
        diesel::delete(review_kpis::table)
            .filter(review_kpis::review_id.eq(review))
            .filter(review_kpis::kpi_id.eq(kpi))
            .filter(review_kpis::recorded_at.eq(now))
            .execute(tx.db())?;
        diesel::insert_into(review_kpis::table).values(row).execute(tx.db())?;
    }
    for objective in wanted.objectives.iter().filter(|id| !before.objectives.contains(id)) {
        let row = (
            review_objectives::workspace_id.eq(workspace),
            review_objectives::review_id.eq(review),
            review_objectives::objective_id.eq(objective),
            review_objectives::recorded_at.eq(now),
        );
        diesel::delete(review_objectives::table)
            .filter(review_objectives::review_id.eq(review))
            .filter(review_objectives::objective_id.eq(objective))
            .filter(review_objectives::recorded_at.eq(now))
            .execute(tx.db())?;
        diesel::insert_into(review_objectives::table).values(row).execute(tx.db())?;
    }
    Ok(())
}

/// A review looks at what is decided on in it, too.
pub fn look_at(tx: &mut Tx, review: ReviewId, more: &[KpiId]) -> Result<()> {
    let (workspace, now) = (tx.workspace_id()?, tx.now);
    let made: i64 = decisions::table
        .filter(decisions::workspace_id.eq(workspace))
        .filter(decisions::review_id.eq(review))
        .count()
        .get_result(tx.db())?;
    if usize::try_from(made).is_ok_and(|made| made >= MOST) {
        return Err(Problem::new(
            Code::LimitReached,
            format!("a review makes no more than {MOST} decisions"),
        ));
    }
    let mut wanted = looked_at_by(tx, &[review], now)?.remove(&review).unwrap_or_default();
    let missing: Vec<KpiId> = more.iter().filter(|id| !wanted.kpis.contains(id)).copied().collect();
    if missing.is_empty() {
        return Ok(());
    }
    wanted.kpis.extend(missing);
    set_looked_at(tx, review, &wanted)
}

/// Who was there, in the order of their ids.
pub fn attendees_of(tx: &mut Tx, ids: &[ReviewId]) -> Result<HashMap<ReviewId, Vec<MemberId>>, StoreError> {
    let rows: Vec<(ReviewId, MemberId)> = review_attendees::table
        .filter(review_attendees::workspace_id.eq(tx.workspace_id()?))
        .filter(review_attendees::review_id.eq_any(ids))
        .order((review_attendees::review_id, review_attendees::member_id))
        .select((review_attendees::review_id, review_attendees::member_id))
        .load(tx.db())?;
    let mut found: HashMap<ReviewId, Vec<MemberId>> = HashMap::new();
    for (review, member) in rows {
        found.entry(review).or_default().push(member);
    }
    Ok(found)
}

/// Keeps who was there, in place of who stood there before.
pub fn set_attendees(tx: &mut Tx, review: &ReviewRow, members: &[MemberId]) -> Result<(), StoreError> {
    diesel::delete(review_attendees::table)
        .filter(review_attendees::workspace_id.eq(review.workspace_id))
        .filter(review_attendees::review_id.eq(review.id))
        .execute(tx.db())?;
    for member in members {
        let row = (
            review_attendees::workspace_id.eq(review.workspace_id),
            review_attendees::review_id.eq(review.id),
            review_attendees::member_id.eq(member),
        );
        diesel::insert_into(review_attendees::table).values(row).execute(tx.db())?;
    }
    Ok(())
}
