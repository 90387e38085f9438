import type { Freshness, JoinedChallenge, Snapshot } from '@tradesense/contracts';

import { inBytes, packetOf, type Packet } from './packet.js';

/** A state inside goes out as the bytes that came in: it is never parsed and written again. */
function messagePacket(name: string, body: object, inside?: { readonly field: string; readonly json: Buffer }): Packet {
  const text = inBytes(JSON.stringify(body));
  if (inside === undefined) return packetOf(`42["${name}",${text}]`);
  return packetOf(`42["${name}",${text.slice(0, -1)},"${inside.field}":${inside.json.toString('latin1')}}]`);
}

export const joinedPacket = (body: Omit<JoinedChallenge, 'snapshot'>, snapshot: Buffer | undefined): Packet =>
  messagePacket('joined_challenge', body, snapshot && { field: 'snapshot', json: snapshot });

export const snapshotPacket = (body: Omit<Snapshot, 'state'>, state: Buffer): Packet =>
  messagePacket('snapshot', body, { field: 'state', json: state });

export const freshnessPacket = (body: Freshness): Packet => messagePacket('freshness', body);
