//! `cargo lab` through its binary, without a UAA: what it says of a lab that runs, and to whom.

use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

/// The lab's program with its files under `target`.
fn lab(target: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_uaapply-lab"));
    command
        .args(args)
        .env("CARGO_TARGET_DIR", target)
        .env_remove("UAAPPLY_LAB_DATABASE")
        .stdin(Stdio::null());
    command
}

/// A process that the lab takes for one of its own: its command line names the folder. It ends with its input.
fn standing_in(folder: &Path) -> Child {
    Command::new("sh").args(["-c", "read line"]).arg(folder).stdin(Stdio::piped()).spawn().expect("sh runs")
}

#[test]
fn a_second_up_with_other_settings_is_an_error_that_says_how_to_end_the_first() {
    let target = tempfile::tempdir().expect("a folder");
    let folder = target.path().join("lab").join("4.30.0-18443");
    std::fs::create_dir_all(&folder).expect("a folder");
    let mut processes = [standing_in(&folder), standing_in(&folder)];
    let record = serde_json::json!({"uaa": "4.30.0", "uaa_port": 18443, "api_port": 19021, "folder": folder,
        "uaa_pid": processes[0].id(), "api_pid": processes[1].id()});
    let file = target.path().join("lab").join("up.json");
    std::fs::write(&file, record.to_string()).expect("written");

    for (args, said) in [
        (["up", "--uaa-port", "18444"], "UAA on port 18443, not 18444"),
        (["up", "--api-port", "19022"], "the PKS API on port 19021, not 19022"),
        (["up", "--uaa", "4.10.0"], "UAA 4.30.0, not 4.10.0"),
        (["up", "--database", "mysql"], "database hsqldb, not mysql"),
        (["up", "--database", "postgresql://u@h/d"], "database hsqldb, not postgresql at h:5432/d"),
    ] {
        let Output { status, stdout, stderr } = lab(target.path(), &args).output().expect("runs");
        assert_eq!(status.code(), Some(1));
        assert_eq!(String::from_utf8_lossy(&stdout), "");
        assert_eq!(
            String::from_utf8_lossy(&stderr),
            format!(
                "error: a lab runs already with other settings: {said}\nhint: `cargo lab down` ends it, `cargo lab status` shows it\n"
            )
        );
    }
    for process in &mut processes {
        assert!(process.try_wait().expect("it is our child").is_none(), "the first lab was ended");
        drop(process.stdin.take());
        process.wait().expect("it is our child");
    }
    assert!(file.exists(), "the first lab was forgotten");
}

#[test]
fn a_databases_password_is_never_repeated_and_taken_from_the_environment_only() {
    let target = tempfile::tempdir().expect("a folder");
    let up = |argument: &[&str], variable: &str| {
        let mut command = lab(target.path(), &[&["up"], argument].concat());
        let ended = command.env("UAAPPLY_LAB_DATABASE", variable).output().expect("runs");
        assert_eq!(ended.status.code(), Some(1));
        let said = String::from_utf8_lossy(&[ended.stdout, ended.stderr].concat()).into_owned();
        assert!(!said.contains("canary"), "{said}");
        said
    };
    let said = up(&["--database", "postgresql://u:canary@h/d"], "");
    assert!(said.contains("set UAAPPLY_LAB_DATABASE to the address instead"), "{said}");
    let said = up(&[], "postgresql://u:canary@h");
    assert!(said.starts_with("error: UAAPPLY_LAB_DATABASE: the address must end"), "{said}");
    // The argument wins.
    let said = up(&["--database", "nonsense"], "postgresql://u:canary@h/d");
    assert!(said.starts_with("error: --database: that is neither"), "{said}");
}

#[test]
fn a_reader_that_has_gone_away_ends_it_quietly() {
    let target = tempfile::tempdir().expect("a folder");
    let (reader, writer) = std::io::pipe().expect("a pipe");
    drop(reader);
    let ended = lab(target.path(), &["status"]).stdout(writer).output().expect("runs");
    assert_eq!(String::from_utf8_lossy(&ended.stderr), "");
    assert_eq!(ended.status.code(), Some(0));
    let told = lab(target.path(), &["status"]).output().expect("runs");
    assert_eq!(told.status.code(), Some(1), "no lab runs");
    assert!(String::from_utf8_lossy(&told.stdout).starts_with("No lab is running"));
}
