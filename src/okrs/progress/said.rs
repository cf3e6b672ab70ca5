//! What people said last of key results, now or as it was known.

use std::collections::{HashMap, HashSet};

use diesel::prelude::*;

use super::past::Past;
use crate::http::Result;
use crate::okrs::check_ins::CheckInRow;
use crate::okrs::key_results::KeyResultRow;
use crate::store::connection::MultiBackend;
use crate::store::schema::check_ins;
use crate::store::{IDS_PER_STATEMENT, KeyResultId, Moment, Tx};

/// What people said of a key result.
#[derive(Clone, Debug, Default)]
pub struct Said {
    /// The latest check-in.
    pub last: Option<CheckInRow>,
    /// The latest check-in that holds a value.
    pub valued: Option<CheckInRow>,
    /// The check-in that says what stands in the way: the latest that says anything of it, unless it clears it.
    pub blocker: Option<CheckInRow>,
}

/// The latest check-in of each key result, and where those are others, the latest with a value and
/// the latest that says anything of blockers.
pub(super) fn said_of(
    tx: &mut Tx,
    rows: &[&KeyResultRow],
    past: Option<&Past>,
) -> Result<HashMap<KeyResultId, Said>> {
    let ids: Vec<KeyResultId> = rows.iter().map(|row| row.id).collect();
    let mut said: HashMap<KeyResultId, Said> = HashMap::new();
    for last in latest_check_ins(tx, &ids, Saying::Anything, past)? {
        said.insert(last.key_result_id, Said { last: Some(last), valued: None, blocker: None });
    }
    let (mut without_value, mut without_blocker) = (Vec::new(), Vec::new());
    for (id, said) in &mut said {
        match &said.last {
            Some(last) if last.value.is_some() => said.valued = Some(last.clone()),
            Some(_) | None => without_value.push(*id),
        }
        match &said.last {
            Some(last) if last.is_about_blockers() => said.blocker = Some(last.clone()),
            Some(_) | None => without_blocker.push(*id),
        }
    }
    // A key result that read a KPI for a while has check-ins without values after those with some.
    for valued in latest_check_ins(tx, &without_value, Saying::Values, past)? {
        if let Some(said) = said.get_mut(&valued.key_result_id) {
            said.valued = Some(valued);
        }
    }
    for blocker in latest_check_ins(tx, &without_blocker, Saying::Blockers, past)? {
        if let Some(said) = said.get_mut(&blocker.key_result_id) {
            said.blocker = Some(blocker);
        }
    }
    for said in said.values_mut() {
        said.blocker.take_if(|blocker| blocker.clears_blocker);
    }
    Ok(said)
}

/// Which check-ins are looked at.
#[derive(Clone, Copy)]
enum Saying {
    Anything,
    Values,
    Blockers,
}

impl Saying {
    fn holds(self, row: &CheckInRow) -> bool {
        match self {
            Self::Anything => true,
            Self::Values => row.value.is_some(),
            Self::Blockers => row.is_about_blockers(),
        }
    }
}

/// The latest by `at` (then the one made last) among the check-ins of each key result.
fn latest_check_ins(
    tx: &mut Tx,
    ids: &[KeyResultId],
    saying: Saying,
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
        let newest = match saying {
            Saying::Anything => newest,
            Saying::Values => newest.filter(check_ins::value.is_not_null()),
            Saying::Blockers => {
                newest.filter(check_ins::blocker.is_not_null().or(check_ins::clears_blocker.eq(true)))
            }
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
                .order((check_ins::recorded_at, check_ins::id))
                .load(tx.db())?;
            for row in rows {
                let is_known = known_at.is_none_or(|known_at| row.recorded_at <= known_at);
                if saying.holds(&row) && is_known && instants.contains(&(row.key_result_id, row.at)) {
                    latest.insert(row.key_result_id, row);
                }
            }
        }
    }
    Ok(latest.into_values().collect())
}
