import { useLiveChallenge } from '@tradesense/react';
import { renderToString } from 'react-dom/server';

import { aChallengeId } from '../../support/facts.js';
import { tokenOf } from '../../support/page.js';

describe('useLiveChallenge on a server', () => {
  it('renders as connecting, with no data, and touches neither window nor network', () => {
    const Page = (): string => {
      const { connection, equityData, isStale } = useLiveChallenge(aChallengeId(), tokenOf('trader-1'));
      return `${connection.is} ${String(equityData?.current_equity)} ${isStale}`;
    };
    expect(typeof window).toBe('undefined');
    expect(renderToString(<Page />)).toBe('connecting undefined false');
  });

  it('renders as idle where there is nothing to ask for', () => {
    const Page = (): string => useLiveChallenge(null, null).connection.is;
    expect(renderToString(<Page />)).toBe('idle');
  });
});
