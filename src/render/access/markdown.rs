//! A review as Markdown, to be signed off: the findings as boxes to tick, then a table for each scope.

use std::fmt::Write as _;

use crate::access::{Access, Holder, Scope, Way, Who};
use crate::render::inert::{code, prose};

/// Returns a report as Markdown.
#[must_use]
pub fn access(access: &Access) -> String {
    let target = &access.target;
    let zone = if target.zone.is_empty() { String::new() } else { format!(", zone {}", code(&target.zone)) };
    let mut out = format!(
        "<!-- uaapply access -->\n### uaapply access: {}\n\n{}{zone}, UAA {}, {}\n",
        super::counts(access.summary),
        code(&target.url),
        code(&target.uaa_version),
        code(&access.made.to_string())
    );
    for finding in &access.findings {
        let _ = writeln!(
            out,
            "\n**{}** ({})\n",
            capital(&super::finding(finding.what, access.asked.stale_days)),
            finding.items.len()
        );
        for item in &finding.items {
            let scopes: Vec<String> = item.scopes.iter().map(|scope| code(scope.as_str())).collect();
            let detail =
                if item.detail.is_empty() { String::new() } else { format!(": {}", prose(&item.detail)) };
            let _ = writeln!(out, "- [ ] {} ({}){detail}", code(&item.key), scopes.join(", "));
        }
    }
    if let Some(changes) = &access.changes {
        let _ = writeln!(
            out,
            "\n#### Changes since {} ({})\n",
            code(&changes.since.to_string()),
            changes.changes.len()
        );
        for change in &changes.changes {
            let (_, word) = super::change(change.what);
            let _ = writeln!(
                out,
                "- {} {}, {word}: {}",
                code(change.scope.as_str()),
                code(&change.key),
                prose(&change.detail)
            );
        }
    }
    for scope in &access.scopes {
        let holders: Vec<&Holder> =
            access.holders.iter().filter(|holder| holder.scope == scope.scope).collect();
        self::scope(&mut out, scope, &holders, access.manifest_digest.is_some());
    }
    if !access.blind_spots.is_empty() {
        out += "\n#### Not judged\n\n";
        for spot in &access.blind_spots {
            let _ = writeln!(out, "- {}", prose(super::blind_spot(*spot)));
        }
    }
    out
}

fn scope(out: &mut String, scope: &Scope, holders: &[&Holder], manifest: bool) {
    let _ = writeln!(
        out,
        "\n#### {}\n\n{}.",
        code(scope.scope.as_str()),
        capital(&super::counts_of(scope, holders))
    );
    if !scope.through.is_empty() {
        let clients: Vec<String> = scope.through.iter().map(|client| code(client.as_str())).collect();
        let _ = writeln!(out, "Users' tokens carry it through {}.", clients.join(", "));
    }
    if !scope.nested.is_empty() {
        let nested = scope.nested.iter();
        let nested: Vec<String> = nested
            .map(|nested| format!("{} in {}", code(nested.group.as_str()), code(nested.nested_in.as_str())))
            .collect();
        let _ = writeln!(out, "Nested: {}.", nested.join(", "));
    }
    if holders.is_empty() {
        return;
    }
    let (head, rule) = if manifest { (" manifest |", " --- |") } else { ("", "") };
    let _ = writeln!(out, "\n| who | use | ways |{head}\n| --- | --- | --- |{rule}");
    for holder in holders {
        let who = match &holder.who {
            Who::Everyone => "everyone in the zone".to_owned(),
            Who::User { name, .. } if !name.is_empty() => format!("{}, {}", cell(&holder.key()), cell(name)),
            Who::User { .. } | Who::ExternalGroup { .. } | Who::Client { .. } | Who::Ghost { .. } => {
                cell(&holder.key())
            }
        };
        let lines = |of: &dyn Fn(&Way) -> String| holder.ways.iter().map(of).collect::<Vec<_>>().join("<br>");
        let known = |way: &Way| {
            let text = super::known(way);
            match text.split_once(' ') {
                Some((word, place)) => format!("{word} {}", cell(place)),
                None => text,
            }
        };
        let known = if manifest { format!(" {} |", lines(&known)) } else { String::new() };
        let _ = writeln!(out, "| {who} | {} | {} |{known}", super::state(&holder.who), lines(&way));
    }
}

fn way(way: &Way) -> String {
    let path = super::path(way)
        .map(|path| path.iter().map(|group| cell(group.as_str())).collect::<Vec<_>>().join(" in "));
    match (super::how(way.how), path) {
        (Some(how), Some(path)) => format!("{how}: {path}"),
        (Some(how), None) => how.to_owned(),
        (None, path) => path.unwrap_or_default(),
    }
}

/// A text in a table, where `|` ends a cell even inside code, with a backslash before it or not.
fn cell(text: &str) -> String {
    code(text).replace('|', r"\u{7c}")
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    match chars.next() {
        Some(first) => first.to_uppercase().chain(chars).collect(),
        None => String::new(),
    }
}
