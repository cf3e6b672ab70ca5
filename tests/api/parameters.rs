//! Query parameters and conditions: what the document says of them is what holds.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{operations, stories};

/// A value that a schema refuses, where it refuses any text that can stand in a query.
fn unacceptable(schema: &Value) -> Option<String> {
    let schema = schema.get("items").unwrap_or(schema);
    if let Some(minimum) = schema["minimum"].as_i64() {
        return Some((minimum - 1).to_string());
    }
    if let Some(maximum) = schema["maximum"].as_i64() {
        return Some((maximum + 1).to_string());
    }
    if let Some(longest) = schema["maxLength"].as_u64() {
        return Some("x".repeat(usize::try_from(longest).expect("a length") + 1));
    }
    schema.get("enum").map(|_| "no_such_word".to_owned())
}

stories! {
    /// Each bounded parameter of each list and report is held to its bounds.
    async fn the_bounds_of_queries_hold(app) {
        let ann = app.owner_of("ann", "acme").await;
        let mut held = 0;
        for operation in operations() {
            let path = operation.template.replace("{workspace}", "acme");
            if path.contains('{') || operation.method != Method::GET {
                continue;
            }
            for parameter in operation.said["parameters"].as_array().into_iter().flatten() {
                let name = parameter["name"].as_str().expect("a name");
                let Some(value) = unacceptable(&parameter["schema"]).filter(|_| parameter["in"] == "query") else {
                    continue;
                };
                // A long cursor is one that no list has made, and its problem says so.
                if name == "cursor" {
                    continue;
                }
                let answer = ann.get(&format!("{path}?{name}={value}")).await;
                answer.refused(400, "invalid_query");
                held += 1;
            }
        }
        assert!(held > 20, "only {held} parameters have bounds");
        let long = "x".repeat(201);
        let refused = ann.get(&format!("/v1/workspaces/acme/members?q={long}")).await;
        assert_eq!(refused.text("/detail"), "q: it takes at most 200 characters");
        ann.get("/v1/workspaces/acme/events?after=-1").await.refused(400, "invalid_query");
        ann.get("/v1/workspaces/acme/events?after=0").await.expect(200);
    }

    /// A condition that cannot be read is told, and one for another version is 412, however large.
    async fn conditions_are_read_or_refused(app) {
        let ann = app.owner_of("ann", "acme").await;
        let workspace = "/v1/workspaces/acme";
        let tag = ann.get(workspace).await.header("etag").to_owned();
        for known in ["*".to_owned(), tag.clone(), format!("\"other\", W/{tag}")] {
            ann.call(Method::GET, workspace).header("if-none-match", &known).send().await.expect(304);
        }
        for strange in ["", "nonsense", "\"open", "\"a\" \"b\"", &format!("\"{}\"", "x".repeat(1024))] {
            let answer = ann.call(Method::GET, workspace).header("if-none-match", strange).send().await;
            answer.refused(400, "invalid_header");
        }
        for (condition, status) in [("\"99999999999999999999\"", 412), ("\"7-x\"", 412), ("\"-x\"", 400), ("7", 400)] {
            let call = ann.call(Method::PATCH, workspace).header("if-match", condition);
            call.json(&json!({"name": "Other"})).send().await.expect(status);
        }
        let stranger = app.stranger();
        stranger.call(Method::GET, "/livez").header("if-none-match", "x").send().await.refused(400, "invalid_header");
        stranger.call(Method::GET, "/nowhere").header("if-none-match", "x").send().await.refused(404, "not_found");
    }
}
