import { WebSocket } from 'ws';

import { until } from './until.js';

/**
 * A socket.io connection spelled by hand (engine.io 4 over WebSocket), for what a library would never send and for the bytes
 * it would not show. Answers pings, as any client must.
 */
export class RawSocket {
  /** Text messages as they came, pings aside. */
  readonly heard: string[] = [];
  closed: number | undefined;

  private constructor(private readonly socket: WebSocket) {
    socket.on('message', (data, isBinary) => {
      const text = isBinary ? '(binary)' : (data as Buffer).toString();
      if (text === '2') this.send('3');
      else this.heard.push(text);
    });
    socket.on('close', (code) => (this.closed = code));
    socket.on('error', () => undefined); // its close follows
  }

  /** Opens and, with a token, connects to the main namespace. */
  static async open(url: string, token?: string): Promise<RawSocket> {
    const raw = new RawSocket(new WebSocket(`${url}/socket.io/?EIO=4&transport=websocket`));
    await raw.hears((text) => text.startsWith('0'));
    if (token !== undefined) {
      raw.send(`40${JSON.stringify({ token })}`);
      await raw.hears((text) => text.startsWith('40'));
    }
    return raw;
  }

  send(data: string | Buffer): void {
    if (this.socket.readyState === WebSocket.OPEN) this.socket.send(data);
  }

  /** The first message that satisfies this. */
  async hears(isIt: (text: string) => boolean, withinMs = 10_000): Promise<string> {
    const heard = () => ({ message: this.heard.find(isIt), all: this.heard, closed: this.closed });
    const { message } = await until(heard, (now) => now.message !== undefined, { withinMs, what: 'a message' });
    return message as string;
  }

  end(): void {
    this.socket.terminate();
  }
}
