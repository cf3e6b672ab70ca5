//! The schemas of the document, finished: what is always there is required, whole numbers have
//! bounds, and what nothing refers to is left out.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value};
use utoipa::openapi::schema::{ArrayItems, KnownFormat, Object, Schema, SchemaFormat, SchemaType, Type};
use utoipa::openapi::{OpenApi, Ref, RefOr};
use utoipa::{Number, ToSchema};

use crate::http::schema::SCHEMAS;

/// The greatest whole number that JavaScript holds exactly: 2^53 - 1.
const GREATEST_EXACT: usize = 9_007_199_254_740_991;

/// What answers always hold is required there: absent values are null, never missing.
pub fn complete(document: &mut OpenApi) {
    let asked = asked_for(document);
    let Some(components) = &mut document.components else { return };
    for (name, schema) in &mut components.schemas {
        finish(schema);
        if let RefOr::T(Schema::Object(object)) = schema
            && !asked.contains(name)
        {
            object.required = object.properties.keys().cloned().collect();
        }
    }
}

/// A schema and all that it names, as the document has those of bodies.
pub fn of_body<T: ToSchema>() -> BTreeMap<String, RefOr<Schema>> {
    let mut schemas = vec![(T::name().into_owned(), T::schema())];
    T::schemas(&mut schemas);
    schemas.iter_mut().for_each(|(_, schema)| finish(schema));
    schemas.into_iter().collect()
}

/// What holds for every schema, whoever sends what it describes.
fn finish(schema: &mut RefOr<Schema>) {
    let RefOr::T(schema) = schema else { return };
    bound_integers(schema);
    if let Schema::Object(object) = schema {
        object.properties.values_mut().for_each(describe_choice);
    }
}

/// Words have a name wherever they stand: those in parameters too refer to the named schema.
pub fn name_enums(document: &mut OpenApi) {
    let mut named = BTreeMap::new();
    for item in document.paths.paths.values_mut() {
        let operations = [&mut item.get, &mut item.put, &mut item.post, &mut item.delete, &mut item.patch];
        for parameter in operations.into_iter().flatten().flat_map(|one| one.parameters.iter_mut().flatten())
        {
            let RefOr::T(parameter) = parameter else { continue };
            match &mut parameter.schema {
                Some(RefOr::T(Schema::Array(array))) => {
                    if let ArrayItems::RefOrSchema(items) = &mut array.items {
                        name_enum(items, &mut named);
                    }
                }
                Some(schema) => name_enum(schema, &mut named),
                None => {}
            }
        }
    }
    if let Some(components) = &mut document.components {
        components.schemas.append(&mut named);
    }
}

fn name_enum(schema: &mut RefOr<Schema>, named: &mut BTreeMap<String, RefOr<Schema>>) {
    if let RefOr::T(Schema::Object(object)) = schema
        && object.enum_values.is_some()
        && let Some(name) = object.title.clone()
    {
        let reference =
            Ref::builder().ref_location_from_schema_name(&name).default(object.default.take()).build();
        named.insert(name, std::mem::replace(schema, RefOr::Ref(reference)));
    }
}

/// Leaves out the schemas that no operation reaches.
pub fn keep_reachable(document: &mut OpenApi) {
    let value = serde_json::to_value(&*document).unwrap_or_default();
    let mut roots = vec![&value["paths"]];
    roots.extend(value["components"].get("responses"));
    let reached = reached_from(roots, &value);
    if let Some(components) = &mut document.components {
        components.schemas.retain(|name, _| reached.contains(name));
    }
}

/// A field that may be null is a choice between null and something: the field's description is
/// the choice's, not the something's.
fn describe_choice(property: &mut RefOr<Schema>) {
    if let RefOr::T(Schema::OneOf(choice)) = property {
        for item in &mut choice.items {
            if let RefOr::Ref(reference) = item
                && choice.description.is_none()
            {
                choice.description =
                    Some(std::mem::take(&mut reference.description)).filter(|text| !text.is_empty());
            }
        }
    }
}

fn bound_integers(schema: &mut Schema) {
    match schema {
        Schema::Object(object) => {
            bound_integer(object);
            for property in object.properties.values_mut() {
                if let RefOr::T(property) = property {
                    bound_integers(property);
                }
            }
        }
        Schema::Array(array) => {
            if let ArrayItems::RefOrSchema(items) = &mut array.items
                && let RefOr::T(items) = items.as_mut()
            {
                bound_integers(items);
            }
        }
        Schema::OneOf(choice) => {
            for item in &mut choice.items {
                if let RefOr::T(item) = item {
                    bound_integers(item);
                }
            }
        }
        _ => {}
    }
}

/// Whole numbers say how wide they are, and stay within what every client holds exactly.
pub fn bound_integer(object: &mut Object) {
    let whole = match &object.schema_type {
        SchemaType::Type(one) => *one == Type::Integer,
        SchemaType::Array(several) => several.contains(&Type::Integer),
        SchemaType::AnyValue => false,
    };
    if whole {
        object.minimum.get_or_insert(Number::UInt(0));
        let narrow = object.format == Some(SchemaFormat::KnownFormat(KnownFormat::Int32));
        let greatest = if narrow { i32::MAX as usize } else { GREATEST_EXACT };
        object.maximum.get_or_insert(Number::UInt(greatest));
        object.format.get_or_insert(SchemaFormat::KnownFormat(KnownFormat::Int64));
    }
}

/// The schemas that request bodies reach.
fn asked_for(document: &OpenApi) -> BTreeSet<String> {
    let value = serde_json::to_value(document).unwrap_or_default();
    let operations = value["paths"].as_object().into_iter().flat_map(|paths| paths.values());
    let bodies = operations
        .flat_map(|item| item.as_object().into_iter().flat_map(|item| item.values()))
        .map(|operation| &operation["requestBody"]);
    reached_from(bodies.collect(), &value)
}

/// The schemas that a schema refers to, directly or not, by their names: a validator that held the whole document
/// would take as long to compile, and as much memory, as all of them together.
pub fn referred(document: &Value, schema: &Value) -> Map<String, Value> {
    let named = |name: String| {
        let schema = document["components"]["schemas"][&name].clone();
        (name, schema)
    };
    reached_from(vec![schema], document).into_iter().map(named).collect()
}

/// The names of all schemas that these parts of a document refer to, directly or not.
fn reached_from<'a>(mut pending: Vec<&'a Value>, document: &'a Value) -> BTreeSet<String> {
    let mut reached = BTreeSet::new();
    while let Some(next) = pending.pop() {
        match next {
            Value::Object(fields) => {
                if let Some(name) =
                    fields.get("$ref").and_then(Value::as_str).and_then(|path| path.strip_prefix(SCHEMAS))
                    && reached.insert(name.to_owned())
                {
                    pending.push(&document["components"]["schemas"][name]);
                }
                pending.extend(fields.values());
            }
            Value::Array(items) => pending.extend(items),
            _ => {}
        }
    }
    reached
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::http::document::Document;
    use crate::http::schema::validator;

    #[test]
    fn a_body_is_judged_by_what_the_document_says_of_it() {
        let all = crate::slices();
        let document = serde_json::to_value(Document::of(&all).published).unwrap();
        let mut judged = 0;
        for operation in all.iter().flat_map(|routes| &routes.0).flat_map(|entry| &entry.operations) {
            let Some(name) = &operation.draft.body_schema else { continue };
            let mut own: BTreeMap<String, RefOr<Schema>> = operation.draft.schemas.iter().cloned().collect();
            own.values_mut().for_each(finish);
            let mut body = json!({ "$ref": format!("{SCHEMAS}{name}") });
            let own = json!({ "components": { "schemas": own } });
            assert_eq!(referred(&own, &body), referred(&document, &body), "{}", operation.id);
            body["components"] = own["components"].clone();
            assert_eq!(validator(&body).err(), None, "{}", operation.id);
            judged += 1;
        }
        assert!(judged > 50, "{judged}");
    }
}
