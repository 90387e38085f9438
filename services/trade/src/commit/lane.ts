import type { ChallengeId } from '@tradesense/contracts';
import type { Clock } from '@tradesense/platform';

import { Overloaded } from '../store/index.js';
import { apart, isUndecided, type Job, type Settled } from './job.js';

/** A transaction's size: so many challenges are locked together, and about so many commands decided. */
const MAX_CHALLENGES = 256;
const MAX_COMMANDS = 512;
/** Of them so many with marks and rolls alone: a trade that comes meanwhile waits for the transaction under way. */
const MAX_UNPRESSING = 16;
/** With so many commands in a lane it takes no more. The last job may be larger: refused for its size it would always be. */
const MAX_UNDER_WAY = 2_000;
const MAX_WAIT_MS = 5_000;
const SWEEP_EVERY_MS = 250;
/** A challenge that is locked elsewhere is asked for again so much later. */
const AGAIN_MS = 10;

/** Writes jobs in one transaction; for each its outcomes, or that its challenge is locked elsewhere and nothing was done. */
export type WriteJobs = (jobs: readonly Job[]) => Promise<ReadonlyMap<Job, readonly Settled[] | 'locked'>>;

/** The commands of one challenge that wait, in the order they came. */
interface Fifo {
  jobs: Job[];
  notBeforeMs: number;
}

/**
 * One queue and one transaction at a time (design 4, group commit). While a transaction is under way, commands gather; the next
 * takes what has arrived. Each challenge has its own FIFO and belongs to one lane, so nothing overtakes; one that is locked by
 * somebody else keeps its commands and is asked for again, and holds up nobody.
 */
export class Lane {
  readonly #fifos = new Map<ChallengeId, Fifo>();
  #underWay = 0;
  #isRunning = false;
  #isSweeping = false;
  #nap: AbortController | undefined;

  constructor(
    private readonly write: WriteJobs,
    private readonly clock: Clock,
  ) {}

  /** Commands without an outcome. */
  get underWay(): number {
    return this.#underWay;
  }

  /** @throws Overloaded when there are too many already */
  submit(job: Job): void {
    if (this.#underWay >= MAX_UNDER_WAY) throw new Overloaded();
    this.#underWay += job.commands.length;
    const fifo = this.#fifos.get(job.challengeId);
    if (fifo === undefined) this.#fifos.set(job.challengeId, { jobs: [job], notBeforeMs: -Infinity });
    else fifo.jobs.push(job);
    this.#nap?.abort();
    if (!this.#isRunning) void this.#run();
    if (!this.#isSweeping) void this.#sweep();
  }

  /** Until nothing waits. Never rejects. */
  async #run(): Promise<void> {
    this.#isRunning = true;
    // What arrives in this turn of the loop, a burst's other requests, comes along.
    await Promise.resolve();
    while (this.#fifos.size > 0) {
      const jobs = this.#take();
      if (jobs.length > 0) this.#putBack(await this.#settle(jobs));
      else await this.#rest();
    }
    this.#isRunning = false;
  }

  /** What is neither locked elsewhere nor too much: challenges with a trade or an act first. */
  #take(): readonly Job[] {
    const nowMs = this.clock.monotonicMs();
    const ready = [...this.#fifos].filter(([, { notBeforeMs }]) => notBeforeMs <= nowMs);
    const isPressing = ([, { jobs }]: [ChallengeId, Fifo]): boolean => jobs.some((job) => job.isPressing);
    const taken: Job[] = [];
    let commands = 0;
    const others = ready.filter((one) => !isPressing(one)).slice(0, MAX_UNPRESSING);
    for (const [id, fifo] of [...ready.filter(isPressing), ...others].slice(0, MAX_CHALLENGES)) {
      while (fifo.jobs.length > 0 && (taken.length === 0 || commands + fifo.jobs[0]!.commands.length <= MAX_COMMANDS)) {
        const job = fifo.jobs.shift()!;
        taken.push(job);
        commands += job.commands.length;
      }
      if (fifo.jobs.length === 0) this.#fifos.delete(id);
    }
    return taken;
  }

  /** Ahead of what has come meanwhile. */
  #putBack(locked: readonly Job[]): void {
    for (const job of locked.toReversed()) {
      const jobs = [job, ...(this.#fifos.get(job.challengeId)?.jobs ?? [])];
      this.#fifos.set(job.challengeId, { jobs, notBeforeMs: this.clock.monotonicMs() + AGAIN_MS });
    }
  }

  #end(job: Job, settled: readonly Settled[]): void {
    this.#underWay -= job.commands.length;
    job.settle(settled);
  }

  /** Returns those whose challenge is locked elsewhere. */
  async #settle(jobs: readonly Job[]): Promise<readonly Job[]> {
    try {
      const written = await this.write(jobs);
      return jobs.filter((job) => {
        const settled = written.get(job)!;
        if (settled === 'locked') return true;
        this.#end(job, settled);
        return false;
      });
    } catch (fault) {
      const failed: Settled = { is: 'failed', fault };
      const apiece = jobs.flatMap(apart);
      if (!isUndecided(failed) && apiece.length > 1) return this.#settleApart(apiece);
      for (const job of apiece) this.#end(job, [failed]);
      return [];
    }
  }

  /** One command was refused by the database: it alone must fail, so each gets a transaction of its own. */
  async #settleApart(jobs: readonly Job[]): Promise<readonly Job[]> {
    const locked: Job[] = [];
    const undecided = new Map<ChallengeId, readonly Settled[]>();
    for (const job of jobs) {
      const { challengeId } = job;
      const isBehindLocked = locked.some((one) => one.challengeId === challengeId);
      const settled = isBehindLocked ? 'locked' : (undecided.get(challengeId) ?? (await this.#alone(job)));
      if (settled === 'locked') {
        locked.push(job);
        continue;
      }
      if (settled.some(isUndecided)) undecided.set(challengeId, settled);
      this.#end(job, settled);
    }
    return locked;
  }

  /** Of one command. */
  async #alone(job: Job): Promise<readonly Settled[] | 'locked'> {
    try {
      return (await this.write([job])).get(job)!;
    } catch (fault) {
      return [{ is: 'failed', fault }];
    }
  }

  /** Everything that waits is locked elsewhere: until the first may be asked for again, or something else arrives. */
  async #rest(): Promise<void> {
    const nextMs = Math.min(...[...this.#fifos.values()].map(({ notBeforeMs }) => notBeforeMs));
    this.#nap = new AbortController();
    await this.clock.sleep(Math.max(1, nextMs - this.clock.monotonicMs()), this.#nap.signal);
    this.#nap = undefined;
  }

  /** Gives up what has waited too long, also while a transaction hangs. */
  async #sweep(): Promise<void> {
    this.#isSweeping = true;
    while (this.#underWay > 0) {
      await this.clock.sleep(SWEEP_EVERY_MS);
      const sinceMs = this.clock.monotonicMs() - MAX_WAIT_MS;
      for (const [id, fifo] of this.#fifos) {
        const late = fifo.jobs.filter(({ arrivedMs }) => arrivedMs < sinceMs);
        fifo.jobs = fifo.jobs.filter(({ arrivedMs }) => arrivedMs >= sinceMs);
        if (fifo.jobs.length === 0) this.#fifos.delete(id);
        for (const job of late)
          this.#end(
            job,
            job.commands.map(() => ({ is: 'failed', fault: new Overloaded() })),
          );
      }
    }
    this.#isSweeping = false;
  }
}
