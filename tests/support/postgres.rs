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

/// The role that serves in the tests: it owns nothing.
pub const SERVING: &str = "regimen_serving";

/// Makes the role that serves, unless it is there; the present one may end its sessions.
pub fn make_serving_role() {
    on_server(&[&format!(
        "DO $$ BEGIN CREATE ROLE {SERVING} LOGIN PASSWORD '{SERVING}'; \
         EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL; END $$"
    )]);
    on_server(&[&format!("GRANT {SERVING} TO CURRENT_USER")]);
}

/// The same database for the role that serves.
pub fn as_serving_role(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").expect("a URL");
    let place = rest.split_once('@').map_or(rest, |(_, place)| place);
    format!("{scheme}://{SERVING}:{SERVING}@{place}")
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
             WHERE datname = '{name}' AND usename IN (current_user, '{SERVING}')"
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
