//! Computed KPIs: their periods come from what a formula reads, not from points.
//!
//! A period has an entry where an input has a point and none that is read is missing; without a value, as any
//! period that amounts to no finite number, where something would be divided by 0 or grows beyond all floats.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use diesel::prelude::*;

use super::fold::FoldedPeriod;
use super::history::{self, View, standpoint};
use crate::access::Resource;
use crate::kpis::row::KpiRow;
use crate::maths::formula::{Expression, NoValue, Read, Reading, evaluate};
use crate::maths::{Cadence, Calendar, Folded, Period, PeriodValue};
use crate::store::schema::kpi_inputs;
use crate::store::{IDS_PER_STATEMENT, KpiId, Moment, StoreError, Tx};

/// A formula with the inputs that it reads.
pub type Formula = Expression<KpiId>;

/// The periods of some KPIs, in order of time.
pub type Periods = HashMap<KpiId, Vec<FoldedPeriod>>;

/// Why a computed KPI has no value in a period.
#[derive(Clone, Debug, PartialEq)]
pub enum Unvalued {
    /// Not everybody who sees it sees all that it is computed from.
    Private,
    /// Its inputs do not come to one.
    Uncomputed(NoValue<KpiId>),
}

/// Whether all who see a computed KPI see all its inputs: only then do these count in it.
pub fn inputs_count(kpi: &KpiRow, formula: &Formula, rows: &HashMap<KpiId, KpiRow>) -> bool {
    let viewers = kpi.facts().viewers;
    let counts = |input: KpiId| rows.get(&input).is_some_and(|row| viewers.all_see(&row.facts().viewers));
    formula.inputs().into_iter().all(counts)
}

/// The periods that a formula comes to, in order of time.
pub fn compute(
    calendar: &Calendar,
    cadence: Cadence,
    formula: &Formula,
    periods: &Periods,
) -> Vec<FoldedPeriod> {
    let numbered = numbered(calendar, cadence, formula, periods);
    let reads = formula.reads();
    let candidates: BTreeMap<i64, Period> = numbered
        .values()
        .flat_map(|periods| periods.iter().map(|(number, folded)| (*number, folded.value.period)))
        .collect();
    candidates
        .into_iter()
        .filter_map(|(number, period)| {
            let folded = match evaluate(formula, &|read| reading(&numbered, number, read)) {
                Ok(value) => Folded::Value(value),
                Err(NoValue::Missing(_)) => return None,
                Err(NoValue::Undefined(_) | NoValue::DivisionByZero | NoValue::Overflow) => Folded::Overflow,
            };
            let read = reads.iter().filter_map(|read| at(&numbered, number, *read));
            Some(FoldedPeriod {
                value: PeriodValue { period, count: u32::try_from(reads.len()).unwrap_or(u32::MAX), folded },
                newest_at: read.map(|folded| folded.newest_at).max()?,
            })
        })
        .collect()
}

/// What a formula comes to in one period, whether or not any input has a point in it.
pub fn in_period(
    calendar: &Calendar,
    cadence: Cadence,
    formula: &Formula,
    periods: &Periods,
    period: &Period,
) -> Result<f64, NoValue<KpiId>> {
    let numbered = numbered(calendar, cadence, formula, periods);
    let number = calendar.ordinal(cadence, period.starts_on);
    evaluate(formula, &|read| reading(&numbered, number, read))
}

/// The periods of inputs by their calendar numbers.
type Numbered<'a> = HashMap<KpiId, BTreeMap<i64, &'a FoldedPeriod>>;

fn numbered<'a>(
    calendar: &Calendar,
    cadence: Cadence,
    formula: &Formula,
    periods: &'a Periods,
) -> Numbered<'a> {
    let number = |folded: &FoldedPeriod| calendar.ordinal(cadence, folded.value.period.starts_on);
    let of = |input: KpiId| periods.get(&input).into_iter().flatten();
    formula
        .inputs()
        .into_iter()
        .map(|input| (input, of(input).map(|folded| (number(folded), folded)).collect()))
        .collect()
}

fn at<'a>(numbered: &Numbered<'a>, number: i64, read: Read<KpiId>) -> Option<&'a FoldedPeriod> {
    numbered.get(&read.input)?.get(&(number - i64::from(read.periods_before))).copied()
}

fn reading(numbered: &Numbered, number: i64, read: Read<KpiId>) -> Reading {
    match at(numbered, number, read).map(|folded| folded.value.folded) {
        None | Some(Folded::Empty) => Reading::Missing,
        Some(Folded::Overflow) => Reading::Undefined,
        Some(Folded::Value(value)) => Reading::Value(value),
    }
}

/// Some KPIs with all that they are computed from, however far down.
pub fn with_inputs(tx: &mut Tx, kpis: &[KpiRow]) -> Result<HashMap<KpiId, KpiRow>, StoreError> {
    let mut rows: HashMap<KpiId, KpiRow> = kpis.iter().map(|row| (row.id, row.clone())).collect();
    let mut unread: Vec<KpiId> = kpis.iter().map(|row| row.id).collect();
    while !unread.is_empty() {
        let formulas = unread.iter().filter_map(|id| rows.get(id)?.computed_from());
        let inputs: BTreeSet<KpiId> = formulas.flat_map(|formula| formula.inputs()).collect();
        unread = inputs.into_iter().filter(|id| !rows.contains_key(id)).collect();
        rows.extend(KpiRow::by_ids(tx, &unread)?);
    }
    Ok(rows)
}

/// The periods of KPIs whose points have been folded; what is computed is computed from them, each once.
pub fn complete(calendar: &Calendar, rows: &HashMap<KpiId, KpiRow>, folded: Periods) -> Periods {
    let mut periods = folded;
    let mut waiting: Vec<(&KpiRow, Formula)> =
        rows.values().filter_map(|row| Some((row, row.computed_from()?))).collect();
    // Formulas form no loops: each round computes all whose inputs are there, and so at least one.
    while !waiting.is_empty() {
        let still: HashSet<KpiId> = waiting.iter().map(|(row, _)| row.id).collect();
        let (blocked, ready): (Vec<_>, Vec<_>) = waiting
            .into_iter()
            .partition(|(_, formula)| formula.inputs().iter().any(|input| still.contains(input)));
        if ready.is_empty() {
            break;
        }
        for (row, formula) in ready {
            let own = match inputs_count(row, &formula, rows) {
                true => compute(calendar, row.cadence, &formula, &periods),
                false => Vec::new(),
            };
            periods.insert(row.id, own);
        }
        waiting = blocked;
    }
    periods
}

/// The computed KPIs that follow from some KPIs, in rounds: each after all that it is computed from. Those of the
/// KPIs that are computed themselves are among them.
pub fn rounds(tx: &mut Tx, changed: &[(KpiId, IsComputed)]) -> Result<Vec<Vec<KpiId>>, StoreError> {
    let workspace = tx.workspace_id()?;
    let mut rounds: BTreeMap<KpiId, usize> =
        changed.iter().filter(|(_, computed)| *computed == IsComputed::Yes).map(|(id, _)| (*id, 0)).collect();
    let mut frontier: Vec<KpiId> = changed.iter().map(|(id, _)| *id).collect();
    let mut round = 0;
    while !frontier.is_empty() {
        let mut next = BTreeSet::new();
        for ids in frontier.chunks(IDS_PER_STATEMENT) {
            let readers: Vec<KpiId> = kpi_inputs::table
                .filter(kpi_inputs::workspace_id.eq(workspace))
                .filter(kpi_inputs::input_id.eq_any(ids))
                .select(kpi_inputs::kpi_id)
                .load(tx.db())?;
            next.extend(readers);
        }
        round += 1;
        // Whoever is reached later again waits for that.
        rounds.extend(next.iter().map(|id| (*id, round)));
        frontier = next.into_iter().collect();
    }
    let mut in_order: BTreeMap<usize, Vec<KpiId>> = BTreeMap::new();
    for (id, round) in rounds {
        in_order.entry(round).or_default().push(id);
    }
    Ok(in_order.into_values().collect())
}

/// Whether a KPI has a formula.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IsComputed {
    /// It has.
    Yes,
    /// It has points of its own.
    No,
}

impl IsComputed {
    /// Of a KPI.
    pub fn of(kpi: &KpiRow) -> Self {
        if kpi.formula.is_some() { Self::Yes } else { Self::No }
    }
}

/// Why computed KPIs have no value in the period that runs, each with that period. Those that have one are missing.
pub fn unvalued(
    tx: &mut Tx,
    kpis: &[&KpiRow],
    view: Option<&View>,
) -> Result<HashMap<KpiId, (Period, Unvalued)>, StoreError> {
    let computed: Vec<(&KpiRow, Formula)> =
        kpis.iter().filter_map(|row| Some((*row, row.computed_from()?))).collect();
    if computed.is_empty() {
        return Ok(HashMap::new());
    }
    let calendar = tx.workspace()?.calendar();
    let (now, _) = standpoint(&calendar, view.and_then(|view| view.as_of), tx.now);
    let ids: BTreeSet<KpiId> = computed.iter().flat_map(|(_, formula)| formula.inputs()).collect();
    let rows = KpiRow::by_ids(tx, &ids.into_iter().collect::<Vec<_>>())?;
    let inputs: Vec<KpiRow> = rows.values().cloned().collect();
    let present = |row: &KpiRow| calendar.period_of(row.cadence, now.timestamp());
    let earliest = computed.iter().map(|(row, formula)| {
        let before = formula.reads().iter().map(|read| read.periods_before).max().unwrap_or_default();
        let back = |period: &Period| calendar.previous(row.cadence, period);
        let first = std::iter::successors(Some(present(row)), back).take(before as usize + 1).last();
        first.unwrap_or(present(row)).starts_at
    });
    let since = earliest.min().map_or(now, Moment::from);
    let periods = history::seen(tx, &calendar, &inputs, view, since)?;
    Ok(computed
        .into_iter()
        .filter_map(|(row, formula)| {
            let period = present(row);
            let why = match inputs_count(row, &formula, &rows) {
                false => Unvalued::Private,
                true => Unvalued::Uncomputed(
                    in_period(&calendar, row.cadence, &formula, &periods, &period).err()?,
                ),
            };
            Some((row.id, (period, why)))
        })
        .collect())
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Weekday, date};
    use jiff::tz::TimeZone;

    use super::*;
    use crate::maths::formula;

    fn utc() -> Calendar {
        Calendar { zone: TimeZone::UTC, week_starts_on: Weekday::Monday }
    }

    fn id(number: u128) -> KpiId {
        KpiId::from_uuid(uuid::Uuid::from_u128(number))
    }

    /// `a` is the first KPI, `b` the second.
    fn formula_of(text: &str) -> Formula {
        let named = formula::read(text).expect(text);
        let of = |name: &str| if name == "a" { id(1) } else { id(2) };
        named.renamed(&mut |mention| -> Result<KpiId, ()> { Ok(of(&mention.name)) }).expect("named")
    }

    /// Months of 2026 with what their points amount to, each with a newest point on this day.
    fn months(of: &[(i8, Folded, i8)]) -> Vec<FoldedPeriod> {
        let month = |(month, folded, day): &(i8, Folded, i8)| FoldedPeriod {
            value: PeriodValue {
                period: utc().period_of_day(Cadence::Monthly, date(2026, *month, 1)),
                count: 1,
                folded: *folded,
            },
            newest_at: utc().start_of_day(date(2026, *month, *day)).into(),
        };
        of.iter().map(month).collect()
    }

    /// What comes out: the month, the value, and the day of the newest point that was read.
    fn computed(text: &str, periods: &Periods) -> Vec<(i8, Option<f64>, i8)> {
        let day = |at: Moment| utc().day_of(at.timestamp()).day();
        compute(&utc(), Cadence::Monthly, &formula_of(text), periods)
            .iter()
            .map(|one| (one.value.period.starts_on.month(), one.value.folded.value(), day(one.newest_at)))
            .collect()
    }

    /// ```text
    ///        january  february  march     april    june
    /// a      8        6         overflow  5        3
    /// b      2        0         1                  1
    /// a / b  4        by 0      no number missing  3
    /// ```
    #[test]
    fn months_are_aligned() {
        use Folded::{Overflow, Value};
        let a = [
            (1, Value(8.0), 5),
            (2, Value(6.0), 6),
            (3, Overflow, 7),
            (4, Value(5.0), 8),
            (6, Value(3.0), 9),
        ];
        let b = [(1, Value(2.0), 20), (2, Value(0.0), 1), (3, Value(1.0), 1), (6, Value(1.0), 1)];
        let periods: Periods = HashMap::from([(id(1), months(&a)), (id(2), months(&b))]);
        assert_eq!(
            computed("a / b", &periods),
            [(1, Some(4.0), 20), (2, None, 6), (3, None, 7), (6, Some(3.0), 9)]
        );
        // In April and July it would be there to be read, but no input has a point of these months.
        assert_eq!(computed("prev(b)", &periods), [(2, Some(2.0), 20), (3, Some(0.0), 1)]);
        assert_eq!(computed("a - prev(a)", &periods), [(2, Some(-2.0), 6), (3, None, 7), (4, None, 8)]);
        assert_eq!(computed("a + b", &HashMap::new()), []);
    }
}
