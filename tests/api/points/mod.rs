//! Points: put, corrected, deleted, posted by the thousand, and read back.

mod batches;
mod gathered;
mod lists;
mod single;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, App, Caller};

async fn kpi(owner: &Caller, fields: Value) {
    owner.post("kpis", fields).await.expect(201);
}

/// The types of what happened, oldest first, from a sequence on.
async fn told(owner: &Caller, after: i64) -> Vec<String> {
    let answer = owner.get(&format!("events?after={after}")).await;
    let items = answer.at("/items").as_array().expect("events").clone();
    items.iter().map(|event| event["type"].as_str().expect("a type").to_owned()).collect()
}

/// The types of what happened to a KPI, oldest first.
async fn about(owner: &Caller, kpi: &str) -> Vec<String> {
    let id = owner.get(&format!("kpis/{kpi}")).await.text("/id").to_owned();
    let answer = owner.get(&format!("events?after=0&subject={id}")).await;
    let items = answer.at("/items").as_array().expect("events").clone();
    items.iter().map(|event| event["type"].as_str().expect("a type").to_owned()).collect()
}

async fn newest_event(owner: &Caller) -> i64 {
    owner.get("events?limit=1").await.at("/items/0/sequence").as_i64().expect("a sequence")
}

async fn count(owner: &Caller, kpi: &str) -> i64 {
    let answer = owner.get(&format!("kpis/{kpi}/points?include=total&limit=1")).await;
    answer.expect(200).at("/total").as_i64().expect("a total")
}

async fn csv(caller: &Caller, query: &str, body: &str) -> Answer {
    caller.call(Method::POST, &format!("points{query}")).raw("text/csv", body).send().await
}

async fn ndjson(caller: &Caller, body: &str) -> Answer {
    caller.call(Method::POST, "points").raw("application/x-ndjson", body).send().await
}

fn rejected(answer: &Answer) -> Vec<(i64, String, String)> {
    let items = answer.at("/rejected").as_array().expect("a list");
    items
        .iter()
        .map(|item| {
            let text = |field: &str| item[field].as_str().expect("a text").to_owned();
            (item["index"].as_i64().expect("an index"), text("pointer"), text("code"))
        })
        .collect()
}

fn is(index: i64, pointer: &str, code: &str) -> (i64, String, String) {
    (index, pointer.to_owned(), code.to_owned())
}

/// The same person by a token, which outlives the ten minutes of signing in.
async fn by_token(app: &App, person: &Caller) -> Caller {
    let scopes = json!(["read", "write", "points:write"]);
    let made = person.post("tokens", json!({"name": "script", "scopes": scopes})).await;
    app.with_token("script", made.expect(201).text("/token")).inside(person.workspace())
}
