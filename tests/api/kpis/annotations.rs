//! What happened to a KPI stands on its timeline.

use serde_json::{Value, json};

use crate::harness::{Answer, stories};

fn texts(page: &Answer) -> Vec<&str> {
    let items = page.expect(200).at("/items").as_array().expect("items");
    items.iter().map(|item| item["text"].as_str().expect("a text")).collect()
}

stories! {
    /// A timeline is in the order of the days, whenever they were written down.
    async fn what_happened_stands_on_the_timeline(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.joins(&ann, "bob", "member").await;
        let churn = ann.post("kpis", json!({"name": "Churn rate"})).await;
        let prices = ann.post("kpis/churn-rate/annotations", json!({"on": "2026-03-03", "text": "New prices", "url": "https://example.com/prices"})).await;
        assert_eq!(prices.expect(201).header("location"), format!("/v1/workspaces/{}/annotations/{}", ann.get("").await.text("/id"), prices.text("/id")));
        assert_eq!((prices.at("/kpi/key"), prices.at("/author/name"), prices.at("/can")), (&json!("churn-rate"), &json!("ann"), &json!({"edit": true, "delete": true})));
        let strike = bob.post("kpis/churn-rate/annotations", json!({"on": "2026-02-10", "text": "A strike\nof two days"})).await;
        ann.post("kpis/churn-rate/annotations", json!({"on": "2026-03-03", "text": "A fair"})).await.expect(201);
        assert_eq!(texts(&bob.get("kpis/churn-rate/annotations").await), ["A strike\nof two days", "New prices", "A fair"]);
        assert_eq!(texts(&bob.get("kpis/churn-rate/annotations?from=2026-02-11&to=2026-03-03").await), ["New prices", "A fair"]);
        assert_eq!(texts(&bob.get("kpis/churn-rate/annotations?to=2026-02-10").await), ["A strike\nof two days"]);
        let page = bob.get("kpis/churn-rate/annotations?limit=2&include=total").await;
        assert_eq!((texts(&page).len(), page.number("/total")), (2, 3.0));
        let rest = bob.get(&format!("kpis/churn-rate/annotations?limit=2&cursor={}", page.text("/next_cursor"))).await;
        assert_eq!(texts(&rest), ["A fair"]);

        // Its author and those whose KPI it is change and delete it.
        let path = |answer: &Answer| format!("annotations/{}", answer.text("/id"));
        bob.patch(&path(&prices), json!({"text": "x"})).await.refused(403, "forbidden");
        bob.delete(&path(&prices)).await.refused(403, "forbidden");
        assert_eq!(bob.get(&path(&prices)).await.at("/can"), &json!({"edit": false, "delete": false}));
        let moved = bob.patch(&path(&strike), json!({"on": "2026-03-31", "url": null})).await;
        assert_eq!((moved.expect(200).at("/on"), moved.at("/version")), (&json!("2026-03-31"), &json!(2)));
        assert_eq!(bob.patch(&path(&strike), json!({"on": "2026-03-31"})).await.expect(200).at("/version"), &json!(2));
        assert_eq!(ann.patch(&path(&strike), json!({"text": "A strike"})).await.expect(200).at("/author/name"), "bob");

        // It can be talked about, by its first line, until it is gone.
        let said = bob.post("comments", json!({"subject_id": strike.text("/id"), "text": "Two days?"})).await;
        assert_eq!(said.expect(201).at("/subject"), &json!({"type": "annotation", "id": strike.text("/id"), "name": "A strike"}));
        assert_eq!(texts(&ann.get(&format!("comments?subject={}", strike.text("/id"))).await), ["Two days?"]);
        ann.delete(&path(&strike)).await.expect(204);
        ann.delete(&path(&strike)).await.refused(404, "not_found");
        ann.get(&path(&strike)).await.refused(404, "not_found");
        assert_eq!(texts(&bob.get("kpis/churn-rate/annotations").await), ["New prices", "A fair"]);
        let told = ann.get("events?type=annotation.created&type=annotation.updated&type=annotation.deleted").await;
        let kinds: Vec<&str> = told.at("/items").as_array().expect("items").iter().map(|event| event["type"].as_str().expect("a type")).collect();
        assert_eq!(kinds, ["annotation.deleted", "annotation.updated", "annotation.updated", "annotation.created", "annotation.created", "annotation.created"]);
        assert_eq!(told.at("/items/1/change/before/text"), "A strike\nof two days");

        // With its KPI it is hidden.
        ann.patch("kpis/churn-rate", json!({"visibility": "private"})).await.expect(200);
        for gone in [path(&prices), format!("kpis/{}/annotations", churn.text("/id"))] {
            bob.get(&gone).await.refused(404, "not_found");
        }
        bob.post("kpis/churn-rate/annotations", json!({"on": "2026-03-03", "text": "x"})).await.refused(404, "not_found");
        assert_eq!(bob.get("events?type=annotation.created").await.at("/items"), &json!([]));
        assert_eq!(bob.get("comments").await.at("/items"), &json!([]));
    }

    /// What did not happen yet, or says nothing, is refused.
    async fn bad_annotations_are_refused(app) {
        let ann = app.owner_of("ann", "acme").await;
        let vic = app.joins(&ann, "vic", "viewer").await;
        let eve = app.owner_of("eve", "evil").await;
        ann.post("kpis", json!({"name": "Churn rate"})).await.expect(201);
        let path = "kpis/churn-rate/annotations";
        for (body, pointer, code) in [
            (json!({"text": "x"}), "/on", "required"),
            (json!({"on": "2026-04-01", "text": "x"}), "/on", "in_the_future"),
            (json!({"on": "1899-12-31", "text": "x"}), "/on", "out_of_bounds"),
            (json!({"on": "2026-02-30", "text": "x"}), "/on", "malformed"),
            (json!({"on": "2026-03-31T10:00:00Z", "text": "x"}), "/on", "malformed"),
            (json!({"on": "2026-03-31", "text": " \n"}), "/text", "blank"),
            (json!({"on": "2026-03-31", "text": "a\u{0}b"}), "/text", "nul"),
            (json!({"on": "2026-03-31", "text": "x".repeat(4_001)}), "/text", "too_long"),
            (json!({"on": "2026-03-31", "text": "x", "url": "javascript:alert(1)"}), "/url", "malformed"),
            (json!({"on": "2026-03-31", "text": "x", "url": "https://ann:secret@example.com"}), "/url", "malformed"),
            (json!({"on": "2026-03-31", "text": "x", "author_id": "me"}), "/author_id", "unknown_field"),
        ] {
            ann.post(path, body).await.refused(422, "validation_failed").names(pointer, code);
        }
        vic.post(path, json!({"on": "2026-03-31", "text": "x"})).await.refused(403, "forbidden");
        let made = ann.post(path, json!({"on": "2026-03-31", "text": "x"})).await;
        let at = format!("annotations/{}", made.text("/id"));
        eve.get(&at).await.refused(404, "not_found");
        ann.patch(&at, json!({"on": "2026-04-01"})).await.refused(422, "validation_failed").names("/on", "in_the_future");
        ann.patch(&at, json!({"on": null})).await.refused(422, "validation_failed").names("/on", "wrong_type");
        ann.patch(&at, json!({"text": "y", "version": 7})).await.refused(409, "version_conflict");
        ann.get("annotations/kpi_01h455vb4pex5vsknk084sn02q").await.refused(400, "invalid_id");
        assert_eq!(ann.get(&format!("{path}?from=2026-04-01&to=2026-03-31")).await.expect(200).at("/items"), &json!([]));
        ann.get(&format!("{path}?from=yesterday")).await.refused(400, "invalid_query");
        assert_eq!(ann.get(path).await.at("/items").as_array().map(Vec::len), Some(1));
        assert_eq!(ann.get(path).await.at("/items/0/url"), &Value::Null);
    }
}
