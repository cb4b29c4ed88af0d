"""Alerts in Simplified Chinese. An SMS holds 70 characters then, so it says less and cuts sooner."""

from collections.abc import Sequence
from datetime import datetime
from typing import Final

from infra.alerts.runtime.facts import (
    RECOGNISED,
    AlertFacts,
    ClosingFacts,
    DigestFacts,
    HeldEvent,
    count_text,
    counted,
    listed,
    zone_name,
)
from infra.alerts.runtime.words.fitting import UCS2, Parts, cut_units, fit, one_line
from smartcam.contract.event import WHOLE_DEVICE, WHOLE_FLEET, Event, EventKind, Severity
from smartcam.contract.ids import EventId
from smartcam.contract.times import format_utc

_LONGEST_SUBJECT: Final = 99
_LONGEST_PLACE: Final = 32
_DAYS: Final = "一二三四五六日"

WHAT: Final = {
    EventKind.PERSON: "人员",
    EventKind.VEHICLE: "车辆",
    EventKind.ANIMAL: "动物",
    EventKind.ANOMALY: "异常",
    EventKind.MOTION: "移动",
    EventKind.TAMPER: "镜头被干扰",
    EventKind.CAMERA_LOST: "摄像头失联",
    EventKind.CAMERA_RESTORED: "摄像头恢复",
    EventKind.DEVICE_LOST: "设备失联",
    EventKind.DEVICE_RESTORED: "设备恢复",
    EventKind.FLEET_LOST: "多台设备失联",
    EventKind.FLEET_RESTORED: "多台设备恢复",
    EventKind.TEST: "测试警报",
}
_SEVERITY: Final = {Severity.INFO: "提示", Severity.WARNING: "警告", Severity.CRITICAL: "严重"}
_CAUSE: Final = {
    (EventKind.MOTION, "motion"): "有物体移动，但不是摄像头认识的种类",
    (EventKind.MOTION, "dark"): "有物体移动，但光线太暗，无法辨认",
    (EventKind.MOTION, "defocused"): "有物体移动，但画面模糊，无法辨认",
    (EventKind.ANOMALY, "unusual"): "画面与该摄像头学到的正常情况不同",
    (EventKind.TAMPER, "covered"): "镜头被遮挡",
    (EventKind.TAMPER, "defocused"): "镜头失焦",
    (EventKind.TAMPER, "moved"): "摄像头朝向改变，可能被转动或移动",
    (EventKind.TAMPER, "frozen"): "画面冻结，反复传来同一画面",
    (EventKind.TAMPER, "black"): "画面全黑",
    (EventKind.TAMPER, "glare"): "有强光照射镜头",
}
"""What a device says in one word."""
_WHY: Final = {
    EventKind.ANOMALY: "画面与该摄像头学到的正常情况不同",
    EventKind.MOTION: "有物体移动，但不是摄像头认识的种类",
    EventKind.TAMPER: "摄像头似乎被遮挡、强光照射、移动、失焦或画面冻结",
    EventKind.CAMERA_LOST: "收不到该摄像头的画面",
    EventKind.CAMERA_RESTORED: "重新收到该摄像头的画面",
    EventKind.DEVICE_LOST: "收不到该设备的消息",
    EventKind.DEVICE_RESTORED: "重新收到该设备的消息",
    EventKind.FLEET_LOST: "多台设备同时失联，故障可能在设备与云之间",
    EventKind.FLEET_RESTORED: "同时失联的设备已重新连接",
    EventKind.TEST: "有人在测试警报是否送达",
}
_SCORED: Final = frozenset(
    {EventKind.PERSON, EventKind.VEHICLE, EventKind.ANIMAL, EventKind.ANOMALY, EventKind.MOTION, EventKind.TAMPER}
)
_SILENCE: Final = (
    "如何静音：该摄像头随后的事件会自动合并一段时间。如需免打扰时段、筛选或停止接收，",
    "请联系维护订阅名单的人，或使用下方的退订链接。",
)


def alert_sms(facts: AlertFacts) -> str:
    """Where, what, when and the number always; then the count, then as much of the zone as fits."""
    doubt = "" if facts.when.certain else "（时间不确定）"
    return fit(
        Parts(
            head=facts.where,
            rest=f"：{_what(facts.event)}，{_short(facts.at)}{doubt}，警报{facts.number}",
            place=facts.event.zone or "",
            brackets=("（", "）"),
            extra=f"，此前另有{count_text(facts.held_back)}次" if facts.held_back else "",
        ),
        UCS2,
    )


def alert_subject(facts: AlertFacts) -> str:
    """One line in UTF-8, as SNS allows."""
    where = _in_subject(facts.where)
    return _subject(f"{where}：{_what(facts.event)}，{_short(facts.at)}，警报{facts.number}")


def alert_email(facts: AlertFacts) -> str:
    """Where, what, when, why, the picture, and how to silence."""
    event = facts.event
    doubt = "" if facts.when.certain else "（不确定：设备的时钟不可信）"
    lines = [
        f"{facts.where}：{_what(event)}",
        "",
        f"地点：{_place(event)}",
        f"内容：{_what(event)}（{'，'.join(_details(event))}）",
        f"时间：{_long(facts.at)}{doubt}",
        f"UTC：{format_utc(facts.when.at)}",
        f"原因：{_why(event)}",
        *([f"规则：{event.rule}"] if event.rule else []),
        *_picture(facts),
    ]
    if event.suppressed:
        lines.append(f"设备端：另有{event.suppressed}次相同情况未单独上报")
    if facts.held_back:
        lines.append(f"已合并：上次警报之后另有{_several(facts.held_back)}")
    if facts.sms_withheld:
        lines.append("短信：今日短信数量已用完，未发送")
    return "\n".join([*lines, f"警报：{facts.number}", *_ids(facts.event_ids), "", *_SILENCE, ""])


def closing_sms(facts: ClosingFacts) -> str:
    """Where, how many since which alert; then of which kinds."""
    since = "" if facts.at is None else f"（{facts.at:%H:%M:%S}）"
    kinds = "，".join(f"{WHAT[kind]}{count}" for kind, count in counted(facts.held_back))
    return fit(
        Parts(
            head=facts.where,
            rest=f"：警报{facts.number}{since}之后另有{count_text(facts.held_back)}次",
            extra=f"：{kinds}",
        ),
        UCS2,
    )


def closing_subject(facts: ClosingFacts) -> str:
    """One line in UTF-8, as SNS allows."""
    where, many = _in_subject(facts.where), count_text(facts.held_back)
    return _subject(f"{where}：警报{facts.number}之后另有{many}次")


def closing_email(facts: ClosingFacts) -> str:
    """What followed an alert."""
    where = f"设备{facts.thing}" if facts.camera == WHOLE_DEVICE else f"{facts.thing}的摄像头{facts.camera}"
    lines = [
        closing_subject(facts),
        "",
        f"地点：{where}",
        f"内容：{_several(facts.held_back)}，已在冷却时间内合并",
    ]
    if facts.at is not None:
        lines.append(f"时间：{_long(facts.at)}的警报之后")
    ids = [one.event_id for one in facts.held_back]
    return "\n".join([*lines, f"警报：{facts.number}", *_ids(ids), "", *_SILENCE, ""])


def digest_sms(facts: DigestFacts) -> str:
    """How many in the quiet hours; then at which cameras."""
    places = facts.by_place()
    return fit(
        Parts(
            head=f"免打扰时段（至{facts.at:%H:%M}）共{count_text(facts.held)}次",
            rest="",
            place="，".join(f"{name} {count_text(held)}" for name, held in places),
            brackets=("：", ""),
        ),
        UCS2,
    )


def digest_subject(facts: DigestFacts) -> str:
    """One line in UTF-8, as SNS allows."""
    return _subject(f"免打扰时段：{len(facts.by_place())}处共{len(facts.held)}次，至{_short(facts.at)}")


def digest_email(facts: DigestFacts) -> str:
    """Camera by camera what happened in the quiet hours."""
    lines = [digest_subject(facts), ""]
    lines += [f"{name}：{_several(held)}" for name, held in facts.by_place()]
    ids = [one.event_id for one in facts.held]
    return "\n".join([*lines, "", f"汇总：{facts.number}", *_ids(ids), "", *_SILENCE, ""])


def _what(event: Event) -> str:
    return f"{WHAT[event.kind]}！" if event.severity is Severity.CRITICAL else WHAT[event.kind]


def _place(event: Event) -> str:
    if event.thing == WHOLE_FLEET:
        return event.label or "多台设备"
    place = f"设备{event.thing}" if event.camera_id == WHOLE_DEVICE else f"{event.thing}的摄像头{event.camera_id}"
    return f"{place}，区域{event.zone}" if event.zone else place


def _details(event: Event) -> list[str]:
    return [_SEVERITY[event.severity], *([f"标签{event.label}"] if event.label else [])]


def _why(event: Event) -> str:
    model = f"，模型{event.model_name} {event.model_version or ''}".rstrip() if event.model_name else ""
    score = f"得分{event.score:.2f}达到阈值{event.threshold:.2f}{model}"
    return f"{_reason(event)}，{score}" if event.kind in _SCORED else _reason(event)


def _reason(event: Event) -> str:
    known = None if event.cause is None else _CAUSE.get((event.kind, event.cause))
    if known is not None:
        return known
    reason = _WHY.get(event.kind, f"模型识别为{WHAT[event.kind]}")
    return reason if event.cause in {None, RECOGNISED} else f"{reason}（{event.cause}）"


def _picture(facts: AlertFacts) -> list[str]:
    if facts.picture is None:
        return []
    lines = [f"图片：{facts.picture.url}", f"（链接{facts.picture.valid_s // 60}分钟内有效）"]
    if not facts.picture.arrived:
        lines[1:] = ["（写本邮件时图片尚未上传，上传后链接即可打开）"]
    return lines


def _several(held: Sequence[HeldEvent]) -> str:
    kinds = "，".join(f"{WHAT[kind]}{count}" for kind, count in counted(held))
    return f"{count_text(held)}次（{kinds}）"


def _ids(event_ids: Sequence[EventId]) -> list[str]:
    shown, more = listed(event_ids)
    lines = [f"事件：{one}" for one in shown]
    return [*lines, *([f"另有{more}个事件，见历史记录"] if more else [])]


def _in_subject(where: str) -> str:
    return cut_units(one_line(where), _LONGEST_PLACE)


def _subject(text: str) -> str:
    return one_line(text)[:_LONGEST_SUBJECT]


def _short(moment: datetime) -> str:
    return f"{moment.month}月{moment.day}日{moment:%H:%M:%S}"


def _long(moment: datetime) -> str:
    day = f"{moment.year}年{moment.month}月{moment.day}日 星期{_DAYS[moment.weekday()]}"
    return f"{day} {moment:%H:%M:%S} {zone_name(moment)}"
