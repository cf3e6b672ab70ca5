//! Two documents: their paths and operations.

use serde_json::{Map, Value};

use crate::findings::{Findings, Place};
use crate::operation;
use crate::schema::{self, Alike, Direction};

/// The methods that an entry of `paths` may have; its other fields are shared by them.
const METHODS: [&str; 8] = ["get", "put", "post", "delete", "options", "head", "patch", "trace"];

/// Two documents being compared, and what was found so far.
pub struct Comparison<'a> {
    pub old: &'a Value,
    pub new: &'a Value,
    pub findings: Findings,
    alike: Alike<'a>,
}

impl<'a> Comparison<'a> {
    /// Holds a schema of the old document against one of the new.
    pub fn schemas(&mut self, direction: Direction, old: &'a Value, new: &'a Value, place: &Place) {
        let documents = [self.old, self.new];
        schema::compare(documents, direction, [old, new], place, &mut self.findings, &mut self.alike);
    }
}

/// What a reference stands for, through as many references as there are.
pub fn resolve<'a>(document: &'a Value, mut value: &'a Value) -> &'a Value {
    while let Some(reference) = value["$ref"].as_str() {
        let pointer = reference.strip_prefix('#').unwrap_or_else(|| panic!("{reference} is elsewhere"));
        value = document.pointer(pointer).unwrap_or_else(|| panic!("{reference} stands for nothing"));
    }
    value
}

/// The fields of an object, or none where there is no object.
pub fn fields(value: &Value) -> impl Iterator<Item = (&String, &Value)> {
    value.as_object().into_iter().flat_map(Map::iter)
}

/// The items of a list, or none where there is no list.
pub fn items(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().into_iter().flatten()
}

/// All that differs between a document and a later one in a way that clients can notice.
pub fn compare(old: &Value, new: &Value) -> Findings {
    let mut with = Comparison { old, new, findings: Findings::default(), alike: Alike::new() };
    for (path, old_item) in fields(&old["paths"]) {
        let Some(new_item) = new["paths"].get(path) else {
            with.findings.breaks(&Place::path(path), "the path was removed");
            continue;
        };
        for method in METHODS {
            let place = |operation: &Value| {
                Place::operation(method, path, operation["operationId"].as_str().unwrap_or("without a name"))
            };
            match (old_item.get(method), new_item.get(method)) {
                (Some(old), None) => with.findings.breaks(&place(old), "the operation was removed"),
                (None, Some(new)) => with.findings.adds(&place(new), "a new operation"),
                (Some(old), Some(new)) => {
                    let sides = [(old_item, old), (new_item, new)];
                    operation::compare(&mut with, sides, &place(old));
                }
                (None, None) => {}
            }
        }
    }
    for (path, _) in fields(&new["paths"]) {
        if old["paths"].get(path).is_none() {
            with.findings.adds(&Place::path(path), "a new path");
        }
    }
    for (name, old_scheme) in fields(&old["components"]["securitySchemes"]) {
        let place = Place::default().part(format!("security scheme `{name}`"));
        let new_scheme = &new["components"]["securitySchemes"][name];
        for field in ["type", "scheme", "in", "name", "openIdConnectUrl"] {
            if old_scheme[field] != new_scheme[field] {
                with.findings.breaks(
                    &place,
                    format!("{field} was {} and is {}", old_scheme[field], new_scheme[field]),
                );
            }
        }
    }
    with.findings
}
