//! Points of many requests at once: they share transactions, and each request has an answer of its own.

use std::sync::Arc;

use futures_util::future::{join_all, join5};
use regimen::store::gather::{Gatherer, Part, Turn};
use regimen::store::journal::{EventType, Subject};
use regimen::store::{StoreError, Tx, WorkspaceId};
use reqwest::Method;
use serde_json::{Value, json};

use super::{by_token, kpi};
use crate::harness::{Caller, stories};

/// How many points a KPI has.
async fn count(reader: &Caller, kpi: &str) -> usize {
    let answer = reader.get(&format!("kpis/{kpi}/points")).await;
    answer.expect(200).at("/items").as_array().expect("points").len()
}

async fn events(reader: &Caller, kind: &str) -> Vec<Value> {
    let answer = reader.get(&format!("events?after=0&type={kind}&limit=200")).await;
    answer.expect(200).at("/items").as_array().expect("events").clone()
}

async fn workspace_of(caller: &Caller) -> WorkspaceId {
    caller.get("").await.expect(200).text("/id").parse().expect("an id")
}

stories! {
    /// Forty requests of four callers, right and wrong ones: each is answered for itself, told for itself, and recorded
    /// in the name of whoever sent it.
    async fn each_request_is_answered_for_itself(app) {
        let ann = app.owner_of("ann", "acme").await;
        let mia = app.joins(&ann, "mia", "member").await;
        let script = by_token(&app, &ann).await;
        let nobody = app.stranger();
        for name in ["One", "Two", "Three"] {
            kpi(&ann, json!({"name": name, "target": {"max": 50}})).await;
        }
        ann.post("kpis", json!({"name": "Shelved"})).await.expect(201);
        ann.delete("kpis/shelved").await.expect(204);
        let mut waiting = Vec::new();
        for day in 1..=10 {
            let at = format!("2026-03-{day:02}");
            let path = |key: &str| format!("kpis/{key}/points/{at}");
            waiting.push((201, ann.clone(), path("one"), json!({"value": day})));
            waiting.push((201, script.clone(), path("two"), json!({"value": 10 * day, "note": "by script"})));
            waiting.push((403, mia.clone(), path("three"), json!({"value": day})));
            waiting.push((422, ann.clone(), path("three"), json!({"value": "many"})));
            waiting.push((409, script.clone(), path("shelved"), json!({"value": 1})));
            waiting.push((404, script.clone(), path("none"), json!({"value": 1})));
            waiting.push((401, nobody.inside("acme"), path("one"), json!({"value": 0})));
        }
        let answers = join_all(waiting.into_iter().map(|(status, caller, path, body)| async move {
            (status, path.clone(), caller.put(&path, body).await)
        }))
        .await;
        for (status, path, answer) in &answers {
            answer.expect(*status);
            if *status == 201 {
                let day: f64 = path.rsplit('-').next().and_then(|day| day.parse().ok()).expect("a day");
                let is_script = path.contains("/two/");
                let value = if is_script { 10.0 * day } else { day };
                assert_eq!(answer.number("/point/value"), value);
                assert_eq!(answer.text("/point/recorded_by/type"), if is_script { "token" } else { "member" });
                assert!(answer.text("/point/on").ends_with(path.rsplit('/').next().expect("a date")), "{path}");
            }
        }
        let left = [count(&ann, "one").await, count(&ann, "two").await, count(&ann, "three").await];
        assert_eq!(left, [10, 10, 0]);

        // One event for each request that stored something, by whoever sent it; what follows from a KPI's points is
        // told in the name of one who sent some of them.
        let recorded = events(&ann, "points.recorded").await;
        let by = |kind: &str| recorded.iter().filter(|event| event["actor"]["kind"] == kind).count();
        assert_eq!((recorded.len(), by("person"), by("token")), (20, 10, 10));
        let requests: std::collections::BTreeSet<&str> =
            recorded.iter().filter_map(|event| event["request_id"].as_str()).collect();
        assert_eq!(requests.len(), 20);
        for event in events(&ann, "kpi.health_changed").await {
            let expected = if event["subject"]["name"] == "Two" { "token" } else { "person" };
            assert_eq!(event["actor"]["kind"], expected, "{event}");
        }
    }

    /// The same point from many at once is made once; other values replace each other one by one, and all are kept.
    async fn the_same_point_from_many_at_once_is_one_point(app) {
        let ann = app.owner_of("ann", "acme").await;
        kpi(&ann, json!({"name": "Visits"})).await;
        let same = join_all((0..12).map(|_| ann.put("kpis/visits/points/2026-03-01", json!({"value": 7})))).await;
        let results: Vec<&str> = same.iter().map(|answer| answer.text("/result")).collect();
        assert_eq!(results.iter().filter(|result| **result == "created").count(), 1, "{results:?}");
        assert_eq!(results.iter().filter(|result| **result == "unchanged").count(), 11, "{results:?}");

        let others: Vec<Value> = (0..8).map(|value| json!({"value": value})).collect();
        let replaced = join_all(others.iter().map(|body| ann.put("kpis/visits/points/2026-03-02", body.clone()))).await;
        let results: Vec<&str> = replaced.iter().map(|answer| answer.text("/result")).collect();
        assert_eq!(results.iter().filter(|result| **result == "created").count(), 1, "{results:?}");
        assert_eq!(results.iter().filter(|result| **result == "replaced").count(), 7, "{results:?}");
        // Each was told what it stored itself.
        for (value, answer) in replaced.iter().enumerate() {
            assert_eq!(answer.number("/point/value"), value as f64);
        }
    }

    /// One key sent many times at once has one effect and one answer.
    async fn one_key_at_once_has_one_effect(app) {
        let ann = app.owner_of("ann", "acme").await;
        kpi(&ann, json!({"name": "Orders", "aggregation": "sum"})).await;
        let body = json!({"value": 3});
        let sent = join_all((0..10).map(|_| {
            let call = ann.call(Method::POST, "kpis/orders/points").header("idempotency-key", "at-noon");
            call.json(&body).send()
        }))
        .await;
        let first = &sent[0].expect(201).body;
        for answer in &sent {
            assert_eq!(&answer.expect(201).body, first);
        }
        assert_eq!(count(&ann, "orders").await, 1);
        let other = ann.call(Method::POST, "kpis/orders/points").header("idempotency-key", "at-noon");
        other.json(&json!({"value": 4})).send().await.refused(409, "idempotency_key_reused");
    }

    /// Among others that are stored, a batch is judged by itself, and a rehearsal stores nothing.
    async fn batches_and_rehearsals_mix_with_single_points(app) {
        let ann = app.owner_of("ann", "acme").await;
        for name in ["One", "Two"] {
            kpi(&ann, json!({"name": name})).await;
        }
        let batch = |from: u32| -> Value {
            (from..from + 9).map(|day| json!({"kpi": "one", "at": format!("2026-03-{day:02}"), "value": day})).collect()
        };
        let (one, two, half, single, tried) = join5(
            ann.post("points", batch(1)),
            ann.post("points", batch(10)),
            ann.post("points?atomic=true", json!([
                {"kpi": "two", "at": "2026-03-01", "value": 1}, {"kpi": "nowhere", "at": "2026-03-01", "value": 1},
            ])),
            ann.put("kpis/two/points/2026-03-05", json!({"value": 5})),
            ann.put("kpis/two/points/2026-03-06?dry_run=true", json!({"value": 6})),
        )
        .await;
        assert_eq!((one.expect(200).number("/counts/created"), two.expect(200).number("/counts/created")), (9.0, 9.0));
        half.expect(422);
        single.expect(201);
        tried.expect(201);
        assert_eq!(count(&ann, "two").await, 1);
        assert_eq!(count(&ann, "one").await, 18);
    }

    /// A part that panics spoils only itself; those that shared its transaction are done all the same, once.
    async fn a_part_that_panics_spoils_only_itself(app) {
        let ann = app.owner_of("ann", "acme").await;
        let workspace = workspace_of(&ann).await;
        let gatherer: Arc<Gatherer<Number>> = Arc::default();
        let ended = join_all((0..30).map(|number| {
            let (gatherer, store) = (gatherer.clone(), app.state.store.clone());
            async move { (number, gatherer.submit(&store, workspace, Number(number)).await) }
        }))
        .await;
        for (number, ended) in ended {
            match (number % 10, ended) {
                (3, Err(StoreError::Panicked(_))) => {}
                (3, other) => panic!("{number} ended with {other:?}"),
                (_, ended) => assert_eq!(ended.expect("it is done"), number),
            }
        }
        let told: Vec<Value> = events(&ann, "workspace.updated").await;
        let mut numbers: Vec<i64> = told.iter().filter_map(|event| event["change"]["number"].as_i64()).collect();
        numbers.sort_unstable();
        assert_eq!(numbers, (0..30).filter(|number| number % 10 != 3).collect::<Vec<i64>>());
    }

    /// What waits has a bound; beyond it requests are told to come again, and those that wait are done.
    async fn what_waits_has_a_bound(app) {
        let ann = app.owner_of("ann", "acme").await;
        let workspace = workspace_of(&ann).await;
        let gatherer: Arc<Gatherer<Slow>> = Arc::default();
        let ended = join_all((0..2_500).map(|_| {
            let (gatherer, store) = (gatherer.clone(), app.state.store.clone());
            async move { gatherer.submit(&store, workspace, Slow).await }
        }))
        .await;
        let done = ended.iter().filter(|ended| ended.is_ok()).count();
        let shed = ended.iter().filter(|ended| matches!(ended, Err(StoreError::Overloaded))).count();
        assert_eq!((done, shed), (2_048, 452));
        let served = gatherer.submit(&app.state.store, workspace, Slow).await;
        assert!(served.is_ok(), "it is open again");
    }
}

/// Tells its number; every tenth one panics.
struct Number(i64);

impl Part for Number {
    type Answer = i64;

    fn weight(&self) -> usize {
        1
    }

    fn run(tx: &mut Tx, parts: &[Arc<Self>]) -> Result<Vec<Turn<i64>>, StoreError> {
        let workspace = tx.workspace_id()?;
        parts
            .iter()
            .map(|part| {
                let subject = Subject::new("workspace", workspace, "Acme");
                tx.tell(EventType::WorkspaceUpdated, subject, json!({"number": part.0}));
                if part.0 % 10 == 3 {
                    // Past the panic hook: a backtrace would hold the connection for seconds.
                    std::panic::resume_unwind(Box::new("an injected panic"));
                }
                Ok(Turn::Answered(part.0))
            })
            .collect()
    }
}

/// Does nothing, slowly.
struct Slow;

impl Part for Slow {
    type Answer = ();

    fn weight(&self) -> usize {
        1
    }

    fn run(_: &mut Tx, parts: &[Arc<Self>]) -> Result<Vec<Turn<()>>, StoreError> {
        std::thread::sleep(std::time::Duration::from_millis(20));
        Ok(parts.iter().map(|_| Turn::Answered(())).collect())
    }
}
