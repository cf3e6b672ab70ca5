//! Refusals that belong to no slice: paths, headers, queries, the framework's own.

use reqwest::Method;
use serde_json::json;

use crate::harness::stories;

stories! {
    /// Whatever the framework refuses is a problem too, with the request's id.
    async fn every_refusal_is_a_problem(app) {
        let stranger = app.stranger();
        let nowhere = stranger.get("/nowhere").await;
        nowhere.refused(404, "not_found");
        assert_eq!(nowhere.header("content-type"), "application/problem+json");
        assert_eq!(nowhere.text("/request_id"), nowhere.header("x-request-id"));
        assert_eq!(nowhere.text("/type"), "/problems/not_found");
        let picky = stranger.call(Method::GET, "/livez").header("accept", "image/png").send().await;
        picky.refused(406, "not_acceptable");
        let named = stranger.call(Method::GET, "/livez").header("x-request-id", "my-own-id").send().await;
        assert_eq!(named.header("x-request-id"), "my-own-id");
        stranger.get("/livez?x=1").await.refused(400, "invalid_query");
    }

    /// The table of problems is there for people, and each of its rows.
    async fn problems_are_explained(app) {
        let all = app.stranger().get("/problems").await;
        all.expect(200);
        for kind in all.at("/items").as_array().expect("items") {
            let code = kind["code"].as_str().expect("a code");
            let one = app.stranger().get(&format!("/problems/{code}")).await;
            assert_eq!(one.expect(200).body, *kind);
        }
        app.stranger().get("/problems/no_such_problem").await.refused(404, "not_found");
    }

    /// A browser gets a page about each kind, with a policy of its own that it keeps when it has the page already.
    async fn problems_are_pages_in_a_browser(app) {
        let stranger = app.stranger();
        let browser = |path: &str| stranger.call(Method::GET, path).header("accept", "text/html,*/*;q=0.8");
        let all = browser("/problems").send().await;
        assert_eq!(all.expect(200).header("content-type"), "text/html; charset=utf-8");
        assert!(all.raw.contains("href=\"/problems/kpi_is_healthy\""), "{}", all.raw);
        let one = browser("/problems/kpi_is_healthy").send().await;
        assert!(one.expect(200).raw.contains("<h1>The KPI is healthy</h1>"), "{}", one.raw);
        assert!(one.header("vary").split(", ").any(|name| name == "accept"), "{:?}", one.headers);
        let policy = one.header("content-security-policy").to_owned();
        assert!(policy.contains("style-src 'sha256-") && !policy.contains("unsafe"), "{policy}");
        let tag = one.header("etag").to_owned();
        let known = browser("/problems/kpi_is_healthy").header("if-none-match", &tag).send().await;
        assert_eq!(known.expect(304).header("content-security-policy"), policy);
        let json = stranger.get("/problems/kpi_is_healthy").await;
        assert_eq!(json.expect(200).header("content-type"), "application/json");
        assert_ne!(json.header("etag"), tag);
        browser("/problems/no_such_problem").send().await.refused(404, "not_found");
    }

    /// An answer that the caller has already is 304, and the tag knows the coding.
    async fn what_is_known_is_not_sent_again(app) {
        let stranger = app.stranger();
        let first = stranger.get("/.well-known/jwks.json").await;
        let tag = first.expect(200).header("etag").to_owned();
        assert!(tag.starts_with("\"0-"), "{tag}");
        let again = stranger.call(Method::GET, "/.well-known/jwks.json").header("if-none-match", &tag).send().await;
        again.expect(304);
        let coded = stranger
            .call(Method::GET, "/.well-known/jwks.json")
            .header("if-none-match", &tag)
            .header("accept-encoding", "gzip")
            .send()
            .await;
        coded.expect(200);
        assert_ne!(coded.header("etag"), tag);
    }

    /// The documentation page comes from the binary, and may load nothing from elsewhere.
    async fn the_documentation_needs_nobody_else(app) {
        let stranger = app.stranger();
        let page = stranger.get("/docs/").await;
        assert!(page.expect(200).raw.contains("swagger-ui-bundle.js"));
        assert!(!page.raw.contains("http://") && !page.raw.contains("https://"), "{}", page.raw);
        assert!(page.header("content-security-policy").contains("script-src 'self'"));
        assert_eq!(stranger.get("/docs").await.expect(200).raw, page.raw);
        for file in ["swagger-ui-bundle.js", "swagger-ui.css", "swagger-initializer.js"] {
            stranger.get(&format!("/docs/{file}")).await.expect(200);
        }
        let document = stranger.get("/openapi.json").await;
        assert_eq!(document.expect(200).body, *crate::harness::document());
    }

    /// The server is ready while its database answers.
    async fn it_is_ready(app) {
        let ready = app.stranger().get("/readyz").await;
        assert_eq!(ready.expect(200).body, json!({"status": "ok"}));
    }
}
