/** All words of the page, in English and Chinese. What devices say stays in the words they said it in. */

export const WORDS = {
  live: ["Live", "实时"], draw: ["Draw", "绘制"], events: ["Events", "事件"], health: ["Health", "状态"],
  main: ["Main", "主导航"], skip: ["Skip to the content", "跳到内容"], other_language: ["中文", "English"],
  language: ["Language", "语言"], loading: ["One moment …", "请稍候 …"], sign_in: ["Sign in", "登录"],
  sign_out: ["Sign out", "退出"], password: ["Password", "密码"], close: ["Close", "关闭"], save: ["Save", "保存"],
  remove: ["Remove", "删除"], undo: ["Undo", "撤销"], all: ["all", "全部"], name: ["Name", "名称"],
  camera: ["Camera", "摄像头"], offline: ["The console does not answer: {words}", "控制台没有回应：{words}"],
  running: ["running", "运行中"], lost: ["lost", "已断开"], ended: ["ended", "已结束"], unknown: ["unknown", "未知"],
  awaited: ["awaited", "等待中"], no_cameras: ["No camera has been heard of yet.", "还没有收到任何摄像头的消息。"],
  first_use: ["On a PC, `smartcam console` finds cameras, names who is told, and deploys; `smartcam cameras find > cameras.yaml` only finds them.",
    "在电脑上，`smartcam console` 可以查找摄像头、设置通知对象并部署；`smartcam cameras find > cameras.yaml` 仅查找。"],
  first_then: ["As soon as a camera runs it is shown here, and you can draw its masks and zones.",
    "摄像头运行后会显示在这里，然后可以绘制遮罩和区域。"],
  connecting: ["Connecting …", "正在连接 …"],
  again_in: ["No connection; again in {seconds} s", "连接中断；{seconds} 秒后重试"],
  cannot_play: ["This browser cannot play {mime}.", "此浏览器无法播放 {mime}。"],
  as_jpeg: ["single pictures", "单张图片"], as_video: ["video", "视频"],
  as_webrtc: ["video by WebRTC", "WebRTC 视频"], by_webrtc: ["Less delay (WebRTC)", "低延迟（WebRTC）"],
  rate: ["{rate} pictures a second", "每秒 {rate} 帧"], armed: ["Armed", "已布防"], disarmed: ["Disarmed", "已撤防"],
  arm: ["Arm", "布防"], disarm: ["Disarm", "撤防"], arm_camera: ["Arm {camera}", "布防 {camera}"],
  disarm_camera: ["Disarm {camera}", "撤防 {camera}"], arm_all: ["Arm all", "全部布防"],
  disarm_all: ["Disarm all", "全部撤防"], until: ["until {time}", "直到 {time}"],
  seen_nothing: ["nothing seen", "未发现目标"], scene: ["scene", "场景"], enlarge: ["Only {camera}", "只看 {camera}"],
  all_cameras: ["All cameras", "所有摄像头"], overlay: ["Boxes and zones", "目标框和区域"],
  zones: ["Zones", "区域"], lines: ["Lines", "界线"], masks: ["Privacy masks", "隐私遮罩"],
  ignored: ["Ignored areas", "忽略区域"], rules: ["Rules", "规则"], new_zones: ["zone", "区域"],
  new_lines: ["line", "界线"], new_masks: ["mask", "遮罩"], new_ignored: ["area", "忽略"],
  new_rules: ["rule", "规则"], add: ["Add: {what}", "添加：{what}"], freeze: ["Freeze the picture", "冻结画面"],
  draw_hint: ["Click the corners, or move the cross with the arrow keys and set one with Space. Enter or the first corner ends it.",
    "点击各个角点，或用方向键移动十字并按空格键确定。按回车键或点击第一个角点结束。"],
  move_hint: ["Drag corners, or use arrow keys: Shift goes far, Alt finely. + adds a corner, Delete removes it.",
    "拖动角点，或用方向键：Shift 大步，Alt 微调。+ 添加角点，Delete 删除。"],
  canvas: ["The picture of {camera} to draw on", "{camera} 的画面，可在上面绘制"],
  corner: ["{name}, corner {number} of {count}: {x} % right, {y} % down", "{name}，角点 {number}/{count}：右 {x}%，下 {y}%"],
  whole: ["{name}, all of it", "{name}，整体"], done: ["Done", "完成"], cancel: ["Cancel", "取消"],
  turn: ["Turn the direction", "反转方向"], crossing_rule: ["Raise an event when it is crossed", "越线时触发事件"],
  unused_line: ["No rule names this line, so nothing comes of it.", "没有规则使用这条界线，因此它不起作用。"],
  no_rules: ["Without rules every object raises an event, in any zone or, without zones, anywhere.",
    "没有规则时，任一区域内的目标都会触发事件；没有区域时，任何位置都会触发。"],
  labels: ["Labels, with commas between", "标签，用逗号分隔"], line: ["Line", "界线"], none: ["none", "无"],
  direction: ["Direction", "方向"], forward: ["forward", "正向"], backward: ["backward", "反向"],
  both: ["both", "双向"], loiter: ["Stays for (seconds)", "停留（秒）"],
  would_be: ["{then} events, today's rules {now}, over the last {days} days", "{then} 个事件，现有规则为 {now} 个，过去 {days} 天"],
  checking: ["Asking the device …", "正在询问设备 …"], valid: ["The device would accept this.", "设备会接受此设置。"],
  applied: ["Applied.", "已生效。"], not_applied: ["Not applied.", "未生效。"], diff: ["What changes", "改动"],
  yaml: ["For `smartcam deploy`", "用于 `smartcam deploy`"],
  set_again: ["Set mine again", "恢复我的设置"],
  no_settings: ["The device does not say what this camera's settings are: {words}. Asking again …", "设备没有给出此摄像头的设置：{words}。正在重新询问 …"],
  person: ["person", "人"], vehicle: ["vehicle", "车辆"], animal: ["animal", "动物"], anomaly: ["anomaly", "异常"],
  motion: ["motion", "移动"], tamper: ["tampering", "遮挡破坏"], camera_lost: ["camera lost", "摄像头断开"],
  camera_restored: ["camera back", "摄像头恢复"], test: ["test", "测试"], kind: ["Kind", "类型"],
  zone: ["Zone", "区域"], rule: ["Rule", "规则"], until_day: ["Up to the day", "截至日期"],
  least_score: ["Least score", "最低分数"], no_events: ["No events.", "没有事件。"],
  day_axis: ["{day}: {count} events", "{day}：{count} 个事件"], still_on: ["still on", "进行中"],
  lasted: ["{seconds} s", "{seconds} 秒"], held_back: ["held back by the filter", "已被过滤器拦下"],
  filter_would: ["On trial: the filter {name} {version} would have silenced {held} of the last {events} events.",
    "试用中：过滤器 {name} {version} 会拦下最近 {events} 个事件中的 {held} 个。"],
  filter_does: ["The filter {name} {version} silences {held} of the last {events} events.",
    "过滤器 {name} {version} 拦下最近 {events} 个事件中的 {held} 个。"],
  filter_false: ["Of {false} judged false: {held_false}.", "判为误报的 {false} 个中：{held_false} 个。"],
  filter_true: ["Of {true} judged true: {held_true}!", "判为真实的 {true} 个中：{held_true} 个！"],
  filter_no_true: ["No true one.", "没有真实事件。"],
  true: ["True", "真实"], false: ["False", "误报"], verdict: ["Is it true?", "是否真实？"],
  judged_true: ["judged true", "判为真实"], judged_false: ["judged false", "判为误报"],
  part: ["Part {number}", "第 {number} 段"], captions: ["Captions", "字幕"],
  event_picture: ["The picture of this event", "此事件的图片"],
  keys: ["Arrow keys choose, Enter opens, t is true, f is false, u undoes.",
    "方向键选择，回车打开，t 真实，f 误报，u 撤销。"],
  earlier: ["Earlier", "更早"], later: ["Later", "更晚"],
  learning: ["learning", "学习中"], watching: ["watching", "监看中"], relearning: ["learning anew", "重新学习"],
  learned: ["Learned scenes", "学习场景"],
  no_scene: ["No camera learns its scene (`normal: true` turns it on).", "没有摄像头在学习场景（`normal: true` 可开启）。"],
  hours: ["{hours} of {of} hours", "{hours}/{of} 小时"], budget: ["Alerts a day accepted", "每天可接受的警报"],
  curve: ["Alerts a day by threshold", "各阈值对应的每日警报"], seen: ["seen", "实际"], at_most: ["at most (90 %)", "上限（90 %）"], at_least: ["at least (90 %)", "下限（90 %）"],
  cut: ["Above about {threshold} is unusual: {a_day} a day on what was watched, at most {most} with 90 % confidence.",
    "约高于 {threshold} 视为异常：已观察画面每天 {a_day} 次，90 % 置信上限为 {most} 次。"],
  no_promise: ["Too little has been watched to promise so few alerts a day.", "观察时间还太短，不能保证每天的警报这么少。"],
  unusual: ["Most unusual in the last week", "过去一周最异常的事件"],
  raised_today: ["{count} raised in the last day", "过去一天触发 {count} 次"], findings: ["Findings", "诊断"],
  all_well: ["Nothing is wrong.", "一切正常。"],
  f_silent: ["Inference has not said anything for {minutes} minutes", "推理组件已 {minutes} 分钟没有消息"],
  f_never: ["Inference has not said anything yet", "还没有收到推理组件的消息"],
  f_camera: ["Camera {camera}: {state}. {reason}", "摄像头 {camera}：{state}。{reason}"],
  f_bundle: ["The model bundle is not in use: {reason}", "模型包未启用：{reason}"],
  f_configuration: ["The configuration is not in use: {reason}", "配置未启用：{reason}"],
  f_release: ["A release does not run: {reason}", "新版本未运行：{reason}"],
  f_clock: ["The clock is not synchronised", "时钟未同步"],
  f_waiting: ["{count} events wait for the cloud", "{count} 个事件等待上传"],
  f_outbox_lost: ["{count} events have been dropped, refused or made unreadable", "{count} 个事件被丢弃、拒收或损坏"],
  f_drift: ["Camera {camera} raises more than its budget", "摄像头 {camera} 触发次数超过预算"],
  f_failed: ["{count} frames could not be analysed", "{count} 帧无法分析"],
  f_replaced: ["{component} was started again at {time} UTC: its loop {loop} was stuck", "{component} 已于 {time} UTC 重启：其循环 {loop} 卡住"],
  f_no_capture: ["Nothing is heard from capture", "没有收到采集组件的消息"], device: ["Device", "设备"],
  model: ["Model", "模型"], version: ["Version", "版本"], uptime: ["Up for", "运行时间"],
  up_hours: ["{hours} hours", "{hours} 小时"], outbox: ["Waiting for the cloud", "等待上传"],
  frames_per_second: ["Pictures a second", "每秒帧数"], dropped: ["Dropped", "丢帧"],
  latency_ms: ["Latency in ms", "延迟（毫秒）"], last_day: ["The last day", "过去一天"],
  no_day: ["Nothing has been recorded yet.", "还没有记录。"],
};

const LANGUAGES = ["en", "zh"];

/** The first language of a person that the page speaks. */
export const chosen = (wanted) => wanted.map((each) => each.slice(0, 2)).find((each) => LANGUAGES.includes(each)) ?? "en";

/** As dates are written where the person lives, if that is said. */
const region = (language) => globalThis.navigator?.languages?.find((each) => each.startsWith(language)) ?? language;

export const KINDS =
  ["person", "vehicle", "animal", "anomaly", "motion", "tamper", "camera_lost", "camera_restored", "test"];

/** What writes times: making one takes longer than using it a hundred times. */
const writers = new Map();
function writer(language, form) {
  const key = JSON.stringify([language, form]);
  if (!writers.has(key)) writers.set(key, new Intl.DateTimeFormat(region(language), { hourCycle: "h23", ...form }));
  return writers.get(key);
}

export const spoken = (language) => ({
  language,
  /** A model's own labels stay as they are, whatever words the page has. */
  label: (word) => (KINDS.includes(word) ? spoken(language).t(word) : word),
  /** The words for a key, with what stands in {braces} filled in; a key without words is said as it is. */
  t: (key, fields = {}) =>
    (WORDS[key]?.[LANGUAGES.indexOf(language)] ?? String(key)).replace(/\{(\w+)\}/g, (whole, name) => fields[name] ?? whole),
  time: (at, form) => writer(language, form).format(new Date(at)),
});
