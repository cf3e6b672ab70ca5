//! What `can` says, held against what happens: every kind of thing that the document shows with a
//! `can`, in every state in which its words differ, is shown to every kind of caller, who then tries
//! each word. What is told as possible is taken, and what is not is refused.

mod proofs;
mod things;

use std::collections::{BTreeMap, BTreeSet};

use reqwest::Method;
use serde_json::Value;

use self::proofs::{Taken, proof};
use self::things::{STATES, Things};
use super::operations;
use super::rights::people::{Principal, Standing, everybody};
use crate::harness::{App, Caller, document, stories};

/// The schemas of the document that have a `can`, with the words of it.
fn told() -> BTreeMap<&'static str, BTreeSet<&'static str>> {
    fn find(value: &'static Value, name: &'static str, found: &mut BTreeMap<&str, BTreeSet<&str>>) {
        match value {
            Value::Object(fields) => {
                if let Some(can) = value.pointer("/properties/can") {
                    found.entry(name).or_default().extend(words(can));
                }
                fields.values().for_each(|field| find(field, name, found));
            }
            Value::Array(items) => items.iter().for_each(|item| find(item, name, found)),
            _ => {}
        }
    }
    let mut found = BTreeMap::new();
    for (name, schema) in document()["components"]["schemas"].as_object().expect("schemas") {
        find(schema, name, &mut found);
    }
    for operation in operations() {
        find(operation.said, operation.id(), &mut found);
    }
    found
}

/// The words of a `can`, which may stand elsewhere.
fn words(can: &'static Value) -> Vec<&'static str> {
    let can = match can["$ref"].as_str() {
        Some(elsewhere) => document().pointer(&elsewhere[1..]).expect("the reference leads somewhere"),
        None => can,
    };
    let words: Vec<&str> = can["properties"]
        .as_object()
        .unwrap_or_else(|| panic!("a `can` without words: {can}"))
        .keys()
        .map(String::as_str)
        .collect();
    assert!(!words.is_empty(), "a `can` without words: {can}");
    words
}

#[test]
fn every_schema_with_a_can_is_swept() {
    let told = told();
    assert!(told.len() >= 18, "{told:?}");
    let swept: BTreeSet<&str> = STATES.iter().map(|(schema, _)| *schema).collect();
    for schema in told.keys() {
        assert!(
            swept.contains(schema),
            "{schema} has a `can`: name its states in tests/api/sweep/can/things.rs, and prove its words"
        );
    }
    for schema in swept {
        assert!(told.contains_key(schema), "{schema} has no `can` in the document");
    }
}

/// A word that was told wrongly.
type Wrong = Vec<String>;

/// How often each word was told as possible, and as not.
type Seen = BTreeMap<(&'static str, &'static str), [usize; 2]>;

/// Everybody who is inside; and two tokens that are narrowed.
async fn callers(app: &App, everybody: &[Principal]) -> Vec<(&'static str, Caller)> {
    let mut callers: Vec<(&str, Caller)> = everybody
        .iter()
        .filter(|principal| matches!(principal.standing, Standing::Inside { .. }))
        .map(|principal| (principal.name, principal.caller.clone()))
        .collect();
    let ann = callers[0].1.clone();
    for (name, teams, key_patterns) in [
        ("a token narrowed to a team", &["growth"] as &[&str], &[] as &[&str]),
        ("a token narrowed to some keys", &[], &["churn-*"]),
    ] {
        let scopes = ["read", "points:write", "write", "admin"];
        let body = serde_json::json!({
            "name": name, "scopes": scopes, "team_ids": teams, "key_patterns": key_patterns,
        });
        let made = ann.post("tokens", body).await;
        callers.push((name, app.with_token(name, made.expect(201).text("/token")).inside("acme")));
    }
    callers
}

/// Shows one thing to a caller, who tries each word; what is spent by that is made anew.
async fn try_words(
    things: &mut Things,
    (schema, state): (&'static str, &'static str),
    callers: &[(&'static str, Caller)],
    words: &BTreeSet<&'static str>,
    wrong: &mut Wrong,
    seen: &mut Seen,
) {
    let mut thing = things.make(schema, state).await;
    for (name, caller) in callers {
        for word in words {
            let Some(shown) = thing.shown_to(caller).await else { continue };
            let told =
                shown["can"][word].as_bool().unwrap_or_else(|| panic!("{schema} tells no {word}: {shown}"));
            let number = things.next();
            let proof = proof(schema, word, &thing, &shown, number).unwrap_or_else(|| {
                panic!("{schema} tells of `{word}`: say in tests/api/sweep/can/proofs.rs how it is tried")
            });
            let mut call = caller.call(proof.method.clone(), &proof.path);
            if let Some(body) = &proof.body {
                call = call.json(body);
            }
            let answer = call.send().await;
            seen.entry((schema, *word)).or_default()[usize::from(told)] += 1;
            let happened = proof.was_taken(&answer);
            if happened != told {
                wrong.push(format!(
                    "{schema}, {state}, by {name}: can.{word} is {told}, and {} answered {} {}",
                    answer.call, answer.status, answer.raw
                ));
            } else if !told {
                let over = matches!(proof.taken, Taken::IsOver) && answer.status < 300;
                if !over && ![403, 404, 409].contains(&answer.status) {
                    wrong.push(format!(
                        "{schema}, {state}: refused for another reason than who asks and how it stands: {} {}",
                        answer.call, answer.raw
                    ));
                }
            }
            match proof.taken {
                Taken::Spends if happened => thing = things.make(schema, state).await,
                Taken::IsUndone(undo) if happened => {
                    things.other_than(name).patch(&thing.path_for(&shown), undo).await.expect(200);
                }
                _ => {}
            }
        }
    }
}

stories! {
    /// True is taken and false is refused: the words come from the policy that refuses.
    async fn what_can_tells_is_what_happens(app) {
        let (world, everybody) = everybody(&app).await;
        let callers = callers(&app, &everybody).await;
        let told = told();
        let mut things = Things::new(&app, &world, &everybody).await;
        let (mut wrong, mut seen) = (Wrong::new(), Seen::new());
        for (schema, states) in STATES {
            for state in *states {
                try_words(&mut things, (schema, state), &callers, &told[schema], &mut wrong, &mut seen).await;
            }
        }
        assert!(wrong.is_empty(), "{} words are wrong:\n{}", wrong.len(), wrong.join("\n"));
        // The sweep itself is whole: each word was told as possible and as not.
        for (schema, words) in &told {
            for word in words {
                let times = seen.get(&(*schema, *word)).copied().unwrap_or_default();
                assert!(times[0] > 0 && times[1] > 0, "{schema} can {word}: {times:?}");
            }
        }
    }

    /// The same thing tells the same of itself wherever it stands: alone, in lists, in reports.
    async fn can_is_the_same_wherever_a_thing_is_shown(app) {
        let (world, everybody) = everybody(&app).await;
        for (name, caller) in callers(&app, &everybody).await {
            let mut known: BTreeMap<(String, String), (bool, String)> = BTreeMap::new();
            let mut shown = 0;
            for operation in operations() {
                let is_read = operation.method == Method::GET && operation.template.contains("{workspace}");
                if !is_read || !operation.answers().contains(&"application/json") {
                    continue;
                }
                let answer = caller.call(Method::GET, &world.path(&operation)).header("accept", "application/json").send().await;
                if answer.status != 200 {
                    continue;
                }
                for (id, word, told) in words_in(&answer.body) {
                    shown += 1;
                    let first = known.entry((id.clone(), word.clone())).or_insert((told, answer.call.clone()));
                    assert_eq!(told, first.0, "{name}: {} and {} differ in can.{word} of {id}", answer.call, first.1);
                }
            }
            let reads = caller.get("").await.status == 200;
            assert!(!reads || (shown > known.len() && known.len() > 20), "{name} was told {shown} words of {} things", known.len());
        }
    }
}

/// Every word of every `can` in an answer, with the id of the thing.
fn words_in(body: &Value) -> Vec<(String, String, bool)> {
    let mut found = Vec::new();
    match body {
        Value::Object(fields) => {
            if let (Some(Value::String(id)), Some(Value::Object(can))) = (fields.get("id"), fields.get("can"))
            {
                let told =
                    can.iter().filter_map(|(word, told)| Some((id.clone(), word.clone(), told.as_bool()?)));
                found.extend(told);
            }
            found.extend(fields.values().flat_map(words_in));
        }
        Value::Array(items) => found.extend(items.iter().flat_map(words_in)),
        _ => {}
    }
    found
}
