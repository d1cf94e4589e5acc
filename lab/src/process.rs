//! A server's process: one that ends with us, however we end, or one that stays until `down`.
//! Decides how it is started and ended; knows nothing of what it serves.

use std::ffi::OsStr;
use std::fs::{File, OpenOptions};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};

use crate::LabError;
use crate::database::VARIABLE;

/// Ends the server when our end of the pipe closes, which also happens when we are killed with -9.
const SUPERVISOR: &str = r#"exec 3<&0
signal=$1
shift
"$@" </dev/null 3<&- &
server=$!
{ read -r _ <&3; kill "-$signal" $server; } &
keeper=$!
exec 3<&-
wait $server
code=$?
kill $keeper
exit $code"#;

/// Lets go of what cargo or a wrapper around it left open, such as a lock, which would stay taken for as long as we stay.
/// Then no hang-up signal; `exec` and `nohup` keep the pid.
const LET_GO: &str = r#"exec 3<&- 4<&- 5<&- 6<&- 7<&- 8<&- 9<&-
exec nohup "$@""#;

/// Whether a server lives on without us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Life {
    /// It ends when this process ends, however it ends.
    Ours,
    /// It stays until `down`.
    ItsOwn,
}

/// The signal that ends a server of [`Life::Ours`] for good.
#[derive(Debug, Clone, Copy)]
pub(crate) enum End {
    Kill,
    /// PostgreSQL: it ends its own processes and lets go of its shared memory, and does not wait for anything.
    Quit,
}

/// A started server, or its supervisor.
#[derive(Debug)]
pub(crate) struct Process {
    child: Child,
    life: Life,
}

/// A server's command, whose arguments are still to come.
pub(crate) fn server(program: impl AsRef<OsStr>, life: Life, end: End) -> Command {
    let mut command = match life {
        Life::Ours => {
            let mut command = Command::new("sh");
            let signal = match end {
                End::Kill => "KILL",
                End::Quit => "QUIT",
            };
            command.args(["-c", SUPERVISOR, "lab", signal]).arg(program).stdin(Stdio::piped());
            command
        }
        Life::ItsOwn => {
            let mut command = detached(program);
            command.stdin(Stdio::null());
            command
        }
    };
    // It may hold a password, which no server needs to inherit.
    command.env_remove(VARIABLE);
    command
}

/// A command that outlives us and our terminal, in a process group that Ctrl-C does not reach.
pub(crate) fn detached(program: impl AsRef<OsStr>) -> Command {
    use std::os::unix::process::CommandExt as _;
    let mut command = Command::new("sh");
    command.args(["-c", LET_GO, "lab"]).arg(program).process_group(0).env_remove(VARIABLE);
    command
}

impl Process {
    /// Starts a command of [`server`], which prints into `console`.
    pub(crate) fn start(
        mut command: Command,
        life: Life,
        console: &Path,
        what: &str,
    ) -> Result<Self, LabError> {
        let cannot = format!("cannot write {}", console.display());
        let out = File::create(console).map_err(LabError::io(cannot.clone()))?;
        let err = OpenOptions::new().append(true).open(console).map_err(LabError::io(cannot))?;
        let child =
            command.stdout(out).stderr(err).spawn().map_err(LabError::io(format!("cannot run {what}")))?;
        Ok(Self { child, life })
    }

    /// The process's id: the server's own for a lab that stays, else its supervisor's.
    pub(crate) fn id(&self) -> u32 {
        self.child.id()
    }

    /// How it ended, if it did.
    pub(crate) fn ended(&mut self) -> Option<ExitStatus> {
        self.child.try_wait().ok().flatten()
    }

    /// Ends it, also one that would stay.
    pub(crate) fn end(&mut self) {
        // The supervisor sees its pipe close and ends the server.
        drop(self.child.stdin.take());
        if self.life == Life::ItsOwn {
            // It may have ended by itself.
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if self.life == Life::Ours {
            self.end();
        }
    }
}
