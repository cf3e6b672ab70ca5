//! The only place that decides who may do what.
//!
//! A handler asks for `Db<Door>` and gets data only through it; writes on a row take a
//! [`Granted`] that only the policy makes, after it has seen the row.

pub mod api_token;
pub mod caller;
pub mod cursor_seal;
pub mod door;
pub mod guard;
pub mod hidden;
pub mod jwt;
mod key_file;
pub mod keys;
pub mod password;
mod password_rules;
pub mod policy;
pub mod recognise;
pub mod scoped;
pub mod secret;
mod seen_tokens;
pub mod target;

pub use caller::{Actor, Maker};
pub use door::{
    Admins, AdminsMakeSecrets, AnyCaller, Door, Leads, Linked, MakesLinks, MakesSecrets, Owners, People,
    PeopleMakeSecrets, Posts, Public, Reads, Themselves, Writes,
};
pub use guard::{Db, Desk, Plan, Wants};
pub use policy::{Action, Facts, Role, Scope, Viewers, Visibility};
pub use scoped::Scoped;
pub use target::{At, FromSegment, Granted, Resource, Segment, Target};
