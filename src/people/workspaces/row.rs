//! A workspace's row: finding, making and changing it.

use diesel::prelude::*;
use serde_json::{Map, Value, json};

use super::NewWorkspace;
use crate::access::caller::MemberState;
use crate::access::{Facts, Resource, Role, Scoped};
use crate::http::text::folded;
use crate::http::{Code, Problem, Result};
use crate::people::accounts::AccountRow;
use crate::people::members::{self, MemberRow};
use crate::store::journal::{EventType, Subject};
use crate::store::schema::{kpis, members as members_table, points, workspaces};
use crate::store::{AccountId, KpiId, MemberId, Opening, Tx, WorkspaceId, WorkspaceRow};

impl Resource for WorkspaceRow {
    const PARAMETER: &'static str = "workspace";

    fn load(tx: &mut Scoped, _: &str) -> Result<Self> {
        // The guard has found it by the same segment of the path, and the caller's place in it.
        Ok(tx.workspace()?.clone())
    }

    fn facts(&self) -> Facts {
        Facts::default()
    }

    fn version(&self) -> Option<i32> {
        Some(self.version)
    }
}

/// What events name.
pub fn subject(row: &WorkspaceRow) -> Subject {
    Subject::new("workspace", row.id, row.name.clone())
}

/// The workspace with this slug, unless it was deleted.
pub fn by_slug(tx: &mut Tx, slug: &str) -> Result<Option<WorkspaceRow>> {
    tx.open_slug(slug)?;
    Ok(workspaces::table
        .filter(workspaces::slug.eq(slug))
        .filter(workspaces::deleted_at.is_null())
        .first(tx.db())
        .optional()?)
}

/// The workspaces in which an account takes part, with its place in each, by name.
pub(super) fn of_account(tx: &mut Tx, account: AccountId) -> Result<Vec<(WorkspaceRow, MemberId, Role)>> {
    let mut rows: Vec<(WorkspaceRow, MemberId, Role)> = workspaces::table
        .inner_join(members_table::table.on(members_table::workspace_id.eq(workspaces::id)))
        .filter(members_table::account_id.eq(account))
        .filter(members_table::state.eq(MemberState::Active))
        .filter(workspaces::deleted_at.is_null())
        .select((workspaces::all_columns, members_table::id, members_table::role))
        .load(tx.db())?;
    rows.sort_by(|(one, _, _), (other, _, _)| {
        (&one.name_folded, one.id).cmp(&(&other.name_folded, other.id))
    });
    Ok(rows)
}

/// Makes a workspace with its owner, and serves it from then on.
pub fn create(tx: &mut Tx, new: &NewWorkspace, owner: AccountId) -> Result<(WorkspaceRow, MemberRow)> {
    let account = AccountRow::by_id(tx, owner)?.ok_or_else(Problem::not_found)?;
    let mut row = WorkspaceRow {
        id: WorkspaceId::generate(tx.now.timestamp()),
        slug: String::new(),
        name: String::new(),
        name_folded: String::new(),
        time_zone: String::new(),
        week_starts_on: new.week_starts_on,
        check_in_rhythm_days: new.check_in_rhythm_days,
        event_sequence: 0,
        version: 1,
        created_at: tx.now,
        updated_at: tx.now,
        deleted_at: None,
        revision: 0,
    };
    apply(tx, &mut row, new)?;
    tx.open(Opening::Workspace(row.id))?;
    diesel::insert_into(workspaces::table).values(&row).execute(tx.db())?;
    tx.serve(row.clone())?;
    let member = members::admit(tx, row.id, &account, Role::Owner, None)?;
    let change = json!({
        "name": row.name, "slug": row.slug, "time_zone": row.time_zone,
        "week_starts_on": row.week_starts_on, "check_in_rhythm_days": row.check_in_rhythm_days,
    });
    tx.tell(EventType::WorkspaceCreated, subject(&row), change);
    Ok((row, member))
}

/// The fields that people change.
pub(super) fn fields(row: &WorkspaceRow) -> NewWorkspace {
    NewWorkspace {
        name: row.name.as_str().into(),
        slug: Some(row.slug.as_str().into()),
        time_zone: row.time_zone.clone(),
        week_starts_on: row.week_starts_on,
        check_in_rhythm_days: row.check_in_rhythm_days,
    }
}

/// Brings the row to what the fields say; 409 where another workspace has the slug.
pub(super) fn apply(tx: &mut Tx, row: &mut WorkspaceRow, new: &NewWorkspace) -> Result<()> {
    // Both were judged with the body.
    row.slug = new.slug().unwrap_or_default();
    row.time_zone = new.time_zone().unwrap_or_else(|| "UTC".into());
    row.name = new.name.as_str().to_owned();
    row.name_folded = folded(new.name.as_str());
    row.week_starts_on = new.week_starts_on;
    row.check_in_rhythm_days = new.check_in_rhythm_days;
    tx.open_slug(&row.slug)?;
    let taken: Option<WorkspaceId> = workspaces::table
        .filter(workspaces::slug.eq(&row.slug))
        .filter(workspaces::id.ne(row.id))
        .select(workspaces::id)
        .first(tx.db())
        .optional()?;
    if taken.is_some() {
        let detail = format!("the slug {} is taken: say another one", row.slug);
        return Err(Problem::new(Code::AlreadyExists, &detail).with("/slug", "already_exists", detail));
    }
    Ok(())
}

/// What changed, for the event.
pub(super) fn difference(before: &WorkspaceRow, after: &WorkspaceRow) -> Map<String, Value> {
    let mut change = Map::new();
    let mut note = |field: &str, before: Value, after: Value| {
        if before != after {
            change.insert(field.to_owned(), after);
        }
    };
    note("name", json!(before.name), json!(after.name));
    note("slug", json!(before.slug), json!(after.slug));
    note("time_zone", json!(before.time_zone), json!(after.time_zone));
    note("week_starts_on", json!(before.week_starts_on), json!(after.week_starts_on));
    note("check_in_rhythm_days", json!(before.check_in_rhythm_days), json!(after.check_in_rhythm_days));
    change
}

/// Stores a change, and serves the workspace as it is from then on.
pub(super) fn save(tx: &mut Tx, row: &mut WorkspaceRow) -> Result<()> {
    row.version += 1;
    row.updated_at = tx.now;
    diesel::update(workspaces::table.filter(workspaces::id.eq(row.id))).set(&*row).execute(tx.db())?;
    Ok(tx.serve(row.clone())?)
}

/// Whether any KPI of the workspace has a point.
pub(super) fn has_points(tx: &mut Tx, workspace: WorkspaceId) -> Result<bool> {
    let of_the_workspace = kpis::table.filter(kpis::workspace_id.eq(workspace)).select(kpis::id);
    let any: Option<KpiId> = points::table
        .filter(points::kpi_id.eq_any(of_the_workspace))
        .select(points::kpi_id)
        .first(tx.db())
        .optional()?;
    Ok(any.is_some())
}
