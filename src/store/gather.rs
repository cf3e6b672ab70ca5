//! Writes of one workspace that wait, done together: one transaction and one fsync for all of them.
//!
//! Whoever finds nobody at work leads: it takes what waits at the moment its transaction begins, and goes on until
//! nothing waits. While it writes, the next ones gather, so that a batch is as large as the load asks for and nobody
//! waits for company. Each is answered after the commit that holds its part. This holds on both engines; on PostgreSQL
//! the nodes take turns by the lock on the workspace's row.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::oneshot;

use super::Store;
use super::error::StoreError;
use super::ids::WorkspaceId;
use super::transaction::{Author, Lane, Tx};

/// How many parts, of all workspaces, may wait; beyond it they are shed.
const WAITING: usize = 2048;
/// How much all that waits may weigh.
const WEIGHT_WAITING: usize = 400_000;
/// How many writes share a transaction at the most.
const TOGETHER: usize = 256;
/// How much they weigh together, so that others come to write in between.
const WEIGHT_TOGETHER: usize = 20_000;

/// Whether writes that wait share a transaction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum Gathering {
    /// They do.
    #[default]
    On,
    /// Each has one of its own: so it is measured what gathering brings.
    Off,
}

impl Gathering {
    /// How many writes share a transaction at the most.
    pub(super) fn most(self) -> usize {
        match self {
            Self::On => TOGETHER,
            Self::Off => 1,
        }
    }
}

/// What one request wants of a transaction that it shares with others.
pub trait Part: Send + Sync + Sized + 'static {
    /// What it is told in the end.
    type Answer: Send + 'static;

    /// How much work it is: how many points it bears.
    fn weight(&self) -> usize;

    /// Does the parts in their order, and says of each what became of it; a part that is refused leaves nothing behind.
    /// It may run more than once, so it acts only through the transaction.
    fn run(tx: &mut Tx, parts: &[Arc<Self>]) -> Result<Vec<Turn<Self::Answer>>, StoreError>;
}

/// What became of a part.
pub enum Turn<A> {
    /// This.
    Answered(A),
    /// Nothing yet: it is about the same as one before it, and is done after that is durable.
    Later,
}

/// What waits, by workspace.
pub struct Gatherer<P: Part> {
    queues: Mutex<Queues<P>>,
}

struct Queues<P: Part> {
    of: HashMap<WorkspaceId, Queue<P>>,
    parts: usize,
    weight: usize,
}

/// What waits for one workspace. It is there as long as somebody leads.
struct Queue<P: Part> {
    waiting: VecDeque<Waiting<P>>,
    /// What the present transaction has taken.
    taken: Vec<Waiting<P>>,
    /// How many of the next ones have a transaction of their own: one of them has spoilt a common one.
    apart: usize,
}

struct Waiting<P: Part> {
    part: Arc<P>,
    answer: oneshot::Sender<Result<P::Answer, StoreError>>,
}

/// A part, and what it is told.
type Settled<P> = (Waiting<P>, Result<<P as Part>::Answer, StoreError>);

impl<P: Part> Default for Gatherer<P> {
    fn default() -> Self {
        Self { queues: Mutex::new(Queues { of: HashMap::new(), parts: 0, weight: 0 }) }
    }
}

impl<P: Part> Gatherer<P> {
    /// Waits until the part is durable, or refused.
    pub async fn submit(
        self: &Arc<Self>,
        store: &Store,
        workspace: WorkspaceId,
        part: P,
    ) -> Result<P::Answer, StoreError> {
        let (answer, answered) = oneshot::channel();
        if let Leads::This = self.enqueue(workspace, Waiting { part: Arc::new(part), answer })? {
            // Apart from the request, which its client may give up.
            tokio::spawn(self.clone().lead(store.clone(), workspace));
        }
        let unknown = |_| Err(StoreError::outcome_unknown("the writer stopped before it answered"));
        answered.await.unwrap_or_else(unknown)
    }

    fn enqueue(&self, workspace: WorkspaceId, waiting: Waiting<P>) -> Result<Leads, StoreError> {
        let mut queues = self.queues();
        let weight = waiting.part.weight();
        if queues.parts >= WAITING || (queues.parts > 0 && queues.weight + weight > WEIGHT_WAITING) {
            return Err(StoreError::Overloaded);
        }
        queues.parts += 1;
        queues.weight += weight;
        Ok(match queues.of.entry(workspace) {
            Entry::Occupied(mut led) => {
                led.get_mut().waiting.push_back(waiting);
                Leads::Another
            }
            Entry::Vacant(free) => {
                free.insert(Queue { waiting: VecDeque::from([waiting]), taken: Vec::new(), apart: 0 });
                Leads::This
            }
        })
    }

    /// Writes until nothing waits.
    async fn lead(self: Arc<Self>, store: Store, workspace: WorkspaceId) {
        let guard = Abandoned { gatherer: &self, workspace };
        loop {
            let (taking, most) = (self.clone(), store.gathering().most());
            let together = store
                .write(Lane::Workspace(workspace), Author::system("together"), move |tx| {
                    P::run(tx, &taking.take(workspace, most))
                })
                .await;
            if let Ended::Idle = self.settle(workspace, together) {
                std::mem::forget(guard);
                return;
            }
        }
    }

    /// What this transaction holds: the same again where it is run again.
    fn take(&self, workspace: WorkspaceId, most: usize) -> Vec<Arc<P>> {
        let mut queues = self.queues();
        let Some(queue) = queues.of.get_mut(&workspace) else { return Vec::new() };
        if queue.taken.is_empty() {
            let most = if queue.apart > 0 { 1 } else { most };
            queue.apart = queue.apart.saturating_sub(1);
            let mut weight = 0;
            while queue.taken.len() < most
                && let Some(next) = queue.waiting.pop_front()
            {
                weight += next.part.weight();
                if weight > WEIGHT_TOGETHER && !queue.taken.is_empty() {
                    queue.waiting.push_front(next);
                    break;
                }
                queue.taken.push(next);
            }
        }
        queue.taken.iter().map(|waiting| waiting.part.clone()).collect()
    }

    /// Answers what was taken, or lets it wait for another turn.
    fn settle(&self, workspace: WorkspaceId, together: Result<Vec<Turn<P::Answer>>, StoreError>) -> Ended {
        let mut queues = self.queues();
        let Some(queue) = queues.of.get_mut(&workspace) else { return Ended::Idle };
        // What never began to run failed before anything was taken: the same befalls all that wait.
        let taken = match (&together, queue.taken.is_empty()) {
            (Err(_), true) => queue.waiting.drain(..).collect(),
            _ => std::mem::take(&mut queue.taken),
        };
        let mut again: Vec<Waiting<P>> = Vec::new();
        let mut answered: Vec<Settled<P>> = Vec::new();
        match together {
            Ok(turns) => {
                for (waiting, turn) in taken.into_iter().zip(turns) {
                    match turn {
                        Turn::Answered(answer) => answered.push((waiting, Ok(answer))),
                        Turn::Later => again.push(waiting),
                    }
                }
            }
            Err(error) => {
                let for_all: Vec<StoreError> = taken.iter().filter_map(|_| error.for_all()).collect();
                if for_all.len() == taken.len() {
                    answered.extend(taken.into_iter().zip(for_all.into_iter().map(Err)));
                } else if taken.len() > 1 {
                    // One of them is the reason: each runs by itself, and only that one fails.
                    queue.apart = taken.len();
                    again = taken;
                } else {
                    answered.extend(taken.into_iter().zip([Err(error)]));
                }
            }
        }
        again.into_iter().rev().for_each(|waiting| queue.waiting.push_front(waiting));
        let ended = if queue.waiting.is_empty() { Ended::Idle } else { Ended::Waiting };
        if let Ended::Idle = ended {
            queues.of.remove(&workspace);
        }
        for (waiting, _) in &answered {
            queues.parts -= 1;
            queues.weight -= waiting.part.weight();
        }
        drop(queues);
        for (waiting, result) in answered {
            // Who does not wait any more needs no answer.
            let _ = waiting.answer.send(result);
        }
        ended
    }

    /// A panic leaves a queue as it is, whole.
    fn queues(&self) -> MutexGuard<'_, Queues<P>> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Who is to write what waits.
enum Leads {
    This,
    Another,
}

/// Whether anything waits still.
enum Ended {
    Idle,
    Waiting,
}

/// Lets go of a queue whose leader ended before its time, with the worker that it ran on: whoever waits is told so,
/// and the next to come leads.
struct Abandoned<'g, P: Part> {
    gatherer: &'g Gatherer<P>,
    workspace: WorkspaceId,
}

impl<P: Part> Drop for Abandoned<'_, P> {
    fn drop(&mut self) {
        let mut queues = self.gatherer.queues();
        if let Some(queue) = queues.of.remove(&self.workspace) {
            let left: Vec<Waiting<P>> = queue.taken.into_iter().chain(queue.waiting).collect();
            queues.parts -= left.len();
            queues.weight -= left.iter().map(|waiting| waiting.part.weight()).sum::<usize>();
        }
    }
}
