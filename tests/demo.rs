//! The demo, as a newcomer meets it: loaded by the program itself, on both engines.

mod support;

use std::process::Output;

use serde_json::Value;
use support::{Place, Server};

#[test]
fn the_demo_tells_its_story_on_sqlite() {
    tell(&Place::on_sqlite("demo"));
}

#[test]
fn the_demo_tells_its_story_on_postgres() {
    tell(&Place::on_postgres("demo"));
}

#[test]
fn the_demo_refuses_a_database_that_holds_something_else() {
    let place = Place::on_sqlite("demo_other");
    let server = place.serve(&[]);
    let person = serde_json::json!({"email": "ann@example.com", "name": "Ann", "password": "seven purple bicycles sing"});
    let registered = runtime().block_on(async {
        reqwest::Client::new().post(format!("{}/v1/auth/register", server.address)).json(&person).send().await
    });
    assert_eq!(registered.expect("an answer").status().as_u16(), 201);
    drop(server);
    let refused = demo(&place);
    assert!(!refused.status.success());
    assert!(String::from_utf8_lossy(&refused.stderr).contains("holds something else than the demo"));
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime")
}

fn demo(place: &Place) -> Output {
    place.command(&["demo", "--load-only"]).output().expect("it runs")
}

fn announced(output: &Output) -> Value {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(text.lines().count(), 1, "one line on standard output: {text}");
    serde_json::from_str(&text).expect("JSON")
}

fn get(server: &Server, token: &str, path: &str) -> (u16, Value) {
    runtime().block_on(async {
        let request =
            reqwest::Client::new().get(format!("{}/v1/workspaces/{path}", server.address)).bearer_auth(token);
        let answer = request.send().await.expect("an answer");
        (answer.status().as_u16(), answer.json().await.expect("JSON"))
    })
}

fn text<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value
        .pointer(pointer)
        .and_then(Value::as_str)
        .unwrap_or_else(|| panic!("no text at {pointer} of {value}"))
}

fn tell(place: &Place) {
    let first = announced(&demo(place));
    assert_eq!(text(&first, "/workspace"), "nhs-england");
    assert_eq!(text(&first, "/start/workspace"), "harbour-street");
    let second = announced(&demo(place));
    for fresh in ["/password", "/token", "/start/token"] {
        assert_ne!(text(&first, fresh), text(&second, fresh), "{fresh} is fresh");
    }
    let server = place.serve(&[]);
    let (refused, _) = get(&server, text(&first, "/token"), "nhs-england/kpis");
    assert_eq!(refused, 401, "the earlier token is revoked");
    england_is_as_published(&server, text(&second, "/token"));
    the_shop_has_something_of_everything(&server, text(&second, "/start/token"));
}

/// The check figures of `data/README.md`, and the story that follows from them.
fn england_is_as_published(server: &Server, token: &str) {
    let (_, then) = get(server, token, "nhs-england/kpis/four-hour-england?as_of=2019-03-31");
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

    let (_, today) = get(server, token, "nhs-england/kpis/four-hour-england");
    assert_eq!(text(&today, "/health"), "unknown");
    assert_eq!(text(&today, "/health_reason"), "stale");
    assert_eq!(text(&today, "/last_known"), "at_risk");

    let (_, triage) = get(server, token, "nhs-england/triage?as_of=2019-03-31");
    let untreated = triage["untreated"].as_array().expect("a list");
    let severities: Vec<f64> =
        untreated.iter().map(|row| row["severity"].as_f64().expect("a severity")).collect();
    assert!(severities.len() > 50 && severities.is_sorted_by(|a, b| a >= b), "worst first: {severities:?}");
    let (_, parts) = get(server, token, "nhs-england/kpis/four-hour-england/segments?as_of=2019-03-31");
    let hospitals = parts["dimensions"][0]["segments"].as_array().expect("segments");
    assert!(hospitals.len() > 100, "{} hospitals", hospitals.len());
    let (_, periods) =
        get(server, token, "nhs-england/kpis/attendances-england/periods?from=2016-04-01&to=2019-03-31");
    assert_eq!(periods["items"].as_array().map(Vec::len), Some(36));
}

fn the_shop_has_something_of_everything(server: &Server, token: &str) {
    let (_, triage) = get(server, token, "harbour-street/triage");
    for group in
        ["untreated", "failed", "in_treatment", "at_risk", "slipping", "unknown", "recovered", "orphans"]
    {
        assert!(
            triage[group].as_array().is_some_and(|rows| !rows.is_empty()),
            "{group} is empty: {}",
            triage["counts"]
        );
    }
    let (_, kpis) = get(server, token, "harbour-street/kpis?include=total");
    assert_eq!(kpis["total"], 12);
    let outcomes: Vec<String> = {
        let (_, remedies) = get(server, token, "harbour-street/remedies");
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
    let (_, tree) = get(server, token, "harbour-street/tree?cycle=this-half");
    let objectives = tree["objectives"].as_array().expect("objectives");
    let titled = |title: &str| {
        let found = objectives.iter().find(|one| text(one, "/objective/title") == title);
        found.unwrap_or_else(|| panic!("{title} is not in {tree}"))
    };
    let website = titled("Launch a higher-converting website");
    assert_eq!(text(website, "/objective/parent/title"), "Live from those who come back");
    assert_eq!(text(website, "/objective/guardrails/0/kpi/key"), "revenue");
    assert_eq!(website["initiatives"].as_array().map(Vec::len), Some(3));
    assert_eq!(website["remedies"].as_array().map(Vec::len), Some(2));
    let mails = titled("Answer every mail within a day");
    assert_eq!(mails["objective"]["key_results"][0]["start"], 62.0, "carried over from where it stood");
    assert_eq!(text(titled("Find somebody to take over the workshop"), "/objective/visibility"), "private");
    let (_, summary) = get(server, token, "harbour-street/cycles/last-half/summary");
    assert_eq!(text(&summary, "/cycle/slug"), "last-half");
    let (status, _) = get(server, token, "harbour-street/cycles/current");
    assert_eq!(status, 200, "a cycle holds today");
}
