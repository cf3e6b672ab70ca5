//! The second lock: PostgreSQL itself keeps the rows of workspaces apart, whatever a statement says. All stories are
//! served by a role that owns nothing; here somebody with that role tries by hand.

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Nullable, Text};
use diesel::{PgConnection, sql_query};
use regimen::store::{DatabaseUrl, Engine, roles};
use serde_json::json;

use super::World;
use crate::harness::{App, EngineUnderTest, email, play};

#[derive(QueryableByName)]
struct Table {
    #[diesel(sql_type = Text)]
    name: String,
    #[diesel(sql_type = Bool)]
    forced: bool,
    #[diesel(sql_type = Nullable<Text>)]
    rule: Option<String>,
}

#[derive(QueryableByName)]
struct Count {
    #[diesel(sql_type = BigInt)]
    count: i64,
}

#[derive(QueryableByName)]
struct Row {
    #[diesel(sql_type = Text)]
    text: String,
}

fn url(url: &DatabaseUrl) -> &str {
    match url {
        DatabaseUrl::Postgres(url) => url,
        DatabaseUrl::Sqlite(path) => panic!("{} is no server", path.display()),
    }
}

/// Somebody with the role that serves, or with that of the owner.
fn by_hand(database: &DatabaseUrl) -> PgConnection {
    PgConnection::establish(url(database)).expect("PostgreSQL answers")
}

/// Every table with a workspace, as the catalogue has it: no list to forget one in.
fn tables(connection: &mut PgConnection) -> Vec<Table> {
    sql_query(
        "SELECT c.relname::text AS name, c.relrowsecurity AND c.relforcerowsecurity AS forced, \
         (SELECT pg_get_expr(p.polqual, p.polrelid) FROM pg_policy p \
          WHERE p.polrelid = c.oid AND p.polcmd = '*' AND p.polpermissive) AS rule \
         FROM pg_class c JOIN pg_attribute a ON a.attrelid = c.oid \
         WHERE c.relnamespace = 'public'::regnamespace AND c.relkind IN ('r', 'p') \
         AND a.attname = 'workspace_id' AND NOT a.attisdropped ORDER BY 1",
    )
    .load(connection)
    .expect("the catalogue")
}

fn count(connection: &mut PgConnection, asked: &str) -> QueryResult<i64> {
    sql_query(asked).get_result::<Count>(connection).map(|row| row.count)
}

/// Opens a workspace in a transaction, as the store does, and answers its id.
fn open(connection: &mut PgConnection, slug: &str) -> String {
    connection
        .batch_execute(&format!("BEGIN; SELECT set_config('regimen.slug', '{slug}', true)"))
        .expect("it begins");
    let found = format!("SELECT id::text AS text FROM workspaces WHERE slug = '{slug}'");
    let id = sql_query(found).get_result::<Row>(connection).expect("the workspace").text;
    connection
        .batch_execute(&format!(
            "SELECT set_config('regimen.slug', '', true), set_config('regimen.workspace', '{id}', true)"
        ))
        .expect("it opens");
    id
}

fn begin(connection: &mut PgConnection, setting: &str, value: &str) {
    connection
        .batch_execute(&format!("BEGIN; SELECT set_config('regimen.{setting}', '{value}', true)"))
        .expect("it begins");
}

fn end(connection: &mut PgConnection) {
    connection.batch_execute("ROLLBACK").expect("it ends");
}

/// Two workspaces: acme has one of each thing, evil a few.
async fn two(app: &App) {
    World::new(app).await;
    let eve = app.owner_of("eve", "evil").await;
    eve.post("kpis", json!({"name": "Loot", "key": "loot"})).await.expect(201);
    eve.put("kpis/loot/points/2026-03-31", json!({"value": 1})).await.expect(201);
    eve.post("tokens", json!({"name": "t", "scopes": ["read"]})).await.expect(201);
}

#[test]
fn every_table_of_a_workspace_is_locked() {
    play(EngineUnderTest::Postgres, async |app: App| {
        let all = tables(&mut by_hand(&app.served));
        assert!(all.len() >= 44, "{} tables", all.len());
        for table in all {
            let rule = table.rule.unwrap_or_default();
            assert!(table.forced, "row-level security is not forced on {}", table.name);
            assert!(
                rule.contains("workspace_id = ") && rule.contains("regimen.workspace"),
                "{}: {rule}",
                table.name
            );
        }
    });
}

/// With nothing set there is nothing to see or to change; also after a transaction in which something was.
#[test]
fn without_a_workspace_there_is_nothing() {
    play(EngineUnderTest::Postgres, async |app: App| {
        two(&app).await;
        for database in [&app.served, &app.database] {
            let mut hand = by_hand(database);
            for _ in 0..2 {
                for table in tables(&mut hand).iter().map(|table| table.name.as_str()).chain(["workspaces"]) {
                    let seen = count(&mut hand, &format!("SELECT count(*) AS count FROM {table}"));
                    assert!(matches!(seen, Ok(0) | Err(_)), "{seen:?} rows of {table}");
                    let changed = sql_query(format!("DELETE FROM {table}")).execute(&mut hand);
                    assert!(matches!(changed, Ok(0) | Err(_)), "{changed:?} rows of {table}");
                }
                // A setting that was there in an earlier transaction is empty from then on.
                open(&mut hand, "acme");
                assert_eq!(count(&mut hand, "SELECT count(*) AS count FROM kpis"), Ok(2));
                hand.batch_execute("COMMIT").expect("it ends");
            }
        }
        app.signs_in("ann").await.inside("acme").get("kpis").await.expect(200);
    });
}

/// In one workspace no row of another is seen, inserted, changed or moved, whatever the statement says.
#[test]
fn a_workspace_is_all_there_is() {
    play(EngineUnderTest::Postgres, async |app: App| {
        two(&app).await;
        let mut hand = by_hand(&app.served);
        let mut filled = 0;
        for table in tables(&mut hand).into_iter().map(|table| table.name) {
            let acme = open(&mut hand, "acme");
            let own = count(
                &mut hand,
                &format!("SELECT count(*) AS count FROM {table} WHERE workspace_id = '{acme}'"),
            );
            let all = count(&mut hand, &format!("SELECT count(*) AS count FROM {table}"));
            assert_eq!(own, all, "{table}");
            let row = sql_query(format!("SELECT to_jsonb(one)::text AS text FROM {table} one LIMIT 1"));
            let row = row.get_result::<Row>(&mut hand).optional().expect("a row");
            end(&mut hand);

            let evil = open(&mut hand, "evil");
            let foreign = format!("SELECT count(*) AS count FROM {table} WHERE workspace_id <> '{evil}'");
            assert_eq!(count(&mut hand, &foreign), Ok(0), "{table}");
            let set = format!("UPDATE {table} SET workspace_id = workspace_id WHERE workspace_id = '{acme}'");
            assert_eq!(sql_query(set).execute(&mut hand), Ok(0), "{table}");
            let gone = format!("DELETE FROM {table} WHERE workspace_id = '{acme}'");
            assert_eq!(sql_query(gone).execute(&mut hand), Ok(0), "{table}");
            if let Some(row) = row {
                filled += 1;
                let again = format!(
                    "INSERT INTO {table} SELECT * FROM jsonb_populate_record(NULL::{table}, $1::jsonb)"
                );
                let refused = sql_query(again).bind::<Text, _>(&row.text).execute(&mut hand);
                let said = refused.expect_err("it is refused").to_string();
                assert!(said.contains("row-level security"), "{table}: {said}");
            }
            end(&mut hand);

            open(&mut hand, "acme");
            let moved = sql_query(format!("UPDATE {table} SET workspace_id = '{evil}'")).execute(&mut hand);
            assert!(
                matches!(&moved, Ok(0))
                    || moved.is_err_and(|said| said.to_string().contains("row-level security"))
            );
            end(&mut hand);
        }
        assert!(filled > 25, "only {filled} tables had a row to try with");
    });
}

/// What is asked before a workspace is known sees just that, changes nothing, and closes when a workspace opens.
#[test]
fn openings_are_narrow() {
    play(EngineUnderTest::Postgres, async |app: App| {
        two(&app).await;
        let ann = app.signs_in("ann").await;
        let eve = app.signs_in("eve").await.inside("evil");
        // Eve is a member of both.
        let invited =
            ann.inside("acme").post("invitations", json!({"email": email("eve"), "role": "viewer"})).await;
        eve.post("/v1/invitations/accept", json!({"token": invited.expect(201).text("/token")}))
            .await
            .expect(200);
        let mut hand = by_hand(&app.served);
        let asked = |hand: &mut PgConnection, table: &str| {
            count(hand, &format!("SELECT count(*) AS count FROM {table}"))
        };
        let account = |hand: &mut PgConnection, name: &str| {
            let asked =
                format!("SELECT id::text AS text FROM accounts WHERE email_folded = '{}'", email(name));
            sql_query(asked).get_result::<Row>(hand).expect("an account").text
        };
        let evil = open(&mut hand, "evil");
        end(&mut hand);

        for (name, memberships) in [("ann", 1), ("eve", 2)] {
            let id = account(&mut hand, name);
            begin(&mut hand, "account", &id);
            assert_eq!(asked(&mut hand, "members"), Ok(memberships));
            assert_eq!(asked(&mut hand, "workspaces"), Ok(memberships));
            assert_eq!(asked(&mut hand, "tokens"), Ok(0));
            assert_eq!(sql_query("UPDATE members SET role = 'owner'").execute(&mut hand), Ok(0));
            assert_eq!(sql_query("UPDATE workspaces SET name = 'x'").execute(&mut hand), Ok(0));
            hand.batch_execute(&format!("SELECT set_config('regimen.workspace', '{evil}', true)"))
                .expect("it opens");
            assert_eq!(asked(&mut hand, "workspaces"), Ok(1));
            assert_eq!(asked(&mut hand, "members"), Ok(1), "those of evil alone");
            end(&mut hand);
        }

        for (table, column) in [("tokens", "hash"), ("invitations", "token_hash"), ("links", "hash")] {
            open(&mut hand, "acme");
            let hash = format!("SELECT encode({column}, 'hex') AS text FROM {table} LIMIT 1");
            let hash = sql_query(hash).get_result::<Row>(&mut hand).expect("a hash").text;
            end(&mut hand);
            begin(&mut hand, "credential", &hash);
            for other in ["tokens", "invitations", "links", "workspaces", "members"] {
                let sees = other == table || (other == "workspaces" && table == "invitations");
                assert_eq!(asked(&mut hand, other), Ok(i64::from(sees)), "{other} by a hash of {table}");
                assert_eq!(sql_query(format!("DELETE FROM {other}")).execute(&mut hand), Ok(0));
            }
            hand.batch_execute(&format!("SELECT set_config('regimen.workspace', '{evil}', true)"))
                .expect("it opens");
            let foreign = format!("SELECT count(*) AS count FROM {table} WHERE workspace_id <> '{evil}'");
            assert_eq!(count(&mut hand, &foreign), Ok(0));
            end(&mut hand);
        }

        begin(&mut hand, "slug", "acme");
        assert_eq!(asked(&mut hand, "workspaces"), Ok(1));
        assert_eq!(asked(&mut hand, "members"), Ok(0));
        assert_eq!(sql_query("UPDATE workspaces SET name = 'x'").execute(&mut hand), Ok(0));
        end(&mut hand);

        begin(&mut hand, "scope", "system");
        assert_eq!(asked(&mut hand, "workspaces"), Ok(2));
        assert_eq!(asked(&mut hand, "members"), Ok(0));
        assert_eq!(asked(&mut hand, "invitations"), Ok(0));
        assert_eq!(sql_query("UPDATE tokens SET name = 'x'").execute(&mut hand), Ok(0));
        assert_eq!(sql_query("UPDATE workspaces SET name = 'x'").execute(&mut hand), Ok(0));
        assert!(asked(&mut hand, "kpis").is_err(), "no opening but a workspace");
        end(&mut hand);
    });
}

/// The role that serves owns nothing and changes no table; others that could lift the lock are granted nothing.
#[test]
fn the_role_that_serves_owns_nothing() {
    play(EngineUnderTest::Postgres, async |app: App| {
        assert_eq!(app.state.store.engine(), Engine::Postgres);
        let mut hand = by_hand(&app.served);
        for refused in [
            "CREATE TABLE mine (id int)",
            "DROP TABLE kpis",
            "TRUNCATE kpis",
            "ALTER TABLE kpis DISABLE ROW LEVEL SECURITY",
            "ALTER TABLE kpis NO FORCE ROW LEVEL SECURITY",
            "DROP POLICY a_served ON kpis",
            "SELECT regimen_unlock_rows()",
            "DELETE FROM __diesel_schema_migrations",
        ] {
            let said = hand.batch_execute(refused).expect_err(refused).to_string();
            assert!(
                said.contains("permission denied") || said.contains("must be owner"),
                "{refused}: {said}"
            );
        }
        roles::may_serve(&app.served).expect("it serves");
        roles::may_serve(&app.database).expect("the owner is warned and serves");
        regimen::store::migrate::check(&app.served).expect("it may look at the schema");
        let refused = |role: &str| roles::grant(&app.database, role).expect_err(role).to_string();
        let mut owner = by_hand(&app.database);
        let name = sql_query("SELECT current_user::text AS text")
            .get_result::<Row>(&mut owner)
            .expect("a name")
            .text;
        assert!(refused(&name).contains("owns the tables"));
        assert!(refused("postgres").contains("superuser"));
        assert!(refused("nobody\"; DROP TABLE kpis; --").contains("no such role"));
        // A lock that is lifted stops the start, and `migrate` puts it back.
        owner.batch_execute("ALTER TABLE kpis NO FORCE ROW LEVEL SECURITY").expect("the owner may");
        let said = roles::may_serve(&app.served).expect_err("it is open").to_string();
        assert!(said.contains("not forced on kpis"), "{said}");
        assert_eq!(regimen::store::migrate::migrate(&app.database).expect("it migrates"), 0);
        roles::may_serve(&app.served).expect("it serves again");
    });
}

/// Transactions of two workspaces take turns on few connections, and none sees what is the other's.
#[test]
fn connections_are_handed_on_clean() {
    play(EngineUnderTest::Postgres, async |app: App| {
        two(&app).await;
        let (ann, eve) = (app.signs_in("ann").await.inside("acme"), app.signs_in("eve").await.inside("evil"));
        let turns = (0..200).map(|turn| {
            let (ann, eve) = (ann.clone(), eve.clone());
            actix_web::rt::spawn(async move {
                if turn % 2 == 0 {
                    let list = ann.get("kpis").await;
                    assert!(!list.expect(200).raw.contains("loot"));
                } else {
                    let list = eve.get("kpis").await;
                    assert_eq!(list.expect(200).at("/items").as_array().map(Vec::len), Some(1));
                }
            })
        });
        for turn in turns.collect::<Vec<_>>() {
            turn.await.expect("it ends");
        }
    });
}
