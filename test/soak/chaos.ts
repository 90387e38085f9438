/**
 * Nothing lost, nothing out of order: three relays beside 20 disorderly writers (rollbacks, savepoints, prepared transactions,
 * sleeps between number and row) while relays are killed and stopped, PostgreSQL and Kafka crash, links are cut and swallow
 * replies. At the end the topic is compared with the outbox, and each repeated event with the reasons there were for one.
 *
 *   npm run soak -- chaos [--minutes 10] [--seed N] [--writers 20] [--lease-ms 3000]
 */
import { parseArgs } from 'node:util';

import { progress, report, seedOf, unless } from './report.js';
import { FAULT_NAMES, chaos, chaosStack } from './scenario/chaos.js';

const { values } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    seed: { type: 'string' },
    writers: { type: 'string', default: '20' },
    'lease-ms': { type: 'string', default: '3000' },
  },
});
const seed = seedOf(values.seed);
const minutes = Number(values.minutes);
const writers = Number(values.writers);
const leaseMs = Number(values['lease-ms']);

const stack = await chaosStack();
const started = performance.now();
const seen = await chaos(stack, {
  seed,
  seconds: 60 * minutes,
  faults: FAULT_NAMES,
  writers,
  challenges: 40,
  leaseMs,
  calmMs: 4_000,
  tell: (text) => progress(`${((performance.now() - started) / 1000).toFixed(0).padStart(5)} s  ${text}`),
}).finally(() => stack.stop());

const { verdict, tally, happened, takeOvers, unclearSends, repeatsBy, unexplained, parked } = seen;
report({
  soak: 'chaos',
  how: `${minutes} min, ${writers} writers, 3 relays, lease ${leaseMs} ms, seed ${seed}`,
  rows: [
    ...happened,
    ['transactions committed', tally.committed],
    ['rolled back', tally.rolledBack],
    ['prepared', tally.prepared],
    ['ended by a fault', tally.failed],
    ['take-overs', takeOvers],
    ['unclear sends', unclearSends],
    ['events committed', verdict.committed],
    ['records in Kafka', verdict.stored],
    ['repeats after a take-over', repeatsBy['take-over']],
    ['repeats after an unclear send', repeatsBy['unclear send']],
    ['repeats of one that was stopped', repeatsBy.zombie],
    ['repeats without a reason', unexplained.length],
    ['breaches', verdict.breaches.length],
  ],
  figures: {
    seed,
    minutes,
    faults_done: [...happened.values()].reduce((sum, count) => sum + count, 0),
    committed: verdict.committed,
    stored: verdict.stored,
    repeats: verdict.repeats,
    unexplained: unexplained.length,
    take_overs: takeOvers,
    unclear_sends: unclearSends,
    parked,
  },
  faults: [
    ...verdict.breaches,
    ...unexplained.slice(0, 10),
    ...unless(parked === 0, `${parked} challenges are parked`),
    ...unless(verdict.committed > 0, 'nothing was committed'),
  ],
});
