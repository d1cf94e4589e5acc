//! Small servers and manifests for tests, written in a few words.
//!
//! Members are written as in a manifest's key: `alana` (origin `uaa`), `ldap/cody`, `group:team`. In a server's group,
//! `~ldap/cody` is a row that a login brought, and `!gone` a row whose member no longer exists.

use std::collections::{BTreeMap, BTreeSet};

use super::policy::{Allow, Policy};
use super::{Finding, Kept, Objection, Plan};
use crate::client::{self, ClientField, ClientFieldKind, ClientFields, ClientValue, hidden};
use crate::desired::{
    Because, Desired, DesiredClient, DesiredGroup, DesiredUser, Holds, PruneAction, PruneUsers, Said,
    SecretSource, Wish, WishBy, WishState,
};
use crate::model::{
    ClientId, ClusterRole, ExternalGroup, GroupName, Guid, Mapping, Member, Origin, UserKey, Username,
};
use crate::observed::{
    Identity, MemberKind, MemberRow, Observed, ObservedClient, ObservedGroup, ObservedUser, Server,
};

/// Reads a member.
pub(super) fn member(text: &str) -> Member {
    match text.strip_prefix("group:") {
        Some(group) => Member::Group(GroupName::new(group)),
        None => Member::User(user(text)),
    }
}

/// Reads a user.
pub(super) fn user(text: &str) -> UserKey {
    let (origin, username) = text.split_once('/').unwrap_or(("uaa", text));
    UserKey::new(Origin::new(origin), Username::new(username))
}

fn mapping(group: &str, origin: &str, external_group: &str) -> Mapping {
    Mapping {
        group: GroupName::new(group),
        origin: Origin::new(origin),
        external_group: ExternalGroup::new(external_group),
    }
}

/// A server.
#[derive(Clone, Debug)]
pub(super) struct Site(pub(super) Observed);

impl Site {
    /// With the groups that give access to clusters, and nobody in them.
    pub(super) fn new() -> Self {
        let mut site = Self(Observed {
            server: Server {
                url: "https://uaa.example.com".to_owned(),
                issuer: "https://uaa.example.com/oauth/token".to_owned(),
                zone: "uaa".to_owned(),
                uaa_version: "4.30.0".to_owned(),
            },
            me: Identity {
                client_id: Some(ClientId::new("admin")),
                user: None,
                scopes: BTreeSet::from(["uaa.admin".to_owned()]),
            },
            default_groups: Some(BTreeSet::from([GroupName::new("openid")])),
            origins: Some(["uaa", "ldap"].map(Origin::new).into()),
            ..Observed::default()
        });
        for role in ClusterRole::ALL {
            site = site.group(role.group().as_str(), &[]);
        }
        site
    }

    pub(super) fn change(mut self, change: impl FnOnce(&mut Observed)) -> Self {
        change(&mut self.0);
        self
    }

    pub(super) fn user(mut self, name: &str) -> Self {
        let key = user(name);
        let id = Guid::new(format!("id of {key}"));
        self.0.users.insert(
            key.clone(),
            ObservedUser {
                id: id.clone(),
                email: format!("{}@example.com", key.username),
                key: key.clone(),
                given_name: String::new(),
                family_name: String::new(),
                phone: String::new(),
                external_id: String::new(),
                active: true,
                verified: true,
            },
        );
        self.0.names.insert(id, key);
        self
    }

    pub(super) fn users(self, names: &[&str]) -> Self {
        names.iter().fold(self, |site, name| site.user(name))
    }

    pub(super) fn edit(mut self, name: &str, edit: impl FnOnce(&mut ObservedUser)) -> Self {
        edit(self.0.users.get_mut(&user(name)).expect("the user was added before"));
        self
    }

    /// Makes a group, or adds rows to it.
    pub(super) fn group(mut self, name: &str, members: &[&str]) -> Self {
        let group = self.0.groups.entry(GroupName::new(name)).or_insert_with(|| ObservedGroup {
            id: group_id(name),
            name: GroupName::new(name),
            description: String::new(),
            rows: BTreeMap::new(),
        });
        for text in members {
            let (origin, text) = match text.strip_prefix('~') {
                Some(text) => ("ldap", text),
                None => ("uaa", *text),
            };
            let (id, kind) = match (text.strip_prefix('!'), member(text)) {
                (Some(gone), _) => (Guid::new(gone), MemberKind::User),
                (None, Member::User(user)) => (Guid::new(format!("id of {user}")), MemberKind::User),
                (None, Member::Group(group)) => (group_id(group.as_str()), MemberKind::Group),
            };
            group.rows.insert(id, MemberRow { kind, origin: Origin::new(origin) });
        }
        self
    }

    /// Makes a client, or changes one; `scope=a,b` is a property.
    pub(super) fn client(mut self, id: &str, fields: &[&str]) -> Self {
        let id = ClientId::new(id);
        let client = self.0.clients.entry(id.clone());
        let client = client.or_insert_with(|| ObservedClient { id, fields: ClientFields::new() });
        for (field, value) in fields.iter().map(|text| client_field(text)) {
            match value {
                Some(value) => client.fields.insert(field, value),
                None => client.fields.remove(&field),
            };
        }
        client.fields = client::normal(std::mem::take(&mut client.fields));
        self
    }

    pub(super) fn maps(mut self, group: &str, origin: &str, external_group: &str) -> Self {
        self.0.mappings.insert(mapping(group, origin, external_group));
        self
    }

    pub(super) fn clients(mut self, ids: &[&str]) -> Self {
        for id in ids.iter().map(|&id| ClientId::new(id)) {
            self.0.clients.insert(id.clone(), ObservedClient { id, fields: Default::default() });
        }
        self
    }
}

/// Reads a property of a client, `scope=a,b`; nothing after the sign clears it.
pub(super) fn client_field(text: &str) -> (ClientField, Option<ClientValue>) {
    let (name, text) = text.split_once('=').expect("a name and a value");
    let field = ClientField::by_name(name).expect("a property of a client");
    let texts = || text.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect();
    let value = match field.kind() {
        ClientFieldKind::Set => ClientValue::Set(texts()),
        ClientFieldKind::Approvals if text == "true" => ClientValue::All,
        ClientFieldKind::Approvals => ClientValue::Set(texts()),
        _ if text.is_empty() => return (field, None),
        ClientFieldKind::Text => ClientValue::Text(text.to_owned()),
        ClientFieldKind::Seconds => ClientValue::Number(text.parse().expect("a number")),
        ClientFieldKind::Flag => ClientValue::Flag(text == "true"),
        ClientFieldKind::Secret => hidden(text),
        ClientFieldKind::Any => ClientValue::Json(serde_json::from_str(text).expect("JSON")),
    };
    let value = match (&field, value) {
        (ClientField::Allowedproviders, ClientValue::Set(texts)) if texts.is_empty() => None,
        (_, value) => client::stored(&field, value),
    };
    (field, value)
}

fn group_id(name: &str) -> Guid {
    Guid::new(format!("id of group {}", name.to_lowercase()))
}

/// A manifest. Every statement stands on a line of its own.
#[derive(Clone, Debug, Default)]
pub(super) struct Manifest {
    pub(super) desired: Desired,
    pub(super) policy: Policy,
    line: u32,
    file: Option<&'static str>,
}

impl Manifest {
    pub(super) fn new() -> Self {
        Self::default()
    }

    fn because(&mut self) -> Because {
        self.line += 1;
        Because { file: self.file.unwrap_or("pks.yml").to_owned(), line: self.line }
    }

    /// Changes the policy that it is judged by.
    pub(super) fn policy(mut self, change: impl FnOnce(&mut Policy)) -> Self {
        change(&mut self.policy);
        self
    }

    /// What follows stands in this file.
    pub(super) fn file(mut self, name: &'static str) -> Self {
        self.file = Some(name);
        self
    }

    pub(super) fn change(mut self, change: impl FnOnce(&mut Desired)) -> Self {
        change(&mut self.desired);
        self
    }

    /// An entry with password and e-mail address.
    pub(super) fn user(mut self, name: &str) -> Self {
        let because = self.because();
        let key = user(name);
        let said = |value: String| Some(Said { value, because: because.clone() });
        let password = key.origin.is_uaa().then(|| Said {
            value: SecretSource::Variable(format!("{}_password", key.username)),
            because: because.clone(),
        });
        self.desired.users_declared = true;
        self.desired.users.insert(
            key.clone(),
            DesiredUser {
                email: said(format!("{}@example.com", key.username)),
                key,
                given_name: None,
                family_name: None,
                phone: None,
                external_id: None,
                active: None,
                verified: None,
                password,
                previously: None,
                origin_because: because.clone(),
                because,
            },
        );
        self
    }

    pub(super) fn edit(
        mut self,
        name: &str,
        edit: impl FnOnce(&mut DesiredUser, &dyn Fn(&str) -> Option<Said<String>>),
    ) -> Self {
        let because = self.because();
        let said = move |value: &str| Some(Said { value: value.to_owned(), because: because.clone() });
        edit(self.desired.users.get_mut(&user(name)).expect("the user was added before"), &said);
        self
    }

    pub(super) fn active(mut self, name: &str, value: bool) -> Self {
        let because = self.because();
        let user = self.desired.users.get_mut(&user(name)).expect("the user was added before");
        user.active = Some(Said { value, because });
        self
    }

    fn wish(mut self, group: &str, text: &str, state: WishState, by: WishBy) -> Self {
        let because = self.because();
        let wishes = self.desired.memberships.entry(GroupName::new(group)).or_default();
        wishes.insert(member(text), Wish { state, because, by });
        self
    }

    pub(super) fn member(self, group: &str, text: &str) -> Self {
        self.wish(group, text, WishState::Present, WishBy::Members)
    }

    pub(super) fn members(self, group: &str, texts: &[&str]) -> Self {
        texts.iter().fold(self, |manifest, text| manifest.member(group, text))
    }

    pub(super) fn absent(self, group: &str, text: &str) -> Self {
        self.wish(group, text, WishState::Absent, WishBy::AbsentMembers)
    }

    /// `cluster_access`.
    pub(super) fn access(self, name: &str, roles: &[ClusterRole]) -> Self {
        ClusterRole::ALL.into_iter().fold(self, |manifest, role| {
            let state = if roles.contains(&role) { WishState::Present } else { WishState::Absent };
            manifest.wish(role.group().as_str(), name, state, WishBy::ClusterAccess)
        })
    }

    fn group(mut self, name: &str, holds: Holds) -> Self {
        let (because, name) = (self.because(), GroupName::new(name));
        let group =
            DesiredGroup { name: name.clone(), because, description: None, holds, external_groups: None };
        self.desired.groups.insert(name, group);
        self
    }

    pub(super) fn exact(self, name: &str) -> Self {
        self.group(name, Holds::Exactly)
    }

    pub(super) fn additive(self, name: &str) -> Self {
        self.group(name, Holds::AtLeast)
    }

    fn entry(&mut self, name: &str) -> &mut DesiredGroup {
        self.desired.groups.get_mut(&GroupName::new(name)).expect("the group was declared before")
    }

    pub(super) fn description(mut self, name: &str, text: &str) -> Self {
        let because = self.because();
        self.entry(name).description = Some(Said { value: text.to_owned(), because });
        self
    }

    pub(super) fn maps(mut self, name: &str, mappings: &[(&str, &str)]) -> Self {
        let because = self.because();
        let mappings = mappings.iter().map(|(origin, dn)| (mapping(name, origin, dn), because.clone()));
        let mappings = mappings.collect();
        self.entry(name).external_groups = Some(mappings);
        self
    }

    /// `state: absent` on a user.
    pub(super) fn no_user(mut self, name: &str) -> Self {
        let because = self.because();
        self.desired.users_declared = true;
        self.desired.absent.users.insert(user(name), because);
        self
    }

    /// `state: absent` on a group.
    pub(super) fn no_group(mut self, name: &str) -> Self {
        let because = self.because();
        self.desired.absent.groups.insert(GroupName::new(name), because);
        self
    }

    /// `state: absent` on a client.
    pub(super) fn no_client(mut self, id: &str) -> Self {
        let because = self.because();
        self.desired.absent.clients.insert(ClientId::new(id), because);
        self
    }

    /// `state: absent` on a mapping.
    pub(super) fn no_mapping(mut self, group: &str, origin: &str, external_group: &str) -> Self {
        let because = self.because();
        self.desired.absent.mappings.insert(mapping(group, origin, external_group), because);
        self
    }

    pub(super) fn previously(mut self, name: &str, former: &str) -> Self {
        let because = self.because();
        let user = self.desired.users.get_mut(&user(name)).expect("the user was added before");
        user.previously = Some(Said { value: Username::new(former), because });
        self
    }

    pub(super) fn prune_users(mut self, origins: &[&str], except: &[&str], action: PruneAction) -> Self {
        let because = self.because();
        let value = PruneUsers {
            origins: origins.iter().map(|&origin| Origin::new(origin)).collect(),
            except: except.iter().map(|&pattern| pattern.to_owned()).collect(),
            action,
        };
        self.desired.prune.users = Some(Said { value, because });
        self
    }

    pub(super) fn prune_groups(mut self, patterns: &[&str]) -> Self {
        let because = self.because();
        let value = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        self.desired.prune.groups = Some(Said { value, because });
        self
    }

    pub(super) fn prune_clients(mut self, patterns: &[&str]) -> Self {
        let because = self.because();
        let value = patterns.iter().map(|&pattern| pattern.to_owned()).collect();
        self.desired.prune.clients = Some(Said { value, because });
        self
    }

    /// An entry of a client, or more of one: `scope=a,b`, each on a line of its own.
    pub(super) fn client(mut self, id: &str, fields: &[&str]) -> Self {
        let (because, id) = (self.because(), ClientId::new(id));
        self.desired.clients.entry(id.clone()).or_insert_with(|| DesiredClient {
            id: id.clone(),
            because,
            fields: BTreeMap::new(),
            authority_wishes: BTreeMap::new(),
            secret: None,
            token_salt: None,
        });
        for (field, value) in fields.iter().map(|text| client_field(text)) {
            let because = self.because();
            let client = self.desired.clients.get_mut(&id).expect("just made");
            if field == ClientField::TokenSalt && value.is_some() {
                client.token_salt = Some(SecretSource::Variable(format!("{id}_salt")));
            }
            client.fields.insert(field, Said { value, because });
        }
        self
    }

    pub(super) fn secret(mut self, id: &str, value: SecretSource) -> Self {
        let because = self.because();
        let client = self.desired.clients.get_mut(&ClientId::new(id)).expect("the client was added before");
        client.secret = Some(Said { value, because });
        self
    }

    /// `cluster_access` of a client.
    pub(super) fn client_access(mut self, id: &str, roles: &[ClusterRole]) -> Self {
        let because = self.because();
        let client = self.desired.clients.get_mut(&ClientId::new(id)).expect("the client was added before");
        for role in ClusterRole::ALL {
            let value = if roles.contains(&role) { WishState::Present } else { WishState::Absent };
            client.authority_wishes.insert(role.group(), Said { value, because: because.clone() });
        }
        self
    }

    pub(super) fn plan(&self, site: &Site) -> Plan {
        self.allowing(site, &[])
    }

    pub(super) fn allowing(&self, site: &Site, keys: &[&str]) -> Plan {
        let allow: Allow = keys.iter().map(|&key| key.to_owned()).collect();
        super::make(&self.desired, &site.0, &self.policy, &allow)
            .unwrap_or_else(|objections| panic!("no plan: {objections:#?}"))
    }

    pub(super) fn objections(&self, site: &Site) -> Vec<Objection> {
        super::make(&self.desired, &site.0, &Policy::default(), &Allow::new())
            .expect_err("the manifest was to be refused")
    }
}

/// Shows a plan's changes, one a line: number, phase, action, key, what they need, whether implied, risks.
pub(super) fn lines(plan: &Plan) -> Vec<String> {
    let word = |value: serde_json::Value| value.as_str().expect("an enum of words").to_owned();
    plan.changes
        .iter()
        .map(|change| {
            let mut line = format!(
                "{} {} {} {}",
                change.id,
                word(serde_json::to_value(change.phase).expect("a word")),
                word(serde_json::to_value(change.action).expect("a word")),
                change.key
            );
            for field in change.written() {
                line += &format!(" {}", field.name);
            }
            if !change.needs.is_empty() {
                line += &format!(" needs {:?}", change.needs);
            }
            if change.implied {
                line += " implied";
            }
            if !change.risks.is_empty() {
                line += &format!(" {:?}", change.risks);
            }
            line
        })
        .collect()
}

/// Shows what is kept, one item a line.
pub(super) fn kept(plan: &Plan) -> Vec<String> {
    let show = |kept: &Kept| {
        let head = format!("{:?} {:?}", kept.why, kept.kind);
        kept.items.iter().map(move |item| format!("{head} {item}")).collect::<Vec<_>>()
    };
    plan.kept.iter().flat_map(show).collect()
}

/// Shows findings, one a line.
pub(super) fn findings(plan: &Plan) -> Vec<String> {
    plan.findings.iter().map(show_finding).collect()
}

pub(super) fn show_finding(finding: &Finding) -> String {
    let key = finding.key.as_deref().unwrap_or("-");
    let allowed = if finding.allowed { " allowed" } else { "" };
    format!("{key} {:?}{allowed}: {}", finding.changes, finding.message)
}
