//! The store: one schema on both engines, and a writer in which nobody harms another.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use diesel::{PgConnection, SqliteConnection, sql_query};
use futures_util::future::join_all;
use regimen::http::{Code, Problem};
use regimen::store::schema::accounts;
use regimen::store::{
    AccountId, Author, DatabaseUrl, Engine, Lane, Moment, Options, Store, StoreError, Tx, migrate,
};
use serde_json::json;

use crate::harness::{App, EngineUnderTest, play, stories};

#[derive(QueryableByName, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Column {
    #[diesel(sql_type = Text)]
    table_name: String,
    #[diesel(sql_type = Text)]
    column_name: String,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Bool)]
    required: bool,
}

#[derive(QueryableByName)]
struct Definition {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Text)]
    definition: String,
}

/// A type of SQLite for each of PostgreSQL's.
fn on_sqlite(kind: &str) -> &str {
    match kind {
        "uuid" | "bytea" => "BLOB",
        "timestamp with time zone" | "date" | "boolean" | "integer" | "bigint" => "INTEGER",
        "double precision" => "REAL",
        "jsonb" | "text" => "TEXT",
        other => other,
    }
}

/// What a constraint says, without what each engine adds to it.
fn essence(definition: &str) -> String {
    if let Some(check) = definition.strip_prefix("CHECK") {
        let words: BTreeSet<&str> = check
            .split(|c: char| !(c.is_alphanumeric() || c == '_'))
            .filter(|word| {
                !word.is_empty()
                    && !matches!(
                        *word,
                        "AND"
                            | "OR"
                            | "IN"
                            | "ANY"
                            | "ARRAY"
                            | "text"
                            | "BETWEEN"
                            | "IS"
                            | "NULL"
                            | "NOT"
                            | "double"
                            | "precision"
                    )
            })
            .collect();
        return format!("CHECK {words:?}");
    }
    definition.split_whitespace().collect::<Vec<_>>().join(" ").replace(" (", "(")
}

#[test]
fn both_engines_have_the_same_schema() {
    play(EngineUnderTest::Sqlite, |lite: App| async move {
        play_on_other_thread(lite);
    });
}

fn play_on_other_thread(lite: App) {
    std::thread::spawn(move || {
        play(EngineUnderTest::Postgres, |postgres: App| async move { compare(&lite, &postgres) });
    })
    .join()
    .expect("the comparison ends");
}

fn compare(lite: &App, postgres: &App) {
    let path = lite.database.path().expect("a file").to_str().expect("UTF-8").to_owned();
    let mut lite = SqliteConnection::establish(&path).expect("SQLite");
    let mut postgres = PgConnection::establish(&postgres_url(postgres)).expect("PostgreSQL");

    let mut on_postgres: Vec<Column> = sql_query(
        "SELECT table_name::text, column_name::text, data_type::text AS kind, is_nullable = 'NO' AS required \
         FROM information_schema.columns WHERE table_schema = 'public'",
    )
    .load(&mut postgres)
    .expect("columns");
    on_postgres.iter_mut().for_each(|column| column.kind = on_sqlite(&column.kind).to_owned());
    on_postgres.retain(|column| column.table_name != "__diesel_schema_migrations");
    on_postgres.sort();
    let mut columns_on_sqlite: Vec<Column> = sql_query(
        "SELECT m.name AS table_name, c.name AS column_name, c.type AS kind, c.\"notnull\" <> 0 AS required \
         FROM sqlite_master m JOIN pragma_table_info(m.name) c \
         WHERE m.type = 'table' AND m.name NOT LIKE '\\_\\_%' ESCAPE '\\' AND m.name NOT LIKE 'sqlite%'",
    )
    .load(&mut lite)
    .expect("columns");
    columns_on_sqlite.sort();
    assert!(columns_on_sqlite.len() > 200, "{} columns", columns_on_sqlite.len());
    assert_eq!(columns_on_sqlite, on_postgres);

    let of_postgres: BTreeMap<String, String> = sql_query(
        "SELECT conname::text AS name, pg_get_constraintdef(c.oid) AS definition FROM pg_constraint c \
         JOIN pg_class t ON t.oid = c.conrelid JOIN pg_namespace n ON n.oid = t.relnamespace \
         WHERE n.nspname = 'public' AND t.relname <> '__diesel_schema_migrations'",
    )
    .load::<Definition>(&mut postgres)
    .expect("constraints")
    .into_iter()
    .map(|one| (one.name, essence(&one.definition)))
    .collect();
    let of_sqlite: BTreeMap<String, String> = sql_query(
        "SELECT name, sql AS definition FROM sqlite_master WHERE type = 'table' AND sql LIKE '%CONSTRAINT%'",
    )
    .load::<Definition>(&mut lite)
    .expect("tables")
    .iter()
    .flat_map(|table| table.definition.lines().map(str::to_owned).collect::<Vec<_>>())
    .filter_map(|line| {
        let (name, rest) = line.trim().strip_prefix("CONSTRAINT ")?.split_once(' ')?;
        Some((name.to_owned(), essence(up_to_the_next_column(rest))))
    })
    .collect();
    assert!(of_sqlite.len() > 80, "{} constraints", of_sqlite.len());
    assert_eq!(of_sqlite, of_postgres);

    let names =
        |rows: Vec<Definition>| -> BTreeSet<String> { rows.into_iter().map(|one| one.name).collect() };
    let of_postgres = sql_query(
        "SELECT indexname::text AS name, indexdef AS definition FROM pg_indexes WHERE schemaname = 'public' \
         AND indexname NOT IN (SELECT conname FROM pg_constraint) AND tablename <> '__diesel_schema_migrations'",
    )
    .load(&mut postgres)
    .expect("indexes");
    let of_sqlite = sql_query(
        "SELECT name, sql AS definition FROM sqlite_master WHERE type = 'index' AND sql IS NOT NULL",
    )
    .load(&mut lite)
    .expect("indexes");
    assert_eq!(names(of_sqlite), names(of_postgres));
}

fn postgres_url(app: &App) -> String {
    match &app.database {
        DatabaseUrl::Postgres(url) => url.clone(),
        DatabaseUrl::Sqlite(path) => panic!("{} is no server", path.display()),
    }
}

fn insert_account(tx: &mut Tx, number: u32) -> Result<(), Problem> {
    let (id, now) = (AccountId::generate(tx.now.timestamp()), tx.now);
    diesel::insert_into(accounts::table)
        .values((
            accounts::id.eq(id),
            accounts::email.eq(format!("{number}@example.com")),
            accounts::email_folded.eq(format!("{number}@example.com")),
            accounts::name.eq("somebody"),
            accounts::password_hash.eq("none"),
            accounts::state.eq("active"),
            accounts::password_changed_at.eq(now),
            accounts::version.eq(1),
            accounts::created_at.eq(now),
            accounts::updated_at.eq(now),
        ))
        .execute(tx.db())?;
    Ok(())
}

async fn stored(app: &App) -> Vec<String> {
    app.state
        .store
        .read(Author::system("test"), |tx| -> Result<Vec<String>, StoreError> {
            Ok(accounts::table.select(accounts::email).order(accounts::email).load(tx.db())?)
        })
        .await
        .expect("the store reads")
}

/// Ends all sessions of a served database, as a server that is restarted does, and waits until they are gone. A file
/// has none.
fn end_all_sessions(app: &App) {
    let DatabaseUrl::Postgres(url) = &app.database else { return };
    let mut server = PgConnection::establish(url).expect("PostgreSQL");
    let served = "FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()";
    sql_query(format!("SELECT pg_terminate_backend(pid) {served}"))
        .execute(&mut server)
        .expect("a superuser");
    for _ in 0..200 {
        let left: i64 =
            diesel::select(diesel::dsl::sql::<diesel::sql_types::BigInt>(&format!("count(*) {served}")))
                .get_result(&mut server)
                .expect("a number");
        if left == 0 {
            return;
        }
        sql_query("SELECT pg_sleep(0.02)").execute(&mut server).expect("a moment");
    }
    panic!("some sessions do not end");
}

stories! {
    /// Connections that the server has ended meanwhile are replaced, and nobody who reads or writes notices.
    async fn lost_connections_are_replaced(app) {
        let ann = app.owner_of("ann", "acme").await;
        ann.post("kpis", json!({"name": "Churn"})).await.expect(201);
        for day in 10..15 {
            let reads = || join_all((0..12).map(|_| ann.get("kpis/churn")));
            for answer in reads().await {
                answer.expect(200);
            }
            end_all_sessions(&app);
            for answer in reads().await {
                answer.expect(200);
            }
            end_all_sessions(&app);
            ann.put(&format!("kpis/churn/points/2026-03-{day}"), json!({"value": day})).await.expect(201);
        }
    }

    /// Of a hundred writes that wait together, those that panic or refuse leave no trace, and every other is stored.
    async fn a_panic_harms_no_other_write_of_its_group(app) {
        let mut waiting = Vec::new();
        for number in 0..100_u32 {
            let store = app.state.store.clone();
            waiting.push(actix_web::rt::spawn(async move {
                let ended = store
                    .write(Lane::Open, Author::system("test"), move |tx| {
                        insert_account(tx, number)?;
                        if number % 10 == 3 {
                            // Past the panic hook: a backtrace of each would hold the connections for seconds.
                            std::panic::resume_unwind(Box::new("an injected panic"));
                        }
                        if number % 10 == 7 {
                            return Err(Problem::new(Code::Conflict, "an injected refusal"));
                        }
                        Ok(number)
                    })
                    .await;
                (number, ended)
            }));
        }
        let mut expected = Vec::new();
        for one in waiting {
            let (number, ended) = one.await.expect("the task ends");
            match (number % 10, ended) {
                (3, Err(problem)) => assert_eq!(problem.code, Code::Internal),
                (7, Err(problem)) => assert_eq!(problem.code, Code::Conflict),
                (_, Ok(answered)) => {
                    assert_eq!(answered, number);
                    expected.push(format!("{number}@example.com"));
                }
                (_, ended) => panic!("write {number} ended with {ended:?}"),
            }
        }
        expected.sort();
        assert_eq!(expected.len(), 80);
        assert_eq!(stored(&app).await, expected);
    }

    /// What follows a write is rolled back with it, and nothing is told before it is durable.
    async fn a_refused_write_leaves_nothing(app) {
        let runs = Arc::new(AtomicU32::new(0));
        let counted = runs.clone();
        let ended = app.state.store.write(Lane::Open, Author::system("test"), move |tx| {
            counted.fetch_add(1, Ordering::SeqCst);
            insert_account(tx, 1)?;
            insert_account(tx, 1)
        }).await;
        assert_eq!(ended.expect_err("a duplicate").code, Code::AlreadyExists);
        assert_eq!(runs.load(Ordering::SeqCst), 1);
        assert_eq!(stored(&app).await, Vec::<String>::new());
    }

    /// A reading transaction cannot write, on either engine.
    async fn reading_cannot_write(app) {
        let ended = app.state.store.read(Author::system("test"), |tx| insert_account(tx, 1)).await;
        assert_eq!(ended.expect_err("refused").code, Code::Internal);
        assert_eq!(stored(&app).await, Vec::<String>::new());
    }

    /// Moments and texts come back as they went in, to the microsecond.
    async fn moments_come_back_as_they_were(app) {
        let store = &app.state.store;
        store.write(Lane::Open, Author::system("test"), |tx| insert_account(tx, 1)).await.expect("stored");
        let moments = [i64::MIN / 2, -62_135_596_800_000_000, -1, 0, 1, 1_774_949_400_123_456, 4_102_444_800_000_000];
        for microseconds in moments {
            let at = Moment::from_microseconds(microseconds);
            // Years before 4713 BC are no timestamps of PostgreSQL; nothing from outside lies before 1970.
            if microseconds < -200_000_000_000_000_000 {
                continue;
            }
            let back = store.write(Lane::Open, Author::system("test"), move |tx| -> Result<Moment, StoreError> {
                diesel::update(accounts::table).set(accounts::updated_at.eq(at)).execute(tx.db())?;
                Ok(accounts::table.select(accounts::updated_at).first(tx.db())?)
            }).await.expect("stored");
            assert_eq!(back, at);
        }
    }

    /// Eight programs that migrate at once apply each step once; a second run applies nothing.
    async fn migrating_at_once_applies_once(app) {
        let url = app.database.clone();
        let handles: Vec<_> = (0..8).map(|_| {
            let url = url.clone();
            std::thread::spawn(move || migrate::migrate(&url).expect("it migrates"))
        }).collect();
        let applied: usize = handles.into_iter().map(|handle| handle.join().expect("it ends")).sum();
        assert_eq!(applied, 0, "the template was migrated already");
        migrate::check(&url).expect("the schema is current");
    }
}

#[test]
fn the_scheme_alone_chooses_the_engine() {
    let engine =
        |url: &str| DatabaseUrl::parse(url).map(|url| url.engine()).map_err(|error| error.to_string());
    assert_eq!(engine("sqlite:regimen.db"), Ok(Engine::Sqlite));
    assert_eq!(engine("postgres://localhost/x"), Ok(Engine::Postgres));
    assert_eq!(engine("postgresql://localhost/x"), Ok(Engine::Postgres));
    for wrong in
        ["", "regimen.db", "mysql://x", "sqlite:", "sqlite::memory:", "POSTGRES://x", "sqlite:x.db?mode=ro"]
    {
        assert!(engine(wrong).is_err(), "{wrong:?} was taken");
    }
    assert!(engine("postgres://h/x?sslmode=verify-full").is_err_and(|said| said.contains("postgres-tls")));
    let unreachable = Store::open(Options {
        url: DatabaseUrl::parse("postgres://127.0.0.1:1/nothing").expect("a URL"),
        connections: 2,
        clock: regimen::clock::Clock::wall(),
        followers: regimen::store::Followers::default(),
        gathering: regimen::store::Gathering::On,
    });
    assert!(matches!(unreachable, Err(StoreError::Unavailable(_))));
}

/// A definition without what follows it on its line: SQLite writes added columns behind the last one.
fn up_to_the_next_column(definition: &str) -> &str {
    let mut depth = 0;
    let end = definition.find(|letter| {
        match letter {
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        letter == ',' && depth == 0
    });
    end.map_or(definition, |end| &definition[..end])
}
