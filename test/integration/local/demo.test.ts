import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { pathToFileURL } from 'node:url';

import type { ChallengeState } from '@tradesense/contracts';
import { freePort } from '@tradesense/local';

import {
  childrenOf,
  identityOf,
  isAlive,
  signalTo,
  type ProcessIdentity,
} from '../../../infra/local/src/bootstrap/process-identity.mjs';
import { inRepository } from '../../support/repository.js';
import { until } from '../../support/until.js';

const PORTS = ['POSTGRES', 'KAFKA', 'TRADE', 'GATEWAY', 'DASHBOARD'].flatMap((name) => [`${name}_PORT`]);
const ADMIN_PORTS = ['TRADE', 'RELAY', 'GATEWAY', 'DASHBOARD'].map((name) => `${name}_ADMIN_PORT`);
const READY_WITHIN_MS = 90_000;

/** The built demo as a process of its own, on ports of its own. */
class Demo {
  readonly #lines: string[] = [];
  readonly exit: Promise<number | null>;
  readonly identity: ProcessIdentity;

  constructor(folder: string, env: Readonly<Record<string, string>>) {
    const built = pathToFileURL(inRepository('infra/local/dist/demo/run-demo.js')).href;
    const options = { repository: inRepository(), folder, engine: 'native', fresh: false };
    const script = `
      import { runDemo } from ${JSON.stringify(built)};
      const stopping = new AbortController();
      process.on('SIGTERM', () => stopping.abort());
      const say = (line) => console.log(line);
      await runDemo({ ...${JSON.stringify(options)}, say, signal: stopping.signal, onPage: () => {} });`;
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      env: { PATH: process.env['PATH'], JAVA_HOME: process.env['JAVA_HOME'], ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    for (const input of [child.stdout, child.stderr])
      createInterface({ input }).on('line', (line) => this.#lines.push(line));
    this.exit = once(child, 'exit').then(([code]) => code as number | null);
    this.identity = identityOf(child.pid!)!;
  }

  get output(): string {
    return this.#lines.join('\n');
  }

  /** Until it has printed its lines; they hold the page's address and the curl line. */
  async ready(): Promise<{ page: URL; curl: string; challengeId: string }> {
    const lines = await Promise.race([
      until(
        () => this.output,
        (text) => text.includes('Try'),
        { withinMs: READY_WITHIN_MS, what: 'the demo is ready' },
      ),
      this.exit.then((code) => Promise.reject(new Error(`the demo ended with ${code}:\n${this.output}`))),
    ]);
    const page = new URL(/Page\s+(\S+)/.exec(lines)![1]!);
    const fragment = new URLSearchParams(page.hash.slice(1));
    return { page, curl: /Try\s+(.+)/.exec(lines)![1]!, challengeId: fragment.get('challenge')! };
  }

  /** Every process it has started: keepers, and what they keep. */
  get family(): readonly ProcessIdentity[] {
    const below = (pid: number): readonly number[] => childrenOf(pid).flatMap((child) => [child, ...below(child)]);
    return below(this.identity.pid).flatMap((pid) => identityOf(pid) ?? []);
  }
  get keepers(): readonly ProcessIdentity[] {
    return childrenOf(this.identity.pid).flatMap((pid) => identityOf(pid) ?? []);
  }
}

const run = async (line: string): Promise<string> => {
  const child = spawn('sh', ['-c', line], { stdio: ['ignore', 'pipe', 'ignore'] });
  let output = '';
  child.stdout.on('data', (data) => (output += data));
  await once(child, 'close');
  return output;
};

describe('the demo', () => {
  let folder: string;
  let env: Record<string, string>;
  let demo: Demo;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'demo-'));
    chmodSync(folder, 0o755); // as root, PostgreSQL is somebody else
    const names = [...PORTS, ...ADMIN_PORTS];
    env = Object.fromEntries(await Promise.all(names.map(async (name) => [name, String(await freePort())])));
    demo = new Demo(folder, env);
  });
  afterAll(async () => {
    signalTo(demo.identity, 'SIGTERM');
    await demo.exit;
    rmSync(folder, { recursive: true, force: true });
  });

  const equityOf = async (curl: string): Promise<ChallengeState> => {
    const token = /Bearer ([^']+)/.exec(curl)![1]!;
    const url = /(http\S+)\/trades/.exec(curl)![1]!;
    const response = await fetch(url, { headers: { authorization: `Bearer ${token}` } });
    return (await response.json()) as ChallengeState;
  };

  it(
    'shows a page, and trades on a challenge of its own',
    async () => {
      const { page, curl, challengeId } = await demo.ready();
      expect(page.port).toBe(env['DASHBOARD_PORT']);
      expect(await (await fetch(page)).text()).toContain('<title>');
      const before = await equityOf(curl);
      expect(before).toMatchObject({ challenge_id: challengeId, status: 'ACTIVE' });
      await until(
        () => equityOf(curl),
        ({ sequence }) => sequence >= before.sequence + 2,
        { withinMs: 10_000 },
      );
    },
    READY_WITHIN_MS,
  );

  it('prints a line that posts a trade, each time another one', async () => {
    const { curl } = await demo.ready();
    const answers = [await run(curl), await run(curl)].map((text) => JSON.parse(text) as { trade_id: string });
    expect(answers[0]!.trade_id).toMatch(/^[0-9a-f-]{36}$/);
    expect(answers[1]!.trade_id).not.toBe(answers[0]!.trade_id);
  });

  it(
    'clears away what it left when it was killed with all its keepers, and goes on with its challenge',
    async () => {
      const { challengeId, curl } = await demo.ready();
      const { sequence } = await equityOf(curl);
      const { family, keepers } = demo;
      for (const identity of [demo.identity, ...keepers]) signalTo(identity, 'SIGKILL');
      await demo.exit;
      expect(family.some(isAlive)).toBe(true); // nobody was left to end the servers
      demo = new Demo(folder, env);
      const again = await demo.ready();
      expect(family.filter(isAlive)).toEqual([]);
      expect(again.challengeId).toBe(challengeId);
      await until(
        () => equityOf(again.curl),
        (state) => state.sequence > sequence,
      );
    },
    2 * READY_WITHIN_MS,
  );

  it('names a port that is in use with its variable, and leaves nothing running', async () => {
    const port = await freePort();
    const server = createServer().listen(port);
    await once(server, 'listening');
    const other = mkdtempSync(join(tmpdir(), 'demo-'));
    chmodSync(other, 0o755);
    const refused = new Demo(other, { ...env, TRADE_PORT: String(port) });
    expect(await refused.exit).not.toBe(0);
    expect(refused.output).toContain(`Port ${port} is in use`);
    expect(refused.output).toContain('TRADE_PORT');
    server.close();
    rmSync(other, { recursive: true });
  });

  it('stops everything it has started, and ends with 0', async () => {
    await demo.ready();
    const { family } = demo;
    expect(family.length).toBeGreaterThanOrEqual(12); // six servers, each with its keeper
    signalTo(demo.identity, 'SIGTERM');
    expect(await demo.exit).toBe(0);
    expect(family.filter(isAlive)).toEqual([]);
  });
});
