//! `uaapply access` on the real UAA: it finds what UAA itself finds, and what raw answers add up to.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};
use uaapply_lab::UaaVersion;
use uaapply_lab::proxy::{Action, Proxy};

use crate::on_each_uaa;
use crate::world::{Ran, World, rows, text};

/// Runs `access --format json` through a proxy that counts; returns the report, the number of requests and the time.
fn review(world: &World, args: &[&str]) -> (Value, usize, std::time::Duration) {
    let proxy = Proxy::start(world.foundation, |_| Action::Forward).expect("the proxy starts");
    let args: Vec<&str> = ["access", "--format", "json"].iter().chain(args).copied().collect();
    let begun = std::time::Instant::now();
    let ran = Ran::from(world.command(&args).env("UAA_TARGET", proxy.url()).output().expect("runs"));
    let took = begun.elapsed();
    assert_eq!(ran.code, 0, "{ran:?}");
    let seen = proxy.seen();
    let written = seen.iter().filter(|seen| seen.method != "GET" && seen.path != "/oauth/token").count();
    assert_eq!(written, 0, "{seen:#?}");
    (serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}")), seen.len(), took)
}

/// All rows of a list.
fn list(world: &World, path: &str) -> Vec<Value> {
    let mut all = Vec::new();
    loop {
        let join = if path.contains('?') { '&' } else { '?' };
        let (status, page) =
            world.api("GET", &format!("{path}{join}count=500&startIndex={}", all.len() + 1), None);
        assert_eq!(status, 200, "{page}");
        all.extend(rows(&page["resources"]));
        if all.len() as u64 >= page["totalResults"].as_u64().expect("a number") {
            return all;
        }
    }
}

/// Who holds which group, added up from raw answers: `GROUP KIND/ID`, and the mappings.
fn brute_force(world: &World) -> BTreeSet<String> {
    let users: BTreeSet<String> =
        list(world, "/Users?attributes=id&sortBy=id").iter().map(|user| text(&user["id"])).collect();
    let groups = list(world, "/Groups?attributes=id,displayName,members&sortBy=id");
    let mut holds: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for group in &groups {
        let mine = holds.entry(text(&group["id"])).or_default();
        for row in rows(&group["members"]).iter().filter(|row| row["type"] == "USER") {
            let id = text(&row["value"]);
            let kind = if users.contains(&id) { "user" } else { "ghost" };
            mine.insert(format!("{kind}/{id}"));
        }
    }
    for mapping in list(world, "/Groups/External") {
        let name = format!("external_group/{}/{}", text(&mapping["origin"]), text(&mapping["externalGroup"]));
        holds.get_mut(&text(&mapping["groupId"])).expect("its group is there").insert(name);
    }
    loop {
        let before: usize = holds.values().map(BTreeSet::len).sum();
        for group in &groups {
            for row in rows(&group["members"]).iter().filter(|row| row["type"] == "GROUP") {
                let inner = holds.get(&text(&row["value"])).cloned().unwrap_or_default();
                holds.get_mut(&text(&group["id"])).expect("it is there").extend(inner);
            }
        }
        if holds.values().map(BTreeSet::len).sum::<usize>() == before {
            break;
        }
    }
    let name =
        |id: &String| groups.iter().find(|group| group["id"] == *id).map(|group| text(&group["displayName"]));
    let all = holds.iter().flat_map(|(id, all)| {
        let name = name(id).expect("it is there");
        all.iter().map(move |who| format!("{name} {who}")).collect::<Vec<_>>()
    });
    all.collect()
}

/// The same as the report has it.
fn reported(report: &Value) -> BTreeSet<String> {
    let holders = rows(&report["holders"]);
    let line = |holder: &Value| {
        let who = &holder["who"];
        let name = match &*text(&who["kind"]) {
            kind @ ("user" | "ghost") => format!("{kind}/{}", text(&who["id"])),
            "external_group" => {
                format!("external_group/{}/{}", text(&who["origin"]), text(&who["external_group"]))
            }
            _ => return None,
        };
        Some(format!("{} {name}", text(&holder["scope"])))
    };
    holders.iter().filter_map(line).collect()
}

/// Items of a finding.
fn items(report: &Value, what: &str) -> BTreeSet<String> {
    let findings = rows(&report["findings"]);
    let found =
        findings.iter().filter(|finding| finding["what"] == what).flat_map(|finding| rows(&finding["items"]));
    found.map(|item| text(&item["key"])).collect()
}

/// Three levels of groups that end in a cycle, below those of PKS, with all ways in.
struct Nested {
    groups: BTreeMap<String, String>,
    ghost: String,
}

fn nested(world: &World) -> Nested {
    let groups = world.has_pks_groups();
    let one = world.has_group("team.one", &[]);
    let two = world.has_group("team.two", &[]);
    let three = world.has_group("team.three", &[]);
    for (outer, inner) in
        [(&groups["pks.clusters.admin"], &one), (&one, &two), (&two, &three), (&three, &one)]
    {
        world.has_member(outer, inner, "GROUP", "uaa");
    }
    for (name, group) in [("direct", &groups["pks.clusters.admin"]), ("deep", &three), ("both", &two)] {
        let id = world.has_user(name, "uaa");
        world.has_member(group, &id, "USER", "uaa");
        if name == "both" {
            world.has_member(&groups["pks.clusters.admin"], &id, "USER", "uaa");
        }
    }
    // A shadow user: a login of an identity provider brought the account and the row.
    let shadow = world.has_user("shadow", "ldap");
    world.has_member(&two, &shadow, "USER", "ldap");
    // UAA before 76.15 forgets rows of origin uaa when a user of another origin is deleted (facts §2.7).
    let ghost = world.has_user("ghost", "ldap");
    world.has_member(&three, &ghost, "USER", "uaa");
    assert_eq!(world.api("DELETE", &format!("/Users/{ghost}"), None).0, 200);
    for (group, origin) in [("team.three", "ldap"), ("pks.clusters.manage", "an idp that is gone")] {
        let mapping = json!({"displayName": group, "externalGroup": "CN=ops,DC=example", "origin": origin});
        assert_eq!(world.api("POST", "/Groups/External", Some(mapping)).0, 201);
    }
    for (id, authority, scope) in
        [("ci", "pks.clusters.admin", "uaa.none"), ("cli", "uaa.none", "pks.clusters.*")]
    {
        let grants = if id == "ci" { "client_credentials" } else { "password" };
        let client = json!({"client_id": id, "client_secret": "s", "authorized_grant_types": [grants], "authorities": [authority], "scope": [scope]});
        assert_eq!(world.api("POST", "/oauth/clients", Some(client)).0, 201);
    }
    Nested { groups, ghost }
}

on_each_uaa! {
    fn a_review_finds_whatever_raw_answers_add_up_to(world) {
        let Nested { ghost, .. } = nested(world);
        let (report, requests, _) = review(world, &["--scopes", "*"]);
        assert_eq!(reported(&report), brute_force(world));
        // Address, token, zone, groups, mappings, users, clients, identity providers: one page each.
        assert!(requests <= 9, "{requests}");
        assert_eq!(items(&report, "ghost"), [format!("ghost/{ghost}")].into());
        assert!(items(&report, "unknown_origin").contains("external_group/an idp that is gone/cn=ops,dc=example"), "{report}");
        assert!(items(&report, "never_logged_on").contains("user/uaa/deep"), "{report}");
        let ways = |scope: &str, username: &str| -> Vec<Value> {
            let holders = rows(&report["holders"]);
            let holder = holders.iter().find(|holder| holder["scope"] == scope && holder["who"]["username"] == username);
            rows(&holder.unwrap_or_else(|| panic!("no {username} in {report}"))["ways"])
        };
        let deep = ways("pks.clusters.admin", "deep");
        assert_eq!((deep.len(), &deep[0]["path"]), (1, &json!(["team.three", "team.two", "team.one", "pks.clusters.admin"])));
        let both: Vec<String> = ways("pks.clusters.admin", "both").iter().map(|way| text(&way["how"])).collect();
        assert_eq!(both, ["direct", "nested"]);
        assert_eq!(ways("pks.clusters.admin", "shadow")[0]["how"], "login");
        // By default only what leads to clusters.
        let (report, requests, _) = review(world, &[]);
        let clusters: BTreeSet<String> = brute_force(world).into_iter().filter(|line| line.starts_with("pks.clusters.")).collect();
        assert_eq!(reported(&report), clusters);
        assert!(requests <= 9, "{requests}");
    }

    // UAA says of each user which groups it is in, nested ones and those that everyone holds among them.
    fn a_review_finds_what_uaa_finds_of_each_user(world) {
        let Nested { groups, .. } = nested(world);
        // A default group that is nested does not lead on.
        let all = list(world, "/Groups?attributes=id,displayName&sortBy=id");
        let default = all.iter().find(|group| group["displayName"] == "uaa.user").expect("everyone holds it");
        world.has_member(&groups["pks.clusters.manage"], &text(&default["id"]), "GROUP", "uaa");
        let (report, ..) = review(world, &["--scopes", "*"]);
        let holders = rows(&report["holders"]);
        let everyone: BTreeSet<String> =
            holders.iter().filter(|holder| holder["who"]["kind"] == "everyone").map(|holder| text(&holder["scope"])).collect();
        assert!(everyone.contains("openid") && everyone.contains("uaa.user"), "{everyone:?}");
        let users = world.users();
        assert_eq!(users.len(), 4);
        for (id, user) in users {
            let found: BTreeSet<String> = rows(&user["groups"]).iter().map(|group| text(&group["display"])).collect();
            let mut reported = everyone.clone();
            reported.extend(holders.iter().filter(|holder| holder["who"]["id"] == *id).map(|holder| text(&holder["scope"])));
            assert_eq!(reported, found, "{user}");
        }
    }

    fn times_are_those_of_uaa_and_a_new_secret_moves_none(world) {
        let name = format!("who-{}", world.zone.id);
        let in_default_zone = |method: &str, path: &str, body: Option<Value>| world.foundation.request(method, path, body).expect("UAA answers");
        let (status, user) = in_default_zone("POST", "/Users", Some(json!({"userName": name, "password": "p", "emails": [{"value": "w@example.com"}], "name": {"givenName": "W", "familyName": "O"}})));
        assert_eq!(status, 201, "{user}");
        let scope = format!("team.{}", world.zone.id);
        let (status, group) = in_default_zone("POST", "/Groups", Some(json!({"displayName": scope, "members": [{"value": user["id"], "type": "USER", "origin": "uaa"}]})));
        assert_eq!(status, 201, "{group}");
        let (client, _) = world.foundation.has_client("times", &[&scope]);
        let look = || -> (Value, Value) {
            let ran = Ran::from(world.command(&["access", "--format", "json", "--scopes", &scope]).env_remove("UAA_ZONE").output().expect("runs"));
            assert_eq!(ran.code, 0, "{ran:?}");
            let report: Value = serde_json::from_str(&ran.stdout).expect("it is JSON");
            let who: Vec<Value> = rows(&report["holders"]).iter().map(|holder| holder["who"].clone()).collect();
            (who[0].clone(), who[1].clone())
        };
        let (before, client_before) = look();
        assert_eq!((&before["times"]["last_logon"], &before["active"], &before["name"]), (&json!(null), &json!(true), &json!("W O")));
        assert_eq!(text(&before["times"]["created"])[..19], text(&user["meta"]["created"])[..19]);
        assert_eq!(text(&client_before["client_id"]), client);
        let cli = format!("cli-{}", world.zone.id);
        let made = in_default_zone("POST", "/oauth/clients", Some(json!({"client_id": cli, "client_secret": "s", "authorized_grant_types": ["password"], "scope": [scope]})));
        assert_eq!(made.0, 201, "{made:?}");
        let (status, token) = world.foundation.token(&cli, "s", &[("grant_type", "password"), ("username", &name), ("password", "p")]).expect("UAA answers");
        assert_eq!(status, 200, "{token}");
        std::thread::sleep(std::time::Duration::from_secs(2));
        let (status, answer) = in_default_zone("PUT", &format!("/oauth/clients/{client}/secret"), Some(json!({"clientId": client, "secret": "another"})));
        assert_eq!(status, 200, "{answer}");
        let (after, client_after) = look();
        let (_, raw) = in_default_zone("GET", &format!("/Users/{}", text(&user["id"])), None);
        let last = raw["lastLogonTime"].as_i64().expect("it logged on") / 1000;
        assert_eq!(uaapply::moment::Moment::parse(&text(&after["times"]["last_logon"])), uaapply::moment::Moment::from_seconds(last));
        assert_eq!(client_after["changed"], client_before["changed"]);
    }

    fn a_clients_scope_pattern_is_one_part_of_a_name(world) {
        nested(world);
        let (report, ..) = review(world, &[]);
        let through: Vec<(String, Value)> = rows(&report["scopes"]).iter().map(|scope| (text(&scope["scope"]), scope["through"].clone())).collect();
        let expected = [("pks.clusters.admin", json!(["cli"])), ("pks.clusters.admin.read", json!([])), ("pks.clusters.manage", json!(["cli"]))];
        assert_eq!(through, expected.map(|(scope, through)| (scope.to_owned(), through)));
        // In the default zone, where a user can log in at this address.
        let request = |method: &str, path: &str, body: Option<Value>| world.foundation.request(method, path, body).expect("UAA answers");
        let id = world.zone.id.replace('-', "x");
        let user = request("POST", "/Users", Some(json!({"userName": format!("star-{id}"), "password": "p", "emails": [{"value": "s@example.com"}], "name": {}}))).1;
        for name in [format!("{id}.a"), format!("{id}.a.b")] {
            let made = request("POST", "/Groups", Some(json!({"displayName": name, "members": [{"value": user["id"], "type": "USER", "origin": "uaa"}]})));
            assert_eq!(made.0, 201, "{made:?}");
        }
        let made = request("POST", "/oauth/clients", Some(json!({"client_id": format!("star-{id}"), "client_secret": "s", "authorized_grant_types": ["password"], "scope": [format!("{id}.*")]})));
        assert_eq!(made.0, 201, "{made:?}");
        let name = format!("star-{id}");
        let (_, token) = world.foundation.token(&name, "s", &[("grant_type", "password"), ("username", &name), ("password", "p")]).expect("UAA answers");
        assert_eq!(token["scope"], json!(format!("{id}.a")), "{token}");
    }
}

/// UAA hashes a password for each user it makes, and so makes 25 a second at most: 5,000 take minutes.
#[test]
#[ignore = "takes 5 minutes; CONTRIBUTING.md says when to run it"]
#[expect(clippy::print_stderr, reason = "the figures are what it is run for")]
fn on_a_foundation_of_five_thousand_users_a_review_is_whole_and_costs_no_more_than_the_lists() {
    const FOUNDATION: usize = 5_000;
    let world = World::new(UaaVersion::V4_30_0);
    let Nested { groups, .. } = nested(&world);
    let ids = std::sync::Mutex::new(Vec::new());
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let (world, ids) = (&world, &ids);
            scope.spawn(move || {
                for n in (worker..FOUNDATION).step_by(4) {
                    let origin = if n % 10 == 0 { "ldap" } else { "uaa" };
                    let id = world.has_user(&format!("user{n:04}@example.com"), origin);
                    ids.lock().expect("no worker panics").push(id);
                }
            });
        }
    });
    let ids = ids.into_inner().expect("no worker panics");
    // Each in a group of its own department; departments in divisions, divisions in what gives access, and one back.
    let group = |name: String, members: Vec<Value>| {
        let (status, group) =
            world.api("POST", "/Groups", Some(json!({"displayName": name, "members": members})));
        assert_eq!(status, 201, "{group}");
        text(&group["id"])
    };
    let row = |id: &String, kind: &str| json!({"value": id, "type": kind, "origin": "uaa"});
    let departments: Vec<String> = ids
        .chunks(100)
        .enumerate()
        .map(|(n, ids)| group(format!("department.{n}"), ids.iter().map(|id| row(id, "USER")).collect()))
        .collect();
    let divisions: Vec<String> = departments
        .chunks(10)
        .enumerate()
        .map(|(n, ids)| group(format!("division.{n}"), ids.iter().map(|id| row(id, "GROUP")).collect()))
        .collect();
    for (n, division) in divisions.iter().enumerate() {
        let scope = ["pks.clusters.admin", "pks.clusters.manage"][n % 2];
        world.has_member(&groups[scope], division, "GROUP", "uaa");
    }
    world.has_member(&departments[0], &divisions[0], "GROUP", "uaa");
    for id in ids.iter().step_by(500) {
        assert_eq!(world.api("DELETE", &format!("/Users/{id}"), None).0, 200);
    }
    let (report, requests, took) = review(&world, &["--scopes", "*"]);
    eprintln!("{FOUNDATION} users, all scopes: {requests} requests in {took:.2?}; {}", report["summary"]);
    assert_eq!(reported(&report), brute_force(&world));
    let (report, requests, took) = review(&world, &[]);
    eprintln!("{FOUNDATION} users, clusters: {requests} requests in {took:.2?}; {}", report["summary"]);
    let clusters: BTreeSet<String> =
        brute_force(&world).into_iter().filter(|line| line.starts_with("pks.clusters.")).collect();
    assert!(clusters.len() > 4_900);
    assert_eq!(reported(&report), clusters);
    // Address (2), token, groups, mappings, clients, zone, identity providers, and the pages of users.
    let lists = 8 + list(&world, "/Users?attributes=id&sortBy=id").len().div_ceil(500);
    assert!(requests <= lists, "{requests} requests, {lists} for the lists");
    assert!(took.as_secs_f32() <= 3.0, "{took:.2?}");
}
