//! An invitation as it is stored, and how it is used once.

use diesel::prelude::*;

use crate::access::caller::{Duty, MemberState};
use crate::access::secret::InvitationToken;
use crate::access::{Facts, Resource, Role, Scoped};
use crate::http::{Code, Problem, Result};
use crate::maths::word::words;
use crate::people::accounts::AccountRow;
use crate::people::members::{self, MemberRow};
use crate::people::teams;
use crate::store::journal::EventType;
use crate::store::schema::{invitations, workspaces};
use crate::store::{
    InvitationId, Json, Lane, MemberId, Moment, Opening, TeamId, Tx, WorkspaceId, WorkspaceRow,
};

words! {
    /// Whether an invitation can be used.
    pub enum InvitationState {
        /// It can.
        Open = "open",
        /// It was: whom it names has joined.
        Used = "used",
        /// It was taken back, or replaced by a newer one.
        Revoked = "revoked",
        /// Its seven days are over.
        Expired = "expired",
    }
}
crate::http::words::impl_wire_words!(InvitationState);

/// An invitation as it is stored.
#[derive(Clone, Debug, Queryable, Insertable)]
#[diesel(table_name = invitations)]
pub struct InvitationRow {
    pub id: InvitationId,
    pub workspace_id: WorkspaceId,
    pub email: String,
    pub email_folded: String,
    pub role: Role,
    pub token_hash: Vec<u8>,
    pub invited_by: MemberId,
    pub created_at: Moment,
    pub expires_at: Moment,
    pub used_at: Option<Moment>,
    pub revoked_at: Option<Moment>,
    /// The member who waits; older invitations name nobody.
    pub member_id: Option<MemberId>,
    pub team_ids: Json,
    pub duty: Duty,
}

impl InvitationRow {
    /// The teams that they join with it.
    pub fn teams(&self) -> Vec<TeamId> {
        serde_json::from_value(self.team_ids.0.clone()).unwrap_or_default()
    }

    /// Whether it can be used at a moment.
    pub fn state(&self, now: Moment) -> InvitationState {
        match (self.used_at, self.revoked_at) {
            (Some(_), _) => InvitationState::Used,
            (None, Some(_)) => InvitationState::Revoked,
            (None, None) if self.expires_at <= now => InvitationState::Expired,
            (None, None) => InvitationState::Open,
        }
    }
}

impl Resource for InvitationRow {
    const PARAMETER: &'static str = "invitation";

    fn load(tx: &mut Scoped, reference: &str) -> Result<Self> {
        let id: InvitationId = reference.parse().map_err(crate::access::target::invalid_id)?;
        let workspace = tx.here()?;
        invitations::table
            .filter(invitations::workspace_id.eq(workspace))
            .filter(invitations::id.eq(id))
            .first(tx.db())
            .optional()?
            .ok_or_else(Problem::not_found)
    }

    fn facts(&self) -> Facts {
        Facts::default()
    }

    fn version(&self) -> Option<i32> {
        None
    }
}

/// An open invitation and its workspace, found by its token and by whom it is for.
#[derive(Clone, Debug)]
pub struct Invited {
    /// The workspace into which it invites.
    pub workspace: WorkspaceRow,
    invitation: InvitationRow,
    pointer: &'static str,
}

impl Invited {
    /// Finds an invitation to this address: 404 where the token invites nobody, or somebody else;
    /// 409 where it was used, revoked, or is too old.
    pub fn find(
        tx: &mut Tx,
        token: &InvitationToken,
        email_folded: &str,
        pointer: &'static str,
    ) -> Result<Self> {
        let hash = token.hash();
        tx.open(Opening::Credential(hash))?;
        let invitation: Option<InvitationRow> = invitations::table
            .filter(invitations::token_hash.eq(hash.as_slice()))
            .filter(invitations::email_folded.eq(email_folded))
            .first(tx.db())
            .optional()?;
        let invitation = invitation.ok_or_else(|| Problem::not_found_at(pointer))?;
        let workspace: Option<WorkspaceRow> = workspaces::table
            .filter(workspaces::id.eq(invitation.workspace_id))
            .filter(workspaces::deleted_at.is_null())
            .first(tx.db())
            .optional()?;
        let workspace = workspace.ok_or_else(|| Problem::not_found_at(pointer))?;
        match invitation.state(tx.now) {
            InvitationState::Open => Ok(Self { workspace, invitation, pointer }),
            state @ (InvitationState::Used | InvitationState::Revoked | InvitationState::Expired) => {
                Err(spent(pointer, state))
            }
        }
    }

    /// Uses it: the account takes part in the workspace from then on. Of many at once one succeeds.
    pub fn join(self, tx: &mut Tx, account: &AccountRow) -> Result<MemberRow> {
        let Self { workspace, invitation, pointer } = self;
        tx.enter(Lane::Workspace(workspace.id))?;
        if tx.workspace()?.deleted_at.is_some() {
            return Err(Problem::not_found_at(pointer));
        }
        let present = MemberRow::of_account(tx, workspace.id, account.id)?.map(|member| member.state);
        if let Some(MemberState::Active | MemberState::Suspended) = present {
            return Err(Problem::new(Code::AlreadyExists, "you are a member of this workspace already"));
        }
        let open = invitations::table
            .filter(invitations::id.eq(invitation.id))
            .filter(invitations::used_at.is_null())
            .filter(invitations::revoked_at.is_null())
            .filter(invitations::expires_at.gt(tx.now));
        if diesel::update(open).set(invitations::used_at.eq(Some(tx.now))).execute(tx.db())? == 0 {
            return Err(spent(pointer, InvitationState::Used));
        }
        let member = members::admit(tx, workspace.id, account, invitation.role, invitation.member_id)?;
        let change = serde_json::json!({ "role": member.role, "invitation_id": invitation.id });
        tx.tell(EventType::MemberJoined, members::subject(&member), change);
        teams::joins(tx, workspace.id, member.id, &invitation.teams(), invitation.duty)?;
        Ok(member)
    }
}

fn spent(pointer: &str, state: InvitationState) -> Problem {
    let detail = format!("the invitation is {state}; ask for a new one");
    Problem::new(Code::LinkSpent, &detail).with(pointer, "link_spent", detail)
}
