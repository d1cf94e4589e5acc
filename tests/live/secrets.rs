//! Nothing secret is ever printed, at the highest log level, whatever goes right or wrong.

use uaapply_lab::UaaVersion;

use crate::on_each_uaa;
use crate::world::{CANARY, Ran, World};

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
}
