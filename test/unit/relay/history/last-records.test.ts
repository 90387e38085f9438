import { headersOf, topicsOf } from '@tradesense/contracts';
import type { OutgoingRecord } from '@tradesense/kafka';
import { MemoryKafka } from '@tradesense/kafka/testing';

import { lastRecords } from '../../../../services/relay/src/history/last-records.js';

const { events: topic } = topicsOf('x.');
const KEY = '5f0c5a51-59a4-4d0f-8f4a-2d0e1b6a0a01';
const idOf = (position: number): string => `0195d2c0-0000-7000-8000-${String(position).padStart(12, '0')}`;

const ofRelay = (position: number, changed: Record<string, string> = {}): OutgoingRecord => ({
  key: KEY,
  value: Buffer.from('{}'),
  headers: {
    ...headersOf({
      id: idOf(position),
      type: 'EQUITY_UPDATED',
      time: '2026-11-25T10:00:00.123456Z',
      epoch: '7',
      sequence: String(position),
      position: String(position),
      userId: 'trader',
      traceparent: null,
    }),
    ...changed,
  },
});
const foreign: OutgoingRecord = { key: KEY, value: Buffer.from('hello'), headers: {} };

async function given(...records: OutgoingRecord[]) {
  const kafka = new MemoryKafka();
  kafka.create(topic);
  await kafka.publisher({ topics: [topic] }).send([{ topic: topic.name, records }]);
  const partition = kafka.logs(topic.name)!.findIndex(({ end }) => end > 0n);
  const find = async (ends?: ReadonlyMap<number, bigint>) =>
    lastRecords(
      (...options) => kafka.reader(...options),
      { topic, ends: ends ?? (await kafka.admin().ends(topic.name)) },
      new AbortController().signal,
    );
  return { kafka, partition, find };
}

describe('the last record of a partition', () => {
  it('names the row it was made of', async () => {
    const { find, partition } = await given(ofRelay(1), ofRelay(2));
    expect(await find()).toEqual([
      {
        partition,
        offset: 1n,
        position: '2',
        id: idOf(2),
        epoch: '7',
        createdAtMs: Date.parse('2026-11-25T10:00:00.123Z'),
      },
    ]);
  });

  it('is looked for behind foreign ones: without headers, or with headers that say nothing', async () => {
    const spoilt = [{ ce_position: '7e3' }, { ce_position: '' }, { ce_id: 'x' }, { ce_epoch: '-1' }];
    const { find } = await given(ofRelay(1), ofRelay(2), foreign, ...spoilt.map((header) => ofRelay(3, header)));
    expect(await find()).toMatchObject([{ position: '2' }]);
  });

  it('is looked for among a hundred, not in the whole log', async () => {
    const { find } = await given(ofRelay(1), ...Array.from({ length: 100 }, () => foreign));
    expect(await find()).toEqual([]);
  });

  it('is none where retention has emptied the partition, or nothing ever was in it', async () => {
    const { kafka, find, partition } = await given(ofRelay(1), ofRelay(2));
    kafka.log(topic.name, partition).deleteBefore(2n);
    expect(await find()).toEqual([]);
  });

  it('is found where retention has taken those before it', async () => {
    const { kafka, find, partition } = await given(ofRelay(1), ofRelay(2), foreign);
    kafka.log(topic.name, partition).deleteBefore(1n);
    expect(await find()).toMatchObject([{ position: '2' }]);
  });

  it('may say no time, and then proves nothing by its age', async () => {
    const { find } = await given(ofRelay(1, { ce_time: 'yesterday' }));
    expect(await find()).toMatchObject([{ position: '1', createdAtMs: null }]);
  });
});
