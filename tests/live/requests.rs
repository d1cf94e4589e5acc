//! What a plan and an apply cost, counted at a proxy.

use std::fmt::Write as _;

use uaapply_lab::UaaVersion;
use uaapply_lab::proxy::{Action, Proxy, Seen};

use crate::on_each_uaa;
use crate::world::{Ran, World};

/// Runs the binary through a proxy that counts; returns what was sent.
fn counted(world: &World, args: &[&str]) -> (Ran, Vec<Seen>) {
    let proxy = Proxy::start(world.foundation, |_| Action::Forward).expect("the proxy starts");
    let ran = Ran::from(world.command(args).env("UAA_TARGET", proxy.url()).output().expect("runs"));
    (ran, proxy.seen())
}

fn writes(seen: &[Seen]) -> Vec<String> {
    seen.iter()
        .filter(|seen| seen.method != "GET" && seen.path != "/oauth/token")
        .map(|seen| format!("{} {}", seen.method, seen.path))
        .collect()
}

/// A manifest of so many users in so many groups, each user in two of them.
fn manifest(users: usize, groups: usize) -> String {
    let mut text = "version: 1\nusers:\n".to_owned();
    for user in 0..users {
        let (a, b) = (user % groups, (user + 1) % groups);
        writeln!(text, "  - {{username: user{user:04}@example.com, password: ((password)), groups: [team.{a}, team.{b}]}}").expect("a string grows");
    }
    text.push_str("groups:\n");
    for group in 0..groups {
        writeln!(text, "  - {{name: team.{group}}}").expect("a string grows");
    }
    text
}

on_each_uaa! {
    fn plan_sends_only_gets_and_the_tokens_post(world) {
        world.has_pks_groups();
        world.file("pks.yml", &manifest(3, 2));
        let (ran, seen) = counted(world, &["plan", "-f", "pks.yml"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(writes(&seen), Vec::<String>::new());
        assert_eq!(seen.iter().filter(|seen| seen.method != "GET").count(), 1, "{seen:?}");
    }

    fn an_apply_with_nothing_to_do_sends_no_write(world) {
        world.file("pks.yml", &manifest(3, 2));
        world.converge();
        let (ran, seen) = counted(world, &["apply", "-f", "pks.yml", "--yes"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(writes(&seen), Vec::<String>::new());
    }
}

on_each_uaa! {
    fn a_plan_of_fifty_users_and_ten_groups_costs_eight_requests_whatever_else_it_asks_for(world) {
        let groups = world.has_pks_groups();
        world.file("pks.yml", &manifest(50, 10));
        world.converge();
        let costs = |world: &World, expected: usize| {
            let (ran, seen) = counted(world, &["plan", "-f", "pks.yml", "--detailed-exitcode"]);
            assert_eq!(ran.code, 0, "{ran:?}");
            assert_eq!(seen.len(), expected, "{seen:#?}");
            ran
        };
        costs(world, 7);
        // Holders of cluster access whom the manifest does not name: they must be named.
        for n in 0..15 {
            let id = world.has_user(&format!("unaccounted{n}"), "uaa");
            world.has_member(&groups["pks.clusters.manage"], &id, "USER", "uaa");
        }
        let ran = costs(world, 7);
        assert!(ran.stdout.contains("unaccounted14"), "{ran:?}");
        // An origin that must be looked for among the identity providers.
        let mapped = format!("{}  - {{name: team.mapped, external_groups: [{{origin: ldap, group: 'cn=a,dc=b'}}]}}\n", manifest(50, 10));
        world.file("pks.yml", &mapped);
        world.apply(0);
        costs(world, 8);
        let (ran, seen) = counted(world, &["plan", "-f", "pks.yml", "-z", &world.zone.subdomain, "--detailed-exitcode"]);
        assert_eq!((ran.code, seen.len()), (0, 8), "{ran:?} {seen:#?}");
        let authorities = ["scim.read", "idps.read"].map(|scope| format!("zones.{}.{scope}", world.zone.id));
        let client = world.foundation.has_client("zoned", &authorities.each_ref().map(String::as_str));
        let proxy = Proxy::start(world.foundation, |_| Action::Forward).expect("the proxy starts");
        let mut command = world.command(&["plan", "-f", "pks.yml", "--detailed-exitcode"]);
        let command = command.env("UAA_TARGET", proxy.url()).env("UAA_CLIENT_ID", &client.0).env("UAA_CLIENT_SECRET", &client.1);
        let ran = Ran::from(command.output().expect("runs"));
        assert_eq!((ran.code, proxy.seen().len()), (0, 8), "{ran:?} {:#?}", proxy.seen());
    }
}

#[test]
fn two_hundred_users_cost_one_request_each_and_one_for_each_membership_and_a_second_plan_eight_in_all() {
    let world = World::new(UaaVersion::V4_30_0);
    world.file("pks.yml", &manifest(200, 10));
    let (ran, seen) = counted(&world, &["apply", "-f", "pks.yml", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    // Besides the writes: the reads before, and those of the second look.
    assert!(seen.len() <= 200 + 400 + 20, "{} requests", seen.len());
    assert_eq!(writes(&seen).len(), 10 + 200 + 400);

    let (ran, seen) = counted(&world, &["plan", "-f", "pks.yml", "--detailed-exitcode"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(seen.len() <= 8, "{} requests: {seen:#?}", seen.len());

    // And of all those users a manifest that names few: as cheap.
    world.file("pks.yml", "version: 1\nusers:\n  - {username: user0007@example.com}\n");
    let (ran, seen) = counted(&world, &["plan", "-f", "pks.yml", "--detailed-exitcode"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert!(seen.len() <= 8, "{} requests: {seen:#?}", seen.len());
}

/// UAA hashes a password for each user it makes, and so makes 25 a second at most: 5,000 take minutes.
#[test]
#[ignore = "takes 5 minutes; CONTRIBUTING.md says when to run it"]
#[expect(clippy::print_stderr, reason = "the figures are what it is run for")]
fn on_a_foundation_of_five_thousand_users_a_plan_of_fifty_costs_as_few() {
    const FOUNDATION: usize = 5_000;
    let world = World::new(UaaVersion::V4_30_0);
    let groups = world.has_pks_groups();
    std::thread::scope(|scope| {
        for worker in 0..4 {
            let world = &world;
            scope.spawn(move || {
                for n in (worker..FOUNDATION - 50).step_by(4) {
                    world.has_user(&format!("other{n:04}@example.com"), "uaa");
                }
            });
        }
    });
    world.file("pks.yml", &manifest(50, 10));
    world.converge();
    let costs = |what: &str, expected: usize| {
        let begun = std::time::Instant::now();
        let (ran, seen) = counted(&world, &["plan", "-f", "pks.yml", "--detailed-exitcode"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        eprintln!("{FOUNDATION} users, {what}: {} requests in {:.2?}", seen.len(), begun.elapsed());
        assert_eq!(seen.len(), expected, "{seen:#?}");
    };
    costs("nothing to do", 7);
    for n in 0..15 {
        let id = world.has_user(&format!("unaccounted{n}"), "uaa");
        world.has_member(&groups["pks.clusters.manage"], &id, "USER", "uaa");
    }
    costs("and 15 holders to name", 7);
    let mapping = "  - {name: team.mapped, external_groups: [{origin: ldap, group: 'cn=a,dc=b'}]}\n";
    world.file("pks.yml", &(manifest(50, 10) + mapping));
    world.apply(0);
    costs("and an origin to look for", 8);
}

#[test]
fn one_token_serves_a_whole_run() {
    let world = World::new(UaaVersion::V4_30_0);
    world.file("pks.yml", &manifest(5, 2));
    let (ran, seen) = counted(&world, &["apply", "-f", "pks.yml", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(seen.iter().filter(|seen| seen.path == "/oauth/token").count(), 1);
}
