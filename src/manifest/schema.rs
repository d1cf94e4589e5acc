//! The manifest as types: what editors check, and what a program may write.
//!
//! Only describes. Manifests are read by `decode`, which says more about a mistake than a schema can; tests hold the
//! two together.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, generate::SchemaSettings, json_schema};
use serde::Serialize;

/// People, groups, external group mappings and OAuth clients of a UAA, as `uaapply` makes them.
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
    /// OAuth clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clients: Option<OrVariable<Vec<OrVariable<Client>>>>,
    /// What is removed because no manifest names it; each kind is opt-in. May stand once over all files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prune: Option<OrVariable<Prune>>,
    /// Variables whose values `apply` generates into the file of --vars-store where nothing gives them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub variables: Option<Vec<Declaration>>,
}

/// What is removed because no manifest names it. Needs `--allow prune:users` and the like too.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Prune {
    /// Users.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub users: Option<OrVariable<PruneUsers>>,
    /// Patterns of groups' names; `*` stands for any text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub groups: Option<OrVariable<Vec<String>>>,
    /// Patterns of client ids; `*` stands for any text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub clients: Option<OrVariable<Vec<String>>>,
}

/// Which users are pruned, and how.
#[derive(Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct PruneUsers {
    /// Only users of these identity providers.
    pub origins: OrVariable<Vec<String>>,
    /// Patterns of usernames that stay; `*` stands for any text.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub except: Option<OrVariable<Vec<String>>>,
    /// `deactivate` suspends them (default), `delete` deletes them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub action: Option<OrVariable<PruneAction>>,
}

/// How a user that no manifest names is removed.
#[derive(Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum PruneAction {
    /// Suspended.
    Deactivate,
    /// Deleted.
    Delete,
}

/// Whether something shall exist.
#[derive(Clone, Copy, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub enum State {
    /// As if the key were not written.
    Present,
    /// It shall not exist.
    Absent,
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
    /// `absent` deletes the user, its memberships, approvals and tokens; then the entry has no other keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<OrVariable<State>>,
    /// The name that the user had before: renames it; origin `uaa` only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 255))]
    pub previously: Option<String>,
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
    /// `absent` deletes the group, its memberships and mappings; then the entry has no other keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<OrVariable<State>>,
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
    /// LDAP or SAML groups whose members get this group at login. Not written: not managed; empty: none; only absent
    /// ones: these are removed, others are left alone.
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
    /// `absent` removes the mapping.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<OrVariable<State>>,
}

/// An OAuth client. A field that is not written is not managed; `null` or an empty value clears it.
#[derive(Default, Serialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Client {
    /// The client's id; compared exactly.
    #[schemars(length(min = 1, max = 255))]
    pub client_id: String,
    /// `absent` removes the client; the entry then has no other keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub state: Option<OrVariable<State>>,
    /// What people are shown.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<Clearable<YamlText>>,
    /// The secret: set when it does not work, left alone when it does. Use a variable. `""` is a public client's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<YamlText>,
    /// How the client may get tokens; needed to create it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorized_grant_types: Option<OrVariable<Vec<String>>>,
    /// What users' tokens through this client can hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub scope: Option<Clearable<OrVariable<Vec<String>>>>,
    /// What the client's own tokens hold.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub authorities: Option<Clearable<OrVariable<Vec<String>>>>,
    /// Which clusters the client reaches: adds and removes the three authorities `pks.clusters.*`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cluster_access: Option<OrVariable<ClusterAccess>>,
    /// Where a browser may be sent back to; `*` and `**` stand for parts of a path, `*` for a subdomain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirect_uri: Option<Clearable<OrVariable<Vec<String>>>>,
    /// Scopes that users are not asked about, or `true` for all.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub autoapprove: Option<Clearable<Approvals>>,
    /// How long access tokens last, in seconds; `null` leaves it to the zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub access_token_validity: Option<Clearable<OrVariable<Seconds>>>,
    /// How long refresh tokens last, in seconds; `null` leaves it to the zone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub refresh_token_validity: Option<Clearable<OrVariable<Seconds>>>,
    /// Identity providers whose users may use the client; `null` is everyone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowedproviders: Option<Clearable<OrVariable<Vec<String>>>>,
    /// Groups that a user must be in to use the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub required_user_groups: Option<Clearable<OrVariable<Vec<String>>>>,
    /// Whether the client may be used without its secret, with PKCE (UAA 77).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowpublic: Option<Clearable<OrVariable<bool>>>,
    /// A new one ends all of the client's tokens. No secret: UAA shows it to everyone who may read clients.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token_salt: Option<Clearable<YamlText>>,
    /// Who made the client.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub createdwith: Option<Clearable<YamlText>>,
    /// Where invited users land.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub signup_redirect_url: Option<Clearable<YamlText>>,
    /// Whether the client has a tile on users' home page.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub show_on_home_page: Option<OrVariable<bool>>,
    /// Where its tile leads.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_launch_url: Option<Clearable<YamlText>>,
    /// The tile's picture, in base64.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub app_icon: Option<Clearable<YamlText>>,
    /// Further information, key by key; `key: null` removes one. Everyone who may read clients sees it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub extra: Option<OrVariable<std::collections::BTreeMap<String, serde_json::Value>>>,
}

/// A value, or `null`, which clears the field.
#[derive(Clone, Serialize)]
#[serde(untagged)]
pub enum Clearable<T> {
    /// The value.
    Value(T),
    /// Nothing.
    Null,
}

/// Scopes that users are not asked about.
#[derive(Clone, Serialize)]
#[serde(untagged)]
pub enum Approvals {
    /// `true`: all. (`false` is not a value: none is `[]`.)
    All(bool),
    /// These.
    Scopes(Vec<String>),
    /// `((name))`.
    Variable(String),
}

/// A number of seconds.
#[derive(Clone, Serialize)]
#[serde(transparent)]
pub struct Seconds(pub i64);

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

impl<T: JsonSchema> JsonSchema for Clearable<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        format!("Clearable_{}", T::schema_name()).into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let value = generator.subschema_for::<T>();
        // Not `type: null`, which means no value at all in the fields of users and groups.
        json_schema!({"anyOf": [value, {"const": null}]})
    }
}

impl JsonSchema for Approvals {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Approvals".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                {"const": true},
                {"type": "array", "items": {"type": "string"}},
                {"type": "string", "pattern": PLACEHOLDER}
            ]
        })
    }
}

impl JsonSchema for Seconds {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Seconds".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"type": "integer", "minimum": 1, "maximum": i32::MAX})
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
pub(super) fn forbid_null(schema: &mut Schema) {
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
