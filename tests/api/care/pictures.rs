//! Pictures: what they show they also say, and they need nothing from elsewhere.

use serde_json::json;

use super::*;
use crate::harness::stories;

/// What stands in an element.
fn within<'a>(picture: &'a str, element: &str) -> &'a str {
    let (_, rest) =
        picture.split_once(&format!("<{element}")).unwrap_or_else(|| panic!("no {element}: {picture}"));
    let (_, rest) = rest.split_once('>').expect("its end");
    rest.split_once(&format!("</{element}>")).expect("its closing").0
}

/// A year of a KPI that turned bad in the end.
async fn a_year(caller: &Caller) {
    caller.post("kpis", json!({"name": "Churn rate", "display": {"style": "percent"}, "target": {"max": 4}, "tolerance": {"max": 5}})).await.expect(201);
    let values: Vec<(String, f64)> = (1..=12)
        .zip([3.0, 3.5, 3.0, 3.5, 3.0, 3.5, 3.0, 3.5, 3.0, 3.5, 3.0, 9.0])
        .map(|(month, value)| (format!("2025-{month:02}-15"), value))
        .collect();
    let values: Vec<(&str, f64)> = values.iter().map(|(day, value)| (day.as_str(), *value)).collect();
    measured(caller, "churn-rate", &values).await;
    measured(caller, "churn-rate", &[("2026-03-15", 4.5)]).await;
}

stories! {
    /// The same instant shows the same bytes, and a sentence says what the picture shows.
    async fn a_picture_says_what_it_shows(app) {
        let ann = ann_cares(&app).await;
        a_year(&ann).await;
        prescribed(&ann, "churn-rate", json!({"title": "Keep customers", "state": "active"})).await;
        let chart = ann.get("kpis/churn-rate/chart.svg").await;
        assert_eq!(chart.expect(200).header("content-type"), "image/svg+xml");
        assert_eq!(chart.raw, ann.get("kpis/churn-rate/chart.svg").await.raw);
        let said = within(&chart.raw, "desc");
        for part in ["4.5 % in 2026-03 so far, at risk, target ≤ 4 %", "13 values from 2025-01 to 2026-03: lowest 3 %, highest 9 %.", "Remedies: Keep customers."] {
            assert!(said.contains(part), "{part} is not in {said}");
        }
        assert_eq!(within(&chart.raw, "title"), "Churn rate");
        for part in ["role=\"img\"", "class=\"signal\"", "class=\"limit\"", "class=\"tolerance\"", "class=\"ahead\"", "class=\"remedy\"", "mark at-risk", "mark unhealthy", "prefers-color-scheme:dark"] {
            assert!(chart.raw.contains(part), "{part} is not in {}", chart.raw);
        }
        for foreign in ["<script", "href", "url(", "<image", "@import", " style=\""] {
            assert!(!chart.raw.contains(foreign), "{foreign} stands in {}", chart.raw);
        }
        let policy = chart.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-"), "{policy}");

        let badge = ann.get("kpis/churn-rate/badge.svg").await;
        assert!(badge.expect(200).raw.contains(">4.5 % · at risk</text>"), "{}", badge.raw);
        let sparkline = ann.get("kpis/churn-rate/sparkline.svg").await;
        assert!(within(&sparkline.expect(200).raw, "desc").contains("12 values from 2025-02 to 2026-03"), "{}", sparkline.raw);

        // As it stood at the end of the year: bad, and nobody had done anything.
        let then = ann.get("kpis/churn-rate/chart.svg?as_of=2025-12-31").await;
        let said = within(&then.expect(200).raw, "desc");
        assert!(said.contains("9 % in 2025-12, unhealthy") && !said.contains("Remedies"), "{said}");
        assert!(within(&ann.get("kpis/churn-rate/badge.svg?known_at=2026-03-01T00:00:00Z").await.expect(200).raw, "desc").starts_with("no value yet"));
    }

    /// Themes, widths and how much is shown are the caller's choice, within bounds.
    async fn a_picture_comes_as_asked_for(app) {
        let ann = ann_cares(&app).await;
        a_year(&ann).await;
        for (query, has, has_not) in [
            ("theme=light", "--back:#ffffff", "prefers-color-scheme"),
            ("theme=dark", "--back:#141b22", "prefers-color-scheme"),
            ("width=320", "width=\"320\"", "width=\"640\""),
            ("width=1600&periods=2", ">2026-02</text>", ">2025-12</text>"),
        ] {
            let chart = ann.get(&format!("kpis/churn-rate/chart.svg?{query}")).await;
            assert!(chart.expect(200).raw.contains(has) && !chart.raw.contains(has_not), "{query}: {}", chart.raw);
        }
        for query in ["width=279", "width=1601", "width=wide", "periods=1", "periods=121", "theme=pink", "as_of=2026", "colour=red", "theme=dark&theme=light"] {
            ann.get(&format!("kpis/churn-rate/chart.svg?{query}")).await.refused(400, "invalid_query");
        }
        for query in ["width=59", "width=601", "periods=3"] {
            ann.get(&format!("kpis/churn-rate/sparkline.svg?{query}")).await.refused(400, "invalid_query");
        }
        ann.get("kpis/churn-rate/badge.svg?theme=dark").await.refused(400, "invalid_query");
        ann.get("kpis/churn-rate/chart.svg?as_of=2026-04-01").await.refused(422, "validation_failed");
        ann.get("kpis/nothing/chart.svg").await.refused(404, "not_found");
        ann.call(reqwest::Method::GET, "kpis/churn-rate/chart.svg").header("accept", "image/png").send().await.refused(406, "not_acceptable");
        ann.call(reqwest::Method::GET, "kpis/churn-rate/chart.svg").header("accept", "image/*").send().await.expect(200);
    }

    /// Whatever a KPI is called and whatever it measures, the picture is one.
    async fn odd_kpis_have_pictures_too(app) {
        let ann = app.owner_of("ann", "acme").await;
        let evil = "</title><script>alert(1)</script> \u{202e}& \u{fffe} 指標";
        for (key, body, values) in [
            ("empty", json!({}), vec![]),
            ("one", json!({"target": {"min": 1}}), vec![("2026-03-01", 0.0)]),
            ("flat", json!({"target": {"min": 5, "max": 5}}), vec![("2025-10-01", 5.0), ("2025-11-01", 5.0), ("2025-12-01", 5.0), ("2026-01-01", 5.0), ("2026-02-01", 5.0), ("2026-03-01", 5.0)]),
            ("huge", json!({"target": {"max": -1e15}}), vec![("2026-02-01", 1e15), ("2026-03-01", -1e15)]),
            ("tiny", json!({"display": {"precision": 2}}), vec![("2026-02-01", 1e-9), ("2026-03-01", 2e-9)]),
            ("irregular", json!({"cadence": "irregular", "target": {"max": 2}}), vec![("2024-02-29", 1.0), ("2026-03-01", 3.0)]),
            ("gaps", json!({"cadence": "yearly", "aggregation": "sum"}), vec![("1990-01-01", 1.0), ("2025-03-01", 3.0)]),
        ] {
            let mut whole = json!({"key": key, "name": evil});
            whole.as_object_mut().expect("an object").extend(body.as_object().expect("an object").clone());
            ann.post("kpis", whole).await.expect(201);
            measured(&ann, key, &values).await;
            for leaf in ["chart.svg", "chart.svg?width=280", "badge.svg", "sparkline.svg"] {
                let picture = ann.get(&format!("kpis/{key}/{leaf}")).await;
                let raw = &picture.expect(200).raw;
                for wrong in ["<script", "NaN", "inf", "\u{202e}", "\u{fffe}"] {
                    assert!(!raw.contains(wrong), "{key}/{leaf} holds {wrong:?}: {raw}");
                }
                assert!(raw.contains("&lt;script&gt;"), "{raw}");
            }
        }
        let bob = app.joins(&ann, "bob", "member").await;
        bob.post("kpis", json!({"name": "Salaries", "visibility": "private"})).await.expect(201);
        for leaf in ["chart.svg", "badge.svg", "sparkline.svg"] {
            ann.get(&format!("kpis/salaries/{leaf}")).await.refused(404, "not_found");
            bob.get(&format!("kpis/salaries/{leaf}")).await.expect(200);
            app.stranger().get(&format!("/v1/workspaces/acme/kpis/empty/{leaf}")).await.refused(401, "credential_required");
        }
    }
}
