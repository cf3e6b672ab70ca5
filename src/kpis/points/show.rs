//! A point as callers see it.

use std::collections::HashMap;

use diesel::prelude::*;
use serde::Serialize;
use utoipa::ToSchema;

use crate::access::Scoped;
use crate::http::text::{AnyId, Keyword, Name, Note};
use crate::http::{Measure, Result};
use crate::kpis::derive::{Origin, PointRow, Quality};
use crate::kpis::kpis::KpiKey;
use crate::kpis::row::KpiRow;
use crate::maths::Calendar;
use crate::store::schema::{members, tokens};
use crate::store::{Author, AuthorKind, Day, KpiId, MemberId, Moment, RawId, TokenId};

/// One measurement.
#[derive(Debug, Serialize, ToSchema)]
pub struct Point {
    /// The KPI that was measured.
    kpi_id: KpiId,
    /// What a page shows of it.
    kpi: PointKpi,
    /// The instant for which the value stands.
    at: Moment,
    /// The same as a local date.
    on: Day,
    /// Whose number it is; empty by default.
    #[schema(max_length = 64, pattern = r"^[^\u0000-\u001f\u007f-\u009f]*$", example = "")]
    feed: String,
    /// The value, in the unit of the KPI.
    value: Measure,
    /// Anything worth knowing about this value.
    #[schema(value_type = Option<Note>)]
    note: Option<String>,
    /// Whether it was measured or is an estimate.
    quality: Quality,
    /// Where it came from.
    origin: Origin,
    /// When it was stored as it is now.
    recorded_at: Moment,
    /// Who stored it; null where that was Regimen itself.
    recorded_by: Option<Recorder>,
}

/// The KPI of a point.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct PointKpi {
    /// Its id.
    id: KpiId,
    /// Its key.
    #[schema(value_type = KpiKey)]
    key: String,
    /// Its name.
    #[schema(value_type = Name)]
    name: String,
}

/// Who stored a point.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct Recorder {
    /// `member` or `token`.
    #[serde(rename = "type")]
    #[schema(value_type = Keyword)]
    kind: &'static str,
    /// The id of the member or token.
    #[schema(value_type = AnyId)]
    id: String,
    /// The name of the member or token.
    #[schema(value_type = Name)]
    name: String,
}

impl Recorder {
    /// Whoever calls, who needs no looking up.
    fn of(author: &Author) -> Option<(RawId, Self)> {
        let (raw, name) = (author.id?, author.name.clone());
        let (kind, id) = match author.kind {
            AuthorKind::Person => ("member", MemberId::from_uuid(raw.uuid()).to_string()),
            AuthorKind::Token => ("token", TokenId::from_uuid(raw.uuid()).to_string()),
            AuthorKind::System => return None,
        };
        Some((raw, Self { kind, id, name }))
    }
}

/// What showing points needs to know.
pub struct Shown {
    calendar: Calendar,
    kpis: HashMap<KpiId, PointKpi>,
    recorders: HashMap<RawId, Recorder>,
}

impl Shown {
    /// Looks up what the points name, in few statements.
    pub fn prepare(tx: &mut Scoped, kpis: &[KpiRow], points: &[PointRow]) -> Result<Self> {
        let workspace = tx.here()?;
        let mut recorders: HashMap<RawId, Recorder> = Recorder::of(tx.author()).into_iter().collect();
        let mut ids: Vec<RawId> =
            points.iter().map(|point| point.recorded_by).filter(|id| !recorders.contains_key(id)).collect();
        ids.sort_by_key(|id| id.uuid());
        ids.dedup();
        for ids in ids.chunks(5_000) {
            let people: Vec<MemberId> = ids.iter().map(|id| MemberId::from_uuid(id.uuid())).collect();
            let people: Vec<(MemberId, String)> = members::table
                .filter(members::workspace_id.eq(workspace))
                .filter(members::id.eq_any(people))
                .select((members::id, members::name))
                .load(tx.db())?;
            recorders.extend(
                people
                    .into_iter()
                    .map(|(id, name)| (id.raw(), Recorder { kind: "member", id: id.to_string(), name })),
            );
            let scripts: Vec<TokenId> = ids.iter().map(|id| TokenId::from_uuid(id.uuid())).collect();
            let scripts: Vec<(TokenId, String)> = tokens::table
                .filter(tokens::workspace_id.eq(workspace))
                .filter(tokens::id.eq_any(scripts))
                .select((tokens::id, tokens::name))
                .load(tx.db())?;
            recorders.extend(
                scripts
                    .into_iter()
                    .map(|(id, name)| (id.raw(), Recorder { kind: "token", id: id.to_string(), name })),
            );
        }
        let kpis = kpis
            .iter()
            .map(|kpi| (kpi.id, PointKpi { id: kpi.id, key: kpi.key.clone(), name: kpi.name.clone() }))
            .collect();
        Ok(Self { calendar: tx.workspace()?.calendar(), kpis, recorders })
    }

    /// The key of a point's KPI.
    pub fn key(&self, kpi: KpiId) -> &str {
        self.kpis.get(&kpi).map_or("", |kpi| kpi.key.as_str())
    }

    /// The point as callers see it.
    pub fn point(&self, row: PointRow) -> Point {
        let unnamed = || PointKpi { id: row.kpi_id, key: String::new(), name: String::new() };
        Point {
            kpi_id: row.kpi_id,
            kpi: self.kpis.get(&row.kpi_id).cloned().unwrap_or_else(unnamed),
            at: row.at,
            on: Day::from(self.calendar.day_of(row.at.timestamp())),
            feed: row.feed,
            value: Measure::from(row.value),
            note: row.note,
            quality: row.quality,
            origin: row.origin,
            recorded_at: row.recorded_at,
            recorded_by: self.recorders.get(&row.recorded_by).cloned(),
        }
    }
}
