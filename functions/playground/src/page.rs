//! The page: one document with its style, its script and its data in it, and the policy that lets
//! nothing else run.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

const FRAME: &str = include_str!("../page/index.html");
const STYLE: &str = include_str!("../page/style.css");

/// One script in parts, in this order: each uses what stands before it.
const SCRIPT: &str = concat!(
    include_str!("../page/script/dom.js"),
    include_str!("../page/script/api.js"),
    include_str!("../page/script/models.js"),
    include_str!("../page/script/parameters.js"),
    include_str!("../page/script/request.js"),
    include_str!("../page/script/run.js"),
    include_str!("../page/script/text.js"),
    include_str!("../page/script/chat.js"),
    include_str!("../page/script/image.js"),
    include_str!("../page/script/main.js"),
);

/// The parameters by family and route, and what they mean, by name. `tests/parameters.rs` makes the
/// former of the rules that are checked.
const PARAMETERS: &str = concat!(
    "{\"families\":",
    include_str!("../page/families.json"),
    ",\"meanings\":",
    include_str!("../page/meanings.json"),
    "}"
);

/// The page, as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page {
    /// The document.
    pub html: String,
    /// The value of its `content-security-policy`.
    pub policy: String,
}

impl Page {
    /// Puts the page together.
    pub fn new() -> Self {
        Self {
            html: FRAME
                .replacen("{style}", STYLE, 1)
                .replacen("{parameters}", PARAMETERS, 1)
                .replacen("{script}", SCRIPT, 1),
            policy: policy(),
        }
    }
}

impl Default for Page {
    fn default() -> Self {
        Self::new()
    }
}

/// The script and the style are known by their digests. The page speaks with its own host alone and
/// shows images that it has been given whole.
fn policy() -> String {
    format!(
        "default-src 'none'; script-src '{}'; style-src '{}'; img-src data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
        source(SCRIPT),
        source(STYLE)
    )
}

/// A source by its digest: CSP level 3, section 2.3.1.
fn source(text: &str) -> String {
    format!("sha256-{}", STANDARD.encode(Sha256::digest(text)))
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::Compression;
    use flate2::write::GzEncoder;

    use super::*;

    #[test]
    fn every_part_is_in_its_place() {
        let html = Page::new().html;
        for part in [STYLE, SCRIPT, PARAMETERS] {
            assert_eq!(html.matches(part).count(), 1);
        }
        for place in ["{style}", "{script}", "{parameters}"] {
            assert!(!html.contains(place), "{place} is empty");
        }
    }

    #[test]
    fn the_policy_allows_what_is_in_the_page_and_nothing_else() {
        let policy = Page::new().policy;
        for words in ["'unsafe-inline'", "'unsafe-eval'", "*", "http"] {
            assert!(!policy.contains(words), "{words}: {policy}");
        }
        // printf '' | openssl dgst -sha256 -binary | base64
        assert_eq!(
            source(""),
            "sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
        );
        assert!(policy.contains(&source(SCRIPT)) && policy.contains(&source(STYLE)));
    }

    #[test]
    fn no_part_can_end_the_element_that_it_stands_in() {
        assert!(!SCRIPT.contains("</") && !SCRIPT.contains("<!--"));
        assert!(!STYLE.contains("</"));
        assert!(!PARAMETERS.contains('<'));
    }

    #[test]
    fn the_page_names_no_other_host_and_no_handler_in_its_markup() {
        let html = Page::new().html;
        for words in [
            "http:",
            "https:",
            "//cdn",
            " onclick",
            " style=",
            "innerHTML",
        ] {
            assert!(!html.contains(words), "{words}");
        }
    }

    #[test]
    fn the_page_weighs_less_than_60_kb_compressed() {
        let mut packed = GzEncoder::new(Vec::new(), Compression::default());
        packed.write_all(Page::new().html.as_bytes()).unwrap();
        let length = packed.finish().unwrap().len();
        assert!(length < 60_000, "{length} bytes");
    }

    #[test]
    fn the_data_is_json() {
        let data: serde_json::Value = serde_json::from_str(PARAMETERS).unwrap();
        for part in ["families", "meanings"] {
            assert!(data[part].is_object(), "{part}");
        }
    }
}
