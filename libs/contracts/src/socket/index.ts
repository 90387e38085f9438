export { SOCKET_EVENT, STATE_TYPE, isEventType, roomOf, type EventByName, type SocketEvent } from './events.js';
export type {
  AccessRevoked,
  Answer,
  Bridge,
  Freshness,
  GoingAway,
  JoinChallenge,
  JoinedChallenge,
  LeaveChallenge,
  LeftChallenge,
  RefreshToken,
  Refusal,
  Replayed,
  ServerMessages,
  Snapshot,
  SnapshotReason,
  SocketError,
} from './messages.js';
