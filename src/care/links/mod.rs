//! Links: one picture or scorecard for whoever has the address, so that it can stand in a page elsewhere.
//!
//! A link shows what everybody in the workspace may see, and never more. It ends by its day, when it is revoked, and when
//! the member who made it loses their place. Its secret is shown once and kept as a hash; what it shows is looked up
//! with its maker's eyes each time.

mod row;
mod shared;

use std::cmp::Reverse;
use std::collections::HashMap;

use jiff::SignedDuration;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::access::{Action, At, Db, MakesLinks, Reads, Resource, Scoped, Themselves, Viewers};
use crate::http::body::Rules;
use crate::http::page::{Paged, Position, page_type};
use crate::http::{
    Answer, Body, Code, Created, FieldErrors, Json, Listing, Name, NoContent, Nothing, Page, Problem,
    Refusals, Refuses, Result, Revealed, Routes, routes,
};
use crate::kpis::boards::BoardRow;
use crate::kpis::kpis::{KpiInput, KpiRef, references};
use crate::kpis::row::KpiRow;
use crate::maths::word::words;
use crate::okrs::wire::refused_at;
use crate::people::members::{self, MemberRef};
use crate::people::teams::{self, TeamInput, TeamRef};
use crate::store::{BoardId, KpiId, LinkId, MemberId, Moment, TeamId};
pub use row::LinkRow;
use row::{KnownLink, Plan};
use shared::{show_shared_picture, show_shared_scorecard};

/// How many links that work a workspace has at the most.
const MOST_LINKS: i64 = 200;

/// The paths of links.
pub fn routes() -> Routes {
    routes! { "links",
        "/v1/workspaces/{workspace}/links" {
            /// List links, newest first.
            /// Everybody sees their own; admins see all. Revoked ones are shown only where `state` asks for them.
            GET list_links,
            /// Make a link.
            /// The answer bears the path, which is shown once; whoever has it sees the picture without signing in. What is
            /// private to some is shown by no link. A workspace has up to 200 links that work.
            POST create_link,
        }
        "/v1/workspaces/{workspace}/links/{link}" {
            /// Show a link; not the secret itself.
            GET show_link,
            /// Revoke a link, at once.
            DELETE revoke_link,
        }
        "/shared/{shared_picture}/picture.svg" {
            /// Show the chart, badge or sparkline of a link.
            /// Looked up with the eyes of whoever made the link: where they lost access, or the KPI became private or was
            /// archived, there is nothing here. Whoever keeps a copy asks each time whether it still holds.
            GET show_shared_picture,
        }
        "/shared/{shared_scorecard}/scorecard" {
            /// Show the scorecard of a link, as a page.
            /// KPIs that are private to anybody are left out.
            GET show_shared_scorecard,
        }
    }
}

words! {
    /// What a link shows.
    pub enum LinkKind {
        /// The chart of a KPI.
        Chart = "chart",
        /// The badge of a KPI.
        Badge = "badge",
        /// The sparkline of a KPI.
        Sparkline = "sparkline",
        /// The scorecard of a board, of a team, or of the workspace.
        Scorecard = "scorecard",
    }

    /// Whether a link works.
    pub enum LinkState {
        /// It does, as long as its maker may see what it shows.
        Active = "active",
        /// Its time is over.
        Expired = "expired",
        /// It was revoked.
        Revoked = "revoked",
    }
}
crate::http::words::impl_wire_words!(LinkKind, LinkState);
crate::store::types::impl_sql_words!(LinkKind);

/// A link to make.
#[derive(Clone, Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = json!({"name": "Wiki: how we keep customers", "kind": "chart", "kpi_id": "churn-rate"}))]
struct NewLink {
    /// Where it stands, so that people know what ends when they revoke it.
    #[schema(example = "Wiki: how we keep customers")]
    name: Name,
    /// What it shows.
    kind: LinkKind,
    /// The KPI of a chart, badge or sparkline: its id or key.
    #[serde(default)]
    #[schema(value_type = Option<KpiInput>, example = "churn-rate")]
    kpi_id: Option<String>,
    /// The board of a scorecard.
    #[serde(default)]
    #[schema(example = json!(null))]
    board_id: Option<BoardId>,
    /// The team of a scorecard, by id or slug; without board and team it shows all KPIs.
    #[serde(default)]
    #[schema(example = json!(null))]
    team_id: Option<TeamInput>,
    /// How long it works, in days.
    #[serde(default = "ninety")]
    #[schema(minimum = 1, maximum = 366, default = 90, example = 90)]
    expires_in_days: i64,
}

fn ninety() -> i64 {
    90
}

impl Rules for NewLink {
    fn judge(&self, errors: &mut FieldErrors) {
        match self.kind {
            LinkKind::Chart | LinkKind::Badge | LinkKind::Sparkline => {
                if self.kpi_id.is_none() {
                    errors.add("/kpi_id", "required", "a picture is one of a KPI");
                }
                if self.board_id.is_some() {
                    errors.add("/board_id", "not_applicable", "a picture shows a KPI, no board");
                }
                if self.team_id.is_some() {
                    errors.add("/team_id", "not_applicable", "a picture shows a KPI, no team");
                }
            }
            LinkKind::Scorecard => {
                if self.kpi_id.is_some() {
                    errors.add("/kpi_id", "not_applicable", "a scorecard shows a board, a team or all");
                }
                if self.board_id.is_some() && self.team_id.is_some() {
                    errors.add("/team_id", "not_applicable", "a scorecard shows a board or a team");
                }
            }
        }
    }
}

/// A link.
#[derive(Debug, Serialize, ToSchema)]
pub struct Link {
    /// Its id.
    id: LinkId,
    /// Where it stands.
    #[schema(value_type = Name)]
    name: String,
    /// What it shows.
    kind: LinkKind,
    /// Whether it works.
    state: LinkState,
    /// The beginning and the end of its secret, to know it by.
    #[schema(max_length = 16, pattern = "^rgl_…[0-9A-Za-z_-]+$", example = "rgl_…0dHh")]
    hint: String,
    /// The KPI of a picture.
    kpi_id: Option<KpiId>,
    /// The KPI of a picture, as a page shows it.
    kpi: Option<KpiRef>,
    /// The board of a scorecard.
    board_id: Option<BoardId>,
    /// The team of a scorecard.
    team_id: Option<TeamId>,
    /// The team of a scorecard, by name.
    team: Option<TeamRef>,
    /// Who made it: what it shows is looked up with their eyes.
    member_id: MemberId,
    /// Who made it, by name.
    member: Option<MemberRef>,
    /// When it was made.
    created_at: Moment,
    /// When it ends.
    expires_at: Moment,
    /// When it was revoked.
    revoked_at: Option<Moment>,
    /// Where it leads, on this server, with its secret; only in the answer that made it, else null.
    #[schema(
        max_length = 80,
        pattern = r"^/shared/rgl_[0-9A-Za-z_-]{43}/(picture\.svg|scorecard)$",
        example = "/shared/rgl_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8/picture.svg"
    )]
    shared_path: Option<String>,
}

page_type!(LinkPage, Link);

/// Which links. A key that stands several times means "or".
#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
struct LinkFilter {
    /// That show one of these.
    #[serde(default)]
    #[param(inline)]
    kind: Vec<LinkKind>,
    /// In one of these states; without it all but the revoked ones.
    #[serde(default)]
    #[param(inline)]
    state: Vec<LinkState>,
}

enum NotLinked {}
impl Refusals for NotLinked {
    const CODES: &'static [Code] = &[Code::Conflict, Code::KpiArchived, Code::LimitReached];
}

async fn list_links(db: Db<Reads>, listing: Listing<LinkFilter>) -> Answer<Page<LinkPage>> {
    db.read((), listing, |tx, (), (filter, paging)| {
        let now = tx.now;
        let states = match filter.state.is_empty() {
            true => vec![LinkState::Active, LinkState::Expired],
            false => filter.state,
        };
        let mut rows = row::known(tx)?;
        rows.retain(|row| {
            (filter.kind.is_empty() || filter.kind.contains(&row.kind)) && states.contains(&row.state(now))
        });
        let Paged { rows, next_cursor, total } = paging
            .page_of_all(rows, |row| Reverse(Position { key: String::new(), id: row.id.to_string() }))?;
        let paged = Paged { rows: show(tx, rows)?, next_cursor, total };
        Ok(Page::show(&paging, paged, |link| link))
    })
    .await
}

async fn create_link(
    db: Db<MakesLinks>,
    body: Body<NewLink>,
    _: Refuses<NotLinked>,
) -> Answer<Revealed<Link>> {
    db.write((), body, |tx, (), new| {
        let maker = tx.member().ok_or_else(Problem::not_found)?;
        let plan = plan(tx, new)?;
        if row::count(tx)? >= MOST_LINKS {
            let detail = format!("a workspace has up to {MOST_LINKS} links that work: revoke some");
            return Err(Problem::new(Code::LimitReached, detail));
        }
        let (row, secret) = LinkRow::create(tx, maker, &plan)?;
        let location = format!("/v1/workspaces/{}/links/{}", row.workspace_id, row.id);
        let leaf = match row.kind {
            LinkKind::Chart | LinkKind::Badge | LinkKind::Sparkline => "picture.svg",
            LinkKind::Scorecard => "scorecard",
        };
        let mut shown = show_one(tx, row)?;
        shown.shared_path = Some(format!("/shared/{}/{leaf}", secret.reveal()));
        Ok(Revealed(Created::at(location, shown, 1)))
    })
    .await
}

async fn show_link(db: Db<Reads>, id: At<KnownLink>) -> Answer<Json<Link>> {
    db.read(id.to(Action::View), Nothing, |tx, found, ()| {
        Ok(Json::new(show_one(tx, found.into_inner().row)?))
    })
    .await
}

async fn revoke_link(db: Db<Themselves>, id: At<KnownLink>) -> Answer<NoContent> {
    // Their own, or as an admin any: no other is found.
    db.write(id.whoever_finds_it(), Nothing, |tx, found, ()| {
        found.row.revoke(tx)?;
        Ok(NoContent)
    })
    .await
}

/// What a body asks for, found: only what everybody in the workspace may see is shown by a link.
fn plan(tx: &mut Scoped, new: &NewLink) -> Result<Plan> {
    let kpi = match &new.kpi_id {
        None => None,
        Some(name) => Some(shareable(tx, name)?),
    };
    let board_id = match new.board_id {
        None => None,
        Some(id) => Some(BoardRow::by_id(tx, id)?.ok_or_else(|| Problem::not_found_at("/board_id"))?.id),
    };
    let team_id = teams::resolve_optional(tx, "/team_id", new.team_id.as_ref())?.map(|team| team.id);
    Ok(Plan {
        name: new.name.as_str().to_owned(),
        kind: new.kind,
        kpi_id: kpi.map(|kpi| kpi.id),
        board_id,
        team_id,
        lifetime: SignedDuration::from_hours(24 * new.expires_in_days),
    })
}

/// The KPI that a body names, where a link may show it.
fn shareable(tx: &mut Scoped, name: &str) -> Result<KpiRow> {
    const KPI: &str = "/kpi_id";
    let found = KpiRow::seen(tx, name).map_err(|problem| refused_at(problem, KPI))?;
    let kpi = found.ok_or_else(|| Problem::not_found_at(KPI))?;
    if kpi.facts().viewers != Viewers::Everybody {
        let detail = "a link shows it to everybody, and this KPI is private";
        return Err(Problem::new(Code::Conflict, detail).with(KPI, "private", "it is private"));
    }
    if kpi.archived_at.is_some() {
        let detail = "no link shows an archived KPI: restore it first";
        return Err(Problem::new(Code::KpiArchived, detail).with(KPI, "kpi_archived", "it is archived"));
    }
    Ok(kpi)
}

/// Links as the API shows them, in the order of the rows, in few statements.
fn show(tx: &mut Scoped, rows: Vec<LinkRow>) -> Result<Vec<Link>> {
    let (workspace, now) = (tx.here()?, tx.now);
    let people = members::names(tx, workspace, rows.iter().map(|row| row.member_id))?;
    let names = teams::names(tx, workspace, rows.iter().filter_map(|row| row.team_id))?;
    let ids: Vec<KpiId> = rows.iter().filter_map(|row| row.kpi_id).collect();
    let kpis: HashMap<KpiId, KpiRef> = references(tx, &ids)?;
    let shown = rows.into_iter().map(|row| Link {
        id: row.id,
        kind: row.kind,
        state: row.state(now),
        kpi_id: row.kpi_id,
        kpi: row.kpi_id.and_then(|id| kpis.get(&id).cloned()),
        board_id: row.board_id,
        team_id: row.team_id,
        team: row.team_id.and_then(|id| names.get(&id).cloned()),
        member_id: row.member_id,
        member: people.get(&row.member_id).cloned(),
        created_at: row.created_at,
        expires_at: row.expires_at,
        revoked_at: row.revoked_at,
        name: row.name,
        hint: row.hint,
        shared_path: None,
    });
    Ok(shown.collect())
}

fn show_one(tx: &mut Scoped, row: LinkRow) -> Result<Link> {
    show(tx, vec![row])?.into_iter().next().ok_or_else(Problem::not_found)
}
