//! Clients that UAA would refuse as they would be: known before anything is planned.

use std::collections::BTreeSet;

use super::Objection;
use super::diff::clients::{names, needs_redirect, target};
use super::world::World;
use crate::client::{ClientField, ClientFields};
use crate::desired::{Desired, DesiredClient, SecretSource};

/// Returns what is missing of clients to create, and what would be missing of those that change.
pub(super) fn objections(desired: &Desired, world: &World<'_>) -> BTreeSet<Objection> {
    let mut found = BTreeSet::new();
    for client in desired.clients.values() {
        let before = world.client(&client.id);
        let after = target(client, before.as_ref().unwrap_or(&ClientFields::new()));
        if before.is_none() {
            creation(client, &after, &world.observed.server.uaa_version, &mut found);
        }
        if before.as_ref() != Some(&after) {
            redirect(client, &after, &mut found);
        }
    }
    found
}

fn creation(client: &DesiredClient, after: &ClientFields, version: &str, found: &mut BTreeSet<Objection>) {
    let mut object = |message: String, hint: &str| {
        found.insert(Objection {
            because: client.because.clone(),
            message: format!("client `{}` does not exist yet, and {message}", client.id),
            hint: Some(hint.to_owned()),
        });
    };
    let grants = names(after, &ClientField::AuthorizedGrantTypes);
    if grants.is_empty() {
        object(
            "the entry has no grant types to create it with".to_owned(),
            "add `authorized_grant_types: [client_credentials]`, or the one that it needs",
        );
    }
    let has_secret = match client.secret.as_ref().map(|said| &said.value) {
        Some(SecretSource::Literal | SecretSource::Variable(_)) => true,
        Some(SecretSource::Empty) | None => false,
    };
    // 77.x takes public clients with `authorization_code`.
    let old = version.starts_with("4.");
    let needing = grants.iter().find(|grant| match grant.as_str() {
        "client_credentials" | "urn:ietf:params:oauth:grant-type:jwt-bearer" => true,
        "authorization_code" => old,
        _ => false,
    });
    if let Some(grant) = needing.filter(|_| !has_secret) {
        object(
            format!("UAA wants a secret that is not empty with the grant type `{grant}`"),
            "add `client_secret: ((some_variable))`",
        );
    }
}

/// UAA judges the whole client at each change of it.
fn redirect(client: &DesiredClient, after: &ClientFields, found: &mut BTreeSet<Objection>) {
    if after.contains_key(&ClientField::RedirectUri) {
        return;
    }
    let grants = names(after, &ClientField::AuthorizedGrantTypes);
    let Some(grant) = grants.iter().find(|grant| needs_redirect(grant)) else { return };
    let said = [ClientField::RedirectUri, ClientField::AuthorizedGrantTypes];
    let because = said.iter().find_map(|field| client.fields.get(field)).map(|said| &said.because);
    found.insert(Objection {
        because: because.unwrap_or(&client.because).clone(),
        message: format!(
            "client `{}` would have no redirect URI, and UAA wants one with the grant type `{grant}`",
            client.id
        ),
        hint: Some("add `redirect_uri: [https://…]`, or take the grant type away".to_owned()),
    });
}
