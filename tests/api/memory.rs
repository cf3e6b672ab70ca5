//! Answers that are given again: as long as nothing has changed, and not a write longer.

use reqwest::Method;
use serde_json::json;

use crate::harness::stories;

stories! {
    /// The same question costs next to nothing the second time; after any write, by anybody, it is answered anew.
    async fn an_answer_is_given_again_until_something_is_written(app) {
        let ann = app.owner_of("ann", "acme").await;
        let mia = app.joins(&ann, "mia", "member").await;
        ann.post("kpis", json!({"name": "Churn", "target": {"max": 5}})).await.expect(201);
        let (first, made) = app.statements_while(mia.call(Method::GET, "kpis/churn").fetch()).await;
        let (again, recalled) = app.statements_while(mia.call(Method::GET, "kpis/churn").fetch()).await;
        assert_eq!(first.expect(200).body, again.expect(200).body);
        // No more than who asks, and which revision there is; on a server with a transaction around it.
        assert!(recalled <= 5 && made > 2 * recalled, "{made} statements, and {recalled} the second time");

        ann.put("kpis/churn/points/2026-03-31", json!({"value": 9})).await.expect(201);
        assert_eq!(mia.get("kpis/churn").await.text("/health"), "unhealthy");
        ann.patch("kpis/churn", json!({"name": "Churned"})).await.expect(200);
        assert_eq!(mia.get("kpis/churn").await.text("/name"), "Churned");
        let mine = mia.get("members/me").await.text("/id").to_owned();
        assert_eq!(mia.get("kpis/churn").await.at("/can/edit"), &json!(false));
        ann.patch("kpis/churn", json!({"owner_id": mine})).await.expect(200);
        assert_eq!(mia.get("kpis/churn").await.at("/can/edit"), &json!(true));
        ann.patch(&format!("members/{mine}"), json!({"role": "viewer"})).await.expect(200);
        assert_eq!(mia.get("kpis/churn").await.at("/can/edit"), &json!(false));
        ann.delete(&format!("members/{mine}")).await.expect(204);
        mia.get("kpis/churn").await.refused(404, "not_found");
    }

    /// What one caller was answered is no answer to another, nor to another address, form or instant.
    async fn an_answer_is_for_one_caller_one_question_and_one_instant(app) {
        let ann = app.owner_of("ann", "acme").await;
        let vera = app.joins(&ann, "vera", "viewer").await;
        ann.post("kpis", json!({"name": "Churn", "target": {"max": 5}})).await.expect(201);
        ann.put("kpis/churn/points/2026-03-31", json!({"value": 2})).await.expect(201);
        assert_eq!(ann.get("kpis/churn").await.at("/can/edit"), &json!(true));
        assert_eq!(vera.get("kpis/churn").await.at("/can/edit"), &json!(false));
        assert_eq!(ann.get("kpis").await.at("/items/0/recent"), &json!(null));
        assert!(ann.get("kpis?include=recent").await.at("/items/0/recent").is_array());
        let text = ann.call(Method::GET, "points").header("accept", "text/csv").fetch().await;
        assert!(text.header("content-type").starts_with("text/csv"), "{}", text.raw);
        assert!(ann.get("points").await.header("content-type").starts_with("application/json"));
        // Nobody writes: the clock alone makes it stale.
        assert_eq!(ann.get("kpis/churn").await.text("/freshness/state"), "fresh");
        app.it_is("2026-07-31T09:30:00Z");
        let ann = app.signs_in("ann").await.inside("acme");
        assert_eq!(ann.get("kpis/churn").await.text("/freshness/state"), "stale");
        assert_eq!(ann.get("kpis/churn").await.text("/health"), "unknown");
    }

    /// Whoever has the answer already is told so, and an answer to somebody whose session ended is none.
    async fn a_known_answer_is_not_sent_and_an_ended_session_gets_none(app) {
        let ann = app.owner_of("ann", "acme").await;
        let again = app.signs_in("ann").await.inside("acme");
        ann.post("kpis", json!({"name": "Churn"})).await.expect(201);
        let tag = again.get("kpis/churn").await.header("etag").to_owned();
        let known = again.call(Method::GET, "kpis/churn").header("if-none-match", &tag).send().await;
        known.expect(304);
        again.call(Method::POST, "/v1/auth/logout").send().await.expect(204);
        again.get("kpis/churn").await.refused(401, "invalid_credential");
        ann.get("kpis/churn").await.expect(200);
    }
}
