//! Makes texts from a server or a manifest safe to print.
//!
//! A name can hold an escape sequence, a line break or a right-to-left override, and so forge lines, colours or the
//! order of letters in what a reviewer reads. Everything that was not written by us passes through here, once.
//!
//! Pipelines read along: GitHub Actions takes a line that begins with `::` and whatever begins with `##[` anywhere for
//! a command, other services `##word[`. No such thing comes from a name either.

/// Characters that std's `escape_debug` leaves alone although nothing shows where they stand.
const INVISIBLE: &[std::ops::RangeInclusive<char>] = &[
    '\u{034f}'..='\u{034f}',   // combining grapheme joiner
    '\u{115f}'..='\u{1160}',   // Hangul fillers
    '\u{17b4}'..='\u{17b5}',   // Khmer inherent vowels
    '\u{180b}'..='\u{180f}',   // Mongolian variation selectors
    '\u{2800}'..='\u{2800}',   // blank Braille pattern
    '\u{3164}'..='\u{3164}',   // Hangul filler
    '\u{fe00}'..='\u{fe0f}',   // variation selectors
    '\u{ffa0}'..='\u{ffa0}',   // halfwidth Hangul filler
    '\u{fff9}'..='\u{fffc}',   // interlinear annotation, object replacement
    '\u{e0000}'..='\u{e0fff}', // tags, more variation selectors
];

/// Tells whether a character would not show, or would change how others show: controls, format and bidi characters,
/// zero-width ones, spaces other than U+0020, private and unassigned code points.
pub(crate) fn is_invisible(c: char) -> bool {
    if c.is_ascii() {
        return c.is_ascii_control();
    }
    // `str::escape_debug` escapes a combining mark only at the start of a text, so the letter in front leaves just
    // the characters that Unicode calls unprintable.
    let mut behind_a_letter = String::from('a');
    behind_a_letter.push(c);
    INVISIBLE.iter().any(|range| range.contains(&c)) || behind_a_letter.escape_debug().nth(1) == Some('\\')
}

/// Returns the text with every invisible character as `\u{202e}`, so that it is one line and shows all it has.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for (at, c) in text.char_indices() {
        push(&mut shown, c, ends_marker(text, at));
    }
    shown
}

/// The same for a text with which a line may begin.
#[must_use]
pub fn line(text: &str) -> String {
    let shown = visible(text);
    match shown.trim_start().strip_prefix("::") {
        Some(rest) => format!("\\u{{3a}}:{rest}"),
        None => shown,
    }
}

fn push(shown: &mut String, c: char, escape: bool) {
    if escape || is_invisible(c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
}

/// Tells whether here is the second `#` of what a pipeline would take for a command.
pub(crate) fn ends_marker(text: &str, at: usize) -> bool {
    text[..at].ends_with('#')
        && text[at..]
            .strip_prefix('#')
            .is_some_and(|rest| rest.starts_with(|c: char| c == '[' || c.is_ascii_alphabetic()))
}

fn has_marker(text: &str) -> bool {
    text.match_indices('#').any(|(at, _)| ends_marker(text, at))
}

/// Returns a name as it may stand in a line with other things: as it is where it is made of ordinary characters
/// only, quoted otherwise, so that a space or a comma inside it cannot look like the line's own.
#[must_use]
pub fn name(text: &str) -> String {
    let plain = |c: char| {
        c.is_alphanumeric() && !is_invisible(c)
            || c.is_ascii_graphic() && !matches!(c, '"' | '\\' | ',' | ';')
    };
    let dn = text.contains('=') && !text.contains(' ');
    let command = text.starts_with("::") || has_marker(text);
    if !text.is_empty() && !command && text.chars().all(|c| plain(c) || dn && c == ',') {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// Returns a text between double quotes.
#[must_use]
pub fn quoted(text: &str) -> String {
    let mut shown = String::with_capacity(text.len() + 2);
    shown.push('"');
    for (at, c) in text.char_indices() {
        if matches!(c, '"' | '\\') {
            shown.push('\\');
        }
        push(&mut shown, c, ends_marker(text, at));
    }
    shown.push('"');
    shown
}

/// Returns a word as it can be typed into a shell: bare, in single quotes, or (with invisible characters) as `$'…'`.
#[must_use]
pub fn shell(word: &str) -> String {
    use std::fmt::Write as _;

    if word.chars().any(is_invisible) || has_marker(word) {
        let mut shown = String::from("$'");
        for (at, c) in word.char_indices() {
            match c {
                '#' if ends_marker(word, at) => shown += "\\x23",
                '\'' | '\\' => {
                    shown.push('\\');
                    shown.push(c);
                }
                c if is_invisible(c) && u32::from(c) <= 0xffff => {
                    let _ = write!(shown, "\\u{:04x}", u32::from(c));
                }
                c if is_invisible(c) => {
                    let _ = write!(shown, "\\U{:08x}", u32::from(c));
                }
                c => shown.push(c),
            }
        }
        shown.push('\'');
        return shown;
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Tells whether a text is one plain word for every shell: what a server says may be shown in a command to copy only
/// then.
#[must_use]
pub fn is_shell_word(text: &str) -> bool {
    !text.is_empty()
        && text.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-' | ':' | '/'))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn ordinary_names_in_any_script_are_left_alone() {
        for text in ["alana", "Zoë", "Zoe\u{308}", "Ольга", "山田 太郎", "o'neil+x@example.com", "שלום"]
        {
            assert_eq!(visible(text), text);
        }
    }

    #[test]
    fn what_does_not_show_is_shown() {
        for (text, shown) in [
            ("a\u{1b}[31mb", r"a\u{1b}[31mb"),
            ("a\r\nb", r"a\u{d}\u{a}b"),
            ("a\u{202e}b", r"a\u{202e}b"),
            ("a\u{200b}b\u{feff}", r"a\u{200b}b\u{feff}"),
            ("a\u{a0}b\u{3000}", r"a\u{a0}b\u{3000}"),
            ("a\u{9b}31m", r"a\u{9b}31m"),
            ("a\u{2028}b", r"a\u{2028}b"),
            ("a\u{fe0f}\u{3164}\u{e0041}", r"a\u{fe0f}\u{3164}\u{e0041}"),
        ] {
            assert_eq!(visible(text), shown);
        }
    }

    #[test]
    fn a_name_that_could_be_taken_for_several_is_quoted() {
        assert_eq!(name("uaa/alana"), "uaa/alana");
        assert_eq!(name("g/ldap/cn=a,ou=b"), "g/ldap/cn=a,ou=b");
        assert_eq!(name("a   pks.yml:1"), r#""a   pks.yml:1""#);
        assert_eq!(name("a, b"), r#""a, b""#);
        assert_eq!(name(r#"a"\"#), r#""a\"\\""#);
        assert_eq!(name(""), r#""""#);
    }

    #[test]
    fn a_word_for_the_shell_comes_back_as_it_was() {
        assert_eq!(shell("escalates:uaa.admin/uaa/alana"), "'escalates:uaa.admin/uaa/alana'");
        assert_eq!(shell("o'neil $HOME"), r"'o'\''neil $HOME'");
        assert_eq!(shell("a\u{202e}'\u{e0041}"), r"$'a\u202e\'\U000e0041'");
        assert_eq!(shell("a##[error]b"), r"$'a#\x23[error]b'");
    }

    #[test]
    fn nothing_is_a_command_to_a_pipeline() {
        assert_eq!(visible("a##[error]b ##vso[x]"), r"a#\u{23}[error]b #\u{23}vso[x]");
        assert_eq!(visible("## heading #1 ###"), "## heading #1 ###");
        assert_eq!(name("::add-mask::admin"), r#""::add-mask::admin""#);
        assert_eq!(name("a##[error]b"), r#""a#\u{23}[error]b""#);
        assert_eq!(line(" ::error::x"), r"\u{3a}:error::x");
        assert_eq!(line("a::b"), "a::b");
    }

    proptest! {
        #[test]
        fn nothing_invisible_is_ever_left(text in any::<String>()) {
            for shown in [visible(&text), name(&text), quoted(&text), shell(&text)] {
                prop_assert!(!shown.chars().any(is_invisible), "{shown:?}");
                prop_assert_eq!(shown.lines().count().max(1), 1);
            }
        }
    }
}
