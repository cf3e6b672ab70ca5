//! Whatever is sent as an access token: nothing panics, and only the one sound token is accepted.

#![no_main]

use std::os::unix::fs::PermissionsExt;
use std::sync::LazyLock;

use jiff::Timestamp;
use libfuzzer_sys::fuzz_target;
use regimen::access::jwt::{AccessTokens, Claims, sign};
use regimen::access::keys::KeyRing;

/// The key of RFC 8037, appendix A.1: published, so it protects nothing.
const FILE: &str = r#"{
  "keys": [{"kid": "fuzz", "created_at": "2026-01-01T00:00:00Z", "private": "nWGxne_9WmC6hEr0kuwsxERJxWl7MmkZcDusAxyuf2A"}],
  "server_secret": "AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwdHh8"
}"#;
const ISSUED: i64 = 1_800_000_000;

struct Server {
    ring: KeyRing,
    tokens: AccessTokens,
    sound: String,
    now: Timestamp,
}

static SERVER: LazyLock<Server> = LazyLock::new(|| {
    let path = std::env::temp_dir().join(format!("regimen-fuzz-{}.keys", std::process::id()));
    std::fs::write(&path, FILE).expect("the key file is written");
    std::fs::set_permissions(&path, PermissionsExt::from_mode(0o600)).expect("it is private");
    let ring = KeyRing::load(&path).expect("the key file is sound");
    std::fs::remove_file(&path).expect("it is gone");
    let claims = Claims {
        iss: "https://regimen.example".into(),
        aud: "regimen".into(),
        sub: "acc_1".into(),
        sid: "ses_1".into(),
        jti: "AAAAAAAAAAAAAAAAAAAAAA".into(),
        iat: ISSUED,
        nbf: ISSUED,
        exp: ISSUED + 600,
    };
    let sound = sign(&ring, &claims).expect("it signs");
    let now = Timestamp::from_second(ISSUED).expect("a moment");
    Server { ring, tokens: AccessTokens::new("https://regimen.example", "regimen"), sound, now }
});

fuzz_target!(|text: &str| {
    let server = &*SERVER;
    let verdict = server.tokens.verify(&server.ring, text, server.now);
    assert_eq!(verdict.is_ok(), text == server.sound, "{text}");
});
