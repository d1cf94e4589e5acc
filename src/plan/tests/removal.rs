//! Stories of what goes: said aloud, pruned, renamed.

use super::super::policy::Policy;
use super::NOTHING;
use crate::desired::PruneAction::{Deactivate, Delete};
use crate::model::ClusterRole::{Admin, Manage};
use crate::model::{ClientId, GroupName, Guid};
use crate::plan::worlds::{Manifest, Site, findings, kept, lines, user};
use crate::plan::{Action, Expects, FieldValue, Phase, Plan, Rail, Risk, scope};

fn notes(plan: &Plan, risk: Risk) -> Vec<&str> {
    let marked = plan.changes.iter().filter(|change| change.risks.contains(&risk));
    marked.flat_map(|change| change.notes.iter().map(String::as_str)).collect()
}

// Users.

#[test]
fn each_membership_of_a_user_goes_before_the_user() {
    let site = Site::new()
        .users(&["dana", "a"])
        .group("pks.clusters.admin", &["dana", "a"])
        .group("team", &["dana"])
        .group("openid", &["dana"]);
    let plan = Manifest::new().no_user("dana").user("a").plan(&site);
    assert_eq!(
        lines(&plan),
        [
            "0 delete remove_member openid/uaa/dana",
            "1 delete remove_member pks.clusters.admin/uaa/dana",
            "2 delete remove_member team/uaa/dana",
            "3 delete delete_user uaa/dana needs [0, 1, 2] [EndsSessions, TakesAlong]",
        ]
    );
    assert_eq!(
        plan.changes[3].expects,
        Expects::State { id: Guid::new("id of uaa/dana"), fields: Default::default() }
    );
    assert_eq!(
        plan.changes[3].notes,
        [
            "Deleting `uaa/dana` ends its sessions at UAA.",
            "Deleting `uaa/dana` takes along its memberships of `openid`, `pks.clusters.admin`, `team`, its approvals \
             and its tokens.",
        ]
    );
    assert_eq!((plan.summary.revoke, plan.summary.delete), (3, 1));
    assert_eq!(kept(&plan), ["UnaccountedAccess Member pks.clusters.admin/uaa/a"]);
}

#[test]
fn what_is_not_there_is_no_change() {
    let manifest = Manifest::new()
        .no_user("dana")
        .no_group("old")
        .no_client("ci")
        .exact("team")
        .no_mapping("team", "ldap", "cn=x");
    let plan = manifest.plan(&Site::new().group("team", &[]));
    assert_eq!((lines(&plan), kept(&plan), findings(&plan)), (vec![], vec![], vec![]));
}

#[test]
fn a_user_of_a_directory_is_let_in_again_and_by_what() {
    let site = Site::new()
        .user("ldap/cody")
        .group("team", &["ldap/cody", "~ldap/cody"])
        .group("pks.clusters.manage", &["~ldap/cody"])
        .group("inner", &["ldap/cody"])
        .maps("pks.clusters.manage", "ldap", "cn=dev")
        .maps("team", "saml", "x");
    let plan = Manifest::new().no_user("ldap/cody").plan(&site);
    // Rows that a login brought too: 4.10.0 forgets them.
    assert_eq!(
        lines(&plan),
        [
            "0 delete remove_member inner/ldap/cody",
            "1 delete remove_member pks.clusters.manage/ldap/cody",
            "2 delete remove_member team/ldap/cody",
            "3 delete delete_user ldap/cody needs [0, 1, 2] [EndsSessions, Readmitted, TakesAlong, Residual]",
        ]
    );
    assert_eq!(
        plan.changes[3].notes[1..],
        [
            "Origin `ldap` lets `ldap/cody` in again at the next login, as a new account. Block the user there.",
            "Deleting `ldap/cody` takes along its memberships of `inner`, `pks.clusters.manage`, `team`, its approvals \
             and its tokens.",
            "`ldap/cody` may hold `pks.clusters.manage` again from the next login on: `cn=dev` of origin `ldap` is \
             mapped to `pks.clusters.manage`.",
        ]
    );
}

#[test]
fn an_exact_group_and_an_absent_member_ask_for_one_removal_only_and_it_is_said_outright() {
    let site = Site::new().users(&["dana", "a", "b", "c"]).group("team", &["dana", "a", "b", "c"]);
    let plan = Manifest::new()
        .exact("team")
        .members("team", &["a", "b", "c"])
        .additive("other")
        .absent("other", "dana")
        .no_user("dana")
        .plan(&site.group("other", &["dana"]));
    assert_eq!(
        lines(&plan),
        [
            "0 delete remove_member other/uaa/dana",
            "1 delete remove_member team/uaa/dana",
            "2 delete delete_user uaa/dana needs [0, 1] [EndsSessions, TakesAlong]",
        ]
    );
    assert!(plan.changes.iter().all(|change| !change.implied));
    assert_eq!(findings(&plan), NOTHING);
}

#[test]
fn a_group_that_loses_all_members_with_their_accounts_is_emptied_all_the_same() {
    let site = Site::new().users(&["dana", "a", "b", "c", "d"]).group("team", &["dana"]);
    let manifest =
        Manifest::new().exact("team").no_user("dana").user("a").user("b").user("c").user("d").plan(&site);
    assert_eq!(
        findings(&manifest),
        ["empties:team [0]: Group `team` would lose its only member, and nobody would be left."]
    );
}

#[test]
fn many_users_at_once_are_refused_by_their_number() {
    let site = Site::new().users(&["a", "b", "c", "d", "e", "f", "g"]);
    let most = |manifest: Manifest| manifest.user("c").user("d").user("e").user("f").user("g").plan(&site);
    assert_eq!(
        findings(&most(Manifest::new().no_user("a").no_user("b"))),
        ["removals:user=2 [0, 1]: 2 of the 7 users in scope would be removed or suspended."]
    );
    assert_eq!(findings(&most(Manifest::new().no_user("a"))), NOTHING);
    // Whoever is suspended is out as well; who is out already does not go again.
    assert_eq!(
        findings(&most(Manifest::new().no_user("a").user("b").active("b", false))),
        ["removals:user=2 [0, 1]: 2 of the 7 users in scope would be removed or suspended."]
    );
    let site = site.clone().edit("b", |b| b.active = false);
    let again = Manifest::new().no_user("a").user("b").active("b", false).user("c").user("d").user("e");
    assert_eq!(findings(&again.plan(&site)), NOTHING);
}

#[test]
fn the_user_and_the_client_of_this_run_are_never_deleted() {
    let site = Site::new()
        .users(&["me", "a"])
        .group("uaa.admin", &["me", "a"])
        .clients(&["admin"])
        .change(|observed| observed.me.user = Some(user("me")));
    let plan = Manifest::new().no_user("me").no_client("admin").plan(&site);
    assert_eq!(
        lines(&plan),
        [
            "0 own remove_member uaa.admin/uaa/me",
            "1 own delete_user uaa/me needs [0] [EndsSessions, TakesAlong]",
            "2 own delete_client admin [EndsSessions, TakesAlong, Bootstrapped]",
        ]
    );
    assert_eq!(
        findings(&plan),
        [
            "- [1]: The user that this run is logged in as would be deleted.",
            "- [2]: The client that this run is logged in as would be deleted.",
            "- [2]: Client `admin` would be deleted, and the platform logs in with it.",
        ]
    );
}

// Groups and mappings.

#[test]
fn a_group_goes_after_its_mappings_and_says_what_it_takes_along() {
    let site = Site::new()
        .users(&["a", "b"])
        .group("inner", &[])
        .group("old", &["a", "~ldap/x", "!gone", "group:inner"])
        .group("outer", &["group:old", "b"])
        .maps("old", "ldap", "cn=x")
        .maps("old", "ldap", "cn=a/b");
    let plan = Manifest::new().no_group("old").exact("outer").member("outer", "b").plan(&site);
    assert_eq!(
        lines(&plan),
        [
            "0 delete unmap_external_group old/ldap/cn=x",
            "1 delete delete_group old needs [0] [EndsSessions, TakesAlong]",
        ]
    );
    assert_eq!(
        notes(&plan, Risk::TakesAlong),
        [
            "UAA refuses its members' tokens that carry `old` at once.",
            "Deleting group `old` takes along its 4 memberships: `group:inner`, `uaa/a` and 2 without a name here; its \
             place in `outer`, which its members hold too; its mappings from `ldap/cn=a/b`, `ldap/cn=x` (those that \
             UAA cannot delete alone go too).",
        ]
    );
    assert_eq!(findings(&plan), NOTHING);
}

#[test]
fn a_nested_group_that_is_deleted_counts_as_a_loss_of_the_outer_one() {
    let site = Site::new().group("old", &[]).group("outer", &["group:old"]);
    let plan = Manifest::new().no_group("old").exact("outer").plan(&site);
    assert_eq!(lines(&plan), ["0 delete delete_group old [TakesAlong]"]);
    assert_eq!(
        findings(&plan),
        ["empties:outer [0]: Group `outer` would lose its only member, and nobody would be left."]
    );
}

#[test]
fn a_user_and_its_group_go_in_that_order_and_nobody_is_counted_in_the_group_that_goes() {
    let site = Site::new().users(&["dana", "a", "b", "c", "d"]).group("old", &["dana"]);
    let others = Manifest::new().user("a").user("b").user("c").user("d");
    let plan = others.no_user("dana").no_group("old").plan(&site);
    assert_eq!(
        lines(&plan),
        [
            "0 delete remove_member old/uaa/dana",
            "1 delete delete_user uaa/dana needs [0] [EndsSessions, TakesAlong]",
            "2 delete delete_group old [EndsSessions, TakesAlong]",
        ]
    );
    assert_eq!(findings(&plan), NOTHING);
}

#[test]
fn groups_that_uaa_brings_along_and_those_that_everyone_holds_are_never_deleted() {
    let site = Site::new().group("scim.read", &[]).group("openid", &[]).group("pks.x", &[]);
    let plan = Manifest::new().no_group("scim.read").no_group("openid").no_group("team").plan(&site);
    let refused = findings(&plan);
    assert_eq!(refused.len(), 3, "{refused:?}");
    assert!(refused.iter().any(|finding| finding.starts_with("- [0]: Group `openid` would be deleted")));
    assert!(refused.iter().any(|finding| finding.starts_with("- [1]: Group `scim.read` would be deleted")));
    assert!(refused.iter().any(|finding| finding.starts_with("removals:group=2")));
}

#[test]
fn the_group_by_which_we_are_admins_is_not_deleted() {
    let site = Site::new()
        .user("me")
        .group("admins", &["me"])
        .group("uaa.admin", &["group:admins"])
        .change(|observed| observed.me.user = Some(user("me")));
    let plan = Manifest::new().no_group("admins").plan(&site);
    assert_eq!(
        findings(&plan)[0],
        "- [0]: The user that this run is logged in as would lose `uaa.admin`, which its token holds."
    );
}

#[test]
fn a_name_that_means_several_groups_is_not_deleted() {
    let site = Site::new().change(|observed| {
        observed.ambiguous_groups.insert(GroupName::new("team"));
    });
    let objections = Manifest::new().no_group("team").objections(&site);
    assert!(objections[0].message.contains("several groups"), "{objections:?}");
}

#[test]
fn absent_mappings_alone_leave_the_others_and_beside_wanted_ones_the_list_is_complete() {
    let site = Site::new()
        .group("team", &[])
        .maps("team", "ldap", "cn=old")
        .maps("team", "ldap", "cn=other")
        .maps("team", "ldap", "cn=a/b");
    let alone = Manifest::new()
        .additive("team")
        .no_mapping("team", "ldap", "cn=old")
        .no_mapping("team", "ldap", "cn=a/b")
        .plan(&site);
    assert_eq!(lines(&alone), ["0 revoke unmap_external_group team/ldap/cn=old"]);
    assert_eq!(alone.changes[0].because.line, 2);
    assert_eq!(kept(&alone), ["Undeletable ExternalGroup team/ldap/cn=a%2Fb"]);
    let beside = Manifest::new()
        .additive("team")
        .maps("team", &[("ldap", "cn=new")])
        .no_mapping("team", "ldap", "cn=old")
        .plan(&site);
    assert_eq!(
        lines(&beside),
        [
            "0 grant map_external_group team/ldap/cn=new",
            "1 revoke unmap_external_group team/ldap/cn=old",
            "2 revoke unmap_external_group team/ldap/cn=other implied",
        ]
    );
}

#[test]
fn a_mapping_that_goes_is_accounted_for() {
    let site = Site::new().maps("pks.clusters.admin", "ldap", "cn=old").maps(
        "pks.clusters.admin",
        "ldap",
        "cn=other",
    );
    let plan = Manifest::new()
        .user("a")
        .additive("pks.clusters.admin")
        .no_mapping("pks.clusters.admin", "ldap", "cn=old")
        .plan(&site.user("a"));
    assert_eq!(kept(&plan), ["UnaccountedAccess ExternalGroup pks.clusters.admin/ldap/cn=other"]);
}

// Clients.

#[test]
fn clients_go_with_their_approvals() {
    let site = Site::new().clients(&["ci", "web", "cf", "a", "b", "c", "d"]);
    let plan = Manifest::new().no_client("ci").no_client("CI").plan(&site);
    assert_eq!(lines(&plan), ["0 delete delete_client ci [EndsSessions, TakesAlong]"]);
    assert_eq!(plan.changes[0].expects, Expects::PRESENT);
    assert_eq!(findings(&plan), NOTHING);
    let cf = Manifest::new().no_client("cf").plan(&site);
    assert_eq!(findings(&cf), ["- [0]: Client `cf` would be deleted, and the platform logs in with it."]);
}

// Pruning.

#[test]
fn users_that_no_manifest_names_are_suspended_or_deleted_and_only_with_leave() {
    let site = Site::new()
        .users(&["named", "member", "out", "svc-x", "old", "gone", "ldap/old", "idle"])
        .edit("idle", |user| user.active = false)
        .group("team", &["member", "out", "old"]);
    let manifest =
        Manifest::new().user("named").additive("team").member("team", "member").absent("team", "out");
    let keys = ["prune:users", "removals:user=2", "removals:user=3"];
    let suspended = manifest.clone().prune_users(&["uaa"], &["SVC-*"], Deactivate).allowing(&site, &keys);
    assert_eq!(
        lines(&suspended),
        [
            "0 revoke update_user uaa/gone active implied [Removes, EndsSessions]",
            "1 revoke update_user uaa/old active implied [Removes, EndsSessions]",
            "2 revoke remove_member team/uaa/out [EndsSessions]",
        ]
    );
    assert_eq!(suspended.changes[0].because.line, 5);
    assert_eq!(suspended.changes[0].fields[0].after, FieldValue::Flag(false));
    assert_eq!(
        findings(&suspended),
        [
            "removals:user=2 [0, 1] allowed: 2 of the 6 users in scope would be removed or suspended.",
            "prune:users [0, 1] allowed: 2 users that no manifest names would be suspended.",
        ]
    );
    let deleted = manifest.prune_users(&["uaa"], &["svc-*"], Delete).plan(&site);
    assert_eq!(
        lines(&deleted),
        [
            "0 revoke remove_member team/uaa/out [EndsSessions]",
            "1 delete remove_member team/uaa/old implied",
            "2 delete delete_user uaa/gone implied [EndsSessions, TakesAlong]",
            "3 delete delete_user uaa/idle implied [EndsSessions, TakesAlong]",
            "4 delete delete_user uaa/old needs [1] implied [EndsSessions, TakesAlong]",
        ]
    );
    assert!(deleted.refusals().any(|finding| finding.key.as_deref() == Some("prune:users")));
}

#[test]
fn whoever_holds_something_privileged_is_never_pruned_nor_are_we() {
    let site = Site::new()
        .users(&["named", "root", "nested", "login", "me", "old"])
        .group("admins", &["nested"])
        .group("uaa.admin", &["root", "group:admins"])
        .group("credhub.read", &["~login"])
        .change(|observed| observed.me.user = Some(user("me")));
    let plan = Manifest::new().user("named").prune_users(&["uaa"], &[], Delete).plan(&site);
    assert_eq!(lines(&plan), ["0 delete delete_user uaa/old implied [EndsSessions, TakesAlong]"]);
    assert_eq!(
        kept(&plan),
        [
            "Privileged User uaa/login",
            "Privileged User uaa/nested",
            "Privileged User uaa/root",
            "OwnIdentity User uaa/me",
        ]
    );
}

#[test]
fn groups_are_pruned_by_pattern_and_never_those_of_the_platform() {
    let site = Site::new()
        .group("Team.Old", &[])
        .group("team.new", &[])
        .group("team.nested", &[])
        .group("other", &[])
        .group("scim.mine", &[])
        .group("openid", &[]);
    let manifest = Manifest::new().exact("team.new").member("team.new", "group:team.nested");
    let plan = manifest.clone().prune_groups(&["team.*"]).plan(&site);
    assert_eq!(
        lines(&plan),
        ["0 grant add_member team.new/group:team.nested", "1 delete delete_group Team.Old implied"]
    );
    assert_eq!(findings(&plan), ["prune:groups [1]: 1 group that no manifest names would be deleted."]);
    let all = manifest.prune_groups(&["*"]).plan(&site);
    assert_eq!(
        lines(&all)[1..],
        ["1 delete delete_group Team.Old implied", "2 delete delete_group other implied"]
    );
    assert_eq!(
        kept(&all),
        [
            "BuiltIn Group openid",
            "BuiltIn Group pks.clusters.admin",
            "BuiltIn Group pks.clusters.admin.read",
            "BuiltIn Group pks.clusters.manage",
            "BuiltIn Group scim.mine",
        ]
    );
}

#[test]
fn clients_are_pruned_by_pattern_and_never_our_own() {
    let site = Site::new()
        .clients(&["ci-a", "ci-b", "CI-c", "admin", "cf", "ci-me"])
        .change(|observed| observed.me.client_id = Some(ClientId::new("ci-me")));
    let plan = Manifest::new().no_client("ci-a").prune_clients(&["ci-*", "cf"]).plan(&site);
    assert_eq!(
        lines(&plan),
        [
            "0 delete delete_client ci-a [EndsSessions, TakesAlong]",
            "1 delete delete_client ci-b implied [EndsSessions, TakesAlong]",
        ]
    );
    assert_eq!(kept(&plan), ["BuiltIn Client cf", "OwnIdentity Client ci-me"]);
    let keys: Vec<_> = plan.findings.iter().filter_map(|finding| finding.key.as_deref()).collect();
    assert_eq!(keys, ["removals:client=2", "prune:clients"]);
}

#[test]
fn pruning_asks_for_all_of_a_kind_and_nothing_else_does() {
    let none = scope(&Manifest::new().no_user("a").no_client("c").desired, &Policy::default());
    assert!(!none.all_users && !none.clients.all);
    assert!(none.users.contains(&user("a")) && none.clients.named.contains(&ClientId::new("c")));
    let all = Manifest::new().prune_users(&["uaa", "saml"], &[], Delete).prune_clients(&["*"]);
    let all = scope(&all.desired, &Policy::default());
    assert!(all.all_users && all.clients.all);
    assert!(all.origins.iter().any(|origin| origin.as_str() == "saml"));
}

// Renames.

#[test]
fn a_user_who_has_only_the_old_name_is_renamed_and_judged_by_the_rows_of_its_account() {
    let site = Site::new()
        .user("erin.old")
        .group("pks.clusters.admin", &["erin.old"])
        .group("team", &["erin.old"])
        .group("exact", &["erin.old"]);
    let plan = Manifest::new()
        .user("erin")
        .previously("erin", "Erin.Old")
        .access("erin", &[Manage])
        .exact("exact")
        .member("exact", "erin")
        .plan(&site);
    assert_eq!(
        lines(&plan),
        [
            "0 grant add_member pks.clusters.manage/uaa/erin.old",
            "1 revoke update_user uaa/erin.old username email [EndsSessions]",
            "2 revoke remove_member pks.clusters.admin/uaa/erin.old [EndsSessions]",
        ]
    );
    let Expects::State { id, fields } = &plan.changes[1].expects else { panic!("an update expects a state") };
    assert_eq!(id.as_str(), "id of uaa/erin.old");
    assert_eq!(fields["username"], FieldValue::Text("erin.old".to_owned()));
    assert_eq!(plan.changes[1].fields[0].after, FieldValue::Text("erin".to_owned()));
    assert_eq!(kept(&plan), NOTHING);
}

#[test]
fn a_user_who_has_the_new_name_already_needs_no_line_any_more() {
    let plan = Manifest::new().user("erin").previously("erin", "erin.old").plan(&Site::new().user("erin"));
    assert_eq!(lines(&plan), NOTHING);
    assert_eq!(kept(&plan), ["Renamed User uaa/erin"]);
}

#[test]
fn two_accounts_do_not_become_one() {
    let site = Site::new().users(&["erin", "erin.old"]);
    let objections = Manifest::new().user("erin").previously("erin", "erin.old").objections(&site);
    assert_eq!(objections.len(), 1);
    assert_eq!(
        objections[0].message,
        "user `uaa/erin.old` cannot be renamed to `uaa/erin`: the server has both (id of uaa/erin.old and id of \
         uaa/erin)"
    );
    assert_eq!(objections[0].because.line, 2);
}

#[test]
fn a_user_who_has_neither_name_is_created() {
    let plan = Manifest::new()
        .user("erin")
        .previously("erin", "erin.old")
        .access("erin", &[Admin])
        .plan(&Site::new());
    assert_eq!(
        lines(&plan),
        [
            "0 create create_user uaa/erin email password",
            "1 grant add_member pks.clusters.admin/uaa/erin needs [0]",
        ]
    );
}

#[test]
fn nobody_is_pruned_under_the_name_that_it_had() {
    let site = Site::new().users(&["erin.old", "other"]);
    let plan = Manifest::new()
        .user("erin")
        .previously("erin", "erin.old")
        .prune_users(&["uaa"], &["other"], Delete)
        .plan(&site);
    assert_eq!(lines(&plan), ["0 revoke update_user uaa/erin.old username email [EndsSessions]"]);
}

#[test]
fn we_are_not_renamed_while_we_are_logged_in() {
    let site = Site::new().user("me").change(|observed| observed.me.user = Some(user("me")));
    let plan = Manifest::new().user("i").previously("i", "me").plan(&site);
    assert_eq!(plan.changes[0].phase, Phase::Own);
    assert_eq!(findings(&plan), ["- [0]: The user that this run is logged in as would be renamed."]);
    assert_eq!(plan.changes[0].action, Action::UpdateUser);
}

#[test]
fn a_client_of_another_zone_is_not_ours_although_it_has_the_same_id() {
    let site = || {
        Site::new()
            .clients(&["ci-me"])
            .change(|observed| observed.me.client_id = Some(ClientId::new("ci-me")))
    };
    let plan = Manifest::new().no_client("ci-me").plan(&site());
    assert_eq!(plan.changes[0].phase, Phase::Own);
    assert!(plan.findings.iter().any(|finding| finding.rail == Rail::OwnIdentity));
    let plan = Manifest::new().no_client("ci-me").plan(&site().change(|observed| {
        observed.zone_by_header = true;
        observed.server.zone = "t1".to_owned();
    }));
    assert_eq!((plan.changes[0].phase, plan.findings.as_slice()), (Phase::Delete, [].as_slice()));
}

// What they leave behind, for `undo`.

fn left_behind(plan: &Plan, action: Action) -> Vec<String> {
    let going = plan.changes.iter().filter(|change| change.action == action);
    let fields = going.flat_map(|change| &change.fields);
    let show = |field: &crate::plan::FieldChange| {
        assert_eq!(field.after, FieldValue::None);
        format!("{} {}", field.name, serde_json::to_string(&field.before).expect("JSON"))
    };
    fields.map(show).collect()
}

#[test]
fn a_deletion_carries_what_goes_along_and_no_secret() {
    let site = Site::new()
        .users(&["dana", "a", "b", "ldap/x"])
        .edit("dana", |dana| (dana.given_name, dana.active) = ("Dana".to_owned(), false))
        .group("ops", &[])
        .group("team", &["a", "~ldap/x", "!ghost", "group:ops", "~dana"])
        .group("outer", &["group:team"])
        .maps("team", "ldap", "cn=a/b")
        .maps("team", "ldap", "cn=plain")
        .client("ci", &["authorized_grant_types=password", "required_user_groups=a", "token_salt=canary"])
        .client("app", &["show_on_home_page=false", "extra.api_token=\"canary\"", "extra.note=\"x\""]);
    let site = site.change(|observed| {
        let team = observed.groups.get_mut(&GroupName::new("team")).expect("it is there");
        team.description = "The team".to_owned();
    });
    let plan = Manifest::new().no_user("dana").no_group("team").no_client("ci").no_client("app").plan(&site);
    let user = [
        "username \"dana\"",
        "email \"dana@example.com\"",
        "given_name \"Dana\"",
        "active false",
        "verified true",
    ];
    assert_eq!(left_behind(&plan, Action::DeleteUser), user);
    assert_eq!(left_behind(&plan, Action::RemoveMember), ["origin \"ldap\""]);
    assert_eq!(
        left_behind(&plan, Action::DeleteGroup),
        [
            "description \"The team\"",
            "members [\"uaa/a\",\"group:ops\"]",
            "derived_members [\"ldap/x\",\"uaa/dana\"]",
            "member_of [\"group:outer\"]",
            "external_groups [\"ldap/cn=a%2Fb\"]",
            "unnamed_members 1",
        ]
    );
    assert_eq!(
        left_behind(&plan, Action::DeleteClient),
        [
            "required_user_groups null",
            "scope [\"uaa.none\"]",
            "authorities [\"uaa.none\"]",
            "show_on_home_page false",
            "extra.api_token \"((redacted))\"",
            "extra.note \"x\"",
            "required_user_groups [\"a\"]",
            "authorized_grant_types [\"password\",\"refresh_token\"]",
            "scope [\"uaa.none\"]",
            "authorities [\"uaa.none\"]",
            "token_salt \"((redacted))\"",
        ]
    );
    // Pruned, nobody asked for the groups that its users must be in.
    let pruned = Manifest::new().client("app", &[]).prune_clients(&["ci"]).plan(&site);
    assert!(!left_behind(&pruned, Action::DeleteClient).iter().any(|field| field.starts_with("required")));
}
