//! Who is refused, and what: strangers, foreign workspaces, methods, bodies.

use reqwest::Method;
use serde_json::{Value, json};

use super::{World, operations};
use crate::harness::{stories, stories_without_a_database};

/// Operations that are open to everybody, by their paths; all others want a credential.
const OPEN: &[&str] = &[
    "POST /v1/auth/register",
    "POST /v1/auth/login",
    "POST /v1/auth/refresh",
    "GET /v1/auth/providers",
    "POST /v1/auth/providers/{provider}/authorization",
    "POST /v1/auth/providers/{provider}/callback",
    "GET /livez",
    "GET /readyz",
    "GET /.well-known/jwks.json",
    "GET /problems",
    "GET /problems/{code}",
    "GET /shared/{shared_picture}/picture.svg",
    "GET /shared/{shared_scorecard}/scorecard",
];

stories! {
    /// A stranger gets 401 everywhere but at the operations that are open to everybody.
    async fn a_stranger_gets_nowhere(app) {
        let stranger = app.stranger();
        let forged = app.with_token("a forger", "rgm_000000000000000000000000000000000000");
        for operation in operations() {
            let open = OPEN.contains(&format!("{} {}", operation.method, operation.template).as_str());
            assert_eq!(operation.is_open(), open, "{} and its security", operation.id());
            if open {
                continue;
            }
            let path = operation.path_to_nothing();
            let answer = stranger.call(operation.method.clone(), &path).send().await;
            answer.refused(401, "credential_required");
            assert_eq!(answer.header("www-authenticate"), "Bearer");
            forged.call(operation.method, &path).send().await.refused(401, "invalid_credential");
        }
    }

    /// A workspace that is not the caller's is not there, whatever is asked of it.
    async fn a_foreign_workspace_is_not_there(app) {
        let ann = app.owner_of("ann", "acme").await;
        let bob = app.person("bob").await;
        drop(ann);
        for operation in operations() {
            let (method, path) = (operation.method.clone(), operation.path_to_nothing());
            if !path.starts_with("/v1/workspaces/nowhere") {
                continue;
            }
            let absent = bob.call(method.clone(), &path).json(&json!({})).send().await;
            let foreign = bob.call(method.clone(), &path.replace("nowhere", "acme")).json(&json!({})).send().await;
            if absent.status == 415 {
                // It takes another media type; the workspace was not asked for yet.
                continue;
            }
            assert_eq!(absent.status, 404, "{} {path}: {}", operation.id(), absent.raw);
            assert_eq!(foreign.status, 404, "{} {path}: {}", operation.id(), foreign.raw);
            let strip = |body: &Value| {
                let mut body = body.clone();
                body["request_id"] = Value::Null;
                body
            };
            assert_eq!(strip(&absent.body), strip(&foreign.body));
        }
    }

    /// Each wrong kind of body is refused before anything happens, and never with a 5xx.
    async fn wrong_bodies_are_refused(app) {
        let world = World::new(&app).await;
        for operation in operations() {
            let Some(json) = operation.takes().into_iter().find(|media| media.ends_with("json")) else { continue };
            // Some of it is there, some is not: nothing wrong may depend on that.
            for path in [operation.path_to_nothing().replace("nowhere", "acme"), world.path(&operation)] {
                let wrong: [&[u8]; 9] = [
                    b"{",
                    b"",
                    b"null",
                    b"\"text\"",
                    b"{\"no_such_field\": 1}",
                    b"{\"a\":1,\"a\":2}",
                    b"{\"a\":NaN}",
                    &[0xff, 0xfe, 0x00],
                    &[b'['; 50_000],
                ];
                for body in wrong {
                    let call = world.ann.call(operation.method.clone(), &path);
                    let answer = call.raw(json, if body.len() > 4096 && operation.template.starts_with("/v1/auth/") { &body[..4096] } else { body }).send().await;
                    assert!(
                        (400..500).contains(&answer.status),
                        "{} took {:?}: {} {}", operation.id(), String::from_utf8_lossy(&body[..body.len().min(40)]), answer.status, answer.raw,
                    );
                    if !operation.is_open() {
                        assert_ne!(answer.status, 401, "{}: {}", operation.id(), answer.raw);
                    }
                    assert!(![413, 415].contains(&answer.status), "{}: {}", operation.id(), answer.raw);
                }
            }
        }
    }
}

stories_without_a_database! {
    /// A method that a path does not take is 405 with `Allow`; OPTIONS and HEAD work everywhere.
    async fn methods_are_told(app) {
        let stranger = app.stranger();
        for methods in operations().chunk_by(|left, right| left.template == right.template) {
            let path = methods[0].template.replace("{workspace}", "x").replace(['{', '}'], "");
            let mut allowed: Vec<String> = methods.iter().map(|one| one.method.to_string()).collect();
            if methods.iter().any(|one| one.method == Method::GET) {
                allowed.push("HEAD".into());
            }
            allowed.push("OPTIONS".into());
            allowed.sort();
            let told = |answer: &crate::harness::Answer| {
                let mut told: Vec<String> = answer.header("allow").split(", ").map(str::to_owned).collect();
                told.sort();
                told
            };
            for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "TRACE", "PROPFIND"] {
                if allowed.iter().any(|known| known == method) {
                    continue;
                }
                let answer = stranger.call(method.parse().expect("a method"), &path).send().await;
                answer.expect(405);
                assert!(method == "HEAD" || answer.body["code"] == "method_not_allowed", "{}", answer.raw);
                assert_eq!(told(&answer), allowed, "{}", answer.call);
            }
            let options = stranger.call(Method::OPTIONS, &path).send().await;
            assert_eq!(told(options.expect(204)), allowed, "{}", options.call);
        }
    }
}
