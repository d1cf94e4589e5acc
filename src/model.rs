//! The names of things, shared by both sides of a plan.
//!
//! Decides when two names mean the same object: users by (origin, username ignoring case), groups by name
//! ignoring case, clients by exact id, mappings by (group, origin, DN trimmed and lower-cased). What UAA's
//! database thinks equal (collations, accents) never counts. Knows nothing of YAML, HTTP or plans.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The origin of UAA's own user store; entries that name no origin mean this one.
pub const UAA_ORIGIN: &str = "uaa";

/// Declares a name that is compared ignoring case and shown as it was written.
macro_rules! folded_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
        #[serde(from = "String", into = "String")]
        #[schemars(with = "String")]
        pub struct $name {
            text: String,
            folded: String,
        }

        impl $name {
            /// Takes the name as written.
            #[must_use]
            pub fn new(text: impl Into<String>) -> Self {
                let text = text.into();
                let folded = text.to_lowercase();
                Self { text, folded }
            }

            /// Returns the name as written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.text
            }

            /// Returns the form that comparisons use.
            #[must_use]
            pub fn folded(&self) -> &str {
                &self.folded
            }
        }

        impl From<String> for $name {
            fn from(text: String) -> Self {
                Self::new(text)
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl From<$name> for String {
            fn from(name: $name) -> Self {
                name.text
            }
        }

        impl PartialEq for $name {
            fn eq(&self, other: &Self) -> bool {
                self.folded == other.folded
            }
        }

        impl Eq for $name {}

        impl PartialOrd for $name {
            fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
                Some(self.cmp(other))
            }
        }

        impl Ord for $name {
            fn cmp(&self, other: &Self) -> Ordering {
                self.folded.cmp(&other.folded)
            }
        }

        impl Hash for $name {
            fn hash<H: Hasher>(&self, state: &mut H) {
                self.folded.hash(state);
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.text)
            }
        }
    };
}

/// Declares a name that is compared exactly.
macro_rules! exact_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
        #[serde(transparent)]
        pub struct $name(String);

        impl $name {
            /// Takes the name as written.
            #[must_use]
            pub fn new(text: impl Into<String>) -> Self {
                Self(text.into())
            }

            /// Returns the name as written.
            #[must_use]
            pub fn as_str(&self) -> &str {
                &self.0
            }
        }

        impl From<&str> for $name {
            fn from(text: &str) -> Self {
                Self::new(text)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(&self.0)
            }
        }
    };
}

folded_name! {
    /// A UAA group's name, which is also the scope that its members can hold.
    GroupName
}
folded_name! {
    /// A user's name inside one origin.
    Username
}
exact_name! {
    /// The identity provider that a user, a membership row or a mapping belongs to.
    Origin
}
exact_name! {
    /// An OAuth client's id.
    ClientId
}
exact_name! {
    /// The id that UAA gave to a user or a group.
    Guid
}

impl GroupName {
    /// Returns the scopes that members of a group of this name get in their tokens.
    ///
    /// UAA cuts lists of scopes at commas and trims each: a group `a, b` gives the scopes `a` and `b`. Case stays in a
    /// token; that `A,b` gives no `a` to a server that tells them apart is not known here.
    pub fn scopes(&self) -> impl Iterator<Item = Self> {
        // As Java trims.
        let trimmed = self.text.split(',').map(|scope| scope.trim_matches(|c| c <= ' '));
        trimmed.filter(|scope| !scope.is_empty()).map(Self::new)
    }
}

impl Origin {
    /// Returns UAA's own user store.
    #[must_use]
    pub fn uaa() -> Self {
        Self::new(UAA_ORIGIN)
    }

    /// Tells whether this is UAA's own user store.
    #[must_use]
    pub fn is_uaa(&self) -> bool {
        self.as_str() == UAA_ORIGIN
    }
}

/// The name of an LDAP or SAML group, in the one form UAA stores: trimmed and lower-cased.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(from = "String")]
#[schemars(with = "String")]
pub struct ExternalGroup(String);

impl ExternalGroup {
    /// Takes a DN or group value in any spelling.
    #[must_use]
    pub fn new(text: &str) -> Self {
        Self(text.trim().to_lowercase())
    }

    /// Returns the stored form.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl From<String> for ExternalGroup {
    fn from(text: String) -> Self {
        Self::new(&text)
    }
}

impl fmt::Display for ExternalGroup {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// One user: the same username in two origins is two users.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct UserKey {
    /// The identity provider.
    pub origin: Origin,
    /// The name there.
    pub username: Username,
}

impl UserKey {
    /// Joins an origin and a username.
    #[must_use]
    pub fn new(origin: Origin, username: Username) -> Self {
        Self { origin, username }
    }
}

impl fmt::Display for UserKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", KeyPart(self.origin.as_str()), KeyPart(self.username.as_str()))
    }
}

/// What can be a member of a group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Member {
    /// A user.
    User(UserKey),
    /// A nested group: its members hold the outer group too.
    Group(GroupName),
}

impl fmt::Display for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User(user) => user.fmt(f),
            Self::Group(group) => write!(f, "group:{}", KeyPart(group.as_str())),
        }
    }
}

/// One membership row: a member in a group.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Membership {
    /// The group.
    pub group: GroupName,
    /// Who is in it.
    pub member: Member,
}

impl fmt::Display for Membership {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", KeyPart(self.group.as_str()), self.member)
    }
}

/// One external group mapping: everyone in the LDAP or SAML group gets the UAA group at login.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub struct Mapping {
    /// The UAA group that the mapping gives.
    pub group: GroupName,
    /// The identity provider that the external group belongs to.
    pub origin: Origin,
    /// The LDAP DN or SAML group value.
    pub external_group: ExternalGroup,
}

impl fmt::Display for Mapping {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{}/{}/{}",
            KeyPart(self.group.as_str()),
            KeyPart(self.origin.as_str()),
            KeyPart(self.external_group.as_str())
        )
    }
}

/// Shows one part of a key for people, with `/` and `%` percent-encoded so that keys stay unambiguous.
pub struct KeyPart<'a>(pub &'a str);

impl fmt::Display for KeyPart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for c in self.0.chars() {
            match c {
                '/' => f.write_str("%2F")?,
                '%' => f.write_str("%25")?,
                c => write!(f, "{c}")?,
            }
        }
        Ok(())
    }
}

/// The three levels of access to clusters that PKS knows, each a scope that `pks login` tokens carry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ClusterRole {
    /// Create, use and delete all clusters.
    Admin,
    /// Create clusters, and use and delete one's own.
    Manage,
    /// See all clusters.
    Read,
}

impl ClusterRole {
    /// All of them, widest first.
    pub const ALL: [Self; 3] = [Self::Admin, Self::Manage, Self::Read];

    /// Returns the group (scope) that gives this role.
    #[must_use]
    pub fn group(self) -> GroupName {
        GroupName::new(match self {
            Self::Admin => "pks.clusters.admin",
            Self::Manage => "pks.clusters.manage",
            Self::Read => "pks.clusters.admin.read",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_differ_only_in_case_are_one_name_and_keep_their_spelling() {
        let (upper, lower) = (GroupName::new("Team.Admins"), GroupName::new("team.admins"));
        assert_eq!(upper, lower);
        assert_eq!(upper.to_string(), "Team.Admins");
        assert_ne!(Origin::new("LDAP"), Origin::new("ldap"));
    }

    #[test]
    fn a_groups_name_is_one_scope_unless_uaa_cuts_it_into_several() {
        let scopes = |name: &str| GroupName::new(name).scopes().map(String::from).collect::<Vec<_>>();
        assert_eq!(scopes("pks.clusters.admin"), ["pks.clusters.admin"]);
        assert_eq!(scopes(" A.b,, c.d\t"), ["A.b", "c.d"]);
        assert_eq!(scopes("a b,c\u{a0}"), ["a b", "c\u{a0}"]);
        assert_eq!(scopes(","), [""; 0]);
    }

    #[test]
    fn a_dn_is_compared_as_uaa_stores_it() {
        assert_eq!(
            ExternalGroup::new(" CN=Platform,OU=Groups "),
            ExternalGroup::new("cn=platform,ou=groups")
        );
    }

    #[test]
    fn a_slash_inside_a_name_cannot_forge_another_key() {
        let odd = UserKey::new(Origin::new("a/b"), Username::new("c%2Fd"));
        assert_eq!(odd.to_string(), "a%2Fb/c%252Fd");
    }
}
