"""`smartcam-inference --once`: without a nucleus, scores each frame whose notice comes as a line."""

import json
from pathlib import Path
from typing import TextIO

from smartcam.contract.errors import SmartcamError
from smartcam.contract.notice import FrameNotice, decode_notice
from smartcam.inference.analysis.analysis import Model, SceneModel
from smartcam.inference.bundles import named, open_model
from smartcam.inference.frames.readers import FrameReaders
from smartcam.vision.frame import Frame


def score_once(bundle: Path | None, ring_folder: Path, notices: TextIO, answers: TextIO, errors: TextIO) -> int:
    """Answer each notice with a line of JSON; the exit code is 1 after the first one that cannot be answered."""
    readers = FrameReaders(ring_folder)
    try:
        model = open_model(named(bundle))
        for line in notices:
            notice = decode_notice(line)
            if isinstance(notice, FrameNotice):
                frame = readers.read(notice)
                answer = {"seq": frame.seq, "position_ns": frame.position_ns, **_said(model, frame)}
                answers.write(json.dumps(answer) + "\n")
                answers.flush()
    except (SmartcamError, UnicodeDecodeError) as error:
        errors.write(f"smartcam-inference: {error}\n")
        return 1
    finally:
        readers.close()
    return 0


def _said(model: Model, frame: Frame) -> dict[str, object]:
    if isinstance(model, SceneModel):
        return {"score": float(model.scorer.score([frame.picture]))}
    seen = model.detector.detect(frame.picture, ())
    rows = zip(seen.labels, seen.scores.tolist(), seen.boxes.tolist(), strict=True)
    return {"detections": [{"label": label, "score": score, "box": box} for label, score, box in rows]}
