//! A review as one HTML file: people × scopes, and all that the other forms have.
//!
//! Needs no network and, to be read, no script; with one the matrix can be sorted and filtered. Texts are escaped by
//! `maud`; should one get through all the same, the policy in the file's head lets no script run but this module's own.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use maud::{DOCTYPE, Markup, PreEscaped, html};
use sha2::{Digest as _, Sha256};

use crate::access::{Access, ChangeWhat, Holder, Known, Scope, Way, Who};
use crate::render::count;
use crate::visible::visible;

const STYLE: &str = include_str!("style.css");
/// So many scopes are columns; more are a list for each holder, as no page is that wide.
const COLUMNS: usize = 12;

const SCRIPT: &str = include_str!("script.js");

/// Returns a report as a page.
#[must_use]
pub fn access(access: &Access) -> String {
    let digest = |text: &str| format!("'sha256-{}'", STANDARD.encode(Sha256::digest(text)));
    let policy = format!(
        "default-src 'none'; style-src {}; script-src {}; base-uri 'none'; form-action 'none'",
        digest(STYLE),
        digest(SCRIPT)
    );
    let target = &access.target;
    let day = access.made.day();
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(policy);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                title { "Access on " (day) ": " (visible(&target.url)) ", zone " (visible(&target.zone)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                header {
                    h1 { "Who can reach what" }
                    p {
                        (text(&target.url)) ", zone " (text(&target.zone)) ", UAA " (text(&target.uaa_version)) ", "
                        time datetime=(access.made) { (access.made) }
                    }
                    p { (capital(&super::counts(access.summary))) "; " (count(access.summary.findings, "finding")) "." }
                }
                main {
                    (findings(access))
                    (changes(access))
                    (matrix(access))
                    (scopes(access))
                    (not_judged(access))
                }
                footer { p { "Made by " (visible(&access.tool)) "." } }
                script { (PreEscaped(SCRIPT)) }
            }
        }
    }
    .into_string()
}

/// A text that is not ours: visible, and with letters that run the other way kept to themselves.
fn text(shown: &str) -> Markup {
    html! { bdi { (visible(shown)) } }
}

fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map(|first| first.to_uppercase().chain(chars).collect()).unwrap_or_default()
}

fn findings(access: &Access) -> Markup {
    html! {
        section aria-labelledby="findings" {
            h2 id="findings" { "Findings" }
            @if access.findings.is_empty() { p { "None." } }
            @for finding in &access.findings {
                details open {
                    summary { (capital(&super::finding(finding.what, access.asked.stale_days))) " (" (finding.items.len()) ")" }
                    ul {
                        @for item in &finding.items {
                            li {
                                strong { (text(&item.key)) }
                                @if !item.detail.is_empty() { ": " (text(&item.detail)) }
                                " "
                                @for scope in &item.scopes { span.scope { (text(scope.as_str())) } " " }
                            }
                        }
                    }
                }
            }
        }
    }
}

fn changes(access: &Access) -> Markup {
    let Some(changes) = &access.changes else { return Markup::default() };
    html! {
        section aria-labelledby="changes" {
            h2 id="changes" { "Changes since " time datetime=(changes.since) { (changes.since) } }
            @if changes.changes.is_empty() { p { "None." } }
            ul {
                @for change in &changes.changes {
                    @let (sign, word) = super::change(change.what);
                    @let class = match change.what {
                        ChangeWhat::Gained | ChangeWhat::WayGained => "gained",
                        ChangeWhat::Lost | ChangeWhat::WayLost => "lost",
                        ChangeWhat::Active | ChangeWhat::Account => "changed",
                    };
                    li class=(class) {
                        span aria-hidden="true" { (sign) " " }
                        strong { (text(&change.key)) } ", " (text(change.scope.as_str())) ", " (word) ": " (text(&change.detail))
                    }
                }
            }
        }
    }
}

/// Everybody once, with what they hold by scope.
fn matrix(access: &Access) -> Markup {
    let mut people: Vec<(&Holder, Vec<&Holder>)> = Vec::new();
    let mut holders: Vec<&Holder> = access.holders.iter().collect();
    let order = |who: &Who| match who {
        Who::Everyone => 0,
        Who::User { .. } => 1,
        Who::ExternalGroup { .. } => 2,
        Who::Client { .. } => 3,
        Who::Ghost { .. } => 4,
    };
    let id = |who: &Who| match who {
        Who::User { id, .. } | Who::Ghost { id } => id.to_string(),
        Who::Everyone | Who::ExternalGroup { .. } | Who::Client { .. } => String::new(),
    };
    let identity = |holder: &Holder| (order(&holder.who), holder.key().to_lowercase(), id(&holder.who));
    holders.sort_by_cached_key(|holder| identity(holder));
    for holder in holders {
        match people.last_mut() {
            Some((first, all)) if identity(first) == identity(holder) => all.push(holder),
            _ => people.push((holder, vec![holder])),
        }
    }
    html! {
        section aria-labelledby="matrix" {
            h2 id="matrix" { "People and scopes" }
            // The script shows these: without it they would do nothing.
            form.controls hidden role="search" {
                label { "Filter " input type="search" autocomplete="off" aria-controls="people"; }
                " " span role="status" {}
            }
            div.scroll role="region" aria-labelledby="matrix" tabindex="0" {
                table id="people" role="table" {
                    caption { (people.len()) " who hold " (count(access.scopes.len(), "scope")) ", with each way in" }
                    thead role="rowgroup" {
                        tr role="row" {
                            th scope="col" role="columnheader" { "Who" }
                            th scope="col" role="columnheader" { "Use" }
                            @if is_wide(access) { th scope="col" role="columnheader" { "Holds" } }
                            @else {
                                @for scope in &access.scopes { th scope="col" role="columnheader" { (text(scope.scope.as_str())) } }
                            }
                        }
                    }
                    tbody role="rowgroup" {
                        @for (holder, all) in &people { (row(access, holder, all)) }
                    }
                }
            }
        }
    }
}

fn is_wide(access: &Access) -> bool {
    access.scopes.len() > COLUMNS
}

fn row(access: &Access, holder: &Holder, all: &[&Holder]) -> Markup {
    let used = match &holder.who {
        Who::User { times: Some(times), .. } => times.last_logon.map(|last| last.to_string()),
        Who::Client { changed, .. } => changed.map(|changed| changed.to_string()),
        Who::User { times: None, .. } | Who::Everyone | Who::ExternalGroup { .. } | Who::Ghost { .. } => None,
    };
    html! {
        tr role="row" {
            th scope="row" role="rowheader" data-sort=(visible(&holder.key().to_lowercase())) {
                span.kind { (super::kind(&holder.who)) } " " (text(&holder.who.name()))
                @if let Who::User { name, email, .. } = &holder.who {
                    @if !name.is_empty() { br; small { (text(name)) } }
                    @if !email.is_empty() { br; small { (text(email)) } }
                }
            }
            td role="cell" data-label="Use" data-sort=(used.unwrap_or_default()) { (super::state(&holder.who)) }
            @if is_wide(access) {
                td.held role="cell" data-label="Holds" data-sort=(all.len()) {
                    ul { @for held in all { @for way in &held.ways { li { strong { (text(held.scope.as_str())) } ": " (self::way(way)) } } } }
                }
            } @else { @for scope in &access.scopes {
                @let held = all.iter().find(|held| held.scope == scope.scope);
                td role="cell" data-label=(visible(scope.scope.as_str())) data-sort=(held.map_or(0, |held| held.ways.len())) class=(if held.is_some() { "held" } else { "none" }) {
                    @match held {
                        Some(held) => ul { @for way in &held.ways { li { (self::way(way)) } } },
                        None => { span aria-hidden="true" { "–" } span.unseen { "no" } },
                    }
                }
            } }
        }
    }
}

fn way(way: &Way) -> Markup {
    html! {
        @if let Some(how) = super::how(way.how) { (how) @if super::path(way).is_some() { ": " } }
        @for (n, group) in super::path(way).unwrap_or_default().iter().enumerate() {
            @if n > 0 { " › " }
            (text(group.as_str()))
        }
        @if let Some(known) = way.manifest {
            " "
            span class={ "known " (match known {
                Known::Declared | Known::Kept => "fine",
                Known::Unwanted | Known::Unknown => "odd",
            }) } { (text(&super::known(way))) }
        }
    }
}

fn scopes(access: &Access) -> Markup {
    let names = |names: Vec<&str>| html! { @for (n, name) in names.iter().enumerate() { @if n > 0 { ", " } (text(name)) } };
    let scope = |scope: &Scope| {
        let holders: Vec<&Holder> =
            access.holders.iter().filter(|holder| holder.scope == scope.scope).collect();
        html! {
            h3 { (text(scope.scope.as_str())) }
            p { (capital(&super::counts_of(scope, &holders))) "." }
            @if !scope.through.is_empty() {
                p { "Users’ tokens carry it through " (names(scope.through.iter().map(|client| client.as_str()).collect())) "." }
            }
            @if !scope.nested.is_empty() {
                p { "Nested groups:" }
                ul { @for nested in &scope.nested { li { (text(nested.group.as_str())) " in " (text(nested.nested_in.as_str())) } } }
            }
        }
    };
    html! {
        section aria-labelledby="scopes" {
            h2 id="scopes" { "Scopes" }
            @for one in &access.scopes { (scope(one)) }
        }
    }
}

fn not_judged(access: &Access) -> Markup {
    html! {
        @if !access.blind_spots.is_empty() {
            section aria-labelledby="spots" {
                h2 id="spots" { "Not judged" }
                ul { @for spot in &access.blind_spots { li { (super::blind_spot(*spot)) } } }
            }
        }
    }
}
