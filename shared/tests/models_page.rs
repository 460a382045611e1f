//! `docs/models.md` says what the catalogue says.

#![expect(
    clippy::unwrap_used,
    reason = "a test may panic outside its test function too"
)]

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use bedrock_adapter::model::{ENTRIES, Entry, Modality};

#[test]
fn the_page_holds_the_catalogue() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../docs/models.md");
    let page = fs::read_to_string(&path).unwrap_or_default();
    let right = Path::new(env!("CARGO_TARGET_TMPDIR")).join("models.md");
    let tables = [providers(), limits(), capabilities(), images()];
    fs::write(&right, tables.join("\n")).unwrap();
    for table in tables {
        assert!(
            page.contains(&table),
            "docs/models.md does not hold the tables that follow from the code, which are in {}",
            right.display()
        );
    }
}

fn texts() -> impl Iterator<Item = &'static Entry> {
    ENTRIES.iter().filter(|entry| !entry.draws())
}

/// What a column counts.
type Ability = (&'static str, fn(&Entry) -> bool);

/// How many of a provider's models can do what.
fn providers() -> String {
    let abilities: [Ability; 9] = [
        ("Converse", |entry| entry.capabilities.converse),
        ("streams", |entry| entry.capabilities.stream),
        ("system prompt", |entry| entry.capabilities.system_prompt),
        ("documents", |entry| entry.capabilities.documents),
        ("images", |entry| entry.capabilities.vision),
        ("tools", |entry| entry.capabilities.tools),
        ("JSON schema", |entry| entry.capabilities.json_schema),
        ("reasoning", |entry| entry.capabilities.reasoning.is_some()),
        ("caching", |entry| entry.capabilities.caching),
    ];
    let mut text = "| provider | models |".to_owned();
    for (name, _) in abilities {
        write!(text, " {name} |").unwrap();
    }
    text.push('\n');
    text.push_str(&"| --- ".repeat(abilities.len() + 2));
    text.push_str("|\n");
    let mut providers: Vec<_> = texts().map(provider).collect();
    providers.dedup();
    for name in providers {
        let models: Vec<_> = texts().filter(|entry| provider(entry) == name).collect();
        write!(text, "| `{name}` | {} |", models.len()).unwrap();
        for (_, can) in abilities {
            let count = models.iter().filter(|entry| can(entry)).count();
            match count {
                0 => text.push_str("  |"),
                all if all == models.len() => text.push_str(" yes |"),
                some => write!(text, " {some} |").unwrap(),
            }
        }
        text.push('\n');
    }
    text
}

fn limits() -> String {
    let mut text = "| model | window | answer | by its own id | profiles | last day | instead |\n\
                    | --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for entry in texts() {
        let tokens =
            |limit: Option<u32>| limit.map_or_else(|| "?".to_owned(), |tokens| tokens.to_string());
        writeln!(
            text,
            "| `{}` | {} | {} | {} | {} | {} | {} |",
            entry.id,
            tokens(entry.window),
            tokens(entry.max_output),
            yes(entry.in_region),
            entry.profiles.join(" "),
            entry.end_of_life.unwrap_or_default(),
            successor(entry),
        )
        .unwrap();
    }
    text
}

fn capabilities() -> String {
    let mut text = "| model | takes | Converse | streams | system | documents | tools | JSON schema | reasoning | caching | counting | guardrails | takes no |\n\
                    | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- | --- |\n"
        .to_owned();
    for entry in texts() {
        let can = entry.capabilities;
        let tools = match (can.tools, can.streamed_tools) {
            (false, _) => "",
            (true, false) => "not streamed",
            (true, true) => "yes",
        };
        let quirks = [
            (
                entry.quirks.one_of_temperature_and_top_p,
                "`top_p` beside `temperature`",
            ),
            (
                entry.quirks.no_sampling,
                "`temperature`, `top_p` or `top_k`",
            ),
            (entry.quirks.no_stop, "`stop`"),
            (entry.quirks.no_prefill, "begun answer"),
        ];
        let quirks: Vec<_> = quirks
            .into_iter()
            .filter_map(|(has, quirk)| has.then_some(quirk))
            .collect();
        writeln!(
            text,
            "| `{}` | {} | {} | {} | {} | {} | {tools} | {} | {} | {} | {} | {} | {} |",
            entry.id,
            takes(entry),
            yes(can.converse),
            yes(can.stream),
            yes(can.system_prompt),
            yes(can.documents),
            yes(can.json_schema),
            can.reasoning.map_or("", |reasoning| reasoning.name()),
            yes(can.caching),
            yes(can.counting),
            yes(can.guardrails),
            quirks.join(", "),
        )
        .unwrap();
    }
    text
}

fn images() -> String {
    let mut text = "| model | takes | last day | instead |\n\
                    | --- | --- | --- | --- |\n"
        .to_owned();
    for entry in ENTRIES.iter().filter(|entry| entry.draws()) {
        writeln!(
            text,
            "| `{}` | {} | {} | {} |",
            entry.id,
            takes(entry),
            entry.end_of_life.unwrap_or_default(),
            successor(entry),
        )
        .unwrap();
    }
    text
}

fn provider(entry: &Entry) -> &str {
    entry.id.split('.').next().unwrap()
}

fn yes(can: bool) -> &'static str {
    if can { "yes" } else { "" }
}

fn takes(entry: &Entry) -> String {
    let inputs: Vec<_> = entry.inputs.iter().copied().map(Modality::name).collect();
    inputs.join(", ")
}

fn successor(entry: &Entry) -> String {
    entry
        .successor
        .map_or_else(String::new, |id| format!("`{id}`"))
}
