//! What is kept of an apply while it goes on: the audit log, the report on disk, the screen.

use std::cell::RefCell;
use std::collections::BTreeMap;

use super::audit_log::{Begun, Writes};
use super::console::Console;
use super::progress::Told;
use super::report_file::{Current, ReportFile};
use crate::apply::{Outcomes, Progress};
use crate::audit::Deed;
use crate::error::Error;
use crate::plan::Change;
use crate::report::{Outcome, Report};

/// Takes down each change.
pub(super) struct Record<'a> {
    writes: Writes<'a>,
    begun: RefCell<BTreeMap<u32, Begun>>,
    report: Option<Current<'a>>,
    told: Told,
}

impl<'a> Record<'a> {
    /// Begins one of so many changes. `made` is the report of what is known so far.
    pub(super) fn begin(
        total: usize,
        writes: Writes<'a>,
        file: Option<&'a ReportFile>,
        made: &'a dyn Fn(&Outcomes) -> Report,
        console: &'a Console,
    ) -> Result<Self, Error> {
        let report = file.map(|file| Current::begin(file, total, made, console)).transpose()?;
        let told = Told::new(total, console.quiet);
        Ok(Self { writes, begun: RefCell::default(), report, told })
    }

    /// Keeps it current while something is done.
    pub(super) async fn during<T>(&self, done: impl Future<Output = T>) -> T {
        let done = match &self.report {
            None => done.await,
            Some(report) => tokio::select! {
                biased;
                done = done => done,
                never = report.keep() => match never {},
            },
        };
        // The log itself knows of an error.
        let _ = self.writes.sync();
        done
    }
}

impl Progress for Record<'_> {
    fn started(&self, change: &Change, next: &[&Change]) -> Result<(), String> {
        let begun = self.writes.begin(Deed::from(change)).map_err(|error| on_one_line(&error))?;
        self.begun.borrow_mut().insert(change.id, begun);
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
        let begun = self.begun.borrow_mut().remove(&change.id);
        let ended = begun.map_or(Ok(()), |begun| self.writes.end(begun, outcome, error));
        ended.map_err(|error| on_one_line(&error))
    }
}

fn on_one_line(error: &Error) -> String {
    std::iter::once(&error.message).chain(&error.causes).cloned().collect::<Vec<_>>().join(": ")
}
