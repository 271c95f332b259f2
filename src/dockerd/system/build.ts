/** Where this program comes from. */
import { statSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Put there by scripts/build.mjs, which asks git. */
declare const MINIRUN_COMMIT: string | undefined;

/** The commit it was built from, shortened; empty where there was no git. */
export const COMMIT: string = typeof MINIRUN_COMMIT === 'string' ? MINIRUN_COMMIT : '';

/** When it was built, in RFC 3339: the time of the file that runs. */
export const buildTime = (): string => statSync(fileURLToPath(import.meta.url)).mtime.toISOString();
