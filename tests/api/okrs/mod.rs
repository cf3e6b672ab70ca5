//! Prescribing: cycles, objectives, key results, check-ins and initiatives.

mod alignment;
mod batches;
mod carry_over;
mod check_ins;
mod closing;
mod cycles;
mod forecast;
mod history;
mod initiatives;
mod key_results;
mod objectives;
mod roll_up;
mod templates;
mod tree;

use serde_json::{Value, json};

use crate::harness::{Answer, App, Caller};

/// The owner of a workspace, with a token that outlasts moves of the clock, and a cycle from
/// 1 April to 10 July 2026: a hundred days.
async fn ann_plans(app: &App) -> Caller {
    let ann = app.owner_of("ann", "acme").await;
    let ann = lasting(app, &ann, "ann", &["read", "write", "admin"]).await;
    let cycle = json!({"name": "Q2 2026", "starts_on": "2026-04-01", "ends_on": "2026-07-10"});
    ann.post("cycles", cycle).await.expect(201);
    ann
}

/// The same person by an API token, which outlasts moves of the clock.
async fn lasting(app: &App, person: &Caller, name: &str, scopes: &[&str]) -> Caller {
    let made = person.post("tokens", json!({"name": "for the story", "scopes": scopes})).await;
    made.expect(201);
    app.with_token(name, made.text("/token")).inside(person.workspace())
}

/// An active objective with two key results: conversion from 2 to 4, cost from 75 to 50.
async fn launch(ann: &Caller) -> Answer {
    let made = ann
        .post(
            "objectives",
            json!({
                "title": "Launch a higher-converting website",
                "cycle_id": "q2-2026",
                "state": "active",
                "key_results": [
                    {"title": "Conversion", "kind": "increase", "start": 2, "target": 4, "unit": "%", "weight": 3},
                    {"title": "Cost per lead", "kind": "decrease", "start": 75, "target": 50, "unit": "EUR"},
                ],
            }),
        )
        .await;
    made.expect(201);
    made
}

/// The id of a key result of an objective, by its place.
fn key_result(objective: &Answer, index: usize) -> String {
    objective.text(&format!("/key_results/{index}/id")).to_owned()
}

/// A path that begins with an id.
fn under(folder: &str, answer: &Answer, rest: &str) -> String {
    format!("{folder}/{}{rest}", answer.text("/id"))
}

/// How many events of a type there are.
async fn told(ann: &Caller, kind: &str) -> usize {
    let events = ann.get(&format!("events?type={kind}&limit=200")).await;
    events.expect(200);
    events.at("/items").as_array().map_or(0, Vec::len)
}

/// The titles on a page.
fn titles(page: &Answer) -> Vec<&str> {
    let items = page.at("/items").as_array().expect("items");
    items.iter().map(|item: &Value| item["title"].as_str().expect("a title")).collect()
}

/// Whether two numbers are the same but for rounding.
#[track_caller]
fn near(left: f64, right: f64) {
    assert!((left - right).abs() < 1e-9, "{left} is not {right}");
}
