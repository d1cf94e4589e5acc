//! Carries out a plan: phase by phase, give before take, with the barrier; then the report.
//!
//! Decides what is tried, held or not reached. Never decides what should change (the plan did) or how UAA is told
//! (`uaa::Writer` does).
//!
//! ```text
//! Plan ─ stages() ─▶ one stage after the other ─▶ barrier: held? ─▶ hands: make it ─▶ outcome ─▶ Report
//! ```

mod barrier;
mod hands;
mod stages;

use std::cell::RefCell;
use std::collections::BTreeMap;

use futures_util::stream::{self, StreamExt};
use tokio::sync::watch;

use crate::desired::Secrets;
use crate::observed::Observed;
use crate::plan::{Change, Plan};
use crate::report::{Applied, Outcome, Report};
use crate::uaa::{WriteError, WriteErrorKind, Writer, Written};
use barrier::Barrier;
use hands::UaaHands;

/// Hears what happens while a plan is carried out, and can stop it: who keeps the record of what was written lets nothing
/// be written that is not on it.
pub trait Progress {
    /// A change is about to be made, and these after it.
    ///
    /// # Errors
    /// Why it must not be made, nor anything else.
    fn started(&self, change: &Change, next: &[&Change]) -> Result<(), String>;
    /// A change has come to its outcome, begun or not.
    ///
    /// # Errors
    /// Why nothing else may be made.
    fn finished(&self, change: &Change, outcome: Outcome, error: Option<&str>) -> Result<(), String>;
}

/// How far a run goes on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Interrupt {
    /// To its end.
    #[default]
    None,
    /// Finishes what is under way, starts nothing (the first Ctrl-C).
    Finish,
    /// Does not wait for what is under way either (the second Ctrl-C).
    AtOnce,
}

/// Carries out `plan`, which was made from `observed`, as far as `interrupt` lets it; and `settle`, of which the report
/// says only what changed something.
///
/// The report's `converged` is left open: that takes another look at the server.
#[expect(clippy::too_many_arguments, reason = "what it works on, what with, and who hears of it")]
pub async fn apply(
    plan: &Plan,
    settle: &[Change],
    observed: &Observed,
    secrets: &Secrets,
    writer: &Writer,
    concurrency: usize,
    progress: &dyn Progress,
    interrupt: watch::Receiver<Interrupt>,
) -> Report {
    let hands = UaaHands::new(writer, observed, secrets);
    let outcomes = carry_out(&plan.changes, settle, &hands, concurrency, progress, &interrupt).await;
    report(plan, settle, &outcomes)
}

/// Whatever makes one change at a server.
trait Hands {
    /// Makes the change.
    async fn make(&self, change: &Change) -> Result<Written, WriteError>;
    /// Tells whether the server answers at all, after it failed at one change.
    async fn answers(&self) -> Result<(), WriteError>;
}

/// What became of changes, by id, and the words for it.
pub type Outcomes = BTreeMap<u32, Told>;

/// What became of a change, and the words for it.
type Told = (Outcome, Option<String>);

/// Makes the changes stage by stage, and what is to be settled in its place; every change gets an outcome.
async fn carry_out<H: Hands>(
    changes: &[Change],
    settle: &[Change],
    hands: &H,
    concurrency: usize,
    progress: &dyn Progress,
    interrupt: &watch::Receiver<Interrupt>,
) -> Outcomes {
    // Shared by the changes under way, never across an await.
    let barrier = RefCell::new(Barrier::default());
    let mut outcomes = Outcomes::new();
    let changes = stages::needing(changes, settle);
    for stage in stages::stages(&changes, settle) {
        let stage = &stage;
        let told = stream::iter(stage.iter().enumerate())
            .map(|(at, &change)| {
                let barrier = &barrier;
                async move {
                    let told = if *interrupt.borrow() != Interrupt::None {
                        (Outcome::NotTried, Some("interrupted before its turn".to_owned()))
                    } else if let Some(why) = barrier.borrow().holds(change) {
                        (Outcome::Held, Some(why))
                    } else if let Err(why) = progress.started(change, &stage[at + 1..]) {
                        barrier.borrow_mut().hold_all(&why);
                        (Outcome::Held, Some(why))
                    } else {
                        let mut interrupt = interrupt.clone();
                        tokio::select! {
                            biased;
                            told = async { judge(hands.make(change).await, hands, barrier).await } => told,
                            Ok(_) = interrupt.wait_for(|interrupt| *interrupt == Interrupt::AtOnce) => {
                                (Outcome::Unknown, Some("interrupted while it was under way".to_owned()))
                            }
                        }
                    };
                    barrier.borrow_mut().learn(change, told.0);
                    if let Err(why) = progress.finished(change, told.0, told.1.as_deref()) {
                        barrier.borrow_mut().hold_all(&why);
                    }
                    (change.id, told)
                }
            })
            .buffer_unordered(concurrency.max(1))
            .collect::<Vec<_>>()
            .await;
        outcomes.extend(told);
    }
    outcomes
}

/// Turns what a write came to into an outcome, and lets the barrier know when no further write makes sense.
///
/// Where UAA failed at this one thing, a look at something else tells whether it is broken: it answers 500 to odd data
/// too, and so could whoever may add an entry hold back everybody else's offboarding.
async fn judge<H: Hands>(result: Result<Written, WriteError>, hands: &H, barrier: &RefCell<Barrier>) -> Told {
    let WriteError { kind, message } = match result {
        Ok(Written::Done) => return (Outcome::Done, None),
        Ok(Written::AlreadySo) => return (Outcome::AlreadySo, None),
        Err(error) => error,
    };
    let broken = match kind {
        WriteErrorKind::Refused | WriteErrorKind::Drifted => None,
        // Unknown: neither the write nor the look after it came through, so there is no connection.
        WriteErrorKind::Systemic | WriteErrorKind::Unknown => Some(message.clone()),
        WriteErrorKind::Faulty | WriteErrorKind::Unsettled => match hands.answers().await {
            Ok(()) => None,
            Err(other) => Some(format!("{message}; and {}", other.message)),
        },
    };
    if let Some(why) = broken {
        barrier.borrow_mut().hold_all(&why);
    }
    let outcome = match kind {
        WriteErrorKind::Refused | WriteErrorKind::Faulty | WriteErrorKind::Systemic => Outcome::Failed,
        WriteErrorKind::Drifted => Outcome::Drifted,
        WriteErrorKind::Unsettled | WriteErrorKind::Unknown => Outcome::Unknown,
    };
    (outcome, Some(message))
}

/// Joins the plan's changes with their outcomes, as far as there are any. What was only settled is told where it was not
/// so already.
#[must_use]
pub fn report(plan: &Plan, settle: &[Change], outcomes: &Outcomes) -> Report {
    let mut report = Report::of(plan);
    for applied in &mut report.changes {
        if let Some((outcome, error)) = outcomes.get(&applied.change.id) {
            (applied.outcome, applied.error) = (*outcome, error.clone());
        }
    }
    for change in settle {
        match outcomes.get(&change.id) {
            None | Some((Outcome::AlreadySo, _)) => {}
            Some((outcome, error)) => {
                let (change, outcome, error) = (change.clone(), *outcome, error.clone());
                report.changes.push(Applied { change, outcome, error });
            }
        }
    }
    report
}

#[cfg(test)]
mod tests;
