import { HEADER, REQUIRED_HEADERS } from '@tradesense/contracts';
import type { OutgoingRecord } from '@tradesense/kafka';

import { storedAtMs, textOf } from '../../../../services/gateway/src/frame/index.js';
import { readRecord, readWatermark, type Fact } from '../../../../services/gateway/src/intake/index.js';
import { History, recordOf } from '../../../support/facts.js';
import { incoming } from '../../../support/gateway-facts.js';

const read = (record: OutgoingRecord, stream: 'events' | 'state' = 'events'): Fact =>
  readRecord(incoming(record, 'any', 1_234), stream);
const anEvent = (changes: Partial<OutgoingRecord> = {}): OutgoingRecord => ({
  ...recordOf(new History().equity()),
  ...changes,
});
const withHeaders = (changes: Readonly<Record<string, string>>): OutgoingRecord => {
  const record = anEvent();
  return { ...record, headers: { ...record.headers, ...changes } };
};

describe('a record of the events topic', () => {
  it('becomes a frame of its own bytes', () => {
    const history = new History();
    const record = recordOf(history.equity());
    const fact = read(record);
    expect(fact).toMatchObject({
      is: 'event',
      event: {
        challengeId: history.challengeId,
        userId: history.userId,
        frame: { name: 'equity_updated', epoch: history.cursor.epoch, sequence: 1, prev: 0 },
      },
    });
    if (fact.is !== 'event') throw new Error('checked above');
    expect(storedAtMs(fact.event.frame)).toBe(1_234);
    expect(textOf(fact.event.frame)).toBe(`2["equity_updated",${record.value?.toString()}]`);
  });

  it.each(REQUIRED_HEADERS)('without %s is spoilt', (name) => {
    const record = anEvent();
    const { [name]: _left, ...headers } = record.headers as Record<string, string>;
    expect(read({ ...record, headers })).toMatchObject({ is: 'spoilt', why: 'headers' });
  });

  it.each([
    ['a sequence that is no number', { [HEADER.sequence]: 'one' }, 'headers'],
    ['a negative sequence', { [HEADER.sequence]: '-1' }, 'headers'],
    ['a sequence of 0', { [HEADER.sequence]: '0' }, 'headers'],
    ['a sequence beyond what numbers can hold', { [HEADER.sequence]: '9007199254740993' }, 'headers'],
    ['another sequence than its body', { [HEADER.sequence]: '2' }, 'body'],
    ['another epoch than its body', { [HEADER.epoch]: '1' }, 'body'],
    ['a type nobody knows', { [HEADER.type]: 'SOMETHING_NEW' }, 'headers'],
    ['the name of a method for a type', { [HEADER.type]: 'constructor' }, 'headers'],
    ['a time that is none', { [HEADER.time]: 'yesterday' }, 'headers'],
    ['no user', { [HEADER.userId]: '' }, 'headers'],
    ['a user longer than any', { [HEADER.userId]: 'x'.repeat(129) }, 'headers'],
  ])('with %s is spoilt', (_, changes, why) => {
    expect(read(withHeaders(changes))).toMatchObject({ is: 'spoilt', why, challengeId: expect.any(String) });
  });

  it.each([
    ['that is not JSON', Buffer.from('{"challenge_id":')],
    ['that is JSON, and no object', Buffer.from('7')],
    ['that is null', Buffer.from('null')],
    ['that is nothing', Buffer.alloc(0)],
    ['that is not there', null],
    ['about another challenge', recordOf(new History().equity()).value],
  ])('with a body %s is spoilt', (_, value) => {
    expect(read(anEvent({ value }))).toMatchObject({ is: 'spoilt', why: 'body' });
  });

  it('with a body that is not UTF-8 is spoilt, though a lenient reader would parse it: browsers close on it', () => {
    const { value, ...record } = anEvent();
    const bytes = Buffer.from(value!.toString().replace('EURUSD', '??????'));
    bytes[bytes.indexOf('??????')] = 0xff;
    expect(() => JSON.parse(bytes.toString('utf8')) as unknown).not.toThrow();
    expect(read({ ...record, value: bytes })).toMatchObject({ is: 'spoilt', why: 'body' });
  });

  it('of more than 16 KiB is spoilt', () => {
    const { value, ...record } = anEvent();
    const padded = (length: number) => Buffer.from(value!.toString().padEnd(length, ' '));
    expect(read({ ...record, value: padded(16 * 1024) }).is).toBe('event');
    expect(read({ ...record, value: padded(16 * 1024 + 1) })).toMatchObject({ is: 'spoilt', why: 'size' });
  });

  it.each([null, 'not-a-uuid', 'C0FFEE00-0000-4000-8000-000000000000'])('with the key %s belongs to nobody', (key) => {
    expect(read(anEvent({ key }))).toEqual({ is: 'spoilt', challengeId: undefined, why: 'key' });
  });
});

describe('a record of the state topic', () => {
  it('is kept as the bytes it came in, copied out of the answer they lie in', () => {
    const record = recordOf(new History().state());
    const fact = read(record, 'state');
    if (fact.is !== 'state') throw new Error(`not a state: ${fact.is}`);
    expect(fact.state.body).toEqual(record.value);
    expect(fact.state.body.buffer).not.toBe(record.value?.buffer);
    expect(fact.state.body.buffer.byteLength).toBe(record.value?.length);
  });

  it('without a value takes the challenge out', () => {
    const { key, headers } = recordOf(new History().state());
    expect(read({ key, headers, value: null }, 'state')).toEqual({ is: 'tombstone', challengeId: key });
  });

  it('that says it is an event is spoilt, and the other way round', () => {
    expect(read(recordOf(new History().equity()), 'state')).toMatchObject({ is: 'spoilt', why: 'headers' });
    expect(read(recordOf(new History().state()), 'events')).toMatchObject({ is: 'spoilt', why: 'headers' });
  });
});

describe('a watermark', () => {
  const watermark = {
    at: '2026-11-25T10:00:01Z',
    as_of: '2026-11-25T10:00:00Z',
    floor: '12',
    generation: 3,
    parked: [],
    ends: { events: ['1'], state: ['2'] },
  };
  it('is read as the relay writes it', () => {
    expect(readWatermark(Buffer.from(JSON.stringify(watermark)))).toEqual(watermark);
  });
  it.each([
    ['nothing', undefined],
    ['no JSON', '{'],
    ['null', 'null'],
    ['no ends', JSON.stringify({ ...watermark, ends: undefined })],
    ['ends that are numbers', JSON.stringify({ ...watermark, ends: { events: [1], state: [2] } })],
    ['a time that is none', JSON.stringify({ ...watermark, as_of: 'soon' })],
    ['parked challenges that are no list', JSON.stringify({ ...watermark, parked: 'some' })],
  ])('that is %s says nothing', (_, text) => {
    expect(readWatermark(text === undefined ? null : Buffer.from(text))).toBeUndefined();
  });
});
