//! Events: the audit log and the activity feed, written in the transaction of what they tell.
//!
//! A workspace numbers its events without gaps, in the order of commits: the counter stands in
//! the workspace's row, which the transaction has locked.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::prelude::*;
use serde_json::Value;

use super::batch;
use super::error::StoreError;
use super::id::{Id, Kind, RawId};
use super::ids::WorkspaceId;
use super::opening::Opening;
use super::schema::events;
use super::transaction::{Author, AuthorKind, Tx};
use super::types::{Json, Moment};

/// How many things one statement names.
const SUBJECTS_PER_STATEMENT: usize = 5_000;

/// Something that happened.
#[derive(Clone, Debug)]
pub struct Event {
    /// What kind of thing happened.
    pub kind: EventType,
    /// To what.
    pub subject: Subject,
    /// How it changed, as JSON: only fields that changed, secrets never.
    pub change: Value,
}

/// The thing that an event, a comment or a decision is about.
#[derive(Clone, Debug)]
pub struct Subject {
    /// The kind of thing, such as `kpi`.
    pub kind: &'static str,
    /// Its id.
    pub id: RawId,
    /// What people call it.
    pub name: String,
}

impl Subject {
    /// A thing of some kind, with the name that people know it by.
    pub fn new<K: Kind>(kind: &'static str, id: Id<K>, name: impl Into<String>) -> Self {
        Self { kind, id: id.raw(), name: name.into() }
    }
}

crate::maths::word::words! {
    /// What kind of thing happened. New kinds may come.
    pub enum EventType {
        /// A workspace was made.
        WorkspaceCreated = "workspace.created",
        /// A workspace's settings changed.
        WorkspaceUpdated = "workspace.updated",
        /// A workspace was deleted.
        WorkspaceDeleted = "workspace.deleted",
        /// Somebody joined.
        MemberJoined = "member.joined",
        /// A member's role, name or title changed.
        MemberUpdated = "member.updated",
        /// A member was kept out for a while.
        MemberSuspended = "member.suspended",
        /// A member who was suspended was let in again.
        MemberReactivated = "member.reactivated",
        /// What a member answered for was handed over to another one.
        MemberReassigned = "member.reassigned",
        /// A member was removed.
        MemberRemoved = "member.removed",
        /// Somebody was invited.
        InvitationCreated = "invitation.created",
        /// An invitation was taken back.
        InvitationRevoked = "invitation.revoked",
        /// A team was made.
        TeamCreated = "team.created",
        /// A team changed, or who belongs to it.
        TeamUpdated = "team.updated",
        /// A team was archived.
        TeamArchived = "team.archived",
        /// An API token was made.
        TokenCreated = "token.created",
        /// Somebody else answers for a service token.
        TokenReassigned = "token.reassigned",
        /// An API token was revoked.
        TokenRevoked = "token.revoked",
        /// An API token was renamed, or somebody else answers for it.
        TokenUpdated = "token.updated",
        /// An API token ends soon: told 14 and 3 days before.
        TokenExpiring = "token.expiring",
        /// A KPI was made.
        KpiCreated = "kpi.created",
        /// A KPI's own fields changed.
        KpiUpdated = "kpi.updated",
        /// A KPI was archived.
        KpiArchived = "kpi.archived",
        /// A KPI was restored from the archive.
        KpiRestored = "kpi.restored",
        /// A KPI's health is another than before.
        KpiHealthChanged = "kpi.health_changed",
        /// Where a KPI is going is another than before: its newest periods say something else than noise, or no more.
        KpiSignal = "kpi.signal",
        /// Past periods of a KPI were filled in or corrected; what it shows now did not change.
        KpiHistoryChanged = "kpi.history_changed",
        /// A KPI's newest value is too old to say anything about today.
        KpiStale = "kpi.stale",
        /// A target was set.
        TargetCreated = "target.created",
        /// A target was taken away.
        TargetDeleted = "target.deleted",
        /// Points were stored, replaced or deleted.
        PointsRecorded = "points.recorded",
        /// A board was made.
        BoardCreated = "board.created",
        /// A board changed, or which KPIs stand on it.
        BoardUpdated = "board.updated",
        /// A board was deleted.
        BoardDeleted = "board.deleted",
        /// A KPI was linked to one that it is believed to move.
        DriverCreated = "driver.created",
        /// A driver's lag, effect or note changed.
        DriverUpdated = "driver.updated",
        /// A driver was ended.
        DriverEnded = "driver.ended",
        /// A cycle was made.
        CycleCreated = "cycle.created",
        /// A cycle changed.
        CycleUpdated = "cycle.updated",
        /// A cycle was deleted.
        CycleDeleted = "cycle.deleted",
        /// An objective was made.
        ObjectiveCreated = "objective.created",
        /// An objective's own fields changed.
        ObjectiveUpdated = "objective.updated",
        /// An objective became active.
        ObjectiveActivated = "objective.activated",
        /// An objective was closed.
        ObjectiveClosed = "objective.closed",
        /// A closed objective was opened again.
        ObjectiveReopened = "objective.reopened",
        /// An objective was carried over into another cycle: a new one goes on with it.
        ObjectiveCarriedOver = "objective.carried_over",
        /// An objective was archived.
        ObjectiveArchived = "objective.archived",
        /// An objective was restored from the archive.
        ObjectiveRestored = "objective.restored",
        /// A key result was made.
        KeyResultCreated = "key_result.created",
        /// A key result changed.
        KeyResultUpdated = "key_result.updated",
        /// A key result was archived.
        KeyResultArchived = "key_result.archived",
        /// A key result was restored from the archive.
        KeyResultRestored = "key_result.restored",
        /// Somebody checked in.
        CheckInCreated = "check_in.created",
        /// A check-in on a key result is overdue: told once until somebody checks in.
        CheckInOverdue = "check_in.overdue",
        /// An initiative was made.
        InitiativeCreated = "initiative.created",
        /// An initiative changed.
        InitiativeUpdated = "initiative.updated",
        /// An initiative was archived.
        InitiativeArchived = "initiative.archived",
        /// An initiative was restored from the archive.
        InitiativeRestored = "initiative.restored",
        /// Somebody said something about a thing.
        CommentCreated = "comment.created",
        /// A comment was changed by its author.
        CommentUpdated = "comment.updated",
        /// A comment was deleted.
        CommentDeleted = "comment.deleted",
        /// An objective was linked to a KPI that it is meant to heal.
        RemedyCreated = "remedy.created",
        /// A remedy's note changed.
        RemedyUpdated = "remedy.updated",
        /// A remedy was withdrawn.
        RemedyWithdrawn = "remedy.withdrawn",
        /// The KPI of a remedy is healthy again.
        RemedyRecovered = "remedy.recovered",
        /// The KPI of a remedy recovered once and is unhealthy again.
        RemedyRelapsed = "remedy.relapsed",
        /// A remedy's objective ended, and its KPI did not recover in time.
        RemedyFailed = "remedy.failed",
        /// A remedy's outcome is another than before.
        RemedyOutcomeChanged = "remedy.outcome_changed",
        /// An objective was linked to a KPI that it must not harm.
        GuardrailCreated = "guardrail.created",
        /// A guardrail's note changed.
        GuardrailUpdated = "guardrail.updated",
        /// A guardrail was ended.
        GuardrailEnded = "guardrail.ended",
        /// A KPI that an objective must not harm was harmed.
        GuardrailBreached = "guardrail.breached",
        /// It is harmed no more.
        GuardrailHealed = "guardrail.healed",
        /// Something that happened was put on a KPI's timeline.
        AnnotationCreated = "annotation.created",
        /// An annotation changed.
        AnnotationUpdated = "annotation.updated",
        /// An annotation was deleted.
        AnnotationDeleted = "annotation.deleted",
        /// Something was decided because of a KPI: by people, or recorded with what they did.
        DecisionCreated = "decision.created",
        /// A decision's words changed, when it is looked at again, or what it led to.
        DecisionUpdated = "decision.updated",
        /// A review of KPIs and objectives was held.
        ReviewCreated = "review.created",
        /// A review changed: its notes, who was there, or what was looked at.
        ReviewUpdated = "review.updated",
        /// A link was made, which shows something to whoever has it.
        LinkCreated = "link.created",
        /// A link was revoked.
        LinkRevoked = "link.revoked",
    }
}
super::types::impl_sql_words!(EventType);

crate::maths::word::words! {
    /// Who may read an event.
    pub enum Audience {
        /// Every member.
        Everyone = "everyone",
        /// Admins and owners.
        Admins = "admins",
    }
}
super::types::impl_sql_words!(Audience);

impl EventType {
    /// Events of members, invitations, tokens and links are for admins and owners.
    pub fn audience(self) -> Audience {
        match self {
            Self::MemberJoined
            | Self::MemberUpdated
            | Self::MemberSuspended
            | Self::MemberReactivated
            | Self::MemberReassigned
            | Self::MemberRemoved
            | Self::InvitationCreated
            | Self::InvitationRevoked
            | Self::TokenCreated
            | Self::TokenReassigned
            | Self::TokenRevoked
            | Self::TokenUpdated
            | Self::TokenExpiring
            | Self::LinkCreated
            | Self::LinkRevoked => Audience::Admins,
            _ => Audience::Everyone,
        }
    }
}

/// An event as it is stored.
#[derive(Clone, Debug, Queryable, Insertable)]
#[diesel(table_name = events, treat_none_as_default_value = false)]
pub struct EventRow {
    pub workspace_id: WorkspaceId,
    pub sequence: i64,
    pub at: Moment,
    pub actor_kind: AuthorKind,
    pub actor_id: Option<RawId>,
    pub actor_name: String,
    pub kind: EventType,
    pub audience: Audience,
    pub subject_type: String,
    pub subject_id: RawId,
    pub subject_name: String,
    pub change: Json,
    pub request_id: String,
}

/// The change that the newest event of a type told of each of some things, in few statements.
pub fn told_last(
    tx: &mut Tx,
    kind: EventType,
    subjects: &[RawId],
) -> Result<HashMap<RawId, Value>, StoreError> {
    let workspace = tx.workspace_id()?;
    let mut found = HashMap::new();
    for ids in subjects.chunks(SUBJECTS_PER_STATEMENT) {
        let newest: Vec<(RawId, Option<i64>)> = events::table
            .filter(events::workspace_id.eq(workspace))
            .filter(events::subject_id.eq_any(ids))
            .filter(events::kind.eq(kind))
            .group_by(events::subject_id)
            .select((events::subject_id, diesel::dsl::max(events::sequence)))
            .load(tx.db())?;
        let newest: Vec<i64> = newest.into_iter().filter_map(|(_, sequence)| sequence).collect();
        let changes: Vec<(RawId, Json)> = events::table
            .filter(events::workspace_id.eq(workspace))
            .filter(events::sequence.eq_any(newest))
            .select((events::subject_id, events::change))
            .load(tx.db())?;
        found.extend(changes.into_iter().map(|(id, change)| (id, change.0)));
    }
    Ok(found)
}

/// Ends a transaction that may have changed a workspace: counts its revision up, and numbers and stores the events.
pub(super) fn close(tx: &mut Tx, pending: Vec<(Arc<Author>, Event)>) -> Result<(), StoreError> {
    let workspace_id = match tx.workspace_id() {
        Ok(id) => id,
        Err(_) if pending.is_empty() => return Ok(()),
        Err(error) => return Err(error),
    };
    let now = tx.now;
    tx.open(Opening::Workspace(workspace_id))?;
    let count = i64::try_from(pending.len()).unwrap_or(i64::MAX);
    let Some(newest) = batch::count_revision(tx, workspace_id, count)? else { return Ok(()) };
    let rows: Vec<EventRow> = pending
        .into_iter()
        .zip(newest - count + 1..)
        .map(|((author, event), sequence)| EventRow {
            workspace_id,
            sequence,
            at: now,
            actor_kind: author.kind,
            actor_id: author.id,
            actor_name: author.name.clone(),
            audience: event.kind.audience(),
            kind: event.kind,
            subject_type: event.subject.kind.to_owned(),
            subject_id: event.subject.id,
            subject_name: event.subject.name,
            change: Json(event.change),
            request_id: author.request_id.clone(),
        })
        .collect();
    batch::insert_events(tx, &rows)
}
