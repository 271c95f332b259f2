// A code cache is made for one set of V8 flags: docs/notes/node.md.
import { execFileSync } from 'node:child_process';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Script } from 'node:vm';

const source = 'function f() { return 1; } f();';
const [, self, file] = process.argv;
if (file) {
  const script = new Script(source, { cachedData: readFileSync(file) });
  console.log(script.cachedDataRejected ? 'rejected' : 'accepted');
} else {
  const made = join(tmpdir(), `code-cache-${process.pid}`);
  writeFileSync(made, new Script(source).createCachedData());
  const look = (...flags) => execFileSync(process.execPath, [...flags, self, made], { encoding: 'utf8' });
  process.stdout.write(`the same flags: ${look()}--no-opt: ${look('--no-opt')}`);
  rmSync(made);
}
