/** An event, or any other message of ours, as the bytes a socket will carry: built once, the same for every socket. */
export {
  committedAtMs,
  conflatedFrame,
  eventFrame,
  frameFrom,
  payloadOf,
  storedAtMs,
  type Frame,
  type FrameFacts,
} from './frame.js';
export { freshnessPacket, joinedPacket, snapshotPacket } from './message.js';
export { inBytes, packetOf, textOf, type Packet } from './packet.js';
