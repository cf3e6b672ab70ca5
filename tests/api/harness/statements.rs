//! Counts the statements that each story's database is asked, so that none hides in a loop.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, Once, OnceLock};

use diesel::connection::{Instrumentation, InstrumentationEvent, set_default_instrumentation};

/// Lets every connection that is opened from now on count its statements.
pub fn count() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        set_default_instrumentation(|| Some(Box::new(Counting::default()))).expect("statements are counted");
    });
}

/// How many statements the database at a URL was asked so far.
pub fn asked(url: &str) -> usize {
    counter(url).load(Ordering::SeqCst)
}

fn counter(url: &str) -> Arc<AtomicUsize> {
    static COUNTERS: OnceLock<Mutex<HashMap<String, Arc<AtomicUsize>>>> = OnceLock::new();
    let mut counters =
        COUNTERS.get_or_init(Mutex::default).lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    counters.entry(url.to_owned()).or_default().clone()
}

/// Whether a statement belongs to the opening of a connection, or is asked once on each: a pool opens them when it
/// likes.
fn sets_up(statement: &str) -> bool {
    let marks = [
        "SET client_min_messages",
        "SET TIME ZONE",
        "SET CLIENT_ENCODING",
        "server_version_num",
        "pg_type",
        "PRAGMA",
        "pragma_",
        "sqlite_version",
    ];
    marks.iter().any(|mark| statement.contains(mark))
}

#[derive(Default)]
struct Counting(Option<Arc<AtomicUsize>>);

impl Instrumentation for Counting {
    fn on_connection_event(&mut self, event: InstrumentationEvent<'_>) {
        match (event, &self.0) {
            (InstrumentationEvent::StartEstablishConnection { url, .. }, _) => self.0 = Some(counter(url)),
            (InstrumentationEvent::StartQuery { query, .. }, Some(counter))
                if !sets_up(&query.to_string()) =>
            {
                counter.fetch_add(1, Ordering::SeqCst);
            }
            (_, _) => {}
        }
    }
}
