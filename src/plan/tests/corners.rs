//! Corners of the rails that mutation tests found nobody looking at.

use crate::plan::Risk;
use crate::plan::worlds::{Manifest, Site, findings, user};

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
    let client = client.secret("d\u{435}mo", crate::desired::SecretSource::Literal);
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
