use serde_json::{Value, json};

use super::{ann_plans, key_result, launch, near, told, under};
use crate::harness::stories;

stories! {
    /// The latest `at` is the current one, whenever it was made.
    async fn the_latest_check_in_counts_never_the_latest_insert(app) {
        let ann = ann_plans(&app).await;
        app.it_is("2026-04-01T10:00:00Z");
        let objective = launch(&ann).await;
        let key_result = format!("key-results/{}", key_result(&objective, 0));
        let checks = format!("{key_result}/check-ins");
        app.it_is("2026-04-20T10:00:00Z");
        let made = ann.post(&checks, json!({"value": 3, "confidence": "at_risk", "note": "slow", "blocker": "legal", "at": "2026-04-15T08:00:00+02:00"})).await;
        made.expect(201);
        assert_eq!((made.text("/at"), made.text("/on")), ("2026-04-15T06:00:00.000000Z", "2026-04-15"));
        assert_eq!((made.text("/author/name"), made.text("/blocker"), made.text("/recorded_at")), ("ann", "legal", "2026-04-20T10:00:00.000000Z"));
        let earlier = ann.post(&checks, json!({"value": 2.5, "confidence": "on_track", "at": "2026-04-10"})).await;
        // A date stands for the start of that day in Berlin.
        assert_eq!(earlier.expect(201).text("/at"), "2026-04-09T22:00:00.000000Z");
        let seen = ann.get(&key_result).await;
        assert_eq!((seen.number("/current/value"), seen.text("/confidence")), (3.0, "at_risk"));
        assert_eq!((seen.text("/last_check_in/id"), seen.text("/last_check_in/note")), (made.text("/id"), "slow"));
        near(seen.number("/progress/value"), 0.5);
        // Of two at the same instant the one made later counts.
        ann.post(&checks, json!({"value": 3.5, "confidence": "on_track", "at": "2026-04-15T06:00:00Z"})).await.expect(201);
        assert_eq!(ann.get(&key_result).await.number("/current/value"), 3.5);

        let page = ann.get(&format!("{checks}?limit=2&include=total")).await;
        assert_eq!((page.number("/items/0/value"), page.number("/items/1/value"), page.number("/total")), (3.5, 3.0, 3.0));
        let rest = ann.get(&format!("{checks}?limit=2&cursor={}", page.text("/next_cursor"))).await;
        assert_eq!((rest.number("/items/0/value"), rest.at("/next_cursor")), (2.5, &Value::Null));
        assert_eq!(ann.get(&under("check-ins", &made, "")).await.expect(200).body, made.body);
        assert_eq!(told(&ann, "check_in.created").await, 3);
        // None is ever changed.
        ann.patch(&under("check-ins", &made, ""), json!({"value": 1})).await.refused(405, "method_not_allowed");
        ann.delete(&under("check-ins", &made, "")).await.refused(405, "method_not_allowed");
    }

    /// Overdue after the rhythm of seven days and two more.
    async fn a_check_in_becomes_overdue(app) {
        let ann = ann_plans(&app).await;
        app.it_is("2026-04-01T10:00:00Z");
        let objective = launch(&ann).await;
        let at = format!("key-results/{}", key_result(&objective, 0));
        for (now, overdue) in [("2026-04-10T21:59:00Z", false), ("2026-04-10T22:01:00Z", true)] {
            app.it_is(now);
            assert_eq!(*ann.get(&at).await.at("/overdue"), json!(overdue), "{now}");
        }
        ann.post(&format!("{at}/check-ins"), json!({"value": 2, "confidence": "on_track"})).await.expect(201);
        assert_eq!(*ann.get(&at).await.at("/overdue"), json!(false));
    }

    /// What cannot be is refused, and nothing is stored.
    async fn bad_check_ins_are_refused(app) {
        let ann = ann_plans(&app).await;
        app.it_is("2026-04-02T10:00:00Z");
        let objective = ann
            .post("objectives", json!({"title": "Build", "cycle_id": "q2-2026", "state": "active", "key_results": [
                {"title": "Share", "kind": "milestone"}, {"title": "More", "kind": "increase", "start": 0, "target": 9}]}))
            .await;
        let (milestone, more) = (key_result(&objective, 0), key_result(&objective, 1));
        for (id, body, pointer, code) in [
            (&milestone, json!({"value": 1.1, "confidence": "on_track"}), "/value", "out_of_bounds"),
            (&milestone, json!({"value": -0.1, "confidence": "on_track"}), "/value", "out_of_bounds"),
            (&more, json!({"confidence": "on_track"}), "/value", "required"),
            (&more, json!({"value": "4.2", "confidence": "on_track"}), "/value", "wrong_type"),
            (&more, json!({"value": 1e16, "confidence": "on_track"}), "/value", "out_of_bounds"),
            (&more, json!({"value": 1}), "/confidence", "required"),
            (&more, json!({"value": 1, "confidence": "sure"}), "/confidence", "unknown_value"),
            (&more, json!({"value": 1, "confidence": "on_track", "at": "2026-04-03"}), "/at", "in_the_future"),
            (&more, json!({"value": 1, "confidence": "on_track", "at": "2026-04-02T10:05:01Z"}), "/at", "in_the_future"),
            (&more, json!({"value": 1, "confidence": "on_track", "at": "2027-01-01"}), "/at", "in_the_future"),
            (&more, json!({"value": 1, "confidence": "on_track", "at": "2026-03-31"}), "/at", "before_start"),
            (&more, json!({"value": 1, "confidence": "on_track", "at": "0001-01-01"}), "/at", "out_of_bounds"),
            (&more, json!({"value": 1, "confidence": "on_track", "at": "yesterday"}), "/at", "malformed"),
            (&more, json!({"value": 1, "confidence": "on_track", "note": "x".repeat(4001)}), "/note", "too_long"),
            (&more, json!({"value": 1, "confidence": "on_track", "author_id": "me"}), "/author_id", "unknown_field"),
        ] {
            ann.post(&format!("key-results/{id}/check-ins"), body).await.refused(422, "validation_failed").names(pointer, code);
        }
        ann.call(reqwest::Method::POST, &format!("key-results/{more}/check-ins"))
            .raw("application/json", "{\"value\": 1e400, \"confidence\": \"on_track\"}")
            .send()
            .await
            .refused(400, "malformed_body");
        assert_eq!(*ann.get(&format!("key-results/{more}/check-ins")).await.at("/items"), json!([]));
        assert_eq!(told(&ann, "check_in.created").await, 0);
        // The first day itself is welcome, and so is a clock that runs a little ahead.
        ann.post(&format!("key-results/{more}/check-ins"), json!({"value": 1, "confidence": "on_track", "at": "2026-04-01"})).await.expect(201);
        ann.post(&format!("key-results/{more}/check-ins"), json!({"value": 1, "confidence": "on_track", "at": "2026-04-02T10:04:00Z"})).await.expect(201);

        let draft = ann.post("objectives", json!({"title": "Draft", "key_results": [{"title": "x", "kind": "milestone"}]})).await;
        let path = format!("key-results/{}/check-ins", key_result(&draft, 0));
        ann.post(&path, json!({"value": 1, "confidence": "on_track"})).await.refused(409, "conflict");
        ann.post(&under("objectives", &objective, "/close"), json!({"outcome": "dropped"})).await.expect(200);
        ann.post(&format!("key-results/{more}/check-ins"), json!({"value": 1, "confidence": "on_track"})).await.refused(409, "objective_closed");
        ann.get("check-ins/kr_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_id");
        ann.get("check-ins/chk_01h455vb4pex5vsknk084sn02q").await.refused(404, "not_found");
    }

    /// At least, at most and between have no value before the first check-in, and no pace before they are due.
    async fn kinds_that_are_met_or_not(app) {
        let ann = ann_plans(&app).await;
        app.it_is("2026-04-01T10:00:00Z");
        let objective = ann
            .post("objectives", json!({"title": "Quality", "cycle_id": "q2-2026", "state": "active", "key_results": [
                {"title": "Least", "kind": "at_least", "target": 9},
                {"title": "Band", "kind": "between", "range": {"min": 1, "max": 2}, "due_on": "2026-05-01"}]}))
            .await;
        objective.expect(201);
        assert_eq!((objective.at("/progress/value"), objective.number("/progress/coverage"), objective.text("/pace")), (&Value::Null, 0.0, "none"));
        let band = format!("key-results/{}", key_result(&objective, 1));
        ann.post(&format!("{band}/check-ins"), json!({"value": 2, "confidence": "on_track"})).await.expect(201);
        let seen = ann.get(&band).await;
        assert_eq!((seen.number("/progress/value"), seen.text("/pace")), (1.0, "none"));
        app.it_is("2026-05-01T10:00:00Z");
        ann.post(&format!("{band}/check-ins"), json!({"value": 2.1, "confidence": "on_track"})).await.expect(201);
        let seen = ann.get(&band).await;
        assert_eq!((seen.number("/progress/value"), seen.text("/pace"), seen.text("/confidence")), (0.0, "off_track", "on_track"));
    }
}
