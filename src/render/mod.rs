//! One value, several faces: plan and report as text and JSON, problems and errors. Writes to a string, decides nothing.
//!
//! Colour is always in the string; `anstream` takes it out where it does not belong. Every name and text of a server
//! or a manifest goes through [`visible`](crate::visible::visible).

pub mod problems;
pub mod report;
mod style;
pub mod text;

#[cfg(test)]
mod tests;

use serde::Serialize;

use crate::plan::{Action, Change};
use crate::visible::visible;

/// Returns a value as JSON, ended by a line end.
#[must_use]
pub fn json(value: &impl Serialize) -> String {
    let mut text = serde_json::to_string_pretty(value)
        .expect("our values have text keys and no failing parts: invariant");
    text.push('\n');
    text
}

/// Returns `1 user`, `2 users`.
#[must_use]
pub fn count(number: usize, noun: &str) -> String {
    if number == 1 { format!("1 {noun}") } else { format!("{number} {noun}s") }
}

/// Returns one change as `add_member pks.clusters.admin/uaa/alana`.
#[must_use]
pub fn step(change: &Change) -> String {
    format!("{} {}", action(change.action), visible(&change.key))
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
