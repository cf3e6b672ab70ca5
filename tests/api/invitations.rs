//! Invitations: one link, one person, once.

use serde_json::{Value, json};

use crate::harness::{PASSWORD, email, stories};

stories! {
    async fn an_admin_invites_and_bob_joins(app) {
        let ann = app.owner_of("ann", "acme").await;
        let invited = ann.post("invitations", json!({"email": "Bob@Example.com"})).await;
        invited.expect(201);
        assert_eq!(invited.header("cache-control"), "no-store");
        assert_eq!(invited.at("/role"), "member");
        assert_eq!(invited.at("/state"), "open");
        assert_eq!(invited.at("/email"), "Bob@Example.com");
        assert_eq!(invited.at("/expires_at"), "2026-04-07T09:30:00.000000Z");
        assert_eq!(invited.at("/invited_by/name"), "ann");
        let token = invited.text("/token").to_owned();
        assert!(token.starts_with("rgi_"));
        assert_eq!(invited.text("/link"), format!("{}/join#{token}", app.url));
        let shown = ann.get(invited.header("location")).await;
        assert_eq!(shown.expect(200).at("/token"), &Value::Null);
        assert_eq!(shown.at("/link"), &Value::Null);
        let list = ann.get("invitations").await;
        assert_eq!(list.at("/items/0"), &shown.body);
        assert!(!list.raw.contains(&token));

        let bob = app.person("bob").await;
        let joined = bob.post("/v1/invitations/accept", json!({"token": token})).await;
        joined.expect(200);
        assert_eq!(joined.at("/workspace/slug"), "acme");
        assert_eq!(joined.at("/role"), "member");
        bob.inside("acme").get("").await.expect(200);
        assert_eq!(ann.get("invitations?state=used").await.at("/items/0/state"), "used");
        assert_eq!(ann.get("invitations?state=open").await.at("/items"), &json!([]));
        bob.post("/v1/invitations/accept", json!({"token": token})).await.refused(409, "link_spent").names("/token", "link_spent");
        ann.delete(&format!("invitations/{}", invited.text("/id"))).await.refused(409, "link_spent");
        assert_eq!(app.told("acme").await, ["workspace.created", "invitation.created", "member.joined"]);
    }

    async fn nobody_but_the_invited_uses_it(app) {
        let ann = app.owner_of("ann", "acme").await;
        let token = ann.post("invitations", json!({"email": email("bob")})).await.text("/token").to_owned();
        let mallory = app.person("mallory").await;
        let before = app.people().await;
        let foreign = mallory.post("/v1/invitations/accept", json!({"token": token})).await;
        foreign.refused(404, "not_found").names("/token", "not_found");
        let mut absent = mallory.post("/v1/invitations/accept", json!({"token": format!("rgi_{}", "A".repeat(43))})).await;
        absent.refused(404, "not_found");
        absent.body["request_id"] = foreign.body["request_id"].clone();
        assert_eq!(absent.body, foreign.body);
        for wrong in ["", "rgi_", "rgr_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA", "x"] {
            mallory.post("/v1/invitations/accept", json!({"token": wrong})).await.refused(404, "not_found");
        }
        for wrong in [json!({}), json!([]), json!(true), json!(0), json!(null)] {
            mallory.post("/v1/invitations/accept", json!({"token": wrong})).await.refused(422, "validation_failed").names("/token", "wrong_type");
        }
        mallory.post("/v1/invitations/accept", json!({})).await.names("/token", "required");
        mallory.post("/v1/invitations/accept", json!({"token": "x".repeat(129)})).await.names("/token", "too_long");
        let register = json!({"email": email("eve"), "name": "Eve", "password": PASSWORD, "invitation_token": token});
        app.stranger().post("/v1/auth/register", register).await.refused(404, "not_found").names("/invitation_token", "not_found");
        assert_eq!(app.people().await, before);
    }

    async fn it_ends_after_seven_days_or_when_it_is_taken_back_or_replaced(app) {
        let ann = app.owner_of("ann", "acme").await;
        app.person("bob").await;
        let invite = async |role: &str| {
            let ann = app.signs_in("ann").await.inside("acme");
            ann.post("invitations", json!({"email": email("bob"), "role": role})).await
        };
        let accept = async |token: &str| app.signs_in("bob").await.post("/v1/invitations/accept", json!({"token": token})).await;
        let first = invite("viewer").await;
        let second = invite("admin").await;
        accept(first.text("/token")).await.refused(409, "link_spent");
        assert_eq!(ann.get("invitations?state=revoked").await.at("/items/0/id"), first.at("/id"));
        ann.delete(&format!("invitations/{}", second.text("/id"))).await.expect(204);
        accept(second.text("/token")).await.refused(409, "link_spent");
        let told = app.told("acme").await;
        ann.delete(&format!("invitations/{}", second.text("/id"))).await.expect(204);
        assert_eq!(app.told("acme").await, told);
        assert_eq!(told, ["workspace.created", "invitation.created", "invitation.created", "invitation.revoked"]);
        let third = invite("viewer").await;
        app.it_is("2026-04-07T09:30:00Z");
        accept(third.text("/token")).await.refused(409, "link_spent");
        let ann = app.signs_in("ann").await.inside("acme");
        assert_eq!(ann.get("invitations?state=expired").await.at("/items/0/id"), third.at("/id"));
        let fourth = invite("viewer").await;
        app.it_is("2026-04-14T09:29:59Z");
        accept(fourth.text("/token")).await.expect(200);
    }

    async fn of_many_uses_at_once_one_succeeds(app) {
        let ann = app.owner_of("ann", "acme").await;
        let token = ann.post("invitations", json!({"email": email("bob")})).await.text("/token").to_owned();
        let bob = app.person("bob").await;
        let all = futures_util::future::join_all((0..50).map(|_| async {
            bob.post("/v1/invitations/accept", json!({"token": token})).await.status
        })).await;
        assert_eq!(all.iter().filter(|status| **status == 200).count(), 1, "{all:?}");
        assert!(all.iter().all(|status| matches!(status, 200 | 409)), "{all:?}");
        assert_eq!(ann.get("members?include=total").await.at("/total"), 2);
    }

    async fn what_is_wrong_with_an_invitation_is_told(app) {
        let ann = app.owner_of("ann", "acme").await;
        let adam = app.joins(&ann, "adam", "admin").await;
        let mia = app.joins(&ann, "mia", "member").await;
        let before = app.people().await;
        let post = async |body: Value| adam.post("invitations", body).await;
        post(json!({})).await.refused(422, "validation_failed").names("/email", "required");
        post(json!({"email": "nobody"})).await.names("/email", "malformed");
        post(json!({"email": ["a@example.com"]})).await.names("/email", "wrong_type");
        post(json!({"email": email("x"), "role": "god"})).await.names("/role", "unknown_value");
        post(json!({"email": email("x"), "note": "hello"})).await.names("/note", "unknown_field");
        post(json!({"email": email("x"), "role": "owner"})).await.refused(403, "forbidden");
        post(json!({"email": "MIA@example.com"})).await.refused(409, "already_exists").names("/email", "already_exists");
        mia.post("invitations", json!({"email": email("x")})).await.refused(403, "forbidden");
        mia.get("invitations").await.refused(403, "forbidden");
        let made = ann.post("invitations", json!({"email": email("x"), "role": "owner"})).await;
        let path = format!("invitations/{}", made.text("/id"));
        mia.delete(&path).await.refused(403, "forbidden");
        mia.get(&path).await.refused(403, "forbidden");
        app.owner_of("eve", "evil").await.delete(&path).await.refused(404, "not_found");
        ann.delete("invitations/inv_01h455vb4pex5vsknk084sn02q").await.refused(404, "not_found");
        ann.delete("invitations/mem_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_id");
        ann.get("invitations?state=lost").await.refused(400, "invalid_query");
        ann.call(reqwest::Method::POST, "invitations").header("idempotency-key", "k").json(&json!({"email": email("y")})).send().await
            .refused(400, "idempotency_not_supported");
        assert_eq!(app.people().await[4], before[4] + 1);
    }

    async fn no_invitation_into_a_workspace_that_is_gone(app) {
        let ann = app.owner_of("ann", "acme").await;
        let token = ann.post("invitations", json!({"email": email("bob")})).await.text("/token").to_owned();
        ann.delete("").await.expect(204);
        app.person("bob").await.post("/v1/invitations/accept", json!({"token": token})).await.refused(404, "not_found");
    }
}
