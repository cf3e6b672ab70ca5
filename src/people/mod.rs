//! People: accounts, single sign-on, workspaces, members, invitations, teams and tokens.

pub mod accounts;
pub mod invitations;
pub mod members;
pub mod seed;
pub mod sign_on;
pub mod slug;
pub mod teams;
pub mod tokens;
pub mod workspaces;
