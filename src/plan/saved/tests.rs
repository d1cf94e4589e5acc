//! A saved plan at a server that stayed as it was, went half the way, or was changed by somebody else.

use super::*;
use crate::desired::{PruneAction, Said};
use crate::model::ClusterRole::{Admin, Manage};
use crate::observed::{MemberKind, MemberRow};
use crate::plan::policy::{Allow, Policy};
use crate::plan::project::project;
use crate::plan::worlds::{Manifest, Site, user};

/// What the plan touches, and more.
fn site() -> Site {
    Site::new()
        .users(&["alana", "bob", "old", "eve", "ldap/cody", "elsewhere"])
        .group("team", &["bob"])
        .group("open", &["eve"])
        .group("doomed", &["eve"])
        .group("other", &["eve"])
        .maps("team", "ldap", "cn=old")
        .client("ci", &["authorized_grant_types=client_credentials", "authorities=a"])
        .client("gone", &["authorized_grant_types=client_credentials", "authorities=z"])
        .client("stranger", &["authorized_grant_types=client_credentials", "authorities=z"])
}

fn manifest() -> Manifest {
    Manifest::new()
        .user("alana")
        .edit("alana", |alana, said| {
            (alana.given_name, alana.email) = (said("Alana"), said("new@example.com"));
        })
        .user("new")
        .user("elsewhere")
        .access("alana", &[Manage])
        .exact("team")
        .description("team", "The team")
        .members("team", &["alana", "group:open"])
        .maps("team", &[("ldap", "cn=new")])
        .exact("fresh")
        .member("fresh", "new")
        .additive("open")
        .member("open", "alana")
        .no_user("old")
        .no_group("doomed")
        .no_client("gone")
        .client("ci", &["authorized_grant_types=client_credentials", "authorities=b", "name=CI"])
        .secret("ci", SecretSource::Variable("ci_secret".to_owned()))
        .client("app", &["authorized_grant_types=client_credentials", "authorities=x"])
        .secret("app", SecretSource::Variable("app_secret".to_owned()))
}

fn saved(manifest: &Manifest, site: &Site) -> Saved {
    let saved = Saved::new(&manifest.plan(site), &manifest.desired, &site.0).expect("no literal secret");
    let read = Saved::read(&saved.text()).expect("it is whole");
    assert_eq!(read, saved);
    read
}

fn judged(saved: &Saved, observed: &Observed) -> Judged {
    judge(saved, observed, &Policy::default(), &Allow::new()).expect("the entries can come true")
}

fn ids(changes: impl IntoIterator<Item = u32>) -> Vec<u32> {
    changes.into_iter().collect()
}

#[test]
fn at_the_same_server_all_is_left_to_do_and_the_rails_speak_again() {
    let site = site().group("uaa.admin", &[]);
    let manifest = manifest().additive("uaa.admin").member("uaa.admin", "new");
    let mut saved = saved(&manifest, &site);
    assert!(saved.plan.changes.len() > 15, "{:#?}", saved.plan.changes);
    let findings = std::mem::take(&mut saved.plan.findings);
    assert!(!findings.is_empty());
    let judged = judged(&saved, &site.0);
    assert_eq!(judged.drift, Vec::new());
    assert_eq!(judged.plan.changes, saved.plan.changes);
    assert_eq!(judged.plan.findings, findings);
    assert_eq!(judged.left, ids(0..u32::try_from(saved.plan.changes.len()).expect("few")));
}

#[test]
fn whatever_was_made_already_is_so_and_the_rest_is_left() {
    let (site, manifest) = (site(), manifest());
    let saved = saved(&manifest, &site);
    for made in 0..=saved.plan.changes.len() {
        let now = project(&site.0, &saved.plan.changes[..made]);
        let judged = judged(&saved, &now);
        assert_eq!(judged.drift, Vec::new(), "{made}");
        let last = u32::try_from(saved.plan.changes.len()).expect("few");
        let first = u32::try_from(made).expect("few");
        assert_eq!(judged.left, ids(first..last), "{made}");
        assert_eq!(judged.already, (0..first).collect(), "{made}");
    }
}

/// A change that somebody else makes.
type Deed = (&'static str, fn(&mut Observed));

fn row() -> MemberRow {
    MemberRow { kind: MemberKind::User, origin: crate::model::Origin::uaa() }
}

fn group<'o>(observed: &'o mut Observed, name: &str) -> &'o mut ObservedGroup {
    observed.groups.get_mut(&GroupName::new(name)).expect("it is there")
}

fn account<'o>(observed: &'o mut Observed, name: &str) -> &'o mut crate::observed::ObservedUser {
    observed.users.get_mut(&user(name)).expect("it is there")
}

fn replace_user(observed: &mut Observed, name: &str) {
    let other = Guid::new("another id");
    let old = std::mem::replace(&mut account(observed, name).id, other.clone());
    observed.names.remove(&old);
    observed.names.insert(other, user(name));
    for group in observed.groups.values_mut() {
        group.rows.remove(&old);
    }
}

fn put(observed: &mut Observed, id: &str, fields: &[&str]) {
    let made = Site::new().client(id, fields).0.clients;
    observed.clients.extend(made);
}

#[test]
fn every_change_behind_its_back_to_what_it_touches_is_drift() {
    let deeds: &[Deed] = &[
        ("a field that it changes", |o| account(o, "alana").email = "x@example.com".into()),
        ("another field that it changes", |o| account(o, "alana").given_name = "X".into()),
        ("a user that it updates is another", |o| replace_user(o, "alana")),
        ("a user that it updates is gone", |o| {
            let id = o.users.remove(&user("alana")).expect("it is there").id;
            o.names.remove(&id);
        }),
        ("a user that it creates is there, and not as wished", |o| {
            *o = Site(o.clone()).user("new").edit("new", |new| new.email = "x@example.com".into()).0;
        }),
        ("a user that it creates is there, suspended", |o| {
            *o = Site(o.clone()).user("new").edit("new", |new| new.active = false).0;
        }),
        ("a user that it deletes is in one group more", |o| {
            group(o, "other").rows.insert(Guid::new("id of uaa/old"), row());
        }),
        ("a user that it deletes is another", |o| replace_user(o, "old")),
        ("a user that it deletes was changed", |o| account(o, "old").phone = "1".into()),
        ("a user that it deletes has another name", |o| {
            let mut old = o.users.remove(&user("old")).expect("it is there");
            old.key = user("older");
            o.names.insert(old.id.clone(), old.key.clone());
            o.users.insert(old.key.clone(), old);
        }),
        ("a description that it changes", |o| group(o, "team").description = "X".into()),
        ("a group that it fills is another", |o| group(o, "team").id = Guid::new("another")),
        ("an additive group that it fills is another", |o| group(o, "open").id = Guid::new("another")),
        ("one more in an exact group", |o| {
            group(o, "team").rows.insert(Guid::new("id of uaa/eve"), row());
        }),
        ("a group that it creates is there, described otherwise and filled", |o| {
            *o = Site(o.clone()).group("fresh", &["eve"]).0;
        }),
        ("a group that it deletes has one more", |o| {
            group(o, "doomed").rows.insert(Guid::new("id of uaa/bob"), row());
        }),
        ("a group that it deletes has one less", |o| group(o, "doomed").rows.clear()),
        ("a group that it deletes is described", |o| group(o, "doomed").description = "X".into()),
        ("a group that it deletes is mapped", |o| *o = Site(o.clone()).maps("doomed", "ldap", "cn=x").0),
        ("a group that it deletes is mapped in a way that UAA cannot undo", |o| {
            *o = Site(o.clone()).maps("doomed", "ldap", "cn=a/b").0;
        }),
        ("one more mapping", |o| *o = Site(o.clone()).maps("team", "ldap", "cn=x").0),
        ("a membership that it adds was brought by a login", |o| {
            let brought = MemberRow { origin: crate::model::Origin::new("ldap"), ..row() };
            group(o, "team").rows.insert(Guid::new("id of uaa/alana"), brought);
        }),
        ("a membership that it removes was brought by a login", |o| {
            let brought = MemberRow { origin: crate::model::Origin::new("ldap"), ..row() };
            group(o, "team").rows.insert(Guid::new("id of uaa/bob"), brought);
        }),
        ("authorities that it changes", |o| {
            put(o, "ci", &["authorized_grant_types=client_credentials", "authorities=c"])
        }),
        ("a client that it updates is gone", |o| drop(o.clients.remove(&ClientId::new("ci")))),
        ("a client that it deletes was changed", |o| {
            put(o, "gone", &["authorized_grant_types=client_credentials", "authorities=y"]);
        }),
        ("a client that it creates is there, with more", |o| {
            put(o, "app", &["authorized_grant_types=client_credentials", "authorities=x", "scope=y"]);
        }),
        ("a client that it creates is there, with other things", |o| {
            put(o, "app", &["authorized_grant_types=client_credentials", "authorities=y"]);
        }),
    ];
    let (site, manifest) = (site(), manifest());
    let saved = saved(&manifest, &site);
    for (what, deed) in deeds {
        let mut now = site.0.clone();
        deed(&mut now);
        assert_ne!(now, site.0, "{what}");
        let judged = judged(&saved, &now);
        assert_ne!(judged.drift, Vec::new(), "{what}");
        assert!(judged.drift.iter().all(|drift| !drift.changes.is_empty()), "{what}");
    }
}

#[test]
fn what_brings_about_the_same_is_no_drift_and_is_not_done_again() {
    let deeds: &[(Deed, &[&str])] = &[
        (("a field", |o| account(o, "alana").given_name = "Alana".into()), &["update_user"]),
        (("a user", |o| *o = Site(o.clone()).user("new").0), &["create_user"]),
        (
            ("a membership", |o| {
                group(o, "team").rows.insert(Guid::new("id of uaa/alana"), row());
            }),
            &["add_member"],
        ),
        (("a removal", |o| group(o, "team").rows.clear()), &["remove_member"]),
        (("a group", |o| *o = Site(o.clone()).group("fresh", &[]).0), &["create_group"]),
        (("a mapping", |o| *o = Site(o.clone()).maps("team", "ldap", "cn=new").0), &["map_external_group"]),
        (("an unmapping", |o| o.mappings.clear()), &["unmap_external_group"]),
        (
            ("a client", |o| put(o, "app", &["authorized_grant_types=client_credentials", "authorities=x"])),
            &["create_client"],
        ),
        (("a deleted client", |o| drop(o.clients.remove(&ClientId::new("gone")))), &["delete_client"]),
        (("a deleted group", |o| drop(o.groups.remove(&GroupName::new("doomed")))), &["delete_group"]),
        (
            ("a deleted user", |o| {
                let id = o.users.remove(&user("old")).expect("it is there").id;
                o.names.remove(&id);
            }),
            &["delete_user"],
        ),
        (
            ("both steps of a client", |o| {
                put(o, "ci", &["authorized_grant_types=client_credentials", "authorities=b", "name=CI"]);
            }),
            &["update_client", "update_client", "update_client"],
        ),
        (
            ("the first steps of a client", |o| {
                put(o, "ci", &["authorized_grant_types=client_credentials", "authorities=a,b", "name=CI"]);
            }),
            &["update_client", "update_client"],
        ),
    ];
    let (site, manifest) = (site(), manifest());
    let saved = saved(&manifest, &site);
    for ((what, deed), actions) in deeds {
        let mut now = site.0.clone();
        deed(&mut now);
        let judged = judged(&saved, &now);
        assert_eq!(judged.drift, Vec::new(), "{what}");
        let already: Vec<String> = judged
            .already
            .iter()
            .map(|&id| {
                let action = serde_json::to_value(saved.plan.changes[id as usize].action).expect("a word");
                action.as_str().expect("a word").to_owned()
            })
            .collect();
        assert_eq!(already, *actions, "{what}");
        assert_eq!(judged.left.len() + judged.already.len(), saved.plan.changes.len(), "{what}");
    }
}

#[test]
fn changes_elsewhere_are_neither_drift_nor_undone() {
    let deeds: &[Deed] = &[
        ("a user that the manifest describes", |o| account(o, "elsewhere").email = "x@example.com".into()),
        ("a user that nobody names", |o| *o = Site(o.clone()).user("stray").0),
        ("a group that nobody names", |o| *o = Site(o.clone()).group("stray", &["eve"]).0),
        ("one more in an additive group", |o| {
            group(o, "open").rows.insert(Guid::new("id of uaa/bob"), row());
        }),
        ("one more in another group", |o| {
            group(o, "other").rows.insert(Guid::new("id of uaa/bob"), row());
        }),
        ("another client", |o| put(o, "stranger", &["authorities=y"])),
        ("another version of UAA", |o| o.server.uaa_version = "78".into()),
    ];
    let (site, manifest) = (site(), manifest());
    let saved = saved(&manifest, &site);
    for (what, deed) in deeds {
        let mut now = site.0.clone();
        deed(&mut now);
        assert_ne!(now, site.0, "{what}");
        let judged = judged(&saved, &now);
        assert_eq!(judged.drift, Vec::new(), "{what}");
        assert_eq!(judged.left.len(), saved.plan.changes.len(), "{what}");
        let keys = |plan: &Plan| plan.changes.iter().map(|c| (c.id, c.key.clone())).collect::<Vec<_>>();
        assert_eq!(keys(&judged.plan), keys(&saved.plan), "{what}");
    }
}

#[test]
fn a_rename_that_was_made_is_so_and_what_was_said_of_the_old_name_still_is() {
    let site = Site::new().user("former").group("team", &["former"]).group("ops", &[]);
    let manifest = Manifest::new()
        .user("latter")
        .previously("latter", "former")
        .edit("latter", |user, said| user.email = said("former@example.com"))
        .exact("team")
        .exact("ops")
        .member("ops", "latter");
    let saved = saved(&manifest, &site);
    for made in 0..=saved.plan.changes.len() {
        let judged = judged(&saved, &project(&site.0, &saved.plan.changes[..made]));
        assert_eq!((&*judged.drift, judged.already.len()), (&[][..], made));
    }
    // In another order, too.
    for change in &saved.plan.changes {
        let judged = judged(&saved, &project(&site.0, [change]));
        assert_eq!((&*judged.drift, judged.already), (&[][..], [change.id].into()), "{}", change.key);
    }
}

#[test]
fn a_group_that_somebody_made_meanwhile_must_hold_no_more_than_the_plan_gives() {
    let manifest = Manifest::new().user("a").additive("fresh").member("fresh", "a").additive("inner");
    let manifest = manifest.member("fresh", "group:inner").description("fresh", "It");
    let site = Site::new().users(&["a", "b"]).group("inner", &[]).maps("inner", "ldap", "cn=x");
    let saved = saved(&manifest, &site);
    let made = |members: &[&str], description: &str| {
        let site = site.clone().group("fresh", members);
        let description = description.to_owned();
        site.change(|observed| group(observed, "fresh").description = description).0
    };
    assert_eq!(judged(&saved, &made(&["a", "group:inner"], "It")).drift, []);
    assert_eq!(judged(&saved, &made(&["a"], "It")).drift, []);
    assert_eq!(judged(&saved, &made(&["group:inner"], "It")).drift, []);
    for (now, why) in [
        (made(&["b"], "It"), "it has other members: id of uaa/b"),
        (made(&["a"], "Other"), "`description` is \"Other\""),
        (Site(made(&["a"], "It")).maps("fresh", "ldap", "cn=y").0, "it has other mappings: fresh/ldap/cn=y"),
    ] {
        let message = format!("group fresh is there and not as the plan makes it: {why}");
        assert_eq!(judged(&saved, &now).drift, [Drift { changes: vec![0], message }]);
    }
}

#[test]
fn whom_somebody_made_privileged_is_not_suspended_by_an_old_plan() {
    let site = Site::new().user("old").group("ops", &["old"]).group("uaa.admin", &[]);
    let saved = saved(&Manifest::new().prune_users(&["uaa"], &[], PruneAction::Deactivate), &site);
    assert_eq!(judged(&saved, &site.0).left, [0]);
    let now = site.group("uaa.admin", &["group:ops"]);
    let message = "uaa/old: `active` is true instead of false".to_owned();
    assert_eq!(judged(&saved, &now.0).drift, [Drift { changes: vec![0], message }]);
}

/// Makes a plan's first changes, one after the other, and tells what is said each time.
fn goes_on(manifest: &Manifest, site: &Site) {
    let saved = saved(manifest, site);
    for made in 0..=saved.plan.changes.len() {
        let judged = judged(&saved, &project(&site.0, &saved.plan.changes[..made]));
        assert_eq!((&*judged.drift, judged.already.len()), (&[][..], made));
    }
}

#[test]
fn who_was_put_into_a_new_group_and_then_renamed_is_no_stranger_there() {
    let site = Site::new().user("former");
    let manifest = Manifest::new()
        .user("latter")
        .previously("latter", "former")
        .exact("fresh")
        .member("fresh", "latter");
    goes_on(
        &manifest.edit("latter", |user, said| user.email = said("former@example.com")).no_group("none"),
        &site.group("none", &[]),
    );
}

#[test]
fn whom_the_plan_itself_lets_be_pruned_is_left_for_the_next_plan() {
    let site = Site::new().users(&["boss", "old"]).group("uaa.admin", &["boss"]);
    let site = site.group("doomed", &["boss"]).group("team", &["boss", "old"]);
    let manifest = Manifest::new().prune_users(&["uaa"], &[], PruneAction::Delete);
    goes_on(&manifest.exact("uaa.admin").exact("team").no_group("doomed"), &site);
}

#[test]
fn the_salt_is_in_no_file_and_is_compared_all_the_same() {
    let site = Site::new().client("ci", &["authorized_grant_types=client_credentials"]);
    let manifest = Manifest::new().client("ci", &["token_salt=canary"]);
    let saved = saved_of_salts(&manifest, &site);
    assert!(!saved.text().contains("canary"));
    let ClientValue::Hidden(digest) = client::hidden("canary") else { panic!("it is hidden") };
    assert!(!saved.text().contains(&digest));
    let mut now = Saved::read(&saved.text()).expect("it is whole");
    now.with_salts(&[(ClientId::new("ci"), "canary".to_owned())].into());
    assert_eq!(judged(&now, &site.0).left, [0]);
    let written =
        Site::new().client("ci", &["authorized_grant_types=client_credentials", "token_salt=canary"]);
    assert_eq!(judged(&now, &written.0).already, [0].into());
    let other = Site::new().client("ci", &["authorized_grant_types=client_credentials", "token_salt=other"]);
    assert_ne!(judged(&now, &other.0).drift, []);
}

fn saved_of_salts(manifest: &Manifest, site: &Site) -> Saved {
    Saved::new(&manifest.plan(site), &manifest.desired, &site.0).expect("no literal secret")
}

#[test]
fn pruned_users_are_judged_as_others_are() {
    let site = Site::new().users(&["a", "b"]);
    let manifest = Manifest::new().user("a").prune_users(&["uaa"], &[], PruneAction::Deactivate);
    let saved = saved(&manifest, &site);
    assert_eq!(judged(&saved, &site.0).left, [0]);
    assert_eq!(judged(&saved, &project(&site.0, &saved.plan.changes)).already, [0].into());
    // Somebody new is for the next plan.
    assert_eq!(judged(&saved, &site.clone().user("c").0).left, [0]);
}

#[test]
fn a_secret_in_the_manifest_cannot_be_saved() {
    let site = Site::new().client("ci", &[]);
    let literal = SecretSource::Literal;
    let manifest =
        Manifest::new().user("alana").client("ci", &[]).secret("ci", literal.clone()).change(|desired| {
            let entry = desired.users.values_mut().next().expect("one");
            let because = entry.because.clone();
            entry.password = Some(Said { value: literal, because });
        });
    let why = Saved::new(&manifest.plan(&site), &manifest.desired, &site.0).expect_err("two secrets");
    assert_eq!(why, ["the password of user `uaa/alana`", "the secret of client `ci`"]);
}

#[test]
fn a_file_that_is_not_whole_is_refused() {
    let (site, manifest) = (site().user("zed"), manifest().access("zed", &[Admin]));
    let saved = saved_of_salts(&manifest, &site);
    let value = || serde_json::from_str::<serde_json::Value>(&saved.text()).expect("it is JSON");
    let read = |value: serde_json::Value| Saved::read(&value.to_string()).expect_err("it is refused");

    let mut newer = value();
    newer["format"] = (FORMAT + 1).into();
    assert_eq!(read(newer), Unreadable::Newer(u64::from(FORMAT) + 1));
    let mut shown = value();
    shown.as_object_mut().expect("a map").remove("saved");
    assert_eq!(read(shown), Unreadable::OnlyShown);
    assert!(matches!(Saved::read("{"), Err(Unreadable::NotOne(_))));
    assert!(matches!(Saved::read("[]"), Err(Unreadable::NotOne(_))));
    for path in [
        "/changes/0/fields/0/after",
        "/target/zone",
        "/target/url",
        "/plan_digest",
        "/saved/seen/groups/team",
        "/saved/manifest/groups/team/because/file",
    ] {
        let mut changed = value();
        *changed.pointer_mut(path).unwrap_or_else(|| panic!("{path} is there")) = "x".into();
        assert_eq!(read(changed), Unreadable::Damaged, "{path}");
    }
    // What is not part of the approval may be anything: it is made anew.
    let mut without = value();
    without["findings"] = serde_json::json!([]);
    assert!(Saved::read(&without.to_string()).is_ok());
}

#[test]
fn a_file_tells_which_secrets_its_plan_needs() {
    let client = ["authorized_grant_types=client_credentials"];
    let site = Site::new().client("wrong", &client).client("works", &client).users(&["old"]);
    let tried = site.clone().change(|observed| {
        observed.client_secrets_wrong = Some([ClientId::new("wrong")].into());
    });
    let variable = |name: &str| SecretSource::Variable(name.to_owned());
    let manifest = Manifest::new()
        .user("new")
        .client("wrong", &client)
        .secret("wrong", variable("wrong_secret"))
        .client("works", &["name=X"])
        .secret("works", variable("works_secret"))
        .client("made", &client)
        .secret("made", variable("made_secret"))
        .no_user("old");
    let value = |name: &str| FieldValue::Variable { variable: name.to_owned() };
    let names = |saved: &Saved| -> Vec<String> {
        saved.client_secrets("client_secret").keys().map(ToString::to_string).collect()
    };
    let untried = saved(&manifest, &site);
    assert_eq!(names(&untried), ["made", "works", "wrong"]);
    let variables = ["made_secret", "new_password", "works_secret", "wrong_secret"];
    assert_eq!(untried.variables(), variables.into());
    assert_eq!(untried.sets_secrets_of(), BTreeSet::new());
    let tried = (saved(&manifest, &tried), tried);
    assert_eq!(names(&tried.0), ["made", "wrong"]);
    assert_eq!(tried.0.client_secrets("client_secret")[&ClientId::new("made")], &value("made_secret"));
    assert_eq!(tried.0.client_secrets("token_salt"), BTreeMap::new());
    assert_eq!(tried.0.sets_secrets_of(), [ClientId::new("wrong")].into());
    assert_eq!(tried.0.passwords(), [(user("new"), &value("new_password"))].into());
    assert!(!tried.0.misses_a_doomed_user(&site.0));
    let mut gone = site.0.clone();
    gone.users.remove(&user("old"));
    assert!(tried.0.misses_a_doomed_user(&gone));
    // A secret that works by now is set already; one that nobody tried is not.
    let mut now = tried.1.0.clone();
    now.client_secrets_wrong = Some(BTreeSet::new());
    assert!(
        judged(&tried.0, &now).already.iter().any(|&id| tried.0.plan.changes[id as usize].key == "wrong")
    );
    assert_eq!(judged(&tried.0, &now).drift, []);
    now.client_secrets_wrong = None;
    let message = "client wrong is gone, or its secret was not tried";
    assert!(judged(&tried.0, &now).drift.iter().any(|drift| drift.message == message));
    now = tried.1.0.clone();
    now.clients.remove(&ClientId::new("wrong"));
    assert!(judged(&tried.0, &now).drift.iter().any(|drift| drift.message == message));
}

#[test]
fn only_what_the_plan_says_is_settled() {
    let client = ["authorized_grant_types=client_credentials"];
    let site = Site::new().client("ci", &client);
    let secret = SecretSource::Variable("x".to_owned());
    let bare = Manifest::new().client("ci", &["name=X"]).client("app", &client).secret("app", secret.clone());
    let spots = |judged: &Judged| -> Vec<String> {
        let spots = judged.plan.blind_spots.iter().filter(|spot| spot.what == BlindSpotWhat::ClientSecret);
        spots.flat_map(|spot| spot.items.clone()).collect()
    };
    let settles = saved(&bare.clone().secret("ci", secret.clone()), &site);
    assert_eq!(spots(&judged(&settles, &site.0)), ["ci"]);
    // `app` is there by now; its secret is the plan's matter. That of `ci` was not, when all of them were tried.
    let tried = site.clone().change(|observed| observed.client_secrets_wrong = Some(BTreeSet::new()));
    let now = Site(site.0.clone()).client("app", &client);
    let not = saved(&bare.secret("ci", secret), &tried);
    assert_eq!(spots(&judged(&not, &now.0)), ["app"]);
}
