//! One point at a time: put, posted, corrected, deleted and refused.

use reqwest::Method;
use serde_json::json;

use super::{about, by_token, count, is, kpi, newest_event, rejected, told};
use crate::harness::stories;

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
