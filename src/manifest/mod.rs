//! Manifest files → [`Desired`]: read, parse, substitute variables, validate. All errors at once.
//!
//! A manifest can run nothing, read no file and see no environment variable. Never talks to a server.

use std::path::PathBuf;

use secrecy::SecretString;

use crate::desired::{Desired, Secrets};

/// What `-f`, `-v`, `-l`, `--vars-env` give.
#[derive(Debug, Default)]
pub struct Sources {
    /// Files and directories, in the order given; `-` is standard input.
    pub paths: Vec<PathBuf>,
    /// `-v NAME=VALUE`: plain values.
    pub vars: Vec<(String, String)>,
    /// `-l PATH`: files of plain values, later wins.
    pub vars_files: Vec<PathBuf>,
    /// `--vars-env PREFIX`, already read: (prefix, name without `PREFIX_`, secret value). The library never reads the
    /// environment itself.
    pub vars_env: Vec<(String, String, SecretString)>,
}

/// A valid manifest.
#[derive(Debug)]
pub struct Loaded {
    /// What is wanted.
    pub desired: Desired,
    /// The secret values that go with it.
    pub secrets: Secrets,
    /// Things worth saying that are no errors (a literal secret, an unused `-v` is an error instead).
    pub warnings: Vec<Problem>,
    /// How many files were read.
    pub files: usize,
}

/// One thing wrong, or worth a warning, in a manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// A short stable name, such as `undeclared-group`.
    pub code: &'static str,
    /// What is wrong, naming the thing.
    pub message: String,
    /// The place; `None` only where no file is concerned (an unused `-v`).
    pub at: Option<Place>,
    /// A second place (the other one of two that disagree) and its label.
    pub also: Option<(Place, String)>,
    /// What is said under the marked text.
    pub label: String,
    /// What to do.
    pub help: Option<String>,
}

/// A span of one line of one file, with that line's text for the frame (secrets masked).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The file as named to the user.
    pub file: String,
    /// From 1.
    pub line: u32,
    /// From 1, in characters.
    pub column: u32,
    /// The offending line only, any secret value in it masked.
    pub text: String,
    /// The marked part of `text`, in bytes.
    pub span: std::ops::Range<usize>,
}

/// Everything that is wrong, in order of file and line.
#[derive(Debug)]
pub struct Problems(pub Vec<Problem>);

/// Reads and checks manifests.
///
/// # Errors
/// All problems of all files together.
pub fn load(sources: &Sources) -> Result<Loaded, Problems> {
    let _ = sources;
    unimplemented!()
}

/// Returns the JSON Schema of a manifest, generated from the types.
#[must_use]
pub fn schema() -> schemars::Schema {
    unimplemented!()
}
