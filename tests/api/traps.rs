//! The traps into which products of the field have fallen, each by its name.

use serde_json::{Value, json};

use crate::harness::{Answer, App, Caller, stories};

/// Ann plans the second quarter of 2026, and it is a day in the middle of it.
async fn ann_plans(app: &App) -> Caller {
    app.it_is("2026-05-15T12:00:00Z");
    let ann = app.owner_of("ann", "acme").await;
    let cycle = json!({"name": "Q2", "starts_on": "2026-04-01", "ends_on": "2026-06-30"});
    ann.post("cycles", cycle).await.expect(201);
    ann
}

/// An active objective of the quarter.
async fn objective(ann: &Caller, more: Value) -> Answer {
    let mut body = json!({"title": "Grow", "cycle_id": "q2", "state": "active"});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = ann.post("objectives", body).await;
    made.expect(201);
    made
}

/// Something that is done or not, with a weight.
fn milestone(title: &str, weight: f64) -> Value {
    json!({"title": title, "kind": "milestone", "weight": weight})
}

/// Says how much of a key result is done.
async fn done(ann: &Caller, objective: &Answer, index: usize, value: f64) {
    let key_result = objective.text(&format!("/key_results/{index}/id"));
    let said = json!({"value": value, "confidence": "on_track"});
    ann.post(&format!("key-results/{key_result}/check-ins"), said).await.expect(201);
}

async fn seen(ann: &Caller, objective: &Answer) -> Answer {
    let seen = ann.get(&format!("objectives/{}", objective.text("/id"))).await;
    seen.expect(200);
    seen
}

async fn put(ann: &Caller, kpi: &str, at: &str, value: f64) -> Answer {
    let put = ann.put(&format!("kpis/{kpi}/points/{at}"), json!({"value": value})).await;
    assert!([200, 201].contains(&put.status), "{}", put.raw);
    put
}

stories! {
    async fn start_equals_target(app) {
        let ann = ann_plans(&app).await;
        let flat = json!({"title": "Grow", "cycle_id": "q2", "key_results": [{"title": "Flat", "kind": "increase", "start": 5, "target": 5}]});
        ann.post("objectives", flat).await.refused(422, "validation_failed");
    }

    async fn weights_that_add_up_to_0(app) {
        let ann = ann_plans(&app).await;
        let made = objective(&ann, json!({"key_results": [milestone("A", 0.0), milestone("B", 0.0)]})).await;
        done(&ann, &made, 0, 1.0).await;
        let seen = seen(&ann, &made).await;
        assert_eq!((seen.at("/progress/value"), seen.at("/progress/computed")), (&Value::Null, &Value::Null));
        assert_eq!(seen.text("/progress/breakdown/0/left_out"), "zero_weight");
    }

    async fn no_key_results(app) {
        let ann = ann_plans(&app).await;
        let made = objective(&ann, json!({"progress_source": "children"})).await;
        assert_eq!((made.at("/progress/value"), made.text("/pace")), (&Value::Null, "none"));
        let draft = ann.post("objectives", json!({"title": "Empty", "cycle_id": "q2"})).await;
        let path = format!("objectives/{}/activate", draft.text("/id"));
        ann.post(&path, json!({})).await.refused(409, "not_ready").names("/key_results", "required");
    }

    async fn a_late_old_value_does_not_become_the_current_one(app) {
        let ann = ann_plans(&app).await;
        ann.post("kpis", json!({"name": "Churn"})).await.expect(201);
        put(&ann, "churn", "2026-04-30", 4.0).await;
        put(&ann, "churn", "2026-02-28", 9.0).await;
        assert_eq!(ann.get("kpis/churn").await.number("/current/value"), 4.0);
        let made = objective(&ann, json!({"key_results": [milestone("A", 1.0)]})).await;
        done(&ann, &made, 0, 0.6).await;
        let key_result = made.text("/key_results/0/id");
        let late = json!({"value": 0.2, "confidence": "off_track", "at": "2026-05-02"});
        ann.post(&format!("key-results/{key_result}/check-ins"), late).await.expect(201);
        assert_eq!(seen(&ann, &made).await.number("/progress/value"), 0.6);
    }

    async fn two_points_in_one_period(app) {
        let ann = ann_plans(&app).await;
        for (name, aggregation, value) in [("Last", "last", 3.0), ("Mean", "mean", 4.0), ("Max", "max", 5.0)] {
            ann.post("kpis", json!({"name": name, "aggregation": aggregation})).await.expect(201);
            let key = name.to_lowercase();
            // The later one is stored first: what counts is what it is dated.
            put(&ann, &key, "2026-04-20", 3.0).await;
            put(&ann, &key, "2026-04-10", 5.0).await;
            assert_eq!(ann.get(&format!("kpis/{key}")).await.number("/current/value"), value, "{name}");
        }
    }

    async fn the_time_zone_of_a_day(app) {
        let ann = ann_plans(&app).await;
        ann.patch("", json!({"time_zone": "Pacific/Auckland"})).await.expect(200);
        ann.post("kpis", json!({"name": "Sales", "cadence": "daily", "aggregation": "sum"})).await.expect(201);
        // Noon of the 10th in UTC is the first minute of the 11th there.
        ann.put("kpis/sales/points/2026-05-10T12:00:00Z", json!({"value": 7})).await.expect(201);
        let days = ann.get("kpis/sales/periods?from=2026-05-10&to=2026-05-11").await;
        assert_eq!((days.text("/items/0/period"), days.number("/items/0/value")), ("2026-05-11", 7.0));
    }

    async fn drafts_and_archived_children_in_averages(app) {
        let ann = ann_plans(&app).await;
        let parent = objective(&ann, json!({"title": "Parent", "progress_source": "children"})).await;
        let under = json!({"parent_id": parent.text("/id"), "key_results": [milestone("A", 1.0)]});
        let counted = objective(&ann, under.clone()).await;
        done(&ann, &counted, 0, 0.5).await;
        let archived = objective(&ann, under.clone()).await;
        ann.delete(&format!("objectives/{}", archived.text("/id"))).await.expect(204);
        let mut draft = under;
        draft["state"] = json!("draft");
        objective(&ann, draft).await;
        let seen = seen(&ann, &parent).await;
        assert_eq!((seen.number("/progress/value"), seen.number("/progress/coverage")), (0.5, 1.0));
        let reasons: Vec<&Value> = seen.at("/progress/breakdown").as_array().unwrap().iter().map(|item| &item["left_out"]).collect();
        assert_eq!(reasons, [&Value::Null, &json!("archived"), &json!("draft")]);
    }

    async fn alignment_loops_and_foreign_parents(app) {
        let ann = ann_plans(&app).await;
        let bob = app.owner_of("bob", "globex").await;
        let foreign = bob.post("objectives", json!({"title": "Foreign"})).await;
        let (top, below) = (objective(&ann, json!({"progress_source": "children"})).await, objective(&ann, json!({"progress_source": "children"})).await);
        let hang = async |child: &Answer, parent: &str| {
            ann.patch(&format!("objectives/{}", child.text("/id")), json!({"parent_id": parent})).await
        };
        hang(&below, top.text("/id")).await.expect(200);
        hang(&top, below.text("/id")).await.refused(409, "alignment_loop");
        hang(&top, top.text("/id")).await.refused(409, "alignment_loop");
        hang(&top, foreign.text("/id")).await.refused(404, "not_found").names("/parent_id", "not_found");
    }

    async fn a_target_changed_in_mid_cycle(app) {
        let ann = ann_plans(&app).await;
        let made = objective(&ann, json!({"key_results": [{"title": "Calls", "kind": "increase", "start": 0, "target": 100}]})).await;
        done(&ann, &made, 0, 50.0).await;
        let key_result = format!("key-results/{}", made.text("/key_results/0/id"));
        let changed = ann.patch(&key_result, json!({"target": 50})).await;
        assert_eq!((changed.expect(200).number("/progress/value"), changed.at("/retargeted")), (1.0, &json!(true)));
        assert_eq!((changed.number("/original/target"), changed.number("/original/progress")), (100.0, 0.5));
        let closed = ann.post(&format!("objectives/{}/close", made.text("/id")), json!({"outcome": "achieved"})).await;
        assert_eq!((closed.expect(200).number("/progress/value"), closed.number("/progress/original")), (1.0, 0.5));
    }

    async fn filtering_after_paging(app) {
        let ann = ann_plans(&app).await;
        for index in 0..6 {
            let made = objective(&ann, json!({"title": format!("O{index}"), "key_results": [milestone("A", 1.0)]})).await;
            if index % 2 == 1 { done(&ann, &made, 0, 1.0).await }
        }
        let page = ann.get("objectives?confidence=on_track&limit=2&include=total").await;
        let titles: Vec<&str> = page.expect(200).at("/items").as_array().unwrap().iter().filter_map(|item| item["title"].as_str()).collect();
        assert_eq!((titles, page.number("/total")), (vec!["O1", "O3"], 3.0));
    }

    async fn fractions_cut_off(app) {
        let ann = ann_plans(&app).await;
        let made = objective(&ann, json!({"key_results": [milestone("A", 1.0), milestone("B", 1.0), milestone("C", 1.0)]})).await;
        done(&ann, &made, 0, 1.0).await;
        assert_eq!(seen(&ann, &made).await.number("/progress/value"), 1.0 / 3.0);
        ann.post("kpis", json!({"name": "Rate"})).await.expect(201);
        put(&ann, "rate", "2026-04-30", 0.1 + 0.2).await;
        assert_eq!(ann.get("kpis/rate").await.number("/current/value"), 0.1 + 0.2);
    }

    async fn switching_the_progress_source_deletes_no_key_results(app) {
        let ann = ann_plans(&app).await;
        let made = objective(&ann, json!({"key_results": [milestone("A", 1.0)]})).await;
        done(&ann, &made, 0, 0.5).await;
        let path = format!("objectives/{}", made.text("/id"));
        for (source, value) in [("children", Value::Null), ("manual", Value::Null), ("key_results", json!(0.5))] {
            let switched = ann.patch(&path, json!({"progress_source": source})).await;
            assert_eq!((switched.expect(200).at("/progress/value"), switched.text("/key_results/0/title")), (&value, "A"), "{source}");
        }
    }
}
