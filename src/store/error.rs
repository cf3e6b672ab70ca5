//! What can go wrong between Regimen and its database.

use diesel::result::{DatabaseErrorKind, Error as DieselError};

/// A failure of the store; what a caller sees of it is decided in `http::problem`.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The engine refused a statement, or its answer could not be read.
    #[error("the database refused: {0}")]
    Query(#[source] DieselError),
    /// The database cannot be reached, or no connection came free in time.
    #[error("the database cannot be reached: {0}")]
    Unavailable(String),
    /// Too many writes wait already.
    #[error("too many writes wait for the database")]
    Overloaded,
    /// A lock was waited for in vain.
    #[error("a lock was waited for in vain: {0}")]
    LockTimeout(String),
    /// Nothing more can be written: the disk or the database is full.
    #[error("the database's storage is full: {0}")]
    Full(String),
    /// The commit was sent and its end is not known.
    #[error("the outcome of a write is not known: {0}")]
    OutcomeUnknown(String),
    /// The job panicked; nothing of it was kept.
    #[error("a job panicked: {0}")]
    Panicked(String),
    /// The settings or the engine cannot be used.
    #[error("{0}")]
    Unusable(String),
}

/// What a job may fail with: its own refusal, or the store's.
pub trait Failure: From<StoreError> + Send + 'static {
    /// The store's error behind this failure, if it is one.
    fn store_error(&self) -> Option<&StoreError>;
}

impl Failure for StoreError {
    fn store_error(&self) -> Option<&StoreError> {
        Some(self)
    }
}

impl StoreError {
    pub(super) fn unavailable(error: impl std::fmt::Display) -> Self {
        Self::Unavailable(error.to_string())
    }

    pub(super) fn outcome_unknown(error: impl std::fmt::Display) -> Self {
        Self::OutcomeUnknown(error.to_string())
    }

    /// Whether the engine gave the transaction up for a reason that another run may not meet.
    pub(super) fn may_be_run_again(&self) -> bool {
        match self {
            Self::Query(DieselError::DatabaseError(kind, info)) => match kind {
                DatabaseErrorKind::SerializationFailure => true,
                _ => info.message().contains("deadlock detected"),
            },
            _ => false,
        }
    }

    /// Whether a row that must be unique was there already.
    pub fn is_duplicate(&self) -> bool {
        matches!(self, Self::Query(DieselError::DatabaseError(DatabaseErrorKind::UniqueViolation, _)))
    }

    /// Whether a lock was waited for in vain.
    pub fn is_lock_timeout(&self) -> bool {
        matches!(self, Self::LockTimeout(_))
    }

    /// The same failure once more, for another one who shared the transaction; `None` where the reason may be that
    /// one request alone.
    pub(super) fn for_all(&self) -> Option<Self> {
        match self {
            Self::Unavailable(why) => Some(Self::Unavailable(why.clone())),
            Self::Overloaded => Some(Self::Overloaded),
            Self::LockTimeout(why) => Some(Self::LockTimeout(why.clone())),
            Self::Full(why) => Some(Self::Full(why.clone())),
            Self::OutcomeUnknown(why) => Some(Self::OutcomeUnknown(why.clone())),
            Self::Query(_) | Self::Panicked(_) | Self::Unusable(_) => None,
        }
    }
}

impl From<DieselError> for StoreError {
    fn from(error: DieselError) -> Self {
        if let DieselError::DatabaseError(kind, info) = &error {
            let message = info.message();
            if message.contains("database or disk is full") || message.contains("No space left on device") {
                return Self::Full(message.to_owned());
            }
            if message.contains("lock timeout") || message.contains("database is locked") {
                return Self::LockTimeout(message.to_owned());
            }
            if matches!(kind, DatabaseErrorKind::ClosedConnection | DatabaseErrorKind::UnableToSendCommand) {
                return Self::Unavailable(message.to_owned());
            }
        }
        Self::Query(error)
    }
}
