//! "The loop" of the README: its lines in their order, against an empty database.

use serde_json::Value;

use crate::support::Place;
use crate::{bash, said};

const README: &str = include_str!("../../README.md");

/// The address that the README writes, where the tests serve at another.
const WRITTEN: &str = "http://127.0.0.1:8080";

/// The lines of shell of a section: those that are set in by four spaces.
fn lines(title: &str) -> Vec<&'static str> {
    let heading = format!("\n## {title}\n");
    let (_, section) = README.split_once(&heading).unwrap_or_else(|| panic!("the README has no {title}"));
    let section = section.split("\n## ").next().unwrap_or_default();
    section.lines().filter_map(|line| line.strip_prefix("    ")).collect()
}

#[test]
fn the_loop_on_sqlite() {
    tell(&Place::on_sqlite("readme"));
}

#[test]
fn the_loop_on_postgres() {
    tell(&Place::on_postgres("readme"));
}

fn tell(place: &Place) {
    let server = place.serve(&[]);
    let (mut variables, mut answers): (Vec<(String, String)>, Vec<String>) = (Vec::new(), Vec::new());
    for line in lines("The loop") {
        let line = line.replace(WRITTEN, &server.address);
        match assignment(&line) {
            // `NAME=…   # FIELD of the answer`: what a person copies from the last answer.
            Some((name, "…", comment)) => {
                let field = comment.split(' ').next().unwrap_or_default();
                let last = answers.last().unwrap_or_else(|| panic!("{line} comes after no answer"));
                let answer: Value =
                    serde_json::from_str(last).unwrap_or_else(|error| panic!("{error}: {last}"));
                let value =
                    answer[field].as_str().unwrap_or_else(|| panic!("{line}, and no {field} in {last}"));
                variables.push((name.to_owned(), value.to_owned()));
            }
            Some((name, value, _)) => variables.push((name.to_owned(), value.to_owned())),
            None => {
                let answer = said(&line, &bash(&line, &variables));
                assert!(!answer.contains("\"/problems/"), "{line}\n{answer}");
                answers.push(answer);
            }
        }
    }
    story(&answers);
}

/// `NAME=VALUE   # COMMENT`.
fn assignment(line: &str) -> Option<(&str, &str, &str)> {
    let (name, rest) = line.split_once('=')?;
    let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_uppercase() || byte == b'_');
    let (value, comment) = rest.split_once('#').unwrap_or((rest, ""));
    is_name.then_some((name, value.trim(), comment.trim()))
}

/// A KPI is made, turns unhealthy, is untreated, is treated, and recovers; in this order.
fn story(answers: &[String]) {
    let parsed: Vec<Value> =
        answers.iter().map(|text| serde_json::from_str(text).unwrap_or(Value::Null)).collect();
    let mut steps = parsed.iter().zip(answers);
    let mut then = |what: &str, holds: &dyn Fn(&Value, &str) -> bool| {
        let found = steps.any(|(answer, text)| holds(answer, text));
        assert!(found, "nothing says: {what}\n{}", answers.join("\n"));
    };
    then("the first account", &|answer, _| answer["access_token"].is_string());
    then("a workspace", &|answer, _| answer["slug"] == "acme");
    then("a token", &|answer, _| answer["token"].as_str().is_some_and(|token| token.starts_with("rgm_")));
    then("a KPI of which nothing is known", &|answer, _| {
        answer["key"] == "churn-rate" && answer["health"] == "unknown"
    });
    then("it turns unhealthy", &|answer, _| {
        answer["health"]["after"] == "unhealthy" && answer["result"] == "created"
    });
    then("nothing treats it", &|_, text| {
        text.to_lowercase().contains("untreated") && text.contains("Churn rate")
    });
    then("a remedy", &|answer, _| {
        answer["kpi"]["key"] == "churn-rate"
            && answer["objective_id"].is_string()
            && answer["outcome"] == "in_progress"
    });
    then("it heals", &|answer, _| answer["health"]["after"] == "healthy" && answer["result"] == "replaced");
    then("it recovered", &|answer, _| answer["items"][0]["outcome"] == "recovered");
}

/// The README's other lines are commands that exist.
#[test]
fn commands_of_the_readme_exist() {
    let help = std::process::Command::new(crate::support::PROGRAM).arg("--help").output().expect("it runs");
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let commands = README.lines().filter_map(|line| line.strip_prefix("    "));
    let words: Vec<&str> =
        commands.filter_map(|line| line.rsplit_once("regimen ")?.1.split(' ').next()).collect();
    assert!(words.len() >= 3, "the README shows {words:?}");
    for word in words {
        assert!(
            help.lines().any(|line| line.trim_start().starts_with(&format!("{word} "))),
            "no command {word}: {help}"
        );
    }
    let tests = lines("Test it");
    let first = tests.first().expect("how to test");
    assert!(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(first).is_file(), "{first}");
}
