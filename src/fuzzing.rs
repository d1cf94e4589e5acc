//! What must be so whatever a file or a server says: one function for each sort of input, called by the targets of
//! `fuzz/` and, over `fuzz/seeds`, by `cargo test`.
//!
//! Stronger than "it does not panic": what is read and written again is the same, what was planned and done is not
//! planned again, and nothing of an input can forge a line, a colour or a pipeline's command in anything printed.
//! Not part of the library: it is there in tests and under cargo-fuzz only.

#[cfg(test)]
mod seeds;

use std::collections::BTreeSet;

use crate::desired::Desired;
use crate::export::{self, Choice};
use crate::import;
use crate::manifest::fuzzing::{Given, load, load_policy};
use crate::manifest::write::{Written, write};
use crate::manifest::{Loaded, Problem, Problems};
use crate::model::ClientId;
use crate::observed::{ClientScope, Observed, ReadScope};
use crate::plan::policy::{Allow, Policy};
use crate::plan::saved::{Saved, judge};
use crate::plan::{self, Action, Plan};
use crate::render::annotations::{self, Level, Note};
use crate::render::{json, markdown, problems, report, text};
use crate::report::Report;
use crate::snapshot::{self, Snapshot};
use crate::uaa::fuzzing::{Bodies, observed, refusals};
use crate::visible::is_invisible;

/// Parts the texts of one input.
pub const CUT: &str = "\n=====\n";

/// Holds a canary that no output may show.
const SECRET: &str = "canary-Secret-1";

/// A manifest, then maybe an ops file and a file of variables.
pub fn manifest(input: &[u8]) {
    let mut parts = parts(input).into_iter();
    let given = Given {
        manifest: parts.next().unwrap_or_default(),
        ops: parts.next(),
        variables: parts.next(),
        secrets: vec![("secret", SECRET)],
        ..Given::default()
    };
    loaded(load(&given), &Observed::default());
}

/// A file of variables, then the file of `--vars-store`, the value of a `-v`, and the manifest that they are for.
pub fn variables(input: &[u8]) {
    const MANIFEST: &[u8] = b"version: 1\nvariables:\n- {name: made, type: password}\nusers:\n\
        - {username: ((name)), email: ((mail.of.him)), groups: ((groups)), password: ((secret))}\n\
        - {username: b-((name)), email: ((given))@example.com, active: ((flag)), password: ((store.key))}\n\
        - {username: c, email: c@example.com, password: ((made)), given_name: ((name)) ((given))}\n\
        groups:\n- {name: team.x, members: ((members)), description: ((text))}\n";
    let mut parts = parts(input).into_iter();
    let (variables, store, value, own) = (parts.next(), parts.next(), parts.next(), parts.next());
    let value = value.map(|value| ("given".to_owned(), String::from_utf8_lossy(value).into_owned()));
    let given = Given {
        manifest: own.unwrap_or(MANIFEST),
        variables,
        store: store.filter(|store| !store.trim_ascii().is_empty()),
        plain: value.into_iter().collect(),
        secrets: vec![("secret", SECRET)],
        ..Given::default()
    };
    loaded(load(&given), &Observed::default());
}

/// A policy, then maybe a manifest that is judged by it.
pub fn policy(input: &[u8]) {
    const MANIFEST: &[u8] = b"version: 1\nusers:\n- {username: alana, email: a@example.com, cluster_access: admin}\n\
        groups:\n- {name: uaa.admin, members: [alana]}\n- {name: team.x, members: []}\n\
        clients:\n- {client_id: ci, authorized_grant_types: [client_credentials], authorities: [uaa.admin], client_secret: ((secret))}\n";
    let mut parts = parts(input).into_iter();
    match load_policy(parts.next().unwrap_or_default()) {
        Ok(policy) => {
            let given = Given {
                manifest: parts.next().unwrap_or(MANIFEST),
                secrets: vec![("secret", SECRET)],
                ..Given::default()
            };
            if let Ok(Loaded { desired, .. }) = load(&given)
                && let Ok(plan) = plan::make(&desired, &server(), &policy, &Allow::new())
            {
                faces(&plan);
            }
        }
        Err(Problems(found)) => framed(&found),
    }
}

/// A saved plan, then maybe a snapshot of the server that it is judged by.
pub fn saved_plan(input: &[u8]) {
    let texts = texts(input);
    let mut texts = texts.iter().map(String::as_str);
    let (saved, snapshot) = (texts.next().unwrap_or_default(), texts.next());
    if let Ok(saved) = Saved::read(saved) {
        assert_eq!(Saved::read(&saved.text()).as_ref(), Ok(&saved), "read, written and read again");
    }
    let Ok(saved) = Saved::forged(saved) else { return };
    assert_eq!(Saved::read(&saved.text()).as_ref(), Ok(&saved), "forged, written and read again");
    let _ = (saved.variables(), saved.passwords(), saved.sets_secrets_of());
    let _ = saved.client_secrets("client_secret");
    faces(&saved.plan);
    let there = snapshot.and_then(|text| Snapshot::read(text).ok());
    let there = there.and_then(|snapshot| snapshot.observed(&ReadScope::default()).ok());
    for observed in [Observed::default(), server()].iter().chain(&there) {
        let _ = saved.misses_a_doomed_user(observed);
        if let Ok(judged) = judge(&saved, observed, &Policy::default(), &Allow::new()) {
            faces(&judged.plan);
            for drift in &judged.drift {
                inert("drift", &crate::visible::visible(&drift.message));
            }
        }
    }
}

/// A snapshot, then maybe a manifest that is planned from it.
pub fn snapshot(input: &[u8]) {
    let texts = texts(input);
    let Ok(snapshot) = Snapshot::read(&texts[0]) else { return };
    let again = serde_json::to_string(&snapshot).expect("a snapshot is JSON");
    assert_eq!(Snapshot::read(&again).as_ref(), Ok(&snapshot), "read, written and read again");
    // As if everything had been asked for, so that the export has a full look.
    let clients: BTreeSet<ClientId> = snapshot.clients.iter().map(|client| client.id.clone()).collect();
    let everything = ReadScope {
        all_users: true,
        clients: ClientScope {
            all: true,
            required_user_groups: clients.clone(),
            metadata: clients,
            ..ClientScope::default()
        },
        ..ReadScope::default()
    };
    let Ok(mut observed) = Snapshot { covers: None, ..snapshot }.observed(&everything) else { return };
    if let Some(manifest) = texts.get(1) {
        let given =
            Given { manifest: manifest.as_bytes(), secrets: vec![("secret", SECRET)], ..Given::default() };
        if let Ok(Loaded { desired, .. }) = load(&given) {
            snapshot::assume_salts(&mut observed, &desired);
            planned(&desired, &observed);
        }
    }
    exported(&observed);
}

/// What a server answers: users, groups, mappings, clients, a client's metadata, a zone, a refusal.
pub fn answers(input: &[u8]) {
    let texts = texts(input);
    let part = |n: usize| texts.get(n).map_or("", String::as_str);
    let bodies = Bodies {
        users: part(0),
        groups: part(1),
        mappings: part(2),
        clients: part(3),
        metadata: part(4),
        zone: part(5),
    };
    exported(&observed(&bodies));
    for text in &texts {
        for said in refusals(text) {
            inert("refusal", &said);
        }
    }
}

/// A script of `uaac`.
pub fn import_uaac(input: &[u8]) {
    imported(input, "access.sh", import::Form::Uaac);
}

/// A `uaa.yml` or a BOSH manifest.
pub fn import_uaa_yml(input: &[u8]) {
    imported(input, "uaa.yml", import::Form::UaaYml);
}

/// A CSV list of users.
pub fn import_csv(input: &[u8]) {
    imported(input, "users.csv", import::Form::Csv);
}

fn parts(input: &[u8]) -> Vec<&[u8]> {
    let (mut parts, mut rest) = (Vec::new(), input);
    while let Some(at) = rest.windows(CUT.len()).position(|window| window == CUT.as_bytes()) {
        // The line end before the cut belongs to the part.
        parts.push(&rest[..=at]);
        rest = &rest[at + CUT.len()..];
    }
    parts.push(rest);
    parts
}

fn texts(input: &[u8]) -> Vec<String> {
    parts(input).into_iter().map(|part| String::from_utf8_lossy(part).into_owned()).collect()
}

/// A server with one of each kind.
fn server() -> Observed {
    let manifest: &[u8] = b"version: 1\nusers:\n- {username: alana, email: a@example.com, origin: ldap}\n- {username: cody, email: c@example.com, password: ((secret))}\n\
        groups:\n- {name: uaa.admin, members: [cody]}\n- {name: team.x, members: [{username: alana, origin: ldap}, {group: uaa.admin}]}\n\
        clients:\n- {client_id: ci, authorized_grant_types: [client_credentials], authorities: [team.x], client_secret: ((secret))}\n";
    let given = Given { manifest, secrets: vec![("secret", SECRET)], ..Given::default() };
    let desired = load(&given).expect("the manifest is valid").desired;
    let plan = plan::make(&desired, &Observed::default(), &Policy::default(), &Allow::new());
    plan::project(&Observed::default(), &plan.expect("it can come true").changes)
}

/// Plans what was loaded, or shows what is wrong.
fn loaded(outcome: Result<Loaded, Problems>, observed: &Observed) {
    match outcome {
        Ok(Loaded { desired, warnings, .. }) => {
            framed(&warnings);
            planned(&desired, observed);
            planned(&desired, &server());
        }
        Err(Problems(found)) => {
            assert!(!found.is_empty(), "an error without a problem");
            framed(&found);
        }
    }
}

/// Plans, carries out, and plans again: nothing is left, and what is there then can be exported.
fn planned(desired: &Desired, observed: &Observed) {
    let (policy, allow) = (Policy::default(), Allow::new());
    let Ok(plan) = plan::make(desired, observed, &policy, &allow) else { return };
    faces(&plan);
    if let Ok(saved) = Saved::new(&plan, desired, observed) {
        let read = Saved::read(&saved.text());
        assert_eq!(read.as_ref(), Ok(&saved), "a plan is saved and read");
    }
    let after = plan::project(observed, &plan.changes);
    match plan::make(desired, &after, &policy, &allow) {
        Ok(again) => {
            let left: Vec<_> =
                again.changes.iter().filter(|change| change.action != Action::SetClientSecret).collect();
            assert!(left.is_empty(), "left after carrying out {:#?}\n{left:#?}", plan.changes);
        }
        Err(objections) => panic!("objections after carrying out {:#?}\n{objections:#?}", plan.changes),
    }
    exported(&after);
}

/// Exports all that is there: the result loads, and its plan is empty.
fn exported(observed: &Observed) {
    let choice = Choice { built_ins: true, ..Choice::default() };
    let written = write(&export::manifest(&choice, observed)).expect("an export can be written");
    let desired = rewritten(&written).desired;
    match plan::make(&desired, observed, &Policy::default(), &Allow::new()) {
        Ok(plan) => {
            faces(&plan);
            assert!(plan.is_empty(), "the plan of an export\n{}\n{:#?}", written.text, plan.changes);
        }
        Err(objections) => panic!("the export cannot come true\n{}\n{objections:#?}", written.text),
    }
}

/// Loads a manifest that was written.
fn rewritten(written: &Written) -> Loaded {
    inert("a written manifest", &written.text);
    for left_out in &written.left_out {
        inert("what is left out", &crate::visible::visible(left_out));
    }
    let given = Given {
        manifest: written.text.as_bytes(),
        secrets: written.variables.iter().map(|name| (name.as_str(), SECRET)).collect(),
        ..Given::default()
    };
    load(&given).unwrap_or_else(|problems| panic!("it does not load\n{}\n{problems:#?}", written.text))
}

fn imported(input: &[u8], name: &str, form: import::Form) {
    let text = String::from_utf8_lossy(input).into_owned();
    let source = import::Source { name: name.to_owned(), text, form: Some(form) };
    match import::import(&[source]) {
        Ok(imported) => {
            for note in &imported.notes {
                inert("note", &crate::visible::visible(&note.to_string()));
            }
            rewritten(&imported.written);
        }
        Err(import::Failure::Problems(found)) => framed(&found),
        Err(import::Failure::Error(error)) => inert("error", &problems::error(&error)),
    }
}

/// Shows problems in every way.
fn framed(found: &[Problem]) {
    let notes: Vec<Note> = found.iter().map(|problem| Note::of_problem(problem, Level::Error)).collect();
    for shown in [problems::problems(found), problems::warnings(found)] {
        assert!(!shown.contains(SECRET), "{shown}");
        inert("problems", &shown);
    }
    annotated(&notes);
}

fn annotated(notes: &[Note]) {
    let github = annotations::github(notes);
    assert_eq!(github.lines().count(), notes.len(), "{github}");
    for line in github.lines() {
        assert!(line.starts_with("::") && !line.contains(['\r', '\u{1b}']), "{line:?}");
    }
    inert("annotations for GitLab", &annotations::gitlab(notes, "m.yml"));
}

/// Shows a plan in every way.
fn faces(plan: &Plan) {
    let report = Report::of(plan);
    for (face, shown) in [
        ("plan", text::plan(plan)),
        ("plan as JSON", json(plan)),
        ("plan as Markdown", markdown::plan(plan, markdown::GITHUB)),
        ("report", report::text(&report)),
        ("report as JSON", json(&report)),
        ("report as Markdown", markdown::report(&report, markdown::GITHUB)),
    ] {
        assert!(!shown.contains(SECRET), "{face}: {shown}");
        inert(face, &shown);
    }
    annotated(&Note::of_plan(plan));
}

/// Expects that nothing in a text does anything to a terminal or a pipeline but our own colours.
pub(crate) fn inert(face: &str, shown: &str) {
    let mut rest = shown;
    while let Some(at) = rest.find('\u{1b}') {
        let sequence = rest[at..].strip_prefix("\u{1b}[").and_then(|sequence| sequence.split_once('m'));
        let Some((numbers, after)) = sequence else { panic!("{face}: an escape sequence in {shown:?}") };
        assert!(numbers.chars().all(|c| c.is_ascii_digit() || c == ';'), "{face}: {shown:?}");
        rest = after;
    }
    let bare = |c: char| c != '\n' && c != '\u{1b}' && is_invisible(c);
    assert!(!shown.contains(bare), "{face}: something invisible in {shown:?}");
    assert!(!shown.contains("##[") && !shown.contains("##vso["), "{face}: a command in\n{shown}");
    for line in anstream::adapter::strip_str(shown).to_string().lines() {
        assert!(!line.trim_start().starts_with("::"), "{face}: a command in\n{shown}");
    }
}
