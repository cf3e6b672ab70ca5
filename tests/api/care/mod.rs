//! Caring: remedies from prescription to outcome, and triage.

mod announcements;
mod compared;
mod due;
mod guardrails;
mod links;
mod overview;
mod past;
mod pictures;
mod refusals;
mod remedies;
mod retrospective;
mod scorecard;
mod slipping;
mod triage;

use serde_json::{Value, json};

use crate::harness::{Answer, App, Caller};

/// The owner of a workspace, with a token that outlasts moves of the clock.
pub async fn ann_cares(app: &App) -> Caller {
    let ann = app.owner_of("ann", "acme").await;
    lasting(app, &ann, "ann", &["read", "write", "admin"]).await
}

/// The same person by an API token, which outlasts moves of the clock.
async fn lasting(app: &App, person: &Caller, name: &str, scopes: &[&str]) -> Caller {
    let made = person.post("tokens", json!({"name": "for the story", "scopes": scopes})).await;
    made.expect(201);
    app.with_token(name, made.text("/token")).inside(person.workspace())
}

/// A monthly KPI in percent that should stay at or below 4.
pub async fn kpi(caller: &Caller, name: &str) -> Answer {
    let body = json!({"name": name, "display": {"style": "percent"}, "target": {"max": 4}});
    let made = caller.post("kpis", body).await;
    made.expect(201);
    made
}

/// Points of a KPI, by their dates.
pub async fn measured(caller: &Caller, key: &str, values: &[(&str, f64)]) {
    for (date, value) in values {
        let put = caller.put(&format!("kpis/{key}/points/{date}"), json!({"value": value})).await;
        assert!(put.status == 200 || put.status == 201, "{} answered {}", put.call, put.raw);
    }
}

/// A KPI that was fine in January and is not since February.
pub async fn churn_turned_bad(caller: &Caller) {
    kpi(caller, "Churn rate").await;
    measured(caller, "churn-rate", &[("2026-01-31", 3.0), ("2026-02-28", 6.0)]).await;
}

/// A remedy of a KPI.
async fn prescribed(caller: &Caller, key: &str, body: Value) -> Answer {
    let made = caller.post(&format!("kpis/{key}/remedies"), body).await;
    made.expect(201);
    made
}

/// The path of a remedy.
fn remedy(made: &Answer) -> String {
    format!("remedies/{}", made.text("/id"))
}

/// The path of what is to heal.
fn objective(made: &Answer) -> String {
    format!("objectives/{}", made.text("/objective_id"))
}

/// How many events of a type there are.
async fn told(caller: &Caller, kind: &str) -> usize {
    let events = caller.get(&format!("events?type={kind}&limit=200")).await;
    events.expect(200);
    events.at("/items").as_array().map_or(0, Vec::len)
}

/// The groups of triage that hold somebody, with the keys in their order.
async fn groups(caller: &Caller, query: &str) -> Vec<String> {
    let shown = caller.get(&format!("triage{query}")).await;
    shown.expect(200);
    let mut found = Vec::new();
    for group in
        ["untreated", "failed", "in_treatment", "at_risk", "slipping", "unknown", "recovered", "orphans"]
    {
        let rows = shown.at(&format!("/{group}")).as_array().expect("a group");
        assert_eq!(shown.at(&format!("/counts/{group}")), rows.len(), "{group}");
        if !rows.is_empty() {
            let names: Vec<&str> = rows
                .iter()
                .map(|row| row["key"].as_str().or(row["title"].as_str()).expect("a name"))
                .collect();
            found.push(format!("{group}: {}", names.join(" ")));
        }
    }
    found
}

/// How a KPI's remedies are counted in its own row.
async fn active(caller: &Caller, key: &str) -> f64 {
    caller.get(&format!("kpis/{key}")).await.number("/remedies/active")
}
