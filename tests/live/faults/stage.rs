//! A zone on which a story is told: at its state before, run through a proxy, and looked at.

use std::collections::{BTreeMap, BTreeSet};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Duration;

use serde_json::Value;
use uaapply_lab::UaaVersion;
use uaapply_lab::proxy::{Action, Proxy, Seen};

use super::facts::{Facts, Look, outside};
use super::story::{POLICY, ROTATED, SECRETS, Story};
use super::told::{self, Whose};
use crate::world::{Ran, World, rows, text};

/// What a story's manifests come to where nothing breaks.
pub(super) struct Ends {
    pub(super) before: Facts,
    pub(super) after: Facts,
    /// How many changes the apply made.
    pub(super) changes: usize,
}

pub(super) struct Stage {
    pub(super) world: Arc<World>,
    pub(super) ends: &'static Ends,
}

/// What breaks during a run.
pub(super) struct Fault {
    pub(super) decide: Decide,
    /// Called when UAA has handled a write, with how many it has by then.
    pub(super) meanwhile: Meanwhile,
    /// More arguments.
    pub(super) more: &'static [&'static str],
    /// Another environment.
    pub(super) env: Vec<(&'static str, String)>,
    /// Where somebody else writes too.
    pub(super) theirs: Option<Theirs>,
}

pub(super) type Decide = Box<dyn Fn(&Seen) -> Action + Send + Sync>;
pub(super) type Meanwhile = Box<dyn Fn(usize, &World) + Send + Sync>;

/// What another administrator does.
#[derive(Clone, Copy)]
pub(super) struct Theirs {
    /// Makes before and after allow it.
    pub(super) allow: fn(&mut Facts, &mut Facts),
    /// What neither the report nor before and after can know about.
    pub(super) touched: &'static [&'static str],
}

impl Fault {
    pub(super) fn new(decide: impl Fn(&Seen) -> Action + Send + Sync + 'static) -> Self {
        Self {
            decide: Box::new(decide),
            meanwhile: Box::new(|_, _| ()),
            more: &[],
            env: Vec::new(),
            theirs: None,
        }
    }

    /// Nothing but what somebody does meanwhile.
    pub(super) fn none(meanwhile: impl Fn(usize, &World) + Send + Sync + 'static) -> Self {
        Self { meanwhile: Box::new(meanwhile), ..Self::new(|_| Action::Forward) }
    }
}

/// What became of a run in which something broke.
#[derive(Debug)]
pub(super) struct Run {
    pub(super) ran: Ran,
    /// The kinds of outcomes in its report.
    pub(super) outcomes: BTreeSet<String>,
    /// What was wrong whenever UAA had handled a write, and after the run.
    pub(super) wrong: Vec<String>,
    /// How many writes UAA handled; each time that was looked at.
    pub(super) writes: usize,
    pub(super) seen: Vec<Seen>,
}

/// Looks at the server after each write.
pub(super) struct Watch {
    pub(super) world: Arc<World>,
    pub(super) before: Facts,
    pub(super) after: Facts,
    /// How many writes there were, and all that was wrong.
    pub(super) found: Mutex<(usize, Vec<String>)>,
}

impl Watch {
    pub(super) fn handled(&self, seen: &Seen, meanwhile: &Meanwhile) {
        if !writes(seen) {
            return;
        }
        let now = Look::at(&self.world).facts;
        let place = format!("after request {}, {} {}", seen.number, seen.method, seen.path);
        let count = {
            let mut found = self.found.lock().expect("no look panics");
            found.0 += 1;
            let wrong = outside(&self.before, &self.after, &now);
            found.1.extend(wrong.into_iter().map(|wrong| format!("{place}: {wrong}")));
            found.0
        };
        meanwhile(count, &self.world);
    }
}

/// Whether a request writes.
pub(super) fn writes(seen: &Seen) -> bool {
    seen.method != "GET" && seen.path != "/oauth/token"
}

impl Stage {
    /// A zone of its own at the state before.
    pub(super) fn new(version: UaaVersion, story: Story) -> Self {
        let ends = ends(version, story);
        let stage = Self { world: Arc::new(set(version, story)), ends };
        stage.reset();
        stage
    }

    /// Brings the zone to the state before, from wherever it is.
    pub(super) fn reset(&self) {
        apply(&self.world, "before.yml");
        assert_eq!(Look::at(&self.world).facts, self.ends.before);
    }

    /// `apply` of the manifest after, not started yet.
    pub(super) fn command(&self, proxy: &Proxy, more: &[&str]) -> Command {
        let mut command = command(&self.world, "after.yml", more);
        command.env("UAA_TARGET", proxy.url());
        command
    }

    /// An apply with a report while something breaks, with every state in between looked at.
    pub(super) fn run(&self, fault: Fault) -> Run {
        let Fault { decide, meanwhile, more, env, theirs } = fault;
        let (mut before, mut after) = (self.ends.before.clone(), self.ends.after.clone());
        if let Some(theirs) = &theirs {
            (theirs.allow)(&mut before, &mut after);
        }
        let watch = Watch { world: Arc::clone(&self.world), before, after, found: Mutex::default() };
        let watch = Arc::new(watch);
        let watching = Arc::clone(&watch);
        let handled = move |seen: &Seen| watching.handled(seen, &meanwhile);
        let _ = std::fs::remove_file(self.world.path("report.json"));
        let proxy = Proxy::watched(self.world.foundation, decide, handled).expect("the proxy starts");
        let mut command = self.command(&proxy, &["--report", "report.json"]);
        let ran = Ran::from(command.args(more).envs(env).output().expect("the binary runs"));
        proxy.settle().expect("the proxy runs");
        let now = Look::at(&self.world);
        let (writes, mut wrong) = std::mem::take(&mut *watch.found.lock().expect("no look panics"));
        wrong.extend(outside(&watch.before, &watch.after, &now.facts));
        let report = report(&self.world, "report.json");
        wrong.extend(told::unlike(ran.code, &report));
        let whose = if theirs.is_some() { Whose::Several } else { Whose::OneRun };
        wrong.extend(told::lies(&self.world, &report, &now, whose));
        let theirs = theirs.map_or(&[][..], |theirs| theirs.touched);
        wrong.retain(|wrong| !theirs.iter().any(|theirs| wrong.contains(theirs)));
        let outcomes = rows(&report["changes"]).iter().map(|change| text(&change["outcome"])).collect();
        Run { ran, outcomes, wrong, writes, seen: proxy.seen() }
    }

    /// Nothing may be wrong right now.
    pub(super) fn expect_within(&self, place: &str) -> Look {
        let now = Look::at(&self.world);
        let wrong = outside(&self.ends.before, &self.ends.after, &now.facts);
        assert!(wrong.is_empty(), "{place}: {wrong:#?}");
        now
    }

    /// The client that gets another secret has the one or the other.
    pub(super) fn expect_a_secret(&self, place: &str) {
        let works = SECRETS.map(|(_, secret)| told::has_secret(&self.world, ROTATED, secret));
        assert!(
            works[0] != works[1],
            "{place}: {ROTATED} has the old secret: {}, the new: {}",
            works[0],
            works[1]
        );
    }

    /// The next run finishes the work.
    pub(super) fn converge(&self, place: &str) {
        let ran = Ran::from(command(&self.world, "after.yml", &[]).output().expect("the binary runs"));
        assert_eq!(ran.code, 0, "{place}, and the next run: {}\n{}", ran.stdout, ran.stderr);
        assert_eq!(Look::at(&self.world).facts, self.ends.after, "{place}, and after the next run");
        assert!(
            told::has_secret(&self.world, ROTATED, SECRETS[1].1),
            "{place}: the secret after the next run"
        );
    }
}

/// Kills (-9) a child as soon as a request is held; false when it ended before.
pub(super) fn kill_when_holding(proxy: &Proxy, mut child: Child) -> bool {
    loop {
        if proxy.holding() {
            child.kill().expect("it is our child");
            child.wait().expect("it is our child");
            proxy.settle().expect("the proxy runs");
            return true;
        }
        if child.try_wait().expect("it is our child").is_some() {
            return false;
        }
        std::thread::sleep(Duration::from_millis(2));
    }
}

/// A zone with the story's files, and nothing applied.
fn set(version: UaaVersion, story: Story) -> World {
    let world = World::new(version);
    world.file("policy.yml", POLICY).file("before.yml", &story.before()).file("after.yml", &story.after());
    world
}

fn command(world: &World, manifest: &str, more: &[&str]) -> Command {
    let mut command = world.command(&["apply", "-f", manifest, "--yes", "--policy", "policy.yml"]);
    command.args(more).envs(SECRETS).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// A run's report; null when it wrote none.
pub(super) fn report(world: &World, name: &str) -> Value {
    std::fs::read_to_string(world.path(name))
        .map_or(Value::Null, |report| serde_json::from_str(&report).expect("JSON"))
}

fn apply(world: &World, manifest: &str) -> String {
    let ran = Ran::from(command(world, manifest, &["--format", "json"]).output().expect("the binary runs"));
    assert_eq!(ran.code, 0, "{manifest}: {}\n{}", ran.stdout, ran.stderr);
    ran.stdout
}

/// Tells each story once to each version without any fault.
fn ends(version: UaaVersion, story: Story) -> &'static Ends {
    type Cells = [OnceLock<Ends>; 2];
    static SMALL: Cells = [const { OnceLock::new() }; 2];
    static LARGE: Cells = [const { OnceLock::new() }; 2];
    let cells = if story.size == Story::SMALL.size { &SMALL } else { &LARGE };
    let cell = match version {
        UaaVersion::V4_10_0 => &cells[0],
        UaaVersion::V4_30_0 => &cells[1],
    };
    cell.get_or_init(|| {
        let world = set(version, story);
        apply(&world, "before.yml");
        let before = Look::at(&world).facts;
        let mut command = command(&world, "after.yml", &["--report", "report.json"]);
        let ran = Ran::from(command.output().expect("the binary runs"));
        assert_eq!(ran.code, 0, "{}\n{}", ran.stdout, ran.stderr);
        let report = report(&world, "report.json");
        let kinds: BTreeMap<String, usize> =
            rows(&report["changes"]).iter().fold(BTreeMap::new(), |mut kinds, change| {
                *kinds.entry(text(&change["action"])).or_default() += 1;
                kinds
            });
        assert_eq!(kinds.len(), 14, "a story has changes of every kind: {kinds:?}");
        let after = Look::at(&world).facts;
        assert_eq!(told::lies(&world, &report, &Look::at(&world), Whose::OneRun), Vec::<String>::new());
        Ends { before, after, changes: rows(&report["changes"]).len() }
    })
}
