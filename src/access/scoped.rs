//! A transaction on behalf of one caller.

use std::ops::{Deref, DerefMut};

use super::caller::{Actor, Inside, Maker, Signed, TokenFacts};
use super::policy::{self, Action, Decision, Facts, Role, Viewers};
use super::target::{Granted, Resource};
use crate::http::memory::Validity;
use crate::http::{Code, Problem, Result};
use crate::state::State;
use crate::store::{MemberId, Tx, WorkspaceId};

/// A transaction, who it is for, and what all requests share.
pub struct Scoped<'a, 'c> {
    tx: &'a mut Tx<'c>,
    actor: Actor,
    state: &'a State,
    if_match: Option<IfMatch>,
    repetition: Repetition,
    constancy: Constancy,
}

/// For how long an answer holds, if nobody writes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Constancy {
    /// To the end of the second.
    Second,
    /// Until what was read turns.
    Turn,
}

/// What happens when a request is sent once more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Repetition {
    /// It gets the first answer again: it came with an `Idempotency-Key`.
    Recalled,
    /// It is a request of its own.
    Anew,
}

/// What `If-Match` asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfMatch {
    /// `*`: anything that is there.
    Any,
    /// One version.
    Version(i32),
}

impl<'a, 'c> Scoped<'a, 'c> {
    pub(super) fn new(
        tx: &'a mut Tx<'c>,
        actor: Actor,
        state: &'a State,
        if_match: Option<IfMatch>,
        repetition: Repetition,
    ) -> Self {
        Self { tx, actor, state, if_match, repetition, constancy: Constancy::Second }
    }

    /// Whether the request came with an `Idempotency-Key`, so that a retry does nothing twice.
    pub fn is_keyed(&self) -> bool {
        self.repetition == Repetition::Recalled
    }

    /// Says that the answer shows nothing of the time but what the transaction noted as turning; see [`Tx::turns_at`].
    pub fn shows_what_turns(&mut self) {
        self.constancy = Constancy::Turn;
    }

    /// When the answer holds, as far as the clock goes.
    pub fn validity(&self) -> Validity {
        match (self.constancy, self.tx.next_turn()) {
            (Constancy::Turn, Some(turn)) => Validity::until(self.tx.now, turn),
            (Constancy::Turn, None) | (Constancy::Second, _) => Validity::this_second(self.tx.now),
        }
    }

    /// What all requests share.
    pub fn state(&self) -> &'a State {
        self.state
    }

    /// Who calls.
    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The caller inside the workspace.
    pub fn inside(&self) -> Result<&Inside> {
        match &self.actor {
            Actor::Inside(inside) => Ok(inside),
            Actor::Stranger | Actor::Account(_) | Actor::Token(_) => Err(Problem::not_found()),
        }
    }

    /// The signed-in person.
    pub fn signed(&self) -> Result<&Signed> {
        self.actor
            .signed()
            .ok_or_else(|| Problem::new(Code::PersonRequired, "only a signed-in person may do this"))
    }

    /// The token that calls.
    pub fn token(&self) -> Option<&TokenFacts> {
        self.actor.token()
    }

    /// The member behind the call; a service token has none.
    pub fn member(&self) -> Option<MemberId> {
        self.inside().ok().and_then(|inside| inside.standing.member)
    }

    /// The caller's present role.
    pub fn role(&self) -> Result<Role> {
        self.inside().map(|inside| inside.standing.role)
    }

    /// The workspace of this request.
    pub fn here(&self) -> Result<WorkspaceId> {
        self.tx.workspace_id().map_err(|_| Problem::not_found())
    }

    /// Whether the caller may do something with a row that has these facts.
    pub fn may(&self, action: Action, facts: &Facts) -> bool {
        self.inside().is_ok_and(|inside| policy::decide(&inside.standing, action, facts) == Decision::Allow)
    }

    /// Refuses where the caller may not.
    pub fn require(&self, action: Action, facts: &Facts) -> Result<()> {
        match policy::decide(&self.inside()?.standing, action, facts) {
            Decision::Allow => Ok(()),
            Decision::Hide => Err(Problem::not_found()),
            Decision::Forbid => Err(Problem::forbidden(match action {
                Action::Manage => "this is for admins and owners",
                Action::Lead => "this is for those who lead the team, admins and owners",
                Action::Own => "this is for owners",
                Action::View => "this is for members of the workspace",
                Action::Create | Action::Prescribe => "viewers read; this is for members, admins and owners",
                Action::Edit | Action::Archive | Action::PostPoints | Action::CheckIn => {
                    "this is for its owner, who leads them, members of its team, admins and owners of the workspace"
                }
            })),
            Decision::OutOfScope => Err(Problem::new(
                Code::InsufficientScope,
                "the token's scopes, teams or key patterns do not reach this",
            )),
        }
    }

    /// Refuses to grant a role above the caller's own, or to act on somebody who has one.
    pub fn require_rank(&self, role: Role) -> Result<()> {
        match self.role()? {
            own if own >= role => Ok(()),
            own => Err(Problem::forbidden(format!("this reaches up to the role {role}; yours is {own}"))),
        }
    }

    /// Finds a row that the caller may see by what a path, a query or a body says: 400 for another
    /// kind of id, 404 where it is not there or private to others.
    pub fn find<T: Resource>(&mut self, reference: &str) -> Result<T> {
        let row = T::load(self, reference)?;
        if self.sees(&row.facts()) { Ok(row) } else { Err(Problem::not_found()) }
    }

    /// Whether a row with these facts exists for the caller.
    pub fn sees(&self, facts: &Facts) -> bool {
        self.is_among(&facts.viewers)
    }

    /// Whether the caller is one of those who may see something.
    pub fn is_among(&self, viewers: &Viewers) -> bool {
        self.inside().is_ok_and(|inside| viewers.hold(&inside.standing))
    }

    /// Finds a row and asks the policy: the proof that writes on it take.
    pub fn grant<T: Resource>(&mut self, action: Action, reference: &str) -> Result<Granted<T>> {
        let row = self.find(reference)?;
        self.grant_on(action, row)
    }

    /// The same for a row that was found already.
    pub fn grant_on<T: Resource>(&self, action: Action, row: T) -> Result<Granted<T>> {
        self.require(action, &row.facts())?;
        Ok(Granted::new(row))
    }

    /// Whether the request came with `If-Match`.
    pub fn is_conditional(&self) -> bool {
        self.if_match.is_some()
    }

    /// Refuses where `If-Match` names another version; for rows that the path does not name as such.
    pub fn expect_version(&self, version: Option<i32>) -> Result<()> {
        match (self.if_match, version) {
            (None, _) | (Some(IfMatch::Any), Some(_)) => Ok(()),
            (Some(IfMatch::Version(expected)), Some(present)) if expected == present => Ok(()),
            (Some(_), Some(present)) => {
                Err(Problem::new(Code::PreconditionFailed, format!("the present version is {present}")))
            }
            (Some(_), None) => {
                Err(Problem::new(Code::PreconditionFailed, "there is nothing to compare with"))
            }
        }
    }

    /// Looks on with the eyes of whoever made something, and with no right but that; 404 where their access ended.
    pub fn look_for(&mut self, maker: &Maker) -> Result<()> {
        self.actor = super::recognise::enter_for(self.tx, maker)?;
        Ok(())
    }
}

impl<'c> Deref for Scoped<'_, 'c> {
    type Target = Tx<'c>;

    fn deref(&self) -> &Tx<'c> {
        self.tx
    }
}

impl<'c> DerefMut for Scoped<'_, 'c> {
    fn deref_mut(&mut self) -> &mut Tx<'c> {
        self.tx
    }
}
