//! Texts and values as YAML that no reader takes for something else.

use std::fmt::Write as _;

use crate::visible::{ends_marker, is_invisible};

/// A JSON value on one line.
pub(super) fn flow(value: &serde_json::Value) -> String {
    match value {
        serde_json::Value::Null => "null".to_owned(),
        serde_json::Value::Bool(flag) => flag.to_string(),
        serde_json::Value::Number(number) => number.to_string(),
        serde_json::Value::String(text) => scalar(text),
        serde_json::Value::Array(items) => format!("[{}]", joined(items.iter().map(flow))),
        serde_json::Value::Object(pairs) => {
            let pairs = pairs.iter().map(|(key, value)| format!("{}: {}", scalar(key), flow(value)));
            format!("{{{}}}", joined(pairs))
        }
    }
}

/// A text as every reader of YAML 1.1 and 1.2 takes it, in a block or between brackets: bare where nothing can
/// misread it, in double quotes otherwise, with what does not show, and what a pipeline would take for a command, as an
/// escape.
pub(crate) fn scalar(text: &str) -> String {
    if is_plain(text) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for (at, c) in text.char_indices() {
        match c {
            '#' if ends_marker(text, at) => out.push_str("\\x23"),
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if is_invisible(c) => {
                let code = u32::from(c);
                let _ = match code {
                    0..=0xff => write!(out, "\\x{code:02x}"),
                    0x100..=0xffff => write!(out, "\\u{code:04x}"),
                    _ => write!(out, "\\U{code:08x}"),
                };
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// Tells whether nothing about a text can be taken for something else: it begins with a letter, holds no sign that
/// means something to YAML, and is no word that some reader takes for a boolean or nothing.
pub(super) fn is_plain(text: &str) -> bool {
    const WORDS: [&str; 10] = ["true", "false", "null", "yes", "no", "on", "off", "y", "n", "nil"];
    let fits = |c: char| {
        c.is_alphanumeric() && !is_invisible(c)
            || matches!(c, '_' | '-' | '.' | '@' | '+' | '/' | '=' | '\'' | '(' | ')' | '!' | ' ')
    };
    text.starts_with(|c: char| c.is_alphabetic() && !is_invisible(c))
        && text.chars().all(fits)
        && !text.ends_with(' ')
        && !WORDS.contains(&text.to_lowercase().as_str())
}

pub(super) fn joined(parts: impl Iterator<Item = String>) -> String {
    parts.collect::<Vec<_>>().join(", ")
}
