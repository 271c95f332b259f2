// What an idle Node costs, and what makes it more. Usage: node idle-memory.mjs
import { spawnSync } from 'node:child_process';

const BEGIN = `
  const { readFileSync } = require('node:fs');
  const own = () => [...readFileSync('/proc/self/smaps_rollup', 'utf8').matchAll(/^Private_(?:Clean|Dirty):\\s+(\\d+)/gm)].reduce((sum, [, n]) => sum + Number(n), 0);
  const done = () => setTimeout(() => console.log(own()), 300);
`;
// Many small objects that die at once, as calls make them.
const WORK = 'for (let n = 0, kept; n < 3e6; n++) kept = { n, text: String(n) };';
const CASES = [
  ['nothing', [], ''],
  ['the global Headers, touched once', [], 'new Headers();'],
  ['after some work', [], WORK],
  ['the same, --max-semi-space-size=1', ['--max-semi-space-size=1'], WORK],
];
for (const [name, options, code] of CASES) {
  const { stdout } = spawnSync(process.execPath, [...options, '-e', `${BEGIN}${code}done();`], { encoding: 'utf8' });
  console.log(`${name}: ${(Number(stdout) / 1024).toFixed(1)} MiB of its own`);
}
