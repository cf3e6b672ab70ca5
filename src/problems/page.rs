//! The pages about problems: plain HTML without scripts, for whoever opens `type` in a browser.

use std::fmt::Write;
use std::sync::LazyLock;

use super::{ProblemKind, ProblemKinds};
use crate::http::Html;
use crate::http::answer::styled;
use crate::svg::escaped as escape;

const STYLE: &str = include_str!("page.css");

/// The style stands in the page, and nothing but this style may.
static POLICY: LazyLock<String> = LazyLock::new(|| styled(STYLE));

/// All kinds of problem, by status.
pub fn list(kinds: &ProblemKinds) -> Html {
    let mut body = String::from(
        "<h1>Problems</h1>\n<p class=\"lead\">Every refusal of this API is <code>application/problem+json</code> \
         with a <code>code</code> that stays the same. These are all of them.</p>\n",
    );
    let mut status = 0;
    for kind in &kinds.items {
        if kind.status != status {
            if status != 0 {
                body.push_str("</dl>\n");
            }
            status = kind.status;
            let _ = write!(body, "<h2>{status}</h2>\n<dl>\n");
        }
        let code = escape(kind.code);
        let _ = writeln!(
            body,
            "<dt id=\"{code}\"><a href=\"/problems/{code}\"><code>{code}</code></a> {}</dt>\n<dd>{}</dd>",
            escape(kind.title),
            prose(&kind.explanation),
        );
    }
    body.push_str("</dl>\n");
    page("Problems", "", &body)
}

/// One kind of problem.
pub fn one(kind: &ProblemKind) -> Html {
    let body = format!(
        "<p class=\"status\">{} <code>{}</code></p>\n<h1>{}</h1>\n<p class=\"lead\">{}</p>\n\
         <p>Answers that carry this code say in <code>detail</code> what happened that time, in <code>errors</code> \
         which fields are to blame, and in <code>request_id</code> under which id the server's log has more.</p>\n",
        kind.status,
        escape(kind.code),
        escape(kind.title),
        prose(&kind.explanation),
    );
    page(kind.title, "<a href=\"/problems\">All problems</a>", &body)
}

fn page(title: &str, back: &str, body: &str) -> Html {
    let text = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <title>{} - Regimen</title>\n<link rel=\"icon\" href=\"{}\">\n<style>{STYLE}</style>\n</head>\n<body>\n\
         <nav>{back} <a href=\"/docs/\">Documentation</a></nav>\n<main>\n{body}</main>\n</body>\n</html>\n",
        escape(title),
        Html::ICON,
    );
    Html { text, policy: POLICY.clone() }
}

/// Text of the table as HTML: what stands between backticks is code.
fn prose(text: &str) -> String {
    let escaped = escape(text);
    let mut html = String::with_capacity(escaped.len());
    for (place, part) in escaped.split('`').enumerate() {
        if place % 2 == 1 {
            let _ = write!(html, "<code>{part}</code>");
        } else {
            html.push_str(part);
        }
    }
    html
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::Code;

    #[test]
    fn text_stays_text() {
        let kind = ProblemKind {
            code: "a\"b",
            status: 400,
            title: "<script>alert('x')</script>",
            explanation: "Send `<b>` & `c`.".into(),
        };
        let page = one(&kind).text;
        assert!(!page.contains("<script>") && !page.contains("<b>"), "{page}");
        assert!(page.contains("Send <code>&lt;b&gt;</code> &amp; <code>c</code>."), "{page}");
        assert!(page.contains("a&quot;b"), "{page}");
    }

    #[test]
    fn every_kind_is_listed_and_its_backticks_come_in_pairs() {
        let kinds = ProblemKinds { items: Code::ALL.iter().copied().map(ProblemKind::from).collect() };
        let page = list(&kinds).text;
        for kind in &kinds.items {
            assert!(page.contains(&format!("href=\"/problems/{}\"", kind.code)), "{}", kind.code);
            assert_eq!(kind.explanation.matches('`').count() % 2, 0, "{}", kind.explanation);
        }
    }
}
