//! How an answer is coded on the wire: br, gzip, or as it is.
//!
//! Chosen once, before the request reaches anybody: the tag of an answer digests its coding, and
//! the layer that compresses must come to the same choice.

use actix_web::http::header::{ACCEPT_ENCODING, HeaderMap, HeaderValue};

use super::accept;

/// A coding of answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Coding {
    /// Brotli.
    Brotli,
    /// Gzip.
    Gzip,
    /// As it is.
    Identity,
}

impl Coding {
    /// Its name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Brotli => "br",
            Self::Gzip => "gzip",
            Self::Identity => "identity",
        }
    }

    /// What the caller wants most; `None` where it takes none of them (RFC 9110, section 12.5.3).
    /// Of what it wants equally, the smaller answer.
    pub fn wanted(headers: &HeaderMap) -> Option<Self> {
        let sent = accept::sent(headers, &ACCEPT_ENCODING);
        // Whoever says nothing of codings may be unable to decode any.
        if sent.iter().all(|value| value.trim().is_empty()) {
            return Some(Self::Identity);
        }
        let mut best: Option<(Self, f64)> = None;
        for coding in [Self::Brotli, Self::Gzip, Self::Identity] {
            let weight = coding.weight(&sent);
            if weight > best.map_or(0.0, |(_, weight)| weight) {
                best = Some((coding, weight));
            }
        }
        best.map(|(coding, _)| coding)
    }

    /// How much it is wanted, 0 to 1.
    fn weight(self, sent: &[&str]) -> f64 {
        let mut any = None;
        for (name, quality) in accept::weighed(sent) {
            match name.as_str() {
                "*" => any = Some(quality),
                "x-gzip" if self == Self::Gzip => return quality,
                name if name == self.as_str() => return quality,
                _ => {}
            }
        }
        match (any, self) {
            (Some(quality), _) => quality,
            // Identity is always taken unless it is refused, and wanted least.
            (None, Self::Identity) => f64::MIN_POSITIVE,
            (None, Self::Brotli | Self::Gzip) => 0.0,
        }
    }

    /// Tells the layer that compresses what was chosen.
    pub fn impose(self, headers: &mut HeaderMap) {
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_static(self.as_str()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(sent: &str) -> Option<Coding> {
        let mut headers = HeaderMap::new();
        headers.insert(ACCEPT_ENCODING, HeaderValue::from_str(sent).expect("a value"));
        Coding::wanted(&headers)
    }

    #[test]
    fn the_caller_gets_what_it_wants_most() {
        assert_eq!(Coding::wanted(&HeaderMap::new()), Some(Coding::Identity));
        for (sent, coding) in [
            ("", Some(Coding::Identity)),
            ("br", Some(Coding::Brotli)),
            ("GZIP", Some(Coding::Gzip)),
            ("x-gzip", Some(Coding::Gzip)),
            ("gzip, br", Some(Coding::Brotli)),
            ("gzip;q=1.0, br;q=0.5", Some(Coding::Gzip)),
            ("br;q=0, gzip", Some(Coding::Gzip)),
            ("gzip;q=0", Some(Coding::Identity)),
            ("gzip;Q=0.000", Some(Coding::Identity)),
            ("identity;q=0.5, gzip;q=0.2", Some(Coding::Identity)),
            ("deflate", Some(Coding::Identity)),
            ("zstd, deflate;q=0.5, compress", Some(Coding::Identity)),
            ("*", Some(Coding::Brotli)),
            ("*;q=0", None),
            ("identity;q=0", None),
            ("gzip, identity;q=0", Some(Coding::Gzip)),
            ("*;q=0, gzip", Some(Coding::Gzip)),
            ("br;q=nonsense", Some(Coding::Identity)),
        ] {
            assert_eq!(wanted(sent), coding, "{sent}");
        }
    }
}
