//! Invented: the marketing of a small shop by the harbour, dated back from the day of loading.
//!
//! A dozen KPIs and a year of their numbers, told in order: what went wrong, what somebody prescribed,
//! what came of it. Every group of triage holds something today.

use diesel::prelude::*;
use jiff::civil::Date;
use jiff::{Span, ToSpan};
use serde_json::{Value, json};

use super::days_before;
use super::goals::{self, id_of};
use super::meetings;
use super::script::Script;
use crate::http::Result as Judged;
use crate::people::seed;
use crate::store::schema::objectives;
use crate::store::{Moment, Opening, Tx};

/// The workspace.
pub const SLUG: &str = "harbour-street";

type Failure = Box<dyn std::error::Error>;

/// How the workspace is made.
pub fn workspace() -> Value {
    json!({"slug": SLUG, "name": "Harbour Street (an invented shop)", "time_zone": "UTC"})
}

/// Whether the story was told to its end: the shop's last objective is there.
pub fn is_told(tx: &mut Tx) -> Judged<bool> {
    let Some(shop) = seed::find_workspace(tx, SLUG)? else { return Ok(false) };
    tx.open(Opening::Workspace(shop.id))?;
    let last = objectives::table
        .filter(objectives::workspace_id.eq(shop.id))
        .filter(objectives::title.eq(LAST_OBJECTIVE))
        .filter(objectives::activated_at.is_not_null());
    Ok(diesel::select(diesel::dsl::exists(last)).get_result(tx.db())?)
}

/// The objective that is made at the end of the story.
const LAST_OBJECTIVE: &str = "Move the shop to the new till";

/// When the story begins: eleven months before the month of loading.
pub fn beginning(now: Moment) -> Moment {
    noon(month(now, 11))
}

/// The first day of the month that lies so many months back.
fn month(now: Moment, back: i32) -> Date {
    days_before(now, 0).first_of_month().saturating_sub(back.months())
}

/// The first day of the week that lies so many weeks back.
fn week(now: Moment, back: i32) -> Date {
    let today = days_before(now, 0);
    let monday = today.saturating_sub(i64::from(today.weekday().to_monday_zero_offset()).days());
    monday.saturating_sub(back.weeks())
}

fn noon(day: Date) -> Moment {
    day.at(12, 0, 0, 0)
        .to_zoned(jiff::tz::TimeZone::UTC)
        .map_or(Moment::from_microseconds(0), |at| at.timestamp().into())
}

/// Points, waiting for their day to come.
struct Numbers {
    waiting: Vec<(Date, &'static str, f64)>,
}

impl Numbers {
    /// Lets time pass: it is noon of `day` (never later than `now`), and all numbers up to it are posted.
    async fn pass_until(&mut self, day: Date, now: Moment, script: &Script) -> Result<(), Failure> {
        script.at(noon(day).min(now));
        let (come, waiting) = self.waiting.iter().partition(|(at, _, _)| *at <= day);
        self.waiting = waiting;
        let points: Vec<(String, String, f64)> =
            come.iter().map(|(at, key, value)| (key.to_string(), at.to_string(), *value)).collect();
        script.points(&points).await
    }
}

/// Tells the whole story, up to now.
pub async fn load(script: &Script, now: Moment) -> Result<(), Failure> {
    let today = days_before(now, 0);
    let mut numbers = Numbers { waiting: all_numbers(now) };
    make_team_and_kpis(script).await?;
    make_cycles(script, now).await?;
    let pillar = goals::pillar(script).await?;

    // Nine months back: leads dry up, and a series of webinars is meant to help.
    numbers.pass_until(month(now, 8).saturating_add(9.days()), now, script).await?;
    let webinars = prescribe(
        script,
        "qualified-leads",
        json!({"title": "Run a webinar every week", "cycle_id": "last-half", "note": "Leads fell by a third since the trade fair."}),
    )
    .await?;

    // Seven months back: acquisition became dear; the website is to convert better.
    numbers.pass_until(month(now, 6).saturating_add(4.days()), now, script).await?;
    let mails = goals::answer_faster(script, &pillar).await?;
    let website = website(script, now, &pillar).await?;
    goals::build_the_website(script, &website.objective, &website.copy).await?;
    link(
        script,
        "cost-per-acquisition",
        &website.objective,
        "Every lead costs 75; a better website needs fewer clicks.",
    )
    .await?;
    check_in(
        script,
        &website.copy,
        json!({"value": 0.1, "confidence": "on_track", "note": "Agency chosen."}),
    )
    .await?;

    // The webinars end without an effect.
    numbers.pass_until(month(now, 4).saturating_add(2.days()), now, script).await?;
    close(
        script,
        &webinars,
        json!({"outcome": "missed", "reflection": "Those who came were customers already."}),
    )
    .await?;

    // What was begun in the last half-year goes on in this one.
    goals::carry_over(script, &mails).await?;

    // The newsletter loses its readers; shorter subjects help, for a while.
    numbers.pass_until(week(now, 12).saturating_add(2.days()), now, script).await?;
    let subjects = prescribe(
        script,
        "newsletter-open-rate",
        json!({"title": "Write subjects that people open", "cycle_id": "this-half", "note": "Two thirds of readers see it on a phone."}),
    )
    .await?;
    check_in(script, &website.copy, json!({"value": 0.4, "confidence": "at_risk", "note": "The shop's texts are late.", "blocker": "Nobody has time to write."})).await?;

    numbers.pass_until(week(now, 6).saturating_add(2.days()), now, script).await?;
    close(
        script,
        &subjects,
        json!({"outcome": "achieved", "score": 0.9, "reflection": "Short and concrete wins."}),
    )
    .await?;

    // Conversion itself has been low for two months: the website is its remedy too.
    numbers.pass_until(today.saturating_sub(34.days()), now, script).await?;
    link(script, "visitor-to-lead", &website.objective, "The old check-out loses every second basket.")
        .await?;
    check_in(
        script,
        &website.copy,
        json!({"value": 0.7, "confidence": "on_track", "note": "Half of the pages are live."}),
    )
    .await?;

    numbers.pass_until(today, now, script).await?;
    script.at(now);
    check_in(
        script,
        &website.copy,
        json!({"value": 0.85, "confidence": "on_track", "note": "Check-out goes live next week."}),
    )
    .await?;

    meetings::connect(script).await?;
    meetings::meet(script, now).await?;
    goals::something_private(script).await?;

    // Something that heals nothing and supports nothing: an orphan, which is no fault.
    let till = script
        .post(
            "objectives",
            json!({
                "title": LAST_OBJECTIVE, "cycle_id": "this-half", "state": "draft",
                "key_results": [{"title": "Tills replaced", "kind": "increase", "start": 0.0, "target": 4.0, "unit": "tills"}],
            }),
        )
        .await?;
    activate(script, &till).await
}

/// What the website's objective is made of.
struct Website {
    objective: String,
    copy: String,
}

async fn website(script: &Script, now: Moment, pillar: &str) -> Result<Website, Failure> {
    let made = script
        .post(
            "objectives",
            json!({
                "title": "Launch a higher-converting website",
                "why": "We pay 75 for a customer whom the website then loses.",
                "cycle_id": "this-half", "state": "draft", "tags": ["website"], "parent_id": pillar,
                "key_results": [
                    {"title": "Cost per acquisition from 75 to 50", "kind": "decrease", "start": 75.0, "target": 50.0, "unit": "EUR",
                     "kpi_id": "cost-per-acquisition", "due_on": month(now, 0).last_of_month().to_string()},
                    {"title": "New pages live", "kind": "milestone", "weight": 0.5},
                ],
            }),
        )
        .await?;
    let objective = id_of(&made)?;
    activate(script, &made).await?;
    let shown = &made["key_results"];
    let copy = shown.as_array().into_iter().flatten().find(|one| one["kind"] == "milestone").map(id_of);
    Ok(Website { objective, copy: copy.unwrap_or_else(|| Err("the milestone is missing".into()))? })
}

async fn activate(script: &Script, objective: &Value) -> Result<(), Failure> {
    script.post(&format!("objectives/{}/activate", id_of(objective)?), json!({})).await.map(|_| ())
}

/// Makes the objective that is meant to heal a KPI; answers the objective's id.
async fn prescribe(script: &Script, kpi: &str, body: Value) -> Result<String, Failure> {
    let remedy = script.post(&format!("kpis/{kpi}/remedies"), body).await?;
    remedy["objective_id"]
        .as_str()
        .map(str::to_owned)
        .ok_or_else(|| format!("no objective in {remedy}").into())
}

async fn link(script: &Script, kpi: &str, objective: &str, note: &str) -> Result<(), Failure> {
    script
        .post(&format!("kpis/{kpi}/remedies"), json!({"objective_id": objective, "note": note}))
        .await
        .map(|_| ())
}

async fn close(script: &Script, objective: &str, body: Value) -> Result<(), Failure> {
    script.post(&format!("objectives/{objective}/close"), body).await.map(|_| ())
}

async fn check_in(script: &Script, key_result: &str, body: Value) -> Result<(), Failure> {
    script.post(&format!("key-results/{key_result}/check-ins"), body).await.map(|_| ())
}

async fn make_cycles(script: &Script, now: Moment) -> Result<(), Failure> {
    let last_day = |day: Date| day.last_of_month().to_string();
    script
        .post(
            "cycles",
            json!({"name": "Last half-year", "slug": "last-half", "starts_on": month(now, 11).to_string(), "ends_on": last_day(month(now, 5))}),
        )
        .await?;
    script
        .post(
            "cycles",
            json!({"name": "This half-year", "slug": "this-half", "starts_on": month(now, 6).to_string(),
                   "ends_on": last_day(month(now, 0).saturating_add(Span::new().months(1)))}),
        )
        .await?;
    Ok(())
}

async fn make_team_and_kpis(script: &Script) -> Result<(), Failure> {
    script.post("teams", json!({"name": "Marketing", "slug": "marketing"})).await?;
    let percent = json!({"style": "percent", "precision": 1});
    let euro = json!({"style": "currency", "currency": "EUR", "precision": 0});
    let count = |unit: &str| json!({"style": "number", "precision": 0, "unit": unit});
    let kpis = [
        json!({"key": "visitor-to-lead", "name": "Visitor-to-lead conversion", "category": "conversion", "indicator": "leading",
               "display": percent, "target": {"min": 3.0}, "tolerance": {"min": 2.5},
               "definition": "Visitors who leave an address, divided by all visitors of the month.",
               "decision": "Whether the website or the offers need work."}),
        json!({"key": "cost-per-acquisition", "name": "Cost per acquisition", "category": "cost", "indicator": "lagging",
               "display": euro, "target": {"max": 55.0}, "tolerance": {"max": 65.0},
               "definition": "Spending on marketing divided by new customers of the month.",
               "decision": "How much to spend next month, and where."}),
        json!({"key": "qualified-leads", "name": "Qualified leads", "category": "acquisition", "indicator": "leading", "aggregation": "sum",
               "display": count("leads"), "target": {"min": 120.0}, "tolerance": {"min": 100.0}}),
        json!({"key": "organic-visits", "name": "Organic visits", "category": "acquisition", "indicator": "leading", "cadence": "weekly",
               "display": count("visits"), "target": {"min": 4000.0}, "tolerance": {"min": 3500.0}}),
        json!({"key": "newsletter-open-rate", "name": "Newsletter open rate", "category": "engagement", "indicator": "leading",
               "cadence": "weekly", "display": percent, "target": {"min": 25.0}, "tolerance": {"min": 22.0}}),
        json!({"key": "churn-rate", "name": "Churn rate", "category": "retention", "indicator": "lagging", "display": percent,
               "target": {"max": 3.0}, "tolerance": {"max": 4.0},
               "playbook": {"unhealthy": "Call the ten last customers who left. Ask them why."}}),
        json!({"key": "revenue", "name": "Revenue", "category": "revenue", "indicator": "lagging", "aggregation": "sum", "display": euro,
               "target": {"min": 40000.0}, "tolerance": {"min": 35000.0}}),
        json!({"key": "cart-abandonment", "name": "Cart abandonment", "category": "conversion", "indicator": "leading", "cadence": "daily",
               "display": percent, "target": {"max": 70.0}, "tolerance": {"max": 75.0}}),
        json!({"key": "customer-satisfaction", "name": "Customer satisfaction", "category": "quality", "indicator": "lagging",
               "cadence": "quarterly", "aggregation": "mean", "display": {"style": "number", "precision": 1, "unit": "of 5"},
               "target": {"min": 4.2}, "tolerance": {"min": 3.8}}),
        json!({"key": "return-rate", "name": "Returned goods", "category": "quality", "indicator": "leading", "display": percent,
               "target": {"max": 5.8}, "tolerance": {"max": 7.0}, "definition": "Goods sent back, divided by goods sent out.",
               "decision": "Whether sizes and pictures have to be mended."}),
        json!({"key": "referrals", "name": "Referrals by customers", "category": "acquisition", "display": count("referrals"),
               "target": {"min": 10.0}}),
    ];
    for mut kpi in kpis {
        kpi["team_id"] = json!("marketing");
        script.post("kpis", kpi).await?;
    }
    Ok(())
}

/// Every number of the story with its day; monthly ones come on the first, the present month's today.
fn all_numbers(now: Moment) -> Vec<(Date, &'static str, f64)> {
    let today = days_before(now, 0);
    // From eleven months back to this month.
    let monthly: [(&str, [f64; 12]); 6] = [
        ("return-rate", [3.1, 3.0, 3.3, 3.6, 3.9, 4.1, 4.4, 4.7, 5.0, 5.2, 5.5, 5.6]),
        ("visitor-to-lead", [3.4, 3.3, 3.5, 3.2, 3.3, 3.1, 3.2, 3.0, 3.1, 2.4, 2.2, 2.3]),
        ("cost-per-acquisition", [52.0, 53.0, 51.0, 58.0, 68.0, 75.0, 71.0, 66.0, 62.0, 59.0, 56.0, 50.0]),
        ("qualified-leads", [128.0, 121.0, 84.0, 80.0, 86.0, 82.0, 88.0, 85.0, 90.0, 83.0, 87.0, 31.0]),
        ("churn-rate", [2.6, 2.4, 2.8, 2.7, 2.5, 2.9, 2.6, 2.8, 2.9, 3.4, 4.3, 4.6]),
        (
            "revenue",
            [
                41200.0, 42800.0, 40100.0, 43900.0, 42100.0, 44800.0, 41700.0, 45200.0, 43600.0, 46100.0,
                44900.0, 9800.0,
            ],
        ),
    ];
    let mut all = Vec::new();
    for (key, values) in monthly {
        for (back, value) in (0..12).rev().zip(values) {
            all.push((if back == 0 { today } else { month(now, back).saturating_add(1.days()) }, key, value));
        }
    }
    // From twenty-three weeks back to this week.
    let weekly: [(&str, [f64; 24]); 2] = [
        (
            "organic-visits",
            [
                4210.0, 4180.0, 4350.0, 4290.0, 4120.0, 4400.0, 4330.0, 4270.0, 4150.0, 4380.0, 4310.0,
                4260.0, 4190.0, 4340.0, 4230.0, 4170.0, 4280.0, 4110.0, 4060.0, 4020.0, 4090.0, 4010.0,
                3890.0, 3740.0,
            ],
        ),
        (
            "newsletter-open-rate",
            [
                27.1, 26.4, 27.8, 26.9, 27.3, 26.2, 25.9, 26.6, 25.4, 21.2, 20.4, 20.1, 23.5, 25.8, 27.4,
                28.2, 27.9, 28.6, 27.7, 26.8, 25.2, 21.4, 20.9, 20.2,
            ],
        ),
    ];
    for (key, values) in weekly {
        for (back, value) in (0..24).rev().zip(values) {
            all.push((week(now, back), key, value));
        }
    }
    // Sixty days of baskets that were left behind, with a wave of seven days.
    for back in (0..60_i64).rev() {
        let wave = [64.2, 65.8, 66.1, 63.9, 62.7, 67.3, 68.4];
        let value = wave.get(usize::try_from(back % 7).unwrap_or(0)).copied().unwrap_or(65.0);
        all.push((days_before(now, back), "cart-abandonment", value));
    }
    // Asked three quarters ago, and never since.
    all.push((month(now, 10), "customer-satisfaction", 4.4));
    all
}
