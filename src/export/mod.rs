//! What a server has → a manifest of it.
//!
//! Decides what is written and what is only a comment: a plan of the result is empty, whatever the server holds. What a
//! manifest cannot say (rows of other origins, rows whose user is gone, names that the loader refuses) is left as it
//! is by such a plan, and is listed here. Secrets are variables. Pure: no network, no clock; the same server gives the
//! same text.

mod clients;
mod groups;
mod pattern;
#[cfg(test)]
mod tests;
mod users;

use std::collections::BTreeSet;

use crate::client::{ClientField, ClientValue};
use crate::manifest::write::{Manifest, Target, VariableNames};
use crate::model::{ClientId, GroupName, Member, Origin};
use crate::observed::{ClientScope, Observed, ReadScope};
use crate::plan::default_groups;
use crate::visible::visible;

pub use pattern::Pattern;

/// What to export. A kind without patterns is exported whole if no kind has any, and not at all otherwise.
#[derive(Clone, Debug, Default)]
pub struct Choice {
    /// Names of users, or `origin/name`.
    pub users: Vec<Pattern>,
    /// Names of groups.
    pub groups: Vec<Pattern>,
    /// Ids of clients.
    pub clients: Vec<Pattern>,
    /// What UAA and the platform bring along too.
    pub built_ins: bool,
}

impl Choice {
    fn is_whole(&self) -> bool {
        self.users.is_empty() && self.groups.is_empty() && self.clients.is_empty()
    }

    /// Tells whether there is a `users` list.
    #[must_use]
    pub fn has_users(&self) -> bool {
        self.is_whole() || !self.users.is_empty()
    }

    /// Tells whether groups are exported as such.
    #[must_use]
    pub fn has_groups(&self) -> bool {
        self.is_whole() || !self.groups.is_empty()
    }

    /// Tells whether there is a `clients` list.
    #[must_use]
    pub fn has_clients(&self) -> bool {
        self.is_whole() || !self.clients.is_empty()
    }

    /// What of the server tells what else has to be read: groups are always read whole.
    #[must_use]
    pub fn first_look(&self) -> ReadScope {
        ReadScope {
            clients: ClientScope { all: self.has_clients(), ..ClientScope::default() },
            ..ReadScope::default()
        }
    }

    /// What of the server is exported, given what the first look has found.
    #[must_use]
    pub fn second_look(&self, first: &Observed) -> ReadScope {
        let alone: BTreeSet<ClientId> = match self.has_clients() {
            // UAA refuses these signs in an address, so such a client can only be listed.
            true => first
                .clients
                .keys()
                .filter(|id| !id.as_str().contains(['/', '\\', ';', '%']))
                .cloned()
                .collect(),
            false => BTreeSet::new(),
        };
        let groups = first.groups.keys().filter(|name| self.has_users() || self.group(name));
        ReadScope {
            all_users: self.has_users(),
            name_members_of: groups.cloned().collect(),
            clients: ClientScope {
                all: self.has_clients(),
                required_user_groups: alone.clone(),
                metadata: alone,
                ..ClientScope::default()
            },
            ..ReadScope::default()
        }
    }

    fn group(&self, name: &GroupName) -> bool {
        let mut patterns = self.groups.iter();
        self.is_whole() || patterns.any(|pattern| pattern.matches_folded(name.as_str()))
    }

    /// Tells whether somebody typed exactly this name, so that being built in does not leave it out.
    fn asks_for(patterns: &[Pattern], name: &str) -> bool {
        patterns.iter().any(|pattern| pattern.is_name() && pattern.matches_folded(name))
    }
}

/// Makes the manifest.
#[must_use]
pub fn manifest(choice: &Choice, observed: &Observed) -> Manifest {
    let mut names = VariableNames::default();
    let mut users = choice.has_users().then(|| users::section(choice, observed, &mut names));
    let groups = groups::section(choice, observed, &default_groups(observed), users.as_mut());
    let clients = choice.has_clients().then(|| clients::section(choice, observed, &mut names));
    let server = &observed.server;
    let version = Some(&server.uaa_version).filter(|version| !version.is_empty());
    let mut head = vec![format!(
        "Made by `uaapply export` from {}, zone {}{}.",
        visible(&server.url),
        visible(&server.zone),
        version.map(|version| format!(" (UAA {})", visible(version))).unwrap_or_default()
    )];
    if users.is_some() || clients.is_some() {
        head.push(SECRETS.to_owned());
    }
    let mut origins: BTreeSet<Origin> = BTreeSet::new();
    origins.extend(users.iter().flat_map(|users| &users.entries).map(|user| user.key.origin.clone()));
    for group in groups.iter().flat_map(|groups| &groups.entries) {
        origins.extend(group.external_groups.iter().flatten().map(|mapping| mapping.origin.clone()));
        origins.extend(group.members.iter().filter_map(|member| match member {
            Member::User(key) => Some(key.origin.clone()),
            Member::Group(_) => None,
        }));
    }
    for client in clients.iter().flat_map(|clients| &clients.entries) {
        if let Some(ClientValue::Set(providers)) = client.fields.get(&ClientField::Allowedproviders) {
            origins.extend(providers.iter().map(|provider| Origin::new(provider.as_str())));
        }
    }
    origins.retain(|origin| !origin.is_uaa());
    let text = |text: &String| Some(text.clone()).filter(|text| !text.is_empty());
    Manifest {
        head,
        target: Target { issuer: text(&server.issuer), zone: text(&server.zone), origins },
        users,
        groups,
        clients,
        generate: true,
    }
}

const SECRETS: &str = "\
UAA tells no secrets: each is a variable here. A user's password is used only where the user has to be created; a client's
secret is set where it does not work.";

/// Joins names for a comment, not more than a reader would read.
fn listed(names: impl IntoIterator<Item = String>) -> String {
    const MOST: usize = 50;
    let names: Vec<String> = names.into_iter().collect();
    let shown = names.iter().take(MOST).map(|name| crate::visible::name(name)).collect::<Vec<_>>().join(", ");
    match names.len().saturating_sub(MOST) {
        0 => shown,
        more => format!("{shown} and {more} more"),
    }
}
