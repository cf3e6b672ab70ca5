//! Invitations: links by which people join a workspace.
//!
//! An admin makes one for an e-mail address and hands it over; nothing is sent by this server. It
//! can be used once, within seven days, by the person with that address. Inviting somebody again
//! replaces the invitation that is open.
//!
//! Whoever is invited is a member already: others may give them things before they come, and accepting
//! makes this very member an active one. When the invitation is taken back, the member is removed;
//! when its time is over, the member goes on waiting for the next one.

mod batch;
mod invite;
mod row;

use std::collections::HashMap;

use diesel::prelude::*;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use crate::access::caller::{Duty, MemberState};
use crate::access::secret::InvitationToken;
use crate::access::{Action, Admins, AdminsMakeSecrets, At, Db, People, Role, Scoped};
use crate::http::answer::Answer;
use crate::http::body::Rules;
use crate::http::page::{Position, page_type};
use crate::http::text::{Email, folded};
use crate::http::{
    Body, Code, Created, FieldErrors, Json, Listing, Name, NoContent, Nothing, Page, Problem, Refusals,
    Refuses, Result, Revealed, Routes, routes,
};
use crate::people::accounts::{AccountRow, Membership};
use crate::people::members::{self, MemberRef, MemberRow};
use crate::people::teams::{self, TeamInput, TeamRef};
use crate::people::workspaces::WorkspaceRef;
use crate::store::journal::{EventType, Subject};
use crate::store::schema::invitations;
use crate::store::{InvitationId, MemberId, Moment, TeamId, Tx, WorkspaceId};
use batch::create_invitations;
use invite::{Known, invite};
pub use row::{InvitationRow, InvitationState, Invited};

/// How long an invitation can be used.
const LIFETIME: SignedDuration = SignedDuration::from_hours(7 * 24);

/// The paths of invitations.
pub fn routes() -> Routes {
    routes! { "members",
        "/v1/workspaces/{workspace}/invitations" {
            /// List the invitations of a workspace, newest first.
            GET list_invitations,
            /// Invite somebody.
            /// The answer bears the link and its token, which are shown once: hand them over. An earlier
            /// invitation of the same address that is still open is revoked. The member is there at once, in the
            /// state `invited`, and may own things; access begins when they accept.
            POST create_invitation
        }
        "/v1/workspaces/{workspace}/invitations/batch" {
            /// Invite many.
            /// Up to 500 at once, judged one by one: those that are refused say why, the others are made. The
            /// answer bears the links and tokens, which are shown once.
            POST create_invitations
        }
        "/v1/workspaces/{workspace}/invitations/{invitation}" {
            /// Show an invitation.
            GET show_invitation,
            /// Take an invitation back.
            /// The member who waited for it is removed; what they own already can be handed over.
            DELETE revoke_invitation
        }
        "/v1/invitations/accept" {
            /// Join a workspace by an invitation.
            /// The caller's account must have the address that was invited. People without an account send
            /// the token with `POST /v1/auth/register` instead.
            POST accept_invitation
        }
    }
}

/// Whom to invite.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct NewInvitation {
    /// The address of the one who may use it; upper and lower case are the same.
    email: Email,
    /// The role that they will have, up to the caller's own.
    #[serde(default = "member")]
    #[schema(default = "member")]
    role: Role,
    /// The name under which they wait; made from the address where it is not given. Their own name takes its place
    /// when they come.
    #[serde(default)]
    #[schema(example = json!(null))]
    name: Option<Name>,
    /// The teams that they join when they accept, by id or slug.
    #[serde(default)]
    #[schema(max_items = 50, example = json!([]))]
    team_ids: Vec<TeamInput>,
    /// What they are to be in these teams.
    #[serde(default = "team_member")]
    #[schema(default = "member")]
    duty: Duty,
}

fn member() -> Role {
    Role::Member
}

fn team_member() -> Duty {
    Duty::Member
}

impl Rules for NewInvitation {
    fn judge(&self, _: &mut FieldErrors) {}
}

/// An invitation into a workspace.
#[derive(Debug, Serialize, ToSchema)]
pub struct Invitation {
    /// The invitation's id.
    id: InvitationId,
    /// The address of the one who may use it.
    #[schema(value_type = Email)]
    email: String,
    /// The role that they will have.
    role: Role,
    /// The member who waits for it, or came by it; null for invitations that were used in older versions.
    member_id: Option<MemberId>,
    /// The member who waits for it, or came by it.
    member: Option<MemberRef>,
    /// The teams that they join with it.
    #[schema(max_items = 50)]
    team_ids: Vec<TeamId>,
    /// The teams that they join with it.
    #[schema(max_items = 50)]
    teams: Vec<TeamRef>,
    /// What they are to be in these teams.
    duty: Duty,
    /// Whether it can be used.
    state: InvitationState,
    /// Who invited.
    invited_by_id: MemberId,
    /// Who invited.
    invited_by: Option<MemberRef>,
    /// When it was made.
    created_at: Moment,
    /// Until when it can be used.
    expires_at: Moment,
    /// The secret to accept it with; only in the answer that made it, else null.
    #[schema(
        max_length = 128,
        pattern = "^rgi_[0-9A-Za-z_-]+$",
        example = "rgi_dGhpcyBpcyBub3QgYSByZWFsIHNlY3JldCBhdCBhbGw"
    )]
    token: Option<String>,
    /// The link to hand over, with the token after `#`, which browsers send to no server; only in the
    /// answer that made it, else null. A page there reads the token and accepts or registers with it.
    #[schema(
        format = "uri",
        max_length = 1024,
        example = "https://okr.example.com/join#rgi_dGhpcyBpcyBub3QgYSByZWFsIHNlY3JldCBhdCBhbGw"
    )]
    link: Option<String>,
}

page_type!(InvitationPage, Invitation);

/// Which invitations.
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct InvitationFilter {
    /// In one of these states.
    #[serde(default)]
    #[param(inline)]
    state: Vec<InvitationState>,
}

/// An invitation's token, to be used.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
struct Acceptance {
    /// The token: what stands after `#` in the link.
    #[schema(
        max_length = 128,
        pattern = r"^[\x21-\x7e]*$",
        example = "rgi_dGhpcyBpcyBub3QgYSByZWFsIHNlY3JldCBhdCBhbGw"
    )]
    token: String,
}

impl Rules for Acceptance {
    fn judge(&self, _: &mut FieldErrors) {}
}

/// What accepting may be refused with.
enum NotAccepted {}
impl Refusals for NotAccepted {
    const CODES: &'static [Code] = &[Code::NotFound, Code::LinkSpent, Code::AlreadyExists];
}

const TOKEN: &str = "/token";

async fn list_invitations(
    db: Db<Admins>,
    listing: Listing<InvitationFilter>,
) -> Answer<Page<InvitationPage>> {
    db.read((), listing, |tx, (), (filter, paging)| {
        let (workspace, now) = (tx.here()?, tx.now);
        let mut rows: Vec<InvitationRow> = invitations::table
            .filter(invitations::workspace_id.eq(workspace))
            .order(invitations::id.desc())
            .load(tx.db())?;
        rows.retain(|row| filter.state.is_empty() || filter.state.contains(&row.state(now)));
        let paged = paging.page_of_all(rows, |row| std::cmp::Reverse(newest_first(row)))?;
        let names = Names::of(tx, &paged.rows)?;
        Ok(Page::show(&paging, paged, |row| Invitation::of(row, now, &names)))
    })
    .await
}

async fn create_invitation(
    db: Db<AdminsMakeSecrets>,
    body: Body<NewInvitation>,
) -> Answer<Revealed<Invitation>> {
    db.write((), body, |tx, (), new| {
        let mut known = Known::of(tx, [folded(new.email.as_str())])?;
        let (row, token) = invite(tx, &mut known, new)?;
        let location = format!("/v1/workspaces/{}/invitations/{}", row.workspace_id, row.id);
        let names = Names::of(tx, std::slice::from_ref(&row))?;
        let shown = Invitation::revealed(tx, row, &names, &token);
        Ok(Revealed(Created::at(location, shown, 1)))
    })
    .await
}

async fn show_invitation(db: Db<Admins>, id: At<InvitationRow>) -> Answer<Json<Invitation>> {
    db.read(id.to(Action::Manage), Nothing, |tx, row, ()| Ok(Json::new(shown(tx, row.into_inner())?))).await
}

async fn revoke_invitation(db: Db<Admins>, id: At<InvitationRow>) -> Answer<NoContent> {
    db.write(id.to(Action::Manage), Nothing, |tx, row, ()| {
        let waiting = waiting_for(tx, row)?;
        match (row.state(tx.now), &waiting) {
            (InvitationState::Open, _) | (InvitationState::Expired, Some(_)) => {}
            // Nothing can come of it any more, which is what was asked for.
            (InvitationState::Revoked | InvitationState::Expired, _) => return Ok(NoContent),
            (InvitationState::Used, _) => {
                return Err(Problem::new(Code::LinkSpent, "it was used: remove the member instead"));
            }
        }
        diesel::update(invitations::table.filter(invitations::id.eq(row.id)))
            .set(invitations::revoked_at.eq(Some(tx.now)))
            .execute(tx.db())?;
        let change = json!({ "email": row.email, "member_id": waiting.as_ref().map(|member| member.id) });
        if let Some(member) = waiting {
            member.gone(tx.now).store(tx)?;
        }
        tx.tell(EventType::InvitationRevoked, subject(row), change);
        Ok(NoContent)
    })
    .await
}

async fn accept_invitation(
    db: Db<People>,
    body: Body<Acceptance>,
    _: Refuses<NotAccepted>,
) -> Answer<Json<Membership>> {
    db.write((), body, |tx, (), sent| {
        let account = tx.signed()?.account;
        let account = AccountRow::by_id(tx, account)?.ok_or_else(Problem::not_found)?;
        let token = InvitationToken::parse(&sent.token).ok_or_else(|| Problem::not_found_at(TOKEN))?;
        let invited = Invited::find(tx, &token, &account.email_folded, TOKEN)?;
        let workspace = WorkspaceRef::of(&invited.workspace);
        let member = invited.join(tx, &account)?;
        let membership =
            Membership { workspace_id: workspace.id, workspace, member_id: member.id, role: member.role };
        Ok(Json::versioned(membership, member.version))
    })
    .await
}

/// What invitations refer to.
struct Names {
    members: HashMap<MemberId, MemberRef>,
    teams: HashMap<TeamId, TeamRef>,
}

impl Names {
    fn of(tx: &mut Scoped, rows: &[InvitationRow]) -> Result<Self> {
        let workspace = tx.here()?;
        let people = rows.iter().flat_map(|row| [Some(row.invited_by), row.member_id]).flatten();
        Ok(Self {
            members: members::names(tx, workspace, people)?,
            teams: teams::names(tx, workspace, rows.iter().flat_map(InvitationRow::teams))?,
        })
    }
}

impl Invitation {
    fn of(row: InvitationRow, now: Moment, names: &Names) -> Self {
        let team_ids = row.teams();
        Self {
            id: row.id,
            state: row.state(now),
            role: row.role,
            member_id: row.member_id,
            member: row.member_id.and_then(|id| names.members.get(&id).cloned()),
            teams: team_ids.iter().filter_map(|id| names.teams.get(id).cloned()).collect(),
            team_ids,
            duty: row.duty,
            invited_by_id: row.invited_by,
            invited_by: names.members.get(&row.invited_by).cloned(),
            created_at: row.created_at,
            expires_at: row.expires_at,
            email: row.email,
            token: None,
            link: None,
        }
    }

    /// The same with its secret, which is shown this once.
    fn revealed(tx: &Scoped, row: InvitationRow, names: &Names, token: &InvitationToken) -> Self {
        let link = format!("{}/join#{}", tx.state().config.public_url, token.reveal());
        Self { token: Some(token.reveal()), link: Some(link), ..Self::of(row, tx.now, names) }
    }
}

fn shown(tx: &mut Scoped, row: InvitationRow) -> Result<Invitation> {
    let names = Names::of(tx, std::slice::from_ref(&row))?;
    Ok(Invitation::of(row, tx.now, &names))
}

fn newest_first(row: &InvitationRow) -> Position {
    Position { key: String::new(), id: row.id.to_string() }
}

/// The member who waits for an invitation, where no other one that is open brings them in.
fn waiting_for(tx: &mut Tx, row: &InvitationRow) -> Result<Option<MemberRow>> {
    let Some(member) = row.member_id else { return Ok(None) };
    let others: i64 = open(row.workspace_id, tx.now)
        .filter(invitations::member_id.eq(member))
        .filter(invitations::id.ne(row.id))
        .count()
        .get_result(tx.db())?;
    let member = MemberRow::by_id(tx, row.workspace_id, member)?;
    Ok(member.filter(|member| others == 0 && member.state == MemberState::Invited))
}

/// Takes back what is open to a member who is removed before they came; their leaving tells of it.
pub fn revoke_of(tx: &mut Tx, member: &MemberRow) -> Result<()> {
    let now = tx.now;
    diesel::update(
        invitations::table
            .filter(invitations::workspace_id.eq(member.workspace_id))
            .filter(invitations::member_id.eq(member.id))
            .filter(invitations::used_at.is_null())
            .filter(invitations::revoked_at.is_null())
            .filter(invitations::expires_at.gt(now)),
    )
    .set(invitations::revoked_at.eq(Some(now)))
    .execute(tx.db())?;
    Ok(())
}

type Rows = invitations::BoxedQuery<'static, crate::store::connection::MultiBackend>;

/// The invitations of a workspace that can be used at a moment.
pub fn open(workspace: WorkspaceId, now: Moment) -> Rows {
    invitations::table
        .filter(invitations::workspace_id.eq(workspace))
        .filter(invitations::used_at.is_null())
        .filter(invitations::revoked_at.is_null())
        .filter(invitations::expires_at.gt(now))
        .into_boxed()
}

/// What events name.
fn subject(row: &InvitationRow) -> Subject {
    Subject::new("invitation", row.id, row.email.clone())
}
