//! What a link shows to whoever has it: looked up with its maker's eyes, and only what everybody in their workspace may see.

use std::net::IpAddr;

use serde::Deserialize;
use utoipa::IntoParams;

use super::{LinkKind, LinkRow};
use crate::access::secret::LinkSecret;
use crate::access::{Action, Db, FromSegment, Linked, Resource, Scoped, Segment, Viewers};
use crate::care::pictures::{Drawing, Svg, badge, chart, sparkline};
use crate::care::scorecard::{Choice, Readers, page, scorecard};
use crate::http::{Answer, Answers, Code, Draft, Html, Nothing, Problem, Query, Reply, Result};
use crate::kpis::boards::BoardRow;
use crate::kpis::row::KpiRow;
use crate::people::teams;
use crate::store::TeamId;
use crate::svg::Theme;

/// The secret of a picture.
#[derive(Debug)]
pub struct SharedPicture(LinkSecret);

impl FromSegment for SharedPicture {
    const PARAMETER: &'static str = "shared_picture";
    const REFUSES: &'static [Code] = &[Code::NotFound];

    fn read(_: &mut Scoped, text: &str) -> Result<Self> {
        LinkSecret::parse(text).map(Self).ok_or_else(Problem::not_found)
    }
}

/// The secret of a scorecard.
#[derive(Debug)]
pub struct SharedScorecard(LinkSecret);

impl FromSegment for SharedScorecard {
    const PARAMETER: &'static str = "shared_scorecard";
    const REFUSES: &'static [Code] = &[Code::NotFound];

    fn read(_: &mut Scoped, text: &str) -> Result<Self> {
        LinkSecret::parse(text).map(Self).ok_or_else(Problem::not_found)
    }
}

/// How a picture is drawn that a link shows.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct SharedFilter {
    /// In which colours: as the reader's system has it, light, or dark. A badge looks the same everywhere.
    #[param(inline, default = "auto")]
    #[serde(default = "Theme::auto")]
    theme: Theme,
    /// How wide it is, in pixels: a chart 280 to 1,600 (640 by default), a sparkline 60 to 600 (120 by default).
    #[param(minimum = 60, maximum = 1600)]
    #[serde(default)]
    width: Option<u32>,
}

pub async fn show_shared_picture(
    db: Db<Linked>,
    secret: Segment<SharedPicture>,
    query: Query<SharedFilter>,
) -> Answer<Shared<Svg>> {
    let peer = db.peer();
    db.read(secret, query, move |tx, SharedPicture(secret), filter| {
        let link = working(tx, &secret, peer)?;
        let kpi = link.kpi_id.ok_or_else(Problem::not_found)?;
        let workspace = tx.here()?;
        let kpi = KpiRow::by_id(tx, workspace, kpi)?.ok_or_else(Problem::not_found)?;
        tx.require(Action::View, &kpi.facts())?;
        if kpi.facts().viewers != Viewers::Everybody || kpi.archived_at.is_some() {
            return Err(Problem::not_found());
        }
        let drawn = |usual: Drawing, widest: u32| Drawing {
            theme: filter.theme,
            width: filter.width.unwrap_or(usual.width).min(widest),
            ..usual
        };
        Ok(Shared(Svg(match link.kind {
            LinkKind::Chart => chart(tx, &kpi, None, drawn(Drawing::chart(), 1600))?,
            LinkKind::Badge => badge(tx, &kpi, None)?,
            LinkKind::Sparkline => sparkline(tx, &kpi, None, drawn(Drawing::sparkline(), 600))?,
            LinkKind::Scorecard => return Err(Problem::not_found()),
        })))
    })
    .await
}

pub async fn show_shared_scorecard(
    db: Db<Linked>,
    secret: Segment<SharedScorecard>,
) -> Answer<Shared<Sheet>> {
    let peer = db.peer();
    db.read(secret, Nothing, move |tx, SharedScorecard(secret), ()| {
        let link = working(tx, &secret, peer)?;
        let choice = match (link.kind, link.board_id, link.team_id) {
            (LinkKind::Chart | LinkKind::Badge | LinkKind::Sparkline, ..) => return Err(Problem::not_found()),
            (LinkKind::Scorecard, Some(board), _) => {
                Choice::Board(BoardRow::by_id(tx, board)?.ok_or_else(Problem::not_found)?)
            }
            (LinkKind::Scorecard, None, Some(team)) => team_of(tx, team)?,
            (LinkKind::Scorecard, None, None) => Choice::Workspace,
        };
        let scorecard = scorecard(tx, &choice, Readers::Everybody, None)?;
        Ok(Shared(Sheet(page(&scorecard))))
    })
    .await
}

/// The link with a secret, after its maker's place was looked up. Each link may be asked for as often as a caller may ask;
/// who asks for what is not there is counted by address.
fn working(tx: &mut Scoped, secret: &LinkSecret, peer: Option<IpAddr>) -> Result<LinkRow> {
    let limits = &tx.state().limits;
    let Some(link) = LinkRow::working(tx, secret)? else {
        if let Some(peer) = peer {
            limits.stranger(peer)?;
        }
        return Err(Problem::not_found());
    };
    // Whoever looks at a link is no caller of its workspace.
    limits.request(link.id.raw(), None)?;
    tx.look_for(&link.maker())?;
    Ok(link)
}

fn team_of(tx: &mut Scoped, team: TeamId) -> Result<Choice> {
    let workspace = tx.here()?;
    // A team in the archive has no scorecard any more.
    let here = teams::still_here(tx, [team])?;
    let found = teams::names(tx, workspace, here)?.into_values().next();
    found.map(Choice::Team).ok_or_else(Problem::not_found)
}

/// A page that stands for itself.
#[derive(Debug)]
pub struct Sheet(Html);

impl Answers for Sheet {
    const MEDIA: &'static [&'static str] = &["text/html"];

    fn into_reply(self) -> Reply {
        self.0.into_reply()
    }

    fn describe(draft: &mut Draft) {
        draft.answers_nothing(200, "The page.");
        draft.also_as(200, "text/html");
    }
}

/// What pages elsewhere may show.
#[derive(Debug)]
pub struct Shared<R>(R);

impl<R: Answers> Answers for Shared<R> {
    const MEDIA: &'static [&'static str] = R::MEDIA;

    fn into_reply(self) -> Reply {
        self.0.into_reply().shown_elsewhere()
    }

    fn describe(draft: &mut Draft) {
        R::describe(draft);
    }
}
