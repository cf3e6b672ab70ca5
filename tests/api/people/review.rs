//! The access review, and finding events by who did what.

use serde_json::{Value, json};

use super::{each, made, me};
use crate::harness::stories;

stories! {
    async fn who_can_do_what_is_told_to_admins(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "admin").await;
        let mia = app.joins(&ann, "mia", "member").await;
        let of_bob = me(&bob).await;
        ann.post("teams", json!({"name": "Growth"})).await.expect(201);
        ann.put(&format!("teams/growth/members/{of_bob}"), json!({"duty": "lead"})).await.expect(201);
        bob.post("kpis", json!({"name": "Secret plan", "owner_id": "me", "visibility": "private"})).await.expect(201);
        made(&bob, "objectives", json!({"title": "Secret too", "owner_id": "me", "visibility": "private"})).await;
        bob.post("kpis", json!({"name": "Churn rate", "owner_id": "me"})).await.expect(201);
        made(&bob, "links", json!({"name": "Wiki", "kind": "chart", "kpi_id": "churn-rate"})).await;
        let token = bob.post("tokens", json!({"name": "mine", "scopes": ["read", "write"]})).await;
        app.with_token("bob's token", token.text("/token")).inside("acme").get("members").await.expect(200);
        let revoked = made(&bob, "tokens", json!({"name": "gone", "scopes": ["admin"]})).await;
        bob.delete(&format!("tokens/{revoked}")).await.expect(204);
        let service = json!({"name": "feeds", "kind": "service", "role": "member", "scopes": ["points:write"], "team_ids": ["growth"], "key_patterns": ["sales-*"]});
        made(&bob, "tokens", service).await;
        ann.post("invitations", json!({"email": "zoe@example.com", "role": "viewer"})).await.expect(201);

        mia.get("access-review").await.refused(403, "forbidden");
        app.owner_of("eve", "evil").await.get("/v1/workspaces/acme/access-review").await.refused(404, "not_found");
        let review = ann.get("access-review?include=total").await;
        let names: Vec<&Value> = review.expect(200).at("/items").as_array().unwrap().iter().map(|one| &one["member"]["name"]).collect();
        assert_eq!(names, ["ann", "bob", "mia", "zoe"]);
        assert_eq!(review.at("/total"), 4);
        assert!(!review.raw.contains("Secret"));
        assert_eq!(review.at("/items/1/email"), "bob@example.com");
        assert_eq!(review.at("/items/1/last_seen_at"), "2026-03-31T09:30:00.000000Z");
        assert_eq!(review.at("/items/1/teams/0/duty"), "lead");
        assert_eq!(review.at("/items/1/personal_tokens/count"), 1);
        assert_eq!(review.at("/items/1/personal_tokens/broadest_scope"), "write");
        assert_eq!(review.at("/items/1/service_tokens/0/name"), "feeds");
        assert_eq!(review.at("/items/1/service_tokens/0/key_patterns/0"), "sales-*");
        assert_eq!(review.at("/items/1/link_count"), 1);
        assert_eq!(review.at("/items/1/private_count"), 2);
        assert_eq!(review.at("/items/3/state"), "invited");
        assert_eq!(review.at("/items/3/invitation/email"), "zoe@example.com");
        assert_eq!(review.at("/items/3/last_seen_at"), &Value::Null);
        let page = ann.get("access-review?limit=3").await;
        let next = ann.get(&format!("access-review?limit=3&cursor={}", page.text("/next_cursor"))).await;
        assert_eq!(next.expect(200).at("/items/0/member/name"), "zoe");
        ann.get("access-review?role=owner").await.refused(400, "invalid_query");

        // Who was removed is there while a service token of theirs works.
        ann.delete(&format!("members/{of_bob}")).await.expect(204);
        let review = ann.get("access-review").await;
        assert_eq!(review.at("/items/1/state"), "removed");
        assert_eq!(review.at("/items/1/personal_tokens/count"), 0);
        let few = app.statements_of(&ann, "access-review").await;
        for name in ["p1", "p2", "p3", "p4"] {
            app.joins(&ann, name, "member").await;
        }
        assert_eq!(app.statements_of(&ann, "access-review").await, few);
    }

    async fn events_are_found_by_who_did_them_and_by_group(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "member").await;
        let of_bob = me(&bob).await;
        bob.post("kpis", json!({"name": "Churn rate"})).await.expect(201);
        ann.post("teams", json!({"name": "Growth"})).await.expect(201);
        let token = bob.post("tokens", json!({"name": "t", "scopes": ["write", "read"]})).await;
        let script = app.with_token("a script", token.text("/token")).inside("acme");
        script.post("kpis", json!({"name": "Calls"})).await.expect(201);
        let by = async |query: &str| each(&ann.get(&format!("events?{query}")).await, "type");
        assert_eq!(by(&format!("actor={of_bob}")).await, ["token.created", "kpi.created", "member.joined"]);
        assert_eq!(by(&format!("actor={}", token.text("/id"))).await, ["kpi.created"]);
        assert_eq!(by("actor=me&group=team").await, ["team.created"]);
        assert_eq!(by("group=kpi&group=team").await, ["kpi.created", "team.created", "kpi.created"]);
        assert_eq!(by("group=kpi&type=team.created").await, Vec::<String>::new());
        assert_eq!(by("actor=mem_01h455vb4pex5vsknk084sn02q").await, Vec::<String>::new());
        ann.get("events?actor=kpi_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_query");
        ann.get("events?actor=bob").await.refused(400, "invalid_query");
        ann.get("events?group=people").await.refused(400, "invalid_query");
        // What is told of people, tokens and their places is for admins and owners, whatever is asked.
        assert_eq!(each(&bob.get("events?group=member&group=token&group=invitation").await, "type"), Vec::<String>::new());
        assert_eq!(each(&bob.get("events?actor=me").await, "type"), ["kpi.created"]);
    }
}
