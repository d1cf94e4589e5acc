//! A plan or a report as a comment on a pull request: what the rails say first, then the changes, the rest folded up.
//!
//! Decides what is said and what is left out when a code host takes only so much; `inert` decides how a
//! text that is not ours stands there. Knows nothing of how the comment gets to the code host.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::inert::{self, code, prose};
use super::{accounting, report, step, text};
use crate::observed::Server;
use crate::plan::{BlindSpot, Change, Finding, Kept, KeptWhy, Phase, Plan};
use crate::report::{Applied, Outcome, Report};
use crate::visible::{name, shell};

/// So many characters a comment may have on GitHub; GitLab takes 1,000,000.
pub const GITHUB: u32 = 65_536;
/// Less than this would not hold what is said in any case.
pub const SHORTEST: u32 = 5_000;

/// What a finding names of the changes that it is about.
const SHOWN_CHANGES: usize = 10;
/// Room for the words about what was left out.
const LEFT_OUT: usize = 700;
/// Room for a part's own words about that.
const MORE: usize = 32;
/// The most that is shown of a name of the target.
const SHOWN_NAME: usize = 120;

/// Returns a plan as Markdown of at most `longest` characters.
#[must_use]
pub fn plan(plan: &Plan, longest: u32) -> String {
    let refused = plan.refusals().count();
    let verdict = match (refused, plan.changes.len()) {
        (0, 0) => "no changes".to_owned(),
        (0, many) => super::count(many, "change"),
        (_, 0) => "refused".to_owned(),
        (_, many) => format!("refused, {}", super::count(many, "change")),
    };
    let mut head = head("plan", &verdict, &plan.target);
    let s = plan.summary;
    let _ = writeln!(
        head,
        "\n| create | update | grant | revoke | delete |\n| ---: | ---: | ---: | ---: | ---: |\n\
         | {} | {} | {} | {} | {} |",
        s.create, s.update, s.grant, s.revoke, s.delete
    );
    if let Some(part) = &plan.only {
        let _ = writeln!(head, "\n{}", text::part_words(part, |text| code(&name(&cut(text)))));
    }
    let mut sections = findings(&plan.findings, &plan.changes.iter().collect::<Vec<_>>());
    for alike in plan.changes.chunk_by(|one, next| one.phase == next.phase) {
        sections.push(phase(alike));
    }
    sections.extend(kept(&plan.kept));
    sections.extend(blind_spots(&plan.blind_spots));
    fit(head, sections, longest, "`uaapply plan` shows all.")
}

/// Returns a report as Markdown of at most `longest` characters.
#[must_use]
pub fn report(report: &Report, longest: u32) -> String {
    let mut counts = BTreeMap::<Outcome, usize>::new();
    for applied in &report.changes {
        *counts.entry(applied.outcome).or_default() += 1;
    }
    let refused = report.findings.iter().any(|finding| !finding.allowed);
    let fell_short = counts.keys().any(|told| !matches!(told, Outcome::Done | Outcome::AlreadySo));
    let wrote = counts.keys().any(|told| matches!(told, Outcome::Done | Outcome::Unknown));
    let verdict = match (refused, report.changes.is_empty(), fell_short, wrote, report.converged) {
        (true, ..) => "refused, nothing was written",
        (false, true, ..) => "nothing to do",
        (false, false, true, false, _) => "nothing was written",
        (false, false, true, true, _) => "partly applied",
        (false, false, false, _, Some(true)) => "applied",
        (false, false, false, _, Some(false)) => "applied, and a second look still finds changes",
        (false, false, false, _, None) => "applied, without a second look",
    };
    let mut head = head("apply", verdict, &report.target);
    if !counts.is_empty() {
        let cells =
            |of: &mut dyn Iterator<Item = String>| of.map(|cell| format!(" {cell} |")).collect::<String>();
        let _ = writeln!(
            head,
            "\n|{}\n|{}\n|{}",
            cells(&mut counts.keys().map(|told| report::outcome(*told).to_owned())),
            cells(&mut counts.keys().map(|_| "---:".to_owned())),
            cells(&mut counts.values().map(ToString::to_string)),
        );
    }
    let changes: Vec<&Change> = report.changes.iter().map(|applied| &applied.change).collect();
    let mut sections = findings(&report.findings, &changes);
    if !refused {
        sections.push(short(&report.changes));
    }
    sections.push(Section {
        label: "remaining",
        is_list: true,
        open: "\nA second look still finds changes:\n\n".to_owned(),
        entries: report.remaining.iter().map(|key| format!("- {}\n", code(&name(key)))).collect(),
        close: String::new(),
    });
    for alike in report.changes.chunk_by(|one, next| one.change.phase == next.change.phase) {
        let done =
            alike.iter().filter(|applied| matches!(applied.outcome, Outcome::Done | Outcome::AlreadySo));
        let done: Vec<String> = done.map(done_line).collect();
        let Some(first) = alike.first().filter(|_| !done.is_empty()) else { continue };
        let (phase, meaning) = text::phase_words(first.change.phase);
        let summary = format!("Done: {phase} ({}): {meaning}", done.len());
        sections.push(folded("done", &summary, "diff", done));
    }
    fit(head, sections, longest, "`apply --report FILE` holds all.")
}

/// The hidden first line lets a pipeline find its comment again, to write over it.
fn head(command: &str, verdict: &str, target: &Server) -> String {
    let part = |text: &str| code(&name(&cut(text)));
    let zone = if target.zone.is_empty() { String::new() } else { format!(", zone {}", part(&target.zone)) };
    format!(
        "<!-- uaapply {command} -->\n### uaapply {command}: {verdict}\n\n{}{zone}, UAA {}\n",
        part(&target.url),
        part(&target.uaa_version)
    )
}

fn cut(text: &str) -> String {
    if text.chars().count() <= SHOWN_NAME {
        return text.to_owned();
    }
    text.chars().take(SHOWN_NAME).chain(['…']).collect()
}

/// What stands together, in parts none of which is ever cut.
struct Section {
    /// What its entries are called when some are left out.
    label: &'static str,
    /// Whether it is an open list, which goes before what is folded up.
    is_list: bool,
    open: String,
    entries: Vec<String>,
    close: String,
}

impl Section {
    /// The characters that all of it takes.
    fn needs(&self) -> usize {
        if self.entries.is_empty() {
            return 0;
        }
        let entries: usize = self.entries.iter().map(|entry| length(entry)).sum();
        length(&self.open) + entries + length(&self.close) + MORE
    }
}

/// Puts a comment together from what fits, in this order. What does not fit is counted at the top, where it is read.
///
/// Lists take what they need. Of the rest each part is sure of a share of half the room, so that whoever writes a very
/// long text into a manifest does not push out what else that manifest does.
fn fit(head: String, sections: Vec<Section>, longest: u32, elsewhere: &str) -> String {
    let mut room = (longest as usize).saturating_sub(length(&head) + LEFT_OUT);
    let mut body = String::new();
    let mut left_out: Vec<(&str, usize)> = Vec::new();
    let needs: Vec<usize> = sections.iter().map(Section::needs).collect();
    let folded = sections.iter().filter(|section| !section.is_list).count();
    for (n, Section { label, is_list, open, entries, close }) in sections.into_iter().enumerate() {
        let reserved: usize = if is_list {
            0
        } else {
            let share = room / (2 * folded.max(1));
            needs.iter().skip(n + 1).map(|&need| need.min(share)).sum()
        };
        let budget = room.saturating_sub(reserved);
        let mut used = length(&open) + length(&close) + MORE;
        let fits = entries.iter().take_while(|entry| {
            let fits = used + length(entry) <= budget;
            used += if fits { length(entry) } else { 0 };
            fits
        });
        let shown = fits.count();
        if shown > 0 {
            room -= used;
            body += &open;
            body.extend(entries[..shown].iter().map(String::as_str));
            if shown < entries.len() {
                let mark = if is_list { "- " } else { "" };
                let _ = writeln!(body, "{mark}… and {} more", entries.len() - shown);
            }
            body += &close;
        }
        if shown < entries.len() {
            match left_out.iter_mut().find(|(other, _)| *other == label) {
                Some((_, number)) => *number += entries.len() - shown,
                None => left_out.push((label, entries.len() - shown)),
            }
        }
    }
    if left_out.is_empty() {
        return head + &body;
    }
    let counts: Vec<String> = left_out.iter().map(|(label, number)| format!("{label} {number}")).collect();
    format!(
        "{head}\n> **Not all is here**: a comment holds {longest} characters. Left out: {}. {elsewhere}\n{body}",
        counts.join(", ")
    )
}

/// Counts as JavaScript does, where a character beyond the first 65,536 is two: never less than a code host counts.
fn length(text: &str) -> usize {
    text.encode_utf16().count()
}

/// A list of lines that is folded up, in a code block. The summary is in our own words.
fn folded(label: &'static str, summary: &str, language: &str, entries: Vec<String>) -> Section {
    let fence = inert::fence(&entries);
    Section {
        label,
        is_list: false,
        open: format!("\n<details>\n<summary>{summary}</summary>\n\n{fence}{language}\n"),
        entries,
        close: format!("{fence}\n\n</details>\n"),
    }
}

fn findings(all: &[Finding], changes: &[&Change]) -> Vec<Section> {
    let (allowed, refused): (Vec<_>, Vec<_>) = all.iter().partition(|finding| finding.allowed);
    let section = |label, heading: &str, findings: Vec<&Finding>| Section {
        label,
        is_list: true,
        open: format!("\n#### {heading} ({})\n\n", findings.len()),
        entries: findings.into_iter().map(|finding| found(finding, changes)).collect(),
        close: String::new(),
    };
    vec![
        section("refused", "Refused: a safety rule says no, so nothing is written", refused),
        section("allowed", "Allowed by --allow", allowed),
    ]
}

fn found(finding: &Finding, changes: &[&Change]) -> String {
    let mut out = format!("- **{}** {}\n", text::rail(finding.rail), prose(&finding.message));
    let touched: Vec<&&Change> = finding.changes.iter().filter_map(|&id| changes.get(id as usize)).collect();
    for change in touched.iter().take(SHOWN_CHANGES) {
        let _ = writeln!(out, "  - {} ({})", code(&step(change)), code(&name(&change.because.to_string())));
    }
    if touched.len() > SHOWN_CHANGES {
        let _ = writeln!(out, "  - … and {} more of the changes below", touched.len() - SHOWN_CHANGES);
    }
    match &finding.key {
        Some(key) if !finding.allowed => {
            let _ = writeln!(out, "  - if that is meant: {}", code(&format!("--allow {}", shell(key))));
        }
        Some(_) => {}
        None => {
            let _ = writeln!(out, "  - nothing can allow this");
        }
    }
    out
}

/// The changes of one phase, each with all that the text says of it.
fn phase(changes: &[Change]) -> Section {
    let phase = changes.first().map_or(Phase::Create, |change| change.phase);
    let (label, meaning) = text::phase_words(phase);
    let width = text::key_width(changes);
    let mut entries = Vec::with_capacity(changes.len());
    for alike in changes.chunk_by(|one, next| text::noted_alike(one, &one.notes, next, &next.notes)) {
        for (n, change) in alike.iter().enumerate() {
            let mut entry = String::new();
            // In front: what stands behind a long list would be the first to be left out.
            let (in_front, behind): (&[String], &[String]) = match (alike.len(), n) {
                (1, _) => (&[], &change.notes),
                (_, 0) => (&change.notes, &[]),
                _ => (&[], &[]),
            };
            for note in in_front {
                let _ = writeln!(entry, "! these {}: {}", alike.len(), crate::visible::visible(note));
            }
            entry += &plain(&text::change_lines(change, width));
            for note in behind {
                let _ = writeln!(entry, "!         {}", crate::visible::visible(note));
            }
            entries.push(entry);
        }
    }
    folded(label, &format!("{label} ({}): {meaning}", changes.len()), "diff", entries)
}

/// Takes the colours out, and the indentation, so that `+` and `-` stand where a code host colours them.
fn plain(styled: &str) -> String {
    let text = anstream::adapter::strip_str(styled).to_string();
    text.lines().fold(String::new(), |plain, line| plain + line.strip_prefix("  ").unwrap_or(line) + "\n")
}

fn done_line(applied: &Applied) -> String {
    let width = text::key_width(std::slice::from_ref(&applied.change));
    let line = plain(&text::change_lines(&applied.change, width));
    let line = line.lines().next().unwrap_or_default();
    match applied.outcome {
        Outcome::AlreadySo => format!("{line}  (already so)\n"),
        _ => format!("{line}\n"),
    }
}

fn kept(all: &[Kept]) -> Vec<Section> {
    let mut sections = Vec::new();
    for Kept { why, kind, items } in all {
        let number = super::count(items.len(), text::kind(*kind));
        let summary = format!("Kept: {number}: {}", inert::html(text::why_words(*why)));
        let lines = items.iter().map(|item| format!("{}\n", name(item))).collect();
        let listed = folded("kept", &summary, "text", lines);
        if *why != KeptWhy::UnaccountedAccess {
            sections.push(listed);
            continue;
        }
        let entries = accounting::entries(*kind, items).into_iter();
        let entries = entries.map(|entry| format!("{}  # {}\n", entry.takes, entry.keeps)).collect();
        let summary = format!(
            "Kept: {number}: what to write to take it (to keep it, what stands behind #), under the manifest's {}",
            match kind {
                crate::plan::Kind::Member => "users and groups",
                _ => "groups",
            }
        );
        // Who has access that nobody accounts for comes before all else that is kept.
        sections.insert(0, folded("entries for kept access", &summary, "yaml", entries));
        sections.insert(0, listed);
    }
    sections
}

fn blind_spots(all: &[BlindSpot]) -> Vec<Section> {
    let section = |spot: &BlindSpot| {
        let entries =
            spot.items.iter().map(|item| format!("{}\n", text::blind_item(spot.what, &spot.values, item)));
        let mut section = folded(
            "not compared",
            &format!("Not compared: {}", super::count(spot.items.len(), text::blind_word(spot.what))),
            "text",
            entries.collect(),
        );
        let why = format!("</summary>\n\n{}\n", prose(&spot.why));
        section.open = section.open.replacen("</summary>\n", &why, 1);
        section
    };
    all.iter().map(section).collect()
}

/// What fell short, with its reason.
fn short(changes: &[Applied]) -> Section {
    let short =
        changes.iter().filter(|applied| !matches!(applied.outcome, Outcome::Done | Outcome::AlreadySo));
    let entries = short.map(|Applied { change, outcome, error }| {
        let mut entry = format!(
            "- **{}** {} ({})\n",
            report::outcome(*outcome),
            code(&step(change)),
            code(&name(&change.because.to_string()))
        );
        if let Some(error) = error {
            let _ = writeln!(entry, "  - {}", code(&crate::visible::visible(error)));
        }
        entry
    });
    Section {
        label: "what fell short",
        is_list: true,
        open: "\n#### What fell short\n\n".to_owned(),
        entries: entries.collect(),
        close: "\nMend what fell short, then run the same command again: what is done stays done.\n"
            .to_owned(),
    }
}
