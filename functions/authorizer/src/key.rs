//! The key in an `Authorization` header.

use std::fmt;

use sha2::{Digest as _, Sha256};

/// Characters of an API key: the API Gateway developer guide's page `api-key-file-format`.
const SHORTEST: usize = 20;
const LONGEST: usize = 128;

/// What could be one of API Gateway's keys. Its `Debug` does not show it.
#[derive(Clone, PartialEq, Eq)]
pub struct Key(String);

/// Why a header holds no key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum KeyFault {
    /// It is not `Bearer` with something behind it.
    #[error("no bearer token")]
    Scheme,
    /// It is shorter or longer than any key.
    #[error("the length of no key")]
    Length,
    /// It has a character that no bearer token has.
    #[error("a character of no key")]
    Character,
}

impl Key {
    /// Reads the header's value. The scheme's case does not count (RFC 9110, section 11.1).
    pub fn bearer(header: &str) -> Result<Self, KeyFault> {
        let (scheme, key) = header.split_once(' ').ok_or(KeyFault::Scheme)?;
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Err(KeyFault::Scheme);
        }
        let key = key.trim_start_matches(' ');
        if !key.bytes().all(is_allowed) {
            return Err(KeyFault::Character);
        }
        match key.len() {
            0 => Err(KeyFault::Scheme),
            SHORTEST..=LONGEST => Ok(Self(key.to_owned())),
            _ => Err(KeyFault::Length),
        }
    }

    /// The key itself.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// 16 hexadecimal digits that tell keys apart and do not lead back to them.
    pub fn digest(&self) -> String {
        let digest = Sha256::digest(&self.0);
        let first = digest.first_chunk().copied().unwrap_or_default();
        format!("{:016x}", u64::from_be_bytes(first))
    }
}

/// API Gateway states no alphabet for its keys; this is a bearer token's (RFC 6750, section 2.1).
/// Which of them is a key is API Gateway's own to say.
fn is_allowed(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte)
}

impl fmt::Debug for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Key({})", self.digest())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str = "abcdefghij0123456789";

    #[test]
    fn a_bearer_key_is_read() {
        for scheme in ["Bearer ", "bearer ", "BEARER   "] {
            let key = Key::bearer(&format!("{scheme}{KEY}")).unwrap();
            assert_eq!(key.as_str(), KEY);
        }
        for key in [
            "d0f1c3a2-7e51-4b6a-9c1e-8e2f5a7b9c0d".to_owned(),
            "sk-test.under_score~plus+slash/pad==".to_owned(),
            "x".repeat(128),
        ] {
            assert!(Key::bearer(&format!("Bearer {key}")).is_ok(), "{key}");
        }
    }

    #[test]
    fn what_is_no_key_is_refused() {
        use KeyFault::{Character, Length, Scheme};
        for (header, fault) in [
            (String::new(), Scheme),
            ("Bearer".to_owned(), Scheme),
            ("Bearer ".to_owned(), Scheme),
            (KEY.to_owned(), Scheme),
            (format!("Basic {KEY}"), Scheme),
            (format!("Bearer\t{KEY}"), Scheme),
            (format!(" Bearer {KEY}"), Scheme),
            (format!("Bearer{KEY}"), Scheme),
            ("Bearer abcdefghij012345678".to_owned(), Length),
            (format!("Bearer {}", "x".repeat(129)), Length),
            (format!("Bearer {KEY}, Bearer {KEY}"), Character),
            (format!("Bearer {KEY} "), Character),
            (format!("Bearer {KEY}\u{0}"), Character),
            (format!("Bearer {KEY}\r\nx-evil: 1"), Character),
            (format!("Bearer {KEY}é"), Character),
            (format!("Bearer \"{KEY}\""), Character),
        ] {
            assert_eq!(Key::bearer(&header), Err(fault), "{header:?}");
        }
    }

    #[test]
    fn a_digest_tells_keys_apart_and_does_not_show_them() {
        let key = |text: &str| Key::bearer(&format!("Bearer {text}")).unwrap();
        // printf %s abcdefghij0123456789 | sha256sum
        assert_eq!(key(KEY).digest(), "7ddccfc3e23baf04");
        assert_ne!(key(KEY).digest(), key("abcdefghij012345678a").digest());
        assert!(!format!("{:?}", key(KEY)).contains(KEY));
    }
}
