//! The OpenAPI document: committed, complete, and without two things of one name.

use std::collections::{BTreeMap, BTreeSet};

use regimen::http::document::Document;
use serde_json::Value;

use crate::harness::{document, operations};

#[test]
fn the_committed_document_is_current() {
    let committed = std::fs::read_to_string("openapi/openapi.json").expect("openapi/openapi.json is there");
    let generated = Document::of(&regimen::slices()).text().expect("JSON");
    assert!(
        committed == generated,
        "run `cargo run -- openapi > openapi/openapi.json` and look at the difference"
    );
}

#[test]
fn every_operation_has_its_own_id_one_tag_a_summary_and_answers() {
    let mut ids = BTreeSet::new();
    for one in operations() {
        let (id, said) = (one.id(), one.said);
        assert!(ids.insert(id), "{id} stands twice");
        assert_eq!(said["tags"].as_array().map(Vec::len), Some(1), "{one}: one tag");
        assert!(said["summary"].as_str().is_some_and(|summary| !summary.is_empty()), "{one}: a summary");
        assert!(said["description"].as_str().is_some_and(|text| !text.is_empty()), "{one}: a description");
        let answers = said["responses"].as_object().expect("responses");
        assert!(answers.keys().any(|status| status.starts_with('2')), "{one}: an answer when all is well");
    }
}

#[test]
fn every_field_says_what_it_means() {
    let mut silent = Vec::new();
    for (name, schema) in document()["components"]["schemas"].as_object().expect("schemas") {
        if schema.get("$ref").is_none() && schema["description"].as_str().is_none_or(str::is_empty) {
            silent.push(name.clone());
        }
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            if property["description"].as_str().is_none_or(str::is_empty) && property.get("$ref").is_none() {
                silent.push(format!("{name}.{field}"));
            }
        }
    }
    assert!(silent.is_empty(), "these have no description: {silent:?}");
}

#[test]
fn no_two_schemas_share_a_name() {
    let mut known: BTreeMap<String, Value> = BTreeMap::new();
    for entry in regimen::slices().iter().flat_map(|routes| &routes.0) {
        for operation in &entry.operations {
            for (name, schema) in &operation.draft.schemas {
                let schema = serde_json::to_value(schema).expect("JSON");
                if let Some(other) = known.insert(name.clone(), schema.clone()) {
                    assert_eq!(other, schema, "two schemas are called {name}");
                }
            }
        }
    }
}

#[test]
fn every_reference_leads_somewhere() {
    fn walk(value: &Value, found: &mut BTreeSet<String>) {
        match value {
            Value::Object(fields) => {
                if let Some(Value::String(reference)) = fields.get("$ref") {
                    found.insert(reference.clone());
                }
                fields.values().for_each(|field| walk(field, found));
            }
            Value::Array(items) => items.iter().for_each(|item| walk(item, found)),
            _ => {}
        }
    }
    let mut references = BTreeSet::new();
    walk(document(), &mut references);
    for reference in references {
        let pointer = reference.strip_prefix('#').expect("a reference inside the document");
        assert!(document().pointer(pointer).is_some(), "{reference} leads nowhere");
    }
}
