//! The comparison, tried on changes of the present document: each must be found, or must pass.

use serde_json::{Value, json};

use crate::document::compare;
use crate::present;

/// What becomes of a change.
enum Verdict {
    /// It breaks clients; some finding holds all of these words.
    Breaks(&'static [&'static str]),
    /// It breaks nobody, and is told as an addition in these words; none: it is nothing to tell.
    Passes(&'static [&'static str]),
}

use Verdict::{Breaks, Passes};

type Change = (&'static str, fn(&mut Value), Verdict);

const KPIS: &str = "/paths/~1v1~1workspaces~1{workspace}~1kpis";
const KPI: &str = "/paths/~1v1~1workspaces~1{workspace}~1kpis~1{kpi}";

/// What stands at a pointer; a table that names what is not there would show nothing.
fn at<'a>(document: &'a mut Value, pointer: &str) -> &'a mut Value {
    document.pointer_mut(pointer).unwrap_or_else(|| panic!("the document has nothing at {pointer}"))
}

fn remove(document: &mut Value, pointer: &str, field: &str) {
    let removed = at(document, pointer).as_object_mut().expect("an object").remove(field);
    assert!(removed.is_some(), "{pointer} has no {field}");
}

fn push(document: &mut Value, pointer: &str, value: Value) {
    at(document, pointer).as_array_mut().expect("a list").push(value);
}

fn drop_word(document: &mut Value, pointer: &str, word: &str) {
    let words = at(document, pointer).as_array_mut().expect("a list");
    let before = words.len();
    words.retain(|one| one != word);
    assert!(words.len() < before, "{pointer} has no {word}");
}

/// A parameter of an operation, by its name.
fn parameter<'a>(document: &'a mut Value, operation: &str, name: &str) -> &'a mut Value {
    let all = at(document, &format!("{operation}/parameters")).as_array_mut().expect("parameters");
    all.iter_mut()
        .find(|parameter| parameter["name"] == name)
        .unwrap_or_else(|| panic!("no parameter {name}"))
}

fn new_parameter(document: &mut Value, required: bool) {
    let new = json!({"name": "shade", "in": "query", "required": required, "schema": {"type": "string"}});
    push(document, &format!("{KPIS}/get/parameters"), new);
}

fn field<'a>(document: &'a mut Value, schema: &str, name: &str) -> &'a mut Value {
    at(document, &format!("/components/schemas/{schema}/properties/{name}"))
}

/// Changes of paths, operations, parameters, and who may call.
const OF_OPERATIONS: &[Change] = &[
    ("nothing", |_| {}, Passes(&[])),
    (
        "a path removed",
        |d| remove(d, "/paths", "/v1/workspaces/{workspace}/triage"),
        Breaks(&["/v1/workspaces/{workspace}/triage", "the path was removed"]),
    ),
    (
        "a path added",
        |d| at(d, "/paths")["/v1/moon"] = json!({"get": {"operationId": "show_moon", "responses": {}}}),
        Passes(&["/v1/moon", "a new path"]),
    ),
    (
        "an operation removed",
        |d| remove(d, KPI, "delete"),
        Breaks(&["DELETE /v1/workspaces/{workspace}/kpis/{kpi} (archive_kpi)", "removed"]),
    ),
    (
        "an operation added",
        |d| at(d, KPIS)["put"] = json!({"operationId": "put_kpis", "responses": {}}),
        Passes(&["put_kpis", "a new operation"]),
    ),
    (
        "an operationId changed",
        |d| *at(d, &format!("{KPIS}/post/operationId")) = json!("make_kpi"),
        Breaks(&["create_kpi", "make_kpi"]),
    ),
    ("words rewritten", |d| *at(d, &format!("{KPIS}/post/summary")) = json!("Another summary"), Passes(&[])),
    (
        "a parameter removed",
        |d| drop_parameter(d, "category"),
        Breaks(&["GET", "query parameter `category`", "removed"]),
    ),
    ("a parameter added", |d| new_parameter(d, false), Passes(&["query parameter `shade`", "new"])),
    (
        "a required parameter added",
        |d| new_parameter(d, true),
        Breaks(&["query parameter `shade`", "required"]),
    ),
    (
        "a parameter made required",
        |d| parameter(d, &format!("{KPIS}/get"), "q")["required"] = json!(true),
        Breaks(&["query parameter `q`", "required"]),
    ),
    (
        "a parameter renamed by case of a header",
        |d| parameter(d, &format!("{KPIS}/get"), "If-None-Match")["name"] = json!("if-none-match"),
        Passes(&[]),
    ),
    (
        "a word removed from a parameter",
        |d| drop_word(d, "/components/schemas/Health/enum", "unknown"),
        Breaks(&["query parameter `health`", "/*", "\"unknown\" was removed"]),
    ),
    (
        "the limit of pages lowered",
        |d| parameter(d, &format!("{KPIS}/get"), "limit")["schema"]["maximum"] = json!(100),
        Breaks(&["query parameter `limit`", "maximum was 200 and is 100"]),
    ),
    (
        "the limit of pages raised",
        |d| parameter(d, &format!("{KPIS}/get"), "limit")["schema"]["maximum"] = json!(500),
        Passes(&["`limit`", "maximum was 200 and is 500"]),
    ),
    (
        "a parameter that repeats no longer",
        |d| parameter(d, &format!("{KPIS}/get"), "team")["schema"] = json!({"type": "string"}),
        Breaks(&["`team`", "the type was array and is string"]),
    ),
    (
        "a parameter written otherwise",
        |d| parameter(d, &format!("{KPIS}/get"), "team")["explode"] = json!(false),
        Breaks(&["`team`", "explode"]),
    ),
    (
        "security added",
        |d| at(d, "/paths/~1livez/get")["security"] = json!([{"bearer": []}]),
        Breaks(&["/livez", "security", "no credential no longer suffices"]),
    ),
    ("security dropped", |d| at(d, &format!("{KPIS}/get"))["security"] = json!([]), Passes(&[])),
    ("another way in", |d| push(d, &format!("{KPIS}/get/security"), json!({"other": []})), Passes(&[])),
    (
        "a scope asked for",
        |d| at(d, &format!("{KPIS}/get"))["security"] = json!([{"bearer": ["kpis:read"]}]),
        Breaks(&["security", "no longer suffices"]),
    ),
    (
        "another scheme",
        |d| *at(d, "/components/securitySchemes/bearer/scheme") = json!("basic"),
        Breaks(&["security scheme `bearer`", "scheme"]),
    ),
];

fn drop_parameter(document: &mut Value, name: &str) {
    let all = at(document, &format!("{KPIS}/get/parameters")).as_array_mut().expect("parameters");
    let before = all.len();
    all.retain(|parameter| parameter["name"] != name);
    assert!(all.len() < before, "no parameter {name}");
}

/// Changes of what clients send.
const OF_REQUESTS: &[Change] = &[
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

/// Changes of what clients are answered.
const OF_ANSWERS: &[Change] = &[
    (
        "a success removed",
        |d| remove(d, &format!("{KPI}/put/responses"), "201"),
        Breaks(&["put_kpi", "response 201", "removed"]),
    ),
    (
        "304 removed",
        |d| remove(d, &format!("{KPIS}/get/responses"), "304"),
        Breaks(&["list_kpis", "response 304", "removed"]),
    ),
    ("a refusal removed", |d| remove(d, &format!("{KPIS}/post/responses"), "422"), Passes(&[])),
    (
        "a status added",
        |d| at(d, &format!("{KPIS}/post/responses"))["202"] = json!({"description": "Later."}),
        Passes(&["response 202", "new"]),
    ),
    (
        "a media type removed",
        |d| remove(d, "/paths/~1v1~1workspaces~1{workspace}~1triage/get/responses/200/content", "text/plain"),
        Breaks(&["show_triage", "response 200 as text/plain", "removed"]),
    ),
    (
        "a header removed",
        |d| remove(d, &format!("{KPIS}/post/responses/201/headers"), "Location"),
        Breaks(&["response 201 header `Location`", "removed"]),
    ),
    (
        "a field removed",
        |d| remove(d, "/components/schemas/Kpi/properties", "since"),
        Breaks(&[
            "GET /v1/workspaces/{workspace}/kpis (list_kpis)",
            "response 200 as application/json at /items/*/since",
            "removed",
        ]),
    ),
    (
        "a field added",
        |d| at(d, "/components/schemas/Kpi/properties")["shade"] = json!({"type": "string"}),
        Passes(&["response 200 as application/json at /shade", "a new field"]),
    ),
    (
        "a field that may be missing",
        |d| drop_word(d, "/components/schemas/Kpi/required", "since"),
        Breaks(&["at /since", "may be missing now"]),
    ),
    (
        "a field that may be null",
        |d| {
            *field(d, "Kpi", "created_at") =
                json!({"oneOf": [{"$ref": "#/components/schemas/Moment"}, {"type": "null"}]})
        },
        Breaks(&["at /created_at", "it may be null now"]),
    ),
    (
        "a choice that may be null",
        |d| {
            *field(d, "Kpi", "health") =
                json!({"oneOf": [{"$ref": "#/components/schemas/Health"}, {"type": "null"}]})
        },
        Breaks(&["at /health", "it may be null now"]),
    ),
    (
        "a field that is never null",
        |d| *field(d, "Kpi", "since") = json!({"$ref": "#/components/schemas/Day"}),
        Passes(&[]),
    ),
    (
        "an enum's value added",
        |d| push(d, "/components/schemas/Health/enum", json!("dozing")),
        Passes(&["at /health", "a new value \"dozing\""]),
    ),
    (
        "an enum's value removed",
        |d| drop_word(d, "/components/schemas/Health/enum", "at_risk"),
        Breaks(&["at /health", "\"at_risk\" was removed"]),
    ),
    (
        "an enum given up",
        |d| remove(d, "/components/schemas/Health", "enum"),
        Breaks(&["at /health", "any value of its type"]),
    ),
    (
        "a type changed",
        |d| *at(d, "/components/schemas/Health") = json!({"type": "integer"}),
        Breaks(&["at /health", "the type was string and is integer"]),
    ),
    (
        "a number where a whole one was",
        |d| field(d, "KpiPage", "total")["type"] = json!(["number", "null"]),
        Breaks(&["at /total", "the type was integer and is number"]),
    ),
    (
        "a format dropped",
        |d| remove(d, "/components/schemas/Moment", "format"),
        Breaks(&["at /created_at", "format"]),
    ),
    ("a longer text", |d| *at(d, "/components/schemas/Name/maxLength") = json!(1000), Passes(&[])),
    (
        "a list of something else",
        |d| *at(d, "/components/schemas/KpiPage/properties/items/items") = json!({"type": "string"}),
        Breaks(&["list_kpis", "at /items/*", "the type was object and is string"]),
    ),
    (
        "a choice",
        |d| {
            *field(d, "Kpi", "health") =
                json!({"oneOf": [{"$ref": "#/components/schemas/Health"}, {"type": "integer"}]})
        },
        Breaks(&["at /health", "it may be one of several things now"]),
    ),
    (
        "the shape of problems",
        |d| remove(d, "/components/schemas/Problem/properties", "code"),
        Breaks(&["response 404 as application/problem+json at /code", "removed"]),
    ),
];

#[test]
fn changes_of_operations() {
    judge(OF_OPERATIONS);
}

#[test]
fn changes_of_requests() {
    judge(OF_REQUESTS);
}

#[test]
fn changes_of_answers() {
    judge(OF_ANSWERS);
}

fn judge(changes: &[Change]) {
    let released = present();
    for (name, change, verdict) in changes {
        let mut changed = released.clone();
        change(&mut changed);
        let findings = compare(&released, &changed);
        let tells = |all: &[String], words: &[&str]| {
            all.iter().any(|finding| words.iter().all(|word| finding.contains(word)))
        };
        match verdict {
            Breaks(words) => {
                assert!(
                    tells(&findings.breaking, words),
                    "{name}: {words:?} is not among {:#?}",
                    findings.breaking
                );
            }
            Passes(words) => {
                assert!(findings.breaking.is_empty(), "{name}: {:#?}", findings.breaking);
                let told = words.is_empty() || tells(&findings.additions, words);
                assert!(told, "{name}: {words:?} is not among {:#?}", findings.additions);
            }
        }
    }
}

/// What was added in one release breaks when it is taken back in the next.
#[test]
fn what_was_added_cannot_be_taken_back() {
    let before = present();
    let additions = OF_OPERATIONS.iter().chain(OF_REQUESTS).chain(OF_ANSWERS).filter(|(name, _, verdict)| {
        matches!(verdict, Passes(words) if !words.is_empty()) && !name.starts_with("a status")
    });
    for (name, change, _) in additions {
        let mut after = before.clone();
        change(&mut after);
        let findings = compare(&after, &before);
        assert!(!findings.breaking.is_empty(), "{name} can be taken back");
    }
}

/// A schema that holds itself is compared once, to its end.
#[test]
fn schemas_that_hold_themselves() {
    let document = |words: &[&str]| {
        json!({
            "paths": {"/tree": {"get": {"operationId": "show_tree", "responses": {"200": {"content": {
                "application/json": {"schema": {"$ref": "#/components/schemas/Node"}},
            }}}}}},
            "components": {"schemas": {"Node": {"type": "object", "required": ["kind", "nodes"], "properties": {
                "kind": {"type": "string", "enum": words},
                "nodes": {"type": "array", "items": {"$ref": "#/components/schemas/Node"}},
            }}}},
        })
    };
    let findings = compare(&document(&["leaf", "branch"]), &document(&["branch"]));
    assert_eq!(findings.breaking.len(), 1, "{:#?}", findings.breaking);
    assert!(
        findings.breaking[0].contains("GET /tree (show_tree), response 200 as application/json at /kind")
    );
}

/// Choices between several things: those that could be sent can be, and no new ones are answered.
#[test]
fn choices_between_things() {
    let choice = |choices: Value| {
        json!({"paths": {"/thing": {"put": {
            "operationId": "put_thing",
            "requestBody": {"content": {"application/json": {"schema": {"oneOf": choices.clone()}}}},
            "responses": {"200": {"content": {"application/json": {"schema": {"oneOf": choices}}}}},
        }}}})
    };
    let two = choice(json!([{"type": "string"}, {"type": "integer"}]));
    let three = choice(json!([{"type": "string"}, {"type": "boolean"}, {"type": "integer"}]));
    for (old, new, part) in [(&two, &three, "response 200"), (&three, &two, "request body")] {
        let findings = compare(old, new);
        assert_eq!(findings.breaking.len(), 1, "{:#?}", findings.breaking);
        assert!(findings.breaking[0].contains(part), "{}", findings.breaking[0]);
    }
}
