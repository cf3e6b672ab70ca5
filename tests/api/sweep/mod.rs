//! Sweeps over the OpenAPI document: what is said once of HTTP holds for every operation, and
//! nothing new can be forgotten.

mod can;
mod canaries;
mod columns;
mod foreign;
mod negotiation;
mod origins;
mod privacy;
pub mod random;
mod raw;
mod reading;
mod refusals;
mod rights;
mod row_lock;
mod slow;

use std::collections::BTreeMap;
use std::sync::OnceLock;

use serde_json::{Value, json};

use crate::harness::{Answer, App, Caller, Operation, operations, somebody};

impl Operation {
    /// Whether it is open to everybody.
    fn is_open(&self) -> bool {
        self.said["security"] == json!([])
    }

    /// The path with its parameters filled.
    fn path(&self, mut fill: impl FnMut(&'static str) -> String) -> String {
        let segments = self.template.split('/').map(|segment| match parameter(segment) {
            Some(name) => fill(name),
            None => segment.to_owned(),
        });
        segments.collect::<Vec<_>>().join("/")
    }

    /// The path with parameters that name nothing.
    fn path_to_nothing(&self) -> String {
        self.path(|parameter| {
            match parameter {
                "workspace" => "nowhere",
                "at" | "date" => "2026-03-31",
                _ => "something",
            }
            .to_owned()
        })
    }

    /// The media types of its body; none where it takes no body.
    fn takes(&self) -> Vec<&'static str> {
        media(&self.said["requestBody"]["content"])
    }

    /// The media types of its 200; none where it has no body.
    fn answers(&self) -> Vec<&'static str> {
        media(&self.said["responses"]["200"]["content"])
    }
}

fn media(content: &'static Value) -> Vec<&'static str> {
    content.as_object().map(|content| content.keys().map(String::as_str).collect()).unwrap_or_default()
}

fn parameter(segment: &'static str) -> Option<&'static str> {
    segment.strip_prefix('{')?.strip_suffix('}')
}

/// What stands before an id's 26 characters; nothing where it is no id.
fn kind_of(text: &str) -> &str {
    match text.rsplit_once('_') {
        Some((prefix, rest)) if rest.len() == 26 && rest.bytes().all(|byte| byte.is_ascii_alphanumeric()) => {
            prefix
        }
        _ => "",
    }
}

/// Where ids stand in a body, as pointers.
fn ids_of(body: &Value) -> Vec<String> {
    fn walk(value: &Value, at: &str, found: &mut Vec<String>) {
        match value {
            Value::String(text) if !kind_of(text).is_empty() => found.push(at.to_owned()),
            Value::Array(items) => {
                items
                    .iter()
                    .enumerate()
                    .for_each(|(index, item)| walk(item, &format!("{at}/{index}"), found));
            }
            Value::Object(fields) => {
                fields.iter().for_each(|(name, field)| walk(field, &format!("{at}/{name}"), found));
            }
            _ => {}
        }
    }
    let mut found = Vec::new();
    walk(body, "", &mut found);
    found
}

/// A workspace that has one of each thing, and its owner.
struct World {
    ann: Caller,
    things: BTreeMap<&'static str, String>,
}

impl World {
    async fn new(app: &App) -> Self {
        Self::filled(app, app.owner_of("ann", "acme").await, "").await
    }

    /// Fills an owner's workspace; every text ends with a mark.
    async fn filled(app: &App, ann: Caller, mark: &str) -> Self {
        let make = async |path: &str, mut body: Value| {
            for text in ["name", "title", "text", "summary", "definition", "description"] {
                if let Some(Value::String(said)) = body.get_mut(text) {
                    said.push_str(mark);
                }
            }
            let made = ann.post(path, body).await;
            made.expect(201);
            made
        };
        let team = make("teams", json!({"name": "Growth", "slug": "growth"})).await;
        let invitation = make(
            "invitations",
            json!({"email": format!("bob@{}.example", ann.workspace()), "role": "member"}),
        )
        .await;
        let token = make("tokens", json!({"name": "script", "scopes": ["read"]})).await;
        let cycle = json!({"name": "Q2", "slug": "q2", "starts_on": "2026-03-01", "ends_on": "2026-06-30", "state": "active"});
        let cycle = make("cycles", cycle).await;
        let kpi =
            make("kpis", json!({"name": "Churn rate", "key": "churn-rate", "target": {"max": 4}})).await;
        for (date, value) in [("2026-01-31", 3.0), ("2026-02-28", 6.0)] {
            let put = ann.put(&format!("kpis/churn-rate/points/{date}"), json!({"value": value})).await;
            put.expect(201);
        }
        let target = json!({"effective_from": "2026-03-01", "target": {"max": 3.5}});
        let target = make("kpis/churn-rate/targets", target).await;
        let remedy = make("kpis/churn-rate/remedies", json!({"title": "Ask those who leave"})).await;
        let objective = remedy.text("/objective_id").to_owned();
        let key_result = json!({"title": "Interviews", "kind": "increase", "start": 0, "target": 10});
        let key_result = make(&format!("objectives/{objective}/key-results"), key_result).await;
        let check_in = json!({"value": 1, "confidence": "on_track"});
        let check_in = make(&format!("key-results/{}/check-ins", key_result.text("/id")), check_in).await;
        let guardrail =
            make(&format!("objectives/{objective}/guardrails"), json!({"kpi_id": "churn-rate"})).await;
        make("kpis", json!({"name": "Calls to customers", "key": "calls"})).await;
        let driver =
            make("kpis/churn-rate/drivers", json!({"driver_id": "calls", "effect": "opposite"})).await;
        let initiative = make("initiatives", json!({"objective_id": objective, "title": "Ask around"})).await;
        let annotation = json!({"on": "2026-03-03", "text": "New prices"});
        let annotation = make("kpis/churn-rate/annotations", annotation).await;
        let review =
            json!({"held_on": "2026-03-31", "kpi_ids": ["churn-rate"], "objective_ids": [objective]});
        let review = make("reviews", review).await;
        let decision = json!({
            "kpi_id": "churn-rate", "choice": "continue", "summary": "Wait for June", "revisit_on": "2026-06-30",
            "review_id": review.text("/id"), "led_to_ids": [objective],
        });
        let decision = make("decisions", decision).await;
        let comment = make("comments", json!({"subject_id": objective, "text": "Who asks?"})).await;
        let board = make("boards", json!({"name": "Monday", "kpi_ids": ["churn-rate"]})).await;
        let link = make("links", json!({"name": "Wiki", "kind": "chart", "kpi_id": "churn-rate"})).await;
        let sheet = make("links", json!({"name": "Wiki", "kind": "scorecard"})).await;
        app.links(&ann, &somebody(ann.name(), "example.com")).await.expect(200);
        let identities = ann.get("/v1/auth/identities").await;
        let secret =
            |made: &Answer| made.text("/shared_path").split('/').nth(2).expect("a secret").to_owned();
        // Not the one that calls: the sweeps end it.
        let elsewhere = app.signs_in(ann.name()).await.get("/v1/auth/sessions").await;
        let sessions = elsewhere.at("/items").as_array().expect("a list");
        let session = sessions.iter().find(|one| one["is_current"] == true).expect("the one that calls");
        let session = session["id"].as_str().expect("an id").to_owned();
        let workspace = ann.get("").await;
        // By ids: slugs and keys can be changed.
        let things = BTreeMap::from([
            ("workspace", workspace.text("/id").to_owned()),
            ("session", session),
            ("team", team.text("/id").to_owned()),
            ("member", "me".to_owned()),
            ("invitation", invitation.text("/id").to_owned()),
            ("token", token.text("/id").to_owned()),
            ("cycle", cycle.text("/id").to_owned()),
            ("kpi", kpi.text("/id").to_owned()),
            ("at", "2026-02-28".to_owned()),
            ("date", target.text("/effective_from").to_owned()),
            ("remedy", remedy.text("/id").to_owned()),
            ("driver", driver.text("/id").to_owned()),
            ("guardrail", guardrail.text("/id").to_owned()),
            ("objective", objective),
            ("key_result", key_result.text("/id").to_owned()),
            ("check_in", check_in.text("/id").to_owned()),
            ("initiative", initiative.text("/id").to_owned()),
            ("annotation", annotation.text("/id").to_owned()),
            ("review", review.text("/id").to_owned()),
            ("decision", decision.text("/id").to_owned()),
            ("comment", comment.text("/id").to_owned()),
            ("board", board.text("/id").to_owned()),
            ("link", link.text("/id").to_owned()),
            ("provider", "acme-id".to_owned()),
            ("identity", identities.text("/items/0/id").to_owned()),
            ("shared_picture", secret(&link)),
            ("shared_scorecard", secret(&sheet)),
            ("code", "validation_failed".to_owned()),
        ]);
        Self { ann, things }
    }

    /// The path of an operation to things that are there.
    fn path(&self, operation: &Operation) -> String {
        operation.path(|parameter| self.thing(parameter).to_owned())
    }

    /// The body of an operation's example, about things of this world.
    fn example(&self, operation: &Operation) -> Value {
        static EXAMPLES: OnceLock<Value> = OnceLock::new();
        let examples = EXAMPLES.get_or_init(|| {
            serde_json::from_str(include_str!("../../../openapi/examples.json"))
                .expect("the examples are JSON")
        });
        let media = operation.takes().first().copied().unwrap_or_default();
        let mut body = examples[operation.id()]["bodies"].get(media).cloned().unwrap_or_else(|| json!({}));
        for place in ids_of(&body) {
            let kind = kind_of(body.pointer(&place).and_then(Value::as_str).unwrap_or_default()).to_owned();
            if let (Some(own), Some(value)) = (self.of_kind(&kind), body.pointer_mut(&place)) {
                *value = own.into();
            }
        }
        body
    }

    /// The thing of this world whose id begins with a prefix.
    fn of_kind(&self, prefix: &str) -> Option<&str> {
        self.things.values().find(|id| kind_of(id) == prefix).map(String::as_str)
    }

    fn thing(&self, parameter: &str) -> &str {
        self.things.get(parameter).unwrap_or_else(|| {
            panic!(
                "the sweep has nothing for {{{parameter}}}: \
                 make one in World::new, and put it into the table of things"
            )
        })
    }
}
