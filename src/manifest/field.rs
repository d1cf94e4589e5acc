//! One field of an entry: what a text, a boolean, a list, a map or a password may be.
//!
//! Decides types and the rules of single values, and says what is wrong with them. Never knows which keys an entry has.

use secrecy::{ExposeSecret, SecretString};

use super::decode::{At, Password, State};
use super::placeholder;
use super::problem::{Draft, Drafts, Mark, list, nearest, quote};
use super::tree::{Entry, Node, Value};
use crate::model::UAA_ORIGIN;

/// The longest name or text that UAA stores, in characters.
const MAX_CHARS: usize = 255;

/// The known keys of one map that are not yet taken.
pub(super) struct Fields {
    entries: Vec<Entry>,
    /// The known keys that unknown ones are probably meant to be.
    meant: Vec<String>,
    /// How many keys are not known.
    unknown: usize,
    /// Where the map stands.
    pub(super) mark: Mark,
}

impl Fields {
    /// Takes a key out.
    pub(super) fn take(&mut self, key: &str) -> Option<Entry> {
        let at = self.entries.iter().position(|entry| entry.key == key)?;
        Some(self.entries.swap_remove(at))
    }

    /// Tells whether a key is there and no other, not even an unknown one.
    pub(super) fn only(&self, key: &str) -> bool {
        self.unknown == 0 && matches!(&self.entries[..], [entry] if entry.key == key)
    }

    /// Tells whether a key is probably there, misspelt: that is said already.
    pub(super) fn meant(&self, key: &str) -> bool {
        self.meant.iter().any(|meant| meant == key)
    }

    /// Returns the keys that are not yet taken, in the order of their places.
    pub(super) fn left(&self) -> Vec<(&str, Mark)> {
        let mut left: Vec<_> =
            self.entries.iter().map(|entry| (entry.key.as_str(), entry.key_mark)).collect();
        left.sort_by_key(|(_, mark)| mark.at);
        left
    }

    /// Returns a text without judging it, to name the entry in messages.
    pub(super) fn peek(&self, key: &str) -> Option<&str> {
        let entry = self.entries.iter().find(|entry| entry.key == key)?;
        match &entry.node.value {
            Value::Scalar { text, .. } if !text.is_empty() => Some(text),
            _ => None,
        }
    }
}

/// What a text field takes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Rule {
    /// What identifies something: not empty, no blanks around it.
    Name,
    /// A group's name, which is a scope: one scope token of RFC 6749 (printable ASCII without blank, `"` and `\`),
    /// without the comma at which UAA cuts lists of scopes: a group `a,b` would give the scopes `a` and `b`.
    Scope,
    /// Free text in one line; empty clears.
    Line,
    /// Free text that may have several lines.
    Prose,
    /// An e-mail address.
    Email,
    /// The name of an LDAP or SAML group; blanks around it do not count.
    External,
    /// An address.
    Url,
}

/// Decodes, and notes what is wrong.
pub(super) struct Decoder<'a> {
    /// Where problems go.
    pub(super) drafts: &'a mut Drafts,
}

impl Decoder<'_> {
    /// Takes a map apart and reports the keys that it should not have. `what` is a phrase such as "a user".
    pub(super) fn map(&mut self, node: Node, what: &str, known: &[&str], help: &str) -> Option<Fields> {
        let (mark, kind) = (node.mark, node.kind());
        let null = node.is_null();
        let entries = match node.value {
            Value::Map(entries) => entries,
            Value::Broken => return None,
            Value::Secret(_) => {
                self.secret_here(&node, what);
                return None;
            }
            _ => {
                let (code, message) = if null {
                    ("null-value", format!("{what} has no value"))
                } else {
                    ("wrong-type", format!("{what} must be a map of keys and values, not {kind}"))
                };
                self.drafts.add(
                    Draft::error(code, message)
                        .at(mark)
                        .label(format!("expected a map, found {kind}"))
                        .help(help),
                );
                return None;
            }
        };
        let mut fields =
            Fields { entries: Vec::with_capacity(entries.len()), meant: Vec::new(), unknown: 0, mark };
        let name_key = match what {
            "a user" => "username",
            "a group" => "name",
            "a client" => "client_id",
            _ => "",
        };
        let named =
            entries.iter().find(|entry| entry.key == name_key).and_then(|entry| match &entry.node.value {
                Value::Scalar { text, .. } if !text.is_empty() => {
                    Some(format!("{} {}", &what[2..], quote(text)))
                }
                _ => None,
            });
        let named = named.unwrap_or_else(|| what.to_owned());
        for entry in entries {
            if known.contains(&entry.key.as_str()) {
                fields.entries.push(entry);
            } else {
                fields.unknown += 1;
                let near = self.unknown(&entry, what, &named, known);
                fields.meant.extend(near.map(str::to_owned));
            }
        }
        Some(fields)
    }

    /// Reports an unknown key; returns the known one that is probably meant.
    fn unknown<'k>(&mut self, entry: &Entry, what: &str, named: &str, known: &[&'k str]) -> Option<&'k str> {
        if entry.key.is_empty() && matches!(entry.node.value, Value::Broken) {
            return None;
        }
        let later = match (what, entry.key.as_str()) {
            ("a group", "previously") => Some(
                "UAA renames no groups: declare the new one with its members, and the old one `state: absent`",
            ),
            _ => None,
        };
        let other = match (what, entry.key.as_str()) {
            ("a client", "secret" | "password") => Some("client_secret"),
            ("a client", "id" | "name") => Some("client_id"),
            ("a client", "grant_types") => Some("authorized_grant_types"),
            ("a user", "name" | "user" | "user_name") => Some("username"),
            _ => None,
        };
        // Other tools' words for what is known here by another name.
        let other = known.iter().copied().find(|key| Some(*key) == other);
        let near = other.or_else(|| nearest(&entry.key, known.iter().copied()));
        let help = match (later, near) {
            (Some(later), _) => later.to_owned(),
            (None, Some(near)) => format!("did you mean {}?", quote(near)),
            (None, None) => format!("the keys are {}", list(known.iter().copied())),
        };
        // Nobody knows what the value of an unknown key is; shown is only what is surely no secret.
        if near.is_none_or(|near| matches!(near, "password" | "client_secret" | "token_salt"))
            && matches!(entry.node.value, Value::Scalar { .. })
        {
            let at = entry.node.mark.defined.unwrap_or(entry.node.mark.at);
            self.drafts.mask(at.file, at.start as usize, at.end as usize);
        }
        let message = match what {
            "a manifest" => format!("unknown key {}", quote(&entry.key)),
            _ => format!("unknown key {} in {named}", quote(&entry.key)),
        };
        self.drafts.add(
            Draft::error("unknown-key", message)
                .at(entry.key_mark)
                .label(format!("not a key of {what}"))
                .help(help),
        );
        near
    }

    /// Takes a list apart.
    pub(super) fn list(&mut self, entry: Entry, key: &str, of: &str) -> Vec<Node> {
        let kind = entry.node.kind();
        if entry.node.is_null() {
            self.drafts.add(
                Draft::error("null-value", format!("`{key}` of {of} has no value"))
                    .at(entry.key_mark)
                    .label("nothing is written after it")
                    .help(format!(
                        "write `{key}: []` for none, or leave the key away so that it is not managed"
                    )),
            );
            return Vec::new();
        }
        match entry.node.value {
            Value::Seq(items) => items,
            Value::Broken => Vec::new(),
            Value::Secret(_) => {
                self.secret_here(&entry.node, &format!("`{key}`"));
                Vec::new()
            }
            Value::Scalar { .. } | Value::Map(_) => {
                self.drafts.add(
                    Draft::error("wrong-type", format!("`{key}` of {of} must be a list, not {kind}"))
                        .at(entry.node.mark)
                        .label(format!("expected a list, found {kind}"))
                        .help(format!("write `{key}: [a, b]`, or one `- …` a line")),
                );
                Vec::new()
            }
        }
    }

    /// Reports a secret variable where a value could be shown.
    pub(super) fn secret_here(&mut self, node: &Node, place: &str) {
        let name = node.variable.as_deref().unwrap_or_default();
        self.drafts.add(
            Draft::error(
                "secret-in-plain-field",
                format!("the secret variable {} cannot be used for {place}", quote(name)),
            )
            .at(node.mark)
            .label("values of --var-file, --vars-env and --vars-store go into `password` and `client_secret` only")
            .help("give a value that may be shown with -v or -l"),
        );
    }

    pub(super) fn password(&mut self, entry: Entry, of: &str) -> Option<At<Password>> {
        self.secret(entry, of, "password", "give a value, or leave the key away")
    }

    /// Decodes a secret; `noun` is what people call it, `if_empty` what to do where it is empty.
    pub(super) fn secret(
        &mut self,
        entry: Entry,
        of: &str,
        noun: &str,
        if_empty: &str,
    ) -> Option<At<Password>> {
        let (mark, key, name) = (entry.node.mark, entry.key_mark, entry.key);
        let variable = entry.node.variable.as_deref().map(str::to_owned);
        let (null, kind) = (entry.node.is_null(), entry.node.kind());
        let value = match entry.node.value {
            Value::Broken => return None,
            Value::Secret(value) => value,
            Value::Scalar { text, .. } if !null => SecretString::from(text),
            Value::Scalar { .. } => SecretString::from(String::new()),
            Value::Seq(_) | Value::Map(_) => {
                self.drafts.add(
                    Draft::error("wrong-type", format!("`{name}` of {of} must be a text, not {kind}"))
                        .at(mark)
                        .label("expected a text")
                        .help(format!(
                            "use a variable: `{name}: ((name))`; quote a {noun} that begins with `[` or `{{`"
                        )),
                );
                return None;
            }
        };
        let text = value.expose_secret();
        let problem = if text.is_empty() {
            Some(("is empty", if_empty))
        } else if text.contains(['\n', '\r']) {
            Some((
                "holds a line break",
                "write it on one line; a YAML block is `|-` without a last line break",
            ))
        } else if text.chars().any(char::is_control) {
            Some(("holds a control character", "nobody could type it"))
        } else if variable.is_none() && (text.contains("((") || text.contains("))"))
            || placeholder::leftover(text)
        {
            Some(("looks like a variable and is none", "a variable is written `((name))`"))
        } else {
            None
        };
        if let Some((what, help)) = problem {
            let from = variable
                .as_deref()
                .map_or_else(String::new, |name| format!(" (the variable {})", quote(name)));
            self.drafts.add(
                Draft::error("bad-password", format!("the {noun} of {of}{from} {what}"))
                    .at(if null && variable.is_none() { key } else { mark })
                    .label(what)
                    .help(help),
            );
            return None;
        }
        if variable.is_none() {
            self.drafts.add(
                Draft::warning("literal-secret", format!("the {noun} of {of} is written in the manifest"))
                    .at(key)
                    .label("everyone who may read this file knows it")
                    .help(format!(
                        "write `{name}: ((name))` and give the value with --var-file, --vars-env or -l"
                    )),
            );
        }
        Some(At { value: Password { value, variable }, mark, key })
    }

    /// Decodes a field that is a text.
    pub(super) fn text(&mut self, entry: Option<Entry>, of: &str, rule: Rule) -> Option<At<String>> {
        let entry = entry?;
        let name = quote(&entry.key);
        if entry.node.is_null() {
            let clears = matches!(rule, Rule::Line | Rule::Prose);
            let help = if clears {
                format!(
                    "write `{}: \"\"` to clear it, or leave the key away so that it is not managed",
                    entry.key
                )
            } else if entry.node.variable.is_some() {
                "the variable's value is empty: give one".to_owned()
            } else {
                "write a value, or leave the key away".to_owned()
            };
            self.drafts.add(
                Draft::error("null-value", format!("{name} of {of} has no value"))
                    .at(if entry.node.variable.is_some() { entry.node.mark } else { entry.key_mark })
                    .label("nothing is written after it")
                    .help(help),
            );
            return None;
        }
        let mark = entry.node.mark;
        let what = format!("{name} of {of}");
        let value = self.plain(entry.node, &what)?;
        self.judge(value, mark, &what, rule).map(|value| At { value, mark, key: entry.key_mark })
    }

    /// Decodes an item of a list that is a text.
    pub(super) fn item(&mut self, node: Node, what: &str, rule: Rule) -> Option<At<String>> {
        let mark = node.mark;
        if node.is_null() {
            self.drafts.add(
                Draft::error("null-value", format!("{what} in this list has no value"))
                    .at(mark)
                    .label("an empty item")
                    .help("write a name, or remove the item"),
            );
            return None;
        }
        let value = self.plain(node, what)?;
        self.judge(value, mark, what, rule).map(|value| At { value, mark, key: mark })
    }

    pub(super) fn plain(&mut self, node: Node, what: &str) -> Option<String> {
        let kind = node.kind();
        match node.value {
            Value::Scalar { text, .. } => Some(text),
            Value::Broken => None,
            Value::Secret(_) => {
                self.secret_here(&node, what);
                None
            }
            Value::Seq(_) | Value::Map(_) => {
                self.drafts.add(
                    Draft::error("wrong-type", format!("{what} must be a text, not {kind}"))
                        .at(node.mark)
                        .label(format!("expected a text, found {kind}"))
                        .help("quote a text that begins with `[` or `{`"),
                );
                None
            }
        }
    }

    /// Judges a text by its rule.
    pub(super) fn judge(&mut self, value: String, mark: Mark, what: &str, rule: Rule) -> Option<String> {
        let trimmed = value.trim();
        let blank = value.is_empty() || trimmed.is_empty();
        let control = |c: char| c.is_control() && !(rule == Rule::Prose && matches!(c, '\n' | '\t'));
        let wrong = if blank && (!matches!(rule, Rule::Line | Rule::Prose) || !value.is_empty()) {
            Some(if value.is_empty() { "is empty" } else { "is blank" })
        } else if value.chars().any(control) {
            Some("holds a control character")
        } else if value.chars().count() > MAX_CHARS {
            Some("is longer than 255 characters")
        } else if trimmed.len() != value.len()
            && matches!(rule, Rule::Name | Rule::Scope | Rule::Email | Rule::Url)
        {
            Some("begins or ends with a blank")
        } else if rule == Rule::Scope && !value.chars().all(is_of_scope) {
            Some("holds a character that no scope can have")
        } else if rule == Rule::Email && value.contains(char::is_whitespace) {
            Some("is no e-mail address: it holds a blank")
        } else if rule == Rule::Url && !is_address(&value) {
            Some("is no http or https address")
        } else {
            None
        };
        let Some(wrong) = wrong else { return Some(value) };
        let code = match rule {
            Rule::Name | Rule::Scope | Rule::External => "bad-name",
            Rule::Email => "bad-email",
            Rule::Url => "bad-address",
            Rule::Line | Rule::Prose => "bad-text",
        };
        let help = match rule {
            Rule::Scope => Some(
                "a group is a scope: ASCII letters, digits and signs, no blank, comma, quote or backslash"
                    .to_owned(),
            ),
            Rule::Url => Some("write it as the server does in /.well-known/openid-configuration".to_owned()),
            _ => None,
        };
        self.drafts.add(Draft::error(code, format!("{what} {wrong}")).at(mark).label(wrong).maybe_help(help));
        None
    }

    /// Reports a username that UAA refuses in its own user store.
    pub(super) fn username(&mut self, name: &At<String>, origin: &str) {
        if origin != UAA_ORIGIN {
            return;
        }
        // `[\p{L}+0-9+\-_.@'!]+` of UAA's ScimUtils.
        let allowed = |c: char| {
            c.is_ascii_digit()
                || c.is_alphabetic() && !c.is_numeric()
                || matches!(c, '+' | '-' | '_' | '.' | '@' | '\'' | '!')
        };
        let Some(refused) = name.value.chars().find(|c| !allowed(*c)) else { return };
        self.drafts.add(
            Draft::error(
                "bad-username",
                format!(
                    "the username {} holds {}, which UAA refuses",
                    quote(&name.value),
                    quote(&refused.to_string())
                ),
            )
            .at(name.mark)
            .label("letters, digits and + - _ . @ ' ! only")
            .help("a user of an identity provider needs its `origin`, and may have any name"),
        );
    }

    /// Decodes `state`.
    pub(super) fn state(&mut self, entry: Option<Entry>, of: &str) -> Option<At<State>> {
        self.choice(entry, of, &[("present", State::Present), ("absent", State::Absent)])
    }

    /// Decodes a field that is one of a few words.
    pub(super) fn choice<T: Copy>(
        &mut self,
        entry: Option<Entry>,
        of: &str,
        words: &[(&str, T)],
    ) -> Option<At<T>> {
        let entry = entry?;
        let (mark, key) = (entry.node.mark, entry.key_mark);
        let found = match &entry.node.value {
            Value::Broken => return None,
            Value::Secret(_) => {
                self.secret_here(&entry.node, &format!("`{}`", entry.key));
                return None;
            }
            Value::Scalar { text, .. } if !entry.node.is_null() => text.as_str(),
            Value::Scalar { .. } | Value::Seq(_) | Value::Map(_) => "",
        };
        if let Some((_, value)) = words.iter().find(|(word, _)| *word == found) {
            return Some(At { value: *value, mark, key });
        }
        let shown = if found.is_empty() { entry.node.kind().to_owned() } else { quote(found) };
        let help = match nearest(found, words.iter().map(|(word, _)| *word)) {
            Some(near) => format!("did you mean {}?", quote(near)),
            None => format!("it is one of {}", list(words.iter().map(|(word, _)| *word))),
        };
        self.drafts.add(
            Draft::error("bad-word", format!("`{}` of {of} cannot be {shown}", entry.key))
                .at(if entry.node.is_null() { key } else { mark })
                .label("not a word that it knows")
                .help(help),
        );
        None
    }

    pub(super) fn boolean(&mut self, entry: Option<Entry>, of: &str) -> Option<At<bool>> {
        let entry = entry?;
        if let Some(value) = entry.node.as_bool() {
            return Some(At { value, mark: entry.node.mark, key: entry.key_mark });
        }
        let found = match &entry.node.value {
            Value::Broken => return None,
            Value::Secret(_) => {
                self.secret_here(&entry.node, &format!("`{}`", entry.key));
                return None;
            }
            Value::Scalar { .. } if entry.node.is_null() => "nothing".to_owned(),
            Value::Scalar { text, plain: false } => format!("the quoted text {}", quote(text)),
            Value::Scalar { text, .. } if text.parse::<f64>().is_ok() => {
                format!("the number {}", quote(text))
            }
            Value::Scalar { text, .. } => format!("the text {}", quote(text)),
            Value::Seq(_) | Value::Map(_) => entry.node.kind().to_owned(),
        };
        let mark = if entry.node.is_null() { entry.key_mark } else { entry.node.mark };
        self.drafts.add(
            Draft::error("wrong-type", format!("`{}` of {of} must be true or false, not {found}", entry.key))
                .at(mark)
                .label("expected true or false")
                .help("write `true` or `false`, without quotes; yes, no, on and off are texts in YAML 1.2"),
        );
        None
    }
}

/// Tells whether a scope may hold the character.
fn is_of_scope(c: char) -> bool {
    c.is_ascii_graphic() && !matches!(c, '"' | '\\' | ',')
}

pub(super) fn is_address(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
}
