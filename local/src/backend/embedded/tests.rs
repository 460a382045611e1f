//! The engine with a model of a few kilobytes, whose weights mean nothing: what it says is noise,
//! how it says it is not.

use std::io::Cursor;

use candle_core::quantized::gguf_file::Value;
use candle_core::quantized::{GgmlDType, QTensor};

use super::*;
use crate::text::Role;

const WIDTH: usize = 32;
const HIDDEN: usize = 64;
const WINDOW: u32 = 96;

/// The byte alphabet, and the markers after it.
fn entries() -> Vec<String> {
    let letters = (0..0x200)
        .filter_map(char::from_u32)
        .map(String::from)
        .filter(|entry| bytes_of(entry).is_some());
    letters
        .chain(["<|im_start|>".to_owned(), "<|im_end|>".to_owned()])
        .collect()
}

fn tiny_model() -> Vec<u8> {
    let entries = entries();
    let kinds = entries
        .iter()
        .map(|entry| Value::I32(if entry.starts_with("<|") { 3 } else { 1 }));
    let text = |text: &str| Value::String(text.to_owned());
    let metadata = [
        ("general.architecture", text("llama")),
        ("general.name", text("Tiny")),
        ("llama.attention.head_count", Value::U32(4)),
        ("llama.attention.head_count_kv", Value::U32(2)),
        ("llama.attention.layer_norm_rms_epsilon", Value::F32(1e-5)),
        ("llama.block_count", Value::U32(1)),
        ("llama.context_length", Value::U32(WINDOW)),
        ("llama.embedding_length", Value::U32(WIDTH as u32)),
        ("llama.rope.dimension_count", Value::U32(8)),
        ("tokenizer.ggml.model", text("gpt2")),
        ("tokenizer.ggml.merges", Value::Array(Vec::new())),
        ("tokenizer.ggml.token_type", Value::Array(kinds.collect())),
        (
            "tokenizer.ggml.tokens",
            Value::Array(entries.iter().map(|entry| text(entry)).collect()),
        ),
    ];
    let shapes = [
        ("token_embd.weight", vec![entries.len(), WIDTH]),
        ("output_norm.weight", vec![WIDTH]),
        ("blk.0.attn_q.weight", vec![WIDTH, WIDTH]),
        ("blk.0.attn_k.weight", vec![WIDTH / 2, WIDTH]),
        ("blk.0.attn_v.weight", vec![WIDTH / 2, WIDTH]),
        ("blk.0.attn_output.weight", vec![WIDTH, WIDTH]),
        ("blk.0.attn_norm.weight", vec![WIDTH]),
        ("blk.0.ffn_norm.weight", vec![WIDTH]),
        ("blk.0.ffn_gate.weight", vec![HIDDEN, WIDTH]),
        ("blk.0.ffn_up.weight", vec![HIDDEN, WIDTH]),
        ("blk.0.ffn_down.weight", vec![WIDTH, HIDDEN]),
    ];
    let tensors: Vec<(&str, QTensor)> = shapes
        .iter()
        .zip(1..)
        .map(|((name, shape), seed)| {
            let count = shape.iter().product();
            let values: Vec<f32> = (0..count).map(|index| noise(index, seed)).collect();
            let tensor = Tensor::from_vec(values, shape.as_slice(), &Device::Cpu).unwrap();
            (*name, QTensor::quantize(&tensor, GgmlDType::F32).unwrap())
        })
        .collect();
    let metadata: Vec<(&str, &Value)> = metadata.iter().map(|(key, value)| (*key, value)).collect();
    let tensors: Vec<(&str, &QTensor)> = tensors
        .iter()
        .map(|(name, tensor)| (*name, tensor))
        .collect();
    let mut file = Cursor::new(Vec::new());
    gguf_file::write(&mut file, &metadata, &tensors).unwrap();
    file.into_inner()
}

/// Values in -1..1 that look random and are the same in each run.
fn noise(index: usize, seed: u64) -> f32 {
    let mixed = (index as u64 + seed * 1_000_003).wrapping_mul(0x9E37_79B9_7F4A_7C15);
    (mixed >> 40) as f32 / (1_u64 << 23) as f32 - 1.0
}

fn tiny() -> Embedded {
    Embedded::start(Loaded::read(&mut Cursor::new(tiny_model())).unwrap()).unwrap()
}

fn user(text: &str) -> Vec<Turn> {
    let empty = Turn {
        role: Role::System,
        text: String::new(),
    };
    vec![
        empty,
        Turn {
            role: Role::User,
            text: text.to_owned(),
        },
    ]
}

fn options() -> Options {
    Options {
        max_tokens: 8,
        temperature: 0.0,
        top_p: None,
        top_k: None,
        stop: Vec::new(),
    }
}

/// The whole text, and the end.
async fn listen(model: &Embedded, turns: Vec<Turn>, options: Options) -> (String, Finish, Usage) {
    let mut steps = model.generate(turns, options).await.unwrap();
    let mut text = String::new();
    loop {
        match steps.recv().await.unwrap() {
            Step::Text(more) => text.push_str(&more),
            Step::Done { finish, usage } => return (text, finish, usage),
        }
    }
}

#[tokio::test]
async fn an_answer_depends_on_the_history_and_repeats_itself_at_temperature_0() {
    let model = tiny();
    let (text, finish, usage) = listen(&model, user("Hello"), options()).await;
    // Markers, `system`, `user`, `assistant`, line breaks and the text, a token a byte.
    assert_eq!(usage.input, 5 + 6 + 4 + 9 + 5 + 5);
    assert!(
        usage.output == 8 || finish == Finish::EndOfTurn,
        "{finish:?} {usage:?}"
    );
    assert!(!text.is_empty());
    assert_eq!(listen(&model, user("Hello"), options()).await.0, text);
    assert_ne!(listen(&model, user("Jello"), options()).await.0, text);
}

#[tokio::test]
async fn a_typed_marker_is_read_as_its_letters() {
    let usage =
        |text: &'static str| async move { listen(&tiny(), user(text), options()).await.2.input };
    assert_eq!(usage("<|im_end|>").await, usage("0123456789").await);
}

#[tokio::test]
async fn an_answer_ends_before_a_stop_sequence() {
    let model = tiny();
    let (text, ..) = listen(&model, user("Hello"), options()).await;
    let (at, stop) = text.char_indices().nth(2).unwrap();
    let stopping = Options {
        stop: vec![stop.to_string()],
        ..options()
    };
    let (cut, finish, _) = listen(&model, user("Hello"), stopping).await;
    assert_eq!(finish, Finish::StopSequence(stop.to_string()));
    assert_eq!(text.find(stop), Some(cut.len()));
    assert!(cut.len() <= at);
}

#[tokio::test]
async fn the_window_bounds_the_prompt_and_the_answer() {
    let model = tiny();
    let (text, finish, usage) = listen(
        &model,
        user(&"x".repeat(60)),
        Options {
            max_tokens: 1000,
            ..options()
        },
    )
    .await;
    assert!(
        usage.input + usage.output <= WINDOW as usize,
        "{usage:?} {text}"
    );
    assert!(
        matches!(finish, Finish::Length | Finish::EndOfTurn),
        "{finish:?}"
    );
    let refused = model.generate(user(&"x".repeat(200)), options()).await;
    assert!(
        matches!(refused, Err(Unavailable::TooLong { window: 96, .. })),
        "{refused:?}"
    );
}

#[tokio::test]
async fn a_caller_who_leaves_does_not_hold_up_the_next_one() {
    let model = tiny();
    for _ in 0..QUEUE {
        drop(model.generate(user("Hello"), options()).await.unwrap());
    }
    // A slow reader does not either.
    let unread = loop {
        match model.generate(user("Hello"), options()).await {
            Ok(steps) => break steps,
            Err(_) => tokio::task::yield_now().await,
        }
    };
    listen(&model, user("Jello"), options()).await;
    drop(unread);
}

#[test]
fn a_file_that_is_no_model_is_refused() {
    assert!(matches!(
        Embedded::open(Path::new("/nowhere.gguf")),
        Err(LoadError::Open { .. })
    ));
    assert!(Loaded::read(&mut Cursor::new(b"GGUF and nothing else".to_vec())).is_err());
}

#[test]
fn options_choose_the_way_of_sampling() {
    let check = |temperature, top_k, top_p, expected| {
        let options = Options {
            temperature,
            top_k,
            top_p,
            ..options()
        };
        assert_eq!(sampling(&options), expected);
    };
    check(0.0, Some(4), Some(0.5), Sampling::ArgMax);
    check(0.7, None, None, Sampling::All { temperature: 0.7 });
    check(
        0.7,
        Some(4),
        None,
        Sampling::TopK {
            k: 4,
            temperature: 0.7,
        },
    );
    check(
        0.7,
        None,
        Some(0.5),
        Sampling::TopP {
            p: 0.5,
            temperature: 0.7,
        },
    );
    check(
        0.7,
        Some(4),
        Some(0.5),
        Sampling::TopKThenTopP {
            k: 4,
            p: 0.5,
            temperature: 0.7,
        },
    );
}
