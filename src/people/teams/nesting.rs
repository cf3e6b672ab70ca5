//! Teams within teams: without loops, of at most nine levels.
//!
//! The rules are judged inside the write, which holds its workspace alone, so that moves that race
//! are judged one after the other. A team at work stands under teams at work only.

use std::collections::HashMap;

use diesel::prelude::*;

use super::row::{TeamRow, filtered};
use crate::access::Scoped;
use crate::http::text::shown;
use crate::http::{Code, Problem, Result};
use crate::maths::links::Links;
use crate::store::schema::teams;
use crate::store::{TeamId, Tx, WorkspaceId};

/// How many levels a tree of teams has at the most.
const LEVELS: usize = 9;
/// How much of a name stands in a refusal.
const SHOWN_OF_NAME: usize = 60;
/// How many teams a refusal names.
const SHOWN_TEAMS: usize = 5;
/// What the filter says of teams that stand under no other.
const NONE: &str = "none";

/// What a filter says of parents: a team by id or slug, or none.
pub fn parent_of(tx: &mut Scoped, text: &str) -> Result<Option<TeamId>> {
    match text {
        NONE => Ok(None),
        team => Ok(filtered(tx, "parent", &[team.to_owned()])?.pop()),
    }
}

/// Refuses a parent that stands under the team itself, or under which the tree would be too deep.
pub fn must_fit(tx: &mut Tx, team: &TeamRow) -> Result<()> {
    let Some(parent) = team.parent_id else { return Ok(()) };
    let tree = Tree::of(tx, team.workspace_id)?;
    if let Some(way) = tree.upward.way(parent, team.id) {
        let under = way.iter().map(|id| tree.quoted(*id));
        let line: Vec<String> = std::iter::once(quoted(&team.name)).chain(under).collect();
        let detail = format!("the teams would form a loop: {}", line.join(" under "));
        return Err(Problem::new(Code::AlignmentLoop, detail).with(
            "/parent_id",
            "alignment_loop",
            "it stands under this team already",
        ));
    }
    // The stored tree has no loop, so each line has an end.
    let levels = |links: &Links<TeamId>, from| links.longest_line(from).map_or(0, |links| links + 1);
    let depth = levels(&tree.upward, parent) + levels(&tree.downward, team.id);
    if depth > LEVELS {
        let detail = format!("the tree of teams would have {depth} levels; {LEVELS} are the most");
        return Err(Problem::new(Code::TooDeep, detail).with(
            "/parent_id",
            "too_deep",
            "it stands too deep for what is under the team",
        ));
    }
    Ok(())
}

/// Refuses to archive a team while teams under it are at work: they would stand under nothing.
pub fn must_be_a_leaf(tx: &mut Tx, team: &TeamRow) -> Result<()> {
    let under: Vec<String> = teams::table
        .filter(teams::workspace_id.eq(team.workspace_id))
        .filter(teams::parent_id.eq(team.id))
        .filter(teams::archived_at.is_null())
        .order((teams::name_folded, teams::id))
        .select(teams::name)
        .load(tx.db())?;
    if under.is_empty() {
        return Ok(());
    }
    let named: Vec<String> = under.iter().take(SHOWN_TEAMS).map(|name| quoted(name)).collect();
    let more = under.len().saturating_sub(SHOWN_TEAMS);
    let more = if more == 0 { String::new() } else { format!(" and {more} more") };
    let detail = format!("archive or move the teams under it first: {}{more}", named.join(", "));
    Err(Problem::new(Code::Conflict, detail))
}

/// The teams of a workspace, archived ones too.
struct Tree {
    names: HashMap<TeamId, String>,
    upward: Links<TeamId>,
    downward: Links<TeamId>,
}

impl Tree {
    fn of(tx: &mut Tx, workspace: WorkspaceId) -> Result<Self> {
        let rows: Vec<(TeamId, Option<TeamId>, String)> = teams::table
            .filter(teams::workspace_id.eq(workspace))
            .select((teams::id, teams::parent_id, teams::name))
            .load(tx.db())?;
        let edges = || rows.iter().filter_map(|(team, parent, _)| Some((*team, (*parent)?)));
        Ok(Self {
            upward: Links::new(edges()),
            downward: Links::new(edges().map(|(team, parent)| (parent, team))),
            names: rows.into_iter().map(|(team, _, name)| (team, name)).collect(),
        })
    }

    fn quoted(&self, team: TeamId) -> String {
        quoted(self.names.get(&team).map(String::as_str).unwrap_or_default())
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", shown(name, SHOWN_OF_NAME))
}
