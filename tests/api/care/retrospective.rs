//! The retrospective of a cycle.

use serde_json::json;

use super::*;
use crate::harness::stories;

/// An active objective of the cycle with milestones.
async fn worked_on(ann: &Caller, title: &str, milestones: usize, more: Value) -> Answer {
    let key_results: Vec<Value> = (0..milestones)
        .map(|place| json!({"title": format!("{title} {place}"), "kind": "milestone"}))
        .collect();
    let mut body = json!({"title": title, "cycle_id": "q2", "state": "active", "key_results": key_results});
    body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let made = ann.post("objectives", body).await;
    made.expect(201);
    made
}

/// What people say of the key results of an objective, in their order.
async fn say(ann: &Caller, objective: &Answer, said: &[(f64, &str)]) {
    for (place, (value, confidence)) in said.iter().enumerate() {
        let path = format!("key-results/{}/check-ins", objective.text(&format!("/key_results/{place}/id")));
        ann.post(&path, json!({"value": value, "confidence": confidence})).await.expect(201);
    }
}

stories! {
    /// What was reached, how sure people are, what healed, and what nobody looked at, in one call.
    async fn a_cycle_is_looked_back_on_in_one_call(app) {
        let ann = ann_cares(&app).await;
        ann.post("cycles", json!({"name": "Q2", "starts_on": "2026-03-30", "ends_on": "2026-06-30"})).await.expect(201);
        ann.post("teams", json!({"name": "Growth"})).await.expect(201);
        let empty = ann.get("cycles/q2/summary").await;
        assert_eq!((empty.expect(200).at("/net_confidence/value"), empty.at("/mean_progress"), empty.at("/scores/mean")), (&Value::Null, &Value::Null, &Value::Null));
        churn_turned_bad(&ann).await;
        let healing = prescribed(&ann, "churn-rate", json!({"cycle_id": "q2"})).await;
        let web = worked_on(&ann, "Web", 3, json!({"team_id": "growth"})).await;
        let shop = worked_on(&ann, "Shop", 1, json!({})).await;
        let gone = worked_on(&ann, "Gone", 1, json!({})).await;
        ann.post("objectives", json!({"title": "Draft", "cycle_id": "q2"})).await.expect(201);
        let shelved = worked_on(&ann, "Shelved", 1, json!({})).await;
        ann.delete(&format!("objectives/{}", shelved.text("/id"))).await.expect(204);
        app.it_is("2026-05-20T10:00:00Z");
        say(&ann, &web, &[(1.0, "on_track"), (0.2, "off_track")]).await;
        say(&ann, &shop, &[(0.5, "on_track")]).await;
        let seen = ann.get("cycles/q2/summary").await;
        seen.expect(200);
        assert_eq!((seen.text("/cycle/slug"), seen.text("/as_of"), seen.number("/objectives/total"), seen.number("/objectives/active")), ("q2", "2026-05-20", 5.0, 4.0));
        assert_eq!(*seen.at("/objectives/confidences"), json!({"on_track": 1, "at_risk": 0, "off_track": 1, "never": 2}));
        assert_eq!((seen.number("/key_results/total"), seen.number("/key_results/met")), (6.0, 1.0));
        // Two on track and one off track, of three that have a confidence.
        assert!((seen.number("/net_confidence/value") - 1.0 / 3.0).abs() < 1e-9);
        assert_eq!(*seen.at("/net_confidence/counts"), json!({"on_track": 2, "at_risk": 0, "off_track": 1, "never": 3}));
        assert_eq!((seen.text("/teams/0/team/slug"), seen.number("/teams/0/net_confidence/value")), ("growth", 0.0));
        assert_eq!((seen.at("/teams/1/team"), seen.number("/teams/1/net_confidence/value")), (&Value::Null, 1.0));
        let never: Vec<&str> = seen.at("/never_checked_in").as_array().unwrap().iter().map(|item| item["title"].as_str().unwrap()).collect();
        assert_eq!(never, ["Churn rate from 6 % to 4 %", "Gone 0", "Web 2"]);
        assert_eq!((seen.number("/remedies/outcomes/in_progress"), seen.number("/remedies/healed")), (1.0, 0.0));

        app.it_is("2026-06-25T10:00:00Z");
        measured(&ann, "churn-rate", &[("2026-05-31", 3.5), ("2026-06-20", 3.4)]).await;
        for (made, outcome, score) in [(&web, "partial", json!(0.7)), (&shop, "achieved", json!(null)), (&gone, "dropped", json!(0.9))] {
            ann.post(&format!("objectives/{}/close", made.text("/id")), json!({"outcome": outcome, "score": score})).await.expect(200);
        }
        let over = ann.get("cycles/q2/summary").await;
        assert_eq!(*over.expect(200).at("/objectives/outcomes"), json!({"achieved": 1, "partial": 1, "missed": 0, "dropped": 1}));
        // The dropped one is scored and does not count.
        assert!((over.number("/scores/mean") - 0.6).abs() < 1e-9);
        let buckets: Vec<u64> = over.at("/scores/distribution").as_array().unwrap().iter().map(|bucket| bucket["count"].as_u64().unwrap()).collect();
        assert_eq!(buckets, [0, 0, 0, 0, 0, 1, 0, 1, 0, 0]);
        // 0.4 of the website, 0.5 of the shop, all of what the KPI came to.
        assert!((over.number("/mean_progress") - (0.4 + 0.5 + 1.0) / 3.0).abs() < 1e-9);
        assert_eq!((over.number("/remedies/outcomes/recovered"), over.number("/remedies/healed")), (1.0, 1.0));
        assert_eq!((over.text("/remedies/recovered/0/kpi/key"), over.at("/remedies/recovered/0/id")), ("churn-rate", healing.at("/id")));
        assert_eq!(over.at("/net_confidence/value"), &Value::Null, "nothing active has a confidence");

        // Looking back shows what was seen then.
        let then = ann.get("cycles/q2/summary?as_of=2026-05-20").await;
        for field in ["/objectives", "/key_results", "/net_confidence", "/teams", "/never_checked_in/0/id", "/remedies/outcomes", "/scores", "/mean_progress"] {
            assert_eq!(then.at(field), seen.at(field), "{field}");
        }
        let known = ann.get("cycles/q2/summary?known_at=2026-05-21T00:00:00Z").await;
        assert_eq!((known.at("/objectives/active"), known.at("/net_confidence")), (seen.at("/objectives/active"), seen.at("/net_confidence")));
        assert_eq!(ann.get("cycles/q2/summary?as_of=2026-03-29").await.number("/objectives/total"), 0.0);
        ann.get("cycles/q2/summary?as_of=2026-06-26").await.refused(422, "validation_failed").names("as_of", "in_the_future");
        ann.get("cycles/q2/summary?team=growth").await.refused(400, "invalid_query");
        ann.get("cycles/nowhere/summary").await.refused(404, "not_found");
        let eve = app.owner_of("eve", "evil").await;
        eve.get(&format!("cycles/{}/summary", over.text("/cycle/id"))).await.refused(404, "not_found");
    }

    /// What became of a remedy follows its objective out of its end and back.
    async fn a_remedy_follows_its_objective_through_reopening(app) {
        let ann = ann_cares(&app).await;
        churn_turned_bad(&ann).await;
        let made = prescribed(&ann, "churn-rate", json!({})).await;
        app.it_is("2026-04-02T10:00:00Z");
        ann.post(&format!("{}/close", objective(&made)), json!({"outcome": "missed"})).await.expect(200);
        let awaited = ann.get(&remedy(&made)).await;
        assert_eq!((awaited.text("/outcome"), awaited.text("/effect_by")), ("awaiting_effect", "2026-05-02"));
        app.it_is("2026-04-10T10:00:00Z");
        ann.call(reqwest::Method::POST, &format!("{}/reopen", objective(&made))).send().await.expect(200);
        let again = ann.get(&remedy(&made)).await;
        assert_eq!((again.text("/outcome"), again.at("/effect_by")), ("in_progress", &Value::Null));
        assert_eq!((active(&ann, "churn-rate").await, groups(&ann, "").await), (1.0, vec!["in_treatment: churn-rate".to_owned()]));
        let then = ann.get(&format!("{}?as_of=2026-04-05", remedy(&made))).await;
        assert_eq!((then.text("/outcome"), then.text("/effect_by")), ("awaiting_effect", "2026-05-02"));
        assert_eq!(told(&ann, "remedy.outcome_changed").await, 2);
    }

    /// A cycle of thirty objectives asks the database as often as one of three.
    async fn a_large_cycle_asks_no_more_than_a_small_one(app) {
        let ann = app.owner_of("ann", "acme").await;
        for name in ["Small", "Q2"] {
            ann.post("cycles", json!({"name": name, "starts_on": "2026-03-01", "ends_on": "2026-06-30"})).await.expect(201);
        }
        churn_turned_bad(&ann).await;
        for place in 0..3 {
            let made = worked_on(&ann, &format!("Small {place}"), 1, json!({"cycle_id": "small"})).await;
            say(&ann, &made, &[(0.5, "on_track")]).await;
            prescribed(&ann, "churn-rate", json!({"objective_id": made.text("/id")})).await;
        }
        for place in 0..30 {
            let made = worked_on(&ann, &format!("Large {place}"), 2, json!({})).await;
            say(&ann, &made, &[(0.5, "on_track")]).await;
            prescribed(&ann, "churn-rate", json!({"objective_id": made.text("/id")})).await;
        }
        for view in ["", "?as_of=2026-03-31"] {
            let small = app.statements_of(&ann, &format!("cycles/small/summary{view}")).await;
            let large = app.statements_of(&ann, &format!("cycles/q2/summary{view}")).await;
            assert_eq!(small, large);
            assert!((10..60).contains(&small), "{small} statements were counted");
        }
    }
}
