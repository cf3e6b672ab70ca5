//! `kill -9` under writers: no acknowledged point is lost, no half batch is kept, and what is
//! derived equals a fresh computation. Twenty times on each engine; `REGIMEN_KILLS` asks for more.
//!
//! This shows what survives the death of the process. What survives the death of the machine
//! depends on the order of fsync and answer, which `synchronous=FULL` and `synchronous_commit=on`
//! are for, and which both engines read back at start.

mod support;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use diesel::connection::SimpleConnection;
use diesel::{Connection, SqliteConnection};
use reqwest::{Client, Method};
use serde_json::{Value, json};
use support::Place;

const WRITERS: u64 = 16;
const BATCH: u64 = 25;

#[test]
fn nothing_acknowledged_is_lost_on_sqlite() {
    let place = Place::on_sqlite("crash");
    survive(&place);
    let path = place.url.strip_prefix("sqlite:").expect("a file");
    let mut file = SqliteConnection::establish(path).expect("the file opens");
    file.batch_execute("PRAGMA foreign_key_check; PRAGMA integrity_check;").expect("the file is whole");
}

#[test]
fn nothing_acknowledged_is_lost_on_postgres() {
    survive(&Place::on_postgres("crash"));
}

/// What the writers know: the highest number that was acknowledged for each place, and what was on its way.
#[derive(Default)]
struct Ledger {
    acknowledged: BTreeMap<String, f64>,
    attempted: BTreeMap<String, Vec<f64>>,
    batches: Vec<Attempt>,
}

/// A batch that was sent: its feed, its places, and whether it was acknowledged.
type Attempt = (String, Vec<(String, f64)>, bool);

fn survive(place: &Place) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let kills: u64 = std::env::var("REGIMEN_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let ledger = Arc::new(Mutex::new(Ledger::default()));
    let counter = Arc::new(AtomicU64::new(0));
    let mut server = place.serve(&["--rate-limits", "off"]);
    let token = runtime.block_on(prepare(&server.address));
    for round in 0..kills {
        let writers: Vec<_> = (0..WRITERS)
            .map(|writer| {
                runtime.spawn(write(
                    server.address.clone(),
                    token.clone(),
                    writer,
                    ledger.clone(),
                    counter.clone(),
                ))
            })
            .collect();
        // Somewhere in the first half second; a different place each round.
        std::thread::sleep(Duration::from_millis(60 + (round * 137) % 440));
        server.kill();
        for writer in writers {
            runtime.block_on(writer).expect("the writer ends");
        }
        let started = Instant::now();
        server = place.serve(&["--rate-limits", "off"]);
        assert!(started.elapsed() < Duration::from_secs(10), "ready after {:?}", started.elapsed());
        runtime.block_on(compare(&server.address, &token, &ledger.lock().expect("the ledger")));
    }
    let ledger = ledger.lock().expect("the ledger");
    assert!(ledger.acknowledged.len() > 100, "only {} writes were acknowledged", ledger.acknowledged.len());
}

async fn call(
    address: &str,
    token: &str,
    method: Method,
    path: &str,
    body: &Value,
) -> reqwest::Result<(u16, Value)> {
    let response = client()
        .request(method, format!("{address}{path}"))
        .bearer_auth(token)
        .json(body)
        .timeout(Duration::from_secs(10))
        .send()
        .await?;
    let status = response.status().as_u16();
    Ok((status, response.json().await?))
}

fn client() -> Client {
    thread_local! { static CLIENT: Client = Client::new(); }
    CLIENT.with(Clone::clone)
}

/// A workspace, a KPI for each writer, and a token that lasts.
async fn prepare(address: &str) -> String {
    let answer = |result: reqwest::Result<(u16, Value)>| {
        let (status, body) = result.expect("an answer");
        assert!(status < 300, "{status} {body}");
        body
    };
    let person = json!({"email": "ann@example.com", "name": "Ann", "password": "seven purple bicycles sing"});
    let session = answer(call(address, "", Method::POST, "/v1/auth/register", &person).await);
    let access = session["access_token"].as_str().expect("a token").to_owned();
    answer(
        call(address, &access, Method::POST, "/v1/workspaces", &json!({"name": "Acme", "slug": "acme"}))
            .await,
    );
    for writer in 0..WRITERS {
        let kpi = json!({"name": format!("Writer {writer}"), "key": format!("w{writer}"), "cadence": "daily", "target": {"min": 5.0}});
        answer(call(address, &access, Method::POST, "/v1/workspaces/acme/kpis", &kpi).await);
    }
    let token = json!({"name": "writers", "kind": "personal", "scopes": ["read", "write", "points:write"]});
    let token = answer(call(address, &access, Method::POST, "/v1/workspaces/acme/tokens", &token).await);
    token["token"].as_str().expect("a token").to_owned()
}

fn day(number: u64) -> String {
    let start = jiff::civil::date(2000, 1, 1);
    start.saturating_add(jiff::Span::new().days(i64::try_from(number % 9000).expect("small"))).to_string()
}

/// Writes until the server is gone: single points and batches, each place with growing numbers.
async fn write(
    address: String,
    token: String,
    writer: u64,
    ledger: Arc<Mutex<Ledger>>,
    counter: Arc<AtomicU64>,
) {
    loop {
        let number = counter.fetch_add(1, Ordering::SeqCst);
        #[allow(clippy::cast_precision_loss, reason = "the numbers stay small")]
        let value = number as f64;
        if number.is_multiple_of(5) {
            let feed = format!("batch {number}");
            let items: Vec<Value> = (0..BATCH)
                .map(|item| json!({"kpi": format!("w{writer}"), "at": day(number + item), "feed": feed, "value": value}))
                .collect();
            let places: Vec<(String, f64)> =
                (0..BATCH).map(|item| (format!("w{writer}/{}/{feed}", day(number + item)), value)).collect();
            let position = {
                let mut ledger = ledger.lock().expect("the ledger");
                ledger.batches.push((feed, places, false));
                ledger.batches.len() - 1
            };
            match call(
                &address,
                &token,
                Method::POST,
                "/v1/workspaces/acme/points?atomic=true",
                &json!(items),
            )
            .await
            {
                Ok((200, _)) => ledger.lock().expect("the ledger").batches[position].2 = true,
                Ok((status, body)) => assert_eq!(status, 503, "{body}"),
                Err(_) => return,
            }
        } else {
            let place = format!("w{writer}/{}/", day(number));
            ledger.lock().expect("the ledger").attempted.entry(place.clone()).or_default().push(value);
            let path = format!("/v1/workspaces/acme/kpis/w{writer}/points/{}", day(number));
            match call(&address, &token, Method::PUT, &path, &json!({"value": value})).await {
                Ok((200 | 201, _)) => {
                    let mut ledger = ledger.lock().expect("the ledger");
                    let known = ledger.acknowledged.entry(place).or_insert(value);
                    *known = known.max(value);
                }
                Ok((status, body)) => assert_eq!(status, 503, "{body}"),
                Err(_) => return,
            }
        }
    }
}

/// Everything that was acknowledged is there, batches are whole, and the derived state is right.
async fn compare(address: &str, token: &str, ledger: &Ledger) {
    let mut stored: BTreeMap<String, f64> = BTreeMap::new();
    let mut path = "/v1/workspaces/acme/points?limit=10000".to_owned();
    loop {
        let (status, page) = call(address, token, Method::GET, &path, &Value::Null).await.expect("an answer");
        assert_eq!(status, 200, "{page}");
        for point in page["items"].as_array().expect("items") {
            let text = |pointer: &str| {
                point
                    .pointer(pointer)
                    .and_then(Value::as_str)
                    .unwrap_or_else(|| panic!("{pointer} of {point}"))
            };
            let place = format!("{}/{}/{}", text("/kpi/key"), text("/on"), text("/feed"));
            stored.insert(place, point["value"].as_f64().expect("a value"));
        }
        match page["next_cursor"].as_str() {
            Some(cursor) => path = format!("/v1/workspaces/acme/points?limit=10000&cursor={cursor}"),
            None => break,
        }
    }
    for (place, value) in &ledger.acknowledged {
        let found =
            stored.get(place).copied().unwrap_or_else(|| panic!("{place} was acknowledged and is gone"));
        let possible = found >= *value && ledger.attempted[place].contains(&found);
        assert!(possible, "{place} holds {found}, acknowledged was {value}");
    }
    for (feed, places, acknowledged) in &ledger.batches {
        let there = places.iter().filter(|(place, _)| stored.contains_key(place)).count();
        assert!(there == 0 || there == places.len(), "{feed} is there by half: {there} of {}", places.len());
        assert!(!acknowledged || there == places.len(), "{feed} was acknowledged and is gone");
    }
    for writer in 0..WRITERS {
        derived_state_is_right(address, token, writer, &stored).await;
    }
}

/// The current value, the day of the latest point, is the one with the greatest (at, feed).
async fn derived_state_is_right(address: &str, token: &str, writer: u64, stored: &BTreeMap<String, f64>) {
    let own = format!("w{writer}/");
    let newest = stored.iter().rfind(|(place, _)| place.starts_with(&own));
    let (_, kpi) =
        call(address, token, Method::GET, &format!("/v1/workspaces/acme/kpis/w{writer}"), &Value::Null)
            .await
            .expect("an answer");
    match newest {
        None => assert_eq!(kpi["current"], Value::Null),
        Some((place, value)) => {
            assert_eq!(kpi["current"]["value"].as_f64(), Some(*value), "{place}: {kpi}");
            #[allow(clippy::disallowed_methods, reason = "the program under test runs by the wall clock")]
            let now = jiff::Timestamp::now();
            let fresh = format!("/v1/workspaces/acme/kpis/w{writer}?known_at={now}");
            let (status, recomputed) =
                call(address, token, Method::GET, &fresh, &Value::Null).await.expect("an answer");
            assert_eq!(status, 200, "{recomputed}");
            for field in ["current", "health", "episode", "gap", "since"] {
                assert_eq!(
                    kpi[field], recomputed[field],
                    "{field} of w{writer} differs from a fresh computation"
                );
            }
        }
    }
}
