/** What a column's array holds; PostgreSQL casts texts and numbers to the column's type. */
export type ColumnValue = string | number | null;

const TEXT_OID = 25;
const HEADER_BYTES = 20;
const LENGTH_BYTES = 4;
const NULL_LENGTH = -1;

/**
 * `text[]` in PostgreSQL's binary form: drivers send a Buffer as it is. In the form of text each value would be escaped here and
 * parsed there, which for rows with JSON in them costs more than writing them (decision 013).
 */
export function textArray(values: readonly ColumnValue[]): Buffer {
  const texts = values.map((value) => (value === null ? null : String(value)));
  const bytes = texts.reduce(
    (sum, text) => sum + LENGTH_BYTES + (text === null ? 0 : Buffer.byteLength(text)),
    HEADER_BYTES,
  );
  const array = Buffer.allocUnsafe(bytes);
  array.writeInt32BE(1, 0); // dimensions
  array.writeInt32BE(1, 4); // there may be nulls
  array.writeInt32BE(TEXT_OID, 8);
  array.writeInt32BE(texts.length, 12);
  array.writeInt32BE(1, 16); // the first one's index
  let at = HEADER_BYTES;
  for (const text of texts) {
    const length = text === null ? 0 : array.write(text, at + LENGTH_BYTES);
    array.writeInt32BE(text === null ? NULL_LENGTH : length, at);
    at += LENGTH_BYTES + length;
  }
  return array;
}

/** Many rows as one statement takes them: a parameter for each column, in the order of `names`, and the relation they make. */
export const columnsOf = <Name extends string>(
  rows: readonly Readonly<Record<Name, ColumnValue>>[],
  names: readonly Name[],
): readonly Buffer[] => names.map((name) => textArray(rows.map((row) => row[name])));

export const unnest = (names: readonly string[]): string =>
  `unnest(${names.map((_, index) => `$${index + 1}::text[]`).join(', ')})`;
