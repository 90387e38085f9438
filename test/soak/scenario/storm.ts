import type { LightClient } from '../../support/light-client.js';
import { until } from '../../support/until.js';
import { unless } from '../report.js';

export interface StormOptions {
  /** What the gateway lets in. */
  readonly perSecond: number;
  readonly withinMs: number;
}

export interface StormReport {
  readonly clients: number;
  /** From the first attempt until each was in its room, ascending. */
  readonly joinedMs: readonly number[];
  readonly attempts: readonly number[];
  readonly refused: number;
  /** Of refusals: those without a hint, or with another code than `unavailable`. */
  readonly unhelpful: number;
  readonly longestHintMs: number;
}

/** All of them come at once, and again as they are told, until the last one is in. */
export async function storm(clients: readonly LightClient[], { withinMs }: StormOptions): Promise<StormReport> {
  const before = clients.map(({ attempts, refused }) => ({ attempts, refused: refused.length }));
  const beganMs = performance.now();
  for (const client of clients) client.connect();
  await until(
    () => clients.filter(({ isJoined }) => !isJoined).length,
    (outside) => outside === 0,
    { withinMs, everyMs: 50, what: 'the last one is in' },
  );
  const refusals = clients.flatMap(({ refused }, index) => refused.slice(before[index]?.refused));
  return {
    clients: clients.length,
    joinedMs: clients.map(({ joinedAtMs = NaN }) => joinedAtMs - beganMs).sort((a, b) => a - b),
    attempts: clients.map(({ attempts }, index) => attempts - (before[index]?.attempts ?? 0)),
    refused: refusals.length,
    unhelpful: refusals.filter(({ code, hintMs }) => code !== 'unavailable' || !(hintMs! >= 1_000)).length,
    longestHintMs: Math.max(0, ...refusals.map(({ hintMs = 0 }) => hintMs)),
  };
}

/** A second's worth may come in at once; a client that is told when to come needs few attempts. */
const MOST_ATTEMPTS = 6;

export function faultsOf(seen: StormReport, { perSecond }: StormOptions): readonly string[] {
  const { clients, joinedMs, attempts, refused, unhelpful } = seen;
  const allowed = (ms: number): number => perSecond + (ms / 1_000) * perSecond + 1;
  const early = joinedMs.filter((ms, index) => index + 1 > allowed(ms)).length;
  const lastMs = joinedMs.at(-1) ?? NaN;
  const dueMs = (clients / perSecond) * 1_000;
  const most = Math.max(...attempts);
  return [
    ...unless(early === 0, `${early} came in faster than ${perSecond} a second`),
    ...unless(refused > 0, 'nobody was refused: it was no storm'),
    ...unless(unhelpful === 0, `${unhelpful} of ${refused} refusals did not say when to come`),
    ...unless(
      lastMs <= 1.5 * dueMs + 3_000,
      `the last one was in after ${lastMs} ms, at this rate ${dueMs} ms are due`,
    ),
    ...unless(most <= MOST_ATTEMPTS, `somebody needed ${most} attempts`),
  ];
}
