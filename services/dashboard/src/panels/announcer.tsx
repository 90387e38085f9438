import type { RiskAlert } from '@tradesense/contracts';
import { useEffect, useRef, useState } from 'react';

const QUIET_MS = 5_000;

/** Reads the newest alert aloud, at most once in five seconds; what came between is skipped, not queued. */
export function Announcer({ alerts }: { readonly alerts: readonly RiskAlert[] }) {
  const [message, setMessage] = useState('');
  const spokenAt = useRef(-QUIET_MS);
  const newest = alerts[0];
  useEffect(() => {
    if (newest === undefined) return undefined;
    const wait = Math.max(0, spokenAt.current + QUIET_MS - performance.now());
    const timer = setTimeout(() => {
      spokenAt.current = performance.now();
      setMessage(`${newest.title}. ${newest.message}`);
    }, wait);
    return () => clearTimeout(timer);
  }, [newest]);
  return (
    <p className="visually-hidden" aria-live="polite">
      {message}
    </p>
  );
}
