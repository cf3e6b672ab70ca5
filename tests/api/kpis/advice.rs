//! Advice: what would make KPIs, goals, teams and boards more useful. It refuses nothing.

use serde_json::{Value, json};

use crate::harness::{Answer, Caller, stories};

async fn make(caller: &Caller, body: Value) -> Answer {
    let made = caller.post("kpis", body).await;
    made.expect(201);
    made
}

/// The codes of the advice on something.
fn codes(answer: &Answer, pointer: &str) -> Vec<String> {
    let advice = answer.at(pointer).as_array().expect("advice");
    advice.iter().map(|one| one["code"].as_str().expect("a code").to_owned()).collect()
}

async fn on_kpi(caller: &Caller, key: &str) -> Vec<String> {
    codes(&caller.get(&format!("kpis/{key}")).await, "/advice")
}

/// A KPI of which nobody could want more.
fn whole(name: &str) -> Value {
    json!({
        "name": name, "definition": "What counts.", "display": {"unit": "orders"}, "target": {"min": 10},
        "decision": "Whether to hire.",
    })
}

stories! {
    /// What is missing is named in the order of SMART, and goes away when it is there.
    async fn advice_goes_away_where_it_is_followed(app) {
        let ann = app.owner_of("ann", "acme").await;
        make(&ann, json!({"name": "Orders"})).await;
        assert_eq!(on_kpi(&ann, "orders").await, ["no_definition", "no_unit", "no_data", "no_purpose", "no_target"]);
        let mut body = whole("Orders");
        body["key"] = json!("orders");
        ann.put("kpis/orders", body).await.expect(200);
        assert_eq!(on_kpi(&ann, "orders").await, ["no_data"]);
        ann.put("kpis/orders/points/2026-03-30", json!({"value": 12})).await.expect(201);
        assert_eq!(on_kpi(&ann, "orders").await, Vec::<String>::new());
        // Lists say the same as the KPI itself.
        assert_eq!(codes(&ann.get("kpis").await, "/items/0/advice"), Vec::<String>::new());
    }

    /// A target that no month came near and no noise would reach.
    async fn a_target_out_of_reach_is_told(app) {
        let ann = app.owner_of("ann", "acme").await;
        make(&ann, whole("Orders")).await;
        // Mean 5, moving ranges 1: limits 5.5 - 2.66 and 5.5 + 2.66 = 8.16, below 10.
        for (month, value) in ["09", "10", "11", "12"].into_iter().zip([5.0, 6.0, 5.0, 6.0]) {
            ann.put(&format!("kpis/orders/points/2025-{month}-15"), json!({"value": value})).await.expect(201);
        }
        for (month, value) in ["01", "02"].into_iter().zip([5.0, 6.0]) {
            ann.put(&format!("kpis/orders/points/2026-{month}-15"), json!({"value": value})).await.expect(201);
        }
        assert_eq!(on_kpi(&ann, "orders").await, ["target_out_of_reach"]);
        ann.post("kpis/orders/targets", json!({"target": {"min": 8.1}, "effective_from": "2026-01-01"})).await.expect(201);
        assert_eq!(on_kpi(&ann, "orders").await, Vec::<String>::new());

        // The same of a key result that reads it.
        let made = ann.post("objectives", json!({
            "title": "More orders", "why": "To live.", "ends_on": "2026-06-30", "owner_id": "me",
            "key_results": [{"title": "Orders", "kind": "increase", "start": 6, "target": 9, "kpi_id": "orders"}],
        })).await;
        let id = made.expect(201).text("/key_results/0/id").to_owned();
        assert_eq!(codes(&ann.get(&format!("key-results/{id}")).await, "/advice"), ["target_out_of_reach"]);
        ann.patch(&format!("key-results/{id}"), json!({"target": 8})).await.expect(200);
        assert_eq!(codes(&ann.get(&format!("key-results/{id}")).await, "/advice"), Vec::<String>::new());
    }

    /// A leading KPI wants an outcome, a lagging one a leading KPI, and green drivers of a flat outcome are told.
    async fn links_that_are_missing_or_prove_nothing_are_told(app) {
        let ann = app.owner_of("ann", "acme").await;
        let with = |name: &str, indicator: &str| {
            let mut body = whole(name);
            body["indicator"] = json!(indicator);
            body
        };
        make(&ann, with("Leads", "leading")).await;
        make(&ann, with("Revenue", "lagging")).await;
        for key in ["leads", "revenue"] {
            for month in ["2025-09", "2025-10", "2025-11", "2025-12", "2026-01", "2026-02", "2026-03"] {
                ann.put(&format!("kpis/{key}/points/{month}-15"), json!({"value": 12})).await.expect(201);
            }
        }
        assert_eq!(on_kpi(&ann, "leads").await, ["no_outcome"]);
        assert_eq!(on_kpi(&ann, "revenue").await, ["no_leading"]);
        let link = ann.post("kpis/revenue/drivers", json!({"driver_id": "leads"})).await;
        link.expect(201);
        assert_eq!(on_kpi(&ann, "leads").await, Vec::<String>::new());
        // Leads are healthy, revenue never changes.
        assert_eq!(on_kpi(&ann, "revenue").await, ["green_but_flat"]);
        ann.delete(&format!("drivers/{}", link.text("/id"))).await.expect(204);
        assert_eq!(on_kpi(&ann, "revenue").await, ["no_leading"]);
    }

    /// An objective is told what it lacks; a direction that others hang under needs no end.
    async fn objectives_are_advised(app) {
        let ann = app.owner_of("ann", "acme").await;
        let made = ann.post("objectives", json!({"title": "Somewhere"})).await;
        made.expect(201);
        let path = format!("objectives/{}", made.text("/id"));
        assert_eq!(codes(&made, "/advice"), ["no_why", "no_key_results", "serves_nothing", "no_due_day"]);
        let child = json!({"title": "A step", "parent_id": made.text("/id"), "why": "To get there.", "ends_on": "2026-06-30"});
        assert_eq!(codes(&ann.post("objectives", child).await, "/advice"), ["no_key_results"]);
        assert_eq!(codes(&ann.get(&path).await, "/advice"), ["no_why"]);
    }

    /// The vital few: segments do not count, nor what is in the archive.
    async fn teams_and_boards_are_told_when_there_are_too_many(app) {
        let ann = app.owner_of("ann", "acme").await;
        ann.post("teams", json!({"name": "Growth"})).await.expect(201);
        for number in 1..=11 {
            make(&ann, json!({"name": format!("KPI {number}"), "team_id": "growth"})).await;
        }
        let team = ann.get("teams/growth").await;
        assert_eq!(codes(&team, "/advice"), ["too_many_kpis"]);
        assert_eq!(team.text("/advice/0/detail"), "There are 11 KPIs here; people keep an eye on about 10.");
        ann.patch("kpis/kpi-11", json!({"segment_of_id": "kpi-1", "segment_dimension": "channel"})).await.expect(200);
        assert_eq!(codes(&ann.get("teams/growth").await, "/advice"), Vec::<String>::new());
        ann.patch("kpis/kpi-11", json!({"segment_of_id": null, "segment_dimension": null})).await.expect(200);
        ann.delete("kpis/kpi-11").await.expect(204);
        assert_eq!(codes(&ann.get("teams").await, "/items/0/advice"), Vec::<String>::new());

        let keys: Vec<String> = (1..=6).map(|number| format!("kpi-{number}")).collect();
        let board = ann.post("boards", json!({"name": "Monday", "kpi_ids": keys})).await;
        assert_eq!(codes(&board, "/advice"), ["too_many_kpis"]);
        let path = format!("boards/{}", board.text("/id"));
        let fewer = ann.patch(&path, json!({"kpi_ids": keys[..5]})).await;
        assert_eq!(codes(&fewer, "/advice"), Vec::<String>::new());
        let teams = ann.patch(&path, json!({"kpi_ids": keys, "team_id": "growth"})).await;
        assert_eq!(codes(&teams, "/advice"), Vec::<String>::new(), "a team's board is its own affair");
    }
}
