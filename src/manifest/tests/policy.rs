//! Stories over policy files: given a text, all problems or the whole policy.

use std::collections::BTreeSet;

use super::super::Problems;
use super::super::policy::check;
use super::super::policy_schema::policy_schema;
use super::super::problem::Drafts;
use super::super::source::{Kind as TextKind, Texts, take};
use super::{json, lines, root};
use crate::model::{GroupName, Member, Origin, UserKey};
use crate::plan::Kind;
use crate::plan::policy::{MustHave, NamePattern, Policy};

fn read(text: &str) -> Result<Policy, Problems> {
    let (mut texts, mut drafts) = (Texts::default(), Drafts::default());
    take("policy.yml", text.as_bytes().to_vec(), TextKind::Policy, &mut texts, &mut drafts);
    check(texts, drafts)
}

const WHOLE: &str = "\
version: 1
privileged:
  add: [pks.clusters.admin, 'team-*.admin']
  remove: ['credhub.*']
removals: {percent: 10, least: 1, most: 5}
protected: [user/breakglass, user/ldap/*, group/pks.clusters.admin, client/pks_*]
members:
  pks.clusters.admin: {minimum: 2, required: [breakglass, ldap/cody, 'group:ops']}
  team: {minimum: 1}
owners:
  platform.yml: [group/pks.*]
  teams/*.yml: [group/team.*, user/ldap/*]
prune: {users: true, groups: false}
";

#[test]
fn a_policy_changes_what_it_says_and_nothing_else() {
    let policy = read(WHOLE).expect("it is valid");
    let patterns = |texts: &[&str]| -> Vec<NamePattern> {
        texts.iter().map(|text| NamePattern::new(text).expect("one")).collect()
    };
    let mut expected = Policy::default();
    expected.add_privileged("pks.clusters.admin");
    expected.add_privileged("team-*.admin");
    expected.remove_privileged("credhub.*");
    (expected.removal_percent, expected.removal_at_least, expected.removal_at_most) = (10, 1, 5);
    expected.protected =
        patterns(&["user/uaa/breakglass", "user/ldap/*", "group/pks.clusters.admin", "client/pks_*"]);
    let user = |origin, name: &str| Member::User(UserKey::new(origin, name.into()));
    let required = [
        user(Origin::uaa(), "breakglass"),
        user(Origin::new("ldap"), "cody"),
        Member::Group(GroupName::new("ops")),
    ];
    expected.members.insert("pks.clusters.admin".into(), MustHave { minimum: 2, required: required.into() });
    expected.members.insert("team".into(), MustHave { minimum: 1, required: BTreeSet::new() });
    expected.owners.insert("platform.yml".to_owned(), patterns(&["group/pks.*"]));
    expected.owners.insert("teams/*.yml".to_owned(), patterns(&["group/team.*", "user/ldap/*"]));
    expected.prune = [Kind::User].into();
    assert_eq!(policy, expected);
    assert_eq!(read("{}").expect("it says nothing"), Policy::default());
    assert_eq!(read("members: {}\nowners: {}\nremovals: {}\n").expect("likewise"), Policy::default());
}

#[test]
fn every_mistake_is_told_with_its_line() {
    let text = "\
version: 2
priviledged: {add: [x]}
privileged: {add: [UAA.x, 'a b'], remove: [uaa.x, uaa.admn, team.read]}
removals: {percent: 101, least: 0, most: '3', lest: 1}
protected: [users/root, root, group/]
members:
  team: {minimum: none, required: [/x, 'group:', a/b/c]}
  Team: {}
  ops: [root]
owners:
  a.yml: user/x
prune: {users: yes, mappings: true}
";
    let problems = read(text).expect_err("it is full of mistakes").0;
    assert_eq!(
        lines(&problems),
        "\
policy.yml:1:10 wrong-type: `version` of the policy must be the number 1, not `2`
policy.yml:2:1 unknown-key: unknown key `priviledged` in a policy
policy.yml:3:27 bad-name: a scope holds a character that no scope can have
policy.yml:3:44 contradiction: `uaa.x` is both added and removed
policy.yml:3:51 not-privileged: nothing privileged is called `uaa.admn`
policy.yml:3:61 not-privileged: nothing privileged is called `team.read`
policy.yml:4:21 wrong-type: `percent` of `removals` must be a whole number from 0 to 100, not `101`
policy.yml:4:33 wrong-type: `least` of `removals` must be a whole number, at least 1, not `0`
policy.yml:4:42 wrong-type: `most` of `removals` must be a whole number, at least 0, not the quoted text `3`
policy.yml:4:47 unknown-key: unknown key `lest` in `removals`
policy.yml:5:13 bad-name: `users/root` is not of the form KIND/NAME
policy.yml:5:25 bad-name: `root` is not of the form KIND/NAME
policy.yml:5:31 bad-name: `group/` is not of the form KIND/NAME
policy.yml:7:19 wrong-type: `minimum` of `members` of `team` must be a whole number, at least 1, not `none`
policy.yml:7:36 bad-name: `/x` names no member
policy.yml:7:40 bad-name: `group:` names no member
policy.yml:8:3 duplicate-key: `members` of `Team` is written twice
policy.yml:9:8 wrong-type: `members` of `ops` must be a map of keys and values, not a list
policy.yml:11:10 wrong-type: `a.yml` of `owners` of `a.yml` must be a list, not text
policy.yml:12:16 wrong-type: `users` of `prune` must be true or false, not the text `yes`
policy.yml:12:21 unknown-key: unknown key `mappings` in `prune`
"
    );
    let help = |code: &str| {
        problems.iter().find(|problem| problem.code == code).and_then(|problem| problem.help.as_deref())
    };
    assert_eq!(help("unknown-key"), Some("did you mean `privileged`?"));
    assert_eq!(help("not-privileged"), Some("did you mean `uaa.admin`?"));
    let misspelt = problems.iter().find(|problem| problem.message.contains("users/root")).expect("told");
    assert_eq!(misspelt.help.as_deref(), Some("did you mean `user/root`?"));
    assert_eq!(misspelt.at.as_ref().expect("a place").text, "protected: [users/root, root, group/]");
}

#[test]
fn what_is_no_map_is_no_policy() {
    for text in ["- a\n", "text\n", "members:\n", "privileged: {add: }\n", "", "a: 1\na: 2\n", "x: ["] {
        assert!(read(text).is_err(), "{text}");
    }
}

#[test]
fn the_committed_schema_of_a_policy_is_the_one_of_the_types() {
    let path = root().join("docs/schema/policy.schema.json");
    let generated = serde_json::to_string_pretty(&policy_schema()).expect("a schema is JSON") + "\n";
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(&path, &generated).expect("it can be written");
    }
    assert!(
        std::fs::read_to_string(&path).unwrap_or_default() == generated,
        "docs/schema/policy.schema.json is stale: run `UPDATE_SCHEMAS=1 cargo test --lib manifest`"
    );
}

#[test]
fn schema_and_reader_take_the_same_policies() {
    let schema = serde_json::to_value(policy_schema()).expect("a schema is JSON");
    let validator = jsonschema::validator_for(&schema).expect("it is a schema");
    assert!(validator.is_valid(&json(WHOLE)));
    for text in [
        "{}",
        "version: 2",
        "x: 1",
        "privileged: {add: [a]}",
        "privileged: {ad: [a]}",
        "privileged: [a]",
        "removals: {percent: 100}",
        "removals: {percent: 101}",
        "removals: {least: 0}",
        "removals: {most: 0}",
        "protected: [group/a]",
        "protected: [groups/a]",
        "protected: [user/]",
        "members: {a: {minimum: 1, required: [b]}}",
        "members: {a: {minimum: 0}}",
        "members: {a: [b]}",
        "members: null",
        "owners: {a.yml: [client/c]}",
        "owners: {a.yml: [c]}",
        "prune: {clients: true}",
        "prune: {clients: 'true'}",
    ] {
        assert_eq!(validator.is_valid(&json(text)), read(text).is_ok(), "{text}");
    }
}
