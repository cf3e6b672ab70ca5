//! One random request: made from a seed and a number alone, so that it can be made again.

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::document;
use crate::sweep::{Operation, World};

/// Whether a request is one by construction, or bytes of which nobody knows how many they are.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Framing {
    Kept,
    Broken,
}

/// Who sends it.
#[derive(Debug)]
enum Credential {
    SignedIn,
    None,
    Random(Vec<u8>),
}

/// A random request for an operation.
#[derive(Debug)]
pub struct Case {
    pub method: Method,
    /// Path and query.
    pub target: Vec<u8>,
    pub framing: Framing,
    /// Whether it holds bytes that cannot stand in a request, so that it may be refused unread.
    pub unreadable: bool,
    credential: Credential,
    headers: Vec<(String, Vec<u8>)>,
    body: Option<Vec<u8>>,
}

/// Headers that the server looks at, and one that it does not.
const HEADERS: &[&str] = &[
    "accept",
    "accept-encoding",
    "if-match",
    "if-none-match",
    "idempotency-key",
    "origin",
    "x-request-id",
    "content-encoding",
    "access-control-request-method",
    "x-forwarded-for",
    "range",
    "cookie",
    "x-anything",
];

/// Headers that say where a request ends.
const FRAMING: &[&str] = &["content-length", "transfer-encoding", "connection", "upgrade", "expect", "host"];

impl Case {
    pub fn new(seed: u64, number: u64, operation: &Operation, world: &World) -> Self {
        let mut random = Random::of(seed, number);
        let mut case = Self {
            method: operation.method.clone(),
            target: Vec::new(),
            framing: Framing::Kept,
            unreadable: false,
            credential: match random.below(8) {
                0 => Credential::None,
                1 => Credential::Random(random.bytes(60)),
                _ => Credential::SignedIn,
            },
            headers: Vec::new(),
            body: None,
        };
        if case.method == Method::GET && random.below(8) == 0 {
            case.method = Method::HEAD;
        }
        case.aim(&mut random, operation, world);
        if random.below(3) == 0 {
            case.ask(&mut random, operation);
        }
        for _ in 0..random.below(3) {
            let name = *random.one_of(HEADERS);
            let value = case.value(&mut random);
            case.headers.push((name.to_owned(), value));
        }
        if let Some(media) = operation.takes().first() {
            let media = if random.below(8) == 0 { random.bytes(20) } else { media.as_bytes().to_vec() };
            case.check(&media);
            case.headers.push(("content-type".to_owned(), media));
            let schema = &operation.said["requestBody"]["content"][operation.takes()[0]]["schema"];
            case.body = Some(random.body(schema));
        } else if random.below(10) == 0 {
            case.body = Some(random.bytes(100));
        }
        if let Credential::Random(bytes) = &case.credential {
            let bytes = bytes.clone();
            case.check(&bytes);
        }
        if random.below(20) == 0 {
            case.framing = Framing::Broken;
            let name = *random.one_of(FRAMING);
            let value = if random.below(2) == 0 {
                random.bytes(20)
            } else {
                random.below(200).to_string().into_bytes()
            };
            case.headers.push((name.to_owned(), value));
        }
        if case.framing == Framing::Broken && case.method == Method::HEAD {
            // Of two answers to such bytes nobody could tell which one has no body.
            case.method = Method::GET;
        }
        case
    }

    /// The path: parameters that name something, or bytes. What is deleted is never there, so that
    /// later cases find the world as it was.
    fn aim(&mut self, random: &mut Random, operation: &Operation, world: &World) {
        let parameters = operation.template.matches('{').count();
        let spoiled = if operation.method == Method::DELETE || random.below(3) == 0 {
            // The last one, mostly: the workspace before it is there.
            Some(if random.below(4) == 0 {
                random.below(parameters.max(1))
            } else {
                parameters.saturating_sub(1)
            })
        } else {
            None
        };
        let mut parameter = 0;
        for (index, segment) in operation.template.split('/').enumerate() {
            if index > 0 {
                self.target.push(b'/');
            }
            match super::super::parameter(segment) {
                None => self.target.extend_from_slice(segment.as_bytes()),
                Some(name) => {
                    if spoiled == Some(parameter) {
                        let text = self.text(random);
                        self.target.extend_from_slice(if text.is_empty() { b"%00" } else { &text });
                    } else {
                        self.target.extend_from_slice(world.thing(name).as_bytes());
                    }
                    parameter += 1;
                }
            }
        }
    }

    /// The query: names that the operation knows or not, and any values.
    fn ask(&mut self, random: &mut Random, operation: &Operation) {
        let known: Vec<&str> = operation.said["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .filter(|parameter| parameter["in"] == "query")
            .filter_map(|parameter| parameter["name"].as_str())
            .collect();
        self.target.push(b'?');
        for index in 0..=random.below(3) {
            if index > 0 {
                self.target.push(b'&');
            }
            let name = match known.is_empty() || random.below(4) == 0 {
                true => self.text(random),
                false => random.one_of(&known).as_bytes().to_vec(),
            };
            self.target.extend_from_slice(&name);
            self.target.push(b'=');
            let value = match random.below(3) {
                0 => random
                    .one_of(&["1", "200", "true", "me", "2026-03-31", "2026-03-31T09:30:00Z", "open"])
                    .as_bytes()
                    .to_vec(),
                _ => self.text(random),
            };
            self.target.extend_from_slice(&value);
        }
    }

    /// Random bytes for path or query: mostly percent-encoded, now and then as they are.
    fn text(&mut self, random: &mut Random) -> Vec<u8> {
        let bytes = random.bytes(24);
        if random.below(6) > 0 {
            return bytes
                .iter()
                .flat_map(|byte| match byte {
                    b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' => vec![*byte],
                    _ => format!("%{byte:02X}").into_bytes(),
                })
                .collect();
        }
        // What would end the path, the target or the line makes another request of it.
        let bytes: Vec<u8> = bytes.into_iter().filter(|byte| !b" \r\n\t/?#&".contains(byte)).collect();
        if bytes.iter().any(|byte| !byte.is_ascii_alphanumeric() && !b"-_.~".contains(byte)) {
            self.unreadable = true;
        }
        bytes
    }

    /// Random bytes for a header, or what it might well hold.
    fn value(&mut self, random: &mut Random) -> Vec<u8> {
        let likely = [
            "*",
            "\"1-0\"",
            "application/json",
            "gzip, br;q=0.5",
            "https://app.example.com",
            "one-key",
            "0",
            "PUT",
        ];
        match random.below(2) {
            0 => random.one_of(&likely).as_bytes().to_vec(),
            _ => {
                let bytes = random.bytes(40);
                self.check(&bytes);
                bytes
            }
        }
    }

    /// Notes bytes that cannot stand in a header, or that end it.
    fn check(&mut self, bytes: &[u8]) {
        if bytes.iter().any(|byte| matches!(byte, b'\r' | b'\n')) {
            self.framing = Framing::Broken;
        }
        if bytes.iter().any(|byte| (*byte < b' ' && *byte != b'\t') || *byte == 0x7f) {
            self.unreadable = true;
        }
    }

    pub fn is_signed_in(&self) -> bool {
        matches!(self.credential, Credential::SignedIn)
    }

    /// The request as it is sent.
    pub fn bytes(&self, host: &str, token: &str) -> Vec<u8> {
        let mut all = format!("{} ", self.method).into_bytes();
        all.extend_from_slice(&self.target);
        all.extend_from_slice(format!(" HTTP/1.1\r\nhost: {host}\r\n").as_bytes());
        let mut header = |name: &str, value: &[u8]| {
            all.extend_from_slice(name.as_bytes());
            all.extend_from_slice(b": ");
            all.extend_from_slice(value);
            all.extend_from_slice(b"\r\n");
        };
        match &self.credential {
            Credential::SignedIn => header("authorization", format!("Bearer {token}").as_bytes()),
            Credential::Random(bytes) => header("authorization", bytes),
            Credential::None => {}
        }
        for (name, value) in &self.headers {
            header(name, value);
        }
        let body = self.body.as_deref().unwrap_or_default();
        if self.body.is_some() {
            header("content-length", body.len().to_string().as_bytes());
        }
        all.extend_from_slice(b"\r\n");
        all.extend_from_slice(body);
        all
    }
}

/// A generator of random numbers: SplitMix64 (Steele, Lea and Flood, 2014).
pub struct Random(u64);

impl Random {
    /// The generator of one case.
    pub fn of(seed: u64, number: u64) -> Self {
        Self(seed ^ number.wrapping_mul(0xA076_1D64_78BD_642F))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    pub fn below(&mut self, bound: usize) -> usize {
        (self.next() % bound as u64) as usize
    }

    pub fn one_of<'a, T>(&mut self, all: &'a [T]) -> &'a T {
        &all[self.below(all.len())]
    }

    /// Up to so many bytes: any, or those that parsers stumble over.
    fn bytes(&mut self, most: usize) -> Vec<u8> {
        let awkward = b"\0\r\n\t \"'\\/{}[]:,;%&=?#*<>\x7f\x80\xc0\xff\xed\xa0\x80-0e9.NaN\xe2\x80\xae";
        let length = self.below(most + 1);
        let awkwardly = self.below(2) == 0;
        (0..length).map(|_| if awkwardly { *self.one_of(awkward) } else { self.next() as u8 }).collect()
    }

    /// A body: bytes; or JSON with the fields of the schema, whole or spoiled.
    fn body(&mut self, schema: &'static Value) -> Vec<u8> {
        if self.below(3) == 0 {
            return self.bytes(200);
        }
        let mut text = self.fitting(schema, 0).to_string().into_bytes();
        if self.below(3) == 0 && !text.is_empty() {
            let place = self.below(text.len());
            match self.below(3) {
                0 => text.truncate(place),
                1 => text[place] = self.next() as u8,
                _ => {
                    let more = self.bytes(10);
                    text.splice(place..place, more);
                }
            }
        }
        text
    }

    /// A value that the schema may well take, with surprises.
    fn fitting(&mut self, schema: &'static Value, depth: usize) -> Value {
        if depth > 6 || self.below(12) == 0 {
            return self.anything();
        }
        if let Some(reference) = schema["$ref"].as_str() {
            return self
                .fitting(document().pointer(reference.trim_start_matches('#')).expect("a schema"), depth);
        }
        for choice in ["oneOf", "anyOf", "allOf"] {
            if let Some(schemas) = schema[choice].as_array() {
                let schema = self.one_of(schemas);
                return self.fitting(schema, depth);
            }
        }
        if let Some(values) = schema["enum"].as_array() {
            return self.one_of(values).clone();
        }
        if let Some(example) = schema.get("example").filter(|_| self.below(2) == 0) {
            return example.clone();
        }
        let kind = match &schema["type"] {
            Value::Array(kinds) => self.one_of(kinds),
            kind => kind,
        };
        match kind.as_str() {
            Some("object") => {
                let fields = schema["properties"].as_object().into_iter().flatten();
                let needed = |name: &str| {
                    schema["required"]
                        .as_array()
                        .is_some_and(|names| names.iter().any(|needed| needed == name))
                };
                let mut object = serde_json::Map::new();
                for (name, field) in fields {
                    if needed(name) || self.below(3) == 0 {
                        object.insert(name.clone(), self.fitting(field, depth + 1));
                    }
                }
                object.into()
            }
            Some("array") => (0..self.below(4)).map(|_| self.fitting(&schema["items"], depth + 1)).collect(),
            Some("string") => self.string(),
            Some("integer") => json!(self.below(40)),
            Some("number") => json!(self.below(4000) as f64 / 8.0 - 100.0),
            Some("boolean") => json!(self.below(2) == 0),
            Some("null") => Value::Null,
            _ => self.anything(),
        }
    }

    fn string(&mut self) -> Value {
        match self.below(3) {
            0 => json!(String::from_utf8_lossy(&self.bytes(40))),
            1 => json!(format!("name {}", self.below(1000))),
            _ => json!(self.one_of(&[
                "2026-03-31",
                "2026-02-30",
                "2026-03-31T09:30:00Z",
                "churn-rate",
                "me",
                "q2",
                "growth",
                "ann@example.com",
                "Europe/Berlin",
                "",
                "%",
                "\u{202e}"
            ])),
        }
    }

    fn anything(&mut self) -> Value {
        match self.below(9) {
            0 => Value::Null,
            1 => json!(true),
            2 => json!(self.next()),
            3 => json!(-1e300),
            4 => json!(f64::from_bits(self.next())),
            5 => json!([]),
            6 => json!({"": {"a": [null]}}),
            7 => json!([[[{}]]]),
            _ => self.string(),
        }
    }
}
