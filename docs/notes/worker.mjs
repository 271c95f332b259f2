/** After unshare(CLONE_NEWPID) Node can make no thread: the kernel refuses CLONE_THREAD then. */
import { Worker } from 'node:worker_threads';
import koffi from 'koffi';

const CLONE_NEWPID = 0x20000000;
if (koffi.load(null).func('int unshare(int flags)')(CLONE_NEWPID)) throw new Error(`unshare: errno ${koffi.errno()}`);
try {
  new Worker('console.log("a thread")', { eval: true }).on('error', (error) => console.log(`no worker: ${error.code ?? error.message}`));
} catch (error) {
  console.log(`no worker: ${error.code ?? error.message}`);
}
