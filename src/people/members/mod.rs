//! Members: the people of a workspace.

mod row;

pub use row::{MemberInput, MemberRef, MemberRow, filtered, names, resolve, resolve_optional};
