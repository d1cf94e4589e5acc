//! Commands without a manifest: what is wrong with them is said before anything is asked or written.

use crate::fake_uaa::{FakeUaa, error};
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
    story.run(&["rotate", "ci", "--self", "--print"]).fails("error: --self is client `admin`, not `ci`\n");
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
        &["rotate", "ci", "--print", "--length", "73"],
        &["password", "ann", "--generate", "--print", "--length", "73"],
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

#[test]
fn in_another_zone_a_client_of_our_name_is_not_we() {
    let story = Story::new().server(FakeUaa::start());
    for zone in ["t1", "uaa", ""] {
        let ran = story.run(&["rotate", "admin", "--print", "-z", zone]).exits(1);
        assert_eq!(ran.stderr.contains("that this run is logged in as"), zone != "t1", "{ran}");
    }
    let ran = story.run(&["rotate", "admin", "--self", "--print", "-z", "t1"]).exits(1);
    assert!(ran.stderr.contains("leave --self out for a client of that zone"), "{ran}");
    assert_eq!(story.uaa().writes(), Vec::<String>::new());
}

/// A server with the user ann that answers so where her account is changed.
fn answering(method: &'static str, status: u16) -> Story {
    let fake = FakeUaa::with(move |seen, _| {
        seen.is(method, "/Users/id-ann/").then(|| error(status, "odd", "The server said so."))
    });
    fake.user("ann");
    fake.authorities("scim.read uaa.admin password.write");
    Story::new().server(fake)
}

#[test]
fn what_may_have_been_done_to_an_account_is_no_exit_code_1() {
    for (status, code) in [(502, 5), (500, 5), (400, 1), (403, 1)] {
        let story = answering("PUT", status);
        let ran = story.run(&["password", "ann", "--generate", "--out-file", "new"]).exits(code);
        assert_eq!(ran.stderr.contains("may be set or not"), code == 5, "{ran}");
        // Who may need it has it.
        assert_eq!(story.path("new").exists(), code == 5, "{ran}");
        let ran = answering("PATCH", status).run(&["unlock", "ann"]).exits(code);
        assert_eq!(ran.stderr.contains("may be locked or not"), code == 5, "{ran}");
    }
}
