//! Storing points: what is there already decides what is new, replaced or unchanged, what is replaced
//! is kept as a revision, and what hangs on the points is brought up to date once per KPI.
//!
//! The points of all requests that wait for a workspace are stored as one batch; each request has its own event in
//! the journal, and hears what became of its own points.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use serde_json::json;

use crate::access::{Visibility, Wants};
use crate::http::{Problem, Result};
use crate::kpis::derive::{Origin, PeriodRow, PointRow, Quality, RevisionRow, recompute_many, shown};
use crate::kpis::row::KpiRow;
use crate::maths::Health;
use crate::store::journal::{EventType, Subject};
use crate::store::{Author, KpiChange, KpiId, Moment, StoreError, Tx, batch, places};

/// What one request wants to have stored.
#[derive(Debug)]
pub struct Posting {
    /// Its points; no two have the same KPI, instant and feed.
    pub entries: Vec<Entry>,
    /// What the journal says that they are about.
    pub subject: Subject,
}

/// A point to be stored or deleted.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Whose point.
    pub kpi: Arc<KpiRow>,
    /// The instant for which it stands.
    pub at: Moment,
    /// Whose number it is.
    pub feed: String,
    /// What it says.
    pub content: Content,
}

/// What is to become of a point.
#[derive(Clone, Debug, PartialEq)]
pub enum Content {
    /// It says this from now on.
    Said {
        /// The value, in the unit of the KPI.
        value: f64,
        /// A note.
        note: Option<String>,
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

/// What became of the points of one request.
#[derive(Debug, Default)]
pub struct Recorded {
    /// What became of each, in their order.
    pub outcomes: Vec<Outcome>,
    /// The health of every KPI that was named, before and after.
    pub health: HashMap<KpiId, HealthOf>,
    /// Where there was one point only: what it is now, and the period that holds it.
    pub single: Option<(PointRow, PeriodRow)>,
}

/// The health that a KPI showed before and shows after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthOf {
    /// Before the points.
    pub before: Health,
    /// After them.
    pub after: Health,
}

/// The KPI, the instant and the feed of a point: no two points have the same three.
type Place = (KpiId, Moment, String);

impl Entry {
    fn place(&self) -> Place {
        (self.kpi.id, self.at, self.feed.clone())
    }
}

impl Wants for Posting {
    type Done = Recorded;
    type Claim = Place;

    fn weight(&self) -> usize {
        self.entries.len()
    }

    fn claims(&self) -> Vec<Place> {
        self.entries.iter().map(Entry::place).collect()
    }

    fn fulfil(tx: &mut Tx, postings: &[(Arc<Author>, Self)]) -> Result<Vec<Recorded>> {
        record(tx, postings).map_err(Problem::from)
    }
}

/// What is to be written for all of them, in few statements.
#[derive(Default)]
struct Writes {
    written: Vec<PointRow>,
    kept: Vec<RevisionRow>,
    deleted: Vec<Place>,
    changed: BTreeMap<KpiId, (Arc<KpiRow>, Vec<Moment>)>,
}

/// Stores the points of some requests, no two of which are about the same point, and tells each request in one event:
/// none where nothing changed.
pub fn record(tx: &mut Tx, postings: &[(Arc<Author>, Posting)]) -> Result<Vec<Recorded>, StoreError> {
    let mut known = stored(tx, postings.iter().flat_map(|(_, posting)| &posting.entries))?;
    let mut writes = Writes::default();
    let mut recorded = Vec::with_capacity(postings.len());
    let mut singles = Vec::with_capacity(postings.len());
    for (author, posting) in postings {
        tx.speak_for(author.clone());
        let (outcomes, single) = weigh(tx, posting, &mut known, &mut writes)?;
        // Told before what follows from it.
        tell(tx, &outcomes, posting);
        recorded.push(Recorded { outcomes, ..Recorded::default() });
        singles.push(single);
    }
    batch::insert_revisions(tx, &writes.kept)?;
    batch::delete_points(tx, &writes.deleted)?;
    batch::upsert_points(tx, &writes.written)?;

    let health = follow(tx, postings, writes.changed)?;
    let periods = periods_of(tx, &singles)?;
    for (((_, posting), recorded), single) in postings.iter().zip(&mut recorded).zip(singles) {
        let ids = posting.entries.iter().map(|entry| entry.kpi.id);
        recorded.health = ids.filter_map(|id| Some((id, *health.get(&id)?))).collect();
        recorded.single =
            single.and_then(|single| Some((single.row, periods.get(&(single.kpi, single.period))?.clone())));
    }
    Ok(recorded)
}

/// The only point of a request, and the beginning of the period that holds it.
struct Single {
    row: PointRow,
    kpi: KpiId,
    period: Moment,
}

/// Decides what becomes of each point of a request.
fn weigh(
    tx: &mut Tx,
    posting: &Posting,
    known: &mut HashMap<Place, PointRow>,
    writes: &mut Writes,
) -> Result<(Vec<Outcome>, Option<Single>), StoreError> {
    let (workspace_id, now, calendar) = (tx.workspace_id()?, tx.now, tx.workspace()?.calendar());
    let (origin, recorded_by) = (Origin::of(tx.author().kind), tx.author().recorded_by());
    let mut outcomes = Vec::with_capacity(posting.entries.len());
    let mut present: Option<PointRow> = None;
    for entry in &posting.entries {
        let Entry { kpi, at, feed, content } = entry;
        let before = known.remove(&entry.place());
        let outcome = match (&before, content) {
            (None, Content::Nothing) => Outcome::Unchanged,
            (Some(_), Content::Nothing) => Outcome::Deleted,
            (Some(before), content) if says(before, content) => Outcome::Unchanged,
            (Some(_), Content::Said { .. }) => Outcome::Replaced,
            (None, Content::Said { .. }) => Outcome::Created,
        };
        outcomes.push(outcome);
        if outcome == Outcome::Unchanged {
            present = before;
            continue;
        }
        writes.changed.entry(kpi.id).or_insert_with(|| (kpi.clone(), Vec::new())).1.push(*at);
        tx.was_changed_by(kpi.id, tx.shared_author());
        writes.kept.extend(before.map(|before| before.replaced_at(now)));
        match content {
            Content::Nothing => writes.deleted.push(entry.place()),
            Content::Said { value, note, quality } => {
                let row = PointRow {
                    workspace_id,
                    kpi_id: kpi.id,
                    at: *at,
                    feed: feed.clone(),
                    value: *value,
                    note: note.clone(),
                    quality: *quality,
                    origin,
                    recorded_at: now,
                    recorded_by,
                };
                if posting.entries.len() == 1 {
                    present = Some(row.clone());
                }
                writes.written.push(row);
            }
        }
    }
    let single = match (posting.entries.as_slice(), present) {
        ([entry], Some(row)) => {
            let period = calendar.period_of(entry.kpi.cadence, entry.at.timestamp());
            Some(Single { row, kpi: entry.kpi.id, period: period.starts_at.into() })
        }
        (_, _) => None,
    };
    Ok((outcomes, single))
}

/// Brings up to date what hangs on the points, and says what every KPI that was named showed before and shows after.
fn follow(
    tx: &mut Tx,
    postings: &[(Arc<Author>, Posting)],
    changed: BTreeMap<KpiId, (Arc<KpiRow>, Vec<Moment>)>,
) -> Result<HashMap<KpiId, HealthOf>, StoreError> {
    let now = tx.now;
    let mut untouched: Vec<KpiId> = postings
        .iter()
        .flat_map(|(_, posting)| &posting.entries)
        .map(|entry| entry.kpi.id)
        .filter(|id| !changed.contains_key(id))
        .collect();
    untouched.sort_unstable();
    untouched.dedup();
    let changed: Vec<(&KpiRow, &[Moment])> =
        changed.values().map(|(kpi, instants)| (kpi.as_ref(), instants.as_slice())).collect();
    let mut health: HashMap<KpiId, HealthOf> = recompute_many(tx, &changed)?
        .into_iter()
        .map(|KpiChange { kpi, before, after }| (kpi, HealthOf { before, after }))
        .collect();
    let mut as_before = shown(tx, &untouched)?;
    for id in untouched {
        let same = as_before.remove(&id).map_or(Health::Unknown, |stage| stage.verdict(now).health);
        health.entry(id).or_insert(HealthOf { before: same, after: same });
    }
    Ok(health)
}

/// The periods that hold single points, as they are now. Two requests may be about the same one.
fn periods_of(
    tx: &mut Tx,
    singles: &[Option<Single>],
) -> Result<HashMap<(KpiId, Moment), PeriodRow>, StoreError> {
    let places = singles.iter().flatten().map(|single| (single.kpi, single.period)).collect();
    let rows = places::periods_at(tx, &places)?;
    Ok(rows.into_iter().map(|row| ((row.kpi_id, row.starts_at), row)).collect())
}

fn tell(tx: &mut Tx, outcomes: &[Outcome], posting: &Posting) {
    let count = |wanted| outcomes.iter().filter(|outcome| **outcome == wanted).count();
    if count(Outcome::Unchanged) == outcomes.len() {
        return;
    }
    let changed: BTreeMap<KpiId, &KpiRow> = posting
        .entries
        .iter()
        .zip(outcomes)
        .filter(|(_, outcome)| **outcome != Outcome::Unchanged)
        .map(|(entry, _)| (entry.kpi.id, entry.kpi.as_ref()))
        .collect();
    // The journal of a call is read by everybody: it names what everybody may see.
    let (named, private): (Vec<&KpiRow>, Vec<&KpiRow>) =
        changed.into_values().partition(|kpi| kpi.visibility == Visibility::Workspace);
    let mut keys: Vec<&str> = named.iter().map(|kpi| kpi.key.as_str()).collect();
    keys.sort_unstable();
    let change = json!({
        "created": count(Outcome::Created),
        "replaced": count(Outcome::Replaced),
        "deleted": count(Outcome::Deleted),
        "kpis": keys,
        "private_kpis": private.len(),
    });
    tx.tell(EventType::PointsRecorded, posting.subject.clone(), change);
}

fn says(point: &PointRow, content: &Content) -> bool {
    match content {
        Content::Nothing => false,
        Content::Said { value, note, quality } => {
            point.value == *value && point.note == *note && point.quality == *quality
        }
    }
}

/// The points that are there already, by KPI, instant and feed.
fn stored<'e>(
    tx: &mut Tx,
    entries: impl Iterator<Item = &'e Entry>,
) -> Result<HashMap<Place, PointRow>, StoreError> {
    let places = entries.map(|entry| (entry.kpi.id, entry.at)).collect();
    let rows = places::points_at(tx, &places)?;
    Ok(rows.into_iter().map(|row| ((row.kpi_id, row.at, row.feed.clone()), row)).collect())
}
