//! What a job holds while it reads or writes.

use std::collections::HashMap;
use std::sync::Arc;

use diesel::prelude::*;
use serde_json::Value;

use super::connection::{AnyConnection, each_engine};
use super::error::StoreError;
use super::id::RawId;
use super::ids::{AccountId, DecisionId, KpiId, ObjectiveId, SessionId, TargetId, WorkspaceId};
use super::journal::{self, Event};
use super::opening::Opening;
use super::schema::{accounts, sessions, workspaces};
use super::types::{Day, Moment};
use super::workspace::WorkspaceRow;
use crate::maths::health::Health;
use crate::maths::series::KpiState;

/// One transaction: a connection, the moment at which it runs, and what it will leave behind.
pub struct Tx<'c> {
    connection: &'c mut AnyConnection,
    /// The moment of this transaction; everything in it is stamped with it.
    pub now: Moment,
    author: Arc<Author>,
    /// Who changed a KPI, where several share this transaction.
    changed_by: HashMap<KpiId, Arc<Author>>,
    workspace: Option<WorkspaceRow>,
    opening: Option<Opening>,
    events: Vec<(Arc<Author>, Event)>,
    kpi_changes: Vec<KpiChange>,
    deeds: Vec<Deed>,
    effect: Effect,
    next_turn: Option<Moment>,
}

/// Whether a transaction leaves anything behind.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Effect {
    Some,
    None,
}

/// Which row a write locks first, so that what hangs together has one serial history.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lane {
    /// Everything inside one workspace.
    Workspace(WorkspaceId),
    /// An account, its sessions and its credentials.
    Account(AccountId),
    /// What has no row yet: registering, creating a workspace, upkeep.
    Open,
}

/// On whose behalf a transaction runs; events and points say so.
#[derive(Clone, Debug)]
pub struct Author {
    /// What kind of author.
    pub kind: AuthorKind,
    /// The member's or the token's id.
    pub id: Option<RawId>,
    /// The name that the activity feed shows.
    pub name: String,
    /// The request that this transaction serves.
    pub request_id: String,
}

crate::maths::word::words! {
    /// What kind of author stands behind a change.
    pub enum AuthorKind {
        /// A signed-in person.
        Person = "person",
        /// An API token.
        Token = "token",
        /// Regimen itself.
        System = "system",
    }
}
super::types::impl_sql_words!(AuthorKind);

impl Author {
    /// Regimen itself, before a caller is known or where there is none.
    pub fn system(request_id: impl Into<String>) -> Self {
        Self { kind: AuthorKind::System, id: None, name: "Regimen".into(), request_id: request_id.into() }
    }

    /// The id that a row's `recorded_by` keeps; nil for Regimen itself.
    pub fn recorded_by(&self) -> RawId {
        self.id.unwrap_or(RawId::from_uuid(uuid::Uuid::nil()))
    }
}

/// What a transaction changed about a KPI, for what must follow.
#[derive(Clone, Debug, PartialEq)]
pub struct KpiChange {
    /// Which KPI.
    pub kpi: KpiId,
    /// The health shown before.
    pub before: Health,
    /// The health shown after.
    pub after: Health,
}

/// Something that must follow a change of KPIs in the same transaction.
pub type Follower = fn(&mut Tx, &[KpiChange]) -> Result<(), StoreError>;

/// What people did about a KPI, and what it showed until then: behind every deed stands a decision.
#[derive(Clone, Debug, PartialEq)]
pub struct Deed {
    /// Which KPI.
    pub kpi: KpiId,
    /// What was done.
    pub act: Act,
    /// What the KPI showed before.
    pub before: KpiState,
    /// The decision that the request named; without one, the deed is recorded as a decision of its own.
    pub decision: Option<DecisionId>,
}

/// What can be done about a KPI.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Act {
    /// A target was set.
    SetTarget(TargetId),
    /// A target was taken away.
    EndedTarget(TargetId),
    /// An objective was linked or made that is meant to heal it.
    Prescribed(ObjectiveId),
    /// It went into the archive.
    Archived,
}

/// Something that must follow deeds in the same transaction.
pub type DeedFollower = fn(&mut Tx, &[Deed]) -> Result<(), StoreError>;

/// All that follows at the end of a transaction, in this order.
#[derive(Clone, Copy, Debug, Default)]
pub struct Followers {
    /// What follows a change of KPIs.
    pub of_kpis: &'static [Follower],
    /// What follows deeds.
    pub of_deeds: &'static [DeedFollower],
}

impl<'c> Tx<'c> {
    pub(super) fn new(connection: &'c mut AnyConnection, now: Moment, author: Author) -> Self {
        Self {
            connection,
            now,
            author: Arc::new(author),
            changed_by: HashMap::new(),
            workspace: None,
            opening: None,
            events: Vec::new(),
            kpi_changes: Vec::new(),
            deeds: Vec::new(),
            effect: Effect::Some,
            next_turn: None,
        }
    }

    /// The connection, for diesel's queries.
    pub fn db(&mut self) -> &mut AnyConnection {
        self.connection
    }

    /// On whose behalf this runs.
    pub fn author(&self) -> &Author {
        &self.author
    }

    /// The same, to be kept for longer.
    pub fn shared_author(&self) -> Arc<Author> {
        self.author.clone()
    }

    /// Says on whose behalf this runs, once the caller is known.
    pub fn act_as(&mut self, kind: AuthorKind, id: RawId, name: impl Into<String>) {
        let author = Arc::make_mut(&mut self.author);
        author.kind = kind;
        author.id = Some(id);
        author.name = name.into();
    }

    /// Says on whose behalf the next thing is done, where several share this transaction.
    pub fn speak_for(&mut self, author: Arc<Author>) {
        self.author = author;
    }

    /// Says who changed a KPI, so that what follows from it is told in their name.
    pub fn was_changed_by(&mut self, kpi: KpiId, author: Arc<Author>) {
        self.changed_by.insert(kpi, author);
    }

    /// Whoever changed one of some KPIs, where that was said.
    pub fn changer_of(&self, kpis: impl IntoIterator<Item = KpiId>) -> Option<Arc<Author>> {
        kpis.into_iter().find_map(|kpi| self.changed_by.get(&kpi)).cloned()
    }

    /// The workspace that this transaction serves.
    pub fn workspace(&self) -> Result<&WorkspaceRow, StoreError> {
        self.workspace
            .as_ref()
            .ok_or_else(|| StoreError::Unusable("this transaction serves no workspace".into()))
    }

    /// The day that it is now in the time zone of the workspace that this transaction serves.
    pub fn today(&self) -> Result<Day, StoreError> {
        Ok(self.workspace()?.calendar().day_of(self.now.timestamp()).into())
    }

    /// The id of the workspace that this transaction serves.
    pub fn workspace_id(&self) -> Result<WorkspaceId, StoreError> {
        self.workspace().map(|workspace| workspace.id)
    }

    /// Says which workspace this transaction serves, and opens it; a write has locked its row already.
    pub fn serve(&mut self, workspace: WorkspaceRow) -> Result<(), StoreError> {
        self.open(Opening::Workspace(workspace.id))?;
        self.workspace = Some(workspace);
        Ok(())
    }

    /// What this transaction has opened; see [`Tx::open`].
    pub fn opening(&self) -> Option<Opening> {
        self.opening
    }

    pub(super) fn note_opening(&mut self, opening: Opening) {
        self.opening = Some(opening);
    }

    /// Locks the lane's row. SQLite's one writer needs no lock beyond its transaction. A write that
    /// turns out to reach into a workspace enters its lane before it changes anything there.
    pub fn enter(&mut self, lane: Lane) -> Result<(), StoreError> {
        match lane {
            Lane::Workspace(id) => {
                if self.workspace.as_ref().is_some_and(|other| other.id != id) {
                    // What was told so far belongs to the workspace that is left.
                    let events = std::mem::take(&mut self.events);
                    journal::close(self, events)?;
                }
                self.open(Opening::Workspace(id))?;
                if let AnyConnection::Postgres(connection) = self.connection {
                    workspaces::table
                        .find(id)
                        .select(workspaces::id)
                        .for_no_key_update()
                        .first::<WorkspaceId>(connection)
                        .optional()?;
                }
                self.workspace = each_engine!(self, connection => workspaces::table
                    .find(id)
                    .first(connection)
                    .optional())?;
            }
            Lane::Account(id) => {
                if let AnyConnection::Postgres(connection) = self.connection {
                    accounts::table
                        .find(id)
                        .select(accounts::version)
                        .for_no_key_update()
                        .first::<i32>(connection)
                        .optional()?;
                }
            }
            Lane::Open => {}
        }
        Ok(())
    }

    /// Keeps a session as it is until this transaction ends: whoever ends the session waits for what was begun in it,
    /// and nothing that was begun in it is stored after that. SQLite's one writer needs no lock.
    pub fn hold_session(&mut self, id: SessionId) -> Result<(), StoreError> {
        if let AnyConnection::Postgres(connection) = self.connection {
            sessions::table
                .find(id)
                .select(sessions::id)
                .for_share()
                .first::<SessionId>(connection)
                .optional()?;
        }
        Ok(())
    }

    /// Says that something which was read here is shown otherwise from an instant on, though nobody writes.
    pub fn turns_at(&mut self, instant: Moment) {
        if instant > self.now {
            self.next_turn = Some(self.next_turn.map_or(instant, |turn| turn.min(instant)));
        }
    }

    /// The first instant of those.
    pub fn next_turn(&self) -> Option<Moment> {
        self.next_turn
    }

    /// Says that it has only read, so that what was answered before holds on.
    pub fn has_only_read(&mut self) {
        self.effect = Effect::None;
    }

    /// Waits until no other transaction registers an account: whether there is one already, and whose
    /// address it has, must hold until this one ends. SQLite's one writer waits anyway.
    pub fn register_alone(&mut self) -> Result<(), StoreError> {
        if let AnyConnection::Postgres(connection) = self.connection {
            diesel::sql_query("SELECT pg_advisory_xact_lock(7305809162410033)").execute(connection)?;
        }
        Ok(())
    }

    /// Leaves an event in the workspace's journal, written with this transaction.
    pub fn record(&mut self, event: Event) {
        self.events.push((self.author.clone(), event));
    }

    /// The same in one line: what happened to which thing, and how it changed.
    pub fn tell(&mut self, kind: journal::EventType, subject: journal::Subject, change: Value) {
        self.record(Event { kind, subject, change });
    }

    /// Tells what follows from a change of a KPI, in the name of whoever changed it.
    pub fn tell_of(
        &mut self,
        kpi: KpiId,
        kind: journal::EventType,
        subject: journal::Subject,
        change: Value,
    ) {
        let author = self.changer_of([kpi]).unwrap_or_else(|| self.author.clone());
        self.events.push((author, Event { kind, subject, change }));
    }

    /// Says that a KPI changed; what follows runs once, at the end.
    pub fn kpi_changed(&mut self, change: KpiChange) {
        match self.kpi_changes.iter_mut().find(|known| known.kpi == change.kpi) {
            Some(known) => known.after = change.after,
            None => self.kpi_changes.push(change),
        }
    }

    /// Says what people did about a KPI; what follows runs once, at the end.
    pub fn did(&mut self, deed: Deed) {
        self.deeds.push(deed);
    }

    /// Runs what follows, writes the journal, and counts the workspace's revision up.
    pub(super) fn finish(&mut self, followers: Followers) -> Result<(), StoreError> {
        let changes = std::mem::take(&mut self.kpi_changes);
        if !changes.is_empty() {
            for follower in followers.of_kpis {
                follower(self, &changes)?;
            }
        }
        let deeds = std::mem::take(&mut self.deeds);
        if !deeds.is_empty() {
            for follower in followers.of_deeds {
                follower(self, &deeds)?;
            }
        }
        let events = std::mem::take(&mut self.events);
        if self.effect == Effect::None && events.is_empty() {
            return Ok(());
        }
        journal::close(self, events)
    }
}
