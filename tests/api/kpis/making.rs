//! KPIs are made, named, and put from a repository.

use reqwest::Method;
use serde_json::{Value, json};

use super::{events, keys, lasting, made_by, make, service};
use crate::harness::stories;

stories! {
    async fn only_a_name_is_needed(app) {
        let ann = app.owner_of("ann", "acme").await;
        let known = events(&ann).await.len();
        let churn = make(&ann, json!({"name": "Churn rate"})).await;
        assert_eq!(made_by(&ann, known).await, ["kpi.created"]);
        let text = |pointer: &str| churn.text(pointer).to_owned();
        assert_eq!(text("/key"), "churn-rate");
        assert_eq!(
            (text("/category"), text("/cadence"), text("/aggregation")),
            ("other".into(), "monthly".into(), "last".into())
        );
        assert_eq!((text("/health"), text("/health_reason")), ("unknown".into(), "no_target".into()));
        assert_eq!((text("/freshness/state"), text("/visibility")), ("never".into(), "workspace".into()));
        assert_eq!(text("/owner/name"), "ann");
        assert_eq!(churn.at("/owner_id"), churn.at("/owner/id"));
        assert_eq!(
            churn.at("/settings"),
            &json!({"confirm_periods": 1, "recover_periods": 1, "grace_days": 10, "expect_every": null})
        );
        assert_eq!(
            churn.at("/display"),
            &json!({"style": "number", "currency": null, "precision": null, "unit": null})
        );
        assert_eq!(churn.at("/remedies"), &json!({"active": 0, "planned": 0, "failed": 0}));
        assert_eq!(
            churn.at("/can"),
            &json!({"edit": true, "post_points": true, "archive": true, "prescribe": true})
        );
        for absent in [
            "/team_id",
            "/current",
            "/running",
            "/target",
            "/tolerance",
            "/gap",
            "/since",
            "/trend",
            "/episode",
            "/recent",
        ] {
            assert_eq!(churn.at(absent), &Value::Null, "{absent}");
        }
        let found = ann.get(churn.header("location")).await;
        assert_eq!(found.expect(200).body, churn.body);
        assert_eq!(ann.get("kpis/churn-rate").await.expect(200).body, churn.body);

        assert_eq!(make(&ann, json!({"name": "Churn rate"})).await.text("/key"), "churn-rate-2");
        assert_eq!(make(&ann, json!({"name": "Churn: rate?"})).await.text("/key"), "churn-rate-3");
        assert_eq!(make(&ann, json!({"name": "解約率"})).await.text("/key"), "kpi");
    }

    async fn everything_that_was_said_comes_back(app) {
        let ann = app.owner_of("ann", "acme").await;
        ann.post("teams", json!({"name": "Growth"})).await.expect(201);
        let old = make(&ann, json!({"name": "Old churn"})).await;
        let said = json!({
            "key": "churn_2.0", "name": "Churn", "definition": "Who left.", "category": "retention",
            "cadence": "weekly", "aggregation": "mean", "indicator": "lagging", "owner_id": null, "team_id": "growth",
            "display": {"style": "currency", "currency": "EUR", "precision": 2, "unit": "a head"},
            "target": {"min": 1.5, "max": 3}, "tolerance": {"max": 4},
            "decision": "Whom to call.", "playbook": {"at_risk": "Ask.", "unhealthy": "Call."},
            "tags": ["b", "a"], "confirm_periods": 3, "recover_periods": 2, "grace_days": 7, "expect_every": "PT6H",
            "aliases": ["Zuwachs %", "crm.churn"], "replaced_by": "old-churn",
        });
        let known = events(&ann).await.len();
        let churn = make(&ann, said.clone()).await;
        assert_eq!(made_by(&ann, known).await, ["kpi.created", "target.created"]);
        for field in [
            "key",
            "name",
            "definition",
            "category",
            "cadence",
            "aggregation",
            "indicator",
            "owner_id",
            "decision",
            "playbook",
            "tags",
            "display",
            "aliases",
        ] {
            assert_eq!(churn.body[field], said[field], "{field}");
        }
        assert_eq!(churn.at("/team/slug"), "growth");
        assert_eq!(churn.at("/owner"), &Value::Null);
        assert_eq!(churn.at("/target"), &json!({"effective_from": null, "min": 1.5, "max": 3.0}));
        assert_eq!(churn.at("/tolerance"), &json!({"min": null, "max": 4.0}));
        assert_eq!(
            churn.at("/settings"),
            &json!({"confirm_periods": 3, "recover_periods": 2, "grace_days": 7, "expect_every": "PT6H"})
        );
        assert_eq!(churn.at("/replaced_by"), old.at("/id"));
        assert_eq!(churn.at("/health_reason"), "no_data");
        assert_eq!(
            ann.get("kpis/crm.churn").await.expect(200).at("/id"),
            churn.at("/id"),
            "an alias names it too"
        );
    }

    async fn kpis_can_live_in_a_repository(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "admin").await;
        let ci = lasting(&app, &bob).await;
        let said = json!({"name": "Churn", "target": {"max": 3}, "tags": ["a"]});
        let made = ann.put("kpis/churn", said.clone()).await;
        made.expect(201);
        assert_eq!(made.text("/key"), "churn");
        let known = events(&ann).await.len();
        let again = ci.put("kpis/churn", said.clone()).await;
        assert_eq!(again.expect(200).at("/version"), 1);
        assert_eq!(again.text("/owner/name"), "ann", "who puts it again does not take it over");
        assert!(made_by(&ann, known).await.is_empty());

        let said = json!({"name": "Churn", "key": "churn", "definition": "Who left.", "target": {"max": 2}});
        let changed = ci.put("kpis/churn", said).await;
        assert_eq!(changed.expect(200).at("/version"), 2);
        assert_eq!(changed.at("/tags"), &json!([]), "what is not said takes its default");
        assert_eq!(changed.at("/target"), &json!({"effective_from": "2026-03-01", "min": null, "max": 2.0}));
        assert_eq!(made_by(&ann, known).await, ["kpi.updated", "target.created", "decision.created"]);
        let ended = ci.put("kpis/churn", json!({"name": "Churn"})).await;
        assert_eq!(ended.expect(200).at("/target"), &Value::Null);

        let id = made.text("/id").to_owned();
        let renamed = ann.put(&format!("kpis/{id}"), json!({"name": "Churn", "key": "loss"})).await;
        assert_eq!(renamed.expect(200).at("/key"), "loss");
        let by_old_key = ann.put("kpis/churn", json!({"name": "Churn", "key": "churn", "tags": ["b"]})).await;
        assert_eq!(by_old_key.expect(200).at("/key"), "loss", "the file that has the old key still finds it");
        assert_eq!(by_old_key.at("/tags"), &json!(["b"]));

        let nobodys = service(&app, &ann, "CI", json!({})).await;
        let service_made = nobodys.put("kpis/mine", json!({"name": "Mine"})).await;
        assert_eq!(service_made.expect(201).at("/owner_id"), &Value::Null);
    }

    async fn a_put_says_what_it_cannot_do(app) {
        let ann = app.owner_of("ann", "acme").await;
        make(&ann, json!({"name": "Churn"})).await;
        let body = json!({"name": "Churn"});
        ann.put("kpis/churn", json!({"name": "Churn", "key": "other"}))
            .await
            .refused(422, "validation_failed")
            .names("/key", "differs_from_path");
        ann.put("kpis/new", json!({"name": "New", "key": "other"}))
            .await
            .refused(422, "validation_failed")
            .names("/key", "differs_from_path");
        ann.put("kpis/Not%20a%20key", body.clone()).await.refused(400, "invalid_id");
        ann.put("kpis/kpi_01h455vb4pex5vsknk084sn02q", body.clone()).await.refused(404, "not_found");
        ann.put("kpis/team_01h455vb4pex5vsknk084sn02q", body.clone()).await.refused(400, "invalid_id");
        let put =
            |path: &str, tag: &str| ann.call(Method::PUT, path).header("if-match", tag).json(&body).send();
        put("kpis/new", "\"1-0\"").await.refused(412, "precondition_failed");
        put("kpis/churn", "\"7-0\"").await.refused(412, "precondition_failed");
        put("kpis/churn", "\"1-0\"").await.expect(200);
        assert_eq!(keys(&ann.get("kpis").await), ["churn"]);
    }

    async fn a_name_means_one_kpi(app) {
        let ann = app.owner_of("ann", "acme").await;
        let churn = make(&ann, json!({"name": "Churn", "aliases": ["crm.churn"]})).await;
        make(&ann, json!({"name": "Other"})).await;
        let renamed = ann.patch("kpis/churn", json!({"key": "loss"})).await;
        assert_eq!(renamed.expect(200).at("/key"), "loss");
        assert_eq!(ann.get("kpis/churn").await.expect(200).at("/id"), churn.at("/id"), "a changed key stays");
        let known = events(&ann).await.len();
        for (body, pointer) in [
            (json!({"name": "New", "key": "loss"}), "/key"),
            (json!({"name": "New", "key": "churn"}), "/key"),
            (json!({"name": "New", "key": "crm.churn"}), "/key"),
            (json!({"name": "New", "aliases": ["x", "loss"]}), "/aliases/1"),
            (json!({"name": "New", "aliases": ["churn"]}), "/aliases/0"),
            (json!({"name": "New", "aliases": ["crm.churn"]}), "/aliases/0"),
            (json!({"name": "New", "key": "new", "aliases": ["new"]}), "/aliases/0"),
        ] {
            ann.post("kpis", body).await.refused(409, "already_exists").names(pointer, "already_exists");
        }
        ann.patch("kpis/other", json!({"key": "churn"}))
            .await
            .refused(409, "already_exists")
            .names("/key", "already_exists");
        assert_eq!(keys(&ann.get("kpis").await), ["loss", "other"]);
        assert!(made_by(&ann, known).await.is_empty(), "nothing happened");
        assert_eq!(make(&ann, json!({"name": "Churn"})).await.text("/key"), "churn-2");

        let back = ann.patch("kpis/loss", json!({"key": "churn", "aliases": ["loss"]})).await;
        assert_eq!(back.expect(200).at("/key"), "churn", "its own old key is free for it");
        assert_eq!(back.at("/aliases"), &json!(["loss"]));
        ann.patch("kpis/churn", json!({"aliases": []})).await.expect(200);
        ann.get("kpis/crm.churn").await.refused(404, "not_found");
        ann.get("kpis/loss").await.refused(404, "not_found");
        make(&ann, json!({"name": "New", "key": "loss"})).await;
    }
}
