import { spawnSync } from 'node:child_process';

/** Where Debian puts servers, which a user's own path may not name. */
export const SERVER_PATH = [process.env['PATH'], '/usr/sbin', '/usr/local/sbin'].join(':');

const answers = (command: string, argument: string): boolean =>
  spawnSync(command, [argument], { env: { PATH: SERVER_PATH }, stdio: 'ignore', timeout: 10_000 }).status === 0;

export const hasHaproxy = answers('haproxy', '-v');
export const hasRedis = answers('redis-server', '--version');
