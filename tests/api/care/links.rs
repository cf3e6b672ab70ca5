//! Links: what they show to whoever has them, and what ends them.

use serde_json::{Value, json};

use super::*;
use crate::harness::stories;

/// A link and where it leads.
async fn link(caller: &Caller, body: Value) -> (String, String) {
    let made = caller.post("links", body).await;
    made.expect(201);
    (format!("links/{}", made.text("/id")), made.text("/shared_path").to_owned())
}

async fn chart_of(caller: &Caller, key: &str) -> (String, String) {
    link(caller, json!({"name": "Wiki", "kind": "chart", "kpi_id": key})).await
}

/// Ann and Bob, who are signed in, and a KPI of Bob's.
async fn two(app: &App) -> (Caller, Caller) {
    let ann = app.owner_of("ann", "acme").await;
    let bob = app.joins(&ann, "bob", "member").await;
    kpi(&bob, "Churn rate").await;
    measured(&bob, "churn-rate", &[("2026-02-28", 3.0), ("2026-03-30", 6.0)]).await;
    (ann, bob)
}

stories! {
    /// Whoever has a link sees the picture, without a credential; it can stand in a page elsewhere.
    async fn a_link_shows_one_picture(app) {
        let (ann, bob) = two(&app).await;
        let anybody = app.stranger();
        let made = bob.post("links", json!({"name": "Wiki", "kind": "chart", "kpi_id": "churn-rate", "expires_in_days": 30})).await;
        assert_eq!((made.expect(201).header("cache-control"), made.text("/state"), made.text("/kpi/key")), ("no-store", "active", "churn-rate"));
        assert_eq!((made.text("/expires_at"), made.text("/member/name")), ("2026-04-30T09:30:00.000000Z", "bob"));
        let path = made.text("/shared_path").to_owned();
        let secret = path.split('/').nth(2).expect("a secret").to_owned();
        assert_eq!(secret.len(), 4 + 43);
        let shown = anybody.get(&path).await;
        let own = bob.get("kpis/churn-rate/chart.svg").await;
        assert_eq!((shown.expect(200).raw.as_str(), shown.header("content-type")), (own.raw.as_str(), "image/svg+xml"));
        for (header, value) in [
            ("cache-control", "public, no-cache"), ("referrer-policy", "no-referrer"), ("x-content-type-options", "nosniff"),
            ("cross-origin-resource-policy", "cross-origin"), ("x-robots-tag", "noindex"),
        ] {
            assert_eq!(shown.header(header), value, "{header}");
        }
        assert!(shown.header("content-security-policy").starts_with("default-src 'none'; style-src 'sha256-"));
        anybody.call(reqwest::Method::GET, &path).header("if-none-match", shown.header("etag")).send().await.expect(304);
        anybody.get(&format!("{path}?theme=dark&width=320")).await.expect(200);
        anybody.get(&format!("{path}?width=59")).await.refused(400, "invalid_query");
        anybody.get(&format!("{path}?as_of=2026-01-01")).await.refused(400, "invalid_query");

        // What it shows follows the KPI.
        measured(&bob, "churn-rate", &[("2026-03-30", 2.0)]).await;
        assert!(anybody.get(&path).await.expect(200).raw.contains("2 % in 2026-03"));
        for kind in ["badge", "sparkline"] {
            let (_, path) = link(&bob, json!({"name": "Wiki", "kind": kind, "kpi_id": "churn-rate"})).await;
            assert_eq!(anybody.get(&path).await.expect(200).raw, bob.get(&format!("kpis/churn-rate/{kind}.svg")).await.raw);
        }
        // The secret is nowhere else.
        for seen in [bob.get("links").await, bob.get(&format!("links/{}", made.text("/id"))).await, ann.get("events?limit=200").await, ann.get("links").await] {
            assert!(!seen.expect(200).raw.contains(&secret[8..40]) && !seen.raw.contains("/shared/"), "{}", seen.raw);
        }
        assert_eq!(ann.get("links").await.at("/items/2/hint"), &json!(format!("rgl_…{}", &secret[43..])));
    }

    /// A scorecard behind a link leaves out what is private to anybody, its maker included.
    async fn a_shared_scorecard_is_for_everybody(app) {
        let (ann, bob) = two(&app).await;
        let anybody = app.stranger();
        bob.post("kpis", json!({"name": "Salaries", "visibility": "private"})).await.expect(201);
        let board = bob.post("boards", json!({"name": "Mixed", "kpi_ids": ["salaries", "churn-rate"]})).await;
        let board = board.expect(201).text("/id").to_owned();
        ann.post("teams", json!({"name": "Growth"})).await.expect(201);
        let (_, of_board) = link(&bob, json!({"name": "Wiki", "kind": "scorecard", "board_id": board})).await;
        let (_, of_team) = link(&bob, json!({"name": "Wiki", "kind": "scorecard", "team_id": "growth"})).await;
        let (_, of_all) = link(&bob, json!({"name": "Wiki", "kind": "scorecard"})).await;
        for path in [&of_board, &of_team, &of_all] {
            let page = anybody.get(path).await;
            assert!(page.expect(200).header("content-type").starts_with("text/html"));
            assert!(!page.raw.contains("Salaries"), "{}", page.raw);
            assert_eq!(page.raw.contains("Churn rate"), *path != of_team);
            assert_eq!(page.raw.contains("1 more KPI stands on this board"), *path == of_board);
        }
        // A picture's secret opens no scorecard, and the other way round.
        let (_, picture) = chart_of(&bob, "churn-rate").await;
        anybody.get(&picture.replace("picture.svg", "scorecard")).await.refused(404, "not_found");
        anybody.get(&of_all.replace("/scorecard", "/picture.svg")).await.refused(404, "not_found");
        bob.delete(&format!("boards/{board}")).await.expect(204);
        anybody.get(&of_board).await.refused(404, "not_found");
        ann.delete("teams/growth").await.expect(204);
        anybody.get(&of_team).await.refused(404, "not_found");
        anybody.get(&of_all).await.expect(200);
    }

    /// A link ends by its day, when it is revoked, and with what it shows.
    async fn links_end(app) {
        let (ann, bob) = two(&app).await;
        let anybody = app.stranger();
        let (first, revoked) = chart_of(&bob, "churn-rate").await;
        let (second, by_ann) = chart_of(&bob, "churn-rate").await;
        let (_, path) = chart_of(&bob, "churn-rate").await;
        bob.delete(&first).await.expect(204);
        bob.delete(&first).await.expect(204);
        ann.delete(&second).await.expect(204);
        for path in [&revoked, &by_ann] {
            anybody.get(path).await.refused(404, "not_found");
        }
        assert_eq!(told(&ann, "link.revoked").await, 2);
        assert_eq!(bob.get(&first).await.text("/state"), "revoked");
        assert_eq!(bob.get("links?include=total").await.at("/total"), 1);
        assert_eq!(bob.get("links?state=revoked&include=total").await.at("/total"), 2);
        anybody.get(&path).await.expect(200);
        // Private or archived: there is nothing to be shown, until it is open again.
        for (away, back) in [(json!({"visibility": "private"}), json!({"visibility": "workspace"}))] {
            bob.patch("kpis/churn-rate", away).await.expect(200);
            anybody.get(&path).await.refused(404, "not_found");
            ann.get("links").await.expect(200);
            bob.patch("kpis/churn-rate", back).await.expect(200);
            anybody.get(&path).await.expect(200);
        }
        bob.delete("kpis/churn-rate").await.expect(204);
        anybody.get(&path).await.refused(404, "not_found");
        bob.post("kpis/churn-rate/restore", json!({})).await.expect(200);
        anybody.get(&path).await.expect(200);
        app.it_is("2026-06-29T09:29:59Z");
        anybody.get(&path).await.expect(200);
        app.it_is("2026-06-29T09:30:00Z");
        anybody.get(&path).await.refused(404, "not_found");
    }

    /// A link ends with its maker's place, and coming back does not revive it.
    async fn links_end_with_their_makers_access(app) {
        let (ann, bob) = two(&app).await;
        let anybody = app.stranger();
        let (_, path) = chart_of(&bob, "churn-rate").await;
        let (_, scorecard) = link(&bob, json!({"name": "Wiki", "kind": "scorecard"})).await;
        let bobs = bob.get("members/me").await.text("/id").to_owned();
        ann.patch(&format!("members/{bobs}"), json!({"role": "viewer"})).await.expect(200);
        for path in [&path, &scorecard] {
            anybody.get(path).await.refused(404, "not_found");
        }
        ann.patch(&format!("members/{bobs}"), json!({"role": "member"})).await.expect(200);
        anybody.get(&path).await.expect(200);
        ann.delete(&format!("members/{bobs}")).await.expect(204);
        for path in [&path, &scorecard] {
            anybody.get(path).await.refused(404, "not_found");
        }
        app.it_is("2026-03-31T09:35:00Z");
        let invited = ann.post("invitations", json!({"email": crate::harness::email("bob"), "role": "member"})).await;
        let bob = app.signs_in("bob").await;
        bob.post("/v1/invitations/accept", json!({"token": invited.expect(201).text("/token")})).await.expect(200);
        anybody.get(&path).await.refused(404, "not_found");
        let (_, again) = chart_of(&bob.inside("acme"), "churn-rate").await;
        anybody.get(&again).await.expect(200);
        ann.delete("").await.expect(204);
        anybody.get(&again).await.refused(404, "not_found");
    }

    /// Only people who make things make links, and only of what everybody may see.
    async fn what_cannot_be_shared_is_refused(app) {
        let (ann, bob) = two(&app).await;
        let vic = app.joins(&ann, "vic", "viewer").await;
        let carl = app.joins(&ann, "carl", "member").await;
        let body = json!({"name": "Wiki", "kind": "chart", "kpi_id": "churn-rate"});
        vic.post("links", body.clone()).await.refused(403, "forbidden");
        let script = lasting(&app, &bob, "script", &["read", "write"]).await;
        script.post("links", body.clone()).await.refused(403, "person_required");
        bob.call(reqwest::Method::POST, "links").header("idempotency-key", "k").json(&body).send().await.refused(400, "idempotency_not_supported");
        let hidden = bob.post("kpis", json!({"name": "Salaries", "visibility": "private"})).await;
        let private = bob.post("links", json!({"name": "x", "kind": "badge", "kpi_id": "salaries"})).await;
        private.refused(409, "conflict").names("/kpi_id", "private");
        for name in ["salaries", hidden.text("/id"), "nothing"] {
            ann.post("links", json!({"name": "x", "kind": "badge", "kpi_id": name})).await.refused(404, "not_found").names("/kpi_id", "not_found");
        }
        // Two ids, foreign in each slot.
        let eve = app.owner_of("eve", "evil").await;
        let hers = kpi(&eve, "Hers").await.text("/id").to_owned();
        let board = eve.post("boards", json!({"name": "Hers"})).await.expect(201).text("/id").to_owned();
        let team = eve.post("teams", json!({"name": "Hers"})).await.expect(201).text("/id").to_owned();
        for (body, pointer) in [
            (json!({"name": "x", "kind": "chart", "kpi_id": hers}), "/kpi_id"),
            (json!({"name": "x", "kind": "scorecard", "board_id": board}), "/board_id"),
            (json!({"name": "x", "kind": "scorecard", "team_id": team}), "/team_id"),
        ] {
            bob.post("links", body).await.refused(404, "not_found").names(pointer, "not_found");
        }
        for (body, pointer) in [
            (json!({}), "/name"), (json!({"name": "x"}), "/kind"), (json!({"name": "x", "kind": "poster"}), "/kind"),
            (json!({"name": "x", "kind": "chart"}), "/kpi_id"), (json!({"name": "x", "kind": "chart", "kpi_id": ""}), "/kpi_id"),
            (json!({"name": "x", "kind": "scorecard", "kpi_id": "churn-rate"}), "/kpi_id"),
            (json!({"name": "x", "kind": "chart", "kpi_id": "churn-rate", "board_id": board}), "/board_id"),
            (json!({"name": "x", "kind": "scorecard", "board_id": board, "team_id": team}), "/team_id"),
            (json!({"name": "x", "kind": "scorecard", "expires_in_days": 0}), "/expires_in_days"),
            (json!({"name": "x", "kind": "scorecard", "expires_in_days": 367}), "/expires_in_days"),
            (json!({"name": "x", "kind": "scorecard", "board_id": "kpi_01h455vb4pex5vsknk084sn02q"}), "/board_id"),
            (json!({"name": "x", "kind": "scorecard", "secret": "mine"}), "/secret"),
        ] {
            let refused = bob.post("links", body.clone()).await;
            refused.refused(422, "validation_failed");
            let named = refused.at("/errors").as_array().expect("errors").iter().any(|error| error["pointer"] == pointer);
            assert!(named, "{body} should be refused at {pointer}: {}", refused.raw);
        }
        bob.delete("kpis/churn-rate").await.expect(204);
        bob.post("links", body).await.refused(409, "kpi_archived").names("/kpi_id", "kpi_archived");
        bob.post("kpis/churn-rate/restore", json!({})).await.expect(200);
        assert_eq!(bob.get("links").await.at("/items"), &json!([]));

        // A link is its maker's, and the admins'.
        let (path, shared) = chart_of(&bob, "churn-rate").await;
        for other in [&carl, &vic, &eve] {
            other.get(&path).await.refused(404, "not_found");
            other.delete(&path).await.refused(404, "not_found");
        }
        eve.delete(&path.replace("links/", "/v1/workspaces/evil/links/")).await.refused(404, "not_found");
        assert_eq!(carl.get("links").await.at("/items"), &json!([]));
        ann.get(&path).await.expect(200);
        bob.get("links/kpi_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_id");
        assert!(carl.get("events?type=link.created").await.at("/items").as_array().is_some_and(Vec::is_empty));
        assert_eq!(told(&ann, "link.created").await, 1);
        let anybody = app.stranger();
        anybody.get(&shared).await.expect(200);
        let secret = shared.split('/').nth(2).expect("a secret");
        let other = if secret.ends_with('A') { "E" } else { "A" };
        for forged in [
            format!("{}{other}", &secret[..46]), secret.to_uppercase(), format!("{secret}="), secret.replace("rgl_", "rgi_"), "rgl_".into(),
            secret.replace("rgl_", "rgr_"), "%00".into(), "a".repeat(1000), "%2e%2e".into(),
        ] {
            let answer = anybody.get(&format!("/shared/{forged}/picture.svg")).await;
            assert!([400, 404].contains(&answer.status), "{} answered {}", answer.call, answer.status);
        }
    }
}
