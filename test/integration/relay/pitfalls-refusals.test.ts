import { freePort } from '@tradesense/local';

import { OutboxWriter } from '../../support/outbox-writers.js';
import { RelayScene } from '../../support/relay-scene.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { until } from '../../support/until.js';

/** What an operator reads when DATABASE_URL is not what it should be. */
describe('a relay that is led to', () => {
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
    await writer?.close();
    await scene?.close();
    await ground?.close();
  });

  const changed = (url: string, change: (url: URL) => void): string => {
    const other = new URL(url);
    change(other);
    return other.href;
  };
  const detailOf = (body: string): string =>
    (JSON.parse(body) as { checks: { relay: { detail: string } } }).checks.relay.detail;
  /** Not ready, says so in these words, once in its log, and has taken no lease. */
  async function says(databaseUrl: string, what: string): Promise<void> {
    const { generation } = await scene.row();
    const relay = await scene.relay('relay', { DATABASE_URL: databaseUrl });
    await until(
      () => relay.readiness(),
      ({ status, body }) => status === 503 && detailOf(body).includes(what),
      { what: `readiness says: ${what}` },
    );
    const told = () => relay.logged('waiting').map(({ err }) => (err as { message: string }).message);
    await until(told, ({ length }) => length > 0);
    expect(told()).toEqual([expect.stringContaining(what)]);
    expect(relay.isRunning).toBe(true);
    expect(await scene.row()).toMatchObject({ generation });
  }

  it("another service's role", () =>
    says(ground.databaseUrl('trade'), 'the role tradesense_trade lacks select on relay, update on relay'));

  it('a role that may only read', async () => {
    await writer.query('create role only_reader login password $$reader$$ in role tradesense_relay');
    try {
      await writer.query('alter role only_reader set default_transaction_read_only = on');
      const url = changed(ground.databaseUrl('relay'), (one) => {
        one.username = 'only_reader';
        one.password = 'reader';
      });
      await says(url, 'PostgreSQL lets only_reader only read (default_transaction_read_only)');
    } finally {
      await scene.processes.stop();
      await writer.query('drop role only_reader');
    }
  });

  it('a database that was not migrated', () =>
    says(
      changed(ground.databaseUrl('relay'), (url) => (url.pathname = '/postgres')),
      'the database has no outbox, relay, stream, parked, relay_audit, outbox_position: has it been migrated?',
    ));

  it('nothing that listens', async () => {
    const port = await freePort();
    const url = changed(ground.databaseUrl('relay'), (one) => (one.host = `localhost:${port}`));
    await says(url, `PostgreSQL: connect ECONNREFUSED`);
  });

  it('a door that is closed to it', () =>
    says(
      changed(ground.databaseUrl('relay'), (url) => (url.password = 'wrong')),
      'PostgreSQL: password authentication failed for user "tradesense_relay"',
    ));
});
