//! Callers: each has a name and perhaps a credential, and every answer is held against the document.

use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;

use super::contract;

/// Somebody who calls the API.
#[derive(Clone)]
pub struct Caller {
    name: String,
    url: String,
    http: reqwest::Client,
    token: Option<String>,
    workspace: Option<String>,
}

/// What came back.
#[derive(Debug)]
pub struct Answer {
    pub call: String,
    pub status: u16,
    pub headers: HeaderMap,
    /// The body as it came, perhaps coded.
    pub bytes: Vec<u8>,
    /// The body as text.
    pub raw: String,
    /// The body as JSON; `null` where it is none.
    pub body: Value,
}

/// A request that is still being put together.
pub struct Call<'a> {
    caller: &'a Caller,
    method: Method,
    path: String,
    headers: Vec<(String, String)>,
    body: Option<Vec<u8>>,
}

impl Caller {
    pub(super) fn new(name: &str, url: String, http: reqwest::Client, token: Option<String>) -> Self {
        Self { name: name.to_owned(), url, http, token, workspace: None }
    }

    /// The same caller; relative paths begin in this workspace from now on.
    pub fn inside(&self, workspace: &str) -> Self {
        Self { workspace: Some(workspace.to_owned()), ..self.clone() }
    }

    /// Who it is.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The credential.
    pub fn token(&self) -> &str {
        self.token.as_deref().expect("the caller has a credential")
    }

    /// The slug of the workspace that relative paths begin in.
    pub fn workspace(&self) -> &str {
        self.workspace.as_deref().expect("the caller is inside a workspace")
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.call(Method::GET, path).send().await
    }

    pub async fn delete(&self, path: &str) -> Answer {
        self.call(Method::DELETE, path).send().await
    }

    pub async fn post(&self, path: &str, body: Value) -> Answer {
        self.call(Method::POST, path).json(&body).send().await
    }

    pub async fn put(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PUT, path).json(&body).send().await
    }

    pub async fn patch(&self, path: &str, body: Value) -> Answer {
        self.call(Method::PATCH, path).json(&body).send().await
    }

    /// A request of any kind; a path that begins with `/` is absolute.
    pub fn call(&self, method: Method, path: &str) -> Call<'_> {
        let path = match (path.starts_with('/'), &self.workspace) {
            (true, _) => path.to_owned(),
            (false, Some(workspace)) if path.is_empty() || path.starts_with('?') => {
                format!("/v1/workspaces/{workspace}{path}")
            }
            (false, Some(workspace)) => format!("/v1/workspaces/{workspace}/{path}"),
            (false, None) => panic!("{} is in no workspace", self.name),
        };
        Call { caller: self, method, path, headers: Vec::new(), body: None }
    }
}

impl Call<'_> {
    /// The path and query that it will be sent to.
    pub fn path(&self) -> &str {
        &self.path
    }

    pub fn header(mut self, name: &str, value: &str) -> Self {
        self.headers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn json(self, body: &Value) -> Self {
        self.raw("application/json", body.to_string())
    }

    pub fn raw(mut self, media: &str, body: impl Into<Vec<u8>>) -> Self {
        self.headers.push(("content-type".into(), media.to_owned()));
        self.body = Some(body.into());
        self
    }

    /// Sends it, and holds what comes back against the OpenAPI document.
    pub async fn send(self) -> Answer {
        let (method, path) = (self.method.clone(), self.path.clone());
        let answer = self.fetch().await;
        contract::hold(&method, &path, &answer);
        answer
    }

    /// Sends it alone: for answers of thousands of things, of which a few were held against the
    /// document already.
    pub async fn fetch(self) -> Answer {
        let mut request =
            self.caller.http.request(self.method.clone(), format!("{}{}", self.caller.url, self.path));
        if let Some(token) = &self.caller.token {
            request = request.bearer_auth(token);
        }
        for (name, value) in &self.headers {
            request = request.header(name, value);
        }
        if let Some(body) = self.body {
            request = request.body(body);
        }
        let call = format!("{}: {} {}", self.caller.name, self.method, self.path);
        let response = request.send().await.unwrap_or_else(|error| panic!("{call}: {error}"));
        let (status, headers) = (response.status().as_u16(), response.headers().clone());
        let bytes = response.bytes().await.unwrap_or_else(|error| panic!("{call}: {error}")).to_vec();
        Answer::new(call, status, headers, bytes)
    }
}

impl Answer {
    pub fn new(call: String, status: u16, headers: HeaderMap, bytes: Vec<u8>) -> Self {
        let raw = String::from_utf8_lossy(&bytes).into_owned();
        let body = serde_json::from_slice(&bytes).unwrap_or(Value::Null);
        Self { call, status, headers, bytes, raw, body }
    }

    /// The status must be this one.
    #[track_caller]
    pub fn expect(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{} answered {}", self.call, self.raw);
        self
    }

    /// It must be refused with this status and code.
    #[track_caller]
    pub fn refused(&self, status: u16, code: &str) -> &Self {
        self.expect(status);
        assert_eq!(self.body["code"], code, "{} answered {}", self.call, self.raw);
        self
    }

    /// One of its field errors must have this pointer and code.
    #[track_caller]
    pub fn names(&self, pointer: &str, code: &str) -> &Self {
        let errors = self.body["errors"].as_array().cloned().unwrap_or_default();
        let found = errors.iter().any(|error| error["pointer"] == pointer && error["code"] == code);
        assert!(found, "{} names no {code} at {pointer}: {}", self.call, self.raw);
        self
    }

    /// A value inside the body.
    #[track_caller]
    pub fn at(&self, pointer: &str) -> &Value {
        self.body
            .pointer(pointer)
            .unwrap_or_else(|| panic!("{} has nothing at {pointer}: {}", self.call, self.raw))
    }

    /// A text inside the body.
    #[track_caller]
    pub fn text(&self, pointer: &str) -> &str {
        self.at(pointer)
            .as_str()
            .unwrap_or_else(|| panic!("{} has no text at {pointer}: {}", self.call, self.raw))
    }

    /// A number inside the body.
    #[track_caller]
    pub fn number(&self, pointer: &str) -> f64 {
        self.at(pointer)
            .as_f64()
            .unwrap_or_else(|| panic!("{} has no number at {pointer}: {}", self.call, self.raw))
    }

    /// A header, or an empty text.
    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}
