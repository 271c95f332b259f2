/** `npm run man`: writes docs/man/minirun.1 from the definitions of the commands (src/cli/man.ts). */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundle } from './build.mjs';
import { root, started } from './shell.mjs';

/** @returns the page's text */
export async function manualPage() {
  const folder = mkdtempSync(join(root, 'dist', 'man-'));
  try {
    const program = join(folder, 'man.mjs');
    await bundle('src/cli/man.ts', program);
    const { manualPage: page } = await import(pathToFileURL(program).href);
    return await page(JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).version);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

if (started(import.meta)) {
  mkdirSync(join(root, 'docs', 'man'), { recursive: true });
  writeFileSync(join(root, 'docs', 'man', 'minirun.1'), await manualPage());
}
