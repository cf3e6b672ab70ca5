//! The providers of single sign-on, as a file describes them: checked once, at start.

use std::fmt;
use std::net::IpAddr;
use std::path::PathBuf;

use clap::Args;
use reqwest::Url;
use serde::Deserialize;

use crate::access::Role;
use crate::http::json;
use crate::http::text::folded;

/// Where the providers of single sign-on are described.
#[derive(Args, Clone, Debug, Default)]
pub struct SignOnArgs {
    /// A JSON file that describes the providers of single sign-on (OpenID Connect)
    #[arg(long, env = "REGIMEN_SIGN_ON_FILE")]
    pub sign_on_file: Option<PathBuf>,
}

/// One provider, as the file describes it.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProviderSettings {
    /// Its short name in paths.
    pub slug: String,
    /// What people call it.
    pub name: String,
    /// Its issuer URL, letter by letter as its discovery document has it.
    pub issuer: String,
    /// The name by which it knows this server.
    pub client_id: String,
    /// The file of the secret that goes with it; a client without one relies on PKCE alone.
    #[serde(default)]
    pub client_secret_file: Option<PathBuf>,
    /// That secret, once the file was read.
    #[serde(skip)]
    pub client_secret: Option<ClientSecret>,
    /// Where it may send people back to, letter by letter.
    pub redirect_uris: Vec<String>,
    /// What it is asked for; `openid` is always among it.
    #[serde(default = "usual_scopes")]
    pub scopes: Vec<String>,
    /// Who takes part in which workspace without being invited.
    #[serde(default)]
    pub joins: Vec<JoinRule>,
}

/// Whoever has a verified address of a domain takes part in a workspace from the first sign-in on.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct JoinRule {
    /// What stands after the `@`; sub-domains are other domains.
    pub domain: String,
    /// The workspace's slug.
    pub workspace: String,
    /// `viewer` or `member`.
    pub role: Role,
    /// Slugs of teams that they belong to as well.
    #[serde(default)]
    pub teams: Vec<String>,
}

/// What a provider knows this server by. Never printed.
#[derive(Clone)]
pub struct ClientSecret(String);

/// The whole file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    providers: Vec<ProviderSettings>,
}

fn usual_scopes() -> Vec<String> {
    ["openid", "email", "profile"].map(str::to_owned).to_vec()
}

impl ClientSecret {
    /// Takes a secret.
    pub fn new(text: impl Into<String>) -> Self {
        Self(text.into())
    }

    pub(super) fn reveal(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for ClientSecret {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("ClientSecret([redacted])")
    }
}

impl SignOnArgs {
    /// The providers that the file describes, with their secrets; none without a file. Says what is
    /// wrong with it.
    pub fn providers(&self) -> Result<Vec<ProviderSettings>, String> {
        let Some(path) = &self.sign_on_file else { return Ok(Vec::new()) };
        let named = |fault: String| format!("REGIMEN_SIGN_ON_FILE {}: {fault}", path.display());
        let text = std::fs::read(path).map_err(|error| named(error.to_string()))?;
        let mut providers = read(&text).map_err(named)?;
        for provider in &mut providers {
            if let Some(file) = &provider.client_secret_file {
                let secret = std::fs::read_to_string(file)
                    .map_err(|error| named(format!("client_secret_file {}: {error}", file.display())))?;
                if secret.trim().is_empty() {
                    return Err(named(format!("client_secret_file {} is empty", file.display())));
                }
                provider.client_secret = Some(ClientSecret::new(secret.trim()));
            }
        }
        Ok(providers)
    }
}

fn read(text: &[u8]) -> Result<Vec<ProviderSettings>, String> {
    let value = json::read(text).map_err(|problem| problem.detail)?;
    let file: File = serde_json::from_value(value).map_err(|error| error.to_string())?;
    check(&file.providers)?;
    Ok(file.providers)
}

/// Says what is wrong with providers, if anything is.
pub fn check(providers: &[ProviderSettings]) -> Result<(), String> {
    for (index, provider) in providers.iter().enumerate() {
        let slug = &provider.slug;
        let fault = |what: String| Err(format!("the provider {slug}: {what}"));
        if !is_slug(slug) {
            return fault("a slug has letters a-z and digits with single - between, up to 64".into());
        }
        if providers[..index].iter().any(|other| other.slug == *slug || other.issuer == provider.issuer) {
            return fault("another provider has its slug or its issuer".into());
        }
        if provider.name.trim().is_empty()
            || provider.name.chars().count() > 200
            || provider.name.contains(char::is_control)
        {
            return fault("the name is blank, longer than 200 characters, or has control characters".into());
        }
        if endpoint(&provider.issuer).is_none_or(|url| url.query().is_some()) {
            return fault(format!("the issuer {} is no https address without a query", provider.issuer));
        }
        if provider.client_id.is_empty() || provider.client_id.len() > 512 {
            return fault("the client_id is empty or longer than 512 characters".into());
        }
        if provider.redirect_uris.is_empty() || provider.redirect_uris.len() > 20 {
            return fault("it needs 1 to 20 redirect_uris".into());
        }
        for uri in &provider.redirect_uris {
            if uri.len() > 2000 || endpoint(uri).is_none() {
                return fault(format!("the redirect_uri {uri} is no https address"));
            }
        }
        if !provider.scopes.iter().any(|scope| scope == "openid") {
            return fault("openid must stand among the scopes".into());
        }
        if provider
            .scopes
            .iter()
            .any(|scope| scope.is_empty() || !scope.bytes().all(|one| one.is_ascii_graphic()))
        {
            return fault("a scope is blank or has characters that no scope has".into());
        }
        for rule in &provider.joins {
            if rule.domain.is_empty()
                || rule.domain != folded(&rule.domain)
                || rule.domain.contains(['@', ' ', '*'])
            {
                return fault(format!("{} is no domain in lower case", rule.domain));
            }
            if !is_slug(&rule.workspace) {
                return fault(format!("{} is no workspace's slug", rule.workspace));
            }
            match rule.role {
                Role::Viewer | Role::Member => {}
                Role::Admin | Role::Owner => {
                    return fault("a domain makes viewers and members; admins are made by people".into());
                }
            }
        }
    }
    Ok(())
}

fn is_slug(text: &str) -> bool {
    (1..=64).contains(&text.len())
        && text.split('-').all(|part| {
            !part.is_empty() && part.bytes().all(|one| one.is_ascii_lowercase() || one.is_ascii_digit())
        })
}

/// An address to which secrets may be sent: over https, or on this very machine. It has neither a
/// name and password in it nor a fragment.
pub(super) fn endpoint(text: &str) -> Option<Url> {
    let url = Url::parse(text).ok()?;
    let safe = url.scheme() == "https" || (url.scheme() == "http" && is_loopback(&url));
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    (safe && plain && url.host_str().is_some()).then_some(url)
}

/// Whether an address is on this machine.
pub(super) fn is_loopback(url: &Url) -> bool {
    url.host_str().is_some_and(|host| {
        let address = host.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>();
        host == "localhost" || address.is_ok_and(|address| address.is_loopback())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn provider() -> Value {
        json!({
            "slug": "acme-id", "name": "Acme ID", "issuer": "https://id.acme.example", "client_id": "regimen",
            "redirect_uris": ["https://okr.acme.example/signed-in"],
            "joins": [{"domain": "acme.example", "workspace": "acme", "role": "member"}],
        })
    }

    fn judged(field: &str, value: Value) -> Result<Vec<ProviderSettings>, String> {
        let mut one = provider();
        one[field] = value;
        read(json!({ "providers": [one] }).to_string().as_bytes())
    }

    #[test]
    fn what_is_sound_is_read_with_what_goes_without_saying() {
        let read = judged("slug", json!("acme-id")).unwrap();
        assert_eq!(read[0].scopes, ["openid", "email", "profile"]);
        assert_eq!(read[0].joins[0].role, Role::Member);
        assert!(judged("issuer", json!("http://127.0.0.1:4000")).is_ok());
        assert!(judged("issuer", json!("http://[::1]:4000/realm")).is_ok());
    }

    #[test]
    fn what_is_not_is_named() {
        for (field, value, said) in [
            ("slug", json!("Acme"), "a slug has"),
            ("slug", json!("a--b"), "a slug has"),
            ("name", json!(" "), "the name is blank"),
            ("issuer", json!("http://id.acme.example"), "no https address"),
            ("issuer", json!("http://localhost.acme.example"), "no https address"),
            ("issuer", json!("https://user:secret@id.acme.example"), "no https address"),
            ("issuer", json!("https://id.acme.example/#x"), "no https address"),
            ("issuer", json!("https://id.acme.example/?x=1"), "no https address"),
            ("client_id", json!(""), "the client_id"),
            ("redirect_uris", json!([]), "1 to 20"),
            ("redirect_uris", json!(["javascript:alert(1)"]), "no https address"),
            ("scopes", json!(["email"]), "openid"),
            ("scopes", json!(["openid", "e mail"]), "a scope"),
            (
                "joins",
                json!([{"domain": "Acme.example", "workspace": "acme", "role": "member"}]),
                "lower case",
            ),
            ("joins", json!([{"domain": "acme.example", "workspace": "A", "role": "member"}]), "slug"),
            (
                "joins",
                json!([{"domain": "acme.example", "workspace": "acme", "role": "admin"}]),
                "made by people",
            ),
            ("joins", json!([{"domain": "acme.example", "workspace": "acme", "role": "king"}]), "king"),
            ("client_secret", json!("plain"), "unknown field"),
        ] {
            let refused = judged(field, value).unwrap_err();
            assert!(refused.contains(said), "{field}: {refused}");
        }
        let twice = json!({ "providers": [provider(), provider()] });
        assert!(read(twice.to_string().as_bytes()).unwrap_err().contains("another provider"));
    }

    #[test]
    fn secrets_come_from_files_of_their_own() {
        let folder = std::env::temp_dir().join(format!("regimen_sign_on_{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        let (file, secret) = (folder.join("providers.json"), folder.join("secret"));
        let mut one = provider();
        one["client_secret_file"] = json!(secret);
        std::fs::write(&file, json!({ "providers": [one] }).to_string()).unwrap();
        let read = || SignOnArgs { sign_on_file: Some(file.clone()) }.providers();
        assert!(read().unwrap_err().contains("client_secret_file"));
        std::fs::write(&secret, " \n").unwrap();
        assert!(read().unwrap_err().contains("is empty"));
        std::fs::write(&secret, "hush\n").unwrap();
        assert_eq!(read().unwrap()[0].client_secret.as_ref().map(ClientSecret::reveal), Some("hush"));
        std::fs::write(&file, "{").unwrap();
        assert!(read().unwrap_err().contains("line 1"));
        std::fs::remove_dir_all(&folder).unwrap();
        assert!(SignOnArgs::default().providers().unwrap().is_empty());
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", ClientSecret::new("hush")), "ClientSecret([redacted])");
    }
}
