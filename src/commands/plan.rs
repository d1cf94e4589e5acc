//! `uaapply plan`: shows what would change. Has a reader and nothing else, so it cannot write.

use super::connection::{check, connection};
use super::console::Console;
use super::metrics::Metrics;
use super::{Stop, annotations, generated, look, plan_file, snapshot};
use crate::cli::PlanArgs;
use crate::error::{Error, Exit};
use crate::manifest::Loaded;
use crate::observed::Observed;
use crate::plan::Plan;
use crate::render::annotations::Note;
use crate::render::count;
use crate::uaa::{self, Reader};

/// Runs the command.
pub(super) async fn run(args: &PlanArgs, console: &Console) -> Result<Exit, Stop> {
    annotations::check(&args.annotations)?;
    let metrics = args.metrics_file.as_deref().map(Metrics::begin).transpose()?;
    let made = make(args, console).await;
    let plan = made.as_ref().ok();
    console.annotate(plan.into_iter().flat_map(Note::of_plan));
    let told = [
        annotations::write(&args.annotations, &args.manifest, console),
        metrics.map_or(Ok(()), |metrics| metrics.write(plan, args.connection.target.as_deref())),
    ];
    let untold = told.into_iter().filter_map(Result::err).map(|error| console.error(&error)).count();
    let exit = exit(&made?, args, console);
    Ok(if untold > 0 { Exit::Error } else { exit })
}

/// Makes the plan and shows it.
async fn make(args: &PlanArgs, console: &Console) -> Result<Plan, Stop> {
    look::must_have_files(&args.manifest)?;
    if args.snapshot.is_none() {
        check(&args.connection, &args.manifest)?;
    }
    args.out.as_deref().map(plan_file::check).transpose()?;
    let rules = look::rules(&args.rules, console)?.only(&args.only);
    let loaded = look::load(&args.manifest, console)?;
    let observed = match &args.snapshot {
        Some(path) => snapshot::read(path, &loaded.desired, &rules.policy, console)?,
        None => match observe(args, &loaded, &rules, console).await? {
            Ok(observed) => observed,
            Err(refused) => {
                look::show(&refused, args.format, args.max_length, console)?;
                return Ok(refused);
            }
        },
    };
    let plan = look::plan(&loaded, &observed, &rules, console)?;
    look::warn_of_unused_allows(&plan, &rules.allow, console);
    look::show(&plan, args.format, args.max_length, console)?;
    generated::announce(&plan, &loaded, console);
    if let Some(path) = &args.out {
        generated::refuse_to_save(&plan, &loaded)?;
        plan_file::write(path, &plan, &loaded.desired, &observed, console)?;
    }
    Ok(plan)
}

fn exit(plan: &Plan, args: &PlanArgs, console: &Console) -> Exit {
    if plan.refusals().next().is_some() {
        return Exit::Refused;
    }
    if plan.is_empty() {
        return Exit::Done;
    }
    if args.fail_on_drift {
        let pending = match plan.changes.len() {
            1 => "1 change is pending".to_owned(),
            many => format!("{} are pending", count(many, "change")),
        };
        console.error(
            &Error::new(format!("the server is not as the manifest says: {pending} (--fail-on-drift)"))
                .hint("`uaapply apply` with the same manifest makes it so; or write into the manifest what is meant"),
        );
    }
    match (args.detailed_exitcode, args.fail_on_drift) {
        // Also where drift fails: a script can tell it from a run that could not look.
        (true, _) => Exit::Pending,
        (false, true) => Exit::Error,
        (false, false) => Exit::Done,
    }
}

/// Reads the server, unless the manifest is not for it: then the plan that says so.
async fn observe(
    args: &PlanArgs,
    loaded: &Loaded,
    rules: &look::Rules,
    console: &Console,
) -> Result<Result<Observed, Plan>, Stop> {
    let connection = connection(&args.connection, &loaded.secrets, console).await?;
    let server = uaa::identify(&connection).await?;
    if let Some(refused) = look::refused(&loaded.desired, &server) {
        return Ok(Err(refused));
    }
    let reader = Reader::log_in(connection, server).await?;
    let observed = look::observe(&reader, loaded, &rules.policy, args.probe_secrets).await?;
    tracing::info!("{} requests", reader.requests());
    Ok(Ok(observed))
}
