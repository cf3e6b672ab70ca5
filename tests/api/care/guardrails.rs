//! Guardrails: what an objective must not harm, when it broke, and when it healed.

use serde_json::json;

use super::*;
use crate::harness::stories;

/// An active objective that ends with June.
async fn growing(caller: &Caller) -> Answer {
    let made = caller.post("objectives", json!({
        "title": "Grow", "state": "active", "ends_on": "2026-06-30", "key_results": [{"title": "Grown", "kind": "milestone"}],
    })).await;
    made.expect(201);
    made
}

/// A KPI that has been fine since January.
async fn calm(caller: &Caller, name: &str) -> String {
    let key = kpi(caller, name).await.text("/key").to_owned();
    measured(caller, &key, &[("2026-01-31", 3.0), ("2026-02-28", 3.5)]).await;
    key
}

fn of(made: &Answer) -> String {
    format!("objectives/{}/guardrails", made.text("/id"))
}

async fn guard(caller: &Caller, objective: &Answer, key: &str) -> String {
    let made = caller.post(&of(objective), json!({"kpi_id": key})).await;
    made.expect(201);
    format!("guardrails/{}", made.text("/id"))
}

/// What a guardrail shows: breached, since when, breached before.
async fn state(caller: &Caller, path: &str) -> Value {
    let shown = caller.get(path).await;
    shown.expect(200);
    json!([shown.at("/breached"), shown.at("/breached_on"), shown.at("/breached_before")])
}

stories! {
    /// The KPI as it was when it was linked is kept, and everybody sees who guards it.
    async fn a_kpi_is_guarded_with_its_baseline(app) {
        let ann = ann_cares(&app).await;
        let key = calm(&ann, "Refund rate").await;
        churn_turned_bad(&ann).await;
        let grow = growing(&ann).await;
        let made = ann.post(&of(&grow), json!({"kpi_id": key, "note": "Not at any price."})).await;
        made.expect(201);
        assert_eq!(made.header("location"), format!("/v1/workspaces/{}/guardrails/{}", ann.get("").await.text("/id"), made.text("/id")));
        assert_eq!(made.at("/baseline"), &json!({
            "value": 3.5, "health": "healthy", "target": {"min": null, "max": 4.0}, "tolerance": null,
            "period": "2026-02", "starts_on": "2026-02-01",
        }));
        assert_eq!((made.at("/kpi/key"), made.at("/objective/title"), made.at("/note")), (&json!("refund-rate"), &json!("Grow"), &json!("Not at any price.")));
        assert_eq!((made.at("/breached"), made.at("/breached_on"), made.at("/breached_before")), (&json!(false), &json!(null), &json!(false)));
        assert_eq!(made.at("/can"), &json!({"edit": true, "end": true}));
        // One that is unhealthy already can be guarded too: it has to be better first.
        let churn = guard(&ann, &grow, "churn-rate").await;
        assert_eq!(ann.get(&churn).await.at("/baseline/health"), "unhealthy");

        let shown = ann.get(&format!("objectives/{}", grow.text("/id"))).await;
        assert_eq!(shown.at("/guardrails/0/kpi/key"), "refund-rate");
        assert_eq!(shown.at("/guardrails/1/breached"), false);
        assert_eq!(ann.get(&of(&grow)).await.at("/items/0"), ann.get(&format!("guardrails/{}", made.text("/id"))).await.at(""));
        assert_eq!(ann.get("kpis/churn-rate/guardrails?include=total").await.at("/total"), 1);
        let seen = ann.get("triage").await;
        assert_eq!(seen.at("/untreated/0/guardrails/0/objective/title"), "Grow");
        assert_eq!((seen.at("/untreated/0/guardrails/0/breached"), seen.at("/counts/breached_guardrails")), (&json!(false), &json!(0)));
        assert_eq!((told(&ann, "guardrail.created").await, told(&ann, "guardrail.breached").await), (2, 0));

        let path = format!("guardrails/{}", made.text("/id"));
        let changed = ann.patch(&path, json!({"note": null})).await;
        assert_eq!((changed.expect(200).at("/note"), changed.at("/version")), (&json!(null), &json!(2)));
        ann.patch(&path, json!({"note": null})).await.expect(200);
        assert_eq!(told(&ann, "guardrail.updated").await, 1);
    }

    /// It breaks once, heals once, and every day answers as it stood.
    async fn it_breaks_and_heals(app) {
        let ann = ann_cares(&app).await;
        let key = calm(&ann, "Refund rate").await;
        let grow = growing(&ann).await;
        let path = guard(&ann, &grow, &key).await;
        app.it_is("2026-04-02T10:00:00Z");
        measured(&ann, &key, &[("2026-04-01", 6.0)]).await;
        assert_eq!(state(&ann, &path).await, json!([true, "2026-04-01", false]));
        measured(&ann, &key, &[("2026-04-02", 7.0)]).await;
        assert_eq!(told(&ann, "guardrail.breached").await, 1);
        let told_of = ann.get("events?type=guardrail.breached").await;
        assert_eq!(told_of.at("/items/0/subject/name"), "Grow: Refund rate");
        let seen = ann.get("triage").await;
        assert_eq!((seen.at("/untreated/0/guardrails/0/breached"), seen.at("/counts/breached_guardrails")), (&json!(true), &json!(1)));
        let text = ann.call(reqwest::Method::GET, "triage").header("accept", "text/plain").send().await;
        assert!(text.raw.contains("\n    harmed by: Grow\n"), "{}", text.raw);
        assert_eq!(ann.get(&format!("objectives/{}", grow.text("/id"))).await.at("/guardrails/0/breached_on"), "2026-04-02");

        app.it_is("2026-05-02T10:00:00Z");
        measured(&ann, &key, &[("2026-05-01", 2.0)]).await;
        assert_eq!(state(&ann, &path).await, json!([false, null, true]));
        assert_eq!((told(&ann, "guardrail.breached").await, told(&ann, "guardrail.healed").await), (1, 1));
        assert_eq!(state(&ann, &format!("{path}?as_of=2026-04-01")).await, json!([true, "2026-04-01", false]));
        assert_eq!(state(&ann, &format!("{path}?as_of=2026-03-31")).await, json!([false, null, false]));
        assert_eq!(state(&ann, &format!("{path}?known_at=2026-04-02T09:59:59Z")).await, json!([false, null, false]));
        ann.get(&format!("{path}?as_of=2026-03-30")).await.refused(404, "not_found");
        assert_eq!(ann.get(&format!("{}?as_of=2026-03-30", of(&grow))).await.at("/items"), &json!([]));
        let then = ann.get("triage?as_of=2026-04-02").await;
        assert_eq!(then.at("/untreated/0/guardrails/0/breached"), true);
        // What is corrected was never broken.
        measured(&ann, &key, &[("2026-04-02", 3.0)]).await;
        assert_eq!(state(&ann, &path).await, json!([false, null, false]));
        assert_eq!((told(&ann, "guardrail.breached").await, told(&ann, "guardrail.healed").await), (1, 1));
    }

    /// The band of the linking counts: a target that is lowered hides nothing.
    async fn a_lower_target_hides_nothing(app) {
        let ann = ann_cares(&app).await;
        let key = calm(&ann, "Refund rate").await;
        let grow = growing(&ann).await;
        let path = guard(&ann, &grow, &key).await;
        app.it_is("2026-04-02T10:00:00Z");
        ann.post(&format!("kpis/{key}/targets"), json!({"effective_from": "2026-04-01", "target": {"max": 9}})).await.expect(201);
        measured(&ann, &key, &[("2026-04-01", 6.0)]).await;
        assert_eq!(ann.get(&format!("kpis/{key}")).await.at("/health"), "healthy");
        assert_eq!(state(&ann, &path).await, json!([true, "2026-04-01", false]));
        let seen = ann.get("triage").await;
        assert_eq!((seen.at("/counts/healthy"), seen.at("/counts/breached_guardrails")), (&json!(1), &json!(1)));
    }

    /// Ended and closed ones stay known, and guard no more.
    async fn it_ends_with_the_link_and_with_the_objective(app) {
        let ann = ann_cares(&app).await;
        let (key, other) = (calm(&ann, "Refund rate").await, calm(&ann, "Complaints").await);
        let grow = growing(&ann).await;
        let (ended, closed) = (guard(&ann, &grow, &key).await, guard(&ann, &grow, &other).await);
        app.it_is("2026-04-02T10:00:00Z");
        ann.delete(&ended).await.expect(204);
        ann.delete(&ended).await.expect(204);
        assert_eq!(told(&ann, "guardrail.ended").await, 1);
        ann.patch(&ended, json!({"note": "too late"})).await.refused(409, "conflict");
        let shown = ann.get(&format!("objectives/{}", grow.text("/id"))).await;
        assert_eq!(shown.at("/guardrails").as_array().map(Vec::len), Some(1));
        assert_eq!(ann.get(&format!("{}?as_of=2026-04-01", of(&grow))).await.at("/items/0/ended_at"), &json!(null));
        app.it_is("2026-04-05T10:00:00Z");
        ann.post(&format!("objectives/{}/close", grow.text("/id")), json!({"outcome": "achieved"})).await.expect(200);
        app.it_is("2026-05-05T10:00:00Z");
        measured(&ann, &key, &[("2026-05-01", 9.0)]).await;
        measured(&ann, &other, &[("2026-05-01", 9.0)]).await;
        for path in [&ended, &closed] {
            assert_eq!(state(&ann, path).await, json!([false, null, false]));
            assert_eq!(ann.get(path).await.at("/can"), &json!({"edit": false, "end": false}));
        }
        assert_eq!(told(&ann, "guardrail.breached").await, 0);
        ann.delete(&closed).await.refused(409, "objective_closed");
        ann.patch(&closed, json!({"note": "too late"})).await.refused(409, "objective_closed");
        // The link can be made anew elsewhere, and both are listed.
        let again = growing(&ann).await;
        guard(&ann, &again, &key).await;
        assert_eq!(ann.get(&format!("kpis/{key}/guardrails?include=total")).await.at("/total"), 2);
    }

    /// What cannot be linked is refused, and nothing is stored.
    async fn what_cannot_be_guarded_is_refused(app) {
        let ann = ann_cares(&app).await;
        let key = calm(&ann, "Refund rate").await;
        let grow = growing(&ann).await;
        let path = of(&grow);
        for (body, pointer, code) in [
            (json!({}), "/kpi_id", "required"),
            (json!({"kpi_id": null}), "/kpi_id", "wrong_type"),
            (json!({"kpi_id": key, "note": "n".repeat(4_001)}), "/note", "too_long"),
            (json!({"kpi_id": key, "note": "nul\u{0}"}), "/note", "nul"),
            (json!({"kpi_id": key, "breached": true}), "/breached", "unknown_field"),
            (json!({"kpi_id": "obj_01h455vb4pex5vsknk084sn02q"}), "/kpi_id", "invalid_id"),
            (json!([]), "", "wrong_type"),
        ] {
            ann.post(&path, body).await.refused(422, "validation_failed").names(pointer, code);
        }
        for nobody in ["nothing", "kpi_01h455vb4pex5vsknk084sn02q"] {
            ann.post(&path, json!({"kpi_id": nobody})).await.refused(404, "not_found").names("/kpi_id", "not_found");
        }
        let eve = app.owner_of("eve", "evil").await;
        let foreign = calm(&eve, "Hers").await;
        let hers = eve.get(&format!("kpis/{foreign}")).await.text("/id").to_owned();
        ann.post(&path, json!({"kpi_id": hers})).await.refused(404, "not_found").names("/kpi_id", "not_found");
        ann.get("guardrails/kpi_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_id");
        ann.get("guardrails/grd_01h455vb4pex5vsknk084sn02q").await.refused(404, "not_found");
        ann.get(&format!("{path}?as_of=2026-04-01")).await.refused(422, "validation_failed").names("as_of", "in_the_future");
        ann.get(&format!("{path}?colour=red")).await.refused(400, "invalid_query");
        assert_eq!(told(&ann, "guardrail.created").await, 0);

        let made = guard(&ann, &grow, &key).await;
        let again = ann.post(&path, json!({"kpi_id": key})).await;
        again.refused(409, "already_exists").names("/kpi_id", "already_exists");
        eve.get(&made).await.refused(404, "not_found");
        eve.delete(&made).await.refused(404, "not_found");
        let archived = calm(&ann, "Gone").await;
        ann.delete(&format!("kpis/{archived}")).await.expect(204);
        ann.post(&path, json!({"kpi_id": archived})).await.refused(409, "kpi_archived").names("/kpi_id", "kpi_archived");
        for number in 1..20 {
            let name = format!("Number {number}");
            let key = kpi(&ann, &name).await.text("/key").to_owned();
            guard(&ann, &grow, &key).await;
        }
        let last = calm(&ann, "One too many").await;
        ann.post(&path, json!({"kpi_id": last})).await.refused(409, "limit_reached");
        ann.delete(&format!("objectives/{}", grow.text("/id"))).await.expect(204);
        ann.post(&path, json!({"kpi_id": last})).await.refused(409, "objective_closed");
    }

    /// The objective decides who may guard.
    async fn rights_are_kept(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "member").await;
        let vic = app.joins(&ann, "vic", "viewer").await;
        let key = calm(&ann, "Refund rate").await;
        let hers = growing(&ann).await;
        let his = growing(&bob).await;
        bob.post(&of(&hers), json!({"kpi_id": key})).await.refused(403, "forbidden");
        vic.post(&of(&his), json!({"kpi_id": key})).await.refused(403, "forbidden");
        guard(&bob, &his, &key).await;
        let path = guard(&ann, &hers, &key).await;
        bob.patch(&path, json!({"note": "mine"})).await.refused(403, "forbidden");
        bob.delete(&path).await.refused(403, "forbidden");
        assert_eq!(bob.get(&path).await.at("/can"), &json!({"edit": false, "end": false}));
        assert_eq!(vic.get(&path).await.expect(200).at("/created_by/name"), "ann");
    }
}
