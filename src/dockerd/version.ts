/** The version of this package. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The nearest package.json above: that of the clone, from src/dockerd as from dist. */
function packageJson(folder: string): string {
  try {
    return readFileSync(join(folder, 'package.json'), 'utf8');
  } catch (error) {
    if (dirname(folder) === folder) throw error;
    return packageJson(dirname(folder));
  }
}

export const DAEMON_VERSION: string = (JSON.parse(packageJson(dirname(dirname(fileURLToPath(import.meta.url))))) as { version: string })
  .version;
