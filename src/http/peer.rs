//! Where a request comes from: the other end of the connection, or whom a trusted proxy names.
//!
//! `X-Forwarded-For` is read only where the connection comes from a proxy that the settings name, and from its right
//! end: each proxy adds whom it was called by, and what stands further left anybody may have written.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use actix_web::HttpRequest;
use actix_web::http::header::HeaderName;

/// The addresses of a network, such as `10.0.0.0/8`; an address alone is a network of one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    base: IpAddr,
    length: u8,
}

/// A text that names no network.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` is no network such as 10.0.0.0/8 or 2001:db8::/32")]
pub struct NoNetwork(String);

impl FromStr for Network {
    type Err = NoNetwork;

    fn from_str(text: &str) -> Result<Self, NoNetwork> {
        let refused = || NoNetwork(text.to_owned());
        let (base, length) = match text.split_once('/') {
            None => (text, None),
            Some((base, length)) => (base, Some(length)),
        };
        let base: IpAddr = base.parse().map_err(|_| refused())?;
        let longest = if base.is_ipv4() { 32 } else { 128 };
        let length = match length {
            None => longest,
            Some(digits) if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
                digits.parse::<u8>().ok().filter(|length| *length <= longest).ok_or_else(refused)?
            }
            Some(_) => return Err(refused()),
        };
        Ok(Self { base, length })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}/{}", self.base, self.length)
    }
}

impl Network {
    fn holds(&self, address: IpAddr) -> bool {
        match (self.base, address.to_canonical()) {
            (IpAddr::V4(base), IpAddr::V4(address)) => {
                let differing = base.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= u32::from(self.length)
            }
            (IpAddr::V6(base), IpAddr::V6(address)) => {
                let differing = base.to_bits() ^ address.to_bits();
                differing.leading_zeros() >= u32::from(self.length)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// The address that a request comes from.
pub fn of(request: &HttpRequest, trusted: &[Network]) -> Option<IpAddr> {
    let connected = request.peer_addr()?.ip();
    let named: Vec<&str> = request
        .headers()
        .get_all(&X_FORWARDED_FOR)
        .flat_map(|header| header.to_str().unwrap_or("unreadable").split(','))
        .collect();
    Some(behind(connected, &named, trusted))
}

/// Whom the proxies name: the rightmost that is no trusted proxy. What cannot be read ends the search, and the proxy
/// that sent it stands for it.
fn behind(connected: IpAddr, named: &[&str], trusted: &[Network]) -> IpAddr {
    let mut found = connected;
    for text in named.iter().rev() {
        if !trusted.iter().any(|network| network.holds(found)) {
            break;
        }
        match address(text.trim()) {
            Some(next) => found = next,
            None => break,
        }
    }
    found
}

/// An address, perhaps with the port that some proxies add.
fn address(text: &str) -> Option<IpAddr> {
    let plain = text.parse().ok();
    let with_port = || text.parse::<std::net::SocketAddr>().ok().map(|socket| socket.ip());
    let bracketed = || text.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    plain.or_else(with_port).or_else(bracketed)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(connected: &str, named: &[&str], trusted: &[&str]) -> String {
        let trusted: Vec<Network> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        behind(connected.parse().unwrap(), named, &trusted).to_string()
    }

    #[test]
    fn without_trusted_proxies_nobody_is_believed() {
        for number in 0..1_000 {
            assert_eq!(seen("203.0.113.7", &[&format!("198.51.100.{}", number % 256)], &[]), "203.0.113.7");
        }
        assert_eq!(seen("203.0.113.7", &["1.1.1.1"], &["10.0.0.0/8"]), "203.0.113.7");
    }

    #[test]
    fn the_rightmost_that_is_no_proxy_calls() {
        let trusted = ["10.0.0.0/8", "fd00::/8"];
        assert_eq!(seen("10.0.0.1", &[], &trusted), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &["203.0.113.7"], &trusted), "203.0.113.7");
        assert_eq!(seen("10.0.0.1", &["1.1.1.1", " 203.0.113.7"], &trusted), "203.0.113.7");
        assert_eq!(seen("10.0.0.1", &["1.1.1.1", "203.0.113.7", "10.9.9.9"], &trusted), "203.0.113.7");
        assert_eq!(seen("::ffff:10.0.0.1", &["2001:db8::1"], &trusted), "2001:db8::1");
        assert_eq!(seen("fd00::1", &["203.0.113.7:4711"], &trusted), "203.0.113.7");
        assert_eq!(seen("fd00::1", &["[2001:db8::1]:443"], &trusted), "2001:db8::1");
        assert_eq!(seen("fd00::1", &["[2001:db8::1]"], &trusted), "2001:db8::1");
        // All of them proxies: the first of them calls.
        assert_eq!(seen("10.0.0.1", &["10.0.0.2", "10.0.0.3"], &trusted), "10.0.0.2");
        // What cannot be read is not looked behind.
        assert_eq!(seen("10.0.0.1", &["1.1.1.1", "unknown"], &trusted), "10.0.0.1");
        assert_eq!(seen("10.0.0.1", &["1.1.1.1", "", "10.0.0.3"], &trusted), "10.0.0.3");
    }

    #[test]
    fn networks_are_read_strictly() {
        for (text, inside, outside) in [
            ("10.0.0.0/8", "10.255.0.1", "11.0.0.0"),
            ("192.0.2.1", "192.0.2.1", "192.0.2.2"),
            ("0.0.0.0/0", "8.8.8.8", "::1"),
            ("2001:db8::/32", "2001:db8:ffff::", "2001:db9::"),
            ("::/0", "::1", "127.0.0.1"),
        ] {
            let network: Network = text.parse().unwrap();
            assert!(network.holds(inside.parse().unwrap()), "{text} {inside}");
            assert!(!network.holds(outside.parse().unwrap()), "{text} {outside}");
        }
        for wrong in
            ["", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8", "::/129", "host", "10.0.0/8", "1.1.1.1/", "*"]
        {
            assert!(wrong.parse::<Network>().is_err(), "{wrong}");
        }
    }
}
