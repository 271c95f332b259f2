/** A test that failed leaves what it had made: another try of it, and the tests after it, are to begin without. What its daemon has logged is shown. */
import { afterEach, beforeEach } from 'vitest';
import type { Answer } from './sandbox.ts';

export interface Undoable {
  /** Runs a command of its client. Any exit code. */
  docker(args: string[]): Promise<Answer>;
  /** Starts its daemon, which a test has ended. */
  start?(): Promise<void>;
  /** What its daemon has logged. */
  log?(): string;
}

/** What is listed by a command, and how it is removed. */
const KINDS: { list: string[]; remove: string[] }[] = [
  { list: ['ps', '-aq', '--no-trunc'], remove: ['rm', '-fv'] },
  { list: ['volume', 'ls', '-q'], remove: ['volume', 'rm', '-f'] },
  { list: ['images', '--format', '{{.Repository}}:{{.Tag}}'], remove: ['rmi', '-f'] },
];

/** For the tests of one suite; called in it. @param engines those that are there at the time */
export function undoFailed(engines: () => (Undoable | undefined)[]): void {
  const all = () => engines().filter((engine) => engine !== undefined);
  const listed = async ({ docker }: Undoable, list: string[]): Promise<string[] | undefined> => {
    const { code, out } = await docker(list);
    return code === 0 ? out.split('\n').filter((name) => name !== '' && !name.includes('<none>')) : undefined;
  };
  const lists = (engine: Undoable) => Promise.all(KINDS.map(({ list }) => listed(engine, list)));
  let before = new Map<Undoable, (string[] | undefined)[]>();

  beforeEach(async () => {
    before = new Map(await Promise.all(all().map(async (engine) => [engine, await lists(engine)] as const)));
  });

  afterEach(async ({ task }) => {
    if (task.result?.state !== 'fail') return;
    for (const engine of all()) {
      if (engine.log) console.log(`${task.name}: its daemon's log ends so:\n${engine.log()}`);
      if ((await engine.docker(['version'])).code !== 0) await engine.start?.().catch(() => undefined);
      const earlier = before.get(engine) ?? [];
      for (const [i, { list, remove }] of KINDS.entries()) {
        const found = await listed(engine, list);
        const made = earlier[i] && found?.filter((name) => !earlier[i]?.includes(name));
        if (made && made.length > 0) await engine.docker([...remove, ...made]);
      }
    }
  });
}
