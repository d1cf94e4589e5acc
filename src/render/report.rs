//! A report for people: what became of the changes, failures in UAA's words, and whether a second look agrees.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::style::{self, styled};
use crate::report::{Applied, Outcome, Report};
use crate::visible::visible;

/// Shows a report. Changes that were made are only counted: the plan showed them.
#[must_use]
pub fn text(report: &Report) -> String {
    let mut out = String::new();
    let mut counts = BTreeMap::<Outcome, usize>::new();
    for Applied { change, outcome: told, error } in &report.changes {
        *counts.entry(*told).or_default() += 1;
        if matches!(told, Outcome::Done | Outcome::AlreadySo) {
            continue;
        }
        let _ = writeln!(
            out,
            "  {} {}",
            styled(style::ERROR, format!("{:<9}", outcome(*told))),
            super::step(change)
        );
        if let Some(error) = error {
            let _ = writeln!(out, "            {}", visible(error));
        }
    }
    let counts: Vec<String> =
        counts.into_iter().map(|(told, number)| format!("{number} {}", outcome(told))).collect();
    let _ = writeln!(out, "{} {}.", styled(style::HEADING, "Applied:"), counts.join(", "));
    let _ = match report.converged {
        Some(true) => writeln!(out, "A second look finds nothing left to do."),
        Some(false) => {
            let _ = writeln!(out, "{}", styled(style::WARNING, "A second look still finds changes:"));
            for key in &report.remaining {
                let _ = writeln!(out, "  {}", visible(key));
            }
            writeln!(out, "Run the same command again: what is done stays done.")
        }
        None => {
            writeln!(out, "There was no second look. Run the same command again: what is done stays done.")
        }
    };
    out
}

/// Returns an outcome's words.
#[must_use]
pub fn outcome(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::AlreadySo => "already so",
        Outcome::Drifted => "drifted",
        Outcome::Failed => "failed",
        Outcome::Held => "held",
        Outcome::NotTried => "not tried",
        Outcome::Unknown => "unknown",
    }
}
