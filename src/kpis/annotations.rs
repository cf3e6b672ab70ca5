//! Annotations: something that happened, on a KPI's timeline, as an answer to "why did it change?".
//!
//! They belong to a day and to their KPI, and are seen by whoever sees that. Members write them, also about KPIs of
//! others; author, owner and team change and delete them. What is deleted leaves every list and stays in the journal.

use diesel::prelude::*;
use jiff::civil::{Date, date};
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use crate::access::target::invalid_id;
use crate::access::{Action, At, Db, Facts, Reads, Resource, Scoped, Writes};
use crate::http::body::Rules;
use crate::http::page::{Paged, page_type};
use crate::http::text::Url;
use crate::http::{
    Answer, Body, Code, Created, FieldErrors, Json, Listing, NoContent, Note, Nothing, Page, PatchBody,
    Problem, Refusals, Refuses, Result, Routes, routes,
};
use crate::kpis::kpis::KpiRef;
use crate::kpis::row::KpiRow;
use crate::people::members::{self, MemberRef};
use crate::store::journal::{EventType, Subject};
use crate::store::schema::annotations;
use crate::store::{AnnotationId, Day, KpiId, MemberId, Moment, RawId, StoreError, Tx, WorkspaceId};

/// How many annotations a KPI has at the most.
const MOST: usize = 1_000;
/// The earliest day that is taken, as for targets.
const EARLIEST: Date = date(1900, 1, 1);

/// The paths of annotations.
pub fn routes() -> Routes {
    routes! { "kpis",
        "/v1/workspaces/{workspace}/kpis/{kpi}/annotations" {
            /// List what happened to a KPI, in the order of the days.
            GET list_annotations,
            /// Put something that happened on a KPI's timeline.
            /// Its day is today or lies in the past.
            POST create_annotation,
        }
        "/v1/workspaces/{workspace}/annotations/{annotation}" {
            /// Show an annotation.
            GET show_annotation,
            /// Change an annotation.
            /// Its author, the KPI's owner and team, and admins may.
            PATCH update_annotation,
            /// Delete an annotation.
            /// It leaves the timeline; the journal keeps that it was there.
            DELETE delete_annotation,
        }
    }
}

/// Something that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"on": "2026-03-03", "text": "The new price list is in force."}))]
pub struct NewAnnotation {
    /// The day on which it happened, not in the future.
    #[schema(example = "2026-03-03")]
    pub on: Day,
    /// What happened, in Markdown.
    #[schema(example = "The new price list is in force.")]
    pub text: Note,
    /// A page that says more.
    #[serde(default)]
    pub url: Option<Url>,
}

impl Rules for NewAnnotation {
    fn judge(&self, errors: &mut FieldErrors) {
        if self.on.date() < EARLIEST {
            errors.add("/on", "out_of_bounds", format!("it must not be before {EARLIEST}"));
        }
        if self.text.as_str().trim().is_empty() {
            errors.add("/text", "blank", "an annotation says what happened");
        }
    }
}

/// Which of a KPI's annotations are listed.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct AnnotationFilter {
    /// Only those of this day or later.
    from: Option<Day>,
    /// Only those of this day or before.
    to: Option<Day>,
}

/// Something that happened, on a KPI's timeline.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Annotation {
    /// Its id.
    id: AnnotationId,
    /// Counts the changes that people made.
    #[schema(minimum = 1)]
    version: i32,
    /// The KPI on whose timeline it stands.
    kpi_id: KpiId,
    /// The KPI, as a page shows it.
    kpi: KpiRef,
    /// The day on which it happened.
    pub on: Day,
    /// What happened, in Markdown.
    pub text: Note,
    /// A page that says more.
    url: Option<Url>,
    /// Who wrote it; null for a service token.
    author_id: Option<MemberId>,
    /// Who wrote it, by name.
    author: Option<MemberRef>,
    /// When it was written.
    created_at: Moment,
    /// When it was changed last.
    updated_at: Moment,
    /// What the caller may do with it.
    can: AnnotationCan,
}

/// What the caller may do with an annotation.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct AnnotationCan {
    /// Change it.
    edit: bool,
    /// Delete it.
    delete: bool,
}

page_type!(AnnotationPage, Annotation);

enum NotMade {}
impl Refusals for NotMade {
    const CODES: &'static [Code] = &[Code::LimitReached];
}

async fn list_annotations(
    db: Db<Reads>,
    kpi: At<KpiRow>,
    list: Listing<AnnotationFilter>,
) -> Answer<Page<AnnotationPage>> {
    db.read(kpi.to(Action::View), list, |tx, kpi, (filter, paging)| {
        let mut rows = of_kpis(tx, &[kpi.id])?;
        rows.retain(|row| {
            filter.from.is_none_or(|from| from <= row.happened_on)
                && filter.to.is_none_or(|to| row.happened_on <= to)
        });
        let Paged { rows, next_cursor, total } = paging.page_of_all(rows, |row| (row.happened_on, row.id))?;
        let paged = Paged { rows: show(tx, &kpi, rows)?, next_cursor, total };
        Ok(Page::show(&paging, paged, |annotation| annotation))
    })
    .await
}

async fn create_annotation(
    db: Db<Writes>,
    kpi: At<KpiRow>,
    body: Body<NewAnnotation>,
    _: Refuses<NotMade>,
) -> Answer<Created<Annotation>> {
    db.write(kpi.to(Action::Create), body, |tx, kpi, new| {
        must_have_happened(tx, new.on)?;
        if of_kpis(tx, &[kpi.id])?.len() >= MOST {
            return Err(Problem::new(Code::LimitReached, format!("a KPI has at most {MOST} annotations")));
        }
        let now = tx.now;
        let row = AnnotationRow {
            id: AnnotationId::generate(now.timestamp()),
            workspace_id: kpi.workspace_id,
            kpi_id: kpi.id,
            happened_on: new.on,
            text: new.text.clone().into(),
            url: new.url.clone().map(String::from),
            author_id: tx.member(),
            version: 1,
            recorded_at: now,
            recorded_by: tx.author().recorded_by(),
            updated_at: now,
            deleted_at: None,
            deleted_by: None,
        };
        diesel::insert_into(annotations::table).values(&row).execute(tx.db())?;
        tx.tell(EventType::AnnotationCreated, row.subject(kpi), json!({ "kpi_id": kpi.id, "said": new }));
        let location = format!("/v1/workspaces/{}/annotations/{}", row.workspace_id, row.id);
        Ok(Created::at(location, show_one(tx, kpi, row)?, 1))
    })
    .await
}

async fn show_annotation(db: Db<Reads>, id: At<KpiAnnotation>) -> Answer<Json<Annotation>> {
    db.read(id.to(Action::View), Nothing, |tx, found, ()| {
        let KpiAnnotation { row, kpi } = found.into_inner();
        let version = row.version;
        Ok(Json::versioned(show_one(tx, &kpi, row)?, version))
    })
    .await
}

async fn update_annotation(
    db: Db<Writes>,
    id: At<KpiAnnotation>,
    patch: PatchBody<NewAnnotation>,
) -> Answer<Json<Annotation>> {
    db.write(id.to(Action::Edit), patch, |tx, found, patch| {
        let KpiAnnotation { row, kpi } = &**found;
        let present = row.fields();
        let Some(fields) = patch.merged(&present, row.version)? else {
            return Ok(Json::versioned(show_one(tx, kpi, row.clone())?, row.version));
        };
        if fields.on != present.on {
            must_have_happened(tx, fields.on)?;
        }
        let row = AnnotationRow {
            happened_on: fields.on,
            text: fields.text.clone().into(),
            url: fields.url.clone().map(String::from),
            version: row.version + 1,
            updated_at: tx.now,
            ..row.clone()
        };
        row.save(tx)?;
        let change = json!({ "kpi_id": kpi.id, "said": fields, "before": present });
        tx.tell(EventType::AnnotationUpdated, row.subject(kpi), change);
        let version = row.version;
        Ok(Json::versioned(show_one(tx, kpi, row)?, version))
    })
    .await
}

async fn delete_annotation(db: Db<Writes>, id: At<KpiAnnotation>) -> Answer<NoContent> {
    db.write(id.to(Action::Edit), Nothing, |tx, found, ()| {
        let KpiAnnotation { row, kpi } = &**found;
        let row = AnnotationRow {
            version: row.version + 1,
            updated_at: tx.now,
            deleted_at: Some(tx.now),
            deleted_by: Some(tx.author().recorded_by()),
            ..row.clone()
        };
        row.save(tx)?;
        tx.tell(EventType::AnnotationDeleted, row.subject(kpi), json!({ "kpi_id": kpi.id }));
        Ok(NoContent)
    })
    .await
}

/// An annotation as it is stored.
#[derive(Clone, Debug, PartialEq, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = annotations, treat_none_as_null = true)]
pub struct AnnotationRow {
    pub id: AnnotationId,
    pub workspace_id: WorkspaceId,
    pub kpi_id: KpiId,
    pub happened_on: Day,
    pub text: String,
    pub url: Option<String>,
    pub author_id: Option<MemberId>,
    pub version: i32,
    pub recorded_at: Moment,
    pub recorded_by: RawId,
    pub updated_at: Moment,
    pub deleted_at: Option<Moment>,
    pub deleted_by: Option<RawId>,
}

impl AnnotationRow {
    /// What people said of it.
    fn fields(&self) -> NewAnnotation {
        NewAnnotation {
            on: self.happened_on,
            text: self.text.as_str().into(),
            url: self.url.as_deref().map(Url::from),
        }
    }

    /// What events call it.
    fn subject(&self, kpi: &KpiRow) -> Subject {
        Subject::new("annotation", self.id, &kpi.name)
    }

    fn save(&self, tx: &mut Tx) -> Result<(), StoreError> {
        diesel::update(
            annotations::table
                .filter(annotations::workspace_id.eq(self.workspace_id))
                .filter(annotations::id.eq(self.id)),
        )
        .set(self)
        .execute(tx.db())?;
        Ok(())
    }
}

/// An annotation together with its KPI, which decides who sees it.
#[derive(Clone, Debug, PartialEq)]
pub struct KpiAnnotation {
    /// The annotation.
    pub row: AnnotationRow,
    /// Its KPI.
    pub kpi: KpiRow,
}

impl Resource for KpiAnnotation {
    const PARAMETER: &'static str = "annotation";

    fn load(tx: &mut Scoped, reference: &str) -> Result<Self> {
        let workspace = tx.here()?;
        let id: AnnotationId = reference.parse().map_err(invalid_id)?;
        let row: AnnotationRow = annotations::table
            .filter(annotations::workspace_id.eq(workspace))
            .filter(annotations::id.eq(id))
            .filter(annotations::deleted_at.is_null())
            .first(tx.db())
            .optional()?
            .ok_or_else(Problem::not_found)?;
        let kpi = KpiRow::by_id(tx, workspace, row.kpi_id)?.ok_or_else(Problem::not_found)?;
        Ok(Self { row, kpi })
    }

    /// It is theirs who may change the KPI, and its author's.
    fn facts(&self) -> Facts {
        let mut facts = self.kpi.facts();
        facts.owners.extend(self.row.author_id);
        facts
    }

    fn version(&self) -> Option<i32> {
        Some(self.row.version)
    }
}

/// What happened to some KPIs, in the order of the days.
pub fn of_kpis(tx: &mut Tx, kpis: &[KpiId]) -> Result<Vec<AnnotationRow>, StoreError> {
    let workspace = tx.workspace_id()?;
    Ok(annotations::table
        .filter(annotations::workspace_id.eq(workspace))
        .filter(annotations::kpi_id.eq_any(kpis))
        .filter(annotations::deleted_at.is_null())
        .order((annotations::happened_on, annotations::id))
        .load(tx.db())?)
}

/// What happened to a KPI from a day to another, as the API shows it: the newest ten, in the order of the days.
pub fn noted_since(tx: &mut Scoped, kpi: &KpiRow, from: Day, to: Day) -> Result<Vec<Annotation>> {
    const MOST_NOTED: usize = 10;
    let mut rows = of_kpis(tx, &[kpi.id])?;
    rows.retain(|row| (from..=to).contains(&row.happened_on));
    let rows = rows.split_off(rows.len().saturating_sub(MOST_NOTED));
    show(tx, kpi, rows)
}

/// Refuses a day that has not come.
fn must_have_happened(tx: &Tx, on: Day) -> Result<()> {
    let today = tx.today()?;
    if on > today {
        let detail = format!("today is {today} in this workspace; an annotation tells what happened");
        return Err(Problem::field("/on", "in_the_future", detail));
    }
    Ok(())
}

fn show_one(tx: &mut Scoped, kpi: &KpiRow, row: AnnotationRow) -> Result<Annotation> {
    show(tx, kpi, vec![row])?.pop().ok_or_else(Problem::not_found)
}

/// Annotations of a KPI as the API shows them, in the order of the rows.
fn show(tx: &mut Scoped, kpi: &KpiRow, rows: Vec<AnnotationRow>) -> Result<Vec<Annotation>> {
    let people = members::names(tx, kpi.workspace_id, rows.iter().filter_map(|row| row.author_id))?;
    let shown = rows.into_iter().map(|row| {
        let NewAnnotation { on, text, url } = row.fields();
        let (id, version, author_id) = (row.id, row.version, row.author_id);
        let (created_at, updated_at) = (row.recorded_at, row.updated_at);
        let edit = tx.may(Action::Edit, &KpiAnnotation { row, kpi: kpi.clone() }.facts());
        Annotation {
            id,
            version,
            kpi_id: kpi.id,
            kpi: kpi.into(),
            on,
            text,
            url,
            author_id,
            author: author_id.and_then(|id| people.get(&id).cloned()),
            created_at,
            updated_at,
            can: AnnotationCan { edit, delete: edit },
        }
    });
    Ok(shown.collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(on: &str, text: &str) -> String {
        let said: NewAnnotation = serde_json::from_value(json!({"on": on, "text": text})).unwrap();
        let mut errors = FieldErrors::new();
        said.judge(&mut errors);
        let all = errors.into_vec();
        all.iter().map(|error| format!("{} {};", error.pointer, error.code)).collect()
    }

    #[test]
    fn an_annotation_says_something_of_a_day() {
        assert_eq!(faults("2026-03-03", "Prices rose"), "");
        assert_eq!(faults("1899-12-31", " \n"), "/on out_of_bounds;/text blank;");
        assert_eq!(faults("1900-01-01", "."), "");
    }
}
