//! Ids that are not the caller's: of another workspace, of nothing, of the wrong type, malformed, in
//! every place of every path and body. Nothing is told apart that should not be, and nothing changes.

use serde_json::Value;

use super::{Operation, World, kind_of, operations, parameter};
use crate::harness::{Answer, document, stories};

/// What no id of this story is, though its form is right.
const ABSENT: &str = "01h455vb4pex5vsknk084sn02q";
const NIL: &str = "00000000000000000000000000";

impl Operation {
    /// The parameters of its path that name things by their ids, below the workspace.
    fn names(&self) -> Vec<&'static str> {
        let parameters = self.template.split('/').filter_map(parameter);
        parameters
            .filter(|name| {
                !["workspace", "at", "date", "code", "shared_picture", "shared_scorecard"].contains(name)
            })
            .collect()
    }

    fn path_with(&self, world: &World, name: &str, id: &str) -> String {
        self.path(|parameter| if parameter == name { id } else { world.thing(parameter) }.to_owned())
    }
}

impl World {
    async fn attempt(&self, operation: &Operation, path: &str, body: Option<Value>) -> Answer {
        let call = self.ann.call(operation.method.clone(), path);
        match operation.takes().first() {
            None => call.send().await,
            Some(media) => {
                let body = body.unwrap_or_else(|| self.example(operation));
                call.raw(media, body.to_string()).send().await
            }
        }
    }

    /// An id of this world for a parameter; `me` is one's own.
    async fn id_of(&self, parameter: &str) -> String {
        match self.thing(parameter) {
            "me" => self.ann.get("members/me").await.text("/id").to_owned(),
            id => id.to_owned(),
        }
    }
}

/// A refusal without what differs from one request to the next.
fn said(answer: &Answer) -> Value {
    let mut problem = answer.body.clone();
    if let Some(problem) = problem.as_object_mut() {
        problem.remove("request_id");
    }
    problem
}

/// Where a body takes an id.
struct Place {
    /// The object that it stands in, as a pointer, and its name there.
    at: String,
    name: String,
    holds: Holds,
}

#[derive(Clone, Copy)]
enum Holds {
    One,
    Several,
}

impl Place {
    /// A body with an id in this place.
    fn with(&self, body: &Value, id: &str) -> Value {
        let mut body = body.clone();
        let object = body.pointer_mut(&self.at).expect("the place is there");
        object[&self.name] = match self.holds {
            Holds::One => id.into(),
            Holds::Several => vec![id].into(),
        };
        body
    }
}

/// Where a body of a schema takes ids: in every object that the body has.
fn places_of_ids(schema: &'static Value, body: &Value, at: &str) -> Vec<Place> {
    let mut found = Vec::new();
    if let Some(reference) = schema["$ref"].as_str() {
        let schema = document().pointer(reference.trim_start_matches('#')).expect("a schema");
        return places_of_ids(schema, body, at);
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        for schema in schema[choice].as_array().into_iter().flatten() {
            found.extend(places_of_ids(schema, body, at));
        }
    }
    for (name, field) in schema["properties"].as_object().into_iter().flatten().filter(|_| body.is_object()) {
        let holds = match name.as_str() {
            "replaced_by" | "to" => Some(Holds::One),
            name if name.ends_with("_id") => Some(Holds::One),
            name if name.ends_with("_ids") => Some(Holds::Several),
            _ => None,
        };
        match (holds, body.get(name)) {
            (Some(holds), _) => found.push(Place { at: at.to_owned(), name: name.clone(), holds }),
            (None, Some(inner)) => found.extend(places_of_ids(field, inner, &format!("{at}/{name}"))),
            (None, None) => {}
        }
    }
    for (index, item) in body.as_array().into_iter().flatten().enumerate() {
        found.extend(places_of_ids(&schema["items"], item, &format!("{at}/{index}")));
    }
    found
}

async fn two_worlds(app: &crate::harness::App) -> (World, World) {
    let mine = World::new(app).await;
    let theirs = World::filled(app, app.owner_of("eve", "elsewhere").await, "").await;
    (mine, theirs)
}

stories! {
    /// What is foreign, absent, nil, of the wrong type or malformed, in each place of each path.
    async fn ids_in_paths(app) {
        let (mine, theirs) = two_worlds(&app).await;
        // What is archived elsewhere is as foreign as what is not.
        for path in ["initiative", "key_result", "objective", "kpi", "team"] {
            let archived = format!("{}s/{}", path.replace('_', "-"), theirs.thing(path));
            theirs.ann.delete(&archived).await.expect(204);
        }
        let before = app.rows().await;
        let mut asked = 0;
        for operation in operations().into_iter().filter(|operation| operation.template.contains("{workspace}")) {
            for name in operation.names() {
                let own = mine.id_of(name).await;
                let kind = kind_of(&own);
                let foreign = theirs.id_of(name).await;
                let absent = mine.attempt(&operation, &operation.path_with(&mine, name, &format!("{kind}_{ABSENT}")), None).await;
                absent.refused(404, "not_found");
                for id in [foreign.clone(), format!("{kind}_{NIL}")] {
                    let answer = mine.attempt(&operation, &operation.path_with(&mine, name, &id), None).await;
                    answer.refused(404, "not_found");
                    assert_eq!(said(&answer), said(&absent), "{} tells what is foreign from what is not there", answer.call);
                }
                for wrong in [format!("{}_{ABSENT}", if kind == "kpi" { "obj" } else { "kpi" }), format!("{kind}_ABC"), "%00".into(), "..%2f..".into()] {
                    let answer = mine.attempt(&operation, &operation.path_with(&mine, name, &wrong), None).await;
                    assert!([400, 404].contains(&answer.status), "{}: {} {}", answer.call, answer.status, answer.raw);
                    if wrong.ends_with(ABSENT) {
                        answer.refused(400, "invalid_id");
                    }
                }
                // The other way round: mine in their workspace.
                let path = operation.path(|parameter| match parameter {
                    "workspace" => theirs.thing("workspace").to_owned(),
                    _ => mine.thing(parameter).to_owned(),
                });
                mine.attempt(&operation, &path, None).await.refused(404, "not_found");
                asked += 1;
            }
        }
        assert!(asked > 60, "{asked} places of ids");
        let after = app.rows().await;
        for (table, rows) in &before {
            assert_eq!(&after[table], rows, "{table} changed");
        }
    }

    /// Foreign ids of every kind in each place of each body that takes an id: they are refused as those
    /// of nothing, and nothing is made.
    async fn ids_in_bodies(app) {
        let (mine, theirs) = two_worlds(&app).await;
        let before = app.rows().await;
        let mut asked = 0;
        for operation in operations().into_iter().filter(|operation| operation.template.contains("{workspace}")) {
            let Some(media) = operation.takes().first().copied() else { continue };
            // Of a list the first item alone: what is wrong with one spoils no other.
            let body = match mine.example(&operation) {
                Value::Array(items) => items.into_iter().take(1).collect(),
                body => body,
            };
            let path = mine.path(&operation);
            for place in places_of_ids(&operation.said["requestBody"]["content"][media]["schema"], &body, "") {
                asked += 1;
                for foreign in theirs.things.values().filter(|id| !kind_of(id).is_empty()) {
                    let absent = format!("{}_{ABSENT}", kind_of(foreign));
                    let refused = mine.attempt(&operation, &path, Some(place.with(&body, foreign))).await;
                    assert!(
                        [400, 404, 409, 422].contains(&refused.status),
                        "{} with {foreign} at {}: {} {}", refused.call, place.at, refused.status, refused.raw
                    );
                    let nothing = mine.attempt(&operation, &path, Some(place.with(&body, &absent))).await;
                    let told = |answer: &Answer, id: &str| said(answer).to_string().replace(id, "…");
                    assert_eq!(told(&refused, foreign), told(&nothing, &absent), "{} at {}", refused.call, place.at);
                }
            }
        }
        assert!(asked > 40, "{asked} places of ids");
        let after = app.rows().await;
        for (table, rows) in &before {
            assert_eq!(&after[table], rows, "{table} changed");
        }
    }
}
