//! What the rails judge by: thresholds and the list of what counts as privileged.
//!
//! These are the built-in defaults (design.md §6); a policy file will replace parts of them.

use std::collections::BTreeSet;

use crate::model::GroupName;

/// The rails' settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Names of privileged groups and authorities; `*` stands for any text.
    pub privileged: Vec<String>,
    /// Exceptions from `privileged`, same form.
    pub unprivileged: Vec<String>,
    /// Removals of more than this share …
    pub removal_share: f64,
    /// … and at least this many are a finding.
    pub removal_at_least: usize,
    /// Removals of more than this many are a finding whatever the share.
    pub removal_at_most: usize,
}

impl Default for Policy {
    fn default() -> Self {
        let list = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        Self {
            privileged: list(&[
                "uaa.admin",
                "scim.write",
                "scim.create",
                "scim.zones",
                "groups.update",
                "clients.admin",
                "clients.write",
                "clients.secret",
                "clients.trust",
                "zones.write",
                "zones.*",
                "idps.write",
                "oauth.login",
                "uaa.impersonate",
                "cloud_controller.admin",
                "credhub.*",
                "bosh.*.admin",
            ]),
            unprivileged: list(&[
                "zones.read",
                "zones.*.read",
                "zones.*.clients.read",
                "zones.*.scim.read",
                "zones.*.idps.read",
                "zones.*.sps.read",
            ]),
            removal_share: 0.25,
            removal_at_least: 2,
            removal_at_most: 10,
        }
    }
}

impl Policy {
    /// Tells whether holding this group matters as much as an administrator's rights.
    #[must_use]
    pub fn is_privileged(&self, group: &GroupName) -> bool {
        let any = |patterns: &[String], scope: &str| patterns.iter().any(|pattern| matches(pattern, scope));
        let privileged = |scope: &str| any(&self.privileged, scope) && !any(&self.unprivileged, scope);
        // A server that reads a token's scopes as one text cuts it at blanks too.
        group.scopes().any(|scope| scope.folded().split_whitespace().any(privileged))
    }
}

impl Policy {
    /// Tells whether a client's scope or authority matters as much: in a client's, `*` stands for any text.
    #[must_use]
    pub fn reaches_privileged(&self, scope: &str) -> bool {
        if !scope.contains('*') {
            return self.is_privileged(&GroupName::new(scope));
        }
        let head = |pattern: &str| pattern.split('*').next().unwrap_or_default().to_lowercase();
        let reaches = |privileged: &String| match privileged.contains('*') {
            false => matches(&scope.to_lowercase(), privileged),
            // Both stand for many; rather one too many than one too few.
            true => {
                let (ours, theirs) = (head(scope), head(privileged));
                ours.starts_with(&theirs) || theirs.starts_with(&ours)
            }
        };
        let spared = |exception: &String| *exception == scope.to_lowercase();
        self.privileged.iter().any(reaches) && !self.unprivileged.iter().any(spared)
    }
}

impl Policy {
    /// Tells whether an authority of a client matters as much. `password.write`, which everyone holds as a scope for
    /// their own password, sets anybody's as an authority.
    #[must_use]
    pub fn is_privileged_authority(&self, authority: &str) -> bool {
        self.reaches_privileged(authority) || matches(&authority.to_lowercase(), "password.write")
    }
}

/// Tells whether `text` has the form of `pattern`, in which `*` stands for any text.
pub(super) fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, tail)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut rest) = text.strip_prefix(head) else { return false };
    // The last part must end the text; those between may stand anywhere, the leftmost place leaves most room.
    let (between, last) = tail.rsplit_once('*').unwrap_or(("", tail));
    for part in between.split('*') {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.ends_with(last)
}

/// Tells whether `text` has one of these forms, ignoring case.
pub(super) fn matches_any(patterns: &[String], text: &str) -> bool {
    let text = text.to_lowercase();
    patterns.iter().any(|pattern| matches(&pattern.to_lowercase(), &text))
}

/// The `--allow` keys of a run.
pub type Allow = BTreeSet<String>;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_star_stands_for_any_text_even_none() {
        for (pattern, text) in [
            ("a", "a"),
            ("*", ""),
            ("*", "x"),
            ("a*", "a"),
            ("a*a", "aa"),
            ("a*b*c", "a1b2b3c"),
            ("*.x.*", "a.x.b"),
            ("**", "x"),
            ("a**c", "abc"),
            ("é*", "éa"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("a", "ab"),
            ("a*a", "a"),
            ("a*b", "abc"),
            ("*b*c", "acb"),
            ("", "a"),
            ("ab*ba", "aba"),
            ("a*bc*c", "abc"),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
        // Many stars and no match take no time that anyone would notice.
        assert!(!matches(&"a*".repeat(100), &"a".repeat(99)));
        assert!(!matches(&format!("{}b", "a*".repeat(100)), &"a".repeat(255)));
    }

    #[test]
    fn what_gives_power_over_access_is_privileged_by_default_and_reading_is_not() {
        let policy = Policy::default();
        for name in [
            "uaa.admin",
            "UAA.Admin",
            "zones.t1.admin",
            "zones.write",
            "credhub.read",
            "bosh.dev.admin",
            "clients.secret",
            "x.y,uaa.admin",
            "x.y uaa.admin",
        ] {
            assert!(policy.is_privileged(&GroupName::new(name)), "{name}");
        }
        for (scope, reaches) in [
            ("uaa.*", true),
            ("*.admin", true),
            ("zones.*.admin", true),
            ("zones.*.read", false),
            ("bosh.*", true),
            ("*", true),
            ("space.*.developer", false),
            ("UAA.Admin", true),
            ("openid", false),
        ] {
            assert_eq!(policy.reaches_privileged(scope), reaches, "{scope}");
        }
        for name in [
            "pks.clusters.admin",
            "zones.read",
            "zones.t1.read",
            "zones.t1.scim.read",
            "scim.read",
            "bosh.dev.read",
            "uaa.user",
        ] {
            assert!(!policy.is_privileged(&GroupName::new(name)), "{name}");
        }
    }
}
