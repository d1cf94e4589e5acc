//! Standard output is the product, standard error the conversation.

use std::cell::RefCell;
use std::io::{ErrorKind, IsTerminal, Write};

use anstream::{AutoStream, ColorChoice};
use serde::Serialize;
use tracing_subscriber::filter::LevelFilter;

use super::Stop;
use super::progress::beside_the_bar;
use crate::cli::{Color, LogLevel, OutputArgs};
use crate::error::{Error, Exit};
use crate::render;
use crate::render::annotations::Note;

/// Where a command talks.
pub(super) struct Console {
    pub(super) quiet: bool,
    /// What was said of lines of the manifest, for a code host.
    pub(super) notes: RefCell<Vec<Note>>,
}

impl Console {
    /// Sets colour and logging up, once for the process.
    pub(super) fn new(args: &OutputArgs) -> Self {
        match args.color {
            Color::Auto => {}
            Color::Always => ColorChoice::Always.write_global(),
            Color::Never => ColorChoice::Never.write_global(),
        }
        let level = match args.log_level {
            LogLevel::Off => LevelFilter::OFF,
            LogLevel::Error => LevelFilter::ERROR,
            LogLevel::Warn => LevelFilter::WARN,
            LogLevel::Info => LevelFilter::INFO,
            LogLevel::Debug => LevelFilter::DEBUG,
            LogLevel::Trace => LevelFilter::TRACE,
        };
        // Only our own events: what the HTTP stack logs of its inside may hold headers.
        let filter = tracing_subscriber::filter::Targets::new().with_target("uaapply", level);
        let layer = tracing_subscriber::fmt::layer()
            .with_writer(|| BesideTheBar)
            .with_ansi(AutoStream::choice(&std::io::stderr()) != ColorChoice::Never)
            .without_time()
            .with_target(false);
        let subscriber = {
            use tracing_subscriber::layer::SubscriberExt as _;
            tracing_subscriber::registry().with(filter).with(layer)
        };
        // A second console in one process (a test) keeps the first one's log.
        let _ = tracing::subscriber::set_global_default(subscriber);
        Self { quiet: args.quiet, notes: RefCell::default() }
    }

    /// Writes the product. A reader that has gone away (`| head`) ends the command quietly.
    pub(super) fn out(&self, text: &str) -> Result<Exit, Stop> {
        let mut stdout = anstream::stdout().lock();
        match stdout.write_all(text.as_bytes()).and_then(|()| stdout.flush()) {
            Ok(()) => Ok(Exit::Done),
            Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(Exit::Done),
            Err(error) => Err(Error::new("cannot write to standard output").cause(error.to_string()).into()),
        }
    }

    /// Writes a value as JSON.
    pub(super) fn json(&self, value: &impl Serialize) -> Result<Exit, Stop> {
        self.out(&render::json(value))
    }

    /// Writes to the conversation, whatever `--quiet` says. What cannot be said there cannot be said at all.
    pub(super) fn say(&self, text: &str) {
        beside_the_bar(|| {
            let mut stderr = anstream::stderr().lock();
            let _ = stderr.write_all(text.as_bytes()).and_then(|()| stderr.flush());
        });
    }

    /// Writes one line to the conversation, from where there is no console.
    pub(super) fn line(text: &str) {
        beside_the_bar(|| {
            let _ = anstream::stderr().lock().write_all(format!("{text}\n").as_bytes());
        });
    }

    /// Notes what may interest someone who waits.
    pub(super) fn note(&self, text: &str) {
        if !self.quiet {
            self.say(&format!("{text}\n"));
        }
    }

    /// Warns.
    pub(super) fn warn(&self, text: &str) {
        self.say(&render::problems::warning(text));
    }

    /// Says an error.
    pub(super) fn error(&self, error: &Error) {
        self.say(&render::problems::error(error));
    }

    /// Keeps what is said of a line, for a code host to show it there.
    pub(super) fn annotate(&self, notes: impl IntoIterator<Item = Note>) {
        self.notes.borrow_mut().extend(notes);
    }

    /// Tells whether there is somebody to ask.
    pub(super) fn can_ask() -> bool {
        std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
    }

    /// Asks; anything but yes is no.
    pub(super) fn ask(&self, question: &str) -> bool {
        self.say(&format!("{question} [y/N] "));
        let answer = ::console::Term::stderr().read_line().unwrap_or_default();
        matches!(answer.trim().to_lowercase().as_str(), "y" | "yes")
    }
}

/// Where log lines go: an event is one write.
struct BesideTheBar;

impl Write for BesideTheBar {
    fn write(&mut self, line: &[u8]) -> std::io::Result<usize> {
        beside_the_bar(|| std::io::stderr().write(line))
    }

    fn flush(&mut self) -> std::io::Result<()> {
        std::io::stderr().flush()
    }
}
