//! Points: put, corrected, deleted, posted by the thousand, and read back.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, App, Caller, stories};

async fn kpi(owner: &Caller, fields: Value) {
    owner.post("kpis", fields).await.expect(201);
}

/// The types of what happened, oldest first, from a sequence on.
async fn told(owner: &Caller, after: i64) -> Vec<String> {
    let answer = owner.get(&format!("events?after={after}")).await;
    let items = answer.at("/items").as_array().expect("events").clone();
    items.iter().map(|event| event["type"].as_str().expect("a type").to_owned()).collect()
}

/// The types of what happened to a KPI, oldest first.
async fn about(owner: &Caller, kpi: &str) -> Vec<String> {
    let id = owner.get(&format!("kpis/{kpi}")).await.text("/id").to_owned();
    let answer = owner.get(&format!("events?after=0&subject={id}")).await;
    let items = answer.at("/items").as_array().expect("events").clone();
    items.iter().map(|event| event["type"].as_str().expect("a type").to_owned()).collect()
}

async fn newest_event(owner: &Caller) -> i64 {
    owner.get("events?limit=1").await.at("/items/0/sequence").as_i64().expect("a sequence")
}

async fn count(owner: &Caller, kpi: &str) -> i64 {
    let answer = owner.get(&format!("kpis/{kpi}/points?include=total&limit=1")).await;
    answer.expect(200).at("/total").as_i64().expect("a total")
}

async fn csv(caller: &Caller, query: &str, body: &str) -> Answer {
    caller.call(Method::POST, &format!("points{query}")).raw("text/csv", body).send().await
}

async fn ndjson(caller: &Caller, body: &str) -> Answer {
    caller.call(Method::POST, "points").raw("application/x-ndjson", body).send().await
}

fn rejected(answer: &Answer) -> Vec<(i64, String, String)> {
    let items = answer.at("/rejected").as_array().expect("a list");
    items
        .iter()
        .map(|item| {
            let text = |field: &str| item[field].as_str().expect("a text").to_owned();
            (item["index"].as_i64().expect("an index"), text("pointer"), text("code"))
        })
        .collect()
}

fn is(index: i64, pointer: &str, code: &str) -> (i64, String, String) {
    (index, pointer.to_owned(), code.to_owned())
}

/// The same person by a token, which outlives the ten minutes of signing in.
async fn by_token(app: &App, person: &Caller) -> Caller {
    let scopes = json!(["read", "write", "points:write"]);
    let made = person.post("tokens", json!({"name": "script", "scopes": scopes})).await;
    app.with_token("script", made.expect(201).text("/token")).inside(person.workspace())
}

stories! {
    /// A point is put, corrected and deleted; each tells what it changed.
    async fn a_point_is_put_corrected_and_deleted(app) {
        let ann = app.owner_of("ann", "acme").await;
        kpi(&ann, json!({"name": "Churn rate", "target": {"max": 5}, "tolerance": {"max": 6}})).await;
        let put = ann.put("kpis/churn-rate/points/2026-03-31", json!({"value": 4.2})).await;
        put.expect(201);
        assert_eq!(put.text("/result"), "created");
        assert_eq!(put.text("/point/at"), "2026-03-30T22:00:00.000000Z");
        assert_eq!(put.text("/point/on"), "2026-03-31");
        assert_eq!(put.text("/point/origin"), "person");
        assert_eq!(put.text("/point/recorded_by/name"), "ann");
        let script = by_token(&app, &ann).await;
        assert_eq!(put.at("/period"), &json!({
            "period": "2026-03", "starts_on": "2026-03-01", "ends_on": "2026-03-31", "value": 4.2,
            "count": 1, "complete": false, "health": "healthy",
        }));
        assert_eq!(put.at("/health"), &json!({"before": "unknown", "after": "healthy"}));
        let shown = ann.get(put.header("location")).await;
        assert_eq!(shown.expect(200).body, put.body["point"]);

        let again = ann.put("kpis/churn-rate/points/2026-03-31", json!({"value": 4.2})).await;
        assert_eq!(again.expect(200).text("/result"), "unchanged");
        assert_eq!(again.at("/health"), &json!({"before": "healthy", "after": "healthy"}));
        assert_eq!(about(&ann, "churn-rate").await, ["kpi.created", "target.created", "points.recorded", "kpi.health_changed"]);

        app.it_is("2026-03-31T10:00:00Z");
        let ann = script;
        let before = newest_event(&ann).await;
        let corrected = ann
            .put("kpis/churn-rate/points/2026-03-31", json!({"value": 6.5, "note": "late", "quality": "estimated"}))
            .await;
        assert_eq!(corrected.expect(200).text("/result"), "replaced");
        assert_eq!(corrected.text("/period/health"), "unhealthy");
        assert_eq!(corrected.at("/health"), &json!({"before": "healthy", "after": "unhealthy"}));
        assert_eq!(corrected.text("/point/quality"), "estimated");

        // A feed of its own is a point of its own.
        let north = ann.put("kpis/churn-rate/points/2026-03-31", json!({"value": 1, "feed": "a&b ü"})).await;
        assert_eq!(north.expect(201).at("/period/count"), &json!(2));
        ann.get(north.header("location")).await.expect(200);
        ann.delete("kpis/churn-rate/points/2026-03-31?feed=a%26b%20%C3%BC").await.expect(204);
        ann.delete("kpis/churn-rate/points/2026-03-31?feed=a%26b%20%C3%BC").await.refused(404, "not_found");

        app.it_is("2026-03-31T11:00:00Z");
        ann.delete("kpis/churn-rate/points/2026-03-31").await.expect(204);
        ann.delete("kpis/churn-rate/points/2026-03-31").await.refused(404, "not_found");
        ann.get("kpis/churn-rate/points/2026-03-31").await.refused(404, "not_found");
        assert_eq!(count(&ann, "churn-rate").await, 0);
        assert_eq!(ann.get("kpis/churn-rate/periods").await.at("/items"), &json!([]));
        let types = told(&ann, before).await;
        assert_eq!(types.iter().filter(|kind| *kind == "points.recorded").count(), 4);

        // What it said is not lost.
        for (known_at, value) in [("09:59", json!(4.2)), ("10:30", json!(6.5))] {
            let past = ann.get(&format!("kpis/churn-rate/periods?known_at=2026-03-31T{known_at}:00Z")).await;
            assert_eq!(past.expect(200).at("/items/0/value"), &value);
        }
    }

    /// What is not a point is refused with pointer and code, and nothing of it is stored.
    async fn what_is_no_point_is_refused(app) {
        let ann = app.owner_of("ann", "acme").await;
        kpi(&ann, json!({"name": "Churn"})).await;
        let before = newest_event(&ann).await;
        let path = "kpis/churn/points/2026-03-31";
        let long = "x".repeat(65);
        let cases = [
            (json!({}), "/value", "required"),
            (json!({"value": "4.2"}), "/value", "wrong_type"),
            (json!({"value": null}), "/value", "wrong_type"),
            (json!({"value": [4.2]}), "/value", "wrong_type"),
            (json!({"value": 1.1e15}), "/value", "out_of_bounds"),
            (json!({"value": -1.1e15}), "/value", "out_of_bounds"),
            (json!({"value": 1, "colour": "red"}), "/colour", "unknown_field"),
            (json!({"value": 1, "feed": long}), "/feed", "too_long"),
            (json!({"value": 1, "feed": "a\tb"}), "/feed", "malformed"),
            (json!({"value": 1, "feed": "a\u{85}b"}), "/feed", "malformed"),
            (json!({"value": 1, "feed": 7}), "/feed", "wrong_type"),
            (json!({"value": 1, "note": "a\u{0}b"}), "/note", "nul"),
            (json!({"value": 1, "note": "x".repeat(4001)}), "/note", "too_long"),
            (json!({"value": 1, "quality": "guessed"}), "/quality", "unknown_value"),
            (json!([]), "", "wrong_type"),
        ];
        for (body, pointer, code) in cases {
            ann.put(path, body.clone()).await.refused(422, "validation_failed").names(pointer, code);
            ann.post("kpis/churn/points", body).await.refused(422, "validation_failed").names(pointer, code);
        }
        // All at once.
        let both = ann.put(path, json!({"value": "4.2", "colour": "red"})).await;
        both.names("/value", "wrong_type").names("/colour", "unknown_field");
        ann.post("kpis/churn/points", json!({"value": 1, "at": "yesterday"})).await.names("/at", "malformed");
        ann.post("kpis/churn/points", json!({"value": 1, "at": "2026-02-30"})).await.names("/at", "malformed");
        ann.put(path, json!({"value": 1, "at": "2026-03-31"})).await.names("/at", "unknown_field");

        for raw in ["{\"value\": 1e400}", "{\"value\": NaN}", "{\"value\": 1", "{\"value\":1,\"value\":2}", ""] {
            let answer = ann.call(Method::PUT, path).raw("application/json", raw).send().await;
            answer.refused(400, "malformed_body");
        }
        ann.call(Method::PUT, path).raw("text/plain", "4.2").send().await.refused(415, "unsupported_media_type");

        for at in ["yesterday", "2026-02-30", "2026-03-31T09:30:00", "2026-3-1"] {
            ann.put(&format!("kpis/churn/points/{at}"), json!({"value": 1})).await.refused(400, "invalid_id");
        }
        for at in ["2026-04-02", "2027-01-01", "2026-03-31T09:36:00Z"] {
            let put = ann.put(&format!("kpis/churn/points/{at}"), json!({"value": 1})).await;
            put.refused(422, "validation_failed").names("at", "in_the_future");
            let post = ann.post("kpis/churn/points", json!({"value": 1, "at": at})).await;
            post.refused(422, "validation_failed").names("/at", "in_the_future");
        }
        ann.put("kpis/churn/points/1969-12-31", json!({"value": 1})).await.names("at", "out_of_bounds");
        ann.get("kpis/churn/points?feed=%00").await.refused(400, "invalid_query");
        ann.get("kpis/churn/points?colour=red").await.refused(400, "invalid_query");
        ann.get("kpis/churn/points?from=yesterday").await.refused(400, "invalid_query");

        assert_eq!(count(&ann, "churn").await, 0);
        assert_eq!(newest_event(&ann).await, before);
        // The edges are taken; -0 is 0, and every number comes back as it was sent.
        for (at, value) in [
            ("2026-04-01", 1e15),
            ("2026-03-31T09:35:00Z", -1e15),
            ("2026-03-31T09:30:00.123456%2B02:00", 0.1 + 0.2),
            ("1970-01-01", 5e-324),
        ] {
            let put = ann.put(&format!("kpis/churn/points/{at}"), json!({"value": value})).await;
            assert_eq!(put.expect(201).number("/point/value"), value);
        }
        let zero = ann.call(Method::PUT, path).raw("application/json", "{\"value\": -0.0}").send().await;
        assert!(zero.expect(201).raw.contains("\"value\":0.0"));
    }

    /// A retry of a sum's point without a date would count twice, so it wants a key; with one it counts once.
    async fn a_retry_counts_once(app) {
        let ann = app.owner_of("ann", "acme").await;
        kpi(&ann, json!({"name": "Orders", "aggregation": "sum"})).await;
        kpi(&ann, json!({"name": "Load"})).await;
        ann.post("kpis/orders/points", json!({"value": 3})).await.refused(409, "not_repeatable");
        for (replayed, result) in [("", "created"), ("true", "created")] {
            let posted = ann
                .call(Method::POST, "kpis/orders/points")
                .header("idempotency-key", "one")
                .json(&json!({"value": 3}))
                .send()
                .await;
            assert_eq!(posted.expect(201).text("/result"), result);
            assert_eq!(posted.header("idempotent-replayed"), replayed);
            assert_eq!(posted.number("/period/value"), 3.0);
            app.it_is("2026-03-31T09:31:00Z");
        }
        ann.post("kpis/orders/points", json!({"value": 3, "at": "2026-03-30"})).await.expect(201);
        let now = ann.post("kpis/load/points", json!({"value": 3})).await;
        assert_eq!(now.expect(201).text("/point/at"), "2026-03-31T09:31:00.000000Z");
    }

    /// Who may post, and where: the KPI's own people, tokens that were made for it, and nobody to the archive.
    async fn posting_needs_the_right(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "member").await;
        let vic = app.joins(&ann, "vic", "viewer").await;
        let eve = app.owner_of("eve", "elsewhere").await;
        kpi(&ann, json!({"name": "Sales north"})).await;
        kpi(&bob, json!({"name": "Bobs own"})).await;
        kpi(&eve, json!({"name": "Foreign"})).await;
        let body = json!({"value": 1});
        let path = "kpis/sales-north/points/2026-03-31";

        bob.put(path, body.clone()).await.refused(403, "forbidden");
        vic.put(path, body.clone()).await.refused(403, "forbidden");
        eve.put("/v1/workspaces/acme/kpis/sales-north/points/2026-03-31", body.clone()).await.refused(404, "not_found");
        ann.put("kpis/foreign/points/2026-03-31", body.clone()).await.refused(404, "not_found");
        let foreign = eve.get("kpis/foreign").await.text("/id").to_owned();
        ann.put(&format!("kpis/{foreign}/points/2026-03-31"), body.clone()).await.refused(404, "not_found");
        ann.put("kpis/team_01h455vb4pex5vsknk084sn02q/points/2026-03-31", body.clone()).await.refused(400, "invalid_id");
        bob.delete(path).await.refused(403, "forbidden");
        bob.put("kpis/bobs-own/points/2026-03-31", body.clone()).await.expect(201);

        let made = bob
            .post("tokens", json!({"name": "cron", "scopes": ["points:write"], "key_patterns": ["sales-*"]}))
            .await;
        let cron = app.with_token("cron", made.expect(201).text("/token")).inside("acme");
        let put = cron.put(path, body.clone()).await;
        assert_eq!(put.expect(201).text("/point/origin"), "token");
        assert_eq!(put.text("/point/recorded_by/name"), "cron");
        assert_eq!(put.text("/point/recorded_by/type"), "token");
        cron.put("kpis/bobs-own/points/2026-03-30", body.clone()).await.refused(403, "insufficient_scope");
        cron.get("kpis/sales-north/points").await.refused(403, "insufficient_scope");

        // In a batch the item alone is refused.
        let batch = json!([
            {"kpi": "sales-north", "at": "2026-03-30", "value": 1},
            {"kpi": "bobs-own", "at": "2026-03-30", "value": 1},
            {"kpi": "foreign", "at": "2026-03-30", "value": 1},
        ]);
        let taken = bob.post("points", batch.clone()).await;
        assert_eq!(rejected(taken.expect(207)), [is(0, "/0/kpi", "forbidden"), is(2, "/2/kpi", "not_found")]);
        let taken = cron.post("points", batch).await;
        assert_eq!(rejected(taken.expect(207)), [is(1, "/1/kpi", "forbidden"), is(2, "/2/kpi", "not_found")]);

        ann.delete("kpis/sales-north").await.expect(204);
        ann.put(path, json!({"value": 2})).await.refused(409, "kpi_archived");
        ann.post("kpis/sales-north/points", body.clone()).await.refused(409, "kpi_archived");
        ann.delete(path).await.refused(409, "kpi_archived");
        let batch = ann.post("points", json!([{"kpi": "sales-north", "at": "2026-03-30", "value": 5}])).await;
        assert_eq!(rejected(batch.expect(422)), [is(0, "/0/kpi", "kpi_archived")]);
        assert_eq!(count(&ann, "sales-north").await, 2);
    }

    /// Items of a batch are judged one by one, and what is right is stored.
    async fn a_batch_is_judged_item_by_item(app) {
        let ann = app.owner_of("ann", "acme").await;
        kpi(&ann, json!({"name": "Churn", "target": {"max": 5}, "aliases": ["crm:churn"]})).await;
        kpi(&ann, json!({"name": "Orders", "aggregation": "sum"})).await;
        ann.patch("kpis/orders", json!({"key": "orders-placed"})).await.expect(200);
        let id = ann.get("kpis/churn").await.text("/id").to_owned();
        let before = newest_event(&ann).await;

        let answer = ann
            .post("points", json!([
                {"kpi": "churn", "at": "2026-03-29", "value": 1},
                {"kpi": id, "at": "2026-03-30", "value": 2},
                {"kpi": "crm:churn", "at": "2026-03-31", "value": 7},
                {"kpi": "orders", "at": "2026-03-29", "value": 3, "feed": "shop", "note": "n", "quality": "estimated"},
                {"kpi": "orders-placed", "at": "2026-03-29", "value": 4, "feed": "shop"},
                {"kpi": "orders", "at": "2026-03-29T00:00:00+01:00", "value": 5, "feed": "shop"},
                {"kpi": "orders", "at": "2026-03-20", "value": null},
                {"kpi": "nothing", "at": "2026-03-29", "value": 1},
                {"kpi": "team_01h455vb4pex5vsknk084sn02q", "at": "2026-03-29", "value": 1},
                {"kpi": "kpi_01h455vb4pex5vsknk084sn02q", "at": "2026-03-29", "value": 1},
                {"kpi": "churn", "at": "2026-03-29", "value": "4.2"},
                {"kpi": "churn", "at": "2027-03-29", "value": 1},
                {"kpi": "churn", "at": "1969-03-29", "value": 1},
                {"kpi": "churn", "at": "29.3.2026", "value": 1},
                {"kpi": "churn", "at": "2026-02-30", "value": 1},
                {"kpi": "churn", "at": "2026-03-29"},
                {"kpi": "churn", "value": 1, "colour": "red"},
                7,
            ]))
            .await;
        answer.expect(207);
        assert_eq!(answer.at("/counts"), &json!({
            "created": 4, "replaced": 0, "unchanged": 1, "deleted": 0, "superseded": 2, "rejected": 11,
        }));
        assert_eq!(rejected(&answer), [
            is(7, "/7/kpi", "not_found"),
            is(8, "/8/kpi", "invalid_id"),
            is(9, "/9/kpi", "not_found"),
            is(10, "/10/value", "wrong_type"),
            is(11, "/11/at", "in_the_future"),
            is(12, "/12/at", "out_of_bounds"),
            is(13, "/13/at", "malformed"),
            is(14, "/14/at", "malformed"),
            is(15, "/15/value", "required"),
            is(16, "/16/at", "required"),
            is(17, "/17", "wrong_type"),
        ]);
        // Of several faults the first is named, and all are told.
        let reason = answer.text("/rejected/9/reason");
        assert!(reason.contains("at: ") && reason.contains("colour: "), "{reason}");
        assert_eq!(answer.text("/rejected/0/kpi"), "nothing");
        assert_eq!(answer.text("/rejected/0/at"), "2026-03-29");
        assert_eq!(answer.text("/kpis/0/key"), "churn");
        assert_eq!(answer.at("/kpis/0/health"), &json!({"before": "unknown", "after": "unhealthy"}));
        assert_eq!(answer.text("/kpis/1/key"), "orders-placed");
        assert_eq!(told(&ann, before).await, ["points.recorded", "kpi.health_changed"].map(str::to_owned));
        let orders = ann.get("kpis/orders/points").await;
        assert_eq!(orders.number("/items/0/value"), 5.0);
        assert_eq!(orders.at("/items/0/note"), &Value::Null);

        // The same once more changes nothing and tells nothing; null deletes.
        let before = newest_event(&ann).await;
        let good = json!([{"kpi": "churn", "at": "2026-03-29", "value": 1}, {"kpi": "churn", "at": "2026-03-30", "value": 2}]);
        let again = ann.post("points", good).await;
        assert_eq!(again.expect(200).at("/counts/unchanged"), &json!(2));
        assert_eq!(newest_event(&ann).await, before);
        let gone = ann
            .post("points", json!([{"kpi": "churn", "at": "2026-03-31", "value": null}, {"kpi": "churn", "at": "2026-03-30", "value": 3}]))
            .await;
        assert_eq!(gone.expect(200).at("/counts/deleted"), &json!(1));
        assert_eq!(gone.at("/counts/replaced"), &json!(1));
        assert_eq!(gone.at("/kpis/0/health"), &json!({"before": "unhealthy", "after": "healthy"}));
    }

    /// `atomic` stores all or nothing, `dry_run` shows and stores nothing, and what is refused as a whole is.
    async fn a_batch_is_all_or_nothing_where_that_is_wanted(app) {
        let ann = app.owner_of("ann", "acme").await;
        kpi(&ann, json!({"name": "Churn"})).await;
        let before = newest_event(&ann).await;
        let mixed = json!([
            {"kpi": "churn", "at": "2026-03-29", "value": 1},
            {"kpi": "churn", "at": "2026-03-30", "value": "x"},
            {"kpi": "other", "at": "2026-03-30", "value": 1},
        ]);
        let refused = ann.post("points?atomic=true", mixed.clone()).await;
        assert_eq!(rejected(refused.expect(422)), [is(1, "/1/value", "wrong_type"), is(2, "/2/kpi", "not_found")]);
        assert_eq!(refused.at("/counts/created"), &json!(0));
        let rehearsed = ann.post("points?dry_run=true", mixed.clone()).await;
        assert_eq!(rehearsed.expect(207).at("/counts/created"), &json!(1));
        let put = ann.put("kpis/churn/points/2026-03-31?dry_run=true", json!({"value": 1})).await;
        assert_eq!(put.expect(201).text("/result"), "created");
        let none = ann.post("points", json!([{"kpi": "other", "at": "2026-03-30", "value": 1}])).await;
        none.expect(422);

        ann.post("points", json!([])).await.refused(422, "validation_failed").names("", "too_few");
        ann.post("points", json!({"kpi": "churn"})).await.refused(422, "validation_failed").names("", "wrong_type");
        let many: Vec<Value> =
            (0..10_001).map(|number| json!({"kpi": "churn", "at": "2026-03-31", "value": number})).collect();
        ann.post("points", json!(many)).await.refused(422, "validation_failed").names("", "too_many");
        let large = format!("[{}]", " ".repeat(4 * 1024 * 1024));
        let answer = ann.call(Method::POST, "points").raw("application/json", large).send().await;
        answer.refused(413, "body_too_large");
        for raw in ["[{\"kpi\":", "[{\"kpi\":\"churn\",\"kpi\":\"churn\"}]"] {
            let answer = ann.call(Method::POST, "points").raw("application/json", raw).send().await;
            answer.refused(400, "malformed_body");
        }
        ann.call(Method::POST, "points").raw("text/plain", "x").send().await.refused(415, "unsupported_media_type");
        ann.post("points?atomic=perhaps", json!([])).await.refused(400, "invalid_query");
        csv(&ann, "", "kpi,at\nchurn,2026-03-31\n").await.refused(422, "validation_failed").names("/value", "missing_column");
        assert_eq!(count(&ann, "churn").await, 0);
        assert_eq!(newest_event(&ann).await, before);

        let whole = ann.post("points?atomic=true", json!([{"kpi": "churn", "at": "2026-03-29", "value": 1}])).await;
        assert_eq!(whole.expect(200).at("/counts/created"), &json!(1));
        let full: Vec<Value> = (0..10_000)
            .map(|number| {
                let at = format!("2026-03-30T{:02}:{:02}:{:02}Z", number / 3600, number / 60 % 60, number % 60);
                json!({"kpi": "churn", "at": at, "value": number})
            })
            .collect();
        let full = ann.post("points", json!(full)).await;
        assert_eq!(full.expect(200).at("/counts/created"), &json!(10_000));
        assert_eq!(count(&ann, "churn").await, 10_001);
    }

    /// CSV and NDJSON: a line that cannot be read spoils itself only, and what was read back can be posted again.
    async fn points_travel_as_text(app) {
        let ann = app.owner_of("ann", "acme").await;
        kpi(&ann, json!({"name": "Churn"})).await;
        kpi(&ann, json!({"name": "Orders", "aggregation": "sum"})).await;
        let lines = "{\"kpi\":\"churn\",\"at\":\"2026-03-01\",\"value\":1}\n{\"kpi\":\"churn\",\n\n{\"kpi\":\"churn\",\"at\":\"2026-03-02\",\"value\":1e400}\r\n{\"kpi\":\"churn\",\"at\":\"2026-03-02\",\"value\":2}\r\n";
        let answer = ndjson(&ann, lines).await;
        assert_eq!(rejected(answer.expect(207)), [is(1, "/1", "malformed_line"), is(2, "/2", "malformed_line")]);
        assert!(answer.text("/rejected/0/reason").starts_with("line 2: "));
        assert!(answer.text("/rejected/1/reason").starts_with("line 4: "));

        let text = "at,value,kpi,note,feed\n2026-03-03,-3.5,orders,\"=1+1, \"\"x\"\"\",@shop\n2026-03-04,4\n2026-03-05,,orders,,\n2026-03-06,NaN,orders,,\n2026-03-07,1e400,orders,,\n2026-03-01,null,churn,,\n";
        let answer = csv(&ann, "", text).await;
        assert_eq!(rejected(answer.expect(207)), [
            is(1, "/1", "malformed_line"),
            is(2, "/2/value", "wrong_type"),
            is(3, "/3/value", "wrong_type"),
            is(4, "/4/value", "out_of_bounds"),
        ]);
        assert_eq!(answer.at("/counts/deleted"), &json!(1));

        let read = |media: &'static str| {
            let ann = ann.clone();
            async move {
                ann.call(Method::GET, "points?kpi=orders&kpi=churn&from=2026-03-01&to=2026-03-31")
                    .header("accept", media)
                    .send()
                    .await
            }
        };
        let as_csv = read("text/csv").await;
        assert_eq!(as_csv.expect(200).header("content-type"), "text/csv; charset=utf-8");
        assert_eq!(
            as_csv.raw,
            "kpi,at,value,feed,note,quality\n\
             churn,2026-03-01T23:00:00.000000Z,2,,,measured\n\
             orders,2026-03-02T23:00:00.000000Z,-3.5,'@shop,\"'=1+1, \"\"x\"\"\",measured\n"
        );
        let as_lines = read("application/x-ndjson").await;
        assert_eq!(as_lines.expect(200).raw.lines().count(), 2);
        let as_json = read("application/json").await;
        assert_eq!(as_json.expect(200).text("/items/1/feed"), "@shop");
        assert_eq!(as_json.text("/items/1/kpi/key"), "orders");
        read("image/png").await.refused(406, "not_acceptable");

        let again = csv(&ann, "", &as_csv.raw).await;
        assert_eq!(again.expect(200).at("/counts/unchanged"), &json!(2));
        let again = ndjson(&ann, &as_lines.raw).await;
        assert_eq!(again.expect(200).at("/counts/unchanged"), &json!(2));
    }

    /// Lists page by `at` and feed, and filter by time, feed and quality.
    async fn points_are_listed_page_by_page(app) {
        let ann = app.owner_of("ann", "acme").await;
        kpi(&ann, json!({"name": "A"})).await;
        kpi(&ann, json!({"name": "B"})).await;
        let mut all = Vec::new();
        for day in 1..=5 {
            for feed in ["", "x"] {
                for kpi in ["a", "b"] {
                    let quality = if day == 3 { "estimated" } else { "measured" };
                    all.push(json!({"kpi": kpi, "at": format!("2026-03-0{day}"), "value": day, "feed": feed, "quality": quality}));
                }
            }
        }
        ann.post("points", json!(all)).await.expect(200);
        let mut seen = Vec::new();
        let mut path = "kpis/a/points?limit=3&include=total".to_owned();
        loop {
            let page = ann.get(&path).await;
            page.expect(200);
            for item in page.at("/items").as_array().expect("items") {
                seen.push(format!("{}{}", item["on"].as_str().expect("a day"), item["feed"].as_str().expect("a feed")));
            }
            match page.at("/next_cursor").as_str() {
                Some(cursor) => path = format!("kpis/a/points?limit=3&cursor={cursor}"),
                None => break,
            }
        }
        let expected: Vec<String> =
            (1..=5).flat_map(|day| ["", "x"].map(|feed| format!("2026-03-0{day}{feed}"))).collect();
        assert_eq!(seen, expected);
        let number = |answer: &Answer| answer.at("/items").as_array().expect("items").len();
        assert_eq!(number(&ann.get("kpis/a/points?from=2026-03-02&to=2026-03-03").await), 4);
        assert_eq!(number(&ann.get("kpis/a/points?feed=&quality=estimated").await), 1);
        assert_eq!(number(&ann.get("kpis/a/points?feed=x&feed=y").await), 5);
        ann.get("kpis/a/points?limit=201").await.refused(400, "invalid_query");

        assert_eq!(number(&ann.get("points").await), 20);
        assert_eq!(number(&ann.get("points?kpi=b&from=2026-03-05T00:00:00Z").await), 0);
        assert_eq!(number(&ann.get("points?kpi=b&kpi=b&to=2026-03-01").await), 2);
        ann.get("points?limit=10001").await.refused(400, "invalid_query");
        ann.get("points?kpi=nothing").await.refused(404, "not_found").names("kpi", "not_found");
        let mut path = "points?limit=7".to_owned();
        let mut lines = 0;
        loop {
            let page = ann.call(Method::GET, &path).header("accept", "application/x-ndjson").send().await;
            lines += page.expect(200).raw.lines().count();
            let Some((next, _)) = page.header("link").trim_start_matches('<').split_once('>') else { break };
            path = next.to_owned();
        }
        assert_eq!(lines, 20);
    }

    /// `If-Match` on a point asks whether it is there: points are replaced as a whole.
    async fn if_match_asks_whether_the_point_is_there(app) {
        let ann = app.owner_of("ann", "acme").await;
        kpi(&ann, json!({"name": "Churn"})).await;
        let path = "kpis/churn/points/2026-03-31";
        let put = async |tag: &str, value: i32| {
            ann.call(Method::PUT, path).header("if-match", tag).json(&json!({"value": value})).send().await
        };
        put("*", 1).await.refused(412, "precondition_failed");
        ann.put(path, json!({"value": 1})).await.expect(201);
        put("*", 2).await.expect(200);
        let tag = ann.get(path).await.header("etag").to_owned();
        put(&tag, 3).await.expect(200);
        put("\"7-abc\"", 4).await.refused(412, "precondition_failed");
        assert_eq!(ann.get(path).await.number("/value"), 3.0);
    }
}
