//! What a token may do, what a run needs, and the command that closes the gap.
//!
//! Decides which scopes allow reading and writing (facts §1.2, §7.1). Asks no server.

use std::collections::BTreeSet;

use crate::error::Error;
use crate::model::{ClientId, UserKey};
use crate::observed::{Identity, Server};

/// UAA's own default zone.
pub const DEFAULT_ZONE: &str = "uaa";

/// What a run is going to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Need {
    /// Users, groups, members and mappings are read.
    Read,
    /// Users are created or changed, mappings made or removed, members removed.
    Write,
    /// Groups are created or described, members added: a scope of its own suffices.
    UpdateGroups,
    /// Secrets of clients are added and dropped.
    ClientSecrets,
    /// Passwords of users are set: that takes the very scope, `uaa.admin` does not stand for it (facts §1.2).
    Passwords,
    /// Users are unlocked.
    Unlock,
}

impl Need {
    /// The scopes any of which suffices, the one to recommend first.
    fn any_of(self, zone: &str) -> Vec<String> {
        if zone == DEFAULT_ZONE || zone.is_empty() {
            let mut scopes = match self {
                Self::Read => vec!["scim.read"],
                Self::Write => vec!["scim.write"],
                Self::UpdateGroups => vec!["scim.write", "groups.update"],
                Self::ClientSecrets => vec!["clients.secret", "clients.admin"],
                Self::Passwords => vec!["password.write"],
                Self::Unlock => vec!["scim.write", "uaa.account_status.write"],
            };
            if self != Self::Passwords {
                scopes.push("uaa.admin");
            }
            return scopes.into_iter().map(str::to_owned).collect();
        }
        // Through the zone header only scopes of that zone count, and `uaa.admin`.
        let scopes: &[&str] = match self {
            // Not `zones.ID.read`: that is for the zone itself, and users and groups answer 403 to it.
            Self::Read => &["scim.read", "admin"],
            Self::Write | Self::UpdateGroups | Self::Unlock => &["scim.write", "admin"],
            // `clients.secret` and `password.write` get lost on the way.
            Self::ClientSecrets => &["clients.admin", "admin"],
            Self::Passwords => &["admin"],
        };
        let mut scopes: Vec<String> = scopes.iter().map(|scope| format!("zones.{zone}.{scope}")).collect();
        scopes.push("uaa.admin".to_owned());
        scopes
    }
}

/// Checks that a token suffices, before the first request that needs it.
///
/// # Errors
/// When it does not: what is missing, and the `uaac` command that grants it.
pub fn check(me: &Identity, server: &Server, needs: &[Need]) -> Result<(), Error> {
    let missing: Vec<Vec<String>> = needs
        .iter()
        .map(|need| need.any_of(&server.zone))
        .filter(|any| !any.iter().any(|scope| me.scopes.contains(scope)))
        .collect();
    if missing.is_empty() {
        return Ok(());
    }
    let recommended: BTreeSet<String> = missing.iter().filter_map(|any| any.first().cloned()).collect();
    let mut error = match (&me.user, &me.client_id) {
        (Some(user), Some(client)) => user_lacks(user, client, &recommended),
        (_, client) => lacking(client.as_ref(), &me.scopes, &recommended),
    };
    for any in missing {
        error = error.cause(format!("needed: {}", any.join(" or ")));
    }
    Err(error.cause(match me.scopes.is_empty() {
        true => "the token holds no scope at all".to_owned(),
        false => format!("the token holds: {}", joined(&me.scopes)),
    }))
}

/// Whether a token of the default zone may read any zone from there.
pub(super) fn reads_zones(scopes: &BTreeSet<String>) -> bool {
    ["zones.read", "zones.write", "uaa.admin"].iter().any(|&scope| scopes.contains(scope))
}

/// The name of a scope as a client of the default zone must hold it to have it in another zone.
pub(super) fn in_zone(scope: &str, zone: Option<&str>) -> String {
    match zone {
        Some(zone) if !scope.starts_with("zones.") => format!("zones.{zone}.{scope}"),
        _ => scope.to_owned(),
    }
}

/// The error for missing authorities, with the command that grants them. `uaac client update` replaces the whole
/// list, so the command names what the client has too.
pub(super) fn lacking(
    client: Option<&ClientId>,
    has: &BTreeSet<String>,
    missing: &BTreeSet<String>,
) -> Error {
    let client = client.map_or("CLIENT", ClientId::as_str);
    let all: BTreeSet<String> = has.union(missing).filter(|scope| *scope != "uaa.none").cloned().collect();
    let noun = if missing.len() == 1 { "authority" } else { "authorities" };
    Error::new(format!("client `{client}` lacks the {noun} {}", listed(missing))).hint(format!(
        "as an administrator of the client: uaac client update {client} --authorities \"{}\"",
        joined(&all)
    ))
}

/// The error for scopes that a user's token lacks: the user must be in the groups, and the client must ask for them.
pub(super) fn user_lacks(user: &UserKey, client: &ClientId, missing: &BTreeSet<String>) -> Error {
    let name = user.username.as_str();
    let name =
        if crate::visible::is_shell_word(name) { name.to_owned() } else { crate::visible::shell(name) };
    let adds = missing.iter().filter(|scope| crate::visible::is_shell_word(scope));
    let adds: Vec<String> = adds.map(|scope| format!("uaac member add {scope} {name}")).collect();
    let noun = if missing.len() == 1 { "scope" } else { "scopes" };
    Error::new(format!("the login of user `{user}` lacks the {noun} {}", listed(missing)))
        .hint(format!("as an administrator: {}; then log in again", adds.join("; ")))
        .hint(format!("client `{client}` must have the scope too, else its users never get it"))
}

/// As one argument of a command.
fn joined(scopes: &BTreeSet<String>) -> String {
    harmless(scopes).join(" ")
}

/// As people list things.
fn listed(scopes: &BTreeSet<String>) -> String {
    harmless(scopes).join(", ")
}

fn harmless(scopes: &BTreeSet<String>) -> Vec<&str> {
    scopes.iter().map(String::as_str).filter(|scope| crate::visible::is_shell_word(scope)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn checked(zone: &str, scopes: &[&str], needs: &[Need]) -> Result<(), Error> {
        let me = Identity {
            client_id: Some(ClientId::new("ci")),
            user: None,
            scopes: scopes.iter().map(|&scope| scope.to_owned()).collect(),
        };
        check(&me, &Server { zone: zone.to_owned(), ..Server::default() }, needs)
    }

    #[test]
    fn any_sufficient_scope_passes() {
        for (zone, scope, needs) in [
            ("uaa", "scim.read", &[Need::Read][..]),
            ("uaa", "uaa.admin", &[Need::Read, Need::Write]),
            ("uaa", "groups.update", &[Need::UpdateGroups]),
            ("t1", "zones.t1.scim.read", &[Need::Read]),
            ("t1", "zones.t1.admin", &[Need::Read, Need::Write, Need::UpdateGroups]),
            ("t1", "uaa.admin", &[Need::Read, Need::Write]),
        ] {
            assert_eq!(checked(zone, &[scope], needs), Ok(()), "{zone} {scope}");
        }
    }

    #[test]
    fn what_is_missing_is_named_with_the_command_that_grants_it_and_keeps_the_rest() {
        let error = checked("uaa", &["clients.read", "scim.read"], &[Need::Read, Need::Write])
            .expect_err("too little");
        assert_eq!(error.message, "client `ci` lacks the authority scim.write");
        assert_eq!(
            error.causes,
            ["needed: scim.write or uaa.admin", "the token holds: clients.read scim.read"]
        );
        assert_eq!(
            error.hints,
            [
                "as an administrator of the client: uaac client update ci --authorities \"clients.read scim.read scim.write\""
            ]
        );
    }

    #[test]
    fn scopes_of_the_default_zone_do_not_count_in_another() {
        let error = checked("t1", &["scim.read", "zones.t1.read", "zones.t2.admin"], &[Need::Read])
            .expect_err("too little");
        assert_eq!(error.message, "client `ci` lacks the authority zones.t1.scim.read");
    }

    #[test]
    fn several_are_listed_as_people_do() {
        let error = checked("uaa", &["x"], &[Need::Read, Need::Write]).expect_err("too little");
        assert_eq!(error.message, "client `ci` lacks the authorities scim.read, scim.write");
    }
}
