//! A member as it is stored, and how paths, bodies and filters name one.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::access::caller::MemberState;
use crate::access::target::invalid_id;
use crate::access::{Facts, Resource, Role, Scoped};
use crate::http::text::{Name, folded};
use crate::http::{Code, Problem, Result};
use crate::people::accounts::AccountRow;
use crate::store::journal::EventType;
use crate::store::schema::members;
use crate::store::{AccountId, AuthorKind, MemberId, Moment, Tx, WorkspaceId};

/// What stands for the caller wherever a member is asked for.
const ME: &str = "me";

/// A member as it is stored.
#[derive(Clone, Debug, PartialEq, Queryable, Insertable, AsChangeset)]
#[diesel(table_name = members, treat_none_as_null = true)]
pub struct MemberRow {
    pub id: MemberId,
    pub workspace_id: WorkspaceId,
    /// Whoever is invited has none yet.
    pub account_id: Option<AccountId>,
    pub name: String,
    pub name_folded: String,
    pub role: Role,
    pub state: MemberState,
    pub version: i32,
    pub joined_at: Moment,
    pub updated_at: Moment,
    pub removed_at: Option<Moment>,
    pub title: Option<String>,
}

/// A member, as other things show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, ToSchema)]
pub struct MemberRef {
    /// The member's id.
    pub id: MemberId,
    /// The member's name in this workspace.
    #[schema(value_type = Name)]
    pub name: String,
}

/// A member in a body: an id, or `me` for the caller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(transparent)]
#[schema(max_length = 64, pattern = "^(me|mem_[0-7][0-9a-hjkmnp-tv-z]{25})$", example = "me")]
pub struct MemberInput(String);

impl From<MemberId> for MemberInput {
    fn from(id: MemberId) -> Self {
        Self(id.to_string())
    }
}

impl MemberInput {
    /// The caller.
    pub fn me() -> Self {
        Self(ME.to_owned())
    }

    /// The id that is meant; `None` where it is no member's, or `me` is no person.
    fn id(&self, tx: &Scoped) -> Option<MemberId> {
        if self.0 == ME { tx.member() } else { self.0.parse().ok() }
    }
}

impl MemberRow {
    /// The member with this id in a workspace, whatever its state.
    pub fn by_id(tx: &mut Tx, workspace: WorkspaceId, id: MemberId) -> Result<Option<Self>> {
        Ok(members::table
            .filter(members::workspace_id.eq(workspace))
            .filter(members::id.eq(id))
            .first(tx.db())
            .optional()?)
    }

    /// The membership of an account in a workspace, whatever its state.
    pub fn of_account(tx: &mut Tx, workspace: WorkspaceId, account: AccountId) -> Result<Option<Self>> {
        Ok(members::table
            .filter(members::workspace_id.eq(workspace))
            .filter(members::account_id.eq(account))
            .first(tx.db())
            .optional()?)
    }

    /// Somebody who is invited and has no account yet; not stored.
    pub fn fresh(tx: &Tx, workspace: WorkspaceId, name: &str, role: Role) -> Self {
        Self {
            id: MemberId::generate(tx.now.timestamp()),
            workspace_id: workspace,
            account_id: None,
            name: name.to_owned(),
            name_folded: folded(name),
            role,
            state: MemberState::Invited,
            version: 1,
            joined_at: tx.now,
            updated_at: tx.now,
            removed_at: None,
            title: None,
        }
    }

    /// Whether this is a place that was kept for somebody who has not come yet.
    fn waits_for_an_account(&self) -> bool {
        self.state == MemberState::Invited && self.account_id.is_none()
    }

    /// The same, removed; not stored.
    pub fn gone(self, now: Moment) -> Self {
        Self {
            state: MemberState::Removed,
            removed_at: Some(now),
            updated_at: now,
            version: self.version + 1,
            ..self
        }
    }

    /// Stores what changed of it.
    pub fn store(&self, tx: &mut Tx) -> Result<()> {
        let own = members::table
            .filter(members::workspace_id.eq(self.workspace_id))
            .filter(members::id.eq(self.id));
        diesel::update(own).set(self).execute(tx.db())?;
        Ok(())
    }

    /// Whether things may be given to them: they are here, or are to come.
    pub fn takes_things(&self) -> bool {
        match self.state {
            MemberState::Active | MemberState::Invited => true,
            MemberState::Suspended | MemberState::Removed => false,
        }
    }

    /// The member, as other things show it.
    pub fn reference(&self) -> MemberRef {
        MemberRef { id: self.id, name: self.name.clone() }
    }
}

impl Resource for MemberRow {
    const PARAMETER: &'static str = "member";

    fn load(tx: &mut Scoped, reference: &str) -> Result<Self> {
        let id = match (reference, tx.member()) {
            (ME, Some(me)) => me,
            (ME, None) => return Err(Problem::not_found()),
            (id, _) => id.parse().map_err(invalid_id)?,
        };
        let workspace = tx.here()?;
        Self::by_id(tx, workspace, id)?.ok_or_else(Problem::not_found)
    }

    fn facts(&self) -> Facts {
        Facts::of(Some(self.id), None)
    }

    fn version(&self) -> Option<i32> {
        Some(self.version)
    }
}

/// Lets an account take part in a workspace, in which it does not yet, or not any more; from then on
/// the transaction runs on behalf of the member. Who was here before comes back as the one they were;
/// who was invited takes the place that was kept for them, with all that they own already.
pub fn admit(
    tx: &mut Tx,
    workspace: WorkspaceId,
    account: &AccountRow,
    role: Role,
    invited: Option<MemberId>,
) -> Result<MemberRow> {
    let former = MemberRow::of_account(tx, workspace, account.id)?;
    let place = match invited {
        Some(id) => MemberRow::by_id(tx, workspace, id)?.filter(MemberRow::waits_for_an_account),
        None => None,
    };
    let (known, named) = match (former, place) {
        (Some(former), Some(place)) => {
            // They come back; nobody comes to the place that was kept.
            let change = serde_json::json!({ "state": MemberState::Removed, "came_as_id": former.id });
            let subject = super::subject(&place);
            place.gone(tx.now).store(tx)?;
            tx.tell(EventType::MemberRemoved, subject, change);
            (Some(former), None)
        }
        (None, Some(place)) => (Some(place), Some(account.name.clone())),
        (former, None) => (former, None),
    };
    let row = match known {
        Some(known) => {
            let name = named.unwrap_or_else(|| known.name.clone());
            let row = MemberRow {
                account_id: Some(account.id),
                name_folded: folded(&name),
                name,
                role,
                state: MemberState::Active,
                version: known.version + 1,
                joined_at: tx.now,
                updated_at: tx.now,
                removed_at: None,
                ..known
            };
            row.store(tx)?;
            row
        }
        None => {
            let row = MemberRow::fresh(tx, workspace, &account.name, role);
            let row = MemberRow { account_id: Some(account.id), state: MemberState::Active, ..row };
            diesel::insert_into(members::table).values(&row).execute(tx.db())?;
            row
        }
    };
    tx.act_as(AuthorKind::Person, row.id.raw(), row.name.clone());
    Ok(row)
}

/// Refuses where nobody but this member is an active owner.
pub fn refuse_last_owner(tx: &mut Tx, row: &MemberRow) -> Result<()> {
    let others: i64 = members::table
        .filter(members::workspace_id.eq(row.workspace_id))
        .filter(members::role.eq(Role::Owner))
        .filter(members::state.eq(MemberState::Active))
        .filter(members::id.ne(row.id))
        .count()
        .get_result(tx.db())?;
    if others == 0 && row.state == MemberState::Active {
        return Err(Problem::new(Code::LastOwner, "make somebody else an owner first"));
    }
    Ok(())
}

/// The names of members, for things that refer to them; former members keep theirs.
pub fn names(
    tx: &mut Tx,
    workspace: WorkspaceId,
    ids: impl IntoIterator<Item = MemberId>,
) -> Result<HashMap<MemberId, MemberRef>> {
    let mut ids: Vec<MemberId> = ids.into_iter().collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() {
        return Ok(HashMap::new());
    }
    let found: Vec<(MemberId, String)> = members::table
        .filter(members::workspace_id.eq(workspace))
        .filter(members::id.eq_any(ids))
        .select((members::id, members::name))
        .load(tx.db())?;
    Ok(found.into_iter().map(|(id, name)| (id, MemberRef { id, name })).collect())
}

/// Those of some members who are here, or are to come.
pub fn still_here(tx: &mut Tx, ids: impl IntoIterator<Item = MemberId>) -> Result<HashSet<MemberId>> {
    let workspace = tx.workspace_id()?;
    let ids: HashSet<MemberId> = ids.into_iter().collect();
    let active: Vec<MemberId> = members::table
        .filter(members::workspace_id.eq(workspace))
        .filter(members::id.eq_any(ids.into_iter().collect::<Vec<_>>()))
        .filter(members::state.eq_any([MemberState::Active, MemberState::Invited]))
        .select(members::id)
        .load(tx.db())?;
    Ok(active.into_iter().collect())
}

/// The member that a body names, who is here or invited; 404 with the pointer where there is none.
///
/// Call it for what was sent: a stored owner may have left since, and stays until changed.
pub fn resolve(tx: &mut Scoped, pointer: &str, input: &MemberInput) -> Result<MemberRef> {
    let workspace = tx.here()?;
    let found = match input.id(tx) {
        Some(id) => MemberRow::by_id(tx, workspace, id)?,
        None => None,
    };
    match found {
        Some(row) if row.takes_things() => Ok(row.reference()),
        _ => Err(Problem::not_found_at(pointer)),
    }
}

/// The same for a field that may be null.
pub fn resolve_optional(
    tx: &mut Scoped,
    pointer: &str,
    input: Option<&MemberInput>,
) -> Result<Option<MemberRef>> {
    input.map(|input| resolve(tx, pointer, input)).transpose()
}

/// The members that a filter names, as a query has them: 400 for what is no member's id. Former
/// members are found too, because what they own still names them.
pub fn filtered(tx: &mut Scoped, parameter: &str, texts: &[String]) -> Result<Vec<MemberId>> {
    texts
        .iter()
        .map(|text| match (text.as_str(), tx.member()) {
            (ME, Some(me)) => Ok(me),
            (ME, None) => Err(Problem::not_found_at(parameter)),
            (id, _) => {
                let id = id
                    .parse()
                    .map_err(|error| Problem::new(Code::InvalidQuery, format!("{parameter}: {error}")))?;
                let workspace = tx.here()?;
                MemberRow::by_id(tx, workspace, id)?
                    .map(|row| row.id)
                    .ok_or_else(|| Problem::not_found_at(parameter))
            }
        })
        .collect()
}
