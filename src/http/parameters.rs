//! Holding query parameters against the very schemas of the OpenAPI document, as bodies are.
//!
//! The types that a query is read into know names and kinds; lengths, bounds and patterns stand in
//! the document, and hold because they are checked here, for every operation.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;

use jsonschema::Validator;
use serde_json::Value;

use super::problem::{Code, Problem, Result};
use super::query;
use super::schema;

/// The query parameters of all operations, compiled.
pub struct Parameters {
    /// By method and path, as in `GET /v1/workspaces/{workspace}/kpis`; then by name.
    operations: HashMap<String, HashMap<String, Arc<Parameter>>>,
}

struct Parameter {
    /// Of one value; a parameter that may be repeated has one schema for all its values.
    validator: Validator,
    /// How often it may stand.
    most: usize,
}

/// References in references of parameters end long before this.
const DEPTH: usize = 8;

impl Parameters {
    /// Compiles the parameters of a document; a schema that does not compile is a fault of the program.
    pub fn compile(document: &Value) -> std::result::Result<Self, String> {
        let mut operations = HashMap::new();
        // Most operations take the same few: a limit, a cursor, a day.
        let mut known: HashMap<String, Arc<Parameter>> = HashMap::new();
        for (path, item) in document["paths"].as_object().into_iter().flatten() {
            for (method, operation) in item.as_object().into_iter().flatten() {
                let route = format!("{} {path}", method.to_ascii_uppercase());
                let mut parameters = HashMap::new();
                for parameter in operation["parameters"].as_array().into_iter().flatten() {
                    let Some(name) = parameter["name"].as_str().filter(|_| parameter["in"] == "query") else {
                        continue;
                    };
                    let schema = whole(document, &parameter["schema"], DEPTH);
                    let compiled = match known.entry(schema.to_string()) {
                        Entry::Occupied(known) => known.get().clone(),
                        Entry::Vacant(new) => {
                            let compiled = Parameter::compile(schema)
                                .map_err(|error| format!("the parameter {name} of {route}: {error}"))?;
                            new.insert(Arc::new(compiled)).clone()
                        }
                    };
                    parameters.insert(name.to_owned(), compiled);
                }
                operations.insert(route, parameters);
            }
        }
        Ok(Self { operations })
    }

    /// Refuses the first value that its schema does not take; `route` is method and path. Names that are not known here are not
    /// looked at: whoever reads the query refuses them.
    pub fn check(&self, route: &str, raw: &str) -> Result<()> {
        let Some(parameters) = self.operations.get(route).filter(|_| !raw.is_empty()) else { return Ok(()) };
        let pairs: Vec<(String, String)> = query::read(raw)?;
        let mut counts = HashMap::new();
        for (name, text) in &pairs {
            let Some(parameter) = parameters.get(name) else { continue };
            let count = counts.entry(name).or_insert(0);
            *count += 1;
            if *count > parameter.most {
                return Err(refused(name, &format!("it may stand at most {} times", parameter.most)));
            }
            if let Err(reason) = parameter.judge(text) {
                return Err(refused(name, &reason));
            }
        }
        Ok(())
    }
}

fn refused(name: &str, reason: &str) -> Problem {
    Problem::new(Code::InvalidQuery, format!("{name}: {reason}"))
}

impl Parameter {
    fn compile(schema: Value) -> std::result::Result<Self, String> {
        let (one, most) = match schema.get("items") {
            Some(items) => {
                let most = schema["maxItems"].as_u64().and_then(|most| usize::try_from(most).ok());
                (items.clone(), most.unwrap_or(usize::MAX))
            }
            None => (schema, 1),
        };
        Ok(Self { validator: schema::validator(&one)?, most })
    }

    /// A query has text only: it is taken as whatever the schema takes, a number, a boolean or a text.
    fn judge(&self, text: &str) -> std::result::Result<(), String> {
        let text_itself = Value::String(text.to_owned());
        let read =
            serde_json::from_str(text).ok().filter(|value: &Value| value.is_number() || value.is_boolean());
        if read.iter().chain([&text_itself]).any(|value| self.validator.is_valid(value)) {
            return Ok(());
        }
        Err(schema::reason(&self.validator, read.as_ref().unwrap_or(&text_itself)))
    }
}

/// A schema with what it refers to in place of the references.
fn whole(document: &Value, schema: &Value, depth: usize) -> Value {
    match schema {
        Value::Object(fields) => {
            let referred = fields
                .get("$ref")
                .and_then(Value::as_str)
                .and_then(|reference| document.pointer(reference.trim_start_matches('#')));
            if let Some(referred) = referred.filter(|_| depth > 0) {
                return whole(document, referred, depth - 1);
            }
            fields.iter().map(|(key, value)| (key.clone(), whole(document, value, depth))).collect()
        }
        Value::Array(items) => items.iter().map(|item| whole(document, item, depth)).collect(),
        other => other.clone(),
    }
}
