//! Where results and locks are kept. The names follow from the input alone, so that a second
//! delivery finds the first one's result, and hold nothing that a caller chose.

use sha2::{Digest as _, Sha256};

use super::{Function, Object};

/// Prefixes that this program writes under.
pub const OUTPUT: [&str; 3] = ["results/", "images/", "locks/"];

/// How many hexadecimal digits an id has.
const DIGITS: usize = 32;

/// The hexadecimal digits of a text's SHA-256.
pub fn digest(text: &[u8]) -> String {
    Sha256::digest(text)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

fn id_of(text: &str) -> String {
    let mut id = digest(text.as_bytes());
    id.truncate(DIGITS);
    id
}

impl Object {
    /// Its `s3://` name.
    pub fn uri(&self) -> String {
        format!("s3://{}/{}", self.bucket, self.key)
    }

    /// The id of what it asks for.
    pub fn id(&self) -> String {
        let uri = self.uri();
        id_of(&match (&self.version_id, &self.sequencer, &self.etag) {
            (Some(version), _, _) => format!("{uri}?versionId={version}"),
            (None, Some(sequencer), _) => format!("{uri}?sequencer={sequencer}"),
            (None, None, Some(etag)) => format!("{uri}?etag={etag}"),
            (None, None, None) => uri,
        })
    }
}

/// One request's names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Address {
    /// Its id, which its images' keys have, too.
    pub id: String,
    function: Function,
    place: Place,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Single,
    Line {
        /// The function that the file was uploaded for.
        function: Function,
        file: String,
        line: u64,
    },
    /// A caller of the HTTP API.
    Http,
}

impl Address {
    /// An upload's.
    pub fn of_upload(function: Function, object: &Object) -> Self {
        Self::single(function, object.id())
    }

    /// A message's. Its id is SQS's own; any other text is no name for an object.
    pub fn of_message(function: Function, message_id: &str) -> Self {
        let plain = (1..=100).contains(&message_id.len())
            && message_id
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        match plain {
            true => Self::single(function, message_id.to_owned()),
            false => Self::single(function, id_of(message_id)),
        }
    }

    /// A line's. Its result lies with its file's.
    pub fn of_line(function: Function, folder: Folder, line: u64) -> Self {
        let Folder {
            function: owner,
            id: file,
        } = folder;
        Self {
            id: format!("{file}-{line:08}"),
            function,
            place: Place::Line {
                function: owner,
                file,
                line,
            },
        }
    }

    /// A request's that its caller gave a key. The scope is the caller.
    pub fn of_key(function: Function, scope: &str, key: &str) -> Self {
        let scope = digest(scope.as_bytes());
        Self {
            id: id_of(&format!("{scope} {key}")),
            function,
            place: Place::Http,
        }
    }

    const fn single(function: Function, id: String) -> Self {
        Self {
            id,
            function,
            place: Place::Single,
        }
    }

    /// The lock's key.
    pub fn lock(&self) -> String {
        let (function, id) = (self.function.name(), &self.id);
        match self.place {
            Place::Single | Place::Line { .. } => format!("locks/{function}/{id}.json"),
            Place::Http => format!("locks/{function}/http/{id}.json"),
        }
    }

    /// The key of a result with this HTTP status.
    pub fn result(&self, status: u16) -> String {
        let id = &self.id;
        match &self.place {
            Place::Single => format!("results/{}/{id}.json", self.function.name()),
            // It goes when its lock goes, and is nobody's who reads results.
            Place::Http => format!("locks/{}/answers/{id}.json", self.function.name()),
            Place::Line {
                function,
                file,
                line,
            } => {
                let how = match status {
                    200 => DONE,
                    _ => FAILED,
                };
                format!("results/{}/{file}/{how}/{line:08}.json", function.name())
            }
        }
    }

    /// The keys that a result may have.
    pub fn results(&self) -> Vec<String> {
        let [done, failed] = [200, 400].map(|status| self.result(status));
        match done == failed {
            true => vec![done],
            false => vec![done, failed],
        }
    }
}

const DONE: &str = "done";
const FAILED: &str = "failed";

/// A batch file's folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Folder {
    /// The function that the file was uploaded for.
    pub function: Function,
    /// The file's id.
    pub id: String,
}

/// A result's key, taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Listed {
    /// The line's number.
    pub line: u64,
    /// Whether it failed.
    pub failed: bool,
}

impl Folder {
    /// The folder of a file.
    pub fn of(function: Function, file: &Object) -> Self {
        Self {
            function,
            id: file.id(),
        }
    }

    fn key(&self, name: &str) -> String {
        format!("results/{}/{}/{name}", self.function.name(), self.id)
    }

    /// What the keys of everything in it begin with.
    pub fn prefix(&self) -> String {
        self.key("")
    }

    /// The manifest's key.
    pub fn manifest(&self) -> String {
        self.key("manifest.json")
    }

    /// The summary's key.
    pub fn summary(&self) -> String {
        self.key("summary.json")
    }

    /// The key of the lock on splitting the file from this byte on.
    pub fn lock(&self, from: u64) -> String {
        let (function, id) = (self.function.name(), &self.id);
        format!("locks/{function}/{id}-split-{from}.json")
    }

    /// The line whose result has this key.
    pub fn listed(&self, key: &str) -> Option<Listed> {
        let (how, name) = key.strip_prefix(&self.prefix())?.split_once('/')?;
        let line = name.strip_suffix(".json")?.parse().ok()?;
        match how {
            DONE => Some(Listed {
                line,
                failed: false,
            }),
            FAILED => Some(Listed { line, failed: true }),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(version_id: Option<&str>, sequencer: Option<&str>) -> Object {
        Object {
            bucket: "b".to_owned(),
            key: "requests/chat/a b.json".to_owned(),
            version_id: version_id.map(str::to_owned),
            etag: Some("e".to_owned()),
            sequencer: sequencer.map(str::to_owned),
        }
    }

    #[test]
    fn an_upload_s_id_is_the_digest_that_the_documentation_names() {
        // printf 's3://b/requests/chat/a b.json?versionId=v1' | sha256sum | cut -c1-32
        let id = object(Some("v1"), Some("s")).id();
        assert_eq!(
            id,
            digest(b"s3://b/requests/chat/a b.json?versionId=v1")[..32]
        );
        assert_ne!(id, object(Some("v2"), Some("s")).id());
        assert_ne!(object(None, Some("s")).id(), object(None, Some("t")).id());
    }

    #[test]
    fn a_message_s_name_is_its_id_and_no_other_text() {
        for (id, kept) in [
            ("8d1c-aa", true),
            ("../x", false),
            ("", false),
            ("a b", false),
        ] {
            let address = Address::of_message(Function::Chat, id);
            assert_eq!(address.id == id, kept, "{id}");
            assert!(address.lock().starts_with("locks/chat/"), "{id}");
            assert_eq!(address.results().len(), 1);
        }
    }

    #[test]
    fn a_line_s_result_lies_in_its_file_s_folder_by_how_it_ended() {
        let folder = Folder::of(Function::Chat, &object(Some("v1"), None));
        let address = Address::of_line(Function::Image, folder.clone(), 7);
        let [done, failed] = address.results().try_into().unwrap();
        assert_eq!(
            done,
            format!("results/chat/{}/done/00000007.json", folder.id)
        );
        assert_eq!(address.result(429), failed);
        assert_eq!(
            folder.listed(&done),
            Some(Listed {
                line: 7,
                failed: false
            })
        );
        assert_eq!(
            folder.listed(&failed),
            Some(Listed {
                line: 7,
                failed: true
            })
        );
        assert_eq!(folder.listed(&folder.manifest()), None);
        assert_eq!(
            address.lock(),
            format!("locks/image/{}-00000007.json", folder.id)
        );
    }

    #[test]
    fn a_key_s_name_is_its_caller_s_own() {
        let of = |scope, key| Address::of_key(Function::Chat, scope, key);
        assert_ne!(of("a", "k").lock(), of("b", "k").lock());
        assert_ne!(of("a", "b k").lock(), of("a b", "k").lock());
        assert!(of("a", "../k").lock().starts_with("locks/chat/http/"));
        assert_ne!(of("a", "k").lock(), of("a", "k").result(200));
    }
}
