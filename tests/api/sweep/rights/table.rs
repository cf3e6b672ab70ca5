//! Who may call what: one table, written from the words of the policy and from no code.
//!
//! Viewers read. Members also make things, change what is theirs or their team's, and comment.
//! Whoever leads a team says who is in it, and changes what its members answer for.
//! Admins change everything and manage members, teams, cycles and tokens. Owners also manage owners
//! and delete the workspace. An API token does what its scopes and its role both allow, and makes
//! no tokens, links or invitations.

/// What somebody needs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rule {
    /// Nothing, or a secret that stands in the path or the body.
    Open,
    /// A credential of whatever kind.
    Credential,
    /// To be a signed-in person.
    Person,
    /// To be the person whose account it belongs to, signed in: Ann.
    AnnsAccount,
    /// To be in the workspace: `read`.
    Reads,
    /// To be a member at least: `write`.
    Makes,
    /// To be an admin, or a member whose it is, or whose team's: `write`.
    Changes(Whose),
    /// The same for points; a token with `points:write` needs the role alone.
    Posts,
    /// To be a member at least, and then to post to the KPIs that the body names.
    PostsMany,
    /// To be an admin: `admin`.
    Manages,
    /// To lead the team, or to be an admin: `admin`.
    Leads,
    /// To be an owner: `admin`.
    Owns,
    /// To be a signed-in member of whatever role.
    MakesTokens,
    /// To be a signed-in member at least.
    MakesLinks,
    /// To be a signed-in admin.
    Invites,
    /// What is a person's own, and known to them and to admins only: others find nothing.
    Known(Deed),
    /// Oneself: everybody who is there, though by a token only with `admin`.
    Oneself,
    /// Oneself, as one who changes things: a member at least, by a token only with `admin`.
    HandsOver,
}

/// What is done to something that only its maker and admins know of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Deed {
    /// It is looked at: `read`.
    Look,
    /// It is ended: `admin`.
    End,
}

/// Whose something is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose {
    /// Olaf owns it, and the team in which Tess is; so it is with all that hangs on it.
    Olafs,
    /// Ann made it, who is an owner of the workspace, and no team has it.
    Anns,
}

use Deed::{End, Look};
use Rule::*;
use Whose::{Anns, Olafs};

/// Every operation of the document, by its name.
pub const TABLE: &[(&str, Rule)] = &[
    // The server and its problems.
    ("show_keys", Open),
    ("show_liveness", Open),
    ("show_readiness", Open),
    ("list_problems", Open),
    ("show_problem", Open),
    // Accounts and sessions.
    ("register_account", Open),
    ("create_session", Open),
    ("refresh_session", Open),
    ("end_session", Person),
    ("show_me", Credential),
    ("change_password", Person),
    ("accept_invitation", Person),
    ("update_me", Person),
    ("list_sessions", Person),
    ("end_own_session", AnnsAccount),
    ("end_other_sessions", Person),
    ("request_password_reset", Open),
    ("reset_password", Open),
    ("request_email_change", Person),
    ("confirm_email", Person),
    ("delete_account", Person),
    ("list_providers", Open),
    ("begin_sign_on", Open),
    ("finish_sign_on", Open),
    ("list_identities", Person),
    ("link_identity", Person),
    ("unlink_identity", AnnsAccount),
    ("list_workspaces", Person),
    ("create_workspace", Person),
    // The workspace and its people.
    ("show_workspace", Reads),
    ("update_workspace", Manages),
    ("delete_workspace", Owns),
    ("list_members", Reads),
    ("show_member", Reads),
    ("update_member", Oneself),
    ("remove_member", Oneself),
    ("show_holdings", Oneself),
    ("reassign_holdings", HandsOver),
    ("review_access", Manages),
    ("create_invitations", Invites),
    ("list_invitations", Manages),
    ("show_invitation", Manages),
    ("create_invitation", Invites),
    ("revoke_invitation", Manages),
    ("list_teams", Reads),
    ("show_team", Reads),
    ("create_team", Manages),
    ("update_team", Leads),
    ("archive_team", Manages),
    ("list_team_members", Reads),
    ("put_team_member", Leads),
    ("remove_team_member", Leads),
    ("list_tokens", Reads),
    ("show_token", Known(Look)),
    ("create_token", MakesTokens),
    ("update_token", Known(End)),
    ("revoke_token", Known(End)),
    ("revoke_tokens", Manages),
    ("list_events", Reads),
    // KPIs.
    ("list_kpis", Reads),
    ("show_kpi", Reads),
    ("create_kpi", Makes),
    ("put_kpi", Changes(Olafs)),
    ("update_kpi", Changes(Olafs)),
    ("archive_kpi", Changes(Olafs)),
    ("restore_kpi", Changes(Olafs)),
    ("list_targets", Reads),
    ("show_target", Reads),
    ("create_target", Changes(Olafs)),
    ("delete_target", Changes(Olafs)),
    ("list_kpi_points", Reads),
    ("show_point", Reads),
    ("export_points", Reads),
    ("record_point", Posts),
    ("put_point", Posts),
    ("delete_point", Posts),
    ("record_points", PostsMany),
    ("list_periods", Reads),
    ("list_episodes", Reads),
    ("show_signals", Reads),
    ("show_forecast", Reads),
    ("show_contribution", Reads),
    ("show_segments", Reads),
    ("show_usefulness", Reads),
    ("show_brief", Reads),
    ("audit_kpis", Reads),
    ("draw_chart", Reads),
    ("draw_badge", Reads),
    ("draw_sparkline", Reads),
    ("list_annotations", Reads),
    ("show_annotation", Reads),
    ("create_annotation", Makes),
    ("update_annotation", Changes(Olafs)),
    ("delete_annotation", Changes(Olafs)),
    ("list_drivers", Reads),
    ("list_outcomes", Reads),
    ("show_driver", Reads),
    ("show_driver_tree", Reads),
    ("create_driver", Changes(Olafs)),
    ("update_driver", Changes(Olafs)),
    ("end_driver", Changes(Olafs)),
    ("list_boards", Reads),
    ("show_board", Reads),
    ("create_board", Makes),
    ("update_board", Changes(Anns)),
    ("delete_board", Changes(Anns)),
    // Objectives and key results.
    ("list_cycles", Reads),
    ("show_cycle", Reads),
    ("create_cycle", Manages),
    ("update_cycle", Manages),
    ("delete_cycle", Manages),
    ("show_cycle_summary", Reads),
    ("list_objectives", Reads),
    ("show_objective", Reads),
    ("create_objective", Makes),
    ("update_objective", Changes(Olafs)),
    ("archive_objective", Changes(Olafs)),
    ("restore_objective", Changes(Olafs)),
    ("activate_objective", Changes(Olafs)),
    ("close_objective", Changes(Olafs)),
    ("reopen_objective", Changes(Olafs)),
    ("show_objective_history", Reads),
    ("copy_objectives", Makes),
    ("carry_over_objectives", Makes),
    ("list_key_results", Reads),
    ("list_objective_key_results", Reads),
    ("show_key_result", Reads),
    ("create_key_result", Changes(Olafs)),
    ("update_key_result", Changes(Olafs)),
    ("archive_key_result", Changes(Olafs)),
    ("restore_key_result", Changes(Olafs)),
    ("show_key_result_history", Reads),
    ("show_key_result_forecast", Reads),
    ("list_check_ins", Reads),
    ("show_check_in", Reads),
    ("create_check_in", Changes(Olafs)),
    ("create_check_ins", Makes),
    ("list_initiatives", Reads),
    ("show_initiative", Reads),
    ("create_initiative", Makes),
    ("update_initiative", Changes(Olafs)),
    ("archive_initiative", Changes(Olafs)),
    ("restore_initiative", Changes(Olafs)),
    // The loop.
    ("list_remedies", Reads),
    ("list_kpi_remedies", Reads),
    ("list_objective_remedies", Reads),
    ("show_remedy", Reads),
    ("create_remedy", Makes),
    ("update_remedy", Changes(Olafs)),
    ("withdraw_remedy", Changes(Olafs)),
    ("list_kpi_guardrails", Reads),
    ("list_objective_guardrails", Reads),
    ("show_guardrail", Reads),
    ("create_guardrail", Changes(Olafs)),
    ("update_guardrail", Changes(Olafs)),
    ("end_guardrail", Changes(Olafs)),
    ("show_triage", Reads),
    ("show_due", Reads),
    ("show_tree", Reads),
    ("show_overview", Reads),
    ("show_scorecard", Reads),
    ("show_agenda", Reads),
    ("list_links", Reads),
    ("show_link", Known(Look)),
    ("create_link", MakesLinks),
    ("revoke_link", Known(End)),
    ("show_shared_picture", Open),
    ("show_shared_scorecard", Open),
    // Learning.
    ("list_decisions", Reads),
    ("show_decision", Reads),
    ("create_decision", Makes),
    ("update_decision", Changes(Olafs)),
    ("list_reviews", Reads),
    ("show_review", Reads),
    ("create_review", Makes),
    ("update_review", Changes(Anns)),
    ("list_comments", Reads),
    ("show_comment", Reads),
    ("create_comment", Makes),
    ("update_comment", Changes(Anns)),
    ("delete_comment", Changes(Anns)),
];
