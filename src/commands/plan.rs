//! `uaapply plan`: shows what would change. Has a reader and nothing else, so it cannot write.

use super::connection::{check, connection};
use super::console::Console;
use super::{Stop, generated, look, plan_file, snapshot};
use crate::cli::PlanArgs;
use crate::error::Exit;
use crate::manifest::Loaded;
use crate::observed::Observed;
use crate::uaa::{self, Reader};

/// Runs the command.
pub(super) async fn run(args: &PlanArgs, console: &Console) -> Result<Exit, Stop> {
    look::must_have_files(&args.manifest)?;
    if args.snapshot.is_none() {
        check(&args.connection, &args.manifest)?;
    }
    args.out.as_deref().map(plan_file::check).transpose()?;
    let loaded = look::load(&args.manifest, console)?;
    let observed = match &args.snapshot {
        Some(path) => snapshot::read(path, &loaded.desired, console)?,
        None => observe(args, &loaded, console).await?,
    };
    let plan = look::plan(&loaded, &observed, &args.allow, console)?;
    look::warn_of_unused_allows(&plan, &args.allow, console);
    look::show(&plan, args.format, console)?;
    generated::announce(&plan, &loaded, console);
    if let Some(path) = &args.out {
        generated::refuse_to_save(&plan, &loaded)?;
        plan_file::write(path, &plan, &loaded.desired, &observed, console)?;
    }
    Ok(if plan.refusals().next().is_some() {
        Exit::Refused
    } else if args.detailed_exitcode && !plan.is_empty() {
        Exit::Pending
    } else {
        Exit::Done
    })
}

/// Reads the server, unless the manifest is not for it.
async fn observe(args: &PlanArgs, loaded: &Loaded, console: &Console) -> Result<Observed, Stop> {
    let connection = connection(&args.connection, &loaded.secrets, console).await?;
    let server = uaa::identify(&connection).await?;
    if let Some(refused) = look::refused(&loaded.desired, &server) {
        look::show(&refused, args.format, console)?;
        return Err(Stop::Exit(Exit::Refused));
    }
    let reader = Reader::log_in(connection, server).await?;
    let observed = look::observe(&reader, loaded, args.probe_secrets).await?;
    tracing::info!("{} requests", reader.requests());
    Ok(observed)
}
