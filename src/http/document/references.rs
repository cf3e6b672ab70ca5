//! How things are named in paths and queries: each kind by its id, some by a short name too.

use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, SchemaFormat, Type};

use crate::store::ids;

/// A slug: words with single `-` between.
const SLUG: &str = "[a-z0-9]+(-[a-z0-9]+)*";
/// A KPI's key, or an alias that it had as a key.
const KEY: &str = "[a-z0-9]+([-_.][a-z0-9]+)*";
/// A day, or an instant (RFC 3339).
const DAY_OR_INSTANT: &str = r"[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])([Tt]([01][0-9]|2[0-3]):[0-5][0-9]:([0-5][0-9]|60)(\.[0-9]{1,9})?([Zz]|[+-]([01][0-9]|2[0-3]):[0-5][0-9]))?";

/// The schema of a parameter that names something, where its name is known.
pub fn schema(parameter: &str) -> Option<Object> {
    let text = |pattern: String, example: &str| {
        ObjectBuilder::new()
            .schema_type(Type::String)
            .pattern(Some(format!("^{pattern}$")))
            .min_length(Some(1))
            .max_length(Some(64))
            .examples([example])
            .build()
    };
    Some(match parameter {
        "workspace" => text(id_or("workspace", SLUG)?, "acme"),
        "team" => text(id_or("team", SLUG)?, "growth"),
        "cycle" => text(id_or("cycle", SLUG)?, "current"),
        "kpi" => text(KEY.into(), "churn-rate"),
        "member" | "owner" | "author" | "mention" => text(id_or("member", "me")?, "me"),
        "at" => text(DAY_OR_INSTANT.into(), "2026-03-31"),
        "subject" => text("[a-z]+_[0-7][0-9a-hjkmnp-tv-z]{25}".into(), "kpi_01h455vb4pex5vsknk084sn02q"),
        "code" => text("[a-z][a-z0-9_]*".into(), "validation_failed"),
        "date" => ObjectBuilder::new()
            .schema_type(Type::String)
            .format(Some(SchemaFormat::KnownFormat(KnownFormat::Date)))
            .min_length(Some(1))
            .max_length(Some(20))
            .examples(["2026-03-31"])
            .build(),
        other => text(id(other)?, &format!("{}_01h455vb4pex5vsknk084sn02q", ids::prefix(other)?)),
    })
}

/// What a parameter of a path says.
pub fn describe(parameter: &str) -> String {
    match parameter {
        "workspace" => "The workspace: its id or its slug.".into(),
        "kpi" => "The KPI: its id, its key, or a key that it had before.".into(),
        "team" => "The team: its id or its slug.".into(),
        "cycle" => "The cycle: its id, its slug, or `current` for the shortest active one that holds today.".into(),
        "member" => "The member: an id, or `me` for the caller.".into(),
        "at" => "When: a date, which stands for the start of that day in the workspace's time zone, or an instant (RFC 3339).".into(),
        "date" => "A calendar day in the workspace's time zone.".into(),
        "code" => "The stable name of a kind of problem.".into(),
        other => format!("The id of the {}.", other.replace('_', " ")),
    }
}

fn id(kind: &str) -> Option<String> {
    Some(format!("{}_[0-7][0-9a-hjkmnp-tv-z]{{25}}", ids::prefix(kind)?))
}

fn id_or(kind: &str, other: &str) -> Option<String> {
    Some(format!("({}|{other})", id(kind)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_parameter_of_a_path_is_known() {
        for entry in crate::slices().iter().flat_map(|routes| &routes.0) {
            for name in
                entry.path.split('/').filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
            {
                assert!(schema(name).is_some(), "{}: what is {{{name}}}?", entry.path);
            }
        }
    }
}
