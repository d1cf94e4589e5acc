//! Which client secrets apply may try and set.
//!
//! UAA never tells a secret, so what a plan cannot compare apply settles with UAA's own check. To set the secret of a
//! privileged client is to take it over: that takes `--allow`, as does one that the policy protects or gives to another
//! file. Our own is never sent.

use std::collections::BTreeMap;

use super::{Case, finding, owner, protected, takeover};
use crate::model::{ClientId, KeyPart};
use crate::plan::diff::Diff;
use crate::plan::policy::{Allow, Name};
use crate::plan::{BlindSpot, BlindSpotWhat, FieldValue, Finding, KeptWhy, Kind, Rail};

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
        let consents = consents(case, &client);
        if consents.iter().any(|(_, allowing, _)| !allow.contains(allowing)) {
            diff.keep(KeptWhy::SecretUnchecked, Kind::Client, key);
            continue;
        }
        let allowed = |(rail, allowing, message)| Finding {
            allowed: true,
            ..finding(rail, Some(allowing), Vec::new(), message)
        };
        findings.extend(consents.into_iter().map(allowed));
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

/// What must be allowed before apply may set a client's secret: the rail, its key, and what would result.
fn consents(case: &Case<'_>, client: &ClientId) -> Vec<(Rail, String, String)> {
    let mut consents = Vec::new();
    if takeover::is_privileged(case, client) {
        let message = format!("The secret of the privileged client `{client}` is set if it does not work.");
        consents.push((Rail::Takeover, takeover::key(&Name::from(client)), message));
    }
    if let Some(key) = protected::key(case.policy, &Name::from(client)) {
        let message = format!("The secret of the protected client `{client}` is set if it does not work.");
        consents.push((Rail::Protected, key, message));
    }
    let said = case.desired.clients.get(client).and_then(|entry| entry.secret.as_ref());
    let objection = said.and_then(|said| owner::objection(case.policy, &said.because, &Name::from(client)));
    consents.extend(objection.map(|(key, message)| (Rail::Owner, key, message)));
    consents
}
