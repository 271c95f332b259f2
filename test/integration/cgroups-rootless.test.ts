/** An ordinary user's containers: in cgroups that were handed to it, and without any. */
import { chownSync, existsSync, mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { nativeAvailable } from '../../src/runc/engine/native.ts';
import { readCgroupFacts } from '../../src/runc/host/cgroup-facts.ts';
import type { Config, Resources } from '../../src/runc/spec/config.ts';
import { exampleConfig } from '../../src/runc/spec/example-config.ts';
import { newId } from './support/box.ts';
import { type Answer, BUSYBOX, ORDINARY, scratch, skipReason } from './support/minirun.ts';
import { MINIRUN_RUNC, runtimeIn } from './support/runtime.ts';

const facts = readCgroupFacts();
const reason =
  skipReason({ root: true, file: BUSYBOX, program: 'setpriv' }) ??
  (nativeAvailable() ? undefined : 'needs native/build/minirun-init') ??
  (facts.writable ? undefined : 'needs a writable cgroup file system');
if (reason) console.log(`cgroups-rootless: skipped, ${reason}`);

describe.skipIf(reason)("an ordinary user's cgroups", () => {
  const folder = scratch('cgroups-rootless');
  const name = `minirun-user-${process.pid}`;
  // v1: a folder in each hierarchy. v2: one, and in it the one that the user's processes are in.
  const v1 = [...new Set(Object.values(facts.v1))].map((point) => `${point}/${name}`);
  const v2 = facts.mode === 'v2' ? `${facts.v2}/${name}` : undefined;
  const own = v2 === undefined ? v1 : [`${v2}/session`];
  const as = `exec setpriv --reuid ${ORDINARY} --regid ${ORDINARY} --clear-groups -- "$0" "$@"`;
  const join_ = own.map((path) => `echo $$ > ${path}/cgroup.procs`).join(' && ');
  const handed = runtimeIn(join(folder, 'handed'), ['sh', '-c', `${join_} && ${as}`, process.execPath, MINIRUN_RUNC]);
  const without = runtimeIn(join(folder, 'without'), ['sh', '-c', as, process.execPath, MINIRUN_RUNC]);

  const give = (path: string, files: string[]) => {
    mkdirSync(path);
    for (const file of ['', ...files]) if (existsSync(join(path, file))) chownSync(join(path, file), ORDINARY, ORDINARY);
  };
  beforeAll(() => {
    for (const path of v1) {
      give(path, ['tasks', 'cgroup.procs']);
      for (const kind of ['cpus', 'mems'])
        if (existsSync(`${path}/cpuset.${kind}`)) writeFileSync(`${path}/cpuset.${kind}`, readFileSync(join(path, '..', `cpuset.${kind}`)));
    }
    if (v2 === undefined) return;
    writeFileSync(`${facts.v2}/cgroup.subtree_control`, '+memory +pids +cpu');
    give(v2, ['cgroup.procs', 'cgroup.subtree_control', 'cgroup.threads']);
    give(`${v2}/session`, ['cgroup.procs']);
  });
  afterAll(() => {
    for (const top of v2 === undefined ? v1 : [v2])
      for (const path of [`${top}/minirun`, `${top}/named`, `${top}/session`, top]) if (existsSync(path)) rmdirSync(path);
  });

  const ok = (answer: Answer): Answer => {
    expect(answer.code, answer.err).toBe(0);
    return answer;
  };
  function bundle(id: string, args: string[], resources?: Resources, cgroupsPath?: string): string {
    const path = join(folder, id);
    mkdirSync(path, { mode: 0o755 });
    const config: Config = exampleConfig({ rootless: { uid: ORDINARY, gid: ORDINARY }, cgroupNamespace: false });
    Object.assign(config.process as object, { terminal: false, args });
    config.root = { path: BUSYBOX, readonly: true };
    config.linux = { ...config.linux, ...(resources ? { resources } : {}), ...(cgroupsPath ? { cgroupsPath } : {}) };
    config.mounts = config.mounts?.filter((m) => m.destination !== '/sys/fs/cgroup');
    writeFileSync(join(path, 'config.json'), JSON.stringify(config));
    return path;
  }
  const placesOf = (runtime: typeof handed, id: string): string[] => {
    const { pid } = JSON.parse(ok(runtime(['state', id])).out) as { pid: number };
    return readFileSync(`/proc/${pid}/cgroup`, 'utf8').trim().split('\n');
  };

  it('are made below what was handed to it, with limits; paused, updated and taken away', () => {
    const id = newId();
    ok(handed(['run', '--detach', id], { cwd: bundle(id, ['sleep', '1000'], { pids: { limit: 20 }, memory: { limit: 64 << 20 } }) }));
    const places = placesOf(handed, id);
    expect(places.filter((line) => line.endsWith(`/${name}/minirun/${id}`))).toHaveLength(
      facts.mode === 'v2' ? 1 : places.length - (facts.v2 ? 1 : 0),
    );
    const limit = `${facts.mode === 'v2' ? facts.v2 : facts.v1.pids}/${name}/minirun/${id}/pids.max`;
    expect(readFileSync(limit, 'utf8').trim()).toBe('20');
    ok(handed(['update', '--pids-limit', '30', id]));
    expect(readFileSync(limit, 'utf8').trim()).toBe('30');
    ok(handed(['pause', id]));
    expect((JSON.parse(handed(['state', id]).out) as { status: string }).status).toBe('paused');
    ok(handed(['resume', id]));
    expect(JSON.parse(ok(handed(['exec', id, 'sh', '-c', 'echo 7'])).out)).toBe(7);
    expect(JSON.parse(ok(handed(['ps', '--format', 'json', id])).out)).toHaveLength(1);
    ok(handed(['delete', '--force', id]));
    expect(existsSync(limit)).toBe(false);
  });

  it('a path of its own is taken where it may write', () => {
    const id = newId();
    ok(handed(['run', '--detach', id], { cwd: bundle(id, ['sleep', '1000'], undefined, `/${name}/named/${id}`) }));
    expect(placesOf(handed, id).some((line) => line.endsWith(`/${name}/named/${id}`))).toBe(true);
    ok(handed(['delete', '--force', id]));
  });

  it('without any it runs; limits are refused; ps and kill go by its pid namespace', () => {
    const id = newId();
    const path = bundle(id, ['sh', '-c', 'sleep 1000 & sleep 1000'], undefined, `/not-mine/${id}`);
    const run = ok(without(['run', '--detach', id], { cwd: path }));
    expect(run.err).toContain(`no cgroups at /not-mine/${id}`);
    expect(placesOf(without, id).some((line) => line.includes(id))).toBe(false);
    expect(JSON.parse(ok(without(['ps', '--format', 'json', id])).out)).toHaveLength(2);
    expect(without(['pause', id]).code).toBe(1);
    ok(without(['kill', '--all', id, 'KILL']));
    ok(without(['delete', '--force', id]));

    const other = newId();
    const refused = without(['run', other], { cwd: bundle(other, ['true'], { pids: { limit: 20 } }) });
    expect(refused.code).toBe(1);
    expect(refused.err).toMatch(/pids.*this user may not make cgroups|not handed to this user/);
  });
});
