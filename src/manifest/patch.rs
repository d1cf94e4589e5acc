//! One operation on one tree: what its path finds there, and what becomes of it.
//!
//! Decides as bosh does (go-patch). A path that is not there changes nothing. Never chooses among several trees.

use std::collections::HashMap;

use super::pointer::{Moves, Side, Token};
use super::problem::{Mark, list, nearest, quote};
use super::tree::{Entry, Node, Value};

/// What is done at the end of a path.
#[derive(Clone, Debug)]
pub(super) enum Action {
    /// The value takes the place.
    Replace(Node),
    /// What is there goes away.
    Remove,
    /// What is there must be this.
    Test(Node),
    /// Nothing may be there.
    TestAbsent,
}

/// A path that leads nowhere in a tree, or to something else than expected.
#[derive(Clone, Debug)]
pub(super) struct Miss {
    /// How many parts of the path were found.
    pub(super) depth: usize,
    /// Only something is missing that need not exist.
    pub(super) optional: bool,
    /// Where it ends.
    pub(super) mark: Mark,
    /// What is not there.
    pub(super) what: String,
    /// What is there instead.
    pub(super) help: Option<String>,
}

/// How far an operation may go.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Optional {
    /// What may be missing must be there.
    MustExist,
    /// What may be missing is made.
    May,
}

/// Does an operation. `at` is the place of its path, which is where everything it makes stands.
pub(super) fn apply(
    root: &mut Node,
    path: &[Token],
    action: &Action,
    optional: Optional,
    at: Mark,
) -> Result<(), Miss> {
    let cx = Patch { path, action, optional, at };
    match path {
        [] => match action {
            Action::Replace(value) => {
                *root = value.clone();
                Ok(())
            }
            Action::Test(value) if same(root, value) => Ok(()),
            Action::Test(_) => Err(cx.differs(root, 0)),
            Action::Remove | Action::TestAbsent => {
                Err(cx.miss(0, root, "the whole manifest is there".to_owned()))
            }
        },
        [..] => cx.walk(root, 0),
    }
}

struct Patch<'a> {
    path: &'a [Token],
    action: &'a Action,
    optional: Optional,
    at: Mark,
}

impl Patch<'_> {
    fn walk(&self, node: &mut Node, depth: usize) -> Result<(), Miss> {
        let last = depth + 1 == self.path.len();
        if matches!(node.value, Value::Broken) {
            // That is an error of its own.
            return Ok(());
        }
        match &self.path[depth] {
            Token::Key { key, optional } => {
                let (kind, mark) = (node.kind(), node.mark);
                let Value::Map(entries) = &mut node.value else {
                    return Err(self.wrong(depth, mark, "a map", kind));
                };
                let Some(at) = entries.iter().position(|entry| entry.key == *key) else {
                    let keys = entries.iter().map(|entry| entry.key.as_str());
                    let help = (!optional).then(|| match nearest(key, keys.clone()) {
                        Some(near) => format!("the nearest key there is {}", quote(near)),
                        None if entries.is_empty() => "there are no keys at all".to_owned(),
                        None if entries.len() > SHOWN_KEYS => {
                            format!(
                                "the keys there are {} and {} more",
                                list(keys.take(SHOWN_KEYS)),
                                entries.len() - SHOWN_KEYS
                            )
                        }
                        None => format!("the keys there are {}", list(keys)),
                    });
                    let miss = Miss {
                        help,
                        ..self.missing(depth, mark, *optional, format!("there is no key {}", quote(key)))
                    };
                    let Some(made) = self.make(depth, *optional, miss)? else { return Ok(()) };
                    entries.push(Entry { key: key.clone(), key_mark: self.at, node: made });
                    return Ok(());
                };
                if !last {
                    return self.walk(&mut entries[at].node, depth + 1);
                }
                match self.action {
                    Action::Replace(value) => {
                        entries[at].node = value.clone();
                        entries[at].key_mark = self.at;
                    }
                    Action::Remove => drop(entries.remove(at)),
                    Action::Test(_) | Action::TestAbsent => self.test(&entries[at].node)?,
                }
                Ok(())
            }
            Token::Index { index, moves } => {
                let (kind, mark) = (node.kind(), node.mark);
                let Value::Seq(items) = &mut node.value else {
                    return Err(self.wrong(depth, mark, "a list", kind));
                };
                self.item(items, *index, *moves, depth, mark)
            }
            Token::AfterLast => {
                let (kind, mark) = (node.kind(), node.mark);
                let Value::Seq(items) = &mut node.value else {
                    return Err(self.wrong(depth, mark, "a list", kind));
                };
                match self.action {
                    Action::Replace(value) => items.push(value.clone()),
                    Action::TestAbsent => {}
                    Action::Remove | Action::Test(_) => {
                        return Err(self.missing(
                            depth,
                            mark,
                            false,
                            "there is nothing after the last item".to_owned(),
                        ));
                    }
                }
                Ok(())
            }
            Token::Matching { key, value, optional, moves } => {
                let (kind, mark) = (node.kind(), node.mark);
                let Value::Seq(items) = &mut node.value else {
                    return Err(self.wrong(depth, mark, "a list", kind));
                };
                let found: Vec<usize> =
                    (0..items.len()).filter(|at| matches(&items[*at], key, value)).collect();
                match found[..] {
                    [] => {
                        let values = items.iter().filter_map(|item| text_of(item, key));
                        let near = if *optional { None } else { nearest(value, values) };
                        let help = near
                            .map(|near| format!("the nearest one is {}", quote(&format!("{key}={near}"))));
                        let what = format!("no item has {} {}", quote(key), quote(value));
                        let miss = Miss { help, ..self.missing(depth, mark, *optional, what) };
                        let made = if last {
                            self.make(depth, *optional, miss)?
                        } else {
                            let own = Node::new(Value::Scalar { text: value.clone(), plain: false }, self.at);
                            let own = Entry { key: key.clone(), key_mark: self.at, node: own };
                            match self.make(depth, *optional, miss)? {
                                Some(Node { value: Value::Map(mut entries), mark, variable }) => {
                                    entries.insert(0, own);
                                    Some(Node { value: Value::Map(entries), mark, variable })
                                }
                                made => made,
                            }
                        };
                        items.extend(made);
                        Ok(())
                    }
                    [one] => {
                        self.item(items, isize::try_from(one).unwrap_or(isize::MAX), *moves, depth, mark)
                    }
                    [..] => {
                        let what = format!("{} items have {} {}", found.len(), quote(key), quote(value));
                        Err(self.missing(depth, mark, false, what))
                    }
                }
            }
        }
    }

    /// Goes on with one item of a list.
    fn item(
        &self,
        items: &mut Vec<Node>,
        index: isize,
        moves: Moves,
        depth: usize,
        mark: Mark,
    ) -> Result<(), Miss> {
        let wanted = index.saturating_add(moves.steps);
        let at =
            if wanted < 0 { items.len().checked_add_signed(wanted) } else { usize::try_from(wanted).ok() };
        let Some(at) = at.filter(|at| *at < items.len()) else {
            let count = items.len();
            let what = format!("there is no item {wanted} in a list of {count}");
            // For a test it is enough that it is not there.
            return if matches!(self.action, Action::TestAbsent) {
                Ok(())
            } else {
                Err(self.missing(depth, mark, false, what))
            };
        };
        if depth + 1 < self.path.len() {
            return self.walk(&mut items[at], depth + 1);
        }
        match (self.action, moves.between) {
            (Action::Replace(value), None) => items[at] = value.clone(),
            (Action::Replace(value), Some(Side::Before)) => items.insert(at, value.clone()),
            (Action::Replace(value), Some(Side::After)) => items.insert(at + 1, value.clone()),
            (Action::Remove, _) => drop(items.remove(at)),
            (Action::Test(_) | Action::TestAbsent, _) => self.test(&items[at])?,
        }
        Ok(())
    }

    /// Makes what is missing and need not exist; none when there is nothing to make.
    fn make(&self, depth: usize, optional: bool, miss: Miss) -> Result<Option<Node>, Miss> {
        let value = match self.action {
            Action::TestAbsent => return Ok(None),
            Action::Remove if optional && self.optional == Optional::May => return Ok(None),
            Action::Replace(value) if optional && self.optional == Optional::May => value,
            Action::Replace(_) | Action::Remove | Action::Test(_) => return Err(miss),
        };
        let Some(next) = self.path.get(depth + 1) else { return Ok(Some(value.clone())) };
        let empty = match next {
            Token::Key { .. } => Value::Map(Vec::new()),
            Token::AfterLast | Token::Matching { .. } => Value::Seq(Vec::new()),
            Token::Index { index, .. } => {
                let what = format!("there is no item {index} in a list that does not exist yet");
                return Err(Miss {
                    help: Some("append with `-`".to_owned()),
                    ..self.missing(depth, miss.mark, false, what)
                });
            }
        };
        let mut made = Node::new(empty, self.at);
        self.walk(&mut made, depth + 1)?;
        Ok(Some(made))
    }

    fn test(&self, found: &Node) -> Result<(), Miss> {
        match self.action {
            Action::Test(value) if !same(found, value) => Err(self.differs(found, self.path.len())),
            Action::TestAbsent => Err(self.miss(self.path.len(), found, "it is there".to_owned())),
            Action::Test(_) | Action::Replace(_) | Action::Remove => Ok(()),
        }
    }

    /// The value is not said: it may be a secret.
    fn differs(&self, found: &Node, depth: usize) -> Miss {
        self.miss(depth, found, "the value there is another".to_owned())
    }

    fn miss(&self, depth: usize, found: &Node, what: String) -> Miss {
        self.missing(depth, found.mark, false, what)
    }

    fn missing(&self, depth: usize, mark: Mark, optional: bool, what: String) -> Miss {
        Miss { depth, optional: optional && self.optional == Optional::MustExist, mark, what, help: None }
    }

    fn wrong(&self, depth: usize, mark: Mark, expected: &str, kind: &str) -> Miss {
        self.missing(depth, mark, false, format!("there is {kind}, not {expected}"))
    }
}

fn matches(item: &Node, key: &str, value: &str) -> bool {
    text_of(item, key) == Some(value)
}

fn text_of<'a>(item: &'a Node, key: &str) -> Option<&'a str> {
    let Value::Map(entries) = &item.value else { return None };
    let entry = entries.iter().find(|entry| entry.key == key)?;
    match &entry.node.value {
        Value::Scalar { text, .. } => Some(text),
        Value::Secret(_) | Value::Seq(_) | Value::Map(_) | Value::Broken => None,
    }
}

/// So many keys are named that could have been meant.
const SHOWN_KEYS: usize = 20;

/// Compares what two trees say.
fn same(a: &Node, b: &Node) -> bool {
    match (&a.value, &b.value) {
        (Value::Scalar { text: left, .. }, Value::Scalar { text: right, .. }) => {
            a.kind() == b.kind() && (left == right || a.is_null())
        }
        (Value::Seq(left), Value::Seq(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same(left, right))
        }
        (Value::Map(left), Value::Map(right)) => {
            let by_key: HashMap<&str, &Node> =
                right.iter().map(|entry| (entry.key.as_str(), &entry.node)).collect();
            left.len() == right.len()
                && left.iter().all(|one| by_key.get(&*one.key).is_some_and(|other| same(&one.node, other)))
        }
        _ => false,
    }
}
