//! A proof for people: the chain step by step, what came back, what it means, what to do.

use std::fmt::Write as _;

use super::style::{self, styled};
use crate::verify::{Proof, State, Step, StepName, Verified};
use crate::visible::line;

/// Shows the proofs of a run.
#[must_use]
pub fn text(verified: &Verified) -> String {
    let mut out = format!(
        "{} (UAA {}), PKS API {}\n",
        line(&verified.url),
        line(&verified.uaa_version),
        line(&verified.pks_api)
    );
    for proof in &verified.proofs {
        out.push('\n');
        one(&mut out, proof);
    }
    out
}

fn one(out: &mut String, proof: &Proof) {
    let verdict = match proof.proven {
        true => styled(style::GIVES, "proven"),
        false => styled(style::ERROR, "not proven"),
    };
    let _ = writeln!(out, "{}: {verdict}", styled(style::HEADING, line(&proof.who)));
    for step in &proof.steps {
        let _ = writeln!(out, "  {} {:<9} {}", mark(step.state), word(step.step), line(&told(step)));
        for means in &step.means {
            let _ = writeln!(out, "              {}", line(means));
        }
        for next in &step.next {
            let _ = writeln!(out, "              {} {}", styled(style::HINT, "→"), line(next));
        }
    }
}

fn told(step: &Step) -> String {
    format!("{}: {}", step.asked, step.came)
}

fn mark(state: State) -> String {
    match state {
        State::Ok => styled(style::GIVES, "✓"),
        State::Failed => styled(style::ERROR, "✗"),
        State::Unknown => styled(style::WARNING, "!"),
        State::Skipped => styled(style::DIM, "-"),
    }
}

fn word(step: StepName) -> &'static str {
    match step {
        StepName::Login => "log-in",
        StepName::Token => "token",
        StepName::Scopes => "scopes",
        StepName::Clusters => "clusters",
        StepName::Expected => "expected",
    }
}
