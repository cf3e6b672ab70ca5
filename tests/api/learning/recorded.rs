//! What people do about a KPI is recorded as a decision, unless they name the one that it came from.

use serde_json::{Value, json};

use super::{decided, each};
use crate::care::{ann_cares, churn_turned_bad, kpi};
use crate::harness::{Answer, Caller, stories};

async fn recorded(caller: &Caller) -> Answer {
    let list = caller.get("decisions?origin=recorded").await;
    list.expect(200);
    list
}

stories! {
    /// A remedy starts something, a target adjusts, the archive stops; each keeps the KPI as it was before.
    async fn deeds_are_recorded(app) {
        let ann = ann_cares(&app).await;
        churn_turned_bad(&ann).await;
        assert_eq!(each(&recorded(&ann).await, "/choice"), Vec::<Value>::new(), "the first target of a new KPI changes nothing");
        let remedy = ann.post("kpis/churn-rate/remedies", json!({"title": "Keep them"})).await;
        remedy.expect(201);
        let list = recorded(&ann).await;
        assert_eq!((each(&list, "/choice"), each(&list, "/summary"), each(&list, "/certainty")), (vec![json!("start")], vec![Value::Null], vec![Value::Null]));
        assert_eq!(list.at("/items/0/led_to"), &json!([{"type": "objective", "id": remedy.at("/objective_id"), "name": "Keep them"}]));
        assert_eq!((list.at("/items/0/moment/value"), list.at("/items/0/moment/health")), (&json!(6.0), &json!("unhealthy")));

        // With the new target it would be healthy: what is kept is what was seen by those who changed it.
        let rehearsed = json!({"effective_from": "2026-02-01", "target": {"max": 9}});
        ann.post("kpis/churn-rate/targets?dry_run=true", rehearsed.clone()).await.expect(201);
        assert_eq!(each(&recorded(&ann).await, "/choice").len(), 1);
        let target = ann.post("kpis/churn-rate/targets", rehearsed.clone()).await;
        target.expect(201);
        ann.post("kpis/churn-rate/targets", rehearsed).await.expect(200);
        let list = recorded(&ann).await;
        assert_eq!(each(&list, "/choice"), ["adjust", "start"]);
        let kept = list.at("/items/0/moment");
        assert_eq!((&kept["health"], &kept["target"]), (&json!("unhealthy"), &json!({"min": null, "max": 4.0})));
        assert_eq!(list.at("/items/0/led_to"), &json!([{"type": "target", "id": target.at("/id"), "name": "Target from 2026-02-01 on"}]));
        assert_eq!(ann.get("kpis/churn-rate").await.at("/health"), "healthy");
        ann.patch("kpis/churn-rate", json!({"target": {"max": 8}})).await.expect(200);
        ann.patch("kpis/churn-rate", json!({"target": {"max": 8}, "definition": "Who left"})).await.expect(200);
        ann.delete("kpis/churn-rate/targets/2026-02-01").await.expect(204);
        ann.delete("kpis/churn-rate").await.expect(204);
        ann.delete("kpis/churn-rate").await.expect(204);
        ann.post("kpis/churn-rate/restore", json!({})).await;
        assert_eq!(each(&recorded(&ann).await, "/choice"), ["stop", "adjust", "adjust", "adjust", "start"]);
        assert_eq!(ann.get("events?type=decision.created").await.at("/items").as_array().map(Vec::len), Some(5));
    }

    /// Who names a decision adds to it, and it has to be one of this KPI.
    async fn a_named_decision_takes_its_place(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "member").await;
        churn_turned_bad(&ann).await;
        kpi(&ann, "Refunds").await;
        ann.post("kpis", json!({"name": "Secret", "visibility": "private"})).await.expect(201);
        let made = decided(&ann, "churn-rate", "adjust", json!({})).await;
        let (of_refunds, of_secret) = (decided(&ann, "refunds", "stop", json!({})).await, decided(&ann, "secret", "stop", json!({})).await);
        let id = made.at("/id");
        let remedy = ann.post("kpis/churn-rate/remedies", json!({"decision_id": id})).await;
        remedy.expect(201);
        let target = ann.post("kpis/churn-rate/targets", json!({"target": {"max": 5}, "decision_id": id})).await;
        target.expect(201);
        ann.delete(&format!("kpis/churn-rate?decision_id={}", made.text("/id"))).await.expect(204);
        assert_eq!(each(&recorded(&ann).await, "/choice"), Vec::<Value>::new());
        let shown = ann.get(&format!("decisions/{}", made.text("/id"))).await;
        assert_eq!((shown.at("/led_to_ids"), shown.at("/version")), (&json!([remedy.at("/objective_id"), target.at("/id")]), &json!(3)));

        ann.post("kpis/churn-rate/restore", json!({})).await;
        let target = |decision: &Value| json!({"target": {"max": 7}, "decision_id": decision});
        let other = of_refunds.at("/id");
        ann.post("kpis/churn-rate/targets", target(other)).await.refused(422, "validation_failed").names("/decision_id", "of_another_kpi");
        ann.post("kpis/churn-rate/remedies", json!({"decision_id": other})).await.refused(422, "validation_failed").names("/decision_id", "of_another_kpi");
        for path in ["kpis/churn-rate", "kpis/churn-rate/targets/beginning"] {
            let path = format!("{path}?decision_id={}", of_refunds.text("/id"));
            ann.delete(&path).await.refused(422, "validation_failed").names("decision_id", "of_another_kpi");
        }
        ann.delete("kpis/churn-rate?decision_id=churn-rate").await.refused(400, "invalid_query");
        for hidden in [of_secret.at("/id"), &json!("dec_01h455vb4pex5vsknk084sn02q")] {
            bob.post("kpis/churn-rate/remedies", json!({"decision_id": hidden})).await.refused(404, "not_found").names("/decision_id", "not_found");
        }
        assert_eq!(each(&recorded(&ann).await, "/choice"), Vec::<Value>::new());
    }
}
