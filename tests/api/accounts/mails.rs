//! How mails leave: by a real conversation with a mail server, again where that fails, and once where many nodes send.

use std::sync::{Arc, Mutex};

use regimen::mail::Transport;
use serde_json::json;
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};

use super::outbox::Mail;
use crate::harness::{App, EngineUnderTest, Settings, email, play_with, stories};

/// What a mail server says after the text of a mail.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mood {
    Takes,
    NotNow,
    Never,
    /// It hangs up instead.
    HangsUp,
}

/// A mail server: it speaks SMTP (RFC 5321) as far as it is spoken to.
#[derive(Clone)]
struct MailServer {
    mood: Arc<Mutex<Mood>>,
    taken: Arc<Mutex<Vec<(String, String)>>>,
}

impl MailServer {
    fn serve(listener: std::net::TcpListener) -> Self {
        listener.set_nonblocking(true).expect("a listener");
        let server = Self { mood: Arc::new(Mutex::new(Mood::Takes)), taken: Arc::default() };
        let serving = server.clone();
        actix_web::rt::spawn(async move {
            let listener = TcpListener::from_std(listener).expect("a listener");
            while let Ok((stream, _)) = listener.accept().await {
                let serving = serving.clone();
                actix_web::rt::spawn(async move { serving.talk(stream).await });
            }
        });
        server
    }

    async fn talk(&self, stream: TcpStream) -> std::io::Result<()> {
        let (read, mut write) = stream.into_split();
        let mut lines = BufReader::new(read).lines();
        let mut recipient = String::new();
        write.write_all(b"220 mail.example.com\r\n").await?;
        while let Some(line) = lines.next_line().await? {
            let said = match line.split([' ', ':']).next().unwrap_or_default().to_ascii_uppercase().as_str() {
                "EHLO" => "250-mail.example.com\r\n250 8BITMIME\r\n",
                "MAIL" => {
                    assert!(line.contains("<okr@example.com>"), "{line}");
                    "250 yes\r\n"
                }
                "RCPT" => {
                    recipient = line;
                    "250 yes\r\n"
                }
                "DATA" => {
                    write.write_all(b"354 go on\r\n").await?;
                    let mut text = String::new();
                    while let Some(line) = lines.next_line().await?.filter(|line| line != ".") {
                        text.push_str(line.strip_prefix('.').unwrap_or(&line));
                        text.push_str("\r\n");
                    }
                    match *self.mood.lock().expect("a mood") {
                        Mood::Takes => {
                            self.taken.lock().expect("a list").push((recipient.clone(), text));
                            "250 taken\r\n"
                        }
                        Mood::NotNow => "451 not now\r\n",
                        Mood::Never => "550 never\r\n",
                        Mood::HangsUp => return Ok(()),
                    }
                }
                "QUIT" => "221 bye\r\n",
                _ => "250 yes\r\n",
            };
            write.write_all(said.as_bytes()).await?;
        }
        Ok(())
    }

    fn is(&self, mood: Mood) {
        *self.mood.lock().expect("a mood") = mood;
    }

    fn taken(&self) -> Vec<Mail> {
        let taken = std::mem::take(&mut *self.taken.lock().expect("a list"));
        taken
            .into_iter()
            .map(|(recipient, text)| {
                let mail = Mail::read(&text);
                assert!(recipient.contains(&format!("<{}>", mail.to)), "{recipient}");
                mail
            })
            .collect()
    }
}

async fn pass(app: &App) -> usize {
    regimen::mail::pass(&app.state, regimen::LETTERS).await.expect("the outbox is looked at")
}

async fn ask(app: &App) {
    app.stranger().post("/v1/auth/password-reset", json!({"email": email("ann")})).await.expect(202);
}

fn play_with_a_server(engine: EngineUnderTest) {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("smtp://{}", listener.local_addr().expect("an address"));
    let mail = Transport::parse(&url, Some("Regimen <okr@example.com>")).expect("a transport");
    play_with(engine, Settings { mail: Some(mail), ..Settings::default() }, async |app: App| {
        let server = MailServer::serve(listener);
        app.person("ann").await;
        ask(&app).await;
        assert_eq!(pass(&app).await, 1);
        let mails = server.taken();
        assert_eq!((mails.len(), mails[0].to.as_str()), (1, "ann@example.com"));
        let first = mails[0].token();
        assert_eq!((pass(&app).await, app.waiting_mails().await), (0, 0));

        // It does not come through: it is tried again, later and later, and bears the same token.
        app.it_is("2026-03-31T10:00:00Z");
        server.is(Mood::NotNow);
        ask(&app).await;
        assert_eq!((pass(&app).await, app.waiting_mails().await), (0, 1));
        server.is(Mood::HangsUp);
        app.it_is("2026-03-31T10:00:09Z");
        assert_eq!(pass(&app).await, 0);
        app.it_is("2026-03-31T10:00:10Z");
        assert_eq!((pass(&app).await, app.waiting_mails().await), (0, 1));
        server.is(Mood::Takes);
        app.it_is("2026-03-31T10:00:39Z");
        assert_eq!(pass(&app).await, 0);
        app.it_is("2026-03-31T10:00:40Z");
        assert_eq!((pass(&app).await, app.waiting_mails().await), (1, 0));
        let later = server.taken()[0].token();
        assert_ne!(first, later);
        let new = json!({"token": later, "new_password": "loud drum above sand"});
        app.stranger().post("/v1/auth/password-reset/confirm", new).await.expect(204);
        assert_eq!(pass(&app).await, 1);
        assert_eq!(server.taken()[0].subject, "Your password was changed");

        // What is refused for good is not tried again.
        app.it_is("2026-03-31T11:00:00Z");
        server.is(Mood::Never);
        ask(&app).await;
        assert_eq!((pass(&app).await, app.waiting_mails().await), (0, 0));

        // What nobody wants any more is given up.
        app.it_is("2026-03-31T12:00:00Z");
        server.is(Mood::NotNow);
        ask(&app).await;
        assert_eq!((pass(&app).await, app.waiting_mails().await), (0, 1));
        server.is(Mood::Takes);
        app.it_is("2026-03-31T12:10:00Z");
        assert_eq!((pass(&app).await, app.waiting_mails().await), (0, 0));
        assert!(server.taken().is_empty());
    });
}

#[test]
fn a_mail_server_is_spoken_to_on_sqlite() {
    play_with_a_server(EngineUnderTest::Sqlite);
}

#[test]
fn a_mail_server_is_spoken_to_on_postgres() {
    play_with_a_server(EngineUnderTest::Postgres);
}

stories! {
    /// However many nodes look at the outbox at once, a mail leaves once.
    async fn a_mail_is_sent_by_one_node(app) {
        for name in ["ann", "bob", "eve"] {
            app.person(name).await;
            app.stranger().post("/v1/auth/password-reset", json!({"email": email(name)})).await.expect(202);
        }
        let sent = futures_util::future::join_all((0..8).map(|_| pass(&app))).await;
        assert_eq!(sent.iter().sum::<usize>(), 3, "{sent:?}");
        assert_eq!(std::fs::read_dir(&app.outbox).expect("the folder").count(), 3);
    }

    /// A node died between taking a mail and sending it: after a while another one takes it.
    async fn what_a_dead_node_took_is_sent_by_another(app) {
        use diesel::prelude::*;
        use regimen::store::schema::mails;
        use regimen::store::{Author, Lane, StoreError};
        app.person("ann").await;
        ask(&app).await;
        let until = crate::harness::moment("2026-03-31T09:32:00Z");
        let taken = move |tx: &mut regimen::store::Tx| -> Result<usize, StoreError> {
            Ok(diesel::update(mails::table).set((mails::due_at.eq(until), mails::attempts.eq(1))).execute(tx.db())?)
        };
        app.state.store.write(Lane::Open, Author::system("test"), taken).await.expect("it is written");
        app.it_is("2026-03-31T09:31:59Z");
        assert!(app.mails().await.is_empty());
        app.it_is("2026-03-31T09:32:00Z");
        app.one_mail().await.token();
    }
}
