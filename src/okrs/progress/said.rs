//! What people said last of key results, now or as it was known.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::IDS_PER_STATEMENT;
use super::past::Past;
use crate::http::Result;
use crate::okrs::check_ins::CheckInRow;
use crate::okrs::key_results::KeyResultRow;
use crate::store::connection::MultiBackend;
use crate::store::schema::check_ins;
use crate::store::{KeyResultId, Moment, Tx};

/// What people said of a key result.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// The latest check-in.
    pub last: Option<CheckInRow>,
    /// The latest check-in that holds a value.
    pub valued: Option<CheckInRow>,
}

/// The latest check-in of each key result, and the latest with a value where that is another one.
pub(super) fn said_of(
    tx: &mut Tx,
    rows: &[&KeyResultRow],
    past: Option<&Past>,
) -> Result<HashMap<KeyResultId, Said>> {
    let ids: Vec<KeyResultId> = rows.iter().map(|row| row.id).collect();
    let mut said: HashMap<KeyResultId, Said> = HashMap::new();
    for last in latest_check_ins(tx, &ids, Values::Any, past)? {
        said.insert(last.key_result_id, Said { last: Some(last), valued: None });
    }
    let mut without_value = Vec::new();
    for (id, said) in &mut said {
        match &said.last {
            Some(last) if last.value.is_some() => said.valued = Some(last.clone()),
            Some(_) | None => without_value.push(*id),
        }
    }
    // A key result that read a KPI for a while has check-ins without values after those with some.
    for valued in latest_check_ins(tx, &without_value, Values::Present, past)? {
        if let Some(said) = said.get_mut(&valued.key_result_id) {
            said.valued = Some(valued);
        }
    }
    Ok(said)
}

#[derive(Clone, Copy)]
enum Values {
    Any,
    Present,
}

/// The latest by `at` (then the one made last) among the check-ins of each key result.
fn latest_check_ins(
    tx: &mut Tx,
    ids: &[KeyResultId],
    values: Values,
    past: Option<&Past>,
) -> Result<Vec<CheckInRow>> {
    // What was dated later had not been said; what was recorded after `known_at` was not known.
    let until = past.and_then(|past| past.until);
    let known_at = past.and_then(|past| past.view.known_at);
    let workspace = tx.workspace_id()?;
    let mut latest: HashMap<KeyResultId, CheckInRow> = HashMap::new();
    for ids in ids.chunks(IDS_PER_STATEMENT) {
        let newest = check_ins::table
            .group_by(check_ins::key_result_id)
            .select((check_ins::key_result_id, diesel::dsl::max(check_ins::at)))
            .filter(check_ins::workspace_id.eq(workspace))
            .filter(check_ins::key_result_id.eq_any(ids.to_vec()))
            .into_boxed::<MultiBackend>();
        let newest = match values {
            Values::Any => newest,
            Values::Present => newest.filter(check_ins::value.is_not_null()),
        };
        let newest = match until {
            None => newest,
            Some(until) => newest.filter(check_ins::at.le(until)),
        };
        let newest = match known_at {
            None => newest,
            Some(known_at) => newest.filter(check_ins::recorded_at.le(known_at)),
        };
        let instants: Vec<(KeyResultId, Option<Moment>)> = newest.load(tx.db())?;
        let instants: HashSet<(KeyResultId, Moment)> =
            instants.into_iter().filter_map(|(id, at)| Some((id, at?))).collect();
        let moments: HashSet<Moment> = instants.iter().map(|(_, at)| *at).collect();
        let moments: Vec<Moment> = moments.into_iter().collect();
        for moments in moments.chunks(IDS_PER_STATEMENT) {
            let rows: Vec<CheckInRow> = check_ins::table
                .filter(check_ins::workspace_id.eq(workspace))
                .filter(check_ins::key_result_id.eq_any(ids.to_vec()))
                .filter(check_ins::at.eq_any(moments.to_vec()))
                .order(check_ins::id)
                .load(tx.db())?;
            for row in rows {
                let counts = match values {
                    Values::Any => true,
                    Values::Present => row.value.is_some(),
                };
                let is_known = known_at.is_none_or(|known_at| row.recorded_at <= known_at);
                if counts && is_known && instants.contains(&(row.key_result_id, row.at)) {
                    latest.insert(row.key_result_id, row);
                }
            }
        }
    }
    Ok(latest.into_values().collect())
}
