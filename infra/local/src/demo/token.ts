import { createHmac } from 'node:crypto';

const encoded = (part: object): string => Buffer.from(JSON.stringify(part)).toString('base64url');

/** An HS256 token of the demo's; `claims` say for whom. */
export function mintToken(secret: string, claims: Readonly<Record<string, string>>, livesMs: number): string {
  const iat = Math.floor(Date.now() / 1000);
  const times = { iat, exp: iat + Math.floor(livesMs / 1000) };
  const head = encoded({ alg: 'HS256', typ: 'JWT' });
  const body = encoded({ iss: 'tradesense', aud: 'tradesense', ...times, ...claims });
  const signature = createHmac('sha256', secret).update(`${head}.${body}`).digest('base64url');
  return `${head}.${body}.${signature}`;
}
