//! What is made at random: secrets and passwords, what they look like, and ids. Never decides which are needed, nor where
//! they go.

use std::ops::RangeInclusive;

use secrecy::SecretString;

/// How long one can be: UAA hashes with bcrypt, which takes 72 bytes.
pub(crate) const LENGTHS: RangeInclusive<usize> = 12..=72;

/// What they are made of: no character that a shell, an address or a form spells otherwise.
const ALPHABET: &[u8; 62] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

/// Generates one of letters and digits, some of each kind (what password policies ask for most), the first one a
/// letter.
///
/// # Errors
/// When the operating system gives no random bytes.
pub(crate) fn generate(length: usize) -> Result<SecretString, getrandom::Error> {
    loop {
        let mut text = String::with_capacity(length);
        while text.len() < length {
            let mut bytes = [0; 64];
            getrandom::fill(&mut bytes)?;
            // Bytes beyond the last whole multiple would make some characters likelier than others.
            let even = bytes.into_iter().map(usize::from).filter(|byte| *byte < 4 * ALPHABET.len());
            text.extend(
                even.map(|byte| char::from(ALPHABET[byte % ALPHABET.len()])).take(length - text.len()),
            );
        }
        let has = |kind: fn(&char) -> bool| text.chars().any(|c| kind(&c));
        if text.starts_with(|c: char| c.is_ascii_alphabetic())
            && has(char::is_ascii_lowercase)
            && has(char::is_ascii_uppercase)
            && has(char::is_ascii_digit)
        {
            return Ok(text.into());
        }
    }
}

/// Makes an id that no other run has.
///
/// # Errors
/// When the operating system gives no random bytes.
pub(crate) fn id() -> Result<String, getrandom::Error> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use secrecy::ExposeSecret as _;

    use super::*;

    #[test]
    fn generated_passwords_are_long_and_of_all_kinds_and_never_the_same() {
        let mut seen = BTreeSet::new();
        let mut characters = BTreeSet::new();
        for length in LENGTHS.cycle().take(2000) {
            let value = generate(length).expect("there are random bytes");
            let text = value.expose_secret();
            assert_eq!(text.len(), length);
            assert!(text.bytes().all(|byte| ALPHABET.contains(&byte)));
            assert!(text.starts_with(|c: char| c.is_ascii_alphabetic()));
            for kind in [char::is_ascii_lowercase, char::is_ascii_uppercase, char::is_ascii_digit] {
                assert!(text.chars().any(|c| kind(&c)));
            }
            characters.extend(text.chars());
            assert!(seen.insert(text.to_owned()));
        }
        assert_eq!(characters.len(), ALPHABET.len());
    }
}
