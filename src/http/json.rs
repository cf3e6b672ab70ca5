//! Reading JSON strictly: no key twice, no nesting without end, no number that is not finite.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::problem::{Code, Problem, Result};

/// Deeper than any body that Regimen takes.
const DEPTH: u8 = 32;
/// Up to here every whole number has a float of its own: 2^53.
const LARGEST_WHOLE: f64 = 9_007_199_254_740_992.0;

/// Reads one JSON text, or says at which line and column it stops being one.
pub fn read(bytes: &[u8]) -> Result<Value> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    Strict { depth: DEPTH }
        .deserialize(&mut deserializer)
        .and_then(|value| deserializer.end().map(|()| value))
        .map_err(|error| {
            Problem::new(Code::MalformedBody, format!("the body is not acceptable JSON: {error}"))
        })
}

#[derive(Clone, Copy)]
struct Strict {
    depth: u8,
}

impl Strict {
    fn deeper<E: Error>(self) -> Result<Self, E> {
        match self.depth.checked_sub(1) {
            Some(depth) => Ok(Self { depth }),
            None => Err(E::custom(format!("nested deeper than {DEPTH}"))),
        }
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E: Error>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<Value, E> {
        // 22.0 is a whole number to JSON Schema, and so it is to fields that take only those.
        if value.fract() == 0.0 && value.abs() <= LARGEST_WHOLE {
            return Ok(Value::from(value as i64));
        }
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("number out of range"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E: Error>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut list = Vec::new();
        while let Some(item) = items.next_element_seed(inner)? {
            list.push(item);
        }
        Ok(Value::Array(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Value, A::Error> {
        let inner = self.deeper()?;
        let mut object = Map::new();
        while let Some(key) = entries.next_key::<String>()? {
            if object.contains_key(&key) {
                let shown: String = key.chars().take(64).collect();
                return Err(A::Error::custom(format!("the key {shown:?} stands twice")));
            }
            let value = entries.next_value_seed(inner)?;
            object.insert(key, value);
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refusal(text: &str) -> String {
        read(text.as_bytes()).map(|value| format!("read as {value}")).unwrap_or_else(|problem| problem.detail)
    }

    #[test]
    fn what_is_json_is_read_and_what_is_not_is_placed() {
        assert_eq!(
            read(br#"{"a":[1,2.5,null,true,"x"]}"#).ok(),
            Some(serde_json::json!({"a":[1,2.5,null,true,"x"]}))
        );
        assert_eq!(
            read(b"[22.0,-0.0,1e3]").ok().map(|value| value.to_string()).as_deref(),
            Some("[22,0,1000]")
        );
        assert_eq!(read(b"[1e17,0.5]").ok().map(|value| value.to_string()).as_deref(), Some("[1e+17,0.5]"));
        let cases = [
            ("", "line 1 column 0"),
            ("{\"value\": 1e400}", "line 1 column 15"),
            ("{\"value\": NaN}", "line 1 column 11"),
            ("{\"a\":1,\"a\":2}", "the key \"a\" stands twice"),
            ("{\"a\":{\"b\":1,\"b\":1}}", "stands twice"),
            ("{\"a\":1} x", "trailing characters"),
            ("{\"a\":", "line 1"),
            ("\"\\ud800\"", "line 1"),
        ];
        for (text, said) in cases {
            assert!(refusal(text).contains(said), "{text}: {}", refusal(text));
        }
        let deep = "[".repeat(100_000);
        assert!(refusal(&deep).contains("nested deeper"), "{}", refusal(&deep));
    }
}
