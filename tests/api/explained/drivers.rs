//! What moves a KPI: linked, held against the numbers, and shown as a tree.

use serde_json::json;

use super::*;
use crate::harness::stories;

async fn driven(caller: &Caller, outcome: &str, driver: &str, more: Value) -> Answer {
    let mut body = json!({"driver_id": driver});
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let made = caller.post(&format!("kpis/{outcome}/drivers"), body).await;
    made.expect(201);
    made
}

fn path(made: &Answer) -> String {
    format!("drivers/{}", made.text("/id"))
}

/// Values on the last days of these months, in their order.
async fn monthly(caller: &Caller, key: &str, from: (i32, u32), values: &[f64]) {
    let points: Vec<Value> = values
        .iter()
        .zip(0..)
        .map(|(value, after)| {
            let months = from.0 * 12 + from.1 as i32 - 1 + after;
            json!({"kpi": key, "at": format!("{:04}-{:02}-28", months / 12, months % 12 + 1), "value": value})
        })
        .collect();
    caller.post("points", json!(points)).await.expect(200);
}

stories! {
    /// A link is made, seen from both ends, changed and ended, and every day answers as it stood.
    async fn a_link_stands_until_it_is_ended(app) {
        let ann = ann_measures(&app).await;
        for key in ["leads", "orders"] {
            kpi(&ann, key, json!({})).await;
        }
        let made = driven(&ann, "orders", "leads", json!({"lag_periods": 1, "note": "Half of them order."})).await;
        assert_eq!((made.at("/driver/key"), made.at("/outcome/key"), made.at("/effect")), (&json!("leads"), &json!("orders"), &json!("same")));
        assert_eq!(made.at("/drift"), &json!({"verdict": "insufficient_data", "periods": 0, "rho": null, "driver_slope": null, "outcome_slope": null}));
        assert_eq!(ann.get(made.header("location")).await.expect(200).body, made.body);
        assert_eq!(ann.get("kpis/orders/drivers").await.at("/items/0"), &made.body);
        assert_eq!(ann.get("kpis/leads/outcomes?include=total").await.at("/total"), 1);
        assert_eq!(ann.get("kpis/leads/drivers").await.at("/items"), &json!([]));

        let changed = ann.patch(&path(&made), json!({"lag_periods": 2, "effect": "opposite", "note": null})).await;
        assert_eq!((changed.expect(200).at("/lag_periods"), changed.at("/version"), changed.at("/note")), (&json!(2), &json!(2), &json!(null)));
        assert_eq!(ann.patch(&path(&made), json!({"lag_periods": 2})).await.expect(200).at("/version"), 2);
        app.it_is("2026-04-02T10:00:00Z");
        ann.delete(&path(&made)).await.expect(204);
        ann.delete(&path(&made)).await.expect(204);
        let ended = ann.get(&path(&made)).await;
        assert_eq!((ended.at("/ended_at"), ended.at("/can")), (&json!("2026-04-02T10:00:00.000000Z"), &json!({"edit": false, "end": false})));
        ann.patch(&path(&made), json!({"lag_periods": 3})).await.refused(409, "conflict");
        assert_eq!(ann.get(&format!("{}?as_of=2026-04-01", path(&made))).await.at("/ended_at"), &json!(null));
        ann.get(&format!("{}?as_of=2026-03-30", path(&made))).await.refused(404, "not_found");
        assert_eq!(ann.get("kpis/orders/drivers?as_of=2026-03-30").await.at("/items"), &json!([]));
        for (kind, count) in [("driver.created", 1), ("driver.updated", 1), ("driver.ended", 1)] {
            let events = ann.get(&format!("events?type={kind}")).await;
            assert_eq!(events.at("/items").as_array().map(Vec::len), Some(count), "{kind}");
        }
        // It can be made anew, and the other way round once it is ended.
        driven(&ann, "leads", "orders", json!({})).await;
    }

    /// What cannot be linked is refused, and a loop is told by its keys.
    async fn what_cannot_drive_is_refused(app) {
        let ann = ann_measures(&app).await;
        for key in ["a", "b", "c"] {
            kpi(&ann, key, json!({})).await;
        }
        driven(&ann, "b", "a", json!({})).await;
        let link = driven(&ann, "c", "b", json!({})).await;
        let round = ann.post("kpis/a/drivers", json!({"driver_id": "c"})).await;
        round.refused(409, "driver_loop").names("/driver_id", "driver_loop");
        assert_eq!(round.text("/detail"), "the drivers would form a loop: c drives a drives b drives c");
        ann.post("kpis/a/drivers", json!({"driver_id": "a"})).await.refused(409, "driver_loop");
        ann.post("kpis/b/drivers", json!({"driver_id": "a"})).await.refused(409, "already_exists");
        for (body, pointer, code) in [
            (json!({}), "/driver_id", "required"),
            (json!({"driver_id": "a", "lag_periods": 25}), "/lag_periods", "out_of_bounds"),
            (json!({"driver_id": "a", "lag_periods": -1}), "/lag_periods", "out_of_bounds"),
            (json!({"driver_id": "a", "lag_periods": 1.5}), "/lag_periods", "wrong_type"),
            (json!({"driver_id": "a", "effect": "unclear"}), "/effect", "unknown_value"),
            (json!({"driver_id": "a", "note": "n".repeat(4_001)}), "/note", "too_long"),
            (json!({"driver_id": "a", "weight": 1}), "/weight", "unknown_field"),
            (json!({"driver_id": "obj_01h455vb4pex5vsknk084sn02q"}), "/driver_id", "invalid_id"),
        ] {
            ann.post("kpis/c/drivers", body).await.refused(422, "validation_failed").names(pointer, code);
        }
        ann.post("kpis/c/drivers", json!({"driver_id": "nothing"})).await.refused(404, "not_found").names("/driver_id", "not_found");
        ann.get("drivers/kpi_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_id");
        ann.get("kpis/c/drivers?colour=red").await.refused(400, "invalid_query");
        let eve = app.owner_of("eve", "evil").await;
        kpi(&eve, "hers", json!({})).await;
        let hers = eve.get("kpis/hers").await.text("/id").to_owned();
        ann.post("kpis/c/drivers", json!({"driver_id": hers})).await.refused(404, "not_found");
        eve.get(&path(&link)).await.refused(404, "not_found");
        eve.delete(&path(&link)).await.refused(404, "not_found");

        for number in 0..20 {
            kpi(&ann, &format!("d{number}"), json!({})).await;
            if number > 0 {
                driven(&ann, "c", &format!("d{number}"), json!({})).await;
            }
        }
        ann.post("kpis/c/drivers", json!({"driver_id": "d0"})).await.refused(409, "limit_reached");
        ann.delete("kpis/d1").await.expect(204);
        ann.post("kpis/a/drivers", json!({"driver_id": "d1"})).await.refused(409, "kpi_archived");
        ann.post("kpis/d1/drivers", json!({"driver_id": "d2"})).await.refused(409, "kpi_archived");
    }

    /// The outcome decides who may link, and what is private is hidden from both ends.
    async fn rights_and_privacy_are_kept(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "member").await;
        for key in ["leads", "orders", "secret"] {
            kpi(&ann, key, json!({})).await;
        }
        kpi(&bob, "his", json!({})).await;
        bob.post("kpis/orders/drivers", json!({"driver_id": "his"})).await.refused(403, "forbidden");
        driven(&bob, "his", "leads", json!({})).await;
        let link = driven(&ann, "orders", "secret", json!({"lag_periods": 1})).await;
        assert_eq!(bob.get(&path(&link)).await.at("/can"), &json!({"edit": false, "end": false}));
        bob.delete(&path(&link)).await.refused(403, "forbidden");
        ann.patch("kpis/secret", json!({"visibility": "private"})).await.expect(200);
        bob.get(&path(&link)).await.refused(404, "not_found");
        bob.delete(&path(&link)).await.refused(404, "not_found");
        assert_eq!(bob.get("kpis/orders/drivers").await.at("/items"), &json!([]));
        let tree = bob.get("kpis/orders/driver-tree").await;
        assert_eq!((tree.expect(200).at("/links"), tree.at("/kpis").as_array().map(Vec::len)), (&json!([]), Some(1)));
        for raw in [&tree.raw, &bob.get("events?limit=200").await.raw] {
            assert!(!raw.contains(link.text("/id")) && !raw.contains("secret"), "{raw}");
        }
        assert_eq!(ann.get("kpis/orders/driver-tree").await.at("/links/0/lag_periods"), 1);
        bob.post("kpis/his/drivers", json!({"driver_id": "secret"})).await.refused(404, "not_found");
    }

    /// Nine months of leads, 1 to 9 from May on, and orders a month later, 10 to 90: together, rho 1.
    async fn drift_is_told_from_the_numbers(app) {
        let ann = ann_measures(&app).await;
        for key in ["leads", "orders"] {
            kpi(&ann, key, json!({"target": {"min": 5}})).await;
        }
        kpi(&ann, "weekly", json!({"cadence": "weekly"})).await;
        let nine: Vec<f64> = (1..=9).map(f64::from).collect();
        monthly(&ann, "leads", (2025, 5), &nine).await;
        monthly(&ann, "orders", (2025, 6), &nine.iter().map(|value| value * 10.0).collect::<Vec<_>>()).await;
        let link = driven(&ann, "orders", "leads", json!({"lag_periods": 1})).await;
        assert_eq!(link.at("/drift"), &json!({"verdict": "aligned", "periods": 9, "rho": 1.0, "driver_slope": 1.0, "outcome_slope": 10.0}));
        // Without the lag there are eight pairs, which still go together; by the end of December seven with it.
        let other = ann.patch(&path(&link), json!({"lag_periods": 0})).await;
        assert_eq!((other.at("/drift/periods"), other.at("/drift/verdict")), (&json!(8), &json!("aligned")));
        let opposite = ann.patch(&path(&link), json!({"effect": "opposite", "lag_periods": 1})).await;
        assert_eq!((opposite.at("/drift/rho"), opposite.at("/drift/verdict")), (&json!(-1.0), &json!("diverging")));
        // What is better for one is worse for the other.
        ann.patch(&path(&link), json!({"effect": "same"})).await.expect(200);
        let turned = json!({"effective_from": "2025-01-01", "target": {"max": 5}});
        ann.post("kpis/orders/targets", turned).await.expect(201);
        assert_eq!(ann.get(&path(&link)).await.at("/drift/verdict"), "diverging");
        assert_eq!(driven(&ann, "orders", "weekly", json!({})).await.at("/drift"), &json!(null));
        // A change of what is complete moves it: with April over, March is there as well.
        monthly(&ann, "leads", (2026, 2), &[10.0]).await;
        app.it_is("2026-05-02T10:00:00Z");
        monthly(&ann, "orders", (2026, 3), &[5.0]).await;
        assert_eq!(ann.get(&path(&link)).await.at("/drift/periods"), 10);
        assert_eq!(ann.get(&format!("{}?as_of=2026-04-01", path(&link))).await.at("/drift/periods"), 10);
    }

    /// One call shows what moves a KPI, and what moves that: drivers and inputs, each KPI once.
    async fn a_tree_holds_drivers_and_inputs(app) {
        let ann = ann_measures(&app).await;
        for key in ["visits", "rate", "ads"] {
            kpi(&ann, key, json!({"target": {"min": 1}})).await;
            measured(&ann, key, &[("2026-02-10", 2.0), ("2026-03-10", 3.0)]).await;
        }
        computed(&ann, "orders", "visits * rate").await;
        kpi(&ann, "profit", json!({"indicator": "lagging"})).await;
        driven(&ann, "profit", "orders", json!({})).await;
        driven(&ann, "visits", "ads", json!({"lag_periods": 1})).await;
        let direct = driven(&ann, "profit", "ads", json!({"effect": "opposite"})).await;
        let tree = ann.get("kpis/profit/driver-tree").await;
        tree.expect(200);
        let kpis: Vec<String> = tree.at("/kpis").as_array().expect("kpis").iter()
            .map(|one| format!("{} {} {}", one["level"], one["kpi"]["key"].as_str().expect("a key"), one["current"]["change"])).collect();
        assert_eq!(kpis, ["0 profit null", "1 ads 1.0", "1 orders 5.0", "2 rate 1.0", "2 visits 1.0"]);
        let key = |id: &Value| {
            let all = tree.at("/kpis").as_array().expect("kpis");
            all.iter().find(|one| &one["kpi"]["id"] == id).expect("it is there")["kpi"]["key"].as_str().expect("a key").to_owned()
        };
        let links: Vec<String> = tree.at("/links").as_array().expect("links").iter()
            .map(|link| format!("{} -> {} {}", key(&link["from"]), key(&link["to"]), link["kind"].as_str().expect("a kind"))).collect();
        assert_eq!(links, ["ads -> profit driver", "orders -> profit driver", "rate -> orders input", "visits -> orders input", "ads -> visits driver"]);
        assert_eq!((tree.at("/links/0/driver_id"), tree.at("/links/0/effect")), (direct.at("/id"), &json!("opposite")));
        assert_eq!((tree.at("/complete"), tree.at("/kpis/1/health")), (&json!(true), &json!("healthy")));
        assert_eq!(ann.get("kpis/visits/driver-tree").await.at("/kpis").as_array().map(Vec::len), Some(2));
        // Before the links were made there were only the formula's.
        let before = ann.get("kpis/profit/driver-tree?as_of=2026-03-30").await;
        assert_eq!(before.at("/kpis").as_array().map(Vec::len), Some(1));
        assert_eq!(ann.get("kpis/orders/driver-tree?as_of=2026-03-30").await.at("/kpis").as_array().map(Vec::len), Some(3));

        // Eleven levels down is too far.
        for level in 0..=11 {
            kpi(&ann, &format!("level-{level}"), json!({})).await;
            if level > 0 {
                driven(&ann, &format!("level-{}", level - 1), &format!("level-{level}"), json!({})).await;
            }
        }
        let deep = ann.get("kpis/level-0/driver-tree").await;
        assert_eq!((deep.at("/kpis").as_array().map(Vec::len), deep.at("/complete")), (Some(11), &json!(false)));
        assert_eq!(ann.get("kpis/level-1/driver-tree").await.at("/complete"), true);
    }

    /// Closed on 15 April: one month, and two more because leads lag by two, is 15 July.
    async fn an_effect_may_take_as_long_as_its_drivers_lag(app) {
        let ann = ann_measures(&app).await;
        kpi(&ann, "churn", json!({"target": {"max": 4}})).await;
        kpi(&ann, "calls", json!({})).await;
        measured(&ann, "churn", &[("2026-02-28", 6.0)]).await;
        measured(&ann, "calls", &[("2026-02-28", 5.0)]).await;
        let link = driven(&ann, "churn", "calls", json!({"lag_periods": 2})).await;
        let objective = ann.post("objectives", json!({"title": "Call them", "ends_on": "2026-06-30"})).await;
        let objective = format!("objectives/{}", objective.expect(201).text("/id"));
        let result = json!({"title": "Calls", "kind": "increase", "target": 50, "kpi_id": "calls"});
        ann.post(&format!("{objective}/key-results"), result).await.expect(201);
        ann.post(&format!("{objective}/activate"), json!({})).await;
        let id = ann.get(&objective).await.text("/id").to_owned();
        let remedy = ann.post("kpis/churn/remedies", json!({"objective_id": id})).await;
        let remedy = format!("remedies/{}", remedy.expect(201).text("/id"));
        app.it_is("2026-04-15T10:00:00Z");
        ann.post(&format!("{objective}/close"), json!({"outcome": "achieved"})).await.expect(200);
        assert_eq!(ann.get(&remedy).await.at("/effect_by"), "2026-07-15");
        app.it_is("2026-06-20T10:00:00Z");
        assert_eq!(ann.get(&remedy).await.at("/outcome"), "awaiting_effect");
        ann.patch(&path(&link), json!({"lag_periods": 3})).await.expect(200);
        assert_eq!(ann.get(&remedy).await.at("/effect_by"), "2026-08-15");
        // Without the link there is nothing to wait for any more, and that is told at once.
        ann.delete(&path(&link)).await.expect(204);
        assert_eq!(ann.get(&remedy).await.at("/outcome"), "failed");
        assert_eq!(ann.get("events?type=remedy.failed").await.at("/items").as_array().map(Vec::len), Some(1));
        assert_eq!(ann.get(&format!("{remedy}?as_of=2026-06-19")).await.at("/outcome"), "awaiting_effect");
    }
}
