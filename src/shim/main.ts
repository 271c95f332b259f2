/** The command line of containerd-shim-minirun-v1: io.containerd.minirun.v1 for containerd. */
import { writeSync } from 'node:fs';
import { toBinary } from '@bufbuild/protobuf';
import { type Flags, parseFlags } from './flags.ts';
import type { Observe } from './task/context.ts';

/** What the layers above give to the program. */
export interface ShimSurroundings {
  /** For a process that serves: begins to tell of its messages, if somebody listens. @returns who watches the runtime's steps */
  narrate(): Promise<Observe | undefined>;
}

/** Commands load what they need: `start` and `-v` are waited for. */
export async function main(words: readonly string[], surroundings: ShimSurroundings): Promise<void> {
  const flags = parseFlags(words);
  if (flags.version) {
    const { versionText } = await import('./info.ts');
    process.stdout.write(versionText());
  } else if (flags.info) {
    const { runtimeInfo } = await import('./info.ts');
    writeSync(1, runtimeInfo());
  } else {
    if (!flags.namespace) throw new Error('shim namespace cannot be empty');
    await act(flags, words, surroundings);
  }
}

async function act(flags: Flags, words: readonly string[], surroundings: ShimSurroundings): Promise<void> {
  if (flags.action === 'start') {
    const { start } = await import('./start.ts');
    writeSync(1, await start(flags, words));
  } else if (flags.action === 'delete') {
    const { DeleteResponseSchema } = await import('../proto/containerd/task/v2/task_pb.ts');
    const { remove } = await import('./delete.ts');
    const answer = await remove(flags, (sentence) => process.stderr.write(`${sentence}\n`));
    writeSync(1, toBinary(DeleteResponseSchema, answer));
  } else if (flags.action === '') {
    const { serve } = await import('./serve.ts');
    serve(flags, await surroundings.narrate());
  } else throw new Error(`unknown command ${flags.action}; there are start and delete`);
}
