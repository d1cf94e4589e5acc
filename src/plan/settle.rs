//! What a plan cannot compare and apply settles: secrets of clients.
//!
//! Decides nothing: the rails have sorted them into those that are checked (a blind spot) and those that are left alone
//! (kept). UAA's own check changes nothing where the secret works.

use std::collections::{BTreeMap, BTreeSet};

use super::{Action, BlindSpotWhat, Change, Expects, FieldChange, FieldValue, Kind, Object, Phase, Plan};
use crate::desired::Desired;
use crate::model::{Guid, KeyPart};

/// Returns what apply does about them after the plan's changes, as the changes that it makes where one does not work.
#[must_use]
pub fn to_settle(plan: &Plan, desired: &Desired) -> Vec<Change> {
    let spots = plan.blind_spots.iter().filter(|spot| spot.what == BlindSpotWhat::ClientSecret);
    let mut checked: BTreeSet<&str> = BTreeSet::new();
    let mut values: BTreeMap<&str, &FieldValue> = BTreeMap::new();
    for spot in spots {
        checked.extend(spot.items.iter().map(String::as_str));
        values.extend(spot.values.iter().map(|(item, value)| (item.as_str(), value)));
    }
    // Numbered after the plan's.
    let mut id = plan.changes.iter().map(|change| change.id + 1).max().unwrap_or_default();
    let mut changes = Vec::new();
    for client in desired.clients.values() {
        let key = KeyPart(client.id.as_str()).to_string();
        let Some(secret) = client.secret.as_ref().filter(|_| checked.contains(key.as_str())) else {
            continue;
        };
        let after = values.get(key.as_str()).map_or_else(FieldValue::redacted, |value| (*value).clone());
        changes.push(Change {
            id,
            phase: Phase::Revoke,
            action: Action::SetClientSecret,
            kind: Kind::Client,
            key,
            object: Object::Client { client_id: client.id.clone() },
            fields: vec![FieldChange {
                name: "client_secret".to_owned(),
                before: FieldValue::redacted(),
                after,
            }],
            needs: Vec::new(),
            because: secret.because.clone(),
            implied: false,
            expects: Expects::State { id: Guid::new(client.id.as_str()), fields: BTreeMap::new() },
            risks: Vec::new(),
            notes: Vec::new(),
        });
        id += 1;
    }
    changes
}
