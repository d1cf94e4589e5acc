//! What can go wrong in the lab, in words for the person in front of it. Never a secret.

use std::error::Error;
use std::fmt::Write as _;
use std::io;
use std::path::PathBuf;

/// Why the lab could not do what it was asked for.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// A program that the lab needs is not on this machine.
    #[error("{0}")]
    Prerequisite(String),
    /// The operating system refused a file, a port or a process.
    #[error("{what}: {source}")]
    Io {
        /// What was tried, with its place.
        what: String,
        /// The operating system's answer.
        source: io::Error,
    },
    /// Standard output takes nothing.
    #[error("cannot print: {0}")]
    Print(io::Error),
    /// UAA's files could not be fetched or unpacked.
    #[error("{what}\n{output}")]
    Download {
        /// What was tried.
        what: String,
        /// What the program said.
        output: String,
    },
    /// UAA did not come up.
    #[error("UAA {version} did not start: {cause}\nhint: the whole story is in {}", log.display())]
    Start {
        /// The version that was started.
        version: crate::UaaVersion,
        /// UAA's own last cause.
        cause: String,
        /// Where UAA wrote its log.
        log: PathBuf,
    },
    /// The lab's own database server did not come up.
    #[error("{name} did not start: {cause}\nhint: the whole story is in {}", log.display())]
    Database {
        /// The database's name.
        name: &'static str,
        /// The server's own word.
        cause: String,
        /// Where the server wrote its log.
        log: PathBuf,
    },
    /// A request got no answer.
    #[error("{0}")]
    Http(String),
    /// A server answered something else than expected, or a key or a certificate could not be made.
    #[error("{0}")]
    Unexpected(String),
}

impl LabError {
    /// Whether UAA, or its database, did not start because its port was taken.
    pub(crate) fn is_port_taken(&self) -> bool {
        let taken = "Address already in use";
        matches!(self, Self::Start { cause, .. } | Self::Database { cause, .. } if cause.contains(taken))
    }

    /// Whether whoever read the output has gone away (`| head`): not worth a word.
    pub(crate) fn is_reader_gone(&self) -> bool {
        matches!(self, Self::Print(error) if error.kind() == io::ErrorKind::BrokenPipe)
    }

    /// Wraps an I/O error with what was tried; for `map_err`.
    pub(crate) fn io(what: impl Into<String>) -> impl FnOnce(io::Error) -> Self {
        let what = what.into();
        move |source| Self::Io { what, source }
    }

    /// Wraps an HTTP client's error with its whole chain of causes, which its own text leaves out.
    pub(crate) fn http(what: impl Into<String>, error: &dyn Error) -> Self {
        let mut text: String = what.into();
        let mut next = Some(error);
        while let Some(error) = next {
            // A String never refuses.
            let _ = write!(text, ": {error}");
            next = error.source();
        }
        Self::Http(text)
    }
}
