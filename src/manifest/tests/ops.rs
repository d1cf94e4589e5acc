//! Stories over ops files: what they change, and what is wrong with them.

use super::{errors_of, lines, load_texts, uaa_user};
use crate::desired::SecretSource;
use crate::manifest::{Loaded, Sources};
use crate::model::{GroupName, Member};

const MANIFEST: &str = "\
version: 1
users:
  - {username: alana, email: alana@example.com, password: ((pw)), active: true}
  - username: bob
    email: bob@example.com
    groups: [one, two]
groups:
  - {name: one, additive: true}
  - name: two
    members: [carl, dora]
";

fn variables() -> Sources {
    Sources { vars: vec![("pw".to_owned(), "hunter2".to_owned())], ..Sources::default() }
}

fn changed(ops: &str) -> Loaded {
    changed_all(&[("m.yml", MANIFEST)], ops)
}

fn changed_all(files: &[(&str, &str)], ops: &str) -> Loaded {
    let files: Vec<(&str, &str)> = files.iter().copied().chain([("x.ops", ops)]).collect();
    load_texts(&files, &variables()).unwrap_or_else(|problems| panic!("{ops}\n{}", lines(&problems.0)))
}

fn wrong(ops: &str) -> String {
    lines(&errors_of(&[("m.yml", MANIFEST), ("x.ops", ops)], &variables()))
}

fn email(loaded: &Loaded, name: &str) -> Option<String> {
    loaded.desired.users[&uaa_user(name)]
        .email
        .as_ref()
        .map(|said| format!("{} {}", said.value, said.because))
}

fn members(loaded: &Loaded, group: &str) -> Vec<String> {
    let members = loaded.desired.memberships.get(&GroupName::new(group));
    members
        .into_iter()
        .flatten()
        .map(|(member, _)| match member {
            Member::User(user) => user.username.as_str().to_owned(),
            Member::Group(group) => group.as_str().to_owned(),
        })
        .collect()
}

#[test]
fn a_value_is_replaced_and_stands_where_the_ops_file_has_it() {
    let loaded = changed(
        "- {type: replace, path: /users/username=alana/email, value: a@example.org}\n- {type: replace, path: /users/-1/email, value: b@example.org}\n",
    );
    assert_eq!(email(&loaded, "alana").as_deref(), Some("a@example.org x.ops:1"));
    assert_eq!(email(&loaded, "bob").as_deref(), Some("b@example.org x.ops:2"));
}

#[test]
fn things_are_added_where_the_path_says() {
    let order = |path: &str| {
        let loaded = changed(&format!(
            "- {{type: replace, path: '{path}', value: erin}}\n- {{type: test, path: /groups/1/members, value: [carl, dora, erin]}}\n"
        ));
        members(&loaded, "two").contains(&"erin".to_owned())
    };
    for path in [
        "/groups/name=two/members/-",
        "/groups/1/members/1:after",
        "/groups/1/members/0:next:after",
        "/groups/-1/members/-1:after",
    ] {
        assert!(order(path), "{path}");
    }
    for (path, expected) in [
        ("/groups/1/members/0:before", "[erin, carl, dora]"),
        ("/groups/1/members/0:after", "[carl, erin, dora]"),
        ("/groups/1/members/1:prev", "[erin, dora]"),
        ("/groups/1/members/0:next", "[carl, erin]"),
        ("/groups/name=one:next/members?/-", "[carl, dora, erin]"),
    ] {
        changed(&format!(
            "- {{type: replace, path: '{path}', value: erin}}\n- {{type: test, path: /groups/1/members, value: {expected}}}\n"
        ));
    }
    let loaded = changed(
        "- type: replace\n  path: /users/username=alana:before\n  value: {username: erin}\n- {type: replace, path: /users/0/email?, value: e@example.org}\n",
    );
    assert_eq!(email(&loaded, "erin").as_deref(), Some("e@example.org x.ops:4"));
    let because = loaded.desired.users[&uaa_user("erin")].because.to_string();
    assert_eq!(because, "x.ops:3");
}

#[test]
fn what_may_be_missing_is_made() {
    let loaded = changed(
        "\
- {type: replace, path: /target?/zone, value: uaa}
- {type: replace, path: /groups/name=three?/members/-, value: erin}
- {type: replace, path: /groups/name=four?, value: {name: four, additive: true}}
- {type: replace, path: /groups/name=one/external_groups?/origin=ldap/group, value: cn=a}
- {type: remove, path: /users/username=nobody?}
- {type: remove, path: /prune?/users}
",
    );
    assert_eq!(
        loaded.desired.pin.zone.as_ref().map(|said| said.because.to_string()).as_deref(),
        Some("x.ops:1")
    );
    assert_eq!(members(&loaded, "three"), ["erin"]);
    assert!(loaded.desired.groups.contains_key(&GroupName::new("four")));
    let one = &loaded.desired.groups[&GroupName::new("one")];
    assert_eq!(one.external_groups.as_ref().map(std::collections::BTreeMap::len), Some(1));
}

#[test]
fn what_is_there_can_be_removed_and_tested() {
    let loaded = changed(
        "\
- {type: test, path: /users/0/active, value: true}
- {type: test, path: /users/0, value: {active: true, username: alana, password: ((pw)), email: alana@example.com}}
- {type: test, path: /users/username=erin, absent: true}
- {type: test, path: /users/5, absent: true}
- {type: remove, path: /users/username=bob/groups/0}
- {type: remove, path: /users/0/active}
- {type: remove, path: /groups/0}
",
    );
    assert_eq!(members(&loaded, "one"), Vec::<String>::new());
    assert_eq!(members(&loaded, "two"), ["bob", "carl", "dora"]);
    assert!(loaded.desired.users[&uaa_user("alana")].active.is_none());
}

#[test]
fn operations_come_before_variables() {
    let loaded = changed(
        "- {type: replace, path: /users/-, value: {username: erin, email: e@example.org, password: ((pw))}}\n- {type: test, path: /users/0/password, value: ((pw))}\n",
    );
    let password = loaded.desired.users[&uaa_user("erin")].password.as_ref().map(|said| said.value.clone());
    assert_eq!(password, Some(SecretSource::Variable("pw".to_owned())));
    // A variable that no manifest uses any more is an error as any.
    assert_eq!(
        wrong("- {type: remove, path: /users/0}\n"),
        "- unused-variable: no manifest uses the variable `pw` given with -v\n"
    );
}

#[test]
fn an_operation_is_for_the_first_manifest_that_has_its_path() {
    let (a, b) = (
        "version: 1\ngroups: [{name: one}]\n",
        "version: 1\nusers: [{username: alana, email: x@example.com, password: ((pw))}]\n",
    );
    let loaded = changed_all(
        &[("a.yml", a), ("b.yml", b)],
        "\
- {type: replace, path: /users?/-, value: {username: erin, email: e@example.org, password: ((pw))}}
- {type: replace, path: /users/username=alana/email, value: a@example.org}
- {type: replace, path: /groups/-, value: {name: two}}
- {type: replace, path: /target?/zone, value: uaa}
- {type: test, path: /groups/1/name, value: two}
- {type: test, path: /users/1/username, value: erin}
- {type: test, path: /prune, absent: true}
",
    );
    assert_eq!(email(&loaded, "alana").as_deref(), Some("a@example.org x.ops:2"));
    let failed = errors_of(
        &[
            ("a.yml", a),
            ("b.yml", b),
            (
                "x.ops",
                "- {type: test, path: /users, absent: true}\n- {type: replace, path: /users/username=allana/email, value: b}\n",
            ),
        ],
        &variables(),
    );
    assert_eq!(
        lines(&failed),
        "x.ops:1:22 failed-test: the test of `/users` failed: it is there\nx.ops:2:25 no-such-path: there is nothing at `/users/username=allana/email`: no item has `username` `allana`\n"
    );
    assert_eq!(failed[1].help.as_deref(), Some("the nearest one is `username=alana`"));
    let looked =
        failed[1].also.as_ref().map(|(place, label)| (place.file.as_str(), place.line, label.as_str()));
    assert_eq!(looked, Some(("b.yml", 2, "looked for here")));
}

#[test]
fn every_path_that_leads_nowhere_is_an_error_at_its_line() {
    let ops = "\
- {type: replace, path: /usrs/0, value: x}
- {type: replace, path: /users/7, value: x}
- {type: replace, path: /users/username=alana/gruops, value: [one]}
- {type: replace, path: /users/0/email/x, value: x}
- {type: replace, path: /users/email, value: x}
- {type: remove, path: /groups/name=three}
- {type: replace, path: /groups/additive=true/name, value: one}
- {type: replace, path: /target?/0, value: x}
- {type: test, path: /version, value: '1', error: wrong version}
- {type: test, path: /users, absent: true}
- {type: replace, path: /groups/-/name, value: x}
";
    let text =
        MANIFEST.replace("- name: two\n    members: [carl, dora]\n", "- {name: two, additive: true}\n");
    let found = errors_of(&[("m.yml", &text), ("x.ops", ops)], &variables());
    assert_eq!(
        lines(&found),
        "\
x.ops:1:25 no-such-path: there is nothing at `/usrs/0`: there is no key `usrs`
x.ops:2:25 no-such-path: there is nothing at `/users/7`: there is no item 7 in a list of 2
x.ops:3:25 no-such-path: there is nothing at `/users/username=alana/gruops`: there is no key `gruops`
x.ops:4:25 no-such-path: there is nothing at `/users/0/email/x`: there is text, not a map
x.ops:5:25 no-such-path: there is nothing at `/users/email`: there is a list, not a map
x.ops:6:24 no-such-path: there is nothing at `/groups/name=three`: no item has `name` `three`
x.ops:7:25 no-such-path: there is nothing at `/groups/additive=true/name`: 2 items have `additive` `true`
x.ops:8:25 no-such-path: there is nothing at `/target?/0`: there is no item 0 in a list that does not exist yet
x.ops:9:22 failed-test: the test of `/version` failed: the value there is another
x.ops:10:22 failed-test: the test of `/users` failed: it is there
x.ops:11:25 no-such-path: there is nothing at `/groups/-/name`: there is a list, not a map
"
    );
    let help = |at: usize| found[at].help.as_deref().unwrap_or_default();
    assert_eq!(help(0), "the nearest key there is `users`");
    assert_eq!(help(2), "the keys there are `username`, `email`, `password`, `active`");
    assert_eq!(help(8), "the ops file says: `wrong version`");
}

#[test]
fn every_operation_that_makes_no_sense_is_an_error_at_its_line() {
    let ops = "\
- {type: replce, path: /a, value: x}
- {type: copy, path: /a, from: /b}
- {type: replace, path: a, value: x}
- {type: replace, path: '/a:next', value: x}
- {type: replace, path: /users/0}
- {type: remove, path: /users/0, value: x}
- {type: remove, path: ''}
- {type: remove, path: /users/-}
- {type: remove, path: '/users/0:after'}
- {type: test, path: /users}
- {path: /users}
- {type: remove}
- remove
";
    assert_eq!(
        wrong(ops),
        "\
x.ops:1:10 unsupported-type: an operation cannot be of type `replce`
x.ops:2:10 unsupported-type: an operation cannot be of type `copy`
x.ops:2:26 unknown-key: unknown key `from` in an operation
x.ops:3:25 bad-path: the path `a` does not begin with `/`
x.ops:4:25 bad-path: the path `/a:next` has `:prev`, `:next`, `:before` or `:after` behind a key; they go with items of lists (a `:` in a name is `~7`)
x.ops:5:3 missing-key: an operation of type `replace` has no `value`
x.ops:6:34 needless-value: an operation of type `remove` takes no `value` here
x.ops:7:24 bad-path: the path `` names nothing that an operation of type `remove` can be about
x.ops:8:24 bad-path: the path `/users/-` names nothing that an operation of type `remove` can be about
x.ops:9:24 bad-path: the path `/users/0:after` names nothing that an operation of type `remove` can be about
x.ops:10:3 missing-key: an operation of type `test` has no `value`
x.ops:11:3 missing-key: an operation has no `type`
x.ops:12:3 missing-key: an operation has no `path`
x.ops:13:3 wrong-type: an operation must be a map of keys and values, not text
"
    );
    assert_eq!(
        wrong("type: remove\n"),
        "x.ops:1:1 wrong-type: an ops file must be a list of operations, not a map\n"
    );
    for nothing in ["", "# later\n", "---\n", "[]\n"] {
        changed(nothing);
    }
}

#[test]
fn a_manifest_that_cannot_be_read_may_have_what_is_missing() {
    let found = errors_of(
        &[("m.yml", "version: [\n"), ("n.yml", MANIFEST), ("x.ops", "- {type: remove, path: /target}\n")],
        &variables(),
    );
    assert!(found.iter().all(|problem| problem.code != "no-such-path"), "{}", lines(&found));
}

#[test]
fn what_is_wrong_with_what_was_put_in_is_said_in_the_ops_file() {
    assert_eq!(
        wrong("- type: replace\n  path: /users/-\n  value:\n    username: alana\n    gruops: [one]\n"),
        "x.ops:4:15 duplicate-user: the user `alana` is written twice\nx.ops:5:5 unknown-key: unknown key `gruops` in user `alana`\n"
    );
}

#[test]
fn a_secret_in_an_ops_file_is_never_shown() {
    for ops in [
        "- {type: replace, path: /users/0/password, value: canary-1}\n",
        "- type: replace\n  path: /users/0/password\n  value: canary-1\n",
        "- {type: replace, path: /users/0/password, value: [canary-1]}\n",
        "- type: replace\n  path: /users/0/password\n  value:\n    canary-1: x\n",
        "- {value: canary-1, type: replac, path: /users/0/password}\n",
        "- {type: replace, path: /users/0/password, value: canary-1, odd: 1}\n",
        "- {type: test, path: /users/0/password, value: canary-1}\n",
        "- {type: replace, path: /users/9/password, value: \"canary-1\"}\n",
        "- {type: replace, path: /users/0/password, value: canary-1\n",
        "- type: replace\n  path: /users/0/password\n  value: canary-1: x\n",
        "- {type: replace, path: /users/0, value: {username: alana, pasword: canary-1}}\n",
        "- {type: test, path: /users/0/email, value: &x [canary-1]}\n- {type: replace, path: /users/0/password, value: *x}\n",
        "- type: replace\n  path: /users/0/password\n  value: |\n    canary-1\n    two\n",
    ] {
        let files = [("m.yml", MANIFEST), ("x.ops", ops)];
        match load_texts(&files, &variables()) {
            Ok(loaded) => {
                assert_eq!(loaded.warnings[0].code, "literal-secret");
                assert!(!format!("{:?}", loaded.warnings).contains("canary-1"), "{ops}");
            }
            Err(problems) => assert!(!format!("{problems:?}").contains("canary-1"), "{ops}\n{problems:?}"),
        }
    }
}

#[test]
fn the_digest_covers_ops_files() {
    let digest = |ops: &str| changed(ops).desired.digest;
    assert_ne!(digest(""), digest("# x\n"));
}

proptest::proptest! {
    #[test]
    fn no_path_breaks_anything(
        kind in proptest::sample::select(vec!["replace", "remove", "test"]),
        path in "(/(users|groups|name=one|username=bob|members|0|-1|-|x)(\\?|:next|:prev|:before|:after)?){0,5}",
        value in proptest::sample::select(vec!["", ", value: x", ", value: [1]", ", value: {a: 1}", ", absent: true"]),
    ) {
        let ops = format!("- {{type: {kind}, path: '{path}'{value}}}\n");
        let found = load_texts(&[("m.yml", MANIFEST), ("x.ops", &ops)], &variables());
        let problems = found.err().map(|problems| problems.0).unwrap_or_default();
        // An operation that fails says so once.
        assert!(problems.iter().filter(|problem| problem.code == "no-such-path").count() <= 1, "{}", lines(&problems));
    }
}
