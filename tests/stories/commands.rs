//! Commands without a manifest: what is wrong with them is said before anything is asked or written.

use crate::fake_uaa::FakeUaa;
use crate::story::{SECRET, Story};

#[test]
fn a_rotation_without_a_place_for_the_new_secret_begins_nothing() {
    let story = Story::new().server(FakeUaa::start()).file("new", SECRET);
    story.run(&["rotate", "ci"]).fails(
        "error: the new secret would be generated, and then lost\n\
         hint: say where it goes: --out-file FILE (made new, for you alone), or --print for standard output\n",
    );
    story.run(&["rotate", "ci", "--out-file", "new"]).fails(
        "error: new exists already (--out-file)\n\
         hint: name a file that does not: what is in this one may still be in use\n",
    );
    story
        .run(&["rotate", "ci", "--out-file", "none/new"])
        .fails("error: cannot write none/new (--out-file)\n  because its directory does not exist\n");
    story.run(&["rotate"]).fails("error: no client: whose secret?\nhint: uaapply rotate CLIENT, or --self\n");
    story.run(&["rotate", "ci", "--self"]).fails("error: --self is client `admin`, not `ci`\n");
    assert_eq!(story.uaa().logins(), 0);
    assert_eq!(std::fs::read_to_string(story.path("new")).expect("it is there"), SECRET);
}

#[test]
fn sources_that_exclude_each_other_are_a_usage_error() {
    let story = Story::new().server(FakeUaa::start());
    for args in [
        &["rotate", "ci", "--new-secret-stdin", "--out-file", "new"][..],
        &["rotate", "ci", "--new-secret-stdin", "--new-secret-prompt"],
        &["rotate", "ci", "--print", "--out-file", "new"],
        &["rotate", "ci", "--print", "--length", "8"],
        &["password", "ann", "--print"],
        &["password", "ann", "--generate", "--password-stdin"],
    ] {
        assert!(story.run(args).exits(1).stderr.starts_with("error: "), "{args:?}");
    }
    story.run(&["rotate", "ci", "--new-secret-stdin", "--client-secret-stdin"]).exits(1);
    assert_eq!(story.uaa().logins(), 0);
}

#[test]
fn a_token_that_may_not_is_told_before_a_secret_is_made() {
    let fake = FakeUaa::start();
    fake.authorities("scim.read scim.write");
    let story = Story::new().server(fake);
    let ran = story.run(&["rotate", "ci", "--out-file", "new"]).exits(1);
    assert!(ran.stderr.contains("lacks the authority clients.secret"), "{ran}");
    let ran = story.run(&["password", "ann", "--generate", "--out-file", "new"]).exits(1);
    assert!(ran.stderr.contains("lacks the authority password.write"), "{ran}");
    assert!(!story.path("new").exists());
    assert_eq!(story.uaa().writes(), Vec::<String>::new());
}
