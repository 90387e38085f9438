import { EVENTS, STATE } from '@tradesense/contracts';

import { recordsOf, withoutSuperseded } from '../../../../services/relay/src/publishing/records.js';
import { relayRow, relayStateRow } from '../../../support/relay-rows.js';

const positions = (rows: readonly { readonly position: bigint }[]): number[] =>
  rows.map(({ position }) => Number(position));

describe('a state superseded by a later state of the same challenge', () => {
  it('is left out; events, order and the states of other challenges stay', () => {
    const rows = [
      relayRow({ position: 1n, aggregateid: 'a' }),
      relayStateRow({ position: 2n, aggregateid: 'a' }),
      relayStateRow({ position: 3n, aggregateid: 'b' }),
      relayRow({ position: 4n, aggregateid: 'a' }),
      relayStateRow({ position: 5n, aggregateid: 'a' }),
    ];
    expect(positions(withoutSuperseded(rows))).toEqual([1, 3, 4, 5]);
  });
});

describe('a record', () => {
  it('carries the payload byte for byte, the challenge as key, and the headers of the contract', () => {
    const row = relayRow({ position: 12n, payload: '{"a" : 1,\n "ü":"€"}', traceparent: '00-aa-bb-01' });
    const [events] = recordsOf([row], 'tradesense.');
    expect(events?.topic).toBe('tradesense.challenge-events');
    expect(events?.records).toEqual([
      {
        key: row.aggregateid,
        value: row.payload,
        headers: {
          'content-type': 'application/json',
          ce_specversion: '1.0',
          ce_id: row.id,
          ce_source: '/tradesense/trade',
          ce_type: 'EQUITY_UPDATED',
          ce_time: '2026-11-25T10:00:00.123456Z',
          ce_epoch: '1764081978',
          ce_seq: '12',
          ce_position: '12',
          ce_userid: 'trader-1',
          traceparent: '00-aa-bb-01',
        },
      },
    ]);
  });

  it('has no traceparent when its row has none', () => {
    const [events] = recordsOf([relayRow({ position: 1n })], 'tradesense.');
    expect(Object.keys(events!.records[0]!.headers)).not.toContain('traceparent');
  });

  it('goes to the topic of its stream, in order', () => {
    const rows = [relayRow({ position: 1n }), relayStateRow({ position: 2n }), relayRow({ position: 3n })];
    const topics = recordsOf(rows, 'x.').map(({ topic, records }) => [
      topic,
      records.map(({ headers }) => headers['ce_position']),
    ]);
    expect(topics).toEqual([
      [`x.${EVENTS}`, ['1', '3']],
      [`x.${STATE}`, ['2']],
    ]);
  });
});
