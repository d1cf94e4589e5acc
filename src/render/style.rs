//! The few styles there are.

use std::fmt;

use anstyle::{AnsiColor, Style};

pub(super) const HEADING: Style = Style::new().bold();
pub(super) const GIVES: Style = AnsiColor::Green.on_default();
pub(super) const CHANGES: Style = AnsiColor::Yellow.on_default();
pub(super) const TAKES: Style = AnsiColor::Red.on_default();
pub(super) const DIM: Style = Style::new().dimmed();
pub(super) const WARNING: Style = AnsiColor::Yellow.on_default().bold();
pub(super) const ERROR: Style = AnsiColor::Red.on_default().bold();
pub(super) const HINT: Style = AnsiColor::Cyan.on_default().bold();

/// Shows something in a style.
pub(super) fn styled(style: Style, shown: impl fmt::Display) -> String {
    format!("{style}{shown}{style:#}")
}
