/**
 * A hint that rows may be there. A wake that comes while nobody waits, because a read is running, is kept: that read may have
 * begun before the commit it speaks of.
 */
export class Wake {
  #isDue = false;
  #end: (() => void) | undefined;

  now(): void {
    this.#isDue = true;
    this.#end?.();
  }

  /** Resolves at a wake, also one that came before, or after `ms`, or when the signal is aborted; takes the wake. */
  async orAfter(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#isDue && ms > 0 && !signal.aborted) await this.#wait(ms, signal);
    this.#isDue = false;
  }

  #wait(ms: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = (): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.#end = undefined;
        resolve();
      };
      const timer = setTimeout(end, ms);
      signal.addEventListener('abort', end);
      this.#end = end;
    });
  }
}
