//! Percent-encoding, for path segments and for queries.

use std::fmt::Write as _;

/// Encodes one path segment: everything but unreserved characters, as UAA's DNs need it (facts §5).
pub(super) fn segment(text: &str) -> String {
    let mut encoded = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => {
                encoded.push(char::from(byte))
            }
            byte => write!(encoded, "%{byte:02X}").expect("a string takes what is written: invariant"),
        }
    }
    encoded
}

/// Encodes a query's value.
pub(super) fn query(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dn_is_one_segment() {
        assert_eq!(segment("cn=a b,dc=x/ü"), "cn%3Da%20b%2Cdc%3Dx%2F%C3%BC");
    }
}
