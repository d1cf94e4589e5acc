//! One table of plans over all renderers.

use proptest::prelude::*;

use pulldown_cmark::{Event, Tag, TagEnd};

use super::annotations::{Level, Note};
use super::samples::{clients, day, grants, hostile, member, plan_of};
use super::*;
use crate::manifest::{Place, Problem};
use crate::plan::{FieldChange, FieldValue, Finding, Kept, KeptWhy, Kind, Phase, Plan, Rail};
use crate::report::{Outcome, Report};
use crate::visible::visible;

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
fn a_comment_on_a_plan_reads_like_this() {
    let mut plan = day();
    plan.findings.push(Finding {
        rail: Rail::OwnIdentity,
        key: None,
        changes: vec![2],
        allowed: false,
        message: "Client `admin` is the one that this run is logged in as.".to_owned(),
    });
    insta::assert_snapshot!("plan as Markdown", markdown::plan(&plan, markdown::GITHUB));
    insta::assert_snapshot!("clients as Markdown", markdown::plan(&clients(), markdown::GITHUB));
    insta::assert_snapshot!("empty plan as Markdown", markdown::plan(&plan_of(Vec::new()), markdown::GITHUB));
}

#[test]
fn what_a_comment_has_no_room_for_is_counted_and_findings_stay() {
    let mut plan = grants(1_000);
    let finding = |n: u32| Finding {
        rail: Rail::Removals,
        key: Some(format!("removals:team.{n}")),
        changes: vec![n],
        allowed: false,
        message: format!("Group `team.{n}` would lose many."),
    };
    plan.findings = (0..60).map(finding).collect();
    plan.kept = vec![Kept {
        why: KeptWhy::Ghost,
        kind: Kind::Member,
        items: (0..2_000).map(|n| format!("g{n}")).collect(),
    }];
    let shown = markdown::plan(&plan, 20_000);
    let grants = shown.lines().filter(|line| line.starts_with("+ member")).count();
    let kept = shown.lines().filter(|line| line.starts_with('g')).count();
    assert_eq!(shown.matches("if that is meant: `--allow 'removals:team.").count(), 60);
    assert!(grants > 100 && grants < 1_000, "{grants}");
    let notice = format!(
        "\n> **Not all is here**: a comment holds 20000 characters. Left out: Grant {}, kept {}. `uaapply plan` shows all.\n",
        1_000 - grants,
        2_000 - kept
    );
    assert!(shown.contains(&notice), "{shown}");
    assert_eq!(shown.matches("<details>").count(), shown.matches("</details>").count());
    // Of findings too, no more than fit, and those whole.
    let shown = markdown::plan(&plan, markdown::SHORTEST);
    let found = shown.matches("- **removals:**").count();
    assert!(found > 3 && found == shown.matches("if that is meant").count(), "{shown}");
    assert!(shown.contains(&format!("refused {}, Grant 1000, kept 2000", 60 - found)), "{shown}");
    // GitLab takes all.
    assert!(!markdown::plan(&plan, 1_000_000).contains("Not all is here"));
}

#[test]
fn a_very_long_text_does_not_push_out_what_else_a_plan_does() {
    let mut plan = day();
    plan.findings.clear();
    let field = |name: String| FieldChange {
        name,
        before: FieldValue::None,
        after: FieldValue::Text("x".repeat(63_900)),
    };
    plan.changes[0].fields = (0..80).map(|n| field(format!("extra.{n}"))).collect();
    let shown = markdown::plan(&plan, markdown::GITHUB);
    assert!(shown.contains("Left out: Create 1. "), "{shown}");
    for change in &plan.changes[1..] {
        assert!(shown.contains(&change.key), "{shown}");
    }
    // Where there is room for all of it, it is there.
    assert!(!markdown::plan(&plan, 90_000).contains("Left out"));
}

#[test]
fn of_a_very_long_value_the_beginning_is_shown_and_the_rest_counted() {
    let value = |chars: usize, last: &str| FieldValue::Text(format!("{}{last}", "é".repeat(chars)));
    let mut plan = day();
    plan.findings.clear();
    plan.changes[1].fields[0] =
        FieldChange { name: "phone".to_owned(), before: value(1_000, ""), after: value(1_000, "\u{1b}[2K") };
    plan.changes[0].fields[0].after = FieldValue::Json { json: serde_json::json!("y".repeat(2_000)) };
    let (begins, json_begins) = ("é".repeat(1_000), format!("\"{}", "y".repeat(999)));
    let shown = [
        format!(
            "\"{begins}\" → \"{begins}\"… and 4 characters more (see --format json) (another from character 1001 on)\n"
        ),
        format!("{json_begins}… and 1002 characters more (see --format json)\n"),
    ];
    for text in [plain(&text::plan(&plan)), markdown::plan(&plan, markdown::GITHUB)] {
        for shown in &shown {
            assert!(text.contains(shown), "{shown}\n{text}");
        }
    }
    assert!(json(&plan).contains(&"y".repeat(2_000)));
}

#[test]
fn an_issue_is_the_same_wherever_its_line_is() {
    let fingerprints = |notes: &[Note]| -> Vec<String> {
        let issues: serde_json::Value =
            serde_json::from_str(&annotations::gitlab(notes, "pks.yml")).expect("JSON");
        issues.as_array().expect("a list").iter().map(|issue| issue["fingerprint"].to_string()).collect()
    };
    let mut notes = notes(&day(), "x");
    notes.push(notes[1].clone());
    let before = fingerprints(&notes);
    notes.iter_mut().for_each(|note| note.line += 10);
    assert_eq!(fingerprints(&notes), before);
    assert_eq!(before.iter().collect::<std::collections::BTreeSet<_>>().len(), 3);
    notes[0].message += ".";
    assert_ne!(fingerprints(&notes)[0], before[0]);
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
    report.findings[0].allowed = true;
    insta::assert_snapshot!("report as Markdown", markdown::report(&report, markdown::GITHUB));
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

/// What annotations a plan and a problem about the same name come to.
fn notes(plan: &Plan, evil: &str) -> Vec<Note> {
    let problem = Problem {
        code: "undeclared-group",
        message: evil.to_owned(),
        at: Some(Place { file: format!("m/{evil}"), line: 3, column: 5, text: evil.to_owned(), span: 0..0 }),
        also: None,
        label: evil.to_owned(),
        help: Some(format!("first\nsecond {}", evil.replace(['\n', '\r'], ""))),
    };
    let mut notes = Note::of_plan(plan);
    notes.push(Note::of_problem(&problem, Level::Warning));
    notes
}

/// Every face of a plan and its report.
fn faces(plan: &Plan) -> [(&'static str, String); 8] {
    let mut report = Report::of(plan);
    report.changes[0].error = Some(plan.changes[0].key.clone());
    report.remaining = vec![plan.changes[0].key.clone()];
    [
        ("plan", plain(&text::plan(plan))),
        ("plan as JSON", json(plan)),
        ("report", plain(&report::text(&report))),
        ("report as JSON", json(&report)),
        ("plan as Markdown", markdown::plan(plan, markdown::GITHUB)),
        ("report as Markdown", markdown::report(&report, markdown::GITHUB)),
        ("annotations for GitHub", annotations::github(&notes(plan, &plan.changes[0].notes[0]))),
        ("annotations for GitLab", annotations::gitlab(&notes(plan, &plan.changes[0].notes[0]), "pks.yml")),
    ]
}

/// Expects a comment in which nothing does anything but what we wrote there: no link, picture or HTML of others, and
/// outside of code only plain words.
fn assert_inert(comment: &str) {
    let options = pulldown_cmark::Options::all();
    let mut code = 0;
    for event in pulldown_cmark::Parser::new_ext(comment, options) {
        match event {
            Event::Start(Tag::CodeBlock(_)) => code += 1,
            Event::End(TagEnd::CodeBlock) => code -= 1,
            Event::Text(text) if code == 0 => {
                let plain = |c: char| c.is_alphanumeric() || " .,:;()'’–…!-".contains(c);
                assert!(text.chars().all(plain), "{text:?} in\n{comment}");
                assert!(!text.contains("www.") && !text.contains("::"), "{text:?} in\n{comment}");
            }
            Event::Text(_) | Event::Code(_) | Event::SoftBreak => {}
            Event::Html(html) => {
                let ours = ["<!-- uaapply ", "<details>", "</details>", "<summary>"];
                assert!(ours.iter().any(|ours| html.starts_with(ours)), "{html:?} in\n{comment}");
            }
            Event::Start(tag) => assert!(
                matches!(
                    tag,
                    Tag::Paragraph
                        | Tag::Heading { .. }
                        | Tag::BlockQuote(_)
                        | Tag::HtmlBlock
                        | Tag::List(None)
                        | Tag::Item
                        | Tag::Table(_)
                        | Tag::TableHead
                        | Tag::TableRow
                        | Tag::TableCell
                        | Tag::Strong
                ),
                "{tag:?} in\n{comment}"
            ),
            Event::End(_) => {}
            other => panic!("{other:?} in\n{comment}"),
        }
    }
}

#[test]
fn no_name_forges_a_line_in_any_face() {
    insta::assert_snapshot!(
        "hostile plan",
        plain(&text::plan(&hostile("x\u{1b}[2K\r\nPlan: 0 to create\u{202e}")))
    );
    let plan = hostile("@root](http://x) ``` <img>&amp;\n\n- #1 ##[error]x ::add-mask::y%0A, a|b\u{202e}");
    insta::assert_snapshot!("hostile plan as Markdown", markdown::plan(&plan, markdown::GITHUB));
    let notes = notes(&plan, &plan.changes[0].notes[0]);
    insta::assert_snapshot!("hostile annotations for GitHub", annotations::github(&notes));
    insta::assert_snapshot!("hostile annotations for GitLab", annotations::gitlab(&notes, "pks.yml"));
}

/// What Markdown, code hosts and pipelines would make something of.
fn evil() -> impl Strategy<Value = String> {
    let bits = [
        "@root",
        "#1",
        "!1",
        "~bug",
        "`",
        "``",
        "```",
        "~~~",
        "\n",
        "\n\n",
        " ",
        "    ",
        "- ",
        "* ",
        "1. ",
        "# ",
        "> ",
        "|",
        "**",
        "__",
        "[x](http://x.example.com)",
        "![x](y)",
        "<b>",
        "<!--",
        "-->",
        "</details>",
        "</summary>",
        "&lt;",
        "\\",
        "http://x.example.com",
        "www.x.example.com",
        "a@b.example.com",
        ":smile:",
        "::error::",
        "##[error]",
        "##vso[x]",
        "%0A",
        "$x$",
        "deadbeef",
        "/close",
        "=====",
        "a",
        "é",
        "\u{202e}",
        "\u{1b}[2K",
        "(c)",
        "[^1]",
        "GH-1",
    ];
    prop_oneof![
        any::<String>(),
        proptest::collection::vec(proptest::sample::select(bits.to_vec()), 1..12)
            .prop_map(|bits| bits.concat()),
    ]
}

proptest! {
    #[test]
    fn no_name_changes_how_many_lines_there_are_or_hides_anything(evil in evil()) {
        for ((face, shown), (_, harmless)) in faces(&hostile(&evil)).iter().zip(faces(&hostile("x"))) {
            prop_assert_eq!(shown.lines().count(), harmless.lines().count(), "{}", face);
            prop_assert!(!shown.chars().any(|c| c != '\n' && is_invisible(c)), "{}: {:?}", face, shown);
        }
    }

    #[test]
    fn no_name_does_anything_in_a_comment(evil in evil()) {
        for (face, shown) in faces(&hostile(&evil)) {
            if face.ends_with("Markdown") {
                assert_inert(&shown);
            }
        }
    }

    #[test]
    fn no_name_is_a_command_to_a_pipeline(evil in evil()) {
        for (face, shown) in faces(&hostile(&evil)) {
            prop_assert!(!shown.contains("##[") && !shown.contains("##vso["), "{}: {}", face, shown);
            for line in shown.lines().filter(|line| line.trim_start().starts_with("::")) {
                prop_assert_eq!(face, "annotations for GitHub");
                let ours = ["::error file=pks.yml,line=7,title=uaapply%3A escalates::", "::warning file=m/"];
                prop_assert!(ours.iter().any(|ours| line.starts_with(ours)), "{}", line);
            }
        }
    }

    #[test]
    fn an_annotation_says_what_was_to_be_said(evil in evil()) {
        let shown = annotations::github(&notes(&hostile(&evil), &evil));
        let warning = shown.lines().nth(1).expect("the second");
        // As the runner takes it apart.
        let (properties, message) = warning["::warning ".len()..].split_once("::").expect("a message");
        let back = |text: &str| text.replace("%3A", ":").replace("%2C", ",").replace("%0A", "\n").replace("%25", "%");
        let properties: Vec<String> = properties.split(',').map(back).collect();
        prop_assert_eq!(&properties, &[
            format!("file={}", visible(&format!("m/{evil}"))),
            "line=3".to_owned(),
            "col=5".to_owned(),
            "title=uaapply: undeclared-group".to_owned(),
        ]);
        let first = back(message).lines().next().unwrap_or_default().to_owned();
        prop_assert_eq!(first, visible(&evil));
    }

    #[test]
    fn a_comment_is_never_longer_than_a_code_host_takes(evil in evil(), number in 1_usize..400, longest in markdown::SHORTEST..40_000) {
        let mut plan = grants(number);
        for change in &mut plan.changes {
            change.notes = vec![evil.clone()];
            change.key += &evil;
        }
        plan.target.zone = evil.repeat(200);
        let mut report = Report::of(&plan);
        report.changes.iter_mut().step_by(2).for_each(|applied| applied.outcome = Outcome::Done);
        for shown in [markdown::plan(&plan, longest), markdown::report(&report, longest)] {
            prop_assert!(shown.encode_utf16().count() <= longest as usize);
            assert_inert(&shown);
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
