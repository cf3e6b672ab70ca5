//! Changes of paths, operations, parameters, and who may call.

use serde_json::{Value, json};

use super::Verdict::{Breaks, Passes};
use super::{Change, KPI, KPIS, at, drop_word, new_parameter, parameter, push, remove};

/// Each with its verdict.
pub const ALL: &[Change] = &[
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
