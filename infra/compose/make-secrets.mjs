/**
 * Makes this machine's own secrets, once: a volume for each container, holding only what that one needs. Nothing secret is in
 * the repository, and `docker-compose down -v` takes them away with the data they protect.
 */
import { randomBytes } from 'node:crypto';
import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const FOLDER = '/secrets';
const EVERYBODY_READS = 0o444; // each container's user is another one; who sees the volume may read it
const random = () => randomBytes(24).toString('hex');

/** @param {string} container @param {Record<string, string>} secrets */
function write(container, secrets) {
  for (const [name, value] of Object.entries(secrets))
    writeFileSync(join(FOLDER, container, name), value, { mode: EVERYBODY_READS });
}

if (existsSync(join(FOLDER, 'postgres', 'password'))) {
  console.log('the secrets are there already');
} else {
  const passwords = { migrator: random(), trade: random(), relay: random() };
  /** @param {keyof typeof passwords} role */
  const url = (role) => `postgres://tradesense_${role}:${passwords[role]}@postgres:5432/tradesense`;
  const jwt_secret = random();
  write('migrate', { database_url: url('migrator') });
  write('trade', { database_url: url('trade'), jwt_secret });
  write('relay', { database_url: url('relay'), jwt_secret });
  write('gateway', { jwt_secret });
  write('demo', { jwt_secret });
  // Last, because it is the sign that all of them are there.
  write('postgres', { ...passwords, password: random() });
  console.log('the secrets are made');
}
