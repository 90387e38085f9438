import { Child } from '../child.js';
import type { Arrivals } from './arrivals.js';
import type { Request, RunResult, Scene } from './messages.js';

/** A bench's handle on its load process, which ends with the bench. */
export class Load {
  readonly #child = new Child<Request>('load/load-process');

  /** Opens the challenges and joins the clients; resolves when all of them are live. */
  open(scene: Scene): Promise<void> {
    return this.#child.ask({ act: 'open', scene });
  }

  run(arrivals: Arrivals, arriveWithinMs = 15_000): Promise<RunResult> {
    return this.#child.ask({ act: 'run', arrivals, arriveWithinMs });
  }

  close(): void {
    this.#child.close();
  }
}
