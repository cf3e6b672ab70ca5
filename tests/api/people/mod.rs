//! People and what they answer for: nested teams, those who lead, holdings, those who are to come, the review.

mod holdings;
mod invited;
mod leads;
mod nested;
mod review;

use serde_json::Value;

use crate::harness::{Answer, Caller};

/// The id of a caller as a member.
async fn me(caller: &Caller) -> String {
    caller.get("members/me").await.expect(200).text("/id").to_owned()
}

/// Makes something, and gives its id.
async fn made(caller: &Caller, path: &str, body: Value) -> String {
    let made = caller.post(path, body).await;
    made.expect(201);
    made.text("/id").to_owned()
}

/// A field of every item of a list.
fn each(list: &Answer, field: &str) -> Vec<String> {
    let items = list.expect(200).at("/items").as_array().expect("items");
    items.iter().map(|item| item[field].as_str().expect("a text").to_owned()).collect()
}
