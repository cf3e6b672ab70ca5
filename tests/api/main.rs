//! The API, told as stories with callers that have names and roles: the same on both engines.

mod harness;

mod document;
mod problems;
mod store;
mod sweep;
