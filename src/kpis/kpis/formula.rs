//! The formula of a computed KPI: read, found, checked and shown.
//!
//! A body names inputs by key or id; stored are their ids, so that a changed key changes nothing. What is shown has
//! the present keys. An input that not everybody who sees the result may see stays linked and does not count.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::wire::KpiRef;
use crate::access::{Resource, Scoped};
use crate::http::text::{PeriodName, Sentence, texts};
use crate::http::{Code, FieldErrors, Problem, Result};
use crate::kpis::derive::{Formula, Unvalued, View, unvalued};
use crate::kpis::periods::period_name;
use crate::kpis::row::KpiRow;
use crate::maths::formula::{self, MOST_INPUTS, Mention, NoValue, Read};
use crate::maths::links::Links;
use crate::maths::word::words;
use crate::maths::{Cadence, Calendar, Period};
use crate::store::schema::{kpi_inputs, points};
use crate::store::{Day, KpiId, StoreError, Tx};

texts! {
    /// A formula over other KPIs, such as `100 * (revenue - cost) / revenue`.
    ///
    /// Numbers, KPIs by key or id, `+ - * /`, parentheses, `min(a, b, …)`, `max(a, b, …)`, and `prev(x)` for `x` one
    /// period before. A key may hold `-`, so a minus between two KPIs wants spaces around it: `revenue - cost`. Up to
    /// 1,000 characters, every mention of a KPI counted as 30; up to 8 KPIs, all of the formula's own cadence;
    /// parentheses, functions and signs nested up to 16 deep.
    #[schema(min_length = 1, max_length = 1000, pattern = r"^[^\x00]*$", example = "spend / new-customers")]
    FormulaText;
}

words! {
    /// Why a computed KPI has no value in a period.
    pub enum NoValueReason {
        /// An input has no value in it, or in an earlier period that `prev` asks for.
        MissingInput = "missing_input",
        /// An input has points that amount to no finite number.
        UndefinedInput = "undefined_input",
        /// Something would have to be divided by 0.
        DivisionByZero = "division_by_zero",
        /// A step grows beyond what a 64-bit float holds.
        Overflow = "overflow",
        /// Not everybody who sees the KPI may see all its inputs.
        PrivateInput = "private_input",
    }
}
crate::http::words::impl_wire_words!(NoValueReason);

/// What a KPI is computed from.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct KpiFormula {
    /// The formula with the present keys of its inputs; `[private]` stands for one that is private to others.
    #[schema(value_type = String, max_length = 4000, pattern = r"\S", example = "spend / new-customers")]
    pub text: String,
    /// The inputs that the caller may see, in the order of the text, each once.
    #[schema(max_items = 8)]
    pub inputs: Vec<KpiRef>,
    /// How many inputs are private to others.
    #[schema(minimum = 0, maximum = 8)]
    pub private_inputs: usize,
    /// Why the period that runs now has no value; null where it has one.
    pub no_value: Option<FormulaNoValue>,
}

/// Why a period of a computed KPI has no value.
#[derive(Clone, Debug, Serialize, ToSchema)]
pub struct FormulaNoValue {
    /// The name of the period.
    #[schema(value_type = PeriodName)]
    pub period: String,
    /// The first day of the period.
    pub starts_on: Day,
    /// The reason.
    pub reason: NoValueReason,
    /// The inputs that are to blame, each once; none where all of them have values.
    #[schema(max_items = 8)]
    pub inputs: Vec<KpiRef>,
    /// The same as a sentence.
    #[schema(value_type = Sentence)]
    pub detail: String,
}

/// How many characters a mention of a KPI counts: as many as its id has, under which it is stored.
const MENTION: &str = "kpi_00000000000000000000000000";
/// How long a formula may be that way.
const LONGEST: usize = 1_000;
/// How many formulas may stand on one another.
const LEVELS: usize = 5;
/// How many formulas may read one KPI.
const MOST_READERS: usize = 50;

/// Judges what can be judged without the workspace.
pub fn judge(text: &FormulaText, cadence: Cadence, errors: &mut FieldErrors) {
    const FORMULA: &str = "/formula";
    let expression = match formula::read(text.as_str()) {
        Ok(expression) => expression,
        Err(fault) => return errors.add(FORMULA, fault.kind.code(), fault.to_string()),
    };
    let mut names: Vec<String> = Vec::new();
    let counted =
        expression.renamed(&mut |mention: Mention| -> std::result::Result<_, std::convert::Infallible> {
            if !names.contains(&mention.name) {
                names.push(mention.name);
            }
            Ok(MENTION)
        });
    let length = counted.map_or(0, |counted| counted.to_string().len());
    if length > LONGEST {
        let detail =
            format!("with {} characters for each KPI it has {length}; {LONGEST} are the most", MENTION.len());
        errors.add(FORMULA, "too_long", detail);
    }
    if names.is_empty() {
        errors.add(FORMULA, "no_inputs", "it names no KPI to be computed from");
    }
    if names.len() > MOST_INPUTS {
        let detail = format!("it names {} KPIs; {MOST_INPUTS} are the most", names.len());
        errors.add(FORMULA, "too_many_inputs", detail);
    }
    if cadence == Cadence::Irregular {
        errors.add(FORMULA, "not_applicable", "an irregular KPI has no periods that could be computed");
    }
}

/// The formula with the KPIs that its text names; what it reads already may have become private since.
pub fn resolve(
    tx: &mut Scoped,
    text: &FormulaText,
    cadence: Cadence,
    present: Option<&Formula>,
) -> Result<Formula> {
    let read = formula::read(text.as_str())
        .map_err(|fault| Problem::field("/formula", fault.kind.code(), fault.to_string()))?;
    let kept = present.map(Formula::inputs).unwrap_or_default();
    let mut known: HashMap<String, Option<KpiId>> = HashMap::new();
    let mut unknown: Vec<Mention> = Vec::new();
    let found = read.renamed(&mut |mention: Mention| -> Result<KpiId> {
        let id = match known.get(&mention.name) {
            Some(known) => *known,
            None => {
                let id = match mention.name.parse::<KpiId>() {
                    Ok(id) if kept.contains(&id) => Some(id),
                    Ok(_) | Err(_) => seen(tx, &mention.name)?.map(|row| row.id),
                };
                known.insert(mention.name.clone(), id);
                id
            }
        };
        if id.is_none() {
            unknown.push(mention);
        }
        // What is unknown is refused below, all of it at once.
        Ok(id.unwrap_or(KpiId::from_uuid(uuid::Uuid::nil())))
    })?;
    if !unknown.is_empty() {
        let refusal =
            unknown.into_iter().fold(Problem::not_found(), |refusal, Mention { name, position }| {
                let detail =
                    format!("`{name}` at character {position} does not exist, or it is not yours to know");
                refusal.with("/formula", "not_found", detail)
            });
        return Err(refusal);
    }
    must_share_cadence(tx, &found, cadence)?;
    Ok(found)
}

/// The KPI that a formula names; the id of another kind of thing names none.
fn seen(tx: &mut Scoped, name: &str) -> Result<Option<KpiRow>> {
    match KpiRow::seen(tx, name) {
        Err(problem) if problem.code == Code::InvalidId => Ok(None),
        found => found,
    }
}

/// Refuses a cadence that is not that of the inputs.
fn must_share_cadence(tx: &mut Tx, formula: &Formula, cadence: Cadence) -> Result<()> {
    let rows = KpiRow::by_ids(tx, &formula.inputs())?;
    match rows.values().find(|row| row.cadence != cadence) {
        None => Ok(()),
        Some(row) => {
            let detail = format!("its inputs are measured {}, and this KPI {cadence}", row.cadence);
            Err(Problem::field("/formula", "other_cadence", detail))
        }
    }
}

/// Refuses a formula that a KPI cannot have as things stand: one that would read itself, stand on too many others,
/// or be one too many for an input; and any while the KPI has points of its own.
pub fn must_fit(tx: &mut Scoped, kpi: &KpiRow, formula: &Formula) -> Result<()> {
    let workspace = tx.here()?;
    let links: Vec<(KpiId, KpiId)> = kpi_inputs::table
        .filter(kpi_inputs::workspace_id.eq(workspace))
        .filter(kpi_inputs::kpi_id.ne(kpi.id))
        .select((kpi_inputs::kpi_id, kpi_inputs::input_id))
        .load(tx.db())?;
    let inputs = formula.inputs();
    let down = Links::new(links.iter().copied());
    if let Some(way) = inputs.iter().find_map(|input| down.way(*input, kpi.id)) {
        let line: Vec<KpiId> = std::iter::once(kpi.id).chain(way).collect();
        let detail = format!("the formulas would form a loop: {}", named(tx, &line, " reads ")?);
        let refusal = Problem::new(Code::FormulaLoop, detail);
        return Err(refusal.with("/formula", "formula_loop", "what it reads is computed from this very KPI"));
    }
    let up = Links::new(links.iter().map(|(reader, input)| (*input, *reader)));
    // One input reads nothing: the number of formulas in a line is that of its links.
    let below = inputs.iter().filter_map(|input| down.longest_line(*input)).max().unwrap_or_default();
    let levels = below + 1 + up.longest_line(kpi.id).unwrap_or_default();
    if levels > LEVELS {
        let detail = format!("{levels} formulas would stand on one another; {LEVELS} are the most");
        return Err(Problem::new(Code::LimitReached, detail.clone()).with(
            "/formula",
            "too_many_levels",
            detail,
        ));
    }
    if inputs.iter().any(|input| up.from(*input).count() >= MOST_READERS) {
        let detail = format!("an input is read by {MOST_READERS} formulas already");
        return Err(Problem::new(Code::LimitReached, detail.clone()).with(
            "/formula",
            "too_many_readers",
            detail,
        ));
    }
    let has_points: Option<KpiId> = points::table
        .filter(points::workspace_id.eq(workspace))
        .filter(points::kpi_id.eq(kpi.id))
        .select(points::kpi_id)
        .first(tx.db())
        .optional()?;
    match has_points {
        None => Ok(()),
        Some(_) => {
            let detail = "it has points of its own: delete them, or make another KPI for the formula";
            Err(Problem::new(Code::KpiHasPoints, detail).with("/formula", "kpi_has_points", detail))
        }
    }
}

/// A line of KPIs by their keys, as far as the caller may know them.
pub fn named(tx: &mut Scoped, line: &[KpiId], link: &str) -> Result<String> {
    let rows = KpiRow::by_ids(tx, line)?;
    let name = |id: &KpiId| match rows.get(id).filter(|row| tx.sees(&row.facts())) {
        Some(row) => row.key.clone(),
        None => PRIVATE.to_owned(),
    };
    Ok(line.iter().map(name).collect::<Vec<_>>().join(link))
}

/// What stands for a KPI that is private to others; no formula can hold it.
const PRIVATE: &str = "[private]";

/// Refuses another cadence while formulas read the KPI.
pub fn may_change_cadence(tx: &mut Tx, kpi: KpiId) -> Result<()> {
    let workspace = tx.workspace_id()?;
    let readers: i64 = kpi_inputs::table
        .filter(kpi_inputs::workspace_id.eq(workspace))
        .filter(kpi_inputs::input_id.eq(kpi))
        .count()
        .get_result(tx.db())?;
    if readers == 0 {
        return Ok(());
    }
    let whom = if readers == 1 { "a formula reads it".into() } else { format!("{readers} formulas read it") };
    Err(Problem::new(Code::KpiIsAnInput, format!("{whom}, period by period")).with(
        "/cadence",
        "kpi_is_an_input",
        "change the formulas first, or make another KPI with this cadence",
    ))
}

/// Refuses points of a computed KPI.
pub fn refuse_computed(kpi: &KpiRow) -> Result<()> {
    match kpi.formula {
        None => Ok(()),
        Some(_) => {
            Err(Problem::new(Code::KpiIsComputed, "its values come from its formula: post to its inputs"))
        }
    }
}

/// Stores which KPIs a formula reads.
pub fn rewrite(tx: &mut Tx, kpi: &KpiRow) -> Result<(), StoreError> {
    let own = kpi_inputs::table
        .filter(kpi_inputs::workspace_id.eq(kpi.workspace_id))
        .filter(kpi_inputs::kpi_id.eq(kpi.id));
    diesel::delete(own).execute(tx.db())?;
    for input in kpi.computed_from().iter().flat_map(Formula::inputs) {
        diesel::insert_into(kpi_inputs::table)
            .values((
                kpi_inputs::workspace_id.eq(kpi.workspace_id),
                kpi_inputs::kpi_id.eq(kpi.id),
                kpi_inputs::input_id.eq(input),
            ))
            .execute(tx.db())?;
    }
    Ok(())
}

/// The formulas of some KPIs as the API shows them, in few statements.
pub fn show(tx: &mut Scoped, kpis: &[&KpiRow], view: Option<&View>) -> Result<HashMap<KpiId, KpiFormula>> {
    let computed: Vec<(&KpiRow, Formula)> =
        kpis.iter().filter_map(|row| Some((*row, row.computed_from()?))).collect();
    if computed.is_empty() {
        return Ok(HashMap::new());
    }
    let calendar = tx.workspace()?.calendar();
    let mut unvalued = unvalued(tx, kpis, view)?;
    let ids: Vec<KpiId> = computed.iter().flat_map(|(_, formula)| formula.inputs()).collect();
    let mut seen = KpiRow::by_ids(tx, &ids)?;
    seen.retain(|_, row| tx.sees(&row.facts()));
    Ok(computed
        .into_iter()
        .map(|(row, formula)| {
            let inputs = formula.inputs();
            let shown: Vec<KpiRef> = inputs.iter().filter_map(|id| seen.get(id)).map(KpiRef::from).collect();
            let why = unvalued.remove(&row.id);
            let shown = KpiFormula {
                text: text(formula, &seen),
                private_inputs: inputs.len() - shown.len(),
                inputs: shown,
                no_value: why.map(|(period, why)| explain(&calendar, row.cadence, &period, why, &seen)),
            };
            (row.id, shown)
        })
        .collect())
}

/// The text of a formula with the present keys.
fn text(formula: Formula, seen: &HashMap<KpiId, KpiRow>) -> String {
    let key = |id: KpiId| seen.get(&id).map_or(PRIVATE, |row| row.key.as_str());
    let named =
        formula.renamed(&mut |id| -> std::result::Result<&str, std::convert::Infallible> { Ok(key(id)) });
    named.map_or_else(|never| match never {}, |named| named.to_string())
}

/// Why a period has no value, for people and programs.
pub fn explain(
    calendar: &Calendar,
    cadence: Cadence,
    period: &Period,
    why: Unvalued,
    seen: &HashMap<KpiId, KpiRow>,
) -> FormulaNoValue {
    let before = |read: &Read<KpiId>| {
        let back = |period: &Period| calendar.previous(cadence, period);
        std::iter::successors(Some(*period), back).nth(read.periods_before as usize)
    };
    let listed = |reads: &[Read<KpiId>], what: &str| {
        let of = |read: &Read<KpiId>| {
            let key = seen.get(&read.input).map_or(PRIVATE, |row| row.key.as_str());
            let period = before(read).map(|period| period_name(cadence, period.starts_on));
            format!("{key} {what} in {}", period.unwrap_or_else(|| "an earlier period".into()))
        };
        format!("{}.", reads.iter().map(of).collect::<Vec<_>>().join("; "))
    };
    let to_blame = |reads: &[Read<KpiId>]| {
        let mut refs: Vec<KpiRef> =
            reads.iter().filter_map(|read| seen.get(&read.input)).map(KpiRef::from).collect();
        // Reads of one input stand together, or apart where another lies between: each input stands once.
        let mut known = HashSet::new();
        refs.retain(|one| known.insert(one.id));
        refs
    };
    let (reason, inputs, detail) = match &why {
        Unvalued::Private => (
            NoValueReason::PrivateInput,
            Vec::new(),
            "An input is not seen by everybody who sees this KPI, and does not count.".to_owned(),
        ),
        Unvalued::Uncomputed(NoValue::Missing(reads)) => {
            (NoValueReason::MissingInput, to_blame(reads), listed(reads, "has no value"))
        }
        Unvalued::Uncomputed(NoValue::Undefined(reads)) => {
            (NoValueReason::UndefinedInput, to_blame(reads), listed(reads, "amounts to no finite number"))
        }
        Unvalued::Uncomputed(NoValue::DivisionByZero) => {
            (NoValueReason::DivisionByZero, Vec::new(), "Something would have to be divided by 0.".to_owned())
        }
        Unvalued::Uncomputed(NoValue::Overflow) => {
            (NoValueReason::Overflow, Vec::new(), "A step grows beyond all numbers.".to_owned())
        }
    };
    FormulaNoValue {
        period: period_name(cadence, period.starts_on),
        starts_on: period.starts_on.into(),
        reason,
        inputs,
        detail,
    }
}
