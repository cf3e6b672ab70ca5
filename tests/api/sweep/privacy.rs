//! What is private exists for its own people alone, in whatever way others ask.

use reqwest::Method;
use serde_json::{Value, json};

use super::{Operation, World, operations};
use crate::harness::{Answer, stories};

/// What hangs on a KPI or an objective, by the parameters that name it.
const PRIVATE: [&str; 12] = [
    "kpi",
    "remedy",
    "guardrail",
    "objective",
    "key_result",
    "check_in",
    "initiative",
    "annotation",
    "decision",
    "comment",
    "link",
    "driver",
];

/// Texts of the world that no other thing has.
const CANARIES: [&str; 7] =
    ["Churn rate", "churn-rate", "Interviews", "Ask around", "New prices", "Wait for June", "Who asks?"];

impl Operation {
    fn names_something_private(&self) -> bool {
        PRIVATE.iter().any(|name| self.template.contains(&format!("{{{name}}}")))
    }
}

/// A refusal without what differs from one request to the next.
fn said(answer: &Answer) -> Value {
    let mut problem: Value = serde_json::from_slice(&answer.bytes).unwrap_or(Value::Null);
    if let Some(problem) = problem.as_object_mut() {
        problem.remove("request_id");
    }
    problem
}

stories! {
    /// Not even the owner of the workspace learns of what is private to others: not by its id, not by
    /// a list, a report or the journal.
    async fn nobody_else_learns_of_what_is_private(app) {
        let world = World::new(&app).await;
        let olga = app.joins(&world.ann, "olga", "owner").await;
        for path in [format!("kpis/{}", world.thing("kpi")), format!("objectives/{}", world.thing("objective"))] {
            olga.get(&path).await.expect(200);
            world.ann.patch(&path, json!({"visibility": "private"})).await.expect(200);
            olga.get(&path).await.refused(404, "not_found");
            world.ann.get(&path).await.expect(200);
        }
        let before = world.ann.get(&format!("objectives/{}", world.thing("objective"))).await;
        let ids: Vec<&str> = PRIVATE.iter().map(|name| world.thing(name)).collect();
        for operation in operations().into_iter().filter(|operation| operation.template.contains("{workspace}")) {
            let is_read = operation.method == Method::GET;
            if operation.names_something_private() {
                // What is there and hidden is refused as what is not there, word for word.
                let body = json!({});
                let asks = async |path: &str| {
                    let call = olga.call(operation.method.clone(), path);
                    if operation.takes().is_empty() { call.send().await } else { call.json(&body).send().await }
                };
                let hidden = asks(&world.path(&operation)).await;
                hidden.refused(404, "not_found");
                let absent = operation.path(|parameter| {
                    let thing = world.thing(parameter);
                    if !PRIVATE.contains(&parameter) { return thing.to_owned() }
                    format!("{}_01h455vb4pex5vsknk084sn02q", thing.split('_').next().unwrap_or_default())
                });
                assert_eq!(said(&hidden), said(asks(&absent).await.refused(404, "not_found")), "{}", hidden.call);
            } else if is_read {
                for media in operation.answers() {
                    let seen = olga.call(Method::GET, &world.path(&operation)).header("accept", media).send().await;
                    seen.expect(200);
                    for canary in CANARIES.iter().chain(&ids) {
                        assert!(!seen.raw.contains(canary), "{} tells of {canary}: {}", seen.call, seen.raw);
                    }
                }
            }
        }
        let after = world.ann.get(&format!("objectives/{}", world.thing("objective"))).await;
        assert_eq!(after.raw, before.raw);
    }
}
