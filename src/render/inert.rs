//! Texts that are not ours, inside Markdown: shown as they are, and nothing in them does anything.
//!
//! Code hosts read more than Markdown: `@name` notifies somebody, `#1`, `!1`, `~label`, a commit's digits and addresses
//! become links, `:word:` a picture. They read all of it in ordinary text, escaped or not, and none of it in code. So
//! whatever is not a plain word goes into code.

use crate::visible::visible;

/// Words of hexadecimal digits from this length on are taken for a commit's.
const COMMIT: usize = 7;

/// What a word may end with.
const ENDS: [&str; 8] = [",", ".", ":", ";", ")", ").", "),", "):"];

/// Returns a text as a code span.
pub(super) fn code(text: &str) -> String {
    let text = visible(text);
    if text.is_empty() {
        return "`\"\"`".to_owned();
    }
    let ticks = "`".repeat(longest_run(&text) + 1);
    // One blank on either side is taken away again, unless there is nothing else.
    let pad = if text.starts_with(['`', ' ']) || text.ends_with(['`', ' ']) { " " } else { "" };
    let pad = if text.chars().all(|c| c == ' ') { "" } else { pad };
    format!("{ticks}{pad}{text}{pad}{ticks}")
}

/// Returns a sentence: what stands in backticks as code, plain words as they are, everything else as code.
pub(super) fn prose(text: &str) -> String {
    let text = visible(text);
    let mut words: Vec<String> = Vec::new();
    let mut glue = false;
    for (n, part) in text.split('`').enumerate() {
        if n % 2 == 1 {
            push(&mut words, code(part), glue);
            glue = true;
            continue;
        }
        for (m, word) in part.split(' ').enumerate() {
            glue &= m == 0;
            if !word.is_empty() {
                push(&mut words, self::word(word), glue);
            }
            glue = false;
        }
        glue = !part.is_empty() && !part.ends_with(' ');
    }
    words.join(" ")
}

/// Adds a word, without a blank where there was none. Two code spans side by side would be one.
fn push(words: &mut Vec<String>, word: String, glue: bool) {
    match words.last_mut() {
        Some(last) if glue && !(last.ends_with('`') && word.starts_with('`')) => *last += &word,
        _ => words.push(word),
    }
}

fn word(word: &str) -> String {
    if matches!(word, "(" | "–" | "…") || ENDS.contains(&word) {
        return word.to_owned();
    }
    let (before, rest) = match word.strip_prefix('(') {
        Some(rest) => ("(", rest),
        None => ("", word),
    };
    let bare = rest.trim_end_matches([',', '.', ':', ';', ')']);
    let after = &rest[bare.len()..];
    let ends = after.is_empty() || ENDS.contains(&after);
    let letters = |text: &str| !text.is_empty() && text.chars().all(char::is_alphabetic);
    let number =
        bare.len() < COMMIT && bare.chars().all(|c| c.is_ascii_digit()) && !after.starts_with(['.', ')']);
    let commit = bare.len() >= COMMIT && bare.chars().all(|c| c.is_ascii_hexdigit());
    let plain = !bare.is_empty() && (number || !commit && bare.split(['\'', '’']).all(letters));
    // `(c)`, as other short marks, is a sign for some.
    if plain && !(before == "(" && bare.len() <= 2) && ends {
        return word.to_owned();
    }
    if bare.is_empty() || !ends {
        return code(word);
    }
    format!("{before}{}{after}", code(bare))
}

/// Returns a fence that nothing in these lines ends.
pub(super) fn fence(lines: &[String]) -> String {
    "`".repeat(lines.iter().map(|line| longest_run(line) + 1).max().unwrap_or_default().max(3))
}

/// Returns our own words as HTML.
pub(super) fn html(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;")
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_is_code_whatever_is_in_it() {
        for (text, shown) in [
            ("alana", "`alana`"),
            ("", "`\"\"`"),
            ("a`b", "``a`b``"),
            ("`", "`` ` ``"),
            (" a ", "`  a  `"),
            ("@root <b>&amp; [x](y)", "`@root <b>&amp; [x](y)`"),
            ("a\nb", "`a\\u{a}b`"),
        ] {
            assert_eq!(code(text), shown);
        }
    }

    #[test]
    fn a_sentence_keeps_its_plain_words() {
        for (text, shown) in [
            (
                "1 of 3 members would lose pks.clusters.manage.",
                "1 of 3 members would lose `pks.clusters.manage`.",
            ),
            (
                "Group `team` would lose all its 3 members, and nobody's left.",
                "Group `team` would lose all its 3 members, and nobody's left.",
            ),
            ("user `uaa/alana`, (`x`) and `y`: z", "user `uaa/alana`, (`x`) and `y`: z"),
            ("ask @root or #1, !2, deadbeef, GH-1", "ask `@root` or `#1`, `!2`, `deadbeef`, `GH-1`"),
            ("see https://evil.example.com/.", "see `https://evil.example.com/`."),
            ("1. a 2) b - c * d + e", "`1`. a `2`) b `-` c `*` d `+` e"),
            ("an `` empty name", "an `\"\"` empty name"),
            ("`a``b`", "`a` `b`"),
            (":smile: (c) (tm) <b>", "`:smile`: (`c`) (`tm`) `<b>`"),
        ] {
            assert_eq!(prose(text), shown);
        }
    }

    #[test]
    fn a_fence_is_longer_than_what_it_holds() {
        assert_eq!(fence(&[]), "```");
        assert_eq!(fence(&["a ```` b".to_owned(), "`".to_owned()]), "`````");
    }
}
