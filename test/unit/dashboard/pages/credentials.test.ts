/** @jest-environment ./test/bin/jest-page-environment.mjs */
import { forget, keep, kept, takeFromAddress } from '../../../../services/dashboard/src/pages/credentials.js';

const credentials = { token: 'a.b.c', challengeId: '0b6f0a52-5a0e-4b8e-9f39-6a1b1a1d7c11' };

beforeEach(() => {
  sessionStorage.clear();
  history.replaceState(null, '', '/');
});

describe('token and challenge in the address', () => {
  it('are taken out of it at once, leaving no entry to go back to', () => {
    const entries = history.length;
    history.replaceState(null, '', `/?lang=en#token=${credentials.token}&challenge=${credentials.challengeId}`);
    expect(takeFromAddress()).toEqual(credentials);
    expect(location.href).toBe('http://localhost/?lang=en');
    expect(history).toHaveLength(entries);
  });

  it('are left alone where one of them is missing', () => {
    history.replaceState(null, '', '/#gallery');
    expect(takeFromAddress()).toBeNull();
    expect(location.hash).toBe('#gallery');
  });

  it('outlive a reload in this tab, until signing out', () => {
    keep(credentials);
    expect(kept()).toEqual(credentials);
    forget();
    expect(kept()).toBeNull();
    expect(localStorage).toHaveLength(0);
    expect(document.cookie).toBe('');
  });

  it('are none where the store holds something else', () => {
    for (const text of ['', '{', 'null', '7', '{"token":1,"challengeId":2}']) {
      sessionStorage.setItem('tradesense.credentials', text);
      expect(kept()).toBeNull();
    }
  });
});
