//! SQLite's own interface, so that the yardstick has nothing around it.
#![allow(unsafe_code, reason = "it is a C library, called as its documentation says")]

use std::ffi::{CStr, CString, c_int};
use std::ptr;

use libsqlite3_sys as ffi;

use crate::Result;

/// An open database.
pub struct File(*mut ffi::sqlite3);

/// A prepared statement of an open database.
pub struct Statement<'f> {
    raw: *mut ffi::sqlite3_stmt,
    file: &'f File,
}

impl File {
    /// Opens a database that exists.
    pub fn open(path: &str) -> Result<Self> {
        let path = CString::new(path)?;
        let mut raw = ptr::null_mut();
        // SAFETY: the path ends with a NUL, and `raw` is closed on drop, also when opening failed.
        let code = unsafe { ffi::sqlite3_open(path.as_ptr(), &raw mut raw) };
        let file = Self(raw);
        file.check(code).map(|()| file)
    }

    /// Runs statements that answer nothing of interest.
    pub fn execute(&self, statements: &CStr) -> Result<()> {
        // SAFETY: the connection is open, and the text ends with a NUL.
        let code =
            unsafe { ffi::sqlite3_exec(self.0, statements.as_ptr(), None, ptr::null_mut(), ptr::null_mut()) };
        self.check(code)
    }

    fn check(&self, code: c_int) -> Result<()> {
        match code {
            ffi::SQLITE_OK | ffi::SQLITE_DONE => Ok(()),
            // SAFETY: the message ends with a NUL and lives until the next call.
            code => Err(unsafe { CStr::from_ptr(ffi::sqlite3_errmsg(self.0)) }
                .to_str()
                .map_or_else(|_| format!("SQLite says {code}"), str::to_owned)
                .into()),
        }
    }
}

impl Drop for File {
    fn drop(&mut self) {
        // SAFETY: nothing uses the connection any more; statements borrow it.
        unsafe { ffi::sqlite3_close(self.0) };
    }
}

impl<'f> Statement<'f> {
    /// Prepares a statement.
    pub fn prepare(file: &'f File, text: &CStr) -> Result<Self> {
        let mut raw = ptr::null_mut();
        // SAFETY: the connection is open, and the text ends with a NUL, which -1 says.
        let code =
            unsafe { ffi::sqlite3_prepare_v2(file.0, text.as_ptr(), -1, &raw mut raw, ptr::null_mut()) };
        let statement = Self { raw, file };
        file.check(code).map(|()| statement)
    }

    /// Binds bytes, which are copied.
    pub fn bind_blob(&self, index: c_int, bytes: &[u8; 16]) -> Result<()> {
        // SAFETY: the bytes are copied before the call returns.
        let code = unsafe {
            ffi::sqlite3_bind_blob(self.raw, index, bytes.as_ptr().cast(), 16, ffi::SQLITE_TRANSIENT())
        };
        self.file.check(code)
    }

    /// Binds an integer.
    pub fn bind_integer(&self, index: c_int, value: i64) -> Result<()> {
        // SAFETY: the statement is prepared.
        self.file.check(unsafe { ffi::sqlite3_bind_int64(self.raw, index, value) })
    }

    /// Binds a number.
    pub fn bind_real(&self, index: c_int, value: f64) -> Result<()> {
        // SAFETY: the statement is prepared.
        self.file.check(unsafe { ffi::sqlite3_bind_double(self.raw, index, value) })
    }

    /// Runs it with what is bound, and makes it ready to run again.
    pub fn run(&self) -> Result<()> {
        // SAFETY: the statement is prepared.
        let code = unsafe { ffi::sqlite3_step(self.raw) };
        let done = self.file.check(code);
        // SAFETY: as above. What went wrong was said by the step.
        unsafe { ffi::sqlite3_reset(self.raw) };
        done
    }
}

impl Drop for Statement<'_> {
    fn drop(&mut self) {
        // SAFETY: nothing uses the statement any more.
        unsafe { ffi::sqlite3_finalize(self.raw) };
    }
}
