//! Answers that were given a moment ago, given again where nothing has changed since.
//!
//! Every transaction that changes a workspace counts its revision up, in its row. An answer inside a workspace is a
//! function of the caller, the question, that revision and the clock; it is kept under all four, the clock in whole
//! seconds. Whether the credential holds, who calls and which revision there is, is asked of the database each time,
//! so that this memory decides nothing: it saves the work of making the same bytes again.

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
    second: i64,
    asked: String,
}

impl Question {
    /// What a caller asks inside a workspace, as it is now; `asked` is the address with what was negotiated.
    pub fn new(workspace: &WorkspaceRow, caller: RawId, now: Moment, asked: &str) -> Self {
        Self {
            workspace: workspace.id.raw(),
            revision: workspace.revision,
            caller,
            second: now.timestamp().as_second(),
            asked: asked.to_owned(),
        }
    }
}

/// What was answered lately, in two halves: when the younger one is full, the older one is forgotten.
#[derive(Debug, Default)]
pub struct Memory(Mutex<Halves>);

#[derive(Debug, Default)]
struct Halves {
    younger: HashMap<Question, Arc<Reply>>,
    older: HashMap<Question, Arc<Reply>>,
    bytes: usize,
}

impl Memory {
    /// The answer to this question, if it was given lately.
    pub fn recall(&self, question: &Question) -> Option<Arc<Reply>> {
        let halves = self.halves();
        halves.younger.get(question).or_else(|| halves.older.get(question)).cloned()
    }

    /// Keeps an answer, if it is a success and not too large.
    pub fn keep(&self, question: Question, reply: &Reply) {
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
        halves.younger.insert(question, Arc::new(reply.clone()));
    }

    /// A panic leaves it as it is, whole.
    fn halves(&self) -> MutexGuard<'_, Halves> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn question(revision: i64, second: i64, asked: &str) -> Question {
        let nobody = RawId::from_uuid(uuid::Uuid::nil());
        Question { workspace: nobody, revision, caller: nobody, second, asked: asked.to_owned() }
    }

    fn reply(size: usize) -> Reply {
        Reply { status: 200, headers: Vec::new(), body: vec![b'x'; size] }
    }

    #[test]
    fn only_the_same_question_is_answered_from_memory() {
        let memory = Memory::default();
        memory.keep(question(7, 100, "/a"), &reply(10));
        assert!(memory.recall(&question(7, 100, "/a")).is_some());
        for other in [question(8, 100, "/a"), question(7, 101, "/a"), question(7, 100, "/b")] {
            assert!(memory.recall(&other).is_none(), "{other:?}");
        }
    }

    #[test]
    fn refusals_and_large_answers_are_not_kept() {
        let memory = Memory::default();
        memory.keep(question(1, 1, "/refused"), &Reply { status: 404, ..reply(10) });
        memory.keep(question(1, 1, "/large"), &reply(LARGEST));
        assert!(memory.recall(&question(1, 1, "/refused")).is_none());
        assert!(memory.recall(&question(1, 1, "/large")).is_none());
    }

    #[test]
    fn it_forgets_what_is_older_and_holds_no_more_than_its_halves() {
        let memory = Memory::default();
        let size = 100 * 1024;
        for second in 0..400 {
            memory.keep(question(1, second, "/a"), &reply(size));
        }
        let held = |memory: &Memory| {
            let halves = memory.halves();
            (halves.younger.len() + halves.older.len()) * size
        };
        assert!(held(&memory) <= 2 * HALF, "{}", held(&memory));
        assert!(memory.recall(&question(1, 399, "/a")).is_some());
        assert!(memory.recall(&question(1, 0, "/a")).is_none());
    }
}
