//! Changes of what clients are answered.

use serde_json::json;

use super::Verdict::{Breaks, Passes};
use super::{Change, KPI, KPIS, at, drop_word, field, push, remove};

/// Each with its verdict.
pub const ALL: &[Change] = &[
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
