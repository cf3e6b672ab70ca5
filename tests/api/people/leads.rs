//! Those who lead: they say who is in their team, and change what its members answer for.

use serde_json::json;

use super::{made, me};
use crate::harness::{App, Caller, stories};

/// Ann owns the workspace. Lea leads Sales, under which Berlin stands; Bob is in Berlin. Otto leads Delivery. Mia is in
/// no team, Vera a viewer who leads Sales, too.
struct Cast {
    ann: Caller,
    lea: Caller,
    otto: Caller,
    bob: Caller,
    mia: Caller,
    vera: Caller,
    of_bob: String,
    of_mia: String,
}

async fn cast(app: &App) -> Cast {
    let ann = app.owner_of("ann", "acme").await;
    let lea = app.joins(&ann, "lea", "member").await;
    let otto = app.joins(&ann, "otto", "member").await;
    let bob = app.joins(&ann, "bob", "member").await;
    let mia = app.joins(&ann, "mia", "member").await;
    let vera = app.joins(&ann, "vera", "viewer").await;
    for body in [
        json!({"name": "Sales"}),
        json!({"name": "Berlin", "parent_id": "sales"}),
        json!({"name": "Delivery"}),
    ] {
        ann.post("teams", body).await.expect(201);
    }
    let (of_bob, of_mia) = (me(&bob).await, me(&mia).await);
    for (team, member, duty) in [
        ("sales", me(&lea).await, "lead"),
        ("sales", me(&vera).await, "lead"),
        ("delivery", me(&otto).await, "lead"),
        ("berlin", of_bob.clone(), "member"),
    ] {
        ann.put(&format!("teams/{team}/members/{member}"), json!({"duty": duty})).await.expect(201);
    }
    Cast { ann, lea, otto, bob, mia, vera, of_bob, of_mia }
}

stories! {
    async fn whoever_leads_a_team_says_who_is_in_it(app) {
        let Cast { ann, lea, otto, bob, mia, vera, of_bob, of_mia } = cast(&app).await;
        let into = |team: &str, member: &str| format!("teams/{team}/members/{member}");
        assert_eq!(lea.get("teams/sales").await.at("/can"), &json!({"edit": false, "lead": true}));
        assert_eq!(lea.get("teams/berlin").await.at("/can/lead"), true);
        assert_eq!(otto.get("teams/sales").await.at("/can/lead"), false);
        assert_eq!(vera.get("teams/sales").await.at("/can/lead"), false);

        let before = app.people().await;
        for caller in [&otto, &bob, &mia, &vera] {
            caller.put(&into("sales", &of_mia), json!({})).await.refused(403, "forbidden");
            caller.delete(&into("berlin", &of_bob)).await.refused(403, "forbidden");
            caller.patch("teams/sales", json!({"description": "Mine."})).await.refused(403, "forbidden");
        }
        lea.put(&into("delivery", &of_mia), json!({})).await.refused(403, "forbidden");
        lea.put(&into("berlin", &of_mia), json!({"duty": "lead"})).await.refused(403, "forbidden");
        lea.put(&into("berlin", &of_bob), json!({"duty": "lead"})).await.refused(403, "forbidden");
        lea.delete(&into("sales", &me(&vera).await)).await.refused(403, "forbidden");
        for patch in [json!({"name": "Ours"}), json!({"slug": "ours"}), json!({"parent_id": "delivery"}), json!({"description": "x", "name": "Ours"})] {
            lea.patch("teams/sales", patch).await.refused(403, "forbidden");
        }
        lea.delete("teams/berlin").await.refused(403, "forbidden");
        lea.post("teams", json!({"name": "Paris", "parent_id": "sales"})).await.refused(403, "forbidden");
        lea.patch(&format!("members/{of_bob}"), json!({"role": "admin"})).await.refused(403, "forbidden");
        lea.put(&into("sales", "mem_01h455vb4pex5vsknk084sn02q"), json!({})).await.refused(404, "not_found");
        assert_eq!(app.people().await, before);

        lea.put(&into("sales", &of_mia), json!({})).await.expect(201);
        lea.put(&into("berlin", &of_mia), json!({})).await.expect(201);
        lea.delete(&into("berlin", &of_mia)).await.expect(204);
        let described = lea.patch("teams/berlin", json!({"description": "Sells in Berlin."})).await;
        assert_eq!(described.expect(200).at("/description"), "Sells in Berlin.");
        // Stepping down is their own affair; coming back is not.
        lea.put(&into("sales", "me"), json!({"duty": "member"})).await.expect(200);
        lea.put(&into("sales", "me"), json!({"duty": "lead"})).await.refused(403, "forbidden");
        lea.put(&into("berlin", &of_mia), json!({})).await.refused(403, "forbidden");
        ann.get("teams/berlin").await.expect(200);
    }

    async fn whoever_leads_changes_what_the_members_answer_for(app) {
        let Cast { ann, lea, otto, bob, mia, vera, of_bob, of_mia } = cast(&app).await;
        bob.post("kpis", json!({"name": "Churn rate", "owner_id": "me", "target": {"max": 4}})).await.expect(201);
        let objective = made(&bob, "objectives", json!({"title": "Keep customers", "owner_id": "me"})).await;
        let objective = format!("objectives/{objective}");
        let key_result = json!({"title": "Interviews", "kind": "increase", "start": 0, "target": 10, "owner_id": of_bob});
        let others = made(&ann, "objectives", json!({"title": "Of Ann"})).await;
        let key_result = made(&ann, &format!("objectives/{others}/key-results"), key_result).await;
        let key_result = format!("key-results/{key_result}");
        let initiative = json!({"objective_id": others, "title": "Ask around", "owner_id": of_bob});
        let initiative = format!("initiatives/{}", made(&ann, "initiatives", initiative).await);
        let title = json!({"title": "Another title"});
        let told = app.told("acme").await.len();
        for caller in [&otto, &mia, &vera] {
            caller.patch("kpis/churn-rate", json!({"definition": "In %."})).await.refused(403, "forbidden");
            for path in [&objective, &key_result, &initiative] {
                caller.patch(path, title.clone()).await.refused(403, "forbidden");
            }
        }
        lea.patch(&format!("objectives/{others}"), title.clone()).await.refused(403, "forbidden");
        assert_eq!(app.told("acme").await.len(), told);
        assert_eq!(lea.get("kpis/churn-rate").await.at("/can/edit"), true);
        assert_eq!(otto.get("kpis/churn-rate").await.at("/can/edit"), false);
        lea.patch("kpis/churn-rate", json!({"definition": "In %."})).await.expect(200);
        lea.put("kpis/churn-rate/points/2026-01-31", json!({"value": 3})).await.expect(201);
        for path in [&objective, &key_result, &initiative] {
            lea.patch(path, title.clone()).await.expect(200);
        }
        // Leading opens nothing private, and reaches nobody of a higher role.
        bob.post("kpis", json!({"name": "Secret", "owner_id": "me", "visibility": "private"})).await.expect(201);
        lea.get("kpis/secret").await.refused(404, "not_found");
        lea.patch("kpis/secret", json!({"definition": "In %."})).await.refused(404, "not_found");
        ann.put("teams/berlin/members/me", json!({})).await.expect(201);
        ann.post("kpis", json!({"name": "Of Ann", "key": "ann", "owner_id": "me"})).await.expect(201);
        lea.patch("kpis/ann", json!({"definition": "In %."})).await.refused(403, "forbidden");
        // What somebody said stays theirs.
        let said = made(&bob, "comments", json!({"subject_id": others, "text": "Who asks?"})).await;
        lea.patch(&format!("comments/{said}"), json!({"text": "Nobody."})).await.refused(403, "forbidden");
        // It ends with the leading, and with being led.
        ann.delete(&format!("teams/berlin/members/{of_bob}")).await.expect(204);
        lea.patch("kpis/churn-rate", json!({"definition": "In points."})).await.refused(403, "forbidden");
        ann.put(&format!("teams/sales/members/{of_mia}"), json!({})).await.expect(201);
        mia.post("kpis", json!({"name": "Calls", "owner_id": "me"})).await.expect(201);
        lea.patch("kpis/calls", json!({"definition": "In calls."})).await.expect(200);
    }

    /// Those who lead nobody cost no statement more; those who lead cost two, however many they lead.
    async fn leading_costs_two_statements(app) {
        let Cast { ann, lea, mia, .. } = cast(&app).await;
        let plain = app.statements_of(&mia, "teams/sales").await;
        assert_eq!(app.statements_of(&lea, "teams/sales").await, plain + 2);
        for number in 0..5 {
            ann.post("teams", json!({"name": format!("T{number}"), "parent_id": "berlin"})).await.expect(201);
        }
        assert_eq!(app.statements_of(&lea, "teams/sales").await, plain + 2);
    }
}
