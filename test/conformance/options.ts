/** The command line of `npm run conformance`. */
import { parseArgs } from 'node:util';

export interface Options {
  /** Names of suites; all when empty. */
  suites: string[];
  /** Names or paths of runtimes; each suite's own choice when empty. */
  runtimes: string[];
  /** Parts of test names; all tests when empty. */
  only: string[];
  /** File for all results. */
  json?: string;
  /** Seconds that one test may take. */
  seconds: number;
}

export const USAGE = `npm run conformance -- [runc | runtime-tools | crun …] [options]

  --runtime NAME   minirun, runc, crun or a path; may be repeated (default: what suits the suite)
  --only TEXT      tests whose name has the text; may be repeated; prints what failed tests said
  --limit SECONDS  for one test (default 60)
  --json FILE      writes all results there
`;

/** @throws Error when an option is unknown, or a suite is not one of `known` */
export function parseOptions(argv: string[], known: string[]): Options {
  const { values, positionals } = parseArgs({
    args: argv,
    allowPositionals: true,
    options: {
      runtime: { type: 'string', multiple: true, default: [] },
      only: { type: 'string', multiple: true, default: [] },
      limit: { type: 'string', default: '60' },
      json: { type: 'string' },
    },
  });
  const unknown = positionals.find((name) => !known.includes(name));
  if (unknown !== undefined) throw new Error(`no suite is called ${unknown}; there are ${known.join(', ')}`);
  const seconds = Number(values.limit);
  if (!(seconds > 0)) throw new Error(`--limit ${values.limit}: a number of seconds is wanted`);
  return {
    suites: positionals,
    runtimes: values.runtime.flatMap((r) => r.split(',')),
    only: values.only,
    seconds,
    ...(values.json !== undefined && { json: values.json }),
  };
}
