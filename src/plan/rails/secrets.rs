//! Which client secrets apply may try and set.
//!
//! UAA never tells a secret, so what a plan cannot compare apply settles with UAA's own check. To set the secret of a
//! privileged client is to take it over: that takes `--allow`. Our own is never sent.

use std::collections::BTreeMap;

use super::{Case, finding};
use crate::client::{ClientField, ClientFields};
use crate::model::{ClientId, KeyPart};
use crate::plan::diff::Diff;
use crate::plan::diff::clients::names;
use crate::plan::policy::Allow;
use crate::plan::{BlindSpot, BlindSpotWhat, FieldValue, Finding, KeptWhy, Kind, Rail};

/// Sorts the secrets of clients that exist into those that apply checks and those that it leaves alone.
pub(in crate::plan) fn sort(diff: &mut Diff, case: &Case<'_>, allow: &Allow) -> Vec<Finding> {
    let own = case.before.observed.me.client_id.clone();
    let mut findings = Vec::new();
    let mut checked: BTreeMap<String, FieldValue> = BTreeMap::new();
    for (client, shown) in std::mem::take(&mut diff.client_secrets) {
        let key = KeyPart(client.as_str()).to_string();
        if own.as_ref() == Some(&client) {
            diff.keep(KeptWhy::SecretUnchecked, Kind::Client, key);
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

/// Tells whether the client has something privileged, or will have.
fn is_privileged(case: &Case<'_>, client: &ClientId) -> bool {
    let holds = |state: Option<ClientFields>| {
        state.is_some_and(|state| {
            [ClientField::Authorities, ClientField::Scope]
                .iter()
                .flat_map(|field| names(&state, field))
                .any(|name| case.policy.reaches_privileged(&name))
        })
    };
    holds(case.before.client(client)) || holds(case.after.client(client))
}
