//! `((name))` in the tree → the variable's value.
//!
//! Decides which source a value comes from, and that a secret goes only into a whole value. Never reads the
//! environment, and never shows a value: messages name the variable.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::Sources;
use super::mask::names_a_secret;
use super::problem::{Draft, Drafts, Mark, Spot, list, nearest, quote};
use super::source::{Kind, Texts};
use super::tree::{self, Node, Value};

/// All variables, in the order in which they are asked.
#[derive(Default)]
pub(super) struct Variables {
    given: BTreeMap<String, Node>,
    files: Vec<BTreeMap<String, Node>>,
    environment: BTreeMap<String, SecretString>,
    prefixes: Vec<String>,
    /// Those of them that some variable of the environment has.
    known_prefixes: BTreeSet<String>,
    used: BTreeSet<String>,
    /// Names that `-v` gives no value.
    bare: BTreeSet<String>,
    /// A file of variables could not be read: what is missing may be in it.
    incomplete: bool,
}

/// What a name stands for.
enum Found {
    Value(Node),
    Secret(SecretString),
    /// The variable is there, the key in it is not.
    NoKey(String),
    Missing,
}

/// What a placeholder's value is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A value that may be shown.
    Plain,
    /// The whole value of a field that holds a secret.
    Secret,
}

/// A stretch of a text.
#[derive(Debug, PartialEq, Eq)]
enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
}

impl Variables {
    /// Takes all sources; nothing is looked up yet.
    pub(super) fn collect(texts: &mut Texts, drafts: &mut Drafts, sources: &Sources) -> Self {
        let mut all = Self {
            prefixes: sources.vars_env_prefixes.clone(),
            bare: sources.bare_vars.iter().cloned().collect(),
            ..Self::default()
        };
        for (name, value) in &sources.vars {
            if !is_name(name) {
                drafts.add(
                    Draft::error("bad-variable", format!("{} is no name of a variable", quote(name)))
                        .help("a name holds letters, digits, `_`, `-` and `.`: -v NAME=VALUE"),
                );
                continue;
            }
            match parse_given(value) {
                Some(node) => {
                    all.given.insert(name.clone(), node);
                }
                None => {
                    all.given.insert(name.clone(), broken());
                    drafts.add(
                        Draft::error(
                            "bad-variable",
                            format!("the value given to {} by -v is not valid YAML", quote(name)),
                        )
                        .help("put the value into quotes that the shell leaves there: -v 'NAME=\"VALUE\"'"),
                    );
                }
            }
        }
        for file in texts.of_kind(Kind::Variables) {
            match tree::parse(texts, file, drafts) {
                Some(Node { value: Value::Map(entries), .. }) => {
                    all.files.push(entries.into_iter().map(|entry| (entry.key, entry.node)).collect());
                }
                Some(node) => {
                    all.incomplete = true;
                    drafts.add(
                        Draft::error("bad-vars-file", "a file of variables holds a map of names and values")
                            .at(node.mark)
                            .label("not a map")
                            .help("write one `name: value` a line"),
                    );
                }
                None => all.incomplete = true,
            }
            texts.close(file, drafts);
        }
        all.incomplete |= all.files.len() < sources.vars_files.len();
        // Later files win, so they are asked first.
        all.files.reverse();
        for (prefix, name, value) in &sources.vars_env {
            all.known_prefixes.insert(prefix.clone());
            all.environment.insert(name.clone(), value.clone());
        }
        all
    }

    /// Puts values in place of all placeholders of a tree.
    pub(super) fn substitute(&mut self, node: &mut Node, drafts: &mut Drafts) {
        self.substitute_for(node, Place::Plain, drafts);
    }

    fn substitute_for(&mut self, node: &mut Node, place: Place, drafts: &mut Drafts) {
        match &mut node.value {
            Value::Scalar { text, .. } => {
                if text.contains("((") {
                    self.scalar(node, place, drafts);
                }
            }
            Value::Seq(items) => {
                items.iter_mut().for_each(|item| self.substitute_for(item, Place::Plain, drafts));
            }
            Value::Map(entries) => {
                for entry in entries {
                    if leftover(&entry.key) {
                        drafts.add(
                            Draft::error(
                                "placeholder-in-key",
                                format!("{} stands where a key should", quote(&entry.key)),
                            )
                            .at(entry.key_mark)
                            .label("a variable may only be a value"),
                        );
                        // The key is then unknown for a reason that is already said.
                        entry.key.clear();
                        entry.node = Node::new(Value::Broken, entry.node.mark);
                    }
                    if let Value::Scalar { text, .. } = &entry.node.value
                        && leftover(text)
                        && whole(text).is_none()
                        && names_a_secret(&entry.key)
                    {
                        // Nothing of the text is said: parts of a secret are secret.
                        drafts.add(
                            Draft::error(
                                "placeholder-left",
                                format!(
                                    "{} mixes a variable with other text, or holds a ((…)) that is none",
                                    quote(&entry.key)
                                ),
                            )
                            .at(entry.node.mark)
                            .label("a secret is one variable as a whole")
                            .help("write `((name))` alone: letters, digits, `_`, `-` and `.`, no blanks"),
                        );
                        entry.node.value = Value::Broken;
                    }
                    let place = if names_a_secret(&entry.key) { Place::Secret } else { Place::Plain };
                    self.substitute_for(&mut entry.node, place, drafts);
                }
            }
            Value::Secret(_) | Value::Broken => {}
        }
    }

    fn scalar(&mut self, node: &mut Node, place: Place, drafts: &mut Drafts) {
        let Value::Scalar { text, .. } = &node.value else { return };
        let text = text.clone();
        let mark = node.mark;
        let Some(pieces) = pieces(&text) else {
            drafts.add(malformed(&text, mark));
            node.value = Value::Broken;
            return;
        };
        if let [Piece::Name(name)] = pieces[..] {
            *node = self.value_of(name, mark, place, drafts);
            return;
        }
        let mut out = String::new();
        let mut broken = false;
        for piece in pieces {
            match piece {
                Piece::Text(text) => out.push_str(text),
                Piece::Name(name) => match self.value_of(name, mark, Place::Plain, drafts).value {
                    Value::Scalar { text, .. } => out.push_str(&text),
                    Value::Broken => broken = true,
                    Value::Secret(_) => {
                        broken = true;
                        drafts.add(
                            Draft::error(
                                "secret-in-text",
                                format!("the secret variable {} stands inside a longer text", quote(name)),
                            )
                            .at(mark)
                            .label("a secret may only be the whole value of `password`")
                            .help("give a value that may be shown with -v or -l"),
                        );
                    }
                    Value::Seq(_) | Value::Map(_) => {
                        broken = true;
                        drafts.add(
                            Draft::error(
                                "not-text",
                                format!(
                                    "the variable {} is a list or a map, and stands inside a text",
                                    quote(name)
                                ),
                            )
                            .at(mark)
                            .help("make it the whole value, or give a text"),
                        );
                    }
                },
            }
        }
        if !broken && leftover(&out) {
            drafts.add(malformed("", mark));
            broken = true;
        }
        node.value = if broken { Value::Broken } else { Value::Scalar { text: out, plain: false } };
    }

    /// Returns a variable's value as a node at the placeholder; what is wrong with it is reported.
    fn value_of(&mut self, name: &str, mark: Mark, place: Place, drafts: &mut Drafts) -> Node {
        let origin: Arc<str> = Arc::from(name);
        let mut node = match self.find(name) {
            Found::Secret(value) if leftover(value.expose_secret()) => {
                drafts.add(still_placeholder(name, mark));
                Node::new(Value::Broken, mark)
            }
            Found::Secret(value) => Node::new(Value::Secret(value), mark),
            Found::Value(node) if holds_placeholder(&node) => {
                drafts.add(still_placeholder(name, mark));
                Node::new(Value::Broken, mark)
            }
            Found::Value(node) => node,
            Found::NoKey(head) => {
                drafts.add(
                    Draft::error(
                        "missing-variable",
                        format!("the variable {} has no value for {}", quote(&head), quote(name)),
                    )
                    .at(mark)
                    .label("no such key in it"),
                );
                Node::new(Value::Broken, mark)
            }
            Found::Missing => {
                drafts.add(self.missing(name, mark, place));
                self.used.insert(name.to_owned());
                Node::new(Value::Broken, mark)
            }
        };
        move_to(&mut node, mark, &origin);
        node
    }

    /// Says where a value was looked for, and how to give it: to a secret never on the command line. Other names of
    /// the environment are not told, and another variable is never offered for a secret: it would be somebody else's.
    fn missing(&self, name: &str, mark: Mark, place: Place) -> Draft {
        let incomplete =
            if self.incomplete { " (a file of variables could not be read; it may be there)" } else { "" };
        let draft = Draft::error(
            "missing-variable",
            format!("the variable {} has no value{incomplete}", quote(name)),
        )
        .at(mark);
        let named: Vec<String> = self.prefixes.iter().map(|prefix| format!("{prefix}_{name}")).collect();
        let named = named.iter().map(|name| quote(name)).collect::<Vec<_>>().join(" or ");
        match place {
            Place::Plain => {
                let near = if self.bare.contains(name) { None } else { nearest(name, self.plain_names()) };
                let near = near.map_or_else(String::new, |near| format!("did you mean {}? or ", quote(near)));
                draft
                    .label("given neither by -v nor in a file of -l")
                    .help(format!("{near}give it with -v {name}=VALUE, or in a file with -l FILE"))
            }
            Place::Secret if self.prefixes.is_empty() => {
                draft.label("given neither by --vars-env nor in a file of -l").help(format!(
                    "set the environment variable PREFIX_{name} and give --vars-env PREFIX, or use a file with -l FILE"
                ))
            }
            Place::Secret => {
                let unknown = self.prefixes.iter().filter(|prefix| !self.known_prefixes.contains(*prefix));
                let unknown: Vec<&str> = unknown.map(String::as_str).collect();
                let unknown = if unknown.is_empty() {
                    String::new()
                } else {
                    format!("\nno environment variable begins with the prefix {} of --vars-env", list(unknown))
                };
                draft.label(format!("not in the environment as {named}, nor in a file of -l")).help(format!(
                    "set the environment variable {named}, or use a file with -l FILE{unknown}"
                ))
            }
        }
    }

    /// The names that are no secrets.
    fn plain_names(&self) -> impl Iterator<Item = &str> {
        let files = self.files.iter().flat_map(BTreeMap::keys);
        self.given.keys().chain(files).map(String::as_str)
    }

    /// Looks a name up: the first source that knows it, or its part before a dot, decides.
    fn find(&mut self, name: &str) -> Found {
        for (head, path) in splits(name) {
            if let Some(node) = self.given.get(head) {
                self.used.insert(head.to_owned());
                return inside(node, head, path);
            }
        }
        for file in &self.files {
            for (head, path) in splits(name) {
                if let Some(node) = file.get(head) {
                    return inside(node, head, path);
                }
            }
        }
        match self.environment.get(name) {
            Some(value) => Found::Secret(value.clone()),
            None => Found::Missing,
        }
    }

    /// Reports what `-v` gives and no manifest uses; `partly`: not all manifests could be read.
    pub(super) fn report_unused(&self, partly: bool, drafts: &mut Drafts) {
        if partly {
            return;
        }
        if self.bare.iter().any(|name| !self.used.contains(name)) {
            drafts.add(
                Draft::error("bad-variable", "-v takes NAME=VALUE")
                    .help("write -v cluster_admin=alana; for secrets use --vars-env"),
            );
        }
        for name in self.given.keys().filter(|name| !self.used.contains(*name)) {
            drafts.add(
                Draft::error(
                    "unused-variable",
                    format!("no manifest uses the variable {} given with -v", quote(name)),
                )
                .help(format!("write ((…)) with this name where the value belongs, or leave -v {name} away")),
            );
        }
    }
}

/// Reads the value of `-v` as bosh does: YAML, but a text is taken as it is.
fn parse_given(value: &str) -> Option<Node> {
    let node = tree::parse_value(value)?;
    match &node.value {
        Value::Scalar { text, plain: true } if text == value.trim() => Some(node),
        Value::Scalar { .. } => {
            Some(Node::new(Value::Scalar { text: value.to_owned(), plain: false }, node.mark))
        }
        _ => Some(node),
    }
}

fn broken() -> Node {
    Node::new(Value::Broken, Mark::at(Spot::new(0, 0, 0)))
}

/// Returns the ways to read a dotted name: as one name, or as a name and keys.
fn splits(name: &str) -> impl Iterator<Item = (&str, &str)> {
    let dots = name.match_indices('.').map(|(at, _)| (&name[..at], &name[at + 1..]));
    std::iter::once((name, "")).chain(dots)
}

fn inside(node: &Node, head: &str, path: &str) -> Found {
    let mut node = node;
    for key in path.split('.').filter(|key| !key.is_empty()) {
        let next = match &node.value {
            Value::Map(entries) => entries.iter().find(|entry| entry.key == key),
            Value::Broken => return Found::Value(node.clone()),
            _ => None,
        };
        match next {
            Some(entry) => node = &entry.node,
            None => return Found::NoKey(head.to_owned()),
        }
    }
    Found::Value(node.clone())
}

/// Makes a value stand at the placeholder.
fn move_to(node: &mut Node, mark: Mark, origin: &Arc<str>) {
    node.mark = mark;
    node.variable = Some(Arc::clone(origin));
    match &mut node.value {
        Value::Seq(items) => items.iter_mut().for_each(|item| move_to(item, mark, origin)),
        Value::Map(entries) => {
            for entry in entries {
                entry.key_mark = mark;
                move_to(&mut entry.node, mark, origin);
            }
        }
        Value::Scalar { .. } | Value::Secret(_) | Value::Broken => {}
    }
}

fn holds_placeholder(node: &Node) -> bool {
    match &node.value {
        Value::Scalar { text, .. } => leftover(text),
        Value::Seq(items) => items.iter().any(holds_placeholder),
        Value::Map(entries) => {
            entries.iter().any(|entry| leftover(&entry.key) || holds_placeholder(&entry.node))
        }
        Value::Secret(_) | Value::Broken => false,
    }
}

fn still_placeholder(name: &str, mark: Mark) -> Draft {
    Draft::error("placeholder-left", format!("the value of the variable {} itself holds ((…))", quote(name)))
        .at(mark)
        .label("values are not substituted again")
        .help("give the final value")
}

/// Reports a text that looks like a placeholder and is none.
fn malformed(text: &str, mark: Mark) -> Draft {
    let draft = Draft::error("placeholder-left", "a ((…)) that is no variable is left over").at(mark);
    if text.contains("((!") {
        draft.label("`!` is not used here").help("write ((name))")
    } else {
        draft.label("not a variable's name").help(
            "a variable is written ((name)) or ((map.key)): letters, digits, `_`, `-` and `.`, no blanks",
        )
    }
}

/// Tells whether a text looks as if a placeholder were in it.
pub(super) fn leftover(text: &str) -> bool {
    text.find("((").is_some_and(|at| text[at + 2..].contains("))"))
}

/// Returns the name when a text is one placeholder and nothing else.
pub(crate) fn whole(text: &str) -> Option<&str> {
    let name = text.strip_prefix("((")?.strip_suffix("))")?;
    is_name(name).then_some(name)
}

/// Tells whether a text can be a variable's name.
fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// Splits a text at its placeholders; `None` when something that looks like one is none.
fn pieces(text: &str) -> Option<Vec<Piece<'_>>> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("((") {
        let Some(len) = rest[at..].find("))") else { break };
        let name = &rest[at + 2..at + len];
        if !is_name(name) {
            return None;
        }
        if at > 0 {
            out.push(Piece::Text(&rest[..at]));
        }
        out.push(Piece::Name(name));
        rest = &rest[at + len + 2..];
    }
    if !rest.is_empty() {
        out.push(Piece::Text(rest));
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use super::{Piece, leftover, pieces, whole};

    #[test]
    fn placeholders_are_told_from_what_only_looks_like_them() {
        assert_eq!(pieces("((a.b-c_1))"), Some(vec![Piece::Name("a.b-c_1")]));
        assert_eq!(
            pieces("x((a))y((b))"),
            Some(vec![Piece::Text("x"), Piece::Name("a"), Piece::Text("y"), Piece::Name("b")])
        );
        for text in ["((a b))", "((!a))", "(())", "(((a)))", "((a)", "(( a ))"] {
            assert_eq!(whole(text), None, "{text}");
        }
        for text in ["((a b))", "((!a))", "(())", "(((a)))"] {
            assert_eq!(pieces(text), None, "{text}");
        }
        assert!(leftover("x ((a b)) y") && !leftover("a)) ((b"));
    }
}
