use reqwest::Method;
use serde_json::{Value, json};

use super::{ann_plans, key_result, launch, near, under};
use crate::harness::{Answer, Caller, stories};

async fn checks_in(ann: &Caller, key_result: &str, body: Value) {
    ann.post(&format!("key-results/{key_result}/check-ins"), body).await.expect(201);
}

/// A column of a history.
fn column<'a>(history: &'a Answer, name: &str) -> Vec<&'a Value> {
    history.expect(200).at("/items").as_array().expect("items").iter().map(|item| &item[name]).collect()
}

stories! {
    /// Each step says what was known when it ended; what is said or corrected later changes no step.
    async fn a_burn_up_in_one_call(app) {
        app.it_is("2026-04-01T08:00:00Z");
        let ann = ann_plans(&app).await;
        let objective = launch(&ann).await;
        let conversion = key_result(&objective, 0);
        app.it_is("2026-04-03T08:00:00Z");
        checks_in(&ann, &conversion, json!({"value": 2.5, "confidence": "on_track"})).await;
        app.it_is("2026-04-07T08:00:00Z");
        checks_in(&ann, &conversion, json!({"value": 3, "confidence": "at_risk"})).await;
        // Said on Friday the 10th of what was on Saturday the 4th: the first week does not know of it.
        app.it_is("2026-04-10T08:00:00Z");
        checks_in(&ann, &conversion, json!({"value": 2.8, "confidence": "off_track", "at": "2026-04-04"})).await;
        app.it_is("2026-04-15T08:00:00Z");

        let history = ann.get(&format!("key-results/{conversion}/history")).await;
        assert_eq!(column(&history, "on"), ["2026-04-05", "2026-04-12", "2026-04-15"]);
        assert_eq!(column(&history, "value"), [2.5, 3.0, 3.0]);
        assert_eq!(column(&history, "progress"), [0.25, 0.5, 0.5]);
        assert_eq!(column(&history, "confidence"), ["on_track", "at_risk", "at_risk"]);
        // The cycle has a hundred days between its ends.
        assert_eq!(column(&history, "expected"), [0.04, 0.11, 0.14]);
        let days = ann.get(&format!("key-results/{conversion}/history?step=day&to=2026-04-04")).await;
        assert_eq!(column(&days, "on"), ["2026-04-01", "2026-04-02", "2026-04-03", "2026-04-04"]);
        assert_eq!(column(&days, "value"), [&Value::Null, &Value::Null, &json!(2.5), &json!(2.5)]);

        // The objective: conversion weighs 3, cost per lead 1 and stands at its start.
        let whole = ann.get(&under("objectives", &objective, "/history")).await;
        for (progress, expected) in column(&whole, "progress").into_iter().zip([0.1875, 0.375, 0.375]) {
            near(progress.as_f64().expect("a number"), expected);
        }
        let now = ann.get(&under("objectives", &objective, "")).await;
        assert_eq!(whole.at("/items/2/confidence"), now.at("/confidence"));
        assert_eq!(whole.at("/items/2/pace"), now.at("/pace"));

        // It ends where the objective ended, and a value that a correction took back stays told.
        ann.post(&under("objectives", &objective, "/close"), json!({"outcome": "partial"})).await.expect(200);
        app.it_is("2026-05-20T08:00:00Z");
        let closed = ann.get(&under("objectives", &objective, "/history")).await;
        assert_eq!(column(&closed, "on"), ["2026-04-05", "2026-04-12", "2026-04-15"]);
        assert_eq!(column(&closed, "progress"), column(&whole, "progress"));
    }

    /// A key result that reads a KPI shows what the KPI showed then, not what was corrected since.
    async fn a_correction_does_not_change_what_was_known(app) {
        app.it_is("2026-04-01T08:00:00Z");
        let ann = ann_plans(&app).await;
        ann.post("kpis", json!({"name": "Speed", "cadence": "daily"})).await.expect(201);
        ann.put("kpis/speed/points/2026-04-01", json!({"value": 10})).await.expect(201);
        let body = json!({"title": "Faster", "cycle_id": "q2-2026", "state": "active", "key_results": [
            {"title": "Speed", "kind": "increase", "start": 10, "target": 20, "kpi_id": "speed"}]});
        let made = ann.post("objectives", body).await;
        made.expect(201);
        app.it_is("2026-04-02T08:00:00Z");
        ann.put("kpis/speed/points/2026-04-02", json!({"value": 15})).await.expect(201);
        app.it_is("2026-04-03T08:00:00Z");
        ann.put("kpis/speed/points/2026-04-02", json!({"value": 12})).await.expect(200);
        let path = format!("key-results/{}/history?step=day", key_result(&made, 0));
        assert_eq!(column(&ann.get(&path).await, "value"), [10.0, 15.0, 12.0]);
    }

    async fn bad_histories_are_refused(app) {
        app.it_is("2026-04-01T08:00:00Z");
        let ann = ann_plans(&app).await;
        let objective = launch(&ann).await;
        let path = under("objectives", &objective, "/history");
        let asked = async |query: &str| ann.get(&format!("{path}?{query}")).await;
        asked("step=month").await.refused(400, "invalid_query");
        asked("until=2026-04-01").await.refused(400, "invalid_query");
        asked("to=2026-04-02").await.refused(422, "validation_failed").names("to", "in_the_future");
        asked("from=2026-04-01&to=2026-03-01").await.refused(422, "validation_failed").names("from", "after_end");
        asked("step=day&from=2025-01-01").await.refused(422, "validation_failed").names("from", "too_many_steps");
        // Before it was made there is nothing to tell.
        assert_eq!(*asked("from=2026-03-01&to=2026-03-20").await.expect(200).at("/items"), json!([]));
        let stranger = app.person("mallory").await;
        stranger.call(Method::GET, &format!("/v1/workspaces/acme/{path}")).send().await.refused(404, "not_found");
    }
}
