//! Regimen: KPIs diagnose, OKRs prescribe.
//!
//! A KPI watches the health of something that never ends. When it turns unhealthy, somebody links
//! or makes the objective meant to heal it, and Regimen shows what is untreated, what is being
//! treated, what healed and what did not. This file is the table of contents.

#![forbid(unsafe_code)]

pub mod access;
pub mod app;
pub mod clock;
pub mod config;
pub mod feeds;
pub mod http;
pub mod kpis;
pub mod maths;
pub mod people;
pub mod state;
pub mod store;
pub mod system;

use http::Routes;
use store::Follower;

/// Every slice is one line.
pub fn slices() -> Vec<Routes> {
    vec![
        people::accounts::routes(),
        people::workspaces::routes(),
        people::members::routes(),
        people::invitations::routes(),
        people::teams::routes(),
        people::tokens::routes(),
        feeds::events::routes(),
        system::routes(),
    ]
}

/// What must follow a change of KPIs, once per transaction, in this order.
pub const FOLLOWERS: &[Follower] = &[];
