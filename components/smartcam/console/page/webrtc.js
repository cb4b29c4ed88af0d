/** The live picture by WebRTC: a thin shell around RTCPeerConnection. */

/**
 * Answers the console's offer by `send`, and shows what comes in `video`; an empty answer says that it cannot be.
 * Returns what ends it.
 */
export function answerOffer(sdp, video, send) {
  const peer = new RTCPeerConnection({ iceServers: [] });
  peer.ontrack = ({ receiver, track }) => {
    receiver.jitterBufferTarget = 0;
    video.srcObject = new MediaStream([track]);
  };
  const answer = async () => {
    await peer.setRemoteDescription({ type: "offer", sdp });
    await peer.setLocalDescription();
    send(peer.localDescription.sdp);
  };
  answer().catch(() => send(""));
  return () => {
    peer.close();
    video.srcObject = null;
  };
}
