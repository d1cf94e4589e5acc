//! Which client secrets apply may try and set.
//!
//! UAA never tells a secret, so what a plan cannot compare apply settles with UAA's own check. To set the secret of a
//! privileged client is to take it over: that takes `--allow`. Our own is never sent.

use std::collections::BTreeMap;

use super::{Case, finding};
use crate::client::{ClientField, ClientFields};
use crate::model::{ClientId, KeyPart};
use crate::plan::diff::Diff;
use crate::plan::diff::clients::{client_of, names};
use crate::plan::policy::Allow;
use crate::plan::{Action, BlindSpot, BlindSpotWhat, FieldValue, Finding, KeptWhy, Kind, Rail};

/// Sorts the secrets of clients that exist into those that apply checks and those that it leaves alone.
pub(in crate::plan) fn sort(diff: &mut Diff, case: &Case<'_>, allow: &Allow) -> Vec<Finding> {
    let own = case.before.observed.me_here().client_id;
    let mut findings = Vec::new();
    let mut checked: BTreeMap<String, FieldValue> = BTreeMap::new();
    for (client, shown) in std::mem::take(&mut diff.client_secrets) {
        let key = KeyPart(client.as_str()).to_string();
        if own.as_ref() == Some(&client) {
            diff.keep(KeptWhy::SecretUnchecked, Kind::Client, key);
            continue;
        }
        // Tried already: it works, or the plan sets it.
        if case.before.observed.client_secrets_wrong.is_some() {
            continue;
        }
        if is_privileged(case, &client) {
            let allowing = format!("takeover:client/{key}");
            if !allow.contains(&allowing) {
                diff.keep(KeptWhy::SecretUnchecked, Kind::Client, key);
                continue;
            }
            let message =
                format!("The secret of the privileged client `{client}` is set if it does not work.");
            findings.push(Finding {
                allowed: true,
                ..finding(Rail::Takeover, Some(allowing), Vec::new(), message)
            });
        }
        checked.insert(key, shown);
    }
    findings.extend(set(case, allow));
    if !checked.is_empty() {
        diff.blind_spots.push(BlindSpot {
            what: BlindSpotWhat::ClientSecret,
            items: checked.keys().cloned().collect(),
            values: checked,
            why: "UAA never tells secrets. Checked at apply: one that works is left alone, one that does not is set, \
                  which ends the client's tokens"
                .to_owned(),
        });
    }
    findings
}

/// Judges the secrets that the plan sets, as they were tried in vain.
fn set<'c>(case: &'c Case<'_>, allow: &'c Allow) -> impl Iterator<Item = Finding> {
    let secrets = case.changes.iter().filter(|change| change.action == Action::SetClientSecret);
    secrets.filter_map(move |change| {
        let client = client_of(&change.object).filter(|client| is_privileged(case, client))?;
        let allowing = format!("takeover:client/{}", change.key);
        let message = format!(
            "The privileged client `{client}` gets another secret: whoever knows it can do all that the client can."
        );
        let allowed = allow.contains(&allowing);
        Some(Finding { allowed, ..finding(Rail::Takeover, Some(allowing), vec![change.id], message) })
    })
}

/// Tells whether the client has something privileged, or will have.
fn is_privileged(case: &Case<'_>, client: &ClientId) -> bool {
    let holds = |state: Option<ClientFields>| {
        state.is_some_and(|state| {
            names(&state, &ClientField::Authorities)
                .iter()
                .any(|name| case.policy.is_privileged_authority(name))
                || names(&state, &ClientField::Scope).iter().any(|name| case.policy.reaches_privileged(name))
        })
    };
    holds(case.before.client(client)) || holds(case.after.client(client))
}
