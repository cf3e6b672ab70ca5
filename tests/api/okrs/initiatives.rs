use reqwest::Method;
use serde_json::{Value, json};

use super::{ann_plans, key_result, launch, titles, told, under};
use crate::harness::stories;

stories! {
    /// Work stands under a key result, an objective or a KPI, and is counted where those are shown.
    async fn work_stands_under_what_it_is_meant_to_move(app) {
        let ann = ann_plans(&app).await;
        app.it_is("2026-04-01T10:00:00Z");
        ann.post("kpis", json!({"name": "Churn rate"})).await.expect(201);
        let objective = launch(&ann).await;
        let conversion = key_result(&objective, 0);
        let form = ann.post("initiatives", json!({"key_result_id": conversion, "title": "Shorten the form", "due_on": "2026-04-30", "url": "https://tracker.example.com/tickets/42"})).await;
        form.expect(201);
        assert_eq!(form.header("location").rsplit('/').next(), Some(form.text("/id")));
        assert_eq!((form.text("/status"), form.text("/owner/name"), form.text("/key_result/title")), ("planned", "ann", "Conversion"));
        assert_eq!((form.text("/key_result/objective_id"), form.at("/objective_id"), form.at("/kpi")), (objective.text("/id"), &Value::Null, &Value::Null));
        assert_eq!((form.at("/overdue"), form.text("/url")), (&json!(false), "https://tracker.example.com/tickets/42"));
        let page = ann.post("initiatives", json!({"objective_id": objective.text("/id"), "title": "New front page", "status": "in_progress", "due_on": "2026-04-10"})).await;
        assert_eq!(page.expect(201).text("/objective/title"), "Launch a higher-converting website");
        let calls = ann.post("initiatives", json!({"kpi_id": "churn-rate", "title": "Call those who left", "owner_id": null})).await;
        assert_eq!(calls.expect(201).text("/kpi/key"), "churn-rate");

        let seen = ann.get(&under("objectives", &objective, "")).await;
        assert_eq!(*seen.at("/initiatives"), json!({"planned": 1, "in_progress": 1, "done": 0, "dropped": 0, "overdue": 0}));
        app.it_is("2026-05-01T10:00:00Z");
        let seen = ann.get(&under("objectives", &objective, "")).await;
        assert_eq!(seen.number("/initiatives/overdue"), 2.0);
        let seen = ann.get(&format!("key-results/{conversion}")).await;
        assert_eq!(*seen.at("/initiatives"), json!({"planned": 1, "in_progress": 0, "done": 0, "dropped": 0, "overdue": 1}));
        // Done work is not overdue, whenever it was due.
        let done = ann.patch(&under("initiatives", &form, ""), json!({"status": "done"})).await;
        assert_eq!((done.expect(200).number("/version"), done.at("/overdue")), (2.0, &json!(false)));
        assert_eq!(ann.get(&format!("key-results/{conversion}")).await.number("/initiatives/overdue"), 0.0);
        assert_eq!(*ann.get("events?type=initiative.updated").await.at("/items/0/change"), json!({"status": "done"}));
        // The same once more changes nothing.
        assert_eq!(ann.patch(&under("initiatives", &form, ""), json!({"status": "done"})).await.expect(200).number("/version"), 2.0);
        assert_eq!((told(&ann, "initiative.created").await, told(&ann, "initiative.updated").await), (3, 1));

        // It can be moved elsewhere, and keeps one parent.
        let moved = ann.patch(&under("initiatives", &form, ""), json!({"key_result_id": null, "kpi_id": "churn-rate"})).await;
        assert_eq!((moved.expect(200).text("/kpi/name"), moved.at("/key_result")), ("Churn rate", &Value::Null));
        let both = ann.patch(&under("initiatives", &form, ""), json!({"objective_id": objective.text("/id")})).await;
        both.refused(422, "validation_failed").names("/objective_id", "several_parents").names("/kpi_id", "several_parents");
        ann.patch(&under("initiatives", &form, ""), json!({"version": 1, "title": "x"})).await.refused(409, "version_conflict");

        // Archived, it leaves lists and counts until it is restored.
        ann.delete(&under("initiatives", &page, "")).await.expect(204);
        ann.delete(&under("initiatives", &page, "")).await.expect(204);
        assert_eq!(ann.get(&under("objectives", &objective, "")).await.number("/initiatives/in_progress"), 0.0);
        assert_eq!(titles(&ann.get("initiatives").await), ["Shorten the form", "Call those who left"]);
        assert_eq!(titles(&ann.get("initiatives?archived=yes").await), ["New front page"]);
        ann.patch(&under("initiatives", &page, ""), json!({"title": "x"})).await.refused(409, "conflict");
        let restored = ann.call(Method::POST, &under("initiatives", &page, "/restore")).send().await;
        assert_eq!(*restored.expect(200).at("/archived_at"), Value::Null);
        assert_eq!(ann.get(&under("objectives", &objective, "")).await.number("/initiatives/in_progress"), 1.0);
        // So does what belongs to something archived.
        ann.delete(&under("objectives", &objective, "")).await.expect(204);
        assert_eq!(titles(&ann.get("initiatives").await), ["Shorten the form", "Call those who left"]);
        ann.delete("kpis/churn-rate").await.expect(204);
        assert_eq!(ann.get("initiatives").await.at("/items"), &json!([]));
        assert_eq!(ann.get("initiatives?archived=all&include=total").await.number("/total"), 3.0);
    }

    /// An objective is made whole: with its key results and the work that is meant to move them.
    async fn an_objective_is_made_with_its_work(app) {
        let ann = ann_plans(&app).await;
        app.it_is("2026-04-01T10:00:00Z");
        let whole = |key_results: Value, initiatives: Value| json!({
            "title": "Launch", "cycle_id": "q2-2026", "state": "active", "key_results": key_results, "initiatives": initiatives,
        });
        let goals = json!([
            {"title": "Conversion", "kind": "increase", "start": 2, "target": 4},
            {"title": "Cost", "kind": "decrease", "start": 75, "target": 50},
        ]);
        let work = json!([
            {"title": "Shorten the form", "key_result": 0, "due_on": "2026-04-30"},
            {"title": "Other auctions", "key_result": 1, "status": "in_progress"},
            {"title": "Team day", "url": "https://example.com"},
        ]);
        let made = ann.post("objectives", whole(goals.clone(), work)).await;
        assert_eq!(*made.expect(201).at("/initiatives"), json!({"planned": 2, "in_progress": 1, "done": 0, "dropped": 0, "overdue": 0}));
        for (place, title) in [(0, "Shorten the form"), (1, "Other auctions")] {
            let listed = ann.get(&format!("initiatives?key_result={}", key_result(&made, place))).await;
            assert_eq!((titles(&listed), listed.text("/items/0/owner/name")), (vec![title], "ann"));
        }
        assert_eq!(told(&ann, "initiative.created").await, 3);

        // One thing wrong, and nothing is made.
        for (initiatives, pointer, code) in [
            (json!([{"title": "x"}, {"title": "y", "key_result": 2}]), "/initiatives/1/key_result", "out_of_bounds"),
            (json!([{"title": "x", "key_result": -1}]), "/initiatives/0/key_result", "out_of_bounds"),
            (json!([{"title": "x", "url": "file:///etc/passwd"}]), "/initiatives/0/url", "malformed"),
            (json!([{"title": "x", "objective_id": made.text("/id")}]), "/initiatives/0/objective_id", "unknown_field"),
            (json!(vec![json!({"title": "x"}); 26]), "/initiatives", "too_many"),
        ] {
            ann.post("objectives", whole(goals.clone(), initiatives)).await.refused(422, "validation_failed").names(pointer, code);
        }
        let stranger = json!([{"title": "x"}, {"title": "y", "owner_id": "mem_01h455vb4pex5vsknk084sn02q"}]);
        ann.post("objectives", whole(goals, stranger)).await.refused(404, "not_found").names("/initiatives/1/owner_id", "not_found");
        // What an active one lacks is named all at once.
        let unfinished = json!([{"title": "More", "kind": "increase"}, {"title": "Less", "kind": "decrease", "start": 1}]);
        let refused = ann.post("objectives", whole(unfinished, json!([{"title": "x"}]))).await;
        refused.refused(409, "not_ready").names("/key_results/0/start", "required").names("/key_results/0/target", "required");
        refused.names("/key_results/1/target", "required");
        assert_eq!((told(&ann, "objective.created").await, told(&ann, "initiative.created").await), (1, 3));
    }

    /// Lists are filtered before they are paged, and every order has an end.
    async fn lists_of_initiatives_are_filtered_and_paged(app) {
        let ann = ann_plans(&app).await;
        app.it_is("2026-04-01T10:00:00Z");
        let objective = launch(&ann).await;
        let (id, first, second) = (objective.text("/id").to_owned(), key_result(&objective, 0), key_result(&objective, 1));
        ann.post("kpis", json!({"name": "Churn rate"})).await.expect(201);
        for (second, body) in [
            json!({"key_result_id": first, "title": "Zebra", "due_on": "2026-04-02"}),
            json!({"key_result_id": second, "title": "Mule", "due_on": "2026-04-02", "status": "done"}),
            json!({"objective_id": id, "title": "ant_eater", "due_on": "2026-04-20", "status": "in_progress"}),
            json!({"kpi_id": "churn-rate", "title": "Bee"}),
            json!({"kpi_id": "churn-rate", "title": "Bear", "status": "dropped"}),
        ].into_iter().enumerate() {
            app.it_is(&format!("2026-04-01T10:00:0{second}Z"));
            ann.post("initiatives", body).await.expect(201);
        }
        app.it_is("2026-04-02T10:00:00Z");
        let bees = ann.get("initiatives?q=bee").await.text("/items/0/id").to_owned();
        ann.patch(&format!("initiatives/{bees}"), json!({"owner_id": null})).await.expect(200);
        app.it_is("2026-04-03T10:00:00Z");
        for (query, expected) in [
            ("status=done&status=dropped", vec!["Mule", "Bear"]),
            ("owner=me", vec!["Zebra", "Mule", "ant_eater", "Bear"]),
            (&format!("key_result={first}"), vec!["Zebra"]),
            (&format!("objective={id}"), vec!["Zebra", "Mule", "ant_eater"]),
            ("kpi=churn-rate", vec!["Bee", "Bear"]),
            (&format!("key_result={second}&kpi=churn-rate"), vec!["Mule", "Bee", "Bear"]),
            ("due_from=2026-04-03", vec!["ant_eater"]),
            ("due_to=2026-04-02", vec!["Zebra", "Mule"]),
            ("overdue=true", vec!["Zebra"]),
            ("overdue=false", vec!["Mule", "ant_eater", "Bee", "Bear"]),
            ("q=T_E", vec!["ant_eater"]),
            ("q=a&status=in_progress", vec!["ant_eater"]),
            ("sort=title", vec!["ant_eater", "Bear", "Bee", "Mule", "Zebra"]),
            ("sort=updated&status=planned&status=done", vec!["Bee", "Mule", "Zebra"]),
        ] {
            let whole = ann.get(&format!("initiatives?{query}&include=total")).await;
            assert_eq!(titles(whole.expect(200)), expected, "{query}");
            assert_eq!(whole.number("/total") as usize, expected.len(), "{query}");
            // A page at a time the same comes.
            let (mut seen, mut cursor) = (Vec::new(), String::new());
            loop {
                let page = ann.get(&format!("initiatives?{query}&limit=1{cursor}")).await;
                seen.extend(titles(page.expect(200)).into_iter().map(str::to_owned));
                match page.at("/next_cursor") {
                    Value::String(next) => cursor = format!("&cursor={next}"),
                    _ => break,
                }
            }
            assert_eq!(seen, expected, "{query}");
        }
        for (query, status, code) in [
            ("key_result=obj_01h455vb4pex5vsknk084sn02q", 400, "invalid_query"),
            ("key_result=kr_01h455vb4pex5vsknk084sn02q", 404, "not_found"),
            ("objective=obj_01h455vb4pex5vsknk084sn02q", 404, "not_found"),
            ("kpi=nowhere", 404, "not_found"),
            ("status=finished", 400, "invalid_query"),
            ("due_from=soon", 400, "invalid_query"),
        ] {
            ann.get(&format!("initiatives?{query}")).await.refused(status, code);
        }
    }

    /// Bad input names its field; a foreign parent is not there; what is over takes no more work.
    async fn bad_initiatives_are_refused(app) {
        let ann = ann_plans(&app).await;
        app.it_is("2026-04-01T10:00:00Z");
        let objective = launch(&ann).await;
        let id = objective.text("/id").to_owned();
        let eve = app.owner_of("eve", "elsewhere").await;
        let foreign = eve.post("objectives", json!({"title": "Theirs"})).await;
        eve.post("kpis", json!({"name": "Theirs"})).await.expect(201);
        for (body, pointer, code) in [
            (json!({"title": "x"}), "", "parent_required"),
            (json!({"title": "x", "objective_id": id, "kpi_id": "a"}), "/kpi_id", "several_parents"),
            (json!({"objective_id": id}), "/title", "required"),
            (json!({"title": "x", "objective_id": "kpi_01h455vb4pex5vsknk084sn02q"}), "/objective_id", "malformed"),
            (json!({"title": "x", "objective_id": id, "status": "finished"}), "/status", "unknown_value"),
            (json!({"title": "x", "objective_id": id, "url": "javascript:alert(1)"}), "/url", "malformed"),
            (json!({"title": "x", "objective_id": id, "url": "ftp://example.com"}), "/url", "malformed"),
            (json!({"title": "x", "objective_id": id, "url": "https://"}), "/url", "malformed"),
            (json!({"title": "x", "objective_id": id, "url": "https:///path"}), "/url", "malformed"),
            (json!({"title": "x", "objective_id": id, "url": "https://bank.example@evil.example/"}), "/url", "malformed"),
            (json!({"title": "x", "objective_id": id, "url": "https://example.com/a b"}), "/url", "malformed"),
            (json!({"title": "x", "objective_id": id, "url": format!("https://example.com/{}", "a".repeat(2000))}), "/url", "too_long"),
            (json!({"title": "x", "objective_id": id, "due_on": "2026-02-30"}), "/due_on", "malformed"),
        ] {
            ann.post("initiatives", body).await.refused(422, "validation_failed").names(pointer, code);
        }
        for (body, pointer) in [
            (json!({"title": "x", "objective_id": foreign.text("/id")}), "/objective_id"),
            (json!({"title": "x", "key_result_id": "kr_01h455vb4pex5vsknk084sn02q"}), "/key_result_id"),
            (json!({"title": "x", "kpi_id": "theirs"}), "/kpi_id"),
            (json!({"title": "x", "objective_id": id, "owner_id": "mem_01h455vb4pex5vsknk084sn02q"}), "/owner_id"),
        ] {
            ann.post("initiatives", body).await.refused(404, "not_found").names(pointer, "not_found");
        }
        assert_eq!(told(&ann, "initiative.created").await, 0);

        let work = ann.post("initiatives", json!({"title": "Work", "key_result_id": key_result(&objective, 0)})).await;
        work.expect(201);
        eve.get(&format!("/v1/workspaces/acme/initiatives/{}", work.text("/id"))).await.refused(404, "not_found");
        eve.get(&under("initiatives", &work, "")).await.refused(404, "not_found");
        ann.delete(&format!("key-results/{}", key_result(&objective, 0))).await.expect(204);
        ann.patch(&under("initiatives", &work, ""), json!({"status": "done"})).await.refused(409, "conflict");
        ann.post(&under("objectives", &objective, "/close"), json!({"outcome": "dropped"})).await.expect(200);
        ann.patch(&under("initiatives", &work, ""), json!({"status": "done"})).await.refused(409, "objective_closed");
        ann.post("initiatives", json!({"title": "x", "objective_id": id})).await.refused(409, "objective_closed");
        let draft = ann.post("objectives", json!({"title": "Draft", "cycle_id": "q2-2026"})).await;
        let work = ann.post("initiatives", json!({"title": "Work", "objective_id": draft.text("/id")})).await;
        assert_eq!(*work.expect(201).at("/can"), json!({"edit": true, "archive": true}));
        ann.patch("cycles/q2-2026", json!({"state": "closed"})).await.expect(200);
        assert_eq!(*ann.get(&under("initiatives", &work, "")).await.at("/can"), json!({"edit": false, "archive": false}));
        ann.patch(&under("initiatives", &work, ""), json!({"status": "done"})).await.refused(409, "cycle_closed");
        ann.delete(&under("initiatives", &work, "")).await.refused(409, "cycle_closed");
        ann.post("kpis", json!({"name": "Old"})).await.expect(201);
        ann.delete("kpis/old").await.expect(204);
        ann.post("initiatives", json!({"title": "x", "kpi_id": "old"})).await.refused(409, "kpi_archived");
    }

    /// It is its owner's, and of those to whom the parent belongs.
    async fn members_change_what_is_theirs(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "member").await;
        let objective = ann.post("objectives", json!({"title": "Hers"})).await;
        let body = json!({"title": "Work", "objective_id": objective.text("/id")});
        bob.post("initiatives", body.clone()).await.refused(403, "forbidden");
        let work = ann.post("initiatives", body).await;
        bob.patch(&under("initiatives", &work, ""), json!({"status": "done"})).await.refused(403, "forbidden");
        assert_eq!(*bob.get(&under("initiatives", &work, "")).await.at("/can"), json!({"edit": false, "archive": false}));
        let bobs = bob.get("members?role=member").await.text("/items/0/id").to_owned();
        ann.patch(&under("initiatives", &work, ""), json!({"owner_id": bobs})).await.expect(200);
        // What is his he changes, and does not move to where he may change nothing.
        bob.patch(&under("initiatives", &work, ""), json!({"status": "in_progress"})).await.expect(200);
        let others = ann.post("objectives", json!({"title": "Not his"})).await;
        bob.patch(&under("initiatives", &work, ""), json!({"objective_id": others.text("/id")})).await.refused(403, "forbidden");
        let own = bob.post("objectives", json!({"title": "His"})).await;
        bob.post("initiatives", json!({"title": "His work", "objective_id": own.text("/id")})).await.expect(201);
        bob.patch(&under("initiatives", &work, ""), json!({"objective_id": own.text("/id")})).await.expect(200);
    }
}
