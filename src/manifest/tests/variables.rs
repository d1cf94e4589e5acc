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
