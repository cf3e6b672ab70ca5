//! What the clock alone changes is told once, whichever node gets there first.

use serde_json::json;

use super::*;
use crate::harness::stories;

stories! {
    /// A value goes stale without a write: the health and the staleness are told once.
    async fn a_stale_value_is_told_once(app) {
        let ann = ann_cares(&app).await;
        for name in ["Churn rate", "Always bad"] {
            kpi(&ann, name).await;
        }
        measured(&ann, "churn-rate", &[("2026-03-31", 3.0)]).await;
        measured(&ann, "always-bad", &[("2026-03-31", 9.0)]).await;
        app.minute_passes().await;
        let (before, none) = (told(&ann, "kpi.health_changed").await, told(&ann, "kpi.stale").await);
        assert_eq!((before, none), (2, 0));
        // April ends, ten days of grace go by.
        app.it_is("2026-05-10T21:59:00Z");
        app.minute_passes().await;
        assert_eq!(told(&ann, "kpi.stale").await, 0);
        app.it_is("2026-05-10T22:00:00Z");
        assert_eq!(ann.get("kpis/churn-rate").await.at("/health"), "unknown");
        app.minute_passes().await;
        app.minute_passes().await;
        let changed = ann.get("events?type=kpi.health_changed&limit=1").await;
        assert_eq!(changed.at("/items/0/change"), &json!({"from": "healthy", "to": "unknown", "period": "2026-03", "value": 3.0}));
        assert_eq!(changed.at("/items/0/actor/kind"), "system");
        assert_eq!((told(&ann, "kpi.health_changed").await, told(&ann, "kpi.stale").await), (3, 2));
        let stale = ann.get("events?type=kpi.stale&limit=1").await;
        assert_eq!(stale.at("/items/0/change/stale_at"), "2026-05-10T22:00:00.000000Z");
        app.it_is("2026-05-12T10:00:00Z");
        app.minute_passes().await;
        assert_eq!((told(&ann, "kpi.health_changed").await, told(&ann, "kpi.stale").await), (3, 2));
        // A new value begins anew.
        measured(&ann, "churn-rate", &[("2026-05-12", 3.0)]).await;
        assert_eq!(told(&ann, "kpi.health_changed").await, 4);
        app.it_is("2026-07-12T10:00:00Z");
        let ann = app.signs_in("ann").await.inside("acme");
        app.minute_passes().await;
        assert_eq!((told(&ann, "kpi.health_changed").await, told(&ann, "kpi.stale").await), (5, 3));
        // The archive is nobody's worry.
        ann.delete("kpis/always-bad").await.expect(204);
        app.it_is("2026-09-12T10:00:00Z");
        let events = app.told("acme").await.len();
        app.minute_passes().await;
        assert_eq!(app.told("acme").await.len(), events);
    }

    /// A sum completes: health, remedies and guardrails follow without a write.
    async fn a_sum_that_completes_is_told_with_all_that_follows(app) {
        let ann = ann_cares(&app).await;
        let body = json!({"name": "Leads", "aggregation": "sum", "cadence": "weekly", "target": {"min": 10}, "confirm_periods": 1});
        ann.post("kpis", body).await.expect(201);
        measured(&ann, "leads", &[("2026-03-23", 12.0)]).await;
        let grow = ann.post("objectives", json!({"title": "Grow", "ends_on": "2026-06-30"})).await;
        ann.post(&format!("objectives/{}/guardrails", grow.text("/id")), json!({"kpi_id": "leads"})).await.expect(201);
        measured(&ann, "leads", &[("2026-03-31", 3.0)]).await;
        app.minute_passes().await;
        assert_eq!((told(&ann, "kpi.health_changed").await, told(&ann, "guardrail.breached").await), (1, 0));
        // The week ends in Berlin.
        app.it_is("2026-04-05T22:00:00Z");
        app.minute_passes().await;
        app.minute_passes().await;
        assert_eq!((told(&ann, "kpi.health_changed").await, told(&ann, "guardrail.breached").await), (2, 1));
        let made = prescribed(&ann, "leads", json!({})).await;
        measured(&ann, "leads", &[("2026-04-06", 15.0)]).await;
        assert_eq!(told(&ann, "remedy.recovered").await, 0);
        app.it_is("2026-04-12T22:00:00Z");
        app.minute_passes().await;
        assert_eq!((told(&ann, "remedy.recovered").await, told(&ann, "guardrail.healed").await), (1, 1));
        assert_eq!(ann.get(&remedy(&made)).await.at("/outcome"), "recovered");
    }

    /// An effect that does not come in time is a failure on the day on which it should have come.
    async fn a_remedy_fails_by_the_clock(app) {
        let ann = ann_cares(&app).await;
        churn_turned_bad(&ann).await;
        let made = prescribed(&ann, "churn-rate", json!({})).await;
        app.it_is("2026-04-02T10:00:00Z");
        ann.post(&format!("{}/close", objective(&made)), json!({"outcome": "missed"})).await.expect(200);
        app.it_is("2026-05-01T21:00:00Z");
        app.minute_passes().await;
        assert_eq!(told(&ann, "remedy.failed").await, 0);
        app.it_is("2026-05-01T22:00:00Z");
        app.minute_passes().await;
        app.minute_passes().await;
        assert_eq!(told(&ann, "remedy.failed").await, 1);
        assert_eq!(ann.get(&remedy(&made)).await.at("/outcome"), "failed");
    }

    /// A check-in is overdue once, until somebody checks in and is late again.
    async fn an_overdue_check_in_is_told_once_for_each_stretch(app) {
        let ann = ann_cares(&app).await;
        let made = ann.post("objectives", json!({
            "title": "Grow", "state": "active", "ends_on": "2026-06-30",
            "key_results": [{"title": "Grown", "kind": "milestone"}, {"title": "Draft of it", "kind": "milestone"}],
        })).await;
        ann.post("objectives", json!({"title": "A mere draft", "ends_on": "2026-06-30", "key_results": [{"title": "Later", "kind": "milestone"}]})).await.expect(201);
        let (first, second) = (made.text("/key_results/0/id"), made.text("/key_results/1/id"));
        ann.delete(&format!("key-results/{second}")).await.expect(204);
        app.minute_passes().await;
        // Seven days and two days of grace.
        app.it_is("2026-04-09T10:00:00Z");
        app.minute_passes().await;
        assert_eq!(told(&ann, "check_in.overdue").await, 0);
        app.it_is("2026-04-10T10:00:00Z");
        app.minute_passes().await;
        app.it_is("2026-04-11T10:00:00Z");
        app.minute_passes().await;
        let events = ann.get("events?type=check_in.overdue").await;
        assert_eq!(events.at("/items").as_array().map(Vec::len), Some(1));
        assert_eq!(events.at("/items/0/subject/id"), first);
        assert_eq!((events.at("/items/0/change/due_on"), events.at("/items/0/change/last_check_in_id")), (&json!("2026-04-07"), &json!(null)));
        let said = ann.post(&format!("key-results/{first}/check-ins"), json!({"value": 0.5, "confidence": "on_track"})).await;
        app.it_is("2026-04-20T10:00:00Z");
        app.minute_passes().await;
        assert_eq!(told(&ann, "check_in.overdue").await, 1);
        app.it_is("2026-04-21T10:00:00Z");
        app.minute_passes().await;
        let events = ann.get("events?type=check_in.overdue").await;
        assert_eq!(events.at("/items/0/change/last_check_in_id"), said.text("/id"));
        // What is closed is overdue no more.
        ann.post(&format!("objectives/{}/close", made.text("/id")), json!({"outcome": "dropped"})).await.expect(200);
        app.it_is("2026-05-21T10:00:00Z");
        app.minute_passes().await;
        assert_eq!(told(&ann, "check_in.overdue").await, 2);
    }

    /// Several nodes pass at the same moment, and everything is told once.
    async fn nodes_do_not_tell_twice(app) {
        let ann = ann_cares(&app).await;
        kpi(&ann, "Churn rate").await;
        measured(&ann, "churn-rate", &[("2026-03-31", 3.0)]).await;
        let eve = app.owner_of("eve", "evil").await;
        let eve = lasting(&app, &eve, "eve", &["read", "write"]).await;
        kpi(&eve, "Churn rate").await;
        measured(&eve, "churn-rate", &[("2026-03-31", 3.0)]).await;
        app.it_is("2026-06-01T10:00:00Z");
        let nodes = std::iter::repeat_with(|| app.minute_passes()).take(8);
        futures_util::future::join_all(nodes).await;
        for caller in [&ann, &eve] {
            assert_eq!((told(caller, "kpi.health_changed").await, told(caller, "kpi.stale").await), (2, 1));
        }
    }

    /// While nothing is due a pass looks once, and writes nothing.
    async fn a_pass_is_cheap_while_nothing_is_due(app) {
        let ann = ann_cares(&app).await;
        kpi(&ann, "Churn rate").await;
        measured(&ann, "churn-rate", &[("2026-03-31", 3.0)]).await;
        app.minute_passes().await;
        app.it_is("2026-03-31T09:31:00Z");
        let asked = app.statements_of_a_minute().await;
        assert!((2..8).contains(&asked), "two questions in a transaction, not {asked} statements");
    }
}
