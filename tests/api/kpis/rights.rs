//! Who sees KPIs, and who changes them.

use serde_json::{Value, json};

use super::{keys, make, service};
use crate::harness::stories;

stories! {
    async fn nothing_crosses_workspaces(app) {
        let ann = app.owner_of("ann", "acme").await;
        let eve = app.owner_of("eve", "elsewhere").await;
        let foreign = make(&eve, json!({"name": "Foreign"})).await;
        eve.post("teams", json!({"name": "Spies"})).await.expect(201);
        make(&ann, json!({"name": "Churn"})).await;
        let theirs = eve.get("teams/spies").await.text("/id").to_owned();
        for (said, pointer) in [
            (json!({"owner_id": foreign.at("/owner_id")}), "/owner_id"),
            (json!({"team_id": theirs}), "/team_id"),
            (json!({"team_id": "spies"}), "/team_id"),
            (json!({"replaced_by": foreign.at("/id")}), "/replaced_by"),
            (json!({"replaced_by": "foreign"}), "/replaced_by"),
            (json!({"replaced_by": theirs}), "/replaced_by"),
        ] {
            let mut body = said.clone();
            body["name"] = json!("New");
            ann.post("kpis", body).await.refused(404, "not_found").names(pointer, "not_found");
            ann.patch("kpis/churn", said).await.refused(404, "not_found").names(pointer, "not_found");
        }
        let id = foreign.text("/id");
        ann.get(&format!("kpis/{id}")).await.refused(404, "not_found");
        ann.patch(&format!("kpis/{id}"), json!({"name": "Mine"})).await.refused(404, "not_found");
        ann.delete("kpis/foreign").await.refused(404, "not_found");
        eve.inside("acme").get("kpis").await.refused(404, "not_found");
        ann.get("kpis/team_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_id");
        assert_eq!(keys(&ann.get("kpis").await), ["churn"]);
        make(&ann, json!({"name": "Foreign"})).await;
    }

    async fn members_change_what_is_theirs(app) {
        let ann = app.owner_of("ann", "acme").await;
        let vic = app.joins(&ann, "vic", "viewer").await;
        let mel = app.joins(&ann, "mel", "member").await;
        let tom = app.joins(&ann, "tom", "member").await;
        vic.post("kpis", json!({"name": "Churn"})).await.refused(403, "forbidden");
        vic.put("kpis/churn", json!({"name": "Churn"})).await.refused(403, "forbidden");
        let churn = make(&mel, json!({"name": "Churn"})).await;
        assert_eq!(churn.at("/owner/name"), "mel");
        assert_eq!(
            vic.get("kpis/churn").await.at("/can"),
            &json!({"edit": false, "post_points": false, "archive": false, "prescribe": false})
        );
        assert_eq!(
            tom.get("kpis/churn").await.at("/can"),
            &json!({"edit": false, "post_points": false, "archive": false, "prescribe": true})
        );
        for refused in [
            tom.patch("kpis/churn", json!({"name": "Tom's"})).await,
            tom.put("kpis/churn", json!({"name": "Tom's"})).await,
            tom.delete("kpis/churn").await,
            tom.post("kpis/churn/restore", Value::Null).await,
        ] {
            refused.refused(403, "forbidden");
        }
        tom.patch("kpis/churn", json!({"name": 5})).await.refused(403, "forbidden");

        ann.post("teams", json!({"name": "Growth"})).await.expect(201);
        let me = tom.get("members/me").await.text("/id").to_owned();
        ann.put(&format!("teams/growth/members/{me}"), json!({"duty": "member"})).await;
        mel.patch("kpis/churn", json!({"team_id": "growth"})).await.expect(200);
        tom.patch("kpis/churn", json!({"definition": "Who left."})).await.expect(200);
        mel.patch("kpis/churn", json!({"owner_id": null, "team_id": null})).await.expect(200);
        mel.patch("kpis/churn", json!({"name": "Mine again"})).await.refused(403, "forbidden");
        ann.patch("kpis/churn", json!({"owner_id": "me"})).await.expect(200);
        assert_eq!(mel.get("kpis/churn").await.at("/owner/name"), "ann");
    }

    async fn a_narrowed_token_stays_within_its_keys(app) {
        let ann = app.owner_of("ann", "acme").await;
        let sales = service(&app, &ann, "sales", json!({"key_patterns": ["sales-*"]})).await;
        sales.post("kpis", json!({"name": "Churn"})).await.refused(403, "insufficient_scope");
        sales.put("kpis/churn", json!({"name": "Churn"})).await.refused(403, "insufficient_scope");
        sales.put("kpis/sales-north", json!({"name": "North"})).await.expect(201);
        let reader = service(&app, &ann, "reader", json!({"scopes": ["read"]})).await;
        reader.post("kpis", json!({"name": "Churn"})).await.refused(403, "insufficient_scope");
        assert_eq!(keys(&reader.get("kpis").await), ["sales-north"]);
    }
}
