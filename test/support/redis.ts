import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { KeptProcess, freePort } from '@tradesense/local';
import { createClient } from 'redis';

import { SERVER_PATH } from './debian.js';
import type { Certified } from './self-signed.js';
import { until } from './until.js';

export interface RedisOptions {
  readonly password?: string;
  /** Speaks TLS, and nothing else. */
  readonly tls?: Certified;
  /** The port of another one, whose copy it is. */
  readonly replicaOf?: number;
}

/** A Redis that keeps nothing on disk, on a port that stays its own over a restart. */
export class Redis {
  readonly #folder = mkdtempSync(join(tmpdir(), 'redis-'));
  #kept: KeptProcess | undefined;

  private constructor(
    readonly port: number,
    private readonly options: RedisOptions,
  ) {}

  static async start(options: RedisOptions = {}): Promise<Redis> {
    const redis = new Redis(await freePort(), options);
    await redis.start();
    return redis;
  }

  get url(): string {
    const { password, tls } = this.options;
    return `${tls === undefined ? 'redis' : 'rediss'}://${password === undefined ? '' : `:${password}@`}localhost:${this.port}`;
  }

  /** Again, and empty. */
  async start(): Promise<void> {
    const file = join(this.#folder, 'log');
    this.#kept = await KeptProcess.start({
      name: 'redis',
      command: 'redis-server',
      args: this.#args(),
      env: { PATH: SERVER_PATH },
      cwd: this.#folder,
      output: { file },
    });
    if (this.options.tls === undefined && this.options.password === undefined)
      await until(
        () => this.ask('PING'),
        (answer) => answer === 'PONG',
        { what: 'Redis answers' },
      );
  }

  /** One command on a connection of its own; for a Redis that anybody may talk to. */
  async ask(...command: string[]): Promise<unknown> {
    const client = createClient({ url: this.url, socket: { reconnectStrategy: false, connectTimeout: 2_000 } });
    client.on('error', () => undefined); // the call fails as well
    try {
      await client.connect();
      return await client.sendCommand(command);
    } finally {
      client.destroy();
    }
  }

  freeze(): void {
    this.#kept?.signal('SIGSTOP');
  }
  thaw(): void {
    this.#kept?.signal('SIGCONT');
  }
  async kill(): Promise<void> {
    await this.#kept?.kill();
  }
  async stop(): Promise<void> {
    this.thaw();
    await this.#kept?.stop();
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #args(): readonly string[] {
    const { password, tls, replicaOf } = this.options;
    const args = ['--bind', '127.0.0.1', '::1', '--save', '', '--appendonly', 'no', '--dir', this.#folder];
    if (tls === undefined) args.push('--port', String(this.port));
    else {
      const [cert, key] = [join(this.#folder, 'cert.pem'), join(this.#folder, 'key.pem')];
      writeFileSync(cert, tls.cert);
      writeFileSync(key, tls.key);
      args.push('--port', '0', '--tls-port', String(this.port), '--tls-cert-file', cert, '--tls-key-file', key);
      args.push('--tls-auth-clients', 'no', '--tls-ca-cert-file', cert);
    }
    if (password !== undefined) args.push('--requirepass', password);
    if (replicaOf !== undefined) args.push('--replicaof', '127.0.0.1', String(replicaOf));
    return args;
  }
}
