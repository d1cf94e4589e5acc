//! `uaapply whoami`: as whom a run would come, what it may do, and what it lacks for a manifest.

use std::time::Duration;

use serde::Serialize;

use super::connection::{check, connection};
use super::console::Console;
use super::needs::{self, Needed};
use super::{Stop, look};
use crate::cli::{Format, WhoamiArgs};
use crate::desired::Secrets;
use crate::error::Exit;
use crate::observed::{Identity, ReadScope, Server};
use crate::plan;
use crate::uaa;
use crate::visible::visible;

/// What is told, in the JSON's words.
#[derive(Serialize)]
struct Told {
    format: u32,
    client_id: String,
    url: String,
    issuer: String,
    zone: String,
    uaa_version: String,
    scopes: Vec<String>,
    expires_in: Option<u64>,
    /// Absent when no manifest was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    held: Option<Vec<Needed>>,
    /// Absent when no manifest was given.
    #[serde(skip_serializing_if = "Option::is_none")]
    missing: Option<Vec<Needed>>,
}

/// Runs the command.
pub(super) async fn run(args: &WhoamiArgs, console: &Console) -> Result<Exit, Stop> {
    check(&args.connection, &args.manifest)?;
    let loaded = match args.manifest.files.is_empty() {
        true => None,
        false => Some(look::load_to_look(&args.manifest, console)?),
    };
    let none = Secrets::default();
    let secrets = loaded.as_ref().map_or(&none, |loaded| &loaded.secrets);
    let connection = connection(&args.connection, secrets, console).await?;
    let server = uaa::identify(&connection).await?;
    let (reader, _) = uaa::log_in_for(connection, server, &[]).await?;
    let (me, left) = reader.me().await?;
    // Only that of a header is known before something is read.
    let by_header = Some(reader.server().zone.as_str()).filter(|zone| !zone.is_empty());
    let needed = loaded.as_ref().map(|loaded| needs::of(&loaded.desired, &me.scopes, by_header));
    let server = match by_header {
        None if ["scim.read", "uaa.admin"].iter().any(|&scope| me.scopes.contains(scope)) => {
            reader.observe(&ReadScope::default()).await?.server
        }
        _ => reader.server().clone(),
    };
    let told = told(me, &server, left, needed);
    match args.format {
        Format::Text => console.out(&text(&told))?,
        Format::Json => console.json(&told)?,
    };
    Ok(match &told.missing {
        Some(missing) if !missing.is_empty() => Exit::Error,
        _ => Exit::Done,
    })
}

fn told(me: Identity, server: &Server, left: Option<Duration>, needed: Option<Vec<Needed>>) -> Told {
    let (held, missing) = needed
        .map(|needed| needed.into_iter().partition::<Vec<Needed>, _>(|need| need.held))
        .map_or((None, None), |(held, missing)| (Some(held), Some(missing)));
    Told {
        format: plan::FORMAT,
        client_id: me.client_id.map_or_else(String::new, |client| client.as_str().to_owned()),
        url: server.url.clone(),
        issuer: server.issuer.clone(),
        zone: server.zone.clone(),
        uaa_version: server.uaa_version.clone(),
        scopes: me.scopes.into_iter().collect(),
        expires_in: left.map(|left| left.as_secs()),
        held,
        missing,
    }
}

fn text(told: &Told) -> String {
    let scopes = if told.scopes.is_empty() { "none".to_owned() } else { told.scopes.join(" ") };
    // Which zone an address stands for is known only from what is in there.
    let zone = if told.zone.is_empty() { "not known without the authority scim.read" } else { &told.zone };
    let mut lines = vec![
        ("client", told.client_id.clone()),
        ("scopes", scopes),
        ("zone", zone.to_owned()),
        ("expires", told.expires_in.map_or_else(|| "UAA does not say".to_owned(), in_words)),
        ("server", format!("{} (UAA {})", told.url, told.uaa_version)),
        ("issuer", told.issuer.clone()),
    ];
    let needed = |name, list: &Option<Vec<Needed>>| -> Vec<(&'static str, String)> {
        list.iter().flatten().map(|need| (name, need.to_string())).collect()
    };
    lines.extend(needed("held", &told.held));
    lines.extend(needed("missing", &told.missing));
    if told.missing.as_ref().is_some_and(Vec::is_empty) {
        lines.push(("manifest", "nothing is missing for it".to_owned()));
    }
    lines.into_iter().map(|(name, value)| format!("{name:<8}  {}\n", visible(&value))).collect()
}

/// A time as people say it, the larger two units.
fn in_words(seconds: u64) -> String {
    let (hours, minutes) = (seconds / 3600, seconds % 3600 / 60);
    match (hours, minutes) {
        (0, 0) => format!("in {seconds} s"),
        (0, _) => format!("in {minutes} min {} s", seconds % 60),
        (24.., _) => format!("in {} d {} h", hours / 24, hours % 24),
        _ => format!("in {hours} h {minutes} min"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_reads_as_people_say_it() {
        for (seconds, words) in [
            (0, "in 0 s"),
            (59, "in 59 s"),
            (61, "in 1 min 1 s"),
            (43_199, "in 11 h 59 min"),
            (90_000, "in 1 d 1 h"),
        ] {
            assert_eq!(in_words(seconds), words);
        }
    }
}
