"""Which function takes requests without HTTP, and under what names: docs/events.md has the contract."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Door:
    """One function's way in."""

    # As in the keys of objects.
    name: str
    function: str
    # What its resources' names begin with.
    stem: str
    # What it keeps beside results.
    images: bool = False

    @property
    def variable(self) -> str:
        """Where each function reads the queue's URL."""
        return f"{self.name.upper()}_QUEUE_URL"

    @property
    def uploads(self) -> str:
        return f"requests/{self.name}/"

    @property
    def locks(self) -> str:
        return f"locks/{self.name}/"

    def queues(self, fifo: bool) -> tuple[str, ...]:
        """The queues that it takes messages from."""
        return (f"{self.stem}Queue", f"{self.stem}FifoQueue") if fifo else (f"{self.stem}Queue",)


DOORS = (
    Door("chat", "ChatFunction", "Chat"),
    Door("completion", "TextCompletionFunction", "Completion"),
    Door("image", "ImageGenerationFunction", "Image", images=True),
)
SUFFIXES = (".json", ".jsonl", ".md", ".txt")
# What functions write. No upload may look like it.
OUTPUTS = ("results/", "images/", "locks/")


def dead_letters(queue: str) -> str:
    """The name of a queue's dead-letter queue."""
    return queue.removesuffix("Queue") + "DeadLetterQueue"
