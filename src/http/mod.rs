//! What every handler needs and none should write: reading requests, and answering them.

pub mod accept;
pub mod advice;
pub mod answer;
pub mod body;
pub mod coding;
pub mod condition;
pub mod content;
pub mod cors;
pub mod document;
pub mod finish;
pub mod idempotency;
pub mod json;
pub mod limits;
pub mod memory;
pub mod page;
pub mod parameters;
pub mod patch;
pub mod peer;
pub mod problem;
pub mod query;
pub mod routes;
pub mod schema;
pub mod text;
pub mod unread;
pub mod words;

pub use answer::{
    Accepted, Answer, Answers, Created, Html, Json, NoContent, PlainText, Put, Reply, Revealed, WebPage,
};
pub use body::{Body, Input, Nothing};
pub use page::{Listing, Page, Paging};
pub use patch::{Patch, PatchBody};
pub use problem::{Code, FieldErrors, Problem, Result};
pub use query::Query;
pub(crate) use routes::routes;
pub use routes::{Describe, Draft, Refusals, Refuses, Routes};
pub use text::{Description, Measure, Name, Note, Unit};
