import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { problemType, type ChallengeState, type Problem } from '@tradesense/contracts';
import pg from 'pg';

import { presets } from '../../support/trade-core.js';
import { endDay } from '../../support/quiet-challenges.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { System } from '../../support/system.js';
import { tokens } from '../../support/tokens.js';
import { TradeApi, type Reply } from '../../support/trade-api.js';
import { until } from '../../support/until.js';

/** The seed's rules, in two phases, each of which somebody looks at before it counts as passed. */
const { document } = presets.latest('seed')!;
const [phase] = (document as { phases: readonly object[] }).phases;
const REVIEWED = { ...(document as object), id: 'reviewed', phases: [1, 2].map(() => ({ ...phase, review: true })) };

interface ActAnswer {
  readonly act_id: string;
  readonly challenge: ChallengeState;
  readonly events: readonly { readonly event_id: string; readonly type: string; readonly sequence: number }[];
}
type Act = 'owner' | 'review' | 'close' | 'reactivate';

let folder: string;
let ground: OwnGround;
let systems: readonly [System, System];
let database: pg.Client;
let anna: TradeApi;
let bert: TradeApi;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'programs-'));
  writeFileSync(join(folder, 'reviewed.json'), JSON.stringify(REVIEWED));
  ground = await openStack({ topics: false });
  const start = () => System.start(ground, { services: ['trade'], env: { trade: { PROGRAMS_DIR: folder } } });
  systems = await Promise.all([start(), start()]);
  database = new pg.Client({ connectionString: ground.databaseUrl('postgres') });
  await database.connect();
  anna = new TradeApi(systems[0].tradeUrl, await tokens.operator('anna'));
  bert = new TradeApi(systems[1].tradeUrl, await tokens.operator('bert'));
});
afterAll(async () => {
  await database?.end();
  await Promise.all((systems ?? []).map((system) => system.stop()));
  await ground?.close();
  rmSync(folder, { recursive: true });
});

const open = (program = 'seed') => systems[0].api.open({ program });
const post = (id: string, realized_pnl: string) => systems[0].api.post(id, { realized_pnl });
const bodyOf = (more: object = {}) => ({ act_id: randomUUID(), reason: 'ticket 4711', ...more });

const act = (by: TradeApi, what: Act, challengeId: string, body: object): Promise<Reply<ActAnswer & Problem>> =>
  by.request<ActAnswer & Problem>('POST', `/v1/challenges/${challengeId}/${what}`, body);

/** The answer of an act that is accepted, for the first time. */
async function acted(what: Act, challengeId: string, more: object = {}): Promise<ActAnswer> {
  const { status, headers, body } = await act(anna, what, challengeId, bodyOf(more));
  expect([status, headers.get('idempotent-replayed'), body]).toEqual([200, null, body]);
  return body;
}

const refusalOf = ({ status, body }: Reply<Problem>) => ({
  status,
  code: body.type.replace(problemType('' as 'internal'), ''),
  paths: body.errors?.map(({ path }) => path) ?? [],
});

async function auditOf(challengeId: string) {
  const { rows } = await database.query<{ who: string; act: string; why: string; outcome: string; details: object }>(
    'select who, act, why, outcome, details from audit where challenge_id = $1 order by id',
    [challengeId],
  );
  return rows;
}

async function eventsOf(challengeId: string) {
  const { rows } = await database.query<{ type: string; user_id: string; sequence: string; payload: object }>(
    `select type, user_id, sequence, payload from outbox where aggregateid = $1 and sequence > 0 order by position`,
    [challengeId],
  );
  return rows;
}

describe('handing a challenge over', () => {
  it('tells the new owner everything from then on, and shows the old one nothing', async () => {
    const { challenge_id, user_id } = await open();
    await post(challenge_id, '-450.00'); // an alert that is open names its owner too
    const { challenge, events } = await acted('owner', challenge_id, { user_id: 'trader-new' });
    expect(challenge).toMatchObject({ user_id: 'trader-new', open_alerts: [{ user_id: 'trader-new' }] });
    expect(events.map(({ type }) => type)).toEqual(['CHALLENGE_UPDATED']);
    await post(challenge_id, '1.00');

    const rows = await eventsOf(challenge_id);
    const before = rows.filter(({ sequence }) => Number(sequence) <= 2);
    const after = rows.filter(({ sequence }) => Number(sequence) > 2);
    expect(new Set(before.map((row) => row.user_id))).toEqual(new Set([user_id]));
    expect(after.map(({ type, user_id: owner }) => [type, owner])).toEqual([
      ['CHALLENGE_UPDATED', 'trader-new'],
      ['CHALLENGE_STATE', 'trader-new'],
      ['EQUITY_UPDATED', 'trader-new'],
      ['CHALLENGE_STATE', 'trader-new'],
    ]);
    expect(after[0]!.payload).toMatchObject({ reason: 'OWNER_CHANGED', user_id: 'trader-new' });
    const readAs = async (who: string) =>
      (await new TradeApi(systems[0].tradeUrl, await tokens.user(who)).request('GET', `/v1/challenges/${challenge_id}`))
        .status;
    expect([await readAs(user_id), await readAs('trader-new')]).toEqual([404, 200]);
    expect(await auditOf(challenge_id)).toEqual([
      { who: 'anna', act: 'owner', why: 'ticket 4711', outcome: 'accepted', details: { user_id: 'trader-new' } },
    ]);
  });

  it('to whoever has it already is accepted and tells nothing', async () => {
    const { challenge_id, user_id } = await open();
    expect((await acted('owner', challenge_id, { user_id })).events).toEqual([]);
    expect(await eventsOf(challenge_id)).toEqual([]);
  });

  it('is possible when it is over', async () => {
    const { challenge_id } = await open();
    await post(challenge_id, '-600.00');
    const { challenge } = await acted('owner', challenge_id, { user_id: 'trader-new' });
    expect(challenge).toMatchObject({ status: 'FAILED', user_id: 'trader-new' });
  });
});

describe('a review', () => {
  it('passes the phase, or the last one and with it the challenge', async () => {
    const { challenge_id } = await open('reviewed');
    await post(challenge_id, '1000.00');
    expect(await systems[0].api.read(challenge_id)).toMatchObject({ status: 'IN_REVIEW', phase: 1 });
    const first = await acted('review', challenge_id, { verdict: 'APPROVED' });
    expect(first.challenge).toMatchObject({ status: 'ACTIVE', status_reason: 'REVIEW', phase: 2, balance: '10000.00' });
    expect(first.events.map(({ type }) => type)).toEqual(['CHALLENGE_STATUS_CHANGED', 'CHALLENGE_UPDATED']);
    await post(challenge_id, '1000.00');
    const last = await acted('review', challenge_id, { verdict: 'APPROVED' });
    expect(last.challenge).toMatchObject({ status: 'FUNDED', closed_at: expect.any(String) });
  });

  it('that rejects ends the challenge', async () => {
    const { challenge_id } = await open('reviewed');
    await post(challenge_id, '1000.00');
    const { challenge } = await acted('review', challenge_id, { verdict: 'REJECTED' });
    expect(challenge).toMatchObject({ status: 'CLOSED', status_reason: 'REVIEW' });
    expect(await auditOf(challenge_id)).toMatchObject([{ act: 'review', details: { verdict: 'REJECTED' } }]);
  });

  it('of what is not in review is refused', async () => {
    const { challenge_id } = await open('reviewed');
    const reply = await act(anna, 'review', challenge_id, bodyOf({ verdict: 'APPROVED' }));
    expect(refusalOf(reply)).toEqual({ status: 422, code: 'rule-violation', paths: ['/verdict'] });
    expect(await auditOf(challenge_id)).toMatchObject([{ who: 'anna', act: 'review', outcome: 'rule-violation' }]);
  });
});

describe('closing a challenge', () => {
  it('ends it: no trade is taken any more', async () => {
    const { challenge_id } = await open();
    const { challenge, events } = await acted('close', challenge_id);
    expect(challenge).toMatchObject({ status: 'CLOSED', status_reason: 'OPERATOR', closed_at: expect.any(String) });
    expect(events.map(({ type }) => type)).toEqual(['CHALLENGE_STATUS_CHANGED']);
    await expect(post(challenge_id, '1.00')).rejects.toThrow('challenge-closed');
  });

  it.each<[Act, object]>([
    ['close', {}],
    ['review', { verdict: 'APPROVED' }],
  ])('is the end: %s is refused then', async (what, more) => {
    const { challenge_id } = await open();
    await post(challenge_id, '-600.00');
    const reply = await act(anna, what, challenge_id, bodyOf(more));
    expect(refusalOf(reply)).toEqual({ status: 409, code: 'challenge-closed', paths: [] });
    expect(await auditOf(challenge_id)).toMatchObject([{ act: what, outcome: 'challenge-closed' }]);
  });
});

describe('reactivating a challenge', () => {
  it('opens another one in its place, from the start, with a decision record that names both and why', async () => {
    const { challenge_id, user_id } = await systems[0].api.open({ initial_balance: '50000.00' });
    await post(challenge_id, '-3000.00');
    const { challenge, events } = await acted('reactivate', challenge_id);
    expect(events).toEqual([]);
    expect(challenge).toMatchObject({
      user_id,
      previous_challenge_id: challenge_id,
      status: 'ACTIVE',
      sequence: 0,
      balance: '50000.00',
      program: { id: 'seed', version: 1 },
    });
    expect(challenge.challenge_id).not.toBe(challenge_id);
    expect(await systems[1].api.read(challenge.challenge_id)).toEqual(challenge);
    expect(await systems[1].api.read(challenge_id)).toMatchObject({ status: 'FAILED', balance: '47000.00' });

    const { rows } = await database.query('select type, payload from outbox where aggregateid = $1', [
      challenge.challenge_id,
    ]);
    expect(rows).toEqual([{ type: 'CHALLENGE_STATE', payload: challenge }]);
    const path = `/v1/challenges/${challenge.challenge_id}/decisions`;
    const { body } = await systems[0].api.request<{ items: unknown[] }>('GET', path);
    expect(body.items).toMatchObject([
      {
        number: 1,
        kind: 'reactivation',
        rule: 'OPERATOR',
        inputs: { previous_challenge_id: challenge_id, reason: 'ticket 4711', by: 'anna' },
      },
    ]);
    const recomputed = await systems[0].api.request('POST', `${path}/1/recompute`);
    expect(recomputed.body).toMatchObject({ identical: true });
    expect((await post(challenge.challenge_id, '200.00')).challenge).toMatchObject({ sequence: 1 });
    expect(await auditOf(challenge_id)).toMatchObject([
      { act: 'reactivate', details: { new_challenge_id: challenge.challenge_id } },
    ]);
  });

  it('is refused while it is not over', async () => {
    const { challenge_id } = await open();
    const reply = await act(anna, 'reactivate', challenge_id, bodyOf());
    expect(refusalOf(reply)).toEqual({ status: 422, code: 'rule-violation', paths: [''] });
    expect(await auditOf(challenge_id)).toMatchObject([{ outcome: 'rule-violation', details: {} }]);
  });
});

describe('an act_id', () => {
  const ACTS: readonly [Act, object, object][] = [
    ['owner', { user_id: 'trader-new' }, { user_id: 'trader-other' }],
    ['review', { verdict: 'REJECTED' }, { verdict: 'APPROVED' }],
    ['close', {}, { reason: 'another' }],
    ['reactivate', {}, { reason: 'another' }],
  ];

  it.each(ACTS)('is one act: %s', async (what, more, other) => {
    const { challenge_id } = await open('reviewed');
    if (what === 'review') await post(challenge_id, '1000.00');
    if (what === 'reactivate') await post(challenge_id, '-600.00');
    const body = bodyOf(more);
    const first = await act(anna, what, challenge_id, body);
    expect([first.status, first.headers.get('idempotent-replayed')]).toEqual([200, null]);
    if (what === 'owner') await acted('close', challenge_id); // also when it has ended meanwhile

    const again = await act(bert, what, challenge_id, body);
    expect([again.status, again.headers.get('idempotent-replayed')]).toEqual([200, 'true']);
    expect(again.body).toEqual(first.body);
    const conflicts = [
      await act(bert, what, challenge_id, { ...body, ...other }),
      await act(anna, what === 'close' ? 'reactivate' : 'close', challenge_id, {
        act_id: body.act_id,
        reason: body.reason,
      }),
    ];
    for (const reply of conflicts) expect(refusalOf(reply)).toMatchObject({ status: 409, code: 'act-conflict' });
    const { rows } = await database.query('select count(*)::int from act where challenge_id = $1 and act_id = $2', [
      challenge_id,
      body.act_id,
    ]);
    expect(rows).toEqual([{ count: 1 }]);
    const audit = (await auditOf(challenge_id)).map((line) => [line.who, line.outcome]);
    expect(audit[0]).toEqual(['anna', 'accepted']);
    expect(audit.slice(-2)).toEqual([
      ['bert', 'act-conflict'],
      ['anna', 'act-conflict'],
    ]);
  });

  it.each<Act>(['close', 'reactivate'])('posted to two instances at once decides once: %s', async (what) => {
    const { challenge_id } = await open();
    if (what === 'reactivate') await post(challenge_id, '-600.00');
    const body = bodyOf();
    const posts = () =>
      [anna, bert].flatMap((by) => [
        ...Array.from({ length: 5 }, () => act(by, what, challenge_id, body)),
        act(by, what, challenge_id, { ...body, reason: 'another' }),
      ]);
    // What arrives while it is locked elsewhere is decided in one batch at each instance.
    await database.query('begin');
    await database.query('select from challenge where id = $1 for no key update', [challenge_id]);
    const posted = posts();
    for (const system of systems)
      await until(
        () => system.service('trade').metric('tradesense_trade_commands_under_way'),
        (count) => count === 6,
      );
    await database.query('commit');
    const replies = await Promise.all(posted);

    const accepted = replies.filter(({ status }) => status === 200);
    const reason = accepted[0]!.body;
    expect(accepted.map(({ body: answer }) => answer)).toEqual(accepted.map(() => reason));
    expect(accepted.filter(({ headers }) => headers.get('idempotent-replayed') === null)).toHaveLength(1);
    const refused = replies.filter(({ status }) => status !== 200).map(refusalOf);
    expect(refused).toEqual(refused.map(() => ({ status: 409, code: 'act-conflict', paths: [] })));
    expect([2, 10]).toContain(refused.length); // whichever meaning was first
    const { rows } = await database.query<{ opened: number; told: number; acts: number; accepted: number }>(
      `select (select count(*) from challenge where previous_challenge_id = $1)::int as opened,
                (select count(*) from outbox where aggregateid = $1::text and payload->>'new_status' = 'CLOSED')::int as told,
                (select count(*) from act where challenge_id = $1)::int as acts,
                (select count(*) from audit where challenge_id = $1 and outcome = 'accepted')::int as accepted`,
      [challenge_id],
    );
    const isClose = what === 'close';
    expect(rows[0]).toEqual({ opened: isClose ? 0 : 1, told: isClose ? 1 : 0, acts: 1, accepted: 1 });
  });

  it('is free again after a refusal, which decides nothing', async () => {
    const { challenge_id } = await open();
    const body = bodyOf();
    expect((await act(anna, 'reactivate', challenge_id, body)).status).toBe(422);
    expect((await act(anna, 'close', challenge_id, body)).status).toBe(200);
  });
});

describe('an act', () => {
  it.each<[Act, object]>([
    ['owner', { user_id: 'trader-new' }],
    ['review', { verdict: 'APPROVED' }],
    ['close', {}],
    ['reactivate', {}],
  ])('is for operators alone: %s', async (what, more) => {
    const { challenge_id, user_id } = await open();
    const callers = [await tokens.user(user_id), await tokens.service(), await tokens.operator('carl', 'ops:read')];
    for (const token of callers) {
      const reply = await act(new TradeApi(systems[0].tradeUrl, token), what, challenge_id, bodyOf(more));
      expect(refusalOf(reply)).toMatchObject({ status: 403, code: 'forbidden' });
    }
    const unknown = randomUUID();
    for (const id of [unknown, 'x'])
      expect(refusalOf(await act(anna, what, id, bodyOf(more)))).toMatchObject({ status: 404, code: 'not-found' });
    expect(await auditOf(challenge_id)).toEqual([]);
    expect(await auditOf(unknown)).toMatchObject([{ who: 'anna', act: what, outcome: 'not-found' }]);
  });

  it.each<[string, Act, object, readonly string[]]>([
    ['without an act_id', 'close', { act_id: undefined }, ['/act_id']],
    ['without a reason', 'close', { reason: ' ' }, ['/reason']],
    ['with too long a reason', 'close', { reason: 'x'.repeat(501) }, ['/reason']],
    ['with another verdict', 'review', { verdict: 'MAYBE' }, ['/verdict']],
    ['without its new owner', 'owner', {}, ['/user_id']],
    ['with a field that it has not', 'reactivate', { user_id: 'trader-new' }, ['/user_id']],
  ])('%s is refused, naming the field', async (_, what, more, paths) => {
    const { challenge_id } = await open();
    const reply = await act(anna, what, challenge_id, bodyOf(more));
    expect(refusalOf(reply)).toEqual({ status: 400, code: 'invalid-request', paths });
  });

  it.each<[Act, number]>([
    ['reactivate', 200],
    ['close', 409],
  ])('comes after the days that have ended, which may have been the end: %s', async (what, status) => {
    const { challenge_id } = await open();
    await database.query(`update challenge set current_equity = 8999, balance = 8999 where id = $1`, [challenge_id]);
    await endDay(database, [challenge_id], new Date());
    const reply = await act(anna, what, challenge_id, bodyOf());
    expect(reply.status).toBe(status);
    const told = (await eventsOf(challenge_id)).map(({ type }) => type);
    expect(told).toEqual(['CHALLENGE_UPDATED', 'CHALLENGE_STATUS_CHANGED', 'CHALLENGE_STATE']);
  });

  it('and its line in the audit are written together, or neither is', async () => {
    const { challenge_id } = await open();
    const body = bodyOf();
    await database.query('revoke insert on audit from tradesense_trade');
    try {
      expect((await act(anna, 'close', challenge_id, body)).status).toBe(500);
    } finally {
      await database.query('grant insert on audit to tradesense_trade');
    }
    expect(await systems[0].api.read(challenge_id)).toMatchObject({ status: 'ACTIVE' });
    expect((await act(anna, 'close', challenge_id, body)).headers.get('idempotent-replayed')).toBeNull();
  });
});
