//! Lists, entries and keys → lines, and which line is about what; what is refused becomes a comment.
//!
//! Knows nothing of users, groups and clients: an entry is its keys and their values.

use std::collections::{BTreeMap, BTreeSet};

use super::yaml::{flow, joined, scalar};
use super::{Manifest, Section, entries};
use crate::visible::{quoted, visible};

/// The lists of a manifest, in the order in which they are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum List {
    Target,
    Users,
    Groups,
    Clients,
}

impl List {
    const ALL: [Self; 4] = [Self::Target, Self::Users, Self::Groups, Self::Clients];

    pub(super) fn key(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Users => "users",
            Self::Groups => "groups",
            Self::Clients => "clients",
        }
    }

    /// What an entry is called.
    pub(super) fn noun(self) -> &'static str {
        match self {
            Self::Target => "target",
            Self::Users => "user",
            Self::Groups => "group",
            Self::Clients => "client",
        }
    }
}

/// What a line of the text is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Part {
    List(List),
    Field(List, usize, usize),
    Item(List, usize, usize, usize),
}

/// One key of an entry.
#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) key: &'static str,
    pub(super) value: Value,
}

/// What stands behind a key.
#[derive(Clone, Debug)]
pub(super) enum Value {
    Text(String),
    Variable(String),
    Flag(bool),
    Number(i64),
    /// Texts on the key's own line.
    Texts(Vec<String>),
    /// One item a line; each is a text, or a map on one line.
    Items(Vec<Item>),
    /// One key a line.
    Map(Vec<(String, serde_json::Value)>),
}

#[derive(Clone, Debug)]
pub(super) enum Item {
    Text(String),
    Map(Vec<(&'static str, String)>),
}

/// An entry with its keys; the first one names it.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) notes: Vec<String>,
    pub(super) source: Option<String>,
    pub(super) fields: Vec<Field>,
}

#[derive(Clone, Debug, Default)]
pub(super) struct Entries {
    pub(super) notes: Vec<String>,
    pub(super) entries: Vec<Entry>,
}

/// All lists as entries.
pub(super) struct Lists(pub(super) BTreeMap<List, Entries>, pub(super) bool);

/// A text, and what each of its lines is about.
#[derive(Default)]
pub(super) struct Page {
    pub(super) text: String,
    pub(super) parts: Vec<Option<Part>>,
}

impl Page {
    pub(super) fn line(&mut self, text: &str, part: Option<Part>) {
        self.text.push_str(text.trim_end());
        self.text.push('\n');
        self.parts.push(part);
    }

    pub(super) fn comment(&mut self, indent: &str, text: &str) {
        for line in text.lines() {
            self.line(&format!("{indent}# {}", visible(line)), None);
        }
    }
}

impl Lists {
    pub(super) fn of(manifest: &Manifest) -> Self {
        let mut lists = BTreeMap::new();
        let target = entries::target(&manifest.target);
        if !target.fields.is_empty() {
            lists.insert(List::Target, Entries { notes: Vec::new(), entries: vec![target] });
        }
        fn list<T>(section: &Section<T>, entry: impl Fn(&T) -> Entry) -> Entries {
            Entries { notes: section.notes.clone(), entries: section.entries.iter().map(entry).collect() }
        }
        if let Some(users) = &manifest.users {
            lists.insert(List::Users, list(users, entries::user));
        }
        if let Some(groups) = &manifest.groups {
            lists.insert(List::Groups, list(groups, entries::group));
        }
        if let Some(clients) = &manifest.clients {
            lists.insert(List::Clients, list(clients, entries::client));
        }
        Self(lists, manifest.generate)
    }

    pub(super) fn variables(&self) -> BTreeSet<String> {
        List::ALL.into_iter().flat_map(|list| self.variables_of(list)).collect()
    }

    pub(super) fn variables_of(&self, list: List) -> BTreeSet<String> {
        let entries = self.0.get(&list).into_iter().flat_map(|list| &list.entries);
        entries
            .flat_map(|entry| &entry.fields)
            .filter_map(|field| match &field.value {
                Value::Variable(name) => Some(name.clone()),
                Value::Text(_)
                | Value::Flag(_)
                | Value::Number(_)
                | Value::Texts(_)
                | Value::Items(_)
                | Value::Map(_) => None,
            })
            .collect()
    }

    pub(super) fn render(&self, head: &[String]) -> Page {
        let mut page = Page::default();
        for comment in head {
            page.comment("", comment);
        }
        page.line("version: 1", None);
        for kind in List::ALL {
            let Some(list) = self.0.get(&kind) else { continue };
            page.line("", None);
            let empty = list.entries.is_empty() && kind != List::Target;
            let key = kind.key();
            page.line(&if empty { format!("{key}: []") } else { format!("{key}:") }, Some(Part::List(kind)));
            for note in &list.notes {
                page.comment("  ", note);
            }
            if !list.notes.is_empty() && !list.entries.is_empty() {
                page.line("", None);
            }
            for (n, entry) in list.entries.iter().enumerate() {
                for note in &entry.notes {
                    page.comment("  ", note);
                }
                entry.render(kind, n, &mut page);
            }
        }
        let generated = if self.1 { self.variables_of(List::Users) } else { BTreeSet::new() };
        if !generated.is_empty() {
            page.line("", None);
            page.comment("", "With --vars-store FILE, those that nothing gives are generated.");
            page.line("variables:", None);
            for name in generated {
                page.line(&format!("  - {{name: {name}, type: password}}"), None);
            }
        }
        page
    }

    /// Takes refused parts out and says so in their places. Of each entry the first key only: what is refused of the
    /// others is found again when the rest is loaded, and their numbers are right then.
    pub(super) fn leave_out(&mut self, refused: BTreeMap<Part, String>, left_out: &mut Vec<String>) {
        let mut entries: BTreeMap<(List, usize), (usize, Vec<Refused>)> = BTreeMap::new();
        for (part, why) in refused {
            let (list, n, f, item) = match part {
                Part::List(list) => {
                    self.leave_out_list(list, &why, left_out);
                    return;
                }
                Part::Field(list, n, f) => (list, n, f, None),
                Part::Item(list, n, f, item) => (list, n, f, Some(item)),
            };
            let (first, parts) = entries.entry((list, n)).or_insert((f, Vec::new()));
            if f < *first {
                (*first, *parts) = (f, Vec::new());
            }
            if f == *first {
                parts.push(Refused { item, why });
            }
        }
        // From the back, so that the numbers of those in front stay.
        for ((list, n), (f, parts)) in entries.into_iter().rev() {
            if let Some(entries) = self.0.get_mut(&list) {
                entries.leave_out(list, n, f, parts, left_out);
            }
        }
    }

    /// A list that this manifest's version does not have.
    pub(super) fn leave_out_list(&mut self, list: List, why: &str, left_out: &mut Vec<String>) {
        let Some(entries) = self.0.remove(&list) else { return };
        let names: Vec<String> = entries.entries.iter().map(Entry::name).collect();
        let text = format!("`{}` ({why}): {}", list.key(), names.join(", "));
        if let Some(other) = self.0.values_mut().next_back() {
            other.notes.push(format!("Left out: {text}"));
        }
        left_out.push(text);
    }
}

/// A refused key (no item) or item of a list, and why.
pub(super) struct Refused {
    pub(super) item: Option<usize>,
    pub(super) why: String,
}

impl Entries {
    pub(super) fn leave_out(
        &mut self,
        list: List,
        n: usize,
        f: usize,
        parts: Vec<Refused>,
        left_out: &mut Vec<String>,
    ) {
        let Some(entry) = self.entries.get_mut(n) else { return };
        let Some(key) = entry.fields.get(f).map(|field| field.key) else { return };
        let mut say = |text: String, notes: &mut Vec<String>| {
            notes.push(format!("Left out: {text}"));
            left_out.push(text);
        };
        let from = entry.source.as_ref().map(|source| format!(" ({source})")).unwrap_or_default();
        let name = format!("{} {}{from}", list.noun(), entry.name());
        let why = |parts: &[Refused]| parts.first().map(|part| part.why.clone()).unwrap_or_default();
        // Without these the entry would speak about something else.
        let names_it = f == 0 && list != List::Target || key == "state" || key == "origin";
        if names_it {
            say(format!("{name}: {}", why(&parts)), &mut self.notes);
            let entry = self.entries.remove(n);
            self.notes.extend(entry.notes);
            return;
        }
        let exact = !entry.fields.iter().any(|field| field.key == "additive");
        let stays = list == List::Groups && key == "members" && exact;
        let so = if stays { "; the group is additive here, so that the member stays" } else { "" };
        let field = &mut entry.fields[f];
        // A group has exactly the mappings of its list, so it is all of them or none.
        let whole = key == "external_groups" || parts.iter().any(|part| part.item.is_none());
        if !whole {
            for Refused { item, why } in parts.iter().rev() {
                let what = match (&mut field.value, item) {
                    (Value::Items(items), Some(i)) if *i < items.len() => items.remove(*i).shown(),
                    (Value::Map(pairs), Some(i)) if *i < pairs.len() => {
                        let (name, value) = pairs.remove(*i);
                        format!("{}: {}", quoted(&name), visible(&value.to_string()))
                    }
                    _ => continue,
                };
                say(format!("`{key}` of {name}, {what}: {why}{so}"), &mut entry.notes);
            }
        }
        let empty = match &field.value {
            Value::Items(items) => items.is_empty(),
            Value::Map(pairs) => pairs.is_empty(),
            Value::Text(_) | Value::Variable(_) | Value::Flag(_) | Value::Number(_) | Value::Texts(_) => {
                false
            }
        };
        if whole || empty {
            let field = entry.fields.remove(f);
            if whole {
                let what = field.value.shown();
                say(format!("`{key}` of {name}, {what}: {}{so}", why(&parts)), &mut entry.notes);
            }
        }
        if stays {
            entry.fields.insert(1, Field { key: "additive", value: Value::Flag(true) });
        }
    }
}

impl Entry {
    /// What the entry is about.
    pub(super) fn name(&self) -> String {
        match self.fields.first().map(|field| &field.value) {
            Some(Value::Text(name)) => quoted(name),
            _ => String::new(),
        }
    }

    pub(super) fn render(&self, kind: List, n: usize, page: &mut Page) {
        for (f, field) in self.fields.iter().enumerate() {
            let dash = match kind {
                List::Target => "  ",
                _ if f == 0 => "  - ",
                _ => "    ",
            };
            let inner = if kind == List::Target { "    " } else { "      " };
            let part = Some(Part::Field(kind, n, f));
            let key = field.key;
            let value = match &field.value {
                Value::Text(text) => scalar(text),
                Value::Variable(name) => format!("(({name}))"),
                Value::Flag(flag) => flag.to_string(),
                Value::Number(number) => number.to_string(),
                Value::Texts(texts) => format!("[{}]", joined(texts.iter().map(|text| scalar(text)))),
                Value::Items(items) if items.is_empty() => "[]".to_owned(),
                Value::Items(items) => {
                    page.line(&format!("{dash}{key}:"), part);
                    for (i, item) in items.iter().enumerate() {
                        page.line(&format!("{inner}- {}", item.yaml()), Some(Part::Item(kind, n, f, i)));
                    }
                    continue;
                }
                Value::Map(pairs) => {
                    page.line(&format!("{dash}{key}:"), part);
                    for (i, (name, value)) in pairs.iter().enumerate() {
                        let line = format!("{inner}{}: {}", scalar(name), flow(value));
                        page.line(&line, Some(Part::Item(kind, n, f, i)));
                    }
                    continue;
                }
            };
            page.line(&format!("{dash}{key}: {value}"), part);
        }
    }
}

impl Item {
    pub(super) fn yaml(&self) -> String {
        match self {
            Self::Text(text) => scalar(text),
            Self::Map(pairs) => {
                let pairs = pairs.iter().map(|(key, text)| format!("{key}: {}", scalar(text)));
                format!("{{{}}}", joined(pairs))
            }
        }
    }

    pub(super) fn shown(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Map(pairs) => joined(pairs.iter().map(|(key, text)| format!("{key} {}", quoted(text)))),
        }
    }
}

impl Value {
    /// The value for a comment.
    pub(super) fn shown(&self) -> String {
        match self {
            Self::Text(text) => quoted(text),
            Self::Variable(name) => format!("(({name}))"),
            Self::Flag(flag) => flag.to_string(),
            Self::Number(number) => number.to_string(),
            Self::Texts(texts) => joined(texts.iter().map(|text| quoted(text))),
            Self::Items(items) => joined(items.iter().map(Item::shown)),
            Self::Map(pairs) => joined(pairs.iter().map(|(key, _)| quoted(key))),
        }
    }
}
