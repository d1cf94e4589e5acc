//! The proof that somebody gets in, as they themselves would: log in, have UAA confirm the token, list the clusters.
//!
//! Decides what each answer means, whether it is what the manifest and the caller expect, and what to do where it is not.
//! Pure: the answers come from `uaa::Visitor`, and what an administrator can see besides from `uaa::Reader`.
//!
//! ```text
//! Answers ─┐                     ┌─ login ─ token ─ scopes ─ clusters ─┐
//! Desired ─┼─ prove() ─▶ Proof ──┤   each: asked, came, means, next    ├─▶ text   json
//! Insight ─┘                     └─ expectations ──────────────────────┘
//! ```

mod causes;
mod expect;
mod scopes;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::desired::Desired;
use crate::model::{ClientId, UserKey};
use crate::observed::Observed;
use crate::uaa::{Came, Cluster, Granted, Validity};

pub use expect::{Expectation, Unreadable};
use scopes::Given;

/// The proofs of one run. A versioned, serialisable value.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verified {
    /// The format's version.
    pub format: u32,
    /// The program and version.
    pub tool: String,
    /// UAA's address.
    pub url: String,
    /// The issuer that UAA says it is.
    pub issuer: String,
    /// UAA's version.
    pub uaa_version: String,
    /// The PKS API's address.
    pub pks_api: String,
    /// One for each who was to be proven, in the order asked for.
    pub proofs: Vec<Proof>,
}

impl Verified {
    /// Whether everything is as it should be.
    #[must_use]
    pub fn proven(&self) -> bool {
        self.proofs.iter().all(|proof| proof.proven)
    }
}

/// The chain for one user or client.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Proof {
    /// `user/ORIGIN/NAME` or `client/ID`.
    pub who: String,
    /// Whether every step is as it should be, and every expectation holds.
    pub proven: bool,
    /// The steps, in order. What could not be reached is `skipped`.
    pub steps: Vec<Step>,
    /// The token's scopes; empty where there is no token.
    pub scopes: BTreeSet<String>,
    /// The names of the clusters that the PKS API lists; null where it lists none.
    pub clusters: Option<Vec<String>>,
}

/// One step of the chain.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// Which.
    pub step: StepName,
    /// How it went.
    pub state: State,
    /// What was asked, of whom.
    pub asked: String,
    /// What came back.
    pub came: String,
    /// What that means.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub means: Vec<String>,
    /// What to do about it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub next: Vec<String>,
}

/// The steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum StepName {
    /// UAA gives a token.
    Login,
    /// The token holds.
    Token,
    /// Its scopes are those that the manifest gives.
    Scopes,
    /// The PKS API lists clusters.
    Clusters,
    /// What `--expect` says.
    Expected,
}

/// How a step went.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// As it should.
    Ok,
    /// Not as it should.
    Failed,
    /// Nobody can tell from here.
    Unknown,
    /// Not reached.
    Skipped,
}

/// Who is to be proven.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Who {
    /// A user.
    User(UserKey),
    /// A client.
    Client(ClientId),
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::User(user) => write!(f, "user/{user}"),
            Self::Client(client) => write!(f, "client/{}", crate::model::KeyPart(client.as_str())),
        }
    }
}

/// What was heard on the way. What was not reached is not there.
#[derive(Debug)]
pub struct Answers {
    /// The log-in; `None`: not tried, since a password was wrong before.
    pub login: Option<Came<Granted>>,
    /// What the token is worth.
    pub validity: Option<Validity>,
    /// The PKS API's list.
    pub clusters: Option<Came<Vec<Cluster>>>,
}

/// What it takes to judge the answers.
#[derive(Clone, Copy, Debug)]
pub struct Case<'a> {
    /// UAA's address.
    pub url: &'a str,
    /// The PKS API's address.
    pub pks_api: &'a str,
    /// The client through which users log in.
    pub through: &'a ClientId,
    /// Whether the manifest's initial password was used.
    pub by_manifest: bool,
    /// Whether a passcode was used.
    pub by_passcode: bool,
    /// The manifest, if one was given.
    pub desired: Option<&'a Desired>,
    /// What an administrator sees, if one is logged in.
    pub insight: Option<&'a Observed>,
}

/// Judges what was heard of one user or client.
#[must_use]
pub fn prove(who: &Who, answers: &Answers, expected: &[&Expectation], case: &Case<'_>) -> Proof {
    let given = case.desired.map(|desired| Given::by(desired, who));
    let granted = match &answers.login {
        Some(Came::Granted(granted)) => Some(granted),
        _ => None,
    };
    let mut steps = vec![
        causes::login(who, answers.login.as_ref(), given.as_ref(), case),
        causes::token(who, granted, answers.validity.as_ref(), case),
        scopes::step(who, granted, given.as_ref(), case),
        causes::clusters(who, granted, answers.clusters.as_ref(), given.as_ref(), case),
    ];
    let scopes = granted.map(|granted| granted.scopes.clone()).unwrap_or_default();
    let clusters = match &answers.clusters {
        Some(Came::Granted(clusters)) => Some(clusters.iter().map(|cluster| cluster.name.clone()).collect()),
        _ => None,
    };
    let outcome = expect::Outcome {
        tried: answers.login.is_some(),
        denied: denied(answers),
        scopes: &scopes,
        clusters: clusters.as_deref(),
    };
    let said = expected.iter().any(|expectation| expectation.expects_denial());
    if said && outcome.denied {
        // That it goes no further is what was expected.
        let ends = [StepName::Login, StepName::Clusters];
        for step in steps.iter_mut().filter(|step| ends.contains(&step.step)) {
            if step.state == State::Failed {
                step.state = State::Ok;
                step.next.clear();
            }
        }
    }
    steps.extend(expected.iter().map(|expectation| expectation.step(&outcome)));
    let proven = steps.iter().all(|step| step.state != State::Failed)
        && answers.login.is_some()
        && (outcome.denied || clusters.is_some());
    Proof { who: who.to_string(), proven, steps, scopes, clusters }
}

/// Whether UAA or the PKS API says that this one, who is known, has nothing to do with clusters.
fn denied(answers: &Answers) -> bool {
    match &answers.login {
        Some(Came::Refused(refusal)) => refusal.word == "invalid_scope",
        // A 403 to who holds a scope comes from something else: a firewall, another server.
        Some(Came::Granted(granted)) => {
            let forbidden =
                matches!(&answers.clusters, Some(Came::Refused(refusal)) if refusal.status == 403);
            forbidden && !scopes::cluster_groups().any(|group| granted.scopes.contains(group.as_str()))
        }
        Some(Came::Unreached(_)) | None => false,
    }
}

impl Step {
    fn new(step: StepName, state: State, asked: impl Into<String>, came: impl Into<String>) -> Self {
        Self { step, state, asked: asked.into(), came: came.into(), means: Vec::new(), next: Vec::new() }
    }

    fn skipped(step: StepName, asked: impl Into<String>) -> Self {
        Self::new(step, State::Skipped, asked, "not reached")
    }

    fn means(mut self, text: impl Into<String>) -> Self {
        self.means.push(text.into());
        self
    }

    fn next(mut self, text: impl Into<String>) -> Self {
        self.next.push(text.into());
        self
    }
}
