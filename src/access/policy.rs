//! The policy: a pure function from who asks, what for, and the facts of the row.
//!
//! Viewers read. Members also make things, and change what is theirs or their team's. Admins
//! change everything and manage people, teams, cycles and tokens. Owners also manage owners and
//! delete the workspace. A token does what its scopes and its person's present role allow.

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
    /// What the token was made for; people have no such bounds.
    pub token: Option<TokenBounds>,
}

impl Standing {
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
        Action::Manage => role >= Role::Admin,
        Action::Own => role >= Role::Owner,
    }
}

/// Admins change everything; members what they own, or what belongs to a team of theirs.
fn is_theirs(standing: &Standing, facts: &Facts) -> bool {
    match standing.role {
        Role::Owner | Role::Admin => true,
        Role::Member => {
            standing.member.is_some_and(|member| facts.owners.contains(&member))
                || facts.teams.iter().any(|team| standing.teams.contains(team))
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
            Action::Manage | Action::Own => has(Scope::Admin),
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
mod tests {
    use super::*;
    use crate::store::RawId;

    fn member(number: u128) -> MemberId {
        MemberId::from_uuid(uuid::Uuid::from_u128(number))
    }

    fn team(number: u128) -> TeamId {
        TeamId::from_uuid(RawId(uuid::Uuid::from_u128(number)).uuid())
    }

    fn person(role: Role) -> Standing {
        Standing { role, member: Some(member(1)), teams: vec![team(1)], token: None }
    }

    fn row(standing: &Standing, facts: &Facts) -> String {
        ACTIONS
            .iter()
            .map(|action| match decide(standing, *action, facts) {
                Decision::Allow => 'y',
                Decision::Hide => 'h',
                Decision::Forbid => '-',
                Decision::OutOfScope => 's',
            })
            .collect()
    }

    /// Columns: view, create, edit, archive, post points, prescribe, check in, manage, own.
    #[test]
    fn the_truth_table() {
        let foreign = Facts::of(Some(member(2)), Some(team(2)));
        let mine = Facts::of(Some(member(1)), Some(team(2)));
        let ours = Facts::of(Some(member(2)), Some(team(1)));
        let nobodys = Facts::default();
        // An objective of somebody else, to which I contribute, or a team of mine does.
        let by_me = Facts { owners: vec![member(2), member(1)], teams: vec![team(2)], ..Facts::default() };
        let by_us = Facts { owners: vec![member(2)], teams: vec![team(2), team(1)], ..Facts::default() };
        let private = |facts: &Facts| facts.clone().seen_by(Visibility::Private);
        let (hidden, my_own, our_own) = (private(&foreign), private(&mine), private(&by_us));
        let table = [
            (Role::Viewer, &mine, "y--------"),
            (Role::Viewer, &foreign, "y--------"),
            (Role::Member, &foreign, "yy---y---"),
            (Role::Member, &nobodys, "yy---y---"),
            (Role::Member, &mine, "yyyyyyy--"),
            (Role::Member, &ours, "yyyyyyy--"),
            (Role::Member, &by_me, "yyyyyyy--"),
            (Role::Member, &by_us, "yyyyyyy--"),
            (Role::Viewer, &by_me, "y--------"),
            (Role::Viewer, &by_us, "y--------"),
            (Role::Admin, &foreign, "yyyyyyyy-"),
            (Role::Owner, &foreign, "yyyyyyyyy"),
            (Role::Viewer, &hidden, "hhhhhhhhh"),
            (Role::Member, &hidden, "hhhhhhhhh"),
            (Role::Admin, &hidden, "hhhhhhhhh"),
            (Role::Owner, &hidden, "hhhhhhhhh"),
            (Role::Viewer, &my_own, "y--------"),
            (Role::Member, &my_own, "yyyyyyy--"),
            (Role::Member, &our_own, "yyyyyyy--"),
            (Role::Owner, &our_own, "yyyyyyyyy"),
        ];
        for (role, facts, expected) in table {
            assert_eq!(row(&person(role), facts), expected, "{role} with {facts:?}");
        }
    }

    #[test]
    fn a_token_does_what_scopes_and_role_both_allow() {
        let foreign = Facts::of(Some(member(2)), None);
        let table: [(Role, &[Scope], &str); 8] = [
            (Role::Owner, &[], "sssssssss"),
            (Role::Owner, &[Scope::Read], "yssssssss"),
            (Role::Owner, &[Scope::Write], "syyyyyyss"),
            (Role::Owner, &[Scope::PointsWrite], "ssssyssss"),
            (Role::Owner, &[Scope::Admin], "sssssssyy"),
            (Role::Member, &[Scope::PointsWrite], "ssssyssss"),
            (Role::Member, &[Scope::Write], "sy---y-ss"),
            (Role::Viewer, &[Scope::PointsWrite, Scope::Write, Scope::Read], "y------ss"),
        ];
        for (role, scopes, expected) in table {
            let token = TokenBounds { scopes: scopes.to_vec(), ..TokenBounds::default() };
            let standing = Standing { token: Some(token), ..person(role) };
            assert_eq!(row(&standing, &foreign), expected, "{role} with {scopes:?}");
        }
    }

    #[test]
    fn a_narrowed_token_reaches_its_teams_and_keys_only() {
        let bounds = TokenBounds {
            scopes: vec![Scope::Read, Scope::PointsWrite],
            teams: vec![team(7)],
            key_patterns: vec!["sales-*".into(), "churn".into()],
        };
        let standing = Standing { token: Some(bounds), ..person(Role::Owner) };
        let posts = |facts: Facts| decide(&standing, Action::PostPoints, &facts);
        assert_eq!(posts(Facts::default().with_key("sales-emea")), Decision::Allow);
        assert_eq!(posts(Facts::default().with_key("churn")), Decision::Allow);
        assert_eq!(posts(Facts::default().with_key("churn-rate")), Decision::OutOfScope);
        assert_eq!(posts(Facts::default().with_key("presales-emea")), Decision::OutOfScope);
        assert_eq!(posts(Facts::of(None, Some(team(7))).with_key("x")), Decision::Allow);
        assert_eq!(decide(&standing, Action::View, &Facts::default().with_key("x")), Decision::Allow);
    }

    #[test]
    fn a_service_token_sees_what_is_private_to_the_teams_that_it_is_narrowed_to() {
        let ours = Facts::of(Some(member(2)), Some(team(7))).seen_by(Visibility::Private);
        let bounds = |teams| TokenBounds { scopes: vec![Scope::Read], teams, key_patterns: Vec::new() };
        let service = |teams| Standing {
            member: None,
            teams: Vec::new(),
            token: Some(bounds(teams)),
            ..person(Role::Member)
        };
        assert_eq!(decide(&service(vec![team(7)]), Action::View, &ours), Decision::Allow);
        assert_eq!(decide(&service(vec![team(8)]), Action::View, &ours), Decision::Hide);
        assert_eq!(decide(&service(Vec::new()), Action::View, &ours), Decision::Hide);
        // A personal token sees what its person sees, however it is narrowed.
        let personal = Standing { token: Some(bounds(vec![team(7)])), ..person(Role::Member) };
        assert_eq!(decide(&personal, Action::View, &ours), Decision::Hide);
    }

    #[test]
    fn only_what_all_viewers_see_may_count() {
        let named = |members: &[u128], teams: &[u128]| Viewers::Named {
            members: members.iter().copied().map(member).collect(),
            teams: teams.iter().copied().map(team).collect(),
        };
        assert!(Viewers::Everybody.all_see(&Viewers::Everybody));
        assert!(named(&[1], &[]).all_see(&Viewers::Everybody));
        assert!(!Viewers::Everybody.all_see(&named(&[1], &[1])));
        assert!(named(&[1], &[2]).all_see(&named(&[3, 1], &[2, 4])));
        assert!(!named(&[1], &[2]).all_see(&named(&[1], &[4])));
        assert!(!named(&[1, 2], &[]).all_see(&named(&[1], &[])));
    }
}
