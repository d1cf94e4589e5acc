//! What a server has, in a file: data without secrets, to plan from without server and credential.
//!
//! A versioned format; the JSON Schema in `docs/schema/snapshot.schema.json` is made from the types. Decides for which
//! manifests a snapshot says enough. Does no I/O.

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::client::{ClientField, ClientValue};
use crate::desired::Desired;
use crate::model::{ClientId, GroupName, Guid, Mapping, UserKey};
use crate::observed::{
    ClientScope, Identity, MemberKind, MemberRow, Observed, ObservedClient, ObservedGroup, ObservedUser,
    ReadScope, Server,
};

/// The format number of snapshots that this version writes.
pub const FORMAT: u32 = 1;

/// A server's state as a plan sees it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Snapshot {
    /// The format's version.
    pub format: u32,
    /// The program and version that took it.
    pub tool: String,
    /// The server and zone.
    pub target: Server,
    /// What was read; null: everything.
    pub covers: Option<ReadScope>,
    /// As whom.
    pub me: Identity,
    /// Whether the token is another zone's, which works by the zone header.
    pub zone_by_header: bool,
    /// The users.
    pub users: Vec<ObservedUser>,
    /// Users whose names differ only in case.
    pub ambiguous_users: BTreeSet<UserKey>,
    /// Names of members.
    pub names: Vec<Named>,
    /// The groups, with their rows.
    pub groups: Vec<Group>,
    /// Groups whose names differ only in case.
    pub ambiguous_groups: BTreeSet<GroupName>,
    /// The external group mappings.
    pub mappings: BTreeSet<Mapping>,
    /// The clients.
    pub clients: Vec<Client>,
    /// The groups that everyone holds; null: not readable.
    pub default_groups: Option<BTreeSet<GroupName>>,
    /// The identity providers; null: not asked for, or not readable.
    pub origins: Option<BTreeSet<crate::model::Origin>>,
}

/// A member's name.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Named {
    /// UAA's id.
    pub id: Guid,
    /// Who it is.
    pub user: UserKey,
}

/// A group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Group {
    /// UAA's id.
    pub id: Guid,
    /// Its name.
    pub name: GroupName,
    /// Its description.
    pub description: String,
    /// Its membership rows.
    pub members: Vec<Row>,
}

/// A membership row.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Row {
    /// The member's id.
    pub id: Guid,
    /// User or group.
    pub kind: MemberKind,
    /// Who made the row.
    pub origin: crate::model::Origin,
}

/// A client. Its secret is nobody's to know, and of a token salt only that there is one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Client {
    /// Its id.
    pub id: ClientId,
    /// Its properties by name.
    pub fields: BTreeMap<String, ClientValue>,
}

/// Why a file is no snapshot to plan from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unusable {
    /// It is no snapshot; why.
    NotOne(String),
    /// A later version wrote it.
    Newer(u64),
    /// It was taken for another manifest, which needs less; what it lacks.
    Lacks(String),
}

impl Snapshot {
    /// Takes what was observed.
    #[must_use]
    pub fn of(observed: &Observed, covers: Option<ReadScope>) -> Self {
        let Observed {
            server,
            me,
            zone_by_header,
            users,
            ambiguous_users,
            names,
            groups,
            ambiguous_groups,
            mappings,
            clients,
            client_secrets_wrong: _,
            default_groups,
            origins,
        } = observed;
        let client = |client: &ObservedClient| Client {
            id: client.id.clone(),
            fields: client.fields.iter().map(|(field, value)| (field.name(), value.clone())).collect(),
        };
        Self {
            format: FORMAT,
            tool: concat!("uaapply ", env!("CARGO_PKG_VERSION")).to_owned(),
            target: server.clone(),
            covers,
            me: me.clone(),
            zone_by_header: *zone_by_header,
            users: users.values().cloned().collect(),
            ambiguous_users: ambiguous_users.clone(),
            names: names.iter().map(|(id, user)| Named { id: id.clone(), user: user.clone() }).collect(),
            groups: groups.values().map(Group::of).collect(),
            ambiguous_groups: ambiguous_groups.clone(),
            mappings: mappings.clone(),
            clients: clients.values().map(client).collect(),
            default_groups: default_groups.clone(),
            origins: origins.clone(),
        }
    }

    /// Reads a file's text.
    ///
    /// # Errors
    /// Whatever is no snapshot of a format that this version knows.
    pub fn read(text: &str) -> Result<Self, Unusable> {
        let not_one = |error: serde_json::Error| Unusable::NotOne(error.to_string());
        let value: serde_json::Value = serde_json::from_str(text).map_err(not_one)?;
        match value.get("format").and_then(serde_json::Value::as_u64) {
            Some(format) if format == u64::from(FORMAT) => serde_json::from_value(value).map_err(not_one),
            Some(format) => Err(Unusable::Newer(format)),
            None => Err(Unusable::NotOne("it has no `format`".to_owned())),
        }
    }

    /// Returns what a plan with this scope would have read.
    ///
    /// # Errors
    /// What the snapshot lacks for it.
    pub fn observed(self, scope: &ReadScope) -> Result<Observed, Unusable> {
        if let Some(lacks) = self.covers.as_ref().and_then(|covers| lacks(covers, scope)) {
            return Err(Unusable::Lacks(lacks));
        }
        let clients = self.clients.into_iter().map(|client| client.observed(&scope.clients));
        Ok(Observed {
            server: self.target,
            me: self.me,
            zone_by_header: self.zone_by_header,
            users: self.users.into_iter().map(|user| (user.key.clone(), user)).collect(),
            ambiguous_users: self.ambiguous_users,
            names: self.names.into_iter().map(|named| (named.id, named.user)).collect(),
            groups: self.groups.into_iter().map(|group| (group.name.clone(), group.observed())).collect(),
            ambiguous_groups: self.ambiguous_groups,
            mappings: self.mappings,
            clients: clients.collect::<Result<_, _>>().map_err(Unusable::NotOne)?,
            client_secrets_wrong: None,
            default_groups: self.default_groups,
            origins: self.origins.filter(|_| !scope.origins.is_empty()),
        })
    }
}

impl Group {
    fn of(group: &ObservedGroup) -> Self {
        let row = |(id, row): (&Guid, &MemberRow)| Row {
            id: id.clone(),
            kind: row.kind,
            origin: row.origin.clone(),
        };
        Self {
            id: group.id.clone(),
            name: group.name.clone(),
            description: group.description.clone(),
            members: group.rows.iter().map(row).collect(),
        }
    }

    fn observed(self) -> ObservedGroup {
        let row = |row: Row| (row.id, MemberRow { kind: row.kind, origin: row.origin });
        ObservedGroup {
            id: self.id,
            name: self.name,
            description: self.description,
            rows: self.members.into_iter().map(row).collect(),
        }
    }
}

impl Client {
    /// Without what is read only where it is asked for.
    fn observed(self, scope: &ClientScope) -> Result<(ClientId, ObservedClient), String> {
        let mut fields = BTreeMap::new();
        for (name, value) in self.fields {
            let field = ClientField::try_from(name)?;
            let asked = match &field {
                ClientField::RequiredUserGroups => scope.asks_for_user_groups(&self.id),
                field if field.is_metadata() => scope.asks_for_metadata(&self.id),
                _ => true,
            };
            if asked {
                fields.insert(field, value);
            }
        }
        Ok((self.id.clone(), ObservedClient { id: self.id, fields }))
    }
}

/// Takes token salts that are there for those that the manifest wants, and returns the clients: a snapshot has none.
pub fn assume_salts(observed: &mut Observed, desired: &Desired) -> Vec<ClientId> {
    let mut assumed = Vec::new();
    for client in desired.clients.values() {
        let wanted = client.fields.get(&ClientField::TokenSalt).and_then(|said| said.value.clone());
        let found =
            observed.clients.get_mut(&client.id).and_then(|c| c.fields.get_mut(&ClientField::TokenSalt));
        if let (Some(wanted @ ClientValue::Hidden(_)), Some(found)) = (wanted, found) {
            *found = wanted;
            assumed.push(client.id.clone());
        }
    }
    assumed
}

/// The first thing that a plan would read and the snapshot does not have.
fn lacks(covers: &ReadScope, scope: &ReadScope) -> Option<String> {
    let ReadScope { users, name_members_of, origins, all_users, clients, only_judged: _ } = scope;
    if *all_users && !covers.all_users {
        return Some("all users".to_owned());
    }
    if clients.all && !covers.clients.all {
        return Some("all clients".to_owned());
    }
    if !origins.is_empty() && covers.origins.is_empty() {
        return Some("the identity providers".to_owned());
    }
    fn more<T: Ord + std::fmt::Display>(
        what: &str,
        needed: &BTreeSet<T>,
        has: &BTreeSet<T>,
        all: bool,
    ) -> Option<String> {
        if all { None } else { needed.difference(has).next().map(|first| format!("{what} `{first}`")) }
    }
    more("user", users, &covers.users, covers.all_users)
        .or_else(|| more("the members of group", name_members_of, &covers.name_members_of, false))
        .or_else(|| more("client", &clients.named, &covers.clients.named, covers.clients.all))
        .or_else(|| {
            let (needed, has) = (&clients.required_user_groups, &covers.clients.required_user_groups);
            more("`required_user_groups` of client", needed, has, false)
        })
        .or_else(|| more("the metadata of client", &clients.metadata, &covers.clients.metadata, false))
        .or_else(|| more("all of client", &clients.whole, &covers.clients.whole, false))
}
