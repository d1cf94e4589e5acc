//! Paths of ops files, `/users/username=alana/email?`, as bosh reads them (go-patch).
//!
//! Decides the syntax only; what a path finds is decided by `patch`.

/// One part of a path.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Token {
    /// `/key`: the value of a key.
    Key {
        /// The key.
        key: String,
        /// It need not exist.
        optional: bool,
    },
    /// `/0`, `/-1`: an item by number; negative ones count from the end.
    Index {
        /// The number.
        index: isize,
        /// Where to go from there.
        moves: Moves,
    },
    /// `/-`: after the last item.
    AfterLast,
    /// `/name=value`: the one item that is a map with this key and value.
    Matching {
        /// The key.
        key: String,
        /// Its value.
        value: String,
        /// It need not exist.
        optional: bool,
        /// Where to go from there.
        moves: Moves,
    },
}

/// `:prev`, `:next`, `:before`, `:after`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Moves {
    /// So many items further; back when negative.
    pub(super) steps: isize,
    /// Between two items, not onto one.
    pub(super) between: Option<Side>,
}

/// A side of an item.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Side {
    Before,
    After,
}

/// No manifest is nested as deep as this.
const MOST_PARTS: usize = 60;

/// Reads a path; the root is an empty one. The error fits behind "the path … ".
pub(super) fn parse(path: &str) -> Result<Vec<Token>, String> {
    if path.is_empty() {
        return Ok(Vec::new());
    }
    let Some(path) = path.strip_prefix('/') else { return Err("does not begin with `/`".to_owned()) };
    let parts: Vec<&str> = path.split('/').collect();
    if parts.len() > MOST_PARTS {
        return Err(format!("has more than {MOST_PARTS} parts"));
    }
    let mut optional = false;
    let mut tokens = Vec::with_capacity(parts.len());
    for (at, part) in parts.iter().enumerate() {
        let last = at + 1 == parts.len();
        let (part, moves) = moves(part)?;
        let stays = moves == Moves::default();
        if moves.between.is_some() && !last {
            return Err("goes on behind `:before` or `:after`".to_owned());
        }
        if last && part == "-" {
            if !stays {
                return Err("has `:` behind `-`".to_owned());
            }
            tokens.push(Token::AfterLast);
            continue;
        }
        if let Ok(index) = part.parse() {
            tokens.push(Token::Index { index, moves });
            continue;
        }
        // What comes behind something optional is optional too.
        let part = part.strip_suffix('?').inspect(|_| optional = true).unwrap_or(part);
        if let Some((key, value)) = part.split_once('=') {
            let (key, value) = (unescaped(key), unescaped(value));
            tokens.push(Token::Matching { key, value, optional, moves });
        } else if stays {
            tokens.push(Token::Key { key: unescaped(part), optional });
        } else {
            return Err("has `:prev`, `:next`, `:before` or `:after` behind a key; they go with items of lists (a `:` in a name is `~7`)".to_owned());
        }
    }
    Ok(tokens)
}

fn moves(part: &str) -> Result<(&str, Moves), String> {
    let mut pieces = part.split(':');
    let name = pieces.next().unwrap_or_default();
    let mut moves = Moves::default();
    for piece in pieces {
        if moves.between.is_some() {
            return Err("goes on behind `:before` or `:after`".to_owned());
        }
        match piece {
            "prev" => moves.steps -= 1,
            "next" => moves.steps += 1,
            "before" => moves.between = Some(Side::Before),
            "after" => moves.between = Some(Side::After),
            _ => return Err("has something else than `prev`, `next`, `before` or `after` behind a `:` (a `:` in a name is `~7`)".to_owned()),
        }
    }
    Ok((name, moves))
}

/// Reads RFC 6901's escapes and bosh's own.
fn unescaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('~') {
        out.push_str(&rest[..at]);
        let mut chars = rest[at + 1..].chars();
        let meant = match chars.next() {
            Some('0') => '~',
            Some('1') => '/',
            Some('2') => '?',
            Some('3') => '=',
            Some('7') => ':',
            _ => {
                out.push('~');
                rest = &rest[at + 1..];
                continue;
            }
        };
        out.push(meant);
        rest = chars.as_str();
    }
    out.push_str(rest);
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn key(key: &str, optional: bool) -> Token {
        Token::Key { key: key.to_owned(), optional }
    }

    fn matching(key: &str, value: &str, optional: bool, moves: Moves) -> Token {
        Token::Matching { key: key.to_owned(), value: value.to_owned(), optional, moves }
    }

    #[test]
    fn a_path_is_no_deeper_than_a_manifest() {
        assert!(parse(&"/a?".repeat(MOST_PARTS)).is_ok());
        assert!(parse(&"/a?".repeat(MOST_PARTS + 1)).is_err());
    }

    #[test]
    fn paths_are_read_as_bosh_does() {
        let stay = Moves::default();
        let after = Moves { steps: -1, between: Some(Side::After) };
        for (path, tokens) in [
            ("", vec![]),
            ("/", vec![key("", false)]),
            ("/a/b", vec![key("a", false), key("b", false)]),
            ("/a?/b/-", vec![key("a", true), key("b", true), Token::AfterLast]),
            ("/-/a", vec![key("-", false), key("a", false)]),
            ("/a/0", vec![key("a", false), Token::Index { index: 0, moves: stay }]),
            ("/a/-1:prev:after", vec![key("a", false), Token::Index { index: -1, moves: after }]),
            ("/u/name=x/c", vec![key("u", false), matching("name", "x", false, stay), key("c", false)]),
            ("/u/name=x?/c", vec![key("u", false), matching("name", "x", true, stay), key("c", true)]),
            ("/u/name=x?:prev:after", vec![key("u", false), matching("name", "x", true, after)]),
            ("/g/group=cn=a,ou=b", vec![key("g", false), matching("group", "cn=a,ou=b", false, stay)]),
            ("/a~1b~0c~2~3~7/x~01/~9~", vec![key("a/b~c?=:", false), key("x~1", false), key("~9~", false)]),
        ] {
            assert_eq!(parse(path).as_deref(), Ok(&tokens[..]), "{path}");
        }
        for path in [
            "a",
            "/a:prev",
            "/a/0:last",
            "/a/-:after",
            "/a/0:before:next",
            "/a/0:before/b",
            "/a/name=x:after:after",
        ] {
            assert!(parse(path).is_err(), "{path}");
        }
    }
}
