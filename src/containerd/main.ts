/** `minirun-containerd`: our containerd as a daemon, with containerd's flags. */
import { existsSync, readFileSync, realpathSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { Command, Option } from 'commander';
import { openContainerd } from './containerd.ts';
import { isLevel, type Level, type Log, logTo, textOf } from './log.ts';
import { serveContainerd } from './server.ts';
import { VERSION } from './services/version.ts';

interface Flags {
  address?: string;
  root?: string;
  state?: string;
  logLevel?: string;
  config?: string;
}

/** Settings that a config file can have, of those that containerd's version 2 file knows. */
interface Settings {
  address: string;
  root: string;
  state: string;
  level: Level;
}

const DEFAULT_CONFIG = '/etc/containerd/config.toml';

const program = new Command('minirun-containerd')
  .description('containerd, in TypeScript: images, snapshots, containers and tasks over gRPC')
  .version(`minirun-containerd ${VERSION}`, '-v, --version', 'print the version')
  .option('-a, --address <path>', 'socket of the gRPC services (default: /run/containerd/containerd.sock)')
  .option('--root <folder>', 'what has to last (default: /var/lib/containerd)')
  .option('--state <folder>', 'what is gone after a reboot (default: /run/containerd)')
  .addOption(new Option('-l, --log-level <level>', 'trace, debug, info, warn, error, fatal or panic'))
  .option('-c, --config <path>', `address, root, state and log level in TOML (default: ${DEFAULT_CONFIG} is not read)`)
  .action((flags: Flags) => serve(settingsOf(flags)));

/** Flags count before the file, the file before the defaults. */
function settingsOf(flags: Flags): Settings {
  const file = flags.config === undefined ? {} : readConfig(flags.config);
  const level = flags.logLevel ?? file['debug.level'] ?? 'info';
  if (!isLevel(level)) throw new Error(`--log-level ${level}: not one of trace, debug, info, warn, error, fatal, panic`);
  return {
    address: (flags.address ?? file['grpc.address'] ?? '/run/containerd/containerd.sock').replace(/^unix:\/\//, ''),
    root: flags.root ?? file.root ?? '/var/lib/containerd',
    state: flags.state ?? file.state ?? '/run/containerd',
    level,
  };
}

/** The strings of a TOML file, by section and name; what we have no use for is left alone. */
function readConfig(path: string): Partial<Record<string, string>> {
  if (!existsSync(path)) throw new Error(`--config ${path}: no such file`);
  const found: Record<string, string> = {};
  let section = '';
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    section = /^\s*\[([^[\]]+)\]/.exec(line)?.[1]?.trim() ?? section;
    const [, name, value] = /^\s*([\w-]+)\s*=\s*["']([^"']*)["']/.exec(line) ?? [];
    if (name !== undefined && value !== undefined) found[section === '' ? name : `${section}.${name}`] = value;
  }
  return found;
}

async function serve({ address, root, state, level }: Settings): Promise<void> {
  const log: Log = logTo((line) => writeSync(2, line), level);
  survive(log);
  log('info', 'starting minirun-containerd', { version: VERSION, root, state });
  const program = realpathSync(process.argv[1] ?? process.execPath);
  const containerd = await openContainerd({
    root,
    state,
    address,
    program,
    // As containerd does: beside itself.
    shimFolders: [dirname(program)],
    log,
    writeLog: (text) => void process.stderr.write(text),
    debug: level === 'debug' || level === 'trace',
  });
  const listening = await serveContainerd(containerd, address);
  log('info', 'serving...', { address: `${address}.ttrpc` });
  log('info', 'serving...', { address });
  const stop = (signal: NodeJS.Signals) => {
    log('info', 'stopping', { signal });
    void listening
      .close()
      .then(containerd.close)
      .catch((error) => log('error', 'stopping failed', { error }))
      .finally(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

/** A fault in one call must not end everybody's daemon: it is told, and the rest goes on. */
function survive(log: Log): void {
  const tell = (error: unknown) =>
    log('error', 'fault', { error: error instanceof Error ? (error.stack ?? error.message) : String(error) });
  process.on('uncaughtException', tell);
  process.on('unhandledRejection', tell);
  // A client, a shim or a log that is gone.
  process.on('SIGPIPE', () => undefined);
}

program.parseAsync().catch((error) => {
  writeSync(2, `minirun-containerd: ${textOf(error)}\n`);
  process.exit(1);
});
