//! YAML text → a tree of nodes that know their place. The only file that knows the YAML crate.
//!
//! Decides what is refused of YAML (several documents, odd tags, keys that are no text, duplicate keys, aliases that
//! blow up) and resolves aliases and `<<`. Scalars keep their text as written: what `0123` or `no` means is said by
//! the field it is for. Never knows a field's name, except to hide what looks like a secret.

use std::collections::HashMap;
use std::sync::Arc;

use secrecy::SecretString;
use serde_saphyr::granit_parser as parser;

use super::mask::{announced, names_a_secret};
use super::problem::{Draft, Drafts, Mark, Spot, quote};
use super::source::{Kind, Texts};

/// How deep a manifest may nest; a real one needs six levels.
const MAX_DEPTH: usize = 60;
/// How many values a file may hold; a manifest of 20 MiB has two million at most.
const MAX_NODES: usize = 3_000_000;
/// How much aliases, or variables, may bring in all, in values; a long text counts for several.
pub(super) const MAX_COPIED: usize = 500_000;
/// So many bytes of a text weigh as much as a value without one.
const BYTES_PER_NODE: usize = 64;

/// One value of the YAML text.
#[derive(Clone, Debug)]
pub(super) struct Node {
    /// What it is.
    pub(super) value: Value,
    /// Where it stands.
    pub(super) mark: Mark,
    /// The variable that it comes from.
    pub(super) variable: Option<Arc<str>>,
}

/// What a node is.
#[derive(Clone, Debug)]
pub(super) enum Value {
    /// A text, or what YAML takes for a number, a boolean or null while it is `plain`.
    Scalar { text: String, plain: bool },
    /// A value from a secret source; only a secret field may take it.
    Secret(SecretString),
    /// A list.
    Seq(Vec<Node>),
    /// A map, each key once.
    Map(Vec<Entry>),
    /// Something that already has its error.
    Broken,
}

/// One key of a map and its value.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    /// The key.
    pub(super) key: String,
    /// Where the key stands.
    pub(super) key_mark: Mark,
    /// The value.
    pub(super) node: Node,
}

impl Node {
    /// Makes a node that comes from no variable.
    pub(super) fn new(value: Value, mark: Mark) -> Self {
        Self { value, mark, variable: None }
    }

    /// Tells whether this is YAML's null: nothing, `~` or `null` without quotes.
    pub(super) fn is_null(&self) -> bool {
        matches!(&self.value, Value::Scalar { text, plain: true } if matches!(text.as_str(), "" | "~" | "null" | "Null" | "NULL"))
    }

    /// Tells whether nothing at all is written, not even `null`.
    pub(super) fn is_blank(&self) -> bool {
        self.variable.is_none()
            && matches!(&self.value, Value::Scalar { text, plain: true } if text.is_empty())
    }

    /// Returns the boolean that YAML 1.2 takes this for.
    pub(super) fn as_bool(&self) -> Option<bool> {
        match &self.value {
            Value::Scalar { text, plain: true } => match text.as_str() {
                "true" | "True" | "TRUE" => Some(true),
                "false" | "False" | "FALSE" => Some(false),
                _ => None,
            },
            _ => None,
        }
    }

    /// Names the kind of value, for messages that must not show it.
    pub(super) fn kind(&self) -> &'static str {
        match &self.value {
            _ if self.is_null() => "nothing",
            _ if self.as_bool().is_some() => "true or false",
            Value::Scalar { text, plain: true } if text.parse::<f64>().is_ok() => "a number",
            Value::Scalar { .. } => "text",
            Value::Secret(_) => "a secret value",
            Value::Seq(_) => "a list",
            Value::Map(_) => "a map",
            Value::Broken => "a value with an error",
        }
    }
}

/// Parses one file; `None` when it has no tree worth looking at, which then is among the problems.
pub(super) fn parse(texts: &Texts, file: u32, drafts: &mut Drafts) -> Option<Node> {
    let text = texts.get(file);
    if text.spoiled {
        return None;
    }
    Builder::new(file, &text.text, matches!(text.kind, Kind::Manifest | Kind::Ops | Kind::Policy), drafts)
        .run()
}

/// Parses a text that stands in no file, such as the value of `-v`; nothing is said about what is wrong.
pub(super) fn parse_value(text: &str) -> Option<Node> {
    if text.trim().is_empty() {
        return Some(Node::new(
            Value::Scalar { text: String::new(), plain: true },
            Mark::at(Spot::new(0, 0, 0)),
        ));
    }
    let mut drafts = Drafts::default();
    let node = Builder::new(0, text, false, &mut drafts).run();
    let (errors, _) = drafts.finish(&Texts::single(text), &[]);
    if errors.is_empty() { node } else { None }
}

/// A list or map that is still open.
struct Open {
    /// What it will be.
    shape: Shape,
    /// Where it began.
    start: usize,
    /// Its anchor; 0 is none.
    anchor: usize,
    /// Whether it is written as `[…]` or `{…}`.
    flow: bool,
    /// Whether it stands where a key should.
    as_key: bool,
    /// The greatest depth of what it holds.
    height: usize,
}

/// What is open.
enum Shape {
    Seq(Vec<Node>),
    Map { entries: Vec<Entry>, key: Option<Key>, seen: Seen, merges: Vec<(Mark, Node)> },
}

/// A key that waits for its value.
struct Key {
    text: String,
    mark: Mark,
    /// The value has no place in the tree: the key is a duplicate or no text.
    dropped: bool,
    /// A plain `<<`.
    merge: bool,
    secret: bool,
}

/// What an anchor stands for.
struct Anchored {
    node: Node,
    weight: usize,
    height: usize,
}

/// Builds the tree from the parser's events.
struct Builder<'a> {
    file: u32,
    text: &'a str,
    /// Whether names may be said in messages.
    nameable: bool,
    drafts: &'a mut Drafts,
    stack: Vec<Open>,
    root: Option<Node>,
    anchors: HashMap<usize, Anchored>,
    copied: usize,
    kept: usize,
    nodes: usize,
    most_nodes: usize,
    /// Where each line ends.
    line_ends: Vec<usize>,
}

/// The parse cannot go on; the reason is among the problems.
struct Stop;

impl<'a> Builder<'a> {
    fn new(file: u32, text: &'a str, nameable: bool, drafts: &'a mut Drafts) -> Self {
        Self {
            file,
            text,
            nameable,
            drafts,
            stack: Vec::new(),
            root: None,
            anchors: HashMap::new(),
            copied: 0,
            kept: 0,
            nodes: 0,
            most_nodes: MAX_NODES,
            line_ends: text.match_indices('\n').map(|(at, _)| at).collect(),
        }
    }

    fn run(mut self) -> Option<Node> {
        let mut options = parser::Options::default();
        options.emit_comments = false;
        options.emit_unresolved_aliases = true;
        let mut documents = 0;
        let mut events = parser::Parser::new_from_str_with_options(self.text, options);
        while let Some(event) = events.next_event() {
            let stopped = match event {
                Ok((parser::Event::DocumentStart(..), span)) => {
                    documents += 1;
                    if documents > 1 {
                        let at = self.range(&span);
                        let draft = Draft::error("several-documents", "a file holds one YAML document only")
                            .at(self.mark(at.0, at.1.max(at.0 + 3)))
                            .label("a second document begins here; what follows was not checked")
                            .help("put it into a file of its own: -f takes several files, and directories");
                        self.drafts.add(draft);
                        self.drafts.opaque(self.file, at.0);
                        break;
                    }
                    false
                }
                Ok((event, span)) => self.event(event, &span).is_err(),
                Err(error) => {
                    self.syntax(&error);
                    true
                }
            };
            if stopped {
                self.hide_open();
                return None;
            }
        }
        if self.root.is_none() {
            let draft = Draft::error("empty-file", "the file says nothing")
                .at(self.mark(0, 0))
                .help("a manifest begins with `version: 1`");
            self.drafts.add(draft);
        }
        self.root
    }

    /// Reports what the parser refuses. Its texts are used only where they hold nothing of the file.
    fn syntax(&mut self, error: &parser::ScanError) {
        use parser::ErrorKind;
        let what = match error.kind() {
            ErrorKind::UnexpectedCharacter { .. } => "a character that cannot begin a value".to_owned(),
            ErrorKind::Custom(_) | ErrorKind::InputIo { .. } | ErrorKind::InputDecoding { .. } => {
                "something unexpected".to_owned()
            }
            kind => kind.to_string(),
        };
        let at = error.marker().byte_offset().unwrap_or(self.text.len());
        let about_a_tab = what.contains("tab");
        let at = if about_a_tab { self.tab_near(at) } else { at };
        let help = if about_a_tab {
            "indent with blanks; the tab is shown as →"
        } else {
            "quote a value that holds `: ` or ` #`, or begins with one of @ ` % & * ! [ { | > ' \""
        };
        let draft = Draft::error("yaml-syntax", format!("not valid YAML: {what}"))
            .at(self.mark(at, at + 1))
            .label("the parser gave up here; the rest of this file was not checked")
            .help(help);
        self.drafts.add(draft);
    }

    /// Returns the tab that the parser means: it names the character after it, or the value before.
    fn tab_near(&self, at: usize) -> usize {
        let (before, after) = self.text.split_at_checked(at).unwrap_or((self.text, ""));
        if before.ends_with('\t') { at - 1 } else { after.find('\t').map_or(at, |tab| at + tab) }
    }

    /// Hides what was open when the parse stopped.
    fn hide_open(&mut self) {
        self.drafts.opaque(self.file, 0);
        let open = self.stack.iter().find_map(|open| match &open.shape {
            Shape::Map { key: Some(key), .. } if key.secret => Some(key.mark.at.end as usize),
            _ => None,
        });
        if let Some(from) = open {
            self.drafts.mask(self.file, from, self.text.len());
        }
    }

    fn mark(&self, start: usize, end: usize) -> Mark {
        Mark::at(Spot::new(self.file, start.min(self.text.len()), end.min(self.text.len())))
    }

    fn range(&self, span: &parser::Span) -> (usize, usize) {
        let range = span.byte_range().unwrap_or(0..0);
        let len = self.text.len();
        (range.start.min(len), range.end.min(len).max(range.start.min(len)))
    }

    fn event(&mut self, event: parser::Event<'_>, span: &parser::Span) -> Result<(), Stop> {
        use parser::Event;
        let (start, end) = self.range(span);
        if matches!(event, Event::Scalar(..) | Event::SequenceStart(..) | Event::MappingStart(..)) {
            self.nodes += 1;
            if self.nodes > self.most_nodes {
                return self.too_many(start);
            }
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let mut plain = style == parser::ScalarStyle::Plain;
                if let Some(tag) = tag {
                    match tag.core_suffix() {
                        Some("str") => plain = false,
                        _ => self.refuse_tag(span, start, end),
                    }
                }
                let from = self.node_start(start);
                let mut text = text.into_owned();
                // The parser says `~` where a value has nothing written.
                if plain && text == "~" && self.text.get(start..end) != Some("~") && self.awaits_value() {
                    text.clear();
                }
                let node = Node::new(Value::Scalar { text, plain }, self.mark(start, end));
                self.finish(node, anchor, 0, (from, end))
            }
            Event::SequenceStart(style, anchor, tag) => {
                if tag.is_some_and(|tag| tag.core_suffix() != Some("seq")) {
                    self.refuse_tag(span, start, end);
                }
                self.open(Shape::Seq(Vec::new()), style, anchor, start)
            }
            Event::MappingStart(style, anchor, tag) => {
                if tag.is_some_and(|tag| tag.core_suffix() != Some("map")) {
                    self.refuse_tag(span, start, end);
                }
                let shape =
                    Shape::Map { entries: Vec::new(), key: None, seen: Seen::new(), merges: Vec::new() };
                self.open(shape, style, anchor, start)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(end),
            Event::Alias(id) => self.alias(id, start, end),
            Event::UnresolvedAlias(_) => {
                let draft = Draft::error("unknown-alias", "this alias refers to no anchor above it")
                    .at(self.mark(start, end))
                    .label("no such anchor")
                    .help("quote a value that begins with `*`");
                self.drafts.add(draft);
                let node = Node::new(Value::Broken, self.mark(start, end));
                self.finish(node, 0, 0, (start, end))
            }
            _ => Ok(()),
        }
    }

    fn refuse_tag(&mut self, span: &parser::Span, start: usize, end: usize) {
        let at = span.tag_span().map_or((start, end), |tag| self.range(&tag));
        let draft = Draft::error("unsupported-tag", "YAML tags are not used in manifests")
            .at(self.mark(at.0, at.1))
            .label("a tag")
            .help("quote a value that begins with `!`");
        self.drafts.add(draft);
    }

    /// Returns where a value begins for hiding: right after its key, so that tags and anchors hide too.
    fn node_start(&self, start: usize) -> usize {
        match self.stack.last().map(|open| &open.shape) {
            Some(Shape::Map { key: Some(key), .. }) => (key.mark.at.end as usize).min(start),
            _ => start,
        }
    }

    fn open(
        &mut self,
        shape: Shape,
        style: parser::StructureStyle,
        anchor: usize,
        start: usize,
    ) -> Result<(), Stop> {
        if self.stack.len() >= MAX_DEPTH {
            return self.too_deep(start);
        }
        let as_key = matches!(self.stack.last().map(|open| &open.shape), Some(Shape::Map { key: None, .. }));
        let flow = style == parser::StructureStyle::Flow;
        self.stack.push(Open { shape, start, anchor, flow, as_key, height: 0 });
        Ok(())
    }

    fn too_deep(&mut self, at: usize) -> Result<(), Stop> {
        let draft = Draft::error("too-deep", format!("nested more than {MAX_DEPTH} levels deep"))
            .at(self.mark(at, at + 1));
        self.drafts.add(draft);
        Err(Stop)
    }

    fn too_many(&mut self, at: usize) -> Result<(), Stop> {
        let draft = Draft::error("too-large", format!("the file holds more than {} values", self.most_nodes))
            .at(self.mark(at, at + 1))
            .help("split it: -f takes several files, and directories");
        self.drafts.add(draft);
        Err(Stop)
    }

    fn close(&mut self, end: usize) -> Result<(), Stop> {
        let Some(open) = self.stack.pop() else { return Ok(()) };
        let value = match open.shape {
            Shape::Seq(items) => Value::Seq(items),
            Shape::Map { mut entries, merges, mut seen, .. } => {
                for (at, merged) in merges {
                    self.merge(at, merged, &mut entries, &mut seen);
                }
                Value::Map(entries)
            }
        };
        // A block collection has no bracket to point at: point at its first line only.
        let line_end = self.line_end(open.start);
        let shown_end = if open.flow { end } else { line_end.min(end.max(open.start)) };
        let node = Node::new(value, self.mark(open.start, shown_end));
        if open.as_key {
            let draft = Draft::error("bad-key", "a key must be a plain text")
                .at(node.mark)
                .label("a list or map stands where a key should")
                .help("quote a value such as \"((name))\" or \"{…}\"");
            self.drafts.add(draft);
            self.set_key(Key {
                text: String::new(),
                mark: self.mark(open.start, end),
                dropped: true,
                merge: false,
                secret: false,
            });
            return Ok(());
        }
        let from = self.node_start(open.start);
        self.finish(node, open.anchor, open.height, (from, end))
    }

    /// Adds what `<<` brings: keys that are not written here.
    fn merge(&mut self, at: Mark, merged: Node, entries: &mut Vec<Entry>, seen: &mut Seen) {
        match merged.value {
            Value::Map(more) => {
                for entry in more {
                    if find(entries, seen, &entry.key).is_none() {
                        push(entries, seen, entry);
                    }
                }
            }
            Value::Seq(maps) => {
                for map in maps {
                    match map.value {
                        Value::Map(_) | Value::Broken => self.merge(at, map, entries, seen),
                        _ => self.bad_merge(at),
                    }
                }
            }
            Value::Broken => {}
            Value::Scalar { .. } | Value::Secret(_) => self.bad_merge(at),
        }
    }

    fn bad_merge(&mut self, at: Mark) {
        let draft = Draft::error("bad-merge", "`<<` takes a map, or a list of maps")
            .at(at)
            .help("refer to a map above with `<<: *name`");
        self.drafts.add(draft);
    }

    fn alias(&mut self, id: usize, start: usize, end: usize) -> Result<(), Stop> {
        let site = self.mark(start, end);
        let Some(Anchored { node, weight, height }) = self.anchors.get(&id) else {
            let draft = Draft::error("unknown-alias", "this alias stands inside what it refers to")
                .at(site)
                .label("refers to itself");
            self.drafts.add(draft);
            return self.finish(Node::new(Value::Broken, site), 0, 0, (start, end));
        };
        if self.stack.len() + height > MAX_DEPTH {
            return self.too_deep(start);
        }
        self.copied += weight;
        if self.copied > MAX_COPIED {
            return self.too_many_aliases(site);
        }
        let (mut node, height) = (node.clone(), *height);
        if matches!(self.stack.last().map(|open| &open.shape), Some(Shape::Map { key: Some(key), .. }) if key.secret)
        {
            let defined = node.mark.at;
            let (from, to) = (defined.start as usize, defined.end as usize);
            let to = from + self.text[from..to].trim_end().len();
            self.drafts.mask(self.file, from, self.line_end(to));
        }
        stand_at(&mut node, site.at);
        let from = self.node_start(start);
        self.finish(node, 0, height, (from, end))
    }

    fn too_many_aliases(&mut self, site: Mark) -> Result<(), Stop> {
        let draft = Draft::error("too-many-aliases", "aliases make this file far larger than it looks")
            .at(site)
            .label("one alias too many")
            .help(format!(
                "all that they refer to may come to {MAX_COPIED} values: write the values out, or split the file"
            ));
        self.drafts.add(draft);
        Err(Stop)
    }

    /// Puts a finished node where it belongs: `range` is what hides when it is a secret.
    fn finish(
        &mut self,
        node: Node,
        anchor: usize,
        height: usize,
        range: (usize, usize),
    ) -> Result<(), Stop> {
        if let Value::Scalar { text, .. } = &node.value
            && hides_itself(text)
        {
            self.drafts.mask(self.file, node.mark.at.start as usize, range.1);
        }
        if anchor != 0 {
            let weight = weight(&node);
            // What is kept for aliases is a copy too: anchors can stand in one another.
            self.kept += weight;
            if self.kept > MAX_NODES {
                return self.too_many_aliases(node.mark);
            }
            self.anchors.insert(anchor, Anchored { node: node.clone(), weight, height });
        }
        if let Some(Open { shape: Shape::Map { key: Some(key), .. }, flow, .. }) = self.stack.last()
            && key.secret
        {
            self.hide(&node, range, *flow);
        }
        let Some(open) = self.stack.last_mut() else {
            self.root = Some(node);
            return Ok(());
        };
        open.height = open.height.max(height + 1);
        match &mut open.shape {
            Shape::Seq(items) => items.push(node),
            Shape::Map { key: pending @ None, entries, seen, merges } => {
                let key = match &node.value {
                    Value::Scalar { text, plain } => {
                        let merge = *plain && text == "<<";
                        let first = if merge {
                            merges.first().map(|(mark, _)| *mark)
                        } else {
                            find(entries, seen, text).map(|at| entries[at].key_mark)
                        };
                        if let Some(first) = first {
                            let said = if self.nameable { quote(text) } else { "a key".to_owned() };
                            self.drafts.add(
                                Draft::error("duplicate-key", format!("{said} is written twice in one map"))
                                    .at(node.mark)
                                    .label("the second time")
                                    .also(first, "the first time")
                                    .help("keep one of the two"),
                            );
                        }
                        Key {
                            text: text.clone(),
                            mark: node.mark,
                            dropped: first.is_some(),
                            merge,
                            // What a variable makes of a key is not known yet.
                            secret: names_a_secret(text) || super::placeholder::leftover(text),
                        }
                    }
                    _ => Key {
                        text: String::new(),
                        mark: node.mark,
                        dropped: true,
                        merge: false,
                        secret: false,
                    },
                };
                *pending = Some(key);
            }
            Shape::Map { key, entries, seen, merges } => {
                let Some(key) = key.take() else { return Ok(()) };
                if key.merge && !key.dropped {
                    merges.push((key.mark, node));
                } else if !key.dropped {
                    push(entries, seen, Entry { key: key.text, key_mark: key.mark, node });
                }
            }
        }
        Ok(())
    }

    /// Tells whether what comes next is the value of a key.
    fn awaits_value(&self) -> bool {
        matches!(self.stack.last(), Some(Open { shape: Shape::Map { key: Some(_), .. }, .. }))
    }

    fn set_key(&mut self, key: Key) {
        if let Some(Open { shape: Shape::Map { key: pending, .. }, .. }) = self.stack.last_mut() {
            *pending = Some(key);
        }
    }

    /// Hides the value of a key that looks like a secret; a placeholder may be seen.
    fn hide(&mut self, node: &Node, range: (usize, usize), flow: bool) {
        // A block ends where the next token begins, which is on a later line.
        let range = (range.0, range.0 + self.text[range.0..range.1].trim_end().len());
        let line_end = self.line_end(range.1);
        let comment = self.text[range.1..line_end].trim_start().starts_with('#');
        let end = if !flow || comment { line_end } else { range.1 };
        match &node.value {
            Value::Scalar { text, .. } if super::placeholder::whole(text).is_some() => {
                // What stands behind a placeholder on its line may be the secret that it replaced.
                let end = range.1 + self.text[range.1..end].trim_end().len();
                let rest = self.text[range.1..end].trim_start();
                if !rest.is_empty() {
                    let rest = rest.strip_prefix('#').unwrap_or(rest).trim_start();
                    self.drafts.mask(self.file, end - rest.len(), end);
                }
            }
            _ => {
                let colon = self.text[range.0..end].find(':').map_or(0, |at| at + 1);
                let blanks = self.text[range.0 + colon..end].len()
                    - self.text[range.0 + colon..end].trim_start_matches(' ').len();
                self.drafts.mask(self.file, range.0 + colon + blanks, end);
            }
        }
    }

    fn line_end(&self, at: usize) -> usize {
        let next = self.line_ends.partition_point(|&end| end < at);
        self.line_ends.get(next).copied().unwrap_or(self.text.len())
    }
}

/// Up to this many keys of one map are compared one by one.
const FEW: usize = 16;

/// Where the keys of a map with more than a few are.
type Seen = HashMap<String, usize>;

fn find(entries: &[Entry], seen: &Seen, key: &str) -> Option<usize> {
    match seen.is_empty() {
        true => entries.iter().position(|entry| entry.key == key),
        false => seen.get(key).copied(),
    }
}

fn push(entries: &mut Vec<Entry>, seen: &mut Seen, entry: Entry) {
    if entries.len() >= FEW {
        if seen.is_empty() {
            seen.extend(entries.iter().enumerate().map(|(at, entry)| (entry.key.clone(), at)));
        }
        seen.insert(entry.key.clone(), entries.len());
    }
    entries.push(entry);
}

/// Tells whether a text announces a secret in itself, as `password:hunter2` does.
fn hides_itself(text: &str) -> bool {
    if !text.contains([':', '=', ' ']) {
        return false;
    }
    let first_word = text.find([' ', ':', '=']).is_some_and(|at| names_a_secret(&text[..at]));
    announced(text, first_word).is_some()
}

/// Returns how much a copy of a tree takes.
pub(super) fn weight(node: &Node) -> usize {
    1 + match &node.value {
        Value::Seq(items) => items.iter().map(weight).sum(),
        Value::Map(entries) => {
            entries.iter().map(|entry| entry.key.len() / BYTES_PER_NODE + weight(&entry.node)).sum()
        }
        Value::Scalar { text, .. } => text.len() / BYTES_PER_NODE,
        Value::Secret(_) | Value::Broken => 0,
    }
}

/// Makes a copied tree point at the alias, and remember where it is defined.
fn stand_at(node: &mut Node, site: Spot) {
    let defined = node.mark.defined.unwrap_or(node.mark.at);
    node.mark = Mark { at: site, defined: Some(defined) };
    match &mut node.value {
        Value::Seq(items) => items.iter_mut().for_each(|item| stand_at(item, site)),
        Value::Map(entries) => {
            for entry in entries {
                let defined = entry.key_mark.defined.unwrap_or(entry.key_mark.at);
                entry.key_mark = Mark { at: site, defined: Some(defined) };
                stand_at(&mut entry.node, site);
            }
        }
        Value::Scalar { .. } | Value::Secret(_) | Value::Broken => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_holds_so_many_values_and_no_more() {
        let text = "a: [1, {b: c}]\n";
        let parse = |most_nodes| {
            let mut drafts = Drafts::default();
            let mut builder = Builder::new(0, text, true, &mut drafts);
            builder.most_nodes = most_nodes;
            let parsed = builder.run().is_some();
            let (errors, _) = drafts.finish(&Texts::single(text), &[]);
            (parsed, errors.into_iter().map(|error| error.message).collect::<Vec<_>>())
        };
        // The map, `a`, the list, `1`, the map in it, `b`, `c`.
        assert_eq!(parse(7), (true, Vec::new()));
        assert_eq!(parse(6), (false, vec!["the file holds more than 6 values".to_owned()]));
    }
}
