//! The tables, as diesel sees them on both engines.
//!
//! Column types are the store's own: one Rust type per idea, whatever the engine keeps.
//! A test compares the two migration trees with each other and with these files.

/// Declares tables with the column types of the store at hand.
macro_rules! tables {
    ($($name:ident ($($key:ident),+) { $($columns:tt)* })+) => { $(
        diesel::table! {
            use diesel::sql_types::*;
            use crate::store::types::{SqlDay, SqlId, SqlJson, SqlMoment};

            $name ($($key),+) { $($columns)* }
        }
    )+ };
}

mod care;
mod diagnosis;
mod learning;
mod people;
mod prescription;

pub use care::*;
pub use diagnosis::*;
pub use learning::*;
pub use people::*;
pub use prescription::*;

diesel::allow_tables_to_appear_in_same_query!(
    accounts,
    sessions,
    refresh_tokens,
    sign_in_attempts,
    mails,
    mailed_tokens,
    identities,
    authorizations,
    workspaces,
    members,
    teams,
    team_members,
    invitations,
    tokens,
    kpis,
    kpi_aliases,
    kpi_inputs,
    kpi_segments,
    drivers,
    targets,
    points,
    point_revisions,
    kpi_periods,
    kpi_states,
    kpi_checkpoints,
    boards,
    board_kpis,
    cycles,
    objectives,
    objective_states,
    objective_closings,
    key_result_closings,
    objective_carry_overs,
    objective_contributors,
    objective_teams,
    objective_moves,
    objective_supports,
    key_results,
    check_ins,
    initiatives,
    comments,
    comment_mentions,
    remedies,
    guardrails,
    links,
    announcements,
    annotations,
    reviews,
    review_kpis,
    review_objectives,
    review_attendees,
    decisions,
    decision_links,
    events,
    idempotent_replies,
);
