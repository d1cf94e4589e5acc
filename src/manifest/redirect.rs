//! Redirect URIs: which ones UAA takes.
//!
//! Decides as UAA's `UaaUrlUtils.isValidRegisteredRedirectUrl` does (facts §6.4), plus the comma, which 4.30 takes for
//! the end of one URI and 77.x refuses. Knows nothing of what a pattern matches.

/// Tells what is wrong with a redirect URI, if anything.
pub(super) fn wrong(uri: &str) -> Option<&'static str> {
    if uri.contains(',') {
        return Some("holds a comma, which UAA takes for the end of one URI");
    }
    if uri.chars().any(|c| c.is_control() || c.is_whitespace()) {
        return Some("holds a blank or a control character");
    }
    let Some((scheme, rest)) = uri.split_once("://") else {
        return Some("has no scheme: it must begin with `https://` or the like");
    };
    if !is_scheme(scheme) {
        return Some("has no scheme that UAA takes");
    }
    // Credentials may come before the host; UAA does not say where they end.
    let hosts = std::iter::once(rest).chain(
        rest.match_indices('@').filter(|(at, _)| rest[..*at].contains(':')).map(|(at, _)| &rest[at + 1..]),
    );
    if hosts.into_iter().any(is_host_and_path) {
        None
    } else {
        Some("has no host that UAA takes: `*` may stand for a subdomain, not for the last two labels")
    }
}

fn is_scheme(scheme: &str) -> bool {
    scheme.starts_with(|c: char| c.is_ascii_alphabetic())
        && scheme.chars().all(|c| c.is_ascii_alphanumeric() || matches!(c, '+' | '*' | '-' | '.'))
}

fn is_host_and_path(text: &str) -> bool {
    let authority = text.split_once('/').map_or(text, |(authority, _)| authority);
    let host = match authority.split_once(':') {
        Some((host, port)) if !port.is_empty() && port.chars().all(|c| c.is_ascii_digit()) => host,
        Some(_) => return false,
        None => authority,
    };
    let labels: Vec<&str> = host.split('.').collect();
    labels.iter().rev().enumerate().all(|(from_end, label)| {
        !label.is_empty()
            && label.chars().all(|c| {
                c.is_ascii_alphanumeric()
                    || c == '-'
                    || (from_end >= 1 && c == '_')
                    || (from_end >= 2 && c == '*')
            })
    })
}

#[cfg(test)]
mod tests {
    use super::wrong;

    #[test]
    fn what_uaa_takes_for_a_redirect_uri_is_right() {
        for uri in [
            "https://app.example.com/callback",
            "http://localhost:8080/**",
            "http*://*.example.com/**",
            "https://a_b.example.com",
            "https://x_y.com/",
            "https://user:pw@example.com/x",
            "myapp://callback",
            "cf-cli.v2://host/*?x=1",
        ] {
            assert_eq!(wrong(uri), None, "{uri}");
        }
        for uri in [
            "",
            "example.com/callback",
            "/callback",
            "https://",
            "https://*",
            "https://*.com/",
            "https://a.b_c/",
            "https://a..b/",
            "https://example.com:/",
            "https://example.com:80x/",
            "https://example.com?x=1",
            "1a://example.com",
            "urn:ietf:wg:oauth:2.0:oob",
            "https://a.com,https://b.com",
            "https://a.com/x y",
            "https://user@example.com/",
        ] {
            assert!(wrong(uri).is_some(), "{uri}");
        }
    }
}
