import { survive } from '../../support/chaos-case.js';

describe('three relays beside writers that keep the rule and nothing else', () => {
  it(
    'lose nothing, turn nothing round, and repeat only for a reason while PostgreSQL and Kafka crash under prepared transactions',
    () => survive(['PostgreSQL process killed', 'both killed', "Kafka's replies cut short"]),
    150_000,
  );
});
