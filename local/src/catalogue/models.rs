//! The table of models.

use super::Lifecycle::{Active, Legacy, Retired};
use super::{Family, Lifecycle, Model};
use crate::families::amazon_image::Model as Amazon;
use crate::families::stable_image::Model as Stable;
use crate::families::{ImageFamily, TextFamily};

const NOWHERE: &[&str] = &[];
const US: &[&str] = &["us"];
const REGIONS: &[&str] = &["us", "eu", "apac"];
const WORLD: &[&str] = &["us", "eu", "jp", "au", "us-gov", "global"];

/// A text model that is called by its own id; `..` changes the rest.
const fn text(id: &'static str, name: &'static str, family: TextFamily, max_output: i64) -> Model {
    Model {
        id,
        name,
        provider: match family {
            TextFamily::Titan | TextFamily::Nova => "Amazon",
            TextFamily::ClaudeText | TextFamily::ClaudeMessages => "Anthropic",
            TextFamily::Llama2 | TextFamily::Llama3 | TextFamily::Llama4 => "Meta",
            TextFamily::DeepSeekR1 { .. } => "DeepSeek",
            TextFamily::OpenAi => "OpenAI",
            TextFamily::Qwen => "Qwen",
            TextFamily::Jamba | TextFamily::Jurassic2 => "AI21 Labs",
            TextFamily::MistralInstruct | TextFamily::MistralChat => "Mistral AI",
            TextFamily::Command | TextFamily::CommandAtOnce | TextFamily::CommandR => "Cohere",
        },
        family: Family::Text(family),
        on_demand: true,
        profiles: NOWHERE,
        lifecycle: Lifecycle::Active,
        max_output,
        sees: false,
        fine_tuning: false,
    }
}

const fn image(
    id: &'static str,
    name: &'static str,
    family: ImageFamily,
    lifecycle: Lifecycle,
) -> Model {
    Model {
        id,
        name,
        provider: match family {
            ImageFamily::Sdxl08 | ImageFamily::Sdxl10 | ImageFamily::Stable(_) => "Stability AI",
            ImageFamily::Amazon(_) => "Amazon",
        },
        family: Family::Image(family),
        on_demand: true,
        profiles: NOWHERE,
        lifecycle,
        max_output: 0,
        sees: match family {
            ImageFamily::Sdxl08 | ImageFamily::Stable(Stable::Core) => false,
            ImageFamily::Sdxl10
            | ImageFamily::Stable(Stable::Ultra | Stable::Large3 | Stable::Large35)
            | ImageFamily::Amazon(_) => true,
        },
        fine_tuning: false,
    }
}

const fn titan(
    id: &'static str,
    name: &'static str,
    max_output: i64,
    end: Option<&'static str>,
) -> Model {
    Model {
        lifecycle: Lifecycle::Retired(end),
        fine_tuning: true,
        ..text(id, name, TextFamily::Titan, max_output)
    }
}

const fn claude_text(id: &'static str, name: &'static str) -> Model {
    Model {
        lifecycle: Lifecycle::Retired(Some("2025-07-21")),
        ..text(id, name, TextFamily::ClaudeText, 4096)
    }
}

const fn claude(
    id: &'static str,
    name: &'static str,
    max_output: i64,
    profiles: &'static [&'static str],
    lifecycle: Lifecycle,
) -> Model {
    Model {
        profiles,
        lifecycle,
        sees: true,
        ..text(id, name, TextFamily::ClaudeMessages, max_output)
    }
}

/// A Claude without an in-region id.
const fn claude_by_profile(
    id: &'static str,
    name: &'static str,
    max_output: i64,
    profiles: &'static [&'static str],
    lifecycle: Lifecycle,
) -> Model {
    Model {
        on_demand: false,
        ..claude(id, name, max_output, profiles, lifecycle)
    }
}

const fn nova(id: &'static str, name: &'static str, sees: bool) -> Model {
    Model {
        profiles: REGIONS,
        sees,
        ..text(id, name, TextFamily::Nova, 10_000)
    }
}

const fn jamba(id: &'static str, name: &'static str, end: &'static str) -> Model {
    Model {
        lifecycle: Retired(Some(end)),
        ..text(id, name, TextFamily::Jamba, 4096)
    }
}

const fn command_r(id: &'static str, name: &'static str) -> Model {
    Model {
        lifecycle: Retired(Some("2026-08-19")),
        ..text(id, name, TextFamily::CommandR, 4096)
    }
}

const fn jurassic_2(id: &'static str, name: &'static str) -> Model {
    Model {
        lifecycle: Retired(Some("2025-03-12")),
        ..text(id, name, TextFamily::Jurassic2, 8191)
    }
}

const fn command(id: &'static str, name: &'static str) -> Model {
    Model {
        lifecycle: Retired(Some("2025-08-12")),
        ..text(id, name, TextFamily::Command, 4096)
    }
}

const fn llama(
    id: &'static str,
    name: &'static str,
    family: TextFamily,
    max_output: i64,
    lifecycle: Lifecycle,
) -> Model {
    Model {
        lifecycle,
        ..text(id, name, family, max_output)
    }
}

/// A Llama without an in-region id.
const fn llama_by_profile(
    id: &'static str,
    name: &'static str,
    family: TextFamily,
    max_output: i64,
    lifecycle: Lifecycle,
) -> Model {
    Model {
        on_demand: false,
        profiles: US,
        ..llama(id, name, family, max_output, lifecycle)
    }
}

/// Every model, in the order of the listing.
///
/// tg1-large's limit is undocumented; 8192 is what weaviate's client sends. Nova's is given as
/// 5,000, 8,192 and 10,000 by different sources; the highest is taken, so that nothing that AWS
/// would answer is refused here. The newest Claudes' profiles are not documented in what we read.
pub(crate) static MODELS: &[Model] = &[
    titan("amazon.titan-tg1-large", "Titan Text Large", 8192, None),
    titan(
        "amazon.titan-text-lite-v1",
        "Titan Text G1 - Lite",
        4096,
        Some("2025-08-15"),
    ),
    titan(
        "amazon.titan-text-express-v1",
        "Titan Text G1 - Express",
        8192,
        Some("2025-08-15"),
    ),
    titan(
        "amazon.titan-text-premier-v1:0",
        "Titan Text G1 - Premier",
        3072,
        Some("2025-08-15"),
    ),
    nova("amazon.nova-micro-v1:0", "Nova Micro", false),
    nova("amazon.nova-lite-v1:0", "Nova Lite", true),
    nova("amazon.nova-pro-v1:0", "Nova Pro", true),
    Model {
        on_demand: false,
        profiles: US,
        lifecycle: Retired(Some("2026-09-14")),
        ..nova("amazon.nova-premier-v1:0", "Nova Premier", true)
    },
    Model {
        on_demand: false,
        profiles: WORLD,
        max_output: 65_536,
        ..nova("amazon.nova-2-lite-v1:0", "Nova 2 Lite", true)
    },
    claude_text("anthropic.claude-v2", "Claude"),
    claude_text("anthropic.claude-v2:1", "Claude"),
    claude_text("anthropic.claude-instant-v1", "Claude Instant"),
    claude(
        "anthropic.claude-3-haiku-20240307-v1:0",
        "Claude 3 Haiku",
        4096,
        REGIONS,
        Retired(Some("2026-09-10")),
    ),
    claude(
        "anthropic.claude-3-5-sonnet-20240620-v1:0",
        "Claude 3.5 Sonnet",
        8192,
        REGIONS,
        Retired(Some("2026-03-01")),
    ),
    claude(
        "anthropic.claude-3-5-sonnet-20241022-v2:0",
        "Claude 3.5 Sonnet v2",
        8192,
        REGIONS,
        Retired(Some("2026-03-01")),
    ),
    claude(
        "anthropic.claude-3-5-haiku-20241022-v1:0",
        "Claude 3.5 Haiku",
        8192,
        US,
        Retired(Some("2026-06-19")),
    ),
    claude_by_profile(
        "anthropic.claude-3-7-sonnet-20250219-v1:0",
        "Claude 3.7 Sonnet",
        128_000,
        REGIONS,
        Retired(Some("2026-04-28")),
    ),
    claude_by_profile(
        "anthropic.claude-sonnet-4-20250514-v1:0",
        "Claude Sonnet 4",
        64_000,
        &["us", "eu", "apac", "global"],
        Retired(Some("2026-10-14")),
    ),
    claude_by_profile(
        "anthropic.claude-opus-4-1-20250805-v1:0",
        "Claude Opus 4.1",
        32_000,
        US,
        Legacy("2027-01-08"),
    ),
    claude_by_profile(
        "anthropic.claude-sonnet-4-5-20250929-v1:0",
        "Claude Sonnet 4.5",
        64_000,
        WORLD,
        Legacy("2027-04-08"),
    ),
    claude_by_profile(
        "anthropic.claude-haiku-4-5-20251001-v1:0",
        "Claude Haiku 4.5",
        64_000,
        WORLD,
        Active,
    ),
    claude_by_profile(
        "anthropic.claude-opus-4-5-20251101-v1:0",
        "Claude Opus 4.5",
        64_000,
        &["us", "eu", "global"],
        Active,
    ),
    claude_by_profile(
        "anthropic.claude-sonnet-5",
        "Claude Sonnet 5",
        128_000,
        WORLD,
        Active,
    ),
    claude_by_profile(
        "anthropic.claude-opus-5",
        "Claude Opus 5",
        128_000,
        WORLD,
        Active,
    ),
    jurassic_2("ai21.j2-mid-v1", "Jurassic-2 Mid"),
    jurassic_2("ai21.j2-ultra-v1", "Jurassic-2 Ultra"),
    jamba("ai21.jamba-instruct-v1:0", "Jamba-Instruct", "2025-08-01"),
    jamba("ai21.jamba-1-5-mini-v1:0", "Jamba 1.5 Mini", "2026-11-26"),
    jamba("ai21.jamba-1-5-large-v1:0", "Jamba 1.5 Large", "2026-11-26"),
    llama(
        "meta.llama2-13b-chat-v1",
        "Llama 2 Chat 13B",
        TextFamily::Llama2,
        4096,
        Retired(Some("2024-10-30")),
    ),
    llama(
        "meta.llama2-70b-chat-v1",
        "Llama 2 Chat 70B",
        TextFamily::Llama2,
        4096,
        Retired(Some("2024-10-30")),
    ),
    llama(
        "meta.llama3-8b-instruct-v1:0",
        "Llama 3 8B Instruct",
        TextFamily::Llama3,
        4096,
        Legacy("2027-03-30"),
    ),
    llama(
        "meta.llama3-70b-instruct-v1:0",
        "Llama 3 70B Instruct",
        TextFamily::Llama3,
        4096,
        Legacy("2027-03-30"),
    ),
    llama(
        "meta.llama3-1-8b-instruct-v1:0",
        "Llama 3.1 8B Instruct",
        TextFamily::Llama3,
        4096,
        Legacy("2027-03-30"),
    ),
    llama(
        "meta.llama3-1-70b-instruct-v1:0",
        "Llama 3.1 70B Instruct",
        TextFamily::Llama3,
        4096,
        Legacy("2027-03-30"),
    ),
    llama_by_profile(
        "meta.llama3-2-1b-instruct-v1:0",
        "Llama 3.2 1B Instruct",
        TextFamily::Llama3,
        4096,
        Retired(Some("2026-07-07")),
    ),
    llama_by_profile(
        "meta.llama3-2-11b-instruct-v1:0",
        "Llama 3.2 11B Instruct",
        TextFamily::Llama3,
        4096,
        Retired(Some("2026-07-07")),
    ),
    llama_by_profile(
        "meta.llama3-3-70b-instruct-v1:0",
        "Llama 3.3 70B Instruct",
        TextFamily::Llama3,
        4096,
        Legacy("2027-03-30"),
    ),
    llama_by_profile(
        "meta.llama4-scout-17b-instruct-v1:0",
        "Llama 4 Scout 17B Instruct",
        TextFamily::Llama4,
        16384,
        Legacy("2027-03-30"),
    ),
    llama_by_profile(
        "meta.llama4-maverick-17b-instruct-v1:0",
        "Llama 4 Maverick 17B Instruct",
        TextFamily::Llama4,
        16384,
        Legacy("2027-03-30"),
    ),
    Model {
        on_demand: false,
        profiles: US,
        lifecycle: Legacy("2027-03-30"),
        ..text(
            "deepseek.r1-v1:0",
            "DeepSeek-R1",
            TextFamily::DeepSeekR1 { begun: false },
            32_768,
        )
    },
    text(
        "openai.gpt-oss-120b-1:0",
        "gpt-oss-120b",
        TextFamily::OpenAi,
        16_384,
    ),
    text(
        "openai.gpt-oss-20b-1:0",
        "gpt-oss-20b",
        TextFamily::OpenAi,
        16_384,
    ),
    text("qwen.qwen3-32b-v1:0", "Qwen3 32B", TextFamily::Qwen, 8192),
    text(
        "qwen.qwen3-next-80b-a3b",
        "Qwen3 Next 80B A3B",
        TextFamily::Qwen,
        8192,
    ),
    command("cohere.command-text-v14", "Command"),
    command("cohere.command-light-text-v14", "Command Light"),
    command_r("cohere.command-r-v1:0", "Command R"),
    command_r("cohere.command-r-plus-v1:0", "Command R+"),
    Model {
        lifecycle: Legacy("2027-03-30"),
        ..text(
            "mistral.mistral-7b-instruct-v0:2",
            "Mistral 7B Instruct",
            TextFamily::MistralInstruct,
            8192,
        )
    },
    Model {
        lifecycle: Legacy("2027-03-30"),
        ..text(
            "mistral.mixtral-8x7b-instruct-v0:1",
            "Mixtral 8x7B Instruct",
            TextFamily::MistralInstruct,
            4096,
        )
    },
    text(
        "mistral.mistral-large-2402-v1:0",
        "Mistral Large (24.02)",
        TextFamily::MistralInstruct,
        8192,
    ),
    text(
        "mistral.mistral-small-2402-v1:0",
        "Mistral Small (24.02)",
        TextFamily::MistralInstruct,
        8192,
    ),
    text(
        "mistral.mistral-large-2407-v1:0",
        "Mistral Large (24.07)",
        TextFamily::MistralChat,
        8192,
    ),
    Model {
        on_demand: false,
        profiles: &["us", "eu"],
        sees: true,
        ..text(
            "mistral.pixtral-large-2502-v1:0",
            "Pixtral Large (25.02)",
            TextFamily::MistralChat,
            16_384,
        )
    },
    image(
        "amazon.titan-image-generator-v1",
        "Titan Image Generator G1",
        ImageFamily::Amazon(Amazon::TitanV1),
        Retired(Some("2025-08-15")),
    ),
    image(
        "amazon.titan-image-generator-v2:0",
        "Titan Image Generator G1 v2",
        ImageFamily::Amazon(Amazon::TitanV2),
        Retired(Some("2026-06-30")),
    ),
    image(
        "amazon.nova-canvas-v1:0",
        "Nova Canvas",
        ImageFamily::Amazon(Amazon::NovaCanvas),
        Retired(Some("2026-09-30")),
    ),
    image(
        "stability.stable-diffusion-xl",
        "SDXL 0.8",
        ImageFamily::Sdxl08,
        Retired(Some("2024-04-30")),
    ),
    image(
        "stability.stable-diffusion-xl-v0",
        "SDXL 0.8",
        ImageFamily::Sdxl08,
        Retired(Some("2024-04-30")),
    ),
    image(
        "stability.stable-diffusion-xl-v1",
        "SDXL 1.0",
        ImageFamily::Sdxl10,
        Retired(Some("2025-05-20")),
    ),
    image(
        "stability.stable-image-core-v1:0",
        "Stable Image Core 1.0",
        ImageFamily::Stable(Stable::Core),
        Retired(Some("2025-09-04")),
    ),
    image(
        "stability.stable-image-core-v1:1",
        "Stable Image Core 1.0",
        ImageFamily::Stable(Stable::Core),
        Active,
    ),
    image(
        "stability.stable-image-ultra-v1:0",
        "Stable Image Ultra 1.0",
        ImageFamily::Stable(Stable::Ultra),
        Retired(Some("2025-09-04")),
    ),
    image(
        "stability.stable-image-ultra-v1:1",
        "Stable Image Ultra 1.0",
        ImageFamily::Stable(Stable::Ultra),
        Active,
    ),
    image(
        "stability.sd3-large-v1:0",
        "SD3 Large 1.0",
        ImageFamily::Stable(Stable::Large3),
        Retired(Some("2025-09-04")),
    ),
    image(
        "stability.sd3-5-large-v1:0",
        "Stable Diffusion 3.5 Large",
        ImageFamily::Stable(Stable::Large35),
        Active,
    ),
];
