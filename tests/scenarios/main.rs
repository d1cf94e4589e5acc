//! Thousands of runs against the model of UAA (`uaapply_lab::model`): random servers and manifests, and all that can go
//! wrong, each from its seed.
//!
//! After every request the server is looked at: nobody may have what neither the state before nor the one that a run
//! without faults ends in allows, nor lack what both give (`facts`). What a run reports must be so (`honest`), the next
//! run without faults must converge, and no text may hold a secret.
//!
//! `UAAPPLY_SCENARIOS=10000` runs more of them, `UAAPPLY_SEED=17` one again: exactly the same where requests go one at a
//! time, which is so for three of four; of the others a failure shows the order of the requests.

mod facts;
mod honest;
mod killed;
mod manifest;
mod others;
mod run;
mod scenario;
mod server;
mod trouble;

use std::collections::BTreeMap;
use std::time::Instant;

use futures_util::stream::{self, StreamExt as _};

use self::killed::killed;
use self::scenario::{Ended, scenario};
use self::trouble::Trouble;

/// How many an ordinary run plays.
const SCENARIOS: u64 = 1_040;

/// How many of the program itself.
const PROGRAMS: u64 = 24;

/// How many at once: most of them wait before they try again.
const AT_ONCE: usize = 150;

fn number(name: &str) -> Option<u64> {
    std::env::var(name).ok().and_then(|text| text.parse().ok())
}

/// Plays seeds on two threads; says what each came to.
fn played(seeds: &[u64], trouble: impl Fn(u64) -> Trouble + Sync) -> Vec<(u64, Trouble, Ended)> {
    let half = seeds.len().div_ceil(2).max(1);
    std::thread::scope(|scope| {
        let threads: Vec<_> = seeds
            .chunks(half)
            .map(|seeds| {
                let trouble = &trouble;
                scope.spawn(move || {
                    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                    let one = async |seed: u64| (seed, trouble(seed), scenario(seed, trouble(seed)).await);
                    let all = stream::iter(seeds.iter().copied()).map(one).buffer_unordered(AT_ONCE);
                    runtime.expect("a runtime").block_on(all.collect::<Vec<_>>())
                })
            })
            .collect();
        threads.into_iter().flat_map(|thread| thread.join().expect("a thread of scenarios ends")).collect()
    })
}

/// Fails with what went wrong and how to see it again; else prints figures.
#[expect(clippy::print_stderr, reason = "the figures are part of what it is run for")]
fn judge(ended: &[(u64, Trouble, Ended)], test: &str, begun: Instant) {
    let mut figures: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (seed, trouble, ended) in ended {
        *figures.entry(format!("{trouble:?}: {}", ended.word())).or_default() += 1;
        if let Ended::Wrong(why) = ended {
            wrong.push(format!(
                "seed {seed}, {trouble:?}:\n{why}\nagain: UAAPPLY_SEED={seed} cargo test --test scenarios {test}\n"
            ));
        }
    }
    let requests: usize = ended.iter().map(|(_, _, ended)| ended.requests()).sum();
    eprintln!("{} scenarios, {requests} requests, {:.1?}: {figures:#?}", ended.len(), begun.elapsed());
    let heads: Vec<String> =
        wrong.iter().map(|why| why.lines().take(2).collect::<String>().chars().take(300).collect()).collect();
    assert!(
        wrong.is_empty(),
        "{} of {} went wrong:\n{}\n\nthe first of them:\n{}",
        wrong.len(),
        ended.len(),
        heads.join("\n"),
        wrong[..wrong.len().min(2)].join("\n")
    );
    let idle = ended.iter().filter(|(_, _, ended)| matches!(ended, Ended::Refused)).count();
    assert!(idle * 5 <= ended.len(), "{idle} of {} scenarios did nothing", ended.len());
}

fn seeds(all: u64) -> Vec<u64> {
    match number("UAAPPLY_SEED") {
        Some(seed) => vec![seed],
        None => (0..number("UAAPPLY_SCENARIOS").unwrap_or(all)).collect(),
    }
}

#[test]
fn whatever_goes_wrong_nobody_gets_or_loses_access_and_the_next_run_converges() {
    let begun = Instant::now();
    let ended = played(&seeds(SCENARIOS), Trouble::of);
    judge(&ended, "whatever_goes_wrong", begun);
}

#[test]
fn the_program_itself_killed_at_any_request_is_mended_by_the_next_run() {
    let begun = Instant::now();
    let seeds = match number("UAAPPLY_SEED") {
        Some(seed) => vec![seed],
        None => (0..PROGRAMS).collect(),
    };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    let one = async |seed: u64| (seed, Trouble::Killed, killed(seed).await);
    let ended = runtime.block_on(stream::iter(seeds).map(one).buffer_unordered(4).collect::<Vec<_>>());
    judge(&ended, "the_program_itself", begun);
}

#[test]
fn with_a_fifth_of_all_requests_failing_a_run_converges_or_says_what_is_left_and_the_next_converges() {
    let begun = Instant::now();
    let ended = played(&seeds(100), |_| Trouble::Fifth);
    judge(&ended, "with_a_fifth", begun);
}
