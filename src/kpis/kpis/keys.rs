//! The names that a KPI goes by: its key, the keys that it had, and its names in other systems.
//!
//! All of them are one space within a workspace, so that a name in a path or in a row of an import
//! never means two KPIs.

use std::collections::{BTreeSet, HashMap};

use diesel::prelude::*;

use crate::http::text::folded;
use crate::http::{Code, Problem, Result};
use crate::kpis::row::{AliasKind, KpiRow};
use crate::store::schema::{kpi_aliases, kpis};
use crate::store::{KpiId, Moment, StoreError, Tx};

/// Characters of a key at the most.
const LONGEST_KEY: usize = 64;

/// Characters that a number at the end of a key may take.
const ROOM_FOR_A_NUMBER: usize = 6;

/// Whether a text has the form of a key: `[a-z0-9]` with single `-`, `_` or `.` between.
pub fn is_key(text: &str) -> bool {
    let is_letter = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.len() <= LONGEST_KEY
        && text.split(['-', '_', '.']).all(|part| !part.is_empty() && part.bytes().all(is_letter))
}

/// The key that a name suggests: its letters and digits in lower case, with `-` between the words.
pub fn suggested(name: &str) -> String {
    let mut key = String::new();
    for letter in folded(name).chars() {
        match plain(letter) {
            Some(plain) => key.push_str(plain),
            None if letter.is_ascii_alphanumeric() => key.push(letter),
            None if key.ends_with('-') || key.is_empty() => {}
            None => key.push('-'),
        }
    }
    let key = shortened(&key, LONGEST_KEY);
    if key.is_empty() { "kpi".to_owned() } else { key.to_owned() }
}

/// The letters that stand for one with a mark, so that names in Latin script stay readable.
fn plain(letter: char) -> Option<&'static str> {
    Some(match letter {
        'à' | 'á' | 'â' | 'ã' | 'å' | 'ā' | 'ą' => "a",
        'ä' | 'æ' => "ae",
        'ç' | 'ć' | 'č' => "c",
        'ď' | 'đ' => "d",
        'è' | 'é' | 'ê' | 'ë' | 'ē' | 'ę' | 'ě' => "e",
        'ì' | 'í' | 'î' | 'ï' | 'ī' => "i",
        'ł' => "l",
        'ñ' | 'ń' | 'ň' => "n",
        'ò' | 'ó' | 'ô' | 'õ' | 'ø' | 'ō' => "o",
        'ö' | 'œ' => "oe",
        'ř' => "r",
        'ś' | 'š' => "s",
        'ß' => "ss",
        'ť' => "t",
        'ù' | 'ú' | 'û' | 'ů' | 'ū' => "u",
        'ü' => "ue",
        'ý' | 'ÿ' => "y",
        'ź' | 'ż' | 'ž' => "z",
        _ => return None,
    })
}

/// The beginning of a key, which is a key itself; keys are ASCII.
fn shortened(key: &str, length: usize) -> &str {
    key.get(..length.min(key.len())).unwrap_or(key).trim_end_matches(['-', '_', '.'])
}

/// The first of `key`, `key-2`, `key-3` … that no KPI of the workspace goes by.
pub fn unused(tx: &mut Tx, key: String) -> Result<String> {
    let stem = shortened(&key, LONGEST_KEY - ROOM_FOR_A_NUMBER).to_owned();
    let workspace = tx.workspace_id()?;
    let pattern = format!("{stem}%");
    let mut used: BTreeSet<String> = kpis::table
        .filter(kpis::workspace_id.eq(workspace))
        .filter(kpis::key.like(pattern.clone()))
        .select(kpis::key)
        .load(tx.db())?
        .into_iter()
        .collect();
    let aliases: Vec<String> = kpi_aliases::table
        .filter(kpi_aliases::workspace_id.eq(workspace))
        .filter(kpi_aliases::alias.like(pattern))
        .select(kpi_aliases::alias)
        .load(tx.db())?;
    used.extend(aliases);
    if !used.contains(&key) {
        return Ok(key);
    }
    (2..)
        .map(|number: u32| format!("{stem}-{number}"))
        .take(used.len() + 1)
        .find(|key| !used.contains(key))
        .ok_or_else(|| Problem::new(Code::LimitReached, "no key is free"))
}

/// A name that a KPI is to have, and where the body says so.
pub struct Wanted<'a> {
    /// The field.
    pub pointer: String,
    /// The name.
    pub name: &'a str,
}

/// Refuses names that another KPI goes by: 409, with all of the fields.
pub fn require_free(tx: &mut Tx, own: Option<KpiId>, wanted: &[Wanted]) -> Result<()> {
    let workspace = tx.workspace_id()?;
    let names: Vec<&str> = wanted.iter().map(|wanted| wanted.name).collect();
    let mut holders: HashMap<String, (KpiId, String)> = kpi_aliases::table
        .inner_join(kpis::table.on(kpis::id.eq(kpi_aliases::kpi_id)))
        .filter(kpi_aliases::workspace_id.eq(workspace))
        .filter(kpi_aliases::alias.eq_any(names.clone()))
        .select((kpi_aliases::alias, (kpis::id, kpis::name)))
        .load(tx.db())?
        .into_iter()
        .collect();
    let keys: Vec<(String, (KpiId, String))> = kpis::table
        .filter(kpis::workspace_id.eq(workspace))
        .filter(kpis::key.eq_any(names))
        .select((kpis::key, (kpis::id, kpis::name)))
        .load(tx.db())?;
    holders.extend(keys);
    let mut refusal: Option<Problem> = None;
    for Wanted { pointer, name } in wanted {
        if let Some((holder, known_as)) = holders.get(*name)
            && Some(*holder) != own
        {
            let detail = format!("the KPI \"{known_as}\" goes by `{name}` already");
            let problem = refusal.unwrap_or_else(|| Problem::new(Code::AlreadyExists, detail.clone()));
            refusal = Some(problem.with(pointer.clone(), "already_exists", detail));
        }
    }
    refusal.map_or(Ok(()), Err)
}

/// The names in other systems of some KPIs, in order.
pub fn aliases(tx: &mut Tx, ids: &[KpiId]) -> Result<HashMap<KpiId, Vec<String>>, StoreError> {
    let workspace = tx.workspace_id()?;
    let rows: Vec<(KpiId, String)> = kpi_aliases::table
        .filter(kpi_aliases::workspace_id.eq(workspace))
        .filter(kpi_aliases::kpi_id.eq_any(ids))
        .filter(kpi_aliases::kind.eq(AliasKind::Alias))
        .order(kpi_aliases::alias)
        .select((kpi_aliases::kpi_id, kpi_aliases::alias))
        .load(tx.db())?;
    let mut found: HashMap<KpiId, Vec<String>> = HashMap::new();
    for (id, alias) in rows {
        found.entry(id).or_default().push(alias);
    }
    Ok(found)
}

/// Writes the other names of a KPI anew: those in other systems as wanted, and the keys that it had.
pub fn rewrite(
    tx: &mut Tx,
    kpi: &KpiRow,
    former_key: Option<&str>,
    wanted: &BTreeSet<&str>,
) -> Result<(), StoreError> {
    let own = || {
        kpi_aliases::table
            .filter(kpi_aliases::workspace_id.eq(kpi.workspace_id))
            .filter(kpi_aliases::kpi_id.eq(kpi.id))
    };
    let present: Vec<(String, AliasKind, Moment)> =
        own().select((kpi_aliases::alias, kpi_aliases::kind, kpi_aliases::created_at)).load(tx.db())?;
    let mut names: HashMap<&str, AliasKind> = present
        .iter()
        .filter(|(_, kind, _)| *kind == AliasKind::FormerKey)
        .map(|(name, _, _)| name.as_str())
        .chain(former_key)
        .filter(|name| *name != kpi.key)
        .map(|name| (name, AliasKind::FormerKey))
        .collect();
    names.extend(wanted.iter().map(|name| (*name, AliasKind::Alias)));
    diesel::delete(own()).execute(tx.db())?;
    for (name, kind) in names {
        let known = present.iter().find(|(present, _, _)| present == name);
        let created_at = known.map_or(tx.now, |(_, _, created_at)| *created_at);
        diesel::insert_into(kpi_aliases::table)
            .values((
                kpi_aliases::workspace_id.eq(kpi.workspace_id),
                kpi_aliases::alias.eq(name),
                kpi_aliases::kpi_id.eq(kpi.id),
                kpi_aliases::kind.eq(kind),
                kpi_aliases::created_at.eq(created_at),
            ))
            .execute(tx.db())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_suggests_a_key() {
        assert_eq!(suggested("Seen within four hours: R1H"), "seen-within-four-hours-r1h");
        assert_eq!(suggested("  Churn (%) "), "churn");
        assert_eq!(suggested("Kündigungsquote"), "kuendigungsquote");
        assert_eq!(suggested("解約率"), "kpi");
        for name in ["Churn", "a.b_c", "...", "İstanbul", "解約率", "ÆØÅ 4", &"long name ".repeat(20)]
        {
            assert!(is_key(&suggested(name)), "{name} suggests {}", suggested(name));
        }
    }

    #[test]
    fn a_key_has_single_separators_between_letters() {
        for key in ["churn", "4", "a-b_c.d", &"a".repeat(64)] {
            assert!(is_key(key), "{key}");
        }
        for key in ["", "-a", "a-", "a--b", "a_-b", "Churn", "a b", "ä", &"a".repeat(65)] {
            assert!(!is_key(key), "{key}");
        }
    }
}
