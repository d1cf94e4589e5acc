//! What an apply did: the plan's changes with their outcomes. A versioned, serialisable value (design.md §5).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::observed::Server;
use crate::plan::only::Part;
use crate::plan::{Change, FORMAT, Finding, Plan, Summary};

/// The result of an apply.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// The format's version.
    pub format: u32,
    /// The program and version.
    pub tool: String,
    /// The server and zone.
    pub target: Server,
    /// The digest of the plan that was applied.
    pub plan_digest: String,
    /// What `--only` made of the plan, where it was a part.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub only: Option<Part>,
    /// How many changes of each sort were planned.
    pub summary: Summary,
    /// Whether the run came to its end. False in the file of `--report` while it goes on, and for good where the process
    /// was killed: then a change is `unknown` that was under way or next in turn, so it may be made.
    #[serde(default = "ended")]
    pub finished: bool,
    /// The plan's changes with their outcomes.
    pub changes: Vec<Applied>,
    /// What the safety rules said of the plan; one that is not allowed is why nothing was tried.
    #[serde(default)]
    pub findings: Vec<Finding>,
    /// Whether a second look found nothing left to do; null when it could not look, or did not get there.
    pub converged: Option<bool>,
    /// Keys of what the second look still found, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remaining: Vec<String>,
}

impl Report {
    /// Returns the report of a plan of which nothing was tried yet.
    #[must_use]
    pub fn of(plan: &Plan) -> Self {
        let untried =
            |change: &Change| Applied { change: change.clone(), outcome: Outcome::NotTried, error: None };
        Self {
            format: FORMAT,
            tool: plan.tool.clone(),
            target: plan.target.clone(),
            plan_digest: plan.plan_digest.clone(),
            only: plan.only.clone(),
            summary: plan.summary,
            finished: true,
            changes: plan.changes.iter().map(untried).collect(),
            findings: plan.findings.clone(),
            converged: None,
            remaining: Vec::new(),
        }
    }
}

/// Reports of versions without the field were only written at the end.
fn ended() -> bool {
    true
}

/// A change and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Applied {
    /// The change as planned.
    #[serde(flatten)]
    pub change: Change,
    /// What became of it.
    pub outcome: Outcome,
    /// UAA's words, or why it was not tried.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What became of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// Made.
    Done,
    /// The server already was as wished; nothing was written.
    AlreadySo,
    /// The server is not as the plan expected; nothing was written.
    Drifted,
    /// UAA refused it, or could not be reached.
    Failed,
    /// Not tried, because an earlier change failed.
    Held,
    /// Not reached (Ctrl-C), or the plan was refused.
    NotTried,
    /// The request was sent and no answer came; a re-read did not settle it. Of a run that did not finish: it was under
    /// way or next in turn.
    Unknown,
}
