//! What holds for every plan, over small random servers and manifests.
//!
//! Few names, so that everything meets everything: users of two origins, groups that nest in circles, a default group,
//! a privileged one, rows of logins, rows without a member.

mod back;

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::diff::clients::target;
use super::diff::users::user_of;
use super::policy::{Allow, MustHave, NamePattern, Policy};
use super::project::project;
use super::saved::{Saved, judge};
use super::worlds::{Manifest, Site, member, user};
use super::{Action, Change, KeptWhy, Kind, Object, Phase, Plan, Rail, scope};
use crate::client::{ClientField, ClientFields, ClientValue};
use crate::desired::{Holds, PruneAction, Said, SecretSource};
use crate::model::{ClientId, ClusterRole, GroupName, Guid, Member, Origin, UserKey};
use crate::observed::{MemberKind, Observed};

const USERS: [&str; 6] = ["a", "b", "c", "me", "ldap/a", "ldap/d"];
const GROUPS: [&str; 6] = ["team", "Ops", "openid", "uaa.admin", "pks.clusters.admin", "pks.clusters.manage"];
/// A group that only a server can have: no manifest can write this name.
const CUT: &str = "UAA.admin,pks.clusters.admin";
const NAMES: [&str; 3] = ["", "X", "Y"];
/// `admin` is the client that we are logged in as.
const CLIENTS: [&str; 3] = ["ci", "app", "admin"];
const PROPERTIES: [&str; 37] = [
    "authorized_grant_types=client_credentials",
    "authorized_grant_types=authorization_code",
    "authorized_grant_types=implicit,client_credentials",
    "authorized_grant_types=password,refresh_token",
    "scope=",
    "scope=a,b",
    "scope=b,uaa.admin",
    "scope=uaa.none,c",
    "authorities=",
    "authorities=a",
    "authorities=uaa.admin,b",
    "authorities=a,pks.clusters.admin",
    "redirect_uri=",
    "redirect_uri=https://a,https://b",
    "redirect_uri=https://b,https://c",
    "autoapprove=",
    "autoapprove=true",
    "autoapprove=a,c",
    "autoapprove=uaa.admin",
    "required_user_groups=",
    "required_user_groups=a",
    "required_user_groups=a,b",
    "required_user_groups=b",
    "allowedproviders=",
    "allowedproviders=uaa,ldap",
    "allowedproviders=ldap",
    "allowedproviders=uaa",
    "allowpublic=true",
    "allowpublic=false",
    "access_token_validity=600",
    "access_token_validity=",
    "name=X",
    "name=",
    "show_on_home_page=false",
    "extra.note={\"variable\":\"x\"}",
    "extra.note=[\"x\",\"y\"]",
    "extra.note=null",
];

fn members() -> Vec<String> {
    let groups = GROUPS.iter().map(|group| format!("group:{group}"));
    USERS.iter().map(|user| (*user).to_owned()).chain(groups).collect()
}

fn a_site() -> impl Strategy<Value = Site> {
    let existing = proptest::sample::subsequence(USERS.to_vec(), 0..=USERS.len());
    let groups = proptest::sample::subsequence(GROUPS.to_vec(), 0..=GROUPS.len());
    let rows = proptest::collection::vec((0..=GROUPS.len(), 0..members().len() + 1, 0..4), 0..20);
    let mappings = proptest::collection::vec((0..GROUPS.len(), 0..3_usize), 0..5);
    let fields = proptest::collection::vec((0..NAMES.len(), any::<bool>(), any::<bool>()), USERS.len());
    let clients = proptest::collection::vec((0..CLIENTS.len(), properties()), 0..4);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (existing, groups, rows, mappings, fields, flags, clients).prop_map(
        |(existing, groups, rows, mappings, fields, (with_me, defaults_known, with_cut), clients)| {
            let mut site = Site::new().users(&existing);
            for (client, properties) in clients {
                site = site.client(CLIENTS[client], &["authorized_grant_types=password"]);
                site = site.client(CLIENTS[client], &properties);
                let client = &site.0.clients[&ClientId::new(CLIENTS[client])];
                if lacks_redirect(&client.fields) {
                    let id = client.id.clone();
                    site = site.client(id.as_str(), &["redirect_uri=https://a"]);
                }
            }
            for (name, (given, active, verified)) in USERS.iter().zip(fields) {
                if existing.contains(name) {
                    site = site.edit(name, |user| {
                        user.given_name = NAMES[given].to_owned();
                        (user.active, user.verified) = (active, verified);
                    });
                }
            }
            for group in &groups {
                site = site.group(group, &[]);
            }
            if with_cut {
                site = site.group(CUT, &[]);
            }
            let there = |name: &str, site: &Site| site.0.groups.contains_key(&GroupName::new(name));
            for (group, who, origin) in rows {
                let group = GROUPS.get(group).copied().unwrap_or(CUT);
                let text = members().get(who).cloned().unwrap_or_else(|| "!gone".to_owned());
                let exists = match text.strip_prefix("group:") {
                    Some(inner) => inner != group && there(inner, &site),
                    None => text.starts_with('!') || existing.contains(&text.as_str()),
                };
                if there(group, &site) && exists {
                    let text = if origin == 0 { format!("~{text}") } else { text };
                    site = site.group(group, &[&text]);
                }
            }
            for (group, which) in mappings {
                if there(GROUPS[group], &site) {
                    site = site.maps(GROUPS[group], "ldap", ["cn=x", "cn=y", "cn=a/b"][which]);
                }
            }
            site.change(|observed| {
                if with_me {
                    observed.me.user = Some(user("me"));
                    observed.me.scopes = BTreeSet::from(["uaa.admin".to_owned()]);
                }
                if !defaults_known {
                    observed.default_groups = None;
                }
            })
        },
    )
}

fn properties() -> impl Strategy<Value = Vec<&'static str>> {
    proptest::sample::subsequence(PROPERTIES.to_vec(), 0..12).prop_shuffle()
}

/// Tells whether UAA would refuse the client.
fn lacks_redirect(client: &ClientFields) -> bool {
    let grants = set(client, &ClientField::AuthorizedGrantTypes);
    let needs = grants.iter().any(|grant| grant == "authorization_code" || grant == "implicit");
    needs && !client.contains_key(&ClientField::RedirectUri)
}

fn set(client: &ClientFields, field: &ClientField) -> BTreeSet<String> {
    client.get(field).and_then(ClientValue::as_set).cloned().unwrap_or_default()
}

/// Which client, some properties, and maybe `cluster_access`.
type ClientWords = (usize, Vec<&'static str>, Option<Vec<ClusterRole>>);

#[derive(Clone, Debug)]
struct Words {
    clients: Vec<ClientWords>,
    users: Vec<(usize, usize, Option<bool>)>,
    groups: Vec<(usize, bool, Option<Vec<usize>>)>,
    wishes: Vec<(usize, usize, bool)>,
    access: Vec<(usize, Vec<ClusterRole>)>,
    goes: Goes,
}

/// What shall not exist, is pruned, or was called otherwise.
#[derive(Clone, Debug)]
struct Goes {
    users: Vec<usize>,
    groups: Vec<usize>,
    clients: Vec<usize>,
    mappings: Vec<(usize, usize)>,
    former: Vec<(usize, usize)>,
    prune_users: Option<(bool, bool)>,
    prune_groups: Option<usize>,
    prune_clients: bool,
}

/// Mostly nothing goes, so that what stays is met as often as before.
fn goes() -> impl Strategy<Value = Goes> {
    (
        proptest::collection::vec(0..USERS.len(), 0..3),
        proptest::collection::vec(0..GROUPS.len(), 0..3),
        proptest::collection::vec(0..CLIENTS.len(), 0..3),
        proptest::collection::vec((0..GROUPS.len(), 0..3_usize), 0..3),
        proptest::collection::vec((0..USERS.len(), 0..USERS.len()), 0..2),
        proptest::option::weighted(0.3, (any::<bool>(), any::<bool>())),
        proptest::option::weighted(0.3, 0..2_usize),
        proptest::bool::weighted(0.3),
    )
        .prop_map(
            |(users, groups, clients, mappings, former, prune_users, prune_groups, prune_clients)| Goes {
                users,
                groups,
                clients,
                mappings,
                former,
                prune_users,
                prune_groups,
                prune_clients,
            },
        )
}

fn words() -> impl Strategy<Value = Words> {
    let roles = proptest::sample::subsequence(ClusterRole::ALL.to_vec(), 0..=3);
    let mappings = proptest::option::of(proptest::collection::vec(0..3_usize, 0..3));
    (
        proptest::collection::vec((0..USERS.len(), 0..4_usize, any::<Option<bool>>()), 0..5),
        proptest::collection::vec((0..GROUPS.len(), any::<bool>(), mappings), 0..5),
        proptest::collection::vec((0..GROUPS.len(), 0..members().len(), any::<bool>()), 0..10),
        proptest::collection::vec((0..USERS.len(), roles.clone()), 0..4),
        proptest::collection::vec((0..CLIENTS.len(), properties(), proptest::option::of(roles)), 0..4),
        goes(),
    )
        .prop_map(|(users, groups, wishes, access, clients, goes)| Words {
            clients,
            users,
            groups,
            wishes,
            access,
            goes,
        })
}

/// Turns words into a manifest that the server has no objection to.
fn manifest(words: &Words, site: &Site) -> Manifest {
    let mut manifest = Manifest::new();
    let goes = &words.goes;
    for &index in &goes.users {
        manifest = manifest.no_user(USERS[index]);
    }
    for &index in &goes.groups {
        manifest = manifest.no_group(GROUPS[index]);
    }
    for &index in &goes.clients {
        manifest = manifest.no_client(CLIENTS[index]);
    }
    let gone = |text: &str, manifest: &Manifest| match member(text) {
        Member::User(key) => manifest.desired.absent.users.contains_key(&key),
        Member::Group(group) => manifest.desired.absent.groups.contains_key(&group),
    };
    // The names that users had are used nowhere else, and of each pair the server has one at most.
    let former: Vec<(&str, &str)> = goes
        .former
        .iter()
        .map(|&(new, old)| (USERS[new], USERS[old]))
        .filter(|(new, old)| {
            let free = |name: &str| user(name).origin.is_uaa() && !gone(name, &manifest);
            let there = |name: &str| site.0.users.contains_key(&user(name));
            new != old && free(new) && free(old) && !(there(new) && there(old))
        })
        .collect();
    let is_former = |text: &str| former.iter().any(|(_, old)| *old == text);
    for &(index, given, active) in &words.users {
        let name = USERS[index];
        if manifest.desired.users.contains_key(&user(name)) || gone(name, &manifest) || is_former(name) {
            continue;
        }
        manifest = manifest.user(name);
        if let Some(given) = NAMES.get(given) {
            manifest = manifest.edit(name, |user, said| user.given_name = said(given));
        }
        if given == 3 {
            manifest = manifest.edit(name, |user, said| user.email = said("new@example.com"));
        }
        if let Some(active) = active {
            manifest = manifest.active(name, active);
        }
    }
    for (index, exact, mappings) in &words.groups {
        let name = GROUPS[*index];
        if gone(&format!("group:{name}"), &manifest) {
            continue;
        }
        manifest = if *exact { manifest.exact(name) } else { manifest.additive(name) };
        if let Some(mappings) = mappings {
            let dns = mappings.iter().map(|which| ("ldap", ["cn=x", "cn=z", "cn=c;d"][*which]));
            manifest = manifest.maps(name, &dns.collect::<Vec<_>>());
        }
    }
    let exists = |text: &str, manifest: &Manifest| match member(text) {
        Member::User(key) => site.0.users.contains_key(&key) || manifest.desired.users.contains_key(&key),
        Member::Group(group) => {
            site.0.groups.contains_key(&group) || manifest.desired.groups.contains_key(&group)
        }
    };
    for &(group, who, present) in &words.wishes {
        let (group, text) = (GROUPS[group], &members()[who]);
        let group_there = exists(&format!("group:{group}"), &manifest);
        if text == &format!("group:{group}") || is_former(text) {
            continue;
        }
        if !present {
            manifest = manifest.absent(group, text);
        } else if gone(text, &manifest) || gone(&format!("group:{group}"), &manifest) {
            continue;
        } else if group_there && exists(text, &manifest) {
            manifest = manifest.member(group, text);
        }
    }
    for (index, roles) in &words.access {
        let gone = |role: &ClusterRole| manifest.desired.absent.groups.contains_key(&role.group());
        if manifest.desired.users.contains_key(&user(USERS[*index])) && !roles.iter().any(gone) {
            manifest = manifest.access(USERS[*index], roles);
        }
    }
    for (new, old) in &former {
        if manifest.desired.users.contains_key(&user(new))
            && manifest.desired.users[&user(new)].previously.is_none()
        {
            manifest = manifest.previously(new, old);
        }
    }
    for &(group, which) in &goes.mappings {
        let (name, dn) = (GroupName::new(GROUPS[group]), ["cn=x", "cn=y", "cn=a/b"][which]);
        let wanted = |group: &crate::desired::DesiredGroup| {
            let wanted = group.external_groups.iter().flat_map(|wanted| wanted.keys());
            wanted.filter(|mapping| mapping.external_group.as_str() == dn).count() > 0
        };
        if manifest.desired.groups.get(&name).is_some_and(|group| !wanted(group)) {
            manifest = manifest.no_mapping(GROUPS[group], "ldap", dn);
        }
    }
    if let Some((all, delete)) = goes.prune_users {
        let origins = if all { &["uaa", "ldap"][..] } else { &["uaa"] };
        let action = if delete { PruneAction::Delete } else { PruneAction::Deactivate };
        manifest = manifest.prune_users(origins, &["b*"], action);
    }
    if let Some(which) = goes.prune_groups {
        manifest = manifest.prune_groups([&["t*"][..], &["*"]][which]);
    }
    if goes.prune_clients {
        manifest = manifest.prune_clients(&["*"]);
    }
    for (index, properties, roles) in &words.clients {
        let name = CLIENTS[*index];
        let id = ClientId::new(name);
        if manifest.desired.absent.clients.contains_key(&id) {
            continue;
        }
        manifest = manifest.client(name, properties);
        if let Some(roles) = roles {
            manifest = manifest.client_access(name, roles);
        }
        let before = site.0.clients.get(&id);
        let grants = ClientField::AuthorizedGrantTypes;
        if before.is_none() && !manifest.desired.clients[&id].fields.contains_key(&grants) {
            manifest = manifest.client(name, &["authorized_grant_types=client_credentials"]);
        }
        if before.is_none() {
            manifest = manifest.secret(name, SecretSource::Literal);
        }
        let before = before.map(|client| client.fields.clone()).unwrap_or_default();
        if lacks_redirect(&target(&manifest.desired.clients[&id], &before)) {
            manifest = manifest.client(name, &["redirect_uri=https://b"]);
        }
    }
    manifest
}

type Rows = BTreeSet<(GroupName, Guid, Origin)>;

fn rows(observed: &Observed) -> Rows {
    let rows = |group: &crate::observed::ObservedGroup| {
        let name = group.name.clone();
        group
            .rows
            .iter()
            .map(move |(id, row)| (name.clone(), id.clone(), row.origin.clone()))
            .collect::<Vec<_>>()
    };
    observed.groups.values().flat_map(rows).collect()
}

/// Who holds a group's scope, followed row by row as a reader would (no index, no cache).
fn holders(observed: &Observed, group: &GroupName) -> BTreeSet<Guid> {
    let mut seen = BTreeSet::new();
    let gives = |other: &&GroupName| other.scopes().any(|scope| scope == *group);
    let mut open: Vec<GroupName> = observed.groups.keys().filter(gives).cloned().collect();
    let mut users = BTreeSet::new();
    while let Some(name) = open.pop() {
        if !seen.insert(name.clone()) {
            continue;
        }
        for (id, row) in observed.groups.get(&name).into_iter().flat_map(|group| &group.rows) {
            match row.kind {
                MemberKind::User => {
                    users.insert(id.clone());
                }
                MemberKind::Group => open.extend(observed.group_by_id(id).map(|group| group.name.clone())),
            }
        }
    }
    users
}

/// The manifest that says what the server has.
fn described(site: &Site) -> Manifest {
    let mut manifest = Manifest::new();
    for observed in site.0.users.values() {
        let text = observed.key.to_string();
        manifest = manifest
            .user(&text)
            .edit(&text, |user, said| {
                user.email = said(&observed.email);
                user.given_name = said(&observed.given_name);
            })
            .active(&text, observed.active);
    }
    for group in site.0.groups.values() {
        let name = group.name.as_str();
        let dns: Vec<(&str, &str)> = site
            .0
            .mappings
            .iter()
            .filter(|mapping| mapping.group == group.name)
            .map(|mapping| (mapping.origin.as_str(), mapping.external_group.as_str()))
            .collect();
        manifest = manifest.exact(name).maps(name, &dns);
        for (id, row) in group.rows.iter().filter(|(_, row)| row.origin.is_uaa()) {
            let text = match row.kind {
                MemberKind::User => site.0.names.get(id).map(ToString::to_string),
                MemberKind::Group => site.0.group_by_id(id).map(|group| format!("group:{}", group.name)),
            };
            manifest = text.into_iter().fold(manifest, |manifest, text| manifest.member(name, &text));
        }
    }
    for client in site.0.clients.values() {
        manifest = manifest.client(client.id.as_str(), &[]).change(|desired| {
            let entry = desired.clients.get_mut(&client.id).expect("just added");
            for field in ClientField::NAMED.into_iter().chain([ClientField::Extra("note".to_owned())]) {
                let value = client.fields.get(&field).cloned();
                entry.fields.insert(field, Said { value, because: entry.because.clone() });
            }
        });
    }
    manifest
}

/// Cuts an observation down to what was asked for, as a look-up would.
fn looked_up(observed: &Observed, manifest: &Manifest) -> Observed {
    let asked = scope(&manifest.desired, &manifest.policy);
    let mut cut = observed.clone();
    cut.users.retain(|key, _| asked.all_users || asked.users.contains(key));
    let named: BTreeSet<&Guid> = observed
        .groups
        .values()
        .filter(|group| asked.names_members_of(&group.name))
        .flat_map(|group| group.rows.keys())
        .collect();
    cut.names.retain(|id, _| named.contains(id));
    if asked.origins.is_empty() {
        cut.origins = None;
    }
    cut.clients.retain(|id, _| asked.clients.all || asked.clients.named.contains(id));
    for (id, client) in &mut cut.clients {
        client.fields.retain(|field, _| {
            (*field != ClientField::RequiredUserGroups || asked.clients.asks_for_user_groups(id))
                && (!field.is_metadata() || asked.clients.asks_for_metadata(id))
        });
    }
    cut
}

/// A policy with something to say about most plans.
fn strict(policy: &mut Policy) {
    let must = |minimum, required: &[&str]| MustHave {
        minimum,
        required: required.iter().map(|text| member(text)).collect(),
    };
    policy.members.insert("uaa.admin".into(), must(1, &["a", "ldap/a"]));
    policy.members.insert("team".into(), must(2, &["group:Ops"]));
    let protected =
        ["user/b", "group/ops", "client/app"].map(|text| NamePattern::new(text).expect("a pattern"));
    policy.protected = protected.into();
}

fn json(plan: &Plan) -> String {
    serde_json::to_string(plan).expect("a plan is JSON")
}

fn object_text(object: &Object) -> String {
    serde_json::to_string(object).expect("an object is JSON")
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_the_manifest_says_as_it_is_changes_nothing(site in a_site()) {
        let plan = described(&site).plan(&site);
        prop_assert_eq!(plan.changes, vec![]);
        prop_assert_eq!(plan.findings, vec![]);
    }

    #[test]
    fn the_state_that_a_plan_leads_to_needs_no_plan(site in a_site(), words in words()) {
        let manifest = manifest(&words, &site);
        let plan = manifest.plan(&site);
        let after = Site(project(&site.0, &plan.changes));
        // Nobody is pruned who holds something privileged, also if this plan takes it: the next one will.
        let kept: BTreeSet<&String> =
            plan.kept.iter().filter(|kept| kept.why == KeptWhy::Privileged).flat_map(|kept| &kept.items).collect();
        let second = manifest.plan(&after).changes;
        let pruned_late = |change: &Change| user_of(&change.object).is_some_and(|user| kept.contains(&user.to_string()));
        prop_assert_eq!(second.into_iter().filter(|change| !pruned_late(change)).collect::<Vec<_>>(), vec![]);
    }

    #[test]
    fn nothing_is_deleted_that_is_not_named_or_of_a_form_that_is_pruned(site in a_site(), words in words()) {
        let manifest = manifest(&words, &site);
        let desired = &manifest.desired;
        let plan = manifest.plan(&site);
        let admin = GroupName::new("uaa.admin");
        for (place, change) in plan.changes.iter().enumerate() {
            match (change.action, &change.object) {
                (Action::DeleteUser, Object::User { .. }) => {
                    let key = user_of(&change.object).expect("a user");
                    let observed = &site.0.users[&key];
                    let rule = desired.prune.users.as_ref();
                    let pruned = rule.is_some_and(|rule| {
                        rule.value.action == PruneAction::Delete && rule.value.origins.contains(&key.origin)
                    });
                    prop_assert_eq!(!desired.absent.users.contains_key(&key), change.implied);
                    prop_assert!(!change.implied || pruned && !scope(desired, &Policy::default()).users.contains(&key));
                    prop_assert!(!change.implied || !key.username.folded().starts_with('b'));
                    prop_assert!(!change.implied || !holders(&site.0, &admin).contains(&observed.id));
                    prop_assert!(!change.implied || site.0.me.user.as_ref() != Some(&key));
                    // Each membership that UAA may forget is gone before.
                    let then = project(&site.0, &plan.changes[..place]);
                    let left = rows(&then).into_iter().filter(|(_, id, _)| *id == observed.id);
                    prop_assert_eq!(left.collect::<Vec<_>>(), vec![]);
                }
                (Action::DeleteGroup, Object::Group { group }) => {
                    prop_assert_eq!(!desired.absent.groups.contains_key(group), change.implied);
                    let built_in = super::shipped::is_platform_group(group)
                        || super::shipped::default_groups(&site.0).contains(group);
                    prop_assert!(!change.implied || desired.prune.groups.is_some() && !built_in);
                    prop_assert!(!desired.groups.contains_key(group));
                }
                (Action::DeleteClient, Object::Client { client_id }) => {
                    prop_assert_eq!(!desired.absent.clients.contains_key(client_id), change.implied);
                    let built_in = ["admin", "cf"].contains(&client_id.as_str());
                    prop_assert!(!change.implied || desired.prune.clients.is_some() && !built_in);
                }
                _ => {}
            }
        }
        for kind in [Kind::User, Kind::Group, Kind::Client] {
            let pruned = plan.changes.iter().any(|change| change.implied && change.kind == kind);
            let said = plan.findings.iter().any(|finding| {
                finding.rail == Rail::Prune
                    && finding.changes.iter().all(|&id| plan.changes[id as usize].kind == kind)
            });
            prop_assert_eq!(pruned, said);
        }
    }

    #[test]
    fn what_is_not_managed_stays_as_it_is(site in a_site(), words in words()) {
        let manifest = manifest(&words, &site);
        let desired = &manifest.desired;
        let after = project(&site.0, &manifest.plan(&site).changes);
        let ids: BTreeMap<&Guid, &crate::observed::ObservedUser> =
            after.users.values().map(|user| (&user.id, user)).collect();
        let pruned = |key: &UserKey| {
            desired.prune.users.as_ref().is_some_and(|prune| prune.value.origins.contains(&key.origin))
                && !scope(desired, &Policy::default()).users.contains(key)
        };
        for (key, before) in &site.0.users {
            // Others say who is deleted, suspended and renamed.
            if pruned(key) || desired.absent.users.contains_key(key) {
                continue;
            }
            let after = ids[&before.id];
            if after.key != before.key {
                let said = desired.users[&after.key].previously.as_ref();
                prop_assert_eq!(said.map(|said| &said.value), Some(&before.key.username));
                continue;
            }
            match desired.users.get(key) {
                None => prop_assert_eq!(before, after),
                Some(user) => {
                    prop_assert_eq!(&before.family_name, &after.family_name);
                    prop_assert_eq!(before.verified, after.verified);
                    prop_assert!(user.active.is_some() || before.active == after.active);
                    prop_assert!(user.given_name.is_some() || before.given_name == after.given_name);
                    prop_assert!(key.origin.is_uaa() || before.email == after.email);
                }
            }
        }
        let defaults = super::shipped::default_groups(&site.0);
        for (name, before) in &site.0.groups {
            let entry = desired.groups.get(name);
            let exact = entry.is_some_and(|entry| entry.holds == Holds::Exactly);
            let wishes = desired.memberships.get(name);
            let Some(group) = after.groups.get(name) else {
                prop_assert!(desired.absent.groups.contains_key(name) || desired.prune.groups.is_some());
                continue;
            };
            let rows_after = &group.rows;
            for (id, row) in &before.rows {
                let who = match row.kind {
                    MemberKind::User => site.0.names.get(id).cloned().map(Member::User),
                    MemberKind::Group => site.0.group_by_id(id).map(|group| Member::Group(group.name.clone())),
                };
                let gone = match &who {
                    Some(Member::User(user)) => !after.users.values().any(|after| after.id == *id || after.key == *user),
                    Some(Member::Group(group)) => !after.groups.contains_key(group),
                    None => false,
                };
                let renamed = ids.get(id).is_some_and(|user| site.0.names.get(id) != Some(&user.key));
                if gone || renamed {
                    continue;
                }
                let spoken_about = exact || who.as_ref().is_some_and(|who| wishes.is_some_and(|wishes| wishes.contains_key(who)));
                if !spoken_about || who.is_none() || !row.origin.is_uaa() || defaults.contains(name) {
                    prop_assert_eq!(rows_after.get(id), Some(row));
                }
            }
            let mappings = |observed: &Observed| -> Vec<_> {
                observed.mappings.iter().filter(|mapping| mapping.group == *name).cloned().collect()
            };
            let absent = desired.absent.mappings.keys().any(|mapping| mapping.group == *name);
            if !absent && entry.is_none_or(|entry| entry.external_groups.is_none()) {
                prop_assert_eq!(mappings(&site.0), mappings(&after));
            }
        }
    }

    #[test]
    fn what_of_a_client_is_not_managed_stays_as_it_is(site in a_site(), words in words()) {
        let manifest = manifest(&words, &site);
        let after = project(&site.0, &manifest.plan(&site).changes);
        for (id, before) in &site.0.clients {
            let Some(after) = after.clients.get(id) else {
                let desired = &manifest.desired;
                prop_assert!(desired.absent.clients.contains_key(id) || desired.prune.clients.is_some());
                continue;
            };
            let Some(entry) = manifest.desired.clients.get(id) else {
                prop_assert_eq!(before, after);
                continue;
            };
            for field in before.fields.keys().chain(after.fields.keys()) {
                let wishes = *field == ClientField::Authorities && !entry.authority_wishes.is_empty();
                if entry.fields.contains_key(field) || wishes {
                    continue;
                }
                if *field == ClientField::Autoapprove && entry.fields.contains_key(&ClientField::Scope) {
                    // UAA takes from it what is no longer in `scope`.
                    let (old, new) = (set(&before.fields, field), set(&after.fields, field));
                    prop_assert!(new.is_subset(&old));
                } else {
                    prop_assert_eq!(before.fields.get(field), after.fields.get(field), "{}", field);
                }
            }
        }
    }

    #[test]
    fn no_state_of_a_client_on_the_way_opens_more_than_both_ends(site in a_site(), words in words()) {
        use ClientField as F;
        let plan = manifest(&words, &site).plan(&site);
        let end = project(&site.0, &plan.changes);
        for made in 0..=plan.changes.len() {
            let state = project(&site.0, &plan.changes[..made]);
            for (id, before) in &site.0.clients {
                // Of what goes, nothing is changed before.
                let Some(after) = end.clients.get(id) else {
                    prop_assert!(state.clients.get(id).is_none_or(|now| now == before));
                    continue;
                };
                let [before, now, after] = [&before.fields, &state.clients[id].fields, &after.fields];
                prop_assert!(!lacks_redirect(now), "UAA refuses {id} after {made}");
                for field in [F::Allowedproviders, F::RequiredUserGroups, F::Allowpublic, F::AccessTokenValidity] {
                    let value = now.get(&field);
                    prop_assert!(value == before.get(&field) || value == after.get(&field), "{id} {field} after {made}");
                }
                for field in [F::Scope, F::Authorities, F::RedirectUri, F::AuthorizedGrantTypes] {
                    let bare = |state| -> BTreeSet<String> {
                        set(state, &field).into_iter().filter(|name| name != "uaa.none").collect()
                    };
                    let [before, now, after] = [bare(before), bare(now), bare(after)];
                    prop_assert!(before.intersection(&after).all(|name| now.contains(name)), "{id} {field} after {made}");
                    prop_assert!(now.iter().all(|name| before.contains(name) || after.contains(name)));
                }
                // What is gained comes no earlier than the narrowing of the way in.
                let gained = [F::Scope, F::Authorities, F::AuthorizedGrantTypes].iter().any(|field| {
                    let more = set(now, field);
                    more.difference(&set(before, field)).any(|name| name != "uaa.none")
                });
                if gained {
                    for field in [F::RequiredUserGroups, F::Allowpublic, F::Allowedproviders] {
                        prop_assert_eq!(now.get(&field), after.get(&field), "{} {} after {}", id, field, made);
                    }
                    prop_assert!(set(now, &F::RedirectUri).is_subset(&set(after, &F::RedirectUri)));
                }
            }
        }
    }

    #[test]
    fn no_step_on_the_way_is_less_safe_than_both_ends(site in a_site(), words in words()) {
        let plan = manifest(&words, &site).plan(&site);
        let (before, after) = (rows(&site.0), rows(&project(&site.0, &plan.changes)));
        let own = plan.changes.iter().any(|change| change.phase == Phase::Own);
        for made in 0..=plan.changes.len() {
            let state = project(&site.0, &plan.changes[..made]);
            let now = rows(&state);
            prop_assert!(before.intersection(&after).all(|row| now.contains(row)), "lost after {made}");
            prop_assert!(now.iter().all(|row| before.contains(row) || after.contains(row)), "strange after {made}");
            // Through nested groups too: who holds a group before and after holds it all the way.
            for group in site.0.groups.keys().filter(|_| !own) {
                let end = project(&site.0, &plan.changes);
                let (first, last) = (holders(&site.0, group), holders(&end, group));
                prop_assert!(first.intersection(&last).all(|user| holders(&state, group).contains(user)));
            }
        }
    }

    #[test]
    fn what_no_rail_refuses_gives_nobody_a_privileged_group(site in a_site(), words in words()) {
        let plan = manifest(&words, &site).plan(&site);
        prop_assume!(!plan.findings.iter().any(|finding| finding.rail == Rail::Escalates));
        let admin = GroupName::new("uaa.admin");
        let before = holders(&site.0, &admin);
        for made in 0..=plan.changes.len() {
            let state = project(&site.0, &plan.changes[..made]);
            let now = holders(&state, &admin);
            prop_assert!(now.is_subset(&before), "{:?}", now);
            for (id, client) in &state.clients {
                for field in [ClientField::Authorities, ClientField::Scope] {
                    let had = site.0.clients.get(id).is_some_and(|old| set(&old.fields, &field).contains("uaa.admin"));
                    prop_assert!(had || !set(&client.fields, &field).contains("uaa.admin"), "{} {}", id, field);
                }
            }
        }
    }

    #[test]
    fn who_gains_a_privileged_group_is_named_by_a_finding(site in a_site(), words in words()) {
        let plan = manifest(&words, &site).plan(&site);
        let admin = GroupName::new("uaa.admin");
        for change in plan.changes.iter().filter(|change| change.action == Action::AddMember) {
            let Object::Member { group, origin, username } = &change.object else { continue };
            if *group != admin {
                continue;
            }
            let key = UserKey::new(origin.clone(), username.clone());
            let uaa_rows_only = {
                let mut observed = site.0.clone();
                for group in observed.groups.values_mut() {
                    group.rows.retain(|_, row| row.kind == MemberKind::Group || row.origin.is_uaa());
                }
                observed
            };
            let held = site.0.users.get(&key).is_some_and(|user| holders(&uaa_rows_only, &admin).contains(&user.id));
            let named = plan.findings.iter().any(|finding| {
                finding.key.as_deref() == Some(&format!("escalates:uaa.admin/{key}")) && finding.changes.contains(&change.id)
            });
            prop_assert!(held || named);
        }
    }

    #[test]
    fn a_plan_is_numbered_sorted_and_writes_each_object_once_a_phase(site in a_site(), words in words()) {
        let plan = manifest(&words, &site).plan(&site);
        let mut seen: BTreeMap<(Phase, String), usize> = BTreeMap::new();
        for (place, change) in plan.changes.iter().enumerate() {
            let Change { id, phase, key, needs, object, .. } = change;
            prop_assert_eq!(*id as usize, place);
            prop_assert!(needs.iter().all(|need| need < id), "{key} needs what comes later");
            *seen.entry((*phase, object_text(object))).or_default() += 1;
            if let Some(next) = plan.changes.get(place + 1) {
                prop_assert!(*phase <= next.phase);
                let rank = |change: &Change| (matches!(change.kind, Kind::User | Kind::Group | Kind::Client), change.kind);
                let sorted = if *phase == Phase::Delete {
                    (rank(change), key) < (rank(next), &next.key)
                } else {
                    (change.kind, key) < (next.kind, &next.key)
                };
                prop_assert!(*phase == Phase::Own || *phase < next.phase || sorted);
            }
        }
        let members: Vec<&String> =
            plan.changes.iter().filter(|change| change.kind == Kind::Member).map(|change| &change.key).collect();
        prop_assert_eq!(members.iter().collect::<BTreeSet<_>>().len(), members.len(), "a row is changed once");
        prop_assert!(seen.iter().all(|((phase, _), count)| *phase == Phase::Own || *count == 1));
        prop_assert!(plan.findings.iter().all(|finding| finding.changes.iter().all(|id| (*id as usize) < plan.changes.len())));
    }

    #[test]
    fn a_plan_survives_json(site in a_site(), words in words()) {
        let plan = manifest(&words, &site).plan(&site);
        let read: Plan = serde_json::from_str(&json(&plan)).expect("what was written can be read");
        prop_assert_eq!(json(&read), json(&plan));
        prop_assert_eq!(read, plan);
    }

    /// Whatever of a saved plan was made already is so, and nothing but the rest is left.
    #[test]
    fn a_saved_plan_goes_on_where_it_stopped(site in a_site(), words in words(), share in 0.0..=1.0) {
        let manifest = manifest(&words, &site).change(|desired| {
            // Whom the plan itself makes privileged is not pruned any more.
            desired.prune = crate::desired::Prune::default();
            for client in desired.clients.values_mut() {
                if let Some(secret) = &mut client.secret {
                    secret.value = SecretSource::Variable("x".to_owned());
                }
            }
        });
        let plan = manifest.plan(&site);
        let saved = Saved::new(&plan, &manifest.desired, &site.0).expect("no literal secret");
        let saved = Saved::read(&saved.text()).expect("it is whole");
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss, reason = "small")]
        let made = (share * plan.changes.len() as f64) as usize;
        let now = project(&site.0, &plan.changes[..made]);
        let judged = judge(&saved, &now, &Policy::default(), &Allow::new()).expect("it could come true before");
        prop_assert_eq!(judged.drift, vec![]);
        // What is left is of the rest; some of that may be so already by what was made.
        let first = u32::try_from(made).expect("few");
        prop_assert!(judged.left.iter().all(|id| *id >= first), "{:?}", judged.left);
        if made == 0 {
            prop_assert_eq!(json(&Plan { blind_spots: vec![], kept: vec![], ..judged.plan }), json(&Plan { blind_spots: vec![], kept: vec![], ..plan }));
        }
    }

    #[test]
    fn listing_everything_and_looking_up_what_is_named_give_the_same_bytes(site in a_site(), words in words()) {
        let manifest = manifest(&words, &site);
        for manifest in [manifest.clone(), manifest.policy(strict)] {
            let cut = Site(looked_up(&site.0, &manifest));
            prop_assert_eq!(json(&manifest.plan(&cut)), json(&manifest.plan(&site)));
        }
    }

    #[test]
    fn every_key_allows_its_finding_and_all_keys_leave_what_nothing_allows(site in a_site(), words in words()) {
        let manifest = manifest(&words, &site).policy(strict);
        let plan = manifest.plan(&site);
        let keys: Vec<&str> = plan.findings.iter().filter_map(|finding| finding.key.as_deref()).collect();
        let allowed = manifest.allowing(&site, &keys);
        prop_assert!(allowed.refusals().all(|finding| finding.key.is_none()), "{:?}", allowed.findings);
        prop_assert_eq!(&allowed.plan_digest, &plan.plan_digest);
        for finding in &plan.findings {
            let same = |other: &&super::Finding| (other.rail, &other.key) == (finding.rail, &finding.key);
            prop_assert!(finding.key.is_none() || plan.findings.iter().filter(same).count() == 1, "{:?}", finding);
        }
    }

    #[test]
    fn what_is_protected_and_no_finding_names_stays_as_it_is(site in a_site(), words in words()) {
        let plan = manifest(&words, &site).policy(strict).plan(&site);
        let after = project(&site.0, &plan.changes);
        let spoken = |key: &str| plan.findings.iter().any(|finding| finding.key.as_deref() == Some(key));
        if !spoken("protected:user/uaa/b") {
            prop_assert_eq!(site.0.users.get(&user("b")), after.users.get(&user("b")));
            let of_b = |state: &Observed| -> Rows {
                let b = site.0.users.get(&user("b")).map(|user| user.id.clone());
                // What goes with a group is the group's matter.
                let stays = |group: &GroupName| after.groups.contains_key(group);
                rows(state).into_iter().filter(|(group, id, _)| Some(id) == b.as_ref() && stays(group)).collect()
            };
            prop_assert_eq!(of_b(&site.0), of_b(&after));
        }
        let ops = GroupName::new("Ops");
        if !spoken("protected:group/Ops") {
            prop_assert_eq!(site.0.groups.get(&ops), after.groups.get(&ops));
            let mapped = |state: &Observed| -> BTreeSet<_> {
                state.mappings.iter().filter(|mapping| mapping.group == ops).cloned().collect()
            };
            prop_assert_eq!(mapped(&site.0), mapped(&after));
        }
        if !spoken("protected:client/app") {
            let app = ClientId::new("app");
            prop_assert_eq!(site.0.clients.get(&app), after.clients.get(&app));
        }
    }

    #[test]
    fn a_group_keeps_whom_the_policy_wants_unless_a_finding_says_so(site in a_site(), words in words()) {
        let site = site.change(|observed| {
            let there: BTreeSet<Guid> = observed.users.values().map(|user| user.id.clone()).collect();
            for group in observed.groups.values_mut() {
                group.rows.retain(|id, row| row.kind == MemberKind::Group || there.contains(id));
            }
        });
        let manifest = manifest(&words, &site).policy(strict);
        let plan = manifest.plan(&site);
        let after = project(&site.0, &plan.changes);
        let asked = scope(&manifest.desired, &manifest.policy);
        // By administrators' rows; whom the plan knows to be suspended does not count.
        let members = |state: &Observed, group: &GroupName| -> BTreeSet<Guid> {
            let mut state = state.clone();
            for group in state.groups.values_mut() {
                group.rows.retain(|_, row| row.kind == MemberKind::Group || row.origin.is_uaa());
            }
            let asleep = |id: &Guid| {
                state.users.values().any(|user| {
                    let was = site.0.users.values().find(|was| was.id == *id).map(|was| &was.key);
                    let known = asked.all_users || asked.users.contains(&user.key)
                        || was.is_some_and(|was| asked.users.contains(was));
                    user.id == *id && !user.active && known
                })
            };
            holders(&state, group).into_iter().filter(|id| !asleep(id)).collect()
        };
        for (group, must) in &manifest.policy.members {
            if plan.findings.iter().any(|finding| finding.key == Some(format!("members:{group}"))) {
                prop_assert!(site.0.groups.contains_key(group) || after.groups.contains_key(group));
                continue;
            }
            let (before, now) = (members(&site.0, group), members(&after, group));
            if !site.0.groups.contains_key(group) {
                continue;
            }
            prop_assert!(now.len() >= must.minimum.min(before.len()), "{} {:?} {:?}", group, before, now);
            for required in &must.required {
                let Member::User(key) = required else { continue };
                let Some(user) = site.0.users.get(key) else { continue };
                prop_assert!(!before.contains(&user.id) || now.contains(&user.id), "{} {}", group, key);
            }
        }
    }

    #[test]
    fn nobody_privileged_becomes_another_unless_a_finding_says_so(site in a_site(), words in words()) {
        use ClientField as F;
        let plan = manifest(&words, &site).plan(&site);
        let spoken = |key: String| plan.findings.iter().any(|finding| finding.key.as_ref() == Some(&key));
        let admin = GroupName::new("uaa.admin");
        let end = project(&site.0, &plan.changes);
        let admins: BTreeSet<Guid> = holders(&site.0, &admin).union(&holders(&end, &admin)).cloned().collect();
        for made in 0..=plan.changes.len() {
            let state = project(&site.0, &plan.changes[..made]);
            for before in site.0.users.values().filter(|user| admins.contains(&user.id)) {
                let Some(now) = state.users.values().find(|user| user.id == before.id) else { continue };
                let same = (&before.email, &before.key) == (&now.email, &now.key) && before.active >= now.active;
                prop_assert!(same || spoken(format!("takeover:user/{}", before.key)), "{:?}", now);
            }
            for (id, before) in &site.0.clients {
                let Some(now) = state.clients.get(id) else { continue };
                let power = |state: &ClientFields| {
                    [F::Scope, F::Authorities].iter().any(|field| set(state, field).contains("uaa.admin"))
                };
                let (old, new) = (&before.fields, &now.fields);
                if !power(old) || spoken(format!("takeover:client/{id}")) {
                    continue;
                }
                for field in [F::AuthorizedGrantTypes, F::RedirectUri] {
                    prop_assert!(set(new, &field).is_subset(&set(old, &field)), "{} {}", id, field);
                }
                prop_assert!(set(new, &F::RequiredUserGroups).is_superset(&set(old, &F::RequiredUserGroups)));
                prop_assert!(old.contains_key(&F::Allowpublic) || !new.contains_key(&F::Allowpublic));
                if let Some(ClientValue::Set(allowed)) = old.get(&F::Allowedproviders) {
                    let now = new.get(&F::Allowedproviders).and_then(ClientValue::as_set);
                    prop_assert!(now.is_some_and(|now| now.is_subset(allowed)), "{}", id);
                }
            }
        }
    }

    #[test]
    fn a_file_that_owns_nothing_changes_nothing_that_another_owns(site in a_site(), words in words()) {
        let names = ["user/*", "group/*", "client/*"].map(|text| NamePattern::new(text).expect("a pattern"));
        let owned = |file: &str| {
            let manifest = manifest(&words, &site);
            manifest.policy(|policy| drop(policy.owners.insert(file.to_owned(), names.clone().into()))).plan(&site)
        };
        let ours = |plan: &Plan| plan.findings.iter().filter(|finding| finding.rail == Rail::Owner).count();
        prop_assert_eq!(ours(&owned("pks.yml")), 0);
        let plan = owned("other.yml");
        prop_assert_eq!(ours(&plan) == 0, plan.changes.is_empty());
    }
}
