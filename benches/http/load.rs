//! The load: many open connections, each sending its next request as soon as the last one is answered, from a process
//! of its own.

use std::cell::{Cell, RefCell};
use std::io::{Read, Write};
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};

use crate::client::Connection;
use crate::{Failure, Result};

/// Where a request has this, each one sent has an instant of its own, such as `2026-03-31T00:00:01Z`.
pub const INSTANT: &str = "@@@@@@@@@@@@@@@@@@@@";
/// Where a request has this, each one sent has another eight digits; a digit other than 0 should stand before it.
pub const NUMBER: &str = "########";

/// What is to be sent.
#[derive(Clone, Serialize, Deserialize)]
pub struct Plan {
    /// `HOST:PORT`.
    pub address: String,
    /// How many connections are open.
    pub connections: usize,
    /// For how long new requests are sent.
    pub seconds: f64,
    /// How many are sent at the most.
    pub most: u64,
    /// The requests, sent in turn.
    pub requests: Vec<String>,
    /// The instants of requests.
    pub instants: Instants,
    /// The number of the first one; the next plan goes on from [`Outcome::next`].
    pub first: u64,
}

/// The instants that are written into requests: each round over all requests takes the next.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
pub struct Instants {
    /// The earliest, in seconds since 1970.
    pub origin: i64,
    /// Over how many steps they are spread; 0 is 1.
    pub steps: u64,
    /// How many seconds lie between two steps.
    pub apart: i64,
}

/// What became of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Outcome {
    /// Answers per second.
    pub per_second: f64,
    /// The median of the times to an answer, in milliseconds.
    pub p50: f64,
    /// The time within which 99 of 100 answers came, in milliseconds.
    pub p99: f64,
    /// How many answers came.
    pub answers: u64,
    /// How long the newest body was, in bytes.
    pub bytes: usize,
    /// The number from which the next plan goes on.
    pub next: u64,
    failure: Option<String>,
}

impl Plan {
    /// Requests of the same kind over and over.
    pub fn new(address: &str, connections: usize, seconds: f64, requests: Vec<String>) -> Self {
        Self {
            address: address.to_owned(),
            connections,
            seconds,
            most: u64::MAX,
            requests,
            instants: Instants::default(),
            first: 0,
        }
    }

    /// Every request once.
    pub fn each_once(address: &str, connections: usize, requests: Vec<String>) -> Self {
        let most = requests.len() as u64;
        Self { most, ..Self::new(address, connections, f64::MAX, requests) }
    }

    /// Drives it from another process. An answer that is no success is a failure of the measurement.
    pub fn drive(&self) -> Result<Outcome> {
        let mut child = Command::new(std::env::current_exe()?)
            .arg(MODE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let plan = serde_json::to_vec(self)?;
        // Closed as soon as it is written, or the other side would wait.
        child.stdin.take().ok_or("no way to the load")?.write_all(&plan)?;
        let output = child.wait_with_output()?;
        let outcome: Outcome = serde_json::from_slice(&output.stdout)
            .map_err(|error| Failure::from(format!("the load ended with {}: {error}", output.status)))?;
        match &outcome.failure {
            Some(failure) => Err(failure.clone().into()),
            None => Ok(outcome),
        }
    }
}

/// The first argument of the process that makes the load.
pub const MODE: &str = "load";

/// What the load's process does: reads a plan, drives it, writes what became of it.
pub fn run() -> Result<()> {
    let mut text = Vec::new();
    std::io::stdin().read_to_end(&mut text)?;
    let plan: Plan = serde_json::from_slice(&text)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
    let outcome = tokio::task::LocalSet::new().block_on(&runtime, drive_here(plan));
    serde_json::to_writer(std::io::stdout(), &outcome)?;
    Ok(())
}

/// What the connections of a load share.
struct Shared {
    plan: Plan,
    requests: Vec<Template>,
    sent: Cell<u64>,
    times: RefCell<Vec<u32>>,
    bytes: Cell<usize>,
    failure: RefCell<Option<String>>,
}

async fn drive_here(plan: Plan) -> Outcome {
    let shared = Rc::new(Shared {
        requests: plan.requests.iter().map(|text| Template::of(text)).collect(),
        sent: Cell::new(0),
        times: RefCell::new(Vec::with_capacity(1 << 20)),
        bytes: Cell::new(0),
        failure: RefCell::new(None),
        plan,
    });
    let mut connections = Vec::new();
    for _ in 0..shared.plan.connections {
        match Connection::open(&shared.plan.address).await {
            Ok(connection) => connections.push(connection),
            Err(error) => *shared.failure.borrow_mut() = Some(format!("no connection: {error}")),
        }
    }
    let started = Instant::now();
    let all: Vec<_> = connections
        .into_iter()
        .map(|connection| tokio::task::spawn_local(keep_sending(shared.clone(), connection, started)))
        .collect();
    for one in all {
        if let Err(error) = one.await {
            *shared.failure.borrow_mut() = Some(error.to_string());
        }
    }
    let seconds = started.elapsed().as_secs_f64();
    let mut times = shared.times.take();
    times.sort_unstable();
    let quantile = |share: f64| {
        let at = (times.len() as f64 * share) as usize;
        times.get(at.min(times.len().saturating_sub(1))).map_or(0.0, |time| f64::from(*time) / 1000.0)
    };
    Outcome {
        per_second: times.len() as f64 / seconds,
        p50: quantile(0.5),
        p99: quantile(0.99),
        answers: times.len() as u64,
        bytes: shared.bytes.get(),
        next: shared.plan.first + shared.sent.get(),
        failure: shared.failure.take(),
    }
}

async fn keep_sending(shared: Rc<Shared>, mut connection: Connection, started: Instant) {
    let plan = &shared.plan;
    let mut text = Vec::new();
    while started.elapsed().as_secs_f64() < plan.seconds
        && shared.sent.get() < plan.most
        && shared.failure.borrow().is_none()
    {
        let number = plan.first + shared.sent.get();
        shared.sent.set(shared.sent.get() + 1);
        let count = shared.requests.len() as u64;
        shared.requests[(number % count) as usize].write(&mut text, &plan.instants, number, number / count);
        let sent = Instant::now();
        let failure = match connection.send(&text).await {
            Ok(reply) => {
                let took = sent.elapsed().min(Duration::from_secs(3600));
                shared.times.borrow_mut().push(took.as_micros() as u32);
                let body = connection.body(&reply);
                shared.bytes.set(body.len());
                // 207: a part of a batch was refused.
                let is_success = (200..300).contains(&reply.status) && reply.status != 207;
                (!is_success).then(|| format!("{} {}", reply.status, String::from_utf8_lossy(body)))
            }
            Err(error) => Some(error.to_string()),
        };
        if let Some(failure) = failure {
            let shown: String = failure.chars().take(400).collect();
            shared.failure.borrow_mut().get_or_insert(shown);
        }
    }
}

/// A request with the places where each one sent differs.
struct Template {
    text: Vec<u8>,
    instants: Vec<usize>,
    numbers: Vec<usize>,
}

impl Template {
    fn of(text: &str) -> Self {
        Self {
            text: text.as_bytes().to_vec(),
            instants: text.match_indices(INSTANT).map(|(at, _)| at).collect(),
            numbers: text.match_indices(NUMBER).map(|(at, _)| at).collect(),
        }
    }

    fn write(&self, into: &mut Vec<u8>, instants: &Instants, number: u64, round: u64) {
        into.clear();
        into.extend_from_slice(&self.text);
        if !self.instants.is_empty() {
            let instant = instants.at(round).to_string();
            for at in &self.instants {
                into[*at..*at + INSTANT.len()].copy_from_slice(instant.as_bytes());
            }
        }
        for at in &self.numbers {
            let digits = format!("{:08}", number % 100_000_000);
            into[*at..*at + NUMBER.len()].copy_from_slice(digits.as_bytes());
        }
    }
}

impl Instants {
    /// The instant of a round: another step each time, and a second later whenever all steps were taken.
    pub fn at(&self, round: u64) -> jiff::Timestamp {
        let steps = self.steps.max(1);
        // Seven is prime to the numbers of steps in use, so that neighbours in time are rarely neighbours in turn.
        let step = (round * 7) % steps;
        let seconds = self.origin + step as i64 * self.apart + (round / steps) as i64;
        jiff::Timestamp::from_second(seconds).unwrap_or_default()
    }
}
