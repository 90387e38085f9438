import { checkSessions } from '../../../services/relay/src/checks.js';
import { Session } from '../../../services/relay/src/database/index.js';
import { OutboxWriter } from '../../support/outbox-writers.js';
import type { ServiceProcess } from '../../support/processes.js';
import { LEASE_MS, RelayScene } from '../../support/relay-scene.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { until } from '../../support/until.js';

const isNotReady = ({ status }: { readonly status: number }): boolean => status === 503;

describe('a relay that would lose rows', () => {
  let ground: OwnGround;
  let scene: RelayScene;
  let writer: OutboxWriter;

  beforeAll(async () => {
    ground = await openStack();
    scene = await RelayScene.open(ground);
    writer = await OutboxWriter.open(ground.databaseUrl('postgres'));
  });
  afterEach(() => scene.processes.stop());
  afterAll(async () => {
    await writer.close();
    await scene.close();
    await ground.close();
  });

  /** Not ready, and the answer matches; the process goes on. */
  const refuses = async (relay: ServiceProcess, what: RegExp): Promise<void> => {
    await until(
      () => relay.readiness(),
      (answer) => isNotReady(answer) && what.test(answer.body),
      {
        what: `readiness says ${what}`,
      },
    );
    expect(relay.isRunning).toBe(true);
  };

  it('is not ready without its topics, and names those that are missing', async () => {
    const relay = await scene.relay('relay', { TOPIC_PREFIX: `${ground.topicPrefix}elsewhere.` });
    await refuses(relay, /elsewhere\.challenge-events is missing.*elsewhere\.watermarks is missing/);
  });

  it('does not take a pooler that shares connections for PostgreSQL', async () => {
    const options = { url: ground.databaseUrl('relay'), name: 'check', statementMs: 5_000 };
    const open = () => Session.open({ ...options, signal: new AbortController().signal });
    const [one, other] = [await open(), await open()];
    try {
      await checkSessions([one, other]);
      // What two clients of such a pooler get while nothing else runs: the same backend.
      await expect(checkSessions([one, one])).rejects.toThrow('pooler');
    } finally {
      await Promise.all([one.close(), other.close()]);
    }
  });

  it('stops at a row that Kafka refuses, red, names it, and skips nothing', async () => {
    const [before, poisoned, behind] = scene.challenges.ids as [string, string, string];
    const relay = await (await scene.relay()).ready();
    await writer.append(before);
    await scene.published();
    await writer.append(poisoned, JSON.stringify('x'.repeat(1_100_000)));
    await writer.append(behind);
    const { rows } = await writer.query<{ position: string; id: string }>(
      `select position::text, id::text from outbox where aggregateid = $1 and aggregatetype = 'challenge-events'`,
      [poisoned],
    );
    const { position, id } = rows[0]!;

    await refuses(relay, new RegExp(`position ${position} .*id ${id}, challenge ${poisoned}.*MESSAGE_TOO_LARGE`));
    expect(relay.logged('stopped publishing: Kafka refuses a row')).toMatchObject([
      { level: 'error', position, event_id: id, challenge_id: poisoned, reason: expect.stringContaining('TOO_LARGE') },
    ]);
    const { owner, generation } = await scene.row();
    await new Promise((resolve) => setTimeout(resolve, 1.5 * LEASE_MS)); // longer than a lease that nobody extends
    expect(await scene.row()).toMatchObject({ owner, generation });
    expect((await scene.row()).floor).toBeLessThan(Number(position));
    expect(scene.log.numbered(scene.topics.events).map(({ challenge_id }) => challenge_id)).toEqual([before]);

    await writer.query('update outbox set payload = $1 where aggregateid = $2', ['{}', poisoned]);
    await relay.stop();
    await (await scene.relay('after the mending')).ready();
    await scene.published();
  });

  it('is not ready on a sequence with CACHE 10, names it, and goes on once that is mended (P4)', async () => {
    const { generation } = await scene.row();
    await writer.query('alter sequence outbox_position cache 10');
    const relay = await scene.relay();
    await refuses(relay, /outbox_position has CACHE 10/);
    expect(await scene.row()).toMatchObject({ generation });
    await writer.query('alter sequence outbox_position cache 1');
    await relay.ready(7_000);
  });

  it('is not ready when positions are not drawn by the column default, nor when the sequence was set back', async () => {
    const { floor } = await scene.row();
    await writer.query(`select setval('outbox_position', $1 - 1)`, [floor]);
    const relay = await scene.relay();
    await refuses(relay, new RegExp(`outbox_position stands at ${floor - 1}, behind the floor ${floor}`));
    await writer.query('alter table outbox alter column position drop default');
    await refuses(relay, /outbox.position must have the default/);
  });
});
