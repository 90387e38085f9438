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
  const texts = values.map((value) => (typeof value === 'number' ? String(value) : value));
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

/** A column of a table: its type, and what a row has in it. */
export type Column<Row> = readonly [type: string, read: (row: Row) => ColumnValue];
/** By name, in the order in which a statement takes them. */
export type Columns<Row> = Readonly<Record<string, Column<Row>>>;

/** Many rows as one statement takes them: a parameter for each column. */
export const valuesOf = <Row>(columns: Columns<Row>, rows: readonly Row[]): readonly Buffer[] =>
  Object.values(columns).map(([, read]) => textArray(rows.map(read)));

/** What such parameters are in SQL: `names` list the columns, `casts` give them their types, `from` makes rows of them. */
export function sqlOf<Row>(columns: Columns<Row>): {
  readonly names: string;
  readonly casts: string;
  readonly from: string;
} {
  const entries = Object.entries(columns);
  return {
    names: entries.map(([name]) => name).join(', '),
    casts: entries.map(([name, [type]]) => `${name}::${type}`).join(', '),
    from: `unnest(${entries.map((_, index) => `$${index + 1}::text[]`).join(', ')})`,
  };
}
