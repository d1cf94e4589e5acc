//! Stories of the way back: given what was, what a manifest made of it, and what somebody did since.

use super::*;
use crate::desired::SecretSource;
use crate::plan::Rail;
use crate::plan::project::project;
use crate::plan::worlds::{Manifest, Site, kept, lines, user};
use crate::report::Outcome;

/// What there is before.
fn site() -> Site {
    Site::new()
        .users(&["alana", "bob", "dana", "erin.old", "ldap/cody"])
        .edit("dana", |dana| (dana.given_name, dana.active) = ("Dana".to_owned(), false))
        .group("team", &["bob", "dana", "~ldap/cody"])
        .group("old", &["alana", "~ldap/cody", "!ghost", "group:team"])
        .group("outer", &["group:old"])
        .maps("team", "ldap", "cn=old")
        .maps("old", "ldap", "cn=a/b")
        .maps("old", "ldap", "cn=plain")
        .client("ci", &["authorized_grant_types=client_credentials", "authorities=a,b", "name=CI"])
        .client(
            "gone",
            &["authorized_grant_types=password", "required_user_groups=team", "token_salt=canary"],
        )
        .change(|observed| {
            let team = observed.groups.get_mut(&"team".into()).expect("it is there");
            team.description = "The team".to_owned();
        })
}

fn manifest() -> Manifest {
    Manifest::new()
        .user("alana")
        .edit("alana", |alana, said| {
            (alana.given_name, alana.email) = (said("Alana"), said("new@example.com"))
        })
        .user("erin")
        .edit("erin", |erin, _| erin.email = None)
        .previously("erin", "erin.old")
        .user("new")
        .no_user("dana")
        .exact("team")
        .description("team", "New words")
        .members("team", &["new", "erin"])
        .maps("team", &[("ldap", "cn=new")])
        .exact("fresh")
        .member("fresh", "new")
        .no_group("old")
        .client("ci", &["authorities=b,c", "name="])
        .secret("ci", SecretSource::Variable("ci_secret".to_owned()))
        .client("app", &["authorized_grant_types=client_credentials", "authorities=x"])
        .secret("app", SecretSource::Variable("app_secret".to_owned()))
        .no_client("gone")
}

/// A report of a plan of which all was done, but for what is said.
fn report(plan: &Plan, outcomes: &[(&str, Outcome)]) -> Report {
    let mut report = Report::of(plan);
    for applied in &mut report.changes {
        let said = outcomes.iter().find(|(key, _)| *key == applied.change.key);
        applied.outcome = said.map_or(Outcome::Done, |(_, outcome)| *outcome);
    }
    let text = serde_json::to_string(&report).expect("it is JSON");
    Report::read(&text).expect("it is a report")
}

fn undo(report: &Report, site: &Site, allow: &[&str], only: &[&str]) -> Undone {
    let allow: Allow = allow.iter().map(|&key| key.to_owned()).collect();
    let wanted: Vec<_> = only.iter().map(|name| name.parse().expect("a name")).collect();
    Undo::of(report).plan(&site.0, &Policy::default(), &allow, &Only::new(&wanted)).expect("it can be undone")
}

fn done(manifest: &Manifest, site: &Site) -> (Report, Site) {
    let plan = manifest.plan(site);
    let after = Site(project(&site.0, &plan.changes));
    (report(&plan, &[]), after)
}

fn lost(undone: &Undone) -> Vec<String> {
    let one = |lost: &Lost| format!("{:?} {:?} {}", lost.why, lost.kind, lost.items.join(" "));
    undone.plan.lost.iter().map(one).collect()
}

fn drift(undone: &Undone) -> Vec<&str> {
    undone.drift.iter().map(|drift| drift.message.as_str()).collect()
}

#[test]
fn all_kinds_come_back_and_what_cannot_is_named() {
    let (report, after) = done(&manifest(), &site());
    let undone = undo(&report, &after, &[], &[]);
    assert_eq!(drift(&undone), [""; 0]);
    assert_eq!(
        lines(&undone.plan),
        [
            "0 create create_user uaa/dana email given_name active verified password",
            "1 create create_group old",
            "2 create create_client gone authorized_grant_types scope authorities required_user_groups client_secret",
            "3 update update_user uaa/alana given_name",
            "4 update update_group team description",
            "5 update update_client ci name",
            "6 grant add_member old/group:team needs [1]",
            "7 grant add_member old/uaa/alana needs [1]",
            "8 grant add_member outer/group:old needs [1]",
            "9 grant add_member team/uaa/bob",
            "10 grant add_member team/uaa/dana needs [0]",
            "11 grant map_external_group old/ldap/cn=a%2Fb needs [1]",
            "12 grant map_external_group old/ldap/cn=plain needs [1]",
            "13 grant map_external_group team/ldap/cn=old",
            "14 grant update_client ci authorities",
            "15 revoke update_user uaa/alana email [EndsSessions]",
            "16 revoke update_user uaa/erin username [EndsSessions]",
            "17 revoke remove_member team/uaa/erin [EndsSessions]",
            "18 revoke unmap_external_group team/ldap/cn=new",
            "19 revoke update_client ci authorities needs [14] [EndsSessions]",
            "20 delete remove_member fresh/uaa/new",
            "21 delete remove_member team/uaa/new",
            "22 delete delete_user uaa/new needs [20, 21] [EndsSessions, TakesAlong]",
            "23 delete delete_group fresh [EndsSessions, TakesAlong]",
            "24 delete delete_client app [EndsSessions, TakesAlong]",
        ]
    );
    let keys: Vec<_> = undone.plan.findings.iter().filter_map(|finding| finding.key.as_deref()).collect();
    assert_eq!(keys, ["removals:team", "undeletable:old/cn=a%2Fb"]);
    // The place is the manifest's that wanted it.
    assert_eq!(
        undone.plan.changes[0].because,
        report.changes.iter().find(|a| a.change.key == "uaa/dana").expect("there").change.because
    );
    assert_eq!(
        lost(&undone),
        [
            "NewId User uaa/dana",
            "NewId Group old",
            "Password User uaa/dana",
            "NewClientSecret Client gone",
            "TokenSalt Client gone",
            "Tokens User uaa/alana uaa/dana uaa/erin.old",
            "Tokens Group old",
            "Tokens Member team/uaa/bob",
            "Tokens Client ci gone",
            "DerivedMembership Member old/ldap/cody",
            "UnnamedMembers Group old",
        ]
    );
    assert!(!serde_json::to_string(&undone.plan).expect("JSON").contains("canary"));
    // And then there is nothing left to do.
    let back = Site(project(&after.0, &undone.plan.changes));
    let again = undo(&report, &back, &[], &[]);
    assert_eq!((lines(&again.plan), drift(&again)), (vec![], vec![]));
}

#[test]
fn only_what_was_done_or_perhaps_was_is_undone() {
    let site = Site::new().users(&["a", "b", "c", "d"]).group("team", &[]);
    let manifest = Manifest::new().additive("team").members("team", &["a", "b", "c", "d"]);
    let plan = manifest.plan(&site);
    let all = Site(project(&site.0, &plan.changes));
    let report = report(
        &plan,
        &[
            ("team/uaa/b", Outcome::Unknown),
            ("team/uaa/c", Outcome::AlreadySo),
            ("team/uaa/d", Outcome::Failed),
        ],
    );
    assert_eq!(
        lines(&undo(&report, &all, &[], &[]).plan),
        [
            "0 revoke remove_member team/uaa/a [EndsSessions]",
            "1 revoke remove_member team/uaa/b [EndsSessions]"
        ]
    );
    // The look says that it was not made.
    let without = Site(project(&site.0, &plan.changes[..1]));
    assert_eq!(
        lines(&undo(&report, &without, &[], &[]).plan),
        ["0 revoke remove_member team/uaa/a [EndsSessions]"]
    );
}

#[test]
fn a_clients_states_on_the_way_are_known_where_an_outcome_is_not() {
    let site = Site::new().client("ci", &["authorized_grant_types=client_credentials", "authorities=a"]);
    let plan = Manifest::new().client("ci", &["authorities=b"]).plan(&site);
    assert_eq!(plan.changes.len(), 2);
    let [first, both] = [1, 2].map(|made| Site(project(&site.0, &plan.changes[..made])));
    let mut unknown = report(&plan, &[]);
    unknown.changes[1].outcome = Outcome::Unknown;
    assert_eq!(
        lines(&undo(&unknown, &first, &[], &[]).plan),
        ["0 revoke update_client ci authorities [EndsSessions]"]
    );
    assert_eq!(lines(&undo(&unknown, &both, &[], &[]).plan).len(), 2);
    // Surely done, the state on the way is somebody else's work.
    assert_eq!(
        drift(&undo(&report(&plan, &[]), &first, &[], &[])),
        ["client ci: `authorities` is [\"a\",\"b\"] instead of [\"b\"]"]
    );
    // The second was never tried.
    let mut half = report(&plan, &[]);
    half.changes[1].outcome = Outcome::Held;
    assert_eq!(
        lines(&undo(&half, &first, &[], &[]).plan),
        ["0 revoke update_client ci authorities [EndsSessions]"]
    );
}

#[test]
fn what_changed_since_is_listed_whatever_it_is() {
    let (report, after) = done(&manifest(), &site());
    type Since = (&'static str, fn(Site) -> Site, &'static [&'static str]);
    let since: [Since; 16] = [
        (
            "a field",
            |site| site.edit("alana", |a| a.given_name = "Other".to_owned()),
            &["user uaa/alana: `given_name` is \"Other\" instead of \"Alana\""],
        ),
        (
            "gone",
            |site| site.change(alana_is_gone),
            &[
                "user uaa/alana is gone, or has another name",
                "membership old/uaa/alana cannot come back: uaa/alana is gone",
            ],
        ),
        (
            "another account",
            |site| site.edit("alana", |a| a.id = "other".into()),
            &["user uaa/alana is another account now: other"],
        ),
        (
            "the old name is taken",
            |site| site.user("erin.old").edit("erin.old", |e| e.id = "other".into()),
            &["uaa/erin.old, as user uaa/erin was called, is another account now: other"],
        ),
        (
            "a created user has more",
            |site| site.group("outer", &["new"]).change(new_is_the_one),
            &["user uaa/new is a member of outer now"],
        ),
        (
            "a created user is another",
            |site| site.edit("new", |new| new.email = "x@example.com".to_owned()),
            &["user uaa/new: `email` is \"x@example.com\" instead of \"new@example.com\""],
        ),
        (
            "a deleted user is there again",
            |site| site.user("dana").edit("dana", |d| d.id = "other".into()),
            &[
                "user uaa/dana is there again, and not as it was: `active` is true instead of false, `given_name` is \"\" instead of \"Dana\"",
            ],
        ),
        (
            "a created group has more",
            |site| site.group("fresh", &["bob"]),
            &["group fresh: uaa/bob is a member now"],
        ),
        (
            "a created group is mapped",
            |site| site.maps("fresh", "ldap", "cn=x"),
            &["group fresh: fresh/ldap/cn=x is mapped to it now"],
        ),
        (
            "a description",
            |site| {
                site.change(|o| o.groups.get_mut(&"team".into()).expect("there").description = "x".to_owned())
            },
            &["group team: `description` is \"x\" instead of \"New words\""],
        ),
        (
            "a group is gone",
            |site| site.change(|o| drop(o.groups.remove(&"outer".into()))),
            &["membership outer/group:old cannot come back: group outer is gone"],
        ),
        (
            "a deleted group is there again",
            |site| site.group("old", &["bob"]).change(old_is_another),
            &["group old is there again, and not as it was: uaa/bob is a member now"],
        ),
        (
            "a client",
            |site| site.client("ci", &["name=Other"]),
            &["client ci: `name` is \"Other\" instead of null"],
        ),
        (
            "a created client has more",
            |site| site.client("app", &["scope=a"]),
            &["client app: `scope` changed since"],
        ),
        (
            "a client is gone",
            |site| site.change(|o| drop(o.clients.remove(&ClientId::new("ci")))),
            &["client ci is gone"],
        ),
        (
            "a deleted client is there again",
            |site| site.client("gone", &["authorized_grant_types=password"]),
            &["client gone is there again, and not as it was: `required_user_groups` changed since"],
        ),
    ];
    for (what, change, expected) in since {
        let undone = undo(&report, &change(after.clone()), &[], &[]);
        let told: BTreeSet<&str> = drift(&undone).into_iter().collect();
        assert_eq!(told, expected.iter().copied().collect(), "{what}");
        // What is not about it goes on where only that is named.
        let only = undo(&report, &change(after.clone()), &[], &["member/team/bob"]);
        assert_eq!((drift(&only), lines(&only.plan).len()), (vec![], 1), "{what}");
    }
    // Others may do what they like elsewhere, and what is as it was before needs no undoing.
    let elsewhere = after.clone().edit("bob", |bob| bob.phone = "1".to_owned()).client("other", &["scope=a"]);
    assert_eq!(drift(&undo(&report, &elsewhere, &[], &[])), [""; 0]);
    let before = after.edit("alana", |alana| alana.given_name = String::new()).group("team", &["bob"]);
    let undone = undo(&report, &before, &[], &[]);
    assert_eq!((drift(&undone), undone.plan.changes.len()), (vec![], 23));
}

fn old_is_another(observed: &mut Observed) {
    observed.groups.get_mut(&"old".into()).expect("just made").id = "other".into();
}

fn alana_is_gone(observed: &mut Observed) {
    let alana = observed.users.remove(&user("alana")).expect("it is there");
    observed.names.remove(&alana.id);
}

/// Rows of a site are by the ids that its users have there.
fn new_is_the_one(observed: &mut Observed) {
    let id = observed.users[&user("new")].id.clone();
    let outer = observed.groups.get_mut(&"outer".into()).expect("it is there");
    let row = outer.rows.remove(&"id of uaa/new".into()).expect("just added");
    outer.rows.insert(id, row);
}

#[test]
fn rails_judge_the_way_back() {
    // To give back what was taken is an escalation.
    let site = Site::new().users(&["root", "other"]).group("uaa.admin", &["root", "other"]);
    let taken = Manifest::new().additive("uaa.admin").absent("uaa.admin", "root");
    let (report, after) = done(&taken, &site);
    let keys = |undone: &Undone| -> Vec<String> {
        undone.plan.refusals().filter_map(|finding| finding.key.clone()).collect()
    };
    assert_eq!(keys(&undo(&report, &after, &[], &[])), ["escalates:uaa.admin/uaa/root"]);
    assert_eq!(keys(&undo(&report, &after, &["escalates:uaa.admin/uaa/root"], &[])), [""; 0]);
    // To undo many creations is to delete many.
    let many = Manifest::new().user("a").user("b").user("c");
    let (report, after) = done(&many, &Site::new());
    assert_eq!(keys(&undo(&report, &after, &[], &[])), ["removals:user=3"]);
    // What we are logged in as stays so.
    let own =
        Site::new().client("admin", &["authorized_grant_types=client_credentials", "authorities=uaa.admin"]);
    let own = own.change(|observed| observed.me.scopes = ["uaa.admin".to_owned(), "more".to_owned()].into());
    let gained = Manifest::new().client("admin", &["authorities=uaa.admin,more"]);
    let (report, after) = done(&gained, &own);
    let undone = undo(&report, &after, &[], &[]);
    assert_eq!(undone.plan.refusals().map(|finding| finding.rail).collect::<Vec<_>>(), [Rail::OwnIdentity]);
}

#[test]
fn secrets_that_were_set_stay_and_are_named() {
    let site = Site::new()
        .client("ci", &["authorized_grant_types=client_credentials", "token_salt=a", "extra.api_key=\"x\""]);
    let site = site.change(|observed| observed.client_secrets_wrong = Some([ClientId::new("ci")].into()));
    let manifest = Manifest::new().client("ci", &["token_salt=b", "name=CI"]);
    let manifest = manifest.secret("ci", SecretSource::Variable("ci_secret".to_owned()));
    let (report, after) = done(&manifest, &site);
    let undone = undo(&report, &after, &[], &[]);
    assert_eq!(lines(&undone.plan), ["0 update update_client ci name"]);
    assert_eq!(lost(&undone), ["ClientSecret Client ci", "TokenSalt Client ci", "Tokens Client ci"]);
    assert_eq!(undone.plan.blind_spots.len(), 0, "{:?}", undone.plan.blind_spots);
    // Deleted, what looks like a secret does not come back either.
    let (report, after) = done(&Manifest::new().no_client("ci"), &site);
    let undone = undo(&report, &after, &[], &[]);
    assert_eq!(lost(&undone)[1..3], ["TokenSalt Client ci", "Secret Client ci"], "{:?}", lost(&undone));
    assert!(!undone.plan.changes[0].fields.iter().any(|field| field.name.starts_with("extra")));
}

#[test]
fn a_client_of_whom_nobody_knows_who_may_come_in_is_not_made_again() {
    let site = Site::new().client("ci-old", &["authorized_grant_types=password"]);
    let manifest = Manifest::new().prune_clients(&["ci-*"]);
    let (report, after) = done(&manifest, &site);
    let undone = undo(&report, &after, &[], &[]);
    assert_eq!((lines(&undone.plan), lost(&undone)), (vec![], vec!["NotInReport Client ci-old".to_owned()]));
}

#[test]
fn what_a_login_brought_is_the_logins_matter() {
    let site = Site::new().users(&["ldap/cody", "a"]).group("team", &["~ldap/cody", "a"]);
    let (report, after) = done(&Manifest::new().no_user("ldap/cody"), &site);
    let undone = undo(&report, &after, &[], &[]);
    assert_eq!(
        lines(&undone.plan),
        ["0 create create_user ldap/cody username email active verified"]
            .map(|line| line.replace(" username", ""))
    );
    assert!(lost(&undone).contains(&"DerivedMembership Member team/ldap/cody".to_owned()));
    // A row that the report added and a login has taken over stays, by name.
    let (report, after) = done(&Manifest::new().additive("team").member("team", "b"), &site.user("b"));
    let id = after.0.users[&user("b")].id.clone();
    let after = after.change(|observed| {
        let team = observed.groups.get_mut(&"team".into()).expect("it is there");
        team.rows.get_mut(&id).expect("it is there").origin = crate::model::Origin::new("ldap");
    });
    let undone = undo(&report, &after, &[], &[]);
    assert_eq!(
        (lines(&undone.plan), kept(&undone.plan)),
        (vec![], vec!["DerivedMembership Member team/uaa/b".to_owned()])
    );
}

#[test]
fn names_that_the_report_does_not_speak_about_are_told() {
    let (report, after) = done(&manifest(), &site());
    assert_eq!(undo(&report, &after, &[], &["user/erin", "user/alana", "client/gone"]).unmatched, []);
    let unmatched = undo(&report, &after, &[], &["user/alanna"]).unmatched;
    assert_eq!(unmatched[0].near.as_deref(), Some("user/uaa/alana"));
}

#[test]
fn what_is_no_report_is_refused() {
    use crate::report::Unreadable;
    let plan = manifest().plan(&site());
    let text = |value: &serde_json::Value| value.to_string();
    let report = serde_json::to_value(report(&plan, &[])).expect("JSON");
    let refused = |text: &str| Report::read(text).expect_err("no report");
    let why = |text: &str| match refused(text) {
        Unreadable::NotOne(why) => why,
        Unreadable::Newer(_) => panic!("not newer"),
    };
    assert!(why(&serde_json::to_string(&plan).expect("JSON")).contains("it is a plan"));
    assert!(why("version: 1").contains("expected"));
    assert_eq!(why("{}"), "it has no `format`");
    let snapshot = crate::snapshot::Snapshot::of(&site().0, None);
    assert!(why(&serde_json::to_string(&snapshot).expect("JSON")).contains("missing field"));
    let mut newer = report.clone();
    newer["format"] = 2.into();
    assert_eq!(refused(&text(&newer)), Unreadable::Newer(2));
    let whole = text(&report);
    assert!(why(&whole[..whole.len() / 2]).contains("EOF"));
    let mut forged = report;
    forged["changes"][0]["object"] = serde_json::json!({"origin": "uaa", "username": "a\u{1b}[1m"});
    assert!(why(&text(&forged)).contains("control characters"));
}

#[test]
fn a_mapping_that_uaa_cannot_delete_is_kept_by_name_however_it_came() {
    for outcome in [Outcome::Done, Outcome::Unknown] {
        let site = Site::new().group("pks.clusters.manage", &[]);
        let manifest = Manifest::new()
            .additive("pks.clusters.manage")
            .maps("pks.clusters.manage", &[("ldap", "cn=c;d")]);
        let (mut report, after) = done(&manifest, &site);
        report.changes[0].outcome = outcome;
        let undone = undo(&report, &after, &[], &[]);
        assert_eq!(
            (lines(&undone.plan), kept(&undone.plan)),
            (vec![], vec!["Undeletable ExternalGroup pks.clusters.manage/ldap/cn=c;d".to_owned()])
        );
    }
}

#[test]
fn naming_a_membership_alone_gives_it_to_no_stranger() {
    let site = Site::new().users(&["dana", "b", "c", "d"]).group("team", &["dana", "b"]);
    let (report, after) = done(&Manifest::new().no_user("dana").user("b").user("c").user("d"), &site);
    let stranger = after.user("dana").edit("dana", |dana| {
        (dana.id, dana.email) = ("other".into(), "other@example.com".to_owned());
    });
    for only in [&[][..], &["member/team/dana"], &["group/team"], &["user/dana"]] {
        assert!(!drift(&undo(&report, &stranger, &[], only)).is_empty(), "{only:?}");
    }
    assert_eq!(drift(&undo(&report, &stranger, &[], &["user/c"])), [""; 0]);
}

#[test]
fn a_report_that_says_what_no_manifest_can_is_none() {
    let site = Site::new().client("ci", &["authorities=a"]);
    let (report, _) = done(&Manifest::new().client("ci", &["authorities=b"]), &site);
    let text = serde_json::to_string(&report).expect("JSON");
    assert!(Report::read(&text).is_ok());
    for odd in ["\"uaa.admin\"", "{\"json\": [\"uaa.admin\"]}", "[\"uaa.admin,x.*\"]"] {
        let crafted = text.replace("[\"a\"]", odd);
        assert!(crafted != text && Report::read(&crafted).is_err(), "{odd}");
    }
}
