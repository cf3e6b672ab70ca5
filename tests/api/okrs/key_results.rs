use reqwest::Method;
use serde_json::{Value, json};

use super::{ann_plans, key_result, launch, near, titles, told, under};
use crate::harness::stories;

stories! {
    /// A key result that reads a KPI takes its start when linked and its value from then on.
    async fn a_kpi_can_be_the_source(app) {
        let ann = ann_plans(&app).await;
        ann.post("kpis", json!({"name": "Cost per lead", "key": "cpl"})).await.expect(201);
        ann.post("kpis", json!({"name": "Empty", "key": "empty"})).await.expect(201);
        ann.put("kpis/cpl/points/2026-03-15", json!({"value": 75})).await.expect(201);
        app.it_is("2026-04-01T10:00:00Z");
        let objective = ann.post("objectives", json!({"title": "Cheaper", "cycle_id": "current"})).await;
        let path = under("objectives", &objective, "/key-results");
        let made = ann.post(&path, json!({"title": "75 to 50", "kind": "decrease", "target": 50, "kpi_id": "cpl"})).await;
        made.expect(201);
        assert_eq!((made.number("/start"), made.text("/source"), made.text("/kpi/key")), (75.0, "kpi", "cpl"));
        assert_eq!((made.number("/current/value"), made.number("/progress/value")), (75.0, 0.0));
        assert_eq!((made.at("/original"), made.at("/retargeted")), (&Value::Null, &json!(false)));
        // A KPI without a value gives no start; a draft may wait for it.
        let waiting = ann.post(&path, json!({"title": "Wait", "kind": "increase", "target": 1, "kpi_id": "empty"})).await;
        assert_eq!((waiting.expect(201).at("/start"), waiting.at("/current")), (&Value::Null, &Value::Null));
        ann.delete(&under("key-results", &waiting, "")).await.expect(204);
        // Whose value is the target already has nothing to do.
        ann.post(&path, json!({"title": "x", "kind": "decrease", "target": 75, "kpi_id": "cpl"})).await.refused(422, "validation_failed").names("/target", "start_equals_target");
        ann.post(&path, json!({"title": "x", "kind": "decrease", "target": 80, "kpi_id": "cpl"})).await.refused(422, "validation_failed").names("/target", "wrong_direction");

        ann.call(Method::POST, &under("objectives", &objective, "/activate")).send().await.expect(200);
        ann.put("kpis/cpl/points/2026-04-01", json!({"value": 70})).await.expect(201);
        let seen = ann.get(&under("key-results", &made, "")).await;
        assert_eq!(seen.number("/current/value"), 70.0);
        near(seen.number("/progress/value"), 0.2);
        let checks = under("key-results", &made, "/check-ins");
        let refused = ann.post(&checks, json!({"value": 60, "confidence": "on_track"})).await;
        refused.refused(409, "value_comes_from_kpi").names("/value", "value_comes_from_kpi");
        assert!(refused.text("/detail").contains("cpl"));
        ann.post(&checks, json!({"confidence": "on_track", "note": "fine"})).await.expect(201);
        let seen = ann.get(&under("key-results", &made, "")).await;
        assert_eq!((seen.text("/confidence"), seen.number("/current/value")), ("on_track", 70.0));
        // Unlinked, it stands where check-ins with values left it: at its start.
        let manual = ann.patch(&under("key-results", &made, ""), json!({"kpi_id": null})).await;
        assert_eq!((manual.expect(200).text("/source"), manual.at("/current")), ("manual", &Value::Null));
        // A KPI of another workspace does not exist.
        let eve = app.owner_of("eve", "evil").await;
        let foreign = eve.post("kpis", json!({"name": "Secret", "key": "secret"})).await;
        let body = json!({"title": "x", "kind": "at_least", "target": 1, "kpi_id": foreign.text("/id")});
        ann.post(&path, body).await.refused(404, "not_found").names("/kpi_id", "not_found");
        ann.delete("kpis/empty").await.expect(204);
        ann.post(&path, json!({"title": "x", "kind": "at_least", "target": 1, "kpi_id": "empty"})).await.refused(409, "kpi_archived").names("/kpi_id", "kpi_archived");
    }

    /// Moving the goalposts is shown beside the original goal.
    async fn changed_goals_are_shown_as_retargeted(app) {
        let ann = ann_plans(&app).await;
        app.it_is("2026-04-01T10:00:00Z");
        let objective = launch(&ann).await;
        let at = format!("key-results/{}", key_result(&objective, 0));
        ann.post(&format!("{at}/check-ins"), json!({"value": 3, "confidence": "at_risk"})).await.expect(201);
        let changed = ann.patch(&at, json!({"target": 3})).await;
        changed.expect(200);
        assert_eq!(*changed.at("/original"), json!({"start": 2.0, "target": 4.0, "range": null, "due_on": "2026-07-10", "progress": 0.5}));
        assert_eq!((changed.at("/retargeted"), changed.number("/progress/value")), (&json!(true), 1.0));
        let whole = ann.get(&under("objectives", &objective, "")).await;
        assert_eq!((whole.number("/progress/value"), whole.number("/progress/original")), (0.75, 0.375));
        let back = ann.patch(&at, json!({"target": 4})).await;
        assert_eq!(*back.expect(200).at("/retargeted"), json!(false));
        let later = ann.patch(&at, json!({"due_on": "2026-07-11"})).await;
        assert_eq!(*later.expect(200).at("/retargeted"), json!(true));
        let renamed = ann.patch(&at, json!({"due_on": null, "title": "Conversion rate"})).await;
        assert_eq!(*renamed.expect(200).at("/retargeted"), json!(false));
        ann.patch(&at, json!({"kind": "at_least", "start": null})).await.refused(409, "conflict").names("/kind", "kind_is_settled");
        ann.patch(&at, json!({"target": null})).await.refused(422, "validation_failed").names("/target", "required");
        ann.patch(&at, json!({"target": 2})).await.refused(422, "validation_failed").names("/target", "start_equals_target");
        // Moving the end of the whole objective moves it too.
        ann.patch(&under("objectives", &objective, ""), json!({"ends_on": "2026-08-01"})).await.expect(200);
        assert_eq!(*ann.get(&at).await.at("/retargeted"), json!(true));
    }

    /// Every kind has its rules.
    async fn bad_goals_are_refused(app) {
        let ann = ann_plans(&app).await;
        let objective = ann.post("objectives", json!({"title": "Draft"})).await;
        let path = under("objectives", &objective, "/key-results");
        let wrong = [
            (json!({"kind": "increase", "start": 1, "target": 1}), "/target", "start_equals_target"),
            (json!({"kind": "increase", "start": 2, "target": 1}), "/target", "wrong_direction"),
            (json!({"kind": "decrease", "start": 1, "target": 2}), "/target", "wrong_direction"),
            (json!({"kind": "between", "target": 1, "range": {"min": 1, "max": 2}}), "/target", "unexpected"),
            (json!({"kind": "between", "range": {"min": 3, "max": 2}}), "/range/min", "min_above_max"),
            (json!({"kind": "milestone", "target": 1}), "/target", "unexpected"),
            (json!({"kind": "at_least", "target": 1, "range": {"min": 1, "max": 2}}), "/range", "unexpected"),
            (json!({"kind": "at_least", "target": 1e16}), "/target", "out_of_bounds"),
            (json!({"kind": "at_least", "target": "1"}), "/target", "wrong_type"),
            (json!({"kind": "at_least", "weight": -0.1}), "/weight", "out_of_bounds"),
            (json!({"kind": "at_least", "range": {"low": 1}}), "/range/low", "unknown_field"),
            (json!({"kind": "at_least", "unit": ""}), "/unit", "too_short"),
            (json!({"kind": "at_least", "due_on": "soon"}), "/due_on", "malformed"),
            (json!({"kind": "at_least", "kpi_id": ""}), "/kpi_id", "too_short"),
            (json!({"kind": "at_least", "kpi_id": "obj_01h455vb4pex5vsknk084sn02q"}), "/kpi_id", "invalid_id"),
            (json!({"kind": "at_least", "objective_id": "x"}), "/objective_id", "unknown_field"),
        ];
        for (more, pointer, code) in wrong {
            let mut body = json!({"title": "x"});
            body.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            ann.post(&path, body).await.refused(422, "validation_failed").names(pointer, code);
        }
        let both = ann.post(&path, json!({"kind": "sideways"})).await;
        both.names("/title", "required").names("/kind", "unknown_value");
        assert_eq!((told(&ann, "key_result.created").await, titles(&ann.get(&path).await).len()), (0, 0));
        // In an active objective nothing may be missing.
        let active = launch(&ann).await;
        let path = under("objectives", &active, "/key-results");
        for (body, pointer) in [
            (json!({"title": "x", "kind": "increase", "target": 1}), "/start"),
            (json!({"title": "x", "kind": "at_most"}), "/target"),
            (json!({"title": "x", "kind": "between"}), "/range"),
        ] {
            ann.post(&path, body).await.refused(422, "validation_failed").names(pointer, "required");
        }
        ann.get("key-results/obj_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_id");
        ann.get("key-results/kr_01h455vb4pex5vsknk084sn02q").await.refused(404, "not_found");
        ann.post("objectives/obj_01h455vb4pex5vsknk084sn02q/key-results", json!({"title": "x", "kind": "milestone"})).await.refused(404, "not_found");
    }

    /// Lists of key results filter by what people said, what is overdue, and whose they are.
    async fn key_results_are_listed(app) {
        let ann = ann_plans(&app).await;
        app.it_is("2026-04-01T10:00:00Z");
        let objective = launch(&ann).await;
        let draft = ann.post("objectives", json!({"title": "Draft", "key_results": [{"title": "Draft it", "kind": "milestone"}]})).await;
        app.it_is("2026-04-11T10:00:00Z");
        ann.post(&format!("key-results/{}/check-ins", key_result(&objective, 0)), json!({"value": 3, "confidence": "at_risk"})).await.expect(201);
        let all = ["Conversion", "Cost per lead", "Draft it"];
        for (query, found) in [
            ("".to_owned(), all.to_vec()),
            ("?overdue=true".into(), vec!["Cost per lead"]),
            ("?overdue=false".into(), vec!["Conversion", "Draft it"]),
            ("?confidence=at_risk".into(), vec!["Conversion"]),
            ("?confidence=never&confidence=at_risk".into(), all.to_vec()),
            ("?owner=me&q=CO".into(), vec!["Conversion", "Cost per lead"]),
            ("?pace=none".into(), vec!["Draft it"]),
            (format!("?objective={}", draft.text("/id")), vec!["Draft it"]),
        ] {
            let page = ann.get(&format!("key-results{query}")).await;
            page.expect(200);
            assert_eq!(titles(&page), found, "{query}");
        }
        // In SQL and in memory.
        for filter in ["", "&confidence=never&confidence=at_risk"] {
            let first = ann.get(&format!("key-results?limit=2&include=total{filter}")).await;
            assert_eq!((titles(&first), first.number("/total")), (all[..2].to_vec(), 3.0));
            let second = ann.get(&format!("key-results?limit=2{filter}&cursor={}", first.text("/next_cursor"))).await;
            assert_eq!(titles(&second), all[2..]);
        }
        let seen = ann.get("key-results?q=conversion").await;
        assert_eq!((seen.text("/items/0/last_check_in/author/name"), seen.text("/items/0/objective/title")), ("ann", "Launch a higher-converting website"));
        for query in ["confidence=high", "overdue=maybe", "objective=x", "owner=x"] {
            ann.get(&format!("key-results?{query}")).await.refused(400, "invalid_query");
        }
        ann.get("key-results?objective=obj_01h455vb4pex5vsknk084sn02q").await.refused(404, "not_found");
    }

    /// What is archived does not count, and comes back whole.
    async fn key_results_are_archived_and_restored(app) {
        let ann = ann_plans(&app).await;
        app.it_is("2026-04-01T10:00:00Z");
        let objective = launch(&ann).await;
        let at = format!("key-results/{}", key_result(&objective, 1));
        ann.delete(&at).await.expect(204);
        ann.delete(&at).await.expect(204);
        assert_eq!(told(&ann, "key_result.archived").await, 1);
        ann.patch(&at, json!({"title": "x"})).await.refused(409, "conflict");
        ann.post(&format!("{at}/check-ins"), json!({"value": 60, "confidence": "on_track"})).await.refused(409, "conflict");
        let own = under("objectives", &objective, "/key-results");
        assert_eq!(titles(&ann.get(&own).await), ["Conversion"]);
        assert_eq!(titles(&ann.get(&format!("{own}?archived=yes")).await), ["Cost per lead"]);
        assert_eq!(titles(&ann.get(&format!("{own}?archived=all")).await).len(), 2);
        let restored = ann.call(Method::POST, &format!("{at}/restore")).send().await;
        assert_eq!(restored.expect(200).at("/archived_at"), &Value::Null);
        assert_eq!(titles(&ann.get(&own).await), ["Conversion", "Cost per lead"]);
        assert_eq!(told(&ann, "key_result.restored").await, 1);
    }

    /// What was archived unfinished cannot come back into an active objective.
    async fn what_is_unfinished_stays_in_the_archive(app) {
        let ann = ann_plans(&app).await;
        let draft = ann.post("objectives", json!({"title": "Draft", "cycle_id": "q2-2026", "key_results": [
            {"title": "Done", "kind": "milestone"}, {"title": "Open", "kind": "increase"}]})).await;
        let open = format!("key-results/{}", key_result(&draft, 1));
        ann.delete(&open).await.expect(204);
        ann.call(Method::POST, &under("objectives", &draft, "/activate")).send().await.expect(200);
        ann.call(Method::POST, &format!("{open}/restore")).send().await.refused(409, "not_ready").names("/start", "required");
    }
}
