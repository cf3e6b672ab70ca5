//! Events: the audit log and the activity feed.
//!
//! Every change writes an event in its own transaction, so the journal and the data never differ.
//! A workspace numbers its events without gaps, in the order of commits.
//! Events of members, invitations, tokens and links are read by admins and owners.

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::access::hidden::Hidden;
use crate::access::{Db, Reads, Role, Scoped};
use crate::http::page::{Total, page_type};
use crate::http::text::{AnyId, Keyword, Name, RequestName, Sentence};
use crate::http::{Answer, Code, Listing, Page, Paging, Problem, Result, Routes, routes};
use crate::maths::word::words;
use crate::store::journal::{Audience, EventRow, EventType};
use crate::store::schema::events;
use crate::store::transaction::AuthorKind;
use crate::store::{MemberId, Moment, RawId, TokenId, read_subject_id, subject_id};

/// The paths of events.
pub fn routes() -> Routes {
    routes! { "events",
        "/v1/workspaces/{workspace}/events" {
            /// List what happened, newest first.
            /// `after` answers what came later than a sequence that is known already, oldest first.
            /// Events of members, invitations, tokens and links are shown to admins and owners only.
            GET list_events
        }
    }
}

words! {
    /// A group of event types: those of one kind of thing. New groups may come.
    pub enum EventGroup {
        /// Of the workspace.
        Workspace = "workspace",
        /// Of members.
        Member = "member",
        /// Of invitations.
        Invitation = "invitation",
        /// Of teams.
        Team = "team",
        /// Of API tokens.
        Token = "token",
        /// Of KPIs.
        Kpi = "kpi",
        /// Of targets.
        Target = "target",
        /// Of points.
        Points = "points",
        /// Of boards.
        Board = "board",
        /// Of drivers.
        Driver = "driver",
        /// Of cycles.
        Cycle = "cycle",
        /// Of objectives.
        Objective = "objective",
        /// Of key results.
        KeyResult = "key_result",
        /// Of check-ins.
        CheckIn = "check_in",
        /// Of initiatives.
        Initiative = "initiative",
        /// Of comments.
        Comment = "comment",
        /// Of remedies.
        Remedy = "remedy",
        /// Of guardrails.
        Guardrail = "guardrail",
        /// Of annotations.
        Annotation = "annotation",
        /// Of decisions.
        Decision = "decision",
        /// Of reviews.
        Review = "review",
        /// Of links.
        Link = "link",
    }
}
crate::http::words::impl_wire_words!(EventGroup);

impl EventGroup {
    /// Whether a type is one of it.
    fn holds(self, kind: EventType) -> bool {
        kind.as_str().split_once('.').is_some_and(|(group, _)| group == self.as_str())
    }
}

/// Which events.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct EventFilter {
    /// Only events of these types.
    #[serde(default, rename = "type")]
    #[param(inline)]
    kind: Vec<EventType>,
    /// Only events of these groups of types: what stands before the dot.
    #[serde(default)]
    #[param(inline)]
    group: Vec<EventGroup>,
    /// Only events that these did: members and tokens by their ids, or `me`.
    #[serde(default)]
    actor: Vec<String>,
    /// Only events of this thing, by its id.
    #[param(example = "kpi_01h455vb4pex5vsknk084sn02q", max_length = 64)]
    subject: Option<String>,
    /// Only events with a greater sequence, oldest first.
    #[param(minimum = 0)]
    after: Option<i64>,
}

/// Something that happened.
#[derive(Debug, Serialize, ToSchema)]
pub struct Event {
    /// Its number in the workspace: without gaps, in the order of commits.
    #[schema(minimum = 1, example = 42)]
    sequence: i64,
    /// When it happened.
    at: Moment,
    /// Who did it.
    actor: EventActor,
    /// What happened.
    #[serde(rename = "type")]
    kind: EventType,
    /// What it happened to.
    subject: EventSubject,
    /// How it changed; the shape depends on the type.
    #[schema(value_type = Object)]
    change: Value,
    /// The request that did it.
    #[schema(value_type = RequestName)]
    request_id: String,
}

/// Who did something.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventActor {
    /// What kind of author.
    kind: AuthorKind,
    /// The member's or the token's id; null for Regimen itself.
    #[schema(value_type = Option<AnyId>)]
    id: Option<String>,
    /// The name at that time.
    #[schema(value_type = Name)]
    name: String,
}

/// What something happened to.
#[derive(Debug, Serialize, ToSchema)]
pub struct EventSubject {
    /// The kind of thing.
    #[serde(rename = "type")]
    #[schema(value_type = Keyword)]
    kind: String,
    /// Its id.
    #[schema(value_type = AnyId)]
    id: String,
    /// Its name at that time.
    #[schema(value_type = Sentence)]
    name: String,
}

page_type!(EventPage, Event);

async fn list_events(db: Db<Reads>, listing: Listing<EventFilter>) -> Answer<Page<EventPage>> {
    db.read((), listing, |tx, (), (filter, paging)| {
        let order = match filter.after {
            Some(after) => Order::Oldest { after },
            None => Order::Newest,
        };
        let rows = load(tx, &filter, &paging, order)?;
        let total = match paging.total {
            Total::Wanted => Some(count(tx, &filter)?),
            Total::NotWanted => None,
        };
        Ok(Page::show(&paging, paging.page(rows, total, |row| row.sequence), show))
    })
    .await
}

#[derive(Clone, Copy)]
enum Order {
    Newest,
    Oldest { after: i64 },
}

type Query<'a> = events::BoxedQuery<'a, crate::store::connection::MultiBackend>;

fn matching<'a>(tx: &Scoped, filter: &'a EventFilter) -> Result<Query<'a>> {
    let hidden = Hidden::from(tx)?;
    let mut query = events::table
        .filter(events::workspace_id.eq(tx.here()?))
        .filter(events::subject_id.ne_all(hidden.kpis()))
        .filter(events::subject_id.ne_all(hidden.objectives()))
        .filter(events::subject_id.ne_all(hidden.key_results()))
        .filter(events::subject_id.ne_all(hidden.initiatives()))
        .filter(events::subject_id.ne_all(hidden.check_ins()))
        .filter(events::subject_id.ne_all(hidden.remedies()))
        .filter(events::subject_id.ne_all(hidden.guardrails()))
        .filter(events::subject_id.ne_all(hidden.annotations()))
        .filter(events::subject_id.ne_all(hidden.decisions()))
        .filter(events::subject_id.ne_all(hidden.links()))
        .filter(events::subject_id.ne_all(hidden.comments()))
        .filter(events::subject_id.ne_all(hidden.drivers()))
        .into_boxed();
    if tx.role()? < Role::Admin {
        query = query.filter(events::audience.eq(Audience::Everyone));
    }
    if !filter.kind.is_empty() {
        query = query.filter(events::kind.eq_any(&filter.kind));
    }
    if !filter.group.is_empty() {
        let is_asked = |kind: &EventType| filter.group.iter().any(|group| group.holds(*kind));
        let kinds: Vec<EventType> = EventType::ALL.iter().copied().filter(is_asked).collect();
        query = query.filter(events::kind.eq_any(kinds));
    }
    if !filter.actor.is_empty() {
        let actors = filter.actor.iter().map(|actor| actor_id(tx, actor)).collect::<Result<Vec<RawId>>>()?;
        query = query.filter(events::actor_id.eq_any(actors.into_iter().map(Some).collect::<Vec<_>>()));
    }
    if let Some(subject) = &filter.subject {
        let (kind, id) = read_subject_id(subject).map_err(crate::access::target::invalid_id)?;
        query = query.filter(events::subject_id.eq(id)).filter(events::subject_type.eq(kind));
    }
    Ok(query)
}

/// Who is meant: the caller, a member or a token; 400 for an id of something else.
fn actor_id(tx: &Scoped, text: &str) -> Result<RawId> {
    match (text, tx.member()) {
        ("me", Some(me)) => Ok(me.raw()),
        ("me", None) => Err(Problem::not_found_at("actor")),
        (id, _) => match read_subject_id(id) {
            Ok(("member" | "token", id)) => Ok(id),
            Ok((other, _)) => {
                Err(Problem::new(Code::InvalidQuery, format!("actor: a {other} does nothing by itself")))
            }
            Err(error) => Err(Problem::new(Code::InvalidQuery, format!("actor: {error}"))),
        },
    }
}

fn load(tx: &mut Scoped, filter: &EventFilter, paging: &Paging, order: Order) -> Result<Vec<EventRow>> {
    let query = matching(tx, filter)?.limit(paging.rows());
    let position: Option<i64> = paging.after()?;
    let query = match order {
        Order::Newest => {
            query.order(events::sequence.desc()).filter(events::sequence.lt(position.unwrap_or(i64::MAX)))
        }
        Order::Oldest { after } => {
            query.order(events::sequence.asc()).filter(events::sequence.gt(position.unwrap_or(after)))
        }
    };
    Ok(query.load(tx.db())?)
}

fn count(tx: &mut Scoped, filter: &EventFilter) -> Result<i64> {
    let query = matching(tx, filter)?.filter(events::sequence.gt(filter.after.unwrap_or(0)));
    Ok(query.count().get_result(tx.db())?)
}

fn show(row: EventRow) -> Event {
    let actor_id = row.actor_id.map(|id| match row.actor_kind {
        AuthorKind::Token => TokenId::from_uuid(id.uuid()).to_string(),
        AuthorKind::Person | AuthorKind::System => MemberId::from_uuid(id.uuid()).to_string(),
    });
    Event {
        sequence: row.sequence,
        at: row.at,
        actor: EventActor { kind: row.actor_kind, id: actor_id, name: row.actor_name },
        kind: row.kind,
        subject: EventSubject {
            id: subject_id(&row.subject_type, row.subject_id),
            kind: row.subject_type,
            name: row.subject_name,
        },
        change: row.change.0,
        request_id: row.request_id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_is_of_one_group() {
        for kind in EventType::ALL {
            let groups = EventGroup::ALL.iter().filter(|group| group.holds(*kind)).count();
            assert_eq!(groups, 1, "{}", kind.as_str());
        }
    }
}
