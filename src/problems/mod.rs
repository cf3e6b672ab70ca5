//! Every kind of problem, explained: to programs as JSON, to people in a browser as pages.
//!
//! `type` in every refusal leads here. Both forms are made from the table of codes itself.

mod page;

use serde::Serialize;
use utoipa::ToSchema;

use crate::access::{Db, FromSegment, Public, Scoped, Segment};
use crate::http::accept::preferred;
use crate::http::text::{Keyword, Sentence};
use crate::http::{Answer, Answers, Code, Json, Nothing, Problem, Result, Routes, WebPage, routes};

/// The paths of problems.
pub fn routes() -> Routes {
    routes! { "system",
        "/problems" {
            /// Every kind of problem that this API answers with.
            /// Browsers get a page for people, by `Accept: text/html`.
            GET list_problems
        }
        "/problems/{code}" {
            /// What one kind of problem means, and what to do.
            /// Browsers get a page for people, by `Accept: text/html`. `type` in every refusal leads here.
            GET show_problem
        }
    }
}

/// Every kind of problem.
#[derive(Serialize, ToSchema)]
pub struct ProblemKinds {
    /// The kinds, by status and name.
    #[schema(max_items = 1000)]
    items: Vec<ProblemKind>,
}

/// One kind of problem.
#[derive(Serialize, ToSchema)]
pub struct ProblemKind {
    /// Its stable name.
    #[schema(value_type = Keyword)]
    code: &'static str,
    /// The HTTP status that goes with it.
    #[schema(example = 422, minimum = 400, maximum = 599)]
    status: u16,
    /// What it is, in a few words.
    #[schema(value_type = Sentence)]
    title: &'static str,
    /// What it means and what to do.
    #[schema(value_type = Sentence)]
    explanation: String,
}

impl From<Code> for ProblemKind {
    fn from(code: Code) -> Self {
        Self {
            code: code.as_str(),
            status: code.status(),
            title: code.title(),
            explanation: code.explanation().trim().to_owned(),
        }
    }
}

impl FromSegment for Code {
    const PARAMETER: &'static str = "code";
    const REFUSES: &'static [Code] = &[Code::NotFound];

    fn read(_: &mut Scoped, text: &str) -> Result<Self> {
        Self::ALL.iter().copied().find(|code| code.as_str() == text).ok_or_else(Problem::not_found)
    }
}

async fn list_problems(db: Db<Public>) -> Answer<WebPage<ProblemKinds>> {
    let mut items: Vec<ProblemKind> = Code::ALL.iter().copied().map(ProblemKind::from).collect();
    items.sort_by_key(|kind| (kind.status, kind.code));
    let kinds = ProblemKinds { items };
    db.answer(match Form::of(&db.accepted()) {
        Form::Json => WebPage::Json(Json::new(kinds)),
        Form::Html => WebPage::Html(page::list(&kinds)),
    })
}

async fn show_problem(db: Db<Public>, code: Segment<Code>) -> Answer<WebPage<ProblemKind>> {
    let form = Form::of(&db.accepted());
    db.read(code, Nothing, move |_, code, ()| {
        let kind = ProblemKind::from(code);
        Ok(match form {
            Form::Json => WebPage::Json(Json::new(kind)),
            Form::Html => WebPage::Html(page::one(&kind)),
        })
    })
    .await
}

/// How the answer is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Form {
    Json,
    Html,
}

impl Form {
    fn of(accepted: &[&str]) -> Self {
        match preferred(accepted, WebPage::<ProblemKinds>::MEDIA) {
            "text/html" => Self::Html,
            _ => Self::Json,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_get_pages_and_programs_get_json() {
        let browser = "text/html,application/xhtml+xml,application/xml;q=0.9,image/avif,*/*;q=0.8";
        assert_eq!(Form::of(&[browser]), Form::Html);
        assert_eq!(Form::of(&["text/*"]), Form::Html);
        for program in
            ["*/*", "application/json", "application/json, text/html", "application/json, */*;q=0.5"]
        {
            assert_eq!(Form::of(&[program]), Form::Json, "{program}");
        }
        assert_eq!(Form::of(&[]), Form::Json);
    }
}
