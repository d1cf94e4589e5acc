//! A report for people: what became of the changes, failures in UAA's words, and whether a second look agrees.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::style::{self, styled};
use crate::report::{Applied, Outcome, Report};
use crate::visible::{line, name};

/// So many keys of what is left are shown.
const SHOWN_REMAINING: usize = 20;

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
            let _ = writeln!(out, "            {}", line(error));
        }
    }
    let did =
        if counts.keys().any(|told| matches!(told, Outcome::Done | Outcome::AlreadySo | Outcome::Unknown)) {
            "Applied:"
        } else {
            "Nothing was applied:"
        };
    let fell_short = counts.keys().any(|told| !matches!(told, Outcome::Done | Outcome::AlreadySo));
    let counts: Vec<String> =
        counts.into_iter().map(|(told, number)| format!("{number} {}", outcome(told))).collect();
    let _ = writeln!(out, "{} {}.", styled(style::HEADING, did), counts.join(", "));
    match report.converged {
        Some(true) => {
            let _ = writeln!(out, "A second look finds nothing left to do.");
            return out;
        }
        Some(false) => {
            let _ = writeln!(out, "{}", styled(style::WARNING, "A second look still finds changes:"));
            for key in report.remaining.iter().take(SHOWN_REMAINING) {
                let _ = writeln!(out, "  {}", name(key));
            }
            if report.remaining.len() > SHOWN_REMAINING {
                let more = report.remaining.len() - SHOWN_REMAINING;
                let _ = writeln!(out, "  … and {more} more (`uaapply plan` shows all)");
            }
        }
        None => {
            let _ = writeln!(out, "There was no second look.");
        }
    }
    let next = if fell_short { "Mend what fell short, then run" } else { "Run" };
    let _ = writeln!(out, "{next} the same command again: what is done stays done.");
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
