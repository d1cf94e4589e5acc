//! What other tools were told → a manifest: scripts of `uaac` commands, `uaa.yml` and BOSH manifests, CSV lists of users.
//!
//! ```text
//! uaac script ──uaac (shell)──┐
//! uaa.yml, BOSH ──uaa_yml─────┼─▶ Gathered ──finish──▶ write::Manifest ──▶ text
//! CSV ──csv───────────────────┘        └─▶ notes: what could not be carried over, with its line
//! ```
//! Decides what each source means in a manifest. Never takes a secret's value over: a literal one becomes a variable,
//! and its value is written nowhere. Never revokes: groups are additive, since a source says who is in and not who is out.

mod csv;
mod gather;
mod shell;
mod uaa_yml;
mod uaac;

use crate::error::Error;
use crate::manifest::Problem;
use crate::manifest::write::{Written, write};

pub use gather::Note;

/// The form of a source.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// A shell script of `uaac` commands.
    Uaac,
    /// A `uaa.yml` or a BOSH manifest.
    UaaYml,
    /// A CSV list of users with a header.
    Csv,
}

/// One file to import.
#[derive(Debug)]
pub struct Source {
    /// As named to the user.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Its form; `None`: as its name and its text look.
    pub form: Option<Form>,
}

/// What came of it.
#[derive(Debug)]
pub struct Imported {
    /// The manifest.
    pub written: Written,
    /// What could not be carried over, and what to look at, in the order of the sources.
    pub notes: Vec<Note>,
}

/// Why nothing came of it.
#[derive(Debug)]
pub enum Failure {
    /// A file is no YAML.
    Problems(Vec<Problem>),
    /// Something else.
    Error(Error),
}

/// Makes one manifest of all sources, the later ones speaking last.
///
/// # Errors
/// When a file cannot be understood at all.
pub fn import(sources: &[Source]) -> Result<Imported, Failure> {
    let mut gathered = gather::Gathered::default();
    for source in sources {
        match source.form.unwrap_or_else(|| form(source)) {
            Form::Uaac => uaac::read(source, &mut gathered),
            Form::UaaYml if is_manifest(&source.text) => {
                let what =
                    format!("{} is a manifest of uaapply already", crate::visible::visible(&source.name));
                return Err(Failure::Error(
                    Error::new(what).hint("use it as it is: uaapply validate -f FILE, uaapply plan -f FILE"),
                ));
            }
            Form::UaaYml => uaa_yml::read(source, &mut gathered).map_err(Failure::Problems)?,
            Form::Csv => csv::read(source, &mut gathered).map_err(Failure::Error)?,
        }
    }
    let names: Vec<&str> = sources.iter().map(|source| source.name.as_str()).collect();
    let (manifest, mut notes) = gathered.finish(&names);
    let written = write(&manifest).map_err(Failure::Error)?;
    notes.extend(written.left_out.iter().map(|text| Note { source: None, text: text.clone() }));
    Ok(Imported { written, notes })
}

/// Tells whether a text is no other tool's but a manifest.
fn is_manifest(text: &str) -> bool {
    let has = |keys: &[&str]| text.lines().any(|line| keys.iter().any(|key| line.starts_with(key)));
    has(&["version: 1"]) && has(&["users:", "groups:", "clients:", "prune:"])
}

/// Guesses a form by the file's name, or else by its first lines.
fn form(source: &Source) -> Form {
    let name = source.name.to_lowercase();
    let ends = |endings: &[&str]| endings.iter().any(|ending| name.ends_with(ending));
    if ends(&[".csv", ".tsv"]) {
        return Form::Csv;
    }
    if ends(&[".yml", ".yaml"]) {
        return Form::UaaYml;
    }
    if ends(&[".sh", ".bash", ".zsh"]) || source.text.starts_with("#!") || source.text.contains("uaac ") {
        return Form::Uaac;
    }
    let first = source.text.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    if first.contains([',', ';', '\t']) { Form::Csv } else { Form::UaaYml }
}
