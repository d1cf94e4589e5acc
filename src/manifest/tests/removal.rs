//! What shall not exist, what is pruned, and what was called otherwise.

use super::{Sources, errors, errors_of, lines, loaded, uaa_user};
use crate::desired::{PruneAction, PruneUsers};
use crate::model::{GroupName, Origin, Username};

#[test]
fn a_client_that_shall_not_exist_has_no_fields() {
    let desired = loaded("clients:\n  - {client_id: ci-old, state: absent}\n").desired;
    assert_eq!(
        desired.absent.clients.iter().map(|(id, at)| format!("{id}@{}", at.line)).collect::<Vec<_>>(),
        ["ci-old@3"]
    );
    assert!(desired.clients.is_empty());
    let found = errors("clients:\n  - {client_id: ci-old, state: absent, scope: [a]}\n");
    assert!(found.contains("absent-with-fields"), "{found}");
}

#[test]
fn state_absent_names_what_shall_not_exist_and_present_says_nothing() {
    let desired = loaded(
        "\
users:
  - {username: dana, state: absent}
  - username: cody
    origin: ldap
    state: absent
  - {username: erin, state: present, email: e@example.com}
groups:
  - {name: Team.old, state: absent}
  - name: team
    external_groups:
      - {origin: ldap, group: ' CN=Old ', state: absent}
      - {origin: ldap, group: cn=new, state: present}
  - name: other
    additive: true
    external_groups: [{origin: ldap, group: cn=old, state: absent}]
",
    )
    .desired;
    let absent = |names: Vec<String>| names.join(" ");
    assert_eq!(
        absent(desired.absent.users.iter().map(|(key, at)| format!("{key}@{}", at.line)).collect()),
        "ldap/cody@4 uaa/dana@3"
    );
    assert_eq!(
        absent(desired.absent.groups.iter().map(|(key, at)| format!("{key}@{}", at.line)).collect()),
        "Team.old@9"
    );
    assert_eq!(
        absent(desired.absent.mappings.iter().map(|(key, at)| format!("{key}@{}", at.line)).collect()),
        "other/ldap/cn=old@16 team/ldap/cn=old@12"
    );
    assert_eq!(desired.users.keys().cloned().collect::<Vec<_>>(), [uaa_user("erin")]);
    let mappings = |name: &str| desired.groups[&GroupName::new(name)].external_groups.clone();
    assert_eq!(mappings("team").map(|wanted| wanted.len()), Some(1));
    // A list of nothing but absent ones leaves the others alone.
    assert_eq!(mappings("other"), None);
}

#[test]
fn what_shall_not_exist_has_no_other_fields() {
    assert_eq!(
        errors(
            "\
users:
  - username: dana
    email: d@example.com
    groups: [team]
    state: absent
  - {username: a, state: absent, cluster_access: admin, previously: b}
  - {username: c, state: gone}
  - {username: d, state: }
groups:
  - {name: team, members: [x], state: absent}
"
        ),
        "\
m.yml:4:5 absent-with-fields: user `dana` shall be absent, and the entry has `email`, `groups` too
m.yml:7:34 absent-with-fields: user `a` shall be absent, and the entry has `cluster_access`, `previously` too
m.yml:8:26 bad-word: `state` of user `c` cannot be `gone`
m.yml:9:19 bad-word: `state` of user `d` cannot be nothing
m.yml:11:18 absent-with-fields: group `team` shall be absent, and the entry has `members` too
"
    );
}

#[test]
fn what_shall_not_exist_is_not_used_in_any_file() {
    let problems = errors_of(
        &[
            (
                "a.yml",
                "version: 1\nusers:\n  - {username: dana, state: absent}\n  - {username: hank, state: absent}\ngroups:\n  - {name: old, state: absent}\n",
            ),
            (
                "b.yml",
                "\
version: 1
users:
  - {username: Dana, email: d@example.com}
  - {username: erin, groups: [OLD]}
groups:
  - name: team
    additive: true
    members: [{group: old}]
    absent_members: [hank]
  - name: other
    members: [Dana]
",
            ),
        ],
        &Sources::default(),
    );
    assert_eq!(
        lines(&problems),
        "\
b.yml:3:16 duplicate-user: the user `dana` is written twice
b.yml:4:31 absent-and-used: the group `old` shall be absent, and it is given a member
b.yml:8:15 absent-and-used: `old` shall be absent, and it is put into the group `team`
b.yml:11:15 absent-and-used: `dana` shall be absent, and it is put into the group `other`
"
    );
    let (at, label) = problems[1].also.as_ref().expect("it shows the other place");
    assert_eq!((at.file.as_str(), at.line, label.as_str()), ("a.yml", 6, "here it is to be removed"));
}

#[test]
fn cluster_access_cannot_give_a_group_that_shall_not_exist() {
    let body = |access: &str| {
        format!(
            "users: [{{username: a, cluster_access: {access}}}]\ngroups: [{{name: pks.clusters.admin, state: absent}}]\n"
        )
    };
    assert_eq!(
        errors(&body("admin")),
        "m.yml:2:39 absent-and-used: the group `pks.clusters.admin` shall be absent, and it is given a member\n"
    );
    assert_eq!(errors(&body("manage")), "");
}

#[test]
fn prune_is_read_with_its_places() {
    let prune = loaded(
        "\
users: [{username: a}]
groups: [{name: team.a}]
prune:
  users: {origins: [uaa, ldap], except: [svc-*], action: delete}
  groups: ['team.*']
",
    )
    .desired
    .prune;
    let users = prune.users.expect("it is written");
    assert_eq!(
        users.value,
        PruneUsers {
            origins: ["uaa", "ldap"].map(Origin::new).into(),
            except: vec!["svc-*".to_owned()],
            action: PruneAction::Delete
        }
    );
    assert_eq!(users.because.line, 5);
    assert_eq!(prune.groups.expect("it is written").value, ["team.*"]);
    assert_eq!(prune.clients, None);
    let gentle = loaded("users: [{username: a}]\nprune: {users: {origins: [uaa]}}\n").desired.prune.users;
    assert_eq!(gentle.expect("it is written").value.action, PruneAction::Deactivate);
}

#[test]
fn a_kind_is_pruned_only_where_the_manifest_says_which_stay() {
    assert_eq!(
        errors(
            "\
users: [{username: dana, state: absent}]
groups: []
prune:
  users: {origins: [uaa]}
  groups: ['*']
  clients: ['ci-*']
"
        ),
        "\
m.yml:5:3 prunes-all: `prune` has `users`, and no entry names one that stays
m.yml:6:3 prunes-all: `prune` has `groups`, and no entry names one that stays
m.yml:7:3 prunes-all: `prune` has `clients`, and no entry names one that stays
"
    );
}

#[test]
fn mistakes_in_prune() {
    assert_eq!(
        errors(
            "\
users: [{username: a}]
groups: [{name: g}]
prune:
  users: {except: [' a'], action: remove, orgins: [uaa]}
  groups: []
  mappings: ['*']
"
        ),
        "\
m.yml:5:3 missing-key: `users` of `prune` has no `origins`
m.yml:5:20 bad-name: a pattern begins or ends with a blank
m.yml:5:35 bad-word: `action` of `users` of `prune` cannot be `remove`
m.yml:5:43 unknown-key: unknown key `orgins` in `users` of `prune`
m.yml:6:11 prunes-nothing: `groups` of `prune` is an empty list
m.yml:7:3 unknown-key: unknown key `mappings` in `prune`
"
    );
    let text = "version: 1\nusers: [{username: a}]\nprune: {users: {origins: [uaa]}}\n";
    let twice = errors_of(
        &[("a.yml", text), ("b.yml", "version: 1\nprune: {users: {origins: [ldap]}}\n")],
        &Sources::default(),
    );
    assert_eq!(lines(&twice), "b.yml:2:1 duplicate-prune: `prune` is written twice\n");
    assert_eq!(errors("users: [{username: a}]\nprune:\n"), "m.yml:3:1 null-value: `prune` has no value\n");
}

#[test]
fn a_former_name_is_read() {
    let desired = loaded("users: [{username: erin, previously: Erin.Old}]\n").desired;
    let said = desired.users[&uaa_user("erin")].previously.clone().expect("it is written");
    assert_eq!((said.value, said.because.line), (Username::new("erin.old"), 2));
}

#[test]
fn a_former_name_belongs_to_one_user_and_is_used_nowhere_else() {
    assert_eq!(
        errors(
            "\
users:
  - {username: a, previously: A}
  - {username: b, origin: ldap, previously: c}
  - {username: d, previously: x}
  - {username: e, previously: X}
  - {username: f, previously: y}
  - {username: Y, state: absent}
groups:
  - name: g
    additive: true
    members: [x]
    absent_members: [y]
"
        ),
        "\
m.yml:3:31 renamed-to-itself: user `a` has its own name as `previously`
m.yml:4:33 previously-not-used: user `b` of origin `ldap` has `previously`
m.yml:6:31 renamed-twice: two users have `X` as `previously`
m.yml:8:16 former-name: `y` is named here, and it is to be renamed to `f`
m.yml:12:15 former-name: `x` is named here, and it is to be renamed to `d`
m.yml:13:22 former-name: `Y` is named here, and it is to be renamed to `f`
"
    );
}

#[test]
fn groups_are_not_renamed_and_the_error_says_what_to_do() {
    let problems =
        errors_of(&[("m.yml", "version: 1\ngroups: [{name: new, previously: old}]\n")], &Sources::default());
    assert_eq!(problems[0].code, "unknown-key");
    assert!(problems[0].help.as_deref().is_some_and(|help| help.contains("state: absent")), "{problems:?}");
}
