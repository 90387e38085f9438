import { setTimeout as delay } from 'node:timers/promises';

import type { Answer, JoinedChallenge } from '@tradesense/contracts';
import { io, type Socket } from 'socket.io-client';

import { aChallengeId, aUserId, History } from '../../support/facts.js';
import { Feed } from '../../support/feed.js';
import { chanceOf } from '../../support/outbox-writers.js';
import { System, type Ground } from '../../support/system.js';
import { tokens } from '../../support/tokens.js';
import { within } from '../../support/until.js';

export interface JustCreatedSeen {
  readonly joins: number;
  /** Milliseconds that the answer came after the record was in Kafka. */
  readonly answeredMs: readonly number[];
  readonly faults: readonly string[];
}

/** Of a connection, beside each other: below its limits. */
const JOINS_AT_ONCE = 40;
/** The join is at the gateway before the record is sent. */
const LEAD_MS = 100;
const LATEST_MS = 1_200;

/** Challenges are joined before anybody could have told the gateway of them; their first record comes a moment later. */
export async function justCreated(ground: Ground, joins: number, seed: number): Promise<JustCreatedSeen> {
  const chance = chanceOf(seed);
  const feed = new Feed(ground);
  feed.startWatermarks();
  const system = await System.start(ground, { services: ['gateway'] });
  const answeredMs: number[] = [];
  const faults: string[] = [];
  try {
    for (let done = 0; done < joins; done += JOINS_AT_ONCE) {
      const userId = aUserId();
      const socket = io(system.gatewayUrl, {
        transports: ['websocket'],
        auth: { token: await tokens.user(userId) },
        forceNew: true,
      });
      try {
        await within(
          10_000,
          'a connection',
          new Promise((resolve) => socket.once('connect', () => resolve(undefined))),
        );
        const histories = Array.from(
          { length: Math.min(JOINS_AT_ONCE, joins - done) },
          () => new History(aChallengeId(), userId),
        );
        await Promise.all(
          histories.map(async (history) => {
            const lead = LEAD_MS + chance() * (LATEST_MS - LEAD_MS);
            const outcome = await joinBefore(socket, history, () =>
              delay(lead).then(() => feed.publish(history.state())),
            );
            if (typeof outcome === 'string') faults.push(outcome);
            else answeredMs.push(outcome);
          }),
        );
      } finally {
        socket.disconnect();
      }
    }
    return { joins, answeredMs, faults };
  } finally {
    await system.stop();
    await feed.close();
  }
}

/** How long after its creation it was answered, or what was wrong with the answer. */
async function joinBefore(socket: Socket, history: History, create: () => Promise<void>): Promise<number | string> {
  const { challengeId } = history;
  const joined = new Promise<JoinedChallenge>((resolve) =>
    socket.on('joined_challenge', (one: JoinedChallenge) => {
      if (one.challenge_id === challengeId) resolve(one);
    }),
  );
  const answered = socket
    .timeout(10_000)
    .emitWithAck('join_challenge', { challenge_id: challengeId })
    .then((answer: Answer) => ({ answer, atMs: performance.now() }));
  const created = create().then(() => performance.now());
  const [{ answer, atMs }, createdAtMs] = await Promise.all([answered, created]);
  if (!answer.ok) return `${challengeId} was refused: ${answer.code}`;
  const { sequence, snapshot } = await within(10_000, `joined ${challengeId}`, joined);
  if (sequence !== 0 || snapshot?.sequence !== 0) return `${challengeId} was joined at ${sequence}, not at 0`;
  return atMs - createdAtMs;
}
