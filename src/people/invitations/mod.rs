//! Invitations: links by which people join a workspace.
//!
//! An admin makes one for an e-mail address and hands it over; nothing is sent by this server. It
//! can be used once, within seven days, by the person with that address. Inviting somebody again
//! replaces the invitation that is open.

mod row;

use diesel::prelude::*;
use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use crate::access::caller::MemberState;
use crate::access::secret::InvitationToken;
use crate::access::{Action, Admins, AdminsMakeSecrets, At, Db, People, Role, Scoped};
use crate::http::answer::Answer;
use crate::http::body::Rules;
use crate::http::page::{Position, page_type};
use crate::http::text::{Email, folded};
use crate::http::{
    Body, Code, Created, FieldErrors, Json, Listing, NoContent, Nothing, Page, Problem, Refusals, Refuses,
    Result, Revealed, Routes, routes,
};
use crate::people::accounts::{AccountRow, Membership};
use crate::people::members::{self, MemberRef};
use crate::people::workspaces::WorkspaceRef;
use crate::store::journal::{EventType, Subject};
use crate::store::schema::{accounts, invitations, members as members_table};
use crate::store::{InvitationId, MemberId, Moment, WorkspaceId};
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
            /// invitation of the same address that is still open is revoked.
            POST create_invitation
        }
        "/v1/workspaces/{workspace}/invitations/{invitation}" {
            /// Show an invitation.
            GET show_invitation,
            /// Take an invitation back.
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
}

fn member() -> Role {
    Role::Member
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
        let names = members::names(tx, workspace, paged.rows.iter().map(|row| row.invited_by))?;
        Ok(Page::show(&paging, paged, |row| {
            let by = names.get(&row.invited_by).cloned();
            Invitation::of(row, now, by)
        }))
    })
    .await
}

async fn create_invitation(
    db: Db<AdminsMakeSecrets>,
    body: Body<NewInvitation>,
) -> Answer<Revealed<Invitation>> {
    db.write((), body, |tx, (), new| {
        tx.require_rank(new.role)?;
        let (workspace, me) = (tx.here()?, tx.member().ok_or_else(Problem::not_found)?);
        let email = folded(new.email.as_str());
        if takes_part(tx, workspace, &email)? {
            let detail = "somebody with this address is a member already";
            return Err(Problem::new(Code::AlreadyExists, detail).with("/email", "already_exists", detail));
        }
        let replaced = revoke_open(tx, workspace, &email)?;
        let token = InvitationToken::generate();
        let row = InvitationRow {
            id: InvitationId::generate(tx.now.timestamp()),
            workspace_id: workspace,
            email: new.email.as_str().to_owned(),
            email_folded: email,
            role: new.role,
            token_hash: token.hash().to_vec(),
            invited_by: me,
            created_at: tx.now,
            expires_at: tx.now.plus(LIFETIME),
            used_at: None,
            revoked_at: None,
        };
        diesel::insert_into(invitations::table).values(&row).execute(tx.db())?;
        let change = json!({
            "email": row.email, "role": row.role, "expires_at": row.expires_at, "replaces": replaced,
        });
        tx.tell(EventType::InvitationCreated, subject(&row), change);
        let location = format!("/v1/workspaces/{workspace}/invitations/{}", row.id);
        let mut shown = shown(tx, row)?;
        shown.link = Some(format!("{}/join#{}", tx.state().config.public_url, token.reveal()));
        shown.token = Some(token.reveal());
        Ok(Revealed(Created::at(location, shown, 1)))
    })
    .await
}

async fn show_invitation(db: Db<Admins>, id: At<InvitationRow>) -> Answer<Json<Invitation>> {
    db.read(id.to(Action::Manage), Nothing, |tx, row, ()| Ok(Json::new(shown(tx, row.into_inner())?))).await
}

async fn revoke_invitation(db: Db<Admins>, id: At<InvitationRow>) -> Answer<NoContent> {
    db.write(id.to(Action::Manage), Nothing, |tx, row, ()| {
        match row.state(tx.now) {
            InvitationState::Open => {}
            // Nothing can come of it any more, which is what was asked for.
            InvitationState::Revoked | InvitationState::Expired => return Ok(NoContent),
            InvitationState::Used => {
                return Err(Problem::new(Code::LinkSpent, "it was used: remove the member instead"));
            }
        }
        revoke_open(tx, row.workspace_id, &row.email_folded)?;
        tx.tell(EventType::InvitationRevoked, subject(row), json!({ "email": row.email }));
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

impl Invitation {
    fn of(row: InvitationRow, now: Moment, invited_by: Option<MemberRef>) -> Self {
        Self {
            id: row.id,
            state: row.state(now),
            email: row.email,
            role: row.role,
            invited_by_id: row.invited_by,
            invited_by,
            created_at: row.created_at,
            expires_at: row.expires_at,
            token: None,
            link: None,
        }
    }
}

fn shown(tx: &mut Scoped, row: InvitationRow) -> Result<Invitation> {
    let by = members::names(tx, row.workspace_id, [row.invited_by])?.remove(&row.invited_by);
    Ok(Invitation::of(row, tx.now, by))
}

fn newest_first(row: &InvitationRow) -> Position {
    Position { key: String::new(), id: row.id.to_string() }
}

/// Whether somebody with this address is a member and was not removed.
fn takes_part(tx: &mut Scoped, workspace: WorkspaceId, email_folded: &str) -> Result<bool> {
    let found: Option<MemberId> = members_table::table
        .inner_join(accounts::table.on(accounts::id.eq(members_table::account_id)))
        .filter(members_table::workspace_id.eq(workspace))
        .filter(members_table::state.eq_any([MemberState::Active, MemberState::Suspended]))
        .filter(accounts::email_folded.eq(email_folded))
        .select(members_table::id)
        .first(tx.db())
        .optional()?;
    Ok(found.is_some())
}

/// Revokes the open invitation of an address, if there is one.
fn revoke_open(tx: &mut Scoped, workspace: WorkspaceId, email_folded: &str) -> Result<Option<InvitationId>> {
    let now = tx.now;
    let found: Option<InvitationId> = invitations::table
        .filter(invitations::workspace_id.eq(workspace))
        .filter(invitations::email_folded.eq(email_folded))
        .filter(invitations::used_at.is_null())
        .filter(invitations::revoked_at.is_null())
        .filter(invitations::expires_at.gt(now))
        .select(invitations::id)
        .first(tx.db())
        .optional()?;
    if let Some(id) = found {
        diesel::update(invitations::table.filter(invitations::id.eq(id)))
            .set(invitations::revoked_at.eq(Some(now)))
            .execute(tx.db())?;
    }
    Ok(found)
}

/// What events name.
fn subject(row: &InvitationRow) -> Subject {
    Subject::new("invitation", row.id, row.email.clone())
}
