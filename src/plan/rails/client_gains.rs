//! A client gains something privileged: an authority of its own, a scope that users can get through it, or that they
//! are no longer asked about.

use std::collections::{BTreeMap, BTreeSet};

use super::{Case, client_states, finding};
use crate::client::{ClientField, ClientFields, ClientValue};
use crate::model::{ClientId, KeyPart};
use crate::plan::diff::clients::names;
use crate::plan::{Finding, Rail};

/// How a client has something.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum By {
    Authority,
    Scope,
    Autoapprove,
}

/// One privileged name that one client gains.
#[derive(Default)]
struct Gain {
    by: BTreeSet<By>,
    changes: BTreeSet<u32>,
    kept: bool,
}

/// Judged at each step: what a later change of the same plan ends is a gain too.
pub(super) fn findings(case: &Case<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (client, states) in client_states(case) {
        let had = privileged(case, &states.before);
        let last = states.steps.last().map(|(_, state)| privileged(case, state)).unwrap_or_default();
        let mut gains: BTreeMap<String, Gain> = BTreeMap::new();
        let mut from = had.clone();
        for (id, state) in &states.steps {
            let now = privileged(case, state);
            for way in now.difference(&from).filter(|way| !had.contains(*way)) {
                let gain = gains.entry(way.0.clone()).or_default();
                gain.by.insert(way.1);
                gain.changes.insert(*id);
                gain.kept |= last.contains(way);
            }
            from = now;
        }
        findings.extend(gains.into_iter().map(|(name, gain)| speak(&client, &name, gain)));
    }
    findings
}

/// The privileged names of a client, each with the way in which it has it.
fn privileged(case: &Case<'_>, state: &ClientFields) -> BTreeSet<(String, By)> {
    let scope = names(state, &ClientField::Scope);
    let approved = match state.get(&ClientField::Autoapprove) {
        Some(ClientValue::All) => scope.clone(),
        _ => names(state, &ClientField::Autoapprove),
    };
    let ways = [
        (By::Authority, names(state, &ClientField::Authorities)),
        (By::Scope, scope),
        (By::Autoapprove, approved),
    ];
    let each = ways.into_iter().flat_map(|(by, names)| names.into_iter().map(move |name| (name, by)));
    each.filter(|(name, by)| match by {
        By::Authority => case.policy.is_privileged_authority(name),
        By::Scope | By::Autoapprove => case.policy.reaches_privileged(name),
    })
    .collect()
}

fn speak(client: &ClientId, name: &str, gain: Gain) -> Finding {
    let Gain { by, changes, kept } = gain;
    let has = |way| by.contains(&way);
    let unasked = if has(By::Autoapprove) { ", and are not asked" } else { "" };
    let users = format!("users could get `{name}` through client `{client}`{unasked}");
    let what = match (has(By::Authority), has(By::Scope), has(By::Autoapprove)) {
        (true, false, false) => format!("Client `{client}` would hold the privileged authority `{name}`"),
        (true, _, _) => {
            format!("Client `{client}` would hold the privileged authority `{name}`, and {users}")
        }
        (false, true, _) => {
            format!("Through client `{client}` users could get the privileged scope `{name}`{unasked}")
        }
        (false, false, _) => {
            format!("Users of client `{client}` would no longer be asked about the privileged scope `{name}`")
        }
    };
    let passing = if kept { "" } else { ", until a later change of this plan ends it" };
    let key = format!("escalates:{}/client:{}", KeyPart(name), KeyPart(client.as_str()));
    finding(Rail::Escalates, Some(key), changes.into_iter().collect(), format!("{what}{passing}."))
}
