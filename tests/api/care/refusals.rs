//! What remedies and triage refuse, and that nothing is stored then.

use serde_json::json;

use super::remedies::nothing_was_made;
use super::*;
use crate::harness::stories;

stories! {
    /// Only what is ill takes a remedy.
    async fn a_healthy_kpi_takes_none(app) {
        let ann = ann_cares(&app).await;
        kpi(&ann, "Churn rate").await;
        measured(&ann, "churn-rate", &[("2026-03-01", 3.0)]).await;
        ann.post("kpis/churn-rate/remedies", json!({})).await.refused(409, "kpi_is_healthy");
        nothing_was_made(&ann).await;
        let other = ann.post("objectives", json!({"title": "Elsewhere"})).await;
        let body = json!({"objective_id": other.text("/id")});
        ann.post("kpis/churn-rate/remedies", body.clone()).await.refused(409, "kpi_is_healthy");
        // Once it is stale nobody knows, so an objective can be linked; there is no way to go for a new one.
        app.it_is("2026-06-01T12:00:00Z");
        assert_eq!(ann.get("kpis/churn-rate").await.at("/health"), "unknown");
        ann.post("kpis/churn-rate/remedies", json!({})).await.refused(409, "kpi_is_healthy");
        let linked = prescribed(&ann, "churn-rate", body).await;
        assert_eq!(linked.at("/baseline/health"), "unknown");
    }

    /// Without value or target only an existing objective can be linked.
    async fn a_kpi_without_value_or_target_takes_only_what_exists(app) {
        let ann = ann_cares(&app).await;
        kpi(&ann, "Churn rate").await;
        ann.post("kpis/churn-rate/remedies", json!({})).await.refused(409, "kpi_has_no_value");
        ann.post("kpis", json!({"name": "Aimless"})).await.expect(201);
        measured(&ann, "aimless", &[("2026-03-01", 3.0)]).await;
        ann.post("kpis/aimless/remedies", json!({})).await.refused(409, "kpi_has_no_target");
        nothing_was_made(&ann).await;
        let made = ann.post("objectives", json!({"title": "Find out"})).await;
        for key in ["churn-rate", "aimless"] {
            let linked = prescribed(&ann, key, json!({"objective_id": made.text("/id")})).await;
            assert_eq!(linked.at("/outcome"), "planned");
            assert_eq!(linked.at("/share_of_gap_closed"), &json!(null));
        }
        let linked = ann.get("kpis/churn-rate/remedies").await;
        assert_eq!(linked.at("/items/0/baseline/period"), &json!(null));
        assert_eq!(linked.at("/items/0/baseline/target/max"), 4.0);
    }

    /// What is archived, closed or linked already takes no link.
    async fn what_is_over_takes_no_link(app) {
        let ann = ann_cares(&app).await;
        churn_turned_bad(&ann).await;
        let made = prescribed(&ann, "churn-rate", json!({})).await;
        let id = made.text("/objective_id");
        let again = ann.post("kpis/churn-rate/remedies", json!({"objective_id": id})).await;
        again.refused(409, "already_exists").names("/objective_id", "already_exists");
        ann.delete(&remedy(&made)).await.expect(204);
        ann.delete(&objective(&made)).await.expect(204);
        let archived = ann.post("kpis/churn-rate/remedies", json!({"objective_id": id})).await;
        archived.refused(409, "objective_closed").names("/objective_id", "objective_closed");
        ann.call(reqwest::Method::POST, &format!("{}/restore", objective(&made))).send().await.expect(200);
        ann.post(&format!("{}/close", objective(&made)), json!({"outcome": "dropped"})).await.expect(200);
        ann.post("kpis/churn-rate/remedies", json!({"objective_id": id})).await.refused(409, "objective_closed");
        ann.post("cycles", json!({"name": "Past", "starts_on": "2026-01-01", "ends_on": "2026-12-31"})).await.expect(201);
        let open = ann.post("objectives", json!({"title": "Left open", "cycle_id": "past"})).await;
        ann.patch("cycles/past", json!({"state": "closed"})).await.expect(200);
        let left = ann.post("kpis/churn-rate/remedies", json!({"objective_id": open.expect(201).text("/id")})).await;
        left.refused(409, "cycle_closed").names("/objective_id", "cycle_closed");
        ann.delete("kpis/churn-rate").await.expect(204);
        ann.post("kpis/churn-rate/remedies", json!({})).await.refused(409, "kpi_archived");
        assert_eq!(told(&ann, "remedy.created").await, 1);
        assert_eq!(groups(&ann, "").await, Vec::<String>::new(), "the archive leaves triage");
    }

    /// Several cycles that hold today have to be told apart; what is named has to be there.
    async fn what_is_named_has_to_be_there(app) {
        let ann = ann_cares(&app).await;
        churn_turned_bad(&ann).await;
        for (name, ends_on) in [("Q1", "2026-03-31"), ("Half", "2026-06-30")] {
            ann.post("cycles", json!({"name": name, "starts_on": "2026-01-01", "ends_on": ends_on})).await.expect(201);
        }
        let path = "kpis/churn-rate/remedies";
        let several = ann.post(path, json!({})).await;
        several.refused(422, "validation_failed").names("/cycle_id", "ambiguous");
        assert!(several.text("/errors/0/detail").contains("q1, half"), "{}", several.raw);
        ann.post(path, json!({"cycle_id": "never"})).await.refused(404, "not_found").names("/cycle_id", "not_found");
        ann.post(path, json!({"cycle_id": "kpi_01h455vb4pex5vsknk084sn02q"})).await
            .refused(422, "validation_failed").names("/cycle_id", "invalid_id");
        let nobody = json!({"owner_id": "mem_01h455vb4pex5vsknk084sn02q", "cycle_id": "q1"});
        ann.post(path, nobody).await.refused(404, "not_found").names("/owner_id", "not_found");
        let nothing = json!({"objective_id": "obj_01h455vb4pex5vsknk084sn02q"});
        ann.post(path, nothing).await.refused(404, "not_found").names("/objective_id", "not_found");
        let closed = ann.patch("cycles/half", json!({"state": "closed"})).await;
        closed.expect(200);
        ann.post(path, json!({"cycle_id": "half"})).await.refused(409, "cycle_closed");
        nothing_was_made(&ann).await;
        let made = prescribed(&ann, "churn-rate", json!({})).await;
        assert_eq!(ann.get(&objective(&made)).await.at("/cycle/slug"), "q1", "one is left");
        // Another workspace's objective is nobody's here.
        let eve = app.owner_of("eve", "evil").await;
        churn_turned_bad(&eve).await;
        let foreign = json!({"objective_id": made.text("/objective_id")});
        eve.post(path, foreign).await.refused(404, "not_found").names("/objective_id", "not_found");
        eve.get(&remedy(&made)).await.refused(404, "not_found");
        eve.patch(&remedy(&made), json!({"note": "mine"})).await.refused(404, "not_found");
        eve.delete(&remedy(&made)).await.refused(404, "not_found");
        eve.get(&format!("{}/remedies", objective(&made))).await.refused(404, "not_found");
        eve.get(&format!("remedies?objective={}", made.text("/objective_id"))).await
            .refused(404, "not_found").names("objective", "not_found");
        nothing_was_made(&eve).await;
    }

    /// A body that makes no sense is refused as a whole, with all that is wrong.
    async fn bodies_are_judged(app) {
        let ann = ann_cares(&app).await;
        churn_turned_bad(&ann).await;
        let path = "kpis/churn-rate/remedies";
        let both = ann.post(path, json!({
            "objective_id": "obj_01h455vb4pex5vsknk084sn02q", "title": "x", "why": "y", "owner_id": "me",
            "cycle_id": "current", "state": "draft", "note": "that may stand",
        })).await;
        both.refused(422, "validation_failed");
        for pointer in ["/title", "/why", "/owner_id", "/cycle_id", "/state"] {
            both.names(pointer, "unexpected");
        }
        assert_eq!(both.at("/errors").as_array().map(Vec::len), Some(5));
        for (body, pointer, code) in [
            (json!({"objective_id": "kpi_01h455vb4pex5vsknk084sn02q"}), "/objective_id", "malformed"),
            (json!({"title": ""}), "/title", "too_short"),
            (json!({"title": "a\u{7}b"}), "/title", "malformed"),
            (json!({"title": "n".repeat(201)}), "/title", "too_long"),
            (json!({"why": "w".repeat(10_001)}), "/why", "too_long"),
            (json!({"note": "n".repeat(4_001)}), "/note", "too_long"),
            (json!({"note": "nul\u{0}"}), "/note", "nul"),
            (json!({"note": 4}), "/note", "wrong_type"),
            (json!({"state": "closed"}), "/state", "unknown_value"),
            (json!({"owner_id": "somebody"}), "/owner_id", "malformed"),
            (json!({"colour": "red"}), "/colour", "unknown_field"),
            (json!([]), "", "wrong_type"),
        ] {
            ann.post(path, body).await.refused(422, "validation_failed").names(pointer, code);
        }
        ann.call(reqwest::Method::POST, path).raw("application/json", "{").send().await.refused(400, "malformed_body");
        ann.call(reqwest::Method::POST, path).raw("text/plain", "{}").send().await.refused(415, "unsupported_media_type");
        nothing_was_made(&ann).await;
    }

    /// Ids of the wrong kind, unknown filters and days ahead are told as such.
    async fn queries_are_judged(app) {
        let ann = ann_cares(&app).await;
        ann.get("remedies/kpi_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_id");
        ann.get("remedies/rem_01h455vb4pex5vsknk084sn02q").await.refused(404, "not_found");
        ann.get("kpis/nothing/remedies").await.refused(404, "not_found");
        ann.get("remedies?outcome=healed").await.refused(400, "invalid_query");
        ann.get("remedies?colour=red").await.refused(400, "invalid_query");
        ann.get("remedies?kpi=nothing").await.refused(404, "not_found").names("kpi", "not_found");
        ann.get("remedies?kpi=obj_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_query");
        ann.get("remedies?objective=nonsense").await.refused(400, "invalid_query");
        ann.get("triage?limit=3").await.refused(400, "invalid_query");
        ann.get("triage?team=nobody").await.refused(404, "not_found").names("team", "not_found");
        ann.get("triage?owner=kpi_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_query");
        ann.get("triage?as_of=yesterday").await.refused(400, "invalid_query");
        for list in ["triage", "remedies"] {
            ann.get(&format!("{list}?as_of=2026-04-01")).await.refused(422, "validation_failed").names("as_of", "in_the_future");
            ann.get(&format!("{list}?known_at=2026-03-31T09:30:01Z")).await
                .refused(422, "validation_failed").names("known_at", "in_the_future");
            ann.call(reqwest::Method::GET, list).header("accept", "image/png").send().await.refused(406, "not_acceptable");
        }
        app.stranger().inside("acme").get("triage").await.refused(401, "credential_required");
    }

    /// Every member prescribes; only those whose KPI or objective it is change or end a remedy.
    async fn rights_are_kept(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "member").await;
        let vic = app.joins(&ann, "vic", "viewer").await;
        churn_turned_bad(&ann).await;
        vic.post("kpis/churn-rate/remedies", json!({})).await.refused(403, "forbidden");
        let by_bob = bob.post("kpis/churn-rate/remedies", json!({"owner_id": "me"})).await;
        by_bob.expect(201);
        let by_ann = prescribed(&ann, "churn-rate", json!({"title": "Something else"})).await;
        bob.patch(&remedy(&by_bob), json!({"note": "mine"})).await.expect(200);
        bob.patch(&remedy(&by_ann), json!({"note": "mine"})).await.refused(403, "forbidden");
        bob.delete(&remedy(&by_ann)).await.refused(403, "forbidden");
        vic.delete(&remedy(&by_ann)).await.refused(403, "forbidden");
        assert_eq!(bob.get(&remedy(&by_ann)).await.at("/can"), &json!({"edit": false, "withdraw": false}));
        assert_eq!(vic.get("triage").await.expect(200).at("/counts/in_treatment"), 1);
        let reader = lasting(&app, &ann, "a reader", &["read"]).await;
        reader.get("triage").await.expect(200);
        reader.post("kpis/churn-rate/remedies", json!({})).await.refused(403, "insufficient_scope");
        assert_eq!(told(&ann, "remedy.withdrawn").await, 0);
    }
}
