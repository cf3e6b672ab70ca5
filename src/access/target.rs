//! What a request is about: the things that its path names, found first and granted then.

use std::marker::PhantomData;
use std::ops::Deref;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpRequest};

use super::policy::{Action, Facts};
use super::scoped::Scoped;
use crate::http::{Code, Describe, Draft, Problem, Result};
use crate::store::id::IdError;

/// A row that the policy can judge.
pub trait Resource: Sized + Send + 'static {
    /// The parameter of the path that names it, such as `objective`.
    const PARAMETER: &'static str;

    /// Loads it from the caller's workspace by what the path says: 400 for another kind of id, 404
    /// where it is not there. Whether the caller may see it is asked by [`Scoped::find`], which is
    /// what everybody else calls.
    fn load(tx: &mut Scoped, reference: &str) -> Result<Self>;

    /// What the policy looks at.
    fn facts(&self) -> Facts;

    /// The version that edits compare.
    fn version(&self) -> Option<i32>;
}

/// A row on which an action was allowed to this caller, in this transaction.
#[derive(Debug)]
pub struct Granted<T>(T);

impl<T> Granted<T> {
    /// Only the policy makes one.
    pub(super) fn new(row: T) -> Self {
        Self(row)
    }

    /// The row.
    pub fn into_inner(self) -> T {
        self.0
    }
}

impl<T> Deref for Granted<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

/// What a request is about.
pub trait Target: Clone + Send + Sync + 'static {
    /// Found, not yet granted.
    type Located;
    /// Found and granted.
    type Found;

    /// Finds it: 400 and 404.
    fn locate(&self, tx: &mut Scoped) -> Result<Self::Located>;

    /// Asks the policy: 403.
    fn grant(&self, tx: &mut Scoped, located: Self::Located) -> Result<Self::Found>;

    /// The version that `If-Match` compares, where there is one.
    fn version(_: &Self::Found) -> Option<i32> {
        None
    }
}

/// Nothing but the workspace, or not even that.
impl Target for () {
    type Located = ();
    type Found = ();

    fn locate(&self, _: &mut Scoped) -> Result<()> {
        Ok(())
    }

    fn grant(&self, _: &mut Scoped, (): ()) -> Result<()> {
        Ok(())
    }
}

impl<A: Target, B: Target> Target for (A, B) {
    type Located = (A::Located, B::Located);
    type Found = (A::Found, B::Found);

    fn locate(&self, tx: &mut Scoped) -> Result<Self::Located> {
        Ok((self.0.locate(tx)?, self.1.locate(tx)?))
    }

    fn grant(&self, tx: &mut Scoped, located: Self::Located) -> Result<Self::Found> {
        Ok((self.0.grant(tx, located.0)?, self.1.grant(tx, located.1)?))
    }

    fn version(found: &Self::Found) -> Option<i32> {
        A::version(&found.0)
    }
}

/// A row that the path names, before anybody said what for.
#[derive(Debug)]
pub struct At<T> {
    reference: String,
    of: PhantomData<fn() -> T>,
}

impl<T> At<T> {
    /// Says what for.
    pub fn to(self, action: Action) -> Wanted<T> {
        Wanted { reference: self.reference, action, of: PhantomData }
    }

    /// For whoever finds it: what is not theirs to know was not found, and nothing more is asked.
    pub fn whoever_finds_it(self) -> Findable<T> {
        Findable { reference: self.reference, of: PhantomData }
    }
}

/// A row that the path names, for whoever finds it.
#[derive(Debug)]
pub struct Findable<T> {
    reference: String,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Findable<T> {
    fn clone(&self) -> Self {
        Self { reference: self.reference.clone(), of: PhantomData }
    }
}

impl<T: Resource> Target for Findable<T> {
    type Located = T;
    type Found = T;

    fn locate(&self, tx: &mut Scoped) -> Result<T> {
        tx.find(&self.reference)
    }

    fn grant(&self, _: &mut Scoped, located: T) -> Result<T> {
        Ok(located)
    }

    fn version(found: &T) -> Option<i32> {
        found.version()
    }
}

/// A row that the path names, and what is to be done with it.
#[derive(Debug)]
pub struct Wanted<T> {
    reference: String,
    action: Action,
    of: PhantomData<fn() -> T>,
}

impl<T> Clone for Wanted<T> {
    fn clone(&self) -> Self {
        Self { reference: self.reference.clone(), action: self.action, of: PhantomData }
    }
}

impl<T: Resource> Target for Wanted<T> {
    type Located = T;
    type Found = Granted<T>;

    fn locate(&self, tx: &mut Scoped) -> Result<T> {
        tx.find(&self.reference)
    }

    fn grant(&self, tx: &mut Scoped, located: T) -> Result<Granted<T>> {
        tx.require(self.action, &located.facts())?;
        Ok(Granted::new(located))
    }

    fn version(found: &Granted<T>) -> Option<i32> {
        found.version()
    }
}

impl<T: Resource> FromRequest for At<T> {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(
            segment(request, T::PARAMETER).map(|reference| Self { reference, of: PhantomData }),
        )
    }
}

impl<T: Resource> Describe for At<T> {
    fn describe(draft: &mut Draft) {
        draft.refuses(&[Code::InvalidId, Code::NotFound]);
    }
}

/// A value in the path that is not a row: a date, a code.
pub trait FromSegment: Sized + Send + 'static {
    /// The parameter of the path.
    const PARAMETER: &'static str;

    /// What reading it may refuse with.
    const REFUSES: &'static [Code] = &[Code::InvalidId];

    /// Reads it, in the workspace's own calendar where that matters.
    fn read(tx: &mut Scoped, text: &str) -> Result<Self>;
}

/// A value that the path holds.
#[derive(Debug)]
pub struct Segment<V> {
    text: String,
    of: PhantomData<fn() -> V>,
}

impl<V> Segment<V> {
    /// What the path says, for handlers that do something between the first look and the write.
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl<V> Clone for Segment<V> {
    fn clone(&self) -> Self {
        Self { text: self.text.clone(), of: PhantomData }
    }
}

impl<V: FromSegment> Target for Segment<V> {
    type Located = V;
    type Found = V;

    fn locate(&self, tx: &mut Scoped) -> Result<V> {
        V::read(tx, &self.text)
    }

    fn grant(&self, _: &mut Scoped, located: V) -> Result<V> {
        Ok(located)
    }
}

impl<V: FromSegment> FromRequest for Segment<V> {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        std::future::ready(segment(request, V::PARAMETER).map(|text| Self { text, of: PhantomData }))
    }
}

impl<V: FromSegment> Describe for Segment<V> {
    fn describe(draft: &mut Draft) {
        draft.refuses(V::REFUSES);
    }
}

/// A segment of the matched path, percent-decoded.
pub(super) fn segment(request: &HttpRequest, parameter: &str) -> Result<String> {
    let raw = request.match_info().get(parameter).unwrap_or_default();
    let pairs: Vec<(String, String)> =
        serde_html_form::from_str(&format!("s={}", raw.replace('+', "%2B").replace('&', "%26")))
            .map_err(|_| Problem::new(Code::InvalidId, "the path is not UTF-8"))?;
    match pairs.into_iter().next() {
        Some((_, text)) if !text.is_empty() && text.len() <= 1024 && !text.contains('\0') => Ok(text),
        _ => Err(Problem::new(Code::InvalidId, format!("{parameter} cannot be read"))),
    }
}

/// The refusal of an id of the wrong form or kind.
pub fn invalid_id(error: IdError) -> Problem {
    Problem::new(Code::InvalidId, error.to_string())
}
