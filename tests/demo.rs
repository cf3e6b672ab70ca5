//! The demo, as a newcomer meets it: loaded by the program itself, on both engines.

use std::io::{BufRead, BufReader};
use std::path::PathBuf;
use std::process::{Child, Command, Output, Stdio};

use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use serde_json::Value;

const PROGRAM: &str = env!("CARGO_BIN_EXE_regimen");

#[test]
fn the_demo_tells_its_story_on_sqlite() {
    let folder = folder("sqlite");
    tell(&format!("sqlite:{}", folder.join("demo.db").display()), &folder);
    std::fs::remove_dir_all(folder).expect("the folder goes");
}

#[test]
fn the_demo_tells_its_story_on_postgres() {
    let folder = folder("postgres");
    let server = std::env::var("TEST_POSTGRES_URL")
        .expect("TEST_POSTGRES_URL: run `tests/run`, or `tests/postgres with cargo test`");
    let name = format!("regimen_demo_{}", std::process::id());
    let on_server = |statement: String| {
        PgConnection::establish(&server)
            .expect("the server answers")
            .batch_execute(&statement)
            .expect("it runs");
    };
    on_server(format!("CREATE DATABASE {name}"));
    let (host, _) = server.rsplit_once('/').expect("a database in the URL");
    let url = format!("{host}/{name}");
    let migrated = Command::new(PROGRAM).args(["migrate", "--database-url", &url]).output().expect("it runs");
    assert!(migrated.status.success(), "{}", String::from_utf8_lossy(&migrated.stderr));
    tell(&url, &folder);
    on_server(format!("DROP DATABASE {name} WITH (FORCE)"));
    std::fs::remove_dir_all(folder).expect("the folder goes");
}

#[test]
fn the_demo_refuses_a_database_that_holds_something_else() {
    let folder = folder("other");
    let url = format!("sqlite:{}", folder.join("other.db").display());
    let server = serve(&url, &folder);
    let person = serde_json::json!({"email": "ann@example.com", "name": "Ann", "password": "seven purple bicycles sing"});
    let registered = runtime().block_on(async {
        reqwest::Client::new().post(format!("{}/v1/auth/register", server.address)).json(&person).send().await
    });
    assert_eq!(registered.expect("an answer").status().as_u16(), 201);
    drop(server);
    let refused = demo(&url, &folder);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("holds something else than the demo"));
    std::fs::remove_dir_all(folder).expect("the folder goes");
}

fn folder(name: &str) -> PathBuf {
    let folder = std::env::temp_dir().join(format!("regimen_demo_{name}_{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    folder
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn demo(url: &str, folder: &PathBuf) -> Output {
    Command::new(PROGRAM)
        .args(["demo", "--load-only", "--database-url", url])
        .current_dir(folder)
        .output()
        .expect("it runs")
}

fn announced(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.lines().count(), 1, "one line on standard output: {text}");
    serde_json::from_str(&text).expect("JSON")
}

struct Server {
    child: Child,
    address: String,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().expect("it ends");
        self.child.wait().expect("it is gone");
    }
}

fn serve(url: &str, folder: &PathBuf) -> Server {
    let port =
        std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("an address").port();
    let mut child = Command::new(PROGRAM)
        .args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--database-url", url])
        .current_dir(folder)
        .env("REGIMEN_LOG", "error")
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    let mut lines = BufReader::new(child.stderr.take().expect("its messages")).lines();
    let said =
        lines.find_map(|line| line.ok().filter(|line| line.contains("listening on"))).expect("it listens");
    std::thread::spawn(move || lines.for_each(drop));
    Server { child, address: said.rsplit(' ').next().expect("an address").to_owned() }
}

impl Server {
    fn get(&self, token: &str, path: &str) -> (u16, Value) {
        runtime().block_on(async {
            let request = reqwest::Client::new()
                .get(format!("{}/v1/workspaces/{path}", self.address))
                .bearer_auth(token);
            let answer = request.send().await.expect("an answer");
            (answer.status().as_u16(), answer.json().await.expect("JSON"))
        })
    }
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no text at {pointer} of {value}"))
}

fn tell(url: &str, folder: &PathBuf) {
    let first = announced(&demo(url, folder));
    assert_eq!(text(&first, "/workspace"), "nhs-england");
    assert_eq!(text(&first, "/start/workspace"), "harbour-street");
    let second = announced(&demo(url, folder));
    for fresh in ["/password", "/token", "/start/token"] {
        assert_ne!(text(&first, fresh), text(&second, fresh), "{fresh} is fresh");
    }
    let server = serve(url, folder);
    let (refused, _) = server.get(text(&first, "/token"), "nhs-england/kpis");
    assert_eq!(refused, 401, "the earlier token is revoked");
    england_is_as_published(&server, text(&second, "/token"));
    the_shop_has_something_of_everything(&server, text(&second, "/start/token"));
}

/// The check figures of `data/README.md`, and the story that follows from them.
fn england_is_as_published(server: &Server, token: &str) {
    let (_, then) = server.get(token, "nhs-england/kpis/four-hour-england?as_of=2019-03-31");
    let near = |pointer: &str, expected: f64| {
        let found =
            then.pointer(pointer).and_then(Value::as_f64).unwrap_or_else(|| panic!("no number at {pointer}"));
        assert!((found - expected).abs() < 5e-7, "{pointer} is {found}, published is {expected}");
    };
    near("/current/value", 86.604277);
    near("/target/min", 95.0);
    near("/tolerance/min", 85.0);
    near("/episode/opening_value", 84.985035);
    near("/episode/worst_value", 84.225250);
    assert_eq!(text(&then, "/health"), "at_risk");
    assert_eq!(text(&then, "/episode/opened_on"), "2017-12-01");
    assert_eq!(text(&then, "/episode/worst_on"), "2019-02-01");
    assert_eq!(then["episode"]["closed_on"], Value::Null);

    let (_, today) = server.get(token, "nhs-england/kpis/four-hour-england");
    assert_eq!(text(&today, "/health"), "unknown");
    assert_eq!(text(&today, "/health_reason"), "stale");
    assert_eq!(text(&today, "/last_known"), "at_risk");

    let (_, triage) = server.get(token, "nhs-england/triage?as_of=2019-03-31");
    let untreated = triage["untreated"].as_array().expect("a list");
    let severities: Vec<f64> =
        untreated.iter().map(|row| row["severity"].as_f64().expect("a severity")).collect();
    assert!(severities.len() > 50 && severities.is_sorted_by(|a, b| a >= b), "worst first: {severities:?}");
    let (_, periods) =
        server.get(token, "nhs-england/kpis/attendances-england/periods?from=2016-04-01&to=2019-03-31");
    assert_eq!(periods["items"].as_array().map(Vec::len), Some(36));
}

fn the_shop_has_something_of_everything(server: &Server, token: &str) {
    let (_, triage) = server.get(token, "harbour-street/triage");
    for group in ["untreated", "failed", "in_treatment", "at_risk", "unknown", "recovered", "orphans"] {
        assert!(
            triage[group].as_array().is_some_and(|rows| !rows.is_empty()),
            "{group} is empty: {}",
            triage["counts"]
        );
    }
    let (_, kpis) = server.get(token, "harbour-street/kpis?include=total");
    assert_eq!(kpis["total"], 10);
    let outcomes: Vec<String> = {
        let (_, remedies) = server.get(token, "harbour-street/remedies");
        remedies["items"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|one| text(one, "/outcome").to_owned())
            .collect()
    };
    for outcome in ["recovered", "failed", "relapsed", "in_progress"] {
        assert!(outcomes.iter().any(|one| one == outcome), "no remedy {outcome}: {outcomes:?}");
    }
    let (status, _) = server.get(token, "harbour-street/cycles/current");
    assert_eq!(status, 200, "a cycle holds today");
}
