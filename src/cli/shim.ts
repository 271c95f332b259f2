/** The program containerd-shim-minirun-v1: the shim, with the narrator of the layer above. */
import { main } from '../shim/main.ts';

const surroundings = {
  async narrate() {
    if (!process.env.MINIRUN_STORY && !process.env.MINIRUN_EXPLAIN) return undefined;
    const { narrateMessages, observeRuntime } = await import('./message-narration.ts');
    const look = narrateMessages('shim');
    return look && observeRuntime(look);
  },
};

main(process.argv.slice(2), surroundings).catch((error: unknown) => {
  process.stderr.write(`io.containerd.minirun.v1: ${error instanceof Error ? error.message : error}\n`);
  process.exit(1);
});
