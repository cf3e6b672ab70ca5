//! Holds every answer that the suite sees against the OpenAPI document: the status is listed, the
//! body fits, and the headers that every answer has are there.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, Mutex, OnceLock};

use jsonschema::Validator;
use regimen::http::document::{Document, referred};
use reqwest::Method;
use serde_json::{Value, json};

use super::caller::Answer;

/// The document, as JSON.
pub fn document() -> &'static Value {
    static DOCUMENT: OnceLock<Value> = OnceLock::new();
    DOCUMENT.get_or_init(|| {
        serde_json::to_value(Document::of(&regimen::slices()).published).expect("the document is JSON")
    })
}

/// One operation of the document.
#[derive(Clone)]
pub struct Operation {
    /// Its method.
    pub method: Method,
    /// Its path, with parameters in braces.
    pub template: &'static str,
    /// What the document says of it.
    pub said: &'static Value,
}

impl Operation {
    /// Its name in the document.
    pub fn id(&self) -> &'static str {
        self.said["operationId"].as_str().unwrap_or_else(|| panic!("{self} has no operationId"))
    }
}

impl fmt::Display for Operation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.template)
    }
}

/// Every operation of the document, path by path.
pub fn operations() -> Vec<Operation> {
    let mut all = Vec::new();
    for (template, item) in document()["paths"].as_object().expect("paths") {
        for (method, said) in item.as_object().expect("methods") {
            let method = method.to_ascii_uppercase().parse().expect("a method");
            all.push(Operation { method, template, said });
        }
    }
    assert!(all.len() > 50, "the document lists {} operations", all.len());
    all
}

/// The path of the document that a request path belongs to: literal segments win over parameters.
fn template(path: &str) -> Option<&'static str> {
    let path = path.split('?').next().unwrap_or_default();
    let segments: Vec<&str> = path.split('/').collect();
    let fits = |template: &&String| {
        let parts: Vec<&str> = template.split('/').collect();
        parts.len() == segments.len()
            && parts.iter().zip(&segments).all(|(part, segment)| part.starts_with('{') || part == segment)
    };
    let paths = document()["paths"].as_object().expect("paths");
    paths.keys().filter(fits).min_by_key(|template| template.matches('{').count()).map(String::as_str)
}

/// The operation that a request belongs to, and its path in the document.
pub fn described(method: &Method, path: &str) -> Option<(&'static str, &'static Value)> {
    let template = template(path)?;
    Some((template, document()["paths"][template].get(method.as_str().to_ascii_lowercase())?))
}

/// Fails the test where an answer is not what the document says.
pub fn hold(method: &Method, path: &str, answer: &Answer) {
    for header in [
        "x-request-id",
        "x-content-type-options",
        "cache-control",
        "content-security-policy",
        "referrer-policy",
    ] {
        assert!(answer.headers.contains_key(header), "{} has no {header}", answer.call);
    }
    assert!(
        answer.status < 500 || answer.status == 503 || answer.status == 507,
        "{} answered {}",
        answer.call,
        answer.raw
    );
    if answer.status >= 400 {
        for inside in ["SELECT ", "INSERT ", "diesel", "/src/", "panicked", "sqlite", "UNIQUE constraint"] {
            assert!(!answer.raw.contains(inside), "{} tells of the inside: {}", answer.call, answer.raw);
        }
    }
    let Some(template) = template(path) else { return };
    let Some(operation) = document()["paths"][template].get(method.as_str().to_ascii_lowercase()) else {
        assert!(
            matches!(answer.status, 204 | 405) || *method == Method::HEAD,
            "{} is no method of {template}",
            answer.call
        );
        return;
    };
    let Some(response) = operation["responses"].get(answer.status.to_string()) else {
        panic!(
            "{} answered {}, which the document does not list: {}",
            answer.call, answer.status, answer.raw
        );
    };
    let response = match response.get("$ref").and_then(Value::as_str) {
        Some(shared) => document().pointer(&shared[1..]).expect("the reference leads somewhere"),
        None => response,
    };
    let media = answer.header("content-type").split(';').next().unwrap_or_default().to_owned();
    if answer.raw.is_empty() || answer.headers.contains_key("content-encoding") {
        return;
    }
    let Some(content) = response["content"].get(&media) else {
        panic!("{} answered {media}, which the document does not list for {}", answer.call, answer.status);
    };
    if media == "application/json" || media.ends_with("+json") {
        let validator = compiled(&content["schema"]);
        let errors: Vec<String> = validator
            .iter_errors(&answer.body)
            .map(|error| format!("{}: {error}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{} does not fit the document: {errors:?}\n{}", answer.call, answer.raw);
    }
}

fn compiled(schema: &Value) -> Arc<Validator> {
    static COMPILED: OnceLock<Mutex<HashMap<String, Arc<Validator>>>> = OnceLock::new();
    let mut known =
        COMPILED.get_or_init(Mutex::default).lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let validator = known.entry(schema.to_string()).or_insert_with(|| {
        let mut root = schema.clone();
        root["components"] = json!({ "schemas": referred(document(), schema) });
        let root = if root.is_object() { root } else { json!({}) };
        Arc::new(
            jsonschema::options().should_validate_formats(true).build(&root).expect("the schema compiles"),
        )
    });
    validator.clone()
}
