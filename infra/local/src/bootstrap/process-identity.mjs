/**
 * Which process a number means. A pid alone is given again sooner or later; together with the moment the process was born it
 * names one process for ever. Whatever is killed here is killed by such a name (pitfall X3).
 *
 * @typedef {{ readonly pid: number, readonly born: string }} ProcessIdentity
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';

const onLinux = process.platform === 'linux';
// Ticks since boot say nothing across boots.
const boot = onLinux ? readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim() : '';

/**
 * @param {number} pid
 * @returns {readonly string[] | undefined} the fields of /proc/PID/stat from the third on: state, ppid, … , starttime (19)
 */
function statOf(pid) {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'utf8');
    return text.slice(text.lastIndexOf(')') + 2).split(' ');
  } catch {
    return undefined;
  }
}

const STATE = 0;
const THREADS = 17;

/**
 * Whether a process has ended and only waits to be collected. Its first thread may have ended before the others, as a JVM's
 * does when it is killed: then it looks like that too, yet its ports and files are still held.
 * @param {readonly string[]} stat
 */
export const hasEnded = (stat) => stat[STATE] === 'Z' && Number(stat[THREADS]) <= 1;

/**
 * @param {readonly string[]} args
 * @returns {string} what `ps` printed; empty when it found nothing
 */
function ps(...args) {
  try {
    return execFileSync('ps', args, {
      encoding: 'utf8',
      env: { ...process.env, LC_ALL: 'C' },
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
  } catch {
    return '';
  }
}

/**
 * @param {number} pid
 * @returns {ProcessIdentity | undefined} undefined: no such process, or one that has ended and only waits to be collected
 */
export function identityOf(pid) {
  if (onLinux) {
    const stat = statOf(pid);
    return stat === undefined || hasEnded(stat) ? undefined : { pid, born: `${boot}/${stat[19]}` };
  }
  const [state, ...born] = ps('-o', 'stat=,lstart=', '-p', String(pid)).split(/\s+/);
  return !state || state.startsWith('Z') ? undefined : { pid, born: born.join(' ') };
}

/** @returns {ProcessIdentity} */
export function ownIdentity() {
  const own = identityOf(process.pid);
  if (own === undefined) throw new Error('this process can not find itself: is /proc mounted?');
  return own;
}

/** @param {ProcessIdentity} identity */
export const isAlive = ({ pid, born }) => identityOf(pid)?.born === born;

/**
 * @param {ProcessIdentity} identity
 * @param {NodeJS.Signals} signal
 * @returns {boolean} whether that very process was there to be signalled
 */
export function signalTo(identity, signal) {
  if (!isAlive(identity)) return false;
  try {
    return process.kill(identity.pid, signal);
  } catch (error) {
    if (/** @type {NodeJS.ErrnoException} */ (error).code === 'ESRCH') return false;
    throw error;
  }
}

/**
 * @param {number} parent
 * @returns {readonly number[]}
 */
export function childrenOf(parent) {
  if (onLinux)
    return readdirSync('/proc')
      .filter((name) => /^\d+$/.test(name) && statOf(Number(name))?.[1] === String(parent))
      .map(Number);
  return ps('-A', '-o', 'pid=,ppid=')
    .split('\n')
    .map((line) => line.trim().split(/\s+/).map(Number))
    .flatMap(([pid, ppid]) => (ppid === parent && pid !== undefined ? [pid] : []));
}

/**
 * @param {number} pid
 * @returns {string} its command and arguments; empty when it is gone
 */
export function commandOf(pid) {
  if (!onLinux) return ps('-o', 'command=', '-p', String(pid));
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}
