//! Standard output that goes away or is full.

use std::io::Read as _;
use std::process::Stdio;

use crate::story::Story;

#[test]
fn a_reader_that_has_seen_enough_is_no_error() {
    let story = Story::new();
    let mut child = story
        .command(&["schema"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("the binary starts");
    let mut first = [0; 1];
    child.stdout.take().expect("it is piped").read_exact(&mut first).expect("it begins");
    let ended = story.ended(&["schema"], &child.wait_with_output().expect("it ends")).exits(0);
    assert_eq!(ended.stderr, "");
}

#[test]
#[cfg(target_os = "linux")]
fn a_full_disk_is_an_error() {
    let story = Story::new();
    let full = std::fs::File::options().write(true).open("/dev/full").expect("Linux has it");
    let output = story.command(&["schema"]).stdout(full).output().expect("the binary starts");
    let ended = story.ended(&["schema"], &output).exits(1);
    assert!(ended.stderr.starts_with("error: cannot write to standard output"), "{ended}");
}
