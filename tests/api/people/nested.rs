//! Teams under teams: no loops, nine levels, nothing at work under what is archived.

use serde_json::{Value, json};

use super::{each, made};
use crate::harness::stories;

stories! {
    async fn teams_stand_under_teams_without_loops(app) {
        let ann = app.owner_of("ann", "acme").await;
        let mia = app.joins(&ann, "mia", "member").await;
        let sales = made(&ann, "teams", json!({"name": "Sales"})).await;
        let emea = ann.post("teams", json!({"name": "EMEA", "parent_id": "sales"})).await;
        assert_eq!(emea.expect(201).at("/parent_id"), &json!(sales));
        assert_eq!(emea.at("/parent/name"), "Sales");
        made(&ann, "teams", json!({"name": "Berlin", "parent_id": emea.text("/id")})).await;
        made(&ann, "teams", json!({"name": "Delivery"})).await;
        assert_eq!(each(&mia.get("teams?parent=sales").await, "slug"), ["emea"]);
        assert_eq!(each(&mia.get(&format!("teams?parent={sales}")).await, "slug"), ["emea"]);
        assert_eq!(each(&mia.get("teams?parent=none").await, "slug"), ["delivery", "sales"]);
        mia.get("teams?parent=nowhere").await.refused(404, "not_found").names("parent", "not_found");
        mia.get("teams?parent=kpi_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_query");
        let foreign = app.owner_of("eve", "evil").await;
        let secret = made(&foreign, "teams", json!({"name": "Secret"})).await;
        ann.post("teams", json!({"name": "Old"})).await.expect(201);
        ann.delete("teams/old").await.expect(204);

        let before = app.people().await;
        let looped = ann.patch("teams/sales", json!({"parent_id": "berlin"})).await;
        looped.refused(409, "alignment_loop").names("/parent_id", "alignment_loop");
        assert!(looped.text("/detail").contains("\"Sales\" under \"Berlin\" under \"EMEA\" under \"Sales\""), "{}", looped.raw);
        ann.patch("teams/sales", json!({"parent_id": "sales"})).await.refused(409, "alignment_loop");
        for parent in [json!(secret), json!("secret"), json!("old"), json!("team_01h455vb4pex5vsknk084sn02q")] {
            ann.patch("teams/berlin", json!({"parent_id": parent})).await.refused(404, "not_found").names("/parent_id", "not_found");
            ann.post("teams", json!({"name": "New", "parent_id": parent})).await.refused(404, "not_found").names("/parent_id", "not_found");
        }
        mia.patch("teams/berlin", json!({"parent_id": null})).await.refused(403, "forbidden");
        mia.post("teams", json!({"name": "Mine", "parent_id": "sales"})).await.refused(403, "forbidden");
        let held = ann.delete("teams/sales").await;
        held.refused(409, "conflict");
        assert!(held.text("/detail").contains("\"EMEA\""), "{}", held.raw);
        assert_eq!(app.people().await, before);

        let told = app.told("acme").await.len();
        ann.patch("teams/berlin", json!({"parent_id": "emea"})).await.expect(200);
        assert_eq!(app.told("acme").await.len(), told);
        let moved = ann.patch("teams/berlin", json!({"parent_id": null})).await;
        assert_eq!(moved.expect(200).at("/parent"), &Value::Null);
        ann.patch("teams/sales", json!({"parent_id": "berlin"})).await.expect(200);
        ann.delete("teams/emea").await.expect(204);
        ann.delete("teams/sales").await.expect(204);
        // What is archived stays where it stood.
        assert_eq!(ann.get("teams/emea").await.at("/parent/slug"), "sales");
    }

    async fn nine_levels_and_no_more(app) {
        let ann = app.owner_of("ann", "acme").await;
        ann.post("teams", json!({"name": "L1"})).await.expect(201);
        for level in 2..=9 {
            let body = json!({"name": format!("L{level}"), "parent_id": format!("l{}", level - 1)});
            ann.post("teams", body).await.expect(201);
        }
        let deep = ann.post("teams", json!({"name": "L10", "parent_id": "l9"})).await;
        deep.refused(409, "too_deep").names("/parent_id", "too_deep");
        ann.post("teams", json!({"name": "Top"})).await.expect(201);
        ann.patch("teams/l1", json!({"parent_id": "top"})).await.refused(409, "too_deep");
        ann.patch("teams/l2", json!({"parent_id": "top"})).await.expect(200);
    }

    /// Two teams are put under each other at the same moment: one of them gets there.
    async fn teams_that_race_form_no_loop(app) {
        let ann = app.owner_of("ann", "acme").await;
        ann.post("teams", json!({"name": "A"})).await.expect(201);
        ann.post("teams", json!({"name": "B"})).await.expect(201);
        for _ in 0..10 {
            let (one, other) = futures_util::future::join(
                ann.patch("teams/a", json!({"parent_id": "b"})),
                ann.patch("teams/b", json!({"parent_id": "a"})),
            )
            .await;
            let mut statuses = [one.status, other.status];
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 409], "{} and {}", one.raw, other.raw);
            ann.patch("teams/a", json!({"parent_id": null})).await.expect(200);
            ann.patch("teams/b", json!({"parent_id": null})).await.expect(200);
        }
    }
}
