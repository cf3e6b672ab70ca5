//! What KPIs show: value, change and health.

use serde_json::{Value, json};

use super::{events, keys, lasting, made_by, make, point};
use crate::harness::stories;

stories! {
    async fn a_kpi_shows_its_value_its_change_and_its_health(app) {
        let ann = app.owner_of("ann", "acme").await;
        let ann = lasting(&app, &ann).await;
        make(&ann, json!({"name": "Churn", "target": {"max": 3}, "tolerance": {"max": 5}})).await;
        for (day, value) in [("2026-01-31", 2.0), ("2026-02-10", 6.0), ("2026-03-01", 4.0)] {
            point(&ann, "churn", day, value).await;
        }
        let churn = ann.get("kpis/churn").await;
        assert_eq!(
            churn.at("/current"),
            &json!({
                "period": "2026-03", "starts_on": "2026-03-01", "value": 4.0, "complete": false,
                "change": -2.0, "change_ratio": -2.0 / 6.0, "change_is_good": true,
            })
        );
        assert_eq!((churn.text("/health"), churn.at("/health_reason")), ("at_risk", &Value::Null));
        assert_eq!((churn.number("/gap"), churn.text("/since")), (-1.0, "2026-03-01"));
        assert_eq!(
            churn.at("/episode"),
            &json!({
                "opened_on": "2026-02-01", "opening_value": 6.0, "worst_value": 6.0, "worst_on": "2026-02-01",
                "closed_on": null, "closed_by": null,
            })
        );
        assert_eq!(
            churn.at("/freshness"),
            &json!({"state": "fresh", "due_on": "2026-05-01", "stale_on": "2026-05-11"})
        );

        let as_of = ann.get("kpis/churn?as_of=2026-02-28").await;
        assert_eq!(as_of.at("/current/value"), 6.0);
        assert_eq!(as_of.at("/current/complete"), true);
        assert_eq!((as_of.text("/health"), as_of.number("/gap")), ("unhealthy", -3.0));
        assert_eq!(ann.get("kpis/churn?as_of=2025-12-31").await.at("/health_reason"), "no_data");
        let now = ann.get("kpis/churn?as_of=2026-03-31").await;
        for field in ["current", "health", "gap", "since", "episode", "target", "freshness"] {
            assert_eq!(now.body[field], churn.body[field], "today means now: {field}");
        }
        ann.get("kpis/churn?as_of=2026-04-01")
            .await
            .refused(422, "validation_failed")
            .names("as_of", "in_the_future");
        ann.get("kpis/churn?as_of=2026-02-30").await.refused(400, "invalid_query");
        ann.get("kpis/churn?colour=red").await.refused(400, "invalid_query");

        app.it_is("2026-05-10T21:59:59Z");
        assert_eq!(ann.get("kpis/churn").await.text("/freshness/state"), "due");
        app.it_is("2026-05-10T22:00:00Z");
        let stale = ann.get("kpis/churn").await;
        assert_eq!(
            (stale.text("/health"), stale.text("/health_reason"), stale.text("/last_known")),
            ("unknown", "stale", "at_risk")
        );
        assert_eq!(keys(&ann.get("kpis?freshness=stale&health=unknown").await), ["churn"]);
        point(&ann, "churn", "2026-02-10", 2.0).await;
        point(&ann, "churn", "2026-03-01", 7.0).await;
        let stale = ann.get("kpis/churn").await;
        assert_eq!(
            (stale.text("/health"), stale.text("/health_reason")),
            ("unhealthy", "stale"),
            "no false green, and no false unknown"
        );
        let then = ann.get("kpis/churn?known_at=2026-05-01T00:00:00Z&as_of=2026-02-28").await;
        assert_eq!(then.at("/current/value"), 6.0, "as it was known then");
    }

    async fn a_sum_shows_its_running_period_beside_the_complete_one(app) {
        let ann = app.owner_of("ann", "acme").await;
        let ann = lasting(&app, &ann).await;
        make(&ann, json!({"name": "Sales", "aggregation": "sum", "target": {"min": 31}})).await;
        app.it_is("2026-03-02T12:00:00Z");
        point(&ann, "sales", "2026-03-01", 1.0).await;
        let first = ann.get("kpis/sales").await;
        assert_eq!(
            (first.at("/current"), first.text("/health_reason"), first.text("/freshness/state")),
            (&Value::Null, "no_data", "fresh")
        );
        point(&ann, "sales", "2026-02-01", 40.0).await;
        point(&ann, "sales", "2026-03-02", 2.0).await;
        let sales = ann.get("kpis/sales").await;
        assert_eq!(
            (sales.text("/current/period"), sales.number("/current/value"), sales.text("/health")),
            ("2026-02", 40.0, "healthy")
        );
        assert_eq!(
            sales.at("/running"),
            &json!({
                "period": "2026-03", "starts_on": "2026-03-01", "value": 3.0, "target": {"min": 31.0, "max": null},
                "expected": {"min": 2.0, "max": null}, "health": "healthy", "elapsed_days": 2, "total_days": 31,
            })
        );
        let past = ann.get("kpis/sales?as_of=2026-03-01").await;
        assert_eq!(past.number("/running/value"), 1.0);
        app.it_is("2026-03-31T22:00:00Z");
        let ended = ann.get("kpis/sales").await;
        assert_eq!(
            (ended.text("/current/period"), ended.number("/current/value"), ended.text("/health")),
            ("2026-03", 3.0, "unhealthy"),
            "without any write"
        );
        assert_eq!(ended.at("/running"), &Value::Null);
        assert_eq!(keys(&ann.get("kpis?health=unhealthy").await), ["sales"]);
    }

    async fn another_cadence_recomputes_the_whole_history(app) {
        let ann = app.owner_of("ann", "acme").await;
        make(&ann, json!({"name": "Sales", "target": {"min": 5}})).await;
        for (day, value) in [("2026-03-02", 4.0), ("2026-03-20", 3.0), ("2026-02-20", 9.0)] {
            point(&ann, "sales", day, value).await;
        }
        assert_eq!(ann.get("kpis/sales").await.text("/health"), "unhealthy");
        let known = events(&ann).await.len();
        let summed = ann.patch("kpis/sales", json!({"aggregation": "max", "cadence": "quarterly"})).await;
        assert_eq!(
            (summed.expect(200).text("/current/period"), summed.number("/current/value")),
            ("2026-Q1", 9.0)
        );
        assert_eq!(summed.text("/health"), "healthy");
        assert_eq!(made_by(&ann, known).await, ["kpi.updated", "kpi.health_changed"]);
        let weekly = ann.patch("kpis/sales", json!({"aggregation": "last", "cadence": "weekly"})).await;
        assert_eq!(weekly.expect(200).text("/current/period"), "2026-W12");
        assert_eq!(weekly.at("/settings/confirm_periods"), 2);
        assert_eq!(
            ann.patch("kpis/sales", json!({"cadence": "daily"})).await.text("/current/period"),
            "2026-03-20"
        );
        assert_eq!(
            ann.patch("kpis/sales", json!({"cadence": "yearly"})).await.text("/current/period"),
            "2026"
        );
        let irregular = ann.patch("kpis/sales", json!({"cadence": "irregular"})).await;
        assert_eq!(
            (irregular.text("/current/period"), irregular.at("/current/complete")),
            ("2026-03-20", &json!(true))
        );
        let slow = ann.patch("kpis/sales", json!({"cadence": "monthly", "confirm_periods": 2})).await;
        assert_eq!(slow.at("/episode"), &Value::Null, "one bad month confirms nothing now");
    }
}
