//! Stories over clients: given an entry, all problems or the values that the plan compares.

use std::fmt::Write as _;

use secrecy::ExposeSecret;

use super::super::tests::{environment, errors, errors_of, json, lines, loaded, loaded_with, validator};
use super::super::{Loaded, Sources};
use crate::client::hidden;
use crate::desired::SecretSource;
use crate::model::ClientId;

/// Shows the fields of a client with their lines.
fn fields(loaded: &Loaded, id: &str) -> String {
    let client = &loaded.desired.clients[&ClientId::new(id)];
    let mut out = String::new();
    for (field, said) in &client.fields {
        let value = said.value.as_ref().map_or("nothing".to_owned(), |value| format!("{value:?}"));
        let _ = writeln!(out, "{} {field} {value}", said.because.line);
    }
    for (group, said) in &client.authority_wishes {
        let _ = writeln!(out, "{} {group} {:?}", said.because.line, said.value);
    }
    out
}

#[test]
fn every_field_of_a_client_is_read_in_the_form_that_uaa_stores() {
    let loaded = loaded_with(
        "\
clients:
  - client_id: app
    name: The app
    client_secret: ((app_secret))
    authorized_grant_types: [authorization_code, client_credentials]
    scope: [openid, uaa.none, team.read]
    authorities: [uaa.none]
    redirect_uri: ['https://app.example.com/**']
    autoapprove: [openid]
    access_token_validity: 600
    refresh_token_validity: 86400
    allowedproviders: [uaa, ldap]
    required_user_groups: [team.read]
    allowpublic: true
    token_salt: canary-two
    createdwith: uaapply
    signup_redirect_url: https://app.example.com/welcome
    show_on_home_page: false
    app_launch_url: https://app.example.com/
    app_icon: aWNvbg==
    extra:
      team: {name: blue, size: 3, remote: [true, null, 1.5]}
      room: 0123
",
        &environment(&[("app_secret", "canary-one")]),
    );
    let salt = hidden("canary-two");
    assert_eq!(
        fields(&loaded, "app"),
        format!(
            "\
4 name Text(\"The app\")
6 authorized_grant_types Set({{\"authorization_code\", \"client_credentials\", \"refresh_token\"}})
7 scope Set({{\"openid\", \"team.read\"}})
8 authorities Set({{\"uaa.none\"}})
9 redirect_uri Set({{\"https://app.example.com/**\"}})
10 autoapprove Set({{\"openid\"}})
11 access_token_validity Number(600)
12 refresh_token_validity Number(86400)
13 allowedproviders Set({{\"ldap\", \"uaa\"}})
14 required_user_groups Set({{\"team.read\"}})
15 allowpublic Flag(true)
16 token_salt {salt:?}
17 createdwith Text(\"uaapply\")
18 signup_redirect_url Text(\"https://app.example.com/welcome\")
19 show_on_home_page Flag(false)
20 app_launch_url Text(\"https://app.example.com/\")
21 app_icon Text(\"aWNvbg==\")
24 extra.room Json(String(\"0123\"))
23 extra.team Json(Object {{\"name\": String(\"blue\"), \"remote\": Array [Bool(true), Null, Number(1.5)], \"size\": Number(3)}})
"
        )
    );
    let id = ClientId::new("app");
    let client = &loaded.desired.clients[&id];
    let secret = client.secret.as_ref().map(|said| (said.value.clone(), said.because.line));
    assert_eq!(secret, Some((SecretSource::Variable("app_secret".to_owned()), 5)));
    assert_eq!(client.token_salt, Some(SecretSource::Literal));
    assert_eq!(loaded.secrets.client_secrets[&id].expose_secret(), "canary-one");
    assert_eq!(loaded.secrets.token_salts[&id].expose_secret(), "canary-two");
    assert!(!format!("{loaded:?}").contains("canary"));
}

#[test]
fn null_and_empty_values_clear_and_what_is_not_written_is_not_there() {
    let all = loaded(
        "\
clients:
  - client_id: a
    name: null
    scope: null
    authorities: []
    redirect_uri: []
    autoapprove: null
    access_token_validity: null
    allowedproviders: null
    required_user_groups: []
    allowpublic: false
    token_salt: ''
    createdwith: ''
    extra: {team: null}
  - client_id: b
",
    );
    assert_eq!(
        fields(&all, "a"),
        "\
4 name nothing
5 scope Set({\"uaa.none\"})
6 authorities Set({\"uaa.none\"})
7 redirect_uri nothing
8 autoapprove nothing
9 access_token_validity nothing
10 allowedproviders nothing
11 required_user_groups nothing
12 allowpublic nothing
13 token_salt nothing
14 createdwith nothing
15 extra.team nothing
"
    );
    assert_eq!(fields(&all, "b"), "");
    assert_eq!(all.desired.clients[&ClientId::new("b")].secret, None);
}

#[test]
fn the_empty_secret_is_written_and_never_comes_from_a_variable() {
    let public = loaded("clients: [{client_id: pks_cli, client_secret: ''}]\n");
    let secret = public.desired.clients[&ClientId::new("pks_cli")].secret.as_ref().map(|said| &said.value);
    assert_eq!(secret, Some(&SecretSource::Empty));
    assert_eq!(public.warnings, []);
    let body = "version: 1\nclients:\n  - client_id: a\n    client_secret: ((s))\n";
    let problems = errors_of(&[("m.yml", body)], &environment(&[("s", "")]));
    assert_eq!(
        lines(&problems),
        "m.yml:4:20 bad-password: the client secret of client `a` (the variable `s`) is empty\n"
    );
    assert_eq!(
        problems[0].help.as_deref(),
        Some("for a public client write `client_secret: \"\"`, without a variable")
    );
    assert_eq!(
        errors("clients: [{client_id: a, client_secret: }]\n"),
        "m.yml:2:26 bad-password: the client secret of client `a` is empty\n"
    );
}

#[test]
fn what_comes_from_a_secret_source_never_goes_where_uaa_shows_it() {
    let found = errors_of(
        &[("m.yml", "version: 1\nclients: [{client_id: a, client_secret: ((s)), token_salt: ((s))}]\n")],
        &environment(&[("s", "canary-one")]),
    );
    assert_eq!(
        lines(&found),
        "m.yml:2:60 secret-in-plain-field: the secret variable `s` cannot be used for `token_salt` of client `a`\n"
    );
}

#[test]
fn a_literal_secret_works_and_draws_a_warning_that_does_not_show_it() {
    let loaded = loaded("clients: [{client_id: a, client_secret: canary-one, token_salt: canary-two}]\n");
    assert_eq!(
        lines(&loaded.warnings),
        "\
m.yml:2:26 literal-secret: the client secret of client `a` is written in the manifest
"
    );
    assert!(!format!("{:?}", loaded.warnings).contains("canary"));
}

#[test]
fn cluster_access_speaks_about_three_authorities_beside_the_list() {
    let loaded = loaded(
        "\
clients:
  - client_id: ci
    authorities: [clients.read, pks.clusters.manage]
    cluster_access: [manage, admin]
",
    );
    assert_eq!(
        fields(&loaded, "ci"),
        "\
4 authorities Set({\"clients.read\", \"pks.clusters.manage\"})
5 pks.clusters.admin Present
5 pks.clusters.admin.read Absent
5 pks.clusters.manage Present
"
    );
    let body =
        "clients:\n  - client_id: ci\n    authorities: [pks.clusters.admin]\n    cluster_access: read\n";
    let problems = errors_of(&[("m.yml", &format!("version: 1\n{body}"))], &Sources::default());
    assert_eq!(
        lines(&problems),
        "m.yml:4:19 disagreement: two statements disagree whether client `ci` has the authority `pks.clusters.admin`\n"
    );
    assert_eq!(problems[0].also.as_ref().map(|(place, _)| place.line), Some(5));
}

#[test]
fn every_mistake_of_a_client_is_an_error_at_its_place() {
    assert_eq!(
        errors(
            "\
clients:
  - client_id: uaa
  - client_id: a/b
  - client_id: ' a'
  - name: nobody
  - client_id: c
    redirect_uris: []
    authorized_grant_types: [client_credential, implicit, implicit]
    scope: ['a,b', 'a b']
    redirect_uri: [app.example.com, 'https://*.com']
    autoapprove: false
    access_token_validity: 10m
    refresh_token_validity: 0
    allowedproviders: []
    allowpublic: yes
    show_on_home_page: null
    app_icon: '!'
    app_launch_url: ftp://x
    extra:
      secret: x
      name: x
      jwks_uri: x
  - client_id: c
    authorized_grant_types: []
    extra: {}
  - client_id: d
    authorized_grant_types: [client_credentials, authorization_code]
    client_secret: ''
    redirect_uri: null
  - client_id: e
    authorized_grant_types: null
  - client_id: f
    authorized_grant_types: [implicit]
    client_secret: ((s))
"
        ),
        "\
m.yml:3:16 bad-client-id: the client id `uaa` is reserved
m.yml:4:16 bad-client-id: the client id `a/b` holds a slash or backslash
m.yml:5:16 bad-name: `client_id` of client ` a` begins or ends with a blank
m.yml:6:5 missing-key: a client has no `client_id`
m.yml:8:5 unknown-key: unknown key `redirect_uris` in client `c`
m.yml:9:30 unknown-grant-type: client `c` has the unknown grant type `client_credential`
m.yml:9:59 duplicate-item: `authorized_grant_types` of client `c` lists `implicit` twice
m.yml:10:13 bad-name: a scope holds a character that no scope can have
m.yml:10:20 bad-name: a scope holds a character that no scope can have
m.yml:11:20 bad-redirect-uri: the redirect URI `app.example.com` of client `c` has no scheme: it must begin with `https://` or the like
m.yml:11:37 bad-redirect-uri: the redirect URI `https://*.com` of client `c` has no host that UAA takes: `*` may stand for a subdomain, not for the last two labels
m.yml:12:18 wrong-type: `autoapprove` of client `c` must be a list or true, not false
m.yml:13:28 wrong-type: `access_token_validity` of client `c` must be a number of seconds, not `10m`
m.yml:14:29 wrong-type: `refresh_token_validity` of client `c` must be a number of seconds, not `0`
m.yml:15:23 ambiguous-empty: `allowedproviders` of client `c` is an empty list
m.yml:16:18 wrong-type: `allowpublic` of client `c` must be true or false, not the text `yes`
m.yml:17:5 null-value: `show_on_home_page` of client `c` has no value
m.yml:18:15 bad-text: `app_icon` of client `c` is no picture in base64
m.yml:19:21 bad-text: `app_launch_url` of client `c` is no http or https address
m.yml:21:7 reserved-key: `extra` of client `c` has the key `secret`
m.yml:22:7 reserved-key: `extra` of client `c` has the key `name`
m.yml:23:7 reserved-key: `extra` of client `c` has the key `jwks_uri`
m.yml:24:16 duplicate-client: the client `c` is written twice
m.yml:25:29 null-value: `authorized_grant_types` of client `c` is an empty list
m.yml:26:12 null-value: `extra` of client `c` says nothing
m.yml:29:5 secret-needed: client `d` has an empty secret and the grant type `client_credentials`
m.yml:30:5 missing-redirect-uri: client `d` has the grant type `authorization_code` and no redirect URI
m.yml:32:5 null-value: `authorized_grant_types` of client `e` has no value
m.yml:35:20 missing-variable: the variable `s` has no value
"
    );
    assert_eq!(
        errors("clients: [{client_id: f, authorized_grant_types: [implicit], client_secret: hunter2}]\n"),
        "m.yml:2:62 secret-not-allowed: client `f` has a secret and the grant type `implicit`\n"
    );
}

#[test]
fn a_list_that_uaa_could_not_store_is_refused() {
    let names: Vec<String> = (0..400).map(|n| format!("team.scope{n}")).collect();
    let found = errors(&format!("clients: [{{client_id: a, scope: [{}]}}]\n", names.join(", ")));
    assert_eq!(found, "m.yml:2:26 too-long: `scope` of client `a` is too long: 5489 characters\n");
}

#[test]
fn what_uaa_would_drop_from_autoapprove_is_a_warning() {
    let all = loaded(
        "clients: [{client_id: a, scope: [x], autoapprove: [x, y]}, {client_id: b, autoapprove: [z]}]\n",
    );
    assert_eq!(
        lines(&all.warnings),
        "m.yml:2:55 autoapprove-outside-scope: `autoapprove` of client `a` lists `y`, which is not in its `scope`\n"
    );
}

#[test]
fn a_secret_variable_goes_into_secret_fields_only() {
    let body = "version: 1\nclients:\n  - {client_id: a, name: ((s)), extra: {x: [((s))]}, scope: ((s)), access_token_validity: ((s))}\n";
    let problems = errors_of(&[("m.yml", body)], &environment(&[("s", "canary-one")]));
    let codes: Vec<_> = problems.iter().map(|problem| problem.code).collect();
    assert_eq!(codes, ["secret-in-plain-field"; 4]);
    assert!(!format!("{problems:?}").contains("canary"));
}

#[test]
fn a_validity_is_no_secret_to_a_frame() {
    let problems = errors_of(
        &[(
            "m.yml",
            "version: 1\nclients: [{client_id: a, access_token_validity: x, token_salt: hunter2}]\n",
        )],
        &Sources::default(),
    );
    let at = problems[0].at.as_ref().expect("it has a place");
    assert_eq!(at.text, "clients: [{client_id: a, access_token_validity: x, token_salt: ***}]");
}

#[test]
fn the_schema_takes_what_the_reader_takes() {
    let validator = validator();
    let fits = |entry: &str| validator.is_valid(&json(&format!("version: 1\nclients: [{entry}]\n")));
    for entry in [
        "{client_id: a}",
        "((c))",
        "{client_id: a, scope: null, autoapprove: true, redirect_uri: [], access_token_validity: null}",
        "{client_id: a, scope: ((s)), autoapprove: ((s)), access_token_validity: ((s)), extra: {x: {y: null}}}",
        "{client_id: a, client_secret: '', cluster_access: manage, allowpublic: null, token_salt: null}",
    ] {
        assert!(fits(entry), "{entry}");
    }
    for entry in [
        "{client_id: a, client_secret: null}",
        "{client_id: a, autoapprove: false}",
        "{client_id: a, access_token_validity: 0}",
        "{client_id: a, authorized_grant_types: null}",
        "{client_id: a, redirect_uris: []}",
    ] {
        assert!(!fits(entry), "{entry}");
    }
}

#[test]
fn only_a_written_null_clears_a_field_of_a_client() {
    assert_eq!(
        errors(
            "clients:\n  - client_id: a\n    authorities:\n    name:\n    token_salt:\n    extra: {team: }\n"
        ),
        "\
m.yml:4:5 null-value: `authorities` of client `a` has no value
m.yml:5:5 null-value: `name` of client `a` has no value
m.yml:6:5 null-value: `token_salt` of client `a` has no value
m.yml:7:13 null-value: `extra.team` of client `a` has no value
"
    );
    let loaded =
        loaded("clients: [{client_id: a, authorities: ~, scope: [], name: '', extra: {team: null}}]\n");
    assert_eq!(loaded.desired.clients[&ClientId::new("a")].fields.len(), 4);
}

#[test]
fn words_of_other_tools_are_told_by_their_names_here() {
    let found = errors_of(
        &[("m.yml", "version: 1\nusers: [{name: ann}]\nclients: [{id: a, secret: canary-s3cret}]\n")],
        &Sources::default(),
    );
    let help: Vec<_> = found.iter().filter_map(|problem| problem.help.as_deref()).collect();
    assert_eq!(
        help,
        ["did you mean `username`?", "did you mean `client_id`?", "did you mean `client_secret`?"],
        "{found:?}"
    );
    assert!(!format!("{found:?}").contains("canary"), "{found:?}");
}
