/** What whoever catches a fault should do; never what its text says. */
export type Remedy = 'wait' | 'park' | 'stop';

/** A fault whose cause is known. Whoever raises it knows what it is; whoever catches it asks for the remedy. */
export class Fault extends Error {
  constructor(
    readonly code: string,
    readonly remedy: Remedy,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = new.target.name;
  }
}

/** Total: what is not known has remedy `stop`. */
export const faultOf = (error: unknown): Fault =>
  error instanceof Fault
    ? error
    : new Fault('unexpected', 'stop', error instanceof Error ? error.message : String(error), { cause: error });
