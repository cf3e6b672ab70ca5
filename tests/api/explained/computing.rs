//! What computed KPIs come to: now, after every change of an input, and as they stood.

use serde_json::json;

use super::*;
use crate::harness::stories;

stories! {
    /// Spend over customers, by month:
    ///
    /// ```text
    ///           january   february        march
    /// spend     1,000     600 + 600       500
    /// customers 50        40              none yet
    /// cac       20        30              no value
    /// ```
    async fn periods_are_aligned_and_judged(app) {
        let ann = ann_measures(&app).await;
        for key in ["spend", "customers"] {
            kpi(&ann, key, json!({"aggregation": "sum"})).await;
        }
        kpi(&ann, "cac", json!({"formula": "spend / customers", "target": {"max": 25}, "grace_days": 31})).await;
        assert_eq!(shows(&ann, "cac").await, json!([null, null, "unknown", "no_data"]));
        measured(&ann, "spend", &[("2026-01-10", 1000.0), ("2026-02-03", 600.0), ("2026-02-20", 600.0), ("2026-03-02", 500.0)]).await;
        assert_eq!(gap(&ann, "cac").await, json!(["2026-03", "missing_input", ["customers"]]));
        measured(&ann, "customers", &[("2026-01-31", 50.0)]).await;
        assert_eq!(shows(&ann, "cac").await, json!(["2026-01", 20.0, "healthy", null]));
        let batch = json!([{"kpi": "customers", "at": "2026-02-28", "value": 40}]);
        let posted = ann.post("points", batch).await;
        assert_eq!(posted.expect(200).at("/kpis").as_array().map(Vec::len), Some(1), "what follows is not what was posted");
        assert_eq!(shows(&ann, "cac").await, json!(["2026-02", 30.0, "unhealthy", null]));
        assert_eq!(told(&ann, "kpi.health_changed", "cac").await, 2, "healthy, and then not");
        assert_eq!(line(&ann, "cac/periods").await, json!([["2026-01", 20.0], ["2026-02", 30.0]]));
        assert_eq!(ann.get("kpis/cac/episodes").await.at("/items/0/opening_value"), 30.0);
        assert_eq!(ann.get("triage").await.at("/untreated/0/key"), "cac");
        let listed = ann.get("kpis?health=unhealthy&include=recent").await;
        assert_eq!((listed.at("/items/0/key"), listed.at("/items/0/formula/no_value/reason")), (&json!("cac"), &json!("missing_input")));
        assert_eq!(listed.at("/items/0/recent/1/value"), 30.0);

        // A correction heals it, and a deleted point takes the period away.
        measured(&ann, "customers", &[("2026-02-28", 60.0)]).await;
        assert_eq!(shows(&ann, "cac").await, json!(["2026-02", 20.0, "healthy", null]));
        ann.delete("kpis/customers/points/2026-02-28").await.expect(204);
        assert_eq!(shows(&ann, "cac").await, json!(["2026-01", 20.0, "healthy", null]));
        measured(&ann, "spend", &[("2026-01-11", 1000.0)]).await;
        assert_eq!(shows(&ann, "cac").await, json!(["2026-01", 40.0, "unhealthy", null]));
        // Another aggregation of an input, too: the last of January is 1,000 again.
        ann.patch("kpis/spend", json!({"aggregation": "last"})).await.expect(200);
        assert_eq!(shows(&ann, "cac").await, json!(["2026-01", 20.0, "healthy", null]));
    }

    /// Where a number cannot be computed it is missing or undefined, and never green.
    async fn what_cannot_be_computed_has_no_value(app) {
        let ann = ann_measures(&app).await;
        kpi(&ann, "a", json!({})).await;
        kpi(&ann, "b", json!({})).await;
        kpi(&ann, "ratio", json!({"formula": "a / b", "target": {"max": 9}})).await;
        kpi(&ann, "over-ratio", json!({"formula": "ratio + 1", "target": {"max": 9}})).await;
        measured(&ann, "a", &[("2026-02-28", 8.0), ("2026-03-01", 8.0)]).await;
        measured(&ann, "b", &[("2026-02-28", 2.0), ("2026-03-01", 0.0)]).await;
        assert_eq!(shows(&ann, "ratio").await, json!(["2026-03", null, "unknown", "overflow"]));
        assert_eq!(ann.get("kpis/ratio").await.at("/last_known"), "healthy");
        assert_eq!(gap(&ann, "ratio").await, json!(["2026-03", "division_by_zero", []]));
        assert_eq!(gap(&ann, "over-ratio").await, json!(["2026-03", "undefined_input", ["ratio"]]));
        assert_eq!(shows(&ann, "over-ratio").await, json!(["2026-03", null, "unknown", "overflow"]));
        measured(&ann, "b", &[("2026-03-01", 4.0)]).await;
        assert_eq!(shows(&ann, "over-ratio").await, json!(["2026-03", 3.0, "healthy", null]));
        assert_eq!(gap(&ann, "over-ratio").await, json!(null));

        measured(&ann, "a", &[("2026-03-01", 1e15)]).await;
        let power = vec!["a"; 22].join(" * ");
        computed(&ann, "huge", &power).await;
        assert_eq!(shows(&ann, "huge").await, json!(["2026-03", null, "unknown", "no_target"]));
        assert_eq!(gap(&ann, "huge").await, json!(["2026-03", "overflow", []]));
        computed(&ann, "growth", "a - prev(a)").await;
        assert_eq!(line(&ann, "growth/periods").await, json!([["2026-03", 1e15 - 8.0]]), "February has none before it");
        computed(&ann, "old", "prev(prev(a))").await;
        let old = ann.get("kpis/old").await;
        assert_eq!(old.at("/formula/no_value/detail"), "a has no value in 2026-01.");
    }

    /// The first day of the week moves the periods of all, what is computed last.
    async fn another_first_day_of_the_week_recomputes_them_in_order(app) {
        let ann = ann_measures(&app).await;
        kpi(&ann, "z-measured", json!({"cadence": "weekly", "aggregation": "sum"})).await;
        kpi(&ann, "a-doubled", json!({"cadence": "weekly", "formula": "z-measured * 2"})).await;
        kpi(&ann, "again", json!({"cadence": "weekly", "formula": "a-doubled * 2"})).await;
        // A Saturday, a Sunday and a Monday.
        measured(&ann, "z-measured", &[("2026-03-14", 1.0), ("2026-03-15", 2.0), ("2026-03-16", 4.0)]).await;
        assert_eq!(line(&ann, "again/periods").await, json!([["2026-W11", 12.0], ["2026-W12", 16.0]]));
        ann.patch("", json!({"week_starts_on": "sunday"})).await.expect(200);
        assert_eq!(line(&ann, "again/periods").await, json!([["week of 2026-03-08", 4.0], ["week of 2026-03-15", 24.0]]));
        assert_eq!(line(&ann, "again/periods?as_of=2026-03-15").await, json!([["week of 2026-03-08", 4.0], ["week of 2026-03-15", 8.0]]));
    }

    /// Every day and every moment answers with what the inputs were then.
    async fn the_past_is_computed_from_the_past(app) {
        let ann = ann_measures(&app).await;
        kpi(&ann, "a", json!({})).await;
        kpi(&ann, "b", json!({})).await;
        kpi(&ann, "sum", json!({"formula": "a + b", "target": {"max": 10}})).await;
        computed(&ann, "twice", "sum * 2").await;
        measured(&ann, "a", &[("2026-02-10", 1.0), ("2026-02-20", 2.0)]).await;
        measured(&ann, "b", &[("2026-02-10", 4.0)]).await;
        app.it_is("2026-04-01T10:00:00Z");
        measured(&ann, "b", &[("2026-02-10", 40.0), ("2026-03-31", 8.0)]).await;
        measured(&ann, "a", &[("2026-03-31", 1.0)]).await;
        assert_eq!(shows(&ann, "twice").await, json!(["2026-03", 18.0, "unknown", "no_target"]));
        // 2 + 40 in February, which ended with a point of the 20th; on the 15th that was not dated yet.
        assert_eq!(shows(&ann, "sum?as_of=2026-02-28").await, json!(["2026-02", 42.0, "unhealthy", null]));
        assert_eq!(shows(&ann, "sum?as_of=2026-02-15").await, json!(["2026-02", 41.0, "unhealthy", null]));
        // Before the correction was known it was 4.
        assert_eq!(shows(&ann, "twice?as_of=2026-02-28&known_at=2026-04-01T09:59:59Z").await, json!(["2026-02", 12.0, "unknown", "no_target"]));
        assert_eq!(shows(&ann, "sum?known_at=2026-04-01T09:59:59Z").await, json!(["2026-02", 6.0, "healthy", null]));
        assert_eq!(shows(&ann, "sum?as_of=2026-02-09").await, json!([null, null, "unknown", "no_data"]));
        assert_eq!(gap(&ann, "twice?as_of=2026-02-09").await, json!(["2026-02", "missing_input", ["sum"]]));
        assert_eq!(ann.get("kpis/sum?as_of=2026-04-01").await.at("/current"), ann.get("kpis/sum").await.at("/current"));
        assert_eq!(line(&ann, "twice/periods?as_of=2026-04-01").await, line(&ann, "twice/periods").await);
        let then = ann.get("kpis?as_of=2026-02-15&health=unhealthy").await;
        assert_eq!(then.at("/items/0/key"), "sum");
        assert_eq!(then.at("/items/0/formula/no_value"), &json!(null));
    }

    /// A remedy, a guardrail and a key result follow a computed KPI as any other.
    async fn what_hangs_on_a_computed_kpi_follows(app) {
        let ann = ann_measures(&app).await;
        kpi(&ann, "a", json!({})).await;
        kpi(&ann, "sum", json!({"formula": "a + 1", "target": {"max": 10}})).await;
        measured(&ann, "a", &[("2026-02-10", 20.0)]).await;
        let remedy = ann.post("kpis/sum/remedies", json!({})).await;
        remedy.expect(201);
        let guarding = ann.post("objectives", json!({"title": "Grow", "state": "active", "ends_on": "2026-06-30", "key_results": [{"title": "Grown", "kind": "milestone"}]})).await;
        ann.post(&format!("objectives/{}/guardrails", guarding.expect(201).text("/id")), json!({"kpi_id": "sum"})).await.expect(201);
        app.it_is("2026-04-01T10:00:00Z");
        measured(&ann, "a", &[("2026-03-31", 5.0)]).await;
        let remedy = ann.get(&format!("remedies/{}", remedy.text("/id"))).await;
        assert_eq!(remedy.at("/outcome"), "recovered");
        assert_eq!(ann.get("events?type=remedy.recovered").await.at("/items").as_array().map(Vec::len), Some(1));
        let objective = ann.get(&format!("objectives/{}", remedy.text("/objective_id"))).await;
        assert_eq!(objective.at("/key_results/0/current/value"), 6.0);
    }

    /// An archived input takes no points, and what it was still counts.
    async fn an_archived_input_still_counts(app) {
        let ann = ann_measures(&app).await;
        kpi(&ann, "a", json!({})).await;
        kpi(&ann, "b", json!({})).await;
        measured(&ann, "a", &[("2026-02-10", 1.0)]).await;
        ann.delete("kpis/a").await.expect(204);
        computed(&ann, "sum", "a + b").await;
        measured(&ann, "b", &[("2026-02-11", 2.0), ("2026-03-11", 3.0)]).await;
        assert_eq!(shows(&ann, "sum").await, json!(["2026-02", 3.0, "unknown", "no_target"]));
        assert_eq!(gap(&ann, "sum").await, json!(["2026-03", "missing_input", ["a"]]));
        // What is computed is no work for anybody.
        app.it_is("2026-06-01T10:00:00Z");
        let due = ann.get("due").await;
        assert!(due.expect(200).raw.contains("\"b\"") && !due.raw.contains("\"sum\""), "{}", due.raw);
    }

    /// A running sum waits for the end of its period, whatever it is computed from.
    async fn a_computed_sum_counts_once_it_is_complete(app) {
        let ann = ann_measures(&app).await;
        for key in ["revenue", "cost"] {
            kpi(&ann, key, json!({"aggregation": "sum"})).await;
            measured(&ann, key, &[("2026-02-10", if key == "cost" { 40.0 } else { 100.0 }), ("2026-03-02", 30.0)]).await;
        }
        kpi(&ann, "margin", json!({"formula": "revenue - cost", "aggregation": "sum", "target": {"min": 50}})).await;
        assert_eq!(shows(&ann, "margin").await, json!(["2026-02", 60.0, "healthy", null]));
        let margin = ann.get("kpis/margin").await;
        assert_eq!((margin.at("/running/period"), margin.at("/running/value")), (&json!("2026-03"), &json!(0.0)));
        app.it_is("2026-04-01T10:00:00Z");
        assert_eq!(shows(&ann, "margin").await, json!(["2026-03", 0.0, "unhealthy", null]));
    }
}
