//! The plan: what would change, in which order, and what is unsafe about it.
//!
//! Pure and synchronous: no clock, environment, network or async in here. `Desired` and `Observed` go in, a [`Plan`]
//! comes out, the same bytes for the same values.
//!
//! ```text
//! Desired ──┐            ┌─ objections? ──▶ no plan
//!           ├─ make() ───┼─ diff ─▶ order ─▶ changes ─┬──────────────────────┬─▶ Plan
//! Observed ─┘            └────────────────────────────┴─ project ─▶ rails ───┘
//! ```

mod authorities;
pub mod change;
mod client_objections;
mod client_risks;
mod diff;
mod digest;
mod objections;
pub mod only;
mod order;
pub mod policy;
mod project;
mod rails;
mod renames;
mod risks;
pub mod saved;
mod scope;
mod settle;
mod shipped;
mod world;

#[cfg(test)]
mod properties;
#[cfg(test)]
mod schema;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod worlds;

pub use authorities::{MissingAuthority, missing_authorities};
pub use change::{
    Action, BlindSpot, BlindSpotWhat, Change, Expects, FORMAT, FieldChange, FieldValue, Finding, Kept,
    KeptWhy, Kind, Object, Phase, Plan, Presence, Rail, Risk, Summary,
};
pub(crate) use diff::clients::shown_value;
pub use diff::clients::{client_fields, client_value};
pub use diff::users::user_fields;
pub use digest::digest;
#[cfg(any(test, fuzzing))]
pub(crate) use project::project;
pub use rails::check_pin;
pub use scope::scope;
pub use settle::to_settle;
pub(crate) use shipped::{default_groups, is_group as is_shipped_group, is_rewritten as is_shipped_client};

use crate::desired::{Because, Desired};
use crate::model::ClientId;
use crate::observed::{Observed, Server};
use only::{Only, Unmatched};
use policy::{Allow, Policy};
use world::World;

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
    make_part(desired, observed, policy, allow, |_| true, |_| true)
}

/// Makes the plan of what `only` names; and says which of its names nothing answers to.
///
/// # Errors
/// As [`make`]; also for entries that are left out.
pub fn make_only(
    desired: &Desired,
    observed: &Observed,
    policy: &Policy,
    allow: &Allow,
    only: &Only,
) -> Result<(Plan, Vec<Unmatched>), Vec<Objection>> {
    let whole = make(desired, observed, policy, allow)?;
    if only.is_all() {
        return Ok((whole, Vec::new()));
    }
    let only = only.knowing(desired);
    let chosen = only.chosen(&whole.changes);
    let keep = |change: &Change| chosen.contains(&change.id);
    let plan = make_part(desired, observed, policy, allow, keep, |client| only.settles(client))?;
    let part = only.part(whole.changes.len(), plan.changes.len());
    Ok((Plan { only: part, ..plan }, only.unmatched(desired, &whole.changes)))
}

/// Makes the plan of those changes that `keep` keeps, and of client secrets those that `settle` wants settled.
///
/// # Errors
/// As [`make`].
fn make_part(
    desired: &Desired,
    observed: &Observed,
    policy: &Policy,
    allow: &Allow,
    keep: impl Fn(&Change) -> bool,
    settle: impl Fn(&ClientId) -> bool,
) -> Result<Plan, Vec<Objection>> {
    let scope = scope(desired, policy);
    let before = World::new(observed, &scope);
    let renamed = renames::by_present_name(desired, &before);
    let desired = &*renamed.desired;
    let mut objections = objections::objections(desired, &before);
    objections.extend_from_slice(&renamed.objections);
    objections.sort();
    if !objections.is_empty() {
        return Err(objections);
    }

    let mut diff = diff::diff(&renamed, &before, policy);
    diff.client_secrets.retain(|client, _| settle(client));
    let mut changes = order::order(std::mem::take(&mut diff.changes), &observed.me_here());
    order::retain(&mut changes, keep);

    let widest = project::keeping_names(observed, changes.iter().filter(|change| !takes(change)));
    let widest = World::new(&widest, &scope);
    let before_own = changes.iter().filter(|change| change.phase != Phase::Own);
    let before_own = project::keeping_names(observed, before_own);
    let before_own = World::new(&before_own, &scope);
    let after = project::keeping_names(observed, &changes);
    let after = World::new(&after, &scope);
    risks::mark(&mut changes, &before, &after);
    risks::keep_hidden_ways(desired, &after, &changes, &mut diff);

    let case = rails::Case {
        desired,
        policy,
        changes: &changes,
        before: &before,
        widest: &widest,
        before_own: &before_own,
        after: &after,
    };
    let mut findings = rails::findings(&case, &observed.server, allow);
    findings.extend(rails::secrets::sort(&mut diff, &case, allow));
    let notices = rails::notices(&case);
    rails::mark(&mut changes, &findings, notices);

    let kept = diff.kept();
    Ok(Plan { kept, ..plan(desired, &observed.server, changes, findings, diff.blind_spots) })
}

/// Returns a plan without changes that says only why it is refused.
#[must_use]
pub fn refused(desired: &Desired, server: &Server, findings: Vec<Finding>) -> Plan {
    plan(desired, server, Vec::new(), findings, Vec::new())
}

fn plan(
    desired: &Desired,
    server: &Server,
    changes: Vec<Change>,
    findings: Vec<Finding>,
    blind_spots: Vec<BlindSpot>,
) -> Plan {
    Plan {
        format: FORMAT,
        tool: concat!("uaapply ", env!("CARGO_PKG_VERSION")).to_owned(),
        target: server.clone(),
        manifest_digest: desired.digest.clone(),
        plan_digest: digest(server, &changes, &blind_spots),
        only: None,
        summary: Summary::of(&changes),
        changes,
        kept: Vec::new(),
        blind_spots,
        findings,
    }
}

/// Tells whether a change takes away what lets someone in.
fn takes(change: &Change) -> bool {
    match change.action {
        Action::RemoveMember
        | Action::UnmapExternalGroup
        | Action::DeleteUser
        | Action::DeleteGroup
        | Action::DeleteClient => true,
        Action::CreateUser
        | Action::UpdateUser
        | Action::CreateGroup
        | Action::UpdateGroup
        | Action::AddMember
        | Action::MapExternalGroup
        | Action::CreateClient
        | Action::UpdateClient
        | Action::SetClientSecret => false,
    }
}

/// Returns the `--allow` keys that no finding has.
#[must_use]
pub fn unused_allows(plan: &Plan, allow: &Allow) -> Vec<String> {
    let has = |key: &&String| plan.findings.iter().any(|finding| finding.key.as_ref() == Some(*key));
    allow.iter().filter(|key| !has(key)).cloned().collect()
}
