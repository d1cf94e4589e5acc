//! `uaapply apply`: shows the plan, asks, carries it out, reports, looks again.

use std::io::Write as _;
use std::path::Path;
use std::time::{Duration, Instant};

use tokio::sync::watch;

use super::connection::connection;
use super::console::Console;
use super::progress::Told;
use super::{Stop, look};
use crate::apply::{Interrupt, apply};
use crate::cli::{ApplyArgs, Format};
use crate::error::{Error, Exit};
use crate::manifest::Loaded;
use crate::observed::Observed;
use crate::plan::{self, Plan};
use crate::render;
use crate::report::{Outcome, Report};
use crate::uaa::{self, Reader};

/// A direct apply may use its own observation while it is younger than this and nobody was asked.
const FRESH: Duration = Duration::from_secs(60);

/// Runs the command.
pub(super) async fn run(args: &ApplyArgs, console: &Console) -> Result<Exit, Stop> {
    let loaded = look::load(&args.manifest, console)?;
    let connection = connection(&args.connection, &args.manifest, &loaded.secrets, console).await?;
    let server = uaa::identify(&connection).await?;
    look::must_be_pinned(&loaded.desired, &server, Format::Text, console)?;
    let (concurrency, client) = (connection.concurrency, connection.client_id.clone());
    let (reader, writer) = uaa::log_in(connection, server).await?;

    let (observed, plan) = agree(args, &loaded, &reader, client.as_str(), console).await?;
    let mut interrupt = Interrupted::default();
    let mut report = if plan.is_empty() {
        Report { converged: Some(true), ..Report::of(&plan) }
    } else {
        let heard = interrupt.listen();
        let told = Told::new(plan.changes.len(), console.quiet);
        apply(&plan, &observed, &loaded.secrets, &writer, concurrency, &told, heard).await
    };
    if !plan.is_empty() && !interrupt.happened() {
        look_again(&mut report, args, &loaded, &reader, console).await;
    }
    if let Some(path) = &args.report {
        write(&report, path)?;
    }
    match args.format {
        Format::Text if plan.is_empty() => {}
        Format::Text => drop(console.out(&render::report::text(&report))?),
        Format::Json => drop(console.json(&report)?),
    }
    tracing::info!("{} requests", reader.requests());
    Ok(exit(&report))
}

/// Makes the plan that is to be carried out, and gets everybody's consent to it: the rails', the token's, the user's.
async fn agree(
    args: &ApplyArgs,
    loaded: &Loaded,
    reader: &Reader,
    client: &str,
    console: &Console,
) -> Result<(Observed, Plan), Stop> {
    let mut shown: Option<Plan> = None;
    loop {
        let begun = Instant::now();
        let (observed, plan) = look::look(reader, &loaded.desired, &args.allow, console).await?;
        let unchanged = shown
            .as_ref()
            .is_some_and(|shown| shown.changes == plan.changes && shown.findings == plan.findings);
        if unchanged {
            return Ok((observed, plan));
        }
        if shown.is_some() {
            console.warn("the server changed meanwhile: this is the plan now");
        }
        show(&plan, args.format, console)?;
        if plan.refusals().next().is_some() {
            return Err(Stop::Exit(Exit::Refused));
        }
        if plan.is_empty() {
            return Ok((observed, plan));
        }
        must_have_authority(&plan, &observed, client)?;
        if args.yes {
            if begun.elapsed() < FRESH {
                return Ok((observed, plan));
            }
        } else if !Console::can_ask() {
            return Err(Error::new("nobody can be asked here")
                .hint("give --yes to apply without asking")
                .into());
        } else if !console.ask(&question(&plan)) {
            console.note("Nothing was written.");
            return Err(Stop::Exit(Exit::Error));
        }
        // Somebody took their time: what was agreed to must still be what the server needs.
        shown = Some(plan);
    }
}

fn question(plan: &Plan) -> String {
    let changes = render::count(plan.changes.len(), "change");
    let target = crate::visible::visible(&format!("{} (zone {})", plan.target.url, plan.target.zone));
    format!(
        "Apply {} to {target}?",
        if plan.changes.len() == 1 { "this change".to_owned() } else { format!("these {changes}") }
    )
}

/// With `--format json` standard output is the report, so people read the plan on standard error.
fn show(plan: &Plan, format: Format, console: &Console) -> Result<(), Stop> {
    match format {
        Format::Text => drop(console.out(&render::text::plan(plan))?),
        Format::Json => console.say(&render::text::plan(plan)),
    }
    Ok(())
}

/// A 403 half-way would leave a half-applied state.
fn must_have_authority(plan: &Plan, observed: &Observed, client: &str) -> Result<(), Error> {
    let missing = plan::missing_authorities(plan, observed);
    if missing.is_empty() {
        return Ok(());
    }
    let mut authorities: Vec<&str> = observed.me.scopes.iter().map(String::as_str).collect();
    let mut error =
        Error::new(format!("client `{client}` may not do what the plan needs; nothing was written"));
    for lack in &missing {
        error = error.cause(format!("to {} its token needs {}", lack.needed_for, lack.any_of.join(" or ")));
        if let Some(first) = lack.any_of.first().filter(|first| !authorities.contains(&first.as_str())) {
            authorities.push(first);
        }
    }
    Err(error
        .hint(format!("give it: uaac client update {client} --authorities \"{}\"", authorities.join(" "))))
}

/// Reads and plans once more: nothing may be left to do.
async fn look_again(
    report: &mut Report,
    args: &ApplyArgs,
    loaded: &Loaded,
    reader: &Reader,
    console: &Console,
) {
    // Keys that allowed something are used up by now.
    match reader.observe(&plan::scope(&loaded.desired)).await {
        Ok(observed) => {
            let allow = args.allow.iter().cloned().collect();
            match plan::make(&loaded.desired, &observed, &plan::policy::Policy::default(), &allow) {
                Ok(plan) => {
                    report.converged = Some(plan.is_empty());
                    report.remaining = plan.changes.into_iter().map(|change| change.key).collect();
                    report.remaining.sort();
                    report.remaining.dedup();
                }
                Err(objections) => console.say(&render::problems::objections(&objections)),
            }
        }
        Err(error) => {
            console.error(&Error { message: format!("the second look failed: {}", error.message), ..error });
        }
    }
}

/// Replaces the report's file in one step.
fn write(report: &Report, path: &Path) -> Result<(), Error> {
    let failed = |error: &dyn std::fmt::Display| {
        Error::new(format!(
            "the plan was carried out, but its report cannot be written to {}",
            path.display()
        ))
        .cause(error.to_string())
    };
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let mut file = tempfile::NamedTempFile::new_in(folder).map_err(|error| failed(&error))?;
    file.write_all(render::json(report).as_bytes())
        .and_then(|()| file.as_file().sync_all())
        .map_err(|error| failed(&error))?;
    file.persist(path).map_err(|error| failed(&error.error))?;
    Ok(())
}

/// The first exit code that fits, in the order of the contract (design.md §5).
fn exit(report: &Report) -> Exit {
    let any = |outcomes: &[Outcome]| report.changes.iter().any(|applied| outcomes.contains(&applied.outcome));
    let wrote = any(&[Outcome::Done, Outcome::Unknown]);
    let fell_short =
        any(&[Outcome::Drifted, Outcome::Failed, Outcome::Held, Outcome::NotTried, Outcome::Unknown]);
    match (fell_short, wrote, report.converged) {
        (true, false, _) => Exit::Error,
        (true, true, _) | (false, _, None) => Exit::Partial,
        (false, _, Some(false)) => Exit::NotConverged,
        (false, _, Some(true)) => Exit::Done,
    }
}

/// Ctrl-C: the first finishes what is under way, a second one stops at once.
#[derive(Default)]
struct Interrupted {
    heard: Option<watch::Receiver<Interrupt>>,
}

impl Interrupted {
    fn listen(&mut self) -> watch::Receiver<Interrupt> {
        let (say, heard) = watch::channel(Interrupt::None);
        tokio::spawn(async move {
            for interrupt in [Interrupt::Finish, Interrupt::AtOnce] {
                if tokio::signal::ctrl_c().await.is_err() {
                    return;
                }
                say.send_replace(interrupt);
            }
            std::future::pending::<()>().await;
        });
        self.heard = Some(heard.clone());
        heard
    }

    fn happened(&self) -> bool {
        self.heard.as_ref().is_some_and(|heard| *heard.borrow() != Interrupt::None)
    }
}
