//! `((name))` in a text: what is one, and what only looks like one. As in bosh.

/// A stretch of a text.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Piece<'a> {
    Text(&'a str),
    Name(&'a str),
}

/// Tells whether a text looks as if a placeholder were in it.
pub(super) fn leftover(text: &str) -> bool {
    text.find("((").is_some_and(|at| text[at + 2..].contains("))"))
}

/// Returns the name when a text is one placeholder and nothing else.
pub(crate) fn whole(text: &str) -> Option<&str> {
    let name = text.strip_prefix("((")?.strip_suffix("))")?;
    let name = unmarked(name);
    is_name(name).then_some(name)
}

/// Takes off the `!` of `((!name))`, which means nothing any more, in bosh neither.
fn unmarked(name: &str) -> &str {
    name.strip_prefix('!').unwrap_or(name)
}

/// Tells whether a text can be a variable's name.
pub(super) fn is_name(name: &str) -> bool {
    !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | '.'))
}

/// Lists the variables that a text names.
pub(super) fn names(text: &str) -> Vec<&str> {
    let pieces = pieces(text).unwrap_or_default().into_iter();
    pieces.filter_map(|piece| if let Piece::Name(name) = piece { Some(name) } else { None }).collect()
}

/// Splits a text at its placeholders; `None` when something that looks like one is none.
pub(super) fn pieces(text: &str) -> Option<Vec<Piece<'_>>> {
    let mut out = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("((") {
        let Some(len) = rest[at..].find("))") else { break };
        let name = unmarked(&rest[at + 2..at + len]);
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
        assert_eq!((whole("((!a))"), pieces("((!a))")), (Some("a"), Some(vec![Piece::Name("a")])));
        for text in ["((a b))", "((!))", "((!!a))", "(())", "(((a)))", "((a)", "(( a ))"] {
            assert_eq!(whole(text), None, "{text}");
        }
        for text in ["((a b))", "((a!))", "(())", "(((a)))"] {
            assert_eq!(pieces(text), None, "{text}");
        }
        assert!(leftover("x ((a b)) y") && !leftover("a)) ((b"));
    }
}
