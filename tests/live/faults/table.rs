//! What each fault comes to: a line each, with the exit code and the kinds of outcomes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use uaapply_lab::UaaVersion;
use uaapply_lab::proxy::{Action, Reply, Seen};

use super::stage::{Decide, Fault, Stage, writes};
use super::story::Story;
use crate::world::Ran;

/// A fault, and what the run in which it happens comes to. The next run converges, whatever it is.
struct Row {
    fault: &'static str,
    /// The exit code.
    code: i32,
    /// The kinds of outcomes in the report, of which there is none when nothing was tried.
    outcomes: &'static [&'static str],
    decide: fn() -> Decide,
    more: &'static [&'static str],
}

/// In UAA's own words.
const LIMITED: Reply = Reply::json(
    503,
    r#"{"error":"uaa_unavailable","error_description":"UAA intentionally in limited mode, operation not permitted. Please try later."}"#,
);
const UNEXPECTED: Reply = Reply::json(
    500,
    r#"{"error":"Unexpected error","message":"Unexpected error","error_description":"Unexpected error"}"#,
);
const UNPROCESSABLE: Reply =
    Reply::json(422, r#"{"error":"unprocessable","message":"deadlock","error_description":"deadlock"}"#);
const DENIED: Reply = Reply::json(
    403,
    r#"{"error":"insufficient_scope","error_description":"Insufficient scope for this resource","scope":"uaa.admin"}"#,
);
const REFUSED_TOKEN: Reply = Reply::json(
    401,
    r#"{"error":"invalid_token","error_description":"The token expired, was revoked, or the token ID is incorrect."}"#,
);
const BUSY: Reply = Reply::json(429, r#"{"error":"429 - Too Many Request"}"#);
const TOMCAT: Reply =
    Reply::html(500, "<!doctype html><html><head><title>HTTP Status 500</title></head></html>");
const GATEWAY: Reply = Reply::html(502, "<html><body><h1>502 Bad Gateway</h1></body></html>");
const SERVICE: Reply = Reply::html(503, "<html><body><h1>503 Service Unavailable</h1></body></html>");
const PORTAL: Reply = Reply::html(200, "<html><body>Please log in to the network.</body></html>");

fn all(_: &Seen) -> bool {
    true
}

fn reads(seen: &Seen) -> bool {
    seen.method == "GET"
}

/// Makes something: what is not simply sent again.
fn creates(seen: &Seen) -> bool {
    seen.method == "POST" && matches!(&*seen.path, "/Users" | "/Groups" | "/oauth/clients")
}

fn clients(seen: &Seen) -> bool {
    seen.path == "/oauth/clients/tx/modify"
}

fn new_users(seen: &Seen) -> bool {
    seen.method == "POST" && seen.path == "/Users"
}

/// Each of these requests meets it the first so many times.
fn first(times: usize, which: fn(&Seen) -> bool, action: Action) -> Decide {
    let met: Mutex<BTreeMap<String, usize>> = Mutex::default();
    Box::new(move |seen| {
        if !which(seen) {
            return Action::Forward;
        }
        let mut met = met.lock().expect("nothing panics");
        let met = met.entry(format!("{} {}?{}", seen.method, seen.path, seen.query)).or_default();
        *met += 1;
        if *met <= times { action } else { Action::Forward }
    })
}

/// From the so-manieth write on, so many of these requests meet it.
fn from(write: usize, which: fn(&Seen) -> bool, action: Action, many: usize) -> Decide {
    let (written, met) = (AtomicUsize::new(0), AtomicUsize::new(0));
    Box::new(move |seen| {
        if writes(seen) {
            written.fetch_add(1, Ordering::SeqCst);
        }
        let begun = written.load(Ordering::SeqCst) >= write;
        if begun && which(seen) && met.fetch_add(1, Ordering::SeqCst) < many {
            action
        } else {
            Action::Forward
        }
    })
}

const FOR_GOOD: usize = usize::MAX;

/// What stays unknown where writes alone fail is the client's secret: no look tells whether it is set.
const TABLE: &[Row] = &[
    row("each connection cut once before UAA has the request", 0, &["done"], || first(1, all, Action::Drop)),
    row("each connection cut once after UAA has handled it", 0, &["done"], || {
        first(1, all, Action::ForwardThenDrop)
    }),
    row("nothing arrives from the 7th write on", 5, &["done", "held", "unknown"], || {
        from(7, all, Action::Drop, FOR_GOOD)
    }),
    row("no write arrives from the 7th on", 5, &["done", "failed", "held"], || {
        from(7, writes, Action::Drop, FOR_GOOD)
    }),
    row("no answer to a write arrives from the 7th on", 5, &["done", "held", "unknown"], || {
        from(7, writes, Action::ForwardThenDrop, FOR_GOOD)
    }),
    row("no answer at all arrives from the 7th write on", 5, &["done", "held", "unknown"], || {
        from(7, all, Action::ForwardThenDrop, FOR_GOOD)
    }),
    row("no read arrives from the 7th write on", 5, &["done", "failed", "held"], || {
        from(7, reads, Action::Drop, FOR_GOOD)
    }),
    row("429, five times", 0, &["done"], || from(7, all, Action::Answer(BUSY.retry_after(1)), 5)),
    row("429 for good from the 7th write on", 5, &["done", "failed", "held"], || {
        from(7, all, Action::Answer(BUSY), FOR_GOOD)
    }),
    row("503, three times", 0, &["done"], || from(7, all, Action::Answer(SERVICE.retry_after(1)), 3)),
    row("503 for good from the 7th write on", 5, &["done", "held", "unknown"], || {
        from(7, all, Action::Answer(SERVICE), FOR_GOOD)
    }),
    row("502 once for each write, which UAA has handled", 0, &["done"], || {
        first(1, writes, Action::ForwardThenAnswer(GATEWAY))
    }),
    row("500 once for each write, which UAA has not handled", 0, &["done"], || {
        first(1, writes, Action::Answer(UNEXPECTED))
    }),
    row("500 once for each write, which UAA has handled", 0, &["done"], || {
        first(1, writes, Action::ForwardThenAnswer(UNEXPECTED))
    }),
    row("500 for each new user", 5, &["done", "failed", "held"], || {
        first(FOR_GOOD, new_users, Action::Answer(UNEXPECTED))
    }),
    row("500 for each write from the first on", 5, &["failed", "held", "unknown"], || {
        first(FOR_GOOD, writes, Action::Answer(UNEXPECTED))
    }),
    row("422 once for each write, which UAA has not handled", 0, &["done"], || {
        first(1, writes, Action::Answer(UNPROCESSABLE))
    }),
    row("422 once for each write, which UAA has handled", 0, &["done"], || {
        first(1, writes, Action::ForwardThenAnswer(UNPROCESSABLE))
    }),
    row("422 for each change of a client", 5, &["done", "failed", "held", "unknown"], || {
        first(FOR_GOOD, clients, Action::Answer(UNPROCESSABLE))
    }),
    row("Tomcat's page for each write from the 7th on", 5, &["done", "failed", "held", "unknown"], || {
        from(7, writes, Action::Answer(TOMCAT), FOR_GOOD)
    }),
    row("Tomcat's page once for each that makes something, which UAA has", 0, &["done"], || {
        first(1, creates, Action::ForwardThenAnswer(TOMCAT))
    }),
    row("a page with 200 once for each write, which UAA never sees", 0, &["done"], || {
        first(1, writes, Action::Answer(PORTAL))
    }),
    row("a page with 200 for each write", 5, &["failed", "held", "unknown"], || {
        first(FOR_GOOD, writes, Action::Answer(PORTAL))
    }),
    row("half of each answer, once", 0, &["done"], || first(1, all, Action::Truncate)),
    row("half of each answer to a write, always", 5, &["done", "held", "unknown"], || {
        first(FOR_GOOD, writes, Action::Truncate)
    }),
    row("the second half of each answer late, but in time", 0, &["done"], || {
        first(FOR_GOOD, all, Action::Stall(Duration::from_millis(100)))
    }),
    Row {
        more: &["--timeout", "1"],
        ..row("the second half of each answer to a write too late, once", 0, &["done"], || {
            first(1, writes, Action::Stall(Duration::from_secs(4)))
        })
    },
    row("limited mode from the first write on", 1, &["failed", "held"], || {
        from(1, writes, Action::Answer(LIMITED), FOR_GOOD)
    }),
    row("limited mode from the 7th write on", 5, &["done", "failed", "held"], || {
        from(7, writes, Action::Answer(LIMITED), FOR_GOOD)
    }),
    row("403 from the 7th write on", 5, &["done", "failed", "held"], || {
        from(7, writes, Action::Answer(DENIED), FOR_GOOD)
    }),
    row("401 once for each write", 0, &["done"], || first(1, writes, Action::Answer(REFUSED_TOKEN))),
    row("401 for good from the 7th write on", 5, &["done", "failed", "held"], || {
        from(7, all, Action::Answer(REFUSED_TOKEN), FOR_GOOD)
    }),
    row("nothing arrives at all", 1, &[], || first(FOR_GOOD, all, Action::Drop)),
    row("503 for every read", 1, &[], || first(FOR_GOOD, reads, Action::Answer(SERVICE))),
];

const fn row(
    fault: &'static str,
    code: i32,
    outcomes: &'static [&'static str],
    decide: fn() -> Decide,
) -> Row {
    Row { fault, code, outcomes, decide, more: &[] }
}

fn each_row(version: UaaVersion) {
    let wrong = Mutex::new(Vec::new());
    let next = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..3 {
            scope.spawn(|| {
                let stage = Stage::new(version, Story::SMALL);
                while let Some(row) = TABLE.get(next.fetch_add(1, Ordering::SeqCst)) {
                    stage.reset();
                    let run = stage.run(Fault { more: row.more, ..Fault::new((row.decide)()) });
                    let expected: BTreeSet<String> =
                        row.outcomes.iter().map(|&kind| kind.to_owned()).collect();
                    if run.ran.code != row.code || run.outcomes != expected || !run.wrong.is_empty() {
                        let Ran { stdout, stderr, code } = &run.ran;
                        wrong.lock().expect("nothing panics").push(format!(
                            "{}: exit code {code}, outcomes {:?}, wrong: {:#?}\n{stdout}\n{stderr}",
                            row.fault, run.outcomes, run.wrong
                        ));
                    }
                    stage.converge(row.fault);
                }
            });
        }
    });
    let wrong = wrong.into_inner().expect("nothing panics");
    assert!(wrong.is_empty(), "{}", wrong.join("\n\n"));
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING.md says when to run it"]
fn each_fault_comes_to_what_the_table_says_on_4_30_0() {
    each_row(UaaVersion::V4_30_0);
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING.md says when to run it"]
fn each_fault_comes_to_what_the_table_says_on_4_10_0() {
    each_row(UaaVersion::V4_10_0);
}
