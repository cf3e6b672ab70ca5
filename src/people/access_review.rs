//! The access review: who can do what in a workspace, for those who answer for it.
//!
//! One entry per member, with all that acts for them: tokens, links, an invitation that is open. Whoever
//! was removed is shown while a service token of theirs works. What is private is counted, never named.

use std::collections::HashMap;

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::caller::{Duty, MemberState, TokenKind};
use crate::access::{Admins, Db, Role, Scope, Scoped, Visibility};
use crate::http::answer::Answer;
use crate::http::page::{Paged, Paging, page_type};
use crate::http::text::Email;
use crate::http::{Listing, Name, Page, Result, Routes, routes};
use crate::people::invitations::open;
use crate::people::members::{self, JobTitle, MemberRef, MemberRow};
use crate::people::teams::{self, TeamRef};
use crate::people::tokens::{KeyPattern, TokenRow, is_usable};
use crate::store::schema::{
    invitations, kpis, links, members as members_table, objectives, sessions, team_members, tokens,
};
use crate::store::{AccountId, InvitationId, MemberId, Moment, TeamId, TokenId, WorkspaceId};

/// The path of the access review.
pub fn routes() -> Routes {
    routes! { "members",
        "/v1/workspaces/{workspace}/access-review" {
            /// Show who can do what.
            /// Every member by name, with role and state, teams, when they were seen last, and what acts for them:
            /// tokens, links, an invitation. Those who were removed are among them while a service token of theirs
            /// works.
            GET review_access
        }
    }
}

/// A member, and all by which they reach the workspace.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccessEntry {
    /// The member.
    member_id: MemberId,
    /// The member.
    member: MemberRef,
    /// The e-mail address.
    #[schema(value_type = Option<Email>)]
    email: Option<String>,
    /// What the member is in the organisation.
    #[schema(value_type = Option<JobTitle>)]
    title: Option<String>,
    /// What the member may do.
    role: Role,
    /// Whether the member takes part.
    state: MemberState,
    /// When the member joined, or was invited.
    joined_at: Moment,
    /// When a session of theirs was begun or renewed last, in whichever workspace; null where none is known.
    last_seen_at: Option<Moment>,
    /// The teams that the member is in, by name.
    #[schema(max_items = 10000)]
    teams: Vec<AccessTeam>,
    /// The invitation by which they can come, while it is open.
    invitation: Option<AccessInvitation>,
    /// Their personal tokens that work.
    personal_tokens: AccessTokens,
    /// The service tokens that work and that they answer for, newest first.
    #[schema(max_items = 10000)]
    service_tokens: Vec<AccessServiceToken>,
    /// How many links of theirs work.
    #[schema(minimum = 0)]
    link_count: i64,
    /// How many KPIs and objectives in use they own that are private.
    #[schema(minimum = 0)]
    private_count: i64,
}

/// A team that a member is in.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccessTeam {
    /// The team.
    team_id: TeamId,
    /// The team.
    team: TeamRef,
    /// What the member is in it.
    duty: Duty,
}

/// An invitation that is open.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccessInvitation {
    /// Its id.
    id: InvitationId,
    /// The address of the one who may use it.
    #[schema(value_type = Email)]
    email: String,
    /// The role that they will have.
    role: Role,
    /// Until when it can be used.
    expires_at: Moment,
}

/// Personal tokens, taken together.
#[derive(Debug, Default, Serialize, ToSchema)]
pub struct AccessTokens {
    /// How many there are.
    #[schema(minimum = 0)]
    count: usize,
    /// The broadest of their scopes; null where there is none.
    broadest_scope: Option<Scope>,
    /// When one of them was used last.
    last_used_at: Option<Moment>,
}

/// A service token.
#[derive(Debug, Serialize, ToSchema)]
pub struct AccessServiceToken {
    /// Its id.
    id: TokenId,
    /// What people call it.
    #[schema(value_type = Name)]
    name: String,
    /// Its own role.
    role: Option<Role>,
    /// What it may be used for.
    #[schema(max_items = 4)]
    scopes: Vec<Scope>,
    /// The teams that it is narrowed to; none is all.
    #[schema(max_items = 50)]
    team_ids: Vec<TeamId>,
    /// The keys that it is narrowed to; none is all.
    #[schema(value_type = Vec<KeyPattern>, max_items = 50)]
    key_patterns: Vec<String>,
    /// When it ends.
    expires_at: Option<Moment>,
    /// When it was used last, to the minute.
    last_used_at: Option<Moment>,
}

page_type!(AccessReviewPage, AccessEntry);

/// The list has no filters.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct NoFilter {}

async fn review_access(db: Db<Admins>, listing: Listing<NoFilter>) -> Answer<Page<AccessReviewPage>> {
    db.read((), listing, |tx, (), (_, paging)| {
        let paged = page_of_members(tx, &paging)?;
        let mut around = Around::of(tx, &paged.rows)?;
        Ok(Page::show(&paging, paged, |row| around.entry(row)))
    })
    .await
}

fn page_of_members(tx: &mut Scoped, paging: &Paging) -> Result<Paged<MemberRow>> {
    let (workspace, now) = (tx.here()?, tx.now);
    let query = || {
        let answering = tokens::table
            .filter(tokens::workspace_id.eq(workspace))
            .filter(tokens::kind.eq(TokenKind::Service))
            .filter(is_usable(now))
            .select(tokens::member_id);
        members_table::table
            .filter(members_table::workspace_id.eq(workspace))
            .filter(members_table::state.ne(MemberState::Removed).or(members_table::id.eq_any(answering)))
            .into_boxed()
    };
    members::page_by_name(tx, paging, query)
}

/// What stands around some members, in a number of statements that does not grow with theirs.
struct Around {
    emails: HashMap<MemberId, String>,
    seen: HashMap<AccountId, Moment>,
    teams: HashMap<MemberId, Vec<AccessTeam>>,
    invitations: HashMap<MemberId, AccessInvitation>,
    tokens: HashMap<MemberId, Vec<TokenRow>>,
    links: HashMap<MemberId, i64>,
    private: HashMap<MemberId, i64>,
}

impl Around {
    fn of(tx: &mut Scoped, rows: &[MemberRow]) -> Result<Self> {
        let (workspace, now) = (tx.here()?, tx.now);
        let ids: Vec<MemberId> = rows.iter().map(|row| row.id).collect();
        let accounts: Vec<AccountId> = rows.iter().filter_map(|row| row.account_id).collect();
        let sessions: Vec<(AccountId, Moment)> = sessions::table
            .filter(sessions::account_id.eq_any(accounts))
            .select((sessions::account_id, sessions::last_used_at))
            .load(tx.db())?;
        let mut seen: HashMap<AccountId, Moment> = HashMap::new();
        for (account, at) in sessions {
            let newest = seen.entry(account).or_insert(at);
            *newest = at.max(*newest);
        }
        let mut of_members: HashMap<MemberId, Vec<TokenRow>> = HashMap::new();
        let living: Vec<TokenRow> = tokens::table
            .filter(tokens::workspace_id.eq(workspace))
            .filter(tokens::member_id.eq_any(ids.clone()))
            .filter(is_usable(now))
            .order(tokens::id.desc())
            .load(tx.db())?;
        for token in living {
            of_members.entry(token.member_id).or_default().push(token);
        }
        let links = links::table
            .group_by(links::member_id)
            .select((links::member_id, diesel::dsl::count_star()))
            .filter(links::workspace_id.eq(workspace))
            .filter(links::member_id.eq_any(ids.clone()))
            .filter(links::revoked_at.is_null())
            .filter(links::expires_at.gt(now))
            .load::<(MemberId, i64)>(tx.db())?;
        Ok(Self {
            emails: members::emails_of(tx, rows)?,
            seen,
            teams: teams_of(tx, workspace, &ids)?,
            invitations: open_invitations(tx, workspace, now, &ids)?,
            tokens: of_members,
            links: links.into_iter().collect(),
            private: private_things(tx, workspace, &ids)?,
        })
    }

    fn entry(&mut self, row: MemberRow) -> AccessEntry {
        let mut personal_tokens = AccessTokens::default();
        let mut service_tokens = Vec::new();
        for token in self.tokens.remove(&row.id).unwrap_or_default() {
            match token.kind {
                TokenKind::Personal => {
                    personal_tokens.count += 1;
                    let broadest = token.scopes().into_iter().max();
                    personal_tokens.broadest_scope = personal_tokens.broadest_scope.max(broadest);
                    personal_tokens.last_used_at = personal_tokens.last_used_at.max(token.last_used_at);
                }
                TokenKind::Service => service_tokens.push(AccessServiceToken {
                    id: token.id,
                    role: token.role,
                    scopes: token.scopes(),
                    team_ids: token.teams(),
                    key_patterns: token.key_patterns(),
                    expires_at: token.expires_at,
                    last_used_at: token.last_used_at,
                    name: token.name,
                }),
            }
        }
        AccessEntry {
            member_id: row.id,
            member: row.reference(),
            email: self.emails.remove(&row.id),
            last_seen_at: row.account_id.and_then(|account| self.seen.get(&account).copied()),
            role: row.role,
            state: row.state,
            joined_at: row.joined_at,
            teams: self.teams.remove(&row.id).unwrap_or_default(),
            invitation: self.invitations.remove(&row.id),
            personal_tokens,
            service_tokens,
            link_count: self.links.get(&row.id).copied().unwrap_or_default(),
            private_count: self.private.get(&row.id).copied().unwrap_or_default(),
            title: row.title,
        }
    }
}

fn teams_of(
    tx: &mut Scoped,
    workspace: WorkspaceId,
    ids: &[MemberId],
) -> Result<HashMap<MemberId, Vec<AccessTeam>>> {
    let rows: Vec<(MemberId, TeamId, Duty)> = team_members::table
        .filter(team_members::workspace_id.eq(workspace))
        .filter(team_members::member_id.eq_any(ids.to_vec()))
        .select((team_members::member_id, team_members::team_id, team_members::duty))
        .load(tx.db())?;
    let names = teams::names(tx, workspace, rows.iter().map(|(_, team, _)| *team))?;
    let mut found: HashMap<MemberId, Vec<AccessTeam>> = HashMap::new();
    for (member, team_id, duty) in rows {
        if let Some(team) = names.get(&team_id).cloned() {
            found.entry(member).or_default().push(AccessTeam { team_id, team, duty });
        }
    }
    for teams in found.values_mut() {
        teams.sort_by_cached_key(|one| (crate::http::text::folded(&one.team.name), one.team_id));
    }
    Ok(found)
}

fn open_invitations(
    tx: &mut Scoped,
    workspace: WorkspaceId,
    now: Moment,
    ids: &[MemberId],
) -> Result<HashMap<MemberId, AccessInvitation>> {
    let ids: Vec<Option<MemberId>> = ids.iter().copied().map(Some).collect();
    let rows: Vec<(Option<MemberId>, InvitationId, String, Role, Moment)> = open(workspace, now)
        .filter(invitations::member_id.eq_any(ids))
        .order(invitations::id)
        .select((
            invitations::member_id,
            invitations::id,
            invitations::email,
            invitations::role,
            invitations::expires_at,
        ))
        .load(tx.db())?;
    let found = rows.into_iter().filter_map(|(member, id, email, role, expires_at)| {
        Some((member?, AccessInvitation { id, email, role, expires_at }))
    });
    Ok(found.collect())
}

/// How many private KPIs and objectives in use each of some members owns.
fn private_things(
    tx: &mut Scoped,
    workspace: WorkspaceId,
    ids: &[MemberId],
) -> Result<HashMap<MemberId, i64>> {
    let ids: Vec<Option<MemberId>> = ids.iter().copied().map(Some).collect();
    let mut counts: Vec<(Option<MemberId>, i64)> = kpis::table
        .group_by(kpis::owner_id)
        .select((kpis::owner_id, diesel::dsl::count_star()))
        .filter(kpis::workspace_id.eq(workspace))
        .filter(kpis::owner_id.eq_any(ids.clone()))
        .filter(kpis::archived_at.is_null())
        .filter(kpis::visibility.eq(Visibility::Private))
        .load(tx.db())?;
    let of_objectives: Vec<(Option<MemberId>, i64)> = objectives::table
        .group_by(objectives::owner_id)
        .select((objectives::owner_id, diesel::dsl::count_star()))
        .filter(objectives::workspace_id.eq(workspace))
        .filter(objectives::owner_id.eq_any(ids))
        .filter(objectives::archived_at.is_null())
        .filter(objectives::visibility.eq(Visibility::Private))
        .load(tx.db())?;
    counts.extend(of_objectives);
    let mut found: HashMap<MemberId, i64> = HashMap::new();
    for (member, count) in counts {
        if let Some(member) = member {
            *found.entry(member).or_default() += count;
        }
    }
    Ok(found)
}
