//! API tokens: made by people, shown once, and never more than who made them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::{Caller, open_workspace, stories};

stories! {
    async fn a_token_is_shown_once_and_works(app) {
        let ann = app.owner_of("ann", "acme").await;
        let made = ann.post("tokens", json!({"name": "Nightly", "scopes": ["read", "points:write"], "key_patterns": ["sales-*"]})).await;
        made.expect(201);
        assert_eq!(made.header("cache-control"), "no-store");
        let secret = made.text("/token").to_owned();
        assert!(secret.starts_with("rgm_") && secret.len() == 40);
        assert_eq!(made.text("/hint"), format!("rgm_…{}", &secret[36..]));
        assert_eq!(made.at("/kind"), "personal");
        assert_eq!(made.at("/state"), "active");
        assert_eq!(made.at("/expires_at"), "2026-06-29T09:30:00.000000Z");
        assert_eq!(made.at("/member/name"), "ann");
        assert_eq!(made.at("/key_patterns"), &json!(["sales-*"]));
        let shown = ann.get(made.header("location")).await;
        assert_eq!(shown.expect(200).at("/token"), &Value::Null);
        let list = ann.get("tokens").await;
        assert!(!list.raw.contains(&secret));
        assert_eq!(list.at("/items/0"), &shown.body);
        let token = app.with_token("a token", &secret).inside("acme");
        token.get("members").await.expect(200);
        token.post("teams", json!({"name": "x"})).await.refused(403, "insufficient_scope");
        token.post("tokens", json!({"name": "more", "scopes": ["read"]})).await.refused(403, "person_required");
        app.with_token("in the query", "x").call(reqwest::Method::GET, &format!("/v1/workspaces/acme?token={secret}")).send().await.refused(401, "invalid_credential");
        // The last use is noted beside the request.
        for _ in 0..100 {
            if ann.get("tokens").await.at("/items/0/last_used_at") != &Value::Null {
                break;
            }
            tokio::time::sleep(std::time::Duration::from_millis(20)).await;
        }
        assert_eq!(ann.get("tokens").await.at("/items/0/last_used_at"), "2026-03-31T09:30:00.000000Z");
        ann.delete(&format!("tokens/{}", made.text("/id"))).await.expect(204);
        token.get("members").await.refused(401, "invalid_credential");
        ann.delete(&format!("tokens/{}", made.text("/id"))).await.expect(204);
        assert_eq!(ann.get("tokens").await.at("/items"), &json!([]));
        assert_eq!(ann.get("tokens?state=revoked").await.at("/items/0/id"), made.at("/id"));
        assert_eq!(app.told("acme").await, ["workspace.created", "token.created", "token.revoked"]);
    }

    async fn a_token_ends(app) {
        let ann = app.owner_of("ann", "acme").await;
        let made = ann.post("tokens", json!({"name": "short", "scopes": ["read"], "expires_in_days": 1})).await;
        let token = app.with_token("a token", made.text("/token")).inside("acme");
        app.it_is("2026-04-01T09:29:59Z");
        token.get("").await.expect(200);
        app.it_is("2026-04-01T09:30:00Z");
        token.get("").await.refused(401, "invalid_credential");
        let ann = app.signs_in("ann").await.inside("acme");
        assert_eq!(ann.get("tokens?state=expired").await.at("/items/0/id"), made.at("/id"));
    }

    async fn nobody_makes_a_token_that_may_more_than_they(app) {
        let ann = app.owner_of("ann", "acme").await;
        let adam = app.joins(&ann, "adam", "admin").await;
        let mia = app.joins(&ann, "mia", "member").await;
        let vic = app.joins(&ann, "vic", "viewer").await;
        let make = async |caller: &crate::harness::Caller, scope: &str| {
            caller.post("tokens", json!({"name": "t", "scopes": [scope]})).await
        };
        for (caller, allowed) in [
            (&adam, &["read", "points:write", "write", "admin"][..]),
            (&mia, &["read", "points:write", "write"]),
            (&vic, &["read"]),
        ] {
            for scope in ["read", "points:write", "write", "admin"] {
                let answer = make(caller, scope).await;
                if allowed.contains(&scope) { answer.expect(201) } else { answer.refused(403, "forbidden") };
            }
        }
        let service = json!({"name": "s", "kind": "service", "role": "member", "scopes": ["write"]});
        mia.post("tokens", service.clone()).await.refused(403, "forbidden");
        let made = adam.post("tokens", service).await;
        assert_eq!(made.expect(201).at("/role"), "member");
        // A role that was lost takes the token's power with it.
        let token = make(&adam, "admin").await;
        let token = app.with_token("adam's token", token.text("/token")).inside("acme");
        token.post("teams", json!({"name": "One"})).await.expect(201);
        let of_adam = adam.get("members/me").await.text("/id").to_owned();
        ann.patch(&format!("members/{of_adam}"), json!({"role": "member"})).await.expect(200);
        token.post("teams", json!({"name": "Two"})).await.refused(403, "forbidden");
    }

    async fn everybody_sees_their_own_and_admins_all(app) {
        let ann = app.owner_of("ann", "acme").await;
        let mia = app.joins(&ann, "mia", "member").await;
        let own = mia.post("tokens", json!({"name": "mia's", "scopes": ["read"]})).await;
        let other = ann.post("tokens", json!({"name": "ann's", "scopes": ["read"]})).await;
        let service = ann.post("tokens", json!({"name": "service", "kind": "service", "role": "viewer", "scopes": ["read"]})).await;
        let names = |list: &crate::harness::Answer| -> Vec<String> {
            list.expect(200).at("/items").as_array().unwrap().iter().map(|item| item["name"].as_str().unwrap().to_owned()).collect()
        };
        assert_eq!(names(&mia.get("tokens").await), ["mia's"]);
        assert_eq!(names(&ann.get("tokens").await), ["service", "ann's", "mia's"]);
        assert_eq!(names(&ann.get("tokens?kind=service").await), ["service"]);
        assert_eq!(names(&ann.get("tokens?limit=1").await), ["service"]);
        let second = ann.get("tokens?limit=1").await;
        assert_eq!(names(&ann.get(&format!("tokens?limit=1&cursor={}", second.text("/next_cursor"))).await), ["ann's"]);
        mia.get(&format!("tokens/{}", other.text("/id"))).await.refused(404, "not_found");
        mia.delete(&format!("tokens/{}", other.text("/id"))).await.refused(404, "not_found");
        mia.delete(&format!("tokens/{}", service.text("/id"))).await.refused(404, "not_found");
        mia.get("tokens/kpi_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_id");
        app.owner_of("eve", "evil").await.delete(&format!("tokens/{}", other.text("/id"))).await.refused(404, "not_found");
        let token = app.with_token("a token", own.text("/token")).inside("acme");
        token.delete(&format!("tokens/{}", own.text("/id"))).await.refused(403, "insufficient_scope");
        assert_eq!(names(&token.get("tokens").await), ["mia's"]);
        token.get("/v1/workspaces/evil").await.refused(404, "not_found");
        ann.delete(&format!("tokens/{}", own.text("/id"))).await.expect(204);
        token.get("tokens").await.refused(401, "invalid_credential");
    }

    async fn what_is_wrong_with_a_token_is_told(app) {
        let ann = app.owner_of("ann", "acme").await;
        ann.post("teams", json!({"name": "Growth"})).await.expect(201);
        ann.post("teams", json!({"name": "Old"})).await.expect(201);
        ann.delete("teams/old").await.expect(204);
        let before = app.people().await;
        for (field, value, pointer, code) in [
            ("name", json!(""), "/name", "too_short"),
            ("name", json!(null), "/name", "wrong_type"),
            ("kind", json!("robot"), "/kind", "unknown_value"),
            ("scopes", json!([]), "/scopes", "too_few"),
            ("scopes", json!("read"), "/scopes", "wrong_type"),
            ("scopes", json!(["reads"]), "/scopes/0", "unknown_value"),
            ("scopes", json!(["read", "read"]), "/scopes/1", "repeated"),
            ("role", json!("member"), "/role", "not_applicable"),
            ("role", json!("king"), "/role", "unknown_value"),
            ("team_ids", json!(["Growth!"]), "/team_ids/0", "malformed"),
            ("key_patterns", json!(["*sales"]), "/key_patterns/0", "malformed"),
            ("key_patterns", json!(["Sales-*"]), "/key_patterns/0", "malformed"),
            ("key_patterns", json!([""]), "/key_patterns/0", "too_short"),
            ("key_patterns", json!(["a".repeat(65)]), "/key_patterns/0", "too_long"),
            ("expires_in_days", json!(0), "/expires_in_days", "out_of_bounds"),
            ("expires_in_days", json!(367), "/expires_in_days", "out_of_bounds"),
            ("expires_in_days", json!("90"), "/expires_in_days", "wrong_type"),
            ("expires_at", json!("2027-01-01"), "/expires_at", "unknown_field"),
        ] {
            let mut body = json!({"name": "t", "scopes": ["read"]});
            body[field] = value;
            ann.post("tokens", body).await.refused(422, "validation_failed").names(pointer, code);
        }
        ann.post("tokens", json!({"name": "t"})).await.names("/scopes", "required");
        let service = async |role: Value, scopes: Value| {
            ann.post("tokens", json!({"name": "s", "kind": "service", "role": role, "scopes": scopes})).await
        };
        service(Value::Null, json!(["read"])).await.names("/role", "required");
        service(json!("admin"), json!(["read"])).await.names("/role", "out_of_bounds");
        service(json!("viewer"), json!(["read", "write"])).await.names("/scopes/1", "beyond_role");
        service(json!("member"), json!(["admin"])).await.names("/scopes/0", "beyond_role");
        for team in ["nothing", "old", "team_01h455vb4pex5vsknk084sn02q"] {
            ann.post("tokens", json!({"name": "t", "scopes": ["read"], "team_ids": ["growth", team]})).await
                .refused(404, "not_found").names("/team_ids/1", "not_found");
        }
        ann.get("tokens?kind=robot").await.refused(400, "invalid_query");
        ann.call(reqwest::Method::POST, "tokens").header("idempotency-key", "k").json(&json!({"name": "t", "scopes": ["read"]})).send().await
            .refused(400, "idempotency_not_supported");
        assert_eq!(app.people().await, before);
        let made = ann.post("tokens", json!({"name": "t", "scopes": ["read"], "team_ids": ["growth"]})).await;
        assert_eq!(made.expect(201).at("/teams/0/slug"), "growth");
        assert_eq!(made.at("/team_ids/0"), made.at("/teams/0/id"));
    }

    async fn a_workspace_has_a_hundred_tokens_at_the_most(app) {
        let ann = app.owner_of("ann", "acme").await;
        let mut secrets = BTreeSet::new();
        let mut last = String::new();
        for _ in 0..100 {
            let made = ann.post("tokens", json!({"name": "t", "scopes": ["read"]})).await;
            secrets.insert(made.expect(201).text("/token").to_owned());
            last = made.text("/id").to_owned();
        }
        assert_eq!(secrets.len(), 100);
        ann.post("tokens", json!({"name": "t", "scopes": ["read"]})).await.refused(409, "limit_reached");
        ann.delete(&format!("tokens/{last}")).await.expect(204);
        ann.post("tokens", json!({"name": "t", "scopes": ["read"]})).await.expect(201);
    }

    /// Many who make tokens at once leave no more than there may be.
    async fn a_hundred_tokens_hold_for_many_at_once(app) {
        let ann = app.owner_of("ann", "acme").await;
        let made = futures_util::future::join_all((0..200).map(|_| async {
            ann.post("tokens", json!({"name": "t", "scopes": ["read"]})).await.status
        })).await;
        // Who waits too long for a connection is told to come again.
        assert!(made.iter().all(|status| matches!(status, 201 | 409 | 503)), "{made:?}");
        while ann.post("tokens", json!({"name": "t", "scopes": ["read"]})).await.status == 201 {}
        let list = ann.get("tokens?limit=1&include=total").await;
        assert_eq!(list.expect(200).at("/total"), 100);
        assert_eq!(app.told("acme").await.iter().filter(|kind| *kind == "token.created").count(), 100);
    }

    async fn a_token_without_end_is_made_by_owners(app) {
        let ann = app.owner_of("ann", "acme").await;
        let adam = app.joins(&ann, "adam", "admin").await;
        let endless = json!({"name": "Till", "kind": "service", "role": "member", "scopes": ["read"], "expires_in_days": null});
        adam.post("tokens", endless.clone()).await.refused(403, "forbidden");
        let made = ann.post("tokens", endless).await;
        assert_eq!(made.expect(201).at("/expires_at"), &Value::Null);
        app.it_is("2036-03-31T09:30:00Z");
        app.minute_passes().await;
        let me = app.with_token("the till", made.text("/token")).get("/v1/auth/me").await;
        assert_eq!(me.expect(200).at("/expires_at"), &Value::Null);
        assert!(!app.told("acme").await.contains(&"token.expiring".to_owned()));
    }

    async fn a_token_knows_what_it_may(app) {
        let ann = app.owner_of("ann", "acme").await;
        let team = ann.post("teams", json!({"name": "Growth"})).await;
        let body = json!({"name": "Shop", "scopes": ["read", "points:write"], "team_ids": ["growth"], "key_patterns": ["sales-*"], "expires_in_days": 30});
        let made = ann.post("tokens", body).await;
        let me = app.with_token("the shop", made.expect(201).text("/token")).get("/v1/auth/me").await;
        me.expect(200);
        assert_eq!(me.at("/workspace/slug"), "acme");
        assert_eq!(me.at("/scopes"), &json!(["read", "points:write"]));
        assert_eq!(me.at("/team_ids"), &json!([team.text("/id")]));
        assert_eq!(me.at("/key_patterns"), &json!(["sales-*"]));
        assert_eq!(me.at("/expires_at"), "2026-04-30T09:30:00.000000Z");
        assert_eq!(ann.get("/v1/auth/me").await.at("/key_patterns"), &json!([]));
    }

    /// The coming end is told 14 and 3 days before, once by whichever node looks first.
    async fn the_end_of_a_token_is_announced(app) {
        let ann = app.owner_of("ann", "acme").await;
        let make = async |days: u32| {
            let made = ann.post("tokens", json!({"name": format!("{days} days"), "scopes": ["read"], "expires_in_days": days})).await;
            made.expect(201).text("/id").to_owned()
        };
        let (month, week, _day, revoked) = (make(30).await, make(7).await, make(1).await, make(30).await);
        ann.delete(&format!("tokens/{revoked}")).await.expect(204);
        let told = async || -> Vec<(String, i64)> {
            let ann = app.signs_in("ann").await.inside("acme");
            let events = ann.get("events?type=token.expiring&limit=200").await;
            let items = events.expect(200).at("/items").as_array().unwrap().clone();
            items.iter().rev().map(|event| (event["subject"]["id"].as_str().unwrap().to_owned(), event["change"]["within_days"].as_i64().unwrap())).collect()
        };
        let all_nodes = async || {
            futures_util::future::join_all(std::iter::repeat_with(|| app.minute_passes()).take(8)).await;
        };
        app.it_is("2026-04-04T09:29:00Z");
        all_nodes().await;
        assert_eq!(told().await, []);
        app.it_is("2026-04-04T09:30:00Z");
        all_nodes().await;
        app.it_is("2026-04-16T09:29:59Z");
        all_nodes().await;
        assert_eq!(told().await, [(week.clone(), 3)]);
        app.it_is("2026-04-16T09:30:00Z");
        all_nodes().await;
        app.it_is("2026-04-20T00:00:00Z");
        all_nodes().await;
        assert_eq!(told().await, [(week.clone(), 3), (month.clone(), 14)]);
        app.it_is("2026-04-28T10:00:00Z");
        all_nodes().await;
        app.it_is("2026-06-01T10:00:00Z");
        all_nodes().await;
        assert_eq!(told().await, [(week, 3), (month.clone(), 14), (month, 3)]);
        // They are for those who may do something about it.
        let ann = app.signs_in("ann").await.inside("acme");
        let mia = app.joins(&ann, "mia", "member").await;
        assert_eq!(mia.get("events?type=token.expiring").await.at("/items"), &json!([]));
    }

    async fn a_token_is_renamed_and_handed_on(app) {
        let ann = app.owner_of("ann", "acme").await;
        let adam = app.joins(&ann, "adam", "admin").await;
        let mia = app.joins(&ann, "mia", "member").await;
        let id = async |caller: &Caller| caller.get("members/me").await.text("/id").to_owned();
        let (adams, mias) = (id(&adam).await, id(&mia).await);
        let service = adam.post("tokens", json!({"name": "Shop", "kind": "service", "role": "member", "scopes": ["read", "points:write"]})).await;
        let path = format!("tokens/{}", service.expect(201).text("/id"));
        mia.patch(&path, json!({"name": "Mine"})).await.refused(404, "not_found");
        let renamed = adam.patch(&path, json!({"name": "Till"})).await;
        assert_eq!((renamed.expect(200).at("/name"), renamed.at("/version")), (&json!("Till"), &json!(2)));
        assert_eq!(adam.patch(&path, json!({"name": "Till", "member_id": "me"})).await.expect(200).at("/version"), 2);
        adam.call(reqwest::Method::PATCH, &path).header("if-match", "\"1\"").json(&json!({"name": "Old"})).send().await.refused(412, "precondition_failed");
        adam.patch(&path, json!({"name": "Old", "version": 1})).await.refused(409, "version_conflict");
        for (body, pointer, code) in [
            (json!({"name": ""}), "/name", "too_short"),
            (json!({"member_id": null}), "/member_id", "wrong_type"),
            (json!({"member_id": "ann"}), "/member_id", "malformed"),
            (json!({"scopes": ["admin"]}), "/scopes", "unknown_field"),
        ] {
            adam.patch(&path, body).await.refused(422, "validation_failed").names(pointer, code);
        }
        adam.patch(&path, json!({"member_id": "mem_01h455vb4pex5vsknk084sn02q"})).await.refused(404, "not_found").names("/member_id", "not_found");
        // Adam leaves; the token works on, and Ann hands it to Mia, who may rename it but not hand it on.
        ann.delete(&format!("members/{adams}")).await.expect(204);
        let token = app.with_token("the till", service.text("/token")).inside("acme");
        token.get("kpis").await.expect(200);
        let orphaned = ann.get(&format!("tokens?member={adams}")).await;
        assert_eq!(orphaned.expect(200).at("/items/0/name"), "Till");
        let handed = ann.patch(&path, json!({"member_id": mias})).await;
        assert_eq!(handed.expect(200).at("/member/name"), "mia");
        mia.patch(&path, json!({"name": "Mia's till"})).await.expect(200);
        mia.patch(&path, json!({"member_id": id(&ann).await})).await.refused(403, "forbidden");
        ann.patch(&path, json!({"member_id": adams})).await.refused(404, "not_found").names("/member_id", "not_found");
        token.patch(&path, json!({"name": "Own"})).await.refused(404, "not_found");
        let own = mia.post("tokens", json!({"name": "Mine", "scopes": ["read"]})).await;
        let personal = format!("tokens/{}", own.expect(201).text("/id"));
        ann.patch(&personal, json!({"member_id": "me"})).await.refused(422, "validation_failed").names("/member_id", "not_applicable");
        ann.patch(&personal, json!({"name": "Hers"})).await.expect(200);
        mia.delete(&personal).await.expect(204);
        mia.patch(&personal, json!({"name": "Again"})).await.refused(409, "conflict");
        let told = app.told("acme").await;
        assert_eq!(told.iter().filter(|kind| *kind == "token.updated").count(), 4);
    }

    async fn many_tokens_are_revoked_at_once(app) {
        let ann = app.owner_of("ann", "acme").await;
        let mia = app.joins(&ann, "mia", "member").await;
        let eve = app.owner_of("eve", "evil").await;
        let foreign = eve.post("tokens", json!({"name": "eve's", "scopes": ["read"]})).await;
        let foreign = app.with_token("eve's token", foreign.text("/token")).inside("evil");
        let service = json!({"name": "service", "kind": "service", "role": "viewer", "scopes": ["read"]});
        let token = async |made: crate::harness::Answer| app.with_token("a token", made.expect(201).text("/token")).inside("acme");
        let of_mia = token(mia.post("tokens", json!({"name": "mia's", "scopes": ["read"]})).await).await;
        let of_ann = token(ann.post("tokens", json!({"name": "ann's", "scopes": ["read", "admin"]})).await).await;
        let of_all = token(ann.post("tokens", service.clone()).await).await;
        let mias = mia.get("members/me").await.text("/id").to_owned();
        let revoked = async |caller: &Caller, body: Value| -> usize {
            caller.post("token-revocations", body).await.expect(200).at("/token_ids").as_array().unwrap().len()
        };
        mia.post("token-revocations", json!({"kinds": ["personal"]})).await.refused(403, "forbidden");
        of_mia.post("token-revocations", json!({"kinds": ["personal"]})).await.refused(403, "insufficient_scope");
        for (body, pointer, code) in [
            (json!({}), "/kinds", "required"),
            (json!({"kinds": []}), "/kinds", "too_few"),
            (json!({"kinds": ["robot"]}), "/kinds/0", "unknown_value"),
            (json!({"kinds": ["service", "service"]}), "/kinds/1", "repeated"),
            (json!({"kinds": ["service"], "all": true}), "/all", "unknown_field"),
        ] {
            ann.post("token-revocations", body).await.refused(422, "validation_failed").names(pointer, code);
        }
        let of_eve = eve.get("members/me").await.text("/id").to_owned();
        ann.post("token-revocations", json!({"kinds": ["personal"], "member_id": of_eve})).await
            .refused(404, "not_found").names("/member_id", "not_found");
        ann.post("token-revocations?dry_run=true", json!({"kinds": ["personal", "service"]})).await.expect(200);
        of_mia.get("kpis").await.expect(200);
        assert_eq!(revoked(&ann, json!({"kinds": ["personal", "service"], "member_id": mias})).await, 1);
        of_mia.get("kpis").await.refused(401, "invalid_credential");
        assert_eq!(revoked(&of_ann, json!({"kinds": ["service"]})).await, 1);
        of_all.get("kpis").await.refused(401, "invalid_credential");
        token(ann.post("tokens", service).await).await;
        // The caller's own token goes with all of them.
        assert_eq!(revoked(&of_ann, json!({"kinds": ["personal", "service"]})).await, 2);
        of_ann.get("kpis").await.refused(401, "invalid_credential");
        assert_eq!(revoked(&ann, json!({"kinds": ["personal", "service"]})).await, 0);
        foreign.get("kpis").await.expect(200);
        assert_eq!(app.told("acme").await.iter().filter(|kind| *kind == "token.revoked").count(), 4);
    }

    /// A personal token is worth what its person is now: suspended or removed it is worth nothing, and a service token
    /// outlives them.
    async fn a_token_is_worth_what_its_person_is(app) {
        let ann = app.owner_of("ann", "acme").await;
        let adam = app.joins(&ann, "adam", "admin").await;
        let adams = adam.get("members/me").await.text("/id").to_owned();
        let own = adam.post("tokens", json!({"name": "own", "scopes": ["read", "write", "admin"]})).await;
        let own = app.with_token("adam's token", own.expect(201).text("/token")).inside("acme");
        let service = adam.post("tokens", json!({"name": "s", "kind": "service", "role": "viewer", "scopes": ["read"]})).await;
        let service = app.with_token("a service", service.expect(201).text("/token")).inside("acme");
        own.post("teams", json!({"name": "One"})).await.expect(201);
        ann.patch(&format!("members/{adams}"), json!({"role": "viewer"})).await.expect(200);
        own.post("teams", json!({"name": "Two"})).await.refused(403, "forbidden");
        own.post("kpis", json!({"name": "Mine"})).await.refused(403, "forbidden");
        own.get("kpis").await.expect(200);
        for (state, status) in [("suspended", 401), ("active", 200), ("invited", 401), ("removed", 401)] {
            set_state(&app, "adam", state).await;
            assert_eq!(own.get("kpis").await.status, status, "{state}");
            assert_eq!(own.get("/v1/auth/me").await.status, status, "{state}");
            service.get("kpis").await.expect(200);
        }
    }

    /// A token with a wrong checksum costs the database nothing.
    async fn invented_tokens_are_refused_without_a_question(app) {
        let ann = app.owner_of("ann", "acme").await;
        ann.get("kpis").await.expect(200);
        let before = app.asked();
        for text in [
            format!("rgm_{}", "0".repeat(36)),
            format!("rgm_{}0o67Hu", "0".repeat(30)),
            format!("rgm_{}0o67Ht", "0".repeat(29)),
            "rgm_".into(),
            format!("rgr_{}", "0".repeat(43)),
            format!("rgi_{}", "0".repeat(43)),
            "ey.ey.ey".into(),
        ] {
            let answer = app.with_token("invented", &text).inside("acme").get("kpis").await;
            answer.refused(401, "invalid_credential");
        }
        assert_eq!(app.asked(), before);
        // One with the right checksum is looked for.
        let unknown = app.with_token("unknown", &format!("rgm_{}0o67Ht", "0".repeat(30))).inside("acme");
        unknown.get("kpis").await.refused(401, "invalid_credential");
        assert!(app.asked() > before);
    }
}

/// Puts a member into a state that no call puts them into yet.
async fn set_state(app: &crate::harness::App, name: &str, state: &'static str) {
    use diesel::prelude::*;
    use regimen::store::schema::members;
    use regimen::store::{Author, Lane, StoreError};
    let name = name.to_owned();
    let job = move |tx: &mut regimen::store::Tx| -> Result<(), StoreError> {
        let workspace = open_workspace(tx, "acme")?;
        diesel::update(
            members::table.filter(members::workspace_id.eq(workspace)).filter(members::name.eq(&name)),
        )
        .set(members::state.eq(state))
        .execute(tx.db())?;
        Ok(())
    };
    app.state.store.write(Lane::Open, Author::system("test"), job).await.expect("it is written");
}
