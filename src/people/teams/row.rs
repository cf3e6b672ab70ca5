//! A team as it is stored, and how paths, bodies and filters name one.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::target::invalid_id;
use crate::access::{Facts, Resource, Scoped};
use crate::http::text::{Name, Slug};
use crate::http::{Code, Problem, Result};
use crate::store::id::looks_like_id;
use crate::store::schema::teams;
use crate::store::{Moment, TeamId, Tx, WorkspaceId};

/// A team as it is stored.
#[derive(Clone, Debug, PartialEq, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = teams, treat_none_as_null = true)]
pub struct TeamRow {
    pub id: TeamId,
    pub workspace_id: WorkspaceId,
    pub slug: String,
    pub name: String,
    pub name_folded: String,
    pub description: Option<String>,
    pub parent_id: Option<TeamId>,
    pub version: i32,
    pub created_at: Moment,
    pub updated_at: Moment,
    pub archived_at: Option<Moment>,
}

/// A team, as other things show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct TeamRef {
    /// The team's id.
    pub id: TeamId,
    /// The team's slug.
    #[schema(value_type = Slug)]
    pub slug: String,
    /// The team's name.
    #[schema(value_type = Name)]
    pub name: String,
}

/// A team in a body: its id or its slug.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(
    min_length = 1,
    max_length = 64,
    pattern = "^(team_[0-7][0-9a-hjkmnp-tv-z]{25}|[a-z0-9]+(-[a-z0-9]+)*)$",
    example = "growth"
)]
pub struct TeamInput(String);

impl From<TeamId> for TeamInput {
    fn from(id: TeamId) -> Self {
        Self(id.to_string())
    }
}

impl TeamInput {
    /// The text itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TeamRow {
    /// The team with this id in a workspace, archived or not.
    pub fn by_id(tx: &mut Tx, workspace: WorkspaceId, id: TeamId) -> Result<Option<Self>> {
        Ok(teams::table
            .filter(teams::workspace_id.eq(workspace))
            .filter(teams::id.eq(id))
            .first(tx.db())
            .optional()?)
    }

    /// The team with this slug in a workspace, archived or not.
    pub fn by_slug(tx: &mut Tx, workspace: WorkspaceId, slug: &str) -> Result<Option<Self>> {
        Ok(teams::table
            .filter(teams::workspace_id.eq(workspace))
            .filter(teams::slug.eq(slug))
            .first(tx.db())
            .optional()?)
    }

    /// The team, as other things show it.
    pub fn reference(&self) -> TeamRef {
        TeamRef { id: self.id, slug: self.slug.clone(), name: self.name.clone() }
    }
}

impl Resource for TeamRow {
    const PARAMETER: &'static str = "team";

    fn load(tx: &mut Scoped, reference: &str) -> Result<Self> {
        let workspace = tx.here()?;
        let found = if looks_like_id(reference) {
            Self::by_id(tx, workspace, reference.parse().map_err(invalid_id)?)?
        } else {
            Self::by_slug(tx, workspace, reference)?
        };
        found.ok_or_else(Problem::not_found)
    }

    fn facts(&self) -> Facts {
        Facts::of(None, Some(self.id))
    }

    fn version(&self) -> Option<i32> {
        Some(self.version)
    }
}

/// The names of teams, for things that refer to them; archived teams keep theirs.
pub fn names(
    tx: &mut Tx,
    workspace: WorkspaceId,
    ids: impl IntoIterator<Item = TeamId>,
) -> Result<HashMap<TeamId, TeamRef>> {
    let mut ids: Vec<TeamId> = ids.into_iter().collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<(TeamId, String, String)> = teams::table
        .filter(teams::workspace_id.eq(workspace))
        .filter(teams::id.eq_any(ids))
        .select((teams::id, teams::slug, teams::name))
        .load(tx.db())?;
    Ok(found.into_iter().map(|(id, slug, name)| (id, TeamRef { id, slug, name })).collect())
}

/// Those of some teams that are not archived.
pub fn still_here(tx: &mut Tx, ids: impl IntoIterator<Item = TeamId>) -> Result<HashSet<TeamId>> {
    let workspace = tx.workspace_id()?;
    let ids: HashSet<TeamId> = ids.into_iter().collect();
    let here: Vec<TeamId> = teams::table
        .filter(teams::workspace_id.eq(workspace))
        .filter(teams::id.eq_any(ids.into_iter().collect::<Vec<_>>()))
        .filter(teams::archived_at.is_null())
        .select(teams::id)
        .load(tx.db())?;
    Ok(here.into_iter().collect())
}

/// The team that a body names by id or slug; 404 with the pointer where there is none here that
/// works.
///
/// Call it for what was sent: a stored team may have been archived since, and stays until changed.
pub fn resolve(tx: &mut Scoped, pointer: &str, input: &TeamInput) -> Result<TeamRef> {
    let workspace = tx.here()?;
    let found = match input.0.parse() {
        Ok(id) => TeamRow::by_id(tx, workspace, id)?,
        Err(_) => TeamRow::by_slug(tx, workspace, &input.0)?,
    };
    match found {
        Some(row) if row.archived_at.is_none() => Ok(row.reference()),
        _ => Err(Problem::not_found_at(pointer)),
    }
}

/// The same for a field that may be null.
pub fn resolve_optional(
    tx: &mut Scoped,
    pointer: &str,
    input: Option<&TeamInput>,
) -> Result<Option<TeamRef>> {
    input.map(|input| resolve(tx, pointer, input)).transpose()
}

/// The teams that a filter names by id or slug, archived ones too: 400 for another kind of id, 404
/// for what is not here.
pub fn filtered(tx: &mut Scoped, parameter: &str, texts: &[String]) -> Result<Vec<TeamId>> {
    texts
        .iter()
        .map(|text| match tx.find::<TeamRow>(text) {
            Ok(row) => Ok(row.id),
            Err(problem) if problem.code == Code::InvalidId => {
                Err(Problem::new(Code::InvalidQuery, format!("{parameter}: {}", problem.detail)))
            }
            Err(problem) if problem.code == Code::NotFound => Err(Problem::not_found_at(parameter)),
            Err(problem) => Err(problem),
        })
        .collect()
}

/// Teams and all that stand under them, in one statement.
pub fn with_sub_teams(tx: &mut Tx, ids: Vec<TeamId>) -> Result<Vec<TeamId>> {
    if ids.is_empty() {
        return Ok(ids);
    }
    let workspace = tx.workspace_id()?;
    let all: Vec<(TeamId, Option<TeamId>)> = teams::table
        .filter(teams::workspace_id.eq(workspace))
        .order(teams::id)
        .select((teams::id, teams::parent_id))
        .load(tx.db())?;
    let mut found: Vec<TeamId> = Vec::new();
    let mut level = ids;
    while !level.is_empty() {
        found.append(&mut level);
        let is_under = |(id, parent): &(TeamId, Option<TeamId>)| {
            parent.is_some_and(|parent| found.contains(&parent)) && !found.contains(id)
        };
        level = all.iter().filter(|team| is_under(team)).map(|(id, _)| *id).collect();
    }
    Ok(found)
}
