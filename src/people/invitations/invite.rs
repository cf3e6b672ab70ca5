//! Inviting somebody: the member who waits, and the invitation that brings them in.

use std::collections::HashMap;

use diesel::prelude::*;
use serde_json::json;

use super::{InvitationRow, LIFETIME, NewInvitation, open, subject};
use crate::access::Scoped;
use crate::access::caller::MemberState;
use crate::access::secret::InvitationToken;
use crate::http::text::folded;
use crate::http::{Code, Problem, Result};
use crate::people::members::MemberRow;
use crate::people::teams::{self, TeamInput};
use crate::store::journal::EventType;
use crate::store::schema::{accounts, invitations, members};
use crate::store::{InvitationId, Json, TeamId};

/// What a workspace knows of some addresses, in a number of statements that does not grow with theirs.
pub struct Known {
    /// Members whose account has the address.
    here: HashMap<String, MemberRow>,
    /// Members who were invited under the address and have no account yet.
    awaited: HashMap<String, MemberRow>,
    /// The invitations of the address that are open.
    open: HashMap<String, InvitationId>,
    /// The teams that were named so far.
    teams: HashMap<String, Option<TeamId>>,
}

impl Known {
    /// Looks up folded addresses.
    pub fn of(tx: &mut Scoped, emails: impl IntoIterator<Item = String>) -> Result<Self> {
        let (workspace, now) = (tx.here()?, tx.now);
        let emails: Vec<String> = emails.into_iter().collect();
        let here: Vec<(String, MemberRow)> = members::table
            .inner_join(accounts::table.on(members::account_id.eq(accounts::id.nullable())))
            .filter(members::workspace_id.eq(workspace))
            .filter(accounts::email_folded.eq_any(emails.clone()))
            .select((accounts::email_folded, members::all_columns))
            .load(tx.db())?;
        // Of several the one who was invited last.
        let awaited: Vec<(String, MemberRow)> = invitations::table
            .inner_join(members::table.on(invitations::member_id.eq(members::id.nullable())))
            .filter(invitations::workspace_id.eq(workspace))
            .filter(invitations::email_folded.eq_any(emails.clone()))
            .filter(members::account_id.is_null())
            .order(invitations::id)
            .select((invitations::email_folded, members::all_columns))
            .load(tx.db())?;
        let open: Vec<(String, InvitationId)> = open(workspace, now)
            .filter(invitations::email_folded.eq_any(emails))
            .select((invitations::email_folded, invitations::id))
            .load(tx.db())?;
        Ok(Self {
            here: here.into_iter().collect(),
            awaited: awaited.into_iter().collect(),
            open: open.into_iter().collect(),
            teams: HashMap::new(),
        })
    }

    /// The teams that an invitation names, each once.
    fn teams(&mut self, tx: &mut Scoped, named: &[TeamInput]) -> Result<Vec<TeamId>> {
        let mut found = Vec::new();
        for (index, team) in named.iter().enumerate() {
            let pointer = format!("/team_ids/{index}");
            let known = match self.teams.get(team.as_str()) {
                Some(known) => *known,
                None => {
                    let known = match teams::resolve(tx, &pointer, team) {
                        Ok(team) => Some(team.id),
                        Err(problem) if problem.code == Code::NotFound => None,
                        Err(problem) => return Err(problem),
                    };
                    self.teams.insert(team.as_str().to_owned(), known);
                    known
                }
            };
            let team = known.ok_or_else(|| Problem::not_found_at(pointer))?;
            if !found.contains(&team) {
                found.push(team);
            }
        }
        Ok(found)
    }
}

/// Invites somebody: 403 beyond the caller's rank, 409 where they take part already. An invitation of
/// the same address that is open is revoked.
pub fn invite(
    tx: &mut Scoped,
    known: &mut Known,
    new: &NewInvitation,
) -> Result<(InvitationRow, InvitationToken)> {
    tx.require_rank(new.role)?;
    let (workspace, me) = (tx.here()?, tx.member().ok_or_else(Problem::not_found)?);
    let email = folded(new.email.as_str());
    let here = known.here.get(&email).cloned();
    if here
        .as_ref()
        .is_some_and(|member| matches!(member.state, MemberState::Active | MemberState::Suspended))
    {
        let detail = "somebody with this address is a member already";
        return Err(Problem::new(Code::AlreadyExists, detail).with("/email", "already_exists", detail));
    }
    let teams = known.teams(tx, &new.team_ids)?;
    let member = wait(tx, here.or_else(|| known.awaited.get(&email).cloned()), new)?;
    let replaced = known.open.remove(&email);
    if let Some(replaced) = replaced {
        diesel::update(invitations::table.filter(invitations::id.eq(replaced)))
            .set(invitations::revoked_at.eq(Some(tx.now)))
            .execute(tx.db())?;
    }
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
        member_id: Some(member.id),
        team_ids: Json(json!(teams)),
        duty: new.duty,
    };
    diesel::insert_into(invitations::table).values(&row).execute(tx.db())?;
    let change = json!({
        "email": row.email, "role": row.role, "expires_at": row.expires_at, "replaces": replaced,
        "member_id": member.id, "team_ids": teams, "duty": row.duty,
    });
    tx.tell(EventType::InvitationCreated, subject(&row), change);
    Ok((row, token))
}

/// The member who waits from now on: the one who was here before, or was invited before, or a new one.
fn wait(tx: &mut Scoped, known: Option<MemberRow>, new: &NewInvitation) -> Result<MemberRow> {
    let name = match &new.name {
        Some(name) => name.as_str(),
        None => new.email.as_str().split('@').next().unwrap_or_default(),
    };
    let Some(known) = known else {
        let row = MemberRow::fresh(tx, tx.here()?, name, new.role);
        diesel::insert_into(members::table).values(&row).execute(tx.db())?;
        return Ok(row);
    };
    // Whoever was here keeps the name that they had.
    let named = new.name.is_some() && known.account_id.is_none();
    let name = if named { name.to_owned() } else { known.name.clone() };
    let row = MemberRow {
        name_folded: folded(&name),
        name,
        role: new.role,
        state: MemberState::Invited,
        version: known.version + 1,
        joined_at: if known.state == MemberState::Invited { known.joined_at } else { tx.now },
        updated_at: tx.now,
        removed_at: None,
        ..known
    };
    row.store(tx)?;
    Ok(row)
}
