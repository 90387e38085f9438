import { HEADER, type Watermark } from '@tradesense/contracts';

import { Operator } from '../../support/operator.js';
import { OutboxWriter } from '../../support/outbox-writers.js';
import type { ServiceProcess } from '../../support/processes.js';
import { RelayScene } from '../../support/relay-scene.js';
import { openStack, type OwnGround } from '../../support/stack.js';
import { tokens } from '../../support/tokens.js';
import { until } from '../../support/until.js';

/** More than the topic takes, and than `append` lets through: it was written by somebody who goes past it. */
const TOO_LARGE = JSON.stringify('x'.repeat(1_100_000));
const NOBODYS = '00000000-0000-4000-8000-000000000000';
const WITHIN = { withinMs: 15_000 };

describe('a row that Kafka refuses for itself', () => {
  let ground: OwnGround;
  let scene: RelayScene;
  let writer: OutboxWriter;
  let relay: ServiceProcess;
  let operator: Operator;

  beforeEach(async () => {
    ground = await openStack();
    scene = await RelayScene.open(ground);
    writer = await OutboxWriter.open(ground.databaseUrl('postgres'));
    operator = await Operator.at(() => relay);
  });
  afterEach(async () => {
    await writer.close();
    await scene.close();
    await ground.close();
  });

  const start = async (env: Record<string, string> = {}): Promise<void> => {
    relay = await (await scene.relay('relay', env)).ready();
  };
  /** Sequences of a challenge's events in Kafka, as they came. */
  const came = (challengeId: string): readonly number[] =>
    scene.log
      .numbered(scene.topics.events)
      .filter(({ challenge_id }) => challenge_id === challengeId)
      .map(({ sequence }) => sequence);
  const statesOf = (challengeId: string): readonly number[] =>
    scene.log
      .numbered(scene.topics.state)
      .filter(({ challenge_id }) => challenge_id === challengeId)
      .map(({ sequence }) => sequence);
  const lastWatermark = (): Watermark | undefined => {
    const value = scene.log.of(scene.topics.watermarks).at(-1)?.value;
    return value == null ? undefined : (JSON.parse(String(value)) as Watermark);
  };
  const mend = (challengeId: string) =>
    writer.query('update outbox set payload = $1 where aggregateid = $2', ['{}', challengeId]);
  /** First occurrences: after a kill some come twice. */
  const arrived = (challengeId: string, ...sequences: readonly number[]) =>
    until(
      () => [...new Set(came(challengeId))],
      (found) => found.join() === sequences.join(),
      { ...WITHIN, what: `Kafka has ${sequences.join()} of one challenge` },
    );

  it('parks its challenge, visibly, over a restart too; all others flow; retried, it comes whole and in order', async () => {
    const [poisoned, other] = scene.challenges.ids as [string, string];
    await start();
    await writer.append(poisoned);
    await writer.append(poisoned, TOO_LARGE);
    await writer.append(poisoned);
    await writer.append(other);
    await arrived(other, 1);
    await until(lastWatermark, (watermark) => watermark?.parked[0] === poisoned, WITHIN);
    expect(new Set(came(poisoned))).toEqual(new Set([1]));
    expect(statesOf(poisoned)).toEqual([1, 3]); // states flow
    const [letter, ...more] = await operator.deadLetters();
    expect(more).toEqual([]);
    expect(letter).toMatchObject({
      challenge_id: poisoned,
      stream: 'challenge-events',
      type: 'EQUITY_UPDATED',
      sequence: '2',
      reason: expect.stringContaining('MESSAGE_TOO_LARGE'),
      wish: null,
    });
    expect(relay.logged('dead letter: Kafka refuses a row, its challenge is parked')[0]).toMatchObject({
      level: 'error',
      challenge_id: poisoned,
      event_id: letter!.event_id,
      position: letter!.position,
    });
    expect(await relay.metric('tradesense_relay_dead_letters')).toBe(1);
    expect((await relay.readiness()).status).toBe(200);

    await relay.kill();
    await start();
    await writer.append(poisoned);
    await writer.append(other);
    await arrived(other, 1, 2);
    expect(new Set(came(poisoned))).toEqual(new Set([1]));
    expect(await operator.deadLetters()).toEqual([letter]);

    await operator.wish('retry'); // nothing is mended yet
    await until(
      () => relay.logged('dead letter: Kafka refuses a row, its challenge is parked').length,
      (count) => count === 1,
      WITHIN,
    );
    expect(new Set(came(poisoned))).toEqual(new Set([1]));

    await mend(poisoned);
    await operator.wish('retry', [letter!.event_id]);
    await arrived(poisoned, 1, 2, 3, 4);
    expect(await operator.deadLetters()).toEqual([]);
    expect(statesOf(poisoned).at(-1)).toBe(4);
    await until(lastWatermark, (watermark) => watermark?.parked.length === 0, WITHIN);
    await scene.published();
    expect(await operator.list('/audit')).toMatchObject(
      [1, 2].map(() => ({ who: 'anna', act: 'dead-letter-retry', challenge_id: poisoned, event_id: letter!.event_id })),
    );
  });

  it('gives way to EVENT_SKIPPED with its id, epoch and sequence when it is discarded', async () => {
    const [poisoned] = scene.challenges.ids as [string];
    await start();
    await writer.append(poisoned, TOO_LARGE);
    await writer.append(poisoned);
    const [letter] = await until(
      () => operator.deadLetters(),
      (letters) => letters.length === 1,
      WITHIN,
    );
    await operator.wish('discard', [letter!.event_id]);
    await arrived(poisoned, 1, 2);
    const [skipped, next] = scene.log.of(scene.topics.events);
    expect(String(skipped!.headers.get(HEADER.type))).toBe('EVENT_SKIPPED');
    expect(String(skipped!.headers.get(HEADER.id))).toBe(letter!.event_id);
    expect(JSON.parse(String(skipped!.value))).toMatchObject({
      event_id: letter!.event_id,
      challenge_id: poisoned,
      epoch: 1,
      sequence: 1,
      skipped_type: 'EQUITY_UPDATED',
      reason: 'discarded by an operator',
    });
    expect(String(next!.headers.get(HEADER.type))).toBe('EQUITY_UPDATED');
    await scene.published();
  });

  it('stops everything, red, as one of many in a minute, and goes on by itself once Kafka takes it', async () => {
    const [first, second, other] = scene.challenges.ids as [string, string, string];
    await start({ PARK_PER_MINUTE: '1' });
    await writer.append(first, TOO_LARGE);
    await writer.append(second, TOO_LARGE);
    await writer.append(other);
    await relay.refuses(/Kafka refused 2 rows within a minute/);
    expect((await operator.deadLetters()).map(({ challenge_id }) => challenge_id)).toEqual([first]);
    expect(came(other)).toEqual([]);
    await mend(second);
    await relay.ready();
    await arrived(other, 1);
    expect(new Set(came(second))).toEqual(new Set([1])); // tried by itself, then again with its batch
    expect(relay.isRunning).toBe(true);
  });

  it('is touched by operators only, who say why, and by nothing that is not understood', async () => {
    await start();
    const good = { all: true, why: 'because' };
    const sent = async (method: string, path: string, body?: unknown, token?: string) => {
      const answer = await operator.send(method, path, body, token);
      const { status, type, detail } = (await answer.json()) as { status?: number; type?: string; detail?: string };
      expect(answer.headers.get('content-type')).toBe(answer.ok ? 'application/json' : 'application/problem+json');
      return answer.ok ? answer.status : `${status} ${type?.replace('urn:tradesense:problem:', '')}: ${detail}`;
    };
    const retry = (body: unknown, token?: string) => sent('POST', '/dead-letters/retry', body, token);
    expect(await retry(good, '')).toMatch(/^401 unauthenticated: ./);
    expect(await retry(good, await tokens.forged('anna'))).toMatch(/^401 unauthenticated: ./);
    expect(await retry(good, await tokens.user('trader'))).toMatch(/^403 forbidden: ./);
    expect(await retry(good, await tokens.service())).toMatch(/^403 forbidden: ./);
    expect(await retry(good, await tokens.operator('anna', 'ops:read'))).toMatch(/^403 forbidden: .*ops:write/);
    expect(await retry('{"all":')).toMatch(/^400 malformed-json: ./);
    expect(await retry('x'.repeat(70_000))).toMatch(/^413 too-large: ./);
    expect(await retry({ all: true })).toMatch(/^400 invalid-request: .*why/);
    expect(await retry({ ...good, why: 'a\nb' })).toMatch(/^400 invalid-request: ./);
    expect(await retry({ ...good, event_ids: [NOBODYS] })).toMatch(/^400 invalid-request: ./);
    expect(await retry({ event_ids: [], why: 'because' })).toMatch(/^400 invalid-request: ./);
    expect(await retry({ event_ids: ['\u0000'], why: 'because' })).toMatch(/^400 invalid-request: ./);
    expect(await retry({ ...good, force: true })).toMatch(/^400 invalid-request: ./);
    expect(await sent('POST', '/dead-letters/discard', good)).toMatch(/^400 invalid-request: .*name each event/);
    expect(await sent('GET', '/dead-letters?after=%00')).toMatch(/^400 invalid-request: ./);
    expect(await sent('GET', '/constructor')).toMatch(/^404 not-found: ./);
    expect(await retry(good, await tokens.operator('an\u0000na'))).toMatch(/^403 forbidden: ./);
    expect(await retry('null')).toMatch(/^400 invalid-request: ./);
    expect(await sent('GET', '/dead-letters/retry')).toMatch(/^405 method-not-allowed: ./);
    expect(await sent('POST', '/dead-letters', {})).toMatch(/^405 method-not-allowed: ./);
    expect(await sent('GET', '/elsewhere')).toMatch(/^404 not-found: ./);
    expect(await sent('GET', '/dead-letters?limit=0')).toMatch(/^400 invalid-request: ./);
    expect(await sent('GET', '/audit?after=x')).toMatch(/^400 invalid-request: ./);
    expect(await retry(good)).toBe(202);
    expect(await operator.list('/audit')).toEqual([]);
    const answer = await operator.send('POST', '/dead-letters/retry', { event_ids: [NOBODYS], why: 'because' });
    expect(await answer.json()).toEqual({ wished: [], left_alone: [NOBODYS] });
  });

  it('is retried through a relay that only stands by', async () => {
    const [poisoned] = scene.challenges.ids as [string];
    await start();
    const leader = relay;
    await start();
    await writer.append(poisoned, TOO_LARGE);
    await until(
      () => operator.deadLetters(),
      (letters) => letters.length === 1,
      WITHIN,
    );
    await mend(poisoned);
    await operator.wish('retry');
    await arrived(poisoned, 1);
    expect([await relay.metric('tradesense_relay_leader'), await leader.metric('tradesense_relay_leader')]).toEqual([
      0, 1,
    ]);
  });
});
