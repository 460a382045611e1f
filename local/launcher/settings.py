"""What the stack is started with. The environment is read here and nowhere else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

# What the functions may be told. Named in docs/local.md.
FUNCTION_VARIABLES = (
    "ALLOWED_MODELS",
    "BATCH_CONCURRENCY",
    "BATCH_EXPIRY_HOURS",
    "BEDROCK_ASSUME_ROLE",
    "BEDROCK_REGION",
    "BEDROCK_ROLE_SESSION_NAME",
    "CORS_ALLOW_ORIGIN",
    "DEFAULT_CHAT_MODEL",
    "DEFAULT_IMAGE_MODEL",
    "DEFAULT_MAX_TOKENS",
    "DEFAULT_TEXT_MODEL",
    "GATEWAY_TIMEOUT_SECONDS",
    "GUARDRAIL_ID",
    "GUARDRAIL_VERSION",
    "HISTORY_MARGIN_TOKENS",
    "HISTORY_TRIMMING",
    "HTTP_RESPONSE",
    "IDLE_TIMEOUT_SECONDS",
    "IMAGE_URL_SECONDS",
    "MAX_ANSWERS",
    "MAX_BODY_BYTES",
    "MAX_HISTORY_CHARACTERS",
    "MAX_MESSAGES",
    "MAX_PROMPT_CHARACTERS",
    "MAX_TOKENS_LIMIT",
    "METRICS_BY_KEY",
    "METRICS_NAMESPACE",
    "MODEL_ALIASES",
    "RUNTIME_RESPONDER",
    "RUST_LOG",
)
CREDENTIALS = (
    "AWS_ACCESS_KEY_ID",
    "AWS_SECRET_ACCESS_KEY",
    "AWS_SESSION_TOKEN",
    "AWS_REGION",
)
# What any program needs to find its way on this machine, and no more: MiniStack hands its whole
# environment on.
MACHINE_VARIABLES = (
    "CARGO_HOME",
    "CARGO_TARGET_DIR",
    "HOME",
    "LANG",
    "PATH",
    "RUSTUP_HOME",
    "RUSTUP_TOOLCHAIN",
    "TMPDIR",
)


class BadSetting(Exception):
    """A variable has a value that cannot be used. The text names it."""


@dataclass(frozen=True)
class Settings:
    """The whole configuration of one run."""

    api_port: int
    aws_port: int
    bedrock_port: int
    text_backend: str
    bridge_url: str | None
    bridge_model: str | None
    bedrock_url: str | None
    control_url: str | None
    faults: bool
    functions: dict[str, str]
    credentials: dict[str, str]
    machine: dict[str, str]
    whole_environment: dict[str, str]
    tools: Path

    @classmethod
    def read(cls, environment: Mapping[str, str] = os.environ) -> Settings:
        """Reads the variables that docs/local.md lists; an empty one counts as not set."""
        given = {name: value for name, value in environment.items() if value}

        def pick(names: tuple[str, ...]) -> dict[str, str]:
            return {name: given[name] for name in names if name in given}

        bridge_url = given.get("LOCAL_BRIDGE_URL")
        bedrock_url = given.get("BEDROCK_URL")
        backend = given.get("LOCAL_TEXT_BACKEND", "bridge" if bridge_url else "embedded")
        if backend not in ("embedded", "bridge", "simulator"):
            raise BadSetting("LOCAL_TEXT_BACKEND is embedded, bridge or simulator")
        if backend == "bridge" and not (bridge_url and given.get("LOCAL_BRIDGE_MODEL")):
            raise BadSetting("the bridge needs LOCAL_BRIDGE_URL and LOCAL_BRIDGE_MODEL")
        ports = [
            _port(given, "API_PORT", 9000),
            _port(given, "AWS_PORT", 4566),
            _port(given, "BEDROCK_PORT", 4600),
        ]
        if len(set(ports)) < len(ports):
            raise BadSetting("API_PORT, AWS_PORT and BEDROCK_PORT must differ")
        dummies = {
            "AWS_ACCESS_KEY_ID": "local",
            "AWS_SECRET_ACCESS_KEY": "local",
            "AWS_REGION": "us-east-1",
        }
        return cls(
            api_port=ports[0],
            aws_port=ports[1],
            bedrock_port=ports[2],
            text_backend=backend,
            bridge_url=bridge_url,
            bridge_model=given.get("LOCAL_BRIDGE_MODEL"),
            bedrock_url=bedrock_url.rstrip("/") if bedrock_url else None,
            control_url=given.get("BEDROCK_CONTROL_URL"),
            faults=given.get("LOCAL_FAULTS", "").lower() in ("1", "true"),
            functions=pick(FUNCTION_VARIABLES),
            # Real credentials leave this machine only where another Bedrock was asked for.
            credentials={**dummies, **pick(CREDENTIALS)} if bedrock_url else dummies,
            machine=pick(MACHINE_VARIABLES),
            whole_environment=dict(environment),
            tools=Path(given.get("TOOLS_DIR", ROOT / ".tools")),
        )

    @property
    def ports(self) -> dict[str, int]:
        """The ports that this run listens on, by the variable that changes them."""
        ports = {"API_PORT": self.api_port, "AWS_PORT": self.aws_port}
        if self.bedrock_url is None:
            ports["BEDROCK_PORT"] = self.bedrock_port
        return ports

    @property
    def runs(self) -> Path:
        return self.tools / "run"

    @property
    def events(self) -> Path:
        return self.tools / "events"

    @property
    def models(self) -> Path:
        return self.tools / "models"

    @property
    def region(self) -> str:
        """Where everything of this run is, so that one signature suits all of it."""
        return self.credentials["AWS_REGION"]

    @property
    def api(self) -> str:
        return f"http://127.0.0.1:{self.api_port}"

    @property
    def aws(self) -> str:
        return f"http://127.0.0.1:{self.aws_port}"

    @property
    def bedrock(self) -> str:
        return self.bedrock_url or f"http://127.0.0.1:{self.bedrock_port}"

    @property
    def endpoints(self) -> dict[str, str]:
        """MiniStack's services that the functions call."""
        return {"AWS_ENDPOINT_URL_S3": self.aws, "AWS_ENDPOINT_URL_SQS": self.aws}

    @property
    def control(self) -> dict[str, str]:
        """Where the models are listed. Another Bedrock's control plane has an address of its own;
        where it is not given, the SDK takes AWS's."""
        address = self.control_url if self.bedrock_url else self.bedrock
        return {"AWS_ENDPOINT_URL_BEDROCK": address} if address else {}


def _port(given: Mapping[str, str], name: str, default: int) -> int:
    text = given.get(name, str(default))
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise BadSetting(f"{name} must be a port from 1 to 65535, not {text!r}")
    return int(text)
