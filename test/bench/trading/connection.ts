import { connect, type Socket } from 'node:net';

import type { Target } from './messages.js';

export interface Answer {
  readonly status: number;
  readonly body: Buffer;
}

const HEAD_END = '\r\n\r\n';
const ANSWER_WITHIN_MS = 30_000;

interface Waiting {
  resolve(answer: Answer): void;
  reject(why: Error): void;
}

/**
 * A kept connection that carries one request at a time. HTTP is spelled by hand: who posts shares the processors with those who
 * are measured, and a client as Node.js has it would take more of them than a server's own parser. It knows what our servers
 * answer, bodies of a given length, and nothing else.
 */
export class Connection {
  readonly #head: string;
  readonly #socket: Socket;
  #waiting: Waiting | undefined;
  #came: Buffer | undefined;

  private constructor({ url, token }: Target) {
    const { host, hostname, port } = new URL(url);
    this.#head = ` HTTP/1.1\r\nhost: ${host}\r\nauthorization: Bearer ${token}\r\ncontent-type: application/json\r\n`;
    this.#socket = connect({ host: hostname, port: Number(port), noDelay: true });
    this.#socket.setTimeout(ANSWER_WITHIN_MS, () => this.#socket.destroy(new Error('no answer in 30 s')));
    this.#socket.on('data', (chunk) => this.#take(chunk));
    this.#socket.on('error', (why) => this.#fail(why));
    this.#socket.on('close', () => this.#fail(new Error('the connection was closed')));
  }

  static async open(target: Target): Promise<Connection> {
    const connection = new Connection(target);
    await new Promise<void>((resolve, reject) => {
      connection.#socket.once('connect', resolve);
      connection.#socket.once('error', reject);
    });
    return connection;
  }

  /** @param body JSON, of ASCII characters only */
  post(path: string, body: string): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting = { resolve, reject };
      this.#socket.write(`POST ${path}${this.#head}content-length: ${body.length}${HEAD_END}${body}`, 'latin1');
    });
  }

  close(): void {
    this.#socket.destroy();
  }

  #take(chunk: Buffer): void {
    const came = this.#came === undefined ? chunk : Buffer.concat([this.#came, chunk]);
    this.#came = came;
    const headEnd = came.indexOf(HEAD_END);
    if (headEnd < 0) return;
    const head = came.toString('latin1', 0, headEnd);
    const [, length] = /\r\ncontent-length: *(\d+)/i.exec(head) ?? [];
    if (length === undefined) return void this.#socket.destroy(new Error(`an answer without a length: ${head}`));
    const bodyAt = headEnd + HEAD_END.length;
    if (came.length < bodyAt + Number(length)) return;
    this.#came = undefined;
    const waiting = this.#waiting;
    this.#waiting = undefined;
    waiting?.resolve({ status: Number(head.slice(9, 12)), body: came.subarray(bodyAt) });
  }

  #fail(why: Error): void {
    this.#waiting?.reject(why);
    this.#waiting = undefined;
  }
}
