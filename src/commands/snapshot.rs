//! `uaapply snapshot`: what the server has, as data. Has a reader and nothing else, so it cannot write to UAA.

use std::path::Path;

use super::connection::{check, connection};
use super::console::Console;
use super::plan_file::{MOST, text_within};
use super::{Stop, look, out_file};
use crate::cli::SnapshotArgs;
use crate::desired::{Desired, Secrets};
use crate::error::{Error, Exit};
use crate::model::Origin;
use crate::observed::{ClientScope, Observed, ReadScope};
use crate::plan;
use crate::plan::policy::Policy;
use crate::render::{self, count};
use crate::snapshot::{Snapshot, Unusable, assume_salts};
use crate::uaa::{self, Reader};
use crate::visible::visible;

/// Runs the command.
pub(super) async fn run(args: &SnapshotArgs, console: &Console) -> Result<Exit, Stop> {
    check(&args.connection, &args.manifest)?;
    if let Some(path) = &args.output {
        out_file::check(path, args.force)?;
    }
    let loaded = match args.manifest.files.is_empty() {
        true => None,
        false => Some(look::load(&args.manifest, console)?),
    };
    let none = Secrets::default();
    let secrets = loaded.as_ref().map_or(&none, |loaded| &loaded.secrets);
    let connection = connection(&args.connection, secrets, console).await?;
    let server = uaa::identify(&connection).await?;
    let reader = Reader::log_in(connection, server).await?;
    let snapshot = match &loaded {
        Some(loaded) => {
            let scope = plan::scope(&loaded.desired, &Policy::default());
            Snapshot::of(&reader.observe(&scope).await?, Some(scope))
        }
        None => {
            let first = reader.observe(&everything(&Observed::default())).await?;
            Snapshot::of(&reader.observe(&everything(&first)).await?, None)
        }
    };
    tracing::info!("{} requests", reader.requests());
    console.note(&format!(
        "Took down {}, {} and {}.",
        count(snapshot.users.len(), "user"),
        count(snapshot.groups.len(), "group"),
        count(snapshot.clients.len(), "client")
    ));
    match &args.output {
        None => console.json(&snapshot),
        Some(path) => {
            out_file::write(path, &render::json(&snapshot), args.force)?;
            Ok(Exit::Done)
        }
    }
}

/// What any plan may need, as far as `known` names it.
fn everything(known: &Observed) -> ReadScope {
    let clients = || known.clients.keys().cloned().collect();
    ReadScope {
        all_users: true,
        name_members_of: known.groups.keys().cloned().collect(),
        // Lets the identity providers be read.
        origins: [Origin::uaa()].into(),
        clients: ClientScope {
            all: true,
            required_user_groups: clients(),
            metadata: clients(),
            ..ClientScope::default()
        },
        history: true,
        ..ReadScope::default()
    }
}

/// Reads a snapshot, as if it were the server, for `plan --snapshot`.
pub(super) fn read(
    path: &Path,
    desired: &Desired,
    policy: &Policy,
    console: &Console,
) -> Result<Observed, Error> {
    let lacks = "take one with this manifest (-f), or a whole one without";
    let mut observed = observed(path, &plan::scope(desired, policy), "to plan from", lacks)?;
    for client in assume_salts(&mut observed, desired) {
        console.warn(&format!(
            "a snapshot has no token salts: that of client {client} is taken for the manifest's"
        ));
    }
    Ok(observed)
}

/// Reads a snapshot for `access --snapshot`: one with everybody in it.
pub(super) fn read_all(path: &Path) -> Result<Observed, Error> {
    observed(
        path,
        &everything(&Observed::default()),
        "to review",
        "take a whole one: uaapply snapshot -O FILE",
    )
}

fn observed(path: &Path, scope: &ReadScope, what_for: &str, lacks: &str) -> Result<Observed, Error> {
    let text = text_within(path, MOST)?;
    let unusable =
        |why: &str| Error::new(format!("{} is no snapshot {what_for}", path.display())).cause(visible(why));
    Snapshot::read(&text).and_then(|snapshot| snapshot.observed(scope)).map_err(|why| match why {
        Unusable::NotOne(why) => unusable(&why).hint("take one: uaapply snapshot -O FILE"),
        Unusable::Newer(format) => {
            unusable(&format!("it has format {format}, which this version does not know"))
                .hint("use the version of uaapply that took it")
        }
        Unusable::Lacks(what) => {
            unusable(&format!("it was taken for another manifest, and lacks {what}")).hint(lacks)
        }
    })
}
