//! Comments as they are answered.

use serde::Serialize;
use utoipa::ToSchema;

use super::row::{CommentRow, mentions_of};
use crate::access::{Action, Resource, Scoped};
use crate::http::page::page_type;
use crate::http::text::AnyId;
use crate::http::{Description, Problem, Result};
use crate::learning::subject::{SubjectId, SubjectRef, references};
use crate::people::members::{self, MemberRef};
use crate::store::{CommentId, MemberId, Moment};

/// What somebody said about a thing.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Comment {
    /// Its id.
    id: CommentId,
    /// Counts the changes.
    #[schema(minimum = 1)]
    version: i32,
    /// The id of what it is about.
    #[schema(value_type = AnyId)]
    subject_id: String,
    /// What it is about.
    subject: SubjectRef,
    /// What was said, in Markdown; null once it is deleted.
    text: Option<Description>,
    /// Those whom it mentions.
    #[schema(max_items = 20)]
    mentions: Vec<MemberId>,
    /// The same, as a page shows them.
    #[schema(max_items = 20)]
    mentioned: Vec<MemberRef>,
    /// Who said it; null for a service token.
    author_id: Option<MemberId>,
    /// The author, as a page shows it.
    author: Option<MemberRef>,
    /// When it was said.
    at: Moment,
    /// When its author changed it last; null where that never happened.
    edited_at: Option<Moment>,
    /// When it was deleted; the text is gone since.
    deleted_at: Option<Moment>,
    /// What the caller may do with it, as things stand.
    can: CommentCan,
}

/// What the caller may do with a comment, as things stand.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct CommentCan {
    /// Change it: its author may.
    edit: bool,
    /// Delete it: its author, admins and owners of the workspace may.
    delete: bool,
}

page_type!(CommentPage, Comment);

/// One comment, with what it refers to loaded for it alone.
pub fn show_one(tx: &mut Scoped, row: &CommentRow) -> Result<Comment> {
    show(tx, vec![row.clone()])?.pop().ok_or_else(Problem::not_found)
}

/// Comments in their order, in few statements.
pub fn show(tx: &mut Scoped, rows: Vec<CommentRow>) -> Result<Vec<Comment>> {
    let workspace = tx.here()?;
    let ids: Vec<CommentId> = rows.iter().map(|row| row.id).collect();
    let subjects: Vec<SubjectId> = rows.iter().filter_map(CommentRow::about).collect();
    let subjects = references(tx, &subjects)?;
    let mut mentions = mentions_of(tx, &ids)?;
    let people = rows.iter().filter_map(|row| row.author_id).chain(mentions.values().flatten().copied());
    let names = members::names(tx, workspace, people)?;
    let shown = rows.into_iter().filter_map(|row| {
        let subject = subjects.get(&row.about()?)?.clone();
        let mentions = mentions.remove(&row.id).unwrap_or_default();
        let is_there = row.deleted_at.is_none();
        let facts = row.facts();
        Some(Comment {
            id: row.id,
            version: row.version,
            subject_id: subject.id.clone(),
            subject,
            text: row.text.as_deref().map(Description::from),
            mentioned: mentions.iter().filter_map(|id| names.get(id).cloned()).collect(),
            mentions,
            author_id: row.author_id,
            author: row.author_id.and_then(|id| names.get(&id).cloned()),
            at: row.created_at,
            edited_at: row.edited_at,
            deleted_at: row.deleted_at,
            can: CommentCan {
                edit: is_there && is_own(tx, &row) && tx.may(Action::Edit, &facts),
                delete: is_there && tx.may(Action::Archive, &facts),
            },
        })
    });
    Ok(shown.collect())
}

/// Whether the caller said it. A service token is nobody, so nothing is its own.
pub fn is_own(tx: &Scoped, row: &CommentRow) -> bool {
    row.author_id.is_some() && row.author_id == tx.member()
}
