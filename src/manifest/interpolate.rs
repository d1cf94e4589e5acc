//! `((name))` in the tree → the variable's value.
//!
//! Decides which source a value comes from, and that a secret goes only into a whole value. Never reads the
//! environment, and never shows a value: messages name the variable.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;

use secrecy::{ExposeSecret, SecretString};

use super::Sources;
use super::declare::Declared;
use super::mask::names_a_secret;
use super::placeholder::{Piece, is_name, leftover, pieces, whole};
use super::problem::{Draft, Drafts, Mark, Spot, list, quote};
use super::source::{self, Kind, Texts};
use super::store::{self, Generated};
use super::tree::{self, Entry, MAX_COPIED, Node, Value};

/// All variables, in the order in which they are asked.
#[derive(Default)]
pub(super) struct Variables {
    given: BTreeMap<String, Node>,
    /// What `--var-file` gives; `None` could not be read.
    secret_files: BTreeMap<String, Option<SecretString>>,
    files: Vec<BTreeMap<String, Node>>,
    environment: BTreeMap<String, SecretString>,
    /// What `--vars-store` has.
    stored: BTreeMap<String, Node>,
    /// What the manifests declare to be generated.
    declared: BTreeMap<String, Declared>,
    /// Values that were generated because nothing gives them.
    generated: BTreeMap<String, SecretString>,
    store: Store,
    prefixes: Vec<String>,
    /// Those of them that some variable of the environment has.
    known_prefixes: BTreeSet<String>,
    used: BTreeSet<String>,
    used_secret_files: BTreeSet<String>,
    /// Names that `-v` gives no value.
    bare: BTreeSet<String>,
    /// A file of variables could not be read: what is missing may be in it.
    incomplete: bool,
    /// Whole secrets that nothing gives, when they may lack a value; `None`: they may not.
    lacking: Option<BTreeSet<String>>,
    /// How much was put in place of placeholders so far.
    copied: usize,
}

/// What `--vars-store` is good for.
#[derive(Default)]
enum Store {
    /// None is given.
    #[default]
    None,
    /// It could not be read: what is missing may be in it.
    Unreadable,
    /// What is generated is to be kept there.
    At(PathBuf),
}

/// What a name stands for.
enum Found {
    Value(Node),
    Secret(SecretString),
    /// A list or map of secrets.
    SecretTree,
    /// The operating system gives no random bytes.
    NoRandomness(String),
    /// The variable is there, the key in it is not.
    NoKey(String),
    Missing,
}

/// What a placeholder's value is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// A value that may be shown.
    Plain,
    /// The whole value of what looks like a secret by its name.
    Seeming,
    /// The whole value of a field that holds a secret.
    Secret,
    /// The same, of a user's initial password: nobody has one yet, so that it may be generated.
    Password,
}

impl Variables {
    /// Takes all sources; nothing is looked up yet.
    pub(super) fn collect(
        texts: &mut Texts,
        drafts: &mut Drafts,
        sources: &Sources,
        store_read: bool,
    ) -> Self {
        let mut all = Self {
            prefixes: sources.vars_env_prefixes.clone(),
            bare: sources.bare_vars.iter().cloned().collect(),
            lacking: sources.secrets_may_lack.then(BTreeSet::new),
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
        if let Some(path) = &sources.vars_store {
            let stored = all.stored(texts, drafts);
            all.store = if stored && store_read { Store::At(path.clone()) } else { Store::Unreadable };
        }
        for (name, path) in &sources.var_files {
            if is_name(name) {
                let value = source::read_secret(name, path, drafts);
                all.secret_files.insert(name.clone(), value);
            } else {
                drafts.add(
                    Draft::error("bad-variable", format!("{} is no name of a variable", quote(name)))
                        .help("a name holds letters, digits, `_`, `-` and `.`: --var-file NAME=PATH"),
                );
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

    /// Takes what is in the store; `false` when it makes no sense.
    fn stored(&mut self, texts: &mut Texts, drafts: &mut Drafts) -> bool {
        let mut whole = true;
        for file in texts.of_kind(Kind::Store) {
            match tree::parse(texts, file, drafts) {
                Some(Node { value: Value::Map(entries), .. }) => {
                    self.stored = entries.into_iter().map(|entry| (entry.key, entry.node)).collect();
                }
                Some(node) if node.is_null() => {}
                Some(node) => {
                    whole = false;
                    drafts.add(
                        Draft::error(
                            "bad-vars-store",
                            "the file of --vars-store holds a map of names and values",
                        )
                        .at(node.mark)
                        .label("not a map")
                        .help("write one `name: value` a line"),
                    );
                }
                None => whole = false,
            }
            texts.close(file, drafts);
        }
        whole
    }

    /// Learns what is generated when nothing gives it.
    pub(super) fn declare(&mut self, declared: BTreeMap<String, Declared>) {
        self.declared = declared;
    }

    /// Tells whether a file declares variables.
    pub(super) fn declares_in(&self, file: u32) -> bool {
        self.declared.values().any(|declared| declared.mark.at.file == file)
    }

    /// Hands over what was generated.
    pub(super) fn take_generated(&mut self) -> Option<Generated> {
        let values = std::mem::take(&mut self.generated);
        match &self.store {
            Store::At(path) if !values.is_empty() => Some(Generated { store: path.clone(), values }),
            Store::At(_) | Store::Unreadable | Store::None => None,
        }
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
                if entries.iter().any(|entry| leftover(&entry.key)) {
                    self.keys(entries, drafts);
                }
                for entry in entries.iter_mut() {
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
                    let place = match entry.key.as_str() {
                        "password" => Place::Password,
                        "client_secret" => Place::Secret,
                        // UAA shows it: no secret may stand there.
                        "token_salt" => Place::Plain,
                        key if names_a_secret(key) => Place::Seeming,
                        _ => Place::Plain,
                    };
                    self.substitute_for(&mut entry.node, place, drafts);
                }
            }
            Value::Secret(_) | Value::Broken => {}
        }
    }

    /// Puts values in place of the placeholders of the keys of a map.
    fn keys(&mut self, entries: &mut [Entry], drafts: &mut Drafts) {
        let (templates, plain): (Vec<usize>, Vec<usize>) =
            (0..entries.len()).partition(|&at| leftover(&entries[at].key));
        let mut seen: BTreeMap<String, usize> =
            plain.into_iter().map(|at| (entries[at].key.clone(), at)).collect();
        for at in templates {
            self.key(entries, at, &mut seen, drafts);
        }
    }

    /// Likewise for one key; `seen`: where the others are.
    fn key(
        &mut self,
        entries: &mut [Entry],
        at: usize,
        seen: &mut BTreeMap<String, usize>,
        drafts: &mut Drafts,
    ) {
        let entry = &mut entries[at];
        let mark = entry.key_mark;
        let mut key = Node::new(Value::Scalar { text: std::mem::take(&mut entry.key), plain: false }, mark);
        self.scalar(&mut key, Place::Plain, drafts);
        let name = key.variable.as_deref().unwrap_or_default();
        let problem = match &key.value {
            Value::Broken => None,
            Value::Scalar { text, .. } => match not_joined(&key) {
                Some(kind) => {
                    Some(("not-text", format!("the variable {} is {kind}, and stands in a key", quote(name))))
                }
                None => {
                    text.clone_into(&mut entry.key);
                    let Some(&other) = seen.get(text) else {
                        seen.insert(text.clone(), at);
                        return;
                    };
                    let other = entries[other].key_mark;
                    let (second, first) = if other.at < mark.at { (mark, other) } else { (other, mark) };
                    drafts.add(
                        Draft::error("duplicate-key", format!("{} is written twice in one map", quote(text)))
                            .at(second)
                            .label("the second time")
                            .also(first, "the first time")
                            .help("keep one of the two"),
                    );
                    None
                }
            },
            Value::Secret(_) => {
                Some(("secret-in-text", format!("the secret variable {} stands in a key", quote(name))))
            }
            Value::Seq(_) | Value::Map(_) => Some((
                "not-text",
                format!("the variable {} is a list or a map, and stands in a key", quote(name)),
            )),
        };
        if let Some((code, message)) = problem {
            drafts.add(Draft::error(code, message).at(mark).label("a key is a text"));
        }
        // The entry is then unknown for a reason that is already said.
        let entry = &mut entries[at];
        entry.key.clear();
        entry.node = Node::new(Value::Broken, entry.node.mark);
    }

    fn scalar(&mut self, node: &mut Node, place: Place, drafts: &mut Drafts) {
        let Value::Scalar { text, .. } = &node.value else { return };
        let text = text.clone();
        let mark = node.mark;
        let Some(pieces) = pieces(&text) else {
            drafts.add(malformed(mark));
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
                Piece::Name(name) => match self.value_of(name, mark, Place::Plain, drafts) {
                    node if not_joined(&node).is_some() => {
                        broken = true;
                        let kind = not_joined(&node).unwrap_or_default();
                        drafts.add(
                            Draft::error(
                                "not-text",
                                format!("the variable {} is {kind}, and stands inside a text", quote(name)),
                            )
                            .at(mark)
                            .label("only texts and whole numbers can")
                            .help("make it the whole value, or put the variable's value into quotes"),
                        );
                    }
                    Node { value: Value::Scalar { text, .. }, .. } => out.push_str(&text),
                    Node { value: Value::Broken, .. } => broken = true,
                    Node { value: Value::Secret(_), .. } => {
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
                    Node { value: Value::Seq(_) | Value::Map(_), .. } => {
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
            drafts.add(malformed(mark));
            broken = true;
        }
        node.value = if broken { Value::Broken } else { Value::Scalar { text: out, plain: false } };
    }

    /// Returns a variable's value as a node at the placeholder; what is wrong with it is reported.
    fn value_of(&mut self, name: &str, mark: Mark, place: Place, drafts: &mut Drafts) -> Node {
        let origin: Arc<str> = Arc::from(name);
        if self.copied > MAX_COPIED {
            return Node::new(Value::Broken, mark);
        }
        let is_secret = matches!(place, Place::Secret | Place::Password);
        if is_secret && let Some((head, _)) = splits(name).find(|(head, _)| self.given.contains_key(*head)) {
            drafts.add(
                Draft::warning(
                    "secret-on-command-line",
                    format!("the secret {} is given with -v", quote(name)),
                )
                .at(mark)
                .label("whoever may list processes can read it there")
                .help(format!("give it with --var-file {head}=PATH, --vars-env, or -l")),
            );
        }
        let mut node = match self.find(name) {
            Found::Secret(value) if leftover(value.expose_secret()) => {
                drafts.add(still_placeholder(name, mark));
                Node::new(Value::Broken, mark)
            }
            Found::Secret(value) => Node::new(Value::Secret(value), mark),
            Found::SecretTree => {
                drafts.add(
                    Draft::error(
                        "not-text",
                        format!("the secret variable {} is a list or a map", quote(name)),
                    )
                    .at(mark)
                    .label("a secret is one text")
                    .help(format!("name a key in it: (({name}.key))")),
                );
                Node::new(Value::Broken, mark)
            }
            Found::Value(node) if holds_placeholder(&node) => {
                drafts.add(still_placeholder(name, mark));
                Node::new(Value::Broken, mark)
            }
            Found::Value(node) => {
                self.copied += tree::weight(&node);
                match self.copied > MAX_COPIED {
                    true => {
                        drafts.add(too_much(name, mark));
                        Node::new(Value::Broken, mark)
                    }
                    false => node,
                }
            }
            Found::NoRandomness(why) => {
                drafts.add(Draft::error(
                    "no-randomness",
                    format!("no value can be generated for the variable {}: {why}", quote(name)),
                ));
                Node::new(Value::Broken, mark)
            }
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
            Found::Missing if is_secret && self.may_lack(name) => {
                Node::new(Value::Secret(SecretString::from(STAND_IN)), mark)
            }
            Found::Missing => {
                let draft = self.missing(name, mark, place, drafts);
                drafts.add(draft);
                self.used.insert(name.to_owned());
                Node::new(Value::Broken, mark)
            }
        };
        move_to(&mut node, mark, &origin);
        node
    }

    /// Notes a secret that nothing gives; `false`: it must not lack a value.
    fn may_lack(&mut self, name: &str) -> bool {
        let stray = self.incomplete || self.bare.contains(name) || matches!(self.store, Store::Unreadable);
        match &mut self.lacking {
            Some(lacking) if !stray => {
                lacking.insert(name.to_owned());
                true
            }
            Some(_) | None => false,
        }
    }

    /// Hands over the names of the secrets that nothing gives.
    pub(super) fn take_lacking(&mut self) -> BTreeSet<String> {
        self.lacking.take().unwrap_or_default()
    }

    /// Says where a value was looked for, and how to give it: to a secret never on the command line. Other names of
    /// the environment are not told, and another variable is never offered for a secret: it would be somebody else's.
    fn missing(&self, name: &str, mark: Mark, place: Place, drafts: &Drafts) -> Draft {
        let incomplete =
            if self.incomplete { " (a file of variables could not be read; it may be there)" } else { "" };
        let draft = Draft::error(
            "missing-variable",
            format!("the variable {} has no value{incomplete}", quote(name)),
        )
        .at(mark);
        if let Some(declared) = self.declared.get(name.split('.').next().unwrap_or(name)) {
            return match self.store {
                Store::None => draft
                    .label("nothing gives it, and there is no --vars-store to keep it in")
                    .also(declared.mark, "declared here")
                    .help("give --vars-store FILE: apply generates the value into it"),
                // That is an error of its own.
                Store::Unreadable | Store::At(_) => draft
                    .label("it may be in the file of --vars-store, which could not be read")
                    .also(declared.mark, "declared here"),
            };
        }
        let named: Vec<String> = self.prefixes.iter().map(|prefix| format!("{prefix}_{name}")).collect();
        let named = list(named.iter().map(String::as_str));
        let store = match self.store {
            // Another secret of a client that exists would end all its tokens.
            Store::At(_) if place == Place::Password => format!(
                ",\nor let apply generate it into the file of --vars-store: `variables: [{{name: {name}, type: password}}]`"
            ),
            Store::At(_) | Store::None | Store::Unreadable => String::new(),
        };
        match place {
            Place::Plain => {
                let near = match self.bare.contains(name) {
                    true => None,
                    false => drafts.nearest(name, self.plain_names()),
                };
                let near = near.map_or_else(String::new, |near| format!("did you mean {}? or ", quote(near)));
                draft
                    .label("given neither by -v nor in a file of -l")
                    .help(format!("{near}give it with -v {name}=VALUE, or in a file with -l FILE"))
            }
            Place::Seeming | Place::Secret | Place::Password if self.prefixes.is_empty() => {
                draft.label("given neither by --vars-env nor in a file of -l").help(format!(
                    "set the environment variable PREFIX_{name} and give --vars-env PREFIX, or use a file with -l FILE{store}"
                ))
            }
            Place::Seeming | Place::Secret | Place::Password => {
                let unknown = self.prefixes.iter().filter(|prefix| !self.known_prefixes.contains(*prefix));
                let unknown: Vec<&str> = unknown.map(String::as_str).collect();
                let unknown = if unknown.is_empty() {
                    String::new()
                } else {
                    format!("\nno environment variable begins with the prefix {} of --vars-env", list(unknown))
                };
                draft.label(format!("not in the environment as {named}, nor in a file of -l")).help(format!(
                    "set the environment variable {named}, or use a file with -l FILE{store}{unknown}"
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
        for (head, path) in splits(name) {
            if let Some(value) = self.secret_files.get(head) {
                self.used_secret_files.insert(head.to_owned());
                return match value {
                    Some(value) => secret(value, head, path),
                    None => Found::Value(broken()),
                };
            }
        }
        for file in &self.files {
            for (head, path) in splits(name) {
                if let Some(node) = file.get(head) {
                    return inside(node, head, path);
                }
            }
        }
        for (head, path) in splits(name) {
            if let Some(value) = self.environment.get(head) {
                return secret(value, head, path);
            }
        }
        for (head, path) in splits(name) {
            if let Some(node) = self.stored.get(head) {
                return match inside(node, head, path) {
                    Found::Value(Node { value: Value::Scalar { text, .. }, .. }) => {
                        Found::Secret(text.into())
                    }
                    Found::Value(Node { value: Value::Seq(_) | Value::Map(_), .. }) => Found::SecretTree,
                    found => found,
                };
            }
        }
        self.generate(name)
    }

    /// Generates what is declared and nothing gives.
    fn generate(&mut self, name: &str) -> Found {
        let (Store::At(_), Some((head, path))) =
            (&self.store, splits(name).find(|(head, _)| self.declared.contains_key(*head)))
        else {
            return Found::Missing;
        };
        if let Some(value) = self.generated.get(head) {
            return secret(value, head, path);
        }
        match store::generate(self.declared[head].length) {
            Ok(value) => {
                let found = secret(&value, head, path);
                self.generated.insert(head.to_owned(), value);
                found
            }
            Err(error) => Found::NoRandomness(error.to_string()),
        }
    }

    /// Returns the text that a name stands for, for the whole value of a secret; what is wrong is reported, without a
    /// place: a saved plan names the variable.
    pub(super) fn text(&mut self, name: &str, drafts: &mut Drafts) -> Option<SecretString> {
        let message = match self.find(name) {
            Found::Secret(value) if leftover(value.expose_secret()) => {
                format!("the value of the variable {} is a placeholder itself", quote(name))
            }
            Found::Secret(value) => return Some(value),
            Found::Value(Node { value: Value::Scalar { text, .. }, .. }) if leftover(&text) => {
                format!("the value of the variable {} is a placeholder itself", quote(name))
            }
            Found::Value(Node { value: Value::Scalar { text, .. }, .. }) => return Some(text.into()),
            // Said where its source was read.
            Found::Value(Node { value: Value::Broken, .. }) => return None,
            Found::Value(_) | Found::SecretTree => {
                format!("the variable {} is a list or a map", quote(name))
            }
            Found::NoKey(head) => {
                format!("the variable {} has no value for {}", quote(&head), quote(name))
            }
            Found::NoRandomness(_) | Found::Missing => {
                format!("the variable {} of the plan has no value", quote(name))
            }
        };
        let prefix = self.prefixes.first().map_or("PREFIX", String::as_str);
        drafts.add(Draft::error("missing-variable", message).help(format!(
            "give it as for the manifest: in the environment as {prefix}_{name} (--vars-env {prefix}), by --var-file, \n-l or \
             --vars-store"
        )));
        None
    }

    /// All secret values. Of a store, which other programs use too, only what is long enough to be one: else `true`
    /// would be hidden everywhere.
    pub(super) fn secrets(&self) -> impl Iterator<Item = SecretString> {
        let mut stored = Vec::new();
        self.stored.values().for_each(|node| texts_of(node, &mut stored));
        let stored = stored.into_iter().filter(|text| text.len() >= SHORTEST_STORED).map(SecretString::from);
        let given = self.secret_files.values().flatten().chain(self.environment.values());
        given.chain(self.generated.values()).cloned().chain(stored)
    }

    /// Reports what `-v` and `--var-file` give and no manifest uses; `partly`: not all manifests could be read.
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
        for name in self.secret_files.keys().filter(|name| !self.used_secret_files.contains(*name)) {
            let by = if self.given.contains_key(name) { "; -v gives it too, and goes before" } else { "" };
            drafts.add(
                Draft::error(
                    "unused-variable",
                    format!("no manifest uses the variable {} given with --var-file{by}", quote(name)),
                )
                .help(format!(
                    "write ((…)) with this name where the secret belongs, or leave --var-file {name} away"
                )),
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

fn too_much(name: &str, mark: Mark) -> Draft {
    let help = format!(
        "all that variables bring in may come to {MAX_COPIED} values: split the manifests, or write the values out"
    );
    Draft::error(
        "too-large",
        format!("variables, {} last, make the manifests far larger than they look", quote(name)),
    )
    .at(mark)
    .label("one placeholder too many; those below were not looked at")
    .help(help)
}

fn broken() -> Node {
    Node::new(Value::Broken, Mark::at(Spot::new(0, 0, 0)))
}

/// Returns the ways to read a dotted name: as one name, or as a name and keys.
fn splits(name: &str) -> impl Iterator<Item = (&str, &str)> {
    let dots = name.match_indices('.').map(|(at, _)| (&name[..at], &name[at + 1..]));
    std::iter::once((name, "")).chain(dots)
}

/// What stands for a secret that may lack a value, where no server is going to see it.
const STAND_IN: &str = "a-value-that-nobody-gave";

/// The shortest value of a store that is hidden wherever it occurs.
const SHORTEST_STORED: usize = 6;

/// Collects the texts in a tree.
fn texts_of(node: &Node, into: &mut Vec<String>) {
    match &node.value {
        Value::Scalar { text, .. } => into.push(text.clone()),
        Value::Seq(items) => items.iter().for_each(|item| texts_of(item, into)),
        Value::Map(entries) => entries.iter().for_each(|entry| texts_of(&entry.node, into)),
        Value::Secret(_) | Value::Broken => {}
    }
}

/// A secret is a text: there is no key in it.
fn secret(value: &SecretString, head: &str, path: &str) -> Found {
    if path.is_empty() { Found::Secret(value.clone()) } else { Found::NoKey(head.to_owned()) }
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
fn malformed(mark: Mark) -> Draft {
    let draft = Draft::error("placeholder-left", "a ((…)) that is no variable is left over").at(mark);
    draft
        .label("not a variable's name")
        .help("a variable is written ((name)) or ((map.key)): letters, digits, `_`, `-` and `.`, no blanks")
}

/// Names the kind of a value that cannot be part of a text, as in bosh: there are several ways to write it.
fn not_joined(node: &Node) -> Option<&'static str> {
    let Value::Scalar { text, plain: true } = &node.value else { return None };
    let digits = text.trim_start_matches(['-', '+']);
    let float = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && !digits.bytes().all(|byte| byte.is_ascii_digit())
        && text.parse::<f64>().is_ok();
    if node.is_null() {
        Some("nothing")
    } else if node.as_bool().is_some() {
        Some("true or false")
    } else if float {
        Some("no whole number")
    } else {
        None
    }
}
