//! The committed JSON Schemas are those of the types.

use std::path::Path;

use schemars::{JsonSchema, schema_for};

use super::worlds::{Manifest, Site};
use super::{FORMAT, Plan};
use crate::model::ClusterRole::Manage;
use crate::report::{Applied, Outcome, Report};

/// Compares a committed schema with the type's; `UPDATE_SCHEMAS=1 cargo test --lib schema` writes it.
fn is_fresh<T: JsonSchema>(name: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/schema").join(name);
    let schema = serde_json::to_string_pretty(&schema_for!(T)).expect("a schema is JSON") + "\n";
    if std::env::var_os("UPDATE_SCHEMAS").is_some() {
        std::fs::create_dir_all(path.parent().expect("a file in a folder")).expect("the folder can be made");
        std::fs::write(&path, &schema).expect("the schema can be written");
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        committed == schema,
        "docs/schema/{name} is stale: run `UPDATE_SCHEMAS=1 cargo test --lib schema` and commit the result"
    );
}

fn is_valid<T: JsonSchema>(value: &impl serde::Serialize) {
    let schema = serde_json::to_value(schema_for!(T)).expect("a schema is JSON");
    let value = serde_json::to_value(value).expect("a plan is JSON");
    let validator = jsonschema::validator_for(&schema).expect("the schema is one");
    let errors: Vec<String> = validator.iter_errors(&value).map(|error| error.to_string()).collect();
    assert_eq!(errors, Vec::<String>::new());
    // And it refuses something.
    assert!(!validator.is_valid(&serde_json::json!({"format": FORMAT})));
}

/// A plan with every part: all kinds of changes of this version, kept items, a blind spot, findings with and without
/// key.
fn sample() -> Plan {
    let site = Site::new()
        .users(&["alana", "old"])
        .group("team", &["old"])
        .group("uaa.admin", &[])
        .maps("team", "ldap", "cn=old")
        .client("ci", &["authorized_grant_types=client_credentials", "authorities=a"])
        .group("pks.clusters.admin", &["alana", "old"]);
    Manifest::new()
        .user("alana")
        .edit("alana", |alana, said| {
            (alana.given_name, alana.email) = (said("Alana"), said("new@example.com"))
        })
        .user("new")
        .access("alana", &[Manage])
        .exact("team")
        .description("team", "The team")
        .maps("team", &[("ldap", "cn=new")])
        .exact("fresh")
        .member("fresh", "new")
        .additive("uaa.admin")
        .members("uaa.admin", &["new", "group:fresh"])
        .client(
            "ci",
            &["authorities=b", "access_token_validity=60", "extra.note={\"a\":[1,null]}", "name=CI"],
        )
        .secret("ci", crate::desired::SecretSource::Variable("ci_secret".to_owned()))
        .change(|desired| {
            let because = desired.users.values().next().expect("one user").because.clone();
            desired.pin.zone = Some(crate::desired::Said { value: "other".to_owned(), because });
        })
        .plan(&site)
}

#[test]
fn the_plans_schema_is_that_of_the_type_and_a_plan_is_valid() {
    is_fresh::<Plan>("plan.schema.json");
    let plan = sample();
    assert!(!plan.changes.is_empty() && !plan.kept.is_empty() && !plan.blind_spots.is_empty());
    assert!(plan.findings.iter().any(|finding| finding.key.is_none()));
    assert!(plan.findings.iter().any(|finding| finding.key.is_some()));
    is_valid::<Plan>(&plan);
}

#[test]
fn the_reports_schema_is_that_of_the_type_and_a_report_is_valid() {
    is_fresh::<Report>("report.schema.json");
    let Plan { format, tool, target, plan_digest, undoes, only, summary, changes, findings, lost, .. } =
        sample();
    let applied = |change| Applied { change, outcome: Outcome::Failed, error: Some("no".to_owned()) };
    let report = Report {
        format,
        tool,
        target,
        plan_digest,
        undoes,
        only,
        summary,
        finished: false,
        changes: changes.into_iter().map(applied).collect(),
        findings,
        lost,
        converged: None,
        remaining: vec!["team/uaa/old".to_owned()],
    };
    is_valid::<Report>(&report);
}

#[test]
fn the_audit_logs_schema_is_that_of_the_type_and_its_lines_are_valid() {
    use crate::audit::{Act, AtOnce, Deed, Line, Run, Stage, Target, Who};
    is_fresh::<Line>("audit.schema.json");
    let plan = sample();
    let run = Run {
        tool: plan.tool.clone(),
        run: "4f".to_owned(),
        client: Who { client_id: crate::model::ClientId::new("cf"), user: None },
        target: Target { url: plan.target.url.clone(), zone: None },
        plan_digest: Some(plan.plan_digest.clone()),
    };
    for change in &plan.changes {
        let planned = Deed::from(change);
        let at_once = Deed { action: Act::AtOnce(AtOnce::SetPassword), because: None, ..planned.clone() };
        for deed in [planned, at_once] {
            let (time, error) = ("2026-11-24T15:00:00.000Z".to_owned(), Some("no".to_owned()));
            let (run, outcome) = (run.clone(), Stage::Failed);
            let line = Line { format: crate::audit::FORMAT, time, run, write: 1, deed, outcome, error };
            is_valid::<Line>(&line);
            let text = crate::render::json_line(&line);
            assert_eq!(text.find('\n'), Some(text.len() - 1));
            assert_eq!(serde_json::from_str::<Line>(&text).expect("a line"), line);
        }
    }
}

#[test]
fn the_snapshots_schema_is_that_of_the_type_and_a_snapshot_is_valid_and_comes_back() {
    use crate::snapshot::Snapshot;
    is_fresh::<Snapshot>("snapshot.schema.json");
    let site = Site::new()
        .users(&["alana", "ldap/cody"])
        .group("team", &["alana", "~ldap/cody", "!gone", "group:pks.clusters.admin"])
        .maps("team", "ldap", "cn=old")
        .client(
            "ci",
            &[
                "authorized_grant_types=client_credentials",
                "autoapprove=true",
                "token_salt=canary",
                "extra.note={\"a\":1}",
            ],
        );
    let snapshot = Snapshot::of(&site.0, None);
    is_valid::<Snapshot>(&snapshot);
    let text = serde_json::to_string(&snapshot).expect("it is JSON");
    let manifest =
        Manifest::new().user("alana").exact("team").client("ci", &["token_salt=canary", "name=CI"]);
    let read = Snapshot::read(&text).expect("it is one");
    let mut again = read
        .observed(&super::scope(&manifest.desired, &super::policy::Policy::default()))
        .expect("it is whole");
    let salts = crate::snapshot::assume_salts(&mut again, &manifest.desired);
    assert_eq!(salts, [crate::model::ClientId::new("ci")]);
    let crate::client::ClientValue::Hidden(digest) = crate::client::hidden("canary") else {
        panic!("hidden")
    };
    assert!(!text.contains(&digest));
    assert_eq!(manifest.plan(&Site(again)), manifest.plan(&site));
}

#[test]
fn the_schema_of_verifys_proofs_is_that_of_the_type_and_a_proof_is_valid() {
    use crate::verify::{Answers, Case, Verified, Who, prove};
    is_fresh::<Verified>("verify.schema.json");
    let client = crate::model::ClientId::new("ci");
    let case = Case {
        url: "https://uaa",
        pks_api: "https://pks",
        through: &client,
        by_manifest: false,
        by_passcode: false,
        desired: None,
        insight: None,
    };
    let answers = Answers { login: None, validity: None, clusters: None };
    let proofs = vec![prove(&Who::Client(client.clone()), &answers, &[], &case)];
    let text = String::new;
    is_valid::<Verified>(&Verified {
        format: FORMAT,
        tool: text(),
        url: text(),
        issuer: text(),
        uaa_version: text(),
        pks_api: text(),
        proofs,
    });
}

#[test]
fn the_reviews_schema_is_that_of_the_type_and_a_review_is_valid() {
    use crate::access::{Access, Asked, compare, review};
    is_fresh::<Access>("access.schema.json");
    let site = Site::new()
        .users(&["alana", "ldap/cody"])
        .group("team", &["alana", "~ldap/cody", "!gone", "group:pks.clusters.admin"])
        .group("pks.clusters.admin", &["group:team"])
        .maps("team", "ldap", "cn=old")
        .client("ci", &["authorized_grant_types=client_credentials", "authorities=team"]);
    let now = crate::moment::Moment::from_seconds(0).expect("a time");
    let asked = Asked { scopes: vec!["*".to_owned()], ..Asked::default() };
    let manifest = Manifest::new().user("alana").exact("team");
    let mut access = review(&site.0, Some(&manifest.desired), &asked, now);
    let earlier = review(&Site::new().0, None, &asked, now);
    access.changes = Some(compare(&earlier, &access).expect("they ask alike"));
    is_valid::<Access>(&access);
}

#[test]
fn the_contracts_example_of_a_change_reads_as_one() {
    let example = serde_json::json!({
        "id": 3, "phase": "grant", "action": "add_member", "kind": "member",
        "key": "pks.clusters.admin/uaa/alana",
        "object": {"group": "pks.clusters.admin", "origin": "uaa", "username": "alana"}, "needs": [0, 1],
        "because": {"file": "pks.yml", "line": 12}, "expects": "absent", "risks": []
    });
    let change: super::Change = serde_json::from_value(example.clone()).expect("the example of design.md §5");
    assert_eq!(serde_json::to_value(&change).expect("a change is JSON"), example);
}
