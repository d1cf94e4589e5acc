//! Stories of `--only`: what of a plan a name takes, and what it does not.

use super::super::only::{Only, Unmatched, Wanted};
use super::super::policy::{Allow, Policy};
use super::super::saved::{Saved, judge_only};
use super::NOTHING;
use crate::desired::SecretSource;
use crate::model::ClusterRole::Manage;
use crate::plan::worlds::{Manifest, Site, lines};
use crate::plan::{BlindSpotWhat, Plan, make_only};

fn only(names: &[&str]) -> Only {
    let wanted: Vec<Wanted> = names.iter().map(|name| name.parse().expect("a name")).collect();
    Only::new(&wanted)
}

fn part(manifest: &Manifest, site: &Site, names: &[&str]) -> (Plan, Vec<Unmatched>) {
    let Manifest { desired, policy, .. } = manifest;
    make_only(desired, &site.0, policy, &Allow::new(), &only(names)).expect("a plan")
}

fn site() -> Site {
    Site::new()
        .users(&["alana", "bob", "erin.old", "dana"])
        .group("pks.clusters.admin", &["alana"])
        .group("team", &["alana", "bob", "dana"])
        .maps("team", "ldap", "cn=old")
        .client("ci", &["authorized_grant_types=client_credentials", "authorities=a"])
}

fn manifest() -> Manifest {
    Manifest::new()
        .user("alana")
        .edit("alana", |alana, said| alana.given_name = said("Alana"))
        .access("alana", &[Manage])
        .user("erin")
        .previously("erin", "erin.old")
        .user("new")
        .no_user("dana")
        .exact("team")
        .members("team", &["new", "erin"])
        .maps("team", &[("ldap", "cn=new")])
        .client("ci", &["authorities=b"])
        .secret("ci", SecretSource::Variable("ci_secret".to_owned()))
}

#[test]
fn a_name_takes_what_is_about_it_and_what_that_needs() {
    let cases: [(&str, &[&str]); 9] = [
        (
            "user/alana",
            &[
                "0 update update_user uaa/alana given_name",
                "1 grant add_member pks.clusters.manage/uaa/alana",
                "2 revoke remove_member pks.clusters.admin/uaa/alana [EndsSessions]",
                "3 revoke remove_member team/uaa/alana implied [EndsSessions]",
            ],
        ),
        (
            "group/Team",
            &[
                "0 create create_user uaa/new email password",
                "1 grant add_member team/uaa/erin.old",
                "2 grant add_member team/uaa/new needs [0]",
                "3 grant map_external_group team/ldap/cn=new",
                "4 revoke remove_member team/uaa/alana implied [EndsSessions]",
                "5 revoke remove_member team/uaa/bob implied [EndsSessions]",
                "6 revoke unmap_external_group team/ldap/cn=old implied",
                "7 delete remove_member team/uaa/dana [EndsSessions]",
            ],
        ),
        ("member/team/bob", &["0 revoke remove_member team/uaa/bob implied [EndsSessions]"]),
        ("external_group/team/ldap/CN=new", &["0 grant map_external_group team/ldap/cn=new"]),
        ("mapping/team/ldap/cn=old", &["0 revoke unmap_external_group team/ldap/cn=old implied"]),
        (
            "client/ci",
            &[
                "0 grant update_client ci authorities",
                "1 revoke update_client ci authorities needs [0] [EndsSessions]",
            ],
        ),
        (
            "user/uaa/dana",
            &[
                "0 delete remove_member team/uaa/dana",
                "1 delete delete_user uaa/dana needs [0] [EndsSessions, TakesAlong]",
            ],
        ),
        // By the name that it has and by the one that it gets.
        (
            "user/erin.old",
            &[
                "0 grant add_member team/uaa/erin.old",
                "1 revoke update_user uaa/erin.old username email [EndsSessions]",
            ],
        ),
        (
            "user/uaa/erin",
            &[
                "0 grant add_member team/uaa/erin.old",
                "1 revoke update_user uaa/erin.old username email [EndsSessions]",
            ],
        ),
    ];
    let all = manifest().plan(&site()).changes.len();
    for (name, expected) in cases {
        let (plan, unmatched) = part(&manifest(), &site(), &[name]);
        assert_eq!(
            (lines(&plan), unmatched),
            (expected.iter().map(|&line| line.to_owned()).collect(), vec![])
        );
        assert_eq!(plan.only.map(|part| part.left_out), Some(all - expected.len()), "{name}");
        // A client's secret is settled with its client alone.
        let settled = plan.blind_spots.iter().any(|spot| spot.what == BlindSpotWhat::ClientSecret);
        assert_eq!(settled, name == "client/ci", "{name}");
    }
    let (two, _) = part(&manifest(), &site(), &["client/ci", "member/team/bob"]);
    assert_eq!(two.changes.len(), 3);
}

#[test]
fn what_is_so_already_is_no_mistake_and_what_nobody_speaks_of_is_one() {
    let described = Manifest::new().user("alana").additive("team").member("team", "alana").no_group("old");
    let site = Site::new().user("alana").group("team", &["alana"]);
    for name in ["user/alana", "group/team", "member/team/uaa/alana", "group/old"] {
        let (plan, unmatched) = part(&described, &site, &[name]);
        assert_eq!((lines(&plan), unmatched), (vec![], vec![]), "{name}");
    }
    for (name, shown, near) in [
        ("user/alanna", "user/uaa/alanna", Some("user/uaa/alana")),
        ("user/ldap/alana", "user/ldap/alana", Some("user/uaa/alana")),
        ("group/taem", "group/taem", Some("group/team")),
        ("member/team/bob", "member/team/uaa/bob", None),
        ("client/ci", "client/ci", None),
    ] {
        let near = near.map(str::to_owned);
        assert_eq!(part(&described, &site, &[name]).1, [Unmatched { name: shown.to_owned(), near }]);
    }
}

#[test]
fn rails_judge_what_the_part_leads_to() {
    let keys = |plan: &Plan| plan.findings.iter().filter_map(|f| f.key.clone()).collect::<Vec<_>>();
    let site = Site::new().users(&["a", "b", "c"]).group("team", &["a", "b", "c"]).group("uaa.admin", &[]);
    let manifest = Manifest::new().exact("team").additive("uaa.admin").members("uaa.admin", &["c"]);
    assert_eq!(keys(&manifest.plan(&site)), ["escalates:uaa.admin/uaa/c", "empties:team"]);
    assert_eq!(keys(&part(&manifest, &site, &["member/team/a"]).0), NOTHING);
    assert_eq!(keys(&part(&manifest, &site, &["user/b", "user/a"]).0), ["removals:team"]);
    assert_eq!(keys(&part(&manifest, &site, &["user/c"]).0), ["escalates:uaa.admin/uaa/c"]);
}

#[test]
fn names_are_read_as_plans_print_them() {
    for (text, shown) in [
        ("user/alana", "user/uaa/alana"),
        ("user/ldap/a%2Fb%25", "user/ldap/a%2Fb%25"),
        ("group/Team", "group/Team"),
        ("client/a%2Fb", "client/a%2Fb"),
        ("member/team/alana", "member/team/uaa/alana"),
        ("member/team/ldap/cody", "member/team/ldap/cody"),
        ("member/team/group:ops", "member/team/group:ops"),
        ("mapping/team/ldap/CN=x%2Fy", "external_group/team/ldap/cn=x%2Fy"),
    ] {
        assert_eq!(text.parse::<Wanted>().map(|wanted| wanted.to_string()), Ok(shown.to_owned()));
    }
    for (text, part) in [
        ("alana", "no kind and name"),
        ("user/", "no kind and name"),
        ("usr/alana", "did you mean user?"),
        ("user//alana", "a part of it is empty"),
        ("user/a/b/c", "not the parts of a user"),
        ("client/a/b", "not the parts of a client"),
        ("member/team", "not the parts of a member"),
        ("external_group/team/cn=x", "not the parts of a external_group"),
    ] {
        let error = text.parse::<Wanted>().expect_err(text);
        assert!(error.contains(part), "{text}: {error}");
    }
}

#[test]
fn of_a_saved_plan_only_the_part_is_judged() {
    let (site, manifest) = (site(), manifest());
    let saved = Saved::new(&manifest.plan(&site), &manifest.desired, &site.0).expect("no literal secret");
    // Behind its back: alana gets another name, and the client is as the plan makes it.
    let now = site.clone().edit("alana", |alana| alana.given_name = "Other".to_owned());
    let now = now.client("ci", &["authorities=b"]);
    let judged = |names: &[&str]| {
        judge_only(&saved, &now.0, &Policy::default(), &Allow::new(), &only(names)).expect("it can come true")
    };
    assert_ne!(judged(&["user/alana"]).drift, []);
    assert_eq!((judged(&[]).drift, judged(&[]).plan.only), (judged(&["user/alana"]).drift, None));
    let part = judged(&["member/team/bob", "client/ci"]);
    assert_eq!(part.drift, []);
    assert_eq!(lines(&part.plan), ["0 revoke remove_member team/uaa/bob implied [EndsSessions]"]);
    assert_eq!((part.left.len(), part.already.len(), part.chosen.len()), (1, 2, 3));
    assert_eq!(part.plan.only.map(|part| part.left_out), Some(saved.plan.changes.len() - 3));
}
