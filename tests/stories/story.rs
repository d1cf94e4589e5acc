//! A folder with files, an empty environment, and the binary.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use crate::fake_uaa::FakeUaa;

/// The admin secret and passwords of all stories; none may ever be printed.
pub(crate) const SECRET: &str = "canary-s3cret";

/// What a run is given.
pub(crate) struct Story {
    folder: tempfile::TempDir,
    env: Vec<(String, OsString)>,
    stdin: Option<String>,
    server: Option<FakeUaa>,
}

impl Story {
    /// Begins without files, server and environment.
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().expect("a temporary folder");
        Self { folder, env: Vec::new(), stdin: None, server: None }
    }

    /// Writes a file.
    pub(crate) fn file(self, name: &str, text: &str) -> Self {
        let path = self.path(name);
        std::fs::create_dir_all(path.parent().expect("it is in the folder")).expect("the folder is ours");
        std::fs::write(path, text).expect("the folder is ours");
        self
    }

    /// Sets an environment variable.
    pub(crate) fn env(mut self, name: &str, value: &str) -> Self {
        self.env.push((name.to_owned(), value.into()));
        self
    }

    /// Gives standard input, which is empty otherwise.
    pub(crate) fn stdin(mut self, text: &str) -> Self {
        self.stdin = Some(text.to_owned());
        self
    }

    /// Lets a server play, and the environment name it and its secret.
    pub(crate) fn server(mut self, server: FakeUaa) -> Self {
        self = self.env("UAA_TARGET", &server.url()).env("UAA_CLIENT_SECRET", SECRET);
        self.server = Some(server);
        self
    }

    /// Unsets an environment variable.
    pub(crate) fn without(mut self, name: &str) -> Self {
        self.env.retain(|(other, _)| other != name);
        self
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn uaa(&self) -> &FakeUaa {
        self.server.as_ref().expect("the story has a server")
    }

    /// The binary, ready to start.
    pub(crate) fn command(&self, args: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_uaapply"));
        command.args(args).current_dir(self.folder.path()).env_clear().envs(self.env.iter().cloned());
        match &self.stdin {
            None => command.stdin(Stdio::null()),
            Some(text) => {
                let path = self.path(".stdin");
                std::fs::write(&path, text).expect("the folder is ours");
                command.stdin(std::fs::File::open(path).expect("just written"))
            }
        };
        command
    }

    /// Runs the binary.
    pub(crate) fn run(&self, args: &[&str]) -> Ended {
        self.ended(args, &self.command(args).output().expect("the binary starts"))
    }

    /// Returns what was written as text without a secret; the server's port shows as `PORT`.
    #[track_caller]
    pub(crate) fn text(&self, bytes: &[u8]) -> String {
        let text = String::from_utf8(bytes.to_vec()).expect("output is UTF-8");
        assert!(!text.contains(SECRET), "a secret is printed:\n{text}");
        match &self.server {
            Some(server) => text.replace(&format!(":{}", server.port()), ":PORT"),
            None => text,
        }
    }

    /// Takes down how a run ended.
    pub(crate) fn ended(&self, args: &[&str], output: &std::process::Output) -> Ended {
        Ended {
            command: args.join(" "),
            stdout: self.text(&output.stdout),
            stderr: self.text(&output.stderr),
            code: output.status.code(),
        }
    }
}

/// How a run ended. Its `Display` is what the snapshots hold.
#[derive(Debug)]
pub(crate) struct Ended {
    command: String,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
    pub(crate) code: Option<i32>,
}

impl Ended {
    /// Expects this exit code.
    #[track_caller]
    pub(crate) fn exits(self, code: i32) -> Self {
        assert_eq!(self.code, Some(code), "{self}");
        self
    }

    /// Expects exit code 1, nothing on standard output, and exactly this on standard error.
    #[track_caller]
    pub(crate) fn fails(self, stderr: &str) {
        assert_eq!((self.code, self.stdout.as_str(), self.stderr.as_str()), (Some(1), "", stderr), "{self}");
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.stdout).unwrap_or_else(|error| panic!("{error}:\n{self}"))
    }
}

impl fmt::Display for Ended {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let code = self.code.map_or("by a signal".to_owned(), |code| code.to_string());
        writeln!(f, "$ uaapply {}", self.command)?;
        write!(f, "[stdout]\n{}[stderr]\n{}[exit] {code}", self.stdout, self.stderr)
    }
}
