//! Data to measure on, made through the API itself.

use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::{Value, json};

use crate::Result;
use crate::client::{Connection, request};
use crate::load::Plan;
use crate::settings::EngineName;
use crate::support::{Place, Server};

/// The workspace in which is measured.
pub const WORKSPACE: &str = "acme";

const EMAIL: &str = "ann@example.com";
const PASSWORD: &str = "seven purple bicycles sing";

/// A database, and the program serving from it.
pub struct World {
    /// Where the data is.
    pub place: Place,
    /// The program, while it serves.
    pub server: Option<Server>,
    /// A token of the workspace in which is measured.
    pub token: String,
    access: String,
}

/// KPIs that are alike, with keys such as `kpi-0042`.
#[derive(Clone, Copy)]
pub struct Kpis {
    /// What stands before the number.
    pub prefix: &'static str,
    /// How many.
    pub count: usize,
    /// How often they are measured.
    pub cadence: &'static str,
    /// How points become a period's value.
    pub aggregation: &'static str,
}

impl Kpis {
    /// A KPI's key.
    pub fn key(&self, number: usize) -> String {
        format!("{}-{number:04}", self.prefix)
    }
}

impl World {
    /// An empty database with one person and the workspace.
    pub fn new(engine: EngineName, name: &str) -> Result<Self> {
        let place = match engine {
            EngineName::Sqlite => Place::on_sqlite(name),
            EngineName::Postgres => Place::on_postgres(name),
        };
        let mut world = Self { place, server: None, token: String::new(), access: String::new() };
        world.serve(&[])?;
        let person = json!({"email": EMAIL, "name": "Ann", "password": PASSWORD});
        let session = world.call("POST", "/v1/auth/register", "", &person)?;
        world.access = text(&session, "access_token")?;
        world.make_workspace(WORKSPACE)?;
        let token = json!({"name": "bench", "kind": "personal", "scopes": ["read", "write", "points:write"]});
        let path = format!("/v1/workspaces/{WORKSPACE}/tokens");
        world.token = text(&world.call("POST", &path, &world.access, &token)?, "token")?;
        Ok(world)
    }

    /// Starts the program, without limits.
    pub fn serve(&mut self, more: &[&str]) -> Result<()> {
        self.server = None;
        let arguments = [&["--rate-limits", "off"], more].concat();
        self.server = Some(self.place.try_serve(&arguments).map_err(|said| said.join("; "))?);
        Ok(())
    }

    /// Stops the program.
    pub fn stop(&mut self) {
        self.server = None;
    }

    /// Where the program listens, as `HOST:PORT`.
    pub fn address(&self) -> Result<&str> {
        let server = self.server.as_ref().ok_or("nothing serves")?;
        Ok(server.address.trim_start_matches("http://"))
    }

    /// An access token that was made just now: they last ten minutes.
    pub fn access(&mut self) -> Result<String> {
        let person = json!({"email": EMAIL, "password": PASSWORD});
        self.access = text(&self.call("POST", "/v1/auth/login", "", &person)?, "access_token")?;
        Ok(self.access.clone())
    }

    /// Makes a workspace.
    pub fn make_workspace(&self, slug: &str) -> Result<()> {
        let workspace = json!({"name": slug, "slug": slug, "time_zone": "UTC"});
        self.call("POST", "/v1/workspaces", &self.access, &workspace).map(drop)
    }

    /// Makes KPIs with a target, healthy from 45 on and seriously ill below 42.
    pub fn make_kpis(&self, workspace: &str, kpis: Kpis) -> Result<()> {
        let path = format!("/v1/workspaces/{workspace}/kpis");
        let bodies = (0..kpis.count).map(|number| {
            let key = kpis.key(number);
            json!({
                "name": format!("What {key} counts"), "key": key,
                "definition": "How many of those who came in the period came back in the next one.",
                "cadence": kpis.cadence, "aggregation": kpis.aggregation,
                "display": {"style": "number", "unit": "people"},
                "target": {"min": 45}, "tolerance": {"min": 42},
            })
        });
        let requests = bodies.map(|body| request("POST", &path, &self.access, &body.to_string())).collect();
        Plan::each_once(self.address()?, 16, requests).drive().map(drop)
    }

    /// Gives KPIs their history: each a point for each of these days.
    pub fn make_points(&self, kpis: Kpis, days: &[Date]) -> Result<()> {
        let points: Vec<Value> = (0..kpis.count)
            .flat_map(|number| {
                days.iter().enumerate().map(move |(day, on)| {
                    json!({"kpi": kpis.key(number), "at": on.to_string(), "value": value(number, day)})
                })
            })
            .collect();
        let path = format!("/v1/workspaces/{WORKSPACE}/points");
        let requests = points
            .chunks(5_000)
            .map(|some| request("POST", &path, &self.token, &json!(some).to_string()))
            .collect();
        Plan::each_once(self.address()?, 1, requests).drive().map(drop)
    }

    /// One call, and what comes back.
    pub fn call(&self, method: &str, path: &str, bearer: &str, body: &Value) -> Result<Value> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_io().build()?;
        runtime.block_on(async {
            let mut connection = Connection::open(self.address()?).await?;
            let body = if body.is_null() { String::new() } else { body.to_string() };
            let reply = connection.send(request(method, path, bearer, &body).as_bytes()).await?;
            let answer = connection.body(&reply);
            match reply.status {
                200..300 => Ok(serde_json::from_slice(answer)?),
                status => {
                    let said = String::from_utf8_lossy(answer);
                    Err(format!("{method} {path}: {status} {said}").into())
                }
            }
        })
    }
}

/// The first days of so many months, the present one last.
pub fn months(count: i32) -> Vec<Date> {
    let first = today().first_of_month();
    (0..count).rev().map(|back| first.saturating_sub(back.months())).collect()
}

/// So many days, yesterday last.
pub fn days(count: i32) -> Vec<Date> {
    (1..=count).rev().map(|back| today().saturating_sub(back.days())).collect()
}

/// Today in UTC, in which the workspace lives.
pub fn today() -> Date {
    #[allow(clippy::disallowed_methods, reason = "the program that is measured runs by the wall clock")]
    let now = jiff::Timestamp::now();
    now.to_zoned(jiff::tz::TimeZone::UTC).date()
}

/// The first instant of a day, in seconds since 1970.
pub fn midnight(day: Date) -> i64 {
    day.to_zoned(jiff::tz::TimeZone::UTC).map_or(0, |start| start.timestamp().as_second())
}

/// A value between 40 and 60 that looks like noise and is the same in every run.
pub fn value(kpi: usize, period: usize) -> f64 {
    40.0 + ((kpi * 104_729 + period * 7_919) % 1000) as f64 / 50.0
}

fn text(answer: &Value, field: &str) -> Result<String> {
    answer[field].as_str().map(str::to_owned).ok_or_else(|| format!("no {field} in {answer}").into())
}
