import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';

import type { FastifyInstance } from 'fastify';

import type { ApiDescription } from './document.js';

/** By the page of swagger-ui, which is ours: nothing comes from elsewhere, and nothing it shows may run. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const PAGE = `<!doctype html>
<html lang="en">
  <head>
    <meta charset="utf-8">
    <meta name="viewport" content="width=device-width, initial-scale=1">
    <title>TradeSense Live: trade API</title>
    <link rel="icon" href="data:,">
    <link rel="stylesheet" href="docs/swagger-ui.css">
  </head>
  <body>
    <div id="api"></div>
    <script src="docs/swagger-ui-bundle.js"></script>
    <script src="docs/start.js"></script>
  </body>
</html>
`;
const START = `SwaggerUIBundle({ url: 'openapi.json', dom_id: '#api', deepLinking: true, validatorUrl: null });\n`;

const fromPackage = (file: string): Promise<Buffer> =>
  readFile(createRequire(import.meta.url).resolve(`swagger-ui-dist/${file}`));

const FILES: Readonly<Record<string, { readonly type: string; readonly bytes: () => Promise<Buffer> | string }>> = {
  '/docs': { type: 'text/html; charset=utf-8', bytes: () => PAGE },
  '/docs/start.js': { type: 'text/javascript; charset=utf-8', bytes: () => START },
  '/docs/swagger-ui-bundle.js': {
    type: 'text/javascript; charset=utf-8',
    bytes: () => fromPackage('swagger-ui-bundle.js'),
  },
  '/docs/swagger-ui.css': { type: 'text/css; charset=utf-8', bytes: () => fromPackage('swagger-ui.css') },
};

/** The description at `/openapi.json` and its page at `/docs`, for everybody: neither says anything of anybody. */
export function serveDescription(fastify: FastifyInstance, description: ApiDescription): void {
  const config = { audience: 'public' } as const;
  const document = JSON.stringify(description);
  fastify.get('/openapi.json', { config }, (_request, reply) =>
    reply.headers({ 'content-type': 'application/json; charset=utf-8', 'cache-control': 'no-cache' }).send(document),
  );
  for (const [path, { type, bytes }] of Object.entries(FILES)) {
    let kept: Promise<Buffer> | string | undefined; // read when somebody first looks
    fastify.get(path, { config }, async (_request, reply) => {
      kept ??= bytes();
      return reply
        .headers({ 'content-type': type, 'cache-control': 'no-cache', 'content-security-policy': POLICY })
        .send(await kept);
    });
  }
}
