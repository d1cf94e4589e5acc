//! UAA's JSON: what is read of it. Unknown fields are ignored, null counts as absent (facts §3.3).

use serde::{Deserialize, Deserializer};

/// A page of any list.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Page<T> {
    pub(super) resources: Vec<T>,
    pub(super) total_results: usize,
}

/// A user, in a list with `attributes` or alone.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct User {
    pub(super) id: String,
    pub(super) user_name: String,
    pub(super) origin: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) external_id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) name: Name,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) emails: Vec<Valued>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) phone_numbers: Vec<Valued>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) active: bool,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) verified: bool,
}

/// A user's name.
#[derive(Clone, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Name {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) given_name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) family_name: String,
}

/// An e-mail address or phone number.
#[derive(Clone, Default, Deserialize)]
pub(super) struct Valued {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) value: String,
}

/// Only who an id is.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct NamedUser {
    pub(super) id: String,
    pub(super) user_name: String,
    pub(super) origin: String,
}

/// A group with its membership rows.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Group {
    pub(super) id: String,
    pub(super) display_name: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) description: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) zone_id: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) members: Vec<Row>,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) meta: Meta,
}

/// A membership row.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub(super) struct Row {
    pub(super) value: String,
    /// `USER` or `GROUP`.
    #[serde(rename = "type")]
    pub(super) kind: String,
    pub(super) origin: String,
}

/// The version for `If-Match`.
#[derive(Clone, Default, Deserialize)]
pub(super) struct Meta {
    #[serde(default)]
    pub(super) version: u64,
}

/// An external group mapping.
#[derive(Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct MappingRow {
    pub(super) display_name: String,
    pub(super) external_group: String,
    pub(super) origin: String,
}

/// An identity zone: its default groups.
#[derive(Deserialize)]
pub(super) struct Zone {
    pub(super) id: String,
    #[serde(default)]
    pub(super) subdomain: String,
    #[serde(default, deserialize_with = "or_default")]
    pub(super) config: ZoneConfig,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ZoneConfig {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) user_config: Option<UserConfig>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct UserConfig {
    #[serde(default, deserialize_with = "or_default")]
    pub(super) default_groups: Option<Vec<String>>,
}

/// An identity provider: its origin.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Provider {
    pub(super) origin_key: String,
}

/// Takes an explicit null as the default: with `attributes`, a missing value is null.
fn or_default<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(
    deserializer: D,
) -> Result<T, D::Error> {
    Ok(Option::deserialize(deserializer)?.unwrap_or_default())
}
