//! Nothing secret is ever printed, at the highest log level, whatever goes right or wrong.

use serde_json::Value;
use uaapply_lab::UaaVersion;

use crate::clients::{token, works};
use crate::on_each_uaa;
use crate::world::{CANARY, Ran, World, changes, kept, names};

on_each_uaa! {
    fn no_secret_in_any_output_at_the_highest_log_level(world) {
        world.has_pks_groups();
        world.file("pks.yml", "version: 1\nusers:\n  - {username: ann@example.com, password: ((password)), cluster_access: manage}\n  - {username: bob@example.com, password: literal-canary-9, cluster_access: none}\n");
        let secret = world.foundation.admin_secret();
        for args in [
            vec!["validate", "-f", "pks.yml"],
            vec!["plan", "-f", "pks.yml"],
            vec!["plan", "-f", "pks.yml", "--format", "json"],
            vec!["apply", "-f", "pks.yml", "--yes", "--report", "report.json", "--audit-log", "audit.jsonl"],
            vec!["apply", "-f", "pks.yml", "--yes", "--format", "json"],
            vec!["plan", "-f", "pks.yml", "--target", "https://localhost:1"],
        ] {
            let args: Vec<&str> = args.into_iter().chain(["--log-level", "trace"]).collect();
            let ran = Ran::from(world.command(&args).output().expect("runs"));
            let report = std::fs::read_to_string(world.path("report.json")).unwrap_or_default();
            let audit = std::fs::read_to_string(world.path("audit.jsonl")).unwrap_or_default();
            for text in [&ran.stdout, &ran.stderr, &report, &audit] {
                for canary in [CANARY, "literal-canary-9", secret] {
                    assert!(!text.contains(canary), "{canary} in the output of {args:?}:\n{text}");
                }
            }
        }
        let audit = std::fs::read_to_string(world.path("audit.jsonl")).expect("it is kept");
        assert!(audit.contains("ann@example.com") && audit.contains("((redacted))"), "{audit}");
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

    fn generated_passwords_are_taken_kept_and_never_printed(world) {
        world.file("pks.yml", "version: 1\nvariables:\n  - {name: ann, type: password}\n  - {name: bob, type: password, options: {length: 72}}\nusers:\n  - {username: ann@example.com, password: ((ann))}\n  - {username: bob@example.com, password: ((bob))}\n");
        let apply = ["apply", "-f", "pks.yml", "--yes", "--vars-store", "vars.yml", "--log-level", "trace"];
        let ran = world.run(&apply);
        assert_eq!(ran.code, 0, "{ran:?}");
        let store = std::fs::read_to_string(world.path("vars.yml")).expect("it is written");
        let values: Vec<&str> = store.lines().filter_map(|line| line.split_once(": ")).map(|(_, value)| value).collect();
        assert_eq!(values.iter().map(|value| value.len()).collect::<Vec<_>>(), [32, 72]);
        let again = world.run(&apply);
        assert_eq!(again.code, 0, "{again:?}");
        for value in values {
            for text in [&ran.stdout, &ran.stderr, &again.stdout, &again.stderr] {
                assert!(!text.contains(value), "a generated password is printed:\n{text}");
            }
        }
        assert_eq!(std::fs::read_to_string(world.path("vars.yml")).expect("it is there"), store);
        assert_eq!(world.users().len(), 2);
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
        let (power, powers) = world.foundation.has_client("power", &["uaa.admin"]);
        let issued = token(world, &right, &secret).expect("it works");
        let entry = |client: &str, secret: &str| format!("  - {{client_id: {client}, client_secret: {secret}, name: N}}\n");
        let own = entry("admin", "not-what-it-is").replace(", name: N", "");
        world.file("pks.yml", &format!("version: 1\nclients:\n{}{}{}{own}", entry(&wrong, CANARY), entry(&right, &secret), entry(&power, CANARY)));
        let run = |args: &[&str]| {
            let ran = Ran::from(world.command(args).env_remove("UAA_ZONE").args(["-f", "pks.yml"]).output().expect("runs"));
            assert!(!format!("{ran:?}").contains(CANARY), "the secret is shown by {args:?}");
            ran
        };
        let ran = run(&["plan", "--format", "json"]);
        let plan: Value = serde_json::from_str(&ran.stdout).expect("JSON");
        assert_eq!(changes(&plan).len(), 3, "only the names: {plan}");
        assert_eq!(kept(&plan, "secret_unchecked"), names(&["admin", &power]));
        let settled = |ran: &Ran| -> Vec<String> {
            let report: Value = serde_json::from_str(&ran.stdout).unwrap_or_else(|error| panic!("{error}: {ran:?}"));
            assert_eq!((ran.code, &report["converged"]), (0, &Value::Bool(true)), "{ran:?}");
            changes(&report).into_iter().filter(|change| change.starts_with("set_client_secret")).collect()
        };
        assert_eq!(settled(&run(&["apply", "--yes", "--format", "json"])), [format!("set_client_secret {wrong}")]);
        assert!(token(world, &wrong, CANARY).is_some() && token(world, &wrong, &old).is_none());
        assert!(works(world, &issued), "a secret that works was set again");
        assert!(token(world, &power, &powers).is_some(), "a privileged client was taken over");
        // Nothing is left to do, and nobody is told of what was only checked.
        assert_eq!(settled(&run(&["apply", "--yes", "--format", "json"])), Vec::<String>::new());
        let ran = run(&["apply"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.stderr.contains("2 client secrets"), "{ran:?}");
        // Probed, it is a change, which takes consent.
        assert_eq!(run(&["plan", "--probe-secrets"]).code, 3);
        let key = format!("takeover:client/{power}");
        assert_eq!(settled(&run(&["apply", "--yes", "--format", "json", "--allow", &key])), [format!("set_client_secret {power}")]);
        assert!(token(world, &power, CANARY).is_some());
        assert_eq!(run(&["plan", "--probe-secrets", "--detailed-exitcode"]).code, 0);
    }
}
