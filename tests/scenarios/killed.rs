//! The program itself, killed with -9 while a request waits; then the next run, and a plan that finds nothing.

use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;

use tokio::process::Command;
use tokio::sync::Notify;
use uaapply_lab::model::Server;

use crate::run::keys;
use crate::scenario::{Ended, Set, judged, runs, set};
use crate::server::SECRET;
use crate::trouble::{Eye, Trouble, lock};

/// Plays the scenario of a seed.
pub(crate) async fn killed(seed: u64) -> Ended {
    let mut texts = Vec::new();
    let set = match set(seed, &mut texts).await {
        Ok(Some(set)) => set,
        Ok(None) => return Ended::Refused,
        Err(why) => return Ended::Wrong(why),
    };
    let ended = played(&set, &mut texts).await;
    judged(&set, ended, &texts)
}

async fn played(set: &Set, texts: &mut Vec<String>) -> Result<Ended, String> {
    let folder = tempfile::tempdir().map_err(|error| error.to_string())?;
    std::fs::write(folder.path().join("m.yml"), &set.manifest.text).map_err(|error| error.to_string())?;
    let kill = Arc::new(Notify::new());
    let quiet = || Eye::new(set.rng.clone(), None, &set.shared, &kill);
    let server = Server::start(set.before.clone(), quiet()).await.map_err(|error| error.to_string())?;
    let command = async |args: &[&str]| {
        let allow = keys(&server.url(), &set.loaded, set.ways).await.map_err(|error| error.message)?;
        command(set, folder.path(), &server.url(), args, allow.iter()).map_err(|error| error.to_string())
    };
    let mut apply = command(&["apply", "--yes", "--report", "report.json"]).await?;
    server.watch(Eye::new(set.rng.clone(), Some(Trouble::Killed), &set.shared, &kill));
    let mut child = apply.spawn().map_err(|error| error.to_string())?;
    let ended = tokio::select! {
        biased;
        () = kill.notified() => None,
        ended = child.wait() => Some(ended),
    };
    if ended.is_none() {
        // -9.
        child.kill().await.map_err(|error| error.to_string())?;
    }
    texts.push(std::fs::read_to_string(folder.path().join("printed")).unwrap_or_default());
    texts.push(std::fs::read_to_string(folder.path().join("report.json")).unwrap_or_default());
    server.watch(quiet());
    lock(&set.shared).log.push("---- the next run".to_owned());
    let mut left = runs(&set.loaded) - 1;
    let mut steps = [&["apply", "--yes"][..], &["plan", "--detailed-exitcode"]].into_iter().peekable();
    while let Some(args) = steps.peek() {
        let status = command(args).await?.status().await.map_err(|error| error.to_string())?;
        texts.push(std::fs::read_to_string(folder.path().join("printed")).unwrap_or_default());
        if status.success() {
            steps.next();
            continue;
        }
        left -= 1;
        if left == 0 {
            let printed = texts.last().cloned().unwrap_or_default();
            return Err(format!("{args:?} ends with {:?}\n{printed}", status.code()));
        }
    }
    let requests = lock(&set.shared).requests;
    Ok(if ended.is_some() { Ended::Converged(requests) } else { Ended::Mended(requests) })
}

fn command<'k>(
    set: &Set,
    folder: &Path,
    url: &str,
    args: &[&str],
    allow: impl Iterator<Item = &'k String>,
) -> std::io::Result<Command> {
    let printed = std::fs::File::create(folder.join("printed"))?;
    let mut command = Command::new(env!("CARGO_BIN_EXE_uaapply"));
    command.args(args).args(["-f", "m.yml", "--log-level", "debug"]).current_dir(folder).env_clear();
    command.args(allow.flat_map(|key| ["--allow", key]));
    command.env("UAA_TARGET", url).env("UAA_CLIENT_SECRET", SECRET).env("UAAPPLY_VARS_ENV", "T");
    command.envs(set.manifest.secrets.iter().map(|(name, value)| (format!("T_{name}"), value)));
    command.stdin(Stdio::null()).stdout(printed.try_clone()?).stderr(printed).kill_on_drop(true);
    Ok(command)
}
