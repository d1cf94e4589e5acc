//! Users: what UAA stores of each.

use super::{Choice, listed};
use crate::manifest::write::{Section, User, VariableNames};
use crate::observed::{Observed, ObservedUser};

/// Returns the users that are exported.
pub(super) fn section(choice: &Choice, observed: &Observed, names: &mut VariableNames) -> Section<User> {
    let mut section = Section::default();
    for user in observed.users.values() {
        let (origin, username) = (user.key.origin.as_str(), user.key.username.as_str());
        let full = format!("{origin}/{username}");
        let mut patterns = choice.users.iter();
        let meant = choice.users.is_empty()
            || patterns.any(|pattern| pattern.matches_folded(username) || pattern.matches_folded(&full));
        if meant {
            section.entries.push(entry(user, names));
        }
    }
    if !observed.ambiguous_users.is_empty() {
        section.notes.push(format!(
            "Left out, since each name means several users that differ only in case: {}",
            listed(observed.ambiguous_users.iter().map(ToString::to_string))
        ));
        section.entries.retain(|user| !observed.ambiguous_users.contains(&user.key));
    }
    section
}

/// What is as it is for any new user is not written: an empty text, `active: true`, `verified: true`.
fn entry(user: &ObservedUser, names: &mut VariableNames) -> User {
    let ObservedUser { id: _, key, email, given_name, family_name, phone, external_id, active, verified } =
        user;
    let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    User {
        email: text(email),
        given_name: text(given_name),
        family_name: text(family_name),
        phone: text(phone),
        external_id: text(external_id),
        active: Some(false).filter(|_| !active),
        verified: Some(false).filter(|_| !verified),
        password: key.origin.is_uaa().then(|| names.name(key.username.as_str(), "password")),
        ..User::new(key.clone())
    }
}
