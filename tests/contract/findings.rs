//! What a comparison found, in words for the reviewer of a change.

use std::fmt;

/// Where something stands: an operation, a part of it, and a place inside that part.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// `GET /v1/workspaces (list_workspaces)`, or a path alone.
    operation: String,
    /// ``query parameter `limit` ``, `request body as application/json`, `response 200`.
    part: String,
    /// A JSON pointer into values of that part; `*` stands for every item.
    pointer: String,
}

impl Place {
    pub fn operation(method: &str, path: &str, id: &str) -> Self {
        Self { operation: format!("{} {path} ({id})", method.to_uppercase()), ..Self::default() }
    }

    pub fn path(path: &str) -> Self {
        Self { operation: path.to_owned(), ..Self::default() }
    }

    /// A part of the operation, or a part of that part.
    pub fn part(&self, name: impl fmt::Display) -> Self {
        let part = if self.part.is_empty() { name.to_string() } else { format!("{} {name}", self.part) };
        Self { part, ..self.clone() }
    }

    /// A field of the value that stands here, or `*` for its items.
    pub fn inside(&self, field: &str) -> Self {
        let pointer = format!("{}/{}", self.pointer, field.replace('~', "~0").replace('/', "~1"));
        Self { pointer, ..self.clone() }
    }
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.operation)?;
        if !self.part.is_empty() {
            write!(formatter, ", {}", self.part)?;
        }
        if !self.pointer.is_empty() {
            write!(formatter, " at {}", self.pointer)?;
        }
        Ok(())
    }
}

/// All differences that clients can notice.
#[derive(Debug, Default)]
pub struct Findings {
    /// What would break a client that was written for the older document.
    pub breaking: Vec<String>,
    /// What is new, or wider than a client may have expected, and announced to be possible.
    pub additions: Vec<String>,
}

impl Findings {
    pub fn breaks(&mut self, place: &Place, what: impl fmt::Display) {
        self.breaking.push(format!("{place}: {what}"));
    }

    pub fn adds(&mut self, place: &Place, what: impl fmt::Display) {
        self.additions.push(format!("{place}: {what}"));
    }

    pub fn count(&self) -> usize {
        self.breaking.len() + self.additions.len()
    }

    pub fn append(&mut self, other: Self) {
        self.breaking.extend(other.breaking);
        self.additions.extend(other.additions);
    }
}
