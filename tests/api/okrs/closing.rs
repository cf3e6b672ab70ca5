use reqwest::Method;
use serde_json::{Value, json};

use super::{ann_plans, key_result, launch, near, told, under};
use crate::harness::stories;

stories! {
    /// What closing said stays when the objective is reopened, and any day shows what held on it.
    async fn reopening_lets_the_numbers_move_and_keeps_what_was_said(app) {
        let ann = ann_plans(&app).await;
        app.it_is("2026-04-01T10:00:00Z");
        let made = launch(&ann).await;
        let at = |rest: &str| under("objectives", &made, rest);
        let first = key_result(&made, 0);
        let check_ins = format!("key-results/{first}/check-ins");
        app.it_is("2026-05-01T10:00:00Z");
        ann.post(&check_ins, json!({"value": 3, "confidence": "on_track"})).await.expect(201);
        // A moved goal does not make closing better than it was.
        ann.patch(&format!("key-results/{first}"), json!({"target": 3})).await.expect(200);
        app.it_is("2026-05-20T10:00:00Z");
        let closed = ann.post(&at("/close"), json!({"outcome": "partial", "reflection": "Ask first."})).await;
        near(closed.expect(200).number("/score"), 0.75);
        near(closed.number("/progress/original"), 0.375);
        assert_eq!(closed.at("/key_results/0/overdue"), false, "nobody checks in on what is over");
        assert_eq!((closed.at("/can/reopen"), closed.at("/can/close")), (&json!(true), &json!(false)));
        assert_eq!((closed.text("/closings/0/outcome"), closed.at("/closings/0/reopened_at")), ("partial", &Value::Null));

        app.it_is("2026-06-01T10:00:00Z");
        let open = ann.call(Method::POST, &at("/reopen")).send().await;
        assert_eq!((open.expect(200).text("/state"), open.at("/outcome"), open.at("/score")), ("active", &Value::Null, &Value::Null));
        assert_eq!((open.at("/reflection"), open.at("/closed_at")), (&Value::Null, &Value::Null));
        assert_eq!((open.at("/can/reopen"), open.at("/can/close"), open.at("/key_results/0/overdue")), (&json!(false), &json!(true), &json!(true)));
        let kept = open.at("/closings/0");
        assert_eq!((&kept["outcome"], &kept["reflection"], &kept["score"]), (&json!("partial"), &json!("Ask first."), &json!(0.75)));
        assert_eq!((&kept["progress"], &kept["original"]), (&json!(0.75), &json!(0.375)));
        assert_eq!((&kept["at"], &kept["reopened_at"]), (&json!("2026-05-20T10:00:00.000000Z"), &json!("2026-06-01T10:00:00.000000Z")));
        // Once more changes nothing.
        let again = ann.call(Method::POST, &at("/reopen")).send().await;
        assert_eq!(again.expect(200).number("/version"), open.number("/version"));
        assert_eq!(told(&ann, "objective.reopened").await, 1);

        ann.post(&check_ins, json!({"value": 2.5, "confidence": "off_track"})).await.expect(201);
        near(ann.get(&at("")).await.number("/progress/value"), 0.375);
        app.it_is("2026-06-20T10:00:00Z");
        let over = ann.post(&at("/close"), json!({"outcome": "missed", "score": 0.1})).await;
        assert_eq!(over.expect(200).at("/closings").as_array().map(Vec::len), Some(2));
        ann.post(&at("/close"), json!({"outcome": "missed"})).await.refused(409, "objective_closed");
        app.it_is("2026-06-27T10:00:00Z");
        for (day, state, outcome, progress, value, confidence) in [
            ("2026-05-10", "active", Value::Null, 0.75, 3.0, "on_track"),
            ("2026-05-25", "closed", json!("partial"), 0.75, 3.0, "on_track"),
            ("2026-06-10", "active", Value::Null, 0.375, 2.5, "off_track"),
            ("2026-06-25", "closed", json!("missed"), 0.375, 2.5, "off_track"),
        ] {
            let tree = ann.get(&format!("tree?cycle=q2-2026&as_of={day}")).await;
            let shown = |field: &str| tree.at(&format!("/objectives/0/objective{field}")).clone();
            assert_eq!((shown("/state"), shown("/outcome")), (json!(state), outcome), "{day}");
            near(shown("/progress/value").as_f64().unwrap(), progress);
            assert_eq!((shown("/key_results/0/current/value"), shown("/key_results/0/confidence")), (json!(value), json!(confidence)), "{day}");
            assert_eq!(shown("/can/reopen"), json!(false), "nobody changes the past");
        }
        let then = ann.get("tree?cycle=q2-2026&as_of=2026-05-25").await;
        assert_eq!(then.at("/objectives/0/objective/closings/0/reopened_at"), &Value::Null, "nobody knew it yet");
        assert_eq!(then.at("/objectives/0/objective/closings").as_array().map(Vec::len), Some(1));
    }

    /// What was never closed is not reopened, and neither is what the archive or a closed cycle holds.
    async fn reopening_is_refused_where_there_is_nothing_to_reopen(app) {
        let ann = ann_plans(&app).await;
        app.it_is("2026-04-10T10:00:00Z");
        let made = launch(&ann).await;
        let at = |rest: &str| under("objectives", &made, rest);
        let reopen = async |path: &str| ann.call(Method::POST, path).send().await;
        let draft = ann.post("objectives", json!({"title": "Draft"})).await;
        reopen(&under("objectives", &draft, "/reopen")).await.refused(409, "conflict");
        ann.post(&at("/close"), json!({"outcome": "missed", "score": -0.1})).await.refused(422, "validation_failed").names("/score", "out_of_bounds");
        ann.post(&at("/close"), json!({"outcome": "missed"})).await.expect(200);
        let bob = app.joins(&app.signs_in("ann").await.inside("acme"), "bob", "member").await;
        bob.call(Method::POST, &at("/reopen")).send().await.refused(403, "forbidden");
        let eve = app.owner_of("eve", "evil").await;
        eve.call(Method::POST, &at("/reopen")).send().await.refused(404, "not_found");
        reopen("objectives/kr_01h455vb4pex5vsknk084sn02q/reopen").await.refused(400, "invalid_id");
        ann.delete(&at("")).await.expect(204);
        reopen(&at("/reopen")).await.refused(409, "objective_closed");
        ann.call(Method::POST, &at("/restore")).send().await.expect(200);
        ann.patch("cycles/q2-2026", json!({"state": "closed"})).await.expect(200);
        assert_eq!(*ann.get(&at("")).await.at("/can/reopen"), json!(false));
        reopen(&at("/reopen")).await.refused(409, "cycle_closed");
        assert_eq!(told(&ann, "objective.reopened").await, 0);
        ann.patch("cycles/q2-2026", json!({"state": "active"})).await.expect(200);
        assert_eq!(reopen(&at("/reopen")).await.expect(200).text("/state"), "active");
    }
}
