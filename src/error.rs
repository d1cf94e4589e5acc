//! How a run can end: exit codes, and one error form with its hints.

use std::fmt;

/// The exit codes that users script against (design.md §5).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done, or nothing to do.
    Done = 0,
    /// An error; nothing was written.
    Error = 1,
    /// Changes are pending (`plan --detailed-exitcode`).
    Pending = 2,
    /// Refused by a rail.
    Refused = 3,
    /// The saved plan is stale.
    Stale = 4,
    /// Partly applied.
    Partial = 5,
    /// Applied, but a second look still finds changes.
    NotConverged = 6,
}

/// An error for people: what went wrong, where, and what to type next.
///
/// `message` is a whole thing said in lower case that fits after `error: `; `causes` go from the outer to the inner;
/// `hints` are commands or places to look. None of them ever holds a secret.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Error {
    /// What went wrong, naming the thing and the place.
    pub message: String,
    /// Why, from the outer to the inner.
    pub causes: Vec<String>,
    /// What to do about it.
    pub hints: Vec<String>,
}

impl Error {
    /// Makes an error without causes or hints.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), causes: Vec::new(), hints: Vec::new() }
    }

    /// Adds a cause.
    #[must_use]
    pub fn cause(mut self, cause: impl Into<String>) -> Self {
        self.causes.push(cause.into());
        self
    }

    /// Adds a hint.
    #[must_use]
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hints.push(hint.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Error {}
