//! Problems while they are collected: places as byte ranges, turned into lines and frames at the end.
//!
//! Decides the order of problems and what of a line is shown. Never decides what is wrong.

use std::collections::BTreeMap;

use secrecy::{ExposeSecret, SecretString};

use super::mask::{self, HIDDEN};
use super::source::{Kind, Texts};
use super::{Place, Problem};
use crate::desired::Because;

/// A byte range in one file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Spot {
    /// The file's number.
    pub(super) file: u32,
    /// The first byte.
    pub(super) start: u32,
    /// One past the last byte.
    pub(super) end: u32,
}

impl Spot {
    /// Makes a spot; files are far smaller than 4 GiB.
    pub(super) fn new(file: u32, start: usize, end: usize) -> Self {
        let small = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        Self { file, start: small(start), end: small(end) }
    }
}

/// Where a node stands: where it is used, and where it is defined if that is elsewhere (an alias).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Mark {
    /// The place to point at.
    pub(super) at: Spot,
    /// The place that an alias refers to.
    pub(super) defined: Option<Spot>,
}

impl Mark {
    /// A node that stands where it is used.
    pub(super) fn at(at: Spot) -> Self {
        Self { at, defined: None }
    }
}

/// Whether a problem refuses the manifest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    Error,
    Warning,
}

/// A problem whose place is still a byte range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Draft {
    weight: Weight,
    code: &'static str,
    message: String,
    at: Option<Spot>,
    also: Option<(Spot, String)>,
    label: String,
    help: Option<String>,
}

impl Draft {
    /// Something that is wrong.
    pub(super) fn error(code: &'static str, message: impl Into<String>) -> Self {
        Self {
            weight: Weight::Error,
            code,
            message: message.into(),
            at: None,
            also: None,
            label: String::new(),
            help: None,
        }
    }

    /// Something worth saying.
    pub(super) fn warning(code: &'static str, message: impl Into<String>) -> Self {
        Self { weight: Weight::Warning, ..Self::error(code, message) }
    }

    /// Points at a place.
    pub(super) fn at(mut self, mark: Mark) -> Self {
        self.at = Some(mark.at);
        if let Some(defined) = mark.defined
            && self.also.is_none()
        {
            self.also = Some((defined, "defined here".to_owned()));
        }
        self
    }

    /// Points at a second place.
    pub(super) fn also(mut self, mark: Mark, label: impl Into<String>) -> Self {
        self.also = Some((mark.at, label.into()));
        self
    }

    /// Says something under the marked text.
    pub(super) fn label(mut self, label: impl Into<String>) -> Self {
        self.label = label.into();
        self
    }

    /// Says what to do.
    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// Says what to do, where there is something to say.
    pub(super) fn maybe_help(mut self, help: Option<String>) -> Self {
        self.help = help.or(self.help);
        self
    }
}

/// All problems so far, and what must be hidden when they are shown.
#[derive(Debug, Default)]
pub(super) struct Drafts {
    list: Vec<Draft>,
    /// How many problems are not in the list, and whether there are errors among them.
    more: usize,
    more_errors: bool,
    /// Whether a program reads them, and not a person: then none is left out.
    all: bool,
    masks: BTreeMap<u32, Vec<(usize, usize)>>,
    to_line_end: Vec<Spot>,
    opaque: BTreeMap<u32, usize>,
}

impl Drafts {
    /// Starts a list that is shown to nobody, and so leaves nothing out.
    pub(super) fn of_all() -> Self {
        Self { all: true, ..Self::default() }
    }

    /// Adds a problem. Beyond what anybody could read it only counts.
    pub(super) fn add(&mut self, draft: Draft) {
        if self.all || self.list.len() < MOST_KEPT {
            self.list.push(draft);
        } else {
            self.more += 1;
            self.more_errors |= draft.weight == Weight::Error;
        }
    }

    /// Returns the one of the candidates that a word is most likely a misspelling of; where there are more problems
    /// than are shown, nobody asks.
    pub(super) fn nearest<'a>(
        &self,
        word: &str,
        candidates: impl IntoIterator<Item = &'a str>,
    ) -> Option<&'a str> {
        if self.list.len() < MOST { nearest(word, candidates) } else { None }
    }

    /// Hides a range in every frame.
    pub(super) fn mask(&mut self, file: u32, start: usize, end: usize) {
        if start < end {
            self.masks.entry(file).or_default().push((start, end));
        }
    }

    /// Hides what stands from a place to the end of its last line.
    pub(super) fn mask_to_line_end(&mut self, spot: Spot) {
        self.to_line_end.push(spot);
    }

    /// Hands over the places whose lines are hidden to their ends.
    pub(super) fn take_to_line_end(&mut self, file: u32) -> Vec<Spot> {
        self.to_line_end.extract_if(.., |spot| spot.file == file).collect()
    }

    /// Notes that a file is not understood from a byte on.
    pub(super) fn opaque(&mut self, file: u32, from: usize) {
        self.opaque.insert(file, from);
    }

    /// Hands over the ranges to hide in a file, sorted and apart.
    pub(super) fn take_masks(&mut self, file: u32) -> Vec<(usize, usize)> {
        let mut masks = self.masks.remove(&file).unwrap_or_default();
        masks.sort_unstable();
        let mut apart: Vec<(usize, usize)> = Vec::with_capacity(masks.len());
        for (start, end) in masks {
            match apart.last_mut() {
                Some(last) if start <= last.1 => last.1 = last.1.max(end),
                _ => apart.push((start, end)),
            }
        }
        apart
    }

    /// Hands over from where on a file is not understood.
    pub(super) fn take_opaque(&mut self, file: u32) -> Option<usize> {
        self.opaque.remove(&file)
    }

    /// Turns everything into errors and warnings, in order of file and line, each said once.
    ///
    /// Only the first of them: each frame of a file that was not understood takes a look at the whole file.
    pub(super) fn finish(mut self, texts: &Texts, secrets: &[SecretString]) -> (Vec<Problem>, Vec<Problem>) {
        self.list.sort_by(|a, b| (&a.at, a.code, &a.message).cmp(&(&b.at, b.code, &b.message)));
        self.list.dedup();
        if self.list.len() > MOST && !self.all {
            let rest = self.list.split_off(MOST);
            // What refuses the manifest refuses it unshown too.
            let weight = if self.more_errors || rest.iter().any(|draft| draft.weight == Weight::Error) {
                Weight::Error
            } else {
                Weight::Warning
            };
            let more = match rest.len() + self.more {
                1 => "1 more is not shown".to_owned(),
                more => format!("{more} more are not shown"),
            };
            self.list.push(Draft { weight, ..Draft::error("more", more) });
        }
        let (mut errors, mut warnings) = (Vec::new(), Vec::new());
        for draft in self.list {
            let mut problem = Problem {
                code: draft.code,
                message: draft.message,
                at: draft.at.map(|spot| place(texts, spot)),
                also: draft.also.map(|(spot, label)| (place(texts, spot), label)),
                label: draft.label,
                help: draft.help,
            };
            hide(&mut problem, secrets);
            match draft.weight {
                Weight::Error => errors.push(problem),
                Weight::Warning => warnings.push(problem),
            }
        }
        (errors, warnings)
    }
}

/// So many problems are shown.
const MOST: usize = 200;
/// So many are kept, to show the first of them.
const MOST_KEPT: usize = 20_000;

/// Hides known secrets wherever a problem would show one, whatever it is that was taken for a manifest.
fn hide(problem: &mut Problem, secrets: &[SecretString]) {
    let secrets = exposed(secrets);
    let holds = |text: &str| secrets.iter().any(|secret| text.contains(secret));
    let Problem { code: _, message, at, also, label, help } = problem;
    let texts = [Some(message), Some(label), help.as_mut(), also.as_mut().map(|(_, label)| label)];
    for text in texts.into_iter().flatten().filter(|text| holds(text)) {
        HIDDEN.clone_into(text);
    }
    for place in at.iter_mut().chain(also.as_mut().map(|(place, _)| place)) {
        hide_line(place, &secrets);
    }
}

fn exposed(secrets: &[SecretString]) -> Vec<&str> {
    secrets.iter().map(|secret| secret.expose_secret()).filter(|secret| !secret.is_empty()).collect()
}

/// Hides a line that holds a known secret.
fn hide_line(place: &mut Place, secrets: &[&str]) {
    if secrets.iter().any(|secret| place.text.contains(secret)) {
        (place.text, place.span) = (HIDDEN.to_owned(), 0..HIDDEN.len());
    }
}

/// Returns the place of a wish, with all that is written on its line as the marked part.
pub(super) fn line(texts: &Texts, because: &Because, secrets: &[SecretString]) -> Option<Place> {
    let files = texts.of_kind(Kind::Manifest).into_iter().chain(texts.of_kind(Kind::Ops));
    let file = files.into_iter().find(|&file| texts.name(file) == because.file)?;
    let range = texts.line_range(file, because.line.checked_sub(1)? as usize);
    let text = texts.get(file).text.get(range.clone())?;
    let content = text.trim_start();
    let content = content.strip_prefix("- ").unwrap_or(content).trim_start();
    let from = range.start + (text.len() - content.len());
    // A comment after it is not what is wrong.
    let content = content.split(" #").next().unwrap_or(content).trim_end();
    let mut place = place(texts, Spot::new(file, from, from + content.len()));
    hide_line(&mut place, &exposed(secrets));
    Some(place)
}

/// The widest line that is shown whole, in bytes.
const WIDEST: usize = 240;
/// How much of a wider line is shown on either side of the marked part, in bytes.
const AROUND: usize = 80;

/// Turns a byte range into a line, a column and a frame.
fn place(texts: &Texts, spot: Spot) -> Place {
    let text = texts.get(spot.file);
    let line = texts.line(spot);
    let range = texts.line_range(spot.file, line);
    let start = floor(&text.text, (spot.start as usize).clamp(range.start, range.end));
    let mut end = floor(&text.text, (spot.end as usize).clamp(start, range.end));
    if end == start {
        end = text.text[start..range.end].chars().next().map_or(start, |c| start + c.len_utf8());
    }
    // A byte order mark is no column of its own.
    let before = text.text[range.start..start].trim_start_matches('\u{feff}');
    let column = before.chars().count() + 1;
    let number = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
    let (shown, span) = match text.kind {
        Kind::Variables | Kind::Store => (HIDDEN.to_owned(), 0..HIDDEN.len()),
        // What is a secret in an ops file, only its paths say.
        Kind::Ops if text.opaque_from.is_some() => (HIDDEN.to_owned(), 0..HIDDEN.len()),
        Kind::Manifest | Kind::Ops | Kind::Policy => {
            let mut masks: Vec<(usize, usize)> = text.masks_in(&range);
            if text.opaque_from.is_some() {
                masks.extend(mask::guess(&text.text, range.clone()));
            }
            masks.extend(comment(&text.text, &range));
            frame(&text.text, range, start..end, masks)
        }
    };
    Place { file: text.name.clone(), line: number(line + 1), column: number(column), text: shown, span }
}

/// Returns what hides of a comment on a line.
fn comment(text: &str, range: &std::ops::Range<usize>) -> Option<(usize, usize)> {
    let line = &text[range.clone()];
    let at = line.find('#')?;
    mask::announced(&line[at..], true).map(|from| (range.start + at + from, range.end))
}

/// Shows a line: hidden ranges replaced, invisible characters and what a pipeline would take for a command made
/// visible, cut around the mark when it is long.
fn frame(
    text: &str,
    line: std::ops::Range<usize>,
    mark: std::ops::Range<usize>,
    mut masks: Vec<(usize, usize)>,
) -> (String, std::ops::Range<usize>) {
    masks.sort_unstable();
    let (mut from, mut to) = (line.start, line.end);
    if line.len() > WIDEST {
        from = floor(text, mark.start.saturating_sub(AROUND).max(line.start));
        to = floor(text, (mark.start + AROUND).max(mark.end.min(mark.start + WIDEST)).min(line.end));
    }
    let mut out = String::new();
    if from > line.start {
        out.push('…');
    }
    let (mut span_start, mut span_end) = (None, None);
    let mut hidden_until = line.start;
    for (offset, c) in text[from..to].char_indices() {
        let at = from + offset;
        let hider = masks.iter().find(|(start, end)| (*start..*end).contains(&at));
        // The mark's ends may fall into hidden text: then the whole stand-in is marked.
        if at >= mark.end && span_end.is_none() {
            span_end = Some(out.len());
        }
        if let Some((_, end)) = hider {
            if at >= hidden_until {
                if at <= mark.start && mark.start < *end && span_start.is_none() {
                    span_start = Some(out.len());
                }
                out.push_str(HIDDEN);
            }
            hidden_until = hidden_until.max(*end);
            continue;
        }
        if at >= mark.start && span_start.is_none() {
            span_start = Some(out.len());
        }
        match crate::visible::ends_marker(text, at) {
            true => out.extend(c.escape_unicode()),
            false => push_visible(&mut out, c),
        }
    }
    if to < line.end {
        out.push('…');
    }
    let start = span_start.unwrap_or(out.len());
    let end = span_end.unwrap_or(out.len()).max(start);
    (out, start..end)
}

/// Writes a character so that it can be seen and does no harm on a terminal.
fn push_visible(out: &mut String, c: char) {
    match c {
        '\u{feff}' => {}
        '\t' => out.push('→'),
        c if c.is_control() || is_invisible(c) => out.extend(c.escape_unicode()),
        c => out.push(c),
    }
}

/// Tells whether a character changes the direction of text, or has no width.
pub(super) fn is_invisible(c: char) -> bool {
    matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2060}'..='\u{2069}' | '\u{feff}' | '\u{2028}' | '\u{2029}')
}

/// Puts a text of the user's into backticks for a message: short, visible, without a secret that it announces.
pub(super) fn quote(text: &str) -> String {
    let safe = mask::without_secret(text);
    let mut out = String::from("`");
    for (n, c) in safe.chars().enumerate() {
        if n == 80 {
            out.push('…');
            break;
        }
        push_visible(&mut out, c);
    }
    out.push('`');
    out
}

/// Joins names for a message.
pub(super) fn list<'a>(names: impl IntoIterator<Item = &'a str>) -> String {
    names.into_iter().map(quote).collect::<Vec<_>>().join(", ")
}

/// What is longer, in bytes, is no misspelt name.
const LONGEST_WORD: usize = 1024;
/// Among more names than these a misspelling is not looked for: that would take longer than everything else.
const MOST_CANDIDATES: usize = 10_000;

/// Returns the one of the candidates that a word is most likely a misspelling of.
pub(crate) fn nearest<'a>(word: &str, candidates: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    if word.len() > LONGEST_WORD {
        return None;
    }
    let folded = word.to_lowercase();
    let most = (folded.chars().count() / 3).clamp(1, 4);
    candidates
        .into_iter()
        .take(MOST_CANDIDATES)
        .filter(|candidate| candidate.len().abs_diff(word.len()) <= 4 * most)
        .map(|candidate| (strsim::osa_distance(&folded, &candidate.to_lowercase()), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min_by_key(|(distance, _)| *distance)
        .map(|(_, candidate)| candidate)
}

/// Returns the last character boundary at or before a byte.
fn floor(text: &str, mut at: usize) -> usize {
    at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}
