//! What goes wrong before the first read: each cause named, with the next step, exit 1, nothing written.

use uaapply_lab::UaaVersion;
use uaapply_lab::certificates::{Kind, serving};

use crate::on_each_uaa;
use crate::world::{Ran, World};

const ANY: &str = "version: 1\ngroups:\n  - name: team.any\n    additive: true\n";

/// A refused run: exit 1, nothing on stdout, and all of these words on stderr.
fn refuses(ran: &Ran, words: &[&str]) {
    assert_eq!(ran.code, 1, "{ran:?}");
    assert_eq!(ran.stdout, "");
    for word in words {
        assert!(ran.stderr.to_lowercase().contains(&word.to_lowercase()), "no {word:?} in:\n{}", ran.stderr);
    }
}

on_each_uaa! {
    fn a_wrong_secret_is_told_from_everything_else(world) {
        world.file("pks.yml", ANY);
        let ran = Ran::from(world.command(&["apply", "-f", "pks.yml", "--yes"]).env("UAA_CLIENT_SECRET", "wr0ng-secret").output().expect("runs"));
        refuses(&ran, &["admin", "401", "secret", "hint:"]);
        assert!(!ran.stderr.contains("wr0ng-secret"));
    }

    fn a_certificate_of_an_unknown_authority_names_the_option(world) {
        world.file("pks.yml", ANY);
        let ran = Ran::from(world.command(&["plan", "-f", "pks.yml"]).env_remove("UAA_CA_CERT").output().expect("runs"));
        refuses(&ran, &["certificate", "--ca-cert"]);
    }

    fn without_verification_it_works_and_warns(world) {
        world.file("pks.yml", ANY);
        let ran = Ran::from(world.command(&["plan", "-f", "pks.yml", "-k"]).env_remove("UAA_CA_CERT").output().expect("runs"));
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(ran.stderr.contains("warning"), "{ran:?}");
    }

    fn an_unknown_host_is_a_matter_of_names(world) {
        world.file("pks.yml", ANY);
        refuses(&world.run(&["plan", "-f", "pks.yml", "-t", "https://uaa.invalid:8443"]), &["uaa.invalid", "resolve"]);
    }

    fn a_port_where_nobody_listens_is_said(world) {
        world.file("pks.yml", ANY);
        refuses(&world.run(&["plan", "-f", "pks.yml", "-t", "https://localhost:1"]), &["localhost:1", "refused"]);
    }

    fn an_unknown_zone_is_said(world) {
        world.file("pks.yml", ANY);
        refuses(&world.run(&["plan", "-f", "pks.yml", "-z", "nowhere"]), &["zone", "nowhere"]);
    }

    fn the_zone_can_be_named_by_its_subdomain(world) {
        world.file("pks.yml", "version: 1\ngroups:\n  - name: team.sub\n");
        let ran = world.run(&["apply", "-f", "pks.yml", "--yes", "-z", &world.zone.subdomain]);
        assert_eq!(ran.code, 0, "{ran:?}");
        assert!(world.members("team.sub").is_empty());
    }

    fn the_pks_api_is_no_uaa(world) {
        world.file("pks.yml", ANY);
        refuses(&world.run(&["plan", "-f", "pks.yml", "-t", &world.foundation.api_url()]), &["uaa"]);
    }

    fn another_issuer_than_the_manifest_pins_is_refused_before_the_secret_is_sent(world) {
        world.file("pks.yml", "version: 1\ntarget: {issuer: 'https://elsewhere.example.com/oauth/token'}\ngroups: []\n");
        let ran = Ran::from(world.command(&["plan", "-f", "pks.yml"]).env("UAA_CLIENT_SECRET", "wrong: a log-in would fail").output().expect("runs"));
        assert_eq!(ran.code, 3, "{ran:?}");
        assert!(ran.stdout.contains("elsewhere.example.com"), "{ran:?}");
    }

    fn another_zone_than_the_manifest_pins_is_refused(world) {
        world.file("pks.yml", "version: 1\ntarget: {zone: uaa}\ngroups: [{name: team.pinned}]\n");
        assert_eq!(world.run(&["apply", "-f", "pks.yml", "--yes"]).code, 3);
        world.file("pks.yml", &format!("version: 1\ntarget: {{zone: {}}}\ngroups: [{{name: team.pinned}}]\n", world.zone.id));
        world.converge();
    }

    fn a_client_with_too_little_authority_is_told_what_it_lacks(world) {
        world.file("pks.yml", "version: 1\ngroups: [{name: team.denied}]\n");
        let reader = world.foundation.has_client("reader", &["scim.read", "zones.read", "idps.read"]);
        let nobody = world.foundation.has_client("nobody", &["uaa.resource"]);
        let as_client = |client: &(String, String), args: &[&str]| {
            Ran::from(world.command(args).env("UAA_CLIENT_ID", &client.0).env("UAA_CLIENT_SECRET", &client.1).env_remove("UAA_ZONE").output().expect("runs"))
        };
        refuses(&as_client(&nobody, &["plan", "-f", "pks.yml"]), &["scim.read", "uaac client update"]);
        assert_eq!(as_client(&reader, &["plan", "-f", "pks.yml"]).code, 0);
        let ran = as_client(&reader, &["apply", "-f", "pks.yml", "--yes"]);
        assert_eq!(ran.code, 1, "{ran:?}");
        assert!(ran.stderr.contains("scim.write") && ran.stderr.contains("uaac client update"), "{}", ran.stderr);
    }
}

on_each_uaa! {
    fn a_misspelt_zone_is_said_not_to_exist_whatever_the_client_may_do(world) {
        world.file("pks.yml", ANY);
        let zone = world.zone.id.clone();
        let typo = format!("{zone}x");
        let in_zone = format!("zones.{zone}.admin");
        for (authorities, near) in [
            (&["scim.read"][..], false),
            (&["scim.read", &in_zone], false),
            (&["scim.read", "zones.read"], true),
            (&["uaa.admin"], true),
        ] {
            let client = world.foundation.has_client("zoned", authorities);
            let run = |zone: &str| {
                let mut command = world.command(&["plan", "-f", "pks.yml", "-z", zone]);
                Ran::from(command.env("UAA_CLIENT_ID", &client.0).env("UAA_CLIENT_SECRET", &client.1).output().expect("runs"))
            };
            let ran = run(&typo);
            refuses(&ran, &[&format!("no identity zone `{typo}`")]);
            assert!(!ran.stderr.contains("authorities"), "{authorities:?}: {}", ran.stderr);
            assert_eq!(ran.stderr.contains(&format!("did you mean `{zone}`?")), near, "{authorities:?}: {}", ran.stderr);
        }
        // One that exists, and in which the client has no right.
        let client = world.foundation.has_client("unzoned", &["scim.read"]);
        let mut command = world.command(&["plan", "-f", "pks.yml"]);
        let ran = Ran::from(command.env("UAA_CLIENT_ID", &client.0).env("UAA_CLIENT_SECRET", &client.1).output().expect("runs"));
        refuses(&ran, &["no right in identity zone", "zones."]);
    }

    fn the_default_zone_can_be_named_by_a_client_with_the_least_authority(world) {
        world.file("pks.yml", ANY);
        let client = world.foundation.has_client("least", &["scim.read"]);
        let mut command = world.command(&["plan", "-f", "pks.yml", "-z", "uaa"]);
        let ran = Ran::from(command.env("UAA_CLIENT_ID", &client.0).env("UAA_CLIENT_SECRET", &client.1).output().expect("runs"));
        assert_eq!(ran.code, 0, "{ran:?}");
    }

    fn in_another_zone_only_the_authorities_of_that_zone_count(world) {
        world.file("pks.yml", "version: 1\ngroups: [{name: team.zoned}]\n");
        let scope = |name: &str| format!("zones.{}.scim.{name}", world.zone.id);
        let (read, write) = (scope("read"), scope("write"));
        for (authorities, code) in [([read.as_str(), "scim.write"], 1), ([&read, &write], 0)] {
            let client = world.foundation.has_client("zoned", &authorities);
            let mut command = world.command(&["apply", "-f", "pks.yml", "--yes"]);
            let ran = Ran::from(command.env("UAA_CLIENT_ID", &client.0).env("UAA_CLIENT_SECRET", &client.1).output().expect("runs"));
            assert_eq!(ran.code, code, "{ran:?}");
            assert_eq!(ran.stderr.contains("nothing was written") && ran.stderr.contains(&write), code == 1, "{ran:?}");
        }
    }

    fn a_wrong_path_or_scheme_names_the_right_address(world) {
        world.file("pks.yml", ANY);
        let right = world.foundation.uaa_url();
        for path in ["/uaa", "/oauth/token", "/uaa/oauth/token"] {
            let ran = world.run(&["plan", "-f", "pks.yml", "-t", &format!("{right}{path}")]);
            refuses(&ran, &[&format!("hint: UAA answers at {right}: write that in --target")]);
        }
        let ran = world.run(&["plan", "-f", "pks.yml", "-t", &right.replace("https://", "http://")]);
        refuses(&ran, &[&format!("write {right}")]);
    }
}

/// Plans against a little server with a certificate of this kind.
fn against(kind: Kind) -> Ran {
    let server = serving(kind).expect("the little server starts");
    let world = World::new(UaaVersion::V4_30_0);
    world.file("pks.yml", ANY);
    let mut command = world.command(&["plan", "-f", "pks.yml", "-t", server.url()]);
    Ran::from(command.env("UAA_CA_CERT", server.ca_file()).output().expect("runs"))
}

#[test]
fn an_expired_certificate_is_called_expired() {
    refuses(&against(Kind::Expired), &["certificate", "expired", "hint:"]);
}

#[test]
fn a_certificate_for_another_name_is_called_that() {
    refuses(&against(Kind::WrongName), &["certificate", "name", "hint:"]);
}

#[test]
fn a_certificate_of_another_authority_than_the_given_one_names_the_option() {
    refuses(&against(Kind::OtherAuthority), &["certificate", "--ca-cert"]);
}

#[test]
fn a_web_server_is_no_uaa() {
    refuses(&against(Kind::NoUaa), &["no uaa", "hint:"]);
}
