/** Attacks on the runtime at create, start and exec: what runc learnt from its CVEs. Those with mounts are in a file of their own. */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { chmodSync, closeSync, lstatSync, openSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { execInContainer } from '../../src/runc/container/exec.ts';
import { viewOf } from '../../src/runc/container/state.ts';
import { initBinaryPath } from '../../src/runc/engine/installed.ts';
import { nativeAvailable } from '../../src/runc/engine/native.ts';
import type { Config } from '../../src/runc/spec/config.ts';
import { newId } from './support/box.ts';
import { BUSYBOX, scratch, skipReason } from './support/minirun.ts';
import { bundleConfig, MINIRUN_RUNC, runtimeIn, writeBundle } from './support/runtime.ts';

const reason = skipReason({ root: true, file: BUSYBOX }) ?? (nativeAvailable() ? undefined : 'needs native/build/minirun-init');
if (reason) console.log(`runc-attacks: skipped, ${reason}`);

describe.skipIf(reason)('attacks on the runtime', () => {
  const folder = scratch('runc-attacks');
  const root = join(folder, 'state');
  const runtime = runtimeIn(root);
  const bundleOf = (id: string, args: string[], change?: (config: Config) => void) =>
    writeBundle(join(folder, id), id, bundleConfig(args, change));

  /** CVE-2016-9962. A process in the container looks at each step of an exec what it can reach through /proc. */
  describe('CVE-2016-9962: a process in the container watches an exec', () => {
    const [question, answer] = [join(BUSYBOX, 'question'), join(BUSYBOX, 'answer')];
    const secret = join(folder, 'secret');
    // For each process but itself: which of its files lead out, as far as it may look.
    const LOOK = `while read go < /question; do
      for p in /proc/[0-9]*; do
        case $p in /proc/1|/proc/$$) continue;; esac
        [ -e $p/root${secret} ] && echo root;
        [ -e $p/cwd${secret} ] && echo cwd;
        for fd in $p/fd/*; do [ -e $fd${secret} ] && echo $fd; case $(readlink $fd) in mnt:*|pid:*|user:*|net:*) echo $fd;; esac; done;
        readlink $p/exe;
      done > /answer 2>/dev/null; done`;
    beforeAll(() => {
      writeFileSync(secret, 'secret');
      for (const path of [question, answer]) expect(spawnSync('mkfifo', [path]).status).toBe(0);
    });
    afterAll(() => {
      for (const path of [question, answer]) rmSync(path, { force: true });
    });

    it.each([
      ['without privileges', []],
      ['that may trace others', ['CAP_SYS_PTRACE', 'CAP_DAC_READ_SEARCH', 'CAP_DAC_OVERRIDE']],
    ])('%s', async (what, capabilities) => {
      const id = newId();
      const bundle = bundleOf(id, ['sh', '-c', LOOK], (config) => {
        if (config.process) config.process.capabilities = { bounding: capabilities, effective: capabilities, permitted: capabilities };
      });
      expect(runtime(['run', '-d', '--bundle', bundle, id])).toMatchObject({ code: 0, err: '' });
      try {
        const view = viewOf(root, id);
        const config = JSON.parse(readFileSync(join(bundle, 'config.json'), 'utf8')) as Config;
        if (!view || !config.process) throw new Error('no container');
        const seen = new Map<string, string>();
        let looks = 0;
        const ended = await execInContainer(view, {
          stateRoot: root,
          id,
          process: { ...config.process, args: ['true'] },
          engine: 'native',
          warn: () => {},
          observer: {
            begin({ step, pid }) {
              if (step.actor !== 'init' || pid === undefined) return;
              looks++;
              writeFileSync(question, 'go\n');
              for (const line of readFileSync(answer, 'utf8').split('\n').filter(Boolean)) seen.set(line, step.call.name);
            },
          },
        });
        expect(ended.code).toBe(0);
        expect(looks).toBeGreaterThan(15);
        // Who may trace others sees the sealed copy of minirun-init: that is no secret, and cannot be written to.
        if (capabilities.length) seen.delete('/memfd:minirun-init (deleted)');
        expect([...seen], what).toEqual([]);
      } finally {
        runtime(['delete', '--force', id]);
      }
    });
  });
});
