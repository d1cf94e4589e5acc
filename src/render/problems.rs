//! What is wrong, where, and what to do: manifest problems with their line, objections, errors, warnings.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Renderer, Snippet};

use super::style::{self, styled};
use crate::error::Error;
use crate::manifest::{Loaded, Place, Problem};
use crate::plan::Objection;
use crate::visible::{line, visible};

/// More warnings than these of one sort are counted, not shown.
const SHOWN_WARNINGS: usize = 3;

/// Shows everything that is wrong with manifests, and how much it is.
#[must_use]
pub fn problems(problems: &[Problem]) -> String {
    let shown: String = problems.iter().map(|problem| framed(problem, &Level::ERROR)).collect();
    format!(
        "{shown}{}\n",
        styled(style::ERROR, super::count(problems.len(), "problem") + "; nothing was sent to a server")
    )
}

/// Shows what is worth a warning, the first few of each sort.
#[must_use]
pub fn warnings(warnings: &[Problem]) -> String {
    let mut shown = String::new();
    let mut counts = std::collections::BTreeMap::<&str, usize>::new();
    for problem in warnings {
        let count = counts.entry(problem.code).or_default();
        *count += 1;
        if *count <= SHOWN_WARNINGS {
            shown += &framed(problem, &Level::WARNING);
        }
    }
    for (code, count) in counts.into_iter().filter(|&(_, count)| count > SHOWN_WARNINGS) {
        shown += &warning(&format!("{} more of this sort ({code})", count - SHOWN_WARNINGS));
    }
    shown
}

/// Shows entries that cannot come true on this server, as problems of the manifest are shown.
#[must_use]
pub fn objections(objections: &[Objection], loaded: &Loaded) -> String {
    let framed = |objection: &Objection| {
        let Objection { because, message, hint } = objection;
        let elsewhere = || Place {
            file: because.file.clone(),
            line: because.line,
            column: 1,
            text: String::new(),
            span: 0..0,
        };
        let problem = Problem {
            code: "cannot-come-true",
            message: message.clone(),
            at: Some(loaded.place(because).unwrap_or_else(elsewhere)),
            also: None,
            label: String::new(),
            help: hint.clone(),
        };
        framed(&problem, &Level::ERROR)
    };
    let shown: String = objections.iter().map(framed).collect();
    format!(
        "{shown}{}\n",
        styled(style::ERROR, super::count(objections.len(), "problem") + "; nothing was written")
    )
}

/// Shows an error with its causes and hints.
#[must_use]
pub fn error(error: &Error) -> String {
    let mut shown = format!("{} {}\n", styled(style::ERROR, "error:"), lines(&error.message));
    for cause in &error.causes {
        shown += &format!("  because {}\n", lines(cause));
    }
    for hint in &error.hints {
        shown += &format!("{} {}\n", styled(style::HINT, "hint:"), lines(hint));
    }
    shown
}

/// Shows a warning.
#[must_use]
pub fn warning(text: &str) -> String {
    format!("{} {}\n", styled(style::WARNING, "warning:"), visible(text))
}

/// Keeps a message's own line ends, indented (a hint may hold YAML to copy), and makes everything else visible.
fn lines(text: &str) -> String {
    let lines: Vec<String> = text.lines().map(line).collect();
    lines.join("\n  ")
}

fn framed(problem: &Problem, level: &Level<'static>) -> String {
    let title = visible(&problem.message);
    let help = problem.help.as_deref().map(|help| help.lines().map(line).collect::<Vec<_>>().join("\n"));
    // Owned beforehand: the report borrows all of it.
    let label = visible(&problem.label);
    let also = problem.also.as_ref().map(|(place, label)| (Line::of(place), visible(label)));
    let at = problem.at.as_ref().map(Line::of);
    let mut group = Group::with_title(level.clone().primary_title(&title).id(problem.code));
    if let Some(line) = &at {
        group = line.add(group, AnnotationKind::Primary, &label);
    }
    if let Some((line, label)) = &also {
        group = line.add(group, AnnotationKind::Primary, label);
    }
    if let Some(help) = &help {
        group = group.element(Level::HELP.message(help));
    }
    format!("{}\n\n", Renderer::styled().render(&[group]))
}

/// A line to show, with everything in it made visible and the marked part where it then is.
struct Line {
    file: String,
    text: String,
    span: std::ops::Range<usize>,
    line: usize,
    column: usize,
}

impl Line {
    fn of(place: &Place) -> Self {
        let part = |range: std::ops::Range<usize>| place.text.get(range).map(visible).unwrap_or_default();
        let (start, end) = (place.span.start.min(place.text.len()), place.span.end.min(place.text.len()));
        let (before, marked, after) =
            (part(0..start), part(start..end.max(start)), part(end.max(start)..place.text.len()));
        let span = before.len()..before.len() + marked.len();
        Self {
            file: visible(&place.file),
            text: format!("{before}{marked}{after}"),
            span,
            line: place.line as usize,
            column: place.column as usize,
        }
    }

    fn add<'a>(&'a self, group: Group<'a>, kind: AnnotationKind, label: &'a str) -> Group<'a> {
        if self.text.is_empty() {
            return group.element(Origin::path(&*self.file).line(self.line).char_column(self.column));
        }
        let annotation = kind.span(self.span.clone()).label(label);
        group.element(
            Snippet::source(&*self.text).line_start(self.line).path(&*self.file).annotation(annotation),
        )
    }
}
