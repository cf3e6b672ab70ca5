//! Learning: what people say to each other, decide and look back on.

mod agenda;
mod brief;
mod comments;
mod decisions;
mod recorded;
mod reviews;
mod usefulness;

use serde_json::{Value, json};

use crate::harness::{Answer, Caller};

/// Something decided because of a KPI.
async fn decided(caller: &Caller, key: &str, choice: &str, more: Value) -> Answer {
    let mut body = json!({"kpi_id": key, "choice": choice, "summary": "So be it."});
    for (name, value) in more.as_object().expect("an object") {
        body[name] = value.clone();
    }
    let made = caller.post("decisions", body).await;
    made.expect(201);
    made
}

/// A field of each item of a list, in its order.
fn each(page: &Answer, pointer: &str) -> Vec<Value> {
    let items = page.expect(200).at("/items").as_array().expect("items");
    items.iter().map(|item| item.pointer(pointer).expect("the field").clone()).collect()
}
