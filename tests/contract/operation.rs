//! Two versions of one operation: its name, its parameters, its body, its answers, who may call.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::document::{Comparison, fields, items, resolve};
use crate::findings::{Findings, Place};
use crate::schema::Direction;

/// Compares `[(path item, operation); 2]`, old and new.
pub fn compare<'a>(with: &mut Comparison<'a>, sides: [(&'a Value, &'a Value); 2], place: &Place) {
    let [(old_item, old), (new_item, new)] = sides;
    if old["operationId"] != new["operationId"] {
        with.findings
            .breaks(place, format!("operationId was {} and is {}", old["operationId"], new["operationId"]));
    }
    let old_parameters = parameters(with.old, old_item, old);
    compare_parameters(with, &old_parameters, &parameters(with.new, new_item, new), place);
    compare_bodies(with, &old["requestBody"], &new["requestBody"], place);
    compare_responses(with, &old["responses"], &new["responses"], place);
    compare_security(security(with.old, old), security(with.new, new), place, &mut with.findings);
}

/// Where a parameter stands, and its name.
type Key<'a> = (&'a str, String);

/// The parameters of an operation, those of its path included.
fn parameters<'a>(
    document: &'a Value,
    item: &'a Value,
    operation: &'a Value,
) -> BTreeMap<Key<'a>, &'a Value> {
    let all = items(&item["parameters"]).chain(items(&operation["parameters"]));
    all.map(|parameter| {
        let parameter = resolve(document, parameter);
        let (kind, name) =
            (parameter["in"].as_str().unwrap_or_default(), parameter["name"].as_str().unwrap_or_default());
        let name = if kind == "header" { name.to_ascii_lowercase() } else { name.to_owned() };
        ((kind, name), parameter)
    })
    .collect()
}

fn compare_parameters<'a>(
    with: &mut Comparison<'a>,
    old: &BTreeMap<Key, &'a Value>,
    new: &BTreeMap<Key, &'a Value>,
    place: &Place,
) {
    let named = |(kind, name): &Key| place.part(format!("{kind} parameter `{name}`"));
    for (key, old) in old {
        let place = named(key);
        let Some(new) = new.get(key) else {
            with.findings.breaks(&place, "the parameter was removed");
            continue;
        };
        if old["required"] != true && new["required"] == true {
            with.findings.breaks(&place, "the parameter is now required");
        }
        for field in ["style", "explode", "allowReserved"] {
            if old[field] != new[field] {
                with.findings.breaks(&place, format!("{field} was {} and is {}", old[field], new[field]));
            }
        }
        with.schemas(Direction::Request, &old["schema"], &new["schema"], &place);
    }
    for (key, new) in new {
        if !old.contains_key(key) {
            match new["required"] == true {
                true => with.findings.breaks(&named(key), "a new parameter is required"),
                false => with.findings.adds(&named(key), "a new parameter"),
            }
        }
    }
}

fn compare_bodies<'a>(with: &mut Comparison<'a>, old: &'a Value, new: &'a Value, place: &Place) {
    let place = place.part("request body");
    let (old, new) = (resolve(with.old, old), resolve(with.new, new));
    match (old.is_null(), new.is_null()) {
        (true, true) => {}
        (false, true) => with.findings.breaks(&place, "the body is no longer taken"),
        (true, false) if new["required"] == true => with.findings.breaks(&place, "a body is now required"),
        (true, false) => with.findings.adds(&place, "a body may be sent"),
        (false, false) => {
            if old["required"] != true && new["required"] == true {
                with.findings.breaks(&place, "a body is now required");
            }
            compare_content(with, Direction::Request, &old["content"], &new["content"], &place);
        }
    }
}

fn compare_content<'a>(
    with: &mut Comparison<'a>,
    direction: Direction,
    old: &'a Value,
    new: &'a Value,
    place: &Place,
) {
    for (media, old) in fields(old) {
        let place = place.part(format!("as {media}"));
        match new.get(media) {
            None => with.findings.breaks(&place, "the media type was removed"),
            Some(new) => with.schemas(direction, &old["schema"], &new["schema"], &place),
        }
    }
    for (media, _) in fields(new) {
        if old.get(media).is_none() {
            with.findings.adds(&place.part(format!("as {media}")), "a new media type");
        }
    }
}

fn compare_responses<'a>(with: &mut Comparison<'a>, old: &'a Value, new: &'a Value, place: &Place) {
    for (status, old) in fields(old) {
        let place = place.part(format!("response {status}"));
        let Some(new) = new.get(status) else {
            // A refusal that no longer happens harms nobody.
            if status.starts_with(['2', '3']) || status == "default" {
                with.findings.breaks(&place, "the response was removed");
            }
            continue;
        };
        let (old, new) = (resolve(with.old, old), resolve(with.new, new));
        compare_content(with, Direction::Response, &old["content"], &new["content"], &place);
        compare_headers(with, &old["headers"], &new["headers"], &place);
    }
    for (status, _) in fields(new) {
        if old.get(status).is_none() {
            with.findings.adds(&place.part(format!("response {status}")), "a new response");
        }
    }
}

fn compare_headers<'a>(with: &mut Comparison<'a>, old: &'a Value, new: &'a Value, place: &Place) {
    for (name, old) in fields(old) {
        let place = place.part(format!("header `{name}`"));
        let Some((_, new)) = fields(new).find(|(other, _)| other.eq_ignore_ascii_case(name)) else {
            with.findings.breaks(&place, "the header was removed");
            continue;
        };
        let (old, new) = (resolve(with.old, old), resolve(with.new, new));
        if old["required"] == true && new["required"] != true {
            with.findings.breaks(&place, "the header may be missing now");
        }
        with.schemas(Direction::Response, &old["schema"], &new["schema"], &place);
    }
}

/// The ways to be let in, each a set of schemes with scopes; an empty set is for everybody.
fn security<'a>(document: &'a Value, operation: &'a Value) -> Vec<&'a Value> {
    static EVERYBODY: Value = Value::Null;
    let own = operation.get("security").unwrap_or(&document["security"]);
    let ways: Vec<&Value> = items(own).collect();
    if ways.is_empty() { vec![&EVERYBODY] } else { ways }
}

/// Every way in that was there must still suffice.
fn compare_security(old: Vec<&Value>, new: Vec<&Value>, place: &Place, findings: &mut Findings) {
    let suffices = |old: &Value, new: &Value| {
        fields(new).all(|(scheme, scopes)| {
            old.get(scheme).is_some_and(|had| items(scopes).all(|scope| items(had).any(|one| one == scope)))
        })
    };
    for old in old {
        if !new.iter().any(|new| suffices(old, new)) {
            let way = match fields(old).next() {
                Some(_) => old.to_string(),
                None => "no credential".to_owned(),
            };
            findings.breaks(&place.part("security"), format!("{way} no longer suffices"));
        }
    }
}
