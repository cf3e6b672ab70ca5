//! Single sign-on: somebody signs in at a provider, and somebody links it to their account.

use reqwest::Method;
use serde_json::json;

use super::recorder::Recorder;
use crate::harness::{App, PAGE, somebody};

/// Makes every call of single sign-on.
pub async fn tell(app: &App, story: &mut Recorder) {
    let (get, post, stranger) = (Method::GET, Method::POST, app.stranger());
    story.tell(&stranger, get.clone(), "/v1/auth/providers", None).await;
    let begin = json!({"redirect_uri": PAGE});
    let path = "/v1/auth/providers/acme-id/authorization";
    let begun = story.tell(&stranger, post.clone(), path, Some(begin)).await;
    let mut came = app.visits(&begun, &somebody("kim", "example.com")).await;
    // Its port is another each time.
    came["iss"] = json!(null);
    story.tell(&stranger, post.clone(), "/v1/auth/providers/acme-id/callback", Some(came)).await;

    let zoe = app.person("zoe").await;
    let begin = json!({"provider": "acme-id", "redirect_uri": PAGE});
    let begun = story.tell(&zoe, post, "/v1/auth/identities", Some(begin)).await;
    app.hands_in(&app.visits(&begun, &somebody("zoe", "example.com")).await).await.expect(200);
    let linked = story.tell(&zoe, get, "/v1/auth/identities", None).await;
    let path = format!("/v1/auth/identities/{}", linked.text("/items/0/id"));
    story.tell(&zoe, Method::DELETE, &path, None).await;
}
