/** `minirun run [options] ROOTFS [COMMAND [ARG...]]`: a root file system, run without a daemon. */
import { rmSync, writeSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { newId, newName } from '../dockerd/container/names.ts';
import { sweep } from '../runc/container/list.ts';
import type { Ended, RunRequest } from '../runc/container/request.ts';
import { defaultStateRoot } from '../runc/container/state.ts';
import { kindOfRootfs, openRootfs } from '../runc/rootfs/open-rootfs.ts';
import type { Config, IdMapping } from '../runc/spec/config.ts';
import { type Context, warn } from './command.ts';
import { configFromOptions } from './config-from-options.ts';
import { gatherFacts } from './gather-facts.ts';

import { openNarration } from './narration.ts';
import { chooseEngine, requireLinux, requireSources, requireTerminal, requireUserNamespaces } from './preconditions.ts';
import { parseRunOptions, type RunOptions, runCommand } from './run-options.ts';

export async function runRootfs(args: string[], context: Context): Promise<number> {
  const options = parseRunOptions(runCommand(), args);
  if (options.dryRun) {
    const { printProgram } = await import('./commands/explain.ts');
    return printProgram(options, options.explain === 'json' ? 'json' : 'text', context);
  }
  requireLinux('minirun run');
  requireTerminal(options);
  requireUserNamespaces();
  const through = options.through && (await import('./through/run.ts'));
  through?.requireThrough(options);
  const engine = chooseEngine(options.engine);
  const stateRoot = await context.stateRoot();
  sweep(stateRoot);
  const id = newId();
  const kind = kindOfRootfs(resolve(options.rootfs));
  const into = kind === 'archive' ? placeForExtraction(options, stateRoot, id) : undefined;
  const facts = await gatherFacts(options, { id, rootfs: into ?? resolve(options.rootfs), kind, stateRoot });
  const config = configFromOptions(options, facts);
  requireSources(options, config);
  const detachKeys =
    options.detachKeys === undefined ? undefined : (await import('../runc/container/detach-keys.ts')).parseDetachKeys(options.detachKeys);
  const narration = await openNarration(through ? { explainNumbers: false, step: false } : options);
  try {
    const owned = into === undefined ? undefined : await extract(options.rootfs, into, config);
    if (through) {
      try {
        return await through.runThrough(options, config, {
          stateRoot,
          id,
          name: options.name ?? (await freeName(stateRoot)),
          rootfs: owned,
        });
      } finally {
        if (owned) rmSync(owned, { recursive: true, force: true });
      }
    }
    const request: RunRequest = {
      stateRoot,
      id,
      name: options.name ?? (await freeName(stateRoot)),
      config,
      bundle: process.cwd(),
      engine,
      remove: options.rm,
      warn,
      ...(narration.observer ? { observer: narration.observer } : {}),
      ...(owned ? { ownedRootfs: owned } : {}),
      ...(detachKeys ? { detachKeys } : {}),
      ...(options.stopSignal ? { stopSignal: options.stopSignal } : {}),
    };
    try {
      for (let attempt = 1; ; attempt++) {
        try {
          return await start(request, options);
        } catch (error) {
          // Two that start at once may make up the same name: this one takes another.
          if (options.name !== undefined || (error as Error).name !== 'NameInUseError' || attempt === 5) throw error;
          request.name = await freeName(stateRoot);
        }
      }
    } catch (error) {
      if (owned) rmSync(owned, { recursive: true, force: true });
      throw error;
    }
  } finally {
    narration.close();
  }
}

async function start(request: RunRequest, options: RunOptions): Promise<number> {
  if (options.detach) {
    const { startDetached } = await import('../runc/container/detached.ts');
    await startDetached(request);
    process.stdout.write(`${request.id}\n`);
    return 0;
  }
  const { runContainer } = await import('../runc/container/run.ts');
  // Unlike Docker, which needs -i for it, standard input goes straight through: there is no daemon in between.
  const ended = await runContainer(request);
  if (ended.oomKilled) reportMemory(ended, request.config);
  return ended.code;
}

function reportMemory(ended: Ended, config: Config): void {
  const limit = config.linux?.resources?.memory?.limit;
  const what = ended.signal === 9 ? 'the command was killed' : 'a process in the container was killed';
  writeSync(2, `minirun: ${what}: it went over the memory limit${limit ? ` of ${limit} bytes` : ''}; give it more with --memory\n`);
}

async function freeName(stateRoot: string): Promise<string> {
  const { existsSync } = await import('node:fs');
  return newName((name) => existsSync(join(stateRoot, '.names', name)));
}

/**
 * Where an archive is extracted to. Not below /run, which lies in memory, unless the person named
 * a state folder. With a user namespace of its own, the container's root must be able to come by,
 * so the folders above are open to pass through.
 */
function placeForExtraction(options: RunOptions, stateRoot: string, id: string): string {
  const shifted = options.userns?.kind === 'private' && process.geteuid?.() === 0;
  const byDefault = !process.env.MINIRUN_ROOT && stateRoot === defaultStateRoot();
  if (!byDefault && !shifted) return join(stateRoot, '.rootfs', id);
  const data =
    process.geteuid?.() === 0 ? '/var/lib/minirun' : join(process.env.XDG_DATA_HOME || join(homedir(), '.local/share'), 'minirun');
  return join(data, shifted ? 'shifted' : 'rootfs', id);
}

/** An id of the archive → the id on this machine that the container sees as such. */
function shifter(mappings: IdMapping[]): (id: number) => number {
  return (id) => {
    const m = mappings.find((x) => id >= x.containerID && id < x.containerID + x.size);
    return m ? m.hostID + (id - m.containerID) : (mappings[0]?.hostID ?? id);
  };
}

async function extract(archive: string, into: string, config: Config): Promise<string> {
  const { uidMappings, gidMappings } = config.linux ?? {};
  const privileged = process.geteuid?.() === 0;
  const shift =
    privileged && uidMappings?.length && gidMappings?.length ? { uid: shifter(uidMappings), gid: shifter(gidMappings) } : undefined;
  return (await openRootfs(archive, { into, privileged, shift })).path;
}
