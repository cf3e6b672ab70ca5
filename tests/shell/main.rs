//! What people copy into a shell works as it is printed: the README, the demo's tour, the examples.

mod demo;
mod proxy;
mod push;
mod readme;
#[path = "../support/mod.rs"]
mod support;

use std::process::{Command, Output};

/// A line of shell as a person runs it, with these variables set before it.
fn bash(line: &str, variables: &[(String, String)]) -> Output {
    let mut command = Command::new("bash");
    command.args(["-c", &format!("set -euo pipefail\n{line}")]).envs(variables.iter().cloned());
    command.output().expect("bash runs")
}

/// What a command said, and that it went well.
#[track_caller]
fn said(line: &str, output: &Output) -> String {
    let (out, error) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{line}\n{}: {error}{out}", output.status);
    out.into_owned()
}
