/** What each entry of a log carries beside its line: labels, variables and a tag, as far as the options name them. */
import { hostname } from 'node:os';
import { badRequest } from '../../http/api-error.ts';

/** What a tag can be made of. */
export interface LoggedContainer {
  id: string;
  name: string;
  /** As it was named at `create`. */
  imageName: string;
  /** `sha256:…` */
  imageId: string;
  command: readonly string[];
  env: readonly string[];
  labels: Readonly<Record<string, string>>;
}

const short = (id: string): string => id.replace(/^sha256:/, '').slice(0, 12);

/** Docker's templates, as far as they name one thing: `{{.Name}}/{{.ID}}`. */
const FIELDS: Record<string, (container: LoggedContainer) => string> = {
  ID: ({ id }) => short(id),
  FullID: ({ id }) => id,
  Name: ({ name }) => name,
  ImageID: ({ imageId }) => short(imageId),
  ImageFullID: ({ imageId }) => imageId,
  ImageName: ({ imageName }) => imageName,
  Command: ({ command }) => command.join(' '),
  Hostname: () => hostname(),
  DaemonName: () => 'docker',
};

/** The templates of a tag, each with what is inside of its braces. */
const TEMPLATE = /\{\{(.*?)\}\}/g;

function fieldOf(inside: string): (typeof FIELDS)[string] | undefined {
  const name = /^\s*\.(\w+)\s*$/.exec(inside)?.[1] ?? '';
  return Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined;
}

/** @throws 400 for a tag that asks for more than fields */
export function checkTag(tag: string): void {
  for (const [whole, inside = ''] of tag.matchAll(TEMPLATE)) {
    if (fieldOf(inside)) continue;
    const known = Object.keys(FIELDS).map((name) => `{{.${name}}}`);
    throw badRequest(`invalid value for tag: ${whole} is none of ${known.join(', ')}`);
  }
}

export const tagOf = (tag: string, container: LoggedContainer): string =>
  tag.replace(TEMPLATE, (whole, inside: string) => fieldOf(inside)?.(container) ?? whole);

function choose(from: Readonly<Record<string, string>>, names: string | undefined, pattern: string | undefined): [string, string][] {
  const wanted = new Set(names?.split(','));
  const matches = pattern ? new RegExp(pattern) : undefined;
  return Object.entries(from).filter(([key]) => wanted.has(key) || matches?.test(key));
}

const variables = (env: readonly string[]): Record<string, string> =>
  Object.fromEntries(
    env.flatMap((entry) => {
      const equals = entry.indexOf('=');
      return equals < 0 ? [] : [[entry.slice(0, equals), entry.slice(equals + 1)]];
    }),
  );

/** As JSON with its keys in order, as Go writes a map; empty when there is nothing. */
export function attributesOf(options: Readonly<Record<string, string>>, container: LoggedContainer): string {
  const chosen = [
    ...choose(container.labels, options.labels, options['labels-regex']),
    ...choose(variables(container.env), options.env, options['env-regex']),
  ];
  const tag = options.tag ? tagOf(options.tag, container) : '';
  if (tag !== '') chosen.push(['tag', tag]);
  const all = new Map(chosen);
  if (all.size === 0) return '';
  return JSON.stringify(Object.fromEntries([...all].sort(([a], [b]) => (a < b ? -1 : 1))));
}
