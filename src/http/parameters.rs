//! Holding query parameters against the very schemas of the OpenAPI document, as bodies are.
//!
//! The types that a query is read into know names and kinds; lengths, bounds and patterns stand in
//! the document, and hold because they are checked here, for every operation.

use std::collections::HashMap;
use std::sync::LazyLock;

use jsonschema::Validator;
use serde_json::Value;
use utoipa::openapi::schema::{ArrayItems, Schema};
use utoipa::openapi::{Ref, RefOr, path};
use utoipa::{PartialSchema, ToSchema};

use super::document;
use super::problem::{Code, Problem, Result};
use super::query;
use super::routes::Routes;
use super::schema::{self, SCHEMAS};
use crate::store::{Day, Moment};

/// What judges the query parameters of all operations.
pub struct Parameters {
    /// By method and path, as in `GET /v1/workspaces/{workspace}/kpis`.
    operations: HashMap<String, LazyLock<Judges, Compile>>,
}

/// By the name of the parameter; or why one does not compile, which is a fault of the program.
type Judges = std::result::Result<HashMap<String, Parameter>, String>;
/// An operation's are compiled when the first query comes.
type Compile = Box<dyn FnOnce() -> Judges + Send>;

struct Parameter {
    /// Of one value; a parameter that may be repeated has one schema for all its values.
    validator: Validator,
    /// How often it may stand.
    most: usize,
}

impl Parameters {
    /// Those of all slices.
    pub fn of(all: &[Routes]) -> Self {
        let mut operations = HashMap::new();
        for entry in all.iter().flat_map(|routes| &routes.0) {
            for operation in &entry.operations {
                let describe = operation.describe;
                let compile: Compile = Box::new(move || {
                    document::query_parameters(describe()).map(Parameter::compile).collect()
                });
                operations.insert(format!("{} {}", operation.method, entry.path), LazyLock::new(compile));
            }
        }
        Self { operations }
    }

    /// Refuses the first value that its schema does not take; `route` is method and path. Names that are not known here are not
    /// looked at: whoever reads the query refuses them.
    pub fn check(&self, route: &str, raw: &str) -> Result<()> {
        let Some(judges) = self.operations.get(route).filter(|_| !raw.is_empty()) else { return Ok(()) };
        let parameters = judges.as_ref().map_err(|fault| {
            tracing::error!(route, fault, "no query can be judged here");
            Problem::new(Code::Internal, "the log has more under the request's id")
        })?;
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
    fn compile(parameter: path::Parameter) -> std::result::Result<(String, Self), String> {
        let name = parameter.name;
        let (one, most) = match parameter.schema {
            Some(RefOr::T(Schema::Array(array))) => match array.items {
                ArrayItems::RefOrSchema(items) => (*items, array.max_items.unwrap_or(usize::MAX)),
                ArrayItems::False => return Err(format!("{name} takes no values")),
            },
            Some(one) => (one, 1),
            None => return Err(format!("{name} has no schema")),
        };
        let one = match one {
            RefOr::Ref(reference) => referred(&reference)?,
            schema => schema,
        };
        let one = serde_json::to_value(one).map_err(|error| error.to_string())?;
        let validator = schema::validator(&one).map_err(|fault| format!("{name}: {fault}"))?;
        Ok((name, Self { validator, most }))
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

/// What a reference refers to. Queries name dates only: words stand in them as they are.
fn referred(reference: &Ref) -> std::result::Result<RefOr<Schema>, String> {
    let dates = [(Day::name(), Day::schema()), (Moment::name(), Moment::schema())];
    let name = reference.ref_location.strip_prefix(SCHEMAS);
    let found = dates.into_iter().find(|(date, _)| Some(date.as_ref()) == name);
    found.map(|(_, schema)| schema).ok_or_else(|| format!("{} is no date", reference.ref_location))
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::http::document::Document;

    #[test]
    fn every_parameter_of_the_document_can_be_judged() {
        let all = crate::slices();
        let document = serde_json::to_value(Document::of(&all).published).unwrap();
        let parameters = Parameters::of(&all);
        let faults: Vec<(&String, &String)> = parameters
            .operations
            .iter()
            .filter_map(|(route, judges)| Some((route, judges.as_ref().err()?)))
            .collect();
        assert_eq!(faults, []);
        let mut judged = 0;
        for (path, item) in document["paths"].as_object().unwrap() {
            for (method, operation) in item.as_object().unwrap() {
                let route = format!("{} {path}", method.to_ascii_uppercase());
                let said = operation["parameters"].as_array().into_iter().flatten();
                let said = said.filter(|parameter| parameter["in"] == "query");
                let said: BTreeSet<&str> =
                    said.map(|parameter| parameter["name"].as_str().unwrap()).collect();
                let known = parameters.operations[&route].as_ref().unwrap();
                assert_eq!(known.keys().map(String::as_str).collect::<BTreeSet<_>>(), said, "{route}");
                judged += said.len();
            }
        }
        assert!(judged > 200, "{judged}");
    }
}
