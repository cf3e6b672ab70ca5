//! The examples of the document are real: this story makes every call that they show, and what
//! comes back must be what they show.
//!
//! `REGIMEN_RECORD=1 tests/postgres with cargo test --test api examples` writes them anew.

mod accounts;
mod people;
mod recorder;
mod sign_on;
mod tokens;

use jsonschema::Validator;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Operation, PASSWORD, document, email, operations, stories};
use recorder::Recorder;

const FILE: &str = "openapi/examples.json";

/// The text of an answer's field.
macro_rules! text {
    ($answer:expr, $pointer:literal) => {
        $answer.text($pointer).to_owned()
    };
}

stories! {
    /// Ann brings a workspace from nothing to a KPI that heals, and every operation is called on the way.
    async fn every_example_is_what_happens(app) {
        let (get, post, put, patch, delete) = (Method::GET, Method::POST, Method::PUT, Method::PATCH, Method::DELETE);
        let mut story = Recorder::default();
        let stranger = app.stranger();

        let person = |name: &str| json!({"email": email(name), "name": name[..1].to_uppercase() + &name[1..], "password": PASSWORD});
        story.tell(&stranger, post.clone(), "/v1/auth/register", Some(person("ann"))).await;
        let signed_in = story.tell(&stranger, post.clone(), "/v1/auth/login", Some(json!({"email": email("ann"), "password": PASSWORD}))).await;
        let refreshed = story.tell(&stranger, post.clone(), "/v1/auth/refresh", Some(json!({"refresh_token": signed_in.text("/refresh_token")}))).await;
        let ann = app.with_token("ann", refreshed.text("/access_token"));
        story.tell(&ann, post.clone(), "/v1/workspaces", Some(json!({"name": "Acme", "slug": "acme", "time_zone": "Europe/London"}))).await;
        story.tell(&ann, get.clone(), "/v1/workspaces", None).await;
        story.tell(&ann, get.clone(), "/v1/auth/me", None).await;
        let ann = ann.inside("acme");
        story.tell(&ann, get.clone(), "", None).await;
        story.tell(&ann, patch.clone(), "", Some(json!({"check_in_rhythm_days": 14}))).await;

        // People.
        story.tell(&ann, post.clone(), "teams", Some(json!({"name": "Growth", "description": "Brings visitors and keeps customers."}))).await;
        story.tell(&ann, get.clone(), "teams?include=total", None).await;
        story.tell(&ann, get.clone(), "teams/growth", None).await;
        story.tell(&ann, patch.clone(), "teams/growth", Some(json!({"description": "Brings visitors, and keeps customers."}))).await;
        let invited = story.tell(&ann, post.clone(), "invitations", Some(json!({"email": email("bob"), "role": "member"}))).await;
        story.tell(&ann, get.clone(), "invitations?state=open", None).await;
        story.tell(&ann, get.clone(), &format!("invitations/{}", invited.text("/id")), None).await;
        let bob = app.person("bob").await;
        story.tell(&bob, post.clone(), "/v1/invitations/accept", Some(json!({"token": invited.text("/token")}))).await;
        let unused = ann.post("invitations", json!({"email": email("eve"), "role": "viewer"})).await;
        story.tell(&ann, delete.clone(), &format!("invitations/{}", unused.text("/id")), None).await;
        let members = story.tell(&ann, get.clone(), "members", None).await;
        let bobs = text!(members, "/items/1/id");
        story.tell(&ann, get.clone(), &format!("members/{bobs}"), None).await;
        story.tell(&ann, patch.clone(), &format!("members/{bobs}"), Some(json!({"role": "admin"}))).await;
        story.tell(&ann, put.clone(), &format!("teams/growth/members/{bobs}"), Some(json!({"duty": "lead"}))).await;
        story.tell(&ann, put.clone(), &format!("teams/growth/members/{bobs}"), Some(json!({"duty": "lead"}))).await;
        story.tell(&ann, get.clone(), "teams/growth/members", None).await;
        let token = story.tell(&ann, post.clone(), "tokens", Some(json!({"name": "Nightly export", "kind": "personal", "scopes": ["read", "points:write"]}))).await;
        story.tell(&ann, get.clone(), "tokens", None).await;
        story.tell(&ann, get.clone(), &format!("tokens/{}", token.text("/id")), None).await;
        tokens::tell(&mut story, &ann, token.text("/id"), &bobs).await;

        // Diagnose.
        let churn = json!({
            "name": "Churn rate", "definition": "Customers who left in the month, divided by those at its start.",
            "category": "retention", "cadence": "monthly", "aggregation": "last", "team_id": "growth",
            "display": {"style": "percent"}, "target": {"max": 3}, "tolerance": {"max": 4},
            "decision": "Whether onboarding gets people before features do.",
            "playbook": {"unhealthy": "Ask the last ten who left."}, "tags": ["growth"],
        });
        story.tell(&ann, post.clone(), "kpis", Some(churn)).await;
        let leads = json!({"name": "Qualified leads", "cadence": "weekly", "aggregation": "sum", "target": {"min": 40}});
        story.tell(&ann, put.clone(), "kpis/qualified-leads", Some(leads.clone())).await;
        story.tell(&ann, put.clone(), "kpis/qualified-leads", Some(leads)).await;
        story.tell(&ann, patch.clone(), "kpis/churn-rate", Some(json!({"tags": ["growth", "board"]}))).await;
        story.tell(&ann, put.clone(), "kpis/churn-rate/points/2026-01-31", Some(json!({"value": 2.6}))).await;
        story.tell(&ann, put.clone(), "kpis/churn-rate/points/2026-01-31", Some(json!({"value": 2.7, "note": "Two late cancellations."}))).await;
        story.tell(&ann, post.clone(), "kpis/churn-rate/points", Some(json!({"value": 4.6, "at": "2026-02-28T18:00:00Z"}))).await;
        story.tell(&ann, post.clone(), "kpis/churn-rate/points", Some(json!({"value": 4.6, "at": "2026-02-28T18:00:00Z"}))).await;
        story.tell(&ann, post.clone(), "points", Some(json!([
            {"kpi": "churn-rate", "at": "2026-03-30", "value": 4.8},
            {"kpi": "qualified-leads", "at": "2026-03-24", "value": 31, "note": "Trade fair week."},
        ]))).await;
        story.tell_as(&ann, post.clone(), "points", &[("content-type", "application/x-ndjson")], Some("{\"kpi\": \"qualified-leads\", \"at\": \"2026-03-17\", \"value\": 44}\n")).await;
        story.tell_as(&ann, post.clone(), "points", &[("content-type", "text/csv")], Some("kpi,at,value\nqualified-leads,2026-03-10,47\nunknown,2026-03-10,1\n")).await;
        story.tell(&ann, get.clone(), "kpis?health=unhealthy&include=recent", None).await;
        story.tell(&ann, get.clone(), "kpis/churn-rate", None).await;
        story.tell(&ann, get.clone(), "kpis/churn-rate/periods?from=2026-01-01", None).await;
        story.tell(&ann, get.clone(), "kpis/churn-rate/episodes", None).await;
        let earlier: Vec<Value> = (1..=12).zip([2.4, 2.6, 2.5, 2.7, 2.4, 2.6, 2.9, 3.1, 3.0, 3.2, 3.1, 3.0])
            .map(|(month, value)| json!({"kpi": "churn-rate", "at": format!("2025-{month:02}-28"), "value": value}))
            .collect();
        ann.post("points", json!(earlier)).await.expect(200);
        story.tell(&ann, get.clone(), "kpis/churn-rate/signals", None).await;
        story.tell(&ann, get.clone(), "kpis/churn-rate/forecast", None).await;
        let annotation = story.tell(&ann, post.clone(), "kpis/churn-rate/annotations", Some(json!({"on": "2026-02-03", "text": "The new price list is in force.", "url": "https://example.com/prices"}))).await;
        let annotation = text!(annotation, "/id");
        story.tell(&ann, get.clone(), "kpis/churn-rate/annotations?from=2026-01-01", None).await;
        story.tell(&ann, get.clone(), &format!("annotations/{annotation}"), None).await;
        story.tell(&ann, patch.clone(), &format!("annotations/{annotation}"), Some(json!({"on": "2026-02-02"}))).await;
        story.tell(&ann, delete.clone(), &format!("annotations/{annotation}"), None).await;
        for (key, values) in [("support-costs", [1000.0, 1200.0]), ("tickets", [50.0, 40.0])] {
            ann.post("kpis", json!({"name": key, "key": key, "aggregation": "sum"})).await.expect(201);
            let points: Vec<Value> =
                ["2026-01-31", "2026-02-28"].iter().zip(values).map(|(at, value)| json!({"kpi": key, "at": at, "value": value})).collect();
            ann.post("points", json!(points)).await.expect(200);
        }
        ann.post("kpis", json!({"name": "Cost per ticket", "formula": "support-costs / tickets", "target": {"max": 25}})).await.expect(201);
        story.tell(&ann, get.clone(), "kpis/cost-per-ticket/contribution", None).await;
        for (key, visits) in [("tickets-by-mail", [30.0, 28.0]), ("tickets-by-phone", [20.0, 12.0])] {
            ann.post("kpis", json!({"name": key, "key": key, "aggregation": "sum", "segment_of_id": "tickets", "segment_dimension": "channel"})).await.expect(201);
            let points: Vec<Value> =
                ["2026-01-31", "2026-02-28"].iter().zip(visits).map(|(at, value)| json!({"kpi": key, "at": at, "value": value})).collect();
            ann.post("points", json!(points)).await.expect(200);
        }
        story.tell(&ann, get.clone(), "kpis/tickets/segments", None).await;
        let driver = story.tell(&ann, post.clone(), "kpis/churn-rate/drivers", Some(json!({"driver_id": "tickets", "lag_periods": 1, "note": "Whoever has to ask twice leaves."}))).await;
        let driver = text!(driver, "/id");
        story.tell(&ann, get.clone(), "kpis/churn-rate/drivers", None).await;
        story.tell(&ann, get.clone(), "kpis/tickets/outcomes", None).await;
        story.tell(&ann, get.clone(), "kpis/churn-rate/driver-tree", None).await;
        story.tell(&ann, get.clone(), &format!("drivers/{driver}"), None).await;
        story.tell(&ann, patch.clone(), &format!("drivers/{driver}"), Some(json!({"lag_periods": 2}))).await;
        story.tell(&ann, delete.clone(), &format!("drivers/{driver}"), None).await;
        story.tell(&ann, get.clone(), "kpis/churn-rate/points?limit=3", None).await;
        story.tell(&ann, get.clone(), "kpis/churn-rate/points/2026-01-31", None).await;
        story.tell(&ann, get.clone(), "points?kpi=churn-rate&from=2026-02-01", None).await;
        for media in ["application/x-ndjson", "text/csv"] {
            story.tell_as(&ann, get.clone(), "points?kpi=churn-rate&from=2026-02-01", &[("accept", media)], None).await;
        }
        story.tell(&ann, put.clone(), "kpis/qualified-leads/points/2026-03-03", Some(json!({"value": 4}))).await;
        story.tell(&ann, delete.clone(), "kpis/qualified-leads/points/2026-03-03", None).await;
        story.tell(&ann, post.clone(), "kpis/churn-rate/targets?dry_run=true", Some(json!({"effective_from": "2026-07-01", "target": {"max": 2.5}, "tolerance": {"max": 3.5}}))).await;
        story.tell(&ann, post.clone(), "kpis/churn-rate/targets", Some(json!({"effective_from": "2026-07-01", "target": {"max": 2.5}, "tolerance": {"max": 3.5}, "note": "The new onboarding is there by then."}))).await;
        story.tell(&ann, get.clone(), "kpis/churn-rate/targets", None).await;
        story.tell(&ann, get.clone(), "kpis/churn-rate/targets/2026-07-01", None).await;
        story.tell(&ann, delete.clone(), "kpis/churn-rate/targets/2026-07-01", None).await;
        story.tell(&ann, delete.clone(), "kpis/qualified-leads", None).await;
        story.tell(&ann, post.clone(), "kpis/qualified-leads/restore", None).await;

        // Show.
        let board = story.tell(&ann, post.clone(), "boards", Some(json!({"name": "Monday meeting", "description": "What we look at before we plan the week.", "kpi_ids": ["churn-rate", "qualified-leads"]}))).await;
        let board = text!(board, "/id");
        story.tell(&ann, get.clone(), "boards", None).await;
        story.tell(&ann, get.clone(), &format!("boards/{board}"), None).await;
        story.tell(&ann, patch.clone(), &format!("boards/{board}"), Some(json!({"kpi_ids": ["qualified-leads", "churn-rate"]}))).await;
        story.tell(&ann, get.clone(), &format!("scorecard?board={board}"), None).await;
        story.tell_as(&ann, get.clone(), &format!("scorecard?board={board}"), &[("accept", "text/csv")], None).await;
        for leaf in ["chart.svg?width=320&periods=6", "badge.svg", "sparkline.svg"] {
            story.tell(&ann, get.clone(), &format!("kpis/churn-rate/{leaf}"), None).await;
        }
        let link = story.tell(&ann, post.clone(), "links", Some(json!({"name": "Wiki: how we keep customers", "kind": "badge", "kpi_id": "churn-rate"}))).await;
        story.tell(&stranger, get.clone(), link.text("/shared_path"), None).await;
        let sheet = ann.post("links", json!({"name": "Screen in the kitchen", "kind": "scorecard", "board_id": board})).await;
        story.tell(&stranger, get.clone(), sheet.text("/shared_path"), None).await;
        story.tell(&ann, get.clone(), "links", None).await;
        story.tell(&ann, get.clone(), &format!("links/{}", link.text("/id")), None).await;
        story.tell(&ann, delete.clone(), &format!("links/{}", link.text("/id")), None).await;
        story.tell(&ann, delete.clone(), &format!("boards/{board}"), None).await;

        // Prescribe.
        story.tell(&ann, post.clone(), "cycles", Some(json!({"name": "Q2 2026", "starts_on": "2026-03-30", "ends_on": "2026-06-30"}))).await;
        story.tell(&ann, get.clone(), "cycles", None).await;
        story.tell(&ann, get.clone(), "cycles/current", None).await;
        story.tell(&ann, patch.clone(), "cycles/q2-2026", Some(json!({"name": "Second quarter 2026"}))).await;
        ann.post("cycles", json!({"name": "Q3 2026", "starts_on": "2026-07-01", "ends_on": "2026-09-30"})).await.expect(201);
        story.tell(&ann, delete.clone(), "cycles/q3-2026", None).await;
        let remedy = story.tell(&ann, post.clone(), "kpis/churn-rate/remedies", Some(json!({"title": "Keep new customers", "cycle_id": "current", "note": "Most leave in their first month."}))).await;
        let (remedy, objective) = (text!(remedy, "/id"), text!(remedy, "/objective_id"));
        story.tell(&ann, get.clone(), "triage", None).await;
        story.tell_as(&ann, get.clone(), "triage", &[("accept", "text/plain")], None).await;
        story.tell(&ann, get.clone(), "remedies", None).await;
        story.tell(&ann, get.clone(), &format!("remedies/{remedy}"), None).await;
        story.tell(&ann, patch.clone(), &format!("remedies/{remedy}"), Some(json!({"note": "Most leave in their first month, says the survey."}))).await;
        story.tell(&ann, get.clone(), "kpis/churn-rate/remedies", None).await;
        story.tell(&ann, get.clone(), &format!("objectives/{objective}/remedies"), None).await;
        let other = story.tell(&ann, post.clone(), "objectives", Some(json!({
            "title": "Launch a higher-converting website", "why": "Visitors do not find what they came for.", "cycle_id": "current", "team_id": "growth",
            "key_results": [{"title": "Visitor-to-lead conversion", "kind": "increase", "unit": "%", "start": 2, "target": 4}],
            "initiatives": [{"title": "Ask ten visitors what they looked for", "key_result": 0}],
        }))).await;
        let (website, conversion) = (text!(other, "/id"), text!(other, "/key_results/0/id"));
        story.tell(&ann, post.clone(), &format!("objectives/{website}/activate"), None).await;
        story.tell(&ann, get.clone(), "objectives?state=active", None).await;
        story.tell(&ann, get.clone(), &format!("objectives/{website}"), None).await;
        story.tell(&ann, patch.clone(), &format!("objectives/{website}"), Some(json!({"tags": ["website"]}))).await;
        let guardrail = story.tell(&ann, post.clone(), &format!("objectives/{website}/guardrails"), Some(json!({"kpi_id": "churn-rate", "note": "Do not promise what customers will miss."}))).await;
        let guardrail = text!(guardrail, "/id");
        story.tell(&ann, get.clone(), &format!("guardrails/{guardrail}"), None).await;
        story.tell(&ann, patch.clone(), &format!("guardrails/{guardrail}"), Some(json!({"note": "Do not promise what new customers will miss."}))).await;
        story.tell(&ann, get.clone(), &format!("objectives/{website}/guardrails"), None).await;
        story.tell(&ann, get.clone(), "kpis/churn-rate/guardrails", None).await;
        story.tell(&ann, get.clone(), "tree", None).await;
        story.tell(&ann, get.clone(), "overview?group_by=team", None).await;
        story.tell(&ann, delete.clone(), &format!("guardrails/{guardrail}"), None).await;
        let cost = story.tell(&ann, post.clone(), &format!("objectives/{website}/key-results"), Some(json!({"title": "Cost per acquisition", "kind": "decrease", "unit": "EUR", "start": 75, "target": 50}))).await;
        let cost = text!(cost, "/id");
        let initiative = story.tell(&ann, post.clone(), "initiatives", Some(json!({"key_result_id": conversion, "title": "Shorten the order form", "due_on": "2026-04-30", "url": "https://tracker.example.com/tickets/42"}))).await;
        let initiative = text!(initiative, "/id");
        story.tell(&ann, get.clone(), &format!("initiatives/{initiative}"), None).await;
        story.tell(&ann, patch.clone(), &format!("initiatives/{initiative}"), Some(json!({"status": "in_progress"}))).await;
        story.tell(&ann, get.clone(), &format!("initiatives?objective={website}&owner=me"), None).await;
        story.tell(&ann, delete.clone(), &format!("initiatives/{initiative}"), None).await;
        story.tell(&ann, post.clone(), &format!("initiatives/{initiative}/restore"), None).await;
        let comment = story.tell(&ann, post.clone(), "comments", Some(json!({"subject_id": conversion, "text": "Half of the visitors come by phone: who looks at it there?", "mentions": [bobs]}))).await;
        let comment = text!(comment, "/id");
        story.tell(&ann, get.clone(), &format!("comments?subject={conversion}"), None).await;
        story.tell(&ann, get.clone(), &format!("comments/{comment}"), None).await;
        story.tell(&ann, patch.clone(), &format!("comments/{comment}"), Some(json!({"text": "Two thirds of the visitors come by phone: who looks at it there?"}))).await;
        story.tell(&ann, delete.clone(), &format!("comments/{comment}"), None).await;
        app.it_is("2026-04-14T09:30:00Z");
        let ann = app.signs_in("ann").await.inside("acme");
        story.tell(&ann, get.clone(), "due?owner=me", None).await;
        story.tell_as(&ann, get.clone(), "due?owner=me", &[("accept", "text/plain")], None).await;
        let check_in = story.tell(&ann, post.clone(), &format!("key-results/{conversion}/check-ins"), Some(json!({"value": 2.4, "confidence": "at_risk", "note": "The new page is live for half of the visitors."}))).await;
        story.tell(&ann, get.clone(), &format!("key-results/{conversion}/check-ins"), None).await;
        story.tell(&ann, post.clone(), "check-ins/batch", Some(json!({"check_ins": [
            {"key_result_id": conversion, "value": 2.5, "confidence": "at_risk", "blocker": "The designer is ill."},
            {"key_result_id": cost, "value": 71, "confidence": "on_track", "at": "2026-04-13"},
        ]}))).await;
        story.tell(&ann, get.clone(), &format!("check-ins/{}", check_in.text("/id")), None).await;
        story.tell(&ann, get.clone(), "key-results?confidence=at_risk", None).await;
        story.tell(&ann, get.clone(), &format!("key-results/{conversion}"), None).await;
        story.tell(&ann, get.clone(), &format!("key-results/{conversion}/history?step=day"), None).await;
        story.tell(&ann, get.clone(), &format!("key-results/{conversion}/forecast"), None).await;
        story.tell(&ann, get.clone(), &format!("objectives/{website}/history"), None).await;
        story.tell(&ann, get.clone(), &format!("objectives/{website}/key-results"), None).await;
        story.tell(&ann, patch.clone(), &format!("key-results/{cost}"), Some(json!({"target": 45}))).await;
        story.tell(&ann, delete.clone(), &format!("key-results/{cost}"), None).await;
        story.tell(&ann, post.clone(), &format!("key-results/{cost}/restore"), None).await;
        // Learn.
        let review = story.tell(&ann, post.clone(), "reviews", Some(json!({
            "held_on": "2026-04-14", "team_id": "growth", "kpi_ids": ["churn-rate", "qualified-leads"], "objective_ids": [website],
            "attendee_ids": ["me", bobs], "notes": "Leads recover; churn does not yet.",
            "decisions": [{"kpi_id": "qualified-leads", "choice": "adjust", "summary": "No more trade fairs.", "certainty": 4}],
        }))).await;
        let review = text!(review, "/id");
        let decision = story.tell(&ann, post.clone(), "decisions", Some(json!({
            "kpi_id": "churn-rate", "choice": "continue", "summary": "The new onboarding needs until summer.", "certainty": 3,
            "expects": {"what": "better", "by": "2026-06-30"}, "revisit_on": "2026-07-01", "review_id": review,
        }))).await;
        let decision = text!(decision, "/id");
        story.tell(&ann, get.clone(), "decisions?kpi=churn-rate", None).await;
        story.tell(&ann, get.clone(), &format!("decisions/{decision}"), None).await;
        story.tell(&ann, patch.clone(), &format!("decisions/{decision}"), Some(json!({"revisit_on": "2026-06-15"}))).await;
        story.tell(&ann, get.clone(), "reviews?team=growth", None).await;
        story.tell(&ann, get.clone(), &format!("reviews/{review}"), None).await;
        story.tell(&ann, patch.clone(), &format!("reviews/{review}"), Some(json!({"notes": "Leads recover; churn does not yet. Next time in May."}))).await;
        story.tell(&ann, get.clone(), "agenda?since=2026-04-01", None).await;
        story.tell_as(&ann, get.clone(), "agenda?since=2026-04-01", &[("accept", "text/plain")], None).await;
        story.tell(&ann, get.clone(), "kpis/churn-rate/usefulness", None).await;
        story.tell(&ann, get.clone(), "audit/kpis", None).await;
        story.tell(&ann, get.clone(), "kpis/churn-rate/brief", None).await;
        story.tell_as(&ann, get.clone(), "kpis/churn-rate/brief", &[("accept", "text/plain")], None).await;
        story.tell(&ann, post.clone(), &format!("objectives/{website}/close"), Some(json!({"outcome": "missed", "score": 0.2, "reflection": "Half of the visitors were not enough to learn from."}))).await;
        story.tell(&ann, delete.clone(), &format!("objectives/{website}"), None).await;
        story.tell(&ann, post.clone(), &format!("objectives/{website}/restore"), None).await;
        story.tell(&ann, post.clone(), &format!("objectives/{website}/reopen"), None).await;
        story.tell(&ann, get.clone(), "cycles/current/summary", None).await;
        ann.post("cycles", json!({"name": "Q3 2026", "starts_on": "2026-07-01", "ends_on": "2026-09-30"})).await.expect(201);
        story.tell(&ann, post.clone(), "cycles/current/carry-over", Some(json!({"objective_ids": [website], "to_cycle_id": "q3-2026", "close": {"outcome": "partial", "reflection": "The new page helps, and more of it will."}}))).await;
        story.tell(&ann, post.clone(), "objective-copies", Some(json!({"objective_ids": [website], "cycle_id": "q3-2026", "due_days": "shift"}))).await;
        story.tell(&ann, delete.clone(), &format!("remedies/{remedy}"), None).await;
        story.tell(&ann, get.clone(), "events?limit=5", None).await;

        // The server itself, and leaving.
        for path in ["/livez", "/readyz", "/.well-known/jwks.json", "/problems", "/problems/validation_failed"] {
            story.tell(&stranger, get.clone(), path, None).await;
        }
        story.tell(&ann, delete.clone(), &format!("tokens/{}", token.text("/id")), None).await;
        people::tell(&mut story, &ann, &bobs).await;
        story.tell(&ann, delete.clone(), &format!("teams/growth/members/{bobs}"), None).await;
        story.tell(&ann, delete.clone(), "teams/growth", None).await;
        story.tell(&ann, delete.clone(), &format!("members/{bobs}"), None).await;
        story.tell(&ann, delete.clone(), "", None).await;
        let changed = json!({"current_password": PASSWORD, "new_password": "eight green umbrellas dance"});
        let fresh = story.tell(&ann, post.clone(), "/v1/auth/password", Some(changed)).await;
        story.tell(&app.with_token("ann", fresh.text("/access_token")), post.clone(), "/v1/auth/logout", None).await;

        accounts::tell(&app, &mut story).await;
        sign_on::tell(&app, &mut story).await;

        let silent: Vec<&str> = operations().iter().map(Operation::id).filter(|id| !story.knows(id)).collect();
        assert!(silent.is_empty(), "these operations have no example; call them in this story: {silent:?}");
        let told = serde_json::to_string_pretty(&story.finish()).expect("JSON") + "\n";
        if std::env::var_os("REGIMEN_RECORD").is_some() {
            std::fs::write(FILE, &told).expect("the file is written");
        }
        let committed = std::fs::read_to_string(FILE).expect("the file is there");
        assert_same(&committed, &told);
    }
}

/// Fails with the first line that differs.
fn assert_same(committed: &str, told: &str) {
    let mut lines = committed.lines().zip(told.lines()).enumerate();
    if let Some((line, (shown, happened))) = lines.find(|(_, (shown, happened))| shown != happened) {
        panic!(
            "{FILE}, line {}: it shows {shown}, and what happens is {happened}\n\
             Record it anew (see tests/api/examples/mod.rs) and look at the difference.",
            line + 1
        );
    }
    assert_eq!(committed.lines().count(), told.lines().count(), "{FILE} is not whole: record it anew");
}

/// What the document shows is what it asks for: every example fits its own schema.
#[test]
fn every_example_fits_its_schema() {
    let mut held = 0;
    let schemas = document()["components"]["schemas"].as_object().expect("schemas");
    for (name, schema) in schemas {
        held += hold(name, schema);
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            held += hold(&format!("{name}.{field}"), property);
        }
    }
    for one in operations() {
        let (here, operation) = (one.to_string(), one.said);
        for parameter in operation["parameters"].as_array().into_iter().flatten() {
            held += shown(&here, parameter);
        }
        for content in
            operation["requestBody"]["content"].as_object().into_iter().flatten().map(|(_, one)| one)
        {
            held += shown(&here, content);
        }
        for response in operation["responses"].as_object().expect("responses").values() {
            for content in response["content"].as_object().into_iter().flatten().map(|(_, one)| one) {
                held += shown(&here, content);
            }
        }
    }
    assert!(held > 300, "only {held} examples were held against their schemas");
}

/// The example beside a schema.
fn shown(here: &str, holder: &Value) -> usize {
    match holder.get("example") {
        Some(example) => {
            fits(here, &holder["schema"], example);
            1
        }
        None => 0,
    }
}

/// The examples inside a schema.
fn hold(here: &str, schema: &Value) -> usize {
    let examples =
        schema.get("example").into_iter().chain(schema["examples"].as_array().into_iter().flatten());
    examples.map(|example| fits(here, schema, example)).count()
}

fn fits(here: &str, schema: &Value, example: &Value) {
    let mut root = schema.clone();
    root["components"] = document()["components"].clone();
    let validator: Validator =
        jsonschema::options().should_validate_formats(true).build(&root).expect("the schema compiles");
    let errors: Vec<String> = validator.iter_errors(example).map(|error| error.to_string()).collect();
    assert!(errors.is_empty(), "{here}: the example {example} does not fit: {errors:?}");
}
