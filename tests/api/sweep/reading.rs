//! What is read: GET and HEAD, tags and 304, codings.

use std::collections::BTreeMap;
use std::io::Read;

use reqwest::Method;

use super::{Operation, World, operations};
use crate::harness::{Answer, stories, stories_without_a_database};

/// All that can be read, each in each of its media types.
fn readings() -> Vec<(Operation, &'static str)> {
    let reads = operations().into_iter().filter(|operation| operation.method == Method::GET);
    let all: Vec<_> = reads
        .flat_map(|operation| operation.answers().into_iter().map(move |media| (operation.clone(), media)))
        .collect();
    assert!(all.len() > 30, "{} readings", all.len());
    all
}

impl World {
    async fn read(&self, (operation, media): &(Operation, &str), more: &[(&str, &str)]) -> Answer {
        self.ask(Method::GET, (operation, media), more).await
    }

    async fn ask(
        &self,
        method: Method,
        (operation, media): (&Operation, &str),
        more: &[(&str, &str)],
    ) -> Answer {
        let path = self.path(operation);
        let call = self.ann.call(method, &path).header("accept", media);
        more.iter().fold(call, |call, (name, value)| call.header(name, value)).send().await
    }
}

/// The headers but for those that differ from one answer to the next.
fn lasting(answer: &Answer) -> BTreeMap<&str, &str> {
    let headers = answer.headers.iter().filter(|(name, _)| !matches!(name.as_str(), "date" | "x-request-id"));
    headers.map(|(name, value)| (name.as_str(), value.to_str().expect("text"))).collect()
}

fn decoded(answer: &Answer) -> Vec<u8> {
    let mut plain = Vec::new();
    let read = match answer.header("content-encoding") {
        "br" => brotli::Decompressor::new(&answer.bytes[..], 4096).read_to_end(&mut plain),
        "gzip" => flate2::read::GzDecoder::new(&answer.bytes[..]).read_to_end(&mut plain),
        "" => return answer.bytes.clone(),
        other => panic!("{} came in {other}", answer.call),
    };
    read.unwrap_or_else(|error| panic!("{}: {error}", answer.call));
    plain
}

/// What `Vary` names.
fn varies(answer: &Answer, name: &str) -> bool {
    answer.header("vary").split(',').any(|one| one.trim().eq_ignore_ascii_case(name))
}

stories! {
    /// HEAD says what GET says, without the body.
    async fn head_is_get_without_the_body(app) {
        let world = World::new(&app).await;
        for reading in readings() {
            for coding in ["identity", "gzip", "br"] {
                let full = world.read(&reading, &[("accept-encoding", coding)]).await;
                full.expect(200);
                assert!(full.header("content-type").starts_with(reading.1), "{}: {}", full.call, full.header("content-type"));
                let head = world.ask(Method::HEAD, (&reading.0, reading.1), &[("accept-encoding", coding)]).await;
                head.expect(200);
                assert!(head.bytes.is_empty(), "{}", head.call);
                assert_eq!(lasting(&head), lasting(&full), "{} in {coding}", full.call);
                if coding == "identity" {
                    assert_eq!(head.header("content-length"), full.bytes.len().to_string(), "{}", head.call);
                }
            }
        }
    }

    /// Whoever has an answer already, by whatever list of tags, gets 304 and no body.
    async fn what_the_caller_has_is_not_sent_again(app) {
        let world = World::new(&app).await;
        for reading in readings() {
            let full = world.read(&reading, &[]).await;
            let tag = full.expect(200).header("etag").to_owned();
            let strong = tag.strip_prefix('"').and_then(|tag| tag.strip_suffix('"'));
            assert!(strong.is_some_and(|tag| tag.len() > 10 && !tag.contains('"')), "{} has the tag {tag}", full.call);
            let (weak, listed) = (format!("W/{tag}"), format!("\"1-0\", W/\"other\" ,{tag},\"2-0\""));
            for (known, method) in [
                (tag.as_str(), Method::GET),
                (tag.as_str(), Method::HEAD),
                (weak.as_str(), Method::GET),
                (listed.as_str(), Method::GET),
                ("*", Method::GET),
            ] {
                let answer = world.ask(method, (&reading.0, reading.1), &[("if-none-match", known)]).await;
                answer.expect(304);
                assert!(answer.bytes.is_empty(), "{}", answer.call);
                for name in ["etag", "vary", "cache-control"] {
                    assert_eq!(answer.header(name), full.header(name), "{name} of {}", answer.call);
                }
            }
            let two_lines = world.read(&reading, &[("if-none-match", "\"1-0\""), ("if-none-match", &tag)]).await;
            two_lines.expect(304);
            let inner = tag.trim_matches('"');
            let others = format!("\"1-0\", \"{inner}x\", W/\"other\", \"*\"");
            let answer = world.read(&reading, &[("if-none-match", &others)]).await;
            answer.expect(200);
            assert_eq!(answer.bytes, full.bytes, "{}", answer.call);
        }
    }

    /// Each coding carries the same, under a tag of its own; caches are told what matters.
    async fn codings_differ_in_nothing_but_size(app) {
        let world = World::new(&app).await;
        for reading in readings() {
            let plain = world.read(&reading, &[]).await;
            plain.expect(200);
            assert_eq!(plain.header("content-encoding"), "", "{}", plain.call);
            let mut tags = vec![plain.header("etag").to_owned()];
            for (asked, coding) in [("gzip", "gzip"), ("br", "br")] {
                let coded = world.read(&reading, &[("accept-encoding", asked)]).await;
                assert_eq!(coded.expect(200).header("content-encoding"), coding, "{}", coded.call);
                assert_eq!(decoded(&coded), plain.bytes, "{} in {coding}", coded.call);
                let tag = coded.header("etag").to_owned();
                assert!(!tags.contains(&tag), "{} has one tag for two codings", coded.call);
                world.read(&reading, &[("accept-encoding", asked), ("if-none-match", &tag)]).await.expect(304);
                // Another coding of the same is not what the caller has.
                world.read(&reading, &[("if-none-match", &tag)]).await.expect(200);
                tags.push(tag);
            }
            // However a caller says it: the coding that is sent is the one that the tag tells of.
            for asked in ["gzip;q=0.2, br;q=0.1", "deflate", "deflate, gzip", "*", "gzip;q=0", "br, identity;q=0", "identity;q=0.5, gzip;q=0.1"] {
                let answer = world.read(&reading, &[("accept-encoding", asked)]).await;
                answer.expect(200);
                let own = ["", "gzip", "br"].iter().position(|coding| *coding == answer.header("content-encoding"));
                assert_eq!(own.map(|own| tags[own].as_str()), Some(answer.header("etag")), "{} for {asked}", answer.call);
                assert_eq!(decoded(&answer), plain.bytes, "{} for {asked}", answer.call);
            }
            world.read(&reading, &[("accept-encoding", "identity;q=0, *;q=0")]).await.refused(406, "not_acceptable");
            assert!(varies(&plain, "accept-encoding"), "{}: {}", plain.call, plain.header("vary"));
            assert_eq!(varies(&plain, "accept"), reading.0.answers().len() > 1, "{}: {}", plain.call, plain.header("vary"));
        }
    }
}

stories_without_a_database! {
    /// Refusals can be read whatever coding was asked for.
    async fn refusals_come_as_they_are(app) {
        let stranger = app.stranger();
        for operation in operations() {
            let call = stranger.call(operation.method.clone(), &operation.path_to_nothing());
            let answer = call.header("accept-encoding", "br, gzip").header("accept", "application/x-nothing").send().await;
            answer.refused(406, "not_acceptable");
            assert_eq!(answer.header("content-encoding"), "", "{}", answer.call);
        }
        stranger.call(Method::GET, "/nowhere").header("accept-encoding", "br").send().await.refused(404, "not_found");
    }

    /// What stands beside the document keeps the same rules.
    async fn pages_beside_the_document(app) {
        let stranger = app.stranger();
        for path in ["/openapi.json", "/", "/docs/", "/docs/swagger-ui.css"] {
            let page = stranger.get(path).await;
            assert!([200, 303].contains(&page.status), "{} answered {}", page.call, page.status);
            let head = stranger.call(Method::HEAD, path).send().await;
            assert_eq!((head.status, head.bytes.len()), (page.status, 0), "{}", head.call);
            assert_eq!(lasting(&head), lasting(&page), "{}", page.call);
            let refused = stranger.call(Method::POST, path).send().await;
            assert_eq!(refused.refused(405, "method_not_allowed").header("allow"), "GET, HEAD, OPTIONS");
            assert_eq!(stranger.call(Method::OPTIONS, path).send().await.expect(204).header("allow"), "GET, HEAD, OPTIONS");
        }
        let document = stranger.get("/openapi.json").await;
        let tag = document.header("etag").to_owned();
        stranger.call(Method::GET, "/openapi.json").header("if-none-match", &tag).send().await.expect(304);
        let coded = stranger.call(Method::GET, "/openapi.json").header("accept-encoding", "br").send().await;
        assert_eq!(decoded(&coded), document.bytes);
    }
}
