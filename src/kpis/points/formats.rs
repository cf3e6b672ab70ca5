//! The forms in which many points come and go: a JSON array, NDJSON, and CSV.
//!
//! What is wrong with the whole refuses the whole; a line that cannot be read spoils only itself.

use std::borrow::Cow;

use serde_json::{Map, Value};

use crate::http::json;
use crate::http::{FieldErrors, Problem, Result};
use crate::kpis::derive::Quality;
use crate::store::Moment;

/// The media types, the first by default.
pub const MEDIA: &[&str] = &[JSON, NDJSON, CSV];
/// A JSON array.
pub const JSON: &str = "application/json";
/// A JSON object per line.
pub const NDJSON: &str = "application/x-ndjson";
/// Comma-separated values with a header (RFC 4180).
pub const CSV: &str = "text/csv";

/// Points in one call at the most.
pub const MOST_POINTS: usize = 10_000;

/// One item of a batch.
#[derive(Clone, Debug, PartialEq)]
pub enum Item {
    /// It can be read; whether it is a point is another question.
    Read(Value),
    /// It cannot, and why not.
    Malformed(String),
}

/// Reads a batch.
pub fn read(media: &str, body: &[u8]) -> Result<Vec<Item>> {
    let body = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    let items = match media {
        NDJSON => read_lines(body),
        CSV => read_csv(body)?,
        _ => read_array(body)?,
    };
    match items.len() {
        0 => Err(Problem::field("", "too_few", "there is no point in it")),
        1..=MOST_POINTS => Ok(items),
        _ => {
            Err(Problem::field("", "too_many", format!("at most {MOST_POINTS} points are taken in one call")))
        }
    }
}

fn read_array(body: &[u8]) -> Result<Vec<Item>> {
    match json::read(body)? {
        Value::Array(items) => Ok(items.into_iter().map(Item::Read).collect()),
        _ => Err(Problem::field("", "wrong_type", "many points are an array")),
    }
}

fn read_lines(body: &[u8]) -> Vec<Item> {
    body.split(|byte| *byte == b'\n')
        .zip(1_usize..)
        .filter(|(line, _)| !line.trim_ascii().is_empty())
        .take(MOST_POINTS + 1)
        .map(|(line, number)| match json::read(line) {
            Ok(value) => Item::Read(value),
            Err(problem) => {
                let detail = problem.detail.replace(" at line 1 column ", " at column ");
                Item::Malformed(format!("line {number}: {}", detail.replace("the body is", "it is")))
            }
        })
        .collect()
}

/// The columns, and whether each must be there.
const COLUMNS: &[(&str, Column)] = &[
    ("kpi", Column::Required),
    ("at", Column::Required),
    ("value", Column::Required),
    ("feed", Column::Optional),
    ("note", Column::Optional),
    ("quality", Column::Optional),
];

#[derive(Clone, Copy, PartialEq, Eq)]
enum Column {
    Required,
    Optional,
}

fn read_csv(body: &[u8]) -> Result<Vec<Item>> {
    let mut reader = csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(body);
    let mut record = csv::ByteRecord::new();
    let mut read = |record: &mut csv::ByteRecord| {
        // Reading from memory does not fail; what is wrong with the bytes shows later.
        reader.read_byte_record(record).unwrap_or(false)
    };
    if !read(&mut record) {
        record.clear();
    }
    let columns = header(&record)?;
    let mut items = Vec::new();
    while items.len() <= MOST_POINTS && read(&mut record) {
        let line = record.position().map_or(0, csv::Position::line);
        items.push(match row(&columns, &record) {
            Ok(value) => Item::Read(value),
            Err(reason) => Item::Malformed(format!("line {line}: {reason}")),
        });
    }
    Ok(items)
}

/// The columns in the order of the header.
fn header(record: &csv::ByteRecord) -> Result<Vec<&'static str>> {
    let mut errors = FieldErrors::new();
    let mut columns = Vec::new();
    for cell in record {
        let name = String::from_utf8_lossy(cell.trim_ascii()).into_owned();
        match COLUMNS.iter().find(|(known, _)| *known == name) {
            Some((known, _)) if columns.contains(known) => {
                errors.add(format!("/{known}"), "column_twice", "this column stands twice in the header");
            }
            Some((known, _)) => columns.push(*known),
            None => {
                let shown: String = name.chars().take(64).collect();
                errors.add(format!("/{shown}"), "unknown_column", "this column is not known here");
            }
        }
    }
    for (known, _) in COLUMNS.iter().filter(|(_, column)| *column == Column::Required) {
        if !columns.contains(known) {
            errors.add(format!("/{known}"), "missing_column", "the header must name this column");
        }
    }
    errors.settle().map(|()| columns)
}

/// One line as the object that it would be in JSON.
fn row(columns: &[&str], record: &csv::ByteRecord) -> std::result::Result<Value, String> {
    if record.len() != columns.len() {
        return Err(format!("it has {} cells, and the header has {}", record.len(), columns.len()));
    }
    let mut object = Map::new();
    for (column, cell) in columns.iter().zip(record) {
        let text = std::str::from_utf8(cell).map_err(|_| "it is not UTF-8".to_owned())?;
        let value = match (*column, text) {
            ("value", text) => number(text.trim()),
            ("feed" | "note" | "quality", "") => continue,
            ("at" | "quality", text) => Value::from(text.trim()),
            (_, text) => Value::from(restored(text).into_owned()),
        };
        object.insert((*column).to_owned(), value);
    }
    Ok(Value::Object(object))
}

/// A number as JSON writes it; `null` deletes; anything else stays a text, which is refused later.
fn number(text: &str) -> Value {
    if text == "null" {
        return Value::Null;
    }
    let is_plain = text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    match text.parse::<f64>() {
        // What no float holds is out of bounds for a measure, as is the largest of them.
        Ok(value) if is_plain => Value::from(value.clamp(f64::MIN, f64::MAX)),
        Ok(_) | Err(_) => Value::from(text),
    }
}

/// What spreadsheets take for a formula.
fn is_formula(text: &str) -> bool {
    text.trim_start_matches('\'').starts_with(['=', '+', '-', '@', '\t', '\r'])
}

/// A text that no spreadsheet takes for a formula; [`restored`] gives it back.
pub fn neutralised(text: &str) -> Cow<'_, str> {
    if is_formula(text) { format!("'{text}").into() } else { text.into() }
}

/// The text behind [`neutralised`].
fn restored(text: &str) -> Cow<'_, str> {
    match text.strip_prefix('\'') {
        Some(rest) if is_formula(rest) => rest.into(),
        Some(_) | None => text.into(),
    }
}

/// A point as it is posted, to be read back in the same form.
pub struct Written<'a> {
    /// The key of the KPI.
    pub kpi: &'a str,
    /// The instant for which it stands.
    pub at: Moment,
    /// The value, in the unit of the KPI.
    pub value: f64,
    /// Whose number it is.
    pub feed: &'a str,
    /// A note.
    pub note: Option<&'a str>,
    /// Whether it was measured.
    pub quality: Quality,
}

/// One object per line.
pub fn write_lines<'a>(points: impl Iterator<Item = Written<'a>>) -> Vec<u8> {
    let mut lines = String::new();
    for Written { kpi, at, value, feed, note, quality } in points {
        let object = serde_json::json!({
            "kpi": kpi, "at": at, "value": value, "feed": feed, "note": note, "quality": quality,
        });
        lines.push_str(&object.to_string());
        lines.push('\n');
    }
    lines.into_bytes()
}

/// A header and one line per point.
pub fn write_csv<'a>(points: impl Iterator<Item = Written<'a>>) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    let header: Vec<&str> = COLUMNS.iter().map(|(name, _)| *name).collect();
    // Writing to memory does not fail.
    let _ = writer.write_record(header);
    for Written { kpi, at, value, feed, note, quality } in points {
        let _ = writer.write_record([
            neutralised(kpi).as_ref(),
            &at.to_string(),
            &exact(value),
            neutralised(feed).as_ref(),
            neutralised(note.unwrap_or_default()).as_ref(),
            quality.as_str(),
        ]);
    }
    writer.into_inner().unwrap_or_default()
}

/// The shortest text that reads as the same number.
pub fn exact(value: f64) -> String {
    if value != 0.0 && value.abs() < 1e-7 { format!("{value:e}") } else { value.to_string() }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn csv(text: &str) -> Vec<Item> {
        read(CSV, text.as_bytes()).expect("a batch")
    }

    fn refusal(media: &str, text: &str) -> Vec<(String, String)> {
        let problem = read(media, text.as_bytes()).expect_err("a refusal");
        problem.errors.into_iter().map(|error| (error.pointer, error.code)).collect()
    }

    #[test]
    fn csv_becomes_what_json_would_be() {
        let items =
            csv("\u{feff}at,kpi,value,note\r\n2026-03-31, churn ,4.2,\r\n2026-03-30,churn,null,\"a, b\"\n");
        assert_eq!(
            items,
            [
                Item::Read(json!({"at": "2026-03-31", "kpi": " churn ", "value": 4.2})),
                Item::Read(json!({"at": "2026-03-30", "kpi": "churn", "value": null, "note": "a, b"})),
            ]
        );
    }

    #[test]
    fn a_line_that_cannot_be_read_spoils_itself_only() {
        let items = csv("kpi,at,value\na,b\nchurn,2026-03-31,1\n");
        assert_eq!(items[0], Item::Malformed("line 2: it has 2 cells, and the header has 3".into()));
        assert!(matches!(items[1], Item::Read(_)));
        let body = b"{\"kpi\":\"a\"}\r\n\n{\"value\":1e400}\n{\n";
        let items = read(NDJSON, body).expect("a batch");
        assert_eq!(items.len(), 3);
        assert_eq!(items[0], Item::Read(json!({"kpi": "a"})));
        let Item::Malformed(reason) = &items[1] else { panic!("{:?}", items[1]) };
        assert_eq!(reason, "line 3: it is not acceptable JSON: number out of range at column 14");
    }

    #[test]
    fn a_header_that_lacks_or_invents_columns_refuses_the_whole() {
        let pair = |pointer: &str, code: &str| (pointer.to_owned(), code.to_owned());
        assert_eq!(
            refusal(CSV, "kpi,value,colour,value\nchurn,1,2,3\n"),
            [
                pair("/colour", "unknown_column"),
                pair("/value", "column_twice"),
                pair("/at", "missing_column")
            ]
        );
        assert_eq!(refusal(CSV, "").len(), 3);
        assert_eq!(refusal(CSV, "kpi,at,value\n"), [pair("", "too_few")]);
        assert_eq!(refusal(JSON, "[]"), [pair("", "too_few")]);
        assert_eq!(refusal(JSON, "{}"), [pair("", "wrong_type")]);
        let many = format!("[{}1]", "1,".repeat(MOST_POINTS));
        assert_eq!(refusal(JSON, &many), [pair("", "too_many")]);
        assert_eq!(refusal(NDJSON, &"1\n".repeat(MOST_POINTS + 1)), [pair("", "too_many")]);
    }

    #[test]
    fn numbers_are_read_as_json_has_them() {
        assert_eq!(number("-1.5e3"), json!(-1500.0));
        assert_eq!(number("1e400"), json!(f64::MAX));
        for text in ["", "NaN", "inf", "1,5", "0x10", "1_000", "four"] {
            assert_eq!(number(text), json!(text));
        }
    }

    #[test]
    fn formulas_are_neutralised_on_the_way_out_and_restored_on_the_way_in() {
        for text in ["=1+1", "+x", "-x", "@x", "\tx", "'=x", "''", "'tis", "plain", ""] {
            let out = neutralised(text);
            assert!(!out.starts_with(['=', '+', '-', '@', '\t']), "{text}");
            assert_eq!(restored(&out), text);
        }
        assert_eq!(neutralised("=1+1"), "'=1+1");
        assert_eq!(neutralised("'tis"), "'tis");
    }

    #[test]
    fn numbers_are_written_exactly() {
        for value in [4.2, -4.0, 0.0, 1e15, -999_999_999_999_999.9, 5e-324, 0.1 + 0.2] {
            assert_eq!(exact(value).parse(), Ok(value));
        }
        assert_eq!(exact(-4.0), "-4");
        assert_eq!(exact(5e-324), "5e-324");
    }
}
