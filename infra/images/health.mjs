/** Asks this container's admin listener whether it lives (`livez`) or is ready (`readyz`); the exit code is the answer. */
const answer = await fetch(`http://127.0.0.1:${process.env['ADMIN_PORT']}/${process.argv[2]}`, {
  signal: AbortSignal.timeout(2_500),
});
if (!answer.ok) {
  console.error(await answer.text());
  process.exitCode = 1;
}
