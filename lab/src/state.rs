//! Where the lab keeps its files, which ports it takes, and which processes are its own.
//! Never ends a process that the lab did not start.

use std::env;
use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde::{Deserialize, Serialize};

use crate::{Database, LabError};

/// A lab that `up` left running.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Running {
    pub(crate) uaa: String,
    pub(crate) uaa_port: u16,
    pub(crate) api_port: u16,
    pub(crate) folder: PathBuf,
    pub(crate) uaa_pid: u32,
    pub(crate) api_pid: u32,
    /// Which database, without a password.
    #[serde(default = "in_memory")]
    pub(crate) database: String,
    /// The database server's, where the lab has one of its own.
    #[serde(default)]
    pub(crate) database_pid: Option<u32>,
}

/// What a lab had before it could choose.
fn in_memory() -> String {
    Database::default().to_string()
}

/// Which of a lab's processes are alive.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Alive {
    pub(crate) uaa: bool,
    pub(crate) api: bool,
    /// Also true where it is not the lab's own.
    pub(crate) database: bool,
}

impl Alive {
    pub(crate) fn all(self) -> bool {
        self.uaa && self.api && self.database
    }
}

impl Running {
    /// Reads what `up` wrote; nothing when there is none.
    pub(crate) fn load() -> Result<Option<Self>, LabError> {
        let path = record();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(LabError::io(format!("cannot read {}", path.display()))(error)),
        };
        serde_json::from_str(&text).map(Some).map_err(|error| {
            LabError::Unexpected(format!("{} is damaged: {error}\nhint: remove it", path.display()))
        })
    }

    /// Remembers this lab for `status` and `down`.
    pub(crate) fn save(&self) -> Result<(), LabError> {
        let path = record();
        let text =
            serde_json::to_string_pretty(self).map_err(|error| LabError::Unexpected(error.to_string()))?;
        fs::write(&path, text).map_err(LabError::io(format!("cannot write {}", path.display())))
    }

    /// Forgets the record.
    pub(crate) fn unrecord(&self) -> Result<(), LabError> {
        let path = record();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(LabError::io(format!("cannot remove {}", path.display()))(error))
            }
            _ => Ok(()),
        }
    }

    /// Forgets the record and removes the folder.
    pub(crate) fn forget(&self) -> Result<(), LabError> {
        self.unrecord()?;
        // Only a folder of ours, whatever the record says.
        if self.folder.starts_with(root()) && self.folder.is_dir() {
            fs::remove_dir_all(&self.folder)
                .map_err(LabError::io(format!("cannot remove {}", self.folder.display())))?;
        }
        Ok(())
    }

    /// UAA's address.
    pub(crate) fn uaa_url(&self) -> String {
        format!("https://localhost:{}", self.uaa_port)
    }

    /// The PKS API's address.
    pub(crate) fn api_url(&self) -> String {
        format!("https://localhost:{}", self.api_port)
    }

    /// The CA that vouches for both.
    pub(crate) fn ca_file(&self) -> PathBuf {
        self.folder.join("ca.pem")
    }

    /// Which of the lab's processes are alive.
    pub(crate) fn alive(&self) -> Alive {
        let is_ours = |pid| is_ours(pid, &self.folder);
        Alive {
            uaa: is_ours(self.uaa_pid),
            api: is_ours(self.api_pid),
            database: self.database_pid.is_none_or(is_ours),
        }
    }
}

fn record() -> PathBuf {
    root().join("up.json")
}

/// `<target>/lab`.
pub(crate) fn root() -> PathBuf {
    target().join("lab")
}

/// Keeps a second `up` out for as long as the file is held.
pub(crate) fn alone() -> Result<File, LabError> {
    let path = root().join("up.lock");
    fs::create_dir_all(root()).map_err(LabError::io(format!("cannot make {}", root().display())))?;
    let file = File::create(&path).map_err(LabError::io(format!("cannot write {}", path.display())))?;
    file.try_lock().map_err(|_| LabError::Unexpected("another `cargo lab up` is at work".into()))?;
    Ok(file)
}

/// Cargo's target folder: as the environment says, else the one that this program lies in, else the workspace's.
pub(crate) fn target() -> PathBuf {
    if let Some(set) = env::var_os("CARGO_TARGET_DIR").filter(|set| !set.is_empty()) {
        return std::path::absolute(&set).unwrap_or_else(|_| set.into());
    }
    let own = env::current_exe().ok();
    let above =
        own.iter().flat_map(|own| own.ancestors()).find(|folder| folder.join("CACHEDIR.TAG").is_file());
    above.map_or_else(|| Path::new(env!("CARGO_MANIFEST_DIR")).join("../target"), Path::to_path_buf)
}

/// Makes an empty folder for one server under `<target>/lab`.
pub(crate) fn folder(name: &str) -> Result<PathBuf, LabError> {
    let folder = root().join(name);
    if folder.exists() {
        fs::remove_dir_all(&folder).map_err(LabError::io(format!("cannot empty {}", folder.display())))?;
    }
    fs::create_dir_all(&folder).map_err(LabError::io(format!("cannot make {}", folder.display())))?;
    folder.canonicalize().map_err(LabError::io(format!("cannot enter {}", folder.display())))
}

/// Writes a file that only we may read.
pub(crate) fn private(path: &Path, text: &str) -> Result<(), LabError> {
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true).mode(0o600);
    let written = options.open(path).and_then(|mut file| file.write_all(text.as_bytes()));
    written.map_err(LabError::io(format!("cannot write {}", path.display())))
}

/// Removes what test runs left that are over: their folders are `test-<pid>-...`.
pub(crate) fn sweep() {
    let Ok(entries) = fs::read_dir(root()) else { return };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner =
            name.to_str().and_then(|name| name.strip_prefix("test-")?.split('-').next()?.parse::<u32>().ok());
        if owner.is_some_and(|owner| owner != std::process::id() && command_line(owner).is_none()) {
            // Another run may sweep at the same moment.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}

/// Whether a server can listen on this port of loopback.
fn free(port: u16) -> bool {
    TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok()
}

/// The port that was asked for, or an error when it is taken; else the usual one, or any when that is taken.
pub(crate) fn port(given: Option<u16>, usual: Option<u16>) -> Result<u16, LabError> {
    match given {
        Some(port) if free(port) => return Ok(port),
        Some(port) => return Err(LabError::Unexpected(format!("port {port} of 127.0.0.1 is taken"))),
        None => {}
    }
    if let Some(port) = usual.filter(|&port| free(port)) {
        return Ok(port);
    }
    let any = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).and_then(|listener| listener.local_addr());
    Ok(any.map_err(LabError::io("there is no free port on 127.0.0.1"))?.port())
}

/// A process's command line, its parts separated by blanks; nothing when there is no such process.
pub(crate) fn command_line(pid: u32) -> Option<String> {
    if Path::new("/proc/self").exists() {
        let line = fs::read(format!("/proc/{pid}/cmdline")).ok()?;
        let line = String::from_utf8_lossy(&line).replace('\0', " ");
        // A process that has ended and is not yet reaped has no command line.
        return (!line.is_empty()).then_some(line);
    }
    let output = Command::new("ps")
        .args(["-ww", "-o", "args=", "-p", &pid.to_string()])
        .stdin(Stdio::null())
        .output()
        .ok()?;
    let line = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (output.status.success() && !line.is_empty()).then_some(line)
}

/// Whether this process names the lab's folder on its command line: a pid alone may since belong to someone else.
pub(crate) fn is_ours(pid: u32, folder: &Path) -> bool {
    command_line(pid).is_some_and(|line| names_folder(&line, folder))
}

/// The folder as a whole, not as the beginning of another one's name.
fn names_folder(line: &str, folder: &Path) -> bool {
    let folder = folder.to_string_lossy();
    line.match_indices(&*folder)
        .any(|(at, _)| line[at + folder.len()..].chars().next().is_none_or(|next| matches!(next, '/' | ' ')))
}

/// Ends a process of ours and waits until it is gone; false when it was not ours, or stays.
pub(crate) fn end(pid: u32, folder: &Path) -> bool {
    if !is_ours(pid, folder) {
        return false;
    }
    for signal in ["-TERM", "-KILL"] {
        let sent = Command::new("kill").args([signal, &pid.to_string()]).stderr(Stdio::null()).status();
        if sent.is_err() {
            return false;
        }
        for _ in 0..50 {
            if !is_ours(pid, folder) {
                return true;
            }
            std::thread::sleep(std::time::Duration::from_millis(100));
        }
    }
    false
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{end, is_ours, names_folder, port};

    #[test]
    fn a_process_is_ours_when_it_names_our_folder_whole() {
        let folder = Path::new("/t/lab/4.30.0-8443");
        assert!(names_folder("java -Dcatalina.base=/t/lab/4.30.0-8443 Bootstrap start", folder));
        assert!(names_folder("java -Dx=file:/t/lab/4.30.0-8443/conf/log4j.properties", folder));
        assert!(names_folder("serve-api /t/lab/4.30.0-8443", folder));
        assert!(!names_folder("java -Dcatalina.base=/t/lab/4.30.0-84435 Bootstrap start", folder));
        assert!(!names_folder("vim notes", folder));
    }

    #[test]
    fn another_process_is_never_ended() {
        let mut child = std::process::Command::new("sleep").arg("30").spawn().expect("sleep runs");
        let folder = Path::new("/t/lab/4.30.0-8443");
        assert!(!is_ours(child.id(), folder));
        assert!(!end(child.id(), folder));
        assert!(child.try_wait().expect("it is our child").is_none(), "it was ended");
        child.kill().expect("it is our child");
        child.wait().expect("it is our child");
    }

    #[test]
    fn a_usual_port_gives_way_when_it_is_taken_and_one_asked_for_is_an_error() {
        let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
        let wanted = taken.local_addr().expect("bound").port();
        assert_ne!(port(None, Some(wanted)).expect("a port"), wanted);
        assert!(port(Some(wanted), None).expect_err("it is taken").to_string().contains("taken"));
        drop(taken);
        assert_eq!(port(None, Some(wanted)).expect("a port"), wanted);
        assert_eq!(port(Some(wanted), None).expect("a port"), wanted);
    }
}
