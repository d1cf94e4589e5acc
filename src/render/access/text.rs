//! A review for people at a terminal.

use std::fmt::Write as _;

use unicode_width::UnicodeWidthStr;

use crate::access::{Access, Change, ChangeWhat, Finding, Holder, Known, Scope, Way, Who};
use crate::render::style::{self, styled};
use crate::visible::{name, visible};

/// Cells wider than this do not push their column further.
const WIDEST: usize = 56;

/// Shows a report.
#[must_use]
pub fn access(access: &Access) -> String {
    let mut out = String::new();
    let target = &access.target;
    let zone = if target.zone.is_empty() { String::new() } else { format!(", zone {}", name(&target.zone)) };
    let _ = writeln!(
        out,
        "{}{zone} (UAA {}), {}",
        visible(&target.url),
        visible(&target.uaa_version),
        access.made
    );
    for scope in &access.scopes {
        let holders: Vec<&Holder> =
            access.holders.iter().filter(|holder| holder.scope == scope.scope).collect();
        self::scope(&mut out, scope, &holders);
    }
    findings(&mut out, &access.findings, access.asked.stale_days);
    if let Some(changes) = &access.changes {
        let heading = format!("Changes since {} ({}):", changes.since, changes.changes.len());
        let _ = writeln!(out, "\n{}", styled(style::HEADING, heading));
        changes.changes.iter().for_each(|change| out += &change_line(change));
    }
    if !access.blind_spots.is_empty() {
        let _ = writeln!(out, "\n{}", styled(style::HEADING, "Not judged:"));
        for spot in &access.blind_spots {
            let _ = writeln!(out, "  {} {}", styled(style::WARNING, "!"), super::blind_spot(*spot));
        }
    }
    let scopes = super::super::count(access.scopes.len(), "scope");
    let findings = super::super::count(access.summary.findings, "finding");
    let _ = writeln!(out, "\n{scopes}: {}; {findings}.", super::counts(access.summary));
    out
}

fn scope(out: &mut String, scope: &Scope, holders: &[&Holder]) {
    let heading = styled(style::HEADING, format!("{}:", name(scope.scope.as_str())));
    let _ = writeln!(out, "\n{heading} {}", super::counts_of(scope, holders));
    let rows: Vec<[String; 5]> = holders.iter().flat_map(|holder| rows(holder)).collect();
    let width = |column: usize| {
        let widths = rows.iter().map(|row| row[column].width()).filter(|width| *width <= WIDEST);
        widths.max().unwrap_or_default()
    };
    let widths: Vec<usize> = (0..4).map(width).collect();
    for row in &rows {
        let mut line = String::from(" ");
        for (cell, width) in row.iter().zip(widths.iter().chain([&0])) {
            let _ = write!(line, " {cell}{}", " ".repeat(width.saturating_sub(cell.width())));
            if *width > 0 {
                line.push(' ');
            }
        }
        let _ = writeln!(out, "{}", line.trim_end());
    }
    let mut note = |what: &str, names: Vec<String>| {
        if !names.is_empty() {
            let _ = writeln!(out, "  {}", styled(style::DIM, format!("{what} {}", names.join(", "))));
        }
    };
    let other = scope.groups.iter().filter(|group| **group != scope.scope);
    note("also given by group", other.map(|group| name(group.as_str())).collect());
    let nested = scope.nested.iter();
    note(
        "nested:",
        nested
            .map(|nested| format!("{} in {}", name(nested.group.as_str()), name(nested.nested_in.as_str())))
            .collect(),
    );
    note(
        "users' tokens carry it through",
        scope.through.iter().map(|client| name(client.as_str())).collect(),
    );
}

/// One line for each way; the holder stands on the first.
fn rows(holder: &Holder) -> Vec<[String; 5]> {
    let who = match &holder.who {
        Who::Everyone => "everyone in the zone".to_owned(),
        Who::User { name: person, .. } if !person.is_empty() => {
            format!("{} {}", name(&holder.who.name()), crate::visible::quoted(person))
        }
        who => name(&who.name()),
    };
    let head = [super::kind(&holder.who).to_owned(), who, super::state(&holder.who)];
    let row = |(n, way): (usize, &Way)| {
        let [kind, who, state] = if n == 0 { head.clone() } else { Default::default() };
        [kind, who, state, self::way(way), known(way)]
    };
    holder.ways.iter().enumerate().map(row).collect()
}

fn way(way: &Way) -> String {
    let path = super::path(way)
        .map(|path| path.iter().map(|group| name(group.as_str())).collect::<Vec<_>>().join(" > "));
    match (super::how(way.how), path) {
        (Some(how), Some(path)) => format!("{how}: {path}"),
        (Some(how), None) => how.to_owned(),
        (None, path) => path.unwrap_or_default(),
    }
}

fn known(way: &Way) -> String {
    let text = visible(&super::known(way));
    match way.manifest {
        Some(Known::Unknown | Known::Unwanted) => styled(style::WARNING, text),
        Some(Known::Declared | Known::Kept) => styled(style::DIM, text),
        None => text,
    }
}

fn findings(out: &mut String, findings: &[Finding], stale_days: u32) {
    if findings.is_empty() {
        return;
    }
    let number: usize = findings.iter().map(|finding| finding.items.len()).sum();
    let _ = writeln!(out, "\n{}", styled(style::HEADING, format!("Findings ({number}):")));
    for Finding { what, items } in findings {
        let _ = writeln!(
            out,
            "  {} {} ({})",
            styled(style::WARNING, "!"),
            super::finding(*what, stale_days),
            items.len()
        );
        let width = items.iter().map(|item| name(&item.key).width()).filter(|width| *width <= WIDEST).max();
        for item in items {
            let key = name(&item.key);
            let pad = " ".repeat(width.unwrap_or_default().saturating_sub(key.width()));
            let _ = writeln!(out, "      {}", format!("{key}{pad}  {}", visible(&item.detail)).trim_end());
        }
    }
}

fn change_line(change: &Change) -> String {
    let (sign, word) = super::change(change.what);
    let style = match change.what {
        ChangeWhat::Gained | ChangeWhat::WayGained => style::GIVES,
        ChangeWhat::Lost | ChangeWhat::WayLost => style::TAKES,
        ChangeWhat::Active | ChangeWhat::Account => style::CHANGES,
    };
    format!(
        "  {} {} {}  {word}: {}\n",
        styled(style, sign),
        name(change.scope.as_str()),
        name(&change.key),
        visible(&change.detail)
    )
}
