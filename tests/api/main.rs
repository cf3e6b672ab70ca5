//! The API, told as stories with callers that have names and roles: the same on both engines.

mod harness;

mod accounts;
mod care;
mod derive;
mod document;
mod examples;
mod explained;
mod invitations;
mod kpis;
mod learning;
mod members;
mod memory;
mod okrs;
mod parameters;
mod people;
mod periods;
mod points;
mod privacy;
mod problems;
mod revocation;
mod sign_on;
mod signals;
mod store;
mod sweep;
mod targets;
mod teams;
mod tokens;
mod traps;
mod workspaces;
