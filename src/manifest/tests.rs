//! Stories over whole manifests: given files and variables, all problems or the whole desired state.

mod limits;
mod ops;
mod policy;
mod variables;

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use proptest::prelude::{Just, Strategy, any, prop_oneof, proptest};
use secrecy::{ExposeSecret, SecretString};

use super::problem::Drafts;
use super::schema::{self, generate};
use super::source::{Kind, Texts, take};
use super::{Loaded, Problem, Problems, Sources, check, load};
use crate::desired::{Holds, SecretSource, WishBy, WishState};
use crate::model::{GroupName, Member, Origin, UserKey, Username};

mod removal;

/// Loads texts as if they were files; a name that ends in `.vars` is a file of variables, in `.ops` an ops file.
pub(super) fn load_texts(files: &[(&str, &str)], sources: &Sources) -> Result<Loaded, Problems> {
    let (mut texts, mut drafts) = (Texts::default(), Drafts::default());
    let mut sorted = files.to_vec();
    sorted.sort_by_key(|(name, _)| *name);
    for (name, text) in sorted {
        let kind = match Path::new(name).extension().and_then(|ext| ext.to_str()) {
            Some("vars") => Kind::Variables,
            Some("ops") => Kind::Ops,
            _ => Kind::Manifest,
        };
        take(name, text.as_bytes().to_vec(), kind, &mut texts, &mut drafts);
    }
    check(texts, drafts, sources, true)
}

pub(super) fn given(vars: &[(&str, &str)]) -> Sources {
    Sources {
        vars: vars.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect(),
        ..Sources::default()
    }
}

pub(super) fn environment(vars: &[(&str, &str)]) -> Sources {
    let own = |(name, value): &(&str, &str)| {
        ("UAA".to_owned(), (*name).to_owned(), SecretString::from((*value).to_owned()))
    };
    Sources { vars_env: vars.iter().map(own).collect(), ..Sources::default() }
}

/// Writes problems as lines `file:line:column code: message`.
pub(super) fn lines(problems: &[Problem]) -> String {
    let mut out = String::new();
    for problem in problems {
        match &problem.at {
            Some(at) => {
                let _ = write!(out, "{}:{}:{} ", at.file, at.line, at.column);
            }
            None => out.push_str("- "),
        }
        let _ = writeln!(out, "{}: {}", problem.code, problem.message);
    }
    out
}

pub(super) fn errors_of(files: &[(&str, &str)], sources: &Sources) -> Vec<Problem> {
    load_texts(files, sources).err().map(|problems| problems.0).unwrap_or_default()
}

/// The problems of one manifest whose `version: 1` is on line 1 and whose given text begins on line 2.
pub(super) fn errors(body: &str) -> String {
    lines(&errors_of(&[("m.yml", &format!("version: 1\n{body}"))], &Sources::default()))
}

pub(super) fn loaded(body: &str) -> Loaded {
    loaded_with(body, &Sources::default())
}

pub(super) fn loaded_with(body: &str, sources: &Sources) -> Loaded {
    match load_texts(&[("m.yml", &format!("version: 1\n{body}"))], sources) {
        Ok(loaded) => loaded,
        Err(problems) => panic!("{}", lines(&problems.0)),
    }
}

fn uaa_user(name: &str) -> UserKey {
    UserKey::new(Origin::uaa(), Username::new(name))
}

fn wishes(loaded: &Loaded) -> String {
    let mut out = String::new();
    for (group, members) in &loaded.desired.memberships {
        for (member, wish) in members {
            let state = if wish.state == WishState::Present { '+' } else { '-' };
            let _ = writeln!(out, "{state} {group} {member} {:?} {}", wish.by, wish.because);
        }
    }
    out
}

#[test]
fn ten_mistakes_are_ten_errors_each_at_its_line() {
    let text = "\
version: 1
users:
  - username: alana
    gruops: [pks.clusters.admin]
    active: yes
  - username: cody smith
    cluster_access: manager
  - username: Alana
    email: [a@example.com]
    email: b@example.com
  - origin: ldap
    groups: [pks.clusters.admn]
  - username: dana
    cluster_access: manage
    groups: [pks.clusters.admin]
    password: ((dana_password))
groups:
  - name: pks.clusters.admin
    members: [frank, frank]
    absent_members: [hank]
    external_groups:
clints: []
";
    let problems = errors_of(&[("pks.yml", text)], &Sources::default());
    assert_eq!(
        lines(&problems),
        "\
pks.yml:4:5 unknown-key: unknown key `gruops` in user `alana`
pks.yml:5:13 wrong-type: `active` of user `alana` must be true or false, not the text `yes`
pks.yml:6:15 bad-username: the username `cody smith` holds ` `, which UAA refuses
pks.yml:7:21 bad-access: `cluster_access` of user `cody smith` cannot be `manager`
pks.yml:8:15 duplicate-user: the user `alana` is written twice
pks.yml:9:12 wrong-type: `email` of user `Alana` must be a text, not a list
pks.yml:10:5 duplicate-key: `email` is written twice in one map
pks.yml:11:5 missing-key: a user has no `username`
pks.yml:12:14 undeclared-group: a user lists the group `pks.clusters.admn`, which no manifest declares
pks.yml:15:14 disagreement: two statements disagree whether `dana` is in `pks.clusters.admin`
pks.yml:16:15 missing-variable: the variable `dana_password` has no value
pks.yml:19:22 duplicate-item: `members` of group `pks.clusters.admin` lists `frank` twice
pks.yml:20:5 absent-members-of-exact-group: `absent_members` of group `pks.clusters.admin` says nothing
pks.yml:21:5 null-value: `external_groups` of group `pks.clusters.admin` has no value
pks.yml:22:1 unknown-key: unknown key `clints`
"
    );
    let first = &problems[0];
    let at = first.at.as_ref().expect("it has a place");
    assert_eq!(at.text, "    gruops: [pks.clusters.admin]");
    assert_eq!(&at.text[at.span.clone()], "gruops");
    assert_eq!(first.help.as_deref(), Some("did you mean `groups`?"));
    let undeclared =
        problems.iter().find(|problem| problem.code == "undeclared-group").expect("it is reported");
    assert_eq!(
        undeclared.help.as_deref(),
        Some(
            "did you mean `pks.clusters.admin`?\nto add members without revoking others, declare it:\n\
             groups:\n  - name: pks.clusters.admn\n    additive: true"
        )
    );
}

#[test]
fn every_statement_becomes_one_wish_with_its_line() {
    let loaded = loaded(
        "\
users:
  - username: alana
    cluster_access: manage
    groups: [team, PKS.clusters.manage]
  - username: cody
    origin: ldap
    cluster_access:
      - admin
      - read
groups:
  - name: team
    members:
      - Alana
      - {username: gina, origin: ldap}
      - {group: platform.admins}
  - name: pks.clusters.manage
    additive: true
    absent_members: [hank]
",
    );
    assert_eq!(
        wishes(&loaded),
        "\
+ pks.clusters.admin ldap/cody ClusterAccess m.yml:9
- pks.clusters.admin uaa/alana ClusterAccess m.yml:4
+ pks.clusters.admin.read ldap/cody ClusterAccess m.yml:10
- pks.clusters.admin.read uaa/alana ClusterAccess m.yml:4
- pks.clusters.manage ldap/cody ClusterAccess m.yml:8
+ pks.clusters.manage uaa/alana ClusterAccess m.yml:4
- pks.clusters.manage uaa/hank AbsentMembers m.yml:19
+ team ldap/gina Members m.yml:15
+ team uaa/alana Groups m.yml:5
+ team group:platform.admins Members m.yml:16
"
    );
    assert!(loaded.desired.users_declared);
    let team = &loaded.desired.groups[&GroupName::new("team")];
    assert_eq!((team.holds, team.external_groups.is_none()), (Holds::Exactly, true));
    assert_eq!(loaded.desired.groups[&GroupName::new("pks.clusters.manage")].holds, Holds::AtLeast);
    let cody = &loaded.desired.users[&UserKey::new(Origin::new("ldap"), Username::new("cody"))];
    assert_eq!((cody.because.line, cody.origin_because.line), (6, 7));
}

#[test]
fn one_manifest_one_error() {
    let table: &[(&str, &str)] = &[
        ("users:\n", "2:1 null-value: `users` of the manifest has no value"),
        ("users: ~\n", "2:1 null-value: `users` of the manifest has no value"),
        ("users: {}\n", "2:8 wrong-type: `users` of the manifest must be a list, not a map"),
        ("users: [x]\n", "2:9 wrong-type: a user must be a map of keys and values, not text"),
        ("users: [{username: ''}]\n", "2:20 bad-name: `username` of a user is empty"),
        ("users: [{username: ' a'}]\n", "2:20 bad-name: `username` of user ` a` begins or ends with a blank"),
        (
            "users: [{username: \"a\\tb\"}]\n",
            "2:20 bad-name: `username` of user `a→b` holds a control character",
        ),
        (
            "users: [{username: a, active: 'true'}]\n",
            "2:31 wrong-type: `active` of user `a` must be true or false, not the quoted text `true`",
        ),
        (
            "users: [{username: a, email: a b}]\n",
            "2:30 bad-email: `email` of user `a` is no e-mail address: it holds a blank",
        ),
        ("users: [{username: a, email: ''}]\n", "2:30 bad-email: `email` of user `a` is empty"),
        ("users: [{username: a, phone: }]\n", "2:23 null-value: `phone` of user `a` has no value"),
        (
            "users: [{username: a, origin: ldap, password: ((p))}]\n",
            "2:47 missing-variable: the variable `p` has no value",
        ),
        (
            "users: [{username: a, origin: ldap, password: x}]\n",
            "2:37 password-not-used: user `a` of origin `ldap` has a password",
        ),
        ("users: [{username: a, password: ''}]\n", "2:33 bad-password: the password of user `a` is empty"),
        ("users: [{username: a, password: }]\n", "2:23 bad-password: the password of user `a` is empty"),
        (
            "users: [{username: a, password: [x]}]\n",
            "2:33 wrong-type: `password` of user `a` must be a text, not a list",
        ),
        (
            "users: [{username: a, cluster_access: []}]\n",
            "2:39 bad-access: `cluster_access` of user `a` is an empty list",
        ),
        (
            "users: [{username: a, cluster_access: [none]}]\n",
            "2:40 bad-access: `cluster_access` of user `a`: `none` stands in a list",
        ),
        (
            "users: [{username: a, cluster_access: [read, read]}]\n",
            "2:46 duplicate-item: `cluster_access` of user `a` lists `read` twice",
        ),
        (
            "groups: [{name: g, members: [{group: G}]}]\n",
            "2:30 nested-in-itself: the group `g` is a member of itself",
        ),
        (
            "groups: [{name: g, members: [{group: x, username: y}]}]\n",
            "2:31 bad-member: a member is a user or a group, not both",
        ),
        (
            "groups: [{name: g, members: [{}]}]\n",
            "2:30 missing-key: a member has neither `username` nor `group`",
        ),
        (
            "groups: [{name: g, members: [a b]}]\n",
            "2:30 bad-username: the username `a b` holds ` `, which UAA refuses",
        ),
        ("groups: [{name: g}, {name: G}]\n", "2:28 duplicate-group: the group `g` is declared twice"),
        (
            "groups: [{name: g, external_groups: [{origin: ldap}]}]\n",
            "2:38 missing-key: an external group has no `group`",
        ),
        (
            "groups: [{name: g, external_groups: [{origin: l, group: CN=A}, {origin: l, group: ' cn=a'}]}]\n",
            "2:64 duplicate-item: `external_groups` of group `g` lists `cn=a` twice",
        ),
        (
            "groups: [{name: g, additive: true, members: [a], absent_members: [A]}]\n",
            "2:67 disagreement: two statements disagree whether `a` is in `g`",
        ),
        (
            "target: {issuer: example.com}\n",
            "2:18 bad-address: `issuer` of `target` is no http or https address",
        ),
        ("target:\n", "2:1 null-value: `target` has no value"),
        (
            "groups: [{name: g, members: !x [a]}]\n",
            "2:29 unsupported-tag: YAML tags are not used in manifests",
        ),
        ("groups: [{name: g, members: *x}]\n", "2:29 unknown-alias: this alias refers to no anchor above it"),
        ("? [a]\n: b\n", "2:3 bad-key: a key must be a plain text"),
        ("users: [{usrname: a}]\n", "2:10 unknown-key: unknown key `usrname` in a user"),
        ("groups: [{nmae: g}]\n", "2:11 unknown-key: unknown key `nmae` in a group"),
        (
            "groups: [{name: g, members: [{usernme: a}]}]\n",
            "2:31 unknown-key: unknown key `usernme` in a member",
        ),
        (
            "groups: [{name: g, external_groups: [{orgin: ldap, group: x}]}]\n",
            "2:39 unknown-key: unknown key `orgin` in an external group",
        ),
        ("---\nversion: 1\n", "2:1 several-documents: a file holds one YAML document only"),
        ("users:\n\t- username: a\n", "3:1 yaml-syntax"),
        ("\"((x))\": 1\n", "2:1 missing-variable: the variable `x` has no value"),
        (
            "users: [{username: '((a b))'}]\n",
            "2:20 placeholder-left: a ((…)) that is no variable is left over",
        ),
    ];
    for (body, expected) in table {
        let found = errors(body);
        let expected = format!("m.yml:{expected}");
        assert!(
            found.starts_with(&expected) && found.lines().count() == 1,
            "{body}\n found {found} wants {expected}"
        );
    }
}

#[test]
fn the_version_is_required_and_is_one() {
    let one = |text: &str| lines(&errors_of(&[("m.yml", text)], &Sources::default()));
    assert_eq!(one("users: []\n"), "m.yml:1:1 missing-version: the manifest does not say its version\n");
    assert_eq!(
        one("version: 2\n"),
        "m.yml:1:10 unsupported-version: version `2` of the manifest is not known\n"
    );
    assert_eq!(
        one("version: '1'\n"),
        "m.yml:1:10 wrong-type: `version` must be the number 1, not text in quotes\n"
    );
    assert_eq!(one("# nothing\n"), "m.yml:1:1 empty-file: the file says nothing\n");
    assert_eq!(
        one("[]\n"),
        "m.yml:1:1 wrong-type: a manifest must be a map of keys and values, not a list\n"
    );
    assert_eq!(one("versoin: 1\n"), "m.yml:1:1 unknown-key: unknown key `versoin`\n");
    assert_eq!(one("\u{feff}version: 1\n"), "");
}

#[test]
fn a_file_that_says_only_its_version_draws_a_warning() {
    let warned = |text: &str| {
        let files = [("a.yml", "version: 1\nusers: []\n"), ("m.yml", text)];
        let loaded = load_texts(&files, &Sources::default());
        lines(&loaded.unwrap_or_else(|problems| panic!("{}", lines(&problems.0))).warnings)
    };
    assert_eq!(warned("version: 1\n"), "m.yml:1:1 declares-nothing: `m.yml` declares nothing\n");
    for text in ["version: 1\nusers: []\n", "version: 1\ngroups: []\n", "version: 1\ntarget: {zone: uaa}\n"] {
        assert_eq!(warned(text.replace("users", "groups").as_str()), "", "{text}");
    }
    // A misspelt key is the matter then, not that nothing is said.
    assert_eq!(errors("gruops: []\n"), "m.yml:2:1 unknown-key: unknown key `gruops`\n");
}

#[test]
fn a_secret_that_two_users_share_draws_a_warning_with_both_lines() {
    let body = "\
users:
  - {username: a, email: a@example.com, password: ((p))}
  - {username: b, email: b@example.com, password: ((q))}
  - username: c
    email: c@example.com
    password: ((p))
";
    let loaded = loaded_with(body, &environment(&[("p", "x"), ("q", "y")]));
    assert_eq!(
        lines(&loaded.warnings),
        "m.yml:7:15 shared-secret: user `c` has the same password variable as user `a`: `p`\n"
    );
    let (first, label) = loaded.warnings[0].also.as_ref().expect("the first is shown");
    assert_eq!((first.line, label.as_str()), (3, "the password of user `a`"));
}

#[test]
fn a_tab_shows_and_is_what_the_mark_stands_at() {
    for (body, line, shown, column) in [
        ("users:\n\t- username: a\n", 3, "→- username: a", 1),
        ("users:\n  - username: a\n\t  active: true\n", 4, "→  active: true", 1),
        ("users:\n  - username: é\n    groups:\n  \t- x\n", 5, "  →- x", 3),
    ] {
        let found = errors_of(&[("m.yml", &format!("version: 1\n{body}"))], &Sources::default());
        let at = found[0].at.as_ref().expect("it has a place");
        assert_eq!((at.line, at.column, at.text.as_str()), (line, column, shown), "{body}");
        assert_eq!(&at.text[at.span.clone()], "→", "{body}");
    }
    // A tab that YAML allows shows too, and what is marked behind it is marked.
    let found = errors_of(
        &[("m.yml", "version: 1\nusers:\n  - username:\ta\n    active:\t3\n")],
        &Sources::default(),
    );
    let at = found[0].at.as_ref().expect("it has a place");
    assert_eq!((at.text.as_str(), &at.text[at.span.clone()], at.column), ("    active:→3", "3", 13));
}

#[test]
fn a_key_that_is_missing_is_said_when_no_other_is_meant_to_be_it() {
    assert_eq!(
        errors("users: [{login: a}]\n"),
        "m.yml:2:9 missing-key: a user has no `username`\nm.yml:2:10 unknown-key: unknown key `login` in a user\n"
    );
}

#[test]
fn scalars_are_texts_as_written_where_a_text_is_expected() {
    let loaded = loaded(
        "users:\n  - {username: no, given_name: 1.10, family_name: 0123, phone: 2026-11-24, external_id: true}\n",
    );
    let user = &loaded.desired.users[&uaa_user("no")];
    let text = |said: &Option<crate::desired::Said<String>>| said.as_ref().map(|said| said.value.clone());
    assert_eq!(text(&user.given_name).as_deref(), Some("1.10"));
    assert_eq!(text(&user.family_name).as_deref(), Some("0123"));
    assert_eq!(text(&user.phone).as_deref(), Some("2026-11-24"));
    assert_eq!(text(&user.external_id).as_deref(), Some("true"));
}

#[test]
fn aliases_and_merges_stand_where_they_are_used() {
    let body = "\
users:
  - &base
    username: a
    groups: &g [team, tema]
  - <<: *base
    username: b
  - username: c
    groups: *g
groups: [{name: team}]
";
    let problems = errors_of(&[("m.yml", &format!("version: 1\n{body}"))], &Sources::default());
    let sites: Vec<_> =
        problems.iter().map(|p| p.at.as_ref().map(|at| (at.line, at.column)).unwrap_or_default()).collect();
    assert_eq!(sites, [(5, 23), (6, 9), (9, 13)], "{}", lines(&problems));
    let also = problems[2].also.as_ref().expect("the definition is shown");
    assert_eq!((also.0.line, also.0.column, also.1.as_str()), (5, 23, "defined here"));
}

#[test]
fn aliases_that_blow_up_are_refused() {
    let mut bomb = String::from("version: 1\na: &a [x,x,x,x,x,x,x,x,x]\n");
    for (new, old) in ('b'..='j').zip('a'..='i') {
        let _ =
            writeln!(bomb, "{new}: &{new} [*{old},*{old},*{old},*{old},*{old},*{old},*{old},*{old},*{old}]");
    }
    let found = errors_of(&[("m.yml", &bomb)], &Sources::default());
    assert!(found.iter().any(|problem| problem.code == "too-many-aliases"));
    let deep = format!("version: {}\n", "[".repeat(100_000));
    assert_eq!(errors_of(&[("m.yml", &deep)], &Sources::default()).len(), 1);
}

#[test]
fn errors_of_all_files_come_together() {
    let found = errors_of(
        &[
            ("a.yml", "version: 1\nusers: [{username: a}, \n"),
            ("b.yml", "version: 1\nusers: [{username: x, groups: [t]}]\ntarget: {zone: uaa}\n"),
            ("c.yml", "version: 1\nusers: [{username: X}]\ntarget: {zone: uaa}\n"),
        ],
        &Sources::default(),
    );
    assert_eq!(
        lines(&found).lines().map(|line| line.split(": ").next().unwrap_or_default()).collect::<Vec<_>>(),
        [
            "a.yml:2:8 yaml-syntax",
            "b.yml:2:32 undeclared-group",
            "c.yml:2:20 duplicate-user",
            "c.yml:3:1 duplicate-target"
        ]
    );
    assert!(
        found[1]
            .help
            .as_deref()
            .is_some_and(|help| help.ends_with("(or it is declared in `a.yml`, which could not be read)"))
    );
    let also = found[2].also.as_ref().expect("the first entry is shown");
    assert_eq!((also.0.file.as_str(), also.0.line), ("b.yml", 2));
}

#[test]
fn variables_keep_their_types_and_their_precedence() {
    let mut sources = given(&[("who", "alana"), ("on", "false"), ("n", "0123"), ("a.b", "dotted")]);
    sources.vars_files = vec![PathBuf::from("l1.vars"), PathBuf::from("l2.vars")];
    sources.vars_env = environment(&[("pw", "from-env"), ("who", "nobody"), ("other", "o")]).vars_env;
    let found = load_texts(
        &[
            (
                "m.yml",
                "version: 1\nusers:\n  - username: ((who))\n    active: ((on))\n    phone: ((n))\n    given_name: x-((who))-((map.key))\n    family_name: ((a.b))\n    groups: ((groups))\n    password: ((pw))\ngroups: [{name: one}]\n",
            ),
            ("l1.vars", "who: file\nmap: {key: v1}\ngroups: [one]\n"),
            ("l2.vars", "map: {key: v2}\nunused: 1\n"),
        ],
        &sources,
    );
    let loaded = found.unwrap_or_else(|problems| panic!("{}", lines(&problems.0)));
    let user = &loaded.desired.users[&uaa_user("alana")];
    assert_eq!(user.active.as_ref().map(|said| said.value), Some(false));
    assert_eq!(user.phone.as_ref().map(|said| said.value.as_str()), Some("0123"));
    assert_eq!(user.given_name.as_ref().map(|said| said.value.as_str()), Some("x-alana-v2"));
    assert_eq!(user.family_name.as_ref().map(|said| said.value.as_str()), Some("dotted"));
    assert_eq!(
        user.password.as_ref().map(|said| said.value.clone()),
        Some(SecretSource::Variable("pw".to_owned()))
    );
    assert_eq!(loaded.secrets.passwords[&uaa_user("alana")].expose_secret(), "from-env");
    assert_eq!(loaded.secrets.others.len(), 3);
    assert!(loaded.warnings.is_empty());
    assert_eq!(
        loaded.desired.memberships[&GroupName::new("one")][&Member::User(uaa_user("alana"))].by,
        WishBy::Groups
    );
}

#[test]
fn what_is_wrong_with_variables_is_said_at_the_placeholder_and_never_shows_a_value() {
    let mut sources = given(&[("unused", "hunter2"), ("left", "x ((hunter2)) y"), ("list", "[hunter2]")]);
    sources.vars_env = environment(&[("pw", "hunter2"), ("ph", "a((hunter2))")]).vars_env;
    let body = "\
version: 1
users:
  - username: ((pw))
    email: a((pw))@example.com
    phone: ((x y))
    given_name: ((left))
    family_name: ((list))
    external_id: x((list))
    active: ((pw))
    password: x((pw))
    cluster_access: ((missing))
    groups: ((pw))
  - username: b
    password: ((ph))
";
    let found = errors_of(&[("m.yml", body)], &sources);
    assert_eq!(
        lines(&found),
        "\
- unused-variable: no manifest uses the variable `unused` given with -v
m.yml:3:15 secret-in-plain-field: the secret variable `pw` cannot be used for `username` of user `b`
"
        .replace("user `b`", "a user")
            + "\
m.yml:4:12 secret-in-text: the secret variable `pw` stands inside a longer text
m.yml:5:12 placeholder-left: a ((…)) that is no variable is left over
m.yml:6:17 placeholder-left: the value of the variable `left` itself holds ((…))
m.yml:7:18 wrong-type: `family_name` of a user must be a text, not a list
m.yml:8:18 not-text: the variable `list` is a list or a map, and stands inside a text
m.yml:9:13 secret-in-plain-field: the secret variable `pw` cannot be used for `active`
m.yml:10:15 placeholder-left: `password` mixes a variable with other text, or holds a ((…)) that is none
m.yml:11:21 missing-variable: the variable `missing` has no value
m.yml:12:13 secret-in-plain-field: the secret variable `pw` cannot be used for `groups`
m.yml:14:15 placeholder-left: the value of the variable `ph` itself holds ((…))
"
    );
    assert!(!format!("{found:?}").contains("hunter2"));
    let missing = found.iter().find(|problem| problem.code == "missing-variable").expect("it is reported");
    assert_eq!(missing.help.as_deref(), Some("give it with -v missing=VALUE, or in a file with -l FILE"));
}

#[test]
fn a_literal_password_works_and_draws_a_warning() {
    let loaded = loaded("users: [{username: a, password: hunter2}]\n");
    assert_eq!(
        lines(&loaded.warnings),
        "m.yml:2:23 literal-secret: the password of user `a` is written in the manifest\n"
    );
    assert_eq!(loaded.secrets.passwords[&uaa_user("a")].expose_secret(), "hunter2");
    assert!(!format!("{loaded:?}").contains("hunter2"));
}

/// Ways to write a password, right and wrong; `@` stands for the secret.
const FORMS: &[&str] = &[
    "password: @",
    "password: '@'",
    "password: \"@\"",
    "password: [@]",
    "password: {@: x}",
    "password: {x: @}",
    "password: &a @",
    "password: &@ x",
    "password: *@",
    "password: !@ x",
    "password: !!int @",
    "password: |\n      @",
    "password: >-\n      x\n      @",
    "password:\n      - @",
    "password:\n      x: @",
    "password: \"x\n      @\"",
    "password: x # @",
    "password: ((a)) # @",
    "passwrod: @",
    "Password: @",
    "pasword: [a, @]",
    "client_secret: @",
    "secret: @",
    "token: @",
    "pw: @",
    "passphrase: @",
    "api_key: @",
    "password:@",
    "password=@",
    "password @",
    "password: @: x",
    "password: \"@",
    "password: '@",
    "password: `@",
    "password: %@",
    "password: [@",
    "password: {@",
    "password: x: @",
    "password: |x\n      @",
    "password:\n\t@",
    "password: a\n     @: b",
    "? password\n    : @",
    "\"password\": @",
    "? password\n    :\n      @: x: y",
    "password: ((@",
    "password: ((@))x",
    "password: (( @ ))",
    "unknown: @",
    "email: [x] # password: @",
    "password: @\n    password: @2",
    "passwords: [{a: @}]",
    "active: x #password=@",
    "- password: @",
    "password: [\n    @\n    ]",
    "password: {a: [\n    @ ]\n    }",
    "password: @\u{1}x",
    "password: @\n   phone: [x",
    "phone: [x, password: @]",
    "<<: {password: @, x: 1}",
    "<<: [{token: @}]",
    "password: ? @",
    "password: - @",
];

#[test]
fn a_secret_is_never_in_a_problem_whatever_its_form() {
    const CANARY: &str = "hunter2canary";
    let mut leaks = String::new();
    for form in FORMS {
        let form = form.replace('@', CANARY);
        let flow = form.replace("\n    ", "\n");
        let manifests = [
            format!("version: 1\nusers:\n  - username: a\n    {form}\n"),
            format!("version: 1\nusers:\n  - {form}\n    username: a b\n    nope: 1\n"),
            format!("version: 1\nusers:\n  - username: a b\n    {form}\n    active: x\n    phone: [\n"),
            format!("version: 1\nusers:\n  - {{username: a b, {flow}, active: 3}}\n"),
            format!("version: 1\nusers:\n  - {{{flow}, username: a b, active: 3}}\nx: [\n"),
            format!("version: 1\nusers: [{{username: a b, {flow}}}, ]]\n"),
            format!("{form}\n"),
            format!("version: 1\nx: &p {CANARY}\nusers: [{{username: a b, password: *p}}]\n"),
        ];
        for text in manifests {
            // Where nothing parses, a value can be known for a secret only by its key.
            if form.starts_with("unknown") && text.ends_with("]]\n") {
                continue;
            }
            for (name, other) in
                [("m.yml", "version: 1\n"), ("m.vars", "version: 1\nusers: [{username: ((x))}]\n")]
            {
                let found = load_texts(&[(name, &text), ("z.yml", other)], &environment(&[("e", CANARY)]));
                let shown = match found {
                    Ok(loaded) => format!("{:?}", loaded.warnings),
                    Err(problems) => format!("{:?}", problems.0),
                };
                if shown.contains(CANARY) {
                    let _ = writeln!(leaks, "{text}---\n{shown}\n");
                }
            }
        }
    }
    assert!(leaks.is_empty(), "{leaks}");
}

#[test]
fn an_innocent_neighbour_of_a_secret_is_still_shown() {
    let found = errors_of(
        &[(
            "m.yml",
            "version: 1\nusers:\n  - {username: a, password: ((p)), active: 3}\n  - username: b\n    password: x\n    active: 3\n",
        )],
        &given(&[("p", "x")]),
    );
    let texts: Vec<_> =
        found.iter().filter_map(|problem| problem.at.as_ref()).map(|at| at.text.as_str()).collect();
    assert_eq!(texts, ["  - {username: a, password: ((p)), active: 3}", "    active: 3"]);
    let found = errors_of(
        &[("m.yml", "version: 1\nusers: [{username: a, password: hunter2, active: 3}]\n")],
        &Sources::default(),
    );
    let at = found[0].at.as_ref().expect("it has a place");
    assert_eq!(
        (at.text.as_str(), &at.text[at.span.clone()], at.column),
        ("users: [{username: a, password: ***, active: 3}]", "3", 50)
    );
}

#[test]
fn a_long_line_is_cut_around_the_mark_and_odd_characters_are_made_visible() {
    let users: Vec<String> = (0..200).map(|n| format!("{{username: u{n}}}")).collect();
    let body = format!("version: 1\nusers: [{}, {{username: \"x\u{202e}y\", nope: 1}}]\n", users.join(", "));
    let found = errors_of(&[("m.yml", &body)], &Sources::default());
    let at = found
        .iter()
        .find(|problem| problem.code == "unknown-key")
        .and_then(|problem| problem.at.as_ref())
        .expect("it is reported");
    assert!(at.text.len() < 300 && at.text.starts_with('…') && !at.text.contains('\u{202e}'), "{}", at.text);
    assert_eq!(&at.text[at.span.clone()], "nope");
}

#[test]
fn paths_are_files_directories_and_each_file_once() {
    let dir = tempfile::tempdir().expect("a directory can be made");
    let write =
        |name: &str, text: &[u8]| std::fs::write(dir.path().join(name), text).expect("a file can be written");
    write("b.yml", b"version: 1\nusers: [{username: b}]\n");
    write("a.yaml", b"version: 1\nusers: [{username: a}]\n");
    write("note.txt", b"]");
    write(".hidden.yml", b"]");
    std::fs::create_dir(dir.path().join("sub")).expect("a directory can be made");
    let sources = |paths: &[PathBuf]| Sources { paths: paths.to_vec(), ..Sources::default() };
    let both = sources(&[dir.path().join("b.yml"), dir.path().to_owned(), dir.path().join("sub/../b.yml")]);
    let loaded = load(&both).unwrap_or_else(|problems| panic!("{}", lines(&problems.0)));
    assert_eq!((loaded.files, loaded.desired.users.len()), (2, 2));
    let turned = load(&sources(&[dir.path().join("a.yaml"), dir.path().join("b.yml")])).expect("it loads");
    assert_eq!(turned.desired, loaded.desired);

    let code = |paths: &[PathBuf]| {
        load(&sources(paths)).err().map(|p| p.0.iter().map(|p| p.code).collect::<Vec<_>>())
    };
    assert_eq!(code(&[]), Some(vec!["no-manifest"]));
    assert_eq!(code(&[dir.path().join("sub")]), Some(vec!["no-manifest"]));
    assert_eq!(code(&[dir.path().join("none.yml")]), Some(vec!["unreadable"]));
    write("bad.yml", b"version: 1\nusers: [\xff\xff]\n");
    let problems = load(&sources(&[dir.path().join("bad.yml")])).expect_err("it is not UTF-8").0;
    let at = problems[0].at.as_ref().expect("it has a place");
    assert_eq!((problems[0].code, at.line, at.column), ("not-utf8", 2, 9));
}

#[test]
fn the_digest_is_that_of_the_text() {
    let one = |text: &str| {
        load_texts(&[("m.yml", text)], &given(&[])).map(|l| l.desired.digest).unwrap_or_default()
    };
    // printf 'version: 1\n' | sha256sum
    assert_eq!(
        one("version: 1\n"),
        "sha256:09bfcc6a14b83e2192b8673677725c84883ee9cd0c70e45c9ec09daa8f2b2847"
    );
    assert_ne!(one("version: 1\n"), one("version: 1 \n"));
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn the_committed_schema_is_the_one_of_the_types() {
    let committed =
        std::fs::read_to_string(root().join("docs/schema/manifest.schema.json")).unwrap_or_default();
    let generated = serde_json::to_string_pretty(&generate()).expect("a schema is JSON") + "\n";
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::write(root().join("docs/schema/manifest.schema.json"), &generated)
            .expect("it can be written");
        return;
    }
    assert!(
        committed == generated,
        "docs/schema/manifest.schema.json is stale: run `uaapply schema > docs/schema/manifest.schema.json`"
    );
}

/// Turns YAML into JSON for the validator.
pub(super) fn json(text: &str) -> serde_json::Value {
    serde_saphyr::from_str(text).expect("it is YAML")
}

pub(super) fn validator() -> jsonschema::Validator {
    let schema = serde_json::to_value(generate()).expect("a schema is JSON");
    assert!(jsonschema::meta::is_valid(&schema));
    jsonschema::validator_for(&schema).expect("it is a schema")
}

#[test]
fn every_example_loads_and_fits_the_schema() {
    let validator = validator();
    // The folder as a whole is an example too: the help says `-f manifests/`.
    for (path, schema) in [
        ("manifests", "../docs/schema/manifest.schema.json"),
        ("manifests/pks.yml", "../docs/schema/manifest.schema.json"),
        ("docs/reference.yml", "schema/manifest.schema.json"),
    ] {
        let path = root().join(path);
        let files = if path.is_dir() {
            let entries = std::fs::read_dir(&path).expect("there are examples");
            entries.map(|entry| entry.expect("it can be listed").path()).collect()
        } else {
            vec![path.clone()]
        };
        let mut sources = Sources { paths: vec![path], ..Sources::default() };
        for file in &files {
            let text = std::fs::read_to_string(file).expect("it can be read");
            assert!(text.contains(&format!("# yaml-language-server: $schema={schema}\n")), "{file:?}");
            let errors: Vec<_> = validator.iter_errors(&json(&text)).map(|error| error.to_string()).collect();
            assert!(errors.is_empty(), "{}: {errors:?}", file.display());
            let placeholders = text.lines().filter(|line| !line.trim_start().starts_with('#'));
            let names = placeholders
                .filter_map(|line| line.split_once("((")?.1.split_once("))").map(|(name, _)| name));
            sources
                .vars_env
                .extend(names.map(|name| {
                    ("UAA".to_owned(), name.to_owned(), SecretString::from("s3cret".to_owned()))
                }));
        }
        let loaded = load(&sources).unwrap_or_else(|problems| panic!("{}", lines(&problems.0)));
        assert!(loaded.warnings.is_empty(), "{}", lines(&loaded.warnings));
        assert_eq!(loaded.files, files.len());
    }
}

#[test]
fn the_schema_and_the_reader_know_the_same_keys() {
    let schema = serde_json::to_value(generate()).expect("a schema is JSON");
    let keys = |at: &str| {
        let mut keys: Vec<String> = schema
            .pointer(at)
            .and_then(|keys| keys.as_object())
            .map(|keys| keys.keys().cloned().collect())
            .unwrap_or_default();
        keys.sort();
        keys
    };
    let sorted = |keys: &[&str]| {
        let mut keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        keys.sort();
        keys
    };
    assert_eq!(keys("/properties"), sorted(super::decode::TOP));
    assert_eq!(keys("/$defs/Target/properties"), sorted(super::decode::TARGET));
    assert_eq!(keys("/$defs/User/properties"), sorted(super::decode::USER));
    assert_eq!(keys("/$defs/Group/properties"), sorted(super::decode::GROUP));
    assert_eq!(keys("/$defs/ExternalGroup/properties"), sorted(super::decode::MAPPING));
    let client_keys = super::clients::keys();
    assert_eq!(
        keys("/$defs/Client/properties"),
        sorted(&client_keys.iter().map(String::as_str).collect::<Vec<_>>())
    );
    assert_eq!(keys("/$defs/Prune/properties"), sorted(super::prune::PRUNE));
    assert_eq!(keys("/$defs/PruneUsers/properties"), sorted(super::prune::PRUNE_USERS));
}

#[test]
fn the_schema_takes_placeholders_and_refuses_nulls() {
    let validator = validator();
    let fits = |body: &str| validator.is_valid(&json(&format!("version: 1\n{body}")));
    assert!(fits(
        "users: [{username: a, active: ((x)), cluster_access: ((y)), groups: ((z)), phone: 0123}]\n"
    ));
    assert!(fits(
        "users: ((u))\ngroups: [{name: g, additive: ((a)), members: [a, {group: b}], external_groups: ((e))}]\n"
    ));
    assert!(fits("users: [{username: a, cluster_access: [admin, read]}]\n"));
    assert!(fits("users: [{username: a, state: absent}, {username: b, previously: c}]\n"));
    assert!(fits("prune: {users: {origins: [uaa], action: delete}, groups: [\"team.*\"], clients: ((c))}\n"));
    for body in [
        "users:\n",
        "users: [{username: a, active: 'yes'}]\n",
        "users: [{username: a, cluster_access: [none]}]\n",
        "users: [{username: a, gruops: []}]\n",
        "users: [{}]\n",
        "groups: [{name: g, description: }]\n",
        "clients: [{}]\n",
        "users: [{username: a, state: gone}]\n",
        "prune: {users: {except: [a]}}\n",
        "prune: {users: {origins: [uaa], action: remove}}\n",
        "prune: {mappings: ['*']}\n",
    ] {
        assert!(!fits(body), "{body}");
    }
    assert!(!validator.is_valid(&json("version: 2\n")));
}

/// Texts that look like manifests now and then.
fn yaml_like() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("version: 1\n".to_owned()),
        Just("users:\n".to_owned()),
        Just("groups:\n".to_owned()),
        Just("clients:\n".to_owned()),
        Just(
            "  - {client_id: c, client_secret: hunter2canary, token_salt: hunter2canary, scope: 3}\n"
                .to_owned()
        ),
        Just("    client_secret: hunter2canary\n".to_owned()),
        Just("    token_salt: [hunter2canary]\n".to_owned()),
        Just("  - username: a\n".to_owned()),
        Just("    password: hunter2canary\n".to_owned()),
        Just("    passwrod: {x: [hunter2canary]}\n".to_owned()),
        Just("    password: |\n      hunter2canary\n".to_owned()),
        Just("    password: \"hunter2canary".to_owned()),
        Just("  - {username: b, password: hunter2canary, groups: [g]}\n".to_owned()),
        Just("    groups: &g [x, ((y))]\n".to_owned()),
        Just("    groups: *g\n".to_owned()),
        Just("    <<: *g\n".to_owned()),
        Just("  - name: g\n".to_owned()),
        Just("    members: [a, {username: é, origin: ldap}]\n".to_owned()),
        Just("\n".to_owned()),
        Just("\r\n".to_owned()),
        Just("\t".to_owned()),
        "[ \\[\\]{}:,#'\"&*!|>%@`a-zé漢-]{0,6}",
        any::<String>(),
    ];
    proptest::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_is_loaded_or_refused_and_shows_no_secret(text in yaml_like()) {
        for name in ["m.yml", "m.vars", "m.ops"] {
            let found = load_texts(&[(name, &text), ("z.yml", "version: 1\n")], &Sources::default());
            if let Err(problems) = found {
                assert!(!problems.0.is_empty());
                assert!(!format!("{problems:?}").contains("hunter2canary"), "{text}\n{}", lines(&problems.0));
                for at in problems.0.iter().filter_map(|problem| problem.at.as_ref()) {
                    assert!(at.text.get(at.span.clone()).is_some() && !at.text.contains('\n'));
                }
            }
        }
    }

    #[test]
    fn what_the_types_write_is_read_and_fits_the_schema(
        names in proptest::collection::btree_set("[a-z][a-z0-9._-]{0,8}", 1..6),
        text in "[ -~é漢]{0,20}",
        active in any::<bool>(),
        access in 0_usize..5,
    ) {
        use schema::{
            Access, Approvals, Clearable, Client, ClusterAccess, Group, Manifest, Member as M, OrVariable::Value, Seconds, User,
            YamlText,
        };
        let text = text.trim().replace("((", "").replace("))", "");
        let access = [
            ClusterAccess::One(Access::None), ClusterAccess::One(Access::Admin), ClusterAccess::One(Access::Manage),
            ClusterAccess::Several(vec![Access::Read]), ClusterAccess::Several(vec![Access::Admin, Access::Read]),
        ][access].clone();
        let users = names.iter().map(|name| Value(User {
            username: name.clone(), origin: None, state: Some(Value(schema::State::Present)), previously: None, email: Some(format!("{name}@example.com")), given_name: Some(YamlText(text.clone())),
            family_name: None, phone: None, external_id: None, active: Some(Value(active)), verified: None, password: None,
            cluster_access: Some(Value(access.clone())), groups: Some(Value(vec!["team".to_owned()])),
        })).collect();
        let group = Group {
            name: "team".to_owned(), state: None, description: Some(YamlText(text.clone())), additive: None,
            members: Some(Value(vec![M::Name("someone.else".to_owned()), M::Group { group: "inner".to_owned() }])),
            absent_members: None, external_groups: Some(Value(Vec::new())),
        };
        let client = Client {
            client_id: "app".to_owned(),
            name: Some(Clearable::Value(YamlText(text.clone()))),
            client_secret: Some(YamlText(String::new())),
            scope: Some(Clearable::Value(Value(names.iter().cloned().collect()))),
            autoapprove: Some(Clearable::Value(Approvals::All(true))),
            redirect_uri: Some(Clearable::Null),
            access_token_validity: Some(Clearable::Value(Value(Seconds(60)))),
            extra: Some(Value([("note".to_owned(), serde_json::json!({"text": text, "list": [null, 1.5, true]}))].into())),
            ..Client::default()
        };
        let manifest = Manifest { version: 1, target: None, users: Some(Value(users)), groups: Some(Value(vec![Value(group)])), clients: Some(Value(vec![Value(client)])), prune: None, variables: None };
        let yaml = serde_saphyr::to_string(&manifest).expect("it can be written");
        assert!(validator().is_valid(&serde_json::to_value(&manifest).expect("it is JSON")));
        let loaded = load_texts(&[("m.yml", &yaml)], &Sources::default()).unwrap_or_else(|p| panic!("{yaml}\n{}", lines(&p.0)));
        assert_eq!(loaded.desired.users.len(), names.len());
        for user in loaded.desired.users.values() {
            assert_eq!(user.given_name.as_ref().map(|said| said.value.as_str()), Some(text.as_str()));
        }
        let client = &loaded.desired.clients[&crate::model::ClientId::new("app")];
        assert_eq!(client.fields.len(), 6);
        let note = &client.fields[&crate::client::ClientField::Extra("note".to_owned())].value;
        let json = serde_json::json!({"text": text, "list": [null, 1.5, true]});
        assert_eq!(note.as_ref(), Some(&crate::client::ClientValue::Json(json)));
    }
}

// UAA cuts lists of scopes at commas: a member of `a,b` gets tokens with the scopes `a` and `b`.
#[test]
fn a_group_whose_name_is_several_scopes_is_refused_wherever_it_is_named() {
    for name in [
        "team.docs,pks.clusters.admin",
        "team.x uaa.admin",
        "bosh.admіn",
        "a\\b",
        "p\u{212a}s.clusters.admin",
    ] {
        let name = serde_json::to_string(name).expect("a text is JSON");
        for text in [
            format!("version: 1\ngroups: [{{name: {name}}}]\n"),
            format!("version: 1\nusers: [{{username: a, groups: [{name}]}}]\ngroups: []\n"),
            format!("version: 1\ngroups: [{{name: team, members: [{{group: {name}}}]}}]\n"),
        ] {
            let problems = load_texts(&[("m.yml", &text)], &Sources::default()).map(|_| ()).expect_err(&text);
            assert!(problems.0.iter().any(|problem| problem.code == "bad-name"), "{text}: {problems:?}");
        }
    }
}

#[cfg(unix)]
#[test]
fn a_symbolic_link_out_of_its_folder_is_not_followed_and_one_inside_it_is() {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let inside = folder.path().join("manifests");
    std::fs::create_dir(&inside).expect("it is ours");
    std::fs::write(folder.path().join("token"), "canary-token").expect("it is ours");
    std::os::unix::fs::symlink("../token", inside.join("a.yml")).expect("it is ours");
    for path in [inside.clone(), inside.join("a.yml")] {
        let sources = Sources { paths: vec![path], ..Sources::default() };
        let problems = load(&sources).map(|_| ()).expect_err("the link leads out");
        assert!(problems.0.iter().any(|problem| problem.message.contains("symbolic link")), "{problems:?}");
        assert!(!format!("{problems:?}").contains("canary-token"));
    }
    std::fs::remove_file(inside.join("a.yml")).expect("it is ours");
    std::fs::write(inside.join("real.yml"), "version: 1\ngroups: []\n").expect("it is ours");
    std::os::unix::fs::symlink("real.yml", inside.join("b.yml")).expect("it is ours");
    assert_eq!(load(&Sources { paths: vec![inside], ..Sources::default() }).expect("valid").files, 1);
}

#[test]
fn a_known_secret_is_hidden_in_every_problem_whatever_was_taken_for_a_manifest() {
    let sources = environment(&[("token", "canary-known")]);
    for text in [
        "PKS_token=canary-known",
        "version: 1\nusers:\n  - {username: canary-known, odd: 1}\n",
        "- canary-known: [\n",
    ] {
        let problems = load_texts(&[("m.yml", text)], &sources).map(|_| ()).expect_err(text);
        assert!(!format!("{problems:?}").contains("canary-known"), "{problems:?}");
    }
}
