//! Which input moved a computed KPI.

use serde_json::json;

use super::*;
use crate::harness::stories;

stories! {
    /// Spend over customers goes from 1,000 / 50 = 20 to 1,200 / 40 = 30:
    ///
    /// ```text
    /// spend first: 1,200/50 - 20 = 4, then customers 6;  customers first: 1,000/40 - 20 = 5, then spend 5
    /// spend (4 + 5) / 2 = 4.5;  customers (6 + 5) / 2 = 5.5
    /// ```
    async fn the_parts_of_a_change_are_told(app) {
        let ann = ann_measures(&app).await;
        for (key, values) in [("spend", [1000.0, 1200.0]), ("customers", [50.0, 40.0])] {
            kpi(&ann, key, json!({})).await;
            measured(&ann, key, &[("2026-01-31", values[0]), ("2026-02-28", values[1])]).await;
        }
        let made = computed(&ann, "cac", "spend / customers").await;
        let told = ann.get("kpis/cac/contribution").await;
        assert_eq!(told.expect(200).body, json!({
            "period": "2026-02", "starts_on": "2026-02-01", "value": 30.0, "previous": 20.0, "change": 10.0,
            "inputs": [
                {"kpi": made.at("/formula/inputs/0"), "value": 1200.0, "previous": 1000.0, "contribution": 4.5, "share": 0.45},
                {"kpi": made.at("/formula/inputs/1"), "value": 40.0, "previous": 50.0, "contribution": 5.5, "share": 0.55},
            ],
            "private_inputs": 0, "rest": 0.0, "no_value": null,
        }));
        let january = ann.get("kpis/cac/contribution?on=2026-01-15").await;
        assert_eq!((january.at("/value"), january.at("/change"), january.at("/rest")), (&json!(20.0), &json!(null), &json!(null)));
        assert_eq!(january.at("/no_value/detail"), "spend has no value in 2025-12; customers has no value in 2025-12.");
        let march = ann.get("kpis/cac/contribution?on=2026-03-15").await;
        assert_eq!((march.at("/period"), march.at("/no_value/period")), (&json!("2026-03"), &json!("2026-03")));
        assert_eq!(march.at("/inputs/0/previous"), 1200.0);
        assert_eq!(ann.get("kpis/cac/contribution?as_of=2026-02-27").await.at("/period"), "2026-01");
        // A KPI with points of its own explains nothing.
        let spend = ann.get("kpis/spend/contribution").await;
        assert_eq!((spend.at("/change"), spend.at("/inputs"), spend.at("/rest")), (&json!(200.0), &json!([]), &json!(200.0)));
        ann.get("kpis/cac/contribution?as_of=2027-01-01").await.refused(422, "validation_failed").names("as_of", "in_the_future");
        ann.get("kpis/cac/contribution?on=yesterday").await.refused(400, "invalid_query");
        ann.get("kpis/cac/contribution?colour=red").await.refused(400, "invalid_query");
    }

    /// With `prev` an input moves in both periods at once: growth goes from 3 - 1 = 2 to 7 - 3 = 4, all by the one.
    async fn an_input_that_is_read_twice_is_one(app) {
        let ann = ann_measures(&app).await;
        kpi(&ann, "a", json!({})).await;
        kpi(&ann, "b", json!({})).await;
        measured(&ann, "a", &[("2026-01-31", 1.0), ("2026-02-28", 3.0), ("2026-03-01", 7.0)]).await;
        measured(&ann, "b", &[("2026-02-28", 5.0), ("2026-03-01", 5.0)]).await;
        computed(&ann, "growth", "a - prev(a) + b").await;
        let told = ann.get("kpis/growth/contribution").await;
        assert_eq!((told.at("/previous"), told.at("/value")), (&json!(7.0), &json!(9.0)));
        assert_eq!((told.at("/inputs/0/contribution"), told.at("/inputs/1/contribution")), (&json!(2.0), &json!(0.0)));

        // 4 / (5 - 3) = 2 becomes 6 / (3 - 1) = 3, but 3 - 3 in between would divide by 0.
        for (key, before, after) in [("x", 4.0, 6.0), ("y", 5.0, 3.0), ("z", 3.0, 1.0)] {
            kpi(&ann, key, json!({})).await;
            measured(&ann, key, &[("2026-01-31", before), ("2026-02-28", after)]).await;
        }
        computed(&ann, "ratio", "x / (y - z)").await;
        let told = ann.get("kpis/ratio/contribution").await;
        assert_eq!((told.at("/change"), told.at("/rest"), told.at("/no_value")), (&json!(1.0), &json!(null), &json!(null)));
        assert_eq!(told.at("/inputs/0/contribution"), &json!(null));
    }

    /// What is private counts in no contribution either.
    async fn private_inputs_contribute_nothing(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "member").await;
        for key in ["spend", "salaries"] {
            kpi(&ann, key, json!({})).await;
            measured(&ann, key, &[("2026-01-31", 1.0), ("2026-02-28", 2.0)]).await;
        }
        computed(&ann, "costs", "spend + salaries").await;
        ann.patch("kpis/salaries", json!({"visibility": "private"})).await.expect(200);
        let told = bob.get("kpis/costs/contribution?on=2026-02-01").await;
        assert_eq!((told.expect(200).at("/change"), told.at("/private_inputs")), (&json!(null), &json!(1)));
        assert_eq!((told.at("/inputs/0/kpi/key"), told.at("/inputs/0/contribution")), (&json!("spend"), &json!(null)));
        assert_eq!(told.at("/no_value/reason"), "private_input");
        assert!(!told.raw.contains("salaries"));
        bob.get("kpis/salaries/contribution").await.refused(404, "not_found");
    }
}
