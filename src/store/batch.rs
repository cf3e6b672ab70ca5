//! What diesel cannot say over both engines at once: many rows in one statement.

use diesel::prelude::*;

use super::connection::AnyConnection;
use super::error::StoreError;
use super::journal::EventRow;
use super::schema::{events, sign_in_attempts};
use super::transaction::Tx;
use super::types::Moment;

/// Statements stay below both engines' limit of bound values (SQLite 32,766).
const VALUES_PER_STATEMENT: usize = 16_000;

/// The same statement, compiled once for each engine.
macro_rules! each_engine {
    ($tx:expr, $connection:ident => $statement:expr) => {
        match $tx.db() {
            AnyConnection::Sqlite($connection) => $statement,
            AnyConnection::Postgres($connection) => $statement,
        }
    };
}

/// Makes a function that inserts rows of one table, many in a statement.
macro_rules! inserts {
    ($($(#[$doc:meta])* $name:ident: $row:ty => $table:ident, $columns:literal;)*) => { $(
        $(#[$doc])*
        pub fn $name(tx: &mut Tx, rows: &[$row]) -> Result<(), StoreError> {
            for chunk in rows.chunks(VALUES_PER_STATEMENT / $columns) {
                each_engine!(tx, connection => diesel::insert_into($table::table).values(chunk).execute(connection))?;
            }
            Ok(())
        }
    )* };
}

inserts! {
    /// Stores events.
    insert_events: EventRow => events, 13;
}

/// Makes sure that attempts on a subject are counted; those counted already stay.
pub fn begin_sign_in_attempts(tx: &mut Tx, subject: &[u8], now: Moment) -> Result<(), StoreError> {
    let row = (
        sign_in_attempts::subject.eq(subject),
        sign_in_attempts::failures.eq(0),
        sign_in_attempts::last_at.eq(now),
    );
    each_engine!(tx, connection => diesel::insert_into(sign_in_attempts::table)
        .values(row)
        .on_conflict(sign_in_attempts::subject)
        .do_nothing()
        .execute(connection))?;
    Ok(())
}
