/**
 * `minirun run --explain IMAGE`: all layers, from the client's first request down to the last system
 * call. The daemon that others use has other things to do at the same time, so this run has a dockerd
 * of its own, in this process, with a copy of the image; what is told belongs to this container alone.
 */
import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { load } from '../../containerd/archive/load.ts';
import type { Log } from '../../containerd/log.ts';
import { newId } from '../../dockerd/container/names.ts';
import { removeContainer } from '../../dockerd/container/remove.ts';
import { MINIRUN_SHIM } from '../../dockerd/container/runtime.ts';
import { createApiServer } from '../../dockerd/http/server.ts';
import { listen } from '../../dockerd/listen.ts';
import { type OpenDaemon, openDaemon } from '../../dockerd/open.ts';
import { optionsFrom } from '../../dockerd/options-from-flags.ts';
import { routesOf } from '../../dockerd/routes.ts';
import { own, sweepLost } from './lost.ts';
import { SHIM } from './programs.ts';
import type { StoryOptions } from './story.ts';
import { openStory } from './story.ts';

export interface ExplainedRun {
  /** Below it are the folders of such runs. */
  stateRoot: string;
  story: StoryOptions;
  /** The image as an archive, from the daemon that has it. */
  archive(): Promise<Readable>;
  /** Runs the container. @param host address of the daemon @returns the exit code */
  run(host: string): Promise<number>;
}

const SILENT: Log = () => undefined;

/** The container is gone afterwards, and so is all that was made for it. @returns its exit code */
export async function runExplained({ stateRoot, story, archive, run }: ExplainedRun): Promise<number> {
  const runs = join(stateRoot, '.through');
  const folder = join(runs, newId().slice(0, 12));
  sweepLost(runs);
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  own(folder, '', undefined);
  // A shim without containers is of no use to anybody else.
  process.env.MINIRUN_SHIM_LINGER = '0';
  const host = `unix://${join(folder, 'docker.sock')}`;
  const options = optionsFrom({
    host: [host],
    dataRoot: join(folder, 'data'),
    execRoot: join(folder, 'exec'),
    containerdNamespace: 'explained',
  });
  const open = (): Promise<OpenDaemon> => openDaemon(options, { [MINIRUN_SHIM]: SHIM }, SILENT);
  try {
    const first = await open();
    try {
      await load(first.stores, await archive());
    } finally {
      await first.close();
    }
    // From here on everything is told: who opens what earlier is not.
    const told = await openStory(story, folder, { ociVersion: '1.0.2' });
    try {
      const daemon = await open();
      const api = createApiServer(routesOf(daemon), SILENT, 'minirun');
      try {
        await listen(api.server, { path: join(folder, 'docker.sock') });
        return await run(host);
      } finally {
        for (const container of daemon.containers.list())
          await removeContainer(daemon, container, { force: true, volumes: true }).catch(() => undefined);
        await api.close();
        await daemon.close();
      }
    } finally {
      await told.close();
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
