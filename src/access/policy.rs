//! The policy: a pure function from who asks, what for, and the facts of the row.
//!
//! Viewers read. Members also make things, and change what is theirs or their team's. Admins
//! change everything and manage people, teams, cycles and tokens. Owners also manage owners and
//! delete the workspace. Whoever leads a team says who is in it, and changes what its members answer
//! for, in the teams under it too; leading opens nothing private. A token does what its scopes and its person's present role allow.

use crate::http::{Problem, Result};
use crate::maths::word::words;
use crate::store::{MemberId, TeamId};

words! {
    /// What a member may do in general; each role includes those before it.
    pub enum Role {
        /// Reads.
        Viewer = "viewer",
        /// Also makes things, and changes what is theirs or their team's.
        Member = "member",
        /// Also changes everything, and manages members, teams, cycles and tokens.
        Admin = "admin",
        /// Also manages owners, and deletes the workspace.
        Owner = "owner",
    }
}

words! {
    /// Who may see something.
    pub enum Visibility {
        /// Everybody in the workspace.
        Workspace = "workspace",
        /// Its owner, its contributors and its teams.
        Private = "private",
    }
}

words! {
    /// What an API token may be used for; each scope stands for itself alone.
    pub enum Scope {
        /// Reading everything that its person or role may read.
        Read = "read",
        /// Posting points to KPIs, nothing else.
        PointsWrite = "points:write",
        /// Making and changing things.
        Write = "write",
        /// Managing members, teams and cycles.
        Admin = "admin",
    }
}
crate::http::words::impl_wire_words!(Role, Visibility, Scope);
crate::store::types::impl_sql_words!(Role, Visibility, Scope);

/// What somebody wants to do with a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Action {
    /// Look at it.
    View,
    /// Make it.
    Create,
    /// Change its fields.
    Edit,
    /// Archive or restore it.
    Archive,
    /// Post, correct or delete points of it.
    PostPoints,
    /// Link or make the objective that is meant to heal it.
    Prescribe,
    /// Say how it is going.
    CheckIn,
    /// Say who is in a team, and what it is for.
    Lead,
    /// Manage people, teams, cycles and tokens.
    Manage,
    /// Manage owners, delete the workspace.
    Own,
}

/// Every action, for the truth table.
pub const ACTIONS: &[Action] = &[
    Action::View,
    Action::Create,
    Action::Edit,
    Action::Archive,
    Action::PostPoints,
    Action::Prescribe,
    Action::CheckIn,
    Action::Lead,
    Action::Manage,
    Action::Own,
];

/// What the policy looks at in a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Facts {
    /// Who answers for it, or contributes to it.
    pub owners: Vec<MemberId>,
    /// The teams that it belongs to, or that contribute to it.
    pub teams: Vec<TeamId>,
    /// Who answers for it, where it is a KPI or a goal: whoever leads them may change it, too.
    pub led_through: Vec<MemberId>,
    /// Its key, which tokens can be narrowed to.
    pub key: Option<String>,
    /// Who may see it.
    pub viewers: Viewers,
}

impl Visibility {
    /// What is said of nothing in particular.
    pub fn workspace() -> Self {
        Self::Workspace
    }
}

impl Facts {
    /// Of something with an owner and a team, which everybody in the workspace may see.
    pub fn of(owner: Option<MemberId>, team: Option<TeamId>) -> Self {
        Self { owners: owner.into_iter().collect(), teams: team.into_iter().collect(), ..Self::default() }
    }

    /// The same, seen by whom its visibility says: a private row is seen by its own people alone.
    pub fn seen_by(mut self, visibility: Visibility) -> Self {
        self.viewers = match visibility {
            Visibility::Workspace => Viewers::Everybody,
            Visibility::Private => Viewers::Named { members: self.owners.clone(), teams: self.teams.clone() },
        };
        self
    }

    /// The same, a KPI or a goal for which somebody answers: whoever leads them may change it, too.
    pub fn led_through(mut self, owner: Option<MemberId>) -> Self {
        self.led_through.extend(owner);
        self
    }

    /// The same, with the key that tokens can be narrowed to.
    pub fn with_key(mut self, key: &str) -> Self {
        self.key = Some(key.to_owned());
        self
    }
}

/// Who may see a row.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Viewers {
    /// Everybody in the workspace.
    #[default]
    Everybody,
    /// These members, and those who are in these teams. Roles open nothing here.
    Named {
        /// The members.
        members: Vec<MemberId>,
        /// The teams.
        teams: Vec<TeamId>,
    },
}

impl Viewers {
    /// Whether somebody is among them.
    pub fn hold(&self, standing: &Standing) -> bool {
        match self {
            Self::Everybody => true,
            Self::Named { members, teams } => {
                standing.member.is_some_and(|member| members.contains(&member))
                    || standing.seeing_teams().iter().any(|team| teams.contains(team))
            }
        }
    }

    /// Whether all of them see also what others see: only then may that count in what these see.
    ///
    /// This goes by who is named, not by who is in a team today, so that the answer is the same for
    /// everybody and does not change with the members of a team.
    pub fn all_see(&self, other: &Self) -> bool {
        match (self, other) {
            (_, Self::Everybody) => true,
            (Self::Everybody, Self::Named { .. }) => false,
            (Self::Named { members, teams }, Self::Named { members: more, teams: further }) => {
                members.iter().all(|member| more.contains(member))
                    && teams.iter().all(|team| further.contains(team))
            }
        }
    }

    /// Refuses what nobody would ever see again.
    pub fn must_be_somebody(&self) -> Result<()> {
        match self {
            Self::Named { members, teams } if members.is_empty() && teams.is_empty() => {
                let detail = "nobody would see it: what is private needs an owner, a contributor or a team";
                Err(Problem::field("/visibility", "nobody", detail))
            }
            Self::Everybody | Self::Named { .. } => Ok(()),
        }
    }
}

/// What the policy looks at in the one who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Standing {
    /// The role in the workspace, as it is now.
    pub role: Role,
    /// The member behind the call; service tokens have none.
    pub member: Option<MemberId>,
    /// The member's teams.
    pub teams: Vec<TeamId>,
    /// Whom the member leads.
    pub led: Led,
    /// What the token was made for; people have no such bounds.
    pub token: Option<TokenBounds>,
}

/// Whom somebody leads: nobody, for most.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Led {
    /// The teams, and all that stand under them.
    pub teams: Vec<TeamId>,
    /// Who is in these, up to the leader's own role.
    pub members: Vec<MemberId>,
}

impl Led {
    /// Whether they reach something: through its teams, or through who answers for it.
    fn reach(&self, facts: &Facts) -> bool {
        facts.teams.iter().any(|team| self.teams.contains(team))
            || facts.led_through.iter().any(|member| self.members.contains(member))
    }
}

impl Standing {
    /// The facts of something new that a narrowed token reaches; for everybody else those of anything.
    pub fn new_within_reach(&self) -> Facts {
        let Some(bounds) = &self.token else { return Facts::default() };
        Facts {
            teams: bounds.teams.clone(),
            key: bounds.key_patterns.first().map(|pattern| pattern.trim_end_matches('*').to_owned()),
            ..Facts::default()
        }
    }

    /// The teams whose private things one sees: a service token belongs to those that it is narrowed to.
    pub fn seeing_teams(&self) -> &[TeamId] {
        match (&self.token, self.member) {
            (Some(bounds), None) => &bounds.teams,
            (Some(_) | None, _) => &self.teams,
        }
    }
}

/// The bounds of a token.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TokenBounds {
    /// What it may be used for.
    pub scopes: Vec<Scope>,
    /// The teams that it is narrowed to; empty is all.
    pub teams: Vec<TeamId>,
    /// The key patterns that it is narrowed to, such as `sales-*`; empty is all.
    pub key_patterns: Vec<String>,
}

/// What the policy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// It may be done.
    Allow,
    /// The row is private, and does not exist for this one.
    Hide,
    /// The role, or ownership, is missing.
    Forbid,
    /// The token's scopes or bounds do not reach that far.
    OutOfScope,
}

/// Decides.
pub fn decide(standing: &Standing, action: Action, facts: &Facts) -> Decision {
    if !facts.viewers.hold(standing) {
        return Decision::Hide;
    }
    if let Some(token) = &standing.token
        && !(token.has_scope_for(action) && token.reaches(action, facts))
    {
        return Decision::OutOfScope;
    }
    if may(standing, action, facts) { Decision::Allow } else { Decision::Forbid }
}

fn may(standing: &Standing, action: Action, facts: &Facts) -> bool {
    let role = standing.role;
    match action {
        Action::View => role >= Role::Viewer,
        Action::Create | Action::Prescribe => role >= Role::Member,
        Action::Edit | Action::Archive | Action::CheckIn => is_theirs(standing, facts),
        Action::PostPoints => {
            is_theirs(standing, facts) || (role >= Role::Member && posts_by_scope(standing))
        }
        Action::Lead => {
            role >= Role::Admin
                || (role >= Role::Member && facts.teams.iter().any(|team| standing.led.teams.contains(team)))
        }
        Action::Manage => role >= Role::Admin,
        Action::Own => role >= Role::Owner,
    }
}

/// Admins change everything; members what they own, what belongs to a team of theirs, and what those
/// whom they lead answer for.
fn is_theirs(standing: &Standing, facts: &Facts) -> bool {
    match standing.role {
        Role::Owner | Role::Admin => true,
        Role::Member => {
            standing.member.is_some_and(|member| facts.owners.contains(&member))
                || facts.teams.iter().any(|team| standing.teams.contains(team))
                || standing.led.reach(facts)
        }
        Role::Viewer => false,
    }
}

/// A token that was made for posting points needs no ownership of each KPI.
fn posts_by_scope(standing: &Standing) -> bool {
    standing.token.as_ref().is_some_and(|token| token.scopes.contains(&Scope::PointsWrite))
}

impl TokenBounds {
    fn has_scope_for(&self, action: Action) -> bool {
        let has = |scope| self.scopes.contains(&scope);
        match action {
            Action::View => has(Scope::Read),
            Action::Create | Action::Edit | Action::Archive | Action::Prescribe | Action::CheckIn => {
                has(Scope::Write)
            }
            Action::PostPoints => has(Scope::Write) || has(Scope::PointsWrite),
            Action::Lead | Action::Manage | Action::Own => has(Scope::Admin),
        }
    }

    /// Reading is not narrowed: reports need the whole.
    fn reaches(&self, action: Action, facts: &Facts) -> bool {
        if action == Action::View || (self.teams.is_empty() && self.key_patterns.is_empty()) {
            return true;
        }
        facts.teams.iter().any(|team| self.teams.contains(team))
            || facts
                .key
                .as_ref()
                .is_some_and(|key| self.key_patterns.iter().any(|pattern| fits(pattern, key)))
    }
}

/// A pattern is a key, or the beginning of one and a star at its end.
fn fits(pattern: &str, key: &str) -> bool {
    match pattern.strip_suffix('*') {
        Some(beginning) => key.starts_with(beginning),
        None => pattern == key,
    }
}

#[cfg(test)]
mod tests;
