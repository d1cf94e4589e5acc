//! One value, several faces: plan and report as text, Markdown and JSON, problems and errors,
//! annotations of a code host. Writes to a string, decides nothing.
//!
//! Colour is always in the string; `anstream` takes it out where it does not belong. Every name and text of a server
//! or a manifest goes through [`visible`](crate::visible::visible).

pub mod access;
mod accounting;
pub mod annotations;
mod inert;
pub mod markdown;
pub mod problems;
pub mod proof;
pub mod report;
mod style;
pub mod text;

#[cfg(test)]
pub(crate) mod samples;
#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::plan::{Action, Change};
use crate::visible::{ends_marker, is_invisible, name};

/// Returns a value as JSON, ended by a line end. What would not show in a text stands there as `\u202e`: the same
/// value for a program, and nothing that can mislead whoever reads it in a terminal.
#[must_use]
pub fn json(value: &impl Serialize) -> String {
    shown(&serde_json::to_string_pretty(value).expect(IS_JSON))
}

/// Returns the same on one line.
#[must_use]
pub fn json_line(value: &impl Serialize) -> String {
    shown(&serde_json::to_string(value).expect(IS_JSON))
}

const IS_JSON: &str = "our values have text keys and no failing parts: invariant";

fn shown(text: &str) -> String {
    let mut shown = String::with_capacity(text.len() + 1);
    for (at, c) in text.char_indices() {
        if c != '\n' && is_invisible(c) || ends_marker(text, at) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                shown += &format!("\\u{unit:04x}");
            }
        } else {
            shown.push(c);
        }
    }
    shown.push('\n');
    shown
}

/// Returns `1 user`, `2 users`.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Returns one change as `add_member pks.clusters.admin/uaa/alana`.
#[must_use]
pub fn step(change: &Change) -> String {
    format!("{} {}", action(change.action), name(&change.key))
}

/// Returns an action's name in plans.
fn action(action: Action) -> &'static str {
    match action {
        Action::CreateUser => "create_user",
        Action::UpdateUser => "update_user",
        Action::DeleteUser => "delete_user",
        Action::CreateGroup => "create_group",
        Action::UpdateGroup => "update_group",
        Action::DeleteGroup => "delete_group",
        Action::AddMember => "add_member",
        Action::RemoveMember => "remove_member",
        Action::MapExternalGroup => "map_external_group",
        Action::UnmapExternalGroup => "unmap_external_group",
        Action::CreateClient => "create_client",
        Action::UpdateClient => "update_client",
        Action::SetClientSecret => "set_client_secret",
        Action::DeleteClient => "delete_client",
    }
}
