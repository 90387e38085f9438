import { survive } from '../../support/chaos-case.js';

describe('three relays beside writers that keep the rule and nothing else', () => {
  it(
    'lose nothing, turn nothing round, and repeat only for a reason while relays are killed, stopped and cut off',
    () =>
      survive([
        'leader killed',
        'leader stopped past its lease',
        'relay killed',
        'links cut',
        "PostgreSQL's replies lost",
      ]),
    150_000,
  );
});
