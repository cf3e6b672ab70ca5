//! Two versions of one schema, by the direction in which its values travel.
//!
//! What clients send may be taken more widely, never more narrowly. What they are answered may
//! hold more, never less: new fields and new words of an enum are announced to be possible.

use std::collections::{BTreeMap, BTreeSet, HashSet};

use serde_json::Value;

use crate::document::{fields, items, resolve};
use crate::findings::{Findings, Place};

/// Which way values travel.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From clients.
    Request,
    /// To clients.
    Response,
}

use Direction::{Request, Response};

/// Pairs of schemas, by their references, in which nothing was found: most are met many times.
pub type Alike<'a> = HashSet<(&'a str, &'a str, Direction)>;

/// Holds a schema against a later one; documents and schemas come as old and new.
pub fn compare<'a>(
    documents: [&'a Value; 2],
    direction: Direction,
    [old, new]: [&'a Value; 2],
    place: &Place,
    findings: &mut Findings,
    alike: &mut Alike<'a>,
) {
    Walk { documents, direction, under_way: Vec::new(), cut: false, alike }
        .compare(old, new, place, findings);
}

/// A comparison on its way through two schemas.
struct Walk<'a, 'w> {
    documents: [&'a Value; 2],
    direction: Direction,
    /// The pairs of references that are being compared: a schema may hold itself.
    under_way: Vec<(&'a str, &'a str)>,
    /// Whether it was cut short at a pair that is under way.
    cut: bool,
    alike: &'w mut Alike<'a>,
}

/// A schema with its references followed, and "or null" taken out of its choices.
struct Shape<'a> {
    /// Its keywords: those of the schema, of what it refers to, and of all that it combines.
    keywords: BTreeMap<&'a str, &'a Value>,
    properties: BTreeMap<&'a str, &'a Value>,
    required: BTreeSet<&'a str>,
    types: BTreeSet<&'a str>,
    nullable: bool,
    /// What it is one of, where that is more than one thing.
    choices: Vec<&'a Value>,
}

static NOTHING: Value = Value::Null;

impl<'a> Shape<'a> {
    fn of(document: &'a Value, schema: &'a Value) -> Self {
        let mut shape = Self {
            keywords: BTreeMap::new(),
            properties: BTreeMap::new(),
            required: BTreeSet::new(),
            types: BTreeSet::new(),
            nullable: false,
            choices: Vec::new(),
        };
        shape.absorb(document, schema);
        shape
    }

    fn absorb(&mut self, document: &'a Value, schema: &'a Value) {
        if schema.get("$ref").is_some() {
            self.absorb(document, resolve(document, schema));
        }
        for part in items(&schema["allOf"]) {
            self.absorb(document, part);
        }
        for choice in ["oneOf", "anyOf"] {
            let (null, others): (Vec<_>, Vec<_>) =
                items(&schema[choice]).partition(|one| resolve(document, one)["type"] == "null");
            self.nullable |= !null.is_empty();
            match others[..] {
                [only] => self.absorb(document, only),
                _ => self.choices.extend(others),
            }
        }
        let listed = items(&schema["type"]).chain(schema.get("type").filter(|kind| kind.is_string()));
        for kind in listed.filter_map(Value::as_str) {
            match kind {
                "null" => self.nullable = true,
                kind => drop(self.types.insert(kind)),
            }
        }
        self.properties.extend(fields(&schema["properties"]).map(|(name, field)| (name.as_str(), field)));
        self.required.extend(items(&schema["required"]).filter_map(Value::as_str));
        self.keywords.extend(fields(schema).map(|(keyword, value)| (keyword.as_str(), value)));
    }

    fn keyword(&self, name: &str) -> &'a Value {
        self.keywords.get(name).copied().unwrap_or(&NOTHING)
    }

    /// The words that it may be, of an enum or a constant.
    fn words(&self) -> Option<Vec<&'a Value>> {
        match (self.keywords.get("const"), self.keywords.get("enum")) {
            (Some(only), _) => Some(vec![only]),
            (None, Some(all)) => Some(items(all).filter(|word| !word.is_null()).collect()),
            (None, None) => None,
        }
    }
}

impl<'a> Walk<'a, '_> {
    fn compare(&mut self, old: &'a Value, new: &'a Value, place: &Place, findings: &mut Findings) {
        let (Some(old_name), Some(new_name)) = (old["$ref"].as_str(), new["$ref"].as_str()) else {
            return self.compare_shapes(old, new, place, findings);
        };
        if self.under_way.contains(&(old_name, new_name)) {
            self.cut = true;
            return;
        }
        // Keywords beside a reference count as well; only a bare pair can be known.
        let bare = [old, new]
            .iter()
            .all(|schema| fields(schema).all(|(name, _)| matches!(name.as_str(), "$ref" | "description")));
        let pair = (old_name, new_name, self.direction);
        if bare && self.alike.contains(&pair) {
            return;
        }
        let (found, cut_before) = (findings.count(), std::mem::take(&mut self.cut));
        self.under_way.push((old_name, new_name));
        self.compare_shapes(old, new, place, findings);
        self.under_way.pop();
        if bare && !self.cut && findings.count() == found {
            self.alike.insert(pair);
        }
        // Where the outermost of a ring is done, nothing is left open.
        self.cut = (self.cut || cut_before) && !self.under_way.is_empty();
    }

    fn compare_shapes(&mut self, old: &'a Value, new: &'a Value, place: &Place, findings: &mut Findings) {
        let (old, new) = (Shape::of(self.documents[0], old), Shape::of(self.documents[1], new));
        self.compare_types(&old, &new, place, findings);
        self.compare_words(&old, &new, place, findings);
        self.compare_bounds(&old, &new, place, findings);
        self.compare_forms(&old, &new, place, findings);
        self.compare_choices(&old, &new, place, findings);
        self.compare_inside(&old, &new, place, findings);
    }

    fn compare_types(&self, old: &Shape, new: &Shape, place: &Place, findings: &mut Findings) {
        // No type at all is every type.
        let covers = |wide: &Shape, narrow: &Shape| {
            wide.types.is_empty()
                || !narrow.types.is_empty()
                    && narrow.types.iter().all(|kind| {
                        wide.types.contains(kind) || *kind == "integer" && wide.types.contains("number")
                    })
        };
        let told = |shape: &Shape| match shape.types.is_empty() {
            true => "anything".to_owned(),
            false => shape.types.iter().copied().collect::<Vec<_>>().join(" or "),
        };
        let kept = match self.direction {
            Request => covers(new, old),
            Response => covers(old, new),
        };
        if !kept {
            findings.breaks(place, format!("the type was {} and is {}", told(old), told(new)));
        }
        match (self.direction, old.nullable, new.nullable) {
            (Request, true, false) => findings.breaks(place, "null is no longer taken"),
            (Response, false, true) => findings.breaks(place, "it may be null now"),
            (Request, false, true) => findings.adds(place, "null is taken now"),
            _ => {}
        }
    }

    fn compare_words(&self, old: &Shape, new: &Shape, place: &Place, findings: &mut Findings) {
        match (old.words(), new.words()) {
            (None, None) => {}
            (None, Some(new)) => match self.direction {
                Request => findings.breaks(place, format!("only {} are taken now", listed(&new))),
                Response => findings.adds(place, format!("it is one of {} now", listed(&new))),
            },
            (Some(_), None) => match self.direction {
                Request => findings.adds(place, "any value of its type is taken now"),
                Response => findings.breaks(place, "it may be any value of its type now"),
            },
            (Some(old), Some(new)) => {
                // A word that is no longer said is waited for in vain by those who wait for it.
                for gone in old.iter().filter(|word| !new.contains(word)) {
                    findings.breaks(place, format!("the value {gone} was removed"));
                }
                for more in new.iter().filter(|word| !old.contains(word)) {
                    findings.adds(place, format!("a new value {more}"));
                }
            }
        }
    }

    /// Bounds of what is sent may become wider; those of what is answered are told for orientation.
    fn compare_bounds(&self, old: &Shape, new: &Shape, place: &Place, findings: &mut Findings) {
        if self.direction == Response {
            return;
        }
        let lower = ["minimum", "exclusiveMinimum", "minLength", "minItems", "minProperties"];
        let upper = ["maximum", "exclusiveMaximum", "maxLength", "maxItems", "maxProperties"];
        for name in lower.into_iter().chain(upper) {
            let (was, is) = (old.keyword(name), new.keyword(name));
            let narrower = match (was.as_f64(), is.as_f64()) {
                (_, None) => false,
                // A lower bound of nothing bounds nothing.
                (None, Some(is)) => !(name.starts_with("min") && name != "minimum" && is <= 0.0),
                (Some(was), Some(is)) if lower.contains(&name) => is > was,
                (Some(was), Some(is)) => is < was,
            };
            match (narrower, was.is_null()) {
                (true, true) => findings.breaks(place, format!("{name} is {is} now and was not there")),
                (true, false) => findings.breaks(place, format!("{name} was {was} and is {is}")),
                (false, _) if was != is => findings.adds(place, format!("{name} was {was} and is {is}")),
                (false, _) => {}
            }
        }
        let (was, is) = (old.keyword("multipleOf").as_f64(), new.keyword("multipleOf").as_f64());
        if let Some(is) = is
            && was.is_none_or(|was| was % is != 0.0)
        {
            findings.breaks(place, format!("multipleOf is {is} now"));
        }
        if old.keyword("uniqueItems") != true && new.keyword("uniqueItems") == true {
            findings.breaks(place, "items must be unique now");
        }
        if !old.keyword("default").is_null() && old.keyword("default") != new.keyword("default") {
            let (was, is) = (old.keyword("default"), new.keyword("default"));
            findings.breaks(place, format!("what holds by default was {was} and is {is}"));
        }
    }

    /// Patterns and formats are compared by their text alone: which of two is wider is not judged.
    fn compare_forms(&self, old: &Shape, new: &Shape, place: &Place, findings: &mut Findings) {
        for name in ["pattern", "format", "contentEncoding", "discriminator"] {
            let (was, is) = (old.keyword(name), new.keyword(name));
            let harmless = match self.direction {
                Request => is.is_null(),
                Response => was.is_null(),
            };
            match (was == is, harmless) {
                (true, _) => {}
                (false, true) => findings.adds(place, format!("{name} was {was} and is {is}")),
                (false, false) => findings.breaks(place, format!("{name} was {was} and is {is}")),
            }
        }
    }

    /// Everything that could be chosen can be, and nothing else is answered.
    fn compare_choices(&mut self, old: &Shape<'a>, new: &Shape<'a>, place: &Place, findings: &mut Findings) {
        let (promised, held) = match self.direction {
            Request => (&old.choices, &new.choices),
            Response => (&new.choices, &old.choices),
        };
        match (self.direction, promised.is_empty(), held.is_empty()) {
            (_, true, true) => return,
            (Request, false, true) => {
                return findings.breaks(place, "it is no choice of several things any more");
            }
            (Response, false, true) => return findings.breaks(place, "it may be one of several things now"),
            (_, true, false) => return findings.breaks(place, "the choice of several things has changed"),
            (_, false, false) => {}
        }
        for (index, choice) in promised.iter().enumerate() {
            let mut attempts: Vec<Findings> = held
                .iter()
                .map(|other| {
                    let (old, new) =
                        if self.direction == Request { (choice, other) } else { (other, choice) };
                    let mut attempt = Findings::default();
                    self.compare(old, new, &place.inside(&format!("choice {index}")), &mut attempt);
                    attempt
                })
                .collect();
            attempts.sort_by_key(|attempt| attempt.breaking.len());
            // The nearest counterpart tells best what is missing.
            findings.append(attempts.swap_remove(0));
        }
    }

    fn compare_inside(&mut self, old: &Shape<'a>, new: &Shape<'a>, place: &Place, findings: &mut Findings) {
        for (name, was) in &old.properties {
            let place = place.inside(name);
            let Some(is) = new.properties.get(name) else {
                findings.breaks(&place, "the field was removed");
                continue;
            };
            match (self.direction, old.required.contains(name), new.required.contains(name)) {
                (Request, false, true) => findings.breaks(&place, "the field is required now"),
                (Response, true, false) => findings.breaks(&place, "the field may be missing now"),
                _ => {}
            }
            self.compare(was, is, &place, findings);
        }
        for name in new.properties.keys().filter(|name| !old.properties.contains_key(*name)) {
            match self.direction == Request && new.required.contains(name) {
                true => findings.breaks(&place.inside(name), "a new field is required"),
                false => findings.adds(&place.inside(name), "a new field"),
            }
        }
        let (was, is) = (old.keyword("items"), new.keyword("items"));
        if !was.is_null() || !is.is_null() {
            self.compare(was, is, &place.inside("*"), findings);
        }
        let (was, is) = (old.keyword("additionalProperties"), new.keyword("additionalProperties"));
        match (self.direction, was, is) {
            (Request, was, Value::Bool(false)) if *was != false => {
                findings.breaks(place, "fields that are not listed are no longer taken");
            }
            (Request, Value::Bool(false), is) if *is != false => {
                findings.adds(place, "fields that are not listed are taken now");
            }
            (_, Value::Object(_), Value::Object(_)) => self.compare(was, is, &place.inside("*"), findings),
            _ => {}
        }
    }
}

fn listed(words: &[&Value]) -> String {
    words.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}
