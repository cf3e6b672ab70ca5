//! Remedies, from prescription to whatever became of them.

use serde_json::json;

use super::*;
use crate::harness::stories;

stories! {
    /// An empty body is enough: objective, key result, baseline and all.
    async fn prescribing_makes_an_objective_out_of_the_kpi(app) {
        let ann = ann_cares(&app).await;
        churn_turned_bad(&ann).await;
        assert_eq!(groups(&ann, "").await, ["untreated: churn-rate"]);
        let made = prescribed(&ann, "churn-rate", json!({})).await;
        assert_eq!(made.at("/outcome"), "in_progress");
        assert_eq!(made.at("/kpi/key"), "churn-rate");
        assert_eq!(made.at("/objective/title"), "Bring Churn rate back to 4 %");
        assert_eq!(made.at("/objective/state"), "active");
        assert_eq!(
            made.at("/baseline"),
            &json!({
                "value": 6.0, "health": "unhealthy", "target": {"min": null, "max": 4.0}, "tolerance": null,
                "period": "2026-02", "starts_on": "2026-02-01",
            })
        );
        assert_eq!(made.at("/days_to_remedy"), 58);
        assert_eq!(made.at("/share_of_gap_closed"), 0.0);
        assert_eq!(made.at("/created_by"), &json!(null), "a token made it");
        assert_eq!(made.at("/can"), &json!({"edit": true, "withdraw": true}));
        assert_eq!(made.header("location"), format!("/v1/workspaces/{}/{}", workspace_of(&made), remedy(&made)));

        let shown = ann.get(&objective(&made)).await;
        shown.expect(200);
        assert_eq!(shown.at("/ends_on"), "2026-06-29", "without a cycle it is due in 90 days");
        assert_eq!(shown.at("/remedies"), 1);
        let result = ann.get(&format!("key-results/{}", shown.text("/key_results/0/id"))).await;
        assert_eq!(result.at("/title"), "Churn rate from 6 % to 4 %");
        for (field, value) in [
            ("/kind", json!("decrease")), ("/start", json!(6.0)), ("/target", json!(4.0)), ("/unit", json!("%")),
            ("/source", json!("kpi")), ("/kpi/key", json!("churn-rate")), ("/current/value", json!(6.0)),
        ] {
            assert_eq!(result.at(field), &value, "{field}");
        }
        assert_eq!(groups(&ann, "").await, ["in_treatment: churn-rate"]);
        assert_eq!(active(&ann, "churn-rate").await, 1.0);
        assert_eq!(told(&ann, "remedy.created").await, 1);
        assert_eq!(told(&ann, "objective.created").await, 1);
    }

    /// A KPI that should be higher gets a key result that rises, in the words of the body.
    async fn prescribing_says_what_it_is_told(app) {
        let owner = app.owner_of("ann", "acme").await;
        let bob = app.joins(&owner, "bob", "member").await;
        let bob_id = bob.get("members/me").await.text("/id").to_owned();
        let ann = lasting(&app, &owner, "ann", &["read", "write", "admin"]).await;
        ann.post("cycles", json!({"name": "Q1", "starts_on": "2026-01-01", "ends_on": "2026-03-31"})).await.expect(201);
        ann.post("teams", json!({"name": "Growth"})).await.expect(201);
        let body = json!({
            "name": "Leads", "display": {"unit": "leads"}, "team_id": "growth", "owner_id": bob_id,
            "target": {"min": 100.5}, "tolerance": {"min": 80},
        });
        ann.post("kpis", body).await.expect(201);
        measured(&ann, "leads", &[("2026-03-01", 90.0)]).await;
        assert_eq!(groups(&ann, "").await, ["at_risk: leads"]);

        let plain = prescribed(&ann, "leads", json!({"state": "draft"})).await;
        assert_eq!(plain.at("/objective/title"), "Bring Leads back to 100.5 leads");
        assert_eq!((plain.at("/outcome"), plain.at("/days_to_remedy")), (&json!("planned"), &json!(null)));
        let shown = ann.get(&objective(&plain)).await;
        assert_eq!(shown.at("/owner/name"), "bob");
        assert_eq!(shown.at("/team/slug"), "growth");
        assert_eq!(shown.at("/cycle/slug"), "q1", "the one active cycle that holds today");
        assert_eq!(shown.at("/key_results/0/kind"), "increase");

        let body = json!({
            "title": "Answer within a day", "why": "They go elsewhere.", "owner_id": "me", "cycle_id": "current",
            "note": "Half of them wait for three days.",
        });
        let own = bob.post("kpis/leads/remedies", body).await;
        own.expect(201);
        assert_eq!(own.at("/note"), "Half of them wait for three days.");
        assert_eq!(own.at("/created_by/name"), "bob");
        let shown = ann.get(&objective(&own)).await;
        assert_eq!(shown.at("/title"), "Answer within a day");
        assert_eq!(shown.at("/why"), "They go elsewhere.");
        // One that helps is not yet what is untreated: it is at risk, whatever is done.
        assert_eq!(groups(&ann, "").await, ["at_risk: leads"]);
        assert_eq!(active(&ann, "leads").await, 1.0);
    }

    /// One objective heals two KPIs, one KPI has two remedies.
    async fn linking_is_many_to_many(app) {
        let ann = ann_cares(&app).await;
        churn_turned_bad(&ann).await;
        kpi(&ann, "Refunds").await;
        measured(&ann, "refunds", &[("2026-03-01", 5.0)]).await;
        let first = prescribed(&ann, "churn-rate", json!({"title": "Win them back"})).await;
        let linked = prescribed(&ann, "refunds", json!({"objective_id": first.text("/objective_id")})).await;
        assert_eq!(linked.at("/objective/title"), "Win them back");
        prescribed(&ann, "churn-rate", json!({"title": "Answer faster"})).await;
        assert_eq!(groups(&ann, "").await, ["in_treatment: churn-rate refunds"]);
        assert_eq!(active(&ann, "churn-rate").await, 2.0);
        let healed = ann.get(&format!("{}/remedies", objective(&first))).await;
        healed.expect(200);
        assert_eq!(healed.at("/items/0/kpi/key"), "refunds", "the newest first");
        assert_eq!(healed.at("/items/1/kpi/key"), "churn-rate");
        let own = ann.get("kpis/churn-rate/remedies").await;
        assert_eq!(own.at("/items/0/objective/title"), "Answer faster");
        assert_eq!(own.at("/items").as_array().map(Vec::len), Some(2));
        assert_eq!(ann.get("triage").await.at("/in_treatment/0/remedies").as_array().map(Vec::len), Some(2));

        let list = |query: &'static str| {
            let ann = ann.clone();
            async move { ann.get(&format!("remedies?include=total{query}")).await.number("/total") }
        };
        assert_eq!(list("").await, 3.0);
        assert_eq!(list("&kpi=churn-rate").await, 2.0);
        assert_eq!(list("&kpi=churn-rate&kpi=refunds").await, 3.0);
        assert_eq!(list("&outcome=recovered").await, 0.0);
        assert_eq!(list("&outcome=in_progress&outcome=failed").await, 3.0);
        let of_objective = ann.get(&format!("remedies?objective={}", first.text("/objective_id"))).await;
        assert_eq!(of_objective.at("/items").as_array().map(Vec::len), Some(2));
        let page = ann.get("remedies?limit=2").await;
        let rest = ann.get(page.header("link").split(['<', '>']).nth(1).expect("a link")).await;
        assert_eq!(rest.at("/items/0/id"), first.at("/id"));
        assert_eq!(rest.at("/next_cursor"), &json!(null));
    }

    /// It heals, and relapses; each is told once.
    async fn it_recovers_and_relapses(app) {
        let ann = ann_cares(&app).await;
        kpi(&ann, "Churn rate").await;
        let before = [3.0, 3.5, 3.1, 3.4, 3.2, 3.6, 3.0];
        for (month, value) in (7..=12).zip(before) {
            measured(&ann, "churn-rate", &[(&format!("2025-{month:02}-15"), value)]).await;
        }
        measured(&ann, "churn-rate", &[("2026-02-28", 6.0)]).await;
        let made = prescribed(&ann, "churn-rate", json!({})).await;
        measured(&ann, "churn-rate", &[("2026-03-15", 5.0)]).await;
        let better = ann.get(&remedy(&made)).await;
        assert_eq!((better.at("/outcome"), better.at("/share_of_gap_closed")), (&json!("in_progress"), &json!(0.5)));
        assert_eq!(told(&ann, "remedy.recovered").await, 0);

        measured(&ann, "churn-rate", &[("2026-03-31", 3.5)]).await;
        let healed = ann.get(&remedy(&made)).await;
        assert_eq!(healed.at("/outcome"), "recovered");
        assert_eq!(healed.at("/recovered_on"), "2026-03-31");
        assert_eq!(healed.at("/days_to_recovery"), 0);
        assert_eq!(healed.at("/share_of_gap_closed"), 1.0);
        assert_eq!(healed.at("/may_be_chance"), true);
        assert_eq!(groups(&ann, "").await, ["recovered: churn-rate"]);
        assert_eq!(told(&ann, "remedy.recovered").await, 1);
        // Another healthy point tells nothing new.
        measured(&ann, "churn-rate", &[("2026-03-30", 3.0)]).await;
        assert_eq!(told(&ann, "remedy.recovered").await, 1);
        let event = ann.get("events?type=remedy.recovered").await;
        assert_eq!(event.at("/items/0/subject/name"), "Churn rate: Bring Churn rate back to 4 %");
        assert_eq!(event.at("/items/0/change/from"), "in_progress");
        assert_eq!(event.at("/items/0/change/to"), "recovered");

        app.it_is("2026-05-01T12:00:00Z");
        assert_eq!(groups(&ann, "").await, Vec::<String>::new(), "31 days later it is no news");
        measured(&ann, "churn-rate", &[("2026-04-30", 7.0)]).await;
        let relapsed = ann.get(&remedy(&made)).await;
        assert_eq!((relapsed.at("/outcome"), relapsed.at("/share_of_gap_closed")), (&json!("relapsed"), &json!(-0.5)));
        assert_eq!(told(&ann, "remedy.relapsed").await, 1);
        assert_eq!(groups(&ann, "").await, ["in_treatment: churn-rate"], "people still work on it");
        // A correction undoes what was told.
        measured(&ann, "churn-rate", &[("2026-04-30", 3.9)]).await;
        assert_eq!(ann.get(&remedy(&made)).await.at("/outcome"), "recovered");
        assert_eq!(told(&ann, "remedy.recovered").await, 2);
    }

    /// A closed objective has one period for its effect to show; then it has failed.
    async fn it_fails_when_the_effect_does_not_show(app) {
        let ann = ann_cares(&app).await;
        churn_turned_bad(&ann).await;
        let made = prescribed(&ann, "churn-rate", json!({})).await;
        let closing = json!({"outcome": "missed", "reflection": "It was not the price."});
        ann.post(&format!("{}/close", objective(&made)), closing).await.expect(200);
        let waiting = ann.get(&remedy(&made)).await;
        assert_eq!(waiting.at("/outcome"), "awaiting_effect");
        assert_eq!(waiting.at("/effect_by"), "2026-04-30");
        assert_eq!(groups(&ann, "").await, ["in_treatment: churn-rate"]);
        assert_eq!(active(&ann, "churn-rate").await, 0.0);
        assert_eq!(told(&ann, "remedy.outcome_changed").await, 1);

        app.it_is("2026-04-29T21:00:00Z");
        assert_eq!(ann.get(&remedy(&made)).await.at("/outcome"), "awaiting_effect");
        app.it_is("2026-04-29T22:00:00Z");
        assert_eq!(ann.get(&remedy(&made)).await.at("/outcome"), "failed", "in Berlin it is the 30th");
        assert_eq!(groups(&ann, "").await, ["failed: churn-rate"], "stale, and still unhealthy");
        assert_eq!(ann.get("triage").await.at("/failed/0/health_reason"), "stale");
        assert_eq!(ann.get("remedies?outcome=failed").await.at("/items").as_array().map(Vec::len), Some(1));
        assert_eq!(told(&ann, "remedy.failed").await, 0, "nobody has written since");
        measured(&ann, "churn-rate", &[("2026-04-29", 6.5)]).await;
        measured(&ann, "churn-rate", &[("2026-04-28", 6.5)]).await;
        assert_eq!(told(&ann, "remedy.failed").await, 1);
        // The next one treats it.
        prescribed(&ann, "churn-rate", json!({"title": "Try something else"})).await;
        assert_eq!(groups(&ann, "").await, ["in_treatment: churn-rate"]);
    }

    /// Moving the goalposts heals nothing.
    async fn it_does_not_recover_by_its_target(app) {
        let ann = ann_cares(&app).await;
        churn_turned_bad(&ann).await;
        let made = prescribed(&ann, "churn-rate", json!({})).await;
        ann.patch("kpis/churn-rate", json!({"target": {"max": 8}})).await.expect(200);
        measured(&ann, "churn-rate", &[("2026-03-15", 7.0)]).await;
        let moved = ann.get(&remedy(&made)).await;
        assert_eq!(moved.at("/outcome"), "target_moved");
        assert_eq!(moved.at("/baseline/target/max"), 4.0);
        assert_eq!(moved.at("/share_of_gap_closed"), -0.5);
        assert_eq!(told(&ann, "remedy.outcome_changed").await, 1);
        assert_eq!(told(&ann, "remedy.recovered").await, 0);
        assert_eq!(groups(&ann, "").await, ["recovered: churn-rate"]);
        assert_eq!(ann.get("triage").await.at("/recovered/0/last_episode/closed_by"), "target");
    }

    /// What was withdrawn stays known, and the KPI may be linked again.
    async fn it_can_be_withdrawn(app) {
        let ann = ann_cares(&app).await;
        churn_turned_bad(&ann).await;
        let made = prescribed(&ann, "churn-rate", json!({})).await;
        ann.delete(&remedy(&made)).await.expect(204);
        ann.delete(&remedy(&made)).await.expect(204);
        let gone = ann.get(&remedy(&made)).await;
        assert_eq!(gone.at("/outcome"), "withdrawn");
        assert_eq!(gone.at("/withdrawn_at"), "2026-03-31T09:30:00.000000Z");
        assert_eq!(gone.at("/version"), 2);
        assert_eq!(gone.at("/can/withdraw"), false);
        assert_eq!(groups(&ann, "").await, ["untreated: churn-rate", "orphans: Bring Churn rate back to 4 %"]);
        assert_eq!(active(&ann, "churn-rate").await, 0.0);
        assert_eq!(told(&ann, "remedy.withdrawn").await, 1);
        let body = json!({"objective_id": made.text("/objective_id")});
        prescribed(&ann, "churn-rate", body).await;
        assert_eq!(groups(&ann, "").await, ["in_treatment: churn-rate"]);
        assert_eq!(ann.get("kpis/churn-rate/remedies").await.at("/items").as_array().map(Vec::len), Some(2));
        // What follows leaves the withdrawn one alone.
        measured(&ann, "churn-rate", &[("2026-03-30", 3.0)]).await;
        assert_eq!(told(&ann, "remedy.recovered").await, 1);
    }

    /// A draft is only planned; the archive ends what it took along, and gives it back.
    async fn it_follows_its_objective(app) {
        let ann = ann_cares(&app).await;
        churn_turned_bad(&ann).await;
        let made = prescribed(&ann, "churn-rate", json!({"state": "draft"})).await;
        assert_eq!(made.at("/outcome"), "planned");
        assert_eq!(groups(&ann, "").await, ["untreated: churn-rate"]);
        assert_eq!(ann.get("triage").await.at("/untreated/0/remedies/0/outcome"), "planned");
        assert_eq!(active(&ann, "churn-rate").await, 0.0);

        let objective = objective(&made);
        ann.call(reqwest::Method::POST, &format!("{objective}/activate")).send().await.expect(200);
        assert_eq!(ann.get(&remedy(&made)).await.at("/outcome"), "in_progress");
        assert_eq!(active(&ann, "churn-rate").await, 1.0);
        assert_eq!(told(&ann, "remedy.outcome_changed").await, 1);

        ann.delete(&objective).await.expect(204);
        assert_eq!(ann.get(&remedy(&made)).await.at("/outcome"), "withdrawn");
        assert_eq!(ann.get(&remedy(&made)).await.at("/withdrawn_at"), &json!(null));
        assert_eq!(active(&ann, "churn-rate").await, 0.0);
        assert_eq!(groups(&ann, "").await, ["untreated: churn-rate"]);
        assert_eq!(told(&ann, "remedy.outcome_changed").await, 2);

        ann.call(reqwest::Method::POST, &format!("{objective}/restore")).send().await.expect(200);
        assert_eq!(ann.get(&remedy(&made)).await.at("/outcome"), "in_progress");
        assert_eq!(active(&ann, "churn-rate").await, 1.0);
        assert_eq!(told(&ann, "remedy.outcome_changed").await, 3);
    }

    /// Only the note can be changed, and only a change is told.
    async fn its_note_can_be_changed(app) {
        let ann = ann_cares(&app).await;
        churn_turned_bad(&ann).await;
        let made = prescribed(&ann, "churn-rate", json!({"note": "A first thought"})).await;
        let path = remedy(&made);
        let changed = ann.patch(&path, json!({"note": "A second thought"})).await;
        changed.expect(200);
        assert_eq!((changed.at("/note"), changed.at("/version")), (&json!("A second thought"), &json!(2)));
        let again = ann.patch(&path, json!({"note": "A second thought"})).await;
        assert_eq!(again.at("/version"), 2);
        assert_eq!(again.header("etag"), changed.header("etag"));
        assert_eq!(ann.patch(&path, json!({"note": null})).await.at("/note"), &json!(null));
        assert_eq!(told(&ann, "remedy.updated").await, 2);
        let stale = ann.call(reqwest::Method::PATCH, &path).header("if-match", changed.header("etag"));
        stale.json(&json!({"note": "late"})).send().await.refused(412, "precondition_failed");
        ann.patch(&path, json!({"note": "late", "version": 1})).await.refused(409, "version_conflict");
        ann.patch(&path, json!({"outcome": "recovered"})).await.refused(422, "validation_failed").names("/outcome", "unknown_field");
        assert_eq!(ann.get(&path).await.at("/version"), 3);
    }

    /// Rehearsing shows what would be made, and makes nothing; a key makes once what is sent twice.
    async fn it_can_be_rehearsed_and_repeated(app) {
        let ann = ann_cares(&app).await;
        churn_turned_bad(&ann).await;
        let rehearsed = ann.post("kpis/churn-rate/remedies?dry_run=true", json!({})).await;
        assert_eq!(rehearsed.expect(201).at("/objective/title"), "Bring Churn rate back to 4 %");
        nothing_was_made(&ann).await;
        for _ in 0..2 {
            let call = ann.call(reqwest::Method::POST, "kpis/churn-rate/remedies").header("idempotency-key", "once");
            call.json(&json!({})).send().await.expect(201);
        }
        assert_eq!(told(&ann, "remedy.created").await, 1);
    }
}

fn workspace_of(made: &Answer) -> String {
    made.header("location").split('/').nth(3).unwrap_or_default().to_owned()
}

/// No remedy, no objective, no event of either.
pub(super) async fn nothing_was_made(caller: &Caller) {
    for list in ["remedies", "objectives", "key-results"] {
        let found = caller.get(list).await;
        assert_eq!(found.at("/items").as_array().map(Vec::len), Some(0), "{}", found.raw);
    }
    for kind in ["remedy.created", "objective.created", "key_result.created", "objective.activated"] {
        assert_eq!(told(caller, kind).await, 0, "{kind}");
    }
}
