//! Whatever is sent as an API token: nothing panics, and what is read is what was sent, with its checksum.

#![no_main]

use libfuzzer_sys::fuzz_target;
use regimen::access::api_token::ApiToken;

fuzz_target!(|text: &str| {
    if let Some(token) = ApiToken::parse(text) {
        assert_eq!(token.reveal(), text);
        assert_eq!(text.len(), 40);
        assert!(text.starts_with("rgm_") && text.bytes().skip(4).all(|byte| byte.is_ascii_alphanumeric()));
    }
});
