//! What is seen while a plan is carried out: a bar on a terminal, plain lines elsewhere.

use std::cell::Cell;
use std::io::Write as _;
use std::sync::Mutex;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::plan::Change;
use crate::render;
use crate::report::Outcome;

/// The bar on the screen, if there is one.
static SHOWN: Mutex<Option<ProgressBar>> = Mutex::new(None);

fn show(bar: Option<ProgressBar>) {
    if let Ok(mut shown) = SHOWN.lock() {
        *shown = bar;
    }
}

/// Writes to standard error without running into the bar: it steps aside and comes back below.
pub(super) fn beside_the_bar<T>(write: impl FnOnce() -> T) -> T {
    let bar = SHOWN.lock().ok().and_then(|shown| shown.clone());
    match bar {
        Some(bar) => bar.suspend(write),
        None => write(),
    }
}

/// Tells of each change.
pub(super) struct Told {
    bar: Option<ProgressBar>,
    quiet: bool,
    total: usize,
    finished: Cell<usize>,
}

impl Told {
    /// Begins to tell of so many changes.
    pub(super) fn new(total: usize, quiet: bool) -> Self {
        let target = ProgressDrawTarget::stderr_with_hz(10);
        // Hidden: no terminal, or one (TERM=dumb) that cannot draw it and would swallow what is said above it.
        let bar = (!quiet && !target.is_hidden()).then(|| {
            let bar = ProgressBar::with_draw_target(Some(total as u64), target);
            let style = ProgressStyle::with_template("{bar:30} {pos}/{len} {eta:>4} {wide_msg}");
            bar.set_style(style.expect("the template is well formed: invariant"));
            bar.enable_steady_tick(Duration::from_millis(200));
            show(Some(bar.clone()));
            bar
        });
        Self { bar, quiet, total, finished: Cell::new(0) }
    }

    /// A change is being made.
    pub(super) fn started(&self, change: &Change) {
        if let Some(bar) = &self.bar {
            bar.set_message(render::step(change));
        }
    }

    /// A change has come to its outcome.
    pub(super) fn finished(&self, change: &Change, outcome: Outcome, error: Option<&str>) {
        self.finished.set(self.finished.get() + 1);
        let why = error.map(|error| format!(": {}", crate::visible::visible(error))).unwrap_or_default();
        let outcome_words = render::report::outcome(outcome);
        match &self.bar {
            Some(bar) => {
                if !matches!(outcome, Outcome::Done | Outcome::AlreadySo) {
                    bar.println(format!("{outcome_words}: {}{why}", render::step(change)));
                }
                bar.inc(1);
            }
            None if self.quiet => {}
            None => {
                let (finished, total) = (self.finished.get(), self.total);
                let line = format!("[{finished}/{total}] {outcome_words}: {}{why}\n", render::step(change));
                // Who does not listen does not stop the work.
                let _ = anstream::stderr().lock().write_all(line.as_bytes());
            }
        }
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(bar) = &self.bar {
            bar.finish_and_clear();
            show(None);
        }
    }
}
