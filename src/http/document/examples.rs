//! The examples of the document: calls that were made and answers that came, recorded by the test
//! that makes them again and compares.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use utoipa::openapi::path::{Operation, ParameterBuilder};
use utoipa::openapi::{Content, RefOr};

/// The recorded calls, by operation.
pub const EXAMPLES: &str = include_str!("../../../openapi/examples.json");

/// Recorded calls, by the name of their operation.
#[derive(Deserialize, Default)]
#[serde(transparent)]
pub struct Examples(BTreeMap<String, Example>);

/// One operation, called for real.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Example {
    /// What stood in the path and in the query, by parameter.
    #[serde(default)]
    parameters: BTreeMap<String, Value>,
    /// What was sent, by media type.
    #[serde(default)]
    bodies: BTreeMap<String, Value>,
    /// What came back, by status and media type.
    #[serde(default)]
    answers: BTreeMap<String, BTreeMap<String, Value>>,
}

impl Examples {
    /// Those that the repository holds. A test holds the file against what the program answers.
    pub fn committed() -> Self {
        serde_json::from_str(EXAMPLES).unwrap_or_default()
    }

    /// Puts what was recorded of an operation into its description.
    pub fn put_into(&self, id: &str, operation: &mut Operation) {
        let Some(example) = self.0.get(id) else { return };
        for parameter in operation.parameters.iter_mut().flatten() {
            if let RefOr::T(parameter) = parameter
                && let Some(value) = example.parameters.get(&parameter.name)
            {
                *parameter = ParameterBuilder::from(parameter.clone()).example(Some(value.clone())).build();
            }
        }
        if let Some(RefOr::T(body)) = &mut operation.request_body {
            for (media, content) in &mut body.content {
                show(content, example.bodies.get(media));
            }
        }
        for (status, response) in &mut operation.responses.responses {
            let (RefOr::T(response), Some(answers)) = (response, example.answers.get(status)) else {
                continue;
            };
            for (media, content) in &mut response.content {
                show(content, answers.get(media));
            }
        }
    }
}

fn show(content: &mut RefOr<Content>, example: Option<&Value>) {
    if let (RefOr::T(content), Some(example)) = (content, example) {
        content.example = Some(example.clone());
    }
}
