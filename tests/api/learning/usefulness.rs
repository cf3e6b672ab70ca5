//! Does the KPI help anyone decide? Verdicts, figures and the audit.

use serde_json::{Value, json};

use super::{decided, each};
use crate::care::{ann_cares, churn_turned_bad, kpi, measured};
use crate::harness::{Caller, stories};

async fn reviewed(caller: &Caller, day: &str, keys: &[&str]) {
    caller.post("reviews", json!({"held_on": day, "kpi_ids": keys})).await.expect(201);
}

stories! {
    /// The verdict grows with the reviews, and every figure can be redone by hand.
    async fn usefulness_follows_from_reviews_and_decisions(app) {
        let ann = ann_cares(&app).await;
        churn_turned_bad(&ann).await;
        let path = "kpis/churn-rate/usefulness";
        let shown = ann.get(path).await;
        assert_eq!(shown.expect(200).body, json!({
            "verdict": "too_early", "reason": "A verdict needs 3 reviews that look at it; so far 0 did.",
            "reviews": 0, "reviews_without_change": 0, "first_review_on": null, "last_review_on": null,
            "decisions": 0, "changes": 0, "mean_certainty": null, "reversed_share": null,
            "expectations": {"met": 0, "not_met": 0, "too_early": 0}, "met_share": null,
            "days_to_decision": null, "healthy_share": null, "last_change": null,
        }));
        for day in ["2026-01-31", "2026-02-28", "2026-03-10"] {
            reviewed(&ann, day, &["churn-rate"]).await;
        }
        assert_eq!(ann.get(path).await.at("/verdict"), "reporting_artifact");
        // The episode opened on the 1st of February; the first decision came 58 days later (27 + 31).
        let first = decided(&ann, "churn-rate", "investigate", json!({"certainty": 2, "expects": {"what": "same", "by": "2026-04-30"}})).await;
        let changed = ann.get(path).await;
        assert_eq!((changed.at("/verdict"), changed.at("/days_to_decision"), changed.at("/reviews_without_change")), (&json!("decision_signal"), &json!(58.0), &json!(0)));
        assert_eq!(changed.at("/reason"), "3 reviews looked at it, and 1 of 1 decisions changed something, the last on 2026-03-31.");
        app.it_is("2026-05-01T10:00:00Z");
        measured(&ann, "churn-rate", &[("2026-03-31", 3.0), ("2026-04-30", 3.5)]).await;
        decided(&ann, "churn-rate", "continue", json!({"certainty": 3, "reverses_id": first.at("/id")})).await;
        let shown = ann.get(path).await;
        // Since the 31st of January: January, March and April healthy, February not. 3 of 4 are less than 80 %.
        assert_eq!((shown.at("/healthy_share"), shown.at("/verdict"), shown.at("/mean_certainty")), (&json!(0.75), &json!("decision_signal"), &json!(2.5)));
        assert_eq!((shown.at("/reversed_share"), shown.at("/met_share"), shown.at("/expectations")), (&json!(0.5), &json!(1.0), &json!({"met": 1, "not_met": 0, "too_early": 0})));
        assert_eq!((shown.at("/last_change/id"), shown.at("/decisions"), shown.at("/changes")), (first.at("/id"), &json!(2), &json!(1)));
        // With May 4 of 5 are healthy, and yet people were unsure and took half of it back.
        measured(&ann, "churn-rate", &[("2026-05-01", 3.5)]).await;
        let shown = ann.get(path).await;
        assert_eq!((shown.at("/verdict"), shown.at("/healthy_share")), (&json!("misaligned"), &json!(0.8)));
        assert_eq!(shown.at("/reason"), "It was healthy in 80 % of its periods since the first review, and yet the mean certainty of its decisions is 2.5 of 5 and 1 of 2 decisions were reversed.");
        for day in ["2026-04-10", "2026-04-20", "2026-04-30"] {
            reviewed(&ann, day, &["churn-rate"]).await;
        }
        assert_eq!(ann.get(path).await.at("/reason"), "The latest 3 reviews looked at it and decided nothing but to continue.");
        // As it stood, and as it was known.
        let then = ann.get(&format!("{path}?as_of=2026-04-30")).await;
        assert_eq!((then.at("/reviews"), then.at("/reversed_share"), then.at("/expectations/too_early")), (&json!(3), &json!(0.0), &json!(1)));
        assert_eq!(ann.get(&format!("{path}?known_at=2026-03-31T09:00:00Z")).await.at("/decisions"), &json!(0));
        ann.get(&format!("{path}?as_of=2026-05-02")).await.refused(422, "validation_failed").names("as_of", "in_the_future");
        ann.get("kpis/nothing/usefulness").await.refused(404, "not_found");
    }

    /// All KPIs at once, in as many statements as one; each sees what is there for them.
    async fn the_audit_lists_every_kpi(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "member").await;
        churn_turned_bad(&ann).await;
        ann.post("teams", json!({"name": "Growth"})).await.expect(201);
        ann.post("kpis", json!({"name": "Leads", "team_id": "growth"})).await.expect(201);
        ann.post("kpis", json!({"name": "Old"})).await.expect(201);
        ann.delete("kpis/old").await.expect(204);
        decided(&ann, "churn-rate", "continue", json!({})).await;
        let asked = app.statements_of(&ann, "audit/kpis").await;
        for name in ["Able", "Baker", "Charlie"] {
            kpi(&ann, name).await;
        }
        for day in ["2026-03-10", "2026-03-20", "2026-03-30"] {
            reviewed(&ann, day, &["leads", "able", "baker"]).await;
        }
        let last = decided(&ann, "able", "adjust", json!({})).await;
        assert_eq!(app.statements_of(&ann, "audit/kpis").await, asked, "no KPI costs a statement of its own");
        let list = ann.get("audit/kpis?include=total").await;
        assert_eq!(each(&list, "/key"), ["able", "baker", "charlie", "churn-rate", "leads"]);
        assert_eq!(each(&list, "/usefulness/verdict"), ["decision_signal", "reporting_artifact", "too_early", "too_early", "reporting_artifact"]);
        assert_eq!((list.at("/items/0/last_decision/id"), list.at("/items/1/last_decision"), list.at("/items/3/health")), (last.at("/id"), &Value::Null, &json!("unhealthy")));
        assert_eq!(each(&ann.get("audit/kpis?verdict=reporting_artifact").await, "/key"), ["baker", "leads"]);
        assert_eq!(each(&ann.get("audit/kpis?verdict=reporting_artifact&team=growth").await, "/key"), ["leads"]);
        let page = ann.get("audit/kpis?limit=2").await;
        assert_eq!(each(&ann.get(&format!("audit/kpis?limit=2&cursor={}", page.text("/next_cursor"))).await, "/key"), ["charlie", "churn-rate"]);
        assert_eq!(each(&ann.get("audit/kpis?as_of=2026-03-30").await, "/usefulness/reviews"), [0; 6].map(Value::from));
        ann.patch("kpis/able", json!({"visibility": "private"})).await.expect(200);
        assert_eq!(each(&bob.get("audit/kpis").await, "/key"), ["baker", "charlie", "churn-rate", "leads"]);
        ann.get("audit/kpis?verdict=useless").await.refused(400, "invalid_query");
        ann.get("audit/kpis?team=nobodys").await.refused(404, "not_found");
    }
}
