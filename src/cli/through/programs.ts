/** The programs of the other layers, beside this one. */
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const SHIM = join(dirname(fileURLToPath(import.meta.url)), '..', 'bin', 'containerd-shim-minirun-v1');
