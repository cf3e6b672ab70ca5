//! Lists of comments: of a thing, by somebody, to somebody.

use diesel::dsl::not;
use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::IntoParams;

use super::row::CommentRow;
use super::show::{CommentPage, show};
use crate::access::Scoped;
use crate::access::hidden::Hidden;
use crate::http::page::{Paged, Total};
use crate::http::{Code, Page, Paging, Problem, Result};
use crate::learning::subject::{SubjectId, find};
use crate::maths::word::words;
use crate::people::members;
use crate::store::connection::MultiBackend;
use crate::store::schema::{comment_mentions, comments};
use crate::store::{
    AnnotationId, CommentId, DecisionId, InitiativeId, KeyResultId, KpiId, MemberId, Moment, ObjectiveId,
    ReviewId, WorkspaceId,
};

words! {
    /// In which order comments are listed.
    pub enum CommentSort {
        /// As they were said.
        Oldest = "oldest",
        /// What was said last first.
        Newest = "newest",
    }
}
crate::http::words::impl_wire_words!(CommentSort);

/// Which comments to list, and in which order.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct CommentFilter {
    /// Only those about these things, by their ids; several mean "or".
    #[serde(default)]
    #[param(example = json!(["kpi_01h455vb4pex5vsknk084sn02q"]))]
    subject: Vec<String>,
    /// Only those that these members said: ids, or `me`; several mean "or".
    #[serde(default)]
    author: Vec<String>,
    /// Only those that mention these members: ids, or `me`; several mean "or".
    #[serde(default)]
    mention: Vec<String>,
    /// The order.
    #[serde(default = "oldest")]
    #[param(inline, default = "oldest")]
    sort: CommentSort,
}

fn oldest() -> CommentSort {
    CommentSort::Oldest
}

/// Where a page ended.
#[derive(Serialize, Deserialize)]
struct Place {
    at: Moment,
    id: CommentId,
}

/// The page of comments that is asked for.
pub fn page(tx: &mut Scoped, filter: &CommentFilter, paging: &Paging) -> Result<Page<CommentPage>> {
    let wanted = Wanted::of(tx, filter)?;
    let total = match paging.total {
        Total::Wanted => Some(wanted.query().count().get_result(tx.db())?),
        Total::NotWanted => None,
    };
    let mut query = wanted.query();
    if let Some(Place { at, id }) = paging.after()? {
        query = match filter.sort {
            CommentSort::Oldest => query
                .filter(comments::created_at.gt(at).or(comments::created_at.eq(at).and(comments::id.gt(id)))),
            CommentSort::Newest => query
                .filter(comments::created_at.lt(at).or(comments::created_at.eq(at).and(comments::id.lt(id)))),
        };
    }
    let query = match filter.sort {
        CommentSort::Oldest => query.order((comments::created_at.asc(), comments::id.asc())),
        CommentSort::Newest => query.order((comments::created_at.desc(), comments::id.desc())),
    };
    let rows: Vec<CommentRow> = query.limit(paging.rows()).load(tx.db())?;
    let Paged { rows, next_cursor, total } =
        paging.page(rows, total, |row| Place { at: row.created_at, id: row.id });
    let rows = show(tx, rows)?;
    Ok(Page::show(paging, Paged { rows, next_cursor, total }, |comment| comment))
}

/// A filter whose names have been found.
struct Wanted {
    workspace: WorkspaceId,
    hidden: Hidden,
    subjects: Option<Subjects>,
    authors: Vec<MemberId>,
    mentioned: Vec<MemberId>,
}

/// Things by their kinds.
#[derive(Clone, Default)]
struct Subjects {
    objectives: Vec<ObjectiveId>,
    key_results: Vec<KeyResultId>,
    initiatives: Vec<InitiativeId>,
    kpis: Vec<KpiId>,
    annotations: Vec<AnnotationId>,
    decisions: Vec<DecisionId>,
    reviews: Vec<ReviewId>,
}

impl Wanted {
    fn of(tx: &mut Scoped, filter: &CommentFilter) -> Result<Self> {
        let mut subjects = Subjects::default();
        for text in &filter.subject {
            let found = find(tx, text).map_err(|problem| match problem.code {
                Code::NotFound => Problem::not_found_at("subject"),
                _ => problem,
            })?;
            match found.map(|found| found.id) {
                Some(SubjectId::Objective(id)) => subjects.objectives.push(id),
                Some(SubjectId::KeyResult(id)) => subjects.key_results.push(id),
                Some(SubjectId::Initiative(id)) => subjects.initiatives.push(id),
                Some(SubjectId::Kpi(id)) => subjects.kpis.push(id),
                Some(SubjectId::Annotation(id)) => subjects.annotations.push(id),
                Some(SubjectId::Decision(id)) => subjects.decisions.push(id),
                Some(SubjectId::Review(id)) => subjects.reviews.push(id),
                None => {
                    return Err(Problem::new(Code::InvalidQuery, "subject: nobody comments on this kind"));
                }
            }
        }
        Ok(Self {
            workspace: tx.here()?,
            hidden: Hidden::from(tx)?,
            subjects: (!filter.subject.is_empty()).then_some(subjects),
            authors: members::filtered(tx, "author", &filter.author)?,
            mentioned: members::filtered(tx, "mention", &filter.mention)?,
        })
    }

    fn query(&self) -> comments::BoxedQuery<'static, MultiBackend> {
        let mut query = comments::table
            .filter(comments::workspace_id.eq(self.workspace))
            .filter(not(self.hidden.comment()))
            .into_boxed::<MultiBackend>();
        if let Some(subjects) = self.subjects.clone() {
            query = query.filter(
                comments::objective_id
                    .eq_any(subjects.objectives)
                    .or(comments::key_result_id.eq_any(subjects.key_results))
                    .or(comments::initiative_id.eq_any(subjects.initiatives))
                    .or(comments::kpi_id.eq_any(subjects.kpis))
                    .or(comments::annotation_id.eq_any(subjects.annotations))
                    .or(comments::decision_id.eq_any(subjects.decisions))
                    .or(comments::review_id.eq_any(subjects.reviews)),
            );
        }
        if !self.authors.is_empty() {
            query = query.filter(comments::author_id.eq_any(self.authors.clone()));
        }
        if !self.mentioned.is_empty() {
            let mentioning = comment_mentions::table
                .filter(comment_mentions::workspace_id.eq(self.workspace))
                .filter(comment_mentions::member_id.eq_any(self.mentioned.clone()))
                .select(comment_mentions::comment_id);
            query = query.filter(comments::id.eq_any(mentioning));
        }
        query
    }
}
