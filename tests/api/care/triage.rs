//! Triage: who needs somebody now, the worst first.

use serde_json::json;

use super::*;
use crate::harness::stories;

stories! {
    /// Every KPI stands in one group, the worst first; what needs nobody is only counted.
    async fn everything_in_one_call(app) {
        let ann = ann_cares(&app).await;
        for (name, values) in [
            ("Calm", vec![("2026-03-01", 3.0)]),
            ("Bad", vec![("2026-01-01", 3.0), ("2026-02-01", 4.0), ("2026-03-01", 6.0)]),
            ("Worse", vec![("2026-01-01", 3.0), ("2026-02-01", 4.0), ("2026-03-01", 9.0)]),
            ("Silent", vec![]),
            ("Forgotten", vec![("2025-11-01", 3.0)]),
            ("Long forgotten", vec![("2025-10-01", 3.0)]),
            ("Ailing for long", vec![("2025-11-01", 9.0)]),
            ("Healed", vec![("2026-02-01", 5.0), ("2026-03-01", 4.0)]),
            ("Healed long ago", vec![("2026-01-01", 5.0), ("2026-02-01", 4.0)]),
        ] {
            let key = kpi(&ann, name).await.text("/key").to_owned();
            measured(&ann, &key, &values).await;
        }
        let body = json!({"name": "Warm", "target": {"max": 4}, "tolerance": {"max": 5}});
        ann.post("kpis", body).await.expect(201);
        measured(&ann, "warm", &[("2026-03-01", 4.5)]).await;
        ann.post("objectives", json!({
            "title": "Tidy up", "state": "active", "ends_on": "2026-06-30",
            "key_results": [{"title": "Tidied", "kind": "milestone"}],
        })).await.expect(201);
        ann.post("objectives", json!({"title": "A mere draft"})).await.expect(201);

        // Two have a moving range of 1 to be measured by; what has only one value has no yardstick.
        assert_eq!(groups(&ann, "").await, [
            "untreated: worse bad ailing-for-long",
            "at_risk: warm",
            "unknown: silent long-forgotten forgotten",
            "recovered: healed",
            "orphans: Tidy up",
        ]);
        let shown = ann.get("triage").await;
        assert_eq!(shown.at("/as_of"), "2026-03-31");
        assert_eq!(shown.at("/counts/healthy"), 2);
        let worst = shown.at("/untreated/0");
        for (field, value) in [
            ("severity", json!(5.0)), ("gap", json!(-5.0)), ("since", json!("2026-03-01")),
            ("health", json!("unhealthy")), ("accepted_until", json!(null)), ("remedies", json!([])),
        ] {
            assert_eq!(worst[field], value, "{field}");
        }
        assert_eq!(worst["current"]["change_is_good"], false);
        assert_eq!(worst["episode"]["opened_on"], "2026-03-01");
        assert_eq!(worst["owner"]["name"], "ann");
        assert_eq!(shown.at("/untreated/2/health_reason"), "stale");
        assert_eq!(shown.at("/at_risk/0/severity"), 0.5);
        assert_eq!(shown.at("/unknown/0/freshness/state"), "never");
        assert_eq!(shown.at("/unknown/1/last_known"), "healthy");
        assert_eq!(shown.at("/recovered/0/last_episode"), &json!({
            "opened_on": "2026-02-01", "closed_on": "2026-03-01", "closed_by": "value",
        }));
        assert_eq!(shown.at("/orphans/0/state"), "active");

        let text = ann.call(reqwest::Method::GET, "triage").header("accept", "text/plain").send().await;
        text.expect(200);
        assert_eq!(text.header("content-type"), "text/plain; charset=utf-8");
        insta::allow_duplicates! {
            insta::assert_snapshot!(text.raw, @r"
        Triage of acme on 2026-03-31

        Untreated: 3
          KPI                                VALUE TARGET         SINCE      REMEDY
          Worse                                9 % ≤ 4 %          2026-03-01 none
          Bad                                  6 % ≤ 4 %          2026-03-01 none
          Ailing for long                      9 % ≤ 4 %          2025-11-01 none

        Failed: none

        In treatment: none

        At risk: 1
          KPI                                VALUE TARGET         SINCE      REMEDY
          Warm                                 4.5 ≤ 4            2026-03-01 none

        Slipping: none

        Unknown: 3
          KPI                                VALUE TARGET         STALE ON   REASON
          Silent                              none ≤ 4 %          never      no data
          Long forgotten                       3 % ≤ 4 %          2025-12-11 stale
          Forgotten                            3 % ≤ 4 %          2026-01-11 stale

        Recovered: 1
          KPI                                VALUE TARGET         ON         REMEDY
          Healed                               4 % ≤ 4 %          2026-03-01 none

        Objectives that heal no KPI: 1
          Tidy up                                               ann

        Healthy besides: 2
        ");
        }
        let json = ann.call(reqwest::Method::GET, "triage").header("accept", "text/plain;q=0.5, application/json");
        assert_eq!(json.send().await.header("content-type"), "application/json");
    }

    /// A team looks at its own, a person at hers.
    async fn one_looks_at_ones_own(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "member").await;
        let ann_id = ann.get("members/me").await.text("/id").to_owned();
        ann.post("teams", json!({"name": "Growth"})).await.expect(201);
        for (caller, body) in [
            (&ann, json!({"name": "Hers", "target": {"max": 4}, "team_id": "growth"})),
            (&bob, json!({"name": "His", "target": {"max": 4}})),
        ] {
            let made = caller.post("kpis", body).await;
            measured(&ann, made.expect(201).text("/key"), &[("2026-03-01", 6.0)]).await;
        }
        for (caller, title) in [(&ann, "Her aim"), (&bob, "His aim")] {
            let body = json!({
                "title": title, "state": "active", "ends_on": "2026-06-30",
                "key_results": [{"title": "There", "kind": "milestone"}],
            });
            caller.post("objectives", body).await.expect(201);
        }
        assert_eq!(groups(&ann, "").await, ["untreated: hers his", "orphans: Her aim His aim"]);
        assert_eq!(groups(&bob, "?owner=me").await, ["untreated: his", "orphans: His aim"]);
        assert_eq!(groups(&bob, &format!("?owner=me&owner={ann_id}")).await.len(), 2);
        assert_eq!(groups(&ann, "?team=growth").await, ["untreated: hers"]);
        assert_eq!(groups(&bob, "?team=growth&owner=me").await, Vec::<String>::new());
        assert_eq!(ann.get("triage?owner=me").await.at("/untreated/0/owner/name"), "ann");
    }

    /// The answer is the same while nothing changes, and another once something did.
    async fn it_is_told_only_when_it_changed(app) {
        let ann = ann_cares(&app).await;
        churn_turned_bad(&ann).await;
        let tag = ann.get("triage").await.header("etag").to_owned();
        let again = ann.call(reqwest::Method::GET, "triage").header("if-none-match", &tag).send().await;
        again.expect(304);
        prescribed(&ann, "churn-rate", json!({})).await;
        let changed = ann.call(reqwest::Method::GET, "triage").header("if-none-match", &tag).send().await;
        changed.expect(200);
    }
}
