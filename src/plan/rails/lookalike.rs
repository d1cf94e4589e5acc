//! A name that the plan makes or grants can be taken for another: it mixes scripts, looks like ASCII and is not, or
//! holds characters that do not show or that change the order of others.
//!
//! Judged word by word: `cn=Админы` and `иван@example.com` mix nothing. Scripts and what looks alike are those of
//! Unicode's UTS 39. Whether another account has the name that it looks like is not known here.

use std::collections::BTreeMap;

use unicode_security::MixedScript as _;
use unicode_security::confusable_detection::skeleton;

use super::finding;
use crate::model::KeyPart;
use crate::plan::{Action, Change, FieldValue, Finding, Object, Rail};
use crate::visible::is_invisible;

/// So many odd characters are named.
const SHOWN: usize = 6;

pub(super) fn findings(changes: &[Change]) -> Vec<Finding> {
    let mut found: BTreeMap<String, (String, Vec<u32>)> = BTreeMap::new();
    for change in changes {
        for name in names(change) {
            if let Some(why) = oddity(name) {
                let entry = found.entry(name.to_owned());
                entry.or_insert_with(|| (format!("The name `{name}` {why}."), Vec::new())).1.push(change.id);
            }
        }
    }
    let speak = |(name, (message, changes)): (String, (String, Vec<u32>))| {
        finding(Rail::Lookalike, Some(format!("lookalike:{}", KeyPart(&name))), changes, message)
    };
    found.into_iter().map(speak).collect()
}

/// The names that a change makes, or gives something to.
fn names(change: &Change) -> Vec<&str> {
    match (change.action, &change.object) {
        (Action::CreateUser, Object::User { origin, username }) => vec![origin.as_str(), username.as_str()],
        (Action::UpdateUser, _) => {
            let renamed = change.fields.iter().filter(|field| field.name == "username");
            renamed
                .filter_map(|field| match &field.after {
                    FieldValue::Text(name) => Some(name.as_str()),
                    _ => None,
                })
                .collect()
        }
        (Action::CreateGroup, Object::Group { group }) => vec![group.as_str()],
        (Action::CreateClient, Object::Client { client_id }) => vec![client_id.as_str()],
        (Action::AddMember, Object::Member { group, origin, username }) => {
            vec![group.as_str(), origin.as_str(), username.as_str()]
        }
        (Action::AddMember, Object::NestedGroup { group, member_group }) => {
            vec![group.as_str(), member_group.as_str()]
        }
        (Action::MapExternalGroup, Object::ExternalGroup { group, origin, external_group }) => {
            vec![group.as_str(), origin.as_str(), external_group.as_str()]
        }
        _ => Vec::new(),
    }
}

/// Says why a name can be taken for another.
fn oddity(name: &str) -> Option<String> {
    if name.is_ascii() && !name.contains(is_invisible) {
        return None;
    }
    if name.contains(is_invisible) {
        return Some(format!(
            "holds characters that do not show: {}",
            points(name.chars().filter(|&c| is_invisible(c)))
        ));
    }
    let foreign = |word: &str| points(word.chars().filter(|c| !c.is_ascii()));
    let words = || name.split(|c: char| c.is_ascii() && !c.is_ascii_alphanumeric());
    if let Some(word) = words().find(|word| !word.is_single_script()) {
        return Some(format!("mixes scripts within one word: {}", foreign(word)));
    }
    let looks_ascii = |word: &&str| !word.is_ascii() && skeleton(word).all(|c| c.is_ascii());
    words().find(looks_ascii).map(|word| format!("looks like plain letters and is none: {}", foreign(word)))
}

fn points(chars: impl Iterator<Item = char>) -> String {
    let mut points: Vec<String> = chars.map(|c| format!("U+{:04X}", u32::from(c))).collect();
    points.sort();
    points.dedup();
    if points.len() > SHOWN {
        points.truncate(SHOWN);
        points.push("…".to_owned());
    }
    points.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_can_be_taken_for_another_is_odd_and_other_languages_are_not() {
        for name in [
            "\u{430}dmin",                                // Cyrillic а
            "ops.\u{441}lusters",                         // Cyrillic с
            "\u{440}\u{430}\u{443}\u{440}\u{430}\u{456}", // all Cyrillic
            "\u{ff41}dmin",                               // fullwidth
            "\u{391}lana",                                // Greek Alpha
            "admin\u{200b}",
            "\u{202e}nimda",
            "a\u{ad}dmin",
            "tab\tbed",
        ] {
            assert!(oddity(name).is_some(), "{name:?}");
        }
        for name in [
            "alana",
            "jürgen.müller",
            "ĄĘ-łódź",
            "иван@example.com",
            "Анна Смирнова",
            "cn=админы,ou=groups,dc=example",
            "田中さくら",
            "김철수",
            "महेश",
            "user_0-1",
            "",
        ] {
            assert_eq!(oddity(name), None, "{name:?}");
        }
        assert_eq!(oddity("\u{430}dmin").as_deref(), Some("mixes scripts within one word: U+0430"));
    }
}
