//! YAML that is no manifest, as values that know their lines: for `import`.
//!
//! Reads with the same parser and the same limits as manifests. Never decides what a key means, and nothing of such a
//! file is shown in an error: it holds secrets in places that only its own program knows.

use super::Problem;
use super::problem::{Drafts, Mark};
use super::source::{Kind, Texts, take};
use super::tree::{self, Node, Value};

/// A value and the line that it begins on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Foreign {
    /// From 1.
    pub(crate) line: usize,
    /// What it is.
    pub(crate) value: ForeignValue,
}

/// What a value is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum ForeignValue {
    /// Nothing.
    Null,
    /// A text; numbers and booleans are as they are written, `plain`.
    Text { text: String, plain: bool },
    /// A list.
    List(Vec<Foreign>),
    /// A map, in its order.
    Map(Vec<(String, Foreign)>),
}

impl Foreign {
    /// Returns what stands under a key.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|(name, _)| name == key).map(|(_, value)| value)
    }

    /// Returns the keys of a map; of anything else none.
    pub(crate) fn entries(&self) -> &[(String, Self)] {
        match &self.value {
            ForeignValue::Map(entries) => entries,
            ForeignValue::Null | ForeignValue::Text { .. } | ForeignValue::List(_) => &[],
        }
    }

    /// Returns the items of a list; of anything else none.
    pub(crate) fn items(&self) -> &[Self] {
        match &self.value {
            ForeignValue::List(items) => items,
            ForeignValue::Null | ForeignValue::Text { .. } | ForeignValue::Map(_) => &[],
        }
    }

    /// Returns a text, a number or a boolean as it is written.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.value {
            ForeignValue::Text { text, .. } => Some(text),
            ForeignValue::Null | ForeignValue::List(_) | ForeignValue::Map(_) => None,
        }
    }
}

/// Reads a text.
///
/// # Errors
/// What makes it no YAML.
pub(crate) fn parse(name: &str, text: &str) -> Result<Foreign, Vec<Problem>> {
    let (mut texts, mut drafts) = (Texts::default(), Drafts::default());
    take(name, text.as_bytes().to_vec(), Kind::Variables, &mut texts, &mut drafts);
    let root = tree::parse(&texts, 0, &mut drafts);
    texts.close(0, &mut drafts);
    let value = root.map(|node| foreign(node, &texts, None));
    let (errors, _) = drafts.finish(&texts, &[]);
    match value {
        Some(value) if errors.is_empty() => Ok(value),
        _ => Err(errors),
    }
}

fn foreign(node: Node, texts: &Texts, key: Option<Mark>) -> Foreign {
    let line = texts.line(key.unwrap_or(node.mark).at) + 1;
    let null = node.is_null();
    let value = match node.value {
        Value::Scalar { .. } if null => ForeignValue::Null,
        Value::Scalar { text, plain } => ForeignValue::Text { text, plain },
        Value::Seq(items) => {
            ForeignValue::List(items.into_iter().map(|item| foreign(item, texts, None)).collect())
        }
        Value::Map(entries) => ForeignValue::Map(
            entries
                .into_iter()
                .map(|entry| (entry.key, foreign(entry.node, texts, Some(entry.key_mark))))
                .collect(),
        ),
        Value::Secret(_) | Value::Broken => ForeignValue::Null,
    };
    Foreign { line, value }
}
