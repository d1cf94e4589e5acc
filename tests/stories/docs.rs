//! What is generated from the command line's definition: docs/cli.md, completions, manual pages.

use std::path::Path;

use crate::story::Story;

const COMMANDS: [&str; 17] = [
    "",
    "plan",
    "apply",
    "undo",
    "validate",
    "snapshot",
    "access",
    "verify",
    "rotate",
    "password",
    "unlock",
    "whoami",
    "export",
    "import",
    "schema",
    "completions",
    "man",
];

#[test]
fn the_command_line_reference_is_fresh() {
    let mut page = String::from(
        "# Command line\n\nThe help of each command; `UAAPPLY_UPDATE_DOCS=1 cargo test --test stories` writes this page.\n",
    );
    for command in COMMANDS {
        let args: Vec<&str> = [command, "--help"].into_iter().filter(|arg| !arg.is_empty()).collect();
        let help = Story::new().run(&args).exits(0).stdout;
        let heading = ["uaapply", command].join(" ");
        page += &format!("\n## {}\n\n```text\n{}\n```\n", heading.trim_end(), help.trim_end());
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/cli.md");
    if std::env::var_os("UAAPPLY_UPDATE_DOCS").is_some() {
        std::fs::write(&path, &page).expect("docs can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == page, "docs/cli.md is stale: UAAPPLY_UPDATE_DOCS=1 cargo test --test stories");
}

#[test]
fn the_short_help_is_the_long_one() {
    for command in COMMANDS {
        let help = |flag| {
            Story::new()
                .run(&[command, flag].into_iter().filter(|arg| !arg.is_empty()).collect::<Vec<_>>())
                .stdout
        };
        assert_eq!(help("-h"), help("--help"), "{command}");
    }
}

#[test]
fn help_never_shows_what_the_environment_holds() {
    let story =
        Story::new().env("UAA_CLIENT_SECRET", "canary-s3cret").env("UAA_TARGET", "https://canary-s3cret");
    for command in COMMANDS {
        story
            .run(&[command, "--help"].into_iter().filter(|arg| !arg.is_empty()).collect::<Vec<_>>())
            .exits(0);
    }
}

#[test]
fn every_shell_gets_completions() {
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let ended = Story::new().run(&["completions", shell]).exits(0);
        assert!(ended.stdout.contains("uaapply") && ended.stdout.contains("detailed-exitcode"), "{shell}");
    }
}

#[test]
fn each_command_gets_a_manual_page() {
    let story = Story::new();
    assert!(story.run(&["man"]).exits(0).stdout.contains(".TH uaapply 1"));
    story.run(&["man", "pages"]).exits(0);
    for page in ["uaapply.1", "uaapply-plan.1", "uaapply-apply.1", "uaapply-validate.1"] {
        assert!(story.path("pages").join(page).is_file(), "{page}");
    }
}

#[test]
fn the_schemas_are_the_committed_ones() {
    for (args, name) in
        [(&["schema"][..], "manifest.schema.json"), (&["schema", "--policy"], "policy.schema.json")]
    {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema").join(name);
        assert_eq!(
            Story::new().run(args).exits(0).stdout,
            std::fs::read_to_string(path).expect("it is committed")
        );
    }
}

#[test]
fn the_pipelines_of_the_docs_are_yaml_and_name_options_that_there_are() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/ci.md");
    let page = std::fs::read_to_string(path).expect("it is committed");
    let pipelines: Vec<&str> =
        page.split("```yaml\n").skip(1).filter_map(|rest| rest.split("```").next()).collect();
    assert_eq!(pipelines.len(), 3);
    for pipeline in pipelines {
        serde_saphyr::from_str::<serde_json::Value>(pipeline).expect("it is YAML");
    }
    let mut checked = 0;
    for command in ["plan", "apply", "validate"] {
        let help = Story::new().run(&[command, "--help"]).exits(0).stdout;
        // In a shell, and as a list of arguments; a command may go on in the next line.
        let page = page.replace("args: [", "args: uaapply ").replace(", ", " ");
        for call in page.split(&format!("uaapply {command} ")).skip(1) {
            let call = call.split(['`', '>', ']', '|']).next().unwrap_or_default();
            let call =
                call.split_once("\n  - ").or(call.split_once("\n      - ")).map_or(call, |(call, _)| call);
            for option in call.split_whitespace().filter(|word| word.len() > 2 && word.starts_with("--")) {
                assert!(
                    help.contains(&format!(" {option} ")) || help.contains(&format!(" {option}\n")),
                    "{command}: {option}"
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 20, "{checked}");
}
