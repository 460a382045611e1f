//! A small language model in this process: a Llama-shaped GGUF file with a byte-level tokenizer
//! and ChatML turns, such as `SmolLM2-135M-Instruct`. It really generates, and it is often wrong.
//!
//! One thread owns the weights and answers one conversation after the other. Both the prompt and
//! the answer live in the model's window; what does not fit is refused or cut with
//! [`Finish::Length`].

use std::collections::hash_map::RandomState;
use std::fmt;
use std::hash::BuildHasher as _;
use std::io::{Read, Seek};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc as queue;
use std::thread;

use candle_core::quantized::gguf_file;
use candle_core::quantized::tokenizer::TokenizerFromGguf as _;
use candle_core::{Device, Tensor};
use candle_transformers::generation::{LogitsProcessor, Sampling};
use candle_transformers::models::quantized_llama::{MAX_SEQ_LEN, ModelWeights};
use tokenizers::Tokenizer;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::digits::Digits;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokio::sync::mpsc;

use crate::backend::chatml::{self, Part};
use crate::backend::pieces::{Assembler, bytes_of};
use crate::backend::stop::StopMatcher;
use crate::text::{Finish, Options, Step, Steps, Turn, Unavailable, Usage};

/// Conversations that may wait for the one that is being answered.
const QUEUE: usize = 16;
/// Tokens of a prompt that are read between two looks at whether the caller is still there.
const PREFILL: usize = 128;
/// The likelihood of a token that came up lately is divided by this. Without it a model of this
/// size soon repeats one sentence for ever.
const REPEAT_PENALTY: f32 = 1.1;
/// How many tokens back the penalty looks.
const REPEAT_WINDOW: usize = 64;

/// The embedded model.
pub struct Embedded {
    name: String,
    vocabulary: Arc<Vocabulary>,
    window: usize,
    jobs: queue::SyncSender<Job>,
    thread: thread::JoinHandle<()>,
}

impl fmt::Debug for Embedded {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter
            .debug_struct("Embedded")
            .field("name", &self.name)
            .field("window", &self.window)
            .finish_non_exhaustive()
    }
}

/// Why the model file could not be used.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// The file cannot be opened.
    #[error("cannot open the model file {}", path.display())]
    Open {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// The file is not a model that this backend runs.
    #[error("the model file {} is not a Llama-shaped GGUF file with a byte-level ChatML vocabulary", path.display())]
    Format {
        /// The file.
        path: PathBuf,
        /// What the loader said.
        source: candle_core::Error,
    },
    /// No thread could be started for the model.
    #[error("cannot start a thread for the model")]
    Thread(#[source] std::io::Error),
}

impl Embedded {
    /// Loads the weights, which takes about a second, and starts the model's thread.
    ///
    /// # Errors
    ///
    /// When the file cannot be read or is not of the expected form.
    pub fn open(path: &Path) -> Result<Self, LoadError> {
        let mut file = std::fs::File::open(path).map_err(|source| LoadError::Open {
            path: path.to_owned(),
            source,
        })?;
        let loaded = Loaded::read(&mut file).map_err(|source| LoadError::Format {
            path: path.to_owned(),
            source,
        })?;
        Self::start(loaded)
    }

    fn start(loaded: Loaded) -> Result<Self, LoadError> {
        let Loaded {
            name,
            weights,
            vocabulary,
            window,
        } = loaded;
        let vocabulary = Arc::new(vocabulary);
        let (jobs, waiting) = queue::sync_channel(QUEUE);
        let model = Model {
            weights,
            vocabulary: Arc::clone(&vocabulary),
            window,
        };
        let thread = thread::Builder::new()
            .name("embedded-model".to_owned())
            .spawn(move || model.work(&waiting))
            .map_err(LoadError::Thread)?;
        Ok(Self {
            name,
            vocabulary,
            window,
            jobs,
            thread,
        })
    }

    /// The model's own name, from its file.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the model's thread runs.
    ///
    /// # Errors
    ///
    /// [`Unavailable::Down`] when it has ended.
    pub fn ready(&self) -> Result<(), Unavailable> {
        if self.thread.is_finished() {
            Err(self.down("its thread has ended"))
        } else {
            Ok(())
        }
    }

    /// Queues a conversation.
    ///
    /// # Errors
    ///
    /// [`Unavailable::TooLong`] when the prompt leaves no room for an answer in the window,
    /// [`Unavailable::Down`] when too many wait already or the model's thread has ended.
    pub async fn generate(&self, turns: Vec<Turn>, options: Options) -> Result<Steps, Unavailable> {
        let vocabulary = Arc::clone(&self.vocabulary);
        // A prompt of a megabyte keeps the tokenizer busy for a while.
        let prompt =
            tokio::task::spawn_blocking(move || vocabulary.encode(&chatml::lay_out(&turns)))
                .await
                .map_err(|_| self.down("the tokenizer failed"))?
                .map_err(|_| self.down("the tokenizer failed"))?;
        if prompt.len() >= self.window {
            return Err(Unavailable::TooLong {
                tokens: prompt.len(),
                window: self.window,
            });
        }
        // Room for every step: a slow reader must not hold up the next conversation. One more for
        // what was held back at the end, and one for the end itself.
        let room = options.max_tokens.min(self.window - prompt.len()) + 2;
        let (steps, reader) = mpsc::channel(room);
        self.jobs
            .try_send(Job {
                prompt,
                options,
                steps,
            })
            .map_err(|error| match error {
                queue::TrySendError::Full(_) => self.down("too many conversations wait for it"),
                queue::TrySendError::Disconnected(_) => self.down("its thread has ended"),
            })?;
        Ok(reader)
    }

    fn down(&self, reason: &str) -> Unavailable {
        Unavailable::Down {
            backend: self.name.clone(),
            reason: reason.to_owned(),
        }
    }
}

/// A conversation to answer.
struct Job {
    prompt: Vec<u32>,
    options: Options,
    steps: mpsc::Sender<Step>,
}

/// Everything that comes out of a model file.
struct Loaded {
    name: String,
    weights: ModelWeights,
    vocabulary: Vocabulary,
    window: usize,
}

impl Loaded {
    fn read<R: Read + Seek>(file: &mut R) -> candle_core::Result<Self> {
        let content = gguf_file::Content::read(file)?;
        let name = metadata(&content, "general.name")?.to_string()?.clone();
        let window = metadata(&content, "llama.context_length")?.to_u32()?;
        let vocabulary = Vocabulary::new(&content)?;
        let weights = ModelWeights::from_gguf(content, file, &Device::Cpu)?;
        // The implementation computes its positions up to `MAX_SEQ_LEN` only.
        let window = usize::try_from(window).map_or(MAX_SEQ_LEN, |window| window.min(MAX_SEQ_LEN));
        Ok(Self {
            name,
            weights,
            vocabulary,
            window,
        })
    }
}

fn metadata<'a>(
    content: &'a gguf_file::Content,
    key: &str,
) -> candle_core::Result<&'a gguf_file::Value> {
    content
        .metadata
        .get(key)
        .ok_or_else(|| candle_core::Error::msg(format!("no `{key}` in the metadata")))
}

/// From text to tokens and back.
struct Vocabulary {
    tokenizer: Tokenizer,
    /// The bytes of each token; none for a marker.
    pieces: Vec<Vec<u8>>,
    turn_start: u32,
    turn_end: u32,
}

impl Vocabulary {
    fn new(content: &gguf_file::Content) -> candle_core::Result<Self> {
        let mut tokenizer = Tokenizer::from_gguf(content)?;
        // The file says that its words are split as SmolLM's are; the loader takes that for
        // GPT-2's way, which puts a space before each text and keeps numbers whole.
        let split = Sequence::new(vec![
            Digits::new(true).into(),
            ByteLevel::new(false, true, true).into(),
        ]);
        tokenizer.with_pre_tokenizer(Some(split));
        // A marker in somebody's text is text.
        tokenizer.set_encode_special_tokens(true);
        let marker = |entry: &str| {
            tokenizer
                .token_to_id(entry)
                .ok_or_else(|| candle_core::Error::msg(format!("no `{entry}` in the vocabulary")))
        };
        let (turn_start, turn_end) = (marker("<|im_start|>")?, marker("<|im_end|>")?);
        let added = tokenizer.get_added_tokens_decoder();
        let pieces = metadata(content, "tokenizer.ggml.tokens")?
            .to_vec()?
            .iter()
            .zip(0..)
            .map(|(entry, id)| {
                let marker = added.contains_key(&id);
                Ok(if marker {
                    Vec::new()
                } else {
                    bytes_of(entry.to_string()?).unwrap_or_default()
                })
            })
            .collect::<candle_core::Result<_>>()?;
        Ok(Self {
            tokenizer,
            pieces,
            turn_start,
            turn_end,
        })
    }

    fn encode(&self, parts: &[Part]) -> tokenizers::Result<Vec<u32>> {
        let mut tokens = Vec::new();
        for part in parts {
            match part {
                Part::Start => tokens.push(self.turn_start),
                Part::End => tokens.push(self.turn_end),
                Part::Text(text) => {
                    tokens.extend_from_slice(
                        self.tokenizer.encode_fast(text.as_str(), false)?.get_ids(),
                    );
                }
            }
        }
        Ok(tokens)
    }

    /// The text behind a token. `None` for a marker, at which an answer ends.
    fn piece(&self, token: u32) -> Option<&[u8]> {
        let bytes = self.pieces.get(usize::try_from(token).ok()?)?;
        (!bytes.is_empty()).then_some(bytes)
    }
}

/// What the model's thread owns.
struct Model {
    weights: ModelWeights,
    vocabulary: Arc<Vocabulary>,
    window: usize,
}

/// Why a generation ended early.
enum Interrupted {
    /// Nobody reads the steps any more.
    Abandoned,
    /// The model failed; the caller sees the steps end without `Done`.
    Failed(candle_core::Error),
}

impl From<candle_core::Error> for Interrupted {
    fn from(error: candle_core::Error) -> Self {
        Self::Failed(error)
    }
}

impl Model {
    fn work(&self, waiting: &queue::Receiver<Job>) {
        for job in waiting {
            match self.answer(&job) {
                Ok(()) => {}
                Err(Interrupted::Abandoned) => tracing::debug!("a generation was abandoned"),
                Err(Interrupted::Failed(error)) => {
                    tracing::error!(%error, "the embedded model failed")
                }
            }
        }
    }

    fn answer(&self, job: &Job) -> Result<(), Interrupted> {
        let Job {
            prompt,
            options,
            steps,
        } = job;
        // The tensors are shared; the clone has a context of its own, which goes with it.
        let mut context = Context {
            weights: self.weights.clone(),
            tokens: Vec::new(),
        };
        let mut logits = context.read(prompt, steps)?;
        let mut sampler = LogitsProcessor::from_sampling(seed(), sampling(options));
        let mut assembler = Assembler::default();
        let mut matcher = StopMatcher::new(&options.stop);
        let limit = options.max_tokens.min(self.window - prompt.len());
        let mut output = 0;
        let finish = loop {
            if output == limit {
                break Finish::Length;
            }
            let token = sampler.sample(&context.discourage_repetition(&logits, prompt.len())?)?;
            output += 1;
            let Some(piece) = self.vocabulary.piece(token) else {
                break Finish::EndOfTurn;
            };
            let passed = matcher.push(&assembler.push(piece));
            send_text(steps, passed.text)?;
            if let Some(stop) = passed.stop {
                break Finish::StopSequence(stop);
            }
            if output < limit {
                logits = context.read(&[token], steps)?;
            }
        };
        if !matches!(finish, Finish::StopSequence(_)) {
            let rest = matcher.push(&assembler.finish());
            send_text(steps, rest.text)?;
            send_text(steps, matcher.finish())?;
        }
        let usage = Usage {
            input: prompt.len(),
            output,
        };
        steps
            .blocking_send(Step::Done { finish, usage })
            .map_err(|_| Interrupted::Abandoned)
    }
}

fn send_text(steps: &mpsc::Sender<Step>, text: String) -> Result<(), Interrupted> {
    if text.is_empty() {
        return Ok(());
    }
    steps
        .blocking_send(Step::Text(text))
        .map_err(|_| Interrupted::Abandoned)
}

/// One conversation in the model's memory.
struct Context {
    weights: ModelWeights,
    tokens: Vec<u32>,
}

impl Context {
    /// Reads more tokens; what the model expects next.
    fn read(&mut self, tokens: &[u32], steps: &mpsc::Sender<Step>) -> Result<Tensor, Interrupted> {
        let mut logits = None;
        for chunk in tokens.chunks(PREFILL) {
            if steps.is_closed() {
                return Err(Interrupted::Abandoned);
            }
            let input = Tensor::new(chunk, &Device::Cpu)?.unsqueeze(0)?;
            logits = Some(
                self.weights
                    .forward(&input, self.tokens.len())?
                    .squeeze(0)?,
            );
            self.tokens.extend_from_slice(chunk);
        }
        logits.ok_or_else(|| Interrupted::Failed(candle_core::Error::msg("an empty prompt")))
    }

    /// Makes what the answer said lately less likely. The prompt may be repeated freely.
    fn discourage_repetition(&self, logits: &Tensor, prompt: usize) -> candle_core::Result<Tensor> {
        let answer = self.tokens.get(prompt..).unwrap_or_default();
        let lately = answer
            .get(answer.len().saturating_sub(REPEAT_WINDOW)..)
            .unwrap_or_default();
        candle_transformers::utils::apply_repeat_penalty(logits, REPEAT_PENALTY, lately)
    }
}

fn sampling(options: &Options) -> Sampling {
    let Options {
        max_tokens: _,
        temperature,
        top_p,
        top_k,
        stop: _,
    } = *options;
    if temperature <= 0.0 {
        return Sampling::ArgMax;
    }
    match (top_k, top_p) {
        (None, None) => Sampling::All { temperature },
        (Some(k), None) => Sampling::TopK { k, temperature },
        (None, Some(p)) => Sampling::TopP { p, temperature },
        (Some(k), Some(p)) => Sampling::TopKThenTopP { k, p, temperature },
    }
}

/// Another one each time: Bedrock's text models take no seed.
fn seed() -> u64 {
    RandomState::new().hash_one(())
}

#[cfg(test)]
mod tests;
