//! Several nodes on one database: they follow what the command line does with their keys, and agree on points that
//! all of them store.

mod support;

use std::time::{Duration, Instant};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use reqwest::{Client, Method};
use serde_json::{Value, json};
use support::{PROGRAM, Place};

/// How long a node may take to follow.
const PATIENCE: Duration = Duration::from_secs(5);

/// What every node is called, so that one takes the tokens of the other.
const NODE: [&str; 4] = ["--public-url", "https://okr.example.com", "--rate-limits", "off"];

async fn call(method: Method, url: String, token: &str, body: Option<Value>) -> (u16, Value, Option<String>) {
    let mut request = Client::new().request(method, url).timeout(Duration::from_secs(10));
    if !token.is_empty() {
        request = request.bearer_auth(token);
    }
    if let Some(body) = body {
        request = request.json(&body);
    }
    let answer = request.send().await.expect("it answers");
    let status = answer.status().as_u16();
    let cache =
        answer.headers().get("cache-control").and_then(|value| value.to_str().ok()).map(str::to_owned);
    (status, answer.json().await.expect("JSON"), cache)
}

async fn me(address: &str, token: &str) -> u16 {
    call(Method::GET, format!("{address}/v1/auth/me"), token, None).await.0
}

/// The token of somebody who signs in now, and the name of the key that signed it.
async fn signs_in(address: &str) -> (String, String) {
    let person = json!({"email": "ann@example.com", "password": "seven purple bicycles sing"});
    let (status, signed, _) = call(Method::POST, format!("{address}/v1/auth/login"), "", Some(person)).await;
    assert_eq!(status, 200, "{signed}");
    let token = signed["access_token"].as_str().expect("a token").to_owned();
    let header = URL_SAFE_NO_PAD.decode(token.split('.').next().expect("a header")).expect("base64url");
    let header: Value = serde_json::from_slice(&header).expect("JSON");
    assert_eq!(header["alg"], "EdDSA");
    (token, header["kid"].as_str().expect("a kid").to_owned())
}

/// The lines that the command prints, or what it complains of.
fn keys(place: &Place, arguments: &[&str]) -> Result<Vec<String>, String> {
    let ended = place.command(&[&["keys"], arguments].concat()).output().expect("it runs");
    match ended.status.success() {
        true => Ok(String::from_utf8_lossy(&ended.stdout).lines().map(str::to_owned).collect()),
        false => Err(String::from_utf8_lossy(&ended.stderr).into_owned()),
    }
}

#[test]
fn nodes_follow_rotations_and_retirements() {
    let place = Place::on_postgres("keys");
    let (one, two) = (place.serve(&NODE), place.serve(&NODE));
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let person =
            json!({"email": "ann@example.com", "name": "Ann", "password": "seven purple bicycles sing"});
        let registered =
            call(Method::POST, format!("{}/v1/auth/register", one.address), "", Some(person)).await;
        assert_eq!(registered.0, 201, "{}", registered.1);
        let (old, old_kid) = signs_in(&one.address).await;
        assert_eq!((me(&one.address, &old).await, me(&two.address, &old).await), (200, 200));
        let listed = keys(&place, &["list"]).expect("a list");
        assert!(
            matches!(&listed[..], [line] if line.contains(&old_kid) && line.ends_with("  signs")),
            "{listed:?}"
        );
        assert!(keys(&place, &["retire", &old_kid]).expect_err("it signs").contains("keys rotate"));

        // While callers call: nobody is turned away.
        let rotated = keys(&place, &["rotate"]).expect("another key");
        assert!(
            rotated.len() == 2 && rotated[0].ends_with("  signs") && rotated[1].contains("  verifies until "),
            "{rotated:?}"
        );
        let began = Instant::now();
        let (new, new_kid) = loop {
            let (token, kid) = signs_in(&one.address).await;
            // The other node may not have looked at the file yet; the new key sends it there.
            assert_eq!((me(&two.address, &token).await, me(&two.address, &old).await), (200, 200));
            assert_eq!((me(&one.address, &token).await, me(&one.address, &old).await), (200, 200));
            if kid != old_kid {
                break (token, kid);
            }
            assert!(began.elapsed() < PATIENCE, "the new key does not sign");
        };
        assert!(rotated[0].contains(&new_kid));
        for node in [&one, &two] {
            let (status, set, cache) =
                call(Method::GET, format!("{}/.well-known/jwks.json", node.address), "", None).await;
            assert_eq!((status, cache.as_deref()), (200, Some("public, max-age=300")));
            let kids: Vec<&str> = set["keys"]
                .as_array()
                .expect("keys")
                .iter()
                .map(|key| key["kid"].as_str().expect("a kid"))
                .collect();
            assert_eq!(kids, [old_kid.as_str(), new_kid.as_str()]);
            assert!(
                set["keys"]
                    .as_array()
                    .expect("keys")
                    .iter()
                    .all(|key| key.get("d").is_none() && key.get("k").is_none())
            );
        }

        let retired = keys(&place, &["retire", &old_kid]).expect("it is gone");
        assert!(matches!(&retired[..], [line] if line.contains(&new_kid)), "{retired:?}");
        let began = Instant::now();
        while me(&one.address, &old).await == 200 || me(&two.address, &old).await == 200 {
            assert!(began.elapsed() < PATIENCE, "a retired key is still taken");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        assert_eq!((me(&one.address, &new).await, me(&two.address, &new).await), (200, 200));
        assert_eq!((me(&one.address, &old).await, me(&two.address, &old).await), (401, 401));
        assert!(keys(&place, &["retire", "nothing"]).expect_err("there is none").contains("no such key"));
    });
}

/// A file that cannot be used stops the start with a line that says why.
#[test]
fn broken_keys_stop_the_start() {
    let place = Place::on_sqlite("broken_keys");
    let file = place.folder.join("broken.keys");
    for (text, said) in [("{}", "is not a key file"), (r#"{"keys": [], "server_secret": "A"}"#, "too weak")] {
        std::fs::write(&file, text).expect("it is written");
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o600))
            .expect("it is private");
        let ended = place
            .command(&["serve", "--listen", "127.0.0.1:0", "--keys", "broken.keys"])
            .output()
            .expect("it runs");
        let complaint = String::from_utf8_lossy(&ended.stderr).into_owned();
        assert!(!ended.status.success() && complaint.contains(said), "{PROGRAM}: {complaint}");
    }
}

/// Two nodes store points of one KPI at once, some of them the same: both show the same, and it is what a fresh
/// computation comes to.
#[test]
fn nodes_that_write_the_same_kpi_agree() {
    let place = Place::on_postgres("nodes");
    let nodes = [place.serve(&NODE), place.serve(&NODE)];
    let address = |number: usize| nodes[number % 2].address.clone();
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let person =
            json!({"email": "ann@example.com", "name": "Ann", "password": "seven purple bicycles sing"});
        let registered =
            call(Method::POST, format!("{}/v1/auth/register", address(0)), "", Some(person)).await;
        let token = registered.1["access_token"].as_str().expect("a token").to_owned();
        let acme = json!({"name": "Acme", "slug": "acme"});
        assert_eq!(
            call(Method::POST, format!("{}/v1/workspaces", address(0)), &token, Some(acme)).await.0,
            201
        );
        let inside = |number: usize, path: &str| format!("{}/v1/workspaces/acme/{path}", address(number));
        for name in ["Visits", "Orders"] {
            let kpi = json!({"name": name, "cadence": "daily", "aggregation": "sum", "target": {"min": 50}});
            assert_eq!(call(Method::POST, inside(1, "kpis"), &token, Some(kpi)).await.0, 201);
        }
        let double = json!({
            "name": "All", "key": "all", "cadence": "daily",
            "formula": "visits + orders",
        });
        let (status, said, _) = call(Method::POST, inside(0, "kpis"), &token, Some(double)).await;
        assert_eq!(status, 201, "{said}");

        // Each day is written by both nodes, with the same value and with two others.
        let writes = (0..160_usize).map(|number| {
            let day = number / 4 % 20 + 1;
            let (kpi, value) =
                if number.is_multiple_of(2) { ("visits", 40 + day) } else { ("orders", number) };
            let url = inside(number / 2, &format!("kpis/{kpi}/points/2026-01-{day:02}"));
            call(Method::PUT, url, &token, Some(json!({"value": value})))
        });
        let ended = futures_util::future::join_all(writes).await;
        for (status, said, _) in &ended {
            assert!([200, 201].contains(status), "{status} {said}");
        }
        let made = ended.iter().filter(|(status, _, _)| *status == 201).count();
        assert_eq!(made, 40, "a point is made once, whoever comes first");

        for kpi in ["visits", "orders", "all"] {
            let (_, one, _) =
                call(Method::GET, inside(0, &format!("kpis/{kpi}/periods")), &token, None).await;
            let (_, two, _) =
                call(Method::GET, inside(1, &format!("kpis/{kpi}/periods")), &token, None).await;
            assert_eq!(one["items"].as_array().map(Vec::len), two["items"].as_array().map(Vec::len), "{one}");
            assert_eq!(one, two, "the nodes show {kpi} differently");
            let (_, shown, _) = call(Method::GET, inside(0, &format!("kpis/{kpi}")), &token, None).await;
            #[allow(clippy::disallowed_methods, reason = "the programs under test run by the wall clock")]
            let now = jiff::Timestamp::now();
            let fresh = inside(1, &format!("kpis/{kpi}?known_at={now}"));
            let (status, fresh, _) = call(Method::GET, fresh, &token, None).await;
            assert_eq!(status, 200, "{fresh}");
            for field in ["current", "health", "episode", "gap", "since"] {
                assert_eq!(shown[field], fresh[field], "{field} of {kpi} is not what its points come to");
            }
        }
    });
}
