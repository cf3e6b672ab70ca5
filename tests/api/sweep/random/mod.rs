//! Random bytes in bodies, headers, paths and queries: whatever comes, the answer is one that the
//! document lists, never a 5xx and never none; and afterwards the server still serves.
//!
//! Every run sends the same; `REGIMEN_SEED` sends others. A failure prints its seed and the number
//! of the case.

mod cases;

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

use reqwest::Method;
use serde_json::json;

pub use self::cases::Random;
use self::cases::{Case, Framing};
use super::raw::{Raw, host};
use super::{Operation, World, operations};
use crate::harness::{Answer, App, EngineUnderTest, PASSWORD, email, hold, play};

/// PostgreSQL answers from the same code above the store, and pays more for each write.
const CASES_ON_SQLITE: u64 = 10_000;
const CASES_ON_POSTGRES: u64 = 5_000;

/// How many callers send at once.
const CALLERS: u64 = 4;

#[test]
fn random_bytes_are_answered_on_sqlite() {
    play(EngineUnderTest::Sqlite, |app| bombard(app, CASES_ON_SQLITE));
}

#[test]
fn random_bytes_are_answered_on_postgres() {
    play(EngineUnderTest::Postgres, |app| bombard(app, CASES_ON_POSTGRES));
}

/// What makes this run's requests.
pub fn seed() -> u64 {
    match std::env::var("REGIMEN_SEED") {
        Ok(text) => text.parse().expect("REGIMEN_SEED is a number"),
        // The same for everybody, so that a change is judged by itself; other numbers find more.
        Err(_) => 1,
    }
}

async fn bombard(app: App, count: u64) {
    let world = World::new(&app).await;
    let (seed, operations) = (seed(), operations());
    let mut told: BTreeMap<(&str, u16), u64> = BTreeMap::new();
    std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let (app, world, operations) = (&app, &world, &operations);
                scope.spawn(move || {
                    let mut sender =
                        Sender { app, raw: Raw::new(app), token: sign_in(app), told: BTreeMap::new() };
                    for number in (caller..count).step_by(CALLERS as usize) {
                        let operation = &operations[number as usize % operations.len()];
                        let case = Case::new(seed, number, operation, world);
                        let judged = catch_unwind(AssertUnwindSafe(|| sender.try_out(operation, &case)));
                        let sent = case.bytes(host(app), "TOKEN");
                        let sent = sent.escape_ascii();
                        assert!(judged.is_ok(), "case {number} of REGIMEN_SEED={seed}: {sent}");
                    }
                    sender.told
                })
            })
            .collect();
        for caller in callers {
            let answered = caller.join().unwrap_or_else(|_| panic!("REGIMEN_SEED={seed} repeats it"));
            for (what, count) in answered {
                *told.entry(what).or_default() += count;
            }
        }
    });
    // A run that was refused at the door throughout would show nothing.
    for operation in &operations {
        let reached = told.keys().any(|(id, status)| *id == operation.id() && ![401, 406].contains(status));
        assert!(reached, "no case came past the door of {}: {told:?}", operation.id());
    }
    let taken: u64 = told.iter().filter(|((_, status), _)| *status < 300).map(|(_, count)| count).sum();
    assert!(taken > count / 100, "only {taken} of {count} were taken: {told:?}");
    // All that there is can still be read, and something written.
    let token = sign_in(&app);
    for operation in operations.iter().filter(|operation| operation.method == Method::GET) {
        // What was deleted or revoked on the way is gone.
        if ["{board}", "{shared_picture}", "{shared_scorecard}"]
            .iter()
            .any(|name| operation.template.contains(name))
        {
            continue;
        }
        // The cycle that is current may have been closed by now: it is still there by its id.
        let path = match operation.id() {
            "show_tree" => format!("{}?cycle={}", world.path(operation), world.thing("cycle")),
            _ => world.path(operation),
        };
        ask(&app, &Method::GET, &path, &token, "").expect(200);
    }
    let (workspace, kpi) = (world.thing("workspace"), world.thing("kpi"));
    let point = format!("/v1/workspaces/{workspace}/kpis/{kpi}/points/2026-03-30");
    let put = ask(&app, &Method::PUT, &point, &token, r#"{"value": 2.0}"#);
    assert!(matches!(put.status, 200 | 201), "{} answered {}", put.call, put.raw);
}

/// One who sends cases, one after the other, over a connection that is kept where it can be.
struct Sender<'a> {
    app: &'a App,
    raw: Raw,
    token: String,
    told: BTreeMap<(&'static str, u16), u64>,
}

impl Sender<'_> {
    fn try_out(&mut self, operation: &Operation, case: &Case) {
        let request = case.bytes(host(self.app), &self.token);
        match case.framing {
            Framing::Kept => self.one_request(operation, case, &request),
            Framing::Broken => self.whatever_it_is(operation, case, &request),
        }
    }

    /// What is one request is answered as such, by the operation or by the server before it.
    fn one_request(&mut self, operation: &Operation, case: &Case, request: &[u8]) {
        let call = format!("{} {}", case.method, String::from_utf8_lossy(&case.target));
        self.raw.send(request);
        let to_head = case.method == Method::HEAD;
        let answer = self.raw.answer(&call, to_head).or_else(|| {
            // The server may have closed a kept connection before this request came.
            self.raw = Raw::new(self.app);
            self.raw.send(request);
            self.raw.answer(&call, to_head)
        });
        let answer = answer.unwrap_or_else(|| panic!("{call}: no answer"));
        assert!(answer.status < 500, "{call} answered {} {}", answer.status, answer.raw);
        if is_the_servers_own(&answer) {
            assert!(case.unreadable, "{call} was not read: {} {:?}", answer.status, answer.headers);
        } else {
            let path = String::from_utf8(case.target.clone()).expect("a readable target is ASCII");
            hold(&case.method, &path, &answer);
            let listed =
                operation.said["responses"][answer.status.to_string()]["content"].get("application/json");
            if answer.status >= 400
                && !to_head
                && (listed.is_none() || answer.header("content-type") != "application/json")
            {
                is_a_problem(&answer);
            }
            *self.told.entry((operation.id(), answer.status)).or_default() += 1;
        }
        if answer.header("connection") == "close" {
            self.raw = Raw::new(self.app);
        }
        if answer.status == 401 && case.is_signed_in() {
            // Some case ended the session, as it may.
            self.token = sign_in(self.app);
        }
    }

    /// Bytes that may be half a request, or two: each answer is sound, and the connection ends.
    fn whatever_it_is(&mut self, operation: &Operation, case: &Case, request: &[u8]) {
        let call = format!("bytes for {}", operation.id());
        let mut raw = Raw::new(self.app);
        raw.send(request);
        raw.finish();
        while let Some(answer) = raw.answer(&call, case.method == Method::HEAD) {
            assert!(answer.status < 500, "{call}: {} {}", answer.status, answer.raw);
            if answer.status >= 400 && !is_the_servers_own(&answer) {
                is_a_problem(&answer);
            }
        }
    }
}

/// Whether the server answered before there was a request for the API: it could not be read.
fn is_the_servers_own(answer: &Answer) -> bool {
    matches!(answer.status, 400 | 408 | 413 | 431)
        && answer.bytes.is_empty()
        && !answer.headers.contains_key("x-request-id")
}

fn is_a_problem(answer: &Answer) {
    assert_eq!(
        answer.header("content-type"),
        "application/problem+json",
        "{} answered {}",
        answer.call,
        answer.raw
    );
    assert_eq!(answer.body["status"], answer.status, "{} answered {}", answer.call, answer.raw);
    for field in ["type", "title", "code", "detail", "request_id"] {
        assert!(answer.body[field].is_string(), "{} has no {field}: {}", answer.call, answer.raw);
    }
}

/// An access token for the owner of the world.
fn sign_in(app: &App) -> String {
    let body = json!({"email": email("ann"), "password": PASSWORD}).to_string();
    let answer = ask(app, &Method::POST, "/v1/auth/login", "none", &body);
    answer.expect(200).text("/access_token").to_owned()
}

/// An ordinary request over a connection of its own.
fn ask(app: &App, method: &Method, path: &str, token: &str, body: &str) -> Answer {
    let mut raw = Raw::new(app);
    let (host, length) = (host(app), body.len());
    raw.send(
        format!(
            "{method} {path} HTTP/1.1\r\nhost: {host}\r\nauthorization: Bearer {token}\r\n\
             content-type: application/json\r\ncontent-length: {length}\r\n\r\n{body}"
        )
        .as_bytes(),
    );
    let answer = raw.answer(path, false).unwrap_or_else(|| panic!("{method} {path}: no answer"));
    hold(method, path, &answer);
    answer
}
