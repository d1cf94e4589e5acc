//! `uaapply access`: who can reach what, and why. Has a reader and nothing else, so it cannot write to UAA.

use std::io::Read as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use super::connection::{check, connection};
use super::console::Console;
use super::{Stop, look, snapshot};
use crate::access::{self, Access, Asked};
use crate::cli::{AccessArgs, AccessFormat};
use crate::desired::{Desired, Secrets};
use crate::error::{Error, Exit};
use crate::export::Pattern;
use crate::manifest::MAX_FILE_BYTES;
use crate::model::Origin;
use crate::moment::Moment;
use crate::observed::{Observed, Server};
use crate::plan;
use crate::render;
use crate::uaa::{self, Reader};
use crate::visible::{shell, visible};

/// Runs the command.
pub(super) async fn run(args: &AccessArgs, console: &Console) -> Result<Exit, Stop> {
    if args.snapshot.is_none() {
        check(&args.connection, &args.manifest)?;
    }
    let asked = Asked {
        scopes: args.scopes.clone(),
        users: args.users.clone(),
        origins: args.origins.iter().map(|origin| Origin::new(origin.as_str())).collect(),
        inactive: args.inactive,
        unknown: args.unknown,
        stale_days: args.stale_days,
    };
    let earlier = args.compare.as_deref().map(earlier).transpose()?;
    let loaded = match args.manifest.files.is_empty() {
        true => None,
        false => Some(look::load_to_look(&args.manifest, console)?),
    };
    let desired = loaded.as_ref().map(|loaded| &loaded.desired);
    let observed = match &args.snapshot {
        Some(path) => snapshot::read_all(path)?,
        None => {
            let none = Secrets::default();
            let secrets = loaded.as_ref().map_or(&none, |loaded| &loaded.secrets);
            observe(args, &asked, desired, secrets, console).await?
        }
    };
    must_be_for(desired, &observed.server)?;
    let mut report = access::review(&observed, desired, &asked, now());
    if let (Some(path), Some(earlier)) = (&args.compare, &earlier) {
        let changes = access::compare(earlier, &report);
        report.changes = Some(changes.map_err(|why| {
            Error::new(format!("{} cannot be compared with this report", path.display()))
                .cause(visible(&why))
                .hint("ask for the same as then: its `asked` says what")
        })?);
    }
    warn(&report, &observed, console);
    match args.format {
        AccessFormat::Text => console.out(&render::access::text::access(&report)),
        AccessFormat::Csv => console.out(&render::access::csv::access(&report)),
        AccessFormat::Json => console.json(&report),
        AccessFormat::Markdown => console.out(&render::access::markdown::access(&report)),
        AccessFormat::Html => console.out(&render::access::html::access(&report)),
    }
}

async fn observe(
    args: &AccessArgs,
    asked: &Asked,
    desired: Option<&Desired>,
    secrets: &Secrets,
    console: &Console,
) -> Result<Observed, Error> {
    let connection = connection(&args.connection, secrets, console).await?;
    let server = uaa::identify(&connection).await?;
    // Before the secret is sent there.
    must_be_for(desired, &server)?;
    let reader = Reader::log_in(connection, server).await?;
    let observed = reader.holders(|groups| access::members(groups, asked)).await?;
    tracing::info!("{} requests", reader.requests());
    Ok(observed)
}

/// What a manifest for another server knows says nothing of this one.
fn must_be_for(desired: Option<&Desired>, server: &Server) -> Result<(), Error> {
    let findings = desired.map(|desired| plan::check_pin(desired, server)).unwrap_or_default();
    match findings.is_empty() {
        true => Ok(()),
        false => {
            Err(findings.iter().fold(Error::new("the manifest is for another target"), |error, finding| {
                error.cause(visible(&finding.message))
            }))
        }
    }
}

fn now() -> Moment {
    let seconds = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let now = i64::try_from(seconds).ok().and_then(Moment::from_seconds);
    now.expect("the clock is within the calendar: invariant")
}

/// Reads the report of an earlier review.
fn earlier(path: &Path) -> Result<Access, Error> {
    let file = std::fs::File::open(path)
        .map_err(|error| Error::new(format!("cannot read {}", path.display())).cause(error.to_string()))?;
    let unusable = |why: &str| {
        Error::new(format!("{} is no report to compare with", path.display()))
            .cause(visible(why))
            .hint("make one: uaapply access --format json > FILE")
    };
    let mut text = String::new();
    let most = u64::try_from(MAX_FILE_BYTES * 10).unwrap_or(u64::MAX);
    file.take(most).read_to_string(&mut text).map_err(|error| unusable(&error.to_string()))?;
    access::read(&text).map_err(|why| unusable(&why))
}

/// Says what of the command line meant nothing: a misspelt name finds nobody.
fn warn(report: &Access, observed: &Observed, console: &Console) {
    for text in &report.asked.scopes {
        let pattern = Pattern::new(text);
        if !report.scopes.iter().any(|scope| pattern.matches_folded(scope.scope.as_str())) {
            console.warn(&format!("--scopes {}: there is no such scope", shell(text)));
        }
    }
    let unknown = |origin: &&Origin| {
        let known = observed.origins.as_ref();
        let user = observed.users.keys().any(|user| user.origin == **origin);
        let mapped = observed.mappings.iter().any(|mapping| mapping.origin == **origin);
        !user && !mapped && known.is_some_and(|known| !known.contains(*origin))
    };
    for origin in report.asked.origins.iter().filter(unknown) {
        console
            .warn(&format!("--origins {}: the zone has no such identity provider", shell(origin.as_str())));
    }
}
