//! The safety rules, judged on the state that will result and over direct, nested and mapped ways in.
//!
//! One file for each rail. A rail says what would result; it never changes the plan. What `--allow` names is marked,
//! nothing else is.

mod adopts;
pub(super) mod built_ins;
mod client_gains;
mod empties;
mod escalates;
mod lookalike;
mod members;
mod own_client;
mod own_identity;
mod owner;
mod protected;
mod prune;
mod removals;
pub(super) mod secrets;
mod takeover;
mod target_pin;
mod undeletable;

use std::collections::BTreeMap;

pub use target_pin::check_pin;

use super::diff::clients::{client_of, written};
use super::policy::{Allow, Policy};
use super::risks::{self, membership};
use super::world::World;
use super::{Action, Change, Finding, Object, Rail, Risk};
use crate::client::ClientFields;
use crate::desired::{Desired, Holds};
use crate::model::{ClientId, GroupName, Member, Membership};
use crate::observed::Server;

/// Everything that a rail may look at.
pub(super) struct Case<'a> {
    pub(super) desired: &'a Desired,
    pub(super) policy: &'a Policy,
    pub(super) changes: &'a [Change],
    /// The server as it is.
    pub(super) before: &'a World<'a>,
    /// The server when all is given and nothing is taken yet: the most that anyone holds on the way.
    pub(super) widest: &'a World<'a>,
    /// The server when only our own changes are left.
    pub(super) before_own: &'a World<'a>,
    /// The server as it will be.
    pub(super) after: &'a World<'a>,
}

/// Asks every rail.
pub(super) fn findings(case: &Case<'_>, server: &Server, allow: &Allow) -> Vec<Finding> {
    let gains = escalates::gains(case);
    let counts = counts(case);
    let mut findings = own_identity::findings(case);
    findings.extend(own_client::findings(case));
    findings.extend(check_pin(case.desired, server));
    findings.extend(built_ins::findings(case.changes, &case.before.default_groups));
    findings.extend(escalates::findings(&gains));
    findings.extend(client_gains::findings(case));
    findings.extend(adopts::findings(case, &gains));
    findings.extend(empties::findings(&counts));
    findings.extend(removals::findings(case, &counts));
    findings.extend(takeover::findings(case));
    findings.extend(members::findings(case));
    findings.extend(protected::findings(case));
    findings.extend(owner::findings(case));
    findings.extend(lookalike::findings(case.changes));
    findings.extend(undeletable::findings(case.changes));
    findings.extend(prune::findings(case.changes, &case.policy.prune));
    for finding in &mut findings {
        finding.changes.sort_unstable();
        finding.changes.dedup();
        finding.allowed = finding.key.as_ref().is_some_and(|key| allow.contains(key));
    }
    findings.sort_by(|a, b| {
        (a.rail, &a.key, &a.changes, &a.message).cmp(&(b.rail, &b.key, &b.changes, &b.message))
    });
    findings
}

/// Marks the changes that an allowed finding is about, and what a rail says without refusing.
pub(super) fn mark(changes: &mut [Change], findings: &[Finding], notices: Vec<(u32, Risk, String)>) {
    for finding in findings.iter().filter(|finding| finding.allowed) {
        let risk = match finding.rail {
            Rail::Escalates => Risk::Escalates,
            Rail::Adopts => Risk::Adopts,
            Rail::Empties | Rail::Removals | Rail::Members | Rail::Prune => Risk::Removes,
            Rail::OwnIdentity
            | Rail::TargetPin
            | Rail::BuiltIns
            | Rail::Takeover
            | Rail::Protected
            | Rail::Owner
            | Rail::Undeletable
            | Rail::Lookalike => continue,
        };
        for &id in &finding.changes {
            risks::add(&mut changes[id as usize], risk, finding.message.clone());
        }
    }
    for (id, risk, note) in notices {
        risks::add(&mut changes[id as usize], risk, note);
    }
}

/// Returns what rails say without refusing.
pub(super) fn notices(case: &Case<'_>) -> Vec<(u32, Risk, String)> {
    adopts::notices(case, &escalates::gains(case))
}

/// Makes a finding that `--allow` has not been asked about yet.
fn finding(rail: Rail, key: Option<String>, changes: Vec<u32>, message: String) -> Finding {
    Finding { rail, key, changes, allowed: false, message }
}

/// A client as it is, and after each of its changes in turn.
struct ClientStates {
    before: ClientFields,
    steps: Vec<(u32, ClientFields)>,
}

/// Follows each client that changes through the plan.
fn client_states(case: &Case<'_>) -> BTreeMap<ClientId, ClientStates> {
    let mut clients: BTreeMap<ClientId, ClientStates> = BTreeMap::new();
    for change in case.changes {
        if !matches!(change.action, Action::CreateClient | Action::UpdateClient) {
            continue;
        }
        let Some(client) = client_of(&change.object) else { continue };
        let states = clients.entry(client.clone()).or_insert_with(|| ClientStates {
            before: case.before.client(client).unwrap_or_default(),
            steps: Vec::new(),
        });
        let from = states.steps.last().map_or(&states.before, |(_, state)| state);
        let to = written(from.clone(), &change.fields);
        states.steps.push((change.id, to));
    }
    clients
}

/// How a group's `uaa` members change in number.
struct Count {
    /// As the manifest writes it.
    name: GroupName,
    exact: bool,
    before: usize,
    removed: Vec<u32>,
    added: usize,
}

/// Counts the members of each group that stays and loses some: also by the deletion of a group that was nested in it.
/// Rows whose member no longer exists do not count, where that is known, and those of another origin than `uaa` never.
fn counts(case: &Case<'_>) -> Vec<Count> {
    let mut counts: BTreeMap<GroupName, Count> = BTreeMap::new();
    let mut count = |group: &GroupName, change: u32, adds: bool| {
        if case.after.group(group).is_none() {
            return;
        }
        let count = counts.entry(group.clone()).or_insert_with(|| Count {
            exact: case.desired.groups.get(group).is_some_and(|group| group.holds == Holds::Exactly),
            before: members(case.before, group),
            name: group.clone(),
            removed: Vec::new(),
            added: 0,
        });
        if adds {
            count.added += 1;
        } else {
            count.removed.push(change);
        }
    };
    for change in case.changes {
        match (change.action, membership(&change.object), &change.object) {
            (Action::AddMember, Some(membership), _) => count(&membership.group, change.id, true),
            (Action::RemoveMember, Some(Membership { group, member }), _) => {
                let id = case.before.id(&member);
                let row = id.zip(case.before.group(&group)).and_then(|(id, group)| group.rows.get(id));
                if row.is_some_and(|row| row.origin.is_uaa()) {
                    count(&group, change.id, false);
                }
            }
            (Action::DeleteGroup, _, Object::Group { group }) => {
                let Some(gone) = case.before.group(group) else { continue };
                for outer in case.before.containers(&gone.id) {
                    if outer.rows.get(&gone.id).is_some_and(|row| row.origin.is_uaa()) {
                        let outer =
                            case.desired.groups.get(&outer.name).map_or(&outer.name, |entry| &entry.name);
                        count(outer, change.id, false);
                    }
                }
            }
            _ => {}
        }
    }
    counts.into_values().filter(|count| !count.removed.is_empty()).collect()
}

fn members(world: &World<'_>, group: &GroupName) -> usize {
    let rows = world.group(group).into_iter().flat_map(|group| &group.rows);
    let named = world.names_members_of(group);
    rows.filter(|(id, row)| row.origin.is_uaa() && (!named || world.member(id, row.kind).is_some())).count()
}

/// Counts with its noun.
fn number(count: usize, noun: &str) -> String {
    if count == 1 { format!("1 {noun}") } else { format!("{count} {noun}s") }
}

/// Names a member inside a sentence.
fn who(member: &Member) -> String {
    match member {
        Member::User(user) => format!("`{user}`"),
        Member::Group(group) => format!("everyone in group `{group}`"),
    }
}
