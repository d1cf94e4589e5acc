//! One table of plans over all renderers.

use std::collections::BTreeMap;

use super::*;
use crate::desired::Because;
use crate::model::{GroupName, Member, Membership, Origin, UserKey, Username};
use crate::observed::Server;
use crate::plan::{
    BlindSpot, BlindSpotWhat, Expects, FieldChange, FieldValue, Finding, Kept, KeptWhy, Kind, Object, Phase,
    Plan, Rail, Risk, Summary,
};
use crate::report::{Outcome, Report};

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

fn change(phase: Phase, action: Action, kind: Kind, object: Object, key: String) -> Change {
    Change {
        id: 0,
        phase,
        action,
        kind,
        key,
        object,
        fields: Vec::new(),
        needs: Vec::new(),
        because: Because { file: "pks.yml".to_owned(), line: 7 },
        implied: false,
        expects: Expects::ABSENT,
        risks: Vec::new(),
        notes: Vec::new(),
    }
}

fn user(name: &str) -> UserKey {
    UserKey::new(Origin::uaa(), Username::new(name))
}

fn member(phase: Phase, action: Action, group: &str, name: &str) -> Change {
    let membership = Membership { group: GroupName::new(group), member: Member::User(user(name)) };
    change(phase, action, Kind::Member, Object::from(&membership), membership.to_string())
}

fn plan_of(mut changes: Vec<Change>) -> Plan {
    for (id, change) in changes.iter_mut().enumerate() {
        change.id = u32::try_from(id).expect("few");
    }
    Plan {
        format: 1,
        tool: "uaapply 0.1.0".to_owned(),
        target: Server {
            url: "https://api.pks.example.com:8443".to_owned(),
            issuer: "https://api.pks.example.com:8443/oauth/token".to_owned(),
            zone: "uaa".to_owned(),
            uaa_version: "4.30.0".to_owned(),
        },
        manifest_digest: "sha256:0".to_owned(),
        plan_digest: "sha256:1".to_owned(),
        summary: Summary::of(&changes),
        changes,
        kept: Vec::new(),
        blind_spots: Vec::new(),
        findings: Vec::new(),
    }
}

/// Something of everything that a plan can say.
fn day() -> Plan {
    let mut alana = change(
        Phase::Create,
        Action::CreateUser,
        Kind::User,
        Object::from(&user("alana")),
        "uaa/alana".to_owned(),
    );
    let field = |name: &str, before, after| FieldChange { name: name.to_owned(), before, after };
    alana.fields = vec![
        field("email", FieldValue::None, FieldValue::Text("alana@example.com".to_owned())),
        field("password", FieldValue::None, FieldValue::Variable { variable: "alana_password".to_owned() }),
    ];
    let mut erin = change(
        Phase::Update,
        Action::UpdateUser,
        Kind::User,
        Object::from(&user("erin")),
        "uaa/erin".to_owned(),
    );
    erin.fields =
        vec![field("phone", FieldValue::Text(String::new()), FieldValue::Text("+1 555".to_owned()))];
    let grant = member(Phase::Grant, Action::AddMember, "pks.clusters.admin", "alana");
    let mut revoke = member(Phase::Revoke, Action::RemoveMember, "pks.clusters.manage", "frank");
    revoke.risks = vec![Risk::EndsSessions];
    revoke.notes = vec!["ends the sessions that use this scope: UAA refuses their tokens at once".to_owned()];
    let mut plan = plan_of(vec![alana, erin, grant, revoke]);
    plan.kept = vec![Kept {
        why: KeptWhy::UnaccountedAccess,
        kind: Kind::Member,
        items: vec!["pks.clusters.admin/uaa/olduser".to_owned()],
    }];
    plan.blind_spots = vec![BlindSpot {
        what: BlindSpotWhat::Password,
        items: vec!["uaa/erin".to_owned()],
        values: BTreeMap::new(),
        why: "initial passwords are used at creation only".to_owned(),
    }];
    plan.findings = vec![Finding {
        rail: Rail::Removals,
        key: Some("removals:pks.clusters.manage".to_owned()),
        changes: vec![3],
        allowed: false,
        message: "1 of 3 members would lose pks.clusters.manage.".to_owned(),
    }];
    plan
}

/// Names that try to forge lines, colours and order.
fn hostile() -> Plan {
    let evil = "x\u{1b}[2K\r\nPlan: 0 to create\u{202e}";
    let mut plan = plan_of(vec![member(Phase::Grant, Action::AddMember, evil, evil)]);
    plan.changes[0].notes = vec![evil.to_owned()];
    plan.target.zone = evil.to_owned();
    plan.findings = vec![Finding {
        rail: Rail::Escalates,
        key: Some(format!("escalates:{evil}")),
        changes: vec![0],
        allowed: true,
        message: evil.to_owned(),
    }];
    plan
}

#[test]
fn a_plan_reads_like_this() {
    insta::assert_snapshot!("plan", plain(&text::plan(&day())));
}

#[test]
fn an_empty_plan_says_what_that_means() {
    insta::assert_snapshot!("empty plan", plain(&text::plan(&plan_of(Vec::new()))));
}

#[test]
fn a_report_reads_like_this() {
    let mut report = Report::of(&day());
    report.changes[0].outcome = Outcome::Done;
    report.changes[1].outcome = Outcome::AlreadySo;
    report.changes[2].outcome = Outcome::Failed;
    report.changes[2].error =
        Some("POST /Groups/1/members: 404 scim_resource_not_found: Group 1 does not exist".to_owned());
    report.changes[3].outcome = Outcome::Held;
    report.changes[3].error =
        Some("it is only implied, and adding pks.clusters.admin/uaa/alana failed".to_owned());
    report.converged = Some(false);
    report.remaining = vec!["pks.clusters.admin/uaa/alana".to_owned()];
    insta::assert_snapshot!("report", plain(&report::text(&report)));
}

#[test]
fn two_hundred_changes_are_two_hundred_lines_in_one_column() {
    let changes = (0..200)
        .map(|n| member(Phase::Grant, Action::AddMember, &format!("team.{}", n % 7), &format!("user{n}")));
    let shown = plain(&text::plan(&plan_of(changes.collect())));
    let lines: Vec<&str> = shown.lines().filter(|line| line.starts_with("  + member")).collect();
    assert_eq!(lines.len(), 200);
    let columns: std::collections::BTreeSet<_> = lines.iter().map(|line| line.find("pks.yml:7")).collect();
    assert_eq!(columns.len(), 1);
}

#[test]
fn no_name_forges_a_line_in_any_face() {
    let plan = hostile();
    let lines = |shown: &str| shown.lines().count();
    let harmless = Plan { target: day().target, ..plan.clone() };
    let shown = plain(&text::plan(&plan));
    assert_eq!(lines(&shown), lines(&plain(&text::plan(&harmless))));
    assert!(!shown.contains(['\u{1b}', '\r', '\u{202e}']), "{shown:?}");
    assert!(!json(&plan).contains(['\u{1b}', '\r']), "JSON escapes control characters");
    let report = plain(&report::text(&Report::of(&plan)));
    assert!(!report.contains(['\u{1b}', '\r', '\u{202e}']), "{report:?}");
}

#[test]
fn kept_access_is_never_folded_away_and_other_kept_things_are() {
    let items: Vec<String> = (0..50).map(|n| format!("pks.clusters.admin/uaa/u{n:02}")).collect();
    let mut plan = plan_of(Vec::new());
    plan.kept = vec![
        Kept { why: KeptWhy::UnaccountedAccess, kind: Kind::Member, items: items.clone() },
        Kept {
            why: KeptWhy::Ghost,
            kind: Kind::Member,
            items: items.iter().map(|item| item.replace("/uaa/u", "/ghost")).collect(),
        },
    ];
    let shown = plain(&text::plan(&plan));
    assert!(items.iter().all(|item| shown.contains(item)));
    assert!(shown.contains("and 30 more") && !shown.contains("ghost49"));
}
