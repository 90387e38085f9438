export type Tone = 'none' | 'calm' | 'warning' | 'danger' | 'goal';

/** A share of a whole as a bar; `words` say the same to those who don't see it. */
export function Bar({
  percentage,
  tone,
  words,
}: {
  readonly percentage: string;
  readonly tone: Tone;
  readonly words: string;
}) {
  return (
    <div className={`bar ${tone}`} role="img" aria-label={words}>
      <div style={{ width: `${percentage}%` }} />
    </div>
  );
}
