/** What the console says on a PC alone, in English and Chinese. */

export const MORE = {
  first_find: ["Cameras on this machine and in its network can be found; those in the network are asked by ONVIF.",
    "可以查找本机和本地网络中的摄像头；网络摄像头通过 ONVIF 查询。"],
  first_use: ["Go on at the address for this that `smartcam console` has said in its terminal.", "请使用 `smartcam console` 在终端中显示的设置地址继续。"],
  setup: ["Set up", "设置"], first_cameras: ["Cameras", "摄像头"], first_look: ["Look for cameras", "查找摄像头"],
  first_none: ["No camera was found.", "没有找到摄像头。"], first_pictures: ["Show the pictures", "显示画面"],
  first_opening: ["Opening them …", "正在打开 …"], first_shows: ["What {camera} sees", "{camera} 的画面"],
  first_people: ["Who is told", "通知对象"], first_tells: ["Set up the cloud side, and who is told", "部署云端并设置通知对象"],
  first_as_it_is: ["The cloud side stays as it is, and with it who is told.", "云端和通知对象保持不变。"],
  first_email: ["E-mail addresses, with commas between", "电子邮箱，用逗号分隔"],
  first_phone: ["Telephone numbers for SMS, such as +441632960001", "短信号码，例如 +441632960001"],
  first_time_zone: ["Time zone of the cameras", "摄像头所在时区"], first_deploy: ["Deploy", "部署"],
  first_group: ["Thing group of the devices", "设备所在的物品组"],
  first_check: ["Check, and show what would be done", "检查并显示将要执行的操作"],
  first_yes: ["Yes, do all this", "确认执行"], first_stop: ["Stop", "停止"],
  first_planning: ["Asking AWS what there is; nothing is changed …", "正在查询 AWS，不会更改任何内容 …"],
  first_planned: ["Nothing has been sent yet.", "尚未发送任何内容。"], first_deploying: ["Deploying …", "正在部署 …"],
  first_done: ["Done.", "完成。"], first_failed: ["It ended before all was done: the last lines say why.", "未全部完成：原因见最后几行。"],
};
