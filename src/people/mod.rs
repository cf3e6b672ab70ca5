//! People: accounts, single sign-on, workspaces, members, invitations, teams and tokens, and the review of who can
//! do what.

pub mod access_review;
pub mod accounts;
pub mod invitations;
pub mod members;
pub mod seed;
pub mod sign_on;
pub mod slug;
pub mod teams;
pub mod tokens;
pub mod workspaces;
