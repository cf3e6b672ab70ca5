//! Merge patches (RFC 7396): absent leaves, `null` clears, objects merge, arrays are replaced.
//!
//! The merged object is judged as a new one would be, by the same schema and rules.

use std::borrow::Cow;
use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::web::Bytes;
use actix_web::{FromRequest, HttpRequest};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::{PartialSchema, ToSchema};

use super::body::{self, Input, ORDINARY, Rules};
use super::json;
use super::problem::{Code, Problem, Result};
use super::routes::{Describe, Draft};
use super::schema;
use crate::state::State;

const MEDIA: &[&str] = &["application/merge-patch+json", "application/json"];

/// The body of a PATCH on something that is made of a `T`.
#[derive(Clone, Debug)]
pub struct PatchBody<T> {
    raw: Bytes,
    of: PhantomData<fn() -> T>,
}

/// The fields that were sent.
#[derive(Clone, Debug)]
pub struct Patch<T> {
    sent: Map<String, Value>,
    version: Option<i64>,
    of: PhantomData<fn() -> T>,
}

/// Fields that are made by POST and changed by PATCH: one type for both.
pub trait Fields:
    Serialize + DeserializeOwned + ToSchema + Rules + PartialEq + Send + Sync + 'static
{
}

impl<T> Fields for T where
    T: Serialize + DeserializeOwned + ToSchema + Rules + PartialEq + Send + Sync + 'static
{
}

impl<T: Fields> Patch<T> {
    /// What `current` becomes, judged as a whole; `None` where nothing changes.
    pub fn merged(&self, current: &T, version: i32) -> Result<Option<T>> {
        if self.version.is_some_and(|sent| sent != i64::from(version)) {
            return Err(Problem::new(Code::VersionConflict, format!("the present version is {version}")));
        }
        let mut value = serde_json::to_value(current).map_err(|error| {
            Problem::new(Code::Internal, format!("the present state cannot be shown: {error}"))
        })?;
        merge(&mut value, &self.sent);
        schema::check::<T>(&value)?;
        let merged: T = body::judged(value)?;
        Ok((merged != *current).then_some(merged))
    }

    /// The fields that were sent, for events.
    pub fn sent(&self) -> &Map<String, Value> {
        &self.sent
    }
}

fn merge(into: &mut Value, patch: &Map<String, Value>) {
    if !into.is_object() {
        *into = Value::Object(Map::new());
    }
    if let Value::Object(fields) = into {
        for (name, value) in patch {
            match value {
                Value::Object(inner) => merge(fields.entry(name.as_str()).or_insert(Value::Null), inner),
                other => {
                    fields.insert(name.clone(), other.clone());
                }
            }
        }
    }
}

impl<T: Fields> Input for PatchBody<T> {
    type Parsed = Patch<T>;

    fn parse(&self, _: &State) -> Result<Patch<T>> {
        let value = json::read(&self.raw)?;
        schema::check::<PatchOf<T>>(&value)?;
        match value {
            Value::Object(mut sent) => {
                let version = sent.remove("version").and_then(|version| version.as_i64());
                Ok(Patch { sent, version, of: PhantomData })
            }
            _ => Err(Problem::field("", "wrong_type", "a merge patch is an object")),
        }
    }

    fn raw(&self) -> &[u8] {
        &self.raw
    }
}

impl<T: 'static> FromRequest for PatchBody<T> {
    type Error = Problem;
    type Future = std::pin::Pin<Box<dyn std::future::Future<Output = Result<Self>>>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let raw = body::take(request, payload, MEDIA, ORDINARY);
        Box::pin(async move { Ok(Self { raw: raw.await?.1, of: PhantomData }) })
    }
}

impl<T: ToSchema + 'static> Describe for PatchBody<T> {
    fn describe(draft: &mut Draft) {
        draft.takes::<PatchOf<T>>(MEDIA);
        draft.also_knows::<T>();
        draft.refuses(body::REFUSALS);
        draft.refuses(&[Code::VersionConflict]);
    }
}

/// The schema of a patch: the fields of `T`, all of them optional, and the version that it expects.
pub struct PatchOf<T>(PhantomData<T>);

impl<T: ToSchema> PartialSchema for PatchOf<T> {
    fn schema() -> RefOr<Schema> {
        match T::schema() {
            RefOr::T(Schema::Object(mut object)) => {
                object.required.clear();
                object.description = Some("The fields to change; absent ones stay, `null` clears.".into());
                object.example = None;
                object.examples.clear();
                object.properties.insert(
                    "version".into(),
                    ObjectBuilder::new()
                        .schema_type(Type::Integer)
                        .minimum(Some(1))
                        .description(Some("The version that this change is meant for; another one is a 409."))
                        .into(),
                );
                RefOr::T(Schema::Object(object))
            }
            other => other,
        }
    }
}

impl<T: ToSchema> ToSchema for PatchOf<T> {
    fn name() -> Cow<'static, str> {
        let name = T::name();
        format!("{}Patch", name.strip_prefix("New").unwrap_or(&name)).into()
    }

    fn schemas(schemas: &mut Vec<(String, RefOr<Schema>)>) {
        T::schemas(schemas);
    }
}
