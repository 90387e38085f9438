/** A server of the stack. All of it may be called in any state and twice. */
export interface Server {
  readonly name: string;
  /** Of the running server; undefined while it is down. */
  readonly pid: number | undefined;
  /** Starts it, also after a stop or a kill: same data, same port. Resolves when it answers. */
  start(): Promise<void>;
  /** Orderly. */
  stop(): Promise<void>;
  /** Resolves when nothing of it runs any more. SIGKILL is what a power cut looks like to its clients. */
  kill(signal?: NodeJS.Signals): Promise<void>;
  /** Stops all of its processes where they stand: connections stay, nothing answers. */
  freeze(): Promise<void>;
  thaw(): Promise<void>;
}
