//! The plan: what would change, in which order, and what is unsafe about it.
//!
//! Pure and synchronous: no clock, environment, network or async in here. `Desired` and `Observed` go in, a [`Plan`]
//! comes out, the same bytes for the same values.
//!
//! ```text
//! Desired ──┐            ┌─ diff ──▶ changes ─ order ─┐
//!           ├─ make() ───┤                            ├─▶ Plan
//! Observed ─┘            └─ project ─▶ rails ─────────┘
//! ```

pub mod change;
pub mod policy;

pub use change::{
    Action, BlindSpot, BlindSpotWhat, Change, Expects, FORMAT, FieldChange, FieldValue, Finding, Kept,
    KeptWhy, Kind, Object, Phase, Plan, Presence, Rail, Risk, Summary,
};

use crate::desired::{Because, Desired};
use crate::observed::{Observed, ReadScope, Server};
use policy::{Allow, Policy};

/// Why no plan can be made of this manifest and this server: an entry that cannot come true.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Objection {
    /// The manifest line.
    pub because: Because,
    /// What is wrong, naming the thing.
    pub message: String,
    /// What to write or type.
    pub hint: Option<String>,
}

/// Returns what a plan of this manifest needs to know of the server.
#[must_use]
pub fn scope(desired: &Desired) -> ReadScope {
    let _ = desired;
    unimplemented!()
}

/// Judges the manifest's pin before anything is sent that a wrong server should not see: the issuer, and the zone
/// where `server.zone` is known (not empty).
#[must_use]
pub fn check_pin(desired: &Desired, server: &Server) -> Vec<Finding> {
    let _ = (desired, server);
    unimplemented!()
}

/// Makes the plan.
///
/// # Errors
/// All entries that cannot come true on this server, sorted by file and line.
pub fn make(
    desired: &Desired,
    observed: &Observed,
    policy: &Policy,
    allow: &Allow,
) -> Result<Plan, Vec<Objection>> {
    let _ = (desired, observed, policy, allow);
    unimplemented!()
}

/// Returns a plan without changes that says only why it is refused.
#[must_use]
pub fn refused(desired: &Desired, server: &Server, findings: Vec<Finding>) -> Plan {
    let _ = (desired, server, findings);
    unimplemented!()
}

/// Returns the `--allow` keys that no finding has.
#[must_use]
pub fn unused_allows(plan: &Plan, allow: &Allow) -> Vec<String> {
    let _ = (plan, allow);
    unimplemented!()
}

/// Returns the authorities that the token lacks for carrying out `plan`, each with what it is needed for.
#[must_use]
pub fn missing_authorities(plan: &Plan, observed: &Observed) -> Vec<MissingAuthority> {
    let _ = (plan, observed);
    unimplemented!()
}

/// An authority that the token lacks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MissingAuthority {
    /// Any one of these would do; the first is the one to ask for.
    pub any_of: Vec<String>,
    /// What it is needed for, such as `create users`.
    pub needed_for: String,
}
