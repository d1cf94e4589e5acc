//! The properties of an OAuth client: which there are, what each holds, and the one form in which values are compared.
//!
//! Named once for everybody: the manifest's keys, the plan's fields and UAA's JSON use the same words. Decides how
//! UAA normalises what it is given (facts §6.1), so that the second plan is empty. Knows nothing of HTTP and YAML.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A property of a client by its name in UAA, which is its key in the manifest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum ClientField {
    /// What people are shown.
    Name,
    /// How it may get tokens.
    AuthorizedGrantTypes,
    /// What users' tokens through this client can hold.
    Scope,
    /// What its own tokens can hold.
    Authorities,
    /// Where a browser may be sent back to.
    RedirectUri,
    /// Scopes that users are not asked about.
    Autoapprove,
    /// Seconds.
    AccessTokenValidity,
    /// Seconds.
    RefreshTokenValidity,
    /// Identity providers whose users may use it.
    Allowedproviders,
    /// Groups that a user must be in to use it.
    RequiredUserGroups,
    /// Whether it may be used without its secret, with PKCE (77.x).
    Allowpublic,
    /// Part of what tokens are signed over: a new one ends all of the client's tokens. A secret.
    TokenSalt,
    /// Who made it.
    Createdwith,
    /// Where invited users land.
    SignupRedirectUrl,
    /// Metadata: whether it shows on users' home page.
    ShowOnHomePage,
    /// Metadata: where its tile leads.
    AppLaunchUrl,
    /// Metadata: the tile's picture, base64.
    AppIcon,
    /// Further additional information, under `extra` in the manifest.
    Extra(String),
}

/// What a property holds. Absent is absent: there is no null.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientValue {
    /// A text.
    Text(String),
    /// A number.
    Number(i64),
    /// Yes or no.
    Flag(bool),
    /// Texts without order.
    Set(BTreeSet<String>),
    /// `autoapprove: true`: all scopes.
    All,
    /// Something else, in `extra`.
    Json(serde_json::Value),
    /// A secret, known only by the SHA-256 of it, which is written to no file.
    #[serde(with = "unsaid")]
    #[schemars(with = "String")]
    Hidden(String),
}

/// What UAA would take for something else than further information, or what it gives back by itself (facts §6.2).
pub(crate) const RESERVED: [&str; 17] = [
    "action",
    "additionalInformation",
    "approvals_deleted",
    "client_id",
    "client_jwt_config",
    "client_secret",
    "cluster_access",
    "extra",
    "jwks",
    "jwks_uri",
    "lastModified",
    "registeredRedirectUri",
    "resource_ids",
    "scoped",
    "secondary_client_secret",
    "secret",
    "secretRequired",
];

/// Properties and their values.
pub type ClientFields = BTreeMap<ClientField, ClientValue>;

/// The kind of value that a property takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientFieldKind {
    /// A text.
    Text,
    /// Seconds.
    Seconds,
    /// Yes or no.
    Flag,
    /// A set of texts.
    Set,
    /// A set of scopes, or `true` for all.
    Approvals,
    /// A secret text.
    Secret,
    /// Any JSON.
    Any,
}

impl ClientField {
    /// All that have a name of their own, in the order in which a manifest is written.
    pub const NAMED: [Self; 17] = [
        Self::Name,
        Self::AuthorizedGrantTypes,
        Self::Scope,
        Self::Authorities,
        Self::RedirectUri,
        Self::Autoapprove,
        Self::AccessTokenValidity,
        Self::RefreshTokenValidity,
        Self::Allowedproviders,
        Self::RequiredUserGroups,
        Self::Allowpublic,
        Self::TokenSalt,
        Self::Createdwith,
        Self::SignupRedirectUrl,
        Self::ShowOnHomePage,
        Self::AppLaunchUrl,
        Self::AppIcon,
    ];

    /// Returns UAA's name of it; further information has the prefix `extra.`.
    #[must_use]
    pub fn name(&self) -> String {
        self.to_string()
    }

    /// Returns the property of this name.
    #[must_use]
    pub fn by_name(name: &str) -> Option<Self> {
        if let Some(key) = name.strip_prefix("extra.") {
            return Some(Self::Extra(key.to_owned()));
        }
        Self::NAMED.into_iter().find(|field| field.word() == Some(name))
    }

    /// Tells whether a manifest could say this value: what comes from a file that no manifest made is checked by it.
    ///
    /// A text in place of a list would pass the rails as an empty one, and a reserved key would become another property on
    /// its way to UAA, which also cuts lists at commas.
    #[must_use]
    pub fn takes(&self, value: &ClientValue) -> bool {
        use ClientFieldKind as Kind;
        let scopes = matches!(self, Self::Scope | Self::Authorities | Self::Autoapprove);
        let word = |text: &String| {
            !text.contains(|c: char| c == ',' || c.is_control() || scopes && c.is_whitespace())
        };
        match (self.kind(), value) {
            (Kind::Set | Kind::Approvals, ClientValue::Set(items)) => items.iter().all(word),
            (Kind::Text, ClientValue::Text(_))
            | (Kind::Seconds, ClientValue::Number(_))
            | (Kind::Flag, ClientValue::Flag(_))
            | (Kind::Approvals, ClientValue::All)
            | (Kind::Secret, ClientValue::Hidden(_)) => true,
            (Kind::Any, ClientValue::Hidden(_)) => false,
            (Kind::Any, _) => match self {
                Self::Extra(key) => {
                    !RESERVED.contains(&key.as_str()) && Self::NAMED.iter().all(|named| named.name() != *key)
                }
                _ => true,
            },
            (Kind::Text | Kind::Seconds | Kind::Flag | Kind::Set | Kind::Approvals | Kind::Secret, _) => {
                false
            }
        }
    }

    /// Returns what it takes.
    #[must_use]
    pub fn kind(&self) -> ClientFieldKind {
        match self {
            Self::Name | Self::Createdwith | Self::SignupRedirectUrl | Self::AppLaunchUrl | Self::AppIcon => {
                ClientFieldKind::Text
            }
            Self::AuthorizedGrantTypes
            | Self::Scope
            | Self::Authorities
            | Self::RedirectUri
            | Self::Allowedproviders
            | Self::RequiredUserGroups => ClientFieldKind::Set,
            Self::Autoapprove => ClientFieldKind::Approvals,
            Self::AccessTokenValidity | Self::RefreshTokenValidity => ClientFieldKind::Seconds,
            Self::Allowpublic | Self::ShowOnHomePage => ClientFieldKind::Flag,
            Self::TokenSalt => ClientFieldKind::Secret,
            Self::Extra(_) => ClientFieldKind::Any,
        }
    }

    /// Tells whether it lives in `/oauth/clients/{id}/meta`, a resource of its own (facts §6.6).
    #[must_use]
    pub fn is_metadata(&self) -> bool {
        matches!(self, Self::ShowOnHomePage | Self::AppLaunchUrl | Self::AppIcon)
    }

    /// Returns its name where that is one of UAA's; further information has names of its own.
    #[must_use]
    pub fn word(&self) -> Option<&'static str> {
        Some(match self {
            Self::Name => "name",
            Self::AuthorizedGrantTypes => "authorized_grant_types",
            Self::Scope => "scope",
            Self::Authorities => "authorities",
            Self::RedirectUri => "redirect_uri",
            Self::Autoapprove => "autoapprove",
            Self::AccessTokenValidity => "access_token_validity",
            Self::RefreshTokenValidity => "refresh_token_validity",
            Self::Allowedproviders => "allowedproviders",
            Self::RequiredUserGroups => "required_user_groups",
            Self::Allowpublic => "allowpublic",
            Self::TokenSalt => "token_salt",
            Self::Createdwith => "createdwith",
            Self::SignupRedirectUrl => "signup_redirect_url",
            Self::ShowOnHomePage => "show_on_home_page",
            Self::AppLaunchUrl => "app_launch_url",
            Self::AppIcon => "app_icon",
            Self::Extra(_) => return None,
        })
    }
}

impl fmt::Display for ClientField {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Extra(key) => write!(f, "extra.{key}"),
            named => f.write_str(named.word().unwrap_or_default()),
        }
    }
}

impl From<ClientField> for String {
    fn from(field: ClientField) -> Self {
        field.name()
    }
}

impl TryFrom<String> for ClientField {
    type Error = String;

    fn try_from(name: String) -> Result<Self, Self::Error> {
        Self::by_name(&name).ok_or_else(|| format!("`{name}` is no property of a client"))
    }
}

/// A digest that stays in memory: whoever has it could guess the secret.
mod unsaid {
    use serde::{Deserialize, Deserializer, Serializer};

    pub(super) fn serialize<S: Serializer>(_: &str, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str("((redacted))")
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
        String::deserialize(deserializer)
    }
}

/// The scope and authority of a client that has none.
pub const NONE: &str = "uaa.none";

/// Grant types that UAA takes (facts §6.4).
pub const GRANT_TYPES: [&str; 8] = [
    "authorization_code",
    "client_credentials",
    "implicit",
    "password",
    "refresh_token",
    "user_token",
    "urn:ietf:params:oauth:grant-type:jwt-bearer",
    "urn:ietf:params:oauth:grant-type:saml2-bearer",
];

/// Returns the one form of a value, as UAA stores it: `None` where that is to store nothing.
///
/// An empty `allowedproviders` stays: to UAA it means nobody, and its absence everybody.
#[must_use]
pub fn stored(field: &ClientField, value: ClientValue) -> Option<ClientValue> {
    let value = match (field, value) {
        // Further information is JSON; that a text or a number is one too must not make it another value.
        (ClientField::Extra(_), ClientValue::Text(text)) => ClientValue::Json(text.into()),
        (ClientField::Extra(_), ClientValue::Number(number)) => ClientValue::Json(number.into()),
        (ClientField::Extra(_), ClientValue::Flag(flag)) => ClientValue::Json(flag.into()),
        (_, value) => value,
    };
    match (field, value) {
        (ClientField::Scope | ClientField::Authorities, ClientValue::Set(mut names)) => {
            names.remove(NONE);
            if names.is_empty() {
                names.insert(NONE.to_owned());
            }
            Some(ClientValue::Set(names))
        }
        (ClientField::AuthorizedGrantTypes, ClientValue::Set(mut grants)) => {
            if grants.contains("authorization_code") || grants.contains("password") {
                grants.insert("refresh_token".to_owned());
            }
            (!grants.is_empty()).then_some(ClientValue::Set(grants))
        }
        (ClientField::Autoapprove, ClientValue::Flag(true)) => Some(ClientValue::All),
        (ClientField::Autoapprove, ClientValue::Flag(false)) => None,
        // `true` is stored as a text in the list.
        (ClientField::Autoapprove, ClientValue::Set(scopes)) if scopes.contains("true") => {
            Some(ClientValue::All)
        }
        (ClientField::Allowedproviders, value) => Some(value),
        // Not to be public is the default. Not to show on the home page is none: that is `true` unless said.
        (ClientField::Allowpublic, ClientValue::Flag(false)) => None,
        (_, ClientValue::Set(texts)) if texts.is_empty() => None,
        (_, ClientValue::Text(text)) if text.is_empty() => None,
        (_, ClientValue::Json(serde_json::Value::Null)) => None,
        (_, value) => Some(value),
    }
}

/// Makes of all of a client's properties what UAA stores: each in its one form, the defaults of those that are not
/// there, and of `autoapprove` only what is in `scope`.
#[must_use]
pub fn normal(fields: ClientFields) -> ClientFields {
    let mut all: ClientFields = fields
        .into_iter()
        .filter_map(|(field, value)| {
            let value = stored(&field, value)?;
            Some((field, value))
        })
        .collect();
    for field in [ClientField::Scope, ClientField::Authorities] {
        all.entry(field).or_insert_with(|| ClientValue::Set(BTreeSet::from([NONE.to_owned()])));
    }
    if let Some(ClientValue::Set(approved)) = all.get(&ClientField::Autoapprove) {
        let scope = all.get(&ClientField::Scope).and_then(ClientValue::as_set);
        let kept: BTreeSet<String> = approved
            .iter()
            .filter(|name| scope.is_some_and(|scope| scope.contains(*name)))
            .cloned()
            .collect();
        match stored(&ClientField::Autoapprove, ClientValue::Set(kept)) {
            Some(kept) => all.insert(ClientField::Autoapprove, kept),
            None => all.remove(&ClientField::Autoapprove),
        };
    }
    all
}

impl ClientValue {
    /// Returns the texts of a set.
    #[must_use]
    pub fn as_set(&self) -> Option<&BTreeSet<String>> {
        match self {
            Self::Set(texts) => Some(texts),
            Self::Text(_) | Self::Number(_) | Self::Flag(_) | Self::All | Self::Json(_) | Self::Hidden(_) => {
                None
            }
        }
    }
}

/// Tells whether a piece of further information looks as if it, or something in it, were a secret.
#[must_use]
pub fn names_a_secret(key: &str, value: &serde_json::Value) -> bool {
    use serde_json::Value;
    let inside = match value {
        Value::Object(pairs) => pairs.iter().any(|(key, value)| names_a_secret(key, value)),
        Value::Array(items) => items.iter().any(|item| names_a_secret("", item)),
        Value::Null | Value::Bool(_) | Value::Number(_) => return false,
        Value::String(_) => false,
    };
    inside || crate::manifest::names_a_secret(key)
}

/// Hides a secret so that two can still be compared.
#[must_use]
pub fn hidden(secret: &str) -> ClientValue {
    use sha2::{Digest, Sha256};
    ClientValue::Hidden(format!("{:x}", Sha256::digest(secret)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(texts: &[&str]) -> ClientValue {
        ClientValue::Set(texts.iter().map(|&text| text.to_owned()).collect())
    }

    fn shown(fields: &[(ClientField, ClientValue)]) -> Vec<(String, ClientValue)> {
        let all = normal(fields.iter().cloned().collect());
        all.into_iter().map(|(field, value)| (field.name(), value)).collect()
    }

    #[test]
    fn a_client_has_what_uaa_makes_of_it() {
        use ClientField as F;
        // 4.30.0 and 77.18.0, facts §6.1.
        assert_eq!(
            shown(&[
                (F::AuthorizedGrantTypes, set(&["authorization_code"])),
                (F::Scope, set(&["uaa.none", "s.a"])),
                (F::Autoapprove, set(&["s.a", "s.b"])),
                (F::RedirectUri, set(&[])),
                (F::RequiredUserGroups, set(&[])),
                (F::Allowpublic, ClientValue::Flag(false)),
                (F::ShowOnHomePage, ClientValue::Flag(false)),
                (F::Name, ClientValue::Text(String::new())),
                (F::Extra("x".to_owned()), ClientValue::Json(serde_json::Value::Null)),
            ]),
            [
                ("authorized_grant_types".to_owned(), set(&["authorization_code", "refresh_token"])),
                ("scope".to_owned(), set(&["s.a"])),
                ("authorities".to_owned(), set(&["uaa.none"])),
                ("autoapprove".to_owned(), set(&["s.a"])),
                ("show_on_home_page".to_owned(), ClientValue::Flag(false)),
            ]
        );
        let none = || set(&["uaa.none"]);
        assert_eq!(
            shown(&[(F::Autoapprove, set(&["true"])), (F::Allowedproviders, set(&[]))]),
            [
                ("scope".to_owned(), none()),
                ("authorities".to_owned(), none()),
                ("autoapprove".to_owned(), ClientValue::All),
                ("allowedproviders".to_owned(), set(&[])),
            ]
        );
        assert_eq!(shown(&[(F::Autoapprove, set(&["s.b"]))]).len(), 2);
    }

    proptest::proptest! {
        #[test]
        fn the_normal_form_of_the_normal_form_is_itself(
            sets in proptest::collection::btree_map(
                0..ClientField::NAMED.len(),
                proptest::collection::btree_set("a|b|uaa\\.none|true|password|authorization_code", 0..4),
                0..9,
            ),
        ) {
            let fields: ClientFields = sets
                .into_iter()
                .map(|(field, texts)| (ClientField::NAMED[field].clone(), ClientValue::Set(texts)))
                .collect();
            let once = normal(fields);
            proptest::prop_assert_eq!(normal(once.clone()), once);
        }
    }

    #[test]
    fn secrets_in_further_information_are_known_by_their_names() {
        for (key, value) in [
            ("github_token", serde_json::json!("x")),
            ("team", serde_json::json!({"deep": [{"api_key": "x"}]})),
        ] {
            assert!(names_a_secret(key, &value), "{key}");
        }
        for (key, value) in [
            ("team", serde_json::json!("blue")),
            ("token_life", serde_json::json!(60)),
            ("contact", serde_json::json!({"room": "x"})),
        ] {
            assert!(!names_a_secret(key, &value), "{key}");
        }
    }

    #[test]
    fn a_property_takes_what_a_manifest_could_say_and_nothing_else() {
        use ClientField as F;
        let json = |value: serde_json::Value| ClientValue::Json(value);
        let extra = |key: &str| F::Extra(key.to_owned());
        for (field, value, takes) in [
            (F::Authorities, set(&["uaa.admin"]), true),
            (F::Authorities, ClientValue::Text("uaa.admin".to_owned()), false),
            (F::Authorities, json(serde_json::json!(["uaa.admin"])), false),
            (F::Authorities, set(&["uaa.admin,x.*"]), false),
            (F::Scope, set(&["a b"]), false),
            (F::Autoapprove, ClientValue::All, true),
            (F::Scope, ClientValue::All, false),
            (F::AccessTokenValidity, ClientValue::Number(60), true),
            (F::AccessTokenValidity, ClientValue::Text("60".to_owned()), false),
            (extra("team"), json(serde_json::json!({"a": [1]})), true),
            (extra("authorities"), json(serde_json::json!("uaa.admin")), false),
            (extra("client_id"), json(serde_json::json!("admin")), false),
            (extra("jwks"), json(serde_json::json!({})), false),
        ] {
            assert_eq!(field.takes(&value), takes, "{field} {value:?}");
        }
    }

    #[test]
    fn every_property_is_found_by_its_own_name() {
        for field in ClientField::NAMED.into_iter().chain([ClientField::Extra("team".to_owned())]) {
            assert_eq!(ClientField::by_name(&field.name()), Some(field));
        }
        assert_eq!(ClientField::by_name("redirect_uris"), None);
    }
}
