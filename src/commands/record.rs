//! What is kept of an apply while it goes on: the screen, and the report on disk.

use super::console::Console;
use super::progress::Told;
use super::report_file::{Current, ReportFile};
use crate::apply::{Outcomes, Progress};
use crate::error::Error;
use crate::plan::Change;
use crate::report::{Outcome, Report};

/// Takes down each change.
pub(super) struct Record<'a> {
    told: Told,
    report: Option<Current<'a>>,
}

impl<'a> Record<'a> {
    /// Begins one of so many changes. `made` is the report of what is known so far.
    pub(super) fn begin(
        total: usize,
        file: Option<&'a ReportFile>,
        made: &'a dyn Fn(&Outcomes) -> Report,
        console: &'a Console,
    ) -> Result<Self, Error> {
        let report = file.map(|file| Current::begin(file, total, made, console)).transpose()?;
        Ok(Self { told: Told::new(total, console.quiet), report })
    }

    /// Keeps it current while something is done.
    pub(super) async fn during<T>(&self, done: impl Future<Output = T>) -> T {
        match &self.report {
            None => done.await,
            Some(report) => tokio::select! {
                biased;
                done = done => done,
                never = report.keep() => match never {},
            },
        }
    }
}

impl Progress for Record<'_> {
    fn started(&self, change: &Change, next: &[&Change]) -> Result<(), String> {
        if let Some(report) = &self.report {
            report.started(change, next);
        }
        self.told.started(change);
        Ok(())
    }

    fn finished(&self, change: &Change, outcome: Outcome, error: Option<&str>) -> Result<(), String> {
        self.told.finished(change, outcome, error);
        if let Some(report) = &self.report {
            report.finished(change, outcome, error);
        }
        Ok(())
    }
}
