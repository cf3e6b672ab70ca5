//! How long SQLite's write-ahead log may become.
//!
//! The engine copies the log into the database by itself, as far as no reader still looks at what was before. Reads are
//! short, so the log is; but somebody else may hold the file open, and then it would grow with every write. Long before
//! the disk is full writes are shed, until that reader is gone.

use std::path::{Path, PathBuf};

use diesel::connection::SimpleConnection;

use super::connection::AnyConnection;

/// From how many bytes on it is cut back, and the log of the program says so.
const LONG: u64 = 64 * 1024 * 1024;
/// From how many bytes on nothing more is written.
const TOO_LONG: u64 = 256 * 1024 * 1024;

/// The write-ahead log of a database.
pub(super) struct Wal {
    path: PathBuf,
    long: u64,
    too_long: u64,
}

/// Whether there is room in the log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    /// There is.
    Left,
    /// A reader keeps it from being cut back.
    Nothing,
}

impl Wal {
    /// Of the database in this file.
    pub(super) fn of(database: &Path) -> Self {
        let mut path = database.as_os_str().to_owned();
        path.push("-wal");
        Self { path: path.into(), long: LONG, too_long: TOO_LONG }
    }

    /// Looks how long it is, and cuts it back where it is long. It waits for nobody.
    pub(super) fn look(&self, connection: &mut AnyConnection) -> Room {
        let before = self.length();
        if before < self.long {
            return Room::Left;
        }
        // Without patience: the writer goes on, whoever reads.
        let cut = "PRAGMA busy_timeout = 0; PRAGMA wal_checkpoint(TRUNCATE); PRAGMA busy_timeout = 5000;";
        if let Err(error) = connection.batch_execute(cut) {
            tracing::warn!(%error, "the write-ahead log could not be cut back");
        }
        let bytes = self.length();
        if bytes < self.long {
            return Room::Left;
        }
        tracing::warn!(bytes, "the write-ahead log is long: somebody reads the database file without end");
        if bytes < self.too_long { Room::Left } else { Room::Nothing }
    }

    /// In bytes; 0 where there is none.
    fn length(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |metadata| metadata.len())
    }
}

#[cfg(test)]
mod tests {
    use diesel::prelude::*;

    use super::*;
    use crate::store::connection::{DatabaseUrl, Purpose, open};

    /// A pinned log grows until nothing more is let in; once the reader is gone, it is cut back at the next look.
    #[test]
    fn a_pinned_log_has_a_bound_and_is_cut_back() {
        let folder = std::env::temp_dir().join(format!("regimen-wal-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder");
        let file = folder.join("long.db");
        let url = DatabaseUrl::Sqlite(file.clone());
        let mut writer = open(&url, Purpose::Writing).expect("it opens");
        writer.batch_execute("CREATE TABLE t (x BLOB); INSERT INTO t VALUES (1);").expect("a table");
        let mut reader = open(&url, Purpose::Reading).expect("it opens");
        reader.batch_execute("BEGIN; SELECT count(*) FROM t;").expect("it reads");
        let wal = Wal { long: 1 << 20, too_long: 4 << 20, ..Wal::of(&file) };
        let grow = |writer: &mut AnyConnection| {
            diesel::sql_query("INSERT INTO t VALUES (randomblob(500000))")
                .execute(writer)
                .expect("it is written");
        };
        assert_eq!(wal.look(&mut writer), Room::Left);
        let mut written = 0;
        while wal.look(&mut writer) == Room::Left {
            grow(&mut writer);
            written += 1;
            assert!(written < 20, "the log has no bound");
        }
        assert!((6..=10).contains(&written), "{written} half megabytes");
        reader.batch_execute("COMMIT").expect("it ends");
        assert_eq!(wal.look(&mut writer), Room::Left);
        assert_eq!(wal.length(), 0);
        drop((reader, writer));
        std::fs::remove_dir_all(&folder).expect("it is removed");
    }
}
