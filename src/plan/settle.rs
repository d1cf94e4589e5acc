//! What a plan cannot compare and apply settles: secrets of clients.
//!
//! Decides nothing: the rails have sorted them into those that are checked (a blind spot) and those that are left alone
//! (kept). UAA's own check changes nothing where the secret works. That of a client that gains something goes before the
//! gain, as a planned one does; all others last.

use std::collections::{BTreeMap, BTreeSet};

use super::diff::client_secrets::phase;
use super::{Action, BlindSpotWhat, Change, Expects, FieldChange, FieldValue, Kind, Object, Phase, Plan};
use crate::desired::Desired;
use crate::model::{Guid, KeyPart};

/// Returns what apply does about them besides the plan's changes, as the changes that it makes where one does not work.
#[must_use]
pub fn to_settle(plan: &Plan, desired: &Desired) -> Vec<Change> {
    let spots = plan.blind_spots.iter().filter(|spot| spot.what == BlindSpotWhat::ClientSecret);
    let mut checked: BTreeSet<&str> = BTreeSet::new();
    let mut values: BTreeMap<&str, &FieldValue> = BTreeMap::new();
    for spot in spots {
        checked.extend(spot.items.iter().map(String::as_str));
        values.extend(spot.values.iter().map(|(item, value)| (item.as_str(), value)));
    }
    let gains = |object: &Object| {
        plan.changes.iter().any(|change| change.phase == Phase::Grant && change.object == *object)
    };
    // Numbered after the plan's.
    let mut id = plan.changes.iter().map(|change| change.id + 1).max().unwrap_or_default();
    let mut changes = Vec::new();
    for client in desired.clients.values() {
        let key = KeyPart(client.id.as_str()).to_string();
        let Some(secret) = client.secret.as_ref().filter(|_| checked.contains(key.as_str())) else {
            continue;
        };
        let after = values.get(key.as_str()).map_or_else(FieldValue::redacted, |value| (*value).clone());
        let object = Object::from(&client.id);
        changes.push(Change {
            id,
            phase: phase(gains(&object)),
            action: Action::SetClientSecret,
            kind: Kind::Client,
            key,
            object,
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::client::{ClientField, ClientValue};
    use crate::desired::{Because, DesiredClient, Said, SecretSource};
    use crate::model::ClientId;
    use crate::observed::{Observed, ObservedClient, Server};
    use crate::plan::policy;

    fn because(line: u32) -> Because {
        Because { file: "pks.yml".to_owned(), line }
    }

    fn desired(ids: &[&str]) -> Desired {
        let mut desired = Desired::default();
        for id in ids.iter().map(|&id| ClientId::new(id)) {
            let secret = SecretSource::Variable("ci_secret".to_owned());
            let client = DesiredClient {
                id: id.clone(),
                because: because(1),
                fields: BTreeMap::new(),
                authority_wishes: BTreeMap::new(),
                secret: Some(Said { value: secret, because: because(2) }),
                token_salt: None,
            };
            desired.clients.insert(id, client);
        }
        desired
    }

    fn observed(ids: &[&str], wrong: Option<&[&str]>) -> Observed {
        let clients = ids.iter().map(|&id| ClientId::new(id));
        Observed {
            server: Server { zone: "uaa".to_owned(), ..Server::default() },
            clients: clients.map(|id| (id.clone(), ObservedClient { id, fields: BTreeMap::new() })).collect(),
            client_secrets_wrong: wrong.map(|wrong| wrong.iter().map(|&id| ClientId::new(id)).collect()),
            ..Observed::default()
        }
    }

    fn plan(desired: &Desired, observed: &Observed) -> Plan {
        let allow = policy::Allow::default();
        crate::plan::make(desired, observed, &policy::Policy::default(), &allow).expect("a plan")
    }

    fn secrets_set(plan: &Plan) -> Vec<&str> {
        let set = plan.changes.iter().filter(|change| change.action == Action::SetClientSecret);
        set.map(|change| change.key.as_str()).collect()
    }

    #[test]
    fn a_secret_that_was_tried_in_vain_is_a_change_and_one_that_works_is_none() {
        let desired = desired(&["a/b", "works"]);
        assert_eq!(secrets_set(&plan(&desired, &observed(&["a/b", "works"], None))), Vec::<&str>::new());
        let plan = plan(&desired, &observed(&["a/b", "works"], Some(&["a/b"])));
        assert_eq!(secrets_set(&plan), ["a%2Fb"]);
        let set = plan.changes.iter().find(|change| change.action == Action::SetClientSecret);
        let set = set.expect("it is there");
        assert_eq!((set.phase, set.because.line), (Phase::Revoke, 2));
        assert_eq!(set.fields[0].after, FieldValue::Variable { variable: "ci_secret".to_owned() });
    }

    #[test]
    fn the_secret_of_a_client_that_gains_something_goes_before_the_gain() {
        let mut desired = desired(&["gains", "loses"]);
        let authorities = |authority: &str| ClientValue::Set([authority.to_owned()].into());
        for (id, authority) in [("gains", "team.write"), ("loses", "uaa.none")] {
            let client = desired.clients.get_mut(&ClientId::new(id)).expect("it is there");
            let value = Some(authorities(authority));
            client.fields.insert(ClientField::Authorities, Said { value, because: because(3) });
        }
        let observed = |wrong| {
            let mut observed = observed(&["gains", "loses"], wrong);
            for client in observed.clients.values_mut() {
                client.fields.insert(ClientField::Authorities, authorities("team.read"));
            }
            observed
        };
        let tried = plan(&desired, &observed(Some(&["gains", "loses"])));
        assert_eq!(
            crate::plan::worlds::lines(&tried),
            [
                "0 grant set_client_secret gains client_secret",
                "1 grant update_client gains authorities needs [0]",
                "2 revoke update_client gains authorities needs [1] [EndsSessions]",
                "3 revoke set_client_secret loses client_secret",
                "4 revoke update_client loses authorities [EndsSessions]",
            ]
        );
        let settle = to_settle(&plan(&desired, &observed(None)), &desired);
        let told: Vec<(&str, Phase)> =
            settle.iter().map(|change| (change.key.as_str(), change.phase)).collect();
        assert_eq!(told, [("gains", Phase::Grant), ("loses", Phase::Revoke)]);
    }

    #[test]
    fn what_the_plan_calls_a_blind_spot_is_settled_and_what_it_keeps_is_not() {
        let desired = desired(&["ci", "a/b", "power"]);
        let mut observed = observed(&["ci", "a/b", "power"], None);
        give_power(&mut observed);
        let plan = plan(&desired, &observed);
        let settle = to_settle(&plan, &desired);
        let first = u32::try_from(plan.changes.len()).expect("few");
        let told: Vec<(u32, &str)> = settle.iter().map(|change| (change.id, change.key.as_str())).collect();
        assert_eq!(told, [(first, "a%2Fb"), (first + 1, "ci")]);
        assert_eq!(settle[0].fields[0].after, FieldValue::Variable { variable: "ci_secret".to_owned() });
        assert_eq!(plan.kept.len(), 1);
        let allow = [TAKEOVER.to_owned()].into();
        let allowed =
            crate::plan::make(&desired, &observed, &policy::Policy::default(), &allow).expect("a plan");
        assert_eq!(to_settle(&allowed, &desired).len(), 3);
    }

    #[test]
    fn to_set_a_privileged_clients_secret_takes_consent_although_it_was_tried() {
        let desired = desired(&["ci", "power"]);
        let mut observed = observed(&["ci", "power"], Some(&["ci", "power"]));
        give_power(&mut observed);
        let plan = plan(&desired, &observed);
        let refused: Vec<_> = plan.refusals().map(|finding| finding.key.as_deref()).collect();
        assert_eq!(refused, [Some(TAKEOVER)]);
        assert_eq!(to_settle(&plan, &desired), Vec::new());
        assert_eq!(plan.kept, Vec::new());
        let allow = [TAKEOVER.to_owned()].into();
        let plan =
            crate::plan::make(&desired, &observed, &policy::Policy::default(), &allow).expect("a plan");
        assert_eq!(plan.refusals().count(), 0);
        observed.client_secrets_wrong = Some([].into());
        assert_eq!(self::plan(&desired, &observed).refusals().count(), 0);
    }

    const TAKEOVER: &str = "takeover:client/power";

    fn give_power(observed: &mut Observed) {
        let client = observed.clients.get_mut(&ClientId::new("power")).expect("it is there");
        let power = ClientValue::Set(["uaa.admin".to_owned()].into());
        client.fields.insert(ClientField::Authorities, power);
    }
}
