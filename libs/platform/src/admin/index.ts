import { createServer, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

import type { Health } from '../health/index.js';
import type { Part } from '../lifecycle/index.js';
import type { Logger } from '../logging/index.js';
import type { Registry } from '../metrics/index.js';
import { ACTS, AdminProblem, adminRequestOf, type AdminActs } from './acts.js';

export { Page } from './page.js';
export { AdminProblem, invalidRequest, limitOf, type AdminActs, type AdminAnswer, type AdminRequest } from './acts.js';

export interface AdminOptions {
  readonly host: string;
  /** 0 takes a free one. */
  readonly port: number;
  readonly registry: Registry;
  readonly health: Health;
  /** Told the port once it listens. */
  readonly log?: Logger;
  /** What operators may do here. Absent: nothing. */
  readonly acts?: AdminActs;
}

interface Answer {
  readonly status: number;
  readonly type: string;
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}
const text = (status: number, body: string): Answer => ({ status, type: 'text/plain', body });

/** The admin listener: `/livez` (the loop turns), `/readyz` (200 or 503 and what is wrong), `/metrics`, and `/admin/v1`. */
export class AdminListener implements Part {
  readonly name = 'admin listener';
  readonly #server: Server;
  #starting: Promise<void> | undefined;
  #stopping: Promise<void> | undefined;

  constructor(private readonly options: AdminOptions) {
    this.#server = createServer((request, response) => {
      void this.#answer(request).then(({ status, type, body, headers }) =>
        response.writeHead(status, { 'content-type': type, 'cache-control': 'no-store', ...headers }).end(body),
      );
    });
    this.#server.headersTimeout = 5_000;
    this.#server.requestTimeout = 10_000;
  }

  /** Once: a second call gives the first one's promise; after a stop it does nothing. */
  start(): Promise<void> {
    this.#starting ??= this.#stopping === undefined ? this.#listen() : Promise.resolve();
    return this.#starting;
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#close();
    return this.#stopping;
  }

  /** Waits for a start that is under way: a server can't be closed before it listens. */
  async #close(): Promise<void> {
    await this.#starting?.catch(() => undefined);
    return new Promise((resolve) => {
      this.#server.close(() => resolve());
      this.#server.closeAllConnections();
    });
  }

  #listen(): Promise<void> {
    const { host, port } = this.options;
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject);
      this.#server.listen(port, host, () => {
        this.#server.off('error', reject);
        this.options.log?.info({ port: this.port }, 'admin listening');
        resolve();
      });
    });
  }

  async #answer(request: IncomingMessage): Promise<Answer> {
    const { method, url = '/' } = request;
    const { acts } = this.options;
    if (acts !== undefined && url.startsWith(`${ACTS}/`)) return this.#act(request, acts);
    if (method !== 'GET') return text(405, 'only GET\n');
    switch (url.split('?', 1)[0]) {
      case '/livez':
        return text(200, 'ok\n');
      case '/readyz': {
        const report = this.options.health.report();
        return { status: report.ok ? 200 : 503, type: 'application/json', body: `${JSON.stringify(report)}\n` };
      }
      case '/metrics':
        return this.#metrics();
      default:
        return text(404, 'not here: try /livez, /readyz, /metrics\n');
    }
  }

  async #act(request: IncomingMessage, acts: AdminActs): Promise<Answer> {
    const json = (status: number, type: string, body: unknown): Answer => ({
      status,
      type,
      body: `${JSON.stringify(body)}\n`,
    });
    try {
      const { status, body } = await acts(adminRequestOf(request, new URL(request.url ?? '/', 'http://admin')));
      return json(status, 'application/json', body);
    } catch (error) {
      const problem = error instanceof AdminProblem ? error : new AdminProblem('internal', undefined, { cause: error });
      if (problem.document.status >= 500)
        this.options.log?.error({ err: problem.cause, request_id: problem.requestId }, 'an act of an operator failed');
      const { document } = problem;
      const answer = json(document.status, 'application/problem+json', document);
      return document.status === 503 ? { ...answer, headers: { 'retry-after': '1' } } : answer;
    }
  }

  async #metrics(): Promise<Answer> {
    const { registry } = this.options;
    try {
      return { status: 200, type: registry.contentType, body: await registry.metrics() };
    } catch {
      return text(500, 'metrics could not be collected\n');
    }
  }
}
