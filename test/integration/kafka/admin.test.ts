import { connectAdmin, type Admin } from '@tradesense/kafka';

import { API, StubCluster } from '../../support/stub-cluster.js';
import { textBatch } from '../../support/record-batch.js';
import { until } from '../../support/until.js';

const DEADLINE_MS = 3_000;

describe('an admin before brokers that misbehave', () => {
  let cluster: StubCluster;
  let admin: Admin;

  beforeEach(async () => {
    cluster = await StubCluster.start(2, { events: 2 });
    cluster.append('events', 1, textBatch(0n, ['a', 'b']));
    admin = connectAdmin({ brokers: cluster.brokers, clientId: 'test' }, { deadlineMs: DEADLINE_MS });
  });
  afterEach(async () => {
    await admin.close();
    await until(
      () => cluster.connections,
      (count) => count === 0,
    );
    await cluster.stop();
  });

  it('waits for a leader that does not know yet that it is one', async () => {
    cluster.react = ({ api, nth }) => (api === API.listOffsets && nth < 3 ? 6 : 'answer');
    const ends = await admin.ends('events');
    expect(ends).toEqual(
      new Map([
        [0, 0n],
        [1, 2n],
      ]),
    );
  });

  it('fails in time when nobody answers, and works again when somebody does', async () => {
    cluster.react = () => 'silence';
    const before = performance.now();
    await expect(admin.ends('events')).rejects.toMatchObject({ code: 'kafka-unavailable', remedy: 'wait' });
    expect(performance.now() - before).toBeLessThan(DEADLINE_MS + 3_000);
    cluster.react = () => 'answer';
    expect((await admin.ends('events')).get(1)).toBe(2n);
  });

  it('fails on a topic that is not there', async () => {
    await expect(admin.ends('missing')).rejects.toMatchObject({ code: 'kafka-unavailable' });
  });

  it('does nothing any more once it is closed', async () => {
    await admin.close();
    await expect(admin.ends('events')).rejects.toMatchObject({ code: 'admin-closed', remedy: 'stop' });
  });
});
