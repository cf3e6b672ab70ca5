//! Points by the thousand: as JSON, CSV and NDJSON.

use reqwest::Method;
use serde_json::{Value, json};

use super::{count, csv, is, kpi, ndjson, newest_event, rejected, told};
use crate::harness::stories;

stories! {
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
}
