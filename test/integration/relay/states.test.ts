import { HEADER } from '@tradesense/contracts';
import { connectPublisher, type IncomingRecord, type Publisher } from '@tradesense/kafka';

import { OutboxWriter } from '../../support/outbox-writers.js';
import type { ServiceProcess } from '../../support/processes.js';
import { RelayScene } from '../../support/relay-scene.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { until } from '../../support/until.js';

const WITHIN = { withinMs: 20_000 };
const CLOSED_MS = 3_000;

describe('the topic of states', () => {
  let ground: OwnGround;
  let scene: RelayScene;
  let writer: OutboxWriter;
  let relay: ServiceProcess;
  /** Somebody who was the leader once, or gave up a connection: what it sent comes when it likes. */
  let straggler: Publisher;

  beforeAll(async () => {
    ground = await openStack();
    scene = await RelayScene.open(ground, { challenges: 6 });
    writer = await OutboxWriter.open(ground.databaseUrl('postgres'));
    const connection = { brokers: ground.brokers, clientId: 'straggler' };
    straggler = connectPublisher(connection, { topics: [scene.topics.state] });
    relay = await scene.relay('relay', { CLOSED_STATE_MS: String(CLOSED_MS), STATE_SWEEP_MS: '2000' });
    await relay.ready();
  });
  afterAll(async () => {
    await straggler.close();
    await scene.processes.stop();
    await writer.close();
    await scene.close();
    await ground.close();
  });

  const records = (challengeId: string): readonly IncomingRecord[] =>
    scene.log.of(scene.topics.state).filter(({ key }) => String(key) === challengeId);
  const sequenceOf = (record: IncomingRecord | undefined): string => String(record?.headers.get(HEADER.sequence));
  const last = (challengeId: string): string => sequenceOf(records(challengeId).at(-1));
  const counter = async (name: string): Promise<number> =>
    Number(new RegExp(`^tradesense_relay_${name} (\\d+)$`, 'm').exec(await relay.metrics())?.[1]);
  const sendAgain = async ({ key, value, headers }: IncomingRecord): Promise<void> => {
    const text = Object.fromEntries(headers);
    await straggler.send([{ topic: scene.topics.state.name, records: [{ key: String(key), value, headers: text }] }]);
  };

  it('ends with the newest state of a challenge, whoever stores an older one behind it', async () => {
    const [one, other] = scene.challenges.ids as [string, string];
    await writer.append(one);
    await until(
      () => last(one),
      (sequence) => sequence === '1',
      WITHIN,
    );
    const [older] = records(one) as [IncomingRecord];
    await writer.append(one, '{"figure":"2.00"}');
    await writer.append(other);
    await until(
      () => [last(one), last(other)].join(),
      (sequences) => sequences === '2,1',
      WITHIN,
    );
    const [newer] = records(one).slice(-1) as [IncomingRecord];

    await sendAgain(older);
    await until(
      () => records(one).length,
      (count) => count >= 4,
      WITHIN,
    );
    const [late, repaired] = records(one).slice(-2) as [IncomingRecord, IncomingRecord];
    expect([sequenceOf(late), sequenceOf(repaired)]).toEqual(['1', '2']);
    expect({ value: String(repaired.value), headers: [...repaired.headers] }).toEqual({
      value: '{"figure":"2.00"}',
      headers: [...newer.headers],
    });
    await until(
      () => counter('state_repairs_total'),
      (repairs) => repairs === 1,
    );

    await sendAgain(older); // and again: each time
    await until(
      () => counter('state_repairs_total'),
      (repairs) => repairs === 2,
      WITHIN,
    );
    await until(
      () => last(one),
      (sequence) => sequence === '2',
      WITHIN,
    );
    expect(records(other)).toHaveLength(1);
    expect((await relay.readiness()).status).toBe(200);
  });

  it('loses what has been closed for long, and only that', async () => {
    const [, , closed, open, justClosed, reopened] = scene.challenges.ids as string[];
    const now = Date.now();
    const body = (closedAtMs: number | null): string =>
      JSON.stringify({ closed_at: closedAtMs === null ? null : new Date(closedAtMs).toISOString() });
    await writer.append(closed!, body(now - CLOSED_MS));
    await writer.append(reopened!, body(now - CLOSED_MS));
    await writer.append(reopened!, body(null));
    await writer.append(open!, body(null));
    await writer.append(justClosed!, body(now + 3_600_000));
    const isTombstone = (challengeId: string): boolean => records(challengeId).at(-1)?.value === null;
    await until(() => isTombstone(closed!), Boolean, { withinMs: 60_000, what: 'the closed one has a tombstone' });
    expect([open!, justClosed!, reopened!].map(isTombstone)).toEqual([false, false, false]);
    await writer.append(closed!, body(null)); // it may come back, and then it is there
    await until(
      () => last(closed!),
      (sequence) => sequence === '2',
      WITHIN,
    );
  });
});
