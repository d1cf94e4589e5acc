//! What an apply did: the plan's changes with their outcomes. A versioned, serialisable value (design.md §5).

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::client::ClientField;
use crate::observed::Server;
use crate::plan::only::Part;
use crate::plan::undo::Lost;
use crate::plan::{Change, FORMAT, Finding, Kind, Plan, Summary, client_value};

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
    /// The digest of the plan whose report is undone, where this is the way back.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub undoes: Option<String>,
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
    /// What an undo cannot bring back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lost: Vec<Lost>,
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
            undoes: plan.undoes.clone(),
            only: plan.only.clone(),
            summary: plan.summary,
            finished: true,
            changes: plan.changes.iter().map(untried).collect(),
            findings: plan.findings.clone(),
            lost: plan.lost.clone(),
            converged: None,
            remaining: Vec::new(),
        }
    }
}

/// Reports of versions without the field were only written at the end.
fn ended() -> bool {
    true
}

/// Why a file is no report.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unreadable {
    /// It is none; why.
    NotOne(String),
    /// A later version wrote it.
    Newer(u64),
}

impl Report {
    /// Reads a report's text.
    ///
    /// # Errors
    /// Whatever is no report of a format that this version knows.
    pub fn read(text: &str) -> Result<Self, Unreadable> {
        let not_one = |error: serde_json::Error| Unreadable::NotOne(error.to_string());
        let value: serde_json::Value = serde_json::from_str(text).map_err(not_one)?;
        match value.get("format").and_then(serde_json::Value::as_u64) {
            Some(format) if format == u64::from(FORMAT) => {}
            Some(format) => return Err(Unreadable::Newer(format)),
            None => return Err(Unreadable::NotOne("it has no `format`".to_owned())),
        }
        if value.get("manifest_digest").is_some() {
            let why = "it is a plan, which says what would be done, not what was";
            return Err(Unreadable::NotOne(why.to_owned()));
        }
        let report: Self = serde_json::from_value(value).map_err(not_one)?;
        // No manifest can say such a name, and so no report either.
        let names = report.changes.iter().map(|applied| serde_json::to_value(&applied.change.object));
        for name in
            names.filter_map(Result::ok).flat_map(|object| object.as_object().cloned().unwrap_or_default())
        {
            if name.1.as_str().is_some_and(|name| name.contains(char::is_control)) {
                return Err(Unreadable::NotOne("a name in it holds control characters".to_owned()));
            }
        }
        if report.changes.iter().any(|applied| says_what_no_manifest_can(&applied.change)) {
            let why = "a client's property in it holds what no manifest can say";
            return Err(Unreadable::NotOne(why.to_owned()));
        }
        Ok(report)
    }
}

/// Whether a value of a client is of a form that rails and UAA would read differently.
fn says_what_no_manifest_can(change: &Change) -> bool {
    change.kind == Kind::Client
        && change.fields.iter().any(|field| {
            let Some(name) = ClientField::by_name(&field.name) else { return false };
            let values =
                [&field.before, &field.after].into_iter().filter_map(|value| client_value(&name, value));
            values.into_iter().any(|value| !name.takes(&value))
        })
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
