//! What leaves by mail in a story: sent by the program itself, into a folder.

use crate::harness::App;

/// A mail that has left.
#[derive(Debug)]
pub struct Mail {
    pub to: String,
    pub subject: String,
    pub text: String,
}

impl Mail {
    /// The token on a line of its own.
    #[track_caller]
    pub fn token(&self) -> String {
        let alone = |line: &&str| line.starts_with("rg") && line.len() == 47;
        self.text.lines().find(alone).unwrap_or_else(|| panic!("no token in {}", self.text)).to_owned()
    }

    /// Reads one as it is sent.
    pub fn read(raw: &str) -> Self {
        let (head, body) = raw.split_once("\r\n\r\n").expect("a head and a body");
        let header = |name: &str| {
            let found = head.lines().find_map(|line| line.strip_prefix(name));
            found.unwrap_or_else(|| panic!("no {name} in {head}")).trim().to_owned()
        };
        assert!(header("Message-ID:").starts_with("<mail_"), "{head}");
        assert_eq!(header("Content-Type:"), "text/plain; charset=utf-8");
        let text = match header("Content-Transfer-Encoding:").as_str() {
            "7bit" => body.to_owned(),
            "quoted-printable" => unquoted(body),
            other => panic!("the encoding {other}"),
        };
        Self { to: header("To:"), subject: header("Subject:"), text: text.replace("\r\n", "\n") }
    }
}

fn unquoted(body: &str) -> String {
    let joined = body.replace("=\r\n", "");
    let mut parts = joined.split('=');
    let mut text = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let code = u8::from_str_radix(&part[..2], 16).expect("two hexadecimal digits");
        text.push(char::from(code));
        text.push_str(&part[2..]);
    }
    text
}

impl App {
    /// Sends what waits, and answers what has left since the last time.
    pub async fn mails(&self) -> Vec<Mail> {
        regimen::mail::pass(&self.state, regimen::LETTERS).await.expect("the outbox is looked at");
        let files = std::fs::read_dir(&self.outbox).expect("the folder is there");
        files
            .map(|file| {
                let path = file.expect("a file").path();
                #[cfg(unix)]
                {
                    use std::os::unix::fs::PermissionsExt;
                    assert_eq!(std::fs::metadata(&path).expect("a file").permissions().mode() & 0o777, 0o600);
                }
                assert_eq!(path.extension().and_then(|name| name.to_str()), Some("eml"));
                let mail = Mail::read(&std::fs::read_to_string(&path).expect("UTF-8"));
                std::fs::remove_file(path).expect("it goes");
                mail
            })
            .collect()
    }

    /// The one mail that left since the last time.
    pub async fn one_mail(&self) -> Mail {
        let mut mails = self.mails().await;
        assert_eq!(mails.len(), 1, "{mails:?}");
        mails.remove(0)
    }

    /// How many mails wait.
    pub async fn waiting_mails(&self) -> i64 {
        use diesel::prelude::*;
        use regimen::store::schema::mails;
        use regimen::store::{Author, StoreError};
        let count = |tx: &mut regimen::store::Tx| -> Result<i64, StoreError> {
            Ok(mails::table.count().get_result(tx.db())?)
        };
        self.state.store.read(Author::system("test"), count).await.expect("the store reads")
    }
}
