//! Bodies that do not arrive: whoever sends slowly holds nothing up for longer than the server's
//! patience, which is short here.

use std::time::Duration;

use regimen::http::body::Patience;

use super::raw::{Raw, host};
use super::{World, operations};
use crate::harness::{App, EngineUnderTest, Settings, hold, play_with};

#[test]
fn slow_bodies_are_cut_off_on_sqlite() {
    play_with(EngineUnderTest::Sqlite, impatient(), slow_bodies);
}

#[test]
fn slow_bodies_are_cut_off_on_postgres() {
    play_with(EngineUnderTest::Postgres, impatient(), slow_bodies);
}

fn impatient() -> Settings {
    let patience = Patience { ordinary: Duration::from_millis(300), batch: Duration::from_millis(600) };
    Settings { patience, ..Settings::default() }
}

/// Three callers at once for each operation that takes a body: one that stops in the middle, one
/// that trickles on for ever in chunks, and a stranger, who is not waited for at all.
async fn slow_bodies(app: App) {
    let world = World::new(&app).await;
    let mut waiting = Vec::new();
    for operation in operations() {
        let takes = operation.takes();
        let Some(media) = takes.first() else { continue };
        let path = world.path(&operation);
        let head = format!(
            "{} {path} HTTP/1.1\r\nhost: {}\r\ncontent-type: {media}\r\n",
            operation.method,
            host(&app)
        );
        let known = format!("{head}authorization: Bearer {}\r\n", world.ann.token());
        let mut callers = vec![
            ("stops", format!("{known}content-length: 1000\r\n\r\n{{\"na"), 408),
            ("trickles", format!("{known}transfer-encoding: chunked\r\n\r\n1\r\n{{\r\n"), 408),
        ];
        if !operation.is_open() {
            callers.push(("is a stranger", format!("{head}content-length: 1000\r\n\r\n{{\"na"), 401));
        }
        for (how, request, status) in callers {
            let mut raw = Raw::new(&app);
            raw.send(request.as_bytes());
            waiting.push((operation.clone(), path.clone(), how, raw, status));
        }
    }
    assert!(waiting.len() > 60, "{} callers wait", waiting.len());
    // Bytes that go on coming buy no time: each caller that trickles does so until it is answered.
    for round in 0.. {
        let mut trickling = waiting.iter_mut().filter(|(_, _, how, _, _)| *how == "trickles");
        if trickling.by_ref().fold(true, |all, (_, _, _, raw, _)| {
            let answered = raw.has_answer();
            if !answered {
                raw.send(b"1\r\n \r\n");
            }
            all && answered
        }) {
            break;
        }
        assert!(round < 3_000, "whoever trickles is listened to for ever");
        std::thread::sleep(Duration::from_millis(20));
    }
    for (operation, path, how, mut raw, status) in waiting {
        let call = format!("{} {path} by one who {how}", operation.method);
        let answer = raw.answer(&call, false).unwrap_or_else(|| panic!("{call}: cut off without a word"));
        hold(&operation.method, &path, &answer);
        answer.expect(status);
        // The connection ends as well, although the caller goes on sending nothing.
        assert!(raw.is_closed(&call), "{call}: more came after the answer");
    }
    world.ann.get("").await.expect(200);
}
