//! A link as it is stored: by the hash of its secret, never by the secret itself.

use diesel::dsl::not;
use diesel::prelude::*;
use jiff::SignedDuration;
use serde_json::json;

use super::{LinkKind, LinkState};
use crate::access::hidden::Hidden;
use crate::access::secret::LinkSecret;
use crate::access::target::invalid_id;
use crate::access::{Action, Facts, Maker, Resource, Scoped};
use crate::http::{Problem, Result};
use crate::kpis::row::KpiRow;
use crate::store::journal::{EventType, Subject};
use crate::store::schema::links;
use crate::store::{
    BoardId, ByLink, KpiId, LinkId, MemberId, Moment, Opening, Opens, TeamId, Tx, WorkspaceId, each_engine,
};

/// A link as it is stored.
#[derive(Clone, Debug, Queryable, Insertable)]
#[diesel(table_name = links)]
pub struct LinkRow {
    pub id: LinkId,
    pub workspace_id: WorkspaceId,
    pub kind: LinkKind,
    pub name: String,
    pub hash: Vec<u8>,
    pub hint: String,
    pub member_id: MemberId,
    pub kpi_id: Option<KpiId>,
    pub board_id: Option<BoardId>,
    pub team_id: Option<TeamId>,
    pub created_at: Moment,
    pub expires_at: Moment,
    pub revoked_at: Option<Moment>,
}

/// What a link is made of.
#[derive(Clone, Debug)]
pub struct Plan {
    /// Where it stands.
    pub name: String,
    /// What it shows.
    pub kind: LinkKind,
    /// The KPI of a picture.
    pub kpi_id: Option<KpiId>,
    /// The board of a scorecard.
    pub board_id: Option<BoardId>,
    /// The team of a scorecard.
    pub team_id: Option<TeamId>,
    /// How long it works.
    pub lifetime: SignedDuration,
}

impl LinkRow {
    /// Makes a link for a member; its secret is in the answer and nowhere else.
    pub fn create(tx: &mut Tx, member: MemberId, plan: &Plan) -> Result<(Self, LinkSecret)> {
        let secret = LinkSecret::generate();
        let row = Self {
            id: LinkId::generate(tx.now.timestamp()),
            workspace_id: tx.workspace_id()?,
            kind: plan.kind,
            name: plan.name.clone(),
            hash: secret.hash().to_vec(),
            hint: hint(&secret),
            member_id: member,
            kpi_id: plan.kpi_id,
            board_id: plan.board_id,
            team_id: plan.team_id,
            created_at: tx.now,
            expires_at: tx.now.plus(plan.lifetime),
            revoked_at: None,
        };
        diesel::insert_into(links::table).values(&row).execute(tx.db())?;
        let change = json!({
            "name": row.name, "kind": row.kind, "kpi_id": row.kpi_id, "board_id": row.board_id,
            "team_id": row.team_id, "expires_at": row.expires_at,
        });
        tx.tell(EventType::LinkCreated, row.subject(), change);
        Ok((row, secret))
    }

    /// The link with this secret, of whichever workspace, while it works; whether its maker may still see what it shows
    /// is another question.
    pub fn working(tx: &mut Tx, secret: &LinkSecret) -> Result<Option<Self>> {
        let (now, hash) = (tx.now, secret.hash());
        tx.open(Opening::Credential(hash))?;
        let found: Option<(Self, Option<String>)> = each_engine!(tx, connection => links::table
            .filter(links::hash.eq(hash.as_slice()))
            .select((links::all_columns, Opens(ByLink)))
            .first(connection)
            .optional())?;
        let Some((row, _)) = found else { return Ok(None) };
        tx.opened(Opening::Workspace(row.workspace_id));
        Ok(Some(row).filter(|row| row.state(now) == LinkState::Active))
    }

    /// Ends it, at once.
    pub fn revoke(&self, tx: &mut Tx) -> Result<()> {
        let living = links::table
            .filter(links::workspace_id.eq(self.workspace_id))
            .filter(links::id.eq(self.id))
            .filter(links::revoked_at.is_null());
        if diesel::update(living).set(links::revoked_at.eq(Some(tx.now))).execute(tx.db())? > 0 {
            tx.tell(EventType::LinkRevoked, self.subject(), json!({ "name": self.name }));
        }
        Ok(())
    }

    /// Whether it works at a moment.
    pub fn state(&self, now: Moment) -> LinkState {
        match self.revoked_at {
            Some(_) => LinkState::Revoked,
            None if self.expires_at <= now => LinkState::Expired,
            None => LinkState::Active,
        }
    }

    /// With whose eyes it looks.
    pub fn maker(&self) -> Maker {
        Maker { workspace: self.workspace_id, member: self.member_id, at: self.created_at }
    }

    fn subject(&self) -> Subject {
        Subject::new("link", self.id, self.name.clone())
    }
}

/// What lists show so that people know their links apart: the last four characters.
fn hint(secret: &LinkSecret) -> String {
    let text = secret.reveal();
    format!("rgl_…{}", text.get(text.len().saturating_sub(4)..).unwrap_or_default())
}

/// A link together with what it shows, which decides who knows of it.
#[derive(Clone, Debug)]
pub struct KnownLink {
    /// The link.
    pub row: LinkRow,
    /// The KPI of a picture.
    kpi: Option<KpiRow>,
}

impl Resource for KnownLink {
    const PARAMETER: &'static str = "link";

    fn load(tx: &mut Scoped, reference: &str) -> Result<Self> {
        let id: LinkId = reference.parse().map_err(invalid_id)?;
        let workspace = tx.here()?;
        let row: Option<LinkRow> = links::table
            .filter(links::workspace_id.eq(workspace))
            .filter(links::id.eq(id))
            .first(tx.db())
            .optional()?;
        let row = row.filter(|row| is_known(tx, row)).ok_or_else(Problem::not_found)?;
        let kpi = match row.kpi_id {
            Some(kpi) => KpiRow::by_id(tx, workspace, kpi)?,
            None => None,
        };
        Ok(Self { row, kpi })
    }

    fn facts(&self) -> Facts {
        let own = Facts::of(Some(self.row.member_id), None);
        Facts { viewers: self.kpi.as_ref().map(|kpi| kpi.facts().viewers).unwrap_or_default(), ..own }
    }

    fn version(&self) -> Option<i32> {
        None
    }
}

/// Whether the caller knows of a link: their own, and admins of all.
fn is_known(tx: &Scoped, row: &LinkRow) -> bool {
    tx.member() == Some(row.member_id) || tx.may(Action::Manage, &Facts::default())
}

/// The links that the caller knows of, newest first.
pub fn known(tx: &mut Scoped) -> Result<Vec<LinkRow>> {
    let (workspace, hidden) = (tx.here()?, Hidden::from(tx)?);
    let mut rows: Vec<LinkRow> = links::table
        .filter(links::workspace_id.eq(workspace))
        .filter(not(hidden.link()))
        .order(links::id.desc())
        .load(tx.db())?;
    rows.retain(|row| is_known(tx, row));
    Ok(rows)
}

/// How many links of the workspace work.
pub fn count(tx: &mut Tx) -> Result<i64> {
    let workspace = tx.workspace_id()?;
    Ok(links::table
        .filter(links::workspace_id.eq(workspace))
        .filter(links::revoked_at.is_null())
        .filter(links::expires_at.gt(tx.now))
        .count()
        .get_result(tx.db())?)
}
