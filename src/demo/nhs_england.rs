//! Real: accident and emergency departments in England, April 2016 to March 2019.
//!
//! The four-hour standard is a health KPI: at least 95 % of patients seen within four hours.
//! Source: NHS England, Open Government Licence v3.0; see `data/README.md`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::script::Script;

/// The workspace.
pub const SLUG: &str = "nhs-england";

const ATTENDANCES: &str = include_str!("../../data/ae_attendances.csv");
const SOURCE: &str = "Source: NHS England, A&E waiting times and activity, Open Government Licence v3.0.";

/// How the workspace is made.
pub fn workspace() -> Value {
    json!({"slug": SLUG, "name": "NHS England A&E", "time_zone": "Europe/London"})
}

#[derive(serde::Deserialize)]
struct Record {
    period: String,
    org_code: String,
    #[serde(rename = "type")]
    department: String,
    attendances: f64,
    breaches: f64,
}

/// Patients of an organisation in a month: how many came, how many waited too long.
#[derive(Clone, Copy, Default)]
struct Month {
    attendances: f64,
    breaches: f64,
}

impl Month {
    fn add(&mut self, record: &Record) {
        self.attendances += record.attendances;
        self.breaches += record.breaches;
    }

    /// The share seen within four hours; none where nobody came.
    fn within_four_hours(self) -> Option<f64> {
        (self.attendances > 0.0).then(|| 100.0 * (1.0 - self.breaches / self.attendances))
    }
}

type Months = BTreeMap<String, Month>;

/// Loads every organisation with a major department, and England as a whole.
pub async fn load(script: &Script) -> Result<(), Box<dyn std::error::Error>> {
    let mut organisations: BTreeMap<String, Months> = BTreeMap::new();
    let mut england = Months::new();
    let mut major = BTreeSet::new();
    for record in csv::Reader::from_reader(ATTENDANCES.as_bytes()).deserialize() {
        let record: Record = record?;
        organisations
            .entry(record.org_code.clone())
            .or_default()
            .entry(record.period.clone())
            .or_default()
            .add(&record);
        england.entry(record.period.clone()).or_default().add(&record);
        if record.department == "1" {
            major.insert(record.org_code);
        }
    }
    let mut points = Vec::new();
    script
        .post("kpis", four_hours("england", "England", "all organisations and types of department"))
        .await?;
    points.extend(shares("four-hour-england", &england));
    script
        .post(
            "kpis",
            json!({
                "key": "attendances-england", "name": "Attendances: England", "cadence": "monthly", "aggregation": "sum",
                "category": "delivery", "indicator": "leading", "display": {"style": "number", "precision": 0, "unit": "patients"},
                "definition": format!("Patients who came to an accident and emergency department. {SOURCE}"),
                "tags": ["england"],
            }),
        )
        .await?;
    points.extend(
        england
            .iter()
            .map(|(month, patients)| ("attendances-england".into(), month.clone(), patients.attendances)),
    );
    for code in &major {
        let Some(months) = organisations.get(code) else { continue };
        script
            .post(
                "kpis",
                part_of_england(four_hours(
                    &code.to_lowercase(),
                    code,
                    "all types of department of the organisation",
                )),
            )
            .await?;
        points.extend(shares(&format!("four-hour-{}", code.to_lowercase()), months));
    }
    script.points(&points).await
}

fn shares(key: &str, months: &Months) -> Vec<(String, String, f64)> {
    months
        .iter()
        .filter_map(|(month, patients)| {
            patients.within_four_hours().map(|share| (key.to_owned(), month.clone(), share))
        })
        .collect()
}

/// A hospital is a part of England.
fn part_of_england(mut kpi: Value) -> Value {
    kpi["segment_of_id"] = json!("four-hour-england");
    kpi["segment_dimension"] = json!("organisation");
    kpi
}

fn four_hours(key: &str, name: &str, over: &str) -> Value {
    json!({
        "key": format!("four-hour-{key}"),
        "name": format!("Seen within four hours: {name}"),
        "definition": format!("100 * (1 - breaches / attendances) over {over}, by month. {SOURCE}"),
        "cadence": "monthly", "aggregation": "last", "category": "quality", "indicator": "lagging",
        "display": {"style": "percent", "precision": 1},
        "target": {"min": 95.0}, "tolerance": {"min": 85.0},
        "decision": "Whether a department needs help before winter.",
        "tags": ["four-hour standard"],
    })
}
