//! `apply --report`: the report's file, replaced in one step, and kept current while the run goes on.
//!
//! Decides when it is replaced, so that whoever finds it after a kill is never misled: a change is `unknown` there before
//! it is sent, and has its outcome soon after. Only the first and the last are forced to the disk (fsync): a killed
//! process loses nothing that it has written, and what must outlast a power cut is the audit log.

use std::cell::{Cell, RefCell};
use std::convert::Infallible;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use tempfile::NamedTempFile;

use super::console::Console;
use crate::apply::Outcomes;
use crate::error::Error;
use crate::plan::Change;
use crate::render;
use crate::report::{Outcome, Report};

/// A place for the report, taken before the first write to the server.
pub(super) struct ReportFile {
    path: PathBuf,
}

impl ReportFile {
    /// Makes sure that there can be a report. What stands there stays until there is one.
    pub(super) fn create(path: &Path) -> Result<Self, Error> {
        NamedTempFile::new_in(folder(path)).map_err(|error| nothing_done(failed(path, &error)))?;
        Ok(Self { path: path.to_owned() })
    }

    /// Puts the report there.
    pub(super) fn write(self, report: &Report) -> Result<(), Error> {
        self.replace(report, true).map_err(|error| failed(&self.path, &error))
    }

    fn replace(&self, report: &Report, durable: bool) -> std::io::Result<()> {
        let mut file = NamedTempFile::new_in(folder(&self.path))?;
        file.write_all(render::json(report).as_bytes())?;
        if durable {
            file.as_file().sync_all()?;
        }
        file.persist(&self.path).map(drop).map_err(|error| error.error)
    }
}

/// At most so many replacements come from changes that begin, however long the plan is: each writes the whole report.
/// Of a plan with more changes, those that are next in turn are marked along with one that begins.
const MOST_FOR_STARTS: usize = 200;

/// Outcomes wait at least so long for their replacement.
const PAUSE: Duration = Duration::from_millis(100);

/// So many times as long as a replacement takes is the pause before the next.
const SHARE: u32 = 20;

/// What is said of a change that was begun, or is next in turn.
const UNDER_WAY: &str = "under way, or next in turn, when this was written";

/// The file while the run goes on.
pub(super) struct Current<'a> {
    file: &'a ReportFile,
    /// The report of what is known so far.
    made: &'a dyn Fn(&Outcomes) -> Report,
    console: &'a Console,
    outcomes: RefCell<Outcomes>,
    /// How many changes are marked along with one that begins.
    ahead: usize,
    /// Whether something is known that does not stand there.
    behind: Cell<bool>,
    warned: Cell<bool>,
    took: Cell<Duration>,
    replaced: Cell<usize>,
}

impl<'a> Current<'a> {
    /// Puts the report of a run that has not begun there; `total` changes are to be made.
    pub(super) fn begin(
        file: &'a ReportFile,
        total: usize,
        made: &'a dyn Fn(&Outcomes) -> Report,
        console: &'a Console,
    ) -> Result<Self, Error> {
        let current = Self {
            file,
            made,
            console,
            outcomes: RefCell::default(),
            ahead: total / MOST_FOR_STARTS,
            behind: Cell::new(false),
            warned: Cell::new(false),
            took: Cell::default(),
            replaced: Cell::new(0),
        };
        current.put(true).map_err(|error| nothing_done(failed(&file.path, &error)))?;
        Ok(current)
    }

    /// Marks a change that is about to be sent, unless it is marked.
    pub(super) fn started(&self, change: &Change, next: &[&Change]) {
        if self.outcomes.borrow().contains_key(&change.id) {
            return;
        }
        for change in std::iter::once(&change).chain(next.iter().take(self.ahead)) {
            let under_way = (Outcome::Unknown, Some(UNDER_WAY.to_owned()));
            self.outcomes.borrow_mut().insert(change.id, under_way);
        }
        self.replace();
    }

    /// Takes an outcome down. It comes there with the next change that begins, or by [`Self::keep`].
    pub(super) fn finished(&self, change: &Change, outcome: Outcome, error: Option<&str>) {
        self.outcomes.borrow_mut().insert(change.id, (outcome, error.map(str::to_owned)));
        self.behind.set(true);
    }

    /// Keeps the file current, as long as it is polled.
    pub(super) async fn keep(&self) -> Infallible {
        loop {
            tokio::time::sleep(PAUSE.max(SHARE * self.took.get())).await;
            if self.behind.get() {
                self.replace();
            }
        }
    }

    /// What is done at the server goes on without it: an offboarding does not wait for a full disk.
    fn replace(&self) {
        if let Err(error) = self.put(false) {
            self.behind.set(true);
            if !self.warned.replace(true) {
                let path = self.file.path.display();
                self.console.warn(&format!(
                    "the report in {path} (--report) is older than what is done by now: {error}"
                ));
            }
        }
    }

    fn put(&self, durable: bool) -> std::io::Result<()> {
        let begun = Instant::now();
        let report = Report { finished: false, ..(self.made)(&self.outcomes.borrow()) };
        self.file.replace(&report, durable)?;
        self.behind.set(false);
        self.took.set(begun.elapsed());
        self.replaced.set(self.replaced.get() + 1);
        Ok(())
    }
}

/// Says early what cannot become a file.
pub(super) fn check(path: &Path) -> Result<(), Error> {
    let unusable = |why: &str| Err(failed(path, &why));
    if path.is_dir() || path.file_name().is_none() {
        unusable("it is a directory")
    } else if !folder(path).is_dir() {
        unusable("its directory does not exist")
    } else {
        Ok(())
    }
}

fn folder(path: &Path) -> &Path {
    path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."))
}

fn failed(path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::new(format!("cannot write the report to {} (--report)", path.display())).cause(error.to_string())
}

fn nothing_done(error: Error) -> Error {
    error.hint("nothing was written to the server; --report must name a place to write")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::apply;
    use crate::plan::Plan;
    use crate::render::samples;

    /// What stands in the file.
    fn on_disk(path: &Path) -> Report {
        serde_json::from_str(&std::fs::read_to_string(path).expect("it is there")).expect("a report")
    }

    fn outcomes(path: &Path) -> Vec<Outcome> {
        on_disk(path).changes.iter().map(|applied| applied.outcome).collect()
    }

    /// Runs a story over the file of a run of so many changes.
    fn over(total: usize, story: impl FnOnce(&Current<'_>, &Plan, &Path)) {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("report.json");
        let plan = samples::grants(total);
        let file = ReportFile::create(&path).expect("the folder is ours");
        let made = |outcomes: &Outcomes| apply::report(&plan, &[], outcomes);
        let console = Console { quiet: true, notes: RefCell::default() };
        let current = Current::begin(&file, total, &made, &console).expect("the folder is ours");
        story(&current, &plan, &path);
    }

    fn next(plan: &Plan, after: usize) -> Vec<&Change> {
        plan.changes[after + 1..].iter().collect()
    }

    #[test]
    fn a_change_is_marked_before_it_is_sent_and_no_other_is() {
        use Outcome::{NotTried, Unknown};
        over(3, |current, plan, path| {
            assert_eq!(outcomes(path), [NotTried, NotTried, NotTried]);
            assert!(!on_disk(path).finished);
            current.started(&plan.changes[0], &next(plan, 0));
            assert_eq!(outcomes(path), [Unknown, NotTried, NotTried]);
            assert_eq!(on_disk(path).changes[0].error.as_deref(), Some(UNDER_WAY));
            current.finished(&plan.changes[0], Outcome::Done, None);
            current.started(&plan.changes[1], &next(plan, 1));
            assert_eq!(outcomes(path), [Outcome::Done, Unknown, NotTried]);
        });
    }

    #[test]
    fn of_a_long_plan_those_next_in_turn_are_marked_too() {
        over(450, |current, plan, path| {
            for (at, change) in plan.changes.iter().enumerate() {
                current.started(change, &next(plan, at));
                if at % 50 == 49 {
                    let there = outcomes(path);
                    let marked = |outcome: &&Outcome| **outcome == Outcome::Unknown;
                    assert_eq!(there[at], Outcome::Unknown);
                    assert!(there.iter().filter(marked).count() <= 3, "{at}");
                    assert!(there[..at - 3].iter().all(|outcome| *outcome == Outcome::Done), "{at}");
                    assert!(there.iter().skip(at + 3).all(|outcome| *outcome == Outcome::NotTried), "{at}");
                }
                current.finished(change, Outcome::Done, None);
            }
        });
    }

    #[test]
    fn the_replacements_do_not_grow_with_the_plan() {
        for (total, most) in [(60, 60), (200, 200), (5_000, 200), (50_000, 200)] {
            let folder = tempfile::tempdir().expect("a folder");
            let file = ReportFile::create(&folder.path().join("report.json")).expect("the folder is ours");
            // What is in it does not matter here, and takes its time.
            let made = |_: &Outcomes| Report::of(&samples::grants(0));
            let console = Console { quiet: true, notes: RefCell::default() };
            let current = Current::begin(&file, total, &made, &console).expect("the folder is ours");
            let plan = samples::grants(total);
            let changes: Vec<&Change> = plan.changes.iter().collect();
            for (at, change) in changes.iter().enumerate() {
                current.started(change, &changes[at + 1..]);
                current.finished(change, Outcome::Done, None);
            }
            let replaced = current.replaced.get() - 1;
            assert!(replaced <= most && replaced >= most / 2, "{replaced} for {total}");
        }
    }

    #[tokio::test]
    async fn an_outcome_stands_there_soon_although_nothing_else_begins() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("report.json");
        let plan = samples::grants(1);
        let file = ReportFile::create(&path).expect("the folder is ours");
        let made = |outcomes: &Outcomes| apply::report(&plan, &[], outcomes);
        let console = Console { quiet: true, notes: RefCell::default() };
        let current = Current::begin(&file, 1, &made, &console).expect("the folder is ours");
        current.started(&plan.changes[0], &[]);
        current.finished(&plan.changes[0], Outcome::Done, None);
        assert_eq!(outcomes(&path), [Outcome::Unknown]);
        let looking = async {
            while outcomes(&path) != [Outcome::Done] {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        tokio::select! {
            never = current.keep() => match never {},
            () = looking => {}
            () = tokio::time::sleep(Duration::from_secs(30)) => panic!("it never came"),
        }
        // What is current is left alone.
        let replaced = current.replaced.get();
        let _ = tokio::time::timeout(3 * PAUSE, current.keep()).await;
        assert_eq!(current.replaced.get(), replaced);
    }

    #[test]
    fn a_file_that_cannot_be_replaced_is_tried_again() {
        over(2, |current, plan, path| {
            let folder = path.parent().expect("it has one");
            let away = folder.with_extension("away");
            std::fs::rename(folder, &away).expect("it is ours");
            current.started(&plan.changes[0], &next(plan, 0));
            assert!(current.warned.get() && current.behind.get());
            std::fs::rename(&away, folder).expect("it is ours");
            current.started(&plan.changes[1], &[]);
            assert_eq!(outcomes(path), [Outcome::Unknown, Outcome::Unknown]);
            assert!(!current.behind.get());
        });
    }
}
