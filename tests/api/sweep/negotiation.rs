//! What callers and server must agree on before anything happens: the media types of answers and
//! bodies, and the size of bodies.

use serde_json::json;

use super::raw::{Raw, host};
use super::{Operation, World, operations};
use crate::harness::{hold, stories};

/// How large a body an operation takes.
fn limit(operation: &Operation) -> usize {
    match operation.template {
        // It takes no credential.
        "/v1/auth/me" => 64 * 1024,
        path if path.starts_with("/v1/auth/") => 4 * 1024,
        "/v1/workspaces/{workspace}/points"
        | "/v1/workspaces/{workspace}/check-ins/batch"
        | "/v1/workspaces/{workspace}/invitations/batch" => 4 * 1024 * 1024,
        _ => 64 * 1024,
    }
}

stories! {
    /// An operation that has nothing in the wanted form does nothing and says what it has.
    async fn impossible_forms_are_refused(app) {
        let world = World::new(&app).await;
        for operation in operations() {
            let path = world.path(&operation);
            for accept in ["application/x-nothing", "font/woff2, audio/*", "*/*;q=0", "application/json;q=0, text/plain;q=0.0, application/x-ndjson;q=0, text/csv;q=0", "nonsense"] {
                let call = world.ann.call(operation.method.clone(), &path).header("accept", accept);
                let call = if operation.takes().is_empty() { call } else { call.json(&json!({})) };
                let refused = call.send().await;
                refused.refused(406, "not_acceptable");
                assert_eq!(refused.header("content-type"), "application/problem+json");
                for media in operation.answers() {
                    assert!(refused.text("/detail").contains(media), "{} does not name {media}", refused.call);
                }
            }
        }
        // Nothing was deleted, archived or ended by any of them.
        for operation in operations().iter().filter(|operation| operation.method == "GET") {
            // Pictures and pages for people have one form each.
            if !operation.answers().contains(&"application/json") {
                world.ann.call(operation.method.clone(), &world.path(operation)).header("accept", "*/*").send().await.expect(200);
                continue;
            }
            for accept in ["*/*", "application/*;q=0.1", "Application/JSON", "text/html, application/json;q=0.001", "application/json; charset=utf-8", "application/*;q=0, application/json"] {
                let path = world.path(operation);
                world.ann.call(operation.method.clone(), &path).header("accept", accept).send().await.expect(200);
            }
        }
    }

    /// A body in a form that the operation does not take is refused with 415.
    async fn bodies_of_other_kinds_are_refused(app) {
        let world = World::new(&app).await;
        for operation in operations() {
            let takes = operation.takes();
            let Some(first) = takes.first() else { continue };
            let path = world.path(&operation);
            let call = || world.ann.call(operation.method.clone(), &path);
            for wrong in ["application/x-www-form-urlencoded", "text/html", "application/jsonx", "json", "multipart/form-data; boundary=x", ""] {
                call().raw(wrong, b"{}".to_vec()).send().await.refused(415, "unsupported_media_type");
            }
            for coding in ["gzip", "br", "deflate", "identity, gzip", "nonsense"] {
                let answer = call().raw(first, b"{}".to_vec()).header("content-encoding", coding).send().await;
                answer.refused(415, "unsupported_media_type");
            }
            let none = format!("{} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-length: 2\r\n\r\n{{}}", operation.method, host(&app), world.ann.token());
            let mut raw = Raw::new(&app);
            raw.send(none.as_bytes());
            let answer = raw.answer(operation.id(), false).expect("an answer");
            hold(&operation.method, &path, &answer);
            answer.refused(415, "unsupported_media_type");
        }
    }

    /// A body is as large as its operation takes, and no larger, announced or not.
    async fn large_bodies_are_refused(app) {
        let world = World::new(&app).await;
        for operation in operations() {
            let takes = operation.takes();
            let Some(media) = takes.first() else { continue };
            let path = world.path(&operation);
            let just_fits = world.ann.call(operation.method.clone(), &path).raw(media, vec![b' '; limit(&operation)]).send().await;
            just_fits.refused(400, "malformed_body");
            let head = format!("{} {path} HTTP/1.1\r\nhost: {}\r\nauthorization: Bearer {}\r\ncontent-type: {media}\r\n", operation.method, host(&app), world.ann.token());
            let size = limit(&operation) + 1;
            // Announced: it is refused before it is sent.
            let announced = format!("{head}content-length: {size}\r\n\r\n");
            // Not announced: it is refused while it comes.
            let mut chunked = format!("{head}transfer-encoding: chunked\r\n\r\n{size:x}\r\n").into_bytes();
            chunked.resize(chunked.len() + size, b' ');
            for request in [announced.as_bytes(), &chunked] {
                let mut raw = Raw::new(&app);
                raw.send(request);
                let answer = raw.answer(operation.id(), false).expect("an answer");
                hold(&operation.method, &path, &answer);
                answer.refused(413, "body_too_large");
            }
        }
    }
}
