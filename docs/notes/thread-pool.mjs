/** After unshare(CLONE_NEWNS) on the main thread, the threads of libuv's pool still see the old mounts. */
import { readdirSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import koffi from 'koffi';

const libc = koffi.load(null);
const unshare = libc.func('int unshare(int flags)');
const mount = libc.func('int mount(const char *source, const char *target, const char *type, unsigned long flags, const char *data)');
const [CLONE_NEWNS, MS_REC, MS_PRIVATE] = [0x00020000, 0x4000, 1 << 18];

await readdir('/mnt'); // starts the pool
if (unshare(CLONE_NEWNS) || mount('none', '/', null, MS_REC | MS_PRIVATE, null) || mount('/proc', '/mnt', null, 4096, null))
  throw new Error(`failed with errno ${koffi.errno()}`);
console.log(`main thread: /mnt is ${readdirSync('/mnt').includes('self') ? 'procfs' : 'as before'}`);
console.log(`thread pool: /mnt is ${(await readdir('/mnt')).includes('self') ? 'procfs' : 'as before'}`);
