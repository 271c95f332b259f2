/** Shell commands typed one after the other in a sandbox, and what each of them printed. */
import type { Sandbox } from './sandbox.ts';

const SLOWNESS = Number(process.env.MINIRUN_TEST_SLOWNESS ?? 1);

export interface Typed {
  command: string;
  code: number;
  out: string;
  err: string;
}

// One shell for all, so that variables stay. Each command comes with a zero byte behind it; its answer goes
// out as three fields, of which each ends with a zero byte (what commands print here has none).
// A docker that hangs is ended: its exit code is 124 then.
const SHELL = `
docker() { timeout -k 1 ${Math.ceil(10 * SLOWNESS)} docker "$@"; }
out=$(mktemp) err=$(mktemp)
while IFS= read -r -d '' command <&9; do
  eval "$command" > "$out" 2> "$err" < /dev/null 9<&-
  printf '%d\\0' $?; cat "$out"; printf '\\0'; cat "$err"; printf '\\0'
done 9<&0
rm "$out" "$err"`;

/**
 * @param env of the shell
 * @param seconds until it is ended
 * @throws Error when the shell did not come to the end of the commands
 */
export async function typeAll(
  place: Sandbox,
  commands: readonly string[],
  env: Record<string, string> = {},
  seconds = 50,
): Promise<Typed[]> {
  const input = commands.map((command) => `${command}\0`).join('');
  const answer = await place.run(['bash', '-c', SHELL], { input, env, limit: seconds });
  const fields = answer.out.split('\0');
  if (fields.length !== 3 * commands.length + 1) {
    const last = commands[Math.floor(fields.length / 3)] ?? 'the end';
    throw new Error(`the shell ended (exit code ${answer.code}) at: ${last}: ${answer.err.trim()}`);
  }
  return commands.map((command, i) => {
    const [code, out, err] = fields.slice(3 * i, 3 * i + 3) as [string, string, string];
    return { command, code: Number(code), out, err };
  });
}
