//! Released documents: `openapi/released/MAJOR.MINOR.PATCH.json`, one for each release.

use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// A version of the contract, in the order of Semantic Versioning.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Version {
    major: u64,
    minor: u64,
    patch: u64,
}

impl FromStr for Version {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let numbers: Option<Vec<u64>> = text.split('.').map(|part| part.parse().ok()).collect();
        match numbers.as_deref() {
            Some([major, minor, patch]) => Ok(Self { major: *major, minor: *minor, patch: *patch }),
            _ => Err(format!("{text} is no version such as 1.2.3")),
        }
    }
}

impl fmt::Display for Version {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

/// The newest released document. A folder without one fails: then nothing would be compared.
pub fn newest(folder: &Path) -> (Version, PathBuf) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    let released = entries.map(|entry| {
        let path = entry.expect("an entry").path();
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let version = name.strip_suffix(".json").ok_or(format!("{name} is no released document"));
        let version = version.and_then(Version::from_str).unwrap_or_else(|error| panic!("{error}"));
        (version, path)
    });
    released.max().unwrap_or_else(|| panic!("{} holds no released document", folder.display()))
}

#[test]
fn versions_are_ordered_by_their_numbers() {
    let mut versions: Vec<Version> =
        ["0.10.0", "1.0.0", "0.9.12", "0.9.2"].iter().map(|text| text.parse().expect("a version")).collect();
    versions.sort();
    let sorted: Vec<String> = versions.iter().map(ToString::to_string).collect();
    assert_eq!(sorted, ["0.9.2", "0.9.12", "0.10.0", "1.0.0"]);
    for wrong in ["1", "1.2", "1.2.x", "v1.2.3", "1.2.3.4", ""] {
        wrong.parse::<Version>().expect_err(wrong);
    }
}

#[test]
#[should_panic(expected = "holds no released document")]
fn an_empty_folder_fails() {
    let folder = std::env::temp_dir().join(format!("regimen_released_{}", std::process::id()));
    std::fs::create_dir_all(&folder).expect("a folder");
    newest(&folder);
}
