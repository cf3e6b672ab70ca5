//! A comment as it is stored, with those whom it mentions.

use std::collections::HashMap;

use diesel::dsl::not;
use diesel::prelude::*;

use crate::access::hidden::Hidden;
use crate::access::target::invalid_id;
use crate::access::{Facts, Resource, Scoped};
use crate::http::{Problem, Result};
use crate::learning::subject::SubjectId;
use crate::store::schema::{comment_mentions, comments};
use crate::store::{
    AnnotationId, CommentId, DecisionId, InitiativeId, KeyResultId, KpiId, MemberId, Moment, ObjectiveId,
    RawId, ReviewId, Tx, WorkspaceId,
};

/// A comment as it is stored; exactly one of the ids says what it is about.
#[derive(Clone, Debug, PartialEq, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = comments, treat_none_as_null = true)]
pub struct CommentRow {
    pub id: CommentId,
    pub workspace_id: WorkspaceId,
    pub objective_id: Option<ObjectiveId>,
    pub key_result_id: Option<KeyResultId>,
    pub initiative_id: Option<InitiativeId>,
    pub kpi_id: Option<KpiId>,
    pub author_id: Option<MemberId>,
    pub text: Option<String>,
    pub version: i32,
    pub created_at: Moment,
    pub edited_at: Option<Moment>,
    pub deleted_at: Option<Moment>,
    pub deleted_by: Option<RawId>,
    pub annotation_id: Option<AnnotationId>,
    pub decision_id: Option<DecisionId>,
    pub review_id: Option<ReviewId>,
}

/// That a comment mentions a member.
#[derive(Clone, Debug, Queryable, Insertable)]
#[diesel(table_name = comment_mentions)]
pub struct MentionRow {
    pub workspace_id: WorkspaceId,
    pub comment_id: CommentId,
    pub member_id: MemberId,
}

impl CommentRow {
    /// What it is about.
    pub fn about(&self) -> Option<SubjectId> {
        let objective = self.objective_id.map(SubjectId::Objective);
        let key_result = self.key_result_id.map(SubjectId::KeyResult);
        let initiative = self.initiative_id.map(SubjectId::Initiative);
        let annotation = self.annotation_id.map(SubjectId::Annotation);
        let decision = self.decision_id.map(SubjectId::Decision);
        let review = self.review_id.map(SubjectId::Review);
        let of_okrs = objective.or(key_result).or(initiative);
        of_okrs.or(self.kpi_id.map(SubjectId::Kpi)).or(annotation).or(decision).or(review)
    }

    /// Stores what changed of it.
    pub fn save(&self, tx: &mut Tx) -> Result<()> {
        diesel::update(
            comments::table
                .filter(comments::workspace_id.eq(self.workspace_id))
                .filter(comments::id.eq(self.id)),
        )
        .set(self)
        .execute(tx.db())?;
        Ok(())
    }
}

impl Resource for CommentRow {
    const PARAMETER: &'static str = "comment";

    fn load(tx: &mut Scoped, reference: &str) -> Result<Self> {
        let workspace = tx.here()?;
        let id: CommentId = reference.parse().map_err(invalid_id)?;
        comments::table
            .filter(comments::workspace_id.eq(workspace))
            .filter(comments::id.eq(id))
            .filter(not(Hidden::from(tx)?.comment()))
            .first(tx.db())
            .optional()?
            .ok_or_else(Problem::not_found)
    }

    /// It is whose words they are.
    fn facts(&self) -> Facts {
        Facts::of(self.author_id, None)
    }

    fn version(&self) -> Option<i32> {
        Some(self.version)
    }
}

/// Those whom comments mention.
pub fn mentions_of(tx: &mut Tx, ids: &[CommentId]) -> Result<HashMap<CommentId, Vec<MemberId>>> {
    let rows: Vec<MentionRow> = comment_mentions::table
        .filter(comment_mentions::workspace_id.eq(tx.workspace_id()?))
        .filter(comment_mentions::comment_id.eq_any(ids.to_vec()))
        .order((comment_mentions::comment_id, comment_mentions::member_id))
        .load(tx.db())?;
    let mut found: HashMap<CommentId, Vec<MemberId>> = HashMap::new();
    for row in rows {
        found.entry(row.comment_id).or_default().push(row.member_id);
    }
    Ok(found)
}

/// Keeps whom a comment mentions, in place of those whom it mentioned before.
pub fn set_mentions(tx: &mut Tx, comment: &CommentRow, members: &[MemberId]) -> Result<()> {
    let own = comment_mentions::table
        .filter(comment_mentions::workspace_id.eq(comment.workspace_id))
        .filter(comment_mentions::comment_id.eq(comment.id));
    diesel::delete(own).execute(tx.db())?;
    for member in members {
        let row =
            MentionRow { workspace_id: comment.workspace_id, comment_id: comment.id, member_id: *member };
        diesel::insert_into(comment_mentions::table).values(&row).execute(tx.db())?;
    }
    Ok(())
}
