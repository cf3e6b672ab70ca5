//! Holding bodies against the very schemas of the OpenAPI document, so that what is documented
//! is what is enforced.

use std::any::TypeId;
use std::collections::HashMap;
use std::sync::{Arc, LazyLock, PoisonError, RwLock};

use jsonschema::error::ValidationErrorKind;
use jsonschema::{ValidationError, Validator};
use serde_json::{Value, json};
use utoipa::ToSchema;

use super::document;
use super::problem::{Code, FieldErrors, Problem, Result};

/// What judges bodies, by their types.
///
/// A schema is compiled when the first body of its kind comes: compiled they take many times the memory of their text,
/// and most programs meet a few of them.
static JUDGES: LazyLock<RwLock<HashMap<TypeId, Judge>>> = LazyLock::new(RwLock::default);

/// A validator, or why the schema does not compile, which is a fault of the program.
type Judge = std::result::Result<Arc<Validator>, Arc<str>>;

/// All that is wrong with `body` as a `T`, with pointers.
pub fn check<T: ToSchema + 'static>(body: &Value) -> Result<()> {
    let validator = judge::<T>().map_err(|fault| {
        tracing::error!(name = %T::name(), %fault, "no body can be judged by this schema");
        Problem::new(Code::Internal, "nothing was stored; the log has more under the request's id")
    })?;
    let mut errors = FieldErrors::new();
    refuse_nul(body, &mut String::new(), &mut errors);
    let poisoned = errors.pointers();
    for error in validator.iter_errors(body) {
        if !poisoned.contains(error.instance_path().as_str()) {
            explain(&error, &mut errors);
        }
    }
    errors.settle()
}

fn judge<T: ToSchema + 'static>() -> Judge {
    let id = TypeId::of::<T>();
    let known = JUDGES.read().unwrap_or_else(PoisonError::into_inner).get(&id).cloned();
    known.unwrap_or_else(|| {
        let judge = validator(&whole::<T>()).map(Arc::new).map_err(Arc::from);
        JUDGES.write().unwrap_or_else(PoisonError::into_inner).entry(id).or_insert(judge).clone()
    })
}

/// The schema of a `T` with all that it refers to.
fn whole<T: ToSchema>() -> Value {
    json!({
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$ref": format!("{SCHEMAS}{}", T::name()),
        "components": { "schemas": document::schemas_of_body::<T>() },
    })
}

/// Compiles a schema; formats are judged too.
pub(super) fn validator(schema: &Value) -> std::result::Result<Validator, String> {
    jsonschema::options().should_validate_formats(true).build(schema).map_err(|error| error.to_string())
}

/// Where schemas stand in a document.
pub const SCHEMAS: &str = "#/components/schemas/";

/// The first thing that is wrong with a single value, in words.
pub(super) fn reason(validator: &Validator, value: &Value) -> String {
    let mut errors = FieldErrors::new();
    for error in validator.iter_errors(value) {
        explain(&error, &mut errors);
    }
    errors.first_detail().unwrap_or("it is not acceptable").to_owned()
}

/// NUL is text to JSON and poison to databases.
fn refuse_nul(value: &Value, pointer: &mut String, errors: &mut FieldErrors) {
    match value {
        Value::String(text) if text.contains('\0') => {
            errors.add(pointer.clone(), "nul", "the text holds a NUL character")
        }
        Value::Array(items) => {
            for (index, item) in items.iter().enumerate() {
                within(pointer, &index.to_string(), |pointer| refuse_nul(item, pointer, errors));
            }
        }
        Value::Object(fields) => {
            for (key, field) in fields {
                within(pointer, key, |pointer| refuse_nul(field, pointer, errors));
            }
        }
        _ => {}
    }
}

fn within(pointer: &mut String, key: &str, look: impl FnOnce(&mut String)) {
    let length = pointer.len();
    pointer.push('/');
    pointer.push_str(&key.replace('~', "~0").replace('/', "~1"));
    look(pointer);
    pointer.truncate(length);
}

fn explain(error: &ValidationError<'_>, errors: &mut FieldErrors) {
    let pointer = error.instance_path().as_str().to_owned();
    let said = || error.masked().to_string();
    match error.kind() {
        ValidationErrorKind::Required { property } => {
            let field = property.as_str().unwrap_or_default();
            errors.add(format!("{pointer}/{field}"), "required", "this field is needed");
        }
        ValidationErrorKind::AdditionalProperties { unexpected } => {
            for field in unexpected {
                let mut at = pointer.clone();
                within(&mut at, field, |at| {
                    errors.add(at.clone(), "unknown_field", "this field is not known here")
                });
            }
        }
        ValidationErrorKind::Type { .. } => errors.add(pointer, "wrong_type", said()),
        ValidationErrorKind::Enum { options } => {
            errors.add(pointer, "unknown_value", format!("it must be one of {options}"));
        }
        ValidationErrorKind::Maximum { limit } | ValidationErrorKind::ExclusiveMaximum { limit } => {
            errors.add(pointer, "out_of_bounds", format!("it must not be above {limit}"));
        }
        ValidationErrorKind::Minimum { limit } | ValidationErrorKind::ExclusiveMinimum { limit } => {
            errors.add(pointer, "out_of_bounds", format!("it must not be below {limit}"));
        }
        ValidationErrorKind::MaxLength { limit } => {
            errors.add(pointer, "too_long", format!("it takes at most {limit} characters"));
        }
        ValidationErrorKind::MinLength { limit } => {
            errors.add(pointer, "too_short", format!("it takes at least {limit} characters"));
        }
        ValidationErrorKind::MaxItems { limit } => {
            errors.add(pointer, "too_many", format!("it takes at most {limit} items"))
        }
        ValidationErrorKind::MinItems { limit } => {
            errors.add(pointer, "too_few", format!("it takes at least {limit} items"))
        }
        ValidationErrorKind::Pattern { .. } => {
            errors.add(pointer, "malformed", "it has not the form that is asked for")
        }
        ValidationErrorKind::Format { format } => {
            errors.add(pointer, "malformed", format!("it is not a valid {format}"))
        }
        ValidationErrorKind::AnyOf { context } | ValidationErrorKind::OneOfNotValid { context } => {
            explain_branches(context, error, errors);
        }
        _ => errors.add(pointer, "invalid", said()),
    }
}

/// A field that may be null fails against `null` too: only what the other branch says helps.
fn explain_branches(
    branches: &[Vec<ValidationError<'static>>],
    whole: &ValidationError<'_>,
    errors: &mut FieldErrors,
) {
    let here = whole.instance_path().as_str();
    let only_another_type = |branch: &&Vec<ValidationError<'static>>| {
        branch.iter().all(|error| {
            matches!(error.kind(), ValidationErrorKind::Type { .. }) && error.instance_path().as_str() == here
        })
    };
    match branches.iter().find(|branch| !only_another_type(branch)) {
        Some(branch) => branch.iter().for_each(|error| explain(error, errors)),
        None => errors.add(here, "wrong_type", "it has not a type that is taken here"),
    }
}
