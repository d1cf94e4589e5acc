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

#[test]
fn two_hundred_users_cost_one_request_each_and_one_for_each_membership_and_a_second_plan_eight_in_all() {
    let world = World::new(UaaVersion::V4_30_0);
    world.file("pks.yml", &manifest(200, 10));
    let (ran, seen) = counted(&world, &["apply", "-f", "pks.yml", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
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

#[test]
fn one_token_serves_a_whole_run() {
    let world = World::new(UaaVersion::V4_30_0);
    world.file("pks.yml", &manifest(5, 2));
    let (ran, seen) = counted(&world, &["apply", "-f", "pks.yml", "--yes"]);
    assert_eq!(ran.code, 0, "{ran:?}");
    assert_eq!(seen.iter().filter(|seen| seen.path == "/oauth/token").count(), 1);
}
