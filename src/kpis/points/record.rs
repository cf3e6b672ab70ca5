//! Storing points: what is there already decides what is new, replaced or unchanged, what is replaced
//! is kept as a revision, and what hangs on the points is brought up to date once per KPI.

use std::collections::{BTreeMap, HashMap};

use diesel::prelude::*;
use serde_json::json;

use crate::access::Visibility;
use crate::kpis::derive::{Origin, PointRow, Quality, RevisionRow, recompute_many, shown};
use crate::kpis::row::KpiRow;
use crate::maths::Health;
use crate::store::journal::{EventType, Subject};
use crate::store::schema::points;
use crate::store::{KpiChange, KpiId, Moment, StoreError, Tx, batch};

/// A point to be stored or deleted. No two of one call have the same KPI, instant and feed.
#[derive(Clone, Copy, Debug)]
pub struct Entry<'a> {
    /// Whose point.
    pub kpi: &'a KpiRow,
    /// The instant for which it stands.
    pub at: Moment,
    /// Whose number it is.
    pub feed: &'a str,
    /// What it says.
    pub content: Content<'a>,
}

/// What is to become of a point.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Content<'a> {
    /// It says this from now on.
    Said {
        /// The value, in the unit of the KPI.
        value: f64,
        /// A note.
        note: Option<&'a str>,
        /// Whether it was measured.
        quality: Quality,
    },
    /// It is deleted.
    Nothing,
}

/// What became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is new.
    Created,
    /// It said something else before.
    Replaced,
    /// It said the same before, or was not there to be deleted.
    Unchanged,
    /// It was there before.
    Deleted,
}

/// What became of all of them.
#[derive(Clone, Debug, Default)]
pub struct Recorded {
    /// What became of each, in their order.
    pub outcomes: Vec<Outcome>,
    /// The health of every KPI that was named, before and after.
    pub health: HashMap<KpiId, HealthOf>,
}

/// The health that a KPI showed before and shows after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthOf {
    /// Before the points.
    pub before: Health,
    /// After them.
    pub after: Health,
}

/// Stores points of one workspace, and tells it in one event about `subject`: none where nothing changed.
pub fn record(tx: &mut Tx, entries: &[Entry], subject: Subject) -> Result<Recorded, StoreError> {
    let (workspace_id, now) = (tx.workspace_id()?, tx.now);
    let (origin, recorded_by) = (Origin::of(tx.author().kind), tx.author().recorded_by());
    let mut known = stored(tx, entries)?;

    let (mut written, mut kept, mut deleted) = (Vec::new(), Vec::<RevisionRow>::new(), Vec::new());
    let mut changed: BTreeMap<KpiId, (&KpiRow, Vec<Moment>)> = BTreeMap::new();
    let mut outcomes = Vec::with_capacity(entries.len());
    for Entry { kpi, at, feed, content } in entries.iter().copied() {
        let before = known.remove(&(kpi.id, at, feed.to_owned()));
        let outcome = match (&before, content) {
            (None, Content::Nothing) => Outcome::Unchanged,
            (Some(_), Content::Nothing) => Outcome::Deleted,
            (Some(before), content) if says(before) == content => Outcome::Unchanged,
            (Some(_), Content::Said { .. }) => Outcome::Replaced,
            (None, Content::Said { .. }) => Outcome::Created,
        };
        outcomes.push(outcome);
        if outcome == Outcome::Unchanged {
            continue;
        }
        changed.entry(kpi.id).or_insert((kpi, Vec::new())).1.push(at);
        kept.extend(before.map(|before| before.replaced_at(now)));
        match content {
            Content::Nothing => deleted.push((kpi.id, at, feed.to_owned())),
            Content::Said { value, note, quality } => written.push(PointRow {
                workspace_id,
                kpi_id: kpi.id,
                at,
                feed: feed.to_owned(),
                value,
                note: note.map(str::to_owned),
                quality,
                origin,
                recorded_at: now,
                recorded_by,
            }),
        }
    }
    // Told before what follows from it.
    tell(tx, &outcomes, &changed, subject);
    batch::insert_revisions(tx, &kept)?;
    batch::delete_points(tx, &deleted)?;
    batch::upsert_points(tx, &written)?;

    let untouched: Vec<KpiId> =
        entries.iter().map(|entry| entry.kpi.id).filter(|id| !changed.contains_key(id)).collect();
    let changed: Vec<(&KpiRow, Vec<Moment>)> = changed.into_values().collect();
    let mut health: HashMap<KpiId, HealthOf> = recompute_many(tx, &changed)?
        .into_iter()
        .map(|KpiChange { kpi, before, after }| (kpi, HealthOf { before, after }))
        .collect();
    let mut as_before = shown(tx, &untouched)?;
    for id in untouched {
        let same = as_before.remove(&id).map_or(Health::Unknown, |stage| stage.verdict(now).health);
        health.entry(id).or_insert(HealthOf { before: same, after: same });
    }
    Ok(Recorded { outcomes, health })
}

fn tell(
    tx: &mut Tx,
    outcomes: &[Outcome],
    changed: &BTreeMap<KpiId, (&KpiRow, Vec<Moment>)>,
    subject: Subject,
) {
    if changed.is_empty() {
        return;
    }
    let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    // The journal of a call is read by everybody: it names what everybody may see.
    let (named, private): (Vec<&KpiRow>, Vec<&KpiRow>) =
        changed.values().map(|(kpi, _)| *kpi).partition(|kpi| kpi.visibility == Visibility::Workspace);
    let mut keys: Vec<&str> = named.iter().map(|kpi| kpi.key.as_str()).collect();
    keys.sort_unstable();
    let change = json!({
        "created": count(Outcome::Created),
        "replaced": count(Outcome::Replaced),
        "deleted": count(Outcome::Deleted),
        "kpis": keys,
        "private_kpis": private.len(),
    });
    tx.tell(EventType::PointsRecorded, subject, change);
}

fn says(point: &PointRow) -> Content<'_> {
    Content::Said { value: point.value, note: point.note.as_deref(), quality: point.quality }
}

/// How many instants of one KPI, and how many such groups, stand in one statement.
const INSTANTS_PER_GROUP: usize = 200;
const GROUPS_PER_STATEMENT: usize = 50;

/// The points that are there already, by KPI, instant and feed.
fn stored(tx: &mut Tx, entries: &[Entry]) -> Result<HashMap<(KpiId, Moment, String), PointRow>, StoreError> {
    let workspace = tx.workspace_id()?;
    let mut instants: BTreeMap<KpiId, Vec<Moment>> = BTreeMap::new();
    for entry in entries {
        instants.entry(entry.kpi.id).or_default().push(entry.at);
    }
    let groups: Vec<(KpiId, &[Moment])> = instants
        .iter()
        .flat_map(|(id, instants)| instants.chunks(INSTANTS_PER_GROUP).map(|some| (*id, some)))
        .collect();
    let mut found = HashMap::new();
    for groups in groups.chunks(GROUPS_PER_STATEMENT) {
        let mut query = points::table.into_boxed();
        for (id, instants) in groups {
            query = query.or_filter(
                points::workspace_id
                    .eq(workspace)
                    .and(points::kpi_id.eq(*id))
                    .and(points::at.eq_any(*instants)),
            );
        }
        let rows: Vec<PointRow> = query.load(tx.db())?;
        found.extend(rows.into_iter().map(|row| ((row.kpi_id, row.at, row.feed.clone()), row)));
    }
    Ok(found)
}
