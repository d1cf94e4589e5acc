//! Carries out a plan: phase by phase, give before take, with the barrier; then the report.
//!
//! Decides what is tried, held or not reached. Never decides what should change (the plan did) or how UAA is told
//! (`uaa::Writer` does).

use tokio::sync::watch;

use crate::desired::Secrets;
use crate::observed::Observed;
use crate::plan::{Change, Plan};
use crate::report::{Outcome, Report};
use crate::uaa::Writer;

/// Hears what happens while a plan is carried out: the progress bar, or plain lines.
pub trait Progress {
    /// A change is being made.
    fn started(&self, change: &Change);
    /// A change has come to its outcome.
    fn finished(&self, change: &Change, outcome: Outcome, error: Option<&str>);
}

/// Carries out `plan`, which was made from `observed`.
///
/// Stops starting changes once `stop` turns true, and finishes those under way.
pub async fn apply(
    plan: &Plan,
    observed: &Observed,
    secrets: &Secrets,
    writer: &Writer,
    concurrency: usize,
    progress: &dyn Progress,
    stop: watch::Receiver<bool>,
) -> Report {
    let _ = (plan, observed, secrets, writer, concurrency, progress, stop);
    unimplemented!()
}
