//! Changes of what clients send.

use serde_json::{Value, json};

use super::Verdict::{Breaks, Passes};
use super::{Change, KPI, KPIS, at, drop_word, field, push, remove};

/// Each with its verdict.
pub const ALL: &[Change] = &[
    (
        "a body removed",
        |d| remove(d, &format!("{KPIS}/post"), "requestBody"),
        Breaks(&["create_kpi", "request body", "no longer taken"]),
    ),
    (
        "a required body added",
        |d| at(d, &format!("{KPI}~1restore/post"))["requestBody"] = json!({"required": true, "content": {}}),
        Breaks(&["restore_kpi", "a body is now required"]),
    ),
    (
        "an optional body added",
        |d| at(d, &format!("{KPI}~1restore/post"))["requestBody"] = json!({"content": {}}),
        Passes(&["restore_kpi", "a body may be sent"]),
    ),
    (
        "a media type removed",
        |d| remove(d, "/paths/~1v1~1workspaces~1{workspace}~1points/post/requestBody/content", "text/csv"),
        Breaks(&["request body as text/csv", "removed"]),
    ),
    (
        "a media type added",
        |d| at(d, &format!("{KPIS}/post/requestBody/content"))["application/yaml"] = json!({"schema": {}}),
        Passes(&["as application/yaml", "new"]),
    ),
    (
        "a field removed",
        |d| remove(d, "/components/schemas/NewKpi/properties", "category"),
        Breaks(&["create_kpi", "request body as application/json at /category", "removed"]),
    ),
    (
        "an optional field added",
        |d| at(d, "/components/schemas/NewKpi/properties")["shade"] = json!({"type": "string"}),
        Passes(&["/shade", "a new field"]),
    ),
    (
        "a required field added",
        |d| {
            at(d, "/components/schemas/NewKpi/properties")["shade"] = json!({"type": "string"});
            push(d, "/components/schemas/NewKpi/required", json!("shade"));
        },
        Breaks(&["create_kpi", "/shade", "a new field is required"]),
    ),
    (
        "a field made required",
        |d| push(d, "/components/schemas/NewKpi/required", json!("category")),
        Breaks(&["/category", "the field is required now"]),
    ),
    (
        "a field no longer required",
        |d| *at(d, "/components/schemas/NewKpi/required") = json!([]),
        Passes(&[]),
    ),
    (
        "an enum's value removed",
        |d| drop_word(d, "/components/schemas/Cadence/enum", "daily"),
        Breaks(&["create_kpi", "request body as application/json at /cadence", "\"daily\" was removed"]),
    ),
    (
        "maxLength lowered",
        |d| *at(d, "/components/schemas/Name/maxLength") = json!(10),
        Breaks(&["create_kpi", "at /name", "maxLength"]),
    ),
    (
        "maxLength raised",
        |d| *at(d, "/components/schemas/Name/maxLength") = json!(1000),
        Passes(&["at /name", "maxLength"]),
    ),
    (
        "maxLength dropped",
        |d| remove(d, "/components/schemas/Name", "maxLength"),
        Passes(&["at /name", "maxLength"]),
    ),
    (
        "minLength added",
        |d| field(d, "NewAccount", "password")["minLength"] = json!(40),
        Breaks(&["at /password", "minLength"]),
    ),
    (
        "a minimum raised",
        |d| field(d, "NewKpi", "confirm_periods")["minimum"] = json!(2),
        Breaks(&["at /confirm_periods", "minimum was 1 and is 2"]),
    ),
    (
        "a maximum lowered",
        |d| field(d, "NewKpi", "confirm_periods")["maximum"] = json!(6),
        Breaks(&["at /confirm_periods", "maximum was 12 and is 6"]),
    ),
    (
        "a maximum added",
        |d| field(d, "NewBounds", "min")["maximum"] = json!(5),
        Breaks(&["at /target/min", "maximum"]),
    ),
    (
        "fewer items",
        |d| field(d, "NewKpi", "tags")["maxItems"] = json!(5),
        Breaks(&["at /tags", "maxItems was 20 and is 5"]),
    ),
    (
        "items that must differ",
        |d| field(d, "NewKpi", "tags")["uniqueItems"] = json!(true),
        Breaks(&["at /tags", "unique"]),
    ),
    (
        "only multiples",
        |d| field(d, "NewKpi", "confirm_periods")["multipleOf"] = json!(2),
        Breaks(&["at /confirm_periods", "multipleOf"]),
    ),
    (
        "a pattern added",
        |d| at(d, "/components/schemas/Name")["pattern"] = json!("^[a-z]+$"),
        Breaks(&["at /name", "pattern"]),
    ),
    (
        "a format added",
        |d| at(d, "/components/schemas/Name")["format"] = json!("email"),
        Breaks(&["at /name", "format"]),
    ),
    (
        "a type changed",
        |d| *at(d, "/components/schemas/Name") = json!({"type": "integer"}),
        Breaks(&["at /name", "the type was string and is integer"]),
    ),
    (
        "a whole number where any was taken",
        |d| *field(d, "NewBounds", "min") = json!({"type": ["integer", "null"]}),
        Breaks(&["at /target/min", "the type was number and is integer"]),
    ),
    (
        "any number where a whole one was taken",
        |d| field(d, "NewKpi", "confirm_periods")["type"] = json!(["number", "null"]),
        Passes(&[]),
    ),
    (
        "null no longer taken",
        |d| *field(d, "NewKpi", "key") = json!({"$ref": "#/components/schemas/KpiKey"}),
        Breaks(&["at /key", "null is no longer taken"]),
    ),
    (
        "null taken",
        |d| *field(d, "NewKpi", "name") = json!({"type": ["string", "null"]}),
        Passes(&["at /name", "null is taken now"]),
    ),
    (
        "another default",
        |d| field(d, "NewKpi", "recover_periods")["default"] = json!(2),
        Breaks(&["at /recover_periods", "by default"]),
    ),
    (
        "unknown fields taken",
        |d| at(d, "/components/schemas/NewKpi")["additionalProperties"] = json!(true),
        Passes(&["fields that are not listed are taken"]),
    ),
    ("a schema renamed", rename_of_new_target, Passes(&[])),
];

/// Another name in the document is no other contract.
fn rename_of_new_target(document: &mut Value) {
    let schema = at(document, "/components/schemas/NewBounds").clone();
    at(document, "/components/schemas")["Band"] = schema;
    *field(document, "NewKpi", "target") =
        json!({"oneOf": [{"$ref": "#/components/schemas/Band"}, {"type": "null"}]});
}
