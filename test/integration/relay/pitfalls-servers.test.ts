import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

import type { Stack } from '@tradesense/local';

import { OutboxWriter } from '../../support/outbox-writers.js';
import type { ServiceProcess } from '../../support/processes.js';
import { RelayScene } from '../../support/relay-scene.js';
import { groundOn, privateStack } from '../../support/stack.js';
import { System } from '../../support/system.js';
import { until } from '../../support/until.js';

/** What only a PostgreSQL of one's own can be made to do. */
describe('a PostgreSQL that', () => {
  let stack: Stack;
  let scene: RelayScene;
  let relay: ServiceProcess;

  beforeAll(async () => {
    stack = await privateStack({ postgres: { max_prepared_transactions: '5' } });
    scene = await RelayScene.open(groundOn(stack));
    relay = await (await scene.relay()).ready();
  });
  afterAll(async () => {
    await scene?.close();
    await stack?.stop();
  });

  const writing = async (act: (writer: OutboxWriter) => Promise<void>): Promise<void> => {
    const writer = await OutboxWriter.open(stack.databaseUrl('postgres'));
    await act(writer).finally(() => writer.close());
  };
  const last = async (): Promise<number> => {
    const { rows } = await scene.challenges.query<{ last: number }>('select max(position)::int as last from outbox');
    return rows[0]!.last;
  };
  const floor = async (): Promise<number> => (await scene.row()).floor;
  const has = (challengeId: string): boolean =>
    scene.log.numbered(scene.topics.events).some(({ challenge_id }) => challenge_id === challengeId);

  it('has a prepared transaction, which belongs to no session: its row comes late, and a rolled back one is given up (P3)', async () => {
    const [early, gone, first, second, third] = scene.challenges.ids as [string, string, string, string, string];
    await writing(async (writer) => {
      for (const [id, name] of [
        [early, 'kept'],
        [gone, 'lost'],
      ] as const) {
        await writer.begin();
        await writer.append(id);
        await writer.query(`prepare transaction '${name}'`);
      }
    });
    // What nobody seems to hold is given up within a pass or two: by the third of these at the latest.
    for (const id of [first, second, third]) {
      await writing((writer) => writer.append(id));
      await until(() => has(id), Boolean, { what: `${id} is published` });
    }
    expect(await floor()).toBeLessThan(await last());
    await scene.challenges.query(`commit prepared 'kept'`);
    await scene.published();
    await scene.challenges.query(`rollback prepared 'lost'`);
    const end = await last();
    await until(floor, (at) => at >= end, { withinMs: 3_000, what: `the floor is at ${end}` });
  });

  it('crashed and skipped numbers makes no hole that is waited for (P5)', async () => {
    await writing((writer) => writer.append(scene.challenges.ids[6]!));
    const before = await last();
    await stack.postgres.kill('SIGQUIT');
    await stack.postgres.start();
    await scene.challenges.reconnect();
    await writing((writer) => writer.append(scene.challenges.ids[7]!));
    const after = await last();
    expect(after - before).toBeGreaterThan(2); // two rows were written: the sequence has jumped
    await until(floor, (at) => at >= after, { withinMs: 20_000, what: `the floor is at ${after}` });
    await scene.published();
    expect(relay.isRunning).toBe(true);
  });

  it('became a standby is named, saved to by nobody, and waited for until it is the primary again', async () => {
    const signal = join(stack.folder, 'postgres', 'standby.signal');
    const restart = async (): Promise<void> => {
      await stack.postgres.stop();
      await stack.postgres.start();
      await scene.challenges.reconnect();
    };
    const tries = new Set<number>();
    const triesUntilNow = async (): Promise<number> => {
      const { rows } = await scene.challenges.query<{ pid: number }>(
        `select pid from pg_stat_activity where application_name = 'tradesense-relay-reads'`,
      );
      for (const { pid } of rows) tries.add(pid);
      return tries.size;
    };
    writeFileSync(signal, '');
    try {
      await restart();
      await relay.refuses(/DATABASE_URL leads to a standby of PostgreSQL/);
      const told = relay.logged('waiting').length;
      await until(triesUntilNow, (count) => count >= 3, { withinMs: 30_000, everyMs: 1, what: 'it tried three times' });
      expect(relay.logged('waiting').length).toBe(told); // said once
      expect(await relay.metric('tradesense_relay_leader')).toBe(0);
    } finally {
      rmSync(signal);
      await restart();
    }
    await relay.ready();
    await writing((writer) => writer.append(scene.challenges.ids[8]!));
    await scene.published();
  });

  // Last: what the trade service publishes is none of the scene's.
  it('stands still in the middle of a commit shows no trade holding the lock of notifications (P20)', async () => {
    const system = await System.start(groundOn(stack), { services: ['trade'] });
    const notifier = await OutboxWriter.open(stack.databaseUrl('postgres'));
    /** Who waits in a commit, and whether it holds the one lock that all commits with notifications queue for. */
    const committing = async () => {
      const { rows } = await scene.challenges.query<{ name: string; holds: boolean }>(
        `select application_name as name,
                exists (select from pg_locks l where l.pid = a.pid and locktype = 'object' and database = 0 and granted) as holds
         from pg_stat_activity a where wait_event = 'SyncRep' order by 1`,
      );
      return rows;
    };
    const waitFor = async (standby: string): Promise<void> => {
      await scene.challenges.query(`alter system set synchronous_standby_names = '${standby}'`);
      await scene.challenges.query('select pg_reload_conf()');
    };
    /** Once more whenever it has ended, however: the first ones may be quicker than the new setting. */
    const again = (act: () => Promise<unknown>) => {
      let running: Promise<unknown> | undefined;
      return () =>
        (running ??= act()
          .catch(() => undefined)
          .finally(() => (running = undefined)));
    };
    const notify = again(() =>
      notifier.query(
        `begin; insert into writer_challenge values (gen_random_uuid(), 0); notify tradesense_outbox; commit`,
      ),
    );
    let challengeId = '';
    const post = again(() => system.api.post(challengeId));
    try {
      ({ challenge_id: challengeId } = await system.api.open());
      await waitFor('nobody'); // each commit waits for it from now on, with its locks
      await until(
        () => {
          void notify();
          void post();
          return committing();
        },
        (found) => found.length >= 2,
      );
      expect(await committing()).toEqual([
        { name: 'outbox-writer', holds: true }, // so it would be seen
        { name: 'tradesense-trade', holds: false },
      ]);
    } finally {
      await waitFor('');
      await Promise.allSettled([notify(), post()]);
      await notifier.close();
      await system.stop();
    }
  });
});
