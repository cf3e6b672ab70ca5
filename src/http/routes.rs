//! Mounting is documenting: one entry per path mounts its methods as one resource and feeds the
//! OpenAPI document from the very types that the handlers take and answer.
//!
//! One resource per path is what makes 405 with `Allow`, HEAD and OPTIONS come out right.

use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::marker::PhantomData;
use std::sync::{Arc, LazyLock};

use actix_web::http::Method;
use actix_web::{
    FromRequest, Handler, HttpRequest, HttpResponse, Resource, ResponseError, Route, guard, web,
};
use utoipa::ToSchema;
use utoipa::openapi::path::Parameter;
use utoipa::openapi::request_body::{RequestBody, RequestBodyBuilder};
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::{ContentBuilder, Ref, RefOr, Required};

use super::answer::{Answer, Answers, Typed};
use super::document::Header;
use super::problem::{Code, Problem};
use super::query;

/// Something that a handler takes, and what it means for the document.
pub trait Describe {
    /// Adds what this adds to the operation.
    fn describe(draft: &mut Draft);
}

/// Refusals that an operation has beyond those of its other arguments.
pub trait Refusals: 'static {
    /// Their codes.
    const CODES: &'static [Code];
}

/// Says in the document what else an operation may refuse with; it takes nothing from the request.
#[derive(Debug)]
pub struct Refuses<R>(PhantomData<fn() -> R>);

impl<R: Refusals> FromRequest for Refuses<R> {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(_: &HttpRequest, _: &mut actix_web::dev::Payload) -> Self::Future {
        std::future::ready(Ok(Self(PhantomData)))
    }
}

impl<R: Refusals> Describe for Refuses<R> {
    fn describe(draft: &mut Draft) {
        draft.refuses(R::CODES);
    }
}

/// A handler whose arguments and answer describe themselves.
pub trait Documented<Args>: Handler<Args> {
    /// The media types that it answers with.
    const MEDIA: &'static [&'static str];

    /// Describes all of it.
    fn describe() -> Draft;
}

macro_rules! documented {
    ($($argument:ident)*) => {
        impl<Function, Fut, R, $($argument,)*> Documented<($($argument,)*)> for Function
        where
            Function: Fn($($argument,)*) -> Fut + Clone + 'static,
            Fut: Future<Output = Answer<R>>,
            R: Answers + 'static,
            Typed<R>: actix_web::Responder,
            $($argument: Describe + FromRequest,)*
        {
            const MEDIA: &'static [&'static str] = R::MEDIA;

            fn describe() -> Draft {
                let mut draft = Draft::default();
                $($argument::describe(&mut draft);)*
                R::describe(&mut draft);
                draft
            }
        }
    };
}
documented!(A);
documented!(A B);
documented!(A B C);
documented!(A B C D);
documented!(A B C D E);

/// All paths of a slice.
pub struct Routes(pub Vec<PathEntry>);

/// One path with its methods.
pub struct PathEntry {
    /// The path, with its parameters in braces.
    pub path: &'static str,
    /// The methods that it takes.
    pub operations: Vec<Operation>,
}

/// One method of a path.
pub struct Operation {
    /// The method.
    pub method: Method,
    /// The name of the handler: the document's `operationId`.
    pub id: &'static str,
    /// The group of the document in which it stands.
    pub tag: &'static str,
    /// What it does: a line, and then more.
    pub doc: String,
    /// What the handler's types say of it, where the document asks.
    pub draft: LazyLock<Draft>,
    /// Says it anew, to what keeps less of it.
    pub describe: fn() -> Draft,
    /// The media types that it answers with.
    pub media: &'static [&'static str],
    route: Arc<dyn Fn() -> Route + Send + Sync>,
}

impl Operation {
    /// A method of a path, from the handler itself.
    pub fn new<F, Args>(method: Method, tag: &'static str, id: &'static str, doc: &[&str], handler: F) -> Self
    where
        F: Documented<Args> + Send + Sync,
        Args: FromRequest + 'static,
        F::Output: actix_web::Responder + 'static,
    {
        let matched = method.clone();
        Self {
            method,
            tag,
            id,
            doc: doc.iter().map(|line| line.trim()).collect::<Vec<_>>().join("\n"),
            draft: LazyLock::new(F::describe),
            describe: F::describe,
            media: F::MEDIA,
            route: Arc::new(move || {
                let route = match matched {
                    Method::GET => reading(),
                    ref method => web::method(method.clone()),
                };
                route.to(handler.clone())
            }),
        }
    }
}

/// The path of a workspace.
pub const WORKSPACE: &str = "/v1/workspaces/{workspace}";

impl PathEntry {
    /// The path below a workspace, if it is there: the collection, and what follows.
    pub fn inside(&self) -> Option<(&'static str, &'static str)> {
        let path = self.path.strip_prefix(WORKSPACE)?;
        let name = path.strip_prefix('/')?;
        Some(path.split_at(1 + name.find('/').unwrap_or(name.len())))
    }

    /// The actix resource of this path, or of what follows the scope that it stands in.
    pub fn resource(&self, path: &'static str) -> Resource {
        resource(path, self.allow(), self.operations.iter().map(|operation| (operation.route)()))
    }

    fn allow(&self) -> String {
        let mut methods: Vec<&str> = Vec::new();
        for operation in &self.operations {
            methods.push(operation.method.as_str());
            if operation.method == Method::GET {
                methods.push("HEAD");
            }
        }
        methods.push("OPTIONS");
        methods.join(", ")
    }
}

/// A page that stands beside the document: it takes GET and HEAD.
pub fn page<F, Args>(path: &'static str, handler: F) -> Resource
where
    F: Handler<Args>,
    Args: FromRequest + 'static,
    F::Output: actix_web::Responder + 'static,
{
    resource(path, "GET, HEAD, OPTIONS".into(), [reading().to(handler)])
}

/// What answers a path whose other methods are mounted elsewhere.
pub fn other_methods(path: &'static str, allow: &str) -> Resource {
    resource(path, allow.into(), [])
}

/// What answers GET answers HEAD; the server leaves out the body.
fn reading() -> Route {
    web::route().guard(guard::Any(guard::Get()).or(guard::Head()))
}

/// One path with its methods, OPTIONS, and 405 for all others.
fn resource(path: &'static str, allow: String, routes: impl IntoIterator<Item = Route>) -> Resource {
    let options = allow.clone();
    routes
        .into_iter()
        .fold(web::resource(path), Resource::route)
        .route(web::method(Method::OPTIONS).to(move || {
            let allow = options.clone();
            async move { HttpResponse::NoContent().insert_header(("allow", allow)).finish() }
        }))
        .default_service(web::to(move |request: HttpRequest| {
            let allow = allow.clone();
            async move {
                let mut problem = Problem::new(
                    Code::MethodNotAllowed,
                    format!("{} is not allowed here; {allow} are", request.method()),
                );
                problem.allow = Some(allow);
                problem.error_response()
            }
        }))
}

/// What is known of an operation before the document is finished.
#[derive(Clone, Default)]
pub struct Draft {
    /// Parameters of query and header.
    pub parameters: Vec<Parameter>,
    /// The body that it takes.
    pub body: Option<RequestBody>,
    /// The schema of the body, by name.
    pub body_schema: Option<String>,
    /// What it answers when all is well.
    pub answers: BTreeMap<u16, Response>,
    /// What it may refuse with.
    pub refusals: BTreeSet<u16>,
    /// The codes behind the refusals.
    pub codes: Vec<Code>,
    /// Schemas that the document needs for it.
    pub schemas: Vec<(String, RefOr<Schema>)>,
    /// Who may call: nothing where it is open to all.
    pub security: Option<&'static str>,
    /// Whether `Idempotency-Key` is taken.
    pub repeatable: Repeatable,
    /// A sentence about who may call, for the description.
    pub access: Option<String>,
}

/// Whether an operation takes an `Idempotency-Key`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Repeatable {
    /// It does, where it is a POST.
    #[default]
    Keyed,
    /// It does not: its answer bears a secret, or it has no caller.
    Never,
}

/// One answer of an operation.
#[derive(Clone, Default)]
pub struct Response {
    /// What it means.
    pub description: &'static str,
    /// The schema of its body, if it has one.
    pub schema: Option<String>,
    /// Other media types that it is sent as.
    pub other_media: Vec<&'static str>,
    /// Headers beyond those of every answer.
    pub headers: Vec<Header>,
}

impl Draft {
    /// It answers `status` with a `T`.
    pub fn answers<T: ToSchema>(&mut self, status: u16, description: &'static str) {
        self.also_knows::<T>();
        let response = self.answers.entry(status).or_default();
        response.description = description;
        response.schema = Some(T::name().into_owned());
    }

    /// It answers `status` without a body.
    pub fn answers_nothing(&mut self, status: u16, description: &'static str) {
        self.answers.entry(status).or_default().description = description;
    }

    /// The answer is also sent as plain text.
    pub fn also_as_text(&mut self, status: u16) {
        self.also_as(status, "text/plain");
    }

    /// The answer is also sent as another media type.
    pub fn also_as(&mut self, status: u16, media: &'static str) {
        self.answers.entry(status).or_default().other_media.push(media);
    }

    /// The answer has a header.
    pub fn header(&mut self, status: u16, header: Header) {
        self.answers.entry(status).or_default().headers.push(header);
    }

    /// It takes a `T` as its body.
    pub fn takes<T: ToSchema>(&mut self, media: &[&str]) {
        self.also_knows::<T>();
        let name = T::name().into_owned();
        let mut body = RequestBodyBuilder::new().required(Some(Required::True));
        for media in media {
            body = body
                .content(*media, ContentBuilder::new().schema(Some(Ref::from_schema_name(&name))).build());
        }
        self.body = Some(body.build());
        self.body_schema = Some(name);
    }

    /// Its body may come in other media types too, as text of some form.
    pub fn takes_text(&mut self, media: &str, description: &str, longest: usize) {
        let schema = ObjectBuilder::new()
            .schema_type(Type::String)
            .description(Some(description))
            .pattern(Some(r"^[^\x00]*$"))
            .max_length(Some(longest))
            .build();
        if let Some(body) = &mut self.body {
            body.content.insert(media.to_owned(), ContentBuilder::new().schema(Some(schema)).build().into());
        }
    }

    /// The document has `T` and all that `T` names.
    pub fn also_knows<T: ToSchema>(&mut self) {
        self.schemas.push((T::name().into_owned(), T::schema()));
        T::schemas(&mut self.schemas);
    }

    /// It takes parameters.
    pub fn parameters(&mut self, parameters: Vec<Parameter>) {
        for mut parameter in parameters {
            // Looking back takes dates that are judged: nobody looks into the future.
            if matches!(parameter.name.as_str(), "as_of" | "known_at") {
                self.refuses(&[Code::ValidationFailed]);
            }
            parameter.schema = parameter.schema.take().map(query::never_null);
            match self.parameters.iter_mut().find(|known| known.name == parameter.name) {
                // `include` means something for the list and something for the page.
                Some(known) => {
                    known.schema = parameter.schema.take().map(|schema| both(known.schema.take(), schema))
                }
                None => self.parameters.push(parameter),
            }
        }
        // A day in the future is well formed, and still no day to look back from.
        if self.parameters.iter().any(|parameter| parameter.name == "as_of") {
            self.refuses(&[Code::ValidationFailed]);
        }
    }

    /// It may refuse with these codes.
    pub fn refuses(&mut self, codes: &[Code]) {
        for code in codes {
            self.refusals.insert(code.status());
            if !self.codes.contains(code) {
                self.codes.push(*code);
            }
        }
    }
}

fn both(known: Option<RefOr<Schema>>, more: RefOr<Schema>) -> RefOr<Schema> {
    use utoipa::openapi::schema::{Array, ArrayItems};
    let words = |schema: &RefOr<Schema>| -> Vec<serde_json::Value> {
        match schema {
            RefOr::T(Schema::Array(Array { items: ArrayItems::RefOrSchema(item), .. })) => {
                match item.as_ref() {
                    RefOr::T(Schema::Object(object)) => object.enum_values.clone().unwrap_or_default(),
                    _ => Vec::new(),
                }
            }
            _ => Vec::new(),
        }
    };
    let mut all = known.as_ref().map(words).unwrap_or_default();
    all.extend(words(&more));
    utoipa::openapi::schema::ArrayBuilder::new()
        .items(ObjectBuilder::new().schema_type(Type::String).enum_values(Some(all)))
        .into()
}

/// The paths of a slice, each with its methods and what they do:
///
/// ```ignore
/// routes! { "teams",
///     "/v1/workspaces/{workspace}/teams" {
///         /// List teams.
///         GET list_teams,
///         /// Make a team.
///         POST create_team,
///     }
/// }
/// ```
macro_rules! routes {
    ($tag:literal, $($path:literal { $($(#[doc = $doc:literal])+ $method:ident $handler:ident),+ $(,)? })+) => {
        $crate::http::routes::Routes(vec![$(
            $crate::http::routes::PathEntry {
                path: $path,
                operations: vec![$(
                    $crate::http::routes::Operation::new(
                        actix_web::http::Method::$method,
                        $tag,
                        stringify!($handler),
                        &[$($doc),+],
                        $handler,
                    )
                ),+],
            }
        ),+])
    };
}
pub(crate) use routes;
