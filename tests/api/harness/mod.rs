//! What every story needs: a served API on either engine, callers with names, a clock to set.

mod caller;
mod contract;
mod provider;
mod server;
mod statements;

pub use caller::{Answer, Caller};
pub use contract::{Operation, described, document, hold, operations};
pub use provider::{PAGE, Provider, somebody};
pub use server::{App, EngineUnderTest, PASSWORD, Settings, email, play, play_where, play_with};

/// Declares stories, each told to both engines.
macro_rules! stories {
    ($($(#[doc = $doc:literal])* async fn $name:ident($app:ident) $body:block)*) => { $(
        mod $name {
            #[allow(unused_imports, reason = "each story uses what it needs")]
            use super::*;

            $(#[doc = $doc])*
            async fn story($app: $crate::harness::App) $body

            #[test]
            fn on_sqlite() {
                $crate::harness::play($crate::harness::EngineUnderTest::Sqlite, story);
            }

            #[test]
            fn on_postgres() {
                $crate::harness::play($crate::harness::EngineUnderTest::Postgres, story);
            }
        }
    )* };
}
pub(crate) use stories;

/// Declares stories of what is answered before any database is asked: told once.
macro_rules! stories_without_a_database {
    ($($(#[doc = $doc:literal])* async fn $name:ident($app:ident) $body:block)*) => { $(
        $(#[doc = $doc])*
        #[test]
        fn $name() {
            $crate::harness::play($crate::harness::EngineUnderTest::Sqlite, async |$app| $body);
        }
    )* };
}
pub(crate) use stories_without_a_database;
