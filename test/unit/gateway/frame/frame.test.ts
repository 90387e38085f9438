import { createRequire } from 'node:module';

import { SOCKET_EVENT, type SocketEvent } from '@tradesense/contracts';
import fc from 'fast-check';

import {
  committedAtMs,
  conflatedFrame,
  eventFrame,
  freshnessPacket,
  joinedPacket,
  packetOf,
  snapshotPacket,
  storedAtMs,
  textOf,
  type Packet,
} from '../../../../services/gateway/src/frame/index.js';

/** The parsers of the very server that sends our bytes, found where it finds them. */
const here = createRequire(import.meta.url);
const atServer = createRequire(here.resolve('socket.io'));
const atEngine = createRequire(atServer.resolve('engine.io'));
const { Decoder, Encoder, PacketType } = atServer('socket.io-parser') as typeof import('socket.io-parser');
const { decodePacket } = atEngine('engine.io-parser') as typeof import('engine.io-parser');
const { Receiver } = atEngine('ws') as {
  Receiver: new (options: object) => NodeJS.EventEmitter & NodeJS.WritableStream;
};

/** What a WebSocket client gets out of these bytes: whole text messages. */
function textsIn(wire: string): string[] {
  const texts: string[] = [];
  const receiver = new Receiver({ isServer: false, maxPayload: 0 });
  receiver.on('message', (data: Buffer, isBinary: boolean) => texts.push(isBinary ? '(binary)' : String(data)));
  receiver.write(Buffer.from(wire, 'latin1'));
  return texts;
}

/** What a socket.io client makes of a message. */
function eventIn(text: string): unknown[] {
  const { type, data } = decodePacket(text, 'nodebuffer');
  expect(type).toBe('message');
  const decoder = new Decoder();
  let packet: { type: number; nsp: string; data?: unknown } | undefined;
  decoder.on('decoded', (decoded: typeof packet) => (packet = decoded));
  decoder.add(data as string);
  expect(packet).toMatchObject({ type: PacketType.EVENT, nsp: '/' });
  return packet?.data as unknown[];
}

const received = (packet: Packet): unknown[] => {
  const texts = textsIn(packet.wire);
  expect(texts).toHaveLength(1);
  expect(textOf(packet)).toBe(texts[0]?.slice(1));
  return eventIn(texts[0] as string);
};

const facts = (name: SocketEvent, sequence = 7) => ({ name, epoch: 1, sequence, committedAtMs: 0, storedAtMs: 0 });
const bodyOfBytes = (length: number): string => JSON.stringify({ text: 'x'.repeat(length) });

describe('a frame, against the parsers of socket.io, engine.io and ws', () => {
  it.each(Object.values(SOCKET_EVENT))('%s is what socket.io itself would have sent', (name) => {
    const body = { challenge_id: 'c', sequence: 7, text: 'a "quoted" – 金 \u2028' };
    const frame = eventFrame(facts(name), Buffer.from(JSON.stringify(body)));
    expect(received(frame)).toEqual([name, body]);
    const [encoded] = new Encoder().encode({ type: PacketType.EVENT, nsp: '/', data: [name, body] });
    expect(textOf(frame)).toBe(encoded);
  });

  it('keeps the times of its event, small enough to lie in it, also where it stands in for others', () => {
    const nowMs = Date.now();
    const at = { committedAtMs: nowMs - 15 * 60_000, storedAtMs: nowMs + 1 };
    const frame = eventFrame({ ...facts('equity_updated'), ...at }, Buffer.from('{}'));
    for (const one of [frame, conflatedFrame(frame, 3)]) {
      expect([committedAtMs(one), storedAtMs(one)]).toEqual([at.committedAtMs, at.storedAtMs]);
      for (const kept of [one.committed, one.stored]) expect(kept | 0).toBe(kept); // as V8 keeps small integers
    }
  });

  it.each([0, 80, 81, 82, 83, 84, 85, 86, 87, 88, 65_490, 65_500, 65_510, 65_520, 70_000])(
    'keeps a body of %i bytes whole, whatever the length of the WebSocket header',
    (length) => {
      const payload = bodyOfBytes(length);
      expect(received(eventFrame(facts('equity_updated'), Buffer.from(payload)))).toEqual([
        'equity_updated',
        JSON.parse(payload),
      ]);
    },
  );

  it.each([125, 126, 127, 65_535, 65_536])('has the right header for a text of %i bytes', (length) => {
    const text = `4${'x'.repeat(length - 1)}`;
    expect(textsIn(packetOf(text).wire)).toEqual([text]);
  });

  it('may be joined with others into one write', () => {
    const frames = [1, 2, 3].map((sequence) =>
      eventFrame(facts('risk_alert', sequence), Buffer.from(bodyOfBytes(sequence * 60))),
    );
    expect(textsIn(frames.map(({ wire }) => wire).join(''))).toHaveLength(3);
  });

  it('carries any JSON body unchanged, bridged once, bridged again', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(5), (body, prev) => {
        const payload = JSON.stringify(body);
        const expected: unknown = JSON.parse(Buffer.from(payload).toString());
        const frame = eventFrame(facts('equity_updated'), Buffer.from(payload));
        const bridged = conflatedFrame(conflatedFrame(frame, 5), prev);
        expect(frame.prev).toBe(frame.sequence - 1);
        expect(bridged.prev).toBe(prev);
        expect(received(frame)).toEqual(['equity_updated', expected]);
        expect(received(bridged)).toEqual(['equity_updated', expected, { prev_sequence: prev }]);
      }),
    );
  });
});

describe('a message around a state', () => {
  const state = { challenge_id: 'c', deep: { list: [1, '}]'] } };
  const json = Buffer.from(JSON.stringify(state));

  it('joined_challenge holds the snapshot where there is one', () => {
    const body = { challenge_id: 'c', epoch: 1, sequence: 4, recovered: false, reason: 'no_cursor' } as const;
    expect(received(joinedPacket(body, json))).toEqual(['joined_challenge', { ...body, snapshot: state }]);
    expect(received(joinedPacket(body, undefined))).toEqual(['joined_challenge', body]);
  });

  it('snapshot holds the state', () => {
    const body = { challenge_id: 'c', epoch: 1, sequence: 4, reason: 'gap' } as const;
    expect(received(snapshotPacket(body, json))).toEqual(['snapshot', { ...body, state }]);
  });

  it('freshness is plain', () => {
    const body = { challenge_id: 'c', state: 'live', as_of: '2026-11-25T10:00:00Z' } as const;
    expect(received(freshnessPacket(body))).toEqual(['freshness', body]);
  });
});
