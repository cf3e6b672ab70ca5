//! Periods and episodes: the line of a chart and the stretches of ill health, now and as they stood.

use serde_json::{Value, json};

use crate::harness::{Answer, App, Caller, stories};

async fn kpi(owner: &Caller, fields: Value) {
    owner.post("kpis", fields).await.expect(201);
}

async fn put(owner: &Caller, kpi: &str, at: &str, value: f64) -> Answer {
    owner.put(&format!("kpis/{kpi}/points/{at}"), json!({"value": value})).await
}

/// One field of every item.
fn each(answer: &Answer, field: &str) -> Vec<Value> {
    answer.at("/items").as_array().expect("items").iter().map(|item| item[field].clone()).collect()
}

async fn told(owner: &Caller, kind: &str) -> Vec<Value> {
    let answer = owner.get(&format!("events?type={kind}&after=0")).await;
    each(&answer, "change")
}

/// The same person by a token, which outlives the ten minutes of signing in.
async fn by_token(app: &App, person: &Caller) -> Caller {
    let scopes = json!(["read", "write", "points:write"]);
    let made = person.post("tokens", json!({"name": "script", "scopes": scopes})).await;
    app.with_token("script", made.expect(201).text("/token")).inside(person.workspace())
}

stories! {
    /// Every period between the first and the last has an entry, judged by the target of its own last day.
    async fn periods_are_the_line_of_a_chart(app) {
        let ann = app.owner_of("ann", "acme").await;
        let ann = by_token(&app, &ann).await;
        kpi(&ann, json!({"name": "Conversion", "target": {"min": 3}, "tolerance": {"min": 2}})).await;
        for (at, value) in [("2025-10-10", 3.5), ("2025-12-10", 2.5), ("2026-01-10", 1.5), ("2026-03-10", 3.0)] {
            put(&ann, "conversion", at, value).await.expect(201);
        }
        let line = ann.get("kpis/conversion/periods").await;
        line.expect(200);
        assert_eq!(each(&line, "period"), ["2025-10", "2025-11", "2025-12", "2026-01", "2026-02", "2026-03"].map(Value::from));
        assert_eq!(each(&line, "value"), [json!(3.5), json!(null), json!(2.5), json!(1.5), json!(null), json!(3.0)]);
        assert_eq!(each(&line, "health"), ["healthy", "unknown", "at_risk", "unhealthy", "unknown", "healthy"].map(Value::from));
        assert_eq!(each(&line, "in_episode"), [false, false, false, true, true, true].map(Value::from));
        assert_eq!(each(&line, "complete"), [true, true, true, true, true, false].map(Value::from));
        assert_eq!(line.at("/items/3"), &json!({
            "period": "2026-01", "starts_on": "2026-01-01", "ends_on": "2026-01-31", "value": 1.5, "count": 1,
            "complete": true, "target": {"min": 3.0, "max": null}, "tolerance": {"min": 2.0, "max": null},
            "health": "unhealthy", "gap": 1.5, "in_episode": true, "revised": false,
        }));

        app.it_is("2026-03-31T10:00:00Z");
        put(&ann, "conversion", "2025-12-10", 2.75).await.expect(200);
        let line = ann.get("kpis/conversion/periods?from=2025-12-31&to=2026-01-01").await;
        assert_eq!(each(&line, "period"), ["2025-12", "2026-01"].map(Value::from));
        assert_eq!(each(&line, "revised"), [true, false].map(Value::from));
        assert_eq!(each(&ann.get("kpis/conversion/periods?to=2025-11-30").await, "period").len(), 2);
        assert_eq!(each(&ann.get("kpis/conversion/periods?from=2030-01-01").await, "period").len(), 0);
        ann.get("kpis/conversion/periods?cadence=monthly").await.expect(200);

        let refused = ann.get("kpis/conversion/periods?cadence=yearly&from=2026-02-01&to=2026-01-01").await;
        refused.refused(422, "validation_failed").names("cadence", "not_offered").names("to", "before_from");
        ann.get("kpis/conversion/periods?cadence=hourly").await.refused(400, "invalid_query");
        ann.get("kpis/conversion/periods?from=soon").await.refused(400, "invalid_query");
        ann.get("kpis/conversion/periods?limit=3").await.refused(400, "invalid_query");
        ann.get("kpis/nothing/periods").await.refused(404, "not_found");
    }

    /// The last 36 where nothing is asked for, and never more than 5,000.
    async fn a_long_line_is_cut(app) {
        let ann = app.owner_of("ann", "acme").await;
        kpi(&ann, json!({"name": "Daily", "cadence": "daily"})).await;
        kpi(&ann, json!({"name": "Weekly", "cadence": "weekly"})).await;
        kpi(&ann, json!({"name": "Whenever", "cadence": "irregular"})).await;
        for kpi in ["daily", "weekly", "whenever"] {
            put(&ann, kpi, "1990-01-01", 1.0).await.expect(201);
            put(&ann, kpi, "2026-03-30", 2.0).await.expect(201);
        }
        let line = ann.get("kpis/daily/periods").await;
        assert_eq!(each(&line, "period").len(), 36);
        assert_eq!(line.text("/items/35/period"), "2026-03-30");
        ann.get("kpis/daily/periods?from=1990-01-01").await.refused(422, "validation_failed").names("from", "too_many");
        ann.get("kpis/daily/periods?to=2026-03-30").await.refused(422, "validation_failed").names("from", "too_many");
        assert_eq!(each(&ann.get("kpis/daily/periods?from=2012-07-22").await, "period").len(), 5_000);
        ann.get("kpis/daily/periods?from=2012-07-21").await.names("from", "too_many");
        let line = ann.get("kpis/weekly/periods?from=2026-03-20").await;
        assert_eq!(each(&line, "period"), ["2026-W12", "2026-W13", "2026-W14"].map(Value::from));
        let line = ann.get("kpis/whenever/periods").await;
        assert_eq!(each(&line, "period"), ["1990-01-01", "2026-03-30"].map(Value::from));
        assert_eq!(each(&line, "complete"), [true, true].map(Value::from));
    }

    /// Episodes come newest first; the past is seen as it stood, and as it was known.
    async fn episodes_now_and_as_they_stood(app) {
        let ann = app.owner_of("ann", "acme").await;
        let ann = by_token(&app, &ann).await;
        kpi(&ann, json!({"name": "Wait", "target": {"max": 10}})).await;
        let months = [("2025-06", 9.0), ("2025-07", 12.0), ("2025-08", 14.0), ("2025-09", 8.0), ("2025-12", 11.0), ("2026-02", 13.0)];
        for (month, value) in months {
            put(&ann, "wait", &format!("{month}-15"), value).await.expect(201);
        }
        let list = ann.get("kpis/wait/episodes").await;
        assert_eq!(list.expect(200).at("/items"), &json!([
            {"opened_on": "2025-12-01", "opening_value": 11.0, "worst_value": 13.0, "worst_on": "2026-02-01", "worst_gap": -3.0,
             "closed_on": null, "closed_by": null, "days": 120},
            {"opened_on": "2025-07-01", "opening_value": 12.0, "worst_value": 14.0, "worst_on": "2025-08-01", "worst_gap": -4.0,
             "closed_on": "2025-09-30", "closed_by": "value", "days": 91},
        ]));
        let page = ann.get("kpis/wait/episodes?limit=1&include=total").await;
        assert_eq!(page.at("/total"), &json!(2));
        let next = ann.get(&format!("kpis/wait/episodes?limit=1&cursor={}", page.text("/next_cursor"))).await;
        assert_eq!(each(&next, "opened_on"), [json!("2025-07-01")]);

        let then = ann.get("kpis/wait/episodes?as_of=2025-08-31").await;
        assert_eq!(each(&then, "closed_on"), [json!(null)]);
        assert_eq!(each(&then, "days"), [json!(61)]);
        let then = ann.get("kpis/wait/periods?as_of=2025-08-31").await;
        assert_eq!(each(&then, "period"), ["2025-06", "2025-07", "2025-08"].map(Value::from));
        assert_eq!(each(&then, "complete"), [true, true, true].map(Value::from));
        let eve = ann.get("kpis/wait/periods?as_of=2025-08-30").await;
        assert_eq!(each(&eve, "complete"), [true, true, false].map(Value::from));
        assert_eq!(ann.get("kpis/wait/periods?as_of=2026-03-31").await.body, ann.get("kpis/wait/periods").await.body);

        // A correction heals; the old report can still be told.
        app.it_is("2026-03-31T12:00:00Z");
        put(&ann, "wait", "2025-07-15", 9.0).await.expect(200);
        put(&ann, "wait", "2025-08-15", 9.5).await.expect(200);
        assert_eq!(each(&ann.get("kpis/wait/episodes").await, "opened_on"), [json!("2025-12-01")]);
        let before = ann.get("kpis/wait/episodes?known_at=2026-03-31T11:59:59Z").await;
        assert_eq!(each(&before, "opened_on"), ["2025-12-01", "2025-07-01"].map(Value::from));
        let both = ann.get("kpis/wait/periods?known_at=2026-03-31T11:00:00Z&as_of=2025-07-31").await;
        assert_eq!(each(&both, "value"), [json!(9.0), json!(12.0)]);
        assert_eq!(each(&both, "revised"), [false, false].map(Value::from));
        let after = ann.get("kpis/wait/periods?known_at=2026-03-31T12:00:00Z&as_of=2025-07-31").await;
        assert_eq!(each(&after, "value"), [json!(9.0), json!(9.0)]);

        for path in ["kpis/wait/episodes", "kpis/wait/periods"] {
            let refused = ann.get(&format!("{path}?as_of=2026-04-01&known_at=2026-03-31T12:00:01Z")).await;
            refused.refused(422, "validation_failed");
            refused.names("as_of", "in_the_future").names("known_at", "in_the_future");
            ann.get(&format!("{path}?as_of=yesterday")).await.refused(400, "invalid_query");
        }
    }

    /// The journal tells of health that changed now; a backfill of old periods only that history changed.
    async fn a_backfill_is_told_once(app) {
        let ann = app.owner_of("ann", "acme").await;
        kpi(&ann, json!({"name": "Wait", "target": {"max": 10}})).await;
        put(&ann, "wait", "2026-02-15", 12.0).await.expect(201);
        assert_eq!(told(&ann, "kpi.health_changed").await, [
            json!({"from": "unknown", "to": "unhealthy", "period": "2026-02", "value": 12.0}),
        ]);
        let old: Vec<Value> = (1..=12)
            .map(|month| json!({"kpi": "wait", "at": format!("2025-{month:02}-10"), "value": if month % 2 == 0 { 20 } else { 1 }}))
            .collect();
        ann.post("points", json!(old)).await.expect(200);
        assert_eq!(told(&ann, "kpi.health_changed").await.len(), 1);
        assert_eq!(told(&ann, "kpi.history_changed").await, [
            json!({"from": "2025-01-01", "to": "2025-12-01", "periods": 12}),
        ]);
        // The next month is no history.
        put(&ann, "wait", "2026-03-15", 13.0).await.expect(201);
        assert_eq!(told(&ann, "kpi.history_changed").await.len(), 1);
        put(&ann, "wait", "2026-03-15", 3.0).await.expect(200);
        assert_eq!(told(&ann, "kpi.health_changed").await.len(), 2);
        assert_eq!(told(&ann, "kpi.history_changed").await.len(), 1);
    }

    /// A sum that completes is shown without a write, and what is stale turns unknown by the clock alone.
    async fn what_is_shown_follows_the_clock(app) {
        let ann = app.owner_of("ann", "acme").await;
        let ann = by_token(&app, &ann).await;
        kpi(&ann, json!({"name": "Orders", "aggregation": "sum", "target": {"min": 100}})).await;
        put(&ann, "orders", "2026-02-10", 120.0).await.expect(201);
        let running = put(&ann, "orders", "2026-03-10", 50.0).await;
        assert_eq!(running.at("/health"), &json!({"before": "healthy", "after": "healthy"}));
        app.it_is("2026-03-31T21:59:59Z");
        assert_eq!(put(&ann, "orders", "2026-03-10", 50.0).await.text("/health/before"), "healthy");
        app.it_is("2026-03-31T22:00:00Z");
        let turned = put(&ann, "orders", "2026-03-10", 50.0).await;
        assert_eq!(turned.text("/result"), "unchanged");
        assert_eq!(turned.text("/health/before"), "unhealthy");
        assert_eq!(turned.at("/period/complete"), &json!(true));

        kpi(&ann, json!({"name": "Load", "cadence": "daily", "target": {"max": 1}})).await;
        put(&ann, "load", "2026-04-01", 0.5).await.expect(201);
        app.it_is("2026-04-04T00:00:00Z");
        let stale = put(&ann, "load", "2026-04-01", 0.5).await;
        assert_eq!(stale.text("/health/before"), "unknown");
        let fresh = put(&ann, "load", "2026-04-04", 0.5).await;
        assert_eq!(fresh.at("/health"), &json!({"before": "unknown", "after": "healthy"}));
    }
}
