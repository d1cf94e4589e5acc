//! `uaapply export`: what the server has, as a manifest. Has a reader and nothing else, so it cannot write to UAA.

use super::connection::{check_alone, connection};
use super::console::Console;
use super::{Stop, out_file};
use crate::cli::ExportArgs;
use crate::desired::Secrets;
use crate::error::Exit;
use crate::export::{self, Choice, Pattern};
use crate::manifest::write;
use crate::render::count;
use crate::uaa::{self, Reader};

/// Runs the command.
pub(super) async fn run(args: &ExportArgs, console: &Console) -> Result<Exit, Stop> {
    check_alone(&args.connection, false)?;
    if let Some(path) = &args.output {
        out_file::check(path, args.force)?;
    }
    let patterns = |texts: &[String]| texts.iter().map(Pattern::new).collect::<Vec<_>>();
    let choice = Choice {
        users: patterns(&args.users),
        groups: patterns(&args.groups),
        clients: patterns(&args.clients),
        built_ins: args.built_ins,
    };
    let connection = connection(&args.connection, &Secrets::default(), console).await?;
    let server = uaa::identify(&connection).await?;
    let reader = Reader::log_in(connection, server).await?;
    let first = reader.observe(&choice.first_look()).await?;
    let observed = reader.observe(&choice.second_look(&first)).await?;
    tracing::info!("{} requests", reader.requests());
    let manifest = export::manifest(&choice, &observed);
    let written = write::write(&manifest)?;
    for text in &written.left_out {
        console.note(&format!("left out: {text}"));
    }
    let counts = [
        manifest.users.map(|users| count(users.entries.len(), "user")),
        manifest.groups.map(|groups| count(groups.entries.len(), "group")),
        manifest.clients.map(|clients| count(clients.entries.len(), "client")),
    ];
    let counts: Vec<String> = counts.into_iter().flatten().collect();
    console.note(&format!(
        "Exported {}. Comments in the manifest say what is not in it; {} without a value.",
        counts.join(", "),
        count(written.variables.len(), "variable")
    ));
    match &args.output {
        None => console.out(&written.text),
        Some(path) => {
            out_file::write(path, &written.text, args.force)?;
            Ok(Exit::Done)
        }
    }
}
