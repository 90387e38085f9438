import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import type { ChallengeUpdated, LimitView } from '@tradesense/contracts';
import pg from 'pg';

import { databaseNow, endDay } from '../../support/quiet-challenges.js';
import { inRepository } from '../../support/repository.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { System } from '../../support/system.js';
import { until } from '../../support/until.js';
import { vectorFiles } from '../../support/vectors.js';

/** Case C3 from outside: its vectors' program, but with days that begin at midnight, which a test can bring about. */
const document = () => {
  const file = vectorFiles(inRepository('test/unit/trade/domain/vectors')).find((one) => one.file === 'case-c3.json');
  return { ...(file!.program as { id: string }), day_starts_at: '00:00' };
};

let folder: string;
let ground: OwnGround;
let system: System;
let database: pg.Client;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'programs-'));
  writeFileSync(join(folder, 'case-3.json'), JSON.stringify(document()));
  ground = await openStack({ topics: false });
  system = await System.start(ground, { services: ['trade'], env: { trade: { PROGRAMS_DIR: folder } } });
  database = new pg.Client({ connectionString: ground.databaseUrl('postgres') });
  await database.connect();
});
afterAll(async () => {
  await database?.end();
  await system?.stop();
  await ground?.close();
  rmSync(folder, { recursive: true });
});

async function floorOf(challengeId: string): Promise<string> {
  const { body } = await system.api.request<{ limits: readonly LimitView[] }>(
    'GET',
    `/v1/challenges/${challengeId}/limits`,
  );
  return body.limits[0]!.floor;
}

describe('4.5 % of the initial balance below the higher of balance and equity at the day’s start (C3)', () => {
  it.each([
    ['a floating profit', '10356.00', '9906.00', '9905.99'],
    ['a floating loss', '10100.00', '9706.00', '9705.99'],
  ])(
    'with %s at midnight: %s makes a floor of %s in views and events, and a cent less fails',
    async (_, equity, floor, below) => {
      const { challenge_id } = await system.api.open({ program: document().id, initial_balance: '10000.00' });
      const { trade_id: last_trade_id } = await system.api.post(challenge_id, { realized_pnl: '156.00' });
      const mark = async (value: string) => {
        const price_time = (await databaseNow(database)).toISOString();
        const marks = [{ challenge_id, equity: value, price_time, last_trade_id }];
        expect((await system.api.request('POST', '/v1/marks', { marks })).body).toMatchObject({ applied: 1 });
        return (await system.api.read(challenge_id)).status;
      };
      await mark(equity);
      expect(await floorOf(challenge_id)).toBe('9550.00');
      await endDay(database, [challenge_id], await databaseNow(database));
      expect(await floorOf(challenge_id)).toBe(floor); // before anything is written
      const [told] = await until(
        async () =>
          (
            await database.query<{ body: ChallengeUpdated }>(
              `select payload as body from outbox where aggregateid = $1 and type = 'CHALLENGE_UPDATED'`,
              [challenge_id],
            )
          ).rows,
        ({ length }) => length === 1,
      );
      expect(told!.body).toMatchObject({ reason: 'DAY_ROLLED', state: { limits: [{ floor }] } });
      expect(await mark(floor)).toBe('ACTIVE');
      expect(await floorOf(challenge_id)).toBe(floor);
      expect(await mark(below)).toBe('FAILED');
    },
  );
});
