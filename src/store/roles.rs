//! Who may do what on a PostgreSQL server: the owner migrates, and another role serves, which owns nothing.
//!
//! Row-level security holds for neither superusers nor roles with BYPASSRLS, so none of those serves. It is forced,
//! so that it holds for the owner of the tables too; but an owner could lift it, which is why another role is better.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Bool, Nullable, Text};

use super::connection::{self, AnyConnection, DatabaseUrl, Purpose};
use super::error::StoreError;

/// Tables with rows of workspaces on which the lock does not hold, as one text.
const UNLOCKED: &str = "SELECT string_agg(c.relname::text, ', ' ORDER BY c.relname) AS text \
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') \
    AND NOT (c.relrowsecurity AND c.relforcerowsecurity) \
    AND (c.relname = 'workspaces' OR EXISTS (SELECT FROM pg_attribute a \
        WHERE a.attrelid = c.oid AND a.attname = 'workspace_id' AND NOT a.attisdropped))";

/// Whether the role that is asked for passes row-level security by, and whether it has what the owner has.
const POWERS: &str = "SELECT r.rolsuper OR r.rolbypassrls AS passes_by, pg_has_role(r.oid, c.relowner, 'MEMBER') AS owns \
    FROM pg_roles r, pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE r.rolname = $1 AND n.nspname = current_schema() AND c.relname = 'workspaces'";

/// What a role that serves needs, and no more, on what the present role owns; also on what it makes later.
const GRANTS: &str = "SELECT concat( \
        format('GRANT USAGE ON SCHEMA %I TO %I; ', current_schema(), $1), \
        string_agg(format('GRANT SELECT, INSERT, UPDATE, DELETE ON %s TO %I; ', c.oid::regclass, $1), ''), \
        format('REVOKE INSERT, UPDATE, DELETE ON __diesel_schema_migrations FROM %I; ', $1), \
        format('ALTER DEFAULT PRIVILEGES IN SCHEMA %I GRANT SELECT, INSERT, UPDATE, DELETE ON TABLES TO %I', current_schema(), $1) \
    ) AS text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace \
    WHERE n.nspname = current_schema() AND c.relkind IN ('r', 'p') AND pg_has_role(current_user, c.relowner, 'USAGE')";

#[derive(QueryableByName)]
struct Said {
    #[diesel(sql_type = Nullable<Text>)]
    text: Option<String>,
}

#[derive(QueryableByName)]
struct Powers {
    #[diesel(sql_type = Bool)]
    passes_by: bool,
    #[diesel(sql_type = Bool)]
    owns: bool,
}

#[derive(QueryableByName)]
struct Present {
    #[diesel(sql_type = Text)]
    name: String,
}

/// Grants a role what serving needs. Refuses one on which the lock would not hold, or that could lift it.
pub fn grant(url: &DatabaseUrl, role: &str) -> Result<(), StoreError> {
    let mut connection = postgres(url)?;
    let refused = |why: &str| Err(StoreError::Unusable(format!("--grant-to {role}: {why}")));
    match powers(&mut connection, role)? {
        None => refused("there is no such role; make it: CREATE ROLE … LOGIN PASSWORD …"),
        Some(Powers { passes_by: true, .. }) => {
            refused("it is a superuser or has BYPASSRLS, and passes row-level security by; take another role")
        }
        Some(Powers { owns: true, .. }) => {
            refused("it owns the tables, or is a member of the role that does; take another role")
        }
        Some(Powers { passes_by: false, owns: false }) => {
            // The server has quoted the names itself.
            let grants =
                diesel::sql_query(GRANTS).bind::<Text, _>(role).get_result::<Said>(&mut connection)?;
            Ok(connection.batch_execute(&grants.text.unwrap_or_default())?)
        }
    }
}

/// Refuses to serve where PostgreSQL would not hold the lock; warns where the role that serves could lift it.
pub fn may_serve(url: &DatabaseUrl) -> Result<(), StoreError> {
    if url.path().is_some() {
        return Ok(());
    }
    let mut connection = postgres(url)?;
    let role =
        diesel::sql_query("SELECT current_user::text AS name").get_result::<Present>(&mut connection)?.name;
    if let Some(tables) = unlocked(&mut connection)? {
        return Err(StoreError::Unusable(format!(
            "row-level security is not forced on {tables}: run `regimen migrate`"
        )));
    }
    match powers(&mut connection, &role)? {
        Some(Powers { passes_by: true, .. }) => Err(StoreError::Unusable(format!(
            "the role {role} is a superuser or has BYPASSRLS, and passes row-level security by: serve with a role of \
             its own, made by CREATE ROLE … LOGIN, and `regimen migrate --grant-to` it"
        ))),
        Some(Powers { owns: true, .. }) => {
            tracing::warn!(
                role,
                "the role that serves owns the tables and could lift their row-level security: serve with a role of \
                 its own, and `regimen migrate --grant-to` it"
            );
            Ok(())
        }
        Some(Powers { passes_by: false, owns: false }) | None => Ok(()),
    }
}

/// The tables on which the lock does not hold, if there are any.
pub(super) fn unlocked(connection: &mut PgConnection) -> Result<Option<String>, StoreError> {
    Ok(diesel::sql_query(UNLOCKED).get_result::<Said>(connection)?.text)
}

fn powers(connection: &mut PgConnection, role: &str) -> Result<Option<Powers>, StoreError> {
    Ok(diesel::sql_query(POWERS).bind::<Text, _>(role).get_result(connection).optional()?)
}

fn postgres(url: &DatabaseUrl) -> Result<PgConnection, StoreError> {
    match connection::open(url, Purpose::Writing)? {
        AnyConnection::Postgres(connection) => Ok(connection),
        AnyConnection::Sqlite(_) => Err(StoreError::Unusable(
            "SQLite has no roles: whoever may read the file may read everything".into(),
        )),
    }
}
