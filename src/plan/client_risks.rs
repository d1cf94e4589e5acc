//! What a change of a client does beyond its fields: sessions that end, and servers that undo it.

use std::collections::BTreeSet;

use super::{Action, Change, FieldChange, FieldValue, Object, Risk, shipped};
use crate::client::{ClientField, NONE};

/// Returns the marks of one change, with their words.
pub(super) fn marks(change: &Change) -> Vec<(Risk, String)> {
    let Object::Client { client_id } = &change.object else { return Vec::new() };
    let mut marks = Vec::new();
    if change.action == Action::UpdateClient {
        let ended = change.fields.iter().filter_map(|field| ends(client_id.as_str(), field));
        marks.extend(ended.map(|note| (Risk::EndsSessions, note)));
    }
    if shipped::is_rewritten(client_id) {
        marks.push((
            Risk::Bootstrapped,
            format!(
                "`{client_id}` is a client of the server's own configuration, as a rule: UAA writes it anew at each \
                 restart, and this change is gone then."
            ),
        ));
    }
    marks
}

/// Says which sessions a change of a field ends. UAA judges a token by what its client is at the time.
fn ends(client: &str, change: &FieldChange) -> Option<String> {
    let FieldChange { name, before, after } = change;
    let (old, new) = (texts(before), texts(after));
    let listed =
        |names: Vec<&str>| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ");
    let lost: Vec<&str> = old.difference(&new).copied().filter(|name| *name != NONE).collect();
    match ClientField::by_name(name)? {
        ClientField::TokenSalt => {
            Some(format!("Another token salt ends all tokens of client `{client}` at once."))
        }
        ClientField::Authorities if !lost.is_empty() => {
            Some(format!("UAA refuses tokens of client `{client}` that carry {} at once.", listed(lost)))
        }
        ClientField::Scope if !lost.is_empty() => Some(format!(
            "UAA refuses users' tokens through client `{client}` that carry {} at once.",
            listed(lost)
        )),
        ClientField::AuthorizedGrantTypes if lost.contains(&"refresh_token") => {
            Some(format!("Users of client `{client}` must log in again when their tokens expire."))
        }
        ClientField::RequiredUserGroups => {
            let more: Vec<&str> = new.difference(&old).copied().collect();
            (!more.is_empty()).then(|| {
                format!(
                    "UAA refuses tokens through client `{client}` of users who are not in {} at once.",
                    listed(more)
                )
            })
        }
        _ => None,
    }
}

fn texts(value: &FieldValue) -> BTreeSet<&str> {
    match value {
        FieldValue::List(texts) => texts.iter().map(String::as_str).collect(),
        FieldValue::None
        | FieldValue::Flag(_)
        | FieldValue::Number(_)
        | FieldValue::Text(_)
        | FieldValue::Variable { .. }
        | FieldValue::Json { .. } => BTreeSet::new(),
    }
}
