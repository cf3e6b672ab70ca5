//! Every operation, called by every kind of caller: what must come of it is read off one table, and
//! whatever is refused changes nothing.

pub(super) mod people;
mod table;

use std::collections::BTreeMap;

use self::people::{Outcome, Principal, Standing, everybody};
use self::table::{Rule, TABLE};
use super::{Operation, World, operations};
use crate::harness::{Answer, stories};

/// A query parameter that no operation knows. It is judged after the right and before anything is
/// done, so that whoever may come in is told so and changes nothing.
pub(super) const UNKNOWN: &str = "?no_such_parameter=1";

#[test]
fn the_table_names_every_operation() {
    let said: BTreeMap<&str, Rule> = TABLE.iter().copied().collect();
    assert_eq!(said.len(), TABLE.len(), "an operation stands in the table twice");
    let known: Vec<&str> = operations().iter().map(Operation::id).collect();
    for id in &known {
        assert!(
            said.contains_key(id),
            "{id} is missing in tests/api/sweep/rights/table.rs: say who may call it"
        );
    }
    for id in said.keys() {
        assert!(known.contains(id), "the table names {id}, which is no operation");
    }
}

fn judged(answer: &Answer) -> Outcome {
    match answer.status {
        401 => Outcome::Unknown,
        403 => Outcome::Forbidden,
        404 => Outcome::Nothing,
        _ => Outcome::Passes,
    }
}

impl World {
    /// Calls an operation on things that are there, with the body of its example.
    pub(super) async fn call(&self, operation: &Operation, principal: &Principal) -> Answer {
        let path = format!("{}{UNKNOWN}", self.path(operation));
        let call = principal.caller.call(operation.method.clone(), &path);
        match operation.takes().first() {
            None => call.send().await,
            Some(media) => call.raw(media, self.example(operation).to_string()).send().await,
        }
    }
}

stories! {
    /// 401 to whom nobody knows, 404 to whom it does not concern, 403 to who may not; and after all
    /// refusals of an operation every row of the database is what it was.
    async fn who_may_do_what(app) {
        let (world, principals) = everybody(&app).await;
        let mut wrong = Vec::new();
        let mut seen: BTreeMap<(bool, Outcome), usize> = BTreeMap::new();
        for (id, rule) in TABLE {
            let Some(operation) = operations().into_iter().find(|operation| operation.id() == *id) else { continue };
            if *rule == Rule::Open {
                continue;
            }
            let before = app.rows().await;
            for principal in &principals {
                let expected = principal.standing.outcome(&operation, *rule);
                let answer = world.call(&operation, principal).await;
                *seen.entry((matches!(principal.standing, Standing::Inside { .. }), expected)).or_default() += 1;
                if judged(&answer) != expected {
                    wrong.push(format!("{} by {}: {expected:?} was due: {} {}", operation, principal.name, answer.status, answer.raw));
                } else if expected == Outcome::Passes {
                    assert!(
                        [400, 412, 415, 422].contains(&answer.status),
                        "{} took {UNKNOWN}: {} {}", answer.call, answer.status, answer.raw
                    );
                }
            }
            assert_eq!(app.rows().await, before, "{operation} changed something although nobody was let through");
        }
        assert!(wrong.is_empty(), "{} cells are wrong:\n{}", wrong.len(), wrong.join("\n"));
        // The sweep itself is whole: each kind of answer was due often.
        for outcome in [Outcome::Passes, Outcome::Forbidden] {
            assert!(seen[&(true, outcome)] > 100, "{seen:?}");
        }
        assert!(seen[&(false, Outcome::Unknown)] > 500 && seen[&(false, Outcome::Nothing)] > 500, "{seen:?}");
    }
}
