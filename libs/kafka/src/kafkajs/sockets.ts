import { connect, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions } from 'node:tls';

export interface SocketRequest {
  readonly host: string;
  readonly port: number;
  readonly ssl?: ConnectionOptions | null;
  readonly onConnect: () => void;
}
export type SocketFactory = (request: SocketRequest) => Socket;

const KEEP_ALIVE_MS = 60_000;

/**
 * The sockets of one client object. kafkajs can neither be told to stop trying nor be cancelled: a send that was given up
 * may go out minutes later (pitfall K5). Without sockets it can't: after `cut` those that were open are destroyed and no new
 * one is made, so nothing leaves through this object any more.
 */
export class Sockets {
  readonly #open = new Set<Socket>();
  #cutBecause: Error | undefined;

  readonly factory: SocketFactory = ({ host, port, ssl, onConnect }) => {
    if (this.#cutBecause !== undefined) throw this.#cutBecause;
    const socket = ssl
      ? connectTls({ host, port, ...(isIP(host) === 0 ? { servername: host } : {}), ...ssl }, onConnect)
      : connect({ host, port }, onConnect);
    socket.setKeepAlive(true, KEEP_ALIVE_MS);
    socket.setNoDelay(true); // Nagle's wait would be the longest part of a record's way
    this.#open.add(socket);
    socket.once('close', () => this.#open.delete(socket));
    return socket;
  };

  /** With an error, because kafkajs rejects what is in flight only on one. */
  cut(because: Error): void {
    this.#cutBecause ??= because;
    for (const socket of this.#open) socket.destroy(because);
  }
}
