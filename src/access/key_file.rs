//! Reading and writing the key file: one JSON file that its owner alone may read.
//!
//! It is replaced as a whole under a lock, so that processes that start at once agree and a crash
//! leaves the old file or the new one.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_with::{DisplayFromStr, serde_as};

use super::secret::wipe;

/// A key file is a few hundred bytes; more than this is something else.
const LARGEST_FILE: u64 = 1 << 20;

/// Why there is no usable key ring. Each line is meant for whoever starts the server.
#[derive(Debug, thiserror::Error)]
#[allow(missing_docs)] // the lines below are the documentation
pub enum KeyFault {
    #[error("the key file {} cannot be read: {cause}", path.display())]
    Unreadable { path: PathBuf, cause: io::Error },
    #[error("the key file {} cannot be written: {cause}", path.display())]
    Unwritable { path: PathBuf, cause: io::Error },
    #[error("the key file {} is open to others (mode {mode:03o}): run chmod 600 on it", path.display())]
    OpenToOthers { path: PathBuf, mode: u32 },
    // What the parser would quote may be a secret, so only the place is told.
    #[error("the key file {} is not a key file: see line {line}, column {column}", path.display())]
    NotAKeyFile { path: PathBuf, line: usize, column: usize },
    #[error("the key file {} has no signing key that is not retired", path.display())]
    NoKey { path: PathBuf },
    #[error("the key file {} holds too many keys: retire some, or wait until those that were retired can go", path.display())]
    TooManyKeys { path: PathBuf },
    #[error("the server secret in {} is too weak: it takes at least 32 random bytes in base64url", path.display())]
    WeakSecret { path: PathBuf },
    #[error("the key {kid:?} in {} is not usable: {why}", path.display())]
    BadKey { path: PathBuf, kid: String, why: &'static str },
}

/// The file as written. No Debug, and serialised by [`write`] alone.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyFile {
    pub(super) keys: Vec<KeyEntry>,
    /// At least 32 random bytes in base64url.
    pub(super) server_secret: String,
}

#[serde_as]
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct KeyEntry {
    pub(super) kid: String,
    #[serde_as(as = "DisplayFromStr")]
    pub(super) created_at: Timestamp,
    /// The seed of an Ed25519 key (RFC 8032, section 5.1.5): 32 bytes in base64url.
    pub(super) private: String,
    #[serde_as(as = "Option<DisplayFromStr>")]
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) retired_at: Option<Timestamp>,
}

impl Drop for KeyFile {
    fn drop(&mut self) {
        let privates = self.keys.iter_mut().map(|entry| &mut entry.private);
        privates
            .chain([&mut self.server_secret])
            .for_each(|text| wipe(&mut std::mem::take(text).into_bytes()));
    }
}

/// Reads the file, if it is one that only its owner may read.
pub(super) fn read(path: &Path) -> Result<KeyFile, KeyFault> {
    let file = File::open(path).map_err(|cause| unreadable(path, cause))?;
    // Asked of the open file, so that nobody can swap it in between.
    let metadata = file.metadata().map_err(|cause| unreadable(path, cause))?;
    #[cfg(unix)]
    {
        let mode = std::os::unix::fs::PermissionsExt::mode(&metadata.permissions()) & 0o777;
        if mode & 0o077 != 0 {
            return Err(KeyFault::OpenToOthers { path: path.into(), mode });
        }
    }
    if !metadata.is_file() {
        return Err(unreadable(path, io::Error::other("it is not a file")));
    }
    let mut bytes = Vec::new();
    file.take(LARGEST_FILE).read_to_end(&mut bytes).map_err(|cause| unreadable(path, cause))?;
    let parsed = serde_json::from_slice(&bytes).map_err(|error| KeyFault::NotAKeyFile {
        path: path.into(),
        line: error.line(),
        column: error.column(),
    });
    wipe(&mut bytes);
    parsed
}

/// Writes the whole file beside its place and moves it there, so that a reader or a crash finds the
/// old file or the new one and never half of one. The caller holds the lock.
pub(super) fn write(path: &Path, file: &KeyFile) -> Result<(), KeyFault> {
    let fresh = beside(path, "new");
    let attempt = || -> io::Result<()> {
        let mut bytes = serde_json::to_vec_pretty(file)?;
        // What a crash left behind; under the lock nobody is writing it.
        match fs::remove_file(&fresh) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut out = private_file().create_new(true).open(&fresh)?;
        out.write_all(&bytes)?;
        wipe(&mut bytes);
        out.sync_all()?;
        fs::rename(&fresh, path)?;
        // The new name must outlive a power cut too.
        File::open(path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))?
            .sync_all()
    };
    attempt().map_err(|cause| KeyFault::Unwritable { path: path.into(), cause })
}

/// Waits for the right to change the file. The system gives it back when this process ends, however
/// it ends.
pub(super) fn lock(path: &Path) -> Result<File, KeyFault> {
    let attempt = || -> io::Result<File> {
        let file = private_file().create(true).truncate(false).open(beside(path, "lock"))?;
        file.lock()?;
        Ok(file)
    };
    attempt().map_err(|cause| KeyFault::Unwritable { path: path.into(), cause })
}

fn private_file() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.write(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(".");
    name.push(ending);
    name.into()
}

pub(super) fn unreadable(path: &Path, cause: io::Error) -> KeyFault {
    KeyFault::Unreadable { path: path.into(), cause }
}

pub(super) fn bad_key(path: &Path, kid: &str, why: &'static str) -> KeyFault {
    KeyFault::BadKey { path: path.into(), kid: kid.chars().take(64).collect(), why }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::{PermissionsExt, symlink};

    #[test]
    fn only_a_file_of_its_owner_alone_is_read() {
        let folder = std::env::temp_dir().join(format!("regimen-key-file-{}", std::process::id()));
        let _ = fs::remove_dir_all(&folder);
        fs::create_dir_all(&folder).unwrap();
        let path = folder.join("keys.json");
        assert!(matches!(read(&path), Err(KeyFault::Unreadable { .. })));
        assert!(matches!(read(&folder), Err(KeyFault::Unreadable { .. } | KeyFault::OpenToOthers { .. })));
        // What a crash left behind is in nobody's way.
        fs::write(beside(&path, "new"), "half").unwrap();
        write(&path, &KeyFile { keys: Vec::new(), server_secret: "s".into() }).unwrap();
        symlink(&path, folder.join("link.json")).unwrap();
        for (mode, readable) in [
            (0o600, true),
            (0o400, true),
            (0o700, true),
            (0o640, false),
            (0o604, false),
            (0o644, false),
            (0o620, false),
            (0o666, false),
            (0o610, false),
        ] {
            fs::set_permissions(&path, fs::Permissions::from_mode(mode)).unwrap();
            for name in [&path, &folder.join("link.json")] {
                let found = read(name);
                assert_eq!(found.is_ok(), readable, "{mode:o}");
                if let Err(fault) = found {
                    assert!(fault.to_string().contains(&format!("mode {mode:03o}")), "{fault}");
                }
            }
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o600)).unwrap();
        write(&path, &KeyFile { keys: Vec::new(), server_secret: "t".into() }).unwrap();
        assert_eq!(read(&path).unwrap().server_secret, "t");
        fs::remove_dir_all(&folder).unwrap();
    }

    #[test]
    fn what_cannot_be_written_says_so() {
        let nowhere = std::env::temp_dir().join("regimen-no-such-folder/keys.json");
        assert!(matches!(lock(&nowhere), Err(KeyFault::Unwritable { .. })));
    }
}
