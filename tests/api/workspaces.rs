//! Workspaces: making, changing, deleting, and who sees them.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::stories;

stories! {
    async fn ann_makes_a_workspace_and_owns_it(app) {
        let ann = app.person("ann").await;
        let made = ann.post("/v1/workspaces", json!({"name": "Bäckerei Müller & Söhne"})).await;
        made.expect(201);
        assert_eq!(made.at("/slug"), "baeckerei-mueller-soehne");
        assert_eq!(made.at("/time_zone"), "UTC");
        assert_eq!(made.at("/week_starts_on"), "monday");
        assert_eq!(made.at("/check_in_rhythm_days"), 7);
        assert_eq!(made.at("/role"), "owner");
        assert_eq!(made.at("/can"), &json!({"create_kpi": true, "create_objective": true, "manage": true, "delete": true}));
        assert_eq!(made.header("location"), format!("/v1/workspaces/{}", made.text("/id")));
        let shown = ann.get(made.header("location")).await;
        assert_eq!(shown.expect(200).body, made.body);
        assert_eq!(ann.get("/v1/workspaces/baeckerei-mueller-soehne").await.body, made.body);
        let list = ann.get("/v1/workspaces").await;
        assert_eq!(list.at("/items/0"), &made.body);
        assert_eq!(app.told("baeckerei-mueller-soehne").await, ["workspace.created"]);
        assert_eq!(app.person("bob").await.get("/v1/workspaces").await.at("/items"), &json!([]));
    }

    async fn what_is_wrong_with_a_workspace_is_told(app) {
        let ann = app.person("ann").await;
        ann.post("/v1/workspaces", json!({"name": "Acme"})).await.expect(201);
        let before = app.people().await;
        let post = async |body: Value| ann.post("/v1/workspaces", body).await;
        post(json!({})).await.refused(422, "validation_failed").names("/name", "required");
        for (field, value, code) in [
            ("name", json!(""), "too_short"),
            ("name", json!("a".repeat(201)), "too_long"),
            ("name", json!("a\u{7}b"), "malformed"),
            ("name", json!("a\u{0}b"), "nul"),
            ("name", json!(null), "wrong_type"),
            ("slug", json!("Acme"), "malformed"),
            ("slug", json!("a--b"), "malformed"),
            ("slug", json!("-a"), "malformed"),
            ("slug", json!("a_b"), "malformed"),
            ("slug", json!("a".repeat(65)), "too_long"),
            ("time_zone", json!("Europe/Atlantis"), "unknown_time_zone"),
            ("time_zone", json!("../etc/passwd"), "unknown_time_zone"),
            ("time_zone", json!("+02:00"), "unknown_time_zone"),
            ("time_zone", json!(""), "too_short"),
            ("week_starts_on", json!("someday"), "unknown_value"),
            ("check_in_rhythm_days", json!(0), "out_of_bounds"),
            ("check_in_rhythm_days", json!(367), "out_of_bounds"),
            ("check_in_rhythm_days", json!(1.5), "wrong_type"),
            ("check_in_rhythm_days", json!("7"), "wrong_type"),
            ("plan", json!("gold"), "unknown_field"),
        ] {
            let mut body = json!({"name": "Another"});
            body[field] = value;
            post(body).await.refused(422, "validation_failed").names(&format!("/{field}"), code);
        }
        post(json!({"name": "東京"})).await.refused(422, "validation_failed").names("/slug", "required");
        post(json!({"name": "Acme"})).await.refused(409, "already_exists").names("/slug", "already_exists");
        post(json!({"name": "Another", "slug": "acme"})).await.refused(409, "already_exists").names("/slug", "already_exists");
        ann.post("/v1/workspaces?dry_run=true", json!({"name": "Rehearsed"})).await.expect(201);
        ann.post("/v1/workspaces?dry=true", json!({"name": "Rehearsed"})).await.refused(400, "invalid_query");
        ann.get("/v1/workspaces?q=a").await.refused(400, "invalid_query");
        assert_eq!(app.people().await, before);
        let made = post(json!({"name": "東京", "slug": "tokyo", "time_zone": "asia/tokyo"})).await;
        assert_eq!(made.expect(201).at("/time_zone"), "Asia/Tokyo");
    }

    async fn settings_are_for_admins_and_deleting_for_owners(app) {
        let ann = app.owner_of("ann", "acme").await;
        let admin = app.joins(&ann, "adam", "admin").await;
        let member = app.joins(&ann, "mia", "member").await;
        let viewer = app.joins(&ann, "vic", "viewer").await;
        for (caller, create, manage, delete) in [
            (&ann, true, true, true), (&admin, true, true, false), (&member, true, false, false), (&viewer, false, false, false),
        ] {
            let can = json!({"create_kpi": create, "create_objective": create, "manage": manage, "delete": delete});
            assert_eq!(caller.get("").await.expect(200).at("/can"), &can);
            let listed = caller.get("/v1/workspaces").await;
            assert_eq!(listed.at("/items/0/can"), &can);
        }
        let before = app.people().await;
        member.patch("", json!({"name": "Mine"})).await.refused(403, "forbidden");
        viewer.patch("", json!({"name": 7})).await.refused(403, "forbidden");
        admin.delete("").await.refused(403, "forbidden");
        member.delete("").await.refused(403, "forbidden");
        assert_eq!(app.people().await, before);
        let changed = admin.patch("", json!({"name": "Acme Ltd", "week_starts_on": "sunday", "check_in_rhythm_days": 14})).await;
        changed.expect(200);
        assert_eq!(changed.at("/version"), 2);
        assert_eq!(changed.at("/slug"), "acme");
        assert_eq!(changed.at("/week_starts_on"), "sunday");
        ann.delete("").await.expect(204);
        for caller in [&ann, &admin, &member, &viewer] {
            caller.get("").await.refused(404, "not_found");
            assert_eq!(caller.get("/v1/workspaces").await.at("/items"), &json!([]));
        }
        ann.post("/v1/workspaces", json!({"name": "Acme"})).await.refused(409, "already_exists");
        let told = app.told("acme").await;
        assert_eq!(told[told.len() - 2..], ["workspace.updated", "workspace.deleted"]);
    }

    async fn a_change_knows_what_it_changes(app) {
        let ann = app.owner_of("ann", "acme").await;
        app.owner_of("bob", "taken").await;
        let shown = ann.get("").await;
        let tag = shown.header("etag").to_owned();
        assert!(tag.starts_with("\"1-"), "{tag}");
        ann.call(Method::GET, "").header("if-none-match", &tag).send().await.expect(304);
        // Nothing changes: the same version, no event.
        let same = ann.patch("", json!({"name": "acme"})).await;
        assert_eq!(same.expect(200).at("/version"), 1);
        assert_eq!(app.told("acme").await, ["workspace.created"]);
        ann.call(Method::PATCH, "").header("if-match", "\"7-0\"").json(&json!({"name": "B"})).send().await.refused(412, "precondition_failed");
        ann.patch("", json!({"name": "B", "version": 7})).await.refused(409, "version_conflict");
        ann.patch("", json!({"slug": "taken"})).await.refused(409, "already_exists").names("/slug", "already_exists");
        ann.patch("", json!({"name": null})).await.refused(422, "validation_failed").names("/name", "wrong_type");
        ann.patch("", json!({"time_zone": "Mars/Olympus"})).await.refused(422, "validation_failed").names("/time_zone", "unknown_time_zone");
        ann.patch("", json!({"id": "wsp_01h455vb4pex5vsknk084sn02q"})).await.names("/id", "unknown_field");
        assert_eq!(ann.get("").await.body, shown.body);
        let changed = ann.call(Method::PATCH, "").header("if-match", &tag).json(&json!({"slug": "acme-ltd", "time_zone": "Asia/Tokyo"})).send().await;
        assert_eq!(changed.expect(200).at("/version"), 2);
        ann.get("").await.refused(404, "not_found");
        assert_eq!(ann.inside("acme-ltd").get("").await.expect(200).at("/time_zone"), "Asia/Tokyo");
        // Taking the slug away makes it of the name again.
        assert_eq!(ann.inside("acme-ltd").patch("", json!({"slug": null})).await.expect(200).at("/slug"), "acme");
    }

    async fn a_workspace_is_named_by_id_or_slug(app) {
        let ann = app.owner_of("ann", "acme").await;
        let id = ann.get("").await.text("/id").to_owned();
        ann.get(&format!("/v1/workspaces/{id}")).await.expect(200);
        ann.get("/v1/workspaces/mem_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_id");
        ann.get("/v1/workspaces/wsp_01h455vb4pex5vsknk084sn02q").await.refused(404, "not_found");
        ann.get("/v1/workspaces/none").await.refused(404, "not_found");
        let bob = app.person("bob").await;
        bob.get(&format!("/v1/workspaces/{id}")).await.refused(404, "not_found");
    }

    async fn a_list_comes_in_pages(app) {
        let ann = app.person("ann").await;
        for name in ["delta", "Alpha", "charlie", "Bravo", "echo"] {
            ann.post("/v1/workspaces", json!({"name": name})).await.expect(201);
        }
        let mut names = Vec::new();
        let mut path = "/v1/workspaces?limit=2&include=total".to_owned();
        loop {
            let page = ann.get(&path).await;
            page.expect(200);
            assert_eq!(page.at("/total"), 5);
            names.extend(page.at("/items").as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()));
            match page.at("/next_cursor").as_str() {
                Some(cursor) => path = format!("/v1/workspaces?limit=2&include=total&cursor={cursor}"),
                None => break,
            }
        }
        assert_eq!(names, ["Alpha", "Bravo", "charlie", "delta", "echo"]);
        ann.get("/v1/workspaces?limit=0").await.refused(400, "invalid_query");
        ann.get("/v1/workspaces?limit=201").await.refused(400, "invalid_query");
        ann.get("/v1/workspaces?cursor=nonsense").await.refused(404, "cursor_not_found");
    }

    async fn making_one_twice_with_a_key_makes_one(app) {
        let ann = app.person("ann").await;
        let post = async || ann.call(Method::POST, "/v1/workspaces").header("idempotency-key", "one").json(&json!({"name": "Acme"})).send().await;
        let first = post().await;
        let again = post().await;
        assert_eq!(first.expect(201).body, again.expect(201).body);
        assert_eq!(again.header("idempotent-replayed"), "true");
        ann.call(Method::POST, "/v1/workspaces").header("idempotency-key", "one").json(&json!({"name": "Other"})).send().await
            .refused(409, "idempotency_key_reused");
    }

    /// Points hold the time zone; the first day of the week moves every week.
    async fn the_calendar_of_a_workspace(app) {
        let ann = app.owner_of("ann", "acme").await;
        ann.post("kpis", json!({"name": "Orders", "cadence": "weekly", "aggregation": "sum"})).await.expect(201);
        ann.patch("", json!({"time_zone": "Asia/Tokyo"})).await.expect(200);
        ann.put("kpis/orders/points/2026-03-21", json!({"value": 1})).await.expect(201);
        ann.put("kpis/orders/points/2026-03-22", json!({"value": 2})).await.expect(201);
        let before = ann.get("").await.body;
        ann.patch("", json!({"time_zone": "UTC"})).await.refused(409, "time_zone_in_use").names("/time_zone", "in_use");
        ann.patch("", json!({"time_zone": "UTC", "name": "Other"})).await.refused(409, "time_zone_in_use");
        assert_eq!(ann.get("").await.body, before);
        ann.patch("", json!({"time_zone": "asia/tokyo", "name": "Acme"})).await.expect(200);
        let weeks = async || {
            let periods = ann.get("kpis/orders/periods").await;
            let items = periods.expect(200).at("/items").as_array().unwrap().clone();
            items.iter().map(|one| (one["starts_on"].as_str().unwrap().to_owned(), one["value"].as_f64())).collect::<Vec<_>>()
        };
        assert_eq!(weeks().await, [("2026-03-16".to_owned(), Some(3.0))]);
        ann.patch("", json!({"week_starts_on": "sunday"})).await.expect(200);
        assert_eq!(weeks().await, [("2026-03-15".to_owned(), Some(1.0)), ("2026-03-22".to_owned(), Some(2.0))]);
        let current = ann.get("kpis/orders").await;
        assert_eq!(current.at("/current/starts_on"), "2026-03-22");
        assert_eq!(current.at("/current/value"), 2.0);
        for day in ["2026-03-21", "2026-03-22"] {
            ann.delete(&format!("kpis/orders/points/{day}")).await;
        }
        ann.patch("", json!({"time_zone": "UTC"})).await.expect(200);
    }
}
