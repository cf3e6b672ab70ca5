//! What answers for terminals and chat share: when they are asked for, and tables of lines.

use crate::access::Scoped;
use crate::http::accept::preferred;
use crate::http::{Json, PlainText, Result};

/// How an answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// As JSON.
    Json,
    /// As text of at most 80 columns.
    Text,
}

impl Form {
    /// The form that the values of `Accept` prefer.
    pub fn preferred(accepted: &[&str]) -> Self {
        match preferred(accepted, &["application/json", "text/plain"]) {
            "text/plain" => Self::Text,
            _ => Self::Json,
        }
    }

    /// The answer in this form; `table` writes it as text, under the name of the workspace.
    pub fn answer<T>(self, tx: &Scoped, body: T, table: impl Fn(&str, &T) -> String) -> Result<PlainText<T>> {
        Ok(match self {
            Self::Json => PlainText::Json(Json::new(body)),
            Self::Text => PlainText::Text(table(&tx.workspace()?.name, &body)),
        })
    }
}

/// A table: lines under headings that count them.
#[derive(Default)]
pub struct Table(String);

impl Table {
    /// One line, without blanks at its end.
    pub fn line(&mut self, content: &str) {
        self.0.push_str(content.trim_end());
        self.0.push('\n');
    }

    /// An empty line, and what comes next and how many of it.
    pub fn heading(&mut self, heading: &str, count: usize) {
        self.line("");
        match count {
            0 => self.line(&format!("{heading}: none")),
            count => self.line(&format!("{heading}: {count}")),
        }
    }

    /// The whole table.
    pub fn finish(self) -> String {
        self.0
    }
}
