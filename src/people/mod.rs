//! People: accounts, workspaces, members, teams and tokens.

pub mod accounts;
pub mod members;
pub mod teams;
