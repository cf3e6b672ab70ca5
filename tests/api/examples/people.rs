//! The examples of people and what they answer for.

use reqwest::Method;
use serde_json::json;

use super::recorder::Recorder;
use crate::harness::{Caller, email};

/// Ann invites many, looks what Bob answers for and who can do what.
pub async fn tell(story: &mut Recorder, ann: &Caller, bobs: &str) {
    let (get, post) = (Method::GET, Method::POST);
    let many = json!([
        {"email": email("carol"), "team_ids": ["growth"]},
        {"email": email("dan"), "role": "viewer", "name": "Dan"},
    ]);
    story.tell(ann, post.clone(), "invitations/batch", Some(many)).await;
    ann.post("kpis", json!({"name": "Refunds", "owner_id": bobs})).await.expect(201);
    story.tell(ann, get.clone(), &format!("members/{bobs}/holdings"), None).await;
    let to = json!({"to": "me", "types": ["kpi", "objective"]});
    story.tell(ann, post, &format!("members/{bobs}/reassign"), Some(to)).await;
    ann.delete("kpis/refunds").await.expect(204);
    story.tell(ann, get, "access-review", None).await;
}
