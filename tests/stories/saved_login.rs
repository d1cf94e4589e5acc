//! An existing login of `uaac` or `uaa-cli`: when it is used, and what is said about it.

use std::time::{SystemTime, UNIX_EPOCH};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::fake_uaa::{FakeUaa, error};
use crate::story::{SECRET, Story};

const PLAN: [&str; 3] = ["plan", "-f", "pks.yml"];
const CLIENT: &str =
    r#""client_id": "admin", "scope": ["scim.read", "scim.write", "zones.read", "idps.read"]"#;
const USER: &str = r#""client_id": "cf", "user_id": "id-bob", "user_name": "bob", "origin": "uaa", "scope": ["scim.read", "scim.write"]"#;

/// A token with these claims that ends in so many seconds; its signature is the secret that may never be printed.
fn jwt(claims: &str, ends_in: i64) -> String {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs();
    let claims = format!("{{{claims}, \"exp\": {}}}", now.saturating_add_signed(ends_in));
    format!("e30.{}.{SECRET}", URL_SAFE_NO_PAD.encode(claims))
}

/// A story without a secret, in whose folder somebody is at home.
fn story(server: FakeUaa) -> Story {
    let story = Story::new()
        .file("pks.yml", "version: 1\ngroups: [{name: team.blue}]\n")
        .server(server)
        .without("UAA_CLIENT_SECRET");
    let home = story.path("").display().to_string();
    story.env("HOME", &home)
}

/// The file of `uaac` with one login.
fn uaac(story: Story, context: &str, token: &str) -> Story {
    let address = story.uaa().url();
    let text = format!(
        "---\n{address}:\n  current: true\n  contexts:\n    {context}: {{current: true, access_token: {token}}}\n"
    );
    story.file(".uaac.yml", &text)
}

#[test]
fn it_is_used_instead_of_a_prompt_and_said() {
    let story = uaac(story(FakeUaa::start()), "admin", &jwt(CLIENT, 600));
    let before = std::fs::read(story.path(".uaac.yml")).expect("ours");
    let ended = story.run(&["apply", "-f", "pks.yml", "--yes"]).exits(0);
    let file = story.path(".uaac.yml").display().to_string();
    assert!(
        ended.stderr.starts_with(&format!(
            "No secret is given: using uaac's login admin in {file}, of client admin\n"
        )),
        "{ended}"
    );
    assert_eq!((story.uaa().logins(), story.uaa().writes().len()), (0, 1));
    assert_eq!(std::fs::read(story.path(".uaac.yml")).expect("ours"), before);
}

#[test]
fn its_place_can_be_elsewhere_and_uaa_clis_comes_second() {
    let story = uaac(story(FakeUaa::start()), "admin", &jwt(CLIENT, 30));
    let config = format!(
        r#"{{"Targets": {{"x": {{"BaseUrl": "{}/", "ActiveContextName": "mine", "Contexts": {{"mine": {{"Token": {{"access_token": "{}"}}}}}}}}}}}}"#,
        story.uaa().url(),
        jwt(CLIENT, 600)
    );
    let story = story.file("config/config.json", &config);
    let (home, config) = (story.path("").display().to_string(), story.path("config").display().to_string());
    let story = story.env("HOME", "/nowhere").env("UAAC_HOME", &home).env("UAA_HOME", &config);
    let ended = story.run(&PLAN).exits(0);
    assert!(
        ended.stderr.contains("Not used: uaac's login admin in ")
            && ended.stderr.contains("because it has expired"),
        "{ended}"
    );
    assert!(ended.stderr.contains("using uaa-cli's login mine in "), "{ended}");
}

#[test]
fn it_is_not_used_where_a_secret_is_given_or_it_is_not_wanted_or_it_is_for_another_address() {
    let missing = "error: the secret of client `admin` is missing\n";
    let with_secret =
        uaac(story(FakeUaa::start()), "admin", &jwt(CLIENT, 600)).env("UAA_CLIENT_SECRET", SECRET);
    let ended = with_secret.run(&PLAN).exits(0);
    assert!(!ended.stderr.contains("uaac") && with_secret.uaa().logins() == 1, "{ended}");

    let unwanted = uaac(story(FakeUaa::start()), "admin", &jwt(CLIENT, 600));
    let ended = unwanted.run(&[&PLAN[..], &["--no-saved-login"]].concat()).exits(1);
    assert!(ended.stderr.starts_with(missing), "{ended}");

    let elsewhere = story(FakeUaa::start());
    let text = format!(
        "https://uaa.example.com:\n  contexts:\n    admin: {{current: true, access_token: {}}}\n",
        jwt(CLIENT, 600)
    );
    let ended = elsewhere.file(".uaac.yml", &text).run(&PLAN).exits(1);
    assert!(ended.stderr.starts_with(missing), "{ended}");

    let broken = story(FakeUaa::start()).file(".uaac.yml", SECRET);
    let ended = broken.run(&PLAN).exits(1);
    assert!(ended.stderr.contains(".uaac.yml cannot be read\n") && ended.stderr.contains(missing), "{ended}");
}

#[test]
fn the_user_whose_login_it_is_cannot_lock_itself_out() {
    let server = FakeUaa::start();
    server.user("bob");
    let story = uaac(story(server), "bob", &jwt(USER, 600))
        .file("pks.yml", "version: 1\nusers: [{username: bob, active: false}]\n");
    let ended = story.run(&["apply", "-f", "pks.yml", "--yes"]).exits(3);
    assert!(ended.stderr.contains("of user uaa/bob by client cf"), "{ended}");
    assert!(ended.stdout.contains("The user that this run is logged in as would be suspended."), "{ended}");
    assert_eq!(story.uaa().writes(), Vec::<String>::new());
}

#[test]
fn a_login_that_may_too_little_names_the_user_and_the_group() {
    let server = FakeUaa::start();
    server.user("bob");
    let token = jwt(&USER.replace("\"scim.read\", \"scim.write\"", "\"openid\""), 600);
    let ended = uaac(story(server), "bob", &token).run(&PLAN).exits(1);
    assert!(
        ended.stderr.contains("error: the login of user `uaa/bob` lacks the scope scim.read\n"),
        "{ended}"
    );
    assert!(ended.stderr.contains("uaac member add scim.read bob"), "{ended}");
}

#[test]
fn a_user_who_may_not_do_what_the_plan_needs_is_told_before_the_first_write() {
    let token = jwt(&USER.replace(", \"scim.write\"", ""), 600);
    let story = uaac(story(FakeUaa::start()), "bob", &token);
    let ended = story.run(&["apply", "-f", "pks.yml", "--yes"]).exits(1);
    assert!(
        ended.stderr.contains("user `uaa/bob` may not do what the plan needs; nothing was written"),
        "{ended}"
    );
    assert!(
        ended.stderr.contains("uaac member add GROUP USER") && !ended.stderr.contains("client update"),
        "{ended}"
    );
    assert_eq!(story.uaa().writes(), Vec::<String>::new());
}

#[test]
fn a_login_that_ends_during_the_run_is_not_renewed() {
    let server = FakeUaa::with(|seen, _| {
        (seen.method == "POST").then(|| error(401, "invalid_token", "The token expired"))
    });
    let story = uaac(story(server), "admin", &jwt(CLIENT, 600));
    let ended = story.run(&["apply", "-f", "pks.yml", "--yes"]);
    assert!(ended.code == Some(1) && ended.stdout.contains("UAA takes uaac's login admin in "), "{ended}");
    assert!(ended.stdout.contains("no longer: it has expired or was revoked"), "{ended}");
    assert_eq!(story.uaa().logins(), 0);
}

#[test]
fn it_tells_which_client_is_our_own_to_rotate() {
    let story = uaac(story(FakeUaa::start()), "bob", &jwt(USER, 600));
    let ran = story.run(&["rotate", "cf", "--print"]).exits(1);
    assert!(ran.stderr.contains("`cf` is the client that this run is logged in as"), "{ran}");
    let ran = story.run(&["rotate", "admin", "--print"]).exits(1);
    assert!(ran.stderr.contains("clients.secret") && !ran.stderr.contains("--self"), "{ran}");
    let ran = story.run(&["rotate", "--self", "--print"]).exits(1);
    assert!(ran.stderr.contains("not another program's login"), "{ran}");
}
