use reqwest::Method;
use serde_json::{Value, json};

use super::{ann_plans, key_result, lasting, launch, near, titles, told, under};
use crate::harness::stories;

stories! {
    /// The sum can be redone by hand: weights, values and contributions stand in the breakdown.
    async fn progress_is_a_weighted_mean_that_shows_its_work(app) {
        let ann = ann_plans(&app).await;
        app.it_is("2026-04-01T10:00:00Z");
        let made = launch(&ann).await;
        assert_eq!(made.text("/cycle/slug"), "q2-2026");
        assert_eq!(made.text("/owner/name"), "ann");
        assert_eq!((made.text("/state"), made.text("/pace")), ("active", "too_early"));
        assert_eq!(*made.at("/confidence"), json!({"worst": null, "counts": {"on_track": 0, "at_risk": 0, "off_track": 0, "never": 2}}));
        assert_eq!(*made.at("/parent_id"), Value::Null);
        assert_eq!((made.text("/visibility"), made.number("/remedies")), ("workspace", 0.0));

        app.it_is("2026-05-21T10:00:00Z");
        for (index, value, confidence) in [(0, 3.0, "on_track"), (1, 70.0, "off_track")] {
            let path = format!("key-results/{}/check-ins", key_result(&made, index));
            ann.post(&path, json!({"value": value, "confidence": confidence})).await.expect(201);
        }
        let seen = ann.get(&under("objectives", &made, "")).await;
        // (3 * 0.5 + 1 * 0.2) / 4
        near(seen.number("/progress/value"), 0.425);
        near(seen.number("/progress/computed"), 0.425);
        near(seen.number("/progress/expected"), 0.5);
        near(seen.number("/progress/original"), 0.425);
        assert_eq!((seen.number("/progress/coverage"), seen.text("/progress/source")), (1.0, "key_results"));
        near(seen.number("/progress/breakdown/0/contribution"), 0.375);
        near(seen.number("/progress/breakdown/1/contribution"), 0.05);
        assert_eq!(seen.text("/pace"), "at_risk");
        assert_eq!(*seen.at("/confidence"), json!({"worst": "off_track", "counts": {"on_track": 1, "at_risk": 0, "off_track": 1, "never": 0}}));
        assert_eq!(seen.text("/key_results/1/pace"), "off_track");

        // A key result that has no value yet leaves a gap that is told.
        let path = under("objectives", &made, "/key-results");
        ann.post(&path, json!({"title": "Fast", "kind": "at_most", "target": 2, "weight": 4})).await.expect(201);
        ann.post(&path, json!({"title": "Nice", "kind": "milestone", "weight": 0})).await.expect(201);
        let seen = ann.get(&under("objectives", &made, "")).await;
        near(seen.number("/progress/value"), 0.425);
        near(seen.number("/progress/coverage"), 0.5);
        assert_eq!(seen.text("/progress/breakdown/2/left_out"), "no_value");
        assert_eq!(seen.text("/progress/breakdown/3/left_out"), "zero_weight");

        // An archived one is named, and neither counts nor leaves a gap.
        ann.delete(&format!("key-results/{}", key_result(&seen, 2))).await.expect(204);
        let seen = ann.get(&under("objectives", &made, "")).await;
        assert_eq!((seen.number("/progress/coverage"), seen.text("/progress/breakdown/2/left_out")), (1.0, "archived"));
        assert_eq!(seen.at("/key_results").as_array().map(Vec::len), Some(3));
    }

    /// Activating names all that is missing at once.
    async fn a_draft_becomes_active_when_nothing_is_missing(app) {
        let ann = ann_plans(&app).await;
        let draft = ann.post("objectives", json!({"title": "Someday"})).await;
        draft.expect(201);
        assert_eq!((draft.text("/state"), draft.text("/pace")), ("draft", "none"));
        let at = |rest: &str| under("objectives", &draft, rest);
        ann.patch(&at(""), json!({"owner_id": null})).await.expect(200);
        let refused = ann.call(Method::POST, &at("/activate")).send().await;
        refused.refused(409, "not_ready");
        refused.names("/owner_id", "required").names("/cycle_id", "required").names("/key_results", "required");

        let unfinished = ann.post(&at("/key-results"), json!({"title": "More", "kind": "increase"})).await;
        unfinished.expect(201);
        ann.post(&at("/key-results"), json!({"title": "Within", "kind": "between", "range": {"min": 1}})).await.expect(201);
        let refused = ann.call(Method::POST, &at("/activate")).send().await;
        refused.names("/key_results/0/start", "required").names("/key_results/0/target", "required");
        refused.names("/key_results/1/range/max", "required");
        assert_eq!(ann.get(&at("")).await.text("/state"), "draft");
        assert_eq!(told(&ann, "objective.activated").await, 0);

        ann.patch(&under("key-results", &unfinished, ""), json!({"start": 1, "target": 2})).await.expect(200);
        let between = key_result(&ann.get(&at("")).await, 1);
        ann.patch(&format!("key-results/{between}"), json!({"range": {"max": 3}})).await.expect(200);
        ann.patch(&at(""), json!({"owner_id": "me", "ends_on": "2026-12-31"})).await.expect(200);
        let active = ann.call(Method::POST, &at("/activate")).send().await;
        active.expect(200);
        assert_eq!(active.text("/state"), "active");
        assert_eq!(*ann.get(&format!("key-results/{between}")).await.at("/original/range"), json!({"min": 1.0, "max": 3.0}));
        // Once more changes nothing.
        let again = ann.call(Method::POST, &at("/activate")).send().await;
        assert_eq!(again.expect(200).number("/version"), active.number("/version"));
        assert_eq!(told(&ann, "objective.activated").await, 1);
        // What it needed it keeps.
        ann.patch(&at(""), json!({"ends_on": null})).await.refused(409, "not_ready").names("/cycle_id", "required");
        ann.patch(&at(""), json!({"owner_id": null})).await.refused(409, "not_ready").names("/owner_id", "required");
        // By hand it needs no key result.
        let manual = ann
            .post("objectives", json!({"title": "By hand", "cycle_id": "q2-2026", "state": "active", "progress_source": "manual",
                "manual_progress": {"value": 0.4, "note": "so they say"}}))
            .await;
        manual.expect(201);
        assert_eq!((manual.number("/progress/value"), manual.at("/progress/computed")), (0.4, &Value::Null));
        let renoted = ann.patch(&under("objectives", &manual, ""), json!({"manual_progress": {"value": 0.5}})).await;
        assert_eq!(*renoted.at("/manual_progress"), json!({"value": 0.5, "note": "so they say"}));
        let refused = ann.post("objectives", json!({"title": "x", "state": "active"})).await;
        refused.refused(409, "not_ready").names("/cycle_id", "required").names("/key_results", "required");
        assert_eq!(titles(&ann.get("objectives").await), ["By hand", "Someday"]);
    }

    /// Closing freezes what stood then, whatever the KPI does later.
    async fn closing_freezes_values_progress_and_pace(app) {
        let ann = ann_plans(&app).await;
        ann.post("kpis", json!({"name": "Conversion", "key": "conversion"})).await.expect(201);
        ann.put("kpis/conversion/points/2026-03-15", json!({"value": 2})).await.expect(201);
        app.it_is("2026-04-01T10:00:00Z");
        let made = ann
            .post("objectives", json!({"title": "Convert", "cycle_id": "current", "state": "active", "key_results": [
                {"title": "Conversion", "kind": "increase", "target": 4, "kpi_id": "conversion"}]}))
            .await;
        made.expect(201);
        assert_eq!(made.number("/key_results/0/start"), 2.0);
        let at = |rest: &str| under("objectives", &made, rest);
        app.it_is("2026-06-10T10:00:00Z");
        ann.put("kpis/conversion/points/2026-06-09", json!({"value": 3})).await.expect(201);
        let open = ann.get(&at("")).await;
        assert_eq!((open.number("/progress/value"), open.text("/pace")), (0.5, "at_risk"));

        ann.post(&at("/close"), json!({})).await.refused(422, "validation_failed").names("/outcome", "required");
        ann.post(&at("/close"), json!({"outcome": "partial", "score": 1.1})).await.refused(422, "validation_failed").names("/score", "out_of_bounds");
        ann.post(&at("/close"), json!({"outcome": "great"})).await.refused(422, "validation_failed").names("/outcome", "unknown_value");
        let closed = ann.post(&at("/close"), json!({"outcome": "partial", "reflection": "Start earlier."})).await;
        closed.expect(200);
        assert_eq!((closed.text("/state"), closed.text("/outcome"), closed.number("/score")), ("closed", "partial", 0.5));
        assert_eq!(closed.text("/reflection"), "Start earlier.");
        assert_eq!(closed.at("/progress"), open.at("/progress"));
        assert_eq!(*closed.at("/can"), json!({"edit": false, "close": false, "reopen": true, "archive": true, "check_in": false}));

        ann.put("kpis/conversion/points/2026-06-10", json!({"value": 4})).await.expect(201);
        app.it_is("2026-06-28T10:00:00Z");
        let later = ann.get(&at("")).await;
        assert_eq!((later.at("/progress"), later.text("/pace")), (open.at("/progress"), "at_risk"));
        let frozen = ann.get(&format!("key-results/{}", key_result(&made, 0))).await;
        assert_eq!((frozen.number("/current/value"), frozen.number("/progress/value")), (3.0, 0.5));

        ann.post(&at("/close"), json!({"outcome": "partial"})).await.refused(409, "objective_closed");
        ann.patch(&at(""), json!({"title": "x"})).await.refused(409, "objective_closed");
        ann.call(Method::POST, &at("/activate")).send().await.refused(409, "objective_closed");
        ann.post(&at("/key-results"), json!({"title": "x", "kind": "milestone"})).await.refused(409, "objective_closed");
        ann.patch(&format!("key-results/{}", key_result(&made, 0)), json!({"title": "x"})).await.refused(409, "objective_closed");
        assert_eq!(told(&ann, "objective.closed").await, 1);

        let draft = ann.post("objectives", json!({"title": "Never begun"})).await;
        ann.post(&under("objectives", &draft, "/close"), json!({"outcome": "dropped"})).await.refused(409, "conflict");
    }

    /// The archive keeps everything and takes no changes.
    async fn an_archived_objective_leaves_lists_until_restored(app) {
        let ann = ann_plans(&app).await;
        app.it_is("2026-04-10T10:00:00Z");
        let made = launch(&ann).await;
        let at = |rest: &str| under("objectives", &made, rest);
        ann.delete(&at("")).await.expect(204);
        ann.delete(&at("")).await.expect(204);
        assert_eq!(told(&ann, "objective.archived").await, 1);
        assert_eq!(titles(&ann.get("objectives").await), Vec::<&str>::new());
        assert_eq!(titles(&ann.get("objectives?archived=yes").await).len(), 1);
        assert_eq!(titles(&ann.get("objectives?archived=all").await).len(), 1);
        assert_eq!(titles(&ann.get("key-results").await), Vec::<&str>::new());
        ann.patch(&at(""), json!({"title": "x"})).await.refused(409, "objective_closed");
        ann.post(&format!("key-results/{}/check-ins", key_result(&made, 0)), json!({"value": 3, "confidence": "on_track"}))
            .await
            .refused(409, "objective_closed");
        let restored = ann.call(Method::POST, &at("/restore")).send().await;
        assert_eq!(restored.expect(200).at("/archived_at"), &Value::Null);
        ann.call(Method::POST, &at("/restore")).send().await.expect(200);
        assert_eq!(told(&ann, "objective.restored").await, 1);
        assert_eq!(titles(&ann.get("objectives").await).len(), 1);
    }

    /// Filters run before paging, those of the clock too.
    async fn lists_filter_sort_and_page(app) {
        let ann = ann_plans(&app).await;
        ann.post("teams", json!({"name": "Growth"})).await.expect(201);
        app.it_is("2026-04-01T10:00:00Z");
        let launch = launch(&ann).await;
        for (title, more) in [
            ("Beta 100%", json!({"tags": ["growth", "web"], "team_id": "growth"})),
            ("alpha", json!({"tags": ["web"]})),
            ("Gamma", json!({"cycle_id": "q2-2026"})),
        ] {
            let mut body = json!({"title": title});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            if title == "Gamma" {
                app.it_is("2026-04-01T10:00:01Z");
            }
            ann.post("objectives", body).await.expect(201);
        }
        let all = ["alpha", "Beta 100%", "Gamma", "Launch a higher-converting website"];
        assert_eq!(titles(&ann.get("objectives").await), all);
        let first = ann.get("objectives?limit=3&include=total").await;
        assert_eq!((titles(&first), first.number("/total")), (all[..3].to_vec(), 4.0));
        let second = ann.get(&format!("objectives?limit=3&cursor={}", first.text("/next_cursor"))).await;
        assert_eq!(titles(&second), all[3..]);
        ann.get(&format!("objectives?limit=3&sort=created&cursor={}", first.text("/next_cursor"))).await.refused(404, "cursor_not_found");
        let newest = ann.get("objectives?sort=created&limit=1").await;
        assert_eq!(titles(&newest), ["Gamma"]);
        let next = ann.get(&format!("objectives?sort=created&limit=3&cursor={}", newest.text("/next_cursor"))).await;
        assert_eq!(titles(&next).len(), 3);

        for (query, found) in [
            ("state=active", vec![all[3]]),
            ("state=active&state=draft", all.to_vec()),
            ("cycle=current", vec!["Gamma", all[3]]),
            ("team=growth", vec!["Beta 100%"]),
            ("owner=me", all.to_vec()),
            ("tag=web", vec!["alpha", "Beta 100%"]),
            ("q=100%25", vec!["Beta 100%"]),
            ("q=ALPHA", vec!["alpha"]),
            ("q=%25", vec!["Beta 100%"]),
            ("q=_", vec![]),
            ("pace=too_early", vec![all[3]]),
            ("pace=none&tag=web", vec!["alpha", "Beta 100%"]),
            ("confidence=never", all.to_vec()),
            ("confidence=at_risk", vec![]),
        ] {
            let page = ann.get(&format!("objectives?{query}")).await;
            page.expect(200);
            assert_eq!(titles(&page), found, "{query}");
        }
        let first = ann.get("objectives?pace=none&limit=2&include=total").await;
        assert_eq!((titles(&first), first.number("/total")), (vec!["alpha", "Beta 100%"], 3.0));
        let second = ann.get(&format!("objectives?pace=none&limit=2&cursor={}", first.text("/next_cursor"))).await;
        assert_eq!(titles(&second), ["Gamma"]);

        app.it_is("2026-06-20T10:00:00Z");
        assert_eq!(titles(&ann.get("objectives?pace=off_track").await), [all[3]]);
        let path = format!("key-results/{}/check-ins", key_result(&launch, 0));
        ann.post(&path, json!({"value": 4, "confidence": "at_risk"})).await.expect(201);
        assert_eq!(titles(&ann.get("objectives?confidence=at_risk").await), [all[3]]);

        for query in ["pace=fast", "state=open", "sort=age", "colour=red", "cycle=kpi_01h455vb4pex5vsknk084sn02q", "limit=201"] {
            ann.get(&format!("objectives?{query}")).await.refused(400, "invalid_query");
        }
        ann.get("objectives?cycle=nowhere").await.refused(404, "not_found").names("cycle", "not_found");
        ann.get("objectives?team=nowhere").await.refused(404, "not_found").names("team", "not_found");
    }

    /// Every rule of a body has its pointer, and nothing is stored.
    async fn bad_objectives_are_refused(app) {
        let ann = ann_plans(&app).await;
        let titled = |more: Value| {
            let mut body = json!({"title": "Grow"});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            body
        };
        let many: Vec<Value> = (0..26).map(|_| json!({"title": "x", "kind": "milestone"})).collect();
        for (more, pointer, code) in [
            (json!({"title": " "}), "/title", "malformed"),
            (json!({"title": "a\u{0}b"}), "/title", "nul"),
            (json!({"title": 7}), "/title", "wrong_type"),
            (json!({"weight": -1}), "/weight", "out_of_bounds"),
            (json!({"state": "closed"}), "/state", "unknown_value"),
            (json!({"progress_source": "sideways"}), "/progress_source", "unknown_value"),
            (json!({"manual_progress": {"value": 1.5}}), "/manual_progress/value", "out_of_bounds"),
            (json!({"manual_progress": {"note": "x"}}), "/manual_progress/value", "required"),
            (json!({"starts_on": "2026-05-01", "ends_on": "2026-04-30"}), "/ends_on", "before_start"),
            (json!({"cycle_id": "q2-2026", "ends_on": "2026-03-31"}), "/ends_on", "before_start"),
            (json!({"cycle_id": "kpi_01h455vb4pex5vsknk084sn02q"}), "/cycle_id", "invalid_id"),
            (json!({"owner_id": "kpi_01h455vb4pex5vsknk084sn02q"}), "/owner_id", "malformed"),
            (json!({"tags": ["a", "a"]}), "/tags/1", "duplicate"),
            (json!({"tags": [""]}), "/tags/0", "too_short"),
            (json!({"visibility": "hidden"}), "/visibility", "unknown_value"),
            (json!({"key_results": many}), "/key_results", "too_many"),
            (json!({"key_results": [{"title": "x", "kind": "increase", "start": 1, "target": 1}]}), "/key_results/0/target", "start_equals_target"),
            (json!({"key_results": [{"title": "x", "kind": "sideways"}]}), "/key_results/0/kind", "unknown_value"),
        ] {
            ann.post("objectives", titled(more)).await.refused(422, "validation_failed").names(pointer, code);
        }
        for (more, pointer) in [
            (json!({"cycle_id": "nowhere"}), "/cycle_id"),
            (json!({"cycle_id": "cyc_01h455vb4pex5vsknk084sn02q"}), "/cycle_id"),
            (json!({"team_id": "nowhere"}), "/team_id"),
            (json!({"owner_id": "mem_01h455vb4pex5vsknk084sn02q"}), "/owner_id"),
            (json!({"parent_id": "obj_01h455vb4pex5vsknk084sn02q"}), "/parent_id"),
            (json!({"key_results": [{"title": "x", "kind": "milestone"}, {"title": "x", "kind": "increase", "kpi_id": "nowhere"}]}), "/key_results/1/kpi_id"),
        ] {
            ann.post("objectives", titled(more)).await.refused(404, "not_found").names(pointer, "not_found");
        }
        ann.post("objectives", json!([])).await.refused(422, "validation_failed");
        ann.call(Method::POST, "objectives").raw("application/json", "{\"title\": \"x\", \"title\": \"y\"}").send().await.refused(400, "malformed_body");
        assert_eq!(*ann.get("objectives").await.at("/items"), json!([]));
        assert_eq!((told(&ann, "objective.created").await, told(&ann, "key_result.created").await), (0, 0));
        ann.get("objectives/kpi_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_id");
        ann.get("objectives/obj_01h455vb4pex5vsknk084sn02q").await.refused(404, "not_found");
    }

    /// Members change what is theirs or their team's; another workspace sees nothing.
    async fn who_may_change_what(app) {
        let owner = app.owner_of("ann", "acme").await;
        let bob = app.joins(&owner, "bob", "member").await;
        let vic = app.joins(&owner, "vic", "viewer").await;
        let eve = app.owner_of("eve", "evil").await;
        let hers = owner.post("objectives", json!({"title": "Hers"})).await;
        let his = bob.post("objectives", json!({"title": "His"})).await;
        his.expect(201);
        assert_eq!(his.text("/owner/name"), "bob");
        bob.patch(&under("objectives", &hers, ""), json!({"title": "x"})).await.refused(403, "forbidden");
        bob.post(&under("objectives", &hers, "/key-results"), json!({"title": "x", "kind": "milestone"})).await.refused(403, "forbidden");
        bob.patch(&under("objectives", &his, ""), json!({"why": "because"})).await.expect(200);
        owner.patch(&under("objectives", &his, ""), json!({"why": "therefore"})).await.expect(200);
        vic.post("objectives", json!({"title": "x"})).await.refused(403, "forbidden");
        assert_eq!(*vic.get(&under("objectives", &his, "")).await.at("/can"), json!({"edit": false, "close": false, "reopen": false, "archive": false, "check_in": false}));
        eve.get(&under("objectives", &his, "")).await.refused(404, "not_found");
        eve.patch(&under("objectives", &his, ""), json!({"title": "x"})).await.refused(404, "not_found");
        // The owner of a key result checks in on it, though the objective is another's.
        let asked = owner
            .post("objectives", json!({"title": "Shared", "ends_on": "2026-12-31", "state": "active", "key_results": [
                {"title": "His part", "kind": "milestone", "owner_id": bob.get("members/me").await.text("/id")},
                {"title": "Her part", "kind": "milestone"}]}))
            .await;
        asked.expect(201);
        let check_in = json!({"value": 0.5, "confidence": "on_track"});
        bob.post(&format!("key-results/{}/check-ins", key_result(&asked, 0)), check_in.clone()).await.expect(201);
        bob.post(&format!("key-results/{}/check-ins", key_result(&asked, 1)), check_in).await.refused(403, "forbidden");
        // A token with `read` alone changes nothing.
        let reader = lasting(&app, &owner, "a reader", &["read"]).await;
        reader.get("objectives").await.expect(200);
        reader.post("objectives", json!({"title": "x"})).await.refused(403, "insufficient_scope");
    }

    /// Edits compare versions; a change that changes nothing is none.
    async fn edits_are_careful(app) {
        let ann = ann_plans(&app).await;
        let made = ann.post("objectives", json!({"title": "Grow", "cycle_id": "q2-2026"})).await;
        let at = under("objectives", &made, "");
        let same = ann.patch(&at, json!({"cycle_id": "q2-2026", "owner_id": "me", "title": "Grow"})).await;
        assert_eq!((same.expect(200).number("/version"), told(&ann, "objective.updated").await), (1.0, 0));
        let stale = ann.call(Method::PATCH, &at).header("if-match", "\"2-x\"").json(&json!({"title": "x"})).send().await;
        stale.refused(412, "precondition_failed");
        ann.patch(&at, json!({"version": 2, "title": "x"})).await.refused(409, "version_conflict");
        let changed = ann.call(Method::PATCH, &at).header("if-match", made.header("etag")).json(&json!({"title": "Grow more", "cycle_id": null})).send().await;
        assert_eq!((changed.expect(200).number("/version"), changed.at("/cycle_id")), (2.0, &Value::Null));
        let events = ann.get("events?type=objective.updated").await;
        assert_eq!(*events.at("/items/0/change"), json!({"title": "Grow more", "cycle_id": null}));
        ann.patch(&at, json!({"title": null})).await.refused(422, "validation_failed").names("/title", "wrong_type");
        ann.patch(&at, json!({"state": "active"})).await.refused(422, "validation_failed").names("/state", "unknown_field");
        // The same call twice makes one objective.
        let twice = || ann.call(Method::POST, "objectives").header("idempotency-key", "abc").json(&json!({"title": "Once"})).send();
        let (first, second) = (twice().await, twice().await);
        assert_eq!((first.text("/id"), second.header("idempotent-replayed")), (second.text("/id"), "true"));
    }
}
