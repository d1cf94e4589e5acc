//! Secrets of clients that were tried and do not work.
//!
//! Decides nothing where none was tried: then UAA's own check at apply settles them.

use std::collections::BTreeMap;

use super::users::shown;
use super::{Diff, Draft};
use crate::desired::Desired;
use crate::model::{Guid, KeyPart};
use crate::plan::world::World;
use crate::plan::{Action, Expects, FieldChange, FieldValue, Kind, Object, Phase};

/// Plans to set those that do not work.
pub(super) fn diff(desired: &Desired, world: &World<'_>, diff: &mut Diff) {
    let wrong = world.observed.client_secrets_wrong.iter().flatten();
    for client in wrong.filter_map(|id| desired.clients.get(id)) {
        let Some(secret) = &client.secret else { continue };
        diff.add(Draft {
            phase: Phase::Revoke,
            action: Action::SetClientSecret,
            kind: Kind::Client,
            key: KeyPart(client.id.as_str()).to_string(),
            object: Object::Client { client_id: client.id.clone() },
            fields: vec![FieldChange {
                name: "client_secret".to_owned(),
                before: FieldValue::redacted(),
                after: shown(&secret.value),
            }],
            needs: Vec::new(),
            because: &secret.because,
            implied: false,
            expects: Expects::State { id: Guid::new(client.id.as_str()), fields: BTreeMap::new() },
        });
    }
}
