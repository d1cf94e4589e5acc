//! Secrets of clients that were tried and do not work.
//!
//! Decides when such a secret is set: whoever knows the old one must not hold what the client gains, so it goes before
//! any gain, and else with what ends sessions. Decides nothing where none was tried: then UAA's own check at apply
//! settles them.

use std::collections::BTreeMap;

use super::users::shown;
use super::{Diff, Draft};
use crate::desired::DesiredClient;
use crate::model::{Guid, KeyPart};
use crate::plan::world::World;
use crate::plan::{Action, Expects, FieldChange, FieldValue, Kind, Object, Phase};

/// Returns the phase in which the secret of a client is set.
pub(in crate::plan) fn phase(gains: bool) -> Phase {
    match gains {
        true => Phase::Grant,
        false => Phase::Revoke,
    }
}

/// Plans to set the secret of a client that exists, if it does not work; returns the change's number.
pub(super) fn diff(client: &DesiredClient, gains: bool, world: &World<'_>, diff: &mut Diff) -> Option<u32> {
    let secret = client.secret.as_ref()?;
    if !world.observed.client_secrets_wrong.as_ref()?.contains(&client.id) {
        return None;
    }
    Some(diff.add(Draft {
        phase: phase(gains),
        action: Action::SetClientSecret,
        kind: Kind::Client,
        key: KeyPart(client.id.as_str()).to_string(),
        object: Object::from(&client.id),
        fields: vec![FieldChange {
            name: "client_secret".to_owned(),
            before: FieldValue::redacted(),
            after: shown(&secret.value),
        }],
        needs: Vec::new(),
        because: &secret.because,
        implied: false,
        expects: Expects::State { id: Guid::new(client.id.as_str()), fields: BTreeMap::new() },
    }))
}
