use serde_json::{Value, json};

use super::{ann_plans, key_result, lasting, launch, told, under};
use crate::harness::stories;

stories! {
    /// Admins plan cycles; the slug comes from the name.
    async fn a_cycle_is_made_changed_and_deleted(app) {
        let ann = app.owner_of("ann", "acme").await;
        let made = ann
            .post("cycles", json!({"name": "Q1 2026", "starts_on": "2026-01-01", "ends_on": "2026-03-31"}))
            .await;
        made.expect(201);
        assert_eq!((made.text("/slug"), made.text("/state")), ("q1-2026", "active"));
        assert_eq!(*made.at("/can"), json!({"edit": true, "delete": true}));
        assert!(made.header("location").ends_with(made.text("/id")));

        let by_slug = ann.get("cycles/q1-2026").await;
        by_slug.expect(200);
        assert_eq!(by_slug.body, made.body);
        assert_eq!(ann.get("cycles/current").await.expect(200).text("/id"), made.text("/id"));

        let changed = ann.patch("cycles/q1-2026", json!({"state": "closed", "slug": "first"})).await;
        changed.expect(200);
        assert_eq!((changed.text("/state"), changed.number("/version")), ("closed", 2.0));
        let same = ann.patch("cycles/first", json!({"state": "closed"})).await;
        assert_eq!(same.expect(200).number("/version"), 2.0);
        assert_eq!(told(&ann, "cycle.updated").await, 1);

        ann.delete("cycles/first").await.expect(204);
        ann.get("cycles/first").await.refused(404, "not_found");
        ann.get("cycles/current").await.refused(404, "not_found");
        assert_eq!((told(&ann, "cycle.created").await, told(&ann, "cycle.deleted").await), (1, 1));
    }

    /// Of several active cycles that hold today, the shortest is the current one.
    async fn the_shortest_active_cycle_of_today_is_current(app) {
        let ann = app.owner_of("ann", "acme").await;
        let ann = lasting(&app, &ann, "ann", &["read", "admin"]).await;
        for (name, starts_on, ends_on, state) in [
            ("2026", "2026-01-01", "2026-12-31", "active"),
            ("Q1", "2026-01-01", "2026-03-31", "active"),
            ("March", "2026-03-01", "2026-03-31", "planning"),
            ("Q2", "2026-04-01", "2026-06-30", "active"),
        ] {
            ann.post("cycles", json!({"name": name, "starts_on": starts_on, "ends_on": ends_on, "state": state}))
                .await
                .expect(201);
        }
        assert_eq!(ann.get("cycles/current").await.text("/slug"), "q1");
        // In Berlin the next day has begun, in UTC it has not.
        app.it_is("2026-03-31T22:30:00Z");
        assert_eq!(ann.get("cycles/current").await.text("/slug"), "q2");

        let page = ann.get("cycles?limit=2&include=total").await;
        assert_eq!((page.text("/items/0/slug"), page.text("/items/1/slug")), ("2026", "q1"));
        assert_eq!(page.number("/total"), 4.0);
        let next = ann.get(&format!("cycles?limit=2&cursor={}", page.text("/next_cursor"))).await;
        assert_eq!((next.text("/items/0/slug"), next.text("/items/1/slug")), ("march", "q2"));
        assert_eq!(*next.at("/next_cursor"), Value::Null);
        let planned = ann.get("cycles?state=planning").await;
        assert_eq!(planned.at("/items").as_array().map(Vec::len), Some(1));
        ann.get("cycles?state=over").await.refused(400, "invalid_query");
    }

    /// What is wrong is told with its pointer, and nothing is stored.
    async fn bad_cycles_are_refused(app) {
        let ann = app.owner_of("ann", "acme").await;
        let dates = |more: Value| {
            let mut body = json!({"name": "Q1", "starts_on": "2026-01-01", "ends_on": "2026-03-31"});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        for (more, pointer, code) in [
            (json!({"ends_on": "2025-12-31"}), "/ends_on", "before_start"),
            (json!({"slug": "current"}), "/slug", "reserved"),
            (json!({"slug": "No Slug"}), "/slug", "malformed"),
            (json!({"slug": "cyc_01h455vb4pex5vsknk084sn02q"}), "/slug", "malformed"),
            (json!({"state": "closed"}), "/state", "closed"),
            (json!({"state": "over"}), "/state", "unknown_value"),
            (json!({"starts_on": "2026-02-30"}), "/starts_on", "malformed"),
            (json!({"name": ""}), "/name", "too_short"),
            (json!({"parent_id": ""}), "/parent_id", "too_short"),
            (json!({"parent": null}), "/parent", "unknown_field"),
        ] {
            ann.post("cycles", dates(more)).await.refused(422, "validation_failed").names(pointer, code);
        }
        ann.post("cycles", json!({})).await.refused(422, "validation_failed").names("/name", "required");
        assert_eq!(*ann.get("cycles").await.at("/items"), json!([]));

        let made = ann.post("cycles", dates(json!({}))).await;
        ann.post("cycles", dates(json!({}))).await.refused(409, "already_exists").names("/slug", "already_exists");
        ann.post("cycles", dates(json!({"name": "Q2", "slug": "q2"}))).await.expect(201);
        ann.patch("cycles/q2", json!({"slug": "q1"})).await.refused(409, "already_exists");
        ann.patch("cycles/q1", json!({"starts_on": "2026-04-01"})).await.refused(422, "validation_failed").names("/ends_on", "before_start");
        ann.patch("cycles/q1", json!({"version": 9, "name": "x"})).await.refused(409, "version_conflict");
        ann.call(reqwest::Method::PATCH, "cycles/q1").header("if-match", "\"9-x\"").json(&json!({"name": "x"})).send().await.refused(412, "precondition_failed");
        ann.get("cycles/obj_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_id");
        assert_eq!(ann.get("cycles/q1").await.body, made.body);
    }

    /// Members read cycles and leave planning to admins; strangers of other workspaces see none.
    async fn only_admins_plan(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "member").await;
        let eve = app.owner_of("eve", "evil").await;
        let body = json!({"name": "Q1", "starts_on": "2026-01-01", "ends_on": "2026-03-31"});
        bob.post("cycles", body.clone()).await.refused(403, "forbidden");
        let made = ann.post("cycles", body).await;
        assert_eq!(*bob.get("cycles/q1").await.at("/can"), json!({"edit": false, "delete": false}));
        bob.patch("cycles/q1", json!({"name": "x"})).await.refused(403, "forbidden");
        bob.delete("cycles/q1").await.refused(403, "forbidden");
        eve.get(&under("cycles", &made, "")).await.refused(404, "not_found");
        eve.inside("acme").get("cycles").await.refused(404, "not_found");
    }

    /// A cycle with objectives stays, and once it is closed, so do they.
    async fn a_closed_cycle_refuses_changes_to_its_okrs(app) {
        let ann = ann_plans(&app).await;
        app.it_is("2026-04-10T09:00:00Z");
        let objective = launch(&ann).await;
        let draft = ann.post("objectives", json!({"title": "Later", "cycle_id": "current"})).await;
        ann.delete("cycles/q2-2026").await.refused(409, "conflict");
        ann.patch("cycles/q2-2026", json!({"state": "closed"})).await.expect(200);

        let at = |rest: &str| under("objectives", &objective, rest);
        let key_result = key_result(&objective, 0);
        let events = told(&ann, "objective.updated").await;
        ann.patch(&at(""), json!({"title": "x"})).await.refused(409, "cycle_closed");
        ann.delete(&at("")).await.refused(409, "cycle_closed");
        ann.post(&at("/close"), json!({"outcome": "missed"})).await.refused(409, "cycle_closed");
        ann.post(&at("/key-results"), json!({"title": "x", "kind": "milestone"})).await.refused(409, "cycle_closed");
        ann.patch(&format!("key-results/{key_result}"), json!({"title": "x"})).await.refused(409, "cycle_closed");
        ann.delete(&format!("key-results/{key_result}")).await.refused(409, "cycle_closed");
        ann.post(&format!("key-results/{key_result}/check-ins"), json!({"value": 3, "confidence": "on_track"}))
            .await
            .refused(409, "cycle_closed");
        ann.post("objectives", json!({"title": "x", "cycle_id": "q2-2026"})).await.refused(409, "cycle_closed");
        ann.call(reqwest::Method::POST, &under("objectives", &draft, "/activate")).send().await.refused(409, "cycle_closed");
        assert_eq!(told(&ann, "objective.updated").await, events);
        let shown = ann.get(&at("")).await;
        assert_eq!(*shown.at("/can"), json!({"edit": false, "close": false, "reopen": false, "archive": false, "check_in": false}));
        // What an admin has closed, an admin can open again.
        ann.patch("cycles/q2-2026", json!({"state": "active"})).await.expect(200);
        ann.patch(&at(""), json!({"title": "Launch"})).await.expect(200);
    }

    /// A quarter is a part of its year: all its days lie within, and nothing is a part of itself.
    async fn a_cycle_can_be_a_part_of_a_longer_one(app) {
        let ann = app.owner_of("ann", "acme").await;
        let dates = |name: &str, starts_on: &str, ends_on: &str, parent: Value| json!({"name": name, "starts_on": starts_on, "ends_on": ends_on, "parent_id": parent});
        let year = ann.post("cycles", dates("2026", "2026-01-01", "2026-12-31", Value::Null)).await;
        assert_eq!((year.expect(201).at("/parent_id"), year.at("/parent")), (&Value::Null, &Value::Null));
        let half = ann.post("cycles", dates("H1", "2026-01-01", "2026-06-30", json!("2026"))).await;
        assert_eq!((half.expect(201).at("/parent_id"), half.text("/parent/slug")), (year.at("/id"), "2026"));
        let quarter = ann.post("cycles", dates("Q1", "2026-01-01", "2026-03-31", half.at("/id").clone())).await;
        assert_eq!(quarter.expect(201).text("/parent/slug"), "h1");
        assert_eq!(ann.get("cycles").await.text("/items/1/parent/slug"), "2026");

        let outside = ann.post("cycles", dates("Q4", "2025-10-01", "2027-01-01", json!("2026"))).await;
        outside.refused(422, "validation_failed").names("/starts_on", "outside_parent").names("/ends_on", "outside_parent");
        ann.patch("cycles/q1", json!({"ends_on": "2026-07-01"})).await.refused(422, "validation_failed").names("/ends_on", "outside_parent");
        ann.patch("cycles/h1", json!({"starts_on": "2026-01-02"})).await.refused(422, "validation_failed").names("/starts_on", "parts_outside");
        ann.patch("cycles/2026", json!({"parent_id": "2026"})).await.refused(422, "validation_failed").names("/parent_id", "loop");
        ann.patch("cycles/2026", json!({"parent_id": "q1"})).await.refused(422, "validation_failed").names("/parent_id", "loop").names("/ends_on", "outside_parent");
        ann.patch("cycles/q1", json!({"parent_id": "nowhere"})).await.refused(404, "not_found").names("/parent_id", "not_found");
        ann.patch("cycles/q1", json!({"parent_id": "kpi_01h455vb4pex5vsknk084sn02q"})).await.refused(422, "validation_failed").names("/parent_id", "invalid_id");
        let eve = app.owner_of("eve", "evil").await;
        let foreign = eve.post("cycles", dates("2026", "2026-01-01", "2026-12-31", Value::Null)).await;
        ann.patch("cycles/q1", json!({"parent_id": foreign.text("/id")})).await.refused(404, "not_found").names("/parent_id", "not_found");
        assert_eq!(told(&ann, "cycle.updated").await, 0);

        ann.delete("cycles/2026").await.refused(409, "conflict");
        let alone = ann.patch("cycles/h1", json!({"parent_id": null})).await;
        assert_eq!((alone.expect(200).at("/parent_id"), alone.number("/version")), (&Value::Null, 2.0));
        ann.delete("cycles/2026").await.expect(204);
        // Nine cycles within one another are the most.
        for level in 0..8 {
            let parent = if level == 0 { json!("q1") } else { json!(format!("level-{}", level - 1)) };
            let made = ann.post("cycles", dates(&format!("Level {level}"), "2026-01-01", "2026-01-31", parent)).await;
            if level < 7 {
                made.expect(201);
            } else {
                made.refused(422, "validation_failed").names("/parent_id", "too_deep");
            }
        }
    }

    /// Whatever would change an OKR of a closed cycle is refused, and nothing happens; comments are welcome.
    async fn no_operation_changes_an_okr_of_a_closed_cycle(app) {
        let ann = ann_plans(&app).await;
        app.it_is("2026-04-10T09:00:00Z");
        ann.post("cycles", json!({"name": "Q3", "starts_on": "2026-07-11", "ends_on": "2026-09-30"})).await.expect(201);
        let objective = launch(&ann).await;
        let (id, first, second) = (objective.text("/id"), key_result(&objective, 0), key_result(&objective, 1));
        ann.delete(&format!("key-results/{second}")).await.expect(204);
        let work = ann.post("initiatives", json!({"key_result_id": first, "title": "Work"})).await;
        let shelved = ann.post("initiatives", json!({"objective_id": id, "title": "Shelved"})).await;
        ann.delete(&under("initiatives", &shelved, "")).await.expect(204);
        let make = async |title: &str, cycle: &str| {
            let made = ann.post("objectives", json!({"title": title, "cycle_id": cycle, "state": "active", "key_results": [{"title": "Done", "kind": "milestone"}]})).await;
            made.expect(201);
            made
        };
        let draft = ann.post("objectives", json!({"title": "Draft", "cycle_id": "q2-2026"})).await;
        let closed = make("Closed", "q2-2026").await;
        ann.post(&under("objectives", &closed, "/close"), json!({"outcome": "missed"})).await.expect(200);
        let archived = make("Archived", "q2-2026").await;
        ann.delete(&under("objectives", &archived, "")).await.expect(204);
        let outside = make("Outside", "q3").await;
        ann.patch("cycles/q2-2026", json!({"state": "closed"})).await.expect(200);
        let newest = |events: &crate::harness::Answer| events.at("/items/0/sequence").clone();
        let before = newest(&ann.get("events?limit=1").await);

        let (post, patch, delete) = (reqwest::Method::POST, reqwest::Method::PATCH, reqwest::Method::DELETE);
        let at = |rest: &str| under("objectives", &objective, rest);
        for (method, path, body) in [
            (&patch, at(""), json!({"title": "x"})),
            (&patch, at(""), json!({"cycle_id": "q3"})),
            (&patch, at(""), json!({"parent_id": outside.text("/id")})),
            (&patch, at(""), json!({"supported_ids": [outside.text("/id")]})),
            (&delete, at(""), Value::Null),
            (&post, at("/close"), json!({"outcome": "missed"})),
            (&post, under("objectives", &draft, "/activate"), Value::Null),
            (&post, under("objectives", &closed, "/reopen"), Value::Null),
            (&post, under("objectives", &archived, "/restore"), Value::Null),
            (&post, at("/key-results"), json!({"title": "x", "kind": "milestone"})),
            (&patch, format!("key-results/{first}"), json!({"title": "x"})),
            (&delete, format!("key-results/{first}"), Value::Null),
            (&post, format!("key-results/{second}/restore"), Value::Null),
            (&post, format!("key-results/{first}/check-ins"), json!({"value": 3, "confidence": "on_track"})),
            (&post, "check-ins/batch".to_owned(), json!({"check_ins": [{"key_result_id": first, "value": 3, "confidence": "on_track"}]})),
            (&post, "initiatives".to_owned(), json!({"objective_id": id, "title": "x"})),
            (&patch, under("initiatives", &work, ""), json!({"status": "done"})),
            (&delete, under("initiatives", &work, ""), Value::Null),
            (&post, under("initiatives", &shelved, "/restore"), Value::Null),
            // Nothing comes in from outside.
            (&post, "objectives".to_owned(), json!({"title": "x", "cycle_id": "q2-2026"})),
            (&post, "objective-copies".to_owned(), json!({"objective_ids": [outside.text("/id")], "cycle_id": "q2-2026"})),
            (&post, "cycles/q3/carry-over".to_owned(), json!({"to_cycle_id": "q2-2026"})),
            (&post, "cycles/q2-2026/carry-over".to_owned(), json!({"to_cycle_id": "q3", "close": {"outcome": "missed"}})),
            (&patch, under("objectives", &outside, ""), json!({"cycle_id": "q2-2026"})),
            (&patch, under("objectives", &outside, ""), json!({"parent_id": id})),
            (&patch, under("objectives", &outside, ""), json!({"supported_ids": [id]})),
        ] {
            let call = ann.call(method.clone(), &path);
            let call = if body.is_null() { call } else { call.json(&body) };
            call.send().await.refused(409, "cycle_closed");
        }
        assert_eq!(newest(&ann.get("events?limit=1").await), before);
        ann.post("comments", json!({"subject_id": id, "text": "What a quarter."})).await.expect(201);
        ann.get(&at("")).await.expect(200);
    }
}
