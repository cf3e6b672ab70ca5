//! Every row of a story's database as text: what a refusal must not change.

use std::collections::{BTreeMap, BTreeSet};

use diesel::prelude::*;
use diesel::sql_types::Text;
use regimen::store::DatabaseUrl;

/// Columns that a call may touch without having been let in: when a credential was used last.
const NOTED_IN_PASSING: &[&str] = &["last_used_at"];

#[derive(QueryableByName)]
struct Line {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    text: String,
}

/// The names of all columns of all tables.
pub fn columns(url: &DatabaseUrl) -> BTreeSet<String> {
    Opened::at(url).columns().into_iter().map(|column| column.text).collect()
}

/// All rows of all tables.
pub fn rows(url: &DatabaseUrl) -> BTreeMap<String, String> {
    let mut database = Opened::at(url);
    let mut tables: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for column in database.columns() {
        if !NOTED_IN_PASSING.contains(&column.text.as_str()) {
            tables.entry(column.name).or_default().push(column.text);
        }
    }
    assert!(tables.len() > 30, "{} tables", tables.len());
    let queries: Vec<String> = tables.iter().map(|(table, columns)| database.query(table, columns)).collect();
    let rows = database.past_the_lock(&queries.join(" UNION ALL "));
    rows.into_iter().map(|line| (line.name, line.text)).collect()
}

/// A connection of the test's own, beside those of the program.
enum Opened {
    Sqlite(diesel::SqliteConnection),
    Postgres(diesel::PgConnection),
}

impl Opened {
    fn at(url: &DatabaseUrl) -> Self {
        match url {
            DatabaseUrl::Sqlite(path) => {
                let path = path.to_str().expect("UTF-8");
                Self::Sqlite(diesel::SqliteConnection::establish(path).expect("it connects"))
            }
            DatabaseUrl::Postgres(url) => {
                Self::Postgres(diesel::PgConnection::establish(url).expect("it connects"))
            }
        }
    }

    fn load(&mut self, query: &str) -> Vec<Line> {
        match self {
            Self::Sqlite(connection) => diesel::sql_query(query).load(connection),
            Self::Postgres(connection) => diesel::sql_query(query).load(connection),
        }
        .unwrap_or_else(|error| panic!("{error}: {query}"))
    }

    /// The same past the lock on rows, which the owner lifts for this one look.
    fn past_the_lock(&mut self, query: &str) -> Vec<Line> {
        if let Self::Sqlite(_) = self {
            return self.load(query);
        }
        self.run("BEGIN");
        self.run("SELECT regimen_unlock_rows()");
        let rows = self.load(query);
        self.run("ROLLBACK");
        rows
    }

    fn run(&mut self, statement: &str) {
        match self {
            Self::Sqlite(connection) => diesel::sql_query(statement).execute(connection),
            Self::Postgres(connection) => diesel::sql_query(statement).execute(connection),
        }
        .unwrap_or_else(|error| panic!("{error}: {statement}"));
    }

    /// Each column with its table.
    fn columns(&mut self) -> Vec<Line> {
        self.load(match self {
            Self::Sqlite(_) => {
                "SELECT m.name AS name, c.name AS text FROM sqlite_master m, pragma_table_info(m.name) c \
                 WHERE m.type = 'table' AND m.name NOT LIKE 'sqlite_%' ORDER BY m.name, c.cid"
            }
            Self::Postgres(_) => {
                "SELECT table_name::text AS name, column_name::text AS text \
                 FROM information_schema.columns WHERE table_schema = 'public' \
                 ORDER BY table_name, ordinal_position"
            }
        })
    }

    /// Asks for all rows of a table as one text.
    fn query(&self, table: &str, columns: &[String]) -> String {
        let listed =
            |each: fn(&String) -> String, between| columns.iter().map(each).collect::<Vec<_>>().join(between);
        match self {
            Self::Sqlite(_) => {
                let row = listed(|column| format!("quote(\"{column}\")"), " || ',' || ");
                format!(
                    "SELECT '{table}' AS name, coalesce(group_concat({row}, ';'), '') AS text FROM \"{table}\""
                )
            }
            Self::Postgres(_) => {
                let row = listed(|column| format!("\"{column}\""), ", ");
                format!(
                    "SELECT '{table}' AS name, coalesce(string_agg(line, ';' ORDER BY line), '') AS text \
                     FROM (SELECT ROW({row})::text AS line FROM \"{table}\") AS lines"
                )
            }
        }
    }
}
