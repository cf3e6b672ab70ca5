//! Regimen: KPIs diagnose, OKRs prescribe.
//!
//! A KPI watches the health of something that never ends. When it turns unhealthy, somebody links
//! or makes the objective meant to heal it, and Regimen shows what is untreated, what is being
//! treated, what healed and what did not. This file is the table of contents.

#![cfg_attr(
    not(test),
    deny(clippy::unwrap_used, clippy::expect_used, clippy::todo, clippy::dbg_macro, clippy::panic)
)]
#![forbid(unsafe_code)]

pub mod access;
pub mod app;
pub mod care;
pub mod clock;
pub mod config;
pub mod demo;
pub mod feeds;
pub mod http;
pub mod kpis;
pub mod learning;
pub mod mail;
pub mod maths;
pub mod okrs;
pub mod people;
pub mod problems;
pub mod state;
pub mod store;
pub mod svg;
pub mod system;

use http::Routes;
use store::Followers;

/// Every slice is one line.
pub fn slices() -> Vec<Routes> {
    vec![
        people::accounts::routes(),
        people::sign_on::routes(),
        people::workspaces::routes(),
        people::members::routes(),
        people::invitations::routes(),
        people::teams::routes(),
        care::holdings::routes(),
        people::tokens::routes(),
        people::access_review::routes(),
        kpis::kpis::routes(),
        kpis::targets::routes(),
        kpis::points::routes(),
        kpis::periods::routes(),
        kpis::episodes::routes(),
        kpis::signals::routes(),
        kpis::forecast::routes(),
        kpis::annotations::routes(),
        kpis::boards::routes(),
        kpis::contribution::routes(),
        kpis::drivers::routes(),
        kpis::segments::routes(),
        okrs::cycles::routes(),
        okrs::objectives::routes(),
        okrs::key_results::routes(),
        okrs::check_ins::routes(),
        okrs::initiatives::routes(),
        okrs::history::routes(),
        okrs::forecast::routes(),
        okrs::copies::routes(),
        care::remedies::routes(),
        care::guardrails::routes(),
        care::triage::routes(),
        care::scorecard::routes(),
        care::overview::routes(),
        care::pictures::routes(),
        care::links::routes(),
        care::tree::routes(),
        care::due::routes(),
        care::retrospective::routes(),
        learning::reviews::routes(),
        learning::agenda::routes(),
        learning::decisions::routes(),
        learning::usefulness::routes(),
        learning::brief::routes(),
        learning::comments::routes(),
        feeds::events::routes(),
        problems::routes(),
        system::routes(),
    ]
}

/// What must follow a change of KPIs, and what people did about them, once per transaction, in this order.
pub const FOLLOWERS: Followers = Followers {
    of_kpis: &[care::remedies::follow, care::guardrails::follow],
    of_deeds: &[learning::decisions::follow],
};

/// Who writes the mails that wait to be sent.
pub const LETTERS: mail::Writer = people::accounts::write_letter;

/// What must follow a change of an objective's state, in the same transaction, in this order.
pub const OBJECTIVE_FOLLOWERS: &[okrs::objectives::StateFollower] =
    &[care::remedies::follow_objective, care::guardrails::follow_objective];

/// Who tells which KPIs an objective must not harm, and whether they were harmed.
pub const GUARDS: okrs::objectives::Guards = care::guardrails::of_objectives;

/// Who tells how much somebody who leaves still answers for.
pub const HELD: people::members::Held = care::holdings::held;
