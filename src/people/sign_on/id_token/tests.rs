//! Claims that are believed and claims that are not.

use serde_json::json;

use super::*;

const NOW: i64 = 1_774_949_400;

fn claims() -> Value {
    json!({
        "iss": "https://id.example", "aud": "regimen", "sub": "ann", "nonce": "n-1", "iat": NOW, "exp": NOW + 300,
        "email": "ann@acme.example", "email_verified": true, "name": "Ann Smith",
    })
}

fn judged(change: impl FnOnce(&mut Value)) -> Result<Person, TokenFault> {
    let mut claims = claims();
    change(&mut claims);
    let now = Timestamp::from_second(NOW).unwrap();
    judge(&claims, &Expected { issuer: "https://id.example", client_id: "regimen", nonce: "n-1", now })
}

fn without(claim: &'static str) -> impl FnOnce(&mut Value) {
    move |claims| {
        claims.as_object_mut().unwrap().remove(claim);
    }
}

#[test]
fn whole_claims_describe_somebody() {
    let ann = judged(|_| ()).unwrap();
    assert_eq!(ann.subject, "ann");
    assert_eq!(ann.address, Address::Verified("ann@acme.example".into()));
    assert_eq!(ann.name.as_deref(), Some("Ann Smith"));
    assert!(judged(|claims| claims["aud"] = json!(["regimen"])).is_ok());
    assert!(
        judged(|claims| {
            claims["aud"] = json!(["other", "regimen"]);
            claims["azp"] = json!("regimen");
        })
        .is_ok()
    );
    assert!(judged(|claims| claims["exp"] = json!(NOW as f64 - 29.5)).is_ok());
    assert!(judged(|claims| claims["nbf"] = json!(NOW + 29)).is_ok());
}

#[test]
fn each_claim_counts() {
    for (claim, value, fault) in [
        ("iss", json!("https://id.example/"), TokenFault::Issuer),
        ("iss", json!(null), TokenFault::Issuer),
        ("aud", json!("other"), TokenFault::Audience),
        ("aud", json!(["other", "regimen"]), TokenFault::Audience),
        ("aud", json!(7), TokenFault::Claims),
        ("azp", json!("other"), TokenFault::Audience),
        ("azp", json!(7), TokenFault::Audience),
        ("exp", json!(NOW - 30), TokenFault::Expired),
        ("exp", json!("never"), TokenFault::Claims),
        ("exp", json!(null), TokenFault::Claims),
        ("iat", json!(NOW + 31), TokenFault::NotYet),
        ("iat", json!(NOW - 631), TokenFault::Expired),
        ("iat", json!([NOW]), TokenFault::Claims),
        ("nbf", json!(NOW + 31), TokenFault::NotYet),
        ("nbf", json!("never"), TokenFault::Claims),
        ("nonce", json!("n-2"), TokenFault::Nonce),
        ("nonce", json!(null), TokenFault::Nonce),
        ("sub", json!(""), TokenFault::Claims),
        ("sub", json!("a".repeat(256)), TokenFault::Claims),
        ("sub", json!("a\u{0}"), TokenFault::Claims),
    ] {
        assert_eq!(judged(|claims| claims[claim] = value.clone()), Err(fault), "{claim}: {value}");
    }
    for claim in ["iss", "aud", "sub", "nonce", "iat", "exp"] {
        assert!(judged(without(claim)).is_err(), "without {claim}");
    }
}

#[test]
fn an_address_is_verified_or_not_and_a_name_is_plain() {
    for (verified, address) in [
        (json!("true"), Address::Verified("ann@acme.example".into())),
        (json!(false), Address::Unverified),
        (json!("false"), Address::Unverified),
        (json!(1), Address::Unverified),
        (json!(null), Address::Unverified),
    ] {
        assert_eq!(judged(|claims| claims["email_verified"] = verified.clone()).unwrap().address, address);
    }
    for email in ["ann", "ann@", "@acme.example", "ann@evil.example@acme.example", "an n@acme.example"] {
        assert_eq!(judged(|claims| claims["email"] = json!(email)).unwrap().address, Address::Unverified);
    }
    assert_eq!(judged(without("email")).unwrap().address, Address::Unknown);
    assert_eq!(judged(|claims| claims["name"] = json!("\u{7} \n")).unwrap().name, None);
    assert_eq!(judged(|claims| claims["name"] = json!("x".repeat(300))).unwrap().name.unwrap().len(), 200);
}

#[test]
fn headers_name_an_algorithm_of_the_list_and_one_key() {
    let header = |header: Value| Header::of(&format!("{}.e30.", URL_SAFE_NO_PAD.encode(header.to_string())));
    let fault = |said: Value| header(said).err();
    for algorithm in ["none", "None", "HS256", "HS512", "RS384", "ES384", "", "rs256"] {
        assert_eq!(fault(json!({"alg": algorithm, "kid": "1"})), Some(TokenFault::Algorithm), "{algorithm}");
    }
    assert_eq!(fault(json!({"alg": ["RS256"]})), Some(TokenFault::Header));
    assert_eq!(fault(json!({"kid": "1"})), Some(TokenFault::Header));
    assert_eq!(fault(json!({"alg": "RS256", "crit": ["b64"]})), Some(TokenFault::Header));
    assert_eq!(fault(json!({"alg": "RS256", "typ": "at+jwt"})), Some(TokenFault::Header));
    assert_eq!(fault(json!({"alg": "RS256", "kid": 7})), Some(TokenFault::Header));
    let long = json!({"alg": "RS256", "kid": "k".repeat(2000)});
    assert_eq!(fault(long), Some(TokenFault::TooLong));

    let x = URL_SAFE_NO_PAD.encode([7; 32]);
    let set = json!({"keys": [
        {"kty": "oct", "kid": "1", "k": x}, {"kty": "OKP", "crv": "Ed25519", "kid": "1", "x": x},
        {"kty": "EC", "crv": "P-256", "kid": "2", "x": x, "y": x}, {"kty": "OKP", "crv": "Ed25519", "kid": "3", "x": x, "use": "enc"},
        {"kty": "EC", "crv": "P-256", "kid": "4", "x": x, "y": x, "alg": "ES384"}, {"kty": "RSA", "n": "!", "e": "AQAB"}, 7,
    ]});
    let keys = keys(&set);
    assert_eq!(keys.len(), 2);
    let found = |said: Value| header(said).unwrap().key(&keys).and_then(|key| key.id.clone());
    assert_eq!(found(json!({"alg": "EdDSA", "kid": "1"})).as_deref(), Some("1"));
    assert_eq!(found(json!({"alg": "ES256"})).as_deref(), Some("2"));
    for unknown in
        [json!({"alg": "ES256", "kid": "1"}), json!({"alg": "EdDSA", "kid": "3"}), json!({"alg": "RS256"})]
    {
        assert_eq!(found(unknown), None);
    }
}
