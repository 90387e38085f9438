import type { ServiceProcess } from './processes.js';
import { tokens } from './tokens.js';

export interface DeadLetter {
  readonly challenge_id: string;
  readonly event_id: string;
  readonly stream: string;
  readonly type: string;
  readonly sequence: string;
  readonly position: string;
  readonly reason: string;
  readonly wish: string | null;
}

/** Somebody at an admin listener: a relay's, which has the dead letters, or the trade service's. */
export class Operator {
  private constructor(
    private readonly service: () => ServiceProcess,
    private readonly token: string,
  ) {}

  /** @param service asked anew at each act, since services come and go */
  static async at(service: () => ServiceProcess, who = 'anna', scope?: string): Promise<Operator> {
    return new Operator(service, await tokens.operator(who, scope));
  }

  async send(method: string, path: string, body?: unknown, token = this.token): Promise<Response> {
    return fetch(`http://127.0.0.1:${this.service().adminPort}/admin/v1${path}`, {
      method,
      headers: token === '' ? {} : { authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      signal: AbortSignal.timeout(15_000),
    });
  }

  async list<Item>(path: string): Promise<readonly Item[]> {
    const answer = await this.send('GET', path);
    if (answer.status !== 200) throw new Error(`${path}: ${answer.status} ${await answer.text()}`);
    return ((await answer.json()) as { items: Item[] }).items;
  }

  deadLetters = (): Promise<readonly DeadLetter[]> => this.list<DeadLetter>('/dead-letters');

  /** For the dead letters of these events, or for all that wait. */
  async wish(act: 'retry' | 'discard', eventIds?: readonly string[]): Promise<void> {
    const whom = eventIds === undefined ? { all: true } : { event_ids: eventIds };
    const answer = await this.send('POST', `/dead-letters/${act}`, { ...whom, why: `${act} after the mending` });
    if (answer.status !== 202) throw new Error(`${act}: ${answer.status} ${await answer.text()}`);
  }
}
