//! The second lock on the rows of workspaces, which PostgreSQL itself holds.
//!
//! Every statement names its workspace; that is the first lock, and the only one on SQLite. On PostgreSQL row-level
//! security is forced on every table with a workspace (`migrations/postgres/…_lock_rows`): a transaction sees and
//! changes the rows of the one workspace that it has opened. What must be asked before a workspace is known has an
//! opening of its own, as narrow as the question, and only to read. The settings end with the transaction.

use std::fmt::Write;

use diesel::expression::{AppearsOnTable, Expression, SelectableExpression, ValidGrouping, is_aggregate};
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{Bool, Nullable, Text};
use diesel::sqlite::Sqlite;

use super::connection::AnyConnection;
use super::error::StoreError;
use super::ids::{AccountId, WorkspaceId};
use super::transaction::Tx;

/// What a transaction may see of the rows of workspaces: one thing at a time, each closes the one before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Opening {
    /// All rows of one workspace, also to change them.
    Workspace(WorkspaceId),
    /// The memberships of an account, and the rows of the workspaces that they are of.
    Account(AccountId),
    /// The token, invitation or link that is stored by this hash, and the row of an invitation's workspace.
    Credential([u8; 32]),
    /// What the clock's pass and the demo's census look at in all workspaces: their rows, how far they were told,
    /// when their KPIs turn, and when their tokens end.
    System,
}

diesel::define_sql_function! {
    /// PostgreSQL's own: sets a setting, here until the transaction ends.
    fn set_config(name: Text, value: Text, is_local: Bool) -> Text;
}

const WORKSPACE: &str = "regimen.workspace";
const ACCOUNT: &str = "regimen.account";
const CREDENTIAL: &str = "regimen.credential";
const SLUG: &str = "regimen.slug";
const SCOPE: &str = "regimen.scope";

impl Tx<'_> {
    /// Opens something, and closes what was open; costs a statement where it is not open already.
    pub fn open(&mut self, opening: Opening) -> Result<(), StoreError> {
        if self.opening() == Some(opening) {
            return Ok(());
        }
        if let AnyConnection::Postgres(connection) = self.db() {
            let Settings { workspace, account, credential, scope } = Settings::of(opening);
            diesel::select((
                set_config(WORKSPACE, workspace, true),
                set_config(ACCOUNT, account, true),
                set_config(CREDENTIAL, credential, true),
                set_config(SLUG, "", true),
                set_config(SCOPE, scope, true),
            ))
            .execute(connection)?;
        }
        self.note_opening(opening);
        Ok(())
    }

    /// Lets the row of the workspace with this slug be seen too: whether the slug is taken.
    pub fn open_slug(&mut self, slug: &str) -> Result<(), StoreError> {
        if let AnyConnection::Postgres(connection) = self.db() {
            diesel::select(set_config(SLUG, slug, true)).execute(connection)?;
        }
        Ok(())
    }

    /// Notes what a statement has opened that selected [`Opens`].
    pub fn opened(&mut self, opening: Opening) {
        match (self.opening(), opening) {
            // Whose session it is opens nothing more to a write that is in a workspace already.
            (Some(Opening::Workspace(_)), Opening::Account(_)) => {}
            (_, opening) => self.note_opening(opening),
        }
    }
}

/// The values of the settings that open something.
#[derive(Default)]
struct Settings {
    workspace: String,
    account: String,
    credential: String,
    scope: &'static str,
}

impl Settings {
    fn of(opening: Opening) -> Self {
        let nothing = Self::default();
        match opening {
            Opening::Workspace(id) => Self { workspace: id.uuid().to_string(), ..nothing },
            Opening::Account(id) => Self { account: id.uuid().to_string(), ..nothing },
            Opening::Credential(hash) => Self { credential: hexadecimal(&hash), ..nothing },
            Opening::System => Self { scope: "system", ..nothing },
        }
    }
}

/// The statement that opens something in a transaction that has just begun, to be sent together with that. The values
/// are hexadecimal digits and words of our own.
pub(super) fn statement(opening: Opening) -> String {
    let Settings { workspace, account, credential, scope } = Settings::of(opening);
    let settings =
        [(WORKSPACE, workspace), (ACCOUNT, account), (CREDENTIAL, credential), (SCOPE, scope.to_owned())];
    let set = settings.iter().filter(|(_, value)| !value.is_empty());
    set.map(|(name, value)| format!("SET LOCAL {name} = '{value}'; ")).collect()
}

/// What a row proves.
pub trait Proof: Send + 'static {
    /// On PostgreSQL: opens what is proven.
    const OPENS: &'static str;
}

/// What is proven by a row that an active member's workspace was read from.
#[derive(Clone, Copy, Debug)]
pub struct ByMember;
impl Proof for ByMember {
    const OPENS: &'static str = r#"set_config('regimen.workspace', "members"."workspace_id"::text, true)"#;
}

/// What is proven by a session's row: its account. In a condition, it opens the account's memberships for what the
/// same statement joins.
#[derive(Clone, Copy, Debug)]
pub struct BySession;
impl Proof for BySession {
    const OPENS: &'static str = r#"set_config('regimen.account', "sessions"."account_id"::text, true)"#;
}

/// What is proven by a token's row: its workspace.
#[derive(Clone, Copy, Debug)]
pub struct ByToken;
impl Proof for ByToken {
    const OPENS: &'static str = r#"set_config('regimen.workspace', "tokens"."workspace_id"::text, true)"#;
}

/// What is proven by a link's row: its workspace.
#[derive(Clone, Copy, Debug)]
pub struct ByLink;
impl Proof for ByLink {
    const OPENS: &'static str = r#"set_config('regimen.workspace', "links"."workspace_id"::text, true)"#;
}

/// A column to select in the statement that proves a right, or a condition of it (it is never null): it opens what was
/// proven, without a statement more.
#[derive(Clone, Copy, Debug)]
pub struct Opens<P>(pub P);

impl<P> Expression for Opens<P> {
    type SqlType = Nullable<Text>;
}

impl<P, QS> SelectableExpression<QS> for Opens<P> {}
impl<P, QS> AppearsOnTable<QS> for Opens<P> {}

impl<P, GB> ValidGrouping<GB> for Opens<P> {
    type IsAggregate = is_aggregate::Never;
}

impl<P: Proof> QueryId for Opens<P> {
    type QueryId = Opens<P>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

impl<P: Proof> QueryFragment<Pg> for Opens<P> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Pg>) -> QueryResult<()> {
        out.push_sql(P::OPENS);
        Ok(())
    }
}

impl<P: Proof> QueryFragment<Sqlite> for Opens<P> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        out.push_sql("''");
        Ok(())
    }
}

fn hexadecimal(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(2 * bytes.len()), |mut text, byte| {
        // Writing to a String never fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
