//! Query parameters: every one is known, or the request is refused.

use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use utoipa::IntoParams;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{Schema, SchemaType, Type};

use super::body::{Input, Mode};
use super::problem::{Code, Problem, Result};
use super::routes::{Describe, Draft};
use crate::state::State;

/// The query of a request, read into `T`.
#[derive(Clone, Debug)]
pub struct Query<T> {
    raw: String,
    into: PhantomData<fn() -> T>,
}

impl<T: DeserializeOwned + Send + Sync + 'static> Input for Query<T> {
    type Parsed = T;

    const READS_QUERY: bool = true;

    fn parse(&self, _: &State) -> Result<T> {
        read(&self.raw)
    }
}

/// Reads a query string; unknown parameters are told, never ignored.
pub(super) fn read<T: DeserializeOwned>(raw: &str) -> Result<T> {
    if raw.contains("%00") {
        return Err(Problem::new(Code::InvalidQuery, "a value holds a NUL character"));
    }
    serde_html_form::from_str(raw).map_err(|error| Problem::new(Code::InvalidQuery, error.to_string()))
}

/// A query has no null: what is optional is left out.
pub(super) fn never_null(mut schema: RefOr<Schema>) -> RefOr<Schema> {
    let is_null = |schema: &RefOr<Schema>| match schema {
        RefOr::T(Schema::Object(object)) => object.schema_type == SchemaType::Type(Type::Null),
        _ => false,
    };
    match &mut schema {
        RefOr::T(Schema::OneOf(choice)) => {
            choice.items.retain(|item| !is_null(item));
            if let [only] = choice.items.as_slice() {
                return only.clone();
            }
        }
        // A named schema with a default of its own comes as both of them together.
        RefOr::T(Schema::AllOf(both)) => {
            if let [RefOr::T(Schema::Object(named)), RefOr::T(Schema::Object(own))] = both.items.as_slice() {
                let mut named = named.clone();
                named.default = own.default.clone();
                return never_null(RefOr::T(Schema::Object(named)));
            }
        }
        RefOr::T(Schema::Object(object)) => {
            if let SchemaType::Array(types) = &mut object.schema_type {
                types.retain(|one| *one != Type::Null);
                if let [only] = types.as_slice() {
                    object.schema_type = SchemaType::Type(only.clone());
                }
            }
        }
        _ => {}
    }
    schema
}

impl<T: 'static> FromRequest for Query<T> {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Ok(Self { raw: request.query_string().to_owned(), into: PhantomData }))
    }
}

impl<T: IntoParams + 'static> Describe for Query<T> {
    fn describe(draft: &mut Draft) {
        draft.parameters(T::into_params(|| Some(utoipa::openapi::path::ParameterIn::Query)));
        draft.refuses(&[Code::InvalidQuery]);
    }
}

/// `dry_run=true`: judged and shown, and nothing is stored.
#[derive(Clone, Copy, Debug, serde::Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub struct DryRun {
    /// Whether only to judge and show, and store nothing.
    #[param(default = false)]
    #[serde(default)]
    dry_run: bool,
}

impl DryRun {
    /// Whether the write is for real.
    pub fn mode(&self) -> Mode {
        if self.dry_run { Mode::Rehearsal } else { Mode::ForReal }
    }
}

/// The query of an operation that can be rehearsed.
#[derive(Clone, Debug)]
pub struct Rehearsable(Query<DryRun>);

impl Input for Rehearsable {
    type Parsed = DryRun;

    const READS_QUERY: bool = true;

    fn parse(&self, state: &State) -> Result<DryRun> {
        self.0.parse(state)
    }

    fn mode(parsed: &DryRun) -> Mode {
        parsed.mode()
    }
}

impl FromRequest for Rehearsable {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        std::future::ready(Query::from_request(request, payload).into_inner().map(Self))
    }
}

impl Describe for Rehearsable {
    fn describe(draft: &mut Draft) {
        Query::<DryRun>::describe(draft);
    }
}
