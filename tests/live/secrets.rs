//! Nothing secret is ever printed, at the highest log level, whatever goes right or wrong.

use std::collections::BTreeMap;

use uaapply::apply::{Interrupt, Progress, apply};
use uaapply::manifest::{self, Sources};
use uaapply::plan::policy::{Allow, Policy};
use uaapply::plan::{self, BlindSpot, BlindSpotWhat, Change};
use uaapply::report::Outcome;
use uaapply_lab::UaaVersion;

use crate::clients::{at_home, run, token, works};
use crate::on_each_uaa;
use crate::world::{CANARY, Ran, World, changes};

on_each_uaa! {
    fn no_secret_in_any_output_at_the_highest_log_level(world) {
        world.has_pks_groups();
        world.file("pks.yml", "version: 1\nusers:\n  - {username: ann@example.com, password: ((password)), cluster_access: manage}\n  - {username: bob@example.com, password: literal-canary-9, cluster_access: none}\n");
        let secret = world.foundation.admin_secret();
        for args in [
            vec!["validate", "-f", "pks.yml"],
            vec!["plan", "-f", "pks.yml"],
            vec!["plan", "-f", "pks.yml", "--format", "json"],
            vec!["apply", "-f", "pks.yml", "--yes", "--report", "report.json"],
            vec!["apply", "-f", "pks.yml", "--yes", "--format", "json"],
            vec!["plan", "-f", "pks.yml", "--target", "https://localhost:1"],
        ] {
            let args: Vec<&str> = args.into_iter().chain(["--log-level", "trace"]).collect();
            let ran = Ran::from(world.command(&args).output().expect("runs"));
            let report = std::fs::read_to_string(world.path("report.json")).unwrap_or_default();
            for text in [&ran.stdout, &ran.stderr, &report] {
                for canary in [CANARY, "literal-canary-9", secret] {
                    assert!(!text.contains(canary), "{canary} in the output of {args:?}:\n{text}");
                }
            }
        }
        assert_eq!(world.user("ann@example.com").map(|user| user["active"].clone()), Some(true.into()));
    }

    fn the_secret_comes_from_a_file_a_command_or_standard_input(world) {
        world.file("pks.yml", "version: 1\ngroups: [{name: team.secret, additive: true}]\n");
        world.file("secret.txt", &format!("{}\n", world.foundation.admin_secret()));
        let plan = |args: &[&str], stdin: Option<&str>| {
            let args: Vec<&str> = ["plan", "-f", "pks.yml"].iter().chain(args).copied().collect();
            let mut command = world.command(&args);
            command.env_remove("UAA_CLIENT_SECRET").env("PATH", std::env::var_os("PATH").unwrap_or_default());
            if let Some(file) = stdin {
                command.stdin(std::fs::File::open(world.path(file)).expect("the file is there"));
            }
            Ran::from(command.output().expect("runs"))
        };
        assert_eq!(plan(&["--client-secret-file", "secret.txt"], None).code, 0);
        assert_eq!(plan(&["--client-secret-command", "cat secret.txt"], None).code, 0);
        assert_eq!(plan(&["--client-secret-stdin"], Some("secret.txt")).code, 0);
        let ran = plan(&[], None);
        assert_eq!(ran.code, 1);
        assert!(ran.stderr.contains("--client-secret-file") && ran.stderr.contains("UAA_CLIENT_SECRET"), "{}", ran.stderr);
    }

    fn a_probed_secret_is_planned_where_it_does_not_work_and_left_alone_where_it_does(world) {
        let (client, secret) = world.foundation.has_client("probe", &["uaa.none"]);
        let issued = token(world, &client, &secret).expect("it works");
        world.file("pks.yml", &format!("version: 1\nclients:\n  - client_id: {client}\n    client_secret: ((password))\n"));
        let probed = |password: &str, args: &[&str]| {
            let mut command = world.command(args);
            command.env_remove("UAA_ZONE").env("T_password", password).args(["-f", "pks.yml", "--probe-secrets", "--log-level", "trace"]);
            let ran = Ran::from(command.output().expect("runs"));
            assert!(!format!("{ran:?}").contains(password), "the secret is shown by {args:?}");
            ran
        };
        let ran = probed(&secret, &["plan", "--detailed-exitcode"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert_eq!(probed(&secret, &["apply", "--yes"]).code, 0);
        assert!(works(world, &issued), "a probe ended a token");
        let ran = probed(CANARY, &["plan", "--format", "json"]);
        assert_eq!(changes(&serde_json::from_str(&ran.stdout).expect("JSON")), [format!("set_client_secret {client}")]);
        assert!(token(world, &client, CANARY).is_none(), "plan wrote");
        let ran = probed(CANARY, &["apply", "--yes"]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(token(world, &client, CANARY).is_some() && token(world, &client, &secret).is_none());
        assert!(!works(world, &issued));
        assert_eq!(probed(CANARY, &["plan", "--detailed-exitcode"]).code, 0);
    }

    fn the_secrets_that_a_plan_leaves_open_are_settled_and_only_what_changed_is_told(world) {
        let (wrong, old) = world.foundation.has_client("settle", &["uaa.none"]);
        let (right, secret) = world.foundation.has_client("settle", &["uaa.none"]);
        let issued = token(world, &right, &secret).expect("it works");
        world.file("pks.yml", &format!("version: 1\nclients:\n  - {{client_id: {wrong}, client_secret: {CANARY}}}\n  - {{client_id: {right}, client_secret: {secret}}}\n"));
        let loaded = manifest::load(&Sources { paths: vec![world.path("pks.yml")], ..Sources::default() });
        let loaded = loaded.unwrap_or_else(|problems| panic!("{problems:?}"));
        let (told, again) = run(async {
            let (reader, writer) = at_home(world).await;
            let observed = reader.observe(&plan::scope(&loaded.desired)).await.expect("it is read");
            let mut plan = plan::make(&loaded.desired, &observed, &Policy::default(), &Allow::default()).expect("a plan");
            plan.blind_spots = vec![BlindSpot { what: BlindSpotWhat::ClientSecret, items: vec![wrong.clone(), right.clone()], values: BTreeMap::new(), why: String::new() }];
            let settle = plan::to_settle(&plan, &loaded.desired);
            let (_keep, stop) = tokio::sync::watch::channel(Interrupt::None);
            let apply = async || apply(&plan, &settle, &observed, &loaded.secrets, &writer, 4, &Silent, stop.clone()).await;
            (apply().await, apply().await)
        });
        let told: Vec<(&str, Outcome)> = told.changes.iter().map(|applied| (applied.change.key.as_str(), applied.outcome)).collect();
        assert_eq!(told, [(wrong.as_str(), Outcome::Done)]);
        assert_eq!(again.changes, Vec::new());
        assert!(token(world, &wrong, CANARY).is_some() && token(world, &wrong, &old).is_none());
        assert!(works(world, &issued), "a secret that works was set again");
    }
}

struct Silent;

impl Progress for Silent {
    fn started(&self, _: &Change) {}
    fn finished(&self, _: &Change, _: Outcome, _: Option<&str>) {}
}
