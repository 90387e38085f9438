import { checkSessions } from '../../../services/relay/src/checks.js';
import { Session } from '../../../services/relay/src/database/index.js';
import { OutboxWriter } from '../../support/outbox-writers.js';
import { RelayScene } from '../../support/relay-scene.js';
import { openStack, type OwnGround } from '../../support/stack.js';

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

  it('is not ready without its topics, and names those that are missing', async () => {
    const relay = await scene.relay('relay', { TOPIC_PREFIX: `${ground.topicPrefix}elsewhere.` });
    await relay.refuses(/elsewhere\.challenge-events is missing.*elsewhere\.watermarks is missing/);
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

  it('is not ready on a sequence with CACHE 10, names it, and goes on once that is mended (P4)', async () => {
    const { generation } = await scene.row();
    await writer.query('alter sequence outbox_position cache 10');
    const relay = await scene.relay();
    await relay.refuses(/outbox_position has CACHE 10/);
    expect(await scene.row()).toMatchObject({ generation });
    await writer.query('alter sequence outbox_position cache 1');
    await relay.ready(7_000);
  });

  it('is not ready when positions are not drawn by the column default, nor when the sequence was set back', async () => {
    await writer.append(scene.challenges.ids[0]!);
    const before = await (await scene.relay()).ready();
    await scene.published();
    await before.stop();
    const { floor } = await scene.row();
    await writer.query(`select setval('outbox_position', $1 - 1)`, [floor]);
    const relay = await scene.relay();
    await relay.refuses(new RegExp(`outbox_position stands at ${floor - 1}, behind position ${floor}, which is used`));
    await writer.query('alter table outbox alter column position drop default');
    await relay.refuses(/outbox.position must have the default/);
  });
});
