//! KPIs that explain one another: computed from others, driven by others, parts of others.

mod computing;
mod contribution;
mod drivers;
mod formulas;
mod segments;

use serde_json::{Value, json};

use crate::harness::{Answer, App, Caller};

/// The owner of a workspace, with a token that outlasts moves of the clock.
async fn ann_measures(app: &App) -> Caller {
    let ann = app.owner_of("ann", "acme").await;
    let made =
        ann.post("tokens", json!({"name": "for the story", "scopes": ["read", "write", "admin"]})).await;
    made.expect(201);
    app.with_token("ann", made.text("/token")).inside("acme")
}

/// A KPI by its key, monthly unless something else is said.
async fn kpi(caller: &Caller, key: &str, more: Value) -> Answer {
    let mut body = json!({"name": key, "key": key});
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let made = caller.post("kpis", body).await;
    made.expect(201);
    made
}

/// A KPI that is computed.
async fn computed(caller: &Caller, key: &str, formula: &str) -> Answer {
    kpi(caller, key, json!({"formula": formula})).await
}

/// Points by their dates.
async fn measured(caller: &Caller, key: &str, values: &[(&str, f64)]) {
    for (date, value) in values {
        let put = caller.put(&format!("kpis/{key}/points/{date}"), json!({"value": value})).await;
        assert!(put.status == 200 || put.status == 201, "{} answered {}", put.call, put.raw);
    }
}

/// What a KPI shows: its period, value, health and why.
async fn shows(caller: &Caller, path: &str) -> Value {
    let shown = caller.get(&format!("kpis/{path}")).await;
    shown.expect(200);
    let current =
        |field: &str| shown.body.pointer(&format!("/current/{field}")).cloned().unwrap_or(Value::Null);
    json!([current("period"), current("value"), shown.at("/health"), shown.at("/health_reason")])
}

/// Why the period that runs has no value: the reason and the keys of the inputs that are to blame.
async fn gap(caller: &Caller, path: &str) -> Value {
    let shown = caller.get(&format!("kpis/{path}")).await;
    let gap = shown.expect(200).at("/formula/no_value");
    let Value::Object(gap) = gap else { return Value::Null };
    let keys: Vec<&Value> = gap["inputs"].as_array().expect("inputs").iter().map(|one| &one["key"]).collect();
    json!([gap["period"], gap["reason"], keys])
}

/// The values of all periods by name.
async fn line(caller: &Caller, path: &str) -> Value {
    let shown = caller.get(&format!("kpis/{path}")).await;
    let items = shown.expect(200).at("/items").as_array().expect("items").clone();
    items.iter().map(|item| json!([item["period"], item["value"]])).collect()
}

/// How many events of a type there are about a KPI.
async fn told(caller: &Caller, kind: &str, key: &str) -> usize {
    let id = caller.get(&format!("kpis/{key}")).await.text("/id").to_owned();
    let events = caller.get(&format!("events?type={kind}&limit=200")).await;
    events.expect(200);
    let items = events.at("/items").as_array().expect("items");
    items.iter().filter(|event| event["subject"]["id"] == id.as_str()).count()
}
