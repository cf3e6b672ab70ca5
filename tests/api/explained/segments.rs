//! Parts of a KPI: linked, shown with their shares, and what each did to the change.

use serde_json::json;

use super::*;
use crate::harness::stories;

fn of(whole: &str, dimension: &str) -> Value {
    json!({"segment_of_id": whole, "segment_dimension": dimension})
}

/// A KPI with more fields than one says at once.
fn with(mut one: Value, other: Value) -> Value {
    one.as_object_mut().expect("an object").extend(other.as_object().expect("an object").clone());
    one
}

stories! {
    /// A segment is said as any other field, and can be taken out of its whole.
    async fn a_kpi_is_a_part_of_another(app) {
        let ann = ann_measures(&app).await;
        let whole = kpi(&ann, "revenue", json!({})).await;
        let made = kpi(&ann, "revenue-eu", of("revenue", "region")).await;
        assert_eq!((made.at("/segment_of_id"), made.at("/segment_of/key"), made.at("/segment_dimension")), (whole.at("/id"), &json!("revenue"), &json!("region")));
        assert_eq!(whole.at("/segment_of"), &json!(null));
        assert_eq!(ann.patch("kpis/revenue-eu", of(whole.text("/id"), "region")).await.expect(200).at("/version"), 1);
        let changed = ann.patch("kpis/revenue-eu", json!({"segment_dimension": "market"})).await;
        assert_eq!((changed.expect(200).at("/version"), changed.at("/segment_dimension")), (&json!(2), &json!("market")));
        let out = ann.patch("kpis/revenue-eu", json!({"segment_of_id": null})).await;
        assert_eq!((out.expect(200).at("/segment_of_id"), out.at("/segment_dimension")), (&json!(null), &json!(null)));
        let empty = ann.get("kpis/revenue/segments").await;
        assert_eq!(empty.expect(200).body, json!({"period": null, "starts_on": null, "value": null, "previous": null, "change": null, "dimensions": []}));

        for (body, status, pointer, code) in [
            (json!({"segment_of_id": "revenue"}), 422, "/segment_dimension", "required"),
            (json!({"segment_dimension": "region"}), 422, "/segment_of_id", "required"),
            (of("revenue-eu", "region"), 422, "/segment_of_id", "itself"),
            (of("revenue", "By Region"), 422, "/segment_dimension", "malformed"),
            (of("nothing", "region"), 404, "/segment_of_id", "not_found"),
            (of("team_01h455vb4pex5vsknk084sn02q", "region"), 404, "/segment_of_id", "not_found"),
        ] {
            ann.patch("kpis/revenue-eu", body).await.expect(status).names(pointer, code);
        }
        kpi(&ann, "daily", json!({"cadence": "daily"})).await;
        ann.patch("kpis/daily", of("revenue", "region")).await.refused(422, "validation_failed").names("/segment_of_id", "other_cadence");
        ann.patch("kpis/revenue-eu", of("revenue", "region")).await.expect(200);
        ann.patch("kpis/revenue", json!({"cadence": "daily"})).await.refused(409, "conflict").names("/cadence", "has_segments");
        ann.patch("kpis/revenue-eu", json!({"cadence": "daily"})).await.refused(422, "validation_failed").names("/segment_of_id", "other_cadence");
        kpi(&ann, "revenue-de", of("revenue-eu", "country")).await;
        let round = ann.patch("kpis/revenue", of("revenue-de", "country")).await;
        round.refused(409, "segment_loop").names("/segment_of_id", "segment_loop");
        assert_eq!(round.text("/detail"), "the segments would form a loop: revenue is a segment of revenue-de is a segment of revenue-eu is a segment of revenue");
        for level in 3..=5 {
            kpi(&ann, &format!("level-{level}"), of(if level == 3 { "revenue-de".into() } else { format!("level-{}", level - 1) }.as_str(), "area")).await;
        }
        ann.post("kpis", with(json!({"name": "level-6"}), of("level-5", "area"))).await.refused(409, "limit_reached");
    }

    /// Sums add up: Europe goes from 60 to 50 and the rest of the world from 30 to 45, of 100 and 105 in all.
    async fn parts_of_a_sum_have_shares(app) {
        let ann = ann_measures(&app).await;
        let sum = json!({"aggregation": "sum"});
        kpi(&ann, "revenue", sum.clone()).await;
        for (key, dimension, values) in [("eu", "region", [60.0, 50.0]), ("world", "region", [30.0, 45.0]), ("shops", "channel", [40.0, 42.0])] {
            kpi(&ann, key, with(sum.clone(), of("revenue", dimension))).await;
            measured(&ann, key, &[("2026-01-10", values[0]), ("2026-02-10", values[1])]).await;
        }
        measured(&ann, "revenue", &[("2026-01-10", 100.0), ("2026-02-10", 105.0)]).await;
        let shown = ann.get("kpis/revenue/segments").await;
        shown.expect(200);
        assert_eq!((shown.at("/period"), shown.at("/change")), (&json!("2026-02"), &json!(5.0)));
        assert_eq!((shown.at("/dimensions/0/dimension"), shown.at("/dimensions/1/dimension")), (&json!("channel"), &json!("region")));
        assert_eq!(shown.at("/dimensions/1/method"), "sum");
        let keys = ["/dimensions/1/segments/0/kpi/key", "/dimensions/1/segments/1/kpi/key"].map(|at| shown.text(at).to_owned());
        assert_eq!(keys, ["world", "eu"], "the largest part first");
        let eu = shown.at("/dimensions/1/segments/1");
        assert_eq!((&eu["part"], &eu["previous_share"], &eu["rate"]), (&json!(-10.0), &json!(0.6), &json!(null)));
        assert_eq!(eu["share"], json!(50.0 / 105.0));
        // 5 - (15 - 10): what no region covers did not change. Of channels only the shops are known.
        assert_eq!((shown.at("/dimensions/1/rest"), shown.at("/dimensions/0/rest")), (&json!(0.0), &json!(3.0)));
        let january = ann.get("kpis/revenue/segments?on=2026-01-31").await;
        assert_eq!((january.at("/value"), january.at("/dimensions/1/segments/0/part"), january.at("/dimensions/1/rest")), (&json!(100.0), &json!(null), &json!(null)));
        assert_eq!(ann.get("kpis/revenue/segments?as_of=2026-02-01").await.at("/period"), "2026-01");
        ann.delete("kpis/eu").await.expect(204);
        assert_eq!(ann.get("kpis/revenue/segments").await.at("/dimensions/1/segments").as_array().map(Vec::len), Some(1));
        ann.get("kpis/revenue/segments?colour=red").await.refused(400, "invalid_query");
    }

    /// Two shops convert 10 of 100 and 50 of 100 visitors, then 60 of 300 and 50 of 100: 30 % becomes 27.5 %, although
    /// neither is worse.
    ///
    /// ```text
    ///       weights      rates      rate effect           mix effect, around (30 + 27.5) / 2 = 28.75
    /// shop  0.5 → 0.75   10 → 20    0.625 · 10 =  6.25    0.25 · (15 - 28.75)  = -3.4375
    /// mall  0.5 → 0.25   50 → 50    0.375 · 0  =  0      -0.25 · (50 - 28.75)  = -5.3125
    /// ```
    async fn a_ratio_tells_rates_from_mix(app) {
        let ann = ann_measures(&app).await;
        for (key, values) in [("orders", [60.0, 110.0]), ("visits", [200.0, 400.0]), ("shop-orders", [10.0, 60.0]), ("shop-visits", [100.0, 300.0]), ("mall-orders", [50.0, 50.0]), ("mall-visits", [100.0, 100.0])] {
            kpi(&ann, key, json!({})).await;
            measured(&ann, key, &[("2026-01-10", values[0]), ("2026-02-10", values[1])]).await;
        }
        computed(&ann, "conversion", "100 * orders / visits").await;
        for place in ["shop", "mall"] {
            kpi(&ann, place, with(json!({"formula": format!("100 * {place}-orders / {place}-visits")}), of("conversion", "place"))).await;
        }
        let shown = ann.get("kpis/conversion/segments").await;
        assert_eq!((shown.expect(200).at("/previous"), shown.at("/value"), shown.at("/change")), (&json!(30.0), &json!(27.5), &json!(-2.5)));
        assert_eq!(shown.at("/dimensions/0/method"), "ratio");
        let part = |index: usize| {
            let one = shown.at(&format!("/dimensions/0/segments/{index}"));
            json!([one["kpi"]["key"], one["previous_share"], one["share"], one["rate"], one["mix"], one["part"]])
        };
        assert_eq!(part(0), json!(["mall", 0.5, 0.25, 0.0, -5.3125, -5.3125]));
        assert_eq!(part(1), json!(["shop", 0.5, 0.75, 6.25, -3.4375, 2.8125]));
        assert_eq!(shown.at("/dimensions/0/rest"), 0.0);
        // A part that is no such ratio leaves plain differences.
        kpi(&ann, "kiosk", of("conversion", "place")).await;
        let mixed = ann.get("kpis/conversion/segments").await;
        assert_eq!((mixed.at("/dimensions/0/method"), mixed.at("/dimensions/0/rest")), (&json!("difference"), &json!(null)));
        assert_eq!(mixed.at("/dimensions/0/segments/0/part"), 10.0);
        assert_eq!(mixed.at("/dimensions/0/segments/0/share"), &json!(null));
    }

    /// A part that not everybody sees is shown to nobody in the whole, and a private whole is not named.
    async fn private_parts_are_left_out(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "member").await;
        kpi(&ann, "revenue", json!({})).await;
        kpi(&ann, "secret", of("revenue", "region")).await;
        kpi(&bob, "his", of("revenue", "region")).await;
        ann.patch("kpis/secret", json!({"visibility": "private"})).await.expect(200);
        for caller in [&ann, &bob] {
            let shown = caller.get("kpis/revenue/segments").await;
            assert_eq!(shown.expect(200).at("/dimensions/0/segments").as_array().map(Vec::len), Some(1));
            assert!(!shown.raw.contains("secret"));
        }
        ann.patch("kpis/revenue", json!({"visibility": "private"})).await.expect(200);
        let his = bob.get("kpis/his").await;
        assert_eq!((his.at("/segment_of_id"), his.at("/segment_of"), his.at("/segment_dimension")), (&json!(null), &json!(null), &json!("region")));
        assert_eq!(bob.patch("kpis/his", json!({"definition": "Mine."})).await.expect(200).at("/version"), 2);
        assert_eq!(ann.get("kpis/his").await.at("/segment_of/key"), "revenue", "the link is kept");
        bob.get("kpis/revenue/segments").await.refused(404, "not_found");
        bob.post("kpis", with(json!({"name": "More"}), of("revenue", "region"))).await.refused(404, "not_found");
    }
}
