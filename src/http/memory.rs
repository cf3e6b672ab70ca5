//! Answers that were given a moment ago, given again where nothing has changed since.
//!
//! Every transaction that changes a workspace counts its revision up, in its row. An answer inside a workspace is a
//! function of the caller, the question, that revision and the clock; it is kept under the first three, and for as
//! long as the clock does not change it: to the end of the second, or longer where the handler knows when what it
//! showed turns. Whether the credential holds, who calls and which revision there is, is asked of the database each
//! time, so that this memory decides nothing: it saves the work of making the same bytes again.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::answer::Reply;
use crate::store::{Moment, RawId, WorkspaceRow};

/// How many bytes one half of the memory holds.
const HALF: usize = 8 * 1024 * 1024;
/// The largest answer that is kept, in bytes.
const LARGEST: usize = 1024 * 1024;

/// What an answer depends on.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Question {
    workspace: RawId,
    revision: i64,
    caller: RawId,
    asked: String,
}

impl Question {
    /// What a caller asks inside a workspace, as it is now; `asked` is the address with what was negotiated.
    pub fn new(workspace: &WorkspaceRow, caller: RawId, asked: &str) -> Self {
        Self { workspace: workspace.id.raw(), revision: workspace.revision, caller, asked: asked.to_owned() }
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
    validity: Validity,
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
    /// The answer to this question, if it was given lately and the clock has not changed it.
    pub fn recall(&self, question: &Question, now: Moment) -> Option<Reply> {
        let kept = {
            let halves = self.halves();
            halves.younger.get(question).or_else(|| halves.older.get(question)).cloned()
        };
        kept.filter(|kept| kept.validity.holds(now)).map(|kept| kept.reply.clone())
    }

    /// Keeps an answer, if it is a success and not too large.
    pub fn keep(&self, question: Question, validity: Validity, reply: &Reply) {
        let size = reply.body.len() + question.asked.len() + size_of::<Question>();
        if reply.status != 200 || size > LARGEST {
            return;
        }
        let mut halves = self.halves();
        if halves.bytes + size > HALF {
            halves.older = std::mem::take(&mut halves.younger);
            halves.bytes = 0;
        }
        halves.bytes += size;
        halves.younger.insert(question, Arc::new(Kept { reply: reply.clone(), validity }));
    }

    /// A panic leaves it as it is, whole.
    fn halves(&self) -> MutexGuard<'_, Halves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(revision: i64, asked: &str) -> Question {
        let nobody = RawId::from_uuid(uuid::Uuid::nil());
        Question { workspace: nobody, revision, caller: nobody, asked: asked.to_owned() }
    }

    fn reply(size: usize) -> Reply {
        Reply { status: 200, headers: Vec::new(), body: vec![b'x'; size] }
    }

    fn at(microseconds: i64) -> Moment {
        Moment::from_microseconds(microseconds)
    }

    #[test]
    fn only_the_same_question_is_answered_from_memory() {
        let (memory, now) = (Memory::default(), at(100 * SECOND));
        memory.keep(question(7, "/a"), Validity::this_second(now), &reply(10));
        assert!(memory.recall(&question(7, "/a"), now).is_some());
        for other in [question(8, "/a"), question(7, "/b")] {
            assert!(memory.recall(&other, now).is_none(), "{other:?}");
        }
    }

    #[test]
    fn an_answer_holds_to_the_end_of_its_second_or_until_it_turns() {
        let memory = Memory::default();
        let holds = |asked: &str, now: i64| memory.recall(&question(1, asked), at(now)).is_some();
        memory.keep(question(1, "/now"), Validity::this_second(at(5_300_000)), &reply(10));
        assert_eq!(
            [5_299_999, 5_300_000, 5_999_999, 6_000_000].map(|now| holds("/now", now)),
            [false, true, true, false]
        );
        memory.keep(question(1, "/kpi"), Validity::until(at(5_300_000), at(90_000_000)), &reply(10));
        assert_eq!(
            [5_299_999, 5_300_000, 89_999_999, 90_000_000].map(|now| holds("/kpi", now)),
            [false, true, true, false]
        );
    }

    #[test]
    fn refusals_and_large_answers_are_not_kept() {
        let (memory, now) = (Memory::default(), at(1));
        let validity = Validity::this_second(now);
        memory.keep(question(1, "/refused"), validity, &Reply { status: 404, ..reply(10) });
        memory.keep(question(1, "/large"), validity, &reply(LARGEST));
        assert!(memory.recall(&question(1, "/refused"), now).is_none());
        assert!(memory.recall(&question(1, "/large"), now).is_none());
    }

    #[test]
    fn it_forgets_what_is_older_and_holds_no_more_than_its_halves() {
        let (memory, now) = (Memory::default(), at(1));
        let size = 100 * 1024;
        for revision in 0..400 {
            memory.keep(question(revision, "/a"), Validity::this_second(now), &reply(size));
        }
        let held = |memory: &Memory| {
            let halves = memory.halves();
            (halves.younger.len() + halves.older.len()) * size
        };
        assert!(held(&memory) <= 2 * HALF, "{}", held(&memory));
        assert!(memory.recall(&question(399, "/a"), now).is_some());
        assert!(memory.recall(&question(0, "/a"), now).is_none());
    }
}
