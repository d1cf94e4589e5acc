//! Killed (-9) at any request, the next run converges, and at no moment anybody has what neither before nor after allows.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use uaapply_lab::UaaVersion;
use uaapply_lab::proxy::{Action, Proxy, Seen};

use super::stage::{Stage, kill_when_holding, writes};
use super::story::Story;

/// Starts an apply and kills it when it sends its `n`th request that counts; false when it ended before that.
fn killed_at(stage: &Stage, n: usize, action: Action, counts: fn(&Seen) -> bool, more: &[&str]) -> bool {
    let number = AtomicUsize::new(0);
    let decide = move |seen: &Seen| {
        if counts(seen) && number.fetch_add(1, Ordering::SeqCst) + 1 == n { action } else { Action::Forward }
    };
    let proxy = Proxy::start(stage.world.foundation, decide).expect("the proxy starts");
    let child = stage.command(&proxy, more).spawn().expect("the binary starts");
    kill_when_holding(&proxy, child)
}

/// Each run is killed as soon as UAA has handled the first write that changes something, so that every write of the
/// whole work is once the last one before a death.
fn killed_after_each_write(version: UaaVersion) {
    let stage = Stage::new(version, Story::LARGE);
    let (mut kills, mut steps, mut at) = (0, 0, 1);
    let mut last = stage.expect_within("before");
    while killed_at(&stage, at, Action::ForwardThenHold, writes, &["--concurrency", "1"]) {
        kills += 1;
        let place = format!("killed {kills} times");
        let now = stage.expect_within(&place);
        (steps, at) = if now == last {
            // A write that changes nothing that is looked at, such as a client's secret, comes again: the next one, then.
            stage.expect_a_secret(&place);
            (steps, at + 1)
        } else {
            (steps + 1, 1)
        };
        last = now;
    }
    // All but the secret's change can be seen.
    assert!(
        stage.ends.changes > 60 && steps >= stage.ends.changes - 1,
        "{steps} steps, {} changes",
        stage.ends.changes
    );
    stage.converge("at the end");
}

/// Killed at one request of a whole run, and then run again.
fn killed_once(stage: &Stage, n: usize, action: Action) -> bool {
    stage.reset();
    let place = format!("killed at request {n} ({action:?})");
    let killed = killed_at(stage, n, action, |_| true, &[]);
    stage.expect_within(&place);
    stage.expect_a_secret(&place);
    stage.converge(&place);
    killed
}

/// A whole run killed at each of these requests in turn.
fn killed_at_requests(version: UaaVersion, requests: impl Iterator<Item = (usize, Action)>) -> usize {
    let stage = Stage::new(version, Story::LARGE);
    requests.take_while(|&(n, action)| killed_once(&stage, n, action)).count()
}

/// Some requests of the whole run, spread over it.
fn some(version: UaaVersion) {
    let actions = [Action::Hold, Action::ForwardThenHold];
    let requests = (5..).step_by(23).zip(actions.into_iter().cycle());
    assert!(killed_at_requests(version, requests) >= 4);
}

/// All requests of the whole run, before UAA handles them and after.
#[expect(clippy::print_stderr, reason = "the figures are what it is run for")]
fn all(version: UaaVersion) {
    let begun = Instant::now();
    let kills: usize = std::thread::scope(|scope| {
        let halves = [Action::Hold, Action::ForwardThenHold];
        let halves =
            halves.map(|action| scope.spawn(move || killed_at_requests(version, (1..).map(|n| (n, action)))));
        halves.into_iter().map(|half| half.join().expect("no panic")).sum()
    });
    eprintln!("UAA {version}: {kills} kills in {:.0?}", begun.elapsed());
    assert!(kills > 2 * 60, "{kills} kills");
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING.md says when to run it"]
fn killed_after_each_write_an_apply_of_sixty_changes_converges_on_4_30_0() {
    killed_after_each_write(UaaVersion::V4_30_0);
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING.md says when to run it"]
fn killed_after_each_write_an_apply_of_sixty_changes_converges_on_4_10_0() {
    killed_after_each_write(UaaVersion::V4_10_0);
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING.md says when to run it"]
fn killed_at_some_requests_an_apply_of_sixty_changes_converges_on_4_30_0() {
    some(UaaVersion::V4_30_0);
}

#[test]
#[ignore = "takes minutes; CONTRIBUTING.md says when to run it"]
fn killed_at_some_requests_an_apply_of_sixty_changes_converges_on_4_10_0() {
    some(UaaVersion::V4_10_0);
}

#[test]
#[ignore = "takes 10 minutes; CONTRIBUTING.md says when to run it"]
fn killed_at_every_request_an_apply_of_sixty_changes_converges_on_4_30_0() {
    all(UaaVersion::V4_30_0);
}

#[test]
#[ignore = "takes 10 minutes; CONTRIBUTING.md says when to run it"]
fn killed_at_every_request_an_apply_of_sixty_changes_converges_on_4_10_0() {
    all(UaaVersion::V4_10_0);
}
