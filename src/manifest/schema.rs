//! The manifest as types: what editors check, and what a program may write.
//!
//! Only describes. Manifests are read by `decode`, which says more about a mistake than a schema can; tests hold the
//! two together.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde::Serialize;

/// People, groups and external group mappings of a UAA, as `uaapply` makes them.
///
/// Every value may also be a variable, `((name))`, whose value comes from -v, --var-file, -l, --vars-env or --vars-store.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "uaapply manifest, version 1")]
pub struct Manifest {
    /// The version of the manifest format: 1.
    #[schemars(range(min = 1, max = 1))]
    pub version: u32,
    /// Refuse to run against any other server than this. May stand once over all files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub target: Option<OrVariable<Target>>,
    /// People and service accounts. An empty list says that there are none with access to account for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<OrVariable<Vec<OrVariable<User>>>>,
    /// UAA groups, which are the scopes that a user can hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<OrVariable<Vec<OrVariable<Group>>>>,
    /// Variables whose values `apply` generates into the file of --vars-store where nothing gives them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variables: Option<Vec<Declaration>>,
}

/// A variable that is generated where nothing gives its value.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Declaration {
    /// Its name, as in `((name))`.
    #[schemars(length(min = 1, max = 255), pattern(r"^[\p{L}\p{N}_-]+$"))]
    pub name: String,
    /// What it is.
    #[serde(rename = "type")]
    pub kind: DeclarationType,
    /// How it is generated.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub options: Option<DeclarationOptions>,
}

/// What can be generated.
#[derive(Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum DeclarationType {
    /// Letters and digits.
    Password,
}

/// How a value is generated.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DeclarationOptions {
    /// How many characters, from 12 to 72; default 32.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub length: Option<OrVariable<Length>>,
}

/// The length of a password.
#[derive(Serialize, JsonSchema)]
#[serde(transparent)]
pub struct Length(#[schemars(range(min = 12, max = 72))] pub u8);

/// The server that a manifest is for.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Target {
    /// The issuer, as the server names it in /.well-known/openid-configuration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub issuer: Option<String>,
    /// The identity zone's id; `uaa` is the default zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub zone: Option<String>,
    /// Identity providers that entries may name besides those that the server lists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub origins: Option<OrVariable<Vec<String>>>,
}

/// A user. A field that is not written is not managed.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct User {
    /// The name to log in with; compared ignoring case.
    #[schemars(length(min = 1, max = 255))]
    pub username: String,
    /// The identity provider that the user logs in with; default `uaa`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub origin: Option<String>,
    /// The e-mail address; needed to create a user, unless the username is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub email: Option<String>,
    /// First name; an empty text clears it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub given_name: Option<YamlText>,
    /// Last name; an empty text clears it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family_name: Option<YamlText>,
    /// The phone number; an empty text clears it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<YamlText>,
    /// The identity provider's id of the user; an empty text clears it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<YamlText>,
    /// Whether the account may log in; `false` suspends it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub active: Option<OrVariable<bool>>,
    /// Whether the e-mail address counts as verified.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub verified: Option<OrVariable<bool>>,
    /// The initial password, used when the user is created and never afterwards; origin `uaa` only. Use a variable.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub password: Option<YamlText>,
    /// Which clusters the user reaches: fixes the membership of the three `pks.clusters.*` groups.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_access: Option<OrVariable<ClusterAccess>>,
    /// Groups that the user is in; each must be declared under `groups`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<OrVariable<Vec<String>>>,
}

/// Access to clusters.
#[derive(Clone, Serialize)]
#[serde(untagged)]
pub enum ClusterAccess {
    /// One level, or `none`.
    One(Access),
    /// Several levels, `none` not among them.
    Several(Vec<Access>),
}

/// One level of access to clusters.
#[derive(Clone, Copy, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Access {
    /// All clusters.
    Admin,
    /// The clusters that one creates.
    Manage,
    /// See all clusters.
    Read,
    /// None of the three.
    None,
}

/// A group. It has exactly the members that the manifest gives it, unless it is `additive`.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Group {
    /// The group's name, which is the scope that its members hold; compared ignoring case.
    #[schemars(length(min = 1, max = 255))]
    pub name: String,
    /// What the group is for; an empty text clears it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<YamlText>,
    /// Others manage the group too: add what is listed, revoke only `absent_members`. Default false.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub additive: Option<OrVariable<bool>>,
    /// Members besides the users whose entries list this group.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub members: Option<OrVariable<Vec<Member>>>,
    /// Who must not be a member; only with `additive: true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub absent_members: Option<OrVariable<Vec<Member>>>,
    /// LDAP or SAML groups whose members get this group at login. Not written: not managed; empty: none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_groups: Option<OrVariable<Vec<OrVariable<ExternalGroup>>>>,
}

/// A member of a group.
#[derive(Clone, Serialize)]
#[serde(untagged)]
pub enum Member {
    /// A user of origin `uaa`, or a variable.
    Name(String),
    /// A user of any origin.
    User {
        /// The name.
        username: String,
        /// The identity provider; default `uaa`.
        #[serde(skip_serializing_if = "Option::is_none")]
        origin: Option<String>,
    },
    /// A nested group.
    Group {
        /// Its name.
        group: String,
    },
}

/// A group of an LDAP or SAML identity provider.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExternalGroup {
    /// The identity provider.
    #[schemars(length(min = 1, max = 255))]
    pub origin: String,
    /// The LDAP DN or SAML group value; compared ignoring case.
    #[schemars(length(min = 1, max = 255))]
    pub group: String,
}

/// A text that YAML may take for a number; it is kept as written.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct YamlText(pub String);

/// A value, or the variable that stands for it.
#[derive(Clone, Serialize)]
#[serde(untagged)]
pub enum OrVariable<T> {
    /// The value.
    Value(T),
    /// `((name))`.
    Variable(String),
}

/// What a placeholder looks like to a schema.
const PLACEHOLDER: &str = r"^\(\([^()\s]+\)\)$";

impl<T: JsonSchema> JsonSchema for OrVariable<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("OrVariable_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        json_schema!({"anyOf": [value, {"type": "string", "pattern": PLACEHOLDER}]})
    }
}

impl JsonSchema for YamlText {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "YamlText".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": ["string", "number", "boolean"]})
    }
}

impl JsonSchema for ClusterAccess {
    fn schema_name() -> Cow<'static, str> {
        "ClusterAccess".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "admin: all clusters; manage: the clusters that one creates; read: see all clusters; none: none of the three; or a list of the first three.",
            "oneOf": [
                {"enum": ["admin", "manage", "read", "none"]},
                {
                    "type": "array",
                    "items": {"enum": ["admin", "manage", "read"]},
                    "minItems": 1,
                    "uniqueItems": true
                }
            ]
        })
    }
}

impl JsonSchema for Member {
    fn schema_name() -> Cow<'static, str> {
        "Member".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let name = json_schema!({"type": "string", "minLength": 1, "maxLength": 255});
        json_schema!({
            "description": "A username of origin uaa; a user of any origin; or a nested group.",
            "oneOf": [
                name,
                {
                    "type": "object",
                    "properties": {"username": name, "origin": name},
                    "required": ["username"],
                    "additionalProperties": false
                },
                {
                    "type": "object",
                    "properties": {"group": name},
                    "required": ["group"],
                    "additionalProperties": false
                }
            ]
        })
    }
}

/// Generates the schema of a [`Manifest`].
pub(super) fn generate() -> Schema {
    let mut schema = SchemaSettings::draft2020_12().into_generator().into_root_schema_for::<Manifest>();
    forbid_null(&mut schema);
    schema
}

/// Takes `null` out of optional fields: a key without a value is an error, not an absent key.
fn forbid_null(schema: &mut Schema) {
    if let Some(kinds) = schema.get_mut("type").and_then(|kinds| kinds.as_array_mut()) {
        kinds.retain(|kind| kind != "null");
        if let [only] = &kinds[..] {
            let only = only.clone();
            schema.insert("type".to_owned(), only);
        }
    }
    if let Some(choices) = schema.get_mut("anyOf").and_then(|choices| choices.as_array_mut()) {
        choices.retain(|choice| choice.get("type").is_none_or(|kind| kind != "null"));
        if let [only] = &choices[..]
            && let Some(only) = only.as_object().cloned()
        {
            schema.remove("anyOf");
            for (key, value) in only {
                schema.insert(key, value);
            }
            // What was inside may have had choices of its own.
            forbid_null(schema);
            return;
        }
    }
    schemars::transform::transform_subschemas(&mut forbid_null, schema);
}
