//! KPIs: made, named, changed, listed and archived, and what they show.

mod advice;
mod annotations;
mod boards;
mod changing;
mod lists;
mod making;
mod rights;
mod showing;

use serde_json::{Value, json};

use crate::harness::{Answer, App, Caller};

/// The KPI is made, or the story ends.
async fn make(caller: &Caller, body: Value) -> Answer {
    let answer = caller.post("kpis", body).await;
    answer.expect(201);
    answer
}

/// A point of a day.
async fn point(caller: &Caller, kpi: &str, day: &str, value: f64) {
    let answer = caller.put(&format!("kpis/{kpi}/points/{day}"), json!({"value": value})).await;
    assert!(answer.status < 300, "{} answered {}", answer.call, answer.raw);
}

/// The keys on a page, in its order.
fn keys(answer: &Answer) -> Vec<String> {
    answer.expect(200);
    let items = answer.at("/items").as_array().expect("items");
    items.iter().map(|item| item["key"].as_str().expect("a key").to_owned()).collect()
}

/// The types of all events, oldest first.
async fn events(caller: &Caller) -> Vec<String> {
    let answer = caller.get("events?after=0&limit=200").await;
    let items = answer.at("/items").as_array().expect("items").clone();
    items.iter().map(|item| item["type"].as_str().expect("a type").to_owned()).collect()
}

/// The types of the events that a call made.
async fn made_by(caller: &Caller, known: usize) -> Vec<String> {
    events(caller).await.split_off(known)
}

/// The same person by a token, which holds on while the clock moves.
async fn lasting(app: &App, person: &Caller) -> Caller {
    let answer =
        person.post("tokens", json!({"name": "lasting", "scopes": ["read", "write", "admin"]})).await;
    answer.expect(201);
    app.with_token("a lasting caller", answer.text("/token")).inside(person.workspace())
}

/// A service token with these scopes.
async fn service(app: &App, owner: &Caller, name: &str, more: Value) -> Caller {
    let mut body = json!({"name": name, "kind": "service", "role": "member", "scopes": ["read", "write"]});
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let answer = owner.post("tokens", body).await;
    answer.expect(201);
    app.with_token(name, answer.text("/token")).inside(owner.workspace())
}
