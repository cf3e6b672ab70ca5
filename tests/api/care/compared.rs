//! Comparing a report with itself as of an earlier day.

use serde_json::json;

use super::*;
use crate::harness::stories;

stories! {
    /// Beside each row stands where it stood; what needs nobody any more is listed.
    async fn triage_says_what_was_and_what_left(app) {
        let ann = ann_cares(&app).await;
        churn_turned_bad(&ann).await;
        let warm = json!({"name": "Warm", "target": {"max": 4}, "tolerance": {"max": 5}});
        ann.post("kpis", warm).await.expect(201);
        measured(&ann, "warm", &[("2026-02-15", 4.5), ("2026-03-20", 3.0)]).await;
        kpi(&ann, "Gone").await;
        measured(&ann, "gone", &[("2026-02-15", 9.0)]).await;
        kpi(&ann, "New trouble").await;
        measured(&ann, "new-trouble", &[("2026-03-25", 7.0)]).await;
        measured(&ann, "churn-rate", &[("2026-03-20", 3.5)]).await;
        app.it_is("2026-04-01T10:00:00Z");
        ann.delete("kpis/gone").await.expect(204);

        let shown = ann.get("triage?compare_to=2026-03-10").await;
        shown.expect(200);
        assert_eq!(shown.at("/compared_to"), "2026-03-10");
        assert_eq!(shown.at("/recovered/0/key"), "churn-rate");
        let before = shown.at("/recovered/0/before");
        assert_eq!(before["group"], "untreated");
        assert_eq!((&before["health"], &before["value"]), (&json!("unhealthy"), &json!(6.0)));
        // It had its target then, and no value.
        assert_eq!(shown.at("/untreated/0/key"), "new-trouble");
        assert_eq!(shown.at("/untreated/0/before"), &json!({
            "group": "unknown", "health": "unknown", "value": null, "severity": null,
        }));
        assert_eq!(shown.at("/left"), &json!([
            {
                "id": shown.text("/left/0/id"), "key": "gone", "name": "Gone", "health": null, "value": null,
                "before": {"group": "untreated", "health": "unhealthy", "value": 9.0, "severity": null},
            },
            {
                "id": shown.text("/left/1/id"), "key": "warm", "name": "Warm", "health": "healthy", "value": 3.0,
                "before": {"group": "at_risk", "health": "at_risk", "value": 4.5, "severity": 0.5},
            },
        ]));
        let plain = ann.get("triage").await;
        assert_eq!((plain.at("/compared_to"), plain.at("/left")), (&json!(null), &json!([])));
        assert_eq!(plain.at("/recovered/0/before"), &json!(null));

        let text = ann.call(reqwest::Method::GET, "triage?compare_to=2026-03-10");
        let text = text.header("accept", "text/plain").send().await;
        assert!(text.raw.contains("    was: untreated, 6 %\n"), "{}", text.raw);
        assert!(text.raw.contains("Left since 2026-03-10: 2\n"), "{}", text.raw);
        assert!(text.raw.lines().all(|line| line.chars().count() <= 80), "{}", text.raw);
    }

    /// Only days up to the one that is shown can be compared with it.
    async fn nobody_compares_with_the_future(app) {
        let ann = ann_cares(&app).await;
        for (path, code) in [
            ("triage?compare_to=2026-04-01", "after_as_of"),
            ("triage?as_of=2026-02-01&compare_to=2026-02-02", "after_as_of"),
            ("overview?compare_to=2027-01-01", "after_as_of"),
        ] {
            let refused = ann.get(path).await;
            refused.refused(422, "validation_failed");
            assert_eq!(refused.at("/errors/0/code"), code, "{path}");
            assert_eq!(refused.at("/errors/0/pointer"), "compare_to", "{path}");
        }
        ann.get("triage?compare_to=2026-03-31").await.expect(200);
        ann.get("triage?compare_to=yesterday").await.refused(400, "invalid_query");
    }

    /// The same answer whether a past day is shown or compared with.
    async fn what_is_compared_with_is_what_was_shown(app) {
        let ann = ann_cares(&app).await;
        churn_turned_bad(&ann).await;
        measured(&ann, "churn-rate", &[("2026-03-20", 3.5)]).await;
        let then = ann.get("overview?as_of=2026-03-10&group_by=owner").await;
        let both = ann.get("overview?compare_to=2026-03-10&group_by=owner").await;
        assert_eq!(both.at("/total_before"), then.at("/total"));
        assert_eq!(both.at("/total_before/kpis/health/unhealthy"), 1);
        assert_eq!(both.at("/total/kpis/health/healthy"), 1);
        let groups = |answer: &Answer, field: &str| {
            let items = answer.at("/groups").as_array().expect("groups").clone();
            items.into_iter().map(|item| (item["owner"].clone(), item[field].clone())).collect::<Vec<_>>()
        };
        assert_eq!(groups(&both, "before"), groups(&then, "numbers"));
    }

    /// The lines of a scorecard beside those of last month.
    async fn the_scorecard_says_how_each_was(app) {
        let ann = ann_cares(&app).await;
        churn_turned_bad(&ann).await;
        kpi(&ann, "Gone").await;
        measured(&ann, "gone", &[("2026-02-15", 3.0)]).await;
        measured(&ann, "churn-rate", &[("2026-03-20", 3.5)]).await;
        app.it_is("2026-04-01T10:00:00Z");
        ann.delete("kpis/gone").await.expect(204);
        let shown = ann.get("scorecard?compare_to=2026-03-10").await;
        shown.expect(200);
        assert_eq!(shown.at("/compared_to"), "2026-03-10");
        assert_eq!(shown.at("/rows/0/health"), "healthy");
        assert_eq!(shown.at("/rows/0/then"), &json!({"health": "unhealthy", "value": 6.0, "trend": null}));
        assert_eq!(shown.at("/left/0/key"), "gone");
        assert_eq!(shown.at("/left/0/then/value"), 3.0);
        assert_eq!(ann.get("scorecard").await.at("/rows/0/then"), &json!(null));
        let csv = ann.call(reqwest::Method::GET, "scorecard?compare_to=2026-03-10").header("accept", "text/csv");
        let csv = csv.send().await;
        assert!(csv.raw.lines().next().is_some_and(|line| line.ends_with(",as_of,compared_to,health_then,value_then")));
        assert!(csv.raw.contains(",2026-03-10,unhealthy,6"), "{}", csv.raw);
        ann.get("scorecard?compare_to=2026-04-02").await.refused(422, "validation_failed");
    }

    /// A cycle of today beside that of last week: states, progress, confidence, and what has gone.
    async fn the_tree_says_where_each_stood(app) {
        let ann = ann_cares(&app).await;
        let cycle = json!({"name": "Q2", "starts_on": "2026-03-30", "ends_on": "2026-06-30"});
        ann.post("cycles", cycle).await.expect(201);
        let objective = async |title: &str| {
            let body = json!({
                "title": title, "state": "active", "cycle_id": "q2",
                "key_results": [{"title": "Shipped", "kind": "milestone"}],
            });
            let made = ann.post("objectives", body).await;
            made.expect(201);
            made
        };
        let (stays, goes) = (objective("Stays").await, objective("Goes").await);
        let says = async |made: &Answer, value: f64, confidence: &str| {
            let path = format!("key-results/{}/check-ins", made.text("/key_results/0/id"));
            ann.post(&path, json!({"value": value, "confidence": confidence})).await.expect(201);
        };
        says(&stays, 0.25, "at_risk").await;
        app.it_is("2026-04-08T10:00:00Z");
        says(&stays, 0.5, "on_track").await;
        objective("Comes").await;
        ann.delete(&format!("objectives/{}", goes.text("/id"))).await.expect(204);

        let tree = ann.get("tree?cycle=q2&compare_to=2026-04-01").await;
        tree.expect(200);
        let titles: Vec<(&Value, &Value)> = tree.at("/objectives").as_array().expect("objectives").iter()
            .map(|item| (&item["objective"]["title"], &item["before"]["progress"]))
            .collect();
        assert_eq!(titles, [(&json!("Comes"), &json!(null)), (&json!("Stays"), &json!(0.25))]);
        assert_eq!(tree.at("/objectives/1/objective/progress/value"), 0.5);
        assert_eq!(tree.at("/objectives/1/before"), &json!({
            "state": "active", "progress": 0.25, "pace": "too_early", "confidence": "at_risk",
            "key_results": [{
                "id": stays.text("/key_results/0/id"), "value": 0.25, "progress": 0.25,
                "pace": "too_early", "confidence": "at_risk",
            }],
        }));
        assert_eq!(tree.at("/left/0/title"), "Goes");
        assert_eq!(tree.at("/left/0/before/state"), "active");
        assert_eq!(tree.at("/left/0/before/progress"), 0.0);
        assert_eq!(tree.at("/left").as_array().expect("a list").len(), 1);
    }

    /// Work whose reason is gone, and work that moved nothing.
    async fn loose_ends_are_listed_when_asked_for(app) {
        let ann = ann_cares(&app).await;
        let objective = async |title: &str| {
            let made = ann.post("objectives", json!({
                "title": title, "state": "active", "ends_on": "2026-06-30",
                "key_results": [{"title": "Met", "kind": "milestone"}, {"title": "Open", "kind": "milestone"}],
            })).await;
            made.expect(201);
            made
        };
        let work = async |parent: Value, title: &str, status: &str| {
            let mut body = json!({"title": title, "status": status});
            body.as_object_mut().expect("a body").extend(parent.as_object().expect("a parent").clone());
            ann.post("initiatives", body).await.expect(201);
        };
        let (half, closed, idle) =
            (objective("Half done").await, objective("Closed").await, objective("Idle").await);
        let met = half.text("/key_results/0/id");
        ann.post(&format!("key-results/{met}/check-ins"), json!({"value": 1, "confidence": "on_track"}))
            .await
            .expect(201);
        work(json!({"key_result_id": met}), "Without a reason", "in_progress").await;
        work(json!({"key_result_id": half.text("/key_results/1/id")}), "With a reason", "planned").await;
        work(json!({"objective_id": closed.text("/id")}), "Too late", "planned").await;
        work(json!({"objective_id": closed.text("/id")}), "In time", "done").await;
        work(json!({"objective_id": idle.text("/id")}), "Done in vain", "done").await;
        let close = json!({"outcome": "missed", "score": 0});
        ann.post(&format!("objectives/{}/close", closed.text("/id")), close).await.expect(200);
        churn_turned_bad(&ann).await;
        prescribed(&ann, "churn-rate", json!({})).await;
        app.it_is("2026-04-20T10:00:00Z");
        measured(&ann, "churn-rate", &[("2026-03-31", 3.0)]).await;
        assert_eq!(ann.get("triage?include=loose_ends").await.at("/loose_ends/remedies"), &json!([]));
        measured(&ann, "churn-rate", &[("2026-04-19", 3.0)]).await;

        let shown = ann.get("triage?include=loose_ends").await;
        shown.expect(200);
        let found: Vec<(&Value, &Value)> = shown.at("/loose_ends/initiatives").as_array().expect("a list").iter()
            .map(|item| (&item["title"], &item["because"]))
            .collect();
        assert_eq!(found, [
            (&json!("Without a reason"), &json!("key_result_met")),
            (&json!("Too late"), &json!("objective_closed")),
        ]);
        assert_eq!(shown.at("/loose_ends/objectives/0/objective/title"), "Idle");
        assert_eq!(shown.at("/loose_ends/objectives/0/initiatives_done"), 1);
        assert_eq!(shown.at("/loose_ends/objectives").as_array().expect("a list").len(), 1);
        let remedy = shown.at("/loose_ends/remedies/0");
        assert_eq!(remedy["kpi"]["key"], "churn-rate");
        assert_eq!((&remedy["healthy_since"], &remedy["outcome"]), (&json!("2026-03-01"), &json!("recovered")));
        assert_eq!(ann.get("triage").await.at("/loose_ends"), &json!(null));
        let text = ann.call(reqwest::Method::GET, "triage?include=loose_ends");
        let text = text.header("accept", "text/plain").send().await;
        assert!(text.raw.contains("Initiatives without a reason: 2\n"), "{}", text.raw);
        assert!(text.raw.lines().all(|line| line.chars().count() <= 80), "{}", text.raw);
    }
}
