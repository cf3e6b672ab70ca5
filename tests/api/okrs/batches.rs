use reqwest::Method;
use serde_json::{Value, json};

use super::{ann_plans, key_result, launch, near, told};
use crate::harness::stories;

stories! {
    /// A team's sitting is one call: all is stored, and all comes back as it now stands.
    async fn many_check_ins_are_one_call(app) {
        let ann = ann_plans(&app).await;
        ann.post("kpis", json!({"name": "Churn rate"})).await.expect(201);
        ann.put("kpis/churn-rate/points/2026-03-15", json!({"value": 5})).await.expect(201);
        app.it_is("2026-04-01T10:00:00Z");
        let website = launch(&ann).await;
        let keep = ann.post("objectives", json!({"title": "Keep customers", "cycle_id": "q2-2026", "state": "active", "key_results": [
            {"title": "Churn", "kind": "decrease", "target": 3, "kpi_id": "churn-rate"}]})).await;
        let (conversion, cost, churn) = (key_result(&website, 0), key_result(&website, 1), key_result(&keep, 0));
        app.it_is("2026-05-21T10:00:00Z");
        let said = json!({"check_ins": [
            {"key_result_id": churn, "confidence": "at_risk", "note": "A new price list", "blocker": "Nobody may call them"},
            {"key_result_id": conversion, "value": 2.5, "confidence": "on_track", "at": "2026-05-10"},
            {"key_result_id": cost, "value": 70, "confidence": "off_track"},
            {"key_result_id": conversion, "value": 3, "confidence": "on_track"},
        ]});
        let rehearsed = ann.post("check-ins/batch?dry_run=true", said.clone()).await;
        near(rehearsed.expect(200).number("/objectives/1/progress/value"), 0.425);
        assert_eq!(told(&ann, "check_in.created").await, 0);

        let made = ann.call(Method::POST, "check-ins/batch").header("idempotency-key", "monday").json(&said).send().await;
        made.expect(200);
        assert_eq!(made.at("/check_ins").as_array().map(Vec::len), Some(4));
        assert_eq!((made.text("/check_ins/1/on"), made.text("/check_ins/3/author/name")), ("2026-05-10", "ann"));
        let names = |pointer: &str| -> Vec<String> {
            made.at(pointer).as_array().expect("items").iter().map(|one| one["title"].as_str().expect("a title").to_owned()).collect()
        };
        assert_eq!(names("/key_results"), ["Churn", "Conversion", "Cost per lead"]);
        assert_eq!(names("/objectives"), ["Keep customers", "Launch a higher-converting website"]);
        // What comes back is what a look would show.
        for (index, id) in [(0, &churn), (1, &conversion), (2, &cost)] {
            assert_eq!(*made.at(&format!("/key_results/{index}")), ann.get(&format!("key-results/{id}")).await.body);
        }
        assert_eq!(*made.at("/objectives/1"), ann.get(&format!("objectives/{}", website.text("/id"))).await.body);
        assert_eq!((made.number("/key_results/1/current/value"), made.text("/key_results/0/open_blocker/blocker")), (3.0, "Nobody may call them"));
        near(made.number("/objectives/1/progress/value"), 0.425);
        assert_eq!(told(&ann, "check_in.created").await, 4);
        // Sent once more with its key it is not told twice.
        let again = ann.call(Method::POST, "check-ins/batch").header("idempotency-key", "monday").json(&said).send().await;
        assert_eq!((again.expect(200).body.clone(), again.header("idempotent-replayed")), (made.body.clone(), "true"));
        assert_eq!(told(&ann, "check_in.created").await, 4);
    }

    /// One item that cannot be refuses them all, and every one that cannot be is named.
    async fn all_or_nothing(app) {
        let ann = app.owner_of("ann", "acme").await;
        ann.post("cycles", json!({"name": "Q2 2026", "starts_on": "2026-04-01", "ends_on": "2026-07-10"})).await.expect(201);
        app.joins(&ann, "bob", "member").await;
        ann.post("kpis", json!({"name": "Churn rate"})).await.expect(201);
        ann.put("kpis/churn-rate/points/2026-03-15", json!({"value": 5})).await.expect(201);
        app.it_is("2026-04-01T10:00:00Z");
        let (ann, bob) = (app.signs_in("ann").await.inside("acme"), app.signs_in("bob").await.inside("acme"));
        let website = launch(&ann).await;
        let (conversion, cost) = (key_result(&website, 0), key_result(&website, 1));
        let good = json!({"key_result_id": conversion, "value": 3, "confidence": "on_track"});
        let with = |bad: Value| json!({"check_ins": [good, bad]});
        for (bad, pointer, code) in [
            (json!({"key_result_id": cost, "confidence": "on_track"}), "/check_ins/1/value", "required"),
            (json!({"key_result_id": cost, "value": 1, "confidence": "on_track", "at": "2026-03-31"}), "/check_ins/1/at", "before_start"),
            (json!({"key_result_id": cost, "value": 1, "confidence": "on_track", "at": "2026-04-02"}), "/check_ins/1/at", "in_the_future"),
            (json!({"key_result_id": cost, "value": 1, "confidence": "sure"}), "/check_ins/1/confidence", "unknown_value"),
            (json!({"key_result_id": "obj_01h455vb4pex5vsknk084sn02q", "value": 1, "confidence": "on_track"}), "/check_ins/1/key_result_id", "malformed"),
            (json!({"key_result_id": cost, "value": 1, "confidence": "on_track", "blocker": " "}), "/check_ins/1/blocker", "blank"),
            (json!({"key_result_id": cost, "value": 1, "confidence": "on_track", "blocker": "x", "clears_blocker": true}), "/check_ins/1/clears_blocker", "contradiction"),
            (good.clone(), "/check_ins/1/at", "duplicate"),
        ] {
            ann.post("check-ins/batch", with(bad)).await.refused(422, "validation_failed").names(pointer, code);
        }
        let both = json!({"check_ins": [{"key_result_id": conversion, "confidence": "on_track"}, {"key_result_id": cost, "confidence": "on_track"}]});
        ann.post("check-ins/batch", both).await.names("/check_ins/0/value", "required").names("/check_ins/1/value", "required");
        ann.post("check-ins/batch", json!({"check_ins": []})).await.refused(422, "validation_failed").names("/check_ins", "too_few");
        ann.post("check-ins/batch", json!({"check_ins": vec![good.clone(); 101]})).await.refused(422, "validation_failed").names("/check_ins", "too_many");
        let unknown = json!({"key_result_id": "kr_01h455vb4pex5vsknk084sn02q", "value": 1, "confidence": "on_track"});
        ann.post("check-ins/batch", with(unknown)).await.refused(404, "not_found").names("/check_ins/1/key_result_id", "not_found");
        let his = bob.post("objectives", json!({"title": "His", "cycle_id": "q2-2026", "state": "active", "key_results": [{"title": "Share", "kind": "milestone"}]})).await;
        let mixed = json!({"check_ins": [{"key_result_id": key_result(&his, 0), "value": 0.5, "confidence": "on_track"}, good]});
        bob.post("check-ins/batch", mixed).await.refused(403, "forbidden").names("/check_ins/1/key_result_id", "forbidden");

        // What the state of things forbids: the first tells the code, all are named.
        let keep = ann.post("objectives", json!({"title": "Keep", "cycle_id": "q2-2026", "state": "active", "key_results": [
            {"title": "Churn", "kind": "decrease", "target": 3, "kpi_id": "churn-rate"}]})).await;
        let draft = ann.post("objectives", json!({"title": "Draft", "cycle_id": "q2-2026", "key_results": [{"title": "x", "kind": "milestone"}]})).await;
        let states = json!({"check_ins": [good,
            {"key_result_id": key_result(&keep, 0), "value": 4, "confidence": "on_track"},
            {"key_result_id": key_result(&draft, 0), "value": 1, "confidence": "on_track"}]});
        let refused = ann.post("check-ins/batch", states).await;
        refused.refused(409, "value_comes_from_kpi").names("/check_ins/1/value", "value_comes_from_kpi").names("/check_ins/2", "conflict");
        assert!(refused.text("/detail").contains("churn-rate"), "{}", refused.raw);
        ann.patch("cycles/q2-2026", json!({"state": "closed"})).await.expect(200);
        ann.post("check-ins/batch", with(json!({"key_result_id": cost, "value": 60, "confidence": "on_track"}))).await.refused(409, "cycle_closed").names("/check_ins/0", "cycle_closed").names("/check_ins/1", "cycle_closed");
        assert_eq!(told(&ann, "check_in.created").await, 0);
        assert_eq!(*ann.get(&format!("key-results/{conversion}")).await.at("/current"), Value::Null);
        ann.get("check-ins/batch").await.refused(405, "method_not_allowed");
    }

    /// What stands in the way stays open over check-ins that say nothing of it, until one clears it.
    async fn blockers_stay_open_until_cleared(app) {
        let ann = ann_plans(&app).await;
        app.it_is("2026-04-01T10:00:00Z");
        let objective = launch(&ann).await;
        let at = format!("key-results/{}", key_result(&objective, 0));
        let checks = format!("{at}/check-ins");
        let says = |on: &str, more: Value| {
            let mut body = json!({"value": 3, "confidence": "at_risk", "at": on});
            body.as_object_mut().expect("fields").extend(more.as_object().cloned().expect("fields"));
            body
        };
        app.it_is("2026-05-01T10:00:00Z");
        assert_eq!(*ann.get(&at).await.at("/open_blocker"), Value::Null);
        let legal = ann.post(&checks, says("2026-04-10", json!({"blocker": "Legal has to agree"}))).await;
        assert_eq!(*legal.expect(201).at("/clears_blocker"), json!(false));
        ann.post(&checks, says("2026-04-12", json!({"note": "Still waiting"}))).await.expect(201);
        ann.post(&checks, says("2026-04-13", json!({"blocker": null}))).await.expect(201);
        let seen = ann.get(&at).await;
        assert_eq!((seen.text("/open_blocker/blocker"), seen.text("/open_blocker/check_in_id")), ("Legal has to agree", legal.text("/id")));
        assert_eq!((seen.text("/open_blocker/since"), seen.text("/open_blocker/author/name")), (legal.text("/at"), "ann"));
        assert_eq!(ann.get("key-results?blocked=true").await.at("/items").as_array().map(Vec::len), Some(1));
        // Another one takes its place.
        ann.post(&checks, says("2026-04-15", json!({"blocker": "No designer"}))).await.expect(201);
        assert_eq!(ann.get(&at).await.text("/open_blocker/blocker"), "No designer");
        // Cleared by what is dated before, it is open still; the latest instant counts, not the latest insert.
        ann.post(&checks, says("2026-04-14", json!({"clears_blocker": true}))).await.expect(201);
        assert_eq!(ann.get(&at).await.text("/open_blocker/blocker"), "No designer");
        let cleared = ann.post(&checks, says("2026-04-20", json!({"clears_blocker": true}))).await;
        assert_eq!((cleared.expect(201).at("/clears_blocker"), cleared.at("/blocker")), (&json!(true), &Value::Null));
        assert_eq!(*ann.get(&at).await.at("/open_blocker"), Value::Null);
        ann.post(&checks, says("2026-04-21", json!({}))).await.expect(201);
        assert_eq!(*ann.get(&at).await.at("/open_blocker"), Value::Null);
        assert_eq!(ann.get("key-results?blocked=false").await.at("/items").as_array().map(Vec::len), Some(2));
        // A correction stands for the same instant.
        app.it_is("2026-05-01T10:00:01Z");
        ann.post(&checks, says("2026-04-20", json!({"blocker": "Not cleared at all"}))).await.expect(201);
        assert_eq!(ann.get(&at).await.text("/open_blocker/blocker"), "Not cleared at all");
        ann.post(&checks, says("2026-04-22", json!({"blocker": "x", "clears_blocker": true}))).await.refused(422, "validation_failed").names("/clears_blocker", "contradiction");
    }
}
