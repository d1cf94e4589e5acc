//! A plan for people: what changes by phase, what is kept, what was not compared, what the rails say.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use anstyle::Style;
use unicode_width::UnicodeWidthStr;

use super::accounting;
use super::style::{self, styled};
use crate::client::{ClientField, ClientFieldKind, NONE};
use crate::plan::only::Part;
use crate::plan::{
    Action, BlindSpot, BlindSpotWhat, Change, FieldChange, FieldValue, Finding, Kept, KeptWhy, Kind, Phase,
    Plan, Rail,
};
use crate::visible::{name, quoted, shell, visible};

/// Keys wider than this do not push the column of places further.
const WIDEST_KEY: usize = 72;
/// Names of fields have a column of at least this width.
const NARROWEST_FIELD: usize = 12;
/// So many kept names are shown of each sort, but all of those who hold access that nobody accounts for.
const SHOWN_KEPT: usize = 20;

/// Shows a plan.
#[must_use]
pub fn plan(plan: &Plan) -> String {
    let mut out = String::new();
    let target = &plan.target;
    let zone = if target.zone.is_empty() { String::new() } else { format!(", zone {}", name(&target.zone)) };
    let _ = writeln!(out, "{}{zone} (UAA {})", visible(&target.url), visible(&target.uaa_version));
    changes(&mut out, plan);
    kept(&mut out, &plan.kept);
    blind_spots(&mut out, &plan.blind_spots);
    findings(&mut out, &plan.findings, &plan.changes);
    let _ = writeln!(out, "\n{}", summary(plan));
    if let Some(part) = &plan.only {
        let _ = writeln!(out, "{}", part_words(part, name));
    }
    out
}

/// Says what of the manifest this is.
pub(super) fn part_words(part: &Part, name: impl Fn(&str) -> String) -> String {
    let named: Vec<String> = part.named.iter().map(|text| name(text)).collect();
    let left_out = match part.left_out {
        0 => "nothing else would change".to_owned(),
        1 => "1 change is left out".to_owned(),
        many => format!("{} are left out", super::count(many, "change")),
    };
    format!("Only {}, and what that needs: {left_out}.", named.join(", "))
}

fn changes(out: &mut String, plan: &Plan) {
    let changes = &plan.changes;
    // The list of findings says these once, and names the changes.
    let allowed: BTreeSet<&str> =
        plan.findings.iter().filter(|finding| finding.allowed).map(|finding| &*finding.message).collect();
    let notes = |change: &Change| -> Vec<String> {
        change.notes.iter().filter(|note| !allowed.contains(note.as_str())).cloned().collect()
    };
    let width = key_width(changes);
    let mut phase = None;
    for alike in changes.chunk_by(|one, next| noted_alike(one, &notes(one), next, &notes(next))) {
        for change in alike {
            if phase != Some(change.phase) {
                phase = Some(change.phase);
                let number = changes.iter().filter(|other| other.phase == change.phase).count();
                let (name, meaning) = phase_words(change.phase);
                let heading = styled(style::HEADING, format!("{name} ({number}):"));
                let _ = writeln!(out, "\n{heading} {}", styled(style::DIM, meaning));
            }
            *out += &change_lines(change, width);
        }
        let these = if alike.len() == 1 { String::new() } else { format!("these {}: ", alike.len()) };
        for note in alike.first().map(notes).unwrap_or_default() {
            let _ = writeln!(out, "            {} {these}{}", styled(style::WARNING, "!"), visible(&note));
        }
    }
}

/// Returns the width of the column of keys.
pub(super) fn key_width(changes: &[Change]) -> usize {
    let widths = changes.iter().map(|change| name(&change.key).width());
    widths.filter(|&width| width <= WIDEST_KEY).max().unwrap_or_default()
}

/// Shows one change with its fields.
pub(super) fn change_lines(change: &Change, width: usize) -> String {
    let (symbol, style) = symbol(change.action);
    let key = name(&change.key);
    let pad = " ".repeat(width.saturating_sub(key.width()));
    let mut out = format!(
        "  {} {:<7} {key}{pad}  {}{}\n",
        styled(style, symbol),
        kind(change.kind),
        styled(style::DIM, name(&change.because.to_string())),
        reason(change)
    );
    let width = change.written().iter().map(|field| visible(&field.name).width()).max().unwrap_or_default();
    let width = width.max(NARROWEST_FIELD);
    for field in change.written() {
        let _ = writeln!(out, "              {}", field_words(field, change.action, width));
    }
    out
}

/// Says why something changes, where it is not what the line says.
fn reason(change: &Change) -> &'static str {
    match (change.kind, change.phase) {
        (Kind::Member, Phase::Delete) => " goes with its user",
        (Kind::ExternalGroup, Phase::Delete) => " goes with its group",
        (Kind::Member | Kind::ExternalGroup, _) if change.implied => " does not list it",
        (Kind::User | Kind::Group | Kind::Client, _) if change.implied => " prunes it",
        _ => "",
    }
}

/// Tells whether two changes, one right after the other, can share the lines of their notes: a hundred members who
/// leave one group lose their sessions alike.
pub(super) fn noted_alike(one: &Change, notes: &[String], next: &Change, next_notes: &[String]) -> bool {
    let bare = one.written().is_empty() && next.written().is_empty() && !notes.is_empty();
    one.phase == next.phase && one.action == next.action && bare && notes == next_notes
}

pub(super) fn phase_words(phase: Phase) -> (&'static str, &'static str) {
    match phase {
        Phase::Create => ("Create", "new users, groups and clients"),
        Phase::Update => ("Update", "fields that neither give nor take access"),
        Phase::Grant => ("Grant", "access that is given"),
        Phase::Revoke => ("Revoke", "access that is taken, after everything is given"),
        Phase::Delete => ("Delete", "what goes for good: first what hangs on it, then itself"),
        Phase::Own => ("Own", "what we ourselves log in with, last"),
    }
}

fn symbol(action: Action) -> (&'static str, Style) {
    match action {
        Action::CreateUser
        | Action::CreateGroup
        | Action::CreateClient
        | Action::AddMember
        | Action::MapExternalGroup => ("+", style::GIVES),
        Action::UpdateUser | Action::UpdateGroup | Action::UpdateClient | Action::SetClientSecret => {
            ("~", style::CHANGES)
        }
        Action::DeleteUser
        | Action::DeleteGroup
        | Action::DeleteClient
        | Action::RemoveMember
        | Action::UnmapExternalGroup => ("-", style::TAKES),
    }
}

pub(super) fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::User => "user",
        Kind::Group => "group",
        Kind::Member => "member",
        Kind::ExternalGroup => "mapping",
        Kind::Client => "client",
    }
}

fn field_words(field: &FieldChange, action: Action, width: usize) -> String {
    let shown = visible(&field.name);
    let name = format!("{shown}{}", " ".repeat(width.saturating_sub(shown.width())));
    let creates = matches!(action, Action::CreateUser | Action::CreateGroup | Action::CreateClient);
    // Absent, it is not an empty list: everyone may come in.
    if field.name == ClientField::Allowedproviders.name() && !creates {
        let all = |field: &FieldValue| match field {
            FieldValue::None => "all".to_owned(),
            some => value(some),
        };
        return format!("{name} {} → {}", all(&field.before), all(&field.after));
    }
    // Elsewhere a list has an order.
    let is_set = ClientField::by_name(&field.name).is_some_and(|field| field.kind() != ClientFieldKind::Any);
    match (&field.before, &field.after) {
        (FieldValue::None, after) if creates => format!("{name} {}", value(after)),
        (before, after) if is_set => match (texts(before), texts(after)) {
            (Some(before), Some(after)) => format!("{name} {}", list_words(&before, &after)),
            _ => before_and_after(&name, before, after),
        },
        (before, after) => before_and_after(&name, before, after),
    }
}

fn before_and_after(name: &str, before: &FieldValue, after: &FieldValue) -> String {
    match before {
        FieldValue::None => format!("{name} {}", value(after)),
        before => format!("{name} {} → {}", value(before), value(after)),
    }
}

/// What is added to a list and what is taken from it: most of a long one stays.
fn list_words(before: &BTreeSet<&str>, after: &BTreeSet<&str>) -> String {
    let bare = |names: &BTreeSet<&str>, others: &BTreeSet<&str>, sign: &str, style: Style| -> Vec<String> {
        let names = names.difference(others).filter(|name| **name != NONE);
        names.map(|name| styled(style, format!("{sign}{}", quoted(name)))).collect()
    };
    let mut words = bare(after, before, "+", style::GIVES);
    words.extend(bare(before, after, "-", style::TAKES));
    if after.iter().all(|name| *name == NONE) {
        words.push(styled(style::DIM, "(none left)"));
    }
    words.join(" ")
}

/// A list; nothing is one too.
fn texts(value: &FieldValue) -> Option<BTreeSet<&str>> {
    match value {
        FieldValue::List(texts) => Some(texts.iter().map(String::as_str).collect()),
        FieldValue::None => Some(BTreeSet::new()),
        FieldValue::Flag(_)
        | FieldValue::Number(_)
        | FieldValue::Text(_)
        | FieldValue::Variable { .. }
        | FieldValue::Json { .. } => None,
    }
}

fn value(value: &FieldValue) -> String {
    match value {
        FieldValue::None => "-".to_owned(),
        FieldValue::Flag(flag) => flag.to_string(),
        FieldValue::Number(number) => number.to_string(),
        FieldValue::Text(text) if text == FieldValue::REDACTED => text.clone(),
        FieldValue::Text(text) => quoted(text),
        FieldValue::List(texts) => {
            format!("[{}]", texts.iter().map(|text| quoted(text)).collect::<Vec<_>>().join(", "))
        }
        FieldValue::Variable { variable } => format!("(({}))", visible(variable)),
        FieldValue::Json { json } => visible(&json.to_string()),
    }
}

fn kept(out: &mut String, all: &[Kept]) {
    if all.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "\n{} {}",
        styled(style::HEADING, "Kept:"),
        styled(style::DIM, "related to the manifest, and left as it is")
    );
    for Kept { why, kind: of, items } in all {
        let words = why_words(*why);
        let (mark, shown) = match why {
            KeptWhy::UnaccountedAccess => (styled(style::WARNING, "!"), items.len()),
            _ => (" ".to_owned(), SHOWN_KEPT),
        };
        let _ = writeln!(out, "  {mark} {}: {words}", super::count(items.len(), kind(*of)));
        for item in items.iter().take(shown) {
            let _ = writeln!(out, "      {}", name(item));
        }
        if items.len() > shown {
            let _ = writeln!(out, "      … and {} more (see --format json)", items.len() - shown);
        }
        if *why == KeptWhy::UnaccountedAccess {
            to_account(out, *of, items);
        }
    }
}

/// Says what to write about access that the manifest does not account for.
fn to_account(out: &mut String, of: Kind, items: &[String]) {
    let entries = accounting::entries(of, items);
    let mut under = "";
    for entry in entries.iter().take(SHOWN_KEPT) {
        if entry.under != under {
            under = entry.under;
            let _ =
                writeln!(out, "    to take it, write under `{under}` (to keep it, what stands behind #):");
        }
        let keeps = styled(style::DIM, format!("# {}", entry.keeps));
        let _ = writeln!(out, "      {}  {keeps}", entry.takes);
    }
    if entries.len() > SHOWN_KEPT {
        let _ = writeln!(out, "      … and {} more in the same way", entries.len() - SHOWN_KEPT);
    }
    if entries.first().is_some_and(|entry| entry.under == "users") {
        let nested = "(a user whose entry says `none` already comes in by a nested group)";
        let _ = writeln!(out, "    {}", styled(style::DIM, nested));
    }
}

pub(super) fn why_words(why: KeptWhy) -> &'static str {
    match why {
        KeptWhy::UnaccountedAccess => "cluster access that the manifest does not account for",
        KeptWhy::DerivedMembership => {
            "brought by a login of the identity provider: ends when the mapping there ends"
        }
        KeptWhy::DefaultGroup => "everyone in the zone holds the group anyway",
        KeptWhy::Ghost => "the row is still there, its member is not",
        KeptWhy::ServerOwned => "UAA writes the group's description itself, at each start",
        KeptWhy::Description => "the description differs; an additive group's is used at creation only",
        KeptWhy::Profile => "the profile differs; each login of the identity provider rewrites it",
        KeptWhy::Undeletable => "UAA cannot delete a mapping whose name holds one of / \\ ; %",
        KeptWhy::Spelling => "the server spells the name with other upper or lower case",
        KeptWhy::Renamed => "has its new name already: `previously` can go from its entry",
        KeptWhy::Privileged => "no manifest names it, and it holds something privileged: never pruned",
        KeptWhy::BuiltIn => "no manifest names it, and UAA or the platform works with it: never pruned",
        KeptWhy::OwnIdentity => "no manifest names it, and this run is logged in as it: never pruned",
        KeptWhy::SecretUnchecked => {
            "the secret is neither tried nor set: ours, or a privileged client's (--allow takeover:client/NAME)"
        }
    }
}

fn blind_spots(out: &mut String, all: &[BlindSpot]) {
    if all.is_empty() {
        return;
    }
    let _ = writeln!(
        out,
        "\n{} {}",
        styled(style::HEADING, "Not compared:"),
        styled(style::DIM, "what UAA does not tell, or not to us")
    );
    for BlindSpot { what, items, values, why } in all {
        let _ = writeln!(out, "    {}s: {}", blind_word(*what), visible(why));
        let names: Vec<String> =
            items.iter().take(SHOWN_KEPT).map(|item| blind_item(*what, values, item)).collect();
        let more = items.len().saturating_sub(SHOWN_KEPT);
        let more = if more == 0 { String::new() } else { format!(" … and {more} more") };
        let _ = writeln!(out, "      {}{more}", names.join(", "));
    }
}

/// What was not compared, one of it.
pub(super) fn blind_word(what: BlindSpotWhat) -> &'static str {
    match what {
        BlindSpotWhat::Password => "password",
        BlindSpotWhat::ClientSecret => "client secret",
        BlindSpotWhat::DefaultGroups => "default group",
        BlindSpotWhat::Origins => "origin",
    }
}

/// Names something that was not compared.
pub(super) fn blind_item(what: BlindSpotWhat, values: &BTreeMap<String, FieldValue>, item: &str) -> String {
    match (what, values.get(item)) {
        // Where the secret comes from that apply may set.
        (BlindSpotWhat::ClientSecret, Some(shown)) => format!("{} {}", name(item), value(shown)),
        _ => name(item),
    }
}

fn findings(out: &mut String, all: &[Finding], changes: &[Change]) {
    let (allowed, refused): (Vec<_>, Vec<_>) = all.iter().partition(|finding| finding.allowed);
    for (heading, style, meaning, findings) in [
        ("Refused", style::ERROR, "a safety rule says no, so nothing is written", refused),
        ("Allowed", style::WARNING, "by --allow", allowed),
    ] {
        if findings.is_empty() {
            continue;
        }
        let _ = writeln!(out, "\n{} {}", styled(style, format!("{heading}:")), styled(style::DIM, meaning));
        for finding in findings {
            let _ = writeln!(out, "  {} {}", styled(style, rail(finding.rail)), visible(&finding.message));
            let touched: Vec<String> =
                finding.changes.iter().filter_map(|&id| changes.get(id as usize)).map(super::step).collect();
            for step in touched.iter().take(SHOWN_KEPT) {
                let _ = writeln!(out, "      {step}");
            }
            if touched.len() > SHOWN_KEPT {
                let _ = writeln!(out, "      … and {} more of the changes above", touched.len() - SHOWN_KEPT);
            }
            match &finding.key {
                Some(key) if !finding.allowed => {
                    let _ = writeln!(out, "      if that is meant: --allow {}", shell(key));
                }
                Some(_) => {}
                None => {
                    let _ = writeln!(out, "      nothing can allow this");
                }
            }
        }
    }
}

pub(super) fn rail(rail: Rail) -> &'static str {
    match rail {
        Rail::OwnIdentity => "own identity:",
        Rail::TargetPin => "target pin:",
        Rail::BuiltIns => "built-ins:",
        Rail::Escalates => "escalates:",
        Rail::Adopts => "adopts:",
        Rail::Empties => "empties:",
        Rail::Removals => "removals:",
        Rail::Takeover => "takeover:",
        Rail::Members => "members:",
        Rail::Protected => "protected:",
        Rail::Owner => "owner:",
        Rail::Undeletable => "undeletable:",
        Rail::Lookalike => "lookalike:",
        Rail::Prune => "prune:",
    }
}

fn summary(plan: &Plan) -> String {
    if plan.is_empty() {
        let besides = if plan.kept.is_empty() && plan.blind_spots.is_empty() {
            ""
        } else {
            ", besides what is listed above"
        };
        return if plan.refusals().next().is_some() {
            styled(style::HEADING, "No plan was made.")
        } else if plan.only.is_some() {
            format!("{}{}", styled(style::HEADING, "No changes"), settling(plan)) + "."
        } else {
            format!(
                "{} The server is as the manifest says{besides}{}.",
                styled(style::HEADING, "No changes."),
                settling(plan)
            )
        };
    }
    let s = plan.summary;
    format!(
        "{} {} to create, {} to update, {} to grant, {} to revoke, {} to delete{}.",
        styled(style::HEADING, "Plan:"),
        s.create,
        s.update,
        s.grant,
        s.revoke,
        s.delete,
        settling(plan)
    )
}

/// What apply may write although no change says so.
fn settling(plan: &Plan) -> String {
    let secrets = plan.blind_spots.iter().filter(|spot| spot.what == BlindSpotWhat::ClientSecret);
    match secrets.map(|spot| spot.items.len()).sum::<usize>() {
        0 => String::new(),
        1 => "; apply checks 1 client secret, and sets it if it does not work".to_owned(),
        n => format!("; apply checks {n} client secrets, and sets those that do not work"),
    }
}
