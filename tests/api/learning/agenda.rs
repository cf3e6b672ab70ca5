//! The agenda of a review: good news first.

use reqwest::Method;
use serde_json::{Value, json};

use super::decided;
use crate::care::{churn_turned_bad, kpi, measured};
use crate::harness::{Answer, stories};

fn fields(agenda: &Answer, list: &str, field: &str) -> Vec<Value> {
    let rows = agenda.expect(200).at(&format!("/{list}")).as_array().expect("a list");
    assert_eq!(agenda.at(&format!("/counts/{list}")), rows.len(), "{list}");
    rows.iter().map(|row| row.pointer(field).expect("the field").clone()).collect()
}

stories! {
    /// What got better, what changed, what nobody treats, what is blocked, and what was to be looked at again.
    async fn a_review_begins_with_what_worked(app) {
        let ann = app.owner_of("ann", "acme").await;
        app.joins(&ann, "bob", "member").await;
        ann.post("teams", json!({"name": "Growth"})).await.expect(201);
        churn_turned_bad(&ann).await;
        kpi(&ann, "Refunds").await;
        measured(&ann, "refunds", &[("2026-01-31", 5.0), ("2026-02-28", 6.0)]).await;
        decided(&ann, "churn-rate", "investigate", json!({"summary": "Ask them.", "revisit_on": "2026-04-14"})).await;
        decided(&ann, "churn-rate", "investigate", json!({"summary": "Later.", "revisit_on": "2026-04-16"})).await;
        let grow = ann.post("objectives", json!({
            "title": "Grow", "state": "active", "ends_on": "2026-06-30", "team_id": "growth",
            "key_results": [{"title": "Grown", "kind": "milestone"}, {"title": "Easy", "kind": "milestone"}],
        })).await;
        let quick = ann.post("objectives", json!({
            "title": "Quick win", "state": "active", "ends_on": "2026-06-30", "key_results": [{"title": "Won", "kind": "milestone"}],
        })).await;
        let at = ann.get("agenda").await;
        assert_eq!((at.expect(200).at("/as_of"), at.at("/since")), (&json!("2026-03-31"), &json!("2026-03-24")));
        // Both are 2 over; refunds moved by 1 and churn by 3, so 2/1 comes before 2/3.
        assert_eq!(fields(&at, "untreated", "/key"), ["refunds", "churn-rate"]);
        // Both were fine or unknown a week ago, as far as anybody had written down.
        assert_eq!(fields(&at, "changed", "/kpi/key"), ["churn-rate", "refunds"]);
        assert_eq!(at.at("/changed/0/health"), &json!({"from": "unknown", "to": "unhealthy"}));

        app.it_is("2026-04-01T10:00:00Z");
        let ann = app.signs_in("ann").await.inside("acme");
        ann.post("reviews", json!({"held_on": "2026-04-01", "kpi_ids": ["churn-rate"]})).await.expect(201);
        app.it_is("2026-04-15T10:00:00Z");
        let ann = app.signs_in("ann").await.inside("acme");
        measured(&ann, "refunds", &[("2026-04-10", 2.0)]).await;
        measured(&ann, "churn-rate", &[("2026-04-10", 3.0), ("2026-04-11", 7.0)]).await;
        ann.post(&format!("key-results/{}/check-ins", grow.text("/key_results/0/id")), json!({"value": 0.1, "confidence": "at_risk", "blocker": "No room."})).await.expect(201);
        ann.post(&format!("objectives/{}/close", quick.text("/id")), json!({"outcome": "achieved", "score": 0.9})).await.expect(200);
        let at = ann.get("agenda").await;
        assert_eq!(at.at("/since"), "2026-04-01");
        assert_eq!(fields(&at, "recovered", "/key"), ["refunds"]);
        assert_eq!(fields(&at, "achieved", "/title"), ["Quick win"]);
        assert_eq!((at.at("/achieved/0/closed_on"), at.at("/achieved/0/score")), (&json!("2026-04-15"), &json!(0.9)));
        // Churn was better for a moment, and is what it was: only what differs has changed.
        assert_eq!(fields(&at, "changed", "/kpi/key"), ["refunds"]);
        assert_eq!(at.at("/changed/0/health"), &json!({"from": "unhealthy", "to": "healthy"}));
        assert_eq!(fields(&at, "untreated", "/key"), ["churn-rate"]);
        assert_eq!(fields(&at, "blocked", "/title"), ["Grown"]);
        assert_eq!(fields(&at, "revisit", "/summary"), ["Ask them."]);
        assert_eq!(fields(&at, "failed", "/key"), Vec::<Value>::new());
        let text = ann.call(Method::GET, "agenda").header("accept", "text/plain").send().await;
        assert!(text.expect(200).raw.lines().all(|line| line.chars().count() <= 80), "{}", text.raw);
        for line in ["Recovered: 1", "Blocked: 1", "    blocked: No room.", "    unhealthy -> healthy", "    Ask them.", "Failed remedies: none"] {
            assert!(text.raw.lines().any(|shown| shown == line), "no {line} in {}", text.raw);
        }
        // A team looks at its own, since its own last review.
        let team = ann.get("agenda?team=growth").await;
        assert_eq!((team.at("/since"), fields(&team, "blocked", "/title")), (&json!("2026-04-08"), vec![json!("Grown")]));
        assert_eq!((fields(&team, "untreated", "/key"), fields(&team, "revisit", "/id")), (vec![], vec![]));
        let since = ann.get("agenda?since=2026-04-15").await;
        assert_eq!((fields(&since, "recovered", "/key"), fields(&since, "achieved", "/title")), (vec![], vec![json!("Quick win")]));
        ann.get("agenda?since=2026-04-16").await.refused(422, "validation_failed").names("since", "in_the_future");
        ann.get("agenda?team=nobodys").await.refused(404, "not_found");
        ann.get("agenda?as_of=2026-04-01").await.refused(400, "invalid_query");
        // Nobody learns of what is private to others.
        for path in ["kpis/churn-rate", "kpis/refunds", &format!("objectives/{}", grow.text("/id"))] {
            ann.patch(path, json!({"visibility": "private"})).await.expect(200);
        }
        let bob = app.signs_in("bob").await.inside("acme");
        let seen = bob.get("agenda").await;
        for list in ["recovered", "changed", "untreated", "blocked", "revisit"] {
            assert_eq!(seen.expect(200).at(&format!("/{list}")), &json!([]), "{list}");
        }
    }
}
