//! Keeps calls and answers as the examples of the document.

use std::collections::BTreeMap;

use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Caller, described, document};

/// The calls of a story, by operation.
#[derive(Default)]
pub struct Recorder {
    calls: BTreeMap<String, Recorded>,
}

#[derive(Default)]
struct Recorded {
    parameters: BTreeMap<String, Value>,
    bodies: BTreeMap<String, Value>,
    answers: BTreeMap<String, BTreeMap<String, Value>>,
}

impl Recorder {
    /// Makes a call and keeps it; what is kept first of an operation stays.
    pub async fn tell(&mut self, caller: &Caller, method: Method, path: &str, body: Option<Value>) -> Answer {
        let mut call = caller.call(method.clone(), path);
        if let Some(body) = &body {
            call = call.json(body);
        }
        let path = call.path().to_owned();
        let answer = call.send().await;
        self.keep(&method, &path, "application/json", body, &answer);
        answer
    }

    /// The same with a body or an answer that is no JSON.
    pub async fn tell_as(
        &mut self,
        caller: &Caller,
        method: Method,
        path: &str,
        headers: &[(&str, &str)],
        body: Option<&str>,
    ) -> Answer {
        let mut call = caller.call(method.clone(), path);
        let mut media = "application/json";
        for (name, value) in headers {
            if *name == "content-type" {
                media = value;
            } else {
                call = call.header(name, value);
            }
        }
        if let Some(body) = body {
            call = call.raw(media, body);
        }
        let path = call.path().to_owned();
        let answer = call.send().await;
        self.keep(&method, &path, media, body.map(Value::from), &answer);
        answer
    }

    fn keep(&mut self, method: &Method, path: &str, media: &str, body: Option<Value>, answer: &Answer) {
        assert!(answer.status < 300, "{} answered {}", answer.call, answer.raw);
        let (template, operation) = described(method, path).expect("an operation of the document");
        let id = operation["operationId"].as_str().expect("an operationId");
        let kept = self.calls.entry(id.to_owned()).or_default();
        for (name, value) in parameters(template, operation, path) {
            kept.parameters.entry(name).or_insert(value);
        }
        if let Some(body) = body {
            let taken = operation["requestBody"]["content"].as_object().expect("it takes a body");
            let same = |one: &&String| {
                *one == media || media == "application/json" && one.ends_with("merge-patch+json")
            };
            for media in taken.keys().filter(same) {
                kept.bodies.entry(media.clone()).or_insert_with(|| body.clone());
            }
        }
        if !answer.raw.is_empty() {
            let came = answer.header("content-type").split(';').next().unwrap_or_default().to_owned();
            let shown =
                if came == "application/json" { answer.body.clone() } else { answer.raw.clone().into() };
            kept.answers.entry(answer.status.to_string()).or_default().entry(came).or_insert(shown);
        }
    }

    /// Whether an operation was called.
    pub fn knows(&self, id: &str) -> bool {
        self.calls.contains_key(id)
    }

    /// What was recorded, with stand-ins for what differs every time.
    pub fn finish(self) -> Value {
        let mut all = serde_json::Map::new();
        for (id, call) in self.calls {
            let mut kept = serde_json::Map::new();
            if !call.parameters.is_empty() {
                kept.insert("parameters".into(), json!(call.parameters));
            }
            if !call.bodies.is_empty() {
                kept.insert("bodies".into(), json!(call.bodies));
            }
            if !call.answers.is_empty() {
                kept.insert("answers".into(), json!(call.answers));
            }
            all.insert(id, kept.into());
        }
        let mut all = Value::Object(all);
        StandIns::default().replace(&mut all, "");
        all
    }
}

/// What a path and a query say, by the names of the operation's parameters.
fn parameters(template: &str, operation: &Value, path: &str) -> Vec<(String, Value)> {
    let (path, query) = path.split_once('?').unwrap_or((path, ""));
    let mut found: Vec<(String, Value)> = template
        .split('/')
        .zip(path.split('/'))
        .filter_map(|(part, segment)| {
            Some((part.strip_prefix('{')?.strip_suffix('}')?.to_owned(), Value::from(segment)))
        })
        .collect();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').expect("a value");
        let documented = operation["parameters"]
            .as_array()
            .into_iter()
            .flatten()
            .find(|parameter| parameter["name"] == name)
            .unwrap_or_else(|| panic!("{path} has no parameter {name}"));
        let value = match documented["schema"]["type"].as_str() {
            Some("array") => json!([value]),
            Some("integer" | "boolean") => serde_json::from_str(value).expect("a number or a truth"),
            _ => value.into(),
        };
        found.push((name.to_owned(), value));
    }
    found
}

/// Ids, secrets and keys are made anew each time: the document shows others, always the same ones.
#[derive(Default)]
struct StandIns {
    ids: BTreeMap<String, String>,
}

impl StandIns {
    fn replace(&mut self, value: &mut Value, field: &str) {
        match value {
            Value::Object(fields) => {
                let keys: Vec<String> = fields.keys().cloned().collect();
                for key in keys {
                    self.replace(&mut fields[&key], &key);
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.replace(item, field)),
            Value::String(text) => {
                *text = secret(field, text).unwrap_or_else(|| self.renamed(text));
            }
            _ => {}
        }
    }

    /// Every id in a text, replaced by the next of its kind.
    fn renamed(&mut self, text: &str) -> String {
        let mut renamed = String::new();
        let mut rest = text;
        while let Some(found) = rest.find('_') {
            let begins = rest[..found].rfind(|one: char| !one.is_ascii_lowercase()).map_or(0, |at| at + 1);
            let (before, prefix) = (&rest[..begins], &rest[begins..found]);
            let suffix = rest[found + 1..].get(..26).filter(|suffix| {
                suffix.starts_with('0')
                    && suffix.bytes().all(|one| one.is_ascii_digit() || one.is_ascii_lowercase())
            });
            match suffix {
                Some(suffix) if !prefix.is_empty() => {
                    renamed.push_str(before);
                    let number = self.ids.len() + 1;
                    let instead = self
                        .ids
                        .entry(format!("{prefix}_{suffix}"))
                        .or_insert_with(|| format!("{prefix}_01kn1kmze0ezc8pwn8jp{:06}", number));
                    renamed.push_str(instead);
                    rest = &rest[found + 27..];
                }
                _ => {
                    renamed.push_str(&rest[..=found]);
                    rest = &rest[found + 1..];
                }
            }
        }
        renamed + rest
    }
}

/// What the document shows instead of a secret: the example of the field's own schema.
fn secret(field: &str, text: &str) -> Option<String> {
    let (schema, field) = match field {
        "token" if text.starts_with("rgi_") => ("Invitation", "token"),
        "token" if text.starts_with("rgm_") => ("Token", "token"),
        "access_token" => ("SignedIn", "access_token"),
        "refresh_token" => ("SignedIn", "refresh_token"),
        "link" if text.contains("#rgi_") => ("Invitation", "link"),
        "shared_path" => ("Link", "shared_path"),
        "shared_picture" | "shared_scorecard" => {
            let path = secret("shared_path", text)?;
            return path.split('/').nth(2).map(str::to_owned);
        }
        "authorization_url" => ("Authorization", "authorization_url"),
        "state" if text.starts_with("rgo_") => ("Authorization", "state"),
        "session_secret" => ("Authorization", "session_secret"),
        "code" if text.starts_with("provider-code-") => ("Callback", "code"),
        "hint" if text.starts_with("rgl_") => ("Link", "hint"),
        "hint" => ("Token", "hint"),
        "x" | "kid" => ("PublicKey", field),
        "request_id" => ("RequestName", ""),
        "next_cursor" => ("Cursor", ""),
        _ => return None,
    };
    let schema = &document()["components"]["schemas"][schema];
    let example = if field.is_empty() { &schema["example"] } else { &schema["properties"][field]["example"] };
    Some(example.as_str().unwrap_or_else(|| panic!("{schema} has no example")).to_owned())
}
