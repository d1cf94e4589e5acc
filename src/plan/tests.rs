//! The planner's stories: given this server and this manifest, exactly this plan.

mod clients;

use std::collections::BTreeSet;

use super::policy::{Allow, Policy};
use super::worlds::{Manifest, Site, findings, kept, lines, show_finding, user};
use super::{
    Action, BlindSpotWhat, Expects, FieldValue, Kind, Object, Phase, check_pin, missing_authorities, refused,
    scope, unused_allows,
};
use crate::desired::{Because, Said};
use crate::model::ClusterRole::{Admin, Manage, Read};
use crate::model::{ClientId, GroupName, Origin};

mod only;
mod rails;
mod removal;

const NOTHING: [&str; 0] = [];

// Order, and give before take.

#[test]
fn a_user_moved_from_admin_to_manage_is_granted_before_revoked() {
    let site = Site::new().user("alana").group("pks.clusters.admin", &["alana"]);
    let plan = Manifest::new().user("alana").access("alana", &[Manage]).plan(&site);
    assert_eq!(
        lines(&plan),
        [
            "0 grant add_member pks.clusters.manage/uaa/alana",
            "1 revoke remove_member pks.clusters.admin/uaa/alana [EndsSessions]",
        ]
    );
    assert_eq!(plan.changes[0].expects, Expects::ABSENT);
    assert_eq!(plan.changes[1].expects, Expects::PRESENT);
    assert_eq!(plan.changes[1].because.line, 2);
    assert_eq!(
        plan.changes[1].notes,
        ["UAA refuses the user's tokens that carry `pks.clusters.admin` at once."]
    );
    assert_eq!((plan.summary.grant, plan.summary.revoke), (1, 1));
}

#[test]
fn the_documented_day_creates_users_grants_scopes_and_maps_a_group() {
    let plan = Manifest::new()
        .user("naomi")
        .user("alana")
        .user("ldap/cody")
        .access("alana", &[Admin])
        .access("naomi", &[Manage, Read])
        .additive("pks.clusters.manage")
        .maps("pks.clusters.manage", &[("ldap", "CN=Dev,DC=example")])
        .plan(&Site::new());
    assert_eq!(
        lines(&plan),
        [
            "0 create create_user ldap/cody email",
            "1 create create_user uaa/alana email password",
            "2 create create_user uaa/naomi email password",
            "3 grant add_member pks.clusters.admin.read/uaa/naomi needs [2]",
            "4 grant add_member pks.clusters.admin/uaa/alana needs [1]",
            "5 grant add_member pks.clusters.manage/uaa/naomi needs [2]",
            "6 grant map_external_group pks.clusters.manage/ldap/cn=dev,dc=example",
        ]
    );
    let password = &plan.changes[1].fields[1];
    assert_eq!(password.before, FieldValue::None);
    assert_eq!(password.after, FieldValue::Variable { variable: "alana_password".to_owned() });
    assert_eq!(plan.changes[0].expects, Expects::ABSENT);
    assert_eq!(plan.findings, []);
    assert_eq!(kept(&plan), NOTHING);
    assert_eq!(plan.blind_spots, []);
}

#[test]
fn users_come_before_groups_and_a_new_group_before_its_members() {
    let plan = Manifest::new()
        .exact("team")
        .description("team", "The team")
        .additive("outer")
        .user("zoe")
        .member("team", "zoe")
        .member("outer", "group:team")
        .plan(&Site::new());
    assert_eq!(
        lines(&plan),
        [
            "0 create create_user uaa/zoe email password",
            "1 create create_group outer",
            "2 create create_group team description",
            "3 grant add_member outer/group:team needs [1, 2]",
            "4 grant add_member team/uaa/zoe needs [0, 2]",
        ]
    );
}

#[test]
fn fields_of_one_user_that_do_nothing_give_and_take_are_three_changes_and_none_waits_for_another() {
    let site = Site::new().user("erin").edit("erin", |erin| erin.active = false);
    let plan = Manifest::new()
        .user("erin")
        .edit("erin", |erin, said| {
            erin.email = said("new@example.com");
            erin.given_name = said("Erin");
        })
        .active("erin", true)
        .plan(&site);
    assert_eq!(
        lines(&plan),
        [
            "0 update update_user uaa/erin given_name",
            "1 grant update_user uaa/erin active",
            "2 revoke update_user uaa/erin email [EndsSessions]",
        ]
    );
    let Expects::State { id, fields } = &plan.changes[2].expects else { panic!("an update expects a state") };
    assert_eq!(id.as_str(), "id of uaa/erin");
    assert_eq!(
        fields.iter().collect::<Vec<_>>(),
        [(&"email".to_owned(), &FieldValue::Text("erin@example.com".to_owned()))]
    );
}

#[test]
fn verification_gives_and_its_withdrawal_takes() {
    let site = Site::new().users(&["a", "b"]).edit("a", |a| a.verified = false);
    let plan = Manifest::new()
        .user("a")
        .user("b")
        .change(|desired| {
            for (name, value) in [("a", true), ("b", false)] {
                let entry = desired.users.get_mut(&user(name)).expect("declared");
                entry.verified = Some(Said { value, because: entry.because.clone() });
            }
        })
        .plan(&site);
    assert_eq!(lines(&plan), ["0 grant update_user uaa/a verified", "1 revoke update_user uaa/b verified"]);
}

#[test]
fn what_touches_the_user_we_are_logged_in_as_goes_last_and_still_gives_before_it_takes() {
    let site = Site::new()
        .users(&["me", "zoe"])
        .group("pks.clusters.admin", &["me", "zoe"])
        .change(|observed| observed.me.user = Some(user("me")));
    let plan = Manifest::new().user("me").user("zoe").access("me", &[Manage]).access("zoe", &[]).plan(&site);
    assert_eq!(
        lines(&plan),
        [
            "0 revoke remove_member pks.clusters.admin/uaa/zoe [EndsSessions]",
            "1 own add_member pks.clusters.manage/uaa/me",
            "2 own remove_member pks.clusters.admin/uaa/me [EndsSessions]",
        ]
    );
}

#[test]
fn a_groups_description_changes_before_its_members() {
    let site = Site::new().user("a").group("team", &[]);
    let plan =
        Manifest::new().exact("team").description("team", "New").user("a").member("team", "a").plan(&site);
    assert_eq!(lines(&plan), ["0 update update_group team description", "1 grant add_member team/uaa/a"]);
}

// What is not managed.

#[test]
fn a_field_that_is_not_written_is_not_managed_and_an_empty_text_clears() {
    let site = Site::new()
        .users(&["a", "b"])
        .edit("a", |a| a.phone = "1".to_owned())
        .edit("b", |b| b.phone = "2".to_owned());
    let manifest = Manifest::new().user("a").user("b").edit("b", |b, said| {
        b.phone = said("");
        b.email = None;
    });
    let plan = manifest.plan(&site);
    assert_eq!(lines(&plan), ["0 update update_user uaa/b phone"]);
    assert_eq!(plan.changes[0].fields[0].after, FieldValue::Text(String::new()));
}

#[test]
fn a_blank_phone_number_or_external_id_is_none_to_uaa() {
    let plan = Manifest::new()
        .user("a")
        .edit("a", |a, said| {
            a.phone = said("  ");
            a.external_id = said(" ");
        })
        .plan(&Site::new().user("a"));
    assert_eq!(lines(&plan), NOTHING);
    let created = Manifest::new().user("a").edit("a", |a, said| a.phone = said(" ")).plan(&Site::new());
    assert_eq!(lines(&created), ["0 create create_user uaa/a email password"]);
}

#[test]
fn an_additive_group_keeps_whom_the_manifest_does_not_list_and_loses_whom_it_names() {
    let site = Site::new().users(&["a", "hank", "other"]).group("team", &["hank", "other"]);
    let plan =
        Manifest::new().additive("team").user("a").member("team", "a").absent("team", "hank").plan(&site);
    assert_eq!(
        lines(&plan),
        ["0 grant add_member team/uaa/a", "1 revoke remove_member team/uaa/hank [EndsSessions]"]
    );
}

#[test]
fn an_exact_group_loses_users_and_nested_groups_that_the_manifest_does_not_list() {
    let site = Site::new()
        .users(&["a", "b", "old"])
        .group("inner", &[])
        .group("team", &["a", "b", "old", "group:inner"]);
    let plan = Manifest::new().exact("team").members("team", &["a", "b"]).plan(&site);
    assert_eq!(
        lines(&plan),
        [
            "0 revoke remove_member team/group:inner implied [EndsSessions]",
            "1 revoke remove_member team/uaa/old implied [EndsSessions]",
        ]
    );
    assert_eq!(plan.changes[1].because.line, 1);
    assert_eq!(
        plan.changes[0].object,
        Object::NestedGroup { group: "team".into(), member_group: "inner".into() }
    );
}

#[test]
fn a_group_that_the_manifest_does_not_declare_is_left_alone() {
    let site = Site::new().users(&["a", "b"]).group("team", &["b"]).maps("team", "ldap", "cn=x");
    let plan = Manifest::new().user("a").plan(&site);
    assert_eq!((lines(&plan), kept(&plan)), (vec![], vec![]));
}

#[test]
fn a_membership_that_a_login_brought_is_satisfied_and_never_removed() {
    let site = Site::new()
        .users(&["ldap/in", "ldap/out", "ldap/other"])
        .group("team", &["~ldap/in", "~ldap/out", "~ldap/other"]);
    let plan = Manifest::new().exact("team").member("team", "ldap/in").absent("team", "ldap/out").plan(&site);
    assert_eq!(lines(&plan), NOTHING);
    assert_eq!(
        kept(&plan),
        [
            "DerivedMembership Member team/ldap/in",
            "DerivedMembership Member team/ldap/other",
            "DerivedMembership Member team/ldap/out",
        ]
    );
}

#[test]
fn nothing_is_planned_in_a_group_that_everyone_holds() {
    let site = Site::new().users(&["a", "b", "c"]).group("openid", &["b", "c"]);
    let plan = Manifest::new().exact("openid").member("openid", "a").absent("openid", "b").plan(&site);
    assert_eq!(lines(&plan), NOTHING);
    assert_eq!(kept(&plan), ["DefaultGroup Member openid/uaa/a", "DefaultGroup Member openid/uaa/b"]);
}

#[test]
fn where_default_groups_cannot_be_read_the_names_that_uaa_ships_count_and_are_told() {
    let site = |zone: &str| {
        let zone = zone.to_owned();
        Site::new().user("a").group("scim.me", &[]).change(|observed| {
            observed.default_groups = None;
            observed.server.zone = zone;
        })
    };
    let manifest = Manifest::new().additive("scim.me").member("scim.me", "a");
    let plan = manifest.plan(&site("uaa"));
    assert_eq!(lines(&plan), NOTHING);
    assert_eq!(plan.blind_spots[0].what, BlindSpotWhat::DefaultGroups);
    assert!(plan.blind_spots[0].items.contains(&"scim.me".to_owned()));
    // Another zone's defaults are fewer.
    assert_eq!(lines(&manifest.plan(&site("t1"))), ["0 grant add_member scim.me/uaa/a"]);
}

#[test]
fn a_row_that_outlived_its_member_is_kept() {
    let site = Site::new().user("a").group("team", &["a", "!gone"]).group("pks.clusters.admin", &["!lost"]);
    let plan = Manifest::new().exact("team").member("team", "a").user("a").plan(&site);
    assert_eq!(lines(&plan), NOTHING);
    assert_eq!(kept(&plan), ["Ghost Member pks.clusters.admin/lost", "Ghost Member team/gone"]);
}

#[test]
fn profile_fields_of_other_origins_are_used_at_creation_only() {
    let site = Site::new().user("ldap/cody");
    let manifest =
        Manifest::new().user("ldap/cody").edit("ldap/cody", |cody, said| cody.given_name = said("Cody"));
    let plan = manifest.plan(&site);
    assert_eq!(lines(&plan), NOTHING);
    assert_eq!(kept(&plan), ["Profile User ldap/cody"]);
    assert_eq!(lines(&manifest.plan(&Site::new())), ["0 create create_user ldap/cody email given_name"]);
}

#[test]
fn no_password_is_written_for_a_user_of_another_origin() {
    let manifest = Manifest::new().user("ldap/cody").change(|desired| {
        let cody = desired.users.get_mut(&user("ldap/cody")).expect("declared");
        let because = cody.because.clone();
        cody.password = Some(Said { value: crate::desired::SecretSource::Literal, because });
    });
    assert_eq!(lines(&manifest.plan(&Site::new())), ["0 create create_user ldap/cody email"]);
}

#[test]
fn suspending_a_user_of_another_origin_warns_that_the_provider_lets_it_in_again() {
    let site = Site::new().users(&["ldap/cody", "dana"]);
    let plan = Manifest::new()
        .user("ldap/cody")
        .active("ldap/cody", false)
        .user("dana")
        .active("dana", false)
        .plan(&site);
    assert_eq!(
        lines(&plan),
        [
            "0 revoke update_user ldap/cody active [EndsSessions, Readmitted]",
            "1 revoke update_user uaa/dana active [EndsSessions]",
        ]
    );
}

#[test]
fn a_suspended_user_of_another_origin_still_has_what_it_holds_when_it_is_let_in_again() {
    let site = Site::new()
        .users(&["ldap/cody", "dana"])
        .group("pks.clusters.admin", &["~ldap/cody", "dana"])
        .maps("pks.clusters.manage", "ldap", "cn=dev");
    let plan = Manifest::new()
        .user("ldap/cody")
        .active("ldap/cody", false)
        .user("dana")
        .active("dana", false)
        .plan(&site);
    assert_eq!(
        lines(&plan),
        [
            "0 revoke update_user ldap/cody active [EndsSessions, Readmitted, Residual]",
            "1 revoke update_user uaa/dana active [EndsSessions]",
        ]
    );
    assert_eq!(
        plan.changes[0].notes[2..],
        [
            "`ldap/cody` may hold `pks.clusters.manage` again from the next login on: `cn=dev` of origin `ldap` is mapped to `pks.clusters.manage`.",
            "`ldap/cody` stays a member of `pks.clusters.admin`, and holds it when it is let in again.",
        ]
    );
}

#[test]
fn initial_passwords_of_users_that_exist_are_a_blind_spot_that_shows_only_the_variable() {
    let plan = Manifest::new()
        .user("alana")
        .user("zoe")
        .change(|desired| {
            let zoe = desired.users.get_mut(&user("zoe")).expect("declared");
            let because = zoe.because.clone();
            zoe.password = Some(Said { value: crate::desired::SecretSource::Literal, because });
        })
        .plan(&Site::new().users(&["alana", "zoe"]));
    assert_eq!(plan.blind_spots.len(), 1);
    let spot = &plan.blind_spots[0];
    assert_eq!(
        (spot.what, &*spot.items),
        (BlindSpotWhat::Password, &["uaa/alana".into(), "uaa/zoe".into()][..])
    );
    assert_eq!(spot.values["uaa/alana"], FieldValue::Variable { variable: "alana_password".to_owned() });
    assert_eq!(spot.values["uaa/zoe"], FieldValue::redacted());
}

#[test]
fn descriptions_are_managed_only_where_nobody_else_writes_them() {
    let site = Site::new().group("additive", &[]).group("exact", &[]).group("uaa.admin", &[]);
    let plan = Manifest::new()
        .additive("additive")
        .description("additive", "x")
        .exact("exact")
        .description("exact", "x")
        .exact("uaa.admin")
        .description("uaa.admin", "x")
        .plan(&site);
    assert_eq!(lines(&plan), ["0 update update_group exact description"]);
    assert_eq!(kept(&plan), ["ServerOwned Group uaa.admin", "Description Group additive"]);
}

#[test]
fn names_that_the_server_spells_otherwise_mean_the_same_and_are_told() {
    let site = Site::new().user("ALANA").group("Team", &[]);
    let plan = Manifest::new()
        .user("alana")
        .edit("alana", |alana, _| alana.email = None)
        .exact("team")
        .member("team", "alana")
        .plan(&site);
    assert_eq!(lines(&plan), ["0 grant add_member team/uaa/alana"]);
    assert_eq!(kept(&plan), ["Spelling User uaa/ALANA", "Spelling Group Team"]);
}

// Mappings.

#[test]
fn mappings_are_managed_where_the_key_stands_and_compared_as_uaa_stores_them() {
    let site = Site::new()
        .group("a", &[])
        .group("b", &[])
        .maps("a", "ldap", "cn=keep")
        .maps("a", "ldap", "cn=drop")
        .maps("b", "ldap", "cn=unmanaged");
    let plan = Manifest::new()
        .exact("a")
        .maps("a", &[("ldap", " CN=Keep "), ("ldap", "cn=new")])
        .exact("b")
        .plan(&site);
    assert_eq!(
        lines(&plan),
        ["0 grant map_external_group a/ldap/cn=new", "1 revoke unmap_external_group a/ldap/cn=drop implied"]
    );
}

#[test]
fn a_mapping_that_uaa_cannot_delete_is_kept_and_a_new_one_needs_consent() {
    let site = Site::new().group("team", &[]).maps("team", "ldap", r"cn=doe\, jo");
    let manifest = Manifest::new().exact("team").maps("team", &[("ldap", "cn=a/b")]);
    let plan = manifest.plan(&site);
    assert_eq!(lines(&plan), ["0 grant map_external_group team/ldap/cn=a%2Fb"]);
    assert_eq!(kept(&plan), [r"Undeletable ExternalGroup team/ldap/cn=doe\, jo"]);
    assert_eq!(
        findings(&plan),
        [
            r"undeletable:team/cn=a%2Fb [0]: The mapping of `cn=a/b` to `team` could not be removed again: UAA refuses to delete names that hold one of `/ \ ; %`."
        ]
    );
    assert_eq!(manifest.allowing(&site, &["undeletable:team/cn=a%2Fb"]).refusals().count(), 0);
    for odd in ["/", r"\", ";", "%"] {
        assert!(super::diff::is_undeletable(&crate::model::ExternalGroup::new(odd)), "{odd}");
    }
}

#[test]
fn a_mapping_of_another_origin_is_another_mapping() {
    let site =
        Site::new().group("a", &[]).maps("a", "ldap", "cn=x").change(|observed| observed.origins = None);
    let plan = Manifest::new().exact("a").maps("a", &[("saml", "cn=x")]).plan(&site);
    assert_eq!(
        lines(&plan),
        [
            "0 grant map_external_group a/saml/cn=x",
            "1 revoke unmap_external_group a/ldap/cn=x implied [Residual]"
        ]
        .map(|line| line.replace(" [Residual]", ""))
    );
    assert_eq!(plan.blind_spots[0].what, BlindSpotWhat::Origins);
    assert_eq!(plan.blind_spots[0].items, ["saml"]);
}

// Access that nobody accounts for.

#[test]
fn whoever_holds_cluster_access_and_has_no_entry_is_listed_by_name() {
    let site = Site::new()
        .users(&["alana", "olduser", "ldap/cody"])
        .group("platform", &[])
        .group("pks.clusters.admin", &["alana", "olduser", "~ldap/cody", "group:platform"])
        .maps("pks.clusters.manage", "ldap", "cn=dev");
    let plan = Manifest::new().user("alana").access("alana", &[Admin]).plan(&site);
    assert_eq!(lines(&plan), NOTHING);
    assert_eq!(
        kept(&plan),
        [
            "UnaccountedAccess Member pks.clusters.admin/group:platform",
            "UnaccountedAccess Member pks.clusters.admin/ldap/cody",
            "UnaccountedAccess Member pks.clusters.admin/uaa/olduser",
            "UnaccountedAccess ExternalGroup pks.clusters.manage/ldap/cn=dev",
        ]
    );
    // Without the key `users` the manifest does not speak about people.
    assert_eq!(kept(&Manifest::new().plan(&site)), NOTHING);
}

#[test]
fn managed_mappings_and_listed_members_are_accounted_for() {
    let site = Site::new().users(&["alana", "ldap/cody"]).group("pks.clusters.admin", &["alana"]).maps(
        "pks.clusters.admin",
        "ldap",
        "cn=dev",
    );
    let plan = Manifest::new()
        .user("ldap/cody")
        .exact("pks.clusters.admin")
        .member("pks.clusters.admin", "alana")
        .maps("pks.clusters.admin", &[("ldap", "cn=dev")])
        .plan(&site);
    assert_eq!((lines(&plan), kept(&plan)), (vec![], vec![]));
}

#[test]
fn a_user_with_access_none_whom_a_nested_group_lets_in_is_not_hidden() {
    let site = Site::new()
        .user("alana")
        .group("team", &["alana"])
        .group("middle", &["group:team"])
        .group("pks.clusters.admin", &["group:middle"]);
    let plan = Manifest::new().user("alana").access("alana", &[]).plan(&site);
    assert_eq!(lines(&plan), NOTHING);
    assert!(kept(&plan).contains(&"UnaccountedAccess Member pks.clusters.admin/uaa/alana".to_owned()));
}

#[test]
fn a_cluster_group_that_everyone_holds_is_told() {
    let site = Site::new()
        .change(|observed| observed.default_groups = Some([GroupName::new("pks.clusters.admin")].into()));
    let plan = Manifest::new().change(|desired| desired.users_declared = true).plan(&site);
    assert_eq!(kept(&plan), ["DefaultGroup Group pks.clusters.admin"]);
}

#[test]
fn an_exact_cluster_group_revokes_or_keeps_the_others_under_another_name() {
    let site = Site::new()
        .users(&["a", "old", "ldap/b"])
        .group("pks.clusters.admin", &["a", "old", "~ldap/b", "!gone"]);
    let plan =
        Manifest::new().user("a").exact("pks.clusters.admin").member("pks.clusters.admin", "a").plan(&site);
    assert_eq!(lines(&plan), ["0 revoke remove_member pks.clusters.admin/uaa/old implied [EndsSessions]"]);
    assert_eq!(
        kept(&plan),
        ["DerivedMembership Member pks.clusters.admin/ldap/b", "Ghost Member pks.clusters.admin/gone",]
    );
    // Where everyone holds it, nothing is revoked, and the rows are named.
    let plan =
        Manifest::new().user("a").exact("pks.clusters.admin").plan(&site.change(|observed| {
            observed.default_groups = Some([GroupName::new("pks.clusters.admin")].into())
        }));
    assert_eq!(lines(&plan), NOTHING);
    assert_eq!(
        kept(&plan),
        [
            "UnaccountedAccess Member pks.clusters.admin/ldap/b",
            "UnaccountedAccess Member pks.clusters.admin/uaa/a",
            "UnaccountedAccess Member pks.clusters.admin/uaa/old",
            "DefaultGroup Group pks.clusters.admin",
            "Ghost Member pks.clusters.admin/gone",
        ]
    );
}

#[test]
fn a_group_whose_name_uaa_cuts_into_scopes_gives_access_to_clusters_and_its_members_are_named() {
    let site = Site::new()
        .users(&["alana", "olduser", "none"])
        .group("team", &[])
        .group("x,PKS.clusters.admin", &["alana", "olduser", "none", "group:team", "!gone"])
        .maps("x,PKS.clusters.admin", "ldap", "cn=dev");
    let manifest =
        Manifest::new().user("alana").access("alana", &[Admin]).user("none").access("none", &[Manage]);
    let asked = scope(&manifest.desired, &Policy::default());
    assert!(asked.names_members_of(&GroupName::new("x,PKS.clusters.admin")));
    assert!(!asked.names_members_of(&GroupName::new("x,pks.clusters.admin.other")));
    let plan = manifest.plan(&site);
    assert_eq!(
        lines(&plan),
        [
            "0 grant add_member pks.clusters.admin/uaa/alana",
            "1 grant add_member pks.clusters.manage/uaa/none",
        ]
    );
    assert_eq!(
        kept(&plan),
        [
            // Whom the manifest takes the scope from, and who keeps it by the odd group.
            "UnaccountedAccess Member pks.clusters.admin/uaa/none",
            "UnaccountedAccess Member x,PKS.clusters.admin/group:team",
            "UnaccountedAccess Member x,PKS.clusters.admin/uaa/none",
            "UnaccountedAccess Member x,PKS.clusters.admin/uaa/olduser",
            "UnaccountedAccess ExternalGroup x,PKS.clusters.admin/ldap/cn=dev",
            "Ghost Member x,PKS.clusters.admin/gone",
        ]
    );
    assert_eq!(kept(&Manifest::new().plan(&site)), NOTHING);
}

#[test]
fn an_odd_group_that_everyone_holds_gives_everyone_its_scopes() {
    let site = Site::new()
        .user("alana")
        .group("pks.clusters.admin", &["alana"])
        .group("a b, pks.clusters.admin", &[]);
    let site =
        site.change(|observed| observed.default_groups = Some(["a b, pks.clusters.admin".into()].into()));
    let plan = Manifest::new().user("alana").access("alana", &[]).plan(&site);
    assert_eq!(lines(&plan), ["0 revoke remove_member pks.clusters.admin/uaa/alana [Residual]"]);
    assert_eq!(
        plan.changes[0].notes,
        ["`uaa/alana` still holds `pks.clusters.admin`: everyone in the zone does."]
    );
    assert_eq!(kept(&plan), ["DefaultGroup Group a b, pks.clusters.admin"]);
}

// Residual ways in.

#[test]
fn a_revoke_names_the_group_whose_name_gives_the_same_scope() {
    let site = Site::new()
        .users(&["alana", "ldap/cody"])
        .group("pks.clusters.admin", &["alana", "ldap/cody"])
        .group("pks.clusters.admin,x", &["alana"])
        .maps("pks.clusters.admin,x", "ldap", "cn=dev");
    let plan = Manifest::new()
        .user("alana")
        .access("alana", &[])
        .user("ldap/cody")
        .access("ldap/cody", &[])
        .plan(&site);
    assert_eq!(
        lines(&plan),
        [
            "0 revoke remove_member pks.clusters.admin/ldap/cody [EndsSessions, Residual]",
            "1 revoke remove_member pks.clusters.admin/uaa/alana [Residual]",
        ]
    );
    assert_eq!(
        plan.changes[0].notes[1],
        "`ldap/cody` may hold `pks.clusters.admin` again from the next login on: `cn=dev` of origin `ldap` is mapped to `pks.clusters.admin,x`."
    );
    assert_eq!(
        plan.changes[1].notes,
        [
            "`uaa/alana` still holds `pks.clusters.admin`: it is in group `pks.clusters.admin,x`, and UAA cuts that name into scopes of which this is one."
        ]
    );
}

#[test]
fn a_revoke_that_leaves_a_way_in_names_it() {
    let site = Site::new()
        .user("ldap/cody")
        .group("team", &["ldap/cody"])
        .group("pks.clusters.admin", &["ldap/cody", "group:team"])
        .group("pks.clusters.manage", &["ldap/cody"])
        .group("dev", &[])
        .group("pks.clusters.manage", &["group:dev"])
        .maps("dev", "ldap", "cn=dev")
        .maps("dev", "saml", "other");
    let plan = Manifest::new().user("ldap/cody").access("ldap/cody", &[]).plan(&site);
    assert_eq!(
        lines(&plan),
        [
            "0 revoke remove_member pks.clusters.admin/ldap/cody [Residual]",
            "1 revoke remove_member pks.clusters.manage/ldap/cody [EndsSessions, Residual]",
        ]
    );
    assert_eq!(
        plan.changes[0].notes,
        ["`ldap/cody` still holds `pks.clusters.admin`: it is in group `team`, whose members hold it too."]
    );
    assert_eq!(
        plan.changes[1].notes[1],
        "`ldap/cody` may hold `pks.clusters.manage` again from the next login on: `cn=dev` of origin `ldap` is mapped to `dev`."
    );
    assert_eq!(plan.changes[1].notes.len(), 2);
}

#[test]
fn a_way_in_that_the_same_plan_closes_is_none() {
    let site = Site::new()
        .users(&["alana", "b", "c", "d", "e"])
        .group("team", &["alana", "b", "c", "d", "e"])
        .group("pks.clusters.admin", &["alana", "group:team"]);
    let plan = Manifest::new()
        .user("alana")
        .access("alana", &[])
        .additive("team")
        .absent("team", "alana")
        .plan(&site);
    assert_eq!(
        lines(&plan),
        [
            "0 revoke remove_member pks.clusters.admin/uaa/alana [EndsSessions]",
            "1 revoke remove_member team/uaa/alana [EndsSessions]",
        ]
    );
}

#[test]
fn unmapping_a_group_that_is_also_mapped_to_a_nested_one_leaves_a_way_in() {
    let site = Site::new()
        .group("inner", &[])
        .group("outer", &["group:inner"])
        .maps("outer", "ldap", "cn=x")
        .maps("inner", "ldap", "cn=x");
    let plan = Manifest::new().additive("outer").maps("outer", &[]).plan(&site);
    assert_eq!(lines(&plan), ["0 revoke unmap_external_group outer/ldap/cn=x implied [Residual]"]);
}

// Objections.

#[test]
fn every_entry_that_cannot_come_true_is_told_at_its_line() {
    let site = Site::new().change(|observed| {
        observed.groups.remove(&Manage.group());
        observed.ambiguous_groups.insert("twin".into());
    });
    let objections = Manifest::new()
        .user("nopassword")
        .user("noemail")
        .user("lpad/cody")
        .access("noemail", &[Manage])
        .additive("team")
        .member("team", "nobody")
        .member("team", "group:taem")
        .additive("twin")
        .change(|desired| {
            desired.users.get_mut(&user("nopassword")).expect("declared").password = None;
            desired.users.get_mut(&user("noemail")).expect("declared").email = None;
        })
        .objections(&site);
    let told: Vec<String> = objections
        .iter()
        .map(|told| {
            format!("{}: {} | {}", told.because.line, told.message, told.hint.as_deref().unwrap_or(""))
        })
        .collect();
    assert_eq!(
        told,
        [
            "1: user `uaa/nopassword` does not exist yet, and the entry has no password to create it with | add `password: ((some_variable))`, or the `origin` of the identity provider that knows the user",
            "2: user `uaa/noemail` does not exist yet, and the entry has no e-mail address to create it with | add `email: noemail@…`",
            "3: unknown origin `lpad`: the server has no identity provider of this name, and `target.origins` does not list it | did you mean `ldap`?",
            "5: group `pks.clusters.manage` is granted here, but the server has no such group | to create it, add under `groups:` the entry `- {name: pks.clusters.manage, additive: true, description: \"Create clusters, and use and delete one's own\"}`",
            "8: member `uaa/nobody` does not exist, and no entry under `users` creates it | add an entry `- username: nobody` under `users`, or name its `origin` if it is not `uaa`",
            "9: nested group `taem` does not exist, and no entry under `groups` creates it | did you mean `team`?",
            "10: group `twin`: the server has several groups whose names differ from this only in upper and lower case | delete or rename all but one of them first",
        ]
    );
}

#[test]
fn one_mistake_is_told_once_and_where_it_is() {
    // The origin, not the membership that follows from it.
    let manifest = Manifest::new()
        .additive("team")
        .member("team", "lpad/cody")
        .user("lpda/dana")
        .access("lpda/dana", &[Read]);
    let told: Vec<(u32, String)> = manifest
        .objections(&Site::new())
        .into_iter()
        .map(|told| (told.because.line, told.message.split(':').next().unwrap_or_default().to_owned()))
        .collect();
    assert_eq!(told, [(2, "unknown origin `lpad`".to_owned()), (3, "unknown origin `lpda`".to_owned())]);
    // A name that means two groups, at its entry.
    let twins = Site::new().user("a").change(|observed| {
        observed.ambiguous_groups.insert("team".into());
    });
    assert_eq!(Manifest::new().additive("team").member("team", "a").objections(&twins).len(), 1);
    assert_eq!(Manifest::new().additive("other").member("other", "group:team").objections(&twins).len(), 1);
}

#[test]
fn an_exact_group_with_a_nested_group_of_doubtful_name_is_not_planned() {
    let site = Site::new().group("twin", &[]).group("team", &["group:twin"]).change(|observed| {
        observed.ambiguous_groups.insert("twin".into());
    });
    let objections = Manifest::new().exact("team").objections(&site);
    assert_eq!(objections.len(), 1);
    assert!(objections[0].message.contains("nested group `twin`"));
    assert_eq!(lines(&Manifest::new().additive("team").plan(&site)), NOTHING);
}

#[test]
fn an_email_username_serves_as_the_address_of_a_new_user() {
    let manifest = Manifest::new().user("a@b.c").edit("a@b.c", |a, _| a.email = None);
    let plan = manifest.plan(&Site::new());
    assert_eq!(plan.changes[0].fields[0].after, FieldValue::Text("a@b.c".to_owned()));
    // And is not managed afterwards.
    assert_eq!(lines(&manifest.plan(&Site::new().user("a@b.c"))), NOTHING);
}

#[test]
fn an_email_address_cannot_be_cleared() {
    let manifest = Manifest::new().user("a").edit("a", |a, said| a.email = said(" "));
    for site in [Site::new(), Site::new().user("a")] {
        assert_eq!(manifest.objections(&site).len(), 1);
    }
    // The identity provider's business, once the user exists.
    let manifest = Manifest::new().user("ldap/a").edit("ldap/a", |a, said| a.email = said(""));
    assert_eq!(lines(&manifest.plan(&Site::new().user("ldap/a"))), NOTHING);
    assert_eq!(manifest.objections(&Site::new()).len(), 1);
}

#[test]
fn a_missing_cluster_group_that_is_only_taken_away_counts_as_not_held() {
    let site = Site::new().user("a").change(|observed| observed.groups.clear());
    assert_eq!(lines(&Manifest::new().user("a").access("a", &[]).plan(&site)), NOTHING);
}

#[test]
fn an_absent_member_that_does_not_exist_is_absent() {
    let site = Site::new().group("team", &[]);
    assert_eq!(
        lines(
            &Manifest::new()
                .additive("team")
                .absent("team", "nobody")
                .absent("team", "group:none")
                .plan(&site)
        ),
        NOTHING
    );
}

#[test]
fn an_origin_counts_as_known_where_the_manifest_or_the_server_says_so() {
    let manifest = |origins: Option<&str>| {
        Manifest::new().user("saml/a").change(|desired| {
            let because = Because { file: "pks.yml".to_owned(), line: 1 };
            desired.pin.origins =
                origins.map(|origin| Said { value: BTreeSet::from([Origin::new(origin)]), because });
        })
    };
    let unreadable = Site::new().change(|observed| observed.origins = None);
    assert_eq!(manifest(Some("saml")).plan(&unreadable).changes.len(), 1);
    assert_eq!(manifest(Some("saml")).plan(&Site::new()).changes.len(), 1);
    assert_eq!(manifest(None).plan(&unreadable).blind_spots[0].items, ["saml"]);
    assert_eq!(
        manifest(Some("sam1")).objections(&unreadable)[0].hint.as_deref(),
        Some("did you mean `sam1`?")
    );
    assert_eq!(manifest(None).objections(&Site::new()).len(), 1);
}

#[test]
fn an_origin_that_only_the_manifest_vouches_for_is_told() {
    let manifest =
        Manifest::new().user("ldap/a").additive("g").maps("g", &[("saml", "x")]).change(|desired| {
            let because = Because { file: "pks.yml".to_owned(), line: 7 };
            let origins = ["ldap", "saml", "unused"].map(Origin::new).into();
            desired.pin.origins = Some(Said { value: origins, because });
        });
    let told = |site: &Site| {
        let plan = manifest.plan(site);
        let [spot] = &plan.blind_spots[..] else { panic!("not one: {:?}", plan.blind_spots) };
        assert_eq!(spot.what, BlindSpotWhat::Origins);
        let word = FieldValue::Text("target.origins".to_owned());
        assert!(spot.values.values().all(|value| *value == word));
        assert_eq!(spot.values.keys().collect::<Vec<_>>(), spot.items.iter().collect::<Vec<_>>());
        (spot.items.join(" "), spot.why.clone())
    };
    // The server knows `ldap`.
    assert_eq!(
        told(&Site::new()),
        (
            "saml".to_owned(),
            "only the manifest vouches for them (`target.origins`, pks.yml:7): the server has no such identity provider, and whoever makes one of that name decides who logs in as these users".to_owned(),
        )
    );
    assert_eq!(
        told(&Site::new().change(|observed| observed.origins = None)),
        (
            "ldap saml".to_owned(),
            "only the manifest vouches for them (`target.origins`, pks.yml:7): the token may not read identity providers (that takes `idps.read`); UAA takes any text for an origin".to_owned(),
        )
    );
    let saml =
        Site::new().change(|observed| observed.origins = Some(["ldap", "saml"].map(Origin::new).into()));
    assert_eq!(manifest.plan(&saml).blind_spots, []);
    assert_eq!(
        scope(&manifest.desired, &Policy::default()).origins,
        ["ldap", "saml"].map(Origin::new).into()
    );
}

#[test]
fn origins_are_case_sensitive_and_the_hint_says_so() {
    let objections = Manifest::new().additive("g").absent("g", "LDAP/a").objections(&Site::new());
    assert_eq!(objections[0].hint.as_deref(), Some("did you mean `ldap`?"));
}

// Scope.

#[test]
fn the_scope_asks_for_users_by_name_and_for_members_of_exact_and_cluster_groups() {
    let manifest = Manifest::new()
        .user("a")
        .additive("additive")
        .absent("additive", "b")
        .exact("exact")
        .member("exact", "group:additive")
        .maps("exact", &[("saml", "x")]);
    let asked = scope(&manifest.desired, &Policy::default());
    assert_eq!(asked.users, BTreeSet::from([user("a"), user("b")]));
    let groups: Vec<&str> = asked.name_members_of.iter().map(GroupName::as_str).collect();
    assert_eq!(groups, ["exact", "pks.clusters.admin", "pks.clusters.admin.read", "pks.clusters.manage"]);
    assert_eq!(asked.origins, BTreeSet::from([Origin::new("saml")]));

    let asked = scope(&Manifest::new().exact("exact").desired, &Policy::default());
    assert_eq!(asked.name_members_of.len(), 1);
    assert_eq!(asked.origins, BTreeSet::new());
}

// Rails.

#[test]
fn a_direct_grant_of_a_privileged_group_escalates() {
    let site = Site::new().user("alana").group("uaa.admin", &[]);
    let manifest = Manifest::new().user("alana").additive("uaa.admin").member("uaa.admin", "alana");
    let plan = manifest.plan(&site);
    assert_eq!(
        findings(&plan),
        ["escalates:uaa.admin/uaa/alana [0]: `uaa/alana` would hold the privileged group `uaa.admin`."]
    );
    // That the account exists although the entry brings a password is a risk.
    assert_eq!(lines(&plan), ["0 grant add_member uaa.admin/uaa/alana [Adopts]"]);

    let allowed = manifest.allowing(&site, &["escalates:uaa.admin/uaa/alana"]);
    assert_eq!(allowed.refusals().count(), 0);
    assert_eq!(lines(&allowed), ["0 grant add_member uaa.admin/uaa/alana [Escalates, Adopts]"]);
    assert_eq!(allowed.plan_digest, plan.plan_digest, "an approval is about the changes, not about --allow");
}

#[test]
fn a_grant_through_nested_groups_escalates_and_so_does_the_nesting() {
    let site = Site::new()
        .user("alana")
        .group("inner", &[])
        .group("middle", &["group:inner"])
        .group("outer", &[])
        .group("uaa.admin", &["group:outer"]);
    let plan = Manifest::new()
        .additive("inner")
        .additive("outer")
        .user("alana")
        .member("inner", "alana")
        .member("outer", "group:middle")
        .plan(&site);
    assert_eq!(
        lines(&plan),
        ["0 grant add_member inner/uaa/alana [Adopts]", "1 grant add_member outer/group:middle"]
    );
    assert_eq!(
        findings(&plan),
        [
            "escalates:uaa.admin/group:middle [1]: Everyone in group `middle` would hold the privileged group `uaa.admin` through group `outer`.",
            "escalates:uaa.admin/uaa/alana [0, 1]: `uaa/alana` would hold the privileged group `uaa.admin` through group `inner`.",
        ]
    );
}

#[test]
fn a_grant_through_a_group_whose_name_uaa_cuts_escalates_to_the_scope() {
    let site = Site::new()
        .users(&["a", "b", "c"])
        .group("team", &["b"])
        .group("scim.read,UAA.admin", &["group:team", "c"])
        .group("uaa.admin", &[]);
    let manifest = Manifest::new().additive("team").member("team", "a");
    assert_eq!(
        findings(&manifest.plan(&site)),
        [
            "escalates:uaa.admin/uaa/a [0]: `uaa/a` would hold the privileged group `uaa.admin` through group `team`."
        ]
    );
    // The group itself gives more than the scope: whatever it is nested in, and its own spelling.
    let held = Manifest::new().additive("uaa.admin").members("uaa.admin", &["b", "c"]);
    assert_eq!(held.plan(&site).findings.len(), 2);
    let apart = Site::new()
        .users(&["a", "b"])
        .group("x,pks.clusters.manage", &["b"])
        .group("uaa.admin", &["group:pks.clusters.manage"]);
    let plan = Manifest::new().additive("uaa.admin").member("uaa.admin", "b").plan(&apart);
    assert_eq!(plan.findings.len(), 1);
}

#[test]
fn nesting_is_followed_in_any_spelling_and_around_a_circle() {
    let site = Site::new()
        .user("a")
        .group("Inner", &["group:OUTER"])
        .group("Outer", &["group:INNER"])
        .group("UAA.Admin", &["group:outer"]);
    let plan = Manifest::new().additive("iNNER").member("iNNER", "a").plan(&site);
    assert_eq!(
        findings(&plan),
        [
            "escalates:UAA.Admin/uaa/a [0]: `uaa/a` would hold the privileged group `UAA.Admin` through group `iNNER`."
        ]
    );
    // Who is in the circle at one place holds it at every other.
    let plan =
        Manifest::new().additive("uaa.ADMIN").member("uaa.ADMIN", "a").plan(&site.group("inner", &["a"]));
    assert_eq!(findings(&plan), NOTHING);
}

#[test]
fn an_empty_group_or_a_mapping_is_a_holder_too() {
    let site = Site::new().group("team", &[]).group("uaa.admin", &["group:team"]).group("empty", &[]);
    let plan = Manifest::new()
        .additive("uaa.admin")
        .member("uaa.admin", "group:empty")
        .additive("team")
        .maps("team", &[("ldap", "cn=a,dc=b")])
        .plan(&site);
    assert_eq!(
        findings(&plan),
        [
            "escalates:uaa.admin/group:empty [0]: Everyone in group `empty` would hold the privileged group `uaa.admin`.",
            "escalates:uaa.admin/mapped:ldap/cn=a,dc=b [1]: Everyone in `cn=a,dc=b` of origin `ldap` would hold the privileged group `uaa.admin` through group `team`.",
        ]
    );
}

#[test]
fn who_holds_it_already_gains_nothing_but_a_login_may_have_lent_it_only() {
    let held =
        Site::new().users(&["a", "ldap/b"]).group("x", &["a", "~ldap/b"]).group("uaa.admin", &["group:x"]);
    let plan = Manifest::new()
        .additive("uaa.admin")
        .member("uaa.admin", "a")
        .member("uaa.admin", "ldap/b")
        .plan(&held);
    let keys: Vec<_> = plan.findings.iter().filter_map(|finding| finding.key.as_deref()).collect();
    assert_eq!(keys, ["escalates:uaa.admin/ldap/b"]);
}

#[test]
fn an_external_group_that_is_mapped_there_already_gains_nothing() {
    let site = Site::new()
        .group("x", &[])
        .group("y", &[])
        .group("uaa.admin", &["group:x", "group:y"])
        .maps("x", "ldap", "cn=a");
    let maps = |origin| Manifest::new().additive("y").maps("y", &[(origin, "cn=a")]);
    assert_eq!(findings(&maps("ldap").plan(&site)), NOTHING);
    let other = site.change(|observed| observed.origins = None);
    assert_eq!(
        maps("saml").plan(&other).findings[0].key.as_deref(),
        Some("escalates:uaa.admin/mapped:saml/cn=a")
    );
}

#[test]
fn what_is_held_only_until_the_same_plan_takes_it_escalates_too() {
    let site = Site::new()
        .users(&["a", "b", "c", "d", "e", "f"])
        .group("team", &[])
        .group("uaa.admin", &["group:team", "b", "c", "d", "e", "f"]);
    let plan = Manifest::new()
        .additive("team")
        .member("team", "a")
        .additive("uaa.admin")
        .absent("uaa.admin", "group:team")
        .plan(&site);
    assert_eq!(
        findings(&plan),
        [
            "escalates:uaa.admin/uaa/a [0]: `uaa/a` would hold the privileged group `uaa.admin` through group `team`, until a later change of this plan ends it."
        ]
    );
}

#[test]
fn a_cycle_of_groups_ends_and_a_group_is_no_holder_of_itself() {
    let site = Site::new().group("a", &["group:b"]).group("b", &[]).group("uaa.admin", &["group:a"]);
    let plan =
        Manifest::new().additive("b").member("b", "group:a").member("b", "group:uaa.admin").plan(&site);
    assert_eq!(findings(&plan), NOTHING);
    assert_eq!(plan.changes.len(), 2);
}

#[test]
fn a_privileged_grant_to_an_unverified_account_is_refused_by_a_rail_of_its_own() {
    let site = Site::new()
        .users(&["alana", "ldap/b"])
        .edit("alana", |alana| alana.verified = false)
        .edit("ldap/b", |b| b.verified = false)
        .group("inner", &[])
        .group("uaa.admin", &["group:inner"])
        .group("plain", &[]);
    let manifest = Manifest::new()
        .additive("inner")
        .members("inner", &["alana", "ldap/b"])
        .additive("plain")
        .member("plain", "alana");
    let plan = manifest.plan(&site);
    let adopts: Vec<_> = plan
        .findings
        .iter()
        .filter(|finding| finding.rail == super::Rail::Adopts)
        .map(show_finding)
        .collect();
    assert_eq!(
        adopts,
        [
            "adopts:uaa/alana [1]: The account `uaa/alana` exists and is not verified; whoever registered it would hold `uaa.admin`."
        ]
    );
    let allowed = manifest.allowing(&site, &["adopts:uaa/alana"]);
    assert_eq!(allowed.changes[1].risks, [super::Risk::Adopts]);
    assert_eq!(allowed.refusals().count(), 2, "escalates still refuses both");
}

#[test]
fn a_new_account_cannot_be_adopted() {
    let site = Site::new().group("uaa.admin", &[]);
    let plan = Manifest::new().user("new").additive("uaa.admin").member("uaa.admin", "new").plan(&site);
    assert_eq!(plan.findings.len(), 1);
    assert_eq!(plan.changes[1].risks, []);
}

#[test]
fn an_exact_group_that_loses_everyone_is_one_finding() {
    let site = Site::new().users(&["a", "b", "c"]).group("team", &["a", "b", "c", "!gone"]);
    let manifest = Manifest::new().exact("team");
    assert_eq!(
        findings(&manifest.plan(&site)),
        ["empties:team [0, 1, 2]: Group `team` would lose all its 3 members, and nobody would be left."]
    );
    let allowed = manifest.allowing(&site, &["empties:team"]);
    assert_eq!(allowed.refusals().count(), 0);
    assert_eq!(allowed.changes[0].risks, [super::Risk::Removes, super::Risk::EndsSessions]);
    // Whoever comes in is someone left.
    let replaced = Manifest::new().exact("team").user("d").member("team", "d").plan(&site);
    assert_eq!(findings(&replaced), ["removals:team [2, 3, 4]: Group `team` would lose 3 of its 3 members."]);
    // A login's row, or one who never was there, leaves nothing to empty.
    let derived = Site::new().user("ldap/a").group("team", &["~ldap/a"]);
    assert_eq!(findings(&manifest.plan(&derived)), NOTHING);
}

#[test]
fn an_additive_group_may_lose_its_last_member_whom_the_manifest_names() {
    let site = Site::new().user("a").group("pks.clusters.admin", &["a"]);
    assert_eq!(findings(&Manifest::new().user("a").access("a", &[]).plan(&site)), NOTHING);
}

#[test]
fn more_than_a_quarter_and_at_least_two_or_more_than_ten_removals_are_many() {
    let names: Vec<String> = (10..70).map(|n| format!("u{n}")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for (members, removed, many) in
        [(2, 1, false), (8, 2, false), (7, 2, true), (12, 3, false), (60, 10, false), (60, 11, true)]
    {
        let site = Site::new().users(&names).group("team", &names[..members]);
        let plan = Manifest::new().exact("team").members("team", &names[removed..members]).plan(&site);
        assert_eq!(plan.changes.len(), removed);
        let expected: Vec<String> = if many { vec!["removals:team".to_owned()] } else { Vec::new() };
        let keys: Vec<String> = plan.findings.iter().filter_map(|finding| finding.key.clone()).collect();
        assert_eq!(keys, expected, "{removed} of {members}");
    }
}

#[test]
fn many_mappings_at_once_are_counted_over_all_groups_in_scope() {
    let site = Site::new()
        .group("a", &[])
        .group("b", &[])
        .group("other", &[])
        .maps("a", "ldap", "cn=1")
        .maps("b", "ldap", "cn=2")
        .maps("b", "ldap", "cn=3")
        .maps("other", "ldap", "cn=4");
    let manifest =
        Manifest::new().exact("a").maps("a", &[]).exact("b").maps("b", &[("ldap", "cn=3")]).exact("other");
    assert_eq!(
        findings(&manifest.plan(&site)),
        ["removals:external_group=2 [0, 1]: 2 of the 3 external group mappings in scope would be removed."]
    );
}

#[test]
fn nothing_allows_taking_from_the_user_we_are_logged_in_as() {
    let me = |scopes: &[&str]| {
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        Site::new()
            .users(&["me", "b"])
            .group("team", &["me", "b"])
            .group("scim.write", &["group:team", "b"])
            .change(|observed| {
                observed.me.user = Some(user("me"));
                observed.me.scopes = scopes;
            })
    };
    let direct = Manifest::new().additive("team").absent("team", "me");
    assert_eq!(
        findings(&direct.plan(&me(&["scim.write"]))),
        ["- [0]: The user that this run is logged in as would lose `scim.write`, which its token holds."]
    );
    assert_eq!(findings(&direct.plan(&me(&["uaa.admin"]))), NOTHING);
    let nested = Manifest::new().user("me").additive("scim.write").absent("scim.write", "group:team");
    assert_eq!(nested.plan(&me(&["scim.write"])).findings.len(), 1);
    let kept_otherwise = me(&["scim.write"]).group("scim.write", &["me"]);
    assert_eq!(findings(&direct.plan(&kept_otherwise)), NOTHING);
    // A new way in that comes only with our own changes, after what takes the old one: too late for the run.
    let late = Manifest::new()
        .user("me")
        .additive("scim.write")
        .member("scim.write", "me")
        .absent("scim.write", "group:team")
        .allowing(&me(&["scim.write"]), &["escalates:scim.write/uaa/me"]);
    assert_eq!(late.refusals().count(), 1);
    let suspended = Manifest::new().user("me").active("me", false);
    assert_eq!(
        findings(&suspended.allowing(&me(&[]), &["-", "own_identity"])),
        ["- [0]: The user that this run is logged in as would be suspended."]
    );
}

#[test]
fn another_issuer_or_zone_than_pinned_is_refused() {
    let said = |value: &str| {
        Some(Said { value: value.to_owned(), because: Because { file: "pks.yml".to_owned(), line: 3 } })
    };
    let manifest = Manifest::new().change(|desired| {
        desired.pin.issuer = said("https://prod.example.com/oauth/token");
        desired.pin.zone = said("t1");
    });
    let site = Site::new();
    let found = check_pin(&manifest.desired, &site.0.server);
    assert_eq!(
        found.iter().map(show_finding).collect::<Vec<_>>(),
        [
            "- []: The manifest is for issuer `https://prod.example.com/oauth/token` (pks.yml:3), and the server at `https://uaa.example.com` has issuer `https://uaa.example.com/oauth/token`.",
            "- []: The manifest is for zone `t1` (pks.yml:3), and the server at `https://uaa.example.com` has zone `uaa`.",
        ]
    );
    assert_eq!(manifest.plan(&site).findings.len(), 2);
    let refused = refused(&manifest.desired, &site.0.server, found);
    assert!(refused.is_empty());
    assert_eq!(refused.refusals().count(), 2);

    let unknown_zone = crate::observed::Server { zone: String::new(), ..site.0.server };
    assert_eq!(check_pin(&manifest.desired, &unknown_zone).len(), 1);
    assert_eq!(check_pin(&Manifest::new().desired, &unknown_zone), []);
}

#[test]
fn groups_and_clients_that_uaa_brings_are_never_deleted() {
    let because = Because { file: "pks.yml".to_owned(), line: 1 };
    let delete = |action, kind, object| super::Change {
        id: 0,
        phase: Phase::Delete,
        action,
        kind,
        key: String::new(),
        object,
        fields: Vec::new(),
        needs: Vec::new(),
        because: because.clone(),
        implied: false,
        expects: Expects::PRESENT,
        risks: Vec::new(),
        notes: Vec::new(),
    };
    let group = |name: &str| delete(Action::DeleteGroup, Kind::Group, Object::Group { group: name.into() });
    let client = |id: &str| {
        delete(Action::DeleteClient, Kind::Client, Object::Client { client_id: ClientId::new(id) })
    };
    let defaults = BTreeSet::from([GroupName::new("everyone")]);
    let refused = |change| super::rails::built_ins::findings(&[change], &defaults);
    for change in [group("UAA.admin"), group("everyone"), group("openid"), client("admin")] {
        let found = refused(change);
        assert_eq!((found.len(), found[0].key.as_ref()), (1, None));
    }
    for change in [group("team"), client("ci")] {
        assert_eq!(refused(change), []);
    }
}

#[test]
fn an_allow_that_no_finding_has_is_told() {
    let site = Site::new().user("a").group("team", &["a"]);
    let allow = Allow::from(["empties:team".to_owned(), "empties:taem".to_owned()]);
    let plan = super::make(&Manifest::new().exact("team").desired, &site.0, &Policy::default(), &allow)
        .expect("plans");
    assert_eq!(unused_allows(&plan, &allow), ["empties:taem"]);
}

#[test]
fn what_counts_as_privileged_is_the_policys_to_say() {
    let site = Site::new().user("a");
    let desired = Manifest::new().user("a").access("a", &[Admin]).desired;
    let mut policy = Policy::default();
    policy.privileged.push("pks.clusters.admin".to_owned());
    let plan = super::make(&desired, &site.0, &policy, &Allow::new()).expect("plans");
    assert_eq!(plan.findings[0].key.as_deref(), Some("escalates:pks.clusters.admin/uaa/a"));
}

// Authorities.

#[test]
fn what_the_token_lacks_is_named_for_what_the_plan_does_only() {
    let site = Site::new().user("old").group("team", &["old", "a"]);
    let site = |scopes: &[&str], zone: &str| {
        let scopes = scopes.iter().map(|&scope| scope.to_owned()).collect();
        let zone = zone.to_owned();
        site.clone().change(|observed| {
            observed.me.scopes = scopes;
            observed.zone_by_header = zone != "uaa";
            observed.server.zone = zone;
        })
    };
    let manifest = Manifest::new().user("new").exact("team").member("team", "new");
    let missing = |scopes: &[&str], zone: &str| -> Vec<String> {
        let site = site(scopes, zone);
        missing_authorities(&manifest.plan(&site), &site.0)
            .into_iter()
            .map(|missing| format!("{}: {}", missing.needed_for, missing.any_of.join(" ")))
            .collect()
    };
    assert_eq!(
        missing(&["scim.read"], "uaa"),
        [
            "create users: scim.write scim.create uaa.admin",
            "add members to groups: scim.write groups.update uaa.admin",
            "remove members from groups: scim.write uaa.admin",
        ]
    );
    assert_eq!(
        missing(&["scim.create", "groups.update"], "uaa"),
        ["remove members from groups: scim.write uaa.admin"]
    );
    assert_eq!(missing(&["uaa.admin"], "uaa"), NOTHING);
    assert_eq!(missing(&["zones.t1.admin"], "t1"), NOTHING);
    assert_eq!(missing(&["zones.t1.scim.write"], "t1"), NOTHING);
    assert_eq!(missing(&["zones.t2.admin", "zones.uaa.admin"], "t1").len(), 3);
    assert_eq!(missing(&["zones.uaa.admin"], "uaa").len(), 3);
    // UAA drops them with the header; at the zone's own host they count.
    assert_eq!(
        missing(&["scim.read", "scim.write", "groups.update"], "t1"),
        [
            "create users: zones.t1.scim.write zones.t1.scim.create zones.t1.admin uaa.admin",
            "add members to groups: zones.t1.scim.write zones.t1.admin uaa.admin",
            "remove members from groups: zones.t1.scim.write zones.t1.admin uaa.admin",
        ]
    );
    let at_its_own_host = site(&["scim.write"], "t1").change(|observed| observed.zone_by_header = false);
    assert_eq!(missing_authorities(&manifest.plan(&at_its_own_host), &at_its_own_host.0), []);
}

// Size.

/// A foundation of 50,000 users and 5,000 groups, all in scope: anything quadratic would take minutes here.
#[test]
fn a_large_foundation_is_planned_in_the_time_that_reading_it_takes() {
    let names: Vec<String> = (0..50_000).map(|n| format!("u{n}")).collect();
    let mut site = Site::new();
    for name in &names {
        site = site.user(name);
    }
    let mut manifest = Manifest::new();
    for (n, team) in names.chunks(10).enumerate() {
        let (group, outer) = (format!("g{n}"), format!("group:g{}", n / 2));
        let rows: Vec<&str> = team.iter().map(String::as_str).collect();
        site = site.group(&group, &rows);
        if n > 0 {
            site = site.group(&group, &[&outer]);
        }
        manifest = manifest.exact(&group).members(&group, &rows[1..]);
    }
    site = site.group("pks.clusters.admin", &names.iter().map(String::as_str).collect::<Vec<_>>());
    for name in &names {
        manifest = manifest.user(name).access(name, &[Manage]);
    }
    let started = std::time::Instant::now();
    let plan = manifest.plan(&site);
    assert_eq!(plan.summary.grant, 50_000);
    assert_eq!(plan.summary.revoke, 50_000 + 5_000 + 4_999);
    // Seconds when nothing else runs; what is quadratic takes hours.
    assert!(started.elapsed().as_secs() < 300, "took {:?}", started.elapsed());
}

// Digests.

#[test]
fn the_digest_changes_with_target_and_changes_and_with_nothing_else() {
    let site = Site::new().user("a");
    let plan = Manifest::new().user("a").access("a", &[Admin]).plan(&site);
    let same = Manifest::new()
        .user("a")
        .access("a", &[Admin])
        .change(|desired| desired.digest = "x".to_owned())
        .plan(&site);
    assert_eq!(plan.plan_digest, same.plan_digest);
    assert!(plan.plan_digest.starts_with("sha256:") && plan.plan_digest.len() == 71);
    let other = Manifest::new().user("a").access("a", &[Manage]).plan(&site);
    assert_ne!(plan.plan_digest, other.plan_digest);
    let elsewhere = site.change(|observed| observed.server.url = "https://other.example.com".to_owned());
    let elsewhere = Manifest::new().user("a").access("a", &[Admin]).plan(&elsewhere);
    assert_ne!(plan.plan_digest, elsewhere.plan_digest);
    assert_eq!(plan.tool, format!("uaapply {}", env!("CARGO_PKG_VERSION")));
}

#[test]
fn a_group_that_leads_to_clusters_says_so_where_it_is_given() {
    let site = Site::new()
        .group("team", &[])
        .group("inner", &[])
        .group("team", &["group:inner"])
        .group("pks.clusters.admin", &["group:team"])
        .users(&["alana"]);
    let plan = Manifest::new().member("inner", "alana").plan(&site);
    assert_eq!(lines(&plan), ["0 grant add_member inner/uaa/alana [ClusterAccess]"]);
    assert_eq!(plan.changes[0].notes, ["Who is in `inner` holds `pks.clusters.admin` too."]);
    let plan = Manifest::new().member("pks.clusters.admin", "alana").plan(&site);
    assert_eq!(lines(&plan), ["0 grant add_member pks.clusters.admin/uaa/alana"]);
}

#[test]
fn the_groups_of_the_clusters_are_not_deleted() {
    let site = Site::new().group("pks.clusters.admin", &[]);
    let plan = Manifest::new().no_group("pks.clusters.admin").plan(&site);
    assert_eq!(
        plan.findings.iter().map(|finding| finding.rail).collect::<Vec<_>>(),
        [crate::plan::Rail::BuiltIns]
    );
}
