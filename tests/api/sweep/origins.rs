//! Browser applications: what pages of other origins may read, on every path.

use std::collections::BTreeSet;

use reqwest::Method;
use serde_json::Value;

use super::operations;
use crate::harness::{Answer, EngineUnderTest, Settings, document, play_with, stories_without_a_database};

const KNOWN: &str = "https://app.example.com";
const FOREIGN: [&str; 4] =
    ["https://evil.example.com", "null", "https://app.example.com.evil.org", "http://app.example.com"];

/// The names in a header that lists names.
fn listed(answer: &Answer, name: &str) -> BTreeSet<String> {
    answer
        .header(name)
        .split(',')
        .map(|one| one.trim().to_ascii_lowercase())
        .filter(|one| !one.is_empty())
        .collect()
}

#[track_caller]
fn says_nothing_of_origins(answer: &Answer) {
    let told = answer.headers.keys().find(|name| name.as_str().starts_with("access-control-"));
    assert_eq!(told, None, "{} tells a page what it may do", answer.call);
}

stories_without_a_database! {
    /// A browser may send every operation from a known origin, with every header that it takes.
    async fn preflights(app) {
        let stranger = app.stranger();
        for operation in operations() {
            let path = operation.path_to_nothing();
            let parameters = operation.said["parameters"].as_array().into_iter().flatten();
            let headers = parameters.filter(|parameter| parameter["in"] == "header");
            let mut asked: Vec<String> =
                headers.map(|header| header["name"].as_str().expect("a name").to_ascii_lowercase()).collect();
            asked.extend(["authorization".to_owned(), "content-type".to_owned()]);
            let preflight = async |origin: &str| {
                stranger.call(Method::OPTIONS, &path)
                    .header("origin", origin)
                    .header("access-control-request-method", operation.method.as_str())
                    .header("access-control-request-headers", &asked.join(","))
                    .send().await
            };
            let known = preflight(KNOWN).await;
            known.expect(204);
            assert_eq!(known.header("access-control-allow-origin"), KNOWN, "{}", known.call);
            assert!(listed(&known, "access-control-allow-methods").contains(&operation.method.as_str().to_ascii_lowercase()));
            let taken = listed(&known, "access-control-allow-headers");
            assert!(asked.iter().all(|header| taken.contains(header)), "{} takes {taken:?} of {asked:?}", known.call);
            assert!(!known.headers.contains_key("access-control-allow-credentials"), "there are no cookies");
            assert!(listed(&known, "vary").contains("origin"), "{}: {}", known.call, known.header("vary"));
            for origin in FOREIGN {
                let foreign = preflight(origin).await;
                foreign.expect(204);
                says_nothing_of_origins(&foreign);
                assert!(listed(&foreign, "vary").contains("origin"), "{}", foreign.call);
            }
        }
    }

    /// A known page reads the answer, refusals too, with every header that the document tells of.
    async fn answers_to_pages(app) {
        let stranger = app.stranger();
        // What every page may read anyway (Fetch, section 2.2.4).
        let always = ["cache-control", "content-language", "content-length", "content-type", "expires", "last-modified", "pragma"];
        for operation in operations() {
            let path = operation.path_to_nothing();
            let known = stranger.call(operation.method.clone(), &path).header("origin", KNOWN).send().await;
            assert_eq!(known.header("access-control-allow-origin"), KNOWN, "{}", known.call);
            assert!(listed(&known, "vary").contains("origin"), "{}", known.call);
            let exposed = listed(&known, "access-control-expose-headers");
            let responses = operation.said["responses"].as_object().expect("responses").values();
            for name in responses.flat_map(headers) {
                let name = name.to_ascii_lowercase();
                // What browsers read for themselves.
                if name == "vary" || name.starts_with("access-control-") {
                    continue;
                }
                assert!(exposed.contains(&name) || always.contains(&name.as_str()), "{}: {name} cannot be read", known.call);
            }
            for always in ["x-request-id", "ratelimit", "ratelimit-policy", "retry-after"] {
                assert!(exposed.contains(always), "{}: {always} cannot be read", known.call);
            }
            let foreign = stranger.call(operation.method.clone(), &path).header("origin", FOREIGN[0]).send().await;
            assert_eq!(foreign.status, known.status, "the server guards itself by credentials, not by origins");
            says_nothing_of_origins(&foreign);
            assert!(listed(&foreign, "vary").contains("origin"), "{}", foreign.call);
            let none = stranger.call(operation.method.clone(), &path).send().await;
            says_nothing_of_origins(&none);
            assert!(listed(&none, "vary").contains("origin"), "{}", none.call);
        }
        let nowhere = stranger.call(Method::GET, "/nowhere").header("origin", KNOWN).send().await;
        assert_eq!(nowhere.refused(404, "not_found").header("access-control-allow-origin"), KNOWN);
    }
}

fn headers(response: &'static Value) -> impl Iterator<Item = &'static String> {
    let response = match response["$ref"].as_str() {
        Some(reference) => document().pointer(reference.trim_start_matches('#')).expect("a response"),
        None => response,
    };
    response["headers"].as_object().into_iter().flat_map(|headers| headers.keys())
}

/// Where no origin is configured, nothing is said of origins.
#[test]
fn by_default_no_page_may_read() {
    let settings = Settings { origins: Vec::new(), ..Settings::default() };
    play_with(EngineUnderTest::Sqlite, settings, async |app| {
        let stranger = app.stranger();
        for operation in operations() {
            let path = operation.path_to_nothing();
            let answer = stranger.call(operation.method.clone(), &path).header("origin", KNOWN).send().await;
            says_nothing_of_origins(&answer);
            let preflight = stranger
                .call(Method::OPTIONS, &path)
                .header("origin", KNOWN)
                .header("access-control-request-method", operation.method.as_str())
                .send()
                .await;
            says_nothing_of_origins(preflight.expect(204));
            assert!(preflight.header("allow").contains(operation.method.as_str()), "{}", preflight.call);
        }
    });
}
