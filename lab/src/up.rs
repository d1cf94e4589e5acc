//! A lab that stays until `down`: how it is started, told about and ended. One at a time.

use std::fs::File;
use std::io::{self, Write};
use std::path::Path;
use std::process::Stdio;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::client::{Client, Threads};
use crate::demo::{self, VARIABLES};
use crate::foundation::{Booted, Runs, boot};
use crate::process::{Life, detached};
use crate::state::{self, Running};
use crate::uaa::{ADMIN, Site};
use crate::{LabError, Options, UaaVersion, pks_api};

/// The product's ports.
const UAA_PORT: u16 = 8443;
const API_PORT: u16 = 9021;

/// Starts a lab, unless one runs; returns it and its client. An error when the one that runs is not as asked for.
pub(crate) fn up(version: UaaVersion, options: &Options) -> Result<(Running, Client), LabError> {
    let _alone = state::alone()?;
    if let Some(running) = Running::load()? {
        if running.alive().all() {
            let other = other_settings(&running, version, options);
            if !other.is_empty() {
                return Err(LabError::Unexpected(format!(
                    "a lab runs already with other settings: {}\nhint: `cargo lab down` ends it, `cargo lab status` \
                     shows it",
                    other.join(", ")
                )));
            }
            let client = client(&running)?;
            return Ok((running, client));
        }
        end(&running)?;
    }
    let uaa_port = state::port(options.uaa_port, Some(UAA_PORT))?;
    let api_port = state::port(options.api_port, Some(API_PORT))?;
    let folder = state::folder(&format!("{version}-{uaa_port}"))?;
    let site = Site { version, port: uaa_port, folder: folder.clone(), heap: options.heap };
    let mut running = Running {
        uaa: version.to_string(),
        uaa_port,
        api_port,
        folder,
        uaa_pid: 0,
        api_pid: 0,
        database: options.database.to_string(),
        database_pid: None,
    };
    // Recorded as soon as it runs: whoever interrupts the wait can still say `down`.
    let booted = boot(&site, &options.database, Life::ItsOwn, |runs| {
        match runs {
            Runs::Database(pid) => running.database_pid = Some(pid),
            Runs::Uaa(pid) => running.uaa_pid = pid,
        }
        running.save()
    });
    let started = booted.and_then(|Booted { client, mut process, mut database, .. }| {
        let api = serve_apart(&site, api_port, &options.broker).and_then(|api_pid| {
            running.api_pid = api_pid;
            running.save()?;
            await_api(&client, &running)
        });
        if api.is_err() {
            state::end(running.api_pid, &running.folder);
            process.end();
            if let Some(database) = &mut database {
                database.end();
            }
        }
        api.map(|()| client)
    });
    match started {
        Ok(client) => Ok((running, client)),
        Err(error) => {
            // Its files stay: the error names the log.
            running.unrecord()?;
            Err(error)
        }
    }
}

/// What of the lab that runs is not as asked for. A port that was not asked for may be any.
fn other_settings(running: &Running, version: UaaVersion, options: &Options) -> Vec<String> {
    let port = |name: &str, asked: Option<u16>, has: u16| {
        asked.filter(|&asked| asked != has).map(|asked| format!("{name} on port {has}, not {asked}"))
    };
    let version = version.to_string();
    let version = (running.uaa != version).then(|| format!("UAA {}, not {version}", running.uaa));
    let database = options.database.to_string();
    let database =
        (running.database != database).then(|| format!("database {}, not {database}", running.database));
    let ports = [
        port("UAA", options.uaa_port, running.uaa_port),
        port("the PKS API", options.api_port, running.api_port),
    ];
    version.into_iter().chain(database).chain(ports.into_iter().flatten()).collect()
}

/// Starts the PKS API stand-in as a process of its own; returns its pid.
fn serve_apart(site: &Site, port: u16, broker: &Path) -> Result<u32, LabError> {
    let log = site.folder.join("logs").join("pks-api.log");
    let cannot = format!("cannot write {}", log.display());
    let out = File::create(&log).map_err(LabError::io(cannot.clone()))?;
    let err = out.try_clone().map_err(LabError::io(cannot))?;
    let own = std::env::current_exe().map_err(LabError::io("cannot find the lab's own program"))?;
    let child = detached(own)
        .args(["serve-api", "--uaa", &site.url(), "--port", &port.to_string(), "--broker"])
        .arg(broker)
        .arg(&site.folder)
        .stdin(Stdio::null())
        .stdout(out)
        .stderr(err)
        .spawn()
        .map_err(LabError::io("cannot start the PKS API stand-in"))?;
    Ok(child.id())
}

/// Waits until the stand-in answers; without a token that is 401.
fn await_api(client: &Client, running: &Running) -> Result<(), LabError> {
    let started = Instant::now();
    loop {
        match client.get(format!("{}/v1/clusters", running.api_url()), "none") {
            Ok((401, _)) => return Ok(()),
            _ if started.elapsed() > Duration::from_secs(10) => {
                let log = running.folder.join("logs").join("pks-api.log");
                return Err(LabError::Unexpected(format!(
                    "the PKS API stand-in did not come up\nhint: see {}",
                    log.display()
                )));
            }
            _ => std::thread::sleep(Duration::from_millis(100)),
        }
    }
}

/// Serves the PKS API until it is ended: what [`serve_apart`] starts.
pub(crate) fn serve_api(folder: &Path, uaa: &str, port: u16, broker: &Path) -> Result<(), LabError> {
    let read = |name: &str| {
        let path = folder.join("conf").join(name);
        std::fs::read_to_string(&path).map_err(LabError::io(format!("cannot read {}", path.display())))
    };
    let identity = crate::ca::Identity { certificate: read("server.pem")?, key: read("server.key")? };
    let api = pks_api::Api::new(uaa, &folder.join("ca.pem"), broker.to_path_buf())?;
    Threads::new()?.run(pks_api::serve(pks_api::listen(port)?, identity, pks_api::router(api)))?
}

/// A client of a lab that runs.
fn client(running: &Running) -> Result<Client, LabError> {
    let threads: Arc<Threads> = Threads::new()?;
    Client::new(threads, running.uaa_url(), &running.ca_file())
}

/// Ends what is left of a lab and forgets it.
fn end(running: &Running) -> Result<(), LabError> {
    // The database last: UAA needs it to the end.
    for pid in [running.api_pid, running.uaa_pid].into_iter().chain(running.database_pid) {
        if state::is_ours(pid, &running.folder) && !state::end(pid, &running.folder) {
            return Err(LabError::Unexpected(format!("process {pid} does not end")));
        }
    }
    running.forget()
}

/// Ends the lab that runs; says so.
pub(crate) fn down(out: &mut impl Write) -> Result<(), LabError> {
    let told = match Running::load()? {
        None => writeln!(out, "No lab is running."),
        Some(running) => {
            end(&running)?;
            writeln!(out, "The lab with UAA {} on port {} has ended.", running.uaa, running.uaa_port)
        }
    };
    told.map_err(LabError::Print)
}

/// Tells whether a lab runs; false when none does, or only half of one.
pub(crate) fn status(out: &mut impl Write) -> Result<bool, LabError> {
    let Some(running) = Running::load()? else {
        writeln!(out, "No lab is running; `cargo lab up` starts one.").map_err(LabError::Print)?;
        return Ok(false);
    };
    let alive = running.alive();
    let answers = alive.uaa && client(&running)?.info() == Some((200, true));
    let word = |alive: bool, answers: bool| match (alive, answers) {
        (true, true) => "running",
        (true, false) => "running, but it does not answer",
        (false, _) => "has ended",
    };
    let whole = answers && alive.all();
    let told = || -> io::Result<()> {
        writeln!(
            out,
            "UAA {}  {}  (pid {}, {})",
            running.uaa,
            running.uaa_url(),
            running.uaa_pid,
            word(alive.uaa, answers)
        )?;
        writeln!(
            out,
            "PKS API     {}  (pid {}, {})",
            running.api_url(),
            running.api_pid,
            word(alive.api, true)
        )?;
        let pid = running.database_pid.map(|pid| format!("  (pid {pid}, {})", word(alive.database, true)));
        writeln!(out, "Database    {}{}", running.database, pid.unwrap_or_default())?;
        writeln!(out, "Files       {}", running.folder.display())?;
        if whole {
            writeln!(out)?;
            environment(&running, out)?;
        } else {
            writeln!(out, "\n`cargo lab down` ends what is left, `cargo lab up` starts anew.")?;
        }
        Ok(())
    }();
    told.map_err(LabError::Print)?;
    Ok(whole)
}

/// The lines to type before working with the lab.
pub(crate) fn environment(running: &Running, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "export UAA_TARGET={}", running.uaa_url())?;
    writeln!(out, "export UAA_CA_CERT={}", quoted(&running.ca_file().display().to_string()))?;
    writeln!(out, "export UAA_CLIENT_SECRET={}", ADMIN.1)?;
    writeln!(out, "export PKS_API={}", running.api_url())?;
    writeln!(out, "export UAAPPLY_VARS_ENV={VARIABLES}")?;
    for (variable, password) in demo::known_passwords() {
        writeln!(out, "export {variable}={password}")?;
    }
    Ok(())
}

/// What `up` prints.
pub(crate) fn welcome(running: &Running, out: &mut impl Write) -> io::Result<()> {
    writeln!(out, "UAA {} and a PKS API with five clusters are up. In your shell:\n", running.uaa)?;
    environment(running, out)?;
    writeln!(
        out,
        "\nThen, for example:\n\n\
         \x20 cargo run -q -- plan -f manifests/pks.yml          what would change\n\
         \x20 cargo run -q -- apply -f manifests/pks.yml         change it\n\
         \x20 curl --cacert \"$UAA_CA_CERT\" -u pks_cli: -d grant_type=password -d username=alana -d password=lab-alana-1 \"$UAA_TARGET/oauth/token\"\n\
         \x20 curl --cacert \"$UAA_CA_CERT\" -H \"Authorization: Bearer TOKEN\" \"$PKS_API/v1/clusters\"\n\n\
         `cargo lab status` shows this again, `cargo lab down` ends the lab."
    )
}

/// A word that a shell takes as it is, quoted if need be.
pub(crate) fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=@%+,".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.to_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::{other_settings, quoted};
    use crate::state::Running;
    use crate::{Options, UaaVersion};

    #[test]
    fn a_lab_that_runs_serves_whoever_asks_for_no_other_version_or_port() {
        let running = Running {
            uaa: "4.30.0".to_owned(),
            uaa_port: 18443,
            api_port: 9021,
            folder: "/t/lab/4.30.0-18443".into(),
            uaa_pid: 1,
            api_pid: 2,
            database: "hsqldb".to_owned(),
            database_pid: None,
        };
        let other = |version, uaa_port, api_port| {
            other_settings(&running, version, &Options { uaa_port, api_port, ..Options::default() })
        };
        assert_eq!(other(UaaVersion::V4_30_0, None, None), [""; 0]);
        assert_eq!(other(UaaVersion::V4_30_0, Some(18443), Some(9021)), [""; 0]);
        assert_eq!(
            other(UaaVersion::V4_10_0, Some(8443), Some(9022)),
            ["UAA 4.30.0, not 4.10.0", "UAA on port 18443, not 8443", "the PKS API on port 9021, not 9022"]
        );
    }

    #[test]
    fn a_word_is_quoted_where_a_shell_would_split_or_expand_it() {
        assert_eq!(quoted("/a/b-c.pem"), "/a/b-c.pem");
        assert_eq!(quoted("/a b/$c"), "'/a b/$c'");
        assert_eq!(quoted("it's"), r"'it'\''s'");
        assert_eq!(quoted(""), "''");
    }
}
