//! Boards: ordered choices of KPIs, each for one audience.
//!
//! A board belongs to its owner and its team, and everybody in the workspace sees it. Of the KPIs on it everybody
//! sees those that are not private to others, and how many more there are.

mod row;

use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::{IntoParams, ToSchema};

use crate::access::{Action, At, Db, Facts, Reads, Scoped, Writes};
use crate::http::advice::Advice;
use crate::http::body::Rules;
use crate::http::page::{Position, page_type};
use crate::http::text::folded;
use crate::http::{
    Answer, Body, Code, Created, Description, FieldErrors, Json, Listing, Name, NoContent, Nothing, Page,
    PatchBody, Problem, Refusals, Refuses, Result, Routes, routes,
};
use crate::kpis::kpis::{KpiInput, KpiRef};
use crate::maths::Cadence;
use crate::people::members::{self, MemberInput, MemberRef};
use crate::people::teams::{self, TeamInput, TeamRef};
use crate::store::journal::EventType;
use crate::store::{BoardId, KpiId, MemberId, Moment, TeamId};
pub use row::{BoardRow, filtered, kpis_on};
use row::{Standing, show, show_one};

/// How many boards a workspace has at the most.
const MOST_BOARDS: usize = 200;
/// How many KPIs stand on a board at the most.
const MOST_KPIS: usize = 50;

/// The paths of boards.
pub fn routes() -> Routes {
    routes! { "boards",
        "/v1/workspaces/{workspace}/boards" {
            /// List boards.
            /// By name.
            GET list_boards,
            /// Make a board.
            /// Only the name is needed; the caller answers for it. A workspace has up to 200 boards.
            POST create_board,
        }
        "/v1/workspaces/{workspace}/boards/{board}" {
            /// Show a board.
            /// What its KPIs show is in the scorecard: `scorecard?board=`.
            GET show_board,
            /// Change a board.
            /// `kpi_ids` replaces the KPIs and their order. Those that are private to others stay, behind all others.
            PATCH update_board,
            /// Delete a board.
            /// Its KPIs stay; links that show it end.
            DELETE delete_board,
        }
    }
}

/// A board to make.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Monday meeting", "cadence": "monthly", "kpi_ids": ["churn-rate", "qualified-leads"]}))]
pub struct NewBoard {
    /// What people call it.
    #[schema(example = "Monday meeting")]
    pub name: Name,
    /// For whom it is, and what for.
    #[serde(default)]
    pub description: Option<Description>,
    /// Who answers for it; on creation the caller by default.
    #[serde(default)]
    pub owner_id: Option<MemberInput>,
    /// The team that it is for; without one it is the whole workspace's.
    #[serde(default)]
    pub team_id: Option<TeamInput>,
    /// The periods in which its KPIs are shown: those that are measured more often are folded by their own
    /// aggregation. Null shows each by its own cadence. Not `irregular`.
    #[serde(default)]
    #[schema(example = "quarterly")]
    pub cadence: Option<Cadence>,
    /// Its KPIs in order, each once, by id or key.
    #[serde(default)]
    #[schema(max_items = 50, example = json!(["churn-rate"]))]
    pub kpi_ids: Vec<KpiInput>,
}

impl Rules for NewBoard {
    fn judge(&self, errors: &mut FieldErrors) {
        if self.cadence == Some(Cadence::Irregular) {
            errors.add(
                "/cadence",
                "irregular",
                "a board shows periods of one length; null shows each its own",
            );
        }
        for (index, kpi) in self.kpi_ids.iter().enumerate() {
            if self.kpi_ids.get(..index).is_some_and(|before| before.contains(kpi)) {
                errors.add(format!("/kpi_ids/{index}"), "duplicate", "this KPI stands there already");
            }
        }
    }
}

/// A board: an ordered choice of KPIs for one audience.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Board {
    /// Its id.
    pub id: BoardId,
    /// Counts the changes that people made.
    #[schema(minimum = 1)]
    pub version: i32,
    /// What people call it.
    #[schema(value_type = Name)]
    pub name: String,
    /// For whom it is, and what for.
    #[schema(value_type = Option<Description>)]
    pub description: Option<String>,
    /// Who answers for it.
    pub owner_id: Option<MemberId>,
    /// Who answers for it, by name.
    pub owner: Option<MemberRef>,
    /// The team that it is for; null where it is the whole workspace's.
    pub team_id: Option<TeamId>,
    /// The team that it is for, by name.
    pub team: Option<TeamRef>,
    /// The periods in which its KPIs are shown; null shows each by its own cadence.
    pub cadence: Option<Cadence>,
    /// Its KPIs in order, but for those that are private to others.
    #[schema(max_items = 50)]
    pub kpi_ids: Vec<KpiId>,
    /// The same, as a page shows them.
    #[schema(max_items = 50)]
    pub kpis: Vec<KpiRef>,
    /// How many KPIs on it are private to others.
    #[schema(minimum = 0, maximum = 50)]
    pub private: usize,
    /// What would make it more useful; refuses nothing.
    #[schema(max_items = 5)]
    pub advice: Vec<Advice>,
    /// When it was made.
    pub created_at: Moment,
    /// When people last changed it.
    pub updated_at: Moment,
    /// What the caller may do with it.
    pub can: BoardRights,
}

/// What the caller may do with a board.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct BoardRights {
    /// Change it.
    pub edit: bool,
    /// Delete it.
    pub delete: bool,
}

page_type!(BoardPage, Board);

/// Which boards. A key that stands several times means "or".
#[derive(Clone, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct BoardFilter {
    /// Only boards of these teams: an id or a slug.
    #[serde(default)]
    team: Vec<String>,
    /// Only boards on which these KPIs stand: an id or a key.
    #[serde(default)]
    kpi: Vec<String>,
}

enum NotMade {}
impl Refusals for NotMade {
    const CODES: &'static [Code] = &[Code::KpiArchived, Code::LimitReached];
}

async fn list_boards(db: Db<Reads>, listing: Listing<BoardFilter>) -> Answer<Page<BoardPage>> {
    db.read((), listing, |tx, (), (filter, paging)| {
        let teams = teams::filtered(tx, "team", &filter.team)?;
        let kpis = row::kpis_in_query(tx, &filter.kpi)?;
        let mut rows = BoardRow::all(tx)?;
        rows.retain(|row| teams.is_empty() || row.team_id.is_some_and(|team| teams.contains(&team)));
        if !kpis.is_empty() {
            let holding = row::holding(tx, &kpis)?;
            rows.retain(|row| holding.contains(&row.id));
        }
        let mut paged = paging
            .page_of_all(rows, |row| Position { key: row.name_folded.clone(), id: row.id.to_string() })?;
        let shown = show(tx, std::mem::take(&mut paged.rows))?;
        let paged =
            crate::http::page::Paged { rows: shown, next_cursor: paged.next_cursor, total: paged.total };
        Ok(Page::show(&paging, paged, |board| board))
    })
    .await
}

async fn create_board(db: Db<Writes>, body: Body<NewBoard>, _: Refuses<NotMade>) -> Answer<Created<Board>> {
    db.write((), body, |tx, (), new| {
        let now = tx.now;
        let blank = BoardRow {
            id: BoardId::generate(now.timestamp()),
            workspace_id: tx.here()?,
            name: String::new(),
            name_folded: String::new(),
            description: None,
            cadence: None,
            owner_id: tx.member(),
            team_id: None,
            version: 1,
            created_at: now,
            updated_at: now,
            deleted_at: None,
        };
        let mut row = said(tx, &blank, new)?;
        row.owner_id = row.owner_id.or(tx.member());
        tx.require(Action::Create, &row.said_facts())?;
        let kpis = row::named(tx, &new.kpi_ids, &[])?;
        if BoardRow::all(tx)?.len() >= MOST_BOARDS {
            let detail = format!("a workspace has up to {MOST_BOARDS} boards: delete some");
            return Err(Problem::new(Code::LimitReached, detail));
        }
        row.insert(tx)?;
        row::place(tx, &row, &kpis)?;
        tx.tell(EventType::BoardCreated, row.subject(), told(&row, kpis.len()));
        let location = format!("/v1/workspaces/{}/boards/{}", row.workspace_id, row.id);
        let version = row.version;
        Ok(Created::at(location, show_one(tx, row)?, version))
    })
    .await
}

async fn show_board(db: Db<Reads>, id: At<BoardRow>) -> Answer<Json<Board>> {
    db.read(id.to(Action::View), Nothing, |tx, row, ()| {
        let version = row.version;
        Ok(Json::versioned(show_one(tx, row.into_inner())?, version))
    })
    .await
}

async fn update_board(
    db: Db<Writes>,
    id: At<BoardRow>,
    patch: PatchBody<NewBoard>,
    _: Refuses<NotMade>,
) -> Answer<Json<Board>> {
    db.write(id.to(Action::Edit), patch, |tx, row, patch| {
        let standing = Standing::of(tx, row.id)?;
        let present = fields(row, &standing);
        let Some(fields) = patch.merged(&present, row.version)? else {
            return Ok(Json::versioned(show_one(tx, BoardRow::clone(row))?, row.version));
        };
        let after = said(tx, row, &fields)?;
        // A token that is narrowed to some teams takes nothing out of its reach.
        tx.require(Action::Create, &after.said_facts())?;
        let kpis = if fields.kpi_ids == present.kpi_ids {
            standing.all()
        } else {
            let mut kpis = row::named(tx, &fields.kpi_ids, &standing.seen)?;
            kpis.extend(&standing.hidden);
            kpis
        };
        if kpis.len() > MOST_KPIS {
            let detail = format!("a board has up to {MOST_KPIS} KPIs, those too that are private to others");
            return Err(Problem::new(Code::LimitReached, detail));
        }
        if after == **row && kpis == standing.all() {
            return Ok(Json::versioned(show_one(tx, after)?, row.version));
        }
        let mut changes = told(&after, kpis.len());
        let before = told(row, standing.all().len());
        if let Some(changes) = changes.as_object_mut() {
            // Which KPIs stand there is not for everybody: that they changed is told by their number.
            changes.retain(|name, value| {
                before.get(name) != Some(value) || (name == "kpis" && kpis != standing.all())
            });
        }
        let after = BoardRow { version: row.version + 1, updated_at: tx.now, ..after };
        after.save(tx)?;
        if kpis != standing.all() {
            row::place(tx, &after, &kpis)?;
        }
        tx.tell(EventType::BoardUpdated, after.subject(), changes);
        let version = after.version;
        Ok(Json::versioned(show_one(tx, after)?, version))
    })
    .await
}

async fn delete_board(db: Db<Writes>, id: At<BoardRow>) -> Answer<NoContent> {
    db.write(id.to(Action::Edit), Nothing, |tx, row, ()| {
        let row = BoardRow {
            version: row.version + 1,
            updated_at: tx.now,
            deleted_at: Some(tx.now),
            ..BoardRow::clone(row)
        };
        row.save(tx)?;
        tx.tell(EventType::BoardDeleted, row.subject(), json!({}));
        Ok(NoContent)
    })
    .await
}

/// What events tell of a board.
fn told(row: &BoardRow, kpis: usize) -> serde_json::Value {
    json!({
        "name": row.name, "description": row.description, "owner_id": row.owner_id, "team_id": row.team_id,
        "cadence": row.cadence, "kpis": kpis,
    })
}

/// What people said of a board, as far as the caller may know.
fn fields(row: &BoardRow, standing: &Standing) -> NewBoard {
    NewBoard {
        name: row.name.as_str().into(),
        description: row.description.as_deref().map(Description::from),
        owner_id: row.owner_id.map(MemberInput::from),
        team_id: row.team_id.map(TeamInput::from),
        cadence: row.cadence,
        kpi_ids: standing.seen.iter().map(|id| KpiInput::from(id.to_string())).collect(),
    }
}

/// The row with all that the fields say; an owner or a team that is named anew has to be there.
fn said(tx: &mut Scoped, row: &BoardRow, fields: &NewBoard) -> Result<BoardRow> {
    let owner_id = if fields.owner_id == row.owner_id.map(MemberInput::from) {
        row.owner_id
    } else {
        members::resolve_optional(tx, "/owner_id", fields.owner_id.as_ref())?.map(|owner| owner.id)
    };
    let team_id = if fields.team_id == row.team_id.map(TeamInput::from) {
        row.team_id
    } else {
        teams::resolve_optional(tx, "/team_id", fields.team_id.as_ref())?.map(|team| team.id)
    };
    Ok(BoardRow {
        name: fields.name.as_str().to_owned(),
        name_folded: folded(fields.name.as_str()),
        description: fields.description.as_ref().map(|text| text.as_str().to_owned()),
        owner_id,
        team_id,
        cadence: fields.cadence,
        ..row.clone()
    })
}

impl BoardRow {
    /// What the policy looks at.
    fn said_facts(&self) -> Facts {
        Facts::of(self.owner_id, self.team_id)
    }
}
