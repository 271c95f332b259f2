/**
 * Changes of an image's config, written as lines of a Dockerfile: `docker import --change`, `docker commit --change`.
 * @see https://docs.docker.com/reference/cli/docker/image/import/#change
 */
import { invalidArgument } from '../errors.ts';
import { type Healthcheck, parseHealthcheck } from './healthcheck.ts';

/** The part of an image's config that says how it runs. */
export interface RunConfig {
  Cmd?: string[];
  Entrypoint?: string[];
  Env?: string[];
  ExposedPorts?: Record<string, object>;
  Healthcheck?: Healthcheck;
  Labels?: Record<string, string>;
  OnBuild?: string[];
  StopSignal?: string;
  User?: string;
  Volumes?: Record<string, object>;
  WorkingDir?: string;
}

/** `["a", "b"]` as it is; anything else for the shell. */
function command(text: string): string[] {
  if (text.startsWith('[')) {
    try {
      const list: unknown = JSON.parse(text);
      if (Array.isArray(list) && list.every((word) => typeof word === 'string')) return list;
    } catch {
      // Docker takes it for a command of the shell as well.
    }
  }
  return ['/bin/sh', '-c', text];
}

/** Words of a line; quotes keep blanks together, a backslash keeps what follows. */
function words(text: string): string[] {
  const found: string[] = [];
  for (const [word] of text.matchAll(/(?:\\.|"(?:\\.|[^"\\])*"|'[^']*'|[^\s"'\\])+/g)) {
    found.push(
      word.replace(/\\(.)|"((?:\\.|[^"\\])*)"|'([^']*)'/g, (_, plain, double, single) => plain ?? single ?? double.replace(/\\(.)/g, '$1')),
    );
  }
  return found;
}

/** `A=b C="d e"`, or the old `A rest of the line`. */
function pairs(text: string, instruction: string): [name: string, value: string][] {
  const list = words(text);
  if (list[0] !== undefined && !list[0].includes('=')) {
    const [, name = '', value] = /^(\S+)\s+(.*)$/.exec(text) ?? [];
    if (value === undefined) throw invalidArgument(`${instruction} must have two arguments`);
    return [[name, value]];
  }
  return list.map((word) => {
    const equals = word.indexOf('=');
    if (equals <= 0) throw invalidArgument(`Syntax error - can't find = in ${JSON.stringify(word)}. Must be of the form: name=value`);
    return [word.slice(0, equals), word.slice(equals + 1)];
  });
}

const listOf = (text: string): string[] => (text.startsWith('[') ? command(text) : words(text));

function expose(config: RunConfig, text: string): void {
  for (const word of words(text)) {
    const [, first = '', last, protocol = 'tcp'] = /^(\d+)(?:-(\d+))?(?:\/(tcp|udp|sctp))?$/i.exec(word) ?? [];
    const [from, to] = [Number(first), Number(last ?? first)];
    if (first === '' || from < 1 || to > 65_535 || to < from) throw invalidArgument(`invalid containerPort: ${word}`);
    config.ExposedPorts ??= {};
    for (let port = from; port <= to; port++) config.ExposedPorts[`${port}/${protocol.toLowerCase()}`] = {};
  }
}

const CHANGES: Record<string, (config: RunConfig, text: string) => void> = {
  CMD: (config, text) => {
    config.Cmd = command(text);
  },
  ENTRYPOINT: (config, text) => {
    config.Entrypoint = command(text);
  },
  ENV: (config, text) => {
    for (const [name, value] of pairs(text, 'ENV')) {
      config.Env = [...(config.Env ?? []).filter((entry) => !entry.startsWith(`${name}=`)), `${name}=${value}`];
    }
  },
  EXPOSE: expose,
  HEALTHCHECK: (config, text) => {
    config.Healthcheck = parseHealthcheck(text, command);
  },
  LABEL: (config, text) => {
    config.Labels = { ...config.Labels, ...Object.fromEntries(pairs(text, 'LABEL')) };
  },
  ONBUILD: (config, text) => {
    config.OnBuild = [...(config.OnBuild ?? []), text];
  },
  STOPSIGNAL: (config, text) => {
    config.StopSignal = text;
  },
  USER: (config, text) => {
    config.User = text;
  },
  VOLUME: (config, text) => {
    config.Volumes = { ...config.Volumes, ...Object.fromEntries(listOf(text).map((path) => [path, {}])) };
  },
  WORKDIR: (config, text) => {
    // A relative one continues the last.
    const joined = text.startsWith('/') ? text : `${config.WorkingDir ?? ''}/${text}`;
    config.WorkingDir = `/${joined
      .split('/')
      .filter((part) => part !== '' && part !== '.')
      .join('/')}`;
  },
};

/**
 * The config with these lines applied; the given one stays as it is.
 * @throws invalid argument for an instruction that changes no config
 */
export function changeConfig(config: RunConfig, lines: readonly string[]): RunConfig {
  const changed = structuredClone(config);
  for (const line of lines) {
    const [, name = '', text = ''] = /^\s*(\S+)\s*(.*?)\s*$/s.exec(line) ?? [];
    const change = CHANGES[name.toUpperCase()];
    if (change === undefined) throw invalidArgument(`${name.toLowerCase()} is not a valid change command`);
    if (text === '') throw invalidArgument(`${name.toUpperCase()} requires at least one argument`);
    change(changed, text);
  }
  return changed;
}
