import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from smartcam.contract.event import EventKind
from smartcam.vision.corners import Corners
from tools.score.foreign.reading import read_foreign
from tools.score.foreign.rows import PictureSize, TakenOver
from tools.score.intervals import ScoreError
from tools.score.objects import LabelledObject

WIDTH, HEIGHT = 640, 480
SIZE = PictureSize(WIDTH, HEIGHT)

Walks = dict[str, list[tuple[int, tuple[int, int, int, int]]]]
"""Per identity its boxes in pixels (x1, y1, x2, y2) by frame."""

corners = st.tuples(st.integers(0, 500), st.integers(0, 400), st.integers(4, 100), st.integers(4, 60)).map(
    lambda b: (b[0], b[1], b[0] + b[2], b[1] + b[3])
)
walks = st.dictionaries(
    st.sampled_from(["1", "2", "7"]),
    st.lists(st.integers(0, 40), min_size=1, max_size=25, unique=True).flatmap(
        lambda frames: st.tuples(*(st.tuples(st.just(frame), corners) for frame in sorted(frames))).map(list)
    ),
    max_size=3,
)


def as_mot(made: Walks) -> str:
    rows = [(f, name, b) for name, boxes in made.items() for f, b in boxes]
    return "".join(
        f"{f + 1},{name},{x1},{y1},{x2 - x1},{y2 - y1},1,1,0.9\n" for f, name, (x1, y1, x2, y2) in sorted(rows)
    )


def as_coco(made: Walks) -> str:
    images = [
        {"id": 500 + f, "file_name": f"f{f}.jpg", "width": WIDTH, "height": HEIGHT, "frame_id": f} for f in range(41)
    ]
    annotations = [
        {"id": f, "image_id": 500 + f, "category_id": 3, "bbox": [x1, y1, x2 - x1, y2 - y1], "track_id": int(name)}
        for name, boxes in made.items()
        for f, (x1, y1, x2, y2) in boxes
    ]
    categories = [{"id": 3, "name": "person"}]
    return json.dumps({"images": images, "annotations": annotations, "categories": categories})


def outside_after(boxes: list[tuple[int, tuple[int, int, int, int]]]) -> list[tuple[int, tuple[int, ...], bool]]:
    """CVAT's way: a box, and one more that is outside in the frame after the last of each stretch."""
    frames = {frame for frame, _ in boxes}
    return sorted(
        [(frame, box, False) for frame, box in boxes]
        + [(frame + 1, box, True) for frame, box in boxes if frame + 1 not in frames]
    )


def as_cvat_xml(made: Walks) -> str:
    tracks = "".join(
        f'<track id="{name}" label="person">'
        + "".join(
            f'<box frame="{f}" outside="{int(out)}" occluded="0" keyframe="1" xtl="{b[0]}" ytl="{b[1]}" xbr="{b[2]}"'
            f' ybr="{b[3]}" z_order="0"></box>'
            for f, b, out in outside_after(boxes)
        )
        + "</track>"
        for name, boxes in made.items()
    )
    size = f"<original_size><width>{WIDTH}</width><height>{HEIGHT}</height></original_size>"
    return (
        f'<?xml version="1.0" encoding="utf-8"?>\n<annotations><meta><task>{size}</task></meta>{tracks}</annotations>'
    )


def as_cvat_json(made: Walks) -> str:
    tracks = [
        {
            "label": "person",
            "shapes": [
                {"type": "rectangle", "frame": f, "outside": out, "points": list(b)}
                for f, b, out in outside_after(boxes)
            ],
        }
        for boxes in made.values()
    ]
    return json.dumps([{"version": 0, "tags": [], "shapes": [], "tracks": tracks}])


WRITERS = {"gt.txt": as_mot, "coco.json": as_coco, "cvat.xml": as_cvat_xml, "annotations.json": as_cvat_json}


def read(folder: Path, name: str, text: str | bytes, size: PictureSize = SIZE, clip: str = "a.mp4") -> TakenOver:
    path = folder / name
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return read_foreign(path, clip, size)


def boxes_of(one: LabelledObject) -> dict[int, Corners]:
    """All boxes by frame, also those between keyframes."""
    found = {}
    for sight in one.sights:
        for frame in range(int(sight.interval.first), int(sight.interval.last) + 1):
            box = sight.box_at(frame)
            assert box is not None
            found[frame] = box
    return found


@pytest.mark.parametrize("name", WRITERS)
@given(made=walks)
def test_what_other_programs_write_is_taken_over_box_by_box(
    tmp_path_factory: pytest.TempPathFactory, name: str, made: Walks
) -> None:
    taken = read(tmp_path_factory.mktemp("foreign"), name, WRITERS[name](made))
    assert not taken.left_out
    assert len(taken.objects) == len(made)
    wanted = sorted(boxes for boxes in made.values())
    found = sorted(
        [
            [
                (frame, tuple(round(c * side) for c, side in zip(box, (WIDTH, HEIGHT) * 2, strict=True)))
                for frame, box in boxes_of(each).items()
            ]
            for each in taken.objects
        ]
    )
    assert found == wanted
    assert {each.kind for each in taken.objects} <= {EventKind.PERSON}


def test_between_the_keyframes_of_cvat_boxes_are_on_a_line(tmp_path: Path) -> None:
    boxes = "".join(
        f'<box frame="{frame}" outside="0" xtl="{x}" ytl="{x}" xbr="{x + 100}" ybr="{x + 100}"/>'
        for frame, x in ((0, 0), (10, 100))
    )
    track = f'<track id="4" label="person">{boxes}</track>'
    (one,) = read(tmp_path, "c.xml", f"<annotations>{track}</annotations>").objects
    assert one.id == "person-4"
    assert boxes_of(one)[5] == pytest.approx((50 / WIDTH, 50 / HEIGHT, 150 / WIDTH, 150 / HEIGHT), abs=1e-5)


def test_mot_entries_that_are_not_considered_or_are_no_objects_are_left_out_and_counted(tmp_path: Path) -> None:
    lines = ["1,1,10,10,40,80,1,1,1", "1,2,10,10,40,80,0,1,1", "1,3,10,10,40,80,1,9,1", "1,4,10,10,40,80,1,3,0.2"]
    taken = read(tmp_path, "gt.txt", "\n".join([*lines, ""]))
    assert {(each.id, each.kind) for each in taken.objects} == {("1", EventKind.PERSON), ("4", EventKind.VEHICLE)}
    assert taken.left_out == {"not considered": 1, "occluder": 1}


def test_old_mot_files_know_people_only_and_may_use_blanks(tmp_path: Path) -> None:
    taken = read(tmp_path, "gt.txt", "1,1,10,10,40,80,1,-1,-1,-1\n2,1,12,10,40,80,1,-1,-1,-1\n")
    assert [(each.id, each.kind) for each in taken.objects] == [("1", EventKind.PERSON)]
    assert read(tmp_path, "gt.txt", "1 1 10 10 40 80\n").objects[0].id == "1"


def test_what_goes_beyond_the_picture_is_cut_and_what_is_outside_is_not_in_sight(tmp_path: Path) -> None:
    (one,) = read(tmp_path, "gt.txt", "1,1,-20,10,40,80\n2,1,-90,10,40,80\n3,1,600,400,400,400\n").objects
    assert boxes_of(one) == {
        0: pytest.approx((0, 10 / HEIGHT, 20 / WIDTH, 90 / HEIGHT), abs=1e-5),
        2: pytest.approx((600 / WIDTH, 400 / HEIGHT, 1, 1), abs=1e-5),
    }
    assert len(one.sights) == 2


def test_a_coco_sequence_of_every_tenth_frame_is_one_time_in_sight(tmp_path: Path) -> None:
    document = json.loads(as_coco({"1": [(0, (0, 0, 50, 50)), (10, (0, 0, 50, 50)), (30, (0, 0, 50, 50))]}))
    document["images"] = [image for image in document["images"] if image["frame_id"] % 10 == 0]
    (one,) = read(tmp_path, "c.json", json.dumps(document)).objects
    assert [(each.interval.first, each.interval.last) for each in one.sights] == [(0, 10), (30, 30)]


def test_coco_images_without_frame_numbers_are_in_the_order_of_their_names(tmp_path: Path) -> None:
    document = json.loads(as_coco({"1": [(9, (0, 0, 50, 50)), (10, (0, 0, 50, 50))]}))
    for image in document["images"]:
        del image["frame_id"]
    document["images"].reverse()
    assert list(boxes_of(read(tmp_path, "c.json", json.dumps(document)).objects[0])) == [9, 10]


def test_of_several_coco_videos_the_one_with_the_clips_name_is_taken(tmp_path: Path) -> None:
    document = json.loads(as_coco({"1": [(3, (0, 0, 50, 50))]}))
    for image in document["images"]:
        image["video_id"] = 1 + image["frame_id"] % 2
    document["videos"] = [{"id": 1, "name": "b"}, {"id": 2, "name": "train/a"}]
    assert list(boxes_of(read(tmp_path, "c.json", json.dumps(document)).objects[0])) == [3]
    with pytest.raises(ScoreError, match="not just one is called z"):
        read(tmp_path, "c.json", json.dumps(document), clip="z.mp4")


BOMB = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;">]><annotations>&b;</annotations>'
ONE_WALK: Walks = {"1": [(0, (0, 0, 50, 50))]}


def coco(**more: Any) -> str:  # noqa: ANN401  any JSON
    return json.dumps(json.loads(as_coco(ONE_WALK)) | more)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (BOMB, "DOCTYPE"),
        ("<annotations>", "is no XML"),
        ("<html></html>", "its root is <html>"),
        ("<annotations>" + "<a>" * 100_000, "is no XML"),
        (as_cvat_xml(ONE_WALK).replace("<width>640", "<width>0"), "no size of a picture"),
        (as_cvat_xml(ONE_WALK).replace("<width>640", "<width>nan"), "no number of pixels"),
        (as_cvat_xml(ONE_WALK).replace('xbr="50"', 'xbr="inf"'), "track 0: xbr is 'inf'"),
        (as_cvat_xml(ONE_WALK).replace('frame="0"', 'frame="-1"'), "track 0: the frame is '-1'"),
        (as_cvat_xml(ONE_WALK).replace('frame="1"', 'frame="0"'), "two boxes in frame 0"),
        ("{}", "has no list of tracks"),
        ("[7]", "has no list of tracks"),
        ('[{"tracks": [7]}]', "tracks[0] is 7"),
        ('[{"tracks": [{"label": "person", "shapes": [{"points": [1, 2]}]}]}]', "not four corners"),
        ("[" * 100_000, "is not JSON"),
        (coco(images=7), "images is no list"),
        (coco(annotations=[7]), "annotations[0] is 7"),
        (coco(annotations=[{"image_id": 500, "category_id": 3, "bbox": [1, 2, 3, 4]}]), "has no track_id nor"),
        (coco(annotations=[{"image_id": 500, "category_id": 3, "bbox": [1, 2], "track_id": 1}]), "bbox is [1, 2]"),
        (coco(annotations=[{"image_id": 500, "category_id": 3, "bbox": [1, 2, 3, "x"], "track_id": 1}]), "bbox is 'x'"),
        (coco(annotations=[{"image_id": 500, "category_id": 3, "bbox": [1] * 4, "track_id": None}]), "no identity"),
        (coco(images=[{"id": 500, "frame_id": 1}, {"id": 501, "frame_id": 1}]), "two of them are the same frame"),
        (coco(images=[{"id": 500, "frame_id": "x"}]), "images: frame_id is 'x'"),
        ("1,1,10,10,40\n", "line 1: '1,1,10,10,40' is not frame, id"),
        ("frame,id,left,top,width,height\n", "line 1: the frame is 'frame'"),
        ("1,1,10,10,40,80\n0,1,10,10,40,80\n", "line 2: frames count from 1"),
        ("1,1,10,10,nan,80\n", "line 1: the box is 'nan'"),
        ("1,1,10,10,1e400,80\n", "line 1: the box is '1e400'"),
        ("1.5,1,10,10,40,80\n", "line 1: the frame is '1.5'"),
        ("9" * 400 + ",1,10,10,40,80\n", "line 1: the frame is"),
        ("1,1,10,10,40,80\n1,1,12,10,40,80\n", "1 has two boxes in frame 0"),
        ("1,,10,10,40,80\n", "line 1: the id is ''"),
        (b"\xff\xfe1\x00", "UTF-16"),
        (b"\x89PNG\r\n\x1a\n\x00", "holds"),
    ],
)  # fmt: skip
def test_a_hostile_or_broken_file_ends_in_one_clear_error(tmp_path: Path, text: str | bytes, said: str) -> None:
    with pytest.raises(ScoreError) as caught:
        read(tmp_path, "odd", text)
    assert str(caught.value).startswith(f"labels {tmp_path / 'odd'}")
    assert said in str(caught.value)
    assert len(str(caught.value)) < 400


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(ScoreError, match=r"none\.txt: No such file"):
        read_foreign(tmp_path / "none.txt", "a.mp4", SIZE)


@given(st.sampled_from(sorted(WRITERS)), st.integers(0, 3000), st.text(max_size=4))
def test_any_damage_ends_in_labels_or_in_one_error(
    tmp_path_factory: pytest.TempPathFactory, name: str, at: int, put: str
) -> None:
    text = WRITERS[name]({"1": [(0, (0, 0, 50, 50)), (3, (9, 9, 80, 80))], "2": [(1, (5, 5, 50, 50))]})
    place = at % len(text)
    try:
        read(
            tmp_path_factory.mktemp("damaged"),
            name,
            (text[:place] + put + text[place + 3 :]).encode("utf-8", "replace"),
        )
    except ScoreError as error:
        assert "\n" not in str(error).strip()  # noqa: PT017  either is fine, nothing else is
