//! People: accounts, workspaces, members, invitations, teams and tokens.

pub mod accounts;
pub mod invitations;
pub mod members;
pub mod seed;
pub mod slug;
pub mod teams;
pub mod tokens;
pub mod workspaces;
