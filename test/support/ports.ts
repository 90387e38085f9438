import { createServer } from 'node:net';

/** Below the ports that systems lend to outgoing connections: one of those could take it while a killed service is away. */
const LOWEST = 20_000;
const HIGHEST = 32_000;
const ATTEMPTS = 50;

const canListen = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const server = createServer()
      .once('error', () => resolve(false))
      .listen({ port, host: '::', exclusive: true }, () => server.close(() => resolve(true)));
  });

/** A port that nobody listens on, for a service that has to come back on the same one. */
export async function freePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const port = LOWEST + Math.floor(Math.random() * (HIGHEST - LOWEST));
    if (await canListen(port)) return port;
  }
  throw new Error(`no free port found from ${LOWEST} to ${HIGHEST}`);
}
