//! `examples/push.sh`: a value is stored once, whatever happens on the way; and what goes wrong is
//! told in one line, with an exit code that says whether trying again can help.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::{Value, json};

use crate::proxy::{Proxy, Turn};
use crate::support::{Place, Server, free_address};

const REFUSED: i32 = 1;
const WRONG: i32 = 2;
const UNREACHED: i32 = 3;

fn script() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/push.sh")
}

/// A served workspace with two KPIs: a level, and a counter.
struct World {
    server: Server,
    token: String,
    http: reqwest::Client,
    runtime: tokio::runtime::Runtime,
    _place: Place,
}

impl World {
    fn new(place: Place) -> Self {
        let server = place.serve(&[]);
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
        let mut world =
            Self { server, token: String::new(), http: reqwest::Client::new(), runtime, _place: place };
        let person = json!({"email": "ann@example.com", "name": "Ann", "password": "seven purple bicycles"});
        world.token = text(&world.post("/v1/auth/register", &person), "access_token");
        world.post("/v1/workspaces", &json!({"name": "Acme", "slug": "acme"}));
        for kpi in [json!({"name": "Churn rate"}), json!({"name": "Signups", "aggregation": "sum"})] {
            world.post("/v1/workspaces/acme/kpis", &kpi);
        }
        let token = json!({"name": "cron", "scopes": ["read", "points:write"]});
        world.token = text(&world.post("/v1/workspaces/acme/tokens", &token), "token");
        world
    }

    fn post(&self, path: &str, body: &Value) -> Value {
        let request =
            self.http.post(format!("{}{path}", self.server.address)).bearer_auth(&self.token).json(body);
        self.runtime.block_on(async {
            let answer = request.send().await.expect("an answer");
            assert_eq!(answer.status().as_u16(), 201, "{path}");
            answer.json().await.expect("JSON")
        })
    }

    /// The values that are stored, oldest first.
    fn stored(&self, kpi: &str) -> Vec<f64> {
        let path = format!("{}/v1/workspaces/acme/kpis/{kpi}/points", self.server.address);
        let request = self.http.get(path).bearer_auth(&self.token);
        let page: Value = self
            .runtime
            .block_on(async { request.send().await.expect("an answer").json().await.expect("JSON") });
        page["items"].as_array().expect("points").iter().filter_map(|point| point["value"].as_f64()).collect()
    }

    /// The script with its settings; later ones win.
    fn push(&self, arguments: &[&str], settings: &[(&str, &str)]) -> Output {
        let mut command = Command::new(script());
        command
            .args(arguments)
            .env("REGIMEN_URL", &self.server.address)
            .env("REGIMEN_WORKSPACE", "acme")
            .env("REGIMEN_TOKEN", &self.token)
            .env("REGIMEN_RETRIES", "2")
            .env("REGIMEN_BACKOFF", "0")
            .env_remove("REGIMEN_TOKEN_FILE")
            .env_remove("REGIMEN_IDEMPOTENCY_KEY");
        command.envs(settings.iter().copied()).output().expect("the script runs")
    }
}

fn text(body: &Value, field: &str) -> String {
    body[field].as_str().unwrap_or_else(|| panic!("no {field} in {body}")).to_owned()
}

#[track_caller]
fn stores(output: &Output) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {error}", output.status);
    assert!(output.stdout.is_empty() && output.stderr.is_empty(), "cron mails what is said: {error}");
}

#[track_caller]
fn fails(output: &Output, code: i32, words: &[&str]) {
    let error = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(code), "{error}");
    assert_eq!(error.lines().count(), 1, "one line: {error}");
    assert!(error.starts_with("push.sh: "), "{error}");
    for word in words {
        assert!(error.contains(word), "no {word} in {error}");
    }
}

#[test]
fn push_on_sqlite() {
    tell(World::new(Place::on_sqlite("push")));
}

#[test]
fn push_on_postgres() {
    tell(World::new(Place::on_postgres("push")));
}

fn tell(mut world: World) {
    a_value_is_put_where_it_belongs(&world);
    a_run_adds_once(&world);
    what_gets_lost_on_the_way_is_sent_again(&world);
    refusals_are_told(&world);
    // And where nobody answers.
    world.server.kill();
    fails(
        &world.push(&["churn-rate", "1"], &[]),
        UNREACHED,
        &["could not be reached", &world.server.address],
    );
    let nobody = format!("http://{}", free_address());
    fails(
        &world.push(&["churn-rate", "1", "2026-03-31"], &[("REGIMEN_URL", &nobody)]),
        UNREACHED,
        &[&nobody],
    );
}

fn a_value_is_put_where_it_belongs(world: &World) {
    stores(&world.push(&["churn-rate", "4.5", "2026-03-31"], &[]));
    stores(&world.push(&["churn-rate", "4.25", "2026-03-31"], &[]));
    stores(&world.push(&["churn-rate", "-1e-3", "2026-02-28T23:30:00+01:00"], &[]));
    assert_eq!(world.stored("churn-rate"), [-1e-3, 4.25]);
}

fn a_run_adds_once(world: &World) {
    stores(&world.push(&["signups", "10"], &[]));
    stores(&world.push(&["signups", "10"], &[]));
    assert_eq!(world.stored("signups"), [10.0, 10.0], "two runs count twice");
    let key = [("REGIMEN_IDEMPOTENCY_KEY", "signups-today")];
    stores(&world.push(&["signups", "7"], &key));
    stores(&world.push(&["signups", "7"], &key));
    assert_eq!(world.stored("signups"), [10.0, 10.0, 7.0], "two runs with one key count once");
    fails(&world.push(&["signups", "8"], &key), REFUSED, &["409", "key"]);
    let file = world._place.folder.join("token");
    std::fs::write(&file, format!("{}\n", world.token)).expect("a file");
    let file = file.display().to_string();
    stores(&world.push(&["signups", "1"], &[("REGIMEN_TOKEN", ""), ("REGIMEN_TOKEN_FILE", &file)]));
}

fn what_gets_lost_on_the_way_is_sent_again(world: &World) {
    let before = world.stored("signups").len();
    let proxy = Proxy::before(
        &world.server.address,
        &[Turn::LoseTheAnswer, Turn::PutOff(503, 0), Turn::PutOff(429, 1)],
    );
    stores(&world.push(&["signups", "5"], &[("REGIMEN_URL", &proxy.address), ("REGIMEN_RETRIES", "3")]));
    let stored = world.stored("signups");
    assert_eq!((stored.len(), stored.last()), (before + 1, Some(&5.0)), "it is stored exactly once");
    let seen = proxy.seen.lock().expect("the log");
    let keys: Vec<Option<&str>> = seen
        .iter()
        .map(|request| request.lines().find(|line| line.starts_with("Idempotency-Key: ")))
        .collect();
    assert_eq!(keys.len(), 4);
    assert!(keys[0].is_some() && keys.iter().all(|key| *key == keys[0]), "one key for all tries: {keys:?}");

    let busy = Proxy::before(
        &world.server.address,
        &[Turn::PutOff(503, 0), Turn::PutOff(503, 0), Turn::PutOff(503, 0)],
    );
    fails(&world.push(&["signups", "6"], &[("REGIMEN_URL", &busy.address)]), UNREACHED, &["503"]);
    let patient = Proxy::before(&world.server.address, &[Turn::PutOff(429, 86_400)]);
    fails(
        &world.push(&["signups", "6"], &[("REGIMEN_URL", &patient.address)]),
        UNREACHED,
        &["429", "86400 seconds"],
    );
    assert_eq!(world.stored("signups").len(), before + 1);
}

fn refusals_are_told(world: &World) {
    let before = world.stored("churn-rate");
    let forged = "rgm_000000000000000000000000000000000000";
    fails(
        &world.push(&["churn-rate", "1", "2026-03-01"], &[("REGIMEN_TOKEN", forged)]),
        REFUSED,
        &["401", "The credential is not accepted"],
    );
    fails(&world.push(&["churm-rate", "1"], &[]), REFUSED, &["404"]);
    fails(&world.push(&["churn-rate", "1"], &[("REGIMEN_WORKSPACE", "nowhere")]), REFUSED, &["404"]);
    fails(
        &world.push(&["churn-rate", "1e300", "2026-03-01"], &[]),
        REFUSED,
        &["422", "Some fields are not acceptable", "/value: "],
    );
    fails(&world.push(&["churn-rate", "1e400", "2026-03-01"], &[]), REFUSED, &["400"]);
    fails(&world.push(&["churn-rate", "1", "2026-02-30"], &[]), REFUSED, &["(4"]);
    for (arguments, settings, word) in [
        (["churn-rate", "many"], ("REGIMEN_RETRIES", "1"), "many is no number"),
        (["churn-rate", "1,\"note\":\"x\""], ("REGIMEN_RETRIES", "1"), "is no number"),
        (["../kpis", "1"], ("REGIMEN_RETRIES", "1"), "no key"),
        (["churn-rate", "1"], ("REGIMEN_TOKEN", ""), "REGIMEN_TOKEN"),
        (["churn-rate", "1"], ("REGIMEN_TOKEN", "a\" url = \"http://evil"), "token"),
        (["churn-rate", "1"], ("REGIMEN_WORKSPACE", ""), "REGIMEN_WORKSPACE"),
        (["churn-rate", "1"], ("REGIMEN_TOKEN_FILE", "/nowhere"), ""),
        (["churn-rate", "1"], ("REGIMEN_IDEMPOTENCY_KEY", "with blanks"), "REGIMEN_IDEMPOTENCY_KEY"),
        (["churn-rate", "1"], ("REGIMEN_RETRIES", "often"), "REGIMEN_RETRIES"),
        (["churn-rate", "1"], ("REGIMEN_BACKOFF", "08"), "REGIMEN_BACKOFF"),
    ] {
        let mut all = vec![settings];
        if word.is_empty() {
            all.push(("REGIMEN_TOKEN", ""));
        }
        fails(&world.push(&arguments, &all), WRONG, &[word]);
    }
    fails(&world.push(&["churn-rate", "1", ".."], &[]), WRONG, &["no date"]);
    assert_eq!(world.stored("churn-rate"), before, "nothing of it was stored");
}

#[test]
fn push_tells_how_it_is_used() {
    let run = |arguments: &[&str]| Command::new(script()).args(arguments).output().expect("the script runs");
    let help = run(&["--help"]);
    assert!(help.status.success());
    let usage = String::from_utf8_lossy(&help.stdout).into_owned();
    for setting in [
        "KPI VALUE [AT]",
        "REGIMEN_URL",
        "REGIMEN_WORKSPACE",
        "REGIMEN_TOKEN_FILE",
        "REGIMEN_IDEMPOTENCY_KEY",
    ] {
        assert!(usage.contains(setting), "no {setting} in {usage}");
    }
    for wrong in [&[][..], &["churn-rate"], &["a", "1", "2026-03-31", "more"]] {
        let output = run(wrong);
        assert_eq!(
            (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned()),
            (Some(WRONG), usage.clone())
        );
    }
}

/// The token is in no list of processes: a `curl` in its place notes the arguments that it is given.
#[test]
fn push_shows_the_token_to_nobody() {
    let place = Place::on_sqlite("push_secret");
    let (bin, noted) = (place.folder.join("bin"), place.folder.join("noted"));
    std::fs::create_dir(&bin).expect("a folder");
    let fake = "#!/bin/sh\nprintf '%s\\n' \"$@\" >\"$NOTED\"\ncat >>\"$NOTED.input\"\nprintf 201\n";
    std::fs::write(bin.join("curl"), fake).expect("a file");
    let executable = std::os::unix::fs::PermissionsExt::from_mode(0o755);
    std::fs::set_permissions(bin.join("curl"), executable).expect("it may run");
    let path = format!("{}:{}", bin.display(), std::env::var("PATH").expect("a PATH"));
    let output = Command::new(script())
        .args(["churn-rate", "1"])
        .env("PATH", path)
        .env("NOTED", &noted)
        .env("REGIMEN_WORKSPACE", "acme")
        .env("REGIMEN_TOKEN", "rgm_secret")
        .output()
        .expect("the script runs");
    stores(&output);
    let arguments = std::fs::read_to_string(&noted).expect("what it was given");
    assert!(arguments.contains("/v1/workspaces/acme/kpis/churn-rate/points"), "{arguments}");
    assert!(!arguments.contains("rgm_secret"), "{arguments}");
    let input = std::fs::read_to_string(noted.with_extension("input")).expect("what it was told");
    assert!(input.contains("Authorization: Bearer rgm_secret"), "{input}");
}
