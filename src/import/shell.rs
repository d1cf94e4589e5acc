//! A shell script → its simple commands, each with its line and its words.
//!
//! Decides where a command ends (line ends, `;`, `&&`, `|`, brackets), what belongs to it (continued lines, quotes) and
//! what does not (comments, redirections, here-documents). The words of a command are `shell-words`'. Runs nothing, and
//! knows a variable's value only where the script assigns it a plain text.

use std::collections::BTreeMap;
use std::iter::Peekable;
use std::str::Chars;

/// A simple command.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Command {
    /// The line that it begins on, from 1.
    pub(super) line: usize,
    /// Its words, without the assignments in front of them.
    pub(super) words: Vec<Word>,
}

/// One word.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Word {
    /// Its text, with known variables put in.
    pub(super) text: String,
    /// The first variable or command in it whose value is not known here, as the script writes it.
    pub(super) unknown: Option<String>,
}

/// What is wrong with a script.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Broken {
    /// The line.
    pub(super) line: usize,
    /// What.
    pub(super) why: &'static str,
}

/// Words that come in front of a command and change when it runs, not what it does.
const PREFIXES: [&str; 13] =
    ["if", "then", "else", "elif", "do", "while", "until", "!", "time", "sudo", "{", "command", "exec"];

/// Stand for the two ends of something that the shell would put a value in for, until the words are split.
const OPEN: char = '\u{e000}';
const CLOSE: char = '\u{e001}';

/// Reads a script.
pub(super) fn commands(text: &str) -> (Vec<Command>, Vec<Broken>) {
    let text: String = text.replace("\r\n", "\n").chars().filter(|c| !matches!(*c, OPEN | CLOSE)).collect();
    let mut scanner = Scanner { chars: text.chars().peekable(), line: 1, heredocs: Vec::new() };
    let (mut commands, mut broken) = (Vec::new(), Vec::new());
    let mut known: BTreeMap<String, String> = BTreeMap::new();
    while let Some(segment) = scanner.segment() {
        if segment.open {
            broken.push(Broken { line: segment.line, why: "a quote is not closed before the script ends" });
            continue;
        }
        let Ok(words) = shell_words::split(&segment.text) else {
            broken.push(Broken { line: segment.line, why: "this is not understood as a shell command" });
            continue;
        };
        let mut words: Vec<Word> = words.iter().map(|word| resolve(word, &known)).collect();
        let export = words.first().is_some_and(|word| matches!(&*word.text, "export" | "local" | "readonly"));
        let prefix = words.iter().take_while(|word| PREFIXES.contains(&word.text.as_str())).count();
        words.drain(..prefix.max(usize::from(export)));
        let assigned = words.iter().take_while(|word| assignment(&word.text).is_some()).count();
        if assigned == words.len() {
            for word in &words {
                let Some((name, value)) = assignment(&word.text) else { continue };
                match word.unknown {
                    None => known.insert(name.to_owned(), value.to_owned()),
                    Some(_) => known.remove(name),
                };
            }
            continue;
        }
        words.drain(..assigned);
        if matches!(words.first().map(|word| word.text.as_str()), Some("for" | "read" | "select"))
            && let Some(name) = words.get(1)
        {
            known.remove(&name.text);
        }
        if !words.is_empty() {
            commands.push(Command { line: segment.line, words });
        }
    }
    (commands, broken)
}

fn assignment(word: &str) -> Option<(&str, &str)> {
    let (name, value) = word.split_once('=')?;
    is_name(name).then_some((name, value))
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.chars().all(|c| c.is_ascii_alphanumeric() || c == '_')
}

/// Puts known variables in.
fn resolve(word: &str, known: &BTreeMap<String, String>) -> Word {
    let mut out = Word { text: String::new(), unknown: None };
    let mut rest = word;
    while let Some((before, after)) = rest.split_once(OPEN) {
        let (inside, after) = after.split_once(CLOSE).unwrap_or((after, ""));
        out.text.push_str(before);
        match known.get(inside) {
            Some(value) => out.text.push_str(value),
            None => {
                let shown =
                    if is_name(inside) { format!("${inside}") } else { "a shell expansion".to_owned() };
                out.unknown.get_or_insert(shown);
            }
        }
        rest = after;
    }
    out.text.push_str(rest);
    out
}

/// The text of one command.
struct Segment {
    line: usize,
    text: String,
    /// A quote in it is not closed.
    open: bool,
}

struct Scanner<'a> {
    chars: Peekable<Chars<'a>>,
    line: usize,
    /// The words that end here-documents which begin on the next line.
    heredocs: Vec<String>,
}

impl Scanner<'_> {
    fn next(&mut self) -> Option<char> {
        let c = self.chars.next()?;
        if c == '\n' {
            self.line += 1;
        }
        Some(c)
    }

    /// Returns the next command's text; empty ones are skipped.
    fn segment(&mut self) -> Option<Segment> {
        let mut segment = Segment { line: self.line, text: String::new(), open: false };
        loop {
            if segment.text.trim().is_empty() {
                segment.line = self.line;
            }
            let at_word = segment.text.is_empty() || segment.text.ends_with(char::is_whitespace);
            let Some(c) = self.next() else {
                return (!segment.text.trim().is_empty()).then_some(segment);
            };
            match c {
                '\\' => match self.next() {
                    // The line goes on, in the middle of a word too.
                    Some('\n') | None => {}
                    Some(c) => segment.text.extend(['\\', c]),
                },
                '\'' => self.single_quoted(&mut segment),
                '"' => self.double_quoted(&mut segment),
                '$' => self.expansion(&mut segment.text),
                '`' => {
                    while self.next().is_some_and(|c| c != '`') {}
                    segment.text.extend([OPEN, '`', CLOSE]);
                }
                '#' if at_word => {
                    while self.chars.peek().is_some_and(|c| *c != '\n') {
                        self.next();
                    }
                }
                '<' | '>' => self.redirection(c, &mut segment.text),
                '&' if self.chars.peek() == Some(&'>') => {}
                '\n' | ';' | '|' | '&' | '(' | ')' => {
                    if c == '\n' {
                        self.skip_heredocs();
                    }
                    if !segment.text.trim().is_empty() {
                        return Some(segment);
                    }
                    segment.text.clear();
                }
                c => segment.text.push(c),
            }
        }
    }

    fn single_quoted(&mut self, segment: &mut Segment) {
        segment.text.push('\'');
        loop {
            match self.next() {
                None => return segment.open = true,
                Some(c) => segment.text.push(c),
            }
            if segment.text.ends_with('\'') {
                return;
            }
        }
    }

    fn double_quoted(&mut self, segment: &mut Segment) {
        segment.text.push('"');
        loop {
            match self.next() {
                None => return segment.open = true,
                Some('"') => return segment.text.push('"'),
                Some('\\') => match self.next() {
                    Some('\n') | None => {}
                    Some(c) => segment.text.extend(['\\', c]),
                },
                Some('$') => self.expansion(&mut segment.text),
                Some('`') => {
                    while self.next().is_some_and(|c| c != '`') {}
                    segment.text.extend([OPEN, '`', CLOSE]);
                }
                Some(c) => segment.text.push(c),
            }
        }
    }

    /// Takes what follows a `$`.
    fn expansion(&mut self, out: &mut String) {
        match self.chars.peek().copied() {
            Some(bracket @ ('(' | '{')) => {
                let close = if bracket == '(' { ')' } else { '}' };
                let (mut depth, mut inside) = (0, String::new());
                while let Some(c) = self.next() {
                    if c == bracket {
                        depth += 1;
                    } else if c == close {
                        depth -= 1;
                    }
                    if depth == 0 {
                        break;
                    }
                    if c != bracket || depth > 1 {
                        inside.push(c);
                    }
                }
                let known = bracket == '{' && is_name(&inside);
                out.push(OPEN);
                out.push_str(if known { &inside } else { "(" });
                out.push(CLOSE);
            }
            Some(c) if c.is_ascii_alphabetic() || c == '_' => {
                out.push(OPEN);
                while let Some(c) = self.chars.next_if(|c| c.is_ascii_alphanumeric() || *c == '_') {
                    out.push(c);
                }
                out.push(CLOSE);
            }
            Some(c) if c.is_ascii_digit() || matches!(c, '@' | '*' | '#' | '?' | '$' | '!') => {
                self.next();
                out.extend([OPEN, c, CLOSE]);
            }
            // `$'…'` and `$"…"` are quotes; their escapes are not looked at.
            Some('\'' | '"') => {}
            _ => out.push('$'),
        }
    }

    /// Leaves a redirection and its file out.
    fn redirection(&mut self, first: char, out: &mut String) {
        // A number is the stream's only as a word of its own: `add user1>log` is about user1.
        let word = out.rfind(char::is_whitespace).map_or(0, |at| at + 1);
        if out[word..].bytes().all(|byte| byte.is_ascii_digit()) {
            out.truncate(word);
        }
        let mut operator = String::from(first);
        while let Some(c) = self.chars.next_if(|c| matches!(c, '<' | '>' | '&' | '-' | '|')) {
            operator.push(c);
        }
        while self.chars.next_if(|c| matches!(c, ' ' | '\t')).is_some() {}
        let mut word = String::new();
        while let Some(c) = self.chars.next_if(|c| !c.is_whitespace() && !matches!(c, ';' | '|' | '&' | ')'))
        {
            word.push(c);
        }
        if operator.starts_with("<<") && !operator.starts_with("<<<") {
            self.heredocs.push(word.chars().filter(|c| !matches!(c, '\'' | '"' | '\\')).collect());
        }
        out.push(' ');
    }

    fn skip_heredocs(&mut self) {
        for end in std::mem::take(&mut self.heredocs) {
            loop {
                let mut line = String::new();
                let mut any = false;
                while let Some(c) = self.next() {
                    any = true;
                    if c == '\n' {
                        break;
                    }
                    line.push(c);
                }
                if !any || line.trim_start_matches('\t') == end {
                    break;
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::commands;

    fn shown(text: &str) -> String {
        let (commands, broken) = commands(text);
        let mut out = String::new();
        for command in commands {
            let words = command.words.iter().map(|word| match &word.unknown {
                None => format!("[{}]", word.text),
                Some(unknown) => format!("[{} ?{unknown}]", word.text),
            });
            out += &format!("{}: {}\n", command.line, words.collect::<String>());
        }
        for broken in broken {
            out += &format!("{}! {}\n", broken.line, broken.why);
        }
        out
    }

    #[test]
    fn a_word_goes_on_over_the_end_of_a_line_and_ends_before_a_redirection() {
        assert_eq!(
            shown("uaac client add ci --authorities clients.read,\\\nclients.write\n"),
            "1: [uaac][client][add][ci][--authorities][clients.read,clients.write]\n"
        );
        assert_eq!(shown("uaac user add user1>/dev/null 2>&1\n"), "1: [uaac][user][add][user1]\n");
    }

    #[test]
    fn a_script_is_cut_into_commands_as_a_shell_does() {
        let script = r#"#!/bin/sh
# don't
set -e; NAME=bob DOMAIN="example.com"
uaac user add $NAME \
  --emails "$NAME@${DOMAIN}" -p 'x;y|$z #1' # the password
uaac a "two
lines" && uaac b>/dev/null 2>&1 || uaac c & uaac d
for u in x y; do uaac user delete $u; done
cat > f <<EOF
uaac not a command
EOF
uaac e $(cat "a b") `id` a\;b "a\"b" $'c' 2>&1
if ! uaac user get x; then uaac f; fi
PW=$(cat pw)
uaac g $PW cost$ \$x ""
"#;
        let cut = "\
3: [set][-e]
4: [uaac][user][add][bob][--emails][bob@example.com][-p][x;y|$z #1]
6: [uaac][a][two
lines]
7: [uaac][b]
7: [uaac][c]
7: [uaac][d]
8: [for][u][in][x][y]
8: [uaac][user][delete][ ?$u]
8: [done]
9: [cat]
12: [uaac][e][ ?a shell expansion][ ?a shell expansion][a;b][a\"b][c]
13: [uaac][user][get][x]
13: [uaac][f]
13: [fi]
15: [uaac][g][ ?$PW][cost$][$x][]
";
        assert_eq!(shown(script), cut);
    }

    #[test]
    fn a_quote_that_is_not_closed_is_said_with_its_line() {
        assert_eq!(
            shown("uaac a\nuaac b 'c\nuaac d\n"),
            "1: [uaac][a]\n2! a quote is not closed before the script ends\n"
        );
    }
}
