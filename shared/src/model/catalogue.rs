//! The models that are known, one row each: limits, capabilities, quirks, life.
//!
//! Dates label and suggest; they never refuse a call. Whether a model is retired is only what
//! Bedrock answers. Sources: the userguide's pages `model-lifecycle`, `titan-text-models`,
//! `model-parameters-*`, `inference-profiles-support`, `prompt-caching`, `structured-output` and
//! `conversation-inference-supported-models-features`; for what they leave open, limits and
//! dates of the newest above all, LiteLLM 1.109.1 (`model_prices_and_context_window.json`).
//!
//! A successor is the provider's newest that does the same, else one of Amazon's.

use super::entry::Modality::{Audio, Image, Text, Video};
use super::entry::Reasoning::{
    Adaptive, AdaptiveAlways, AdaptiveUnlessOff, Always, Budget, BudgetOrAdaptive, NovaEffort,
    OpenaiEffort,
};
use super::entry::{CHAT, Entry, Modality, PROMPTS, image, image_of_text, text};

const TEXT_IMAGE_VIDEO: &[Modality] = &[Text, Image, Video];
const TEXT_AUDIO: &[Modality] = &[Text, Audio];

const NOVA_MICRO: &str = "us.amazon.nova-micro-v1:0";
const NOVA_LITE: &str = "us.amazon.nova-lite-v1:0";
const NOVA_PRO: &str = "us.amazon.nova-pro-v1:0";
const NOVA_2_LITE: &str = "us.amazon.nova-2-lite-v1:0";
const HAIKU: &str = "us.anthropic.claude-haiku-4-5-20251001-v1:0";
const SONNET: &str = "us.anthropic.claude-sonnet-4-6";
const DEEPSEEK: &str = "deepseek.v3.2";
const GLM: &str = "zai.glm-5";
const KIMI: &str = "moonshotai.kimi-k2.5";
const MINIMAX: &str = "minimax.minimax-m2.5";
const MINISTRAL: &str = "mistral.ministral-3-14b-instruct";
const MISTRAL: &str = "mistral.mistral-large-3-675b-instruct";
const NEMOTRON: &str = "nvidia.nemotron-nano-3-30b";
const QWEN: &str = "qwen.qwen3-coder-next";
const CORE: &str = "stability.stable-image-core-v1:1";
const SD3_5: &str = "stability.sd3-5-large-v1:0";
const ULTRA: &str = "stability.stable-image-ultra-v1:1";

/// The models that are known, in the order of their ids.
pub const ENTRIES: &[Entry] = &[
    text("ai21.j2-mid-v1", PROMPTS.no_stream())
        .limits(8_191, 8_191)
        .ends("2025-03-12")
        .then(NOVA_LITE),
    text("ai21.j2-ultra-v1", PROMPTS.no_stream())
        .limits(8_191, 8_191)
        .ends("2025-03-12")
        .then(NOVA_LITE),
    text("ai21.jamba-1-5-large-v1:0", CHAT.tools())
        .limits(256_000, 4_096)
        .ends("2026-11-26")
        .then(NOVA_PRO),
    text("ai21.jamba-1-5-mini-v1:0", CHAT.tools())
        .limits(256_000, 4_096)
        .ends("2026-11-26")
        .then(NOVA_LITE),
    text(
        "ai21.jamba-instruct-v1:0",
        CHAT.no_documents().no_guardrails(),
    )
    .limits(70_000, 4_096)
    .ends("2025-08-01")
    .then(NOVA_PRO),
    text(
        "amazon.nova-2-lite-v1:0",
        CHAT.vision().tools().caching().reasons(NovaEffort),
    )
    .limits(1_000_000, 65_536)
    .takes(TEXT_IMAGE_VIDEO)
    .only_through(&["us", "eu", "apac", "jp", "global"]),
    text(
        "amazon.nova-2-pro-preview-20251202-v1:0",
        CHAT.vision().tools().caching().reasons(NovaEffort),
    )
    .limits(1_000_000, 65_536)
    .takes(TEXT_IMAGE_VIDEO)
    .only_through(&["us", "eu", "apac"]),
    image("amazon.nova-canvas-v1:0")
        .ends("2026-09-30")
        .then(CORE),
    text("amazon.nova-lite-v1:0", CHAT.vision().tools().caching())
        .limits(300_000, 10_000)
        .takes(TEXT_IMAGE_VIDEO)
        .also_through(&["us", "eu", "apac"]),
    text(
        "amazon.nova-micro-v1:0",
        CHAT.no_documents().tools().caching(),
    )
    .limits(128_000, 10_000)
    .also_through(&["us", "eu", "apac"]),
    text("amazon.nova-premier-v1:0", CHAT.vision().tools().caching())
        .limits(1_000_000, 10_000)
        .takes(TEXT_IMAGE_VIDEO)
        .only_through(&["us"])
        .ends("2026-09-14")
        .then(NOVA_2_LITE),
    text("amazon.nova-pro-v1:0", CHAT.vision().tools().caching())
        .limits(300_000, 10_000)
        .takes(TEXT_IMAGE_VIDEO)
        .also_through(&["us", "eu", "apac"]),
    image("amazon.titan-image-generator-v1")
        .ends("2025-08-15")
        .then(CORE),
    image("amazon.titan-image-generator-v2:0")
        .ends("2026-06-30")
        .then(CORE),
    text("amazon.titan-text-express-v1", CHAT.no_system())
        .limits(8_000, 8_192)
        .ends("2025-08-15")
        .then(NOVA_LITE),
    text("amazon.titan-text-lite-v1", CHAT.no_system())
        .limits(4_000, 4_096)
        .ends("2025-08-15")
        .then(NOVA_MICRO),
    text(
        "amazon.titan-text-premier-v1:0",
        CHAT.no_system().no_documents(),
    )
    .limits(32_000, 3_072)
    .ends("2025-08-15")
    .then(NOVA_PRO),
    // No lifecycle table names tg1-large; every other Titan Text model has ended.
    text("amazon.titan-tg1-large", PROMPTS.no_guardrails()).then(NOVA_MICRO),
    text(
        "anthropic.claude-3-5-haiku-20241022-v1:0",
        CHAT.tools().caching().counting().no_guardrails(),
    )
    .limits(200_000, 8_192)
    .also_through(&["us", "eu"])
    .ends("2026-06-19")
    .then(HAIKU),
    text(
        "anthropic.claude-3-5-sonnet-20240620-v1:0",
        CHAT.vision().tools().counting(),
    )
    .limits(200_000, 8_192)
    .also_through(&["us", "eu", "apac", "us-gov"])
    .ends("2026-03-01")
    .then(SONNET),
    text(
        "anthropic.claude-3-5-sonnet-20241022-v2:0",
        CHAT.vision().tools().caching().counting(),
    )
    .limits(200_000, 8_192)
    .also_through(&["us", "eu", "apac"])
    .ends("2026-03-01")
    .then(SONNET),
    text(
        "anthropic.claude-3-7-sonnet-20250219-v1:0",
        CHAT.vision().tools().caching().counting().reasons(Budget),
    )
    .limits(200_000, 128_000)
    .also_through(&["us", "eu", "apac", "us-gov"])
    .ends("2026-04-28")
    .then(SONNET),
    text(
        "anthropic.claude-3-haiku-20240307-v1:0",
        CHAT.vision().tools(),
    )
    .limits(200_000, 4_096)
    .also_through(&["us", "eu", "apac", "us-gov"])
    .ends("2026-09-10")
    .then(HAIKU),
    text(
        "anthropic.claude-3-opus-20240229-v1:0",
        CHAT.vision().tools(),
    )
    .limits(200_000, 4_096)
    .also_through(&["us"])
    .ends("2026-01-15")
    .then(SONNET),
    text(
        "anthropic.claude-3-sonnet-20240229-v1:0",
        CHAT.vision().tools(),
    )
    .limits(200_000, 4_096)
    .also_through(&["us", "eu", "apac"])
    .ends("2025-07-21")
    .then(SONNET),
    text(
        "anthropic.claude-fable-5",
        CHAT.vision().tools().caching().reasons(AdaptiveAlways),
    )
    .limits(1_000_000, 128_000)
    .no_sampling()
    .no_prefill()
    .only_through(&["us", "eu", "apac", "au", "global"]),
    text(
        "anthropic.claude-fable-5-1",
        CHAT.vision().tools().caching().reasons(AdaptiveAlways),
    )
    .limits(1_000_000, 128_000)
    .no_sampling()
    .no_prefill()
    .only_through(&["us", "eu", "us-gov", "global"]),
    text(
        "anthropic.claude-haiku-4-5-20251001-v1:0",
        CHAT.vision()
            .tools()
            .schema()
            .caching()
            .counting()
            .reasons(Budget),
    )
    .limits(200_000, 64_000)
    .one_of_temperature_and_top_p()
    .only_through(&["us", "eu", "apac", "jp", "au", "global"]),
    text(
        "anthropic.claude-haiku-5-5",
        CHAT.vision().tools().schema().caching().reasons(Adaptive),
    )
    .limits(1_000_000, 128_000)
    .no_sampling()
    .no_prefill()
    .only_through(&["us", "eu", "apac", "jp", "au", "us-gov", "global"]),
    text("anthropic.claude-instant-v1", CHAT)
        .limits(100_000, 4_096)
        .ends("2025-07-21")
        .then(HAIKU),
    text(
        "anthropic.claude-mythos-5",
        CHAT.vision()
            .tools()
            .schema()
            .caching()
            .reasons(AdaptiveAlways),
    )
    .limits(1_000_000, 128_000)
    .no_sampling()
    .no_prefill()
    .only_through(&["us"]),
    text(
        "anthropic.claude-mythos-5-1",
        CHAT.vision()
            .tools()
            .schema()
            .caching()
            .reasons(AdaptiveAlways),
    )
    .limits(1_000_000, 128_000)
    .no_sampling()
    .no_prefill()
    .only_through(&["us", "global"]),
    text(
        "anthropic.claude-opus-4-1-20250805-v1:0",
        CHAT.vision().tools().caching().counting().reasons(Budget),
    )
    .limits(200_000, 32_000)
    .only_through(&["us", "eu"])
    .ends("2027-01-08")
    .then(SONNET),
    text(
        "anthropic.claude-opus-4-20250514-v1:0",
        CHAT.vision().tools().caching().counting().reasons(Budget),
    )
    .limits(200_000, 32_000)
    .only_through(&["us", "eu"])
    .ends("2026-05-31")
    .then(SONNET),
    text(
        "anthropic.claude-opus-4-5-20251101-v1:0",
        CHAT.vision()
            .tools()
            .schema()
            .caching()
            .counting()
            .reasons(Budget),
    )
    .limits(200_000, 64_000)
    .one_of_temperature_and_top_p()
    .only_through(&["us", "eu", "global"]),
    text(
        "anthropic.claude-opus-4-6-v1",
        CHAT.vision()
            .tools()
            .schema()
            .caching()
            .counting()
            .reasons(BudgetOrAdaptive),
    )
    .limits(1_000_000, 128_000)
    .one_of_temperature_and_top_p()
    .no_prefill()
    .only_through(&["us", "eu", "au", "global"]),
    text(
        "anthropic.claude-opus-4-7",
        CHAT.vision().tools().caching().reasons(Adaptive),
    )
    .limits(1_000_000, 128_000)
    .no_sampling()
    .no_prefill()
    .only_through(&["us", "eu", "apac", "jp", "au", "global"]),
    text(
        "anthropic.claude-opus-4-8",
        CHAT.vision().tools().schema().caching().reasons(Adaptive),
    )
    .limits(1_000_000, 128_000)
    .no_sampling()
    .no_prefill()
    .only_through(&["us", "eu", "apac", "jp", "au", "us-gov", "global"]),
    text(
        "anthropic.claude-opus-5",
        CHAT.vision().tools().caching().reasons(AdaptiveUnlessOff),
    )
    .limits(1_000_000, 128_000)
    .no_sampling()
    .no_prefill()
    .only_through(&["us", "eu", "apac", "jp", "au", "us-gov", "global"]),
    text(
        "anthropic.claude-opus-5-5",
        CHAT.vision().tools().caching().reasons(AdaptiveAlways),
    )
    .limits(1_000_000, 128_000)
    .no_sampling()
    .no_prefill()
    .only_through(&["us", "eu", "apac", "jp", "au", "us-gov", "global"]),
    text(
        "anthropic.claude-sonnet-4-20250514-v1:0",
        CHAT.vision().tools().caching().counting().reasons(Budget),
    )
    .limits(200_000, 64_000)
    .only_through(&["us", "eu", "apac", "global"])
    .ends("2026-10-14")
    .then(SONNET),
    text(
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        CHAT.vision()
            .tools()
            .schema()
            .caching()
            .counting()
            .reasons(Budget),
    )
    .limits(200_000, 64_000)
    .one_of_temperature_and_top_p()
    .only_through(&["us", "eu", "jp", "au", "us-gov", "global"])
    .ends("2027-04-08")
    .then(SONNET),
    text(
        "anthropic.claude-sonnet-4-6",
        CHAT.vision()
            .tools()
            .schema()
            .caching()
            .counting()
            .reasons(BudgetOrAdaptive),
    )
    .limits(1_000_000, 64_000)
    .one_of_temperature_and_top_p()
    .no_prefill()
    .only_through(&["us", "eu", "apac", "jp", "au", "global"]),
    text(
        "anthropic.claude-sonnet-5",
        CHAT.vision()
            .tools()
            .schema()
            .caching()
            .reasons(AdaptiveUnlessOff),
    )
    .limits(1_000_000, 128_000)
    .no_sampling()
    .no_prefill()
    .only_through(&["us", "eu", "apac", "jp", "au", "us-gov", "global"]),
    text(
        "anthropic.claude-sonnet-5-5",
        CHAT.vision()
            .tools()
            .schema()
            .caching()
            .reasons(AdaptiveAlways),
    )
    .limits(1_000_000, 128_000)
    .no_sampling()
    .no_prefill()
    .only_through(&["us", "eu", "apac", "jp", "au", "us-gov", "global"]),
    text("anthropic.claude-v1", CHAT)
        .limits(100_000, 4_096)
        .ends("2024-02-28")
        .then(SONNET),
    text("anthropic.claude-v2", CHAT)
        .limits(100_000, 4_096)
        .ends("2025-07-21")
        .then(SONNET),
    text("anthropic.claude-v2:1", CHAT)
        .limits(200_000, 4_096)
        .ends("2025-07-21")
        .then(SONNET),
    text("cohere.command-light-text-v14", PROMPTS)
        .limits(4_096, 4_096)
        .ends("2025-08-12")
        .then(NOVA_MICRO),
    text("cohere.command-r-plus-v1:0", CHAT.tools().no_guardrails())
        .limits(128_000, 4_096)
        .ends("2026-08-19")
        .then(NOVA_PRO),
    text("cohere.command-r-v1:0", CHAT.tools().no_guardrails())
        .limits(128_000, 4_096)
        .ends("2026-08-19")
        .then(NOVA_LITE),
    text("cohere.command-text-v14", PROMPTS)
        .limits(4_096, 4_096)
        .ends("2025-08-12")
        .then(NOVA_LITE),
    text("deepseek.r1-v1:0", CHAT.reasons(Always))
        .limits(128_000, 32_768)
        .only_through(&["us"])
        .ends("2027-03-30")
        .then(DEEPSEEK),
    text("deepseek.v3-v1:0", CHAT.tools().schema())
        .limits(128_000, 8_192)
        .ends("2027-03-30")
        .then(DEEPSEEK),
    text("deepseek.v3.2", CHAT.tools().schema())
        .limits(164_000, 8_192)
        .also_through(&["us", "eu"]),
    text("google.gemma-3-12b-it", CHAT.vision().tools())
        .limits(128_000, 8_192)
        .ends("2027-03-30")
        .then(NOVA_LITE),
    text("google.gemma-3-27b-it", CHAT.vision().tools())
        .limits(128_000, 8_192)
        .ends("2027-03-30")
        .then(NOVA_LITE),
    text("google.gemma-3-4b-it", CHAT.vision().tools())
        .limits(128_000, 8_192)
        .ends("2027-03-30")
        .then(NOVA_LITE),
    text("meta.llama2-13b-chat-v1", CHAT)
        .limits(4_096, 4_096)
        .ends("2024-10-30")
        .then(NOVA_LITE),
    text("meta.llama2-70b-chat-v1", CHAT)
        .limits(4_096, 4_096)
        .ends("2024-10-30")
        .then(NOVA_LITE),
    text("meta.llama3-1-405b-instruct-v1:0", CHAT.tools_unstreamed())
        .limits(128_000, 4_096)
        .also_through(&["us"])
        .ends("2026-07-07")
        .then(NOVA_PRO),
    text("meta.llama3-1-70b-instruct-v1:0", CHAT.tools_unstreamed())
        .limits(128_000, 4_096)
        .also_through(&["us"])
        .ends("2027-03-30")
        .then(NOVA_PRO),
    text("meta.llama3-1-8b-instruct-v1:0", CHAT.tools_unstreamed())
        .limits(128_000, 4_096)
        .also_through(&["us"])
        .ends("2027-03-30")
        .then(NOVA_MICRO),
    text(
        "meta.llama3-2-11b-instruct-v1:0",
        CHAT.vision().tools_unstreamed(),
    )
    .limits(128_000, 4_096)
    .only_through(&["us"])
    .ends("2026-07-07")
    .then(NOVA_LITE),
    text("meta.llama3-2-1b-instruct-v1:0", CHAT)
        .limits(128_000, 4_096)
        .only_through(&["us", "eu"])
        .ends("2026-07-07")
        .then(NOVA_MICRO),
    text("meta.llama3-2-3b-instruct-v1:0", CHAT)
        .limits(128_000, 4_096)
        .only_through(&["us", "eu"])
        .ends("2026-07-07")
        .then(NOVA_MICRO),
    text(
        "meta.llama3-2-90b-instruct-v1:0",
        CHAT.vision().tools_unstreamed(),
    )
    .limits(128_000, 4_096)
    .only_through(&["us"])
    .ends("2026-07-07")
    .then(NOVA_PRO),
    text("meta.llama3-3-70b-instruct-v1:0", CHAT.tools_unstreamed())
        .limits(128_000, 4_096)
        .also_through(&["us"])
        .ends("2027-03-30")
        .then(NOVA_PRO),
    text("meta.llama3-70b-instruct-v1:0", CHAT)
        .limits(8_192, 4_096)
        .ends("2027-03-30")
        .then(NOVA_PRO),
    text("meta.llama3-8b-instruct-v1:0", CHAT)
        .limits(8_192, 4_096)
        .ends("2027-03-30")
        .then(NOVA_MICRO),
    text(
        "meta.llama4-maverick-17b-instruct-v1:0",
        CHAT.vision().tools_unstreamed(),
    )
    .limits(1_000_000, 16_384)
    .only_through(&["us"])
    .ends("2027-03-30")
    .then(NOVA_PRO),
    text(
        "meta.llama4-scout-17b-instruct-v1:0",
        CHAT.vision().tools_unstreamed(),
    )
    .limits(3_500_000, 16_384)
    .only_through(&["us"])
    .ends("2027-03-30")
    .then(NOVA_LITE),
    text("minimax.minimax-m2", CHAT.tools().schema())
        .limits(1_000_000, 8_192)
        .ends("2027-03-30")
        .then(MINIMAX),
    text("minimax.minimax-m2.1", CHAT.tools())
        .limits(196_000, 8_192)
        .ends("2027-03-30")
        .then(MINIMAX),
    text("minimax.minimax-m2.5", CHAT.tools()).limits(196_000, 8_192),
    text("mistral.devstral-2-123b", CHAT.tools())
        .limits(256_000, 32_768)
        .ends("2027-03-30")
        .then(MISTRAL),
    text(
        "mistral.magistral-small-2509",
        CHAT.vision().tools().reasons(Always),
    )
    .limits(128_000, 40_000),
    text(
        "mistral.ministral-3-14b-instruct",
        CHAT.vision().tools().schema(),
    )
    .limits(128_000, 8_192),
    text(
        "mistral.ministral-3-3b-instruct",
        CHAT.vision().tools().schema(),
    )
    .limits(128_000, 8_192),
    text(
        "mistral.ministral-3-8b-instruct",
        CHAT.vision().tools().schema(),
    )
    .limits(128_000, 8_192),
    text("mistral.mistral-7b-instruct-v0:2", CHAT.no_system())
        .limits(32_000, 8_192)
        .ends("2027-03-30")
        .then(MINISTRAL),
    text("mistral.mistral-large-2402-v1:0", CHAT.tools_unstreamed()).limits(32_000, 8_192),
    // Its refusal of stop sequences: BerriAI/litellm #5592.
    text("mistral.mistral-large-2407-v1:0", CHAT.tools_unstreamed())
        .limits(128_000, 8_192)
        .no_stop(),
    text(
        "mistral.mistral-large-3-675b-instruct",
        CHAT.vision().tools().schema(),
    )
    .limits(256_000, 32_768),
    text(
        "mistral.mistral-small-2402-v1:0",
        CHAT.no_documents().tools_unstreamed(),
    )
    .limits(32_000, 8_192),
    text("mistral.mixtral-8x7b-instruct-v0:1", CHAT.no_system())
        .limits(32_000, 4_096)
        .ends("2027-03-30")
        .then(MINISTRAL),
    text(
        "mistral.pixtral-large-2502-v1:0",
        CHAT.vision().tools_unstreamed(),
    )
    .limits(128_000, 16_384)
    .only_through(&["us", "eu"]),
    text("mistral.voxtral-mini-3b-2507", CHAT.schema())
        .limits(32_768, 8_192)
        .takes(TEXT_AUDIO)
        .ends("2027-03-30")
        .then(MINISTRAL),
    text("mistral.voxtral-small-24b-2507", CHAT.schema())
        .limits(32_768, 8_192)
        .takes(TEXT_AUDIO)
        .ends("2027-03-30")
        .then(MISTRAL),
    text(
        "moonshot.kimi-k2-thinking",
        CHAT.tools().schema().reasons(Always),
    )
    .limits(256_000, 16_384)
    .ends("2027-03-30")
    .then(KIMI),
    text("moonshotai.kimi-k2.5", CHAT.vision().tools()).limits(256_000, 16_384),
    text(
        "moonshotai.kimi-k3",
        CHAT.vision().tools().caching().reasons(Always),
    )
    .limits(1_000_000, 131_072)
    .also_through(&["us", "in", "global"]),
    text("nvidia.nemotron-nano-12b-v2", CHAT.vision().tools())
        .limits(128_000, 8_192)
        .also_through(&["us-gov"])
        .ends("2027-03-30")
        .then(NEMOTRON),
    text("nvidia.nemotron-nano-3-30b", CHAT.tools().schema())
        .limits(256_000, 8_192)
        .also_through(&["us-gov"]),
    text("nvidia.nemotron-nano-9b-v2", CHAT.tools())
        .limits(128_000, 8_192)
        .also_through(&["us-gov"])
        .ends("2027-03-30")
        .then(NEMOTRON),
    text("nvidia.nemotron-super-3-120b", CHAT.tools().reasons(Always))
        .limits(256_000, 32_768)
        .also_through(&["us-gov"]),
    text(
        "openai.gpt-5.4",
        CHAT.vision().tools().reasons(OpenaiEffort),
    )
    .limits(922_000, 128_000)
    .only_through(&["us", "global"]),
    text(
        "openai.gpt-5.5",
        CHAT.vision().tools().reasons(OpenaiEffort),
    )
    .limits(922_000, 128_000)
    .only_through(&["us", "global"]),
    // Its refusal of stop sequences, and those of its successors: LiteLLM, checked live.
    text(
        "openai.gpt-5.6-luna",
        CHAT.vision().tools().reasons(OpenaiEffort),
    )
    .limits(922_000, 128_000)
    .no_stop()
    .only_through(&["us", "global"]),
    text(
        "openai.gpt-5.6-sol",
        CHAT.vision().tools().reasons(OpenaiEffort),
    )
    .limits(922_000, 128_000)
    .no_stop()
    .only_through(&["us", "global"]),
    text(
        "openai.gpt-5.6-terra",
        CHAT.vision().tools().reasons(OpenaiEffort),
    )
    .limits(922_000, 128_000)
    .no_stop()
    .only_through(&["us", "global"]),
    text(
        "openai.gpt-6-astra",
        CHAT.vision().tools().caching().reasons(OpenaiEffort),
    )
    .limits(922_000, 128_000)
    .no_stop()
    .only_through(&["us", "global"]),
    text(
        "openai.gpt-6-luna",
        CHAT.vision().tools().caching().reasons(OpenaiEffort),
    )
    .limits(922_000, 128_000)
    .no_sampling()
    .no_stop()
    .also_through(&["us", "global"]),
    text(
        "openai.gpt-6-sol",
        CHAT.vision().tools().caching().reasons(OpenaiEffort),
    )
    .limits(922_000, 128_000)
    .no_sampling()
    .no_stop()
    .also_through(&["us", "global"]),
    text(
        "openai.gpt-6.1-sol",
        CHAT.vision().tools().caching().reasons(OpenaiEffort),
    )
    .limits(1_000_000, 131_072)
    .no_stop()
    .only_through(&["us", "global"]),
    text(
        "openai.gpt-6.1-terra",
        CHAT.vision().tools().caching().reasons(OpenaiEffort),
    )
    .limits(922_000, 128_000)
    .no_stop()
    .only_through(&["us", "global"]),
    text(
        "openai.gpt-oss-120b-1:0",
        CHAT.tools().reasons(OpenaiEffort),
    )
    .limits(128_000, 16_384)
    .also_through(&["us-gov"]),
    text("openai.gpt-oss-20b-1:0", CHAT.tools().reasons(OpenaiEffort))
        .limits(128_000, 16_384)
        .also_through(&["us-gov"]),
    text(
        "openai.gpt-oss-safeguard-120b",
        CHAT.tools().reasons(OpenaiEffort),
    )
    .limits(128_000, 16_384),
    text(
        "openai.gpt-oss-safeguard-20b",
        CHAT.tools().reasons(OpenaiEffort),
    )
    .limits(128_000, 16_384),
    text("qwen.qwen3-235b-a22b-2507-v1:0", CHAT.tools().schema()).limits(262_144, 8_192),
    text("qwen.qwen3-32b-v1:0", CHAT.tools().schema()).limits(32_768, 8_192),
    text("qwen.qwen3-coder-30b-a3b-v1:0", CHAT.tools().schema())
        .limits(262_144, 16_384)
        .ends("2027-03-30")
        .then(QWEN),
    text("qwen.qwen3-coder-480b-a35b-v1:0", CHAT.tools().schema())
        .limits(262_144, 16_384)
        .ends("2027-03-30")
        .then(QWEN),
    text("qwen.qwen3-coder-next", CHAT.tools()).limits(256_000, 16_384),
    text("qwen.qwen3-next-80b-a3b", CHAT.tools().schema()).limits(256_000, 8_192),
    text("qwen.qwen3-vl-235b-a22b", CHAT.vision().tools().schema()).limits(256_000, 8_192),
    image("stability.sd3-5-large-v1:0"),
    image("stability.sd3-large-v1:0")
        .ends("2025-09-04")
        .then(SD3_5),
    image_of_text("stability.stable-diffusion-xl")
        .ends("2024-04-30")
        .then(CORE),
    image_of_text("stability.stable-diffusion-xl-v0")
        .ends("2024-04-30")
        .then(CORE),
    image("stability.stable-diffusion-xl-v1")
        .ends("2025-05-20")
        .then(CORE),
    image_of_text("stability.stable-image-core-v1:0")
        .ends("2025-09-04")
        .then(CORE),
    image_of_text("stability.stable-image-core-v1:1"),
    image("stability.stable-image-ultra-v1:0")
        .ends("2025-09-04")
        .then(ULTRA),
    image("stability.stable-image-ultra-v1:1"),
    text("writer.palmyra-x4-v1:0", CHAT.tools_unstreamed())
        .limits(128_000, 8_192)
        .only_through(&["us"])
        .ends("2027-03-09")
        .then(NOVA_PRO),
    text("writer.palmyra-x5-v1:0", CHAT.tools_unstreamed())
        .limits(1_000_000, 8_192)
        .only_through(&["us"])
        .ends("2027-03-21")
        .then(NOVA_2_LITE),
    text("xai.grok-4.6", CHAT.vision().tools().reasons(OpenaiEffort))
        .limits(500_000, 500_000)
        .no_stop()
        .only_through(&["us", "us-gov", "global"]),
    text("xai.grok-4.7", CHAT.vision().tools().reasons(OpenaiEffort))
        .limits(524_288, 524_288)
        .no_stop()
        .only_through(&["us", "global"]),
    text("zai.glm-4.7", CHAT.tools().reasons(Always))
        .limits(203_000, 128_000)
        .ends("2027-03-30")
        .then(GLM),
    text("zai.glm-4.7-flash", CHAT.tools().reasons(Always))
        .limits(203_000, 128_000)
        .ends("2027-03-30")
        .then(GLM),
    text("zai.glm-5", CHAT.tools().schema().reasons(Always)).limits(200_000, 128_000),
    text(
        "zai.glm-5.3",
        CHAT.tools().schema().caching().reasons(Always),
    )
    .limits(1_000_000, 128_000)
    .only_through(&["us", "global"]),
];

/// What is known of the model with this `provider.model` id. An id that names a context variant
/// (`…:18k`) or a revision (`…-v1:0`) of a known model is that model.
pub fn entry(base: &str) -> Option<&'static Entry> {
    ENTRIES
        .iter()
        .filter(|entry| is_variant(base, entry.id))
        .max_by_key(|entry| entry.id.len())
}

fn is_variant(base: &str, id: &str) -> bool {
    base.strip_prefix(id)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with(':'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::ModelId;

    #[test]
    fn a_model_is_found_by_its_id_and_by_its_variants() {
        for (base, id) in [
            ("anthropic.claude-v2", Some("anthropic.claude-v2")),
            ("anthropic.claude-v2:1", Some("anthropic.claude-v2:1")),
            ("anthropic.claude-v2:1:200k", Some("anthropic.claude-v2:1")),
            ("anthropic.claude-v2:0", Some("anthropic.claude-v2")),
            (
                "stability.stable-diffusion-xl-v1:0",
                Some("stability.stable-diffusion-xl-v1"),
            ),
            ("stability.stable-diffusion-xl-v9", None),
            (
                "amazon.titan-text-express-v1:0:8k",
                Some("amazon.titan-text-express-v1"),
            ),
        ] {
            assert_eq!(entry(base).map(|entry| entry.id), id, "{base}");
        }
    }

    #[test]
    fn ids_are_ids_and_stand_in_order_once_each() {
        for entry in ENTRIES {
            let id = ModelId::parse(entry.id).unwrap();
            assert_eq!(id.base(), Some(entry.id), "it has a geography");
        }
        for pair in ENTRIES.windows(2) {
            assert!(pair[0].id < pair[1].id, "{} comes later", pair[0].id);
        }
    }

    #[test]
    fn a_profile_is_an_id_of_its_model() {
        for entry in ENTRIES {
            assert!(
                entry.in_region || !entry.profiles.is_empty(),
                "{} cannot be called",
                entry.id
            );
            for geography in entry.profiles {
                let id = ModelId::parse(&format!("{geography}.{}", entry.id)).unwrap();
                assert_eq!(id.base(), Some(entry.id), "{geography} is no geography");
            }
        }
    }

    #[test]
    fn limits_are_sane() {
        for entry in ENTRIES {
            assert_eq!(entry.window.is_some(), entry.max_output.is_some());
            let (Some(window), Some(output)) = (entry.window, entry.max_output) else {
                continue;
            };
            assert!((2_000..=10_000_000).contains(&window), "{}", entry.id);
            assert!((2_000..=1_000_000).contains(&output), "{}", entry.id);
            // Titan Lite and Express are stated with more of an answer than of a window.
            assert!(output <= window + window / 20, "{}", entry.id);
        }
    }

    #[test]
    fn capabilities_do_not_contradict_each_other() {
        for entry in ENTRIES {
            let can = entry.capabilities;
            let sees = entry.inputs.contains(&Modality::Image) && !entry.draws();
            assert_eq!(can.vision, sees, "{}", entry.id);
            assert!(can.tools || !can.streamed_tools, "{}", entry.id);
            assert!(can.stream || !can.streamed_tools, "{}", entry.id);
            let needs_converse = can.system_prompt
                || can.documents
                || can.vision
                || can.tools
                || can.json_schema
                || can.caching
                || can.counting;
            assert!(can.converse || !needs_converse, "{}", entry.id);
            assert!(!entry.draws() || can == super::image(entry.id).capabilities);
        }
    }

    #[test]
    fn a_last_day_is_a_day() {
        for day in ENTRIES.iter().filter_map(|entry| entry.end_of_life) {
            let parts: Vec<u32> = day.split('-').map(|part| part.parse().unwrap()).collect();
            let [year, month, date] = parts[..] else {
                panic!("{day}");
            };
            assert_eq!(day, format!("{year:04}-{month:02}-{date:02}"));
            assert!((2023..2030).contains(&year), "{day}");
            assert!(
                (1..=12).contains(&month) && (1..=31).contains(&date),
                "{day}"
            );
        }
    }

    #[test]
    fn a_successor_is_a_known_model_that_has_not_ended() {
        for entry in ENTRIES {
            assert!(
                entry.end_of_life.is_none() || entry.successor.is_some(),
                "{} has no successor",
                entry.id
            );
            let Some(successor) = entry.successor else {
                continue;
            };
            let id = ModelId::parse(successor).unwrap();
            let next = super::entry(id.base().unwrap())
                .unwrap_or_else(|| panic!("{successor} is unknown"));
            assert_eq!(next.end_of_life, None, "{successor} has ended itself");
        }
    }
}
