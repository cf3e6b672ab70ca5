//! The tour: curl lines that work as they are printed, and at its end the page that shows the same.

use super::{Access, EMAIL, harbour_street, nhs_england};

/// Lines to copy into a shell, with what each of them shows.
pub fn tour(url: &str, access: &Access) -> String {
    let (shop, nhs) = (harbour_street::SLUG, nhs_england::SLUG);
    let (token, start) = (&access.token, &access.start_token);
    let steps = [
        (
            "What needs a person today, in the shop:",
            format!(
                "curl -s -H 'Authorization: Bearer {start}' -H 'Accept: text/plain' {url}/v1/workspaces/{shop}/triage"
            ),
        ),
        (
            "The same as JSON, for a front end:",
            format!("curl -s -H 'Authorization: Bearer {start}' {url}/v1/workspaces/{shop}/triage"),
        ),
        (
            "Churn is unhealthy and nobody treats it. Prescribe an objective:",
            format!(
                "curl -s -X POST -H 'Authorization: Bearer {start}' --json '{{}}' {url}/v1/workspaces/{shop}/kpis/churn-rate/remedies"
            ),
        ),
        (
            "A month later it is better. Post the new value; the line may be repeated:",
            format!(
                "curl -s -X PUT -H 'Authorization: Bearer {start}' --json '{{\"value\": 2.8}}' {url}/v1/workspaces/{shop}/kpis/churn-rate/points/$(date -u +%F)"
            ),
        ),
        (
            "It healed, and the remedy says so:",
            format!(
                "curl -s -H 'Authorization: Bearer {start}' {url}/v1/workspaces/{shop}/kpis/churn-rate/remedies"
            ),
        ),
        (
            "The whole half-year in one call: objectives, key results, work, guardrails and remedies:",
            format!("curl -s -H 'Authorization: Bearer {start}' {url}/v1/workspaces/{shop}/tree"),
        ),
        (
            "A home page in one call:",
            format!(
                "curl -s -H 'Authorization: Bearer {start}' '{url}/v1/workspaces/{shop}/overview?group_by=category'"
            ),
        ),
        (
            "What the half-year before came to:",
            format!(
                "curl -s -H 'Authorization: Bearer {start}' {url}/v1/workspaces/{shop}/cycles/last-half/summary"
            ),
        ),
        (
            "All about one KPI before deciding: is it changing, why, what next, does it help?",
            format!(
                "curl -s -H 'Authorization: Bearer {start}' -H 'Accept: text/plain' {url}/v1/workspaces/{shop}/kpis/revenue/brief"
            ),
        ),
        (
            "The KPIs for a spreadsheet, with a year ago beside them:",
            format!(
                "curl -s -H 'Authorization: Bearer {start}' -H 'Accept: text/csv' {url}/v1/workspaces/{shop}/scorecard"
            ),
        ),
        (
            "What the next review should talk about:",
            format!(
                "curl -s -H 'Authorization: Bearer {start}' -H 'Accept: text/plain' {url}/v1/workspaces/{shop}/agenda"
            ),
        ),
        (
            "What happened meanwhile:",
            format!("curl -s -H 'Authorization: Bearer {start}' '{url}/v1/workspaces/{shop}/events?limit=5'"),
        ),
        (
            "Real data: England's emergency departments as they stood in March 2019:",
            format!(
                "curl -s -H 'Authorization: Bearer {token}' '{url}/v1/workspaces/{nhs}/kpis/four-hour-england?as_of=2019-03-31'"
            ),
        ),
        (
            "The hospitals that were worst off then:",
            format!(
                "curl -s -H 'Authorization: Bearer {token}' -H 'Accept: text/plain' '{url}/v1/workspaces/{nhs}/triage?as_of=2019-03-31'"
            ),
        ),
    ];
    let mut text = format!("\nThe documentation: {url}/docs/\nThe tour, line by line:\n");
    for (what, line) in steps {
        text.push_str(&format!("\n# {what}\n{line}\n"));
    }
    text.push_str(&format!(
        "\nThe same on a page: {url}/start/\nSign in with e-mail and password of the JSON line:\n  {EMAIL}\n  {}\n",
        access.password,
    ));
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tour_ends_at_the_page() {
        let access = Access {
            password: "demo-password".into(),
            token: "rgm_england".into(),
            start_token: "rgm_shop".into(),
        };
        let text = tour("http://127.0.0.1:8080", &access);
        let lines: Vec<&str> = text.lines().map(str::trim).collect();
        assert_eq!(
            lines[lines.len() - 4..],
            [
                "The same on a page: http://127.0.0.1:8080/start/",
                "Sign in with e-mail and password of the JSON line:",
                EMAIL,
                "demo-password",
            ]
        );
    }
}
