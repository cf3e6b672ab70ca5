//! One operation of the document: what its types say, and what follows from its method and path.

use actix_web::http::Method;
use utoipa::openapi::path::{
    HttpMethod, Operation as Documented, OperationBuilder, Parameter, ParameterBuilder, ParameterIn,
};
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ArrayItems, Object, ObjectBuilder, Schema, SchemaType, Type};
use utoipa::openapi::security::SecurityRequirement;
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Required};

use super::headers::Header;
use super::schemas::bound_integer;
use super::{references, refusals};
use crate::http::problem::Code;
use crate::http::routes::{Draft, Operation, Repeatable, Response};

/// Values of one query parameter that is repeated, at the most.
const MAX_REPEATS: usize = 100;

/// The document's name of a method.
pub fn method(method: &Method) -> HttpMethod {
    match *method {
        Method::POST => HttpMethod::Post,
        Method::PUT => HttpMethod::Put,
        Method::PATCH => HttpMethod::Patch,
        Method::DELETE => HttpMethod::Delete,
        _ => HttpMethod::Get,
    }
}

/// The operation, with headers, conditions and refusals that follow from its method.
pub fn finished(operation: &Operation, path: &str) -> Documented {
    let mut draft = Draft::clone(&operation.draft);
    follow_method(&mut draft, operation, path);
    let mut builder = described(&draft, operation);
    for parameter in path_parameters(path).into_iter().chain(draft.parameters.iter().cloned()) {
        builder = builder.parameter(bounded(parameter));
    }
    for (status, response) in &draft.answers {
        builder = builder.response(status.to_string(), answer(response));
    }
    for status in &draft.refusals {
        let ordinary = draft.answers.get(status);
        builder =
            builder.response(status.to_string(), refusals::of_operation(*status, &draft.codes, ordinary));
    }
    builder.build()
}

fn described(draft: &Draft, operation: &Operation) -> OperationBuilder {
    let (summary, rest) = operation.doc.split_once('\n').unwrap_or((&operation.doc, ""));
    let mut description = rest.trim().to_owned();
    if let Some(access) = &draft.access {
        description = format!("{description}\n\n{access}").trim().to_owned();
    }
    if description.is_empty() {
        description = summary.to_owned();
    }
    let builder = OperationBuilder::new()
        .operation_id(Some(operation.id))
        .tag(operation.tag)
        .summary(Some(summary.trim_end_matches('.')))
        .description(Some(description))
        .request_body(draft.body.clone());
    match draft.security {
        Some(name) => builder.security(SecurityRequirement::new(name, Vec::<String>::new())),
        None => builder.securities(Some(Vec::<SecurityRequirement>::new())),
    }
}

/// What the types cannot know: conditions, keys and refusals that follow from the method.
fn follow_method(draft: &mut Draft, operation: &Operation, path: &str) {
    let names_a_row = path.rsplit('/').next().is_some_and(|last| last.starts_with('{'));
    draft.refuses(&[Code::NotAcceptable]);
    match operation.method {
        Method::GET => {
            draft.parameters.push(request_header(
                "If-None-Match",
                "The `ETag` that the caller has; where it still holds, the answer is 304.",
                r#"^(\*|(W/)?"[!#-+\--~]*"(\s*,\s*(W/)?"[!#-+\--~]*")*)$"#,
                1024,
            ));
            draft.refuses(&[Code::InvalidHeader]);
            draft.answers_nothing(304, "The caller has it already.");
            draft.header(200, Header::ETag);
            draft.header(304, Header::ETag);
        }
        Method::POST => {
            draft.refuses(&[Code::Conflict, Code::StorageFull]);
            if draft.security.is_some() && draft.repeatable == Repeatable::Keyed {
                draft.parameters.push(request_header(
                    "Idempotency-Key",
                    "Makes a retry safe: the same key and body within 24 hours get the first answer again.",
                    r"^[\x21-\x7e]+$",
                    255,
                ));
                let successes: Vec<u16> = draft.answers.keys().copied().collect();
                for status in successes.into_iter().filter(|status| *status < 300) {
                    draft.header(status, Header::IdempotentReplayed);
                }
                draft.refuses(&[
                    Code::IdempotencyKeyReused,
                    Code::IdempotencyInProgress,
                    Code::InvalidHeader,
                ]);
            }
            if path.split('/').any(|part| part.starts_with('{') && part != "{workspace}") {
                draft.parameters.push(if_match());
                draft.refuses(&[Code::PreconditionFailed, Code::InvalidHeader]);
            }
        }
        _ => {
            draft.refuses(&[Code::Conflict, Code::StorageFull]);
            if operation.method == Method::PATCH {
                draft.header(200, Header::ETag);
            }
            if names_a_row || operation.method == Method::PATCH {
                draft.parameters.push(if_match());
                draft.refuses(&[Code::PreconditionFailed, Code::InvalidHeader]);
            }
        }
    }
}

fn if_match() -> Parameter {
    request_header(
        "If-Match",
        "The `ETag` that this change is meant for; where the version is another one by now, the answer is 412.",
        r#"^(\*|"[0-9]+(-[!#-~]*)?")$"#,
        1024,
    )
}

fn request_header(name: &str, description: &str, pattern: &str, longest: usize) -> Parameter {
    ParameterBuilder::new()
        .name(name)
        .parameter_in(ParameterIn::Header)
        .required(Required::False)
        .description(Some(description))
        .schema(Some(
            ObjectBuilder::new()
                .schema_type(Type::String)
                .pattern(Some(pattern))
                .min_length(Some(1))
                .max_length(Some(longest))
                .build(),
        ))
        .build()
}

fn answer(response: &Response) -> utoipa::openapi::Response {
    let mut builder = ResponseBuilder::new().description(response.description);
    if let Some(schema) = &response.schema {
        let content = ContentBuilder::new().schema(Some(Ref::from_schema_name(schema))).build();
        builder = builder.content("application/json", content);
    }
    for media in &response.other_media {
        let text = ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(r"^[^\x00]*$"))
            .max_length(Some(LONGEST_TEXT))
            .build();
        builder = builder.content(*media, ContentBuilder::new().schema(Some(text)).build());
    }
    let mut built = builder.build();
    for header in response.headers.iter().chain(Header::ALWAYS) {
        built.headers.insert(header.name().to_owned(), header.reference());
    }
    built
}

/// Characters of an answer that is a text: 10,000 points on lines of at most some thousands.
const LONGEST_TEXT: usize = 100_000_000;

/// The parameters that stand in a path, in its order.
fn path_parameters(path: &str) -> Vec<Parameter> {
    path.split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
        .map(|name| {
            ParameterBuilder::new()
                .name(name)
                .parameter_in(ParameterIn::Path)
                .required(Required::True)
                .description(Some(references::describe(name)))
                .schema(references::schema(name))
                .build()
        })
        .collect()
}

/// Those of an operation's parameters that stand in its query, as the document has them.
pub fn query_parameters(draft: Draft) -> impl Iterator<Item = Parameter> {
    draft.parameters.into_iter().filter(|parameter| parameter.parameter_in == ParameterIn::Query).map(bounded)
}

/// Nothing that a caller sends is without bounds.
fn bounded(mut parameter: Parameter) -> Parameter {
    let name = parameter.name.clone();
    match &mut parameter.schema {
        Some(RefOr::T(Schema::Array(array))) => {
            array.max_items.get_or_insert(MAX_REPEATS);
            if let ArrayItems::RefOrSchema(items) = &mut array.items
                && let RefOr::T(Schema::Object(object)) = items.as_mut()
            {
                bound_value(&name, object);
            }
        }
        Some(RefOr::T(Schema::Object(object))) => bound_value(&name, object),
        _ => {}
    }
    parameter
}

/// What names a thing has the form of its names; any other text has a length.
fn bound_value(name: &str, object: &mut Object) {
    bound_integer(object);
    let is_text = object.schema_type == SchemaType::Type(Type::String);
    if is_text && object.enum_values.is_none() && object.format.is_none() && object.pattern.is_none() {
        if let Some(reference) = references::schema(name) {
            *object = reference;
            return;
        }
        object.max_length.get_or_insert(200);
        object.pattern.get_or_insert_with(|| r"^[^\x00]*$".into());
    }
}
