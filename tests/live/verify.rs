//! The product page's chain by `verify`, in the default zone, where `pks_cli` is: log-in, token, scopes, clusters; and
//! what each failure says.

use serde_json::{Value, json};
use uaapply_lab::UaaVersion;

use crate::world::{CANARY, Ran, World, rows, text};

/// alana sees what she made, cody and rita everything, dana nothing.
const PEOPLE: &str = r#"
version: 1
users:
  - {username: alana, email: alana@example.com, password: ((password)), cluster_access: manage}
  - {username: cody, email: cody@example.com, password: ((password)), cluster_access: admin}
  - {username: rita, email: rita@example.com, password: ((password)), cluster_access: read}
  - {username: dana, email: dana@example.com, password: ((password)), cluster_access: none}
clients:
  - client_id: verify-ci
    client_secret: ((password))
    authorized_grant_types: [client_credentials]
    cluster_access: admin
"#;

/// Runs in the default zone, without an administrator's secret.
fn verify(world: &World, args: &[&str], secret: bool) -> Ran {
    let mut command = world.command(&[&["verify"], args].concat());
    command
        .env_remove("UAA_ZONE")
        .env("HOME", world.path("."))
        .env("UAAPPLY_PKS_API", world.foundation.api_url());
    if !secret {
        command.env_remove("UAA_CLIENT_SECRET");
    }
    let ran = Ran::from(command.output().expect("the binary starts"));
    assert!(!ran.stdout.contains(CANARY) && !ran.stderr.contains(CANARY), "{ran:?}");
    ran
}

fn apply(world: &World) {
    let mut command = world.command(&["apply", "-f", "pks.yml", "--yes"]);
    let ran = Ran::from(command.env_remove("UAA_ZONE").output().expect("the binary starts"));
    assert_eq!(ran.code, 0, "{ran:?}");
}

fn json(ran: &Ran) -> Value {
    serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"))
}

/// The clusters of the one proof.
fn clusters(ran: &Ran) -> Vec<String> {
    rows(&json(ran)["proofs"][0]["clusters"]).iter().map(text).collect()
}

/// What is said of the one step that failed.
fn failed(ran: &Ran) -> String {
    assert_eq!(ran.code, 1, "{ran:?}");
    let steps = rows(&json(ran)["proofs"][0]["steps"]);
    let failed: Vec<&Value> = steps.iter().filter(|step| step["state"] == "failed").collect();
    assert!(!failed.is_empty(), "{ran:?}");
    failed.iter().map(ToString::to_string).collect()
}

fn user_id(world: &World, name: &str) -> String {
    let (_, found) = world
        .foundation
        .request("GET", &format!("/Users?filter=userName+eq+%22{name}%22"), None)
        .expect("UAA answers");
    text(&found["resources"][0]["id"])
}

/// The whole chain, then each cause in turn: one story, as accounts of the default zone are shared.
fn the_chain_is_followed_and_each_break_is_named(version: UaaVersion) {
    let world = World::new(version);
    world.file("pks.yml", PEOPLE).file("password", CANARY).file("wrong", "not-the-password");
    apply(&world);

    // Everybody, with the manifest's passwords, and nobody's secret besides.
    let all = verify(&world, &["-f", "pks.yml", "alana", "cody", "rita", "dana", "client/verify-ci"], false);
    assert_eq!(all.code, 0, "{}\n{}", all.stdout, all.stderr);
    for words in [
        "user/uaa/alana: proven",
        "2 clusters: shop-prod, shop-staging",
        "5 clusters",
        "signed by UAA's key",
        "the manifest gives none",
    ] {
        assert!(all.stdout.contains(words), "{words}: {}", all.stdout);
    }
    let as_json = |args: &[&str], secret| verify(&world, &[args, &["--format", "json"]].concat(), secret);
    let own = as_json(
        &[
            "alana",
            "--password-file",
            "password",
            "--expect",
            "alana: clusters=2, cluster shop-prod, no cluster data-lake",
        ],
        false,
    );
    assert_eq!(
        (own.code, clusters(&own)),
        (0, vec!["shop-prod".to_owned(), "shop-staging".to_owned()]),
        "{own:?}"
    );
    assert_eq!(clusters(&as_json(&["cody", "--password-file", "password"], false)).len(), 5);
    let none = as_json(&["dana", "--password-file", "password"], false);
    assert!(failed(&none).contains("holds none of the scopes"), "{none:?}");
    let denied =
        as_json(&["dana", "--password-file", "password", "--expect", "dana: denied, clusters=0"], false);
    assert_eq!(denied.code, 0, "{denied:?}");
    let more = as_json(&["alana", "--password-file", "password", "--expect", "alana: clusters>=3"], false);
    assert!(failed(&more).contains("clusters>=3"), "{more:?}");

    // A move shows at the next log-in.
    world.file(
        "pks.yml",
        &PEOPLE.replace(
            "cody@example.com, password: ((password)), cluster_access: admin",
            "cody@example.com, password: ((password)), cluster_access: manage",
        ),
    );
    let early = as_json(&["-f", "pks.yml", "cody"], false);
    assert!(failed(&early).contains("uaapply plan"), "{early:?}");
    let looked = as_json(&["-f", "pks.yml", "cody"], true);
    assert!(failed(&looked).contains("membership of pks.clusters.admin"), "{looked:?}");
    apply(&world);
    let moved = as_json(&["-f", "pks.yml", "cody"], false);
    assert_eq!((moved.code, clusters(&moved)), (0, vec!["data-lake".to_owned()]), "{moved:?}");

    // The PKS API is elsewhere, or is something else.
    let nowhere =
        as_json(&["alana", "--password-file", "password", "--pks-api", "https://localhost:1"], false);
    assert!(
        failed(&nowhere).contains("lets through UAA's port only")
            || failed(&nowhere).contains("let through UAA's port only"),
        "{nowhere:?}"
    );
    let uaa =
        as_json(&["alana", "--password-file", "password", "--pks-api", world.foundation.uaa_url()], false);
    assert!(failed(&uaa).contains("is not the PKS API"), "{uaa:?}");

    // UAA tells nothing; who may look is told the cause.
    let wrong = as_json(&["alana", "--password-file", "wrong"], false);
    assert!(failed(&wrong).contains("UAA answers all alike"), "{wrong:?}");
    let wrong = as_json(&["alana", "--password-file", "wrong"], true);
    assert!(failed(&wrong).contains("the password is wrong"), "{wrong:?}");
    let nobody = as_json(&["nobody", "--password-file", "wrong"], true);
    assert!(failed(&nobody).contains("there is no user uaa/nobody"), "{nobody:?}");
    let client = as_json(&["client/verify-ci", "--password-file", "wrong"], true);
    assert!(failed(&client).contains("the secret is wrong"), "{client:?}");
    let through = as_json(&["alana", "--password-file", "password", "--through", "no_cli"], true);
    assert!(failed(&through).contains("there is no client no_cli"), "{through:?}");

    // After a wrong password no other is tried.
    world.file("two.yml", &PEOPLE.replace("((password))", "((other))"));
    let two = Ran::from(
        world
            .command(&[
                "verify",
                "--pks-api",
                &world.foundation.api_url(),
                "-f",
                "two.yml",
                "alana",
                "cody",
                "--format",
                "json",
            ])
            .env_remove("UAA_ZONE")
            .env_remove("UAA_CLIENT_SECRET")
            .env("HOME", world.path("."))
            .env("T_other", "not-the-password")
            .output()
            .expect("the binary starts"),
    );
    assert_eq!(json(&two)["proofs"][1]["steps"][0]["state"], "skipped", "{two:?}");

    // Suspended, then locked.
    let id = user_id(&world, "cody");
    let (_, mut cody) = world.foundation.request("GET", &format!("/Users/{id}"), None).expect("UAA answers");
    cody["active"] = json!(false);
    let (status, said) =
        world.foundation.request("PUT", &format!("/Users/{id}"), Some(cody.clone())).expect("UAA answers");
    assert_eq!(status, 200, "{said}");
    let suspended = as_json(&["cody", "--password-file", "password"], true);
    assert!(failed(&suspended).contains("uaa/cody is suspended"), "{suspended:?}");
    for _ in 0..6 {
        world.foundation.password_login("rita", "not-the-password").expect("UAA answers");
    }
    let locked = as_json(&["rita", "--password-file", "password"], false);
    assert!(failed(&locked).contains("uaapply unlock rita"), "{locked:?}");
}

#[test]
fn the_chain_is_followed_and_each_break_is_named_on_4_30_0() {
    the_chain_is_followed_and_each_break_is_named(UaaVersion::V4_30_0);
}

#[test]
fn the_chain_is_followed_and_each_break_is_named_on_4_10_0() {
    the_chain_is_followed_and_each_break_is_named(UaaVersion::V4_10_0);
}
