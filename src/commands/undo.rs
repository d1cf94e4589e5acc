//! `uaapply undo`: plans the way back of what a report says was done, and goes it as `apply` does.

use std::path::Path;
use std::time::Instant;

use super::apply::{FRESH, Interrupted, must_have_authority, question, refuse, show, told};
use super::audit_log::{AuditLog, who};
use super::connection::{check_alone, connection};
use super::console::Console;
use super::record::Record;
use super::report_file::{self, ReportFile};
use super::saved::must_be_there;
use super::{Stop, look};
use crate::apply::{self, Outcomes, apply};
use crate::cli::{ApplyArgs, ManifestArgs, PlanFormat, UndoArgs};
use crate::desired::Secrets;
use crate::error::{Error, Exit};
use crate::manifest::MAX_FILE_BYTES;
use crate::observed::Observed;
use crate::plan::Plan;
use crate::plan::undo::{Undo, Undone};
use crate::random;
use crate::render;
use crate::report::{Outcome, Report, Unreadable};
use crate::uaa::{self, Reader};

/// So long are passwords and secrets that nobody will know.
const UNKNOWN_LENGTH: usize = 64;

/// What the report is about, in errors.
const WHAT: &str = "the report";

/// Runs the command.
pub(super) async fn run(args: &UndoArgs, console: &Console) -> Result<Exit, Stop> {
    check_alone(&args.connection, false)?;
    if let Some(path) = &args.report {
        report_file::check(path)?;
        must_be_another(path, &args.undone)?;
    }
    let audit = AuditLog::open(&args.audit, args.report.as_deref())?;
    let rules = look::rules(&args.rules, console)?.only(&args.only);
    let undone = read(&args.undone)?;
    let undo = Undo::of(&undone);
    if undo.is_empty() {
        console.note("The report says that nothing was done.");
    }
    let secrets = unknown_secrets(&undo)?;
    let connection = connection(&args.connection, &secrets, console).await?;
    let server = uaa::identify(&connection).await?;
    // Before the secret is sent there.
    must_be_there(WHAT, &undone.target, &server, false)?;
    let way = Way { undo, undone, rules };
    if args.dry_run {
        let reader = Reader::log_in(connection, server).await?;
        return way.dry_run(args, &reader, console).await;
    }
    let (concurrency, client, who) = (connection.concurrency, connection.client_id.clone(), who(&connection));
    let (reader, writer) = uaa::log_in(connection, server).await?;
    let args = &as_apply(args);

    let (observed, plan) = way.agree(args, &reader, client.as_str(), console).await?;
    let file = args.report.as_deref().map(ReportFile::create).transpose()?;
    let mut report = Report::of(&plan);
    if plan.is_empty() {
        report.converged = Some(true);
    } else {
        let mut interrupted = Interrupted::listen(console.quiet)?;
        let made = |outcomes: &Outcomes| apply::report(&plan, &[], outcomes);
        let writes = audit.run(who, &plan.target, Some(&plan.plan_digest))?;
        let record = Record::begin(plan.changes.len(), writes, file.as_ref(), &made, console)?;
        let heard = interrupted.heard();
        let making = apply(&plan, &[], &observed, &secrets, &writer, concurrency, &record, heard);
        report = record.during(making).await;
        drop(record);
        tokio::select! {
            biased;
            () = interrupted.happened() => {}
            () = way.look_again(&mut report, &reader, console) => {}
        }
    }
    tracing::info!("{} requests", reader.requests());
    Ok(told(&report, args, file, &audit, console))
}

/// The way back, and what it is judged by.
struct Way {
    undo: Undo,
    undone: Report,
    rules: look::Rules,
}

impl Way {
    async fn look(&self, reader: &Reader) -> Result<(Observed, Undone), Error> {
        let look::Rules { policy, allow, only } = &self.rules;
        let observed = reader.observe(&self.undo.scope(policy)).await?;
        must_be_there(WHAT, &self.undone.target, &observed.server, true)?;
        let planned = self.undo.plan(&observed, policy, allow, only).map_err(|objections| {
            let error = Error::new("some of it cannot be undone at this server; nothing was written");
            objections.into_iter().fold(error, |error, objection| {
                error.cause(format!("{}: {}", objection.because, objection.message))
            })
        })?;
        look::must_match(&planned.unmatched, WHAT)?;
        Ok((observed, planned))
    }

    /// Shows the plan and nothing else; the exit codes are those of `plan`.
    async fn dry_run(&self, args: &UndoArgs, reader: &Reader, console: &Console) -> Result<Exit, Stop> {
        let (_, planned) = self.look(reader).await?;
        look::warn_of_unused_allows(&planned.plan, &self.rules.allow, console);
        look::show(&planned.plan, args.format, args.max_length, console)?;
        if !planned.drift.is_empty() {
            console.error(&drift(&planned));
            return Ok(Exit::Stale);
        }
        Ok(match (planned.plan.refusals().next(), planned.plan.is_empty(), args.detailed_exitcode) {
            (Some(_), ..) => Exit::Refused,
            (None, false, true) => Exit::Pending,
            (None, ..) => Exit::Done,
        })
    }

    /// Makes the plan that is to be carried out, and gets everybody's consent to it: the rails', the token's, the user's.
    async fn agree(
        &self,
        args: &ApplyArgs,
        reader: &Reader,
        client: &str,
        console: &Console,
    ) -> Result<(Observed, Plan), Stop> {
        let mut shown: Option<Plan> = None;
        loop {
            let begun = Instant::now();
            let (observed, planned) = self.look(reader).await?;
            if !planned.drift.is_empty() {
                return Err(Stop::Exit(self.drifted(&planned, args, console)?));
            }
            let plan = planned.plan;
            match &shown {
                None => look::warn_of_unused_allows(&plan, &self.rules.allow, console),
                Some(shown) if shown.changes == plan.changes && shown.findings == plan.findings => {
                    return Ok((observed, plan));
                }
                Some(_) => {
                    return Err(Error::new("the server changed meanwhile; nothing was written")
                        .hint("run the same command again")
                        .into());
                }
            }
            show(&plan, args.format, console)?;
            if plan.refusals().next().is_some() {
                return Err(Stop::Exit(refuse(&plan, args, console)?));
            }
            if plan.is_empty() {
                return Ok((observed, plan));
            }
            must_have_authority(&plan, &observed, client)?;
            if args.yes && begun.elapsed() < FRESH {
                return Ok((observed, plan));
            }
            if !args.yes && !Console::can_ask() {
                return Err(Error::new(format!(
                    "nobody is at a terminal to answer \"{}\"; nothing was written",
                    question(&plan, 0)
                ))
                .hint("to answer yes beforehand, add --yes to the command")
                .into());
            }
            if !args.yes && !console.ask(&question(&plan, 0)) {
                console.note("Nothing was written.");
                return Err(Stop::Exit(Exit::Error));
            }
            shown = Some(plan);
        }
    }

    /// Tells all that changed since. The report lists what was to be undone.
    fn drifted(&self, planned: &Undone, args: &ApplyArgs, console: &Console) -> Result<Exit, Stop> {
        let mut report = self.undone.clone();
        (report.findings, report.lost, report.remaining) = (Vec::new(), Vec::new(), Vec::new());
        report.converged = None;
        for applied in &mut report.changes {
            let drift = planned.drift.iter().find(|drift| drift.object == applied.change.object);
            (applied.outcome, applied.error) = match drift {
                Some(drift) => (Outcome::Drifted, Some(drift.message.clone())),
                None => (Outcome::NotTried, None),
            };
        }
        console.error(&drift(planned));
        if let Some(path) = &args.report {
            ReportFile::create(path)?.write(&report)?;
        }
        match args.format {
            PlanFormat::Text => {}
            PlanFormat::Markdown => drop(console.out(&render::markdown::report(&report, args.max_length))?),
            PlanFormat::Json => drop(console.json(&report)?),
        }
        Ok(Exit::Stale)
    }

    /// Plans once more: everything must be as it was before.
    async fn look_again(&self, report: &mut Report, reader: &Reader, console: &Console) {
        match self.look(reader).await {
            Ok((_, planned)) => {
                report.converged = Some(planned.plan.is_empty() && planned.drift.is_empty());
                report.remaining = planned.plan.changes.iter().map(|change| change.key.clone()).collect();
                report.remaining.sort();
                report.remaining.dedup();
                for drift in &planned.drift {
                    console.warn(&drift.message);
                }
            }
            Err(error) => {
                let message = format!("the second look failed: {}", error.message);
                console.error(&Error { message, ..error });
            }
        }
    }
}

fn drift(planned: &Undone) -> Error {
    let error = Error::new("the server is not as the report left it; nothing was written");
    let error = planned.drift.iter().fold(error, |error, drift| error.cause(drift.message.clone()));
    error.hint("--only KIND/NAME undoes what is still as it was left; what else is meant, a manifest says")
}

/// Reads a report.
fn read(path: &Path) -> Result<Report, Error> {
    let unusable = |why: &dyn std::fmt::Display| {
        Error::new(format!("{} is no report to undo", path.display())).cause(why.to_string())
    };
    let hint = "undo takes what `uaapply apply --report FILE` wrote, or what `apply --format json` printed";
    let file = std::fs::File::open(path)
        .map_err(|error| Error::new(format!("cannot read {}", path.display())).cause(error.to_string()))?;
    let mut text = String::new();
    let most = u64::try_from(MAX_FILE_BYTES * 10).unwrap_or(u64::MAX);
    std::io::Read::read_to_string(&mut std::io::Read::take(file, most), &mut text)
        .map_err(|error| unusable(&error))?;
    Report::read(&text).map_err(|unreadable| match unreadable {
        Unreadable::NotOne(why) => unusable(&why).hint(hint),
        Unreadable::Newer(format) => {
            unusable(&format!("it has format {format}, which this version does not know"))
                .hint("use the version of uaapply that wrote it")
        }
    })
}

/// A report that is written over would be gone before it is undone.
fn must_be_another(report: &Path, undone: &Path) -> Result<(), Error> {
    match (report.canonicalize(), undone.canonicalize()) {
        (Ok(report), Ok(undone)) if report == undone => {
            Err(Error::new("--report names the report that is to be undone").hint("name another file"))
        }
        _ => Ok(()),
    }
}

/// Whoever comes back gets a password or a secret that is written nowhere.
fn unknown_secrets(undo: &Undo) -> Result<Secrets, Error> {
    let generate = || {
        random::generate(UNKNOWN_LENGTH).map_err(|error| {
            Error::new("the operating system gives no random bytes").cause(error.to_string())
        })
    };
    let mut secrets = Secrets::default();
    for user in undo.returning_users() {
        secrets.passwords.insert(user.clone(), generate()?);
    }
    for client in undo.returning_clients() {
        secrets.client_secrets.insert(client.clone(), generate()?);
    }
    Ok(secrets)
}

/// What is left is as for `apply`.
fn as_apply(args: &UndoArgs) -> ApplyArgs {
    let UndoArgs {
        undone: _,
        connection,
        yes,
        dry_run: _,
        detailed_exitcode: _,
        rules,
        only,
        audit,
        report,
        format,
        max_length,
    } = args.clone();
    ApplyArgs {
        plan: None,
        expect_plan: None,
        manifest: ManifestArgs::default(),
        connection,
        yes,
        rules,
        probe_secrets: false,
        only,
        audit,
        report,
        format,
        max_length,
    }
}
