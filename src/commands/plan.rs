//! `uaapply plan`: shows what would change. Has a reader and nothing else, so it cannot write.

use super::connection::connection;
use super::console::Console;
use super::{Stop, look};
use crate::cli::PlanArgs;
use crate::error::Exit;
use crate::uaa::{self, Reader};

/// Runs the command.
pub(super) async fn run(args: &PlanArgs, console: &Console) -> Result<Exit, Stop> {
    let loaded = look::load(&args.manifest, console)?;
    let connection = connection(&args.connection, &args.manifest, &loaded.secrets, console).await?;
    let server = uaa::identify(&connection).await?;
    look::must_be_pinned(&loaded.desired, &server, args.format, console)?;
    let reader = Reader::log_in(connection, server).await?;
    let (_, plan) = look::look(&reader, &loaded.desired, &args.allow, console).await?;
    look::show(&plan, args.format, console)?;
    tracing::info!("{} requests", reader.requests());
    Ok(if plan.refusals().next().is_some() {
        Exit::Refused
    } else if args.detailed_exitcode && !plan.is_empty() {
        Exit::Pending
    } else {
        Exit::Done
    })
}
