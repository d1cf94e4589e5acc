//! Against brute force: every row that leads anywhere is found, by a path that exists; against the plan: what is said of
//! the manifest is what the plan does.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;

use super::{
    Access, Asked, BlindSpot, ChangeWhat, FindingWhat, Holder, How, Known, Unusable, Who, compare, members,
    read, review,
};
use crate::client::{ClientField, ClientFields, ClientValue};
use crate::manifest::write::load;
use crate::model::{ClientId, ExternalGroup, GroupName, Guid, Mapping, Origin, UserKey, Username};
use crate::moment::Moment;
use crate::observed::{
    History, MemberKind, MemberRow, Observed, ObservedClient, ObservedGroup, ObservedUser, Server,
    UserHistory,
};
use crate::plan::policy::{Allow, Policy};
use crate::plan::{self, Action};

const GROUPS: [&str; 9] =
    ["a", "b", "a,b", "team.x", "team.y", "Team.Z", "pks.clusters.admin", "pks.clusters.manage", "openid"];
const USERS: [&str; 5] = ["uaa/alana", "uaa/cody", "ldap/dana", "gone/erin", "uaa/o'neil"];

/// A row: user, group or ghost by number, and whether a login made it.
type Row = (u8, prop::sample::Index, bool);

fn group_id(name: &str) -> Guid {
    Guid::new(format!("id of group {name}"))
}

fn key(text: &str) -> UserKey {
    let (origin, name) = text.split_once('/').expect("an origin");
    UserKey::new(Origin::new(origin), Username::new(name))
}

fn user(text: &str) -> ObservedUser {
    ObservedUser {
        id: Guid::new(format!("id of {text}")),
        key: key(text),
        email: String::new(),
        given_name: String::new(),
        family_name: String::new(),
        phone: String::new(),
        external_id: String::new(),
        active: true,
        verified: true,
    }
}

fn row(kind: MemberKind, login: bool) -> MemberRow {
    MemberRow { kind, origin: Origin::new(if login { "ldap" } else { "uaa" }) }
}

fn client(id: &str, grants: &[&str], scope: &[&str], authorities: &[&str]) -> (ClientId, ObservedClient) {
    let set = |texts: &[&str]| ClientValue::Set(texts.iter().map(|&text| text.to_owned()).collect());
    let fields = ClientFields::from([
        (ClientField::AuthorizedGrantTypes, set(grants)),
        (ClientField::Scope, set(scope)),
        (ClientField::Authorities, set(authorities)),
    ]);
    (ClientId::new(id), ObservedClient { id: ClientId::new(id), fields })
}

/// A server with everybody, and groups with these rows.
fn server(groups: &[Vec<Row>], mappings: &[(usize, bool)]) -> Observed {
    let users = USERS.map(user);
    let group = |(name, rows): (&&str, &Vec<Row>)| {
        let rows = rows.iter().map(|(kind, index, login)| match kind {
            0..=3 => (users[index.index(USERS.len())].id.clone(), row(MemberKind::User, *login)),
            4..=7 => (group_id(GROUPS[index.index(GROUPS.len())]), row(MemberKind::Group, *login)),
            8 => (Guid::new(format!("ghost {}", index.index(3))), row(MemberKind::User, *login)),
            _ => (Guid::new("gone group"), row(MemberKind::Group, *login)),
        });
        let name = GroupName::new(*name);
        let group = ObservedGroup {
            id: group_id(name.as_str()),
            name: name.clone(),
            description: String::new(),
            rows: rows.collect(),
        };
        (name, group)
    };
    let mapping = |&(at, known): &(usize, bool)| Mapping {
        group: GroupName::new(GROUPS[at % GROUPS.len()]),
        origin: Origin::new(if known { "ldap" } else { "gone" }),
        external_group: ExternalGroup::new(&format!("cn={at}")),
    };
    Observed {
        server: Server {
            url: "https://uaa.example.com".to_owned(),
            issuer: "https://uaa.example.com/oauth/token".to_owned(),
            zone: "uaa".to_owned(),
            uaa_version: "4.30.0".to_owned(),
        },
        groups: GROUPS.iter().zip(groups).map(group).collect(),
        names: users.iter().map(|user| (user.id.clone(), user.key.clone())).collect(),
        users: users.into_iter().map(|user| (user.key.clone(), user)).collect(),
        mappings: mappings.iter().map(mapping).collect(),
        clients: [
            client("ci", &["client_credentials"], &["uaa.none"], &["pks.clusters.admin", "a"]),
            client("pks_cli", &["password"], &["pks.clusters.*"], &["uaa.none"]),
        ]
        .into(),
        default_groups: Some(BTreeSet::from([GroupName::new("openid")])),
        origins: Some(["uaa", "ldap"].map(Origin::new).into()),
        history: Some(History::default()),
        ..Observed::default()
    }
}

fn servers() -> impl Strategy<Value = Observed> {
    let row = (0u8..10, any::<prop::sample::Index>(), prop::bool::weighted(0.3));
    let rows = prop::collection::vec(row, 0..4);
    let mappings = prop::collection::vec((0..20usize, any::<bool>()), 0..4);
    (prop::collection::vec(rows, GROUPS.len()), mappings)
        .prop_map(|(groups, mappings)| server(&groups, &mappings))
}

fn now() -> Moment {
    Moment::parse("2026-11-24T12:00:00Z").expect("a time")
}

fn everything() -> Asked {
    Asked { scopes: vec!["*".to_owned()], stale_days: 90, ..Asked::default() }
}

/// Who has a row that leads to a group, by adding up rows until nothing is new: by group, who and through which group.
fn brute_force(observed: &Observed) -> BTreeMap<GroupName, BTreeSet<(String, GroupName)>> {
    let mut holds: BTreeMap<GroupName, BTreeSet<(String, GroupName)>> = BTreeMap::new();
    for group in observed.groups.values() {
        let mine = holds.entry(group.name.clone()).or_default();
        for (id, row) in &group.rows {
            if row.kind == MemberKind::User {
                let user = observed.users.values().find(|user| user.id == *id);
                let who = user.map_or(format!("ghost/{id}"), |user| format!("user/{}", user.key));
                mine.insert((who, group.name.clone()));
            }
        }
        for mapping in observed.mappings.iter().filter(|mapping| mapping.group == group.name) {
            let who = format!("external_group/{}/{}", mapping.origin, mapping.external_group);
            mine.insert((who, group.name.clone()));
        }
    }
    loop {
        let before = holds.clone();
        for outer in observed.groups.values() {
            for inner in observed.groups.values() {
                if outer.rows.get(&inner.id).is_some_and(|row| row.kind == MemberKind::Group) {
                    let more = holds[&inner.name].clone();
                    holds.get_mut(&outer.name).expect("every group is there").extend(more);
                }
            }
        }
        if holds == before {
            return holds;
        }
    }
}

/// How many groups lie on the shortest way from one group to another.
fn distance(observed: &Observed, from: &GroupName, to: &dyn Fn(&GroupName) -> bool) -> usize {
    let mut reached = BTreeSet::from([from.clone()]);
    for steps in 1.. {
        if reached.iter().any(to) {
            return steps;
        }
        let mut next = BTreeSet::new();
        for outer in observed.groups.values() {
            let inside = |inner: &GroupName| {
                observed.groups.get(inner).is_some_and(|inner| {
                    outer.rows.get(&inner.id).is_some_and(|row| row.kind == MemberKind::Group)
                })
            };
            if reached.iter().any(inside) {
                next.insert(outer.name.clone());
            }
        }
        assert!(!next.is_empty() && steps < 20, "no way from {from}");
        reached.extend(next);
    }
    unreachable!("the loop has no end")
}

proptest! {
    #[test]
    fn every_row_that_leads_to_a_scope_is_a_way_and_nothing_else_is(observed in servers()) {
        let access = review(&observed, None, &everything(), now());
        let holds = brute_force(&observed);
        let mut expected = BTreeSet::new();
        for (group, all) in &holds {
            for scope in group.scopes() {
                expected.extend(all.iter().map(|(who, via)| (scope.clone(), who.clone(), via.clone())));
            }
        }
        let mut found = BTreeSet::new();
        for holder in &access.holders {
            for way in &holder.ways {
                let (Some(first), Some(last)) = (way.path.first(), way.path.last()) else { continue };
                prop_assert!(last.scopes().any(|scope| scope == holder.scope), "{holder:?}");
                for step in way.path.windows(2) {
                    let (inner, outer) = (&observed.groups[&step[0]], &observed.groups[&step[1]]);
                    prop_assert!(outer.rows.get(&inner.id).is_some_and(|row| row.kind == MemberKind::Group));
                }
                if way.how == How::DefaultGroup {
                    prop_assert_eq!((&holder.who, first.as_str()), (&Who::Everyone, "openid"));
                    continue;
                }
                let gives = |group: &GroupName| group.scopes().any(|scope| scope == holder.scope);
                prop_assert_eq!(way.path.len(), distance(&observed, first, &gives), "{:?}", way);
                prop_assert!(found.insert((holder.scope.clone(), holder.key(), first.clone())), "twice: {:?}", holder);
            }
        }
        prop_assert_eq!(found, expected);
        // The authorities of clients are the only ways without a path.
        let clients: Vec<String> = access.holders.iter().filter(|holder| holder.ways.iter().any(|way| way.path.is_empty()))
            .map(|holder| format!("{} {}", holder.scope, holder.key())).collect();
        prop_assert_eq!(clients, ["a client/ci", "pks.clusters.admin client/ci"]);
    }

    #[test]
    fn no_more_and_no_fewer_users_are_asked_for_than_the_report_names(observed in servers(), default in any::<bool>()) {
        let asked = if default { Asked::default() } else { everything() };
        let access = review(&observed, None, &asked, now());
        let ids: BTreeSet<Guid> = access.holders.iter().filter_map(|holder| match &holder.who {
            Who::User { id, .. } | Who::Ghost { id } => Some(id.clone()),
            Who::Everyone | Who::ExternalGroup { .. } | Who::Client { .. } => None,
        }).collect();
        prop_assert_eq!(members(&observed.groups, &asked), ids);
    }

    #[test]
    fn a_report_comes_back_from_json_and_nothing_changed_since(observed in servers()) {
        let access = review(&observed, None, &everything(), now());
        let text = crate::render::json(&access);
        let again = read(&text).expect("it is one");
        prop_assert_eq!(&again, &access);
        prop_assert_eq!(compare(&again, &access).expect("they ask alike").changes, []);
    }

    #[test]
    fn ids_decide_nothing_but_who_is_whom(observed in servers()) {
        // The same server whose ids sort the other way round.
        let turned = |id: &Guid| {
            let bytes = id.as_str().bytes().map(|byte| char::from(b'~' - (byte - b' ')));
            Guid::new(bytes.collect::<String>())
        };
        let mut other = observed.clone();
        for user in other.users.values_mut() {
            user.id = turned(&user.id);
        }
        for group in other.groups.values_mut() {
            group.id = turned(&group.id);
            group.rows = group.rows.iter().map(|(id, row)| (turned(id), row.clone())).collect();
        }
        let lines = |observed: &Observed| {
            let access = review(observed, None, &everything(), now());
            let holders = access.holders.iter().filter(|holder| !matches!(holder.who, Who::Ghost { .. }));
            holders.map(|holder| format!("{} {} {:?}", holder.scope, holder.key(), holder.ways)).collect::<Vec<_>>()
        };
        prop_assert_eq!(lines(&observed), lines(&other));
    }

    #[test]
    fn what_is_unwanted_is_what_a_plan_takes_away(
        observed in servers(),
        declared in prop::collection::vec((0u8..4, 0u8..32, 0u8..32), 3),
        gone in prop::option::of(0..2usize),
    ) {
        let mut text = "version: 1\ntarget: {origins: [gone]}\n".to_owned();
        if let Some(gone) = gone {
            text += &format!("users:\n  - {{username: {}, state: absent}}\n", ["alana", "cody"][gone]);
        }
        text += "groups:\n  - {name: nothing, additive: true}\n";
        for ((sort, present, absent), group) in declared.iter().zip(["team.x", "team.y", "pks.clusters.admin"]) {
            let user = |(at, _): (usize, &&str)| gone.is_none_or(|gone| gone != at);
            let listed = |bits: u8| -> Vec<String> {
                USERS.iter().enumerate().filter(|at| user(*at)).filter(|(at, _)| bits & (1 << at) != 0)
                    .map(|(_, name)| { let (origin, name) = name.split_once('/').expect("an origin"); format!("{{username: \"{name}\", origin: {origin}}}") })
                    .collect()
            };
            text += &match sort {
                0 => continue,
                1 => format!("  - {{name: {group}, state: absent}}\n"),
                2 => format!("  - {{name: {group}, members: [{}]}}\n", listed(*present).join(", ")),
                _ => format!("  - {{name: {group}, additive: true, members: [{}], absent_members: [{}]}}\n",
                    listed(*present).join(", "), listed(absent & !present).join(", ")),
            };
        }
        let desired = load(&text, &BTreeSet::new()).desired;
        let Ok(plan) = plan::make(&desired, &observed, &Policy::default(), &Allow::new()) else {
            panic!("no plan of\n{text}");
        };
        let access = review(&observed, Some(&desired), &everything(), now());
        let mut unwanted = BTreeSet::new();
        for holder in &access.holders {
            for way in &holder.ways {
                let [group] = way.path.as_slice() else { continue };
                if way.manifest == Some(Known::Unwanted) && matches!(holder.who, Who::User { .. }) {
                    unwanted.insert(format!("{}/{}", group, holder.who.name()));
                }
            }
        }
        let leaving: BTreeSet<&GroupName> = desired.absent.groups.keys().collect();
        let planned: BTreeSet<String> = plan.changes.iter().filter(|change| change.action == Action::RemoveMember)
            .map(|change| change.key.clone()).filter(|key| !key.contains("/group:")).collect();
        // With a group or user go rows of any origin, which the plan need not name one by one.
        let goes = |key: &String| leaving.iter().any(|group| key.starts_with(&format!("{group}/")))
            || gone.is_some_and(|gone| key.ends_with(USERS[gone]));
        let left: BTreeSet<&String> = unwanted.iter().filter(|key| !goes(key)).collect();
        let taken: BTreeSet<&String> = planned.iter().filter(|key| !goes(key)).collect();
        prop_assert_eq!(left, taken, "{}\n{:#?}", text, access.holders);
        for key in &planned {
            // A group `a,b` stands under both its names.
            prop_assert!(unwanted.contains(key), "{} is not unwanted by\n{}", key, text);
        }
    }
}

/// A server in a few words: alana directly, cody nested in a cycle, dana by a login, a ghost, a mapping, a client.
fn small() -> Observed {
    let mut observed = server(&vec![Vec::new(); GROUPS.len()], &[]);
    let mut put = |group: &str, id: Guid, kind, login| {
        let group = observed.groups.get_mut(&GroupName::new(group)).expect("a group");
        group.rows.insert(id, row(kind, login));
    };
    put("pks.clusters.admin", user("uaa/alana").id, MemberKind::User, false);
    put("pks.clusters.admin", group_id("team.x"), MemberKind::Group, false);
    put("team.x", group_id("team.y"), MemberKind::Group, false);
    put("team.y", group_id("team.x"), MemberKind::Group, false);
    put("team.y", user("uaa/cody").id, MemberKind::User, false);
    put("pks.clusters.manage", user("ldap/dana").id, MemberKind::User, true);
    put("pks.clusters.manage", Guid::new("ghost"), MemberKind::User, false);
    observed.mappings.insert(Mapping {
        group: GroupName::new("team.x"),
        origin: Origin::new("gone"),
        external_group: ExternalGroup::new("cn=ops"),
    });
    observed.users.get_mut(&key("uaa/cody")).expect("a user").active = false;
    let at = |text| Moment::parse(text);
    let times = |created, last_logon| UserHistory { created, last_logon, ..UserHistory::default() };
    observed.history = Some(History {
        users: [
            (user("uaa/alana").id, times(at("2026-01-01T00:00:00Z"), at("2026-08-26T12:00:00Z"))),
            (user("uaa/cody").id, times(at("2026-01-01T00:00:00Z"), None)),
            (user("ldap/dana").id, times(at("2026-11-01T00:00:00Z"), None)),
        ]
        .into(),
        clients: [(ClientId::new("ci"), at("2025-02-03T00:00:00Z").expect("a time"))].into(),
    });
    observed
}

fn lines(holders: &[Holder]) -> Vec<String> {
    let ways = |holder: &Holder| {
        let words = holder.ways.iter().map(|way| {
            let known = way.manifest.map(|known| format!(" {}", known.word())).unwrap_or_default();
            format!("{}{known}", super::findings::words(way))
        });
        words.collect::<Vec<_>>().join("; ")
    };
    holders.iter().map(|holder| format!("{} {}: {}", holder.scope, holder.key(), ways(holder))).collect()
}

fn findings(access: &Access) -> Vec<String> {
    let items =
        access.findings.iter().flat_map(|finding| finding.items.iter().map(move |item| (finding.what, item)));
    items.map(|(what, item)| format!("{what:?} {}: {}", item.key, item.detail)).collect()
}

#[test]
fn by_default_the_cluster_scopes_are_reviewed_with_every_way_in() {
    let access = review(&small(), None, &Asked { stale_days: 90, ..Asked::default() }, now());
    assert_eq!(
        lines(&access.holders),
        [
            "pks.clusters.admin user/uaa/alana: direct",
            "pks.clusters.admin user/uaa/cody: nested team.y > team.x > pks.clusters.admin",
            "pks.clusters.admin external_group/gone/cn=ops: mapping team.x > pks.clusters.admin",
            "pks.clusters.admin client/ci: authority",
            "pks.clusters.manage user/ldap/dana: login",
            "pks.clusters.manage ghost/ghost: direct",
        ]
    );
    assert_eq!(
        findings(&access),
        [
            "NeverLoggedOn user/ldap/dana: the account is there since 2026-11-01",
            "Stale user/uaa/alana: last logon 2026-08-26, 90 days ago",
            "Inactive user/uaa/cody: the account is not active",
            "Ghost ghost/ghost: a row in pks.clusters.manage",
            "UnknownOrigin external_group/gone/cn=ops: the zone has no identity provider gone",
            "SecretAge client/ci: its properties are unchanged since 2025-02-03",
        ]
    );
    let scopes: Vec<String> = access
        .scopes
        .iter()
        .map(|scope| format!("{} {:?} through {:?}", scope.scope, scope.nested.len(), scope.through))
        .collect();
    assert_eq!(
        scopes,
        [
            "pks.clusters.admin 3 through [ClientId(\"pks_cli\")]",
            "pks.clusters.admin.read 0 through []",
            "pks.clusters.manage 0 through [ClientId(\"pks_cli\")]"
        ]
    );
    assert_eq!(access.blind_spots, []);
    let counts = access.summary;
    assert_eq!(
        (counts.users, counts.external_groups, counts.clients, counts.ghosts, counts.findings),
        (3, 1, 1, 1, 6)
    );
}

#[test]
fn the_manifest_is_asked_about_each_way() {
    let text = "version: 1\nusers:\n  - {username: alana, cluster_access: admin}\n  - {username: cody.new, previously: cody}\ngroups:\n  - name: team.y\n    members: [cody.new]\n  - name: team.x\n    additive: true\n    members: [{group: team.y}]\nclients:\n  - client_id: ci\n    authorities: [a]\n";
    let desired = load(text, &BTreeSet::new()).desired;
    let access = review(&small(), Some(&desired), &Asked::default(), now());
    assert_eq!(
        lines(&access.holders),
        [
            "pks.clusters.admin user/uaa/alana: direct declared",
            // That team.x is in pks.clusters.admin nobody answers for.
            "pks.clusters.admin user/uaa/cody: nested team.y > team.x > pks.clusters.admin unknown",
            "pks.clusters.admin external_group/gone/cn=ops: mapping team.x > pks.clusters.admin unknown",
            "pks.clusters.admin client/ci: authority unwanted",
            "pks.clusters.manage user/ldap/dana: login unknown",
            "pks.clusters.manage ghost/ghost: direct unknown",
        ]
    );
    assert_eq!(access.holders[0].ways[0].because.as_ref().map(|because| because.line), Some(3));
    let nested: Vec<String> = access.scopes[0]
        .nested
        .iter()
        .map(|nested| format!("{} in {} {:?}", nested.group, nested.nested_in, nested.manifest))
        .collect();
    assert_eq!(
        nested,
        [
            "team.x in pks.clusters.admin Some(Unknown)",
            "team.x in team.y Some(Unwanted)",
            "team.y in team.x Some(Declared)"
        ]
    );
    let outside = findings(&access);
    assert!(outside.contains(&"AgainstManifest client/ci: authority".to_owned()), "{outside:?}");
    assert!(outside.contains(&"OutsideManifest user/ldap/dana: login".to_owned()), "{outside:?}");
    assert!(!outside.iter().any(|line| line.starts_with("OutsideManifest ghost")), "{outside:?}");
}

#[test]
fn filters_leave_out_holders_and_their_findings() {
    let observed = small();
    let keys = |asked: Asked| -> Vec<String> {
        let access = review(&observed, None, &Asked { stale_days: 90, ..asked }, now());
        let keys: BTreeSet<String> = access.holders.iter().map(Holder::key).collect();
        let found = access.findings.iter().flat_map(|finding| &finding.items);
        for item in found.filter(|item| !item.key.starts_with("group/") && !item.key.starts_with("scope/")) {
            assert!(keys.contains(&item.key), "{item:?}");
        }
        keys.into_iter().collect()
    };
    let all = || Asked { scopes: vec!["*".to_owned()], ..Asked::default() };
    assert_eq!(keys(Asked { users: vec!["A*".to_owned()], ..all() }), ["everyone", "user/uaa/alana"]);
    assert_eq!(keys(Asked { users: vec!["ldap/*".to_owned()], ..Asked::default() }), ["user/ldap/dana"]);
    assert_eq!(
        keys(Asked { origins: [Origin::new("gone")].into(), ..all() }),
        ["external_group/gone/cn=ops"]
    );
    assert_eq!(keys(Asked { inactive: true, ..all() }), ["user/uaa/cody"]);
    assert_eq!(keys(Asked { scopes: vec!["nosuch".to_owned()], ..Asked::default() }), [""; 0]);
    let access =
        review(&observed, None, &Asked { scopes: vec!["nosuch".to_owned()], ..Asked::default() }, now());
    assert_eq!((access.scopes.len(), access.scopes[0].groups.len()), (1, 0));
}

#[test]
fn groups_and_authorities_of_no_use_are_found() {
    let mut observed = small();
    observed.clients.extend([client("js", &["implicit"], &["openid"], &["pks.clusters.manage"])]);
    observed.groups.get_mut(&GroupName::new("Team.Z")).expect("a group").rows =
        [(Guid::new("ghost"), row(MemberKind::User, false))].into();
    let access = review(&observed, None, &everything(), now());
    let found = findings(&access);
    for line in [
        "UnusableAuthority client/js: its grant types lack client_credentials",
        "UnusedGroup group/a,b: no members, no mappings",
        "UnusedGroup group/Team.Z: only rows that lead to nobody",
        "NotCarried scope/team.x: no client lists it in `scope`",
    ] {
        assert!(found.contains(&line.to_owned()), "{line} is not in {found:#?}");
    }
    for line in [
        "UnusedGroup group/openid",
        "UnusedGroup group/team.x",
        "UnusedGroup group/a:",
        "NotCarried scope/openid",
    ] {
        assert!(!found.iter().any(|found| found.starts_with(line)), "{line} is in {found:#?}");
    }
    let js = access.holders.iter().find(|holder| holder.key() == "client/js").expect("it holds one");
    assert!(matches!(js.who, Who::Client { unusable: Some(Unusable::NoClientCredentials), .. }));
}

#[test]
fn what_cannot_be_known_is_said() {
    let mut observed = small();
    (observed.default_groups, observed.origins, observed.history) = (None, None, None);
    observed.ambiguous_groups.insert(GroupName::new("x"));
    let access = review(&observed, None, &Asked::default(), now());
    assert_eq!(
        access.blind_spots,
        [BlindSpot::DefaultGroups, BlindSpot::Origins, BlindSpot::History, BlindSpot::AmbiguousGroups]
    );
    let about: BTreeSet<FindingWhat> = access.findings.iter().map(|finding| finding.what).collect();
    assert_eq!(about, BTreeSet::from([FindingWhat::Inactive, FindingWhat::Ghost, FindingWhat::SecretAge]));
}

#[test]
fn a_comparison_tells_who_came_and_went_and_by_which_way() {
    let before = review(&small(), None, &Asked::default(), now());
    let mut observed = small();
    let admins = observed.groups.get_mut(&GroupName::new("pks.clusters.admin")).expect("a group");
    admins.rows.remove(&user("uaa/alana").id);
    admins.rows.insert(user("uaa/cody").id, row(MemberKind::User, false));
    observed.users.get_mut(&key("uaa/cody")).expect("a user").active = true;
    let dana = observed.users.get_mut(&key("ldap/dana")).expect("a user");
    dana.id = Guid::new("new id");
    let manage = observed.groups.get_mut(&GroupName::new("pks.clusters.manage")).expect("a group");
    manage.rows.remove(&user("ldap/dana").id);
    manage.rows.insert(Guid::new("new id"), row(MemberKind::User, true));
    let after = review(&observed, None, &Asked { stale_days: 30, ..Asked::default() }, now());
    let changes = compare(&before, &after).expect("they ask alike");
    let told: Vec<String> = changes
        .changes
        .iter()
        .map(|change| format!("{} {} {:?}: {}", change.scope, change.key, change.what, change.detail))
        .collect();
    assert_eq!(
        told,
        [
            "pks.clusters.admin user/uaa/alana Lost: direct",
            "pks.clusters.admin user/uaa/cody WayGained: direct",
            "pks.clusters.admin user/uaa/cody Active: inactive, then active",
            "pks.clusters.manage user/ldap/dana Account: another account of the same name: id of ldap/dana, then new id",
        ]
    );
    assert_eq!(changes.changes.iter().filter(|change| change.what == ChangeWhat::Gained).count(), 0);
    let other = review(&observed, None, &everything(), now());
    assert!(compare(&before, &other).is_err_and(|why| why.contains("other scopes")));
    observed.server.zone = "z1".to_owned();
    let elsewhere = review(&observed, None, &Asked::default(), now());
    assert!(compare(&before, &elsewhere).is_err_and(|why| why.contains("zone z1")));
    assert!(read("{\"format\": 99}").is_err_and(|why| why.contains("format 99")));
    assert!(read("[]").is_err() && read("no").is_err());
}

/// Ten thousand users in a chain of a thousand groups that ends in a cycle: time grows with rows.
#[test]
fn a_long_chain_of_many_takes_no_time_to_speak_of() {
    let name = |n: usize| if n == 0 { "pks.clusters.admin".to_owned() } else { format!("team.{n}") };
    let groups = (0..1_000).map(|n| {
        let mut rows: BTreeMap<Guid, MemberRow> =
            (0..10).map(|user| (Guid::new(format!("{n} {user}")), row(MemberKind::User, false))).collect();
        rows.insert(group_id(&name((n + 1) % 1_000)), row(MemberKind::Group, false));
        let group = ObservedGroup {
            id: group_id(&name(n)),
            name: GroupName::new(name(n)),
            description: String::new(),
            rows,
        };
        (group.name.clone(), group)
    });
    let observed = Observed { groups: groups.collect(), ..small() };
    let begun = std::time::Instant::now();
    let access = review(&observed, None, &Asked::default(), now());
    assert_eq!(access.summary.ghosts, 10_000);
    assert!(begun.elapsed().as_secs() < 20, "{:?}", begun.elapsed());
}
