//! The filters that uaapply sends: comparisons with `eq` and `sw`, joined by `and` and `or`.

use serde_json::Value;

/// Alternatives, each of comparisons that must all hold.
pub(super) struct Filter(Vec<Vec<Term>>);

struct Term {
    attribute: String,
    begins: bool,
    value: String,
}

impl Filter {
    /// Reads a filter; nothing for what uaapply never sends.
    pub(super) fn parse(text: &str, attributes: &[&str]) -> Option<Self> {
        let mut rest = text;
        let mut alternatives = vec![Vec::new()];
        loop {
            let (attribute, after) = rest.split_once(' ')?;
            let (operator, after) = after.split_once(' ')?;
            let mut values = serde_json::Deserializer::from_str(after).into_iter::<Value>();
            let value = values.next()?.ok()?.as_str()?.to_owned();
            rest = &after[values.byte_offset()..];
            let attribute = attributes.iter().find(|known| known.eq_ignore_ascii_case(attribute))?;
            let begins = match operator.to_ascii_lowercase().as_str() {
                "eq" => false,
                // LIKE, of which the model plays no wildcard.
                "sw" if !value.contains(['%', '_']) => true,
                _ => return None,
            };
            let term = Term { attribute: (*attribute).to_owned(), begins, value: value.to_lowercase() };
            alternatives.last_mut()?.push(term);
            if rest.is_empty() {
                return Some(Self(alternatives));
            }
            rest = match rest.strip_prefix(" and ") {
                Some(rest) => rest,
                None => {
                    alternatives.push(Vec::new());
                    rest.strip_prefix(" or ")?
                }
            };
        }
    }

    /// Whether an object matches; texts compare ignoring case.
    pub(super) fn matches(&self, value: impl Fn(&str) -> Option<String>) -> bool {
        let holds = |term: &Term| {
            value(&term.attribute).is_some_and(|found| {
                let found = found.to_lowercase();
                if term.begins { found.starts_with(&term.value) } else { found == term.value }
            })
        };
        self.0.iter().any(|terms| terms.iter().all(holds))
    }
}
