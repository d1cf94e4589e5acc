//! `--audit-log`: one line before a write is sent and one with its outcome, appended to a file that is never rewritten.
//!
//! Decides that the first line is on the disk (fsync) before the request goes out, so that no write is ever missing, and
//! that nothing more is written once a line cannot be. An outcome's line is forced there along with the next one, or at
//! the end: should a power cut lose it, the write stands there as begun, which is true. Never decides what is written.

use std::cell::{Cell, RefCell};
use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use super::Stop;
use super::console::Console;
#[cfg(unix)]
use super::out_file::folder;
use crate::audit::{Deed, FORMAT, Line, Run, Stage, Target, Who};
use crate::cli::AuditArgs;
use crate::error::{Error, Exit};
use crate::observed::Server;
use crate::report::Outcome;
use crate::uaa::{Connection, Login};
use crate::{random, render};

/// The log, if one is kept.
pub(super) struct AuditLog(Option<Kept>);

struct Kept {
    path: PathBuf,
    file: File,
    /// Whether what was written last is a line without its end.
    torn: Cell<bool>,
    /// Why the log is not whole.
    failed: RefCell<Option<Error>>,
    /// Whether nobody was told of that yet.
    untold: Cell<bool>,
}

impl AuditLog {
    /// Opens the log before anything is asked or written. `report` is a file that is replaced: it cannot be the same.
    pub(super) fn open(args: &AuditArgs, report: Option<&Path>) -> Result<Self, Error> {
        let Some(path) = &args.audit_log else { return Ok(Self(None)) };
        let (file, torn) = open(path).map_err(|error| unusable(path, &error))?;
        let same = |report: &Path| match (report.canonicalize(), path.canonicalize()) {
            (Ok(report), Ok(path)) => report == path,
            _ => false,
        };
        if report.is_some_and(same) {
            return Err(unusable(path, &"the report (--report) would replace it"));
        }
        Ok(Self(Some(Kept {
            path: path.clone(),
            file,
            torn: Cell::new(torn),
            failed: RefCell::default(),
            untold: Cell::default(),
        })))
    }

    /// Begins the lines of a run.
    pub(super) fn run(
        &self,
        client: Who,
        target: &Server,
        plan_digest: Option<&str>,
    ) -> Result<Writes<'_>, Error> {
        let zone = Some(target.zone.clone()).filter(|zone| !zone.is_empty());
        let run = Run {
            tool: concat!("uaapply ", env!("CARGO_PKG_VERSION")).to_owned(),
            run: random::id().map_err(|error| {
                Error::new("this system gives no random numbers").cause(error.to_string())
            })?,
            client,
            target: Target { url: target.url.clone(), zone },
            plan_digest: plan_digest.map(str::to_owned),
        };
        Ok(Writes { log: self, run, begun: Cell::new(0) })
    }

    /// Returns why the log is not whole, where nobody was told of it yet.
    pub(super) fn untold(&self) -> Option<Error> {
        self.0.as_ref().filter(|kept| kept.untold.get()).and_then(|kept| kept.failed.borrow().clone())
    }

    /// Ends a command: what was done stays done when it cannot be taken down, so that is no exit code 1.
    pub(super) fn close(&self, ended: Result<Exit, Stop>, console: &Console) -> Result<Exit, Stop> {
        let Some(error) = self.untold() else { return ended };
        console.error(&error);
        match ended {
            Ok(Exit::Done) => Ok(Exit::Partial),
            ended => ended,
        }
    }
}

impl Kept {
    /// Appends in one call, so that lines of several processes do not mix.
    fn append(&self, line: &Line) -> std::io::Result<()> {
        let line = render::json_line(line);
        let text = if self.torn.get() { format!("\n{line}") } else { line };
        let written = loop {
            match (&self.file).write(text.as_bytes()) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        if written == text.len() {
            self.torn.set(false);
            return Ok(());
        }
        self.torn.set(self.torn.get() || written > 0);
        Err(std::io::Error::other(format!("only {written} of {} bytes fit", text.len())))
    }

    fn kept(&self, result: std::io::Result<()>) -> Result<(), Error> {
        result.map_err(|error| {
            let what = format!("cannot append to the audit log {} (--audit-log)", self.path.display());
            self.untold.set(true);
            self.failed.borrow_mut().get_or_insert(Error::new(what).cause(error.to_string())).clone()
        })
    }
}

/// The writes of one run.
pub(super) struct Writes<'a> {
    log: &'a AuditLog,
    run: Run,
    begun: Cell<u32>,
}

/// A write that was begun.
pub(super) struct Begun(Line);

impl Writes<'_> {
    /// Takes down what is about to be sent; an error means that it must not be.
    pub(super) fn begin(&self, deed: Deed) -> Result<Begun, Error> {
        self.begun.set(self.begun.get() + 1);
        let line = Line {
            format: FORMAT,
            time: now(),
            run: self.run.clone(),
            write: self.begun.get(),
            deed,
            outcome: Stage::Started,
            error: None,
        };
        if let Some(kept) = &self.log.0 {
            let failed = kept.failed.borrow().clone();
            let begun = failed.map_or(Ok(()), Err);
            begun
                .and_then(|()| kept.kept(kept.append(&line).and_then(|()| kept.file.sync_data())))
                .inspect_err(|_| kept.untold.set(false))?;
        }
        Ok(Begun(line))
    }

    /// Takes an outcome down; an error means that nothing else must be sent.
    pub(super) fn end(&self, begun: Begun, outcome: Outcome, error: Option<&str>) -> Result<(), Error> {
        match (&self.log.0, Stage::of(outcome)) {
            (Some(kept), Some(outcome)) => {
                let line = Line { time: now(), outcome, error: error.map(str::to_owned), ..begun.0 };
                kept.kept(kept.append(&line))
            }
            (None, _) | (_, None) => Ok(()),
        }
    }

    /// Forces it all to the disk.
    pub(super) fn sync(&self) -> Result<(), Error> {
        self.log.0.as_ref().map_or(Ok(()), |kept| kept.kept(kept.file.sync_data()))
    }

    /// Does one thing that is written at once. An error means that it was not begun; where its outcome cannot be taken
    /// down, [`AuditLog::close`] says so.
    pub(super) async fn at_once<T>(
        &self,
        deed: Deed,
        done: impl Future<Output = T>,
        came_to: impl for<'t> FnOnce(&'t T) -> (Outcome, Option<&'t str>),
    ) -> Result<T, Error> {
        let begun = self.begin(deed)?;
        let done = done.await;
        let (outcome, error) = came_to(&done);
        let _ = self.end(begun, outcome, error).and_then(|()| self.sync());
        Ok(done)
    }
}

/// Whose login a connection has.
pub(super) fn who(connection: &Connection) -> Who {
    let user = match &connection.login {
        Login::Secret(_) => None,
        Login::Saved(saved) => saved.owner.user.clone(),
    };
    Who { client_id: connection.client_id.clone(), user }
}

fn now() -> String {
    chrono::Utc::now().to_rfc3339_opts(chrono::SecondsFormat::Millis, true)
}

/// Opens the file, or makes it for its owner alone. Tells also whether its last line has no end.
fn open(path: &Path) -> std::io::Result<(File, bool)> {
    let mut options = OpenOptions::new();
    options.read(true).append(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        // Pipelines run with many rights: nobody who can write the folder chooses what they append to.
        let no_follow = rustix::fs::OFlags::NOFOLLOW.bits();
        options.mode(0o600).custom_flags(no_follow.cast_signed());
    }
    match options.clone().create_new(true).open(path) {
        Ok(file) => {
            // A file that is new is lost with its folder's entry.
            #[cfg(unix)]
            File::open(folder(path))?.sync_all()?;
            return Ok((file, false));
        }
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(error),
    }
    if path.is_symlink() {
        return Err(std::io::Error::other("it is a symbolic link: name the file itself"));
    }
    let mut file = options.open(path)?;
    let unfit = std::io::Error::other;
    let about = file.metadata()?;
    if !about.is_file() {
        return Err(unfit("it is no regular file"));
    }
    if about.len() == 0 {
        return Ok((file, false));
    }
    let mut head = [0; 2];
    file.read_exact(&mut head).map_err(|_| unfit("it is no audit log"))?;
    if head != *b"{\"" {
        return Err(unfit("it is no audit log"));
    }
    let mut last = [0];
    file.seek(SeekFrom::End(-1))?;
    file.read_exact(&mut last)?;
    Ok((file, last != *b"\n"))
}

fn unusable(path: &Path, error: &dyn std::fmt::Display) -> Error {
    Error::new(format!("cannot keep the audit log {} (--audit-log)", path.display()))
        .cause(error.to_string())
        .hint("nothing was written to the server")
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Barrier;

    use super::*;
    use crate::model::ClientId;
    use crate::plan::Plan;
    use crate::render::samples;

    fn audit(path: &Path) -> Result<AuditLog, Error> {
        AuditLog::open(&AuditArgs { audit_log: Some(path.to_owned()) }, None)
    }

    fn writes<'a>(log: &'a AuditLog, plan: &Plan) -> Writes<'a> {
        let who = Who { client_id: ClientId::new("admin"), user: None };
        log.run(who, &plan.target, Some(&plan.plan_digest)).expect("there are random numbers")
    }

    fn lines(path: &Path) -> Vec<Line> {
        let text = std::fs::read_to_string(path).expect("it is there");
        assert!(text.is_empty() || text.ends_with('\n'));
        text.lines().map(|line| serde_json::from_str(line).expect("a line")).collect()
    }

    /// A log whose file takes nothing.
    fn full(folder: &Path) -> AuditLog {
        let path = folder.join("full");
        std::fs::write(&path, "").expect("the folder is ours");
        let file = File::open(&path).expect("it is there");
        let (torn, failed, untold) = Default::default();
        AuditLog(Some(Kept { path, file, torn, failed, untold }))
    }

    #[test]
    fn a_write_has_a_line_before_and_one_after() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.jsonl");
        let plan = samples::grants(2);
        for _ in 0..2 {
            let log = audit(&path).expect("the folder is ours");
            let writes = writes(&log, &plan);
            let first = writes.begin(Deed::from(&plan.changes[0])).expect("it fits");
            let second = writes.begin(Deed::from(&plan.changes[1])).expect("it fits");
            writes.end(second, Outcome::Failed, Some("no")).expect("it fits");
            writes.end(first, Outcome::Done, None).expect("it fits");
            assert!(log.untold().is_none());
        }
        let lines = lines(&path);
        let told: Vec<_> =
            lines.iter().map(|line| (line.write, line.outcome, line.error.as_deref())).collect();
        let run = [
            (1, Stage::Started, None),
            (2, Stage::Started, None),
            (2, Stage::Failed, Some("no")),
            (1, Stage::Done, None),
        ];
        assert_eq!(told, [run, run].concat());
        assert_eq!(lines.iter().map(|line| &line.run.run).collect::<BTreeSet<_>>().len(), 2);
        assert!(lines.iter().all(|line| chrono::DateTime::parse_from_rfc3339(&line.time).is_ok()));
        assert_eq!(lines[3].deed, Deed::from(&plan.changes[0]));
    }

    #[cfg(unix)]
    #[test]
    fn it_is_for_its_owner_alone_and_nothing_else_is_appended_to() {
        use std::os::unix::fs::{PermissionsExt as _, symlink};
        let folder = tempfile::tempdir().expect("a folder");
        let path = |name: &str| folder.path().join(name);
        audit(&path("new")).expect("the folder is ours");
        assert_eq!(path("new").metadata().expect("it is there").permissions().mode() & 0o777, 0o600);
        audit(&path("new")).expect("it is empty");
        std::fs::write(path("pks.yml"), "version: 1\n").expect("the folder is ours");
        std::fs::write(path("plan"), "{\n  \"format\": 1\n}\n").expect("the folder is ours");
        symlink(path("new"), path("link")).expect("the folder is ours");
        symlink(path("nothing"), path("dangling")).expect("the folder is ours");
        for (name, why) in [
            ("pks.yml", "no audit log"),
            ("plan", "no audit log"),
            ("link", "symbolic link"),
            ("dangling", "symbolic link"),
            ("nowhere/new", "No such file"),
            ("", "directory"),
            ("/dev/null", "no regular file"),
        ] {
            let error = audit(&path(name)).err().unwrap_or_else(|| panic!("{name} is taken"));
            assert!(error.causes.iter().any(|cause| cause.contains(why)), "{name}: {error:?}");
        }
        assert!(!path("nothing").exists());
        let args = AuditArgs { audit_log: Some(path("new")) };
        assert!(AuditLog::open(&args, Some(&folder.path().join("./new"))).is_err());
        assert!(AuditLog::open(&args, Some(&path("report.json"))).is_ok());
    }

    #[test]
    fn a_line_without_its_end_gets_one() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.jsonl");
        std::fs::write(&path, "{\"format\":1,\"ti").expect("the folder is ours");
        let plan = samples::grants(1);
        let log = audit(&path).expect("it looks like one");
        let writes = writes(&log, &plan);
        let begun = writes.begin(Deed::from(&plan.changes[0])).expect("it fits");
        writes.end(begun, Outcome::Done, None).expect("it fits");
        let text = std::fs::read_to_string(&path).expect("it is there");
        let whole = text.lines().map(|line| serde_json::from_str::<Line>(line).is_ok());
        assert_eq!(whole.collect::<Vec<_>>(), [false, true, true]);
    }

    #[test]
    fn lines_of_several_runs_do_not_mix() {
        const RUNS: usize = 4;
        const EACH: usize = 50;
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("audit.jsonl");
        let mut plan = samples::grants(1);
        plan.changes[0].key = "x".repeat(20_000);
        let together = Barrier::new(RUNS);
        std::thread::scope(|scope| {
            for _ in 0..RUNS {
                scope.spawn(|| {
                    let log = audit(&path).expect("the folder is ours");
                    let writes = writes(&log, &plan);
                    together.wait();
                    for _ in 0..EACH {
                        let begun = writes.begin(Deed::from(&plan.changes[0])).expect("it fits");
                        writes.end(begun, Outcome::Done, None).expect("it fits");
                    }
                });
            }
        });
        let lines = lines(&path);
        assert_eq!(lines.len(), RUNS * EACH * 2);
        let mut runs = std::collections::BTreeMap::<&str, Vec<u32>>::new();
        for line in &lines {
            runs.entry(&line.run.run).or_default().push(line.write);
        }
        let order: Vec<u32> = (1..).take(EACH).flat_map(|write| [write, write]).collect();
        assert_eq!(runs.into_values().collect::<Vec<_>>(), vec![order; RUNS]);
    }

    #[tokio::test]
    async fn nothing_is_sent_that_cannot_be_taken_down() {
        let folder = tempfile::tempdir().expect("a folder");
        let plan = samples::grants(1);
        let log = full(folder.path());
        let deed = || Deed::from(&plan.changes[0]);
        let sent = Cell::new(false);
        let sending = async { sent.set(true) };
        let error = writes(&log, &plan).at_once(deed(), sending, |()| (Outcome::Done, None)).await;
        let error = error.expect_err("it takes nothing");
        assert!(error.message.contains("audit log") && !sent.get(), "{error:?}");
        // Whoever got the error says it.
        assert_eq!(log.untold(), None);
    }

    #[test]
    fn an_outcome_that_cannot_be_taken_down_is_told_at_the_end_and_stops_the_rest() {
        let folder = tempfile::tempdir().expect("a folder");
        let plan = samples::grants(1);
        let good = audit(&folder.path().join("audit.jsonl")).expect("the folder is ours");
        let begun = writes(&good, &plan).begin(Deed::from(&plan.changes[0])).expect("it fits");
        let log = full(folder.path());
        let console = Console { quiet: true, notes: RefCell::default() };
        assert!(writes(&log, &plan).end(begun, Outcome::Done, None).is_err());
        assert!(log.untold().is_some());
        for (ended, code) in [(Exit::Done, Exit::Partial), (Exit::NotConverged, Exit::NotConverged)] {
            assert!(matches!(log.close(Ok(ended), &console), Ok(exit) if exit == code));
        }
        assert!(writes(&log, &plan).begin(Deed::from(&plan.changes[0])).is_err());
    }

    #[test]
    fn without_a_log_there_is_nothing_to_fail() {
        let log = AuditLog::open(&AuditArgs { audit_log: None }, None).expect("there is none");
        let plan = samples::grants(1);
        let writes = writes(&log, &plan);
        let begun = writes.begin(Deed::from(&plan.changes[0])).expect("nothing is written");
        writes.end(begun, Outcome::Done, None).expect("nothing is written");
        writes.sync().expect("nothing is written");
    }
}
