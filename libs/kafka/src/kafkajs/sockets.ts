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

/** What a listener that speaks TLS answers whoever does not: the record type `alert` and the protocol's major version. */
const ALERT = [0x15, 0x03];

/** How an answer in TLS to plain bytes is called among the codes of connection errors. */
export const TLS_ANSWER = 'ERR_TLS_ANSWER';

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
    const socket = ssl ? secured(host, port, ssl, onConnect) : plain(host, port, onConnect);
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

/** `rejectUnauthorized` is said aloud, because its default bows to NODE_TLS_REJECT_UNAUTHORIZED. */
const secured = (host: string, port: number, ssl: ConnectionOptions, onConnect: () => void): Socket =>
  connectTls(
    { ...ssl, host, port, ...(isIP(host) === 0 ? { servername: host } : {}), rejectUnauthorized: true },
    onConnect,
  );

function plain(host: string, port: number, onConnect: () => void): Socket {
  const socket = connect({ host, port }, onConnect);
  // Read as Kafka's, an alert is the length of an answer that never comes.
  socket.once('data', (first: Buffer) => {
    if (first[0] === ALERT[0] && first[1] === ALERT[1])
      socket.destroy(Object.assign(new Error('it answers in TLS'), { code: TLS_ANSWER }));
  });
  return socket;
}
