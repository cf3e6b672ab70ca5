//! API tokens: made by people, shown once, and never more than who made them.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::harness::stories;

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
            ("expires_in_days", json!(null), "/expires_in_days", "wrong_type"),
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
}
