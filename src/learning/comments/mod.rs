//! Comments: what people say about KPIs, objectives and what hangs on them.
//!
//! A thing's comments are one flat thread. Members say something, authors change and delete their own
//! words, admins and owners delete anybody's; both leave a mark. What is over can still be talked about.
//! Events tell that something was said and to whom, never what: what is deleted is gone.

mod list;
mod row;
mod show;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

use crate::access::{Action, At, Db, Reads, Scoped, Writes};
use crate::http::body::Rules;
use crate::http::text::AnyId;
use crate::http::{
    Answer, Body, Code, Created, Description, FieldErrors, Json, Listing, NoContent, Nothing, Page, Patch,
    PatchBody, Problem, Refusals, Refuses, Result, Routes, routes,
};
use crate::learning::subject::{SubjectId, SubjectRef, find, references};
use crate::okrs::wire::{path, refused_at};
use crate::people::members::{self, MemberInput};
use crate::store::journal::{EventType, Subject};
use crate::store::schema::comments;
use crate::store::{CommentId, MemberId};
use list::CommentFilter;
use row::{CommentRow, mentions_of, set_mentions};
use show::{Comment, CommentPage, is_own, show_one};

/// The paths of comments.
pub fn routes() -> Routes {
    routes! { "comments",
        "/v1/workspaces/{workspace}/comments" {
            /// List comments.
            /// Of a thing with `subject`, in the order in which they were said; deleted ones leave a mark.
            GET list_comments,
            /// Comment on a KPI, an objective or what hangs on them.
            /// Also where it is closed or archived.
            POST create_comment,
        }
        "/v1/workspaces/{workspace}/comments/{comment}" {
            /// Show a comment.
            GET show_comment,
            /// Change a comment.
            /// Its author may; `edited_at` tells that it happened.
            PATCH update_comment,
            /// Delete a comment.
            /// Its author, admins and owners may. Text and mentions are gone; that something was said stays.
            DELETE delete_comment,
        }
    }
}

/// Something to say about a thing.
#[derive(Clone, Debug, PartialEq, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewComment {
    /// What it is about: the id of an objective, a key result, an initiative, a KPI, an annotation, a
    /// decision or a review.
    pub subject_id: AnyId,
    /// What is said, in Markdown.
    #[schema(example = "The price list changed on the 3rd: is that it?")]
    pub text: Description,
    /// Those whom it mentions.
    #[serde(default)]
    #[schema(max_items = 20, example = json!([]))]
    pub mentions: Vec<MemberInput>,
}

/// The fields of a comment that can be changed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CommentFields {
    /// What is said, in Markdown.
    #[schema(example = "The price list changed on the 3rd, and that is it.")]
    pub text: Description,
    /// Those whom it mentions.
    #[serde(default)]
    #[schema(max_items = 20, example = json!([]))]
    pub mentions: Vec<MemberInput>,
}

impl Rules for NewComment {
    fn judge(&self, errors: &mut FieldErrors) {
        judge_text(&self.text, errors);
    }
}

impl Rules for CommentFields {
    fn judge(&self, errors: &mut FieldErrors) {
        judge_text(&self.text, errors);
    }
}

fn judge_text(text: &Description, errors: &mut FieldErrors) {
    if text.as_str().trim().is_empty() {
        errors.add("/text", "blank", "a comment says something");
    }
}

async fn list_comments(db: Db<Reads>, listing: Listing<CommentFilter>) -> Answer<Page<CommentPage>> {
    db.read((), listing, |tx, (), (filter, paging)| list::page(tx, &filter, &paging)).await
}

async fn create_comment(db: Db<Writes>, body: Body<NewComment>) -> Answer<Created<Comment>> {
    db.write((), body, |tx, (), new| {
        let row = create(tx, new)?;
        let location = path(row.workspace_id, &format!("comments/{}", row.id));
        Ok(Created::at(location, show_one(tx, &row)?, row.version))
    })
    .await
}

async fn show_comment(db: Db<Reads>, id: At<CommentRow>) -> Answer<Json<Comment>> {
    db.read(id.to(Action::View), Nothing, |tx, row, ()| Ok(Json::versioned(show_one(tx, &row)?, row.version)))
        .await
}

async fn update_comment(
    db: Db<Writes>,
    id: At<CommentRow>,
    body: PatchBody<CommentFields>,
    _: Refuses<Deleted>,
) -> Answer<Json<Comment>> {
    db.write(id.to(Action::Edit), body, |tx, row, patch| {
        if !is_own(tx, row) {
            return Err(Problem::forbidden("a comment is changed by its author alone"));
        }
        let row = update(tx, row, patch)?;
        Ok(Json::versioned(show_one(tx, &row)?, row.version))
    })
    .await
}

async fn delete_comment(db: Db<Writes>, id: At<CommentRow>) -> Answer<NoContent> {
    db.write(id.to(Action::Archive), Nothing, |tx, row, ()| {
        if row.deleted_at.is_some() {
            return Ok(NoContent);
        }
        let row = CommentRow {
            text: None,
            deleted_at: Some(tx.now),
            deleted_by: Some(tx.author().recorded_by()),
            version: row.version + 1,
            ..CommentRow::clone(row)
        };
        row.save(tx)?;
        set_mentions(tx, &row, &[])?;
        tell(tx, EventType::CommentDeleted, &row, &[])?;
        Ok(NoContent)
    })
    .await
}

enum Deleted {}
impl Refusals for Deleted {
    const CODES: &'static [Code] = &[Code::Conflict];
}

/// Says something about what the body names.
fn create(tx: &mut Scoped, new: &NewComment) -> Result<CommentRow> {
    let found = find(tx, new.subject_id.as_str()).map_err(|problem| refused_at(problem, "/subject_id"))?;
    let found = found.ok_or_else(|| {
        let detail = "comments are about objectives, key results, initiatives, KPIs, annotations, decisions and reviews";
        Problem::field("/subject_id", "unexpected_kind", detail)
    })?;
    tx.require(Action::View, &found.facts)?;
    tx.require(Action::Create, &found.facts)?;
    let mentions = mentioned(tx, &new.mentions, &[])?;
    let now = tx.now;
    let mut row = CommentRow {
        id: CommentId::generate(now.timestamp()),
        workspace_id: tx.here()?,
        objective_id: None,
        key_result_id: None,
        initiative_id: None,
        kpi_id: None,
        author_id: tx.member(),
        text: Some(new.text.as_str().to_owned()),
        version: 1,
        created_at: now,
        edited_at: None,
        deleted_at: None,
        deleted_by: None,
        annotation_id: None,
        decision_id: None,
        review_id: None,
    };
    match found.id {
        SubjectId::Objective(id) => row.objective_id = Some(id),
        SubjectId::KeyResult(id) => row.key_result_id = Some(id),
        SubjectId::Initiative(id) => row.initiative_id = Some(id),
        SubjectId::Kpi(id) => row.kpi_id = Some(id),
        SubjectId::Annotation(id) => row.annotation_id = Some(id),
        SubjectId::Decision(id) => row.decision_id = Some(id),
        SubjectId::Review(id) => row.review_id = Some(id),
    }
    diesel::insert_into(comments::table).values(&row).execute(tx.db())?;
    set_mentions(tx, &row, &mentions)?;
    tell(tx, EventType::CommentCreated, &row, &mentions)?;
    Ok(row)
}

/// Changes the words of a comment; the row as it is where nothing changes.
fn update(tx: &mut Scoped, row: &CommentRow, patch: &Patch<CommentFields>) -> Result<CommentRow> {
    let before = mentions_of(tx, &[row.id])?.remove(&row.id).unwrap_or_default();
    let fields = CommentFields {
        text: row.text.as_deref().unwrap_or_default().into(),
        mentions: before.iter().copied().map(MemberInput::from).collect(),
    };
    if row.deleted_at.is_some() {
        return Err(Problem::new(Code::Conflict, "the comment is deleted: its words are gone"));
    }
    let Some(fields) = patch.merged(&fields, row.version)? else { return Ok(row.clone()) };
    let mentions = mentioned(tx, &fields.mentions, &before)?;
    let now = tx.now;
    let row = CommentRow {
        text: Some(fields.text.into()),
        edited_at: Some(now),
        version: row.version + 1,
        ..row.clone()
    };
    row.save(tx)?;
    set_mentions(tx, &row, &mentions)?;
    tell(tx, EventType::CommentUpdated, &row, &mentions)?;
    Ok(row)
}

/// Those who are mentioned, each once. Who is mentioned anew has to be a member; who was mentioned before
/// may have left since.
fn mentioned(tx: &mut Scoped, inputs: &[MemberInput], before: &[MemberId]) -> Result<Vec<MemberId>> {
    let known: Vec<MemberInput> = before.iter().copied().map(MemberInput::from).collect();
    let mut mentions = Vec::new();
    for (index, input) in inputs.iter().enumerate() {
        let id = match known.iter().zip(before).find(|(known, _)| *known == input) {
            Some((_, id)) => *id,
            None => members::resolve(tx, &format!("/mentions/{index}"), input)?.id,
        };
        if !mentions.contains(&id) {
            mentions.push(id);
        }
    }
    Ok(mentions)
}

/// Tells that something was said about a thing, and to whom; never what.
fn tell(tx: &mut Scoped, kind: EventType, row: &CommentRow, mentions: &[MemberId]) -> Result<()> {
    let about = row.about().ok_or_else(Problem::not_found)?;
    let subject = references(tx, &[about])?.remove(&about);
    let SubjectRef { kind: of, id, name } = subject.ok_or_else(Problem::not_found)?;
    let change = json!({ "subject": { "type": of, "id": id, "name": name }, "mentions": mentions });
    tx.tell(kind, Subject::new("comment", row.id, name), change);
    Ok(())
}
