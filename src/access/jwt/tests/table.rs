//! Tokens that must not be accepted, one line each, and the few that must.

use super::super::*;
use TokenFault::{
    Algorithm as Alg, Audience, Claims as BadClaims, Expired, Header as Head, Issuer, Malformed, NotYet,
    Signature, Times, TooLong, Type, UnknownKey,
};
use jsonwebtoken::EncodingKey;
use serde_json::{Value, json};

const ISSUED: i64 = 1_800_000_000;

fn at(second: i64) -> Timestamp {
    Timestamp::from_second(second).unwrap()
}

fn ring(name: &str) -> KeyRing {
    let folder = std::env::temp_dir().join(format!("regimen-jwt-{name}-{}", std::process::id()));
    let _ = std::fs::remove_dir_all(&folder);
    std::fs::create_dir_all(&folder).unwrap();
    let ring = KeyRing::load_or_create(&folder.join("keys.json"), at(ISSUED)).unwrap();
    std::fs::remove_dir_all(&folder).unwrap();
    ring
}

fn tokens() -> AccessTokens {
    AccessTokens::new("https://regimen.example", "regimen")
}

fn encoded(text: impl AsRef<[u8]>) -> String {
    URL_SAFE_NO_PAD.encode(text)
}

/// A token of these two texts, soundly signed.
fn signed(ring: &KeyRing, header: &str, claims: &str) -> String {
    let message = format!("{}.{}", encoded(header), encoded(claims));
    let signature =
        jsonwebtoken::crypto::sign(message.as_bytes(), ring.now().signing().1, Algorithm::EdDSA).unwrap();
    format!("{message}.{signature}")
}

/// Sound header and claims, to be spoilt.
fn parts(ring: &KeyRing) -> (Value, Value) {
    let header = json!({ "typ": "at+jwt", "alg": "EdDSA", "kid": ring.now().signing().0 });
    (header, serde_json::to_value(tokens().claims("acc_1", "ses_1", at(ISSUED))).unwrap())
}

fn with(object: &Value, member: &str, value: Value) -> String {
    let mut object = object.clone();
    object[member] = value;
    object.to_string()
}

fn without(object: &Value, member: &str) -> String {
    let mut object = object.clone();
    object.as_object_mut().unwrap().remove(member);
    object.to_string()
}

/// The object with a raw member put last, which allows what `Value` cannot hold.
fn ending(object: &str, member: &str) -> String {
    format!("{},{member}}}", object.strip_suffix('}').unwrap())
}

/// Every token of a table meets its fault, at a moment when a sound one is accepted.
fn refused(ring: &KeyRing, table: Vec<(String, TokenFault)>) -> usize {
    for (row, (token, fault)) in table.iter().enumerate() {
        assert_eq!(tokens().verify(ring, token, at(ISSUED)), Err(*fault), "row {row}: {token}");
    }
    table.len()
}

#[test]
fn a_sound_token_is_accepted_and_says_ids_and_times_alone() {
    let ring = ring("sound");
    let claims = tokens().claims("acc_1", "ses_1", at(ISSUED));
    let token = sign(&ring, &claims).unwrap();
    assert_eq!(tokens().verify(&ring, &token, at(ISSUED)), Ok(claims.clone()));
    assert_eq!((claims.iat, claims.nbf, claims.exp), (ISSUED, ISSUED, ISSUED + 600));
    assert_ne!(claims.jti, tokens().claims("acc_1", "ses_1", at(ISSUED)).jti);
    let (header, _) = parts(&ring);
    let written: Value =
        serde_json::from_slice(&URL_SAFE_NO_PAD.decode(token.split('.').next().unwrap()).unwrap()).unwrap();
    assert_eq!(written, header);
    // The table below spoils tokens made this way: unspoilt, they are sound.
    let (header, claims) = parts(&ring);
    assert!(
        tokens().verify(&ring, &signed(&ring, &header.to_string(), &claims.to_string()), at(ISSUED)).is_ok()
    );
}

#[test]
fn the_clock_has_thirty_seconds_of_leeway_and_not_one_more() {
    let ring = ring("leeway");
    let token = sign(&ring, &tokens().claims("acc_1", "ses_1", at(ISSUED))).unwrap();
    for (second, outcome) in [
        (-31, Some(NotYet)),
        (-30, None),
        (-29, None),
        (0, None),
        (599, None),
        (600, None),
        (629, None),
        (630, Some(Expired)),
        (631, Some(Expired)),
    ] {
        assert_eq!(tokens().verify(&ring, &token, at(ISSUED + second)).err(), outcome, "{second}");
    }
    for (moment, outcome) in [(Timestamp::MIN, NotYet), (Timestamp::MAX, Expired)] {
        assert_eq!(tokens().verify(&ring, &token, moment), Err(outcome));
    }
}

#[test]
fn spoilt_headers_are_refused() {
    let ring = ring("header");
    let (header, claims) = parts(&ring);
    let claims = claims.to_string();
    let keys = ring.now();
    let kid = keys.signing().0;
    let of = |header: String, fault| (signed(&ring, &header, &claims), fault);
    let mut table = Vec::new();
    for alg in [
        "none", "None", "NONE", "", "HS256", "HS384", "HS512", "RS256", "ES256", "PS256", "Ed25519", "eddsa",
        "EdDSA ",
    ] {
        table.push(of(with(&header, "alg", alg.into()), Alg));
    }
    for alg in [json!(["EdDSA"]), json!(1), json!(null), json!(true), json!({ "EdDSA": null })] {
        table.push(of(with(&header, "alg", alg), Head));
    }
    for typ in ["JWT", "at+JWT", "application/at+jwt", "rt+jwt", ""] {
        table.push(of(with(&header, "typ", typ.into()), Type));
    }
    for forged in [
        "",
        "../../dev/null",
        "' OR 1=1 --",
        "http://evil.example/key",
        "*",
        &format!("{kid} "),
        &kid[1..],
        &kid.to_lowercase(),
    ] {
        table.push(of(with(&header, "kid", forged.into()), UnknownKey));
    }
    for forged in [json!(null), json!(0), json!([kid]), json!({ "kid": kid })] {
        table.push(of(with(&header, "kid", forged), Head));
    }
    for member in ["alg", "typ", "kid"] {
        table.push(of(without(&header, member), Head));
    }
    for (member, value) in [
        ("crit", json!(["exp"])),
        ("crit", json!([])),
        ("jku", json!("https://evil.example/jwks")),
        ("jwk", ring.jwks()["keys"][0].clone()),
        ("x5u", json!("https://evil.example/x")),
        ("x5c", json!(["AAAA"])),
        ("x5t", json!("AAAA")),
        ("zip", json!("DEF")),
        ("cty", json!("JWT")),
        ("b64", json!(false)),
        ("enc", json!("A128GCM")),
    ] {
        table.push(of(with(&header, member, value), Head));
    }
    for member in [
        "\"alg\":\"EdDSA\"".into(),
        "\"alg\":\"none\"".into(),
        "\"\\u0061lg\":\"none\"".into(),
        format!("\"kid\":\"{kid}\""),
    ] {
        table.push(of(ending(&header.to_string(), &member), Head));
    }
    for text in [
        "",
        "{}",
        "null",
        "[]",
        "{",
        "\"EdDSA\"",
        &format!("[\"EdDSA\",\"at+jwt\",\"{kid}\"]"),
        &format!(" {header}"),
        &format!("{header}{header}"),
    ] {
        table.push(of(text.into(), Head));
    }
    table.push(of(with(&header, "kid", "k".repeat(1100).into()), TooLong));
    table.push(of(with(&header, "kid", "k".repeat(10_240).into()), TooLong));
    assert!(refused(&ring, table) >= 60);
}

#[test]
fn spoilt_claims_are_refused() {
    let ring = ring("claims");
    let (header, claims) = parts(&ring);
    let header = header.to_string();
    let of = |claims: String, fault| (signed(&ring, &header, &claims), fault);
    let mut table = Vec::new();
    for claim in ["iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp"] {
        table.push(of(without(&claims, claim), BadClaims));
        table.push(of(with(&claims, claim, json!(null)), BadClaims));
        table.push(of(with(&claims, claim, json!([claims[claim]])), BadClaims));
        table.push(of(ending(&claims.to_string(), &format!("\"{claim}\":{}", claims[claim])), BadClaims));
    }
    for claim in ["iss", "aud", "sub", "sid", "jti"] {
        table.push(of(with(&claims, claim, json!(7)), BadClaims));
    }
    for claim in ["sub", "sid", "jti"] {
        table.push(of(with(&claims, claim, json!("")), BadClaims));
    }
    for claim in ["iat", "nbf", "exp"] {
        for value in [
            json!("1800000000"),
            json!(true),
            json!(1_800_000_000.5),
            json!(1_800_000_000.0),
            json!({}),
            json!(u64::MAX),
        ] {
            table.push(of(with(&claims, claim, value), BadClaims));
        }
        for raw in
            ["1e400", "1e9", "-0", "NaN", "Infinity", "99999999999999999999999", "01800000000", "0x6b49d200"]
        {
            table.push(of(ending(&without(&claims, claim), &format!("\"{claim}\":{raw}")), BadClaims));
        }
        for value in [-1, i64::MIN, i64::MAX] {
            table.push(of(with(&claims, claim, json!(value)), Times));
        }
    }
    table.push(of(with(&claims, "exp", json!(ISSUED + 601)), Times));
    table.push(of(with(&claims, "exp", json!(ISSUED)), Times));
    table.push(of(with(&claims, "exp", json!(ISSUED - 1)), Times));
    table.push(of(with(&claims, "nbf", json!(ISSUED - 1)), Times));
    table.push(of(with(&claims, "nbf", json!(ISSUED + 600)), Times));
    table.push(of(with(&claims, "nbf", json!(ISSUED + 31)), NotYet));
    table.push(of(with(&claims, "iss", "regimen".into()), Issuer));
    table.push(of(with(&claims, "iss", "https://regimen.example/".into()), Issuer));
    table.push(of(with(&claims, "iss", "".into()), Issuer));
    table.push(of(with(&claims, "aud", "https://regimen.example".into()), Audience));
    table.push(of(with(&claims, "aud", "".into()), Audience));
    table.push(of(with(&claims, "aud", json!(["regimen", "other"])), BadClaims));
    table.push(of(with(&claims, "role", "owner".into()), BadClaims));
    for text in [
        "",
        "{}",
        "null",
        "[]",
        "\"x\"",
        &format!(" {claims}"),
        &format!("{claims}x"),
        &format!("[{claims}]"),
    ] {
        table.push(of(text.into(), BadClaims));
    }
    let values: Vec<_> =
        ["iss", "aud", "sub", "sid", "jti", "iat", "nbf", "exp"].map(|claim| claims[claim].clone()).into();
    table.push(of(Value::from(values).to_string(), BadClaims));
    assert!(refused(&ring, table) >= 60);
}

#[test]
fn forged_and_broken_tokens_are_refused() {
    let (ring, other) = (ring("forged"), self::ring("other"));
    let (header, claims) = parts(&ring);
    let token = signed(&ring, &header.to_string(), &claims.to_string());
    let [first, second, third] = token.split('.').collect::<Vec<_>>()[..] else { panic!("three parts") };
    let mut table = vec![
        // Another server's key under this server's kid, and that server's own token.
        (signed(&other, &header.to_string(), &claims.to_string()), Signature),
        (sign(&other, &tokens().claims("acc_1", "ses_1", at(ISSUED))).unwrap(), UnknownKey),
        // Claims, header and signature that do not belong together.
        (format!("{first}.{}.{third}", encoded(with(&claims, "sub", "acc_2".into()))), Signature),
        (format!("{}.{second}.{third}", encoded(format!("{header} "))), Signature),
        (format!("{first}.{second}.{}", encoded([0; 64])), Signature),
        (format!("{first}.{second}.{}", encoded([0; 63])), Signature),
        (format!("{first}.{second}."), Signature),
        (format!("{first}.{second}.{third}A"), Signature),
        (format!("{first}.{second}.{third}=="), Signature),
        (format!("{first}.{second}.{third}\n"), Signature),
        (format!("{first}.{second}.{third} "), Signature),
        (format!("{first}.{second}.{}", third.to_uppercase()), Signature),
        (format!("{first}.{second}.{}", &third[..80]), Signature),
        (format!("{first}.{second}.é"), Signature),
        (format!("{first}..{third}"), Signature),
        (format!(".{second}.{third}"), Head),
        (format!("{second}.{first}.{third}"), Head),
        ("..".into(), Head),
    ];
    for text in [
        String::new(),
        ".".into(),
        "...".into(),
        "token".into(),
        first.into(),
        format!("{first}.{second}"),
        format!("{token}."),
        format!(".{token}"),
        format!("{token}.{third}"),
        format!("{token}.{second}.{third}"),
        format!(" {token}"),
        format!("Bearer {token}"),
        format!("{first}=.{second}.{third}"),
        format!("{first}.{second}=.{third}"),
        format!("{first} .{second}.{third}"),
        format!("{first}.{second}\n.{third}"),
        format!("{first}.{second}..{third}"),
        format!("{header}.{claims}.{third}"),
        format!("{first}.+/.{third}"),
        "\0.\0.\0".into(),
        format!("{first}\u{200b}.{second}.{third}"),
    ] {
        table.push((text, Malformed));
    }
    // Credentials of other kinds are no access tokens.
    for prefix in ["rgm_", "rgr_", "rgi_", "rgl_"] {
        table.push((format!("{prefix}{}", "0".repeat(43)), Malformed));
    }
    // The same signature with S + L for S, which a lax verifier takes for another one (RFC 8032, section 5.1.7).
    table.push((format!("{first}.{second}.{}", encoded(with_order_added(third))), Signature));
    table.push((format!("{first}.{}.{third}", "A".repeat(4096)), TooLong));
    table.push(("A".repeat(1 << 20), TooLong));
    // The public key as the secret of a keyed hash: the classic confusion.
    let public = ring.jwks()["keys"][0]["x"].as_str().unwrap().to_owned();
    for secret in
        [URL_SAFE_NO_PAD.decode(&public).unwrap(), public.into_bytes(), ring.jwks().to_string().into_bytes()]
    {
        let confused = format!("{}.{second}", encoded(with(&header, "alg", "HS256".into())));
        let key = EncodingKey::from_secret(&secret);
        let tag = jsonwebtoken::crypto::sign(confused.as_bytes(), &key, Algorithm::HS256).unwrap();
        table.push((format!("{confused}.{tag}"), Alg));
        let tag = jsonwebtoken::crypto::sign(format!("{first}.{second}").as_bytes(), &key, Algorithm::HS256)
            .unwrap();
        table.push((format!("{first}.{second}.{tag}"), Signature));
    }
    assert!(refused(&ring, table) >= 40);
}

/// A signature whose second half, a number in little-endian order, is greater by the order of the group.
fn with_order_added(signature: &str) -> Vec<u8> {
    let order: [u8; 16] =
        [0xed, 0xd3, 0xf5, 0x5c, 0x1a, 0x63, 0x12, 0x58, 0xd6, 0x9c, 0xf7, 0xa2, 0xde, 0xf9, 0xde, 0x14];
    let mut bytes = URL_SAFE_NO_PAD.decode(signature).unwrap();
    let mut carry = 0;
    for place in 0..32 {
        // L = 2^252 + what stands above.
        let add = if place == 31 { 0x10 } else { order.get(place).copied().unwrap_or(0) };
        let sum = u16::from(bytes[32 + place]) + u16::from(add) + carry;
        bytes[32 + place] = sum.to_le_bytes()[0];
        carry = sum >> 8;
    }
    bytes
}

#[test]
fn any_changed_character_breaks_a_token() {
    let ring = ring("changed");
    let token = sign(&ring, &tokens().claims("acc_1", "ses_1", at(ISSUED))).unwrap();
    for place in 0..token.len() {
        for other in [b'A', b'_', b'.', b'='] {
            let mut changed = token.clone().into_bytes();
            if changed[place] != other {
                changed[place] = other;
                assert!(
                    tokens().verify(&ring, &String::from_utf8(changed).unwrap(), at(ISSUED)).is_err(),
                    "{place}"
                );
            }
        }
    }
}
