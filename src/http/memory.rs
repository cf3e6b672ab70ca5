//! Answers that were given a moment ago, given again where nothing has changed since.
//!
//! Every transaction that changes a workspace counts its revision up, in its row. An answer inside a workspace is a
//! function of the caller, the question, that revision and the clock; it is kept under the first two with the third,
//! and for as long as the clock does not change it: to the end of the second, or longer where the handler knows when
//! what it showed turns. Whether the credential holds, who calls and which revision there is, is asked of the database
//! each time, so that this memory decides nothing: it saves the work of making the same bytes again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::answer::Reply;
use crate::store::{AccountId, Moment, WorkspaceId, WorkspaceRow};

/// How many bytes one half of the memory holds.
const HALF: usize = 8 * 1024 * 1024;
/// The largest answer that is kept, in bytes.
const LARGEST: usize = 1024 * 1024;

/// Who asks what, as a request says it before the database is asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    /// Who asks.
    pub asker: Asker,
    /// The address with what was negotiated.
    pub asked: String,
}

/// Whose credential it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Asker {
    /// An account's access token.
    Account(AccountId),
    /// The API token with this hash.
    Token([u8; 32]),
}

/// A workspace as it is after some number of changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Edition {
    workspace: WorkspaceId,
    revision: i64,
}

impl Edition {
    /// The workspace as this row has it.
    pub fn of(workspace: &WorkspaceRow) -> Self {
        Self { workspace: workspace.id, revision: workspace.revision }
    }
}

/// The instants at which an answer holds, the end excluded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Validity {
    from: Moment,
    until: Moment,
}

impl Validity {
    /// Of an answer that shows the time to the second.
    pub fn this_second(now: Moment) -> Self {
        let begun = now.microseconds().rem_euclid(SECOND);
        Self { from: now, until: Moment::from_microseconds(now.microseconds() - begun + SECOND) }
    }

    /// Of an answer that shows something else from an instant on, and nothing of the time until then.
    pub fn until(now: Moment, turn: Moment) -> Self {
        Self { from: now, until: turn }
    }

    fn holds(&self, now: Moment) -> bool {
        self.from <= now && now < self.until
    }
}

/// In microseconds.
const SECOND: i64 = 1_000_000;

#[derive(Debug)]
struct Kept {
    reply: Reply,
    edition: Edition,
    validity: Validity,
    size: usize,
}

/// What was answered lately, in two halves: when the younger one is full, the older one is forgotten.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Halves>);

#[derive(Debug, Default)]
struct Halves {
    younger: HashMap<Question, Arc<Kept>>,
    older: HashMap<Question, Arc<Kept>>,
    bytes: usize,
}

impl Memory {
    /// Whether there may be an answer to this question: one that the clock has not changed.
    pub fn may_know(&self, question: &Question, now: Moment) -> bool {
        self.find(question, now).is_some()
    }

    /// The answer to this question, if it was given lately and neither a change nor the clock has changed it.
    pub fn recall(&self, question: &Question, edition: Edition, now: Moment) -> Option<Reply> {
        self.find(question, now).filter(|kept| kept.edition == edition).map(|kept| kept.reply.clone())
    }

    fn find(&self, question: &Question, now: Moment) -> Option<Arc<Kept>> {
        let halves = self.halves();
        let kept = halves.younger.get(question).or_else(|| halves.older.get(question));
        kept.filter(|kept| kept.validity.holds(now)).cloned()
    }

    /// Keeps an answer, if it is a success and not too large, in place of the one before.
    pub fn keep(&self, question: Question, edition: Edition, validity: Validity, reply: &Reply) {
        let size = reply.body.len() + question.asked.len() + size_of::<Question>();
        if reply.status != 200 || size > LARGEST {
            return;
        }
        let kept = Arc::new(Kept { reply: reply.clone(), edition, validity, size });
        let mut halves = self.halves();
        if halves.bytes + size > HALF {
            halves.older = std::mem::take(&mut halves.younger);
            halves.bytes = 0;
        }
        let replaced = halves.younger.insert(question, kept).map_or(0, |before| before.size);
        halves.bytes = halves.bytes + size - replaced;
    }

    /// A panic leaves it as it is, whole.
    fn halves(&self) -> MutexGuard<'_, Halves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(asked: &str) -> Question {
        Question { asker: Asker::Token([7; 32]), asked: asked.to_owned() }
    }

    fn edition(revision: i64) -> Edition {
        Edition { workspace: WorkspaceId::from_uuid(uuid::Uuid::nil()), revision }
    }

    fn reply(size: usize) -> Reply {
        Reply { status: 200, headers: Vec::new(), body: vec![b'x'; size].into() }
    }

    fn at(microseconds: i64) -> Moment {
        Moment::from_microseconds(microseconds)
    }

    #[test]
    fn only_the_same_question_about_the_same_edition_is_answered() {
        let (memory, now) = (Memory::default(), at(100 * SECOND));
        let knows =
            |asked: &str, revision: i64| memory.recall(&question(asked), edition(revision), now).is_some();
        memory.keep(question("/a"), edition(7), Validity::this_second(now), &reply(10));
        assert_eq!([knows("/a", 7), knows("/a", 8), knows("/b", 7)], [true, false, false]);
        memory.keep(question("/a"), edition(8), Validity::this_second(now), &reply(10));
        assert_eq!([knows("/a", 7), knows("/a", 8)], [false, true]);
        let stranger = Question { asker: Asker::Token([8; 32]), asked: "/a".into() };
        assert!(memory.recall(&stranger, edition(8), now).is_none());
        assert!(memory.may_know(&question("/a"), now) && !memory.may_know(&stranger, now));
    }

    #[test]
    fn an_answer_holds_to_the_end_of_its_second_or_until_it_turns() {
        let memory = Memory::default();
        let holds = |asked: &str, now: i64| memory.recall(&question(asked), edition(1), at(now)).is_some();
        memory.keep(question("/now"), edition(1), Validity::this_second(at(5_300_000)), &reply(10));
        assert_eq!(
            [5_299_999, 5_300_000, 5_999_999, 6_000_000].map(|now| holds("/now", now)),
            [false, true, true, false]
        );
        memory.keep(question("/kpi"), edition(1), Validity::until(at(5_300_000), at(90_000_000)), &reply(10));
        assert_eq!(
            [5_299_999, 5_300_000, 89_999_999, 90_000_000].map(|now| holds("/kpi", now)),
            [false, true, true, false]
        );
    }

    #[test]
    fn refusals_and_large_answers_are_not_kept() {
        let (memory, now) = (Memory::default(), at(1));
        let validity = Validity::this_second(now);
        memory.keep(question("/refused"), edition(1), validity, &Reply { status: 404, ..reply(10) });
        memory.keep(question("/large"), edition(1), validity, &reply(LARGEST));
        assert!(!memory.may_know(&question("/refused"), now));
        assert!(!memory.may_know(&question("/large"), now));
    }

    #[test]
    fn it_forgets_what_is_older_and_holds_no_more_than_its_halves() {
        let (memory, now) = (Memory::default(), at(1));
        let size = 100 * 1024;
        for number in 0..400 {
            memory.keep(
                question(&format!("/{number}")),
                edition(1),
                Validity::this_second(now),
                &reply(size),
            );
        }
        let held = |memory: &Memory| {
            let halves = memory.halves();
            (halves.younger.len() + halves.older.len()) * size
        };
        assert!(held(&memory) <= 2 * HALF, "{}", held(&memory));
        assert!(memory.may_know(&question("/399"), now));
        assert!(!memory.may_know(&question("/0"), now));
    }

    #[test]
    fn an_answer_that_is_replaced_takes_no_room() {
        let (memory, now) = (Memory::default(), at(1));
        memory.keep(question("/first"), edition(1), Validity::this_second(now), &reply(10));
        for revision in 0..400 {
            memory.keep(question("/a"), edition(revision), Validity::this_second(now), &reply(100 * 1024));
        }
        assert!(memory.may_know(&question("/first"), now));
        assert!(memory.halves().older.is_empty());
    }
}
