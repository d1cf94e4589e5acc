//! Manifests and command lines that never get as far as a server.

use std::process::{Command, Output, Stdio};

/// A folder with manifests, and the binary in it.
struct Given {
    folder: tempfile::TempDir,
    env: Vec<(String, String)>,
}

struct Ran {
    stdout: String,
    stderr: String,
    code: Option<i32>,
}

impl Given {
    fn manifest(text: &str) -> Self {
        let given = Self { folder: tempfile::tempdir().expect("a temporary folder"), env: Vec::new() };
        given.file("pks.yml", text)
    }

    fn file(self, name: &str, text: &str) -> Self {
        std::fs::write(self.folder.path().join(name), text).expect("the folder is ours");
        self
    }

    fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.to_owned()));
        self
    }

    fn run(&self, args: &[&str]) -> Ran {
        let Output { stdout, stderr, status } = Command::new(env!("CARGO_BIN_EXE_uaapply"))
            .args(args)
            .current_dir(self.folder.path())
            .env_clear()
            .envs(self.env.iter().cloned())
            .stdin(Stdio::null())
            .output()
            .expect("the binary starts");
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).expect("what is printed is UTF-8");
        Ran { stdout: text(stdout), stderr: text(stderr), code: status.code() }
    }
}

const SMALL: &str = "version: 1\nusers:\n  - {username: alana@example.com, password: ((alana_password))}\n";

#[test]
fn a_valid_manifest_is_said_to_be_valid() {
    let ran = Given::manifest(SMALL).env("PKS_alana_password", "canary-1").run(&[
        "validate",
        "-f",
        "pks.yml",
        "--vars-env",
        "PKS",
    ]);
    assert_eq!((ran.code, ran.stderr.as_str()), (Some(0), ""));
    insta::assert_snapshot!("valid", ran.stdout);
}

#[test]
fn ten_mistakes_are_reported_each_at_its_line_and_no_secret_with_them() {
    let text = "\
version: 1
target: {isuer: https://uaa.example.com/oauth/token}
users:
  - username: alana
    pasword: canary-secret-1
    password: canary-secret-2
  - username: Alana
  - username: bob smith
  - username: carl
    groups: [team.blu]
    cluster_access: admn
  - username: dora
    active: perhaps
    password: ((missing_password))
groups:
  - name: team.blue
    members: [frank, frank]
  - name: Team.Blue
  - name: team.red
    members: [{group: team.red}]
    absent_members: [gina]
";
    let ran = Given::manifest(text).run(&["validate", "-f", "pks.yml"]);
    assert_eq!(ran.code, Some(1));
    assert_eq!(ran.stdout, "");
    let lines: std::collections::BTreeSet<u32> = ran
        .stderr
        .lines()
        .filter_map(|line| line.trim_start().strip_prefix("--> pks.yml:")?.split(':').next()?.parse().ok())
        .collect();
    for line in [2, 5, 7, 8, 10, 11, 13, 14, 17, 18, 20, 21] {
        assert!(lines.contains(&line), "nothing is said about line {line}:\n{}", ran.stderr);
    }
    for hint in ["`issuer`", "`password`", "`team.blue`", "`admin`"] {
        assert!(ran.stderr.contains(hint), "no {hint} is suggested:\n{}", ran.stderr);
    }
    assert!(!ran.stderr.contains("canary-secret"), "{}", ran.stderr);
}

#[test]
fn without_a_manifest_a_target_or_a_secret_the_command_says_what_to_give() {
    let given = Given::manifest(SMALL).env("PKS_alana_password", "canary-1").env("UAAPPLY_VARS_ENV", "PKS");
    for (args, words) in [
        (vec!["plan"], vec!["no manifest", "-f PATH"]),
        (vec!["plan", "-f", "pks.yml"], vec!["no target", "UAA_TARGET"]),
        (
            vec!["plan", "-f", "pks.yml", "-t", "uaa.example.com"],
            vec!["secret of client `admin`", "UAA_CLIENT_SECRET", "--client-secret-file"],
        ),
        (vec!["plan", "-f", "nowhere.yml", "-t", "uaa.example.com"], vec!["nowhere.yml"]),
        (vec!["plan", "-f", "pks.yml", "-t", "uaa.example.com", "-v", "canary-1"], vec!["NAME=VALUE"]),
    ] {
        let ran = given.run(&args);
        assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""), "{args:?}");
        for word in words {
            assert!(ran.stderr.contains(word), "{args:?} does not say {word:?}:\n{}", ran.stderr);
        }
        assert!(!ran.stderr.contains("canary-1"), "{}", ran.stderr);
    }
}

#[test]
fn plain_http_goes_to_this_machine_only() {
    let given = Given::manifest("version: 1\ngroups: []\n").env("UAA_CLIENT_SECRET", "canary-2");
    let ran = given.run(&["plan", "-f", "pks.yml", "-t", "http://uaa.example.com"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
    assert!(ran.stderr.contains("http") && ran.stderr.contains("--allow-http"), "{}", ran.stderr);
    let ran = given.run(&["plan", "-f", "pks.yml", "-t", "http://127.0.0.1:1"]);
    assert!(ran.stderr.contains("refused") && !ran.stderr.contains("--allow-http"), "{}", ran.stderr);
}

#[test]
fn no_option_takes_the_secret_itself() {
    for command in ["plan", "apply"] {
        let ran = Given::manifest(SMALL).run(&[command, "--help"]);
        assert_eq!(ran.code, Some(0));
        assert!(!ran.stdout.contains("--client-secret "), "{}", ran.stdout);
    }
    let ran = Given::manifest(SMALL).run(&["plan", "-f", "pks.yml", "--client-secret", "canary-3"]);
    assert_eq!((ran.code, ran.stdout.as_str()), (Some(1), ""));
}

#[test]
fn a_value_from_the_environment_stays_a_secret() {
    let text = "version: 1\nusers:\n  - {username: alana, email: ((alana_password)), password: ((alana_password))}\n";
    let ran = Given::manifest(text).env("PKS_alana_password", "canary-4").run(&[
        "validate",
        "-f",
        "pks.yml",
        "--vars-env",
        "PKS",
    ]);
    assert_eq!(ran.code, Some(1));
    assert!(ran.stderr.contains("pks.yml:3") && !ran.stderr.contains("canary-4"), "{}", ran.stderr);
}

#[test]
fn the_schema_is_the_committed_one() {
    let ran = Given::manifest(SMALL).run(&["schema"]);
    let committed =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/docs/schema/manifest.schema.json"));
    assert_eq!(ran.stdout, committed.expect("it is committed"));
}

#[test]
fn completions_and_manual_pages_are_made() {
    let given = Given::manifest(SMALL);
    assert!(given.run(&["completions", "bash"]).stdout.contains("_uaapply"));
    assert!(given.run(&["man"]).stdout.contains(".TH uaapply"));
    assert_eq!(given.run(&["man", "pages"]).code, Some(0));
    assert!(given.folder.path().join("pages/uaapply-plan.1").exists());
}

#[test]
fn the_help_reads_like_this() {
    let given = Given::manifest(SMALL).env("COLUMNS", "100");
    insta::assert_snapshot!("help", given.run(&["--help"]).stdout);
    insta::assert_snapshot!("help plan", given.run(&["plan", "--help"]).stdout);
    insta::assert_snapshot!("help apply", given.run(&["apply", "--help"]).stdout);
}
