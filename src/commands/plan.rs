//! `uaapply plan`: shows what would change. Has a reader and nothing else, so it cannot write.

use super::connection::{check, connection};
use super::console::Console;
use super::{Stop, generated, look};
use crate::cli::PlanArgs;
use crate::error::Exit;
use crate::uaa::{self, Reader};

/// Runs the command.
pub(super) async fn run(args: &PlanArgs, console: &Console) -> Result<Exit, Stop> {
    look::must_have_files(&args.manifest)?;
    check(&args.connection, &args.manifest)?;
    let rules = look::rules(&args.rules, console)?;
    let loaded = look::load(&args.manifest, console)?;
    let connection = connection(&args.connection, &loaded.secrets, console).await?;
    let server = uaa::identify(&connection).await?;
    if let Some(refused) = look::refused(&loaded.desired, &server) {
        look::show(&refused, args.format, console)?;
        return Ok(Exit::Refused);
    }
    let reader = Reader::log_in(connection, server).await?;
    let (_, plan) = look::look(&reader, &loaded, &rules, args.probe_secrets, console).await?;
    look::warn_of_unused_allows(&plan, &rules.allow, console);
    look::show(&plan, args.format, console)?;
    generated::announce(&plan, &loaded, console);
    tracing::info!("{} requests", reader.requests());
    Ok(if plan.refusals().next().is_some() {
        Exit::Refused
    } else if args.detailed_exitcode && !plan.is_empty() {
        Exit::Pending
    } else {
        Exit::Done
    })
}
