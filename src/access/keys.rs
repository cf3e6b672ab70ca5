//! The key file: what signs access tokens, and the server secret from which other keys are derived.
//!
//! One JSON file, made at the first start and readable by its owner alone. Whoever can read it can
//! speak for everyone, so a file that others may read, or that holds weak or broken keys, stops the
//! start with a line that says what to do. The newest key that is not retired signs; every listed
//! key verifies, so that tokens signed before a rotation live out their minutes.
//!
//! A running server looks at the file every two seconds, and at a token signed with a key that it does not know, and
//! reads it again where it was replaced. So several nodes share one file, and a rotation needs no restart.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, SystemTime};
use std::{fmt, fs};

use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey};

pub use super::key_file::KeyFault;
use super::key_file::{KeyEntry, KeyFile, bad_key, lock, read, unreadable, write};
use super::secret::{hmac_sha256, sha256, wipe};
use crate::store::id::random_bytes;

/// How long a retired key must still verify: the life of an access token and the leeway, in seconds.
const RETIRED_KEY_SECONDS: i64 = 630;

/// How many keys a file holds at the most; those that retired long ago are dropped with each rotation.
const MOST_KEYS: usize = 16;

/// How long a change of the file may go unseen by a running server.
pub const LOOKED_AT_EVERY: Duration = Duration::from_secs(2);

/// A key that is ready for use.
struct Key {
    kid: String,
    created_at: Timestamp,
    retired_at: Option<Timestamp>,
    public: [u8; 32],
    verifying: DecodingKey,
}

/// The keys of a running server, as the file has them now.
pub struct KeyRing {
    path: PathBuf,
    /// Which file was read last.
    seen: Mutex<Option<Stamp>>,
    keys: RwLock<Arc<Keys>>,
    server_secret: Vec<u8>,
}

/// The keys of one state of the file.
pub(super) struct Keys {
    keys: Vec<Key>,
    signing_kid: String,
    signing: EncodingKey,
}

/// What tells one state of the file from another: it is replaced as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: Option<SystemTime>,
    length: u64,
    inode: u64,
}

/// A key, for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeyLine {
    /// Its name, as in the header of tokens.
    pub kid: String,
    /// When it was made.
    pub created_at: Timestamp,
    /// What it does.
    pub duty: Duty,
}

/// What a key does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Duty {
    /// It signs and verifies.
    Signs,
    /// It was retired, and still verifies; the next rotation after this moment drops it.
    VerifiesUntil(Timestamp),
    /// It only verifies: a newer one signs.
    Verifies,
}

impl KeyRing {
    /// Reads the key file, or makes it when there is none; `at` becomes the age of a new key.
    /// Processes that start at once agree on one file.
    pub fn load_or_create(path: &Path, at: Timestamp) -> Result<Self, KeyFault> {
        if !fs::exists(path).map_err(|cause| unreadable(path, cause))? {
            let _lock = lock(path)?;
            // Another process may have made it while this one waited.
            if !fs::exists(path).map_err(|cause| unreadable(path, cause))? {
                let server_secret = URL_SAFE_NO_PAD.encode(random_bytes::<32>());
                write(path, &KeyFile { keys: vec![new_entry(path, at)?], server_secret })?;
            }
        }
        Self::load(path)
    }

    /// Reads the key file and tries its keys.
    pub fn load(path: &Path) -> Result<Self, KeyFault> {
        // First looked at, then read: what is replaced in between is read again.
        let seen = stamp(path);
        Self::of(path, seen, &read(path)?)
    }

    /// Reads the file again where it was replaced, and answers whether it was. One that cannot be used leaves the keys
    /// as they are.
    pub fn refresh(&self) -> bool {
        let now = stamp(&self.path);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        if now.is_none() || *seen == now {
            return false;
        }
        *seen = now;
        match read(&self.path).and_then(|file| Self::of(&self.path, now, &file)) {
            Ok(fresh) if fresh.server_secret != self.server_secret => {
                tracing::error!(
                    "the key file holds another server secret; its keys are read at the next start"
                );
                false
            }
            Ok(fresh) => {
                *self.keys.write().unwrap_or_else(PoisonError::into_inner) = fresh.now();
                tracing::info!(kids = ?self.kids(), "the key file was read again");
                true
            }
            Err(fault) => {
                tracing::error!(%fault, "the key file was replaced by one that cannot be used; the keys stay as they are");
                false
            }
        }
    }

    /// The keys, for people, the newest first.
    pub fn lines(&self) -> Vec<KeyLine> {
        let keys = self.now();
        let duty = |key: &Key| match key.retired_at {
            _ if key.kid == keys.signing_kid => Duty::Signs,
            Some(at) => Duty::VerifiesUntil(
                at.saturating_add(jiff::SignedDuration::from_secs(RETIRED_KEY_SECONDS)).unwrap_or(at),
            ),
            None => Duty::Verifies,
        };
        let line = |key: &Key| KeyLine { kid: key.kid.clone(), created_at: key.created_at, duty: duty(key) };
        let mut lines: Vec<KeyLine> = keys.keys.iter().map(line).collect();
        lines.sort_by(|one, other| (other.created_at, &other.kid).cmp(&(one.created_at, &one.kid)));
        lines
    }

    fn kids(&self) -> Vec<String> {
        self.now().keys.iter().map(|key| key.kid.clone()).collect()
    }

    /// Adds a key, which signs from now on, retires the others, and drops those retired so long ago
    /// that none of their tokens lives. Running servers see it when they load the file again.
    pub fn rotate(path: &Path, at: Timestamp) -> Result<Self, KeyFault> {
        let _lock = lock(path)?;
        let mut file = read(path)?;
        let keep_from = at.as_second() - RETIRED_KEY_SECONDS;
        file.keys
            .retain(|entry| entry.retired_at.is_none_or(|retired_at| retired_at.as_second() > keep_from));
        file.keys.iter_mut().for_each(|entry| entry.retired_at = entry.retired_at.or(Some(at)));
        if file.keys.len() >= MOST_KEYS {
            return Err(KeyFault::TooManyKeys { path: path.into() });
        }
        file.keys.push(new_entry(path, at)?);
        let ring = Self::of(path, None, &file)?;
        write(path, &file)?;
        Ok(ring)
    }

    /// Drops a key at once, with every token that it signed: for a key that leaked. The last key
    /// that can sign stays.
    pub fn drop_key(path: &Path, kid: &str) -> Result<Self, KeyFault> {
        let _lock = lock(path)?;
        let mut file = read(path)?;
        let before = file.keys.len();
        file.keys.retain(|entry| entry.kid != kid);
        if file.keys.len() == before {
            return Err(bad_key(path, kid, "there is no such key"));
        }
        let ring = Self::of(path, None, &file)?;
        write(path, &file)?;
        Ok(ring)
    }

    /// What others need to verify access tokens: a JWK set (RFC 7517, RFC 8037) of public members.
    pub fn jwks(&self) -> serde_json::Value {
        let jwk = |key: &Key| {
            serde_json::json!({
                "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(key.public),
                "kid": key.kid, "alg": "EdDSA", "use": "sig",
            })
        };
        serde_json::json!({ "keys": self.now().keys.iter().map(jwk).collect::<Vec<_>>() })
    }

    /// A key for one purpose: HMAC-SHA256 of its label under the server secret.
    pub fn derive(&self, label: &str) -> [u8; 32] {
        hmac_sha256(&self.server_secret, label.as_bytes())
    }

    /// The keys as they are now.
    pub(super) fn now(&self) -> Arc<Keys> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn of(path: &Path, seen: Option<Stamp>, file: &KeyFile) -> Result<Self, KeyFault> {
        let server_secret = URL_SAFE_NO_PAD.decode(&file.server_secret).unwrap_or_default();
        // 32 random bytes have fewer than 16 different values less than once in 10^15 files;
        // examples such as one letter repeated always do.
        let different: std::collections::HashSet<_> = server_secret.iter().collect();
        if server_secret.len() < 32 || different.len() < 16 {
            return Err(KeyFault::WeakSecret { path: path.into() });
        }
        let keys = RwLock::new(Arc::new(Keys::build(path, file)?));
        Ok(Self { path: path.into(), seen: Mutex::new(seen), keys, server_secret })
    }
}

impl Keys {
    /// The key that signs, and its kid.
    pub(super) fn signing(&self) -> (&str, &EncodingKey) {
        (&self.signing_kid, &self.signing)
    }

    /// The listed key of that kid.
    pub(super) fn verifying(&self, kid: &str) -> Option<&DecodingKey> {
        self.keys.iter().find(|key| key.kid == kid).map(|key| &key.verifying)
    }

    fn build(path: &Path, file: &KeyFile) -> Result<Self, KeyFault> {
        let mut ring = Self {
            keys: Vec::with_capacity(file.keys.len()),
            signing_kid: String::new(),
            signing: EncodingKey::from_ed_der(&[]),
        };
        let mut newest = None;
        for entry in &file.keys {
            let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
            if entry.kid.is_empty() || entry.kid.len() > 64 || !entry.kid.bytes().all(fits) {
                return Err(bad_key(path, &entry.kid, "a kid is 1 to 64 letters, digits, - or _"));
            }
            if ring.verifying(&entry.kid).is_some() {
                return Err(bad_key(path, &entry.kid, "the kid is listed twice"));
            }
            let (signing, public) = usable(&entry.private)
                .ok_or_else(|| bad_key(path, &entry.kid, "its private part is not an Ed25519 seed"))?;
            let verifying = DecodingKey::from_ed_der(&public);
            // A library built without its backend, or a broken one, shows here and not at the first
            // sign-in.
            let proof =
                jsonwebtoken::crypto::sign(b"self-test", &signing, Algorithm::EdDSA).and_then(|tag| {
                    jsonwebtoken::crypto::verify(&tag, b"self-test", &verifying, Algorithm::EdDSA)
                });
            if !matches!(proof, Ok(true)) {
                return Err(bad_key(path, &entry.kid, "its self-test failed"));
            }
            if entry.retired_at.is_none() && newest.is_none_or(|known| known <= entry.created_at) {
                newest = Some(entry.created_at);
                ring.signing_kid = entry.kid.clone();
                ring.signing = signing;
            }
            let (kid, created_at, retired_at) = (entry.kid.clone(), entry.created_at, entry.retired_at);
            ring.keys.push(Key { kid, created_at, retired_at, public, verifying });
        }
        newest.map(|_| ring).ok_or_else(|| KeyFault::NoKey { path: path.into() })
    }
}

impl fmt::Debug for KeyRing {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("KeyRing").field("kids", &self.kids()).finish_non_exhaustive()
    }
}

impl Drop for KeyRing {
    fn drop(&mut self) {
        wipe(&mut self.server_secret);
    }
}

/// What the file looks like from outside; nothing where there is none.
fn stamp(path: &Path) -> Option<Stamp> {
    let metadata = fs::metadata(path).ok()?;
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let inode = 0;
    Some(Stamp { modified: metadata.modified().ok(), length: metadata.len(), inode })
}

/// The key of a seed, in the form that the signer reads, and its public half.
fn usable(private: &str) -> Option<(EncodingKey, [u8; 32])> {
    let mut seed = URL_SAFE_NO_PAD.decode(private).ok()?;
    let pair = Ed25519KeyPair::from_seed_unchecked(&seed);
    wipe(&mut seed);
    let pair = pair.ok()?;
    let public = pair.public_key().as_ref().try_into().ok()?;
    Some((EncodingKey::from_ed_der(pair.to_pkcs8().ok()?.as_ref()), public))
}

fn new_entry(path: &Path, at: Timestamp) -> Result<KeyEntry, KeyFault> {
    let mut seed = random_bytes::<32>();
    let private = URL_SAFE_NO_PAD.encode(seed);
    wipe(&mut seed);
    let (_, public) = usable(&private).ok_or_else(|| bad_key(path, "", "the new key could not be made"))?;
    // The thumbprint of RFC 7638 with the members of RFC 8037, so that the name follows from the key.
    let members = format!(r#"{{"crv":"Ed25519","kty":"OKP","x":"{}"}}"#, URL_SAFE_NO_PAD.encode(public));
    let kid = URL_SAFE_NO_PAD.encode(sha256(members.as_bytes()));
    Ok(KeyEntry { kid, created_at: at, private, retired_at: None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;
    use std::path::PathBuf;

    /// A folder of its own for each test, gone with it.
    struct Folder(PathBuf);
    impl Folder {
        fn new(name: &str) -> Self {
            let path = std::env::temp_dir().join(format!("regimen-keys-{name}-{}", std::process::id()));
            let _ = fs::remove_dir_all(&path);
            fs::create_dir_all(&path).unwrap();
            Self(path)
        }
        fn file(&self) -> PathBuf {
            self.0.join("keys.json")
        }
        fn holding(&self, text: &str) -> Result<KeyRing, KeyFault> {
            fs::write(self.file(), text).unwrap();
            fs::set_permissions(self.file(), fs::Permissions::from_mode(0o600)).unwrap();
            KeyRing::load(&self.file())
        }
    }
    impl Drop for Folder {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn the_first_start_makes_a_private_file_and_later_ones_read_it() {
        let folder = Folder::new("first");
        let made = KeyRing::load_or_create(&folder.file(), at(0)).unwrap();
        assert_eq!(fs::metadata(folder.file()).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!folder.0.join("keys.json.new").exists());
        let again = KeyRing::load_or_create(&folder.file(), at(9)).unwrap();
        assert_eq!(made.jwks(), again.jwks());
        assert_eq!(made.derive("cursor"), again.derive("cursor"));
        assert_ne!(made.derive("cursor"), made.derive("refresh"));
    }

    #[test]
    fn starts_at_once_agree_on_one_file() {
        let folder = Folder::new("race");
        let path = folder.file();
        let rings: Vec<_> = std::thread::scope(|scope| {
            let starts: Vec<_> =
                (0..16).map(|_| scope.spawn(|| KeyRing::load_or_create(&path, at(0)).unwrap())).collect();
            starts.into_iter().map(|start| start.join().unwrap()).collect()
        });
        assert!(
            rings
                .iter()
                .all(|ring| ring.jwks() == rings[0].jwks() && ring.derive("x") == rings[0].derive("x"))
        );
    }

    #[test]
    fn a_rotation_signs_with_the_new_key_and_still_verifies_the_old() {
        let folder = Folder::new("rotate");
        let old = KeyRing::load_or_create(&folder.file(), at(0)).unwrap().now().signing().0.to_owned();
        let ring = KeyRing::rotate(&folder.file(), at(100)).unwrap();
        let new = ring.now().signing().0.to_owned();
        assert!(new != old && ring.now().verifying(&old).is_some());
        assert_eq!(KeyRing::load(&folder.file()).unwrap().jwks(), ring.jwks());
        let ring = KeyRing::rotate(&folder.file(), at(100 + RETIRED_KEY_SECONDS)).unwrap();
        assert!(ring.now().verifying(&old).is_none() && ring.now().verifying(&new).is_some());
        let newest = ring.now().signing().0.to_owned();
        assert!(matches!(KeyRing::drop_key(&folder.file(), &newest), Err(KeyFault::NoKey { .. })));
        assert!(matches!(KeyRing::drop_key(&folder.file(), "none"), Err(KeyFault::BadKey { .. })));
        assert!(KeyRing::drop_key(&folder.file(), &new).unwrap().now().verifying(&new).is_none());
    }

    #[test]
    fn a_running_server_sees_what_becomes_of_the_file() {
        let folder = Folder::new("running");
        let running = KeyRing::load_or_create(&folder.file(), at(0)).unwrap();
        let old = running.now().signing().0.to_owned();
        assert!(!running.refresh());
        KeyRing::rotate(&folder.file(), at(100)).unwrap();
        assert!(running.refresh() && !running.refresh());
        let new = running.now().signing().0.to_owned();
        assert!(new != old && running.now().verifying(&old).is_some());
        let until = at(100 + RETIRED_KEY_SECONDS);
        let line = |kid: &str, second, duty| KeyLine { kid: kid.into(), created_at: at(second), duty };
        assert_eq!(
            running.lines(),
            [line(&new, 100, Duty::Signs), line(&old, 0, Duty::VerifiesUntil(until))]
        );
        KeyRing::drop_key(&folder.file(), &old).unwrap();
        assert!(running.refresh() && running.now().verifying(&old).is_none());
        // What cannot be used changes nothing: no file, a broken one, one of another server.
        let good = fs::read_to_string(folder.file()).unwrap();
        let other = Folder::new("other");
        KeyRing::load_or_create(&other.file(), at(0)).unwrap();
        fs::remove_file(folder.file()).unwrap();
        assert!(!running.refresh());
        assert!(folder.holding("{}").is_err());
        assert!(!running.refresh());
        folder.holding(&fs::read_to_string(other.file()).unwrap()).unwrap();
        assert!(!running.refresh());
        assert_eq!(running.now().signing().0, new);
        folder.holding(&good).unwrap();
        assert!(running.refresh() && running.now().verifying(&new).is_some());
        for second in 0..20 {
            let rotated = KeyRing::rotate(&folder.file(), at(200 + second));
            assert_eq!(rotated.is_ok(), second < 15, "{second}");
        }
    }

    #[test]
    fn others_see_public_members_alone() {
        let folder = Folder::new("jwks");
        let ring = KeyRing::load_or_create(&folder.file(), at(0)).unwrap();
        let jwks = ring.jwks();
        let key = jwks["keys"][0].as_object().unwrap();
        let mut members: Vec<_> = key.keys().map(String::as_str).collect();
        members.sort_unstable();
        assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x"]);
        let file: serde_json::Value = serde_json::from_slice(&fs::read(folder.file()).unwrap()).unwrap();
        let shown = format!("{ring:?} {jwks}");
        for secret in [&file["keys"][0]["private"], &file["server_secret"]] {
            assert!(!shown.contains(secret.as_str().unwrap()));
        }
    }

    #[test]
    fn a_key_file_that_cannot_be_trusted_is_refused_with_a_clear_line() {
        let folder = Folder::new("refuse");
        KeyRing::load_or_create(&folder.file(), at(0)).unwrap();
        let good = fs::read_to_string(folder.file()).unwrap();
        let file: serde_json::Value = serde_json::from_str(&good).unwrap();
        let (key, secret) = (&file["keys"][0], &file["server_secret"]);
        assert!(folder.holding(&good).is_ok());
        let with = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut changed = file.clone();
            change(&mut changed);
            changed.to_string()
        };
        for (text, line) in [
            (String::new(), "is not a key file"),
            ("{}".into(), "is not a key file"),
            ("not JSON".into(), "is not a key file"),
            (with(&|file| file["extra"] = 1.into()), "is not a key file"),
            (with(&|file| file["keys"] = serde_json::json!([])), "no signing key"),
            (with(&|file| file["keys"][0]["retired_at"] = "2026-01-01T00:00:00Z".into()), "no signing key"),
            (with(&|file| file["server_secret"] = "".into()), "too weak"),
            (with(&|file| file["server_secret"] = secret.as_str().unwrap()[..40].into()), "too weak"),
            (with(&|file| file["server_secret"] = "A".repeat(43).into()), "too weak"),
            (with(&|file| file["server_secret"] = "change me, please!".into()), "too weak"),
            (with(&|file| file["keys"] = serde_json::json!([key, key])), "listed twice"),
            (with(&|file| file["keys"][0]["kid"] = "../../dev/null".into()), "a kid is"),
            (with(&|file| file["keys"][0]["kid"] = "".into()), "a kid is"),
            (with(&|file| file["keys"][0]["private"] = "AAAA".into()), "not an Ed25519 seed"),
            (with(&|file| file["keys"][0]["private"] = "?".into()), "not an Ed25519 seed"),
        ] {
            let fault = folder.holding(&text).unwrap_err().to_string();
            assert!(fault.contains(line) && fault.contains("keys.json"), "{fault}");
            assert!(!fault.contains(key["private"].as_str().unwrap()) && !fault.contains('\n'));
        }
    }
}
