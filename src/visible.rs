//! Texts of servers and manifests, made fit for a terminal: nothing in a name can forge a line, a colour or an order.

/// Returns `text` with control, bidi, zero-width and other invisible characters as escapes such as `\u{202e}`.
#[must_use]
pub fn visible(text: &str) -> String {
    let mut shown = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) { shown.extend(c.escape_unicode()) } else { shown.push(c) }
    }
    shown
}

/// Tells whether a terminal would show the character as anything but itself.
fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}'
            | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}'
            | '\u{feff}' | '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_could_forge_output_is_shown_as_an_escape() {
        assert_eq!(
            visible("a\u{1b}[31m\u{202e}b\u{200b}\r\n"),
            "a\\u{1b}[31m\\u{202e}b\\u{200b}\\u{d}\\u{a}"
        );
        assert_eq!(visible("Ünal+1!"), "Ünal+1!");
    }

    proptest! {
        #[test]
        fn no_text_makes_a_second_line_or_hides_anything(text in any::<String>()) {
            let shown = visible(&text);
            prop_assert_eq!(shown.lines().count().max(1), 1);
            prop_assert!(!shown.chars().any(is_hidden));
        }
    }
}
