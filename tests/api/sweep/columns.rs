//! The names of the store's columns mean nothing to the API: not as fields of a body, where they would
//! set what nobody may set, and not as filters or orders, where they would tell what nobody may see.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::{Value, json};

use super::{World, operations};
use crate::harness::{document, stories, stories_without_a_database};

/// Names that stand in no table and have opened doors elsewhere.
const ELSEWHERE: &[&str] =
    &["__proto__", "constructor", "$where", "filter[password_hash]", "is_admin", "user"];

/// The fields that a schema knows.
fn fields(schema: &'static Value, found: &mut BTreeSet<&'static str>) {
    if let Some(reference) = schema["$ref"].as_str() {
        fields(document().pointer(reference.trim_start_matches('#')).expect("a schema"), found);
    }
    for choice in ["oneOf", "anyOf", "allOf"] {
        for schema in schema[choice].as_array().into_iter().flatten() {
            fields(schema, found);
        }
    }
    found.extend(schema["properties"].as_object().into_iter().flatten().map(|(name, _)| name.as_str()));
}

stories! {
    /// Every column that a body does not take is refused by its name, and nothing is stored.
    async fn columns_are_no_fields(app) {
        let world = World::new(&app).await;
        let columns = app.columns();
        assert!(columns.contains("password_hash") && columns.len() > 100, "{columns:?}");
        let before = app.rows().await;
        let mut asked = 0;
        for operation in operations() {
            let Some(media) = operation.takes().into_iter().find(|media| media.ends_with("json")) else { continue };
            let mut known = BTreeSet::new();
            fields(&operation.said["requestBody"]["content"][media]["schema"], &mut known);
            // What a list holds is judged item by item, by the schemas that single ones have.
            let example = world.example(&operation);
            if !example.is_object() {
                continue;
            }
            let strangers: Vec<&str> =
                columns.iter().map(String::as_str).chain(ELSEWHERE.iter().copied()).filter(|name| !known.contains(name)).collect();
            for some in strangers.chunks(40) {
                let mut body = example.clone();
                for name in some {
                    body[*name] = json!("x");
                }
                let path = world.path(&operation);
                let answer = world.ann.call(operation.method.clone(), &path).raw(media, body.to_string()).send().await;
                answer.refused(422, "validation_failed");
                for name in some {
                    answer.names(&format!("/{name}"), "unknown_field");
                }
                asked += 1;
            }
        }
        assert!(asked > 100, "{asked} bodies");
        let after = app.rows().await;
        for (table, rows) in before.iter().filter(|(table, _)| *table != "sign_in_attempts") {
            assert_eq!(&after[table], rows, "{table} changed");
        }
    }
}

stories_without_a_database! {
    /// Every column that is no parameter is refused, as a parameter and as what to sort or filter by.
    async fn columns_are_no_parameters(app) {
        let world = World::new(&app).await;
        let columns = app.columns();
        let mut asked = 0;
        for operation in operations().into_iter().filter(|operation| operation.method == Method::GET && operation.template.contains("{workspace}")) {
            let known: BTreeSet<&str> = operation.said["parameters"]
                .as_array()
                .into_iter()
                .flatten()
                .filter(|parameter| parameter["in"] == "query")
                .filter_map(|parameter| parameter["name"].as_str())
                .collect();
            let path = world.path(&operation);
            let mut wrong: Vec<String> = columns
                .iter()
                .map(String::as_str)
                .chain(["__proto__", "filter[password_hash][starts]"])
                .filter(|name| !known.contains(name))
                .map(|name| format!("{path}?{name}=x"))
                .collect();
            for by in ["sort", "include", "group_by"].into_iter().filter(|by| known.contains(by)) {
                wrong.extend(["password_hash", "email_folded", "hash", "token_hash", "last_used_at"].iter().map(|column| format!("{path}?{by}={column}")));
            }
            for wrong in wrong {
                world.ann.get(&wrong).await.refused(400, "invalid_query");
                asked += 1;
            }
        }
        assert!(asked > 3000, "{asked} queries");
    }
}
