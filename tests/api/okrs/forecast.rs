//! Forecasts of key results: whether they arrive in time, if things go on like this.

use serde_json::json;

use super::{ann_plans, key_result};
use crate::harness::{Answer, Caller, stories};

/// An active objective that is due at the end of June, with one key result.
async fn due_in_june(ann: &Caller, key_result: serde_json::Value) -> Answer {
    let body = json!({
        "title": "Arrive", "state": "active", "ends_on": "2026-06-30", "key_results": [key_result],
    });
    let made = ann.post("objectives", body).await;
    made.expect(201);
    made
}

/// Check-ins of one value each, by their days.
async fn says(ann: &Caller, id: &str, said: &[(&str, f64)]) {
    for (day, value) in said {
        let body = json!({"value": value, "confidence": "on_track", "at": format!("{day}T09:00:00Z")});
        ann.post(&format!("key-results/{id}/check-ins"), body).await.expect(201);
    }
}

stories! {
    /// Ten signups more every ten days: 40 on 31 March, 100 in sixty days.
    async fn check_ins_lead_to_a_day(app) {
        let ann = ann_plans(&app).await;
        let made = due_in_june(&ann, json!({
            "title": "Signups", "kind": "increase", "start": 0, "target": 100, "unit": "signups",
        })).await;
        let id = key_result(&made, 0);
        let path = format!("key-results/{id}/forecast");
        says(&ann, &id, &[("2026-03-01", 10.0), ("2026-03-11", 20.0), ("2026-03-21", 30.0)]).await;
        let few = ann.get(&path).await;
        few.expect(200);
        assert_eq!((few.text("/outlook"), few.number("/based_on")), ("insufficient_data", 3.0));
        assert_eq!(few.text("/reason"), "A line needs 4 values on different days; there are 3.");

        // Of one day the last word counts.
        says(&ann, &id, &[("2026-03-31", 90.0)]).await;
        says(&ann, &id, &[("2026-03-31", 40.0)]).await;
        let seen = ann.get(&path).await;
        seen.expect(200);
        assert_eq!((seen.text("/outlook"), seen.number("/based_on")), ("in_time", 4.0));
        assert_eq!(seen.number("/slope"), 1.0);
        assert_eq!((seen.text("/turns_on"), seen.text("/due_on")), ("2026-05-30", "2026-06-30"));
        assert_eq!(seen.at("/ahead").as_array().expect("a list").len(), 24);
        assert_eq!((seen.text("/ahead/0/starts_on"), seen.number("/ahead/0/value")), ("2026-04-10", 50.0));
        assert_eq!(seen.number("/ahead/0/target/min"), 100.0);
        assert_eq!(
            seen.text("/reason"),
            "Over the last 4 values it changed by 1 signups a day; on this trend ≥ 100 signups is met on \
             2026-05-30; it is due on 2026-06-30."
        );
        ann.patch(&format!("key-results/{id}"), json!({"due_on": "2026-05-01"})).await.expect(200);
        assert_eq!(ann.get(&path).await.text("/outlook"), "too_late");

        // As it was known when only three had been said.
        assert_eq!(ann.get(&format!("{path}?as_of=2026-03-30")).await.number("/based_on"), 3.0);
        ann.get(&format!("{path}?as_of=2026-04-02")).await.refused(422, "validation_failed");
    }

    /// What reads a KPI goes by its complete periods.
    async fn a_kpi_leads_its_key_result(app) {
        let ann = ann_plans(&app).await;
        ann.post("kpis", json!({"name": "Churn", "target": {"max": 4}})).await.expect(201);
        let months = [("2025-11-15", 9.0), ("2025-12-15", 8.0), ("2026-01-15", 7.0), ("2026-02-15", 6.0)];
        for (day, value) in months {
            ann.put(&format!("kpis/churn/points/{day}"), json!({"value": value})).await.expect(201);
        }
        let made = due_in_june(&ann, json!({
            "title": "Churn down", "kind": "decrease", "start": 6, "target": 4, "kpi_id": "churn",
        })).await;
        let path = format!("key-results/{}/forecast", key_result(&made, 0));
        // One point a month less: 5 in March, 4 in April, which ends on the 30th.
        let seen = ann.get(&path).await;
        seen.expect(200);
        assert_eq!((seen.text("/outlook"), seen.text("/turns_on")), ("in_time", "2026-04-30"));
        assert_eq!((seen.number("/slope"), seen.text("/ahead/0/period")), (-1.0, "2026-03"));

        let worse = due_in_june(&ann, json!({
            "title": "Churn up", "kind": "increase", "start": 6, "target": 12, "kpi_id": "churn",
        })).await;
        let seen = ann.get(&format!("key-results/{}/forecast", key_result(&worse, 0))).await;
        assert_eq!((seen.text("/outlook"), seen.at("/turns_on")), ("not_on_this_trend", &json!(null)));
        // It is met while churn is above 5, which the line leaves in March: 5 itself still meets it.
        let kept = due_in_june(&ann, json!({
            "title": "Churn kept", "kind": "at_least", "target": 5, "kpi_id": "churn",
        })).await;
        let seen = ann.get(&format!("key-results/{}/forecast", key_result(&kept, 0))).await;
        assert_eq!((seen.text("/outlook"), seen.text("/turns_on")), ("lost", "2026-04-30"));
    }

    /// A draft without a target goes nowhere in particular.
    async fn a_draft_has_nowhere_to_arrive(app) {
        let ann = ann_plans(&app).await;
        let body = json!({"title": "Draft", "key_results": [{"title": "Some day", "kind": "increase"}]});
        let made = ann.post("objectives", body).await;
        let path = format!("key-results/{}/forecast", key_result(&made, 0));
        let seen = ann.get(&path).await;
        seen.expect(200);
        assert_eq!(seen.text("/outlook"), "insufficient_data");
        assert_eq!(seen.at("/due_on"), &json!(null));
    }
}
