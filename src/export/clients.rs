//! Clients: their properties, and a variable for the secret that UAA does not tell.

use super::{Choice, listed};
use crate::client::{self, ClientField, ClientFieldKind, ClientFields, ClientValue};
use crate::manifest::write::{About, Client, ClientSecret, Section, VariableNames};
use crate::observed::{Observed, ObservedClient};
use crate::plan::is_shipped_client;
use crate::visible::visible;

/// Returns the clients that are exported.
pub(super) fn section(choice: &Choice, observed: &Observed, names: &mut VariableNames) -> Section<Client> {
    let mut section = Section::default();
    let mut built_in = Vec::new();
    let patterns = &choice.clients;
    for client in observed.clients.values() {
        let id = client.id.as_str();
        if !patterns.is_empty() && !patterns.iter().any(|pattern| pattern.matches(id)) {
            continue;
        }
        let asked =
            choice.built_ins || patterns.iter().any(|pattern| pattern.is_name() && pattern.as_str() == id);
        let own = observed.me_here().client_id.as_ref() == Some(&client.id);
        if (own || is_shipped_client(&client.id)) && !asked {
            built_in.push(id.to_owned());
            continue;
        }
        section.entries.push(entry(client, names));
    }
    if section.entries.iter().any(|client| client.secret.is_some()) {
        section
            .notes
            .push("A public client has the secret \"\": write `client_secret: \"\"` there.".to_owned());
    }
    if !built_in.is_empty() {
        section.notes.push(format!(
            "Left out: clients of UAA and the platform, and the one that is logged in (--built-ins writes them): {}",
            listed(built_in)
        ));
    }
    section
}

/// Further information is anybody's: some keep secrets there.
fn holds_a_secret(field: &ClientField, value: &ClientValue) -> bool {
    match (field, value) {
        (ClientField::Extra(key), ClientValue::Json(json)) => client::names_a_secret(key, json),
        (ClientField::Extra(key), ClientValue::Text(text)) => {
            client::names_a_secret(key, &text.as_str().into())
        }
        _ => false,
    }
}

fn entry(client: &ObservedClient, names: &mut VariableNames) -> Client {
    let ObservedClient { id, fields } = client;
    let mut about = About::default();
    let mut written = ClientFields::new();
    for (field, value) in fields {
        let fits = match (field.kind(), value) {
            (_, ClientValue::Hidden(_)) => false,
            (ClientFieldKind::Any, _) => !holds_a_secret(field, value),
            // Somebody has stored something else under this name.
            (_, ClientValue::Json(_)) => false,
            _ => true,
        };
        if fits {
            written.insert(field.clone(), value.clone());
        } else {
            let why = match value {
                ClientValue::Hidden(_) => "is a secret",
                _ if field.kind() == ClientFieldKind::Any => "looks like a secret",
                _ => "holds what no client has there",
            };
            about
                .notes
                .push(format!("Left out: `{}`, which {why}; it is not managed", visible(&field.name())));
        }
    }
    // An implicit client has no secret: UAA refuses one.
    let implicit = match fields.get(&ClientField::AuthorizedGrantTypes) {
        Some(ClientValue::Set(grants)) => grants.iter().all(|grant| grant == "implicit"),
        _ => false,
    };
    let secret = (!implicit).then(|| ClientSecret::Variable(names.name(id.as_str(), "secret")));
    Client { about, id: id.clone(), secret, fields: written }
}
