//! Ops files: what `-o` changes in the manifests before variables are put in, as in bosh.
//!
//! Decides what an operation looks like, and which of several manifests it is for: the first, in the order of their
//! names, that has its path. Errors point into the ops file, and so does whatever is wrong with what it put in.

use super::field::Decoder;
use super::mask::names_a_secret;
use super::patch::{self, Action, Miss, Optional};
use super::pointer::{self, Token};
use super::problem::{Draft, Drafts, Mark, nearest, quote};
use super::source::{Kind, Texts};
use super::store::says_nothing;
use super::tree::{self, Node, Value};

/// The keys of an operation.
const OPERATION: &[&str] = &["type", "path", "value", "absent", "error"];
const HELP: &str = "write `- {type: replace, path: /users/-, value: …}`";

/// Each operation looks through lists of the manifests.
const MAX_OPERATIONS: usize = 10_000;

/// One operation.
struct Op {
    path: Vec<Token>,
    /// The path as written, and where.
    written: String,
    mark: Mark,
    action: Action,
    /// What its author says when it fails.
    error: Option<String>,
}

/// Changes the manifests; `partly`: some of them could not be read, so that a path that is not there may be in those.
pub(super) fn apply(roots: &mut [(u32, Node)], partly: bool, texts: &Texts, drafts: &mut Drafts) {
    for file in texts.of_kind(Kind::Ops) {
        for op in read(texts, file, drafts) {
            let Err(miss) = one(roots, &op) else { continue };
            if partly {
                continue;
            }
            let (code, says) = match op.action {
                Action::Test(_) | Action::TestAbsent => ("failed-test", "the test of"),
                Action::Replace(_) | Action::Remove => ("no-such-path", "there is nothing at"),
            };
            let ending = if code == "failed-test" { " failed" } else { "" };
            let said = op.error.iter().map(|error| format!("the ops file says: {}", quote(error)));
            let help: Vec<String> = miss.help.into_iter().chain(said).collect();
            drafts.add(
                Draft::error(code, format!("{says} {}{ending}: {}", quote(&op.written), miss.what))
                    .at(op.mark)
                    .label(miss.what)
                    .also(miss.mark, "looked for here")
                    .maybe_help((!help.is_empty()).then(|| help.join("\n"))),
            );
        }
    }
}

/// Does one operation in the first manifest that has its path, else in the first where what is missing may be made.
fn one(roots: &mut [(u32, Node)], op: &Op) -> Result<(), Miss> {
    let mut furthest: Option<Miss> = None;
    for optional in [Optional::MustExist, Optional::May] {
        for (_, root) in roots.iter_mut() {
            match patch::apply(root, &op.path, &op.action, optional, op.mark) {
                // That it is not in one of them says nothing about the others.
                Ok(()) if matches!(op.action, Action::TestAbsent) => {}
                Ok(()) => return Ok(()),
                Err(miss) if matches!(op.action, Action::TestAbsent) => return Err(miss),
                Err(miss) if miss.optional => {}
                Err(miss) => {
                    if furthest.as_ref().is_none_or(|other| other.depth < miss.depth) {
                        furthest = Some(miss);
                    }
                }
            }
        }
    }
    furthest.map_or(Ok(()), Err)
}

/// Reads one ops file; what is wrong with one operation is said, and the others are done.
fn read(texts: &Texts, file: u32, drafts: &mut Drafts) -> Vec<Op> {
    if says_nothing(&texts.get(file).text) {
        return Vec::new();
    }
    let Some(root) = tree::parse(texts, file, drafts) else { return Vec::new() };
    match root.value {
        Value::Seq(items) if items.len() > MAX_OPERATIONS => {
            let what = format!("an ops file holds {} operations: more than {MAX_OPERATIONS}", items.len());
            drafts.add(
                Draft::error("too-large", what)
                    .at(root.mark)
                    .label("none of them was done")
                    .help("change the manifests themselves"),
            );
            Vec::new()
        }
        Value::Seq(items) => items.into_iter().filter_map(|node| operation(node, drafts)).collect(),
        _ if root.is_null() => Vec::new(),
        _ => {
            drafts.add(
                Draft::error(
                    "wrong-type",
                    format!("an ops file must be a list of operations, not {}", root.kind()),
                )
                .at(root.mark)
                .label("expected a list")
                .help(HELP),
            );
            Vec::new()
        }
    }
}

fn operation(node: Node, drafts: &mut Drafts) -> Option<Op> {
    let mark = node.mark;
    let mut cx = Decoder { drafts };
    let mut fields = cx.map(node, "an operation", OPERATION, HELP)?;
    let (kind, path) = (fields.take("type"), fields.take("path"));
    let (value, absent, error) = (fields.take("value"), fields.take("absent"), fields.take("error"));
    for (entry, key) in [(&kind, "type"), (&path, "path")] {
        if entry.is_none() {
            cx.drafts.add(
                Draft::error("missing-key", format!("an operation has no `{key}`"))
                    .at(mark)
                    .label(format!("`{key}` is missing"))
                    .help(HELP),
            );
        }
    }
    let path =
        path.and_then(|entry| Some((entry.node.mark, cx.plain(entry.node, "`path` of an operation")?)));
    let tokens = path.as_ref().and_then(|(mark, path)| match pointer::parse(path) {
        Ok(tokens) => Some(tokens),
        Err(why) => {
            cx.drafts.add(
                Draft::error("bad-path", format!("the path {} {why}", quote(path)))
                    .at(*mark)
                    .label("not a path")
                    .help("a path is `/users/0`, `/users/-`, `/users/username=alana/email`, `/users/username=alana/email?`"),
            );
            None
        }
    });
    // What is put where a secret belongs is one, whatever the key here is called.
    if let (Some(entry), Some(Token::Key { key, .. } | Token::Matching { key, .. })) =
        (&value, tokens.as_ref().and_then(|tokens| tokens.last()))
        && names_a_secret(key)
        && !matches!(&entry.node.value, Value::Scalar { text, .. } if super::placeholder::whole(text).is_some())
    {
        let Mark { at, defined } = entry.node.mark;
        [Some(at), defined].into_iter().flatten().for_each(|spot| cx.drafts.mask_to_line_end(spot));
    }
    let absent =
        absent.and_then(|entry| cx.boolean(Some(entry), "an operation")).is_some_and(|absent| absent.value);
    let error = error.and_then(|entry| cx.plain(entry.node, "`error` of an operation"));
    let kind = kind?;
    let kind_mark = kind.node.mark;
    let kind = cx.plain(kind.node, "`type` of an operation")?;
    let action = match (kind.as_str(), value) {
        ("replace", Some(value)) => Action::Replace(value.node),
        ("test", Some(value)) if !absent => Action::Test(value.node),
        ("test", None) if absent => Action::TestAbsent,
        ("remove", None) => Action::Remove,
        ("replace" | "test", None) => {
            cx.drafts.add(
                Draft::error("missing-key", format!("an operation of type {} has no `value`", quote(&kind)))
                    .at(mark)
                    .label("`value` is missing")
                    .help(HELP),
            );
            return None;
        }
        ("remove" | "test", Some(value)) => {
            let help = if kind == "test" {
                "write `value` or `absent: true`, not both"
            } else {
                "leave `value` away"
            };
            cx.drafts.add(
                Draft::error(
                    "needless-value",
                    format!("an operation of type {} takes no `value` here", quote(&kind)),
                )
                .at(value.key_mark)
                .label("not used")
                .help(help),
            );
            return None;
        }
        _ => {
            let near = nearest(&kind, ["replace", "remove", "test"]);
            cx.drafts.add(
                Draft::error("unsupported-type", format!("an operation cannot be of type {}", quote(&kind)))
                    .at(kind_mark)
                    .label("not an operation")
                    .help(match near {
                        Some(near) => format!("did you mean {}?", quote(near)),
                        None => "the operations are `replace`, `remove` and `test`".to_owned(),
                    }),
            );
            return None;
        }
    };
    let ((mark, written), path) = (path?, tokens?);
    if matches!((&action, path.last()), (Action::Remove, None | Some(Token::AfterLast)))
        || between(&action, &path)
    {
        cx.drafts.add(
            Draft::error(
                "bad-path",
                format!(
                    "the path {} names nothing that an operation of type {} can be about",
                    quote(&written),
                    quote(&kind)
                ),
            )
            .at(mark)
            .label("not one thing")
            .help("`-`, `:before` and `:after` are for `replace`; a whole manifest is not removed"),
        );
        return None;
    }
    Some(Op { path, written, mark, action, error })
}

/// Tells whether something else than a value to insert is to go between two items.
fn between(action: &Action, path: &[Token]) -> bool {
    let insert = match path.last() {
        Some(Token::Index { moves, .. } | Token::Matching { moves, .. }) => moves.between.is_some(),
        Some(Token::Key { .. } | Token::AfterLast) | None => false,
    };
    insert && !matches!(action, Action::Replace(_))
}
