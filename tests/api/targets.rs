//! Targets: from a date on, never rewriting what was judged, and nothing lost.

use serde_json::{Value, json};

use crate::harness::{Answer, App, Caller, stories};

async fn churn(caller: &Caller) {
    caller.post("kpis", json!({"name": "Churn", "key": "churn"})).await.expect(201);
}

/// The same person by a token, which holds on while the clock moves.
async fn lasting(app: &App, person: &Caller) -> Caller {
    let answer = person
        .post(
            "tokens",
            json!({"name": "lasting", "scopes": ["read", "write", "admin"], "expires_in_days": 366}),
        )
        .await;
    answer.expect(201);
    app.with_token("a lasting caller", answer.text("/token")).inside(person.workspace())
}

async fn set(caller: &Caller, body: Value) -> Answer {
    caller.post("kpis/churn/targets", body).await
}

async fn point(caller: &Caller, day: &str, value: f64) {
    let answer = caller.put(&format!("kpis/churn/points/{day}"), json!({"value": value})).await;
    assert!(answer.status < 300, "{} answered {}", answer.call, answer.raw);
}

/// The dates of the listed targets.
async fn dates(caller: &Caller, query: &str) -> Vec<Value> {
    let list = caller.get(&format!("kpis/churn/targets{query}")).await;
    let items = list.expect(200).at("/items").as_array().expect("items");
    items.iter().map(|item| item["effective_from"].clone()).collect()
}

/// How many events of a type there are.
async fn told(caller: &Caller, kind: &str) -> usize {
    let list = caller.get(&format!("events?type={kind}&limit=200")).await;
    list.at("/items").as_array().expect("items").len()
}

stories! {
    async fn the_first_target_holds_from_the_beginning_and_later_ones_from_the_present_period(app) {
        let ann = app.owner_of("ann", "acme").await;
        churn(&ann).await;
        for (day, value) in [("2026-01-31", 4.0), ("2026-02-28", 4.0), ("2026-03-31", 4.0)] {
            point(&ann, day, value).await;
        }
        let first =
            set(&ann, json!({"target": {"max": 3}, "tolerance": {"max": 5}, "note": "As agreed."})).await;
        first.expect(201);
        assert_eq!(first.at("/effective_from"), &Value::Null);
        assert_eq!(first.at("/target"), &json!({"min": null, "max": 3.0}));
        assert_eq!(first.at("/tolerance"), &json!({"min": null, "max": 5.0}));
        assert_eq!((first.text("/note"), first.at("/backdated")), ("As agreed.", &json!(false)));
        assert_eq!(ann.get(first.header("location")).await.expect(200).body, first.body);
        let kpi = ann.get("kpis/churn").await;
        assert_eq!((kpi.text("/health"), kpi.at("/version")), ("at_risk", &json!(2)));

        let later = set(&ann, json!({"target": {"max": 4}})).await;
        assert_eq!(later.expect(201).at("/effective_from"), "2026-03-01");
        assert_eq!(ann.get(later.header("location")).await.expect(200).body, later.body);
        assert_eq!(ann.get("kpis/churn").await.text("/health"), "healthy");
        assert_eq!(ann.get("kpis/churn?as_of=2026-02-28").await.text("/health"), "at_risk", "history stays");
        assert_eq!(ann.get("kpis/churn").await.at("/target/effective_from"), "2026-03-01");
        assert_eq!(dates(&ann, "").await, [json!("2026-03-01"), Value::Null]);
        assert_eq!(told(&ann, "target.created").await, 2);
    }

    async fn one_target_per_date_and_nothing_lost(app) {
        let ann = app.owner_of("ann", "acme").await;
        let ann = lasting(&app, &ann).await;
        churn(&ann).await;
        set(&ann, json!({"target": {"max": 3}})).await.expect(201);
        let planned = json!({"effective_from": "2026-06-15", "target": {"max": 2}});
        set(&ann, planned.clone()).await.expect(201);
        let version = ann.get("kpis/churn").await.at("/version").clone();
        app.it_is("2026-03-31T10:00:00Z");
        set(&ann, planned).await.expect(200);
        assert_eq!(told(&ann, "target.created").await, 2, "the same again is no change");
        assert_eq!(ann.get("kpis/churn").await.at("/version"), &version);
        let other = set(&ann, json!({"effective_from": "2026-06-15", "target": {"max": 1}})).await;
        other.expect(201);
        assert_eq!(dates(&ann, "").await, [json!("2026-06-15"), Value::Null]);
        assert_eq!(
            dates(&ann, "?include_replaced=true").await,
            [json!("2026-06-15"), json!("2026-06-15"), Value::Null]
        );
        let all = ann.get("kpis/churn/targets?include_replaced=true").await;
        assert_eq!(all.at("/items/0/target/max"), 1.0);
        assert_eq!(all.at("/items/1/replaced_at"), "2026-03-31T10:00:00.000000Z");
        assert_eq!(ann.get("kpis/churn").await.at("/target/max"), 3.0, "it is not June yet");
        app.it_is("2026-06-15T00:00:00Z");
        assert_eq!(ann.get("kpis/churn").await.at("/target/max"), 1.0, "it is, without any write");

        let today = set(&ann, json!({"target": {"max": 7}})).await;
        assert_eq!(today.expect(201).at("/effective_from"), "2026-06-15", "it follows the one in force");
        assert_eq!(ann.get("kpis/churn").await.at("/target/max"), 7.0);
        let page = ann.get("kpis/churn/targets?limit=1&include=total").await;
        assert_eq!(page.at("/total"), 2);
        let next = ann.get(&format!("kpis/churn/targets?limit=1&cursor={}", page.text("/next_cursor"))).await;
        assert_eq!(next.expect(200).at("/items/0/effective_from"), &Value::Null);
        ann.get("kpis/churn/targets?include_replaced=maybe").await.refused(400, "invalid_query");
    }

    async fn the_past_is_for_admins(app) {
        let ann = app.owner_of("ann", "acme").await;
        let mel = app.joins(&ann, "mel", "member").await;
        let tom = app.joins(&ann, "tom", "member").await;
        churn(&mel).await;
        point(&mel, "2026-02-28", 4.0).await;
        set(&tom, json!({"target": {"max": 3}})).await.refused(403, "forbidden");
        set(&mel, json!({"target": {"max": 3}})).await.expect(201);
        set(&mel, json!({"target": {"max": 4}, "effective_from": "2026-02-01"}))
            .await
            .refused(403, "forbidden");
        mel.delete("kpis/churn/targets/beginning").await.refused(403, "forbidden");
        set(&mel, json!({"target": {"max": 2}, "effective_from": "2026-03-15"})).await.expect(201);
        assert_eq!(ann.get("kpis/churn").await.text("/health"), "unhealthy");
        let past = set(&ann, json!({"target": {"max": 4}, "effective_from": "2026-02-01"})).await;
        assert_eq!(past.expect(201).at("/backdated"), true);
        assert_eq!(ann.get("kpis/churn").await.text("/health"), "healthy", "judged anew");
        mel.delete("kpis/churn/targets/2026-02-01").await.refused(403, "forbidden");
        ann.delete("kpis/churn/targets/2026-02-01").await.expect(204);
        assert_eq!(ann.get("kpis/churn").await.text("/health"), "unhealthy");
        mel.delete("kpis/churn/targets/2026-03-15").await.expect(204);
        ann.delete("kpis/churn/targets/beginning").await.expect(204);
        assert_eq!(ann.get("kpis/churn").await.text("/health_reason"), "no_target");
        assert_eq!(told(&ann, "target.deleted").await, 3);
        assert_eq!(dates(&ann, "").await, Vec::<Value>::new());
        assert_eq!(dates(&ann, "?include_replaced=true").await.len(), 3);
        let known = ann.get("kpis/churn?known_at=2026-03-31T09:30:00Z").await;
        known.expect(200);
    }

    async fn a_target_can_end(app) {
        let ann = app.owner_of("ann", "acme").await;
        churn(&ann).await;
        point(&ann, "2026-02-28", 2.0).await;
        point(&ann, "2026-03-30", 2.0).await;
        set(&ann, json!({"target": {"max": 3}})).await.expect(201);
        assert_eq!(ann.get("kpis/churn").await.text("/health"), "healthy");
        let end = set(&ann, json!({"target": null})).await;
        assert_eq!(
            (end.expect(201).at("/target"), end.at("/effective_from")),
            (&Value::Null, &json!("2026-03-01"))
        );
        let kpi = ann.get("kpis/churn").await;
        assert_eq!(
            (kpi.text("/health"), kpi.text("/health_reason"), kpi.at("/target")),
            ("unknown", "no_target", &Value::Null)
        );
        assert_eq!(ann.get("kpis/churn?as_of=2026-02-28").await.text("/health"), "healthy");
    }

    async fn what_is_wrong_is_named_and_nothing_is_stored(app) {
        let ann = app.owner_of("ann", "acme").await;
        churn(&ann).await;
        let target = json!({"min": 1, "max": 3});
        for (body, pointer, code) in [
            (json!({}), "/target", "required"),
            (json!({"target": {}}), "/target/min", "empty_band"),
            (json!({"target": {"min": 2, "max": 1}}), "/target/min", "min_above_max"),
            (json!({"target": {"min": "1"}}), "/target/min", "wrong_type"),
            (json!({"target": 3}), "/target", "wrong_type"),
            (json!({"target": {"max": 1e16}}), "/target/max", "out_of_bounds"),
            (json!({"target": {"value": 1}}), "/target/value", "unknown_field"),
            (json!({"target": target, "tolerance": {"min": 2}}), "/tolerance/min", "tolerance_inside_target"),
            (json!({"target": target, "tolerance": {"max": 2}}), "/tolerance/max", "tolerance_inside_target"),
            (
                json!({"target": {"max": 3}, "tolerance": {"min": 0}}),
                "/tolerance/min",
                "tolerance_without_target",
            ),
            (json!({"target": null, "tolerance": {"max": 0}}), "/tolerance/max", "tolerance_without_target"),
            (json!({"target": target, "effective_from": "2026-02-30"}), "/effective_from", "malformed"),
            (
                json!({"target": target, "effective_from": "2026-03-31T00:00:00Z"}),
                "/effective_from",
                "malformed",
            ),
            (json!({"target": target, "effective_from": "1899-12-31"}), "/effective_from", "out_of_bounds"),
            (json!({"target": target, "note": "x".repeat(4_001)}), "/note", "too_long"),
            (json!({"target": target, "colour": "red"}), "/colour", "unknown_field"),
        ] {
            set(&ann, body).await.refused(422, "validation_failed").names(pointer, code);
        }
        let dry = ann.post("kpis/churn/targets?dry_run=true", json!({"target": target})).await;
        dry.expect(201);
        ann.delete("kpis/churn/targets/2026-03-01").await.refused(404, "not_found");
        ann.get("kpis/churn/targets/beginning").await.refused(404, "not_found");
        ann.get("kpis/churn/targets/soon").await.refused(400, "invalid_id");
        ann.get("kpis/nothing/targets").await.refused(404, "not_found");
        assert_eq!(dates(&ann, "?include_replaced=true").await, Vec::<Value>::new());
        assert_eq!(told(&ann, "target.created").await, 0);
        assert_eq!(ann.get("kpis/churn").await.at("/version"), 1);
    }

    /// A year of targets, set in advance: each takes its turn by the clock, and what was judged stays.
    async fn a_calendar_of_targets(app) {
        let ann = app.owner_of("ann", "acme").await;
        let ann = lasting(&app, &ann).await;
        churn(&ann).await;
        set(&ann, json!({"target": {"max": 5}})).await.expect(201);
        for (from, max) in [("2026-10-01", 2.0), ("2026-04-01", 4.0), ("2026-07-01", 3.0)] {
            set(&ann, json!({"effective_from": from, "target": {"max": max}})).await.expect(201);
        }
        assert_eq!(dates(&ann, "").await, [json!("2026-10-01"), json!("2026-07-01"), json!("2026-04-01"), Value::Null]);
        for (now, day, max, health) in [
            ("2026-03-31T10:00:00Z", "2026-03-31", 5.0, "healthy"),
            ("2026-06-30T10:00:00Z", "2026-06-30", 4.0, "healthy"),
            ("2026-07-01T10:00:00Z", "2026-07-01", 3.0, "unhealthy"),
            ("2026-11-30T10:00:00Z", "2026-11-30", 2.0, "unhealthy"),
        ] {
            app.it_is(now);
            point(&ann, day, 3.5).await;
            let kpi = ann.get("kpis/churn").await;
            assert_eq!((kpi.number("/target/max"), kpi.text("/health")), (max, health), "on {day}");
        }
        let line = ann.get("kpis/churn/periods?from=2026-03-01").await;
        let judged = line.at("/items").as_array().expect("items").iter();
        let maxima: Vec<Value> = judged.map(|item| item["target"]["max"].clone()).collect();
        assert_eq!(maxima, [5.0, 4.0, 4.0, 4.0, 3.0, 3.0, 3.0, 2.0, 2.0].map(Value::from));
        ann.delete("kpis/churn/targets/2026-10-01").await.expect(204);
        assert_eq!(ann.get("kpis/churn").await.at("/target/max"), 3.0, "the one before holds on");
    }

    /// What if this had been the target all along? Nothing is stored, and the answer says.
    async fn a_dry_run_says_how_the_past_would_have_been_judged(app) {
        let ann = app.owner_of("ann", "acme").await;
        churn(&ann).await;
        set(&ann, json!({"target": {"max": 5}})).await.expect(201);
        for (day, value) in [("2025-12-31", 2.0), ("2026-01-31", 4.0), ("2026-02-28", 4.5), ("2026-03-31", 6.0)] {
            point(&ann, day, value).await;
        }
        let body = json!({"effective_from": "2026-07-01", "target": {"max": 3}, "tolerance": {"max": 4}});
        let dry = ann.post("kpis/churn/targets?dry_run=true", body.clone()).await;
        assert_eq!(dry.expect(201).at("/effective_from"), "2026-07-01");
        let what_if = dry.at("/what_if");
        assert_eq!(what_if["before"], json!({"healthy": 3, "at_risk": 0, "unhealthy": 1, "unknown": 0}));
        assert_eq!(what_if["after"], json!({"healthy": 1, "at_risk": 1, "unhealthy": 2, "unknown": 0}));
        assert_eq!(what_if["changed"], 2);
        assert_eq!(what_if["periods"][1], json!({
            "period": "2026-01", "starts_on": "2026-01-01", "value": 4.0, "before": "healthy", "after": "at_risk",
        }));
        assert_eq!(dates(&ann, "?include_replaced=true").await, [Value::Null], "nothing is stored");
        assert_eq!(ann.get("kpis/churn").await.text("/health"), "unhealthy");
        let none = ann.post("kpis/churn/targets?dry_run=true", json!({"target": null})).await;
        assert_eq!(none.expect(201).at("/what_if/after/unknown"), 4);
        let same = ann.post("kpis/churn/targets?dry_run=true", json!({"effective_from": "2026-04-01", "target": {"max": 5}})).await;
        assert_eq!(same.expect(201).at("/what_if/changed"), 0);
        assert_eq!(set(&ann, body).await.expect(201).at("/what_if"), &Value::Null, "for real there is no if");
        ann.post("kpis/churn/targets?dry_run=maybe", json!({"target": null})).await.refused(400, "invalid_query");
    }
}
