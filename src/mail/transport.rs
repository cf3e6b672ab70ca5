//! How mails leave: by SMTP, as files, or not at all.

use std::fmt;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Duration;

use lettre::message::header::ContentType;
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::AsyncSmtpTransport;
use lettre::{AsyncTransport, Tokio1Executor};

use super::Letter;
use crate::store::MailId;

/// How long a conversation with the mail server may take.
const PATIENCE: Duration = Duration::from_secs(20);

/// How mails leave.
#[derive(Clone)]
pub struct Transport(Way);

#[derive(Clone)]
enum Way {
    Off,
    Folder { folder: PathBuf, from: Mailbox },
    Smtp { server: AsyncSmtpTransport<Tokio1Executor>, from: Mailbox },
}

/// Why a mail did not leave.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsent {
    /// It may leave later.
    ForNow(String),
    /// It never will: no address, or the server says so.
    Refused(String),
}

/// Why a setting cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum TransportFault {
    /// It begins with none of the words that are known.
    #[error("say off, file:FOLDER, smtps://HOST or smtp://HOST?tls=required")]
    Unknown,
    /// Who sends is missing, or cannot be read.
    #[error("say who sends with REGIMEN_MAIL_FROM, such as `Regimen <okr@example.com>`")]
    From,
    /// The server's address cannot be read, or its encryption is not there.
    #[error("the mail server cannot be used: {0}")]
    Server(String),
    /// Mails and passwords would be sent in the clear.
    #[error(
        "smtp:// sends in the clear, which is for this machine alone: add ?tls=required, or say smtps://"
    )]
    InTheClear,
    /// There is no such folder, or it cannot be made.
    #[error("the folder {0} cannot be used: {1}")]
    Folder(PathBuf, std::io::Error),
}

impl Transport {
    /// No mails.
    pub const OFF: Self = Self(Way::Off);

    /// Reads a setting: a word or an address, and who sends.
    pub fn parse(url: &str, from: Option<&str>) -> Result<Self, TransportFault> {
        if url == "off" {
            return Ok(Self::OFF);
        }
        if let Some(folder) = url.strip_prefix("file:").filter(|folder| !folder.is_empty()) {
            let folder = PathBuf::from(folder);
            std::fs::create_dir_all(&folder)
                .map_err(|error| TransportFault::Folder(folder.clone(), error))?;
            let from =
                from.unwrap_or("Regimen <regimen@localhost>").parse().map_err(|_| TransportFault::From)?;
            return Ok(Self(Way::Folder { folder, from }));
        }
        let plain = match url.split_once("://") {
            Some(("smtps", _)) => false,
            Some(("smtp", rest)) => !rest.ends_with("?tls=required"),
            Some(_) | None => return Err(TransportFault::Unknown),
        };
        if plain && !stays_here(url) {
            return Err(TransportFault::InTheClear);
        }
        let from = from.and_then(|from| from.parse().ok()).ok_or(TransportFault::From)?;
        let server = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|error| TransportFault::Server(error.to_string()))?
            .timeout(Some(PATIENCE))
            .build();
        Ok(Self(Way::Smtp { server, from }))
    }

    /// Whether no mail leaves.
    pub fn is_off(&self) -> bool {
        matches!(self.0, Way::Off)
    }

    /// Sends a mail; it has left when this returns.
    pub async fn send(&self, id: MailId, letter: &Letter) -> Result<(), Unsent> {
        match &self.0 {
            Way::Off => Err(Unsent::Refused("mails are off".into())),
            Way::Folder { folder, from } => {
                let (mail, path) = (message(id, from, letter)?.formatted(), folder.join(format!("{id}.eml")));
                let kept = tokio::task::spawn_blocking(move || keep(&path, &mail)).await;
                match kept {
                    Ok(Ok(())) => Ok(()),
                    Ok(Err(error)) => Err(Unsent::ForNow(error.to_string())),
                    Err(error) => Err(Unsent::ForNow(error.to_string())),
                }
            }
            Way::Smtp { server, from } => match server.send(message(id, from, letter)?).await {
                Ok(_) => Ok(()),
                Err(error) if error.is_permanent() => Err(Unsent::Refused(error.to_string())),
                Err(error) => Err(Unsent::ForNow(error.to_string())),
            },
        }
    }
}

impl fmt::Debug for Transport {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A server's address may bear its password.
        out.write_str(match self.0 {
            Way::Off => "Transport(off)",
            Way::Folder { .. } => "Transport(file)",
            Way::Smtp { .. } => "Transport(smtp)",
        })
    }
}

/// Whether a server is on this machine.
fn stays_here(url: &str) -> bool {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let authority = rest.split(['/', '?']).next().unwrap_or_default();
    let host = authority.rsplit_once('@').map_or(authority, |(_, host)| host);
    let name = if host.starts_with('[') {
        host.split_inclusive(']').next().unwrap_or_default()
    } else {
        host.split(':').next().unwrap_or_default()
    };
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

fn message(id: MailId, from: &Mailbox, letter: &Letter) -> Result<Message, Unsent> {
    let to: lettre::Address =
        letter.to.parse().map_err(|_| Unsent::Refused("the address is none that mail is sent to".into()))?;
    Message::builder()
        .from(from.clone())
        .to(Mailbox::new(None, to))
        .subject(letter.subject)
        // The same at each attempt, so that a mail that comes twice can be known as one.
        .message_id(Some(format!("<{id}@{}>", from.email.domain())))
        .header(ContentType::TEXT_PLAIN)
        .body(letter.text.clone())
        .map_err(|error| Unsent::Refused(error.to_string()))
}

/// Puts a mail into its file, whole or not at all; nobody else may read it.
fn keep(path: &Path, mail: &[u8]) -> std::io::Result<()> {
    let half = path.with_extension("part");
    // One that was left half written is written anew.
    match std::fs::remove_file(&half) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let mut file = options.open(&half)?;
    file.write_all(mail)?;
    file.sync_all()?;
    std::fs::rename(&half, path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const FROM: Option<&str> = Some("Regimen <okr@example.com>");

    #[test]
    fn settings_are_read_strictly() {
        assert!(Transport::parse("off", None).unwrap().is_off());
        for right in [
            "smtp://localhost:2525",
            "smtp://127.0.0.1",
            "smtp://user:secret@[::1]:25",
            "smtps://mail.example.com",
            "smtps://user:p%40ss@mail.example.com:465",
            "smtp://user:secret@mail.example.com:587?tls=required",
        ] {
            let transport = Transport::parse(right, FROM).unwrap();
            assert_eq!(format!("{transport:?}"), "Transport(smtp)", "{right}");
            assert!(Transport::parse(right, None).is_err(), "{right} without who sends");
        }
        for wrong in [
            "",
            "on",
            "file:",
            "mail.example.com",
            "http://mail.example.com",
            "smtp://mail.example.com",
            "smtp://localhost@mail.example.com",
            "smtp://mail.example.com/localhost",
            "smtp://mail.example.com:587?tls=opportunistic",
            "smtp://localhost.example.com",
        ] {
            assert!(Transport::parse(wrong, FROM).is_err(), "{wrong}");
        }
        assert!(Transport::parse("smtps://mail.example.com", Some("nobody")).is_err());
    }

    #[test]
    fn an_address_smuggles_no_header() {
        let id = MailId::generate(jiff::Timestamp::UNIX_EPOCH);
        let from: Mailbox = "Regimen <okr@example.com>".parse().unwrap();
        for to in [
            "ann@example.com\r\nBcc: eve@example.com",
            "ann@example.com, eve@example.com",
            "a b@example.com",
            "@",
            "ann@",
        ] {
            let letter = Letter { to: to.into(), subject: "x", text: "y\n".into() };
            assert!(message(id, &from, &letter).is_err(), "{to}");
        }
        let letter = Letter { to: "ann@example.com".into(), subject: "x", text: "y\n".into() };
        let mail = String::from_utf8(message(id, &from, &letter).unwrap().formatted()).unwrap();
        assert!(mail.contains("To: ann@example.com\r\n"), "{mail}");
    }
}
