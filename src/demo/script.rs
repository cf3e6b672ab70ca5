//! A script that calls the API in process, at the moments that it sets.

use std::rc::Rc;

use actix_web::http::{Method, StatusCode, header};
use actix_web::test::{TestRequest, call_service, init_service, read_body};
use actix_web::web::Data;
use serde_json::{Value, json};

use super::{A_YEAR, EMAIL, write};
use crate::access::Scope;
use crate::clock::Clock;
use crate::http::Problem;
use crate::people::seed;
use crate::people::workspaces::NewWorkspace;
use crate::state::State;
use crate::store::Moment;

type Failure = Box<dyn std::error::Error>;

/// What a call answers, once it does.
type Answered = futures_util::future::LocalBoxFuture<'static, (StatusCode, Vec<u8>)>;

/// Somebody who calls the API in one workspace, whenever they say that it is.
pub struct Script {
    call: Rc<dyn Fn(TestRequest) -> Answered>,
    clock: Clock,
    slug: String,
    token: String,
}

/// The token that the script calls with; it is revoked at the end.
const TOKEN: &str = "demo loader";

impl Script {
    /// Makes the workspace at some moment, and gets ready to call.
    pub async fn open(
        state: &Data<State>,
        clock: Clock,
        workspace: Value,
        at: Moment,
    ) -> Result<Self, Failure> {
        clock.set(at);
        let app = Rc::new(init_service(crate::wrapped_app!(state)).await);
        let slug = workspace["slug"].as_str().unwrap_or_default().to_owned();
        let token = {
            let new: NewWorkspace = serde_json::from_value(workspace)?;
            write(&state.store, move |tx| {
                let account = seed::find_account(tx, EMAIL)?.ok_or_else(Problem::not_found)?;
                let (_, member) = seed::workspace(tx, &new, account)?;
                let token =
                    seed::token(tx, member, TOKEN, &[Scope::Read, Scope::Write, Scope::Admin], A_YEAR)?;
                Ok(token.reveal().to_owned())
            })
            .await?
        };
        let call = Rc::new(move |request: TestRequest| {
            let app = app.clone();
            Box::pin(async move {
                let response = call_service(&*app, request.to_request()).await;
                (response.status(), read_body(response).await.to_vec())
            }) as Answered
        });
        Ok(Self { call, clock, slug, token })
    }

    /// Says what time it is.
    pub fn at(&self, moment: Moment) {
        self.clock.set(moment);
    }

    /// Posts an object; the answer is what was made.
    pub async fn post(&self, path: &str, body: Value) -> Result<Value, Failure> {
        self.send(Method::POST, path, "application/json", body.to_string()).await
    }

    /// Posts points as lines of `kpi`, `at` and `value`, as many in a call as a call takes.
    pub async fn points(&self, points: &[(String, String, f64)]) -> Result<(), Failure> {
        for chunk in points.chunks(10_000) {
            let lines: Vec<String> = chunk
                .iter()
                .map(|(kpi, at, value)| json!({"kpi": kpi, "at": at, "value": value}).to_string())
                .collect();
            let answer = self.send(Method::POST, "points", "application/x-ndjson", lines.join("\n")).await?;
            if answer["rejected"].as_array().is_some_and(|rejected| !rejected.is_empty()) {
                return Err(format!("points were refused: {}", answer["rejected"]).into());
            }
        }
        Ok(())
    }

    /// Ends the script: its token is of no more use.
    pub async fn close(&self, state: &crate::store::Store) -> Result<(), Failure> {
        let slug = self.slug.clone();
        write(state, move |tx| {
            seed::enter(tx, &slug, EMAIL)?;
            seed::revoke_tokens(tx, TOKEN)
        })
        .await?;
        Ok(())
    }

    async fn send(&self, method: Method, path: &str, media: &str, body: String) -> Result<Value, Failure> {
        let request = TestRequest::default()
            .method(method.clone())
            .uri(&format!("/v1/workspaces/{}/{path}", self.slug))
            .insert_header((header::AUTHORIZATION, format!("Bearer {}", self.token)))
            .insert_header((header::CONTENT_TYPE, media))
            .set_payload(body);
        let (status, body) = (self.call)(request).await;
        let text = String::from_utf8_lossy(&body);
        if !status.is_success() {
            return Err(format!("{method} {path} answered {status}: {text}").into());
        }
        Ok(serde_json::from_str(&text).unwrap_or(Value::Null))
    }
}
