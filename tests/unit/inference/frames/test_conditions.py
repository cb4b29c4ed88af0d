from smartcam.contract.health import CameraCondition, SceneHealth, SceneStage
from smartcam.inference.frames.conditions import CameraConditions
from tests.unit.inference.stage import GATE, YARD

LEARNING = SceneHealth(SceneStage.LEARNING, 19.0, 56.0, 1.0, 0, drift=False)


def test_how_far_a_camera_has_learnt_its_scene_stands_beside_its_condition_whatever_happens_to_that() -> None:
    conditions = CameraConditions()
    conditions.report(YARD, CameraCondition.RUNNING, 5.0)
    conditions.report(GATE, CameraCondition.RUNNING)
    conditions.learns(YARD, LEARNING)
    conditions.report(YARD, CameraCondition.LOST)
    assert [one.scene for one in conditions.cameras()] == [None, LEARNING]
    conditions.learns(YARD, None)
    assert [one.scene for one in conditions.cameras()] == [None, None]
