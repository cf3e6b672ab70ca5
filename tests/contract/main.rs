//! Within `/v1` the contract only grows: the document is held against the last released one in
//! `openapi/released/`, and whatever would break a client that was written for it fails.

mod document;
mod findings;
mod mutations;
mod operation;
mod schema;
mod version;

use std::path::{Path, PathBuf};

use serde_json::Value;

use document::compare;

fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("openapi")
}

fn read(path: &Path) -> Value {
    let text = std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The document as it is committed; `tests/run` holds it against the program.
fn present() -> Value {
    read(&folder().join("openapi.json"))
}

#[test]
fn nothing_that_was_released_breaks() {
    let (version, path) = version::newest(&folder().join("released"));
    let findings = compare(&read(&path), &present());
    for addition in &findings.additions {
        println!("since {version}: {addition}");
    }
    assert!(
        findings.breaking.is_empty(),
        "this breaks clients of {version}; see \"Releases\" in CONTRIBUTING.md\n{}",
        findings.breaking.iter().map(|finding| format!("- {finding}\n")).collect::<String>(),
    );
}

#[test]
fn no_release_is_newer_than_the_program() {
    let (version, _) = version::newest(&folder().join("released"));
    let program = env!("CARGO_PKG_VERSION").parse().expect("the version of the package");
    assert!(version <= program, "{version} was released, and this is {program}");
}
