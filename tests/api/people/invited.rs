//! Those who are to come: members already, who may own things and have no access.

use serde_json::{Value, json};

use super::{each, made, me};
use crate::harness::{PASSWORD, email, stories};

stories! {
    async fn whoever_is_invited_owns_things_before_they_come(app) {
        let ann = app.owner_of("ann", "acme").await;
        ann.post("teams", json!({"name": "Growth"})).await.expect(201);
        ann.post("teams", json!({"name": "Sales"})).await.expect(201);
        let body = json!({"email": email("bob"), "name": "Bob B.", "team_ids": ["growth", "sales", "growth"], "duty": "lead"});
        let invited = ann.post("invitations", body).await;
        invited.expect(201);
        assert_eq!(invited.at("/member/name"), "Bob B.");
        assert_eq!(invited.at("/teams/1/slug"), "sales");
        assert_eq!(invited.at("/team_ids").as_array().map(Vec::len), Some(2));
        let of_bob = invited.text("/member_id").to_owned();
        let path = format!("members/{of_bob}");
        let member = ann.get(&path).await;
        assert_eq!(member.at("/state"), "invited");
        assert_eq!(member.at("/email"), "bob@example.com");
        assert_eq!(member.at("/can/suspend"), false);
        assert_eq!(each(&ann.get("members?state=invited").await, "id"), std::slice::from_ref(&of_bob));
        ann.post("kpis", json!({"name": "Churn rate", "owner_id": of_bob})).await.expect(201);
        let objective = made(&ann, "objectives", json!({"title": "Keep", "owner_id": of_bob, "contributor_ids": [of_bob]})).await;
        ann.post("kpis", json!({"name": "Secret", "owner_id": of_bob, "visibility": "private"})).await.expect(201);
        ann.patch(&path, json!({"title": "Analyst"})).await.expect(200);
        ann.patch(&path, json!({"role": "admin"})).await.refused(409, "conflict");
        ann.patch(&path, json!({"state": "active"})).await.refused(409, "conflict");
        ann.put(&format!("teams/growth/members/{of_bob}"), json!({})).await.refused(409, "conflict");
        assert_eq!(ann.get("teams/growth").await.at("/member_count"), 0);

        // No access before they come.
        let bob = app.person("bob").await;
        bob.inside("acme").get("").await.refused(404, "not_found");
        assert_eq!(bob.get("/v1/auth/me").await.at("/memberships"), &json!([]));
        assert_eq!(bob.get("/v1/workspaces").await.at("/items"), &json!([]));
        ann.delete("teams/sales").await.expect(204);
        let joined = bob.post("/v1/invitations/accept", json!({"token": invited.text("/token")})).await;
        assert_eq!(joined.expect(200).at("/member_id"), &json!(of_bob));
        let bob = bob.inside("acme");
        let myself = bob.get("members/me").await;
        assert_eq!(myself.at("/name"), "bob");
        assert_eq!(myself.at("/title"), "Analyst");
        assert_eq!(myself.at("/state"), "active");
        bob.patch("kpis/churn-rate", json!({"definition": "In %."})).await.expect(200);
        bob.get("kpis/secret").await.expect(200);
        bob.patch(&format!("objectives/{objective}"), json!({"title": "Keep them"})).await.expect(200);
        bob.get("due").await.expect(200);
        assert_eq!(bob.get("teams/growth").await.at("/leads/0/id"), &json!(of_bob));
        assert_eq!(bob.get("teams/sales").await.at("/member_count"), 0);
        app.minute_passes().await;
        assert_eq!(ann.get("members?include=total").await.at("/total"), 2);
    }

    /// One place is kept for one address, however often it is invited.
    async fn a_place_is_kept_until_it_is_taken_back(app) {
        let ann = app.owner_of("ann", "acme").await;
        let invite = async |role: &str| {
            let ann = app.signs_in("ann").await.inside("acme");
            let invited = ann.post("invitations", json!({"email": email("bob"), "role": role})).await;
            invited.expect(201);
            invited
        };
        let first = invite("viewer").await;
        let of_bob = first.text("/member_id").to_owned();
        ann.post("kpis", json!({"name": "Churn rate", "owner_id": of_bob})).await.expect(201);
        let second = invite("admin").await;
        assert_eq!(second.at("/member_id"), &json!(of_bob));
        assert_eq!(ann.get(&format!("members/{of_bob}")).await.at("/role"), "admin");
        // Taken back: the member is removed, what they own is still known.
        ann.delete(&format!("invitations/{}", second.text("/id"))).await.expect(204);
        assert_eq!(ann.get(&format!("members/{of_bob}")).await.at("/state"), "removed");
        assert_eq!(ann.get(&format!("members/{of_bob}/holdings")).await.at("/counts/kpi"), 1);
        ann.patch("kpis/churn-rate", json!({"definition": "In %."})).await.expect(200);
        // Invited again, the same one waits; when the time is over they go on waiting.
        let third = invite("member").await;
        assert_eq!(third.at("/member_id"), &json!(of_bob));
        app.it_is("2026-04-08T09:30:00Z");
        let ann = app.signs_in("ann").await.inside("acme");
        assert_eq!(ann.get(&format!("members/{of_bob}")).await.at("/state"), "invited");
        ann.delete(&format!("invitations/{}", third.text("/id"))).await.expect(204);
        assert_eq!(ann.get(&format!("members/{of_bob}")).await.at("/state"), "removed");
        // Removing the member takes the invitation back.
        let fourth = invite("member").await;
        ann.delete(&format!("members/{of_bob}")).await.expect(204);
        let register = json!({"email": email("bob"), "name": "Bob", "password": PASSWORD, "invitation_token": fourth.text("/token")});
        app.stranger().post("/v1/auth/register", register.clone()).await.refused(409, "link_spent");
        let fifth = invite("member").await;
        let register = json!({"invitation_token": fifth.text("/token"), "email": email("bob"), "name": "Bob", "password": PASSWORD});
        let bob = app.stranger().post("/v1/auth/register", register).await;
        let bob = app.with_token("bob", bob.expect(201).text("/access_token")).inside("acme");
        assert_eq!(me(&bob).await, of_bob);
        assert_eq!(bob.get("kpis/churn-rate").await.at("/can/edit"), true);
        // Who leaves and comes back is the one they were.
        bob.delete("members/me").await.expect(204);
        assert_eq!(invite("member").await.at("/member_id"), &json!(of_bob));
    }

    async fn many_are_invited_at_once(app) {
        let ann = app.owner_of("ann", "acme").await;
        let adam = app.joins(&ann, "adam", "admin").await;
        let mia = app.joins(&ann, "mia", "member").await;
        ann.post("teams", json!({"name": "Growth"})).await.expect(201);
        let batch = "invitations/batch";
        let before = app.people().await;
        mia.post(batch, json!([{"email": email("x")}])).await.refused(403, "forbidden");
        for wrong in [json!({}), json!([]), json!("x")] {
            adam.post(batch, wrong).await.refused(422, "validation_failed");
        }
        let many: Vec<Value> = (0..501).map(|number| json!({"email": email(&format!("p{number}"))})).collect();
        adam.post(batch, json!(many)).await.refused(422, "validation_failed").names("", "too_many");
        let none = adam.post(batch, json!([{"email": "MIA@example.com"}, {"email": "nobody"}, 7])).await;
        none.expect(422);
        assert_eq!(none.at("/counts"), &json!({"created": 0, "rejected": 3}));
        assert_eq!(none.at("/rejected/0/code"), "already_exists");
        assert_eq!(none.at("/rejected/0/pointer"), "/0/email");
        assert_eq!(none.at("/rejected/1/code"), "malformed");
        assert_eq!(none.at("/rejected/2/pointer"), "/2");
        assert_eq!(app.people().await, before);

        let some = adam.post(batch, json!([
            {"email": email("bob"), "team_ids": ["growth"]},
            {"email": email("eve"), "role": "owner"},
            {"email": "BOB@example.com"},
            {"email": email("cid"), "team_ids": ["growth", "nowhere"]},
            {"email": email("dora"), "role": "viewer", "note": "hello"},
            {"email": email("zoe"), "role": "viewer", "duty": "member"},
        ])).await;
        some.expect(207);
        assert_eq!(some.header("cache-control"), "no-store");
        let codes: Vec<&Value> = some.at("/rejected").as_array().unwrap().iter().map(|one| &one["code"]).collect();
        assert_eq!(codes, ["forbidden", "repeated", "not_found", "unknown_field"]);
        assert_eq!(some.at("/rejected/2/pointer"), "/3/team_ids/1");
        assert_eq!(some.at("/created/1/index"), 5);
        assert_eq!(some.at("/created/0/invitation/teams/0/slug"), "growth");
        let bob = app.person("bob").await;
        let token = some.text("/created/0/invitation/token");
        bob.post("/v1/invitations/accept", json!({"token": token})).await.expect(200);
        assert_eq!(each(&ann.get("members?team=growth").await, "name"), ["bob"]);

        let all: Vec<Value> = (0..500).map(|number| json!({"email": email(&format!("p{number}"))})).collect();
        let all = adam.post(batch, json!(all)).await;
        assert_eq!(all.expect(200).at("/counts/created"), 500);
        assert_eq!(ann.get("members?state=invited&include=total&limit=1").await.at("/total"), 501);
    }
}
