//! Corners of the rails that mutation tests found nobody looking at.

use crate::desired::{Said, SecretSource};
use crate::plan::policy::MustHave;
use crate::plan::worlds::{Manifest, Site, findings, lines, user};
use crate::plan::{Action, Rail, Risk};

#[test]
fn an_account_that_was_there_is_worth_a_remark_only_where_the_entry_brings_a_password() {
    let site = Site::new().user("boss").group("uaa.admin", &[]);
    let manifest = Manifest::new().user("boss").additive("uaa.admin").member("uaa.admin", "boss");
    let adopts = |manifest: &Manifest| {
        manifest.plan(&site).changes.iter().any(|change| change.risks.contains(&Risk::Adopts))
    };
    assert!(adopts(&manifest));
    let without = manifest.change(|desired| {
        for user in desired.users.values_mut() {
            user.password = None;
        }
    });
    assert!(!adopts(&without));
}

#[test]
fn who_is_lost_is_said_in_words() {
    let lost = |members: &[&str]| {
        let site = Site::new().users(&["a", "b", "c"]).group("team", members);
        findings(&Manifest::new().exact("team").plan(&site))
    };
    assert_eq!(
        lost(&["a"]),
        ["empties:team [0]: Group `team` would lose its only member, and nobody would be left."]
    );
    assert_eq!(
        lost(&["a", "b"]),
        ["empties:team [0, 1]: Group `team` would lose both its members, and nobody would be left."]
    );
    assert_eq!(
        lost(&["a", "b", "c"]),
        ["empties:team [0, 1, 2]: Group `team` would lose all its 3 members, and nobody would be left."]
    );
}

#[test]
fn the_name_of_a_new_group_or_client_can_be_a_lookalike_too() {
    // The `е` is Cyrillic.
    let keys = |manifest: &Manifest| -> Vec<String> {
        manifest.plan(&Site::new()).findings.into_iter().filter_map(|finding| finding.key).collect()
    };
    assert_eq!(keys(&Manifest::new().exact("t\u{435}am")), ["lookalike:t\u{435}am"]);
    let client = Manifest::new().client("d\u{435}mo", &["authorized_grant_types=client_credentials"]);
    let client = client.secret("d\u{435}mo", SecretSource::Literal);
    assert_eq!(keys(&client), ["lookalike:d\u{435}mo"]);
}

#[test]
fn who_we_are_logged_in_as_may_be_changed_in_what_the_run_does_not_need() {
    let me = |site: Site| {
        site.change(|observed| {
            observed.me.user = Some(user("me"));
            observed.me.scopes = ["scim.read".to_owned()].into();
        })
    };
    let site = me(Site::new()
        .user("me")
        .client("admin", &["authorized_grant_types=password", "scope=scim.read", "authorities=uaa.none"]));
    let plan =
        Manifest::new().user("me").edit("me", |me, said| me.email = said("new@example.com")).plan(&site);
    assert_eq!((plan.changes.len(), findings(&plan)), (1, Vec::new()));
    // It is not public, and was not.
    let plan = Manifest::new().client("admin", &["name=Boss"]).plan(&site);
    assert_eq!((plan.changes.len(), findings(&plan)), (1, Vec::new()));
}

#[test]
fn a_loss_of_our_own_names_the_changes_that_bring_it_about_and_no_others() {
    let site =
        Site::new().users(&["me", "b"]).group("inner", &["me", "b"]).group("other", &["b", "group:inner"]);
    let site = site.group("scim.write", &["group:inner", "b"]).change(|observed| {
        observed.me.user = Some(user("me"));
        observed.me.scopes = ["scim.write".to_owned()].into();
    });
    let lost = |manifest: &Manifest| {
        let plan = manifest.plan(&site);
        let findings = plan.findings.iter().filter(|finding| finding.rail == Rail::OwnIdentity);
        let changes = findings.flat_map(|finding| &finding.changes);
        changes.map(|&id| plan.changes[id as usize].key.clone()).collect::<Vec<_>>()
    };
    let manifest = Manifest::new().user("me").additive("scim.write").additive("other").additive("inner");
    let manifest = manifest.absent("other", "b").absent("other", "group:inner").absent("scim.write", "b");
    let manifest = manifest.absent("inner", "b");
    assert_eq!(lost(&manifest), [""; 0]);
    assert_eq!(lost(&manifest.clone().absent("scim.write", "group:inner")), ["scim.write/group:inner"]);
    assert_eq!(lost(&manifest.clone().absent("inner", "me")), ["inner/uaa/me"]);
    let doomed = Manifest::new().user("me").no_group("inner").no_group("other");
    assert_eq!(lost(&doomed), ["inner"]);
    // Somebody else is not we, nor is what happens to a client.
    assert_eq!(lost(&Manifest::new().user("me").no_user("b")), [""; 0]);
}

#[test]
fn to_be_unverified_is_not_to_be_suspended_and_a_minute_is_long_enough() {
    let site = Site::new().user("me").client("admin", &["authorized_grant_types=password", "scope=x"]);
    let site = site.change(|observed| observed.me.user = Some(user("me")));
    let unverified = Manifest::new().user("me").edit("me", |me, _| {
        me.verified = Some(Said { value: false, because: me.because.clone() });
    });
    let plan = unverified.plan(&site);
    assert_eq!((plan.changes.len(), findings(&plan)), (1, Vec::new()));
    let plan = Manifest::new().client("admin", &["access_token_validity=60"]).plan(&site);
    assert_eq!((plan.changes.len(), findings(&plan)), (1, Vec::new()));
    let site = site.edit("me", |me| me.active = false);
    assert_eq!(findings(&Manifest::new().user("me").active("me", true).plan(&site)), [""; 0]);
    // Nobody is logged in as a user: nobody is deleted who is we.
    let site = Site::new().user("b");
    assert_eq!(findings(&Manifest::new().no_user("b").plan(&site)), [""; 0]);
}

#[test]
fn a_group_that_is_nested_can_be_a_lookalike_and_only_six_characters_are_shown() {
    let keys = |manifest: &Manifest, site: &Site| -> Vec<String> {
        manifest.plan(site).findings.into_iter().filter_map(|finding| finding.key).collect()
    };
    let odd = "t\u{435}am";
    let site = Site::new().group(odd, &[]).group("outer", &[]);
    let manifest = Manifest::new().additive("outer").member("outer", &format!("group:{odd}"));
    assert_eq!(keys(&manifest, &site), [format!("lookalike:{odd}")]);
    let shown = |name: &str| findings(&Manifest::new().exact(name).plan(&Site::new())).remove(0);
    let six = shown("x\u{430}\u{431}\u{432}\u{433}\u{434}\u{435}");
    assert!(six.contains("U+0430") && six.contains("U+0435") && !six.contains('…'), "{six}");
    let seven = shown("x\u{430}\u{431}\u{432}\u{433}\u{434}\u{435}\u{436}");
    assert!(seven.contains("U+0435, …") && !seven.contains("U+0436"), "{seven}");
}

#[test]
fn a_group_below_its_minimum_names_what_takes_from_it_and_nothing_else() {
    let site = Site::new().users(&["a", "b", "c"]).group("inner", &["b"]).group("elsewhere", &["a"]);
    let site = site.group("team", &["a", "group:inner"]);
    let named = |manifest: Manifest| {
        let manifest = manifest.policy(|policy| {
            let must = MustHave { minimum: 2, required: Default::default() };
            policy.members.insert("team".into(), must);
        });
        let plan = manifest.plan(&site);
        let findings = plan.findings.iter().filter(|finding| finding.rail == Rail::Members);
        let changes = findings.flat_map(|finding| &finding.changes);
        changes.map(|&id| plan.changes[id as usize].key.clone()).collect::<Vec<_>>()
    };
    let more = Manifest::new().additive("elsewhere").absent("elsewhere", "a").exact("new");
    let more = more.user("c").edit("c", |c, said| c.given_name = said("C")).no_group("elsewhere");
    assert_eq!(named(more.clone().additive("team").absent("team", "a")), ["team/uaa/a"]);
    assert_eq!(named(more.clone().no_group("inner")), ["inner"]);
    let asleep = more.clone().user("b").active("b", false).user("a").edit("a", |a, said| a.phone = said("1"));
    assert_eq!(named(asleep), ["uaa/b"]);
}

#[test]
fn an_autoapprove_of_all_is_a_gain_and_its_end_is_none() {
    let shown = |before: &str, after: &str| {
        let base = ["authorized_grant_types=password", "scope=a,b"];
        let site = Site::new().client("ci", &base).client("ci", &[before]);
        lines(&Manifest::new().client("ci", &[after]).plan(&site))
    };
    assert_eq!(shown("autoapprove=a", "autoapprove=true"), ["0 grant update_client ci autoapprove"]);
    assert_eq!(shown("autoapprove=true", "autoapprove=a"), ["0 revoke update_client ci autoapprove"]);
    assert_eq!(shown("allowpublic=", "allowpublic=true"), ["0 grant update_client ci allowpublic"]);
    assert_eq!(shown("allowpublic=true", "allowpublic="), ["0 revoke update_client ci allowpublic"]);
}

#[test]
fn a_group_that_a_client_names_is_not_pruned() {
    let site = Site::new().group("team.read", &[]).group("team.write", &[]);
    for field in ["scope", "authorities", "autoapprove", "required_user_groups"] {
        let grants = "authorized_grant_types=password";
        let manifest = Manifest::new()
            .client("ci", &[grants, "scope=team.write", &format!("{field}=team.read,team.write")]);
        let manifest = manifest.secret("ci", SecretSource::Literal).prune_groups(&["team.*"]);
        let deleted =
            manifest.plan(&site).changes.into_iter().filter(|change| change.action == Action::DeleteGroup);
        assert_eq!(deleted.count(), 0, "{field}");
    }
    let site = Site::new().group("pks.clusters.admin", &[]).group("team.read", &[]);
    let manifest = Manifest::new().client("ci", &["authorized_grant_types=client_credentials"]);
    let manifest = manifest.secret("ci", SecretSource::Literal).client_access("ci", &[]).prune_groups(&["*"]);
    let plan = manifest.plan(&site);
    let deleted: Vec<&str> = plan
        .changes
        .iter()
        .filter(|change| change.action == Action::DeleteGroup)
        .map(|change| change.key.as_str())
        .collect();
    assert_eq!(deleted, ["team.read"]);
}

#[test]
fn what_apply_settles_is_numbered_after_the_plan() {
    let site = Site::new().client("ci", &["authorized_grant_types=client_credentials"]).users(&["a", "b"]);
    let manifest =
        Manifest::new().client("ci", &[]).secret("ci", SecretSource::Literal).no_user("a").no_user("b");
    let plan = manifest.plan(&site);
    assert_eq!(plan.changes.len(), 2);
    let settled: Vec<u32> =
        crate::plan::to_settle(&plan, &manifest.desired).iter().map(|change| change.id).collect();
    assert_eq!(settled, [2]);
}

#[test]
fn what_is_settled_is_part_of_what_was_agreed_to_and_initial_passwords_are_not() {
    let site = Site::new().user("a").client("ci", &["authorized_grant_types=client_credentials"]);
    let digest = |manifest: &Manifest| manifest.plan(&site).plan_digest;
    let bare = Manifest::new().client("ci", &[]);
    let settles = bare.clone().secret("ci", SecretSource::Variable("x".to_owned()));
    assert_ne!(digest(&bare), digest(&settles));
    assert_eq!(digest(&bare), digest(&bare.clone().user("a")));
}

#[test]
fn what_ends_when_a_client_changes_is_said() {
    let notes = |after: &str| {
        let before = ["authorized_grant_types=client_credentials,refresh_token", "scope=a"];
        let site = Site::new().client("ci", &before);
        let plan = Manifest::new().client("ci", &[after]).plan(&site);
        plan.changes.into_iter().flat_map(|change| change.notes).collect::<Vec<_>>()
    };
    assert_eq!(notes("token_salt=x"), ["Another token salt ends all tokens of client `ci` at once."]);
    assert_eq!(
        notes("authorized_grant_types=client_credentials"),
        ["Users of client `ci` must log in again when their tokens expire."]
    );
    assert_eq!(notes("authorized_grant_types=refresh_token"), [""; 0]);
}

#[test]
fn what_goes_with_a_user_is_said_in_words() {
    let note = |groups: &[&str]| {
        let site = groups.iter().fold(Site::new().user("a"), |site, group| site.group(group, &["a"]));
        let plan = Manifest::new().no_user("a").plan(&site);
        let notes = plan.changes.into_iter().flat_map(|change| change.notes);
        notes.filter(|note| note.contains("takes along")).collect::<Vec<_>>().remove(0)
    };
    assert!(note(&[]).starts_with("Deleting `uaa/a` takes along its approvals"), "{}", note(&[]));
    assert!(
        note(&["g"]).starts_with("Deleting `uaa/a` takes along its membership of `g`, its"),
        "{}",
        note(&["g"])
    );
    let two = note(&["g", "h"]);
    assert!(two.starts_with("Deleting `uaa/a` takes along its memberships of `g`"), "{two}");
}
