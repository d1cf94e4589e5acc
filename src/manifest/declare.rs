//! `variables:` → what is generated when no source has it: names and lengths.
//!
//! Decides what can be declared: passwords, as BOSH does them. Their options may hold plain variables, but nothing that
//! is itself generated. Generates nothing; that is `store`.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry as Slot;

use super::decode::At;
use super::field::{Decoder, Rule};
use super::interpolate::Variables;
use super::placeholder;
use super::problem::{Draft, Drafts, Mark, nearest, quote};
use super::store::{DEFAULT_LENGTH, LENGTHS};
use super::tree::{Entry, Node, Value};

/// The keys of a declaration.
pub(super) const DECLARATION: &[&str] = &["name", "type", "options"];
/// The keys of `options`.
pub(super) const OPTIONS: &[&str] = &["length"];
/// What BOSH generates and this program does not.
const OF_BOSH: &[&str] = &["certificate", "rsa", "ssh", "user"];

/// A variable that is generated when no source has it.
#[derive(Debug)]
pub(super) struct Declared {
    /// How many characters it gets.
    pub(super) length: usize,
    /// Where it is declared.
    pub(super) mark: Mark,
}

/// A declaration whose options are not read yet.
struct Raw {
    name: At<String>,
    options: Option<Node>,
}

/// Takes `variables` out of all manifests, and tells the variables.
pub(super) fn declare(roots: &mut [(u32, Node)], variables: &mut Variables, drafts: &mut Drafts) {
    let mut raw = Vec::new();
    for (_, root) in roots {
        let Value::Map(entries) = &mut root.value else { continue };
        let Some(at) = entries.iter().position(|entry| entry.key == "variables") else { continue };
        let entry = entries.remove(at);
        let mut cx = Decoder { drafts };
        let items = cx.list(entry, "variables", "the manifest");
        raw.extend(items.into_iter().filter_map(|node| declaration(node, &mut cx)));
    }
    let mut marks: BTreeMap<String, Mark> = BTreeMap::new();
    let mut once = Vec::new();
    for one in raw {
        match marks.entry(one.name.value.clone()) {
            Slot::Vacant(slot) => {
                slot.insert(one.name.mark);
                once.push(one);
            }
            Slot::Occupied(first) => drafts.add(
                Draft::error(
                    "duplicate-variable",
                    format!("the variable {} is declared twice", quote(first.key())),
                )
                .at(one.name.mark)
                .label("the second time")
                .also(*first.get(), "the first time")
                .help("declare it once, in any of the files"),
            ),
        }
    }
    let mut declared = BTreeMap::new();
    for Raw { name, options } in once {
        let length = match options {
            None => DEFAULT_LENGTH,
            Some(options) => {
                length(&name.value, options, &marks, variables, drafts).unwrap_or(DEFAULT_LENGTH)
            }
        };
        declared.insert(name.value, Declared { length, mark: name.mark });
    }
    variables.declare(declared);
}

fn declaration(node: Node, cx: &mut Decoder<'_>) -> Option<Raw> {
    let help = "write `- {name: alana_password, type: password}`";
    let mark = node.mark;
    let mut fields = cx.map(node, "a variable", DECLARATION, help)?;
    let (name, kind, options) = (fields.take("name"), fields.take("type"), fields.take("options"));
    for (entry, key) in [(&name, "name"), (&kind, "type")] {
        if entry.is_none() {
            cx.drafts.add(
                Draft::error("missing-key", format!("a variable has no `{key}`"))
                    .at(mark)
                    .label(format!("`{key}` is missing"))
                    .help(help),
            );
        }
    }
    let name = cx.text(name, "a variable", Rule::Name);
    if let Some(name) =
        name.as_ref().filter(|name| !placeholder::is_name(&name.value) || name.value.contains('.'))
    {
        cx.drafts.add(
            Draft::error("bad-variable", format!("{} is no name of a variable", quote(&name.value)))
                .at(name.mark)
                .label("not a variable's name")
                .help("a name holds letters, digits, `_` and `-`"),
        );
        return None;
    }
    let of = name
        .as_ref()
        .map_or_else(|| "a variable".to_owned(), |name| format!("variable {}", quote(&name.value)));
    if let Some(kind) = cx.text(kind, &of, Rule::Name).filter(|kind| kind.value != "password") {
        let draft = Draft::error(
            "unsupported-type",
            format!("`type` of {of} cannot be {}: only passwords are generated here", quote(&kind.value)),
        )
        .at(kind.mark)
        .label("not `password`");
        cx.drafts.add(if OF_BOSH.contains(&kind.value.as_str()) {
            draft.help(
                "UAA's users and clients have no such values; a secret made elsewhere comes with --var-file",
            )
        } else {
            draft.maybe_help(
                nearest(&kind.value, ["password"]).map(|near| format!("did you mean {}?", quote(near))),
            )
        });
    }
    Some(Raw { name: name?, options: options.map(|entry: Entry| entry.node) })
}

fn length(
    name: &str,
    mut options: Node,
    declared: &BTreeMap<String, Mark>,
    variables: &mut Variables,
    drafts: &mut Drafts,
) -> Option<usize> {
    if let Some((other, mark)) = depends(&options, declared) {
        drafts.add(
            Draft::error(
                "cyclic-variable",
                format!("the options of the variable {} depend on {}", quote(name), quote(&other)),
            )
            .at(mark)
            .label("a generated value is not known yet")
            .also(declared[&other], format!("{} is generated too", quote(&other)))
            .help("write the number, or use a variable of -v or -l"),
        );
        return None;
    }
    variables.substitute(&mut options, drafts);
    let mut cx = Decoder { drafts };
    let what = format!("`options` of variable {}", quote(name));
    let entry = cx.map(options, &what, OPTIONS, "write `options: {length: 40}`")?.take("length")?;
    let Node { value, mark, .. } = &entry.node;
    match value {
        Value::Broken => return None,
        Value::Scalar { text, plain: true } => {
            if let Some(length) = text.parse().ok().filter(|length| LENGTHS.contains(length)) {
                return Some(length);
            }
        }
        Value::Scalar { .. } | Value::Secret(_) | Value::Seq(_) | Value::Map(_) => {}
    }
    drafts.add(
        Draft::error(
            "bad-length",
            format!("`length` of variable {} is no number that a password can have", quote(name)),
        )
        .at(if entry.node.is_null() { entry.key_mark } else { *mark })
        .label(format!("expected a number from {} to {}", LENGTHS.start(), LENGTHS.end()))
        .help("UAA can store no longer ones; shorter ones can be guessed"),
    );
    None
}

/// Returns the first declared variable that a tree names.
fn depends(node: &Node, declared: &BTreeMap<String, Mark>) -> Option<(String, Mark)> {
    match &node.value {
        Value::Scalar { text, .. } => placeholder::names(text)
            .into_iter()
            .map(|name| name.split('.').next().unwrap_or(name))
            .find(|name| declared.contains_key(*name))
            .map(|name| (name.to_owned(), node.mark)),
        Value::Seq(items) => items.iter().find_map(|item| depends(item, declared)),
        Value::Map(entries) => entries.iter().find_map(|entry| depends(&entry.node, declared)),
        Value::Secret(_) | Value::Broken => None,
    }
}
