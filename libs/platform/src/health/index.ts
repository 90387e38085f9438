import { systemClock, type Clock } from '../time/index.js';

/** What a check says at this moment; `detail` tells what is wrong, in words an operator can act on. */
export interface Finding {
  readonly ok: boolean;
  readonly detail?: string;
}

export interface Report {
  readonly ok: boolean;
  readonly checks: Readonly<Record<string, Finding & { readonly since: string }>>;
}

/** A check that throws is a check that fails: it must not take the process with it. */
function answerOf(ask: () => Finding): Finding {
  try {
    return ask();
  } catch (error) {
    return { ok: false, detail: `the check itself failed: ${error instanceof Error ? error.name : typeof error}` };
  }
}

/** Readiness: a statement about this service's job, put together from named checks. Not ready before `started`, nor while stopping. */
export class Health {
  readonly #checks = new Map<string, () => Finding>();
  readonly #seen = new Map<string, { ok: boolean; since: string }>();

  constructor(private readonly clock: Clock = systemClock) {}

  check(name: string, ask: () => Finding): void {
    this.#checks.set(name, ask);
  }

  report(): Report {
    const checks = Object.fromEntries([...this.#checks].map(([name, ask]) => [name, this.#find(name, ask)]));
    return { ok: Object.values(checks).every(({ ok }) => ok), checks };
  }

  #find(name: string, ask: () => Finding): Finding & { since: string } {
    const finding = answerOf(ask);
    const before = this.#seen.get(name);
    const since = before?.ok === finding.ok ? before.since : new Date(this.clock.now()).toISOString();
    this.#seen.set(name, { ok: finding.ok, since });
    return { ...finding, since };
  }
}
