//! `uaapply apply`: shows the plan, asks, carries it out, reports, looks again.

use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::connection::{check, connection};
use super::console::Console;
use super::look::Rules;
use super::record::Record;
use super::report_file::{self, ReportFile};
use super::{Stop, generated, look};
use crate::apply::{self, Interrupt, Outcomes, apply};
use crate::cli::{ApplyArgs, PlanFormat};
use crate::error::{Error, Exit};
use crate::manifest::Loaded;
use crate::observed::Observed;
use crate::plan::{self, Change, Plan};
use crate::render;
use crate::report::{Outcome, Report};
use crate::uaa::{self, Reader};

/// A direct apply may use its own observation while it is younger than this and nobody was asked.
pub(super) const FRESH: Duration = Duration::from_secs(60);

/// Runs the command.
pub(super) async fn run(args: &ApplyArgs, console: &Console) -> Result<Exit, Stop> {
    if let Some(path) = &args.plan {
        return super::saved::run(args, path, console).await;
    }
    look::must_have_files(&args.manifest)?;
    check(&args.connection, &args.manifest)?;
    args.report.as_deref().map(report_file::check).transpose()?;
    let rules = look::rules(&args.rules, console)?.only(&args.only);
    let loaded = look::load(&args.manifest, console)?;
    let connection = connection(&args.connection, &loaded.secrets, console).await?;
    let server = uaa::identify(&connection).await?;
    if let Some(refused) = look::refused(&loaded.desired, &server) {
        show(&refused, args.format, console)?;
        return refuse(&refused, args, console);
    }
    let (concurrency, client) = (connection.concurrency, connection.client_id.clone());
    let (reader, writer) = uaa::log_in(connection, server).await?;

    let (observed, plan) = agree(args, &rules, &loaded, &reader, client.as_str(), console).await?;
    // Before the first write: a report that has no place is an error while nothing is done yet.
    let file = args.report.as_deref().map(ReportFile::create).transpose()?;
    generated::save(&plan, &loaded)?;
    let mut report = Report::of(&plan);
    let settle = plan::to_settle(&plan, &loaded.desired);
    if plan.is_empty() && settle.is_empty() {
        report.converged = Some(true);
    } else {
        let mut interrupted = Interrupted::listen(console.quiet)?;
        let made = |outcomes: &Outcomes| apply::report(&plan, &settle, outcomes);
        let record = Record::begin(plan.changes.len() + settle.len(), file.as_ref(), &made, console)?;
        let heard = interrupted.heard();
        let making = apply(&plan, &settle, &observed, &loaded.secrets, &writer, concurrency, &record, heard);
        report = record.during(making).await;
        drop(record);
        tokio::select! {
            biased;
            () = interrupted.happened() => {}
            () = look_again(&mut report, args, &rules, &loaded, &reader, console) => {}
        }
    }
    tracing::info!("{} requests", reader.requests());
    Ok(told(&report, args, file, console))
}

/// Reports a plan that a rail refuses, which is shown already: for a program each change is there, not tried.
pub(super) fn refuse(plan: &Plan, args: &ApplyArgs, console: &Console) -> Result<Exit, Stop> {
    let report = Report::of(plan);
    if let Some(path) = &args.report {
        ReportFile::create(path)?.write(&report)?;
    }
    match args.format {
        PlanFormat::Text => {}
        PlanFormat::Markdown => drop(console.out(&render::markdown::report(&report, args.max_length))?),
        PlanFormat::Json => drop(console.json(&report)?),
    }
    Ok(Exit::Refused)
}

/// Hands the report over. What was done stays done when nobody can be told of it, so that is no exit code 1.
pub(super) fn told(report: &Report, args: &ApplyArgs, file: Option<ReportFile>, console: &Console) -> Exit {
    let printed = match args.format {
        PlanFormat::Text if report.changes.is_empty() => Ok(Exit::Done),
        // The plan stands above.
        PlanFormat::Text => console.out(&format!("\n{}", render::report::text(report))),
        PlanFormat::Markdown => console.out(&render::markdown::report(report, args.max_length)),
        PlanFormat::Json => console.json(report),
    };
    let saved = file.map_or(Ok(()), |file| file.write(report));
    let mut exit = exit(report);
    for error in [printed.err().and_then(Stop::error), saved.err()].into_iter().flatten() {
        console.error(&error);
        if exit == Exit::Done {
            exit = if report.changes.is_empty() { Exit::Error } else { Exit::Partial };
        }
    }
    exit
}

/// Makes the plan that is to be carried out, and gets everybody's consent to it: the rails', the token's, the user's.
async fn agree(
    args: &ApplyArgs,
    rules: &Rules,
    loaded: &Loaded,
    reader: &Reader,
    client: &str,
    console: &Console,
) -> Result<(Observed, Plan), Stop> {
    let mut shown: Option<(Plan, Vec<Change>)> = None;
    loop {
        let begun = Instant::now();
        let (observed, plan) = look::look(reader, loaded, rules, args.probe_secrets, console).await?;
        // A secret that was kept can become one to set, without any change or finding that says so.
        let settle = plan::to_settle(&plan, &loaded.desired);
        match &shown {
            None => look::warn_of_unused_allows(&plan, &rules.allow, console),
            Some((shown, settled))
                if shown.changes == plan.changes && shown.findings == plan.findings && *settled == settle =>
            {
                return Ok((observed, plan));
            }
            Some(_) => console.warn("the server changed meanwhile: this is the plan now"),
        }
        show(&plan, args.format, console)?;
        generated::announce(&plan, loaded, console);
        if plan.refusals().next().is_some() {
            return Err(Stop::Exit(refuse(&plan, args, console)?));
        }
        if plan.is_empty() && settle.is_empty() {
            return Ok((observed, plan));
        }
        must_have_authority(&plan, &observed, client)?;
        if args.yes {
            if shown.is_some() {
                return Err(Error::new("the server changed while the plan was made; nothing was written")
                    .hint("run the same command again")
                    .into());
            }
            if begun.elapsed() < FRESH {
                return Ok((observed, plan));
            }
        } else if !Console::can_ask() {
            return Err(Error::new(format!(
                "nobody is at a terminal to answer \"{}\"; nothing was written",
                question(&plan, settle.len())
            ))
            .hint("to answer yes beforehand, add --yes to the command")
            .into());
        } else if !console.ask(&question(&plan, settle.len())) {
            console.note("Nothing was written.");
            return Err(Stop::Exit(Exit::Error));
        }
        // Somebody took their time: what was agreed to must still be what the server needs.
        shown = Some((plan, settle));
    }
}

pub(super) fn question(plan: &Plan, settle: usize) -> String {
    let target = crate::visible::visible(&format!("{} (zone {})", plan.target.url, plan.target.zone));
    let changes = match plan.changes.len() {
        0 => None,
        1 => Some("this change".to_owned()),
        many => Some(format!("these {}", render::count(many, "change"))),
    };
    match (changes, settle) {
        (Some(changes), 0) => format!("Apply {changes} to {target}?"),
        (Some(changes), _) => {
            format!("Apply {changes} to {target}, and set client secrets that do not work?")
        }
        (None, _) => {
            let secrets = render::count(settle, "client secret");
            format!("Check {secrets} at {target}, and set what does not work?")
        }
    }
}

/// With `--format json` or `markdown` standard output is the report, so people read the plan on standard error.
pub(super) fn show(plan: &Plan, format: PlanFormat, console: &Console) -> Result<(), Stop> {
    match format {
        PlanFormat::Text => drop(console.out(&render::text::plan(plan))?),
        PlanFormat::Markdown | PlanFormat::Json => console.say(&render::text::plan(plan)),
    }
    Ok(())
}

/// A 403 half-way would leave a half-applied state.
pub(super) fn must_have_authority(plan: &Plan, observed: &Observed, client: &str) -> Result<(), Error> {
    let missing = plan::missing_authorities(plan, observed);
    if missing.is_empty() {
        return Ok(());
    }
    let mut authorities: Vec<&str> = observed
        .me
        .scopes
        .iter()
        .map(String::as_str)
        .filter(|scope| crate::visible::is_shell_word(scope))
        .collect();
    let who = match &observed.me.user {
        Some(user) => format!("user `{user}`"),
        None => format!("client `{client}`"),
    };
    let mut error = Error::new(format!("{who} may not do what the plan needs; nothing was written"));
    for lack in &missing {
        error = error.cause(format!("to {} its token needs {}", lack.needed_for, lack.any_of.join(" or ")));
        if let Some(first) = lack.any_of.first().filter(|first| !authorities.contains(&first.as_str())) {
            authorities.push(first);
        }
    }
    if observed.me.user.is_some() {
        return Err(error.hint(
            "an administrator adds a user to a group by uaac member add GROUP USER; then log in again",
        ));
    }
    Err(error
        .hint(format!("give it: uaac client update {client} --authorities \"{}\"", authorities.join(" "))))
}

/// Reads and plans once more: nothing may be left to do.
async fn look_again(
    report: &mut Report,
    args: &ApplyArgs,
    rules: &Rules,
    loaded: &Loaded,
    reader: &Reader,
    console: &Console,
) {
    // Keys that allowed something are used up by now.
    match look::observe(reader, loaded, &rules.policy, args.probe_secrets).await {
        Ok(observed) => {
            match plan::make_only(&loaded.desired, &observed, &rules.policy, &rules.allow, &rules.only) {
                // A membership that is gone now may be one that only the plan named.
                Ok((plan, _)) => {
                    report.converged = Some(plan.is_empty());
                    report.remaining = plan.changes.into_iter().map(|change| change.key).collect();
                    report.remaining.sort();
                    report.remaining.dedup();
                }
                Err(objections) => console.say(&render::problems::objections(&objections, loaded)),
            }
        }
        Err(error) => {
            console.error(&Error { message: format!("the second look failed: {}", error.message), ..error });
        }
    }
}

/// The first exit code that fits, in the order of the contract (design.md §5).
fn exit(report: &Report) -> Exit {
    let any = |outcomes: &[Outcome]| report.changes.iter().any(|applied| outcomes.contains(&applied.outcome));
    let wrote = any(&[Outcome::Done, Outcome::Unknown]);
    let fell_short =
        any(&[Outcome::Drifted, Outcome::Failed, Outcome::Held, Outcome::NotTried, Outcome::Unknown]);
    match (fell_short, wrote, report.converged) {
        (true, false, _) => Exit::Error,
        (false, false, None) => Exit::Error,
        (true, true, _) | (false, true, None) => Exit::Partial,
        (false, _, Some(false)) => Exit::NotConverged,
        (false, _, Some(true)) => Exit::Done,
    }
}

/// Ctrl-C or SIGTERM (a pipeline that is cancelled): the first finishes what is under way, a second one stops at once.
pub(super) struct Interrupted {
    heard: watch::Receiver<Interrupt>,
}

impl Interrupted {
    /// Listens from now on; until now a signal just ended the process, which had written nothing.
    pub(super) fn listen(quiet: bool) -> Result<Self, Error> {
        let (say, heard) = watch::channel(Interrupt::None);
        let mut signals = Signals::new()
            .map_err(|error| Error::new("cannot listen for Ctrl-C").cause(error.to_string()))?;
        tokio::spawn(async move {
            for interrupt in [Interrupt::Finish, Interrupt::AtOnce] {
                signals.next().await;
                if interrupt == Interrupt::Finish && !quiet {
                    Console::line("Interrupted: finishing what is under way. Once more stops at once.");
                }
                say.send_replace(interrupt);
            }
            // Keeps the channel open: its end would read as another interrupt.
            std::future::pending::<()>().await;
        });
        Ok(Self { heard })
    }

    pub(super) fn heard(&self) -> watch::Receiver<Interrupt> {
        self.heard.clone()
    }

    /// Waits for the first interrupt.
    pub(super) async fn happened(&mut self) {
        if self.heard.wait_for(|interrupt| *interrupt != Interrupt::None).await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(unix)]
struct Signals {
    interrupt: tokio::signal::unix::Signal,
    terminate: tokio::signal::unix::Signal,
}

#[cfg(unix)]
impl Signals {
    fn new() -> std::io::Result<Self> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Self { interrupt: signal(SignalKind::interrupt())?, terminate: signal(SignalKind::terminate())? })
    }

    async fn next(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn new() -> std::io::Result<Self> {
        Ok(Self)
    }

    async fn next(&mut self) {
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::render::samples;

    #[test]
    fn the_exit_code_is_the_first_that_fits() {
        use Outcome::{AlreadySo, Done, Drifted, Failed, Held, NotTried, Unknown};
        for (outcomes, converged, code) in [
            (&[Done, Done][..], Some(true), Exit::Done),
            (&[Done, AlreadySo], Some(true), Exit::Done),
            (&[AlreadySo], Some(true), Exit::Done),
            (&[], Some(true), Exit::Done),
            (&[Done, Done], Some(false), Exit::NotConverged),
            (&[Done, Done], None, Exit::Partial),
            (&[AlreadySo], None, Exit::Error),
            (&[Done, Failed], Some(false), Exit::Partial),
            (&[Done, Drifted], Some(true), Exit::Partial),
            (&[Done, Held], None, Exit::Partial),
            (&[Done, NotTried], None, Exit::Partial),
            (&[Unknown], Some(true), Exit::Partial),
            (&[Failed, Held], Some(false), Exit::Error),
            (&[Failed, AlreadySo], None, Exit::Error),
            (&[NotTried], None, Exit::Error),
        ] {
            let mut report = Report::of(&samples::grants(outcomes.len()));
            for (applied, outcome) in report.changes.iter_mut().zip(outcomes) {
                applied.outcome = *outcome;
            }
            report.converged = converged;
            assert_eq!(exit(&report), code, "{outcomes:?}, {converged:?}");
        }
    }
}
