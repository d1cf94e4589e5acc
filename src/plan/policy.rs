//! What the rails judge by: thresholds, and the names that are privileged, protected, owned or required.
//!
//! The built-in defaults are those of design.md §6; a policy file changes parts of them (`manifest::policy` reads it).
//! Never comes from a manifest: whoever may change a manifest must not relax what judges it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use super::Kind;
use crate::model::{ClientId, GroupName, KeyPart, Member, UserKey};

/// The rails' settings.
#[derive(Clone, Debug, PartialEq)]
pub struct Policy {
    /// Names of privileged groups and authorities; `*` stands for any text.
    pub privileged: Vec<String>,
    /// Exceptions from `privileged`, same form.
    pub unprivileged: Vec<String>,
    /// Removals of more than this share, in percent …
    pub removal_percent: usize,
    /// … and at least this many are a finding.
    pub removal_at_least: usize,
    /// Removals of more than this many are a finding whatever the share.
    pub removal_at_most: usize,
    /// What no plan may touch.
    pub protected: Vec<NamePattern>,
    /// Whom groups must have.
    pub members: BTreeMap<GroupName, MustHave>,
    /// Which manifest files alone may speak about what: patterns of files, each with what it owns.
    pub owners: BTreeMap<String, Vec<NamePattern>>,
    /// The kinds that manifests may prune without being asked.
    pub prune: BTreeSet<Kind>,
}

/// Users, groups or clients by name: `user/ldap/*`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct NamePattern {
    /// User, group or client.
    kind: Kind,
    /// The name as keys show it; `*` stands for any text.
    name: String,
}

/// Whom a group must have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MustHave {
    /// At least so many users.
    pub minimum: usize,
    /// These.
    pub required: BTreeSet<Member>,
}

/// The name of a user, group or client, as `--allow` keys show it: `user/uaa/alana`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Name {
    kind: Kind,
    text: String,
}

impl From<&UserKey> for Name {
    fn from(user: &UserKey) -> Self {
        Self { kind: Kind::User, text: user.to_string() }
    }
}

impl From<&GroupName> for Name {
    fn from(group: &GroupName) -> Self {
        Self { kind: Kind::Group, text: KeyPart(group.as_str()).to_string() }
    }
}

impl From<&ClientId> for Name {
    fn from(client: &ClientId) -> Self {
        Self { kind: Kind::Client, text: KeyPart(client.as_str()).to_string() }
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind =
            NamePattern::KINDS.iter().find(|(_, kind)| *kind == self.kind).map_or("", |(word, _)| word);
        write!(f, "{kind}/{}", self.text)
    }
}

impl NamePattern {
    /// The kinds that have names, and their words.
    pub const KINDS: [(&str, Kind); 3] =
        [("user", Kind::User), ("group", Kind::Group), ("client", Kind::Client)];

    /// Reads `KIND/NAME`; a user without an origin is one of origin `uaa`. `None`: it is not of this form.
    #[must_use]
    pub fn new(text: &str) -> Option<Self> {
        let (word, name) = text.split_once('/').filter(|(_, name)| !name.is_empty())?;
        let (_, kind) = Self::KINDS.into_iter().find(|(known, _)| *known == word)?;
        let name = match kind {
            Kind::User if name != "*" && !name.contains('/') => format!("uaa/{name}"),
            _ => name.to_owned(),
        };
        Some(Self { kind, name })
    }

    /// Tells whether it means this one: users and groups ignoring case, clients exactly.
    pub(super) fn means(&self, name: &Name) -> bool {
        self.kind == name.kind
            && match self.kind {
                Kind::Client => matches(&self.name, &name.text),
                _ => matches(&self.name.to_lowercase(), &name.text.to_lowercase()),
            }
    }
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
            removal_percent: 25,
            removal_at_least: 2,
            removal_at_most: 10,
            protected: Vec::new(),
            members: BTreeMap::new(),
            owners: BTreeMap::new(),
            prune: BTreeSet::new(),
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

    /// Tells whether a client's authority matters as much. `password.write` does only there: of a user it changes the
    /// own password, of a client anybody's.
    #[must_use]
    pub fn is_privileged_authority(&self, authority: &str) -> bool {
        const ANYBODYS: &str = "password.write";
        self.reaches_privileged(authority)
            || matches(&authority.to_lowercase(), ANYBODYS)
                && !self.unprivileged.iter().any(|exception| matches(exception, ANYBODYS))
    }

    /// Counts these as privileged too; `*` stands for any text.
    pub fn add_privileged(&mut self, pattern: &str) {
        let pattern = pattern.to_lowercase();
        self.unprivileged.retain(|exception| *exception != pattern);
        self.privileged.push(pattern);
    }

    /// Counts these as privileged no longer; `false`: none of them was.
    pub fn remove_privileged(&mut self, pattern: &str) -> bool {
        let pattern = pattern.to_lowercase();
        let listed = self.privileged.iter().any(|listed| *listed == pattern || matches(&pattern, listed));
        let was = listed || self.is_privileged_authority(&pattern);
        self.privileged.retain(|listed| *listed != pattern);
        self.unprivileged.push(pattern);
        was
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
    fn what_is_added_is_privileged_and_what_is_removed_is_not() {
        let mut policy = Policy::default();
        policy.add_privileged("PKS.clusters.*");
        policy.add_privileged("zones.read");
        for scope in ["pks.clusters.admin", "pks.*", "zones.read"] {
            assert!(policy.reaches_privileged(scope), "{scope}");
        }
        assert!(!policy.reaches_privileged("team.read"));
        for pattern in ["credhub.*", "bosh.dev.admin", "uaa.impersonate", "scim.*", "password.write"] {
            assert!(policy.remove_privileged(pattern), "{pattern}");
        }
        for scope in ["credhub.read", "credhub.*", "credhub.a*", "bosh.dev.admin", "scim.write"] {
            assert!(!policy.reaches_privileged(scope), "{scope}");
        }
        assert!(policy.reaches_privileged("bosh.test.admin") && policy.reaches_privileged("uaa.admin"));
        assert!(!policy.is_privileged_authority("password.write"));
        assert!(!policy.remove_privileged("team.read"));
    }

    #[test]
    fn setting_anybodys_password_is_an_authority_and_no_scope() {
        let policy = Policy::default();
        assert!(!policy.reaches_privileged("password.write"));
        assert!(
            policy.is_privileged_authority("Password.write") && policy.is_privileged_authority("password.*")
        );
        assert!(
            policy.is_privileged_authority("uaa.admin") && !policy.is_privileged_authority("uaa.resource")
        );
    }

    #[test]
    fn a_pattern_means_names_of_its_kind() {
        let user = |origin: &str, name: &str| Name::from(&UserKey::new(origin.into(), name.into()));
        for (pattern, name) in [
            ("user/Root", user("uaa", "root")),
            ("user/*", user("ldap", "x")),
            ("user/ldap/*", user("ldap", "x/y")),
            ("user/uaa/a%2Fb", user("uaa", "a/b")),
            ("group/pks.*", Name::from(&GroupName::new("PKS.clusters.admin"))),
            ("client/ci-*", Name::from(&ClientId::new("ci-1"))),
        ] {
            assert!(NamePattern::new(pattern).expect("it is one").means(&name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("user/root", user("ldap", "root")),
            ("group/root", user("uaa", "root")),
            ("client/CI-*", Name::from(&ClientId::new("ci-1"))),
        ] {
            assert!(!NamePattern::new(pattern).expect("it is one").means(&name), "{pattern} {name}");
        }
        for text in ["root", "users/root", "group/", "/x", "member/a/b"] {
            assert_eq!(NamePattern::new(text), None, "{text}");
        }
        assert_eq!(user("ldap", "a/b").to_string(), "user/ldap/a%2Fb");
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
