/**
 * The gateway is away for a minute while events flow into Kafka: every client has all of them within 10 s of its first attempt once
 * the gateway is ready again, and all clients within 45 s; each event once and in order, each join recovered.
 *
 *   npm run soak -- outage [--seconds 60] [--clients 500] [--rate 200] [--seed N]
 */
import { awaySoak } from './scenario/away-soak.js';

await awaySoak({
  soak: 'outage',
  how: 'killed',
  seconds: 60,
  happens: 'killed, and started again after',
  sinceAttemptMs: 10_000,
});
