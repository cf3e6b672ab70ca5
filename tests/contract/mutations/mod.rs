//! The comparison, tried on changes of the present document: each must be found, or must pass.

mod answers;
mod operations;
mod requests;

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

#[test]
fn changes_of_operations() {
    judge(operations::ALL);
}

#[test]
fn changes_of_requests() {
    judge(requests::ALL);
}

#[test]
fn changes_of_answers() {
    judge(answers::ALL);
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
    let additions =
        operations::ALL.iter().chain(requests::ALL).chain(answers::ALL).filter(|(name, _, verdict)| {
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
