//! A word that callers and models say, and that nothing may hold which a function writes about it:
//! no log, no error that it reports, no message that it sends, no key of an object, no trace.
//!
//! Each fake that takes such things has a [`Watch`] and shows it what came. Whether the canary sang
//! is found out when the fake ends, so that no test can forget to ask.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex, PoisonError};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use memchr::memmem;

use crate::rows::say;

/// The word: letters, digits and a hyphen, so that no quoting or escaping changes it.
pub const CANARY: &str = "canary-7b1e44";

/// What the local Bedrock puts into every text of its own.
const SIMULATED: &str = "simulated";

/// What a PNG begins with, but for its first byte, which is no text: as it is, as Rust shows bytes,
/// and in base64.
const PNG: [&str; 3] = ["PNG\r\n\u{1a}\n", "PNG\\r\\n", "iVBORw0KGgo"];

/// How much of a text is shown around a find, in bytes.
const AROUND: usize = 80;

/// All that must not be found.
static FORMS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let list = |separator: &str, show: fn(u8) -> String| {
        let bytes = CANARY.bytes().map(show);
        bytes.collect::<Vec<_>>().join(separator)
    };
    let number = |byte: u8| byte.to_string();
    let whole = [CANARY, SIMULATED].map(str::to_owned).into_iter();
    let whole = whole.chain([CANARY.to_ascii_uppercase()]);
    let bytes = [list(", ", number), list(",", number)].into_iter();
    let digits = [list("", |byte| format!("{byte:02x}"))].into_iter();
    let digits = digits.chain([list("", |byte| format!("{byte:02X}"))]);
    let forms = whole.chain(bytes).chain(digits);
    let forms = forms.chain(IN_BASE64.iter().cloned());
    forms.chain(PNG.map(str::to_owned)).collect()
});

/// What is left of the word in base64, wherever it stands in what was encoded: a character of base64
/// holds six bits, and those that hold bits of the word's neighbours are left out.
static IN_BASE64: LazyLock<[String; 3]> = LazyLock::new(|| {
    [0, 1, 2].map(|before| {
        let encoded = STANDARD.encode([&vec![0; before], CANARY.as_bytes()].concat());
        let own = (before * 8).div_ceil(6)..(before + CANARY.len()) * 8 / 6;
        encoded.get(own).expect("the word's characters").to_owned()
    })
});

/// Whether a text holds the word, as it is or in base64: whether it is a test of what is written.
pub(crate) fn is_in(text: &[u8]) -> bool {
    let encoded = IN_BASE64.iter().map(String::as_str);
    let mut forms = [CANARY].into_iter().chain(encoded);
    forms.any(|form| memmem::find(text, form.as_bytes()).is_some())
}

/// The text with the word in front, unless it is blank: a blank text is a test of its own.
pub fn marked(text: &str) -> String {
    match text.trim().is_empty() {
        true => text.to_owned(),
        false => format!("{CANARY} {text}"),
    }
}

/// The text without the words that [`marked`] put into it.
pub fn unmarked(text: &str) -> String {
    text.replace(&format!("{CANARY} "), "")
}

/// Looks for the canary in what it is shown.
#[derive(Debug, Clone, Default)]
pub struct Watch(Arc<Seen>);

#[derive(Debug, Default)]
struct Seen {
    bytes: AtomicUsize,
    found: Mutex<Vec<String>>,
}

impl Watch {
    /// Looks at something that a function wrote, which is said by a word or two.
    pub fn look(&self, what: &str, written: &[u8]) {
        self.0.bytes.fetch_add(written.len(), Ordering::Relaxed);
        for form in FORMS.iter() {
            if let Some(place) = memmem::find(written, form.as_bytes()) {
                let from = place.saturating_sub(AROUND);
                let to = written.len().min(place + form.len() + AROUND);
                let around = written.get(from..to).unwrap_or_default();
                let around = String::from_utf8_lossy(around);
                let found = format!("{what} holds {form:?}: …{around}…");
                self.found().push(found);
            }
        }
    }

    /// How many bytes it has looked at.
    pub fn bytes(&self) -> usize {
        self.0.bytes.load(Ordering::Relaxed)
    }

    /// Fails the test if the canary was found. In a test that has failed already, says so.
    pub fn check(&self, who: &str) {
        let found = std::mem::take(&mut *self.found());
        if found.is_empty() {
            return;
        }
        let song = format!("{who} told of content: {}", found.join("; "));
        match std::thread::panicking() {
            true => say(&song),
            false => panic!("{song}"),
        }
    }

    fn found(&self) -> std::sync::MutexGuard<'_, Vec<String>> {
        self.0.found.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};

    use serde_json::json;

    use super::*;

    fn sings(text: &[u8]) -> bool {
        let watch = Watch::default();
        watch.look("a text", text);
        assert_eq!(watch.bytes(), text.len());
        catch_unwind(AssertUnwindSafe(|| watch.check("a test"))).is_err()
    }

    #[test]
    fn the_word_is_found_however_it_is_written() {
        let quoted = json!({"prompt": format!("\"a\"\n{CANARY}\u{e9}")}).to_string();
        let twice = json!({ "body": quoted }).to_string();
        assert!(sings(CANARY.to_uppercase().as_bytes()));
        for text in [CANARY, &quoted, &twice] {
            assert!(sings(text.as_bytes()), "{text}");
            assert!(sings(format!("{text:?}").as_bytes()), "{text}");
            assert!(sings(format!("{:?}", text.as_bytes()).as_bytes()), "{text}");
            let list = serde_json::to_string(text.as_bytes()).unwrap();
            assert!(sings(list.as_bytes()), "{text}");
            let digits = text.bytes().map(|byte| format!("{byte:02X}"));
            assert!(sings(digits.collect::<String>().as_bytes()), "{text}");
        }
    }

    #[test]
    fn the_word_is_found_in_base64_wherever_it_stands() {
        for before in 0..4 {
            for behind in 0..4 {
                let text = format!("{}{CANARY}{}", "ü".repeat(before), "x".repeat(behind));
                let text = format!("{}{text}", "y".repeat(behind));
                let encoded = STANDARD.encode(&text);
                assert!(is_in(encoded.as_bytes()), "{text}");
                assert!(sings(encoded.as_bytes()), "{text}");
            }
        }
    }

    #[test]
    fn pictures_and_simulated_texts_are_found() {
        let picture = crate::drawing(8, 8);
        assert!(sings(&picture));
        assert!(sings(STANDARD.encode(&picture).as_bytes()));
        assert!(sings(
            format!("{:?}", bytes::Bytes::from(picture)).as_bytes()
        ));
        assert!(sings(b"[simulated] 3 turn(s)"));
    }

    #[test]
    fn facts_are_not_taken_for_content() {
        assert!(!sings(
            br#"{"message":"answered","model":"amazon.nova-micro-v1:0","record":"7b1e44"}"#
        ));
        assert!(!is_in(b"canary"));
    }

    #[test]
    fn a_mark_goes_as_it_came() {
        assert_eq!(unmarked(&marked("Hello ")), "Hello ");
        assert_eq!(marked(" \n"), " \n");
    }
}
