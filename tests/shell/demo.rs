//! The tour that `regimen demo` prints: every line of it, as it is printed.

use crate::support::{Place, Server, free_address};
use crate::{bash, said};

#[test]
fn the_tour_on_sqlite() {
    walk(&Place::on_sqlite("tour"));
}

#[test]
fn the_tour_on_postgres() {
    walk(&Place::on_postgres("tour"));
}

fn walk(place: &Place) {
    let (server, mut told) = Server::start(place.command(&["demo", "--listen", &free_address()]));
    let mut next = || told.next().expect("the tour goes on").expect("text");
    let mut steps: Vec<(String, String)> = Vec::new();
    // A comment says what the line after it shows; the story ends with the hospitals.
    while !steps.last().is_some_and(|(what, _)| what.contains("hospitals")) {
        let line = next();
        if let Some(what) = line.strip_prefix("# ") {
            steps.push((what.to_owned(), next()));
        }
    }
    std::thread::spawn(move || told.for_each(drop));
    let answers: Vec<String> = steps
        .iter()
        .map(|(what, line)| {
            assert!(line.starts_with("curl "), "{what} {line}");
            assert!(line.contains(&server.address), "{line} goes elsewhere");
            let answer = said(line, &bash(line, &[]));
            assert!(!answer.is_empty() && !answer.contains("\"/problems/"), "{what}\n{line}\n{answer}");
            answer
        })
        .collect();
    let shows = |what: &str, words: &[&str]| {
        let place = steps.iter().position(|(step, _)| step.contains(what));
        let answer = &answers[place.unwrap_or_else(|| panic!("the tour has no step: {what}"))];
        for word in words {
            assert!(answer.contains(word), "{what}: no {word} in\n{answer}");
        }
    };
    shows("What needs a person", &["Churn rate"]);
    shows("as JSON", &["\"untreated\":[{", "churn-rate"]);
    shows("Prescribe", &["\"outcome\":\"in_progress\"", "\"objective_id\""]);
    shows("A month later", &["\"after\":\"healthy\""]);
    shows("healed", &["\"outcome\":\"recovered\""]);
    shows("All about one KPI", &["Why?", "What should follow?", "Does it help anyone decide?"]);
    shows("for a spreadsheet", &["key,name,health", "churn-rate,Churn rate"]);
    shows("next review", &["Review of Harbour Street", "To be looked at again"]);
    shows("What happened", &["remedy.recovered"]);
    shows("Real data", &["\"health\":\"at_risk\"", "\"value\":86.60427"]);
}
