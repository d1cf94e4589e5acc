//! Stories over variables: where values come from, where secrets may stand, and what bosh does in odd cases.

use std::path::PathBuf;

use secrecy::ExposeSecret as _;

use super::{environment, errors_of, lines, load_texts, loaded_with, uaa_user};
use crate::manifest::{Loaded, Sources};

/// A folder with files, and the sources that name them.
fn folder(files: &[(&str, &str)]) -> tempfile::TempDir {
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, text) in files {
        std::fs::write(folder.path().join(name), text).expect("it is ours");
    }
    folder
}

fn password_of<'a>(loaded: &'a Loaded, name: &str) -> &'a str {
    loaded.secrets.passwords[&uaa_user(name)].expose_secret()
}

#[test]
fn a_secret_comes_from_its_own_file_and_stays_one() {
    let folder = folder(&[("pw", "hunter2\r\n"), ("two", "one\ntwo\n"), ("big", &"x".repeat(65 << 10))]);
    let file = |variable: &str, name: &str| (variable.to_owned(), folder.path().join(name));
    let one = Sources { var_files: vec![file("pw", "pw")], ..Sources::default() };
    let loaded = loaded_with("users: [{username: a, password: ((pw))}]\n", &one);
    assert_eq!(password_of(&loaded, "a"), "hunter2");
    assert_eq!(loaded.secrets.others.len(), 1);

    let wrong = Sources {
        var_files: vec![
            file("pw", "pw"),
            file("two", "two"),
            file("big", "big"),
            file("none", "none"),
            file("b d", "pw"),
        ],
        vars: vec![("two".to_owned(), "x".to_owned())],
        ..Sources::default()
    };
    let text = "version: 1\nusers:\n  - {username: a, phone: ((pw)), given_name: x((pw)), password: ((pw.key))}\n  - {username: b, password: ((big))}\n";
    let found = errors_of(&[("m.yml", text)], &wrong);
    let path = |name: &str| folder.path().join(name).display().to_string();
    assert_eq!(
        lines(&found),
        format!(
            "- bad-variable: `b d` is no name of a variable
- unreadable: cannot read `{}`: it is longer than any secret
- unreadable: cannot read `{}`: No such file or directory (os error 2)
- unused-variable: no manifest uses the variable `none` given with --var-file
- unused-variable: no manifest uses the variable `two` given with --var-file; -v gives it too, and goes before
- unused-variable: no manifest uses the variable `two` given with -v
m.yml:3:26 secret-in-plain-field: the secret variable `pw` cannot be used for `phone` of user `a`
m.yml:3:46 secret-in-text: the secret variable `pw` stands inside a longer text
m.yml:3:65 missing-variable: the variable `pw` has no value for `pw.key`
",
            path("big"),
            path("none")
        )
    );
    assert!(!format!("{found:?}").contains("hunter2"));
    let two = Sources { var_files: vec![file("two", "two")], ..Sources::default() };
    let found = errors_of(&[("m.yml", "version: 1\nusers: [{username: a, password: ((two))}]\n")], &two);
    assert_eq!(
        lines(&found),
        "m.yml:2:33 bad-password: the password of user `a` (the variable `two`) holds a line break\n"
    );
}

#[test]
fn v_goes_before_var_file_before_l_before_vars_env() {
    let folder = folder(&[("pw", "of-var-file")]);
    let body = "users: [{username: a, password: ((pw))}]\n";
    let mut sources = environment(&[("pw", "of-vars-env")]);
    let value = |sources: &Sources| {
        let files = [("m.yml", format!("version: 1\n{body}")), ("1.vars", "pw: of-l\n".to_owned())];
        let files: Vec<(&str, &str)> = files.iter().map(|(name, text)| (*name, text.as_str())).collect();
        let files = if sources.vars_files.is_empty() { &files[..1] } else { &files[..] };
        let loaded = load_texts(files, sources).unwrap_or_else(|problems| panic!("{}", lines(&problems.0)));
        password_of(&loaded, "a").to_owned()
    };
    assert_eq!(value(&sources), "of-vars-env");
    sources.vars_files = vec![PathBuf::from("1.vars")];
    assert_eq!(value(&sources), "of-l");
    sources.var_files = vec![("pw".to_owned(), folder.path().join("pw"))];
    assert_eq!(value(&sources), "of-var-file");
    // Given by both, the file is unused, which is an error of its own.
    sources.vars = vec![("pw".to_owned(), "of-v".to_owned())];
    let files =
        [("m.yml", "version: 1\nusers: [{username: a, password: ((pw))}]\n"), ("1.vars", "pw: of-l\n")];
    assert_eq!(
        lines(&errors_of(&files, &sources)),
        "- unused-variable: no manifest uses the variable `pw` given with --var-file; -v gives it too, and goes before\n"
    );
}

/// What a shell makes of `<(command)`.
#[cfg(target_os = "linux")]
#[test]
fn a_descriptor_of_this_process_is_read_as_a_file() {
    use std::os::fd::AsRawFd as _;
    let (reader, mut writer) = std::io::pipe().expect("a pipe");
    std::io::Write::write_all(&mut writer, b"hunter2\n").expect("it is small");
    drop(writer);
    let path = PathBuf::from(format!("/dev/fd/{}", reader.as_raw_fd()));
    let sources = Sources { var_files: vec![("pw".to_owned(), path)], ..Sources::default() };
    let loaded = loaded_with("users: [{username: a, password: ((pw))}]\n", &sources);
    assert_eq!(password_of(&loaded, "a"), "hunter2");
}

/// The sources of a store with this text; the folder keeps it.
fn store(text: &str) -> (tempfile::TempDir, Sources) {
    let folder = folder(&[("store.yml", text)]);
    let path = folder.path().join("store.yml");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).expect("it is ours");
    }
    let sources = Sources { vars_store: Some(path), ..Sources::default() };
    (folder, sources)
}

/// Loads a manifest whose `version: 1` is on line 1, from a real file.
fn load_file(body: &str, sources: &Sources) -> Result<Loaded, String> {
    let folder = folder(&[("m.yml", &format!("version: 1\n{body}"))]);
    let paths = vec![folder.path().join("m.yml")];
    let sources = Sources {
        paths,
        vars: sources.vars.clone(),
        vars_env: sources.vars_env.clone(),
        vars_store: sources.vars_store.clone(),
        ..Sources::default()
    };
    let name = folder.path().display().to_string();
    crate::manifest::load(&sources).map_err(|problems| lines(&problems.0).replace(&format!("{name}/"), ""))
}

#[test]
fn what_the_store_has_is_secret_and_goes_last() {
    let text = "# bosh's\npw: of-store-1\ncert: {ca: of-store-2, list: [of-store-3]}\nflag: true\n";
    let (_folder, mut sources) = store(text);
    let body = "users:\n  - {username: a, password: ((pw))}\n  - {username: b, password: ((cert.ca))}\n";
    let loaded = load_file(body, &sources).expect("valid");
    assert_eq!((password_of(&loaded, "a"), password_of(&loaded, "b")), ("of-store-1", "of-store-2"));
    let hidden: Vec<&str> = loaded.secrets.others.iter().map(|secret| secret.expose_secret()).collect();
    assert_eq!(hidden, ["of-store-2", "of-store-3", "of-store-1"]);
    assert!(loaded.warnings.is_empty() && loaded.generated.is_none());

    let wrong = "users: [{username: ((pw)), given_name: ((cert)), phone: x-((pw)), password: ((cert))}]\n";
    assert_eq!(
        load_file(wrong, &sources).expect_err("secrets stand in plain fields"),
        "\
m.yml:2:20 secret-in-plain-field: the secret variable `pw` cannot be used for `username` of a user
m.yml:2:40 not-text: the secret variable `cert` is a list or a map
m.yml:2:57 secret-in-text: the secret variable `pw` stands inside a longer text
m.yml:2:77 not-text: the secret variable `cert` is a list or a map
"
    );
    sources.vars_env = environment(&[("pw", "of-env")]).vars_env;
    assert_eq!(password_of(&load_file(body, &sources).expect("valid"), "a"), "of-env");
}

#[test]
fn a_store_that_makes_no_sense_or_that_others_can_read_is_said_and_never_shown() {
    let body = "variables: [{name: pw, type: password}]\nusers: [{username: a, password: ((pw))}]\n";
    for (text, code) in [
        ("- of-store\n", "bad-vars-store"),
        ("pw: [of-store\n", "yaml"),
        ("a: 1\na: of-store\n", "duplicate-key"),
    ] {
        let (_folder, sources) = store(text);
        let said = load_file(body, &sources).expect_err(text);
        assert!(said.contains(code) && !said.contains("of-store\n"), "{said}");
    }
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let (folder, sources) = store("pw: value-1\n");
        let path = folder.path().join("store.yml");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).expect("it is ours");
        let loaded = load_file(body, &sources).expect("valid");
        let codes: Vec<&str> = loaded.warnings.iter().map(|warning| warning.code).collect();
        assert_eq!(codes, ["store-readable"]);
    }
}

#[test]
fn what_is_declared_and_nowhere_given_is_generated_once_for_all_who_use_it() {
    let body = "\
variables:
  - {name: pw, type: password}
  - {name: long, type: password, options: {length: ((n))}}
  - {name: given, type: password}
  - {name: unused, type: password}
users:
  - {username: a, password: ((pw))}
  - {username: b, password: ((pw))}
  - {username: c, password: ((long))}
  - {username: d, password: ((given))}
  - {username: e, password: ((kept))}
";
    for text in ["kept: of-store\n", "# only a comment\nkept: of-store"] {
        let (folder, mut sources) = store(text);
        sources.vars = vec![("n".to_owned(), "70".to_owned())];
        sources.vars_env = environment(&[("given", "of-env")]).vars_env;
        let loaded = load_file(body, &sources).expect("valid");
        let (pw, long) = (password_of(&loaded, "a"), password_of(&loaded, "c"));
        assert_eq!((pw.len(), long.len(), password_of(&loaded, "b")), (32, 70, pw));
        assert_eq!((password_of(&loaded, "d"), password_of(&loaded, "e")), ("of-env", "of-store"));
        let generated = loaded.generated.as_ref().expect("two are generated");
        assert_eq!(generated.values.keys().collect::<Vec<_>>(), ["long", "pw"]);
        for value in [pw, long] {
            assert!(loaded.secrets.others.iter().any(|hidden| hidden.expose_secret() == value));
        }
        let unchanged = std::fs::read_to_string(folder.path().join("store.yml")).expect("it is there");
        assert_eq!(unchanged, text, "loading writes nothing");

        generated.save(["pw", "long"]).expect("it can be written");
        let again = load_file(body, &sources).expect("valid");
        assert_eq!((password_of(&again, "a"), password_of(&again, "c")), (pw, long));
        assert!(again.generated.is_none());
    }
}

#[test]
fn a_store_need_not_exist_or_say_anything() {
    let body = "variables: [{name: pw, type: password}]\nusers: [{username: a, password: ((pw))}]\n";
    for text in ["", "# nothing yet\n", "---\n", "{}\n", "--- {}\n"] {
        let (_folder, sources) = store(text);
        let loaded = load_file(body, &sources).unwrap_or_else(|said| panic!("{text:?}: {said}"));
        loaded
            .generated
            .expect("generated")
            .save(["pw"])
            .unwrap_or_else(|error| panic!("{text:?}: {error:?}"));
        assert!(load_file(body, &sources).expect("valid").generated.is_none());
    }
    let folder = tempfile::tempdir().expect("a folder");
    let sources = Sources { vars_store: Some(folder.path().join("new.yml")), ..Sources::default() };
    load_file(body, &sources)
        .expect("valid")
        .generated
        .expect("generated")
        .save(["pw"])
        .expect("it can be written");
    assert!(load_file(body, &sources).expect("valid").generated.is_none());
}

#[test]
fn what_is_wrong_with_declarations_is_said_at_once() {
    let body = "\
variables:
  - {name: a, type: certificate}
  - {name: b, type: pasword}
  - {type: password}
  - {name: c.d, type: password}
  - {name: e, type: password, options: {length: 8}}
  - {name: e2, type: password, options: {length: \"32\"}}
  - {name: f, type: password, options: {length: ((f))}}
  - {name: g, type: password, options: {length: ((h))}}
  - {name: h, type: password, options: {lenght: 40}}
  - {name: h, type: password}
  - {name: i, type: password, update_mode: converge}
  - pw
users: [{username: x, password: ((i))}]
";
    let (_folder, sources) = store("");
    assert_eq!(
        load_file(body, &sources).expect_err("much is wrong"),
        "\
m.yml:3:21 unsupported-type: `type` of variable `a` cannot be `certificate`: only passwords are generated here
m.yml:4:21 unsupported-type: `type` of variable `b` cannot be `pasword`: only passwords are generated here
m.yml:5:5 missing-key: a variable has no `name`
m.yml:6:12 bad-variable: `c.d` is no name of a variable
m.yml:7:49 bad-length: `length` of variable `e` is no number that a password can have
m.yml:8:50 bad-length: `length` of variable `e2` is no number that a password can have
m.yml:9:49 cyclic-variable: the options of the variable `f` depend on `f`
m.yml:10:49 cyclic-variable: the options of the variable `g` depend on `h`
m.yml:11:41 unknown-key: unknown key `lenght` in `options` of variable `h`
m.yml:12:12 duplicate-variable: the variable `h` is declared twice
m.yml:13:31 unknown-key: unknown key `update_mode` in a variable
m.yml:14:5 wrong-type: a variable must be a map of keys and values, not text
"
    );
    let body = "variables: [{name: pw, type: password}]\nusers: [{username: x, password: ((pw))}]\n";
    assert_eq!(
        load_file(body, &Sources::default()).expect_err("there is no store"),
        "m.yml:3:33 missing-variable: the variable `pw` has no value\n"
    );
}

#[test]
fn a_missing_secret_is_offered_to_be_generated_where_there_is_a_store() {
    let (folder, sources) = store("other: value-1\n");
    let path = folder.path().join("m.yml");
    std::fs::write(&path, "version: 1\nusers: [{username: a, password: ((pw))}]\n").expect("ours");
    let sources = Sources { paths: vec![path], ..sources };
    let problems = crate::manifest::load(&sources).expect_err("nothing gives it").0;
    let help = problems[0].help.as_deref().unwrap_or_default();
    assert!(help.contains("`variables: [{name: pw, type: password}]`"), "{help}");
}

/// The problems of one manifest with these variables, all from one file of `-l`.
fn with_variables(body: &str, variables: &str) -> String {
    let sources = Sources { vars_files: vec![PathBuf::from("1.vars")], ..Sources::default() };
    match load_texts(&[("m.yml", &format!("version: 1\n{body}")), ("1.vars", variables)], &sources) {
        Ok(_) => String::new(),
        Err(problems) => lines(&problems.0),
    }
}

fn given_name(text: &str, variables: &str) -> String {
    let sources = Sources { vars_files: vec![PathBuf::from("1.vars")], ..Sources::default() };
    let manifest =
        format!("version: 1\nusers: [{{username: a, email: a@example.com, given_name: {text}}}]\n");
    let loaded = load_texts(&[("m.yml", &manifest), ("1.vars", variables)], &sources)
        .unwrap_or_else(|problems| panic!("{}", lines(&problems.0)));
    let name = loaded.desired.users[&uaa_user("a")].given_name.as_ref();
    name.map(|said| said.value.clone()).unwrap_or_default()
}

#[test]
fn bosh_an_exclamation_mark_before_a_name_means_nothing() {
    assert_eq!(given_name("((!a))", "a: x\n"), "x");
    assert_eq!(given_name("y((!a))((a))z", "a: x\n"), "yxxz");
}

#[test]
fn bosh_only_texts_and_whole_numbers_go_into_a_text() {
    for (value, expected) in [
        ("12", "x-12"),
        ("-3", "x--3"),
        ("'true'", "x-true"),
        ("\"1.5\"", "x-1.5"),
        ("1.5.2", "x-1.5.2"),
        ("nan", "x-nan"),
        ("infinity", "x-infinity"),
        ("2026-11-24", "x-2026-11-24"),
        ("''", "x-"),
    ] {
        assert_eq!(given_name("x-((v))", &format!("v: {value}\n")), expected, "{value}");
    }
    for (value, kind) in [
        ("1.5", "no whole number"),
        ("1e3", "no whole number"),
        ("-.5", "no whole number"),
        ("true", "true or false"),
        ("null", "nothing"),
        ("", "nothing"),
        ("[a]", "a list or a map"),
        ("{a: b}", "a list or a map"),
    ] {
        assert_eq!(
            with_variables("users: [{username: a, given_name: x-((v))}]\n", &format!("v: {value}\n")),
            format!("m.yml:2:35 not-text: the variable `v` is {kind}, and stands inside a text\n"),
            "{value}"
        );
    }
}

#[test]
fn bosh_keys_may_hold_variables() {
    let body = "users: [{username: a, ((field))_name: x, ((n)): true, ((pw)): ((value))}]\n";
    assert_eq!(with_variables(body, "field: given\nn: active\npw: password\nvalue: hunter2\n"), "");
    let body = "\
users:
  - username: a
    ((list)): 1
    ((flag)): 1
    ((none)): hunter2
    ((twice)): 1
    ((odd)): hunter2
    ((a b)): hunter2
    ((pw)): x((list))
";
    let variables = "list: [a]\nflag: true\ntwice: username\nodd: gruops\npw: password\n";
    assert_eq!(
        with_variables(body, variables),
        "\
m.yml:4:5 not-text: the variable `list` is a list or a map, and stands in a key
m.yml:5:5 not-text: the variable `flag` is true or false, and stands in a key
m.yml:6:5 missing-variable: the variable `none` has no value
m.yml:7:5 duplicate-key: `username` is written twice in one map
m.yml:8:5 unknown-key: unknown key `gruops` in user `a`
m.yml:9:5 placeholder-left: a ((…)) that is no variable is left over
m.yml:10:13 placeholder-left: `password` mixes a variable with other text, or holds a ((…)) that is none
"
    );
    let found = errors_of(&[("m.yml", &format!("version: 1\n{body}"))], &Sources::default());
    assert!(!format!("{found:?}").contains("hunter2"), "{found:?}");
    let secret = errors_of(
        &[("m.yml", "version: 1\nusers: [{username: a, ((pw)): x, x((pw)): x}]\n")],
        &environment(&[("pw", "email")]),
    );
    assert_eq!(
        lines(&secret),
        "m.yml:2:23 secret-in-text: the secret variable `pw` stands in a key\nm.yml:2:34 secret-in-text: the secret variable `pw` stands inside a longer text\n"
    );
}

#[test]
fn bosh_values_are_not_interpolated_so_that_there_are_no_cycles() {
    assert_eq!(
        with_variables(
            "users: [{username: ((a)), given_name: ((b)), phone: ((c))}]\n",
            "a: ((b))\nb: x((a))\nc: [((c))]\n"
        ),
        "\
m.yml:2:20 placeholder-left: the value of the variable `a` itself holds ((…))
m.yml:2:39 placeholder-left: the value of the variable `b` itself holds ((…))
m.yml:2:53 placeholder-left: the value of the variable `c` itself holds ((…))
"
    );
}

#[test]
fn bosh_a_later_file_replaces_a_map_whole_and_lists_have_no_keys() {
    let sources =
        Sources { vars_files: vec![PathBuf::from("1.vars"), PathBuf::from("2.vars")], ..Sources::default() };
    let files = [
        (
            "m.yml",
            "version: 1\nusers: [{username: ((map.a)), given_name: ((map.b)), family_name: ((list.0)), phone: ((map.b.c))}]\n",
        ),
        ("1.vars", "map: {a: x}\nlist: [x]\n"),
        ("2.vars", "map: {b: y}\n"),
    ];
    assert_eq!(
        lines(&errors_of(&files, &sources)),
        "\
m.yml:2:20 missing-variable: the variable `map` has no value for `map.a`
m.yml:2:67 missing-variable: the variable `list` has no value for `list.0`
m.yml:2:86 missing-variable: the variable `map` has no value for `map.b.c`
"
    );
}

#[test]
fn bosh_a_whole_value_keeps_its_type() {
    let body =
        "groups: ((groups))\nusers: [{username: a, active: ((flag)), groups: [((name))], phone: ((n))}]\n";
    assert_eq!(
        with_variables(body, "groups: [{name: one, additive: true}]\nflag: true\nname: one\nn: 12\n"),
        ""
    );
    assert_eq!(
        with_variables("users: [{username: a, active: ((flag))}]\n", "flag: 'true'\n"),
        "m.yml:2:31 wrong-type: `active` of user `a` must be true or false, not the quoted text `true`\n"
    );
}

#[test]
fn a_missing_secret_of_a_client_is_never_offered_to_be_generated() {
    let (folder, sources) = store("other: value-1\n");
    let path = folder.path().join("m.yml");
    std::fs::write(&path, "version: 1\nclients: [{client_id: a, client_secret: ((cs))}]\n").expect("ours");
    let found =
        crate::manifest::load(&Sources { paths: vec![path], ..sources }).expect_err("it is missing").0;
    assert_eq!(found.len(), 1);
    assert!(!found[0].help.as_deref().is_some_and(|help| help.contains("generate")), "{found:?}");
}

#[test]
fn to_look_at_a_manifest_its_secrets_need_no_value() {
    let look = |bare: &[&str]| Sources {
        secrets_may_lack: true,
        bare_vars: bare.iter().map(|&name| name.to_owned()).collect(),
        ..Sources::default()
    };
    let loaded = loaded_with(
        "variables: [{name: pw, type: password}]
users: [{username: a, password: ((pw))}]
clients: [{client_id: c, client_secret: ((cs)), authorized_grant_types: [client_credentials]}]
",
        &look(&[]),
    );
    let lacking: Vec<_> = loaded.lacking.iter().map(String::as_str).collect();
    assert_eq!(lacking, ["cs", "pw"]);
    assert!(loaded.generated.is_none());
    let text = "version: 1\nusers: [{username: a, phone: ((p)), password: x((pw)), email: ((e))}]\n";
    let found = errors_of(&[("m.yml", text)], &look(&[]));
    assert_eq!(
        lines(&found),
        "\
m.yml:2:30 missing-variable: the variable `p` has no value
m.yml:2:47 placeholder-left: `password` mixes a variable with other text, or holds a ((…)) that is none
m.yml:2:63 missing-variable: the variable `e` has no value
"
    );
    // Somebody meant to give it.
    let text = "version: 1\nusers: [{username: a, password: ((pw))}]\n";
    let found = errors_of(&[("m.yml", text)], &look(&["pw"]));
    assert_eq!(lines(&found), "m.yml:2:33 missing-variable: the variable `pw` has no value\n");
}

#[test]
fn a_secret_given_on_the_command_line_draws_a_warning_that_does_not_show_it() {
    let sources = Sources { vars: vec![("pw".to_owned(), "canary-s3cret".to_owned())], ..Sources::default() };
    let loaded = loaded_with("users: [{username: a, password: ((pw)), phone: ((pw))}]\n", &sources);
    assert_eq!(
        lines(&loaded.warnings),
        "m.yml:2:33 secret-on-command-line: the secret `pw` is given with -v\n"
    );
    assert!(!format!("{:?}", loaded.warnings).contains("canary"));
}

#[test]
fn what_stands_behind_a_placeholder_hides_and_the_rest_of_the_line_shows() {
    let text = "version: 1\nusers:\n  - username: a\n    password: ((a_password)) # was canary-s3cret\n";
    let found = errors_of(&[("m.yml", text)], &Sources::default());
    assert_eq!(found[0].at.as_ref().map(|place| &*place.text), Some("    password: ((a_password)) # ***"));
}
