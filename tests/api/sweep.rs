//! Sweeps over the OpenAPI document: nothing new can be forgotten.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{document, stories};

/// Operations that are open to everybody; all others want a credential.
const PUBLIC: &[&str] = &[
    "register_account",
    "create_session",
    "refresh_session",
    "show_liveness",
    "show_readiness",
    "show_keys",
    "list_problems",
    "show_problem",
];

/// Every operation: its method, its path with made-up parameters, and what the document says of it.
fn operations() -> Vec<(Method, String, &'static Value)> {
    let paths = document()["paths"].as_object().expect("paths");
    let mut all = Vec::new();
    for (path, item) in paths {
        let path = path
            .split('/')
            .map(|segment| match segment {
                "{workspace}" => "nowhere",
                "{at}" | "{date}" => "2026-03-31",
                parameter if parameter.starts_with('{') => "something",
                literal => literal,
            })
            .collect::<Vec<_>>()
            .join("/");
        for (method, operation) in item.as_object().expect("methods") {
            let method = method.to_ascii_uppercase().parse().expect("a method");
            all.push((method, path.clone(), operation));
        }
    }
    assert!(all.len() > 10, "the document lists {} operations", all.len());
    all
}

fn id(operation: &Value) -> &str {
    operation["operationId"].as_str().expect("an operationId")
}

stories! {
    /// A stranger gets 401 everywhere but at the operations that are open to everybody.
    async fn a_stranger_gets_nowhere(app) {
        let stranger = app.stranger();
        let forged = app.with_token("a forger", "rgm_000000000000000000000000000000000000");
        for (method, path, operation) in operations() {
            let public = PUBLIC.contains(&id(operation));
            assert_eq!(operation["security"] == json!([]), public, "{} and its security", id(operation));
            if public {
                continue;
            }
            let answer = stranger.call(method.clone(), &path).send().await;
            answer.refused(401, "credential_required");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
            forged.call(method, &path).send().await.refused(401, "invalid_credential");
        }
    }

    /// A workspace that is not the caller's is not there, whatever is asked of it.
    async fn a_foreign_workspace_is_not_there(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.person("bob").await;
        drop(ann);
        for (method, path, operation) in operations() {
            if !path.starts_with("/v1/workspaces/nowhere") {
                continue;
            }
            let absent = bob.call(method.clone(), &path).json(&json!({})).send().await;
            let foreign = bob.call(method.clone(), &path.replace("nowhere", "acme")).json(&json!({})).send().await;
            if absent.status == 415 {
                // It takes another media type; the workspace was not asked for yet.
                continue;
            }
            assert_eq!(absent.status, 404, "{} {path}: {}", id(operation), absent.raw);
            assert_eq!(foreign.status, 404, "{} {path}: {}", id(operation), foreign.raw);
            let strip = |body: &Value| {
                let mut body = body.clone();
                body["request_id"] = Value::Null;
                body
            };
            assert_eq!(strip(&absent.body), strip(&foreign.body));
        }
    }

    /// A method that a path does not take is 405 with `Allow`; OPTIONS and HEAD work everywhere.
    async fn methods_are_told(app) {
        let stranger = app.stranger();
        for (path, item) in document()["paths"].as_object().expect("paths") {
            let path = path.replace("{workspace}", "x").replace(['{', '}'], "");
            let answer = stranger.call(Method::TRACE, &path).send().await;
            answer.refused(405, "method_not_allowed");
            let options = stranger.call(Method::OPTIONS, &path).send().await;
            options.expect(204);
            for method in item.as_object().expect("methods").keys() {
                assert!(answer.header("allow").contains(&method.to_ascii_uppercase()), "{path}: {}", answer.header("allow"));
            }
            assert_eq!(answer.header("allow"), options.header("allow"));
        }
    }

    /// Each wrong kind of body is refused before anything happens, and never with a 5xx.
    async fn wrong_bodies_are_refused(app) {
        let ann = app.owner_of("ann", "acme").await;
        for (method, path, operation) in operations() {
            if operation.get("requestBody").is_none() {
                continue;
            }
            let path = path.replace("nowhere", "acme");
            let secured = operation["security"] != json!([]);
            let media = operation["requestBody"]["content"].as_object().expect("content");
            let json = media.keys().find(|media| media.ends_with("json")).expect("a JSON body").clone();
            let wrong: [(&str, Vec<u8>); 9] = [
                (&json, b"{".to_vec()),
                (&json, b"".to_vec()),
                (&json, b"null".to_vec()),
                (&json, b"\"text\"".to_vec()),
                (&json, b"{\"no_such_field\": 1}".to_vec()),
                (&json, b"{\"a\":1,\"a\":2}".to_vec()),
                (&json, vec![0xff, 0xfe, 0x00]),
                (&json, "[".repeat(50_000).into_bytes()),
                ("application/x-www-form-urlencoded", b"a=b".to_vec()),
            ];
            for (media, body) in wrong {
                let answer = ann.call(method.clone(), &path).raw(media, body.clone()).send().await;
                assert!(
                    (400..500).contains(&answer.status),
                    "{} took {:?}: {} {}", id(operation), String::from_utf8_lossy(&body[..body.len().min(40)]), answer.status, answer.raw,
                );
                if secured {
                    assert_ne!(answer.status, 401, "{}: {}", id(operation), answer.raw);
                }
            }
            let compressed = ann.call(method.clone(), &path).raw(&json, b"{}".to_vec()).header("content-encoding", "gzip").send().await;
            compressed.refused(415, "unsupported_media_type");
            let large = ann.call(method.clone(), &path).raw(&json, vec![b' '; 5 * 1024 * 1024]).send().await;
            large.refused(413, "body_too_large");
        }
    }
}
