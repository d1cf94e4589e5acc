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
use crate::visible::shell;

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
        console.note(&format!("note: not in the manifest: {text}"));
    }
    for text in without_entry(&choice, &manifest) {
        console.warn(&text);
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

/// Says which patterns nothing came of: a misspelt name, or one of which only a comment speaks.
fn without_entry(choice: &Choice, manifest: &write::Manifest) -> Vec<String> {
    let (users, groups, clients) = (&manifest.users, &manifest.groups, &manifest.clients);
    let user = |pattern: &Pattern| {
        users.iter().flat_map(|users| &users.entries).any(|user| {
            let full = format!("{}/{}", user.key.origin, user.key.username.as_str());
            pattern.matches_folded(user.key.username.as_str()) || pattern.matches_folded(&full)
        })
    };
    let group = |pattern: &Pattern| {
        let mut groups = groups.iter().flat_map(|groups| &groups.entries);
        groups.any(|group| pattern.matches_folded(group.name.as_str()))
    };
    let client = |pattern: &Pattern| {
        let mut clients = clients.iter().flat_map(|clients| &clients.entries);
        clients.any(|client| pattern.matches(client.id.as_str()))
    };
    let mut said = Vec::new();
    let mut judge = |option: &str, patterns: &[Pattern], is_there: &dyn Fn(&Pattern) -> bool| {
        for pattern in patterns.iter().filter(|pattern| !is_there(pattern)) {
            said.push(format!(
                "{option} {}: no entry of the manifest has such a name",
                shell(pattern.as_str())
            ));
        }
    };
    judge("--users", &choice.users, &user);
    judge("--groups", &choice.groups, &group);
    judge("--clients", &choice.clients, &client);
    said
}
