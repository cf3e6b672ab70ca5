//! Lists of KPIs, with and without sparklines.

use serde_json::{Value, json};

use super::{keys, lasting, make, point};
use crate::harness::stories;

stories! {
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
}
