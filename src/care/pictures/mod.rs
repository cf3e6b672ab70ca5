//! Pictures of a KPI: a chart, a badge, a small line, as SVG.
//!
//! The same instant shows the same bytes. What a picture shows it also says: `<title>` and `<desc>` hold sentences made
//! of the numbers. It needs no script, no font and nothing from another place.

mod chart;
mod small;

use serde::Deserialize;
use utoipa::IntoParams;

use crate::access::{Action, At, Db, Reads};
use crate::http::answer::styled;
use crate::http::{Answer, Answers, Draft, Query, Reply, Routes, routes};
use crate::kpis::derive::AsOf;
use crate::kpis::row::KpiRow;
use crate::store::{Day, Moment};
use crate::svg::{Picture, Theme};
pub use chart::chart;
pub use small::{badge, sparkline};

/// The paths of pictures.
pub fn routes() -> Routes {
    routes! { "pictures",
        "/v1/workspaces/{workspace}/kpis/{kpi}/chart.svg" {
            /// Draw the chart of a KPI.
            /// Its newest periods with the healthy band, the tolerance, natural limits by segment, signals, remedies, and
            /// where the trend leads. A browser's `<img>` sends no token: a link shows it without one (`POST …/links`).
            GET draw_chart,
        }
        "/v1/workspaces/{workspace}/kpis/{kpi}/badge.svg" {
            /// Draw the badge of a KPI.
            /// Its name, its current value and its health on one line.
            GET draw_badge,
        }
        "/v1/workspaces/{workspace}/kpis/{kpi}/sparkline.svg" {
            /// Draw the sparkline of a KPI.
            /// Its newest twelve periods that hold a point, as a line without axes.
            GET draw_sparkline,
        }
    }
}

crate::http::words::impl_wire_words!(Theme);

/// How a chart is drawn.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct ChartFilter {
    /// In which colours: as the reader's system has it, light, or dark.
    #[param(inline, default = "auto")]
    #[serde(default = "Theme::auto")]
    theme: Theme,
    /// How wide it is, in pixels: as wide as it will be shown, because text does not shrink. It is as high as it needs.
    #[param(minimum = 280, maximum = 1600, default = 640)]
    #[serde(default = "usual_width")]
    width: u32,
    /// How many periods it shows at the most, the newest.
    #[param(minimum = 2, maximum = 120, default = 24)]
    #[serde(default = "usual_periods")]
    periods: u32,
    /// As it stood when this day ended in the workspace's time zone; today means now.
    #[param(inline)]
    #[serde(default)]
    as_of: Option<Day>,
    /// Counting only what had been recorded by this moment.
    #[param(inline)]
    #[serde(default)]
    known_at: Option<Moment>,
}

fn usual_width() -> u32 {
    640
}

fn usual_periods() -> u32 {
    24
}

/// How a badge is drawn.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct BadgeFilter {
    /// As it stood when this day ended in the workspace's time zone; today means now.
    #[param(inline)]
    #[serde(default)]
    as_of: Option<Day>,
    /// Counting only what had been recorded by this moment.
    #[param(inline)]
    #[serde(default)]
    known_at: Option<Moment>,
}

/// How a sparkline is drawn.
#[derive(Clone, Copy, Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct SparklineFilter {
    /// In which colours: as the reader's system has it, light, or dark.
    #[param(inline, default = "auto")]
    #[serde(default = "Theme::auto")]
    theme: Theme,
    /// How wide it is, in pixels; it is a quarter as high.
    #[param(minimum = 60, maximum = 600, default = 120)]
    #[serde(default = "small_width")]
    width: u32,
    /// As it stood when this day ended in the workspace's time zone; today means now.
    #[param(inline)]
    #[serde(default)]
    as_of: Option<Day>,
    /// Counting only what had been recorded by this moment.
    #[param(inline)]
    #[serde(default)]
    known_at: Option<Moment>,
}

fn small_width() -> u32 {
    120
}

/// How a picture is drawn, whichever it is.
#[derive(Clone, Copy, Debug)]
pub struct Drawing {
    /// In which colours.
    pub theme: Theme,
    /// How wide, in pixels.
    pub width: u32,
    /// How many periods a chart shows.
    pub periods: usize,
}

impl Drawing {
    /// A chart where nothing more is said.
    pub fn chart() -> Self {
        Self { theme: Theme::Auto, width: usual_width(), periods: usual_periods() as usize }
    }

    /// A sparkline where nothing more is said.
    pub fn sparkline() -> Self {
        Self { width: small_width(), ..Self::chart() }
    }
}

async fn draw_chart(db: Db<Reads>, kpi: At<KpiRow>, query: Query<ChartFilter>) -> Answer<Svg> {
    db.read(kpi.to(Action::View), query, |tx, kpi, filter| {
        let view = AsOf { as_of: filter.as_of, known_at: filter.known_at }.view(tx)?;
        let periods = filter.periods as usize;
        let drawing = Drawing { theme: filter.theme, width: filter.width, periods };
        Ok(Svg(chart(tx, &kpi, view.as_ref(), drawing)?))
    })
    .await
}

async fn draw_badge(db: Db<Reads>, kpi: At<KpiRow>, query: Query<BadgeFilter>) -> Answer<Svg> {
    db.read(kpi.to(Action::View), query, |tx, kpi, BadgeFilter { as_of, known_at }| {
        let view = AsOf { as_of, known_at }.view(tx)?;
        Ok(Svg(badge(tx, &kpi, view.as_ref())?))
    })
    .await
}

async fn draw_sparkline(db: Db<Reads>, kpi: At<KpiRow>, query: Query<SparklineFilter>) -> Answer<Svg> {
    db.read(kpi.to(Action::View), query, |tx, kpi, filter| {
        let view = AsOf { as_of: filter.as_of, known_at: filter.known_at }.view(tx)?;
        let drawing = Drawing { theme: filter.theme, width: filter.width, ..Drawing::sparkline() };
        Ok(Svg(sparkline(tx, &kpi, view.as_ref(), drawing)?))
    })
    .await
}

/// A picture as an answer.
#[derive(Debug)]
pub struct Svg(pub Picture);

impl Answers for Svg {
    const MEDIA: &'static [&'static str] = &["image/svg+xml"];

    fn into_reply(self) -> Reply {
        let Self(Picture { text, style }) = self;
        Reply::bytes("image/svg+xml", text.into_bytes(), None).with_policy(styled(&style))
    }

    fn describe(draft: &mut Draft) {
        draft.answers_nothing(200, "The picture.");
        draft.also_as(200, "image/svg+xml");
    }
}
