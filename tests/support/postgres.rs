//! The PostgreSQL server of the tests, and the databases that they make and drop there.

use std::sync::{Mutex, PoisonError};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};

/// The server for tests. No engine is ever skipped in silence.
fn server_url() -> String {
    std::env::var("TEST_POSTGRES_URL").expect(
        "TEST_POSTGRES_URL names no PostgreSQL server: run `tests/run`, or `tests/postgres with cargo test`",
    )
}

/// The same server, another database.
pub fn database_url(name: &str) -> String {
    let url = server_url();
    let (base, query) = url.split_once('?').map_or((url.as_str(), None), |(base, query)| (base, Some(query)));
    let (host, _) = base.rsplit_once('/').expect("TEST_POSTGRES_URL ends with /DATABASE");
    query.map_or_else(|| format!("{host}/{name}"), |query| format!("{host}/{name}?{query}"))
}

/// An empty database.
pub fn create_database(name: &str) {
    on_server(&[&format!("CREATE DATABASE {name}")]);
}

/// A copy of a database that nobody is connected to.
pub fn copy_database(name: &str, template: &str) {
    on_server(&[&format!("CREATE DATABASE {name} TEMPLATE {template}")]);
}

/// Drops a database, if it is there, whoever is connected to it.
///
/// `WITH (FORCE)` would refuse while a worker of the server itself vacuums it, which is no session of
/// ours to end; a plain drop asks such a worker to leave and waits for it.
pub fn drop_database(name: &str) {
    on_server(&[
        &format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = '{name}' AND usename = current_user"
        ),
        &format!("DROP DATABASE IF EXISTS {name}"),
    ]);
}

/// Making and dropping databases goes one at a time: a template in use cannot be copied.
fn on_server(statements: &[&str]) {
    static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());
    let _turn = ONE_AT_A_TIME.lock().unwrap_or_else(PoisonError::into_inner);
    let mut connection = PgConnection::establish(&server_url()).expect("the PostgreSQL server answers");
    for statement in statements {
        connection.batch_execute(statement).unwrap_or_else(|error| panic!("{statement}: {error}"));
    }
}
