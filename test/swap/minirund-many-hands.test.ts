/** Many clients do anything to the same few containers at once: each is answered, nobody breaks what another one does, and nothing stays. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { askApi } from './support/api.ts';
import { chance, seedOf } from './support/chance.ts';
import { nothingLeft, present } from './support/leftovers.ts';
import { type DockerDaemon, dockerDaemon } from './support/minirund.ts';
import { noRuntime } from './support/runtime.ts';
import { hasProgram } from './support/sandbox.ts';
import { undoFailed } from './support/undo-failed.ts';

const reason = noRuntime() ?? (hasProgram('docker') ? undefined : 'needs the program docker');
if (reason) console.log(`minirund-many-hands: skipped, ${reason}`);

const HANDS = 8;
const SECONDS = Number(process.env.MINIRUN_HANDS_SECONDS ?? 12);
const NAMES = ['alpha', 'beta', 'gamma', 'delta'];

describe.skipIf(reason)('minirund in many hands', () => {
  let daemon: DockerDaemon;
  undoFailed(() => [daemon]);
  let before: string[];
  beforeAll(async () => {
    daemon = await dockerDaemon('minirund', { env: { MINIRUN_SHIM_LINGER: '0.2' } });
    await daemon.ok(['run', '--rm', '--network', 'none', '-v', 'first:/v', 'busybox', 'true']);
    await daemon.ok(['volume', 'rm', 'first']);
    await sleep(500);
    before = await present(daemon);
  });
  afterAll(async () => {
    await daemon?.place.end();
  });

  test('anything at once', { timeout: (SECONDS + 60) * 1000 * Number(process.env.MINIRUN_TEST_SLOWNESS ?? 1) }, async () => {
    const seed = seedOf();
    console.log(`minirund-many-hands: MINIRUN_SEED=${seed}`);
    const random = chance(seed);
    const one = <T>(list: readonly T[]): T => list[Math.floor(random() * list.length)] as T;
    const COMMANDS = [
      ['sleep', '1000'],
      ['sh', '-c', 'echo x; sleep 0.1; exit 3'],
      ['sh', '-c', 'trap "exit 4" TERM; while :; do sleep 0.02; done'],
      ['nope'],
    ];
    const config = () => ({
      Image: 'busybox',
      Cmd: one(COMMANDS),
      HostConfig: {
        NetworkMode: 'none',
        RestartPolicy: { Name: one(['no', 'no', 'always', 'on-failure']) },
        Binds: [`${one(['v1', 'v2'])}:/v`],
      },
    });
    /** Method, path below the container, and body. The more often, the more likely. */
    const ACTS: (() => [method: string, path: string, body?: unknown])[] = [
      ...Array.from({ length: 3 }, () => (): [string, string] => ['POST', '/start']),
      () => ['POST', `/stop?t=${one([0, 0, 1])}`],
      () => ['POST', `/kill?signal=${one(['KILL', 'TERM', 'HUP'])}`],
      () => ['POST', '/restart?t=0'],
      () => ['POST', '/pause'],
      () => ['POST', '/unpause'],
      () => ['POST', `/rename?name=${one(NAMES)}`],
      () => ['POST', '/update', { Memory: 64 << 20, MemorySwap: -1 }],
      () => ['POST', '/exec', { Cmd: ['sleep', '0.05'] }],
      () => ['DELETE', ''],
      () => ['DELETE', '?force=1&v=1'],
      () => ['GET', '/json?size=1'],
      () => ['GET', '/logs?stdout=1'],
      () => ['GET', '/top'],
      () => ['GET', '/stats?stream=0&one-shot=1'],
      () => ['GET', '/changes'],
      () => ['GET', '/archive?path=/etc/passwd'],
    ];
    const GENERAL: [string, string][] = [
      ['GET', '/containers/json?all=1&size=1'],
      ['POST', '/containers/prune'],
      ['GET', '/system/df'],
    ];
    const ask = async (method: string, path: string, body?: unknown) => {
      const answer = await askApi(daemon.socket, method, `/v1.41${path}`, body);
      if (answer.status >= 500) failures.push(`${method} ${path}: ${answer.status} ${answer.text.trim()}`);
      else counts.set(answer.status, (counts.get(answer.status) ?? 0) + 1);
      return answer;
    };
    const failures: string[] = [];
    const counts = new Map<number, number>();
    const end = Date.now() + SECONDS * 1000;
    const hand = async (): Promise<void> => {
      while (Date.now() < end) {
        const name = one(NAMES);
        const dice = random();
        if (dice < 0.12) await ask('POST', `/containers/create?name=${name}`, config());
        else if (dice < 0.2) await ask(...one(GENERAL));
        else if (dice < 0.24) await ask('POST', `/commit?container=${name}&repo=committed&tag=${name}`, {});
        else {
          const [method, path, body] = one(ACTS)();
          const answer = await ask(method, `/containers/${name}${path}`, body);
          if (path === '/exec' && answer.status === 201) {
            const { Id } = JSON.parse(answer.text) as { Id: string };
            await ask('POST', `/exec/${Id}/start`, { Detach: true });
          }
        }
      }
    };
    await Promise.all(Array.from({ length: HANDS }, hand));
    console.log(
      `minirund-many-hands: answers by status: ${[...counts]
        .sort()
        .map(([status, count]) => `${status} ${count} times`)
        .join(', ')}`,
    );
    // What it says of them is so.
    for (const id of (await daemon.ok(['ps', '-q'])).split('\n').filter(Boolean)) {
      const [status, pid] = (await daemon.ok(['inspect', '-f', '{{.State.Status}} {{.State.Pid}}', id])).split(' ');
      if (status === 'running') await daemon.inside(`test -d /proc/${pid}`);
    }
    for (const id of (await daemon.ok(['ps', '-aq'])).split('\n').filter(Boolean)) await daemon.ok(['rm', '-f', id]);
    for (const name of NAMES) await daemon.docker(['rmi', `committed:${name}`]);
    await daemon.docker(['rmi', ...(await daemon.ok(['images', '-qf', 'dangling=true'])).split('\n')]);
    await daemon.docker(['volume', 'rm', 'v1', 'v2']);
    expect(failures).toEqual([]);
    expect(counts.get(204) ?? 0).toBeGreaterThan(20);
    await nothingLeft(daemon, before);
  });
});
