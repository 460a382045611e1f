//! From the tokens of a byte-level vocabulary to text. A token is a run of bytes, which need not
//! end where a character ends.

/// The bytes behind an entry of a byte-level vocabulary, in which printable characters stand for
/// themselves and each other byte for a character from U+0100 on. `None` for an entry with a
/// character that stands for no byte (GPT-2's `bytes_to_unicode`).
#[must_use]
pub fn bytes_of(entry: &str) -> Option<Vec<u8>> {
    entry.chars().map(byte_of).collect()
}

fn byte_of(character: char) -> Option<u8> {
    let stands_for_itself = |byte: u8| matches!(byte, b'!'..=b'~' | 0xA1..=0xAC | 0xAE..=0xFF);
    match u8::try_from(u32::from(character)) {
        Ok(byte) => stands_for_itself(byte).then_some(byte),
        Err(_) => {
            let nth = u32::from(character).checked_sub(0x100)?;
            (0..=u8::MAX)
                .filter(|&byte| !stands_for_itself(byte))
                .nth(usize::try_from(nth).ok()?)
        }
    }
}

/// Puts bytes together to text and holds a character back until it is whole.
#[derive(Debug, Default)]
pub struct Assembler {
    pending: Vec<u8>,
}

impl Assembler {
    /// The text that is certain after these bytes. Bytes that can never become a character are
    /// U+FFFD.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let mut text = String::new();
        loop {
            let (valid, broken) = match std::str::from_utf8(&self.pending) {
                Ok(whole) => (whole.len(), None),
                Err(error) => (error.valid_up_to(), error.error_len()),
            };
            text.push_str(&String::from_utf8_lossy(
                self.pending.get(..valid).unwrap_or_default(),
            ));
            self.pending.drain(..valid + broken.unwrap_or(0));
            if broken.is_none() {
                return text;
            }
            text.push(char::REPLACEMENT_CHARACTER);
        }
    }

    /// U+FFFD when generation ended within a character, else nothing.
    #[must_use]
    pub fn finish(self) -> String {
        String::from_utf8_lossy(&self.pending).into_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pieces: &[&[u8]], expected: &[&str]) {
        let mut assembler = Assembler::default();
        let mut texts: Vec<String> = pieces.iter().map(|piece| assembler.push(piece)).collect();
        texts.push(assembler.finish());
        assert_eq!(texts, expected, "{pieces:?}");
    }

    #[test]
    fn a_character_comes_when_it_is_whole() {
        check(&[b"a\xC3", b"\xA9b"], &["a", "éb", ""]);
        check(&[b"\xF0", b"\x9F\x98", b"\x80"], &["", "", "😀", ""]);
    }

    #[test]
    fn bytes_that_are_no_character_are_replaced() {
        check(&[b"a\xFFb"], &["a\u{FFFD}b", ""]);
        check(&[b"\xC3", b"("], &["", "\u{FFFD}(", ""]);
        check(&[b"a\xE2\x82"], &["a", "\u{FFFD}"]);
    }

    #[test]
    fn the_vocabulary_stands_for_each_byte_once() {
        let mut seen: Vec<u8> = (0..0x200)
            .filter_map(char::from_u32)
            .filter_map(byte_of)
            .collect();
        seen.sort_unstable();
        assert_eq!(seen, (0..=u8::MAX).collect::<Vec<_>>());
        assert_eq!(bytes_of("ĠcafÃ©Ċ"), Some(" café\n".as_bytes().to_vec()));
        assert_eq!(bytes_of("漢"), None);
    }
}
