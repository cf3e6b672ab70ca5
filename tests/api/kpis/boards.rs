//! Boards: KPIs in an order of their own, for one audience.

use super::*;
use crate::harness::stories;

/// A board is made, or the story ends.
async fn board(caller: &Caller, body: Value) -> Answer {
    let made = caller.post("boards", body).await;
    made.expect(201);
    made
}

/// The keys of a board's KPIs in order, and how many are private to others.
fn standing(answer: &Answer) -> (Vec<String>, u64) {
    let kpis = answer.at("/kpis").as_array().expect("KPIs");
    let keys = kpis.iter().map(|kpi| kpi["key"].as_str().expect("a key").to_owned()).collect();
    let ids: Vec<&Value> = kpis.iter().map(|kpi| &kpi["id"]).collect();
    assert_eq!(answer.at("/kpi_ids").as_array().expect("ids").iter().collect::<Vec<_>>(), ids);
    (keys, answer.at("/private").as_u64().expect("a number"))
}

stories! {
    /// KPIs stand in the order in which people put them, and an array replaces it.
    async fn kpis_stand_in_order(app) {
        let ann = app.owner_of("ann", "acme").await;
        for name in ["Alpha", "Beta", "Gamma"] {
            make(&ann, json!({"name": name})).await;
        }
        let made = board(&ann, json!({"name": "Monday", "kpi_ids": ["gamma", "alpha"], "cadence": "quarterly"})).await;
        let path = format!("boards/{}", made.text("/id"));
        assert_eq!(made.header("location"), format!("/v1/workspaces/{}/{path}", ann.get("").await.text("/id")));
        assert_eq!(standing(&made), (vec!["gamma".into(), "alpha".into()], 0));
        assert_eq!((made.text("/owner/name"), made.text("/cadence"), made.at("/team")), ("ann", "quarterly", &Value::Null));
        assert_eq!(keys(&ann.get(&format!("kpis?board={}", made.text("/id"))).await), ["alpha", "gamma"]);

        let known = events(&ann).await.len();
        let moved = ann.patch(&path, json!({"kpi_ids": ["alpha", "beta", "gamma"]})).await;
        assert_eq!(standing(moved.expect(200)), (vec!["alpha".into(), "beta".into(), "gamma".into()], 0));
        let again = ann.patch(&path, json!({"kpi_ids": ["alpha", "beta", "gamma"], "name": "Monday"})).await;
        assert_eq!((again.expect(200).header("etag"), again.number("/version")), (moved.header("etag"), 2.0));
        let renamed = ann.patch(&path, json!({"name": "Tuesday", "cadence": null})).await;
        assert_eq!(standing(renamed.expect(200)).0, ["alpha", "beta", "gamma"]);
        assert_eq!(renamed.at("/cadence"), &Value::Null);
        ann.call(reqwest::Method::PATCH, &path).header("if-match", "\"1\"").json(&json!({"name": "x"})).send().await.refused(412, "precondition_failed");
        ann.delete(&path).await.expect(204);
        assert_eq!(made_by(&ann, known).await, ["board.updated", "board.updated", "board.deleted"]);
        ann.get(&path).await.refused(404, "not_found");
        ann.get(&format!("kpis?board={}", made.text("/id"))).await.refused(404, "not_found").names("board", "not_found");
        assert_eq!(ann.get("boards").await.at("/items"), &json!([]));
        assert_eq!(keys(&ann.get("kpis").await).len(), 3);
    }

    /// Lists go by name, and by who and what stands there.
    async fn boards_are_listed(app) {
        let ann = app.owner_of("ann", "acme").await;
        ann.post("teams", json!({"name": "Growth"})).await.expect(201);
        make(&ann, json!({"name": "Alpha"})).await;
        for (name, team, kpis) in [("b", json!("growth"), json!(["alpha"])), ("A", json!(null), json!([])), ("c", json!(null), json!(["alpha"]))] {
            board(&ann, json!({"name": name, "team_id": team, "kpi_ids": kpis})).await;
        }
        let names = async |query: &str| {
            let page = ann.get(&format!("boards{query}")).await;
            let items = page.expect(200).at("/items").as_array().expect("items");
            items.iter().map(|item| item["name"].as_str().expect("a name").to_owned()).collect::<String>()
        };
        assert_eq!(names("").await, "Abc");
        assert_eq!(names("?team=growth").await, "b");
        assert_eq!(names("?kpi=alpha").await, "bc");
        let first = ann.get("boards?limit=2&include=total").await;
        assert_eq!(first.at("/total"), 3);
        assert_eq!(names(&format!("?limit=2&include=total&cursor={}", first.text("/next_cursor"))).await, "c");
        for query in ["team=tok_01h455vb4pex5vsknk084sn02q", "kpi=obj_01h455vb4pex5vsknk084sn02q", "colour=red"] {
            ann.get(&format!("boards?{query}")).await.refused(400, "invalid_query");
        }
        ann.get("boards?kpi=nothing").await.refused(404, "not_found");
        ann.get("kpis?board=kpi_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_query");
    }

    /// What is private to others is said as a number, and stays where others put the rest in order.
    async fn private_kpis_stay_hidden(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "member").await;
        make(&ann, json!({"name": "Alpha"})).await;
        make(&ann, json!({"name": "Beta"})).await;
        let secret = make(&bob, json!({"name": "Salaries", "visibility": "private"})).await;
        let made = board(&bob, json!({"name": "Mixed", "kpi_ids": ["salaries", "alpha"]})).await;
        assert_eq!(standing(&made), (vec!["salaries".into(), "alpha".into()], 0));
        let path = format!("boards/{}", made.text("/id"));
        let seen = ann.get(&path).await;
        assert_eq!(standing(seen.expect(200)), (vec!["alpha".into()], 1));
        assert!(!seen.raw.contains(secret.text("/id")) && !seen.raw.contains("alaries"), "{}", seen.raw);
        assert_eq!(keys(&ann.get(&format!("kpis?board={}", made.text("/id"))).await), ["alpha"]);
        // Ann does not know of it, and does not take it away.
        let moved = ann.patch(&path, json!({"kpi_ids": ["beta", "alpha"]})).await;
        assert_eq!(standing(moved.expect(200)), (vec!["beta".into(), "alpha".into()], 1));
        assert_eq!(standing(&bob.get(&path).await), (vec!["beta".into(), "alpha".into(), "salaries".into()], 0));
        let events = ann.get("events?type=board.updated&type=board.created").await;
        assert_eq!(events.at("/items/0/change"), &json!({"kpis": 3}));
        assert!(!events.raw.contains(secret.text("/id")), "{}", events.raw);
        ann.patch(&path, json!({"kpi_ids": ["salaries"]})).await.refused(404, "not_found").names("/kpi_ids/0", "not_found");
        ann.get("boards?kpi=salaries").await.refused(404, "not_found");
    }

    /// What cannot stand on a board is refused, and nothing is stored.
    async fn what_makes_no_board_is_refused(app) {
        let ann = app.owner_of("ann", "acme").await;
        let eve = app.owner_of("eve", "evil").await;
        let hers = make(&eve, json!({"name": "Hers"})).await.text("/id").to_owned();
        let foreign = board(&eve, json!({"name": "Hers"})).await.text("/id").to_owned();
        make(&ann, json!({"name": "Alpha"})).await;
        let id = ann.get("kpis/alpha").await.text("/id").to_owned();
        for (body, pointer, code) in [
            (json!({}), "/name", "required"),
            (json!({"name": ""}), "/name", "too_short"),
            (json!({"name": "x".repeat(201)}), "/name", "too_long"),
            (json!({"name": "x", "description": "nul\u{0}"}), "/description", "nul"),
            (json!({"name": "x", "cadence": "irregular"}), "/cadence", "irregular"),
            (json!({"name": "x", "cadence": "hourly"}), "/cadence", "not_offered"),
            (json!({"name": "x", "kpi_ids": ["alpha", "alpha"]}), "/kpi_ids/1", "duplicate"),
            (json!({"name": "x", "kpi_ids": ["alpha", id]}), "/kpi_ids/1", "duplicate"),
            (json!({"name": "x", "kpi_ids": [foreign]}), "/kpi_ids/0", "invalid_id"),
            (json!({"name": "x", "kpi_ids": "alpha"}), "/kpi_ids", "wrong_type"),
            (json!({"name": "x", "kpi_ids": [null]}), "/kpi_ids/0", "wrong_type"),
            (json!({"name": "x", "kpi_ids": vec!["alpha"; 51]}), "/kpi_ids", "too_many"),
            (json!({"name": "x", "colour": "red"}), "/colour", "unknown_field"),
        ] {
            let refused = ann.post("boards", body.clone()).await;
            refused.refused(422, "validation_failed");
            let named = refused.at("/errors").as_array().expect("errors").iter().any(|error| error["pointer"] == pointer);
            assert!(named, "{body} should be refused at {pointer} ({code}): {}", refused.raw);
        }
        for (body, pointer) in [
            (json!({"name": "x", "kpi_ids": [hers]}), "/kpi_ids/0"),
            (json!({"name": "x", "kpi_ids": ["nothing"]}), "/kpi_ids/0"),
            (json!({"name": "x", "team_id": "nothing"}), "/team_id"),
            (json!({"name": "x", "owner_id": "mem_01h455vb4pex5vsknk084sn02q"}), "/owner_id"),
        ] {
            ann.post("boards", body).await.refused(404, "not_found").names(pointer, "not_found");
        }
        ann.delete("kpis/alpha").await.expect(204);
        ann.post("boards", json!({"name": "x", "kpi_ids": ["alpha"]})).await.refused(409, "kpi_archived").names("/kpi_ids/0", "kpi_archived");
        ann.get(&format!("boards/{foreign}")).await.refused(404, "not_found");
        ann.delete(&format!("boards/{foreign}")).await.refused(404, "not_found");
        ann.get("boards/kpi_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_id");
        assert_eq!(ann.get("boards").await.at("/items"), &json!([]));
        // One that was archived later stays, until somebody takes it away.
        ann.post("kpis/alpha/restore", json!({})).await.expect(200);
        let made = board(&ann, json!({"name": "x", "kpi_ids": ["alpha"]})).await;
        ann.delete("kpis/alpha").await.expect(204);
        let path = format!("boards/{}", made.text("/id"));
        make(&ann, json!({"name": "Beta"})).await;
        let moved = ann.patch(&path, json!({"kpi_ids": ["beta", "alpha"]})).await;
        assert_eq!(standing(moved.expect(200)).0, ["beta", "alpha"]);
    }

    /// A board is its owner's and its team's.
    async fn a_board_belongs_to_owner_and_team(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "member").await;
        let vic = app.joins(&ann, "vic", "viewer").await;
        vic.post("boards", json!({"name": "x"})).await.refused(403, "forbidden");
        let hers = board(&ann, json!({"name": "Hers"})).await;
        let path = format!("boards/{}", hers.text("/id"));
        bob.patch(&path, json!({"name": "His"})).await.refused(403, "forbidden");
        bob.delete(&path).await.refused(403, "forbidden");
        assert_eq!(bob.get(&path).await.at("/can"), &json!({"edit": false, "delete": false}));
        ann.post("teams", json!({"name": "Growth"})).await.expect(201);
        let bobs = bob.get("members/me").await.text("/id").to_owned();
        ann.put(&format!("teams/growth/members/{bobs}"), json!({"duty": "member"})).await;
        ann.patch(&path, json!({"team_id": "growth"})).await.expect(200);
        bob.patch(&path, json!({"name": "Ours"})).await.expect(200);
        vic.patch(&path, json!({"name": "x"})).await.refused(403, "forbidden");
        let his = board(&bob, json!({"name": "His"})).await;
        ann.patch(&format!("boards/{}", his.text("/id")), json!({"owner_id": "me"})).await.expect(200);
    }
}
