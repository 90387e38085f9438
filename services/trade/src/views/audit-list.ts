import { Instant } from '@tradesense/contracts';

import { listAudit, type AuditRow, type Queries } from '../store/index.js';

/** What operators did or were refused, the oldest first, beyond the line `after`. */
export async function viewAudit(
  queries: Queries,
  asked: { readonly after: string; readonly limit: number },
): Promise<readonly AuditRow[]> {
  const rows = await listAudit(queries, asked);
  return rows.map((row) => ({ ...row, at: Instant.format(Instant.ofMicros(BigInt(row.at))) }));
}
