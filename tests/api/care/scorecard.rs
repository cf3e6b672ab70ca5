//! The scorecard: one line per KPI, worked by hand.

use serde_json::{Value, json};

use super::*;
use crate::harness::stories;

/// A KPI by its whole body.
async fn make(caller: &Caller, body: Value) -> String {
    let made = caller.post("kpis", body).await;
    made.expect(201);
    made.text("/key").to_owned()
}

/// The keys of the rows in order.
fn keys(answer: &Answer) -> Vec<&str> {
    let rows = answer.expect(200).at("/rows").as_array().expect("rows");
    rows.iter().map(|row| row["key"].as_str().expect("a key")).collect()
}

async fn as_form(caller: &Caller, path: &str, media: &str) -> Answer {
    let answer = caller.call(reqwest::Method::GET, path).header("accept", media).send().await;
    answer.expect(200);
    assert!(answer.header("content-type").starts_with(media), "{}", answer.header("content-type"));
    answer
}

stories! {
    /// What a line says, by numbers that can be worked out by hand.
    async fn a_line_says_how_it_stands_and_where_it_came_from(app) {
        let ann = ann_cares(&app).await;
        kpi(&ann, "Churn rate").await;
        measured(&ann, "churn-rate", &[("2025-03-31", 2.0), ("2026-01-31", 3.0), ("2026-02-28", 4.5), ("2026-03-30", 5.0)]).await;
        prescribed(&ann, "churn-rate", json!({"title": "Keep customers", "state": "active"})).await;
        let shown = ann.get("scorecard").await;
        let row = shown.expect(200).at("/rows/0").clone();
        // 5.0 - 4.5 = 0.5, a ninth of 4.5; 5.0 - 2.0 = 3.0, one and a half times 2.0. Less is better.
        for (field, value) in [
            ("current", json!({"period": "2026-03", "starts_on": "2026-03-01", "value": 5.0, "complete": false})),
            ("target", json!({"min": null, "max": 4.0})),
            ("before", json!({"period": "2026-02", "starts_on": "2026-02-01", "value": 4.5, "change": 0.5, "change_ratio": 0.5 / 4.5, "change_is_good": false})),
            ("year_before", json!({"period": "2025-03", "starts_on": "2025-03-01", "value": 2.0, "change": 3.0, "change_ratio": 1.5, "change_is_good": false})),
            ("health", json!("unhealthy")), ("measured", json!("monthly")), ("cadence", json!("monthly")), ("trend", json!(null)),
        ] {
            assert_eq!(row[field], value, "{field}");
        }
        assert_eq!(row["recent"].as_array().expect("recent").iter().map(|one| one["value"].clone()).collect::<Vec<_>>(), [2.0, 3.0, 4.5, 5.0]);
        assert_eq!((&row["remedies"][0]["objective"]["title"], &row["owner"]["name"]), (&json!("Keep customers"), &json!("ann")));
        assert_eq!((shown.text("/title"), shown.at("/counts")), ("acme", &json!({"healthy": 0, "at_risk": 0, "unhealthy": 1, "unknown": 0})));
        // The same as the KPI itself says.
        let kpi = ann.get("kpis/churn-rate").await;
        assert_eq!((kpi.at("/current/change"), kpi.at("/health"), kpi.at("/episode")), (&json!(0.5), &row["health"], &row["episode"]));

        // At the end of February nobody had prescribed anything, and March was not there.
        let then = ann.get("scorecard?as_of=2026-02-28").await;
        assert_eq!(then.expect(200).at("/rows/0/current/value"), 4.5);
        assert_eq!((then.at("/rows/0/before/value"), then.at("/rows/0/year_before"), then.at("/rows/0/remedies")), (&json!(3.0), &Value::Null, &json!([])));
        assert_eq!(ann.get("scorecard?known_at=2026-03-31T09:00:00Z").await.expect(200).at("/rows"), &json!([]));
        ann.get("scorecard?as_of=2026-04-01").await.refused(422, "validation_failed").names("as_of", "in_the_future");
    }

    /// A board asks for quarters: sums and their targets add up, means stay in their scale.
    async fn a_board_folds_by_its_own_periods(app) {
        let ann = ann_cares(&app).await;
        make(&ann, json!({"name": "Leads", "aggregation": "sum", "target": {"min": 40}})).await;
        make(&ann, json!({"name": "Wait", "aggregation": "mean", "target": {"max": 10}})).await;
        make(&ann, json!({"name": "Weekly", "cadence": "weekly", "aggregation": "sum", "target": {"min": 1}})).await;
        make(&ann, json!({"name": "Yearly", "cadence": "yearly"})).await;
        for (key, values) in [
            ("leads", vec![("2025-01-15", 10.0), ("2025-02-15", 10.0), ("2025-03-15", 10.0), ("2025-10-15", 10.0), ("2025-11-15", 20.0), ("2025-12-15", 30.0), ("2026-01-15", 30.0), ("2026-02-15", 50.0), ("2026-03-15", 45.0)]),
            ("wait", vec![("2025-12-01", 4.0), ("2026-01-15", 6.0), ("2026-02-15", 8.0), ("2026-03-15", 16.0)]),
            ("weekly", vec![("2026-03-16", 3.0)]),
            ("yearly", vec![("2025-06-01", 7.0)]),
        ] {
            measured(&ann, key, &values).await;
        }
        let board = ann.post("boards", json!({"name": "Quarterly", "cadence": "quarterly", "kpi_ids": ["wait", "leads", "weekly", "yearly"]})).await;
        let path = format!("scorecard?board={}", board.expect(201).text("/id"));
        app.it_is("2026-04-02T10:00:00Z");
        let shown = ann.get(&path).await;
        assert_eq!(keys(&shown), ["wait", "leads", "weekly", "yearly"]);
        assert_eq!((shown.text("/title"), shown.text("/cadence")), ("Quarterly", "quarterly"));
        // (6 + 8 + 16) / 3 = 10, on the edge of the target; 4 before. March itself, with 16, is unhealthy.
        let wait = shown.at("/rows/0");
        assert_eq!((&wait["current"]["value"], &wait["before"]["change"], &wait["target"]["max"]), (&json!(10.0), &json!(6.0), &json!(10.0)));
        assert_eq!((&wait["health"], &wait["measured"], &wait["cadence"]), (&json!("unhealthy"), &json!("monthly"), &json!("quarterly")));
        assert_eq!(wait["recent"][1]["health"], "healthy");
        // 30 + 50 + 45 = 125 against 3 times 40; 10 + 20 + 30 = 60 before; 10 + 10 + 10 = 30 a year before.
        let leads = shown.at("/rows/1");
        assert_eq!(leads["current"], json!({"period": "2026-Q1", "starts_on": "2026-01-01", "value": 125.0, "complete": true}));
        assert_eq!((&leads["target"]["min"], &leads["before"]["value"], &leads["year_before"]["value"]), (&json!(120.0), &json!(60.0), &json!(30.0)));
        assert_eq!((&leads["before"]["change"], &leads["year_before"]["change"], &leads["health"]), (&json!(65.0), &json!(95.0), &json!("healthy")));
        // Weeks do not fill a quarter; a year is no part of one.
        assert_eq!((&shown.at("/rows/2")["target"], &shown.at("/rows/2")["current"]["value"]), (&Value::Null, &json!(3.0)));
        assert_eq!((&shown.at("/rows/3")["cadence"], &shown.at("/rows/3")["current"]["period"]), (&json!("yearly"), &json!("2025")));
        // In December the quarter was not over, and the latest one before it with points was the first. A mean runs.
        let then = ann.get(&format!("{path}&as_of=2025-12-20")).await;
        assert_eq!((then.expect(200).at("/rows/1/current/period"), then.at("/rows/1/current/value")), (&json!("2025-Q1"), &json!(30.0)));
        assert_eq!((then.at("/rows/0/current/value"), then.at("/rows/0/current/complete")), (&json!(4.0), &json!(false)));
        let unfolded = ann.get("scorecard").await;
        assert_eq!(unfolded.at("/rows/0/current/period"), "2026-03");
    }

    /// A team's scorecard holds its own KPIs; private and archived ones are not in it.
    async fn a_scorecard_shows_what_its_readers_may_see(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "member").await;
        ann.post("teams", json!({"name": "Growth"})).await.expect(201);
        ann.post("teams", json!({"name": "Web"})).await.expect(201);
        for (name, team) in [("Alpha", json!("growth")), ("Beta", json!("web")), ("Gamma", json!(null)), ("Gone", json!("web"))] {
            make(&ann, json!({"name": name, "team_id": team})).await;
        }
        make(&bob, json!({"name": "Salaries", "visibility": "private"})).await;
        ann.delete("kpis/gone").await.expect(204);
        assert_eq!(keys(&ann.get("scorecard").await), ["alpha", "beta", "gamma"]);
        let growth = ann.get("scorecard?team=growth").await;
        assert_eq!((keys(&growth), growth.text("/title"), growth.text("/team/slug")), (vec!["alpha"], "Growth", "growth"));
        let board = bob.post("boards", json!({"name": "Mixed", "kpi_ids": ["salaries", "gamma"]})).await;
        let path = format!("scorecard?board={}", board.expect(201).text("/id"));
        let (hers, his) = (ann.get(&path).await, bob.get(&path).await);
        assert_eq!((keys(&hers), hers.number("/private")), (vec!["gamma"], 1.0));
        assert_eq!((keys(&his), his.number("/private")), (vec!["salaries", "gamma"], 0.0));
        assert!(as_form(&ann, &path, "text/html").await.raw.contains("1 more KPI stands on this board"));
        ann.get(&format!("{path}&team=growth")).await.refused(422, "validation_failed").names("team", "not_applicable");
        for (query, status, code) in [
            ("board=kpi_01h455vb4pex5vsknk084sn02q", 400, "invalid_query"), ("board=brd_01h455vb4pex5vsknk084sn02q", 404, "not_found"),
            ("team=nothing", 404, "not_found"), ("team=growth&team=web", 400, "invalid_query"), ("colour=red", 400, "invalid_query"),
            ("as_of=yesterday", 400, "invalid_query"),
        ] {
            ann.get(&format!("scorecard?{query}")).await.refused(status, code);
        }
    }

    /// No cell of the table is a formula, and numbers are numbers.
    async fn the_table_is_safe_in_a_spreadsheet(app) {
        let ann = ann_cares(&app).await;
        for (number, beginning) in ["=1+1", "+1", "-1", "@SUM(A1)", "'=1", "plain, \"quoted\""].into_iter().enumerate() {
            make(&ann, json!({"key": format!("k{number}"), "name": beginning, "display": {"unit": beginning}})).await;
        }
        measured(&ann, "k2", &[("2026-02-01", -3.5), ("2026-03-01", -4.0)]).await;
        let table = as_form(&ann, "scorecard", "text/csv").await;
        let mut reader = csv::Reader::from_reader(table.raw.as_bytes());
        let headers = reader.headers().expect("a header").clone();
        let lines: Vec<csv::StringRecord> = reader.records().map(|line| line.expect("a line")).collect();
        assert_eq!(lines.len(), 6);
        let cell = |line: &csv::StringRecord, column: &str| {
            let place = headers.iter().position(|name| name == column).expect("a column");
            line.get(place).expect("a cell").to_owned()
        };
        let mut names: Vec<String> = lines.iter().map(|line| cell(line, "name")).collect();
        names.sort();
        assert_eq!(names, ["''=1", "'+1", "'-1", "'=1+1", "'@SUM(A1)", "plain, \"quoted\""]);
        let negative = lines.iter().find(|line| cell(line, "key") == "k2").expect("the line");
        for (column, value) in [
            ("value", "-4"), ("before_value", "-3.5"), ("before_change", "-0.5"), ("unit", "'-1"), ("period", "2026-03"), ("as_of", "2026-03-31"),
            ("health", "unknown"), ("health_reason", "no_target"), ("year_before_value", ""), ("recent", "'-3.5 -4"), ("owner", "ann"),
        ] {
            assert_eq!(cell(negative, column), value, "{column}");
        }
    }

    /// The page is one piece: nothing in it is markup that somebody else wrote, and nothing is loaded.
    async fn the_page_stands_for_itself(app) {
        let ann = ann_cares(&app).await;
        let evil = "<script>alert('1')</script><img src=x onerror=alert(1)>&amp;";
        make(&ann, json!({"key": "evil", "name": evil, "display": {"unit": "<b>"}, "target": {"max": 4}})).await;
        measured(&ann, "evil", &[("2026-02-01", 3.0), ("2026-03-01", 5.0)]).await;
        prescribed(&ann, "evil", json!({"title": "<i>heal</i>", "state": "active"})).await;
        let page = as_form(&ann, "scorecard", "text/html").await;
        for markup in ["<script", "<img", "<b>", "<i>", "onerror=alert(1)>", "http://", "https://", "url("] {
            let found = page.raw.replace("&lt;img src=x onerror=alert(1)&gt;", "").contains(markup);
            assert!(!found, "{markup} stands in {}", page.raw);
        }
        assert!(page.raw.contains("&lt;script&gt;alert(&#39;1&#39;)&lt;/script&gt;"), "{}", page.raw);
        for part in ["role=\"rowheader\" scope=\"row\"", "aria-label=\"2 values from 2026-02-01 to 2026-03-01", "<html lang=\"en\">", "prefers-color-scheme:dark", "unhealthy"] {
            assert!(page.raw.contains(part), "{part} is not in {}", page.raw);
        }
        let policy = page.header("content-security-policy");
        assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
        assert!(!policy.contains("script-src"), "{policy}");
        assert!(page.header("vary").contains("accept"));
        // An empty one says so.
        assert!(as_form(&ann, "scorecard?as_of=2025-01-01", "text/html").await.raw.contains("no value"));
    }

    /// The number of statements does not grow with the number of KPIs.
    async fn statements_do_not_grow_with_kpis(app) {
        let ann = ann_cares(&app).await;
        let fill = async |from: usize, to: usize| {
            for number in from..to {
                let key = make(&ann, json!({"key": format!("k{number}"), "name": format!("KPI {number}"), "target": {"max": 4}})).await;
                measured(&ann, &key, &[("2026-02-28", 5.0), ("2026-03-30", 6.0)]).await;
                prescribed(&ann, &key, json!({"state": "active"})).await;
            }
        };
        let boarded = async |count: usize| {
            let kpis: Vec<String> = (0..count).map(|number| format!("k{number}")).collect();
            let made = ann.post("boards", json!({"name": "B", "cadence": "quarterly", "kpi_ids": kpis})).await;
            format!("scorecard?board={}", made.expect(201).text("/id"))
        };
        fill(0, 2).await;
        let small = boarded(2).await;
        let mut counts = Vec::new();
        for path in ["scorecard", "scorecard?as_of=2026-03-30", &small] {
            counts.push(app.statements_of(&ann, path).await);
        }
        fill(2, 8).await;
        let large = boarded(8).await;
        for (path, before) in ["scorecard", "scorecard?as_of=2026-03-30", &large].into_iter().zip(counts) {
            assert_eq!(app.statements_of(&ann, path).await, before, "{path}");
            assert!((5..50).contains(&before), "{before} statements were counted");
        }
    }
}
