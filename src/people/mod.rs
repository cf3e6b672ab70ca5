//! People: accounts, workspaces, members, teams and tokens.

pub mod accounts;
