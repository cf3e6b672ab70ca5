//! How each word of each `can` is tried.

use reqwest::Method;
use serde_json::{Value, json};

use super::things::Thing;
use crate::harness::Answer;
use crate::sweep::rights::UNKNOWN;

/// A request that does what a word tells of.
pub struct Proof {
    pub method: Method,
    pub path: String,
    pub body: Option<Value>,
    pub taken: Taken,
}

/// What becomes of the thing where the request is taken.
pub enum Taken {
    /// It is as it was, but for its words.
    LeavesIt,
    /// Another one is needed.
    Spends,
    /// Somebody else sends this to undo it.
    IsUndone(Value),
    /// Nothing: it is refused behind the right, for a parameter that nobody knows.
    IsRehearsed,
    /// Nothing: it is so already, and to ask for it once more is no error.
    IsOver,
}

impl Proof {
    /// Whether the caller was let through.
    pub fn was_taken(&self, answer: &Answer) -> bool {
        match self.taken {
            Taken::IsRehearsed => answer.status == 400,
            Taken::IsOver => false,
            Taken::LeavesIt | Taken::Spends | Taken::IsUndone(_) => answer.status < 300,
        }
    }
}

/// The request that tries a word on a thing as a caller is shown it; none where nobody said how.
pub fn proof(schema: &str, word: &str, thing: &Thing, shown: &Value, number: usize) -> Option<Proof> {
    let path = thing.path.clone();
    let to = |method, path: String, body, taken| Some(Proof { method, path, body, taken });
    let change = |field: &str| {
        to(
            Method::PATCH,
            path.clone(),
            Some(json!({ field: format!("Other words {number}") })),
            Taken::LeavesIt,
        )
    };
    let has_ended =
        ["ended_at", "withdrawn_at", "deleted_at", "removed_at"].iter().any(|at| shown[at].is_string());
    let end = || {
        let taken = if has_ended || schema == "KeyResult" && shown["archived_at"].is_string() {
            Taken::IsOver
        } else {
            Taken::Spends
        };
        to(Method::DELETE, path.clone(), None, taken)
    };
    // Whoever may archive may restore.
    let archive = || match shown["archived_at"] {
        Value::Null => end(),
        _ => to(Method::POST, format!("{path}/restore"), None, Taken::Spends),
    };
    let check_in = |key_result: &str| {
        let body = json!({"value": 2, "confidence": "on_track"});
        to(Method::POST, format!("key-results/{key_result}/check-ins"), Some(body), Taken::LeavesIt)
    };
    match (schema, word) {
        ("Annotation" | "Comment", "edit") => change("text"),
        ("Annotation" | "Board" | "Comment" | "Cycle", "delete") => end(),
        ("Board" | "Cycle" | "Kpi" | "DueKpi" | "Team", "edit") => change("name"),
        ("Decision", "edit") => change("summary"),
        ("Driver" | "Guardrail" | "Remedy", "edit") => change("note"),
        ("Driver" | "Guardrail", "end") => end(),
        ("DueObjective" | "Initiative" | "KeyResult" | "Objective", "edit") => change("title"),
        ("Initiative" | "Kpi" | "DueKpi" | "Objective", "archive") => archive(),
        ("KeyResult", "archive") => end(),
        ("KeyResult", "check_in") => check_in(&thing.id),
        ("Objective", "check_in") => check_in(&thing.near),
        ("Kpi" | "DueKpi", "post_points") => {
            // A rehearsal, so that a KPI whose value is due stays so.
            let path = format!("{path}/points/2026-03-31?dry_run=true");
            to(Method::PUT, path, Some(json!({"value": number})), Taken::LeavesIt)
        }
        ("Kpi" | "DueKpi", "prescribe") => {
            let path = format!("{path}/remedies?dry_run=true");
            to(Method::POST, path, Some(json!({"title": "Heal it", "cycle_id": "q2"})), Taken::LeavesIt)
        }
        ("Objective", "close") => {
            to(Method::POST, format!("{path}/close"), Some(json!({"outcome": "partial"})), Taken::Spends)
        }
        ("Objective", "reopen") => {
            let taken = if shown["state"] == "active" { Taken::IsOver } else { Taken::Spends };
            to(Method::POST, format!("{path}/reopen"), None, taken)
        }
        ("Remedy", "withdraw") => end(),
        ("Review", "edit") => change("notes"),
        ("Team", "lead") => change("description"),
        ("Member", "rename") => change("name"),
        ("Member", "change_role") => {
            let other = if shown["role"] == "member" { "viewer" } else { "member" };
            let undo = Taken::IsUndone(json!({"role": shown["role"]}));
            to(Method::PATCH, path, Some(json!({"role": other})), undo)
        }
        ("Member", "suspend") => {
            let other = if shown["state"] == "suspended" { "active" } else { "suspended" };
            let undo = Taken::IsUndone(json!({"state": shown["state"]}));
            to(Method::PATCH, path, Some(json!({"state": other})), undo)
        }
        // Whoever left would try nothing more.
        ("Member", "remove") if thing.is_the_caller => {
            to(Method::DELETE, format!("{path}{UNKNOWN}"), None, Taken::IsRehearsed)
        }
        ("Member", "remove") => end(),
        ("Workspace", "create_kpi") => {
            let body = json!({"name": "Made", "key": format!("churn-made-{number}"), "team_id": "growth"});
            to(Method::POST, "kpis?dry_run=true".into(), Some(body), Taken::LeavesIt)
        }
        ("Workspace", "create_objective") => to(
            Method::POST,
            "objectives".into(),
            Some(json!({"title": "Made", "team_id": "growth"})),
            Taken::LeavesIt,
        ),
        ("Workspace", "manage") => change("name"),
        ("Workspace", "delete") => to(Method::DELETE, UNKNOWN.into(), None, Taken::IsRehearsed),
        _ => None,
    }
}
