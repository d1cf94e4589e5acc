//! Random definitions with awkward names, on the real server: what was applied once is never applied again.
//!
//! One manifest holds many of them, so that a run costs one apply; each property is drawn from a seed that a failure
//! prints.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde_json::{Value, json};
use uaapply_lab::UaaVersion;

use crate::on_each_uaa;
use crate::world::World;

/// Draws one value; the seed is fixed, so that a failure is the same on every machine.
fn draw<T: std::fmt::Debug>(seed: u8, strategy: impl Strategy<Value = T>) -> T {
    let rng = TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]);
    let mut runner = TestRunner::new_with_rng(Config::default(), rng);
    strategy.new_tree(&mut runner).expect("the strategy filters nothing").current()
}

/// Texts as people write them, and as they do not.
fn awkward() -> impl Strategy<Value = String> {
    let odd = prop::sample::select(vec![
        "Ünïcode 漢字",
        "quote\" and 'tick'",
        "100 %",
        "a%2Fb",
        "back\\slash",
        "yes",
        "null",
        "0123",
        "1e3",
        "- dash",
        "colon: space",
        "# hash",
        "a, b;c",
        "{brace}",
        "[bracket]",
        "*star",
        "&and",
        "!bang",
        "@at",
        "émoji 🙂",
    ]);
    prop_oneof![
        4 => odd.prop_map(str::to_owned),
        2 => "[a-zA-Z0-9 .'_-]{1,20}".prop_map(|text| text.trim().to_owned()).prop_map(|text| if text.is_empty() { "x".to_owned() } else { text }),
        1 => Just("long".repeat(63)),
    ]
}

/// Scope tokens (RFC 6749) without the comma.
fn scope() -> impl Strategy<Value = String> {
    prop_oneof![
        prop::sample::select(vec![
            "openid",
            "uaa.resource",
            "pks.clusters.manage",
            "scim.read",
            "a%b",
            "x'y",
            "team:*",
            "t(a)",
            "=",
            "~"
        ])
        .prop_map(str::to_owned),
        "[a-z][a-z0-9._-]{0,12}",
    ]
}

/// Usernames that UAA takes; of one script, since lookalikes are refused.
fn username() -> impl Strategy<Value = String> {
    prop_oneof![3 => "[a-zA-ZäÖß0-9+_.@'!-]{1,12}", 1 => "[漢字語0-9+_!-]{1,8}"]
}

fn sets<T: std::fmt::Debug + Ord>(of: impl Strategy<Value = T>) -> impl Strategy<Value = BTreeSet<T>> {
    prop::collection::btree_set(of, 0..4)
}

/// A client's properties: each is left out, cleared or set.
fn client() -> impl Strategy<Value = Value> {
    let grants = prop::sample::select(vec![
        json!(["client_credentials"]),
        json!(["password"]),
        json!(["authorization_code"]),
        json!(["client_credentials", "authorization_code", "refresh_token"]),
        json!(["password", "client_credentials"]),
    ]);
    let texts = prop::option::of(prop_oneof![1 => Just(Value::Null), 3 => awkward().prop_map(Value::from)]);
    let lists = |of: BoxedStrategy<String>| prop::option::of(sets(of).prop_map(|set| json!(set)));
    // An empty list of them would let nobody in, so a manifest cannot say it.
    let providers =
        prop::sample::select(vec![Value::Null, json!(["uaa"]), json!(["ldap"]), json!(["uaa", "ldap"])]);
    let seconds =
        prop::option::of(prop_oneof![1 => Just(Value::Null), 3 => (1..100_000i64).prop_map(Value::from)]);
    let approve = prop::option::of(prop_oneof![Just(json!(true)), sets(scope()).prop_map(|set| json!(set))]);
    let extra = prop::option::of(prop_oneof![
        Just(json!({"flag": false, "empty": ""})),
        awkward().prop_map(|text| json!({"team": text, "size": 3, "deep": {"list": [1, "two", null, true]}})),
        Just(json!({"team": null})),
    ]);
    (
        (grants, lists(scope().boxed()), lists(scope().boxed()), approve),
        (texts, seconds.clone(), seconds, prop::option::of(providers)),
        (lists(scope().boxed()), extra, any::<bool>()),
    )
        .prop_map(
            |(
                (grants, scope, authorities, autoapprove),
                (name, access, refresh, providers),
                (groups, extra, wide),
            )| {
                let redirect = if wide {
                    json!(["https://a.example.com/cb", "https://b.example.com/**"])
                } else {
                    json!(["http://localhost:8080/%20?x=1"])
                };
                let mut client = json!({"authorized_grant_types": grants, "redirect_uri": redirect});
                let fields = [
                    ("scope", scope),
                    ("authorities", authorities),
                    ("autoapprove", autoapprove),
                    ("name", name),
                    ("access_token_validity", access),
                    ("refresh_token_validity", refresh),
                    ("allowedproviders", providers),
                    ("required_user_groups", groups),
                    ("extra", extra),
                ];
                for (key, value) in fields {
                    if let Some(value) = value {
                        client[key] = value;
                    }
                }
                client
            },
        )
}

/// The manifest of some random clients; JSON is YAML.
fn clients(seed: u8) -> String {
    let mut manifest = "version: 1\nclients:\n".to_owned();
    for (number, mut client) in draw(seed, prop::collection::vec(client(), 30)).into_iter().enumerate() {
        client["client_id"] = json!(format!("random {number} ü'+"));
        client["client_secret"] = json!("((password))");
        writeln!(manifest, "  - {client}").expect("a String takes all");
    }
    manifest
}

/// The manifest of users, groups, members and mappings with awkward names.
fn people(seed: u8) -> String {
    let users: BTreeSet<String> = draw(seed, prop::collection::btree_set(username(), 12));
    let texts: Vec<String> = draw(seed, prop::collection::vec(awkward(), 40));
    let groups: BTreeSet<String> =
        draw(seed, prop::collection::btree_set(scope().prop_map(|name| format!("g{seed}.{name}")), 8));
    let dns: BTreeSet<String> = draw(
        seed,
        prop::collection::btree_set(
            awkward().prop_map(|text| format!("CN={text},DC=x").replace(['/', '\\', ';', '%'], "-")),
            5,
        ),
    );
    let mut seen = BTreeSet::new();
    let mut manifest = "version: 1\ntarget: {origins: [ldap]}\nusers:\n".to_owned();
    let mut text = texts.iter().cycle();
    for name in &users {
        // Names that differ only in case are one user.
        if !seen.insert(name.to_lowercase()) {
            continue;
        }
        let user = json!({"username": name, "email": format!("{}@example.com", seen.len()), "given_name": text.next(), "family_name": text.next(),
            "phone": text.next(), "external_id": text.next(), "password": "((password))", "groups": groups.iter().take(seen.len() % 4).collect::<Vec<_>>()});
        writeln!(manifest, "  - {user}").expect("a String takes all");
    }
    manifest.push_str("groups:\n");
    for (number, name) in groups.iter().enumerate() {
        let mappings: Vec<Value> =
            dns.iter().skip(number % 3).map(|dn| json!({"origin": "ldap", "group": dn})).collect();
        let group = json!({"name": name, "description": text.next(), "external_groups": mappings});
        writeln!(manifest, "  - {group}").expect("a String takes all");
    }
    manifest
}

/// Applies one after the other over the same objects; after each there is nothing left to do.
fn settles(world: &World, manifests: impl IntoIterator<Item = String>) {
    // MySQL's `utf8` cannot hold characters of four bytes (`databases`): there it is another sign.
    let smile = if world.holds_emoji() { "🙂" } else { "☺" };
    for manifest in manifests {
        let manifest = manifest.replace('🙂', smile);
        world.file("pks.yml", &manifest);
        let ran = world.run(&["apply", "-f", "pks.yml", "--yes", "--quiet"]);
        assert_eq!(ran.code, 0, "{}\n{}\nof\n{manifest}", ran.stdout, ran.stderr);
        let again = world.run(&["plan", "-f", "pks.yml", "--detailed-exitcode"]);
        assert_eq!(
            again.code, 0,
            "the second plan is not empty:\n{}\n{}\nof\n{manifest}",
            again.stdout, again.stderr
        );
    }
}

on_each_uaa! {
    fn random_clients_are_applied_once(world) {
        settles(world, (1..=3).map(clients));
    }

    fn random_people_are_applied_once(world) {
        settles(world, (1..=2).map(people));
    }
}
