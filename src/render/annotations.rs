//! Problems and findings as code hosts show them at a line: GitHub's workflow commands, GitLab's code quality report.
//!
//! Decides what an annotation says and by what it is known again. Knows nothing of where they are written.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde::Serialize;
use sha2::{Digest as _, Sha256};

use super::text;
use crate::manifest::Problem;
use crate::plan::{Finding, Objection, Plan};
use crate::visible::{shell, visible};

/// How much an annotation weighs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    /// Something is wrong, or refused.
    Error,
    /// Something is worth a look.
    Warning,
    /// Something dangerous was allowed.
    Notice,
}

/// Something to say at a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    /// How much it weighs.
    pub level: Level,
    /// A short stable name: the problem's code, or the rail.
    pub check: String,
    /// What is said.
    pub message: String,
    /// What to do; may have several lines.
    pub help: Option<String>,
    /// The file as named to the user; none where no file is concerned, or it is standard input.
    pub file: Option<String>,
    /// From 1.
    pub line: u32,
    /// From 1, in characters; none where only the line is known.
    pub column: Option<u32>,
}

impl Note {
    /// Says a manifest's problem.
    #[must_use]
    pub fn of_problem(problem: &Problem, level: Level) -> Self {
        let at = problem.at.as_ref();
        Self {
            level,
            check: problem.code.to_owned(),
            message: problem.message.clone(),
            help: problem.help.clone(),
            file: at.and_then(|at| in_a_file(&at.file)),
            line: at.map_or(1, |at| at.line),
            column: at.map(|at| at.column),
        }
    }

    /// Says an entry that cannot come true on the server.
    #[must_use]
    pub fn of_objection(objection: &Objection) -> Self {
        let Objection { because, message, hint } = objection;
        Self {
            level: Level::Error,
            check: "cannot-come-true".to_owned(),
            message: message.clone(),
            help: hint.clone(),
            file: in_a_file(&because.file),
            line: because.line,
            column: None,
        }
    }

    /// Says what the rails say of a plan, each at the line of its first change.
    #[must_use]
    pub fn of_plan(plan: &Plan) -> Vec<Self> {
        let note = |finding: &Finding| {
            let change = finding.changes.first().and_then(|&id| plan.changes.get(id as usize));
            let because = change.map(|change| &change.because);
            let help = match &finding.key {
                _ if finding.allowed => None,
                Some(key) => Some(format!("if that is meant: --allow {}", shell(key))),
                None => Some("nothing can allow this".to_owned()),
            };
            Self {
                level: if finding.allowed { Level::Notice } else { Level::Error },
                check: text::rail(finding.rail).trim_end_matches(':').replace(' ', "-"),
                message: finding.message.clone(),
                help,
                file: because.and_then(|because| in_a_file(&because.file)),
                line: because.map_or(1, |because| because.line),
                column: None,
            }
        };
        // A run shows only the first few: those that refuse come first.
        let (allowed, refused): (Vec<_>, Vec<_>) = plan.findings.iter().partition(|finding| finding.allowed);
        refused.into_iter().chain(allowed).map(note).collect()
    }

    /// The message and what to do, with line ends only where ours are.
    fn words(&self) -> String {
        let help = self.help.iter().flat_map(|help| help.lines());
        std::iter::once(&*self.message).chain(help).map(visible).collect::<Vec<_>>().join("\n")
    }
}

fn in_a_file(file: &str) -> Option<String> {
    (file != "-").then(|| file.strip_prefix("./").unwrap_or(file).to_owned())
}

/// Returns workflow commands of GitHub Actions, one a line.
#[must_use]
pub fn github(notes: &[Note]) -> String {
    let mut out = String::new();
    for note in notes {
        let level = match note.level {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Notice => "notice",
        };
        let _ = write!(out, "::{level} ");
        if let Some(file) = &note.file {
            let _ = write!(out, "file={},line={},", property(file), note.line);
            if let Some(column) = note.column {
                let _ = write!(out, "col={column},");
            }
        }
        let _ =
            writeln!(out, "title={}::{}", property(&format!("uaapply: {}", note.check)), data(&note.words()));
    }
    out
}

/// Escapes a command's text as the runner takes it back.
fn data(text: &str) -> String {
    text.replace('%', "%25").replace('\r', "%0D").replace('\n', "%0A")
}

/// Escapes a command's property.
fn property(text: &str) -> String {
    data(&visible(text)).replace(':', "%3A").replace(',', "%2C")
}

/// An issue of a code quality report; what GitLab reads of it.
#[derive(Serialize)]
struct Issue {
    description: String,
    check_name: String,
    fingerprint: String,
    severity: &'static str,
    location: Location,
}

#[derive(Serialize)]
struct Location {
    path: String,
    lines: Lines,
}

#[derive(Serialize)]
struct Lines {
    begin: u32,
}

/// Returns GitLab's code quality report. What has no place of its own stands at the first line of `elsewhere`: GitLab
/// leaves out what has none.
///
/// A fingerprint holds neither line nor column: an issue that an edit above it has moved is still the same.
#[must_use]
pub fn gitlab(notes: &[Note], elsewhere: &str) -> String {
    let mut seen = BTreeMap::<String, usize>::new();
    let issue = |note: &Note| {
        let path = note.file.clone().unwrap_or_else(|| elsewhere.to_owned());
        let mut digest = Sha256::new();
        for part in [&note.check, &path, &note.message] {
            digest.update((part.len() as u64).to_be_bytes());
            digest.update(part);
        }
        let mut fingerprint = hex(&digest.finalize());
        // The same said twice in one file.
        let again = seen.entry(fingerprint.clone()).or_default();
        *again += 1;
        if *again > 1 {
            let _ = write!(fingerprint, "-{again}");
        }
        Issue {
            description: note.words().replace('\n', " "),
            check_name: format!("uaapply-{}", note.check),
            fingerprint,
            severity: match note.level {
                Level::Error => "critical",
                Level::Warning => "minor",
                Level::Notice => "info",
            },
            location: Location { path: visible(&path), lines: Lines { begin: note.line } },
        }
    };
    let issues: Vec<Issue> = notes.iter().map(issue).collect();
    super::json(&issues)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}
