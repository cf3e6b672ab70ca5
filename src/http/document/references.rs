//! How things are named in paths and queries: each kind by its id, some by a short name too.

use utoipa::PartialSchema;
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{KnownFormat, Object, ObjectBuilder, Schema, SchemaFormat, Type};

use crate::http::text::{AnyId, Keyword, KpiKey, Slug, WhenText};
use crate::store::ids;

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
        "workspace" => text(id_or("workspace", &form::<Slug>()?)?, "acme"),
        "team" => text(id_or("team", &form::<Slug>()?)?, "growth"),
        "cycle" => text(id_or("cycle", &form::<Slug>()?)?, "current"),
        // A parent as a filter: an objective, or those without one.
        "parent" => text(id_or("objective", "none")?, "none"),
        "kpi" => text(form::<KpiKey>()?, "churn-rate"),
        "member" | "owner" | "author" | "mention" => text(id_or("member", "me")?, "me"),
        "actor" => text(format!("({}|{}|me)", id("member")?, id("token")?), "me"),
        "at" => text(form::<WhenText>()?, "2026-03-31"),
        "subject" => text(form::<AnyId>()?, "kpi_01h455vb4pex5vsknk084sn02q"),
        "provider" => text(form::<Slug>()?, "acme-id"),
        "code" => text(form::<Keyword>()?, "validation_failed"),
        "shared_picture" | "shared_scorecard" => {
            text("rgl_[0-9A-Za-z_-]{43}".into(), "rgl_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8")
        }
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
        "provider" => "The provider: its slug.".into(),
        "code" => "The stable name of a kind of problem.".into(),
        "shared_picture" | "shared_scorecard" => "The secret of the link, as it was shown when the link was made.".into(),
        other => format!("The id of the {}.", other.replace('_', " ")),
    }
}

/// The pattern of a type of text, without its anchors.
fn form<T: PartialSchema>() -> Option<String> {
    let RefOr::T(Schema::Object(Object { pattern: Some(pattern), .. })) = T::schema() else { return None };
    Some(pattern.strip_prefix('^')?.strip_suffix('$')?.to_owned())
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
