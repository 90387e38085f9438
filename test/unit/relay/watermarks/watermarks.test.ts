import { Watermark, topicsOf } from '@tradesense/contracts';
import type { Publisher } from '@tradesense/kafka';
import { Fault, createLogger } from '@tradesense/platform';
import { Ajv } from 'ajv';

import { DatabaseClock } from '../../../../services/relay/src/database/index.js';
import { Watermarks } from '../../../../services/relay/src/watermarks/index.js';
import { HeldClock } from '../../../support/held-clock.js';
import { until } from '../../../support/until.js';

const topics = topicsOf('x.');
const log = createLogger({ service: 'x', instance: 'x', level: 'info', destination: { write: () => undefined } });
const at = (second: number): string => `2026-11-25T10:00:${String(second).padStart(2, '0')}.000000Z`;
const ends = (topic: string, partition: number, end: bigint) => new Map([[topic, new Map([[partition, end]])]]);

function given({
  everyMs = 60_000,
  send = (): void => undefined,
  mustBeTrusted = (): void => undefined,
  parked = [] as readonly string[],
} = {}) {
  const said: Watermark[] = [];
  const publisher: Publisher = {
    send: ([batch]) => {
      send();
      expect(batch?.topic).toBe('x.watermarks');
      said.push(JSON.parse(String(batch?.records[0]?.value)) as Watermark);
      return Promise.resolve(new Map());
    },
    close: () => Promise.resolve(),
  };
  const end = new AbortController();
  const watermarks = new Watermarks({
    publisher,
    topics,
    everyMs,
    generation: 3n,
    databaseClock: new DatabaseClock(new HeldClock()),
    log,
    mustBeTrusted,
    parked: () => parked,
    ends: new Map([...ends(topics.events.name, 11, 100n), ...ends(topics.state.name, 0, 50n)]),
  });
  const running = watermarks.run(end.signal);
  return { watermarks, said, stop: () => (end.abort(), running) };
}

describe('a watermark', () => {
  it('is said at once after the first acknowledgement, from the ends that the brokers told at take-over', async () => {
    const { watermarks, said, stop } = given();
    watermarks.acknowledged({ floor: 7n, asOf: at(1), ends: new Map() });
    await until(() => said.length === 1);
    await stop();
    const zeros = Array.from({ length: 11 }, () => '0');
    expect(said[0]).toEqual({
      at: '2026-11-25T00:00:00.000Z',
      as_of: at(1),
      floor: '7',
      generation: 3,
      parked: [],
      ends: { events: [...zeros, '100'], state: ['50', ...zeros] },
    });
    expect(new Ajv().validate(Watermark, said[0])).toBe(true);
  });

  it.each([
    [
      ['a', 'b'],
      ['a', 'b'],
    ],
    [Array.from({ length: 100 }, (_, index) => `${index}`), Array.from({ length: 100 }, (_, index) => `${index}`)],
    [Array.from({ length: 101 }, (_, index) => `${index}`), 'many' as const],
  ])('names the challenges that are held back, up to a hundred', async (parked, named) => {
    const { watermarks, said, stop } = given({ parked });
    watermarks.acknowledged({ floor: 7n, asOf: at(1), ends: new Map() });
    await until(() => said.length === 1);
    await stop();
    expect(said[0]?.parked).toEqual(named);
  });

  it('is not said before there is an acknowledgement to speak of', async () => {
    const { said, stop } = given({ everyMs: 1 });
    await new Promise((resolve) => setTimeout(resolve, 20)); // twenty times due
    await stop();
    expect(said).toEqual([]);
  });

  it('carries what was acknowledged since; time and ends never fall back', async () => {
    const { watermarks, said, stop } = given({ everyMs: 5 });
    watermarks.acknowledged({ floor: 7n, asOf: at(5), ends: ends(topics.events.name, 11, 120n) });
    watermarks.acknowledged({ floor: 8n, asOf: at(2), ends: ends(topics.events.name, 11, 90n) });
    await until(() => said.at(-1)?.floor === '8');
    await stop();
    expect(said.at(-1)).toMatchObject({ as_of: at(5) });
    expect(said.at(-1)!.ends.events[11]).toBe('120');
  });

  it('is repeated while nothing is acknowledged: its standing as_of is the news', async () => {
    const { watermarks, said, stop } = given({ everyMs: 5 });
    watermarks.acknowledged({ floor: 7n, asOf: at(1), ends: new Map() });
    await until(() => said.length >= 3);
    await stop();
    expect(new Set(said.map(({ as_of }) => as_of))).toEqual(new Set([at(1)]));
  });

  it('that Kafka did not take, or that the lease forbids, is left out; the next one follows', async () => {
    let failures = 2;
    const failing = (code: string) => () => {
      failures -= 1;
      if (failures >= 0) throw new Fault(code, 'wait', code);
    };
    for (const faults of [{ send: failing('publish-unclear') }, { mustBeTrusted: failing('lease-lost') }]) {
      failures = 2;
      const { watermarks, said, stop } = given({ everyMs: 5, ...faults });
      watermarks.acknowledged({ floor: 7n, asOf: at(1), ends: new Map() });
      await until(() => said.length >= 1);
      await stop();
      expect(failures).toBeLessThan(0);
    }
  });
});
