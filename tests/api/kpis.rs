//! KPIs: made, named, changed, listed and archived, and what they show.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, App, Caller, stories};

/// The KPI is made, or the story ends.
async fn make(caller: &Caller, body: Value) -> Answer {
    let answer = caller.post("kpis", body).await;
    answer.expect(201);
    answer
}

/// A point of a day.
async fn point(caller: &Caller, kpi: &str, day: &str, value: f64) {
    let answer = caller.put(&format!("kpis/{kpi}/points/{day}"), json!({"value": value})).await;
    assert!(answer.status < 300, "{} answered {}", answer.call, answer.raw);
}

/// The keys on a page, in its order.
fn keys(answer: &Answer) -> Vec<String> {
    answer.expect(200);
    let items = answer.at("/items").as_array().expect("items");
    items.iter().map(|item| item["key"].as_str().expect("a key").to_owned()).collect()
}

/// The types of all events, oldest first.
async fn events(caller: &Caller) -> Vec<String> {
    let answer = caller.get("events?after=0&limit=200").await;
    let items = answer.at("/items").as_array().expect("items").clone();
    items.iter().map(|item| item["type"].as_str().expect("a type").to_owned()).collect()
}

/// The types of the events that a call made.
async fn made_by(caller: &Caller, known: usize) -> Vec<String> {
    events(caller).await.split_off(known)
}

/// The same person by a token, which holds on while the clock moves.
async fn lasting(app: &App, person: &Caller) -> Caller {
    let answer =
        person.post("tokens", json!({"name": "lasting", "scopes": ["read", "write", "admin"]})).await;
    answer.expect(201);
    app.with_token("a lasting caller", answer.text("/token")).inside(person.workspace())
}

/// A service token with these scopes.
async fn service(app: &App, owner: &Caller, name: &str, more: Value) -> Caller {
    let mut body = json!({"name": name, "kind": "service", "role": "member", "scopes": ["read", "write"]});
    body.as_object_mut().expect("an object").extend(more.as_object().expect("an object").clone());
    let answer = owner.post("tokens", body).await;
    answer.expect(201);
    app.with_token(name, answer.text("/token")).inside(owner.workspace())
}

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
        assert_eq!(made_by(&ann, known).await, ["kpi.updated", "target.created"]);
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
        assert_eq!(made_by(&ann, known).await, ["target.created"]);
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
            (json!({"visibility": "private"}), "/visibility", "unknown_field"),
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
        assert_eq!(made_by(&ann, known).await, ["kpi.archived"]);
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
        assert_eq!(made_by(&ann, known).await, ["kpi.archived", "kpi.restored"]);
    }

    async fn lists_are_filtered_sorted_and_paged(app) {
        let ann = app.owner_of("ann", "acme").await;
        let mel = app.joins(&ann, "mel", "member").await;
        ann.post("teams", json!({"name": "Growth"})).await.expect(201);
        for (minute, (caller, body)) in [
            (&ann, json!({"name": "delta", "key": "a", "category": "cost", "tags": ["x"], "team_id": "growth", "target": {"max": 3}})),
            (&mel, json!({"name": "Alpha", "key": "b", "indicator": "leading", "definition": "Straße und Weg", "target": {"max": 3}})),
            (&ann, json!({"name": "charlie", "key": "c", "category": "quality", "tags": ["y", "x"], "target": {"max": 3}})),
            (&mel, json!({"name": "Bravo", "key": "d"})),
        ].into_iter().enumerate() {
            app.it_is(&format!("2026-03-31T09:{}:00Z", 31 + minute));
            make(caller, body).await;
        }
        point(&ann, "a", "2026-03-31", 1.0).await;
        point(&ann, "c", "2025-01-01", 9.0).await;
        point(&ann, "b", "2026-03-31", 4.0).await;
        let listed = async |query: &str| keys(&ann.get(&format!("kpis?{query}")).await).concat();
        assert_eq!(listed("").await, "bdca");
        for (query, found) in [
            ("sort=name", "bdca"),
            ("sort=key", "abcd"),
            ("sort=created", "dcba"),
            ("category=cost", "a"),
            ("category=cost&category=quality", "ca"),
            ("tag=x", "ca"),
            ("tag=y&tag=z", "c"),
            ("indicator=leading", "b"),
            ("team=growth", "a"),
            ("owner=me", "ca"),
            ("owner=me&team=growth", "a"),
            ("health=healthy", "a"),
            ("health=unhealthy", "bc"),
            ("health=healthy&health=unknown", "da"),
            ("freshness=fresh", "ba"),
            ("freshness=stale", "c"),
            ("freshness=never", "d"),
            ("treated=no", "bdca"),
            ("treated=yes", ""),
            ("q=STRASS", ""),
            ("q=STRAßE", "b"),
            ("q=CHAR", "c"),
            ("sort=key&q=a", "abcd"),
            ("archived=yes", ""),
            ("as_of=2026-03-30", "bdca"),
            ("as_of=2026-03-30&health=unhealthy", "c"),
        ] {
            let mut sorted: Vec<char> = found.chars().collect();
            let mut got: Vec<char> = listed(query).await.chars().collect();
            if !query.starts_with("sort") {
                sorted.sort();
                got.sort();
            }
            assert_eq!(got, sorted, "{query}");
        }
        ann.patch("kpis/b", json!({"name": "Alpha!"})).await.expect(200);
        app.it_is("2026-03-31T09:36:00Z");
        ann.patch("kpis/c", json!({"name": "charlie!"})).await.expect(200);
        assert!(listed("sort=updated").await.starts_with('c'));

        for query in [
            "limit=1",
            "limit=1&sort=key",
            "limit=1&sort=created",
            "limit=1&sort=updated",
            "limit=1&q=a",
            "limit=1&health=unhealthy&health=unknown&health=healthy",
        ] {
            let whole = keys(
                &ann.get(&format!("kpis?{}", &query[query.find('&').map_or(query.len(), |at| at + 1)..]))
                    .await,
            );
            let mut paged = Vec::new();
            let mut next = format!("/v1/workspaces/acme/kpis?{query}&include=total");
            loop {
                let page = ann.get(&next).await;
                assert_eq!(page.at("/total").as_u64(), Some(whole.len() as u64), "{query}");
                paged.extend(keys(&page));
                let Some(cursor) = page.at("/next_cursor").as_str() else { break };
                next = format!("/v1/workspaces/acme/kpis?{query}&include=total&cursor={cursor}");
                assert!(page.header("link").contains("rel=\"next\""));
                ann.get(&format!("kpis?limit=1&sort=name&owner=me&cursor={cursor}"))
                    .await
                    .refused(404, "cursor_not_found");
            }
            assert_eq!(paged, whole, "{query}");
        }
        for query in [
            "colour=red",
            "limit=0",
            "limit=201",
            "sort=unit",
            "health=green",
            "archived=maybe",
            "treated=true",
            "include=everything",
            "as_of=yesterday",
            "owner=ann",
        ] {
            ann.get(&format!("kpis?{query}")).await.refused(400, "invalid_query");
        }
        ann.get("kpis?team=nobody").await.refused(404, "not_found");
        ann.get("kpis?as_of=2026-04-01")
            .await
            .refused(422, "validation_failed")
            .names("as_of", "in_the_future");
    }

    async fn a_kpi_shows_its_value_its_change_and_its_health(app) {
        let ann = app.owner_of("ann", "acme").await;
        let ann = lasting(&app, &ann).await;
        make(&ann, json!({"name": "Churn", "target": {"max": 3}, "tolerance": {"max": 5}})).await;
        for (day, value) in [("2026-01-31", 2.0), ("2026-02-10", 6.0), ("2026-03-01", 4.0)] {
            point(&ann, "churn", day, value).await;
        }
        let churn = ann.get("kpis/churn").await;
        assert_eq!(
            churn.at("/current"),
            &json!({
                "period": "2026-03", "starts_on": "2026-03-01", "value": 4.0, "complete": false,
                "change": -2.0, "change_ratio": -2.0 / 6.0, "change_is_good": true,
            })
        );
        assert_eq!((churn.text("/health"), churn.at("/health_reason")), ("at_risk", &Value::Null));
        assert_eq!((churn.number("/gap"), churn.text("/since")), (-1.0, "2026-03-01"));
        assert_eq!(
            churn.at("/episode"),
            &json!({
                "opened_on": "2026-02-01", "opening_value": 6.0, "worst_value": 6.0, "worst_on": "2026-02-01",
                "closed_on": null, "closed_by": null,
            })
        );
        assert_eq!(
            churn.at("/freshness"),
            &json!({"state": "fresh", "due_on": "2026-05-01", "stale_on": "2026-05-11"})
        );

        let as_of = ann.get("kpis/churn?as_of=2026-02-28").await;
        assert_eq!(as_of.at("/current/value"), 6.0);
        assert_eq!(as_of.at("/current/complete"), true);
        assert_eq!((as_of.text("/health"), as_of.number("/gap")), ("unhealthy", -3.0));
        assert_eq!(ann.get("kpis/churn?as_of=2025-12-31").await.at("/health_reason"), "no_data");
        let now = ann.get("kpis/churn?as_of=2026-03-31").await;
        for field in ["current", "health", "gap", "since", "episode", "target", "freshness"] {
            assert_eq!(now.body[field], churn.body[field], "today means now: {field}");
        }
        ann.get("kpis/churn?as_of=2026-04-01")
            .await
            .refused(422, "validation_failed")
            .names("as_of", "in_the_future");
        ann.get("kpis/churn?as_of=2026-02-30").await.refused(400, "invalid_query");
        ann.get("kpis/churn?colour=red").await.refused(400, "invalid_query");

        app.it_is("2026-05-10T21:59:59Z");
        assert_eq!(ann.get("kpis/churn").await.text("/freshness/state"), "due");
        app.it_is("2026-05-10T22:00:00Z");
        let stale = ann.get("kpis/churn").await;
        assert_eq!(
            (stale.text("/health"), stale.text("/health_reason"), stale.text("/last_known")),
            ("unknown", "stale", "at_risk")
        );
        assert_eq!(keys(&ann.get("kpis?freshness=stale&health=unknown").await), ["churn"]);
        point(&ann, "churn", "2026-02-10", 2.0).await;
        point(&ann, "churn", "2026-03-01", 7.0).await;
        let stale = ann.get("kpis/churn").await;
        assert_eq!(
            (stale.text("/health"), stale.text("/health_reason")),
            ("unhealthy", "stale"),
            "no false green, and no false unknown"
        );
        let then = ann.get("kpis/churn?known_at=2026-05-01T00:00:00Z&as_of=2026-02-28").await;
        assert_eq!(then.at("/current/value"), 6.0, "as it was known then");
    }

    async fn a_sum_shows_its_running_period_beside_the_complete_one(app) {
        let ann = app.owner_of("ann", "acme").await;
        let ann = lasting(&app, &ann).await;
        make(&ann, json!({"name": "Sales", "aggregation": "sum", "target": {"min": 31}})).await;
        app.it_is("2026-03-02T12:00:00Z");
        point(&ann, "sales", "2026-03-01", 1.0).await;
        let first = ann.get("kpis/sales").await;
        assert_eq!(
            (first.at("/current"), first.text("/health_reason"), first.text("/freshness/state")),
            (&Value::Null, "no_data", "fresh")
        );
        point(&ann, "sales", "2026-02-01", 40.0).await;
        point(&ann, "sales", "2026-03-02", 2.0).await;
        let sales = ann.get("kpis/sales").await;
        assert_eq!(
            (sales.text("/current/period"), sales.number("/current/value"), sales.text("/health")),
            ("2026-02", 40.0, "healthy")
        );
        assert_eq!(
            sales.at("/running"),
            &json!({
                "period": "2026-03", "starts_on": "2026-03-01", "value": 3.0, "target": {"min": 31.0, "max": null},
                "expected": {"min": 2.0, "max": null}, "health": "healthy", "elapsed_days": 2, "total_days": 31,
            })
        );
        let past = ann.get("kpis/sales?as_of=2026-03-01").await;
        assert_eq!(past.number("/running/value"), 1.0);
        app.it_is("2026-03-31T22:00:00Z");
        let ended = ann.get("kpis/sales").await;
        assert_eq!(
            (ended.text("/current/period"), ended.number("/current/value"), ended.text("/health")),
            ("2026-03", 3.0, "unhealthy"),
            "without any write"
        );
        assert_eq!(ended.at("/running"), &Value::Null);
        assert_eq!(keys(&ann.get("kpis?health=unhealthy").await), ["sales"]);
    }

    /// On the second of 31 days 20 of 310 are expected: behind or ahead is a warning, broken is what is passed.
    async fn nothing_is_red_on_the_second_day_but_a_broken_ceiling(app) {
        let ann = app.owner_of("ann", "acme").await;
        let ann = lasting(&app, &ann).await;
        make(&ann, json!({"name": "Sales", "aggregation": "sum", "target": {"min": 310}, "tolerance": {"min": 155}})).await;
        make(&ann, json!({"name": "Costs", "aggregation": "sum", "target": {"max": 310}})).await;
        app.it_is("2026-03-02T12:00:00Z");
        for (value, sales, costs) in [
            (5.0, "at_risk", "healthy"), (20.0, "healthy", "healthy"), (300.0, "healthy", "at_risk"),
            (310.0, "healthy", "at_risk"), (311.0, "healthy", "unhealthy"),
        ] {
            for (kpi, health) in [("sales", sales), ("costs", costs)] {
                point(&ann, kpi, "2026-03-01", value).await;
                let shown = ann.get(&format!("kpis/{kpi}")).await;
                assert_eq!((shown.text("/running/health"), shown.text("/health")), (health, "unknown"), "{kpi} at {value}");
            }
        }
        assert_eq!(ann.get("kpis/costs").await.at("/running/expected"), &json!({"min": null, "max": 20.0}));
    }

    async fn sparklines_cost_one_call(app) {
        let ann = app.owner_of("ann", "acme").await;
        make(&ann, json!({"name": "Daily", "cadence": "daily", "target": {"min": 20}})).await;
        make(&ann, json!({"name": "Irregular", "cadence": "irregular"})).await;
        make(&ann, json!({"name": "None"})).await;
        for day in 10..=24 {
            point(&ann, "daily", &format!("2026-03-{day}"), f64::from(day)).await;
        }
        for day in 11..=13 {
            point(&ann, "irregular", &format!("2020-01-{day}"), f64::from(day)).await;
        }
        let list = ann.get("kpis?include=recent").await;
        assert_eq!(keys(&list), ["daily", "irregular", "none"]);
        let recent = list.at("/items/0/recent").as_array().expect("periods");
        assert_eq!(recent.len(), 12);
        assert_eq!(recent[0], json!({"starts_on": "2026-03-13", "value": 13.0, "health": "unhealthy"}));
        assert_eq!(recent[11], json!({"starts_on": "2026-03-24", "value": 24.0, "health": "healthy"}));
        assert_eq!(
            list.at("/items/1/recent/2"),
            &json!({"starts_on": "2020-01-13", "value": 13.0, "health": "unknown"})
        );
        assert_eq!(list.at("/items/2/recent"), &json!([]));
        let past = ann.get("kpis?include=recent&include=total&as_of=2026-03-22").await;
        assert_eq!(past.at("/total"), 3);
        assert_eq!(past.at("/items/0/recent/0/starts_on"), "2026-03-11");
        assert_eq!(
            past.at("/items/0/recent/11"),
            &json!({"starts_on": "2026-03-22", "value": 22.0, "health": "healthy"})
        );
        assert_eq!(ann.get("kpis").await.at("/items/0/recent"), &Value::Null);
    }

    async fn another_cadence_recomputes_the_whole_history(app) {
        let ann = app.owner_of("ann", "acme").await;
        make(&ann, json!({"name": "Sales", "target": {"min": 5}})).await;
        for (day, value) in [("2026-03-02", 4.0), ("2026-03-20", 3.0), ("2026-02-20", 9.0)] {
            point(&ann, "sales", day, value).await;
        }
        assert_eq!(ann.get("kpis/sales").await.text("/health"), "unhealthy");
        let known = events(&ann).await.len();
        let summed = ann.patch("kpis/sales", json!({"aggregation": "max", "cadence": "quarterly"})).await;
        assert_eq!(
            (summed.expect(200).text("/current/period"), summed.number("/current/value")),
            ("2026-Q1", 9.0)
        );
        assert_eq!(summed.text("/health"), "healthy");
        assert_eq!(made_by(&ann, known).await, ["kpi.updated", "kpi.health_changed"]);
        let weekly = ann.patch("kpis/sales", json!({"aggregation": "last", "cadence": "weekly"})).await;
        assert_eq!(weekly.expect(200).text("/current/period"), "2026-W12");
        assert_eq!(weekly.at("/settings/confirm_periods"), 2);
        assert_eq!(
            ann.patch("kpis/sales", json!({"cadence": "daily"})).await.text("/current/period"),
            "2026-03-20"
        );
        assert_eq!(
            ann.patch("kpis/sales", json!({"cadence": "yearly"})).await.text("/current/period"),
            "2026"
        );
        let irregular = ann.patch("kpis/sales", json!({"cadence": "irregular"})).await;
        assert_eq!(
            (irregular.text("/current/period"), irregular.at("/current/complete")),
            ("2026-03-20", &json!(true))
        );
        let slow = ann.patch("kpis/sales", json!({"cadence": "monthly", "confirm_periods": 2})).await;
        assert_eq!(slow.at("/episode"), &Value::Null, "one bad month confirms nothing now");
    }
}
