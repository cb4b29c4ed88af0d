"""A model of PyTorch, as torch.export.save writes it, becomes a bundle; its converter has an environment of its own."""

import hashlib
import io
import shutil
import tempfile
import zipfile
from dataclasses import replace
from pathlib import Path
from typing import Final

from tools.bundle.making import BundleError, BundleWishes, Made, make_bundle, read_model
from tools.child import ExportFault, run_there
from tools.command_line import Say
from tools.setup import ToolsError, setup_torch
from training.bundle import TORCH_SOURCE, keep_source

_WHAT: Final = "litert-torch"
_PROGRAM: Final = "models/model.json"
_PICKLED: Final = "data.pkl"
_REMEDY: Final = "torch.export.save(torch.export.export(model.eval(), (picture,)), 'model.pt2')"


def made_of(wishes: BundleWishes, out: Path, say: Say) -> Made:
    """A bundle of any model's file; see `make_bundle`. A program of PyTorch is converted, and kept beside the bundle.

    Raises:
        BundleError: with one sentence that names the file or the option.
    """
    model = read_model(wishes.model)
    names = members_of(model)
    if any(name.endswith(_PICKLED) for name in names):
        raise BundleError(f"{wishes.model}: holds weights or TorchScript and no program; save it by {_REMEDY}")
    if not any(name.endswith(_PROGRAM) for name in names):
        return make_bundle(wishes, out)
    source = wishes.source or f"{wishes.model.name}, SHA-256 {hashlib.sha256(model).hexdigest()}, by {_WHAT}"
    try:
        made = make_bundle(replace(wishes, converted=_converted(model, say), source=source), out)
        keep_source(out, TORCH_SOURCE, lambda path: shutil.copyfile(wishes.model, path))
    except (ExportFault, ToolsError) as error:
        raise BundleError(f"{wishes.model}: {error}") from error
    except OSError as error:
        raise BundleError(f"{out}: the model's source cannot be kept beside it ({error.strerror})") from error
    return made


def members_of(model: bytes) -> list[str]:
    """The names in an archive; none of what is no archive."""
    try:
        return zipfile.ZipFile(io.BytesIO(model)).namelist()
    except (zipfile.BadZipFile, NotImplementedError, ValueError):  # of another version, or with a name that is no text
        return []


def _converted(program: bytes, say: Say) -> bytes:
    python = setup_torch(say=say)
    say("bundle: converting for LiteRT (a minute) ...")
    with tempfile.TemporaryDirectory() as scratch:
        source, made = Path(scratch) / f"model{TORCH_SOURCE}", Path(scratch) / "model.tflite"
        source.write_bytes(program)
        run_there(python, "tools.bundle.making_tflite", [str(source), str(made)], _WHAT)
        return made.read_bytes()
