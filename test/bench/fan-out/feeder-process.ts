/** The producer of `-- gateway` and `-- intake`: events as the relay publishes them, each stamped when it is made, at a constant rate. */
import { setTimeout as delay } from 'node:timers/promises';

import { topicsOf, type ChallengeId, type Topics, type UserId } from '@tradesense/contracts';
import { connectPublisher, type Publisher } from '@tradesense/kafka';

import { History, recordOf } from '../../support/facts.js';
import { serve } from '../child.js';
import type { Fed, FeederAsk } from './messages.js';

const TICK_MS = 4;
/** With the fields of an event, 690 bytes in all. */
const PADDING = 'x'.repeat(120);

let histories: History[] = [];
let publisher: Publisher;
let topics: Topics;
let running: Promise<number> | undefined;
let over = new AbortController();

async function run(perSecond: number, withStates: boolean, signal: AbortSignal): Promise<number> {
  const beganMs = performance.now();
  let made = 0;
  let lateMs = 0;
  while (!signal.aborted) {
    const due = Math.floor(((performance.now() - beganMs) * perSecond) / 1_000);
    const records = [];
    const states = [];
    for (; made < due; made += 1) {
      // In no order: rooms that are fed in turn would all have the same count, and all be full in the same moment.
      const history = histories[Math.floor(Math.random() * histories.length)] as History;
      const fact = history.equity();
      const sentNs = Number(process.hrtime.bigint());
      records.push(recordOf({ ...fact, body: { ...fact.body, padding: PADDING, sent_ns: sentNs } }));
      if (withStates) states.push(recordOf(history.state()));
    }
    const sendingMs = performance.now();
    if (records.length > 0) await publisher.send([{ topic: topics.events.name, records }]);
    if (states.length > 0) await publisher.send([{ topic: topics.state.name, records: states }]);
    lateMs = Math.max(lateMs, performance.now() - sendingMs - TICK_MS);
    await delay(TICK_MS);
  }
  return lateMs;
}

async function rest(): Promise<Fed> {
  over.abort();
  return { lateMs: (await running) ?? 0 };
}

serve<FeederAsk>(async (ask) => {
  if (ask.act === 'open') {
    topics = topicsOf(ask.topicPrefix);
    const { events, state } = topics;
    publisher = connectPublisher({ brokers: ask.brokers, clientId: 'bench-feeder' }, { topics: [events, state] });
    histories = ask.seats.map(({ challengeId, userId }) => new History(challengeId as ChallengeId, userId as UserId));
    return undefined;
  }
  if (ask.act === 'rest') return rest();
  if (ask.act === 'tell-states') {
    const records = histories.map((history) => recordOf(history.state()));
    await publisher.send([{ topic: topics.state.name, records }]);
    return undefined;
  }
  over = new AbortController();
  running = run(ask.perSecond, ask.states ?? false, over.signal);
  return undefined;
});
