//! Lists, a page at a time: limits, cursors that only this list made, and the link to the next page.

use std::marker::PhantomData;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use utoipa::openapi::path::{Parameter, ParameterBuilder, ParameterIn};
use utoipa::openapi::schema::{ArrayBuilder, ObjectBuilder, Schema, Type};
use utoipa::openapi::{RefOr, Required};
use utoipa::{IntoParams, ToSchema};

use super::answer::{Answers, Reply};
use super::body::Input;
use super::document::Header;
use super::problem::{Code, Problem, Result};
use super::query;
use super::routes::{Describe, Draft};
use crate::access::cursor_seal;
use crate::state::State;

/// Items on a page where the caller does not say.
const DEFAULT_LIMIT: usize = 50;
/// Items on a page at the most.
const MAX_LIMIT: usize = 200;

/// Lists that hold more than others are read by programs: those get all that fits.
const fn default_limit(max: usize) -> usize {
    if max > MAX_LIMIT || max < DEFAULT_LIMIT { max } else { DEFAULT_LIMIT }
}

/// The query of a list: a filter of type `F`, and which page of it.
#[derive(Debug)]
pub struct Listing<F, const MAX: usize = MAX_LIMIT> {
    path: String,
    raw: String,
    filter: PhantomData<fn() -> F>,
}

/// Which page of a list.
#[derive(Debug)]
pub struct Paging {
    /// Items on the page at the most.
    pub limit: usize,
    /// Whether the number of all items is wanted.
    pub total: Total,
    after: Option<Vec<u8>>,
    scope: Vec<String>,
    cursor_key: [u8; 32],
}

/// Whether the number of all items is wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Total {
    /// It is.
    Wanted,
    /// It is not.
    NotWanted,
}

impl<F: DeserializeOwned + Send + Sync + 'static, const MAX: usize> Input for Listing<F, MAX> {
    type Parsed = (F, Paging);

    const READS_QUERY: bool = true;

    fn parse(&self, state: &State) -> Result<(F, Paging)> {
        let pairs: Vec<(String, String)> = query::read(&self.raw)?;
        let mut rest = Vec::new();
        let (mut limit, mut cursor, mut total) = (None, None, Total::NotWanted);
        for (name, value) in pairs {
            match (name.as_str(), value.as_str()) {
                ("limit", _) if limit.is_none() => limit = Some(value),
                ("cursor", _) if cursor.is_none() => cursor = Some(value),
                ("limit" | "cursor", _) => {
                    return Err(Problem::new(Code::InvalidQuery, format!("{name} stands twice")));
                }
                ("include", "total") => total = Total::Wanted,
                _ => rest.push((name, value)),
            }
        }
        let limit = match limit.as_deref().map(str::parse::<usize>) {
            None => default_limit(MAX),
            Some(Ok(limit)) if (1..=MAX).contains(&limit) => limit,
            Some(_) => {
                return Err(Problem::new(
                    Code::InvalidQuery,
                    format!("limit must be a whole number from 1 to {MAX}"),
                ));
            }
        };
        let raw = serde_html_form::to_string(&rest).unwrap_or_default();
        let filter: F = query::read(&raw)?;
        rest.sort();
        let scope = vec![self.path.clone(), serde_html_form::to_string(&rest).unwrap_or_default()];
        let parts: Vec<&str> = scope.iter().map(String::as_str).collect();
        let after = match cursor {
            None => None,
            Some(cursor) => Some(cursor_seal::open(&state.cursor_key, &parts, &cursor).ok_or_else(|| {
                Problem::new(Code::CursorNotFound, "this list, with these filters, made no such cursor")
            })?),
        };
        Ok((filter, Paging { limit, total, after, scope, cursor_key: state.cursor_key }))
    }
}

impl<F: 'static, const MAX: usize> FromRequest for Listing<F, MAX> {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(Ok(Self {
            path: request.path().to_owned(),
            raw: request.query_string().to_owned(),
            filter: PhantomData,
        }))
    }
}

impl<F: IntoParams + 'static, const MAX: usize> Describe for Listing<F, MAX> {
    fn describe(draft: &mut Draft) {
        draft.parameters(F::into_params(|| Some(ParameterIn::Query)));
        draft.parameters(paging_parameters(MAX));
        draft.refuses(&[Code::InvalidQuery, Code::CursorNotFound]);
    }
}

fn paging_parameters(max: usize) -> Vec<Parameter> {
    let parameter = |name: &str, description: &str, schema: RefOr<Schema>| {
        ParameterBuilder::new()
            .name(name)
            .parameter_in(ParameterIn::Query)
            .required(Required::False)
            .description(Some(description))
            .schema(Some(schema))
            .build()
    };
    vec![
        parameter(
            "limit",
            "Items on the page at the most.",
            ObjectBuilder::new()
                .schema_type(Type::Integer)
                .minimum(Some(1))
                .maximum(Some(max))
                .default(Some(default_limit(max).into()))
                .into(),
        ),
        parameter(
            "cursor",
            "`next_cursor` of the page before, as it came.",
            ObjectBuilder::new().schema_type(Type::String).max_length(Some(1024)).into(),
        ),
        parameter(
            "include",
            "`total` adds the number of all items.",
            ArrayBuilder::new()
                .items(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(["total"])))
                .into(),
        ),
    ]
}

/// Where a page ended: the sort key of its last item and its id as text, which break ties.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Position {
    /// The sort key.
    pub key: String,
    /// The id.
    pub id: String,
}

impl Paging {
    /// The position after which this page begins.
    pub fn after<P: DeserializeOwned>(&self) -> Result<Option<P>> {
        match &self.after {
            None => Ok(None),
            Some(bytes) => serde_json::from_slice(bytes)
                .map(Some)
                .map_err(|_| Problem::new(Code::CursorNotFound, "the cursor holds no position of this list")),
        }
    }

    /// How many rows to load: one more than the page holds, to know whether there is a next one.
    pub fn rows(&self) -> i64 {
        i64::try_from(self.limit).unwrap_or(i64::MAX).saturating_add(1)
    }

    /// The cursor of a page that ends at `position`.
    pub fn cursor(&self, position: &impl Serialize) -> String {
        let parts: Vec<&str> = self.scope.iter().map(String::as_str).collect();
        cursor_seal::seal(&self.cursor_key, &parts, &serde_json::to_vec(position).unwrap_or_default())
    }

    /// Makes the page of rows that were loaded with one more than it holds.
    pub fn page<T, P: Serialize>(
        &self,
        mut rows: Vec<T>,
        total: Option<i64>,
        position: impl Fn(&T) -> P,
    ) -> Paged<T> {
        let more = rows.len() > self.limit;
        rows.truncate(self.limit);
        let next_cursor = match rows.last() {
            Some(last) if more => Some(self.cursor(&position(last))),
            _ => None,
        };
        Paged { rows, next_cursor, total }
    }

    /// Makes the page out of all rows in order, for lists that are filtered in memory.
    pub fn page_of_all<T, P: Serialize + DeserializeOwned + PartialOrd>(
        &self,
        rows: Vec<T>,
        position: impl Fn(&T) -> P,
    ) -> Result<Paged<T>> {
        let after: Option<P> = self.after()?;
        let total = match self.total {
            Total::Wanted => Some(i64::try_from(rows.len()).unwrap_or(i64::MAX)),
            Total::NotWanted => None,
        };
        let rest: Vec<T> = rows
            .into_iter()
            .skip_while(|row| after.as_ref().is_some_and(|after| position(row) <= *after))
            .take(self.limit + 1)
            .collect();
        Ok(self.page(rest, total, position))
    }

    /// The path of the page that begins at a cursor.
    fn link(&self, cursor: &str) -> String {
        let path = &self.scope[0];
        let filter = self.scope.get(1).map_or("", String::as_str);
        let and = if filter.is_empty() { "" } else { "&" };
        format!("{path}?{filter}{and}limit={}&cursor={cursor}", self.limit)
    }
}

/// The rows of a page, before they are shown.
#[derive(Debug)]
pub struct Paged<T> {
    /// The rows.
    pub rows: Vec<T>,
    /// The cursor of the next page.
    pub next_cursor: Option<String>,
    /// The number of all items, where it was asked for.
    pub total: Option<i64>,
}

/// A concrete page type: `page_type!(KpiPage, Kpi)`.
macro_rules! page_type {
    ($page:ident, $item:ty) => {
        #[doc = concat!("A page of `", stringify!($item), "`.")]
        #[derive(Debug, serde::Serialize, utoipa::ToSchema)]
        #[schema(description = concat!("A page of `", stringify!($item), "`."))]
        pub struct $page {
            /// The items of this page, in the list's order.
            #[schema(max_items = 10000)]
            pub items: Vec<$item>,
            /// Hand it back as `cursor` for the next page; null on the last one.
            #[schema(value_type = Option<$crate::http::text::Cursor>)]
            pub next_cursor: Option<String>,
            /// The number of all items, with `include=total`; else null.
            #[schema(minimum = 0)]
            pub total: Option<i64>,
        }

        impl $crate::http::page::PageType for $page {
            type Item = $item;

            fn new(items: Vec<$item>, next_cursor: Option<String>, total: Option<i64>) -> Self {
                Self { items, next_cursor, total }
            }
        }
    };
}
pub(crate) use page_type;

/// What `page_type!` makes.
pub trait PageType: Serialize + ToSchema {
    /// The type of the items.
    type Item;

    /// A page of items.
    fn new(items: Vec<Self::Item>, next_cursor: Option<String>, total: Option<i64>) -> Self;
}

/// 200 with a page, and the link to the next.
#[derive(Debug)]
pub struct Page<P> {
    page: P,
    next: Option<String>,
}

impl<P: PageType> Page<P> {
    /// Shows the rows of a page.
    pub fn show<T>(paging: &Paging, paged: Paged<T>, show: impl FnMut(T) -> P::Item) -> Self {
        let next = paged.next_cursor.as_deref().map(|cursor| paging.link(cursor));
        let items = paged.rows.into_iter().map(show).collect();
        Self { page: P::new(items, paged.next_cursor, paged.total), next }
    }
}

impl Paging {
    /// The path of the next page, for answers that are not JSON.
    pub fn next_link<T>(&self, paged: &Paged<T>) -> Option<String> {
        paged.next_cursor.as_deref().map(|cursor| self.link(cursor))
    }
}

impl<P: PageType> Answers for Page<P> {
    fn into_reply(self) -> Reply {
        Reply::page(&self.page, self.next)
    }

    fn describe(draft: &mut Draft) {
        draft.answers::<P>(200, "A page of the list.");
        draft.header(200, Header::Link);
    }
}
