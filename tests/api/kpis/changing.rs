//! KPIs are changed, rehearsed and archived; what is wrong is refused.

use reqwest::Method;
use serde_json::{Value, json};

use super::{events, keys, made_by, make, point};
use crate::harness::stories;

stories! {
    async fn a_patch_changes_what_it_says(app) {
        let ann = app.owner_of("ann", "acme").await;
        let churn = make(
            &ann,
            json!({
                "name": "Churn", "definition": "Who left.", "display": {"style": "percent", "precision": 1},
                "target": {"min": 1, "max": 3}, "tolerance": {"max": 5}, "tags": ["a"], "aliases": ["b", "a"],
            }),
        )
        .await;
        let known = events(&ann).await.len();
        for nothing in [
            json!({}),
            json!({"name": "Churn"}),
            json!({"target": {"min": 1}}),
            json!({"owner_id": "me"}),
            json!({"aliases": ["a", "b"]}),
            json!({"key": null}),
        ] {
            let same = ann.patch("kpis/churn", nothing).await;
            assert_eq!(same.expect(200).body, churn.body);
            assert_eq!(same.header("etag"), churn.header("etag"));
        }
        assert!(made_by(&ann, known).await.is_empty());

        let changed = ann
            .patch("kpis/churn", json!({"definition": null, "display": {"precision": 2}, "tags": ["b", "c"]}))
            .await;
        assert_eq!(changed.expect(200).at("/definition"), &Value::Null);
        assert_eq!(changed.at("/display/style"), "percent");
        assert_eq!(changed.at("/display/precision"), 2);
        assert_eq!((changed.at("/tags"), changed.at("/version")), (&json!(["b", "c"]), &json!(2)));
        let told = ann.get("events?limit=1").await;
        assert_eq!(told.at("/items/0/change/tags"), &json!(["b", "c"]));
        assert_eq!(told.at("/items/0/change/definition"), &Value::Null);
        assert!(told.at("/items/0/change").get("name").is_none(), "only what changed");

        ann.patch("kpis/churn", json!({"name": "X", "version": 1})).await.refused(409, "version_conflict");
        ann.call(Method::PATCH, "kpis/churn")
            .header("if-match", churn.header("etag"))
            .json(&json!({"name": "X"}))
            .send()
            .await
            .refused(412, "precondition_failed");
        ann.call(Method::PATCH, "kpis/churn")
            .header("if-match", changed.header("etag"))
            .json(&json!({"name": "X"}))
            .send()
            .await
            .expect(200);

        let known = events(&ann).await.len();
        let moved = ann.patch("kpis/churn", json!({"target": {"max": 4}})).await;
        assert_eq!(
            moved.expect(200).at("/target"),
            &json!({"effective_from": "2026-03-01", "min": 1.0, "max": 4.0})
        );
        assert_eq!(moved.at("/tolerance/max"), 5.0);
        assert_eq!(moved.at("/version"), 4);
        assert_eq!(made_by(&ann, known).await, ["target.created", "decision.created"]);
        ann.patch("kpis/churn", json!({"target": {"max": 6}}))
            .await
            .refused(422, "validation_failed")
            .names("/tolerance/max", "tolerance_inside_target");
        let ended = ann.patch("kpis/churn", json!({"target": null})).await;
        assert_eq!((ended.expect(200).at("/target"), ended.at("/tolerance")), (&Value::Null, &Value::Null));
        assert_eq!(ended.at("/health_reason"), "no_target");
    }

    async fn what_is_wrong_is_named_and_nothing_is_stored(app) {
        let ann = app.owner_of("ann", "acme").await;
        make(&ann, json!({"name": "Churn", "target": {"max": 3}})).await;
        let before = ann.get("kpis/churn").await;
        let known = events(&ann).await.len();
        let many = |count: usize| (0..count).map(|number| format!("t{number}")).collect::<Vec<_>>();
        for (said, pointer, code) in [
            (json!({"name": ""}), "/name", "too_short"),
            (json!({"name": "   "}), "/name", "malformed"),
            (json!({"name": "a\nb"}), "/name", "malformed"),
            (json!({"name": "a\u{0}b"}), "/name", "nul"),
            (json!({"name": "x".repeat(201)}), "/name", "too_long"),
            (json!({"name": 5}), "/name", "wrong_type"),
            (json!({"name": null}), "/name", "wrong_type"),
            (json!({"key": "Churn"}), "/key", "malformed"),
            (json!({"key": "a--b"}), "/key", "malformed"),
            (json!({"key": "a".repeat(65)}), "/key", "too_long"),
            (json!({"key": "kpi_01h455vb4pex5vsknk084sn02q"}), "/key", "looks_like_id"),
            (json!({"definition": "x".repeat(10_001)}), "/definition", "too_long"),
            (json!({"category": "weather"}), "/category", "unknown_value"),
            (json!({"cadence": "hourly"}), "/cadence", "unknown_value"),
            (json!({"aggregation": "median"}), "/aggregation", "unknown_value"),
            (json!({"aggregation": null}), "/aggregation", "wrong_type"),
            (json!({"indicator": "either"}), "/indicator", "unknown_value"),
            (json!({"owner_id": "ann"}), "/owner_id", "malformed"),
            (json!({"owner_id": "kpi_01h455vb4pex5vsknk084sn02q"}), "/owner_id", "malformed"),
            (json!({"display": {"style": "currency"}}), "/display/currency", "required"),
            (json!({"display": {"currency": "EUR"}}), "/display/currency", "not_applicable"),
            (json!({"display": {"style": "currency", "currency": "eur"}}), "/display/currency", "malformed"),
            (json!({"display": {"precision": 10}}), "/display/precision", "out_of_bounds"),
            (json!({"display": {"precision": -1}}), "/display/precision", "out_of_bounds"),
            (json!({"display": {"precision": 1.5}}), "/display/precision", "wrong_type"),
            (json!({"display": {"unit": "x".repeat(33)}}), "/display/unit", "too_long"),
            (json!({"display": {"colour": "red"}}), "/display/colour", "unknown_field"),
            (json!({"target": {}}), "/target/min", "empty_band"),
            (json!({"target": []}), "/target", "wrong_type"),
            (json!({"target": {"min": 2, "max": 1}}), "/target/min", "min_above_max"),
            (json!({"target": {"min": "2"}}), "/target/min", "wrong_type"),
            (json!({"target": {"min": 1e16}}), "/target/min", "out_of_bounds"),
            (
                json!({"target": {"min": 1, "max": 3}, "tolerance": {"min": 2}}),
                "/tolerance/min",
                "tolerance_inside_target",
            ),
            (
                json!({"target": {"max": 3}, "tolerance": {"max": 2}}),
                "/tolerance/max",
                "tolerance_inside_target",
            ),
            (
                json!({"target": {"max": 3}, "tolerance": {"min": 2}}),
                "/tolerance/min",
                "tolerance_without_target",
            ),
            (json!({"target": null, "tolerance": {"max": 2}}), "/tolerance/max", "tolerance_without_target"),
            (json!({"decision": "x".repeat(4_001)}), "/decision", "too_long"),
            (json!({"playbook": {"healthy": "x"}}), "/playbook/healthy", "unknown_field"),
            (json!({"tags": "a"}), "/tags", "wrong_type"),
            (json!({"tags": many(21)}), "/tags", "too_many"),
            (json!({"tags": ["a", "b", "a"]}), "/tags/2", "duplicate"),
            (json!({"tags": [""]}), "/tags/0", "too_short"),
            (json!({"confirm_periods": 0}), "/confirm_periods", "out_of_bounds"),
            (json!({"confirm_periods": 13}), "/confirm_periods", "out_of_bounds"),
            (json!({"recover_periods": 0}), "/recover_periods", "out_of_bounds"),
            (json!({"grace_days": -1}), "/grace_days", "out_of_bounds"),
            (json!({"grace_days": 32}), "/grace_days", "out_of_bounds"),
            (json!({"cadence": "daily", "grace_days": 2}), "/grace_days", "out_of_bounds"),
            (json!({"expect_every": "6 hours"}), "/expect_every", "malformed"),
            (json!({"expect_every": "-PT6H"}), "/expect_every", "malformed"),
            (json!({"expect_every": "PT59S"}), "/expect_every", "out_of_bounds"),
            (json!({"expect_every": "P367D"}), "/expect_every", "out_of_bounds"),
            (json!({"aliases": many(21)}), "/aliases", "too_many"),
            (json!({"aliases": ["a", "a"]}), "/aliases/1", "duplicate"),
            (json!({"aliases": ["x".repeat(201)]}), "/aliases/0", "too_long"),
            (json!({"aliases": ["a\tb"]}), "/aliases/0", "malformed"),
            (json!({"aliases": ["kpi_01h455vb4pex5vsknk084sn02q"]}), "/aliases/0", "looks_like_id"),
            (json!({"visibility": "hidden"}), "/visibility", "unknown_value"),
            (json!({"colour": "red"}), "/colour", "unknown_field"),
        ] {
            let mut body = json!({"name": "New"});
            body.as_object_mut().expect("an object").extend(said.as_object().expect("an object").clone());
            ann.post("kpis", body.clone()).await.refused(422, "validation_failed").names(pointer, code);
            ann.put("kpis/new", body).await.refused(422, "validation_failed").names(pointer, code);
            // Merged with what is there, an empty object says nothing.
            if said != json!({"target": {}}) {
                ann.patch("kpis/churn", said).await.refused(422, "validation_failed").names(pointer, code);
            }
        }
        ann.post("kpis", json!({})).await.refused(422, "validation_failed").names("/name", "required");
        ann.post("kpis", json!([])).await.refused(422, "validation_failed").names("", "wrong_type");
        let both = ann.post("kpis", json!({"name": "", "colour": 1})).await;
        both.names("/name", "too_short").names("/colour", "unknown_field");
        ann.patch("kpis/churn", json!({"replaced_by": "churn"}))
            .await
            .refused(422, "validation_failed")
            .names("/replaced_by", "itself");
        let raw = |text: &'static str| ann.call(Method::POST, "kpis").raw("application/json", text).send();
        raw(r#"{"name": "a", "name": "b"}"#).await.refused(400, "malformed_body");
        raw(r#"{"name": "a", "target": {"min": 1e400}}"#).await.refused(400, "malformed_body");
        raw(r#"{"name": "a""#).await.refused(400, "malformed_body");
        ann.call(Method::POST, "kpis")
            .raw("text/plain", "{}")
            .send()
            .await
            .refused(415, "unsupported_media_type");
        ann.call(Method::POST, "kpis?force=true")
            .json(&json!({"name": "New"}))
            .send()
            .await
            .refused(400, "invalid_query");

        assert_eq!(keys(&ann.get("kpis").await), ["churn"]);
        assert_eq!(ann.get("kpis/churn").await.body, before.body);
        assert!(made_by(&ann, known).await.is_empty());
    }

    async fn a_rehearsal_shows_and_stores_nothing(app) {
        let ann = app.owner_of("ann", "acme").await;
        make(&ann, json!({"name": "Churn"})).await;
        let known = events(&ann).await.len();
        let shown = ann.post("kpis?dry_run=true", json!({"name": "New", "target": {"min": 1}})).await;
        assert_eq!(shown.expect(201).at("/target/min"), 1.0);
        ann.put("kpis/other?dry_run=true", json!({"name": "Other"})).await.expect(201);
        let changed = ann.put("kpis/churn?dry_run=true", json!({"name": "Loss"})).await;
        assert_eq!(changed.expect(200).at("/name"), "Loss");
        ann.post("kpis?dry_run=true", json!({"name": ""})).await.refused(422, "validation_failed");
        ann.post("kpis?dry_run=maybe", json!({"name": "New"})).await.refused(400, "invalid_query");
        assert_eq!(ann.get("kpis").await.at("/items/0/name"), "Churn");
        assert_eq!(keys(&ann.get("kpis").await), ["churn"]);
        assert!(made_by(&ann, known).await.is_empty());
    }

    async fn an_archived_kpi_keeps_its_history(app) {
        let ann = app.owner_of("ann", "acme").await;
        make(&ann, json!({"name": "Churn"})).await;
        make(&ann, json!({"name": "Loss"})).await;
        point(&ann, "churn", "2026-03-30", 4.2).await;
        ann.patch("kpis/churn", json!({"replaced_by": "loss"})).await.expect(200);
        let known = events(&ann).await.len();
        ann.delete("kpis/churn").await.expect(204);
        ann.delete("kpis/churn").await.expect(204);
        assert_eq!(made_by(&ann, known).await, ["kpi.archived", "decision.created"]);
        assert_eq!(keys(&ann.get("kpis").await), ["loss"]);
        assert_eq!(keys(&ann.get("kpis?archived=yes").await), ["churn"]);
        assert_eq!(keys(&ann.get("kpis?archived=all").await), ["churn", "loss"]);
        let shown = ann.get("kpis/churn").await;
        assert_eq!(shown.at("/archived_at"), "2026-03-31T09:30:00.000000Z");
        assert_eq!(shown.at("/current/value"), 4.2);
        ann.put("kpis/churn/points/2026-03-31", json!({"value": 1})).await.refused(409, "kpi_archived");
        let back = ann.post("kpis/churn/restore", Value::Null).await;
        assert_eq!((back.expect(200).at("/archived_at"), back.at("/version")), (&Value::Null, &json!(4)));
        ann.post("kpis/churn/restore", Value::Null).await.expect(200);
        assert_eq!(made_by(&ann, known).await, ["kpi.archived", "decision.created", "kpi.restored"]);
    }
}
