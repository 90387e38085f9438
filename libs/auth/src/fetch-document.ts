import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import { get } from 'node:https';

export interface DocumentBounds {
  readonly mostBytes: number;
  /** For all of it: an issuer that sends a byte a second is away as well. */
  readonly withinMs: number;
}

/** JSON by https. What does not answer 200 is no document; a redirect is not followed, since it may lead anywhere. */
export async function fetchDocument(url: string, { mostBytes, withinMs }: DocumentBounds): Promise<unknown> {
  const headers = { accept: 'application/json', connection: 'close' };
  const request = get(url, { headers, signal: AbortSignal.timeout(withinMs) });
  request.on('error', () => undefined); // also told to whoever awaits the answer or reads it
  try {
    const [response] = (await once(request, 'response')) as [IncomingMessage];
    if (response.statusCode !== 200) throw new Error(`answered with ${response.statusCode}`);
    return JSON.parse(await textOf(response, mostBytes));
  } finally {
    request.destroy();
  }
}

async function textOf(response: IncomingMessage, mostBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > mostBytes) throw new Error(`longer than ${mostBytes} bytes`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString();
}
