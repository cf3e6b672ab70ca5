//! What a caller accepts: the lists of `Accept` and `Accept-Encoding`, in which each thing may say
//! how much it is wanted (RFC 9110, section 12.4.2).

use actix_web::http::header::{HeaderMap, HeaderName};

/// The values of a header that may stand several times, those that can be read.
pub fn sent<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Vec<&'a str> {
    headers.get_all(name).filter_map(|value| value.to_str().ok()).collect()
}

/// The things of a list in small letters, each with how much it is wanted: 0 to 1, and 1 where it
/// says nothing.
pub fn weighed(sent: &[&str]) -> impl Iterator<Item = (String, f64)> {
    sent.iter().flat_map(|value| value.split(',')).map(|one| {
        let mut parts = one.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default().to_ascii_lowercase();
        let quality = parts
            .find_map(|part| part.strip_prefix("q=").or_else(|| part.strip_prefix("Q=")))
            .map_or(1.0, |quality| quality.parse().unwrap_or(0.0));
        (name, quality)
    })
}

/// Whether an `Accept` header takes a media type.
pub fn accepts(accepted: &[&str], offered: &str) -> bool {
    weight(accepted, offered) > 0.0
}

/// The media type that an `Accept` header wants most among those offered; the first of them where it
/// wants several alike, or says nothing.
pub fn preferred(accepted: &[&str], offered: &[&'static str]) -> &'static str {
    let mut best = (offered.first().copied().unwrap_or_default(), f64::MIN);
    for media in offered {
        let wanted = weight(accepted, media);
        if wanted > best.1 {
            best = (media, wanted);
        }
    }
    best.0
}

/// How much an `Accept` header wants a media type, 0 to 1 (RFC 9110, section 12.5.1).
fn weight(accepted: &[&str], offered: &str) -> f64 {
    let group = offered.split('/').next().unwrap_or_default();
    let mut best = (0, 0.0);
    for (range, quality) in weighed(accepted) {
        let precise = match range {
            range if range == offered => 3,
            range if range == format!("{group}/*") => 2,
            range if range == "*/*" => 1,
            _ => continue,
        };
        if precise > best.0 {
            best = (precise, quality);
        }
    }
    best.1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_most_precise_range_says_how_much_a_medium_is_wanted() {
        const OFFERED: &[&str] = &["application/json", "text/plain"];
        for (accepted, wanted) in [
            ("", "application/json"),
            ("*/*", "application/json"),
            ("text/plain", "text/plain"),
            ("TEXT/*", "text/plain"),
            ("text/plain;q=0.5, application/json;q=0.4", "text/plain"),
            ("text/plain;Q=0.4, application/json;Q=0.5", "application/json"),
            ("text/*;q=1, text/plain;q=0.1, */*;q=0.2", "application/json"),
            ("text/plain;q=nonsense, */*;q=0.1", "application/json"),
        ] {
            assert_eq!(preferred(&[accepted], OFFERED), wanted, "{accepted}");
        }
        assert!(!accepts(&["application/json;Q=0"], "application/json"));
        assert!(accepts(&["text/html", "application/json;q=0.1"], "application/json"));
    }
}
