//! Workspaces: one organisation's data each, and nothing crosses it.
//!
//! Whoever makes one owns it. Its calendar decides what a period is, so the time zone stays once
//! there are points, and another first day of the week recomputes every KPI. Deleting hides it from
//! everybody at once; its data and its slug stay taken.

mod row;

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use crate::access::policy::{self, Decision, Led, Standing};
use crate::access::{Action, Admins, At, Db, Facts, Owners, People, Reads, Role, Scoped};
use crate::http::answer::Answer;
use crate::http::body::Rules;
use crate::http::page::{Position, page_type};
use crate::http::query::Rehearsable;
use crate::http::text::Slug;
use crate::http::{
    Body, Code, Created, FieldErrors, Json, Listing, Name, NoContent, Nothing, Page, PatchBody, Problem,
    Routes, routes,
};
use crate::kpis;
use crate::people::slug;
use crate::store::journal::EventType;
use crate::store::workspace::WeekDay;
use crate::store::{MemberId, Moment, WorkspaceId, WorkspaceRow};
pub use row::{by_slug, create, subject};

/// The paths of workspaces.
pub fn routes() -> Routes {
    routes! { "workspaces",
        "/v1/workspaces" {
            /// List the workspaces in which the caller takes part, by name.
            GET list_workspaces,
            /// Make a workspace; the caller becomes its owner.
            POST create_workspace
        }
        "/v1/workspaces/{workspace}" {
            /// Show a workspace.
            GET show_workspace,
            /// Change a workspace's settings.
            /// The time zone can be changed while the workspace has no points. Another first day of the
            /// week recomputes every KPI.
            PATCH update_workspace,
            /// Delete a workspace.
            /// Nobody reaches it from then on, and its slug is not free again.
            DELETE delete_workspace
        }
    }
}

/// What a workspace is made of.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewWorkspace {
    /// The name of the organisation.
    pub name: Name,
    /// The short name in addresses, unique on this server; made from the name where it is not given.
    #[serde(default)]
    pub slug: Option<Slug>,
    /// The IANA name of the time zone in which its days begin and end.
    #[serde(default = "utc")]
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = r"^[^\x00-\x1f\x7f]+$",
        default = "UTC",
        example = "Europe/London"
    )]
    pub time_zone: String,
    /// The day on which its weeks begin.
    #[serde(default = "monday")]
    #[schema(default = "monday")]
    pub week_starts_on: WeekDay,
    /// How often people are expected to check in on a key result, in days.
    #[serde(default = "weekly")]
    #[schema(minimum = 1, maximum = 366, default = 7, example = 7)]
    pub check_in_rhythm_days: i32,
}

fn utc() -> String {
    "UTC".into()
}

fn monday() -> WeekDay {
    WeekDay::Monday
}

fn weekly() -> i32 {
    7
}

impl NewWorkspace {
    /// The slug that was given, or one made from the name.
    fn slug(&self) -> Option<String> {
        match &self.slug {
            Some(slug) => Some(slug.as_str().to_owned()),
            None => slug::of_name(self.name.as_str()),
        }
    }

    /// The time zone as the IANA spells it; `None` where there is none of this name.
    fn time_zone(&self) -> Option<String> {
        let zone = jiff::tz::TimeZone::get(&self.time_zone).ok()?;
        zone.iana_name().map(str::to_owned)
    }
}

impl Rules for NewWorkspace {
    fn judge(&self, errors: &mut FieldErrors) {
        if self.time_zone().is_none() {
            let detail = "there is no time zone of this name, such as Europe/London";
            errors.add("/time_zone", "unknown_time_zone", detail);
        }
        if self.slug().is_none() {
            errors.add("/slug", "required", "no slug can be made from this name, so say one");
        }
    }
}

/// A workspace.
#[derive(Debug, Serialize, ToSchema)]
pub struct Workspace {
    /// The workspace's id.
    id: WorkspaceId,
    /// Its short name in addresses.
    #[schema(value_type = Slug)]
    slug: String,
    /// Counts the changes of its own fields.
    #[schema(minimum = 1)]
    version: i32,
    /// The name of the organisation.
    #[schema(value_type = Name)]
    name: String,
    /// The IANA name of the time zone in which its days begin and end.
    #[schema(max_length = 64, pattern = "^[0-9A-Za-z_+-]+(/[0-9A-Za-z_+-]+)*$", example = "Europe/London")]
    time_zone: String,
    /// The day on which its weeks begin.
    week_starts_on: WeekDay,
    /// How often people are expected to check in on a key result, in days.
    #[schema(minimum = 1, maximum = 366)]
    check_in_rhythm_days: i32,
    /// The caller's own role.
    role: Role,
    /// The caller as a member; null for service tokens.
    member_id: Option<MemberId>,
    /// What the caller may do.
    can: WorkspaceCan,
    /// When it was made.
    created_at: Moment,
    /// When its own fields changed last.
    updated_at: Moment,
}

/// What the caller may do in a workspace.
#[derive(Debug, Serialize, ToSchema)]
pub struct WorkspaceCan {
    /// Make KPIs.
    create_kpi: bool,
    /// Make objectives.
    create_objective: bool,
    /// Change settings; manage members, invitations, teams, cycles and service tokens.
    manage: bool,
    /// Delete the workspace.
    delete: bool,
}

/// A workspace, as other things show it.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct WorkspaceRef {
    /// The workspace's id.
    pub id: WorkspaceId,
    /// Its short name in addresses.
    #[schema(value_type = Slug)]
    pub slug: String,
    /// The name of the organisation.
    #[schema(value_type = Name)]
    pub name: String,
}

impl WorkspaceRef {
    /// Of a stored workspace.
    pub fn of(row: &WorkspaceRow) -> Self {
        Self { id: row.id, slug: row.slug.clone(), name: row.name.clone() }
    }
}

impl Workspace {
    fn of(row: &WorkspaceRow, standing: &Standing) -> Self {
        let may = |action| policy::decide(standing, action, &Facts::default()) == Decision::Allow;
        Self {
            id: row.id,
            slug: row.slug.clone(),
            version: row.version,
            name: row.name.clone(),
            time_zone: row.time_zone.clone(),
            week_starts_on: row.week_starts_on,
            check_in_rhythm_days: row.check_in_rhythm_days,
            role: standing.role,
            member_id: standing.member,
            can: WorkspaceCan {
                create_kpi: policy::decide(standing, Action::Create, &standing.new_within_reach())
                    == Decision::Allow,
                create_objective: may(Action::Create),
                manage: may(Action::Manage),
                delete: may(Action::Own),
            },
            created_at: row.created_at,
            updated_at: row.updated_at,
        }
    }

    /// As the caller inside it sees it.
    fn seen_by(tx: &Scoped, row: &WorkspaceRow) -> crate::http::Result<Json<Self>> {
        Ok(Json::versioned(Self::of(row, &tx.inside()?.standing), row.version))
    }
}

page_type!(WorkspacePage, Workspace);

/// The list has no filters.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct NoFilter {}

async fn list_workspaces(db: Db<People>, listing: Listing<NoFilter>) -> Answer<Page<WorkspacePage>> {
    db.read((), listing, |tx, (), (_, paging)| {
        let account = tx.signed()?.account;
        let rows = row::of_account(tx, account)?;
        let position = |(row, _, _): &(WorkspaceRow, MemberId, Role)| Position {
            key: row.name_folded.clone(),
            id: row.id.to_string(),
        };
        let paged = paging.page_of_all(rows, position)?;
        Ok(Page::show(&paging, paged, |(row, member, role)| Workspace::of(&row, &person(member, role))))
    })
    .await
}

async fn create_workspace(
    db: Db<People>,
    rehearsable: Rehearsable,
    body: Body<NewWorkspace>,
) -> Answer<Created<Workspace>> {
    db.write((), (rehearsable, body), |tx, (), (_, new)| {
        let account = tx.signed()?.account;
        let (row, owner) = create(tx, new, account)?;
        let workspace = Workspace::of(&row, &person(owner.id, owner.role));
        Ok(Created::at(format!("/v1/workspaces/{}", row.id), workspace, row.version))
    })
    .await
}

async fn show_workspace(db: Db<Reads>, id: At<WorkspaceRow>) -> Answer<Json<Workspace>> {
    db.read(id.to(Action::View), Nothing, |tx, row, ()| Workspace::seen_by(tx, &row)).await
}

async fn update_workspace(
    db: Db<Admins>,
    id: At<WorkspaceRow>,
    patch: PatchBody<NewWorkspace>,
) -> Answer<Json<Workspace>> {
    db.write(id.to(Action::Manage), patch, |tx, row, patch| {
        let current = row::fields(row);
        let Some(new) = patch.merged(&current, row.version)? else {
            return Workspace::seen_by(tx, row);
        };
        let mut changed = (**row).clone();
        row::apply(tx, &mut changed, &new)?;
        let change = row::difference(row, &changed);
        if change.is_empty() {
            return Workspace::seen_by(tx, row);
        }
        if changed.time_zone != row.time_zone && row::has_points(tx, row.id)? {
            let detail = "the workspace has points, so its days stay where they are";
            return Err(Problem::new(Code::TimeZoneInUse, detail).with("/time_zone", "in_use", detail));
        }
        row::save(tx, &mut changed)?;
        if changed.week_starts_on != row.week_starts_on {
            kpis::recompute_all(tx)?;
        }
        tx.tell(EventType::WorkspaceUpdated, subject(&changed), change.into());
        Workspace::seen_by(tx, &changed)
    })
    .await
}

async fn delete_workspace(db: Db<Owners>, id: At<WorkspaceRow>) -> Answer<NoContent> {
    db.write(id.to(Action::Own), Nothing, |tx, row, ()| {
        let mut gone = (**row).clone();
        gone.deleted_at = Some(tx.now);
        row::save(tx, &mut gone)?;
        tx.tell(EventType::WorkspaceDeleted, subject(&gone), json!({}));
        Ok(NoContent)
    })
    .await
}

/// A person with a role, who is bound by no token.
fn person(member: MemberId, role: Role) -> Standing {
    Standing { role, member: Some(member), teams: Vec::new(), led: Led::default(), token: None }
}
