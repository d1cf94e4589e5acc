//! Whatever a server holds: its export loads, and a plan of it is empty.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use serde_json::json;

use super::{Choice, Pattern, manifest};
use crate::client::{ClientField, ClientValue, hidden, normal};
use crate::desired::Desired;
use crate::manifest::write::{load, write};
use crate::model::{ClientId, ExternalGroup, GroupName, Guid, Mapping, Origin, UserKey, Username};
use crate::observed::{
    Identity, MemberKind, MemberRow, Observed, ObservedClient, ObservedGroup, ObservedUser, Server,
};
use crate::plan::policy::{Allow, Policy};
use crate::plan::{self, Action, Plan};

/// Names and texts, those that a manifest cannot say among them.
fn texts() -> impl Strategy<Value = String> {
    let odd = [
        "alana",
        "cody",
        "dana@example.com",
        "o'brien",
        "a b",
        " a",
        "a,b",
        "((a))",
        "((",
        "yes",
        "0123",
        "",
        " ",
        "é",
        "山田",
        "a\u{7}b",
        "a\nb",
        "x\u{202e}y",
        "-",
        "a: b",
        "%41",
        "\"",
        "\\",
        "team.ops",
        "Team.Docs",
        "openid",
        "uaa.admin",
        "scim.read",
        "pks.clusters.admin",
        "pks.clusters.manage",
    ];
    prop_oneof![
        8 => prop::sample::select(odd.to_vec()).prop_map(str::to_owned),
        1 => any::<String>(),
        1 => "[a-z]{255}",
    ]
}

fn names() -> impl Strategy<Value = String> {
    texts().prop_filter("UAA has no empty names", |name| !name.is_empty())
}

fn origins() -> impl Strategy<Value = Origin> {
    prop_oneof![
        4 => Just("uaa"),
        2 => Just("ldap"),
        1 => Just("gone idp"),
        1 => Just(" odd "),
    ]
    .prop_map(Origin::new)
}

prop_compose! {
    fn users()(origin in origins(), name in names(), texts in prop::array::uniform5(texts()), flags in any::<[bool; 2]>()) -> ObservedUser {
        let [email, given_name, family_name, phone, external_id] = texts;
        let key = UserKey::new(origin, Username::new(name));
        ObservedUser { id: Guid::new(format!("id of {key}")), key, email, given_name, family_name, phone, external_id, active: flags[0], verified: flags[1] }
    }
}

type Row = (bool, prop::sample::Index, bool, bool);

/// A server: any rows between any of its users, groups and ids that are gone.
fn servers() -> impl Strategy<Value = Observed> {
    let row =
        (any::<bool>(), any::<prop::sample::Index>(), prop::bool::weighted(0.2), prop::bool::weighted(0.2));
    let group = (names(), texts(), prop::collection::vec(row, 0..5));
    let mapping = (any::<prop::sample::Index>(), origins(), names());
    (
        prop::collection::vec(users(), 0..6),
        prop::collection::vec(group, 1..6),
        prop::collection::vec(mapping, 0..5),
        any::<bool>(),
    )
        .prop_map(|(users, groups, mappings, defaults_known)| server(users, groups, mappings, defaults_known))
}

/// Clients as UAA gives them, in normal form, with secrets and values that others have stored there.
fn clients() -> impl Strategy<Value = Vec<ObservedClient>> {
    let set = || prop::collection::btree_set(texts(), 0..3).prop_map(ClientValue::Set);
    let grants = prop::sample::subsequence(
        vec![
            "client_credentials",
            "implicit",
            "authorization_code",
            "password",
            "refresh_token",
            "odd grant",
        ],
        0..3,
    );
    let grants = grants.prop_map(|grants| ClientValue::Set(grants.into_iter().map(str::to_owned).collect()));
    let uris = prop::sample::subsequence(
        vec!["https://a.example.com/cb", "http://localhost:8080/**", "not a uri", "https://*.example.com"],
        0..3,
    );
    let uris = uris.prop_map(|uris| ClientValue::Set(uris.into_iter().map(str::to_owned).collect()));
    let text = || texts().prop_map(ClientValue::Text);
    let seconds = || {
        prop_oneof![
            Just(ClientValue::Number(600)),
            Just(ClientValue::Number(-1)),
            Just(ClientValue::Json(json!("long")))
        ]
    };
    let extra = prop_oneof![
        text(),
        Just(ClientValue::Flag(true)),
        Just(ClientValue::Number(7)),
        Just(ClientValue::Json(json!({"a b": [1, null, "((x))", {"c": 1.5}]}))),
        Just(hidden("a secret")),
    ];
    let approvals = prop_oneof![Just(ClientValue::All), set()];
    let fields = (
        (grants, set(), set(), uris, approvals),
        (seconds(), seconds(), text(), set(), set()),
        (any::<bool>(), text(), text(), prop::collection::btree_map(names(), extra, 0..3)),
        prop::collection::vec(any::<bool>(), 15),
    );
    let client = (names(), fields).prop_map(|(id, fields)| {
        let (
            (grants, scope, authorities, uris, approvals),
            (access, refresh, name, providers, groups),
            (flag, created, icon, extra),
            has,
        ) = fields;
        let all = [
            (ClientField::AuthorizedGrantTypes, grants),
            (ClientField::Scope, scope),
            (ClientField::Authorities, authorities),
            (ClientField::RedirectUri, uris),
            (ClientField::Autoapprove, approvals),
            (ClientField::AccessTokenValidity, access),
            (ClientField::RefreshTokenValidity, refresh),
            (ClientField::Name, name),
            (ClientField::Allowedproviders, providers),
            (ClientField::RequiredUserGroups, groups),
            (ClientField::Allowpublic, ClientValue::Flag(flag)),
            (ClientField::Createdwith, created),
            (ClientField::AppIcon, icon),
            (ClientField::ShowOnHomePage, ClientValue::Flag(flag)),
            (ClientField::TokenSalt, hidden("salt")),
        ];
        let named = all.into_iter().zip(has).filter(|(_, has)| *has).map(|(field, _)| field);
        let extra = extra.into_iter().map(|(name, value)| (ClientField::Extra(name), value));
        ObservedClient { id: ClientId::new(id), fields: normal(named.chain(extra).collect()) }
    });
    prop::collection::vec(client, 0..4)
}

fn server(
    users: Vec<ObservedUser>,
    groups: Vec<(String, String, Vec<Row>)>,
    mappings: Vec<(prop::sample::Index, Origin, String)>,
    defaults_known: bool,
) -> Observed {
    let users: BTreeMap<UserKey, ObservedUser> =
        users.into_iter().map(|user| (user.key.clone(), user)).collect();
    let ids: Vec<Guid> = users.values().map(|user| user.id.clone()).collect();
    let mut seen = BTreeSet::new();
    let groups: Vec<_> = groups.into_iter().filter(|(name, ..)| seen.insert(name.to_lowercase())).collect();
    let group_id = |name: &str| Guid::new(format!("id of group {name}"));
    let group_ids: Vec<Guid> = groups.iter().map(|(name, ..)| group_id(name)).collect();
    let group_names: Vec<GroupName> = groups.iter().map(|(name, ..)| GroupName::new(name.as_str())).collect();
    let observed = groups.into_iter().map(|(name, description, rows)| {
        let rows = rows.into_iter().map(|(user, index, gone, login)| {
            let (kind, id) = match (user, gone) {
                (_, true) => (MemberKind::User, Guid::new(format!("gone {}", index.index(9)))),
                (true, false) if !ids.is_empty() => (MemberKind::User, index.get(&ids).clone()),
                (_, false) => (MemberKind::Group, index.get(&group_ids).clone()),
            };
            (id, MemberRow { kind, origin: Origin::new(if login { "ldap" } else { "uaa" }) })
        });
        let name = GroupName::new(name);
        let group = ObservedGroup {
            id: group_id(name.as_str()),
            name: name.clone(),
            description,
            rows: rows.collect(),
        };
        (name, group)
    });
    let groups = observed.collect();
    let mapping = |(index, origin, name): (prop::sample::Index, Origin, String)| Mapping {
        group: index.get(&group_names).clone(),
        origin,
        external_group: ExternalGroup::new(&name),
    };
    let default = GroupName::new("openid");
    Observed {
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
        names: users.values().map(|user| (user.id.clone(), user.key.clone())).collect(),
        users,
        groups,
        mappings: mappings
            .into_iter()
            .map(mapping)
            .filter(|mapping| !mapping.external_group.as_str().is_empty())
            .collect(),
        default_groups: defaults_known.then(|| BTreeSet::from([default])),
        origins: Some(["uaa", "ldap"].map(Origin::new).into()),
        ..Observed::default()
    }
}

/// Exports, loads and plans.
fn planned(choice: &Choice, observed: &Observed) -> (String, Desired, Plan) {
    let written = write(&manifest(choice, observed)).expect("it can be written");
    let desired = load(&written.text, &written.variables).desired;
    let plan = plan::make(&desired, observed, &Policy::default(), &Allow::new())
        .unwrap_or_else(|objections| panic!("{}\n{objections:#?}", written.text));
    (written.text, desired, plan)
}

fn patterns(texts: &[&str]) -> Vec<Pattern> {
    texts.iter().map(|&text| Pattern::new(text)).collect()
}

fn choices() -> impl Strategy<Value = Choice> {
    prop_oneof![
        Just(Choice::default()),
        Just(Choice { built_ins: true, ..Choice::default() }),
        Just(Choice { users: patterns(&["*a*"]), ..Choice::default() }),
        Just(Choice { groups: patterns(&["*a*", "openid"]), ..Choice::default() }),
        Just(Choice { clients: patterns(&["*"]), ..Choice::default() }),
        Just(Choice { users: patterns(&["ldap/*"]), groups: patterns(&["pks.*"]), ..Choice::default() }),
    ]
}

proptest! {
    #[test]
    fn the_plan_of_an_export_is_empty(choice in choices(), observed in servers(), clients in clients()) {
        let clients = clients.into_iter().map(|client| (client.id.clone(), client)).collect();
        let observed = Observed { clients, ..observed };
        let (text, desired, plan) = planned(&choice, &observed);
        prop_assert!(plan.is_empty() && plan.findings.is_empty(), "{text}\n{plan:#?}");
        for client in desired.clients.values() {
            let held = &observed.clients[&client.id].fields;
            for (field, said) in &client.fields {
                prop_assert_eq!(said.value.as_ref(), held.get(field), "{} of {}\n{}", field, client.id, text);
            }
        }
    }

    // Disaster recovery: what a manifest can say is said, all of it.
    #[test]
    fn an_emptied_server_gets_everything_back(observed in plain_servers()) {
        let choice = Choice { users: patterns(&["*"]), groups: patterns(&["*"]), ..Choice::default() };
        let written = write(&manifest(&choice, &observed)).expect("it can be written");
        prop_assert_eq!(&written.left_out, &Vec::<String>::new());
        let desired = load(&written.text, &written.variables).desired;
        let emptied = Observed {
            users: BTreeMap::new(), names: BTreeMap::new(), groups: BTreeMap::new(), mappings: BTreeSet::new(), ..observed.clone()
        };
        let plan = plan::make(&desired, &emptied, &Policy::default(), &Allow::new())
            .unwrap_or_else(|objections| panic!("{}\n{objections:#?}", written.text));
        let count = |action| plan.changes.iter().filter(|change| change.action == action).count();
        let rows = observed.groups.values().flat_map(|group| group.rows.iter().map(move |(id, row)| (group, id, row)));
        let managed = rows.filter(|(group, id, row)| {
            let exists = observed.names.contains_key(*id) || observed.group_by_id(id).is_some();
            row.origin.is_uaa() && exists && group.id != **id
        });
        prop_assert_eq!(count(Action::CreateUser), observed.users.len(), "{}", written.text);
        prop_assert_eq!(count(Action::CreateGroup), observed.groups.len(), "{}", written.text);
        prop_assert_eq!(count(Action::AddMember), managed.count(), "{}", written.text);
        prop_assert_eq!(count(Action::MapExternalGroup), observed.mappings.len(), "{}", written.text);
    }
}

/// Servers with nothing that a manifest cannot say, rows of logins and of users that are gone apart.
fn plain_servers() -> impl Strategy<Value = Observed> {
    let row =
        (any::<bool>(), any::<prop::sample::Index>(), prop::bool::weighted(0.2), prop::bool::weighted(0.2));
    let name = "team\\.[a-z]{1,3}";
    let group = (name, "[a-zé: #-]{0,9}x", prop::collection::vec(row, 0..5));
    let origin = || prop_oneof![Just(Origin::uaa()), Just(Origin::new("ldap"))];
    let mapping = (any::<prop::sample::Index>(), origin(), "cn=[a-zA-Z ,\"']{1,9}");
    let user = (origin(), "[a-zé.+'!@-]{1,5}x", "[a-z]{1,3}@example\\.com", any::<[bool; 2]>()).prop_map(
        |(origin, name, email, flags)| {
            let key = UserKey::new(origin, Username::new(name));
            let text = String::new;
            ObservedUser {
                id: Guid::new(format!("id of {key}")),
                key,
                email,
                given_name: text(),
                family_name: text(),
                phone: text(),
                external_id: text(),
                active: flags[0],
                verified: flags[1],
            }
        },
    );
    (
        prop::collection::vec(user, 0..6),
        prop::collection::vec(group, 1..6),
        prop::collection::vec(mapping, 0..5),
    )
        .prop_map(|(users, groups, mappings)| {
            let mut observed = server(users, groups, mappings, true);
            // A group in itself is one of the things that cannot be said.
            for group in observed.groups.values_mut() {
                let id = group.id.clone();
                group.rows.remove(&id);
            }
            observed
        })
}
