//! Points read back, page by page.

use reqwest::Method;
use serde_json::json;

use super::kpi;
use crate::harness::{Answer, stories};

stories! {
    /// Lists page by `at` and feed, and filter by time, feed and quality.
    async fn points_are_listed_page_by_page(app) {
        let ann = app.owner_of("ann", "acme").await;
        kpi(&ann, json!({"name": "A"})).await;
        kpi(&ann, json!({"name": "B"})).await;
        let mut all = Vec::new();
        for day in 1..=5 {
            for feed in ["", "x"] {
                for kpi in ["a", "b"] {
                    let quality = if day == 3 { "estimated" } else { "measured" };
                    all.push(json!({"kpi": kpi, "at": format!("2026-03-0{day}"), "value": day, "feed": feed, "quality": quality}));
                }
            }
        }
        ann.post("points", json!(all)).await.expect(200);
        let mut seen = Vec::new();
        let mut path = "kpis/a/points?limit=3&include=total".to_owned();
        loop {
            let page = ann.get(&path).await;
            page.expect(200);
            for item in page.at("/items").as_array().expect("items") {
                seen.push(format!("{}{}", item["on"].as_str().expect("a day"), item["feed"].as_str().expect("a feed")));
            }
            match page.at("/next_cursor").as_str() {
                Some(cursor) => path = format!("kpis/a/points?limit=3&cursor={cursor}"),
                None => break,
            }
        }
        let expected: Vec<String> =
            (1..=5).flat_map(|day| ["", "x"].map(|feed| format!("2026-03-0{day}{feed}"))).collect();
        assert_eq!(seen, expected);
        let number = |answer: &Answer| answer.at("/items").as_array().expect("items").len();
        assert_eq!(number(&ann.get("kpis/a/points?from=2026-03-02&to=2026-03-03").await), 4);
        assert_eq!(number(&ann.get("kpis/a/points?feed=&quality=estimated").await), 1);
        assert_eq!(number(&ann.get("kpis/a/points?feed=x&feed=y").await), 5);
        ann.get("kpis/a/points?limit=201").await.refused(400, "invalid_query");

        assert_eq!(number(&ann.get("points").await), 20);
        assert_eq!(number(&ann.get("points?kpi=b&from=2026-03-05T00:00:00Z").await), 0);
        assert_eq!(number(&ann.get("points?kpi=b&kpi=b&to=2026-03-01").await), 2);
        ann.get("points?limit=10001").await.refused(400, "invalid_query");
        ann.get("points?kpi=nothing").await.refused(404, "not_found").names("kpi", "not_found");
        let mut path = "points?limit=7".to_owned();
        let mut lines = 0;
        loop {
            let page = ann.call(Method::GET, &path).header("accept", "application/x-ndjson").send().await;
            lines += page.expect(200).raw.lines().count();
            let Some((next, _)) = page.header("link").trim_start_matches('<').split_once('>') else { break };
            path = next.to_owned();
        }
        assert_eq!(lines, 20);
    }
}
