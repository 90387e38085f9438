import type { KeyObject } from 'node:crypto';
import type { ServerResponse } from 'node:http';
import { createServer, type Server } from 'node:https';
import type { AddressInfo } from 'node:net';

import { selfSigned } from './self-signed.js';

export type IssuerAnswer = (response: ServerResponse) => void;
type Jwk = Readonly<Record<string, unknown>>;

/** A public key as a key set has it. */
export const jwkOf = (key: KeyObject, kid: string): Jwk => ({ ...key.export({ format: 'jwk' }), kid, use: 'sig' });

/** A key set. */
export const setOf =
  (...keys: readonly Jwk[]): IssuerAnswer =>
  (response) =>
    response.end(JSON.stringify({ keys }));

export const failure: IssuerAnswer = (response) => response.writeHead(500).end();

/** Who publishes keys by https; a test decides what is answered. */
export class Issuer {
  asked = 0;
  readonly certificate = selfSigned();
  readonly #server: Server;

  constructor(public answer: IssuerAnswer) {
    this.#server = createServer(this.certificate, (_request, response) => {
      response.on('error', () => undefined);
      this.asked += 1;
      this.answer(response);
    });
  }

  async start(): Promise<void> {
    await new Promise<void>((resolve) => this.#server.listen(0, '127.0.0.1', resolve));
  }

  get url(): string {
    const { port } = this.#server.address() as AddressInfo;
    return `https://localhost:${port}/keys`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
