//! What becomes of tokens.

use reqwest::Method;
use serde_json::json;

use super::recorder::Recorder;
use crate::harness::Caller;

pub async fn tell(story: &mut Recorder, ann: &Caller, token: &str, bob: &str) {
    let renamed = json!({"name": "Export at night"});
    story.tell(ann, Method::PATCH, &format!("tokens/{token}"), Some(renamed)).await;
    let service = json!({"name": "Shop", "kind": "service", "role": "member", "scopes": ["points:write"]});
    ann.post("tokens", service).await.expect(201);
    let revoked = json!({"kinds": ["personal", "service"], "member_id": bob});
    story.tell(ann, Method::POST, "token-revocations", Some(revoked)).await;
    story.tell(ann, Method::POST, "token-revocations", Some(json!({"kinds": ["service"]}))).await;
}
