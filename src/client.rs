//! The properties of an OAuth client: which there are, what each holds, and the one form in which values are compared.
//!
//! Named once for everybody: the manifest's keys, the plan's fields and UAA's JSON use the same words. Decides how
//! UAA normalises what it is given (facts §6.1), so that the second plan is empty. Knows nothing of HTTP and YAML.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// A property of a client by its name in UAA, which is its key in the manifest.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// A secret, known only by the SHA-256 of it.
    Hidden(String),
}

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

    fn word(&self) -> Option<&'static str> {
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

/// Hides a secret so that two can still be compared.
#[must_use]
pub fn hidden(secret: &str) -> ClientValue {
    use sha2::{Digest, Sha256};
    ClientValue::Hidden(format!("{:x}", Sha256::digest(secret)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_property_is_found_by_its_own_name() {
        for field in ClientField::NAMED.into_iter().chain([ClientField::Extra("team".to_owned())]) {
            assert_eq!(ClientField::by_name(&field.name()), Some(field));
        }
        assert_eq!(ClientField::by_name("redirect_uris"), None);
    }
}
