//! One table of plans over all renderers.

use proptest::prelude::*;

use super::samples::{clients, day, grants, hostile, member, plan_of};
use super::*;
use crate::plan::{Finding, Kept, KeptWhy, Kind, Phase, Plan, Rail};
use crate::report::{Outcome, Report};

fn plain(text: &str) -> String {
    anstream::adapter::strip_str(text).to_string()
}

#[test]
fn a_plan_reads_like_this() {
    insta::assert_snapshot!("plan", plain(&text::plan(&day())));
}

#[test]
fn changes_of_clients_read_like_this() {
    insta::assert_snapshot!("clients", plain(&text::plan(&clients())));
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
    let shown = plain(&text::plan(&grants(200)));
    let lines: Vec<&str> = shown.lines().filter(|line| line.starts_with("  + member")).collect();
    assert_eq!(lines.len(), 200);
    let columns: std::collections::BTreeSet<_> = lines.iter().map(|line| line.find("pks.yml:7")).collect();
    assert_eq!(columns.len(), 1);
}

#[test]
fn a_hundred_revokes_share_the_lines_of_one_note() {
    let mut changes: Vec<Change> =
        (0..100).map(|n| member(Phase::Revoke, Action::RemoveMember, "team", &format!("user{n}"))).collect();
    for change in &mut changes {
        change.implied = true;
        change.notes = vec!["ends sessions".to_owned()];
    }
    changes[99].notes = vec!["ends sessions".to_owned(), "a way in remains".to_owned()];
    let shown = plain(&text::plan(&plan_of(changes)));
    assert_eq!(shown.matches("pks.yml:7 does not list it\n").count(), 100);
    let notes: Vec<&str> = shown.lines().filter(|line| line.contains('!')).map(str::trim).collect();
    assert_eq!(notes, ["! these 99: ends sessions", "! ends sessions", "! a way in remains"]);
}

#[test]
fn what_an_allowed_finding_says_is_said_once() {
    let said = "Group `team` would lose all its 3 members, and nobody would be left.";
    let mut changes: Vec<Change> =
        (0..3).map(|n| member(Phase::Revoke, Action::RemoveMember, "team", &format!("user{n}"))).collect();
    for change in &mut changes {
        change.notes = vec![said.to_owned(), "ends sessions".to_owned()];
    }
    let mut plan = plan_of(changes);
    let finding = Finding {
        rail: Rail::Empties,
        key: Some("empties:team".to_owned()),
        changes: vec![0, 1, 2],
        allowed: true,
        message: said.to_owned(),
    };
    plan.findings = vec![finding];
    let shown = plain(&text::plan(&plan));
    assert_eq!(shown.matches(said).count(), 1, "{shown}");
    assert!(shown.contains("Allowed: by --allow\n  empties: Group `team`"), "{shown}");
    assert_eq!(shown.matches("! these 3: ends sessions").count(), 1, "{shown}");
    // Where it is not allowed, the note of a change is its own.
    plan.findings[0].allowed = false;
    assert_eq!(plain(&text::plan(&plan)).matches(said).count(), 2);
}

/// Every face of a plan and its report.
fn faces(plan: &Plan) -> [(&'static str, String); 4] {
    let mut report = Report::of(plan);
    report.changes[0].error = Some(plan.changes[0].key.clone());
    report.remaining = vec![plan.changes[0].key.clone()];
    [
        ("plan", plain(&text::plan(plan))),
        ("plan as JSON", json(plan)),
        ("report", plain(&report::text(&report))),
        ("report as JSON", json(&report)),
    ]
}

#[test]
fn no_name_forges_a_line_in_any_face() {
    insta::assert_snapshot!(
        "hostile plan",
        plain(&text::plan(&hostile("x\u{1b}[2K\r\nPlan: 0 to create\u{202e}")))
    );
}

proptest! {
    #[test]
    fn no_name_changes_how_many_lines_there_are_or_hides_anything(evil in any::<String>()) {
        for ((face, shown), (_, harmless)) in faces(&hostile(&evil)).iter().zip(faces(&hostile("x"))) {
            prop_assert_eq!(shown.lines().count(), harmless.lines().count(), "{}", face);
            prop_assert!(!shown.chars().any(|c| c != '\n' && is_invisible(c)), "{}: {:?}", face, shown);
        }
    }

    #[test]
    fn json_stays_the_same_value(evil in any::<String>()) {
        let plan = hostile(&evil);
        prop_assert_eq!(serde_json::from_str::<Plan>(&json(&plan)).expect("a plan"), plan);
    }
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
