/**
 * The gateway stands still (SIGSTOP) for 20 s while events flow into Kafka, and goes on: some of its clients have left it meanwhile,
 * some have not; no event is skipped, none comes twice.
 *
 *   npm run soak -- freeze [--seconds 20] [--clients 500] [--rate 200] [--seed N]
 */
import { awaySoak } from './scenario/away-soak.js';

await awaySoak({
  soak: 'freeze',
  how: 'frozen',
  seconds: 20,
  happens: 'stopped, and continued after',
  sinceAttemptMs: 30_000,
});
