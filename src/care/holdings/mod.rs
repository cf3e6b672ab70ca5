//! Holdings: what a member answers for, and handing it over when they go or change their work.
//!
//! Nothing is handed over silently: what somebody owns stays theirs when they are suspended or
//! removed, can be listed then as before, and moves when an admin, or they themselves, say so. What is
//! private to others is counted and never named, and stays where it is.

mod hand_over;
mod load;

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use utoipa::ToSchema;

use crate::access::caller::MemberState;
use crate::access::target::Wanted;
use crate::access::{Action, At, Db, Facts, Resource, Role, Scoped, Target, Themselves};
use crate::http::answer::Answer;
use crate::http::body::Rules;
use crate::http::query::Rehearsable;
use crate::http::text::{AnyId, Sentence};
use crate::http::{Body, Code, FieldErrors, Json, Nothing, Problem, Result, Routes, routes};
use crate::maths::word::words;
use crate::people::members::{self, MemberInput, MemberRef, MemberRow};
use crate::store::journal::EventType;
use crate::store::{MemberId, StoreError, Tx, subject_id};
use load::{Held, Sight};

/// How many things an answer names at the most; the counts tell of all.
const MOST_NAMED: usize = 10_000;

/// The paths of holdings.
pub fn routes() -> Routes {
    routes! { "members",
        "/v1/workspaces/{workspace}/members/{member}/holdings" {
            /// Show what a member answers for.
            /// All that is in use: KPIs, objectives, key results, initiatives and boards that they own, teams that
            /// they lead, service tokens and links that they answer for, decisions that they are to look at again.
            /// For the member, admins and owners; of members who were removed, too.
            GET show_holdings
        }
        "/v1/workspaces/{workspace}/members/{member}/reassign" {
            /// Hand over what a member answers for.
            /// All of it, or only some types, to one other member, in one go. What the caller does not see stays
            /// and is counted. Links and decisions stay with whoever made them. For the member themself, who hands
            /// over no teams and tokens, and for admins and owners.
            POST reassign_holdings
        }
    }
}

words! {
    /// A kind of thing that somebody answers for.
    pub enum HoldingType {
        /// A KPI that they own.
        Kpi = "kpi",
        /// An objective that they own, which is not closed.
        Objective = "objective",
        /// A key result that they own, of such an objective.
        KeyResult = "key_result",
        /// An initiative that they own, which is neither done nor dropped.
        Initiative = "initiative",
        /// A board that they own.
        Board = "board",
        /// A team that they lead.
        Team = "team",
        /// A service token that they answer for.
        Token = "token",
        /// A link that they made, which works.
        Link = "link",
        /// A decision that they made and are to look at again.
        Decision = "decision",
    }
}

words! {
    /// A kind of thing that can be handed over.
    pub enum ReassignType {
        /// KPIs.
        Kpi = "kpi",
        /// Objectives that are not closed.
        Objective = "objective",
        /// Key results of such objectives.
        KeyResult = "key_result",
        /// Initiatives that are neither done nor dropped.
        Initiative = "initiative",
        /// Boards.
        Board = "board",
        /// Leading teams; for admins and owners.
        Team = "team",
        /// Service tokens; for admins and owners.
        Token = "token",
    }
}
crate::http::words::impl_wire_words!(HoldingType, ReassignType);

impl ReassignType {
    fn holding(self) -> HoldingType {
        match self {
            Self::Kpi => HoldingType::Kpi,
            Self::Objective => HoldingType::Objective,
            Self::KeyResult => HoldingType::KeyResult,
            Self::Initiative => HoldingType::Initiative,
            Self::Board => HoldingType::Board,
            Self::Team => HoldingType::Team,
            Self::Token => HoldingType::Token,
        }
    }

    /// Whether only those who manage people hand it over, to somebody who is there already.
    fn is_managed(self) -> bool {
        match self {
            Self::Team | Self::Token => true,
            Self::Kpi | Self::Objective | Self::KeyResult | Self::Initiative | Self::Board => false,
        }
    }
}

/// What a member answers for.
#[derive(Serialize, ToSchema)]
pub struct Holdings {
    /// The member.
    member_id: MemberId,
    /// The member.
    member: MemberRef,
    /// The things, by type and in the order of their making: all of them, or the first 10,000.
    #[schema(max_items = 10000)]
    items: Vec<Holding>,
    /// How many things of each type the caller sees.
    counts: HoldingCounts,
    /// How many more there are that are private to others.
    #[schema(minimum = 0)]
    hidden_count: usize,
}

/// A thing that somebody answers for.
#[derive(Debug, Serialize, ToSchema)]
pub struct Holding {
    /// What kind of thing it is.
    #[serde(rename = "type")]
    kind: HoldingType,
    /// Its id.
    #[schema(value_type = AnyId)]
    id: String,
    /// What people call it.
    #[schema(value_type = Sentence)]
    name: String,
}

/// How many things of each type.
#[derive(Clone, Copy, Debug, Default, Serialize, ToSchema)]
pub struct HoldingCounts {
    /// KPIs.
    #[schema(minimum = 0)]
    kpi: usize,
    /// Objectives.
    #[schema(minimum = 0)]
    objective: usize,
    /// Key results.
    #[schema(minimum = 0)]
    key_result: usize,
    /// Initiatives.
    #[schema(minimum = 0)]
    initiative: usize,
    /// Boards.
    #[schema(minimum = 0)]
    board: usize,
    /// Teams that they lead.
    #[schema(minimum = 0)]
    team: usize,
    /// Service tokens.
    #[schema(minimum = 0)]
    token: usize,
    /// Links.
    #[schema(minimum = 0)]
    link: usize,
    /// Decisions to look at again.
    #[schema(minimum = 0)]
    decision: usize,
}

impl HoldingCounts {
    fn of(held: &[Held]) -> Self {
        let mut counts = Self::default();
        for held in held {
            *counts.of_type(held.kind) += held.things.len();
        }
        counts
    }

    fn of_type(&mut self, kind: HoldingType) -> &mut usize {
        match kind {
            HoldingType::Kpi => &mut self.kpi,
            HoldingType::Objective => &mut self.objective,
            HoldingType::KeyResult => &mut self.key_result,
            HoldingType::Initiative => &mut self.initiative,
            HoldingType::Board => &mut self.board,
            HoldingType::Team => &mut self.team,
            HoldingType::Token => &mut self.token,
            HoldingType::Link => &mut self.link,
            HoldingType::Decision => &mut self.decision,
        }
    }
}

/// To whom to hand over, and what.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewReassignment {
    /// The member who is to answer for it: active, or invited.
    to: MemberInput,
    /// Of these types alone; without it all that the caller may hand over.
    #[serde(default)]
    #[schema(max_items = 7, example = json!(["kpi", "objective"]))]
    types: Vec<ReassignType>,
}

impl Rules for NewReassignment {
    fn judge(&self, _: &mut FieldErrors) {}
}

/// What was handed over.
#[derive(Serialize, ToSchema)]
pub struct Reassignment {
    /// Whose it was.
    from_id: MemberId,
    /// Whose it was.
    from: MemberRef,
    /// Whose it is.
    to_id: MemberId,
    /// Whose it is.
    to: MemberRef,
    /// How many things of each type were handed over.
    counts: HoldingCounts,
    /// How many things of these types stay where they are, because they are private to others.
    #[schema(minimum = 0)]
    hidden_count: usize,
}

/// The member whose holdings they are: asked for by themselves, or by an admin. Looking reaches up to every role,
/// handing over up to the caller's own.
#[derive(Clone, Debug)]
struct Holder {
    member: Wanted<MemberRow>,
    purpose: Purpose,
}

#[derive(Clone, Copy, Debug)]
enum Purpose {
    Looking,
    HandingOver,
}

impl Target for Holder {
    type Located = MemberRow;
    type Found = MemberRow;

    fn locate(&self, tx: &mut Scoped) -> Result<MemberRow> {
        self.member.locate(tx)
    }

    fn grant(&self, tx: &mut Scoped, located: MemberRow) -> Result<MemberRow> {
        let is_own = tx.member() == Some(located.id);
        match self.purpose {
            Purpose::Looking if is_own => {}
            Purpose::Looking => tx.require(Action::Manage, &Facts::default())?,
            // Viewers change nothing, what they once owned neither.
            Purpose::HandingOver if is_own && tx.role()? >= Role::Member => {}
            Purpose::HandingOver => {
                tx.require(Action::Manage, &Facts::default())?;
                tx.require_rank(located.role)?;
            }
        }
        Ok(located)
    }

    fn version(found: &MemberRow) -> Option<i32> {
        Resource::version(found)
    }
}

async fn show_holdings(db: Db<Themselves>, id: At<MemberRow>) -> Answer<Json<Holdings>> {
    let holder = Holder { member: id.to(Action::View), purpose: Purpose::Looking };
    db.read(holder, Nothing, |tx, member, ()| {
        let sight = Sight::of(tx)?;
        let held = load::held(tx, member.id, HoldingType::ALL, &sight)?;
        let (counts, hidden_count) = (HoldingCounts::of(&held), held.iter().map(|held| held.hidden).sum());
        let items = held.into_iter().flat_map(|held| {
            let kind = held.kind;
            held.things.into_iter().map(move |thing| Holding {
                kind,
                id: subject_id(kind.as_str(), thing.id),
                name: thing.name,
            })
        });
        let items = items.take(MOST_NAMED).collect();
        Ok(Json::new(Holdings {
            member_id: member.id,
            member: member.reference(),
            items,
            counts,
            hidden_count,
        }))
    })
    .await
}

async fn reassign_holdings(
    db: Db<Themselves>,
    id: At<MemberRow>,
    rehearsable: Rehearsable,
    body: Body<NewReassignment>,
) -> Answer<Json<Reassignment>> {
    let holder = Holder { member: id.to(Action::View), purpose: Purpose::HandingOver };
    db.write(holder, (rehearsable, body), |tx, from, (_, new)| {
        let to = members::resolve(tx, "/to", &new.to)?;
        if to.id == from.id {
            return Err(Problem::field("/to", "same_member", "they answer for it already"));
        }
        let types = types(tx, &to, &new.types)?;
        let sight = Sight::of(tx)?;
        let held = load::held(tx, from.id, &types, &sight)?;
        for held in &held {
            hand_over::hand_over(tx, held, from, &to)?;
        }
        let (counts, hidden_count) = (HoldingCounts::of(&held), held.iter().map(|held| held.hidden).sum());
        if held.iter().any(|held| !held.things.is_empty()) {
            let change = json!({ "to_id": to.id, "counts": counts, "hidden_count": hidden_count });
            tx.tell(EventType::MemberReassigned, members::subject(from), change);
        }
        let from = from.reference();
        Ok(Json::new(Reassignment { from_id: from.id, from, to_id: to.id, to, counts, hidden_count }))
    })
    .await
}

/// The types that are asked for, or all that this caller hands over to this member.
fn types(tx: &mut Scoped, to: &MemberRef, asked: &[ReassignType]) -> Result<Vec<HoldingType>> {
    let manages = tx.may(Action::Manage, &Facts::default());
    let workspace = tx.here()?;
    let is_here = MemberRow::by_id(tx, workspace, to.id)?.is_some_and(|row| row.state == MemberState::Active);
    let mut types = Vec::new();
    for kind in ReassignType::ALL.iter().copied() {
        let is_asked = asked.contains(&kind);
        if !is_asked && !asked.is_empty() {
            continue;
        }
        match (kind.is_managed() && !manages, kind.is_managed() && !is_here) {
            (false, false) => types.push(kind.holding()),
            (_, _) if !is_asked => {}
            (true, _) => tx.require(Action::Manage, &Facts::default())?,
            (false, true) => {
                let detail =
                    "who leads a team or answers for a token has to be there already: they are invited";
                return Err(Problem::new(Code::Conflict, detail).with("/to", "invited", detail));
            }
        }
    }
    Ok(types)
}

/// How much a member answers for, by kind, private things included: what the event of their leaving tells.
pub fn held(tx: &mut Tx, member: MemberId) -> Result<Value, StoreError> {
    let held = load::held(tx, member, HoldingType::ALL, &Sight::All)?;
    let counts: Map<String, Value> = held
        .iter()
        .filter(|held| !held.things.is_empty())
        .map(|held| (held.kind.as_str().to_owned(), json!(held.things.len())))
        .collect();
    Ok(counts.into())
}
